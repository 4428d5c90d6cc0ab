/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_EXPLANATION_CASE_H
#define REAPERD_CORE_EXPLANATION_CASE_H

/*
 * What is explained: the values that the decision about one container is made of. By these steps are judged
 * (explanation.c) and told (explanation-text.c), and so are the levels of pressure (explanation-level.c).
 */

#include "core/explanation.h"
#include "core/policy-private.h"

typedef struct Case {
        const Container *c;
        const Situation *s;
        usec_t now;
        const Profile *p; /* NULL: what holds is not known */

        Decision decision; /* policy_decide() */
        Decision open;     /* the same, were the gates of the node open and no removal had failed */
        Reasons why;
        bool ended; /* for good */

        /* If it has ended and what holds is known. */
        Moments moments;
        Decision last; /* outcome, whether that is exact, and whether it is kept as one of the last */
} Case;

/* Would it go but for the gates of the node, for retries and for its scope? Then what keeps it by its age
 * does not hold. */
static inline bool case_may_go(const Case *k) {
        return verdict_may_remove(k->open.verdict);
}

#endif
