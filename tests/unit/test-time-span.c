/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/time-span.h"

#define USEC_PER_YEAR  ((usec_t)31557600000000)
#define USEC_PER_MONTH ((usec_t)2629800000000)

/* Written into outputs beforehand: they have to be untouched on failure. */
#define UNTOUCHED ((usec_t)0x5afe)

static void reads_spans(void **state) {
        static const struct {
                const char *text;
                usec_t span;
        } cases[] = {
                { "0", 0 },
                { "0s", 0 },
                { "90", 90 * USEC_PER_SEC },
                { "1h 30min", 90 * USEC_PER_MINUTE },
                { "1h30min", 90 * USEC_PER_MINUTE },
                { "1 h 30 min", 90 * USEC_PER_MINUTE },
                { "30min1h", 90 * USEC_PER_MINUTE },
                { "5s500ms", 5500 * USEC_PER_MSEC },
                { "300ms20s 5day", 5 * USEC_PER_DAY + 20300 * USEC_PER_MSEC },
                { " \t\n\r1d \t\n\r", USEC_PER_DAY },
                { "1h30", USEC_PER_HOUR + 30 * USEC_PER_SEC },
                { "1 30min", 30 * USEC_PER_MINUTE + USEC_PER_SEC },
                { "1s 1s", 2 * USEC_PER_SEC },
                { "+3s", 3 * USEC_PER_SEC },
                { "000000000000000000000000000000000000001h", USEC_PER_HOUR },
                /* every unit */
                { "2usec", 2 },
                { "2us", 2 },
                { "2\xc2\xb5s", 2 },
                { "2\xce\xbcs", 2 },
                { "2msec", 2000 },
                { "2ms", 2000 },
                { "2seconds", 2 * USEC_PER_SEC },
                { "2second", 2 * USEC_PER_SEC },
                { "2sec", 2 * USEC_PER_SEC },
                { "2s", 2 * USEC_PER_SEC },
                { "2minutes", 2 * USEC_PER_MINUTE },
                { "2minute", 2 * USEC_PER_MINUTE },
                { "2min", 2 * USEC_PER_MINUTE },
                { "2m", 2 * USEC_PER_MINUTE },
                { "2hours", 2 * USEC_PER_HOUR },
                { "2hour", 2 * USEC_PER_HOUR },
                { "2hr", 2 * USEC_PER_HOUR },
                { "2h", 2 * USEC_PER_HOUR },
                { "2days", 2 * USEC_PER_DAY },
                { "2day", 2 * USEC_PER_DAY },
                { "2d", 2 * USEC_PER_DAY },
                { "2weeks", 14 * USEC_PER_DAY },
                { "2week", 14 * USEC_PER_DAY },
                { "2w", 14 * USEC_PER_DAY },
                { "2months", 2 * USEC_PER_MONTH },
                { "2month", 2 * USEC_PER_MONTH },
                { "2M", 2 * USEC_PER_MONTH },
                { "2years", 2 * USEC_PER_YEAR },
                { "2year", 2 * USEC_PER_YEAR },
                { "2y", 2 * USEC_PER_YEAR },
                { "1y 12month", 2 * USEC_PER_YEAR },
                /* decimals */
                { "1.5h", 90 * USEC_PER_MINUTE },
                { ".5", 500 * USEC_PER_MSEC },
                { "2.5", 2500 * USEC_PER_MSEC },
                { "0.25 min", 15 * USEC_PER_SEC },
                { "3.1 .2", 3300 * USEC_PER_MSEC },
                { "3.1s.2", 3300 * USEC_PER_MSEC },
                { "0.1y", USEC_PER_YEAR / 10 },
                { "1.000001", USEC_PER_SEC + 1 },
                { "0.0000009", 0 },
                { "0.9999999s", 999999 },
                { "1.9us", 1 },
                { "0.99999999999999999999999999999999999999999999y", USEC_PER_YEAR - 1 },
                { "0.00000000000000000000000000000000000000000001y", 0 },
                { "0.0000000000000000000000000000000000000000000000000000000000000000000000001y", 0 },
                { "0.5000000000000000000000000000000000000000000000000000000000000000000000000h",
                                30 * USEC_PER_MINUTE },
                /* the ends */
                { "infinity", USEC_INFINITY },
                { " infinity\t", USEC_INFINITY },
                { "18446744073709551614us", USEC_INFINITY - 1 },
                { "18446744073709551us", (usec_t)18446744073709551 },
                { "18446744073709s 551614us", USEC_INFINITY - 1 },
                { "18446744073709.551614", USEC_INFINITY - 1 },
                { "584541y", 584541 * USEC_PER_YEAR },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                usec_t span = UNTOUCHED;

                if (time_span_parse(cases[i].text, &span) != 0 || span != cases[i].span)
                        fail_msg("'%s' read as %llu", cases[i].text, (unsigned long long)span);
        }
}

