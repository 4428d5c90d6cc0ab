/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_detail(): the exact values that a removal rests on. What it decides by must be there and right;
 * where the answer contradicts itself the container counts as the more alive.
 */

#include <limits.h>

#include "decode-fixture.h"

#define DETAIL(state)                                                                                \
        "{\"Id\":\"" ID                                                                              \
        "\",\"Created\":\"2023-11-14T22:13:20.123456789Z\",\"Path\":\"sh\",\"State\":" state         \
        ",\"Name\":\"/web.1.task1\",\"Config\":{\"Image\":\"busy:latest\",\"Labels\":{" SWARM_LABELS \
        "}},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"\"}}}"
#define TIMES \
        ",\"StartedAt\":\"2023-11-14T22:13:21.5Z\",\"FinishedAt\":\"2023-11-14T23:13:22.000001999+01:00\""
#define STATE(status, running, paused, restarting)                                     \
        DETAIL("{\"Status\":\"" status "\",\"Running\":" running ",\"Paused\":" paused \
               ",\"Restarting\":" restarting ",\"ExitCode\":0" TIMES "}")

static void test_detail(void **state __attribute__((unused))) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(detail,
                        DETAIL("{\"Status\":\"exited\",\"Running\":false,\"Paused\":false,\"Restarting\":"
                               "false,"
                               "\"OOMKilled\":true,\"Dead\":false,\"Pid\":0,\"ExitCode\":137,\"Error\":"
                               "\"boom\"" TIMES "}"),
                        &d, &v);
        assert_id(&v.detail.id, ID);
        assert_string_equal(v.detail.name, "web.1.task1");
        assert_string_equal(v.detail.image, "busy:latest");
        assert_int_equal(v.detail.state, CONTAINER_EXITED);
        assert_int_equal(v.detail.exit_code, 137);
        assert_true(v.detail.oom_killed);
        assert_string_equal(v.detail.error, "boom");
        assert_true(v.detail.created == 1700000000123456);
        assert_true(v.detail.started == 1700000001500000);
        assert_true(v.detail.finished == 1700000002000001);
        assert_swarm_labels(&v.detail.labels);
}

static void test_detail_tolerates(void **state __attribute__((unused))) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(detail,
                        "{\"Id\":\"" ID "\",\"Created\":\"0001-01-01T00:00:00Z\",\"State\":{\"ExitCode\":-1,"
                        "\"FinishedAt\":\"0001-01-01T00:00:00Z\",\"Error\":\"\"}}",
                        &d, &v);
        assert_null(v.detail.name);
        assert_null(v.detail.image);
        assert_int_equal(v.detail.state, CONTAINER_STATE_UNKNOWN);
        assert_int_equal(v.detail.exit_code, -1);
        assert_false(v.detail.oom_killed);
        assert_null(v.detail.error);
        assert_true(v.detail.created == 0 && v.detail.started == 0 && v.detail.finished == 0);
        assert_no_labels(&v.detail.labels);

        assert_good(detail,
                        "{\"Id\":\"" ID
                        "\",\"Created\":\"2023-11-14T22:13:20Z\",\"Name\":\"/\",\"State\":{\"Status\":"
                        "\"dead\",\"ExitCode\":1,\"ExitCode\":2147483647,\"exitCode\":0,\"FinishedAt\":"
                        "\"2023-11-14T22:13:20Z\"},\"Config\":{\"Image\":\"\",\"Labels\":null}}",
                        &d, &v);
        assert_null(v.detail.name);
        assert_null(v.detail.image);
        assert_int_equal(v.detail.state, CONTAINER_DEAD);
        assert_int_equal(v.detail.exit_code, INT_MAX);
        assert_no_labels(&v.detail.labels);
}

