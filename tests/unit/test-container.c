/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How events, lists and inspects change what is known of a container: told in order, late, twice, not at
 * all, and with a wall clock that jumps. See also test-container-history.c.
 */

#include "base/cleanup.h"
#include "core-fixtures.h"
#include "core/container.h"
#include "core/policy.h"

static void event(Container *c, const Clocks *k, EngineEvent e) {
        tell(c, k, e, false);
}

static void replay(Container *c, const Clocks *k, EngineEvent e) {
        tell(c, k, e, true);
}

static const Clocks at_epoch = { .steady = EPOCH };

#define HOURS(n) ((int64_t)(n) * (int64_t)HOUR)
static const int64_t jumps[] = { HOURS(5), HOURS(-5), HOURS(24 * 365), HOURS(-24 * 365) };

static void test_a_life_in_order(void **state) {
        Clocks k = at_epoch;
        Container c = { 0 };

        (void)state;
        event(&c, &k, event_at(EVENT_CREATE, EPOCH - 20 * USEC_PER_MSEC));
        assert_int_equal(c.state, CONTAINER_CREATED);
        assert_int_equal(c.created, EPOCH - 20 * USEC_PER_MSEC);
        assert_int_equal(c.touched, EPOCH);

        k.steady += SEC;
        event(&c, &k, event_at(EVENT_START, clocks_wall(&k)));
        assert_int_equal(c.state, CONTAINER_RUNNING);
        assert_int_equal(container_not_before(&c), k.steady);

        k.steady += HOUR;
        event(&c, &k, kill_at(clocks_wall(&k), 1));
        assert_false(c.stop_asked);
        event(&c, &k, kill_at(clocks_wall(&k), 15));
        assert_true(c.stop_asked);
        assert_int_equal(c.state, CONTAINER_RUNNING);

        k.steady += SEC;
        event(&c, &k, die_at(clocks_wall(&k) - 30 * USEC_PER_MSEC, 137));
        assert_int_equal(c.state, CONTAINER_EXITED);
        assert_int_equal(c.finish, FINISH_SEEN);
        assert_int_equal(c.finished, k.steady - 30 * USEC_PER_MSEC);
        assert_true(c.exit_hinted && !c.state_exact);
        assert_int_equal(c.exit_code, 137);

        k.steady += SEC;
        event(&c, &k, event_at(EVENT_STOP, clocks_wall(&k)));
        assert_true(c.stop_asked);
        assert_int_equal(c.finish, FINISH_SEEN);

        k.steady += HOUR;
        inspect(&c, &k,
                        (ContainerDetail){ .state = CONTAINER_EXITED,
                                        .exit_code = 137,
                                        .created = EPOCH - 25 * USEC_PER_MSEC,
                                        .started = EPOCH + SEC,
                                        .finished = EPOCH + HOUR + 2 * SEC - 50 * USEC_PER_MSEC });
        assert_int_equal(c.finish, FINISH_EXACT);
        assert_int_equal(c.finished, EPOCH + HOUR + 2 * SEC - 50 * USEC_PER_MSEC);
        assert_true(c.state_exact && c.stop_asked && !c.exit_hinted);
        assert_int_equal(c.looked_at, k.steady);
}

static void test_which_signals_ask_to_stop(void **state) {
        (void)state;
        for (int signal = -1; signal <= 64; signal++) {
                Container c = { 0 };
                Clocks k = at_epoch;

                event(&c, &k, event_at(EVENT_START, EPOCH));
                event(&c, &k, kill_at(EPOCH + 1, signal));
                assert_int_equal(c.stop_asked, signal == 2 || signal == 3 || signal == 9 || signal == 15);
        }
}

/* A new life knows nothing of the last one's end. */
static void check_fresh(const Container *c) {
        assert_int_equal(c->finish, FINISH_BOUNDED);
        assert_false(c->state_exact || c->exit_hinted || c->oom_killed || c->stop_asked || c->failed_start);
        assert_false(c->gone || c->quarantined || c->finished_in_future);
        assert_false(c->over_cap || c->surge_held || c->wanted);
        assert_int_equal(c->attempts, 0);
        assert_int_equal(c->retry_at, 0);
        assert_int_equal(c->error_seen, 0);
}

