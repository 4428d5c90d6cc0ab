/* SPDX-License-Identifier: Apache-2.0 */

#include "core/explanation.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/explanation-level.h"
#include "core/explanation-sentence.h"
#include "core/explanation-text.h"
#include "core/slot.h"

const char *explanation_step_name(ExplanationStepKind kind) {
        static const char *const names[_EXPLAIN_STEP_MAX] = {
                [EXPLAIN_SCOPE] = "scope",
                [EXPLAIN_STATE] = "state",
                [EXPLAIN_RESTART] = "restart",
                [EXPLAIN_QUARANTINE] = "quarantine",
                [EXPLAIN_ENGINE] = "engine",
                [EXPLAIN_SETTLE] = "settle",
                [EXPLAIN_SWARM] = "swarm",
                [EXPLAIN_RELOAD] = "reload",
                [EXPLAIN_PAUSE] = "pause",
                [EXPLAIN_FIRST_RUN] = "first-run",
                [EXPLAIN_SURGE] = "surge",
                [EXPLAIN_FLOOR] = "floor",
                [EXPLAIN_KEEP_LABEL] = "keep-label",
                [EXPLAIN_KEEP_RULE] = "keep-rule",
                [EXPLAIN_KEEP_LAST] = "keep-last",
                [EXPLAIN_SPAN] = "span",
                [EXPLAIN_CAP] = "cap",
                [EXPLAIN_PRESSURE] = "pressure",
                [EXPLAIN_REQUEST] = "request",
                [EXPLAIN_RETRY] = "retry",
        };

        return names[kind];
}

const char *explanation_effect_name(ExplanationEffect effect) {
        static const char *const names[_EXPLANATION_EFFECT_MAX] = {
                [EFFECT_SKIPPED] = "skipped",
                [EFFECT_PASSES] = "passes",
                [EFFECT_KEEPS] = "keeps",
                [EFFECT_REMOVES] = "removes",
        };

        return names[effect];
}

static bool has_passed(usec_t at, usec_t now) {
        return now >= at && at != USEC_INFINITY;
}

static Case look_at(const Container *c, const Situation *s, usec_t now) {
        Situation open = policy_open_gates(s);
        Case k = {
                .c = c,
                .s = s,
                .now = now,
                .p = c->profile,
                .decision = policy_decide(c, s, now),
                .open = policy_decide(c, &open, now),
                .why = { c->over_cap, policy_is_in_batch(c, s), c->requested },
        };
        Decision state = {};
        unsigned outcomes;

        k.ended = policy_has_ended(c, USEC_INFINITY, &state);
        if (!k.ended || !k.p)
                return k;

        outcomes = outcomes_possible(c);
        k.moments = policy_moments(c, s, outcomes, policy_is_orphan(c, s));
        k.last = (Decision){
                .outcome = outcomes_only(outcomes),
                .exact = k.decision.exact,
        };
        k.last.keep_last = k.last.exact && now < k.moments.last_end &&
                           policy_is_kept_last(c, s, has_passed(k.moments.span_end, now),
                                           k.why.over_cap || k.why.in_batch, &k.last);
        return k;
}

/* --- each step by itself --- */

static void keep(ExplanationStep *step, usec_t until) {
        step->effect = EFFECT_KEEPS;
        step->until = until;
}

static void judge_scope(const Case *k, ExplanationStep *step) {
        if (k->decision.verdict == VERDICT_OUT_OF_SCOPE || k->decision.verdict == VERDICT_SCOPE_UNKNOWN)
                keep(step, USEC_INFINITY);
        else if (k->p && k->c->scope != SCOPE_UNKNOWN)
                step->effect = EFFECT_PASSES;
}

static void judge_restart(const Case *k, ExplanationStep *step) {
        Decision barred = {};

        if (k->p->is_task || k->c->looked_at == 0)
                return;
        if (policy_is_barred(k->c, &barred))
                keep(step, USEC_INFINITY);
        else
                step->effect = EFFECT_PASSES;
}

static void judge_gate(const Case *k, ExplanationStep *step, Verdict gate, usec_t until, SettingId setting) {
        step->setting = setting;
        if (policy_gate_is_closed(gate, k->c, k->s, k->now))
                keep(step, until);
        else
                step->effect = EFFECT_PASSES;
}

