/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log.
 */

#include <errno.h>

#include "log-capture.h"

static void test_escape(void **state) {
        static const char *const rows[][2] = {
                { "", "" }, { "plain ASCII ~ \"quotes\" \\ %s", "plain ASCII ~ \"quotes\" \\ %s" },
                { "\x1b[31m", "\\x1b[31m" }, { "a\nb\r\tc", "a\\x0ab\\x0d\\x09c" },
                { "\x01\x1f\x7f", "\\x01\\x1f\\x7f" },
                { "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xb3",
                                "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xb3" },
                { "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0",
                                "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0" },       /* C1; then not */
                { "\x80\xbf\xff\xfe", "\\x80\\xbf\\xff\\xfe" },                   /* no first bytes */
                { "\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf" },          /* overlong */
                { "\xf0\x80\x80\xaf\xc1\xbf", "\\xf0\\x80\\x80\\xaf\\xc1\\xbf" }, /* overlong */
                { "\xe0\x9f\xbf\xe0\xa0\x80", "\\xe0\\x9f\\xbf\xe0\xa0\x80" },    /* overlong; then not */
                { "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf" },                   /* overlong */
                { "\xed\xa0\x80\xed\x9f\xbf", "\\xed\\xa0\\x80\xed\x9f\xbf" },    /* surrogate; then not */
                { "\xf4\x8f\xbf\xbf\xf4\x90\x80\x80",
                                "\xf4\x8f\xbf\xbf\\xf4\\x90\\x80\\x80" }, /* past the last */
                { "\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80" },  /* five bytes */
                { "cut \xe2\x82", "cut \\xe2\\x82" },                     /* the end in between */
                { "\xe2\x82(\xc3(\xf0\x9f\x90", "\\xe2\\x82(\\xc3(\\xf0\\x9f\\x90" },
                { "a\xe2\x80\xae"
                  "b",
                                "a\\xe2\\x80\\xaeb" }, /* right-to-left override */
                { "\xe2\x80\x8b\xef\xbb\xbf", "\\xe2\\x80\\x8b\\xef\\xbb\\xbf" }, /* without width */
        };
        char buf[256];

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                assert_ptr_equal(log_escape(buf, sizeof(buf), rows[i][0]), buf);
                if (strcmp(buf, rows[i][1]) != 0)
                        fail_msg("row %zu: %s", i, buf);
        }
}

/* Every size of buffer: what fits of whole characters and escapes, and not a byte behind it. */
static void test_escape_cuts(void **state) {
        static const char text[] = "ab\x1b"
                                   "c\xe2\x82\xac"
                                   "d\xff"
                                   "e\xf0\x9f\x90\xb3";
        static const char *const pieces[] = { "a", "b", "\\x1b", "c", "\xe2\x82\xac", "d", "\\xff", "e",
                "\xf0\x9f\x90\xb3" };

        (void)state;
        for (size_t size = 1; size < 40; size++) {
                char *buf = malloc(size), want[64] = "";

                assert_non_null(buf);
                for (size_t i = 0; i < ELEMENTS_OF(pieces); i++) {
                        if (strlen(want) + strlen(pieces[i]) + 1 > size)
                                break;
                        strcat(want, pieces[i]);
                }
                assert_string_equal(log_escape(buf, size, text), want);
                free(buf);
        }
}

static void test_random_bytes_are_tame(void **state) {
        uint64_t random = 5;
        char text[64], buf[300], again[300];

        (void)state;
        for (unsigned i = 0; i < 20000; i++) {
                size_t n = random_below(&random, sizeof(text));

                for (size_t k = 0; k < n; k++)
                        text[k] = (char)(random_chance(&random, 50) ? 0x80 + random_below(&random, 128)
                                                                    : 1 + random_below(&random, 255));
                text[n] = '\0';
                log_escape(buf, sizeof(buf), text);
                for (const unsigned char *p = (const unsigned char *)buf; *p; p++)
                        assert_true(*p >= 0x20 && *p != 0x7f);
                assert_string_equal(
                                log_escape(again, sizeof(again), buf), buf); /* nothing is left to escape */
        }
}

