/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Many requests: connections used again, requests side by side, released at every moment, and an event
 * loop that must neither spin nor starve anybody.
 */

#include "transport-fixture.h"

#include <dlfcn.h>

/* While negative, sd-event refuses to watch descriptors. */
static int add_io_error;

int sd_event_add_io(sd_event *e, sd_event_source **s, int fd, uint32_t events, sd_event_io_handler_t handler,
                void *userdata) {
        int (*real)(sd_event *, sd_event_source **, int, uint32_t, sd_event_io_handler_t, void *);

        if (add_io_error < 0)
                return add_io_error;

        *(void **)&real = dlsym(RTLD_NEXT, "sd_event_add_io");

        return real(e, s, fd, events, handler, userdata);
}

static void test_sequence_on_one_connection(void **state) {
        usec_t before;
        Fixture f;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_hello);

        before = now();
        for (unsigned i = 0; i < 1000; i++) {
                Result r = get(&f, "/", PATIENCE);

                assert_answer(&r, 200, "hello");

                /* 240 ms each if the timer had sd-event's default accuracy. */
                if (i == 20)
                        assert_in_range(now() - before, 0, 3 * USEC_PER_SEC);
        }
        assert_int_equal(f.server.log->n_requests, 1000);
        assert_int_equal(f.server.log->n_connections, 1);

        close_fixture(&f);
}

/* Closes after every answer, every second time without having said so. */
static bool script_closing(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n;
        if (log->n_requests % 2 == 0)
                server_send(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
        else
                server_answer(fd, 200, "hello");

        return false;
}

/* The numbers of descriptors are used again and again. */
static void test_new_connections(void **state) {
        (void)state;
        for (EndpointKind kind = ENDPOINT_UNIX; kind <= ENDPOINT_TCP; kind++) {
                Fixture f;

                open_fixture(&f, kind, script_closing);
                for (unsigned i = 0; i < 200; i++) {
                        Result r = get(&f, "/", PATIENCE);

                        assert_answer(&r, 200, "hello");
                }
                assert_int_equal(f.server.log->n_connections, 200);
                close_fixture(&f);
        }
}

/* Answers the first request of a connection and closes at the second, after having read it. */
static bool script_stale(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)log;
        if (n > 0)
                return false;
        server_answer(fd, 200, "hello");

        return true;
}

static void test_stale_connection(void **state) {
        Fixture f;
        Result r;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_stale);

        /* A GET is sent again... */
        r = get(&f, "/", PATIENCE);
        assert_answer(&r, 200, "hello");
        r = get(&f, "/", PATIENCE);
        assert_answer(&r, 200, "hello");
        assert_int_equal(f.server.log->n_requests, 3);
        assert_int_equal(f.server.log->n_connections, 2);

        /* ... a DELETE is not. */
        r = (Result){};
        start_with(&f, &r, "DELETE", "/", PATIENCE);
        run_until(&f, &r.n_done, 1);
        r.request = request_free(r.request);
        assert_int_equal(r.error, -ECONNRESET);
        assert_int_equal(r.status, 0);
        assert_int_equal(f.server.log->n_requests, 4);

        r = get(&f, "/", PATIENCE);
        assert_answer(&r, 200, "hello");

        close_fixture(&f);
}

static bool script_gate(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n;
        server_wait_go(log);
        server_answer(fd, 200, "hello");

        return true;
}

/* No answer is given before all have been asked: they must run at the same time. */
static void test_parallel(void **state) {
        Result results[16];
        Fixture f;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_gate);

        for (unsigned round = 1; round <= 3; round++) {
                memset(results, 0, sizeof(results));
                f.n_done = 0;
                atomic_store(&f.server.log->go, false);

                for (size_t i = 0; i < ELEMENTS_OF(results); i++)
                        start(&f, &results[i]);
                while (f.server.log->n_requests < round * ELEMENTS_OF(results))
                        turn(&f, USEC_PER_MSEC);
                assert_int_equal(f.n_done, 0);

                atomic_store(&f.server.log->go, true);
                run_until(&f, &f.n_done, ELEMENTS_OF(results));
                for (size_t i = 0; i < ELEMENTS_OF(results); i++) {
                        assert_answer(&results[i], 200, "hello");
                        (void)request_free(results[i].request);
                }

                /* All of them are kept and used again. */
                assert_int_equal(f.server.log->n_connections, ELEMENTS_OF(results));
        }

        close_fixture(&f);
}

