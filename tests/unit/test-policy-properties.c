/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random settings with rules, labels, containers among others of their slot, situations and moments. No
 * combination of settings may reach below a gate, a floor, or what is kept; the decision must be the
 * oracle's; and nothing may go before the time that was told for it.
 */

#include "random-world.h"

/* In the words of the configuration, not of the profile. */
static void check_against_settings(const World *w, usec_t now) {
        const Container *c = &w->c;
        const Situation *s = &w->situation;
        usec_t end = c->failed_start ? c->created : end_of(c).from;
        Decision d = policy_decide(c, s, now);
        usec_t minimum = w->match && w->match->has_value[SETTING_MINIMUM_AGE]
                                         ? w->match->values.minimum_age
                                         : w->settings.retention.minimum_age;
        bool task = c->scope == SCOPE_TASK;

        if (!verdict_removes(d.verdict))
                return;
        if (d.verdict == VERDICT_PRESSURE && s->pressure == PRESSURE_CRITICAL) {
                assert_true(c->batch_rank > 0);
                minimum = w->settings.pressure.minimum_age;
        }
        assert_true(minimum >= MINIMUM_AGE_FLOOR);
        assert_true(now >= plus(floor_from(c), MINIMUM_AGE_FLOOR));
        assert_true(now >= plus(floor_from(c), minimum));
        assert_true(task || (w->match && w->match->kind != RULE_KIND_TASK &&
                                            w->match->action == RULE_ACTION_REAP));
        assert_false(w->match && w->match->action == RULE_ACTION_KEEP);
        if (w->wish.keep && w->settings.labels_honor)
                assert_true(w->settings.labels_max_ttl != USEC_INFINITY &&
                                now >= plus(end, w->settings.labels_max_ttl));
        assert_false(c->quarantined || c->retry_at > now);
        assert_false(!task && (c->auto_remove || c->may_restart));
        assert_true(s->engine_connected && s->settled_at <= now && !s->reloading);
        assert_true(s->swarm_state == SWARM_ACTIVE || s->swarm_state == SWARM_INACTIVE);
        assert_true(s->paused_until <= now && s->first_run_until <= now);
        assert_false(c->surge_held && s->surge_until > now);
        if (c->state == CONTAINER_CREATED)
                assert_true(c->failed_start);
}

static void test_stopped_ones(void **state) {
        unsigned verdicts[_VERDICT_MAX] = { 0 };
        uint64_t random = 90210;

        (void)state;
        for (unsigned round = 0; round < 40000; round++) {
                World w;

                build(&w, &random);
                for (unsigned i = 0; i < 3; i++) {
                        usec_t now = random_now(&w, &random);

                        random_situation(&w, &random, now);
                        if (i == 2) { /* around the time that was told */
                                usec_t due = policy_decide(&w.c, &w.situation, now).due;

                                if (due > 1 && due < USEC_INFINITY - 2)
                                        now = due - 1 + random_below(&random, 3);
                        }
                        check_against_oracle(&w.c, &w.situation, now);
                        check_properties(&w.c, &w.situation, now);
                        check_due_is_honest(&w.c, &w.situation, now, &random);
                        check_against_settings(&w, now);
                        verdicts[policy_decide(&w.c, &w.situation, now).verdict]++;
                }
                clear(&w);
        }
        /* Else the cases would prove nothing. */
        for (Verdict v = 0; v < _VERDICT_MAX; v++)
                if (verdicts[v] < 100 && v != VERDICT_UNKNOWN_STATE && v != VERDICT_RUNNING &&
                                v != VERDICT_PAUSED && v != VERDICT_RESTARTING && v != VERDICT_STARTING &&
                                v != VERDICT_REMOVING && v != VERDICT_SCOPE_UNKNOWN &&
                                v != VERDICT_REQUESTED)
                        fail_msg("%s was decided %u times only", verdict_name(v), verdicts[v]);
}

