/* SPDX-License-Identifier: Apache-2.0 */
/* The level: entered, left, held between; by hand at the boundaries, on random curves against a model. */

#include "pressure-simulation.h"

/* A hundredth of a percent of it is a whole number of bytes. */
#define UNIT  (100 * 4 * KB)
#define TOTAL (SHARE_ALL * UNIT)

/* So many hundredths of a percent are available, and so many free. */
static NodeFigures memory(unsigned available, unsigned unused) {
        NodeFigures f = memory_figures(TOTAL, available * UNIT);

        f.memory_free = unused * UNIT;
        return f;
}

typedef struct Probe {
        Settings settings;
        Pressure p;
        usec_t now;
} Probe;

static Probe probe(void) {
        Probe p = { .settings = pressure_settings(), .now = EPOCH };

        pressure_init(&p.p);
        return p;
}

static PressureLevel sample(Probe *p, usec_t after, NodeFigures f) {
        p->now += after;
        pressure_sample(&p->p, &p->settings, &f, p->now);
        return pressure_level(&p->p, p->now);
}

static PressureLevel available(Probe *p, usec_t after, unsigned share) {
        return sample(p, after, memory(share, share));
}

static void test_nothing_yet(void **state) {
        Probe p = probe();

        (void)state;
        assert_int_equal(pressure_level(&p.p, 0), PRESSURE_NORMAL);
        assert_int_equal(pressure_level(&p.p, EPOCH), PRESSURE_NORMAL);
        assert_int_equal(pressure_changes_at(&p.p, EPOCH), USEC_INFINITY);
        for (PressureCause c = 0; c < PRESSURE_NO_CAUSE; c++)
                assert_false(pressure_counts(&p.p, c, EPOCH));
}

static void test_names(void **state) {
        static const struct {
                PressureCause cause;
                const char *name;
                SettingId setting;
                bool memory;
        } rows[] = {
                { PRESSURE_MEMORY_AVAILABLE, "memory-available", SETTING_MEMORY_AVAILABLE_LOW, true },
                { PRESSURE_MEMORY_USED, "memory-used", SETTING_MEMORY_USED_HIGH, true },
                { PRESSURE_DISK_USED, "disk-used", SETTING_DISK_USED_HIGH, false },
                { PRESSURE_DISK_INODES, "disk-inodes", SETTING_DISK_INODES_HIGH, false },
                { PRESSURE_STALL, "stall", SETTING_STALL, true },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                assert_string_equal(pressure_cause_name(rows[i].cause), rows[i].name);
                assert_int_equal(pressure_setting(rows[i].cause), rows[i].setting);
                assert_int_equal(pressure_is_memory(rows[i].cause), rows[i].memory);
        }
        assert_string_equal(pressure_cause_name(PRESSURE_NO_CAUSE), "none");
        assert_string_equal(pressure_level_name(PRESSURE_NORMAL), "normal");
        assert_string_equal(pressure_level_name(PRESSURE_ELEVATED), "elevated");
        assert_string_equal(pressure_level_name(PRESSURE_CRITICAL), "critical");
}

static void test_enters_after_sustain(void **state) {
        Probe p = probe();

        (void)state;
        assert_int_equal(available(&p, 0, 499), PRESSURE_NORMAL);
        assert_int_equal(available(&p, SEC, 1), PRESSURE_NORMAL);
        assert_int_equal(available(&p, 4 * SEC - 1, 499), PRESSURE_NORMAL);
        assert_int_equal(available(&p, 1, 499), PRESSURE_CRITICAL);
        assert_true(pressure_counts(&p.p, PRESSURE_MEMORY_AVAILABLE, p.now));
        assert_false(pressure_counts(&p.p, PRESSURE_MEMORY_USED, p.now));
}

/* At the entering value itself it has not been passed. */
static void test_dip_resets(void **state) {
        Probe p = probe();

        (void)state;
        available(&p, 0, 499);
        available(&p, 4 * SEC, 499);
        assert_int_equal(available(&p, 999999, 500), PRESSURE_NORMAL);
        available(&p, 1, 499);
        assert_int_equal(available(&p, 5 * SEC - 1, 499), PRESSURE_NORMAL);
        assert_int_equal(available(&p, 1, 499), PRESSURE_CRITICAL);
}

