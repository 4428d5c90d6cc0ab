/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_RELIEF_H
#define REAPERD_CORE_RELIEF_H

/*
 * What is done against pressure: batch by batch, each followed by a pause (CoolDown=), a measurement and a
 * judgement. A batch helped only if the figure that caused it improved by MinimumReclaim=. After
 * GiveUpAfter= batches without help this cause is left alone for GiveUpFor=: deleting everything while a
 * process eats the memory would help nobody. Pure; all times are steady.
 */

#include "core/holding.h"
#include "core/policy.h"
#include "core/pressure.h"
#include "core/registry.h"

/* The most that BatchSize= accepts: ranks in a batch are counted in a byte. */
#define RELIEF_BATCH_MAX 100

typedef enum ReliefPhase {
        RELIEF_RESTING,  /* no batch is under way */
        RELIEF_REMOVING, /* its containers are being removed */
        RELIEF_COOLING,  /* waits for CoolDown= to pass, then relief_judge() */
} ReliefPhase;

/* What is known against one cause. */
typedef struct ReliefHistory {
        unsigned useless;      /* batches in a row that did not help */
        usec_t useless_at;     /* the last of them was judged then */
        usec_t given_up_until; /* 0: not given up */
} ReliefHistory;

/* What a batch removed and was expected to give back. Unknown holdings are counted apart. */
typedef struct ReliefBatch {
        PressureCause cause;
        unsigned share;      /* the figure that caused it, when it began */
        NodeFigures before;  /* when it began */
        unsigned removed;    /* by this batch */
        unsigned unanswered; /* DELETEs of it whose answer never came: they may have been removed */
        unsigned unknown;    /* of these, with an unknown holding in memory */
        unsigned otherwise;  /* removed meanwhile for other reasons (what they held is in the figures too) */
        uint64_t held, held_disk, held_inodes; /* sums over what is known of `removed` */
} ReliefBatch;

/* A value; initialise with relief_init(). */
typedef struct Relief {
        ReliefPhase phase;
        ReliefBatch batch; /* unless RELIEF_RESTING */
        usec_t cool_until; /* with RELIEF_COOLING */
        ReliefHistory history[_PRESSURE_THRESHOLD_MAX];
} Relief;

void relief_init(Relief *r);

/* The first threshold that counts and has not been given up; PRESSURE_NO_CAUSE if there is none. */
PressureCause relief_cause(const Relief *r, const Pressure *p, usec_t now);

/* The level that removals may go by: as pressure_level(), but without what has been given up. A stall
 * counts as given up while a cause of memory is. */
PressureLevel relief_level(const Relief *r, const Pressure *p, usec_t now);

/* Has this cause been given up? */
bool relief_has_given_up(const Relief *r, PressureCause cause, usec_t now);

/* A batch begins; the phase must be RELIEF_RESTING. */
void relief_begin(Relief *r, PressureCause cause, const NodeFigures *before);

/* A container was removed; h may be NULL: unknown. Without a batch nothing happens; one that cools down
 * still takes it in. `of_batch`: it is one of those chosen for it. */
void relief_removed(Relief *r, const Holding *h, bool of_batch);

/* The answer to the DELETE of one of the batch never came. Unless it is being removed nothing happens. */
void relief_unanswered(Relief *r);

/* All of the batch have been dealt with: cools down, or, if certainly none of it was removed,
 * rests. */
void relief_removals_ended(Relief *r, const Settings *s, usec_t now);

/* Forgets the batch that is under way; what was given up stays so. */
void relief_abort(Relief *r);

/* How a batch went. */
typedef struct ReliefReport {
        ReliefBatch batch;
        NodeFigures after;
        int64_t improvement; /* of the figure that caused it, in bytes (or inodes); below 0: it got worse */
        bool known;          /* ... as far as it could be read */
        bool helped;
        bool gave_up; /* by this batch: GiveUpAfter= is reached */
        unsigned useless;
} ReliefReport;

/* Ends the phase RELIEF_COOLING with a judgement. A batch helped if the improvement is at least
 * MinimumReclaim= (for inodes: that many bytes at 16 KiB an inode, as ext4 makes them). A figure that cannot
 * be read has not improved. MinimumReclaim=0: it is never given up. Batches without help count as being in a
 * row unless one helped in between, the cause was given up in between, or GiveUpFor= has passed from the
 * judgement of one to the last removal of the next (not to its judgement: CoolDown= may be the longer of
 * both, and is no rest from pressure). */
void relief_judge(Relief *r, const Settings *s, const NodeFigures *after, usec_t now, ReliefReport *ret);

/* When something changes by time alone: the end of cooling down, which stays until relief_judge(), or of
 * having given up; USEC_INFINITY: nothing does. */
usec_t relief_changes_at(const Relief *r, usec_t now);

/* after - before of one figure, as far as that goes into *ret, and whether both are known (else *ret is
 * untouched). */
bool relief_change(uint64_t before, uint64_t after, int64_t *ret);

/* Chooses a batch against this cause: of those that may go at the critical level now
 * (policy_decide_in_batch()), and are neither claimed nor gone, the first `max` (up to
 * RELIEF_BATCH_MAX) by Order=. What goes in any case now, or is asked for (policy_decide()), is left
 * out: it takes nobody's place; and one that is in hand, as while it is measured, waits for the next
 * batch. `held`: those that hold most of what is short come first (page cache; bytes on disk; inodes),
 * what is unknown behind them, then the oldest end first; `oldest`: the oldest end first. Writes them
 * into ret; returns how many. Nothing is changed. Needs no memory. */
size_t relief_select(const Registry *registry, const Settings *settings, const Situation *s,
                PressureCause cause, usec_t now, Container **ret, size_t max);

#endif
