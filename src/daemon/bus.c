/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/event-timer.h"
#include "base/log.h"
#include "base/random.h"
#include "core/backoff.h"
#include "daemon/bus.h"

#define DEFAULT_ADDRESS "unix:path=/run/dbus/system_bus_socket"
/* Where the policy has to be, as far as that can be said without knowing the prefix. */
#define POLICY_FILE "dbus-1/system.d/" BUS_NAME ".conf"

/* A bus that has not given the name by then counts as none. */
#define BUS_PATIENCE (5 * USEC_PER_SEC)
/* How soon it is connected to again. A connection that lasted for longer than RETRY_MAX was a good one. */
#define RETRY_INITIAL (250 * USEC_PER_MSEC)
#define RETRY_MAX     (30 * USEC_PER_SEC)

typedef enum NameState {
        NAME_NONE,    /* not connected, or not answered yet */
        NAME_QUEUED,  /* another process has it */
        NAME_REFUSED, /* by the policy */
        NAME_OURS,
} NameState;

struct Bus {
        sd_event *event;
        const sd_bus_vtable *vtable;
        void *userdata;

        sd_bus *bus; /* NULL: between two attempts */
        sd_bus_slot *object, *asking;
        sd_event_source *retry_timer, *patience_timer;
        NameState name;
        unsigned attempts;   /* in a row */
        usec_t connected;    /* monotonic; 0: it is not */
        NameState name_said; /* what was last said; NAME_NONE: nothing, or that there is no bus */
        bool none_said;
        bool withdrawn; /* for good */
};

static void say_none(Bus *b) {
        (void)event_timer_arm(b->patience_timer, USEC_INFINITY);
        if (b->none_said || b->withdrawn)
                return;
        b->none_said = true;
        b->name_said = NAME_NONE;
        log_notice("No system bus: reaperctl cannot reach this daemon until there is one");
}

/* The bus has answered. */
static void set_name(Bus *b, NameState name) {
        (void)event_timer_arm(b->patience_timer, USEC_INFINITY);
        if (b->withdrawn)
                return;
        b->name = name;
        if (name == b->name_said)
                return;

        if (name == NAME_OURS)
                log_info("On the system bus as " BUS_NAME);
        else if (name == NAME_QUEUED)
                log_notice("Another process has the name " BUS_NAME
                           " on the system bus: reaperctl cannot reach this daemon until that one ends");
        else if (name == NAME_REFUSED)
                log_warning("The system bus refuses the name " BUS_NAME
                            ": reaperctl cannot reach this daemon. Is its policy, " POLICY_FILE
                            ", where the bus finds it?");
        b->name_said = name;
        b->none_said = false;
}

/* Not for use inside a callback of the bus, which goes on with it behind that. */
static void drop(Bus *b) {
        b->asking = sd_bus_slot_unref(b->asking);
        b->object = sd_bus_slot_unref(b->object);
        if (b->bus) {
                (void)sd_bus_detach_event(b->bus);
                sd_bus_close(b->bus);
        }
        b->bus = sd_bus_unref(b->bus);
        b->name = NAME_NONE;
        b->connected = 0;
}

/* It is dropped and taken up again from the loop. */
static void try_again(Bus *b) {
        usec_t now = clock_read(CLOCK_MONOTONIC);

        b->name = NAME_NONE;
        if (b->connected != 0 && now - b->connected >= RETRY_MAX)
                b->attempts = 0;
        b->connected = 0;
        b->attempts++;
        (void)event_timer_arm_relative(
                        b->retry_timer, backoff_delay(b->attempts, RETRY_INITIAL, RETRY_MAX, random_u32()));
}

static int on_name_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *b = userdata;
        uint32_t answer = 0;
        int r;

        (void)error;
        b->asking = sd_bus_slot_unref(b->asking);
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_ACCESS_DENIED)) {
                set_name(b, NAME_REFUSED);
                return 0;
        }
        r = sd_bus_message_is_method_error(m, NULL) ? -sd_bus_message_get_errno(m)
                                                    : sd_bus_message_read(m, "u", &answer);
        if (r < 0) {
                /* No answer in time, most likely: what hangs is not waited for. */
                log_debug("The system bus does not answer for the name " BUS_NAME ": %s", strerror(-r));
                say_none(b);
                try_again(b);
                return 0;
        }

        /* 1: ours now, 4: ours already; 2: in the queue, in which NameAcquired may have come meanwhile. */
        if (answer == 1 || answer == 4)
                set_name(b, NAME_OURS);
        else if (b->name != NAME_OURS)
                set_name(b, NAME_QUEUED);
        return 0;
}

static int ask_name(Bus *b) {
        b->asking = sd_bus_slot_unref(b->asking);
        return sd_bus_request_name_async(b->bus, &b->asking, BUS_NAME, SD_BUS_NAME_QUEUE, on_name_answer, b);
}

void bus_ask_name(Bus *b) {
        int r;

        if (!b || b->name != NAME_REFUSED)
                return;
        r = ask_name(b);
        if (r < 0)
                log_debug("Cannot ask for the name " BUS_NAME ": %s", strerror(-r));
}

