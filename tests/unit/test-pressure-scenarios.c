/* SPDX-License-Identifier: Apache-2.0 */
/* Batches against pressure, on a simulated node: what helps, what does not, and when it is left alone. */

#include "pressure-simulation.h"

#define TOTAL (24 * GB)

/* parameter[0]: available, were nothing stuck; [1]: from then on... [2]: ... this much is */
static void memory_steps(const Sim *sim, NodeFigures *ret) {
        bool later = sim->parameter[1] != 0 && sim->now >= sim->parameter[1];

        *ret = memory_figures(TOTAL, later ? sim->parameter[2] : sim->parameter[0]);
}

/* The same, with a disk of 1 TB of which parameter[3] is used without the containers. */
static void memory_and_disk(const Sim *sim, NodeFigures *ret) {
        memory_steps(sim, ret);
        ret->disk_total = 1000 * GB;
        ret->disk_used = sim->parameter[3];
        ret->inodes_total = 1000000;
        ret->inodes_used = sim->parameter[3] / MB;
}

/* Clean pages: MemFree has them back, MemAvailable had them all the time. */
static const Held clean = { .cached = 60 * MB, .disk = GB, .inodes = 100 };
/* What only removal gives back. */
static const Held stuck = { .cached = 10 * MB, .stuck = 100 * MB, .disk = GB, .inodes = 100 };

static void test_it_helps(void **state) {
        Sim sim;

        (void)state;
        sim_init(&sim, memory_steps);
        sim.parameter[0] = TOTAL / 100 * 3 + 40 * 110 * MB; /* 3 % with all of them there, free even less */
        sim_add(&sim, 40, stuck);
        sim_run(&sim, EPOCH + 5 * SEC - 1);
        assert_int_equal(sim.begun, 0);
        sim_run(&sim, EPOCH + HOUR);

        /* Twice 800 MB bring it over the leaving value of 8 %. */
        assert_int_equal(sim.begun, 2);
        assert_int_equal(sim.n_reports, 2);
        assert_int_equal(sim.removed, 16);
        for (size_t i = 0; i < 2; i++) {
                const ReliefReport *r = &sim.reports[i];

                assert_true(r->helped && r->known && !r->gave_up);
                assert_int_equal(r->useless, 0);
                assert_int_equal(r->improvement, 800 * MB);
                assert_int_equal(r->batch.cause, PRESSURE_MEMORY_AVAILABLE);
                assert_int_equal(r->batch.removed, 8);
                assert_int_equal(r->batch.unknown, 0);
                assert_int_equal(r->batch.otherwise, 0);
                assert_int_equal(r->batch.held, 80 * MB);
                assert_int_equal(r->batch.held_disk, 8 * GB);
                assert_int_equal(r->batch.held_inodes, 800);
                assert_int_equal(r->batch.before.memory_available + 800 * MB, r->after.memory_available);
                assert_true(r->batch.share < PERCENT(8) && r->batch.share >= PERCENT(3));
                assert_int_equal(r->batch.share, share_of(r->batch.before.memory_available, TOTAL));
        }
        assert_int_equal(sim.n_changes, 2);
        assert_int_equal(sim.changes[0].at, EPOCH + 5 * SEC);
        assert_int_equal(sim.changes[0].level, PRESSURE_CRITICAL);
        /* 5 s until it counts, 8 removals of 5 ms, 15 s to cool down; the second one at once. */
        assert_int_equal(sim.judged_at[0], EPOCH + 20 * SEC + 8 * 5 * USEC_PER_MSEC);
        assert_int_equal(sim.begun_at, sim.judged_at[0]);
        assert_int_equal(sim.judged_at[1], sim.judged_at[0] + 15 * SEC + 8 * 5 * USEC_PER_MSEC);
        assert_int_equal(sim_remaining(&sim), 24);
}

