/* SPDX-License-Identifier: Apache-2.0 */

#include "base/cleanup.h"
#include "ctl-fixture.h"

static void check_escape(const Terminal *t, const char *text, const char *expected, size_t width) {
        _cleanup_free_ char *escaped = terminal_escape(t, text);

        assert_non_null(escaped);
        assert_string_equal(escaped, expected);
        assert_int_equal(terminal_width(t, escaped), width);
}

static void nothing_drives_the_terminal(void **state) {
        static const struct {
                const char *text, *expected;
                size_t width;
        } cases[] = {
                { "", "", 0 },
                { "web.3", "web.3", 5 },
                { "a\x1b[31mb", "a\\x1b[31mb", 10 },
                { "\r\n\t\b\x7f", "\\x0d\\x0a\\x09\\x08\\x7f", 20 },
                /* C1 controls: U+009B is CSI */
                { "\xc2\x9b"
                  "2J",
                                "\\xc2\\x9b2J", 10 },
                /* bare bytes of it, and other broken sequences */
                { "\x9b", "\\x9b", 4 },
                { "\xff\xc3", "\\xff\\xc3", 8 },
                { "\xed\xa0\x80", "\\xed\\xa0\\x80", 12 },
                /* right-to-left override, zero width space */
                { "a\xe2\x80\xae", "a\\xe2\\x80\\xae", 13 },
                { "\xe2\x80\x8b", "\\xe2\\x80\\x8b", 12 },
                /* one column, two columns, none */
                { "\xc3\xa9", "\xc3\xa9", 1 },
                { "\xe6\xbc\xa2\xe5\xad\x97", "\xe6\xbc\xa2\xe5\xad\x97", 4 },
                { "e\xcc\x81", "e\xcc\x81", 1 },
        };
        Terminal t = utf8_terminal(80);

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                check_escape(&t, cases[i].text, cases[i].expected, cases[i].width);
}

static void ascii_only_where_there_is_no_utf8(void **state) {
        Terminal t = plain_terminal(80);

        (void)state;
        check_escape(&t, "caf\xc3\xa9", "caf\\xc3\\xa9", 11);
        check_escape(&t, "web", "web", 3);
}

static void fits_without_splitting_a_character(void **state) {
        static const char wide[] = "\xe6\xbc\xa2\xe5\xad\x97x"; /* 2, 2 and 1 columns */
        static const struct {
                size_t columns, bytes, width;
        } cases[] = { { 0, 0, 0 }, { 1, 0, 0 }, { 2, 3, 2 }, { 3, 3, 2 }, { 4, 6, 4 }, { 5, 7, 5 },
                { 99, 7, 5 } };
        Terminal t = utf8_terminal(80);

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                size_t width = 77;

                assert_int_equal(terminal_fit(&t, wide, cases[i].columns, &width), cases[i].bytes);
                assert_int_equal(width, cases[i].width);
        }
}

static void put_hostile(void *userdata) {
        const Terminal *t = userdata;

        terminal_put(t, COLOUR_RED, "%s!", "\x1b]0;x\x07");
}

static void colours_are_only_its_own(void **state) {
        Terminal t = utf8_terminal(80);

        (void)state;
        assert_printed(put_hostile, &t, "\\x1b]0;x\\x07!");
        t.colour = true;
        assert_printed(put_hostile, &t, "\x1b[31m\\x1b]0;x\\x07!\x1b[0m");
        assert_string_equal(terminal_on(&t, COLOUR_NONE), "");
        assert_string_equal(terminal_off(&t, COLOUR_NONE), "");
}

typedef struct Wrapping {
        Terminal terminal;
        size_t indent;
        const char *text;
} Wrapping;

static void put_wrapped(void *userdata) {
        const Wrapping *w = userdata;

        terminal_put_wrapped(&w->terminal, COLOUR_NONE, w->indent, w->indent, w->text);
}

static void wraps_at_spaces(void **state) {
        Wrapping w = { .terminal = utf8_terminal(24), .indent = 4 };

        (void)state;
        w.text = "one two three four five six";
        assert_printed(put_wrapped, &w, "one two three four\n    five six\n");
        w.text = "exactly twenty cols. x";
        assert_printed(put_wrapped, &w, "exactly twenty cols.\n    x\n");
        /* a word that is longer than a line */
        w.text = "a 01234567890123456789012 b";
        assert_printed(put_wrapped, &w, "a\n    01234567890123456789\n    012 b\n");
        w.text = "";
        assert_printed(put_wrapped, &w, "\n");
        w.text = "line\nbreak";
        assert_printed(put_wrapped, &w, "line\\x0abreak\n");

        w.terminal.columns = UINT_MAX;
        w.text = "one two three four five six";
        assert_printed(put_wrapped, &w, "one two three four five six\n");
        /* too narrow to be of use */
        w.terminal.columns = 20;
        assert_printed(put_wrapped, &w, "one two three four five six\n");
}

static void detects_colours(void **state) {
        Terminal t;

        (void)state;
        (void)setenv("TERM", "xterm", 1);
        assert_false(terminal_is_dumb());
        (void)setenv("TERM", "dumb", 1);
        assert_true(terminal_is_dumb());
        (void)unsetenv("TERM");
        assert_true(terminal_is_dumb());

        /* A pipe is as wide as need be. */
        (void)setenv("TERM", "xterm", 1);
        (void)setenv("COLUMNS", "40", 1);
        if (isatty(STDOUT_FILENO))
                skip();
        t = terminal_detect();
        assert_false(t.is_terminal || t.colour);
        assert_int_equal(t.columns, UINT_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_drives_the_terminal),
                cmocka_unit_test(ascii_only_where_there_is_no_utf8),
                cmocka_unit_test(fits_without_splitting_a_character),
                cmocka_unit_test(colours_are_only_its_own),
                cmocka_unit_test(wraps_at_spaces),
                cmocka_unit_test(detects_colours),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
