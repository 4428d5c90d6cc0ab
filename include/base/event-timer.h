/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_EVENT_TIMER_H
#define REAPERD_BASE_EVENT_TIMER_H

/*
 * One-shot timers in the sd-event loop, made once and armed again and again. In one place because of
 * what is easy to get wrong: an accuracy of 0 is sd-event's default of 250 ms, and a time alone does
 * not turn a timer on.
 */

#include <systemd/sd-event.h>
#include <time.h>

#include "base/usec.h"

/* A timer that is off. `description` is for debugging. Returns 0 or a negative errno. */
int event_timer_new(sd_event *event, clockid_t clock, sd_event_time_handler_t handler, void *userdata,
                const char *description, sd_event_source **ret);

/* Arms it for this time of its clock; USEC_INFINITY turns it off. Returns 0, or a negative errno that
 * has been logged. */
int event_timer_arm(sd_event_source *timer, usec_t when);

/* Likewise, so much later than the loop's now. */
int event_timer_arm_relative(sd_event_source *timer, usec_t delay);

#endif
