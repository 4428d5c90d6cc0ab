/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The event ring and the event stream, and calls that are released at every moment.
 */

#include "client-fixture.h"

#include "base/cleanup.h"

#define EVENT(id)                                                                                  \
        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" id "\",\"Attributes\":{" \
        "\"com.docker.swarm.task\":\"\",\"exitCode\":\"0\"}},\"time\":1,\"timeNano\":1000000005}\n"
#define OTHER_EVENT                                                                                      \
        "{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"n\"},\"time\":1,\"timeNano\":" \
        "1000000001}\n"
#define BAD_EVENT \
        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"x\"},\"time\":1,\"timeNano\":1}\n"

static bool script_ring(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n, (void)log;
        server_send(fd, SERVER_CHUNKED_HEAD);
        server_send_chunk(fd, OTHER_EVENT EVENT(HEX_A) BAD_EVENT);
        server_send_chunk(fd, EVENT(HEX_B) "\n");
        server_send(fd, "0\r\n\r\n");

        return true;
}

static void test_ring(void **state) {
        ContainerId id = id_of(HEX_B);
        Fixture f;

        (void)state;
        open_fixture(&f, script_ring);
        do_ring(&f);
        assert_int_equal(f.error, 0);
        assert_int_equal(f.n_events, 3);
        assert_int_equal(f.n_lost, 0); /* it would look like the oldest of all */
        assert_int_equal(f.last_action, EVENT_DIE);
        assert_memory_equal(&f.last_id, &id, sizeof(id));

        f.answer = -EXFULL;
        do_ring(&f);
        assert_int_equal(f.error, -EXFULL);
        assert_int_equal(f.n_events, 1);
        close_fixture(&f);
}

static bool script_cut_ring(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n, (void)log;
        server_send(fd, "HTTP/1.1 200 OK\r\n\r\n" EVENT(HEX_A) "{\"Type\":");

        return false;
}

static void test_cut_ring(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f, script_cut_ring);
        do_ring(&f);
        assert_int_equal(f.error, -EBADMSG);
        close_fixture(&f);
}

/* Headers, events and the end in one write. */
static bool script_at_once(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n, (void)log;
        server_send(fd, "HTTP/1.1 200 OK\r\n\r\n" EVENT(HEX_A) EVENT(HEX_B) "{\"Ty");

        return false;
}

static void test_stream_at_once(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f, script_at_once);

        subscribe(&f);
        finish(&f);
        assert_int_equal(f.n_open, 1);
        assert_int_equal(f.n_events, 2);
        assert_int_equal(f.error, -ECONNRESET);

        f.answer = -EXFULL;
        subscribe(&f);
        finish(&f);
        assert_int_equal(f.n_open, 1);
        assert_int_equal(f.n_events, 1);
        assert_int_equal(f.error, -EXFULL);
        turn(&f, 20 * USEC_PER_MSEC);
        assert_int_equal(f.n_done, 1);

        close_fixture(&f);
}

/* Headers; when told to go on an event in pieces, one that is none, one over the cap, and the next; then
 * silence. */
static bool script_stream(int fd, const char *request, unsigned n, ServerLog *log) {
        static char spaces[ENGINE_OBJECT_SIZE_MAX];

        (void)n;
        if (!strstr(request, "/events?")) {
                server_answer(fd, 200, "[]");
                return true;
        }

        server_send(fd, SERVER_CHUNKED_HEAD);
        server_wait_go(log);
        server_send_chunk(fd,
                        "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"" HEX_A "\"},");
        (void)usleep(20000);
        server_send_chunk(fd, "\"time\":1,\"timeNano\":1000000001}\n");
        server_send_chunk(fd, BAD_EVENT);
        memset(spaces, ' ', sizeof(spaces) - 1);
        server_send_chunk(fd, "{\"Type\":");
        server_send_chunk(fd, spaces);
        server_send_chunk(fd, "\"container\"}\n" EVENT(HEX_B));
        for (unsigned i = 0; i < 100; i++)
                (void)sleep(1);

        return false;
}

static void test_stream(void **state) {
        ContainerId id = id_of(HEX_B);
        Fixture f;

        (void)state;

        /* It stays open for longer than a request may take. */
        open_fixture_with(&f, script_stream, 500 * USEC_PER_MSEC);
        subscribe(&f);
        run_until(&f, &f.n_open, 1);
        turn(&f, 700 * USEC_PER_MSEC);
        assert_int_equal(f.n_done + f.n_events, 0);

        atomic_store(&f.server.log->go, true);
        run_until(&f, &f.n_events, 1);
        assert_int_equal(f.first_action, EVENT_START);
        run_until(&f, &f.n_events, 4);
        assert_int_equal(f.n_lost, 2);
        assert_int_equal(f.last_action, EVENT_DIE);
        assert_memory_equal(&f.last_id, &id, sizeof(id));
        assert_int_equal(f.n_done, 0);
        assert_int_equal(f.n_open, 1);

        close_fixture(&f);
}

/* The handler ends it at an event that came alone, at one that cannot be read, and at one over the cap. */
static void test_stream_handler_error(void **state) {
        (void)state;
        for (unsigned n = 1; n <= 3; n++) {
                Fixture f;

                open_fixture(&f, script_stream);
                subscribe(&f);
                run_until(&f, &f.n_open, 1);
                f.answer = -EXFULL;
                f.answer_from = n;
                atomic_store(&f.server.log->go, true);
                finish(&f);
                assert_int_equal(f.error, -EXFULL);
                assert_int_equal(f.n_events, n);
                close_fixture(&f);
        }
}

