/* SPDX-License-Identifier: Apache-2.0 */
/* Each contract of core/relief.h by itself: phases, judgement, giving up, and who is chosen. */

#include "cap-fixture.h"
#include "pressure-simulation.h"

/* A pressure by this cause, at once. */
static Pressure critical_by(PressureCause cause) {
        Pressure p;

        pressure_init(&p);
        p.thresholds[cause].counts = true;
        return p;
}

static NodeFigures figures_of(uint64_t figure) {
        NodeFigures f = node_figures_unknown();

        f.memory_total = f.disk_total = f.inodes_total = 1000 * GB;
        f.memory_available = f.memory_free = f.disk_used = f.inodes_used = figure;
        return f;
}

/* A whole batch that changes the figure of its cause, judged at `now`. */
static ReliefReport batch(Relief *r, const Settings *s, PressureCause cause, uint64_t before, uint64_t after,
                usec_t now) {
        NodeFigures f = figures_of(before);
        ReliefReport report;

        relief_begin(r, cause, &f);
        relief_removed(r, NULL, true);
        relief_removals_ended(r, s, usec_sub(now, s->pressure.cool_down));
        assert_int_equal(r->phase, RELIEF_COOLING);
        f = figures_of(after);
        relief_judge(r, s, &f, now, &report);
        assert_int_equal(r->phase, RELIEF_RESTING);
        return report;
}

static void test_phases(void **state) {
        Settings s = pressure_settings();
        Holding h = { .cached = 1, .disk = 2, .inodes = 3 };
        NodeFigures f = memory_figures(1000, 43);
        Relief r;

        (void)state;
        relief_init(&r);
        assert_int_equal(r.phase, RELIEF_RESTING);
        assert_int_equal(relief_changes_at(&r, EPOCH), USEC_INFINITY);
        relief_removed(&r, &h, true); /* there is no batch */
        relief_removals_ended(&r, &s, EPOCH);
        assert_int_equal(r.phase, RELIEF_RESTING);
        assert_int_equal(r.batch.removed, 0);

        relief_begin(&r, PRESSURE_MEMORY_AVAILABLE, &f);
        assert_int_equal(r.phase, RELIEF_REMOVING);
        assert_int_equal(r.batch.share, 430);
        assert_int_equal(r.batch.removed, 0);
        assert_int_equal(relief_changes_at(&r, EPOCH), USEC_INFINITY);
        relief_removed(&r, &h, false);
        relief_removals_ended(&r, &s, EPOCH); /* none of it was removed */
        assert_int_equal(r.phase, RELIEF_RESTING);

        relief_begin(&r, PRESSURE_MEMORY_AVAILABLE, &f);
        relief_removed(&r, &h, true);
        relief_removals_ended(&r, &s, EPOCH);
        assert_int_equal(r.phase, RELIEF_COOLING);
        assert_int_equal(r.cool_until, EPOCH + 15 * SEC);
        assert_int_equal(relief_changes_at(&r, EPOCH), EPOCH + 15 * SEC);
        relief_removals_ended(&r, &s, EPOCH + SEC); /* said twice */
        assert_int_equal(r.cool_until, EPOCH + 15 * SEC);
        assert_int_equal(relief_changes_at(&r, EPOCH + HOUR), EPOCH + 15 * SEC); /* still to be judged */

        relief_abort(&r);
        assert_int_equal(r.phase, RELIEF_RESTING);
        assert_int_equal(relief_changes_at(&r, EPOCH), USEC_INFINITY);
}

