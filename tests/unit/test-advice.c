/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is advised, by which settings and facts.
 */

#include "advice-fixture.h"

static void test_nothing(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f);
        begin(&f);
        add(&f, named("web"));
        end(&f);
        assert_int_equal(f.n, 0);
        close_fixture(&f);
}

/* `low` and `high`: the limit of the command, 0 for none, -1 as it is. */
static void test_history_limit(void **state) {
        static const struct {
                const char *keep_last, *keep_last_failure, *failure;
                int64_t limit;
                int low, high;
        } cases[] = {
                /* of the defaults one failure is kept */
                { "0", "1", "1d", 5, 0, 0 },
                { "0", "1", "1d", 2, 0, 0 },
                { "0", "1", "1d", 1, 2, 0 },
                { "0", "1", "1d", 0, 2, 0 },
                { "0", "1", "1d", 20, 0, 0 },
                { "0", "1", "1d", 21, 0, 5 },
                { "0", "1", "1d", INT64_MAX, 0, 5 },
                { "0", "1", "1d", -1, 0, 5 },
                { "0", "1", "1d", INT64_MIN, 0, 5 },
                /* the larger of both counts */
                { "4", "1", "1d", 5, 0, 0 },
                { "5", "1", "1d", 5, 6, 0 },
                { "1", "7", "1d", 5, 8, 0 },
                { "30", "1", "1d", 5, 31, 0 },
                { "30", "1", "1d", 31, 0, 0 },
                { "30", "1", "1d", 32, 0, 31 },
                { "30", "1", "1d", -1, 0, 31 },
                { "infinity", "1", "1d", 100, -1, 0 },
                { "0", "infinity", "1d", 100, -1, 0 },
                { "infinity", "1", "1d", -1, 0, 0 },
                /* a span keeps what Swarm lets it */
                { "0", "0", "1d", 2, 0, 0 },
                { "0", "0", "1d", 1, 2, 0 },
                { "0", "0", "infinity", 0, 2, 0 },
                { "0", "0", "0", 0, 0, 0 },
                { "0", "0", "0", 21, 0, 5 },
        };

        (void)state;
        for (size_t services = 0; services < 2; services++)
                for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                        char command[64];
                        Fixture f;

                        open_fixture(&f);
                        set(&f.settings, SETTING_KEEP_LAST, cases[i].keep_last, "conf", 3);
                        set(&f.settings, SETTING_KEEP_LAST_FAILURE, cases[i].keep_last_failure, "conf", 4);
                        set(&f.settings, SETTING_FAILURE, cases[i].failure, "conf", 5);
                        f.swarm.history_limit = cases[i].limit;
                        begin(&f);
                        if (services > 0)
                                add(&f, named("web"));
                        end(&f);

                        (void)snprintf(command, sizeof(command),
                                        "docker swarm update --task-history-limit %d",
                                        cases[i].low != 0 ? cases[i].low : cases[i].high);
                        if (f.n != (cases[i].low != 0 || cases[i].high != 0))
                                fail_msg("%zu pieces in case %zu", f.n, i);
                        if (cases[i].low != 0)
                                assert_command(&f, ADVICE_HISTORY_LIMIT_LOW, "swarm", command);
                        if (cases[i].high != 0)
                                assert_command(&f, ADVICE_HISTORY_LIMIT_HIGH, "swarm", command);
                        close_fixture(&f);
                }
}

/* What Swarm does by the limit that is advised, which spans here do not prevent. */
static void test_history_limit_too_high(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f);
        set(&f.settings, SETTING_KEEP_LAST, "7", "conf", 3);
        f.swarm.history_limit = 50;
        begin(&f);
        end(&f);
        assert_says(&f, ADVICE_HISTORY_LIMIT_HIGH,
                        "Swarm keeps the records of up to 50 tasks of a slot, on every manager, also when "
                        "reaperd "
                        "has removed the containers. (With 8, Swarm itself removes all but the last 7 ended "
                        "tasks "
                        "of a slot, with their containers, even before their spans are over.)");
        close_fixture(&f);
}

