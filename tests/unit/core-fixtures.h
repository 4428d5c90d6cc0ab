/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_CORE_FIXTURES_H
#define REAPERD_TESTS_CORE_FIXTURES_H

/*
 * What the tests of the core layer share: a simulated clock pair that can be made to jump, ids and
 * events, settings and labels without files, and numbers that are random and the same in every run.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "core/container.h"
#include "core/facts.h"
#include "core/instant.h"
#include "core/policy.h"
#include "core/profile.h"
#include "core/settings.h"
#include "core/slot.h"

#define SEC    USEC_PER_SEC
#define MINUTE USEC_PER_MINUTE
#define HOUR   USEC_PER_HOUR
#define DAY    USEC_PER_DAY

/* When the simulated daemon started, on both clocks. */
#define EPOCH (1700000000 * SEC)

/* xorshift64*: small, good enough, and the same everywhere. The state must not be 0. */
static inline uint64_t random_next(uint64_t *state) {
        uint64_t x = *state;

        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        *state = x;
        return x * UINT64_C(2685821657736338717);
}

static inline uint64_t random_below(uint64_t *state, uint64_t n) {
        return (random_next(state) >> 11) % n;
}

static inline uint64_t random_between(uint64_t *state, uint64_t first, uint64_t last) {
        return first + random_below(state, last - first + 1);
}

static inline bool random_chance(uint64_t *state, unsigned percent) {
        return random_below(state, 100) < percent;
}

/* `steady` only ever grows; the wall clock is ahead of it by `ahead`, which a test may change. */
typedef struct Clocks {
        usec_t steady;
        int64_t ahead;
} Clocks;

static inline Instant clocks_now(const Clocks *k) {
        return (Instant){ .steady = k->steady, .realtime = (usec_t)((int64_t)k->steady + k->ahead) };
}

static inline usec_t clocks_wall(const Clocks *k) {
        return clocks_now(k).realtime;
}

static inline ContainerId id_of_number(uint64_t number) {
        uint64_t state = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
        ContainerId id;

        for (size_t i = 0; i < sizeof(id.bytes); i += sizeof(uint64_t)) {
                uint64_t word = random_next(&state);

                memcpy(id.bytes + i, &word, sizeof(word));
        }
        return id;
}

/* An event about a container that carries Swarm's label, stamped with a wall clock time. */
static inline EngineEvent event_at(EventAction action, usec_t wall) {
        return (EngineEvent){
                .action = action,
                .id = id_of_number(1),
                .time_nsec = (int64_t)(wall * NSEC_PER_USEC),
                .labelled = true,
        };
}

static inline EngineEvent die_at(usec_t wall, int exit_code) {
        EngineEvent e = event_at(EVENT_DIE, wall);

        e.has_exit_code = true;
        e.exit_code = exit_code;
        return e;
}

static inline EngineEvent kill_at(usec_t wall, int signal) {
        EngineEvent e = event_at(EVENT_KILL, wall);

        e.signal = signal;
        return e;
}

/* --- settings and labels, made by hand --- */

static const Retention default_retention = { .minimum_age = MINUTE,
        .success = HOUR,
        .failure = DAY,
        .oom_killed = DAY,
        .shutdown = HOUR,
        .failed_start = DAY,
        .orphan_age = HOUR,
        .remove_volumes = REMOVE_VOLUMES_SWARM,
        .keep_last_failure = 1,
        .keep_last_for = 7 * DAY };

/* The defaults, without anything that is owned. */
static inline Settings default_settings(void) {
        Settings s = { .resync_interval = 5 * MINUTE,
                .request_timeout = MINUTE,
                .settle_time = MINUTE,
                .retention = default_retention,
                .max_stopped = COUNT_INFINITY,
                .labels_honor = true,
                .labels_max_ttl = USEC_INFINITY,
                .parallelism = 4,
                .retry_initial = 5 * SEC,
                .retry_max = 10 * MINUTE,
                .quarantine_after = 8,
                .surge_limit = 50,
                .first_run_delay = 10 * MINUTE };

        for (SettingId id = 0; id < _SETTING_MAX; id++)
                s.origins[id].is_default = true;
        return s;
}

/* A file has set it; the value itself is the caller's business. */
static inline void set_in_file(Settings *s, SettingId id, const char *file, unsigned line) {
        s->origins[id] = (SettingOrigin){ .file = file, .line = line };
}

static inline void set_in_rule(Rule *r, SettingId id, const char *file, unsigned line) {
        r->has_value[id] = true;
        r->origins[id] = (SettingOrigin){ .file = file, .line = line };
}

/* The span of an outcome. */
static inline usec_t *span_field(Retention *r, SettingId id) {
        switch (id) {
        case SETTING_SUCCESS:
                return &r->success;
        case SETTING_FAILURE:
                return &r->failure;
        case SETTING_OOM_KILLED:
                return &r->oom_killed;
        case SETTING_SHUTDOWN:
                return &r->shutdown;
        case SETTING_FAILED_START:
                return &r->failed_start;
        default:
                return NULL;
        }
}

/* A list of labels that ends with a NULL key. */
typedef struct LabelPair {
        const char *key, *value;
} LabelPair;

static inline const char *label_of_pairs(const void *object, const char *key) {
        const char *found = NULL;

        for (const LabelPair *p = object; p->key; p++)
                if (strcmp(p->key, key) == 0)
                        found = p->value;
        return found;
}

static inline Labels labels_of(const LabelPair *pairs) {
        return (Labels){ .object = pairs, .get = label_of_pairs };
}

#define KEEP        "org.reaperd.keep"
#define TTL         "org.reaperd.ttl"
#define TTL_FAILURE "org.reaperd.ttl.failure"
#define KEEP_LAST   "org.reaperd.keep-last"

/* What holds for a task if nothing but [Retention] speaks of it. */
static inline Profile profile_of(const Retention *r) {
        static Settings settings;

        settings = default_settings();
        return (Profile){ .settings = &settings, .is_task = true, .retention = *r, .in_scope = true };
}

static inline size_t slot_size(const Slot *s) {
        size_t n = 0;

        for (const Container *c = s ? s->newest : NULL; c; c = c->slot_next)
                n++;
        return n;
}

#define HOURS(n) ((int64_t)(n) * (int64_t)HOUR)

/* What a container is told, by these clocks. */

static inline void tell(Container *c, const Clocks *k, EngineEvent e, bool replayed) {
        Instant now = clocks_now(k);

        container_apply_event(c, &e, &now, replayed);
}

/* A list that was asked for `ago` before now. */
static inline void list(Container *c, const Clocks *k, ContainerState state, usec_t created, usec_t ago) {
        ContainerSummary s = { .state = state, .created = created / SEC * SEC };
        Instant now = clocks_now(k);

        container_apply_summary(c, &s, &now, now.steady - ago);
}

static inline void inspect(Container *c, const Clocks *k, ContainerDetail d) {
        Instant now = clocks_now(k);

        container_apply_detail(c, &d, &now);
}

static inline void jump(Container *c, Clocks *k, int64_t by) {
        Instant now;

        k->ahead += by;
        now = clocks_now(k);
        container_clock_jumped(c, &now);
}

#endif
