/* SPDX-License-Identifier: Apache-2.0 */
/* Who is chosen against pressure, and in which order. */

#include "relief-fixture.h"

static void test_held_most_first(void **state) {
        Container *little, *much, *some, *nothing;
        Node n;

        (void)state;
        node_init(&n);
        little = put_holding(&n, (Spec){ .age = 3 * HOUR }, 5);
        much = put_holding(&n, (Spec){ .age = HOUR }, 200);
        nothing = put_holding(&n, (Spec){ .age = 4 * HOUR }, 0);
        some = put_holding(&n, (Spec){ .age = 2 * HOUR }, 50);
        for (PressureCause c = 0; c < _PRESSURE_THRESHOLD_MAX; c++)
                expect_order(&n, c, much, some, little, nothing);
        assert_int_equal(choose(&n, PRESSURE_MEMORY_AVAILABLE, 2), 2);
        assert_ptr_equal(n.chosen[0], much);
        assert_ptr_equal(n.chosen[1], some);
        assert_int_equal(choose(&n, PRESSURE_MEMORY_AVAILABLE, 0), 0);

        /* Another measurement counts instead of the first. */
        registry_set_holding(n.registry, nothing, &(Holding){ .cached = 300 * MB, .partial = true });
        expect_order(&n, PRESSURE_MEMORY_USED, nothing, much, some, little);
        node_done(&n);
}

static void test_by_what_is_short(void **state) {
        static const Holding cached = { .cached = 9 * MB, .disk = 1 * MB, .inodes = 2 },
                             stored = { .cached = 1 * MB, .disk = 9 * MB, .inodes = 1 },
                             many = { .cached = 2 * MB, .disk = 2 * MB, .inodes = 9 };
        Container *c, *d, *i;
        Node n;

        (void)state;
        node_init(&n);
        c = put(&n, (Spec){ .held = &cached });
        d = put(&n, (Spec){ .held = &stored });
        i = put(&n, (Spec){ .held = &many });
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, c, i, d);
        expect_order(&n, PRESSURE_MEMORY_USED, c, i, d);
        expect_order(&n, PRESSURE_DISK_USED, d, i, c);
        expect_order(&n, PRESSURE_DISK_INODES, i, c, d);
        node_done(&n);
}

/* Even what holds nothing comes before what is not known; these by their age. */
static void test_unknown_last(void **state) {
        Holding no_memory = HOLDING_UNKNOWN, all_unknown = HOLDING_UNKNOWN;
        Container *nothing, *none, *only_disk, *unknown;
        Node n;

        (void)state;
        node_init(&n);
        no_memory.disk = 5 * MB;
        none = put(&n, (Spec){ .age = 2 * HOUR });
        unknown = put(&n, (Spec){ .age = 4 * HOUR, .held = &all_unknown });
        only_disk = put(&n, (Spec){ .age = 3 * HOUR, .held = &no_memory });
        nothing = put_holding(&n, (Spec){ .age = HOUR }, 0);
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, nothing, unknown, only_disk, none);
        expect_order(&n, PRESSURE_DISK_USED, only_disk, nothing, unknown, none);
        expect_order(&n, PRESSURE_DISK_INODES, nothing, unknown, only_disk, none);
        node_done(&n);
}

static void test_oldest(void **state) {
        Container *young, *old, *middle, *failed, *same;
        Node n;

        (void)state;
        node_init(&n);
        young = put_holding(&n, (Spec){ .age = MINUTE }, 900);
        old = put(&n, (Spec){ .age = 5 * HOUR });
        middle = put_holding(&n, (Spec){ .age = 2 * HOUR }, 5);
        same = put_holding(&n, (Spec){ .age = HOUR }, 5);
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, young, middle, same, old);
        n.settings.settings.pressure.order = RELIEF_ORDER_OLDEST;
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, old, middle, same, young);
        expect_order(&n, PRESSURE_DISK_INODES, old, middle, same, young);
        node_done(&n);

        /* A start that failed has its creation for an end. */
        node_init(&n);
        n.settings.settings.retention.keep_last_failure = 0;
        n.settings.settings.pressure.order = RELIEF_ORDER_OLDEST;
        young = put(&n, (Spec){ .age = HOUR });
        failed = put(&n, (Spec){ .age = 3 * HOUR, .failed_start = true });
        old = put(&n, (Spec){ .age = 4 * HOUR });
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, old, failed, young);
        node_done(&n);
}

/* --- who may not --- */

