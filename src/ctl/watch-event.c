/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "ctl/container-row.h"
#include "ctl/format.h"
#include "ctl/removal-row.h"
#include "ctl/watch-event.h"

/* Columns of the name of an event. */
#define EVENT_WIDTH 13

/* One event while it is put together: a row of JSON, and a line, in which what is not known is left out. */
typedef struct Event {
        const Console *console;
        const Node *node;
        usec_t now;
        const char *name;
        Colour colour;
        char *text; /* owned */
        JsonRows rows;
} Event;

static void event_done(Event *e) {
        free(e->text);
        json_done(&e->rows);
}

#define _cleanup_event_ _cleanup_(event_done)

static Event event_new(const Console *c, const Node *node, usec_t now, const char *name, Colour colour) {
        Event e = { .console = c, .node = node, .now = now, .name = name, .colour = colour };

        json_row(&e.rows, node);
        json_time(&e.rows, "time_usec", now);
        json_text(&e.rows, "event", name);
        return e;
}

static int event_show(Event *e) {
        const Terminal *t = &e->console->terminal;
        char time[FORMAT_MAX];

        if (e->console->options.json != JSON_OFF)
                return json_print_lines(&e->rows);

        terminal_put(t, COLOUR_GREY, "%s", format_time_short(time, e->now));
        if (e->node->several)
                terminal_put(t, COLOUR_BOLD, " %s", e->node->name);
        putchar(' ');
        terminal_put(t, e->colour, "%s", e->name);
        if (e->text)
                terminal_put(t, COLOUR_NONE, "%*s%s", EVENT_WIDTH + 1 - (int)strlen(e->name), "", e->text);
        putchar('\n');
        return 0;
}

int watch_show(const Console *c, const Node *node, usec_t now, const char *event, Colour colour,
                const char *detail) {
        _cleanup_event_ Event e = event_new(c, node, now, event, colour);

        json_text(&e.rows, "detail", detail);
        if (detail[0] && text_append(&e.text, "%s", detail) < 0)
                return -ENOMEM;
        return event_show(&e);
}

/* "0123456789ab web.3.xyz" */
static int append_label(Event *e, const char *id, const char *name) {
        return text_append(&e->text, "%.*s %s", ID_DIGITS, id, name[0] ? name : "(no name)");
}

static int append_held(Event *e, uint64_t held) {
        char size[FORMAT_MAX];

        return held == ROW_UNKNOWN ? 0 : text_append(&e->text, ", held %s", format_size(size, held));
}

static int show_stopped(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "stopped", COLOUR_BLUE);
        char due[FORMAT_MAX];
        ContainerRow row;
        int r;

        r = container_row_read(m, &row);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        container_row_json(&e.rows, &row);

        r = append_label(&e, row.id, row.name);
        if (r >= 0)
                r = text_append(&e.text, ": %s%s%s", row.outcome, row.outcome[0] ? ", " : "", row.verdict);
        if (r >= 0)
                r = append_held(&e, row.cached);
        if (r >= 0 && row.due_in != USEC_INFINITY)
                r = text_append(&e.text, ", due %s%s", row.due_in > 0 ? "in " : "",
                                format_due(due, row.due_in));
        return r < 0 ? r : event_show(&e);
}

static int show_removed(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "removed", COLOUR_GREEN);
        _cleanup_(removal_row_done) RemovalRow row = { 0 };
        char age[FORMAT_MAX];
        int r;

        r = removal_row_read(m, &row);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        removal_row_json(&e.rows, &row);

        if (row.dry_run)
                e.name = "would remove";
        r = append_label(&e, row.texts[ROW_ID], row.texts[ROW_NAME]);
        if (r >= 0)
                r = text_append(&e.text, ": %s", row.texts[ROW_VERDICT]);
        if (r >= 0 && row.age != ROW_UNKNOWN)
                r = text_append(&e.text, ", age %s", format_span(age, row.age));
        if (r >= 0)
                r = text_append(&e.text, ", exit %d", row.exit_code);
        if (r >= 0)
                r = append_held(&e, row.cached);
        return r < 0 ? r : event_show(&e);
}

