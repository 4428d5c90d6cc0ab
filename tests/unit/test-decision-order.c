/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of decisions as tables. For each step a container about which that step and all behind it have
 * something different to say; and the moments just before and at which it stops deciding.
 */

#include "decision-fixture.h"

/* --- every step before every other --- */

static const struct {
        const char *what;
        void (*apply)(World *);
        Verdict verdict;
} steps[] = {
        { "state", no_longer_exited, VERDICT_RUNNING },
        { "quarantine", quarantine, VERDICT_QUARANTINED },
        { "engine away", disconnect, VERDICT_ENGINE_UNREACHABLE },
        { "engine settling", settle, VERDICT_ENGINE_SETTLING },
        { "swarm", lock_swarm, VERDICT_SWARM_NOT_READY },
        { "reloading", reload, VERDICT_RELOADING },
        { "pause", pause_removals, VERDICT_REMOVALS_PAUSED },
        { "first run", run_first, VERDICT_FIRST_RUN },
        { "surge", hold, VERDICT_SURGE_HELD },
        { "floor", raise_floor, VERDICT_TOO_YOUNG },
        { "label", keep_by_label, VERDICT_KEPT_LABEL },
        { "rule", keep_by_rule, VERDICT_KEPT_RULE },
        { "orphan", orphan, VERDICT_ORPHAN },
        { "last", keep_last, VERDICT_KEPT_LAST },
        { "span", retain, VERDICT_RETAINED },
        { "expired", nothing, VERDICT_TTL_EXPIRED },
};

static void test_each_step_before_all_behind(void **state) {
        (void)state;
        for (size_t first = 0; first < ELEMENTS_OF(steps); first++) {
                World w;
                Decision d;

                build(&w);
                for (size_t i = first; i < ELEMENTS_OF(steps); i++)
                        steps[i].apply(&w);
                d = decide(&w, NOW);
                if (d.verdict != steps[first].verdict)
                        fail_msg("%s and all behind: %s", steps[first].what, verdict_name(d.verdict));
                clear(&w);
        }
}

static void test_each_step_before_each_other(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(steps); i++)
                for (size_t j = i; j < ELEMENTS_OF(steps); j++)
                        for (int order = 0; order < 2; order++) {
                                World w;
                                Decision d;

                                build(&w);
                                steps[order ? j : i].apply(&w);
                                if (i != j)
                                        steps[order ? i : j].apply(&w);
                                d = decide(&w, NOW);
                                if (d.verdict != steps[i].verdict)
                                        fail_msg("%s and %s: %s", steps[i].what, steps[j].what,
                                                        verdict_name(d.verdict));
                                clear(&w);
                        }
}

/* One step at its last moment, and a microsecond later, when what is left has its say. */
static void test_just_before_and_at_its_time(void **state) {
        static const struct {
                void (*apply)(World *);
                Verdict before;
        } timed[] = {
                { settle, VERDICT_ENGINE_SETTLING },
                { pause_removals, VERDICT_REMOVALS_PAUSED },
                { run_first, VERDICT_FIRST_RUN },
                { hold, VERDICT_SURGE_HELD },
                { raise_floor, VERDICT_TOO_YOUNG },
                { keep_by_label, VERDICT_KEPT_LABEL },
                { retain, VERDICT_RETAINED },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(timed); i++) {
                World w;

                build(&w);
                timed[i].apply(&w);
                expect(&w, NOW, timed[i].before, NOW + 1);
                expect(&w, NOW + 1, VERDICT_TTL_EXPIRED, NOW + 1);
                clear(&w);
        }
}

/* Those that no clock opens. */
static void test_gates_without_a_time(void **state) {
        static const struct {
                void (*apply)(World *);
                Verdict verdict;
        } rows[] = { { quarantine, VERDICT_QUARANTINED }, { disconnect, VERDICT_ENGINE_UNREACHABLE },
                { lock_swarm, VERDICT_SWARM_NOT_READY }, { reload, VERDICT_RELOADING },
                { keep_by_rule, VERDICT_KEPT_RULE } };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                World w;

                build(&w);
                rows[i].apply(&w);
                expect(&w, NOW, rows[i].verdict, USEC_INFINITY);
                expect(&w, NOW + 1000 * DAY, rows[i].verdict, USEC_INFINITY);
                clear(&w);
        }
}

