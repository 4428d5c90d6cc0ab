/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static void reads_characters(void **state) {
        static const struct {
                const char *text;
                size_t size, n;
                uint32_t c;
        } cases[] = {
                { "a", 1, 1, 'a' },
                { "\0", 1, 1, 0 },
                { "\x7f", 1, 1, 0x7f },
                { "\xc2\x80", 2, 2, 0x80 },
                { "\xdf\xbf", 2, 2, 0x7ff },
                { "\xe0\xa0\x80", 3, 3, 0x800 },
                { "\xed\x9f\xbf", 3, 3, 0xd7ff },
                { "\xee\x80\x80", 3, 3, 0xe000 },
                { "\xef\xbf\xbf", 3, 3, 0xffff },
                { "\xf0\x90\x80\x80", 4, 4, 0x10000 },
                { "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
                { "\xc3\xa4x", 3, 2, 0xe4 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                uint32_t c = 0xdeadbeef;

                assert_int_equal(utf8_read(cases[i].text, cases[i].size, &c), cases[i].n);
                assert_int_equal(c, cases[i].c);
        }
}

static void refuses_what_is_none(void **state) {
        static const struct {
                const char *text;
                size_t size;
        } cases[] = {
                { "a", 0 },
                { "\x80", 1 }, /* continuation alone */
                { "\xbf", 1 },
                { "\xc0\x80", 2 }, /* overlong */
                { "\xc1\xbf", 2 },
                { "\xe0\x9f\xbf", 3 },
                { "\xf0\x8f\xbf\xbf", 4 },
                { "\xed\xa0\x80", 3 }, /* surrogates */
                { "\xed\xbf\xbf", 3 },
                { "\xf4\x90\x80\x80", 4 }, /* above the last */
                { "\xf5\x80\x80\x80", 4 },
                { "\xf8\x88\x80\x80\x80", 5 },
                { "\xff", 1 },
                { "\xfe", 1 },
                { "\xc3", 1 }, /* cut */
                { "\xe2\x82", 2 },
                { "\xf0\x9f\x98", 3 },
                { "\xc3\xa4", 1 },
                { "\xc3"
                  "a",
                                2 },
                { "\xe2\x82"
                  "a",
                                3 },
                { "\xe2"
                  "a\x80",
                                3 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                uint32_t c = 0xdeadbeef;

                assert_int_equal(utf8_read(cases[i].text, cases[i].size, &c), 0);
                assert_int_equal(c, 0xdeadbeef);
                if (cases[i].size > 0)
                        assert_false(utf8_is_valid(cases[i].text, cases[i].size));
        }
}

static void judges_whole_texts(void **state) {
        (void)state;

        assert_true(utf8_is_valid("", 0));
        assert_true(utf8_is_valid("gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x98\x80", 12));
        assert_true(utf8_is_valid("a\0b", 3));
        assert_false(utf8_is_valid("abc\xc3", 4));
        assert_false(utf8_is_valid("\xe4 Latin-1", 9));

        assert_true(utf8_is_printable(""));
        assert_true(utf8_is_printable("/run/gr\xc3\xbc\xc3\x9f\x65 ~"));
        assert_true(utf8_is_printable("\xc2\xa0"));
        assert_false(utf8_is_printable("a\tb"));
        assert_false(utf8_is_printable("a\x1b[2J"));
        assert_false(utf8_is_printable("a\x7f"));
        assert_false(utf8_is_printable("\xc2\x85")); /* NEL */
        assert_false(utf8_is_printable("\xc2\x9f"));
        assert_false(utf8_is_printable("\xe2\x80\xa8")); /* line separator */
        assert_false(utf8_is_printable("\xe2\x80\xa9"));
        assert_false(utf8_is_printable("a\xff"));
        assert_false(utf8_is_printable("a\xc3"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_characters),
                cmocka_unit_test(refuses_what_is_none),
                cmocka_unit_test(judges_whole_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