static void test_free_in_flight(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_slow);

        /* At once, when connected, and with a part of the body there. */
        for (usec_t span = 0; span <= 100 * USEC_PER_MSEC; span += 20 * USEC_PER_MSEC) {
                Result silent = {}, talking = {};

                start_with(&f, &silent, "GET", "/silence", PATIENCE);
                start_with(&f, &talking, "GET", "/headers", USEC_INFINITY);
                if (span > 0)
                        turn(&f, span);
                (void)request_free(silent.request);
                (void)request_free(talking.request);
                turn(&f, 5 * USEC_PER_MSEC);
                assert_int_equal(silent.n_done + talking.n_done, 0);
        }

        close_fixture(&f);
}

static void test_transport_free_in_flight(void **state) {
        Result results[4];
        Fixture f;

        (void)state;
        for (usec_t span = 0; span <= 40 * USEC_PER_MSEC; span += 20 * USEC_PER_MSEC) {
                memset(results, 0, sizeof(results));
                open_fixture(&f, ENDPOINT_UNIX, script_slow);
                for (size_t i = 0; i < ELEMENTS_OF(results); i++)
                        start_with(&f, &results[i], "GET", i % 2 ? "/headers" : "/silence", PATIENCE);
                if (span > 0)
                        turn(&f, span);
                f.transport = transport_free(f.transport);
                turn(&f, 5 * USEC_PER_MSEC);
                assert_int_equal(f.n_done, 0);
                close_fixture(&f);
        }
}

#define N_OTHERS 20

static void then_free_all(Result *r) {
        for (Result *other = r->first; other < r->first + N_OTHERS; other++)
                other->request = request_free(other->request);
}

static void then_free_transport(Result *r) {
        r->fixture->transport = transport_free(r->fixture->transport);
}

/* Starts the next until there were eight, freeing itself. */
static void then_start(Result *r) {
        r->request = request_free(r->request);
        if (r->n_done < 8)
                start(r->fixture, r);
}

/* 16 answers arrive at once, so that many requests have ended when the first handler is called; four more
 * never end. */
static void test_free_others_in_done(void **state) {
        static void (*const variants[])(Result *) = { then_free_all, then_free_transport };
        Result results[N_OTHERS];
        Fixture f;

        (void)state;

        for (size_t v = 0; v < ELEMENTS_OF(variants); v++) {
                memset(results, 0, sizeof(results));
                open_fixture(&f, ENDPOINT_UNIX, script_gate);
                for (size_t i = 0; i < 16; i++) {
                        results[i].then = variants[v];
                        results[i].first = results;
                        start(&f, &results[i]);
                }
                while (f.server.log->n_requests < 16)
                        turn(&f, USEC_PER_MSEC);
                atomic_store(&f.server.log->go, true);
                (void)usleep(50000);
                for (size_t i = 16; i < ELEMENTS_OF(results); i++)
                        start(&f, &results[i]);

                run_until(&f, &f.n_done, 1);
                turn(&f, 20 * USEC_PER_MSEC);
                assert_int_equal(f.n_done, 1);
                close_fixture(&f);
        }
}

static void test_start_in_done(void **state) {
        Result results[4];
        Fixture f;

        (void)state;
        memset(results, 0, sizeof(results));
        open_fixture(&f, ENDPOINT_UNIX, script_hello);
        for (size_t i = 0; i < ELEMENTS_OF(results); i++) {
                results[i].then = then_start;
                start(&f, &results[i]);
        }
        run_until(&f, &f.n_done, 8 * ELEMENTS_OF(results));
        for (size_t i = 0; i < ELEMENTS_OF(results); i++)
                assert_null(results[i].request);
        close_fixture(&f);
}

/* A stream that speaks now and then, and stays. Its chunks carry the time at which they were sent. */
static bool script_stream(int fd, const char *request, unsigned n, ServerLog *log) {
        static char block[65536];

        (void)n;
        if (strncmp(request, "GET /events", 11) == 0) {
                server_send(fd, SERVER_CHUNKED_HEAD);
                while (!log->go) {
                        char text[32];

                        (void)snprintf(text, sizeof(text), "%020llu\n", (unsigned long long)now());
                        server_send_chunk(fd, text);
                        (void)usleep(10000);
                }
        }

        /* As much as the client takes. */
        server_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
        while (!log->go)
                server_send_bytes(fd, block, sizeof(block));

        return false;
}