/* Whatever the settings: what runs or waits stays, and so does what is not known to be in scope. */
static void test_others_never_go(void **state) {
        static const ContainerState states[] = { CONTAINER_STATE_UNKNOWN, CONTAINER_CREATED,
                CONTAINER_RUNNING, CONTAINER_PAUSED, CONTAINER_RESTARTING, CONTAINER_REMOVING };
        uint64_t random = 777;

        (void)state;
        for (unsigned round = 0; round < 20000; round++) {
                World w;

                build(&w, &random);
                slot_leave(&w.slots, &w.c);
                if (random_chance(&random, 80)) {
                        w.c.state = (uint8_t)states[random_below(&random, ELEMENTS_OF(states))];
                        w.c.failed_start = false;
                        w.c.state_exact = w.c.state == CONTAINER_REMOVING || random_chance(&random, 50);
                } else
                        w.c.scope = SCOPE_UNKNOWN;
                for (unsigned i = 0; i < 3; i++) {
                        usec_t now = random_now(&w, &random);

                        random_situation(&w, &random, now);
                        assert_false(verdict_removes(policy_decide(&w.c, &w.situation, now).verdict));
                        check_properties(&w.c, &w.situation, now);
                }
                clear(&w);
        }
}

/* Without a profile nothing is known of its labels, so nothing is due. */
static void test_without_a_profile(void **state) {
        uint64_t random = 4242;

        (void)state;
        for (unsigned round = 0; round < 5000; round++) {
                Decision d;
                World w;

                build(&w, &random);
                w.c.profile = NULL;
                w.c.state = (uint8_t)random_below(&random, _CONTAINER_STATE_MAX);
                w.c.scope = (uint8_t)random_below(&random, 3);
                random_situation(&w, &random, EPOCH + DAY);
                d = policy_decide(&w.c, &w.situation, EPOCH + 1000 * DAY);
                assert_false(verdict_removes(d.verdict));
                assert_int_equal(d.due, USEC_INFINITY);
                assert_null(d.ask);
                clear(&w);
        }
}

/* uncapped is the same as if the flag were not there. */
static void test_uncapped(void **state) {
        uint64_t random = 5150;

        (void)state;
        for (unsigned round = 0; round < 20000; round++) {
                Decision capped, uncapped;
                usec_t now;
                World w;

                build(&w, &random);
                now = random_now(&w, &random);
                random_situation(&w, &random, now);
                uncapped = policy_decide_uncapped(&w.c, &w.situation, now);
                w.c.over_cap = false;
                capped = policy_decide(&w.c, &w.situation, now);
                assert_int_equal(capped.verdict, uncapped.verdict);
                assert_int_equal(capped.due, uncapped.due);
                assert_int_equal(capped.setting, uncapped.setting);
                assert_int_equal(capped.keep_failure, uncapped.keep_failure);
                assert_ptr_equal(capped.ask, uncapped.ask);
                assert_int_not_equal(uncapped.verdict, VERDICT_OVER_CAP);
                /* A cap never lets anything live longer. */
                w.c.over_cap = true;
                assert_true(policy_decide(&w.c, &w.situation, now).due <= uncapped.due ||
                                policy_decide(&w.c, &w.situation, now).ask);
                clear(&w);
        }
}

static Decision at_level(World *w, PressureLevel level, bool chosen, usec_t now) {
        Situation s = w->situation;
        Container *c = &w->c;

        s.pressure = level;
        c->batch_rank = chosen ? 7 : 0;
        return policy_decide(c, &s, now);
}

static void expect_same(const World *w, const char *what, Decision a, Decision b, usec_t now) {
        if (a.verdict != b.verdict || a.outcome != b.outcome || a.exact != b.exact || a.age != b.age ||
                        a.due != b.due || a.setting != b.setting || a.keep_last != b.keep_last ||
                        a.keep_failure != b.keep_failure || a.ask != b.ask) {
                print_error("%s: %s, due %ju\n", what, verdict_name(a.verdict), (uintmax_t)a.due);
                describe(what, &w->c, &w->situation, now, NULL, b);
        }
}

