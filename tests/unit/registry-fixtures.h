/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_REGISTRY_FIXTURES_H
#define REAPERD_TESTS_REGISTRY_FIXTURES_H

/*
 * The registry's source, compiled into the test with an allocator that counts, and that can be told to
 * fail. With the whole of it here, the library's objects of the same name stay out. It also lets a test look
 * inside.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

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

static void hooked_free(void *p) {
        if (p)
                live_allocations--;
        free(p);
}

#undef strndup
#define malloc(size)               hooked_malloc(size)
#define calloc(n, size)            hooked_calloc(n, size)
#define reallocarray(old, n, size) hooked_reallocarray(old, n, size)
#define strndup(text, n)           hooked_strndup(text, n)
#define free(p)                    hooked_free(p)
/* The registry first: it has uthash survive without memory. */
#include "../../src/core/registry.c"
#include "../../src/core/due-queue.c"
#undef malloc
#undef calloc
#undef reallocarray
#undef strndup
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

static Container *summary(Registry *r, uint64_t number, Instant now) {
        ContainerSummary s = summary_of(number);
        Container *c = NULL;

        assert_int_equal(registry_apply_summary(r, &s, &now, now.steady, &c), 0);
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

static Registry *fresh(void) {
        Registry *r = NULL;

        assert_int_equal(live_allocations, 0);
        assert_int_equal(registry_new(&r), 0);
        assert_non_null(r);
        return r;
}

static void done(Registry *r) {
        assert_null(registry_free(r));
        assert_int_equal(live_allocations, 0);
}

/* What must hold at any time: counts, order, references, places in the queue. */
static void check_consistent(const Registry *r) {
        size_t n = 0, queued = 0, stopped = 0, references = 0, held = 0;

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
                stopped += (c->state == CONTAINER_EXITED || c->state == CONTAINER_DEAD) && !c->gone;
        }
        for (SharedText *t = r->texts; t; t = t->hh.next)
                held += t->references;
        assert_int_equal(registry_count(r), n);
        assert_int_equal(r->due.n, queued);
        assert_true(r->due.allocated >= n);
        assert_int_equal(held, references);
        assert_int_equal(registry_count_stopped(r), stopped);
}

#endif
