/* SPDX-License-Identifier: Apache-2.0 */
/* MaxStopped=: who is chosen, by hand; very many; and with too little memory nobody. */

#include "cap-fixture.h"

static void test_no_cap(void **state) {
        Registry *r = new_node();
        Container *c = put(r, (Spec){ .service = "web", .finished = EPOCH });

        (void)state;
        assert_false(select_some(r, COUNT_INFINITY));
        assert_false(select_some(r, 1));
        assert_false(c->over_cap);
        assert_true(select_some(r, 0));
        assert_true(c->over_cap);
        assert_false(select_some(r, 0));                                      /* nothing new */
        assert_int_equal(cap_select(r, COUNT_INFINITY, &calm, NOW, NULL), 0); /* the cap is lifted */
        assert_false(c->over_cap);
        free_node(r);

        r = new_node();
        assert_false(select_some(r, 0)); /* nobody there */
        free_node(r);
}

/* web has most, then both have three, and so on. */
static void test_oldest_of_the_largest(void **state) {
        Registry *r = new_node();
        Container *web[5], *db[3];

        (void)state;
        for (unsigned i = 0; i < 5; i++)
                web[i] = put(r, (Spec){ .service = "web",
                                                .slot = i,
                                                .finished = EPOCH + HOUR + (i * 3 % 5) });
        for (unsigned i = 0; i < 3; i++)
                db[i] = put(r, (Spec){ .service = "db", .finished = EPOCH + i });
        select_some(r, 7);
        assert_true(web[0]->over_cap);
        select_some(r, 6);
        assert_true(web[0]->over_cap && web[2]->over_cap);
        assert_int_equal(count_chosen(r), 2);
        select_some(r, 4);
        assert_true(web[0]->over_cap && web[2]->over_cap);
        assert_true(db[0]->over_cap && web[4]->over_cap); /* one of each */
        assert_int_equal(count_chosen(r), 4);
        select_some(r, 0);
        assert_int_equal(count_chosen(r), 8);
        assert_true(db[1]->over_cap);
        select_some(r, 8); /* and back */
        assert_int_equal(count_chosen(r), 0);
        free_node(r);
}

/* Those that nobody may choose count all the same; those that are not here do not. */
static void test_protected(void **state) {
        Registry *r = new_node();
        Container *free[2], *labelled, *ruled, *failure, *quarantined, *gone, *running, *automatic;

        (void)state;
        settings.settings.retention.keep_last = 10; /* does not protect */
        free[0] = put(r, (Spec){ .service = "web", .finished = EPOCH + 5 });
        free[1] = put(r, (Spec){ .service = "web", .finished = EPOCH + 6 });
        labelled = put(r, (Spec){ .service = "web", .finished = EPOCH, .labelled = true });
        ruled = put(r, (Spec){ .service = "kept_web", .finished = EPOCH });
        failure = put(r, (Spec){ .service = "web", .finished = EPOCH + 1, .exit_code = 1 });
        quarantined = put(r, (Spec){ .service = "web", .finished = EPOCH });
        quarantined->quarantined = true;
        automatic = put(r, (Spec){ .finished = EPOCH, .auto_remove = true });
        gone = put(r, (Spec){ .service = "web", .finished = EPOCH });
        registry_set_gone(r, gone);
        running = put(r, (Spec){ .service = "web", .finished = EPOCH + DAY, .runs = true });

        select_some(r, 7); /* all but the gone one and the running one */
        assert_int_equal(count_chosen(r), 0);
        select_some(r, 6);
        assert_true(free[0]->over_cap && !free[1]->over_cap);
        select_some(r, 0);
        assert_true(free[0]->over_cap && free[1]->over_cap);
        assert_int_equal(count_chosen(r), 2);
        assert_false(labelled->over_cap || ruled->over_cap || failure->over_cap || quarantined->over_cap);
        assert_false(automatic->over_cap || gone->over_cap || running->over_cap);

        /* A failure that is not the last may go. */
        Container *newer = put(r, (Spec){ .service = "web", .finished = EPOCH + 9, .exit_code = 1 });
        select_some(r, 0);
        assert_true(failure->over_cap && !newer->over_cap);
        free_node(r);
}

