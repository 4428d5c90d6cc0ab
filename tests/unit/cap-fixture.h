/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_CAP_FIXTURE_H
#define REAPERD_TESTS_CAP_FIXTURE_H

/*
 * A node with stopped containers, and core/cap.c with an allocator that can be told to fail.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static size_t allocations_left = SIZE_MAX; /* when they are used up, one fails; SIZE_MAX: none does */

static bool allocation_fails(void) {
        return allocations_left != SIZE_MAX && allocations_left-- == 0;
}

static inline void *hooked_malloc(size_t size) {
        return allocation_fails() ? NULL : malloc(size);
}

static inline void *hooked_calloc(size_t n, size_t size) {
        return allocation_fails() ? NULL : calloc(n, size);
}

static inline void *hooked_reallocarray(void *old, size_t n, size_t size) {
        return allocation_fails() ? NULL : reallocarray(old, n, size);
}

#define malloc(size)               hooked_malloc(size)
#define calloc(n, size)            hooked_calloc(n, size)
#define reallocarray(old, n, size) hooked_reallocarray(old, n, size)
#include "../../src/core/cap.c"
#undef malloc
#undef calloc
#undef reallocarray

#include "policy-oracle.h"

#define NOW (EPOCH + DAY)

static const Situation calm = { .engine_connected = true,
        .swarm_state = SWARM_ACTIVE,
        .node_known_at = USEC_INFINITY,
        .node_id = "here" };

/* --- a node --- */

static char keep_service[] = "kept_*";
static char *keep_patterns[] = { keep_service };
static Rule rules[2];
static SharedSettings settings = { .references = 1 };

static inline Registry *new_node(void) {
        Registry *r;

        settings.references = 1;
        settings.settings = default_settings();
        settings.settings.retention.success = settings.settings.retention.failure = 30 * DAY;
        settings.settings.retention.shutdown = settings.settings.retention.oom_killed = 30 * DAY;
        rules[0] = (Rule){ .name = (char *)"keep", .action = RULE_ACTION_KEEP };
        rules[0].lists[RULE_SERVICE] = (Patterns){ .texts = keep_patterns, .n = 1 };
        rules[1] = (Rule){ .name = (char *)"plain", .kind = RULE_KIND_OTHER, .action = RULE_ACTION_REAP };
        settings.settings.rules = rules;
        settings.settings.n_rules = 2;
        assert_int_equal(registry_new(&r), 0);
        registry_set_settings(r, &settings);
        return r;
}

static inline void free_node(Registry *r) {
        assert_null(registry_free(r));
        assert_int_equal(settings.references, 1);
}

/* A container as the engine would tell it. */
typedef struct Spec {
        const char *service; /* NULL: no task */
        unsigned slot;       /* of the service; else a number for its image */
        usec_t finished;
        int exit_code;
        bool labelled; /* to be kept */
        bool elsewhere;
        bool runs, auto_remove, failed_start;
        usec_t created; /* 0: an hour before its end */
} Spec;

typedef struct Told {
        char name[64], image[32];
        LabelPair pairs[2];
        ContainerSummary summary;
        ContainerDetail detail;
        Scope scope;
} Told;

static inline void tell_of(const Spec *s, uint64_t number, Told *t) {
        SwarmLabels l = { .service_name = s->service, .node_id = s->elsewhere ? "elsewhere" : "here" };
        usec_t created = s->created ? s->created : s->failed_start ? s->finished : s->finished - HOUR;

        memset(t, 0, sizeof(*t));
        snprintf(t->name, sizeof(t->name), "%s.%u.task%ju", s->service ? s->service : "plain", s->slot,
                        (uintmax_t)number);
        snprintf(t->image, sizeof(t->image), "image-%u", s->service ? 0 : s->slot);
        if (s->labelled)
                t->pairs[0] = (LabelPair){ KEEP, "yes" };
        if (s->service)
                l.task_name = t->name;
        else
                l = (SwarmLabels){ 0 };
        t->scope = s->service ? SCOPE_TASK : SCOPE_OTHER;
        t->summary = (ContainerSummary){ .id = id_of_number(number),
                .name = t->name,
                .image = t->image,
                .state = s->runs           ? CONTAINER_RUNNING
                         : s->failed_start ? CONTAINER_CREATED
                                           : CONTAINER_EXITED,
                .created = created,
                .labels = l,
                .all_labels = labels_of(t->pairs) };
        t->detail = (ContainerDetail){ .id = t->summary.id,
                .name = t->name,
                .image = t->image,
                .state = t->summary.state,
                .exit_code = s->exit_code,
                .error = s->failed_start ? "no such file" : NULL,
                .created = created,
                .started = s->failed_start ? 0 : created + 1,
                .finished = s->runs || s->failed_start ? 0 : s->finished,
                .auto_remove = s->auto_remove,
                .labels = l,
                .all_labels = t->summary.all_labels };
}

static inline Container *list_one(Registry *r, const Told *t) {
        Instant now = { NOW, NOW };
        Container *c;

        assert_int_equal(registry_apply_summary(r, &t->summary, t->scope, &now, NOW, &c), 0);
        return c;
}

static inline void inspect_one(Registry *r, Container *c, const Told *t) {
        Instant now = { NOW, NOW };

        assert_int_equal(registry_apply_detail(r, c, &t->detail, &now), 0);
}

static inline Container *put(Registry *r, Spec s) {
        static uint64_t number;
        Container *c;
        Told t;

        tell_of(&s, ++number, &t);
        c = list_one(r, &t);
        inspect_one(r, c, &t);
        /* The labels that it points to end with this call. */
        return c;
}

static inline bool select_some(Registry *r, unsigned max) {
        bool changed = false;

        assert_int_equal(cap_select(r, max, &calm, NOW, &changed), 0);
        return changed;
}

static inline size_t count_chosen(const Registry *r) {
        size_t n = 0;

        for (const Container *c = registry_next(r, NULL); c; c = registry_next(r, c))
                n += c->over_cap;
        return n;
}

#endif
