/* SPDX-License-Identifier: Apache-2.0 */

/* Who is told what of a configuration's faults, and how. */

#include "daemon/config-report.h"
#include "log-capture.h"

static bool bare;

static void tell_faults(void) {
        ConfigReport report = {};

        if (config_report_add(&report, CONFIG_ERROR, "/a\x1b.conf", 7, "[A] B: %s", "is wrong") < 0 ||
                        config_report_add(&report, CONFIG_NOTICE, "/a", 8, "[A] C: set twice") < 0 ||
                        config_report_add(&report, CONFIG_NOTICE, "/b", 0, "is odd") < 0)
                _exit(1);
        config_report_tell(&report, bare);
        config_report_done(&report);
}

#define PREFIX "reaperd: "

static void faults_are_lines_for_who_asked(void **state) {
        (void)state;
        bare = true;
        run(tell_faults, NOT_SET);
        assert_string_equal(on_stderr, "/a\\x1b.conf:7: [A] B: is wrong\n"
                                       "/a:8: notice: [A] C: set twice\n"
                                       "/b: notice: is odd\n");
        assert_string_equal(in_journal, "");

        bare = false;
        run(tell_faults, NOT_SET);
        assert_string_equal(on_stderr,
                        PREFIX "/a\\x1b.conf:7: [A] B: is wrong\n" PREFIX
                               "/a:8: notice: [A] C: set twice\n" PREFIX "/b: notice: is odd\n");
        assert_string_equal(in_journal, "");
}

/* As ExecReload= has it: a line on stderr would be taken for information. */
static void faults_in_the_journal_have_a_priority(void **state) {
        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                bare = i > 0;
                run(tell_faults, THE_JOURNAL);
                assert_string_equal(on_stderr, "");
                assert_string_equal(in_journal, "MESSAGE=/a\\x1b.conf:7: [A] B: is wrong\nPRIORITY=3\n"
                                                "SYSLOG_IDENTIFIER=reaperd\n.\n"
                                                "MESSAGE=/a:8: notice: [A] C: set twice\nPRIORITY=5\n"
                                                "SYSLOG_IDENTIFIER=reaperd\n.\n"
                                                "MESSAGE=/b: notice: is odd\nPRIORITY=5\n"
                                                "SYSLOG_IDENTIFIER=reaperd\n.\n");
        }
}

static void tell_many(void) {
        ConfigReport report = {};

        for (unsigned i = 1; i <= CONFIG_FAULTS_MAX + 5; i++)
                if (config_report_add(&report, CONFIG_ERROR, "/a", i, "x") < 0)
                        _exit(1);
        config_report_tell(&report, true);
        config_report_done(&report);
}

static void what_is_too_much_is_counted(void **state) {
        static const char end[] = "/a:1000: x\nreaperd: 5 more faults are not listed\n";

        (void)state;
        run(tell_many, NOT_SET);
        assert_true(strlen(on_stderr) > sizeof(end));
        assert_string_equal(on_stderr + strlen(on_stderr) - strlen(end), end);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(faults_are_lines_for_who_asked),
                cmocka_unit_test(faults_in_the_journal_have_a_priority),
                cmocka_unit_test(what_is_too_much_is_counted),
        };

        return cmocka_run_group_tests_name("config-report", tests, NULL, NULL);
}
