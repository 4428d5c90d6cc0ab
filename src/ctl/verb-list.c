/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `list`: containers, in pages from each node, sorted here, so that several nodes make one table.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/answers.h"
#include "ctl/container-row.h"
#include "ctl/format.h"
#include "ctl/pager.h"
#include "ctl/table.h"
#include "ctl/verbs.h"

/* What a call brings at most; the daemon accepts no more. */
#define PAGE_SIZE 1000

typedef struct Row {
        ContainerRow container; /* texts are borrowed from one of the pages */
        const Node *node;
} Row;

static int append_filter(sd_bus_message *call, const Options *o) {
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0 && o->all)
                r = sd_bus_message_append(call, "{sv}", "All", "b", 1);
        if (r >= 0 && o->service)
                r = sd_bus_message_append(call, "{sv}", "Service", "s", o->service);
        if (r >= 0 && o->verdict)
                r = sd_bus_message_append(call, "{sv}", "Verdict", "s", o->verdict);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int get_page(
                const Options *o, Nodes *nodes, const Node *node, const char *after, sd_bus_message **ret) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = node_method(node, "ListContainers", &call);
        if (r >= 0)
                r = append_filter(call, o);
        if (r >= 0)
                r = sd_bus_message_append(call, "su", after, (uint32_t)PAGE_SIZE);
        if (r < 0)
                return node_bad_answer(nodes, node, r);

        r = node_send(node, NODE_TIMEOUT, call, &error, ret);
        return r < 0 ? node_problem(nodes, node, &error) : EXIT_DONE;
}

