/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random settings with rules, labels, containers among others of their slot, situations and moments. No
 * combination of settings may reach below a gate, a floor, or what is kept; the decision must be the
 * oracle's; and nothing may go before the time that was told for it.
 */

#include "policy-check.h"
#include "profile-oracle.h"

#define PEERS_MAX 4

typedef struct World {
        Settings settings;
        Rule rules[3];
        LabelPair pairs[5];
        Wish wish;
        const Rule *match;
        Profile profile;
        Expected expected;
        Situation situation;
        SharedText *nodes, *here, *elsewhere;
        Slot *slots;
        Container c, peers[PEERS_MAX];
        size_t n_peers;
} World;

static void random_settings(World *w, uint64_t *random) {
        static const unsigned factors[] = { 0, 1, 1000, 1000, 1000, 3333, 9999, SHARE_ALL };
        Settings *s = &w->settings;

        *s = default_settings();
        for (size_t k = 0; k < ELEMENTS_OF(rule_settings); k++)
                if (random_chance(random, 50)) {
                        put_value(&s->retention, rule_settings[k], random_value(random, rule_settings[k]));
                        set_in_file(s, rule_settings[k], "main", (unsigned)k);
                }
        if (s->origins[SETTING_OOM_KILLED].is_default)
                s->retention.oom_killed = s->retention.failure;
        if (s->origins[SETTING_SHUTDOWN].is_default)
                s->retention.shutdown = s->retention.success;
        s->pressure.minimum_age = usec_add(
                        MINIMUM_AGE_FLOOR, random_chance(random, 70) ? 5 * SEC : random_span(random));
        s->pressure.elevated_factor = factors[random_below(random, ELEMENTS_OF(factors))];
        s->labels_honor = random_chance(random, 80);
        s->labels_max_ttl = random_chance(random, 50) ? USEC_INFINITY : random_span(random);
        s->rules = w->rules;
        s->n_rules = random_below(random, 4);
        for (unsigned k = 0; k < s->n_rules; k++) {
                Rule *r = &w->rules[k];

                *r = (Rule){ .name = (char *)"r",
                        .kind = (RuleKind)random_below(random, 3),
                        .action = (RuleAction)random_below(random, 3) };
                if (r->action == RULE_ACTION_KEEP && random_chance(random, 60))
                        r->action = RULE_ACTION_NONE;
                for (size_t i = 0; i < ELEMENTS_OF(rule_settings); i++)
                        if (random_chance(random, 30)) {
                                put_value(&r->values, rule_settings[i],
                                                random_value(random, rule_settings[i]));
                                set_in_rule(r, rule_settings[i], "rules", 100 * k + (unsigned)i);
                        }
        }
}

static void random_labels(World *w, uint64_t *random) {
        static const struct {
                const char *text;
                usec_t span;
        } spans[] = { { "0", 0 }, { "10s", 10 * SEC }, { "1h", HOUR }, { "7d", 7 * DAY },
                { "infinity", USEC_INFINITY } };
        static const char *const counts[] = { "0", "1", "2", "infinity" };
        static const unsigned count_of[] = { 0, 1, 2, COUNT_INFINITY };
        size_t n = 0, k;

        if (random_chance(random, 20)) {
                w->wish.keep = random_chance(random, 70);
                w->pairs[n++] = (LabelPair){ KEEP, w->wish.keep ? "on" : "off" };
        }
        if (random_chance(random, 25)) {
                k = random_below(random, ELEMENTS_OF(spans));
                w->wish.has_ttl = true;
                w->wish.ttl = spans[k].span;
                w->pairs[n++] = (LabelPair){ TTL, spans[k].text };
        }
        if (random_chance(random, 25)) {
                k = random_below(random, ELEMENTS_OF(spans));
                w->wish.has_ttl_failure = true;
                w->wish.ttl_failure = spans[k].span;
                w->pairs[n++] = (LabelPair){ TTL_FAILURE, spans[k].text };
        }
        if (random_chance(random, 25)) {
                k = random_below(random, ELEMENTS_OF(counts));
                w->wish.has_keep_last = true;
                w->wish.keep_last = count_of[k];
                w->pairs[n++] = (LabelPair){ KEEP_LAST, counts[k] };
        }
        w->pairs[n] = (LabelPair){ NULL, NULL };
}

static Container random_container(const World *w, uint64_t *random, uint64_t number) {
        static const int codes[] = { 0, 0, 1, 137, 143 };
        usec_t end = EPOCH + (random_chance(random, 60) ? random_below(random, 5) * SEC
                                                        : random_below(random, 2 * DAY));
        Container c = { .id = id_of_number(number),
                .profile = &w->profile,
                .state = random_chance(random, 20) ? CONTAINER_DEAD : CONTAINER_EXITED,
                .finish = (uint8_t)(random_chance(random, 70) ? FINISH_EXACT : random_below(random, 3)),
                .exit_code = codes[random_below(random, ELEMENTS_OF(codes))],
                .oom_killed = random_chance(random, 15),
                .stop_asked = random_chance(random, 15),
                .exit_hinted = random_chance(random, 50),
                .exit_code_forged = random_chance(random, 10),
                .finished = end,
                .created = random_chance(random, 50) ? EPOCH - HOUR : end - random_below(random, HOUR),
                .looked_at = end + 1 + random_below(random, DAY),
                .labelled = true,
                .node = random_chance(random, 75) ? w->here : w->elsewhere };

        c.state_exact = c.finish == FINISH_EXACT;
        c.alive_until = random_chance(random, 50) ? 0 : end - random_below(random, MINUTE);
        if (random_chance(random, 10)) {
                c.state = CONTAINER_CREATED;
                c.failed_start = c.state_exact = true;
                c.finish = FINISH_BOUNDED;
                c.created = end;
                c.exit_code = 127;
                c.error_seen = end + random_below(random, 2 * HOUR);
        }
        return c;
}