static void test_sums(void **state) {
        const Holding known = { .cached = 100, .dirty = 1, .disk = 1000, .inodes = 10 };
        const Holding huge = { .cached = FIGURE_UNKNOWN - 1, .disk = 0, .inodes = 0 };
        const Holding on_disk = {
                .cached = FIGURE_UNKNOWN, .dirty = FIGURE_UNKNOWN, .disk = 5, .inodes = 6, .partial = true
        };
        const Holding nothing = HOLDING_UNKNOWN;
        Settings s = pressure_settings();
        NodeFigures f = figures_of(GB);
        Relief r;

        (void)state;
        relief_init(&r);
        relief_begin(&r, PRESSURE_DISK_USED, &f);
        relief_removed(&r, &known, true);
        relief_removed(&r, &on_disk, true);
        relief_removed(&r, &nothing, true);
        relief_removed(&r, NULL, true);
        relief_removed(&r, &known, false);
        relief_removals_ended(&r, &s, EPOCH);
        relief_removed(&r, &known, false); /* while it cools down */
        relief_removed(&r, NULL, false);
        assert_int_equal(r.batch.removed, 4);
        assert_int_equal(r.batch.unknown, 3);
        assert_int_equal(r.batch.otherwise, 3);
        assert_int_equal(r.batch.held, 100);
        assert_int_equal(r.batch.held_disk, 1005);
        assert_int_equal(r.batch.held_inodes, 16);
        relief_removed(&r, &huge, true);
        assert_true(r.batch.held == UINT64_MAX);
        assert_int_equal(r.batch.unknown, 3);
}

/* Perhaps it was removed: the effect is looked at all the same. */
static void test_unanswered(void **state) {
        Settings s = pressure_settings();
        NodeFigures f = figures_of(GB);
        Relief r;

        (void)state;
        relief_init(&r);
        relief_unanswered(&r); /* there is no batch */
        relief_begin(&r, PRESSURE_DISK_USED, &f);
        relief_removals_ended(&r, &s, EPOCH);
        assert_int_equal(r.phase, RELIEF_RESTING);

        relief_begin(&r, PRESSURE_DISK_USED, &f);
        relief_unanswered(&r);
        relief_removals_ended(&r, &s, EPOCH);
        assert_int_equal(r.phase, RELIEF_COOLING);
        relief_removed(&r, NULL, true); /* so it was */
        assert_int_equal(r.batch.removed, 1);
        relief_unanswered(&r);
        assert_int_equal(r.batch.unanswered, 1);
}

static void test_change(void **state) {
        static const struct {
                uint64_t before, after;
                int64_t change;
        } rows[] = {
                { 0, 0, 0 },
                { 5, 7, 2 },
                { 7, 5, -2 },
                { 0, INT64_MAX, INT64_MAX },
                { 0, (uint64_t)INT64_MAX + 1, INT64_MAX },
                { 1, FIGURE_UNKNOWN - 1, INT64_MAX },
                { INT64_MAX, 0, -INT64_MAX },
                { (uint64_t)INT64_MAX + 1, 0, INT64_MIN },
                { FIGURE_UNKNOWN - 1, 0, INT64_MIN },
                { FIGURE_UNKNOWN - 1, FIGURE_UNKNOWN - 2, -1 },
        };
        int64_t change = 4711;

        (void)state;
        assert_false(relief_change(FIGURE_UNKNOWN, 0, &change));
        assert_false(relief_change(0, FIGURE_UNKNOWN, &change));
        assert_false(relief_change(FIGURE_UNKNOWN, FIGURE_UNKNOWN, &change));
        assert_int_equal(change, 4711);
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                assert_true(relief_change(rows[i].before, rows[i].after, &change));
                assert_true(change == rows[i].change);
        }
}

