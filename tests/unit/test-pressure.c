/* SPDX-License-Identifier: Apache-2.0 */
/* Each contract of core/pressure.h by itself; test-pressure-levels.c plays whole curves. */

#include "pressure-simulation.h"

#define INODES 1000000

/* A node at so many hundredths of a percent. */
typedef struct At {
        unsigned available, free, disk, inodes;
} At;

/* Rounded up, so that it is this share and not one less. */
static uint64_t part_of(uint64_t whole, unsigned share) {
        return whole / SHARE_ALL * share + (whole % SHARE_ALL * share + SHARE_ALL - 1) / SHARE_ALL;
}

static NodeFigures figures_at(uint64_t memory, uint64_t disk, At at) {
        NodeFigures f = node_figures_unknown();

        f.memory_total = memory;
        f.memory_available = part_of(memory, at.available);
        f.memory_free = part_of(memory, at.free);
        f.disk_total = disk;
        f.disk_used = part_of(disk, at.disk);
        f.inodes_total = INODES;
        f.inodes_used = part_of(INODES, at.inodes);
        return f;
}

/* How long after a sample the next one is. */
static usec_t period_of(const Settings *s, const NodeFigures *f) {
        Pressure p;

        pressure_init(&p);
        pressure_sample(&p, s, f, EPOCH);
        return usec_sub(pressure_sample_at(&p, s, f, EPOCH), EPOCH);
}

static usec_t memory_period(const Settings *s, uint64_t total, unsigned available) {
        NodeFigures f = figures_at(total, GB, (At){ .available = available, .free = available });

        return period_of(s, &f);
}

static void test_share_is_exact(void **state) {
        NodeFigures f = memory_figures(UINT64_C(1) << 63, (UINT64_C(1) << 63) / 20);

        (void)state;
        assert_int_equal(pressure_share(&f, PRESSURE_MEMORY_AVAILABLE), 499); /* a byte less than 5 % */
        f.memory_available++;
        assert_int_equal(pressure_share(&f, PRESSURE_MEMORY_AVAILABLE), 500);
        f.memory_free = f.memory_total / 20;
        assert_int_equal(pressure_share(&f, PRESSURE_MEMORY_USED), 9500);
        f.memory_free++;
        assert_int_equal(pressure_share(&f, PRESSURE_MEMORY_USED), 9499);

        /* More than all of it is all of it. */
        f.memory_free = f.memory_available = FIGURE_UNKNOWN - 1;
        assert_int_equal(pressure_share(&f, PRESSURE_MEMORY_AVAILABLE), SHARE_ALL);
        assert_int_equal(pressure_share(&f, PRESSURE_MEMORY_USED), 0);
        f.disk_total = f.inodes_total = 7;
        f.disk_used = f.inodes_used = 8;
        assert_int_equal(pressure_share(&f, PRESSURE_DISK_USED), SHARE_ALL);
        assert_int_equal(pressure_share(&f, PRESSURE_DISK_INODES), SHARE_ALL);
        assert_int_equal(pressure_share(&f, PRESSURE_STALL), SHARE_OFF);
        assert_int_equal(pressure_share(&f, PRESSURE_NO_CAUSE), SHARE_OFF);
}

static void test_thresholds_by_the_settings(void **state) {
        Settings s = pressure_settings();

        (void)state;
        s.pressure.memory_used_high = 9500;
        s.pressure.memory_used_low = 9200;
        s.disk = (DiskSettings){ 9000, 8700, 8000, 7700 };
        assert_int_equal(pressure_enters(&s, PRESSURE_MEMORY_AVAILABLE), 500);
        assert_int_equal(pressure_leaves(&s, PRESSURE_MEMORY_AVAILABLE), 800);
        assert_int_equal(pressure_enters(&s, PRESSURE_MEMORY_USED), 9500);
        assert_int_equal(pressure_leaves(&s, PRESSURE_MEMORY_USED), 9200);
        assert_int_equal(pressure_enters(&s, PRESSURE_DISK_USED), 9000);
        assert_int_equal(pressure_leaves(&s, PRESSURE_DISK_USED), 8700);
        assert_int_equal(pressure_enters(&s, PRESSURE_DISK_INODES), 8000);
        assert_int_equal(pressure_leaves(&s, PRESSURE_DISK_INODES), 7700);

        s.disk.used_high = SHARE_OFF; /* the leaving value is without effect then */
        assert_int_equal(pressure_leaves(&s, PRESSURE_DISK_USED), SHARE_OFF);
        s.pressure.enabled = false;
        for (PressureCause c = PRESSURE_MEMORY_AVAILABLE; c <= PRESSURE_MEMORY_USED; c++) {
                assert_int_equal(pressure_enters(&s, c), SHARE_OFF);
                assert_int_equal(pressure_leaves(&s, c), SHARE_OFF);
        }
        assert_int_equal(pressure_enters(&s, PRESSURE_DISK_INODES), 8000);
        assert_int_equal(pressure_setting(PRESSURE_NO_CAUSE), _SETTING_INVALID);
        assert_false(pressure_is_memory(PRESSURE_NO_CAUSE));
}

