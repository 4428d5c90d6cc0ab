/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry knows of labels and rules. */

#include "registry-labels.h"

static usec_t success_of(const Container *c) {
        assert_non_null(c->profile);
        return c->profile->retention.success;
}

/* --- profiles --- */

static void test_by_events_lists_and_inspects(void **state) {
        Registry *r = fresh();
        Container *c;

        (void)state;
        c = told_of(r, 1, EVENT_START, hour);
        assert_int_equal(success_of(c), HOUR);
        assert_true(c->profile->is_task && c->profile->in_scope);
        assert_false(c->profile_exact);
        c = listed(r, 1, SCOPE_TASK, day);
        assert_int_equal(success_of(c), DAY);
        assert_true(c->profile_exact);

        /* Attributes of an event may hold anything: they do not replace what the labels said. */
        c = told_of(r, 1, EVENT_DIE, hour);
        assert_int_equal(success_of(c), DAY);
        assert_true(c->profile_exact);

        c = told_of(r, 2, EVENT_START, hour);
        inspected(r, c, CONTAINER_EXITED, day);
        assert_int_equal(success_of(c), DAY);
        assert_true(c->profile_exact);
        check_consistent(r);
        done(r);
}

static void test_renamed(void **state) {
        static char pattern[] = "renamed*";
        static char *patterns[] = { pattern };
        EngineEvent e = event_of(1, EVENT_RENAME);
        Registry *r;
        Container *c;

        (void)state;
        rules[0] = (Rule){ .name = (char *)"by-name", .action = RULE_ACTION_KEEP };
        rules[0].lists[RULE_NAME] = (Patterns){ .texts = patterns, .n = 1 };
        r = fresh_with_rules(1);
        c = listed(r, 1, SCOPE_TASK, hour);
        assert_null(c->profile->rule);
        e.name = "renamed";
        e.all_labels = labels_of(hour);
        assert_int_equal(registry_apply_event(r, &e, &start, false, NULL), 0);
        assert_ptr_equal(c->profile->rule, &rules[0]);
        assert_true(c->profile->keep_by_rule);
        assert_int_equal(success_of(c), HOUR);
        assert_string_equal(c->task_id, labels.task_id); /* it was the end of the old name */
        e.name = "something";
        assert_int_equal(registry_apply_event(r, &e, &start, false, NULL), 0);
        assert_null(c->profile->rule);
        c = listed(r, 1, SCOPE_TASK, day);
        assert_true(c->profile_exact);
        assert_int_equal(success_of(c), DAY);
        assert_string_equal(c->task_id, labels.task_id);
        check_consistent(r);
        done(r);
}

/* What a rule looks at is what the engine told. */
static void test_subject(void **state) {
        static const LabelPair stacked[] = { { "com.docker.swarm.task", "" }, { STACK, "shop" },
                { "tier", "front" }, { NULL, NULL } };
        static char patterns[_RULE_LIST_MAX][24] = { "shop_web", "shop", "shop_web.1.*", "nginx:1.25",
                "tier=front" };
        char *lists[_RULE_LIST_MAX];
        Registry *r;
        Container *c;

        (void)state;
        rules[0] = (Rule){ .name = (char *)"all", .kind = RULE_KIND_ANY };
        for (size_t i = 0; i < _RULE_LIST_MAX; i++) {
                lists[i] = patterns[i];
                rules[0].lists[i] = (Patterns){ .texts = &lists[i], .n = 1 };
        }
        r = fresh_with_rules(1);
        assert_non_null(listed(r, 1, SCOPE_TASK, stacked)->profile->rule);
        assert_null(listed(r, 2, SCOPE_TASK, hour)->profile->rule);
        /* The same labels forged: a container that is no task has neither service nor stack. */
        c = listed(r, 3, SCOPE_OTHER, stacked);
        assert_null(c->profile->rule);
        assert_false(c->profile->is_task || c->profile->in_scope);
        assert_null(c->slot);
        check_consistent(r);
        done(r);

        for (size_t i = 0; i < _RULE_LIST_MAX; i++) {
                rules[0] = (Rule){ .name = (char *)"one", .kind = RULE_KIND_OTHER };
                rules[0].lists[i] = (Patterns){ .texts = &lists[i], .n = 1 };
                r = fresh_with_rules(1);
                c = listed(r, 1, SCOPE_OTHER, stacked);
                assert_int_equal(c->profile->rule != NULL, i != RULE_SERVICE && i != RULE_STACK);
                done(r);
        }
}

static void test_kept_once(void **state) {
        Registry *r = fresh();
        Container *a = listed(r, 1, SCOPE_TASK, hour), *b = listed(r, 2, SCOPE_TASK, hour);
        Container *c = listed(r, 3, SCOPE_TASK, day), *d = told_of(r, 4, EVENT_START, hour);

        (void)state;
        assert_ptr_equal(a->profile, b->profile);
        assert_ptr_equal(a->profile, d->profile);
        assert_ptr_not_equal(a->profile, c->profile);
        assert_int_equal(HASH_COUNT(r->profiles.profiles), 2);
        registry_forget(r, c);
        assert_int_equal(HASH_COUNT(r->profiles.profiles), 1);
        check_consistent(r);
        done(r);
}

