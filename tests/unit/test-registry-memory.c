/* SPDX-License-Identifier: Apache-2.0 */
/* The registry when each of its allocations fails once, and what many containers cost. */

#include <malloc.h>
#include <stdio.h>

#include "registry-fixtures.h"

typedef enum What {
        LISTED_RUNNING,
        LISTED_EXITED,
        STARTS,
        DIES,
        INSPECTED_RUNNING,
        INSPECTED_EXITED,
        FAILED_TO_START,
        _WHAT_MAX,
} What;

/* `text` is its name and the like, and a label. */
static int apply_something(Registry *r, What what, uint64_t number, const char *text) {
        const LabelPair pairs[] = { { "com.docker.swarm.task", "" }, { KEEP_LAST, "7" }, { NULL, NULL } };
        SwarmLabels l = { .task_id = "another-id", .service_name = text, .node_id = text };
        bool runs = what == LISTED_RUNNING || what == INSPECTED_RUNNING;
        ContainerSummary s = { .id = id_of_number(number),
                .name = text,
                .image = "other",
                .state = runs ? CONTAINER_RUNNING : CONTAINER_EXITED,
                .created = EPOCH,
                .labels = l,
                .all_labels = labels_of(pairs) };
        EngineEvent e = event_of(number, what == STARTS ? EVENT_START : EVENT_DIE);
        ContainerDetail d = { .id = s.id,
                .name = text,
                .image = "other",
                .state = s.state,
                .created = EPOCH,
                .finished = runs ? 0 : EPOCH + 1,
                .labels = l,
                .all_labels = s.all_labels };
        Instant now = later(HOUR);

        e.name = text;
        e.image = "other";
        e.labels = l;
        e.all_labels = s.all_labels;
        if (what == FAILED_TO_START) {
                d.state = CONTAINER_CREATED;
                d.error = "no such file";
                d.exit_code = 127;
        }
        if (what <= LISTED_EXITED)
                return registry_apply_summary(r, &s, SCOPE_TASK, &now, now.steady, NULL);
        if (what <= DIES)
                return registry_apply_event(r, &e, &now, false, NULL);
        return registry_apply_detail(r, registry_find(r, &s.id), &d, &now);
}

/* What is not known to the end must not be due. */
static void check_nothing_is_due(const Registry *r, uint64_t number) {
        const Situation calm = { .engine_connected = true, .swarm_state = SWARM_ACTIVE };
        const ContainerId id = id_of_number(number);
        const Container *c = registry_find(r, &id);

        if (!c)
                return;
        assert_null(c->profile);
        assert_int_equal(policy_decide(c, &calm, EPOCH + 1000 * DAY).due, USEC_INFINITY);
        assert_false(verdict_removes(policy_decide(c, &calm, EPOCH + 1000 * DAY).verdict));
}

static void test_every_allocation_fails_once(void **state) {
        static const unsigned least[_WHAT_MAX] = { 4, 5, 4, 4, 4, 4, 4 };

        (void)state;
        /* `known` containers: 0; enough to make the hash tables and the queue grow at the next one. */
        for (What what = 0; what < _WHAT_MAX; what++)
                for (unsigned known = what >= INSPECTED_RUNNING, most = what == LISTED_EXITED ? 340 : 24;
                                known < most; known += known < 20 ? 1 + known / 4 : 40)
                        for (uint64_t number = 1; number <= known + 1U; number += known > 0 ? known : 1) {
                                unsigned failed = 0;

                                if (what >= INSPECTED_RUNNING && number > known)
                                        continue;
                                for (size_t nth = 0;; nth++) {
                                        Registry *r = fresh();
                                        size_t before = known;
                                        int k;

                                        for (uint64_t i = 1; i <= known; i++)
                                                summary(r, i, start);
                                        allocations_left = nth;
                                        k = apply_something(r, what, number, "something-else");
                                        if (allocations_left != SIZE_MAX) { /* there are not so many */
                                                allocations_left = SIZE_MAX;
                                                assert_int_equal(k, 0);
                                                check_consistent(r);
                                                done(r);
                                                break;
                                        }
                                        failed++;
                                        assert_int_equal(k, -ENOMEM);
                                        assert_in_range(registry_count(r), before, before + 1);
                                        check_nothing_is_due(r, number);
                                        check_consistent(r);
                                        /* Once there is memory again all is well. */
                                        assert_int_equal(apply_something(r, what, number, "something-else"),
                                                        0);
                                        check_consistent(r);
                                        assert_non_null(registry_find(
                                                        r, &(ContainerId[]){ id_of_number(number) }[0])
                                                                        ->profile);
                                        done(r);
                                }
                                assert_true(failed >= least[what]);
                        }
}

