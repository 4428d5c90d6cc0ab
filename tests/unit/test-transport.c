/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One request at a time: what is sent, and what becomes of every kind of answer.
 */

#include "transport-fixture.h"

static void test_get(void **state) {
        Fixture f;
        Result r;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_hello);

        r = get(&f, "/v1.41/./x/../y?z=%7B%22a%22%7D", PATIENCE);
        assert_answer(&r, 200, "hello");
        assert_string_equal(f.server.log->request,
                        "GET /v1.41/./x/../y?z=%7B%22a%22%7D HTTP/1.1\r\nHost: localhost\r\n"
                        "User-Agent: reaperd/" REAPERD_VERSION "\r\nAccept: */*\r\n\r\n");

        close_fixture(&f);
}

static void test_delete(void **state) {
        Fixture f;
        Result r = {};

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_hello);

        start_with(&f, &r, "DELETE", "/x?v=1", PATIENCE);
        run_until(&f, &r.n_done, 1);
        assert_answer(&r, 200, "hello");
        assert_string_equal(f.server.log->request,
                        "DELETE /x?v=1 HTTP/1.1\r\nHost: localhost\r\n"
                        "User-Agent: reaperd/" REAPERD_VERSION "\r\nAccept: */*\r\n\r\n");

        close_fixture(&f);
}

static void test_other_method(void **state) {
        Fixture f;
        Request *r = NULL;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_hello);
        assert_int_equal(request_start(f.transport,
                                         &(RequestOptions){ .method = "POST",
                                                         .path = "/",
                                                         .description = "test",
                                                         .timeout = PATIENCE,
                                                         .on_done = on_done },
                                         &r),
                        -EINVAL);
        assert_null(r);
        close_fixture(&f);
}

/* Nobody listens where the variables point to. */
static void test_tcp_without_proxy(void **state) {
        static const char *const names[] = { "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY" };
        char expected[128];
        Fixture f;
        Result r;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                assert_int_equal(setenv(names[i], "http://127.0.0.1:9", true), 0);

        open_fixture(&f, ENDPOINT_TCP, script_hello);
        r = get(&f, "/x", PATIENCE);
        assert_answer(&r, 200, "hello");
        (void)snprintf(expected, sizeof(expected), "GET /x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n",
                        (unsigned)f.server.endpoint.port);
        assert_memory_equal(f.server.log->request, expected, strlen(expected));
        close_fixture(&f);

        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                assert_int_equal(unsetenv(names[i]), 0);
}

/* What a server can do to an answer, by path. */
static bool script_odd(int fd, const char *request, unsigned n, ServerLog *log) {
        char path[64] = "";

        (void)n, (void)log;
        (void)sscanf(request, "%*s %63s", path);

        if (strcmp(path, "/bytes") == 0) {
                server_dribble(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", 100);
                return true;
        }
        if (strcmp(path, "/chunked-bytes") == 0) {
                server_dribble(fd,
                                SERVER_CHUNKED_HEAD "4\r\n0123\r\n1\r\n4\r\n5\r\n56789\r\n0\r\nX: y\r\n\r\n",
                                100);
                return true;
        }
        if (strcmp(path, "/interim") == 0) {
                server_send(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n");
                server_answer(fd, 200, "final");
                return true;
        }
        if (strcmp(path, "/moved") == 0) {
                server_send(fd, "HTTP/1.1 302 Found\r\nLocation: /bytes\r\nContent-Length: 0\r\n\r\n");
                return true;
        }
        if (strcmp(path, "/empty") == 0) {
                server_send(fd, "HTTP/1.1 204 No Content\r\n\r\n");
                return true;
        }
        if (strcmp(path, "/missing") == 0) {
                server_answer(fd, 404, "{\"message\":\"no\"}");
                return true;
        }
        if (strcmp(path, "/until-close") == 0)
                server_send(fd, "HTTP/1.1 200 OK\r\n\r\nall");
        else if (strcmp(path, "/cut-length") == 0)
                server_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123");
        else if (strcmp(path, "/cut-chunk") == 0)
                server_send(fd, SERVER_CHUNKED_HEAD "A\r\n0123");
        else if (strcmp(path, "/cut-between-chunks") == 0)
                server_send(fd, SERVER_CHUNKED_HEAD "4\r\n0123\r\n");
        else if (strcmp(path, "/cut-headers") == 0)
                server_send(fd, "HTTP/1.1 200 OK\r\nContent-Len");
        else if (strcmp(path, "/cut-status") == 0)
                server_send(fd, "HTTP/1.");
        else if (strcmp(path, "/bad-chunk") == 0)
                server_send(fd, SERVER_CHUNKED_HEAD "zzz\r\n0123\r\n");
        else if (strcmp(path, "/reset") == 0) {
                server_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123");
                (void)usleep(20000);
                (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
                                sizeof(struct linger));
        } else if (strcmp(path, "/ssh") == 0)
                server_send(fd, "SSH-2.0-OpenSSH_9.2\r\n");
        else if (strcmp(path, "/binary") == 0)
                server_send_bytes(fd, "\0\1\2\3\4\5\6\7", 8);
        else if (strcmp(path, "/text") == 0)
                server_send(fd, "hello there, this is no HTTP\nat all\n\n");
        else if (strcmp(path, "/headers") == 0) {
                server_send(fd, "HTTP/1.1 200 OK\r\n");
                for (;;)
                        server_send(fd, "A-Header: with some text that goes on and on and on\r\n");
        } else if (strcmp(path, "/interims") == 0)
                for (;;)
                        server_send(fd, "HTTP/1.1 100 Continue\r\n\r\n");

        return false; /* others: closed without a word */
}

static void test_odd_answers(void **state) {
        Fixture f;
        Result r;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_odd);

        r = get(&f, "/bytes", PATIENCE);
        assert_answer(&r, 200, "0123456789");
        assert_true(r.n_data > 1);
        r = get(&f, "/chunked-bytes", PATIENCE);
        assert_answer(&r, 200, "0123456789");
        r = get(&f, "/interim", PATIENCE);
        assert_answer(&r, 200, "final");
        r = get(&f, "/moved", PATIENCE);
        assert_answer(&r, 302, "");
        r = get(&f, "/empty", PATIENCE);
        assert_answer(&r, 204, "");
        r = get(&f, "/missing", PATIENCE);
        assert_answer(&r, 404, "{\"message\":\"no\"}");
        assert_int_equal(f.server.log->n_connections, 1);
        r = get(&f, "/until-close", PATIENCE);
        assert_answer(&r, 200, "all");

        close_fixture(&f);
}

static void test_broken_answers(void **state) {
        static const struct {
                const char *path;
                int error;
                long status;
        } cases[] = {
                { "/cut-length", -ECONNRESET, 200 },
                { "/cut-chunk", -ECONNRESET, 200 },
                { "/cut-between-chunks", -ECONNRESET, 200 },
                { "/cut-headers", -ECONNRESET, 0 },
                { "/cut-status", -ECONNRESET, 0 },
                { "/nothing", -ECONNRESET, 0 },
                { "/bad-chunk", -ECONNRESET, 200 },
                { "/reset", -ECONNRESET, 200 },
                { "/ssh", -EBADMSG, 0 },
                { "/binary", -EBADMSG, 0 },
                { "/text", -EBADMSG, 0 },
                { "/headers", -EMSGSIZE, 0 },
                { "/interims", -EMSGSIZE, 0 },
        };

        (void)state;
        for (EndpointKind kind = ENDPOINT_UNIX; kind <= ENDPOINT_TCP; kind++)
                for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                        Fixture f;
                        Result r;

                        open_fixture(&f, kind, script_odd);
                        r = get(&f, cases[i].path, PATIENCE);
                        if (r.error != cases[i].error || r.status != cases[i].status)
                                fail_msg("%s: error %d, status %ld", cases[i].path, r.error, r.status);
                        /* Nothing of it is left in the next request. */
                        r = get(&f, "/missing", PATIENCE);
                        assert_answer(&r, 404, "{\"message\":\"no\"}");
                        close_fixture(&f);
                }
}