static void test_first_run_not_begun(void **state) {
        World w;

        (void)state;
        build(&w);
        w.situation.first_run_until = USEC_INFINITY;
        expect(&w, NOW, VERDICT_FIRST_RUN, USEC_INFINITY);
        expect(&w, USEC_INFINITY, VERDICT_FIRST_RUN, USEC_INFINITY);
        clear(&w);
}

/* The surge is for those that it holds. */
static void test_surge_for_others(void **state) {
        World w;

        (void)state;
        build(&w);
        hold(&w);
        w.c.surge_held = false;
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        clear(&w);
}

static void test_open_gates(void **state) {
        static void (*const gates[])(World *) = { disconnect, settle, lock_swarm, pause_removals, reload,
                run_first, hold };
        World w;

        (void)state;
        build(&w);
        for (size_t i = 0; i < ELEMENTS_OF(gates); i++)
                gates[i](&w);
        w.situation.first_run_until = USEC_INFINITY;
        w.situation = policy_open_gates(&w.situation);
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        orphan(&w); /* what is known of the node stays */
        w.situation.swarm_state = SWARM_LOCKED;
        w.situation = policy_open_gates(&w.situation);
        assert_string_equal(w.situation.node_id, "node-here");
        expect(&w, NOW, VERDICT_ORPHAN, NOW);
        w.situation.node_known_at = 0;
        w.situation = policy_open_gates(&w.situation);
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        w.c.quarantined = true; /* the container's own gates are none of the node's */
        expect(&w, NOW, VERDICT_QUARANTINED, USEC_INFINITY);
        w.c.quarantined = false;
        w.c.state = CONTAINER_PAUSED;
        assert_int_equal(decide(&w, NOW).verdict, VERDICT_PAUSED);
        clear(&w);
}

/* --- what is no task --- */

static void become_plain(World *w, bool let_in) {
        w->is_task = false;
        w->c.scope = SCOPE_OTHER;
        if (let_in) {
                with_rule(w);
                w->rule.kind = RULE_KIND_OTHER;
                w->rule.action = RULE_ACTION_REAP;
        }
}

static void test_out_of_scope(void **state) {
        World w;

        (void)state;
        build(&w);
        become_plain(&w, false);
        for (size_t i = 0; i < ELEMENTS_OF(steps); i++) /* scope comes before all */
                if (steps[i].apply != keep_by_rule)
                        steps[i].apply(&w);
        label(&w, TTL, "0");
        expect(&w, NOW, VERDICT_OUT_OF_SCOPE, USEC_INFINITY);
        with_rule(&w);
        for (RuleKind kind = RULE_KIND_TASK; kind <= RULE_KIND_ANY; kind++)
                for (RuleAction action = RULE_ACTION_NONE; action <= RULE_ACTION_REAP; action++) {
                        w.rule.kind = kind;
                        w.rule.action = action;
                        if (kind != RULE_KIND_TASK && action == RULE_ACTION_REAP)
                                assert_int_not_equal(decide(&w, NOW).verdict, VERDICT_OUT_OF_SCOPE);
                        else
                                expect(&w, NOW, VERDICT_OUT_OF_SCOPE, USEC_INFINITY);
                }
        clear(&w);
}

static void test_plain_ones(void **state) {
        World w;

        (void)state;
        build(&w);
        become_plain(&w, true);
        expect(&w, NOW - 1, VERDICT_RETAINED, NOW);
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        label(&w, TTL, "3h");
        expect(&w, NOW, VERDICT_RETAINED, EPOCH + 3 * HOUR);
        label(&w, KEEP, "on");
        expect(&w, EPOCH + 3 * HOUR, VERDICT_KEPT_LABEL, USEC_INFINITY);
        w.n_pairs = 0;
        w.pairs[0] = (LabelPair){ NULL, NULL };

        orphan(&w); /* never: anybody can write that label */
        w.situation.out_of_swarm = true;
        assert_false(policy_is_orphan(&w.c, &w.situation));
        w.settings.retention.orphan_age = MINUTE;
        expect(&w, NOW - 1, VERDICT_RETAINED, NOW);
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        keep_last(&w);
        w.situation.out_of_swarm = false;
        assert_int_equal(decide(&w, NOW).verdict, VERDICT_KEPT_LAST);
        clear(&w);
}