static int show_quarantined(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "quarantined", COLOUR_RED);
        const char *id, *name, *service, *problem;
        unsigned attempts;
        int r;

        r = sd_bus_message_read(m, "sssus", &id, &name, &service, &attempts, &problem);
        if (r < 0)
                return r;
        json_text(&e.rows, "id", id);
        json_text(&e.rows, "name", name);
        json_text(&e.rows, "service", service);
        json_u64(&e.rows, "attempts", attempts);
        json_text(&e.rows, "problem", problem);

        r = append_label(&e, id, name);
        if (r >= 0)
                r = text_append(&e.text, ": %u removals failed, the last with: %s", attempts, problem);
        return r < 0 ? r : event_show(&e);
}

static int show_engine_lost(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "engine-lost", COLOUR_RED);
        const char *endpoint, *problem;
        int r;

        r = sd_bus_message_read(m, "ss", &endpoint, &problem);
        if (r < 0)
                return r;
        json_text(&e.rows, "endpoint", endpoint);
        json_text(&e.rows, "problem", problem);
        r = text_append(&e.text, "%s: %s", endpoint, problem);
        return r < 0 ? r : event_show(&e);
}

static int show_engine_back(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "engine-back", COLOUR_GREEN);
        const char *endpoint, *version, *api;
        int r;

        r = sd_bus_message_read(m, "sss", &endpoint, &version, &api);
        if (r < 0)
                return r;
        json_text(&e.rows, "endpoint", endpoint);
        json_text(&e.rows, "version", version);
        json_text(&e.rows, "api_version", api);
        r = text_append(&e.text, "%s: engine %s, API %s", endpoint, version, api);
        return r < 0 ? r : event_show(&e);
}

static int show_held(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "held", COLOUR_YELLOW);
        char time[FORMAT_MAX];
        uint64_t until;
        const char *why;
        unsigned n;
        int r;

        r = sd_bus_message_read(m, "sut", &why, &n, &until);
        if (r < 0)
                return r;
        json_text(&e.rows, "why", why);
        json_u64(&e.rows, "containers", n);
        json_time(&e.rows, "until_usec", until);
        r = text_append(&e.text, "%u container%s until %s (%s)", n, n == 1 ? "" : "s",
                        until == USEC_INFINITY ? "that wait begins and ends" : format_time(time, until),
                        why);
        return r < 0 ? r : event_show(&e);
}

static int show_pressure(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "pressure", COLOUR_YELLOW);
        const char *level, *cause;
        int r, given_up;

        r = sd_bus_message_read(m, "ssb", &level, &cause, &given_up);
        if (r < 0)
                return r;
        json_text(&e.rows, "level", level);
        json_text(&e.rows, "cause", cause);
        json_bool(&e.rows, "given_up", given_up);
        if (strcmp(level, "critical") == 0)
                e.colour = COLOUR_RED;
        else if (strcmp(level, "normal") == 0)
                e.colour = COLOUR_GREEN;
        if (strcmp(cause, "none") == 0)
                cause = "";
        r = text_append(&e.text, "%s%s%s%s", level, cause[0] ? ": " : "", cause,
                        given_up ? ", removing has not helped and is given up for a while" : "");
        return r < 0 ? r : event_show(&e);
}

static int show_batch(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "batch", COLOUR_YELLOW);
        char change[SIZE_TEXT_MAX];
        const char *cause;
        uint64_t held;
        int64_t gain;
        unsigned n;
        int r, helped, gave_up;

        r = sd_bus_message_read(m, "sutxbb", &cause, &n, &held, &gain, &helped, &gave_up);
        if (r < 0)
                return r;
        json_text(&e.rows, "cause", cause);
        json_u64(&e.rows, "removed", n);
        json_u64(&e.rows, "held", held);
        json_i64(&e.rows, "improvement", gain);
        json_bool(&e.rows, "helped", helped);
        json_bool(&e.rows, "gave_up", gave_up);

        r = text_append(&e.text, "%s: %u removed", cause, n);
        if (r >= 0)
                r = append_held(&e, held);
        if (r >= 0 && strstr(cause, "inode"))
                r = text_append(&e.text, ", %+" PRId64 " inodes", gain);
        else if (r >= 0)
                r = text_append(&e.text, ", %s", size_format_change(change, gain));
        if (r >= 0)
                r = text_append(&e.text, ": %s%s", helped ? "helped" : "did not help",
                                gave_up ? ", given up for a while" : "");
        return r < 0 ? r : event_show(&e);
}