/* Which value asks for it, and where it stands. */
static void test_history_origin(void **state) {
        static const LabelPair pairs[] = { { KEEP_LAST, "9" }, { NULL, NULL } };
        ServiceFacts asks = named("asks"), job = named("job"), tries = named("tries");
        Fixture f;

        (void)state;
        asks.container_labels = job.container_labels = tries.container_labels = labels_of(pairs);
        job.mode = SERVICE_REPLICATED_JOB;
        tries.max_attempts = 3;

        open_fixture(&f);
        set(&f.settings, SETTING_KEEP_LAST, "7", "/etc/reaperd/x.conf", 12);
        begin(&f);
        end(&f);
        assert_says(&f, ADVICE_HISTORY_LIMIT_LOW, "KeepLast=7 (/etc/reaperd/x.conf:12) is cut to 4");
        close_fixture(&f);

        open_fixture(&f);
        begin(&f);
        add(&f, named("web"));
        add(&f, asks);
        add(&f, named("other"));
        end(&f);
        assert_says(&f, ADVICE_HISTORY_LIMIT_LOW,
                        "KeepLast=9 (label org.reaperd.keep-last) of service asks is cut to 4");
        assert_command(&f, ADVICE_HISTORY_LIMIT_LOW, "swarm", "docker swarm update --task-history-limit 10");
        close_fixture(&f);

        /* Of jobs, and where attempts are limited, the limit does not decide. */
        open_fixture(&f);
        begin(&f);
        add(&f, job);
        add(&f, tries);
        end(&f);
        assert_int_equal(f.n, 0);
        close_fixture(&f);

        open_fixture(&f);
        set(&f.settings, SETTING_LABELS_HONOR, "no", "conf", 1);
        begin(&f);
        add(&f, asks);
        end(&f);
        assert_int_equal(f.n, 0);
        close_fixture(&f);

        open_fixture(&f);
        set(&f.settings, SETTING_KEEP_LAST_FAILURE, "0", "conf", 1);
        f.swarm.history_limit = 1;
        begin(&f);
        add(&f, named("web"));
        end(&f);
        assert_says(&f, ADVICE_HISTORY_LIMIT_LOW, "Failure=1d (default) of service web is without effect");
        close_fixture(&f);
}

/* A rule speaks for some services; what [Retention] says of the others does not matter if there are none. */
static void test_history_rules(void **state) {
        static const LabelPair pairs[] = { { "com.docker.stack.namespace", "shop" }, { NULL, NULL } };
        ServiceFacts db = named("db"), stack = named("shop_web"), image = named("tool");
        Rule *rule = NULL;
        Fixture f;

        (void)state;
        stack.container_labels = labels_of(pairs);
        image.image = "tool:2";

        for (size_t i = 0; i < 4; i++) {
                static const RuleKey keys[] = { RULE_SERVICE, RULE_STACK, RULE_IMAGE, RULE_SERVICE };
                static const char *const patterns[] = { "db", "shop", "tool:*", "nothing" };
                static const char *const names[] = { "db", "shop_web", "tool", NULL };

                open_fixture(&f);
                assert_int_equal(settings_add_rule(&f.settings, "r", "conf", 20, &rule, NULL), 0);
                assert_int_equal(rule_set(&f.settings, rule, keys[i], patterns[i], "conf", 21, NULL), 0);
                assert_int_equal(rule_set_value(&f.settings, rule, SETTING_KEEP_LAST, "6", "conf", 22, NULL),
                                0);
                begin(&f);
                add(&f, db);
                add(&f, stack);
                add(&f, image);
                end(&f);
                assert_int_equal(f.n, names[i] ? 1 : 0);
                if (names[i]) {
                        char part[64];

                        (void)snprintf(part, sizeof(part), "KeepLast=6 (conf:22) of service %s", names[i]);
                        assert_says(&f, ADVICE_HISTORY_LIMIT_LOW, part);
                }
                close_fixture(&f);
        }

        open_fixture(&f);
        set(&f.settings, SETTING_KEEP_LAST, "50", "conf", 1);
        assert_int_equal(settings_add_rule(&f.settings, "r", "conf", 20, &rule, NULL), 0);
        assert_int_equal(rule_set(&f.settings, rule, RULE_SERVICE, "db", "conf", 21, NULL), 0);
        assert_int_equal(rule_set_value(&f.settings, rule, SETTING_KEEP_LAST, "0", "conf", 22, NULL), 0);
        begin(&f);
        add(&f, db);
        end(&f);
        assert_int_equal(f.n, 0);
        close_fixture(&f);
}

