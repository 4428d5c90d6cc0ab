/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_OBSERVATION_H
#define REAPERD_CORE_OBSERVATION_H

/*
 * What removals bring, seen at the node: how much its free memory (MemFree) grows from before the first
 * DELETE until behind the last one, while one or more are under way without a break. It is the whole
 * machine's, so others move it too; of removals that overlap only the sum can be told.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/node-figures.h"

/* A value; zeroed, nothing is under way. */
typedef struct Observation {
        unsigned under_way;
        unsigned removed;      /* in this run */
        uint64_t free_before;  /* FIGURE_UNKNOWN: not known */
        uint64_t first_serial; /* of the removals in this run; 0: none yet */
} Observation;

/* To be asked in front of observation_begin() and observation_end(): is free memory to be read for it? So it
 * is when the first DELETE begins and when the last ends (and when a second one begins, which ignores it).
 * */
bool observation_is_wanted(const Observation *o);

/* A DELETE is about to be sent. `free`: FIGURE_UNKNOWN if it is not known or not wanted. */
void observation_begin(Observation *o, uint64_t free);

/* One has ended; `serial` is that of its removal, 0 if it removed nothing (or it could not be noted). True
 * if it was the last one under way, something was removed and the change is known: *ret_change is by how
 * much free memory grew, *ret_removed by how many removals (above 0), *ret_first the serial of the first of
 * them. */
bool observation_end(Observation *o, uint64_t serial, uint64_t free, int64_t *ret_change,
                unsigned *ret_removed, uint64_t *ret_first);

#endif
