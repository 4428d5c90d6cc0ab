/* SPDX-License-Identifier: Apache-2.0 */

#include "ctl/each-node.h"
#include "ctl/tell.h"

int each_node(const Console *c, EachNode ask, const void *what) {
        _cleanup_nodes_ Nodes nodes = { 0 };
        _cleanup_json_ JsonRows rows = { 0 };
        int r, status = EXIT_DONE;

        r = nodes_open(&c->options, &nodes);
        if (r < 0)
                return r;
        for (const Node *n = nodes_next(&nodes, NULL); n; n = nodes_next(&nodes, n)) {
                r = ask(c, &nodes, n, &rows, what);
                if (r < 0)
                        return r;
                if (r > status)
                        status = r;
        }

        if (c->options.json != JSON_OFF) {
                r = json_print(&rows, c->options.json);
                if (r < 0)
                        return r;
        }
        return status == EXIT_DONE && nodes.failed ? EXIT_FAILED : status;
}

void line_begin(const Terminal *t, const Node *node) {
        if (node->several)
                terminal_put(t, COLOUR_BOLD, "%s: ", node->name);
}

void tell_of_node(const Node *node, const char *text) {
        if (node->several)
                tell("%s: %s", node->name, text);
        else
                tell("%s", text);
}
