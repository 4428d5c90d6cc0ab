/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/event-timer.h"
#include "base/log.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "daemon/record.h"

/* After SIGTERM, removals that are under way may take this long. */
#define STOP_WAIT_MAX (10 * USEC_PER_SEC)

void manager_finish(Manager *m, int status) {
        int r;

        r = sd_event_exit(m->event, status);
        if (r < 0)
                log_error("Cannot end the event loop: %s", strerror(-r));
}

/* Called once a second at most while something happens: the bus hears of it at the same pace. */
static StatusFigures collect_figures(void *userdata) {
        Manager *m = userdata;
        const Container *c = registry_first_due(m->registry);
        StatusFigures figures = {
                .connected = m->situation.engine_connected,
                .dry_run = m->options.dry_run,
                .tracked = registry_count_tracked(m->registry),
                .stopped = registry_count_stopped(m->registry),
                .removed = m->figures.removed,
                .next_in = USEC_INFINITY,
                .first_run = m->first_run,
                .held = manager_count_held(m),
                .paused_until = manager_paused_until(m),
        };

        if (m->bus)
                console_tell_properties(m);
        manager_pressure_format(m, figures.pressure, sizeof(figures.pressure));

        if (c)
                figures.next_in = usec_sub(c->look_at, steady_clock_now(m->clock).steady);
        return figures;
}

void manager_tell_status(Manager *m) {
        if (m->stopping)
                return;
        status_update(&m->status);
        metrics_changed(m->metrics);
}

static int on_due(sd_event_source *source, uint64_t usec, void *userdata) {
        (void)source;
        (void)usec;
        manager_wake(userdata);
        return 0;
}

static int on_resync(sd_event_source *source, uint64_t usec, void *userdata) {
        (void)source;
        (void)usec;
        manager_resync(userdata);
        return 0;
}

static void on_clock_jump(usec_t forward, usec_t backward, void *userdata) {
        Manager *m = userdata;
        Instant now = steady_clock_now(m->clock);

        if (forward + backward >= CLOCK_JUMP_MIN)
                record_clock_jump(forward, backward);

        /* Set back: what comes now bears smaller stamps. */
        m->last_event_nsec = (int64_t)usec_min((usec_t)m->last_event_nsec, now.realtime * NSEC_PER_USEC);
        registry_clock_jumped(m->registry, &now);
        manager_pause_clock_set(m);
        m->cap_dirty = true;
        manager_reschedule_all(m);
        manager_wake(m);
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        (void)source;
        (void)usec;
        log_warning("%zu removals have not ended; the engine will end them by itself",
                        reaper_in_flight(m->reaper));
        manager_finish(m, 0);
        return 0;
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        Manager *m = userdata;

        (void)source;
        if (m->stopping)
                return 0;
        m->stopping = true;
        m->replacing = false;
        status_done(&m->status);
        (void)sd_notify(false, "STOPPING=1\nSTATUS=Stopping");
        log_info("Stopping (%s)", si->ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");

        sync_cancel(m->sync);
        membership_cancel(m->membership);
        m->stream = event_stream_free(m->stream);
        (void)event_timer_arm(m->due_timer, USEC_INFINITY);
        (void)event_timer_arm(m->resync_timer, USEC_INFINITY);
        (void)event_timer_arm(m->first_run_timer, USEC_INFINITY);
        (void)event_timer_arm(m->surge_timer, USEC_INFINITY);
        (void)event_timer_arm(m->pause_timer, USEC_INFINITY);
        bus_withdraw(m->bus);
        manager_requests_end(m, false);
        console_advise_end(m);
        m->watch = pressure_watch_free(m->watch);
        measurer_forget(m->measurer);

        (void)event_timer_arm_relative(m->stop_timer, STOP_WAIT_MAX);
        reaper_stop(m->reaper);
        return 0;
}

static int on_reload_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        Manager *m = userdata;

        (void)source;
        (void)si;
        /* A single pass ends by what it began with. */
        if (!m->stopping && !m->options.once)
                (void)manager_reload(m, NULL);
        return 0;
}

static int add_signal(Manager *m, int signal, const char *description, sd_event_signal_handler_t handler) {
        sd_event_source *source;
        int r;

        r = sd_event_add_signal(m->event, &source, signal | SD_EVENT_SIGNAL_PROCMASK, handler, m);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(source, description);
        r = sd_event_source_set_floating(source, true);
        return r < 0 ? r : 0;
}

