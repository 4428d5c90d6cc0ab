/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_RECORD_PRESSURE_H
#define REAPERD_DAEMON_RECORD_PRESSURE_H

/*
 * The records about pressure: the level has changed, a batch has been judged, removing has been given up.
 * As in daemon/record, message ids and field names are stable.
 */

#include "core/relief.h"
#include "daemon/record.h"
#include "node/memory-cgroup.h"

#define MESSAGE_ID_PRESSURE_LEVEL   "ac659e20fa944c568d3fe962e0d8e5ca"
#define MESSAGE_ID_PRESSURE_BATCH   "bc62f5436385426287712ffec99af0ab"
#define MESSAGE_ID_PRESSURE_GAVE_UP "35891f859da14e04b1b7f67a0f5ceb0a"
#define MESSAGE_ID_PRESSURE_NOTHING "c29ddb0d0a4f4f0f9c7d2d9a5a6be3a1"

/* So many users of memory are named when it is given up. */
#define RECORD_TOP_USERS_MAX 5

/* `cause` of PRESSURE_CRITICAL, with the share that it is at; `was` at the normal level: which it is the end
 * of. */
void record_pressure_level(PressureLevel level, PressureLevel was, PressureCause cause, unsigned share,
                const Settings *settings);

/* A batch was judged, `settings` being those it was judged by; in a dry run it was not. */
void record_pressure_batch(const ReliefReport *report, const Settings *settings, bool dry_run);

/* ... and with it removing is given up for its cause; `users`: who uses most memory, as far as it is
 * known. */
void record_pressure_gave_up(const ReliefReport *report, const Settings *settings, const MemoryUser *users,
                size_t n_users);

/* None of so many stopped ones may go against this cause. */
void record_pressure_nothing(PressureCause cause, unsigned share, size_t n_stopped, const MemoryUser *users,
                size_t n_users);

#endif
