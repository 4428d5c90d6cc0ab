/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_RELIEF_FIXTURE_H
#define REAPERD_TESTS_RELIEF_FIXTURE_H

/*
 * A node under pressure, with containers as the engine tells them, of which a batch is chosen.
 */

#include <stdio.h>

#include "policy-oracle.h"
#include "pressure-simulation.h"

#define NOW (EPOCH + DAY)

typedef struct Node {
        SharedSettings settings;
        Rule rules[3];
        Registry *registry;
        Situation situation;
        uint64_t number;
        Container *chosen[RELIEF_BATCH_MAX];
        size_t n;
} Node;

static char slow_service[] = "slow_*", kept_service[] = "kept_*";
static char *slow_patterns[] = { slow_service }, *kept_patterns[] = { kept_service };

/* Nothing goes by its span; services named slow_* have a floor of an hour, kept_* are kept, and plain
 * containers are in scope. */
static inline void node_init(Node *node) {
        Settings *s = &node->settings.settings;

        *node = (Node){ .settings = { .references = 1, .settings = pressure_settings() },
                .rules = { { .name = (char *)"slow" },
                                { .name = (char *)"keep", .action = RULE_ACTION_KEEP },
                                { .name = (char *)"plain",
                                                .kind = RULE_KIND_OTHER,
                                                .action = RULE_ACTION_REAP } },
                .situation = { .engine_connected = true,
                                .swarm_state = SWARM_ACTIVE,
                                .node_known_at = USEC_INFINITY,
                                .node_id = "here",
                                .pressure = PRESSURE_CRITICAL,
                                .pressure_by = SETTING_MEMORY_AVAILABLE_LOW } };
        s->retention.success = s->retention.failure = s->retention.shutdown = s->retention.oom_killed =
                        s->retention.failed_start = s->retention.orphan_age = 30 * DAY;
        node->rules[0].lists[RULE_SERVICE] = (Patterns){ .texts = slow_patterns, .n = 1 };
        node->rules[0].values.minimum_age = HOUR;
        set_in_rule(&node->rules[0], SETTING_MINIMUM_AGE, "rules", 1);
        node->rules[1].lists[RULE_SERVICE] = (Patterns){ .texts = kept_patterns, .n = 1 };
        s->rules = node->rules;
        s->n_rules = ELEMENTS_OF(node->rules);
        assert_int_equal(registry_new(&node->registry), 0);
        registry_set_settings(node->registry, &node->settings);
}

static inline void node_done(Node *node) {
        assert_null(registry_free(node->registry));
        assert_int_equal(node->settings.references, 1);
}

/* As the engine would tell it. */
typedef struct Spec {
        const char *service; /* NULL: shop_web */
        unsigned slot;
        bool plain; /* no task */
        usec_t age; /* since its end; 0: an hour */
        int exit_code;
        bool keep; /* by a label */
        bool elsewhere, auto_remove, may_restart;
        ContainerState state; /* 0: exited */
        bool failed_start;
        bool not_inspected;
        const Holding *held; /* NULL: not measured */
} Spec;

static inline Container *put(Node *node, Spec s) {
        Instant now = { NOW, NOW };
        uint64_t number = ++node->number;
        usec_t end = NOW - (s.age ? s.age : HOUR);
        bool ended = (s.state == 0 || s.state == CONTAINER_DEAD) && !s.failed_start;
        LabelPair pairs[] = { { s.keep ? KEEP : NULL, "yes" }, { NULL, NULL } };
        SwarmLabels swarm = { .service_name = s.service ? s.service : "shop_web",
                .node_id = s.elsewhere ? "elsewhere" : "here" };
        ContainerSummary summary;
        ContainerDetail detail;
        Container *c = NULL;
        char name[64];

        snprintf(name, sizeof(name), "%s.%u.task%" PRIu64, swarm.service_name, s.slot, number);
        swarm.task_name = name;
        if (s.plain)
                swarm = (SwarmLabels){ 0 };
        summary = (ContainerSummary){ .id = id_of_number(number),
                .name = name,
                .image = "image",
                .state = s.failed_start ? CONTAINER_CREATED
                         : s.state      ? s.state
                                        : CONTAINER_EXITED,
                .created = (s.failed_start ? end : end - MINUTE) / SEC * SEC,
                .labels = swarm,
                .all_labels = labels_of(pairs) };
        detail = (ContainerDetail){ .id = summary.id,
                .name = name,
                .image = "image",
                .state = summary.state,
                .exit_code = s.failed_start ? 127 : s.exit_code,
                .error = s.failed_start ? "no such file" : NULL,
                .created = summary.created,
                .started = s.failed_start || s.state == CONTAINER_CREATED ? 0 : summary.created + 1,
                .finished = ended ? end : 0,
                .auto_remove = s.auto_remove,
                .may_restart = s.may_restart,
                .labels = swarm,
                .all_labels = summary.all_labels };
        /* A failed start counts from the moment at which the error was first seen. */
        if (s.failed_start)
                now = (Instant){ end, end };
        assert_int_equal(registry_apply_summary(node->registry, &summary, s.plain ? SCOPE_OTHER : SCOPE_TASK,
                                         &now, now.steady, &c),
                        0);
        if (!s.not_inspected)
                assert_int_equal(registry_apply_detail(node->registry, c, &detail, &now), 0);
        if (s.held)
                assert_int_equal(registry_set_holding(node->registry, c, s.held), 0);
        return c;
}

/* Holds so much of everything. */
static inline Container *put_holding(Node *node, Spec s, uint64_t held) {
        Holding h = { .cached = held * MB, .disk = held * 10 * MB, .inodes = held };

        s.held = &h;
        return put(node, s);
}

static inline size_t choose(Node *node, PressureCause cause, size_t max) {
        node->situation.pressure_by = pressure_setting(cause);
        node->n = relief_select(node->registry, &node->settings.settings, &node->situation, cause, NOW,
                        node->chosen, max);
        assert_true(node->n <= max && node->n <= RELIEF_BATCH_MAX);
        return node->n;
}

static inline bool is_chosen(Node *node, const Container *c) {
        choose(node, PRESSURE_MEMORY_AVAILABLE, RELIEF_BATCH_MAX);
        for (size_t i = 0; i < node->n; i++)
                if (node->chosen[i] == c)
                        return true;
        return false;
}

/* These, in this order, for one cause. */
#define expect_order(node, cause, ...)                                    \
        do {                                                              \
                Container *order_[] = { __VA_ARGS__ };                    \
                                                                          \
                choose(node, cause, RELIEF_BATCH_MAX);                    \
                assert_int_equal((node)->n, ELEMENTS_OF(order_));         \
                for (size_t i_ = 0; i_ < ELEMENTS_OF(order_); i_++)       \
                        assert_ptr_equal((node)->chosen[i_], order_[i_]); \
        } while (0)

#endif
