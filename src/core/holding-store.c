/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>

#include "core/holding-store.h"

static HeldBy *find(const HoldingStore *s, const void *owner) {
        HeldBy *e;

        HASH_FIND_PTR(s->entries, &owner, e);
        return e;
}

const Holding *holding_store_find(const HoldingStore *s, const void *owner) {
        const HeldBy *e = find(s, owner);

        return e ? &e->holding : NULL;
}

int holding_store_set(HoldingStore *s, const void *owner, const Holding *h) {
        HeldBy *e = find(s, owner);
        bool oom = false;

        if (!e) {
                e = calloc(1, sizeof(*e));
                if (!e)
                        return -ENOMEM;
                e->owner = owner;
                HASH_ADD_PTR(s->entries, owner, e);
                if (oom) {
                        free(e);
                        return -ENOMEM;
                }
        }
        e->holding = *h;
        return 0;
}

void holding_store_drop(HoldingStore *s, const void *owner) {
        HeldBy *e = find(s, owner);

        if (!e)
                return;
        HASH_DELETE(hh, s->entries, e);
        free(e);
}