static void test_new_settings(void **state) {
        SharedSettings second = { .references = 1, .settings = default_settings() };
        const Situation calm = { .engine_connected = true, .swarm_state = SWARM_ACTIVE };
        Registry *r = fresh();
        Container *c[6], *claimed, *released;

        (void)state;
        for (uint64_t i = 0; i < 6; i++)
                c[i] = listed(r, i, SCOPE_TASK, none);
        claimed = c[4];
        claimed->claimed = true;
        released = c[5];
        released->claimed = true;
        second.settings.retention.success = 7 * HOUR;
        registry_set_settings(r, &second);
        check_consistent(r);
        for (size_t i = 0; i < 4; i++) {
                assert_null(c[i]->profile);
                assert_int_equal(policy_decide(c[i], &calm, EPOCH + 1000 * DAY).due, USEC_INFINITY);
        }

        /* They come back with whatever is told next. */
        listed(r, 0, SCOPE_TASK, none);
        told_of(r, 1, EVENT_KILL, none);
        inspected(r, c[2], CONTAINER_EXITED, none);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(success_of(c[i]), 7 * HOUR);
                assert_ptr_equal(c[i]->profile->settings, &second.settings);
        }
        assert_null(c[3]->profile);

        /* What a claimed one was decided by holds until it is inspected, or released. */
        listed(r, 4, SCOPE_TASK, none);
        told_of(r, 4, EVENT_KILL, none);
        assert_int_equal(success_of(claimed), HOUR);
        assert_ptr_equal(claimed->profile->settings, &test_settings.settings);
        assert_true(test_settings.references > 1); /* which it keeps alive */
        inspected(r, claimed, CONTAINER_EXITED, none);
        assert_int_equal(success_of(claimed), 7 * HOUR);
        assert_true(registry_release(r, claimed));
        assert_false(claimed->claimed);
        assert_int_equal(success_of(claimed), 7 * HOUR);

        assert_int_equal(success_of(released), HOUR);
        assert_false(registry_release(r, released));
        assert_null(released->profile);
        assert_false(released->claimed);
        assert_int_equal(test_settings.references, 1);
        check_consistent(r);
        done(r);
        assert_int_equal(second.references, 1);
}

/* --- labels that are not understood --- */

typedef struct Fault {
        const Container *c;
        LabelKey key;
        char value[32];
} Fault;

static Fault faults[16];
static size_t n_faults;

static void note_fault(const Container *c, LabelKey key, const char *value, void *userdata) {
        assert_ptr_equal(userdata, faults);
        assert_true(n_faults < ELEMENTS_OF(faults));
        faults[n_faults].c = c;
        faults[n_faults].key = key;
        snprintf(faults[n_faults++].value, sizeof(faults[0].value), "%s", value);
}

static void test_label_faults(void **state) {
        static const LabelPair broken[] = { { KEEP, "maybe" }, { TTL, "1h" }, { TTL_FAILURE, " 1h" },
                { KEEP_LAST, "-1" }, { NULL, NULL } };
        Registry *r;
        Container *c;

        (void)state;
        let_plain_ones_in();
        r = fresh_with_rules(0);
        assert_int_equal(listed(r, 1, SCOPE_TASK, broken)->profile->retention.success,
                        HOUR); /* nobody listens */
        registry_on_label_fault(r, note_fault, faults);
        n_faults = 0;
        c = listed(r, 2, SCOPE_TASK, broken);
        assert_int_equal(n_faults, 3);
        for (size_t i = 0; i < 3; i++) {
                static const char *const values[_LABEL_KEY_MAX] = { "maybe", NULL, " 1h", "-1" };

                assert_ptr_equal(faults[i].c, c);
                assert_string_equal(faults[i].value, values[faults[i].key]);
        }
        assert_true(faults[0].key != faults[1].key && faults[1].key != faults[2].key);
        assert_string_equal(shared_text(faults[0].c->service), "shop_web"); /* to be named */

        n_faults = 0;
        listed(r, 2, SCOPE_TASK, broken); /* nothing new */
        assert_int_equal(n_faults, 0);
        c = told_of(r, 3, EVENT_START, broken);
        assert_int_equal(n_faults, 3);
        told_of(r, 3, EVENT_KILL, broken);
        assert_int_equal(n_faults, 3);
        n_faults = 0;
        listed(r, 4, SCOPE_OTHER, broken); /* out of scope: no business of ours */
        listed(r, 5, SCOPE_TASK, hour);
        assert_int_equal(n_faults, 0);

        test_settings.settings.labels_honor = false;
        listed(r, 6, SCOPE_TASK, broken);
        assert_int_equal(n_faults, 0);
        test_settings.settings.labels_honor = true;
        registry_on_label_fault(r, NULL, NULL);
        listed(r, 7, SCOPE_TASK, broken);
        assert_int_equal(n_faults, 0);
        check_consistent(r);
        done(r);
}

