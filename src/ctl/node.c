/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/node.h"
#include "ctl/tell.h"

int nodes_parse_hosts(const char *text, char ***ret) {
        size_t n = 1, i = 0;
        char **hosts;

        for (const char *p = text; *p; p++)
                n += *p == ',';
        hosts = calloc(n, sizeof(char *));
        if (!hosts)
                return -ENOMEM;

        for (const char *p = text; i < n; i++) {
                size_t length = strcspn(p, ",");

                hosts[i] = length > 0 ? strndup(p, length) : NULL;
                if (!hosts[i]) {
                        while (i > 0)
                                free(hosts[--i]);
                        free(hosts);
                        return length > 0 ? -ENOMEM : -EINVAL;
                }
                p += length + (p[length] == ',');
        }

        *ret = hosts;
        return (int)n;
}

static void unreachable(Nodes *nodes, const Node *node, const char *why) {
        if (node->name[0])
                tell("%s: No reaperd on its system bus: %s. Is it running?", node->name, why);
        else
                tell("No reaperd on the system bus of this node: %s. Is it running? (systemctl status "
                     "reaperd)",
                                why);
        nodes->failed = true;
        nodes->unreachable++;
}

/* Takes the name. sd-bus begins to connect, and for another host to run ssh, without waiting for it. */
static int add(Nodes *nodes, const Options *o, char *name) {
        Node *node = &nodes->nodes[nodes->n++];
        char why[128];
        int r;

        *node = (Node){ .name = name, .several = nodes->several };
        if (o->hosts)
                r = sd_bus_open_system_remote(&node->bus, name);
        else if (o->machine)
                r = sd_bus_open_system_machine(&node->bus, name);
        else
                r = sd_bus_open_system(&node->bus);
        if (r < 0) {
                node->bus = NULL;
                if (r == -ENOMEM)
                        return r;
                (void)snprintf(why, sizeof(why), "the bus cannot be reached (%s)", strerror(-r));
                unreachable(nodes, node, r == -EINVAL ? "no such name can be connected to" : why);
        }
        return 0;
}

int nodes_open(const Options *o, Nodes *ret) {
        _cleanup_nodes_ Nodes nodes = { 0 };
        _cleanup_free_ char **names = NULL;
        size_t n = 1;
        int r = 0;

        if (o->hosts) {
                r = nodes_parse_hosts(o->hosts, &names);
                if (r < 0)
                        return r;
                n = (size_t)r;
        } else {
                names = calloc(1, sizeof(char *));
                if (!names)
                        return -ENOMEM;
                names[0] = strdup(o->machine ? o->machine : "");
                if (!names[0])
                        return -ENOMEM;
        }

        nodes.several = n > 1;
        nodes.nodes = calloc(n, sizeof(Node));
        r = nodes.nodes ? 0 : -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (r < 0)
                        free(names[i]);
                else
                        r = add(&nodes, o, names[i]);
        if (r < 0)
                return r;

        *ret = nodes;
        nodes = (Nodes){ 0 };
        return 0;
}

void nodes_close(Nodes *nodes) {
        for (size_t i = 0; i < nodes->n; i++) {
                /* Calls have been answered or never will be: nothing to flush, which could wait. */
                if (nodes->nodes[i].bus)
                        (void)sd_bus_close_unref(nodes->nodes[i].bus);
                free(nodes->nodes[i].name);
        }
        free(nodes->nodes);
        *nodes = (Nodes){ 0 };
}

const Node *nodes_next(const Nodes *nodes, const Node *node) {
        for (size_t i = node ? (size_t)(node - nodes->nodes) + 1 : 0; i < nodes->n; i++)
                if (nodes->nodes[i].bus)
                        return &nodes->nodes[i];
        return NULL;
}

int node_method(const Node *node, const char *method, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(
                        node->bus, ret, NODE_BUS_NAME, NODE_PATH, NODE_INTERFACE, method);
}

int node_send(const Node *node, uint64_t timeout, sd_bus_message *call, sd_bus_error *ret_error,
                sd_bus_message **ret_reply) {
        int r;

        r = sd_bus_call(node->bus, call, timeout, ret_error, ret_reply);
        if (r >= 0)
                return 0;
        if (!sd_bus_error_is_set(ret_error))
                (void)sd_bus_error_set_errno(ret_error, r);
        return r;
}

int node_call(const Node *node, uint64_t timeout, const char *method, sd_bus_error *ret_error,
                sd_bus_message **ret_reply, const char *types, ...) {
        _cleanup_message_ sd_bus_message *call = NULL;
        va_list ap;
        int r;

        r = node_method(node, method, &call);
        if (r >= 0 && types) {
                va_start(ap, types);
                r = sd_bus_message_appendv(call, types, ap);
                va_end(ap);
        }
        if (r < 0)
                return sd_bus_error_set_errno(ret_error, r);

        return node_send(node, timeout, call, ret_error, ret_reply);
}

/* The ways in which a bus says that nobody will answer. */
static const char *const absent[] = {
        SD_BUS_ERROR_SERVICE_UNKNOWN,
        SD_BUS_ERROR_NAME_HAS_NO_OWNER,
        SD_BUS_ERROR_NO_SERVER,
        SD_BUS_ERROR_DISCONNECTED,
        SD_BUS_ERROR_NO_REPLY,
        SD_BUS_ERROR_TIMEOUT,
};

static bool is_absent(const sd_bus_error *error) {
        for (size_t i = 0; i < ELEMENTS_OF(absent); i++)
                if (sd_bus_error_has_name(error, absent[i]))
                        return true;
        return false;
}

/* The connection's own errors. */
static bool is_disconnected(const sd_bus_error *error) {
        switch (sd_bus_error_get_errno(error)) {
        case ECONNRESET:
        case ECONNREFUSED:
        case ECONNABORTED:
        case ENOTCONN:
        case EPIPE:
        case ESHUTDOWN:
        case ETIMEDOUT:
                return true;
        default:
                return false;
        }
}

bool node_error_is_unreachable(const sd_bus_error *error) {
        return is_absent(error) || is_disconnected(error);
}

/* Which of these it is, in words. */
static const char *why_unreachable(const sd_bus_error *error, const char *said) {
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                        sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return "nobody has the name " NODE_BUS_NAME;
        /* ssh has told more, if it was that. */
        return is_absent(error) ? said : "the bus cannot be reached";
}

int node_problem(Nodes *nodes, const Node *node, const sd_bus_error *error) {
        const char *said = error->message && error->message[0] ? error->message : error->name;
        const char *name = node->name, *colon = name[0] ? ": " : "";

        if (sd_bus_error_get_errno(error) == ENOMEM)
                return -ENOMEM;

        if (node_error_is_unreachable(error)) {
                unreachable(nodes, node, why_unreachable(error, said));
                return EXIT_FAILED;
        }

        nodes->failed = true;
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED)) {
                tell("%s%sAccess denied: reading takes root or group docker, changing takes root", name,
                                colon);
                return EXIT_FAILED;
        }

        tell("%s%s%s", name, colon, said);
        return sd_bus_error_has_name(error, SD_BUS_ERROR_INVALID_ARGS) ? EXIT_USAGE : EXIT_FAILED;
}

int node_bad_answer(Nodes *nodes, const Node *node, int r) {
        if (r == -ENOMEM)
                return r;

        tell("%s%sThe answer cannot be read, this reaperd may be of another version: %s", node->name,
                        node->name[0] ? ": " : "", strerror(-r));
        nodes->failed = true;
        return EXIT_FAILED;
}
