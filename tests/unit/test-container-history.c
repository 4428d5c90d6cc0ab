/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole histories of one container. First some written by hand, in which the wall clock is set, or events
 * are lost or told again; then thousands of random ones, in which the truth is known: each time the policy
 * asks for it the container is inspected, and if it may then go, the truth must allow it too.
 */

#include "base/cleanup.h"
#include "core-fixtures.h"
#include "core/container.h"
#include "core/policy.h"

#define MSEC USEC_PER_MSEC

/* An hour of life that began at EPOCH, as the engine tells it. */
static const ContainerDetail hour_of_life = {
        .state = CONTAINER_EXITED, .created = EPOCH, .started = EPOCH + 100 * MSEC, .finished = EPOCH + HOUR
};

/* The stream was lost and taken up again: the same `die` is told from the ring, under another wall clock. */
static void test_die_replayed_after_a_jump(void **state) {
        Clocks k = { .steady = EPOCH + HOUR };
        Container c = { 0 };

        (void)state;
        tell(&c, &k, die_at(clocks_wall(&k), 0), false);
        k.steady += MINUTE;
        jump(&c, &k, HOURS(5));
        tell(&c, &k, die_at(EPOCH + HOUR, 0), true);
        assert_int_equal(c.finished, EPOCH + HOUR);
        inspect(&c, &k, hour_of_life);
        assert_int_equal(c.finished, EPOCH + HOUR);
}

/* Created and the `create` event are often in two different seconds. That is no reason to ask the wall clock
 * again. */
static void test_created_told_again_after_a_jump(void **state) {
        (void)state;
        for (int hours = -5; hours <= 5; hours += 10)
                for (int by_list = 0; by_list < 2; by_list++) {
                        Clocks k = { .steady = EPOCH + 50 * MSEC };
                        Container c = { 0 };

                        tell(&c, &k, event_at(EVENT_CREATE, EPOCH + 50 * MSEC), false);
                        k.steady = EPOCH + HOUR + MINUTE;
                        list(&c, &k, CONTAINER_EXITED, EPOCH, 0);
                        jump(&c, &k, HOURS(hours));
                        if (by_list)
                                list(&c, &k, CONTAINER_EXITED, EPOCH - 100 * MSEC, 0);
                        inspect(&c, &k,
                                        (ContainerDetail){ .state = CONTAINER_EXITED,
                                                        .created = EPOCH - 100 * MSEC,
                                                        .started = EPOCH + 100 * MSEC,
                                                        .finished = EPOCH + HOUR });
                        assert_in_range(c.created, EPOCH - SEC, EPOCH + SEC);
                        assert_in_range(c.finished, EPOCH + HOUR - MSEC, EPOCH + HOUR + SEC);
                }
}

/* What happens after the clock was set back bears smaller stamps than what happened before. It is news all
 * the same. */
static void test_events_after_the_clock_was_set_back(void **state) {
        Clocks k = { .steady = EPOCH };
        Container c = { 0 };

        (void)state;
        tell(&c, &k, event_at(EVENT_START, clocks_wall(&k)), false);
        k.steady += MINUTE;
        jump(&c, &k, HOURS(-2));
        k.steady += MINUTE;
        tell(&c, &k, kill_at(clocks_wall(&k), 15), false);
        assert_true(c.stop_asked);
        k.steady += SEC;
        tell(&c, &k, die_at(clocks_wall(&k), 137), false);
        assert_int_equal(c.state, CONTAINER_EXITED);
        assert_int_equal(c.finished, k.steady);
        k.steady += SEC;
        tell(&c, &k, event_at(EVENT_START, clocks_wall(&k)), false);
        assert_int_equal(c.state, CONTAINER_RUNNING);
}

