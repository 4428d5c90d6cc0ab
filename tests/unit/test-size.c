/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"

#define K UINT64_C(1024)
#define M (1024 * K)
#define G (1024 * M)
#define T (1024 * G)
#define P (1024 * T)
#define E (1024 * P)

/* Written into outputs beforehand: they have to be untouched on failure. */
#define UNTOUCHED ((uint64_t)0x5afe)

static void reads_sizes(void **state) {
        static const struct {
                const char *text;
                uint64_t size;
        } cases[] = {
                { "0", 0 },
                { "0B", 0 },
                { "0E", 0 },
                { "4096", 4096 },
                { "4096B", 4096 },
                { "1K", K },
                { "1M", M },
                { "1G", G },
                { "1T", T },
                { "1P", P },
                { "1E", E },
                { "16M", 16 * M },
                { "16MB", 16 * M },
                { "15EB", 15 * E },
                { "1.5G", G + G / 2 },
                { "1.5KB", 1536 },
                { "0.5K", 512 },
                { "0.25M", M / 4 },
                { "1.000000000000000000000000000000000000000000K", K },
                /* digits below a byte are dropped */
                { "1.9", 1 },
                { "0.999999B", 0 },
                { "0.0009K", 0 },
                { "0.001K", 1 },
                { "0.3M", 314572 },
                { "0.9999999999999999999E", E - 1 },
                { "15.999999999999999999E", 15 * E + (E - 2) },
                { "16383.99999999999999999P", UINT64_MAX },
                { "15.9999999999999999999999E", UINT64_MAX },
                /* any number of digits */
                { "0000000000000000000000000000000000000000007K", 7 * K },
                { "18446744073709551615", UINT64_MAX },
                { "18014398509481983.999K", UINT64_MAX - 1 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                uint64_t size = UNTOUCHED;
                int r = size_parse(cases[i].text, &size);

                if (r != 0 || size != cases[i].size)
                        fail_msg("'%s': %i, %ju instead of %ju", cases[i].text, r, (uintmax_t)size,
                                        (uintmax_t)cases[i].size);
        }
}

static void refuses_what_is_no_size(void **state) {
        static const struct {
                const char *text;
                int error;
        } cases[] = {
                { "", -EINVAL },
                { " ", -EINVAL },
                { ".", -EINVAL },
                { "K", -EINVAL },
                { "B", -EINVAL },
                { "-1", -EINVAL },
                { "-0", -EINVAL },
                { "+1", -EINVAL },
                { " 1K", -EINVAL },
                { "1K ", -EINVAL },
                { "1 K", -EINVAL },
                { "1\tK", -EINVAL },
                { "1e3", -EINVAL },
                { "0x10", -EINVAL },
                { "1.", -EINVAL },
                { "1.K", -EINVAL },
                { ".5K", -EINVAL },
                { "1.2.3K", -EINVAL },
                { "1,5K", -EINVAL },
                { "1k", -EINVAL },
                { "1m", -EINVAL },
                { "1Kb", -EINVAL },
                { "1KiB", -EINVAL },
                { "1KK", -EINVAL },
                { "1BB", -EINVAL },
                { "1BK", -EINVAL },
                { "1KBB", -EINVAL },
                { "1G 500M", -EINVAL },
                { "1G500M", -EINVAL },
                { "1Z", -EINVAL },
                { "infinity", -EINVAL },
                { "5%", -EINVAL },
                { "\xd9\xa3K", -EINVAL }, /* an Arabic digit */
                { "99999999999999999999999999999999999999999999x", -EINVAL },
                { "18446744073709551616", -ERANGE },
                { "18446744073709551615.5K", -ERANGE },
                { "16E", -ERANGE },
                { "16384P", -ERANGE },
                { "18014398509481984K", -ERANGE },
                { "99999999999999999999999999999999999999999999", -ERANGE },
                { "340282366920938463463374607431768211456", -ERANGE }, /* 2^128 */
                { "340282366920938463463374607431768211457K", -ERANGE },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                uint64_t size = UNTOUCHED;
                int r = size_parse(cases[i].text, &size);

                if (r != cases[i].error || size != UNTOUCHED)
                        fail_msg("'%s': %i, %ju", cases[i].text, r, (uintmax_t)size);
        }
}

static void bears_endless_digits(void **state) {
        static char text[100000];
        uint64_t size = UNTOUCHED;

        (void)state;
        memset(text, '9', sizeof(text) - 1);
        assert_int_equal(size_parse(text, &size), -ERANGE);
        text[sizeof(text) - 2] = 'e';
        assert_int_equal(size_parse(text, &size), -EINVAL);
        assert_int_equal(size, UNTOUCHED);

        memset(text, '0', sizeof(text) - 1);
        text[sizeof(text) - 2] = 'M';
        text[sizeof(text) - 3] = '7';
        assert_int_equal(size_parse(text, &size), 0);
        assert_int_equal(size, 7 * M);

        /* behind the point too */
        text[1] = '.';
        assert_int_equal(size_parse(text, &size), 0);
        assert_int_equal(size, 0);
}

static void writes_what_reads_back(void **state) {
        static const struct {
                uint64_t size;
                const char *text;
        } cases[] = {
                { 0, "0" },
                { 1, "1" },
                { 1023, "1023" },
                { K, "1K" },
                { 1536 * K, "1536K" },
                { 4097, "4097" },
                { 16 * M, "16M" },
                { 1024 * M, "1G" },
                { P, "1P" },
                { E, "1E" },
                { 15 * E, "15E" },
                { E + P, "1025P" },
                { UINT64_MAX, "18446744073709551615" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                char buf[SIZE_TEXT_MAX];

                assert_ptr_equal(size_format(buf, cases[i].size), buf);
                assert_string_equal(buf, cases[i].text);
        }

        for (unsigned shift = 0; shift < 64; shift++)
                for (int by = -1; by <= 1; by++) {
                        uint64_t size = (UINT64_C(1) << shift) + (uint64_t)by, again = UNTOUCHED;
                        char buf[SIZE_TEXT_MAX];

                        assert_int_equal(size_parse(size_format(buf, size), &again), 0);
                        assert_int_equal(again, size);
                }
}

static void writes_for_people(void **state) {
        static const struct {
                uint64_t size;
                const char *text;
        } cases[] = {
                { 0, "0B" },
                { 812, "812B" },
                { 1023, "1023B" },
                { K, "1.0K" },
                { K + 51, "1.0K" },
                { K + 52, "1.1K" },
                { 10 * K, "10.0K" },
                { 52534026, "50.1M" },
                { 50 * M, "50.0M" },
                /* what is rounded up to 1024 is 1 of the next unit */
                { M - 52, "1023.9K" },
                { M - 51, "1.0M" },
                { M - 1, "1.0M" },
                { G - 1, "1.0G" },
                { E - 1, "1.0E" },
                { E, "1.0E" },
                { UINT64_MAX, "16.0E" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                char buf[SIZE_TEXT_MAX];

                assert_ptr_equal(size_format_short(buf, cases[i].size), buf);
                assert_string_equal(buf, cases[i].text);
        }
}

static void writes_changes(void **state) {
        static const struct {
                int64_t size;
                const char *text;
        } cases[] = {
                { 0, "0B" },
                { 1, "+1B" },
                { -1, "-1B" },
                { -1023, "-1023B" },
                { 12 * (int64_t)K, "+12.0K" },
                { -12 * (int64_t)K, "-12.0K" },
                { 104857, "+102.4K" },
                { 104858, "+0.1M" },
                { -314573, "-0.3M" },
                { -209715, "-0.2M" },
                { 52534026, "+50.1M" },
                { -2 * (int64_t)M, "-2.0M" },
                { 3 * (int64_t)G, "+3.0G" },
                { INT64_MAX, "+8.0E" },
                { INT64_MIN, "-8.0E" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                char buf[SIZE_TEXT_MAX];

                assert_ptr_equal(size_format_change(buf, cases[i].size), buf);
                assert_string_equal(buf, cases[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_sizes),
                cmocka_unit_test(refuses_what_is_no_size),
                cmocka_unit_test(bears_endless_digits),
                cmocka_unit_test(writes_what_reads_back),
                cmocka_unit_test(writes_for_people),
                cmocka_unit_test(writes_changes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
