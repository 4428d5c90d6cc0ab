/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_METRICS_H
#define REAPERD_DAEMON_METRICS_H

/*
 * Metrics for Prometheus, as a text file that node_exporter's textfile collector reads ([Metrics]
 * TextFile=). Written soon after something has changed and once a minute at least, so that a file that is
 * old tells of a daemon that is not there; whole or not at all. Taken away when reaperd ends.
 */

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "core/facts.h"
#include "core/figures.h"
#include "core/pressure.h"

/* How long after a change, so that what comes with it is told together; how long after the last one that was
 * told so, at the least; and how often without a change. */
#define METRICS_GATHER (500 * USEC_PER_MSEC)
#define METRICS_SOON   (10 * USEC_PER_SEC)
#define METRICS_PERIOD (60 * USEC_PER_SEC)

/* What is told besides the Figures. */
typedef struct MetricsGauges {
        const Figures *figures;
        const char *engine_version; /* "" unknown */
        bool connected;
        bool dry_run;
        bool paused;
        size_t states[_CONTAINER_STATE_MAX]; /* of those that are tracked */
        size_t quarantined, surge_held;
        PressureLevel level;
        bool given_up;
        usec_t started; /* realtime */
} MetricsGauges;

typedef void (*MetricsCollector)(MetricsGauges *ret, void *userdata);

typedef struct Metrics Metrics;

/* Nothing is written before metrics_configure(). Returns 0 or a negative errno. */
int metrics_new(sd_event *event, MetricsCollector collect, void *userdata, Metrics **ret);
/* The file is removed. NULL is fine; returns NULL. */
Metrics *metrics_free(Metrics *m);

/* Into this file (copied) from now on; NULL: into none. A file of before that is another one is removed.
 * Returns 0 or -ENOMEM. A file that cannot be written is said once, in the log. */
int metrics_configure(Metrics *m, const char *path);

/* Something has changed. Costs nothing while nothing is written. NULL is fine. */
void metrics_changed(Metrics *m);

/* The text itself. Returns a new string, NULL if out of memory. */
char *metrics_format(const MetricsGauges *g);

DEFINE_CLEANUP(Metrics *, metrics_free, NULL);

#endif
