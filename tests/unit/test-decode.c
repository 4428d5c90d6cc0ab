/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: every value arrives as the engine meant it, or the object is refused and nothing is written.
 * Here: what no decoder takes, list elements, info, version and error answers; events and inspect answers
 * have files of their own.
 */

#include <stdio.h>

#include "decode-fixture.h"
#include "engine/json-value.h"
#include "base/cleanup.h"
#include "little-memory.h"

/* What is not one JSON object, whoever decodes it. */
static void test_not_an_object(void **state __attribute__((unused))) {
        static const char *const bad[] = {
                "",
                " ",
                "\n",
                "null",
                "1",
                "\"a\"",
                "[]",
                "[{}]",
                "true",
                "{",
                "}",
                "{}}",
                "{}{}",
                "{},{}",
                "{} x",
                "x{}",
                "{}\x1e",
                "\x1e{}",
                "\xef\xbb\xbf{}",
                "{\"a\"}",
                "{\"a\":}",
                "{\"a\":1,}",
                "{,}",
                "{\"a\" 1}",
                "{a:1}",
                "{'a':1}",
                "{\"a\":1 \"b\":2}",
                "{\"a\":[1,]}",
                "{\"a\":[1}",
                "{\"a\":[}]}",
                "{\"a\":tru}",
                "{\"a\":nul}",
                "{\"a\":NaN}",
                "{\"a\":-}",
                "{\"a\":\"\\x\"}",
                "{\"a\":\"\\u12\"}",
                "{\"a\":\"\\ud800\"}",
                "{\"a\":\"}",
                "{\"a\":\"\\\"}",
                "{\"a",
                "{\"a\":1,",
                "{\"a\":",
                "{/**/}",
        };
        static const Decoder decoders[] = { event, summary, detail, info, version, error };

        for (size_t i = 0; i < ELEMENTS_OF(decoders); i++)
                assert_all_bad(decoders[i], bad, ELEMENTS_OF(bad));
}

static void test_nul(void **state __attribute__((unused))) {
        static const char between[] = "{\"message\":\"x\"}\0";
        static const char in_key[] = "{\"message\0\":\"x\"}";
        static const char in_value[] = "{\"message\":\"x\0y\"}";
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_int_equal(decode_sized(error, between, sizeof(between) - 1, &d, &v), -EBADMSG);
        assert_int_equal(decode_sized(error, in_key, sizeof(in_key) - 1, &d, &v), -EBADMSG);
        assert_int_equal(decode_sized(error, in_value, sizeof(in_value) - 1, &d, &v), -EBADMSG);
}

static void test_deep_nesting(void **state __attribute__((unused))) {
        enum { DEPTH = JSON_VALUES_MAX - 10 };
        _cleanup_free_ char *text = malloc(10 + DEPTH + DEPTH + 2);
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        char *p;
        Result v;

        assert_non_null(text);
        p = stpcpy(text, "{\"x\":");
        memset(p, '[', DEPTH);
        memset(p + DEPTH, ']', DEPTH);
        strcpy(p + 2 * DEPTH, "}");
        assert_int_equal(decode(error, text, &d, &v), -EBADMSG);
}

/* Ten thousand labels, the wanted one in the middle. */
static void test_many_labels(void **state __attribute__((unused))) {
        enum { LABELS = 10000 };
        _cleanup_free_ char *text = malloc(200 + LABELS * 16);
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        char *p;
        Result v;

        assert_non_null(text);
        p = stpcpy(text, "{\"Id\":\"" ID "\",\"Labels\":{\"\":\"\"");
        for (int i = 0; i < LABELS; i++)
                p += i == LABELS / 2 ? sprintf(p, ",\"com.docker.swarm.task.id\":\"t\"")
                                     : sprintf(p, ",\"l%d\":\"\"", i);
        strcpy(p, "}}");
        assert_good(summary, text, &d, &v);
        assert_string_equal(v.summary.labels.task_id, "t");
        assert_label(&v.summary.all_labels, "l0", "");
        assert_label(&v.summary.all_labels, "l9999", "");
        assert_label(&v.summary.all_labels, "l10000", NULL);
}

/* A text within its cap that would make a tree of many times its size is refused before there is one;
 * commas and brackets in strings make no tree. */
