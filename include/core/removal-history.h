/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_REMOVAL_HISTORY_H
#define REAPERD_CORE_REMOVAL_HISTORY_H

/*
 * The last removals, for the console: what the journal has too, but at hand without it. Full, the oldest
 * makes room.
 */

#include "base/cleanup.h"
#include "core/holding.h"
#include "core/policy.h"

#define REMOVAL_HISTORY_MAX 1000

typedef struct Removal {
        uint64_t serial; /* counts from 1 */
        usec_t at;       /* realtime */
        ContainerId id;
        Verdict verdict;
        Outcome outcome;
        SettingId setting;
        usec_t age;
        int exit_code;
        bool dry_run;
        unsigned attempts;
        Holding held;
        int64_t observed;     /* bytes by which free memory grew while it and others were removed */
        unsigned observed_of; /* by how many, it included; 0: not observed (yet) */
        const char *name, *service, *image, *origin, *rule; /* never NULL: "" for what is not known */
} Removal;

typedef struct RemovalHistory RemovalHistory;

int removal_history_new(RemovalHistory **ret);
/* NULL is fine; returns NULL. */
RemovalHistory *removal_history_free(RemovalHistory *h);
DEFINE_CLEANUP(RemovalHistory *, removal_history_free, NULL);

/* Notes a removal (a copy; serial, observed and observed_of are set here). Texts that are NULL count as "",
 * those beyond TEXT_SIZE_MAX are cut; those that many have in common are kept once. The oldest of a full
 * history is released. Returns its serial, or -ENOMEM (nothing is noted). */
int64_t removal_history_add(RemovalHistory *h, const Removal *removal);

/* What was observed while those from this serial on were removed, as far as they have not made room already.
 * */
void removal_history_observed(RemovalHistory *h, uint64_t from_serial, int64_t observed, unsigned of);

/* Iterates, the oldest first: NULL is in front of the first; NULL at the end. Nothing may be added
 * meanwhile. */
const Removal *removal_history_next(const RemovalHistory *h, const Removal *removal);
/* The newest; NULL if there is none. */
const Removal *removal_history_last(const RemovalHistory *h);

#endif
