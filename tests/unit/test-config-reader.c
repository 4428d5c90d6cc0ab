/* SPDX-License-Identifier: Apache-2.0 */

#include "config-reader-fixture.h"
#include "core/rule.h"

#define INDENTED                                                          \
        "line is indented, but no list of a rule stands right above it, " \
        "accepted: lines that begin in the first column\n"

static void faults_are_told(void **state) {
        static const struct {
                const char *text, *faults;
        } cases[] = {
                { "", "" },
                { "\n\n\n", "" },
                { " \t \n\v\f\n", "" },
                { "# comment\n; comment\n  # indented comment\n\t; too", "" },
                { "[Engine]\n[Retention]\n[Reaper]", "" },
                { "[Engine]\nEndpoint=unix:///a\n[Engine]\n", "" },

                /* sections */
                { "[Enigne]", "f:1: [Enigne]: unknown section, nearest: [Engine], accepted: " SECTIONS
                              "\n" },
                { "\n\n[Bogus]\nSuccess=x\nnothing=1\n[Reaper]\nParallelism=0",
                                "f:3: [Bogus]: unknown section, accepted: " SECTIONS "\n"
                                "f:7: [Reaper] Parallelism: '0' is out of range, accepted: 1 to 16\n" },
                { "[engine]\nEndpoint=x",
                                "f:1: [engine]: unknown section, nearest: [Engine], accepted: " SECTIONS
                                "\n" },
                { "[ Engine ]\nEndpoint=x",
                                "f:1: [ Engine ]: unknown section, nearest: [Engine], accepted: " SECTIONS
                                "\n" },
                { "[Labels]\nHonor=perhaps\nMaxTTL=long\nKind=any\n",
                                "f:2: [Labels] Honor: 'perhaps' is not a boolean, accepted: yes or no\n"
                                "f:3: [Labels] MaxTTL: 'long' is not a time span, accepted: 0 to infinity\n"
                                "f:4: [Labels] Kind: unknown key, nearest: Kind in [Rule NAME], accepted: "
                                "Honor, MaxTTL\n" },
                { "[]\nEndpoint=x", "f:1: []: unknown section, accepted: " SECTIONS "\n" },
                { "[Bogus]\n[Bogus]\n", "f:1: [Bogus]: unknown section, accepted: " SECTIONS "\n"
                                        "f:2: [Bogus]: unknown section, accepted: " SECTIONS "\n" },
                { "[Engine\nEndpoint=x",
                                "f:1: [Engine: header is not closed, accepted: [Engine]\n"
                                "f:2: [Engine] Endpoint: 'x' begins with neither unix:// nor tcp://, "
                                "accepted: unix:///absolute/path or tcp://host:port\n" },
                { "[Bogus\nEndpoint=x", "f:1: [Bogus: header is not closed, accepted: [Bogus]\n" },
                { "[Reaper]\n[Engine ;]\nParallelism=0",
                                "f:2: [Engine: header is not closed, accepted: [Engine]\n"
                                "f:3: [Engine] Parallelism: unknown key, nearest: Parallelism in [Reaper], "
                                "accepted: " ENGINE_KEYS "\n" },
                { "[Engine] Endpoint=x\nSettleTime=x",
                                "f:1: [Engine]: text behind the header, accepted: a line of its own for "
                                "each\n"
                                "f:2: [Engine] SettleTime: 'x' is not a time span, accepted: 0 to 1d\n" },
                { "[Engine]]", "f:1: [Engine]: text behind the header, accepted: a line of its own for "
                               "each\n" },
                { "[Engine] # comment", "f:1: [Engine]: text behind the header, accepted: a line of its own "
                                        "for each\n" },
                { "[Bogus] x", "f:1: [Bogus]: text behind the header, accepted: a line of its own for each\n"
                               "f:1: [Bogus]: unknown section, accepted: " SECTIONS "\n" },
                { "[Engine] ; comment\nSettleTime=x",
                                "f:2: [Engine] SettleTime: 'x' is not a time span, accepted: 0 to 1d\n" },

                /* inih keeps 49 bytes of a section's name and 49 of a key's */
                { "[Retention0123456789012345678901234567890123456789Engine]\nSettleTime=x",
                                "f:1: [Retention0123456789012345678901234567890123456789Engine]: unknown "
                                "section, accepted: " SECTIONS "\n" },
                { "[Engine]\nSettleTime0123456789012345678901234567890123456789xyz=x",
                                "f:2: [Engine] SettleTime0123456789012345678901234567890123456789xyz: "
                                "unknown key, "
                                "accepted: " ENGINE_KEYS "\n" },

                /* keys */
                { "[Retention]\nSucess=1h\n", "f:2: [Retention] Sucess: unknown key, nearest: Success, "
                                              "accepted: " RETENTION_KEYS "\n" },
                { "[Retention]\nsuccess=1h\n", "f:2: [Retention] success: unknown key, nearest: Success, "
                                               "accepted: " RETENTION_KEYS "\n" },
                { "[Reaper]\nSuccess=1h\n", "f:2: [Reaper] Success: unknown key, nearest: Success in "
                                            "[Retention], accepted: " REAPER_KEYS "\n" },
                { "[Engine]\nxyzzy=1h\nxyzzy=1h",
                                "f:2: [Engine] xyzzy: unknown key, accepted: " ENGINE_KEYS "\n"
                                "f:3: [Engine] xyzzy: unknown key, accepted: " ENGINE_KEYS "\n" },
                { "Success=1h\n# x\nxyzzy=1\n[Retention]\n", "f:1: Success=1h: stands before any section, "
                                                             "accepted: below a header such as [Engine]\n"
                                                             "f:3: xyzzy=1: stands before any section, "
                                                             "accepted: below a header such as [Engine]\n" },
                { "Success\n", "f:1: Success: no '=', accepted: Key=value\n" },
                { "[Retention]\nSuccess\n", "f:2: [Retention] Success: no '=', accepted: Key=value\n" },
                { "[Retention]\nSuccess ;=1h\n", "f:2: [Retention] Success: no '=', accepted: Key=value\n" },
                { "[Retention]\n=1h\n", "f:2: [Retention] =1h: no key in front, accepted: Key=value\n" },
                { "[Retention]\n:1h\n", "f:2: [Retention] :1h: no key in front, accepted: Key=value\n" },
                { "[Retention]\n=\n", "f:2: [Retention] =: no key in front, accepted: Key=value\n" },
                { "[Retention]\nSuccess: 1h\n",
                                "f:2: [Retention] Success: ':' where '=' belongs, accepted: Key=value\n" },
                { "[Retention]\nSuccess:=1h\n",
                                "f:2: [Retention] Success: ':' where '=' belongs, accepted: Key=value\n" },
                { "Success:1h\n", "f:1: Success: ':' where '=' belongs, accepted: Key=value\n" },
                { "[Bogus]\nSuccess: 1h\nSuccess\n",
                                "f:1: [Bogus]: unknown section, accepted: " SECTIONS "\n"
                                "f:2: [Bogus] Success: ':' where '=' belongs, accepted: Key=value\n"
                                "f:3: [Bogus] Success: no '=', accepted: Key=value\n" },

                /* values */
                { "[Retention]\nSuccess=1h # comment\n", "f:2: [Retention] Success: '1h # comment' is not a "
                                                         "time span, accepted: 0 to infinity\n" },
                { "[Retention]\nSuccess=;1h\n", "f:2: [Retention] Success: ';1h' is not a time span, "
                                                "accepted: 0 to infinity\n" },
                { "[Retention]\nMinimumAge=9s\nRemoveVolumes=yes\n[Reaper]\nParallelism=17\nRetryInitial="
                  "infinity",
                                "f:2: [Retention] MinimumAge: '9s' is out of range, accepted: 10s to "
                                "infinity\n"
                                "f:3: [Retention] RemoveVolumes: 'yes' is not one of the choices, accepted: "
                                "swarm, never or always\n"
                                "f:5: [Reaper] Parallelism: '17' is out of range, accepted: 1 to 16\n"
                                "f:6: [Reaper] RetryInitial: 'infinity' is out of range, accepted: 1s to "
                                "1h\n" },
                { "[Retention]\nSuccess=\x1b[2J\n", "f:2: [Retention] Success: '\\x1b[2J' is not a time "
                                                    "span, accepted: 0 to infinity\n" },
                { "[Retention]\n\x1b=\n",
                                "f:2: [Retention] \\x1b: unknown key, accepted: " RETENTION_KEYS "\n" },

                /* indented lines: inih would take each for a second value of the key above it */
                { "[Retention]\nSuccess=1h\n  30min\n\tFailure=2h\n [Engine]\nFailure=x",
                                "f:3: [Retention]: " INDENTED "f:4: [Retention] Failure: " INDENTED
                                "f:5: [Retention]: " INDENTED "f:6: [Retention] Failure: 'x' is not a time "
                                "span, accepted: 0 to infinity\n" },
                { "[Retention]\n Success=1h\n", "f:2: [Retention] Success: " INDENTED },
                { " Success=1h\n [Retention]\n\tx\n",
                                "f:1: Success: " INDENTED "f:2: " INDENTED "f:3: " INDENTED },
                /* the header's fault stands for all below it */
                { "[Bogus]\n Success=1h\n\n x\n",
                                "f:1: [Bogus]: unknown section, accepted: " SECTIONS "\n" },

                /* set twice */
                { "[Retention]\nSuccess=1h\nSuccess=2h\nSuccess=\n", "f:3: notice: [Retention] Success: set "
                                                                     "twice, the value of line 2 is dropped "
                                                                     "for that of line 3\n"
                                                                     "f:4: notice: [Retention] Success: set "
                                                                     "twice, the value of line 3 is dropped "
                                                                     "for that of line 4\n" },
                { "[Retention]\nSuccess=1h\n[Engine]\n[Retention]\nFailure=1h\nSuccess=2h\n",
                                "f:6: notice: [Retention] Success: set twice, the value of line 2 is "
                                "dropped "
                                "for that of line 6\n" },
                { "[Retention]\nSuccess=x\nSuccess=y\n",
                                "f:2: [Retention] Success: 'x' is not a time span, accepted: 0 to infinity\n"
                                "f:3: notice: [Retention] Success: set twice, the value of line 2 is "
                                "dropped "
                                "for that of line 3\n"
                                "f:3: [Retention] Success: 'y' is not a time span, accepted: 0 to "
                                "infinity\n" },

                /* bytes */
                { "# gr\xfc\xdf\x65\n[Engine]\nSettleTime=\xff\n\xc3\n# \xc3\xa4\nSettleTime=x",
                                "f:1: line is not UTF-8, accepted: UTF-8 text\n"
                                "f:3: [Engine]: line is not UTF-8, accepted: UTF-8 text\n"
                                "f:4: [Engine]: line is not UTF-8, accepted: UTF-8 text\n"
                                "f:6: [Engine] SettleTime: 'x' is not a time span, accepted: 0 to 1d\n" },
                /* a character does not go on behind the end of its line */
                { "# \xe2\x82\n\xac", "f:1: line is not UTF-8, accepted: UTF-8 text\n"
                                      "f:2: line is not UTF-8, accepted: UTF-8 text\n" },
                { "[Engine]\nSettleTime=1\rx\r\n", "f:2: [Engine] SettleTime: '1\\x0dx' is not a time span, "
                                                   "accepted: 0 to 1d\n" },
                /* a byte order mark belongs to the beginning only */
                { "\n\xef\xbb\xbf[Engine]\n",
                                "f:2: \\xef\\xbb\\xbf[Engine]: no '=', accepted: Key=value\n" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_fixture_ Fixture f;

                run(&f, cases[i].text, strlen(cases[i].text));
                assert_faults(&f, cases[i].faults);
        }
}

static void spellings_are_accepted(void **state) {
        static const char *const cases[] = {
                "[Retention]\nSuccess=90min\n[Reaper]\nParallelism=7\n",
                "[Retention]\nSuccess=90min\n[Reaper]\nParallelism=7", /* no newline at the end */
                "[Retention]\r\nSuccess=90min\r\n[Reaper]\r\nParallelism=7\r\n",
                "[Retention]\r\nSuccess=90min\r\n[Reaper]\r\nParallelism=7\r",
                "\xef\xbb\xbf[Retention]\nSuccess=90min\n[Reaper]\nParallelism=7\n",
                "\xef\xbb\xbf\r\n# x\r\n[Retention]\r\nSuccess=90min\r\n[Reaper]\r\nParallelism=7",
                "\xef\xbb\xbf# x\n[Retention]\nSuccess=90min\n[Reaper]\nParallelism=7",
                "[Retention]\nSuccess = 1h 30min  \n[Reaper]\nParallelism\t=\t7\t\n",
                "[Retention]  \nSuccess=90min ; comment\n[Reaper]\t; x\nParallelism=7\t;x;y",
                "[Reaper]\nParallelism=7\n;\n#\n[Retention]\n   # x\nSuccess=90min",
                "[Retention]\nSuccess=1h\nSuccess=90min\n[Reaper]\nParallelism=3\n[Retention]\n[Reaper]"
                "\nParallelism=7",
                "# \xc3\xa4 \xf0\x9f\x98\x80\n[Retention]\nSuccess=90min ; "
                "\xc3\xa4\n[Reaper]\nParallelism=7",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_fixture_ Fixture f;

                run(&f, cases[i], strlen(cases[i]));
                if (f.report.n_errors > 0)
                        fail_msg("%s", f.report.faults[0].text);
                assert_true(f.settings.retention.success == 90 * USEC_PER_MINUTE);
                assert_int_equal(f.settings.parallelism, 7);
        }
}

static void endpoints_keep_their_bytes(void **state) {
        static const struct {
                const char *value, *endpoint;
        } cases[] = {
                { "tcp://host:2375", "tcp://host:2375" },
                { "tcp://[::1]:2375", "tcp://[::1]:2375" },
                { " unix:///with space ", "unix:///with space" },
                { "unix:///a=b:c[d]", "unix:///a=b:c[d]" },
                { "unix:///a;b", "unix:///a;b" },
                { "unix:///a#b #c", "unix:///a#b #c" },
                { "unix:///a ;b", "unix:///a" }, /* a comment */
                { "unix:///a\t;b", "unix:///a" },
                { "", "unix:///run/docker.sock" },
                { " ; nothing", "unix:///run/docker.sock" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_fixture_ Fixture f;
                char text[256];

                snprintf(text, sizeof(text), "[Engine]\nEndpoint=%s\n", cases[i].value);
                run(&f, text, strlen(text));
                assert_faults(&f, "");
                assert_string_equal(f.settings.endpoint, cases[i].endpoint);
                assert_string_equal(f.settings.origins[SETTING_ENDPOINT].file, "f");
                assert_int_equal(f.settings.origins[SETTING_ENDPOINT].line, 2);
        }
}

static void origins_are_lines_of_the_file(void **state) {
        static const char text[] =
                        "\xef\xbb\xbf# one\r\n\r\n[Retention]\r\n; four\r\nSuccess=2h\r\n[Bogus]\n"
                        "Success=3h\n[Retention]\n\n  # ten\nFailure=\nSuccess=4h\n";
        _cleanup_fixture_ Fixture f;

        (void)state;
        run(&f, text, sizeof(text) - 1);
        assert_int_equal(f.report.n_errors, 1);
        assert_int_equal(f.report.n_notices, 1);
        assert_true(f.settings.retention.success == 4 * USEC_PER_HOUR);
        assert_int_equal(f.settings.origins[SETTING_SUCCESS].line, 12);
        assert_false(f.settings.origins[SETTING_SUCCESS].is_default);
        assert_int_equal(f.settings.origins[SETTING_FAILURE].line, 11);
        assert_true(f.settings.origins[SETTING_FAILURE].is_default);
        assert_null(f.settings.origins[SETTING_ENDPOINT].file);
}

static void the_last_value_counts_as_refused(void **state) {
        static const char text[] =
                        "[Retention]\nSuccess=x\nSuccess=2h\nFailure=2h\nFailure=x\n[Reaper]\nRetryMax=1us\n"
                        "Parallelism=2\n";
        _cleanup_fixture_ Fixture f;

        (void)state;
        run(&f, text, sizeof(text) - 1);
        assert_int_equal(f.report.n_errors, 3);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                assert_int_equal(f.refused[id], id == SETTING_FAILURE || id == SETTING_RETRY_MAX);
        assert_true(f.settings.retention.failure == 2 * USEC_PER_HOUR);
}

/* A line of n bytes (without its end) that begins and ends as told. */
static void put_line(FILE *f, const char *begin, size_t n, const char *end) {
        fputs(begin, f);
        for (size_t i = strlen(begin) + strlen(end); i < n; i++)
                fputc('0', f);
        fprintf(f, "%s\n", end);
}

static void long_lines_are_refused(void **state) {
        (void)state;

        for (size_t n = 150; n < 1000; n++) {
                _cleanup_free_ char *text = NULL;
                char wanted[256] = "";
                _cleanup_fixture_ Fixture f;
                size_t size;
                FILE *out = open_memstream(&text, &size);

                assert_non_null(out);
                fputs("[Retention]\n", out);
                /* Its tail would be a setting of its own to inih 55. */
                put_line(out, "Success=", n, "Failure=7");
                put_line(out, "# Success=", n, "Failure=8");
                put_line(out, "  ; Success=", n, "Failure=9");
                fputs("OrphanAge=3h\n", out);
                fclose(out);

                run(&f, text, size);
                if (n <= 198)
                        /* "0000Failure=7" is no span: the line has been read as one */
                        assert_non_null(strstr(f.report.faults[0].text, "Failure=7' is not a time span"));
                else {
                        snprintf(wanted, sizeof(wanted),
                                        "f:2: [Retention] Success: line of %zu bytes is too long, accepted: "
                                        "198 bytes, more in "
                                        "comments\n",
                                        n);
                        assert_faults(&f, wanted);
                }
                assert_int_equal(f.report.n_errors, 1);
                assert_true(f.settings.retention.failure == 24 * USEC_PER_HOUR);
                assert_true(f.settings.retention.orphan_age == 3 * USEC_PER_HOUR);
                assert_int_equal(f.settings.origins[SETTING_ORPHAN_AGE].line, 5);
        }
}

static void the_longest_line_is_whole(void **state) {
        static const char *const ends[] = { "\n", "\r\n", "" };

        (void)state;
        for (size_t n = 190; n <= 198; n++)
                for (size_t i = 0; i < ELEMENTS_OF(ends); i++) {
                        _cleanup_fixture_ Fixture digits, comment;
                        char text[512];

                        snprintf(text, sizeof(text), "[Reaper]\nParallelism=%0*u%s", (int)n - 12, 12,
                                        ends[i]);
                        run(&digits, text, strlen(text));
                        assert_faults(&digits, "");
                        assert_int_equal(digits.settings.parallelism, 12);

                        snprintf(text, sizeof(text), "[Reaper]\nParallelism=12 ;%*s%s", (int)n - 16, "x",
                                        ends[i]);
                        run(&comment, text, strlen(text));
                        assert_faults(&comment, "");
                        assert_int_equal(comment.settings.parallelism, 12);
                }
}

static void comments_have_any_length(void **state) {
        const size_t n = 500 * 1000;
        _cleanup_fixture_ Fixture f;
        _cleanup_free_ char *text = malloc(n + 100);

        (void)state;
        assert_non_null(text);
        memset(text, '=', n);
        text[0] = '#';
        text[199] = text[198] = ' ';
        text[200] = ' ';
        strcpy(text + n, "\n[Reaper]\nParallelism=9");
        run(&f, text, strlen(text));
        assert_faults(&f, "");
        assert_int_equal(f.settings.parallelism, 9);
        assert_int_equal(f.settings.origins[SETTING_PARALLELISM].line, 3);
}

static void a_nul_ends_it(void **state) {
        static const struct {
                const char *text;
                size_t size;
                const char *faults;
        } cases[] = {
#define CASE(text, faults) { text, sizeof(text) - 1, faults }
                CASE("\0", "f:1: NUL byte, accepted: UTF-8 text\n"),
                CASE("[Engine]\nSettleTime=x\0\n[Bogus]", "f:2: NUL byte, accepted: UTF-8 text\n"),
                CASE("[Engine]\n# a\0\n", "f:2: NUL byte, accepted: UTF-8 text\n"),
                CASE("[Engine]\n\n\0", "f:3: NUL byte, accepted: UTF-8 text\n"),
                CASE("\xff\xfe[\0E\0n\0g\0", "f:1: NUL byte, accepted: UTF-8 text\n"),
#undef CASE
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_fixture_ Fixture f;

                run(&f, cases[i].text, cases[i].size);
                assert_faults(&f, cases[i].faults);
        }
}

static void faults_are_capped_but_counted(void **state) {
        const unsigned n = 1500;
        _cleanup_free_ char *text = NULL;
        _cleanup_fixture_ Fixture f;
        size_t size, n_notices = 0;
        FILE *out = open_memstream(&text, &size);

        (void)state;
        assert_non_null(out);
        fputs("[Retention]\n", out);
        for (unsigned i = 0; i < n; i++)
                fputs("Success=1h\n", out);
        for (unsigned i = 0; i < n; i++)
                fputs("x\n", out);
        fclose(out);

        run(&f, text, size);
        assert_int_equal(f.report.n_errors, n);
        assert_int_equal(f.report.n_notices, n - 1);
        assert_int_equal(f.report.n_faults, 2 * CONFIG_FAULTS_MAX);
        for (size_t i = 0; i < f.report.n_faults; i++)
                n_notices += f.report.faults[i].kind == CONFIG_NOTICE;
        assert_int_equal(n_notices, CONFIG_FAULTS_MAX);
}

/* Whatever the bytes are: no crash, nothing that cannot be printed in a message, and values within their
 * ranges. */
static void noise_does_no_harm(void **state) {
        static const char *const pieces[] = {
                "[",
                "]",
                "=",
                ":",
                ";",
                "#",
                " ",
                "\t",
                "\n",
                "\r",
                "\r\n",
                "\xef\xbb\xbf",
                "\xff",
                "\xc3\xa4",
                "\x1b",
                "[Engine]",
                "[Retention]\n",
                "[Reaper]\n",
                "[Rule a]\n",
                "\n[Rule ",
                "\nService=",
                "Label=",
                "\n ",
                "!*",
                "Success",
                "MinimumAge=",
                "Parallelism=",
                "Endpoint=",
                "unix:///a",
                "1h",
                "0",
                "infinity",
                "16",
                "-1",
                "99999999999999999999",
                "\nRetryMax=1s\n",
                "\v",
                "x",
                "0123456789012345678901234567890123456789012345678901234567890123456789",
        };
        uint64_t seed = 42;

        (void)state;
        for (unsigned i = 0; i < 3000; i++) {
                _cleanup_fixture_ Fixture f;
                char text[4096] = "";
                size_t n;

                seed = seed * 6364136223846793005U + 1442695040888963407U;
                n = (seed >> 33) % 50;
                for (size_t k = 0; k < n; k++) {
                        seed = seed * 6364136223846793005U + 1442695040888963407U;
                        strcat(text, pieces[(seed >> 33) % ELEMENTS_OF(pieces)]);
                }

                run(&f, text, strlen(text));
                for (size_t k = 0; k < f.report.n_faults; k++)
                        for (const char *p = f.report.faults[k].text; *p; p++)
                                assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
                assert_true(f.settings.retention.minimum_age >= MINIMUM_AGE_FLOOR);
                assert_in_range(f.settings.parallelism, 1, 16);
                for (size_t k = 0; k < f.settings.n_rules; k++)
                        if (f.settings.rules[k].has_value[SETTING_MINIMUM_AGE])
                                assert_true(f.settings.rules[k].values.minimum_age >= MINIMUM_AGE_FLOOR);
                assert_non_null(f.settings.endpoint);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(faults_are_told),
                cmocka_unit_test(spellings_are_accepted),
                cmocka_unit_test(endpoints_keep_their_bytes),
                cmocka_unit_test(origins_are_lines_of_the_file),
                cmocka_unit_test(the_last_value_counts_as_refused),
                cmocka_unit_test(long_lines_are_refused),
                cmocka_unit_test(the_longest_line_is_whole),
                cmocka_unit_test(comments_have_any_length),
                cmocka_unit_test(a_nul_ends_it),
                cmocka_unit_test(faults_are_capped_but_counted),
                cmocka_unit_test(noise_does_no_harm),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
