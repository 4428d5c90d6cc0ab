/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_MANAGER_PRIVATE_H
#define REAPERD_DAEMON_MANAGER_PRIVATE_H

/*
 * What the parts of the manager share: manager.c (loop, timers, signals), manager-engine.c (the engine
 * comes, speaks and goes), manager-reap.c (what is due goes to the reaper), manager-reload.c (a new
 * configuration), manager-wait.c (removals wait after a first start, and after a reload that makes many
 * due), manager-pressure.c (batches against pressure), manager-measure.c (what stopped containers hold),
 * manager-request.c (removals that somebody has asked for), manager-pause.c (no removals for a while),
 * manager-figures.c (what is counted and noted of them), and console*.c (what is offered on the bus).
 * Nobody else includes this.
 */

#include <systemd/sd-event.h>

#include "core/figures.h"
#include "core/observation.h"
#include "core/policy.h"
#include "core/registry.h"
#include "core/relief.h"
#include "core/removal-history.h"
#include "daemon/bus.h"
#include "daemon/config-report.h"
#include "daemon/label-faults.h"
#include "daemon/manager.h"
#include "daemon/measurer.h"
#include "daemon/membership.h"
#include "daemon/metrics.h"
#include "daemon/pressure-watch.h"
#include "daemon/reaper.h"
#include "daemon/status.h"
#include "daemon/steady-clock.h"
#include "daemon/sync.h"
#include "engine/client.h"
#include "engine/event-stream.h"

typedef struct Manager {
        SharedSettings *shared_settings;
        const Settings *settings; /* within */
        bool reap_others;         /* by these settings */
        ManagerOptions options;

        sd_event *event;
        sd_event_source *due_timer, *resync_timer, *stop_timer, *first_run_timer, *surge_timer;
        sd_event_source *cap_source;     /* what is too much is looked for, once for many events */
        sd_event_source *replace_source; /* the engine is another one now */
        SteadyClock *clock;
        EngineClient *client;
        EventStream *stream;
        Registry *registry;
        Sync *sync;
        Membership *membership;
        Reaper *reaper;
        LabelFaults *label_faults;
        Status status;
        PressureWatch *watch; /* NULL: the node's pressure is left out of account */
        Relief relief;
        ContainerId batch[RELIEF_BATCH_MAX]; /* chosen for the batch that is under way, as far as n_batch */
        size_t n_batch;
        Measurer *measurer;

        bool elsewhere; /* the engine is on another host */
        Situation situation;
        char *node_id;           /* what situation.node_id points to */
        unsigned not_ready;      /* resyncs in a row that found the Swarm not ready */
        unsigned out_of_swarm;   /* sightings in a row */
        usec_t contact;          /* steady: when the engine was first reached since it was last away */
        usec_t engine_since;     /* steady: the engine has been up since then at the latest; 0: not known */
        int64_t last_event_nsec; /* the newest event of the live stream */
        char engine[64];         /* the engine's version, for people */
        ApiVersion api;
        bool lost_said;
        bool settling_said;
        int64_t seen_before_nsec; /* last_event_nsec when this connection began */
        bool resync_soon;         /* the resync timer is set to make up for a lost event */
        bool resync_wanted;       /* what came in while a resync ran may have come too late for it */
        bool pass_failed;         /* with `once`: more than single removals failed */
        bool stopping;
        bool listed;     /* a list has been complete, of whichever engine */
        bool replacing;  /* a reload has changed the endpoint: removals at the old one are let end */
        bool cap_dirty;  /* over_cap is to be set anew before the next removal */
        bool cap_stale;  /* fewer may be too many, as others have gone */
        char *first_run; /* the mark that is not there yet; NULL: this is no first run, or it is over */
        usec_t first_run_since; /* steady: the first list was in; 0: not yet */

        char *root_dir;             /* the engine's, on this machine; NULL while unknown */
        bool root_dir_told;         /* or that there is none */
        PageCacheMethod page_cache; /* how it is measured what containers there hold */
        bool calm;                  /* no pressure, given up or not */
        PressureLevel level_said;   /* in the last record about the level */
        PressureCause cause_said;   /* in the same */
        usec_t elevated_said_at;    /* steady; 0: never */
        bool nothing_left_said; /* that nothing may go, since the level became critical or a batch went */

        Bus *bus;         /* NULL: with --once */
        Metrics *metrics; /* likewise */
        Figures figures;
        Observation observation;
        RemovalHistory *history;
        struct ConsoleSnapshot *told; /* the properties as the bus was last told; see console-properties.c */
        struct Request *requests;     /* see manager-request.c */
        struct Advise *advise;        /* questions to the engine for advice; see console-advise.c */
        char *pause_path;             /* where a pause is kept; NULL: it is not */
        sd_event_source *pause_timer;
        usec_t pause_until;    /* realtime, as it was told and kept */
        usec_t pause_taken_up; /* realtime: until then by what an earlier process has kept; 0: not so */
        usec_t started_at;     /* realtime */
        usec_t connected_at;   /* steady: since then the engine has been spoken to; 0: it is not */
        usec_t last_event_at;  /* steady; 0: none */
        usec_t last_resync_at; /* steady: the end of the last complete list; 0: none */

        size_t already_gone;
        uint64_t trimmed_at; /* removed and already gone when memory was last given back */
} Manager;

