/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `reap`: has containers removed before their time. The daemon answers when all have been dealt with,
 * however long the engine takes.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/container-row.h"
#include "ctl/each-node.h"
#include "ctl/tell.h"

/* The answers, of all nodes. */
typedef struct Reaping {
        const Console *console;
        Nodes nodes;
        JsonRows rows;
        size_t n, n_kept;
} Reaping;

/* A container that a text may mean. */
typedef struct Match {
        const Node *node;
        char *id, *name;
        bool exact; /* it is the whole id, or the name */
} Match;

typedef struct Matches {
        Match *all;
        size_t n;
} Matches;

static void matches_done(Matches *m) {
        for (size_t i = 0; i < m->n; i++) {
                free(m->all[i].id);
                free(m->all[i].name);
        }
        free(m->all);
        *m = (Matches){ 0 };
}

static int matches_add(Matches *m, const Node *node, const char *text, const char *id, const char *name) {
        Match match = { .node = node, .exact = strcmp(id, text) == 0 || strcmp(name, text) == 0 }, *all;

        all = reallocarray(m->all, m->n + 1, sizeof(*all));
        if (!all)
                return -ENOMEM;
        m->all = all;

        match.id = strdup(id);
        match.name = strdup(name);
        if (!match.id || !match.name) {
                free(match.id);
                free(match.name);
                return -ENOMEM;
        }
        m->all[m->n++] = match;
        return 0;
}

static Colour result_colour(bool removed, const char *words) {
        if (removed)
                return COLOUR_GREEN;
        return strncmp(words, "failed", 6) == 0 ? COLOUR_RED : COLOUR_YELLOW;
}

static void show_result(Reaping *g, const Node *node, const char *id, const char *name, bool removed,
                const char *verdict, const char *words) {
        const Terminal *t = &g->console->terminal;

        g->n++;
        g->n_kept += !removed;
        if (g->console->options.json != JSON_OFF) {
                json_row(&g->rows, node);
                json_text(&g->rows, "id", id);
                json_text(&g->rows, "name", name);
                json_bool(&g->rows, "removed", removed);
                json_text(&g->rows, "verdict", verdict);
                json_text(&g->rows, "words", words);
                return;
        }

        line_begin(t, node);
        terminal_put(t, COLOUR_NONE, "%.*s %s: ", ID_DIGITS, id, name[0] ? name : "(no name)");
        terminal_put(t, result_colour(removed, words), "%s", words);
        /* Of what stays, the words have it. */
        if (removed)
                terminal_put(t, COLOUR_NONE, " (%s)", verdict);
        putchar('\n');
}

static int show_results(Reaping *g, const Node *node, sd_bus_message *reply) {
        const char *id, *name, *verdict, *words;
        int r, removed;

        r = sd_bus_message_enter_container(reply, 'a', "(ssbss)");
        if (r < 0)
                return node_bad_answer(&g->nodes, node, r);
        while ((r = sd_bus_message_read(reply, "(ssbss)", &id, &name, &removed, &verdict, &words)) > 0)
                show_result(g, node, id, name, removed, verdict, words);
        return r < 0 ? node_bad_answer(&g->nodes, node, r) : EXIT_DONE;
}

/* Adds those of one node. */
static int find(Reaping *g, const Node *node, const char *text, Matches *m) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *id, *name;
        int r;

        r = node_call(node, NODE_TIMEOUT, "FindContainers", &error, &reply, "s", text);
        if (r < 0)
                return node_problem(&g->nodes, node, &error);
        r = sd_bus_message_enter_container(reply, 'a', "(ss)");
        if (r < 0)
                return node_bad_answer(&g->nodes, node, r);
        while ((r = sd_bus_message_read(reply, "(ss)", &id, &name)) > 0) {
                r = matches_add(m, node, text, id, name);
                if (r < 0)
                        return r;
        }
        return r < 0 ? node_bad_answer(&g->nodes, node, r) : EXIT_DONE;
}

static void tell_matches(const char *text, const Matches *m) {
        if (m->n == 0)
                tell("%s: no such container", text);
        else
                tell("%s: more than one container is meant by this:", text);
        for (size_t i = 0; i < m->n; i++)
                tell("  %s%s%.*s %s", m->all[i].node->several ? m->all[i].node->name : "",
                                m->all[i].node->several ? ": " : "", ID_DIGITS, m->all[i].id,
                                m->all[i].name);
}

/* Finds the one container that the text means, on any of the nodes; what is exactly it comes before what
 * only begins so, as with the daemon. If there is not just one, that is told. */
static int resolve(Reaping *g, const char *text, Matches *found) {
        _cleanup_(matches_done) Matches m = { 0 };
        size_t n_exact = 0;
        Match *one = NULL;
        int r;

        for (const Node *n = nodes_next(&g->nodes, NULL); n; n = nodes_next(&g->nodes, n)) {
                r = find(g, n, text, &m);
                if (r != EXIT_DONE)
                        return r;
        }
        for (size_t i = 0; i < m.n; i++)
                if (m.all[i].exact) {
                        n_exact++;
                        one = &m.all[i];
                }
        if (n_exact == 0 && m.n == 1)
                one = &m.all[0];
        else if (n_exact != 1) {
                tell_matches(text, &m);
                return EXIT_FAILED;
        }
        return matches_add(found, one->node, one->id, one->id, one->name);
}