static int set_up_loop(Manager *m) {
        int r;

        r = sd_event_default(&m->event);
        if (r < 0)
                return r;
        r = sd_event_set_watchdog(m->event, true);
        if (r < 0)
                return r;
        r = add_signal(m, SIGTERM, "sigterm", on_stop_signal);
        if (r < 0)
                return r;
        r = add_signal(m, SIGINT, "sigint", on_stop_signal);
        if (r < 0)
                return r;
        r = add_signal(m, SIGHUP, "sighup", on_reload_signal);
        if (r < 0)
                return r;
        /* Ages count on through suspend, so what is due by age waits on the clock that does. */
        r = event_timer_new(m->event, CLOCK_BOOTTIME, on_due, m, "next-due", &m->due_timer);
        if (r < 0)
                return r;
        r = event_timer_new(m->event, CLOCK_MONOTONIC, on_resync, m, "resync", &m->resync_timer);
        if (r < 0)
                return r;
        r = event_timer_new(m->event, CLOCK_MONOTONIC, on_stop_timeout, m, "stop-wait", &m->stop_timer);
        if (r < 0)
                return r;
        r = manager_set_up_waits(m);
        if (r < 0)
                return r;
        r = manager_set_up_replacing(m);
        if (r < 0)
                return r;
        r = manager_set_up_cap(m);
        if (r < 0)
                return r;
        r = manager_set_up_measuring(m);
        if (r < 0)
                return r;
        r = label_faults_new(&m->label_faults);
        if (r < 0)
                return r;
        r = manager_set_up_figures(m);
        if (r < 0)
                return r;
        r = status_init(&m->status, m->event, collect_figures, m);
        if (r < 0)
                return r;
        r = steady_clock_new(m->event, on_clock_jump, m, &m->clock);
        if (r < 0)
                return r;
        return manager_set_up_pause(m);
}

/* Last, as from then on others may ask. A single pass is for whoever has started it. */
static int set_up_console(Manager *m) {
        int r;

        if (m->options.once)
                return 0;
        r = metrics_configure(m->metrics, m->settings->metrics_file);
        if (r < 0)
                return r;
        return bus_new(m->event, console_vtable, m, &m->bus);
}

static void manager_done(Manager *m) {
        if (m->requests)
                manager_requests_end(m, true);
        /* Nobody is told any more. */
        m->bus = bus_free(m->bus);
        metrics_free(m->metrics);
        event_stream_free(m->stream);
        pressure_watch_free(m->watch);
        measurer_free(m->measurer);
        reaper_free(m->reaper);
        membership_free(m->membership);
        sync_free(m->sync);
        registry_free(m->registry);
        engine_client_free(m->client);
        steady_clock_free(m->clock);
        status_done(&m->status);
        sd_event_source_disable_unref(m->due_timer);
        sd_event_source_disable_unref(m->resync_timer);
        sd_event_source_disable_unref(m->stop_timer);
        sd_event_source_disable_unref(m->first_run_timer);
        sd_event_source_disable_unref(m->surge_timer);
        sd_event_source_disable_unref(m->pause_timer);
        sd_event_source_disable_unref(m->cap_source);
        sd_event_source_disable_unref(m->replace_source);
        sd_event_unref(m->event);
        label_faults_free(m->label_faults);
        shared_settings_unref(m->shared_settings);
        free(m->node_id);
        free(m->first_run);
        free(m->root_dir);
        free(m->pause_path);
        free(m->told);
        removal_history_free(m->history);
}

int manager_run(Settings *settings, const ManagerOptions *options) {
        _cleanup_(manager_done) Manager m = {
                .options = *options,
                .situation.settled_at = USEC_INFINITY,
        };
        int r;

        r = shared_settings_new(settings, &m.shared_settings);
        if (r < 0) {
                settings_done(settings);
                return r;
        }
        m.settings = &m.shared_settings->settings;
        m.reap_others = settings_reap_others(m.settings);

        r = set_up_loop(&m);
        if (r < 0)
                return r;
        r = manager_set_up_engine(&m);
        if (r < 0)
                return r;
        r = set_up_console(&m);
        if (r < 0)
                return r;

        (void)sd_notifyf(false, "READY=1\nSTATUS=Connecting to the engine at %s", m.settings->endpoint);
        log_set_lasting(true);
        return sd_event_loop(m.event);
}
