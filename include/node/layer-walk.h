/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_LAYER_WALK_H
#define REAPERD_NODE_LAYER_WALK_H

/*
 * Measures what one stopped container holds, in slices, so that the event loop is never held for long.
 * What containers leave behind is hostile: links are not followed, FIFOs, sockets and devices are
 * counted and not opened, other file systems are not entered, and everything is bounded.
 */

#include "base/cleanup.h"
#include "base/usec.h"
#include "core/holding.h"
#include "node/residency.h"

/* Bounds for one container. */
#define LAYER_FILES_MAX  100000
#define LAYER_LINKED_MAX 20000              /* files with several links, which have to be remembered: 2 MB */
#define LAYER_DEPTH_MAX  64                 /* directories within each other, the layer's own included */
#define LAYER_TIME_MAX   (2 * USEC_PER_SEC) /* of the thread's CPU time */
#define LAYER_WAIT_MAX   (10 * USEC_PER_SEC) /* in its steps, most of it for a slow disk */
/* The longest slice that layer_walk_step() is to be asked for. */
#define LAYER_SLICE (5 * USEC_PER_MSEC)

typedef struct LayerWalk LayerWalk;

/* Begins to measure. `upper_dir`: the layer's directory (GraphDriver.Data.UpperDir), NULL: the engine
 * names none, then everything is unknown; `log_path`: the log (LogPath), with its rotated files beside
 * it (log_path and a dot in front of the rest of the name), NULL or "": there is none. Both are
 * absolute. PAGE_CACHE_NONE: disk and inodes are found all the same. Returns 0 or -ENOMEM. */
int layer_walk_new(const char *upper_dir, const char *log_path, PageCacheMethod method, LayerWalk **ret);
LayerWalk *layer_walk_free(LayerWalk *w);

typedef struct LayerBounds {
        unsigned files, linked;
        usec_t time, wait;
} LayerBounds;

/* Other bounds than those above, before the first step. */
void layer_walk_set_bounds(LayerWalk *w, const LayerBounds *bounds);

/* Goes on for about `slice`, measured after each file and each part of a large one; opening a file on a
 * disk that hangs is the only thing that it cannot bound. Returns 1 if there is more to do, 0 if it is
 * done. */
int layer_walk_step(LayerWalk *w, usec_t slice);

/* What has been found; all unknown if the layer could not be read at all. A file that is linked several
 * times within the layer counts once. The bytes in the page cache are unknown if those of a single file
 * are; a directory within that cannot be read makes the figures partial, and so does a walk that has
 * not ended. */
Holding layer_walk_holding(const LayerWalk *w);

DEFINE_CLEANUP(LayerWalk *, layer_walk_free, NULL);

#endif
