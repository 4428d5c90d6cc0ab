/* SPDX-License-Identifier: Apache-2.0 */
/* When the figures are looked at: seldom while there is plenty, soon enough when memory fills up. */

#include "pressure-simulation.h"

static const uint64_t machines[] = { 512 * MB, 24 * GB, 1024 * GB };

static usec_t period(const Settings *s, NodeFigures f) {
        Pressure p;

        pressure_init(&p);
        pressure_sample(&p, s, &f, EPOCH);
        return pressure_sample_at(&p, s, &f, EPOCH) - EPOCH;
}

/* parameter[0]: memory, [1]: available at first, [2]: bytes that go in a second */
static void falling(const Sim *sim, NodeFigures *ret) {
        uint64_t gone = (uint64_t)((double)(sim->now - EPOCH) / (double)SEC * (double)sim->parameter[2]);

        *ret = memory_figures(sim->parameter[0], gone < sim->parameter[1] ? sim->parameter[1] - gone : 0);
}

/* Else these tests would be about another daemon. */
static void test_defaults(void **state) {
        Settings s = pressure_settings(), real;
        const PressureSettings *a = &s.pressure, *b = &real.pressure;
        const char *what;
        SettingId id;

        (void)state;
        assert_int_equal(settings_init(&real), 0);
        assert_int_equal(settings_resolve(&real, &id, &what), 0);
        assert_int_equal(a->enabled, b->enabled);
        assert_int_equal(a->memory_available_low, b->memory_available_low);
        assert_int_equal(a->memory_available_high, b->memory_available_high);
        assert_int_equal(a->memory_used_high, b->memory_used_high);
        assert_int_equal(a->stall.on, b->stall.on);
        assert_int_equal(a->stall.full, b->stall.full);
        assert_int_equal(a->stall.threshold, b->stall.threshold);
        assert_int_equal(a->stall.window, b->stall.window);
        assert_int_equal(a->minimum_age, b->minimum_age);
        assert_int_equal(a->elevated_factor, b->elevated_factor);
        assert_int_equal(a->sustain, b->sustain);
        assert_int_equal(a->cool_down, b->cool_down);
        assert_int_equal(a->batch_size, b->batch_size);
        assert_int_equal(a->order, b->order);
        assert_int_equal(a->minimum_reclaim, b->minimum_reclaim);
        assert_int_equal(a->give_up_after, b->give_up_after);
        assert_int_equal(a->give_up_for, b->give_up_for);
        assert_int_equal(s.disk.used_high, real.disk.used_high);
        assert_int_equal(s.disk.inodes_high, real.disk.inodes_high);
        settings_done(&real);
}

static void test_idle_hour(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(machines); i++)
                for (unsigned used = 0; used < 2; used++) {
                        Sim sim;

                        sim_init(&sim, falling);
                        sim.parameter[0] = machines[i];
                        sim.parameter[1] = machines[i] / 2 + machines[i] / 100;
                        if (used) { /* and no other threshold near */
                                sim.settings.pressure.memory_used_high = PERCENT(98);
                                sim.settings.pressure.memory_used_low = PERCENT(95);
                        }
                        sim_run(&sim, EPOCH + HOUR);
                        if (sim.wakeups > 360 + 1)
                                fail_msg("%u wake-ups in an hour with %" PRIu64 " bytes", sim.wakeups,
                                                machines[i]);
                        assert_true(sim.samples >= 360);
                        assert_int_equal(sim.n_changes, 0);
                }
}

static void test_bounds(void **state) {
        (void)state;
        for (uint64_t seed = 1; seed <= 20000; seed++) {
                uint64_t random = seed, total = random_between(&random, 128 * MB, 4096 * GB);
                Settings s = pressure_settings();
                NodeFigures f = memory_figures(total, random_below(&random, total + 1));
                usec_t p;

                f.disk_total = random_between(&random, 0, 10000 * GB);
                f.disk_used = random_below(&random, f.disk_total + 1);
                if (random_chance(&random, 30)) {
                        s.disk.used_high = (unsigned)random_between(&random, 300, SHARE_ALL);
                        s.disk.used_low = s.disk.used_high - PERCENT(3);
                }
                if (random_chance(&random, 10))
                        f.memory_available = FIGURE_UNKNOWN;
                if (random_chance(&random, 10))
                        s.disk.inodes_high = s.disk.inodes_low = PERCENT(random_below(&random, 101));
                s.pressure.sustain = random_chance(&random, 20) ? 0 : random_below(&random, HOUR);
                p = period(&s, f);
                if (p < PRESSURE_PERIOD_MIN || p > PRESSURE_PERIOD_MAX)
                        fail_msg("seed %" PRIu64 ": after %" PRIu64 " us", seed, p);
        }
}

