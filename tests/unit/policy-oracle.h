/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_POLICY_ORACLE_H
#define REAPERD_TESTS_POLICY_ORACLE_H

/*
 * What must be decided, computed from the specification alone: sums in 128 bits, outcomes by trying every
 * end that is compatible with what is known, places among the last by counting all who could be newer.
 * Under pressure it is what the same rules say of other values, held against what they say without.
 */

#include <stdint.h>
#include <string.h>

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

static usec_t sooner(usec_t a, usec_t b) {
        return a < b ? a : b;
}

/* --- how it ended --- */

static Outcome outcome_of_end(int exit_code, bool oom_killed, bool stop_asked) {
        if (oom_killed && exit_code != 0)
                return OUTCOME_OOM_KILLED;
        if (stop_asked)
                return OUTCOME_SHUTDOWN;
        if (exit_code == 143)
                return OUTCOME_SHUTDOWN;
        return exit_code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
}

static SettingId setting_of(Outcome o) {
        static const SettingId settings[_OUTCOME_MAX] = {
                [OUTCOME_UNKNOWN] = _SETTING_INVALID,
                [OUTCOME_SUCCESS] = SETTING_SUCCESS,
                [OUTCOME_FAILURE] = SETTING_FAILURE,
                [OUTCOME_OOM_KILLED] = SETTING_OOM_KILLED,
                [OUTCOME_SHUTDOWN] = SETTING_SHUTDOWN,
                [OUTCOME_FAILED_START] = SETTING_FAILED_START,
        };

        return settings[o];
}

static usec_t span_of(const Retention *r, Outcome o) {
        Retention copy = *r;

        return *span_field(&copy, setting_of(o));
}

/* Tries every end that is compatible with what is known. Returns how many outcomes there are. */
static unsigned outcomes_of(const Container *c, bool possible[static _OUTCOME_MAX], Outcome *ret_only) {
        static const int any_code[] = { 0, 1, 143 };
        bool trusted = c->exit_hinted && !c->exit_code_forged && c->scope == SCOPE_TASK;
        unsigned n = 0;

        memset(possible, 0, sizeof(bool) * _OUTCOME_MAX);
        if (c->failed_start)
                possible[OUTCOME_FAILED_START] = true;
        else if (c->finish == FINISH_EXACT)
                possible[outcome_of_end(c->exit_code, c->oom_killed, c->stop_asked)] = true;
        else
                for (size_t i = 0; i < ELEMENTS_OF(any_code); i++)
                        for (int oom = 0; oom < 2; oom++)
                                possible[outcome_of_end(trusted ? c->exit_code : any_code[i], oom != 0,
                                                c->stop_asked)] = true;

        *ret_only = OUTCOME_UNKNOWN;
        for (Outcome o = OUTCOME_UNKNOWN; o < _OUTCOME_MAX; o++)
                if (possible[o]) {
                        n++;
                        *ret_only = o;
                }
        if (n > 1)
                *ret_only = OUTCOME_UNKNOWN;
        return n;
}

static bool outcome_fails(Outcome o) {
        return o == OUTCOME_FAILURE || o == OUTCOME_OOM_KILLED || o == OUTCOME_FAILED_START;
}

/* --- its place among those of its slot --- */

#define SEEN_WITHIN SEC /* a `die` event tells the end to within this */

typedef struct Window {
        usec_t from, to;
} Window;

static Window end_of(const Container *c) {
        if (c->failed_start)
                return (Window){ c->created, c->created };
        if (c->finish == FINISH_EXACT)
                return (Window){ c->finished, c->finished };
        if (c->finish == FINISH_SEEN)
                return (Window){ c->finished - sooner(c->finished, SEEN_WITHIN),
                        plus(c->finished, SEEN_WITHIN) };
        return (Window){ c->created > c->alive_until ? c->created : c->alive_until, USEC_INFINITY };
}

static bool is_point(Window w) {
        return w.from == w.to;
}

static bool is_orphan(const Container *c, const Situation *s) {
        const char *node = shared_text(c->node);

        /* What is known of the node says nothing about containers that came later. */
        return (c->scope == SCOPE_TASK || (c->scope == SCOPE_UNKNOWN && c->labelled)) &&
               c->created < s->node_known_at &&
               (s->out_of_swarm || (node && s->node_id && strcmp(node, s->node_id) != 0));
}

