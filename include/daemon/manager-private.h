/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_MANAGER_PRIVATE_H
#define REAPERD_DAEMON_MANAGER_PRIVATE_H

/*
 * What the three parts of the manager share: manager.c (loop, timers, signals), manager-engine.c (the
 * engine comes, speaks and goes) and manager-reap.c (what is due goes to the reaper). Nobody else
 * includes this.
 */

#include <systemd/sd-event.h>

#include "core/policy.h"
#include "core/registry.h"
#include "daemon/manager.h"
#include "daemon/membership.h"
#include "daemon/reaper.h"
#include "daemon/status.h"
#include "daemon/steady-clock.h"
#include "daemon/sync.h"
#include "engine/client.h"
#include "engine/event-stream.h"

typedef struct Manager {
        const Settings *settings;
        ManagerOptions options;

        sd_event *event;
        sd_event_source *due_timer, *resync_timer, *stop_timer;
        SteadyClock *clock;
        EngineClient *client;
        EventStream *stream;
        Registry *registry;
        Sync *sync;
        Membership *membership;
        Reaper *reaper;
        Status status;

        bool elsewhere; /* the engine is on another host */
        Situation situation;
        char *node_id;           /* what situation.node_id points to */
        unsigned not_ready;      /* resyncs in a row that found the Swarm not ready */
        unsigned out_of_swarm;   /* sightings in a row */
        usec_t contact;          /* steady: when the engine was first reached since it was last away */
        usec_t engine_since;     /* steady: the engine has been up since then at the latest; 0: not known */
        int64_t last_event_nsec; /* the newest event of the live stream */
        usec_t ask_again_at;     /* steady: membership cannot be asked before this */
        char engine[64];         /* the engine's version, for people */
        ApiVersion api;
        bool lost_said;
        bool settling_said;
        int64_t seen_before_nsec; /* last_event_nsec when this connection began */
        bool resync_soon;         /* the resync timer is set to make up for a lost event */
        bool resync_wanted;       /* what came in while a resync ran may have come too late for it */
        bool pass_failed;         /* with `once`: more than single removals failed */
        bool stopping;

        size_t removed, already_gone, failed;
        size_t trimmed_at; /* removed and already gone when memory was last given back */
} Manager;

/* manager.c */

/* Ends the loop with this exit status. */
void manager_finish(Manager *m, int status);
/* Has systemd told how things stand, soon. */
void manager_tell_status(Manager *m);

/* manager-engine.c */

int manager_set_up_engine(Manager *m);
/* Drops the connection and begins anew after a backoff. */
void manager_reconnect(Manager *m, int error, const char *message);
/* Lists again; if a list is under way, once more behind it. */
void manager_resync(Manager *m);

/* manager-reap.c */

extern const ReaperHandlers manager_reaper_handlers;
void manager_on_membership(int error, const char *message, void *userdata);

/* Puts a container where it belongs in the due queue. */
void manager_reschedule(Manager *m, Container *c, usec_t now);
void manager_reschedule_all(Manager *m);
/* The timer follows the head of the due queue; without the engine nothing is due. */
void manager_arm_due_timer(Manager *m);
/* Whatever may have made something due ends here. */
void manager_wake(Manager *m);

#endif
