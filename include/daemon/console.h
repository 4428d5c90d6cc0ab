/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_CONSOLE_H
#define REAPERD_DAEMON_CONSOLE_H

/*
 * What reaperd offers on the bus, dbus/org.reaperd.Reaper1.xml: the parts of it, for the manager and for
 * each other. console.c (the interface), console-properties.c, console-containers.c, console-find.c and
 * console-reports.c (what is read), console-control.c (what changes something), console-advise.c,
 * console-signals.c.
 *
 * Methods are called by the bus in the event loop; each answers at once, or, where the engine has to be
 * asked first, keeps the message and answers later. Who may call what is the bus policy's matter
 * (dbus/org.reaperd.conf).
 */

#include <systemd/sd-bus.h>

#include "core/removal-history.h"
#include "daemon/manager-private.h"

/* Errors besides those of D-Bus itself. */
#define BUS_ERROR_NO_SUCH_CONTAINER   "org.reaperd.Error.NoSuchContainer"
#define BUS_ERROR_AMBIGUOUS_CONTAINER "org.reaperd.Error.AmbiguousContainer"
#define BUS_ERROR_PAUSED              "org.reaperd.Error.Paused"
#define BUS_ERROR_INVALID_CONFIG      "org.reaperd.Error.InvalidConfiguration"
#define BUS_ERROR_NOT_MANAGER         "org.reaperd.Error.NotManager"
#define BUS_ERROR_ENGINE              "org.reaperd.Error.EngineUnreachable"
#define BUS_ERROR_TOO_MANY            "org.reaperd.Error.TooMany"

/* A container, and a removal, on the bus. */
#define CONSOLE_CONTAINER "(ssssssssttttttb)"
#define CONSOLE_REMOVAL   "(tssssssssstittttxubu)"

/* Room for what console_text() writes. */
#define CONSOLE_TEXT_MAX 1025

/* console.c */
extern const sd_bus_vtable console_vtable[];
/* The text itself if the bus would take it, as it takes valid UTF-8 only; else escaped, in buf (of
 * CONSOLE_TEXT_MAX). NULL comes to "". */
const char *console_text(char *buf, const char *text);
/* An answer to the call; LimitsExceeded while too many wait for the bus to take them. */
int console_new_answer(sd_bus_message *call, sd_bus_message **ret, sd_bus_error *error);

/* console-properties.c: all take the Manager. */
int console_get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *error);
/* Tells the bus of the properties that have changed since the last time; called once a second at most. */
void console_tell_properties(Manager *m);

/* console-containers.c */
int console_list(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_find(sd_bus_message *call, void *userdata, sd_bus_error *error);
/* The one container that the text names: by its whole id, its name, or else the beginning of its id. Fails
 * with BUS_ERROR_NO_SUCH_CONTAINER, BUS_ERROR_AMBIGUOUS_CONTAINER or InvalidArgs in *error. */
int console_find_one(Manager *m, const char *text, Container **ret, sd_bus_error *error);
/* Likewise for n texts (above 0), in one pass over the containers. Writes into ret, which has room for
 * n, the ids that they name, of texts that are there twice one. Returns how many. */
int console_find_all(Manager *m, const char *const *texts, size_t n, ContainerId *ret, sd_bus_error *error);
int console_append_container(sd_bus_message *reply, const Manager *m, const Container *c, usec_t now);
/* Has it stopped, as far as its state tells, and is in scope, as far as is known? */
bool console_is_stopped(const Container *c);
/* The Swarm service whose task it is; NULL: it is none. (Anybody can write one's name into a label.) */
const char *console_service(const Container *c);
const char *console_outcome(Outcome o); /* "" for one that is not known */

/* console-reports.c */
int console_explain(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_history(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_memory(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_append_removal(sd_bus_message *reply, const Removal *removal);

/* console-control.c */
int console_reap(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_reap_service(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_reap_due(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_pause(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_resume(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_reload(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_check_config(sd_bus_message *call, void *userdata, sd_bus_error *error);
int console_check_config_file(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* console-advise.c */
int console_advise(sd_bus_message *call, void *userdata, sd_bus_error *error);
/* The engine cannot be asked any more: whoever waits for advice is told so. */
void console_advise_end(Manager *m);

/* console-signals.c: without a bus nothing happens. Texts may be NULL. */
void console_tell_stopped(const Manager *m, const Container *c, usec_t now);
void console_tell_removed(const Manager *m, const Removal *removal);
void console_tell_quarantined(const Manager *m, const Container *c, const char *problem);
void console_tell_engine_lost(const Manager *m, const char *problem);
void console_tell_engine_back(const Manager *m);
void console_tell_held(const Manager *m, const char *why, size_t n, usec_t until); /* steady */
void console_tell_pressure(const Manager *m, PressureLevel level, PressureCause cause, bool given_up);
void console_tell_batch(const Manager *m, const ReliefReport *report);
void console_tell_paused(const Manager *m, usec_t until); /* realtime; 0: resumed */
void console_tell_reloaded(const Manager *m, bool accepted, size_t n_errors);

#endif
