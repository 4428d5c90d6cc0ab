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
#include "base/share.h"

/* Written into outputs beforehand: they have to be untouched on failure. */
#define UNTOUCHED 0x5afeU

static void reads_shares(void **state) {
        static const struct {
                const char *text;
                int result;
                unsigned share;
        } cases[] = {
                { "0%", 0, 0 },
                { "5%", 0, 500 },
                { "7.2%", 0, 720 },
                { "7.25%", 0, 725 },
                { "7.05%", 0, 705 },
                { "0.01%", 0, 1 },
                { "99.99%", 0, 9999 },
                { "100%", 0, SHARE_ALL },
                { "100.00%", 0, SHARE_ALL },
                { "0000000000000000000000000012.5%", 0, 1250 },
                { "", -EINVAL, UNTOUCHED },
                { "%", -EINVAL, UNTOUCHED },
                { "5", -EINVAL, UNTOUCHED },
                { "0.05", -EINVAL, UNTOUCHED },
                { " 5%", -EINVAL, UNTOUCHED },
                { "5 %", -EINVAL, UNTOUCHED },
                { "5% ", -EINVAL, UNTOUCHED },
                { "5%%", -EINVAL, UNTOUCHED },
                { "%5", -EINVAL, UNTOUCHED },
                { "-1", -EINVAL, UNTOUCHED },
                { "-1%", -EINVAL, UNTOUCHED },
                { "-0%", -EINVAL, UNTOUCHED },
                { "+5%", -EINVAL, UNTOUCHED },
                { "1e1%", -EINVAL, UNTOUCHED },
                { "0x10%", -EINVAL, UNTOUCHED },
                { "5.%", -EINVAL, UNTOUCHED },
                { ".5%", -EINVAL, UNTOUCHED },
                { ".%", -EINVAL, UNTOUCHED },
                { "5.1.1%", -EINVAL, UNTOUCHED },
                { "5,5%", -EINVAL, UNTOUCHED },
                { "7.250%", -EINVAL, UNTOUCHED },
                { "100.001%", -EINVAL, UNTOUCHED },
                { "5\xe2\x80\xb0", -EINVAL, UNTOUCHED }, /* per mille */
                { "16M", -EINVAL, UNTOUCHED },
                { "off", -EINVAL, UNTOUCHED },
                { "99999999999999999999999999999999", -EINVAL, UNTOUCHED },
                { "100.01%", -ERANGE, UNTOUCHED },
                { "101%", -ERANGE, UNTOUCHED },
                { "42949673%", -ERANGE, UNTOUCHED },             /* 2^32 and 4 hundredths */
                { "42949672.96%", -ERANGE, UNTOUCHED },          /* 2^32 hundredths */
                { "4294967300%", -ERANGE, UNTOUCHED },           /* 2^32 and 4 */
                { "4294967295%", -ERANGE, UNTOUCHED },           /* SHARE_OFF */
                { "18446744073709551621%", -ERANGE, UNTOUCHED }, /* 2^64 and 5 */
                { "99999999999999999999999999999999.99%", -ERANGE, UNTOUCHED },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                unsigned share = UNTOUCHED;
                int r = share_parse(cases[i].text, &share);

                if (r != cases[i].result || share != cases[i].share)
                        fail_msg("'%s': %i, %u", cases[i].text, r, share);
        }
}

static void bears_endless_digits(void **state) {
        static char text[100000];
        unsigned share = UNTOUCHED;

        (void)state;
        memset(text, '9', sizeof(text) - 1);
        assert_int_equal(share_parse(text, &share), -EINVAL);
        text[sizeof(text) - 2] = '%';
        assert_int_equal(share_parse(text, &share), -ERANGE);
        text[1] = '.';
        assert_int_equal(share_parse(text, &share), -EINVAL);
        assert_int_equal(share, UNTOUCHED);

        memset(text, '0', sizeof(text) - 3);
        text[sizeof(text) - 3] = '9';
        assert_int_equal(share_parse(text, &share), 0);
        assert_int_equal(share, 900);
}

static void all_shares_read_back(void **state) {
        char buf[SHARE_TEXT_MAX], wanted[SHARE_TEXT_MAX];

        (void)state;
        for (unsigned share = 0; share <= SHARE_ALL; share++) {
                unsigned again = UNTOUCHED;

                assert_ptr_equal(share_format(buf, share), buf);
                snprintf(wanted, sizeof(wanted), "%.4g%%", share / 100.0);
                assert_string_equal(buf, wanted);
                assert_int_equal(share_parse(buf, &again), 0);
                assert_int_equal(again, share);
        }

        assert_string_equal(share_format(buf, SHARE_OFF), "off");
        assert_string_equal(share_format(buf, SHARE_OFF - 1), "42949672.94%"); /* fits, whatever it is */
}

static void shares_are_told_of_a_whole(void **state) {
        static const struct {
                uint64_t part, whole;
                unsigned share;
        } cases[] = {
                { 0, 0, SHARE_OFF },
                { 1, 0, SHARE_OFF },
                { UINT64_MAX, 0, SHARE_OFF },
                { 0, 1, 0 },
                { 1, 1, SHARE_ALL },
                { 2, 1, SHARE_ALL },
                { UINT64_MAX, 1, SHARE_ALL },
                { 1, 3, 3333 },
                { 2, 3, 6666 },
                { 1, 10000, 1 },
                { 1, 10001, 0 },
                { 9999, 10000, 9999 },
                { 99999, 100000, 9999 },
                { UINT64_MAX, UINT64_MAX, SHARE_ALL },
                { UINT64_MAX - 1, UINT64_MAX, 9999 },
                { UINT64_MAX / 2, UINT64_MAX, 4999 },
                { UINT64_MAX / 2 + 1, UINT64_MAX, 5000 },
                { 1, UINT64_MAX, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                if (share_of(cases[i].part, cases[i].whole) != cases[i].share)
                        fail_msg("%ju of %ju: %u", (uintmax_t)cases[i].part, (uintmax_t)cases[i].whole,
                                        share_of(cases[i].part, cases[i].whole));
}

static void parts_are_told_of_a_whole(void **state) {
        (void)state;
        assert_true(share_part(UINT64_MAX, SHARE_ALL) == UINT64_MAX);
        assert_true(share_part(UINT64_MAX, 1) == UINT64_MAX / 10000);
        assert_true(share_part(UINT64_MAX, 0) == 0);
        assert_true(share_part(19999, 5000) == 9999);
        assert_true(share_part(0, SHARE_ALL) == 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_shares),
                cmocka_unit_test(bears_endless_digits),
                cmocka_unit_test(all_shares_read_back),
                cmocka_unit_test(shares_are_told_of_a_whole),
                cmocka_unit_test(parts_are_told_of_a_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