static void test_leaves_at_the_leaving_value(void **state) {
        Probe p = probe();

        (void)state;
        available(&p, 0, 100);
        assert_int_equal(available(&p, 5 * SEC, 100), PRESSURE_CRITICAL);
        for (unsigned i = 0; i < 100; i++) /* between, nothing changes, however long */
                assert_int_equal(available(&p, MINUTE, i % 2 ? 799 : 500), PRESSURE_CRITICAL);
        assert_int_equal(available(&p, SEC, 800), PRESSURE_NORMAL);
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(available(&p, MINUTE, i % 2 ? 799 : 500), PRESSURE_NORMAL);
        assert_int_equal(available(&p, SEC, 499), PRESSURE_NORMAL); /* what was before is forgotten */
        assert_int_equal(available(&p, 5 * SEC, 499), PRESSURE_CRITICAL);
}

static void test_without_sustain(void **state) {
        Probe p = probe();

        (void)state;
        p.settings.pressure.sustain = 0;
        assert_int_equal(available(&p, 0, 500), PRESSURE_NORMAL);
        assert_int_equal(available(&p, 1, 499), PRESSURE_CRITICAL);
        assert_int_equal(available(&p, 1, 800), PRESSURE_NORMAL);
        assert_int_equal(available(&p, 1, 0), PRESSURE_CRITICAL);
}

/* The trap of the paper: nothing is free, and all the same nearly everything is available. */
static void test_used_but_available(void **state) {
        Probe p = probe();

        (void)state;
        p.settings.pressure.memory_used_high = PERCENT(95);
        p.settings.pressure.memory_used_low = PERCENT(92);
        sample(&p, 0, memory(9000, 500)); /* 95 % used: not above */
        assert_int_equal(sample(&p, MINUTE, memory(9000, 500)), PRESSURE_NORMAL);
        sample(&p, SEC, memory(9000, 499));
        assert_int_equal(sample(&p, 5 * SEC, memory(9000, 499)), PRESSURE_CRITICAL);
        assert_true(pressure_counts(&p.p, PRESSURE_MEMORY_USED, p.now));
        assert_false(pressure_counts(&p.p, PRESSURE_MEMORY_AVAILABLE, p.now));
        assert_int_equal(sample(&p, 5 * SEC, memory(9000, 799)), PRESSURE_CRITICAL);
        assert_int_equal(sample(&p, 5 * SEC, memory(9000, 800)), PRESSURE_NORMAL);
}

static NodeFigures disk(unsigned used, unsigned inodes) {
        NodeFigures f = node_figures_unknown();

        f.disk_total = SHARE_ALL * 1000;
        f.disk_used = used * 1000;
        f.inodes_total = SHARE_ALL * 7;
        f.inodes_used = inodes * 7;
        return f;
}

static void test_disk(void **state) {
        Probe p = probe();

        (void)state;
        p.settings.pressure.enabled = false; /* that is about memory alone */
        p.settings.disk = (DiskSettings){ PERCENT(90), PERCENT(87), PERCENT(80), PERCENT(77) };
        sample(&p, 0, disk(9000, 8000));
        assert_int_equal(sample(&p, MINUTE, disk(9000, 8000)), PRESSURE_NORMAL);
        sample(&p, 1, disk(9001, 8000));
        assert_int_equal(sample(&p, 5 * SEC, disk(9001, 8001)), PRESSURE_CRITICAL);
        assert_true(pressure_counts(&p.p, PRESSURE_DISK_USED, p.now));
        assert_false(pressure_counts(&p.p, PRESSURE_DISK_INODES, p.now));
        assert_int_equal(sample(&p, 5 * SEC, disk(8701, 8001)), PRESSURE_CRITICAL);
        assert_int_equal(sample(&p, SEC, disk(8700, 8000)), PRESSURE_CRITICAL); /* by inodes still */
        assert_true(pressure_counts(&p.p, PRESSURE_DISK_INODES, p.now));
        assert_false(pressure_counts(&p.p, PRESSURE_DISK_USED, p.now));
        assert_int_equal(sample(&p, SEC, disk(8700, 7701)), PRESSURE_CRITICAL);
        assert_int_equal(sample(&p, SEC, disk(8700, 7700)), PRESSURE_NORMAL);
}

