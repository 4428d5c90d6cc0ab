/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_CGROUP_WALK_H
#define REAPERD_NODE_CGROUP_WALK_H

/*
 * A walk through a hierarchy of cgroups, which changes all the while: what vanishes is passed over. Links
 * are not followed, and it is bounded in cgroups and in depth, as whoever may make cgroups makes any number
 * of them.
 */

#include <limits.h>
#include <stddef.h>

#include "base/usec.h"

/* A level takes a descriptor while the walk is in it. */
#define CGROUP_DEPTH_MAX 32U

typedef struct CgroupWalk {
        /* How many have been seen below the root, and how many may be. */
        size_t n, n_max;
        /* How much of the thread's CPU time it may take; 0: any. */
        usec_t time_max;
        /* Called for each cgroup with none within, and for those as deep as the walk goes; `name` is
         * relative to the folder. What cannot be read is passed over then; without it, that and too great a
         * depth are errors. */
        void (*leaf)(struct CgroupWalk *w, int folder, const char *name);
        void *userdata;
        /* Of the cgroup that `leaf` is called for, below the root, with a slash behind each name. */
        char path[CGROUP_DEPTH_MAX * (NAME_MAX + 1) + 1];
        size_t n_path;
        usec_t began; /* by that time */
} CgroupWalk;

/* Goes through all below `root`. Returns 0 or more; -E2BIG if a bound was reached; another negative
 * errno. */
int cgroup_walk_run(CgroupWalk *w, const char *root);

#endif
