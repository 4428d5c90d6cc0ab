/* SPDX-License-Identifier: Apache-2.0 */
/* What a real kernel said, replayed: its texts through the parsers, the figures through the levels. */

#include "node/meminfo.h"
#include "node/psi.h"
#include "pressure-recording.h"
#include "pressure-simulation.h"

#define N_FILL   ELEMENTS_OF(recorded_fill)
#define N_THRASH ELEMENTS_OF(recorded_thrash)

static NodeFigures fill_at(size_t i) {
        NodeFigures f = node_figures_unknown();

        assert_int_equal(meminfo_parse(recorded_fill[i].text, &f), 0);
        return f;
}

static size_t lowest(void) {
        size_t low = 0;

        for (size_t i = 0; i < N_FILL; i++)
                if (fill_at(i).memory_available < fill_at(low).memory_available)
                        low = i;
        return low;
}

/* Between two entries, as far into the fall (or the rise behind it) as the time is. */
static void fill_curve(const Sim *sim, NodeFigures *ret) {
        usec_t since = sim->now - EPOCH;
        size_t i = 0;

        while (i + 1 < N_FILL && recorded_fill[i + 1].at <= since)
                i++;
        *ret = fill_at(i);
}

static void test_figures(void **state) {
        NodeFigures first = fill_at(0), low = fill_at(lowest());

        (void)state;
        assert_int_equal(first.memory_total, 24684096 * KB);
        assert_int_equal(first.memory_free, 22752472 * KB);
        assert_int_equal(first.memory_available, 23977732 * KB);
        assert_int_equal(first.cached, 1410272 * KB);
        assert_int_equal(first.dirty, 468 * KB);
        assert_int_equal(first.slab_reclaimable, 104360 * KB);
        assert_int_equal(first.slab_unreclaimable, 34096 * KB);
        assert_int_equal(first.disk_total, FIGURE_UNKNOWN);
        assert_int_equal(pressure_share(&first, PRESSURE_MEMORY_AVAILABLE), 9713);
        /* The process had 6 GB. */
        assert_true(first.memory_available - low.memory_available > 59 * GB / 10);
        assert_true(first.memory_available - low.memory_available < 62 * GB / 10);
}

/* Thresholds by the recording: entered in the midst of the fall, left on the way back. */
static void test_fill(void **state) {
        NodeFigures first = fill_at(0), low = fill_at(lowest());
        unsigned top = pressure_share(&first, PRESSURE_MEMORY_AVAILABLE);
        unsigned bottom = pressure_share(&low, PRESSURE_MEMORY_AVAILABLE);
        usec_t passed = USEC_INFINITY, back = USEC_INFINITY;

        (void)state;
        for (unsigned used = 0; used < 2; used++) {
                PressureCause cause = used ? PRESSURE_MEMORY_USED : PRESSURE_MEMORY_AVAILABLE;
                unsigned enter = (top + bottom) / 2, leave = enter + PERCENT(3);
                Sim sim;

                sim_init(&sim, fill_curve);
                if (used) {
                        enter = (pressure_share(&first, cause) + pressure_share(&low, cause)) / 2;
                        leave = enter - PERCENT(3);
                        sim.settings.pressure.memory_available_low = SHARE_OFF;
                        sim.settings.pressure.memory_used_high = enter;
                        sim.settings.pressure.memory_used_low = leave;
                } else {
                        sim.settings.pressure.memory_available_low = enter;
                        sim.settings.pressure.memory_available_high = leave;
                }
                sim.settings.pressure.sustain = 2 * SEC;
                passed = back = USEC_INFINITY;
                for (size_t i = 0; i < N_FILL; i++) {
                        NodeFigures f = fill_at(i);
                        unsigned share = pressure_share(&f, cause);

                        if (passed == USEC_INFINITY && (used ? share > enter : share < enter))
                                passed = EPOCH + recorded_fill[i].at;
                        if (passed != USEC_INFINITY && back == USEC_INFINITY &&
                                        (used ? share <= leave : share >= leave))
                                back = EPOCH + recorded_fill[i].at;
                }
                assert_true(passed < back && back != USEC_INFINITY);

                sim_run(&sim, EPOCH + MINUTE);
                assert_int_equal(sim.n_changes, 2);
                assert_int_equal(sim.changes[0].level, PRESSURE_CRITICAL);
                /* There was plenty before: it may have been asleep. */
                assert_true(sim.changes[0].at >= passed + 2 * SEC);
                assert_true(sim.changes[0].at <= passed + 2 * SEC + PRESSURE_PERIOD_MAX);
                assert_int_equal(sim.changes[1].level, PRESSURE_NORMAL);
                assert_true(sim.changes[1].at >= back && sim.changes[1].at <= back + SEC);
        }
}

/* Below the lowest that it came to, nothing happens; nor when it stays there shorter than Sustain=. */
static void test_not_passed(void **state) {
        NodeFigures low = fill_at(lowest());
        unsigned bottom = pressure_share(&low, PRESSURE_MEMORY_AVAILABLE);

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                Sim sim;

                sim_init(&sim, fill_curve);
                sim.settings.pressure.memory_available_low = i ? bottom + 1 : bottom;
                sim.settings.pressure.memory_available_high = bottom + PERCENT(3);
                sim_run(&sim, EPOCH + MINUTE);
                assert_int_equal(sim.n_changes, 0);
        }
}

/* The counter of stalled time at a threshold of its own: it fires while the thrashing lasts, and the level
 * is elevated until 10 s behind it. */
static void test_thrash(void **state) {
        const usec_t threshold = 40 * USEC_PER_MSEC, window = 2 * SEC;
        usec_t first = USEC_INFINITY, last = 0, before;
        Sim sim;

        (void)state;
        sim_init(&sim, fill_curve);
        for (unsigned full = 0; full < 2; full++)
                for (size_t i = 0; i < N_THRASH; i++) {
                        usec_t total, then;

                        assert_int_equal(psi_parse_total(recorded_thrash[i].text, full, &total), 0);
                        assert_int_equal(psi_parse_total(recorded_thrash[0].text, full, &before), 0);
                        assert_true(total >= before); /* a counter */
                        if (full) {
                                usec_t some;

                                assert_int_equal(psi_parse_total(recorded_thrash[i].text, false, &some), 0);
                                assert_true(total <= some);
                                continue;
                        }
                        then = total;
                        for (size_t k = 0; k < i; k++)
                                if (recorded_thrash[i].at - recorded_thrash[k].at <= window) {
                                        psi_parse_total(recorded_thrash[k].text, false, &then);
                                        break;
                                }
                        if (total - then < threshold)
                                continue;
                        sim_stall(&sim, EPOCH + recorded_thrash[i].at);
                        first = usec_min(first, recorded_thrash[i].at);
                        last = recorded_thrash[i].at;
                }
        /* It began after a second, and went on for four. */
        assert_true(first > SEC && first < 3 * SEC);
        assert_true(last > 4 * SEC);
        sim_run(&sim, EPOCH + MINUTE);
        assert_int_equal(sim.n_changes, 2);
        assert_int_equal(sim.changes[0].at, EPOCH + first);
        assert_int_equal(sim.changes[0].level, PRESSURE_ELEVATED);
        assert_int_equal(sim.changes[1].at, EPOCH + last + 10 * SEC);
        assert_int_equal(sim.changes[1].level, PRESSURE_NORMAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_figures),
                cmocka_unit_test(test_fill),
                cmocka_unit_test(test_not_passed),
                cmocka_unit_test(test_thrash),
        };

        return cmocka_run_group_tests_name("pressure-replay", tests, NULL, NULL);
}
