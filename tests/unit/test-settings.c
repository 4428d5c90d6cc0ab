/* SPDX-License-Identifier: Apache-2.0 */

#include "settings-fixture.h"

static void defaults_are_those_promised(void **state) {
        _cleanup_settings_ Settings s = {};

        (void)state;
        memset(&s, 0xff, sizeof(s));
        assert_int_equal(settings_init(&s), 0);
        resolve(&s);

        assert_string_equal(s.endpoint, "unix:///run/docker.sock");
        assert_true(s.resync_interval == 5 * USEC_PER_MINUTE);
        assert_true(s.request_timeout == 60 * USEC_PER_SEC);
        assert_true(s.settle_time == 60 * USEC_PER_SEC);
        assert_true(s.retention.minimum_age == 60 * USEC_PER_SEC);
        assert_true(s.retention.success == USEC_PER_HOUR);
        assert_true(s.retention.failure == 24 * USEC_PER_HOUR);
        assert_true(s.retention.oom_killed == 24 * USEC_PER_HOUR);
        assert_true(s.retention.shutdown == USEC_PER_HOUR);
        assert_true(s.retention.failed_start == 24 * USEC_PER_HOUR);
        assert_true(s.retention.orphan_age == USEC_PER_HOUR);
        assert_int_equal(s.retention.remove_volumes, REMOVE_VOLUMES_SWARM);
        assert_int_equal(s.parallelism, 4);
        assert_true(s.retry_initial == 5 * USEC_PER_SEC);
        assert_true(s.retry_max == 10 * USEC_PER_MINUTE);
        assert_int_equal(s.quarantine_after, 8);
        assert_int_equal(s.retention.keep_last, 0);
        assert_int_equal(s.retention.keep_last_failure, 1);
        assert_true(s.retention.keep_last_for == 7 * USEC_PER_DAY);
        assert_int_equal(s.retention.log_tail, 0);
        assert_int_equal(s.max_stopped, COUNT_INFINITY);
        assert_true(s.labels_honor);
        assert_true(s.labels_max_ttl == USEC_INFINITY);
        assert_int_equal(s.surge_limit, 50);
        assert_true(s.first_run_delay == 10 * USEC_PER_MINUTE);
        assert_true(s.pressure.enabled);
        assert_int_equal(s.pressure.memory_available_low, 500);
        assert_int_equal(s.pressure.memory_available_high, 800);
        assert_int_equal(s.pressure.memory_used_high, SHARE_OFF);
        assert_int_equal(s.pressure.memory_used_low, SHARE_OFF);
        assert_true(s.pressure.stall.on);
        assert_false(s.pressure.stall.full);
        assert_true(s.pressure.stall.threshold == 200 * USEC_PER_MSEC);
        assert_true(s.pressure.stall.window == 2 * USEC_PER_SEC);
        assert_string_equal(s.pressure.pressure_file, "/proc/pressure/memory");
        assert_true(s.pressure.minimum_age == 15 * USEC_PER_SEC);
        assert_int_equal(s.pressure.elevated_factor, 1000);
        assert_true(s.pressure.sustain == 5 * USEC_PER_SEC);
        assert_true(s.pressure.cool_down == 15 * USEC_PER_SEC);
        assert_int_equal(s.pressure.batch_size, 8);
        assert_int_equal(s.pressure.order, RELIEF_ORDER_HELD);
        assert_true(s.pressure.minimum_reclaim == UINT64_C(16) << 20);
        assert_int_equal(s.pressure.give_up_after, 3);
        assert_true(s.pressure.give_up_for == 10 * USEC_PER_MINUTE);
        assert_int_equal(s.disk.used_high, SHARE_OFF);
        assert_int_equal(s.disk.used_low, SHARE_OFF);
        assert_int_equal(s.disk.inodes_high, SHARE_OFF);
        assert_int_equal(s.disk.inodes_low, SHARE_OFF);
        assert_int_equal(s.n_rules, 0);

        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                assert_null(s.origins[id].file);
                assert_int_equal(s.origins[id].line, 0);
                assert_true(s.origins[id].is_default);
        }
}