/* The figure of the cause decides, in its own direction. */
static void test_what_helps(void **state) {
        Settings s = pressure_settings();
        Relief r;

        (void)state;
        relief_init(&r);
        for (PressureCause cause = 0; cause < _PRESSURE_THRESHOLD_MAX; cause++) {
                bool falls = !pressure_is_memory(cause);
                /* 16M are 1024 inodes at 16 KiB. */
                int64_t enough = cause == PRESSURE_DISK_INODES ? 1024 : 16 * (int64_t)MB;

                for (int64_t by = enough - 1; by <= enough; by++) {
                        uint64_t after = falls ? GB - (uint64_t)by : GB + (uint64_t)by;
                        ReliefReport report = batch(&r, &s, cause, GB, after, EPOCH);

                        assert_true(report.known);
                        assert_true(report.improvement == by);
                        assert_int_equal(report.helped, by == enough);
                        assert_int_equal(report.useless, by == enough ? 0 : 1);
                        assert_false(report.gave_up);
                        assert_int_equal(report.batch.cause, cause);
                        assert_int_equal(report.batch.removed, 1);
                        assert_true(report.batch.before.disk_used == GB);
                        assert_true(report.after.disk_used == after);

                        /* The other way it got worse. */
                        report = batch(&r, &s, cause, after, GB, EPOCH);
                        assert_true(report.improvement == -by);
                        assert_false(report.helped);
                        batch(&r, &s, cause, GB, falls ? 0 : 2 * GB, EPOCH);
                }
        }
}

/* Others may have risen meanwhile: that is not what was short. */
static void test_gains_elsewhere(void **state) {
        Settings s = pressure_settings();
        NodeFigures f = figures_of(GB);
        ReliefReport report;
        Relief r;

        (void)state;
        for (PressureCause cause = 0; cause < _PRESSURE_THRESHOLD_MAX; cause++) {
                NodeFigures after = f;

                after.memory_available = after.memory_free = 2 * GB;
                after.disk_used = after.inodes_used = 0;
                if (cause == PRESSURE_MEMORY_AVAILABLE)
                        after.memory_available = GB;
                if (cause == PRESSURE_MEMORY_USED)
                        after.memory_free = GB;
                if (cause == PRESSURE_DISK_USED)
                        after.disk_used = GB;
                if (cause == PRESSURE_DISK_INODES)
                        after.inodes_used = GB;
                relief_init(&r);
                relief_begin(&r, cause, &f);
                relief_removed(&r, NULL, true);
                relief_removals_ended(&r, &s, EPOCH);
                relief_judge(&r, &s, &after, EPOCH, &report);
                assert_true(report.known && report.improvement == 0);
                assert_false(report.helped);
        }
}

static void test_unknown_is_no_help(void **state) {
        Settings s = pressure_settings();
        Relief r;

        (void)state;
        s.pressure.minimum_reclaim = 0;
        relief_init(&r);
        for (PressureCause cause = 0; cause < _PRESSURE_THRESHOLD_MAX; cause++) {
                ReliefReport report = batch(&r, &s, cause, GB, FIGURE_UNKNOWN, EPOCH);

                assert_false(report.known);
                assert_false(report.helped);
                assert_true(report.improvement == 0);
        }
}

/* Part of an inode is none. */
static void test_inodes_are_whole(void **state) {
        Settings s = pressure_settings();
        Relief r;

        (void)state;
        relief_init(&r);
        s.pressure.minimum_reclaim = 16384 + 1;
        assert_false(batch(&r, &s, PRESSURE_DISK_INODES, 10, 9, EPOCH).helped);
        assert_true(batch(&r, &s, PRESSURE_DISK_INODES, 10, 8, EPOCH).helped);
        s.pressure.minimum_reclaim = 16384;
        assert_true(batch(&r, &s, PRESSURE_DISK_INODES, 10, 9, EPOCH).helped);
        s.pressure.minimum_reclaim = 1;
        assert_false(batch(&r, &s, PRESSURE_DISK_INODES, 10, 10, EPOCH).helped);
        s.pressure.minimum_reclaim = UINT64_MAX;
        assert_false(batch(&r, &s, PRESSURE_DISK_INODES, GB, 0, EPOCH).helped);
}

