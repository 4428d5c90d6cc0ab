/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is due on bounds, and by which outcomes: a surge is what a reload has added.
 */

#include "decision-fixture.h"

#define BIT(outcome)         (1U << (outcome))
#define UNLESS_LAST(outcome) (BIT(outcome) << DUE_SET_SHIFT)
#define DUE(outcome)         (BIT(outcome) | UNLESS_LAST(outcome))

static unsigned due_set(World *w, usec_t now) {
        (void)decide(w, now); /* resolves the profile */
        return policy_due_set(&w->c, &w->situation, now);
}

static bool is_due(World *w, usec_t now) {
        (void)decide(w, now);
        return policy_is_due(&w->c, &w->situation, now, NULL);
}

/* As a list tells it: it has ended, somehow, since it was created. */
static void know_bounds_only(World *w) {
        w->c.state_exact = false;
        w->c.finish = FINISH_BOUNDED;
        w->c.finished = 0;
        w->c.created = EPOCH;
        w->c.exit_code = 0;
        slot_update(&w->c);
}

static void test_outcome_unknown(void **state) {
        const unsigned good = DUE(OUTCOME_SUCCESS) | DUE(OUTCOME_SHUTDOWN);
        World w;

        (void)state;
        build(&w);
        know_bounds_only(&w);
        w.settings.retention.success = w.settings.retention.shutdown = HOUR;
        w.settings.retention.failure = w.settings.retention.oom_killed = DAY;
        assert_false(is_due(&w, EPOCH + HOUR - 1));
        assert_int_equal(due_set(&w, EPOCH + HOUR - 1), 0);
        assert_true(is_due(&w, EPOCH + HOUR));
        assert_int_equal(due_set(&w, EPOCH + HOUR), good);
        assert_int_equal(due_set(&w, EPOCH + DAY), good | DUE(OUTCOME_FAILURE) | DUE(OUTCOME_OOM_KILLED));

        w.c.over_cap = true; /* however it ended */
        assert_int_equal(due_set(&w, EPOCH + HOUR - 1), due_set(&w, EPOCH + DAY));
        w.c.over_cap = false;

        w.c.state_exact = true;
        w.c.finish = FINISH_EXACT;
        w.c.finished = EPOCH;
        slot_update(&w.c);
        assert_int_equal(due_set(&w, EPOCH + HOUR), DUE(OUTCOME_SUCCESS));
        clear(&w);
}

static void test_perhaps_one_of_the_last(void **state) {
        const unsigned good = DUE(OUTCOME_SUCCESS) | DUE(OUTCOME_SHUTDOWN);
        const unsigned bad = BIT(OUTCOME_FAILURE) | BIT(OUTCOME_OOM_KILLED);
        World w;

        (void)state;
        build(&w);
        know_bounds_only(&w);
        w.settings.retention.keep_last_failure = 1;
        w.settings.retention.keep_last_for = 7 * DAY;
        assert_int_equal(due_set(&w, EPOCH + DAY), good | bad << DUE_SET_SHIFT);
        assert_int_equal(due_set(&w, EPOCH + 7 * DAY), good | bad | bad << DUE_SET_SHIFT);

        w.c.exit_hinted = true; /* a `die` told of exit code 0: no failure */
        assert_int_equal(due_set(&w, EPOCH + DAY), DUE(OUTCOME_SUCCESS));
        w.settings.retention.keep_last = 1;
        assert_int_equal(due_set(&w, EPOCH + DAY), UNLESS_LAST(OUTCOME_SUCCESS));
        orphan(&w); /* those are not kept so */
        assert_int_equal(due_set(&w, EPOCH + DAY), DUE(OUTCOME_SUCCESS));
        clear(&w);
}

/* Neither the gates of the node nor a removal that failed make it less due. */
static void test_gates_and_backoff(void **state) {
        World w;

        (void)state;
        build(&w);
        assert_true(is_due(&w, NOW));
        w.c.retry_at = NOW + DAY;
        w.situation.engine_connected = false;
        w.situation.settled_at = USEC_INFINITY;
        w.situation.reloading = true;
        w.situation.first_run_until = USEC_INFINITY;
        w.situation.paused_until = NOW + HOUR;
        w.situation.swarm_state = SWARM_LOCKED;
        w.c.surge_held = true;
        w.situation.surge_until = NOW + HOUR;
        assert_true(is_due(&w, NOW));
        assert_false(is_due(&w, NOW - 1));

        w.c.quarantined = true;
        assert_false(is_due(&w, NOW));
        w.c.quarantined = false;
        w.c.gone = true;
        assert_false(is_due(&w, NOW));
        w.c.gone = false;
        w.c.state = CONTAINER_CREATED; /* to be looked at, not to be removed */
        assert_false(is_due(&w, NOW + 400 * DAY));
        clear(&w);
}

/* A task's label on what the engine did not list as a task: only its word that it is none counts. */
static void test_positive_word(void **state) {
        World w;

        (void)state;
        build(&w);
        with_rule(&w);
        w.is_task = false;
        w.rule.kind = RULE_KIND_OTHER;
        w.rule.action = RULE_ACTION_REAP;
        w.c.scope = SCOPE_OTHER;
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        w.c.labelled = true;
        expect(&w, NOW, VERDICT_OUT_OF_SCOPE, USEC_INFINITY);
        w.c.listed_other = true;
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        clear(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_outcome_unknown),
                cmocka_unit_test(test_perhaps_one_of_the_last),
                cmocka_unit_test(test_gates_and_backoff),
                cmocka_unit_test(test_positive_word),
        };

        return cmocka_run_group_tests_name("due-by-bounds", tests, NULL, NULL);
}