static void test_restart_delay(void **state) {
        ServiceFacts at_bound = named("bound"), slow = named("slow"), never = named("never"),
                     job = named("job"), global = named("global");
        Fixture f;

        (void)state;
        at_bound.restart_delay = MINUTE;
        slow.restart_delay = MINUTE + 1;
        never.restart_delay = job.restart_delay = global.restart_delay = HOUR;
        never.restarts = false;
        job.mode = SERVICE_REPLICATED_JOB;
        global.mode = SERVICE_GLOBAL;

        open_fixture(&f);
        begin(&f);
        add(&f, at_bound);
        add(&f, slow);
        add(&f, never);
        add(&f, job);
        add(&f, global);
        end(&f);
        assert_int_equal(f.n, 2);
        assert_command(&f, ADVICE_RESTART_DELAY, "slow", "docker service update --restart-delay 5s slow");
        assert_command(&f, ADVICE_RESTART_DELAY, "global",
                        "docker service update --restart-delay 5s global");
        assert_says(&f, ADVICE_RESTART_DELAY, "A task waits 1h ");
        close_fixture(&f);
}

static void test_log_driver(void **state) {
        static const char *const mortal[] = { "json-file", "local", "none" };
        static const char *const kept[] = { "journald", "syslog", "fluentd", "json-file2", "JSON-FILE" };
        ServiceFacts s;
        Fixture f;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(mortal); i++) {
                open_fixture(&f);
                begin_with(&f, mortal[i]);
                s = named("web");
                s.log_driver = mortal[i];
                add(&f, s);
                s.name = "job";
                s.mode = SERVICE_REPLICATED_JOB; /* an update would run it again */
                add(&f, s);
                end(&f);
                assert_int_equal(f.n, 1);
                assert_command(&f, ADVICE_LOG_DRIVER, "web",
                                "docker service update --log-driver journald web");
                assert_says(&f, ADVICE_LOG_DRIVER, mortal[i]);
                close_fixture(&f);
        }
        for (size_t i = 0; i < ELEMENTS_OF(kept); i++) {
                open_fixture(&f);
                begin_with(&f, kept[i]);
                add(&f, named("default"));
                s = named("web");
                s.log_driver = kept[i];
                add(&f, s);
                end(&f);
                assert_int_equal(f.n, 0);
                close_fixture(&f);
        }

        /* The end of a log goes into the journal; of no log there is no end. */
        open_fixture(&f);
        set(&f.settings, SETTING_LOG_TAIL, "10", "conf", 1);
        begin_with(&f, "json-file");
        add(&f, named("default"));
        s = named("json");
        s.log_driver = "json-file";
        add(&f, s);
        s.name = "none";
        s.log_driver = "none";
        add(&f, s);
        end(&f);
        assert_int_equal(f.n, 1);
        assert_command(&f, ADVICE_LOG_DRIVER, "none", "docker service update --log-driver journald none");
        close_fixture(&f);
}

/* One piece for all that name no driver. */
static void test_default_log_driver(void **state) {
        ServiceFacts job = named("job");
        Fixture f;

        (void)state;
        job.mode = SERVICE_GLOBAL_JOB;

        open_fixture(&f);
        begin_with(&f, "json-file");
        add(&f, named("a"));
        add(&f, named("b"));
        add(&f, job);
        end(&f);
        assert_int_equal(f.n, 1);
        assert_says(&f, ADVICE_LOG_DRIVER, "log driver json-file");
        assert_says(&f, ADVICE_LOG_DRIVER, "3 services name no other");
        assert_command(&f, ADVICE_LOG_DRIVER, "engine",
                        "mkdir -p -- /etc/reaperd/reaperd.conf.d && printf '[Retention]\\nLogTail=20\\n' "
                        ">/etc/reaperd/reaperd.conf.d/50-log-tail.conf && systemctl reload reaperd");
        close_fixture(&f);

        open_fixture(&f);
        f.config = "/srv/it's/r.conf";
        begin_with(&f, "local");
        add(&f, named("a"));
        end(&f);
        assert_command(&f, ADVICE_LOG_DRIVER, "engine",
                        "mkdir -p -- '/srv/it'\\''s/r.conf.d' && printf '[Retention]\\nLogTail=20\\n' "
                        ">'/srv/it'\\''s/r.conf.d/50-log-tail.conf' && systemctl reload reaperd");
        close_fixture(&f);

        /* Meant so, not told, or nobody's. */
        for (size_t i = 0; i < 3; i++) {
                static const char *const drivers[] = { "none", NULL, "local" };

                open_fixture(&f);
                begin_with(&f, drivers[i]);
                if (i < 2)
                        add(&f, named("a"));
                end(&f);
                assert_int_equal(f.n, 0);
                close_fixture(&f);
        }
}

