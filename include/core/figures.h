/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_FIGURES_H
#define REAPERD_CORE_FIGURES_H

/*
 * What the daemon counts, since its start and today: for the console and for metrics. Pure: what day it is,
 * is an argument.
 */

#include "core/holding.h"
#include "core/policy.h"

/* Why everything was listed. */
typedef enum ResyncCause {
        RESYNC_CONNECT,
        RESYNC_INTERVAL,
        RESYNC_LOSS,   /* an event was lost, or may have been */
        RESYNC_RELOAD, /* new settings */
        RESYNC_SWARM,  /* the Swarm was not ready */
        _RESYNC_CAUSE_MAX,
} ResyncCause;

const char *resync_cause_name(ResyncCause cause); /* "connect", "interval", "loss", "reload", "swarm" */

/* Upper bounds of how long a DELETE took until it was answered. */
#define FIGURES_BUCKETS_MAX 10
extern const usec_t figures_buckets[FIGURES_BUCKETS_MAX];

/* Sums of what was known of what removed ones held. */
typedef struct Reclaimed {
        uint64_t cached, dirty, disk, inodes;
} Reclaimed;

typedef struct Figures {
        uint64_t removals[_VERDICT_MAX]; /* in a dry run those that would have been */
        uint64_t removed;                /* all of them */
        uint64_t failed; /* given up for good: quarantined, or after the last attempt of --once */
        Reclaimed reclaimed;
        uint64_t events[_EVENT_ACTION_MAX];
        uint64_t resyncs[_RESYNC_CAUSE_MAX];

        uint64_t duration_buckets[FIGURES_BUCKETS_MAX]; /* each by itself, not cumulative */
        uint64_t duration_count;                        /* with those above the last bound */
        usec_t duration_sum;

        int64_t day; /* of what follows; see figures_today() */
        uint64_t removed_today;
        Reclaimed reclaimed_today;
} Figures;

/* One was removed; `held` may be NULL. `day` is any number that changes at midnight. */
void figures_removed(Figures *f, Verdict verdict, const Holding *held, int64_t day);
/* A DELETE was answered. */
void figures_took(Figures *f, usec_t duration);
/* Brings what is of today to this day. */
void figures_today(Figures *f, int64_t day);

#endif
