/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "ctl/format.h"
#include "ctl/removal-row.h"

void removal_row_done(RemovalRow *row) {
        for (size_t i = 0; i < _ROW_TEXT_MAX; i++)
                free(row->texts[i]);
        *row = (RemovalRow){ 0 };
}

void removal_rows_done(RemovalRows *l) {
        for (size_t i = 0; i < l->n; i++)
                removal_row_done(&l->rows[i]);
        free(l->rows);
        *l = (RemovalRows){ 0 };
}

/* Moves it out, with its texts. */
static RemovalRow take_row(RemovalRow *row) {
        RemovalRow taken = *row;

        *row = (RemovalRow){ 0 };
        return taken;
}

int removal_row_read(sd_bus_message *m, RemovalRow *ret) {
        _cleanup_(removal_row_done) RemovalRow row = { .has_exit_code = true };
        const char *t[_ROW_TEXT_MAX];
        int32_t exit_code;
        uint32_t of, attempts;
        int dry_run, r;

        r = sd_bus_message_read(m, "(" REMOVAL_ROW_TYPE ")", &row.at, &t[ROW_ID], &t[ROW_NAME],
                        &t[ROW_SERVICE], &t[ROW_IMAGE], &t[ROW_OUTCOME], &t[ROW_VERDICT], &t[ROW_SETTING],
                        &t[ROW_ORIGIN], &t[ROW_RULE], &row.age, &exit_code, &row.cached, &row.dirty,
                        &row.disk, &row.inodes, &row.observed, &of, &dry_run, &attempts);
        if (r <= 0)
                return r;

        for (size_t i = 0; i < _ROW_TEXT_MAX; i++) {
                row.texts[i] = strdup(t[i]);
                if (!row.texts[i])
                        return -ENOMEM;
        }
        row.exit_code = exit_code;
        row.observed_of = of;
        row.dry_run = dry_run;
        row.attempts = attempts;

        *ret = take_row(&row);
        return 1;
}

char *removal_row_format_observed(char *buf, const RemovalRow *row) {
        char size[SIZE_TEXT_MAX];
        int64_t mean;

        if (row->observed_of == 0) {
                snprintf(buf, FORMAT_MAX, "-");
                return buf;
        }
        mean = row->observed / (int64_t)row->observed_of;
        snprintf(buf, FORMAT_MAX, "%s%s%s", row->observed_of > 1 ? "~" : "", mean < 0 ? "-" : "",
                        size_format_short(size, mean < 0 ? -(uint64_t)mean : (uint64_t)mean));
        return buf;
}

void removal_row_json(JsonRows *j, const RemovalRow *row) {
        static const char *const keys[_ROW_TEXT_MAX] = {
                [ROW_ID] = "id",
                [ROW_NAME] = "name",
                [ROW_SERVICE] = "service",
                [ROW_IMAGE] = "image",
                [ROW_OUTCOME] = "outcome",
                [ROW_VERDICT] = "verdict",
                [ROW_SETTING] = "setting",
                [ROW_ORIGIN] = "origin",
                [ROW_RULE] = "rule",
        };

        json_time(j, "when_usec", row->at);
        for (size_t i = 0; i < _ROW_TEXT_MAX; i++)
                json_text(j, keys[i], row->texts[i]);
        json_u64(j, "age_usec", row->age);
        if (row->has_exit_code)
                json_i64(j, "exit_code", row->exit_code);
        else
                json_null(j, "exit_code");
        json_u64(j, "held_cached", row->cached);
        json_u64(j, "held_dirty", row->dirty);
        json_u64(j, "held_disk", row->disk);
        json_u64(j, "held_inodes", row->inodes);
        if (row->observed_of > 0) {
                json_i64(j, "observed", row->observed);
                json_u64(j, "observed_of", row->observed_of);
        } else {
                json_null(j, "observed");
                json_null(j, "observed_of");
        }
        json_bool(j, "dry_run", row->dry_run);
        if (row->attempts > 0)
                json_u64(j, "attempts", row->attempts);
        else
                json_null(j, "attempts");
}

static int reserve(RemovalRows *l, size_t n) {
        size_t size = l->size > 0 ? l->size : 64;
        RemovalRow *rows;

        while (size < n)
                size *= 2;
        if (size == l->size)
                return 0;
        rows = reallocarray(l->rows, size, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        l->rows = rows;
        l->size = size;
        return 0;
}

int removal_rows_add(RemovalRows *l, RemovalRow *row) {
        int r = reserve(l, l->n + 1);

        if (r < 0)
                return r;
        l->rows[l->n++] = take_row(row);
        return 0;
}

static int compare_age(const void *a, const void *b) {
        const RemovalRow *x = a, *y = b;

        if (x->at != y->at)
                return x->at < y->at ? -1 : 1;
        if (x->dry_run != y->dry_run)
                return x->dry_run ? 1 : -1;
        return strcmp(x->texts[ROW_ID], y->texts[ROW_ID]);
}

void removal_rows_sort(RemovalRows *l) {
        if (l->n > 0)
                qsort(l->rows, l->n, sizeof(*l->rows), compare_age);
}

/* A row, and which of those of one container it would rather be. */
typedef struct Place {
        RemovalRow *row;
        bool preferred;
} Place;

static int compare_subject(const Place *x, const Place *y) {
        if (x->row->dry_run != y->row->dry_run)
                return x->row->dry_run ? 1 : -1;
        return strcmp(x->row->texts[ROW_ID], y->row->texts[ROW_ID]);
}

/* By container, and of each container the row that stays in front. */
static int compare_places(const void *a, const void *b) {
        const Place *x = a, *y = b;
        int c = compare_subject(x, y);

        if (c != 0)
                return c;
        if (x->preferred != y->preferred)
                return x->preferred ? -1 : 1;
        if (x->row->at != y->row->at)
                return x->row->at > y->row->at ? -1 : 1;
        return 0;
}

int removal_rows_merge(RemovalRows *first, RemovalRows *second) {
        _cleanup_free_ Place *places = NULL;
        size_t n_first = first->n, n = 0;
        int r;

        places = calloc(first->n + second->n + 1, sizeof(*places));
        if (!places)
                return -ENOMEM;
        r = reserve(first, first->n + second->n);
        if (r < 0)
                return r;

        if (second->n > 0)
                memcpy(first->rows + first->n, second->rows, second->n * sizeof(*second->rows));
        first->n += second->n;
        second->n = 0;
        removal_rows_done(second);

        for (size_t i = 0; i < first->n; i++)
                places[i] = (Place){ &first->rows[i], i < n_first };
        qsort(places, first->n, sizeof(*places), compare_places);
        /* From behind, as what a row is compared with must still have its texts. */
        for (size_t i = first->n; i-- > 1;)
                if (compare_subject(&places[i - 1], &places[i]) == 0)
                        removal_row_done(places[i].row);

        for (size_t i = 0; i < first->n; i++)
                if (first->rows[i].texts[ROW_ID])
                        first->rows[n++] = first->rows[i];
        first->n = n;
        removal_rows_sort(first);
        return 0;
}

void removal_rows_keep_newest(RemovalRows *l, size_t n) {
        size_t surplus = l->n > n ? l->n - n : 0;

        for (size_t i = 0; i < surplus; i++)
                removal_row_done(&l->rows[i]);
        if (surplus > 0)
                memmove(l->rows, l->rows + surplus, (l->n - surplus) * sizeof(*l->rows));
        l->n -= surplus;
}