static void test_too_many_values(void **state __attribute__((unused))) {
        static const struct {
                const char *item;
                int n, result;
        } cases[] = {
                { "\"\",", JSON_VALUES_MAX - 10, 0 },
                { "\"\",", JSON_VALUES_MAX, -EMSGSIZE },
                { "{\"\":0},", JSON_VALUES_MAX / 2 + 1, -EMSGSIZE },
                { "[],", JSON_VALUES_MAX / 2 + 1, -EMSGSIZE },
                { "\",[{\\\",[{\\\\\",", JSON_VALUES_MAX / 2, 0 },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                size_t item = strlen(cases[i].item);
                _cleanup_free_ char *text = malloc(200 + (size_t)cases[i].n * item);
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;
                char *p;

                assert_non_null(text);
                p = stpcpy(text, "{\"Id\":\"" ID "\",\"Ports\":[");
                for (int k = 0; k < cases[i].n; k++)
                        p = stpcpy(p, cases[i].item);
                strcpy(p, "0]}");
                assert_int_equal(summary(text, strlen(text), &d, &v), cases[i].result);
        }
}

static void test_summary(void **state __attribute__((unused))) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(summary,
                        "{\"Id\":\"" ID
                        "\",\"Names\":[\"/web.1.task1\"],\"Image\":\"busy:latest\",\"ImageID\":"
                        "\"sha256:1\",\"Command\":\"sh\",\"Created\":1700000000,\"Ports\":[],\"Labels\":"
                        "{" SWARM_LABELS "},\"State\":\"exited\",\"Status\":\"Exited (0) 2 hours "
                        "ago\",\"HostConfig\":{},\"Mounts\":[]}",
                        &d, &v);
        assert_id(&v.summary.id, ID);
        assert_string_equal(v.summary.name, "web.1.task1");
        assert_string_equal(v.summary.image, "busy:latest");
        assert_int_equal(v.summary.state, CONTAINER_EXITED);
        assert_true(v.summary.created == 1700000000 * USEC_PER_SEC);
        assert_swarm_labels(&v.summary.labels);
        assert_false(v.summary.exit_code_forged);
}

static void test_summary_tolerates(void **state __attribute__((unused))) {
        static const char *const good[] = {
                "{\"Id\":\"" ID "\"}",
                "{\"Id\":\"" OTHER "\",\"Id\":\"" ID "\",\"ID\":\"" OTHER "\",\"id\":3}",
                "{\"Id\":\"" ID
                "\",\"Names\":null,\"Image\":null,\"Created\":null,\"State\":null,\"Labels\":null}",
                "{\"Id\":\"" ID "\",\"Names\":[],\"Image\":\"\",\"Created\":0,\"State\":\"\",\"Labels\":{}}",
                "{\"Id\":\"" ID "\",\"names\":[\"/a\"],\"image\":\"i\",\"created\":5,\"state\":\"exited\"}",
                "{\"Id\":\"" ID "\",\"Names\":[\"/\"],\"Created\":-62135596800,\"State\":\"stopping\"}",
                "{\"Id\":\"" ID "\",\"Names\":[\"/db/web\",\"/other/web\"],\"Labels\":{\"exitcode\":\"1\"}}",
                "{\"Id\":\"" ID
                "\",\"Labels\":{\"Com.docker.swarm.task.id\":\"x\",\"com.docker.swarm.task\":1}}",
                "{\"Id\":\"" ID "\",\"State\":\"exited\",\"State\":null,\"Image\":\"x\",\"Image\":null}",
        };

        for (size_t i = 0; i < ELEMENTS_OF(good); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(summary, good[i], &d, &v);
                assert_id(&v.summary.id, ID);
                assert_null(v.summary.name);
                assert_null(v.summary.image);
                assert_int_equal(v.summary.state, CONTAINER_STATE_UNKNOWN);
                assert_int_equal(v.summary.created, 0);
                assert_no_labels(&v.summary.labels);
                assert_false(v.summary.exit_code_forged);
        }
}

