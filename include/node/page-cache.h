/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_PAGE_CACHE_H
#define REAPERD_NODE_PAGE_CACHE_H

/*
 * What a stopped container holds: pages of its writable layer and of its log in the page cache, inodes,
 * bytes on disk. Here: whether that can be told on this node. What is told, see layer-walk.h.
 *
 * cachestat(2) (Linux 6.5) tells for each file; mincore(2) is asked on older kernels, and where a
 * filter does not know the newer call, but only with the right to: without it it does not fail, it
 * reports every page resident.
 */

#include "node/layer-walk.h"

/* Can this process look into the layers below the engine's root directory, and ask about the pages of
 * others' files? Returns 0 with a method that works; -EACCES: the layers cannot be read
 * (CAP_DAC_READ_SEARCH is missing); -EPERM: no right to ask about pages (CAP_FOWNER is missing, the
 * user namespace lacks ids, as with PrivateUsers=yes, or both calls are filtered); another negative errno
 * (-ENOENT: the directory is not there, as with an engine in another mount namespace). */
int page_cache_probe(const char *engine_root, PageCacheMethod *ret);

#endif
