/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_RECORD_H
#define REAPERD_DAEMON_RECORD_H

/*
 * The records that operators and tools look for in the journal: one a removal, one a quarantine, one
 * each when the engine is lost and back, when the wall clock was set, when a new configuration holds or
 * was refused, and when removals wait after a reload or a first start. Message ids and field names are
 * stable, and systemd/reaperd.catalog explains each id. Fields that mean the same as those of Docker's
 * journald log driver have its names.
 */

#include "core/holding.h"
#include "core/policy.h"
#include "core/settings.h"

#define MESSAGE_ID_REMOVED        "891fbc50057d4de08f3b69bb4ede2e62"
#define MESSAGE_ID_QUARANTINED    "501c4a071f594f33a304f4cf0883ba3f"
#define MESSAGE_ID_ENGINE_LOST    "952b24e6eda5438599c411c7abd30022"
#define MESSAGE_ID_ENGINE_BACK    "a3ed9b46e7144cf7b616171472f4fb65"
#define MESSAGE_ID_CLOCK_JUMPED   "c751ca8d09b94db0bf2b37f1a7ccd03f"
#define MESSAGE_ID_RELOADED       "b063cf467207471b8c0208bb3dd86940"
#define MESSAGE_ID_RELOAD_REFUSED "d3a1ee574bcf4bf7bd3d26c78e54f560"
#define MESSAGE_ID_SURGE_HELD     "f8f2f8d2de7a472fb18f32c94810e6fc"
#define MESSAGE_ID_FIRST_RUN      "d551eb072b184614ad0d508b12b007c0"

/* Room for "0123456789ab name", the way messages name a container. */
#define CONTAINER_LABEL_MAX 320

/* The most that a record holds of a container's log. */
#define RECORD_LOG_TAIL_MAX 4096

/* Writes it; returns buf. */
char *container_label(char *buf, size_t size, const Container *c);

/* What is told of a removal besides the container and the decision. */
typedef struct RemovalRecord {
        unsigned attempt; /* counts from 1 */
        bool dry_run;
        const Holding *held;     /* what it held; NULL: it is not known */
        const int64_t *observed; /* by how much free memory grew with its removal alone; NULL: not known */
        /* The last lines of its log as the container wrote them, any bytes, NULs too; of these the newest
         * are recorded, escaped. NULL: none were read. */
        const char *log_tail;
        size_t log_size;
} RemovalRecord;

/* "Removed ...", in a dry run "Would remove ...". Rule and origin come from c->profile, which may be
 * NULL. */
void record_removal(const Container *c, const Decision *d, const RemovalRecord *record);

/* The one warning that it will not be tried again. */
void record_quarantine(const Container *c, unsigned attempts, int error, const char *message);

/* `for_good`: it is not tried again (with --once). */
void record_engine_lost(const char *endpoint, int error, const char *message, bool for_good);
void record_engine_back(const char *endpoint, const char *engine, ApiVersion api);
void record_clock_jump(usec_t forward, usec_t backward);

/* A new configuration holds. */
void record_reloaded(size_t n_rules, bool endpoint_changed);

/* The old configuration still holds; the errors have been logged, or more than can be. */
void record_reload_refused(size_t n_errors);

/* A reload made `n` containers due at once, more than `limit`; the first of them goes after `wait`. */
void record_surge_held(size_t n, unsigned limit, usec_t wait);

/* One of these; `verdict` is what it would have gone as. */
void record_held(const Container *c, Verdict verdict);

/* The wait of a first start begins; `n_due` containers would go otherwise. */
void record_first_run(size_t n_due, usec_t wait);

/* What went wrong with a request, in words: the engine's own, else those of the errno. Borrowed; at
 * most until the next call. */
const char *request_problem(int error, const char *message);

#endif
