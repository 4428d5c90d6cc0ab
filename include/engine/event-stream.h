/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_EVENT_STREAM_H
#define REAPERD_ENGINE_EVENT_STREAM_H

/*
 * A subscription to the engine's events that comes back: asks the engine for its version, negotiates
 * the API, subscribes, and when the stream ends for whatever reason does it all again, after a backoff.
 * What happened in between may be lost, so whoever listens must list after every `up`.
 */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "engine/client.h"

/* Between attempts to reach the engine; see core/backoff. */
#define RECONNECT_INITIAL (USEC_PER_SEC / 2)
#define RECONNECT_MAX     (30 * USEC_PER_SEC)
/* A connection that has held so long begins the backoff anew. */
#define RECONNECT_HELD (5 * USEC_PER_SEC)

typedef struct EventStream EventStream;

typedef struct EventStreamHandlers {
        /* The engine accepted the subscription: everything that happens from now on will come. `engine`
         * is the engine's version. */
        void (*up)(const char *engine, ApiVersion api, void *userdata);
        /* One event. The handler must not start or free anything of the engine's (no request waits in
         * it). */
        void (*event)(const EngineEvent *event, void *userdata);
        /* There was an event that could not be read: what it said is lost, a list is needed. Same
         * restriction. */
        void (*gap)(void *userdata);
        /* An attempt failed, or the stream ended; the next attempt follows by itself. `message` is the
         * engine's or ours, or NULL. */
        void (*down)(int error, const char *message, void *userdata);
} EventStreamHandlers;

/* Starts at once, from the event loop. tasks_only: as for engine_subscribe(). Borrowed: event, client and
 * handlers, which must outlive it. Returns 0 or a negative errno. */
int event_stream_new(sd_event *event, EngineClient *client, bool tasks_only,
                const EventStreamHandlers *handlers, void *userdata, EventStream **ret);

EventStream *event_stream_free(EventStream *s);

/* Drops the connection and begins again after a backoff (a list failed, so the engine may be gone
 * without having closed the stream). `down` is not called. Not from inside the handlers `event` and
 * `gap`. */
void event_stream_reconnect(EventStream *s);

/* From the next connection on. */
void event_stream_set_tasks_only(EventStream *s, bool tasks_only);

DEFINE_CLEANUP(EventStream *, event_stream_free, NULL);

#endif
