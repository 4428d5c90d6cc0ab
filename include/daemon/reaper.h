/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_REAPER_H
#define REAPERD_DAEMON_REAPER_H

/*
 * Carries removals out: takes one container after the other, as many at a time as allowed, inspects it,
 * has the verdict confirmed on the exact values, and sends the DELETE on that same decision. Where the
 * end of its log is wanted that is read in between, and the container inspected once more, as it may
 * have been started meanwhile; likewise where it is to be measured first. It knows ids, decisions and
 * status codes; which containers, and why, is the manager's and the policy's.
 *
 * It pulls: nothing is queued here, so its memory does not grow with a backlog. One request is in
 * flight per container, because the manager does not offer one that is claimed.
 */

#include <stdbool.h>

#include "core/policy.h"
#include "engine/client.h"

typedef enum ReapResult {
        REAP_REMOVED,      /* the engine says that it is gone */
        REAP_WOULD_REMOVE, /* dry run: the DELETE was not sent */
        REAP_ALREADY_GONE, /* somebody else removed it */
        REAP_KEPT,         /* the exact values do not let it go (now) */
        REAP_CONFLICT, /* the engine refused: it runs again, or somebody else is removing it; look again */
        REAP_FAILED,   /* anything else: see `error` */
} ReapResult;

/* What is to be done with a container, by its exact values. */
typedef struct ReapOrder {
        Decision decision;
        bool volumes;       /* its anonymous volumes go too */
        unsigned log_lines; /* so many of its log's last lines are read first; 0: none */
        bool tty;           /* how that log is framed, see engine_log_tail() */
        bool measure;       /* what it holds is measured first, also if it is kept */
} ReapOrder;

/* How it ended. What is pointed to lives until the handler returns. */
typedef struct ReapReport {
        ReapResult result;
        const Decision *decision; /* the confirmed one; NULL if it did not come to that */
        int error;                /* with REAP_FAILED and REAP_CONFLICT: what the client said */
        const char *message;      /* the engine's text for it, or NULL */
        const char *log;          /* the end of its log; NULL: not read */
        size_t log_size;
        bool sent;   /* `removing` was called */
        usec_t took; /* how long the engine took to answer the DELETE; 0: it was not sent, or not answered */
} ReapReport;

typedef struct ReaperHandlers {
        /* The next container whose time has come; false if there is none. It is claimed until `done`. */
        bool (*next)(ContainerId *ret, void *userdata);
        /* Decides on exact values. Returns 0 or a negative errno. */
        int (*confirm)(const ContainerId *id, const ContainerDetail *detail, ReapOrder *ret, void *userdata);
        /* Begins to measure what it holds; the end is told by reaper_measured(), later. Returns a negative
         * errno if that cannot be begun: it goes on without. */
        int (*measure)(const ContainerId *id, const ContainerDetail *detail, void *userdata);
        /* Its DELETE is about to be sent. */
        void (*removing)(const ContainerId *id, void *userdata);
        /* The end of it. The handler need not call reaper_wake(). */
        void (*done)(const ContainerId *id, const ReapReport *report, void *userdata);
        /* Nothing is in flight any more, and there was no next. */
        void (*idle)(void *userdata);
} ReaperHandlers;

typedef struct Reaper Reaper;

int reaper_new(EngineClient *client, unsigned parallelism, bool dry_run, const ReaperHandlers *handlers,
                void *userdata, Reaper **ret);
Reaper *reaper_free(Reaper *r);

/* More than this many are not taken on from now on. */
void reaper_set_parallelism(Reaper *r, unsigned parallelism);

/* Takes on containers until the bound is reached or there is no next. To be called when something may have
 * become due. Not from inside `next` and `confirm`. */
void reaper_wake(Reaper *r);

/* It has been measured, or will not be. Nothing happens if it is not waited for. Not from inside the
 * handlers. */
void reaper_measured(Reaper *r, const ContainerId *id);

/* Takes on nothing any more, drops inspects, and lets DELETEs that are under way end; `idle` is called
 * when the last one has (at once if there is none). */
void reaper_stop(Reaper *r);

size_t reaper_in_flight(const Reaper *r);

DEFINE_CLEANUP(Reaper *, reaper_free, NULL);

#endif