/* 0% and 100% are values like others. */
static void test_thresholds_at_the_ends(void **state) {
        Settings s = pressure_settings();
        NodeFigures f = memory_figures(GB, 0);
        Pressure p;

        (void)state;
        s.pressure.sustain = 0;
        s.pressure.memory_available_low = s.pressure.memory_available_high = 0;
        s.pressure.memory_used_high = s.pressure.memory_used_low = SHARE_ALL;
        pressure_init(&p);
        pressure_sample(&p, &s, &f, EPOCH);
        assert_int_equal(pressure_level(&p, EPOCH), PRESSURE_NORMAL); /* nothing is below, nor above */

        s.pressure.memory_available_low = s.pressure.memory_available_high = SHARE_OFF;
        s.pressure.memory_used_high = s.pressure.memory_used_low = SHARE_OFF;
        pressure_sample(&p, &s, &f, EPOCH);
        assert_int_equal(pressure_level(&p, EPOCH), PRESSURE_NORMAL);

        s.pressure.memory_available_low = s.pressure.memory_available_high = SHARE_ALL;
        s.pressure.memory_used_high = s.pressure.memory_used_low = 0;
        f = memory_figures(GB, GB - GB / 5000);
        pressure_sample(&p, &s, &f, EPOCH);
        assert_true(pressure_counts(&p, PRESSURE_MEMORY_AVAILABLE, EPOCH));
        assert_true(pressure_counts(&p, PRESSURE_MEMORY_USED, EPOCH));
        f = memory_figures(GB, GB);
        pressure_sample(&p, &s, &f, EPOCH);
        assert_int_equal(pressure_level(&p, EPOCH), PRESSURE_NORMAL);
}

static void test_time_that_stands_or_ends(void **state) {
        NodeFigures low = memory_figures(GB, 0);
        Settings s = pressure_settings();
        usec_t end = USEC_INFINITY - SEC;
        Pressure p;

        (void)state;
        pressure_init(&p);
        for (unsigned i = 0; i < 100; i++) {
                pressure_sample(&p, &s, &low, EPOCH);
                assert_int_equal(pressure_level(&p, EPOCH), PRESSURE_NORMAL);
                assert_int_equal(pressure_sample_at(&p, &s, &low, EPOCH), EPOCH + SEC);
        }
        pressure_init(&p);
        pressure_sample(&p, &s, &low, end);
        pressure_stalled(&p, end);
        pressure_sample(&p, &s, &low, end + 1);
        assert_int_equal(pressure_level(&p, end + 1), PRESSURE_ELEVATED); /* Sustain= never ends */
        assert_int_equal(pressure_changes_at(&p, end + 1), USEC_INFINITY);
        assert_int_equal(pressure_sample_at(&p, &s, &low, end + 1), USEC_INFINITY);
}

