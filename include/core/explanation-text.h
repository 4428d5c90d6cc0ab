/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_EXPLANATION_TEXT_H
#define REAPERD_CORE_EXPLANATION_TEXT_H

/*
 * The words of an explanation (explanation.c): what each step and each level of pressure says about a
 * container, in a sentence. Names stand in it as they are.
 */

#include "core/explanation.h"
#include "core/policy-private.h"

/* What steps are judged by: the values that the decision is made of. */
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

/* The value of a setting as it holds for these containers, as settings_format() writes it. A new string,
 * NULL if out of memory. */
char *explanation_value(const Profile *p, SettingId id);
/* Where it was set, as profile_origin() tells. Likewise. */
char *explanation_origin(const Profile *p, SettingId id);

/* The sentence of a step that is judged. Likewise. */
char *explanation_step_text(const Case *k, const ExplanationStep *step);

/* The sentence of a decision at a level: what is made of it by itself, and what of a later one, `then`, when
 * it is due. Likewise. */
char *explanation_level_text(const Case *k, const Decision *d, const Decision *then);

#endif
