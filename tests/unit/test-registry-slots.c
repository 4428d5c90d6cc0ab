/* SPDX-License-Identifier: Apache-2.0 */
/* In which slot the registry puts what has ended, and when it takes it out. */

#include "registry-labels.h"

/* Told of by an event with forged labels, and listed among those that are no tasks: it must not stand among
 * the tasks of the slot that it names. */
static void test_forged_into_a_slot(void **state) {
        Container *forged, *task;
        Registry *r;

        (void)state;
        let_plain_ones_in();
        r = fresh_with_rules(1);
        task = listed(r, 1, SCOPE_TASK, hour);
        assert_string_equal(task->slot->name, "shop_web.1");
        forged = told_of(r, 2, EVENT_DIE, hour);
        listed(r, 2, SCOPE_OTHER, hour);
        assert_int_equal(forged->scope, SCOPE_OTHER);
        assert_string_equal(forged->slot->name, "nginx:1.25");
        assert_ptr_equal(task->slot->newest, task);
        assert_null(task->slot_next);
        check_consistent(r);

        /* The same with a reload between, when nothing is known of its labels. */
        forged = told_of(r, 3, EVENT_DIE, hour);
        registry_set_settings(r, &test_settings);
        registry_set_other(r, forged);
        listed(r, 3, SCOPE_OTHER, hour);
        assert_string_equal(forged->slot->name, "nginx:1.25");
        assert_ptr_equal(task->slot->newest, task);
        assert_null(task->slot_next);
        done(r);
}

static void test_out_of_scope(void **state) {
        Registry *r;
        Container *c;

        (void)state;
        let_plain_ones_in();
        r = fresh_with_rules(1);
        c = listed(r, 1, SCOPE_OTHER, none);
        assert_non_null(c->slot);
        test_settings.settings.n_rules = 0;
        registry_set_settings(r, &test_settings);
        listed(r, 1, SCOPE_OTHER, none); /* no longer let in */
        assert_false(c->profile->in_scope);
        assert_null(c->slot);
        assert_null(r->slots);
        check_consistent(r);
        done(r);
}

static void test_slot_names(void **state) {
        static const LabelPair compose[] = { { "com.docker.compose.project", "blog" },
                { "com.docker.compose.service", "db" }, { NULL, NULL } };
        static const LabelPair half[] = { { "com.docker.compose.project", "blog" }, { NULL, NULL } };
        static const struct {
                const char *task_name, *name;
                const LabelPair *pairs;
                Scope scope;
                const char *slot;
        } rows[] = {
                { "shop_web.1.0123456789abcdefghijklmno", "anything", hour, SCOPE_TASK, "shop_web.1" },
                { "shop_web.2.x123456789abcdefghijklmno", "anything", hour, SCOPE_TASK, "shop_web.2" },
                { "dotted.name.7.0123456789abcdefghijklmno", "anything", hour, SCOPE_TASK, "dotted.name.7" },
                { "global.nodenodenodenodenodenoden.0123456789abcdefghijklmno", "anything", hour, SCOPE_TASK,
                                "global.nodenodenodenodenodenoden" },
                { NULL, "shop_db.3.0123456789abcdefghijklmno", hour, SCOPE_TASK, "shop_db.3" },
                { NULL, "plain", none, SCOPE_OTHER, "nginx:1.25" },
                { "forged.1.0123456789abcdefghijklmno", "plain", none, SCOPE_OTHER, "nginx:1.25" },
                { NULL, "plain", half, SCOPE_OTHER, "nginx:1.25" },
        };
        Container *blog[3];
        Registry *r;

        (void)state;
        let_plain_ones_in();
        r = fresh_with_rules(1);
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                ContainerSummary s = summary_of(i);
                Container *c;

                s.labels = (SwarmLabels){ .task_name = rows[i].task_name };
                s.name = rows[i].name;
                s.all_labels = labels_of(rows[i].pairs);
                assert_int_equal(registry_apply_summary(r, &s, rows[i].scope, &start, EPOCH, &c), 0);
                assert_string_equal(c->slot->name, rows[i].slot);
        }
        /* Compose: by project and service, whatever the image. */
        for (size_t i = 0; i < 3; i++) {
                static const LabelPair other[] = { { "com.docker.compose.project", "shop" },
                        { "com.docker.compose.service", "db" }, { NULL, NULL } };
                ContainerSummary s = summary_of(20 + i);

                s.labels = (SwarmLabels){ 0 };
                s.image = i == 1 ? "postgres:16" : "postgres:15";
                s.all_labels = labels_of(i == 2 ? other : compose);
                assert_int_equal(registry_apply_summary(r, &s, SCOPE_OTHER, &start, EPOCH, &blog[i]), 0);
        }
        assert_ptr_equal(blog[0]->slot, blog[1]->slot);
        assert_ptr_not_equal(blog[0]->slot, blog[2]->slot);
        check_consistent(r);
        done(r);
}

