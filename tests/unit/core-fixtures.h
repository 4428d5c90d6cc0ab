/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_CORE_FIXTURES_H
#define REAPERD_TESTS_CORE_FIXTURES_H

/*
 * What the tests of the core layer share: a simulated clock pair that can be made to jump, ids and
 * events, and numbers that are random and the same in every run.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/container.h"
#include "core/facts.h"
#include "core/instant.h"

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
