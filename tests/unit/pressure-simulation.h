/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_PRESSURE_SIMULATION_H
#define REAPERD_TESTS_PRESSURE_SIMULATION_H

/*
 * A node whose memory and disk follow a curve, with stopped containers that hold some of both, and the
 * daemon's loop in miniature: it samples when it is told to, begins batches, removes, cools down and judges,
 * in the order in which the daemon does. Time only passes from one wake-up to the next.
 */

#include <inttypes.h>

#include "core-fixtures.h"
#include "core/pressure.h"
#include "core/relief.h"

#define KB (UINT64_C(1) << 10)
#define MB (UINT64_C(1) << 20)
#define GB (UINT64_C(1) << 30)

#define PERCENT(n) ((unsigned)(n)*100)

/* The defaults of [Pressure] and [Disk], besides those of the other fixtures. */
static inline Settings pressure_settings(void) {
        Settings s = default_settings();

        s.pressure = (PressureSettings){ .enabled = true,
                .memory_available_low = PERCENT(5),
                .memory_available_high = PERCENT(8),
                .memory_used_high = SHARE_OFF,
                .memory_used_low = SHARE_OFF,
                .stall = { .on = true, .threshold = 200 * USEC_PER_MSEC, .window = 2 * SEC },
                .minimum_age = 15 * SEC,
                .elevated_factor = PERCENT(10),
                .sustain = 5 * SEC,
                .cool_down = 15 * SEC,
                .batch_size = 8,
                .minimum_reclaim = 16 * MB,
                .give_up_after = 3,
                .give_up_for = 10 * MINUTE };
        s.disk = (DiskSettings){ SHARE_OFF, SHARE_OFF, SHARE_OFF, SHARE_OFF };
        return s;
}

/* Figures with this much available (and free) of so much memory; the disk is not known. */
static inline NodeFigures memory_figures(uint64_t total, uint64_t available) {
        NodeFigures f = node_figures_unknown();

        f.memory_total = total;
        f.memory_free = f.memory_available = available;
        f.cached = 0;
        return f;
}

/* What a stopped container holds. Pages in the cache count as available all the same; what is stuck (dirty
 * pages, slab that cannot be reclaimed) does not. */
typedef struct Held {
        uint64_t cached, stuck, disk, inodes;
        bool unknown; /* nobody could measure it */
        bool removed;
} Held;

typedef struct Sim Sim;
/* The node's figures at sim->now, as if nobody held anything. */
typedef void (*Curve)(const Sim *sim, NodeFigures *ret);

#define HELD_MAX    400
#define REPORTS_MAX 100
#define CHANGES_MAX 200
#define STALLS_MAX  40

typedef struct Change {
        usec_t at;
        PressureLevel level;
} Change;

struct Sim {
        Settings settings;
        Curve curve;
        uint64_t parameter[4]; /* of the curve, as it likes */
        Held held[HELD_MAX];   /* in the order in which they are chosen */
        size_t n_held;
        usec_t stalls[STALLS_MAX]; /* ascending */
        size_t n_stalls, next_stall;

        Pressure pressure;
        Relief relief;
        usec_t now, sample_at, removal_at;
        NodeFigures figures; /* the last sample */
        usec_t removal_takes;
        size_t batch[RELIEF_BATCH_MAX], n_batch, done;

        /* What came of it. */
        unsigned wakeups, samples, removed, begun;
        usec_t begun_at, ended_at, removed_at; /* the last of each */
        ReliefReport reports[REPORTS_MAX];
        usec_t judged_at[REPORTS_MAX];
        size_t n_reports;
        Change changes[CHANGES_MAX]; /* of the level that removals go by */
        size_t n_changes;
        PressureLevel level;
};

static inline void sim_init(Sim *sim, Curve curve) {
        *sim = (Sim){ .settings = pressure_settings(),
                .curve = curve,
                .now = EPOCH,
                .sample_at = EPOCH,
                .removal_at = USEC_INFINITY,
                .removal_takes = 5 * USEC_PER_MSEC };
        pressure_init(&sim->pressure);
        relief_init(&sim->relief);
}

static inline void sim_add(Sim *sim, size_t n, Held held) {
        for (size_t i = 0; i < n; i++) {
                assert_true(sim->n_held < HELD_MAX);
                sim->held[sim->n_held++] = held;
        }
}

static inline void sim_stall(Sim *sim, usec_t at) {
        assert_true(sim->n_stalls < STALLS_MAX);
        sim->stalls[sim->n_stalls++] = at;
}

static inline size_t sim_remaining(const Sim *sim) {
        size_t n = 0;

        for (size_t i = 0; i < sim->n_held; i++)
                n += !sim->held[i].removed;
        return n;
}

static inline NodeFigures sim_figures(const Sim *sim) {
        NodeFigures f;

        sim->curve(sim, &f);
        for (size_t i = 0; i < sim->n_held; i++) {
                const Held *h = &sim->held[i];

                if (h->removed)
                        continue;
                f.memory_free -= h->cached + h->stuck;
                f.memory_available -= h->stuck;
                f.cached += h->cached;
                f.disk_used += h->disk;
                f.inodes_used += h->inodes;
        }
        return f;
}

