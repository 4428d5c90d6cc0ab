/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `list`: containers, in pages from each node, sorted here, so that several nodes make one table.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/container-row.h"
#include "ctl/format.h"
#include "ctl/pager.h"
#include "ctl/table.h"
#include "ctl/verbs.h"

/* What a call brings at most; the daemon accepts no more. */
#define PAGE_SIZE 1000
/* Nobody has so many; a peer that tells more of them is not believed. */
#define CONTAINERS_MAX 1000000

typedef struct Row {
        ContainerRow container; /* texts are borrowed from one of the pages */
        const Node *node;
} Row;

typedef struct Listing {
        sd_bus_message **pages;
        size_t n_pages;
        Row *rows;
        size_t n_rows, size;
} Listing;

static void listing_done(Listing *l) {
        for (size_t i = 0; i < l->n_pages; i++)
                (void)sd_bus_message_unref(l->pages[i]);
        free(l->pages);
        free(l->rows);
        *l = (Listing){ 0 };
}

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

static int add_row(Listing *l, const Row *row) {
        if (l->n_rows == CONTAINERS_MAX)
                return -EFBIG;
        if (l->n_rows == l->size) {
                size_t size = 2 * l->size + PAGE_SIZE;
                Row *rows = reallocarray(l->rows, size, sizeof(Row));

                if (!rows)
                        return -ENOMEM;
                l->rows = rows;
                l->size = size;
        }
        l->rows[l->n_rows++] = *row;
        return 0;
}

/* Takes the page over. `after` is what was asked for; *ret_next is borrowed from it. */
static int read_page(Listing *l, const Node *node, sd_bus_message *page, const char *after,
                const char **ret_next) {
        sd_bus_message **pages = reallocarray(l->pages, l->n_pages + 1, sizeof(*pages));
        Row row = { .node = node };
        int r;

        if (!pages) {
                (void)sd_bus_message_unref(page);
                return -ENOMEM;
        }
        l->pages = pages;
        l->pages[l->n_pages++] = page;

        r = sd_bus_message_enter_container(page, 'a', "(ssssssssttttttb)");
        if (r < 0)
                return r;
        while ((r = container_row_read(page, &row.container)) > 0) {
                r = add_row(l, &row);
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

static int list_node(const Options *o, Nodes *nodes, const Node *node, Listing *l) {
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

static int print_table(const Console *c, const Nodes *nodes, const Listing *l) {
        /* The name of a task begins with its service and slot: it is what can best be spared. */
        static const Column columns[] = {
                { .header = "CONTAINER" },
                { .header = "NAME", .shrink = 1, .least = 8 },
                { .header = "SERVICE.SLOT", .shrink = 2, .middle = true, .least = 10 },
                { .header = "OUTCOME" },
                { .header = "AGE" },
                { .header = "HELD", .right = true },
                { .header = "VERDICT" },
                { .header = "DUE IN" },
        };
        static const Column columns_all[] = {
                { .header = "CONTAINER" },
                { .header = "NAME", .shrink = 1, .least = 8 },
                { .header = "SERVICE.SLOT", .shrink = 2, .middle = true, .least = 10 },
                { .header = "STATE" },
                { .header = "OUTCOME" },
                { .header = "AGE" },
                { .header = "HELD", .right = true },
                { .header = "VERDICT" },
                { .header = "DUE IN" },
        };
        _cleanup_(table_freep) Table *table = NULL;
        int r;

        if (c->options.all)
                r = table_new(&c->terminal, nodes, columns_all, ELEMENTS_OF(columns_all), &table);
        else
                r = table_new(&c->terminal, nodes, columns, ELEMENTS_OF(columns), &table);
        if (r < 0)
                return r;

        for (size_t i = 0; i < l->n_rows; i++) {
                const ContainerRow *row = &l->rows[i].container;
                char age[FORMAT_MAX], held[FORMAT_MAX], due[FORMAT_MAX];

                table_row(table, l->rows[i].node);
                table_cell_f(table, COLOUR_NONE, "%.*s", ID_DIGITS, row->id);
                table_cell(table, COLOUR_NONE, row->name[0] ? row->name : "-");
                table_cell(table, COLOUR_NONE, container_row_place(row));
                if (c->options.all)
                        table_cell(table, COLOUR_NONE, row->state);
                table_cell(table, COLOUR_NONE, row->outcome[0] ? row->outcome : "-");
                table_cell(table, COLOUR_NONE, format_span(age, row->age));
                table_cell(table, COLOUR_NONE, format_size(held, row->cached));
                table_cell(table, verdict_colour(row->verdict), row->verdict);
                table_cell(table, COLOUR_NONE, format_due(due, row->due_in));
        }

        pager_open(c->options.pager);
        return table_print(table, c->options.legend, "container", "containers");
}

static int print_json(const Console *c, const Listing *l) {
        _cleanup_json_ JsonRows rows = { 0 };

        for (size_t i = 0; i < l->n_rows; i++) {
                json_row(&rows, l->rows[i].node);
                container_row_json(&rows, &l->rows[i].container);
        }
        return json_print(&rows, c->options.json);
}

int verb_list(const Console *c) {
        _cleanup_nodes_ Nodes nodes = { 0 };
        _cleanup_(listing_done) Listing l = { 0 };
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

        if (l.n_rows > 0)
                qsort_r(l.rows, l.n_rows, sizeof(Row), compare, &sort);
        /* "0 containers" would be a lie where nobody has answered. */
        if (c->options.json != JSON_OFF)
                r = print_json(c, &l);
        else
                r = answered > 0 ? print_table(c, &nodes, &l) : 0;
        if (r < 0)
                return r;
        return status == EXIT_DONE && nodes.failed ? EXIT_FAILED : status;
}
