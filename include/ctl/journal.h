/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_JOURNAL_H
#define REAPERD_CTL_JOURNAL_H

/*
 * Removals that the daemon no longer has at hand, from the records that it has left in the journal. Only
 * what journald itself says comes from reaperd's unit counts: a message id anybody can write.
 */

#include "ctl/removal-row.h"

/* The most that is read; the newest. */
#define JOURNAL_ROWS_MAX 10000

/* Reads the removals at or behind `since` (realtime), the oldest first, from the journal files in
 * `directory`; NULL: from this machine's journal, as far as the caller may read it. Of more than `max` (at
 * least 1) the newest are read, and *ret_more is true. Fields that are missing or no such thing are unknown.
 * Returns 0; -ENOMEM; another negative errno if there is no such journal. */
int journal_read_removals(const char *directory, usec_t since, size_t max, RemovalRows *ret, bool *ret_more);

/* For tests: sets the part of the row that one field of a record tells ("REAPERD_VERDICT=orphan", of n
 * bytes, without a NUL at the end). Returns 0 or -ENOMEM. */
int journal_take_field(RemovalRow *row, const char *field, size_t n);

#endif