/* Of two whose ends are known to be the same. */
static bool tie_is_newer(const Container *a, const Container *b) {
        if (a->created != b->created)
                return a->created > b->created;
        return memcmp(&a->id, &b->id, sizeof(a->id)) < 0;
}

typedef struct Place {
        unsigned surely, perhaps;                   /* so many are newer */
        unsigned surely_failures, perhaps_failures; /* of the failures */
        bool seen_near; /* by a `die` event, so near that its second could matter */
} Place;

static Place place_of(const Container *c, const Situation *s) {
        Window mine = end_of(c);
        Place place = { 0 };

        for (const Container *p = c->slot ? c->slot->newest : NULL; p; p = p->slot_next) {
                Window w = end_of(p);
                bool surely, perhaps, may_fail = false, must_fail = true, possible[_OUTCOME_MAX];
                Outcome only;

                if (p == c || p->gone || is_orphan(p, s))
                        continue;
                if (is_point(w) && is_point(mine) && w.from == mine.from)
                        surely = perhaps = tie_is_newer(p, c);
                else {
                        surely = w.from > mine.to;
                        perhaps = w.to >= mine.from;
                }
                /* Labels that anybody can write may have put it here. */
                if (p->scope == SCOPE_UNKNOWN)
                        surely = false;
                outcomes_of(p, possible, &only);
                for (Outcome o = OUTCOME_UNKNOWN; o < _OUTCOME_MAX; o++)
                        if (possible[o]) {
                                may_fail |= outcome_fails(o);
                                must_fail &= outcome_fails(o);
                        }
                place.surely += surely;
                place.perhaps += perhaps;
                place.surely_failures += surely && must_fail;
                place.perhaps_failures += perhaps && may_fail;
                if (p->finish == FINISH_SEEN && !p->failed_start &&
                                p->finished <= plus(mine.to, 3 * SEEN_WITHIN) &&
                                plus(p->finished, 3 * SEEN_WITHIN) >= mine.from)
                        place.seen_near = true;
        }
        return place;
}

/* --- the decision --- */

/* The outcome's setting, or MaxTTL= if that has cut the label which speaks for it. */
static SettingId deciding_setting(const Profile *p, Outcome o) {
        const LabelPolicy *l = &p->labels;

        if (o == OUTCOME_UNKNOWN)
                return setting_of(o);
        if (outcome_fails(o) && l->has[LABEL_TTL_FAILURE])
                return l->ttl_failure > p->settings->labels_max_ttl ? SETTING_LABELS_MAX_TTL : setting_of(o);
        if (l->has[LABEL_TTL] && l->ttl > p->settings->labels_max_ttl)
                return SETTING_LABELS_MAX_TTL;
        return setting_of(o);
}

typedef struct Wanted {
        Verdict verdict;
        Verdict or_verdict; /* if it stays: that may be said as well (0: none) */
        Outcome outcome;
        bool exact;
        usec_t age, due;
        bool due_at_least; /* `due` is the least that it may be */
        SettingId setting, or_setting;
        bool any_setting;
        bool keep_failure;
        bool unsure;      /* whether it is one of the last cannot be told; then it must be kept */
        bool unsure_fail; /* likewise for KeepLastFailure= alone */
        bool undecided; /* rests on too little to foretell the words: hold it against the properties only */
        bool barred;    /* not ours to touch; age and outcome are no matter */
} Wanted;

static bool swarm_is_ready(SwarmState state) {
        return state == SWARM_ACTIVE || state == SWARM_INACTIVE;
}

static usec_t gates_open_at(const Container *c, const Situation *s) {
        if (!s->engine_connected || !swarm_is_ready(s->swarm_state) || s->reloading)
                return USEC_INFINITY;
        return latest(latest(s->settled_at, s->paused_until, c->retry_at), s->first_run_until,
                        c->surge_held ? s->surge_until : 0);
}

