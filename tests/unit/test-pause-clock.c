/* SPDX-License-Identifier: Apache-2.0 */

/* A pause, and a wall clock that is set meanwhile: what somebody has asked of this process goes on for as
 * long as was asked, what an earlier one has kept until the time that it names. The rest of the manager is
 * not here; that it is told is noted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/event-timer.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "daemon/record-console.h"
#include "daemon/state-folder.h"

#define SLACK    USEC_PER_MINUTE
#define HALF     (30 * USEC_PER_MINUTE)
#define YEAR     ((int64_t)(365 * USEC_PER_DAY))
#define HOURS(n) ((n) * (int64_t)USEC_PER_HOUR)

/* In the place of base/clock's: the wall clock can be set here. */
static int64_t wall_moved;

static usec_t read_clock(clockid_t id) {
        struct timespec ts;

        assert_int_equal(clock_gettime(id, &ts), 0);
        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / NSEC_PER_USEC;
}

usec_t clock_read(clockid_t id) {
        return read_clock(id) + (usec_t)(id == CLOCK_REALTIME ? wall_moved : 0);
}

/* In the place of the manager's other parts. */
static unsigned n_paused, n_resumed, n_told_resumed, n_woken, n_rescheduled;

void record_paused(usec_t until, usec_t span) {
        (void)until;
        (void)span;
        n_paused++;
}

void record_resumed(void) {
        n_resumed++;
}

void console_tell_paused(const Manager *m, usec_t until) {
        (void)m;
        n_told_resumed += until == 0;
}

void manager_reschedule_all(Manager *m) {
        (void)m;
        n_rescheduled++;
}

void manager_cap_changed(Manager *m) {
        (void)m;
}

void manager_wake(Manager *m) {
        (void)m;
        n_woken++;
}

void manager_arm_due_timer(Manager *m) {
        (void)m;
}

void manager_pressure_suspend(Manager *m) {
        (void)m;
}

void manager_tell_status(Manager *m) {
        (void)m;
}

/* A manager that can pause, and its state folder. */
typedef struct Fixture {
        Manager m;
        char folder[64], path[96];
} Fixture;

static void on_jump(usec_t forward, usec_t backward, void *userdata) {
        (void)forward;
        (void)backward;
        manager_pause_clock_set(userdata);
}

static void start(Fixture *f) {
        f->m = (Manager){ 0 };
        assert_true(sd_event_new(&f->m.event) >= 0);
        assert_int_equal(steady_clock_new(NULL, on_jump, &f->m, &f->m.clock), 0);
        assert_int_equal(manager_set_up_pause(&f->m), 0);
}

static void stop(Fixture *f) {
        sd_event_source_unref(f->m.pause_timer);
        steady_clock_free(f->m.clock);
        sd_event_unref(f->m.event);
        free(f->m.pause_path);
}