/* What pressure changes, and what it must not. */
static void test_pressure(void **state) {
        /* Ten decisions each. */
        unsigned rounds = getenv("REAPERD_TEST_INSTRUMENTED") ? 5000 : 100000;
        unsigned elevated_only = 0, batch_only = 0;
        uint64_t random = 60606;

        (void)state;
        for (unsigned round = 0; round < rounds; round++) {
                Decision normal, elevated, chosen;
                unsigned factor;
                usec_t now;
                World w;

                build(&w, &random);
                now = random_now(&w, &random);
                random_situation(&w, &random, now);
                normal = at_level(&w, PRESSURE_NORMAL, false, now);
                elevated = at_level(&w, PRESSURE_ELEVATED, false, now);
                chosen = at_level(&w, PRESSURE_CRITICAL, true, now);

                /* A batch is nothing once the level has been left, and nothing to those outside of it. */
                expect_same(&w, "normal, with a rank", at_level(&w, PRESSURE_NORMAL, true, now), normal,
                                now);
                expect_same(&w, "critical, not chosen", at_level(&w, PRESSURE_CRITICAL, false, now), normal,
                                now);
                expect_same(&w, "elevated, with a rank", at_level(&w, PRESSURE_ELEVATED, true, now),
                                elevated, now);
                w.situation.pressure = (PressureLevel)random_below(&random, _PRESSURE_LEVEL_MAX);
                w.c.batch_rank = (uint8_t)random_below(&random, 2);
                expect_same(&w, "as if in a batch", policy_decide_in_batch(&w.c, &w.situation, now), chosen,
                                now);

                /* What may go without pressure may go with it, and nothing is due later. */
                if (verdict_may_remove(normal.verdict) &&
                                (!verdict_may_remove(elevated.verdict) ||
                                                !verdict_may_remove(chosen.verdict)))
                        describe("would go without pressure", &w.c, &w.situation, now, NULL, normal);
                if ((elevated.due > normal.due && !elevated.ask) || (chosen.due > normal.due && !chosen.ask))
                        describe("is due later than without pressure", &w.c, &w.situation, now, NULL,
                                        normal);
                elevated_only += elevated.verdict == VERDICT_PRESSURE;
                batch_only += chosen.verdict == VERDICT_PRESSURE;
                if (elevated.verdict == VERDICT_PRESSURE)
                        assert_int_equal(elevated.setting, SETTING_ELEVATED_FACTOR);
                if (chosen.verdict == VERDICT_PRESSURE)
                        assert_int_equal(chosen.setting, w.situation.pressure_by);
                assert_int_not_equal(normal.verdict, VERDICT_PRESSURE);

                /* Its settings mean nothing without it, and a factor of 1 changes nothing. */
                factor = w.settings.pressure.elevated_factor;
                w.settings.pressure.elevated_factor = SHARE_ALL;
                expect_same(&w, "the whole span", at_level(&w, PRESSURE_ELEVATED, false, now), normal, now);
                w.settings.pressure.elevated_factor = SHARE_ALL - factor;
                w.settings.pressure.minimum_age = usec_add(MINIMUM_AGE_FLOOR, random_span(&random));
                expect_same(&w, "other settings", at_level(&w, PRESSURE_NORMAL, true, now), normal, now);
                clear(&w);
        }
        assert_true(elevated_only > rounds / 100 && batch_only > rounds / 100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stopped_ones),
                cmocka_unit_test(test_others_never_go),
                cmocka_unit_test(test_without_a_profile),
                cmocka_unit_test(test_uncapped),
                cmocka_unit_test(test_pressure),
        };

        return cmocka_run_group_tests_name("policy-properties", tests, NULL, NULL);
}