/* What a reload changes holds from the next sample on. */
static void test_settings_change(void **state) {
        NodeFigures f = figures_at(GB, GB, (At){ .available = 400, .free = 400 });
        Settings s = pressure_settings();
        Pressure p;

        (void)state;
        pressure_init(&p);
        pressure_sample(&p, &s, &f, EPOCH);
        s.pressure.sustain = HOUR;
        pressure_sample(&p, &s, &f, EPOCH + 5 * SEC);
        assert_int_equal(pressure_level(&p, EPOCH + 5 * SEC), PRESSURE_NORMAL);
        s.pressure.sustain = 2 * SEC;
        /* Its end is past: the next look is not, or a daemon that cannot read would spin. */
        assert_int_equal(pressure_sample_at(&p, &s, &f, EPOCH + 6 * SEC),
                        EPOCH + 6 * SEC + PRESSURE_PERIOD_MIN);
        pressure_sample(&p, &s, &f, EPOCH + 6 * SEC);
        assert_int_equal(pressure_level(&p, EPOCH + 6 * SEC), PRESSURE_CRITICAL);

        /* Looked at with a threshold that was passed only by a change: as near as can be. */
        pressure_init(&p);
        s.pressure.memory_available_low = 300;
        pressure_sample(&p, &s, &f, EPOCH);
        s.pressure.memory_available_low = 500;
        assert_int_equal(pressure_sample_at(&p, &s, &f, EPOCH), EPOCH + PRESSURE_PERIOD_MIN);
        pressure_sample(&p, &s, &f, EPOCH);
        pressure_sample(&p, &s, &f, EPOCH + 6 * SEC);

        s.pressure.sustain = HOUR; /* it counts already */
        s.pressure.memory_available_low = 300;
        s.pressure.memory_available_high = 401;
        pressure_sample(&p, &s, &f, EPOCH + 7 * SEC);
        assert_int_equal(pressure_level(&p, EPOCH + 7 * SEC), PRESSURE_CRITICAL);
        s.pressure.memory_available_high = 400;
        pressure_sample(&p, &s, &f, EPOCH + 8 * SEC);
        assert_int_equal(pressure_level(&p, EPOCH + 8 * SEC), PRESSURE_NORMAL);
}

static void test_stall_is_turned_off(void **state) {
        NodeFigures f = memory_figures(GB, GB);
        Settings s = pressure_settings();
        Pressure p;

        (void)state;
        pressure_init(&p);
        for (unsigned i = 0; i < 2; i++) {
                s.pressure.enabled = s.pressure.stall.on = true;
                pressure_stalled(&p, EPOCH);
                pressure_sample(&p, &s, &f, EPOCH);
                assert_int_equal(pressure_level(&p, EPOCH), PRESSURE_ELEVATED);
                *(i == 0 ? &s.pressure.enabled : &s.pressure.stall.on) = false;
                pressure_sample(&p, &s, &f, EPOCH);
                assert_int_equal(pressure_level(&p, EPOCH), PRESSURE_NORMAL);
                assert_int_equal(pressure_changes_at(&p, EPOCH), USEC_INFINITY);
        }
}

/* --- when to look again --- */

static const uint64_t sizes[] = { 64 * MB, 256 * MB, 4 * GB, 64 * GB, 1024 * GB, 64 * 1024 * GB,
        64 * 1024 * 1024 * GB };

/* 200 ms of 2 s, told as a counter. */
static bool counted(usec_t grown, usec_t elapsed) {
        const Stall stall = { .on = true, .threshold = 200 * USEC_PER_MSEC, .window = 2 * SEC };
        Pressure p;

        pressure_init(&p);
        pressure_count_stalls(&p, &stall, 7 * SEC, EPOCH);
        assert_false(pressure_counts(&p, PRESSURE_STALL, EPOCH)); /* what was before is not known */
        pressure_count_stalls(&p, &stall, usec_add(7 * SEC, grown), EPOCH + elapsed);
        return pressure_counts(&p, PRESSURE_STALL, EPOCH + elapsed);
}

static void test_counter(void **state) {
        const Stall stall = { .on = true, .threshold = 200 * USEC_PER_MSEC, .window = 2 * SEC };
        Settings s = pressure_settings();
        NodeFigures f = node_figures_unknown();
        Pressure p;

        (void)state;
        assert_true(counted(200 * USEC_PER_MSEC, 2 * SEC));
        assert_false(counted(200 * USEC_PER_MSEC - 1, 2 * SEC));
        /* A tenth of the time, whatever that is. */
        assert_true(counted(390 * USEC_PER_MSEC, 3900 * USEC_PER_MSEC));
        assert_false(counted(389 * USEC_PER_MSEC, 3900 * USEC_PER_MSEC));
        assert_true(counted(SEC, 10 * SEC));
        assert_false(counted(SEC - 1, 10 * SEC));
        assert_true(counted(USEC_INFINITY / 2, 10 * SEC));
        /* Within a window nothing is said yet, and the count goes on. */
        assert_false(counted(2 * SEC, 2 * SEC - 1));
        pressure_init(&p);
        pressure_count_stalls(&p, &stall, 0, EPOCH);
        pressure_count_stalls(&p, &stall, 150 * USEC_PER_MSEC, EPOCH + SEC);
        pressure_count_stalls(&p, &stall, 200 * USEC_PER_MSEC, EPOCH + 2 * SEC);
        assert_true(pressure_counts(&p, PRESSURE_STALL, EPOCH + 2 * SEC));
        /* One that is smaller than before (another cgroup of the same name) tells nothing. */
        pressure_init(&p);
        pressure_count_stalls(&p, &stall, 9 * SEC, EPOCH);
        pressure_count_stalls(&p, &stall, SEC, EPOCH + 2 * SEC);
        assert_false(pressure_counts(&p, PRESSURE_STALL, EPOCH + 2 * SEC));
        pressure_count_stalls(&p, &stall, 2 * SEC, EPOCH + 4 * SEC);
        assert_true(pressure_counts(&p, PRESSURE_STALL, EPOCH + 4 * SEC));
        /* What grew while it was turned off does not count. */
        s.pressure.stall.on = false;
        pressure_sample(&p, &s, &f, EPOCH + 5 * SEC);
        pressure_forget_counter(&p);
        pressure_count_stalls(&p, &stall, 9 * SEC, EPOCH + 9 * SEC);
        assert_false(pressure_counts(&p, PRESSURE_STALL, EPOCH + 9 * SEC));
}