static void test_summary_fields(void **state __attribute__((unused))) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(summary, "{\"Id\":\"" ID "\",\"Names\":[\"/db/alias\",\"/web\",\"/x\"]}", &d, &v);
        assert_string_equal(v.summary.name, "web");
        assert_good(summary, "{\"Id\":\"" ID "\",\"Names\":[\"/a\"],\"Names\":[\"/b\"]}", &d, &v);
        assert_string_equal(v.summary.name, "b");
        assert_good(summary, "{\"Id\":\"" ID "\",\"Labels\":{\"exitCode\":\"0\"}}", &d, &v);
        assert_true(v.summary.exit_code_forged);
        assert_good(summary, "{\"Id\":\"" ID "\",\"Labels\":{\"exitCode\":\"\"}}", &d, &v);
        assert_true(v.summary.exit_code_forged);
        assert_good(summary, "{\"Id\":\"" ID "\",\"Created\":18446744073709}", &d, &v);
        assert_true(v.summary.created == 18446744073709 * USEC_PER_SEC);
        /* What a string holds is not ours to judge. */
        assert_good(summary, "{\"Id\":\"" ID "\",\"Image\":\"\xff\\u001b[31m\\n\\\"\\ud83d\\ude00\"}", &d,
                        &v);
        assert_string_equal(v.summary.image, "\xff\x1b[31m\n\"\xf0\x9f\x98\x80");
        /* A label's NUL ends it; it neither hides nor breaks the container. */
        assert_good(summary, "{\"Id\":\"" ID "\",\"Labels\":{\"com.docker.swarm.task.id\":\"ab\\u0000cd\"}}",
                        &d, &v);
        assert_string_equal(v.summary.labels.task_id, "ab");
}

static void test_summary_labels(void **state __attribute__((unused))) {
        static const char *const without[] = {
                "{\"Id\":\"" ID "\"}",
                "{\"Id\":\"" ID "\",\"Labels\":null}",
                "{\"Id\":\"" ID "\",\"Labels\":{}}",
                "{\"Id\":\"" ID "\",\"labels\":{\"a\":\"x\"}}",
        };
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(summary, "{\"Id\":\"" ID "\",\"Labels\":{" ODD_LABELS "}}", &d, &v);
        assert_odd_labels(&v.summary.all_labels);
        assert_good(summary, "{\"Id\":\"" ID "\",\"Labels\":{" SWARM_LABELS "}}", &d, &v);
        assert_label(&v.summary.all_labels, "com.docker.swarm.task", "");
        assert_label(&v.summary.all_labels, "com.docker.swarm.service.name", "web");

        for (size_t i = 0; i < ELEMENTS_OF(without); i++) {
                assert_good(summary, without[i], &d, &v);
                assert_label(&v.summary.all_labels, "a", NULL);
                assert_label(&v.summary.all_labels, "Id", NULL);
        }
}

static void test_summary_bad(void **state __attribute__((unused))) {
        static const char *const bad[] = {
                "{}",
                "{\"ID\":\"" ID "\"}",
                "{\"Id\":null}",
                "{\"Id\":\"" ID "\",\"Id\":null}",
                "{\"Id\":\"" ID "\",\"Id\":\"x\"}",
                "{\"Id\":1}",
                "{\"Id\":\"0123456789ab\"}",
                "{\"Id\":\"" ID "\",\"Names\":\"/web\"}",
                "{\"Id\":\"" ID "\",\"Names\":{\"a\":\"/web\"}}",
                "{\"Id\":\"" ID "\",\"Names\":[\"/web\",1]}",
                "{\"Id\":\"" ID "\",\"Names\":[null]}",
                "{\"Id\":\"" ID "\",\"Image\":1}",
                "{\"Id\":\"" ID "\",\"Created\":\"1700000000\"}",
                "{\"Id\":\"" ID "\",\"Created\":1.5}",
                "{\"Id\":\"" ID "\",\"Created\":18446744073710}",
                "{\"Id\":\"" ID "\",\"Created\":-1e17}",
                "{\"Id\":\"" ID "\",\"Created\":9007199254740993}",
                "{\"Id\":\"" ID "\",\"Created\":1e10,\"Created\":1e17}",
                "{\"Id\":\"" ID "\",\"Created\":1e400}",
                "{\"Id\":\"" ID "\",\"Created\":-1e400}",
                "{\"Id\":\"" ID "\",\"Created\":true}",
                "{\"Id\":\"" ID "\",\"State\":{\"Status\":\"exited\"}}",
                "{\"Id\":\"" ID "\",\"State\":\"exited\",\"State\":true}",
                "{\"Id\":\"" ID "\",\"Labels\":[]}",
                "{\"Id\":\"" ID "\",\"Labels\":\"a=b\"}",
                "{\"Id\":\"" ID "\",\"Labels\":{\"com.docker.swarm.node.id\":1}}",
                "{\"Id\":\"" ID "\",\"Labels\":{\"com.docker.swarm.node.id\":[\"x\"]}}",
        };

        assert_all_bad(summary, bad, ELEMENTS_OF(bad));
}