static void refuses_what_is_no_span(void **state) {
        static const char *const cases[] = {
                "",
                " ",
                "\t\n",
                "s",
                "h 1",
                "x",
                ".",
                ". 5",
                "3.",
                "3.s",
                "3. 1s",
                "3 . 5",
                "1.2.3",
                "12.34.56",
                "12..34",
                "..1234",
                "1,5s",
                "1e3",
                "0x10",
                "1S",
                "1H",
                "1MIN",
                "1D",
                "1Y",
                "1mon",
                "1mins",
                "1hrs",
                "1secs",
                "1hh",
                "1h h",
                "1 hmin",
                "1minh",
                "1 nsec",
                "5%",
                "1s;",
                "1s ;",
                "1s # comment",
                "-",
                "+",
                "+-5",
                "--5",
                "-h",
                "- 5",
                "-infinity",
                "+infinity",
                "INFINITY",
                "Infinity",
                "inf",
                "infinit",
                "infinity1",
                "infinityy",
                "infinity s",
                "infinity infinity",
                "1 infinity",
                "infinity 1s",
                "1\xc2\xb5",
                "1\xc2s",
                "1\xb5s",
                "1\xc2\xa0s", /* no-break space */
                "1\vs",
                "\xef\xbc\x91s",                 /* full-width digit */
                "99999999999999999999999999y x", /* not a span, whatever the number */
                "-1x",
                "1h\x01",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                usec_t span = UNTOUCHED;

                if (time_span_parse(cases[i], &span) != -EINVAL || span != UNTOUCHED)
                        fail_msg("'%s' not refused", cases[i]);
        }
}

static void refuses_what_does_not_fit(void **state) {
        static const char *const cases[] = {
                "-5",
                "-0",
                "-.5s",
                "1h -5min",
                "18446744073709551615us", /* would read as infinity */
                "18446744073709551616us",
                "18446744073709551615",
                "99999999999999999999999999999999999999999999",
                "18446744073709.551615",
                "18446744073709s 551615us",
                "18446744073709552ms",
                "584543y",
                "584542y 1y",
                "7014505M",
                "18446744073709551614us 1us",
                "18446744073709551614us 0.9us 1us",
                "99999999999999999999.5us",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                usec_t span = UNTOUCHED;

                if (time_span_parse(cases[i], &span) != -ERANGE || span != UNTOUCHED)
                        fail_msg("'%s' not refused", cases[i]);
        }
}