/* The first gate that is shut, of those that stand in front of what has ended. */
static bool gate_is_shut(const Container *c, const Situation *s, usec_t now, Verdict *ret) {
        if (c->quarantined)
                *ret = VERDICT_QUARANTINED;
        else if (!s->engine_connected)
                *ret = VERDICT_ENGINE_UNREACHABLE;
        else if (s->settled_at > now || s->settled_at == USEC_INFINITY)
                *ret = VERDICT_ENGINE_SETTLING;
        else if (!swarm_is_ready(s->swarm_state))
                *ret = VERDICT_SWARM_NOT_READY;
        else if (s->reloading)
                *ret = VERDICT_RELOADING;
        else if (s->paused_until > now)
                *ret = VERDICT_REMOVALS_PAUSED;
        else if (s->first_run_until > now || s->first_run_until == USEC_INFINITY)
                *ret = VERDICT_FIRST_RUN;
        else if (c->surge_held && s->surge_until > now)
                *ret = VERDICT_SURGE_HELD;
        else
                return false;
        return true;
}

/* The states that decide by themselves. */
static bool state_decides(
                const Container *c, const Retention *r, usec_t orphan_age, usec_t gates, Wanted *w) {
        const Profile *p = c->profile;

        if (c->state == CONTAINER_CREATED && !c->failed_start) {
                w->verdict = VERDICT_STARTING;
                w->due = latest(plus(c->created, sooner(r->failed_start, orphan_age)),
                                c->looked_at == 0 ? 0 : plus(c->looked_at, HOUR), gates);
                /* What would keep a failed start may put it off. */
                w->due_at_least =
                                p->keep_by_label || p->keep_by_rule || r->keep_last || r->keep_last_failure;
                return true;
        }
        if (c->state == CONTAINER_REMOVING && c->state_exact) {
                w->verdict = VERDICT_REMOVING;
                w->due = latest(plus(c->looked_at, MINUTE), 0, gates);
                return true;
        }
        if (c->state == CONTAINER_RUNNING || c->state == CONTAINER_PAUSED ||
                        c->state == CONTAINER_RESTARTING || c->state == CONTAINER_STATE_UNKNOWN) {
                w->verdict = c->state == CONTAINER_RUNNING      ? VERDICT_RUNNING
                             : c->state == CONTAINER_PAUSED     ? VERDICT_PAUSED
                             : c->state == CONTAINER_RESTARTING ? VERDICT_RESTARTING
                                                                : VERDICT_UNKNOWN_STATE;
                return true;
        }
        return false;
}

/* 6. Is it one of the last? */
static bool kept_last(const Container *c, const Situation *s, const Retention *r, Outcome outcome,
                usec_t *ret_until, Wanted *w) {
        Place place = place_of(c, s);
        bool last, failure, maybe_last, maybe_failure;

        *ret_until = plus(end_of(c).from, r->keep_last_for);
        if (!c->slot)
                return false;
        /* A count of infinity is all of them. */
        last = r->keep_last == COUNT_INFINITY || place.perhaps < r->keep_last;
        failure = outcome_fails(outcome) &&
                  (r->keep_last_failure == COUNT_INFINITY || place.perhaps_failures < r->keep_last_failure);
        maybe_last = place.surely < r->keep_last;
        maybe_failure = outcome_fails(outcome) && place.surely_failures < r->keep_last_failure;
        w->keep_failure = failure;
        w->unsure_fail = maybe_failure && !failure;
        w->unsure = !last && !failure && (maybe_last || maybe_failure);
        return last || failure;
}