static int append_ids(sd_bus_message *call, const Node *node, const Matches *m) {
        int r = sd_bus_message_open_container(call, 'a', "s");

        for (size_t i = 0; r >= 0 && i < m->n; i++)
                if (m->all[i].node == node)
                        r = sd_bus_message_append(call, "s", m->all[i].id);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static bool has_any(const Matches *m, const Node *node) {
        for (size_t i = 0; i < m->n; i++)
                if (m->all[i].node == node)
                        return true;
        return false;
}

/* The one node knows best what is meant by a name. */
static int reap_on_one(Reaping *g, const Node *node) {
        const Options *o = &g->console->options;
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(matches_done) Matches m = { 0 };
        int r;

        r = node_method(node, "Reap", &call);
        if (r >= 0)
                r = sd_bus_message_append_strv(call, o->arguments);
        if (r >= 0)
                r = sd_bus_message_append(call, "b", o->dry_run);
        if (r < 0)
                return r;
        r = node_send(node, NODE_FOR_EVER, call, &error, &reply);
        if (r >= 0)
                return show_results(g, node, reply);
        if (!sd_bus_error_has_name(&error, NODE_ERROR_AMBIGUOUS_CONTAINER))
                return node_problem(&g->nodes, node, &error);

        for (size_t i = 0; i < o->n_arguments; i++) {
                r = resolve(g, o->arguments[i], &m);
                if (r < 0)
                        return r;
        }
        return EXIT_FAILED;
}

/* Nothing is removed anywhere before it is known where each of them is. */
static int reap_on_several(Reaping *g) {
        const Options *o = &g->console->options;
        _cleanup_(matches_done) Matches m = { 0 };
        int r, status = EXIT_DONE;

        for (size_t i = 0; i < o->n_arguments; i++) {
                r = resolve(g, o->arguments[i], &m);
                if (r < 0)
                        return r;
                if (r > status)
                        status = r;
        }
        if (status != EXIT_DONE)
                return status;

        for (const Node *n = nodes_next(&g->nodes, NULL); n; n = nodes_next(&g->nodes, n)) {
                _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
                _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;

                if (!has_any(&m, n))
                        continue;
                r = node_method(n, "Reap", &call);
                if (r >= 0)
                        r = append_ids(call, n, &m);
                if (r >= 0)
                        r = sd_bus_message_append(call, "b", o->dry_run);
                if (r < 0)
                        return r;
                r = node_send(n, NODE_FOR_EVER, call, &error, &reply);
                r = r < 0 ? node_problem(&g->nodes, n, &error) : show_results(g, n, reply);
                if (r < 0)
                        return r;
                if (r > status)
                        status = r;
        }
        return status;
}

static int reap_named(Reaping *g) {
        const Node *first = nodes_next(&g->nodes, NULL);

        if (!first)
                return EXIT_FAILED; /* which has been told */
        return g->nodes.several ? reap_on_several(g) : reap_on_one(g, first);
}

/* `--service=` and `--due`: each node for itself. A service need not have a stopped container on each. */
static int reap_on_each(Reaping *g) {
        const Options *o = &g->console->options;
        int r, status = EXIT_DONE;
        size_t n_none = 0;

        for (const Node *n = nodes_next(&g->nodes, NULL); n; n = nodes_next(&g->nodes, n)) {
                _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
                _cleanup_message_ sd_bus_message *reply = NULL;

                if (o->due)
                        r = node_call(n, NODE_FOR_EVER, "ReapDue", &error, &reply, "b", o->dry_run);
                else
                        r = node_call(n, NODE_FOR_EVER, "ReapService", &error, &reply, "sb", o->service,
                                        o->dry_run);
                if (r >= 0)
                        r = show_results(g, n, reply);
                else if (sd_bus_error_has_name(&error, NODE_ERROR_NO_SUCH_CONTAINER)) {
                        n_none++;
                        continue;
                } else
                        r = node_problem(&g->nodes, n, &error);
                if (r < 0)
                        return r;
                if (r > status)
                        status = r;
        }

        if (n_none > 0 && g->n == 0 && status == EXIT_DONE) {
                tell("%s: no stopped container of such a service", o->service ? o->service : "");
                return EXIT_FAILED;
        }
        return status;
}

/* Just one of the three ways to tell which. */
static int check_usage(const Options *o) {
        int ways = (o->n_arguments > 0) + (o->service != NULL) + o->due;

        if (ways == 1)
                return EXIT_DONE;
        tell("reap: %s, accepted: CONTAINER..., or --service=NAME, or --due",
                        ways == 0 ? "nothing is named" : "that is too much");
        return EXIT_USAGE;
}

int verb_reap(const Console *c) {
        Reaping g = { .console = c };
        int r, status;

        status = check_usage(&c->options);
        if (status != EXIT_DONE)
                return status;

        r = nodes_open(&c->options, &g.nodes);
        if (r < 0)
                return r;
        status = c->options.n_arguments > 0 ? reap_named(&g) : reap_on_each(&g);
        if (status >= 0 && c->options.json != JSON_OFF) {
                r = json_print(&g.rows, c->options.json);
                if (r < 0)
                        status = r;
        } else if (status == EXIT_DONE && c->options.due && g.n == 0 && !g.nodes.failed) {
                terminal_put(&c->terminal, COLOUR_NONE, "Nothing is due.");
                putchar('\n');
        }
        if (status == EXIT_DONE && (g.n_kept > 0 || g.nodes.failed))
                status = EXIT_FAILED;

        json_done(&g.rows);
        nodes_close(&g.nodes);
        return status;
}
