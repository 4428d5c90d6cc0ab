/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The end of a container's log: what is asked, what comes of every kind of answer, and that it ends.
 */

#include "client-fixture.h"

#include "base/cleanup.h"

/* The answer of script_log(), set before the server is forked: how it begins, the body, and its size. */
static int log_status;
static const char *log_body;
static size_t log_body_size;

static bool script_log(int fd, const char *request, unsigned n, ServerLog *log) {
        char head[128];

        (void)request, (void)n, (void)log;
        (void)snprintf(head, sizeof(head), "HTTP/1.1 %d Text\r\nContent-Length: %zu\r\n\r\n", log_status,
                        log_body_size);
        server_send(fd, head);
        server_send_bytes(fd, log_body, log_body_size);

        return true;
}

static void open_log(Fixture *f, int status, const char *body, size_t size) {
        log_status = status;
        log_body = body;
        log_body_size = size;
        open_fixture(f, script_log);
}

#define open_text(f, status, body) open_log((f), (status), (body), sizeof(body) - 1)

static void start_log(Fixture *f, unsigned lines, bool tty) {
        ContainerId id = id_of(HEX_B);

        again(f);
        assert_int_equal(engine_log_tail(f->client, &id, lines, tty, on_log, f, &f->call), 0);
}

static void do_log(Fixture *f, bool tty) {
        start_log(f, 7, tty);
        finish(f);
}

static void assert_tail(const Fixture *f, const char *text, size_t size) {
        assert_int_equal(f->error, 0);
        assert_false(f->has_message);
        assert_int_equal(f->tail_size, size);
        assert_memory_equal(f->tail, text, size);
}

#define FRAMED                      \
        "\2\0\0\0\0\0\0\6no way"    \
        "\1\0\0\0\0\0\0\0"          \
        "\1\0\0\0\0\0\0\4\0\xff\n." \
        "\2\0\0\0\0\0\0\1\n"
#define UNFRAMED "no way\0\xff\n.\n"

static void test_asked(void **state) {
        Fixture f;

        (void)state;
        open_text(&f, 200, "");
        do_log(&f, false);
        assert_memory_equal(f.server.log->request,
                        "GET /v1.41/containers/" HEX_B "/logs?stdout=1&stderr=1&tail=7 HTTP/1.1\r\n",
                        sizeof("GET /v1.41/containers//logs?stdout=1&stderr=1&tail=7 HTTP/1.1\r\n") - 1 +
                                        64);

        engine_client_set_api(f.client, (ApiVersion){ 1, 44 });
        start_log(&f, 100, true);
        finish(&f);
        assert_memory_equal(f.server.log->request,
                        "GET /v1.44/containers/" HEX_B "/logs?stdout=1&stderr=1&tail=100 HTTP/1.1\r\n",
                        sizeof("GET /v1.44/containers//logs?stdout=1&stderr=1&tail=100 HTTP/1.1\r\n") - 1 +
                                        64);
        close_fixture(&f);
}

static void test_framed(void **state) {
        Fixture f;

        (void)state;
        open_text(&f, 200, FRAMED);
        do_log(&f, false);
        assert_tail(&f, UNFRAMED, sizeof(UNFRAMED) - 1);

        /* The same bytes with a terminal are as they are. */
        do_log(&f, true);
        assert_tail(&f, FRAMED, sizeof(FRAMED) - 1);
        close_fixture(&f);
}

/* A container that wrote nothing. */
static void test_empty(void **state) {
        Fixture f;

        (void)state;
        open_text(&f, 200, "");
        do_log(&f, false);
        assert_tail(&f, "", 0);
        do_log(&f, true);
        assert_tail(&f, "", 0);
        close_fixture(&f);
}

static void test_malformed(void **state) {
        Fixture f;

        (void)state;
        /* A terminal's log that was taken for another's. */
        open_text(&f, 200, "plain text\r\n");
        do_log(&f, false);
        assert_int_equal(f.error, -EBADMSG);
        do_log(&f, true);
        assert_tail(&f, "plain text\r\n", 12);
        close_fixture(&f);

        /* Whole for HTTP, but cut in a frame, and in a header. */
        open_text(&f, 200, "\1\0\0\0\0\0\0\2a");
        do_log(&f, false);
        assert_int_equal(f.error, -EBADMSG);
        close_fixture(&f);

        open_text(&f, 200, "\1\0\0\0\0\0\0\1a\1");
        do_log(&f, false);
        assert_int_equal(f.error, -EBADMSG);
        close_fixture(&f);
}

static bool script_dribble(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n, (void)log;
        server_send(fd, SERVER_CHUNKED_HEAD);
        for (size_t i = 0; i < sizeof(FRAMED) - 1; i++) {
                server_send(fd, "1\r\n");
                server_send_bytes(fd, &FRAMED[i], 1);
                server_send(fd, "\r\n");
                (void)usleep(100);
        }
        if (atomic_load(&log->n_requests) > 1)
                return false;
        server_send(fd, "0\r\n\r\n");

        return true;
}

