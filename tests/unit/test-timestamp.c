/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as text. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "base/timestamp.h"

static void test_format(void **state) {
        char buf[TIMESTAMP_TEXT_MAX];

        (void)state;
        setenv("TZ", "UTC", 1);
        tzset();
        assert_string_equal(timestamp_format(buf, 1795442700 * USEC_PER_SEC + 999999),
                        "2026-11-23 14:05:00 UTC");
        assert_string_equal(timestamp_format(buf, 1), "1970-01-01 00:00:00 UTC");
        setenv("TZ", "XYZ-2", 1);
        tzset();
        assert_string_equal(timestamp_format(buf, 1795442700 * USEC_PER_SEC), "2026-11-23 16:05:00 XYZ");
}

static void test_no_date(void **state) {
        char buf[TIMESTAMP_TEXT_MAX];

        (void)state;
        assert_string_equal(timestamp_format(buf, 0), "-");
        assert_string_equal(timestamp_format(buf, USEC_INFINITY), "-");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_no_date),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
