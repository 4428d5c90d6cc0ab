/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Questions with one answer: what is asked, and what every kind of answer becomes.
 */

#include "client-fixture.h"

#include "base/cleanup.h"
#include "engine/client-query.h"

#define DETAIL(id)                                                                                  \
        "{\"Id\":\"" id "\",\"Created\":\"2026-11-23T01:00:00Z\",\"Name\":\"/web.1.x\",\"State\":{" \
        "\"Status\":\"exited\",\"ExitCode\":3,\"OOMKilled\":false,\"Error\":\"\","                  \
        "\"StartedAt\":\"2026-11-23T01:00:01Z\",\"FinishedAt\":\"2026-11-23T01:00:02.5Z\"},"        \
        "\"Config\":{\"Image\":\"busy\",\"Labels\":{}}}"

#define SUMMARY(id)                                                                     \
        "{\"Id\":\"" id "\",\"Names\":[\"/web.1.x\"],\"Image\":\"busy\",\"Created\":1," \
        "\"State\":\"exited\",\"Labels\":{}}"

/* The answer of script_fixed(), set before the server is forked. */
static int fixed_status;
static const char *fixed_body;

static bool script_fixed(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n, (void)log;
        server_answer(fd, fixed_status, fixed_body);

        return true;
}

static void open_fixed(Fixture *f, int status, const char *body) {
        fixed_status = status;
        fixed_body = body;
        open_fixture(f, script_fixed);
}

static void assert_asked(const Fixture *f, const char *line) {
        char expected[1024];

        (void)snprintf(expected, sizeof(expected), "%s HTTP/1.1\r\n", line);
        assert_memory_equal(f->server.log->request, expected, strlen(expected));
}

static void test_paths(void **state) {
        ContainerId ids[2] = { id_of(HEX_A), id_of(HEX_B) };
        Fixture f;

        (void)state;
        open_fixed(&f, 503, "");
        assert_int_equal(engine_client_api(f.client).minor, ENGINE_API_OLDEST.minor);

        assert_int_equal(engine_version(f.client, on_version, &f, &f.call), 0);
        finish(&f);
        assert_asked(&f, "GET /version");

        again(&f);
        assert_int_equal(engine_info(f.client, on_info, &f, &f.call), 0);
        finish(&f);
        assert_asked(&f, "GET /v1.41/info");

        engine_client_set_api(f.client, (ApiVersion){ 1, 44 });

        do_list(&f);
        assert_asked(&f, "GET /v1.44/containers/json?all=1&filters=%7B%22is-task%22%3A%5B%22true%22%5D%7D");

        again(&f);
        assert_int_equal(
                        engine_list_containers(f.client, true, ids, 2, on_element, on_done, &f, &f.call), 0);
        finish(&f);
        assert_asked(&f, "GET "
                         "/v1.44/containers/"
                         "json?all=1&filters=%7B%22is-task%22%3A%5B%22true%22%5D%2C%22id%22%3A%5B"
                         "%22" HEX_A "%22%2C%22" HEX_B "%22%5D%7D");

        again(&f);
        assert_int_equal(engine_list_containers(f.client, false, NULL, 0, on_element, on_done, &f, &f.call),
                        0);
        finish(&f);
        assert_asked(&f, "GET /v1.44/containers/json?all=1&filters=%7B%22is-task%22%3A%5B%22false%22%5D%7D");

        again(&f);
        assert_int_equal(engine_list_containers(f.client, false, ids, 2, on_element, on_done, &f, &f.call),
                        0);
        finish(&f);
        assert_asked(&f, "GET "
                         "/v1.44/containers/"
                         "json?all=1&filters=%7B%22is-task%22%3A%5B%22false%22%5D%2C%22id%22%3A%5B"
                         "%22" HEX_A "%22%2C%22" HEX_B "%22%5D%7D");

        do_inspect(&f);
        assert_asked(&f, "GET /v1.44/containers/" HEX_B "/json");

        do_remove(&f);
        assert_asked(&f, "DELETE /v1.44/containers/" HEX_B "?v=1");

        again(&f);
        assert_int_equal(engine_remove(f.client, &ids[0], false, on_done, &f, &f.call), 0);
        finish(&f);
        assert_asked(&f, "DELETE /v1.44/containers/" HEX_A);

        do_ring(&f);
        assert_asked(&f, "GET /v1.44/events?since=0&until=1.000000001");

#define FILTERS(end)                                                                                     \
        "filters=%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22create%22%2C%22start%22%2C" \
        "%22kill%22%2C%22stop%22%2C%22die%22%2C%22destroy%22%2C%22rename%22%5D" end "%7D"
#define TASK_FILTER "%2C%22label%22%3A%5B%22com.docker.swarm.task%22%5D"

        subscribe(&f);
        finish(&f);
        assert_asked(&f, "GET /v1.44/events?" FILTERS(TASK_FILTER));

        again(&f);
        assert_int_equal(
                        engine_subscribe(f.client, INT64_MAX, true, on_open, on_event, on_done, &f, &f.call),
                        0);
        finish(&f);
        assert_asked(&f, "GET /v1.44/events?since=9223372036.854775807&" FILTERS(TASK_FILTER));

        again(&f);
        assert_int_equal(engine_subscribe(f.client, 1, false, on_open, on_event, on_done, &f, &f.call), 0);
        finish(&f);
        assert_asked(&f, "GET /v1.44/events?since=0.000000001&" FILTERS(""));

        close_fixture(&f);
}