static void writes_spans(void **state) {
        static const struct {
                usec_t span, accuracy;
                const char *text;
        } cases[] = {
                { 0, 1, "0" },
                { 0, USEC_PER_SEC, "0" },
                { 1, 1, "1us" },
                { 1, 0, "1us" },
                { 1000, 1, "1ms" },
                { USEC_PER_SEC, 1, "1s" },
                { 60 * USEC_PER_SEC, 1, "1min" },
                { 90 * USEC_PER_MINUTE, 1, "1h 30min" },
                { USEC_PER_HOUR + 2 * USEC_PER_MINUTE + 3 * USEC_PER_SEC, 1, "1h 2min 3s" },
                { 24 * USEC_PER_HOUR, 1, "1d" },
                { 7 * USEC_PER_DAY, 1, "7d" },
                { 365 * USEC_PER_DAY, 1, "365d" },
                { USEC_PER_DAY + 1, 1, "1d 1us" },
                { USEC_INFINITY, 1, "infinity" },
                { USEC_INFINITY, USEC_PER_DAY, "infinity" },
                { USEC_INFINITY - 1, 1, "213503982d 8h 1min 49s 551ms 614us" },
                /* left out, not rounded */
                { 3 * USEC_PER_SEC + 999999, USEC_PER_SEC, "3s" },
                { 999999, USEC_PER_SEC, "0" },
                { USEC_PER_HOUR + 59 * USEC_PER_SEC, USEC_PER_MINUTE, "1h" },
                { 2 * USEC_PER_DAY - 1, USEC_PER_DAY, "1d" },
                { 59 * USEC_PER_SEC, USEC_PER_MINUTE, "0" },
                { 5 * USEC_PER_DAY, 2 * USEC_PER_DAY, "0" },
                { 61 * USEC_PER_SEC, 5 * USEC_PER_SEC, "1min" },
        };
        char buf[TIME_SPAN_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_string_equal(time_span_format(buf, sizeof(buf), cases[i].span, cases[i].accuracy),
                                cases[i].text);
}

static void what_is_written_reads_back(void **state) {
        usec_t span = 1;

        (void)state;
        /* A linear congruential walk with every magnitude in it. */
        for (unsigned i = 0; i < 20000; i++) {
                usec_t wanted, got = UNTOUCHED;
                char buf[TIME_SPAN_TEXT_MAX];

                span = span * 6364136223846793005U + 1442695040888963407U;
                wanted = span >> (i % 64);
                assert_int_equal(time_span_parse(time_span_format(buf, sizeof(buf), wanted, 1), &got), 0);
                assert_true(got == wanted);
                assert_true(strlen(buf) < sizeof(buf) / 2);
        }
}

static void small_buffers_get_whole_parts(void **state) {
        const usec_t span = 12 * USEC_PER_HOUR + 34 * USEC_PER_MINUTE;
        char buf[16];

        (void)state;
        for (size_t size = 1; size <= sizeof(buf); size++) {
                memset(buf, '#', sizeof(buf));
                assert_ptr_equal(time_span_format(buf, size, span, 1), buf);
                assert_string_equal(buf, size > 9 ? "12h 34min" : size > 3 ? "12h" : "");
                if (size < sizeof(buf))
                        assert_int_equal(buf[size], '#');
        }
}

static void test_format_short(void **state) {
        static const struct {
                usec_t span;
                const char *down, *up;
        } rows[] = {
                { 0, "0", "0" },
                { 1, "0", "1s" },
                { USEC_PER_SEC, "1s", "1s" },
                { 90 * USEC_PER_SEC + 1, "1min 30s", "1min 31s" },
                { 10 * USEC_PER_MINUTE - 1, "9min 59s", "10min" },
                { 10 * USEC_PER_MINUTE + 1, "10min", "11min" },
                { 3 * USEC_PER_HOUR + 61 * USEC_PER_SEC, "3h 1min", "3h 2min" },
                { USEC_PER_DAY - 1, "23h 59min", "1d" },
                { 7 * USEC_PER_DAY - USEC_PER_SEC, "6d 23h", "7d" },
                { USEC_INFINITY, "infinity", "infinity" },
        };
        char buf[TIME_SPAN_TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_string_equal(
                                time_span_format_short(buf, sizeof(buf), rows[i].span, false), rows[i].down);
                assert_string_equal(
                                time_span_format_short(buf, sizeof(buf), rows[i].span, true), rows[i].up);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_format_short),
                cmocka_unit_test(reads_spans),
                cmocka_unit_test(refuses_what_is_no_span),
                cmocka_unit_test(refuses_what_does_not_fit),
                cmocka_unit_test(writes_spans),
                cmocka_unit_test(what_is_written_reads_back),
                cmocka_unit_test(small_buffers_get_whole_parts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