/* Without any pressure, by these values. `over_cap`: it may go although 6 or 7 retains it. */
static Wanted by_rules(
                const Container *c, const Situation *s, usec_t now, const Retention *r, bool over_cap) {
        const Profile *p = c->profile;
        bool orphan = is_orphan(c, s), possible[_OUTCOME_MAX], last = false;
        usec_t orphan_age = orphan ? r->orphan_age : USEC_INFINITY;
        usec_t gates = gates_open_at(c, s), end, floor, span = USEC_INFINITY, expires, label_until = 0,
               last_until = 0;
        Wanted w = { .due = USEC_INFINITY,
                .setting = _SETTING_INVALID,
                .or_setting = _SETTING_INVALID,
                .any_setting = true };
        unsigned n;

        /* 1. scope */
        if (!p->in_scope || (c->scope == SCOPE_OTHER && c->labelled && !c->listed_other)) {
                w.verdict = VERDICT_OUT_OF_SCOPE;
                return w;
        }
        w.exact = c->state_exact && (c->finish == FINISH_EXACT || c->failed_start);

        /* 2. gates: the state */
        if (state_decides(c, r, orphan_age, gates, &w))
                return w;

        /* What an inspect has told of another container than a task; looked at again each hour at most. */
        if (!p->is_task && c->looked_at != 0 && (c->auto_remove || c->may_restart)) {
                w.barred = true;
                w.verdict = c->auto_remove ? VERDICT_AUTO_REMOVE : VERDICT_MAY_RESTART;
                w.due = latest(plus(c->looked_at, HOUR), gates, 0);
                w.due_at_least = c->auto_remove; /* which cannot be changed */
                return w;
        }

        n = outcomes_of(c, possible, &w.outcome);
        for (Outcome o = OUTCOME_UNKNOWN; o < _OUTCOME_MAX; o++)
                if (possible[o])
                        span = sooner(span, span_of(r, o));
        end = c->failed_start || c->finish != FINISH_BOUNDED ? (c->failed_start ? c->created : c->finished)
                                                             : end_of(c).from;
        floor = plus(c->failed_start ? c->error_seen : end, r->minimum_age);
        expires = plus(end, sooner(span, orphan_age));
        w.age = now > end ? now - end : 0;

        if (p->keep_by_label)
                label_until = plus(end, p->keep_label_for);
        if (!orphan && c->slot && (r->keep_last || r->keep_last_failure) && r->keep_last_for > 0) {
                last = kept_last(c, s, r, n == 1 ? w.outcome : OUTCOME_UNKNOWN, &last_until, &w);
                w.undecided = !w.exact; /* its own place is not known either */
                if (now >= last_until)
                        w.unsure = w.unsure_fail = w.keep_failure = false;
        }

        /* 2. gates: quarantine, the engine, Swarm, a pause, ... */
        w.due = latest(expires, floor, label_until);
        if (last)
                w.due = latest(w.due, last_until, 0);
        if (over_cap)
                w.due = latest(floor, label_until, w.keep_failure ? last_until : 0);
        if (p->keep_by_rule)
                w.due = USEC_INFINITY;
        w.due = c->quarantined ? USEC_INFINITY : latest(w.due, gates, 0);
        if (gate_is_shut(c, s, now, &w.verdict))
                return w;

        w.any_setting = false;
        if (floor > now || floor == USEC_INFINITY) { /* 3. the floor */
                w.verdict = VERDICT_TOO_YOUNG;
                w.setting = SETTING_MINIMUM_AGE;
        } else if (p->keep_by_label && (label_until > now || label_until == USEC_INFINITY)) { /* 4. */
                w.verdict = VERDICT_KEPT_LABEL;
                w.any_setting = true;
        } else if (p->keep_by_rule) {
                w.verdict = VERDICT_KEPT_RULE;
                w.any_setting = true;
        } else if (c->retry_at > now) { /* a container whose removal failed waits longer */
                w.verdict = last && now < last_until && !(over_cap && !w.keep_failure) ? VERDICT_KEPT_LAST
                                                                                       : VERDICT_RETAINED;
                w.any_setting = true;
        } else if (last && (now < last_until || last_until == USEC_INFINITY) &&
                        !(over_cap && !w.keep_failure)) { /* 6. */
                w.verdict = VERDICT_KEPT_LAST;
                w.setting = w.keep_failure ? SETTING_KEEP_LAST_FAILURE : SETTING_KEEP_LAST;
                w.or_setting = SETTING_KEEP_LAST; /* if both keep it, or the other cannot be told */
                w.any_setting = w.unsure_fail;
        } else if (expires > now || expires == USEC_INFINITY) { /* 5. and 7. */
                w.verdict = over_cap ? VERDICT_OVER_CAP : VERDICT_RETAINED;
                w.setting = over_cap            ? SETTING_MAX_STOPPED
                            : orphan_age < span ? SETTING_ORPHAN_AGE
                                                : deciding_setting(p, w.outcome);
                w.or_setting = !over_cap && orphan_age == span ? SETTING_ORPHAN_AGE : w.setting;
                w.any_setting = n > 1 && !over_cap;
        } else {
                w.verdict = orphan ? VERDICT_ORPHAN : VERDICT_TTL_EXPIRED;
                w.setting = orphan_age < span ? SETTING_ORPHAN_AGE : deciding_setting(p, w.outcome);
                w.or_setting = orphan_age == span ? SETTING_ORPHAN_AGE : w.setting;
                if (floor > expires)
                        w.setting = w.or_setting = SETTING_MINIMUM_AGE;
                if (p->keep_by_label && label_until > latest(expires, floor, 0))
                        w.setting = w.or_setting = SETTING_LABELS_MAX_TTL;
                w.any_setting = n > 1 || floor == expires;
                /* Only its cap takes what is still one of the last. */
                if (over_cap && (last || w.unsure) && now < last_until) {
                        w.verdict = VERDICT_OVER_CAP;
                        w.setting = w.or_setting = SETTING_MAX_STOPPED;
                        w.any_setting = false;
                }
        }
        if (c->scope == SCOPE_UNKNOWN && verdict_removes(w.verdict)) {
                w.verdict = VERDICT_SCOPE_UNKNOWN;
                w.any_setting = true;
        }
        return w;
}