/* The clock was set while it ran, and its end was missed: a second after it the floor must still hold. */
static void test_die_missed_and_clock_set_while_it_ran(void **state) {
        (void)state;
        for (int hours = -5; hours <= 5; hours += 10) {
                Clocks k = { .steady = EPOCH };
                Container c = { 0 };

                list(&c, &k, CONTAINER_RUNNING, EPOCH - DAY, 0);
                k.steady += MINUTE;
                jump(&c, &k, HOURS(hours));
                k.steady += 10 * HOUR;
                list(&c, &k, CONTAINER_EXITED, EPOCH - DAY, 0);
                inspect(&c, &k,
                                (ContainerDetail){ .state = CONTAINER_EXITED,
                                                .created = EPOCH - DAY,
                                                .started = EPOCH - DAY + SEC,
                                                .finished = clocks_wall(&k) - SEC });
                assert_in_range(c.finished, k.steady - SEC, k.steady);
        }
}

static void test_end_replayed_after_the_clock_was_set_forward(void **state) {
        Clocks k = { .steady = EPOCH };
        Container c = { 0 };

        (void)state;
        tell(&c, &k, event_at(EVENT_START, EPOCH), false);
        list(&c, &k, CONTAINER_RUNNING, EPOCH - 1, 0);
        k.steady += HOUR;       /* disconnected; it ends here */
        jump(&c, &k, HOURS(5)); /* and the clock is set here */
        k.steady += SEC;
        tell(&c, &k, die_at(EPOCH + HOUR, 0), true);
        assert_in_range(c.finished, EPOCH + HOUR, k.steady);
        inspect(&c, &k, hour_of_life);
        assert_in_range(c.finished, EPOCH + HOUR, k.steady);
}

/* An inspect tells when it was last started; a request to stop from before is not about this life. */
static void test_stop_of_an_earlier_life(void **state) {
        Clocks k = { .steady = EPOCH };
        Container c = { 0 };

        (void)state;
        tell(&c, &k, event_at(EVENT_START, EPOCH - MINUTE), false);
        tell(&c, &k, kill_at(EPOCH - 2, 15), false);
        tell(&c, &k, die_at(EPOCH - 1, 0), false);
        k.steady += HOUR; /* started again and failed, both unseen */
        inspect(&c, &k,
                        (ContainerDetail){ .state = CONTAINER_EXITED,
                                        .created = EPOCH - HOUR,
                                        .started = EPOCH + MINUTE,
                                        .finished = EPOCH + 2 * MINUTE,
                                        .exit_code = 1 });
        assert_false(c.stop_asked);
        assert_int_equal(c.finished, EPOCH + 2 * MINUTE);
}

/* The start was missed: this `die` is another one than the inspected one, which is no longer exact. */
static void test_die_of_a_life_that_was_missed(void **state) {
        Clocks k = { .steady = EPOCH + HOUR };
        Container c = { 0 };

        (void)state;
        inspect(&c, &k, hour_of_life);
        k.steady += HOUR;
        tell(&c, &k, die_at(clocks_wall(&k), 1), false);
        assert_false(c.state_exact && c.finish == FINISH_EXACT);
        assert_int_equal(c.finished, EPOCH + 2 * HOUR);
}

/* An inspect is newer than a list that was asked for before it. */
static void test_list_asked_for_before_the_inspect(void **state) {
        Clocks k = { .steady = EPOCH + 2 * HOUR };
        Container c = { .stop_asked = true };

        (void)state;
        inspect(&c, &k, hour_of_life);
        list(&c, &k, CONTAINER_RUNNING, EPOCH, SEC);
        assert_int_equal(c.state, CONTAINER_EXITED);
        assert_int_equal(c.finish, FINISH_EXACT);
        assert_true(c.state_exact);
}

static void test_list_without_created(void **state) {
        Clocks k = { .steady = EPOCH };
        Container c = { 0 };

        (void)state;
        list(&c, &k, CONTAINER_RUNNING, EPOCH - HOUR, 0);
        list(&c, &k, CONTAINER_EXITED, 0, 0);
        assert_int_equal(c.created, EPOCH - HOUR);
        assert_int_equal(c.created_stamp, EPOCH - HOUR);
}