static void test_dribble(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f, script_dribble);
        do_log(&f, false);
        assert_tail(&f, UNFRAMED, sizeof(UNFRAMED) - 1);

        /* Between frames, but not the end of the answer. */
        do_log(&f, false);
        assert_int_equal(f.error, -ECONNRESET);
        do_log(&f, true);
        assert_int_equal(f.error, -ECONNRESET);
        close_fixture(&f);
}

/* Of a longer text the end; of a body that is as long as allowed, too; and a byte more is too long. */
static void test_caps(void **state) {
        static char body[ENGINE_LOG_BYTES_MAX + 1];
        Fixture f;

        (void)state;
        for (size_t i = 0; i < sizeof(body); i++)
                body[i] = (char)(i % 251);

        open_log(&f, 200, body, ENGINE_LOG_TAIL_MAX + 1);
        do_log(&f, true);
        assert_tail(&f, body + 1, ENGINE_LOG_TAIL_MAX);
        close_fixture(&f);

        open_log(&f, 200, body, ENGINE_LOG_BYTES_MAX);
        do_log(&f, true);
        assert_tail(&f, body + ENGINE_LOG_BYTES_MAX - ENGINE_LOG_TAIL_MAX, ENGINE_LOG_TAIL_MAX);
        close_fixture(&f);

        open_log(&f, 200, body, ENGINE_LOG_BYTES_MAX + 1);
        do_log(&f, true);
        assert_int_equal(f.error, -EMSGSIZE);
        assert_false(engine_error_is_connection(f.error));
        close_fixture(&f);

        /* Headers count, so that a container cannot make us read empty frames for ever. */
        for (size_t i = 0; i < sizeof(body); i++)
                body[i] = i % 8 == 0 ? '\1' : '\0';
        open_log(&f, 200, body, sizeof(body));
        do_log(&f, false);
        assert_int_equal(f.error, -EMSGSIZE);
        close_fixture(&f);

        open_log(&f, 200, body, ENGINE_LOG_BYTES_MAX);
        do_log(&f, false);
        assert_tail(&f, "", 0);
        close_fixture(&f);
}

static bool script_endless(int fd, const char *request, unsigned n, ServerLog *log) {
        static char text[64 * 1024];

        (void)request, (void)n, (void)log;
        server_send(fd, "HTTP/1.1 200 OK\r\n\r\n\1");
        server_send_bytes(fd, "\0\0\0\xff\xff\xff\xff", 7);
        for (size_t i = 0; i < UINT32_MAX / sizeof(text); i++)
                server_send_bytes(fd, text, sizeof(text));

        return false;
}

static void test_endless(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f, script_endless);
        do_log(&f, false);
        assert_int_equal(f.error, -EMSGSIZE);
        close_fixture(&f);
}

static void test_statuses(void **state) {
        static const struct {
                int status, error;
        } cases[] = {
                { 201, -EPROTO },
                { 204, -EPROTO },
                { 400, -EINVAL },
                { 403, -EACCES },
                { 404, -ENOENT },
                { 409, -EBUSY },
                { 500, -EREMOTEIO },
                { 501, -EREMOTEIO },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                Fixture f;

                if (cases[i].status == 204)
                        open_text(&f, 204, "");
                else
                        open_text(&f, cases[i].status, "{\"message\":\"no such log\"}");
                do_log(&f, i % 2 == 0);
                assert_int_equal(f.error, cases[i].error);
                assert_int_equal(f.has_message, cases[i].status != 204);
                if (f.has_message)
                        assert_string_equal(f.message, "no such log");
                close_fixture(&f);
        }
}

static void then_free_call(Fixture *f) {
        f->call = engine_call_free(f->call);
}

static void then_free_client(Fixture *f) {
        f->client = engine_client_free(f->client);
        f->call = NULL;
}

static void test_released(void **state) {
        static void (*const variants[])(Fixture *) = { then_free_call, then_free_client };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(variants); i++) {
                Fixture f;

                open_text(&f, 200, FRAMED);
                start_log(&f, 7, false);
                f.then = variants[i];
                run_until(&f, &f.n_done, 1);
                assert_tail(&f, UNFRAMED, sizeof(UNFRAMED) - 1);
                close_fixture(&f);

                open_fixture(&f, script_dribble);
                start_log(&f, 7, false);
                turn(&f, USEC_PER_MSEC);
                variants[i](&f);
                turn(&f, 20 * USEC_PER_MSEC);
                assert_int_equal(f.n_done, 0);
                close_fixture(&f);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_asked),
                cmocka_unit_test(test_framed),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_malformed),
                cmocka_unit_test(test_dribble),
                cmocka_unit_test(test_caps),
                cmocka_unit_test(test_endless),
                cmocka_unit_test(test_statuses),
                cmocka_unit_test(test_released),
        };

        (void)signal(SIGPIPE, SIG_IGN);
        log_set_max_level(LOG_ERR);

        return cmocka_run_group_tests(tests, NULL, NULL);
}
