/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_event(): what an event is about and when it was, to the nanosecond; attributes that a label can
 * overwrite are read with care.
 */

#include <limits.h>

#include "decode-fixture.h"

/* An event with these attributes and this tail. */
#define EVENT(type, action, attributes, tail)                                                              \
        "{\"status\":\"x\",\"id\":\"" OTHER "\",\"from\":\"y\",\"Type\":\"" type "\",\"Action\":\"" action \
        "\",\"Actor\":{\"ID\":\"" ID "\",\"Attributes\":" attributes "},\"scope\":\"local\"" tail "}\n"
#define TIME ",\"time\":1700000000,\"timeNano\":1700000000123456789"

static void test_event_die(void **state __attribute__((unused))) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(event,
                        EVENT("container", "die",
                                        "{" SWARM_LABELS ",\"exitCode\":\"137\",\"signal\":\"9\",\"image\":"
                                        "\"busy:latest\",\"name\":\"web.1.task1\"}",
                                        TIME),
                        &d, &v);
        assert_int_equal(v.event.action, EVENT_DIE);
        assert_id(&v.event.id, ID);
        assert_true(v.event.time_nsec == INT64_C(1700000000123456789));
        assert_string_equal(v.event.name, "web.1.task1");
        assert_string_equal(v.event.image, "busy:latest");
        assert_true(v.event.has_exit_code);
        assert_int_equal(v.event.exit_code, 137);
        assert_int_equal(v.event.signal, 0);
        assert_true(v.event.labelled);
        assert_swarm_labels(&v.event.labels);
}

static void test_event_actions(void **state __attribute__((unused))) {
        static const struct {
                const char *text;
                EventAction action;
        } cases[] = {
                { EVENT("container", "create", "{}", TIME), EVENT_CREATE },
                { EVENT("container", "start", "{}", TIME), EVENT_START },
                { EVENT("container", "kill", "{}", TIME), EVENT_KILL },
                { EVENT("container", "stop", "{}", TIME), EVENT_STOP },
                { EVENT("container", "die",
                                  "{\"name\":\"\",\"image\":\"\",\"com.docker.swarm.node.id\":\"\"}", TIME),
                                EVENT_DIE },
                { EVENT("container", "destroy", "{}", TIME), EVENT_DESTROY },
                { EVENT("container", "rename", "{}", TIME), EVENT_RENAME },
                { EVENT("container", "other", "{}", TIME), EVENT_OTHER },
                { EVENT("container", "oom", "{}", TIME), EVENT_OTHER },
                { EVENT("container", "Die", "{}", TIME), EVENT_OTHER },
                { EVENT("container", "exec_create: die", "{}", TIME), EVENT_OTHER },
                { EVENT("container", "health_status: healthy", "{}", TIME), EVENT_OTHER },
                { EVENT("image", "die", "{}", TIME), EVENT_OTHER },
                { EVENT("Container", "die", "{}", TIME), EVENT_OTHER },
                { EVENT("network", "destroy", "{\"name\":5}", TIME), EVENT_OTHER },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                static const ContainerId zero;
                Result v;

                assert_good(event, cases[i].text, &d, &v);
                assert_int_equal(v.event.action, cases[i].action);
                assert_true(v.event.time_nsec == INT64_C(1700000000123456789));
                if (cases[i].action == EVENT_OTHER)
                        assert_memory_equal(&v.event.id, &zero, sizeof(zero));
                else
                        assert_id(&v.event.id, ID);
                assert_true(!v.event.name && !v.event.image && !v.event.has_exit_code && !v.event.labelled);
                assert_int_equal(v.event.exit_code, 0);
                assert_int_equal(v.event.signal, 0);
                assert_no_labels(&v.event.labels);
        }
}

