/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `watch`: what the daemons tell by themselves, until Ctrl-C. Signals count only if they come from who has
 * the name org.reaperd at that moment: a bus lets anybody send one to anybody.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/clock.h"
#include "ctl/tell.h"
#include "ctl/watch-event.h"

#define DBUS_NAME       "org.freedesktop.DBus"
#define DBUS_PATH       "/org/freedesktop/DBus"
#define DBUS_PROPERTIES "org.freedesktop.DBus.Properties"

typedef struct Watch Watch;

/* One node that is watched. */
typedef struct Source {
        Watch *watch;
        const Node *node;
        char *owner; /* owned; the unique name that its signals come from; NULL: there is no daemon */
} Source;

struct Watch {
        const Console *console;
        Nodes nodes;
        sd_event *event;
        Source *sources; /* owned, with their owners */
        size_t n_sources, n_lost;
};

static void watch_done(Watch *w) {
        /* First the buses, which call back into the sources. */
        nodes_close(&w->nodes);
        for (size_t i = 0; i < w->n_sources; i++)
                free(w->sources[i].owner);
        free(w->sources);
        sd_event_unref(w->event);
}

/* Each line is to be seen at once. Returns `r` as a handler of the loop should, ending it if that is an
 * error. */
static int shown(Watch *w, int r) {
        if (r >= 0)
                r = terminal_flush();
        if (r < 0)
                (void)sd_event_exit(w->event, r);
        return 0;
}

static int show(Source *s, const char *event, Colour colour, const char *detail) {
        return watch_show(s->watch->console, s->node, clock_read(CLOCK_REALTIME), event, colour, detail);
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Source *s = userdata;
        const char *sender = sd_bus_message_get_sender(m);
        int r;

        (void)ret_error;
        if (!sender || !s->owner || strcmp(sender, s->owner) != 0)
                return 0;
        r = watch_show_signal(s->watch->console, s->node, m, clock_read(CLOCK_REALTIME));
        /* One that does not read as it must comes from another version, and is passed over. */
        return shown(s->watch, r == -ENOMEM ? r : 0);
}

/* Takes the daemon's unique name; "" is none. */
static int set_owner(Source *s, const char *owner) {
        char *copy = NULL;

        if (owner[0]) {
                copy = strdup(owner);
                if (!copy)
                        return -ENOMEM;
        }
        free(s->owner);
        s->owner = copy;
        return 0;
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const char *name, *old, *new;
        Source *s = userdata;
        int r;

        (void)ret_error;
        r = sd_bus_message_read(m, "sss", &name, &old, &new);
        if (r < 0 || strcmp(name, NODE_BUS_NAME) != 0)
                return 0;
        r = set_owner(s, new);
        if (r >= 0)
                r = new[0] ? show(s, "daemon-back", COLOUR_GREEN, "reaperd is on the bus")
                           : show(s, "daemon-gone", COLOUR_RED, "reaperd has left the bus");
        return shown(s->watch, r);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Source *s = userdata;
        Watch *w = s->watch;
        int r;

        (void)m;
        (void)ret_error;
        w->n_lost++;
        r = show(s, "bus-lost", COLOUR_RED, "the connection to the bus has ended");
        (void)shown(w, r);
        if (w->n_lost == w->n_sources)
                (void)sd_event_exit(w->event, EXIT_FAILED);
        return 0;
}

/* Asks who the daemon is, and for its version, which only those are told who may hear its signals. */
static int greet(Source *s) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL, *version = NULL;
        Watch *w = s->watch;
        const char *text;
        int r;

        r = sd_bus_call_method(s->node->bus, DBUS_NAME, DBUS_PATH, DBUS_NAME, "GetNameOwner", &error, &reply,
                        "s", NODE_BUS_NAME);
        if (r < 0 && sd_bus_error_has_name(&error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return show(s, "daemon-gone", COLOUR_YELLOW, "there is no reaperd on the bus yet");
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &text);
        if (r >= 0)
                r = set_owner(s, text);
        if (r == -ENOMEM)
                return r;

        if (r >= 0)
                r = sd_bus_call_method(s->node->bus, NODE_BUS_NAME, NODE_PATH, DBUS_PROPERTIES, "Get",
                                &error, &version, "ss", NODE_INTERFACE, "Version");
        if (r >= 0)
                r = sd_bus_message_read(version, "v", "s", &text);
        if (r >= 0)
                return show(s, "watching", COLOUR_BOLD, text);

        if (!sd_bus_error_is_set(&error))
                (void)sd_bus_error_set_errno(&error, r);
        r = node_problem(&w->nodes, s->node, &error);
        return r < 0 ? r : -EACCES;
}

/* Returns 0; -EACCES: this node cannot be watched (told); or another negative errno. */
static int source_start(Source *s) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus *bus = s->node->bus;
        int r;

        r = sd_bus_match_signal(
                        bus, NULL, DBUS_NAME, DBUS_PATH, DBUS_NAME, "NameOwnerChanged", on_owner_changed, s);
        if (r >= 0)
                r = sd_bus_match_signal(
                                bus, NULL, NODE_BUS_NAME, NODE_PATH, NODE_INTERFACE, NULL, on_signal, s);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, NODE_BUS_NAME, NODE_PATH, DBUS_PROPERTIES,
                                "PropertiesChanged", on_signal, s);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, s);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                (void)sd_bus_error_set_errno(&error, r);
                r = node_problem(&s->watch->nodes, s->node, &error);
                return r < 0 ? r : -EACCES;
        }
        r = greet(s);
        if (r < 0)
                return r;
        return sd_bus_attach_event(bus, s->watch->event, SD_EVENT_PRIORITY_NORMAL);
}

static int start_all(Watch *w) {
        int r;

        for (const Node *n = nodes_next(&w->nodes, NULL); n; n = nodes_next(&w->nodes, n)) {
                Source *s = &w->sources[w->n_sources];

                *s = (Source){ .watch = w, .node = n };
                w->n_sources++;
                r = source_start(s);
                if (r == -EACCES)
                        w->n_lost++;
                else if (r < 0)
                        return r;
        }
        return terminal_flush();
}

/* Ctrl-C, and the wish of a service manager or a pipe's other end. */
static int stop_on_signals(sd_event *event) {
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
}

int verb_watch(const Console *c) {
        _cleanup_(watch_done) Watch w = { .console = c };
        int r;

        r = sd_event_new(&w.event);
        if (r < 0)
                return r;
        r = nodes_open(&c->options, &w.nodes);
        if (r < 0)
                return r;
        w.sources = calloc(w.nodes.n + 1, sizeof(*w.sources));
        if (!w.sources)
                return -ENOMEM;

        r = start_all(&w);
        if (r < 0)
                return r;
        if (w.n_lost == w.n_sources)
                return EXIT_FAILED;
        r = stop_on_signals(w.event);
        if (r < 0)
                return r;

        r = sd_event_loop(w.event);
        if (r < 0)
                return r;
        return r == EXIT_DONE && (w.nodes.failed || w.n_lost > 0) ? EXIT_FAILED : r;
}
