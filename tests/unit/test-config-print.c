/* SPDX-License-Identifier: Apache-2.0 */

/* What --print-config writes. */

#include "config-file-fixture.h"

static void the_defaults_are_printed(void **state) {
        _cleanup_loaded_ Loaded l = load(NULL);
        _cleanup_free_ char *text = config_print(&l.settings);

        (void)state;
        assert_string_equal(text, "[Engine]\n"
                                  "# default\n"
                                  "Endpoint=unix:///run/docker.sock\n"
                                  "# default\n"
                                  "ResyncInterval=5min\n"
                                  "# default\n"
                                  "RequestTimeout=1min\n"
                                  "# default\n"
                                  "SettleTime=1min\n"
                                  "\n"
                                  "[Retention]\n"
                                  "# default\n"
                                  "MinimumAge=1min\n"
                                  "# default\n"
                                  "Success=1h\n"
                                  "# default\n"
                                  "Failure=1d\n"
                                  "# default (as Failure)\n"
                                  "OOMKilled=1d\n"
                                  "# default (as Success)\n"
                                  "Shutdown=1h\n"
                                  "# default\n"
                                  "FailedStart=1d\n"
                                  "# default\n"
                                  "OrphanAge=1h\n"
                                  "# default\n"
                                  "RemoveVolumes=swarm\n"
                                  "# default\n"
                                  "KeepLast=0\n"
                                  "# default\n"
                                  "KeepLastFailure=1\n"
                                  "# default\n"
                                  "KeepLastFor=7d\n"
                                  "# default\n"
                                  "LogTail=0\n"
                                  "# default\n"
                                  "MaxStopped=infinity\n"
                                  "\n"
                                  "[Labels]\n"
                                  "# default\n"
                                  "Honor=yes\n"
                                  "# default\n"
                                  "MaxTTL=infinity\n"
                                  "\n"
                                  "[Reaper]\n"
                                  "# default\n"
                                  "Parallelism=4\n"
                                  "# default\n"
                                  "RetryInitial=5s\n"
                                  "# default\n"
                                  "RetryMax=10min\n"
                                  "# default\n"
                                  "QuarantineAfter=8\n"
                                  "# default\n"
                                  "SurgeLimit=50\n"
                                  "# default\n"
                                  "FirstRunDelay=10min\n"
                                  "\n"
                                  "[Pressure]\n"
                                  "# default\n"
                                  "Enabled=yes\n"
                                  "# default\n"
                                  "MemoryAvailableLow=5%\n"
                                  "# default (3 points above MemoryAvailableLow)\n"
                                  "MemoryAvailableHigh=8%\n"
                                  "# default\n"
                                  "MemoryUsedHigh=off\n"
                                  "# default (3 points below MemoryUsedHigh)\n"
                                  "MemoryUsedLow=\n"
                                  "# default\n"
                                  "Stall=some 200ms/2s\n"
                                  "# default\n"
                                  "PressureFile=/proc/pressure/memory\n"
                                  "# default\n"
                                  "MinimumAge=15s\n"
                                  "# default\n"
                                  "ElevatedFactor=10%\n"
                                  "# default\n"
                                  "Sustain=5s\n"
                                  "# default\n"
                                  "CoolDown=15s\n"
                                  "# default\n"
                                  "BatchSize=8\n"
                                  "# default\n"
                                  "Order=held\n"
                                  "# default\n"
                                  "MinimumReclaim=16M\n"
                                  "# default\n"
                                  "GiveUpAfter=3\n"
                                  "# default\n"
                                  "GiveUpFor=10min\n"
                                  "\n"
                                  "[Disk]\n"
                                  "# default\n"
                                  "UsedHigh=off\n"
                                  "# default (3 points below UsedHigh)\n"
                                  "UsedLow=\n"
                                  "# default\n"
                                  "InodesHigh=off\n"
                                  "# default (3 points below InodesHigh)\n"
                                  "InodesLow=\n"
                                  "\n"
                                  "[Metrics]\n"
                                  "# default\n"
                                  "TextFile=off\n");
}

static void assert_printed(const char *text, const char *wanted) {
        char *line = NULL;

        assert_true(asprintf(&line, wanted[0] == '#' ? "# %s%s" : "%.0s%s", root,
                                    wanted + (wanted[0] == '#')) > 0);
        if (!strstr(text, line))
                fail_msg("not printed:\n%s\nbut:\n%s", line, text);
        free(line);
}

