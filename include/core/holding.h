/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_HOLDING_H
#define REAPERD_CORE_HOLDING_H

/*
 * What one stopped container holds: its writable layer and its log, in memory and on disk. Each figure may
 * be unknown (FIGURE_UNKNOWN): without the rights, by the kernel's age, or as the engine names no layer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/node-figures.h"

typedef struct Holding {
        uint64_t cached; /* bytes in the page cache */
        uint64_t dirty;  /* of these, not written back yet or being written back */
        uint64_t disk;   /* bytes allocated on disk */
        uint64_t inodes;
        bool partial; /* a bound was reached: the figures are the least that it holds */
} Holding;

#define HOLDING_UNKNOWN                          \
        ((Holding){ .cached = FIGURE_UNKNOWN,    \
                        .dirty = FIGURE_UNKNOWN, \
                        .disk = FIGURE_UNKNOWN,  \
                        .inodes = FIGURE_UNKNOWN })

#endif
