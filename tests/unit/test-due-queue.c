/* SPDX-License-Identifier: Apache-2.0 */
/* The due queue against a model that searches all containers for the soonest. */

#include <stdlib.h>

#include "base/cleanup.h"
#include "core-fixtures.h"
#include "core/due-queue.h"

#define CONTAINERS 300

typedef struct Model {
        Container containers[CONTAINERS];
        bool queued[CONTAINERS];
        usec_t look_at[CONTAINERS];
} Model;

static void model_init(Model *m) {
        memset(m, 0, sizeof(*m));
        for (size_t i = 0; i < CONTAINERS; i++)
                m->containers[i].queue_index = DUE_QUEUE_NONE;
}

static void check(const DueQueue *q, const Model *m) {
        usec_t soonest = USEC_INFINITY;
        size_t n = 0;

        for (size_t i = 0; i < CONTAINERS; i++) {
                const Container *c = &m->containers[i];

                if (!m->queued[i]) {
                        assert_true(c->queue_index == DUE_QUEUE_NONE);
                        continue;
                }
                n++;
                assert_true(c->queue_index < q->n);
                assert_ptr_equal(q->heap[c->queue_index], c);
                assert_int_equal(c->look_at, m->look_at[i]);
                soonest = usec_min(soonest, m->look_at[i]);
        }
        for (size_t i = 1; i < q->n; i++)
                assert_true(q->heap[(i - 1) / 2]->look_at <= q->heap[i]->look_at);
        assert_int_equal(q->n, n);
        assert_true(q->n <= q->allocated);
        if (n == 0)
                assert_null(due_queue_first(q));
        else
                assert_int_equal(due_queue_first(q)->look_at, soonest);
}

static void test_empty(void **state) {
        DueQueue q = { 0 };
        Container c = { .queue_index = DUE_QUEUE_NONE };

        (void)state;
        assert_null(due_queue_first(&q));
        due_queue_withdraw(&q, &c);
        due_queue_set(&q, &c, USEC_INFINITY);
        assert_null(due_queue_first(&q));
        assert_true(c.queue_index == DUE_QUEUE_NONE);
        assert_int_equal(due_queue_reserve(&q, 0), 0);
        due_queue_done(&q);
        assert_null(q.heap);
        assert_int_equal(q.allocated, 0);
}

static void test_reserve(void **state) {
        DueQueue q = { 0 };
        size_t before;

        (void)state;
        for (size_t n = 1; n < 5000; n++) {
                assert_int_equal(due_queue_reserve(&q, n), 0);
                assert_true(q.allocated >= n);
        }
        assert_true(q.allocated < 5000 * 2);
        before = q.allocated;
        assert_int_equal(due_queue_reserve(&q, 1), 0);
        assert_int_equal(q.allocated, before);
        due_queue_done(&q);
}

static void random_operations(uint64_t seed, size_t containers, uint64_t distinct_times, unsigned n) {
        uint64_t random = seed;
        DueQueue q = { 0 };
        Model *m = malloc(sizeof(*m));

        assert_non_null(m);
        model_init(m);
        assert_int_equal(due_queue_reserve(&q, CONTAINERS), 0);

        for (unsigned k = 0; k < n; k++) {
                size_t i = random_below(&random, containers);
                usec_t at = random_below(&random, distinct_times);

                switch (random_below(&random, 8)) {
                case 0:
                        due_queue_withdraw(&q, &m->containers[i]);
                        m->queued[i] = false;
                        break;
                case 1:
                        due_queue_set(&q, &m->containers[i], USEC_INFINITY);
                        m->queued[i] = false;
                        break;
                case 2: { /* as the daemon does: take the first */
                        Container *first = due_queue_first(&q);

                        if (!first)
                                break;
                        m->queued[first - m->containers] = false;
                        due_queue_withdraw(&q, first);
                        break;
                }
                default:
                        if (random_chance(&random, 3))
                                at = USEC_INFINITY - 1 - random_below(&random, 3);
                        due_queue_set(&q, &m->containers[i], at);
                        m->queued[i] = true;
                        m->look_at[i] = at;
                }
                check(&q, m);
        }

        /* What is left comes out in order. */
        for (usec_t last = 0; due_queue_first(&q);) {
                Container *first = due_queue_first(&q);

                assert_true(first->look_at >= last);
                last = first->look_at;
                due_queue_withdraw(&q, first);
                m->queued[first - m->containers] = false;
                check(&q, m);
        }
        due_queue_done(&q);
        free(m);
}

static void test_random_operations(void **state) {
        (void)state;
        random_operations(1, CONTAINERS, 1000, 6000);
        random_operations(2, CONTAINERS, 5, 6000); /* many equal */
        random_operations(3, CONTAINERS, USEC_INFINITY >> 12, 6000);
        for (size_t containers = 1; containers < 12; containers++)
                random_operations(containers, containers, 20, 1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_reserve),
                cmocka_unit_test(test_random_operations),
        };

        return cmocka_run_group_tests_name("due-queue", tests, NULL, NULL);
}
