/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a manager tells of its Swarm: answers of a real engine 20.10, and what no engine sends.
 */

#include "decode-fixture.h"

#include <stdio.h>

#define LIMIT(value)                                                                        \
        "{\"ID\":\"miq9\",\"Spec\":{\"Name\":\"default\",\"Labels\":{},\"Orchestration\":{" \
        "\"TaskHistoryRetentionLimit\":" value "},\"Raft\":{\"KeepOldSnapshots\":0}}}"

#define TEMPLATE                                                                                 \
        "\"ContainerSpec\":{\"Image\":\"busy:1\",\"Labels\":{\"org.reaperd.keep-last\":\"3\"}}," \
        "\"RestartPolicy\":{\"Condition\":\"any\",\"Delay\":3600000000000,\"MaxAttempts\":4},"   \
        "\"LogDriver\":{\"Name\":\"json-file\",\"Options\":{\"max-size\":\"1m\"}},\"ForceUpdate\":0"

#define SERVICE(template, mode, status)                                                         \
        "{\"ID\":\"3j74\",\"Version\":{\"Index\":11},\"Spec\":{\"Name\":\"web\",\"Labels\":{}," \
        "\"TaskTemplate\":{" template "},\"Mode\":{" mode "}}" status "}"

#define REPLICATED     "\"Replicated\":{\"Replicas\":2}"
#define REPLICATED_JOB "\"ReplicatedJob\":{\"MaxConcurrent\":2,\"TotalCompletions\":3}"
#define STATUS(r, d, done) \
        ",\"ServiceStatus\":{\"RunningTasks\":" r ",\"DesiredTasks\":" d ",\"CompletedTasks\":" done "}"

static void test_swarm(void **state) {
        static const struct {
                const char *text;
                int64_t limit;
        } cases[] = {
                { LIMIT("5"), 5 },
                { LIMIT("0"), 0 },
                { LIMIT("-1"), -1 },
                { LIMIT("9007199254740993"), INT64_C(9007199254740992) },
                { LIMIT("9223372036854775807"), INT64_MAX },
                { LIMIT("-9223372036854775808"), INT64_MIN },
                { LIMIT("1e300"), INT64_MAX },
                { LIMIT("-1e999"), INT64_MIN },
        };
        static const char *const bad[] = {
                "",
                "[]",
                "{}",
                "{\"Spec\":{}}",
                "{\"Spec\":{\"Orchestration\":{}}}",
                LIMIT("null"),
                LIMIT("\"5\""),
                LIMIT("{}"),
                LIMIT("true"),
                "{\"Spec\":[]}",
                "{\"Spec\":{\"Orchestration\":5}}",
                "{\"spec\":{\"orchestration\":{\"TaskHistoryRetentionLimit\":5}}}",
        };
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                assert_good(swarm, cases[i].text, &d, &v);
                if (v.swarm.history_limit != cases[i].limit)
                        fail_msg("%lld from %s", (long long)v.swarm.history_limit, cases[i].text);
        }
        assert_all_bad(swarm, bad, ELEMENTS_OF(bad));
        assert_cuts_bad(swarm, cases[0].text);
}

static void test_service(void **state) {
        static const char text[] = SERVICE(TEMPLATE, REPLICATED, STATUS("2", "2", "0"));
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        (void)state;
        assert_good(service, text, &d, &v);
        assert_string_equal(v.service.id, "3j74");
        assert_string_equal(v.service.name, "web");
        assert_string_equal(v.service.image, "busy:1");
        assert_string_equal(v.service.log_driver, "json-file");
        assert_int_equal(v.service.mode, SERVICE_REPLICATED);
        assert_true(v.service.restarts);
        assert_int_equal(v.service.restart_delay, USEC_PER_HOUR);
        assert_int_equal(v.service.max_attempts, 4);
        assert_false(v.service.finished);
        assert_label(&v.service.container_labels, "org.reaperd.keep-last", "3");
        assert_label(&v.service.container_labels, "org.reaperd.keep", NULL);
        assert_cuts_bad(service, text);

        /* What may be left out, is. */
        assert_good(service, "{\"ID\":\"x\",\"Spec\":{\"Name\":\"n\"}}", &d, &v);
        assert_int_equal(v.service.mode, SERVICE_MODE_UNKNOWN);
        assert_null(v.service.log_driver);
        assert_null(v.service.image);
        assert_true(v.service.restarts);
        assert_int_equal(v.service.restart_delay, 0);
        assert_int_equal(v.service.max_attempts, 0);
        assert_false(v.service.finished);
        assert_label(&v.service.container_labels, "org.reaperd.keep-last", NULL);
}

