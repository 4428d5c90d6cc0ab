/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "base/cleanup.h"
#include "core/policy-private.h"
#include "core/registry.h"
#include "core/slot.h"

const char *verdict_name(Verdict v) {
        static const char *const names[_VERDICT_MAX] = {
                [VERDICT_UNKNOWN_STATE] = "unknown-state",
                [VERDICT_RUNNING] = "running",
                [VERDICT_PAUSED] = "paused",
                [VERDICT_RESTARTING] = "restarting",
                [VERDICT_STARTING] = "starting",
                [VERDICT_REMOVING] = "removing",
                [VERDICT_OUT_OF_SCOPE] = "out-of-scope",
                [VERDICT_SCOPE_UNKNOWN] = "scope-unknown",
                [VERDICT_QUARANTINED] = "quarantined",
                [VERDICT_ENGINE_UNREACHABLE] = "engine-unreachable",
                [VERDICT_ENGINE_SETTLING] = "engine-settling",
                [VERDICT_SWARM_NOT_READY] = "swarm-not-ready",
                [VERDICT_REMOVALS_PAUSED] = "removals-paused",
                [VERDICT_AUTO_REMOVE] = "auto-remove",
                [VERDICT_MAY_RESTART] = "may-restart",
                [VERDICT_RELOADING] = "reloading",
                [VERDICT_FIRST_RUN] = "first-run",
                [VERDICT_SURGE_HELD] = "surge-held",
                [VERDICT_TOO_YOUNG] = "too-young",
                [VERDICT_KEPT_LABEL] = "kept-label",
                [VERDICT_KEPT_RULE] = "kept-rule",
                [VERDICT_KEPT_LAST] = "kept-last",
                [VERDICT_RETAINED] = "retained",
                [VERDICT_TTL_EXPIRED] = "ttl-expired",
                [VERDICT_ORPHAN] = "orphan",
                [VERDICT_OVER_CAP] = "over-cap",
                [VERDICT_PRESSURE] = "pressure",
                [VERDICT_REQUESTED] = "requested",
        };

        return names[v];
}

bool verdict_removes(Verdict v) {
        return v == VERDICT_TTL_EXPIRED || v == VERDICT_ORPHAN || v == VERDICT_OVER_CAP ||
               v == VERDICT_PRESSURE || v == VERDICT_REQUESTED;
}

bool verdict_may_remove(Verdict v) {
        return verdict_removes(v) || v == VERDICT_SCOPE_UNKNOWN;
}

bool policy_swarm_ready(SwarmState state) {
        return state == SWARM_ACTIVE || state == SWARM_INACTIVE;
}

bool policy_is_orphan(const Container *c, const Situation *s) {
        const char *node = shared_text(c->node);

        if (c->scope == SCOPE_OTHER || (c->scope == SCOPE_UNKNOWN && !c->labelled))
                return false;

        /* The node may have joined another Swarm since. */
        if (c->created >= s->node_known_at)
                return false;

        if (s->out_of_swarm)
                return true;
        return s->node_id && node && strcmp(node, s->node_id) != 0;
}

bool policy_is_barred(const Container *c, Decision *ret) {
        if (c->profile->is_task || c->looked_at == 0 || !(c->auto_remove || c->may_restart))
                return false;

        ret->verdict = c->auto_remove ? VERDICT_AUTO_REMOVE : VERDICT_MAY_RESTART;
        /* The policy can be changed, and the engine's own removal can fail; no event tells. */
        ret->due = usec_add(c->looked_at, STARTING_LOOK_INTERVAL);
        return true;
}

bool policy_has_ended(const Container *c, usec_t failed_start_span, Decision *ret) {
        switch ((ContainerState)c->state) {
        case CONTAINER_EXITED:
        case CONTAINER_DEAD:
                return true;
        case CONTAINER_REMOVING:
                /* A list may say so for ever while an inspect says `dead` (engines up to 28). */
                if (!c->state_exact)
                        return true;
                ret->verdict = VERDICT_REMOVING;
                ret->due = usec_add(c->looked_at, REMOVING_LOOK_INTERVAL);
                return false;
        case CONTAINER_CREATED:
                if (c->failed_start)
                        return true;
                /* Only an inspect tells a start that failed from one that is still to come. */
                ret->verdict = VERDICT_STARTING;
                ret->due = usec_add(c->created, failed_start_span);
                if (c->looked_at != 0)
                        ret->due = usec_max(ret->due, usec_add(c->looked_at, STARTING_LOOK_INTERVAL));
                return false;
        case CONTAINER_RUNNING:
                ret->verdict = VERDICT_RUNNING;
                return false;
        case CONTAINER_PAUSED:
                ret->verdict = VERDICT_PAUSED;
                return false;
        case CONTAINER_RESTARTING:
                ret->verdict = VERDICT_RESTARTING;
                return false;
        default:
                ret->verdict = VERDICT_UNKNOWN_STATE;
                return false;
        }
}

