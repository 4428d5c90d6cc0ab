/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted, by day and by duration. */

#include "core-fixtures.h"
#include "core/figures.h"

static const Holding something = { .cached = 100, .dirty = 20, .disk = 3000, .inodes = 4 };

static void assert_reclaimed(
                const Reclaimed *r, uint64_t cached, uint64_t dirty, uint64_t disk, uint64_t inodes) {
        assert_int_equal(r->cached, cached);
        assert_int_equal(r->dirty, dirty);
        assert_int_equal(r->disk, disk);
        assert_int_equal(r->inodes, inodes);
}

static void test_removals(void **state) {
        Figures f = {};

        (void)state;
        figures_removed(&f, VERDICT_TTL_EXPIRED, &something, 7);
        figures_removed(&f, VERDICT_TTL_EXPIRED, NULL, 7);
        figures_removed(&f, VERDICT_PRESSURE, &something, 7);

        assert_int_equal(f.removals[VERDICT_TTL_EXPIRED], 2);
        assert_int_equal(f.removals[VERDICT_PRESSURE], 1);
        assert_int_equal(f.removals[VERDICT_ORPHAN], 0);
        assert_int_equal(f.removed, 3);
        assert_int_equal(f.removed_today, 3);
        assert_reclaimed(&f.reclaimed, 200, 40, 6000, 8);
        assert_reclaimed(&f.reclaimed_today, 200, 40, 6000, 8);
        assert_int_equal(f.failed, 0);
}

/* What is not known does not count, and sums stay at their end. */
static void test_unknown_and_huge(void **state) {
        const Holding unknown = HOLDING_UNKNOWN, huge = { .cached = UINT64_MAX - 1 };
        Holding only_disk = unknown;
        Figures f = {};

        (void)state;
        only_disk.disk = 5;
        figures_removed(&f, VERDICT_ORPHAN, &unknown, 1);
        figures_removed(&f, VERDICT_ORPHAN, &only_disk, 1);
        assert_reclaimed(&f.reclaimed, 0, 0, 5, 0);
        assert_int_equal(f.removed, 2);

        figures_removed(&f, VERDICT_ORPHAN, &huge, 1);
        figures_removed(&f, VERDICT_ORPHAN, &huge, 1);
        assert_reclaimed(&f.reclaimed, UINT64_MAX, 0, 5, 0);
        assert_reclaimed(&f.reclaimed_today, UINT64_MAX, 0, 5, 0);
}

static void test_midnight(void **state) {
        Figures f = {};

        (void)state;
        figures_removed(&f, VERDICT_ORPHAN, &something, -1);
        figures_today(&f, -1);
        assert_int_equal(f.removed_today, 1);

        figures_today(&f, 0);
        assert_int_equal(f.day, 0);
        assert_int_equal(f.removed_today, 0);
        assert_reclaimed(&f.reclaimed_today, 0, 0, 0, 0);
        assert_int_equal(f.removed, 1);
        assert_int_equal(f.removals[VERDICT_ORPHAN], 1);
        assert_reclaimed(&f.reclaimed, 100, 20, 3000, 4);

        /* The first of the next day begins it. */
        figures_removed(&f, VERDICT_ORPHAN, &something, 0);
        figures_removed(&f, VERDICT_ORPHAN, &something, 1);
        assert_int_equal(f.day, 1);
        assert_int_equal(f.removed_today, 1);
        assert_reclaimed(&f.reclaimed_today, 100, 20, 3000, 4);
        assert_int_equal(f.removed, 3);

        /* Back by a day, as when the time zone changes: today begins anew, nothing else. */
        figures_today(&f, 0);
        assert_int_equal(f.removed_today, 0);
        assert_int_equal(f.removed, 3);
}

static void test_durations(void **state) {
        (void)state;
        for (size_t i = 0; i < FIGURES_BUCKETS_MAX; i++) {
                Figures f = {};

                assert_true(figures_buckets[i] > (i > 0 ? figures_buckets[i - 1] : 0));
                figures_took(&f, figures_buckets[i]);
                assert_int_equal(f.duration_buckets[i], 1);
                figures_took(&f, figures_buckets[i] + 1);
                assert_int_equal(f.duration_buckets[i], 1);
                if (i + 1 < FIGURES_BUCKETS_MAX)
                        assert_int_equal(f.duration_buckets[i + 1], 1);
                figures_took(&f, i > 0 ? figures_buckets[i - 1] + 1 : 0);
                assert_int_equal(f.duration_buckets[i], 2);
                assert_int_equal(f.duration_count, 3);
                assert_int_equal(f.duration_sum,
                                2 * figures_buckets[i] + 1 + (i > 0 ? figures_buckets[i - 1] + 1 : 0));
        }
}

static void test_endless_duration(void **state) {
        Figures f = {};
        uint64_t in_buckets = 0;

        (void)state;
        figures_took(&f, USEC_INFINITY);
        figures_took(&f, SEC);
        for (size_t i = 0; i < FIGURES_BUCKETS_MAX; i++)
                in_buckets += f.duration_buckets[i];
        assert_int_equal(in_buckets, 1);
        assert_int_equal(f.duration_count, 2);
        assert_int_equal(f.duration_sum, USEC_INFINITY);
}

static void test_names(void **state) {
        static const char *const names[] = { "connect", "interval", "loss", "reload", "swarm" };

        (void)state;
        assert_int_equal(ELEMENTS_OF(names), _RESYNC_CAUSE_MAX);
        for (ResyncCause cause = 0; cause < _RESYNC_CAUSE_MAX; cause++)
                assert_string_equal(resync_cause_name(cause), names[cause]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_removals),
                cmocka_unit_test(test_unknown_and_huge),
                cmocka_unit_test(test_midnight),
                cmocka_unit_test(test_durations),
                cmocka_unit_test(test_endless_duration),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
