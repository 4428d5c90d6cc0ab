/* SPDX-License-Identifier: Apache-2.0 */

#include "registry-fixtures.h"

static void test_empty(void **state) {
        Registry *r = fresh();
        ContainerId id = id_of_number(1);

        (void)state;
        assert_int_equal(registry_count(r), 0);
        assert_int_equal(registry_count_stopped(r), 0);
        assert_null(registry_find(r, &id));
        assert_null(registry_next(r, NULL));
        assert_null(registry_first_due(r));
        registry_sweep_begin(r);
        assert_int_equal(registry_sweep_end(r, EPOCH), 0);
        assert_null(shared_text(NULL));
        done(r);
        assert_null(registry_free(NULL));
}

static void test_what_comes_into_being(void **state) {
        static const EventAction actions[] = { EVENT_CREATE, EVENT_START, EVENT_KILL, EVENT_STOP, EVENT_DIE,
                EVENT_RENAME };
        Registry *r = fresh();
        EngineEvent e = event_of(50, EVENT_DIE);
        Container *c = (Container *)&e;

        (void)state;
        for (unsigned i = 0; i < ELEMENTS_OF(actions); i++) {
                assert_non_null(event(r, i, actions[i], start));
                assert_int_equal(registry_count(r), i + 1);
                assert_int_equal(registry_find(r, &(ContainerId[]){ id_of_number(i) }[0])->scope,
                                SCOPE_UNKNOWN);
        }
        assert_null(event(r, 50, EVENT_OTHER, start));
        assert_null(event(r, 50, EVENT_DESTROY, start));
        e.labelled = false;
        assert_int_equal(registry_apply_event(r, &e, &start, false, &c), 0);
        assert_null(c);
        assert_int_equal(registry_apply_event(r, &e, &start, false, NULL), 0);
        assert_int_equal(registry_count(r), ELEMENTS_OF(actions));

        c = summary(r, 3, start); /* a list of tasks */
        assert_int_equal(c->scope, SCOPE_TASK);
        assert_int_equal(summary(r, 60, start)->scope, SCOPE_TASK);

        assert_null(event(r, 3, EVENT_DESTROY, start));
        assert_int_equal(registry_count(r), ELEMENTS_OF(actions));
        c = registry_find(r, &(ContainerId[]){ id_of_number(60) }[0]);
        c->claimed = true; /* its holder will learn the same */
        assert_ptr_equal(event(r, 60, EVENT_DESTROY, start), c);
        check_consistent(r);
        done(r);
}

static void test_order_of_first_sight(void **state) {
        Registry *r = fresh();
        uint64_t n = 0;

        (void)state;
        for (uint64_t i = 0; i < 1000; i++)
                summary(r, i, start);
        for (uint64_t i = 0; i < 1000; i += 7)
                event(r, i, EVENT_DIE, start);
        for (Container *c = registry_next(r, NULL); c; c = registry_next(r, c)) {
                ContainerId id = id_of_number(n++);

                assert_memory_equal(&c->id, &id, sizeof(id));
        }
        assert_int_equal(n, 1000);
        for (Container *c = registry_next(r, NULL), *next; c; c = next) { /* forgotten on the way */
                next = registry_next(r, c);
                registry_forget(r, c);
                n--;
        }
        assert_int_equal(n, 0);
        check_consistent(r);
        done(r);
}

static void test_count_stopped(void **state) {
        Registry *r = fresh();
        Container *c;

        (void)state;
        summary(r, 1, start);
        event(r, 2, EVENT_START, start);
        event(r, 3, EVENT_DIE, start);
        assert_int_equal(registry_count_stopped(r), 2);
        assert_int_equal(registry_count_tracked(r), 3);
        c = summary(r, 4, start);
        assert_int_equal(registry_count_stopped(r), 3);
        assert_int_equal(registry_count_tracked(r), 4);
        registry_set_gone(r, c);
        assert_int_equal(registry_count_stopped(r), 2);
        assert_int_equal(registry_count_tracked(r), 3);
        registry_set_other(r, registry_next(r, NULL)); /* no rule lets it in */
        assert_int_equal(registry_count_stopped(r), 1);
        assert_int_equal(registry_count_tracked(r), 2);
        done(r);
}

static void test_texts(void **state) {
        char huge[5000];
        Registry *r = fresh();
        ContainerSummary s = summary_of(1);
        ContainerDetail d = { .name = "renamed",
                .image = "",
                .state = CONTAINER_EXITED,
                .created = EPOCH - HOUR,
                .finished = EPOCH };
        Container *a = summary(r, 1, start), *b = summary(r, 2, start);
        EngineEvent e = event_of(1, EVENT_RENAME);

        (void)state;
        assert_ptr_equal(a->image, b->image); /* kept once */
        assert_ptr_equal(a->service, b->service);
        assert_ptr_equal(a->node, b->node);
        assert_string_equal(shared_text(a->service), "shop_web");
        assert_string_equal(shared_text(a->node), labels.node_id);
        assert_string_equal(a->task_id, labels.task_id);
        assert_string_equal(a->name, s.name);
        assert_int_equal(HASH_COUNT(r->texts), 3);

        s.labels = (SwarmLabels){ 0 }; /* what is not told stays */
        s.name = NULL;
        s.image = "nginx:1.26";
        assert_int_equal(registry_apply_summary(r, &s, SCOPE_TASK, &start, EPOCH, NULL), 0);
        assert_string_equal(shared_text(a->service), "shop_web");
        assert_non_null(a->name);
        assert_string_equal(shared_text(a->image), "nginx:1.26");
        assert_string_equal(shared_text(b->image), "nginx:1.25");
        assert_int_equal(HASH_COUNT(r->texts), 4);

        assert_int_equal(registry_apply_detail(r, a, &d, &start), 0);
        assert_string_equal(a->name, "renamed");
        assert_string_equal(shared_text(a->image), "");
        assert_int_equal(HASH_COUNT(r->texts), 4); /* 1.26 is released */
        assert_int_equal(a->finish, FINISH_EXACT);
        e.name = "by-event";
        assert_int_equal(registry_apply_event(r, &e, &start, false, NULL), 0);
        assert_string_equal(a->name, "by-event");

        memset(huge, 'x', sizeof(huge)); /* absurd ones are cut, the same way each time */
        huge[sizeof(huge) - 1] = '\0';
        s.name = s.image = huge;
        for (int i = 0; i < 3; i++)
                assert_int_equal(registry_apply_summary(r, &s, SCOPE_TASK, &start, EPOCH, NULL), 0);
        assert_int_equal(strlen(a->name), 1024);
        assert_int_equal(strlen(shared_text(a->image)), 1024);
        check_consistent(r);

        registry_forget(r, a);
        assert_int_equal(HASH_COUNT(r->texts), 3);
        registry_forget(r, b);
        assert_null(r->texts);
        done(r);
}