/* As many ids as are allowed come through whole (behind the longer of the filters), and one more is
 * refused. */
static void test_ids_max(void **state) {
        static ContainerId ids[ENGINE_LIST_IDS_MAX + 1];
        unsigned n = 0;
        Fixture f;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(ids); i++)
                ids[i].bytes[0] = ids[i].bytes[31] = (uint8_t)i;
        open_fixed(&f, 200, "[]");

        assert_int_equal(engine_list_containers(f.client, true, ids, ELEMENTS_OF(ids), on_element, on_done,
                                         &f, &f.call),
                        -EINVAL);
        assert_null(f.call);

        assert_int_equal(engine_list_containers(f.client, false, ids, ENGINE_LIST_IDS_MAX, on_element,
                                         on_done, &f, &f.call),
                        0);
        finish(&f);
        assert_int_equal(f.error, 0);
        for (const char *p = f.server.log->request; (p = strstr(p, "%22")); p += 3)
                n++;
        assert_int_equal(n, 2 * (ENGINE_LIST_IDS_MAX + 3));
        assert_non_null(strstr(f.server.log->request, "%22%5D%7D HTTP/1.1\r\n"));

        close_fixture(&f);
}

static void test_arguments(void **state) {
        Fixture f;

        (void)state;
        open_fixed(&f, 200, "");
        assert_int_equal(engine_event_ring(f.client, -1, on_event, on_done, &f, &f.call), -EINVAL);
        assert_int_equal(engine_subscribe(f.client, -1, true, on_open, on_event, on_done, &f, &f.call),
                        -EINVAL);
        assert_null(f.call);
        close_fixture(&f);
}

static void test_percent_encode(void **state) {
        char every[256], *encoded;
        size_t size;

        (void)state;
        for (size_t i = 0; i < 255; i++)
                every[i] = (char)(i + 1);
        every[255] = '\0';

        encoded = engine_percent_encode(every);
        assert_non_null(encoded);
        size = strspn(encoded, "%0123456789ABCDEFabcdefghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ-._~");
        assert_int_equal(encoded[size], '\0');
        assert_int_equal(size, 66 + 3 * (255 - 66));
        assert_non_null(strstr(encoded, "%2C-.%2F0123"));
        assert_non_null(strstr(encoded, "%7F%80"));
        free(encoded);
}

static void test_statuses(void **state) {
        static const struct {
                int status, get, remove;
        } cases[] = {
                { 200, 0, 0 },
                { 201, -EPROTO, -EPROTO },
                { 204, -EPROTO, 0 },
                { 301, -EPROTO, -EPROTO },
                { 304, -EPROTO, -EPROTO },
                { 400, -EINVAL, -EINVAL },
                { 401, -EACCES, -EACCES },
                { 403, -EACCES, -EACCES },
                { 404, -ENOENT, -ENOENT },
                { 409, -EBUSY, -EBUSY },
                { 418, -EPROTO, -EPROTO },
                { 500, -EREMOTEIO, -EREMOTEIO },
                { 503, -EREMOTEIO, -EREMOTEIO },
                { 599, -EREMOTEIO, -EREMOTEIO },
                { 600, -EPROTO, -EPROTO },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                bool plain = cases[i].status == 204 || cases[i].status == 304;
                Fixture f;

                /* Those two have no body. */
                open_fixed(&f, cases[i].status, plain ? "" : "{\"message\":\"as it is\"}");

                do_remove(&f);
                assert_int_equal(f.error, cases[i].remove);
                assert_int_equal(f.has_message, cases[i].remove < 0 && !plain);
                if (f.has_message)
                        assert_string_equal(f.message, "as it is");

                do_list(&f);
                assert_int_equal(f.error, cases[i].get == 0 ? -EBADMSG : cases[i].get);
                assert_int_equal(f.has_message, cases[i].get < 0 && !plain);
                assert_int_equal(f.n_elements, 0);

                assert_int_equal(f.server.log->n_connections, 1);
                close_fixture(&f);
        }
}

