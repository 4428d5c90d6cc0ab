/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/event-timer.h"
#include "base/random.h"
#include "core/backoff.h"
#include "engine/event-stream.h"

#define ENGINE_VERSION_TEXT_MAX 64

struct EventStream {
        sd_event *event;
        EngineClient *client;
        const EventStreamHandlers *handlers;
        void *userdata;
        bool tasks_only; /* at the next subscription */

        EngineCall *call;       /* the version, then the subscription */
        sd_event_source *retry; /* one-shot */
        unsigned attempt;       /* failed ones in a row */
        usec_t up_since;        /* monotonic; 0: not up */
        int64_t last_nsec;      /* the newest event seen: a later subscription begins there */
        char engine[ENGINE_VERSION_TEXT_MAX];
};

static usec_t monotonic_now(sd_event *event) {
        uint64_t now = 0;

        (void)sd_event_now(event, CLOCK_MONOTONIC, &now);
        return now;
}

/* An engine that accepts and drops at once must not be asked at full speed: only a connection that has
 * held begins the backoff anew. */
static void schedule_retry(EventStream *s) {
        if (s->up_since != 0 && usec_sub(monotonic_now(s->event), s->up_since) >= RECONNECT_HELD)
                s->attempt = 0;
        s->up_since = 0;
        s->attempt++;
        (void)event_timer_arm_relative(
                        s->retry, backoff_delay(s->attempt, RECONNECT_INITIAL, RECONNECT_MAX, random_u32()));
}

static void fail(EventStream *s, int error, const char *message) {
        s->call = engine_call_free(s->call);
        schedule_retry(s);
        s->handlers->down(error, message, s->userdata);
}

static void on_open(void *userdata) {
        EventStream *s = userdata;

        s->up_since = usec_max(1, monotonic_now(s->event));
        s->handlers->up(s->engine, engine_client_api(s->client), s->userdata);
}

static int on_event(const EngineEvent *event, void *userdata) {
        EventStream *s = userdata;

        if (event->action == EVENT_OTHER && event->time_nsec == 0) {
                s->handlers->gap(s->userdata);
                return 0;
        }

        if (event->time_nsec > s->last_nsec)
                s->last_nsec = event->time_nsec;
        s->handlers->event(event, s->userdata);
        return 0;
}

static void on_closed(EngineCall *call, int error, const char *message, void *userdata) {
        (void)call;
        fail(userdata, error, message);
}

static void on_version(
                EngineCall *call, int error, const char *message, const EngineVersion *v, void *userdata) {
        EventStream *s = userdata;
        ApiVersion api;
        int r;

        (void)call;
        if (error < 0) {
                fail(s, error, message);
                return;
        }

        r = engine_api_negotiate(v, &api);
        if (r < 0) {
                char text[160];

                snprintf(text, sizeof(text),
                                "engine %.32s speaks API versions %u.%u to %u.%u, reaperd speaks %u.%u to "
                                "%u.%u",
                                v->engine ? v->engine : "of unknown version", v->oldest.major,
                                v->oldest.minor, v->newest.major, v->newest.minor, ENGINE_API_OLDEST.major,
                                ENGINE_API_OLDEST.minor, ENGINE_API_NEWEST.major, ENGINE_API_NEWEST.minor);
                fail(s, r, text);
                return;
        }

        engine_client_set_api(s->client, api);
        snprintf(s->engine, sizeof(s->engine), "%s", v->engine ? v->engine : "unknown");

        s->call = engine_call_free(s->call);
        r = engine_subscribe(
                        s->client, s->last_nsec, s->tasks_only, on_open, on_event, on_closed, s, &s->call);
        if (r < 0)
                fail(s, r, NULL);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        EventStream *s = userdata;
        int r;

        (void)source;
        (void)usec;
        r = engine_version(s->client, on_version, s, &s->call);
        if (r < 0)
                fail(s, r, NULL);
        return 0;
}

int event_stream_new(sd_event *event, EngineClient *client, bool tasks_only,
                const EventStreamHandlers *handlers, void *userdata, EventStream **ret) {
        _cleanup_(event_stream_freep) EventStream *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->client = client;
        s->tasks_only = tasks_only;
        s->handlers = handlers;
        s->userdata = userdata;

        r = event_timer_new(event, CLOCK_MONOTONIC, on_retry, s, "engine-reconnect", &s->retry);
        if (r < 0)
                return r;
        r = event_timer_arm_relative(s->retry, 0);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

EventStream *event_stream_free(EventStream *s) {
        if (!s)
                return NULL;
        engine_call_free(s->call);
        sd_event_source_disable_unref(s->retry);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

void event_stream_reconnect(EventStream *s) {
        s->call = engine_call_free(s->call);
        schedule_retry(s);
}

void event_stream_set_tasks_only(EventStream *s, bool tasks_only) {
        s->tasks_only = tasks_only;
}
