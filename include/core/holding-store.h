/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_HOLDING_STORE_H
#define REAPERD_CORE_HOLDING_STORE_H

/*
 * The Holdings of those containers that have been measured. They are kept aside and not in the Container:
 * most nodes give no right to measure, and each container there is to cost no more for it.
 */

#include "base/hash.h"
#include "core/holding.h"

typedef struct HeldBy {
        const void *owner;
        Holding holding;
        UT_hash_handle hh;
} HeldBy;

/* Zeroed: empty. */
typedef struct HoldingStore {
        HeldBy *entries;
} HoldingStore;

/* NULL: there is none. */
const Holding *holding_store_find(const HoldingStore *s, const void *owner);
/* Takes a copy, in place of what is there. Returns 0 or -ENOMEM (nothing is changed). */
int holding_store_set(HoldingStore *s, const void *owner, const Holding *h);
/* Nothing happens if there is none. */
void holding_store_drop(HoldingStore *s, const void *owner);

#endif