static int on_connected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *b = userdata;
        int r;

        (void)m;
        (void)error;
        b->connected = clock_read(CLOCK_MONOTONIC);
        r = ask_name(b);
        if (r < 0) {
                log_debug("Cannot ask for the name " BUS_NAME ": %s", strerror(-r));
                try_again(b);
        }
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *b = userdata;

        (void)m;
        (void)error;
        /* What could not even be taken up is given its time. */
        if (b->name != NAME_NONE)
                say_none(b);
        try_again(b);
        return 0;
}

static int on_name_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *b = userdata;
        const char *name;

        (void)error;
        /* Its own unique name is told so as well. */
        if (sd_bus_message_read(m, "s", &name) < 0 || strcmp(name, BUS_NAME) != 0)
                return 0;
        if (sd_bus_message_is_signal(m, NULL, "NameAcquired"))
                set_name(b, NAME_OURS);
        else if (b->name == NAME_OURS) {
                b->name = NAME_NONE;
                if (ask_name(b) < 0)
                        try_again(b);
        }
        return 0;
}

static int set_up(Bus *b) {
        static const char *const members[] = { "NameAcquired", "NameLost" };
        const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r;

        r = sd_bus_set_address(b->bus, address && *address ? address : DEFAULT_ADDRESS);
        if (r < 0)
                return r;
        r = sd_bus_set_bus_client(b->bus, true);
        if (r < 0)
                return r;
        r = sd_bus_set_description(b->bus, "system");
        if (r < 0)
                return r;
        r = sd_bus_set_watch_bind(b->bus, true);
        if (r < 0)
                return r;
        r = sd_bus_set_connected_signal(b->bus, true);
        if (r < 0)
                return r;
        /* Else the end of the loop would wait until a bus that hangs has taken what is queued. */
        r = sd_bus_set_close_on_exit(b->bus, false);
        if (r < 0)
                return r;

        r = sd_bus_add_object_vtable(b->bus, &b->object, BUS_PATH, BUS_INTERFACE, b->vtable, b->userdata);
        if (r < 0)
                return r;
        /* These two come from the library itself: the bus is not asked for them. */
        r = sd_bus_match_signal(b->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                        "org.freedesktop.DBus.Local", "Connected", on_connected, b);
        if (r < 0)
                return r;
        r = sd_bus_match_signal(b->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, b);
        if (r < 0)
                return r;
        r = sd_bus_start(b->bus);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTS_OF(members); i++) {
                r = sd_bus_match_signal_async(b->bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                "org.freedesktop.DBus", members[i], on_name_changed, NULL, b);
                if (r < 0)
                        return r;
        }
        return sd_bus_attach_event(b->bus, b->event, SD_EVENT_PRIORITY_NORMAL);
}

static void connect_bus(Bus *b) {
        int r;

        drop(b);
        if (b->withdrawn)
                return;
        r = sd_bus_new(&b->bus);
        if (r >= 0)
                r = set_up(b);
        if (r < 0) {
                log_debug("Cannot connect to the system bus: %s", strerror(-r));
                drop(b);
                try_again(b);
        }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        (void)source;
        (void)usec;
        connect_bus(userdata);
        return 0;
}

static int on_patience_over(sd_event_source *source, uint64_t usec, void *userdata) {
        Bus *b = userdata;

        (void)source;
        (void)usec;
        if (b->name == NAME_NONE)
                say_none(b);
        return 0;
}

int bus_new(sd_event *event, const sd_bus_vtable *vtable, void *userdata, Bus **ret) {
        _cleanup_(bus_freep) Bus *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;
        b->event = sd_event_ref(event);
        b->vtable = vtable;
        b->userdata = userdata;
        r = event_timer_new(event, CLOCK_MONOTONIC, on_retry, b, "bus-retry", &b->retry_timer);
        if (r < 0)
                return r;
        r = event_timer_new(event, CLOCK_MONOTONIC, on_patience_over, b, "bus-patience", &b->patience_timer);
        if (r < 0)
                return r;

        (void)event_timer_arm_relative(b->patience_timer, BUS_PATIENCE);
        connect_bus(b);
        *ret = TAKE_PTR(b);
        return 0;
}

Bus *bus_free(Bus *b) {
        uint64_t queued = 0;

        if (!b)
                return NULL;
        /* Nobody is there any more to answer a call: the library does, with an error. */
        b->object = sd_bus_slot_unref(b->object);
        for (uint64_t before = UINT64_MAX; b->bus && sd_bus_is_ready(b->bus) > 0; before = queued)
                if (sd_bus_get_n_queued_write(b->bus, &queued) < 0 || queued == 0 || queued >= before ||
                                sd_bus_process(b->bus, NULL) < 0)
                        break;
        /* With the connection the name goes too. */
        drop(b);
        sd_event_source_disable_unref(b->retry_timer);
        sd_event_source_disable_unref(b->patience_timer);
        sd_event_unref(b->event);
        free(b);
        return NULL;
}

void bus_withdraw(Bus *b) {
        if (!b)
                return;
        b->withdrawn = true;
        b->object = sd_bus_slot_unref(b->object);
        if (b->name == NAME_OURS || b->name == NAME_QUEUED)
                (void)sd_bus_release_name_async(b->bus, NULL, BUS_NAME, NULL, NULL);
        b->name = NAME_NONE;
}

sd_bus *bus_for_signals(const Bus *b) {
        uint64_t queued;

        if (!b || b->name != NAME_OURS || sd_bus_get_n_queued_write(b->bus, &queued) < 0 ||
                        queued >= BUS_QUEUE_MAX)
                return NULL;
        return b->bus;
}