/* Of other types' events only the time matters, whatever their actor is. */
static void test_event_other_types(void **state __attribute__((unused))) {
        static const char *const good[] = {
                "{\"Type\":\"volume\",\"Action\":\"mount\",\"timeNano\":5}",
                "{\"Type\":\"volume\",\"Action\":\"mount\",\"Actor\":null,\"timeNano\":5}",
                "{\"Type\":\"volume\",\"Action\":\"mount\",\"Actor\":{\"ID\":\"data\"},\"timeNano\":5}",
                "{\"Type\":\"container\",\"Action\":\"top\",\"Actor\":{},\"timeNano\":5}",
        };

        for (size_t i = 0; i < ELEMENTS_OF(good); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(event, good[i], &d, &v);
                assert_int_equal(v.event.action, EVENT_OTHER);
                assert_int_equal(v.event.time_nsec, 5);
        }
}

/* What is of the Swarm is not of this engine; only Swarm's own word says so, and no label. */
static void test_event_scope(void **state __attribute__((unused))) {
        static const struct {
                const char *text;
                bool of_swarm;
        } cases[] = {
                { "{\"Type\":\"service\",\"Action\":\"update\",\"scope\":\"swarm\",\"timeNano\":5}", true },
                { "{\"Type\":\"network\",\"Action\":\"create\",\"scope\":\"local\",\"timeNano\":5}", false },
                { "{\"Type\":\"network\",\"Action\":\"create\",\"scope\":\"\",\"timeNano\":5}", false },
                { "{\"Type\":\"network\",\"Action\":\"create\",\"timeNano\":5}", false },
                { EVENT("container", "die", "{\"scope\":\"swarm\"}", ",\"timeNano\":5"), false },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(event, cases[i].text, &d, &v);
                assert_int_equal(v.event.of_swarm, cases[i].of_swarm);
        }
}

static void test_event_times(void **state __attribute__((unused))) {
        static const struct {
                const char *text;
                int64_t time;
        } cases[] = {
                { EVENT("container", "die", "{}", ",\"timeNano\":1700000000123456789"),
                                1700000000123456789 },
                { EVENT("container", "die", "{}", ",\"timeNano\":1700000000123456788"),
                                1700000000123456788 },
                { EVENT("container", "die", "{}", ",\"timeNano\":9223372036854775807"), INT64_MAX },
                { EVENT("container", "die", "{}", ",\"timeNano\":1"), 1 },
                { EVENT("container", "die", "{}", ",\"timeNano\" : 1700000000123456789 "),
                                1700000000123456789 },
                { EVENT("container", "die", "{}", ",\"time\":1700000000"), 1700000000000000000 },
                { EVENT("container", "die", "{}", ",\"time\":7,\"timeNano\":0"), 7000000000 },
                { EVENT("container", "die", "{}", ",\"time\":7,\"timeNano\":null"), 7000000000 },
                { EVENT("container", "die", "{}", ",\"time\":\"x\",\"timeNano\":9"), 9 },
                { EVENT("container", "die", "{}", ",\"time\":9223372036"), 9223372036000000000 },
                /* Exact keys, the last of two, escapes. */
                { EVENT("container", "die", "{}",
                                  ",\"timenano\":3,\"TimeNano\":4,\"timeNano\":5,\"timeNANO\":6"),
                                5 },
                { EVENT("container", "die", "{}", ",\"timeNano\":1,\"timeNano\":1700000000123456789"),
                                1700000000123456789 },
                { EVENT("container", "die", "{}", ",\"timeNano\":\"x\",\"timeNano\":7"), 7 },
                { EVENT("container", "die", "{}", ",\"time\\u004eano\":1700000000123456789,\"z\":3"),
                                1700000000123456789 },
                { EVENT("container", "die", "{}", ",\"timeNano\":1,\"time\\u004eano\":8"), 8 },
                /* Only the outermost object's own. */
                { EVENT("container", "die", "{\"timeNano\":\"1\"}",
                                  ",\"x\":[{\"timeNano\":2}],\"timeNano\":5"),
                                5 },
                { EVENT("container", "die", "{}", ",\"timeNano\":5,\"x\":{\"timeNano\":2,\"y\":[3,4]}"), 5 },
                { EVENT("container", "die", "{\"a\":\"\\\",\\\"timeNano\\\":1,\\\\\"}", ",\"timeNano\":5"),
                                5 },
                { EVENT("container", "die", "{\"\\\\\\\\\\\"\":\"}{,\"}", ",\",\":[1,2],\"timeNano\":5"),
                                5 },
                { "{\"timeNano\":12,\"Type\":\"image\",\"Action\":\"pull\"}", 12 },
                { " \n{ \"timeNano\":12,\"Type\":\"image\",\"Action\":\"pull\"} \n", 12 },
                { "{\"Type\":\"image\",\"Action\":\"pull\",\"a\":[],\"b\":{},\"c\":[{}],\"timeNano\":12}",
                                12 },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(event, cases[i].text, &d, &v);
                if (v.event.time_nsec != cases[i].time)
                        fail_msg("%lld from %s", (long long)v.event.time_nsec, cases[i].text);
        }
}

