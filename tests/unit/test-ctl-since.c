/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "ctl/since.h"

/* Written into outputs beforehand: they have to be untouched on failure. */
#define UNTOUCHED ((usec_t)0x5afe)

#define AT(s) ((usec_t)(s)*USEC_PER_SEC)

/* Monday, 2026-11-23 13:04:05.678901 in UTC. */
#define NOW (AT(1795439045) + 678901)
/* 2026-11-23 00:00:00 there. */
#define MIDNIGHT AT(1795392000)

static void set_zone(const char *zone) {
        setenv("TZ", zone, 1);
        tzset();
}

static usec_t since(const char *text, usec_t now) {
        usec_t at = UNTOUCHED;

        if (since_parse(text, now, &at) != 0)
                fail_msg("\"%s\" is refused", text);
        return at;
}

static void reads_forms(void **state) {
        static const struct {
                const char *text;
                usec_t at;
        } cases[] = {
                { "2h", NOW - 2 * USEC_PER_HOUR },
                { "2h ago", NOW - 2 * USEC_PER_HOUR },
                { "1d 12h", NOW - 36 * USEC_PER_HOUR },
                { "90", NOW - 90 * USEC_PER_SEC },
                { "0", NOW },
                { "infinity", 0 },
                { "100y", 0 },
                { "today", MIDNIGHT },
                { "yesterday", MIDNIGHT - USEC_PER_DAY },
                { "2026-11-23", MIDNIGHT },
                { "2026-11-23 10:00", MIDNIGHT + 10 * USEC_PER_HOUR },
                { "2026-11-23 10:00:59", MIDNIGHT + 10 * USEC_PER_HOUR + 59 * USEC_PER_SEC },
                { "2024-02-29", AT(1709164800) },
                { "1970-01-01", 0 },
                { "1969-12-31", 0 },
                { "2027-01-01", AT(1798761600) },
                { "10:00", MIDNIGHT + 10 * USEC_PER_HOUR },
                { "13:04:05", AT(1795439045) },
                /* has not come yet today */
                { "13:04:06", AT(1795439046) - USEC_PER_DAY },
                { "23:59", MIDNIGHT - USEC_PER_MINUTE },
        };

        (void)state;
        set_zone("UTC");
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                if (since(cases[i].text, NOW) != cases[i].at)
                        fail_msg("\"%s\": %llu, not %llu", cases[i].text,
                                        (unsigned long long)since(cases[i].text, NOW),
                                        (unsigned long long)cases[i].at);
}

static void refuses_others(void **state) {
        static const char *const texts[] = {
                "",
                " ",
                "ago",
                " ago",
                "tomorrow",
                "Today",
                "todays",
                "2h ago ago",
                "-2h",
                "2 weeks ago and a bit",
                "2026-11-23 ",
                "2026-11-23 10",
                "2026-11-23 10:00:",
                "2026-11-23 10:00:00 ",
                "2026-11-23T10:00",
                "2026-11-23 24:00",
                "2026-11-23 10:60",
                "2026-11-23 10:00:60",
                "2026-02-29",
                "2026-13-01",
                "2026-00-01",
                "2026-11-00",
                "2026-11-31",
                "26-11-23",
                "2026-1-3",
                "1800-01-01",
                "10:00 2026-11-23",
                "24:00",
                "1:00",
                "10:00x",
                "\x1b[31m",
                "\xff",
        };
        static char long_text[4096];
        usec_t at = UNTOUCHED;

        (void)state;
        set_zone("UTC");
        for (size_t i = 0; i < ELEMENTS_OF(texts); i++)
                if (since_parse(texts[i], NOW, &at) != -EINVAL)
                        fail_msg("\"%s\" is accepted", texts[i]);
        for (size_t i = 0; i < sizeof(long_text) - 1; i++)
                long_text[i] = '1';
        assert_int_equal(since_parse(long_text, NOW, &at), -EINVAL);
        assert_int_equal(at, UNTOUCHED);
}

/* Midnight is that of the place, in summer and in winter. */
static void goes_by_local_time(void **state) {
        /* 2026-10-25 12:00 in Berlin, whose clocks went back by an hour in the night before. */
        const usec_t noon = AT(1792926000);

        (void)state;
        set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
        assert_int_equal(since("today", noon), noon - 13 * USEC_PER_HOUR);
        assert_int_equal(since("yesterday", noon), noon - 37 * USEC_PER_HOUR);
        assert_int_equal(since("2026-10-25 12:00", noon), noon);
        /* Left out in spring: 02:30 does not exist then, and is what the clock showed instead. */
        assert_true(since("2026-03-29 02:30", noon) == AT(1774747800) ||
                        since("2026-03-29 02:30", noon) == AT(1774744200));
        set_zone("UTC");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_forms),
                cmocka_unit_test(refuses_others),
                cmocka_unit_test(goes_by_local_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
