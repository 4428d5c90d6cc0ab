/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_RECORD_CONSOLE_H
#define REAPERD_DAEMON_RECORD_CONSOLE_H

/*
 * The records about what operators have asked for over the bus: removals, the end of waits, pauses. As in
 * daemon/record, message ids and field names are stable.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/usec.h"

#define MESSAGE_ID_REQUESTED   "c50da1f90efd4733ac1ce2d3a395e74c"
#define MESSAGE_ID_WAITS_ENDED "4fe93415f9ba46b385a4e034021f26c3"
#define MESSAGE_ID_PAUSED      "c7f3e9df13b140929c8076f2e8ea2a8e"
#define MESSAGE_ID_RESUMED     "d695bc3ca62e4040912eaf8f6a8e4559"

/* Somebody asks for so many containers to be removed. */
void record_requested(size_t n);

/* The waits of a first start and after a reload are over, by an operator's word. */
void record_waits_ended(void);

/* No removals until then (realtime), which is in `span`. */
void record_paused(usec_t until, usec_t span);
void record_resumed(void);

#endif