static int set_up(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        snprintf(f->folder, sizeof(f->folder), "/tmp/test-pause-clock-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        snprintf(f->path, sizeof(f->path), "%s/paused-until", f->folder);
        assert_int_equal(setenv("STATE_DIRECTORY", f->folder, 1), 0);
        wall_moved = 0;
        n_paused = n_resumed = n_told_resumed = n_woken = n_rescheduled = 0;
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        Fixture *f = *state;

        stop(f);
        (void)unlink(f->path);
        assert_int_equal(rmdir(f->folder), 0);
        free(f);
        return 0;
}

/* The wall clock is set, by so much, and the kernel has told. */
static void set_wall_clock(Fixture *f, int64_t by) {
        wall_moved += by;
        steady_clock_compare(f->m.clock, clock_read(CLOCK_REALTIME), clock_read(CLOCK_BOOTTIME));
}

static usec_t wall(void) {
        return clock_read(CLOCK_REALTIME);
}

static void assert_near(usec_t a, usec_t b) {
        if (a > b + SLACK || b > a + SLACK)
                fail_msg("%jd us apart", (intmax_t)(a - b));
}

static usec_t kept(const Fixture *f) {
        usec_t until = 0;

        assert_true(state_read_time(f->path, &until) >= 0);
        return until;
}

/* So much is left, by the clock that does not jump, and `until` is what everybody is told. */
static void assert_paused(const Fixture *f, usec_t left, usec_t until) {
        usec_t at = 0;
        int enabled = SD_EVENT_OFF;

        assert_near(f->m.situation.paused_until, steady_clock_now(f->m.clock).steady + left);
        assert_near(manager_paused_until(&f->m), until);
        assert_true(sd_event_source_get_enabled(f->m.pause_timer, &enabled) >= 0);
        assert_int_equal(enabled, SD_EVENT_ONESHOT);
        assert_true(sd_event_source_get_time(f->m.pause_timer, &at) >= 0);
        assert_near(at, read_clock(CLOCK_BOOTTIME) + left);
        assert_int_equal(n_resumed + n_told_resumed + n_woken, 0);
}

static void assert_over(const Fixture *f) {
        int enabled = SD_EVENT_ONESHOT;

        assert_int_equal(f->m.situation.paused_until, 0);
        assert_int_equal(manager_paused_until(&f->m), 0);
        assert_true(sd_event_source_get_enabled(f->m.pause_timer, &enabled) >= 0);
        assert_int_equal(enabled, SD_EVENT_OFF);
        assert_int_equal(access(f->path, F_OK), -1);
        assert_int_equal(n_resumed, 1);
        assert_int_equal(n_told_resumed, 1);
        assert_int_equal(n_woken, 1);
        assert_true(n_rescheduled > 0);
}

static void find(Fixture *f, usec_t until) {
        assert_int_equal(state_write_time(f->path, until), 0);
        start(f);
}

/* An hour is an hour, and the file says when it is over by the clock as it now is: for the next process. */
static void test_asked_for_here(void **state) {
        static const int64_t jumps[] = { HOURS(2), HOURS(-5), YEAR, -2 * YEAR, HOURS(24 * 31) };
        Fixture *f = *state;
        usec_t until = 0;

        start(f);
        assert_true(manager_pause(&f->m, USEC_PER_HOUR, &until));
        assert_near(until, wall() + USEC_PER_HOUR);
        for (size_t i = 0; i < ELEMENTS_OF(jumps); i++) {
                set_wall_clock(f, jumps[i]);
                assert_paused(f, USEC_PER_HOUR, wall() + USEC_PER_HOUR);
                assert_int_equal(kept(f), manager_paused_until(&f->m));
        }
        assert_int_equal(n_paused, 1);

        assert_true(manager_resume(&f->m));
        assert_over(f);
}

/* What was kept names a time; so much of it is left as the clock says. */
static void test_taken_up(void **state) {
        Fixture *f = *state;
        usec_t until = wall() + USEC_PER_HOUR;

        find(f, until);
        assert_paused(f, USEC_PER_HOUR, until);
        set_wall_clock(f, (int64_t)HALF);
        assert_paused(f, HALF, until);
        set_wall_clock(f, HOURS(-3));
        assert_paused(f, 3 * USEC_PER_HOUR + HALF, until);
        set_wall_clock(f, HOURS(3));
        assert_paused(f, HALF, until);
        assert_int_equal(manager_paused_until(&f->m), until);
        assert_int_equal(kept(f), until);

        set_wall_clock(f, (int64_t)HALF + (int64_t)USEC_PER_SEC);
        assert_over(f);
        set_wall_clock(f, -YEAR);
        assert_over(f);
}

/* A machine whose clock stands anywhere until the network is there: no pause is longer than may be asked
 * for, and it ends in time once the clock is right. */
static void test_taken_up_with_a_wrong_clock(void **state) {
        Fixture *f = *state;
        usec_t until = wall() + USEC_PER_HOUR;

        wall_moved = -10 * YEAR;
        find(f, until);
        assert_paused(f, PAUSE_MAX, wall() + PAUSE_MAX);
        assert_int_equal(kept(f), until);
        set_wall_clock(f, 10 * YEAR);
        assert_paused(f, USEC_PER_HOUR, until);
        assert_int_equal(kept(f), until);

        set_wall_clock(f, HOURS(2));
        assert_over(f);
}

/* It does end: the timer follows the clock. */
static void test_taken_up_ends_by_itself(void **state) {
        Fixture *f = *state;
        usec_t until = wall() + USEC_PER_HOUR;

        find(f, until);
        set_wall_clock(f, HOURS(1) - (int64_t)(USEC_PER_SEC / 5));
        for (unsigned i = 0; i < 10 && n_resumed == 0; i++)
                assert_true(sd_event_run(f->m.event, 10 * USEC_PER_SEC) >= 0);
        assert_over(f);
}

/* A new word takes the place of what was kept: its hour is an hour. */
static void test_asked_for_anew(void **state) {
        Fixture *f = *state;
        usec_t until = 0;

        find(f, wall() + USEC_PER_HOUR);
        assert_true(manager_pause(&f->m, 2 * USEC_PER_HOUR, &until));
        set_wall_clock(f, HOURS(5));
        assert_paused(f, 2 * USEC_PER_HOUR, wall() + 2 * USEC_PER_HOUR);
        assert_int_equal(kept(f), manager_paused_until(&f->m));

        /* For the next process that is what was kept. */
        until = manager_paused_until(&f->m);
        stop(f);
        start(f);
        assert_int_equal(manager_paused_until(&f->m), until);
        set_wall_clock(f, HOURS(3));
        assert_over(f);
}

static void test_not_paused(void **state) {
        Fixture *f = *state;

        start(f);
        set_wall_clock(f, HOURS(5));
        set_wall_clock(f, -YEAR);
        assert_int_equal(manager_paused_until(&f->m), 0);
        assert_int_equal(access(f->path, F_OK), -1);
        assert_int_equal(n_paused + n_resumed + n_told_resumed, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_asked_for_here, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_taken_up, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_taken_up_with_a_wrong_clock, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_taken_up_ends_by_itself, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_asked_for_anew, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_not_paused, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