static void test_cause(void **state) {
        Pressure p;

        (void)state;
        pressure_init(&p);
        assert_int_equal(pressure_cause(&p, EPOCH), PRESSURE_NO_CAUSE);
        pressure_stalled(&p, EPOCH);
        assert_int_equal(pressure_cause(&p, EPOCH), PRESSURE_STALL);
        p.thresholds[PRESSURE_DISK_INODES].counts = true;
        assert_int_equal(pressure_cause(&p, EPOCH), PRESSURE_DISK_INODES);
        p.thresholds[PRESSURE_MEMORY_USED].counts = true;
        assert_int_equal(pressure_cause(&p, EPOCH), PRESSURE_MEMORY_USED);
}

static void test_rest_above_half(void **state) {
        static const unsigned lows[] = { 0, 1, 500, 3000, 5000 };
        Settings s = pressure_settings();

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(sizes); i++)
                for (size_t l = 0; l < ELEMENTS_OF(lows); l++) {
                        s.pressure.memory_available_low = lows[l];
                        s.pressure.memory_available_high = lows[l] + 300;
                        assert_int_equal(memory_period(&s, sizes[i], 5010), PRESSURE_PERIOD_MAX);
                        assert_int_equal(memory_period(&s, sizes[i], SHARE_ALL), PRESSURE_PERIOD_MAX);
                        /* By MemFree all the same. */
                        s.pressure.memory_used_high = SHARE_ALL - lows[l];
                        assert_int_equal(memory_period(&s, sizes[i], 5010), PRESSURE_PERIOD_MAX);
                        s.pressure.memory_used_high = SHARE_OFF;
                }
}

/* From half down to the threshold: never later with less, and at last at the finest. */
static void test_sooner_when_nearer(void **state) {
        static const unsigned lows[] = { 200, 500, 3000, 4900, 6000, 9000 };
        Settings s = pressure_settings();

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(sizes); i++)
                for (size_t l = 0; l < ELEMENTS_OF(lows); l++) {
                        usec_t previous = PRESSURE_PERIOD_MAX;

                        s.pressure.memory_available_low = lows[l];
                        for (unsigned available = SHARE_ALL; available > lows[l]; available--) {
                                usec_t period = memory_period(&s, sizes[i], available);

                                assert_in_range(period, PRESSURE_PERIOD_MIN, previous);
                                previous = period;
                        }
                        assert_int_equal(previous, PRESSURE_PERIOD_MIN);
                }
}

