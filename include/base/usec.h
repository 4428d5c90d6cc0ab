/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_USEC_H
#define REAPERD_BASE_USEC_H

/*
 * Time in microseconds, and arithmetic on it that saturates. Spans and points in time come from
 * configuration files and from the engine; both may be absurd, and a due time that wrapped round would be a
 * container removed at once. So nothing here wraps: sums stop at infinity, differences at zero, and infinity
 * stays what it is.
 */

#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_INFINITY   ((usec_t)UINT64_MAX)
#define USEC_PER_MSEC   ((usec_t)1000)
#define USEC_PER_SEC    ((usec_t)1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR   (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY    (24 * USEC_PER_HOUR)
#define NSEC_PER_USEC   ((uint64_t)1000)
#define NSEC_PER_SEC    ((uint64_t)1000000000)

static inline usec_t usec_add(usec_t a, usec_t b) {
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/* a - b, never below 0; infinity minus anything stays infinity. */
static inline usec_t usec_sub(usec_t a, usec_t b) {
        if (a == USEC_INFINITY)
                return USEC_INFINITY;
        return a > b ? a - b : 0;
}

/* a * factor, never above infinity. */
static inline usec_t usec_mul(usec_t a, uint64_t factor) {
        usec_t product;

        return __builtin_mul_overflow(a, factor, &product) ? USEC_INFINITY : product;
}

static inline usec_t usec_min(usec_t a, usec_t b) {
        return a < b ? a : b;
}

static inline usec_t usec_max(usec_t a, usec_t b) {
        return a > b ? a : b;
}

#endif