/* An error whose text is missing, no JSON, endless, or cut is still that error. */
static bool script_bad_errors(int fd, const char *request, unsigned n, ServerLog *log) {
        static char big[1024];

        (void)request, (void)n;
        memset(big, 'x', sizeof(big));
        switch (atomic_load(&log->n_requests)) {
        case 1:
                server_answer(fd, 404, "");
                return true;
        case 2:
                server_answer(fd, 404, "page not found");
                return true;
        case 3:
                server_send(fd, "HTTP/1.1 404 No\r\nContent-Length: 2000000\r\n\r\n{\"message\":\"");
                for (size_t i = 0; i < 2000000 - 14; i += sizeof(big))
                        server_send_bytes(fd, big,
                                        i + sizeof(big) > 2000000 - 14 ? 2000000 - 14 - i : sizeof(big));
                server_send(fd, "\"}");
                return true;
        case 4:
                server_answer(fd, 404, "{\"message\":17}");
                return true;
        default:
                server_send(fd, "HTTP/1.1 404 No\r\nContent-Length: 100\r\n\r\n{\"message\":\"c");
                return false;
        }
}

static void test_bad_errors(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f, script_bad_errors);
        for (unsigned i = 0; i < 5; i++) {
                do_remove(&f);
                assert_int_equal(f.error, -ENOENT);
                assert_false(f.has_message);
        }
        assert_int_equal(f.server.log->n_requests, 5);
        assert_int_equal(f.server.log->n_connections, 1);
        close_fixture(&f);
}

static void test_version(void **state) {
        Fixture f;

        (void)state;
        open_fixed(&f, 200, "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}");
        assert_int_equal(engine_version(f.client, on_version, &f, &f.call), 0);
        finish(&f);
        assert_int_equal(f.error, 0);
        assert_int_equal(f.version.newest.minor, 41);
        assert_int_equal(f.version.oldest.minor, 12);
        close_fixture(&f);

        open_fixed(&f, 200, "{\"Version\":\"20.10.24\"}");
        assert_int_equal(engine_version(f.client, on_version, &f, &f.call), 0);
        finish(&f);
        assert_int_equal(f.error, -EBADMSG);
        close_fixture(&f);
}

static void test_negotiate(void **state) {
        static const struct {
                ApiVersion newest, oldest, chosen;
        } cases[] = {
                { { 1, 41 }, { 1, 12 }, { 1, 41 } },
                { { 1, 44 }, { 1, 24 }, { 1, 44 } },
                { { 1, 51 }, { 1, 24 }, { 1, 51 } },
                { { 1, 53 }, { 1, 44 }, { 1, 51 } },
                { { 2, 0 }, { 1, 51 }, { 1, 51 } },
                { { 1, 60 }, { 0, 0 }, { 1, 51 } },
                { { 1, 40 }, { 1, 12 }, { 0, 0 } },
                { { 0, 99 }, { 0, 0 }, { 0, 0 } },
                { { 1, 60 }, { 1, 52 }, { 0, 0 } },
                { { 2, 5 }, { 2, 0 }, { 0, 0 } },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                EngineVersion v = { .newest = cases[i].newest, .oldest = cases[i].oldest };
                ApiVersion api = { 7, 7 };
                bool none = cases[i].chosen.major == 0;

                assert_int_equal(engine_api_negotiate(&v, &api), none ? -EPROTONOSUPPORT : 0);
                assert_int_equal(api.major, none ? 7 : cases[i].chosen.major);
                assert_int_equal(api.minor, none ? 7 : cases[i].chosen.minor);
        }
}

