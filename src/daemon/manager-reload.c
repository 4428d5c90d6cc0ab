/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/config-file.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "daemon/record.h"

/* What was due already is no surge. Of several reloads in a row the first knows, as no list has come
 * since. */
static void note_what_is_due(Manager *m) {
        usec_t now = steady_clock_now(m->clock).steady;

        if (m->situation.reloading)
                return;
        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                c->due_before = c->claimed && !c->wanted && !c->requested
                                                ? DUE_SET_ALL
                                                : policy_due_set(c, &m->situation, now);
}

static void swap(Manager *m, SharedSettings *settings) {
        SharedSettings *old = m->shared_settings;
        bool others = settings_reap_others(&settings->settings) != m->reap_others;
        bool endpoint = strcmp(old->settings.endpoint, settings->settings.endpoint) != 0;

        note_what_is_due(m);

        m->shared_settings = settings;
        m->settings = &settings->settings;
        m->reap_others = settings_reap_others(m->settings);
        registry_set_settings(m->registry, settings);
        manager_pressure_configure(m);
        if (metrics_configure(m->metrics, m->settings->metrics_file) < 0)
                log_error("Out of memory: metrics are written as before");
        shared_settings_unref(old);
        label_faults_forget(m->label_faults);

        /* Before the first list nothing was due that could be compared. */
        m->situation.reloading = m->listed;
        manager_judge_settled(m);
        manager_first_run_judge(m, steady_clock_now(m->clock).steady);
        manager_judge_surge(m);
        reaper_set_parallelism(m->reaper, m->settings->parallelism);
        engine_client_set_request_timeout(m->client, m->settings->request_timeout);
        record_reloaded(m->settings->n_rules, endpoint);

        manager_reschedule_all(m);
        if (m->replacing)
                return; /* the engine that comes is that of these settings */
        if (endpoint)
                manager_replace_engine(m);
        else
                manager_start_over(m, others);
}

static int load(Manager *m, SharedSettings **ret, ConfigReport *report) {
        _cleanup_(settings_done) Settings settings = { 0 };
        int r;

        r = config_load(m->options.config, NULL, &settings, report);
        config_report_tell(report, false);
        if (r >= 0)
                r = shared_settings_new(&settings, ret);
        if (r == -ENOMEM)
                log_error("Out of memory");
        if (r < 0)
                record_reload_refused(report->n_errors);
        return r;
}

int manager_reload(Manager *m, ConfigReport *ret_report) {
        _cleanup_(config_report_done) ConfigReport report = { 0 };
        SharedSettings *settings;
        int r;

        (void)sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reading the configuration",
                        clock_read(CLOCK_MONOTONIC));

        r = load(m, &settings, &report);
        if (r >= 0)
                swap(m, settings);
        /* The policy file may have come since. */
        bus_ask_name(m->bus);
        console_tell_reloaded(m, r >= 0, report.n_errors);

        (void)sd_notify(false, "READY=1");
        manager_tell_status(m);
        if (ret_report) {
                *ret_report = report;
                report = (ConfigReport){ 0 };
        }
        return r;
}

void manager_reload_listed(Manager *m, usec_t now) {
        m->situation.reloading = false;
        manager_hold_surge(m, now);
        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                c->due_before = 0;
}
