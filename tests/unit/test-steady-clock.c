/* SPDX-License-Identifier: Apache-2.0 */

/* The clock of ages: it never jumps, and says when the wall clock does. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "daemon/steady-clock.h"

static usec_t forward, backward;
static unsigned n_jumps;

static void on_jump(usec_t f, usec_t b, void *userdata) {
        (void)userdata;
        forward = f;
        backward = b;
        n_jumps++;
}

static usec_t read_clock(clockid_t id) {
        struct timespec ts;

        assert_int_equal(clock_gettime(id, &ts), 0);
        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / NSEC_PER_USEC;
}

/* In the place of base/clock's: the wall clock can be set here. */
static int64_t wall_moved;

usec_t clock_read(clockid_t id) {
        return read_clock(id) + (usec_t)(id == CLOCK_REALTIME ? wall_moved : 0);
}

static void test_begins_as_the_wall_clock(void **state) {
        _cleanup_(steady_clock_freep) SteadyClock *c = NULL;
        usec_t boottime = read_clock(CLOCK_BOOTTIME);
        Instant a, b;

        (void)state;
        assert_int_equal(steady_clock_new(NULL, on_jump, NULL, &c), 0);
        a = steady_clock_now(c);
        b = steady_clock_now(c);
        assert_true(a.steady <= b.steady);
        assert_true(a.realtime - a.steady < USEC_PER_SEC || a.steady - a.realtime < USEC_PER_SEC);
        assert_true(steady_clock_to_boottime(c, a.steady) >= boottime);
        assert_true(steady_clock_to_boottime(c, a.steady) <= read_clock(CLOCK_BOOTTIME));
        assert_int_equal(steady_clock_to_boottime(c, USEC_INFINITY), USEC_INFINITY);
        assert_int_equal(steady_clock_to_boottime(c, 0), 0);
}

static void test_realtime_of_steady(void **state) {
        _cleanup_(steady_clock_freep) SteadyClock *c = NULL;
        usec_t steady, realtime, shown;

        (void)state;
        assert_int_equal(steady_clock_new(NULL, on_jump, NULL, &c), 0);
        steady = steady_clock_now(c).steady;
        realtime = clock_read(CLOCK_REALTIME);
        shown = steady_clock_to_realtime(c, steady);
        assert_true(shown + USEC_PER_SEC > realtime && realtime + USEC_PER_SEC > shown);
        assert_true(steady_clock_to_realtime(c, steady + USEC_PER_HOUR) == shown + USEC_PER_HOUR);

        /* What is read a moment later, or with a clock that is slewed, is the same... */
        for (wall_moved = -90000; wall_moved <= 90000; wall_moved += 30000)
                assert_true(steady_clock_to_realtime(c, steady) == shown);
        /* ... until the clock is set. */
        wall_moved = 3600 * (int64_t)USEC_PER_SEC;
        assert_true(steady_clock_to_realtime(c, steady) > shown + USEC_PER_HOUR - USEC_PER_SEC);
        wall_moved = -3600 * (int64_t)USEC_PER_SEC;
        assert_true(steady_clock_to_realtime(c, steady) < shown - USEC_PER_HOUR + USEC_PER_SEC);
        wall_moved = 0;

        assert_true(steady_clock_to_realtime(c, 0) == 0);
        assert_true(steady_clock_to_realtime(c, USEC_INFINITY) == USEC_INFINITY);
}

