/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation when each of its allocations fails once: there is none, and nothing is left of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The allocation that fails, counted from 0; SIZE_MAX: none. */
static size_t allocations_left = SIZE_MAX;
static long live_allocations;

static bool allocation_fails(void) {
        if (allocations_left == SIZE_MAX)
                return false;
        if (allocations_left-- > 0)
                return false;
        allocations_left = SIZE_MAX;
        return true;
}

static void *hooked_realloc(void *old, size_t size) {
        if (allocation_fails())
                return NULL;
        live_allocations += !old;
        return realloc(old, size);
}

static char *hooked_strdup(const char *text) {
        if (allocation_fails())
                return NULL;
        live_allocations++;
        return strdup(text);
}

static int hooked_vasprintf(char **ret, const char *format, va_list ap)
                __attribute__((format(printf, 2, 0)));
static int hooked_vasprintf(char **ret, const char *format, va_list ap) {
        int n;

        if (allocation_fails()) {
                *ret = (char *)0x1; /* undefined by the manual: nobody may use it */
                return -1;
        }
        n = vasprintf(ret, format, ap);
        live_allocations += n >= 0;
        return n;
}

static int hooked_asprintf(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int hooked_asprintf(char **ret, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = hooked_vasprintf(ret, format, ap);
        va_end(ap);
        return n;
}

static void hooked_free(void *p) {
        live_allocations -= p != NULL;
        free(p);
}

#undef strdup
#define realloc(old, size)         hooked_realloc(old, size)
#define strdup(text)               hooked_strdup(text)
#define vasprintf(ret, format, ap) hooked_vasprintf(ret, format, ap)
#define asprintf(...)              hooked_asprintf(__VA_ARGS__)
#define free(p)                    hooked_free(p)
/* What is released by _cleanup_free_ is counted too. */
#include "base/cleanup.h"
#include "../../src/base/text.c"
#include "../../src/core/setting-value.c"
#include "../../src/core/explanation-sentence.c"
#include "../../src/core/explanation-text.c"
#include "../../src/core/explanation-level.c"
#include "../../src/core/explanation.c"
#undef realloc
#undef strdup
#undef vasprintf
#undef asprintf
#undef free

#include "explanation-fixture.h"

static void everything_fails_once(void (*apply)(World *), size_t least) {
        Explanation e;
        size_t nth;
        World w;

        build(&w);
        apply(&w);
        (void)decide(&w, NOW);
        live_allocations = 0;
        for (nth = 0;; nth++) {
                memset(&e, 0x55, sizeof(e));
                allocations_left = nth;
                if (explanation_make(&w.c, &w.situation, NOW, &e) == 0)
                        break;
                assert_int_equal(allocations_left, SIZE_MAX);
                assert_int_equal(live_allocations, 0);
                for (size_t i = 0; i < sizeof(e); i++) /* the output is untouched */
                        assert_int_equal(((const uint8_t *)&e)[i], 0x55);
        }
        /* All were tried, and none that failed was passed over. */
        assert_int_not_equal(allocations_left, SIZE_MAX);
        assert_true(nth >= least);
        assert_true(live_allocations > 0);
        allocations_left = SIZE_MAX;
        explanation_done(&e);
        assert_int_equal(live_allocations, 0);
        clear(&w);
}

static void test_every_allocation_fails_once(void **state) {
        (void)state;
        everything_fails_once(nothing, 100);
        everything_fails_once(retain_by_max_ttl, 100);
        everything_fails_once(label_for_a_while, 100);
        everything_fails_once(in_batch_as_last_failure, 100);
        everything_fails_once(no_longer_exited, 100);
        everything_fails_once(plain_by_rule, 100);
        everything_fails_once(keep_but_requested, 100);
        everything_fails_once(scope_unknown_and_kept, 100);
        everything_fails_once(rule_from_file_only_matches, 100);
        everything_fails_once(plain, 5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_allocation_fails_once),
        };

        return cmocka_run_group_tests_name("explanation-memory", tests, NULL, NULL);
}