static Container ended_and_troubled(void) {
        return (Container){ .state = CONTAINER_EXITED,
                .state_exact = true,
                .finish = FINISH_EXACT,
                .finished = EPOCH,
                .finished_stamp = EPOCH,
                .created = EPOCH - HOUR,
                .created_stamp = EPOCH - HOUR,
                .exit_code = 1,
                .oom_killed = true,
                .stop_asked = true,
                .gone = true,
                .quarantined = true,
                .over_cap = true,
                .surge_held = true,
                .wanted = true,
                .attempts = 8,
                .retry_at = EPOCH + DAY,
                .alive_until = EPOCH - MINUTE };
}

static void test_a_new_life_begins(void **state) {
        Container c = ended_and_troubled();
        Clocks k = { .steady = EPOCH + HOUR };

        (void)state;
        event(&c, &k, event_at(EVENT_START, clocks_wall(&k)));
        check_fresh(&c);
        assert_int_equal(c.state, CONTAINER_RUNNING);
        assert_int_equal(container_not_before(&c), k.steady);

        c = ended_and_troubled(); /* start missed, told by a list */
        list(&c, &k, CONTAINER_RUNNING, EPOCH - HOUR, SEC);
        check_fresh(&c);
        assert_int_equal(c.state, CONTAINER_RUNNING);
        assert_int_equal(container_not_before(&c), k.steady - SEC - LIST_LAG);

        c = ended_and_troubled(); /* start missed, told by an inspect */
        inspect(&c, &k,
                        (ContainerDetail){ .state = CONTAINER_PAUSED,
                                        .created = EPOCH - HOUR,
                                        .started = EPOCH + MINUTE });
        assert_int_equal(c.state, CONTAINER_PAUSED);
        assert_true(c.state_exact);
        c.state_exact = false;
        check_fresh(&c);
        assert_int_equal(container_not_before(&c), k.steady);

        c = (Container){
                .state = CONTAINER_CREATED, .failed_start = true, .error_seen = EPOCH, .state_exact = true
        };
        event(&c, &k, event_at(EVENT_START, clocks_wall(&k)));
        check_fresh(&c);
}

static void test_told_twice(void **state) {
        static const EventAction actions[] = { EVENT_CREATE, EVENT_START, EVENT_KILL, EVENT_DIE,
                EVENT_STOP };
        Container once = { 0 }, twice = { 0 };
        Clocks k = at_epoch;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(actions); i++) {
                EngineEvent e = event_at(actions[i], clocks_wall(&k));

                e.signal = 9;
                e.has_exit_code = true;
                e.exit_code = 137;
                event(&once, &k, e);
                event(&twice, &k, e);
                event(&twice, &k, e);
                replay(&twice, &k, e);
                assert_memory_equal(&once, &twice, sizeof(once));
                k.steady += SEC;
        }
        assert_int_equal(twice.state, CONTAINER_EXITED);

        once = (Container){ 0 }; /* a start told again, later */
        event(&once, &k, event_at(EVENT_START, clocks_wall(&k)));
        k.steady += MINUTE;
        event(&once, &k, event_at(EVENT_START, clocks_wall(&k) - MINUTE));
        assert_int_equal(container_not_before(&once), k.steady - MINUTE);

        /* All of it once more, in order, as after a reconnect. */
        k.steady += HOUR;
        for (size_t i = 0; i < ELEMENTS_OF(actions); i++) {
                EngineEvent e = event_at(actions[i], EPOCH + i * SEC);

                e.signal = 9;
                replay(&twice, &k, e);
        }
        assert_int_equal(twice.state, CONTAINER_EXITED);
        assert_int_equal(twice.finished, EPOCH + 3 * SEC);
        assert_true(twice.stop_asked);
}

