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
        bool first_run; /* the wait of a first start has not passed */
        size_t held;    /* by SurgeLimit= */
        size_t tracked, stopped;
        uint64_t removed;
        usec_t paused_until; /* realtime; 0: removals are not paused */
        char pressure[96];   /* in words; "": there is none */
        usec_t next_in;      /* until the next container is due; USEC_INFINITY: none is */
} StatusFigures;

/* Called when the line is told, so that figures are not gathered for nothing. */
typedef StatusFigures (*StatusCollector)(void *userdata);

typedef struct Status {
        sd_event_source *timer;
        StatusCollector collect;
        void *userdata;
} Status;

/* Returns 0 or a negative errno. */
int status_init(Status *s, sd_event *event, StatusCollector collect, void *userdata);
void status_done(Status *s);

/* Has the figures told soon. Nothing happens after status_done(). */
void status_update(Status *s);

/* The line itself; returns buf. */
char *status_format(char *buf, size_t size, const StatusFigures *figures);

#endif
