/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_REGISTRY_FIXTURES_H
#define REAPERD_TESTS_REGISTRY_FIXTURES_H

/*
 * The registry's sources, compiled into the test with an allocator that counts, and that can be told to
 * fail. With the whole of them here, the library's objects of the same names stay out. It also lets a test
 * look inside.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static size_t live_allocations;
static size_t allocations_left = SIZE_MAX; /* when they are used up, one fails; SIZE_MAX: none does */

static bool allocation_fails(void) {
        if (allocations_left == SIZE_MAX)
                return false;
        if (allocations_left-- > 0)
                return false;
        allocations_left = SIZE_MAX;
        return true;
}

static void *counted(void *p) {
        if (p)
                live_allocations++;
        return p;
}

static void *hooked_malloc(size_t size) {
        return allocation_fails() ? NULL : counted(malloc(size));
}

static void *hooked_calloc(size_t n, size_t size) {
        return allocation_fails() ? NULL : counted(calloc(n, size));
}

static void *hooked_reallocarray(void *old, size_t n, size_t size) {
        void *p = allocation_fails() ? NULL : reallocarray(old, n, size);

        return old ? p : counted(p);
}

static char *hooked_strndup(const char *text, size_t n) {
        return allocation_fails() ? NULL : counted(strndup(text, n));
}

static char *hooked_strdup(const char *text) {
        return allocation_fails() ? NULL : counted(strdup(text));
}