static void values_are_read(void **state) {
        static const struct {
                SettingId id;
                const char *text, *formatted;
        } cases[] = {
                { SETTING_ENDPOINT, "unix:///a b", "unix:///a b" },
                { SETTING_ENDPOINT, "unix:///a;b", "unix:///a;b" },
                { SETTING_ENDPOINT, "unix:///a #b", "unix:///a #b" },
                { SETTING_ENDPOINT, "tcp://[::1]:02375", "tcp://[::1]:02375" },
                { SETTING_RESYNC_INTERVAL, "10", "10s" },
                { SETTING_RESYNC_INTERVAL, "1d", "1d" },
                { SETTING_REQUEST_TIMEOUT, "1s", "1s" },
                { SETTING_REQUEST_TIMEOUT, "60min", "1h" },
                { SETTING_SETTLE_TIME, "0", "0" },
                { SETTING_SETTLE_TIME, "24h", "1d" },
                { SETTING_MINIMUM_AGE, "10s", "10s" },
                { SETTING_MINIMUM_AGE, "10000ms", "10s" },
                { SETTING_MINIMUM_AGE, "infinity", "infinity" },
                { SETTING_SUCCESS, "0", "0" },
                { SETTING_SUCCESS, "1us", "1us" },
                { SETTING_SUCCESS, "infinity", "infinity" },
                { SETTING_SUCCESS, "18446744073709551614us", "213503982d 8h 1min 49s 551ms 614us" },
                { SETTING_FAILURE, "1h 30min", "1h 30min" },
                { SETTING_OOM_KILLED, "1w", "7d" },
                { SETTING_SHUTDOWN, "infinity", "infinity" },
                { SETTING_FAILED_START, "infinity", "infinity" },
                { SETTING_ORPHAN_AGE, "infinity", "infinity" },
                { SETTING_REMOVE_VOLUMES, "swarm", "swarm" },
                { SETTING_REMOVE_VOLUMES, "never", "never" },
                { SETTING_REMOVE_VOLUMES, "always", "always" },
                { SETTING_PARALLELISM, "1", "1" },
                { SETTING_PARALLELISM, "16", "16" },
                { SETTING_PARALLELISM, "0000000000000000000000000000000000016", "16" },
                { SETTING_RETRY_INITIAL, "1h", "1h" },
                { SETTING_RETRY_MAX, "1d", "1d" },
                { SETTING_QUARANTINE_AFTER, "1000", "1000" },
                { SETTING_KEEP_LAST, "10000", "10000" },
                { SETTING_KEEP_LAST, "infinity", "infinity" },
                { SETTING_KEEP_LAST_FAILURE, "0", "0" },
                { SETTING_KEEP_LAST_FAILURE, "infinity", "infinity" },
                { SETTING_KEEP_LAST_FOR, "infinity", "infinity" },
                { SETTING_KEEP_LAST_FOR, "0", "0" },
                { SETTING_LOG_TAIL, "100", "100" },
                { SETTING_MAX_STOPPED, "0", "0" },
                { SETTING_MAX_STOPPED, "1000000", "1000000" },
                { SETTING_LABELS_HONOR, "FALSE", "no" },
                { SETTING_LABELS_HONOR, "on", "yes" },
                { SETTING_LABELS_MAX_TTL, "0", "0" },
                { SETTING_SURGE_LIMIT, "0", "0" },
                { SETTING_SURGE_LIMIT, "1000000", "1000000" },
                { SETTING_FIRST_RUN_DELAY, "1w", "7d" },
                { SETTING_FIRST_RUN_DELAY, "0", "0" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_read(cases[i].id, cases[i].text, cases[i].formatted);
}

static void other_values_are_refused(void **state) {
        static const struct {
                SettingId id;
                const char *text;
                int error;
                const char *what;
        } cases[] = {
                { SETTING_ENDPOINT, "/run/docker.sock", -EINVAL, "begins with neither unix:// nor tcp://" },
                { SETTING_ENDPOINT, "unix:///a ;b", -EINVAL, "semicolon behind a space" },
                { SETTING_ENDPOINT, "unix:///a  ;", -EINVAL, "semicolon behind a space" },
                { SETTING_ENDPOINT, "unix:///a\t;b", -EINVAL, "unprintable" },
                { SETTING_ENDPOINT, "unix:///a\nMinimumAge=0", -EINVAL, "unprintable" },
                { SETTING_ENDPOINT, "unix:///a ", -EINVAL, "ends with a space" },
                { SETTING_ENDPOINT, " unix:///a", -EINVAL, "begins with neither" },
                { SETTING_ENDPOINT, " ", -EINVAL, "begins with neither" },
                { SETTING_RESYNC_INTERVAL, "9s", -ERANGE, "is out of range" },
                { SETTING_RESYNC_INTERVAL, "9999999us", -ERANGE, "is out of range" },
                { SETTING_RESYNC_INTERVAL, "24h 1us", -ERANGE, "is out of range" },
                { SETTING_RESYNC_INTERVAL, "infinity", -ERANGE, "is out of range" },
                { SETTING_RESYNC_INTERVAL, "-1s", -ERANGE, "is out of range" },
                { SETTING_RESYNC_INTERVAL, "soon", -EINVAL, "is not a time span" },
                { SETTING_RESYNC_INTERVAL, "5min # often", -EINVAL, "is not a time span" },
                { SETTING_RESYNC_INTERVAL, " ", -EINVAL, "is not a time span" },
                { SETTING_REQUEST_TIMEOUT, "0", -ERANGE, "is out of range" },
                { SETTING_REQUEST_TIMEOUT, "infinity", -ERANGE, "is out of range" },
                { SETTING_REQUEST_TIMEOUT, "61min", -ERANGE, "is out of range" },
                { SETTING_SETTLE_TIME, "infinity", -ERANGE, "is out of range" },
                { SETTING_SETTLE_TIME, "25h", -ERANGE, "is out of range" },
                { SETTING_MINIMUM_AGE, "0", -ERANGE, "is out of range" },
                { SETTING_MINIMUM_AGE, "9999999us", -ERANGE, "is out of range" },
                { SETTING_MINIMUM_AGE, "9.999999s", -ERANGE, "is out of range" },
                { SETTING_SUCCESS, "18446744073709551615us", -ERANGE, "is out of range" },
                { SETTING_SUCCESS, "never", -EINVAL, "is not a time span" },
                { SETTING_REMOVE_VOLUMES, "Swarm", -EINVAL, "is not one of the choices" },
                { SETTING_REMOVE_VOLUMES, "yes", -EINVAL, "is not one of the choices" },
                { SETTING_REMOVE_VOLUMES, "swarm ", -EINVAL, "is not one of the choices" },
                { SETTING_REMOVE_VOLUMES, "swar", -EINVAL, "is not one of the choices" },
                { SETTING_PARALLELISM, "0", -ERANGE, "is out of range" },
                { SETTING_PARALLELISM, "17", -ERANGE, "is out of range" },
                { SETTING_PARALLELISM, "4294967300", -ERANGE, "is out of range" },
                { SETTING_PARALLELISM, "18446744073709551620", -ERANGE, "is out of range" },
                { SETTING_PARALLELISM, "99999999999999999999999999999999999", -ERANGE, "is out of range" },
                { SETTING_PARALLELISM, "-1", -EINVAL, "is not a whole number" },
                { SETTING_PARALLELISM, "+4", -EINVAL, "is not a whole number" },
                { SETTING_PARALLELISM, "4.0", -EINVAL, "is not a whole number" },
                { SETTING_PARALLELISM, "0x4", -EINVAL, "is not a whole number" },
                { SETTING_PARALLELISM, "4 ", -EINVAL, "is not a whole number" },
                { SETTING_PARALLELISM, "four", -EINVAL, "is not a whole number" },
                { SETTING_PARALLELISM, "99999999999999999999999x", -EINVAL, "is not a whole number" },
                { SETTING_RETRY_INITIAL, "500ms", -ERANGE, "is out of range" },
                { SETTING_RETRY_MAX, "infinity", -ERANGE, "is out of range" },
                { SETTING_QUARANTINE_AFTER, "0", -ERANGE, "is out of range" },
                { SETTING_QUARANTINE_AFTER, "1001", -ERANGE, "is out of range" },
                { SETTING_QUARANTINE_AFTER, "infinity", -EINVAL, "is not a whole number" },
                { SETTING_KEEP_LAST, "10001", -ERANGE, "is out of range" },
                { SETTING_KEEP_LAST, "4294967295", -ERANGE, "is out of range" },
                { SETTING_KEEP_LAST, "Infinity", -EINVAL, "is not a whole number" },
                { SETTING_KEEP_LAST, "infinity ", -EINVAL, "is not a whole number" },
                { SETTING_LOG_TAIL, "101", -ERANGE, "is out of range" },
                { SETTING_LOG_TAIL, "infinity", -EINVAL, "is not a whole number" },
                { SETTING_MAX_STOPPED, "1000001", -ERANGE, "is out of range" },
                { SETTING_LABELS_HONOR, "2", -EINVAL, "is not a boolean" },
                { SETTING_LABELS_HONOR, "yes ", -EINVAL, "is not a boolean" },
                { SETTING_SURGE_LIMIT, "1000001", -ERANGE, "is out of range" },
                { SETTING_SURGE_LIMIT, "infinity", -EINVAL, "is not a whole number" },
                { SETTING_FIRST_RUN_DELAY, "infinity", -ERANGE, "is out of range" },
                { SETTING_FIRST_RUN_DELAY, "169h", -ERANGE, "is out of range" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_refused(cases[i].id, cases[i].text, cases[i].error, cases[i].what);
}

static void an_empty_value_is_the_default(void **state) {
        _cleanup_settings_ Settings s = {};

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        set(&s, SETTING_ENDPOINT, "unix:///a", "one", 1);
        set(&s, SETTING_PARALLELISM, "16", "one", 2);
        set(&s, SETTING_REMOVE_VOLUMES, "never", "one", 3);
        set(&s, SETTING_SUCCESS, "2h", "one", 4);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                set(&s, id, "", "two", 10 + (unsigned)id);
        resolve(&s);

        assert_value(&s, SETTING_ENDPOINT, "unix:///run/docker.sock");
        assert_value(&s, SETTING_PARALLELISM, "4");
        assert_value(&s, SETTING_REMOVE_VOLUMES, "swarm");
        assert_value(&s, SETTING_SUCCESS, "1h");
        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                assert_true(s.origins[id].is_default);
                assert_string_equal(s.origins[id].file, "two");
                assert_int_equal(s.origins[id].line, 10 + id);
        }
}

static void settings_follow_others(void **state) {
        _cleanup_settings_ Settings s = {};

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        assert_value(&s, SETTING_OOM_KILLED, "1d");
        assert_value(&s, SETTING_SHUTDOWN, "1h");

        /* the order in which they are set does not matter */
        set(&s, SETTING_OOM_KILLED, "", "file", 1);
        set(&s, SETTING_FAILURE, "2d", "file", 2);
        set(&s, SETTING_SUCCESS, "infinity", "file", 3);
        resolve(&s);
        assert_value(&s, SETTING_OOM_KILLED, "2d");
        assert_value(&s, SETTING_SHUTDOWN, "infinity");

        /* a value of one's own stays, 0 too */
        set(&s, SETTING_OOM_KILLED, "0", "file", 4);
        set(&s, SETTING_SHUTDOWN, "1min", "file", 5);
        set(&s, SETTING_FAILURE, "3d", "file", 6);
        resolve(&s);
        assert_value(&s, SETTING_OOM_KILLED, "0");
        assert_value(&s, SETTING_SHUTDOWN, "1min");

        /* and can be given up again */
        set(&s, SETTING_OOM_KILLED, "", "file", 7);
        set(&s, SETTING_SHUTDOWN, "", "file", 8);
        resolve(&s);
        assert_value(&s, SETTING_OOM_KILLED, "3d");
        assert_value(&s, SETTING_SHUTDOWN, "infinity");
}

static void retries_have_to_grow(void **state) {
        _cleanup_settings_ Settings s = {};
        SettingId id = _SETTING_INVALID;
        const char *what = NULL;

        (void)state;
        assert_int_equal(settings_init(&s), 0);

        set(&s, SETTING_RETRY_MAX, "4999ms", "file", 1);
        assert_int_equal(settings_resolve(&s, &id, &what), -ERANGE);
        assert_int_equal(id, SETTING_RETRY_MAX);
        assert_string_equal(what, "is below RetryInitial=");

        set(&s, SETTING_RETRY_INITIAL, "4999ms", "file", 2);
        resolve(&s);

        /* the default is not to blame */
        set(&s, SETTING_RETRY_MAX, "", "file", 3);
        set(&s, SETTING_RETRY_INITIAL, "11min", "file", 4);
        assert_int_equal(settings_resolve(&s, &id, &what), -ERANGE);
        assert_int_equal(id, SETTING_RETRY_INITIAL);
        assert_string_equal(what, "is above RetryMax=, which has its default");

        /* others are filled in all the same */
        set(&s, SETTING_FAILURE, "5d", "file", 5);
        assert_int_equal(settings_resolve(&s, &id, &what), -ERANGE);
        assert_value(&s, SETTING_OOM_KILLED, "5d");
}

static void names_of_files_are_kept_once(void **state) {
        _cleanup_settings_ Settings s = {};
        char one[] = "one", two[] = "two";

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        set(&s, SETTING_SUCCESS, "1h", one, 1);
        set(&s, SETTING_FAILURE, "1h", two, 2);
        set(&s, SETTING_PARALLELISM, "3", one, 3);

        memset(one, 'x', sizeof(one) - 1);
        memset(two, 'x', sizeof(two) - 1);
        assert_string_equal(s.origins[SETTING_SUCCESS].file, "one");
        assert_string_equal(s.origins[SETTING_FAILURE].file, "two");
        assert_ptr_equal(s.origins[SETTING_PARALLELISM].file, s.origins[SETTING_SUCCESS].file);

        settings_done(&s);
        assert_null(s.endpoint);
        assert_null(s.pressure.pressure_file);
        assert_null(s.files);
        settings_done(&s);
}

static void settings_can_be_shared(void **state) {
        SharedSettings *shared = NULL, *other;
        Settings s;
        Rule *rule;

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        set(&s, SETTING_ENDPOINT, "unix:///a", "one", 1);
        assert_int_equal(settings_add_rule(&s, "a", "one", 2, &rule, NULL), 0);
        assert_int_equal(rule_set(&s, rule, RULE_SERVICE, "x y", "one", 3, NULL), 0);

        assert_int_equal(shared_settings_new(&s, &shared), 0);
        assert_null(s.endpoint);
        assert_null(s.rules);
        assert_int_equal(s.n_rules, 0);
        assert_null(s.files);
        settings_done(&s);

        /* good as long as anybody holds it: a memory checker watches */
        other = shared_settings_ref(shared);
        assert_ptr_equal(other, shared);
        assert_null(shared_settings_unref(shared));
        assert_string_equal(other->settings.endpoint, "unix:///a");
        assert_string_equal(other->settings.origins[SETTING_ENDPOINT].file, "one");
        assert_string_equal(other->settings.rules[0].lists[RULE_SERVICE].texts[1], "y");
        assert_string_equal(other->settings.rules[0].lists[RULE_SERVICE].origins[0].file, "one");
        assert_int_equal(other->references, 1);
        assert_null(shared_settings_unref(other));
        assert_null(shared_settings_unref(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(defaults_are_those_promised),
                cmocka_unit_test(values_are_read),
                cmocka_unit_test(other_values_are_refused),
                cmocka_unit_test(an_empty_value_is_the_default),
                cmocka_unit_test(settings_follow_others),
                cmocka_unit_test(retries_have_to_grow),
                cmocka_unit_test(names_of_files_are_kept_once),
                cmocka_unit_test(settings_can_be_shared),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
