/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The stream that comes back: what it asks for at each connection.
 */

#include "client-fixture.h"

#include "engine/event-stream.h"

#define PLAIN_EVENT                                                                                   \
        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" HEX_B "\",\"Attributes\":{" \
        "\"name\":\"plain\",\"exitCode\":\"1\"}},\"time\":2,\"timeNano\":2000000005}\n"

/* A subscription without the filter for tasks gets an event of what is none. */
static bool script_engine(int fd, const char *request, unsigned n, ServerLog *log) {
        (void)n, (void)log;
        if (strncmp(request, "GET /version ", 13) == 0) {
                server_answer(fd, 200, "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\"}");
                return true;
        }

        server_send(fd, SERVER_CHUNKED_HEAD);
        if (!strstr(request, "label"))
                server_send_chunk(fd, PLAIN_EVENT);
        for (unsigned i = 0; i < 100; i++)
                (void)sleep(1);

        return false;
}

static void on_up(const char *engine, ApiVersion api, void *userdata) {
        Fixture *f = userdata;

        assert_string_equal(engine, "20.10.24");
        assert_int_equal(api.minor, 41);
        f->n_open++;
}

static void on_stream_event(const EngineEvent *event, void *userdata) {
        (void)on_event(event, userdata);
        assert_string_equal(event->name, "plain");
}

static void on_gap(void *userdata) {
        (void)userdata;
        fail_msg("gap");
}

static void on_down(int error, const char *message, void *userdata) {
        (void)userdata;
        fail_msg("down: %d, %s", error, message ? message : "");
}

static const EventStreamHandlers handlers = {
        .up = on_up,
        .event = on_stream_event,
        .gap = on_gap,
        .down = on_down,
};

static void assert_subscribed(const Fixture *f, bool since, bool tasks_only) {
        const char *request = f->server.log->request;

        assert_memory_equal(request, "GET /v1.41/events?", 18);
        assert_int_equal(strstr(request, "since=2.000000005&") != NULL, since);
        assert_non_null(strstr(request, "filters=%7B%22type%22%3A%5B%22container%22%5D"));
        assert_int_equal(strstr(request, "label%22%3A%5B%22com.docker.swarm.task%22") != NULL, tasks_only);
}

static void test_tasks_only(void **state) {
        EventStream *s = NULL;
        Fixture f;

        (void)state;
        open_fixture(&f, script_engine);
        assert_int_equal(event_stream_new(f.event, f.client, true, &handlers, &f, &s), 0);
        run_until(&f, &f.n_open, 1);
        assert_subscribed(&f, false, true);

        /* Not before there is a new connection. */
        event_stream_set_tasks_only(s, false);
        turn(&f, 50 * USEC_PER_MSEC);
        assert_int_equal(f.n_events, 0);
        assert_int_equal(f.server.log->n_requests, 2);

        event_stream_reconnect(s);
        run_until(&f, &f.n_open, 2);
        assert_subscribed(&f, false, false);
        run_until(&f, &f.n_events, 1);
        assert_int_equal(f.last_action, EVENT_DIE);
        assert_false(f.labelled);

        event_stream_set_tasks_only(s, true);
        event_stream_reconnect(s);
        run_until(&f, &f.n_open, 3);
        assert_subscribed(&f, true, true);

        (void)event_stream_free(s);
        close_fixture(&f);
}

static void test_all_from_the_start(void **state) {
        EventStream *s = NULL;
        Fixture f;

        (void)state;
        open_fixture(&f, script_engine);
        assert_int_equal(event_stream_new(f.event, f.client, false, &handlers, &f, &s), 0);
        run_until(&f, &f.n_open, 1);
        assert_subscribed(&f, false, false);
        run_until(&f, &f.n_events, 1);

        (void)event_stream_free(s);
        close_fixture(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tasks_only),
                cmocka_unit_test(test_all_from_the_start),
        };

        (void)signal(SIGPIPE, SIG_IGN);
        log_set_max_level(LOG_ERR);

        return cmocka_run_group_tests(tests, NULL, NULL);
}
