/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_STATUS_H
#define REAPERD_DAEMON_STATUS_H

/*
 * The STATUS= line of `systemctl status`. Told at most once a second, however much happens.
 */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/usec.h"

typedef struct StatusFigures {
        bool connected;
        bool dry_run;
        size_t tracked, stopped, removed;
        usec_t next_in; /* until the next container is due; USEC_INFINITY: none is */
} StatusFigures;

typedef struct Status {
        sd_event_source *timer;
        StatusFigures figures;
} Status;

/* Returns 0 or a negative errno. */
int status_init(Status *s, sd_event *event);
void status_done(Status *s);

/* Has these figures told soon. */
void status_update(Status *s, const StatusFigures *figures);

/* The line itself; returns buf. */
char *status_format(char *buf, size_t size, const StatusFigures *figures);

#endif
