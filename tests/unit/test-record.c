/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records: their texts and fields, and what of a container's log gets into them.
 */

#include <errno.h>

#include "daemon/record.h"
#include "log-capture.h"

static Container container = {
        .name = (char *)"web.1.xyz",
        .task_id = (char *)"xyz",
        .exit_code = 3,
        .scope = SCOPE_TASK,
};
static const Decision decision = {
        .verdict = VERDICT_TTL_EXPIRED, .age = 62 * MINUTE, .setting = SETTING_FAILURE
};

/* What record_removal() is given next. */
static const char *tail;
static size_t tail_size;
static Decision decided;

static void remove_it(void) {
        record_removal(&container, &decided,
                        &(RemovalRecord){ .attempt = 2, .log_tail = tail, .log_size = tail_size });
}

static void remove_in_dry_run(void) {
        record_removal(&container, &decided, &(RemovalRecord){ .attempt = 1, .dry_run = true });
}

#define REMOVED_FIELDS                                                                              \
        "SYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_REMOVED "\nCONTAINER_ID=abababababab\n" \
        "CONTAINER_ID_FULL=abababababababababababababababababababababababababababababababab\n"      \
        "CONTAINER_NAME=web.1.xyz\nSWARM_TASK_ID=xyz\n"

static void test_removal(void **state) {
        (void)state;
        decided = decision;
        run(remove_it, THE_JOURNAL);
        assert_string_equal(on_stderr, "");
        assert_string_equal(in_journal,
                        "MESSAGE=Removed abababababab web.1.xyz: ttl-expired, age 1h 2min, exit "
                        "3\nPRIORITY=6\n" //
                        REMOVED_FIELDS "REAPERD_ATTEMPT=2\nREAPERD_VERDICT=ttl-expired\n"
                        "REAPERD_AGE_USEC=3720000000\nREAPERD_EXIT_CODE=3\nREAPERD_DRY_RUN=0\n"
                        "REAPERD_SETTING=Failure\n.\n");

        decided.setting = _SETTING_INVALID;
        run(remove_in_dry_run, THE_JOURNAL);
        assert_string_equal(in_journal,
                        "MESSAGE=Would remove abababababab web.1.xyz: ttl-expired, age 1h 2min, exit 3\n"
                        "PRIORITY=6\n" //
                        REMOVED_FIELDS "REAPERD_ATTEMPT=1\nREAPERD_VERDICT=ttl-expired\n"
                        "REAPERD_AGE_USEC=3720000000\nREAPERD_EXIT_CODE=3\nREAPERD_DRY_RUN=1\n.\n");

        run(remove_in_dry_run, NOT_SET);
        assert_string_equal(on_stderr,
                        "reaperd: Would remove abababababab web.1.xyz: ttl-expired, age 1h 2min, exit 3\n");
}

/* Where the value came from that decided: a rule's line, a label, [Retention]'s line, nowhere. */
static void test_origin(void **state) {
        _cleanup_(settings_done) Settings settings = { 0 };
        Rule rule = { .name = (char *)"the web" };
        Profile profile = { .settings = &settings, .rule = &rule, .is_task = true, .in_scope = true };

        (void)state;
        decided = decision;
        container.profile = &profile;
        assert_int_equal(settings_init(&settings), 0);

        run(remove_it, THE_JOURNAL);
        assert_non_null(strstr(in_journal, "\nREAPERD_SETTING=Failure\nREAPERD_RULE=the web\n"
                                           "REAPERD_ORIGIN=default\n.\n"));

        assert_int_equal(settings_set(&settings, SETTING_FAILURE, "2h", "/etc/a.conf", 7, NULL), 0);
        run(remove_it, THE_JOURNAL);
        assert_non_null(strstr(in_journal, "\nREAPERD_ORIGIN=/etc/a.conf:7\n.\n"));

        rule.has_value[SETTING_FAILURE] = true;
        rule.origins[SETTING_FAILURE] = (SettingOrigin){ .file = "/etc/b.conf", .line = 8 };
        run(remove_it, THE_JOURNAL);
        assert_non_null(strstr(in_journal, "\nREAPERD_ORIGIN=/etc/b.conf:8\n.\n"));

        profile.labels.has[LABEL_TTL] = true;
        run(remove_it, THE_JOURNAL);
        assert_non_null(strstr(in_journal, "\nREAPERD_ORIGIN=label org.reaperd.ttl\n.\n"));

        profile.rule = NULL;
        run(remove_it, THE_JOURNAL);
        assert_null(strstr(in_journal, "REAPERD_RULE"));

        /* A label says that it is a task, and the engine that it is none. */
        assert_non_null(strstr(in_journal, "\nSWARM_TASK_ID=xyz\n"));
        container.scope = SCOPE_OTHER;
        run(remove_it, THE_JOURNAL);
        assert_null(strstr(in_journal, "SWARM_"));
        container.scope = SCOPE_TASK;
        container.profile = NULL;
}