static void test_jumps(void **state) {
        _cleanup_(steady_clock_freep) SteadyClock *c = NULL;
        usec_t boottime, realtime;
        Instant before;

        (void)state;
        n_jumps = 0;
        assert_int_equal(steady_clock_new(NULL, on_jump, NULL, &c), 0);
        boottime = read_clock(CLOCK_BOOTTIME);
        realtime = read_clock(CLOCK_REALTIME);
        before = steady_clock_now(c);

        /* Time goes by; the clock is nudged. */
        steady_clock_compare(c, realtime + USEC_PER_DAY, boottime + USEC_PER_DAY);
        steady_clock_compare(c, realtime + USEC_PER_DAY + 59 * USEC_PER_SEC, boottime + USEC_PER_DAY);
        assert_int_equal(n_jumps, 0);

        /* A nudge does not add up with the next. */
        steady_clock_compare(c, realtime + USEC_PER_DAY + 118 * USEC_PER_SEC, boottime + USEC_PER_DAY);
        assert_int_equal(n_jumps, 0);

        steady_clock_compare(c, realtime + USEC_PER_DAY + 118 * USEC_PER_SEC + USEC_PER_HOUR,
                        boottime + USEC_PER_DAY);
        assert_int_equal(n_jumps, 1);
        assert_int_equal(forward, USEC_PER_HOUR);
        assert_int_equal(backward, 0);

        steady_clock_compare(c, realtime - 365 * USEC_PER_DAY, boottime);
        assert_int_equal(n_jumps, 2);
        assert_int_equal(forward, 0);
        assert_int_equal(backward, 365 * USEC_PER_DAY + 118 * USEC_PER_SEC + USEC_PER_HOUR);

        /* Back, by however little: stamps repeat. */
        steady_clock_compare(c, realtime - 365 * USEC_PER_DAY - 2 * USEC_PER_MSEC, boottime);
        assert_int_equal(n_jumps, 3);
        assert_int_equal(backward, 2 * USEC_PER_MSEC);

        /* A wall clock that is behind the time since boot: 1970 and a while. */
        steady_clock_compare(c, USEC_PER_SEC, 2 * USEC_PER_DAY);
        assert_int_equal(n_jumps, 4);

        /* What was set, by however much, is not the steady clock. */
        assert_true(steady_clock_now(c).steady - before.steady < USEC_PER_MINUTE);
}

/* Stamps are the engine's: an age is what its own clock says, whatever ours says. */
static void test_engine_elsewhere(void **state) {
        static const usec_t engine[] = { 1000 * USEC_PER_DAY, 40000 * USEC_PER_DAY, USEC_PER_SEC };
        _cleanup_(steady_clock_freep) SteadyClock *c = NULL;

        (void)state;
        assert_int_equal(steady_clock_new(NULL, on_jump, NULL, &c), 0);
        /* Not known yet: every stamp counts as now. */
        steady_clock_set_elsewhere(c, true);
        for (size_t i = 0; i < ELEMENTS_OF(engine); i++) {
                Instant now = steady_clock_now(c);

                assert_int_equal(now.realtime, 0);
                assert_int_equal(instant_of_stamp(&now, engine[i]), now.steady);
        }

        for (size_t i = 0; i < ELEMENTS_OF(engine); i++) {
                Instant now;
                usec_t age;

                steady_clock_set_engine(c, engine[i]);
                now = steady_clock_now(c);
                assert_true(now.realtime >= engine[i] && now.realtime < engine[i] + USEC_PER_MINUTE);

                age = now.steady - instant_of_stamp(&now, engine[i] - USEC_PER_SEC);
                assert_true(age >= USEC_PER_SEC && age < USEC_PER_SEC + USEC_PER_MINUTE);
                assert_true(now.steady > 1000 * USEC_PER_DAY); /* ours is another matter */
        }

        steady_clock_set_engine(c, 0); /* an engine that does not tell: ours */
        assert_true(steady_clock_now(c).realtime >= read_clock(CLOCK_REALTIME) - USEC_PER_MINUTE);
}

/* The kernel tells when the clock is set. Set to what it is, it moves by microseconds at most; what is
 * wrong by two minutes is what the watch remembers. */
static void test_watch(void **state) {
        _cleanup_(steady_clock_freep) SteadyClock *c = NULL;
        sd_event *event = NULL;

        (void)state;
        n_jumps = 0;
        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(steady_clock_new(event, on_jump, NULL, &c), 0);

        for (unsigned i = 0; i < 3; i++) {
                usec_t boottime = read_clock(CLOCK_BOOTTIME);
                usec_t realtime = read_clock(CLOCK_REALTIME);
                struct timespec now;

                n_jumps = 0;
                steady_clock_compare(c, realtime - 2 * USEC_PER_MINUTE, boottime);
                assert_int_equal(n_jumps, 1);

                assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
                if (clock_settime(CLOCK_REALTIME, &now) < 0) {
                        /* Not everybody may; the comparison is tested above all the same. */
                        print_message("clock_settime() is not permitted here\n");
                        break;
                }
                while (n_jumps < 2)
                        assert_true(sd_event_run(event, 10 * USEC_PER_SEC) > 0);
                assert_true(forward > 2 * USEC_PER_MINUTE - USEC_PER_SEC);
                assert_true(forward < 2 * USEC_PER_MINUTE + USEC_PER_SEC);
        }

        c = steady_clock_free(c);
        sd_event_unref(event);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_begins_as_the_wall_clock),
                cmocka_unit_test(test_realtime_of_steady),
                cmocka_unit_test(test_jumps),
                cmocka_unit_test(test_engine_elsewhere),
                cmocka_unit_test(test_watch),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
