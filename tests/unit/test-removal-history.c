/* SPDX-License-Identifier: Apache-2.0 */
/* The last removals: what is kept, what makes room, what that costs, and when an allocation fails. */

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* The allocation that fails, counted from 0; SIZE_MAX: none. */
static size_t allocations_left = SIZE_MAX;

static void *failing_calloc(size_t n, size_t size) {
        return allocations_left-- == 0 ? NULL : calloc(n, size);
}

static void *failing_malloc(size_t size) {
        return allocations_left-- == 0 ? NULL : malloc(size);
}

#define calloc(n, size) failing_calloc(n, size)
#define malloc(size)    failing_malloc(size)
#include "../../src/core/shared-text.c"
#include "../../src/core/removal-history.c"
#undef calloc
#undef malloc

#include "core-fixtures.h"

static RemovalHistory *fresh(void) {
        RemovalHistory *h = NULL;

        allocations_left = SIZE_MAX;
        assert_int_equal(removal_history_new(&h), 0);
        assert_null(removal_history_next(h, NULL));
        assert_null(removal_history_last(h));
        return h;
}

static Removal removal_of(uint64_t number) {
        return (Removal){ .serial = 4711,
                .at = EPOCH + number,
                .id = id_of_number(number),
                .verdict = VERDICT_TTL_EXPIRED,
                .outcome = OUTCOME_FAILURE,
                .setting = SETTING_FAILURE,
                .age = DAY,
                .exit_code = 3,
                .attempts = 2,
                .held = { .cached = number },
                .observed = 4711,
                .observed_of = 4711,
                .name = "shop_web.1.0123456789abcdefghijklmno",
                .service = "shop_web",
                .image = "nginx:1.25",
                .origin = "/etc/reaperd/reaperd.conf:12",
                .rule = "databases" };
}

static void add_one(RemovalHistory *h, uint64_t number) {
        Removal r = removal_of(number);

        assert_int_equal(removal_history_add(h, &r), number);
}

/* Those from the first serial to the last, and nothing else. */
static void assert_holds(const RemovalHistory *h, uint64_t first, uint64_t last) {
        uint64_t serial = first;

        for (const Removal *r = removal_history_next(h, NULL); r; r = removal_history_next(h, r), serial++) {
                ContainerId id = id_of_number(serial);

                assert_int_equal(r->serial, serial);
                assert_int_equal(r->at, EPOCH + serial);
                assert_memory_equal(&r->id, &id, sizeof(id));
                assert_int_equal(r->held.cached, serial);
        }
        assert_int_equal(serial, last + 1);
        assert_int_equal(removal_history_last(h)->serial, last);
}

static void test_copies(void **state) {
        _cleanup_(removal_history_freep) RemovalHistory *h = fresh();
        char name[] = "gone soon", origin[] = "label org.reaperd.ttl";
        Removal r = removal_of(1);
        const Removal *kept;

        (void)state;
        r.name = name;
        r.origin = origin;
        r.service = r.rule = NULL;
        r.dry_run = true;
        assert_int_equal(removal_history_add(h, &r), 1);
        memset(name, 'x', sizeof(name) - 1);
        memset(origin, 'x', sizeof(origin) - 1);

        kept = removal_history_last(h);
        assert_ptr_equal(removal_history_next(h, NULL), kept);
        assert_null(removal_history_next(h, kept));
        assert_string_equal(kept->name, "gone soon");
        assert_string_equal(kept->origin, "label org.reaperd.ttl");
        assert_string_equal(kept->image, "nginx:1.25");
        assert_string_equal(kept->service, "");
        assert_string_equal(kept->rule, "");
        assert_true(kept->dry_run);
        assert_int_equal(kept->verdict, VERDICT_TTL_EXPIRED);
        assert_int_equal(kept->outcome, OUTCOME_FAILURE);
        assert_int_equal(kept->setting, SETTING_FAILURE);
        assert_int_equal(kept->age, DAY);
        assert_int_equal(kept->exit_code, 3);
        assert_int_equal(kept->attempts, 2);
        assert_int_equal(kept->observed, 0);
        assert_int_equal(kept->observed_of, 0);

        r = (Removal){ .id = r.id };
        assert_int_equal(removal_history_add(h, &r), 2);
        kept = removal_history_last(h);
        assert_string_equal(kept->name, "");
        assert_string_equal(kept->image, "");
        assert_string_equal(kept->origin, "");
}

static void test_oldest_make_room(void **state) {
        _cleanup_(removal_history_freep) RemovalHistory *h = fresh();

        (void)state;
        for (uint64_t n = 1; n <= 3 * REMOVAL_HISTORY_MAX + 7; n++) {
                Removal r = removal_of(n);
                char image[32];

                snprintf(image, sizeof(image), "image of %ju", (uintmax_t)n);
                r.image = image;
                assert_int_equal(removal_history_add(h, &r), n);
                if (n < 5 || (n + 1) % REMOVAL_HISTORY_MAX < 3)
                        assert_holds(h, n > REMOVAL_HISTORY_MAX ? n - REMOVAL_HISTORY_MAX + 1 : 1, n);
        }
        assert_holds(h, 2 * REMOVAL_HISTORY_MAX + 8, 3 * REMOVAL_HISTORY_MAX + 7);
        assert_int_equal(HASH_COUNT(h->texts), 3 + REMOVAL_HISTORY_MAX); /* those of others are gone */
}