static bool script_refusing(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n;
        switch (atomic_load(&log->n_requests)) {
        case 1:
                server_answer(fd, 500, "{\"message\":\"not now\"}");
                return true;
        case 2:
                server_answer(fd, 204, "");
                return true;
        case 3: /* an error whose text never ends */
                server_send(fd, "HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\n{");
                break;
        default: /* nothing */
                break;
        }
        server_wait_go(log);

        return false;
}

static void test_stream_refused(void **state) {
        static const int errors[] = { -EREMOTEIO, -EPROTO, -EINVAL, -ETIMEDOUT };
        Fixture f;

        (void)state;
        open_fixture_with(&f, script_refusing, 200 * USEC_PER_MSEC);
        for (size_t i = 0; i < ELEMENTS_OF(errors); i++) {
                subscribe(&f);
                finish(&f);
                assert_int_equal(f.error, errors[i]);
                assert_int_equal(f.n_open, 0);
                assert_int_equal(f.n_events, 0);
                assert_string_equal(f.message, i == 0 ? "not now" : "");
                turn(&f, 10 * USEC_PER_MSEC);
                assert_int_equal(f.n_done, 1);
        }
        close_fixture(&f);
}

static void then_free_call(Fixture *f) {
        f->call = engine_call_free(f->call);
}

static void then_free_client(Fixture *f) {
        f->client = engine_client_free(f->client);
        f->call = NULL;
}

static unsigned n_listed;
static EngineCall *list_call;

static void on_listed(EngineCall *call, int error, const char *message, void *userdata) {
        (void)message, (void)userdata;
        assert_ptr_equal(call, list_call);
        assert_int_equal(error, 0);
        n_listed++;
}

static void then_list(Fixture *f) {
        assert_int_equal(engine_list_containers(
                                         f->client, true, NULL, 0, on_element, on_listed, f, &list_call),
                        0);
}

static void test_list_when_open(void **state) {
        Fixture f;

        (void)state;
        n_listed = 0;
        open_fixture(&f, script_stream);
        f.opened = then_list;
        subscribe(&f);
        run_until(&f, &n_listed, 1);
        assert_int_equal(f.n_open, 1);
        (void)engine_call_free(list_call);
        close_fixture(&f);
}

static void test_free_when_open(void **state) {
        static void (*const variants[])(Fixture *) = { then_free_call, then_free_client };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(variants); i++) {
                Fixture f;

                open_fixture(&f, script_at_once);
                f.opened = variants[i];
                subscribe(&f);
                run_until(&f, &f.n_open, 1);
                turn(&f, 20 * USEC_PER_MSEC);
                assert_int_equal(f.n_done + f.n_events, 0);
                close_fixture(&f);
        }
}

static void test_free_when_done(void **state) {
        static void (*const variants[])(Fixture *) = { then_free_call, then_free_client };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(variants); i++) {
                Fixture f;

                /* With an error text that is handed out after the call was freed. */
                open_fixture(&f, script_refusing);
                f.then = variants[i];
                subscribe(&f);
                run_until(&f, &f.n_done, 1);
                assert_string_equal(f.message, "not now");
                close_fixture(&f);

                open_fixture(&f, script_ring);
                f.then = variants[i];
                assert_int_equal(engine_event_ring(f.client, 1, on_event, on_done, &f, &f.call), 0);
                run_until(&f, &f.n_done, 1);
                close_fixture(&f);

                open_fixture_with(&f, script_stream, 500 * USEC_PER_MSEC);
                f.opened = variants[i];
                subscribe(&f);
                run_until(&f, &f.n_open, 1);
                turn(&f, 600 * USEC_PER_MSEC);
                assert_int_equal(f.n_done, 0);
                close_fixture(&f);
        }
}

static void test_free_in_flight(void **state) {
        (void)state;
        for (usec_t span = 0; span <= 40 * USEC_PER_MSEC; span += 10 * USEC_PER_MSEC)
                for (unsigned whole = 0; whole <= 1; whole++) {
                        Fixture f;

                        open_fixture(&f, script_stream);
                        atomic_store(&f.server.log->go, true);
                        subscribe(&f);
                        if (span > 0)
                                turn(&f, span);
                        if (whole)
                                then_free_client(&f);
                        else
                                then_free_call(&f);
                        f.n_events = f.n_open = 0;
                        turn(&f, 5 * USEC_PER_MSEC);
                        assert_int_equal(f.n_done + f.n_events + f.n_open, 0);
                        close_fixture(&f);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ring),
                cmocka_unit_test(test_cut_ring),
                cmocka_unit_test(test_stream_at_once),
                cmocka_unit_test(test_stream),
                cmocka_unit_test(test_stream_handler_error),
                cmocka_unit_test(test_stream_refused),
                cmocka_unit_test(test_list_when_open),
                cmocka_unit_test(test_free_when_open),
                cmocka_unit_test(test_free_when_done),
                cmocka_unit_test(test_free_in_flight),
        };

        (void)signal(SIGPIPE, SIG_IGN);
        log_set_max_level(LOG_ERR);

        return cmocka_run_group_tests(tests, NULL, NULL);
}
