/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/profile.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "node/meminfo.h"

int64_t manager_today(void) {
        time_t now = time(NULL);
        struct tm local;

        if (!localtime_r(&now, &local))
                return 0;
        return (int64_t)local.tm_year * 366 + local.tm_yday;
}

/* Memory here says nothing about an engine elsewhere. */
static uint64_t read_free(const Manager *m) {
        NodeFigures figures = node_figures_unknown();

        if (!m->elsewhere)
                (void)meminfo_read(MEMINFO_PATH, &figures);
        return figures.memory_free;
}

void manager_removing(const ContainerId *id, void *userdata) {
        Manager *m = userdata;

        (void)id;
        /* Behind the first it would be ignored. */
        observation_begin(&m->observation, m->observation.under_way == 0 ? read_free(m) : FIGURE_UNKNOWN);
}

void manager_removing_ended(Manager *m, uint64_t serial, usec_t took) {
        uint64_t first;
        unsigned removed;
        int64_t change;

        if (took > 0)
                figures_took(&m->figures, took);
        if (observation_end(&m->observation, serial,
                            observation_is_wanted(&m->observation) ? read_free(m) : FIGURE_UNKNOWN, &change,
                            &removed, &first))
                removal_history_observed(m->history, first, change, removed);
}

uint64_t manager_note_removal(Manager *m, const Container *c, const Decision *d, bool dry_run,
                const Holding *held, unsigned attempts) {
        char origin[PROFILE_ORIGIN_MAX] = "";
        Removal removal = {
                .at = clock_read(CLOCK_REALTIME),
                .id = c->id,
                .verdict = d->verdict,
                .outcome = d->outcome,
                .setting = d->setting,
                .age = d->age,
                .exit_code = c->exit_code,
                .dry_run = dry_run,
                .attempts = attempts,
                .held = held ? *held : HOLDING_UNKNOWN,
                .name = c->name,
                .service = c->scope == SCOPE_TASK ? shared_text(c->service) : NULL,
                .image = shared_text(c->image),
                .rule = c->profile && c->profile->rule ? c->profile->rule->name : NULL,
                .origin = origin,
        };
        int64_t serial;

        figures_removed(&m->figures, d->verdict, held, manager_today());
        if (c->profile && d->setting != _SETTING_INVALID)
                profile_origin(c->profile, d->setting, origin, sizeof(origin));
        serial = removal_history_add(m->history, &removal);
        if (serial < 0) {
                log_error("Cannot note a removal for the console: %s", strerror((int)-serial));
                return 0;
        }
        return (uint64_t)serial;
}

static void collect_gauges(MetricsGauges *ret, void *userdata) {
        const Manager *m = userdata;
        const PressureTelling pressure = manager_pressure_telling(m);
        MetricsGauges g = {
                .figures = &m->figures,
                .engine_version = m->engine,
                .connected = m->situation.engine_connected,
                .dry_run = m->options.dry_run,
                .paused = manager_paused_until(m) != 0,
                .level = pressure.level,
                .given_up = pressure.given_up,
                .started = m->started_at,
        };

        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c)) {
                if (c->gone)
                        continue;
                if (registry_tracks(c))
                        g.states[c->state]++;
                g.quarantined += c->quarantined;
                g.surge_held += c->surge_held;
        }
        *ret = g;
}

int manager_set_up_figures(Manager *m) {
        int r;

        m->started_at = clock_read(CLOCK_REALTIME);
        figures_today(&m->figures, manager_today());
        r = removal_history_new(&m->history);
        if (r < 0 || m->options.once)
                return r;
        return metrics_new(m->event, collect_gauges, m, &m->metrics);
}