/* Flags that say more life than Status win; never the other way round. */
static void test_detail_state(void **state __attribute__((unused))) {
        static const struct {
                const char *text;
                ContainerState state;
        } cases[] = {
                { STATE("created", "false", "false", "false"), CONTAINER_CREATED },
                { STATE("running", "true", "false", "false"), CONTAINER_RUNNING },
                { STATE("paused", "true", "true", "false"), CONTAINER_PAUSED },
                { STATE("restarting", "true", "false", "true"), CONTAINER_RESTARTING },
                { STATE("removing", "false", "false", "false"), CONTAINER_REMOVING },
                { STATE("exited", "false", "false", "false"), CONTAINER_EXITED },
                { STATE("dead", "false", "false", "false"), CONTAINER_DEAD },
                { STATE("created", "true", "false", "false"), CONTAINER_RUNNING },
                { STATE("removing", "true", "false", "false"), CONTAINER_RUNNING },
                { STATE("exited", "true", "false", "false"), CONTAINER_RUNNING },
                { STATE("dead", "true", "false", "false"), CONTAINER_RUNNING },
                { STATE("exited", "false", "true", "false"), CONTAINER_PAUSED },
                { STATE("exited", "true", "true", "false"), CONTAINER_PAUSED },
                { STATE("exited", "false", "false", "true"), CONTAINER_RESTARTING },
                { STATE("exited", "true", "false", "true"), CONTAINER_RESTARTING },
                { STATE("running", "false", "false", "false"), CONTAINER_RUNNING },
                { STATE("restarting", "false", "false", "false"), CONTAINER_RESTARTING },
                { STATE("stopping", "false", "false", "false"), CONTAINER_STATE_UNKNOWN },
                { STATE("Exited", "false", "false", "false"), CONTAINER_STATE_UNKNOWN },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(detail, cases[i].text, &d, &v);
                if (v.detail.state != cases[i].state)
                        fail_msg("%s from %s", container_state_name(v.detail.state), cases[i].text);
        }
}

/* An answer with these further fields. */
#define WITH(fields)                                                                                     \
        "{\"Id\":\"" ID                                                                                  \
        "\",\"Created\":\"2023-11-14T22:13:20Z\",\"State\":{\"ExitCode\":0,\"FinishedAt\":\"2023-11-14T" \
        "22:13:20Z\"}," fields "}"

static void test_detail_labels(void **state __attribute__((unused))) {
        static const char *const without[] = {
                WITH("\"Config\":{\"Labels\":null}"),
                WITH("\"Config\":{\"labels\":{\"a\":\"x\"}}"),
                WITH("\"Config\":{\"a\":\"x\"}"),
                WITH("\"Config\":null"),
                WITH("\"Labels\":{\"a\":\"x\"}"),
        };
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(detail, WITH("\"Config\":{\"Image\":\"i\",\"Labels\":{" ODD_LABELS "}}"), &d, &v);
        assert_odd_labels(&v.detail.all_labels);
        for (size_t i = 0; i < ELEMENTS_OF(without); i++) {
                assert_good(detail, without[i], &d, &v);
                assert_label(&v.detail.all_labels, "a", NULL);
                assert_label(&v.detail.all_labels, "Id", NULL);
        }
}

/* What the engine may do with the container by itself, and how its log is framed. */
static void test_detail_host_config(void **state __attribute__((unused))) {
        static const struct {
                const char *text;
                bool auto_remove, may_restart, tty;
        } cases[] = {
                { WITH("\"Config\":{},\"HostConfig\":{}"), false, false, false },
                { WITH("\"Config\":null,\"HostConfig\":null"), false, false, false },
                { WITH("\"Config\":{\"Tty\":true}"), false, false, true },
                { WITH("\"Config\":{\"Tty\":false}"), false, false, false },
                { WITH("\"Config\":{\"Tty\":null,\"tty\":true}"), false, false, false },
                { WITH("\"Config\":{\"Tty\":false,\"Tty\":true}"), false, false, true },
                { WITH("\"Tty\":true,\"AutoRemove\":true,\"RestartPolicy\":{\"Name\":\"always\"}"), false,
                                false, false },
                { WITH("\"HostConfig\":{\"AutoRemove\":true}"), true, false, false },
                { WITH("\"HostConfig\":{\"AutoRemove\":false}"), false, false, false },
                { WITH("\"HostConfig\":{\"AutoRemove\":null,\"autoRemove\":true}"), false, false, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":null}"), false, false, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{}}"), false, false, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":null}}"), false, false, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"\"}}"), false, false, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"no\"}}"), false, false, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"name\":\"always\"}}"), false, false, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"always\"}}"), false, true, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"unless-stopped\"}}"), false, true,
                                false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}"
                       "}"),
                                false, true, false },
                /* Words that no engine knows yet may mean anything. */
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"No\"}}"), false, true, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"none\"}}"), false, true, false },
                { WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"no\",\"Name\":\"always\"}}"), false,
                                true, false },
                { WITH("\"Config\":{\"Tty\":true},\"HostConfig\":{\"AutoRemove\":true,\"RestartPolicy\":{"
                       "\"Name\":\"always\"}}"),
                                true, true, true },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(detail, cases[i].text, &d, &v);
                if (v.detail.auto_remove != cases[i].auto_remove ||
                                v.detail.may_restart != cases[i].may_restart || v.detail.tty != cases[i].tty)
                        fail_msg("%d %d %d from %s", v.detail.auto_remove, v.detail.may_restart,
                                        v.detail.tty, cases[i].text);
        }
}