/* The nearer, the sooner. */
static void test_distance(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(machines); i++) {
                Settings s = pressure_settings(), used = s, disk = s;
                usec_t before = USEC_INFINITY, before_used = USEC_INFINITY, before_disk = USEC_INFINITY;
                uint64_t unit = machines[i] / 200;

                used.pressure.memory_available_low = SHARE_OFF;
                used.pressure.memory_used_high = PERCENT(95);
                used.pressure.memory_used_low = PERCENT(92);
                disk.pressure.enabled = false;
                disk.disk = (DiskSettings){ PERCENT(95), PERCENT(92), SHARE_OFF, SHARE_OFF };
                for (uint64_t left = 200; left > 10; left--) {
                        NodeFigures f = memory_figures(machines[i], left * unit);
                        NodeFigures full = node_figures_unknown();
                        usec_t p = period(&s, f), p_used = period(&used, f), p_disk;

                        full.disk_total = 200 * unit;
                        full.disk_used = (200 - left) * unit;
                        p_disk = period(&disk, full);
                        if (left > 100)
                                assert_int_equal(p, PRESSURE_PERIOD_MAX);
                        assert_true(p <= before && p_used <= before_used && p_disk <= before_disk);
                        before = p;
                        before_used = p_used;
                        before_disk = p_disk;
                }
                /* Half a percent from it. */
                assert_true(before < PRESSURE_PERIOD_MAX);
                assert_true(before_used < PRESSURE_PERIOD_MAX);
                assert_true(before_disk <= PRESSURE_PERIOD_MAX);
        }
}

static void test_waiting_and_counting(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(machines); i++)
                for (usec_t sustain = SEC / 2; sustain < 20 * SEC; sustain += 1234567) {
                        Settings s = pressure_settings();
                        NodeFigures f = memory_figures(machines[i], machines[i] / 50);
                        usec_t now = EPOCH, at;
                        Pressure p;

                        pressure_init(&p);
                        s.pressure.sustain = sustain;
                        while (pressure_level(&p, now) != PRESSURE_CRITICAL) {
                                pressure_sample(&p, &s, &f, now);
                                at = pressure_sample_at(&p, &s, &f, now);
                                assert_true(at > now && at <= now + SEC);
                                if (now < EPOCH + sustain)
                                        assert_true(at <= usec_max(EPOCH + sustain,
                                                                          now + PRESSURE_PERIOD_MIN));
                                assert_true(now <= EPOCH + sustain + PRESSURE_PERIOD_MIN);
                                now = at;
                        }
                        /* While it counts, even just below the leaving value. */
                        f = memory_figures(machines[i], machines[i] / 100 * 79 / 10);
                        pressure_sample(&p, &s, &f, now);
                        assert_int_equal(pressure_level(&p, now), PRESSURE_CRITICAL);
                        assert_true(pressure_sample_at(&p, &s, &f, now) <= now + SEC);
                }
}

static void test_off(void **state) {
        Settings s = pressure_settings();

        (void)state;
        s.pressure.memory_available_low = SHARE_OFF;
        assert_int_equal(period(&s, memory_figures(GB, 0)), USEC_INFINITY - EPOCH);
        s.disk.inodes_high = PERCENT(90);
        s.disk.inodes_low = PERCENT(87);
        assert_true(period(&s, memory_figures(GB, 0)) <= PRESSURE_PERIOD_MAX);
        s = pressure_settings();
        s.pressure.memory_used_high = PERCENT(95);
        s.pressure.memory_used_low = PERCENT(92);
        s.pressure.enabled = false;
        assert_int_equal(period(&s, memory_figures(GB, 0)), USEC_INFINITY - EPOCH);
        s.disk.used_high = PERCENT(90);
        s.disk.used_low = PERCENT(87);
        assert_true(period(&s, memory_figures(GB, 0)) <= PRESSURE_PERIOD_MAX);
}