/* manager.c */

/* Ends the loop with this exit status. */
void manager_finish(Manager *m, int status);
/* Has systemd told how things stand, soon. */
void manager_tell_status(Manager *m);

/* manager-engine.c */

int manager_set_up_engine(Manager *m);
int manager_set_up_replacing(Manager *m);
/* Removals under way at the engine are let end; then the engine that the settings name takes its place. */
void manager_replace_engine(Manager *m);
/* When removals may begin by SettleTime=. */
void manager_judge_settled(Manager *m);
/* Lists again at once; what is under way is dropped and begun anew. With `resubscribe` the events are
 * asked for anew as well. Without a connection nothing happens: the list comes with it. */
void manager_start_over(Manager *m, bool resubscribe);
/* Drops the connection and begins anew after a backoff. */
void manager_reconnect(Manager *m, int error, const char *message);
/* Something may have been missed: has everything listed again, soon and once. */
void manager_list_soon(Manager *m);
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
/* The engine has told that c, which is still known, is gone. If that was our doing it is recorded, and
 * c forgotten. */
void manager_destroyed(Manager *m, Container *c, usec_t now);
/* What is known of c's end has changed: those of its slot that are kept as the last may be let go. */
void manager_slot_changed(Manager *m, const Container *c, usec_t now);
/* There may be more stopped ones now, or others than were thought are too many. */
void manager_cap_changed(Manager *m);
int manager_set_up_cap(Manager *m);

/* manager-pressure.c */

/* The engine is, or will be, there. */
int manager_set_up_pressure(Manager *m, const Endpoint *endpoint);
/* New settings hold, or another engine is to come. */
void manager_pressure_configure(Manager *m);
/* The engine cannot be spoken to, or lists anew: the rest of the batch that is under way stays. */
void manager_pressure_suspend(Manager *m);
/* A container has been recorded as removed by this decision. */
void manager_pressure_removed(Manager *m, const Container *c, const Decision *d);
/* Its DELETE was sent by this decision, and the answer never came. */
void manager_pressure_unanswered(Manager *m, const Decision *d);
/* A batch may have come to its end. */
void manager_pressure_soon(Manager *m);
/* What is to be told of the level: what is acted on; else what has been given up, but a stall. */
typedef struct PressureTelling {
        PressureLevel level;
        PressureCause cause;
        unsigned share; /* of a threshold's cause */
        bool given_up;
} PressureTelling;
PressureTelling manager_pressure_telling(const Manager *m);
/* For the status line; returns buf, "" at the normal level. */
char *manager_pressure_format(const Manager *m, char *buf, size_t size);

/* manager-measure.c */

int manager_set_up_measuring(Manager *m);
/* The engine has told its root directory (NULL: it tells none). */
void manager_set_root_dir(Manager *m, char *root_dir);
/* When c is to be inspected and measured (steady); USEC_INFINITY: not as things stand. */
usec_t manager_measure_at(const Manager *m, const Container *c);
/* Has that moment come, or nearly? */
bool manager_is_to_be_measured(const Manager *m, const Container *c, usec_t now);
int manager_measure(const ContainerId *id, const ContainerDetail *detail, void *userdata);

