/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is due on bounds, and what is due whatever an inspect may tell: a surge is the difference of the two.
 */

#include "decision-fixture.h"

static bool is_due(World *w, usec_t now, bool certain) {
        (void)decide(w, now); /* resolves the profile */
        return policy_is_due(&w->c, &w->situation, now, certain, NULL);
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
        World w;

        (void)state;
        build(&w);
        know_bounds_only(&w);
        w.settings.retention.success = w.settings.retention.shutdown = HOUR;
        w.settings.retention.failure = w.settings.retention.oom_killed = DAY;
        assert_false(is_due(&w, EPOCH + HOUR - 1, false));
        assert_true(is_due(&w, EPOCH + HOUR, false));
        assert_false(is_due(&w, EPOCH + DAY - 1, true));
        assert_true(is_due(&w, EPOCH + DAY, true));

        w.c.state_exact = true;
        w.c.finish = FINISH_EXACT;
        w.c.finished = EPOCH;
        slot_update(&w.c);
        assert_true(is_due(&w, EPOCH + HOUR, true)); /* it has succeeded */
        clear(&w);
}

static void test_perhaps_one_of_the_last(void **state) {
        World w;

        (void)state;
        build(&w);
        know_bounds_only(&w);
        w.settings.retention.keep_last_failure = 1;
        w.settings.retention.keep_last_for = 7 * DAY;
        assert_true(is_due(&w, EPOCH + DAY, false));
        assert_false(is_due(&w, EPOCH + 7 * DAY - 1, true));
        assert_true(is_due(&w, EPOCH + 7 * DAY, true));

        w.c.exit_hinted = true; /* a `die` told of exit code 0: no failure */
        assert_true(is_due(&w, EPOCH + DAY, true));
        w.settings.retention.keep_last = 1;
        assert_false(is_due(&w, EPOCH + DAY, true));
        clear(&w);
}

/* Neither the gates of the node nor a removal that failed make it less due. */
static void test_gates_and_backoff(void **state) {
        World w;

        (void)state;
        build(&w);
        assert_true(is_due(&w, NOW, true));
        w.c.retry_at = NOW + DAY;
        w.situation.engine_connected = false;
        w.situation.settled_at = USEC_INFINITY;
        w.situation.reloading = true;
        w.situation.first_run_until = USEC_INFINITY;
        w.situation.paused_until = NOW + HOUR;
        w.situation.swarm_state = SWARM_LOCKED;
        w.c.surge_held = true;
        w.situation.surge_until = NOW + HOUR;
        assert_true(is_due(&w, NOW, true));
        assert_false(is_due(&w, NOW - 1, false));

        w.c.quarantined = true;
        assert_false(is_due(&w, NOW, false));
        w.c.quarantined = false;
        w.c.gone = true;
        assert_false(is_due(&w, NOW, false));
        w.c.gone = false;
        w.c.state = CONTAINER_CREATED; /* to be looked at, not to be removed */
        assert_false(is_due(&w, NOW + 400 * DAY, false));
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
