/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_OUTCOME_H
#define REAPERD_CORE_OUTCOME_H

/*
 * How a container ended, and what its kind of end says about how long it is kept. What is not exact leaves
 * several ends possible: outcomes come as sets, a bit for each.
 */

#include "core/container.h"
#include "core/settings.h"

/* On exact values the first that applies: OOMKILLED (flag set, exit code not 0), SHUTDOWN (the engine was
 * asked to stop it, or, not seen, exit code 143), SUCCESS (exit code 0), FAILURE. */
typedef enum Outcome {
        OUTCOME_UNKNOWN, /* not ended, or more than one is possible by what is known */
        OUTCOME_SUCCESS,
        OUTCOME_FAILURE,
        OUTCOME_OOM_KILLED,
        OUTCOME_SHUTDOWN,
        OUTCOME_FAILED_START,
        _OUTCOME_MAX,
} Outcome;

const char *outcome_name(Outcome o);

static inline unsigned outcome_bit(Outcome o) {
        return 1U << o;
}

#define OUTCOME_FAILURES \
        (outcome_bit(OUTCOME_FAILURE) | outcome_bit(OUTCOME_OOM_KILLED) | outcome_bit(OUTCOME_FAILED_START))

/* Those that are possible for c, which has ended, by what is known of it. */
unsigned outcomes_possible(const Container *c);

/* The one in a set of one; else OUTCOME_UNKNOWN. */
Outcome outcomes_only(unsigned outcomes);

/* How long it is kept after this end; USEC_INFINITY for OUTCOME_UNKNOWN. */
usec_t outcome_span(const Retention *r, Outcome o);

/* The shortest of several spans, and the setting that tells it (untouched for the empty set). */
usec_t outcomes_shortest_span(const Retention *r, unsigned outcomes, SettingId *ret_setting);

#endif
