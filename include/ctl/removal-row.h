/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_REMOVAL_ROW_H
#define REAPERD_CTL_REMOVAL_ROW_H

/*
 * A removal as `history` and `watch` show it, told by the daemon or found in the journal, and how what both
 * know becomes one list.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/usec.h"
#include "ctl/json.h"

/* A figure that nobody knows; the daemon says it so on the bus too. */
#define ROW_UNKNOWN UINT64_MAX

/* As the D-Bus contract has it. */
#define REMOVAL_ROW_TYPE "tssssssssstittttxubu"

typedef enum RemovalText {
        ROW_ID, /* 64 digits */
        ROW_NAME,
        ROW_SERVICE,
        ROW_IMAGE,
        ROW_OUTCOME,
        ROW_VERDICT,
        ROW_SETTING,
        ROW_ORIGIN,
        ROW_RULE,
        _ROW_TEXT_MAX,
} RemovalText;

/* Owns its texts. */
typedef struct RemovalRow {
        const Node *node;           /* borrowed */
        usec_t at;                  /* realtime */
        char *texts[_ROW_TEXT_MAX]; /* never NULL in a row that is whole; "" for what is not known */
        usec_t age;                 /* ROW_UNKNOWN, as the figures below */
        bool has_exit_code;
        int exit_code;
        uint64_t cached, dirty, disk, inodes;
        int64_t observed;     /* bytes by which free memory grew while it and others were removed */
        unsigned observed_of; /* by how many, it included; 0: not observed */
        bool dry_run;
        unsigned attempts; /* 0: not known */
} RemovalRow;

void removal_row_done(RemovalRow *row);

/* Reads one from a message; it owns copies. Returns 1, 0 at the end of an array, or a negative errno. */
int removal_row_read(sd_bus_message *m, RemovalRow *ret);

/* What came back by it: "50.1M", "~12.0M" for the mean of several that were removed at once, "-" if nobody
 * looked. buf has FORMAT_MAX bytes; returns it. */
char *removal_row_format_observed(char *buf, const RemovalRow *row);

/* All of it, as members of what is open in j. */
void removal_row_json(JsonRows *j, const RemovalRow *row);

/* A list of rows; zeroed, it is empty. Release with removal_rows_done(). */
typedef struct RemovalRows {
        RemovalRow *rows;
        size_t n, size;
} RemovalRows;

void removal_rows_done(RemovalRows *l);

/* Takes the row over. Returns 0, or -ENOMEM with the row still the caller's. */
int removal_rows_add(RemovalRows *l, RemovalRow *row);

/* Makes one list of two, the oldest first. Of several rows of one container (with the same dry_run) the one
 * from `first` stays, else the newest. `second` is empty then. Returns 0, or -ENOMEM with both untouched. */
int removal_rows_merge(RemovalRows *first, RemovalRows *second);

/* The oldest first. */
void removal_rows_sort(RemovalRows *l);

/* Drops the oldest until at most n are left. */
void removal_rows_keep_newest(RemovalRows *l, size_t n);

#endif