/* Takes the page over. `after` is what was asked for; *ret_next is borrowed from it. */
static int read_page(Answers *l, const Node *node, sd_bus_message *page, const char *after,
                const char **ret_next) {
        Row row = { .node = node };
        int r;

        r = answers_keep(l, page);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(page, 'a', "(ssssssssttttttb)");
        if (r < 0)
                return r;
        while ((r = container_row_read(page, &row.container)) > 0) {
                r = answers_add(l, &row);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(page);
        if (r < 0)
                return r;
        r = sd_bus_message_read(page, "s", ret_next);
        if (r < 0)
                return r;
        /* Each page is behind the one before, so that there is an end. */
        return **ret_next == '\0' || strcmp(*ret_next, after) > 0 ? 0 : -EBADMSG;
}

static int list_node(const Options *o, Nodes *nodes, const Node *node, Answers *l) {
        const char *after = "";
        int r;

        do {
                sd_bus_message *page = NULL;

                r = get_page(o, nodes, node, after, &page);
                if (r != EXIT_DONE)
                        return r;
                r = read_page(l, node, page, after, &after);
                if (r < 0)
                        return node_bad_answer(nodes, node, r);
        } while (after[0] != '\0');

        return EXIT_DONE;
}

/* What is not known comes last, whichever way round. */
static int compare_rising(uint64_t a, uint64_t b) {
        return (a > b) - (a < b);
}

static int compare_falling(uint64_t a, uint64_t b) {
        if (a == UINT64_MAX || b == UINT64_MAX)
                return compare_rising(a, b);
        return compare_rising(b, a);
}

static int compare_by(SortKey key, const ContainerRow *a, const ContainerRow *b) {
        switch (key) {
        case SORT_AGE:
                return compare_falling(a->age, b->age);
        case SORT_HELD:
                return compare_falling(a->cached, b->cached);
        case SORT_SIZE:
                return compare_falling(a->disk, b->disk);
        default:
                return compare_rising(a->due_in, b->due_in);
        }
}

static int compare(const void *x, const void *y, void *userdata) {
        const Row *a = x, *b = y;
        int r = compare_by(*(const SortKey *)userdata, &a->container, &b->container);

        if (r == 0)
                r = compare_falling(a->container.age, b->container.age);
        if (r == 0)
                r = (a->node > b->node) - (a->node < b->node);
        return r != 0 ? r : strcmp(a->container.id, b->container.id);
}

static int print_table(const Console *c, const Nodes *nodes, const Answers *l) {
        /* The name of a task begins with its service and slot: it is what can best be spared, but for
         * the state, which the verdict has in it. */
        static const Column columns[] = {
                { .header = "CONTAINER" },
                { .header = "NAME", .shrink = 1, .least = 8, .spare = 2 },
                { .header = "SERVICE.SLOT", .shrink = 2, .middle = true, .least = 10 },
                { .header = "STATE", .spare = 1 },
                { .header = "OUTCOME" },
                { .header = "AGE" },
                { .header = "HELD", .right = true },
                { .header = "DISK", .right = true },
                { .header = "VERDICT" },
                { .header = "DUE IN" },
        };
        /* What is sorted by is to be seen. */
        const Row *rows = l->rows;
        bool with_state = c->options.all, with_disk = c->options.sort == SORT_SIZE;
        _cleanup_(table_freep) Table *table = NULL;
        Column used[ELEMENTS_OF(columns)];
        size_t n = 0;
        int r;

        for (size_t i = 0; i < ELEMENTS_OF(columns); i++)
                if ((with_state || strcmp(columns[i].header, "STATE") != 0) &&
                                (with_disk || strcmp(columns[i].header, "DISK") != 0))
                        used[n++] = columns[i];
        r = table_new(&c->terminal, nodes, used, n, &table);
        if (r < 0)
                return r;

        for (size_t i = 0; i < l->n; i++) {
                const ContainerRow *row = &rows[i].container;
                char age[FORMAT_MAX], held[FORMAT_MAX], disk[FORMAT_MAX], due[FORMAT_MAX];

                table_row(table, rows[i].node);
                table_cell_f(table, COLOUR_NONE, "%.*s", ID_DIGITS, row->id);
                table_cell(table, COLOUR_NONE, row->name[0] ? row->name : "-");
                table_cell(table, COLOUR_NONE, container_row_place(row));
                if (with_state)
                        table_cell(table, COLOUR_NONE, row->state);
                table_cell(table, COLOUR_NONE, row->outcome[0] ? row->outcome : "-");
                table_cell(table, COLOUR_NONE, format_span(age, row->age));
                table_cell(table, COLOUR_NONE, format_size(held, row->cached));
                if (with_disk)
                        table_cell(table, COLOUR_NONE, format_size(disk, row->disk));
                table_cell(table, verdict_colour(row->verdict), row->verdict);
                table_cell(table, COLOUR_NONE, format_due(due, row->due_in));
        }

        pager_open(c->options.pager);
        return table_print(table, c->options.legend, "container", "containers");
}

static int print_json(const Console *c, const Answers *l) {
        _cleanup_json_ JsonRows json = { 0 };
        const Row *rows = l->rows;

        for (size_t i = 0; i < l->n; i++) {
                json_row(&json, rows[i].node);
                container_row_json(&json, &rows[i].container);
        }
        return json_print(&json, c->options.json);
}

int verb_list(const Console *c) {
        _cleanup_nodes_ Nodes nodes = { 0 };
        _cleanup_answers_ Answers l = { .row_size = sizeof(Row) };
        SortKey sort = c->options.sort;
        int r, status = EXIT_DONE;
        size_t answered = 0;

        r = nodes_open(&c->options, &nodes);
        if (r < 0)
                return r;
        for (const Node *n = nodes_next(&nodes, NULL); n; n = nodes_next(&nodes, n)) {
                r = list_node(&c->options, &nodes, n, &l);
                if (r < 0)
                        return r;
                answered += r == EXIT_DONE;
                if (r > status)
                        status = r;
        }

        if (l.n > 0)
                qsort_r(l.rows, l.n, sizeof(Row), compare, &sort);
        /* "0 containers" would be a lie where nobody has answered. */
        if (c->options.json != JSON_OFF)
                r = print_json(c, &l);
        else
                r = answered > 0 ? print_table(c, &nodes, &l) : 0;
        if (r < 0)
                return r;
        return status == EXIT_DONE && nodes.failed ? EXIT_FAILED : status;
}