static void test_info(void **state __attribute__((unused))) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(info,
                        "{\"ID\":\"x\",\"Name\":\"host1\",\"SystemTime\":\"1970-01-01T00:00:01.5Z\","
                        "\"NCPU\":2,\"Swarm\":{\"NodeID\":\"node1\","
                        "\"NodeAddr\":"
                        "\"127.0.0.1\",\"LocalNodeState\":\"active\",\"ControlAvailable\":true,"
                        "\"RemoteManagers\":null}}",
                        &d, &v);
        assert_int_equal(v.info.swarm_state, SWARM_ACTIVE);
        assert_string_equal(v.info.node_id, "node1");
        assert_true(v.info.control_available);
        assert_string_equal(v.info.host_name, "host1");
        assert_int_equal(v.info.system_time, 1500000);

        assert_good(info,
                        "{\"Swarm\":{\"NodeID\":\"\",\"LocalNodeState\":\"inactive\",\"ControlAvailable\":"
                        "false}}",
                        &d, &v);
        assert_int_equal(v.info.swarm_state, SWARM_INACTIVE);
        assert_null(v.info.node_id);
        assert_false(v.info.control_available);
        assert_null(v.info.host_name);
        assert_int_equal(v.info.system_time, 0);
}

static void test_info_unknown(void **state __attribute__((unused))) {
        static const char *const good[] = {
                "{}",
                "{\"Swarm\":null,\"Name\":\"\"}",
                "{\"Swarm\":{}}",
                "{\"swarm\":{\"LocalNodeState\":\"active\"}}",
                "{\"Swarm\":{\"LocalNodeState\":\"\",\"NodeID\":null,\"ControlAvailable\":null}}",
                "{\"Swarm\":{\"LocalNodeState\":\"Active\",\"nodeID\":\"x\"}}",
                "{\"Swarm\":{\"LocalNodeState\":\"active\"},\"Swarm\":{\"LocalNodeState\":\"resting\"}}",
        };
        static const char *const bad[] = {
                "{\"Swarm\":[]}",
                "{\"Swarm\":\"active\"}",
                "{\"Name\":1}",
                "{\"SystemTime\":1}",
                "{\"SystemTime\":\"now\"}",
                "{\"Swarm\":{\"LocalNodeState\":1}}",
                "{\"Swarm\":{\"NodeID\":1}}",
                "{\"Swarm\":{\"ControlAvailable\":\"true\"}}",
        };

        for (size_t i = 0; i < ELEMENTS_OF(good); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(info, good[i], &d, &v);
                assert_int_equal(v.info.swarm_state, SWARM_STATE_UNKNOWN);
                assert_null(v.info.node_id);
                assert_null(v.info.host_name);
                assert_false(v.info.control_available);
        }
        assert_all_bad(info, bad, ELEMENTS_OF(bad));
}

static void test_info_root_dir(void **state __attribute__((unused))) {
        static const struct {
                const char *text, *root_dir;
        } cases[] = {
                { "{\"DockerRootDir\":\"/var/lib/docker\"}", "/var/lib/docker" },
                { "{\"DockerRootDir\":\"/a\",\"DockerRootDir\":\"/b\"}", "/b" },
                { "{\"DockerRootDir\":\"\"}", NULL },
                { "{\"DockerRootDir\":null}", NULL },
                { "{\"DockerRootDir\":\"C:\\\\ProgramData\\\\docker\"}", NULL },
                { "{\"DockerRootDir\":\"docker\"}", NULL },
                { "{\"DockerRootDir\":1}", NULL },
                { "{\"DockerRootDir\":[\"/a\"]}", NULL },
                { "{\"dockerRootDir\":\"/a\"}", NULL },
                { "{\"Swarm\":{\"DockerRootDir\":\"/a\"}}", NULL },
                { "{}", NULL },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(info, cases[i].text, &d, &v);
                assert_path(v.info.root_dir, cases[i].root_dir, cases[i].text);
        }
}

