/* SPDX-License-Identifier: Apache-2.0 */

#include "core/figures.h"

/* An engine that has little to do answers within tens of milliseconds; one that is stuck lets a request run
 * into RequestTimeout=. */
const usec_t figures_buckets[FIGURES_BUCKETS_MAX] = {
        10 * USEC_PER_MSEC,
        25 * USEC_PER_MSEC,
        50 * USEC_PER_MSEC,
        100 * USEC_PER_MSEC,
        250 * USEC_PER_MSEC,
        500 * USEC_PER_MSEC,
        1 * USEC_PER_SEC,
        2500 * USEC_PER_MSEC,
        10 * USEC_PER_SEC,
        30 * USEC_PER_SEC,
};

const char *resync_cause_name(ResyncCause cause) {
        static const char *const names[_RESYNC_CAUSE_MAX] = {
                [RESYNC_CONNECT] = "connect",
                [RESYNC_INTERVAL] = "interval",
                [RESYNC_LOSS] = "loss",
                [RESYNC_RELOAD] = "reload",
                [RESYNC_SWARM] = "swarm",
        };

        return names[cause];
}

static void add_known(uint64_t *sum, uint64_t figure) {
        if (figure != FIGURE_UNKNOWN && __builtin_add_overflow(*sum, figure, sum))
                *sum = UINT64_MAX;
}

static void reclaim(Reclaimed *sum, const Holding *held) {
        add_known(&sum->cached, held->cached);
        add_known(&sum->dirty, held->dirty);
        add_known(&sum->disk, held->disk);
        add_known(&sum->inodes, held->inodes);
}

void figures_today(Figures *f, int64_t day) {
        if (f->day == day)
                return;
        f->day = day;
        f->removed_today = 0;
        f->reclaimed_today = (Reclaimed){};
}

void figures_removed(Figures *f, Verdict verdict, const Holding *held, int64_t day) {
        figures_today(f, day);
        f->removals[verdict]++;
        f->removed++;
        f->removed_today++;
        if (held) {
                reclaim(&f->reclaimed, held);
                reclaim(&f->reclaimed_today, held);
        }
}

void figures_took(Figures *f, usec_t duration) {
        size_t i = 0;

        f->duration_count++;
        f->duration_sum = usec_add(f->duration_sum, duration);

        while (i < FIGURES_BUCKETS_MAX && duration > figures_buckets[i])
                i++;
        if (i < FIGURES_BUCKETS_MAX)
                f->duration_buckets[i]++;
}