/* --- under pressure --- */

static usec_t shrunk(usec_t span, unsigned factor) {
        return span == USEC_INFINITY ? span : (usec_t)((Wide)span * factor / SHARE_ALL);
}

static bool would_go(const Wanted *w) {
        return verdict_may_remove(w->verdict);
}

/* As if it were in the batch, at the critical level. */
static inline Wanted oracle_in_batch(const Container *c, const Situation *s, usec_t now, bool capped) {
        Retention r = c->profile->retention;
        Wanted usual = by_rules(c, s, now, &r, capped && c->over_cap), w;

        r.minimum_age = c->profile->settings->pressure.minimum_age;
        r.keep_last = 0;
        w = by_rules(c, s, now, &r, true);
        if (usual.due_at_least || usual.barred || (would_go(&usual) && !usual.unsure))
                return usual;
        w.unsure |= usual.unsure; /* nobody need ask: it goes either way, or is too young for the batch */
        w.undecided |= usual.undecided || (usual.unsure && !would_go(&w));
        if (would_go(&w)) {
                if (w.verdict != VERDICT_SCOPE_UNKNOWN)
                        w.verdict = VERDICT_PRESSURE;
                w.setting = w.or_setting = s->pressure_by;
        } else {
                /* Why it stays may be told by either of both. */
                if (w.verdict == VERDICT_TOO_YOUNG)
                        w.setting = SETTING_PRESSURE_MINIMUM_AGE;
                w.or_setting = usual.setting;
                w.or_verdict = usual.verdict;
                w.any_setting |= w.or_verdict != w.verdict;
        }
        w.due = sooner(w.due, usual.due);
        return w;
}

static inline Wanted oracle_elevated(const Container *c, const Situation *s, usec_t now, bool capped) {
        Retention r = c->profile->retention;
        Wanted usual = by_rules(c, s, now, &r, capped && c->over_cap), w;
        unsigned factor = c->profile->settings->pressure.elevated_factor;

        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (span_field(&r, id))
                        *span_field(&r, id) = shrunk(*span_field(&r, id), factor);
        r.orphan_age = shrunk(r.orphan_age, factor);
        w = by_rules(c, s, now, &r, capped && c->over_cap);
        /* What is too many and has outlived its shrunken span goes by the span, as ever. */
        if (would_go(&usual) && (usual.verdict != VERDICT_OVER_CAP || w.verdict == VERDICT_OVER_CAP))
                return usual;
        if (would_go(&w)) {
                if (w.verdict != VERDICT_SCOPE_UNKNOWN)
                        w.verdict = VERDICT_PRESSURE;
                w.setting = w.or_setting = SETTING_ELEVATED_FACTOR;
                w.any_setting = false;
        }
        return w;
}

/* `capped`: with regard to MaxStopped=. */
static inline Wanted oracle(const Container *c, const Situation *s, usec_t now, bool capped) {
        if (s->pressure == PRESSURE_ELEVATED)
                return oracle_elevated(c, s, now, capped);
        if (s->pressure == PRESSURE_CRITICAL && c->batch_rank > 0)
                return oracle_in_batch(c, s, now, capped);
        return by_rules(c, s, now, &c->profile->retention, capped && c->over_cap);
}

#endif
