/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_CLIENT_FIXTURE_H
#define REAPERD_TESTS_CLIENT_FIXTURE_H

/*
 * An engine client against a scripted server, and what its handlers were told. Tests that use it ignore
 * SIGPIPE, as the daemon does.
 */

#include "http-server.h"

#include <systemd/sd-event.h>
#include <time.h>

#include "base/log.h"
#include "base/usec.h"
#include "engine/client.h"

#define PATIENCE (60 * USEC_PER_SEC) /* far more than any test needs, also under valgrind */

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

typedef struct Fixture Fixture;
struct Fixture {
        sd_event *event;
        Server server;
        EngineClient *client;
        EngineCall *call;

        /* What was told. */
        unsigned n_done, n_open, n_elements, n_events, n_lost;
        int error;
        bool has_message, has_value;
        char message[256];
        EngineVersion version;
        EngineInfo info;
        ContainerDetail detail;
        ContainerId last_id;
        EventAction first_action, last_action;
        bool labelled; /* of the last event */
        char tail[ENGINE_LOG_TAIL_MAX + 1];
        size_t tail_size;

        int answer;                 /* what on_element and on_event return... */
        unsigned answer_from;       /* ... the latter from this event on */
        void (*then)(Fixture *f);   /* called in on_done */
        void (*opened)(Fixture *f); /* called in on_open */
};

static inline usec_t now(void) {
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);

        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

static inline void open_fixture_with(Fixture *f, ServerScript script, usec_t timeout) {
        *f = (Fixture){};
        server_start(&f->server, ENDPOINT_UNIX, script);
        assert_true(sd_event_new(&f->event) >= 0);
        assert_int_equal(engine_client_new(f->event, &f->server.endpoint, timeout, &f->client), 0);
}

static inline void open_fixture(Fixture *f, ServerScript script) {
        open_fixture_with(f, script, PATIENCE);
}

static inline void close_fixture(Fixture *f) {
        (void)engine_client_free(f->client);
        (void)sd_event_unref(f->event);
        server_stop(&f->server);
}

static inline void run_until(Fixture *f, const unsigned *counter, unsigned n) {
        usec_t end = now() + PATIENCE;

        while (*counter < n) {
                assert_true(now() < end);
                assert_true(sd_event_run(f->event, USEC_PER_SEC) >= 0);
        }
}

static inline void turn(Fixture *f, usec_t span) {
        usec_t end = now() + span;

        do
                assert_true(sd_event_run(f->event, USEC_PER_MSEC) >= 0);
        while (now() < end);
}

static inline void told(Fixture *f, EngineCall *call, int error, const char *message) {
        assert_ptr_equal(call, f->call);
        f->n_done++;
        f->error = error;
        f->has_message = message;
        (void)snprintf(f->message, sizeof(f->message), "%s", message ? message : "");
        if (f->then)
                f->then(f);
}

static inline void on_done(EngineCall *call, int error, const char *message, void *userdata) {
        told(userdata, call, error, message);
}

static inline void on_version(
                EngineCall *call, int error, const char *message, const EngineVersion *v, void *userdata) {
        Fixture *f = userdata;

        assert_true((error == 0) == (v != NULL));
        if (v) {
                f->version = *v;
                assert_string_equal(v->engine, "20.10.24");
        }
        told(f, call, error, message);
}

static inline void on_info(
                EngineCall *call, int error, const char *message, const EngineInfo *info, void *userdata) {
        Fixture *f = userdata;

        assert_true((error == 0) == (info != NULL));
        if (info) {
                f->info = *info;
                assert_string_equal(info->node_id, "n0de");
        }
        told(f, call, error, message);
}

static inline void on_detail(EngineCall *call, int error, const char *message, const ContainerDetail *detail,
                void *userdata) {
        Fixture *f = userdata;

        assert_true((error == 0) == (detail != NULL));
        if (detail) {
                f->detail = *detail;
                assert_string_equal(detail->name, "web.1.x");
        }
        told(f, call, error, message);
}

static inline void on_log(EngineCall *call, int error, const char *message, const char *tail, size_t size,
                void *userdata) {
        Fixture *f = userdata;

        assert_true((error == 0) == (tail != NULL));
        assert_true(error == 0 || size == 0);
        if (tail) {
                assert_true(size < sizeof(f->tail));
                assert_int_equal(tail[size], '\0');
                memcpy(f->tail, tail, size);
        }
        f->tail_size = size;
        told(f, call, error, message);
}

static inline int on_element(const ContainerSummary *summary, void *userdata) {
        Fixture *f = userdata;

        f->n_elements++;
        f->last_id = summary->id;

        return f->answer;
}

static inline void on_open(void *userdata) {
        Fixture *f = userdata;

        assert_int_equal(f->n_events, 0);
        assert_int_equal(f->n_done, 0);
        f->n_open++;
        if (f->opened)
                f->opened(f);
}

static inline int on_event(const EngineEvent *event, void *userdata) {
        static const ContainerId none;
        Fixture *f = userdata;

        if (f->n_events++ == 0)
                f->first_action = event->action;
        f->last_action = event->action;
        f->last_id = event->id;
        f->labelled = event->labelled;
        if (event->action == EVENT_OTHER && event->time_nsec == 0 &&
                        memcmp(&event->id, &none, sizeof(none)) == 0)
                f->n_lost++;

        return f->n_events >= f->answer_from ? f->answer : 0;
}

static inline ContainerId id_of(const char *hex) {
        ContainerId id;

        assert_int_equal(container_id_parse(hex, &id), 0);

        return id;
}

/* Makes another call after one has ended. */
static inline void again(Fixture *f) {
        f->call = engine_call_free(f->call);
        f->n_done = f->n_open = f->n_elements = f->n_events = f->n_lost = 0;
        f->error = 0;
}

static inline void finish(Fixture *f) {
        run_until(f, &f->n_done, 1);
        f->call = engine_call_free(f->call);
}

static inline void do_remove(Fixture *f) {
        ContainerId id = id_of(HEX_B);

        again(f);
        assert_int_equal(engine_remove(f->client, &id, true, on_done, f, &f->call), 0);
        finish(f);
}

static inline void do_inspect(Fixture *f) {
        ContainerId id = id_of(HEX_B);

        again(f);
        assert_int_equal(engine_inspect(f->client, &id, on_detail, f, &f->call), 0);
        finish(f);
}

static inline void do_list(Fixture *f) {
        again(f);
        assert_int_equal(engine_list_containers(f->client, true, NULL, 0, on_element, on_done, f, &f->call),
                        0);
        finish(f);
}

static inline void do_ring(Fixture *f) {
        again(f);
        assert_int_equal(engine_event_ring(f->client, 1000000001, on_event, on_done, f, &f->call), 0);
        finish(f);
}

static inline void subscribe(Fixture *f) {
        again(f);
        assert_int_equal(engine_subscribe(f->client, 0, true, on_open, on_event, on_done, f, &f->call), 0);
        assert_int_equal(f->n_done + f->n_open, 0);
}

#endif
