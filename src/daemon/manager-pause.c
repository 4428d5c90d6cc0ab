/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/event-timer.h"
#include "base/log.h"
#include "base/time-span.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "daemon/record-console.h"
#include "daemon/state-folder.h"

#define PAUSE_FILE "paused-until"

static void forget_file(const Manager *m) {
        int r;

        if (!m->pause_path)
                return;
        r = state_remove(m->pause_path);
        if (r < 0)
                log_warning("Cannot remove %s: %s. The next start will find removals paused", m->pause_path,
                                strerror(-r));
}

static bool keep(const Manager *m, usec_t until) {
        int r;

        if (!m->pause_path)
                return false;
        r = state_write_time(m->pause_path, until);
        if (r < 0)
                log_warning("Cannot write %s: %s. The pause ends with this process", m->pause_path,
                                strerror(-r));
        return r >= 0;
}

/* `span` from now on. */
static void hold(Manager *m, usec_t span) {
        m->situation.paused_until = usec_add(steady_clock_now(m->clock).steady, span);
        m->pause_until = steady_clock_to_realtime(m->clock, m->situation.paused_until);
        (void)event_timer_arm(m->pause_timer, steady_clock_to_boottime(m->clock, m->situation.paused_until));
}

static void end(Manager *m) {
        m->situation.paused_until = 0;
        m->pause_taken_up = 0;
        (void)event_timer_arm(m->pause_timer, USEC_INFINITY);
        forget_file(m);
        record_resumed();
        console_tell_paused(m, 0);
        manager_reschedule_all(m);
        manager_cap_changed(m);
        manager_wake(m);
        if (m->watch)
                pressure_watch_wake_at(m->watch, 0);
        manager_tell_status(m);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        (void)source;
        (void)usec;
        end(m);
        return 0;
}

usec_t manager_paused_until(const Manager *m) {
        return m->situation.paused_until > steady_clock_now(m->clock).steady ? m->pause_until : 0;
}

bool manager_pause(Manager *m, usec_t span, usec_t *ret_until) {
        bool kept;

        hold(m, span);
        m->pause_taken_up = 0;
        *ret_until = manager_paused_until(m);
        kept = keep(m, *ret_until);
        record_paused(*ret_until, span);
        console_tell_paused(m, *ret_until);

        manager_pressure_suspend(m);
        manager_reschedule_all(m);
        manager_arm_due_timer(m);
        manager_tell_status(m);
        return kept;
}

bool manager_resume(Manager *m) {
        if (manager_paused_until(m) == 0)
                return false;
        end(m);
        return true;
}

/* How much is left of the pause that an earlier process has kept. The clock may stand anywhere. */
static usec_t left_of(usec_t until) {
        return usec_min(usec_sub(until, clock_read(CLOCK_REALTIME)), PAUSE_MAX);
}

static void take_up(Manager *m, usec_t until) {
        hold(m, left_of(until));
        m->pause_taken_up = until;
        if (left_of(until) < PAUSE_MAX)
                m->pause_until = until;
}

void manager_pause_clock_set(Manager *m) {
        if (manager_paused_until(m) == 0)
                return;
        if (m->pause_taken_up == 0) {
                m->pause_until = steady_clock_to_realtime(m->clock, m->situation.paused_until);
                (void)keep(m, m->pause_until);
        } else if (left_of(m->pause_taken_up) > 0)
                take_up(m, m->pause_taken_up);
        else
                end(m);
}

/* The pause that an earlier process has kept. */
static void find(Manager *m) {
        char text[TIME_SPAN_TEXT_MAX];
        usec_t until;
        int r;

        r = state_read_time(m->pause_path, &until);
        if (r == 0)
                return;
        if (r < 0) {
                /* Somebody has meant to pause, and until when cannot be told. */
                log_warning("Cannot read %s: %s. Removals are paused for an hour", m->pause_path,
                                strerror(-r));
                hold(m, PAUSE_DEFAULT);
                (void)keep(m, m->pause_until); /* not anew at each start */
                return;
        }
        if (left_of(until) == 0) {
                forget_file(m);
                return;
        }
        take_up(m, until);
        log_notice("Removals are paused for another %s, since before this start",
                        time_span_format(text, sizeof(text), left_of(until), USEC_PER_SEC));
}

int manager_set_up_pause(Manager *m) {
        int r;

        r = event_timer_new(m->event, CLOCK_BOOTTIME, on_pause_over, m, "pause", &m->pause_timer);
        if (r < 0)
                return r;
        /* A single pass by hand has no state folder. */
        if (m->options.once)
                return 0;
        r = state_folder_path(PAUSE_FILE, &m->pause_path);
        if (r <= 0)
                return r;
        find(m);
        return 0;
}