/* A hog that removal cannot help against: the rest remain, and later it is tried again. */
static void test_it_gives_up(void **state) {
        usec_t gave_up;
        Sim sim;

        (void)state;
        sim_init(&sim, memory_steps);
        sim.parameter[0] = TOTAL / 100 * 3;
        sim_add(&sim, 100, (Held){ .cached = 7 * MB });
        while (sim.n_reports < 3)
                sim_step(&sim, EPOCH + HOUR);
        for (size_t i = 0; i < 3; i++) {
                assert_false(sim.reports[i].helped);
                assert_true(sim.reports[i].known);
                assert_int_equal(sim.reports[i].improvement, 0);
                assert_int_equal(sim.reports[i].useless, i + 1);
                assert_int_equal(sim.reports[i].gave_up, i == 2);
        }
        gave_up = sim.now;
        assert_true(relief_has_given_up(&sim.relief, PRESSURE_MEMORY_AVAILABLE, sim.now));
        assert_false(relief_has_given_up(&sim.relief, PRESSURE_MEMORY_USED, sim.now));
        assert_int_equal(relief_changes_at(&sim.relief, sim.now), gave_up + 10 * MINUTE);

        sim_stall(&sim, gave_up + MINUTE); /* elevates nothing either */
        sim_run(&sim, gave_up + 10 * MINUTE - 1);
        assert_int_equal(sim.removed, 24);
        assert_int_equal(sim.level, PRESSURE_NORMAL);
        assert_int_equal(sim_count(&sim, PRESSURE_ELEVATED), 0);
        assert_int_equal(pressure_level(&sim.pressure, sim.now), PRESSURE_CRITICAL);

        sim_run(&sim, gave_up + 10 * MINUTE);
        assert_false(relief_has_given_up(&sim.relief, PRESSURE_MEMORY_AVAILABLE, sim.now));
        assert_int_equal(sim.begun, 4);
        assert_int_equal(sim.begun_at, gave_up + 10 * MINUTE);
        while (sim.n_reports < 6)
                sim_step(&sim, EPOCH + HOUR);
        for (size_t i = 3; i < 6; i++) {
                assert_int_equal(sim.reports[i].useless, i - 2);
                assert_int_equal(sim.reports[i].gave_up, i == 5);
        }
        sim_run(&sim, sim.now + 10 * MINUTE - 1);
        assert_int_equal(sim_remaining(&sim), 100 - 6 * 8);
}

static void test_help_in_between(void **state) {
        static const unsigned useless[] = { 1, 2, 0, 1, 2, 3 };
        Sim sim;

        (void)state;
        sim_init(&sim, memory_steps);
        sim.parameter[0] = TOTAL / 100 * 2;
        sim_add(&sim, 16, (Held){ .cached = MB });
        sim_add(&sim, 8, (Held){ .stuck = 2 * MB }); /* just MinimumReclaim= */
        sim_add(&sim, 8, (Held){ .stuck = 2 * MB - 1 });
        sim_add(&sim, 100, (Held){ .cached = MB });
        while (sim.n_reports < 6)
                sim_step(&sim, EPOCH + HOUR);
        for (size_t i = 0; i < 6; i++) {
                assert_int_equal(sim.reports[i].useless, useless[i]);
                assert_int_equal(sim.reports[i].helped, i == 2);
                assert_int_equal(sim.reports[i].gave_up, i == 5);
        }
        assert_int_equal(sim.reports[2].improvement, 16 * MB);
        assert_int_equal(sim.reports[3].improvement, 16 * MB - 8);
}

/* The pages that go do not help those who wait for MemAvailable, and do help by the paper's measure. */
static void test_gains_elsewhere(void **state) {
        Sim sim;

        (void)state;
        for (unsigned used = 0; used < 2; used++) {
                sim_init(&sim, memory_steps);
                sim.parameter[0] = TOTAL / 100 * 4;
                sim_add(&sim, 16, (Held){ .cached = 50 * MB });
                if (used) {
                        sim.settings.pressure.memory_available_low = SHARE_OFF;
                        sim.settings.pressure.memory_used_high = PERCENT(95);
                        sim.settings.pressure.memory_used_low = PERCENT(10);
                }
                while (sim.n_reports < 2)
                        sim_step(&sim, EPOCH + HOUR);
                for (size_t i = 0; i < 2; i++) {
                        const ReliefReport *r = &sim.reports[i];
                        int64_t cached, unused, available;

                        assert_true(relief_change(r->batch.before.cached, r->after.cached, &cached));
                        assert_true(relief_change(
                                        r->batch.before.memory_free, r->after.memory_free, &unused));
                        assert_true(relief_change(r->batch.before.memory_available,
                                        r->after.memory_available, &available));
                        assert_int_equal(cached, -400 * (int64_t)MB);
                        assert_int_equal(unused, 400 * (int64_t)MB);
                        assert_int_equal(available, 0);
                        assert_int_equal(r->helped, used);
                        assert_int_equal(r->improvement, used ? 400 * MB : 0);
                        assert_int_equal(r->batch.cause,
                                        used ? PRESSURE_MEMORY_USED : PRESSURE_MEMORY_AVAILABLE);
                }
        }
}

