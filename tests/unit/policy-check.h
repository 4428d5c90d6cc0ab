/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_POLICY_CHECK_H
#define REAPERD_TESTS_POLICY_CHECK_H

/*
 * policy_decide() held against the oracle, and against what may never happen, whatever the oracle says.
 */

#include "policy-oracle.h"

static void describe(const char *what, const Container *c, const Situation *s, usec_t now,
                const Wanted *want, Decision got) {
        const Profile *p = c->profile;
        const Retention *r = &p->retention;

        print_error("%s: scope %u state %s finish %u exact %d exit %d hinted %d forged %d oom %d asked %d "
                    "failed-start %d\n",
                        what, c->scope, container_state_name(c->state), c->finish, c->state_exact,
                        c->exit_code, c->exit_hinted, c->exit_code_forged, c->oom_killed, c->stop_asked,
                        c->failed_start);
        print_error("  created %ju alive %ju finished %ju error %ju looked %ju retry %ju quarantined %d "
                    "node %s auto-remove %d may-restart %d over-cap %d surge-held %d slot of %zu\n",
                        (uintmax_t)c->created, (uintmax_t)c->alive_until, (uintmax_t)c->finished,
                        (uintmax_t)c->error_seen, (uintmax_t)c->looked_at, (uintmax_t)c->retry_at,
                        c->quarantined, shared_text(c->node) ? shared_text(c->node) : "-", c->auto_remove,
                        c->may_restart, c->over_cap, c->surge_held, slot_size(c->slot));
        print_error("  connected %d settled %ju swarm %s node %s out %d paused %ju reloading %d first-run "
                    "%ju "
                    "surge %ju; now %ju\n",
                        s->engine_connected, (uintmax_t)s->settled_at, swarm_state_name(s->swarm_state),
                        s->node_id ? s->node_id : "-", s->out_of_swarm, (uintmax_t)s->paused_until,
                        s->reloading, (uintmax_t)s->first_run_until, (uintmax_t)s->surge_until,
                        (uintmax_t)now);
        print_error("  task %d in-scope %d keep: label %d (for %ju) rule %d; last %u failure %u for %ju\n",
                        p->is_task, p->in_scope, p->keep_by_label, (uintmax_t)p->keep_label_for,
                        p->keep_by_rule, r->keep_last, r->keep_last_failure, (uintmax_t)r->keep_last_for);
        print_error("  pressure %s by %d rank %u min %ju factor %u\n", pressure_level_name(s->pressure),
                        s->pressure_by, c->batch_rank, (uintmax_t)p->settings->pressure.minimum_age,
                        p->settings->pressure.elevated_factor);
        print_error("  min %ju success %ju failure %ju oom %ju shutdown %ju failed-start %ju orphan %ju\n",
                        (uintmax_t)r->minimum_age, (uintmax_t)r->success, (uintmax_t)r->failure,
                        (uintmax_t)r->oom_killed, (uintmax_t)r->shutdown, (uintmax_t)r->failed_start,
                        (uintmax_t)r->orphan_age);
        if (want)
                print_error("  want %s %s exact %d age %ju due %s%ju setting %d or %d (any: %d) "
                            "keep-failure %d unsure %d/%d undecided %d\n",
                                verdict_name(want->verdict), outcome_name(want->outcome), want->exact,
                                (uintmax_t)want->age, want->due_at_least ? ">= " : "", (uintmax_t)want->due,
                                want->setting, want->or_setting, want->any_setting, want->keep_failure,
                                want->unsure, want->unsure_fail, want->undecided);
        print_error("  got  %s %s exact %d age %ju due %ju setting %d keep-failure %d ask %d\n",
                        verdict_name(got.verdict), outcome_name(got.outcome), got.exact, (uintmax_t)got.age,
                        (uintmax_t)got.due, got.setting, got.keep_failure, got.ask != NULL);
        fail();
}

static inline bool in_batch(const Container *c, const Situation *s) {
        return s->pressure == PRESSURE_CRITICAL && c->batch_rank > 0;
}

