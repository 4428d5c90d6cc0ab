/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_SYNC_H
#define REAPERD_DAEMON_SYNC_H

/*
 * Brings the registry in line with the engine: its info (the Swarm's state), after a connect its event
 * ring (which tells the engine's age, and what the last containers were asked), the list of all task
 * containers, and, where rules are about others, the list of those. One at a time; the requests of one
 * resync are at most three GETs, after a connect four.
 */

#include <stdbool.h>

#include "core/registry.h"
#include "daemon/steady-clock.h"
#include "engine/client.h"

typedef struct SyncResult {
        bool with_ring;
        int64_t oldest_nsec; /* of the ring; 0: the ring was empty */
        usec_t info_asked;   /* steady: when what follows was asked for */
        SwarmState swarm_state;
        char *node_id;  /* NULL if the engine names none; who wants to keep it takes it with TAKE_PTR() */
        char *root_dir; /* the engine's; likewise */
        size_t listed, forgotten;
} SyncResult;

/* `error` 0: *result holds; else it is NULL, and `step` names what failed: "events", "info" or "list". */
typedef void (*SyncDoneHandler)(
                SyncResult *result, int error, const char *step, const char *message, void *userdata);

typedef struct Sync Sync;

/* `elsewhere`: the engine is on another host, so its clock is asked for and told to `clock`. What is
 * pointed to is borrowed and must outlive it. */
int sync_new(EngineClient *client, Registry *registry, SteadyClock *clock, bool elsewhere,
                SyncDoneHandler on_done, void *userdata, Sync **ret);
Sync *sync_free(Sync *s);

/* Begins; what is under way is dropped. on_done is called later, or, if memory has run out, at once. */
void sync_start(Sync *s, bool with_ring, bool with_others);
void sync_cancel(Sync *s);
bool sync_running(const Sync *s);

/* Is the first sync after a connect under way? The events that come meanwhile may be old ones, told
 * again. */
bool sync_replaying(const Sync *s);

DEFINE_CLEANUP(Sync *, sync_free, NULL);

#endif