/* What must hold at any time, between what is known of the node and what may be done about it. */
static inline void sim_check(const Sim *sim) {
        PressureLevel level = pressure_level(&sim->pressure, sim->now);
        PressureLevel relief = relief_level(&sim->relief, &sim->pressure, sim->now);
        PressureCause cause = relief_cause(&sim->relief, &sim->pressure, sim->now);

        assert_true(relief <= level);
        assert_int_equal(cause != PRESSURE_NO_CAUSE, relief == PRESSURE_CRITICAL);
        if (cause != PRESSURE_NO_CAUSE) {
                assert_true(cause < _PRESSURE_THRESHOLD_MAX);
                assert_true(pressure_counts(&sim->pressure, cause, sim->now));
                assert_false(relief_has_given_up(&sim->relief, cause, sim->now));
        }
        if (level == PRESSURE_ELEVATED)
                assert_true(pressure_counts(&sim->pressure, PRESSURE_STALL, sim->now));
        /* A daemon that waits for these must not spin. */
        assert_true(pressure_changes_at(&sim->pressure, sim->now) > sim->now);
        assert_true(sim->sample_at > sim->now);
}

static inline void sim_note_level(Sim *sim) {
        PressureLevel level = relief_level(&sim->relief, &sim->pressure, sim->now);

        if (level == sim->level)
                return;
        assert_true(sim->n_changes < CHANGES_MAX);
        sim->changes[sim->n_changes++] = (Change){ sim->now, level };
        sim->level = level;
}

static inline void sim_sample(Sim *sim) {
        sim->figures = sim_figures(sim);
        sim->samples++;
        pressure_sample(&sim->pressure, &sim->settings, &sim->figures, sim->now);
        sim->sample_at = pressure_sample_at(&sim->pressure, &sim->settings, &sim->figures, sim->now);
        sim_note_level(sim);
}

/* The next of the batch, or, if the level has been left, none of the rest. */
static inline void sim_remove(Sim *sim) {
        Held *h;
        Holding holding;

        if (sim->done < sim->n_batch &&
                        relief_level(&sim->relief, &sim->pressure, sim->now) == PRESSURE_CRITICAL) {
                h = &sim->held[sim->batch[sim->done++]];
                h->removed = true;
                holding = (Holding){ .cached = h->cached, .dirty = 0, .disk = h->disk, .inodes = h->inodes };
                relief_removed(&sim->relief, h->unknown ? NULL : &holding, true);
                sim->removed++;
                sim->removed_at = sim->now;
                if (sim->done < sim->n_batch) {
                        sim->removal_at = sim->now + sim->removal_takes;
                        return;
                }
        }
        sim->removal_at = USEC_INFINITY;
        sim->ended_at = sim->now;
        relief_removals_ended(&sim->relief, &sim->settings, sim->now);
}

static inline void sim_begin(Sim *sim) {
        PressureCause cause;

        if (sim->relief.phase != RELIEF_RESTING ||
                        relief_cause(&sim->relief, &sim->pressure, sim->now) == PRESSURE_NO_CAUSE)
                return;
        sim_sample(sim); /* a fresh look */
        cause = relief_cause(&sim->relief, &sim->pressure, sim->now);
        if (cause == PRESSURE_NO_CAUSE)
                return;
        sim->n_batch = sim->done = 0;
        for (size_t i = 0; i < sim->n_held && sim->n_batch < sim->settings.pressure.batch_size; i++)
                if (!sim->held[i].removed)
                        sim->batch[sim->n_batch++] = i;
        if (sim->n_batch == 0)
                return;
        relief_begin(&sim->relief, cause, &sim->figures);
        assert_int_equal(sim->relief.phase, RELIEF_REMOVING);
        sim->begun++;
        sim->begun_at = sim->now;
        sim->removal_at = sim->now + sim->removal_takes;
}

static inline void sim_judge(Sim *sim) {
        if (sim->relief.phase != RELIEF_COOLING || sim->now < sim->relief.cool_until)
                return;
        sim_sample(sim);
        assert_true(sim->n_reports < REPORTS_MAX);
        sim->judged_at[sim->n_reports] = sim->now;
        relief_judge(&sim->relief, &sim->settings, &sim->figures, sim->now, &sim->reports[sim->n_reports++]);
        assert_int_equal(sim->relief.phase, RELIEF_RESTING);
        sim_note_level(sim);
}

static inline void sim_step(Sim *sim, usec_t until) {
        usec_t next = usec_min(until, sim->sample_at);

        next = usec_min(next, sim->removal_at);
        if (sim->next_stall < sim->n_stalls)
                next = usec_min(next, sim->stalls[sim->next_stall]);
        /* The first step looks before there is anything to wait for. */
        if (sim->samples > 0) {
                next = usec_min(next, pressure_changes_at(&sim->pressure, sim->now));
                next = usec_min(next, relief_changes_at(&sim->relief, sim->now));
                assert_true(next > sim->now);
        }
        sim->now = next;
        sim->wakeups++;

        for (; sim->next_stall < sim->n_stalls && sim->stalls[sim->next_stall] <= next; sim->next_stall++)
                pressure_stalled(&sim->pressure, next);
        if (next >= sim->sample_at)
                sim_sample(sim);
        sim_note_level(sim);
        if (next >= sim->removal_at)
                sim_remove(sim);
        sim_judge(sim);
        sim_begin(sim);
        sim_check(sim);
}

static inline void sim_run(Sim *sim, usec_t until) {
        while (sim->now < until)
                sim_step(sim, until);
}

/* When the level last became this; fails if it never did. */
static inline usec_t sim_became(const Sim *sim, PressureLevel level) {
        for (size_t i = sim->n_changes; i > 0; i--)
                if (sim->changes[i - 1].level == level)
                        return sim->changes[i - 1].at;
        fail_msg("the level never became %s", pressure_level_name(level));
        return 0;
}

static inline size_t sim_count(const Sim *sim, PressureLevel level) {
        size_t n = 0;

        for (size_t i = 0; i < sim->n_changes; i++)
                n += sim->changes[i].level == level;
        return n;
}

#endif
