/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_REGISTRY_LABELS_H
#define REAPERD_TESTS_REGISTRY_LABELS_H

/*
 * Containers with labels, told to a registry with rules.
 */

#include "registry-fixtures.h"

#define STACK "com.docker.stack.namespace"

static const LabelPair none[] = { { NULL, NULL } };
static const LabelPair hour[] = { { "com.docker.swarm.task", "" }, { TTL, "1h" }, { NULL, NULL } };
static const LabelPair day[] = { { "com.docker.swarm.task", "" }, { TTL, "1d" }, { NULL, NULL } };

static Instant now_at(usec_t by) {
        return later(by);
}

static inline Container *listed(Registry *r, uint64_t number, Scope scope, const LabelPair *pairs) {
        ContainerSummary s = summary_of(number);
        Instant now = now_at(HOUR);
        Container *c = NULL;

        s.all_labels = labels_of(pairs);
        if (scope == SCOPE_OTHER && pairs[0].key == NULL)
                s.labels = (SwarmLabels){ 0 };
        assert_int_equal(registry_apply_summary(r, &s, scope, &now, now.steady, &c), 0);
        return c;
}

static inline Container *told_of(Registry *r, uint64_t number, EventAction action, const LabelPair *pairs) {
        EngineEvent e = event_of(number, action);
        static usec_t at;
        Instant now = now_at(at += SEC);
        Container *c = NULL;

        e.time_nsec = (int64_t)(now.realtime * NSEC_PER_USEC);
        e.all_labels = labels_of(pairs);
        assert_int_equal(registry_apply_event(r, &e, &now, false, &c), 0);
        return c;
}

static inline void inspected(Registry *r, Container *c, ContainerState state, const LabelPair *pairs) {
        ContainerDetail d = { .id = c->id,
                .name = c->name,
                .image = shared_text(c->image),
                .state = state,
                .created = EPOCH - HOUR,
                .finished = state == CONTAINER_EXITED ? EPOCH : 0,
                .labels = labels,
                .all_labels = labels_of(pairs) };
        Instant now = now_at(DAY);
        char name[64];

        snprintf(name, sizeof(name), "%s", c->name);
        d.name = name;
        assert_int_equal(registry_apply_detail(r, c, &d, &now), 0);
}

/* A rule that lets plain containers in. */
static Rule rules[3];

static inline Registry *fresh_with_rules(size_t n) {
        Registry *r;

        test_settings = (SharedSettings){ .references = 1, .settings = default_settings() };
        test_settings.settings.rules = rules;
        test_settings.settings.n_rules = n;
        r = fresh_with(&test_settings);
        return r;
}

static inline void let_plain_ones_in(void) {
        rules[0] = (Rule){ .name = (char *)"plain", .kind = RULE_KIND_OTHER, .action = RULE_ACTION_REAP };
}

#endif