/* -ENOMEM: none of the texts is changed, if not all of them are. */
static void test_no_half_told_texts(void **state) {
        (void)state;
        for (What what = 0; what < _WHAT_MAX; what++)
                for (size_t nth = 0;; nth++) {
                        Registry *r = fresh();
                        Container *c = summary(r, 1, start);
                        bool old;

                        allocations_left = nth;
                        if (apply_something(r, what, 1, "something-else") == 0) {
                                assert_true(nth >= 4);
                                allocations_left = SIZE_MAX;
                                done(r);
                                break;
                        }
                        old = strcmp(c->name, "something-else") != 0;
                        assert_string_equal(c->name, old ? summary_of(1).name : "something-else");
                        assert_string_equal(c->task_id, old ? labels.task_id : "another-id");
                        assert_string_equal(shared_text(c->service), old ? "shop_web" : "something-else");
                        assert_string_equal(shared_text(c->node), old ? labels.node_id : "something-else");
                        assert_string_equal(shared_text(c->image), old ? "nginx:1.25" : "other");
                        assert_int_equal(HASH_COUNT(r->texts), old ? 3 : 2);
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

static size_t memory_in_use(void) {
        return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void random_word(char *buf, size_t n, uint64_t *random) {
        for (size_t k = 0; k < n; k++)
                buf[k] = "abcdefghijklmnopqrstuvwxyz0123456789"[random_below(random, 36)];
        buf[n] = '\0';
}

/* 100,000 stopped ones of this service and slot each, a look at each scheduled. */
static void check_memory(const char *what, bool job) {
        enum { MANY = 100000 };
        size_t before, each;
        Registry *r;

        before = memory_in_use();
        r = fresh();
        for (uint64_t i = 0; i < MANY; i++) {
                const LabelPair pairs[] = { { "com.docker.swarm.task", "" },
                        { "com.docker.stack.namespace", "production" }, { KEEP_LAST, i % 3 ? "2" : "3" },
                        { NULL, NULL } };
                char name[96], task[32], service[48];
                uint64_t random = i + 1;
                ContainerSummary s = summary_of(i);

                random_word(task, 25, &random);
                snprintf(service, sizeof(service), "production_service-%03u", (unsigned)(i % 100));
                snprintf(name, sizeof(name), "%s.%u.%s", service, (unsigned)(job ? i / 100 : i % 20), task);
                s.name = s.labels.task_name = name;
                s.created -= i * SEC; /* as the engine lists them: the newest first */
                s.labels.task_id = task;
                s.labels.service_name = service;
                s.all_labels = labels_of(pairs);
                assert_int_equal(registry_apply_summary(r, &s, SCOPE_TASK, &start, EPOCH, NULL), 0);
                registry_schedule(r, registry_find(r, &s.id), EPOCH + i % 977);
        }
        each = (memory_in_use() - before) / MANY;
        assert_int_equal(registry_count(r), MANY);
        assert_int_equal(HASH_COUNT(r->texts), 102);
        assert_int_equal(HASH_COUNT(r->profiles.profiles), 2); /* each kept once */
        assert_int_equal(HASH_COUNT(r->slots), job ? MANY : 100);
        done(r);
        print_message("%s costs %zu bytes (the struct: %zu)\n", what, each, sizeof(Container));
        /* Under valgrind and the sanitizers mallinfo2() tells nothing; the struct's size counts there. */
        assert_in_range(each, 0, 512);
        assert_true(sizeof(Container) <= 400);
}

static void test_memory_of_replicas(void **state) {
        (void)state;
        check_memory("a replica", false);
}

static void test_memory_of_jobs(void **state) {
        (void)state;
        check_memory("a task of a job", true);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_new_without_memory),
                cmocka_unit_test(test_every_allocation_fails_once),
                cmocka_unit_test(test_queue_without_memory),
                cmocka_unit_test(test_memory_of_replicas),
                cmocka_unit_test(test_memory_of_jobs),
                cmocka_unit_test(test_no_half_told_texts),
        };

        return cmocka_run_group_tests_name("registry-memory", tests, NULL, NULL);
}
