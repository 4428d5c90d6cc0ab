/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node/residency.h"

/* Linux 6.5; the same number everywhere but on alpha. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/* The smallest that pages are. */
#define PAGE_MIN 4096

typedef struct CachestatRange {
        uint64_t offset, length;
} CachestatRange;

/* All in pages. */
typedef struct CachestatAnswer {
        uint64_t cached, dirty, writeback, evicted, recently_evicted;
} CachestatAnswer;

static uint64_t page_size(void) {
        return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t smaller(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

int residency_cachestat(
                int fd, uint64_t offset, uint64_t length, uint64_t *ret_cached, uint64_t *ret_dirty) {
        CachestatRange range = { .offset = offset, .length = length };
        CachestatAnswer answer = { 0 };

        if (syscall(SYS_cachestat, fd, &range, &answer, 0U) < 0)
                return -errno;

        *ret_cached = answer.cached * page_size();
        /* A page that is written to while it is being written back is both. */
        *ret_dirty = smaller(answer.dirty + answer.writeback, answer.cached) * page_size();
        return 0;
}

/* Mapping a file loads nothing of it. Nothing of the map can be touched, so that a file that shrinks
 * meanwhile does no harm; and debuggers, which read what looks like a program being mapped, leave it
 * alone. */
static int ask_mincore(int fd, uint64_t offset, uint64_t length, uint64_t *ret_cached) {
        unsigned char pages[RESIDENCY_MINCORE_PART / PAGE_MIN];
        size_t n = (size_t)((length + page_size() - 1) / page_size());
        uint64_t resident = 0;
        void *map;
        int r = 0;

        map = mmap(NULL, (size_t)length, PROT_NONE, MAP_SHARED, fd, (off_t)offset);
        if (map == MAP_FAILED)
                return -errno;
        if (mincore(map, (size_t)length, pages) < 0)
                r = -errno;
        (void)munmap(map, (size_t)length);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; i++)
                resident += pages[i] & 1U;
        *ret_cached = resident * page_size();
        return 0;
}

int residency_try_mincore(void) {
        size_t size = (size_t)page_size();
        unsigned char page;
        void *map;
        int r;

        map = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED)
                return -errno;
        r = mincore(map, size, &page) < 0 ? -errno : 0;
        (void)munmap(map, size);
        return r;
}

Residency residency_begin(PageCacheMethod method, int fd, const struct stat *st) {
        uint64_t size = (uint64_t)st->st_size, allocated = (uint64_t)st->st_blocks * 512;

        return (Residency){
                .method = method,
                .fd = fd,
                .size = size,
                /* Other files are no larger than the disk, so that all of their parts can be asked about. */
                .sparse = size > allocated + RESIDENCY_CACHESTAT_PART,
        };
}

static void jump_over_hole(Residency *r) {
        off_t data = lseek(r->fd, (off_t)r->offset, SEEK_DATA);

        if (data < 0 && errno == ENXIO)
                r->offset = r->size;
        else if (data > 0 && (uint64_t)data > r->offset)
                r->offset = (uint64_t)data & ~(page_size() - 1);
}

int residency_step(Residency *r) {
        uint64_t part = r->method == PAGE_CACHE_MINCORE ? RESIDENCY_MINCORE_PART : RESIDENCY_CACHESTAT_PART;
        uint64_t length = smaller(part, r->size - r->offset), cached = 0, dirty = 0;
        int k;

        /* Up to the end would be all of a file that grows. */
        if (length == 0)
                return 0;

        if (r->method == PAGE_CACHE_MINCORE)
                k = ask_mincore(r->fd, r->offset, length, &cached);
        else
                k = residency_cachestat(r->fd, r->offset, length, &cached, &dirty);
        if (k < 0)
                return k;

        r->cached += cached;
        r->dirty += dirty;
        r->offset += length;
        if (r->sparse && cached == 0 && r->offset < r->size)
                jump_over_hole(r);
        return r->offset < r->size;
}