static void origins_are_printed(void **state) {
        _cleanup_free_ char *text = NULL;

        (void)state;
        put(ETC, "[Retention]\nSuccess=2h\nFailure=30m\nOOMKilled=3h\n\n[Reaper]\nParallelism=7\n");
        put(ETC ".d/a.conf", "[Retention]\nOOMKilled=\n[Engine]\nEndpoint=unix:///a b;c "
                             "#d\n[Reaper]\nParallelism=\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        text = config_print(&l.settings);
        assert_printed(text, "#" ETC ".d/a.conf:4\nEndpoint=unix:///a b;c #d\n");
        assert_printed(text, "#" ETC ":2\nSuccess=2h\n");
        assert_printed(text, "#" ETC ":3\nFailure=30min\n");
        assert_printed(text, "#" ETC ".d/a.conf:2 (default, as Failure)\nOOMKilled=30min\n");
        assert_printed(text, "\n# default (as Success)\nShutdown=2h\n");
        assert_printed(text, "#" ETC ".d/a.conf:6 (default)\nParallelism=4\n");
        assert_printed(text, "\n# default\nQuarantineAfter=8\n");
}

static void rules_are_printed_as_they_are_set(void **state) {
        _cleanup_free_ char *text = NULL, *wanted = NULL;

        (void)state;
        put(ETC, "[Rule b c]\nAction=keep\nService=a\n b !c*\nLabel=x=y !z\nKeepLast=infinity\n"
                 "[Rule a]\nKind=any\nAction=\nFailure=90m\nSuccess=1h\nSuccess=\nName=x\nName=\n");
        put(ETC ".d/a.conf", "[Rule b c]\nService=d\nAction=reap\nKind=\n[Retention]\nShutdown=5min\n"
                             "[Rule a]\nSuccess=3min\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_int_equal(l.result, 0);
        text = config_print(&l.settings);
        assert_true(asprintf(&wanted,
                                    "TextFile=off\n"
                                    "\n"
                                    "[Rule b c]\n"
                                    "# %1$s" ETC ":3\n"
                                    "Service=a\n"
                                    "# %1$s" ETC ":4\n"
                                    "Service=b !c*\n"
                                    "# %1$s" ETC ".d/a.conf:2\n"
                                    "Service=d\n"
                                    "# %1$s" ETC ":5\n"
                                    "Label=x=y !z\n"
                                    "# %1$s" ETC ".d/a.conf:4 (default)\n"
                                    "Kind=task\n"
                                    "# %1$s" ETC ".d/a.conf:3\n"
                                    "Action=reap\n"
                                    "# %1$s" ETC ":6\n"
                                    "KeepLast=infinity\n"
                                    "\n"
                                    "[Rule a]\n"
                                    "# %1$s" ETC ":8\n"
                                    "Kind=any\n"
                                    "# %1$s" ETC ":9 (default)\n"
                                    "Action=\n"
                                    "# %1$s" ETC ".d/a.conf:8\n"
                                    "Success=3min\n"
                                    "# %1$s" ETC ":10\n"
                                    "Failure=1h 30min\n"
                                    /* as what stands in [Retention] then would follow nothing */
                                    "# %1$s" ETC ":10 (as Failure)\n"
                                    "OOMKilled=1h 30min\n",
                                    root) > 0);
        assert_string_equal(strstr(text, "TextFile="), wanted);
        assert_round_trip(&l.settings);
}

/* Every word of a list is below the line that it stands on. */
static void lists_have_the_origins_of_their_words(void **state) {
        static const char main_file[] = "[Rule a]\nAction=keep\nName=cleared\n also\nService=one two\n"
                                        "  # in between\n  three\n\tfour !five\nName=\n six\nImage=gone\n",
                          drop_in[] = "[Rule a]\nImage=\nService=seven\n eight\nName=nine\n";
        _cleanup_free_ char *text = NULL, *wanted = NULL;

        (void)state;
        put(ETC, main_file);
        put(ETC ".d/a.conf", drop_in);

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        text = config_print(&l.settings);
        assert_true(asprintf(&wanted,
                                    "[Rule a]\n"
                                    "# %1$s" ETC ":5\n"
                                    "Service=one two\n"
                                    "# %1$s" ETC ":7\n"
                                    "Service=three\n"
                                    "# %1$s" ETC ":8\n"
                                    "Service=four !five\n"
                                    "# %1$s" ETC ".d/a.conf:3\n"
                                    "Service=seven\n"
                                    "# %1$s" ETC ".d/a.conf:4\n"
                                    "Service=eight\n"
                                    "# %1$s" ETC ":10\n"
                                    "Name=six\n"
                                    "# %1$s" ETC ".d/a.conf:5\n"
                                    "Name=nine\n"
                                    "# %1$s" ETC ":2\n"
                                    "Action=keep\n",
                                    root) > 0);
        assert_string_equal(strstr(text, "[Rule a]"), wanted);
        assert_round_trip(&l.settings);
}

static void the_longest_lines_are_not_cut(void **state) {
        (void)state;
        /* lines of globs of every length, the first with its key, the others with as much room for one */
        for (size_t length = 1; length <= 190; length++) {
                _cleanup_free_ char *config = NULL, *text = NULL;
                size_t size, n_line = 190, n_lines = 0;
                FILE *out = open_memstream(&config, &size);

                assert_non_null(out);
                fputs("[Rule a]\nAction=keep\nService=", out);
                for (unsigned i = 0; i < 64; i++) {
                        if (n_line < length) {
                                fputs("\n ", out);
                                n_line = 190;
                        }
                        for (size_t k = 0; k < length; k++)
                                fputc("abcdefgh"[(i + k) % 8], out);
                        n_line -= length;
                        if (n_line > 0) {
                                fputc(' ', out);
                                n_line--;
                        }
                }
                fclose(out);
                put(ETC, config);

                _cleanup_loaded_ Loaded l = load(NULL);
                assert_loaded(&l);
                assert_int_equal(l.settings.rules[0].lists[RULE_SERVICE].n, 64);
                assert_round_trip(&l.settings);

                text = config_print(&l.settings);
                for (const char *p = text; (p = strstr(p, "\nService=")); p++)
                        n_lines++;
                assert_int_equal(n_lines, 1 + 63 / ((190 + 1) / (length + 1)));
        }
}

static void what_is_printed_reads_back(void **state) {
        static const char *const texts[] = {
                "",
                "[Retention]\nSuccess=infinity\nFailure=0\nMinimumAge=infinity\n[Reaper]\nParallelism=16\n",
                "[Retention]\nOOMKilled=1us\nShutdown=18446744073709551614us\nRemoveVolumes=always\n",
                "[Retention]\nSuccess=\nOOMKilled=\nShutdown=\nRemoveVolumes=\n[Engine]\nEndpoint=\n",
                "[Engine]\nEndpoint=unix:///a b/c=d:[x];y#z #\nSettleTime=0\nResyncInterval=1.5h\n",
                "[Engine]\nEndpoint=tcp://[::1]:2375\nRequestTimeout=59min 59s 999ms 999us\n",
                "[Reaper]\nRetryInitial=1h\nRetryMax=1d\nQuarantineAfter=1000\n[Labels]\nHonor=off\n"
                "[Rule a]\nService=!b ;c\n d;e \\[x] [!]] f#\nFailure=0\nSuccess=\nShutdown=1h\n",
                "[Rule b;c =#d]\nAction=keep\n[Rule a]\nLabel=Image=x !y= z=a=b*\nAction=keep\nKind=any\n"
                "[Retention]\nMaxStopped=0\nKeepLast=infinity\nLogTail=100\nOOMKilled=5s\n",
                "[Pressure]\nMemoryAvailableLow=2.5%\nMemoryUsedHigh=90%\nStall=full 1s500ms/10s\n"
                "PressureFile=/sys/fs/cgroup/a b;c/memory.pressure\nMinimumAge=1min 1us\n"
                "MinimumReclaim=1.5G\nOrder=oldest\n[Disk]\nUsedHigh=2%\nInodesHigh=100%\nInodesLow=0%\n"
                "[Metrics]\nTextFile=/run/a b/c;d.prom\n",
                "[Pressure]\nMemoryAvailableLow=off\nMemoryUsedHigh=\nStall=off\nEnabled=no\n"
                "MinimumReclaim=4097\nPressureFile=\n[Disk]\nUsedHigh=\nUsedLow=2%\nInodesHigh=off\n"
                "[Metrics]\nTextFile=off\n",
        };
        const unsigned n = ELEMENTS_OF(texts);

        (void)state;
        /* every combination of a file and two drop-ins */
        for (unsigned i = 0; i < n * n * n; i++) {
                put(ETC, texts[i % n]);
                put(LIB ".d/1.conf", texts[i / n % n]);
                put(ETC ".d/2.conf", texts[i / n / n]);
                _cleanup_loaded_ Loaded l = load(NULL);
                assert_loaded(&l);
                assert_round_trip(&l.settings);
        }
}

static void a_files_name_cannot_smuggle_settings(void **state) {
        static const char *const names[] = {
                "/own\n[Retention]\nMinimumAge=10s\n#.conf",
                "/own\r\nParallelism=1\r\n.conf",
                "/own\xc2\x85\xff\x1b ;.conf",
                "/own\xe2\x80\xae\xe2\x80\xa8.conf",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                char drop_in[200];

                put(names[i], "[Retention]\nSuccess=2h\n");
                snprintf(drop_in, sizeof(drop_in), "%s.d%s", names[i], names[i]);
                put(drop_in, "[Retention]\nFailure=3h\n");
                _cleanup_loaded_ Loaded l = load(at(names[i]));
                assert_loaded(&l);
                assert_true(l.settings.retention.failure == 3 * USEC_PER_HOUR);
                assert_round_trip(&l.settings);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                test(the_defaults_are_printed),
                test(origins_are_printed),
                test(rules_are_printed_as_they_are_set),
                test(lists_have_the_origins_of_their_words),
                test(the_longest_lines_are_not_cut),
                test(what_is_printed_reads_back),
                test(a_files_name_cannot_smuggle_settings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