static void test_gives_up(void **state) {
        Settings s = pressure_settings();
        Pressure p = critical_by(PRESSURE_MEMORY_USED);
        usec_t now = EPOCH, until;
        Relief r;

        (void)state;
        pressure_stalled(&p, EPOCH + MINUTE);
        relief_init(&r);
        for (unsigned i = 1; i <= 3; i++, now += 20 * SEC) {
                ReliefReport report;

                assert_int_equal(relief_cause(&r, &p, now), PRESSURE_MEMORY_USED);
                assert_int_equal(relief_level(&r, &p, now), PRESSURE_CRITICAL);
                report = batch(&r, &s, PRESSURE_MEMORY_USED, GB, GB, now);
                assert_int_equal(report.useless, i);
                assert_int_equal(report.gave_up, i == 3);
        }
        until = now - 20 * SEC + 10 * MINUTE;
        assert_int_equal(r.history[PRESSURE_MEMORY_USED].given_up_until, until);
        assert_int_equal(relief_changes_at(&r, now), until);
        assert_true(relief_has_given_up(&r, PRESSURE_MEMORY_USED, now));
        assert_true(relief_has_given_up(&r, PRESSURE_STALL, now)); /* memory is memory */
        assert_false(relief_has_given_up(&r, PRESSURE_MEMORY_AVAILABLE, now));
        assert_false(relief_has_given_up(&r, PRESSURE_NO_CAUSE, now));
        assert_true(pressure_counts(&p, PRESSURE_STALL, now));
        assert_int_equal(relief_cause(&r, &p, now), PRESSURE_NO_CAUSE);
        assert_int_equal(relief_level(&r, &p, now), PRESSURE_NORMAL);

        /* Another cause is another matter; the first that is left counts. */
        p.thresholds[PRESSURE_DISK_INODES].counts = true;
        assert_int_equal(relief_cause(&r, &p, now), PRESSURE_DISK_INODES);
        p.thresholds[PRESSURE_DISK_USED].counts = true;
        assert_int_equal(relief_cause(&r, &p, now), PRESSURE_DISK_USED);
        assert_int_equal(relief_level(&r, &p, now), PRESSURE_CRITICAL);
        p.thresholds[PRESSURE_DISK_USED].counts = p.thresholds[PRESSURE_DISK_INODES].counts = false;

        relief_abort(&r); /* changes nothing about it */
        assert_true(relief_has_given_up(&r, PRESSURE_MEMORY_USED, until - 1));
        assert_false(relief_has_given_up(&r, PRESSURE_MEMORY_USED, until));
        assert_int_equal(relief_level(&r, &p, until), PRESSURE_CRITICAL);
        assert_int_equal(relief_changes_at(&r, until), USEC_INFINITY);
}

/* Disk that was given up says nothing about memory. */
static void test_stall_beside_the_disk(void **state) {
        Pressure p = critical_by(PRESSURE_DISK_USED);
        Relief r;

        (void)state;
        relief_init(&r);
        r.history[PRESSURE_DISK_USED].given_up_until = EPOCH + HOUR;
        pressure_stalled(&p, EPOCH);
        assert_int_equal(pressure_level(&p, EPOCH), PRESSURE_CRITICAL);
        assert_int_equal(relief_level(&r, &p, EPOCH), PRESSURE_ELEVATED);
        assert_int_equal(relief_level(&r, &p, EPOCH + 10 * SEC), PRESSURE_NORMAL);
        r.history[PRESSURE_MEMORY_AVAILABLE].given_up_until = EPOCH + 1;
        assert_int_equal(relief_level(&r, &p, EPOCH), PRESSURE_NORMAL);
        assert_int_equal(relief_level(&r, &p, EPOCH + 1), PRESSURE_ELEVATED);
        /* The soonest of what ends. */
        assert_int_equal(relief_changes_at(&r, EPOCH), EPOCH + 1);
        assert_int_equal(relief_changes_at(&r, EPOCH + 1), EPOCH + HOUR);
}

static unsigned useless_after(Relief *r, const Settings *s, usec_t now) {
        return batch(r, s, PRESSURE_MEMORY_AVAILABLE, GB, GB, now).useless;
}