/* In a batch it goes from another floor on. */
static void judge_floor(const Case *k, ExplanationStep *step) {
        usec_t floor = k->moments.floor;

        step->setting = SETTING_MINIMUM_AGE;
        if (!k->ended)
                return;
        if (k->why.in_batch && k->moments.batch_floor < floor) {
                floor = k->moments.batch_floor;
                step->setting = SETTING_PRESSURE_MINIMUM_AGE;
        }
        if (k->now < floor)
                keep(step, floor);
        else
                step->effect = EFFECT_PASSES;
}

static void judge_keep_label(const Case *k, ExplanationStep *step) {
        usec_t end = k->ended ? k->moments.label_end : USEC_INFINITY;

        if (k->p->keep_by_label && k->now < end)
                keep(step, end);
        else
                step->effect = EFFECT_PASSES;
}

static void judge_keep_rule(const Case *k, ExplanationStep *step) {
        if (k->p->keep_by_rule)
                keep(step, USEC_INFINITY);
        else
                step->effect = EFFECT_PASSES;
}

static void judge_keep_last(const Case *k, ExplanationStep *step) {
        const Retention *r = &k->p->retention;
        bool failed = k->ended && outcome_bit(k->last.outcome) & OUTCOME_FAILURES;

        step->setting = failed && r->keep_last_failure > 0 ? SETTING_KEEP_LAST_FAILURE : SETTING_KEEP_LAST;
        if (!k->ended || !k->last.exact || k->moments.orphan ||
                        (r->keep_last == 0 && r->keep_last_failure == 0))
                return;

        if (k->now >= k->moments.last_end)
                step->setting = SETTING_KEEP_LAST_FOR;
        if (!k->last.keep_last || case_may_go(k)) {
                step->effect = EFFECT_PASSES;
                return;
        }
        step->setting = k->last.keep_failure ? SETTING_KEEP_LAST_FAILURE : SETTING_KEEP_LAST;
        keep(step, k->moments.last_end);
}

static void judge_span(const Case *k, ExplanationStep *step) {
        if (!k->ended)
                return;

        step->setting = k->moments.span_by;
        if (has_passed(k->moments.full_end, k->now))
                step->effect = EFFECT_REMOVES;
        else if (case_may_go(k))
                step->effect = EFFECT_PASSES;
        else
                keep(step, k->moments.full_end);
}

static void judge_cap(const Case *k, ExplanationStep *step) {
        step->setting = SETTING_MAX_STOPPED;
        if (k->ended && k->why.over_cap && k->now >= k->moments.floor && !k->last.keep_failure)
                step->effect = EFFECT_REMOVES;
}

static void judge_pressure(const Case *k, ExplanationStep *step) {
        const Moments *m = &k->moments;

        if (k->s->pressure == PRESSURE_ELEVATED) {
                step->setting = SETTING_ELEVATED_FACTOR;
                if (k->ended && has_passed(m->span_end, k->now) && k->now < m->full_end)
                        step->effect = EFFECT_REMOVES;
        } else if (k->s->pressure == PRESSURE_CRITICAL) {
                step->setting = k->s->pressure_by;
                if (k->ended && k->why.in_batch && k->now >= m->batch_floor && !k->last.keep_failure)
                        step->effect = EFFECT_REMOVES;
        }
}

static void judge_retry(const Case *k, ExplanationStep *step) {
        bool waits = k->now < k->c->retry_at && !k->s->without_backoff;
        usec_t until = waits && !k->c->requested ? k->c->retry_at : 0;

        if (k->c->scope == SCOPE_UNKNOWN && k->now < k->s->ask_again_at)
                until = usec_max(until, k->s->ask_again_at);

        if (until > 0)
                keep(step, until);
        else if (!waits)
                step->effect = EFFECT_PASSES;
}

