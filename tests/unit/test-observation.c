/* SPDX-License-Identifier: Apache-2.0 */
/* Free memory over removals, alone and overlapping. */

#include "core-fixtures.h"
#include "core/observation.h"

#define MB ((uint64_t)1024 * 1024)

typedef struct Told {
        bool told;
        int64_t change;
        unsigned removed;
        uint64_t first;
} Told;

static Told end(Observation *o, uint64_t serial, uint64_t free_now) {
        Told t = { .change = -4711, .removed = 4711, .first = 4711 };

        t.told = observation_end(o, serial, free_now, &t.change, &t.removed, &t.first);
        if (!t.told) /* then the rest is untouched */
                assert_true(t.change == -4711 && t.removed == 4711 && t.first == 4711);
        return t;
}

static void assert_told(Told t, int64_t change, unsigned removed, uint64_t first) {
        assert_true(t.told);
        assert_int_equal(t.change, change);
        assert_int_equal(t.removed, removed);
        assert_int_equal(t.first, first);
}

static void test_alone(void **state) {
        Observation o = {};

        (void)state;
        assert_true(observation_is_wanted(&o));
        observation_begin(&o, 100 * MB);
        assert_true(observation_is_wanted(&o));
        assert_told(end(&o, 9, 150 * MB), (int64_t)(50 * MB), 1, 9);

        /* Others took more than the removal gave; and nothing of the last one is left. */
        assert_true(observation_is_wanted(&o));
        observation_begin(&o, 100 * MB);
        assert_told(end(&o, 10, 70 * MB), -(int64_t)(30 * MB), 1, 10);
        observation_begin(&o, 5);
        assert_told(end(&o, 11, 5), 0, 1, 11);
}

static void test_overlapping(void **state) {
        Observation o = {};

        (void)state;
        observation_begin(&o, 10 * MB);
        observation_begin(&o, 77 * MB); /* not asked for, and ignored */
        observation_begin(&o, FIGURE_UNKNOWN);
        assert_false(observation_is_wanted(&o));
        assert_false(end(&o, 5, 500 * MB).told);
        assert_false(observation_is_wanted(&o));
        observation_begin(&o, 1);
        assert_false(end(&o, 6, FIGURE_UNKNOWN).told);
        assert_false(end(&o, 0, FIGURE_UNKNOWN).told); /* failed */
        assert_true(observation_is_wanted(&o));
        assert_told(end(&o, 7, 22 * MB), (int64_t)(12 * MB), 3, 5);

        /* The last one removed nothing: those before it still count. */
        observation_begin(&o, MB);
        observation_begin(&o, FIGURE_UNKNOWN);
        assert_false(end(&o, 8, FIGURE_UNKNOWN).told);
        assert_told(end(&o, 0, 2 * MB), (int64_t)MB, 1, 8);
}

static void test_nothing_to_tell(void **state) {
        Observation o = {};

        (void)state;
        observation_begin(&o, MB); /* nothing was removed */
        observation_begin(&o, FIGURE_UNKNOWN);
        assert_false(end(&o, 0, FIGURE_UNKNOWN).told);
        assert_false(end(&o, 0, 5 * MB).told);

        observation_begin(&o, FIGURE_UNKNOWN); /* the node did not tell before ... */
        assert_false(end(&o, 1, 5 * MB).told);
        observation_begin(&o, MB); /* ... or does not afterwards */
        assert_false(end(&o, 2, FIGURE_UNKNOWN).told);

        observation_begin(&o, MB);
        assert_told(end(&o, 3, 2 * MB), (int64_t)MB, 1, 3);
        assert_false(end(&o, 4, 3 * MB).told); /* none is under way */
        assert_int_equal(o.under_way, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_alone),
                cmocka_unit_test(test_overlapping),
                cmocka_unit_test(test_nothing_to_tell),
        };

        return cmocka_run_group_tests_name("observation", tests, NULL, NULL);
}
