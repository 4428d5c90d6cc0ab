/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static void pieces_follow_each_other(void **state) {
        _cleanup_free_ char *text = NULL;

        (void)state;
        assert_int_equal(text_append(&text, "%s", ""), 0);
        assert_string_equal(text, "");
        assert_int_equal(text_append(&text, "a%ib", 7), 0);
        assert_int_equal(text_append(&text, "%s", text), 0);
        assert_int_equal(text_append(&text, "%%"), 0);
        assert_string_equal(text, "a7ba7b%");

        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(text_append(&text, "%03u ", i), 0);
        assert_int_equal(strlen(text), 7 + 4 * 1000);
        assert_string_equal(text + 7 + 4 * 998, "998 999 ");
}

static void booleans_are_read(void **state) {
        static const char *const yes[] = { "1", "yes", "true", "on", "YES", "True", "oN" };
        static const char *const no[] = { "0", "no", "false", "off", "NO", "fAlse", "Off" };
        static const char *const neither[] = { "", " yes", "yes ", "y", "n", "2", "01", "-1", "+1", "truely",
                "of", "yes\n", "infinity" };
        bool value;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(yes); i++) {
                value = false;
                assert_int_equal(text_parse_boolean(yes[i], &value), 0);
                assert_true(value);
        }
        for (size_t i = 0; i < ELEMENTS_OF(no); i++) {
                value = true;
                assert_int_equal(text_parse_boolean(no[i], &value), 0);
                assert_false(value);
        }
        for (size_t i = 0; i < ELEMENTS_OF(neither); i++)
                for (unsigned before = 0; before < 2; before++) {
                        value = before;
                        assert_int_equal(text_parse_boolean(neither[i], &value), -EINVAL);
                        assert_int_equal(value, before);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_follow_each_other),
                cmocka_unit_test(booleans_are_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