static void test_auto_remove_and_may_restart(void **state) {
        World w;

        (void)state;
        for (int which = 0; which < 2; which++) {
                Verdict verdict = which ? VERDICT_MAY_RESTART : VERDICT_AUTO_REMOVE;

                build(&w);
                w.c.auto_remove = !which;
                w.c.may_restart = which;
                expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW); /* says nothing of a task */

                become_plain(&w, true);
                assert_false(verdict_removes(verdict));
                /* Looked at again each hour; a restart policy can be changed, the other cannot. */
                for (usec_t now = NOW; now <= NOW + HOUR; now += HOUR) {
                        w.c.looked_at = now;
                        if (which)
                                expect(&w, now, verdict, now + HOUR);
                        assert_int_equal(decide(&w, now).verdict, verdict);
                        assert_true(decide(&w, now).due >= now + HOUR);
                }
                raise_floor(&w); /* a gate, so it comes before the floor */
                assert_int_equal(decide(&w, NOW).verdict, verdict);
                keep_by_label(&w);
                assert_int_equal(decide(&w, NOW).verdict, verdict);
                w.situation.engine_connected = false;
                assert_int_equal(decide(&w, NOW).due, USEC_INFINITY);
                /* It runs again: that says it all, and nobody need look at it each hour. */
                w.situation.engine_connected = true;
                w.c.state = CONTAINER_RUNNING;
                expect(&w, NOW, VERDICT_RUNNING, USEC_INFINITY);
                clear(&w);
        }
}

/* --- over the cap --- */

static void test_over_cap_and_the_order(void **state) {
        World w;

        (void)state;
        build(&w);
        retain(&w);
        keep_last(&w);
        w.c.over_cap = true;
        /* It takes what is retained and what KeepLast= keeps, at the floor. */
        expect(&w, EPOCH + MINUTE - 1, VERDICT_TOO_YOUNG, EPOCH + MINUTE);
        expect(&w, EPOCH + MINUTE, VERDICT_OVER_CAP, EPOCH + MINUTE);
        assert_int_equal(policy_decide_uncapped(&w.c, &w.situation, EPOCH + MINUTE).verdict,
                        VERDICT_KEPT_LAST);
        for (size_t i = 0; steps[i].apply != orphan; i++) { /* but nothing before */
                World other;
                Decision d;

                build(&other);
                retain(&other);
                keep_last(&other);
                other.c.over_cap = true;
                steps[i].apply(&other);
                d = decide(&other, NOW);
                if (d.verdict != steps[i].verdict)
                        fail_msg("%s and a cap: %s", steps[i].what, verdict_name(d.verdict));
                clear(&other);
        }
        w.settings.retention.keep_last_failure = 1; /* nor this */
        expect(&w, NOW, VERDICT_KEPT_LAST, EPOCH + 7 * DAY);
        assert_true(decide(&w, NOW).keep_failure);
        expect_origin(&w, NOW, SETTING_KEEP_LAST_FAILURE, "default");
        w.c.exit_code = 0; /* which is about failures only */
        expect(&w, NOW, VERDICT_OVER_CAP, EPOCH + MINUTE);
        clear(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_step_before_all_behind),
                cmocka_unit_test(test_each_step_before_each_other),
                cmocka_unit_test(test_just_before_and_at_its_time),
                cmocka_unit_test(test_gates_without_a_time),
                cmocka_unit_test(test_first_run_not_begun),
                cmocka_unit_test(test_surge_for_others),
                cmocka_unit_test(test_open_gates),
                cmocka_unit_test(test_out_of_scope),
                cmocka_unit_test(test_plain_ones),
                cmocka_unit_test(test_auto_remove_and_may_restart),
                cmocka_unit_test(test_over_cap_and_the_order),
        };

        return cmocka_run_group_tests_name("decision-order", tests, NULL, NULL);
}
