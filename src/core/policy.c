/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "core/policy.h"
#include "core/registry.h"

#define EXIT_BY_SIGTERM 143 /* 128 + 15, as shells and runtimes report it */

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
                [VERDICT_TOO_YOUNG] = "too-young",
                [VERDICT_KEPT_LABEL] = "kept-label",
                [VERDICT_KEPT_RULE] = "kept-rule",
                [VERDICT_KEPT_LAST] = "kept-last",
                [VERDICT_RETAINED] = "retained",
                [VERDICT_TTL_EXPIRED] = "ttl-expired",
                [VERDICT_ORPHAN] = "orphan",
                [VERDICT_OVER_CAP] = "over-cap",
                [VERDICT_PRESSURE] = "pressure",
        };

        return names[v];
}

bool verdict_removes(Verdict v) {
        return v == VERDICT_TTL_EXPIRED || v == VERDICT_ORPHAN || v == VERDICT_OVER_CAP ||
               v == VERDICT_PRESSURE;
}

const char *outcome_name(Outcome o) {
        static const char *const names[_OUTCOME_MAX] = {
                [OUTCOME_UNKNOWN] = "unknown",
                [OUTCOME_SUCCESS] = "success",
                [OUTCOME_FAILURE] = "failure",
                [OUTCOME_OOM_KILLED] = "oom-killed",
                [OUTCOME_SHUTDOWN] = "shutdown",
                [OUTCOME_FAILED_START] = "failed-start",
        };

        return names[o];
}

/* Outcomes as a set, a bit for each: what is not exact leaves several possible. */
static unsigned bit(Outcome o) {
        return 1U << o;
}

static unsigned possible_outcomes(const Container *c) {
        bool exact = c->finish == FINISH_EXACT;
        unsigned set = 0;

        if (c->failed_start)
                return bit(OUTCOME_FAILED_START);
        if (!exact && !(c->exit_hinted && !c->exit_code_forged && c->scope == SCOPE_TASK)) {
                /* Nothing, or nothing that can be trusted, is known of the exit code. */
                set = bit(OUTCOME_OOM_KILLED) | bit(OUTCOME_SHUTDOWN);
                return c->stop_asked ? set : set | bit(OUTCOME_SUCCESS) | bit(OUTCOME_FAILURE);
        }

        if (c->exit_code != 0) {
                if (exact && c->oom_killed)
                        return bit(OUTCOME_OOM_KILLED);
                if (!exact)
                        set |= bit(OUTCOME_OOM_KILLED);
        }

        if (c->stop_asked || c->exit_code == EXIT_BY_SIGTERM)
                return set | bit(OUTCOME_SHUTDOWN);
        return set | bit(c->exit_code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE);
}

static usec_t outcome_span(const Retention *r, Outcome o) {
        switch (o) {
        case OUTCOME_SUCCESS:
                return r->success;
        case OUTCOME_FAILURE:
                return r->failure;
        case OUTCOME_OOM_KILLED:
                return r->oom_killed;
        case OUTCOME_SHUTDOWN:
                return r->shutdown;
        case OUTCOME_FAILED_START:
                return r->failed_start;
        default:
                return USEC_INFINITY;
        }
}

static usec_t shortest_span(const Retention *r, unsigned outcomes) {
        usec_t span = USEC_INFINITY;

        for (Outcome o = OUTCOME_UNKNOWN; o < _OUTCOME_MAX; o++)
                if (outcomes & bit(o))
                        span = usec_min(span, outcome_span(r, o));
        return span;
}

static Outcome the_only_outcome(unsigned outcomes) {
        for (Outcome o = OUTCOME_UNKNOWN; o < _OUTCOME_MAX; o++)
                if (outcomes == bit(o))
                        return o;
        return OUTCOME_UNKNOWN;
}

bool policy_swarm_ready(SwarmState state) {
        return state == SWARM_ACTIVE || state == SWARM_INACTIVE;
}

bool policy_is_orphan(const Container *c, const Situation *s) {
        const char *node = shared_text(c->node);

        /* The node may have joined another Swarm since. */
        if (c->created >= s->node_known_at)
                return false;

        if (s->out_of_swarm)
                return true;
        return s->node_id && node && strcmp(node, s->node_id) != 0;
}

/* Has it come to an end for good, by what is known? Else `ret` is filled in as far as its state decides. */
static bool has_ended(const Container *c, usec_t failed_start_span, Decision *ret) {
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

/* Is there something about the node that forbids every removal? */
static bool node_forbids(const Situation *s, usec_t now, Verdict *ret) {
        if (!s->engine_connected)
                *ret = VERDICT_ENGINE_UNREACHABLE;
        else if (now < s->settled_at || s->settled_at == USEC_INFINITY)
                *ret = VERDICT_ENGINE_SETTLING;
        else if (!policy_swarm_ready(s->swarm_state))
                *ret = VERDICT_SWARM_NOT_READY;
        else if (now < s->paused_until)
                *ret = VERDICT_REMOVALS_PAUSED;
        else
                return false;
        return true;
}

/* The earliest moment at which the node could allow a removal again, as far as time alone brings it. */
static usec_t node_allows_at(const Situation *s) {
        if (!s->engine_connected || !policy_swarm_ready(s->swarm_state))
                return USEC_INFINITY;
        return usec_max(s->settled_at, s->paused_until);
}

Decision policy_decide(const Retention *retention, const Container *c, const Situation *s, usec_t now) {
        Decision d = { .verdict = VERDICT_UNKNOWN_STATE, .outcome = OUTCOME_UNKNOWN, .due = USEC_INFINITY };
        usec_t end, floor, span, longest;
        unsigned outcomes;
        bool orphan;

        if (c->scope == SCOPE_OTHER) {
                d.verdict = VERDICT_OUT_OF_SCOPE;
                return d;
        }

        d.exact = c->state_exact && (c->finish == FINISH_EXACT || c->failed_start);

        orphan = policy_is_orphan(c, s);
        longest = orphan ? retention->orphan_age : USEC_INFINITY;

        if (!has_ended(c, usec_min(retention->failed_start, longest), &d)) {
                d.due = usec_max(d.due, usec_max(c->retry_at, node_allows_at(s)));
                return d;
        }

        outcomes = possible_outcomes(c);
        span = usec_min(shortest_span(retention, outcomes), longest);

        if (c->failed_start) {
                /* It has no end that could be dated: it counts from its creation, and the floor from
                 * the first sight of the error. */
                end = c->created;
                floor = usec_add(c->error_seen, retention->minimum_age);
        } else {
                end = c->finish == FINISH_BOUNDED ? container_not_before(c) : c->finished;
                floor = usec_add(end, retention->minimum_age);
        }
        d.due = usec_max(usec_add(end, span), floor);
        d.outcome = the_only_outcome(outcomes);
        d.age = usec_sub(now, end);

        /* Gates: what is due by its age waits for them. */
        if (c->quarantined) {
                d.verdict = VERDICT_QUARANTINED;
                d.due = USEC_INFINITY;
                return d;
        }
        d.due = usec_max(d.due, usec_max(c->retry_at, node_allows_at(s)));
        if (node_forbids(s, now, &d.verdict))
                return d;

        if (now < floor)
                d.verdict = VERDICT_TOO_YOUNG;
        else if (now < d.due || d.due == USEC_INFINITY)
                d.verdict = VERDICT_RETAINED;
        else if (c->scope == SCOPE_UNKNOWN)
                d.verdict = VERDICT_SCOPE_UNKNOWN;
        else
                d.verdict = orphan ? VERDICT_ORPHAN : VERDICT_TTL_EXPIRED;
        return d;
}
