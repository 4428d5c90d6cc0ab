/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Removals as the console has them: what the fields of a journal record tell, and how two lists become one.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/format.h"
#include "ctl/journal.h"

static RemovalRow unknown_row(void) {
        return (RemovalRow){
                .age = ROW_UNKNOWN,
                .cached = ROW_UNKNOWN,
                .dirty = ROW_UNKNOWN,
                .disk = ROW_UNKNOWN,
                .inodes = ROW_UNKNOWN,
        };
}

static void take(RemovalRow *row, const char *field) {
        assert_int_equal(journal_take_field(row, field, strlen(field)), 0);
}

static void takes_fields(void **state) {
        RemovalRow row = unknown_row();

        (void)state;
        take(&row, "CONTAINER_ID=0123456789ab");
        take(&row, "CONTAINER_ID_FULL=0123");
        take(&row, "CONTAINER_NAME=web.3=x");
        take(&row, "SWARM_SERVICE_NAME=web");
        take(&row, "IMAGE_NAME=image");
        take(&row, "REAPERD_VERDICT=orphan");
        take(&row, "REAPERD_SETTING=OrphanAge");
        take(&row, "REAPERD_ORIGIN=default");
        take(&row, "REAPERD_RULE=jobs");
        take(&row, "REAPERD_AGE_USEC=3600000000");
        take(&row, "REAPERD_EXIT_CODE=-1");
        take(&row, "REAPERD_DRY_RUN=1");
        take(&row, "REAPERD_ATTEMPT=3");
        take(&row, "REAPERD_HELD_BYTES=18446744073709551614");
        take(&row, "REAPERD_HELD_DIRTY_BYTES=0");
        take(&row, "REAPERD_HELD_DISK_BYTES=4096");
        take(&row, "REAPERD_HELD_INODES=7");
        take(&row, "REAPERD_OBSERVED_BYTES=-4096");

        assert_string_equal(row.texts[ROW_ID], "0123");
        assert_string_equal(row.texts[ROW_NAME], "web.3=x");
        assert_string_equal(row.texts[ROW_SERVICE], "web");
        assert_string_equal(row.texts[ROW_IMAGE], "image");
        assert_string_equal(row.texts[ROW_VERDICT], "orphan");
        assert_string_equal(row.texts[ROW_SETTING], "OrphanAge");
        assert_string_equal(row.texts[ROW_ORIGIN], "default");
        assert_string_equal(row.texts[ROW_RULE], "jobs");
        assert_int_equal(row.age, 3600 * USEC_PER_SEC);
        assert_true(row.has_exit_code);
        assert_int_equal(row.exit_code, -1);
        assert_true(row.dry_run);
        assert_int_equal(row.attempts, 3);
        assert_true(row.cached == UINT64_MAX - 1);
        assert_int_equal(row.dirty, 0);
        assert_int_equal(row.disk, 4096);
        assert_int_equal(row.inodes, 7);
        assert_int_equal(row.observed, -4096);
        assert_int_equal(row.observed_of, 1);
        removal_row_done(&row);
}

static void ignores_what_is_none(void **state) {
        static const char *const fields[] = {
                "",
                "=",
                "REAPERD_VERDIC=x",
                "REAPERD_VERDICTS=x",
                "REAPERD_VERDICT",
                "MESSAGE=Removed x",
                "REAPERD_AGE_USEC=",
                "REAPERD_AGE_USEC=-1",
                "REAPERD_AGE_USEC= 1",
                "REAPERD_AGE_USEC=1s",
                "REAPERD_AGE_USEC=0x10",
                "REAPERD_AGE_USEC=18446744073709551616",
                "REAPERD_AGE_USEC=000000000000000000000000000001",
                "REAPERD_EXIT_CODE=2147483648",
                "REAPERD_EXIT_CODE=",
                "REAPERD_EXIT_CODE=-",
                "REAPERD_EXIT_CODE=--1",
                "REAPERD_DRY_RUN=yes",
                "REAPERD_DRY_RUN=2",
                "REAPERD_ATTEMPT=0",
                "REAPERD_ATTEMPT=-1",
                "REAPERD_HELD_BYTES=1.5",
                "REAPERD_OBSERVED_BYTES=9223372036854775808",
                "REAPERD_OBSERVED_BYTES=much",
        };
        RemovalRow row = unknown_row(), untouched = unknown_row();

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(fields); i++) {
                take(&row, fields[i]);
                if (memcmp(&row, &untouched, sizeof(row)) != 0)
                        fail_msg("\"%s\" was taken for something", fields[i]);
        }

        /* A field may stand in a record more than once; and what follows the field is not its. */
        take(&row, "REAPERD_VERDICT=orphan");
        take(&row, "REAPERD_VERDICT=ttl-expired");
        assert_string_equal(row.texts[ROW_VERDICT], "orphan");
        assert_int_equal(journal_take_field(&row, "REAPERD_AGE_USEC=123", strlen("REAPERD_AGE_USEC=12")), 0);
        assert_int_equal(row.age, 12);
        removal_row_done(&row);
}

