/* SPDX-License-Identifier: Apache-2.0 */
/* Slots: who followed whom in one place, in which order, and how many are kept. */

#include "core-fixtures.h"

static Container exited(uint64_t number, usec_t finished) {
        return (Container){ .id = id_of_number(number),
                .state = CONTAINER_EXITED,
                .state_exact = true,
                .finish = FINISH_EXACT,
                .finished = finished,
                .created = EPOCH };
}

static void test_order_by_what(void **state) {
        Container c = exited(1, EPOCH + HOUR);

        (void)state;
        assert_int_equal(slot_order(&c), EPOCH + HOUR);
        c.finish = FINISH_SEEN;
        assert_int_equal(slot_order(&c), EPOCH + HOUR);
        c.finish = FINISH_BOUNDED; /* not before it was created, nor before it was last seen alive */
        assert_int_equal(slot_order(&c), EPOCH);
        c.alive_until = EPOCH + MINUTE;
        assert_int_equal(slot_order(&c), EPOCH + MINUTE);
        c.state = CONTAINER_CREATED;
        c.failed_start = true;
        assert_int_equal(slot_order(&c), EPOCH);
}

/* Every one of them, forwards and backwards. */
static void check_list(const Slot *s, Container *const *want, size_t n) {
        const Container *c = s->newest;

        for (size_t i = 0; i < n; i++, c = c->slot_next) {
                assert_ptr_equal(c, want[i]);
                assert_ptr_equal(c->slot, s);
                assert_ptr_equal(c->slot_prev, want[i > 0 ? i - 1 : n - 1]);
        }
        assert_null(c);
}

static void test_names(void **state) {
        Container a = exited(1, EPOCH + 1), b = exited(2, EPOCH + 2), c = exited(3, EPOCH + 3),
                  d = exited(4, EPOCH);
        Slot *table = NULL;

        (void)state;
        slot_leave(&table, &a); /* it is in none */
        assert_int_equal(slot_join(&table, "web.1", &a), 0);
        assert_int_equal(slot_join(&table, "web.2", &b), 0);
        assert_int_equal(slot_join(&table, "web.1", &c), 0);
        assert_int_equal(slot_join(&table, "", &d), 0);
        assert_int_equal(HASH_COUNT(table), 3);
        assert_string_equal(a.slot->name, "web.1");
        assert_string_equal(d.slot->name, "");
        assert_ptr_equal(a.slot, c.slot);
        check_list(a.slot, (Container *[]){ &c, &a }, 2);
        check_list(b.slot, (Container *[]){ &b }, 1);

        slot_leave(&table, &c);
        assert_null(c.slot);
        assert_int_equal(HASH_COUNT(table), 3);
        check_list(a.slot, (Container *[]){ &a }, 1);
        slot_leave(&table, &a); /* its last: the slot goes too */
        assert_int_equal(HASH_COUNT(table), 2);
        slot_leave(&table, &b);
        slot_leave(&table, &d);
        slot_leave(&table, &d);
        assert_null(table);
}

static void test_ties(void **state) {
        Container c[4];
        Slot *table = NULL, *s;

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                c[i] = exited(i + 1, EPOCH + DAY);
                c[i].created = EPOCH + (i & 1) * HOUR;
                assert_int_equal(slot_join(&table, "s", &c[i]), 0);
        }
        /* Later created is newer; the ids decide between the others, one way or the other. */
        s = c[0].slot;
        assert_true(s->newest->created == EPOCH + HOUR && s->newest->slot_next->created == EPOCH + HOUR);
        for (size_t i = 0; i < 4; i++)
                slot_leave(&table, &c[i]);
        assert_null(table);
}

static void test_kept(void **state) {
        Container a = exited(1, EPOCH), b = exited(2, EPOCH + 1);
        Slot *table = NULL;

        (void)state;
        assert_int_equal(slot_join(&table, "s", &a), 0);
        assert_int_equal(slot_join(&table, "s", &b), 0);
        assert_int_equal(a.slot->n_kept, 0);
        for (int twice = 0; twice < 2; twice++) {
                slot_set_kept(&a, true, false);
                assert_true(a.kept_last);
                assert_int_equal(a.slot->n_kept, 1);
        }
        slot_set_kept(&b, true, false);
        assert_int_equal(a.slot->n_kept, 2);
        slot_update(&b);
        assert_int_equal(a.slot->n_kept, 2);
        for (int twice = 0; twice < 2; twice++) {
                slot_set_kept(&a, false, false);
                assert_int_equal(a.slot->n_kept, 1);
        }
        slot_leave(&table, &b);
        assert_false(b.kept_last);
        assert_int_equal(a.slot->n_kept, 0);
        slot_leave(&table, &a);
        assert_null(table);
}

static int newest_first(const void *a, const void *b) {
        const Container *x = *(Container *const *)a, *y = *(Container *const *)b;

        if (slot_order(x) != slot_order(y))
                return slot_order(x) > slot_order(y) ? -1 : 1;
        if (x->created != y->created)
                return x->created > y->created ? -1 : 1;
        return memcmp(&x->id, &y->id, sizeof(x->id));
}

static void test_random(void **state) {
        enum { N = 24, SLOTS = 3 };
        static const char *const names[SLOTS] = { "web.1", "web.2", "nginx:1.25" };
        uint64_t random = 99;
        Slot *table = NULL;
        Container c[N];
        int in[N];

        (void)state;
        for (unsigned i = 0; i < N; i++) {
                c[i] = exited(i, EPOCH);
                in[i] = -1;
        }
        for (unsigned step = 0; step < 30000; step++) {
                size_t i = random_below(&random, N);

                if (in[i] < 0) {
                        c[i].finish = (uint8_t)random_below(&random, 3);
                        c[i].finished = EPOCH + random_below(&random, 12);
                        c[i].created = EPOCH + random_below(&random, 12);
                        c[i].alive_until =
                                        random_chance(&random, 50) ? 0 : EPOCH + random_below(&random, 12);
                        in[i] = (int)random_below(&random, SLOTS);
                        assert_int_equal(slot_join(&table, names[in[i]], &c[i]), 0);
                } else if (random_chance(&random, 30)) {
                        slot_leave(&table, &c[i]);
                        in[i] = -1;
                } else if (random_chance(&random, 30))
                        slot_set_kept(&c[i], random_chance(&random, 50), false);
                else {
                        c[i].finish = (uint8_t)random_below(&random, 3);
                        c[i].finished = EPOCH + random_below(&random, 12);
                        slot_update(&c[i]);
                }

                for (int s = 0; s < SLOTS; s++) {
                        Container *want[N];
                        size_t n = 0, kept = 0;

                        for (size_t k = 0; k < N; k++)
                                if (in[k] == s) {
                                        want[n++] = &c[k];
                                        kept += c[k].kept_last;
                                }
                        if (n == 0)
                                continue;
                        qsort(want, n, sizeof(*want), newest_first);
                        check_list(want[0]->slot, want, n);
                        assert_int_equal(want[0]->slot->n_kept, kept);
                        assert_string_equal(want[0]->slot->name, names[s]);
                }
        }
        for (size_t i = 0; i < N; i++)
                slot_leave(&table, &c[i]);
        assert_null(table);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_by_what),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_ties),
                cmocka_unit_test(test_kept),
                cmocka_unit_test(test_random),
        };

        return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