static int hooked_asprintf(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int hooked_asprintf(char **ret, const char *format, ...) {
        va_list args;
        int n;

        if (allocation_fails())
                return -1;
        va_start(args, format);
        n = vasprintf(ret, format, args);
        va_end(args);
        if (n >= 0)
                counted(*ret);
        return n;
}

static void hooked_free(void *p) {
        if (p)
                live_allocations--;
        free(p);
}

#undef strdup
#undef strndup
#define malloc(size)               hooked_malloc(size)
#define calloc(n, size)            hooked_calloc(n, size)
#define reallocarray(old, n, size) hooked_reallocarray(old, n, size)
#define strdup(text)               hooked_strdup(text)
#define strndup(text, n)           hooked_strndup(text, n)
#define asprintf(...)              hooked_asprintf(__VA_ARGS__)
#define free(p)                    hooked_free(p)
/* What is released by _cleanup_free_ is counted too. */
#include "base/cleanup.h"
/* The registry first: it has uthash survive without memory. */
#include "../../src/core/registry.c"
#include "../../src/core/due-queue.c"
#define find_or_add slot_find_or_add
#include "../../src/core/slot.c"
#undef find_or_add
#include "../../src/core/profile-store.c"
#include "../../src/core/shared-text.c"
#undef malloc
#undef calloc
#undef reallocarray
#undef strdup
#undef strndup
#undef asprintf
#undef free

#include "core-fixtures.h"

static const Instant start = { .steady = EPOCH, .realtime = EPOCH };

static const SwarmLabels labels = { .task_id = "0123456789abcdefghijklmno",
        .service_name = "shop_web",
        .node_id = "nodenodenodenodenodenoden" };

static ContainerSummary summary_of(uint64_t number) {
        return (ContainerSummary){ .id = id_of_number(number),
                .name = "shop_web.1.0123456789abcdefghijklmno",
                .image = "nginx:1.25",
                .state = CONTAINER_EXITED,
                .created = EPOCH - HOUR,
                .labels = labels };
}

static inline EngineEvent event_of(uint64_t number, EventAction action) {
        EngineEvent e = event_at(action, EPOCH);

        e.id = id_of_number(number);
        e.name = "shop_web.1.0123456789abcdefghijklmno";
        e.image = "nginx:1.25";
        e.labels = labels;
        return e;
}

static inline Container *summary(Registry *r, uint64_t number, Instant now) {
        ContainerSummary s = summary_of(number);
        Container *c = NULL;

        assert_int_equal(registry_apply_summary(r, &s, SCOPE_TASK, &now, now.steady, &c), 0);
        assert_non_null(c);
        assert_ptr_equal(registry_find(r, &s.id), c);
        return c;
}

static inline Container *event(Registry *r, uint64_t number, EventAction action, Instant now) {
        EngineEvent e = event_of(number, action);
        Container *c = NULL;

        assert_int_equal(registry_apply_event(r, &e, &now, false, &c), 0);
        assert_ptr_equal(registry_find(r, &e.id), c);
        return c;
}

static inline Instant later(usec_t by) {
        return (Instant){ start.steady + by, start.realtime + by };
}

/* The defaults, which a test may change before it makes a registry. The registry only borrows them: the
 * reference that is held here is the last. */
static SharedSettings test_settings;

static Registry *fresh_with(SharedSettings *settings) {
        Registry *r = NULL;

        live_allocations = 0; /* a test that failed may have left some */
        assert_int_equal(registry_new(&r), 0);
        assert_non_null(r);
        registry_set_settings(r, settings);
        return r;
}

static inline Registry *fresh(void) {
        test_settings = (SharedSettings){ .references = 1, .settings = default_settings() };
        return fresh_with(&test_settings);
}

static void done(Registry *r) {
        assert_null(registry_free(r));
        assert_int_equal(live_allocations, 0);
        assert_int_equal(test_settings.references, 1);
}

static void check_slots(const Registry *r) {
        size_t members = 0, in_slots = 0;

        for (const Slot *s = r->slots; s; s = s->hh.next) {
                size_t kept = 0, inexact = 0;

                assert_non_null(s->newest);
                assert_null(s->newest->slot_prev->slot_next);
                for (const Container *c = s->newest; c; c = c->slot_next) {
                        const Container *next = c->slot_next;

                        members++;
                        kept += c->kept_last;
                        inexact += !(c->failed_start || c->finish == FINISH_EXACT);
                        assert_ptr_equal(c->slot, s);
                        assert_true(container_state_is_stopped(c->state) || c->failed_start);
                        assert_false(c->gone);
                        if (next) {
                                assert_ptr_equal(next->slot_prev, c);
                                assert_true(slot_order(c) >= slot_order(next));
                        }
                }
                assert_int_equal(s->n_kept, kept);
                assert_int_equal(s->n_inexact, inexact);
        }
        for (Container *c = registry_next(r, NULL); c; c = registry_next(r, c)) {
                bool ended = container_state_is_stopped(c->state) || c->failed_start;

                in_slots += c->slot != NULL;
                if (c->profile && c->profile->in_scope && ended && !c->gone)
                        assert_non_null(c->slot);
                if (c->profile && !c->profile->in_scope)
                        assert_null(c->slot);
        }
        assert_int_equal(members, in_slots);
}

static void check_profiles(const Registry *r) {
        size_t references = 0, held = 0;

        for (Container *c = registry_next(r, NULL); c; c = registry_next(r, c)) {
                references += c->profile != NULL;
                if (c->profile && c->scope != SCOPE_UNKNOWN)
                        assert_int_equal(c->profile->is_task, c->scope == SCOPE_TASK);
                assert_true(c->profile || !c->profile_exact);
        }
        for (const SharedProfile *p = r->profiles.profiles; p; p = p->hh.next)
                held += p->references;
        assert_int_equal(held, references);
}

/* What must hold at any time: counts, order, references, places in the queue and in slots. */
static void check_consistent(const Registry *r) {
        size_t n = 0, queued = 0, stopped = 0, tracked = 0, references = 0, held = 0;

        for (Container *c = registry_next(r, NULL); c; c = registry_next(r, c)) {
                n++;
                assert_ptr_equal(registry_find(r, &c->id), c);
                if (c->queue_index != DUE_QUEUE_NONE) {
                        queued++;
                        assert_ptr_equal(r->due.heap[c->queue_index], c);
                }
                references += c->image ? 1 : 0;
                references += c->service ? 1 : 0;
                references += c->node ? 1 : 0;
                stopped += c->slot ? 1 : 0; /* check_slots() knows which must be in one */
                tracked += !c->gone && (c->profile ? c->profile->in_scope : c->scope != SCOPE_OTHER);
        }
        for (SharedText *t = r->texts; t; t = t->hh.next)
                held += t->references;
        assert_int_equal(registry_count(r), n);
        assert_int_equal(r->due.n, queued);
        assert_true(r->due.allocated >= n);
        assert_int_equal(held, references);
        assert_int_equal(registry_count_stopped(r), stopped);
        assert_int_equal(registry_count_tracked(r), tracked);
        check_slots(r);
        check_profiles(r);
}

#endif