static void test_minimum_reclaim_0(void **state) {
        Sim sim;

        (void)state;
        sim_init(&sim, memory_steps);
        sim.settings.pressure.minimum_reclaim = 0;
        sim.settings.pressure.give_up_after = 1;
        sim.settings.pressure.batch_size = 4;
        sim.parameter[0] = TOTAL / 100 * 4;
        sim.parameter[1] = EPOCH + 2 * MINUTE;
        sim.parameter[2] = TOTAL / 100 * 2; /* it even gets worse */
        sim_add(&sim, 200, (Held){ .cached = MB });
        sim_run(&sim, EPOCH + HOUR);
        assert_int_equal(sim_remaining(&sim), 0);
        assert_int_equal(sim.n_reports, 50);
        for (size_t i = 0; i < 50; i++)
                assert_false(sim.reports[i].gave_up);
        assert_int_equal(sim.level, PRESSURE_CRITICAL);
}

/* Memory is given up, the disk is not: what is removed for it goes on, and nothing is elevated. */
static void test_disk_goes_on(void **state) {
        usec_t gave_up = 0;
        unsigned disk = 0;
        Sim sim;

        (void)state;
        sim_init(&sim, memory_and_disk);
        sim.settings.disk.used_high = PERCENT(90);
        sim.settings.disk.used_low = PERCENT(87);
        sim.parameter[0] = TOTAL / 100 * 2;
        sim.parameter[1] = EPOCH + 8 * MINUTE; /* the hog ends */
        sim.parameter[2] = TOTAL / 100 * 50;
        sim.parameter[3] = 900 * GB - 80 * GB;
        sim_add(&sim, 100, clean); /* 92 % of the disk with these */
        for (usec_t t = 30 * SEC; t < 16 * MINUTE; t += MINUTE)
                sim_stall(&sim, EPOCH + t);
        sim_run(&sim, EPOCH + 20 * MINUTE);

        for (size_t i = 0; i < sim.n_reports; i++) {
                const ReliefReport *r = &sim.reports[i];

                if (r->batch.cause == PRESSURE_DISK_USED) {
                        assert_true(gave_up > 0);
                        assert_true(r->helped);
                        assert_int_equal(r->improvement, 8 * GB);
                        assert_int_equal(r->batch.share, share_of(r->batch.before.disk_used, 1000 * GB));
                        disk++;
                } else {
                        assert_int_equal(r->batch.cause, PRESSURE_MEMORY_AVAILABLE);
                        assert_false(r->helped);
                        assert_true(gave_up == 0);
                        if (r->gave_up)
                                gave_up = sim.judged_at[i];
                }
        }
        /* 920 GB, of them 24 gone for memory; the threshold is left at 870. */
        assert_int_equal(disk, 4);
        assert_int_equal(sim.n_reports, 3 + 4);
        assert_int_equal(sim_remaining(&sim), 100 - 7 * 8);
        /* Stalls count again when memory is not given up any more. */
        for (size_t i = 0; i < sim.n_changes; i++)
                if (sim.changes[i].level == PRESSURE_ELEVATED && sim.changes[i].at > gave_up)
                        assert_true(sim.changes[i].at >= gave_up + 10 * MINUTE);
        assert_true(sim_became(&sim, PRESSURE_ELEVATED) >= gave_up + 10 * MINUTE);
        assert_int_equal(sim.level, PRESSURE_NORMAL);
}

