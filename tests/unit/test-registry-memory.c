/* SPDX-License-Identifier: Apache-2.0 */
/* The registry when each of its allocations fails once, and what many containers cost. */

#include <malloc.h>
#include <stdio.h>

#include "registry-fixtures.h"

/* What an -ENOMEM must leave as it was. */
typedef struct Glimpse {
        size_t count, texts;
        Container container;
        char name[64];
} Glimpse;

static Glimpse glimpse(const Registry *r, uint64_t number) {
        ContainerId id = id_of_number(number);
        const Container *c = registry_find(r, &id);
        Glimpse g;

        memset(&g, 0, sizeof(g));
        g.count = registry_count(r);
        g.texts = HASH_COUNT(r->texts);
        if (c) {
                memcpy(&g.container, c, sizeof(*c));
                memset(&g.container.hh, 0, sizeof(g.container.hh));
                snprintf(g.name, sizeof(g.name), "%s", c->name);
        }
        return g;
}

static int apply_something(Registry *r, unsigned what, uint64_t number, const char *text) {
        SwarmLabels l = { .task_id = text, .service_name = text, .node_id = text };
        ContainerSummary s = { .id = id_of_number(number),
                .name = text,
                .image = "other",
                .state = CONTAINER_RUNNING,
                .created = EPOCH,
                .labels = l };
        EngineEvent e = event_of(number, EVENT_START);
        ContainerDetail d = { .id = s.id,
                .name = text,
                .image = "other",
                .state = CONTAINER_RUNNING,
                .created = EPOCH,
                .labels = l };
        Instant now = later(HOUR);

        e.name = text;
        e.image = "other";
        e.labels = l;
        if (what == 0)
                return registry_apply_summary(r, &s, &now, now.steady, NULL);
        if (what == 1)
                return registry_apply_event(r, &e, &now, false, NULL);
        return registry_apply_detail(r, registry_find(r, &s.id), &d, &now);
}

static void test_every_allocation_fails_once(void **state) {
        (void)state;
        /* `known` containers: 0; enough to make the hash tables and the queue grow at the next one. */
        for (unsigned what = 0; what < 3; what++)
                for (unsigned known = what == 2; known < 340; known += known < 20 ? 1 : 40)
                        for (uint64_t number = 1; number <= known + 1U; number += known > 0 ? known : 1) {
                                unsigned failed = 0;

                                if (what == 2 && number > known)
                                        continue;
                                for (size_t nth = 0;; nth++) {
                                        Registry *r = fresh();
                                        Glimpse before, after;
                                        int k;

                                        for (uint64_t i = 1; i <= known; i++)
                                                summary(r, i, start);
                                        before = glimpse(r, number);
                                        allocations_left = nth;
                                        k = apply_something(r, what, number, "something-else");
                                        after = glimpse(r, number);
                                        if (allocations_left != SIZE_MAX) { /* there are not so many */
                                                allocations_left = SIZE_MAX;
                                                assert_int_equal(k, 0);
                                                check_consistent(r);
                                                done(r);
                                                break;
                                        }
                                        failed++;
                                        assert_int_equal(k, -ENOMEM);
                                        assert_int_equal(after.count, before.count);
                                        assert_int_equal(after.container.state, before.container.state);
                                        assert_int_equal(after.container.touched, before.container.touched);
                                        check_consistent(r);
                                        /* Once there is memory again all is well. */
                                        assert_int_equal(apply_something(r, what, number, "something-else"),
                                                        0);
                                        check_consistent(r);
                                        done(r);
                                }
                                assert_true(failed >= 4);
                        }
}

/* -ENOMEM: nothing is changed, and so none of the texts either. */
static void test_no_half_told_texts(void **state) {
        (void)state;
        for (unsigned what = 0; what < 3; what++)
                for (size_t nth = 0; nth < 4; nth++) {
                        Registry *r = fresh();
                        Glimpse before, after;

                        summary(r, 1, start);
                        before = glimpse(r, 1);
                        allocations_left = nth;
                        assert_int_equal(apply_something(r, what, 1, "something-else"), -ENOMEM);
                        allocations_left = SIZE_MAX;
                        after = glimpse(r, 1);
                        assert_string_equal(after.name, before.name);
                        assert_int_equal(after.texts, before.texts);
                        assert_memory_equal(&after, &before, sizeof(after));
                        done(r);
                }
}

static void test_new_without_memory(void **state) {
        Registry *r = NULL;

        (void)state;
        allocations_left = 0;
        assert_int_equal(registry_new(&r), -ENOMEM);
        assert_null(r);
        assert_int_equal(live_allocations, 0);
}

static void test_queue_without_memory(void **state) {
        DueQueue q = { 0 };
        Container **heap;

        (void)state;
        for (size_t n = 1; n < 1000; n++) {
                size_t allocated = q.allocated;

                heap = q.heap;
                allocations_left = 0;
                if (due_queue_reserve(&q, n) == 0) {
                        assert_true(n <= allocated); /* there was room */
                        allocations_left = SIZE_MAX;
                        continue;
                }
                assert_int_equal(allocations_left, SIZE_MAX);
                assert_ptr_equal(q.heap, heap);
                assert_int_equal(q.allocated, allocated);
                assert_int_equal(due_queue_reserve(&q, n), 0);
        }
        due_queue_done(&q);
        assert_int_equal(live_allocations, 0);
}

static void test_memory_of_many(void **state) {
        enum { MANY = 100000 };
        size_t before, after;
        Registry *r;

        (void)state;
        before = mallinfo2().uordblks + mallinfo2().hblkhd;
        r = fresh();
        for (uint64_t i = 0; i < MANY; i++) {
                char name[96], task[32], service[48];
                uint64_t random = i + 1;
                ContainerSummary s = summary_of(i);

                for (size_t k = 0; k < 25; k++)
                        task[k] = "abcdefghijklmnopqrstuvwxyz0123456789"[random_below(&random, 36)];
                task[25] = '\0';
                snprintf(service, sizeof(service), "production_service-%03u", (unsigned)(i % 100));
                snprintf(name, sizeof(name), "%s.%u.%s", service, (unsigned)(i % 20), task);
                s.name = name;
                s.labels.task_id = task;
                s.labels.service_name = service;
                assert_int_equal(registry_apply_summary(r, &s, &start, EPOCH, NULL), 0);
                registry_schedule(r, registry_find(r, &s.id), EPOCH + i % 977);
        }
        after = mallinfo2().uordblks + mallinfo2().hblkhd;
        assert_int_equal(registry_count(r), MANY);
        assert_int_equal(HASH_COUNT(r->texts), 102);
        print_message("a container costs %zu bytes (the struct: %zu)\n", (after - before) / MANY,
                        sizeof(Container));
        /* Under valgrind and the sanitizers mallinfo2() tells nothing; the struct's size counts there. */
        assert_in_range((after - before) / MANY, 0, 511);
        assert_true(sizeof(Container) <= 400);
        done(r);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_new_without_memory),
                cmocka_unit_test(test_every_allocation_fails_once),
                cmocka_unit_test(test_queue_without_memory),
                cmocka_unit_test(test_memory_of_many),
                cmocka_unit_test(test_no_half_told_texts),
        };

        return cmocka_run_group_tests_name("registry-memory", tests, NULL, NULL);
}
