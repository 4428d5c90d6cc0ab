/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/share.h"
#include "daemon/console.h"
#include "node/disk.h"
#include "node/engine-memory.h"
#include "node/meminfo.h"

/* What a property is now. Of numbers `text` is empty. */
typedef struct Value {
        uint64_t number;
        char text[CONSOLE_TEXT_MAX];
} Value;

static void put(Value *v, const char *text) {
        char escaped[CONSOLE_TEXT_MAX];

        (void)snprintf(v->text, sizeof(v->text), "%s", console_text(escaped, text));
}

static void get_version(Manager *m, Value *v) {
        (void)m;
        put(v, REAPERD_VERSION);
}

static void get_host_name(Manager *m, Value *v) {
        char name[256] = "";

        (void)m;
        (void)gethostname(name, sizeof(name) - 1);
        put(v, name);
}

static void get_dry_run(Manager *m, Value *v) {
        v->number = m->options.dry_run;
}

static void get_started_at(Manager *m, Value *v) {
        v->number = m->started_at;
}

static void get_anonymous_memory(Manager *m, Value *v) {
        (void)m;
        v->number = FIGURE_UNKNOWN;
        (void)engine_memory_read(NULL, "/proc", getpid(), &v->number);
}

static void get_endpoint(Manager *m, Value *v) {
        put(v, m->settings->endpoint);
}

static void get_connected(Manager *m, Value *v) {
        v->number = m->situation.engine_connected;
}

static void get_connected_since(Manager *m, Value *v) {
        v->number = steady_clock_to_realtime(m->clock, m->connected_at);
}

static void get_engine_version(Manager *m, Value *v) {
        put(v, m->engine);
}

static void get_engine_api_version(Manager *m, Value *v) {
        if (m->engine[0] != '\0')
                (void)snprintf(v->text, sizeof(v->text), "%u.%u", m->api.major, m->api.minor);
}

static void get_settles_at(Manager *m, Value *v) {
        v->number = steady_clock_to_realtime(m->clock, m->situation.settled_at);
}

static void get_swarm_state(Manager *m, Value *v) {
        put(v, swarm_state_name(m->situation.swarm_state));
}

static void get_node_id(Manager *m, Value *v) {
        put(v, m->node_id);
}

static void get_last_event_at(Manager *m, Value *v) {
        v->number = steady_clock_to_realtime(m->clock, m->last_event_at);
}

static void get_last_resync_at(Manager *m, Value *v) {
        v->number = steady_clock_to_realtime(m->clock, m->last_resync_at);
}

static void get_resyncs(Manager *m, Value *v) {
        for (size_t i = 0; i < ELEMENTS_OF(m->figures.resyncs); i++)
                v->number += m->figures.resyncs[i];
}

static void get_known(Manager *m, Value *v) {
        v->number = registry_count(m->registry);
}

static void get_tracked(Manager *m, Value *v) {
        v->number = registry_count_tracked(m->registry);
}

static void get_stopped(Manager *m, Value *v) {
        v->number = registry_count_stopped(m->registry);
}

static void get_quarantined(Manager *m, Value *v) {
        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                v->number += c->quarantined && !c->gone;
}

/* When it goes by what is known. Others are only to be looked at again. */
static usec_t goes_at(const Manager *m, const Container *c, usec_t now) {
        Decision d;

        if (!registry_tracks(c) || c->quarantined)
                return USEC_INFINITY;
        d = policy_decide(c, &m->situation, now);
        switch (d.verdict) {
        case VERDICT_STARTING:
        case VERDICT_REMOVING:
        case VERDICT_AUTO_REMOVE:
        case VERDICT_MAY_RESTART:
                return USEC_INFINITY;
        default:
                return d.due;
        }
}

static void get_due_next_hour(Manager *m, Value *v) {
        usec_t now = steady_clock_now(m->clock).steady;

        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                v->number += goes_at(m, c, now) <= now + USEC_PER_HOUR;
}

static void get_next_due_at(Manager *m, Value *v) {
        usec_t now = steady_clock_now(m->clock).steady, next = USEC_INFINITY;

        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                next = usec_min(next, goes_at(m, c, now));
        v->number = next == USEC_INFINITY ? 0 : steady_clock_to_realtime(m->clock, usec_max(next, now));
}

static void get_first_run_until(Manager *m, Value *v) {
        v->number = steady_clock_to_realtime(m->clock, m->situation.first_run_until);
}