static const char *what_is_wrong(const Container *c, const Situation *s, usec_t now, bool capped,
                const Wanted *want, const Decision *got) {
        bool over_cap = (capped && c->over_cap) || in_batch(c, s), near = place_of(c, s).seen_near;

        if (want->exact != got->exact)
                return "not the exactness that the oracle sees";
        if (!want->barred && (want->outcome != got->outcome || want->age != got->age))
                return "not the facts that the oracle sees";
        if (want->undecided)
                return NULL;
        if (got->ask && !want->unsure && !want->unsure_fail && !near)
                return "asks about what is certain";
        if (want->unsure_fail && (over_cap || want->unsure)) {
                if (verdict_removes(got->verdict))
                        return "removes what may be one of the last failures";
                if (got->verdict == VERDICT_KEPT_LAST && !got->ask)
                        return "keeps what may be one of the last failures, and asks nobody";
                return NULL;
        }
        if (want->unsure && !over_cap) {
                if (verdict_removes(got->verdict))
                        return "removes what may be one of the last";
                if (got->verdict == VERDICT_KEPT_LAST && !got->ask)
                        return "keeps what may be one of the last, and asks nobody";
                return NULL;
        }
        /* Whoever trusts a `die` event less may ask, or not yet know. */
        if (near && (got->ask || got->verdict == VERDICT_RETAINED))
                return verdict_removes(got->verdict) && !verdict_removes(want->verdict)
                                       ? "removes what the oracle keeps"
                                       : NULL;
        /* It goes either way: nobody need ask which of both it is. */
        if (over_cap && (want->unsure || near) && verdict_removes(want->verdict) &&
                        verdict_removes(got->verdict))
                return NULL;
        if (want->verdict != got->verdict && (want->or_verdict == 0 || want->or_verdict != got->verdict))
                return "not the oracle's verdict";
        if (want->due_at_least ? got->due < want->due
                               : got->due != want->due && (got->due > now || want->due > now) &&
                                                        !(near && got->due < want->due))
                return "not the oracle's due time";
        if (!want->any_setting && !(near && want->verdict == VERDICT_KEPT_LAST) &&
                        got->setting != want->setting && got->setting != want->or_setting)
                return "not the setting that decided";
        if (want->verdict == VERDICT_KEPT_LAST && !want->unsure_fail && !near &&
                        want->keep_failure != got->keep_failure)
                return "not what KeepLastFailure= does";
        return NULL;
}

static void compare(const Container *c, const Situation *s, usec_t now, bool capped) {
        Decision got = capped ? policy_decide(c, s, now) : policy_decide_uncapped(c, s, now);
        Wanted want = oracle(c, s, now, capped);
        const char *wrong = what_is_wrong(c, s, now, capped, &want, &got);

        if (wrong)
                describe(wrong, c, s, now, &want, got);
}

static inline void check_against_oracle(const Container *c, const Situation *s, usec_t now) {
        compare(c, s, now, true);
        if (c->over_cap)
                compare(c, s, now, false);
}

/* What MinimumAge= counts from. */
static inline usec_t floor_from(const Container *c) {
        return c->failed_start               ? c->error_seen
               : c->finish == FINISH_BOUNDED ? container_not_before(c)
                                             : c->finished;
}

