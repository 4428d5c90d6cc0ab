/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `status`: how the daemon is, its engine, what it waits for, and what it has done, in the look of
 * `systemctl status`.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/share.h"
#include "ctl/daemon-state.h"
#include "ctl/format.h"
#include "ctl/pager.h"
#include "ctl/verbs.h"

static void put_label(const Terminal *t, const char *label) {
        terminal_put(t, COLOUR_NONE, "%11s%s", label, label[0] ? ": " : "  ");
}

/* A line that is done. */
#define put_line(t, label, ...)                            \
        do {                                               \
                put_label(t, label);                       \
                terminal_put(t, COLOUR_NONE, __VA_ARGS__); \
                (void)putchar('\n');                       \
        } while (0)

static bool swarm_is_waited_for(const char *state) {
        return state[0] && strcmp(state, "active") != 0 && strcmp(state, "inactive") != 0;
}

/* Green: it does its work; yellow: something holds it up, as it should; red: a person is needed. */
static Colour state_colour(const DaemonState *s, usec_t now) {
        if (!s->connected || s->given_up)
                return COLOUR_RED;
        if (s->paused_until > 0 || s->first_run_until > 0 || s->surge_until > 0 || s->quarantined > 0 ||
                        s->settles_at > now || swarm_is_waited_for(s->swarm_state) || s->dry_run)
                return COLOUR_YELLOW;
        return COLOUR_GREEN;
}

static void put_head(const Terminal *t, const Node *node, const DaemonState *s, usec_t now) {
        Colour colour = state_colour(s, now);

        terminal_put(t, colour, "%s", t->utf8 ? "\xe2\x97\x8f" : "*");
        terminal_put(t, COLOUR_BOLD, " reaperd %s", s->version);
        terminal_put(t, COLOUR_NONE, " on %s", s->host_name[0] ? s->host_name : "this node");
        if (node->name[0] && strcmp(node->name, s->host_name) != 0)
                terminal_put(t, COLOUR_NONE, " (%s)", node->name);
        if (s->dry_run)
                terminal_put(t, COLOUR_YELLOW, " - dry run, removes nothing");
        (void)putchar('\n');
}

static void put_engine(const Terminal *t, const DaemonState *s, usec_t now) {
        char text[FORMAT_MAX];

        put_label(t, "Engine");
        terminal_put(t, COLOUR_NONE, "%s", s->endpoint);
        if (s->engine_version[0])
                terminal_put(t, COLOUR_NONE, ", version %s, API %s", s->engine_version, s->api_version);
        (void)putchar('\n');

        put_label(t, "Connected");
        if (s->connected) {
                terminal_put(t, COLOUR_GREEN, "yes");
                terminal_put(t, COLOUR_NONE, ", since %s", format_time_ago(text, s->connected_since, now));
        } else
                terminal_put(t, COLOUR_RED, "no");
        (void)putchar('\n');
        put_line(t, "Last event", "%s", format_time_ago(text, s->last_event_at, now));
        put_label(t, "Resync");
        terminal_put(t, COLOUR_NONE, "%s", format_time_ago(text, s->last_resync_at, now));
        terminal_put(t, COLOUR_NONE, ", %s since the start", format_count(text, s->resyncs));
        (void)putchar('\n');
        put_line(t, "Swarm", "%s%s%s", s->swarm_state, s->node_id[0] ? ", node " : "", s->node_id);
}

static void put_containers(const Terminal *t, const DaemonState *s, usec_t now) {
        char known[FORMAT_MAX], tracked[FORMAT_MAX], text[FORMAT_MAX];

        put_label(t, "Containers");
        terminal_put(t, COLOUR_NONE, "%s known, %s tracked, %s stopped, ", format_count(known, s->known),
                        format_count(tracked, s->tracked), format_count(text, s->stopped));
        terminal_put(t, s->quarantined > 0 && s->quarantined != UINT64_MAX ? COLOUR_RED : COLOUR_NONE,
                        "%s quarantined", format_count(text, s->quarantined));
        (void)putchar('\n');

        put_label(t, "Due");
        terminal_put(t, COLOUR_NONE, "%s within the next hour", format_count(text, s->due_next_hour));
        if (s->next_due_at != 0 && s->next_due_at != UINT64_MAX)
                terminal_put(t, COLOUR_NONE, ", the first %s",
                                s->next_due_at <= now ? "now" : format_ago(text, s->next_due_at, now));
        (void)putchar('\n');
}

/* Under one label, a line each. */
static void put_wait(const Terminal *t, const char **label, Colour colour, const char *format, ...)
                __attribute__((format(printf, 4, 5)));

static void put_wait(const Terminal *t, const char **label, Colour colour, const char *format, ...) {
        char text[2 * FORMAT_MAX];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        put_label(t, *label);
        terminal_put(t, colour, "%s", text);
        (void)putchar('\n');
        *label = "";
}

static void put_waits(const Terminal *t, const DaemonState *s, usec_t now) {
        const char *label = "Waiting";
        char time[FORMAT_MAX], count[FORMAT_MAX];

        if (!s->connected)
                put_wait(t, &label, COLOUR_RED, "for the engine");
        else if (s->settles_at == UINT64_MAX)
                put_wait(t, &label, COLOUR_YELLOW,
                                "for the engine: it is not known yet how long it has been up");
        else if (s->settles_at > now)
                put_wait(t, &label, COLOUR_YELLOW, "for the engine to settle, until %s",
                                format_time_ago(time, s->settles_at, now));
        if (s->connected && swarm_is_waited_for(s->swarm_state))
                put_wait(t, &label, COLOUR_YELLOW, "for this node's Swarm state, which is %.64s",
                                s->swarm_state);
        if (s->paused_until != 0 && s->paused_until != UINT64_MAX)
                put_wait(t, &label, COLOUR_YELLOW, "removals are paused until %s",
                                format_time_ago(time, s->paused_until, now));
        if (s->first_run_until == UINT64_MAX)
                put_wait(t, &label, COLOUR_YELLOW, "first run: the wait begins with the first list");
        else if (s->first_run_until != 0)
                put_wait(t, &label, COLOUR_YELLOW, "first run, until %s",
                                format_time_ago(time, s->first_run_until, now));
        if (s->surge_until != 0 && s->surge_until != UINT64_MAX)
                put_wait(t, &label, COLOUR_YELLOW, "surge: %s are held until %s",
                                format_count(count, s->surge_held),
                                format_time_ago(time, s->surge_until, now));
        if (label[0])
                put_line(t, label, "for nothing");
}

