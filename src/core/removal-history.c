/* SPDX-License-Identifier: Apache-2.0 */

#include "core/removal-history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/shared-text.h"

typedef struct Entry {
        Removal removal;
        SharedText *service, *image, *origin, *rule;
        char name[];
} Entry;

/* A serial's place is its remainder: they follow each other without a gap. */
struct RemovalHistory {
        uint64_t last; /* serial; 0: there is none yet */
        SharedText *texts;
        Entry *entries[REMOVAL_HISTORY_MAX];
};

int removal_history_new(RemovalHistory **ret) {
        RemovalHistory *h;

        h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;
        *ret = h;
        return 0;
}

static void entry_free(RemovalHistory *h, Entry *e) {
        if (!e)
                return;
        shared_text_unref(&h->texts, e->service);
        shared_text_unref(&h->texts, e->image);
        shared_text_unref(&h->texts, e->origin);
        shared_text_unref(&h->texts, e->rule);
        free(e);
}

RemovalHistory *removal_history_free(RemovalHistory *h) {
        if (!h)
                return NULL;
        for (size_t i = 0; i < REMOVAL_HISTORY_MAX; i++)
                entry_free(h, h->entries[i]);
        free(h);
        return NULL;
}

static const char *or_empty(const char *text) {
        return text ? text : "";
}

static SharedText *keep(RemovalHistory *h, const char **text) {
        SharedText *t;

        t = shared_text_ref(&h->texts, or_empty(*text));
        *text = shared_text(t);
        return t;
}

static Entry *entry_new(RemovalHistory *h, const Removal *removal) {
        const char *name = or_empty(removal->name);
        size_t n = strnlen(name, TEXT_SIZE_MAX);
        Removal *r;
        Entry *e;

        e = calloc(1, sizeof(*e) + n + 1);
        if (!e)
                return NULL;

        memcpy(e->name, name, n);
        e->removal = *removal;
        r = &e->removal;
        r->name = e->name;
        e->service = keep(h, &r->service);
        e->image = keep(h, &r->image);
        e->origin = keep(h, &r->origin);
        e->rule = keep(h, &r->rule);
        if (!e->service || !e->image || !e->origin || !e->rule) {
                entry_free(h, e);
                return NULL;
        }
        return e;
}

static Entry **place(const RemovalHistory *h, uint64_t serial) {
        return (Entry **)&h->entries[serial % REMOVAL_HISTORY_MAX];
}

int64_t removal_history_add(RemovalHistory *h, const Removal *removal) {
        Entry *e, **to;

        e = entry_new(h, removal);
        if (!e)
                return -ENOMEM;

        e->removal.serial = ++h->last;
        e->removal.observed = 0;
        e->removal.observed_of = 0;
        to = place(h, h->last);
        entry_free(h, *to);
        *to = e;
        return (int64_t)h->last;
}

/* The serial of the oldest that is still there; with none, one above the last. */
static uint64_t oldest(const RemovalHistory *h) {
        return h->last > REMOVAL_HISTORY_MAX ? h->last - REMOVAL_HISTORY_MAX + 1 : 1;
}

void removal_history_observed(RemovalHistory *h, uint64_t from_serial, int64_t observed, unsigned of) {
        uint64_t first = oldest(h);

        for (uint64_t serial = from_serial > first ? from_serial : first; serial <= h->last; serial++) {
                Removal *r = &(*place(h, serial))->removal;

                r->observed = observed;
                r->observed_of = of;
        }
}

const Removal *removal_history_next(const RemovalHistory *h, const Removal *removal) {
        uint64_t serial = removal ? removal->serial + 1 : oldest(h);

        return serial <= h->last ? &(*place(h, serial))->removal : NULL;
}

const Removal *removal_history_last(const RemovalHistory *h) {
        return h->last > 0 ? &(*place(h, h->last))->removal : NULL;
}