static void test_timeout(void **state) {
        usec_t before;
        Fixture f;
        Result r;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_slow);

        before = now();
        r = get(&f, "/silence", 200 * USEC_PER_MSEC);
        assert_int_equal(r.error, -ETIMEDOUT);
        assert_int_equal(r.status, 0);
        assert_in_range(now() - before, 195 * USEC_PER_MSEC, 20 * USEC_PER_SEC);

        r = get(&f, "/headers", 300 * USEC_PER_MSEC);
        assert_int_equal(r.error, -ETIMEDOUT);
        assert_int_equal(r.status, 200);
        assert_true(r.n_data > 1);

        /* Not "none". */
        r = get(&f, "/silence", 0);
        assert_int_equal(r.error, -ETIMEDOUT);

        close_fixture(&f);
}

static void assert_unreachable(const Endpoint *endpoint, int error) {
        Fixture f = {};
        Result r;

        assert_true(sd_event_new(&f.event) >= 0);
        assert_int_equal(transport_new(f.event, endpoint, &f.transport), 0);
        r = get(&f, "/", PATIENCE);
        assert_int_equal(r.error, error);
        assert_int_equal(r.status, 0);
        assert_int_equal(r.n_headers, 0);
        close_fixture(&f);
}

static void test_unreachable(void **state) {
        Endpoint endpoint = { .kind = ENDPOINT_UNIX, .path = "/nonexistent/engine.sock" };
        Server s = {};
        int fd;

        (void)state;
        assert_unreachable(&endpoint, -ENOENT);

        /* The socket is there, nobody listens: what a killed engine leaves behind. */
        fd = server_bind(&s, ENDPOINT_UNIX);
        (void)close(fd);
        assert_unreachable(&s.endpoint, -ECONNREFUSED);
        server_stop(&s);

        fd = server_bind(&s, ENDPOINT_TCP);
        assert_unreachable(&s.endpoint, -ECONNREFUSED);
        strcpy(s.endpoint.host, "::1"); /* refused, or no IPv6 here: not a malformed URL (-EIO) */
        endpoint = s.endpoint;
        {
                Fixture f = {};
                Result r;

                assert_true(sd_event_new(&f.event) >= 0);
                assert_int_equal(transport_new(f.event, &endpoint, &f.transport), 0);
                r = get(&f, "/", PATIENCE);
                assert_true(r.error == -ECONNREFUSED || r.error == -EHOSTUNREACH);
                close_fixture(&f);
        }
        (void)close(fd);
}

static void test_data_error(void **state) {
        Result r = { .data_error = -EXFULL };
        Fixture f;

        (void)state;
        open_fixture(&f, ENDPOINT_UNIX, script_hello);

        start(&f, &r);
        run_until(&f, &r.n_done, 1);
        assert_int_equal(r.error, -EXFULL);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.n_data, 1);

        close_fixture(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_get),
                cmocka_unit_test(test_delete),
                cmocka_unit_test(test_other_method),
                cmocka_unit_test(test_tcp_without_proxy),
                cmocka_unit_test(test_odd_answers),
                cmocka_unit_test(test_broken_answers),
                cmocka_unit_test(test_timeout),
                cmocka_unit_test(test_unreachable),
                cmocka_unit_test(test_data_error),
        };

        (void)signal(SIGPIPE, SIG_IGN);

        return cmocka_run_group_tests(tests, NULL, NULL);
}
