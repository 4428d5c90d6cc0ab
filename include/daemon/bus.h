/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_BUS_H
#define REAPERD_DAEMON_BUS_H

/*
 * The connection to the system bus: opened without waiting, taken up again when the bus has gone and come
 * back, with the name org.reaperd each time. Without a bus everything goes on, and that is said once. What
 * is offered there is the console's (daemon/console).
 */

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

#define BUS_NAME      "org.reaperd"
#define BUS_PATH      "/org/reaperd"
#define BUS_INTERFACE "org.reaperd.Reaper1"

/* Signals are dropped while so many messages wait for a bus that does not take them. */
#define BUS_QUEUE_MAX 1024

typedef struct Bus Bus;

/* Begins to connect to the system bus ($DBUS_SYSTEM_BUS_ADDRESS, else the usual place). `vtable` (static)
 * is offered with `userdata`. Never fails for want of a bus. Returns 0 or a negative errno. */
int bus_new(sd_event *event, const sd_bus_vtable *vtable, void *userdata, Bus **ret);
/* Gives the name back; what is queued is sent as far as the bus takes it at once. NULL is fine; returns
 * NULL. */
Bus *bus_free(Bus *b);

/* Gives the name back, and answers no call any more; what was kept to be answered later still can be.
 * NULL is fine. */
void bus_withdraw(Bus *b);

/* Asks for the name again, should it have been refused: the policy file may be there by now. */
void bus_ask_name(Bus *b);

/* The connection, for signals; NULL: there is none, or the name is not ours, or too many messages wait, so
 * that there is nothing to be made. Borrowed until the next return to the event loop. NULL is fine. */
sd_bus *bus_for_signals(const Bus *b);

DEFINE_CLEANUP(Bus *, bus_free, NULL);

#endif