static void get_surge_until(Manager *m, Value *v) {
        v->number = steady_clock_to_realtime(m->clock, m->situation.surge_until);
}

static void get_surge_held(Manager *m, Value *v) {
        v->number = manager_count_held(m);
}

static void get_paused_until(Manager *m, Value *v) {
        v->number = manager_paused_until(m);
}

static void get_pressure_level(Manager *m, Value *v) {
        put(v, pressure_level_name(manager_pressure_telling(m).level));
}

static void get_pressure_cause(Manager *m, Value *v) {
        put(v, pressure_cause_name(manager_pressure_telling(m).cause));
}

static void get_pressure_given_up(Manager *m, Value *v) {
        v->number = manager_pressure_telling(m).given_up;
}

/* Memory and disk of this machine say nothing about an engine elsewhere. */
static NodeFigures read_memory(const Manager *m) {
        NodeFigures f = node_figures_unknown();

        if (!m->elsewhere)
                (void)meminfo_read(MEMINFO_PATH, &f);
        return f;
}

/* Only where [Disk] has it read anyway: a file system that hangs would hold the loop. */
static NodeFigures read_disk(const Manager *m) {
        const DiskSettings *disk = &m->settings->disk;
        NodeFigures f = node_figures_unknown();

        if (!m->elsewhere && m->root_dir && (disk->used_high != SHARE_OFF || disk->inodes_high != SHARE_OFF))
                (void)disk_read(m->root_dir, &f);
        return f;
}

static void get_memory_total(Manager *m, Value *v) {
        v->number = read_memory(m).memory_total;
}

static void get_memory_available(Manager *m, Value *v) {
        v->number = read_memory(m).memory_available;
}

static void get_memory_free(Manager *m, Value *v) {
        v->number = read_memory(m).memory_free;
}

static void get_disk_total(Manager *m, Value *v) {
        v->number = read_disk(m).disk_total;
}

static void get_disk_used(Manager *m, Value *v) {
        v->number = read_disk(m).disk_used;
}

static void get_measuring(Manager *m, Value *v) {
        v->number = m->page_cache != PAGE_CACHE_NONE;
}

static void get_removed(Manager *m, Value *v) {
        v->number = m->figures.removed;
}

static void get_removed_today(Manager *m, Value *v) {
        figures_today(&m->figures, manager_today());
        v->number = m->figures.removed_today;
}

static void get_failed(Manager *m, Value *v) {
        v->number = m->figures.failed;
}

static void get_reclaimed(Manager *m, Value *v) {
        v->number = m->figures.reclaimed.cached;
}

static void get_reclaimed_today(Manager *m, Value *v) {
        figures_today(&m->figures, manager_today());
        v->number = m->figures.reclaimed_today.cached;
}

static void get_reclaimed_disk(Manager *m, Value *v) {
        v->number = m->figures.reclaimed.disk;
}

static void get_reclaimed_disk_today(Manager *m, Value *v) {
        figures_today(&m->figures, manager_today());
        v->number = m->figures.reclaimed_today.disk;
}

typedef struct Property {
        const char *name;
        void (*get)(Manager *m, Value *v); /* into a zeroed one */
        char type;
        enum {
                UNTOLD, /* const, or only for who asks */
                TOLD,   /* has flag EMITS_CHANGE */
        } how;
} Property;