/* Halfway from half to the threshold, and what can be filled in that time. */
static void test_period_by_hand(void **state) {
        Settings s = pressure_settings();

        (void)state;
        s.pressure.memory_available_low = 1000;
        assert_in_range(memory_period(&s, 1024 * GB, 3000), 4999 * USEC_PER_MSEC, 5 * SEC);
        assert_in_range(memory_period(&s, 1024 * GB, 1400), 999 * USEC_PER_MSEC, SEC);
        assert_in_range(memory_period(&s, 1024 * GB, 4999), 9996 * USEC_PER_MSEC, 9998 * USEC_PER_MSEC);
        /* A GiB a second. */
        assert_in_range(memory_period(&s, 10 * GB, 3000), 1990 * USEC_PER_MSEC, 2000 * USEC_PER_MSEC);
        assert_in_range(memory_period(&s, 10 * GB, 1500), 490 * USEC_PER_MSEC, 500 * USEC_PER_MSEC);
        /* All of a small machine in four. */
        assert_in_range(memory_period(&s, 256 * MB, 3000), 780 * USEC_PER_MSEC, 800 * USEC_PER_MSEC);
        assert_in_range(memory_period(&s, 256 * MB, 4999), 1570 * USEC_PER_MSEC, 1600 * USEC_PER_MSEC);
        assert_int_equal(memory_period(&s, 256 * MB, 1001), PRESSURE_PERIOD_MIN);

        /* By MemFree all the same. */
        s.pressure.memory_available_low = SHARE_OFF;
        s.pressure.memory_used_high = 9000;
        assert_in_range(memory_period(&s, 1024 * GB, 3000), 4999 * USEC_PER_MSEC, 5 * SEC);
        assert_in_range(memory_period(&s, 10 * GB, 3000), 1990 * USEC_PER_MSEC, 2000 * USEC_PER_MSEC);
        s.pressure.memory_used_high = SHARE_OFF;

        s.pressure.memory_available_low = 6000; /* far from 80 % on */
        assert_int_equal(memory_period(&s, 1024 * GB, 8010), PRESSURE_PERIOD_MAX);
        assert_in_range(memory_period(&s, 1024 * GB, 7000), 4999 * USEC_PER_MSEC, 5 * SEC);
        s.pressure.memory_available_low = SHARE_ALL;
        assert_int_equal(memory_period(&s, 1024 * GB, SHARE_ALL), PRESSURE_PERIOD_MIN);
}

static usec_t disk_period(const Settings *s, uint64_t disk, unsigned used, unsigned inodes) {
        NodeFigures f = figures_at(
                        GB, disk, (At){ .available = 9000, .free = 9000, .disk = used, .inodes = inodes });

        return period_of(s, &f);
}

static void test_disk_period(void **state) {
        Settings s = pressure_settings();

        (void)state;
        s.disk.used_high = 9000;
        s.disk.used_low = 8700;
        assert_int_equal(disk_period(&s, 1000 * GB, 8000, 0), PRESSURE_PERIOD_MAX);
        assert_in_range(disk_period(&s, 1000 * GB, 8950, 0), 4980 * USEC_PER_MSEC, 5 * SEC);
        assert_int_equal(disk_period(&s, 1000 * GB, 9000, 0), SEC);
        assert_int_equal(disk_period(&s, GB, 7000, 0), SEC);
        assert_int_equal(disk_period(&s, GB, 4900, 0), PRESSURE_PERIOD_MAX); /* more than half is left */

        s.disk = (DiskSettings){ SHARE_OFF, SHARE_OFF, 9000, 8700 };
        assert_int_equal(disk_period(&s, GB, 0, 7000), 2 * SEC);
        assert_int_equal(disk_period(&s, GB, 0, 8950), SEC);
        assert_int_equal(disk_period(&s, GB, 0, 4900), PRESSURE_PERIOD_MAX);

        /* The soonest of all that are on. */
        s.disk.used_high = 9000;
        assert_in_range(disk_period(&s, 1000 * GB, 8950, 7000), 2 * SEC, 2 * SEC);
        assert_in_range(disk_period(&s, 1000 * GB, 8985, 7000), 1490 * USEC_PER_MSEC, 1500 * USEC_PER_MSEC);
}

/* So many inodes that the time which they take does not go into a number. */
static void test_very_many_inodes(void **state) {
        Settings s = pressure_settings();
        NodeFigures f = node_figures_unknown();

        (void)state;
        s.disk.inodes_high = 9000;
        s.disk.inodes_low = 8700;
        f.inodes_total = UINT64_C(8000000000000000000);
        f.inodes_used = f.inodes_total / 10 * 9 - (UINT64_MAX / 10 + 1);
        assert_int_equal(period_of(&s, &f), PRESSURE_PERIOD_MAX);
}

static void test_nothing_to_look_at(void **state) {
        NodeFigures f = memory_figures(GB, 0);
        Settings s = pressure_settings();

        (void)state;
        s.pressure.memory_available_low = SHARE_OFF;
        assert_int_equal(period_of(&s, &f), USEC_INFINITY);
        s.pressure.memory_available_low = 500;
        s.pressure.enabled = false;
        assert_int_equal(period_of(&s, &f), USEC_INFINITY);

        /* One that is on and cannot be read, or makes no sense: perhaps it can later. */
        s.disk.used_high = 9000;
        assert_int_equal(period_of(&s, &f), PRESSURE_PERIOD_MAX);
        f.disk_total = f.disk_used = 0;
        assert_int_equal(period_of(&s, &f), PRESSURE_PERIOD_MAX);
}