static void random_situation(World *w, uint64_t *random, usec_t now) {
#define SOMETIMES(percent) (random_chance(random, percent) ? now - 1 + random_below(random, 3) : 0)
        w->situation = (Situation){ .engine_connected = random_chance(random, 97),
                .settled_at = SOMETIMES(10),
                .swarm_state = random_chance(random, 95)
                                               ? SWARM_ACTIVE
                                               : (SwarmState)random_below(random, _SWARM_STATE_MAX),
                .node_known_at = random_chance(random, 90) ? USEC_INFINITY : EPOCH,
                .node_id = random_chance(random, 90) ? "here" : NULL,
                .out_of_swarm = random_chance(random, 5),
                .paused_until = SOMETIMES(10),
                .reloading = random_chance(random, 3),
                .first_run_until = random_chance(random, 2) ? USEC_INFINITY : SOMETIMES(10),
                .surge_until = random_chance(random, 50) ? now - 1 + random_below(random, 3) : 0,
                .pressure = (PressureLevel)random_below(random, _PRESSURE_LEVEL_MAX),
                .pressure_by = random_chance(random, 50) ? SETTING_MEMORY_AVAILABLE_LOW
                                                         : SETTING_DISK_INODES_HIGH };
#undef SOMETIMES
}

static void build(World *w, uint64_t *random) {
        bool is_task = random_chance(random, 70);
        Labels labels = labels_of(w->pairs);
        Subject subject = { .is_task = is_task, .name = "x", .image = "y", .labels = &labels };

        memset(w, 0, sizeof(*w));
        w->here = shared_text_ref(&w->nodes, "here");
        w->elsewhere = shared_text_ref(&w->nodes, "elsewhere");
        random_settings(w, random);
        random_labels(w, random);
        for (size_t k = 0; k < w->settings.n_rules && !w->match; k++)
                if (w->rules[k].kind == RULE_KIND_ANY || (w->rules[k].kind == RULE_KIND_TASK) == is_task)
                        w->match = &w->rules[k];
        w->expected = expect_profile(&w->settings, w->match, &w->wish, is_task);
        profile_resolve(&w->settings, &subject, &w->profile, NULL);
        check_profile(&w->profile, &w->expected, w->match, is_task);

        w->c = random_container(w, random, 1);
        w->c.scope = is_task ? SCOPE_TASK : SCOPE_OTHER;
        w->c.listed_other = !is_task && random_chance(random, 90);
        w->n_peers = random_below(random, PEERS_MAX + 1);
        if (w->expected.in_scope) {
                assert_int_equal(slot_join(&w->slots, "slot", &w->c), 0);
                for (size_t i = 0; i < w->n_peers; i++) {
                        w->peers[i] = random_container(w, random, i + 2);
                        w->peers[i].scope = w->c.scope;
                        assert_int_equal(slot_join(&w->slots, "slot", &w->peers[i]), 0);
                }
        } else
                w->n_peers = 0;

        w->c.over_cap = random_chance(random, 15);
        w->c.surge_held = random_chance(random, 15);
        w->c.batch_rank = random_chance(random, 60) ? (uint8_t)random_between(random, 1, 100) : 0;
        w->c.quarantined = random_chance(random, 5);
        w->c.auto_remove = random_chance(random, 10);
        w->c.may_restart = random_chance(random, 10);
        w->c.retry_at = random_chance(random, 95) ? 0 : EPOCH + random_below(random, DAY);
}

static void clear(World *w) {
        slot_leave(&w->slots, &w->c);
        for (size_t i = 0; i < w->n_peers; i++)
                slot_leave(&w->slots, &w->peers[i]);
        assert_null(w->slots);
        shared_text_unref(&w->nodes, w->here);
        shared_text_unref(&w->nodes, w->elsewhere);
        assert_null(w->nodes);
}

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

/* A moment that something hangs on, or one nearby. */
static usec_t random_now(const World *w, uint64_t *random) {
        const Retention *r = &w->expected.r;
        const usec_t spans[] = { r->minimum_age, r->success, r->failure, r->oom_killed, r->shutdown,
                r->failed_start, r->orphan_age, r->keep_last_for, w->expected.keep_label_for,
                MINIMUM_AGE_FLOOR, random_below(random, 10 * DAY), w->settings.pressure.minimum_age,
                shrunk(r->success, w->settings.pressure.elevated_factor),
                shrunk(r->failure, w->settings.pressure.elevated_factor),
                shrunk(r->orphan_age, w->settings.pressure.elevated_factor) };
        usec_t base = random_chance(random, 80) ? slot_order(&w->c) : w->c.error_seen;
        usec_t now = plus(base, spans[random_below(random, ELEMENTS_OF(spans))]);

        if (now > USEC_INFINITY - 2)
                now = EPOCH + 1000 * DAY;
        now = now > 0 ? now - 1 + random_below(random, 3) : now;
        return latest(now, slot_order(&w->c), w->c.error_seen); /* nothing is seen before it happens */
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
                                v != VERDICT_REMOVING && v != VERDICT_SCOPE_UNKNOWN)
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
