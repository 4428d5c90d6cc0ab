/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_WATCH_EVENT_H
#define REAPERD_CTL_WATCH_EVENT_H

/*
 * What `watch` shows of a signal: a line for people, or an object for programs.
 */

#include <systemd/sd-bus.h>

#include "base/usec.h"
#include "ctl/json.h"
#include "ctl/node.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"

/* Shows a signal of NODE_INTERFACE, or a PropertiesChanged about it, that came at `now` (realtime). What it
 * does not know, and changes that have a signal of their own, are passed over. Returns 0, or a negative
 * errno (-EBADMSG, -ENXIO: the signal does not read as it must). */
int watch_show_signal(const Console *c, const Node *node, sd_bus_message *m, usec_t now);

/* Shows what is no signal: that it begins, or that a daemon or a bus has gone. `event` is a stable name
 * without spaces; `detail` may be "". Returns 0 or -ENOMEM. */
int watch_show(const Console *c, const Node *node, usec_t now, const char *event, Colour colour,
                const char *detail);

#endif