static void test_protected(void **state) {
        static const Spec not_chosen[] = {
                { .state = CONTAINER_RUNNING },
                { .state = CONTAINER_PAUSED },
                { .state = CONTAINER_RESTARTING },
                { .state = CONTAINER_REMOVING },
                { .state = CONTAINER_CREATED },
                { .age = 15 * SEC - 1 },
                { .keep = true },
                { .service = "kept_db" },
                { .service = "kept_db", .keep = true },
                { .plain = true, .auto_remove = true },
                { .plain = true, .may_restart = true },
                { .exit_code = 1 }, /* the last failure of its slot */
                { .slot = 5, .failed_start = true },
        };
        Container *free;
        Node n;

        (void)state;
        node_init(&n);
        for (size_t i = 0; i < ELEMENTS_OF(not_chosen); i++) /* by what they hold they would be first */
                put_holding(&n, not_chosen[i], 1000 + i);
        assert_int_equal(choose(&n, PRESSURE_MEMORY_AVAILABLE, RELIEF_BATCH_MAX), 0);
        free = put_holding(&n, (Spec){ .age = 15 * SEC }, 1);
        for (PressureCause c = 0; c < _PRESSURE_THRESHOLD_MAX; c++)
                expect_order(&n, c, free);
        n.settings.settings.pressure.order = RELIEF_ORDER_OLDEST;
        expect_order(&n, PRESSURE_DISK_USED, free);
        node_done(&n);
}

static void test_young_by_its_own_floor(void **state) {
        Container *c, *slow, *young_slow;
        Node n;

        (void)state;
        node_init(&n);
        n.settings.settings.retention.minimum_age = HOUR; /* replaced, and so is what a rule says */
        c = put_holding(&n, (Spec){ .age = 15 * SEC }, 3);
        slow = put_holding(&n, (Spec){ .service = "slow_job", .age = 15 * SEC }, 2);
        young_slow = put_holding(&n, (Spec){ .service = "slow_job", .age = 15 * SEC - 1 }, 4);
        assert_int_equal(policy_decide(slow, &n.situation, NOW).verdict, VERDICT_TOO_YOUNG);
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, c, slow);
        n.settings.settings.pressure.minimum_age = 10 * SEC;
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, young_slow, c, slow);
        n.settings.settings.pressure.minimum_age = USEC_INFINITY;
        assert_int_equal(choose(&n, PRESSURE_MEMORY_AVAILABLE, 8), 0);
        node_done(&n);
}

/* KeepLast= and spans do not protect under pressure; KeepLastFailure= does, for its time. */
static void test_kept_as_last(void **state) {
        Container *newest, *oldest, *failure, *older_failure, *failed_start;
        Node n;

        (void)state;
        node_init(&n);
        n.settings.settings.retention.keep_last = 10;
        n.settings.settings.retention.success = USEC_INFINITY;
        newest = put_holding(&n, (Spec){ .age = MINUTE }, 9);
        oldest = put_holding(&n, (Spec){ .age = 9 * HOUR }, 8);
        older_failure = put_holding(&n, (Spec){ .age = 3 * HOUR, .exit_code = 2 }, 7);
        put_holding(&n, (Spec){ .age = 2 * HOUR, .exit_code = 1 }, 100);
        put_holding(&n, (Spec){ .slot = 7, .age = HOUR, .failed_start = true }, 99);
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, newest, oldest, older_failure);
        node_done(&n);

        node_init(&n);
        n.settings.settings.retention.keep_last_for = 90 * MINUTE;
        failure = put_holding(&n, (Spec){ .age = 2 * HOUR, .exit_code = 1 }, 100);
        failed_start = put_holding(&n, (Spec){ .slot = 7, .age = HOUR, .failed_start = true }, 99);
        assert_true(is_chosen(&n, failure));
        assert_false(is_chosen(&n, failed_start));
        node_done(&n);
}

static void test_label_for_a_while(void **state) {
        Container *a, *b;
        Node n;

        (void)state;
        node_init(&n);
        n.settings.settings.labels_max_ttl = HOUR;
        a = put(&n, (Spec){ .keep = true, .age = HOUR });
        b = put(&n, (Spec){ .keep = true, .age = HOUR - 1 });
        assert_true(is_chosen(&n, a));
        assert_false(is_chosen(&n, b));
        node_done(&n);
}