static void test_told_out_of_order(void **state) {
        Clocks k = at_epoch;
        Container c = { 0 };

        (void)state;
        event(&c, &k, die_at(EPOCH, 3));
        event(&c, &k, event_at(EVENT_START, EPOCH - 1));
        event(&c, &k, event_at(EVENT_CREATE, EPOCH - 2));
        assert_int_equal(c.state, CONTAINER_EXITED);
        assert_int_equal(c.finish, FINISH_SEEN);
        assert_int_equal(c.finished, EPOCH);
        event(&c, &k, kill_at(EPOCH - 1, 15)); /* the request, told behind the end */
        assert_true(c.stop_asked);

        c = (Container){ 0 }; /* create told behind start */
        event(&c, &k, event_at(EVENT_START, EPOCH));
        event(&c, &k, event_at(EVENT_CREATE, EPOCH + 1));
        assert_int_equal(c.state, CONTAINER_RUNNING);

        c = (Container){ 0 }; /* `docker restart`: kill, die, stop, start; stop told behind start */
        event(&c, &k, kill_at(EPOCH, 15));
        event(&c, &k, die_at(EPOCH + 1, 0));
        event(&c, &k, event_at(EVENT_START, EPOCH + 3));
        event(&c, &k, event_at(EVENT_STOP, EPOCH + 2));
        assert_int_equal(c.state, CONTAINER_RUNNING);
        assert_false(c.stop_asked);
        event(&c, &k, die_at(EPOCH + 1, 0));
        assert_int_equal(c.state, CONTAINER_RUNNING);
}

/* The request to stop is the younger event, so it belongs to the life that began before it. */
static void test_kill_told_before_its_start(void **state) {
        Clocks k = at_epoch;
        Container c = { 0 };

        (void)state;
        event(&c, &k, kill_at(EPOCH + 1, 15));
        event(&c, &k, event_at(EVENT_START, EPOCH));
        event(&c, &k, die_at(EPOCH + 2, 137));
        assert_true(c.stop_asked);
}

static void test_list_lags_behind_events(void **state) {
        Clocks k = at_epoch;
        Container c = { 0 };

        (void)state;
        event(&c, &k, event_at(EVENT_START, EPOCH - HOUR));
        event(&c, &k, die_at(EPOCH, 0));
        for (usec_t lag = 0; lag <= LIST_LAG; lag += LIST_LAG / 4) { /* 20.10 says running for a while */
                k.steady = EPOCH + lag + SEC;
                list(&c, &k, CONTAINER_RUNNING, EPOCH - HOUR, SEC);
                assert_int_equal(c.state, CONTAINER_EXITED);
                assert_int_equal(c.finish, FINISH_SEEN);
        }
        k.steady = EPOCH + LIST_LAG + 1 + SEC;
        list(&c, &k, CONTAINER_RUNNING, EPOCH - HOUR, SEC);
        assert_int_equal(c.state, CONTAINER_RUNNING);

        c = (Container){ 0 }; /* and so with a start */
        k = at_epoch;
        event(&c, &k, event_at(EVENT_START, EPOCH));
        list(&c, &k, CONTAINER_CREATED, EPOCH - HOUR, 0);
        assert_int_equal(c.state, CONTAINER_RUNNING);

        c = (Container){ 0 }; /* a replayed event counts from its own time */
        k.steady = EPOCH + HOUR;
        replay(&c, &k, die_at(EPOCH, 0));
        list(&c, &k, CONTAINER_RUNNING, EPOCH - HOUR, SEC);
        assert_int_equal(c.state, CONTAINER_RUNNING);
}

static void test_die_missed(void **state) {
        Clocks k = at_epoch;
        Container c = { 0 };

        (void)state;
        event(&c, &k, event_at(EVENT_START, EPOCH));
        event(&c, &k, kill_at(EPOCH + 1, 15));
        k.steady += HOUR;
        list(&c, &k, CONTAINER_RUNNING, EPOCH - MINUTE, SEC);
        assert_int_equal(container_not_before(&c), k.steady - SEC - LIST_LAG);
        k.steady += HOUR;
        list(&c, &k, CONTAINER_EXITED, EPOCH - MINUTE, 0);
        assert_int_equal(c.state, CONTAINER_EXITED);
        assert_int_equal(c.finish, FINISH_BOUNDED);
        assert_int_equal(container_not_before(&c), EPOCH + HOUR - SEC - LIST_LAG);
        assert_true(c.stop_asked && !c.exit_hinted && !c.state_exact);
        inspect(&c, &k,
                        (ContainerDetail){ .state = CONTAINER_EXITED,
                                        .created = EPOCH - MINUTE,
                                        .started = EPOCH - 1,
                                        .finished = EPOCH + HOUR + MINUTE });
        assert_int_equal(c.finished, EPOCH + HOUR + MINUTE);
        assert_true(c.stop_asked);
}

