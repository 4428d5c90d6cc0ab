/* SPDX-License-Identifier: Apache-2.0 */

/* The values of [Pressure] and [Disk]. */

#include "settings-fixture.h"

#include <limits.h>

static void values_are_read(void **state) {
        static const struct {
                SettingId id;
                const char *text, *formatted;
        } cases[] = {
                { SETTING_PRESSURE_ENABLED, "off", "no" },
                { SETTING_PRESSURE_ENABLED, "1", "yes" },
                { SETTING_MEMORY_AVAILABLE_LOW, "0%", "0%" },
                { SETTING_MEMORY_AVAILABLE_LOW, "100.00%", "100%" },
                { SETTING_MEMORY_AVAILABLE_LOW, "7.50%", "7.5%" },
                { SETTING_MEMORY_AVAILABLE_LOW, "off", "off" },
                { SETTING_MEMORY_AVAILABLE_HIGH, "0%", "0%" },
                { SETTING_MEMORY_AVAILABLE_HIGH, "100%", "100%" },
                { SETTING_MEMORY_USED_HIGH, "95%", "95%" },
                { SETTING_MEMORY_USED_HIGH, "0%", "0%" },
                { SETTING_MEMORY_USED_HIGH, "100%", "100%" },
                { SETTING_MEMORY_USED_LOW, "0.01%", "0.01%" },
                { SETTING_MEMORY_USED_LOW, "100%", "100%" },
                { SETTING_STALL, "off", "off" },
                { SETTING_STALL, "some 200ms/2s", "some 200ms/2s" },
                { SETTING_STALL, "full 500ms/500ms", "full 500ms/500ms" },
                { SETTING_STALL, "some 1us/10s", "some 1us/10s" },
                { SETTING_STALL, "some  \t 10s/10s", "some 10s/10s" },
                { SETTING_STALL, "full 1s500ms/2000ms", "full 1500ms/2s" },
                { SETTING_STALL, "some .1/2", "some 100ms/2s" },
                { SETTING_STALL, "some 1000.5ms/2000001us", "some 1000500us/2000001us" },
                { SETTING_PRESSURE_FILE, "/a", "/a" },
                { SETTING_PRESSURE_FILE, "/sys/fs/cgroup/a b;#.slice/memory.pressure",
                                "/sys/fs/cgroup/a b;#.slice/memory.pressure" },
                { SETTING_PRESSURE_MINIMUM_AGE, "10s", "10s" },
                { SETTING_PRESSURE_MINIMUM_AGE, "infinity", "infinity" },
                { SETTING_ELEVATED_FACTOR, "0%", "0%" },
                { SETTING_ELEVATED_FACTOR, "100%", "100%" },
                { SETTING_ELEVATED_FACTOR, "12.34%", "12.34%" },
                { SETTING_SUSTAIN, "0", "0" },
                { SETTING_SUSTAIN, "1h", "1h" },
                { SETTING_COOL_DOWN, "1s", "1s" },
                { SETTING_COOL_DOWN, "1h", "1h" },
                { SETTING_BATCH_SIZE, "1", "1" },
                { SETTING_BATCH_SIZE, "100", "100" },
                { SETTING_ORDER, "held", "held" },
                { SETTING_ORDER, "oldest", "oldest" },
                { SETTING_MINIMUM_RECLAIM, "0", "0" },
                { SETTING_MINIMUM_RECLAIM, "1P", "1P" },
                { SETTING_MINIMUM_RECLAIM, "1024TB", "1P" },
                { SETTING_MINIMUM_RECLAIM, "1.5G", "1536M" },
                { SETTING_MINIMUM_RECLAIM, "4097", "4097" },
                { SETTING_GIVE_UP_AFTER, "1", "1" },
                { SETTING_GIVE_UP_AFTER, "1000", "1000" },
                { SETTING_GIVE_UP_FOR, "1s", "1s" },
                { SETTING_GIVE_UP_FOR, "1w", "7d" },
                { SETTING_DISK_USED_HIGH, "off", "off" },
                { SETTING_DISK_USED_HIGH, "0%", "0%" },
                { SETTING_DISK_USED_HIGH, "100%", "100%" },
                { SETTING_DISK_USED_LOW, "0%", "0%" },
                { SETTING_DISK_USED_LOW, "100%", "100%" },
                { SETTING_DISK_INODES_HIGH, "off", "off" },
                { SETTING_DISK_INODES_HIGH, "0%", "0%" },
                { SETTING_DISK_INODES_HIGH, "100%", "100%" },
                { SETTING_DISK_INODES_LOW, "0%", "0%" },
                { SETTING_DISK_INODES_LOW, "100%", "100%" },
                { SETTING_METRICS_FILE, "/run/a b/c;d.prom", "/run/a b/c;d.prom" },
                { SETTING_METRICS_FILE, "off", "off" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_read(cases[i].id, cases[i].text, cases[i].formatted);
}

static void values_arrive_in_their_fields(void **state) {
        _cleanup_settings_ Settings s = {};

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        set(&s, SETTING_STALL, "full 300ms/4s", "file", 1);
        set(&s, SETTING_PRESSURE_FILE, "/a/b", "file", 2);
        set(&s, SETTING_MINIMUM_RECLAIM, "3M", "file", 3);
        set(&s, SETTING_ORDER, "oldest", "file", 4);
        set(&s, SETTING_MEMORY_USED_HIGH, "91.5%", "file", 5);
        set(&s, SETTING_PRESSURE_ENABLED, "no", "file", 6);
        set(&s, SETTING_PRESSURE_MINIMUM_AGE, "20s", "file", 7);
        assert_true(s.pressure.stall.on && s.pressure.stall.full);
        assert_true(s.pressure.stall.threshold == 300 * USEC_PER_MSEC);
        assert_true(s.pressure.stall.window == 4 * USEC_PER_SEC);
        assert_string_equal(s.pressure.pressure_file, "/a/b");
        assert_true(s.pressure.minimum_reclaim == UINT64_C(3) << 20);
        assert_int_equal(s.pressure.order, RELIEF_ORDER_OLDEST);
        assert_int_equal(s.pressure.memory_used_high, 9150);
        assert_false(s.pressure.enabled);
        assert_true(s.pressure.minimum_age == 20 * USEC_PER_SEC);
        assert_true(s.retention.minimum_age == 60 * USEC_PER_SEC); /* another of this name */

        set(&s, SETTING_STALL, "some 1s/2s", "file", 8);
        assert_true(s.pressure.stall.on && !s.pressure.stall.full);
        set(&s, SETTING_STALL, "off", "file", 9);
        assert_false(s.pressure.stall.on);
        set(&s, SETTING_STALL, "", "file", 10);
        assert_true(s.pressure.stall.on && !s.pressure.stall.full);
        assert_true(s.pressure.stall.threshold == 200 * USEC_PER_MSEC);
}

#define NO_SHARE "is not a percentage with at most two digits behind the point"
#define NO_STALL "is neither some nor full with two spans, nor off"
#define WINDOW   "has a window that is out of range"
#define EXCESS   "has a threshold that is not above 0 and up to the window"
#define RANGE    "is out of range"

static void other_values_are_refused(void **state) {
        static const struct {
                SettingId id;
                const char *text;
                int error;
                const char *what;
        } cases[] = {
                { SETTING_PRESSURE_ENABLED, "2", -EINVAL, "is not a boolean" },
                { SETTING_MEMORY_AVAILABLE_LOW, "5", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_LOW, "0.05", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_LOW, "5 %", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_LOW, "5.125%", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_LOW, "-1%", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_LOW, "Off", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_LOW, "off%", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_LOW, "512M", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_LOW, "infinity", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_LOW, "100.01%", -ERANGE, RANGE },
                { SETTING_MEMORY_AVAILABLE_LOW, "4294967295%", -ERANGE, RANGE },
                { SETTING_MEMORY_AVAILABLE_HIGH, "off", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_AVAILABLE_HIGH, "101%", -ERANGE, RANGE },
                { SETTING_MEMORY_USED_HIGH, "101%", -ERANGE, RANGE },
                { SETTING_MEMORY_USED_HIGH, "no", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_USED_LOW, "off", -EINVAL, NO_SHARE },
                { SETTING_MEMORY_USED_LOW, "101%", -ERANGE, RANGE },
                { SETTING_STALL, "some", -EINVAL, NO_STALL },
                { SETTING_STALL, "some ", -EINVAL, NO_STALL },
                { SETTING_STALL, "200ms/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, " 200ms/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, " some 200ms/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "Some 200ms/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "any 200ms/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "both 200ms/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "fuller 200ms/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms 2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms /2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms/ 2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms/2s ", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms/1s 500ms", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms/", -EINVAL, NO_STALL },
                { SETTING_STALL, "some /2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "some /", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms/2s/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms/2s\n", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200foo/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200000 2000000", -EINVAL, NO_STALL }, /* as the kernel reads it */
                { SETTING_STALL, "some 10%/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "no", -EINVAL, NO_STALL },
                { SETTING_STALL, "off ", -EINVAL, NO_STALL },
                { SETTING_STALL, "off 200ms/2s", -EINVAL, NO_STALL },
                { SETTING_STALL, "/2s some", -EINVAL, NO_STALL },
                { SETTING_STALL, "some 200ms/499999us", -ERANGE, WINDOW },
                { SETTING_STALL, "some 200ms/10000001us", -ERANGE, WINDOW },
                { SETTING_STALL, "some 200ms/infinity", -ERANGE, WINDOW },
                { SETTING_STALL, "some 200ms/-2s", -ERANGE, WINDOW },
                { SETTING_STALL, "some 200ms/0", -ERANGE, WINDOW },
                { SETTING_STALL, "some 0/2s", -ERANGE, EXCESS },
                { SETTING_STALL, "some 0.0000001/2s", -ERANGE, EXCESS },
                { SETTING_STALL, "some -1/2s", -ERANGE, EXCESS },
                { SETTING_STALL, "full 2000001us/2s", -ERANGE, EXCESS },
                { SETTING_STALL, "some infinity/10s", -ERANGE, EXCESS },
                { SETTING_PRESSURE_FILE, "proc/pressure/memory", -EINVAL, "is not an absolute path" },
                { SETTING_PRESSURE_FILE, " /a", -EINVAL, "is not an absolute path" },
                { SETTING_PRESSURE_FILE, "off", -EINVAL, "is not an absolute path" },
                { SETTING_PRESSURE_FILE, "unix:///a", -EINVAL, "is not an absolute path" },
                { SETTING_PRESSURE_FILE, "/", -EINVAL, "names a directory" },
                { SETTING_PRESSURE_FILE, "/sys/fs/cgroup/", -EINVAL, "names a directory" },
                { SETTING_PRESSURE_FILE, "/a ", -EINVAL, "ends with a space" },
                { SETTING_PRESSURE_FILE, "/a\nb", -EINVAL, "unprintable" },
                { SETTING_PRESSURE_FILE, "/a\tb", -EINVAL, "unprintable" },
                { SETTING_PRESSURE_FILE, "/a\xff", -EINVAL, "unprintable" },
                { SETTING_PRESSURE_FILE, "/a ;b", -EINVAL, "semicolon behind a space" },
                { SETTING_METRICS_FILE, "metrics.prom", -EINVAL, "is not an absolute path" },
                { SETTING_METRICS_FILE, "Off", -EINVAL, "is not an absolute path" },
                { SETTING_METRICS_FILE, "no", -EINVAL, "is not an absolute path" },
                { SETTING_METRICS_FILE, "/run/", -EINVAL, "names a directory" },
                { SETTING_METRICS_FILE, "/run/a\nb", -EINVAL, "unprintable" },
                { SETTING_PRESSURE_MINIMUM_AGE, "9999999us", -ERANGE, RANGE },
                { SETTING_PRESSURE_MINIMUM_AGE, "0", -ERANGE, RANGE },
                { SETTING_PRESSURE_MINIMUM_AGE, "young", -EINVAL, "is not a time span" },
                { SETTING_ELEVATED_FACTOR, "off", -EINVAL, NO_SHARE },
                { SETTING_ELEVATED_FACTOR, "0.1", -EINVAL, NO_SHARE },
                { SETTING_ELEVATED_FACTOR, "100.01%", -ERANGE, RANGE },
                { SETTING_SUSTAIN, "3600000001us", -ERANGE, RANGE },
                { SETTING_SUSTAIN, "infinity", -ERANGE, RANGE },
                { SETTING_COOL_DOWN, "999999us", -ERANGE, RANGE },
                { SETTING_COOL_DOWN, "3600000001us", -ERANGE, RANGE },
                { SETTING_BATCH_SIZE, "0", -ERANGE, RANGE },
                { SETTING_BATCH_SIZE, "101", -ERANGE, RANGE },
                { SETTING_BATCH_SIZE, "infinity", -EINVAL, "is not a whole number" },
                { SETTING_ORDER, "Held", -EINVAL, "is not one of the choices" },
                { SETTING_ORDER, "newest", -EINVAL, "is not one of the choices" },
                { SETTING_MINIMUM_RECLAIM, "-1", -EINVAL, "is not a size" },
                { SETTING_MINIMUM_RECLAIM, "1e3", -EINVAL, "is not a size" },
                { SETTING_MINIMUM_RECLAIM, "16 M", -EINVAL, "is not a size" },
                { SETTING_MINIMUM_RECLAIM, "5%", -EINVAL, "is not a size" },
                { SETTING_MINIMUM_RECLAIM, "off", -EINVAL, "is not a size" },
                { SETTING_MINIMUM_RECLAIM, "infinity", -EINVAL, "is not a size" },
                { SETTING_MINIMUM_RECLAIM, "1125899906842625", -ERANGE, RANGE },
                { SETTING_MINIMUM_RECLAIM, "16E", -ERANGE, RANGE },
                { SETTING_GIVE_UP_AFTER, "0", -ERANGE, RANGE },
                { SETTING_GIVE_UP_AFTER, "1001", -ERANGE, RANGE },
                { SETTING_GIVE_UP_FOR, "999999us", -ERANGE, RANGE },
                { SETTING_GIVE_UP_FOR, "604800000001us", -ERANGE, RANGE },
                { SETTING_DISK_USED_HIGH, "101%", -ERANGE, RANGE },
                { SETTING_DISK_USED_HIGH, "90", -EINVAL, NO_SHARE },
                { SETTING_DISK_USED_LOW, "off", -EINVAL, NO_SHARE },
                { SETTING_DISK_USED_LOW, "101%", -ERANGE, RANGE },
                { SETTING_DISK_INODES_HIGH, "101%", -ERANGE, RANGE },
                { SETTING_DISK_INODES_LOW, "off", -EINVAL, NO_SHARE },
                { SETTING_DISK_INODES_LOW, "101%", -ERANGE, RANGE },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_refused(cases[i].id, cases[i].text, cases[i].error, cases[i].what);
}

static void long_texts_are_borne(void **state) {
        _cleanup_settings_ Settings s = {};
        char path[PATH_MAX + 1] = "/", stall[9000];

        (void)state;
        assert_int_equal(settings_init(&s), 0);

        memset(path + 1, 'a', PATH_MAX - 1);
        assert_refused(SETTING_PRESSURE_FILE, path, -EINVAL, "is too long for a path");
        path[PATH_MAX - 1] = '\0';
        set(&s, SETTING_PRESSURE_FILE, path, "file", 1);
        assert_string_equal(s.pressure.pressure_file, path);

        strcpy(stall, "some ");
        memset(stall + 5, '0', sizeof(stall) - 5);
        strcpy(stall + 8000, "1s/2s");
        set(&s, SETTING_STALL, stall, "file", 2);
        assert_value(&s, SETTING_STALL, "some 1s/2s");
        stall[5] = '9';
        assert_refused(SETTING_STALL, stall, -ERANGE, EXCESS);
}

static const struct {
        SettingId enters, leaves;
        bool above;          /* does it leave above the value that enters? */
        const char *derived; /* its default when the other is 50% */
        const char *what;
        const char *accepted;
} thresholds[] = {
        { SETTING_MEMORY_AVAILABLE_LOW, SETTING_MEMORY_AVAILABLE_HIGH, true, "53%",
                        "is below MemoryAvailableLow=",
                        "MemoryAvailableHigh= not below MemoryAvailableLow=" },
        { SETTING_MEMORY_USED_HIGH, SETTING_MEMORY_USED_LOW, false, "47%",
                        "is above MemoryUsedHigh=", "MemoryUsedLow= not above MemoryUsedHigh=" },
        { SETTING_DISK_USED_HIGH, SETTING_DISK_USED_LOW, false, "47%",
                        "is above UsedHigh=", "UsedLow= not above UsedHigh=" },
        { SETTING_DISK_INODES_HIGH, SETTING_DISK_INODES_LOW, false, "47%",
                        "is above InodesHigh=", "InodesLow= not above InodesHigh=" },
};

static void leaving_values_keep_their_distance(void **state) {
        static const struct {
                const char *enters, *above, *below;
        } cases[] = {
                { "0%", "3%", "0%" }, { "0.01%", "3.01%", "0%" }, { "2.99%", "5.99%", "0%" },
                { "3%", "6%", "0%" }, { "3.01%", "6.01%", "0.01%" }, { "50%", "53%", "47%" },
                { "96.99%", "99.99%", "93.99%" }, { "97%", "100%", "94%" }, { "97.01%", "100%", "94.01%" },
                { "100%", "100%", "97%" }, { "off", "", "" }, /* off too, and without a text for it */
        };

        (void)state;
        for (size_t t = 0; t < ELEMENTS_OF(thresholds); t++)
                for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                        SettingId enters = thresholds[t].enters, leaves = thresholds[t].leaves;
                        const char *wanted = thresholds[t].above ? cases[i].above : cases[i].below;
                        _cleanup_settings_ Settings s = {};

                        assert_int_equal(settings_init(&s), 0);
                        set(&s, enters, cases[i].enters, "file", 1);
                        resolve(&s);
                        assert_value(&s, leaves, wanted);

                        /* also if it was something else before */
                        set(&s, leaves, "50%", "file", 2);
                        set(&s, enters, "50%", "file", 3);
                        resolve(&s);
                        assert_value(&s, leaves, "50%");
                        set(&s, leaves, "", "file", 4);
                        set(&s, enters, cases[i].enters, "file", 5);
                        resolve(&s);
                        assert_value(&s, leaves, wanted);
                        assert_true(s.origins[leaves].is_default);
                        assert_int_equal(s.origins[leaves].line, 4);
                }
}

static void leaving_values_that_are_off_are_so_in_their_fields(void **state) {
        _cleanup_settings_ Settings s = {};

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        set(&s, SETTING_MEMORY_AVAILABLE_LOW, "off", "file", 1);
        resolve(&s);
        assert_int_equal(s.pressure.memory_available_low, SHARE_OFF);
        assert_int_equal(s.pressure.memory_available_high, SHARE_OFF);

        set(&s, SETTING_MEMORY_USED_HIGH, "90%", "file", 2);
        set(&s, SETTING_DISK_USED_HIGH, "80%", "file", 3);
        set(&s, SETTING_DISK_INODES_HIGH, "70%", "file", 4);
        resolve(&s);
        assert_int_equal(s.pressure.memory_used_low, 8700);
        assert_int_equal(s.disk.used_low, 7700);
        assert_int_equal(s.disk.inodes_low, 6700);
}

/* Sets both and tells whether they get along. */
static void assert_agree(size_t t, const char *enters, const char *leaves, bool agree) {
        _cleanup_settings_ Settings s = {};
        SettingId id = _SETTING_INVALID;
        const char *what = NULL;
        SettingConflict c;
        size_t i = 0;

        assert_int_equal(settings_init(&s), 0);
        set(&s, thresholds[t].leaves, leaves, "file", 1);
        set(&s, thresholds[t].enters, enters, "file", 2);
        if (agree) {
                resolve(&s);
                assert_false(settings_next_conflict(&s, &i, &c));
                return;
        }

        assert_int_equal(settings_resolve(&s, &id, &what), -ERANGE);
        assert_int_equal(id, thresholds[t].leaves);
        assert_string_equal(what, thresholds[t].what);
        assert_true(settings_next_conflict(&s, &i, &c));
        assert_int_equal(c.id, thresholds[t].leaves);
        assert_int_equal(c.other, thresholds[t].enters);
        assert_string_equal(c.what, thresholds[t].what);
        assert_string_equal(c.accepted, thresholds[t].accepted);
        assert_false(settings_next_conflict(&s, &i, &c));
}

static void thresholds_have_to_agree(void **state) {
        (void)state;
        for (size_t t = 0; t < ELEMENTS_OF(thresholds); t++) {
                bool above = thresholds[t].above;

                assert_agree(t, "50%", "50%", true);
                assert_agree(t, "50%", above ? "50.01%" : "49.99%", true);
                assert_agree(t, "50%", above ? "49.99%" : "50.01%", false);
                assert_agree(t, "50%", above ? "100%" : "0%", true);
                assert_agree(t, "50%", above ? "0%" : "100%", false);
                /* without effect */
                assert_agree(t, "off", "0%", true);
                assert_agree(t, "off", "100%", true);
                /* what follows is always fine */
                assert_agree(t, "0%", "", true);
                assert_agree(t, "100%", "", true);
                assert_agree(t, "off", "", true);
        }

        /* the default is not to blame */
        assert_agree(0, "", "4.99%", false);
        assert_agree(0, "", "5%", true);
        for (size_t t = 1; t < ELEMENTS_OF(thresholds); t++)
                assert_agree(t, "", "100%", true);
}

static void all_conflicts_are_told(void **state) {
        _cleanup_settings_ Settings s = {};
        SettingId id = _SETTING_INVALID;
        const char *what = NULL;
        SettingConflict c;
        size_t i = 0;

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        for (size_t t = 0; t < ELEMENTS_OF(thresholds); t++) {
                set(&s, thresholds[t].enters, "50%", "file", 1);
                set(&s, thresholds[t].leaves, thresholds[t].above ? "1%" : "99%", "file", 2);
        }
        set(&s, SETTING_RETRY_INITIAL, "11min", "file", 3);
        assert_int_equal(settings_resolve(&s, &id, &what), -ERANGE);
        assert_int_equal(id, SETTING_RETRY_INITIAL);
        assert_string_equal(what, "is above RetryMax=, which has its default");

        assert_true(settings_next_conflict(&s, &i, &c));
        assert_int_equal(c.id, SETTING_RETRY_INITIAL);
        assert_int_equal(c.other, SETTING_RETRY_MAX);
        assert_string_equal(c.accepted, "RetryMax= not below RetryInitial=");
        for (size_t t = 0; t < ELEMENTS_OF(thresholds); t++) {
                assert_true(settings_next_conflict(&s, &i, &c));
                assert_int_equal(c.id, thresholds[t].leaves);
        }
        assert_false(settings_next_conflict(&s, &i, &c));
        assert_false(settings_next_conflict(&s, &i, &c));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values_are_read),
                cmocka_unit_test(values_arrive_in_their_fields),
                cmocka_unit_test(other_values_are_refused),
                cmocka_unit_test(long_texts_are_borne),
                cmocka_unit_test(leaving_values_keep_their_distance),
                cmocka_unit_test(leaving_values_that_are_off_are_so_in_their_fields),
                cmocka_unit_test(thresholds_have_to_agree),
                cmocka_unit_test(all_conflicts_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
