/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_DUE_QUEUE_H
#define REAPERD_CORE_DUE_QUEUE_H

/*
 * Containers by the moment at which they must be looked at next, soonest first: a binary heap whose
 * elements know their place, so that a container's time can be changed or withdrawn at any moment. Room
 * is made when a container comes into being; scheduling itself can then not fail.
 */

#include "core/container.h"

#define DUE_QUEUE_NONE UINT32_MAX /* queue_index of a container that is not queued */

typedef struct DueQueue {
        Container **heap;
        size_t n, allocated;
} DueQueue;

/* Makes room for `n` elements in all. Returns 0 or -ENOMEM (nothing is changed then). */
int due_queue_reserve(DueQueue *q, size_t n);

void due_queue_done(DueQueue *q);

/* Puts c where `look_at` belongs, or moves it there. USEC_INFINITY withdraws it. There must be room. */
void due_queue_set(DueQueue *q, Container *c, usec_t look_at);

/* Takes c out; nothing happens if it is not in. */
void due_queue_withdraw(DueQueue *q, Container *c);

/* The soonest, or NULL. */
Container *due_queue_first(const DueQueue *q);

#endif