static void test_info(void **state) {
        Fixture f;

        (void)state;
        open_fixed(&f, 200,
                        "{\"Name\":\"h\",\"Swarm\":{\"NodeID\":\"n0de\",\"LocalNodeState\":\"active\","
                        "\"ControlAvailable\":true}}");
        assert_int_equal(engine_info(f.client, on_info, &f, &f.call), 0);
        finish(&f);
        assert_int_equal(f.error, 0);
        assert_int_equal(f.info.swarm_state, SWARM_ACTIVE);
        assert_true(f.info.control_available);
        close_fixture(&f);
}

static void test_inspect(void **state) {
        static const struct {
                const char *body;
                int error;
        } cases[] = {
                { DETAIL(HEX_B), 0 },
                { DETAIL(HEX_A), -EBADMSG }, /* another container than was asked about */
                { "", -EBADMSG },
                { "no JSON", -EBADMSG },
                { "[]", -EBADMSG },
                { "{\"Id\":\"" HEX_B "\"}", -EBADMSG },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                Fixture f;

                open_fixed(&f, 200, cases[i].body);
                do_inspect(&f);
                assert_int_equal(f.error, cases[i].error);
                assert_false(f.has_message);
                if (f.error == 0) {
                        assert_int_equal(f.detail.exit_code, 3);
                        assert_int_equal(f.detail.state, CONTAINER_EXITED);
                }
                close_fixture(&f);
        }
}

/* One object of 17 MB, valid JSON. */
static bool script_big_object(int fd, const char *request, unsigned n, ServerLog *log) {
        static char spaces[1024 * 1024];

        (void)request, (void)n, (void)log;
        memset(spaces, ' ', sizeof(spaces));
        server_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
        for (unsigned i = 0; i < 17; i++)
                server_send_bytes(fd, spaces, sizeof(spaces));
        server_send(fd, DETAIL(HEX_B));

        return false;
}

static void test_answer_too_large(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f, script_big_object);
        do_inspect(&f);
        assert_int_equal(f.error, -EMSGSIZE);
        assert_false(engine_error_is_connection(f.error));
        close_fixture(&f);
}

/* The first element with a bad id, the third over the cap. */
static bool script_odd_list(int fd, const char *request, unsigned n, ServerLog *log) {
        static char spaces[ENGINE_OBJECT_SIZE_MAX];

        (void)request, (void)n, (void)log;
        memset(spaces, ' ', sizeof(spaces));
        server_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
        server_dribble(fd, "[{\"Id\":\"x\"}," SUMMARY(HEX_A) ",{\"Id\":", 20);
        server_send_bytes(fd, spaces, sizeof(spaces));
        server_send(fd, "1}," SUMMARY(HEX_B) "]\n");

        return false;
}

static bool script_cut_list(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n;
        switch (atomic_load(&log->n_requests)) {
        case 1: /* no length told, so HTTP cannot know */
                server_send(fd, "HTTP/1.1 200 OK\r\n\r\n[" SUMMARY(HEX_A) ",");
                break;
        case 2:
                server_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
                break;
        default:
                server_send(fd, SERVER_CHUNKED_HEAD);
                server_send_chunk(fd, "[" SUMMARY(HEX_A));
        }

        return false;
}

static void test_list(void **state) {
        ContainerId id = id_of(HEX_B);
        Fixture f;

        (void)state;
        open_fixed(&f, 200, "[" SUMMARY(HEX_A) "," SUMMARY(HEX_B) "]\n");
        do_list(&f);
        assert_int_equal(f.error, 0);
        assert_int_equal(f.n_elements, 2);
        assert_memory_equal(&f.last_id, &id, sizeof(id));

        /* The handler ends it; what it returned is told unchanged, also where the transport has a meaning
         * for it. */
        f.answer = -ENOENT;
        do_list(&f);
        assert_int_equal(f.error, -ENOENT);
        assert_int_equal(f.n_elements, 1);
        close_fixture(&f);

        open_fixed(&f, 200, "[]\n");
        do_list(&f);
        assert_int_equal(f.error, 0);
        assert_int_equal(f.n_elements, 0);
        close_fixture(&f);

        open_fixed(&f, 200, "{}");
        do_list(&f);
        assert_int_equal(f.error, -EBADMSG);
        close_fixture(&f);

        open_fixture(&f, script_odd_list);
        do_list(&f);
        assert_int_equal(f.error, 0);
        assert_int_equal(f.n_elements, 2);
        assert_memory_equal(&f.last_id, &id, sizeof(id));
        close_fixture(&f);

        open_fixture(&f, script_cut_list);
        do_list(&f);
        assert_int_equal(f.error, -EBADMSG);
        assert_int_equal(f.n_elements, 1);
        do_list(&f);
        assert_int_equal(f.error, -EBADMSG);
        do_list(&f);
        assert_int_equal(f.error, -ECONNRESET);
        close_fixture(&f);
}