static void test_disabled(void **state) {
        Probe p = probe();

        (void)state;
        p.settings.pressure.memory_used_high = PERCENT(95);
        p.settings.pressure.memory_used_low = PERCENT(92);
        sample(&p, 0, memory(0, 0));
        assert_int_equal(sample(&p, 5 * SEC, memory(0, 0)), PRESSURE_CRITICAL);
        pressure_stalled(&p.p, p.now);
        p.settings.pressure.enabled = false; /* a reload */
        for (PressureCause c = 0; c <= PRESSURE_MEMORY_USED; c++) {
                assert_int_equal(pressure_enters(&p.settings, c), SHARE_OFF);
                assert_int_equal(pressure_leaves(&p.settings, c), SHARE_OFF);
        }
        assert_int_equal(sample(&p, 1, memory(0, 0)), PRESSURE_NORMAL);
        assert_int_equal(sample(&p, HOUR, memory(0, 0)), PRESSURE_NORMAL);
        p.settings.pressure.enabled = true;
        assert_int_equal(sample(&p, 1, memory(0, 0)), PRESSURE_NORMAL);
        assert_int_equal(sample(&p, 5 * SEC, memory(0, 0)), PRESSURE_CRITICAL);

        /* One at a time. */
        p.settings.pressure.memory_available_low = SHARE_OFF;
        assert_int_equal(sample(&p, 1, memory(0, 0)), PRESSURE_CRITICAL);
        assert_false(pressure_counts(&p.p, PRESSURE_MEMORY_AVAILABLE, p.now));
        p.settings.pressure.memory_used_high = SHARE_OFF;
        assert_int_equal(sample(&p, 1, memory(0, 0)), PRESSURE_NORMAL);
}

static void test_unknown_figures(void **state) {
        Probe p = probe();
        NodeFigures f = memory(0, 0);

        (void)state;
        p.settings.disk = (DiskSettings){ PERCENT(90), PERCENT(87), PERCENT(80), PERCENT(77) };
        p.settings.pressure.memory_used_high = PERCENT(95);
        p.settings.pressure.memory_used_low = PERCENT(92);
        f.memory_available = FIGURE_UNKNOWN; /* kernels before 3.14 */
        sample(&p, 0, f);
        assert_int_equal(sample(&p, 5 * SEC, f), PRESSURE_CRITICAL);
        assert_false(pressure_counts(&p.p, PRESSURE_MEMORY_AVAILABLE, p.now));
        assert_true(pressure_counts(&p.p, PRESSURE_MEMORY_USED, p.now));

        /* What counted and cannot be read any more does not count any more; nor does it wait. */
        assert_int_equal(sample(&p, 1, node_figures_unknown()), PRESSURE_NORMAL);
        assert_int_equal(sample(&p, HOUR, node_figures_unknown()), PRESSURE_NORMAL);
        available(&p, 1, 0);
        assert_int_equal(available(&p, 5 * SEC, 0), PRESSURE_CRITICAL);
        for (unsigned i = 0; i < 2; i++) { /* in the midst of Sustain= */
                p.settings.pressure.memory_used_high = SHARE_OFF;
                sample(&p, 1, node_figures_unknown());
                available(&p, 1, 0);
                available(&p, 3 * SEC, 0);
                sample(&p, 1, node_figures_unknown());
                assert_int_equal(available(&p, 3 * SEC, 0), PRESSURE_NORMAL);
        }

        for (PressureCause c = 0; c < _PRESSURE_THRESHOLD_MAX; c++) {
                NodeFigures unknown = node_figures_unknown(), none = unknown;

                none.memory_total = none.memory_free = none.memory_available = 0;
                none.disk_total = none.disk_used = none.inodes_total = none.inodes_used = 0;
                assert_int_equal(pressure_share(&unknown, c), SHARE_OFF);
                assert_int_equal(pressure_share(&none, c), SHARE_OFF);
                unknown.memory_free = unknown.memory_available = unknown.disk_used = unknown.inodes_used = 1;
                assert_int_equal(pressure_share(&unknown, c), SHARE_OFF);
        }
        f = memory(431, 280);
        assert_int_equal(pressure_share(&f, PRESSURE_MEMORY_AVAILABLE), 431);
        assert_int_equal(pressure_share(&f, PRESSURE_MEMORY_USED), 9720);
        f = disk(9100, 4711);
        assert_int_equal(pressure_share(&f, PRESSURE_DISK_USED), 9100);
        assert_int_equal(pressure_share(&f, PRESSURE_DISK_INODES), 4711);
}

