/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_INSTANT_H
#define REAPERD_CORE_INSTANT_H

/*
 * The two clocks that decisions need, read at one moment.
 *
 * Docker stamps with the wall clock, which jumps. Ages must not: a node whose clock is set right an
 * hour after boot would lose an hour of retention. So there is one steady time line for everything that
 * is remembered and waited for: it begins as the wall clock at start-up and then follows CLOCK_BOOTTIME
 * (which counts suspend). A stamp is carried over to it once, at first sight, as "so long ago by the
 * wall clock of this moment".
 */

#include "base/usec.h"

typedef struct Instant {
        usec_t steady;   /* never jumps; comparable with every other `steady` of this process */
        usec_t realtime; /* CLOCK_REALTIME; only to be compared with Docker's stamps */
} Instant;

/* The steady time of a Docker stamp, seen now. A stamp in the future counts as now: age 0. */
static inline usec_t instant_of_stamp(const Instant *now, usec_t stamp_realtime) {
        return usec_sub(now->steady, usec_sub(now->realtime, stamp_realtime));
}

#endif