static bool script_mute(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)n;
        if (strncmp(request, "GET /version", 12) == 0)
                server_send(fd, "SSH-2.0-OpenSSH_9.2\r\n");
        else
                server_wait_go(log);

        return false;
}

static void on_never(
                EngineCall *call, int error, const char *message, const EngineInfo *info, void *userdata) {
        (void)call, (void)message, (void)info, (void)userdata;
        fail_msg("ended with %d", error);
}

/* A new timeout is for what is started from then on. */
static void test_request_timeout(void **state) {
        EngineCall *before = NULL;
        Fixture f;

        (void)state;
        open_fixture(&f, script_mute);
        assert_int_equal(engine_info(f.client, on_never, NULL, &before), 0);

        engine_client_set_request_timeout(f.client, 100 * USEC_PER_MSEC);
        do_remove(&f);
        assert_int_equal(f.error, -ETIMEDOUT);
        subscribe(&f);
        finish(&f);
        assert_int_equal(f.error, -ETIMEDOUT);

        /* And back. */
        engine_client_set_request_timeout(f.client, PATIENCE);
        again(&f);
        assert_int_equal(engine_info(f.client, on_info, &f, &f.call), 0);
        turn(&f, 250 * USEC_PER_MSEC);
        assert_int_equal(f.n_done, 0);

        (void)engine_call_free(before);
        close_fixture(&f);
}

static void test_connection_errors(void **state) {
        Endpoint nowhere = { .kind = ENDPOINT_UNIX, .path = "/nonexistent/engine.sock" };
        Fixture f;

        (void)state;

        /* Must not look like 404: that would be a removal that succeeded. */
        open_fixture(&f, script_mute);
        (void)engine_client_free(f.client);
        assert_int_equal(engine_client_new(f.event, &nowhere, PATIENCE, &f.client), 0);
        do_remove(&f);
        assert_int_equal(f.error, -ENXIO);
        assert_true(engine_error_is_connection(f.error));
        close_fixture(&f);

        open_fixture_with(&f, script_mute, 100 * USEC_PER_MSEC);
        do_remove(&f);
        assert_int_equal(f.error, -ETIMEDOUT);
        assert_true(engine_error_is_connection(f.error));
        again(&f);
        assert_int_equal(engine_version(f.client, on_version, &f, &f.call), 0);
        finish(&f);
        assert_int_equal(f.error, -EBADMSG);
        close_fixture(&f);

        assert_true(engine_error_is_connection(-ECONNRESET));
        assert_true(engine_error_is_connection(-EHOSTUNREACH));
        assert_true(engine_error_is_connection(-EPERM));
        assert_true(engine_error_is_connection(-EIO));
        assert_false(engine_error_is_connection(0));
        assert_false(engine_error_is_connection(-ENOENT));
        assert_false(engine_error_is_connection(-EACCES));
        assert_false(engine_error_is_connection(-EBUSY));
        assert_false(engine_error_is_connection(-EREMOTEIO));
        assert_false(engine_error_is_connection(-ENOMEM));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_ids_max),
                cmocka_unit_test(test_arguments),
                cmocka_unit_test(test_percent_encode),
                cmocka_unit_test(test_statuses),
                cmocka_unit_test(test_bad_errors),
                cmocka_unit_test(test_version),
                cmocka_unit_test(test_negotiate),
                cmocka_unit_test(test_info),
                cmocka_unit_test(test_inspect),
                cmocka_unit_test(test_answer_too_large),
                cmocka_unit_test(test_list),
                cmocka_unit_test(test_request_timeout),
                cmocka_unit_test(test_connection_errors),
        };

        (void)signal(SIGPIPE, SIG_IGN);
        log_set_max_level(LOG_ERR);

        return cmocka_run_group_tests(tests, NULL, NULL);
}
