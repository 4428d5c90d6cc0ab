/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_EACH_NODE_H
#define REAPERD_CTL_EACH_NODE_H

/*
 * Verbs that ask one node after the other the same, and whose answers are lines and no table.
 */

#include "ctl/json.h"
#include "ctl/node.h"
#include "ctl/verbs.h"

/* Asks one node and shows its answer: by terminal_put(), or in *rows if JSON is wanted. Returns an exit
 * status or a negative errno. */
typedef int (*EachNode)(const Console *c, Nodes *nodes, const Node *node, JsonRows *rows, const void *what);

/* Opens all nodes, asks each, and writes the JSON if that is wanted. Returns the worst exit status, or a
 * negative errno. */
int each_node(const Console *c, EachNode ask, const void *what);

/* Begins a line: with "NODE: " if the node is one of several. */
void line_begin(const Terminal *t, const Node *node);

/* tell(), with the node in front likewise. */
void tell_of_node(const Node *node, const char *text);

#endif