static void judge(const Case *k, ExplanationStep *step) {
        const Situation *s = k->s;

        switch (step->kind) {
        case EXPLAIN_SCOPE:
                judge_scope(k, step);
                break;
        case EXPLAIN_STATE:
                if (k->ended)
                        step->effect = EFFECT_PASSES;
                else
                        keep(step, USEC_INFINITY);
                break;
        case EXPLAIN_RESTART:
                judge_restart(k, step);
                break;
        case EXPLAIN_QUARANTINE:
                step->setting = SETTING_QUARANTINE_AFTER;
                if (k->c->quarantined)
                        keep(step, USEC_INFINITY);
                else
                        step->effect = EFFECT_PASSES;
                break;
        case EXPLAIN_ENGINE:
                judge_gate(k, step, VERDICT_ENGINE_UNREACHABLE, USEC_INFINITY, _SETTING_INVALID);
                break;
        case EXPLAIN_SETTLE:
                judge_gate(k, step, VERDICT_ENGINE_SETTLING, s->settled_at, SETTING_SETTLE_TIME);
                break;
        case EXPLAIN_SWARM:
                judge_gate(k, step, VERDICT_SWARM_NOT_READY, USEC_INFINITY, _SETTING_INVALID);
                break;
        case EXPLAIN_RELOAD:
                judge_gate(k, step, VERDICT_RELOADING, USEC_INFINITY, _SETTING_INVALID);
                break;
        case EXPLAIN_PAUSE:
                judge_gate(k, step, VERDICT_REMOVALS_PAUSED, s->paused_until, _SETTING_INVALID);
                break;
        case EXPLAIN_FIRST_RUN:
                judge_gate(k, step, VERDICT_FIRST_RUN, s->first_run_until, SETTING_FIRST_RUN_DELAY);
                break;
        case EXPLAIN_SURGE:
                judge_gate(k, step, VERDICT_SURGE_HELD, s->surge_until, SETTING_SURGE_LIMIT);
                break;
        case EXPLAIN_FLOOR:
                judge_floor(k, step);
                break;
        case EXPLAIN_KEEP_LABEL:
                judge_keep_label(k, step);
                break;
        case EXPLAIN_KEEP_RULE:
                judge_keep_rule(k, step);
                break;
        case EXPLAIN_KEEP_LAST:
                judge_keep_last(k, step);
                break;
        case EXPLAIN_SPAN:
                judge_span(k, step);
                break;
        case EXPLAIN_CAP:
                judge_cap(k, step);
                break;
        case EXPLAIN_PRESSURE:
                judge_pressure(k, step);
                break;
        case EXPLAIN_REQUEST:
                if (k->c->requested)
                        step->effect = EFFECT_REMOVES;
                break;
        default:
                judge_retry(k, step);
        }
}

/* --- which one decides --- */

static ExplanationStepKind decider(const Case *k) {
        static const ExplanationStepKind of[_VERDICT_MAX] = {
                [VERDICT_UNKNOWN_STATE] = EXPLAIN_STATE,
                [VERDICT_RUNNING] = EXPLAIN_STATE,
                [VERDICT_PAUSED] = EXPLAIN_STATE,
                [VERDICT_RESTARTING] = EXPLAIN_STATE,
                [VERDICT_STARTING] = EXPLAIN_STATE,
                [VERDICT_REMOVING] = EXPLAIN_STATE,
                [VERDICT_OUT_OF_SCOPE] = EXPLAIN_SCOPE,
                [VERDICT_SCOPE_UNKNOWN] = EXPLAIN_SCOPE,
                [VERDICT_QUARANTINED] = EXPLAIN_QUARANTINE,
                [VERDICT_ENGINE_UNREACHABLE] = EXPLAIN_ENGINE,
                [VERDICT_ENGINE_SETTLING] = EXPLAIN_SETTLE,
                [VERDICT_SWARM_NOT_READY] = EXPLAIN_SWARM,
                [VERDICT_REMOVALS_PAUSED] = EXPLAIN_PAUSE,
                [VERDICT_AUTO_REMOVE] = EXPLAIN_RESTART,
                [VERDICT_MAY_RESTART] = EXPLAIN_RESTART,
                [VERDICT_RELOADING] = EXPLAIN_RELOAD,
                [VERDICT_FIRST_RUN] = EXPLAIN_FIRST_RUN,
                [VERDICT_SURGE_HELD] = EXPLAIN_SURGE,
                [VERDICT_TOO_YOUNG] = EXPLAIN_FLOOR,
                [VERDICT_KEPT_LABEL] = EXPLAIN_KEEP_LABEL,
                [VERDICT_KEPT_RULE] = EXPLAIN_KEEP_RULE,
                [VERDICT_KEPT_LAST] = EXPLAIN_KEEP_LAST,
                [VERDICT_RETAINED] = EXPLAIN_SPAN,
                [VERDICT_TTL_EXPIRED] = EXPLAIN_SPAN,
                [VERDICT_ORPHAN] = EXPLAIN_SPAN,
                [VERDICT_OVER_CAP] = EXPLAIN_CAP,
                [VERDICT_PRESSURE] = EXPLAIN_PRESSURE,
                [VERDICT_REQUESTED] = EXPLAIN_REQUEST,
        };

        /* It is said to be retained, too, while only the next attempt at its removal is waited for. */
        if (k->decision.verdict == VERDICT_RETAINED && case_may_go(k))
                return EXPLAIN_RETRY;
        return of[k->decision.verdict];
}