static void test_stall(void **state) {
        Probe p = probe();
        usec_t over;

        (void)state;
        available(&p, 0, 9000);
        pressure_stalled(&p.p, p.now);
        for (unsigned i = 0; i < 100; i++) { /* again and again: never critical */
                assert_int_equal(pressure_level(&p.p, p.now), PRESSURE_ELEVATED);
                assert_int_equal(available(&p, 2 * SEC, 501), PRESSURE_ELEVATED);
                pressure_stalled(&p.p, p.now);
        }
        over = pressure_changes_at(&p.p, p.now);
        assert_int_equal(over, p.now + 10 * SEC);
        assert_int_equal(pressure_changes_at(&p.p, over - 1), over);
        assert_int_equal(pressure_level(&p.p, over - 1), PRESSURE_ELEVATED);
        assert_true(pressure_counts(&p.p, PRESSURE_STALL, over - 1));
        assert_int_equal(pressure_level(&p.p, over), PRESSURE_NORMAL);
        assert_false(pressure_counts(&p.p, PRESSURE_STALL, over));
        assert_int_equal(pressure_changes_at(&p.p, over), USEC_INFINITY);

        /* Beneath a critical level it shows when that is left. */
        p.now = over;
        available(&p, 0, 1);
        available(&p, 5 * SEC, 1);
        pressure_stalled(&p.p, p.now);
        assert_int_equal(available(&p, SEC, 1), PRESSURE_CRITICAL);
        assert_int_equal(available(&p, SEC, 9000), PRESSURE_ELEVATED);
        assert_int_equal(pressure_level(&p.p, p.now + 8 * SEC), PRESSURE_NORMAL);
}

/* --- against a model --- */

typedef struct Model {
        usec_t since[_PRESSURE_THRESHOLD_MAX];
        bool counts[_PRESSURE_THRESHOLD_MAX];
        usec_t stalled;
} Model;

/* The values as hundredths of a percent; -1: not known. */
typedef struct Values {
        int of[_PRESSURE_THRESHOLD_MAX];
} Values;

static NodeFigures figures_of(const Values *v) {
        NodeFigures f = node_figures_unknown();

        f.memory_total = TOTAL;
        f.disk_total = 50 * TOTAL;
        f.inodes_total = SHARE_ALL * 3;
        if (v->of[PRESSURE_MEMORY_AVAILABLE] >= 0)
                f.memory_available = (uint64_t)v->of[PRESSURE_MEMORY_AVAILABLE] * UNIT;
        if (v->of[PRESSURE_MEMORY_USED] >= 0)
                f.memory_free = (SHARE_ALL - (uint64_t)v->of[PRESSURE_MEMORY_USED]) * UNIT;
        if (v->of[PRESSURE_DISK_USED] >= 0)
                f.disk_used = (uint64_t)v->of[PRESSURE_DISK_USED] * 50 * UNIT;
        if (v->of[PRESSURE_DISK_INODES] >= 0)
                f.inodes_used = (uint64_t)v->of[PRESSURE_DISK_INODES] * 3;
        return f;
}

