/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl-fixture.h"
#include "ctl/table.h"

static const Column columns[] = {
        { .header = "ID" },
        { .header = "NAME", .shrink = 1, .least = 4 },
        { .header = "SIZE", .right = true },
        { .header = "PLACE", .shrink = 2, .middle = true, .least = 5 },
};

typedef struct Sheet {
        const Table *table;
        bool legend;
        const char *one, *many;
} Sheet;

static void print(void *userdata) {
        const Sheet *s = userdata;

        assert_int_equal(table_print(s->table, s->legend, s->one, s->many), 0);
}

static Table *table_of(const Terminal *t, bool several) {
        const Nodes nodes = { .several = several };
        Table *table;

        assert_int_equal(table_new(t, &nodes, columns, ELEMENTS_OF(columns), &table), 0);
        return table;
}

static void fill(Table *table, const Node *node) {
        table_row(table, node);
        table_cell(table, COLOUR_NONE, "1");
        table_cell(table, COLOUR_GREEN, "web");
        table_cell_f(table, COLOUR_NONE, "%d", 12345);
        table_cell(table, COLOUR_NONE, "shop_frontend.3");
        table_row(table, node);
        table_cell(table, COLOUR_NONE, "22");
        table_cell(table, COLOUR_NONE, "a longer name");
        table_cell(table, COLOUR_NONE, "7");
        table_cell(table, COLOUR_NONE, "-");
}

static void aligns(void **state) {
        Terminal t = utf8_terminal(UINT_MAX);
        _cleanup_(table_freep) Table *table = table_of(&t, false);
        Sheet s = { table, true, "thing", "things" };
        Node node = { 0 };

        (void)state;
        fill(table, &node);
        assert_int_equal(table_rows(table), 2);
        assert_printed(print, &s,
                        "ID NAME           SIZE PLACE\n"
                        "1  web           12345 shop_frontend.3\n"
                        "22 a longer name     7 -\n"
                        "\n2 things listed.\n");
        s.legend = false;
        assert_printed(print, &s,
                        "1  web           12345 shop_frontend.3\n"
                        "22 a longer name     7 -\n");
}

static void counts(void **state) {
        Terminal t = utf8_terminal(UINT_MAX);
        _cleanup_(table_freep) Table *table = table_of(&t, false);
        Sheet s = { table, true, "thing", "things" };
        Node node = { 0 };

        (void)state;
        assert_printed(print, &s, "0 things listed.\n");
        table_row(table, &node);
        table_cell(table, COLOUR_NONE, "1");
        assert_printed(print, &s, "ID NAME SIZE PLACE\n1            \n\n1 thing listed.\n");
        s.many = NULL;
        assert_printed(print, &s, "ID NAME SIZE PLACE\n1            \n");
}

