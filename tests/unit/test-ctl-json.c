/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl-fixture.h"
#include "ctl/json.h"

typedef struct Printing {
        JsonRows *rows;
        JsonMode mode;
} Printing;

static void print(void *userdata) {
        const Printing *p = userdata;

        if (p->mode == JSON_OFF)
                assert_int_equal(json_print_lines(p->rows), 0);
        else
                assert_int_equal(json_print(p->rows, p->mode), 0);
}

static void numbers_are_exact(void **state) {
        _cleanup_json_ JsonRows rows = { 0 };
        Printing p = { &rows, JSON_SHORT };

        (void)state;
        json_row(&rows, NULL);
        json_u64(&rows, "a", 0);
        json_u64(&rows, "b", UINT64_C(9007199254740993)); /* no double has it */
        json_u64(&rows, "c", UINT64_MAX - 1);
        json_u64(&rows, "d", UINT64_MAX);
        json_i64(&rows, "e", INT64_MIN);
        json_i64(&rows, "f", -1);
        json_bool(&rows, "g", true);
        json_bool(&rows, "h", false);
        json_null(&rows, "i");
        assert_printed(print, &p,
                        "[{\"a\":0,\"b\":9007199254740993,\"c\":18446744073709551614,\"d\":null,"
                        "\"e\":-9223372036854775808,\"f\":-1,\"g\":true,\"h\":false,\"i\":null}]\n");
}

static void a_time_is_null_if_it_never_comes(void **state) {
        _cleanup_json_ JsonRows rows = { 0 };
        Printing p = { &rows, JSON_SHORT };

        (void)state;
        json_row(&rows, NULL);
        json_time(&rows, "a_usec", 0);
        json_time(&rows, "b_usec", 1);
        json_time(&rows, "c_usec", USEC_INFINITY - 1);
        json_time(&rows, "d_usec", USEC_INFINITY);
        assert_printed(print, &p,
                        "[{\"a_usec\":null,\"b_usec\":1,\"c_usec\":18446744073709551614,\"d_usec\":null}]"
                        "\n");
}

static void texts_are_escaped(void **state) {
        static const struct {
                const char *text, *utf8, *plain;
        } cases[] = {
                { "", "null", "null" },
                { NULL, "null", "null" },
                { "a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\"" },
                { "\x1b[2J\n", "\"\\u001b[2J\\u000a\"", "\"\\u001b[2J\\u000a\"" },
                { "\x7f\xc2\x9b", "\"\\u007f\\u009b\"", "\"\\u007f\\u009b\"" },
                { "\xe2\x80\xae", "\"\\u202e\"", "\"\\u202e\"" },
                { "\xc3\xa9", "\"\xc3\xa9\"", "\"\\u00e9\"" },
                { "\xf0\x9f\x90\xb3", "\"\xf0\x9f\x90\xb3\"", "\"\\ud83d\\udc33\"" },
                { "\xff", "\"\\ufffd\"", "\"\\ufffd\"" },
        };

        (void)state;
        for (size_t i = 0; i < 2 * ELEMENTS_OF(cases); i++) {
                bool utf8 = i % 2 == 0;
                _cleanup_json_ JsonRows rows = { 0 };
                Printing p = { &rows, JSON_SHORT };
                char expected[128];

                (void)(utf8 ? utf8_terminal(80) : plain_terminal(80));
                json_row(&rows, NULL);
                json_text(&rows, "t", cases[i / 2].text);
                (void)snprintf(expected, sizeof(expected), "[{\"t\":%s}]\n",
                                utf8 ? cases[i / 2].utf8 : cases[i / 2].plain);
                assert_printed(print, &p, expected);
        }
}

static void is_one_array(void **state) {
        _cleanup_json_ JsonRows rows = { 0 };
        Printing p = { &rows, JSON_SHORT };
        char name[] = "node-1";
        const Node one = { .name = name }, several = { .name = name, .several = true };

        (void)state;
        assert_printed(print, &p, "[]\n");
        json_row(&rows, &one);
        json_row(&rows, &several);
        json_text(&rows, "t", "x");
        assert_printed(print, &p, "[{},{\"node\":\"node-1\",\"t\":\"x\"}]\n");
}

static void fill_nested(JsonRows *rows) {
        json_row(rows, NULL);
        json_text(rows, "a", "x");
        json_begin_array(rows, "b");
        json_begin_object(rows, NULL);
        json_u64(rows, "c", 1);
        json_end(rows);
        json_u64(rows, NULL, 2);
        json_end(rows);
        json_begin_array(rows, "d");
        json_end(rows);
        json_bool(rows, "e", true);
}

static void nests(void **state) {
        _cleanup_json_ JsonRows rows = { 0 };
        Printing p = { &rows, JSON_SHORT };

        (void)state;
        fill_nested(&rows);
        assert_printed(print, &p, "[{\"a\":\"x\",\"b\":[{\"c\":1},2],\"d\":[],\"e\":true}]\n");
        p.mode = JSON_PRETTY;
        assert_printed(print, &p,
                        "[\n  {\n    \"a\": \"x\",\n    \"b\": [\n      {\n        \"c\": 1\n      },\n"
                        "      2\n    ],\n    \"d\": [],\n    \"e\": true\n  }\n]\n");
}

static void a_row_begins_anew(void **state) {
        _cleanup_json_ JsonRows rows = { 0 };
        Printing p = { &rows, JSON_SHORT };

        (void)state;
        json_row(&rows, NULL);
        json_begin_array(&rows, "left-open");
        json_row(&rows, NULL);
        json_u64(&rows, "a", 1);
        assert_printed(print, &p, "[{\"left-open\":[]},{\"a\":1}]\n");
}

static void lines_are_forgotten_when_printed(void **state) {
        _cleanup_json_ JsonRows rows = { 0 };
        Printing p = { &rows, JSON_OFF };

        (void)state;
        json_row(&rows, NULL);
        json_u64(&rows, "a", 1);
        json_row(&rows, NULL);
        json_u64(&rows, "a", 2);
        assert_printed(print, &p, "{\"a\":1}\n{\"a\":2}\n");
        assert_printed(print, &p, "");
        json_row(&rows, NULL);
        json_u64(&rows, "a", 3);
        assert_printed(print, &p, "{\"a\":3}\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_are_exact),
                cmocka_unit_test(a_time_is_null_if_it_never_comes),
                cmocka_unit_test(texts_are_escaped),
                cmocka_unit_test(is_one_array),
                cmocka_unit_test(nests),
                cmocka_unit_test(a_row_begins_anew),
                cmocka_unit_test(lines_are_forgotten_when_printed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
