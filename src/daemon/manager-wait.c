/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>
#include <time.h>

#include "base/event-timer.h"
#include "base/log.h"
#include "core/cap.h"
#include "daemon/first-run.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "daemon/record.h"
#include "daemon/record-console.h"

/* So many of the containers that wait are listed by name. */
#define HELD_LISTED_MAX 1000

static bool is_newly_due(const Manager *m, const Container *c, usec_t now, Verdict *ret_verdict) {
        return (policy_due_set(c, &m->situation, now) & ~c->due_before) != 0 &&
               policy_is_due(c, &m->situation, now, ret_verdict);
}

size_t manager_count_held(const Manager *m) {
        size_t n = 0;

        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                n += c->surge_held && !c->gone;
        return n;
}

static void end_surge(Manager *m) {
        m->situation.surge_until = 0;
        (void)event_timer_arm(m->surge_timer, USEC_INFINITY);
        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                c->surge_held = false;
}

static int on_surge_over(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        (void)source;
        (void)usec;
        log_notice("The wait after the reload is over: %zu containers are no longer held",
                        manager_count_held(m));
        end_surge(m);
        manager_reschedule_all(m);
        manager_wake(m);
        manager_tell_status(m);
        return 0;
}

void manager_judge_surge(Manager *m) {
        if (m->settings->surge_limit == 0 || m->settings->first_run_delay == 0)
                end_surge(m);
}

void manager_hold_surge(Manager *m, usec_t now) {
        unsigned limit = m->settings->surge_limit;
        usec_t delay = m->settings->first_run_delay;
        size_t n = 0, listed = 0;
        Verdict verdict;
        int r;

        if (limit == 0 || delay == 0)
                return;

        /* What MaxStopped= makes too many counts as well. */
        r = cap_select(m->registry, m->settings->max_stopped, &m->situation, now, NULL);
        if (r < 0)
                log_error("Cannot tell which containers are too many: %s", strerror(-r));

        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                n += is_newly_due(m, c, now, NULL);
        if (n <= limit)
                return;

        record_surge_held(n, limit, delay);
        /* Those that are held already wait on with them. */
        m->situation.surge_until = usec_add(now, delay);
        (void)event_timer_arm(m->surge_timer, steady_clock_to_boottime(m->clock, m->situation.surge_until));
        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                if (is_newly_due(m, c, now, &verdict)) {
                        c->surge_held = true;
                        if (listed++ < HELD_LISTED_MAX)
                                record_held(c, verdict);
                }
        if (listed > HELD_LISTED_MAX)
                log_info("%zu more are held and not listed", listed - HELD_LISTED_MAX);
        console_tell_held(m, "surge", n, m->situation.surge_until);
}

static void end_first_run(Manager *m) {
        int r;

        r = first_run_mark(m->first_run);
        if (r < 0)
                log_warning("Cannot write %s: %s. The next start will wait again", m->first_run,
                                strerror(-r));
        free(TAKE_PTR(m->first_run));
        m->situation.first_run_until = 0;
        (void)event_timer_arm(m->first_run_timer, USEC_INFINITY);
}

static int on_first_run_over(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        (void)source;
        (void)usec;
        log_notice("The wait of the first start is over: removals begin");
        end_first_run(m);
        manager_reschedule_all(m);
        manager_wake(m);
        manager_tell_status(m);
        return 0;
}

int manager_set_up_waits(Manager *m) {
        int r;

        r = event_timer_new(m->event, CLOCK_BOOTTIME, on_surge_over, m, "surge", &m->surge_timer);
        if (r < 0)
                return r;

        r = event_timer_new(
                        m->event, CLOCK_BOOTTIME, on_first_run_over, m, "first-run", &m->first_run_timer);
        if (r < 0)
                return r;
        /* By hand there is no such wait, and where nothing is removed there is nothing to wait for. */
        if (m->options.once || m->options.dry_run)
                return 0;

        r = first_run_find(&m->first_run);
        if (r < 0)
                return r;
        if (r > 0)
                m->situation.first_run_until = USEC_INFINITY;
        return 0;
}

void manager_first_run_judge(Manager *m, usec_t now) {
        usec_t until;

        if (!m->first_run || m->first_run_since == 0)
                return;

        until = usec_add(m->first_run_since, m->settings->first_run_delay);
        if (until <= now) {
                if (m->situation.first_run_until != USEC_INFINITY) /* it had begun */
                        log_notice("The wait of the first start is over: removals begin");
                end_first_run(m);
                return;
        }
        m->situation.first_run_until = until;
        (void)event_timer_arm(m->first_run_timer, steady_clock_to_boottime(m->clock, until));
}

void manager_first_run_listed(Manager *m, usec_t now) {
        size_t n = 0;

        if (!m->first_run || m->first_run_since != 0)
                return;

        m->first_run_since = now;
        manager_first_run_judge(m, now);
        if (!m->first_run)
                return;
        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                n += policy_is_due(c, &m->situation, now, NULL);
        record_first_run(n, m->settings->first_run_delay);
        console_tell_held(m, "first-run", n, m->situation.first_run_until);
}

void manager_end_waits(Manager *m) {
        if (!m->first_run && m->situation.surge_until == 0)
                return;
        record_waits_ended();
        if (m->first_run)
                end_first_run(m);
        end_surge(m);
        manager_reschedule_all(m);
        manager_wake(m);
        manager_tell_status(m);
}