static void test_event_attributes(void **state __attribute__((unused))) {
        static const struct {
                const char *text;
                bool has_exit_code;
                int exit_code;
                int signal;
        } cases[] = {
                { EVENT("container", "die", "{\"exitCode\":\"0\"}", TIME), true, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"-1\"}", TIME), true, -1, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"2147483647\"}", TIME), true, INT_MAX, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"-2147483648\"}", TIME), true, INT_MIN, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"1\",\"exitCode\":\"2\"}", TIME), true, 2, 0 },
                { EVENT("container", "die", "{\"exitcode\":\"1\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"1\",\"ExitCode\":\"2\"}", TIME), true, 1, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"2147483648\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"-2147483649\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"99999999999999999999999999\"}", TIME), false, 0,
                                0 },
                { EVENT("container", "die", "{\"exitCode\":\"\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"-\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"--1\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"+1\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\" 1\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"1 \"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"1.0\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"0x1\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":\"nope\"}", TIME), false, 0, 0 },
                { EVENT("container", "die", "{\"exitCode\":null}", TIME), false, 0, 0 },
                { EVENT("container", "die", "null", TIME), false, 0, 0 },
                { EVENT("container", "stop", "{\"exitCode\":\"1\",\"signal\":\"1\"}", TIME), false, 0, 0 },
                { EVENT("container", "kill", "{\"exitCode\":\"1\",\"signal\":\"15\"}", TIME), false, 0, 15 },
                { EVENT("container", "kill", "{\"signal\":\"1\"}", TIME), false, 0, 1 },
                { EVENT("container", "kill", "{\"signal\":\"64\"}", TIME), false, 0, 64 },
                { EVENT("container", "kill", "{\"signal\":\"65\"}", TIME), false, 0, 0 },
                { EVENT("container", "kill", "{\"signal\":\"0\"}", TIME), false, 0, 0 },
                { EVENT("container", "kill", "{\"signal\":\"-9\"}", TIME), false, 0, 0 },
                { EVENT("container", "kill", "{\"signal\":\"TERM\"}", TIME), false, 0, 0 },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(event, cases[i].text, &d, &v);
                if (v.event.has_exit_code != cases[i].has_exit_code ||
                                v.event.exit_code != cases[i].exit_code || v.event.signal != cases[i].signal)
                        fail_msg("%s", cases[i].text);
        }
}

/* The labels are among the attributes. */
static void test_event_labels(void **state __attribute__((unused))) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        assert_good(event, EVENT("container", "die", "{\"image\":\"i\"," ODD_LABELS "}", TIME), &d, &v);
        assert_odd_labels(&v.event.all_labels);
        assert_label(&v.event.all_labels, "image", "i");
        assert_false(v.event.labelled);

        assert_good(event, EVENT("container", "create", "{" SWARM_LABELS "}", TIME), &d, &v);
        assert_label(&v.event.all_labels, "com.docker.swarm.task", "");
        assert_label(&v.event.all_labels, "ID", NULL);

        assert_good(event, EVENT("container", "die", "null", TIME), &d, &v);
        assert_label(&v.event.all_labels, "a", NULL);

        /* Nothing is read of others. */
        assert_good(event, EVENT("container", "oom", "{\"a\":\"x\"}", TIME), &d, &v);
        assert_label(&v.event.all_labels, "a", NULL);
        assert_good(event, EVENT("network", "die", "{\"a\":\"x\"}", TIME), &d, &v);
        assert_label(&v.event.all_labels, "a", NULL);
}