static void test_version(void **state __attribute__((unused))) {
        static const char *const bad[] = {
                "{}",
                "{\"Version\":\"20.10.24\"}",
                "{\"APIVersion\":\"1.41\"}",
                "{\"ApiVersion\":\"\"}",
                "{\"ApiVersion\":1.41}",
                "{\"ApiVersion\":\"latest\"}",
                "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1\"}",
                "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":1.12}",
                "{\"ApiVersion\":\"1.41\",\"Version\":20}",
        };
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(version,
                        "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\","
                        "\"Components\":[{"
                        "\"Version\":\"1\",\"Details\":{\"ApiVersion\":\"9.9\"}}]}\n",
                        &d, &v);
        assert_string_equal(v.version.engine, "20.10.24");
        assert_int_equal(v.version.newest.major, 1);
        assert_int_equal(v.version.newest.minor, 41);
        assert_int_equal(v.version.oldest.major, 1);
        assert_int_equal(v.version.oldest.minor, 12);

        assert_good(version,
                        "{\"Version\":\"\",\"ApiVersion\":\"1.52\",\"MinApiVersion\":\"1.44\","
                        "\"MinAPIVersion\":\"\"}",
                        &d, &v);
        assert_null(v.version.engine);
        assert_int_equal(v.version.newest.minor, 52);
        assert_true(v.version.oldest.major == 0 && v.version.oldest.minor == 0);

        assert_all_bad(version, bad, ELEMENTS_OF(bad));
}

static void test_error(void **state __attribute__((unused))) {
        static const char *const none[] = { "{}", "{\"message\":null}", "{\"message\":\"\"}",
                "{\"Message\":\"x\"}" };
        static const char *const bad[] = { "{\"message\":1}", "404 page not found\n", "", "<html>" };
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(error, "{\"message\":\"No such container: x\\n\"}\n", &d, &v);
        assert_string_equal(v.message, "No such container: x\n");
        for (size_t i = 0; i < ELEMENTS_OF(none); i++) {
                assert_good(error, none[i], &d, &v);
                assert_null(v.message);
        }
        assert_all_bad(error, bad, ELEMENTS_OF(bad));
}

/* A text whose tree needs more than there is: not the engine's fault, so not -EBADMSG. */
static int little_memory(void) {
        const size_t size = 30 * MEGABYTE;
        _cleanup_free_ char *text = malloc(size);
        Decoded d = DECODED_INIT;
        const char *message;

        if (!text)
                return -1;
        memset(text, 'x', size);
        memcpy(text, "{\"a\":\"", 6);
        memcpy(text + size - 2, "\"}", 2);

        if (decode_error(text, size, &d, &message) != -ENOMEM)
                return -1;
        /* What was taken is given back, and the next answer is not blamed. */
        if (decode_error("{}", 2, &d, &message) != 0 || message)
                return -1;
        decoded_done(&d);
        if (decode_error(text, size, &d, &message) != -ENOMEM)
                return -1;
        return decode_error("{!}", 3, &d, &message) == -EBADMSG ? 0 : -1;
}

static void test_little_memory(void **state __attribute__((unused))) {
        with_little_memory(little_memory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_not_an_object),
                cmocka_unit_test(test_nul),
                cmocka_unit_test(test_deep_nesting),
                cmocka_unit_test(test_many_labels),
                cmocka_unit_test(test_too_many_values),
                cmocka_unit_test(test_summary),
                cmocka_unit_test(test_summary_tolerates),
                cmocka_unit_test(test_summary_fields),
                cmocka_unit_test(test_summary_labels),
                cmocka_unit_test(test_summary_bad),
                cmocka_unit_test(test_info),
                cmocka_unit_test(test_info_unknown),
                cmocka_unit_test(test_info_root_dir),
                cmocka_unit_test(test_version),
                cmocka_unit_test(test_error),
                cmocka_unit_test(test_little_memory),
        };

        size_t last = little_memory_is_possible() ? 0 : 1; /* those with little memory come last */

        return _cmocka_run_group_tests("tests", tests, ELEMENTS_OF(tests) - last, NULL, NULL);
}
