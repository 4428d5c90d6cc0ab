/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_MEMORY_CGROUP_H
#define REAPERD_NODE_MEMORY_CGROUP_H

/*
 * The kernel's memory cgroups: how many are dying (removed, but pages are still charged to them), and who
 * uses most. Works with the unified hierarchy (v2), the old one (v1) and a mixture.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"

/* Where the memory controller is mounted. */
typedef struct MemoryCgroups {
        bool unified; /* v2 */
        char root[PATH_MAX];
        usec_t walk_max; /* of the thread's CPU time that a walk may take; 0: any */
} MemoryCgroups;

/* What a walk may take, so that the event loop does not stand still. */
#define MEMORY_CGROUPS_WALK_MAX (15 * USEC_PER_MSEC)

/* Finds it in `mountinfo` (the text of /proc/self/mountinfo) and `controllers` (that of /proc/cgroups: the
 * memory controller is in the unified hierarchy if its hierarchy there is 0, or if it is not listed). Only a
 * mount of the whole hierarchy counts: one of a sub-tree has some of the directories, while the kernel
 * counts all cgroups. Returns 0, -ENOENT if the kernel has no memory controller or it is not mounted,
 * -EBADMSG. */
int memory_cgroups_parse(const char *mountinfo, const char *controllers, MemoryCgroups *ret);
/* From the files themselves, below `proc` ("/proc"); a unified hierarchy is asked whether it has the
 * controller. Returns 0 or a negative errno as above. */
int memory_cgroups_find(const char *proc, MemoryCgroups *ret);

/* v2: nr_dying_descendants of the root's cgroup.stat. v1: the number of memory cgroups in `proc`/cgroups
 * less the directories below the root, and less the root itself; bounded, -E2BIG beyond. Returns 0 or a
 * negative errno. */
int memory_cgroups_count_dying(const MemoryCgroups *m, const char *proc, uint64_t *ret);

typedef struct MemoryUser {
        char cgroup[256]; /* below the root, as much of its end as fits; no leading slash */
        uint64_t bytes;   /* that the kernel cannot reclaim without swapping: anonymous and shared memory */
} MemoryUser;

/* Those leaves of the tree (no cgroups within) that use most, most first; what cannot be read is passed
 * over. Bounded in cgroups looked at (a few thousand). Writes up to `max`, returns how many, or a negative
 * errno if nothing could be read. */
int memory_cgroups_top(const MemoryCgroups *m, MemoryUser *ret, size_t max);

/* Anonymous memory of the cgroup `name` below the root, itself and all within. Returns 0 or a negative
 * errno. */
int memory_cgroups_anonymous(const MemoryCgroups *m, const char *name, uint64_t *ret);

#endif