static void test_what_is_in_a_row(void **state) {
        Settings s = pressure_settings();
        usec_t now = EPOCH;
        Relief r;

        (void)state;
        relief_init(&r);
        assert_int_equal(useless_after(&r, &s, now), 1);
        assert_int_equal(useless_after(&r, &s, now), 2);
        assert_int_equal(batch(&r, &s, PRESSURE_DISK_USED, GB, GB, now).useless, 1); /* by cause */
        assert_int_equal(batch(&r, &s, PRESSURE_MEMORY_AVAILABLE, GB, 2 * GB, now).useless, 0);
        assert_int_equal(useless_after(&r, &s, now), 1);

        /* The last removal a moment before GiveUpFor= has passed, and then. */
        now += 10 * MINUTE + 15 * SEC - 1;
        assert_int_equal(useless_after(&r, &s, now), 2);
        now += 10 * MINUTE + 15 * SEC;
        assert_int_equal(useless_after(&r, &s, now), 1);

        /* After it was given up it begins anew, even if GiveUpFor= is longer now. */
        assert_int_equal(useless_after(&r, &s, now), 2);
        assert_int_equal(useless_after(&r, &s, now), 3);
        now += 10 * MINUTE;
        s.pressure.give_up_for = HOUR;
        assert_int_equal(useless_after(&r, &s, now), 1);
        assert_int_equal(useless_after(&r, &s, now), 2);
        assert_int_equal(useless_after(&r, &s, now), 3);
        assert_true(relief_has_given_up(&r, PRESSURE_MEMORY_AVAILABLE, now + HOUR - 1));
        assert_false(relief_has_given_up(&r, PRESSURE_MEMORY_AVAILABLE, now + HOUR));
}

/* A pause between two batches that is longer than GiveUpFor= does not part them. */
static void test_long_cool_down(void **state) {
        Settings s = pressure_settings();
        usec_t now = EPOCH;
        Relief r;

        (void)state;
        s.pressure.cool_down = HOUR;
        s.pressure.give_up_for = SEC;
        relief_init(&r);
        for (unsigned i = 1; i <= 3; i++, now += HOUR)
                assert_int_equal(useless_after(&r, &s, now), i);
        assert_int_equal(useless_after(&r, &s, now), 1);
}

static void test_never_gives_up(void **state) {
        Settings s = pressure_settings();
        Relief r;

        (void)state;
        s.pressure.minimum_reclaim = 0;
        s.pressure.give_up_after = 1;
        relief_init(&r);
        for (unsigned i = 0; i < 50; i++) {
                ReliefReport report = batch(&r, &s, PRESSURE_MEMORY_AVAILABLE, GB, GB - 1, EPOCH);

                assert_false(report.helped);
                assert_false(report.gave_up);
                assert_false(relief_has_given_up(&r, PRESSURE_MEMORY_AVAILABLE, EPOCH));
        }
        assert_true(batch(&r, &s, PRESSURE_MEMORY_AVAILABLE, GB, GB, EPOCH).helped); /* no worse */

        s.pressure.minimum_reclaim = 1;
        assert_true(batch(&r, &s, PRESSURE_MEMORY_AVAILABLE, GB, GB, EPOCH).gave_up); /* the first */
}

static void test_times_end(void **state) {
        Settings s = pressure_settings();
        usec_t end = USEC_INFINITY - 1;
        Relief r;

        (void)state;
        s.pressure.give_up_after = 1;
        relief_init(&r);
        assert_true(batch(&r, &s, PRESSURE_MEMORY_AVAILABLE, GB, GB, end).gave_up);
        assert_true(relief_has_given_up(&r, PRESSURE_MEMORY_AVAILABLE, end));
}

/* --- who goes first --- */

static Registry *new_pressed_node(void) {
        Registry *r = new_node();

        settings.settings.pressure = pressure_settings().pressure;
        settings.settings.disk = pressure_settings().disk;
        settings.settings.retention.keep_last_failure = 0;
        return r;
}

static const Situation pressed = { .engine_connected = true,
        .swarm_state = SWARM_ACTIVE,
        .node_known_at = USEC_INFINITY,
        .node_id = "here",
        .pressure = PRESSURE_CRITICAL,
        .pressure_by = SETTING_MEMORY_AVAILABLE_LOW };