/* First seen by a list and inspected; then the ring tells its life, all of which is older. */
static void test_life_replayed_behind_its_inspect(void **state) {
        Clocks k = { .steady = EPOCH + 2 * HOUR };
        Container c = { 0 };

        (void)state;
        list(&c, &k, CONTAINER_EXITED, EPOCH, 0);
        inspect(&c, &k, hour_of_life);
        c.quarantined = true;
        c.attempts = 8;
        tell(&c, &k, event_at(EVENT_CREATE, EPOCH + 10 * MSEC), true);
        tell(&c, &k, event_at(EVENT_START, EPOCH + 110 * MSEC), true);
        tell(&c, &k, die_at(EPOCH + HOUR + 10 * MSEC, 0), true);
        assert_true(c.quarantined && c.attempts == 8 && c.state_exact);
        assert_int_equal(c.state, CONTAINER_EXITED);
        assert_int_equal(c.finish, FINISH_EXACT);
        assert_int_equal(c.finished, EPOCH + HOUR);
}

/* --- random histories --- */

#define RING_MAX 64

typedef struct Chaos {
        unsigned lose, twice, late, restart, jump; /* percent */
} Chaos;

typedef struct World {
        Chaos chaos;
        uint64_t random;
        Clocks k;
        Container c;

        /* the truth */
        ContainerDetail detail;
        usec_t ended;          /* steady */
        ContainerState was[2]; /* the state before the last change, and now */
        usec_t changed;        /* steady */
        bool stop_heard;       /* in this life */
        bool jumped;
        bool end_heard_live;
        unsigned life;

        EngineEvent ring[RING_MAX];
        unsigned life_of[RING_MAX];
        unsigned n_ring;
        int held_back; /* index of an event that will be told late, or -1 */
} World;

static const Retention retention = { .minimum_age = 10 * SEC,
        .success = MINUTE,
        .shutdown = 7 * MINUTE,
        .failure = HOUR,
        .oom_killed = 2 * HOUR,
        .failed_start = 20 * MINUTE,
        .orphan_age = USEC_INFINITY };
static const Situation calm = { .engine_connected = true, .swarm_state = SWARM_ACTIVE };

static void hear(World *w, unsigned i, bool replayed) {
        const EngineEvent *e = &w->ring[i];

        tell(&w->c, &w->k, *e, replayed);
        if (w->life_of[i] != w->life)
                return;
        if (e->action == EVENT_STOP || (e->action == EVENT_KILL && e->signal != 1))
                w->stop_heard = true;
        if (e->action == EVENT_DIE && !replayed)
                w->end_heard_live = true;
}

static void happens(World *w, EngineEvent e) {
        unsigned i = w->n_ring++;

        assert_true(i < RING_MAX);
        w->k.steady += 5 * MSEC; /* the event is stamped a moment after the state is */
        e.time_nsec = (int64_t)(clocks_wall(&w->k) * NSEC_PER_USEC);
        w->ring[i] = e;
        w->life_of[i] = w->life;
        w->k.steady += 20 * MSEC;

        if (random_chance(&w->random, w->chaos.lose))
                return;
        if (w->held_back < 0 && random_chance(&w->random, w->chaos.late)) {
                w->held_back = (int)i;
                return;
        }
        hear(w, i, false);
        if (random_chance(&w->random, w->chaos.twice))
                hear(w, i, false);
        if (w->held_back >= 0)
                hear(w, (unsigned)w->held_back, false);
        w->held_back = -1;
}

static void becomes(World *w, ContainerState s) {
        w->was[0] = w->was[1];
        w->was[1] = s;
        w->changed = w->k.steady;
        w->detail.state = s;
}

static void born(World *w) {
        w->detail.created = clocks_wall(&w->k);
        becomes(w, CONTAINER_CREATED);
        w->was[0] = CONTAINER_CREATED;
        happens(w, event_at(EVENT_CREATE, 0));
}

static void starts(World *w) {
        w->life++;
        w->stop_heard = w->end_heard_live = false;
        w->detail.started = clocks_wall(&w->k);
        w->detail.finished = 0;
        w->detail.exit_code = 0;
        w->detail.oom_killed = false;
        becomes(w, CONTAINER_RUNNING);
        happens(w, event_at(EVENT_START, 0));
}

