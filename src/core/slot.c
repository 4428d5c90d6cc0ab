/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "core/slot.h"

usec_t slot_order(const Container *c) {
        if (c->failed_start)
                return c->created;
        return c->finish == FINISH_BOUNDED ? container_not_before(c) : c->finished;
}

int slot_compare(const Container *a, const Container *b) {
        usec_t at_a = slot_order(a), at_b = slot_order(b);

        if (at_a != at_b)
                return at_a > at_b ? -1 : 1;
        if (a->created != b->created)
                return a->created > b->created ? -1 : 1;
        return memcmp(&a->id, &b->id, sizeof(a->id));
}

static void insert(Container *c) {
        Slot *slot = c->slot;
        Container *before = slot->newest;

        /* A list comes in order of creation, events in order of the end: one of the ends is nearly
         * always the right place. */
        if (before && slot_compare(slot->newest->slot_prev, c) < 0) {
                DL_APPEND2(slot->newest, c, slot_prev, slot_next);
                return;
        }
        while (before && slot_compare(before, c) < 0)
                before = before->slot_next;
        if (before)
                DL_PREPEND_ELEM2(slot->newest, before, c, slot_prev, slot_next);
        else
                DL_APPEND2(slot->newest, c, slot_prev, slot_next);
}

bool slot_end_is_exact(const Container *c) {
        return c->failed_start || c->finish == FINISH_EXACT;
}

static void count_inexact(Container *c, bool inexact) {
        if (c->slot_inexact == inexact)
                return;
        c->slot_inexact = inexact;
        if (inexact)
                c->slot->n_inexact++;
        else
                c->slot->n_inexact--;
}

void slot_update(Container *c) {
        Slot *slot = c->slot;
        Container *before = c != slot->newest ? c->slot_prev : NULL, *behind = c->slot_next;

        count_inexact(c, !slot_end_is_exact(c));

        if ((!before || slot_compare(before, c) < 0) && (!behind || slot_compare(c, behind) < 0))
                return;

        DL_DELETE2(slot->newest, c, slot_prev, slot_next);
        /* It moves by little: what was a bound is now the truth, and neighbours had much the same. */
        while (behind && slot_compare(behind, c) < 0)
                behind = behind->slot_next;
        while (before && slot_compare(c, before) < 0) {
                behind = before;
                before = before != slot->newest ? before->slot_prev : NULL;
        }
        if (behind)
                DL_PREPEND_ELEM2(slot->newest, behind, c, slot_prev, slot_next);
        else
                DL_APPEND2(slot->newest, c, slot_prev, slot_next);
}

static int find_or_add(Slot **table, const char *name, Slot **ret) {
        size_t length = strlen(name);
        bool oom = false;
        Slot *slot;

        HASH_FIND(hh, *table, name, length, slot);
        if (!slot) {
                slot = calloc(1, sizeof(*slot) + length + 1);
                if (!slot)
                        return -ENOMEM;
                memcpy(slot->name, name, length);
                HASH_ADD_KEYPTR(hh, *table, slot->name, length, slot);
                if (oom) {
                        free(slot);
                        return -ENOMEM;
                }
        }

        *ret = slot;
        return 0;
}

int slot_join(Slot **table, const char *name, Container *c) {
        int r;

        r = find_or_add(table, name, &c->slot);
        if (r < 0)
                return r;
        insert(c);
        count_inexact(c, !slot_end_is_exact(c));
        return 0;
}

void slot_leave(Slot **table, Container *c) {
        Slot *slot = c->slot;

        if (!slot)
                return;
        slot_set_kept(c, false, false);
        count_inexact(c, false);
        DL_DELETE2(slot->newest, c, slot_prev, slot_next);
        c->slot_prev = c->slot_next = NULL;
        c->slot = NULL;
        if (!slot->newest) {
                HASH_DELETE(hh, *table, slot);
                free(slot);
        }
}

void slot_set_kept(Container *c, bool kept, bool failure) {
        c->kept_failure = kept && failure;
        if (c->kept_last == kept)
                return;
        c->kept_last = kept;
        if (kept)
                c->slot->n_kept++;
        else
                c->slot->n_kept--;
}