static void test_inodes(void **state) {
        Sim sim;

        (void)state;
        for (unsigned little = 0; little < 2; little++) {
                /* 16 MB at 16 KB each are 1024; 8 in a batch. */
                Held held = { .disk = GB, .inodes = little ? 127 : 128 };

                sim_init(&sim, memory_and_disk);
                sim.settings.pressure.enabled = false;
                sim.settings.disk.inodes_high = PERCENT(90);
                sim.settings.disk.inodes_low = PERCENT(85);
                sim.settings.disk.used_high = PERCENT(99);
                sim.settings.disk.used_low = PERCENT(99);
                sim.parameter[3] = 900000 * MB;
                sim_add(&sim, 100, held);
                sim_run(&sim, EPOCH + 2 * MINUTE);
                assert_true(sim.n_reports >= 3);
                for (size_t i = 0; i < 3; i++) {
                        assert_int_equal(sim.reports[i].batch.cause, PRESSURE_DISK_INODES);
                        assert_int_equal(sim.reports[i].helped, !little);
                        assert_int_equal(sim.reports[i].improvement, 8 * held.inodes);
                        assert_int_equal(sim.reports[i].gave_up, little && i == 2);
                }
        }
}

/* The level is left amid a batch: the rest of it stays, what went is judged. */
static void test_left_amid_a_batch(void **state) {
        Sim sim;

        (void)state;
        sim_init(&sim, memory_steps);
        sim.removal_takes = 700 * USEC_PER_MSEC;
        sim.parameter[0] = TOTAL / 100 * 2;
        sim.parameter[1] = EPOCH + 5 * SEC + 2500 * USEC_PER_MSEC;
        sim.parameter[2] = TOTAL / 2;
        sim_add(&sim, 50, clean);
        sim_run(&sim, EPOCH + HOUR);
        assert_int_equal(sim.begun, 1);
        assert_true(sim.removed >= 3 && sim.removed <= 5); /* as the level is looked at each second */
        assert_int_equal(sim.n_reports, 1);
        assert_int_equal(sim.reports[0].batch.removed, sim.removed);
        assert_true(sim.reports[0].helped); /* the hog's end did, which nobody can tell */
        assert_int_equal(sim.judged_at[0], sim.ended_at + 15 * SEC);
        assert_true(sim.removed_at < sim_became(&sim, PRESSURE_NORMAL));
}

/* ... before the first of it went: there is nothing to judge. */
static void test_left_before_the_first(void **state) {
        Sim sim;

        (void)state;
        sim_init(&sim, memory_steps);
        sim.removal_takes = 3 * SEC;
        sim.parameter[0] = TOTAL / 100 * 2;
        sim.parameter[1] = EPOCH + 5 * SEC + 1;
        sim.parameter[2] = TOTAL / 2;
        sim_add(&sim, 50, clean);
        sim_run(&sim, EPOCH + HOUR);
        assert_int_equal(sim.begun, 1);
        assert_int_equal(sim.removed, 0);
        assert_int_equal(sim.n_reports, 0);
        assert_int_equal(sim.relief.phase, RELIEF_RESTING);
}

/* Two useless ones are in a row only if GiveUpFor= has not passed between them. */
static void test_long_ago(void **state) {
        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                usec_t pause = i ? 11 * MINUTE : 9 * MINUTE;
                Sim sim;

                sim_init(&sim, memory_steps);
                sim.parameter[0] = TOTAL / 100;
                sim_add(&sim, 100, clean);
                while (sim.n_reports < 2)
                        sim_step(&sim, EPOCH + HOUR);
                assert_int_equal(sim.reports[1].useless, 2);
                sim.parameter[1] = sim.now; /* the hog pauses, which nobody notices before the next batch */
                sim.parameter[2] = TOTAL / 2;
                relief_abort(&sim.relief); /* as when the engine is lost */
                sim.removal_at = USEC_INFINITY;
                assert_int_equal(sim.relief.phase, RELIEF_RESTING);
                sim_run(&sim, sim.now + pause);
                assert_int_equal(sim.n_reports, 2);
                sim.parameter[1] = 0;
                while (sim.n_reports < 3)
                        sim_step(&sim, EPOCH + HOUR);
                assert_int_equal(sim.reports[2].useless, i ? 1 : 3);
                assert_int_equal(sim.reports[2].gave_up, !i);
        }
}

