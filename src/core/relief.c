/* SPDX-License-Identifier: Apache-2.0 */

#include "core/relief.h"

#include "core/slot.h"

/* What MinimumReclaim= is in inodes: ext4 makes one for so many bytes. */
#define BYTES_PER_INODE 16384

void relief_init(Relief *r) {
        *r = (Relief){ .phase = RELIEF_RESTING };
}

bool relief_has_given_up(const Relief *r, PressureCause cause, usec_t now) {
        if (cause < _PRESSURE_THRESHOLD_MAX)
                return now < r->history[cause].given_up_until;
        return cause == PRESSURE_STALL && (relief_has_given_up(r, PRESSURE_MEMORY_AVAILABLE, now) ||
                                                          relief_has_given_up(r, PRESSURE_MEMORY_USED, now));
}

PressureCause relief_cause(const Relief *r, const Pressure *p, usec_t now) {
        for (PressureCause cause = 0; cause < _PRESSURE_THRESHOLD_MAX; cause++)
                if (pressure_counts(p, cause, now) && !relief_has_given_up(r, cause, now))
                        return cause;

        return PRESSURE_NO_CAUSE;
}

PressureLevel relief_level(const Relief *r, const Pressure *p, usec_t now) {
        if (relief_cause(r, p, now) != PRESSURE_NO_CAUSE)
                return PRESSURE_CRITICAL;
        if (pressure_counts(p, PRESSURE_STALL, now) && !relief_has_given_up(r, PRESSURE_STALL, now))
                return PRESSURE_ELEVATED;
        return PRESSURE_NORMAL;
}

void relief_begin(Relief *r, PressureCause cause, const NodeFigures *before) {
        r->phase = RELIEF_REMOVING;
        r->batch = (ReliefBatch){
                .cause = cause,
                .share = pressure_share(before, cause),
                .before = *before,
        };
}

static void add_known(uint64_t *sum, uint64_t figure) {
        if (figure != FIGURE_UNKNOWN && __builtin_add_overflow(*sum, figure, sum))
                *sum = UINT64_MAX;
}

void relief_removed(Relief *r, const Holding *h, bool of_batch) {
        const Holding unknown = HOLDING_UNKNOWN;
        ReliefBatch *b = &r->batch;

        if (r->phase == RELIEF_RESTING)
                return;
        if (!of_batch) {
                b->otherwise++;
                return;
        }

        if (!h)
                h = &unknown;
        b->removed++;
        b->unknown += h->cached == FIGURE_UNKNOWN;
        add_known(&b->held, h->cached);
        add_known(&b->held_disk, h->disk);
        add_known(&b->held_inodes, h->inodes);
}

void relief_unanswered(Relief *r) {
        if (r->phase == RELIEF_REMOVING)
                r->batch.unanswered++;
}

void relief_removals_ended(Relief *r, const Settings *s, usec_t now) {
        ReliefHistory *h = &r->history[r->batch.cause];

        if (r->phase != RELIEF_REMOVING)
                return;
        if (r->batch.removed == 0 && r->batch.unanswered == 0) {
                relief_abort(r);
                return;
        }

        /* What lies before having given up, or too long ago, is in no row with this one. */
        if (h->given_up_until != 0 || now >= usec_add(h->useless_at, s->pressure.give_up_for))
                *h = (ReliefHistory){};

        r->phase = RELIEF_COOLING;
        r->cool_until = usec_add(now, s->pressure.cool_down);
}

void relief_abort(Relief *r) {
        r->phase = RELIEF_RESTING;
        r->batch = (ReliefBatch){};
        r->cool_until = 0;
}

bool relief_change(uint64_t before, uint64_t after, int64_t *ret) {
        if (before == FIGURE_UNKNOWN || after == FIGURE_UNKNOWN)
                return false;

        if (__builtin_sub_overflow(after, before, ret))
                *ret = after > before ? INT64_MAX : INT64_MIN;
        return true;
}

/* Of the figure that caused the batch; above 0: there is more room than before. */
static bool improvement(
                PressureCause cause, const NodeFigures *before, const NodeFigures *after, int64_t *ret) {
        switch (cause) {
        case PRESSURE_MEMORY_AVAILABLE:
                return relief_change(before->memory_available, after->memory_available, ret);
        case PRESSURE_MEMORY_USED:
                return relief_change(before->memory_free, after->memory_free, ret);
        case PRESSURE_DISK_USED:
                return relief_change(after->disk_used, before->disk_used, ret);
        case PRESSURE_DISK_INODES:
                return relief_change(after->inodes_used, before->inodes_used, ret);
        default:
                return false;
        }
}