/* What may never happen, whatever the rest says. */
static inline void check_properties(const Container *c, const Situation *s, usec_t now) {
        Decision d = policy_decide(c, s, now);
        const Profile *p = c->profile;
        /* What goes against pressure may be younger, but for that it must be in the batch. */
        usec_t minimum = in_batch(c, s) && d.verdict == VERDICT_PRESSURE ? p->settings->pressure.minimum_age
                                                                         : p->retention.minimum_age;
        usec_t least = in_batch(c, s) ? sooner(p->settings->pressure.minimum_age, p->retention.minimum_age)
                                      : p->retention.minimum_age;
        usec_t end = floor_from(c);
        usec_t began = c->failed_start ? c->created : end;
        bool stopped = c->state == CONTAINER_EXITED || c->state == CONTAINER_DEAD ||
                       (c->state == CONTAINER_CREATED && c->failed_start) ||
                       (c->state == CONTAINER_REMOVING && !c->state_exact); /* stale: an inspect is next */
        const char *broken = NULL;

        if (d.verdict >= _VERDICT_MAX || d.outcome >= _OUTCOME_MAX)
                broken = "out of range";
        else if (verdict_removes(d.verdict)) {
                if (!stopped)
                        broken = "removes what has not stopped";
                else if (c->scope == SCOPE_UNKNOWN || !p->in_scope)
                        broken = "removes what is not in scope";
                else if (now < end || now - end < minimum)
                        broken = "removes below the floor";
                else if (c->quarantined)
                        broken = "removes what is quarantined";
                else if (!s->engine_connected || now < s->settled_at)
                        broken = "removes while the engine is away or settling";
                else if (!swarm_is_ready(s->swarm_state))
                        broken = "removes while the Swarm is not ready";
                else if (now < s->paused_until || now < c->retry_at)
                        broken = "removes before its time";
                else if (s->reloading || now < s->first_run_until)
                        broken = "removes while reloading or on a first run";
                else if (c->surge_held && now < s->surge_until)
                        broken = "removes what a surge holds";
                else if (!p->is_task && c->looked_at != 0 && (c->auto_remove || c->may_restart))
                        broken = "removes what is the engine's";
                else if (p->keep_by_rule)
                        broken = "removes what a rule keeps";
                else if (p->keep_by_label && (now < began || now - began < p->keep_label_for))
                        broken = "removes what a label keeps";
                else if (d.keep_failure || d.ask)
                        broken = "removes what it keeps, or asks about";
                else if (d.due > now)
                        broken = "removes what is not due";
                else if (d.exact && d.outcome == OUTCOME_UNKNOWN)
                        broken = "removes without knowing the outcome";
                else if (d.verdict == VERDICT_OVER_CAP && !c->over_cap)
                        broken = "caps what is not over the cap";
                else if (d.verdict == VERDICT_ORPHAN && (c->scope != SCOPE_TASK || !policy_is_orphan(c, s)))
                        broken = "takes it for an orphan";
                else if (d.verdict == VERDICT_PRESSURE && !in_batch(c, s) &&
                                s->pressure != PRESSURE_ELEVATED)
                        broken = "takes it for pressure";
                else if (d.setting < 0 || d.setting >= _SETTING_MAX)
                        broken = "removes for no reason that there is";
        }
        if (d.ask && (d.ask->finish == FINISH_EXACT || d.ask->failed_start))
                broken = "asks about what is exact";
        if (d.ask && d.ask->slot != c->slot)
                broken = "asks about a stranger";
        if (d.due != USEC_INFINITY && d.due < latest(s->settled_at, s->paused_until, c->retry_at))
                broken = "due before the gates open";
        if (d.due != USEC_INFINITY && stopped && d.verdict != VERDICT_MAY_RESTART &&
                        d.verdict != VERDICT_AUTO_REMOVE && d.due < plus(end, least))
                broken = "due before the floor";
        if (broken)
                describe(broken, c, s, now, NULL, d);
}

/* While nothing changes nothing goes before `due`, and at `due` it does, unless an inspect comes first. */
static inline void check_due_is_honest(
                const Container *c, const Situation *s, usec_t now, uint64_t *random) {
        Decision d = policy_decide(c, s, now), then;

        for (unsigned i = 0; i < 4 && d.due > 0; i++) {
                usec_t t = i == 0                  ? d.due - 1
                           : i == 1                ? 0
                           : i == 2 && now < d.due ? now
                                                   : random_next(random) % d.due;

                then = policy_decide(c, s, t);
                /* No cap chooses what KeepLastFailure= keeps: the flag must come first, and is a change. */
                if (d.keep_failure && (then.verdict == VERDICT_OVER_CAP || in_batch(c, s)))
                        continue;
                if (verdict_removes(then.verdict))
                        describe("removes before it said it would", c, s, t, NULL, then);
        }
        if (d.due == USEC_INFINITY)
                return;
        /* What is due at once need not tell since when. */
        then = policy_decide(c, s, d.due > now ? d.due : now);
        if (verdict_removes(then.verdict) || !then.exact || then.ask)
                return;
        /* These are only looked at again. */
        if (then.verdict == VERDICT_STARTING || then.verdict == VERDICT_REMOVING ||
                        then.verdict == VERDICT_AUTO_REMOVE || then.verdict == VERDICT_MAY_RESTART)
                return;
        /* Nobody is asked about one of the batch, but below Pressure.MinimumAge= it would have to be. */
        if (in_batch(c, s) && then.verdict == VERDICT_KEPT_LAST && !then.keep_failure &&
                        plus(floor_from(c), c->profile->settings->pressure.minimum_age) >
                                        latest(d.due, now, 0))
                return;
        if (then.verdict != VERDICT_SCOPE_UNKNOWN)
                describe("does not remove when it said it would", c, s, d.due, NULL, then);
}

#endif