static void put_pressure(const Terminal *t, const DaemonState *s) {
        char a[FORMAT_MAX], b[FORMAT_MAX], c[FORMAT_MAX], share[SHARE_TEXT_MAX];
        bool normal = strcmp(s->pressure_level, "normal") == 0;

        put_label(t, "Pressure");
        terminal_put(t,
                        normal                                       ? COLOUR_NONE
                        : strcmp(s->pressure_level, "critical") == 0 ? COLOUR_RED
                                                                     : COLOUR_YELLOW,
                        "%s", s->pressure_level[0] ? s->pressure_level : "-");
        if (s->pressure_cause[0] && !normal)
                terminal_put(t, COLOUR_NONE, " (%s)", s->pressure_cause);
        if (s->given_up)
                terminal_put(t, COLOUR_RED, ", removing did not help and was given up");
        (void)putchar('\n');

        put_line(t, "Memory", "%s available of %s, %s free", format_size(a, s->memory_available),
                        format_size(b, s->memory_total), format_size(c, s->memory_free));
        if (s->disk_total != UINT64_MAX && s->disk_used != UINT64_MAX)
                put_line(t, "Disk", "%s used of %s (%s)", format_size(a, s->disk_used),
                                format_size(b, s->disk_total),
                                share_format(share, share_of(s->disk_used, s->disk_total)));
}

static void put_removals(const Terminal *t, const DaemonState *s) {
        const char *dry_run = s->dry_run ? "would have been " : "";
        char a[FORMAT_MAX], b[FORMAT_MAX];

        put_label(t, "Removed");
        terminal_put(t, COLOUR_NONE, "%s%s today, %s since the start, ", dry_run,
                        format_count(a, s->removed_today), format_count(b, s->removed));
        terminal_put(t, s->failed > 0 && s->failed != UINT64_MAX ? COLOUR_RED : COLOUR_NONE, "%s failed",
                        format_count(a, s->failed));
        (void)putchar('\n');

        if (!s->measuring && s->reclaimed == 0 && s->reclaimed_disk == 0) {
                put_line(t, "Reclaimed", "nothing is measured");
                return;
        }
        put_line(t, "Reclaimed", "%s%s of page cache today, %s since the start", dry_run,
                        format_size(a, s->reclaimed_today), format_size(b, s->reclaimed));
        put_line(t, "", "%s%s on disk today, %s since the start", dry_run,
                        format_size(a, s->reclaimed_disk_today), format_size(b, s->reclaimed_disk));
}

static void put_status(const Terminal *t, const Node *node, const DaemonState *s, usec_t now) {
        char text[FORMAT_MAX];

        put_head(t, node, s, now);
        put_line(t, "Active", "since %s", format_time_ago(text, s->started_at, now));
        put_engine(t, s, now);
        put_containers(t, s, now);
        put_waits(t, s, now);
        put_pressure(t, s);
        put_removals(t, s);
        put_line(t, "Own memory", "%s", format_size(text, s->anonymous_memory));
}

/* Returns 1, 0 if it could not be asked, which has been told, or a negative errno. */
static int ask(Nodes *nodes, const Node *node, sd_bus_message **ret_answer, DaemonState *ret) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(node->bus, &call, NODE_BUS_NAME, NODE_PATH,
                        "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", NODE_INTERFACE);
        if (r < 0)
                return r;

        r = node_send(node, NODE_TIMEOUT, call, &error, ret_answer);
        if (r < 0) {
                r = node_problem(nodes, node, &error);
                return r < 0 ? r : 0;
        }
        r = daemon_state_read(*ret_answer, ret);
        if (r < 0) {
                r = node_bad_answer(nodes, node, r);
                return r < 0 ? r : 0;
        }
        return 1;
}

int verb_status(const Console *c) {
        _cleanup_nodes_ Nodes nodes = { 0 };
        _cleanup_json_ JsonRows rows = { 0 };
        bool first = true;
        int r;

        r = nodes_open(&c->options, &nodes);
        if (r < 0)
                return r;

        for (const Node *n = nodes_next(&nodes, NULL); n; n = nodes_next(&nodes, n)) {
                _cleanup_message_ sd_bus_message *answer = NULL;
                DaemonState state;

                r = ask(&nodes, n, &answer, &state);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;

                if (c->options.json != JSON_OFF) {
                        json_row(&rows, n);
                        daemon_state_json(&rows, &state);
                        continue;
                }
                pager_open(c->options.pager);
                if (!first)
                        (void)putchar('\n');
                first = false;
                put_status(&c->terminal, n, &state, clock_read(CLOCK_REALTIME));
        }

        if (c->options.json != JSON_OFF) {
                r = json_print(&rows, c->options.json);
                if (r < 0)
                        return r;
        }
        if (nodes.unreachable > 0)
                return nodes.unreachable == nodes.n ? EXIT_UNREACHABLE : EXIT_FAILED;
        return nodes.failed ? EXIT_FAILED : EXIT_DONE;
}
