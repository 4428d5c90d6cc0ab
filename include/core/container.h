/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_CONTAINER_H
#define REAPERD_CORE_CONTAINER_H

/*
 * What is known of one container, and how events, lists and inspects change it.
 *
 * Only an inspect is exact. Events and lists give bounds: a container cannot have finished before it
 * was created, nor before it was last seen running; a `die` event tells the end to within a second. The
 * bounds are kept such that they can only make a container look younger than it is, except that the
 * first inspect may be asked for early: nothing is ever removed on a bound.
 */

#include <stdbool.h>

#include "base/hash.h"
#include "core/facts.h"
#include "core/instant.h"
#include "core/shared-text.h"

typedef struct Slot Slot;       /* slot.h */
typedef struct Profile Profile; /* profile.h */

typedef enum Scope {
        SCOPE_UNKNOWN, /* the engine has not been asked whether it is a task */
        SCOPE_TASK,    /* a Swarm task by the engine's own flag */
        SCOPE_OTHER,   /* not a Swarm task, whatever its labels say */
} Scope;

typedef enum Finish {
        FINISH_BOUNDED, /* not before container_not_before() */
        FINISH_SEEN,    /* a `die` event told it, to within a second */
        FINISH_EXACT,   /* inspect told it */
} Finish;

typedef struct Container {
        ContainerId id;
        char *name;    /* owned; NULL until told */
        char *task_id; /* NULL until told; usually the end of `name`, else owned */
        SharedText *image, *service, *node;
        const Profile *profile; /* what holds for it; NULL: not known yet (again) */
        Slot *slot;             /* set while it is in one: it has ended and is in scope */
        struct Container *slot_prev, *slot_next;

        usec_t created_stamp;  /* realtime; 0 until told */
        usec_t created;        /* steady, taken over at first sight */
        usec_t alive_until;    /* steady: it had not finished then, by what was seen; 0: nothing was seen */
        usec_t finished;       /* steady; unless FINISH_BOUNDED */
        usec_t finished_stamp; /* realtime: the stamp that `finished` was taken from */
        usec_t error_seen;     /* steady: first sight of State.Error; 0: none */
        usec_t looked_at;      /* steady: the last inspect; 0: none */
        usec_t state_at;       /* steady: the last event that changed the state; 0: none */
        usec_t touched;        /* steady: when an event last spoke of it; 0: none did */
        int64_t event_nsec;    /* realtime: the newest event that changed the state */
        int64_t start_nsec;    /* realtime: the newest `start` event */
        int64_t stop_nsec;     /* realtime: the newest event by which it was asked to stop */

        usec_t retry_at;     /* steady: a removal failed, not again before this; 0: none did */
        uint16_t attempts;   /* failed ones in a row */
        uint16_t due_before; /* see policy_due_set(): before the reload that is under way */

        int exit_code;             /* exact with FINISH_EXACT or failed_start, else a hint if exit_hinted */
        uint8_t scope;             /* Scope */
        uint8_t state;             /* ContainerState */
        uint8_t sent_verdict;      /* of the DELETE that was sent and whose answer never came; 0: none */
        uint8_t finish;            /* Finish */
        bool state_exact : 1;      /* by an inspect, with no event since */
        bool exit_hinted : 1;      /* exit_code is what the `die` event said */
        bool exit_code_forged : 1; /* a label overwrites the exit code in events */
        bool oom_killed : 1;
        bool stop_asked : 1;        /* since its last start the engine was asked to stop it */
        bool failed_start : 1;      /* `created`, State.Error set and exit code not 0 */
        bool created_in_future : 1; /* the stamp lay ahead of the clock; counted as created at first sight */
        bool finished_in_future : 1; /* the stamp lay ahead of the clock; counted as age 0 then */
        bool clock_set : 1;          /* the wall clock was set since first sight */
        bool anchor_doubtful : 1;    /* it was set between creation and end, as far as is known */
        bool quarantined : 1;        /* removals failed too often */
        bool connection_trouble : 1; /* the last failure was the connection's, not the container's */
        bool gone : 1;               /* dry run: would have been removed, is as good as gone */
        bool claimed : 1;            /* a request about it is under way: it is not in the due queue */
        bool labelled : 1;           /* carries Swarm's label, which proves nothing */
        bool profile_exact : 1;      /* `profile` rests on its labels, not on an event's attributes */
        bool auto_remove : 1;        /* by the last inspect: the engine removes it by itself */
        bool may_restart : 1;        /* by the last inspect: its restart policy may start it again */
        bool tty : 1;                /* by the last inspect */
        bool kept_last : 1;          /* was kept as one of the last when last decided; see slot.h */
        bool kept_failure : 1;       /* ... and as one of the last failures */
        bool slot_inexact : 1;       /* counted as inexact in its slot */
        bool listed_other : 1;       /* the engine has listed it among those that are no tasks */
        bool wanted : 1;             /* its exact end decides about another: to be inspected at once */
        bool over_cap : 1;           /* one of those that are too many, see cap.h */
        bool requested : 1;          /* somebody has asked for its removal */
        bool surge_held : 1;         /* a reload made it due together with too many others */
        bool measured : 1; /* what it holds has been looked for since it ended, see registry_holding() */

        usec_t look_at;       /* steady: its key in the due queue */
        uint32_t queue_index; /* its place in the due queue, see due-queue.h */
        uint16_t sweep;       /* the last sweep that saw it, see registry.h */
        uint8_t batch_rank;   /* its place in the batch that goes against pressure, from 1; 0: in none */
        uint8_t sent_setting; /* SettingId: by whose value the DELETE of sent_verdict was decided */
        UT_hash_handle hh;
} Container;

/* How far a list may lag behind events. On engine 20.10 `die` comes before the state is committed, so
 * that a list asked for after it still says `running`; a replica under load lags further. Within this
 * span an event beats a list. */
#define LIST_LAG (10 * USEC_PER_SEC)

/* Stopped for good as far as its state tells. */
static inline bool container_state_is_stopped(ContainerState s) {
        return s == CONTAINER_EXITED || s == CONTAINER_DEAD;
}

/* The steady time before which it cannot have finished. */
usec_t container_not_before(const Container *c);

/* Takes in an event (any but EVENT_DESTROY, EVENT_RENAME and EVENT_OTHER, which say nothing about
 * state). Events may come late, twice and slightly out of order, and old ones are replayed after a
 * reconnect: what is older than the newest start or state change changes nothing. `replayed`: it comes
 * from the engine's ring, not from the live stream. */
void container_apply_event(Container *c, const EngineEvent *e, const Instant *now, bool replayed);

/* Takes in a list's word on the state. `asked`: the steady time at which the list was asked for. */
void container_apply_summary(Container *c, const ContainerSummary *s, const Instant *now, usec_t asked);

/* Takes in an inspect. Everything is exact afterwards. */
void container_apply_detail(Container *c, const ContainerDetail *d, const Instant *now);

/* The wall clock was set. Ages have been growing steadily since first sight and stay; what lay in the future
 * then, and so had no age, is taken anew. */
void container_clock_jumped(Container *c, const Instant *now);

#endif