/* In the unit of the cause. Part of an inode is no inode: rounded up. */
static uint64_t minimum_improvement(const Settings *s, PressureCause cause) {
        uint64_t bytes = s->pressure.minimum_reclaim;

        if (cause != PRESSURE_DISK_INODES)
                return bytes;
        return bytes / BYTES_PER_INODE + (bytes % BYTES_PER_INODE != 0);
}

/* Notes how a batch against this cause went. True if the cause is given up by that. */
static bool note_outcome(ReliefHistory *h, const Settings *s, bool helped, usec_t now) {
        if (helped) {
                h->useless = 0;
                return false;
        }

        h->useless++;
        h->useless_at = now;
        if (s->pressure.minimum_reclaim == 0 || h->useless < s->pressure.give_up_after)
                return false;

        h->given_up_until = usec_add(now, s->pressure.give_up_for);
        return true;
}

void relief_judge(Relief *r, const Settings *s, const NodeFigures *after, usec_t now, ReliefReport *ret) {
        PressureCause cause = r->batch.cause;
        ReliefReport report = { .batch = r->batch, .after = *after };

        report.known = improvement(cause, &r->batch.before, after, &report.improvement);
        report.helped = report.known && report.improvement >= 0 &&
                        (uint64_t)report.improvement >= minimum_improvement(s, cause);
        report.gave_up = note_outcome(&r->history[cause], s, report.helped, now);
        report.useless = r->history[cause].useless;

        relief_abort(r);
        *ret = report;
}

usec_t relief_changes_at(const Relief *r, usec_t now) {
        usec_t at = r->phase == RELIEF_COOLING ? r->cool_until : USEC_INFINITY;

        for (PressureCause cause = 0; cause < _PRESSURE_THRESHOLD_MAX; cause++)
                if (relief_has_given_up(r, cause, now))
                        at = usec_min(at, r->history[cause].given_up_until);

        return at;
}

/* --- who goes first --- */

typedef struct Candidate {
        Container *c;
        uint64_t weight; /* one more than what it holds of what is short; 0: unknown, or without meaning */
} Candidate;

static uint64_t weight(const Holding *h, PressureCause cause) {
        uint64_t held;

        if (!h)
                return 0;
        if (pressure_is_memory(cause))
                held = h->cached;
        else
                held = cause == PRESSURE_DISK_USED ? h->disk : h->inodes;
        return held == FIGURE_UNKNOWN ? 0 : held + 1;
}

static bool goes_first(const Candidate *a, const Candidate *b) {
        if (a->weight != b->weight)
                return a->weight > b->weight;
        return slot_compare(a->c, b->c) > 0; /* ended earlier */
}

/* Would it be asked for, or removed, by this decision now? */
static bool may_go(const Decision *d, usec_t now) {
        return verdict_may_remove(d->verdict) && d->due <= now;
}

/* What goes in any case, right now, takes nobody's place in a batch. */
static bool is_eligible(const Container *c, const Situation *s, usec_t now) {
        Decision d;

        if (c->claimed || c->gone)
                return false;
        d = policy_decide_in_batch(c, s, now);
        if (!may_go(&d, now))
                return false;
        d = policy_decide(c, s, now);
        return !may_go(&d, now);
}

size_t relief_select(const Registry *registry, const Settings *settings, const Situation *s,
                PressureCause cause, usec_t now, Container **ret, size_t max) {
        Candidate first[RELIEF_BATCH_MAX];
        size_t n = 0;

        if (max > RELIEF_BATCH_MAX)
                max = RELIEF_BATCH_MAX;

        for (Container *c = registry_next(registry, NULL); c; c = registry_next(registry, c)) {
                Candidate candidate = { .c = c };
                size_t place = n;

                if (settings->pressure.order == RELIEF_ORDER_HELD)
                        candidate.weight = weight(registry_holding(registry, c), cause);
                while (place > 0 && goes_first(&candidate, &first[place - 1]))
                        place--;
                if (place >= max || !is_eligible(c, s, now))
                        continue;

                if (n < max)
                        n++;
                for (size_t i = n - 1; i > place; i--)
                        first[i] = first[i - 1];
                first[place] = candidate;
        }

        for (size_t i = 0; i < n; i++)
                ret[i] = first[i].c;
        return n;
}
