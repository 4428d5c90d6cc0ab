/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `history`: what was removed. The daemon has the last of it at hand; on this machine the journal has the
 * rest.
 */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "ctl/container-row.h"
#include "ctl/format.h"
#include "ctl/journal.h"
#include "ctl/node.h"
#include "ctl/pager.h"
#include "ctl/since.h"
#include "ctl/table.h"
#include "ctl/tell.h"
#include "ctl/verbs.h"

static const Column columns[] = {
        { .header = "WHEN" },
        { .header = "CONTAINER", .spare = 1 }, /* it is gone */
        { .header = "NAME", .shrink = 1, .least = 8, .spare = 2 },
        { .header = "SERVICE", .shrink = 2, .least = 8 },
        { .header = "VERDICT" },
        { .header = "AGE" },
        { .header = "HELD", .right = true },
        { .header = "OBSERVED", .right = true },
        { .header = "EXIT", .right = true },
};

static int read_answer(const Node *node, sd_bus_message *reply, RemovalRows *rows) {
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(" REMOVAL_ROW_TYPE ")");
        if (r < 0)
                return r;
        for (;;) {
                _cleanup_(removal_row_done) RemovalRow row = { 0 };

                r = removal_row_read(reply, &row);
                if (r <= 0)
                        return r;
                row.node = node;
                r = removal_rows_add(rows, &row);
                if (r < 0)
                        return r;
        }
}

/* What the daemons know. *ret_error is set if there is none to be asked on this machine. */
static int ask_daemons(Nodes *nodes, usec_t since, RemovalRows *rows, sd_bus_error *ret_error) {
        int r, status = EXIT_DONE;

        for (const Node *n = nodes_next(nodes, NULL); n; n = nodes_next(nodes, n)) {
                _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
                _cleanup_message_ sd_bus_message *reply = NULL;

                r = node_call(n, NODE_TIMEOUT, "History", &error, &reply, "t", since);
                if (r < 0 && n->name[0] == '\0' && node_error_is_unreachable(&error)) {
                        (void)sd_bus_error_move(ret_error, &error);
                        continue;
                }
                if (r < 0)
                        r = node_problem(nodes, n, &error);
                else {
                        r = read_answer(n, reply, rows);
                        r = r < 0 ? node_bad_answer(nodes, n, r) : EXIT_DONE;
                }
                if (r < 0)
                        return r;
                if (r > status)
                        status = r;
        }
        return status;
}

/* Adds what only the journal knows. Returns 0, -ENOMEM, or another negative errno if it cannot be read. */
static int add_journal(const Options *o, usec_t since, RemovalRows *rows) {
        size_t most = o->lines < JOURNAL_ROWS_MAX ? (size_t)o->lines : JOURNAL_ROWS_MAX;
        _cleanup_(removal_rows_done) RemovalRows older = { 0 };
        bool more;
        int r;

        if (most == 0)
                return 0;
        r = journal_read_removals(o->directory, since, most, &older, &more);
        if (r < 0)
                return r;
        if (more && most == JOURNAL_ROWS_MAX)
                tell("The journal has more: its newest %u removals are shown, see --since=",
                                JOURNAL_ROWS_MAX);
        return removal_rows_merge(rows, &older);
}