static unsigned *threshold(Settings *s, PressureCause c, bool enters) {
        switch (c) {
        case PRESSURE_MEMORY_AVAILABLE:
                return enters ? &s->pressure.memory_available_low : &s->pressure.memory_available_high;
        case PRESSURE_MEMORY_USED:
                return enters ? &s->pressure.memory_used_high : &s->pressure.memory_used_low;
        case PRESSURE_DISK_USED:
                return enters ? &s->disk.used_high : &s->disk.used_low;
        default:
                return enters ? &s->disk.inodes_high : &s->disk.inodes_low;
        }
}

static void model_sample(Model *m, Settings *s, const Values *v, usec_t now) {
        if (!s->pressure.enabled) /* stalls are about memory too */
                m->stalled = USEC_INFINITY;
        for (PressureCause c = 0; c < _PRESSURE_THRESHOLD_MAX; c++) {
                unsigned enter = *threshold(s, c, true), leave = *threshold(s, c, false);
                bool off = enter == SHARE_OFF || (c <= PRESSURE_MEMORY_USED && !s->pressure.enabled);
                bool low = c == PRESSURE_MEMORY_AVAILABLE;
                int value = v->of[c];

                if (off || value < 0) {
                        m->since[c] = USEC_INFINITY;
                        m->counts[c] = false;
                        continue;
                }
                if (low ? value < (int)enter : value > (int)enter) {
                        if (m->since[c] == USEC_INFINITY)
                                m->since[c] = now;
                        if (now - m->since[c] >= s->pressure.sustain)
                                m->counts[c] = true;
                } else
                        m->since[c] = USEC_INFINITY;
                if (low ? value >= (int)leave : value <= (int)leave)
                        m->counts[c] = false;
        }
}

static void random_thresholds(Settings *s, uint64_t *random) {
        static const usec_t sustains[] = { 0, SEC, 5 * SEC, 30 * SEC };

        s->pressure.enabled = random_chance(random, 95);
        s->pressure.sustain = sustains[random_below(random, ELEMENTS_OF(sustains))];
        for (PressureCause c = 0; c < _PRESSURE_THRESHOLD_MAX; c++) {
                unsigned width = (unsigned)random_below(random, 400);

                if (random_chance(random, 25)) {
                        *threshold(s, c, true) = *threshold(s, c, false) = SHARE_OFF;
                        continue;
                }
                *threshold(s, c, true) = (unsigned)random_between(random, 400, SHARE_ALL - 400);
                *threshold(s, c, false) = c == PRESSURE_MEMORY_AVAILABLE ? *threshold(s, c, true) + width
                                                                         : *threshold(s, c, true) - width;
        }
}

/* Around the threshold, at it, or anywhere. */
static int random_share(Settings *s, PressureCause c, int before, uint64_t *random) {
        unsigned around = *threshold(s, c, random_chance(random, 50));
        int64_t v = around == SHARE_OFF ? (int64_t)random_below(random, SHARE_ALL + 1) : (int64_t)around;

        if (random_chance(random, 1))
                return -1;
        if (before >= 0 && random_chance(random, 70))
                v = before + (int64_t)random_below(random, 101) - 50;
        else if (random_chance(random, 90))
                v += (int64_t)random_below(random, 601) - 300;
        return v < 0 ? 0 : v > (int64_t)SHARE_ALL ? (int)SHARE_ALL : (int)v;
}

#define CURVES  2000
#define SAMPLES 300