/* Is there something to say? Without knowing what holds for it, about the node only. */
static bool speaks(const Case *k, ExplanationStepKind kind) {
        if (k->decision.verdict == VERDICT_OUT_OF_SCOPE)
                return kind == EXPLAIN_SCOPE;
        return k->p || (kind != EXPLAIN_RESTART && kind <= EXPLAIN_SURGE);
}

/* Where the label or the rule was written that decides here and is no setting. NULL: nowhere. */
static const SettingOrigin *origin_of_rule(const Case *k, ExplanationStepKind kind) {
        if (kind == EXPLAIN_KEEP_RULE && k->p->keep_by_rule)
                return &k->p->rule->key_origins[RULE_ACTION];
        if (kind == EXPLAIN_SCOPE && k->p && !k->p->is_task && k->p->in_scope)
                return &k->p->rule->key_origins[RULE_ACTION];
        return NULL;
}

static int fill_in(const Case *k, ExplanationStep *step) {
        const SettingOrigin *origin = origin_of_rule(k, step->kind);
        bool by_label = step->kind == EXPLAIN_KEEP_LABEL && k->p->keep_by_label;
        int r = 0;

        if (!k->p)
                step->setting = _SETTING_INVALID;
        if (step->setting != _SETTING_INVALID) {
                step->value = explanation_value(k->p, step->setting);
                step->origin = explanation_origin(k->p, step->setting);
                r = step->value && step->origin ? 0 : -ENOMEM;
        } else if (by_label)
                r = text_append(&step->origin, "label %s", label_key_name(LABEL_KEEP));
        else if (origin && origin->file)
                r = text_append(&step->origin, "%s:%u", origin->file, origin->line);
        if (r < 0)
                return r;

        step->text = explanation_step_text(k, step);
        return step->text ? 0 : -ENOMEM;
}

static int make_steps(const Case *k, Explanation *e) {
        int r;

        for (ExplanationStepKind kind = 0; kind < _EXPLAIN_STEP_MAX; kind++) {
                ExplanationStep *step = &e->steps[e->n_steps];

                if (!speaks(k, kind))
                        continue;
                *step = (ExplanationStep){
                        .kind = kind,
                        .setting = _SETTING_INVALID,
                        .decides = kind == decider(k),
                };
                e->n_steps++;
                judge(k, step);
                r = fill_in(k, step);
                if (r < 0)
                        return r;
        }
        return 0;
}

int explanation_make(const Container *c, const Situation *s, usec_t now, Explanation *ret) {
        _cleanup_(explanation_done) Explanation e = {};
        Case k = look_at(c, s, now);
        int r;

        e.decision = k.decision;
        r = make_steps(&k, &e);
        if (r < 0)
                return r;
        for (PressureLevel pressure = 0; pressure < _PRESSURE_LEVEL_MAX; pressure++) {
                r = explanation_level_make(&k, pressure, &e.levels[pressure]);
                if (r < 0)
                        return r;
        }

        *ret = e;
        e = (Explanation){};
        return 0;
}

void explanation_done(Explanation *e) {
        for (size_t i = 0; i < e->n_steps; i++) {
                free(e->steps[i].value);
                free(e->steps[i].origin);
                free(e->steps[i].text);
        }
        for (size_t i = 0; i < _PRESSURE_LEVEL_MAX; i++) {
                free(e->levels[i].value);
                free(e->levels[i].origin);
                free(e->levels[i].text);
        }
        *e = (Explanation){};
}
