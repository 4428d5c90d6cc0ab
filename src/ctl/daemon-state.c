/* SPDX-License-Identifier: Apache-2.0 */

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/daemon-state.h"

#define PLACE(field) offsetof(DaemonState, field)
/* A point in time; on the bus it is a 't' as any other number. */
#define TIME 'T'

/* In the order of dbus/org.reaperd.Reaper1.xml. */
static const struct {
        const char *name, *key;
        char type;
        size_t place;
} properties[] = {
        { "Version", "version", 's', PLACE(version) },
        { "HostName", "host_name", 's', PLACE(host_name) },
        { "DryRun", "dry_run", 'b', PLACE(dry_run) },
        { "StartedAt", "started_at_usec", TIME, PLACE(started_at) },
        { "AnonymousMemory", "anonymous_memory", 't', PLACE(anonymous_memory) },
        { "Endpoint", "endpoint", 's', PLACE(endpoint) },
        { "Connected", "connected", 'b', PLACE(connected) },
        { "ConnectedSince", "connected_since_usec", TIME, PLACE(connected_since) },
        { "EngineVersion", "engine_version", 's', PLACE(engine_version) },
        { "EngineApiVersion", "engine_api_version", 's', PLACE(api_version) },
        { "SettlesAt", "settles_at_usec", TIME, PLACE(settles_at) },
        { "SwarmState", "swarm_state", 's', PLACE(swarm_state) },
        { "NodeId", "node_id", 's', PLACE(node_id) },
        { "LastEventAt", "last_event_at_usec", TIME, PLACE(last_event_at) },
        { "LastResyncAt", "last_resync_at_usec", TIME, PLACE(last_resync_at) },
        { "Resyncs", "resyncs", 't', PLACE(resyncs) },
        { "Known", "known", 'u', PLACE(known) },
        { "Tracked", "tracked", 'u', PLACE(tracked) },
        { "Stopped", "stopped", 'u', PLACE(stopped) },
        { "Quarantined", "quarantined", 'u', PLACE(quarantined) },
        { "DueNextHour", "due_next_hour", 'u', PLACE(due_next_hour) },
        { "NextDueAt", "next_due_at_usec", TIME, PLACE(next_due_at) },
        { "FirstRunUntil", "first_run_until_usec", TIME, PLACE(first_run_until) },
        { "SurgeUntil", "surge_until_usec", TIME, PLACE(surge_until) },
        { "SurgeHeld", "surge_held", 'u', PLACE(surge_held) },
        { "PausedUntil", "paused_until_usec", TIME, PLACE(paused_until) },
        { "PressureLevel", "pressure_level", 's', PLACE(pressure_level) },
        { "PressureCause", "pressure_cause", 's', PLACE(pressure_cause) },
        { "PressureGivenUp", "pressure_given_up", 'b', PLACE(given_up) },
        { "MemoryTotal", "memory_total", 't', PLACE(memory_total) },
        { "MemoryAvailable", "memory_available", 't', PLACE(memory_available) },
        { "MemoryFree", "memory_free", 't', PLACE(memory_free) },
        { "DiskTotal", "disk_total", 't', PLACE(disk_total) },
        { "DiskUsed", "disk_used", 't', PLACE(disk_used) },
        { "Measuring", "measuring", 'b', PLACE(measuring) },
        { "Removed", "removed", 't', PLACE(removed) },
        { "RemovedToday", "removed_today", 't', PLACE(removed_today) },
        { "Failed", "failed", 't', PLACE(failed) },
        { "Reclaimed", "reclaimed", 't', PLACE(reclaimed) },
        { "ReclaimedToday", "reclaimed_today", 't', PLACE(reclaimed_today) },
        { "ReclaimedDisk", "reclaimed_disk", 't', PLACE(reclaimed_disk) },
        { "ReclaimedDiskToday", "reclaimed_disk_today", 't', PLACE(reclaimed_disk_today) },
};

static char bus_type(char type) {
        if (type == TIME)
                return 't';
        return type;
}

static int read_value(sd_bus_message *m, char type, void *place) {
        const char *text;
        uint64_t number;
        uint32_t small;
        int r, flag;

        switch (type) {
        case 's':
                r = sd_bus_message_read(m, "v", "s", &text);
                if (r >= 0)
                        *(const char **)place = text;
                return r;
        case 't':
                r = sd_bus_message_read(m, "v", "t", &number);
                if (r >= 0)
                        *(uint64_t *)place = number;
                return r;
        case 'u':
                r = sd_bus_message_read(m, "v", "u", &small);
                if (r >= 0)
                        *(uint64_t *)place = small;
                return r;
        default:
                r = sd_bus_message_read(m, "v", "b", &flag);
                if (r >= 0)
                        *(bool *)place = flag;
                return r;
        }
}

static int read_property(sd_bus_message *m, DaemonState *s) {
        const char *name, *contents;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTS_OF(properties); i++)
                if (strcmp(properties[i].name, name) == 0 && contents[0] == bus_type(properties[i].type) &&
                                contents[1] == '\0')
                        return read_value(m, contents[0], (char *)s + properties[i].place);
        return sd_bus_message_skip(m, "v");
}

int daemon_state_read(sd_bus_message *m, DaemonState *ret) {
        DaemonState s = { 0 };
        int r;

        for (size_t i = 0; i < ELEMENTS_OF(properties); i++)
                if (properties[i].type == 's')
                        *(const char **)(void *)((char *)&s + properties[i].place) = "";
                else if (properties[i].type != 'b')
                        *(uint64_t *)(void *)((char *)&s + properties[i].place) = UINT64_MAX;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_property(m, &s);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        *ret = s;
        return 0;
}

void daemon_state_json(JsonRows *j, const DaemonState *s) {
        for (size_t i = 0; i < ELEMENTS_OF(properties); i++) {
                const void *place = (const char *)s + properties[i].place;

                if (properties[i].type == 's')
                        json_text(j, properties[i].key, *(const char *const *)place);
                else if (properties[i].type == 'b')
                        json_bool(j, properties[i].key, *(const bool *)place);
                else if (properties[i].type == TIME)
                        json_time(j, properties[i].key, *(const uint64_t *)place);
                else
                        json_u64(j, properties[i].key, *(const uint64_t *)place);
        }
}