static usec_t worst_delay;
static unsigned n_events;

static int on_stream_data(Request *request, const void *data, size_t size, void *userdata) {
        usec_t sent, at = now();

        (void)request, (void)userdata;
        assert_true(size >= 21);
        sent = strtoull(data, NULL, 10);
        worst_delay = usec_max(worst_delay, usec_sub(at, sent));
        n_events += (unsigned)(size / 21);

        return 0;
}

/* Data at once, no timeout, and no starving next to eight answers without end. */
static void test_stream(void **state) {
        Result results[8];
        Request *stream = NULL;
        Fixture f;

        (void)state;
        memset(results, 0, sizeof(results));
        worst_delay = 0;
        n_events = 0;
        open_fixture(&f, ENDPOINT_UNIX, script_stream);

        assert_int_equal(request_start(f.transport,
                                         &(RequestOptions){ .method = "GET",
                                                         .path = "/events",
                                                         .description = "stream",
                                                         .timeout = USEC_INFINITY,
                                                         .on_data = on_stream_data,
                                                         .on_done = on_done },
                                         &stream),
                        0);
        for (size_t i = 0; i < ELEMENTS_OF(results); i++)
                start(&f, &results[i]);

        run_until(&f, &n_events, 60);
        assert_true(worst_delay < 200 * USEC_PER_MSEC);
        for (size_t i = 0; i < ELEMENTS_OF(results); i++) {
                assert_int_equal(results[i].n_done, 0);
                assert_true(results[i].size > 65536);
        }

        close_fixture(&f);
}

static bool script_silent_stream(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)n;
        if (strncmp(request, "GET /events", 11) != 0) {
                server_answer(fd, 200, "hello");
                return true;
        }
        server_send(fd, SERVER_CHUNKED_HEAD);
        server_wait_go(log);

        return false;
}

/* While nothing comes there is nothing to do: with an open stream and an idle connection the loop sleeps. */
static void test_idle(void **state) {
        Result stream = {}, r;
        usec_t end;
        unsigned n = 0;
        Fixture f;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_silent_stream);
        start_with(&f, &stream, "GET", "/events", USEC_INFINITY);
        run_until(&f, &stream.n_headers, 1);
        r = get(&f, "/", PATIENCE);
        assert_answer(&r, 200, "hello");

        for (end = now() + USEC_PER_SEC; now() < end;) {
                int e = sd_event_run(f.event, 100 * USEC_PER_MSEC);

                assert_true(e >= 0);
                n += e > 0;
        }
        assert_in_range(n, 0, 5);
        assert_int_equal(stream.n_done, 0);

        close_fixture(&f);
}

/* No descriptor can be watched any more: requests end with that, and do not hang; afterwards all is well. */
static void test_watch_failure(void **state) {
        Result stream = {}, a = {}, b;
        Fixture f;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_silent_stream);
        start_with(&f, &stream, "GET", "/events", USEC_INFINITY);
        run_until(&f, &stream.n_headers, 1);

        add_io_error = -ENOSPC;
        start(&f, &a);
        run_until(&f, &f.n_done, 2);
        add_io_error = 0;
        assert_int_equal(stream.error, -ENOSPC);
        assert_int_equal(a.error, -ENOSPC);

        b = get(&f, "/", PATIENCE);
        assert_answer(&b, 200, "hello");

        /* What has ended stays so, whatever the server does. */
        atomic_store(&f.server.log->go, true);
        turn(&f, 50 * USEC_PER_MSEC);
        assert_int_equal(stream.n_done, 1);
        assert_int_equal(a.n_done, 1);

        close_fixture(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sequence_on_one_connection),
                cmocka_unit_test(test_new_connections),
                cmocka_unit_test(test_stale_connection),
                cmocka_unit_test(test_parallel),
                cmocka_unit_test(test_free_in_flight),
                cmocka_unit_test(test_transport_free_in_flight),
                cmocka_unit_test(test_free_others_in_done),
                cmocka_unit_test(test_start_in_done),
                cmocka_unit_test(test_stream),
                cmocka_unit_test(test_idle),
                cmocka_unit_test(test_watch_failure),
        };

        (void)signal(SIGPIPE, SIG_IGN);

        return cmocka_run_group_tests(tests, NULL, NULL);
}
