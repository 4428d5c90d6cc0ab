/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `advise`: what of the Swarm's own settings makes stopped containers pile up, or lets their logs be lost,
 * and the command that mends it. Nothing is changed.
 */

#include <stdio.h>

#include "ctl/each-node.h"

#define INDENT 4

/* A command is to be copied, so it is neither broken nor shortened. */
static void show(const Console *c, const Node *node, const char *kind, const char *subject,
                const char *matter, const char *command) {
        const Terminal *t = &c->terminal;

        line_begin(t, node);
        terminal_put(t, COLOUR_YELLOW, "%s", kind);
        if (subject[0])
                terminal_put(t, COLOUR_BOLD, " %s", subject);
        putchar('\n');
        printf("%*s", INDENT, "");
        terminal_put_wrapped(t, COLOUR_NONE, INDENT, INDENT, matter);
        if (command[0]) {
                printf("%*s", 2 * INDENT, "");
                terminal_put(t, COLOUR_NONE, "%s", command);
                putchar('\n');
        }
}

/* `what`: whether there is an advice in front of this one, of whichever node. */
static int advise_one(const Console *c, Nodes *nodes, const Node *node, JsonRows *rows, const void *what) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *kind, *subject, *matter, *command;
        bool *const *follows = what;
        size_t n = 0;
        int r;

        r = node_call(node, NODE_TIMEOUT, "Advise", &error, &reply, NULL);
        if (r < 0)
                return node_problem(nodes, node, &error);

        r = sd_bus_message_enter_container(reply, 'a', "(ssss)");
        if (r < 0)
                return node_bad_answer(nodes, node, r);
        while ((r = sd_bus_message_read(reply, "(ssss)", &kind, &subject, &matter, &command)) > 0) {
                if (c->options.json != JSON_OFF) {
                        json_row(rows, node);
                        json_text(rows, "kind", kind);
                        json_text(rows, "subject", subject);
                        json_text(rows, "matter", matter);
                        json_text(rows, "command", command);
                } else {
                        if (**follows)
                                putchar('\n');
                        **follows = true;
                        show(c, node, kind, subject, matter, command);
                }
                n++;
        }
        if (r < 0)
                return node_bad_answer(nodes, node, r);

        if (n == 0 && c->options.json == JSON_OFF) {
                line_begin(&c->terminal, node);
                terminal_put(&c->terminal, COLOUR_NONE, "Nothing to advise.");
                putchar('\n');
        }
        return EXIT_DONE;
}

int verb_advise(const Console *c) {
        bool follows = false, *what = &follows;

        return each_node(c, advise_one, &what);
}
