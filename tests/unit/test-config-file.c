/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which files are read, in which order, and what is told of them all.
 */

#include "config-file-fixture.h"

static void nothing_at_all_means_defaults(void **state) {
        _cleanup_loaded_ Loaded l = load(NULL);

        (void)state;
        assert_loaded(&l);
        assert_true(l.settings.retention.success == USEC_PER_HOUR);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                assert_null(l.settings.origins[id].file);
}

static void the_default_file_is_read(void **state) {
        (void)state;
        put(ETC, "[Retention]\n\nSuccess=2h\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_true(l.settings.retention.success == 2 * USEC_PER_HOUR);
        assert_true(l.settings.retention.shutdown == 2 * USEC_PER_HOUR);
        assert_origin(&l, SETTING_SUCCESS, ETC, 3);
}

static void a_given_file_has_to_be_there(void **state) {
        (void)state;
        put(ETC, "[Retention]\nSuccess=2h\n");

        _cleanup_loaded_ Loaded l = load(at("/own.conf"));
        assert_int_equal(l.result, -EINVAL);
        assert_faults(&l, "/own.conf: cannot be opened (No such file or directory), "
                          "accepted: a readable regular file of at most 1 MB\n");
}

static void a_given_file_has_drop_ins_of_its_own(void **state) {
        (void)state;
        put(ETC, "[Retention]\nSuccess=2h\n");
        put(ETC ".d/a.conf", "[Retention]\nSuccess=3h\n");
        put("/own.conf", "[Retention]\nSuccess=4h\nFailure=4h\n");
        put("/own.conf.d/a.conf", "[Retention]\nSuccess=5h\n");

        _cleanup_loaded_ Loaded l = load(at("/own.conf"));
        assert_loaded(&l);
        assert_true(l.settings.retention.success == 5 * USEC_PER_HOUR);
        assert_true(l.settings.retention.failure == 4 * USEC_PER_HOUR);
        assert_origin(&l, SETTING_SUCCESS, "/own.conf.d/a.conf", 2);
        assert_origin(&l, SETTING_FAILURE, "/own.conf", 3);
}

static void drop_ins_are_read_by_name_over_the_folders(void **state) {
        (void)state;
        put(ETC, "[Reaper]\nParallelism=1\n[Retention]\nSuccess=1min\nFailure=1min\nFailedStart="
                 "1min\nOrphanAge=1min\n");
        /* the name decides the order, not the folder */
        put(LIB ".d/90-lib.conf", "[Retention]\nSuccess=90min\n");
        put(RUN ".d/50-run.conf", "[Retention]\nSuccess=50min\nFailure=50min\n");
        put(ETC ".d/10-etc.conf", "[Retention]\nSuccess=10min\nFailure=10min\nFailedStart=10min\n");
        /* upper case before lower case, digits before letters: bytes */
        put(ETC ".d/Z.conf", "[Engine]\nSettleTime=1s\n");
        put(LIB ".d/a.conf", "[Engine]\nSettleTime=2s\n");
        /* no drop-ins */
        put(ETC ".d/99-readme", "[Bogus]\n");
        put(ETC ".d/99.conf.bak", "[Bogus]\n");
        put(ETC ".d/99.conf~", "[Bogus]\n");
        put(ETC ".d/.99.conf", "[Bogus]\n");
        put(ETC ".d/.conf", "[Bogus]\n");
        put(ETC ".d/conf", "[Bogus]\n");
        put("/own.conf.d/99.conf", "[Bogus]\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_true(l.settings.retention.success == 90 * USEC_PER_MINUTE);
        assert_true(l.settings.retention.failure == 50 * USEC_PER_MINUTE);
        assert_true(l.settings.retention.failed_start == 10 * USEC_PER_MINUTE);
        assert_true(l.settings.retention.orphan_age == USEC_PER_MINUTE);
        assert_int_equal(l.settings.parallelism, 1);
        assert_true(l.settings.settle_time == 2 * USEC_PER_SEC);
        assert_origin(&l, SETTING_SUCCESS, LIB ".d/90-lib.conf", 2);
        assert_origin(&l, SETTING_FAILURE, RUN ".d/50-run.conf", 3);
        assert_origin(&l, SETTING_FAILED_START, ETC ".d/10-etc.conf", 4);
        assert_origin(&l, SETTING_ORPHAN_AGE, ETC, 7);
}

static void folders_hide_one_another(void **state) {
        /* every non-empty set of folders that have the same file, and which one is read */
        static const char *const paths[] = { ETC ".d/a.conf", RUN ".d/a.conf", LIB ".d/a.conf" };

        (void)state;
        for (unsigned set = 0; set < 8; set++) {
                _cleanup_loaded_ Loaded l = {};
                unsigned wanted = 4; /* the default */

                for (unsigned i = 3; i-- > 0;) {
                        char text[64];

                        (void)unlink(at(paths[i]));
                        if (!(set & (1U << i)))
                                continue;
                        /* a second setting that would show if a hidden file were read too */
                        snprintf(text, sizeof(text), "[Reaper]\nParallelism=%u\nQuarantineAfter=%u\n",
                                        10 + i, i == 0 ? 8 : 100 + i);
                        put(paths[i], text);
                        wanted = 10 + i;
                }

                l = load(NULL);
                assert_loaded(&l);
                assert_int_equal(l.settings.parallelism, wanted);
                assert_int_equal(l.settings.quarantine_after, wanted <= 10 ? 8 : 90 + wanted);
        }
}

static void drop_ins_can_be_masked(void **state) {
        (void)state;
        put(LIB ".d/a.conf", "[Bogus]\n");
        put(RUN ".d/b.conf", "[Bogus]\n");
        put(LIB ".d/c.conf", "[Bogus]\n");
        put(LIB ".d/d.conf", "[Retention]\nSuccess=3h\n");
        assert_int_equal(symlink("/dev/null", at(ETC ".d/a.conf")), 0);
        assert_int_equal(symlink("/dev/null", at(ETC ".d/b.conf")), 0);
        put(RUN ".d/c.conf", ""); /* as good as a mask */

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_true(l.settings.retention.success == 3 * USEC_PER_HOUR);

        /* but what is named is not masked by being a device */
        assert_int_equal(symlink("/dev/null", at("/own.conf")), 0);
        _cleanup_loaded_ Loaded own = load(at("/own.conf"));
        assert_faults(&own, "/own.conf: is a device, accepted: a readable regular file of at most 1 MB\n");
        assert_int_equal(symlink("/dev/null", at(ETC)), 0);
        _cleanup_loaded_ Loaded etc = load(NULL);
        assert_faults(&etc, ETC ": is a device, accepted: a readable regular file of at most 1 MB\n");
}

static void links_are_followed_unless_they_lead_nowhere(void **state) {
        (void)state;
        put("/elsewhere", "[Reaper]\nParallelism=2\n");
        assert_int_equal(symlink(at("/elsewhere"), at(ETC)), 0);
        assert_int_equal(symlink(at("/elsewhere"), at(ETC ".d/a.conf")), 0);
        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_int_equal(l.settings.parallelism, 2);
        assert_origin(&l, SETTING_PARALLELISM, ETC ".d/a.conf", 2);

        assert_int_equal(unlink(at("/elsewhere")), 0);
        _cleanup_loaded_ Loaded gone = load(NULL);
        assert_int_equal(gone.result, -EINVAL);
        assert_faults(&gone, ETC ": cannot be opened (No such file or directory), "
                                 "accepted: a readable regular file of at most 1 MB\n" ETC
                                 ".d/a.conf: cannot be opened (No such file or directory), "
                                 "accepted: a readable regular file of at most 1 MB\n");
}

static void only_regular_files_are_read(void **state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        (void)state;
        assert_int_equal(mkdir(at(ETC), 0755), 0);
        assert_int_equal(mkdir(at(ETC ".d/a.conf"), 0755), 0);
        /* nobody ever writes into it: a blocking open would hang */
        assert_int_equal(mkfifo(at(RUN ".d/b.conf"), 0644), 0);
        assert_int_equal(symlink("/dev/zero", at(LIB ".d/c.conf")), 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", at(ETC ".d/d.conf"));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        put(ETC ".d/e.conf", "[Bogus]\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_faults(&l, ETC
                        ": is a directory, accepted: a readable regular file of at most 1 MB\n" ETC
                        ".d/a.conf: is a directory, accepted: a readable regular file of at most 1 MB\n" RUN
                        ".d/b.conf: is a FIFO, accepted: a readable regular file of at most 1 MB\n" LIB
                        ".d/c.conf: is a device, accepted: a readable regular file of at most 1 MB\n" ETC
                        ".d/d.conf: cannot be opened (No such device or address), "
                        "accepted: a readable regular file of at most 1 MB\n" ETC
                        ".d/e.conf:1: [Bogus]: unknown section, accepted: [Engine], [Retention], "
                        "[Labels], [Reaper], [Pressure], [Disk], [Metrics], [Rule NAME]\n");

        _cleanup_loaded_ Loaded fifo = load(at(RUN ".d/b.conf"));
        assert_int_equal(fifo.result, -EINVAL);
        close(fd);
}

/* Whoever may write it decides what is removed. */
static void what_everybody_can_write_is_refused(void **state) {
        (void)state;
        put(ETC, "[Reaper]\nParallelism=2\n");
        put(ETC ".d/a.conf", "[Reaper]\nParallelism=3\n");
        put(RUN ".d/b.conf", "[Reaper]\nParallelism=4\n");
        put(LIB ".d/c.conf", "[Reaper]\nParallelism=5\n");
        put("/own.conf", "");

        /* a group of administrators is none of our business */
        assert_int_equal(chmod(at(ETC), 0664), 0);
        assert_int_equal(chmod(at(ETC ".d"), 0775), 0);
        assert_int_equal(chmod(at(ETC ".d/a.conf"), 0660), 0);
        _cleanup_loaded_ Loaded good = load(NULL);
        assert_loaded(&good);
        assert_int_equal(good.settings.parallelism, 5);

        assert_int_equal(chmod(at(ETC), 0646), 0);
        assert_int_equal(chmod(at(ETC ".d/a.conf"), 0666), 0);
        assert_int_equal(chmod(at(RUN ".d"), 0777), 0);
        assert_int_equal(chmod(at(LIB ".d"), 01777), 0);
        assert_int_equal(chmod(at("/own.conf"), 0602), 0);
        _cleanup_loaded_ Loaded bad = load(NULL);
        assert_faults(&bad,
                        ETC ": can be written by everybody, accepted: a file that others cannot write\n" RUN
                            ".d: folder of drop-ins can be written by everybody, accepted: one that others "
                            "cannot write\n" LIB
                            ".d: folder of drop-ins can be written by everybody, accepted: one that others "
                            "cannot write\n" ETC ".d/a.conf: can be written by everybody, accepted: a file "
                            "that others cannot write\n");
        _cleanup_loaded_ Loaded own = load(at("/own.conf"));
        assert_faults(&own, "/own.conf: can be written by everybody, accepted: a file that others cannot "
                            "write\n");
}

static void folders_that_are_none_are_told(void **state) {
        (void)state;
        put(ETC ".d", "");
        put(RUN ".d/a.conf", "[Reaper]\nParallelism=x\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_faults(&l, ETC
                        ".d: folder of drop-ins cannot be opened (Not a directory), "
                        "accepted: a readable folder, or none\n" RUN
                        ".d/a.conf:2: [Reaper] Parallelism: 'x' is not a whole number, accepted: 1 to 16\n");
}

static void large_files_are_refused(void **state) {
        _cleanup_free_ char *text = malloc(CONFIG_FILE_BYTES_MAX + 2);

        (void)state;
        assert_non_null(text);
        memset(text, '#', CONFIG_FILE_BYTES_MAX + 1);
        strcpy(text + CONFIG_FILE_BYTES_MAX - 24, "\n[Reaper]\nParallelism=3\n");
        assert_int_equal(strlen(text), CONFIG_FILE_BYTES_MAX);
        put(ETC, text);
        _cleanup_loaded_ Loaded most = load(NULL);
        assert_loaded(&most);
        assert_int_equal(most.settings.parallelism, 3);

        strcat(text, "\n");
        put(ETC, text);
        _cleanup_loaded_ Loaded more = load(NULL);
        assert_faults(&more, ETC ": is too large, accepted: a readable regular file of at most 1 MB\n");

        /* whose size is not told beforehand */
        assert_int_equal(truncate(at(ETC), 1024L * 1024 * 1024 * 100), 0);
        _cleanup_loaded_ Loaded huge = load(NULL);
        assert_faults(&huge, ETC ": is too large, accepted: a readable regular file of at most 1 MB\n");
        assert_int_equal(unlink(at(ETC)), 0);
}

static void all_faults_of_all_files_are_told(void **state) {
        (void)state;
        put(ETC, "[Retention]\nSuccess=x\nSuccess=1h\n[Bogus]\n");
        put(LIB ".d/a.conf", "[Reaper]\nRetryMax=1s\n  x\n");
        put(ETC ".d/b.conf", "[Engine]\nEndpiont=unix:///a\n");
        put(RUN ".d/c.conf", "[Retention]\nSuccess=1h\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_faults(&l,
                        ETC ":2: [Retention] Success: 'x' is not a time span, accepted: 0 to infinity\n" ETC
                            ":3: notice: [Retention] Success: set twice, the value of line 2 is "
                            "dropped for that of line 3\n" ETC
                            ":4: [Bogus]: unknown section, accepted: [Engine], [Retention], [Labels], "
                            "[Reaper], [Pressure], [Disk], [Metrics], [Rule NAME]\n" LIB
                            ".d/a.conf:3: [Reaper]: line is indented, but "
                            "no list of a rule stands right above it, "
                            "accepted: lines that begin in the first column\n" ETC
                            ".d/b.conf:2: [Engine] Endpiont: unknown key, nearest: Endpoint, "
                            "accepted: Endpoint, ResyncInterval, RequestTimeout, SettleTime\n" LIB
                            ".d/a.conf:2: [Reaper] RetryMax: 1s is below RetryInitial=5s, "
                            "accepted: 1s to 1d, RetryMax= not below RetryInitial=\n");
        assert_int_equal(l.report.n_errors, 5);
        assert_int_equal(l.report.n_notices, 1);
}

static void settings_have_to_agree(void **state) {
        static const struct {
                const char *main, *drop_in, *faults;
        } cases[] = {
                { "[Reaper]\nRetryInitial=20min\n", "",
                                ETC ":2: [Reaper] RetryInitial: 20min is above RetryMax=, which has its "
                                    "default, "
                                    "accepted: 1s to 1h, RetryMax= not below RetryInitial=\n" },
                { "[Reaper]\nRetryMax=1h\n", "[Reaper]\n\nRetryInitial=1h\n", "" },
                { "[Reaper]\nRetryMax=30min\n", "[Reaper]\n\nRetryInitial=1h\n",
                                ETC ":2: [Reaper] RetryMax: 30min is below RetryInitial=1h (" ETC
                                    ".d/a.conf:3), "
                                    "accepted: 1s to 1d, RetryMax= not below RetryInitial=\n" },
                { "[Reaper]\nRetryMax=1h\nRetryInitial=1h\n", "[Reaper]\nRetryMax=\n",
                                ETC
                                ":3: [Reaper] RetryInitial: 1h is above RetryMax=, which has its default, "
                                "accepted: 1s to 1h, RetryMax= not below RetryInitial=\n" },
                { "[Reaper]\nRetryMax=1s\n", "[Reaper]\nRetryMax=\n", "" },
                /* of a value that was refused nothing is known */
                { "[Reaper]\nRetryMax=forever\nRetryInitial=20min\n", "",
                                ETC ":2: [Reaper] RetryMax: 'forever' is not a time span, accepted: 1s to "
                                    "1d\n" },
                { "[Reaper]\nRetryMax=2s\nRetryInitial=x\n", "",
                                ETC
                                ":3: [Reaper] RetryInitial: 'x' is not a time span, accepted: 1s to 1h\n" },
                { "[Reaper]\nRetryMax=x\nRetryInitial=20min\n", "[Reaper]\nRetryMax=1min\n",
                                ETC ":2: [Reaper] RetryMax: 'x' is not a time span, accepted: 1s to 1d\n" ETC
                                    ".d/a.conf:2: [Reaper] RetryMax: 1min is below RetryInitial=20min (" ETC
                                    ":3), "
                                    "accepted: 1s to 1d, RetryMax= not below RetryInitial=\n" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                put(ETC, cases[i].main);
                put(ETC ".d/a.conf", cases[i].drop_in);
                _cleanup_loaded_ Loaded l = load(NULL);
                assert_faults(&l, cases[i].faults);
        }
}

static void rules_are_one_over_files(void **state) {
        const Rule *rules;

        (void)state;
        put(LIB ".d/a.conf",
                        "[Rule a]\nService=a\nKind=any\nFailure=1h\n[Rule b]\nService=b\nAction=keep\n");
        put(ETC ".d/b.conf", "[Rule c]\nAction=keep\n[Rule b]\nService=\n c\n\n[Rule a]\nService=d\nKind=\n"
                             "Failure=2h\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        rules = l.settings.rules;
        assert_int_equal(l.settings.n_rules, 3);
        assert_string_equal(rules[0].name, "a");
        assert_string_equal(rules[1].name, "b");
        assert_string_equal(rules[2].name, "c");

        assert_int_equal(rules[0].lists[RULE_SERVICE].n, 2);
        assert_string_equal(rules[0].lists[RULE_SERVICE].texts[0], "a");
        assert_string_equal(rules[0].lists[RULE_SERVICE].texts[1], "d");
        assert_int_equal(rules[0].kind, RULE_KIND_TASK);
        assert_true(rules[0].values.failure == 2 * USEC_PER_HOUR);
        assert_string_equal(rules[0].origin.file, at(LIB ".d/a.conf"));
        assert_string_equal(rules[0].lists[RULE_SERVICE].origins[0].file, at(LIB ".d/a.conf"));
        assert_int_equal(rules[0].lists[RULE_SERVICE].origins[0].line, 2);
        assert_string_equal(rules[0].lists[RULE_SERVICE].origins[1].file, at(ETC ".d/b.conf"));
        assert_int_equal(rules[0].lists[RULE_SERVICE].origins[1].line, 8);
        assert_string_equal(rules[0].key_origins[RULE_KIND].file, at(ETC ".d/b.conf"));
        assert_true(rules[0].key_origins[RULE_KIND].is_default);

        assert_int_equal(rules[1].lists[RULE_SERVICE].n, 1);
        assert_string_equal(rules[1].lists[RULE_SERVICE].texts[0], "c");
        assert_int_equal(rules[1].lists[RULE_SERVICE].origins[0].line, 5);
        assert_int_equal(rules[1].action, RULE_ACTION_KEEP);
        assert_string_equal(rules[1].key_origins[RULE_ACTION].file, at(LIB ".d/a.conf"));
}

static void rules_without_effect_are_noticed(void **state) {
        static const char tail[] = "; no later rule is asked about what it matches\n";
        _cleanup_free_ char *wanted = NULL;

        (void)state;
        put(ETC, "[Rule a]\nService=x\n[Rule b]\nKind=other\nSuccess=1h\n[Rule c]\nAction=reap\n"
                 "[Rule d]\nAction=keep\n[Rule e]\nSuccess=1h\n[Rule f]\nKind=any\nSuccess=1h\n"
                 "[Rule g]\nKind=other\nAction=reap\n[Rule h]\nKind=other\nAction=keep\n"
                 "[Rule i]\nAction=reap\nLogTail=5\n[Rule j]\n[Rule k]\nSuccess=1h\nSuccess=\n");
        /* what another file adds counts */
        put(ETC ".d/a.conf", "[Rule j]\nAction=keep\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_int_equal(l.result, 0);
        assert_true(asprintf(&wanted,
                                    ETC ":27: notice: [Rule k] Success: set twice, the value of line 26 is "
                                        "dropped for that of line 27\n" ETC
                                        ":1: notice: [Rule a]: has no effect, as it sets neither Action= "
                                        "nor any value%s" ETC ":3: notice: [Rule b]: has no effect, as "
                                        "containers that are no tasks are left "
                                        "alone without Action=reap%s" ETC
                                        ":6: notice: [Rule c]: has no effect, as tasks are let go without "
                                        "Action=reap, and "
                                        "it is about no others without Kind=other or any%s" ETC
                                        ":25: notice: [Rule k]: has no effect, as it sets neither Action= "
                                        "nor any value%s",
                                    tail, tail, tail, tail) > 0);
        assert_faults(&l, wanted);

        /* what is refused might have been the effect */
        put(ETC ".d/a.conf", "[Rule a]\nAction=kep\n");
        _cleanup_loaded_ Loaded bad = load(NULL);
        assert_int_equal(bad.report.n_errors, 1);
        assert_int_equal(bad.report.n_notices, 1);
}

static void notices_are_no_errors(void **state) {
        (void)state;
        put(ETC, "[Reaper]\nParallelism=2\nParallelism=3\n");
        put(ETC ".d/a.conf", "[Reaper]\nParallelism=5\n"); /* in another file: what drop-ins are for */

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_int_equal(l.result, 0);
        assert_faults(&l, ETC ":3: notice: [Reaper] Parallelism: set twice, "
                              "the value of line 2 is dropped for that of line 3\n");
        assert_int_equal(l.settings.parallelism, 5);
}

static void names_in_messages_are_escaped(void **state) {
        (void)state;
        put("/a\x1b[2J\nb.conf", "[Bogus]\n");

        _cleanup_loaded_ Loaded l = load(at("/a\x1b[2J\nb.conf"));
        assert_faults(&l, "/a\\x1b[2J\\x0ab.conf:1: [Bogus]: unknown section, "
                          "accepted: [Engine], [Retention], [Labels], [Reaper], [Pressure], [Disk], "
                          "[Metrics], [Rule "
                          "NAME]\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                test(nothing_at_all_means_defaults),
                test(the_default_file_is_read),
                test(a_given_file_has_to_be_there),
                test(a_given_file_has_drop_ins_of_its_own),
                test(drop_ins_are_read_by_name_over_the_folders),
                test(folders_hide_one_another),
                test(drop_ins_can_be_masked),
                test(links_are_followed_unless_they_lead_nowhere),
                test(only_regular_files_are_read),
                test(what_everybody_can_write_is_refused),
                test(folders_that_are_none_are_told),
                test(large_files_are_refused),
                test(all_faults_of_all_files_are_told),
                test(settings_have_to_agree),
                test(rules_are_one_over_files),
                test(rules_without_effect_are_noticed),
                test(notices_are_no_errors),
                test(names_in_messages_are_escaped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