/* What becomes of a log: on stderr the text behind "  | " of each line, in the journal the field. */
static void check_tail(const char *text, size_t size, const char *field, const char *shown) {
        char want[3 * RECORD_LOG_TAIL_MAX];

        tail = text;
        tail_size = size;
        decided = decision;

        run(remove_it, THE_JOURNAL);
        assert_string_equal(on_stderr, "");
        if (field) {
                snprintf(want, sizeof(want), "\nREAPERD_LOG_TAIL=%s\n.\n", field);
                assert_non_null(strstr(in_journal, want));
        } else
                assert_null(strstr(in_journal, "REAPERD_LOG_TAIL"));

        run(remove_it, NOT_SET);
        snprintf(want, sizeof(want),
                        "reaperd: Removed abababababab web.1.xyz: ttl-expired, age 1h 2min, exit 3\n%s",
                        shown);
        assert_string_equal(on_stderr, want);
}

static void test_log_tail(void **state) {
        static const struct {
                const char *text;
                size_t size;
                const char *field, *shown;
        } rows[] = {
#define ROW(text, field, shown) { text, sizeof(text) - 1, field, shown }
                { NULL, 0, NULL, "" },
                ROW("", NULL, ""),
                ROW("one", "one", "reaperd:   | one\n"),
                ROW("one\n", "one", "reaperd:   | one\n"),
                ROW("one\ntwo\n", "one\ntwo", "reaperd:   | one\nreaperd:   | two\n"),
                ROW("one\n\ntwo\n\n", "one\n\ntwo\n",
                                "reaperd:   | one\nreaperd:   | \nreaperd:   | two\nreaperd:   | \n"),
                ROW("\n\n", "\n", "reaperd:   | \nreaperd:   | \n"),
                ROW("one\r\ntwo\r\n", "one\ntwo", "reaperd:   | one\nreaperd:   | two\n"),
                ROW("50%\r100%\n", "50%\\x0d100%", "reaperd:   | 50%\\x0d100%\n"),
                ROW("a\0b\0\n\0", "a\\x00b\\x00\n\\x00", "reaperd:   | a\\x00b\\x00\nreaperd:   | \\x00\n"),
                ROW("\x1b[31mred\xff\xc3\xa9\xc3", "\\x1b[31mred\\xff\xc3\xa9\\xc3",
                                "reaperd:   | \\x1b[31mred\\xff\xc3\xa9\\xc3\n"),
                /* A character that a line's end cuts is none. */
                ROW("\xc3\n\xa9", "\\xc3\n\\xa9", "reaperd:   | \\xc3\nreaperd:   | \\xa9\n"),
                ROW("REAPERD_RULE=x\n%s%n", "REAPERD_RULE=x\n%s%n",
                                "reaperd:   | REAPERD_RULE=x\nreaperd:   | %s%n\n"),
#undef ROW
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++)
                check_tail(rows[i].text, rows[i].size, rows[i].field, rows[i].shown);
}

/* Reads the field of the record in in_journal. */
static void recorded_tail(char *buf) {
        const char *begin = strstr(in_journal, "\nREAPERD_LOG_TAIL="), *end;

        assert_non_null(begin);
        begin += strlen("\nREAPERD_LOG_TAIL=");
        end = begin + strlen(begin) - strlen("\n.\n");
        assert_in_range(end - begin, 0, RECORD_LOG_TAIL_MAX);
        memcpy(buf, begin, (size_t)(end - begin));
        buf[end - begin] = '\0';
}