/* What was removed, and what is not known of it. */
static void test_accounts(void **state) {
        Holding h = { .cached = 3, .disk = 5, .inodes = 7 }, unknown = HOLDING_UNKNOWN, in_part = unknown;
        NodeFigures before = memory_figures(TOTAL, TOTAL / 25), after = before;
        Settings s = pressure_settings();
        ReliefReport report;
        int64_t change;
        Relief r;

        (void)state;
        relief_init(&r);
        in_part.disk = 100;
        relief_removed(&r, &h, true); /* no batch: nothing happens */
        assert_int_equal(r.phase, RELIEF_RESTING);
        relief_begin(&r, PRESSURE_MEMORY_AVAILABLE, &before);
        relief_removed(&r, &h, true);
        relief_removed(&r, &h, false);
        relief_removed(&r, &unknown, true);
        relief_removed(&r, &in_part, true);
        relief_removed(&r, NULL, true);
        relief_removed(&r, NULL, false);
        relief_removed(&r, &h, true);
        relief_removals_ended(&r, &s, EPOCH);
        assert_int_equal(r.phase, RELIEF_COOLING);
        assert_int_equal(r.cool_until, EPOCH + 15 * SEC);
        relief_removed(&r, &h, false); /* while it cools down */
        after.memory_available = FIGURE_UNKNOWN;
        relief_judge(&r, &s, &after, r.cool_until, &report);
        assert_int_equal(report.batch.removed, 5);
        assert_int_equal(report.batch.unknown, 3);
        assert_int_equal(report.batch.otherwise, 3);
        assert_int_equal(report.batch.held, 6);
        assert_int_equal(report.batch.held_disk, 110);
        assert_int_equal(report.batch.held_inodes, 14);
        assert_int_equal(report.batch.share, PERCENT(4) - (TOTAL % 25 != 0));
        /* What cannot be read has not improved. */
        assert_false(report.known || report.helped || report.gave_up);
        assert_int_equal(report.useless, 1);

        /* Others' removals alone are no batch. */
        relief_begin(&r, PRESSURE_DISK_USED, &before);
        relief_removed(&r, &h, false);
        relief_removals_ended(&r, &s, EPOCH);
        assert_int_equal(r.phase, RELIEF_RESTING);
        assert_int_equal(relief_changes_at(&r, EPOCH), USEC_INFINITY);

        assert_false(relief_change(1, FIGURE_UNKNOWN, &change));
        assert_false(relief_change(FIGURE_UNKNOWN, 1, &change));
        assert_true(relief_change(5, 3, &change) && change == -2);
}

/* --- whatever the curve does --- */

/* parameter[0]: the seed; a new level each half minute or so, and noise on it */
static void wild(const Sim *sim, NodeFigures *ret) {
        uint64_t slow = sim->parameter[0] * 1000003 + sim->now / (27 * SEC) + 1;
        uint64_t fast = sim->parameter[0] * 7919 + sim->now / (300 * USEC_PER_MSEC) + 1;
        uint64_t available;

        random_next(&slow);
        random_next(&fast);
        available = random_below(&slow, 25) * TOTAL / 200 + random_below(&fast, TOTAL / 100);
        *ret = memory_figures(TOTAL, available + 400 * 20 * MB);
        ret->disk_total = 1000 * GB;
        random_next(&slow);
        ret->disk_used = random_between(&slow, 780, 990) * GB;
}