/* In the order of the interface. */
static const Property properties[] = {
        { "Version", get_version, 's', UNTOLD },
        { "HostName", get_host_name, 's', UNTOLD },
        { "DryRun", get_dry_run, 'b', UNTOLD },
        { "StartedAt", get_started_at, 't', UNTOLD },
        { "AnonymousMemory", get_anonymous_memory, 't', UNTOLD },
        { "Endpoint", get_endpoint, 's', TOLD },
        { "Connected", get_connected, 'b', TOLD },
        { "ConnectedSince", get_connected_since, 't', TOLD },
        { "EngineVersion", get_engine_version, 's', TOLD },
        { "EngineApiVersion", get_engine_api_version, 's', TOLD },
        { "SettlesAt", get_settles_at, 't', TOLD },
        { "SwarmState", get_swarm_state, 's', TOLD },
        { "NodeId", get_node_id, 's', TOLD },
        { "LastEventAt", get_last_event_at, 't', UNTOLD },
        { "LastResyncAt", get_last_resync_at, 't', UNTOLD },
        { "Resyncs", get_resyncs, 't', UNTOLD },
        { "Known", get_known, 'u', TOLD },
        { "Tracked", get_tracked, 'u', TOLD },
        { "Stopped", get_stopped, 'u', TOLD },
        { "Quarantined", get_quarantined, 'u', TOLD },
        { "DueNextHour", get_due_next_hour, 'u', UNTOLD },
        { "NextDueAt", get_next_due_at, 't', UNTOLD },
        { "FirstRunUntil", get_first_run_until, 't', TOLD },
        { "SurgeUntil", get_surge_until, 't', TOLD },
        { "SurgeHeld", get_surge_held, 'u', TOLD },
        { "PausedUntil", get_paused_until, 't', TOLD },
        { "PressureLevel", get_pressure_level, 's', TOLD },
        { "PressureCause", get_pressure_cause, 's', TOLD },
        { "PressureGivenUp", get_pressure_given_up, 'b', TOLD },
        { "MemoryTotal", get_memory_total, 't', UNTOLD },
        { "MemoryAvailable", get_memory_available, 't', UNTOLD },
        { "MemoryFree", get_memory_free, 't', UNTOLD },
        { "DiskTotal", get_disk_total, 't', UNTOLD },
        { "DiskUsed", get_disk_used, 't', UNTOLD },
        { "Measuring", get_measuring, 'b', TOLD },
        { "Removed", get_removed, 't', TOLD },
        { "RemovedToday", get_removed_today, 't', UNTOLD },
        { "Failed", get_failed, 't', TOLD },
        { "Reclaimed", get_reclaimed, 't', TOLD },
        { "ReclaimedToday", get_reclaimed_today, 't', UNTOLD },
        { "ReclaimedDisk", get_reclaimed_disk, 't', TOLD },
        { "ReclaimedDiskToday", get_reclaimed_disk_today, 't', UNTOLD },
};

/* Of each property its number, or a hash of its text. */
struct ConsoleSnapshot {
        uint64_t values[ELEMENTS_OF(properties)];
};

int console_get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Property *p = properties, *end = properties + ELEMENTS_OF(properties);
        Value v = { 0 };

        (void)bus;
        (void)path;
        (void)interface;
        (void)error;
        while (p < end && strcmp(p->name, property) != 0)
                p++;
        if (p == end)
                return -ENOENT;

        p->get(userdata, &v);
        switch (p->type) {
        case 's':
                return sd_bus_message_append(reply, "s", v.text);
        case 'b':
                return sd_bus_message_append(reply, "b", (int)v.number);
        case 'u':
                return sd_bus_message_append(reply, "u", (uint32_t)v.number);
        default:
                return sd_bus_message_append(reply, "t", v.number);
        }
}

/* FNV-1a; 0 for the empty text, as what has not been told yet counts as empty. */
static uint64_t hash(const char *text) {
        uint64_t h = 0xcbf29ce484222325;

        if (*text == '\0')
                return 0;
        for (; *text != '\0'; text++)
                h = (h ^ (uint8_t)*text) * 0x100000001b3;
        return h;
}

void console_tell_properties(Manager *m) {
        const char *changed[ELEMENTS_OF(properties) + 1];
        sd_bus *bus = bus_for_signals(m->bus);
        size_t n = 0;
        int r;

        if (!bus)
                return;
        if (!m->told)
                m->told = calloc(1, sizeof(*m->told));
        if (!m->told) {
                log_debug("Cannot tell the bus what has changed: %s", strerror(ENOMEM));
                return;
        }

        for (size_t i = 0; i < ELEMENTS_OF(properties); i++) {
                const Property *p = &properties[i];
                Value v = { 0 };
                uint64_t value;

                if (p->how == UNTOLD)
                        continue;
                p->get(m, &v);
                value = p->type == 's' ? hash(v.text) : v.number;
                if (value != m->told->values[i]) {
                        m->told->values[i] = value;
                        changed[n++] = p->name;
                }
        }
        if (n == 0)
                return;

        changed[n] = NULL;
        r = sd_bus_emit_properties_changed_strv(bus, BUS_PATH, BUS_INTERFACE, (char **)changed);
        if (r < 0)
                log_debug("Cannot tell the bus what has changed: %s", strerror(-r));
}