static void test_in_and_out_of_slots(void **state) {
        Registry *r = fresh();
        Container *c, *other;
        Instant now = now_at(HOUR);

        (void)state;
        c = told_of(r, 1, EVENT_START, hour);
        assert_null(c->slot); /* it runs */
        told_of(r, 1, EVENT_DIE, hour);
        assert_non_null(c->slot);
        assert_string_equal(c->slot->name, "shop_web.1");
        other = listed(r, 2, SCOPE_TASK, hour);
        assert_ptr_equal(other->slot, c->slot);
        check_consistent(r);

        told_of(r, 1, EVENT_START, hour); /* it runs again */
        assert_null(c->slot);
        assert_non_null(other->slot);
        registry_set_gone(r, other);
        assert_true(other->gone);
        assert_null(other->slot);
        assert_null(r->slots);
        assert_int_equal(registry_count_stopped(r), 0);
        check_consistent(r);
        listed(r, 2, SCOPE_TASK, hour); /* the engine has it still: dry run */
        assert_null(other->slot);
        told_of(r, 2, EVENT_START, hour); /* but it is back */
        told_of(r, 2, EVENT_DIE, hour);
        assert_false(other->gone);
        assert_non_null(other->slot);

        /* A failed start is as good as ended. */
        c = told_of(r, 3, EVENT_CREATE, hour);
        assert_null(c->slot);
        ContainerDetail d = { .id = c->id,
                .name = summary_of(3).name,
                .image = "nginx:1.25",
                .state = CONTAINER_CREATED,
                .error = "no such file",
                .exit_code = 127,
                .created = EPOCH,
                .labels = labels,
                .all_labels = labels_of(hour) };
        assert_int_equal(registry_apply_detail(r, c, &d, &now), 0);
        assert_true(c->failed_start);
        assert_non_null(c->slot);
        check_consistent(r);
        registry_forget(r, c);
        registry_forget(r, other);
        assert_null(r->slots);
        done(r);
}

/* An inspect tells the order; a jump of the clock may too. */
static void test_order_in_a_slot(void **state) {
        Registry *r = fresh();
        Container *a, *b;
        Instant now = now_at(2 * DAY);

        (void)state;
        a = listed(r, 1, SCOPE_TASK, hour);
        b = listed(r, 2, SCOPE_TASK, hour);
        inspected(r, a, CONTAINER_EXITED, hour); /* at EPOCH; of b only the creation is known */
        assert_ptr_equal(a->slot->newest, a);
        inspected(r, b, CONTAINER_EXITED, hour);
        b->finished += SEC;
        b->finished_in_future = true; /* by the clock of that day */
        slot_update(b);
        assert_ptr_equal(a->slot->newest, b);
        registry_clock_jumped(r, &now);
        assert_int_equal(b->finish, FINISH_BOUNDED); /* not known any more */
        assert_ptr_equal(a->slot->newest, a);
        check_consistent(r);
        done(r);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forged_into_a_slot),
                cmocka_unit_test(test_out_of_scope),
                cmocka_unit_test(test_slot_names),
                cmocka_unit_test(test_in_and_out_of_slots),
                cmocka_unit_test(test_order_in_a_slot),
        };

        return cmocka_run_group_tests_name("registry-slots", tests, NULL, NULL);
}
