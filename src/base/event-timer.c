/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "base/event-timer.h"
#include "base/log.h"

int event_timer_new(sd_event *event, clockid_t clock, sd_event_time_handler_t handler, void *userdata,
                const char *description, sd_event_source **ret) {
        sd_event_source *timer;
        int r;

        r = sd_event_add_time(event, &timer, clock, USEC_INFINITY, 1, handler, userdata);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(timer, description);

        r = sd_event_source_set_enabled(timer, SD_EVENT_OFF);
        if (r < 0) {
                (void)sd_event_source_disable_unref(timer);
                return r;
        }

        *ret = timer;
        return 0;
}

/* The end of both: a timer whose time could (r >= 0) or could not be set. */
static int turn(sd_event_source *timer, int r, int enabled) {
        if (r >= 0)
                r = sd_event_source_set_enabled(timer, enabled);
        if (r < 0) {
                log_error("Cannot arm a timer: %s", strerror(-r));
                return r;
        }
        return 0;
}

int event_timer_arm(sd_event_source *timer, usec_t when) {
        return turn(timer, sd_event_source_set_time(timer, when),
                        when == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

int event_timer_arm_relative(sd_event_source *timer, usec_t delay) {
        return turn(timer, sd_event_source_set_time_relative(timer, delay), SD_EVENT_ONESHOT);
}