bool policy_gate_is_closed(Verdict gate, const Container *c, const Situation *s, usec_t now) {
        switch (gate) {
        case VERDICT_ENGINE_UNREACHABLE:
                return !s->engine_connected;
        case VERDICT_ENGINE_SETTLING:
                return now < s->settled_at || s->settled_at == USEC_INFINITY;
        case VERDICT_SWARM_NOT_READY:
                return !policy_swarm_ready(s->swarm_state);
        case VERDICT_RELOADING:
                return s->reloading;
        case VERDICT_REMOVALS_PAUSED:
                return now < s->paused_until;
        case VERDICT_FIRST_RUN:
                return now < s->first_run_until || s->first_run_until == USEC_INFINITY;
        case VERDICT_SURGE_HELD:
                return c->surge_held && now < s->surge_until;
        default:
                return false;
        }
}

/* Is there something about the node that forbids this removal? */
static bool node_forbids(const Container *c, const Situation *s, usec_t now, Verdict *ret) {
        static const Verdict gates[] = {
                VERDICT_ENGINE_UNREACHABLE,
                VERDICT_ENGINE_SETTLING,
                VERDICT_SWARM_NOT_READY,
                VERDICT_RELOADING,
                VERDICT_REMOVALS_PAUSED,
                VERDICT_FIRST_RUN,
                VERDICT_SURGE_HELD,
        };

        for (size_t i = 0; i < ELEMENTS_OF(gates); i++)
                if (policy_gate_is_closed(gates[i], c, s, now)) {
                        *ret = gates[i];
                        return true;
                }
        return false;
}

usec_t policy_allows_at(const Container *c, const Situation *s) {
        usec_t at = usec_max(usec_max(s->settled_at, s->paused_until), s->first_run_until);

        /* Who asks for a removal need not wait for what has been made of those before. */
        if (!s->without_backoff && !c->requested)
                at = usec_max(at, c->retry_at);
        if (c->scope == SCOPE_UNKNOWN)
                at = usec_max(at, s->ask_again_at);

        if (!s->engine_connected || !policy_swarm_ready(s->swarm_state) || s->reloading)
                return USEC_INFINITY;
        return c->surge_held ? usec_max(at, s->surge_until) : at;
}

Situation policy_open_gates(const Situation *s) {
        Situation open = *s;

        open.engine_connected = true;
        open.settled_at = 0;
        open.swarm_state = SWARM_ACTIVE;
        open.paused_until = 0;
        open.reloading = false;
        open.first_run_until = 0;
        open.surge_until = 0;
        open.ask_again_at = 0;
        open.without_backoff = true;
        return open;
}

/* What is left of a span under pressure. */
static usec_t shrink(const Container *c, const Situation *s, usec_t span) {
        unsigned share = c->profile->settings->pressure.elevated_factor;

        if (s->pressure != PRESSURE_ELEVATED || span == USEC_INFINITY)
                return span;
        return share_part(span, share);
}

Moments policy_moments(const Container *c, const Situation *s, unsigned outcomes, bool orphan) {
        const Retention *r = &c->profile->retention;
        Moments m = { .end = slot_order(c), .span_by = _SETTING_INVALID, .orphan = orphan };
        usec_t span = outcomes_shortest_span(r, outcomes, &m.span_by), since;

        if (m.span_by != _SETTING_INVALID)
                m.span_by = profile_decider(c->profile, m.span_by);
        if (orphan && r->orphan_age < span) {
                span = r->orphan_age;
                m.span_by = SETTING_ORPHAN_AGE;
        }
        /* A failed start has no end that could be dated: it counts from its creation, and the floor
         * from the first sight of the error. */
        since = c->failed_start ? c->error_seen : m.end;
        m.floor = usec_add(since, r->minimum_age);
        m.batch_floor = usec_add(since, c->profile->settings->pressure.minimum_age);
        m.full_end = usec_add(m.end, span);
        m.span_end = usec_add(m.end, shrink(c, s, span));
        if (c->profile->keep_by_label)
                m.label_end = usec_add(m.end, c->profile->keep_label_for);
        if (!orphan)
                m.last_end = usec_add(m.end, r->keep_last_for);
        return m;
}

