/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_NODE_H
#define REAPERD_CTL_NODE_H

/*
 * The nodes that are asked: this one, or a container of it (-M), or one or more hosts by ssh (-H), all
 * through sd-bus. Connections to all hosts are begun before the first is waited for. A host that fails is
 * told on stderr and the others are gone on with.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "ctl/options.h"

#define NODE_BUS_NAME  "org.reaperd"
#define NODE_PATH      "/org/reaperd"
#define NODE_INTERFACE "org.reaperd.Reaper1"

/* Errors besides those of D-Bus itself. */
#define NODE_ERROR_NO_SUCH_CONTAINER   "org.reaperd.Error.NoSuchContainer"
#define NODE_ERROR_AMBIGUOUS_CONTAINER "org.reaperd.Error.AmbiguousContainer"
#define NODE_ERROR_PAUSED              "org.reaperd.Error.Paused"
#define NODE_ERROR_INVALID_CONFIG      "org.reaperd.Error.InvalidConfiguration"
#define NODE_ERROR_NOT_MANAGER         "org.reaperd.Error.NotManager"

/* For node_call(): 25 s, the default of sd-bus, or as long as it takes. */
#define NODE_TIMEOUT  0
#define NODE_FOR_EVER UINT64_MAX

typedef struct Node {
        char *name;   /* owned; the host or machine as given; "" is this node */
        bool several; /* one of several, so that its name belongs to everything that is said of it */
        sd_bus *bus;  /* owned; NULL: could not be opened (has been told) */
} Node;

/* A zeroed one is empty. */
typedef struct Nodes {
        Node *nodes;
        size_t n;
        bool several; /* more than one was asked for: tables have a NODE column, rows of JSON a "node" */
        bool failed;  /* at least one could not be opened, or has failed since by node_problem() */
        size_t unreachable; /* so many of these have no daemon that could be asked */
} Nodes;

/* Begins to connect to all that the options name. Those that cannot be are told on stderr, have bus NULL and
 * set `failed`. Returns 0 or -ENOMEM. */
int nodes_open(const Options *o, Nodes *ret);
void nodes_close(Nodes *nodes);

/* Takes "a,user@b:22" apart. Returns the number of names, with *ret an array of so many owned texts (each
 * to be freed, and the array), -EINVAL for an empty name (nothing is told), or -ENOMEM. */
int nodes_parse_hosts(const char *text, char ***ret);

/* The others are for the iteration: NULL is in front of the first; NULL at the end. Only nodes with a
 * bus. */
const Node *nodes_next(const Nodes *nodes, const Node *node);

/* Calls a method of NODE_INTERFACE and waits for the answer. `types` and what follows: its arguments, as for
 * sd_bus_message_append(3), NULL for none. Returns 0 with *ret_reply (to be unreferenced) set, or a negative
 * errno with *ret_error set (to be freed; never without a name). */
int node_call(const Node *node, uint64_t timeout, const char *method, sd_bus_error *ret_error,
                sd_bus_message **ret_reply, const char *types, ...);

/* The same with a message of node_method()'s, for arguments that cannot be told as varargs. */
int node_method(const Node *node, const char *method, sd_bus_message **ret);
int node_send(const Node *node, uint64_t timeout, sd_bus_message *call, sd_bus_error *ret_error,
                sd_bus_message **ret_reply);

/* Is it that there is no daemon to be asked (rather than that it refused)? */
bool node_error_is_unreachable(const sd_bus_error *error);

/* Tells on stderr what went wrong with the call, by its error, in the words that the manual promises
 * ("No reaperd on the system bus ...", "Access denied: ...", else the daemon's own), with the node's name in
 * front if it is not this one; notes it in nodes->failed. Returns the exit status: EXIT_USAGE for arguments
 * that the daemon does not accept, else EXIT_FAILED. */
int node_problem(Nodes *nodes, const Node *node, const sd_bus_error *error);

/* An answer that does not read as it must: another version of the daemon, or none at all. Likewise. `r` is
 * the negative errno; -ENOMEM is returned as it is. */
int node_bad_answer(Nodes *nodes, const Node *node, int r);

static inline void node_unref_message(sd_bus_message **m) {
        if (*m)
                (void)sd_bus_message_unref(*m);
}

#define _cleanup_message_   _cleanup_(node_unref_message)
#define _cleanup_bus_error_ _cleanup_(sd_bus_error_free)
#define _cleanup_nodes_     _cleanup_(nodes_close)

#endif