static void test_sweeps(void **state) {
        Registry *r = fresh();
        usec_t asked = EPOCH + HOUR;

        (void)state;
        for (uint64_t i = 0; i < 8; i++)
                summary(r, i, start);

        registry_sweep_begin(r); /* a list that was cut: nothing is forgotten, nor later for its sake */
        summary(r, 0, later(HOUR));
        assert_int_equal(registry_count(r), 8);

        registry_sweep_begin(r);
        summary(r, 1, later(HOUR));                      /* named */
        event(r, 2, EVENT_KILL, later(HOUR - LIST_LAG)); /* spoken of, just */
        event(r, 3, EVENT_KILL, later(HOUR - LIST_LAG - 1));
        registry_find(r, &(ContainerId[]){ id_of_number(4) }[0])->claimed = true;
        registry_find(r, &(ContainerId[]){ id_of_number(5) }[0])->gone = true;
        event(r, 6, EVENT_DESTROY, later(HOUR));
        event(r, 9, EVENT_CREATE, later(HOUR)); /* new meanwhile */
        summary(r, 10, later(HOUR));
        /* 0 was named by the list that was cut; only events can be newer than a list. */
        assert_int_equal(registry_sweep_end(r, asked), 4);
        for (uint64_t i = 0; i < 11; i++) {
                ContainerId id = id_of_number(i);
                bool stays = i == 1 || i == 2 || i == 4 || i == 9 || i == 10;

                if ((registry_find(r, &id) != NULL) != stays)
                        fail_msg("container %ju", (uintmax_t)i);
        }
        check_consistent(r);

        registry_sweep_begin(r); /* what a list has named stays, whenever it was asked for */
        summary(r, 1, later(HOUR));
        assert_int_equal(registry_sweep_end(r, asked + DAY), 3);
        assert_non_null(registry_find(r, &(ContainerId[]){ id_of_number(1) }[0]));

        registry_sweep_begin(r);
        assert_int_equal(registry_sweep_end(r, asked + DAY), 1);
        assert_int_equal(registry_count(r), 1); /* the claimed one */
        done(r);
}

static void test_schedule(void **state) {
        Registry *r = fresh();
        Container *a = summary(r, 1, start), *b = summary(r, 2, start);

        (void)state;
        assert_null(registry_first_due(r)); /* nothing is queued by itself */
        registry_schedule(r, a, EPOCH + 2);
        registry_schedule(r, b, EPOCH + 1);
        assert_ptr_equal(registry_first_due(r), b);
        registry_schedule(r, b, USEC_INFINITY);
        assert_ptr_equal(registry_first_due(r), a);
        registry_schedule(r, b, 0);
        assert_ptr_equal(registry_first_due(r), b);
        registry_forget(r, b);
        assert_ptr_equal(registry_first_due(r), a);
        check_consistent(r);
        done(r);
}

static void test_random_operations(void **state) {
        Registry *r = fresh();
        uint64_t random = 4711;

        (void)state;
        for (unsigned i = 0; i < 20000; i++) {
                uint64_t number = random_below(&random, 60);
                ContainerId id = id_of_number(number);
                Container *c = registry_find(r, &id);

                switch (random_below(&random, 6)) {
                case 0:
                        summary(r, number, later(i));
                        break;
                case 1:
                        event(r, number, (EventAction)random_between(&random, EVENT_CREATE, EVENT_RENAME),
                                        later(i));
                        break;
                case 2:
                        if (c && random_chance(&random, 30))
                                registry_forget(r, c);
                        break;
                case 3:
                        if (c)
                                registry_schedule(r, c, random_below(&random, 100));
                        break;
                case 4:
                        c = registry_first_due(r);
                        if (c)
                                registry_schedule(r, c, USEC_INFINITY);
                        break;
                default:
                        if (random_chance(&random, 10)) {
                                registry_sweep_begin(r);
                                if (random_chance(&random, 50))
                                        registry_sweep_end(
                                                        r, EPOCH + i + random_below(&random, 2 * LIST_LAG));
                        }
                }
                if (i % 16 == 0)
                        check_consistent(r);
        }
        done(r);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_what_comes_into_being),
                cmocka_unit_test(test_order_of_first_sight),
                cmocka_unit_test(test_count_stopped),
                cmocka_unit_test(test_texts),
                cmocka_unit_test(test_sweeps),
                cmocka_unit_test(test_schedule),
                cmocka_unit_test(test_random_operations),
        };

        return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