/* When it may go by all that its age and its kind say. */
static usec_t due_by_age(
                const Container *c, const Moments *m, Reasons why, bool kept_last, bool keep_failure) {
        usec_t due = usec_max(usec_max(m->span_end, m->floor), kept_last ? m->last_end : 0);
        usec_t last_end = keep_failure ? m->last_end : 0;

        if (c->profile->keep_by_rule)
                return USEC_INFINITY;
        if (why.over_cap)
                due = usec_min(due, usec_max(m->floor, last_end));
        if (why.in_batch)
                due = usec_min(due, usec_max(m->batch_floor, last_end));
        if (why.requested)
                due = usec_min(due, m->floor);
        return usec_max(due, m->label_end);
}

/* What its age and its kind say, the node being willing: from the floor on. */
static void decide_by_age(const Container *c, const Situation *s, usec_t now, const Moments *m, Reasons why,
                Decision *d) {
        bool span_passed = now >= m->span_end && m->span_end != USEC_INFINITY, old_enough = now >= m->floor;
        bool kept_last = d->exact && now < m->last_end &&
                         policy_is_kept_last(c, s, span_passed, why.over_cap || why.in_batch, d);

        d->keep_last = kept_last;
        if (why.requested) /* then no other's end matters */
                d->ask = NULL;
        d->due = due_by_age(c, m, why, kept_last, d->keep_failure);

        if (!old_enough && !(why.in_batch && now >= m->batch_floor)) {
                d->verdict = VERDICT_TOO_YOUNG;
                d->setting = why.in_batch ? SETTING_PRESSURE_MINIMUM_AGE : SETTING_MINIMUM_AGE;
        } else if (now < m->label_end)
                d->verdict = VERDICT_KEPT_LABEL;
        else if (c->profile->keep_by_rule)
                d->verdict = VERDICT_KEPT_RULE;
        else if (old_enough && span_passed && !kept_last && now < m->full_end) {
                d->verdict = VERDICT_PRESSURE;
                d->setting = SETTING_ELEVATED_FACTOR;
        } else if (old_enough && span_passed && !kept_last) {
                d->verdict = m->orphan ? VERDICT_ORPHAN : VERDICT_TTL_EXPIRED;
                d->setting = m->full_end >= m->floor ? m->span_by : SETTING_MINIMUM_AGE;
                /* A label that kept it has run out later than all the rest. */
                if (m->label_end > usec_max(m->full_end, m->floor))
                        d->setting = SETTING_LABELS_MAX_TTL;
        } else if (old_enough && why.over_cap && !d->keep_failure) {
                d->verdict = VERDICT_OVER_CAP;
                d->setting = SETTING_MAX_STOPPED;
        } else if (why.in_batch && now >= m->batch_floor && !d->keep_failure) {
                d->verdict = VERDICT_PRESSURE;
                d->setting = s->pressure_by;
        } else if (old_enough && why.requested) {
                d->verdict = VERDICT_REQUESTED;
        } else if (kept_last) {
                d->verdict = VERDICT_KEPT_LAST;
                d->setting = d->keep_failure ? SETTING_KEEP_LAST_FAILURE : SETTING_KEEP_LAST;
        } else {
                d->verdict = VERDICT_RETAINED;
                d->setting = m->span_by;
        }

        if (verdict_removes(d->verdict) && c->scope == SCOPE_UNKNOWN)
                d->verdict = VERDICT_SCOPE_UNKNOWN;
}