/* However the pieces of a log lie at the cut: the field is the end of what all of it comes to, and lacks
 * less than one more piece would have filled. */
static void test_log_tail_is_cut(void **state) {
        static const struct {
                const char *raw;
                size_t size;
                const char *escaped;
        } pieces[] = { { "a", 1, "a" }, { "\n", 1, "\n" }, { "\r\n", 2, "\n" }, { "\xff", 1, "\\xff" },
                { "\0", 1, "\\x00" }, { "\xc3\xa9", 2, "\xc3\xa9" },
                { "\xf0\x9f\x90\xb3", 4, "\xf0\x9f\x90\xb3" }, { "\xe2\x80\xae", 3, "\\xe2\\x80\\xae" } };
        static char raw[4 * 20000], escaped[12 * 20000], got[RECORD_LOG_TAIL_MAX + 1];
        uint64_t random = 7;

        (void)state;
        decided = decision;
        for (unsigned i = 0; i < 80; i++) {
                size_t n = 0, m = 0, count = random_between(&random, 300, i < 50 ? 6000 : 20000);

                for (size_t k = 0; k < count; k++) {
                        size_t p = i % 10 < ELEMENTS_OF(pieces) ? i % 10
                                                                : random_below(&random, ELEMENTS_OF(pieces));

                        memcpy(raw + n, pieces[p].raw, pieces[p].size);
                        n += pieces[p].size;
                        memcpy(escaped + m, pieces[p].escaped, strlen(pieces[p].escaped));
                        m += strlen(pieces[p].escaped);
                }
                /* So that no line's end is taken off it. */
                raw[n++] = escaped[m++] = 'z';
                escaped[m] = '\0';

                tail = raw;
                tail_size = n;
                run(remove_it, THE_JOURNAL);
                recorded_tail(got);

                assert_true(strlen(got) <= m);
                assert_string_equal(got, escaped + m - strlen(got));
                if (m <= RECORD_LOG_TAIL_MAX)
                        assert_int_equal(strlen(got), m);
                else
                        assert_in_range(strlen(got), RECORD_LOG_TAIL_MAX - 11, RECORD_LOG_TAIL_MAX);
                /* Neither a character nor an escape is cut. */
                assert_true(((unsigned char)got[0] & 0xc0) != 0x80);
                assert_true(got[0] != 'x' && got[0] != '0' && got[0] != 'f' && got[0] != 'e');
        }
}

static void quarantine(void) {
        record_quarantine(&container, 8, -EBUSY, NULL);
}

static void held(void) {
        record_held(&container, VERDICT_OVER_CAP);
}

static void engine(void) {
        record_engine_lost("unix:///a", -ECONNRESET, NULL, false);
        record_engine_lost("unix:///a", 0, "words", true);
        record_engine_back("unix:///a", "20.10.24", (ApiVersion){ 1, 41 });
        record_clock_jump(2 * HOUR, 0);
        record_clock_jump(0, 90 * SEC);
}

static void reload(void) {
        record_reloaded(3, false);
        record_reloaded(0, true);
        record_reload_refused(2);
        record_surge_held(60, 50, 10 * MINUTE);
        record_first_run(12, 90 * SEC);
}

