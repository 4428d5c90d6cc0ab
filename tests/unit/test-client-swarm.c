/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Questions to a manager about its Swarm: what is asked, and what every kind of answer becomes.
 */

#include "client-fixture.h"

#include <errno.h>

#define SERVICE(name) "{\"ID\":\"id-of-" name "\",\"Spec\":{\"Name\":\"" name "\"}}"

typedef struct Told {
        Fixture f;
        unsigned n_services;
        char last[64];
        int64_t limit;
        int answer;
} Told;

static int fixed_status;
static const char *fixed_body;

static bool script_fixed(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n, (void)log;
        server_answer(fd, fixed_status, fixed_body);

        return true;
}

static void open_fixed(Told *t, int status, const char *body) {
        fixed_status = status;
        fixed_body = body;
        *t = (Told){};
        open_fixture(&t->f, script_fixed);
}

static void on_swarm(
                EngineCall *call, int error, const char *message, const SwarmFacts *swarm, void *userdata) {
        Told *t = userdata;

        assert_true((error == 0) == (swarm != NULL));
        if (swarm)
                t->limit = swarm->history_limit;
        told(&t->f, call, error, message);
}

static int on_service(const ServiceFacts *service, void *userdata) {
        Told *t = userdata;

        t->n_services++;
        (void)snprintf(t->last, sizeof(t->last), "%s", service->name);

        return t->answer;
}

static void on_listed(EngineCall *call, int error, const char *message, void *userdata) {
        Told *t = userdata;

        told(&t->f, call, error, message);
}

static void do_swarm(Told *t) {
        again(&t->f);
        assert_int_equal(engine_swarm(t->f.client, on_swarm, t, &t->f.call), 0);
        finish(&t->f);
}

static void do_services(Told *t) {
        again(&t->f);
        t->n_services = 0;
        assert_int_equal(engine_list_services(t->f.client, on_service, on_listed, t, &t->f.call), 0);
        finish(&t->f);
}

static void assert_asked(const Told *t, const char *line) {
        char expected[256];

        (void)snprintf(expected, sizeof(expected), "%s HTTP/1.1\r\n", line);
        assert_memory_equal(t->f.server.log->request, expected, strlen(expected));
}

static void test_swarm(void **state) {
        Told t;

        (void)state;
        open_fixed(&t, 200, "{\"Spec\":{\"Orchestration\":{\"TaskHistoryRetentionLimit\":7}}}");
        do_swarm(&t);
        assert_asked(&t, "GET /v1.41/swarm");
        assert_int_equal(t.f.error, 0);
        assert_int_equal(t.limit, 7);
        engine_client_set_api(t.f.client, (ApiVersion){ 1, 44 });
        do_swarm(&t);
        assert_asked(&t, "GET /v1.44/swarm");
        close_fixture(&t.f);

        open_fixed(&t, 200, "{\"Spec\":{}}");
        do_swarm(&t);
        assert_int_equal(t.f.error, -EBADMSG);
        close_fixture(&t.f);

        open_fixed(&t, 200, "");
        do_swarm(&t);
        assert_int_equal(t.f.error, -EBADMSG);
        close_fixture(&t.f);
}

static void test_services(void **state) {
        Told t;

        (void)state;
        open_fixed(&t, 200, "[" SERVICE("a") "," SERVICE("b") "]\n");
        do_services(&t);
        assert_asked(&t, "GET /v1.41/services?status=1");
        assert_int_equal(t.f.error, 0);
        assert_int_equal(t.n_services, 2);
        assert_string_equal(t.last, "b");

        t.answer = -ENOMEM;
        do_services(&t);
        assert_int_equal(t.f.error, -ENOMEM);
        assert_int_equal(t.n_services, 1);
        close_fixture(&t.f);

        open_fixed(&t, 200, "[]\n");
        do_services(&t);
        assert_int_equal(t.f.error, 0);
        assert_int_equal(t.n_services, 0);
        close_fixture(&t.f);

        open_fixed(&t, 200, "{}");
        do_services(&t);
        assert_int_equal(t.f.error, -EBADMSG);
        close_fixture(&t.f);
}

/* The first cannot be read, the third is over the cap, and the fourth comes. */
static bool script_odd(int fd, const char *request, unsigned n, ServerLog *log) {
        static char spaces[ENGINE_OBJECT_SIZE_MAX];

        (void)request, (void)n, (void)log;
        memset(spaces, ' ', sizeof(spaces));
        server_send(fd, "HTTP/1.1 200 OK\r\n\r\n");
        server_dribble(fd, "[{\"ID\":\"x\"}," SERVICE("a") ",{\"ID\":", 20);
        server_send_bytes(fd, spaces, sizeof(spaces));
        server_send(fd, "1}," SERVICE("b") "]\n");

        return false;
}

static bool script_cut(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)request, (void)n, (void)log;
        server_send(fd, SERVER_CHUNKED_HEAD);
        server_send_chunk(fd, "[" SERVICE("a"));

        return false;
}

static void test_odd_lists(void **state) {
        Told t = {};

        (void)state;
        open_fixture(&t.f, script_odd);
        again(&t.f);
        assert_int_equal(engine_list_services(t.f.client, on_service, on_listed, &t, &t.f.call), 0);
        run_until(&t.f, &t.f.n_done, 1);
        assert_int_equal(t.f.error, 0);
        assert_int_equal(t.n_services, 2);
        assert_string_equal(t.last, "b");
        assert_int_equal(engine_call_passed_over(t.f.call), 2);
        close_fixture(&t.f);

        t = (Told){};
        open_fixture(&t.f, script_cut);
        do_services(&t);
        assert_int_equal(t.f.error, -ECONNRESET);
        assert_int_equal(t.n_services, 1);
        close_fixture(&t.f);
}

/* Only to these questions is 503 an answer about the node. */
static void test_statuses(void **state) {
        static const struct {
                int status, error;
        } cases[] = {
                { 503, -EOPNOTSUPP },
                { 500, -EREMOTEIO },
                { 502, -EREMOTEIO },
                { 403, -EACCES },
                { 404, -ENOENT },
                { 400, -EINVAL },
                { 204, -EPROTO },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                bool has_text = cases[i].status != 204;
                Told t;

                open_fixed(&t, cases[i].status, has_text ? "{\"message\":\"not a swarm manager\"}" : "");
                do_swarm(&t);
                assert_int_equal(t.f.error, cases[i].error);
                assert_int_equal(t.f.has_message, has_text);
                do_services(&t);
                assert_int_equal(t.f.error, cases[i].error);
                assert_int_equal(t.f.has_message, has_text);
                assert_int_equal(t.n_services, 0);
                assert_false(engine_error_is_connection(t.f.error));

                do_list(&t.f);
                assert_int_equal(t.f.error, cases[i].status == 503 ? -EREMOTEIO : cases[i].error);
                close_fixture(&t.f);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_swarm),
                cmocka_unit_test(test_services),
                cmocka_unit_test(test_odd_lists),
                cmocka_unit_test(test_statuses),
        };

        (void)signal(SIGPIPE, SIG_IGN);
        log_set_max_level(LOG_ERR);

        return cmocka_run_group_tests(tests, NULL, NULL);
}
