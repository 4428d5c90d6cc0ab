/* SPDX-License-Identifier: Apache-2.0 */

/* What follows on failed removals, and the line that tells how things stand. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/retry.h"
#include "daemon/status.h"

#define NOW (1000 * USEC_PER_DAY)

static const Settings settings = {
        .retry_initial = 5 * USEC_PER_SEC,
        .retry_max = 10 * USEC_PER_MINUTE,
        .quarantine_after = 8,
};

static void test_backoff_then_quarantine(void **state) {
        Container c = { 0 };
        usec_t expected = settings.retry_initial;

        (void)state;
        for (unsigned i = 1; i < 8; i++) {
                assert_int_equal(retry_after_failure(&c, &settings, false, -EREMOTEIO, NOW), RETRY_LATER);
                assert_int_equal(c.attempts, i);
                assert_false(c.quarantined);
                assert_true(c.retry_at <= NOW + expected);
                assert_true(c.retry_at >= NOW + expected - expected / 4);
                expected = usec_min(2 * expected, settings.retry_max);
        }
        assert_int_equal(retry_after_failure(&c, &settings, false, -EREMOTEIO, NOW), RETRY_QUARANTINE);
        assert_true(c.quarantined);
        assert_int_equal(c.attempts, 8);
}

static void test_once(void **state) {
        Container c = { 0 };

        (void)state;
        assert_int_equal(retry_after_failure(&c, &settings, true, -EREMOTEIO, NOW), RETRY_LATER);
        assert_int_equal(c.retry_at, NOW);
        assert_int_equal(retry_after_failure(&c, &settings, true, -EREMOTEIO, NOW), RETRY_LATER);
        assert_int_equal(retry_after_failure(&c, &settings, true, -EREMOTEIO, NOW), RETRY_GIVE_UP);
        assert_true(c.quarantined);

        c = (Container){ 0 };
        for (unsigned i = 0; i < 2; i++)
                assert_int_equal(retry_after_failure(&c, &settings, true, -ECONNRESET, NOW), RETRY_LATER);
        assert_int_equal(retry_after_failure(&c, &settings, true, -ECONNRESET, NOW), RETRY_GIVE_UP);
}

static void test_reconnect(void **state) {
        Container c = { 0 };

        (void)state;
        /* A broken connection is not the container's fault. */
        for (unsigned i = 0; i < 20; i++)
                assert_int_equal(retry_after_failure(&c, &settings, false, -ECONNRESET, NOW), RETRY_LATER);
        assert_int_equal(c.attempts, 0);
        assert_int_equal(c.retry_at, NOW + settings.retry_initial);
        retry_after_reconnect(&c, false);
        assert_int_equal(c.attempts, 0);
        assert_int_equal(c.retry_at, 0);

        /* A time-out may be: a stuck container looks like that. */
        (void)retry_after_failure(&c, &settings, false, -ETIMEDOUT, NOW);
        retry_after_reconnect(&c, false);
        assert_int_equal(c.attempts, 1);
        assert_true(c.retry_at > NOW);

        for (unsigned i = 0; i < 7; i++)
                (void)retry_after_failure(&c, &settings, false, -EREMOTEIO, NOW);
        assert_true(c.quarantined);
        retry_after_reconnect(&c, false);
        assert_true(c.quarantined);

        retry_after_reconnect(&c, true);
        assert_false(c.quarantined);
        assert_int_equal(c.attempts, 0);
        assert_int_equal(c.retry_at, 0);
}

static void test_status(void **state) {
        StatusFigures f = {
                .connected = true, .tracked = 12, .stopped = 5, .removed = 3, .next_in = 90 * USEC_PER_SEC
        };
        char line[256];

        (void)state;
        assert_string_equal(status_format(line, sizeof(line), &f),
                        "Tracking 12 containers, 5 stopped, next due in 1min 30s, 3 removed");
        f.next_in = 0;
        f.dry_run = true;
        assert_string_equal(status_format(line, sizeof(line), &f),
                        "Tracking 12 containers, 5 stopped, next due now, 3 would have been removed");
        f.next_in = USEC_INFINITY;
        assert_non_null(strstr(status_format(line, sizeof(line), &f), "none due"));
        f.connected = false;
        assert_string_equal(status_format(line, sizeof(line), &f),
                        "Waiting for the engine; 3 would have been removed so far");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_backoff_then_quarantine),
                cmocka_unit_test(test_once),
                cmocka_unit_test(test_reconnect),
                cmocka_unit_test(test_status),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
