/* SPDX-License-Identifier: Apache-2.0 */
/* What an explanation has beside its words: values and where they were set, times, which steps; and the
 * levels. */

#include "explanation-fixture.h"

/* --- values, where they were set, and until when they hold --- */

static void test_values(void **state) {
        static const struct {
                void (*apply)(World *);
                ExplanationStepKind kind;
                SettingId setting;
                const char *value, *origin;
                usec_t until;
        } values[] = {
                { young, EXPLAIN_FLOOR, SETTING_MINIMUM_AGE, "2h 48s", FILE_NAME ":7", NOW + 48 * SEC },
                { nothing, EXPLAIN_FLOOR, SETTING_MINIMUM_AGE, "1min", "default", 0 },
                { in_batch_too_young, EXPLAIN_FLOOR, SETTING_PRESSURE_MINIMUM_AGE, "2h 1s", "default",
                                NOW + SEC },
                { retain_for_long, EXPLAIN_SPAN, SETTING_FAILURE, "1d 1h 47min 1us", FILE_NAME ":12",
                                NOW + 23 * HOUR + 47 * MINUTE + 1 },
                { retain_for_ever, EXPLAIN_SPAN, SETTING_FAILURE, "infinity", "default", USEC_INFINITY },
                { retain_by_label, EXPLAIN_SPAN, SETTING_FAILURE, "3h", "label org.reaperd.ttl",
                                NOW + HOUR },
                { retain_by_max_ttl, EXPLAIN_SPAN, SETTING_LABELS_MAX_TTL, "2h 30min", "default",
                                NOW + HOUR / 2 },
                { keep_many, EXPLAIN_KEEP_LAST, SETTING_KEEP_LAST, "3", FILE_NAME ":12", EPOCH + 7 * DAY },
                { keep_failure, EXPLAIN_KEEP_LAST, SETTING_KEEP_LAST_FAILURE, "1", "default",
                                EPOCH + 7 * DAY },
                { keep_failure_no_longer, EXPLAIN_KEEP_LAST, SETTING_KEEP_LAST_FOR, "2h", "default", 0 },
                { keep_but_over_cap, EXPLAIN_CAP, SETTING_MAX_STOPPED, "500", "default", 0 },
                { keep_but_over_cap, EXPLAIN_KEEP_LAST, SETTING_KEEP_LAST, "3", FILE_NAME ":12", 0 },
                { in_batch, EXPLAIN_PRESSURE, SETTING_MEMORY_AVAILABLE_LOW, "5%", "default", 0 },
                { elevate_and_pass, EXPLAIN_PRESSURE, SETTING_ELEVATED_FACTOR, "10%", "default", 0 },
                { label_for_a_while, EXPLAIN_KEEP_LABEL, _SETTING_INVALID, NULL, "label org.reaperd.keep",
                                NOW + 3 * DAY },
                { label_for_good, EXPLAIN_KEEP_LABEL, _SETTING_INVALID, NULL, "label org.reaperd.keep",
                                USEC_INFINITY },
                { nothing, EXPLAIN_KEEP_LABEL, _SETTING_INVALID, NULL, NULL, 0 },
                { rule_keeps, EXPLAIN_KEEP_RULE, _SETTING_INVALID, NULL, FILE_NAME ":41", USEC_INFINITY },
                { rule_only_matches, EXPLAIN_KEEP_RULE, _SETTING_INVALID, NULL, NULL, 0 },
                { plain_by_rule, EXPLAIN_SCOPE, _SETTING_INVALID, NULL, FILE_NAME ":40", 0 },
                { give_up, EXPLAIN_QUARANTINE, SETTING_QUARANTINE_AFTER, "8", "default", USEC_INFINITY },
                { settle_soon, EXPLAIN_SETTLE, SETTING_SETTLE_TIME, "1min", "default", NOW + 48 * SEC },
                { settle_for_ever, EXPLAIN_SETTLE, SETTING_SETTLE_TIME, "1min", "default", USEC_INFINITY },
                { pause_for_long, EXPLAIN_PAUSE, _SETTING_INVALID, NULL, NULL, NOW + 40 * MINUTE },
                { run_first_later, EXPLAIN_FIRST_RUN, SETTING_FIRST_RUN_DELAY, "10min", "default",
                                USEC_INFINITY },
                { hold_after_reload, EXPLAIN_SURGE, SETTING_SURGE_LIMIT, "50", "default",
                                NOW + 10 * MINUTE },
                { retry_soon, EXPLAIN_RETRY, _SETTING_INVALID, NULL, NULL, NOW + 39 * SEC + 1 },
                { ask_again, EXPLAIN_RETRY, _SETTING_INVALID, NULL, NULL, NOW + 4 * SEC },
                { ask_again_and_retry, EXPLAIN_RETRY, _SETTING_INVALID, NULL, NULL, NOW + 39 * SEC + 1 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(values); i++) {
                const char *value = values[i].value, *origin = values[i].origin;
                const ExplanationStep *step;
                Explanation e;
                World w;

                build(&w);
                values[i].apply(&w);
                e = explain(&w, NOW);
                step = step_of(&e, values[i].kind);
                if (step->setting != values[i].setting || step->until != values[i].until ||
                                (value ? !step->value || strcmp(step->value, value) != 0
                                       : step->value != NULL) ||
                                (origin ? !step->origin || strcmp(step->origin, origin) != 0
                                        : step->origin != NULL))
                        fail_msg("row %zu: setting %d, value %s, origin %s, until NOW + %jd us", i,
                                        step->setting, step->value, step->origin,
                                        (intmax_t)(step->until - NOW));
                explanation_done(&e);
                clear(&w);
        }
}

/* What is out of scope has no more steps; of what is not known yet those that are about the node. */
static void test_which_steps(void **state) {
        Explanation e;
        World w;

        (void)state;
        build(&w);
        e = explain(&w, NOW);
        assert_int_equal(e.n_steps, _EXPLAIN_STEP_MAX);
        for (size_t i = 0; i < e.n_steps; i++)
                assert_int_equal(e.steps[i].kind, i);
        explanation_done(&e);

        (void)decide(&w, NOW);
        w.c.profile = NULL;
        w.situation.paused_until = NOW + SEC;
        assert_int_equal(explanation_make(&w.c, &w.situation, NOW, &e), 0);
        assert_int_equal(e.decision.verdict, VERDICT_SCOPE_UNKNOWN);
        assert_true(step_of(&e, EXPLAIN_SCOPE)->decides);
        assert_string_equal(step_of(&e, EXPLAIN_SCOPE)->text,
                        "its labels are not known yet: they come with the engine's next list");
        assert_int_equal(step_of(&e, EXPLAIN_PAUSE)->effect, EFFECT_KEEPS);
        assert_int_equal(e.n_steps, EXPLAIN_SURGE); /* all to there but EXPLAIN_RESTART */
        assert_int_equal(e.steps[e.n_steps - 1].kind, EXPLAIN_SURGE);
        assert_string_equal(e.levels[PRESSURE_CRITICAL].text, "stays: scope-unknown");
        assert_null(e.levels[PRESSURE_CRITICAL].value);
        explanation_done(&e);
        clear(&w);

        build(&w);
        plain(&w);
        e = explain(&w, NOW);
        assert_int_equal(e.n_steps, 1);
        assert_true(e.steps[0].decides && e.steps[0].kind == EXPLAIN_SCOPE);
        explanation_done(&e);
        clear(&w);
}

/* Its place hangs on when another ended, which is not known exactly. */
static void test_perhaps_one_of_the_last(void **state) {
        const ExplanationStep *step;
        Container other;
        Explanation e;
        World w;

        (void)state;
        build(&w);
        keep_failure(&w);
        (void)decide(&w, NOW);
        other = w.c;
        other.id = id_of_number(2);
        other.name = (char *)"shop_web.1.later";
        other.finish = FINISH_SEEN;
        other.slot = NULL;
        assert_int_equal(slot_join(&w.slots, "shop_web.1", &other), 0);

        e = explain(&w, NOW);
        step = step_of(&e, EXPLAIN_KEEP_LAST);
        assert_true(step->decides);
        assert_string_equal(step->text, "KeepLastFailure=1: may be the last failure" OF_SLOT KEPT_FOR
                                        "; the exact end of shop_web.1.later is asked for");
        explanation_done(&e);

        /* It ended earlier after all, or later. */
        other.finish = FINISH_EXACT;
        for (int later = 0; later < 2; later++) {
                other.finished = EPOCH + (usec_t)later * SEC - MINUTE * (usec_t)!later;
                slot_update(&other);
                e = explain(&w, NOW);
                step = step_of(&e, EXPLAIN_KEEP_LAST);
                assert_string_equal(step->text,
                                later ? "KeepLastFailure=1: is not the last failure" OF_SLOT
                                      : "KeepLastFailure=1: is the last failure" OF_SLOT KEPT_FOR);
                assert_int_equal(step->effect, later ? EFFECT_PASSES : EFFECT_KEEPS);
                explanation_done(&e);
        }
        slot_leave(&w.slots, &other);
        clear(&w);
}

/* --- under pressure --- */

static void with_thresholds(World *w) {
        w->settings.pressure.enabled = true;
        w->settings.pressure.memory_available_low = SHARE_OFF;
        w->settings.pressure.memory_used_high = 9500;
        set_in_file(&w->settings, SETTING_MEMORY_USED_HIGH, FILE_NAME, 60);
        w->settings.pressure.minimum_age = 15 * SEC;
        w->settings.pressure.elevated_factor = 1000;
        w->situation.pressure_by = _SETTING_INVALID;
}

static void wait_for_all(World *w) {
        with_thresholds(w);
        elevate_and_wait(w);
        w->situation.pressure = PRESSURE_NORMAL;
}

static void wait_as_last(World *w) {
        wait_for_all(w);
        keep_failure(w);
}

static void wait_at_disk(World *w) {
        in_batch(w);
        with_thresholds(w);
        w->situation.pressure_by = SETTING_DISK_USED_HIGH;
        w->settings.disk.used_high = 8500;
}

static void without_thresholds(World *w) {
        with_thresholds(w);
        w->settings.pressure.memory_used_high = w->settings.disk.used_high = w->settings.disk.inodes_high =
                        SHARE_OFF;
        retain(w);
}

static void wait_seen(World *w) {
        with_thresholds(w);
        seen(w);
}

static void wait_seen_for_batch(World *w) {
        wait_seen(w);
        w->settings.retention.success = w->settings.retention.failure = w->settings.retention.oom_killed =
                        w->settings.retention.shutdown = 2 * AGE;
}

static void wait_for_batch(World *w) {
        wait_at_disk(w);
        w->c.batch_rank = 0;
}

static void wait_young(World *w) {
        with_thresholds(w);
        young(w);
        w->settings.pressure.minimum_age = AGE + 10 * SEC;
}

static void wait_young_and_longer(World *w) {
        with_thresholds(w);
        young(w);
        w->settings.retention.failure = AGE + HOUR;
}

static void wait_requested(World *w) {
        with_thresholds(w);
        retain_for_long(w);
        w->settings.pressure.elevated_factor = 10000;
        request(w);
}

static void wait_paused_and_longer(World *w) {
        with_thresholds(w);
        retain_for_long(w);
        pause_for_long(w);
}

static void wait_held(World *w) {
        with_thresholds(w);
        hold_after_reload(w);
}

static void wait_first_run(World *w) {
        with_thresholds(w);
        run_first_later(w);
}

static void wait_quarantined(World *w) {
        with_thresholds(w);
        give_up(w);
}

static void wait_by_label(World *w) {
        with_thresholds(w);
        label_for_a_while(w);
}

static void wait_for_retry(World *w) {
        with_thresholds(w);
        retry_soon(w);
}

static void wait_for_answer(World *w) {
        with_thresholds(w);
        scope_unknown(w);
}

static void wait_for_scope(World *w) {
        wait_for_answer(w);
        w->settings.retention.failure = AGE + 40 * SEC;
}

static void wait_for_answer_as_asked(World *w) {
        wait_requested(w);
        scope_unknown(w);
}

static void wait_paused(World *w) {
        with_thresholds(w);
        pause_for_long(w);
}

static void wait_created(World *w) {
        with_thresholds(w);
        created(w);
        w->settings.retention.failed_start = HOUR;
        w->c.looked_at = NOW - 10 * MINUTE;
}

static void wait_by_rule(World *w) {
        with_thresholds(w);
        rule_keeps(w);
}

static void test_levels(void **state) {
#define ALIKE(text) \
        { text, text, text }
#define BATCH "goes when a batch against pressure takes it"
        static const struct {
                void (*apply)(World *);
                const char *texts[_PRESSURE_LEVEL_MAX];
        } levels[] = {
                { wait_for_all, { "goes in 18h 30min: ttl-expired, Failure=20h 30min",
                                                "goes in 3min: pressure, ElevatedFactor=10%",
                                                BATCH ": MemoryUsedHigh=95%" BY_FILE(60) } },
                { wait_as_last, ALIKE("stays: kept-last, KeepLastFailure=1; goes in 6d 22h: ttl-expired, "
                                      "Failure=20h 30min") },
                { wait_at_disk, { "goes in 23h 48min: ttl-expired, Failure=1d 1h 47min 1us" BY_FILE(12),
                                                "goes in 35min: pressure, ElevatedFactor=10%",
                                                "goes at once: pressure, UsedHigh=85%" } },
                { wait_for_batch, { "goes in 23h 48min: ttl-expired, Failure=1d 1h 47min 1us" BY_FILE(12),
                                                  "goes in 35min: pressure, ElevatedFactor=10%",
                                                  BATCH ": UsedHigh=85%" } },
                { without_thresholds,
                                { "goes in 1s: ttl-expired, Failure=2h 1us",
                                                "goes at once: pressure, ElevatedFactor=10%", BATCH } },
                { wait_seen, ALIKE("goes at once, if an inspect confirms it: ttl-expired, Shutdown=1h") },
                { wait_seen_for_batch, { "goes in 2h: ttl-expired, Shutdown=4h",
                                                       "goes at once, if an inspect confirms it: pressure, "
                                                       "ElevatedFactor=10%",
                                                       BATCH ", if an inspect confirms it: "
                                                             "MemoryUsedHigh=95%" BY_FILE(60) } },
                { wait_requested,
                                { "goes at once: requested", "goes at once: requested",
                                                "goes at once: pressure, MemoryUsedHigh=95%" BY_FILE(60) } },
                { wait_young, { "goes in 48s: ttl-expired, MinimumAge=2h 48s" BY_FILE(7),
                                              "goes in 48s: ttl-expired, MinimumAge=2h 48s" BY_FILE(7),
                                              "stays: too-young, [Pressure] MinimumAge=2h 10s; goes in 10s "
                                              "at the earliest, when a batch against pressure takes it: "
                                              "MemoryUsedHigh=95%" BY_FILE(60) } },
                { wait_young_and_longer, { "goes in 1h: ttl-expired, Failure=3h",
                                                         "stays: too-young, MinimumAge=2h 48s" BY_FILE(
                                                                         7) "; goes in 48s: pressure, "
                                                                            "ElevatedFactor=10%",
                                                         BATCH ": MemoryUsedHigh=95%" BY_FILE(60) } },
                /* What keeps it for longest is told, and no value of what a gate has closed over. */
                { wait_paused, ALIKE("stays: removals-paused; goes in 40min: ttl-expired, Failure=2h") },
                { wait_paused_and_longer,
                                { "goes in 23h 48min: ttl-expired, Failure=1d 1h 47min 1us" BY_FILE(12),
                                                "stays: removals-paused; goes in 40min: pressure, "
                                                "ElevatedFactor=10%",
                                                "stays: removals-paused; goes in 40min at the earliest, "
                                                "when a batch against pressure takes it: "
                                                "MemoryUsedHigh=95%" BY_FILE(60) } },
                { wait_held, ALIKE("stays: surge-held; goes in 10min: ttl-expired, Failure=2h") },
                { wait_first_run, ALIKE("stays: first-run") },
                { wait_quarantined, ALIKE("stays: quarantined") },
                { wait_by_label, ALIKE("stays: kept-label; goes in 3d: ttl-expired, MaxTTL=3d 2h" BY_FILE(
                                                 30)) },
                { wait_for_retry, ALIKE("goes in 40s: ttl-expired, Failure=2h") },
                /* It may be no task at all. */
                { wait_for_scope, { "goes in 40s if the engine says that it is a Swarm task: "
                                    "Failure=2h 40s",
                                                  "goes at once if the engine says that it is a Swarm task: "
                                                  "ElevatedFactor=10%",
                                                  BATCH " if the engine says that it is a Swarm task: "
                                                        "MemoryUsedHigh=95%" BY_FILE(60) } },
                { wait_for_answer, ALIKE("goes at once if the engine says that it is a Swarm task: "
                                         "Failure=2h") },
                { wait_for_answer_as_asked, { "goes at once if the engine says that it is a Swarm task",
                                                            "goes at once if the engine says that it is a "
                                                            "Swarm task",
                                                            "goes at once if the engine says that it is a "
                                                            "Swarm task: MemoryUsedHigh=95%" BY_FILE(60) } },
                { wait_created, ALIKE("stays: starting; looked at again in 50min") },
                { wait_by_rule, ALIKE("stays: kept-rule") },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(levels); i++) {
                Explanation e;
                World w;

                build(&w);
                levels[i].apply(&w);
                e = explain(&w, NOW);
                for (PressureLevel level = 0; level < _PRESSURE_LEVEL_MAX; level++)
                        if (strcmp(e.levels[level].text, levels[i].texts[level]) != 0)
                                fail_msg("row %zu, %s: \"%s\"", i, pressure_level_name(level),
                                                e.levels[level].text);
                if (levels[i].apply == wait_for_all) {
                        assert_string_equal(e.levels[PRESSURE_CRITICAL].value, "95%");
                        assert_string_equal(e.levels[PRESSURE_CRITICAL].origin, FILE_NAME ":60");
                        assert_string_equal(e.levels[PRESSURE_ELEVATED].value, "20h 30min");
                }
                explanation_done(&e);
                clear(&w);
        }
}

static void test_names(void **state) {
        static const char *const steps[] = { "scope", "state", "restart", "quarantine", "engine", "settle",
                "swarm", "reload", "pause", "first-run", "surge", "floor", "keep-label", "keep-rule",
                "keep-last", "span", "cap", "pressure", "request", "retry" };
        static const char *const effects[] = { "skipped", "passes", "keeps", "removes" };

        (void)state;
        assert_int_equal(ELEMENTS_OF(steps), _EXPLAIN_STEP_MAX);
        for (ExplanationStepKind kind = 0; kind < _EXPLAIN_STEP_MAX; kind++)
                assert_string_equal(explanation_step_name(kind), steps[kind]);
        assert_int_equal(ELEMENTS_OF(effects), _EXPLANATION_EFFECT_MAX);
        for (ExplanationEffect effect = 0; effect < _EXPLANATION_EFFECT_MAX; effect++)
                assert_string_equal(explanation_effect_name(effect), effects[effect]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_which_steps),
                cmocka_unit_test(test_perhaps_one_of_the_last),
                cmocka_unit_test(test_levels),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests_name("explanation", tests, NULL, NULL);
}