static void test_others(void **state) {
        (void)state;
        run(quarantine, THE_JOURNAL);
        assert_non_null(strstr(in_journal,
                        "MESSAGE=Removing abababababab web.1.xyz failed 8 times, the last time "
                        "with: the engine is busy with it. It is left alone until it is started "
                        "or the engine is restarted\nPRIORITY=4\n"));
        assert_non_null(strstr(in_journal, "\nMESSAGE_ID=" MESSAGE_ID_QUARANTINED "\n"));
        assert_non_null(strstr(in_journal, "\nSWARM_TASK_ID=xyz\nREAPERD_ATTEMPT=8\n.\n"));

        run(held, THE_JOURNAL);
        assert_non_null(strstr(in_journal,
                        "MESSAGE=Held abababababab web.1.xyz: would go as over-cap\nPRIORITY=6\n"));
        assert_null(strstr(in_journal, "MESSAGE_ID"));
        assert_non_null(strstr(in_journal, "\nSWARM_TASK_ID=xyz\nREAPERD_VERDICT=surge-held\nREAPERD_WOULD_"
                                           "GO_AS=over-cap\n.\n"));

        run(engine, THE_JOURNAL);
        assert_string_equal(in_journal,
                        "MESSAGE=No connection to the engine at unix:///a: the connection was closed. "
                        "Trying again "
                        "until it is there\nPRIORITY=4\nSYSLOG_IDENTIFIER=reaperd\n"
                        "MESSAGE_ID=" MESSAGE_ID_ENGINE_LOST "\nREAPERD_ENDPOINT=unix:///a\n.\n"
                        "MESSAGE=No connection to the engine at unix:///a: words\nPRIORITY=4\n"
                        "SYSLOG_IDENTIFIER=reaperd\n"
                        "MESSAGE_ID=" MESSAGE_ID_ENGINE_LOST "\nREAPERD_ENDPOINT=unix:///a\n.\n"
                        "MESSAGE=Connected to engine 20.10.24 at unix:///a, API 1.41\nPRIORITY=6\n"
                        "SYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_ENGINE_BACK
                        "\nREAPERD_ENDPOINT=unix:///a\nREAPERD_ENGINE_VERSION=20.10.24\n.\n"
                        "MESSAGE=The clock was set forward by 2h; ages are not affected, due times are "
                        "taken anew\n"
                        "PRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_CLOCK_JUMPED
                        "\nREAPERD_CLOCK_JUMP_USEC=7200000000\n.\n"
                        "MESSAGE=The clock was set back by 1min 30s; ages are not affected, due times are "
                        "taken "
                        "anew\nPRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_CLOCK_JUMPED
                        "\nREAPERD_CLOCK_JUMP_USEC=-90000000\n.\n");

        run(reload, THE_JOURNAL);
        assert_string_equal(in_journal,
                        "MESSAGE=A new configuration holds, with 3 "
                        "rules\nPRIORITY=6\nSYSLOG_IDENTIFIER=reaperd\n"
                        "MESSAGE_ID=" MESSAGE_ID_RELOADED "\nREAPERD_RULES=3\n.\n"
                        "MESSAGE=A new configuration holds, with 0 rules; the engine is another "
                        "one\nPRIORITY=6\n"
                        "SYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_RELOADED "\nREAPERD_RULES=0\n.\n"
                        "MESSAGE=The new configuration is refused, with 2 errors; the old one still holds\n"
                        "PRIORITY=3\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_RELOAD_REFUSED
                        "\nREAPERD_ERRORS=2\n.\n"
                        "MESSAGE=The new configuration makes 60 containers due at once, more than "
                        "SurgeLimit=50: none "
                        "of them is removed for another 10min\nPRIORITY=4\nSYSLOG_IDENTIFIER=reaperd\n"
                        "MESSAGE_ID=" MESSAGE_ID_SURGE_HELD "\nREAPERD_HELD=60\nREAPERD_SURGE_LIMIT=50\n"
                        "REAPERD_WAIT_USEC=600000000\n.\n"
                        "MESSAGE=First start here: nothing is removed for another 1min 30s; 12 containers "
                        "are due\n"
                        "PRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_FIRST_RUN
                        "\nREAPERD_HELD=12\nREAPERD_WAIT_USEC=90000000\n.\n");
}

static void single_ones(void) {
        record_reloaded(1, false);
        record_reload_refused(1);
        record_first_run(1, MINUTE);
}

static void test_single_ones(void **state) {
        (void)state;
        run(single_ones, NOT_SET);
        assert_string_equal(on_stderr,
                        "reaperd: A new configuration holds, with 1 rule\n"
                        "reaperd: The new configuration is refused, with 1 error; the old one still holds\n"
                        "reaperd: First start here: nothing is removed for another 1min; 1 container is "
                        "due\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_removal),
                cmocka_unit_test(test_origin),
                cmocka_unit_test(test_log_tail),
                cmocka_unit_test(test_log_tail_is_cut),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_single_ones),
        };

        memset(&container.id, 0xab, sizeof(container.id));
        return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
