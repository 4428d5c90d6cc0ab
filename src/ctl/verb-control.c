/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `pause`, `resume` and `reload`: what changes how the daemon goes on, and no container.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/time-span.h"
#include "ctl/each-node.h"
#include "ctl/format.h"
#include "ctl/tell.h"

#define PAUSE_DEFAULT USEC_PER_HOUR
#define PAUSE_LEAST   USEC_PER_SEC
#define PAUSE_MOST    (30 * USEC_PER_DAY)

static void say(const Console *c, const Node *node, const char *text) {
        line_begin(&c->terminal, node);
        terminal_put(&c->terminal, COLOUR_NONE, "%s", text);
        putchar('\n');
}

static int pause_one(const Console *c, Nodes *nodes, const Node *node, JsonRows *rows, const void *what) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        char text[FORMAT_MAX], line[FORMAT_MAX + 64];
        const usec_t *span = what;
        uint64_t until;
        int r, kept;

        r = node_call(node, NODE_TIMEOUT, "Pause", &error, &reply, "t", *span);
        if (r < 0)
                return node_problem(nodes, node, &error);
        r = sd_bus_message_read(reply, "tb", &until, &kept);
        if (r < 0)
                return node_bad_answer(nodes, node, r);

        if (c->options.json != JSON_OFF) {
                json_row(rows, node);
                json_time(rows, "paused_until_usec", until);
                json_bool(rows, "kept", kept);
        } else {
                snprintf(line, sizeof(line), "Removals are paused until %s.", format_time(text, until));
                say(c, node, line);
        }
        if (!kept)
                tell_of_node(node, "A restart of reaperd ends this pause: it has no state directory to keep "
                                   "it in");
        return EXIT_DONE;
}

int verb_pause(const Console *c) {
        const char *text = c->options.n_arguments > 0 ? c->options.arguments[0] : NULL;
        usec_t span = PAUSE_DEFAULT;

        if (text && (time_span_parse(text, &span) < 0 || span < PAUSE_LEAST || span > PAUSE_MOST)) {
                tell("pause %s: not accepted, accepted: a span from 1s to 30d, such as 30min or 2h", text);
                return EXIT_USAGE;
        }
        return each_node(c, pause_one, &span);
}

static int resume_one(const Console *c, Nodes *nodes, const Node *node, JsonRows *rows, const void *what) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r, was_paused;

        (void)what;
        r = node_call(node, NODE_TIMEOUT, "Resume", &error, &reply, NULL);
        if (r < 0)
                return node_problem(nodes, node, &error);
        r = sd_bus_message_read(reply, "b", &was_paused);
        if (r < 0)
                return node_bad_answer(nodes, node, r);

        if (c->options.json != JSON_OFF) {
                json_row(rows, node);
                json_bool(rows, "was_paused", was_paused);
        } else
                say(c, node, was_paused ? "Removals are no longer paused." : "Removals were not paused.");
        return EXIT_DONE;
}

int verb_resume(const Console *c) {
        return each_node(c, resume_one, NULL);
}

/* The daemon's errors, a line each. */
static void tell_lines(const Node *node, const char *text) {
        while (*text) {
                size_t n = strcspn(text, "\n");

                if (node->several)
                        tell("%s: %.*s", node->name, (int)n, text);
                else
                        tell("%.*s", (int)n, text);
                text += n;
                text += strspn(text, "\n");
        }
}

static int reload_one(const Console *c, Nodes *nodes, const Node *node, JsonRows *rows, const void *what) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        bool refused;
        int r;

        (void)what;
        r = node_call(node, NODE_TIMEOUT, "Reload", &error, &reply, NULL);
        refused = r < 0 && sd_bus_error_has_name(&error, NODE_ERROR_INVALID_CONFIG);
        if (refused)
                tell_lines(node, error.message ? error.message : "the configuration has errors");
        else if (r < 0)
                return node_problem(nodes, node, &error);

        if (c->options.json != JSON_OFF) {
                json_row(rows, node);
                json_bool(rows, "accepted", !refused);
        } else if (!refused)
                say(c, node, "The configuration was read again and holds.");
        return refused ? EXIT_FAILED : EXIT_DONE;
}

int verb_reload(const Console *c) {
        return each_node(c, reload_one, NULL);
}