static void test_restart_policy(void **state) {
        static const struct {
                const char *text;
                bool restarts;
                usec_t delay;
                uint64_t max_attempts;
        } cases[] = {
                { "", true, 0, 0 },
                { "\"RestartPolicy\":null", true, 0, 0 },
                { "\"RestartPolicy\":{}", true, 0, 0 },
                { "\"RestartPolicy\":{\"Condition\":\"none\",\"Delay\":5000000000}", false, 5 * USEC_PER_SEC,
                                0 },
                { "\"RestartPolicy\":{\"Condition\":\"on-failure\"}", true, 0, 0 },
                { "\"RestartPolicy\":{\"Condition\":\"some-day\"}", true, 0, 0 },
                { "\"RestartPolicy\":{\"Delay\":-1,\"MaxAttempts\":-5}", true, 0, 0 },
                /* Half a year in nanoseconds is more than a double holds exactly. */
                { "\"RestartPolicy\":{\"Delay\":15552000000000000}", true, 180 * USEC_PER_DAY, 0 },
                { "\"RestartPolicy\":{\"Delay\":9223372036854775807,\"MaxAttempts\":18446744073709551615}",
                                true, INT64_MAX / 1000, INT64_MAX },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                char text[512];
                Result v;

                (void)snprintf(text, sizeof(text),
                                "{\"ID\":\"x\",\"Spec\":{\"Name\":\"n\",\"TaskTemplate\":{%s}}}",
                                cases[i].text);
                assert_good(service, text, &d, &v);
                if (v.service.restarts != cases[i].restarts || v.service.restart_delay != cases[i].delay ||
                                v.service.max_attempts != cases[i].max_attempts)
                        fail_msg("%d %llu %llu from %s", v.service.restarts,
                                        (unsigned long long)v.service.restart_delay,
                                        (unsigned long long)v.service.max_attempts, text);
        }
}

/* With the status that an engine 20.10 gives: of a replicated job the desired tasks are those at a time, of
 * a global one those that are to come. */