/* Where what it holds lies, for measuring it: told by a path, or by nothing. */
static void test_detail_paths(void **state __attribute__((unused))) {
        static const struct {
                const char *text, *upper_dir, *log_path;
        } cases[] = {
                { WITH("\"Config\":{}"), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":{\"LowerDir\":\"/l:/m\",\"MergedDir\":\"/merged\","
                       "\"UpperDir\":\"/var/lib/docker/overlay2/0/diff\",\"WorkDir\":\"/w\"},\"Name\":"
                       "\"overlay2\"},\"LogPath\":\"/var/lib/docker/containers/1/1-json.log\""),
                                "/var/lib/docker/overlay2/0/diff",
                                "/var/lib/docker/containers/1/1-json.log" },
                { WITH("\"GraphDriver\":{\"Data\":{\"UpperDir\":\"/u\"}},\"LogPath\":\"\""), "/u", NULL },
                { WITH("\"GraphDriver\":null,\"LogPath\":\"/l\""), NULL, "/l" },
                { WITH("\"GraphDriver\":{},\"LogPath\":null"), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":null,\"Name\":\"vfs\"},\"LogPath\":\"l\""), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":{\"Dataset\":\"/d\"}},\"LogPath\":\"./l\""), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":{\"UpperDir\":\"\"}}"), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":{\"UpperDir\":null}}"), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":{\"UpperDir\":\"u/v\"}}"), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":{\"upperDir\":\"/u\"}}"), NULL, NULL },
                { WITH("\"GraphDriver\":{\"UpperDir\":\"/u\"}"), NULL, NULL },
                { WITH("\"Data\":{\"UpperDir\":\"/u\"},\"Config\":{\"LogPath\":\"/l\"}"), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":{\"UpperDir\":\"/u\",\"UpperDir\":\"/v\"}},"
                       "\"LogPath\":\"/l\",\"LogPath\":\"/m\""),
                                "/v", "/m" },
                /* Other types decide about no removal, and are no paths. */
                { WITH("\"GraphDriver\":\"overlay2\",\"LogPath\":1"), NULL, NULL },
                { WITH("\"GraphDriver\":[\"Data\"],\"LogPath\":[\"/l\"]"), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":[\"/u\"]},\"LogPath\":{}"), NULL, NULL },
                { WITH("\"GraphDriver\":{\"Data\":{\"UpperDir\":[\"/u\"]}},\"LogPath\":true"), NULL, NULL },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(detail, cases[i].text, &d, &v);
                assert_path(v.detail.upper_dir, cases[i].upper_dir, cases[i].text);
                assert_path(v.detail.log_path, cases[i].log_path, cases[i].text);
        }
}

#define FINISHED "\"FinishedAt\":\"2023-11-14T22:13:20Z\""
#define CREATED  "\"Created\":\"2023-11-14T22:13:20Z\""

