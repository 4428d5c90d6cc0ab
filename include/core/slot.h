/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_SLOT_H
#define REAPERD_CORE_SLOT_H

/*
 * The stopped containers that followed each other in one place: of a replicated service "service.slot",
 * of a global one "service.node", of a job each task by itself; of a plain container its Compose
 * service, else its image. Newest end first, as far as it is known: where it is only bounded, the bound
 * counts. One exists while it has members.
 */

#include <stddef.h>

#include "base/hash.h"
#include "core/container.h"

struct Slot {
        Container *newest; /* a list over slot_next; newest->slot_prev is the oldest */
        UT_hash_handle hh;
        unsigned n_kept;    /* those with kept_last set */
        unsigned n_inexact; /* those whose end is not exact */
        char name[];
};

/* The time by which members are ordered: the end, or what is known of it; a failed start's creation. */
usec_t slot_order(const Container *c);

/* Below 0 if a comes in front of b: ended later; of ends at one time, was created later; else by the id. */
int slot_compare(const Container *a, const Container *b);

/* Puts c, which is in no slot, into the one of this name; *table (NULL while there is none) holds all
 * slots. Cheap at both ends of the slot's list. Returns 0 or -ENOMEM. */
int slot_join(Slot **table, const char *name, Container *c);
/* c is in a slot: moves it to where it belongs now. */
void slot_update(Container *c);
/* Nothing happens if it is in none. */
void slot_leave(Slot **table, Container *c);

/* Is its end known as an inspect tells it? */
bool slot_end_is_exact(const Container *c);

/* Notes whether it is kept as one of the last, and whether as a failure. */
void slot_set_kept(Container *c, bool kept, bool failure);

#endif
