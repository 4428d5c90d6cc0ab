/* SPDX-License-Identifier: Apache-2.0 */

#include "core/outcome.h"
#include "core/policy-private.h"
#include "core/slot.h"

/* When two ends that events told are closer together than this, their order is not certain: events are
 * stamped a moment after the end. */
#define SEEN_PRECISION (2 * USEC_PER_SEC)

typedef enum Answer {
        ANSWER_NO,
        ANSWER_YES,
        ANSWER_PERHAPS,
} Answer;

/* Did `other` end behind c, whose end is exact? */
static Answer ended_behind(const Container *other, const Container *c) {
        usec_t at = slot_order(other), end = slot_order(c);

        if (slot_end_is_exact(other))
                return slot_compare(other, c) < 0 ? ANSWER_YES : ANSWER_NO;
        if (other->finish == FINISH_BOUNDED)
                return at > end ? ANSWER_YES : ANSWER_PERHAPS; /* it ended then, or later */
        if (at > usec_add(end, SEEN_PRECISION))
                return ANSWER_YES;
        return usec_add(at, SEEN_PRECISION) < end ? ANSWER_NO : ANSWER_PERHAPS;
}

static Answer is_failure(const Container *c) {
        unsigned outcomes = outcomes_possible(c);

        if (!(outcomes & OUTCOME_FAILURES))
                return ANSWER_NO;
        return outcomes & ~OUTCOME_FAILURES ? ANSWER_PERHAPS : ANSWER_YES;
}

/* Is c, whose end is exact, among the newest n of its slot, or of its slot's failures? *ret_ask is
 * filled in if that is not certain. */
static Answer is_among_last(const Container *c, const Situation *s, unsigned n, bool failures,
                const Container **ret_ask) {
        const Container *unknown = NULL;
        size_t newer = 0, perhaps = 0;

        if (n == 0 || !c->slot)
                return ANSWER_NO;
        if (n == COUNT_INFINITY)
                return ANSWER_YES;

        for (const Container *other = c->slot->newest; other && newer < n; other = other->slot_next) {
                /* Who comes later in the list ended earlier, unless that is only a bound. */
                if (other == c && c->slot->n_inexact == 0)
                        break;

                Answer behind = other != c ? ended_behind(other, c) : ANSWER_NO;
                Answer counts = failures ? is_failure(other) : ANSWER_YES;

                if (behind == ANSWER_NO || counts == ANSWER_NO || policy_is_orphan(other, s))
                        continue;
                /* A label may have put it here that anybody can write. */
                if (other->scope == SCOPE_UNKNOWN)
                        counts = ANSWER_PERHAPS;
                if (behind == ANSWER_YES && counts == ANSWER_YES)
                        newer++;
                else {
                        perhaps++;
                        /* One that cannot be asked now must not keep others from being asked. */
                        if (!unknown || (unknown->attempts > 0 && other->attempts == 0))
                                unknown = other;
                }
        }

        if (newer >= n)
                return ANSWER_NO;
        if (newer + perhaps < n)
                return ANSWER_YES;
        *ret_ask = unknown;
        return ANSWER_PERHAPS;
}

bool policy_is_kept_last(
                const Container *c, const Situation *s, bool span_passed, bool yields, Decision *d) {
        const Retention *r = &c->profile->retention;
        const Container *ask_failures = NULL, *ask_all = NULL;
        Answer of_failures = ANSWER_NO, of_all;

        if (outcome_bit(d->outcome) & OUTCOME_FAILURES)
                of_failures = is_among_last(c, s, r->keep_last_failure, true, &ask_failures);
        if (of_failures == ANSWER_YES || (of_failures == ANSWER_PERHAPS && yields)) {
                d->keep_failure = true;
                d->ask = ask_failures;
                return true;
        }

        of_all = is_among_last(c, s, r->keep_last, false, &ask_all);
        if (of_all == ANSWER_YES)
                return true;
        if (!span_passed || (of_failures == ANSWER_NO && of_all == ANSWER_NO))
                return false;
        d->keep_failure = of_failures == ANSWER_PERHAPS;
        if (!yields)
                d->ask = d->keep_failure ? ask_failures : ask_all;
        return true;
}