/* manager-request.c: removals that somebody has asked for, over the bus. */

/* Containers in one request, and requests that are under way at once. */
#define REQUEST_MAX  10000
#define REQUESTS_MAX 16

typedef enum RequestKind {
        REQUEST_NAMED, /* overrides what policy.h says */
        REQUEST_DUE,   /* what goes anyway: only its end is waited for */
} RequestKind;

/* `call` is answered when all of `ids` (sorted by id, each once) have been dealt with; in a dry run at once,
 * with what would be done. Returns 0 or -ENOMEM, and then nothing was done. */
int manager_request(Manager *m, sd_bus_message *call, RequestKind kind, const ContainerId *ids, size_t n_ids,
                bool dry_run);
size_t manager_count_requests(const Manager *m);
/* c has been decided upon: if it does not go (any more), whoever asked for it is told so. To be called
 * whenever it is rescheduled, if there are requests. */
void manager_request_judge(Manager *m, Container *c, const Decision *d, usec_t now);
/* Dealing with it has come to an end; c is NULL if it is gone. */
void manager_request_done(Manager *m, const ContainerId *id, Container *c, const ReapReport *report);
/* Containers that are not known any more have gone without our doing. */
void manager_requests_sweep(Manager *m);
/* What is asked for cannot be done now, as the engine is lost or the end is near: what is not in hand is
 * answered as things stand; `for_good`: what is in hand, too. */
void manager_requests_end(Manager *m, bool for_good);
int request_compare_ids(const void *a, const void *b);

/* manager-pause.c */

#define PAUSE_MIN     USEC_PER_SEC
#define PAUSE_MAX     (30 * USEC_PER_DAY)
#define PAUSE_DEFAULT USEC_PER_HOUR /* where it cannot be told how long one was meant to be */

/* Takes up the pause that outlived the daemon before this one. */
int manager_set_up_pause(Manager *m);
/* The wall clock was set: what is kept follows. */
void manager_pause_clock_set(Manager *m);
/* `span` from now on; *ret_until is realtime. False: it will not outlive the daemon. */
bool manager_pause(Manager *m, usec_t span, usec_t *ret_until);
/* False: there was no pause. */
bool manager_resume(Manager *m);
/* In realtime; 0: not paused. */
usec_t manager_paused_until(const Manager *m);

/* manager-figures.c */

int manager_set_up_figures(Manager *m);
/* A number that changes at local midnight. */
int64_t manager_today(void);
/* Counts and notes a removal. `attempts` counts from 1. Returns its serial in the history; 0: it is not
 * there, as memory has run out. */
uint64_t manager_note_removal(Manager *m, const Container *c, const Decision *d, bool dry_run,
                const Holding *held, unsigned attempts);
/* A DELETE is about to be sent, and has ended: `serial` is that of the removal (0: it was none), `took` 0
 * if there was no answer. */
void manager_removing(const ContainerId *id, void *userdata);
void manager_removing_ended(Manager *m, uint64_t serial, usec_t took);

/* manager-reload.c */

/* Returns 0; or -EINVAL or -ENOMEM: the old configuration still holds. *ret_report (may be NULL; to be
 * released in any case) tells what is wrong with the new one. */
int manager_reload(Manager *m, ConfigReport *ret_report);
/* The first list behind a reload is in. */
void manager_reload_listed(Manager *m, usec_t now);

/* manager-wait.c */

int manager_set_up_waits(Manager *m);
/* A list is in: the wait begins with the first. */
void manager_first_run_listed(Manager *m, usec_t now);
/* By FirstRunDelay= as it is now. */
void manager_first_run_judge(Manager *m, usec_t now);
/* Has those wait that a reload has made due, if they are too many. */
void manager_hold_surge(Manager *m, usec_t now);
/* A reload may have turned that wait off. */
void manager_judge_surge(Manager *m);
size_t manager_count_held(const Manager *m);
/* Both waits are over, by an operator's word. */
void manager_end_waits(Manager *m);

#endif