static int show(const Console *c, const Nodes *nodes, const RemovalRows *rows) {
        _cleanup_(table_freep) Table *table = NULL;
        char buf[FORMAT_MAX];
        int r;

        r = table_new(&c->terminal, nodes, columns, ELEMENTS_OF(columns), &table);
        if (r < 0)
                return r;
        for (size_t i = 0; i < rows->n; i++) {
                const RemovalRow *row = &rows->rows[i];
                char *const *t = row->texts;

                table_row(table, row->node);
                table_cell(table, COLOUR_NONE, format_time_short(buf, row->at));
                table_cell_f(table, COLOUR_NONE, "%.*s", ID_DIGITS, t[ROW_ID]);
                table_cell(table, COLOUR_NONE, t[ROW_NAME][0] ? t[ROW_NAME] : "-");
                table_cell(table, COLOUR_NONE, t[ROW_SERVICE][0] ? t[ROW_SERVICE] : "-");
                table_cell_f(table, row->dry_run ? COLOUR_GREY : COLOUR_NONE, "%s%s",
                                t[ROW_VERDICT][0] ? t[ROW_VERDICT] : "-", row->dry_run ? " (dry run)" : "");
                table_cell(table, COLOUR_NONE, format_span(buf, row->age));
                table_cell(table, COLOUR_NONE, format_size(buf, row->cached));
                table_cell(table, COLOUR_NONE, removal_row_format_observed(buf, row));
                if (row->has_exit_code)
                        table_cell_f(table, COLOUR_NONE, "%d", row->exit_code);
                else
                        table_cell(table, COLOUR_NONE, "-");
        }

        pager_open(c->options.pager);
        return table_print(table, c->options.legend, "removal", "removals");
}

static int show_json(const Console *c, const RemovalRows *rows) {
        _cleanup_json_ JsonRows json = { 0 };

        for (size_t i = 0; i < rows->n; i++) {
                json_row(&json, rows->rows[i].node);
                removal_row_json(&json, &rows->rows[i]);
        }
        return json_print(&json, c->options.json);
}

/* Reads what there is into *rows. Returns an exit status or a negative errno. */
static int collect(const Options *o, Nodes *nodes, usec_t since, RemovalRows *rows) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        bool here = !o->hosts && !o->machine;
        int r, status;

        r = nodes_open(o, nodes);
        if (r < 0)
                return r;
        status = ask_daemons(nodes, since, rows, &error);
        if (status < 0)
                return status;

        if (!here) {
                removal_rows_sort(rows);
                return status;
        }

        r = add_journal(o, since, rows);
        if (r == -ENOMEM)
                return r;
        if (r < 0 && o->directory) {
                tell("--directory=%s: no journal can be read there: %s", o->directory, strerror(-r));
                status = EXIT_FAILED;
        }
        if (!sd_bus_error_is_set(&error) && !nodes->failed)
                return status;

        /* The journal alone is an answer too, if it says something. */
        if (r < 0 || (rows->n == 0 && !o->directory))
                return nodes->failed ? EXIT_FAILED : node_problem(nodes, nodes_next(nodes, NULL), &error);
        if (status == EXIT_DONE) {
                tell("reaperd cannot be asked, so this is what the journal has");
                nodes->failed = false;
        }
        return status;
}

static const Node *this_node(const Nodes *nodes) {
        return nodes->n > 0 ? &nodes->nodes[0] : NULL;
}

int verb_history(const Console *c) {
        const Options *o = &c->options;
        _cleanup_nodes_ Nodes nodes = { 0 };
        _cleanup_(removal_rows_done) RemovalRows rows = { 0 };
        usec_t since = 0;
        int r, status;

        if (o->since && since_parse(o->since, clock_read(CLOCK_REALTIME), &since) < 0) {
                tell("--since=%s: not a time, accepted: " SINCE_FORMS, o->since);
                return EXIT_USAGE;
        }
        if (o->directory && (o->hosts || o->machine)) {
                tell("--directory= cannot be used with --host= or --machine=: the journal is this "
                     "machine's");
                return EXIT_USAGE;
        }

        status = collect(o, &nodes, since, &rows);
        if (status < 0)
                return status;
        if (o->lines < rows.n)
                removal_rows_keep_newest(&rows, (size_t)o->lines);
        for (size_t i = 0; i < rows.n; i++)
                if (!rows.rows[i].node)
                        rows.rows[i].node = this_node(&nodes);

        if (status == EXIT_DONE && nodes.failed)
                status = EXIT_FAILED;
        /* "0 removals" would be a claim that nobody has made. */
        if (status != EXIT_DONE && rows.n == 0 && o->json == JSON_OFF)
                return status;
        r = o->json == JSON_OFF ? show(c, &nodes, &rows) : show_json(c, &rows);
        return r < 0 ? r : status;
}