static int show_paused(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "paused", COLOUR_YELLOW);
        char time[FORMAT_MAX];
        uint64_t until;
        int r;

        r = sd_bus_message_read(m, "t", &until);
        if (r < 0)
                return r;
        json_time(&e.rows, "until_usec", until);
        r = text_append(&e.text, "until %s", format_time(time, until));
        return r < 0 ? r : event_show(&e);
}

static int show_resumed(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "resumed", COLOUR_GREEN);

        (void)m;
        return event_show(&e);
}

static int show_reloaded(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        _cleanup_event_ Event e = event_new(c, node, now, "reloaded", COLOUR_GREEN);
        unsigned errors;
        int r, accepted;

        r = sd_bus_message_read(m, "bu", &accepted, &errors);
        if (r < 0)
                return r;
        json_bool(&e.rows, "accepted", accepted);
        json_u64(&e.rows, "errors", errors);
        if (accepted)
                r = text_append(&e.text, "a new configuration holds");
        else {
                e.name = "reload-failed";
                e.colour = COLOUR_RED;
                r = text_append(&e.text, "%u error%s, the old configuration still holds", errors,
                                errors == 1 ? "" : "s");
        }
        return r < 0 ? r : event_show(&e);
}

/* The end of a wait is told by its property alone; its begin has a signal. */
static int show_wait(const Console *c, const Node *node, sd_bus_message *m, usec_t now, bool first_run) {
        uint64_t until;
        int r;

        r = sd_bus_message_read(m, "v", "t", &until);
        if (r < 0 || until != 0)
                return r < 0 ? r : 0;
        return watch_show(c, node, now, "wait-over", COLOUR_GREEN, first_run ? "first-run" : "surge");
}

static int show_swarm_state(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        const char *state;
        int r;

        r = sd_bus_message_read(m, "v", "s", &state);
        if (r < 0)
                return r;
        return watch_show(c, node, now, "swarm",
                        strcmp(state, "active") == 0 || strcmp(state, "inactive") == 0 ? COLOUR_GREEN
                                                                                       : COLOUR_YELLOW,
                        state);
}

static int show_properties(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        const char *interface, *name;
        int r;

        r = sd_bus_message_read(m, "s", &interface);
        if (r < 0)
                return r;
        if (strcmp(interface, NODE_INTERFACE) != 0)
                return 0;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        break;
                if (strcmp(name, "SwarmState") == 0)
                        r = show_swarm_state(c, node, m, now);
                else if (strcmp(name, "FirstRunUntil") == 0 || strcmp(name, "SurgeUntil") == 0)
                        r = show_wait(c, node, m, now, name[0] == 'F');
                else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : 0;
}

int watch_show_signal(const Console *c, const Node *node, sd_bus_message *m, usec_t now) {
        static const struct {
                const char *member;
                int (*show)(const Console *c, const Node *node, sd_bus_message *m, usec_t now);
        } shows[] = {
                { "ContainerStopped", show_stopped },
                { "ContainerRemoved", show_removed },
                { "ContainerQuarantined", show_quarantined },
                { "EngineLost", show_engine_lost },
                { "EngineBack", show_engine_back },
                { "RemovalsHeld", show_held },
                { "PressureChanged", show_pressure },
                { "BatchJudged", show_batch },
                { "Paused", show_paused },
                { "Resumed", show_resumed },
                { "Reloaded", show_reloaded },
                { "PropertiesChanged", show_properties },
        };
        const char *member = sd_bus_message_get_member(m);

        for (size_t i = 0; member && i < ELEMENTS_OF(shows); i++)
                if (strcmp(shows[i].member, member) == 0)
                        return shows[i].show(c, node, m, now);
        return 0;
}
