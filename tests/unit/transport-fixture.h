/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_TRANSPORT_FIXTURE_H
#define REAPERD_TESTS_TRANSPORT_FIXTURE_H

/*
 * An event loop, a transport and a scripted server, and what became of a request. Tests that use it
 * ignore SIGPIPE, as the daemon does: see engine/transport.h.
 */

#include "http-server.h"

#include <systemd/sd-event.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/usec.h"
#include "engine/transport.h"

#define PATIENCE (60 * USEC_PER_SEC) /* far more than any test needs, also under valgrind */

typedef struct Fixture {
        sd_event *event;
        Server server;
        Transport *transport;
        unsigned n_done;
} Fixture;

typedef struct Result Result;
struct Result {
        Fixture *fixture;
        Request *request;
        unsigned n_headers, n_data, n_done;
        long headers_status, status;
        int error;
        char body[4096];
        size_t size; /* may be more than fits the body */
        int data_error;
        void (*then)(Result *r); /* called in on_done */
        Result *first;           /* of an array, for `then` */
};

static inline usec_t now(void) {
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);

        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

static inline void open_fixture(Fixture *f, EndpointKind kind, ServerScript script) {
        *f = (Fixture){};
        server_start(&f->server, kind, script);
        assert_true(sd_event_new(&f->event) >= 0);
        assert_int_equal(transport_new(f->event, &f->server.endpoint, &f->transport), 0);
}

static inline void close_fixture(Fixture *f) {
        (void)transport_free(f->transport);
        (void)sd_event_unref(f->event);
        server_stop(&f->server);
}

static inline void turn(Fixture *f, usec_t span) {
        usec_t end = now() + span;

        do
                assert_true(sd_event_run(f->event, USEC_PER_MSEC) >= 0);
        while (now() < end);
}

/* Runs the loop until the counter has reached n. */
static inline void run_until(Fixture *f, const unsigned *counter, unsigned n) {
        usec_t end = now() + PATIENCE;

        while (*counter < n) {
                assert_true(now() < end);
                assert_true(sd_event_run(f->event, USEC_PER_SEC) >= 0);
        }
}

static inline void on_headers(Request *request, long status, void *userdata) {
        Result *r = userdata;

        assert_ptr_equal(request, r->request);
        assert_int_equal(r->n_data, r->n_headers); /* none yet of this answer */
        r->n_headers++;
        r->headers_status = status;
}

static inline int on_data(Request *request, const void *data, size_t size, void *userdata) {
        Result *r = userdata;

        assert_ptr_equal(request, r->request);
        assert_true(r->n_headers > 0);
        assert_true(size > 0);
        r->n_data++;
        if (r->size + size < sizeof(r->body))
                memcpy(r->body + r->size, data, size);
        r->size += size;

        return r->data_error;
}

static inline void on_done(Request *request, int error, long status, void *userdata) {
        Result *r = userdata;

        assert_ptr_equal(request, r->request);
        r->n_done++;
        r->fixture->n_done++;
        r->error = error;
        r->status = status;
        if (r->then)
                r->then(r);
}

static inline void start_with(Fixture *f, Result *r, const char *method, const char *path, usec_t timeout) {
        unsigned n_done = r->n_done;

        r->fixture = f;
        assert_int_equal(request_start(f->transport,
                                         &(RequestOptions){
                                                         .method = method,
                                                         .path = path,
                                                         .description = "test",
                                                         .timeout = timeout,
                                                         .on_headers = on_headers,
                                                         .on_data = on_data,
                                                         .on_done = on_done,
                                                         .userdata = r,
                                         },
                                         &r->request),
                        0);
        assert_int_equal(r->n_done, n_done);
}

static inline void start(Fixture *f, Result *r) {
        start_with(f, r, "GET", "/", PATIENCE);
}

/* One request from beginning to end. */
static inline Result get(Fixture *f, const char *path, usec_t timeout) {
        Result r = {};

        start_with(f, &r, "GET", path, timeout);
        run_until(f, &r.n_done, 1);
        r.request = request_free(r.request);

        return r;
}

static inline void assert_answer(const Result *r, long status, const char *body) {
        assert_int_equal(r->error, 0);
        assert_int_equal(r->status, status);
        assert_int_equal(r->headers_status, status);
        assert_int_equal(r->n_headers, 1);
        assert_int_equal(r->size, strlen(body));
        assert_memory_equal(r->body, body, r->size);
}

static inline bool script_hello(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n, (void)log;
        server_answer(fd, 200, "hello");

        return true;
}

static inline bool script_slow(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)n, (void)log;
        if (strncmp(request, "GET /headers", 12) == 0)
                server_dribble(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", 0);
        for (unsigned i = 0; i < 100000; i++) {
                if (strncmp(request, "GET /headers", 12) == 0)
                        server_send(fd, "x");
                (void)usleep(10000);
        }

        return false;
}

#endif
