/* SPDX-License-Identifier: Apache-2.0 */

#include <time.h>

#include "base/cleanup.h"
#include "core-fixtures.h"
#include "core/backoff.h"

static void test_doubles_up_to_the_maximum(void **state) {
        static const usec_t want[] = { 0, 5, 10, 20, 40, 80, 160, 320, 600, 600, 600 };

        (void)state;
        for (unsigned i = 0; i < ELEMENTS_OF(want); i++)
                assert_int_equal(backoff_delay(i, 5 * SEC, 600 * SEC, 0), want[i] * SEC);
        assert_int_equal(backoff_delay(0, 5 * SEC, 600 * SEC, UINT32_MAX), 0);
        assert_int_equal(backoff_delay(1, 700 * SEC, 600 * SEC, 0), 600 * SEC);
        assert_int_equal(backoff_delay(UINT32_MAX, 5 * SEC, 600 * SEC, 0), 600 * SEC);
}

static void test_jitter_takes_up_to_a_quarter(void **state) {
        usec_t least = USEC_INFINITY, most = 0, sum = 0;
        uint64_t random = 7;

        (void)state;
        for (unsigned i = 0; i < 10000; i++) {
                usec_t d = backoff_delay(3, 5 * SEC, 600 * SEC, (uint32_t)random_next(&random));

                least = usec_min(least, d);
                most = usec_max(most, d);
                sum += d;
        }
        assert_in_range(least, 15 * SEC, 15 * SEC + 50 * USEC_PER_MSEC);
        assert_in_range(most, 20 * SEC - 50 * USEC_PER_MSEC, 20 * SEC);
        assert_in_range(sum / 10000, 17400 * USEC_PER_MSEC, 17600 * USEC_PER_MSEC);

        /* More random takes more, evenly. */
        assert_int_equal(backoff_delay(1, 8 * SEC, 600 * SEC, UINT32_C(1) << 31), 7 * SEC);
        assert_int_equal(backoff_delay(1, 8 * SEC, 600 * SEC, UINT32_C(1) << 30), 7500 * USEC_PER_MSEC);
        assert_int_equal(backoff_delay(1, UINT64_C(1) << 60, USEC_INFINITY, UINT32_C(1) << 31),
                        (UINT64_C(1) << 60) - (UINT64_C(1) << 57));
}

static void test_bounds_at_the_extremes(void **state) {
        static const usec_t times[] = { 1, 2, 3, 4, SEC, HOUR, 365 * DAY, UINT64_C(1) << 32,
                UINT64_C(1) << 34, (UINT64_C(1) << 63) - 1, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1,
                USEC_INFINITY - 1, USEC_INFINITY };
        static const unsigned attempts[] = { 1, 2, 3, 31, 32, 33, 63, 64, 65, 1000, UINT32_MAX - 1,
                UINT32_MAX };
        static const uint32_t randoms[] = { 0, 1, UINT32_C(1) << 31, UINT32_MAX - 1, UINT32_MAX };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(times); i++)
                for (size_t m = 0; m < ELEMENTS_OF(times); m++)
                        for (size_t a = 0; a < ELEMENTS_OF(attempts); a++) {
                                usec_t full = usec_min(times[i], times[m]), previous = USEC_INFINITY;

                                for (unsigned n = 1; n < attempts[a] && full < times[m]; n++)
                                        full = full > times[m] - full ? times[m] : full + full;
                                for (size_t j = 0; j < ELEMENTS_OF(randoms); j++) {
                                        usec_t d = backoff_delay(
                                                        attempts[a], times[i], times[m], randoms[j]);

                                        assert_true(d <= full);
                                        assert_true(d >= full - full / 4);
                                        assert_true(d <= previous);
                                        previous = d;
                                }
                                assert_int_equal(backoff_delay(attempts[a], times[i], times[m], 0), full);
                        }
}

static void test_random_cases(void **state) {
        uint64_t random = 99;

        (void)state;
        for (unsigned i = 0; i < 100000; i++) {
                usec_t initial = (random_next(&random) >> random_below(&random, 64)) | 1;
                usec_t max = random_next(&random) >> random_below(&random, 64);
                unsigned attempt = (unsigned)random_below(&random, 80);
                uint32_t jitter = (uint32_t)random_next(&random);
                usec_t d = backoff_delay(attempt, initial, max, jitter), full;

                assert_true(d <= max);
                if (attempt == 0) {
                        assert_int_equal(d, 0);
                        continue;
                }
                full = backoff_delay(attempt, initial, max, 0);
                assert_true(d >= full - full / 4 && d <= full);
                assert_true(full >= usec_min(initial, max));
                assert_true(backoff_delay(attempt + 1, initial, max, 0) >= full);
        }
}

/* Doubling nothing gives nothing, and at once, not after as many rounds as there were attempts. */
static void test_nothing_to_wait_for(void **state) {
        clock_t begin = clock();

        (void)state;
        assert_int_equal(backoff_delay(5, 0, HOUR, UINT32_MAX), 0);
        assert_int_equal(backoff_delay(5, HOUR, 0, UINT32_MAX), 0);
        assert_int_equal(backoff_delay(UINT32_MAX, 0, HOUR, UINT32_MAX), 0);
        assert_true(clock() - begin < CLOCKS_PER_SEC / 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_doubles_up_to_the_maximum),
                cmocka_unit_test(test_jitter_takes_up_to_a_quarter),
                cmocka_unit_test(test_bounds_at_the_extremes),
                cmocka_unit_test(test_random_cases),
                cmocka_unit_test(test_nothing_to_wait_for),
        };

        return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