static void test_event_bad(void **state __attribute__((unused))) {
        static const char *const bad[] = {
                /* Times. */
                EVENT("container", "die", "{}", ""),
                EVENT("container", "die", "{}", ",\"time\":0,\"timeNano\":0"),
                EVENT("container", "die", "{}", ",\"time\":-1"),
                EVENT("container", "die", "{}", ",\"timeNano\":-1700000000123456789"),
                EVENT("container", "die", "{}", ",\"timeNano\":-9223372036854775808"),
                EVENT("container", "die", "{}", ",\"timeNano\":9223372036854775808"),
                EVENT("container", "die", "{}", ",\"timeNano\":-9223372036854775809"),
                EVENT("container", "die", "{}", ",\"timeNano\":99999999999999999999999999999999"),
                EVENT("container", "die", "{}", ",\"timeNano\":18446744073709551617"),
                EVENT("container", "die", "{}", ",\"timeNano\":1.5"),
                EVENT("container", "die", "{}", ",\"timeNano\":1e3"),
                EVENT("container", "die", "{}", ",\"timeNano\":1e400"),
                EVENT("container", "die", "{}", ",\"timeNano\":\"1700000000123456789\""),
                EVENT("container", "die", "{}", ",\"timeNano\":[1]"),
                EVENT("container", "die", "{}", ",\"time\":9223372037"),
                EVENT("container", "die", "{}", ",\"time\":18446744074"), /* would wrap round to 0.29 s */
                EVENT("container", "die", "{}", ",\"time\":1.5"),
                EVENT("container", "die", "{}", ",\"time\":5,\"timeNano\":true"),
                EVENT("container", "die", "{}", ",\"time\":5,\"timeNano\":-0.5"),
                EVENT("container", "die", "{}", ",\"timeNano\":5E0"),
                EVENT("image", "pull", "{}", ""),
                EVENT("image", "pull", "{}", ",\"timenano\":5"),
                EVENT("image", "pull", "{}", ",\"timeNano\":5,\"timeNano\":\"x\""),
                /* What it is about. */
                "{\"Action\":\"die\",\"Actor\":{\"ID\":\"" ID "\"}" TIME "}",
                "{\"Type\":null,\"Action\":\"die\",\"Actor\":{\"ID\":\"" ID "\"}" TIME "}",
                "{\"Type\":1,\"Action\":\"die\",\"Actor\":{\"ID\":\"" ID "\"}" TIME "}",
                "{\"type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" ID "\"}" TIME "}",
                "{\"Type\":\"container\",\"Actor\":{\"ID\":\"" ID "\"}" TIME "}",
                "{\"Type\":\"container\",\"Action\":[],\"Actor\":{\"ID\":\"" ID "\"}" TIME "}",
                "{\"Type\":\"container\",\"Action\":\"die\",\"id\":\"" ID "\"" TIME "}",
                "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":\"" ID "\"" TIME "}",
                "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{}" TIME "}",
                "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"Id\":\"" ID "\"}" TIME "}",
                "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":5}" TIME "}",
                "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"web\"}" TIME "}",
                "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"" ID "0\"}" TIME "}",
                EVENT("container", "", "{}", TIME),
                /* Attributes. */
                EVENT("container", "die", "[]", TIME),
                EVENT("container", "die", "{\"name\":1}", TIME),
                EVENT("container", "die", "{\"exitCode\":1}", TIME),
                EVENT("container", "die", "{\"com.docker.swarm.task.id\":{}}", TIME),
        };

        assert_all_bad(event, bad, ELEMENTS_OF(bad));
}

static void test_every_cut(void **state __attribute__((unused))) {
        assert_cuts_bad(event,
                        EVENT("container", "die", "{\"a\":\"\\\"\\u00e9\",\"exitCode\":\"1\"}", TIME));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_event_die),
                cmocka_unit_test(test_event_actions),
                cmocka_unit_test(test_event_other_types),
                cmocka_unit_test(test_event_scope),
                cmocka_unit_test(test_event_times),
                cmocka_unit_test(test_event_attributes),
                cmocka_unit_test(test_event_labels),
                cmocka_unit_test(test_event_bad),
                cmocka_unit_test(test_every_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