/* What is due by itself is no business of a batch. */
static void test_goes_anyway(void **state) {
        Container *due, *too_many, *orphan, *rest;
        Node n;

        (void)state;
        node_init(&n);
        n.settings.settings.retention.success = 2 * HOUR;
        n.settings.settings.retention.orphan_age = 30 * MINUTE;
        due = put_holding(&n, (Spec){ .age = 2 * HOUR }, 900);
        too_many = put_holding(&n, (Spec){ .age = 90 * MINUTE }, 800);
        orphan = put_holding(&n, (Spec){ .elsewhere = true, .age = HOUR }, 700);
        rest = put_holding(&n, (Spec){ .age = 2 * HOUR - 1 }, 1);
        too_many->over_cap = true;
        assert_int_equal(policy_decide(due, &n.situation, NOW).verdict, VERDICT_TTL_EXPIRED);
        assert_int_equal(policy_decide(too_many, &n.situation, NOW).verdict, VERDICT_OVER_CAP);
        assert_int_equal(policy_decide(orphan, &n.situation, NOW).verdict, VERDICT_ORPHAN);
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, rest);
        too_many->over_cap = false;
        n.situation.node_id = "elsewhere"; /* then the others are orphans */
        expect_order(&n, PRESSURE_MEMORY_AVAILABLE, orphan);
        node_done(&n);
}

static void test_single_gates(void **state) {
        Container *c;
        Node n;

        (void)state;
        node_init(&n);
        c = put(&n, (Spec){ 0 });
        assert_true(is_chosen(&n, c));
        c->quarantined = true;
        assert_false(is_chosen(&n, c));
        c->quarantined = false;
        c->surge_held = true;
        n.situation.surge_until = NOW + 1;
        assert_false(is_chosen(&n, c));
        n.situation.surge_until = NOW;
        assert_true(is_chosen(&n, c));
        c->surge_held = false;
        c->retry_at = NOW + 1; /* a removal failed */
        assert_false(is_chosen(&n, c));
        c->retry_at = NOW;
        assert_true(is_chosen(&n, c));
        c->claimed = true;
        assert_false(is_chosen(&n, c));
        c->claimed = false;
        assert_true(is_chosen(&n, c));
        registry_set_gone(n.registry, c);
        assert_false(is_chosen(&n, c));
        node_done(&n);

        /* A plain container that no rule lets in. */
        node_init(&n);
        n.settings.settings.n_rules = 2;
        registry_set_settings(n.registry, &n.settings);
        c = put(&n, (Spec){ .plain = true });
        assert_false(is_chosen(&n, c));
        c = put(&n, (Spec){ 0 });
        assert_true(is_chosen(&n, c));
        node_done(&n);

        node_init(&n);
        c = put(&n, (Spec){ .plain = true });
        assert_true(is_chosen(&n, c));
        c = put(&n, (Spec){ .state = CONTAINER_DEAD });
        assert_true(is_chosen(&n, c));
        c = put(&n, (Spec){ .not_inspected = true }); /* on bounds: an inspect comes first */
        assert_true(is_chosen(&n, c));
        node_done(&n);
}

static void test_gates_of_the_node(void **state) {
        Container *c;
        Situation open;
        Node n;

        (void)state;
        node_init(&n);
        c = put(&n, (Spec){ 0 });
        open = n.situation;
        for (unsigned gate = 0; gate < 8; gate++) {
                n.situation = open;
                assert_true(is_chosen(&n, c));
                switch (gate) {
                case 0:
                        n.situation.engine_connected = false;
                        break;
                case 1:
                        n.situation.settled_at = NOW + 1;
                        break;
                case 2:
                        n.situation.settled_at = USEC_INFINITY;
                        break;
                case 3:
                        n.situation.paused_until = NOW + 1;
                        break;
                case 4:
                        n.situation.reloading = true;
                        break;
                case 5:
                        n.situation.first_run_until = NOW + 1;
                        break;
                case 6:
                        n.situation.first_run_until = USEC_INFINITY;
                        break;
                default:
                        n.situation.swarm_state = SWARM_LOCKED;
                }
                if (is_chosen(&n, c))
                        fail_msg("gate %u lets it go", gate);
        }
        node_done(&n);
}

/* --- many --- */

/* What it is sorted by; a larger one comes first. */
static void keys(const Node *n, const Container *c, PressureCause cause, uint64_t ret[static 2]) {
        const Holding *h = registry_holding(n->registry, c);
        uint64_t held = FIGURE_UNKNOWN;

        if (h)
                held = cause == PRESSURE_DISK_USED     ? h->disk
                       : cause == PRESSURE_DISK_INODES ? h->inodes
                                                       : h->cached;
        ret[0] = n->settings.settings.pressure.order == RELIEF_ORDER_OLDEST ? 0
                 : held == FIGURE_UNKNOWN                                   ? 0
                                                                            : held + 1;
        ret[1] = USEC_INFINITY - slot_order(c);
}

static int compare_keys(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        if (x[0] != y[0])
                return x[0] > y[0] ? -1 : 1;
        return x[1] == y[1] ? 0 : x[1] > y[1] ? -1 : 1;
}

