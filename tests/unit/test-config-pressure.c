/* SPDX-License-Identifier: Apache-2.0 */

/* [Pressure] and [Disk] as they stand in files. */

#include "config-file-fixture.h"

#include "core-fixtures.h"

static void both_sections_are_read(void **state) {
        (void)state;
        put(ETC, "[Pressure]\nEnabled=no\nMemoryAvailableLow=4%\nStall=full  1s/4s\nMinimumAge=20s\n"
                 "MinimumReclaim=0\n[Retention]\nMinimumAge=2min\n");
        put(ETC ".d/a.conf", "[Disk]\nUsedHigh=90.5%\nInodesHigh=80%\nInodesLow=75%\n"
                             "[Pressure]\nOrder=oldest\nPressureFile=/a/b c\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_false(l.settings.pressure.enabled);
        assert_int_equal(l.settings.pressure.memory_available_low, 400);
        assert_int_equal(l.settings.pressure.memory_available_high, 700);
        assert_true(l.settings.pressure.stall.full);
        assert_true(l.settings.pressure.stall.threshold == SEC);
        assert_true(l.settings.pressure.minimum_age == 20 * SEC);
        assert_true(l.settings.retention.minimum_age == 2 * MINUTE);
        assert_true(l.settings.pressure.minimum_reclaim == 0);
        assert_int_equal(l.settings.pressure.order, RELIEF_ORDER_OLDEST);
        assert_string_equal(l.settings.pressure.pressure_file, "/a/b c");
        assert_int_equal(l.settings.disk.used_high, 9050);
        assert_int_equal(l.settings.disk.used_low, 8750);
        assert_int_equal(l.settings.disk.inodes_low, 7500);
        assert_origin(&l, SETTING_PRESSURE_MINIMUM_AGE, ETC, 5);
        assert_origin(&l, SETTING_MINIMUM_AGE, ETC, 8);
        assert_origin(&l, SETTING_DISK_USED_HIGH, ETC ".d/a.conf", 2);
        assert_round_trip(&l.settings);
}

/* A rule takes what is for single containers; of two keys of one name, that of [Retention]. */
static void rules_do_not_take_them(void **state) {
        (void)state;
        put(ETC, "[Rule a]\nMinimumAge=5min\n");
        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_true(l.settings.rules[0].has_value[SETTING_MINIMUM_AGE]);
        assert_false(l.settings.rules[0].has_value[SETTING_PRESSURE_MINIMUM_AGE]);
        assert_true(l.settings.pressure.minimum_age == 15 * SEC);

        for (SettingId id = SETTING_PRESSURE_ENABLED; id < _SETTING_MAX; id++) {
                const SettingInfo *info = setting_info(id);
                char text[256], wanted[256];

                assert_false(info->per_container);
                if (id == SETTING_PRESSURE_MINIMUM_AGE)
                        continue;
                snprintf(text, sizeof(text), "[Rule a]\nFailure=1h\n%s=%s\n", info->key, info->default_text);
                put(ETC, text);
                _cleanup_loaded_ Loaded refused = load(NULL);
                snprintf(wanted, sizeof(wanted),
                                ETC ":3: [Rule a] %s: is not for single containers, accepted: in [%s]\n",
                                info->key, info->section);
                assert_faults(&refused, wanted);
        }
}

static void thresholds_have_to_agree(void **state) {
#define HIGH_FAULT(value, low)                                                                      \
        "[Pressure] MemoryAvailableHigh: " value " is below MemoryAvailableLow=" low ", accepted: " \
        "0% to 100%, MemoryAvailableHigh= not below MemoryAvailableLow=\n"
#define USED_FAULT(value, high)                                                                     \
        "[Disk] UsedLow: " value " is above UsedHigh=" high ", accepted: 0% to 100%, UsedLow= not " \
        "above UsedHigh=\n"
        static const struct {
                const char *main, *drop_in, *faults;
        } cases[] = {
                { "[Pressure]\nMemoryAvailableLow=10%\n", "", "" },
                { "[Pressure]\nMemoryAvailableHigh=5%\n", "", "" },
                { "[Pressure]\nMemoryAvailableHigh=4%\n", "", ETC ":2: " HIGH_FAULT("4%", "5%") },
                { "[Pressure]\nMemoryAvailableHigh=9%\n", "[Pressure]\nMemoryAvailableLow=10%\n",
                                ETC ":2: " HIGH_FAULT("9%", "10% (" ETC ".d/a.conf:2)") },
                { "[Pressure]\nMemoryAvailableLow=10%\n", "[Pressure]\n\nMemoryAvailableHigh=9%\n",
                                ETC ".d/a.conf:3: " HIGH_FAULT("9%", "10% (" ETC ":2)") },
                { "[Pressure]\nMemoryAvailableLow=10%\nMemoryAvailableHigh=9%\n",
                                "[Pressure]\nMemoryAvailableHigh=\n", "" },
                { "[Pressure]\nMemoryAvailableLow=off\nMemoryAvailableHigh=1%\n[Disk]\nUsedLow=99%\n", "",
                                "" },
                { "[Disk]\nUsedHigh=90%\nUsedLow=91%\n", "[Pressure]\nMemoryAvailableHigh=1%\n",
                                ETC ".d/a.conf:2: " HIGH_FAULT("1%", "5%") ETC
                                ":3: " USED_FAULT("91%", "90% (" ETC ":2)") },
                /* one mistake is not told twice */
                { "[Disk]\nUsedHigh=9O%\nUsedLow=91%\n", "",
                                ETC ":2: [Disk] UsedHigh: '9O%' is not a percentage with at most two digits "
                                    "behind the point, accepted: 0% to 100%, or off\n" },
                { "[Disk]\nUsedHigh=90%\nUsedLow=off\n", "",
                                ETC ":3: [Disk] UsedLow: 'off' is not a percentage with at most two digits "
                                    "behind the point, accepted: 0% to 100%\n" },
                /* but does not hide another one */
                { "[Reaper]\nRetryMax=x\nRetryInitial=1h\n[Disk]\nUsedHigh=50%\nUsedLow=60%\n", "",
                                ETC ":2: [Reaper] RetryMax: 'x' is not a time span, accepted: 1s to 1d\n" ETC
                                    ":6: " USED_FAULT("60%", "50% (" ETC ":5)") },
                { "[Reaper]\nRetryMax=1s\n[Disk]\nUsedHigh=50%\nUsedLow=60%\n", "",
                                ETC
                                ":2: [Reaper] RetryMax: 1s is below RetryInitial=5s, accepted: 1s to 1d, "
                                "RetryMax= not below RetryInitial=\n" ETC
                                ":5: " USED_FAULT("60%", "50% (" ETC ":4)") },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                put(ETC, cases[i].main);
                put(ETC ".d/a.conf", cases[i].drop_in);
                _cleanup_loaded_ Loaded l = load(NULL);
                assert_faults(&l, cases[i].faults);
        }
}

static void faults_say_what_is_accepted(void **state) {
        (void)state;
        put(ETC, "[Pressure]\nMemoryAvailableLow=120%\nStall=some 3s/2s\nPressureFile=memory.pressure\n"
                 "MinimumReclaim=16m\nOrder=largest\nBatchSize=101\nMinimumAge=5s\nUsedHigh=90%\n"
                 "[Disk]\nMinimumAge=20s\n[Presure]\n");
        _cleanup_loaded_ Loaded l = load(NULL);
        assert_faults(&l, ETC
                        ":2: [Pressure] MemoryAvailableLow: '120%' is out of range, accepted: 0% to "
                        "100%, or off\n" ETC
                        ":3: [Pressure] Stall: 'some 3s/2s' has a threshold that is not above 0 and up to "
                        "the window, accepted: some or full THRESHOLD/WINDOW with a window of 500ms to "
                        "10s, or off\n" ETC
                        ":4: [Pressure] PressureFile: 'memory.pressure' is not an absolute path, "
                        "accepted: /absolute/path\n" ETC
                        ":5: [Pressure] MinimumReclaim: '16m' is not a size, accepted: 0 to 1P\n" ETC
                        ":6: [Pressure] Order: 'largest' is not one of the choices, accepted: held or "
                        "oldest\n" ETC
                        ":7: [Pressure] BatchSize: '101' is out of range, accepted: 1 to 100\n" ETC
                        ":8: [Pressure] MinimumAge: '5s' is out of range, accepted: 10s to infinity\n" ETC
                        ":9: [Pressure] UsedHigh: unknown key, nearest: UsedHigh in [Disk], accepted: "
                        "Enabled, MemoryAvailableLow, MemoryAvailableHigh, MemoryUsedHigh, "
                        "MemoryUsedLow, Stall, PressureFile, MinimumAge, ElevatedFactor, Sustain, "
                        "CoolDown, BatchSize, Order, MinimumReclaim, GiveUpAfter, GiveUpFor\n" ETC
                        ":11: [Disk] MinimumAge: unknown key, nearest: MinimumAge in [Retention], "
                        "accepted: UsedHigh, UsedLow, InodesHigh, InodesLow\n" ETC
                        ":12: [Presure]: unknown section, nearest: [Pressure], accepted: [Engine], "
                        "[Retention], [Labels], [Reaper], [Pressure], [Disk], [Metrics], [Rule NAME]\n");
}

static void what_follows_is_printed_so(void **state) {
        _cleanup_free_ char *text = NULL, *wanted = NULL;

        (void)state;
        put(ETC, "[Pressure]\nMemoryAvailableLow=off\nMemoryUsedHigh=95%\n[Disk]\nUsedHigh=90%\nUsedLow=80%"
                 "\n"
                 "UsedLow=\nInodesHigh=80%\nInodesLow=70.5%\n");
        _cleanup_loaded_ Loaded l = load(NULL);
        assert_int_equal(l.result, 0);
        text = config_print(&l.settings);
        assert_true(asprintf(&wanted,
                                    "# %1$s" ETC ":2\n"
                                    "MemoryAvailableLow=off\n"
                                    "# default (3 points above MemoryAvailableLow)\n"
                                    "MemoryAvailableHigh=\n"
                                    "# %1$s" ETC ":3\n"
                                    "MemoryUsedHigh=95%%\n"
                                    "# default (3 points below MemoryUsedHigh)\n"
                                    "MemoryUsedLow=92%%\n",
                                    root) > 0);
        if (!strstr(text, wanted))
                fail_msg("not printed:\n%s\nbut:\n%s", wanted, text);
        free(wanted);
        assert_true(asprintf(&wanted,
                                    "[Disk]\n"
                                    "# %1$s" ETC ":5\n"
                                    "UsedHigh=90%%\n"
                                    "# %1$s" ETC ":7 (default, 3 points below UsedHigh)\n"
                                    "UsedLow=87%%\n"
                                    "# %1$s" ETC ":8\n"
                                    "InodesHigh=80%%\n"
                                    "# %1$s" ETC ":9\n"
                                    "InodesLow=70.5%%\n"
                                    "\n"
                                    "[Metrics]\n"
                                    "# default\n"
                                    "TextFile=off\n",
                                    root) > 0);
        assert_string_equal(strstr(text, "[Disk]"), wanted);
        assert_round_trip(&l.settings);
}

static void put_share(FILE *out, uint64_t *random, SettingId id, uint64_t low, uint64_t high) {
        uint64_t share = random_between(random, low, high);

        if (random_chance(random, 30))
                return;
        fprintf(out, "%s=%ju.%02ju%%\n", setting_info(id)->key, (uintmax_t)share / 100,
                        (uintmax_t)share % 100);
}

/* Whatever is accepted is printed such that it reads back. */
static void what_is_printed_reads_back(void **state) {
        static const char *const units[] = { "", "B", "K", "KB", "M", "G", "T" };
        uint64_t random = 20261123;

        (void)state;
        for (unsigned n = 0; n < 500; n++) {
                _cleanup_free_ char *text = NULL;
                uint64_t window = random_between(&random, 500000, 10000000);
                size_t size;
                FILE *out = open_memstream(&text, &size);

                assert_non_null(out);
                fprintf(out, "[Pressure]\nStall=%s %juus/%juus\n",
                                random_chance(&random, 50) ? "some" : "full",
                                (uintmax_t)random_between(&random, 1, window), (uintmax_t)window);
                fprintf(out, "MinimumReclaim=%ju.%ju%s\n", (uintmax_t)random_below(&random, 1024),
                                (uintmax_t)random_next(&random) >> random_below(&random, 60),
                                units[random_below(&random, ELEMENTS_OF(units))]);
                fprintf(out, "CoolDown=%juus\n", (uintmax_t)random_between(&random, SEC, HOUR));
                fprintf(out, "Enabled=%s\n", random_chance(&random, 50) ? "1" : "false");
                put_share(out, &random, SETTING_MEMORY_AVAILABLE_LOW, 0, 500);
                put_share(out, &random, SETTING_MEMORY_AVAILABLE_HIGH, 500, 10000);
                put_share(out, &random, SETTING_MEMORY_USED_HIGH, 5000, 10000);
                put_share(out, &random, SETTING_MEMORY_USED_LOW, 0, 5000);
                put_share(out, &random, SETTING_ELEVATED_FACTOR, 0, 10000);
                fprintf(out, "[Disk]\n");
                put_share(out, &random, SETTING_DISK_USED_HIGH, 4000, 10000);
                put_share(out, &random, SETTING_DISK_USED_LOW, 0, 4000);
                put_share(out, &random, SETTING_DISK_INODES_HIGH, 0, 10000);
                fclose(out);

                put(ETC, text);
                _cleanup_loaded_ Loaded l = load(NULL);
                assert_loaded(&l);
                assert_round_trip(&l.settings);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                test(both_sections_are_read),
                test(rules_do_not_take_them),
                test(thresholds_have_to_agree),
                test(faults_say_what_is_accepted),
                test(what_follows_is_printed_so),
                test(what_is_printed_reads_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
