/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_POLICY_ORACLE_H
#define REAPERD_TESTS_POLICY_ORACLE_H

/*
 * What must be decided, computed from the specification alone: sums in 128 bits, outcomes by trying every
 * end that is compatible with what is known. And, without it, the properties that nothing may ever break.
 */

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "core-fixtures.h"
#include "core/policy.h"
#include "core/registry.h"

__extension__ typedef unsigned __int128 Wide;

static usec_t plus(usec_t a, usec_t b) {
        Wide sum = (Wide)a + b;

        return a == USEC_INFINITY || b == USEC_INFINITY || sum > USEC_INFINITY ? USEC_INFINITY : (usec_t)sum;
}

static usec_t latest(usec_t a, usec_t b, usec_t c) {
        usec_t m = a > b ? a : b;

        return m > c ? m : c;
}

static Outcome outcome_of_end(int exit_code, bool oom_killed, bool stop_asked) {
        if (oom_killed && exit_code != 0)
                return OUTCOME_OOM_KILLED;
        if (stop_asked)
                return OUTCOME_SHUTDOWN;
        if (exit_code == 143)
                return OUTCOME_SHUTDOWN;
        return exit_code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
}

static usec_t span_of(const Retention *r, Outcome o) {
        const usec_t spans[_OUTCOME_MAX] = {
                [OUTCOME_UNKNOWN] = USEC_INFINITY,
                [OUTCOME_SUCCESS] = r->success,
                [OUTCOME_FAILURE] = r->failure,
                [OUTCOME_OOM_KILLED] = r->oom_killed,
                [OUTCOME_SHUTDOWN] = r->shutdown,
                [OUTCOME_FAILED_START] = r->failed_start,
        };

        return spans[o];
}

/* Tries every end that is compatible with what is known. */
static usec_t soonest_span(const Retention *r, const Container *c, Outcome *ret_outcome) {
        static const int any_code[] = { 0, 1, 143 };
        bool trusted = c->exit_hinted && !c->exit_code_forged && c->scope == SCOPE_TASK;
        bool exact = c->finish == FINISH_EXACT, possible[_OUTCOME_MAX] = { false };
        usec_t soonest = USEC_INFINITY;
        unsigned n = 0;

        if (c->failed_start)
                possible[OUTCOME_FAILED_START] = true;
        else if (exact)
                possible[outcome_of_end(c->exit_code, c->oom_killed, c->stop_asked)] = true;
        else
                for (size_t i = 0; i < ELEMENTS_OF(any_code); i++)
                        for (int oom = 0; oom < 2; oom++)
                                possible[outcome_of_end(trusted ? c->exit_code : any_code[i], oom != 0,
                                                c->stop_asked)] = true;

        *ret_outcome = OUTCOME_UNKNOWN;
        for (Outcome o = OUTCOME_UNKNOWN; o < _OUTCOME_MAX; o++)
                if (possible[o]) {
                        n++;
                        *ret_outcome = o;
                        if (span_of(r, o) < soonest)
                                soonest = span_of(r, o);
                }
        if (n > 1)
                *ret_outcome = OUTCOME_UNKNOWN;
        return soonest;
}

static bool swarm_is_ready(SwarmState state) {
        return state == SWARM_ACTIVE || state == SWARM_INACTIVE;
}

static Decision oracle(const Retention *r, const Container *c, const Situation *s, usec_t now) {
        const char *node = shared_text(c->node);
        /* What is known of the node says nothing about containers that came later. */
        bool orphan = c->created < s->node_known_at &&
                      (s->out_of_swarm || (node && s->node_id && strcmp(node, s->node_id) != 0));
        usec_t orphan_age = orphan ? r->orphan_age : USEC_INFINITY;
        usec_t gates = s->engine_connected && swarm_is_ready(s->swarm_state)
                                       ? latest(s->settled_at, s->paused_until, c->retry_at)
                                       : USEC_INFINITY;
        Decision d = { .due = USEC_INFINITY };
        usec_t end, floor, span;

        /* 1. scope */
        if (c->scope == SCOPE_OTHER) {
                d.verdict = VERDICT_OUT_OF_SCOPE;
                return d;
        }
        d.exact = c->state_exact && (c->finish == FINISH_EXACT || c->failed_start);

        /* 2. gates: the state */
        if (c->state == CONTAINER_CREATED && !c->failed_start) {
                usec_t wait = r->failed_start < orphan_age ? r->failed_start : orphan_age;

                d.verdict = VERDICT_STARTING;
                d.due = latest(plus(c->created, wait), c->looked_at == 0 ? 0 : plus(c->looked_at, HOUR),
                                gates);
                return d;
        }
        if (c->state == CONTAINER_REMOVING && c->state_exact) {
                d.verdict = VERDICT_REMOVING;
                d.due = latest(plus(c->looked_at, MINUTE), 0, gates);
                return d;
        }
        if (c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED ||
                        c->state == CONTAINER_RESTARTING || c->state == CONTAINER_STATE_UNKNOWN) {
                d.verdict = c->state == CONTAINER_RUNNING      ? VERDICT_RUNNING
                            : c->state == CONTAINER_PAUSED     ? VERDICT_PAUSED
                            : c->state == CONTAINER_RESTARTING ? VERDICT_RESTARTING
                                                               : VERDICT_UNKNOWN_STATE;
                return d;
        }

        span = soonest_span(r, c, &d.outcome);
        if (span > orphan_age)
                span = orphan_age;
        if (c->failed_start)
                end = c->created;
        else if (c->finish != FINISH_BOUNDED)
                end = c->finished;
        else
                end = c->created > c->alive_until ? c->created : c->alive_until;
        floor = plus(c->failed_start ? c->error_seen : end, r->minimum_age);
        d.age = now > end ? now - end : 0;

        /* 2. gates: quarantine, the engine, Swarm, a pause */
        d.due = c->quarantined ? USEC_INFINITY : latest(plus(end, span), floor, gates);
        if (c->quarantined)
                d.verdict = VERDICT_QUARANTINED;
        else if (!s->engine_connected)
                d.verdict = VERDICT_ENGINE_UNREACHABLE;
        else if (s->settled_at > now)
                d.verdict = VERDICT_ENGINE_SETTLING;
        else if (!swarm_is_ready(s->swarm_state))
                d.verdict = VERDICT_SWARM_NOT_READY;
        else if (s->paused_until > now)
                d.verdict = VERDICT_REMOVALS_PAUSED;
        /* 3. the floor */
        else if (floor > now)
                d.verdict = VERDICT_TOO_YOUNG;
        /* 5. and 7. (4. and 6. have no settings yet); a container whose removal failed waits longer */
        else if (d.due > now)
                d.verdict = VERDICT_RETAINED;
        else if (c->scope == SCOPE_UNKNOWN)
                d.verdict = VERDICT_SCOPE_UNKNOWN;
        else
                d.verdict = orphan ? VERDICT_ORPHAN : VERDICT_TTL_EXPIRED;
        return d;
}

