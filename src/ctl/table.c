/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ctl/table.h"

/* Room for an ellipsis of dots. */
#define SHRUNK_MIN 3
/* The width of a column that is left out. */
#define LEFT_OUT SIZE_MAX

typedef struct Cell {
        char *text; /* owned, escaped; NULL: empty */
        size_t width;
        Colour colour;
} Cell;

struct Table {
        Terminal terminal;
        bool several;
        Column *columns; /* with NODE, if there are several */
        size_t n_columns;
        Cell *cells; /* row by row */
        size_t n_cells, size;
        size_t next; /* the cell of the current row that is set next, counted from 0 */
        bool out_of_memory;
};

int table_new(const Terminal *t, const Nodes *nodes, const Column *columns, size_t n, Table **ret) {
        static const Column node = { .header = "NODE", .shrink = UINT_MAX, .least = 8 };
        _cleanup_(table_freep) Table *table = calloc(1, sizeof(Table));

        if (!table)
                return -ENOMEM;
        table->terminal = *t;
        table->several = nodes->several;
        table->columns = calloc(n + 1, sizeof(Column));
        if (!table->columns)
                return -ENOMEM;

        if (table->several)
                table->columns[table->n_columns++] = node;
        for (size_t i = 0; i < n; i++)
                table->columns[table->n_columns++] = columns[i];

        *ret = TAKE_PTR(table);
        return 0;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->n_cells; i++)
                free(t->cells[i].text);
        free(t->cells);
        free(t->columns);
        free(t);
        return NULL;
}

void table_row(Table *t, const Node *node) {
        if (t->out_of_memory)
                return;

        if (t->size - t->n_cells < t->n_columns) {
                size_t size = 2 * t->size + t->n_columns;
                Cell *cells = reallocarray(t->cells, size, sizeof(Cell));

                if (!cells) {
                        t->out_of_memory = true;
                        return;
                }
                t->cells = cells;
                t->size = size;
        }

        memset(t->cells + t->n_cells, 0, t->n_columns * sizeof(Cell));
        t->n_cells += t->n_columns;
        t->next = 0;
        if (t->several)
                table_cell(t, COLOUR_NONE, node ? node->name : "");
}

void table_cell(Table *t, Colour colour, const char *text) {
        Cell *cell;

        if (t->out_of_memory || t->n_cells == 0 || t->next >= t->n_columns)
                return;

        cell = &t->cells[t->n_cells - t->n_columns + t->next++];
        cell->text = terminal_escape(&t->terminal, text);
        if (!cell->text) {
                t->out_of_memory = true;
                return;
        }
        cell->width = terminal_width(&t->terminal, cell->text);
        cell->colour = colour;
}

void table_cell_f(Table *t, Colour colour, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0) {
                text = NULL;
                t->out_of_memory = true;
                return;
        }
        table_cell(t, colour, text);
}

size_t table_rows(const Table *t) {
        return t->n_cells / t->n_columns;
}

/* The column that is to give up one of its columns next, or SIZE_MAX. */
static size_t next_to_shrink(const Table *t, const size_t *widths) {
        size_t found = SIZE_MAX;

        for (size_t c = 0; c < t->n_columns; c++) {
                const Column *column = &t->columns[c];
                size_t least = column->least > SHRUNK_MIN ? column->least : SHRUNK_MIN;

                if (column->shrink == 0 || widths[c] == LEFT_OUT || widths[c] <= least)
                        continue;
                if (found == SIZE_MAX || column->shrink < t->columns[found].shrink ||
                                (column->shrink == t->columns[found].shrink && widths[c] > widths[found]))
                        found = c;
        }

        return found;
}

/* The column that is to be left out next, or SIZE_MAX. */
static size_t next_to_spare(const Table *t, const size_t *widths) {
        size_t found = SIZE_MAX;

        for (size_t c = 0; c < t->n_columns; c++)
                if (t->columns[c].spare > 0 && widths[c] != LEFT_OUT &&
                                (found == SIZE_MAX || t->columns[c].spare < t->columns[found].spare))
                        found = c;

        return found;
}

/* How wide the columns would have to be that nothing is shortened. */
static void measure(const Table *t, bool legend, size_t *full) {
        for (size_t c = 0; c < t->n_columns; c++)
                full[c] = legend ? strlen(t->columns[c].header) : 0;
        for (size_t i = 0; i < t->n_cells; i++)
                if (t->cells[i].width > full[i % t->n_columns])
                        full[i % t->n_columns] = t->cells[i].width;
}

