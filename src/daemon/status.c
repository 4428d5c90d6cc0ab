/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "base/event-timer.h"
#include "base/time-span.h"
#include "base/timestamp.h"
#include "daemon/status.h"

char *status_format(char *buf, size_t size, const StatusFigures *f) {
        char next[TIME_SPAN_TEXT_MAX], when[TIME_SPAN_TEXT_MAX + 16], waits[64] = "";
        char until[TIMESTAMP_TEXT_MAX], paused[TIMESTAMP_TEXT_MAX + 16] = "";

        if (f->paused_until != 0)
                snprintf(paused, sizeof(paused), "; paused until %s",
                                timestamp_format(until, f->paused_until));
        if (!f->connected) {
                snprintf(buf, size, "Waiting for the engine; %" PRIu64 " %s so far%s", f->removed,
                                f->dry_run ? "would have been removed" : "removed", paused);
                return buf;
        }

        if (f->next_in == USEC_INFINITY)
                snprintf(when, sizeof(when), "none due");
        else if (f->next_in < USEC_PER_SEC)
                snprintf(when, sizeof(when), "next due now");
        else
                snprintf(when, sizeof(when), "next due in %s",
                                time_span_format(next, sizeof(next), f->next_in, USEC_PER_SEC));

        if (f->first_run)
                snprintf(waits, sizeof(waits), "; first start, see FirstRunDelay=");
        else if (f->held > 0)
                snprintf(waits, sizeof(waits), "; %zu held, see SurgeLimit=", f->held);
        snprintf(buf, size, "Tracking %zu containers, %zu stopped, %s, %" PRIu64 " %s%s%s%s%s", f->tracked,
                        f->stopped, when, f->removed, f->dry_run ? "would have been removed" : "removed",
                        paused, waits, f->pressure[0] ? "; " : "", f->pressure);
        return buf;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Status *s = userdata;
        StatusFigures figures = s->collect(s->userdata);
        char line[384];

        (void)source;
        (void)usec;
        (void)sd_notifyf(false, "STATUS=%s", status_format(line, sizeof(line), &figures));
        return 0;
}

int status_init(Status *s, sd_event *event, StatusCollector collect, void *userdata) {
        s->collect = collect;
        s->userdata = userdata;
        return event_timer_new(event, CLOCK_MONOTONIC, on_timer, s, "status", &s->timer);
}

void status_done(Status *s) {
        s->timer = sd_event_source_disable_unref(s->timer);
}

void status_update(Status *s) {
        int enabled;

        if (!s->timer || sd_event_source_get_enabled(s->timer, &enabled) < 0 || enabled != SD_EVENT_OFF)
                return;
        (void)event_timer_arm_relative(s->timer, USEC_PER_SEC);
}