static void test_jobs(void **state) {
        static const struct {
                const char *text;
                ServiceMode mode;
                bool finished;
        } cases[] = {
                { SERVICE(TEMPLATE, REPLICATED_JOB, STATUS("0", "2", "3")), SERVICE_REPLICATED_JOB, true },
                { SERVICE(TEMPLATE, REPLICATED_JOB, STATUS("0", "2", "4")), SERVICE_REPLICATED_JOB, true },
                { SERVICE(TEMPLATE, REPLICATED_JOB, STATUS("0", "2", "2")), SERVICE_REPLICATED_JOB, false },
                { SERVICE(TEMPLATE, REPLICATED_JOB, STATUS("1", "2", "3")), SERVICE_REPLICATED_JOB, false },
                { SERVICE(TEMPLATE, REPLICATED_JOB, STATUS("0", "0", "0")), SERVICE_REPLICATED_JOB, false },
                { SERVICE(TEMPLATE, REPLICATED_JOB, ""), SERVICE_REPLICATED_JOB, false },
                { SERVICE(TEMPLATE, REPLICATED_JOB, ",\"ServiceStatus\":{}"), SERVICE_REPLICATED_JOB,
                                false },
                { SERVICE(TEMPLATE, "\"ReplicatedJob\":{}", STATUS("0", "0", "0")), SERVICE_REPLICATED_JOB,
                                false },
                { SERVICE(TEMPLATE, "\"GlobalJob\":{}", STATUS("0", "0", "1")), SERVICE_GLOBAL_JOB, true },
                { SERVICE(TEMPLATE, "\"GlobalJob\":{}", STATUS("0", "1", "1")), SERVICE_GLOBAL_JOB, false },
                { SERVICE(TEMPLATE, "\"GlobalJob\":{}", STATUS("1", "1", "1")), SERVICE_GLOBAL_JOB, false },
                { SERVICE(TEMPLATE, "\"GlobalJob\":{}", STATUS("0", "0", "0")), SERVICE_GLOBAL_JOB, false },
                { SERVICE(TEMPLATE, "\"Global\":{}", STATUS("0", "0", "1")), SERVICE_GLOBAL, false },
                { SERVICE(TEMPLATE, REPLICATED, STATUS("0", "0", "9")), SERVICE_REPLICATED, false },
                { SERVICE(TEMPLATE, "\"Some\":{}", STATUS("0", "0", "1")), SERVICE_MODE_UNKNOWN, false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_good(service, cases[i].text, &d, &v);
                if (v.service.mode != cases[i].mode || v.service.finished != cases[i].finished)
                        fail_msg("%d %d from %s", v.service.mode, v.service.finished, cases[i].text);
        }
        assert_true(service_mode_is_job(SERVICE_GLOBAL_JOB));
        assert_false(service_mode_is_job(SERVICE_GLOBAL));
}

static void test_bad_services(void **state) {
        static const char *const bad[] = {
                "",
                "[]",
                "{}",
                "null",
                "{\"ID\":\"x\"}",
                "{\"ID\":\"x\",\"Spec\":{}}",
                "{\"ID\":\"\",\"Spec\":{\"Name\":\"n\"}}",
                "{\"ID\":\"x\",\"Spec\":{\"Name\":\"\"}}",
                "{\"ID\":7,\"Spec\":{\"Name\":\"n\"}}",
                "{\"ID\":\"x\",\"Spec\":{\"Name\":[\"n\"]}}",
                "{\"id\":\"x\",\"spec\":{\"name\":\"n\"}}",
                SERVICE("\"RestartPolicy\":[]", REPLICATED, ""),
                SERVICE("\"RestartPolicy\":{\"Condition\":1}", REPLICATED, ""),
                SERVICE("\"RestartPolicy\":{\"Delay\":\"5s\"}", REPLICATED, ""),
                SERVICE("\"RestartPolicy\":{\"MaxAttempts\":{}}", REPLICATED, ""),
                SERVICE("\"LogDriver\":\"local\"", REPLICATED, ""),
                SERVICE("\"LogDriver\":{\"Name\":1}", REPLICATED, ""),
                SERVICE("\"ContainerSpec\":\"x\"", REPLICATED, ""),
                SERVICE("\"ContainerSpec\":{\"Image\":1}", REPLICATED, ""),
                SERVICE("\"ContainerSpec\":{\"Labels\":[]}", REPLICATED, ""),
                SERVICE(TEMPLATE, "\"Replicated\":true", ""),
                SERVICE(TEMPLATE, "\"ReplicatedJob\":{\"TotalCompletions\":\"3\"}", ""),
                SERVICE(TEMPLATE, REPLICATED, ",\"ServiceStatus\":[]"),
                SERVICE(TEMPLATE, REPLICATED, STATUS("\"0\"", "0", "0")),
                SERVICE(TEMPLATE, REPLICATED, STATUS("0", "true", "0")),
                SERVICE(TEMPLATE, REPLICATED, STATUS("0", "0", "[]")),
        };

        (void)state;
        assert_all_bad(service, bad, ELEMENTS_OF(bad));
}

static void test_info(void **state) {
        static const char *const bad[] = { "{\"LoggingDriver\":1}" };
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        Result v;

        (void)state;
        assert_good(info, "{\"LoggingDriver\":\"json-file\"}", &d, &v);
        assert_string_equal(v.info.log_driver, "json-file");
        assert_good(info, "{\"LoggingDriver\":\"\"}", &d, &v);
        assert_null(v.info.log_driver);
        assert_good(info, "{\"loggingdriver\":\"local\"}", &d, &v);
        assert_null(v.info.log_driver);
        assert_all_bad(info, bad, ELEMENTS_OF(bad));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_swarm),
                cmocka_unit_test(test_service),
                cmocka_unit_test(test_restart_policy),
                cmocka_unit_test(test_jobs),
                cmocka_unit_test(test_bad_services),
                cmocka_unit_test(test_info),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