static void test_wild(void **state) {
        unsigned gave_up = 0, helped = 0, amid = 0;

        (void)state;
        for (uint64_t seed = 1; seed <= 60; seed++) {
                usec_t until[_PRESSURE_THRESHOLD_MAX] = { 0 }, useless_at[_PRESSURE_THRESHOLD_MAX] = { 0 };
                unsigned useless[_PRESSURE_THRESHOLD_MAX] = { 0 }, size;
                size_t seen = 0, changes = 0;
                uint64_t random = seed;
                usec_t rested = EPOCH;
                static Sim sim;

                sim_init(&sim, wild);
                sim.parameter[0] = seed;
                sim.removal_takes = random_between(&random, 1, 400) * USEC_PER_MSEC;
                sim.settings.pressure.batch_size = size = (unsigned)random_between(&random, 1, 12);
                sim.settings.pressure.give_up_after = (unsigned)random_between(&random, 1, 4);
                sim.settings.pressure.give_up_for = random_between(&random, 1, 300) * SEC;
                sim.settings.pressure.minimum_reclaim = random_between(&random, 1, 400) * MB;
                sim.settings.pressure.memory_used_high =
                                random_chance(&random, 50) ? PERCENT(96) : SHARE_OFF;
                sim.settings.pressure.memory_used_low = PERCENT(93);
                sim.settings.disk.used_high = random_chance(&random, 50) ? PERCENT(96) : SHARE_OFF;
                sim.settings.disk.used_low = PERCENT(94);
                for (unsigned i = 0; i < 300; i++)
                        sim_add(&sim, 1,
                                        (Held){ .cached = random_below(&random, 10) * MB,
                                                        .stuck = random_below(&random, 10) * MB,
                                                        .disk = random_below(&random, 100) * MB });
                for (unsigned i = 1; i < 30; i++)
                        sim_stall(&sim, EPOCH + i * 71 * SEC);

                while (sim.now < EPOCH + 40 * MINUTE && sim.n_reports + 2 < REPORTS_MAX &&
                                sim.n_changes + 20 < CHANGES_MAX) {
                        unsigned removed = sim.removed, begun = sim.begun;
                        const ReliefReport *r;
                        PressureCause c;
                        bool in_row;

                        sim_step(&sim, EPOCH + 40 * MINUTE);
                        if (sim.begun > begun) {
                                assert_int_equal(sim.begun, begun + 1);
                                assert_true(sim.now >= rested); /* never while it cools down */
                                assert_true(sim.now >= until[sim.relief.batch.cause]);
                        }
                        if (sim.removed > removed) {
                                assert_int_equal(sim.removed, removed + 1);
                                assert_int_equal(sim.changes[sim.n_changes - 1].level, PRESSURE_CRITICAL);
                                assert_true(sim.relief.batch.removed <= size);
                                rested = sim.now + sim.settings.pressure.cool_down;
                        }
                        if (sim.relief.phase == RELIEF_COOLING)
                                assert_true(relief_changes_at(&sim.relief, sim.now) <=
                                                sim.relief.cool_until);
                        for (; changes < sim.n_changes; changes++)
                                amid += sim.relief.phase == RELIEF_REMOVING;
                        if (sim.n_reports == seen)
                                continue;

                        r = &sim.reports[seen++];
                        c = r->batch.cause;
                        helped += r->helped;
                        assert_true(r->known);
                        assert_int_equal(r->helped,
                                        r->improvement >= (int64_t)sim.settings.pressure.minimum_reclaim);
                        /* Whether GiveUpFor= has passed between two is not told to within a batch. */
                        in_row = useless[c] > 0 &&
                                 sim.begun_at - useless_at[c] < sim.settings.pressure.give_up_for;
                        if (in_row && sim.now - useless_at[c] >= sim.settings.pressure.give_up_for)
                                in_row = r->useless > 1;
                        useless[c] = r->helped ? 0 : in_row ? useless[c] + 1 : 1;
                        if (!r->helped)
                                useless_at[c] = sim.now;
                        if (r->useless != useless[c] ||
                                        r->gave_up != (useless[c] >= sim.settings.pressure.give_up_after))
                                fail_msg("seed %" PRIu64 ", batch %zu: %u useless (%s), not %u", seed, seen,
                                                r->useless, r->gave_up ? "gave up" : "went on", useless[c]);
                        if (r->gave_up) {
                                gave_up++;
                                useless[c] = 0;
                                until[c] = sim.now + sim.settings.pressure.give_up_for;
                                assert_true(relief_has_given_up(&sim.relief, c, until[c] - 1));
                                assert_false(relief_has_given_up(&sim.relief, c, until[c]));
                        }
                }
        }
        /* Else the curves would prove nothing. */
        if (gave_up < 20 || helped < 50 || amid < 10)
                fail_msg("gave up %u times, helped %u times, %u changes amid a batch", gave_up, helped,
                                amid);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_it_helps),
                cmocka_unit_test(test_it_gives_up),
                cmocka_unit_test(test_help_in_between),
                cmocka_unit_test(test_gains_elsewhere),
                cmocka_unit_test(test_minimum_reclaim_0),
                cmocka_unit_test(test_disk_goes_on),
                cmocka_unit_test(test_inodes),
                cmocka_unit_test(test_left_amid_a_batch),
                cmocka_unit_test(test_left_before_the_first),
                cmocka_unit_test(test_long_ago),
                cmocka_unit_test(test_accounts),
                cmocka_unit_test(test_wild),
        };

        return cmocka_run_group_tests_name("pressure-scenarios", tests, NULL, NULL);
}
