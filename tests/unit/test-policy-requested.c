/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody has asked to be removed: which steps of the decision it overrides, and which it never does.
 */

#include "decision-fixture.h"

/* Asked for, two hours old, and to be kept for a day. */
static void build_requested(World *w) {
        build(w);
        w->settings.retention.failure = DAY;
        w->c.requested = true;
}

static void keep_last_failure(World *w) {
        w->settings.retention.keep_last_failure = 1;
}

static void keep_all(World *w) {
        w->settings.retention.keep_last = COUNT_INFINITY;
}

static void never(World *w) {
        w->settings.retention.failure = USEC_INFINITY;
}

static void back_off(World *w) {
        w->c.attempts = 3;
        w->c.retry_at = NOW + HOUR;
}

static void retain_orphan(World *w) {
        orphan(w);
        w->settings.retention.orphan_age = DAY;
}

static void test_overrides(void **state) {
        static void (*const rows[])(World *) = {
                nothing,
                never,
                keep_last,
                keep_all,
                keep_last_failure,
                back_off,
                retain_orphan,
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                Decision d;
                World w;

                build_requested(&w);
                rows[i](&w);
                d = decide(&w, NOW);
                assert_string_equal(verdict_name(d.verdict), "requested");
                assert_true(verdict_removes(d.verdict));
                assert_true(d.due <= NOW);
                assert_int_equal(d.setting, _SETTING_INVALID);
                /* It has not become due by that: a reload that would make it so is to be noticed. */
                assert_false(policy_is_due(&w.c, &w.situation, NOW, NULL));
                assert_int_equal(policy_due_set(&w.c, &w.situation, NOW), 0);

                /* Without the request it stays. */
                w.c.requested = false;
                assert_false(verdict_may_remove(decide(&w, NOW).verdict));
                clear(&w);
        }
}

static void await_start(World *w) {
        w->c.state = CONTAINER_CREATED;
}

static void leave_to_the_engine(World *w) {
        w->is_task = false;
        w->c.scope = SCOPE_OTHER;
        with_rule(w);
        w->rule.kind = RULE_KIND_OTHER;
        w->rule.action = RULE_ACTION_REAP;
        w->c.auto_remove = true;
}

static void may_restart(World *w) {
        leave_to_the_engine(w);
        w->c.auto_remove = false;
        w->c.may_restart = true;
}

static void out_of_scope(World *w) {
        w->is_task = false;
        w->c.scope = SCOPE_OTHER;
}

static void test_never_overrides(void **state) {
        static const struct {
                void (*apply)(World *);
                Verdict verdict;
        } rows[] = {
                { out_of_scope, VERDICT_OUT_OF_SCOPE },
                { no_longer_exited, VERDICT_RUNNING },
                { await_start, VERDICT_STARTING },
                { leave_to_the_engine, VERDICT_AUTO_REMOVE },
                { may_restart, VERDICT_MAY_RESTART },
                { quarantine, VERDICT_QUARANTINED },
                { disconnect, VERDICT_ENGINE_UNREACHABLE },
                { settle, VERDICT_ENGINE_SETTLING },
                { lock_swarm, VERDICT_SWARM_NOT_READY },
                { reload, VERDICT_RELOADING },
                { pause_removals, VERDICT_REMOVALS_PAUSED },
                { run_first, VERDICT_FIRST_RUN },
                { hold, VERDICT_SURGE_HELD },
                { raise_floor, VERDICT_TOO_YOUNG },
                { keep_by_label, VERDICT_KEPT_LABEL },
                { keep_by_rule, VERDICT_KEPT_RULE },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                World w;

                build_requested(&w);
                rows[i].apply(&w);
                assert_string_equal(verdict_name(decide(&w, NOW).verdict), verdict_name(rows[i].verdict));
                clear(&w);
        }
}

/* Nor does pressure make the floor of a request lower. */
static void test_floor_under_pressure(void **state) {
        World w;

        (void)state;
        build_requested(&w);
        w.situation.pressure = PRESSURE_CRITICAL;
        raise_floor(&w);
        expect(&w, NOW, VERDICT_TOO_YOUNG, NOW + 1);
        expect(&w, NOW + 1, VERDICT_REQUESTED, NOW + 1);
        clear(&w);
}

static void test_what_goes_anyway_keeps_its_verdict(void **state) {
        World w;

        (void)state;
        build(&w);
        w.c.requested = true;
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        w.settings.retention.failure = DAY;
        w.c.over_cap = true;
        expect(&w, NOW, VERDICT_OVER_CAP, NOW);
        clear(&w);
}

static void test_asks_whether_it_is_a_task(void **state) {
        World w;

        (void)state;
        build_requested(&w);
        w.c.scope = SCOPE_UNKNOWN;
        w.c.labelled = true;
        expect(&w, NOW, VERDICT_SCOPE_UNKNOWN, NOW);
        clear(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_overrides),
                cmocka_unit_test(test_never_overrides),
                cmocka_unit_test(test_floor_under_pressure),
                cmocka_unit_test(test_what_goes_anyway_keeps_its_verdict),
                cmocka_unit_test(test_asks_whether_it_is_a_task),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