static void assert_observed(const RemovalHistory *h, uint64_t first, int64_t observed, unsigned of) {
        size_t n = 0;

        for (const Removal *r = removal_history_next(h, NULL); r; r = removal_history_next(h, r)) {
                assert_int_equal(r->observed, r->serial >= first ? observed : 0);
                assert_int_equal(r->observed_of, r->serial >= first ? of : 0);
                n++;
        }
        assert_true(n > 0);
}

static void test_observed(void **state) {
        _cleanup_(removal_history_freep) RemovalHistory *h = fresh(), *full = fresh();

        (void)state;
        removal_history_observed(h, 1, 5, 1); /* nothing to note it at */
        for (uint64_t n = 1; n <= 10; n++)
                add_one(h, n);
        assert_observed(h, 11, 0, 0);
        removal_history_observed(h, 8, -12, 3);
        assert_observed(h, 8, -12, 3);
        removal_history_observed(h, 0, 7, 10);
        assert_observed(h, 1, 7, 10);

        /* More than fit were removed at one time. */
        for (uint64_t n = 1; n <= 2 * REMOVAL_HISTORY_MAX; n++)
                add_one(full, n);
        removal_history_observed(full, 2, 99, 2 * REMOVAL_HISTORY_MAX - 1);
        assert_observed(full, 2, 99, 2 * REMOVAL_HISTORY_MAX - 1);
}

static void test_long_texts(void **state) {
        _cleanup_(removal_history_freep) RemovalHistory *h = fresh();
        char text[5000];
        Removal r = removal_of(1);

        (void)state;
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        r.name = r.image = text;
        assert_int_equal(removal_history_add(h, &r), 1);
        assert_int_equal(strlen(removal_history_last(h)->name), TEXT_SIZE_MAX);
        assert_int_equal(strlen(removal_history_last(h)->image), TEXT_SIZE_MAX);
}

static void test_every_allocation_fails_once(void **state) {
        RemovalHistory *none = NULL;
        size_t failed = 0;

        (void)state;
        allocations_left = 0;
        assert_int_equal(removal_history_new(&none), -ENOMEM);
        assert_null(none);

        for (unsigned known = 0; known <= REMOVAL_HISTORY_MAX; known += REMOVAL_HISTORY_MAX / 2) {
                for (size_t nth = 0;; nth++) {
                        _cleanup_(removal_history_freep) RemovalHistory *h = fresh();
                        Removal r = removal_of(known + 1);
                        int64_t k;

                        for (uint64_t n = 1; n <= known; n++)
                                add_one(h, n);
                        r.image = "another";
                        r.rule = "yet another";
                        allocations_left = nth;
                        k = removal_history_add(h, &r);
                        if (k == known + 1) {
                                assert_true(nth > 0 && allocations_left < SIZE_MAX / 2);
                                break;
                        }
                        assert_int_equal(k, -ENOMEM);
                        failed++;
                        allocations_left = SIZE_MAX;

                        /* Nothing is noted, and nothing has made room. */
                        if (known > 0)
                                assert_holds(h, 1, known);
                        else
                                assert_null(removal_history_last(h));
                        assert_int_equal(HASH_COUNT(h->texts), known > 0 ? 4 : 0);
                        add_one(h, known + 1);
                }
        }
        assert_true(failed >= 10);
        allocations_left = SIZE_MAX;
        assert_null(removal_history_free(NULL));
}

static void test_memory(void **state) {
        size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, used;
        _cleanup_(removal_history_freep) RemovalHistory *h = fresh();

        (void)state;
        for (unsigned i = 0; i < REMOVAL_HISTORY_MAX; i++) {
                char name[96], service[64], image[160];
                Removal r = removal_of(i);

                snprintf(service, sizeof(service), "production_service-%03u", i % 100);
                snprintf(name, sizeof(name), "%s.%u.0123456789abcdefghijklmno", service, i % 20);
                snprintf(image, sizeof(image),
                                "registry.example.com/production/service-%03u:1.25.%u@sha256:"
                                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                                i % 100, i % 3);
                r.name = name;
                r.service = service;
                r.image = image;
                assert_true(removal_history_add(h, &r) > 0);
        }
        used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
        print_message("%u removals cost %zu kB\n", REMOVAL_HISTORY_MAX, used / 1024);
        /* Under valgrind and the sanitizers mallinfo2() tells nothing; the struct's size counts there. */
        assert_in_range(used, 0, 400 * 1024);
        assert_true(sizeof(Entry) <= 256);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_oldest_make_room),
                cmocka_unit_test(test_observed),
                cmocka_unit_test(test_long_texts),
                cmocka_unit_test(test_every_allocation_fails_once),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests_name("removal-history", tests, NULL, NULL);
}
