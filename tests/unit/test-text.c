/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_follow_each_other),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