static Decision decide(const Container *c, const Situation *s, usec_t now, Reasons why) {
        Decision d = { .due = USEC_INFINITY, .setting = _SETTING_INVALID };
        const Profile *p = c->profile;
        bool orphan = policy_is_orphan(c, s);
        unsigned outcomes;
        Moments m;

        /* That the engine has not listed it as a task is not enough for one that says that it is. */
        if ((p && !p->in_scope) ||
                        (c->scope == SCOPE_OTHER &&
                                        (!p || p->is_task || (c->labelled && !c->listed_other)))) {
                d.verdict = VERDICT_OUT_OF_SCOPE;
                return d;
        }

        d.exact = c->state_exact && slot_end_is_exact(c);
        if (!p) {
                /* Its labels come with the next list, and with them what holds for it. */
                if (policy_has_ended(c, USEC_INFINITY, &d))
                        d.verdict = VERDICT_SCOPE_UNKNOWN;
                d.due = USEC_INFINITY;
                return d;
        }

        if (!policy_has_ended(c,
                            shrink(c, s,
                                            usec_min(p->retention.failed_start,
                                                            orphan ? p->retention.orphan_age
                                                                   : USEC_INFINITY)),
                            &d) ||
                        policy_is_barred(c, &d)) {
                d.due = usec_max(d.due, policy_allows_at(c, s));
                return d;
        }

        outcomes = outcomes_possible(c);
        d.outcome = outcomes_only(outcomes);
        m = policy_moments(c, s, outcomes, orphan);
        d.age = usec_sub(now, m.end);
        decide_by_age(c, s, now, &m, why, &d);

        /* Gates come first: what is due by its age waits for them. */
        if (c->quarantined) {
                d.verdict = VERDICT_QUARANTINED;
                d.setting = _SETTING_INVALID;
                d.due = USEC_INFINITY;
                return d;
        }
        d.due = usec_max(d.due, policy_allows_at(c, s));
        if (node_forbids(c, s, now, &d.verdict))
                d.setting = _SETTING_INVALID;
        /* A removal that has failed waits for its next attempt. */
        if (verdict_may_remove(d.verdict) && now < d.due)
                d.verdict = VERDICT_RETAINED;
        return d;
}

bool policy_is_in_batch(const Container *c, const Situation *s) {
        return c->batch_rank != 0 && s->pressure == PRESSURE_CRITICAL;
}

Decision policy_decide(const Container *c, const Situation *s, usec_t now) {
        return decide(c, s, now,
                        (Reasons){ .over_cap = c->over_cap,
                                        .in_batch = policy_is_in_batch(c, s),
                                        .requested = c->requested });
}

Decision policy_decide_uncapped(const Container *c, const Situation *s, usec_t now) {
        return decide(c, s, now,
                        (Reasons){ .in_batch = policy_is_in_batch(c, s), .requested = c->requested });
}

Decision policy_decide_in_batch(const Container *c, const Situation *s, usec_t now) {
        Situation critical = *s;

        critical.pressure = PRESSURE_CRITICAL;
        return decide(c, &critical, now,
                        (Reasons){ .over_cap = c->over_cap, .in_batch = true, .requested = c->requested });
}

bool policy_is_due(const Container *c, const Situation *s, usec_t now, Verdict *ret_verdict) {
        Situation open = policy_open_gates(s);
        Decision d;

        open.pressure = PRESSURE_NORMAL;
        d = decide(c, &open, now, (Reasons){ .over_cap = c->over_cap });

        if (c->gone || d.due > now || !verdict_may_remove(d.verdict))
                return false;
        if (ret_verdict)
                *ret_verdict = d.verdict;
        return true;
}

uint16_t policy_due_set(const Container *c, const Situation *s, usec_t now) {
        unsigned outcomes = outcomes_possible(c), due = 0, unless_last = 0;
        bool known = (c->state_exact && slot_end_is_exact(c)) || c->over_cap;
        bool orphan = policy_is_orphan(c, s);
        const Retention *r;

        if (!policy_is_due(c, s, now, NULL))
                return 0;

        r = &c->profile->retention;
        for (Outcome o = OUTCOME_UNKNOWN + 1; o < _OUTCOME_MAX; o++) {
                usec_t span = usec_min(outcome_span(r, o), orphan ? r->orphan_age : USEC_INFINITY);
                bool may_be_last = !orphan && now < usec_add(slot_order(c), r->keep_last_for) &&
                                   (r->keep_last > 0 || (r->keep_last_failure > 0 &&
                                                                        outcome_bit(o) & OUTCOME_FAILURES));

                if (!(outcomes & outcome_bit(o)) || (!known && now < usec_add(slot_order(c), span)))
                        continue;
                unless_last |= outcome_bit(o);
                if (known || !may_be_last)
                        due |= outcome_bit(o);
        }
        return (uint16_t)(due | unless_last << DUE_SET_SHIFT);
}