static void add(RemovalRows *l, const char *id, usec_t at, bool dry_run, const char *name) {
        RemovalRow row = { .at = at, .dry_run = dry_run };

        for (size_t i = 0; i < _ROW_TEXT_MAX; i++)
                row.texts[i] = strdup(i == ROW_ID ? id : i == ROW_NAME ? name : "");
        assert_int_equal(removal_rows_add(l, &row), 0);
}

/* The names in order. */
static void check_names(const RemovalRows *l, const char *expected) {
        char names[1024] = "";

        for (size_t i = 0; i < l->n; i++)
                snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i > 0 ? " " : "",
                                l->rows[i].texts[ROW_NAME]);
        assert_string_equal(names, expected);
}

static void merges(void **state) {
        RemovalRows daemon = { 0 }, journal = { 0 };

        (void)state;
        add(&daemon, "c", 30, false, "c-daemon");
        add(&daemon, "d", 40, false, "d-daemon");
        add(&daemon, "e", 50, true, "e-dry");

        add(&journal, "a", 10, false, "a-journal");
        add(&journal, "b", 20, false, "b-journal");
        add(&journal, "c", 31, false, "c-journal"); /* the daemon's own time, a little later */
        add(&journal, "d", 40, true, "d-dry");      /* would have been, before it was */
        add(&journal, "e", 60, false, "e-journal");
        /* Would be removed again at each start of a dry run: the last time counts. */
        add(&journal, "f", 15, true, "f-first");
        add(&journal, "f", 16, true, "f-last");

        assert_int_equal(removal_rows_merge(&daemon, &journal), 0);
        assert_int_equal(journal.n, 0);
        check_names(&daemon, "a-journal f-last b-journal c-daemon d-daemon d-dry e-dry e-journal");

        removal_rows_keep_newest(&daemon, 100);
        assert_int_equal(daemon.n, 8);
        removal_rows_keep_newest(&daemon, 2);
        check_names(&daemon, "e-dry e-journal");
        removal_rows_keep_newest(&daemon, 0);
        assert_int_equal(daemon.n, 0);
        removal_rows_done(&daemon);
}

static void merges_nothing(void **state) {
        RemovalRows a = { 0 }, b = { 0 };

        (void)state;
        assert_int_equal(removal_rows_merge(&a, &b), 0);
        assert_int_equal(a.n, 0);
        add(&b, "x", 1, false, "x");
        assert_int_equal(removal_rows_merge(&a, &b), 0);
        check_names(&a, "x");
        assert_int_equal(removal_rows_merge(&a, &b), 0);
        check_names(&a, "x");
        removal_rows_done(&a);
}

static void merges_many(void **state) {
        RemovalRows daemon = { 0 }, journal = { 0 };
        char id[16];

        (void)state;
        for (int i = 0; i < 1000; i++) {
                snprintf(id, sizeof(id), "%d", 9000 + i);
                add(&daemon, id, (usec_t)(9000 + i), false, "daemon");
        }
        for (int i = 9999; i >= 0; i--) {
                snprintf(id, sizeof(id), "%d", i);
                add(&journal, id, (usec_t)i, false, "journal");
        }
        assert_int_equal(removal_rows_merge(&daemon, &journal), 0);
        assert_int_equal(daemon.n, 10000);
        for (size_t i = 0; i < daemon.n; i++) {
                assert_int_equal(daemon.rows[i].at, i);
                assert_string_equal(daemon.rows[i].texts[ROW_NAME], i < 9000 ? "journal" : "daemon");
        }
        removal_rows_done(&daemon);
}

static void tells_observed(void **state) {
        static const struct {
                int64_t observed;
                unsigned of;
                const char *text;
        } cases[] = {
                { 52533658, 1, "50.1M" },
                { 36 << 20, 3, "~12.0M" },
                { 12345, 0, "-" },
                { -(3 << 20), 1, "-3.0M" },
                { -(6 << 20), 2, "~-3.0M" },
                { 0, 1, "0B" },
                { INT64_MIN, 1, "-8.0E" },
                { INT64_MAX, UINT_MAX, "~2.0G" },
        };
        char buf[FORMAT_MAX];

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                RemovalRow row = { .observed = cases[i].observed, .observed_of = cases[i].of };

                assert_string_equal(removal_row_format_observed(buf, &row), cases[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(takes_fields),
                cmocka_unit_test(ignores_what_is_none),
                cmocka_unit_test(merges),
                cmocka_unit_test(merges_nothing),
                cmocka_unit_test(merges_many),
                cmocka_unit_test(tells_observed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
