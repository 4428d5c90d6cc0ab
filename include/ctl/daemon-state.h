/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_DAEMON_STATE_H
#define REAPERD_CTL_DAEMON_STATE_H

/*
 * All properties of a daemon, as one answer brings them.
 */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "ctl/json.h"

/* Texts are borrowed from the answer; what an older daemon does not tell is "", UINT64_MAX or false.
 * Times are CLOCK_REALTIME in microseconds. */
typedef struct DaemonState {
        const char *version, *host_name, *endpoint, *engine_version, *api_version, *swarm_state, *node_id,
                        *pressure_level, *pressure_cause;
        bool dry_run, connected, given_up, measuring;
        uint64_t started_at, anonymous_memory, connected_since, settles_at, last_event_at, last_resync_at,
                        resyncs;
        uint64_t known, tracked, stopped, quarantined, due_next_hour, next_due_at;
        uint64_t first_run_until, surge_until, surge_held, paused_until;
        uint64_t memory_total, memory_available, memory_free, disk_total, disk_used;
        uint64_t removed, removed_today, failed, reclaimed, reclaimed_today, reclaimed_disk,
                        reclaimed_disk_today;
} DaemonState;

/* Reads the answer of GetAll, an "a{sv}". Properties that are not known here, or are of another type, are
 * passed over. Returns 0 or a negative errno. */
int daemon_state_read(sd_bus_message *m, DaemonState *ret);

/* All of it, as members of what is open in j, by the names of the properties in lower case
 * ("engine_version"), those of times with "_usec" behind them. */
void daemon_state_json(JsonRows *j, const DaemonState *s);

#endif
