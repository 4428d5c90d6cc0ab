/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_POLICY_PRIVATE_H
#define REAPERD_CORE_POLICY_PRIVATE_H

/*
 * What the decision (policy.c, policy-last.c) is made of, for those who explain it (explanation.c): both go
 * by the same values. Nobody else includes this.
 */

#include "core/policy.h"

/* Why it may go other than by its own age. */
typedef struct Reasons {
        bool over_cap;  /* one of those that are too many */
        bool in_batch;  /* one of those that go against pressure */
        bool requested; /* somebody has asked for it */
} Reasons;

/* The moments that decide about a container that has ended, all steady. */
typedef struct Moments {
        usec_t end;         /* as far as it is known */
        usec_t floor;       /* MinimumAge behind it */
        usec_t batch_floor; /* [Pressure] MinimumAge= behind it */
        usec_t full_end;    /* its outcome's span, or OrphanAge, is over */
        usec_t span_end;    /* the same, but for what pressure takes off it */
        usec_t label_end;   /* until then a label keeps it */
        usec_t last_end;    /* until then it may be kept as one of the last */
        SettingId span_by;  /* whose value gave full_end */
        bool orphan;
} Moments;

/* c has a profile and has ended; `outcomes` are those possible, `orphan` as policy_is_orphan() says. */
Moments policy_moments(const Container *c, const Situation *s, unsigned outcomes, bool orphan);

/* Has it come to an end for good, by what is known? Else `ret` is filled in as far as its state decides. */
bool policy_has_ended(const Container *c, usec_t failed_start_span, Decision *ret);

/* May it not be touched at all? What an inspect has told of it decides, of a container that is no task;
 * `ret` is then filled in. It has a profile. */
bool policy_is_barred(const Container *c, Decision *ret);

/* Of VERDICT_ENGINE_UNREACHABLE to VERDICT_SURGE_HELD, as far as they are about the node: does this one hold
 * (now)? */
bool policy_gate_is_closed(Verdict gate, const Container *c, const Situation *s, usec_t now);

/* Is it kept as one of the last, certainly or perhaps? Fills in what decides. Somebody has to be asked
 * only if it could go otherwise: its span has passed, or it yields, as one too many or against pressure,
 * which only KeepLastFailure= could still prevent. c has a profile and an exact end. */
bool policy_is_kept_last(const Container *c, const Situation *s, bool span_passed, bool yields, Decision *d);

/* One that was chosen stays if the level is left before its turn. */
bool policy_is_in_batch(const Container *c, const Situation *s);

#endif