static void fails_to_start(World *w) {
        w->detail.error = "no such file";
        w->detail.exit_code = 127;
}

static void ends(World *w) {
        static const int codes[] = { 0, 1, 137, 143 };
        bool asked = random_chance(&w->random, 40);

        if (random_chance(&w->random, 30))
                happens(w, kill_at(0, 1));
        if (asked)
                happens(w, kill_at(0, 15));
        w->detail.exit_code = codes[random_below(&w->random, 4)];
        w->detail.oom_killed = random_chance(&w->random, 10);
        w->detail.finished = clocks_wall(&w->k);
        w->ended = w->k.steady;
        becomes(w, CONTAINER_EXITED);
        happens(w, die_at(0, w->detail.exit_code));
        if (asked && random_chance(&w->random, 50))
                happens(w, event_at(EVENT_STOP, 0));
}

static void is_listed(World *w) {
        usec_t took = random_below(&w->random, 2 * SEC), lag = random_below(&w->random, LIST_LAG - 3 * SEC);
        bool stale = w->k.steady < usec_add(w->changed, took + lag);

        list(&w->c, &w->k, stale ? w->was[0] : w->was[1], w->detail.created, took);
}

static void clock_is_set(World *w) {
        if (w->jumped)
                return; /* once: what two jumps leave can be told from no stamp */
        w->jumped = true;
        jump(&w->c, &w->k, HOURS((int)random_below(&w->random, 11) - 5));
}

static usec_t truth_age(const World *w) {
        return w->k.steady - w->ended;
}

/* Never older than it is. Younger only where the wall clock was set and the end was not, or not only, heard
 * live: an old start replayed under a clock that was set back cannot be told from a new one. */
static void check_exact_end(const World *w) {
        usec_t got = w->c.finished;

        if (got + SEC < w->ended)
                fail_msg("believed older than it is by %ju s (life %u, jumped %d, end heard "
                         "live %d)",
                                (uintmax_t)((w->ended - got) / SEC), w->life, w->jumped, w->end_heard_live);
        if ((!w->jumped || (w->end_heard_live && w->chaos.lose == 0)) && got > w->ended + SEC)
                fail_msg("believed younger than it is by %ju s (life %u, jumped %d, lose %u)",
                                (uintmax_t)((got - w->ended) / SEC), w->life, w->jumped, w->chaos.lose);
}

static Outcome truth_outcome(const World *w) {
        if (w->detail.oom_killed && w->detail.exit_code != 0)
                return OUTCOME_OOM_KILLED;
        if (w->stop_heard || w->detail.exit_code == 143)
                return OUTCOME_SHUTDOWN;
        return w->detail.exit_code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
}

/* Returns true if it was removed. */
static bool is_looked_at_if_due(World *w) {
        static const usec_t spans[_OUTCOME_MAX] = { [OUTCOME_SUCCESS] = MINUTE,
                [OUTCOME_SHUTDOWN] = 7 * MINUTE,
                [OUTCOME_FAILURE] = HOUR,
                [OUTCOME_OOM_KILLED] = 2 * HOUR };
        Decision d = policy_decide(&w->c, &calm, w->k.steady);

        if (d.due > w->k.steady)
                return false;
        inspect(&w->c, &w->k, w->detail);
        if (w->was[1] == CONTAINER_EXITED)
                check_exact_end(w);
        d = policy_decide(&w->c, &calm, w->k.steady);
        if (!verdict_removes(d.verdict))
                return false;

        assert_true(d.exact);
        assert_true(d.due <= w->k.steady);
        if (w->was[1] == CONTAINER_CREATED) {
                assert_non_null(w->detail.error);
                assert_int_equal(d.outcome, OUTCOME_FAILED_START);
                return true;
        }
        assert_int_equal(w->was[1], CONTAINER_EXITED);
        assert_true(truth_age(w) + SEC >= retention.minimum_age);
        assert_true(truth_age(w) + SEC >= spans[d.outcome]);
        if (!w->jumped)
                assert_int_equal(d.outcome, truth_outcome(w));
        return true;
}