static void test_detail_bad(void **state __attribute__((unused))) {
        static const char *const bad[] = {
                "{" CREATED ",\"State\":{\"ExitCode\":0," FINISHED "}}",
                "{\"Id\":\"" ID "\",\"State\":{\"ExitCode\":0," FINISHED "}}",
                "{\"Id\":\"" ID "\"," CREATED "}",
                "{\"Id\":\"" ID "\"," CREATED ",\"State\":null}",
                "{\"Id\":\"" ID "\"," CREATED ",\"State\":\"exited\"}",
                "{\"Id\":\"" ID "\"," CREATED ",\"state\":{\"ExitCode\":0," FINISHED "}}",
                "{\"Id\":\"" ID "\",\"Created\":1700000000,\"State\":{\"ExitCode\":0," FINISHED "}}",
                "{\"Id\":\"" ID "\",\"Created\":\"\",\"State\":{\"ExitCode\":0," FINISHED "}}",
                DETAIL("{}"),
                DETAIL("{" FINISHED "}"),
                DETAIL("{\"ExitCode\":null," FINISHED "}"),
                DETAIL("{\"ExitCode\":\"0\"," FINISHED "}"),
                DETAIL("{\"exitCode\":0," FINISHED "}"),
                DETAIL("{\"ExitCode\":2147483648," FINISHED "}"),
                DETAIL("{\"ExitCode\":-2147483649," FINISHED "}"),
                DETAIL("{\"ExitCode\":0.5," FINISHED "}"),
                DETAIL("{\"ExitCode\":1e300," FINISHED "}"),
                DETAIL("{\"ExitCode\":0}"),
                DETAIL("{\"ExitCode\":0,\"FinishedAt\":null}"),
                DETAIL("{\"ExitCode\":0,\"FinishedAt\":\"\"}"),
                DETAIL("{\"ExitCode\":0,\"FinishedAt\":0}"),
                DETAIL("{\"ExitCode\":0,\"FinishedAt\":\"yesterday\"}"),
                DETAIL("{\"ExitCode\":0,\"FinishedAt\":\"10000-01-01T00:00:00Z\"}"),
                DETAIL("{\"ExitCode\":0," FINISHED ",\"StartedAt\":\"never\"}"),
                DETAIL("{\"ExitCode\":0," FINISHED ",\"Running\":\"false\"}"),
                DETAIL("{\"ExitCode\":0," FINISHED ",\"Paused\":0}"),
                DETAIL("{\"ExitCode\":0," FINISHED ",\"Restarting\":[]}"),
                DETAIL("{\"ExitCode\":0," FINISHED ",\"OOMKilled\":1}"),
                DETAIL("{\"ExitCode\":0," FINISHED ",\"Error\":false}"),
                DETAIL("{\"ExitCode\":0," FINISHED ",\"Status\":5}"),
                "{\"Id\":\"" ID "\"," CREATED ",\"Config\":[],\"State\":{\"ExitCode\":0," FINISHED "}}",
                "{\"Id\":\"" ID "\"," CREATED
                ",\"Config\":{\"Labels\":[]},\"State\":{\"ExitCode\":0," FINISHED "}}",
                "{\"Id\":\"" ID "\"," CREATED ",\"Config\":{\"Image\":1},\"State\":{\"ExitCode\":0," FINISHED
                "}}",
                "{\"Id\":\"" ID "\"," CREATED ",\"Name\":1,\"State\":{\"ExitCode\":0," FINISHED "}}",
                WITH("\"Config\":{\"Tty\":\"true\"}"),
                WITH("\"Config\":{\"Tty\":0}"),
                WITH("\"HostConfig\":[]"),
                WITH("\"HostConfig\":true"),
                WITH("\"HostConfig\":{\"AutoRemove\":\"false\"}"),
                WITH("\"HostConfig\":{\"AutoRemove\":0}"),
                WITH("\"HostConfig\":{\"RestartPolicy\":\"no\"}"),
                WITH("\"HostConfig\":{\"RestartPolicy\":[]}"),
                WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":false}}"),
                WITH("\"HostConfig\":{\"RestartPolicy\":{\"Name\":[\"no\"]}}"),
        };
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        /* What the bad ones are made from is good. */
        assert_good(detail, DETAIL("{\"ExitCode\":0," FINISHED "}"), &d, &v);
        assert_all_bad(detail, bad, ELEMENTS_OF(bad));
}

static void test_every_cut(void **state __attribute__((unused))) {
        assert_cuts_bad(detail, STATE("exited", "false", "false", "false"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_detail),
                cmocka_unit_test(test_detail_tolerates),
                cmocka_unit_test(test_detail_state),
                cmocka_unit_test(test_detail_labels),
                cmocka_unit_test(test_detail_host_config),
                cmocka_unit_test(test_detail_paths),
                cmocka_unit_test(test_detail_bad),
                cmocka_unit_test(test_every_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
