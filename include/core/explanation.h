/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_EXPLANATION_H
#define REAPERD_CORE_EXPLANATION_H

/*
 * Why is this container still here, or why may it go? The order of decisions of core/policy step by step,
 * with the value that each step goes by, where that was set, and until when it holds; which of them has
 * decided; and what would be decided at each level of pressure. Pure, and made from the same values as the
 * decision itself: it never says another verdict.
 */

#include "core/policy.h"

/* In the order of decision. Names are stable. */
typedef enum ExplanationStepKind {
        EXPLAIN_SCOPE,      /* a Swarm task, or let in by a rule */
        EXPLAIN_STATE,      /* has it ended for good? */
        EXPLAIN_RESTART,    /* no task: the engine may start it again, or removes it by itself */
        EXPLAIN_QUARANTINE, /* removals of it failed too often */
        EXPLAIN_ENGINE,     /* can be spoken to */
        EXPLAIN_SETTLE,     /* and is up for SettleTime= */
        EXPLAIN_SWARM,
        EXPLAIN_RELOAD,
        EXPLAIN_PAUSE,
        EXPLAIN_FIRST_RUN,
        EXPLAIN_SURGE,
        EXPLAIN_FLOOR, /* MinimumAge= */
        EXPLAIN_KEEP_LABEL,
        EXPLAIN_KEEP_RULE,
        EXPLAIN_KEEP_LAST, /* KeepLast= and KeepLastFailure= */
        EXPLAIN_SPAN,      /* that of its outcome, or OrphanAge= */
        EXPLAIN_CAP,       /* MaxStopped= */
        EXPLAIN_PRESSURE,
        EXPLAIN_REQUEST, /* somebody has asked for its removal */
        EXPLAIN_RETRY,   /* a removal failed; waits for the next attempt */
        _EXPLAIN_STEP_MAX,
} ExplanationStepKind;

const char *explanation_step_name(ExplanationStepKind kind); /* "scope", "state", "restart", ... */

typedef enum ExplanationEffect {
        EFFECT_SKIPPED, /* says nothing about this container, or cannot be told yet */
        EFFECT_PASSES,  /* nothing against its removal, or overridden by a later step */
        EFFECT_KEEPS,
        EFFECT_REMOVES,
        _EXPLANATION_EFFECT_MAX,
} ExplanationEffect;

const char *explanation_effect_name(ExplanationEffect effect); /* "skipped", "passes", "keeps", "removes" */

typedef struct ExplanationStep {
        ExplanationStepKind kind;
        ExplanationEffect effect;
        bool decides;      /* exactly one step of an explanation does */
        SettingId setting; /* that it goes by; _SETTING_INVALID: none */
        usec_t until;      /* steady, if it keeps (USEC_INFINITY: time alone does not end that); else 0 */
        char *value;       /* owned; the setting's as it holds for this container; NULL without one */
        char *origin; /* owned; as profile_origin(), or the label or the rule that keeps it; else NULL */
        char *text;   /* owned; all of it in words, for people */
} ExplanationStep;

/* What would be decided at a level of pressure; at the critical one, if it were chosen for a batch (against
 * Situation.pressure_by, where that is none against the first threshold that is on). */
typedef struct ExplanationLevel {
        Decision decision;
        char *value, *origin; /* owned; of decision.setting; NULL without one */
        char *text;           /* owned */
} ExplanationLevel;

/* A value with owners inside: a zeroed one is empty; release with explanation_done(). Of what is out of
 * scope there is the first step only, and of what is not known yet those that are about the node. */
typedef struct Explanation {
        Decision decision;                        /* = policy_decide() */
        ExplanationStep steps[_EXPLAIN_STEP_MAX]; /* those that say something, in their order */
        size_t n_steps;
        ExplanationLevel levels[_PRESSURE_LEVEL_MAX];
} Explanation;

/* Each step is judged by itself, those behind the one that decides as well. Names are as given, not
 * printable by themselves. Returns 0 or -ENOMEM. Nothing is changed. */
int explanation_make(const Container *c, const Situation *s, usec_t now, Explanation *ret);
/* Releases what is inside and zeroes it. */
void explanation_done(Explanation *e);

#endif