static void test_first_sight_by_list(void **state) {
        Clocks k = at_epoch;
        Container c = { 0 };

        (void)state;
        list(&c, &k, CONTAINER_EXITED, EPOCH - HOUR + 700 * USEC_PER_MSEC, SEC);
        assert_int_equal(c.created, EPOCH - HOUR);
        assert_int_equal(container_not_before(&c), EPOCH - HOUR);
        k.steady += SEC; /* an inspect tells the fraction */
        inspect(&c, &k,
                        (ContainerDetail){ .state = CONTAINER_EXITED,
                                        .created = EPOCH - HOUR + 700 * USEC_PER_MSEC,
                                        .started = EPOCH - HOUR + SEC,
                                        .finished = EPOCH - 30 * MINUTE });
        assert_int_equal(c.created, EPOCH - HOUR + 700 * USEC_PER_MSEC);
        assert_int_equal(c.finished, EPOCH - 30 * MINUTE);

        for (ContainerState s = CONTAINER_STATE_UNKNOWN; s < _CONTAINER_STATE_MAX; s++) {
                c = (Container){ 0 };
                list(&c, &k, s, EPOCH - HOUR, SEC);
                assert_int_equal(c.state, s);
                assert_int_equal(c.finish, FINISH_BOUNDED);
                assert_false(c.state_exact);
        }
}

static void test_failed_start(void **state) {
        ContainerDetail d = {
                .state = CONTAINER_CREATED, .error = "no such file", .exit_code = 127, .created = EPOCH
        };
        Clocks k = { .steady = EPOCH + HOUR };
        Container c = { .state = CONTAINER_CREATED, .created = EPOCH, .created_stamp = EPOCH };

        (void)state;
        d.exit_code = 0;
        inspect(&c, &k, d);
        assert_false(c.failed_start);
        d.exit_code = 127;
        d.error = NULL;
        inspect(&c, &k, d);
        assert_false(c.failed_start);
        assert_int_equal(c.error_seen, 0);
        d.error = "no such file";
        inspect(&c, &k, d);
        assert_true(c.failed_start && c.state_exact);
        assert_int_equal(c.error_seen, EPOCH + HOUR);
        k.steady += HOUR; /* the first sight counts */
        inspect(&c, &k, d);
        list(&c, &k, CONTAINER_CREATED, EPOCH, SEC);
        assert_int_equal(c.error_seen, EPOCH + HOUR);
        assert_true(c.failed_start && c.state_exact);
        d.error = NULL; /* it is being started after all */
        inspect(&c, &k, d);
        assert_false(c.failed_start);
        assert_int_equal(c.error_seen, 0);
        /* Only `created` can be one. */
        d.error = "oops";
        d.state = CONTAINER_EXITED;
        inspect(&c, &k, d);
        assert_false(c.failed_start);
        d.state = CONTAINER_RUNNING;
        inspect(&c, &k, d);
        assert_false(c.failed_start);
}

static void test_removing_and_dead(void **state) {
        Clocks k = { .steady = EPOCH + HOUR };
        Container c = { 0 };

        (void)state;
        event(&c, &k, die_at(EPOCH + HOUR - 1, 0));
        k.steady += HOUR;
        list(&c, &k, CONTAINER_REMOVING, EPOCH, SEC);
        assert_int_equal(c.state, CONTAINER_REMOVING);
        assert_int_equal(c.finish, FINISH_SEEN);
        assert_int_equal(c.finished, EPOCH + HOUR - 1);
        inspect(&c, &k,
                        (ContainerDetail){ .state = CONTAINER_REMOVING,
                                        .created = EPOCH,
                                        .finished = EPOCH + HOUR - 2 });
        assert_int_equal(c.state, CONTAINER_REMOVING);
        assert_true(c.state_exact);
        assert_int_equal(c.finish, FINISH_SEEN);
        inspect(&c, &k,
                        (ContainerDetail){ .state = CONTAINER_DEAD,
                                        .created = EPOCH,
                                        .finished = EPOCH + HOUR - 2 });
        assert_int_equal(c.finish, FINISH_EXACT);
        assert_int_equal(c.finished, EPOCH + HOUR - 2);
        k.steady += MINUTE;
        list(&c, &k, CONTAINER_REMOVING, EPOCH, SEC); /* a stale one, as engines up to 28 tell */
        assert_int_equal(c.finish, FINISH_EXACT);
        assert_false(c.state_exact);

        c = (Container){ 0 }; /* dead without ever having run: it ended when it was created */
        inspect(&c, &k, (ContainerDetail){ .state = CONTAINER_DEAD, .created = EPOCH });
        assert_int_equal(c.finished, EPOCH);
        assert_int_equal(c.finish, FINISH_EXACT);
}