/* One that ended so many seconds ago and holds this; NULL: unknown. */
static Container *put_held(Registry *r, usec_t age, const Holding *h) {
        Container *c = put(r, (Spec){ .service = "web", .finished = NOW - age });

        if (h)
                assert_int_equal(registry_set_holding(r, c, h), 0);
        return c;
}

static size_t chosen(const Registry *r, PressureCause cause, Container **ret, size_t max) {
        return relief_select(r, &settings.settings, &pressed, cause, NOW, ret, max);
}

static void test_most_held_first(void **state) {
        const Holding holdings[] = {
                { .cached = 1, .disk = 30, .inodes = 500 },
                { .cached = 3, .disk = 10, .inodes = 500, .partial = true },
                { .cached = 0, .disk = FIGURE_UNKNOWN, .inodes = FIGURE_UNKNOWN },
                HOLDING_UNKNOWN,
                { .cached = FIGURE_UNKNOWN, .disk = FIGURE_UNKNOWN - 1, .inodes = 1 },
        };
        /* The last one, 5, was never measured; it ended first, 0 last. */
        static const struct {
                PressureCause cause;
                unsigned order[6];
        } rows[] = {
                { PRESSURE_MEMORY_AVAILABLE, { 1, 0, 2, 5, 4, 3 } },
                { PRESSURE_MEMORY_USED, { 1, 0, 2, 5, 4, 3 } },
                { PRESSURE_DISK_USED, { 4, 0, 1, 5, 3, 2 } },
                { PRESSURE_DISK_INODES, { 1, 0, 4, 5, 3, 2 } },
        };
        Registry *r = new_pressed_node();
        Container *all[6], *got[RELIEF_BATCH_MAX];

        (void)state;
        for (unsigned i = 0; i < 6; i++)
                all[i] = put_held(r, MINUTE + i * SEC, i < 5 ? &holdings[i] : NULL);
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++)
                for (size_t max = 0; max <= 8; max++) {
                        size_t n = chosen(r, rows[i].cause, got, max);

                        assert_int_equal(n, max < 6 ? max : 6);
                        for (size_t k = 0; k < n; k++)
                                assert_ptr_equal(got[k], all[rows[i].order[k]]);
                }

        settings.settings.pressure.order = RELIEF_ORDER_OLDEST;
        assert_int_equal(chosen(r, PRESSURE_MEMORY_USED, got, 4), 4);
        for (unsigned k = 0; k < 4; k++)
                assert_ptr_equal(got[k], all[5 - k]);
        free_node(r);
}

static void test_who_may_be_chosen(void **state) {
        Registry *r = new_pressed_node();
        Container *got[RELIEF_BATCH_MAX], *first, *second;
        Situation s = pressed;

        (void)state;
        first = put(r, (Spec){ .service = "web", .finished = NOW - HOUR });
        second = put(r, (Spec){ .service = "web", .finished = NOW - 15 * SEC }); /* Pressure.MinimumAge= */
        put(r, (Spec){ .service = "web", .finished = NOW - 14 * SEC });
        put(r, (Spec){ .service = "web", .finished = NOW - HOUR })->claimed = true;
        registry_set_gone(r, put(r, (Spec){ .service = "web", .finished = NOW - HOUR }));
        put(r, (Spec){ .service = "web", .finished = NOW - HOUR, .labelled = true });
        put(r, (Spec){ .service = "kept_web", .finished = NOW - HOUR });
        put(r, (Spec){ .service = "web", .finished = NOW - HOUR })->quarantined = true;
        put(r, (Spec){ .service = "web", .finished = NOW - HOUR })->retry_at = NOW + 1;
        put(r, (Spec){ .service = "web", .finished = NOW - HOUR, .runs = true });
        put(r, (Spec){ .service = "web", .finished = NOW - 31 * DAY }); /* goes anyway */
        put(r, (Spec){ .service = "web", .finished = NOW - HOUR })->over_cap = true;
        assert_int_equal(chosen(r, PRESSURE_MEMORY_AVAILABLE, got, RELIEF_BATCH_MAX), 2);
        assert_ptr_equal(got[0], first);
        assert_ptr_equal(got[1], second);
        for (const Container *c = registry_next(r, NULL); c; c = registry_next(r, c))
                assert_int_equal(c->batch_rank, 0);

        s.paused_until = NOW + 1;
        assert_int_equal(
                        relief_select(r, &settings.settings, &s, PRESSURE_MEMORY_AVAILABLE, NOW, got, 8), 0);
        free_node(r);

        r = new_pressed_node();
        assert_int_equal(chosen(r, PRESSURE_MEMORY_AVAILABLE, got, 8), 0); /* nobody there */
        free_node(r);
}

