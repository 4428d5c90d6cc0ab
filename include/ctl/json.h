/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_JSON_H
#define REAPERD_CTL_JSON_H

/*
 * Answers for programs: one array, an object a row. Numbers are whole and exact up to 64 bits (a double
 * of cJSON's would not be), what is not known is null, and what would drive a terminal is escaped, as
 * JSON allows.
 *
 * Errors are kept until the end: the functions that fill rows do nothing once memory is out, and the
 * printing ones return -ENOMEM.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "ctl/node.h"

#define JSON_DEPTH_MAX 8

typedef struct cJSON cJSON;

/* A zeroed one is empty; release with json_done(). */
typedef struct JsonRows {
        cJSON *array;
        cJSON *open[JSON_DEPTH_MAX]; /* the row and what has been begun in it */
        size_t depth;
        bool out_of_memory;
} JsonRows;

void json_done(JsonRows *j);

/* Begins a row; with a node of several it has "node" first. */
void json_row(JsonRows *j, const Node *node);

/* Members of the row, or of what has been begun in it (`key` is then NULL in an array). Keys are static;
 * those of times and spans end in "_usec". */
void json_text(JsonRows *j, const char *key, const char *text); /* NULL and "" are null */
void json_u64(JsonRows *j, const char *key, uint64_t value);    /* UINT64_MAX is null */
void json_i64(JsonRows *j, const char *key, int64_t value);
/* A point in time: what has not been, or never comes, is null, whether told as 0 or as USEC_INFINITY. */
void json_time(JsonRows *j, const char *key, usec_t realtime);
void json_bool(JsonRows *j, const char *key, bool value);
void json_null(JsonRows *j, const char *key);
void json_begin_array(JsonRows *j, const char *key);
void json_begin_object(JsonRows *j, const char *key);
void json_end(JsonRows *j); /* what was begun last */

/* Writes the array to stdout with a line break behind it, "[]" if it has no row. Returns 0 or -ENOMEM. */
int json_print(const JsonRows *j, JsonMode mode);

/* Writes each row on a line of its own, and forgets them. Likewise. */
int json_print_lines(JsonRows *j);

#define _cleanup_json_ _cleanup_(json_done)

#endif