/* Shortens those that are not left out as far as they may be, or as is needed. Do they fit then? */
static bool shrink(const Table *t, const size_t *full, size_t *widths) {
        size_t total = 0;

        for (size_t c = 0; c < t->n_columns; c++)
                if (widths[c] != LEFT_OUT) {
                        widths[c] = full[c];
                        total += full[c] + 1;
                }

        /* Behind the last there is no gap. */
        for (; total - 1 > t->terminal.columns; total--) {
                size_t c = next_to_shrink(t, widths);

                if (c == SIZE_MAX)
                        return false;
                widths[c]--;
        }
        return true;
}

/* What is left out makes room for those that were shortened. */
static void fit(const Table *t, const size_t *full, size_t *widths) {
        while (!shrink(t, full, widths)) {
                size_t c = next_to_spare(t, widths);

                if (c == SIZE_MAX)
                        return;
                widths[c] = LEFT_OUT;
        }
}

static void put_spaces(size_t n) {
        (void)printf("%*s", (int)n, "");
}

/* The bytes at the end of the text that fit into so many columns. */
static const char *tail_of(const Table *t, const char *text, size_t width, size_t columns) {
        size_t skipped;

        /* Where a wide character stands astride, the tail is a column less. */
        for (size_t skip = width - columns; skip <= width; skip++) {
                size_t n = terminal_fit(&t->terminal, text, skip, &skipped);

                if (width - skipped <= columns)
                        return text + n;
        }
        return "";
}

/* Writes a text that is wider than `room`; returns the columns that are left. */
static size_t put_cut(const Table *t, const char *text, size_t width, size_t room, bool middle) {
        const char *ellipsis = t->terminal.utf8 ? "\xe2\x80\xa6" : "...", *tail;
        size_t left = room - (t->terminal.utf8 ? 1 : strlen(ellipsis)), used;

        tail = middle ? tail_of(t, text, width, left / 2) : "";
        left -= terminal_width(&t->terminal, tail);
        (void)fwrite(text, 1, terminal_fit(&t->terminal, text, left, &used), stdout);
        (void)fputs(ellipsis, stdout);
        (void)fputs(tail, stdout);
        return left - used;
}

static void put_cell(const Table *t, const char *text, size_t width, size_t room, const Column *column,
                Colour colour, bool last) {
        size_t padding = width < room ? room - width : 0;

        if (column->right)
                put_spaces(padding);
        (void)fputs(terminal_on(&t->terminal, colour), stdout);
        if (width <= room)
                (void)fputs(text, stdout);
        else
                padding = put_cut(t, text, width, room, column->middle);
        (void)fputs(terminal_off(&t->terminal, colour), stdout);
        if (!column->right && !last)
                put_spaces(padding);
}

static void put_header(const Table *t, const size_t *widths) {
        bool first = true;

        /* The line below is drawn under the gaps as well. */
        (void)fputs(terminal_on(&t->terminal, COLOUR_UNDERLINE), stdout);
        for (size_t c = 0; c < t->n_columns; c++) {
                const Column *column = &t->columns[c];

                if (widths[c] == LEFT_OUT)
                        continue;
                if (!first)
                        (void)putchar(' ');
                first = false;
                put_cell(t, column->header, strlen(column->header), widths[c], column, COLOUR_NONE,
                                c + 1 == t->n_columns);
        }
        (void)fputs(terminal_off(&t->terminal, COLOUR_UNDERLINE), stdout);
        (void)putchar('\n');
}

static void put_row(const Table *t, const size_t *widths, const Cell *cells) {
        bool first = true;

        for (size_t c = 0; c < t->n_columns; c++) {
                if (widths[c] == LEFT_OUT)
                        continue;
                if (!first)
                        (void)putchar(' ');
                first = false;
                put_cell(t, cells[c].text ? cells[c].text : "", cells[c].width, widths[c], &t->columns[c],
                                cells[c].colour, c + 1 == t->n_columns);
        }
        (void)putchar('\n');
}

int table_print(const Table *t, bool legend, const char *noun_one, const char *noun) {
        _cleanup_free_ size_t *full = NULL, *widths = NULL;
        size_t rows = table_rows(t);

        if (t->out_of_memory)
                return -ENOMEM;
        full = calloc(t->n_columns, sizeof(size_t));
        widths = calloc(t->n_columns, sizeof(size_t));
        if (!full || !widths)
                return -ENOMEM;

        measure(t, legend, full);
        fit(t, full, widths);
        if (legend && rows > 0)
                put_header(t, widths);
        for (size_t i = 0; i < t->n_cells; i += t->n_columns)
                put_row(t, widths, t->cells + i);

        if (legend && noun)
                (void)printf("%s%zu %s listed.\n", rows > 0 ? "\n" : "", rows, rows == 1 ? noun_one : noun);
        return 0;
}