static void shortens_in_the_order_of_columns(void **state) {
        static const struct {
                unsigned width;
                const char *expected;
        } cases[] = {
                /* as wide as need be is 38 */
                { 38, "1  web           12345 shop_frontend.3\n22 a longer name     7 -\n" },
                { 36, "1  web         12345 shop_frontend.3\n22 a longer n\xe2\x80\xa6     7 -\n" },
                /* the first is as short as it may be: then the second */
                { 29, "1  web  12345 shop_frontend.3\n22 a l\xe2\x80\xa6     7 -\n" },
                { 24, "1  web  12345 shop_\xe2\x80\xa6nd.3\n" },
                { 1, "1  web  12345 sh\xe2\x80\xa6.3\n22 a l\xe2\x80\xa6     7 -\n" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                Terminal t = utf8_terminal(cases[i].width);
                _cleanup_(table_freep) Table *table = table_of(&t, false);
                Sheet s = { .table = table };
                char *text;
                Node node = { 0 };

                fill(table, &node);
                text = printed_by(print, &s);
                if (strncmp(text, cases[i].expected, strlen(cases[i].expected)) != 0)
                        fail_msg("%u columns:\n%s", cases[i].width, text);
                free(text);
        }
}

/* Only when shortening is not enough, and the others have its room then. */
static void leaves_columns_out(void **state) {
        static const Column spared[] = {
                { .header = "ID", .spare = 2 },
                { .header = "NAME", .shrink = 1, .least = 4 },
                { .header = "SIZE", .right = true, .spare = 1 },
                { .header = "PLACE", .shrink = 2, .middle = true, .least = 5 },
        };
        static const struct {
                unsigned width;
                const char *expected;
        } cases[] = {
                { 19, "1  web  12345 sh\xe2\x80\xa6.3\n22 a l\xe2\x80\xa6     7 -\n" },
                { 18, "1  web  shop_\xe2\x80\xa6nd.3\n22 a l\xe2\x80\xa6 -\n" },
                { 13, "1  web  sh\xe2\x80\xa6.3\n22 a l\xe2\x80\xa6 -\n" },
                { 12, "web  sho\xe2\x80\xa6"
                      "d.3\na l\xe2\x80\xa6 -\n" },
                { 1, "web  sh\xe2\x80\xa6.3\na l\xe2\x80\xa6 -\n" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                Terminal t = utf8_terminal(cases[i].width);
                const Nodes nodes = { 0 };
                _cleanup_(table_freep) Table *table = NULL;
                Sheet s = { 0 };
                char *text;
                Node node = { 0 };

                assert_int_equal(table_new(&t, &nodes, spared, ELEMENTS_OF(spared), &table), 0);
                s.table = table;
                fill(table, &node);
                text = printed_by(print, &s);
                if (strcmp(text, cases[i].expected) != 0)
                        fail_msg("%u columns:\n%s", cases[i].width, text);
                free(text);
        }
}

static void shortens_with_dots_without_utf8(void **state) {
        Terminal t = plain_terminal(24);
        _cleanup_(table_freep) Table *table = table_of(&t, false);
        Sheet s = { .table = table };
        Node node = { 0 };

        (void)state;
        fill(table, &node);
        assert_printed(print, &s,
                        "1  web  12345 shop...d.3\n"
                        "22 a...     7 -\n");
}

static void wide_characters_are_as_wide_as_they_are(void **state) {
        Terminal t = utf8_terminal(17);
        _cleanup_(table_freep) Table *table = table_of(&t, false);
        Sheet s = { .table = table };
        Node node = { 0 };

        (void)state;
        table_row(table, &node);
        table_cell(table, COLOUR_NONE, "1");
        table_cell(table, COLOUR_NONE, "\xe6\xbc\xa2\xe5\xad\x97"); /* 4 columns */
        table_cell(table, COLOUR_NONE, "2");
        table_cell(table, COLOUR_NONE,
                        "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2"); /* 10 */
        table_row(table, &node);
        table_cell(table, COLOUR_NONE, "1");
        table_cell(table, COLOUR_NONE, "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2"); /* 6 into 4 */
        table_cell(table, COLOUR_NONE, "2");
        table_cell(table, COLOUR_NONE, ".");
        /* Where a wide character does not fit any more, a space makes up for it. */
        assert_printed(print, &s,
                        "1 \xe6\xbc\xa2\xe5\xad\x97 2 "
                        "\xe6\xbc\xa2\xe5\xad\x97\xe2\x80\xa6\xe6\xbc\xa2\n"
                        "1 \xe6\xbc\xa2\xe2\x80\xa6  2 .\n");
}

static void cells_are_escaped(void **state) {
        Terminal t = utf8_terminal(UINT_MAX);
        _cleanup_(table_freep) Table *table = table_of(&t, false);
        Sheet s = { .table = table };
        Node node = { 0 };

        (void)state;
        table_row(table, &node);
        table_cell(table, COLOUR_NONE, "\x1b[2J");
        table_cell_f(table, COLOUR_NONE, "%s", "a\nb");
        table_cell(table, COLOUR_NONE, "x");
        table_cell(table, COLOUR_NONE, "y");
        assert_printed(print, &s, "\\x1b[2J a\\x0ab x y\n");
}

static void colours_do_not_count(void **state) {
        Terminal t = utf8_terminal(UINT_MAX);
        _cleanup_(table_freep) Table *table = NULL;
        Sheet s;
        Node node = { 0 };

        (void)state;
        t.colour = true;
        table = table_of(&t, false);
        s = (Sheet){ .table = table };
        fill(table, &node);
        assert_printed(print, &s,
                        "1  \x1b[32mweb\x1b[0m           12345 shop_frontend.3\n"
                        "22 a longer name     7 -\n");
}

static void several_nodes_have_a_column(void **state) {
        Terminal t = utf8_terminal(UINT_MAX);
        _cleanup_(table_freep) Table *table = table_of(&t, true);
        Sheet s = { table, true, NULL, NULL };
        char name[] = "node-1\x1b";
        Node node = { .name = name, .several = true };

        (void)state;
        fill(table, &node);
        table_row(table, NULL);
        table_cell(table, COLOUR_NONE, "all");
        assert_printed(print, &s,
                        "NODE       ID  NAME           SIZE PLACE\n"
                        "node-1\\x1b 1   web           12345 shop_frontend.3\n"
                        "node-1\\x1b 22  a longer name     7 -\n"
                        "           all                     \n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(aligns),
                cmocka_unit_test(counts),
                cmocka_unit_test(shortens_in_the_order_of_columns),
                cmocka_unit_test(leaves_columns_out),
                cmocka_unit_test(shortens_with_dots_without_utf8),
                cmocka_unit_test(wide_characters_are_as_wide_as_they_are),
                cmocka_unit_test(cells_are_escaped),
                cmocka_unit_test(colours_do_not_count),
                cmocka_unit_test(several_nodes_have_a_column),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