static void test_out_of_scope_ones(void **state) {
        Registry *r = new_node();
        Container *task, *plain;

        (void)state;
        settings.settings.n_rules = 0;
        task = put(r, (Spec){ .service = "web", .finished = EPOCH });
        plain = put(r, (Spec){ .finished = EPOCH });
        select_some(r, 1); /* it does not count */
        assert_int_equal(count_chosen(r), 0);
        select_some(r, 0);
        assert_true(task->over_cap && !plain->over_cap);
        free_node(r);
}

/* A plain container's workload is its slot. */
static void test_plain_workloads(void **state) {
        Registry *r = new_node();
        Container *first[2], *second[3];

        (void)state;
        for (unsigned i = 0; i < 2; i++)
                first[i] = put(r, (Spec){ .slot = 1, .finished = EPOCH + i });
        for (unsigned i = 0; i < 3; i++)
                second[i] = put(r, (Spec){ .slot = 2, .finished = EPOCH + HOUR + i });
        select_some(r, 4);
        assert_true(second[0]->over_cap && !first[0]->over_cap);
        assert_int_equal(count_chosen(r), 1);
        free_node(r);
}

/* Too young: chosen, and waiting for its floor. */
static void test_too_young(void **state) {
        Registry *r = new_node();
        Container *c = put(r, (Spec){ .service = "web", .finished = NOW - 10 * SEC });
        Decision d;

        (void)state;
        select_some(r, 0);
        assert_true(c->over_cap);
        d = policy_decide(c, &calm, NOW);
        assert_int_equal(d.verdict, VERDICT_TOO_YOUNG);
        assert_int_equal(d.due, NOW + 50 * SEC);
        assert_int_equal(policy_decide(c, &calm, NOW + 50 * SEC - 1).verdict, VERDICT_TOO_YOUNG);
        assert_int_equal(policy_decide(c, &calm, NOW + 50 * SEC).verdict, VERDICT_OVER_CAP);
        free_node(r);
}

/* What is due anyway goes first, and nobody instead of it. */
static void test_due_anyway(void **state) {
        Registry *r = new_node();
        Container *due, *young[2];

        (void)state;
        settings.settings.retention.success = 2 * HOUR;
        due = put(r, (Spec){ .service = "db", .finished = NOW - 3 * HOUR });
        young[0] = put(r, (Spec){ .service = "web", .finished = NOW - HOUR });
        young[1] = put(r, (Spec){ .service = "web", .finished = NOW - HOUR + 1 });
        select_some(r, 2);
        assert_false(young[0]->over_cap || young[1]->over_cap);
        select_some(r, 1);
        assert_true(young[0]->over_cap && !young[1]->over_cap);
        assert_int_equal(policy_decide(due, &calm, NOW).verdict, VERDICT_TTL_EXPIRED);
        free_node(r);
}

/* To be looked at again is not to go. */
static void test_due_for_a_look(void **state) {
        Registry *r = new_node();
        Container *plain, *task;

        (void)state;
        plain = put(r, (Spec){ .finished = EPOCH });
        plain->may_restart = true;
        plain->looked_at = NOW - 2 * HOUR;
        task = put(r, (Spec){ .service = "web", .finished = EPOCH + HOUR });
        assert_int_equal(policy_decide(plain, &calm, NOW).verdict, VERDICT_MAY_RESTART);
        select_some(r, 1);
        assert_true(task->over_cap && !plain->over_cap);
        free_node(r);
}

/* An inspect tells that another is the oldest. */
static void test_order_after_an_inspect(void **state) {
        Registry *r = new_node();
        Container *a, *b;
        Told first, second;

        (void)state;
        tell_of(&(Spec){ .service = "web", .slot = 1, .created = EPOCH, .finished = EPOCH + HOUR }, 901,
                        &first);
        tell_of(&(Spec){ .service = "web", .slot = 2, .created = EPOCH + SEC, .finished = EPOCH + MINUTE },
                        902, &second);
        a = list_one(r, &first); /* only bounds: their creation */
        b = list_one(r, &second);
        assert_true(select_some(r, 1));
        assert_true(a->over_cap && !b->over_cap);
        inspect_one(r, a, &first);
        assert_true(select_some(r, 1));
        assert_true(b->over_cap && !a->over_cap);
        inspect_one(r, b, &second);
        assert_false(select_some(r, 1));
        assert_true(b->over_cap && !a->over_cap);
        free_node(r);
}