/* It ran and ended, and nobody wrote down when: its age begins at first sight, once. */
static void test_no_finished_at(void **state) {
        const ContainerDetail d = { .state = CONTAINER_EXITED, .created = EPOCH, .started = EPOCH + SEC };
        Clocks k = { .steady = EPOCH + HOUR };
        Container c = { 0 };

        (void)state;
        inspect(&c, &k, d);
        assert_int_equal(c.finished, EPOCH + HOUR);
        assert_int_equal(c.finish, FINISH_EXACT);
        k.steady += HOUR;
        inspect(&c, &k, d);
        assert_int_equal(c.finished, EPOCH + HOUR);

        c = (Container){ 0 }; /* its end was heard */
        event(&c, &k, die_at(EPOCH + MINUTE, 0));
        inspect(&c, &k, d);
        assert_int_equal(c.finished, EPOCH + MINUTE);
}

static void test_stamps_in_the_future(void **state) {
        ContainerDetail d = {
                .state = CONTAINER_EXITED, .created = EPOCH + HOUR, .finished = EPOCH + 2 * HOUR
        };
        Clocks k = at_epoch;
        Container c = { 0 };

        (void)state;
        inspect(&c, &k, d);
        assert_int_equal(c.created, EPOCH);
        assert_int_equal(c.finished, EPOCH); /* age 0 */
        k.steady += 10 * MINUTE;             /* and it grows from there */
        inspect(&c, &k, d);
        assert_int_equal(c.finished, EPOCH);
        jump(&c, &k, HOURS(5)); /* set right: the next inspect can tell its age */
        assert_int_equal(c.finish, FINISH_BOUNDED);
        assert_int_equal(c.created, k.steady - 4 * HOUR - 10 * MINUTE);
        inspect(&c, &k, d);
        assert_int_equal(c.finish, FINISH_EXACT);
        assert_int_equal(c.finished, k.steady - 3 * HOUR - 10 * MINUTE);
        jump(&c, &k, HOURS(-5));
        inspect(&c, &k, d);
        assert_int_equal(c.finished, k.steady - 3 * HOUR - 10 * MINUTE);

        c = (Container){ 0 };
        event(&c, &k, die_at(clocks_wall(&k) + DAY, 0));
        assert_int_equal(c.finished, k.steady);
}

static void test_forged_exit_code(void **state) {
        ContainerSummary s = { .state = CONTAINER_RUNNING, .created = EPOCH, .exit_code_forged = true };
        Retention r = { .minimum_age = MINUTE,
                .success = HOUR,
                .shutdown = 2 * HOUR,
                .failure = DAY,
                .oom_killed = DAY,
                .failed_start = DAY,
                .orphan_age = DAY };
        Situation calm = { .engine_connected = true, .swarm_state = SWARM_ACTIVE };
        Profile p = profile_of(&r);
        Clocks k = at_epoch;
        Container c = { .scope = SCOPE_TASK, .profile = &p };
        Instant now = clocks_now(&k);

        (void)state;
        container_apply_summary(&c, &s, &now, now.steady);
        assert_true(c.exit_code_forged);
        /* It says failure, and may be a lie: look when a success would be due. */
        event(&c, &k, die_at(EPOCH, 1));
        assert_int_equal(policy_decide(&c, &calm, EPOCH).due, EPOCH + HOUR);
        c.exit_code_forged = false;
        assert_int_equal(policy_decide(&c, &calm, EPOCH).due, EPOCH + DAY);
}

