/* SPDX-License-Identifier: Apache-2.0 */
/* decode_time(): the engine's time stamps, against values computed elsewhere and against the calendar
 * day by day. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/decode.h"

static void test_times(void **state __attribute__((unused))) {
        static const struct {
                const char *text;
                usec_t time;
        } cases[] = {
                { "1970-01-01T00:00:00Z", 0 },
                { "1970-01-01T00:00:00.000000999Z", 0 },
                { "1970-01-01T00:00:00.000001Z", 1 },
                { "2023-11-14T22:13:20Z", 1700000000000000 },
                { "2023-11-14T22:13:20.1Z", 1700000000100000 },
                { "2023-11-14T22:13:20.12Z", 1700000000120000 },
                { "2023-11-14T22:13:20.123456Z", 1700000000123456 },
                { "2023-11-14T22:13:20.123456789Z", 1700000000123456 },
                { "2023-11-14T22:13:20.999999999Z", 1700000000999999 },
                { "2023-11-14T22:13:20+00:00", 1700000000000000 },
                { "2023-11-14T22:13:20-00:00", 1700000000000000 },
                { "2023-11-14T23:43:20.5+01:30", 1700000000500000 },
                { "2023-11-14T14:43:20-07:30", 1700000000000000 },
                { "2023-11-15T22:12:20+23:59", 1700000000000000 },
                { "2023-11-13T22:14:20-23:59", 1700000000000000 },
                { "2000-02-29T12:00:00Z", 951825600000000 },
                { "2024-02-29T23:59:59Z", 1709251199000000 },
                { "2024-03-01T00:00:00Z", 1709251200000000 },
                { "2038-01-19T03:14:08Z", 2147483648000000 },
                { "2100-03-01T00:00:00Z", 4107542400000000 },
                { "2400-02-29T00:00:00Z", 13574563200000000 },
                { "9999-12-31T23:59:59.999999999Z", 253402300799999999 },
                { "9999-12-31T23:59:59-23:59", 253402387139000000 },
                /* Leap seconds. */
                { "2016-12-31T23:59:60Z", 1483228800000000 },
                { "2016-12-31T23:59:60.5Z", 1483228800500000 },
                { "2017-01-01T00:59:60+01:00", 1483228800000000 },
                /* Never, and before the epoch. */
                { "0001-01-01T00:00:00Z", 0 },
                { "0000-01-01T00:00:00Z", 0 },
                { "0001-01-01T00:00:00+23:59", 0 },
                { "1969-12-31T23:59:59.999999999Z", 0 },
                { "1970-01-01T00:59:59+01:00", 0 },
                { "1970-01-01T01:00:01+01:00", 1000000 },
                { "1969-12-31T23:00:01-01:00", 1000000 },
                { "1600-02-29T00:00:00Z", 0 },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                usec_t time = 12345;

                if (decode_time(cases[i].text, &time) != 0 || time != cases[i].time)
                        fail_msg("%s: %llu", cases[i].text, (unsigned long long)time);
        }
}

static void test_bad(void **state __attribute__((unused))) {
        static const struct {
                const char *text;
                int r;
        } cases[] = {
                { "", -EINVAL },
                { "0", -EINVAL },
                { "2023", -EINVAL },
                { "2023-11-14", -EINVAL },
                { "2023-11-14T22:13:20", -EINVAL },
                { "2023-11-14T22:13Z", -EINVAL },
                { "2023-11-14 22:13:20Z", -EINVAL },
                { "2023-11-14t22:13:20Z", -EINVAL },
                { "2023-11-14T22:13:20z", -EINVAL },
                { " 2023-11-14T22:13:20Z", -EINVAL },
                { "2023-11-14T22:13:20Z ", -EINVAL },
                { "2023-11-14T22:13:20ZZ", -EINVAL },
                { "2023-11-14T22:13:20 UTC", -EINVAL },
                { "+2023-11-14T22:13:20Z", -EINVAL },
                { "-023-11-14T22:13:20Z", -EINVAL },
                { "223-11-14T22:13:20Z", -EINVAL },
                { "2023-1-14T22:13:20Z", -EINVAL },
                { "2023-11-4T22:13:20Z", -EINVAL },
                { "2023/11/14T22:13:20Z", -EINVAL },
                { "2023-00-14T22:13:20Z", -EINVAL },
                { "2023-13-14T22:13:20Z", -EINVAL },
                { "2023-99-14T22:13:20Z", -EINVAL },
                { "2023-11-00T22:13:20Z", -EINVAL },
                { "2023-11-31T22:13:20Z", -EINVAL },
                { "2023-01-32T22:13:20Z", -EINVAL },
                { "2023-02-29T22:13:20Z", -EINVAL },
                { "2024-02-30T22:13:20Z", -EINVAL },
                { "1900-02-29T22:13:20Z", -EINVAL },
                { "2100-02-29T22:13:20Z", -EINVAL },
                { "2023-11-14T24:00:00Z", -EINVAL },
                { "2023-11-14T22:60:20Z", -EINVAL },
                { "2023-11-14T22:13:61Z", -EINVAL },
                { "2023-11-14T22:13:2Z", -EINVAL },
                { "2023-11-14T22:13:20.Z", -EINVAL },
                { "2023-11-14T22:13:20,5Z", -EINVAL },
                { "2023-11-14T22:13:20.1234567890Z", -EINVAL },
                { "2023-11-14T22:13:20.5", -EINVAL },
                { "2023-11-14T22:13:20.-5Z", -EINVAL },
                { "2023-11-14T22:13:20+", -EINVAL },
                { "2023-11-14T22:13:20+1", -EINVAL },
                { "2023-11-14T22:13:20+0100", -EINVAL },
                { "2023-11-14T22:13:20+01", -EINVAL },
                { "2023-11-14T22:13:20+01:0", -EINVAL },
                { "2023-11-14T22:13:20+24:00", -EINVAL },
                { "2023-11-14T22:13:20+01:60", -EINVAL },
                { "2023-11-14T22:13:20*01:00", -EINVAL },
                { "2023-11-14T22:13:20+01:00Z", -EINVAL },
                { "\xd9\xa2"
                  "023-11-14T22:13:20Z",
                                -EINVAL },
                { "10000-01-01T00:00:00Z", -ERANGE },
                { "99999999999999999999-01-01T00:00:00Z", -ERANGE },
                { "1700000000", -EINVAL },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                usec_t time = 12345;
                int r;

                r = decode_time(cases[i].text, &time);
                if (r != cases[i].r || time != 12345)
                        fail_msg("%s: %d", cases[i].text, r);
        }
}

/* From 1970 to 9999 each valid date is a day after the one before, and no other date is valid. */
static void test_every_day(void **state __attribute__((unused))) {
        usec_t expected = 0;

        for (int year = 1970; year <= 9999; year++)
                for (int month = 1; month <= 12; month++)
                        for (int day = 28; day <= 32; day++) {
                                char text[64];
                                usec_t time;
                                int r;

                                (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year, month,
                                                day);
                                r = decode_time(text, &time);
                                if (day == 28) {
                                        expected += 27 * USEC_PER_DAY;
                                        assert_int_equal(r, 0);
                                }
                                if (r < 0)
                                        continue;
                                assert_true(time == expected);
                                expected += USEC_PER_DAY;
                        }
        assert_true(expected == 253402300800 * USEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_times),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_every_day),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