/* Ended together, as far as is known: the one that was created first. */
static void test_ties(void **state) {
        (void)state;
        for (unsigned i = 0; i < 8; i++) {
                Registry *r = new_node();
                Container *c[2];

                c[0] = put(r, (Spec){ .service = "web",
                                              .finished = EPOCH + HOUR,
                                              .created = EPOCH + (i & 1) });
                c[1] = put(r, (Spec){ .service = "web",
                                              .finished = EPOCH + HOUR,
                                              .created = EPOCH + !(i & 1) });
                select_some(r, 1);
                assert_true(c[i & 1 ? 1 : 0]->over_cap && !c[i & 1 ? 0 : 1]->over_cap);
                free_node(r);
        }
}

/* The gates of the node are no reason to choose others. */
static void test_gates(void **state) {
        Registry *r = new_node();
        Container *due, *other;
        Situation shut = calm;

        (void)state;
        settings.settings.retention.success = 2 * HOUR;
        due = put(r, (Spec){ .service = "db", .finished = NOW - 3 * HOUR });
        other = put(r, (Spec){ .service = "web", .finished = NOW - HOUR });
        shut.paused_until = NOW + HOUR;
        shut.reloading = true;
        assert_int_equal(cap_select(r, 1, &shut, NOW, NULL), 0);
        assert_false(due->over_cap || other->over_cap);
        assert_int_equal(cap_select(r, 0, &shut, NOW, NULL), 0);
        assert_true(other->over_cap);
        assert_int_equal(policy_decide(other, &shut, NOW).verdict, VERDICT_RELOADING);
        free_node(r);
}

static void test_many(void **state) {
        enum { MANY = 100000 };
        static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
        Registry *r = new_node();
        size_t per_service[8] = { 0 };

        (void)state;
        for (unsigned i = 0; i < MANY; i++)
                put(r, (Spec){ .service = names[i < MANY / 2 ? 0 : i % 8],
                                       .slot = i % 1000,
                                       .finished = EPOCH + i });
        select_some(r, 1000);
        assert_int_equal(count_chosen(r), MANY - 1000);
        for (const Container *c = registry_next(r, NULL); c; c = registry_next(r, c))
                if (!c->over_cap)
                        per_service[shared_text(c->service)[0] - 'a']++;
        for (size_t i = 0; i < 8; i++)
                assert_int_equal(per_service[i], 125);
        free_node(r);
}

static void test_without_memory(void **state) {
        Registry *r = new_node();
        Container *c[20];
        unsigned failed = 0;

        (void)state;
        for (unsigned i = 0; i < 20; i++) {
                c[i] = put(r, (Spec){ .service = "web", .finished = EPOCH + i });
                c[i]->over_cap = i >= 15;
        }
        for (size_t nth = 0;; nth++) {
                bool changed = true, wrong = false;
                int k;

                allocations_left = nth;
                k = cap_select(r, 10, &calm, NOW, &changed);
                if (allocations_left != SIZE_MAX) { /* there are not so many */
                        allocations_left = SIZE_MAX;
                        assert_int_equal(k, 0);
                        break;
                }
                assert_int_equal(k, -ENOMEM);
                assert_true(changed); /* untouched */
                for (unsigned i = 0; i < 20; i++)
                        wrong = wrong || c[i]->over_cap != (i >= 15);
                assert_false(wrong);
                failed++;
        }
        assert_true(failed > 0);
        for (unsigned i = 0; i < 20; i++)
                assert_int_equal(c[i]->over_cap, i < 10);
        free_node(r);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_cap),
                cmocka_unit_test(test_oldest_of_the_largest),
                cmocka_unit_test(test_protected),
                cmocka_unit_test(test_out_of_scope_ones),
                cmocka_unit_test(test_plain_workloads),
                cmocka_unit_test(test_too_young),
                cmocka_unit_test(test_due_anyway),
                cmocka_unit_test(test_due_for_a_look),
                cmocka_unit_test(test_order_after_an_inspect),
                cmocka_unit_test(test_ties),
                cmocka_unit_test(test_gates),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_without_memory),
        };

        return cmocka_run_group_tests_name("cap", tests, NULL, NULL);
}