/* What only an inspect tells, and the next one may tell otherwise. */
static void test_flags_of_an_inspect(void **state) {
        (void)state;
        for (unsigned before = 0; before < 8; before++)
                for (unsigned flags = 0; flags < 8; flags++) {
                        Clocks k = at_epoch;
                        Container c = { .auto_remove = before & 1,
                                .may_restart = before & 2,
                                .tty = before & 4,
                                .wanted = before & 1 };

                        inspect(&c, &k,
                                        (ContainerDetail){ .state = flags & 1 ? CONTAINER_EXITED
                                                                              : CONTAINER_RUNNING,
                                                        .created = EPOCH - HOUR,
                                                        .started = EPOCH - HOUR,
                                                        .finished = EPOCH - SEC,
                                                        .auto_remove = flags & 1,
                                                        .may_restart = flags & 2,
                                                        .tty = flags & 4 });
                        assert_int_equal(c.auto_remove, (flags & 1) != 0);
                        assert_int_equal(c.may_restart, (flags & 2) != 0);
                        assert_int_equal(c.tty, (flags & 4) != 0);
                        assert_false(c.wanted); /* here it is */
                }
}

/* Jumps of the wall clock between first sight and inspect: the age must not jump. */
static void test_clock_jumps_after_the_end(void **state) {
        const ContainerDetail d = { .state = CONTAINER_EXITED,
                .created = EPOCH + 100 * USEC_PER_MSEC,
                .started = EPOCH + SEC,
                .finished = EPOCH + HOUR };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(jumps); i++)
                for (unsigned seen = 0; seen < 5; seen++) {
                        Clocks k = at_epoch;
                        Container c = { 0 };

                        k.steady += SEC;
                        if (seen == 0 || seen == 1) /* its creation and its end; its creation */
                                event(&c, &k, event_at(EVENT_CREATE, EPOCH + 200 * USEC_PER_MSEC));
                        if (seen == 4)
                                list(&c, &k, CONTAINER_RUNNING, EPOCH, 0);
                        k.steady = EPOCH + HOUR + 20 * USEC_PER_MSEC;
                        if (seen == 0 || seen == 2) /* its end only */
                                event(&c, &k, die_at(EPOCH + HOUR + 10 * USEC_PER_MSEC, 0));
                        k.steady = EPOCH + HOUR + 20 * SEC;
                        if (seen != 0)
                                list(&c, &k, CONTAINER_EXITED, EPOCH, 0);
                        jump(&c, &k, jumps[i]);
                        k.steady += HOUR;
                        list(&c, &k, CONTAINER_EXITED, EPOCH, 0);
                        inspect(&c, &k, d);
                        /* A first sight in whole seconds may make it up to a second younger. */
                        if (c.finished < EPOCH + HOUR || c.finished > EPOCH + HOUR + SEC)
                                fail_msg("jump %zu, seen %u: off by %jd us", i, seen,
                                                (intmax_t)(c.finished - (EPOCH + HOUR)));
                        k.steady += HOUR;
                        jump(&c, &k, -2 * jumps[i]);
                        inspect(&c, &k, d);
                        assert_in_range(c.finished, EPOCH + HOUR, EPOCH + HOUR + SEC);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_life_in_order),
                cmocka_unit_test(test_which_signals_ask_to_stop),
                cmocka_unit_test(test_a_new_life_begins),
                cmocka_unit_test(test_told_twice),
                cmocka_unit_test(test_told_out_of_order),
                cmocka_unit_test(test_kill_told_before_its_start),
                cmocka_unit_test(test_list_lags_behind_events),
                cmocka_unit_test(test_die_missed),
                cmocka_unit_test(test_first_sight_by_list),
                cmocka_unit_test(test_failed_start),
                cmocka_unit_test(test_removing_and_dead),
                cmocka_unit_test(test_no_finished_at),
                cmocka_unit_test(test_stamps_in_the_future),
                cmocka_unit_test(test_forged_exit_code),
                cmocka_unit_test(test_flags_of_an_inspect),
                cmocka_unit_test(test_clock_jumps_after_the_end),
        };

        return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
