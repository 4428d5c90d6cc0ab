/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_NODE_FIGURES_H
#define REAPERD_CORE_NODE_FIGURES_H

/*
 * What the node has and uses at one moment, as plain values. The node layer reads them, the core decides
 * by them.
 */

#include <stdint.h>
#include <string.h>

/* The node does not tell, or has not been asked. */
#define FIGURE_UNKNOWN UINT64_MAX

typedef struct NodeFigures {
        /* Of /proc/meminfo, in bytes. */
        uint64_t memory_total;
        uint64_t memory_free;
        uint64_t memory_available;
        uint64_t cached;
        uint64_t slab_reclaimable;
        uint64_t slab_unreclaimable;
        uint64_t dirty;

        uint64_t dying_cgroups; /* memory cgroups that were removed and still hold memory */
        uint64_t engine_memory; /* anonymous memory of the engine, in bytes */

        /* Of the file system that holds the engine's root directory: as df(1) counts, so that the total is
         * what its users may use. Inodes are unknown where the file system has no fixed number of them. */
        uint64_t disk_total, disk_used;
        uint64_t inodes_total, inodes_used;
} NodeFigures;

/* Nothing is known. */
static inline NodeFigures node_figures_unknown(void) {
        NodeFigures f;

        memset(&f, 0xff, sizeof(f)); /* every one of them FIGURE_UNKNOWN */
        return f;
}

#endif