/* Each second, and at the very end, with no two looks closer together than the finest. */
static void test_looks_while_it_waits(void **state) {
        static const usec_t sustains[] = { 1, 50 * USEC_PER_MSEC, 100 * USEC_PER_MSEC, 999 * USEC_PER_MSEC,
                SEC, SEC + 1, SEC + 50 * USEC_PER_MSEC, 2 * SEC + 99999, 5 * SEC, HOUR };
        NodeFigures low = memory_figures(GB, 0);
        Settings s = pressure_settings();

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(sustains); i++) {
                usec_t now = EPOCH, next, end = EPOCH + usec_max(sustains[i], PRESSURE_PERIOD_MIN);
                Pressure p;

                s.pressure.sustain = sustains[i];
                pressure_init(&p);
                for (;; now = next) {
                        pressure_sample(&p, &s, &low, now);
                        if (pressure_level(&p, now) == PRESSURE_CRITICAL)
                                break;
                        next = pressure_sample_at(&p, &s, &low, now);
                        assert_in_range(next - now, PRESSURE_PERIOD_MIN, SEC);
                }
                assert_int_equal(now, end);
                assert_int_equal(pressure_sample_at(&p, &s, &low, now), now + SEC);
        }
}

/* Counting, and back between the two values. */
static void test_looks_while_it_counts(void **state) {
        NodeFigures f = figures_at(GB, GB, (At){ .available = 400 });
        Settings s = pressure_settings();
        Pressure p;

        (void)state;
        s.pressure.sustain = 0;
        pressure_init(&p);
        pressure_sample(&p, &s, &f, EPOCH);
        assert_int_equal(pressure_sample_at(&p, &s, &f, EPOCH), EPOCH + SEC);
        f = figures_at(GB, GB, (At){ .available = 799 });
        pressure_sample(&p, &s, &f, EPOCH + SEC);
        assert_int_equal(pressure_level(&p, EPOCH + SEC), PRESSURE_CRITICAL);
        assert_int_equal(pressure_sample_at(&p, &s, &f, EPOCH + SEC), EPOCH + 2 * SEC);
}

/* Whatever the figures: in time, and not too often. */
static void test_any_figures(void **state) {
        uint64_t random = 5;

        (void)state;
        for (unsigned i = 0; i < 200000; i++) {
                Settings s = pressure_settings();
                NodeFigures f = node_figures_unknown();
                uint64_t *const fields[] = { &f.memory_total, &f.memory_free, &f.memory_available,
                        &f.disk_total, &f.disk_used, &f.inodes_total, &f.inodes_used };
                usec_t period;

                for (size_t n = 0; n < ELEMENTS_OF(fields); n++)
                        *fields[n] = random_next(&random) >> random_below(&random, 64);
                s.pressure.sustain = 0;
                s.pressure.memory_available_low = (unsigned)random_below(&random, SHARE_ALL + 1);
                s.pressure.memory_used_high = (unsigned)random_below(&random, SHARE_ALL + 1);
                s.disk.used_high = (unsigned)random_below(&random, SHARE_ALL + 1);
                s.disk.inodes_high = (unsigned)random_below(&random, SHARE_ALL + 1);
                period = period_of(&s, &f);
                assert_in_range(period, PRESSURE_PERIOD_MIN, PRESSURE_PERIOD_MAX);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_share_is_exact),
                cmocka_unit_test(test_thresholds_by_the_settings),
                cmocka_unit_test(test_thresholds_at_the_ends),
                cmocka_unit_test(test_time_that_stands_or_ends),
                cmocka_unit_test(test_settings_change),
                cmocka_unit_test(test_stall_is_turned_off),
                cmocka_unit_test(test_counter),
                cmocka_unit_test(test_cause),
                cmocka_unit_test(test_rest_above_half),
                cmocka_unit_test(test_sooner_when_nearer),
                cmocka_unit_test(test_period_by_hand),
                cmocka_unit_test(test_disk_period),
                cmocka_unit_test(test_very_many_inodes),
                cmocka_unit_test(test_nothing_to_look_at),
                cmocka_unit_test(test_looks_while_it_waits),
                cmocka_unit_test(test_looks_while_it_counts),
                cmocka_unit_test(test_any_figures),
        };

        return cmocka_run_group_tests_name("pressure", tests, NULL, NULL);
}