/* Those whose membership is asked for before they go: chosen, unless they are asked about in any case. */
static void test_scope_is_asked(void **state) {
        Registry *r = new_pressed_node();
        Container *got[RELIEF_BATCH_MAX], *asked;

        (void)state;
        asked = put(r, (Spec){ .service = "web", .finished = NOW - HOUR });
        asked->scope = SCOPE_UNKNOWN;
        asked->labelled = true;
        put(r, (Spec){ .service = "web", .finished = NOW - 31 * DAY })->scope = SCOPE_UNKNOWN;
        assert_int_equal(chosen(r, PRESSURE_MEMORY_AVAILABLE, got, 8), 1);
        assert_ptr_equal(got[0], asked);
        free_node(r);
}

/* Many at random against sorting all of them; no more than a batch can be is written. */
static void test_many(void **state) {
        Container *got[RELIEF_BATCH_MAX + 1];
        uint64_t held[3000], random = 3;
        Registry *r = new_pressed_node();

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(held); i++) {
                held[i] = random_below(&random, 2000);
                put_held(r, HOUR + random_below(&random, 20) * SEC, &(Holding){ .cached = held[i] });
        }
        got[RELIEF_BATCH_MAX] = NULL;
        assert_int_equal(chosen(r, PRESSURE_MEMORY_AVAILABLE, got, SIZE_MAX), RELIEF_BATCH_MAX);
        assert_null(got[RELIEF_BATCH_MAX]);

        for (size_t k = 0; k + 1 < RELIEF_BATCH_MAX; k++) {
                uint64_t a = registry_holding(r, got[k])->cached,
                         b = registry_holding(r, got[k + 1])->cached;

                assert_true(a > b || (a == b && slot_compare(got[k], got[k + 1]) > 0));
        }
        /* As many hold more than the last one as stand before it, but for those that hold the same. */
        for (size_t i = 0, more = 0; i < ELEMENTS_OF(held); i++) {
                more += held[i] > registry_holding(r, got[RELIEF_BATCH_MAX - 1])->cached;
                assert_true(more < RELIEF_BATCH_MAX);
        }
        free_node(r);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_phases),
                cmocka_unit_test(test_sums),
                cmocka_unit_test(test_unanswered),
                cmocka_unit_test(test_change),
                cmocka_unit_test(test_what_helps),
                cmocka_unit_test(test_gains_elsewhere),
                cmocka_unit_test(test_unknown_is_no_help),
                cmocka_unit_test(test_inodes_are_whole),
                cmocka_unit_test(test_gives_up),
                cmocka_unit_test(test_stall_beside_the_disk),
                cmocka_unit_test(test_what_is_in_a_row),
                cmocka_unit_test(test_long_cool_down),
                cmocka_unit_test(test_never_gives_up),
                cmocka_unit_test(test_times_end),
                cmocka_unit_test(test_most_held_first),
                cmocka_unit_test(test_who_may_be_chosen),
                cmocka_unit_test(test_scope_is_asked),
                cmocka_unit_test(test_many),
        };

        return cmocka_run_group_tests_name("relief", tests, NULL, NULL);
}
