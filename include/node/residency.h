/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_RESIDENCY_H
#define REAPERD_NODE_RESIDENCY_H

/*
 * How much of one file is in the page cache. The kernel walks what is cached of the range that it is
 * asked about, so that a large file is asked about in parts.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

typedef enum PageCacheMethod {
        PAGE_CACHE_NONE, /* nothing can be told */
        PAGE_CACHE_CACHESTAT,
        PAGE_CACHE_MINCORE, /* cannot tell dirty pages */
} PageCacheMethod;

/* The most of a file that is asked about at once. */
#define RESIDENCY_CACHESTAT_PART ((uint64_t)256 << 20)
#define RESIDENCY_MINCORE_PART   ((uint64_t)64 << 20)

/* A value. */
typedef struct Residency {
        PageCacheMethod method;
        int fd; /* the caller's */
        uint64_t size, offset;
        bool sparse;
        uint64_t cached, dirty; /* bytes found so far; PAGE_CACHE_MINCORE: none is found dirty */
} Residency;

/* Begins with a regular file that is open for reading; `st` is what fstat(2) tells of it. The method is
 * not PAGE_CACHE_NONE; with PAGE_CACHE_MINCORE the caller has made sure of the right to, see
 * FileRights: without it every page is told to be resident. */
Residency residency_begin(PageCacheMethod method, int fd, const struct stat *st);

/* Asks about the next part. What no file could hold on disk is jumped over: the holes of sparse files,
 * behind a part of which nothing was cached. (A hole that was read is cached too: it is not seen if it
 * lies there.) Returns 1 if there is more, 0 if that was the last, or a negative errno: -EPERM,
 * -ENOSYS, ... */
int residency_step(Residency *r);

/* cachestat(2) of a range; a length of 0: to the end. Returns 0 or a negative errno. */
int residency_cachestat(int fd, uint64_t offset, uint64_t length, uint64_t *ret_cached, uint64_t *ret_dirty);

/* Is mincore(2) there, and not filtered? Of the right to ask about a file it knows nothing. Returns 0
 * or a negative errno. */
int residency_try_mincore(void);

#endif