static Spec random_spec(uint64_t *random) {
        static const char *const services[] = { "shop_web", "shop_web", "shop_db", "slow_job", "kept_db" };

        return (Spec){ .service = services[random_below(random, ELEMENTS_OF(services))],
                .slot = (unsigned)random_below(random, 4),
                .plain = random_chance(random, 10),
                .age = random_chance(random, 50) ? random_between(random, 1, 20) * SEC
                                                 : random_between(random, 1, 12) * 10 * MINUTE,
                .exit_code = random_chance(random, 30),
                .keep = random_chance(random, 5),
                .elsewhere = random_chance(random, 5),
                .auto_remove = random_chance(random, 5),
                .state = random_chance(random, 10)
                                         ? (ContainerState)random_below(random, _CONTAINER_STATE_MAX)
                                         : CONTAINER_EXITED,
                .failed_start = random_chance(random, 5) };
}

static void test_many(void **state) {
        unsigned rounds = getenv("REAPERD_TEST_INSTRUMENTED") ? 30 : 400;
        size_t chosen = 0, full = 0;

        (void)state;
        for (uint64_t seed = 1; seed <= rounds; seed++) {
                static uint64_t want[400][2];
                uint64_t random = seed;
                size_t n_want = 0, max, n_containers = random_below(&random, 300);
                PressureCause cause = (PressureCause)random_below(&random, _PRESSURE_THRESHOLD_MAX);
                Node n;

                node_init(&n);
                n.settings.settings.pressure.order =
                                random_chance(&random, 25) ? RELIEF_ORDER_OLDEST : RELIEF_ORDER_HELD;
                n.settings.settings.retention.keep_last = (unsigned)random_below(&random, 3);
                n.settings.settings.retention.success = random_chance(&random, 50) ? HOUR : DAY;
                for (size_t i = 0; i < n_containers; i++) {
                        Spec s = random_spec(&random);
                        Holding h = { .cached = random_below(&random, 9),
                                .disk = random_below(&random, 9),
                                .inodes = random_below(&random, 9) };
                        Container *c;

                        if (random_chance(&random, 10))
                                h.cached = FIGURE_UNKNOWN;
                        if (random_chance(&random, 10))
                                h.inodes = FIGURE_UNKNOWN;
                        if (s.state == CONTAINER_EXITED)
                                s.state = 0;
                        s.held = random_chance(&random, 80) ? &h : NULL;
                        c = put(&n, s);
                        c->claimed = random_chance(&random, 3);
                        c->over_cap = random_chance(&random, 3);
                        c->quarantined = random_chance(&random, 3);
                }
                n.situation.pressure_by = pressure_setting(cause);
                for (Container *c = registry_next(n.registry, NULL); c; c = registry_next(n.registry, c))
                        if (!c->claimed && !c->gone &&
                                        oracle_in_batch(c, &n.situation, NOW, true).verdict ==
                                                        VERDICT_PRESSURE)
                                keys(&n, c, cause, want[n_want++]);
                qsort(want, n_want, sizeof(want[0]), compare_keys);

                max = random_between(&random, 1, RELIEF_BATCH_MAX);
                choose(&n, cause, max);
                if (n.n != (n_want < max ? n_want : max))
                        fail_msg("seed %" PRIu64 ": chose %zu of %zu, at most %zu", seed, n.n, n_want, max);
                for (size_t i = 0; i < n.n; i++) {
                        uint64_t got[2];

                        keys(&n, n.chosen[i], cause, got);
                        if (compare_keys(got, want[i]) != 0)
                                fail_msg("seed %" PRIu64 ": another one at place %zu", seed, i);
                        for (size_t k = 0; k < i; k++)
                                assert_ptr_not_equal(n.chosen[k], n.chosen[i]);
                        assert_int_equal(n.chosen[i]->batch_rank, 0); /* nothing is changed */
                }
                chosen += n.n;
                full += n_want > max;
                node_done(&n);
        }
        /* Else it would prove nothing. */
        assert_true(chosen > 10 * rounds && full > rounds / 10);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_held_most_first),
                cmocka_unit_test(test_by_what_is_short),
                cmocka_unit_test(test_unknown_last),
                cmocka_unit_test(test_oldest),
                cmocka_unit_test(test_protected),
                cmocka_unit_test(test_young_by_its_own_floor),
                cmocka_unit_test(test_kept_as_last),
                cmocka_unit_test(test_label_for_a_while),
                cmocka_unit_test(test_goes_anyway),
                cmocka_unit_test(test_single_gates),
                cmocka_unit_test(test_gates_of_the_node),
                cmocka_unit_test(test_many),
        };

        return cmocka_run_group_tests_name("relief-order", tests, NULL, NULL);
}