/* --- what is no task --- */

static void test_unlabelled_events(void **state) {
        EngineEvent e = event_of(1, EVENT_START);
        Registry *r;
        Container *c = (Container *)&e;

        (void)state;
        e.labelled = false;
        e.labels = (SwarmLabels){ 0 };
        e.all_labels = labels_of(none);
        let_plain_ones_in();
        r = fresh_with_rules(0);
        assert_int_equal(registry_apply_event(r, &e, &start, false, &c), 0);
        assert_null(c);
        assert_int_equal(registry_count(r), 0);
        done(r);

        r = fresh_with_rules(1);
        assert_int_equal(registry_apply_event(r, &e, &start, false, &c), 0);
        assert_non_null(c);
        assert_int_equal(c->scope, SCOPE_UNKNOWN);
        assert_false(c->profile->is_task);
        assert_true(c->profile->in_scope);
        test_settings.settings.n_rules = 0; /* the rule goes: only the list speaks of it any more */
        registry_set_settings(r, &test_settings);
        e.id = id_of_number(2);
        assert_int_equal(registry_apply_event(r, &e, &start, false, &c), 0);
        assert_null(c);
        check_consistent(r);
        done(r);
}

static void test_set_other(void **state) {
        const Situation calm = { .engine_connected = true, .swarm_state = SWARM_ACTIVE };
        Registry *r;
        Container *c;

        (void)state;
        let_plain_ones_in();
        r = fresh_with_rules(1);
        c = told_of(r, 1, EVENT_DIE, hour); /* labelled, so it may be a task */
        assert_int_equal(c->scope, SCOPE_UNKNOWN);
        assert_true(c->profile->is_task);
        registry_set_other(r, c);
        assert_int_equal(c->scope, SCOPE_OTHER);
        assert_true(!c->profile || !c->profile->is_task);
        assert_null(c->slot);
        assert_false(verdict_removes(policy_decide(c, &calm, EPOCH + 1000 * DAY).verdict));
        check_consistent(r);
        c = listed(r, 1, SCOPE_OTHER, hour);
        assert_true(c->profile && !c->profile->is_task && c->profile->in_scope);
        assert_string_equal(c->slot->name, "nginx:1.25"); /* not the one that its labels name */
        check_consistent(r);

        c = told_of(r, 2, EVENT_DIE, none); /* one that nobody took for a task keeps what it has */
        c->labelled = false;
        done(r);
}

static void test_random_operations(void **state) {
        static const LabelPair *const all[] = { none, hour, day };
        SharedSettings second;
        uint64_t random = 60601;
        Registry *r;

        (void)state;
        let_plain_ones_in();
        r = fresh_with_rules(1);
        second = (SharedSettings){ .references = 1, .settings = test_settings.settings };
        second.settings.n_rules = 0;
        for (unsigned i = 0; i < 20000; i++) {
                uint64_t number = random_below(&random, 40);
                ContainerId id = id_of_number(number);
                Container *c = registry_find(r, &id);
                const LabelPair *pairs = all[random_below(&random, 3)];

                switch (random_below(&random, 12)) {
                case 0:
                case 1:
                        if (!c || !c->claimed)
                                listed(r, number, number % 3 ? SCOPE_TASK : SCOPE_OTHER, pairs);
                        break;
                case 2:
                case 3:
                case 4:
                        told_of(r, number, (EventAction)random_between(&random, EVENT_CREATE, EVENT_RENAME),
                                        pairs);
                        break;
                case 5:
                        if (c)
                                inspected(r, c,
                                                random_chance(&random, 50) ? CONTAINER_EXITED
                                                                           : CONTAINER_DEAD,
                                                pairs);
                        break;
                case 6:
                        if (c && random_chance(&random, 30))
                                registry_set_gone(r, c);
                        break;
                case 7:
                        if (c && c->scope == SCOPE_UNKNOWN && !c->claimed)
                                registry_set_other(r, c);
                        break;
                case 8:
                        if (c && !c->claimed)
                                c->claimed = true;
                        else if (c)
                                registry_release(r, c);
                        break;
                case 9:
                        if (random_chance(&random, 10))
                                registry_set_settings(
                                                r, random_chance(&random, 50) ? &second : &test_settings);
                        break;
                case 10:
                        if (c && c->slot)
                                slot_set_kept(c, random_chance(&random, 50), false);
                        break;
                default:
                        if (c && random_chance(&random, 30))
                                registry_forget(r, c);
                }
                if (i % 8 == 0)
                        check_consistent(r);
        }
        done(r);
        assert_int_equal(second.references, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_by_events_lists_and_inspects),
                cmocka_unit_test(test_renamed),
                cmocka_unit_test(test_subject),
                cmocka_unit_test(test_kept_once),
                cmocka_unit_test(test_new_settings),
                cmocka_unit_test(test_label_faults),
                cmocka_unit_test(test_unlabelled_events),
                cmocka_unit_test(test_set_other),
                cmocka_unit_test(test_random_operations),
        };

        return cmocka_run_group_tests_name("registry-profiles", tests, NULL, NULL);
}