static void describe(const char *what, const Retention *r, const Container *c, const Situation *s,
                usec_t now, Decision want, Decision got) {
        print_error("%s: scope %u state %s finish %u exact %d exit %d hinted %d forged %d oom %d asked %d "
                    "failed-start %d\n",
                        what, c->scope, container_state_name(c->state), c->finish, c->state_exact,
                        c->exit_code, c->exit_hinted, c->exit_code_forged, c->oom_killed, c->stop_asked,
                        c->failed_start);
        print_error("  created %ju alive %ju finished %ju error %ju looked %ju retry %ju quarantined %d "
                    "node %s\n",
                        (uintmax_t)c->created, (uintmax_t)c->alive_until, (uintmax_t)c->finished,
                        (uintmax_t)c->error_seen, (uintmax_t)c->looked_at, (uintmax_t)c->retry_at,
                        c->quarantined, shared_text(c->node) ? shared_text(c->node) : "-");
        print_error("  connected %d settled %ju swarm %s node %s out %d paused %ju; now %ju\n",
                        s->engine_connected, (uintmax_t)s->settled_at, swarm_state_name(s->swarm_state),
                        s->node_id ? s->node_id : "-", s->out_of_swarm, (uintmax_t)s->paused_until,
                        (uintmax_t)now);
        print_error("  min %ju success %ju failure %ju oom %ju shutdown %ju failed-start %ju orphan %ju\n",
                        (uintmax_t)r->minimum_age, (uintmax_t)r->success, (uintmax_t)r->failure,
                        (uintmax_t)r->oom_killed, (uintmax_t)r->shutdown, (uintmax_t)r->failed_start,
                        (uintmax_t)r->orphan_age);
        print_error("  want %s %s exact %d age %ju due %ju\n  got  %s %s exact %d age %ju due %ju\n",
                        verdict_name(want.verdict), outcome_name(want.outcome), want.exact,
                        (uintmax_t)want.age, (uintmax_t)want.due, verdict_name(got.verdict),
                        outcome_name(got.outcome), got.exact, (uintmax_t)got.age, (uintmax_t)got.due);
        fail();
}

static void check_against_oracle(const Retention *r, const Container *c, const Situation *s, usec_t now) {
        Decision want = oracle(r, c, s, now), got = policy_decide(r, c, s, now);

        if (want.verdict != got.verdict || want.outcome != got.outcome || want.exact != got.exact ||
                        want.age != got.age || want.due != got.due)
                describe("not what the oracle says", r, c, s, now, want, got);
}

/* What may never happen, whatever the rest says. */
static void check_properties(const Retention *r, const Container *c, const Situation *s, usec_t now) {
        Decision d = policy_decide(r, c, s, now);
        usec_t end = c->failed_start               ? c->error_seen
                     : c->finish == FINISH_BOUNDED ? container_not_before(c)
                                                   : c->finished;
        bool stopped = c->state == CONTAINER_EXITED || c->state == CONTAINER_DEAD ||
                       (c->state == CONTAINER_CREATED && c->failed_start) ||
                       (c->state == CONTAINER_REMOVING && !c->state_exact); /* stale: an inspect is next */
        const char *broken = NULL;

        if (d.verdict >= _VERDICT_MAX || d.outcome >= _OUTCOME_MAX)
                broken = "out of range";
        else if (verdict_removes(d.verdict)) {
                if (!stopped)
                        broken = "removes what has not stopped";
                else if (c->scope != SCOPE_TASK)
                        broken = "removes what is no task";
                else if (now < end || now - end < r->minimum_age)
                        broken = "removes below the floor";
                else if (c->quarantined)
                        broken = "removes what is quarantined";
                else if (!s->engine_connected || now < s->settled_at)
                        broken = "removes while the engine is away or settling";
                else if (!swarm_is_ready(s->swarm_state))
                        broken = "removes while the Swarm is not ready";
                else if (now < s->paused_until || now < c->retry_at)
                        broken = "removes before its time";
                else if (d.due > now)
                        broken = "removes what is not due";
                else if (d.exact && d.outcome == OUTCOME_UNKNOWN)
                        broken = "removes without knowing the outcome";
        }
        if (d.due != USEC_INFINITY && d.due < latest(s->settled_at, s->paused_until, c->retry_at))
                broken = "due before the gates open";
        if (d.due != USEC_INFINITY && stopped && d.due < plus(end, r->minimum_age))
                broken = "due before the floor";
        if (broken)
                describe(broken, r, c, s, now, d, d);
}

#endif
