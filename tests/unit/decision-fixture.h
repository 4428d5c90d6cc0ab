/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_DECISION_FIXTURE_H
#define REAPERD_TESTS_DECISION_FIXTURE_H

/*
 * A container about which to decide, by real settings, rules and labels, and what can be done to it.
 */

#include "core-fixtures.h"
#include "core/shared-text.h"

#define AGE (2 * HOUR) /* of the container, unless a row says otherwise */
#define NOW (EPOCH + AGE)

typedef struct World {
        Settings settings;
        Rule rule;
        LabelPair pairs[5];
        size_t n_pairs;
        bool is_task;
        Profile profile;
        Situation situation;
        Container c;
        Slot *slots;
        SharedText *nodes, *elsewhere;
} World;

/* A task that failed two hours ago on a calm node. Without anything else it has just become due. */
static void build(World *w) {
        *w = (World){ .settings = default_settings(),
                .is_task = true,
                .situation = { .engine_connected = true,
                                .settled_at = EPOCH,
                                .swarm_state = SWARM_ACTIVE,
                                .node_known_at = USEC_INFINITY,
                                .node_id = "node-here" },
                .c = { .id = id_of_number(1),
                                .scope = SCOPE_TASK,
                                .state = CONTAINER_EXITED,
                                .state_exact = true,
                                .finish = FINISH_EXACT,
                                .finished = EPOCH,
                                .created = EPOCH - MINUTE,
                                .looked_at = NOW - SEC,
                                .exit_code = 1 } };
        w->settings.retention.failure = w->settings.retention.oom_killed = AGE;
        w->settings.retention.keep_last_failure = 0;
        w->rule = (Rule){ .name = (char *)"batch" };
        w->elsewhere = shared_text_ref(&w->nodes, "node-elsewhere");
        assert_non_null(w->elsewhere);
        assert_int_equal(slot_join(&w->slots, "shop_web.1", &w->c), 0);
}

static void clear(World *w) {
        slot_leave(&w->slots, &w->c);
        assert_null(w->slots);
        shared_text_unref(&w->nodes, w->elsewhere);
        assert_null(w->nodes);
}

static inline void label(World *w, const char *key, const char *value) {
        w->pairs[w->n_pairs++] = (LabelPair){ key, value };
}

static inline void with_rule(World *w) {
        w->settings.rules = &w->rule;
        w->settings.n_rules = 1;
}

static Decision decide(World *w, usec_t now) {
        Labels labels = labels_of(w->pairs);
        Subject subject = { .is_task = w->is_task, .name = "x", .image = "y", .labels = &labels };

        profile_resolve(&w->settings, &subject, &w->profile, NULL);
        w->c.profile = &w->profile;
        return policy_decide(&w->c, &w->situation, now);
}

static inline void expect(World *w, usec_t now, Verdict verdict, usec_t due) {
        Decision d = decide(w, now);

        /* What is due at once need not tell since when. */
        if (d.verdict != verdict || (d.due != due && (due > now || d.due > now)))
                fail_msg("at EPOCH + %ju s: %s, due at EPOCH + %jd s, not %s, + %jd s",
                                (uintmax_t)((now - EPOCH) / SEC), verdict_name(d.verdict),
                                (intmax_t)(d.due - EPOCH) / (intmax_t)SEC, verdict_name(verdict),
                                (intmax_t)(due - EPOCH) / (intmax_t)SEC);
        if (verdict_removes(verdict))
                assert_true(d.exact);
}

/* Who decided, and where that was written. */
static inline void expect_origin(World *w, usec_t now, SettingId setting, const char *origin) {
        Decision d = decide(w, now);
        char text[128];

        assert_int_equal(d.setting, setting);
        assert_string_equal(profile_origin(&w->profile, d.setting, text, sizeof(text)), origin);
}

static inline void raise_floor(World *w) {
        w->settings.retention.minimum_age = AGE + 1;
}

static inline void keep_by_label(World *w) {
        label(w, KEEP, "true");
        w->settings.labels_max_ttl = AGE + 1;
}

static inline void keep_by_rule(World *w) {
        with_rule(w);
        w->rule.action = RULE_ACTION_KEEP;
}

static inline void orphan(World *w) {
        w->c.node = w->elsewhere;
        w->settings.retention.orphan_age = AGE;
}

static inline void keep_last(World *w) {
        w->settings.retention.keep_last = 1;
}

static inline void retain(World *w) {
        w->settings.retention.failure = AGE + 1;
}

static inline void no_longer_exited(World *w) {
        w->c.state = CONTAINER_RUNNING;
}

static inline void quarantine(World *w) {
        w->c.quarantined = true;
}

static inline void disconnect(World *w) {
        w->situation.engine_connected = false;
}

static inline void settle(World *w) {
        w->situation.settled_at = NOW + 1;
}

static inline void lock_swarm(World *w) {
        w->situation.swarm_state = SWARM_LOCKED;
}

static inline void pause_removals(World *w) {
        w->situation.paused_until = NOW + 1;
}

static inline void reload(World *w) {
        w->situation.reloading = true;
}

static inline void run_first(World *w) {
        w->situation.first_run_until = NOW + 1;
}

static inline void hold(World *w) {
        w->c.surge_held = true;
        w->situation.surge_until = NOW + 1;
}

static inline void nothing(World *w) {
        (void)w;
}

#endif