static void test_levels(void **state) {
        static const char *const names[] = { "emerg", "alert", "crit", "err", "warning", "notice", "info",
                "debug" };
        static const char *const bad[] = { "", "8", "-1", "00", "6 ", " 6", "Info", "INFO", "inf", "infos",
                "error", "warn", "/" };

        (void)state;
        for (int i = 0; i < 8; i++) {
                char digit[] = { (char)('0' + i), '\0' };

                assert_int_equal(log_level_from_name(names[i]), i);
                assert_int_equal(log_level_from_name(digit), i);
        }
        for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
                assert_int_equal(log_level_from_name(bad[i]), -EINVAL);
        assert_true(log_enabled(LOG_INFO) && log_enabled(LOG_EMERG) && !log_enabled(LOG_DEBUG));
}

static void say_a_few_lines(void) {
        static const LogField fields[] = { { "CONTAINER_ID", "0123456789ab" }, { "NOTHING", NULL },
                { "ODD", "a=b\nc" } };

        log_info("Removed %s web.1.xyz: ttl-expired, age 1h 2min, exit %d", "0123456789ab", 0);
        log_debug("not wanted");
        errno = EXDEV;
        log_error("one\ntwo\x1b[0m");
        if (errno != EXDEV)
                log_error("errno was lost");
        log_record(LOG_NOTICE, "0123456789abcdef0123456789abcdef", fields, ELEMENTS_OF(fields), "a record");
        log_beside_journal(LOG_NOTICE, "what the record's field %s holds", "ODD");
        log_beside_journal(LOG_DEBUG, "not wanted");
}

static const char lines[] = "reaperd: Removed 0123456789ab web.1.xyz: ttl-expired, age 1h 2min, exit 0\n"
                            "reaperd: one\\x0atwo\\x1b[0m\n"
                            "reaperd: a record\n"
                            "reaperd: what the record's field ODD holds\n";

static void test_stderr(void **state) {
        static const char *const not_the_journal[] = { NOT_SET, "", "1", "1:", "1:1", ":", "x:y", "1:2:3" };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(not_the_journal); i++) {
                run(say_a_few_lines, not_the_journal[i]);
                assert_string_equal(on_stderr, lines);
                assert_string_equal(in_journal, "");
        }
}

static void test_journal(void **state) {
        (void)state;
        run(say_a_few_lines, THE_JOURNAL);
        assert_string_equal(on_stderr, "");
        assert_string_equal(in_journal,
                        "MESSAGE=Removed 0123456789ab web.1.xyz: ttl-expired, age 1h 2min, exit 0\n"
                        "PRIORITY=6\nSYSLOG_IDENTIFIER=reaperd\n.\n"
                        "MESSAGE=one\\x0atwo\\x1b[0m\nPRIORITY=3\nSYSLOG_IDENTIFIER=reaperd\n.\n"
                        "MESSAGE=a record\nPRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\n"
                        "MESSAGE_ID=0123456789abcdef0123456789abcdef\n"
                        "CONTAINER_ID=0123456789ab\nODD=a=b\nc\n.\n");

        journal_answer = -ECONNREFUSED; /* what the journal does not take goes to stderr */
        run(say_a_few_lines, THE_JOURNAL);
        journal_answer = 0;
        assert_string_equal(on_stderr,
                        "<6>Removed 0123456789ab web.1.xyz: ttl-expired, age 1h 2min, exit 0\n"
                        "<3>one\\x0atwo\\x1b[0m\n"
                        "<5>a record\n");
        assert_string_equal(in_journal, "");
}

