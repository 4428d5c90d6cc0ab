/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_STEADY_CLOCK_H
#define REAPERD_DAEMON_STEADY_CLOCK_H

/*
 * Reads the two clocks of core/instant.h, and notices when the wall clock is set.
 */

#include <systemd/sd-event.h>

#include <stdbool.h>

#include "base/cleanup.h"
#include "core/instant.h"

/* Steps of the wall clock below this are an everyday matter of time synchronisation. */
#define CLOCK_JUMP_MIN USEC_PER_MINUTE

typedef struct SteadyClock SteadyClock;

/* The wall clock was set by `forward` or `backward` microseconds (the other is 0). Forward at least
 * CLOCK_JUMP_MIN; back by however little, as stamps then repeat. */
typedef void (*ClockJumpHandler)(usec_t forward, usec_t backward, void *userdata);

/* `event` may be NULL: then jumps are not watched. Returns 0 or a negative errno. */
int steady_clock_new(sd_event *event, ClockJumpHandler on_jump, void *userdata, SteadyClock **ret);
SteadyClock *steady_clock_free(SteadyClock *c);

/* `realtime` is the engine's wall clock: this machine's, unless steady_clock_set_engine() was called. */
Instant steady_clock_now(const SteadyClock *c);

/* Is the engine on another machine? Then until steady_clock_set_engine() `realtime` is 0, so that every
 * stamp lies in the future and counts as now. */
void steady_clock_set_elsewhere(SteadyClock *c, bool elsewhere);

/* The wall clock of an engine elsewhere reads `realtime` now (0: it does not tell; then ours is taken).
 * Docker's stamps are the engine's, and a clock that differs by minutes would make containers look old
 * enough to go. */
void steady_clock_set_engine(SteadyClock *c, usec_t realtime);

/* The CLOCK_BOOTTIME of a steady time, for timers. */
usec_t steady_clock_to_boottime(const SteadyClock *c, usec_t steady);

/* This machine's CLOCK_REALTIME at a steady time, to be shown; 0 of 0, USEC_INFINITY of that. Two
 * readings tell the same unless the wall clock has been set in between, or slewed by more than a tenth
 * of a second. */
usec_t steady_clock_to_realtime(SteadyClock *c, usec_t steady);

/* Compares the wall clock with what it should be by CLOCK_BOOTTIME, and calls on_jump if it was set
 * since the last comparison. `realtime` and `boottime` are the present readings; the watch calls this
 * with them. */
void steady_clock_compare(SteadyClock *c, usec_t realtime, usec_t boottime);

DEFINE_CLEANUP(SteadyClock *, steady_clock_free, NULL);

#endif