/* Whoever keeps containers needs no advice on what is lost with them. */
static void test_kept(void **state) {
        static const LabelPair pairs[] = { { KEEP, "true" }, { NULL, NULL } };
        ServiceFacts s = named("db"), job = named("db-job");
        Fixture f;

        (void)state;
        s.log_driver = "json-file";
        s.restart_delay = HOUR;
        job.mode = SERVICE_REPLICATED_JOB;
        job.finished = true;

        for (size_t i = 0; i < 2; i++) {
                open_fixture(&f);
                if (i == 0)
                        s.container_labels = job.container_labels = labels_of(pairs);
                else {
                        Rule *rule = NULL;

                        s.container_labels = job.container_labels = (Labels){};
                        assert_int_equal(settings_add_rule(&f.settings, "r", "conf", 1, &rule, NULL), 0);
                        assert_int_equal(rule_set(&f.settings, rule, RULE_ACTION, "keep", "conf", 2, NULL),
                                        0);
                }
                begin_with(&f, "json-file");
                add(&f, s);
                s.log_driver = NULL;
                add(&f, s);
                s.log_driver = "json-file";
                add(&f, job);
                end(&f);
                assert_int_equal(f.n, 2); /* but a prune would take what waits all the same */
                assert_non_null(find(&f, ADVICE_RESTART_DELAY, "db"));
                assert_null(find(&f, ADVICE_LOG_DRIVER, NULL));
                assert_null(find(&f, ADVICE_JOB, NULL));
                close_fixture(&f);
        }
}

static void test_job(void **state) {
        static const struct {
                ServiceMode mode;
                bool finished, advised;
        } cases[] = {
                { SERVICE_REPLICATED_JOB, true, true },
                { SERVICE_GLOBAL_JOB, true, true },
                { SERVICE_REPLICATED_JOB, false, false },
                { SERVICE_GLOBAL_JOB, false, false },
                { SERVICE_REPLICATED, true, false },
                { SERVICE_MODE_UNKNOWN, true, false },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                ServiceFacts s = named("nightly");
                Fixture f;

                s.mode = cases[i].mode;
                s.finished = cases[i].finished;
                open_fixture(&f);
                begin(&f);
                add(&f, s);
                end(&f);
                assert_int_equal(f.n, cases[i].advised ? 1 : 0);
                if (cases[i].advised)
                        assert_command(&f, ADVICE_JOB, "nightly", "docker service rm nightly");
                close_fixture(&f);
        }
}

static void test_kind_names(void **state) {
        (void)state;
        for (AdviceKind kind = 0; kind < _ADVICE_KIND_MAX; kind++) {
                assert_non_null(advice_kind_name(kind));
                for (AdviceKind other = 0; other < kind; other++)
                        assert_string_not_equal(advice_kind_name(kind), advice_kind_name(other));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_history_limit),
                cmocka_unit_test(test_history_limit_too_high),
                cmocka_unit_test(test_history_origin),
                cmocka_unit_test(test_history_rules),
                cmocka_unit_test(test_restart_delay),
                cmocka_unit_test(test_log_driver),
                cmocka_unit_test(test_default_log_driver),
                cmocka_unit_test(test_kept),
                cmocka_unit_test(test_job),
                cmocka_unit_test(test_kind_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
