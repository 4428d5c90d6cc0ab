/* SPDX-License-Identifier: Apache-2.0 */

#include <time.h>

#include "base/cleanup.h"
#include "ctl-fixture.h"
#include "ctl/format.h"

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE
#define H USEC_PER_HOUR
#define D USEC_PER_DAY

static void spans(void **state) {
        static const struct {
                usec_t span;
                const char *past, *ahead;
        } cases[] = {
                { 0, "0s", "now" },
                { 1, "0s", "1s" },
                { S - 1, "0s", "1s" },
                { S, "1s", "1s" },
                { S + 1, "1s", "2s" },
                { 59 * S, "59s", "59s" },
                { 9 * M + 59 * S, "9min 59s", "9min 59s" },
                { 10 * M, "10min", "10min" },
                { 10 * M + 1, "10min", "11min" },
                { 2 * H + 5 * M + 59 * S, "2h 5min", "2h 6min" },
                { 23 * H + 59 * M + 1, "23h 59min", "1d" },
                { 3 * D + 4 * H, "3d 4h", "3d 4h" },
                { 3 * D + 23 * H + 1, "3d 23h", "4d" },
                { USEC_INFINITY, "-", "-" },
        };
        char buf[FORMAT_MAX];

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                assert_string_equal(format_span(buf, cases[i].span), cases[i].past);
                assert_string_equal(format_due(buf, cases[i].span), cases[i].ahead);
        }
        /* The longest there is fits. */
        assert_string_equal(format_due(buf, USEC_INFINITY - 1), format_span(buf, USEC_INFINITY - 1));
}

static void times(void **state) {
        const usec_t at = UINT64_C(1795438985) * S + 999999; /* Mon 2026-11-23 13:03:05.999999 UTC */
        char buf[FORMAT_MAX];

        (void)state;
        (void)setenv("TZ", "UTC", 1);
        tzset();
        assert_string_equal(format_time(buf, at), "Mon 2026-11-23 13:03:05 UTC");
        assert_string_equal(format_time_short(buf, at), "2026-11-23 13:03:05");
        assert_string_equal(format_ago(buf, at, at + 2 * H + 5 * M), "2h 5min ago");
        assert_string_equal(format_ago(buf, at, at - 90 * S - 1), "in 1min 31s");
        assert_string_equal(format_time_ago(buf, at, at + 12 * S), "Mon 2026-11-23 13:03:05 UTC; 12s ago");

        /* In local time. */
        (void)setenv("TZ", "XYZ-2", 1);
        tzset();
        assert_string_equal(format_time(buf, at), "Mon 2026-11-23 15:03:05 XYZ");

        assert_string_equal(format_time(buf, 0), "never");
        assert_string_equal(format_time_short(buf, 0), "never");
        assert_string_equal(format_ago(buf, 0, at), "never");
        assert_string_equal(format_time_ago(buf, 0, at), "never");
        assert_string_equal(format_time_ago(buf, USEC_INFINITY, at), "-");
        assert_string_equal(format_ago(buf, USEC_INFINITY, at), "-");
        /* Whatever a peer tells, there is a text. */
        assert_true(format_time(buf, USEC_INFINITY - 1)[0] != '\0');
}

static void sizes(void **state) {
        char buf[FORMAT_MAX];

        (void)state;
        assert_string_equal(format_size(buf, 0), "0B");
        assert_string_equal(format_size(buf, 52534706), "50.1M");
        assert_string_equal(format_size(buf, UINT64_MAX), "-");
        assert_string_equal(format_count(buf, 1234), "1234");
        assert_string_equal(format_count(buf, UINT64_MAX - 1), "18446744073709551614");
        assert_string_equal(format_count(buf, UINT64_MAX), "-");
}

#define FULL    "\xe2\x96\x88"
#define HALF    "\xe2\x96\x8c"
#define EIGHTH  "\xe2\x96\x8f"
#define SEVENTH "\xe2\x96\x89" /* of eight */

static void bars(void **state) {
        static const struct {
                uint64_t part, whole;
                const char *utf8, *plain;
        } cases[] = {
                { 0, 100, "    ", "    " },
                { 0, 0, "    ", "    " },
                { 100, 100, FULL FULL FULL FULL, "####" },
                { 200, 100, FULL FULL FULL FULL, "####" },
                { 50, 100, FULL FULL "  ", "##  " },
                { 375, 1000, FULL HALF "  ", "##  " },
                { 32, 1000, EIGHTH "   ", "#   " },
                /* a little is seen */
                { 1, UINT64_MAX - 1, EIGHTH "   ", "#   " },
                { 99, 100, FULL FULL FULL SEVENTH, "####" },
        };
        char buf[3 * 4 + 1];

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                assert_string_equal(format_bar(buf, sizeof(buf), cases[i].part, cases[i].whole, 4, true),
                                cases[i].utf8);
                assert_string_equal(format_bar(buf, sizeof(buf), cases[i].part, cases[i].whole, 4, false),
                                cases[i].plain);
        }
        /* Never beyond the buffer, nor half a character. */
        assert_string_equal(format_bar(buf, 8, 1, 1, 4, true), FULL FULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(spans),
                cmocka_unit_test(times),
                cmocka_unit_test(sizes),
                cmocka_unit_test(bars),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
