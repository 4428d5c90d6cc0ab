/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `memory`: what stopped containers hold, by service, with bars on a terminal.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/answers.h"
#include "ctl/format.h"
#include "ctl/json.h"
#include "ctl/pager.h"
#include "ctl/table.h"
#include "ctl/verbs.h"

#define BAR_COLUMNS 12

typedef struct Holder {
        const char *service; /* borrowed from the answer; "": those of none */
        uint32_t stopped, measured;
        uint64_t cached, dirty, disk, inodes;
        const Node *node; /* NULL: all of them */
} Holder;

/* Takes the answer over. */
static int read_answer(Answers *h, const Node *node, sd_bus_message *answer) {
        Holder holder = { .node = node };
        int r;

        r = answers_keep(h, answer);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(answer, 'a', "(suutttt)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(answer, "(suutttt)", &holder.service, &holder.stopped,
                                &holder.measured, &holder.cached, &holder.dirty, &holder.disk,
                                &holder.inodes)) > 0) {
                r = answers_add(h, &holder);
                if (r < 0)
                        return r;
        }
        return r;
}

static int ask_node(Nodes *nodes, const Node *node, Answers *h) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *answer = NULL;
        int r;

        r = node_call(node, NODE_TIMEOUT, "MemoryByService", &error, &answer, NULL);
        if (r < 0)
                return node_problem(nodes, node, &error);
        r = read_answer(h, node, answer);
        return r < 0 ? node_bad_answer(nodes, node, r) : EXIT_DONE;
}

/* Of what is not known nothing is added; of nothing known nothing is known. */
static uint64_t sum(uint64_t a, uint64_t b) {
        if (a == UINT64_MAX || b == UINT64_MAX)
                return a == UINT64_MAX ? b : a;
        return a > UINT64_MAX - 1 - b ? UINT64_MAX - 1 : a + b;
}

static Holder total_of(const Answers *h) {
        const Holder *all = h->rows;
        Holder total = { .service = "",
                .cached = UINT64_MAX,
                .dirty = UINT64_MAX,
                .disk = UINT64_MAX,
                .inodes = UINT64_MAX };

        for (size_t i = 0; i < h->n; i++) {
                total.stopped += all[i].stopped;
                total.measured += all[i].measured;
                total.cached = sum(total.cached, all[i].cached);
                total.dirty = sum(total.dirty, all[i].dirty);
                total.disk = sum(total.disk, all[i].disk);
                total.inodes = sum(total.inodes, all[i].inodes);
        }
        return total;
}

/* A sum over none that was measured is no figure. */
static void forget_unmeasured(Answers *h) {
        Holder *all = h->rows;

        for (size_t i = 0; i < h->n; i++)
                if (all[i].measured == 0)
                        all[i].cached = all[i].dirty = all[i].disk = all[i].inodes = UINT64_MAX;
}

static int compare_falling(uint64_t a, uint64_t b) {
        /* What is not known comes last. */
        a = a == UINT64_MAX ? 0 : a;
        b = b == UINT64_MAX ? 0 : b;
        return (a < b) - (a > b);
}

static int compare(const void *x, const void *y) {
        const Holder *a = x, *b = y;
        int r = compare_falling(a->cached, b->cached);

        if (r == 0)
                r = compare_falling(a->disk, b->disk);
        if (r == 0)
                r = compare_falling(a->stopped, b->stopped);
        if (r == 0)
                r = strcmp(a->service, b->service);
        return r != 0 ? r : (a->node > b->node) - (a->node < b->node);
}

static void add_row(Table *table, const Holder *h, const char *name, Colour colour) {
        char text[FORMAT_MAX];

        table_row(table, h->node);
        table_cell(table, colour, name);
        table_cell_f(table, colour, "%u", h->stopped);
        table_cell_f(table, colour, "%u", h->measured);
        table_cell(table, colour, format_size(text, h->cached));
        table_cell(table, colour, format_size(text, h->dirty));
        table_cell(table, colour, format_size(text, h->disk));
        table_cell(table, colour, format_count(text, h->inodes));
}

static int print_table(const Console *c, const Nodes *nodes, const Answers *h) {
        static const Column columns[] = {
                { .header = "SERVICE", .shrink = 1, .least = 10 }, { .header = "STOPPED", .right = true },
                { .header = "MEASURED", .right = true }, { .header = "CACHE", .right = true },
                { .header = "DIRTY", .right = true }, { .header = "DISK", .right = true },
                { .header = "INODES", .right = true }, { .header = "" }, /* a bar, on a terminal */
        };
        size_t n_columns = ELEMENTS_OF(columns) - !c->terminal.is_terminal;
        const Holder *all = h->rows;
        _cleanup_(table_freep) Table *table = NULL;
        char bar[3 * BAR_COLUMNS + 1];
        int r;

        r = table_new(&c->terminal, nodes, columns, n_columns, &table);
        if (r < 0)
                return r;

        for (size_t i = 0; i < h->n; i++) {
                const Holder *holder = &all[i], *largest = &all[0];
                uint64_t part = holder->cached == UINT64_MAX ? 0 : holder->cached;

                add_row(table, holder, holder->service[0] ? holder->service : "(no service)", COLOUR_NONE);
                if (c->terminal.is_terminal)
                        table_cell(table, COLOUR_BLUE,
                                        format_bar(bar, sizeof(bar), part,
                                                        largest->cached == UINT64_MAX ? 0 : largest->cached,
                                                        BAR_COLUMNS, c->terminal.utf8));
        }
        if (c->options.legend && h->n > 0) {
                Holder total = total_of(h);

                add_row(table, &total, "all", COLOUR_BOLD);
        }

        pager_open(c->options.pager);
        if (h->n == 0 && c->options.legend)
                (void)puts("No stopped containers.");
        return table_print(table, c->options.legend, NULL, NULL);
}

static int print_json(const Console *c, const Answers *h) {
        _cleanup_json_ JsonRows rows = { 0 };
        const Holder *all = h->rows;

        for (size_t i = 0; i < h->n; i++) {
                const Holder *holder = &all[i];

                json_row(&rows, holder->node);
                json_text(&rows, "service", holder->service);
                json_u64(&rows, "stopped", holder->stopped);
                json_u64(&rows, "measured", holder->measured);
                json_u64(&rows, "cached", holder->cached);
                json_u64(&rows, "dirty", holder->dirty);
                json_u64(&rows, "disk", holder->disk);
                json_u64(&rows, "inodes", holder->inodes);
        }
        return json_print(&rows, c->options.json);
}

int verb_memory(const Console *c) {
        _cleanup_nodes_ Nodes nodes = { 0 };
        _cleanup_answers_ Answers h = { .row_size = sizeof(Holder) };
        int r, status = EXIT_DONE;
        size_t answered = 0;

        r = nodes_open(&c->options, &nodes);
        if (r < 0)
                return r;
        for (const Node *n = nodes_next(&nodes, NULL); n; n = nodes_next(&nodes, n)) {
                r = ask_node(&nodes, n, &h);
                if (r < 0)
                        return r;
                answered += r == EXIT_DONE;
                if (r > status)
                        status = r;
        }

        forget_unmeasured(&h);
        if (h.n > 0)
                qsort(h.rows, h.n, sizeof(Holder), compare);
        if (c->options.json != JSON_OFF)
                r = print_json(c, &h);
        else
                r = answered > 0 ? print_table(c, &nodes, &h) : 0;
        if (r < 0)
                return r;
        return status == EXIT_DONE && nodes.failed ? EXIT_FAILED : status;
}