static void test_random_curves(void **state) {
        unsigned entries = 0, levels[_PRESSURE_LEVEL_MAX] = { 0 };

        (void)state;
        for (uint64_t seed = 1; seed <= CURVES; seed++) {
                uint64_t random = seed;
                Probe p = probe();
                Model m = { .stalled = USEC_INFINITY };
                Values v = { { 9000, 1000, 1000, 1000 } };
                usec_t left[_PRESSURE_THRESHOLD_MAX] = { 0 };

                random_thresholds(&p.settings, &random);
                for (PressureCause c = 0; c < _PRESSURE_THRESHOLD_MAX; c++)
                        m.since[c] = USEC_INFINITY;
                for (unsigned i = 0; i < SAMPLES; i++) {
                        PressureLevel want = PRESSURE_NORMAL, got;
                        bool before[_PRESSURE_THRESHOLD_MAX];
                        bool reload = random_chance(&random, 1);

                        if (reload)
                                random_thresholds(&p.settings, &random);
                        if (random_chance(&random, 10)) {
                                p.now += random_below(&random, SEC);
                                pressure_stalled(&p.p, p.now);
                                m.stalled = p.now;
                        }
                        for (PressureCause c = 0; c < _PRESSURE_THRESHOLD_MAX; c++) {
                                v.of[c] = random_share(&p.settings, c, v.of[c], &random);
                                before[c] = m.counts[c];
                        }
                        got = sample(&p, random_chance(&random, 50) ? SEC : random_below(&random, 12 * SEC),
                                        figures_of(&v));
                        model_sample(&m, &p.settings, &v, p.now);

                        for (PressureCause c = 0; c < _PRESSURE_THRESHOLD_MAX; c++) {
                                if (m.counts[c])
                                        want = PRESSURE_CRITICAL;
                                if (pressure_counts(&p.p, c, p.now) != m.counts[c])
                                        fail_msg("seed %" PRIu64 ", sample %u: %s %s", seed, i,
                                                        pressure_cause_name(c),
                                                        m.counts[c] ? "does not count" : "counts");
                                /* No cause comes back sooner than Sustain= after it went. */
                                if (before[c] && !m.counts[c])
                                        left[c] = p.now;
                                if (reload)
                                        left[c] = 0;
                                if (!before[c] && pressure_counts(&p.p, c, p.now)) {
                                        entries++;
                                        if (p.now - left[c] < p.settings.pressure.sustain)
                                                fail_msg("seed %" PRIu64 ", sample %u: too soon again", seed,
                                                                i);
                                }
                        }
                        if (want == PRESSURE_NORMAL && m.stalled != USEC_INFINITY &&
                                        p.now < m.stalled + 10 * SEC)
                                want = PRESSURE_ELEVATED;
                        if (got != want)
                                fail_msg("seed %" PRIu64 ", sample %u: %s, not %s", seed, i,
                                                pressure_level_name(got), pressure_level_name(want));
                        levels[got]++;
                }
        }
        /* Else the curves would prove nothing. */
        assert_true(entries > CURVES && levels[PRESSURE_ELEVATED] > CURVES &&
                        levels[PRESSURE_NORMAL] > CURVES);
}

/* A curve that swings around Low by less than the hysteresis, whatever its rhythm, enters once at most. */
static void test_no_oscillation(void **state) {
        (void)state;
        for (uint64_t seed = 1; seed <= 500; seed++) {
                usec_t step = SEC * seed / 50 + 1;
                unsigned changes = 0, entered = 0;
                PressureLevel level = PRESSURE_NORMAL;
                uint64_t random = seed;
                Probe p = probe();

                for (unsigned i = 0; i < 1000; i++) {
                        PressureLevel now = available(&p, step, (unsigned)random_between(&random, 202, 799));

                        if (random_chance(&random, 50)) /* and lasting stretches */
                                now = available(&p, 6 * SEC, 300);
                        changes += now != level;
                        entered += now == PRESSURE_CRITICAL && now != level;
                        level = now;
                }
                if (changes > 1 || entered != 1)
                        fail_msg("seed %" PRIu64 ": %u changes, entered %u times", seed, changes, entered);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_yet),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_enters_after_sustain),
                cmocka_unit_test(test_dip_resets),
                cmocka_unit_test(test_leaves_at_the_leaving_value),
                cmocka_unit_test(test_without_sustain),
                cmocka_unit_test(test_used_but_available),
                cmocka_unit_test(test_disk),
                cmocka_unit_test(test_disabled),
                cmocka_unit_test(test_unknown_figures),
                cmocka_unit_test(test_stall),
                cmocka_unit_test(test_random_curves),
                cmocka_unit_test(test_no_oscillation),
        };

        return cmocka_run_group_tests_name("pressure-levels", tests, NULL, NULL);
}