/* What a process that soon ends says has to be known for its service's: by stderr, but for records. */
static void test_journal_of_a_short_life(void **state) {
        (void)state;
        is_lasting = false;
        run(say_a_few_lines, THE_JOURNAL);
        assert_string_equal(on_stderr,
                        "<6>Removed 0123456789ab web.1.xyz: ttl-expired, age 1h 2min, exit 0\n"
                        "<3>one\\x0atwo\\x1b[0m\n");
        assert_int_equal(strncmp(in_journal, "MESSAGE=a record\n", 17), 0);

        run(say_a_few_lines, NOT_SET);
        is_lasting = true;
        assert_string_equal(on_stderr, lines);
        assert_string_equal(in_journal, "");
}

/* Only the very same device and inode will do: the variable is inherited. */
static void test_journal_stream_of_another(void **state) {
        char name[64];
        struct stat st;
        int fd[2];

        (void)state;
        assert_int_equal(pipe(fd), 0);
        assert_int_equal(fstat(fd[1], &st), 0);
        snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        run(say_a_few_lines, name); /* the device is the same for all pipes, the inode is not */
        assert_string_equal(on_stderr, lines);
        assert_string_equal(in_journal, "");
        close(fd[0]);
        close(fd[1]);
}

static void tell_where(void) {
        dprintf(STDOUT_FILENO, "%s", log_is_to_journal() ? "journal" : "stderr");
}

static void test_where(void **state) {
        (void)state;
        run(tell_where, THE_JOURNAL);
        assert_string_equal(in_journal, "journal");
        run(tell_where, NOT_SET);
        assert_string_equal(in_journal, "stderr");
        run(tell_where, "1:2");
        assert_string_equal(in_journal, "stderr");
}

static void say_too_much(void) {
        static char much[10000];
        LogField many[100];

        memset(much, 'x', sizeof(much) - 1);
        log_info("%s", much);
        memset(much, '\n', sizeof(much) - 1);
        log_info("%s", much);
        log_set_max_level(LOG_DEBUG);
        log_debug("wanted now");
        log_set_max_level(LOG_ERR);
        log_warning("not wanted");
        for (size_t i = 0; i < ELEMENTS_OF(many); i++)
                many[i] = (LogField){ "FIELD", "value" };
        log_record(LOG_ERR, NULL, many, ELEMENTS_OF(many), "many fields");
}

static void test_much(void **state) {
        char *line, *rest = on_stderr;
        size_t n = 0, length[8];

        (void)state;
        run(say_too_much, NOT_SET);
        while ((line = strsep(&rest, "\n")) && *line) {
                assert_true(strncmp(line, "reaperd: ", 9) == 0);
                length[n++] = strlen(line);
        }
        assert_int_equal(n, 4);
        assert_in_range(length[0], 4096, 5000);   /* a line of a container's log, and some more */
        assert_int_equal((length[1] - 9) % 4, 0); /* whole escapes */
        assert_in_range(length[1], 4000, 5000);

        run(say_too_much, THE_JOURNAL);
        assert_string_equal(on_stderr, "");
        assert_non_null(strstr(in_journal, "MESSAGE=many fields\n"));
        assert_non_null(strstr(in_journal, "FIELD=value\n"));
}

static void say_to_nobody(void) {
        close(STDERR_FILENO);
        errno = EXDEV;
        log_error("nobody hears this");
        if (errno != EXDEV)
                _exit(1);
}

static void test_stderr_closed(void **state) {
        (void)state;
        run(say_to_nobody, NOT_SET);
        assert_string_equal(on_stderr, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escape),
                cmocka_unit_test(test_escape_cuts),
                cmocka_unit_test(test_random_bytes_are_tame),
                cmocka_unit_test(test_levels),
                cmocka_unit_test(test_stderr),
                cmocka_unit_test(test_journal),
                cmocka_unit_test(test_journal_of_a_short_life),
                cmocka_unit_test(test_journal_stream_of_another),
                cmocka_unit_test(test_where),
                cmocka_unit_test(test_much),
                cmocka_unit_test(test_stderr_closed),
        };

        return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