static void something_happens(World *w) {
        unsigned dice = (unsigned)random_below(&w->random, 100);

        if (w->was[1] == CONTAINER_CREATED && !w->detail.error) {
                if (dice < 5)
                        fails_to_start(w);
                else if (dice < 60)
                        starts(w);
        } else if (w->was[1] == CONTAINER_EXITED && dice < w->chaos.restart && w->n_ring < RING_MAX - 10) {
                starts(w);
                if (dice % 2 == 0) /* a short life */
                        ends(w);
        } else if (w->was[1] == CONTAINER_RUNNING && dice < 40)
                ends(w);
}

static bool one_history(const Chaos *chaos, uint64_t seed) {
        World w = {
                .chaos = *chaos, .random = seed, .k.steady = EPOCH, .c.scope = SCOPE_TASK, .held_back = -1
        };
        Profile p = profile_of(&retention);

        w.c.profile = &p;
        born(&w);
        if (chaos->jump >
                        0) /* first sight lies before the clock is set: else nothing tells how far it was */
                list(&w.c, &w.k, CONTAINER_CREATED, w.detail.created, 0);
        for (unsigned step = 0; step < 120; step++) {
                w.k.steady += random_below(&w.random, random_chance(&w.random, 50) ? 5 * SEC : 10 * MINUTE);
                something_happens(&w);
                if (w.held_back >= 0) {
                        w.k.steady += 200 * MSEC;
                        hear(&w, (unsigned)w.held_back, false);
                        w.held_back = -1;
                }
                if (random_chance(&w.random, chaos->jump))
                        clock_is_set(&w);
                if (random_chance(&w.random, chaos->lose)) /* connected again: the ring, then a list */
                        for (unsigned i = (unsigned)random_below(&w.random, w.n_ring + 1); i < w.n_ring; i++)
                                hear(&w, i, true);
                if (random_chance(&w.random, 50))
                        is_listed(&w);
                if (is_looked_at_if_due(&w))
                        return true;
        }
        return false;
}

static void histories(const Chaos *chaos) {
        unsigned removed = 0;

        for (uint64_t seed = 1; seed <= 20000; seed++)
                removed += one_history(chaos, seed);
        assert_true(removed > 15000);
}

static void test_undisturbed_histories(void **state) {
        (void)state;
        histories(&(Chaos){ 0 });
        histories(&(Chaos){ .twice = 30 });
}

static void test_histories_with_lost_events(void **state) {
        (void)state;
        histories(&(Chaos){ .lose = 20, .twice = 20 });
        histories(&(Chaos){ .lose = 100 });
}

static void test_histories_with_restarts(void **state) {
        (void)state;
        histories(&(Chaos){ .twice = 20, .restart = 20 });
        histories(&(Chaos){ .lose = 20, .twice = 20, .late = 10, .restart = 20 });
}

static void test_histories_with_clock_jumps(void **state) {
        (void)state;
        histories(&(Chaos){ .twice = 20, .jump = 5 });
        histories(&(Chaos){ .lose = 20, .twice = 20, .jump = 10 });
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_die_replayed_after_a_jump),
                cmocka_unit_test(test_created_told_again_after_a_jump),
                cmocka_unit_test(test_events_after_the_clock_was_set_back),
                cmocka_unit_test(test_die_missed_and_clock_set_while_it_ran),
                cmocka_unit_test(test_end_replayed_after_the_clock_was_set_forward),
                cmocka_unit_test(test_stop_of_an_earlier_life),
                cmocka_unit_test(test_die_of_a_life_that_was_missed),
                cmocka_unit_test(test_list_asked_for_before_the_inspect),
                cmocka_unit_test(test_list_without_created),
                cmocka_unit_test(test_life_replayed_behind_its_inspect),
                cmocka_unit_test(test_undisturbed_histories),
                cmocka_unit_test(test_histories_with_lost_events),
                cmocka_unit_test(test_histories_with_restarts),
                cmocka_unit_test(test_histories_with_clock_jumps),
        };

        return cmocka_run_group_tests_name("container-history", tests, NULL, NULL);
}
