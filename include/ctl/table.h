/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_TABLE_H
#define REAPERD_CTL_TABLE_H

/*
 * Aligned columns, as the listings of the systemd tools have them. Cells may hold any text: it is escaped
 * here (terminal_escape()). On a terminal columns that allow it are shortened with an ellipsis to fit, or
 * else left out; elsewhere never.
 *
 * Errors are kept until the end: the functions that fill a table do nothing once memory is out, and
 * table_print() returns -ENOMEM.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "ctl/node.h"
#include "ctl/terminal.h"

typedef struct Column {
        const char *header;
        bool right;      /* aligned to the right */
        unsigned shrink; /* when the table is too wide: columns with 1 are shortened first, then those
                          * with 2, ...; 0: never */
        bool middle;     /* shortened in the middle: its end matters */
        unsigned least;  /* and not below this many columns (nor below 3) */
        unsigned spare;  /* when that is not enough: the column with 1 is left out first, then the one with
                          * 2, ...; 0: never */
} Column;

typedef struct Table Table;

/* `columns` is copied, but for the headers. With `nodes` of several a NODE column comes in front of
 * them. Returns 0 or -ENOMEM. */
int table_new(const Terminal *t, const Nodes *nodes, const Column *columns, size_t n, Table **ret);
Table *table_free(Table *t);

/* Begins a row, of this node's (NULL: of all); then comes a cell for each column, in order. Cells that
 * are left out at its end are empty. */
void table_row(Table *t, const Node *node);
void table_cell(Table *t, Colour colour, const char *text);
void table_cell_f(Table *t, Colour colour, const char *format, ...) __attribute__((format(printf, 3, 4)));

size_t table_rows(const Table *t);

/* Writes it to stdout; with `legend` headers, and behind an empty line "17 containers listed." if `noun`
 * (its plural) is not NULL, `noun_one` for a single one. Returns 0 or -ENOMEM. */
int table_print(const Table *t, bool legend, const char *noun_one, const char *noun);

DEFINE_CLEANUP(Table *, table_free, NULL);

#endif
