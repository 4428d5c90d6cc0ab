/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/time-span.h"
#include "daemon/status.h"

char *status_format(char *buf, size_t size, const StatusFigures *f) {
        char next[TIME_SPAN_TEXT_MAX], when[TIME_SPAN_TEXT_MAX + 16];

        if (!f->connected) {
                snprintf(buf, size, "Waiting for the engine; %zu %s so far", f->removed,
                                f->dry_run ? "would have been removed" : "removed");
                return buf;
        }

        if (f->next_in == USEC_INFINITY)
                snprintf(when, sizeof(when), "none due");
        else if (f->next_in < USEC_PER_SEC)
                snprintf(when, sizeof(when), "next due now");
        else
                snprintf(when, sizeof(when), "next due in %s",
                                time_span_format(next, sizeof(next), f->next_in, USEC_PER_SEC));

        snprintf(buf, size, "Tracking %zu containers, %zu stopped, %s, %zu %s", f->tracked, f->stopped, when,
                        f->removed, f->dry_run ? "would have been removed" : "removed");
        return buf;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Status *s = userdata;
        StatusFigures figures = s->collect(s->userdata);
        char line[256];

        (void)source;
        (void)usec;
        (void)sd_notifyf(false, "STATUS=%s", status_format(line, sizeof(line), &figures));
        return 0;
}

int status_init(Status *s, sd_event *event, StatusCollector collect, void *userdata) {
        int r;

        s->collect = collect;
        s->userdata = userdata;

        r = sd_event_add_time(event, &s->timer, CLOCK_MONOTONIC, USEC_INFINITY, 1, on_timer, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        (void)sd_event_source_set_description(s->timer, "status");
        return 0;
}

void status_done(Status *s) {
        s->timer = sd_event_source_disable_unref(s->timer);
}

void status_update(Status *s) {
        int enabled;

        if (!s->timer || sd_event_source_get_enabled(s->timer, &enabled) < 0 || enabled != SD_EVENT_OFF)
                return;
        if (sd_event_source_set_time_relative(s->timer, USEC_PER_SEC) >= 0)
                (void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}