/* How long after the threshold was passed does the level tell, on memory that fills evenly? No later than
 * Sustain= and the period that was chosen before. */
static void latency(uint64_t total, uint64_t rate, uint64_t from) {
        usec_t passed, chosen, slept, late;
        uint64_t gone;
        double distance;
        Sim sim;

        sim_init(&sim, falling);
        sim.parameter[0] = total;
        sim.parameter[1] = from;
        sim.parameter[2] = rate;
        /* MemAvailable is below 5 % from then on. */
        passed = EPOCH + (usec_t)((double)(from - total / 20) / (double)rate * (double)SEC);
        chosen = sim.now;
        slept = PRESSURE_PERIOD_MIN;
        while (sim.now < passed) {
                chosen = sim.now;
                sim_step(&sim, USEC_INFINITY - 1);
                slept = sim.now - chosen;
        }
        while (sim.level != PRESSURE_CRITICAL) {
                sim_step(&sim, USEC_INFINITY - 1);
                if (sim.now > passed + MINUTE)
                        fail_msg("%" PRIu64 " bytes, %" PRIu64 " a second: never noticed", total, rate);
        }
        late = sim.now - passed;
        if (slept > PRESSURE_PERIOD_MAX ||
                        late > sim.settings.pressure.sustain + slept + PRESSURE_PERIOD_MIN)
                fail_msg("%" PRIu64 " bytes, %" PRIu64 " a second: noticed after %" PRIu64 " us, slept "
                         "%" PRIu64 " us",
                                total, rate, late, slept);
        /* What takes minutes to fill is seen as it happens. */
        if (rate <= total / 100 && late > sim.settings.pressure.sustain + 2 * PRESSURE_PERIOD_MIN)
                fail_msg("%" PRIu64 " bytes, %" PRIu64 " a second: noticed after %" PRIu64 " us", total,
                                rate, late);
        /* The period follows the distance. */
        gone = (uint64_t)((double)(chosen - EPOCH) / (double)SEC * (double)rate);
        distance = (double)(from - gone) / (double)total - 0.05;
        if ((double)slept > (double)PRESSURE_PERIOD_MAX * distance / 0.45 + (double)PRESSURE_PERIOD_MIN)
                fail_msg("%" PRIu64 " bytes, %" PRIu64 " a second: slept for %" PRIu64 " us too near", total,
                                rate, slept);
}

static void test_latency(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(machines); i++)
                for (uint64_t rate = MB; rate <= GB && rate <= machines[i]; rate *= 2)
                        for (unsigned from = 10; from <= 95; from += 17)
                                latency(machines[i], rate, machines[i] / 100 * from);
}

/* Both thresholds of memory, and a hog that only eats the cache: free goes, available stays. */
static void only_free_falls(const Sim *sim, NodeFigures *ret) {
        uint64_t gone = (sim->now - EPOCH) / SEC * 300 * MB;

        *ret = memory_figures(24 * GB, 20 * GB);
        ret->memory_free = gone < 20 * GB ? 20 * GB - gone : 0;
}

static void test_free_falls(void **state) {
        usec_t passed = EPOCH + (20 * GB - 24 * GB / 20) / (300 * MB) * SEC;
        Sim sim;

        (void)state;
        sim_init(&sim, only_free_falls);
        sim.settings.pressure.memory_used_high = PERCENT(95);
        sim.settings.pressure.memory_used_low = PERCENT(92);
        sim_run(&sim, passed + 20 * SEC);
        assert_int_equal(sim_count(&sim, PRESSURE_CRITICAL), 1);
        assert_true(sim_became(&sim, PRESSURE_CRITICAL) <= passed + 5 * SEC + 2 * SEC);
        assert_true(pressure_counts(&sim.pressure, PRESSURE_MEMORY_USED, sim.now));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_idle_hour),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_distance),
                cmocka_unit_test(test_waiting_and_counting),
                cmocka_unit_test(test_off),
                cmocka_unit_test(test_latency),
                cmocka_unit_test(test_free_falls),
        };

        return cmocka_run_group_tests_name("pressure-sampling", tests, NULL, NULL);
}
