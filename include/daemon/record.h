/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_RECORD_H
#define REAPERD_DAEMON_RECORD_H

/*
 * The records that operators and tools look for in the journal: one a removal, one a quarantine, one
 * each when the engine is lost and back, one when the wall clock was set. Message ids and field names
 * are stable. Fields that mean the same as those of Docker's journald log driver have its names.
 */

#include "core/policy.h"
#include "core/settings.h"

#define MESSAGE_ID_REMOVED      "891fbc50057d4de08f3b69bb4ede2e62"
#define MESSAGE_ID_QUARANTINED  "501c4a071f594f33a304f4cf0883ba3f"
#define MESSAGE_ID_ENGINE_LOST  "952b24e6eda5438599c411c7abd30022"
#define MESSAGE_ID_ENGINE_BACK  "a3ed9b46e7144cf7b616171472f4fb65"
#define MESSAGE_ID_CLOCK_JUMPED "c751ca8d09b94db0bf2b37f1a7ccd03f"

/* Room for "0123456789ab name", the way messages name a container. */
#define CONTAINER_LABEL_MAX 320

/* Writes it; returns buf. */
char *container_label(char *buf, size_t size, const Container *c);

/* "Removed ...", in a dry run "Would remove ...". `attempt` counts from 1. */
void record_removal(const Container *c, const Decision *d, unsigned attempt, bool dry_run);

/* The one warning that it will not be tried again. */
void record_quarantine(const Container *c, unsigned attempts, int error, const char *message);

/* `for_good`: it is not tried again (with --once). */
void record_engine_lost(const char *endpoint, int error, const char *message, bool for_good);
void record_engine_back(const char *endpoint, const char *engine, ApiVersion api);
void record_clock_jump(usec_t forward, usec_t backward);

/* What went wrong with a request, in words: the engine's own, else those of the errno. Borrowed; at
 * most until the next call. */
const char *request_problem(int error, const char *message);

#endif
