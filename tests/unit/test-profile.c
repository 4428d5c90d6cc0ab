/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds for one container: labels against rules against [Retention]. Tables by hand, and all the
 * combinations against the oracle of profile-oracle.h.
 */

#include "profile-oracle.h"

#define MAIN "/etc/reaperd/reaperd.conf"

static const LabelPair no_labels[] = { { NULL, NULL } };

static Subject task_with(const Labels *labels) {
        return (Subject){ .is_task = true,
                .service = "shop_web",
                .stack = "shop",
                .name = "shop_web.1.0123456789abcdefghijklmno",
                .image = "nginx:1.25",
                .labels = labels };
}

static Subject plain_with(const Labels *labels) {
        return (Subject){ .name = "builder", .image = "gcc:13", .labels = labels };
}

static Profile resolve(const Settings *s, const LabelPair *pairs, bool is_task, unsigned *ret_faults) {
        Labels labels = labels_of(pairs);
        Subject subject = is_task ? task_with(&labels) : plain_with(&labels);
        Profile p;

        memset(&p, 0xA5, sizeof(p));
        profile_resolve(s, &subject, &p, ret_faults);
        assert_ptr_equal(p.settings, s);
        return p;
}

/* A rule that matches every container of a kind. */
static Rule rule_for(RuleKind kind, RuleAction action) {
        return (Rule){ .name = (char *)"any", .kind = kind, .action = action };
}

static void test_nothing_set(void **state) {
        Settings s = default_settings();
        unsigned faults = 0xFF;
        Profile p = resolve(&s, no_labels, true, &faults);
        char text[32];

        (void)state;
        assert_int_equal(faults, 0);
        assert_null(p.rule);
        assert_true(p.is_task && p.in_scope);
        assert_false(p.keep_by_label || p.keep_by_rule);
        assert_memory_equal(&p.retention, &s.retention, sizeof(p.retention));
        for (size_t i = 0; i < ELEMENTS_OF(rule_settings); i++)
                assert_string_equal(profile_origin(&p, rule_settings[i], text, sizeof(text)), "default");
        assert_string_equal(profile_origin(&p, SETTING_MAX_STOPPED, text, sizeof(text)), "default");

        p = resolve(&s, no_labels, false, NULL);
        assert_false(p.is_task || p.in_scope);
}

/* Written out: a value of each of the three, and what is left when the first goes. */
static void test_precedence_by_hand(void **state) {
        Settings s = default_settings();
        Rule rule = rule_for(RULE_KIND_TASK, RULE_ACTION_NONE);
        const LabelPair both[] = { { TTL, "5min" }, { TTL_FAILURE, "6min" }, { KEEP_LAST, "7" },
                { NULL, NULL } };
        const LabelPair ttl[] = { { TTL, "5min" }, { NULL, NULL } };
        const LabelPair failure[] = { { TTL_FAILURE, "6min" }, { NULL, NULL } };
        Profile p;
        char text[64];

        (void)state;
        s.rules = &rule;
        s.n_rules = 1;
        s.retention.success = s.retention.shutdown = 10 * MINUTE;
        set_in_file(&s, SETTING_SUCCESS, MAIN, 10);
        rule.values.success = 20 * MINUTE;
        set_in_rule(&rule, SETTING_SUCCESS, MAIN, 20);
        rule.values.keep_last = 3;
        set_in_rule(&rule, SETTING_KEEP_LAST, "/etc/reaperd/reaperd.conf.d/10-rules.conf", 4);

        p = resolve(&s, both, true, NULL);
        assert_ptr_equal(p.rule, &rule);
        assert_int_equal(p.retention.success, 5 * MINUTE);
        assert_int_equal(p.retention.shutdown, 5 * MINUTE);
        assert_int_equal(p.retention.failure, 6 * MINUTE);
        assert_int_equal(p.retention.oom_killed, 6 * MINUTE);
        assert_int_equal(p.retention.failed_start, 6 * MINUTE);
        assert_int_equal(p.retention.keep_last, 7);
        assert_int_equal(p.retention.keep_last_failure, 1);
        assert_int_equal(p.retention.orphan_age, HOUR);
        assert_int_equal(p.retention.minimum_age, MINUTE);
        assert_string_equal(
                        profile_origin(&p, SETTING_SUCCESS, text, sizeof(text)), "label org.reaperd.ttl");
        assert_string_equal(profile_origin(&p, SETTING_FAILED_START, text, sizeof(text)),
                        "label org.reaperd.ttl.failure");
        assert_string_equal(profile_origin(&p, SETTING_KEEP_LAST, text, sizeof(text)),
                        "label org.reaperd.keep-last");

        p = resolve(&s, ttl, true, NULL);
        assert_int_equal(p.retention.failure, 5 * MINUTE);
        assert_int_equal(p.retention.failed_start, 5 * MINUTE);
        assert_int_equal(p.retention.keep_last, 3);
        assert_string_equal(
                        profile_origin(&p, SETTING_OOM_KILLED, text, sizeof(text)), "label org.reaperd.ttl");

        p = resolve(&s, failure, true, NULL);
        assert_int_equal(p.retention.success, 20 * MINUTE);
        assert_int_equal(p.retention.failure, 6 * MINUTE);

        p = resolve(&s, no_labels, true, NULL);
        assert_int_equal(p.retention.success, 20 * MINUTE);
        assert_int_equal(p.retention.shutdown, 20 * MINUTE); /* follows within the rule */
        assert_int_equal(p.retention.failure, DAY);
        assert_string_equal(profile_origin(&p, SETTING_SHUTDOWN, text, sizeof(text)), MAIN ":20");
        assert_string_equal(profile_origin(&p, SETTING_KEEP_LAST, text, sizeof(text)),
                        "/etc/reaperd/reaperd.conf.d/10-rules.conf:4");

        s.n_rules = 0;
        p = resolve(&s, no_labels, true, NULL);
        assert_null(p.rule);
        assert_int_equal(p.retention.success, 10 * MINUTE);
        assert_int_equal(p.retention.keep_last, 0);
        assert_string_equal(profile_origin(&p, SETTING_SUCCESS, text, sizeof(text)), MAIN ":10");
        assert_string_equal(profile_origin(&p, SETTING_SHUTDOWN, text, sizeof(text)), MAIN ":10");
        assert_string_equal(profile_origin(&p, SETTING_KEEP_LAST, text, sizeof(text)), "default");
}

/* Whose OOMKilled= holds: by where it and Failure= are set. The same for Shutdown= and Success=. */
static void test_following(void **state) {
        static const struct {
                bool general_own, general_leader, rule_own, rule_leader;
                usec_t want; /* minutes: 1 and 2 from [Retention], 3 and 4 from the rule; own first */
                const char *origin;
        } rows[] = {
                { false, false, false, false, 2, "default" },
                { false, true, false, false, 2, "conf:2" },
                { false, false, false, true, 4, "conf:4" },
                { false, true, false, true, 4, "conf:4" },
                { true, false, false, false, 1, "conf:1" },
                { true, true, false, true, 1, "conf:1" }, /* it has been said for itself */
                { true, false, false, true, 1, "conf:1" },
                { true, true, true, true, 3, "conf:3" },
                { false, false, true, true, 3, "conf:3" },
                { false, false, true, false, 3, "conf:3" },
                { false, true, true, false, 3, "conf:3" },
        };

        (void)state;
        for (int which = 0; which < 2; which++)
                for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                        SettingId own = which ? SETTING_SHUTDOWN : SETTING_OOM_KILLED;
                        SettingId leader = which ? SETTING_SUCCESS : SETTING_FAILURE;
                        Rule rule = rule_for(RULE_KIND_TASK, RULE_ACTION_NONE);
                        Settings s = default_settings();
                        Profile p;
                        char text[64];

                        s.rules = &rule;
                        s.n_rules = 1;
                        *span_field(&s.retention, leader) = 2 * MINUTE;
                        *span_field(&s.retention, own) = rows[i].general_own ? MINUTE : 2 * MINUTE;
                        *span_field(&rule.values, own) = 3 * MINUTE;
                        *span_field(&rule.values, leader) = 4 * MINUTE;
                        if (rows[i].general_own)
                                set_in_file(&s, own, "conf", 1);
                        else /* an empty value is as good as none */
                                s.origins[own] = (SettingOrigin){ "conf", 9, .is_default = true };
                        if (rows[i].general_leader)
                                set_in_file(&s, leader, "conf", 2);
                        if (rows[i].rule_own)
                                set_in_rule(&rule, own, "conf", 3);
                        if (rows[i].rule_leader)
                                set_in_rule(&rule, leader, "conf", 4);

                        p = resolve(&s, no_labels, true, NULL);
                        if (*span_field(&p.retention, own) != rows[i].want * MINUTE)
                                fail_msg("row %zu: %ju min", i,
                                                (uintmax_t)(*span_field(&p.retention, own) / MINUTE));
                        assert_string_equal(profile_origin(&p, own, text, sizeof(text)), rows[i].origin);
                }
}

/* Labels are cut to MaxTTL; what the operator wrote is not. */
static void test_max_ttl(void **state) {
        static const struct {
                const char *label;
                usec_t max, want;
        } rows[] = {
                { "2h", USEC_INFINITY, 2 * HOUR },
                { "2h", 3 * HOUR, 2 * HOUR },
                { "2h", 2 * HOUR, 2 * HOUR },
                { "2h", HOUR, HOUR },
                { "2h", 0, 0 },
                { "infinity", HOUR, HOUR },
                { "infinity", USEC_INFINITY, USEC_INFINITY },
                { "0", HOUR, 0 },
        };
        Settings s = default_settings();
        Profile p;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                const LabelPair ttl[] = { { TTL, rows[i].label }, { NULL, NULL } };
                const LabelPair failure[] = { { TTL_FAILURE, rows[i].label }, { NULL, NULL } };

                s.labels_max_ttl = rows[i].max;
                p = resolve(&s, ttl, true, NULL);
                assert_int_equal(p.retention.success, rows[i].want);
                assert_int_equal(p.retention.failure, rows[i].want);
                assert_int_equal(p.retention.oom_killed, rows[i].want);
                assert_int_equal(p.retention.shutdown, rows[i].want);
                assert_int_equal(p.retention.failed_start, rows[i].want);
                p = resolve(&s, failure, true, NULL);
                assert_int_equal(p.retention.success, HOUR); /* [Retention]'s, above MaxTTL or not */
                assert_int_equal(p.retention.failure, rows[i].want);
        }
        s.labels_max_ttl = SEC;
        p = resolve(&s, no_labels, true, NULL);
        assert_memory_equal(&p.retention, &s.retention, sizeof(p.retention));
}

static void test_keep_label(void **state) {
        static const LabelPair keep[] = { { KEEP, "true" }, { NULL, NULL } };
        static const LabelPair denied[] = { { KEEP, "false" }, { NULL, NULL } };
        static const LabelPair broken[] = { { KEEP, "maybe" }, { NULL, NULL } };
        Settings s = default_settings();
        unsigned faults;
        Profile p;

        (void)state;
        p = resolve(&s, keep, true, &faults);
        assert_true(p.keep_by_label);
        assert_int_equal(p.keep_label_for, USEC_INFINITY);
        assert_int_equal(faults, 0);
        s.labels_max_ttl = 2 * DAY;
        p = resolve(&s, keep, true, NULL);
        assert_true(p.keep_by_label);
        assert_int_equal(p.keep_label_for, 2 * DAY);
        p = resolve(&s, denied, true, &faults);
        assert_false(p.keep_by_label);
        assert_int_equal(faults, 0);
        p = resolve(&s, broken, true, &faults);
        assert_false(p.keep_by_label);
        assert_int_equal(faults, 1U << LABEL_KEEP);

        s.labels_honor = false;
        p = resolve(&s, keep, true, &faults);
        assert_false(p.keep_by_label);
        p = resolve(&s, broken, true, &faults);
        assert_int_equal(faults, 0); /* nobody cares */
}

static void test_labels_not_honoured(void **state) {
        static const LabelPair all[] = { { KEEP, "yes" }, { TTL, "1s" }, { TTL_FAILURE, "2s" },
                { KEEP_LAST, "9" }, { NULL, NULL } };
        static const LabelPolicy nothing;
        Settings s = default_settings();
        Profile p;

        (void)state;
        s.labels_honor = false;
        p = resolve(&s, all, true, NULL);
        assert_memory_equal(&p.retention, &s.retention, sizeof(p.retention));
        assert_memory_equal(&p.labels, &nothing, sizeof(nothing));
        assert_false(p.keep_by_label);
}

/* Only a rule brings in what is no task; labels are honoured there too, and never bring anything in. */
static void test_scope(void **state) {
        static const LabelPair all[] = { { KEEP, "no" }, { TTL, "1s" }, { KEEP_LAST, "9" }, { NULL, NULL } };
        static const struct {
                RuleKind kind;
                RuleAction action;
                bool matches_task, matches_other, other_in_scope;
        } rows[] = {
                { RULE_KIND_TASK, RULE_ACTION_NONE, true, false, false },
                { RULE_KIND_TASK, RULE_ACTION_KEEP, true, false, false },
                { RULE_KIND_TASK, RULE_ACTION_REAP, true, false, false },
                { RULE_KIND_OTHER, RULE_ACTION_NONE, false, true, false },
                { RULE_KIND_OTHER, RULE_ACTION_KEEP, false, true, false },
                { RULE_KIND_OTHER, RULE_ACTION_REAP, false, true, true },
                { RULE_KIND_ANY, RULE_ACTION_NONE, true, true, false },
                { RULE_KIND_ANY, RULE_ACTION_KEEP, true, true, false },
                { RULE_KIND_ANY, RULE_ACTION_REAP, true, true, true },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                Rule rule = rule_for(rows[i].kind, rows[i].action);
                Settings s = default_settings();
                Profile p;

                s.rules = &rule;
                s.n_rules = 1;
                p = resolve(&s, all, true, NULL);
                assert_ptr_equal(p.rule, rows[i].matches_task ? &rule : NULL);
                assert_true(p.in_scope && p.is_task);
                assert_int_equal(p.keep_by_rule, rows[i].matches_task && rule.action == RULE_ACTION_KEEP);

                p = resolve(&s, all, false, NULL);
                assert_ptr_equal(p.rule, rows[i].matches_other ? &rule : NULL);
                assert_int_equal(p.in_scope, rows[i].other_in_scope);
                assert_false(p.is_task);
                assert_int_equal(p.keep_by_rule, rows[i].matches_other && rule.action == RULE_ACTION_KEEP);
                assert_int_equal(p.retention.success, SEC);
                assert_int_equal(p.retention.keep_last, 9);
        }
}

/* The first that matches counts, for everything, also if it says nothing. */
static void test_first_rule(void **state) {
        char service[] = "shop_*", *patterns[] = { service };
        Rule rules[3] = { rule_for(RULE_KIND_TASK, RULE_ACTION_NONE),
                rule_for(RULE_KIND_TASK, RULE_ACTION_KEEP), rule_for(RULE_KIND_ANY, RULE_ACTION_REAP) };
        Settings s = default_settings();
        Profile p;

        (void)state;
        rules[0].lists[RULE_SERVICE] = (Patterns){ .texts = patterns, .n = 1 };
        rules[1].values.failure = 5 * MINUTE;
        set_in_rule(&rules[1], SETTING_FAILURE, "conf", 1);
        rules[2].values.success = 6 * MINUTE;
        set_in_rule(&rules[2], SETTING_SUCCESS, "conf", 2);
        s.rules = rules;
        s.n_rules = 3;

        p = resolve(&s, no_labels, true, NULL);
        assert_ptr_equal(p.rule, &rules[0]);
        assert_false(p.keep_by_rule);
        assert_memory_equal(&p.retention, &s.retention, sizeof(p.retention));

        strcpy(service, "zoo_*");
        p = resolve(&s, no_labels, true, NULL);
        assert_ptr_equal(p.rule, &rules[1]);
        assert_true(p.keep_by_rule);
        assert_int_equal(p.retention.failure, 5 * MINUTE);
        assert_int_equal(p.retention.success, HOUR); /* the third says nothing any more */

        p = resolve(&s, no_labels, false, NULL);
        assert_ptr_equal(p.rule, &rules[2]);
        assert_true(p.in_scope);
        assert_int_equal(p.retention.success, 6 * MINUTE);
}

/* The places of settings outside [Retention]. */
static void test_other_origins(void **state) {
        static const LabelPair all[] = { { KEEP, "yes" }, { TTL, "1s" }, { TTL_FAILURE, "2s" },
                { KEEP_LAST, "9" }, { NULL, NULL } };
        Settings s = default_settings();
        SettingOrigin origin = { 0 };
        LabelKey label = _LABEL_KEY_MAX;
        Profile p;
        char text[64];

        (void)state;
        set_in_file(&s, SETTING_MAX_STOPPED, MAIN, 77);
        s.origins[SETTING_SURGE_LIMIT] =
                        (SettingOrigin){ MAIN, 78, .is_default = true }; /* given as empty */
        p = resolve(&s, all, true, NULL);
        assert_int_equal(profile_source(&p, SETTING_MAX_STOPPED, &origin, &label), PROFILE_FROM_FILE);
        assert_string_equal(origin.file, MAIN);
        assert_int_equal(origin.line, 77);
        assert_string_equal(profile_origin(&p, SETTING_MAX_STOPPED, text, sizeof(text)), MAIN ":77");
        assert_string_equal(profile_origin(&p, SETTING_SURGE_LIMIT, text, sizeof(text)), "default");
        for (SettingId id = 0; id < _SETTING_MAX; id++) { /* any may be asked for */
                profile_source(&p, id, &origin, &label);
                assert_ptr_equal(profile_origin(&p, id, text, sizeof(text)), text);
        }
        /* Of those per container the labels are no matter for: */
        assert_int_equal(profile_source(&p, SETTING_MINIMUM_AGE, &origin, &label), PROFILE_FROM_DEFAULT);
        assert_int_equal(profile_source(&p, SETTING_ORPHAN_AGE, &origin, &label), PROFILE_FROM_DEFAULT);
        assert_int_equal(profile_source(&p, SETTING_KEEP_LAST_FAILURE, &origin, &label),
                        PROFILE_FROM_DEFAULT);
}

static void test_origin_in_little_room(void **state) {
        Settings s = default_settings();
        Profile p;

        (void)state;
        set_in_file(&s, SETTING_SUCCESS, MAIN, 77);
        p = resolve(&s, no_labels, true, NULL);
        for (size_t size = 1; size < 40; size++) {
                char text[48];

                memset(text, '#', sizeof(text));
                profile_origin(&p, SETTING_SUCCESS, text, size);
                assert_true(strlen(text) < size);
                assert_int_equal(strncmp(text, MAIN ":77", strlen(text)), 0);
                for (size_t i = size; i < sizeof(text); i++)
                        assert_int_equal(text[i], '#');
        }
}

static void random_rule(uint64_t *random, Rule *rule, unsigned number) {
        static char star[] = "*", *any[] = { star }, never[] = "!*", *none[] = { never };

        *rule = rule_for((RuleKind)random_below(random, 3), (RuleAction)random_below(random, 3));
        if (random_chance(random, 30)) /* matches by itself, or does not, whatever the kind */
                rule->lists[RULE_NAME] =
                                (Patterns){ .texts = random_chance(random, 50) ? any : none, .n = 1 };
        for (size_t i = 0; i < ELEMENTS_OF(rule_settings); i++)
                if (random_chance(random, 40)) {
                        put_value(&rule->values, rule_settings[i], random_value(random, rule_settings[i]));
                        set_in_rule(rule, rule_settings[i], "rules.conf", 100 * number + (unsigned)i);
                }
}

/* The first whose kind is right and whose Name= is not `!*`. */
static const Rule *first_match(const Settings *s, bool is_task) {
        for (size_t i = 0; i < s->n_rules; i++) {
                const Rule *r = &s->rules[i];

                if (r->kind != RULE_KIND_ANY && (r->kind == RULE_KIND_TASK) != is_task)
                        continue;
                if (r->lists[RULE_NAME].n > 0 && r->lists[RULE_NAME].texts[0][0] == '!')
                        continue;
                return r;
        }
        return NULL;
}

static void test_random(void **state) {
        static const char *const spans[] = { "0", "1s", "1h", "infinity", "what", "" };
        static const usec_t means[] = { 0, SEC, HOUR, USEC_INFINITY };
        static const char *const keeps[] = { "yes", "no", "nay" };
        static const char *const counts[] = { "0", "3", "infinity", "10001" };
        static const unsigned count_means[] = { 0, 3, COUNT_INFINITY };
        uint64_t random = 20250107;

        (void)state;
        for (unsigned n = 0; n < 40000; n++) {
                LabelPair pairs[5] = { { NULL, NULL } };
                Settings s = default_settings();
                bool is_task = random_chance(&random, 60);
                unsigned faults = 0xFF;
                const Rule *match;
                Expected want;
                Rule rules[3];
                Wish w = { 0 };
                size_t i = 0;
                Profile p;

                for (size_t k = 0; k < ELEMENTS_OF(rule_settings); k++)
                        if (random_chance(&random, 40)) {
                                put_value(&s.retention, rule_settings[k],
                                                random_value(&random, rule_settings[k]));
                                set_in_file(&s, rule_settings[k], MAIN, (unsigned)k);
                        }
                /* As settings_resolve() does. */
                if (s.origins[SETTING_OOM_KILLED].is_default)
                        s.retention.oom_killed = s.retention.failure;
                if (s.origins[SETTING_SHUTDOWN].is_default)
                        s.retention.shutdown = s.retention.success;
                s.labels_honor = random_chance(&random, 80);
                s.labels_max_ttl = random_chance(&random, 50) ? USEC_INFINITY : random_below(&random, DAY);
                s.rules = rules;
                s.n_rules = random_below(&random, 4);
                for (unsigned k = 0; k < s.n_rules; k++)
                        random_rule(&random, &rules[k], k);

                if (random_chance(&random, 40)) {
                        size_t k = random_below(&random, ELEMENTS_OF(keeps));

                        pairs[i++] = (LabelPair){ KEEP, keeps[k] };
                        w.keep = k == 0;
                        w.malformed |= k == 2 ? 1U << LABEL_KEEP : 0;
                }
                if (random_chance(&random, 40)) {
                        size_t k = random_below(&random, ELEMENTS_OF(spans));

                        pairs[i++] = (LabelPair){ TTL, spans[k] };
                        w.has_ttl = k < ELEMENTS_OF(means);
                        w.ttl = w.has_ttl ? means[k] : 0;
                        w.malformed |= w.has_ttl ? 0 : 1U << LABEL_TTL;
                }
                if (random_chance(&random, 40)) {
                        size_t k = random_below(&random, ELEMENTS_OF(spans));

                        pairs[i++] = (LabelPair){ TTL_FAILURE, spans[k] };
                        w.has_ttl_failure = k < ELEMENTS_OF(means);
                        w.ttl_failure = w.has_ttl_failure ? means[k] : 0;
                        w.malformed |= w.has_ttl_failure ? 0 : 1U << LABEL_TTL_FAILURE;
                }
                if (random_chance(&random, 40)) {
                        size_t k = random_below(&random, ELEMENTS_OF(counts));

                        pairs[i++] = (LabelPair){ KEEP_LAST, counts[k] };
                        w.has_keep_last = k < ELEMENTS_OF(count_means);
                        w.keep_last = w.has_keep_last ? count_means[k] : 0;
                        w.malformed |= w.has_keep_last ? 0 : 1U << LABEL_KEEP_LAST;
                }

                match = first_match(&s, is_task);
                want = expect_profile(&s, match, &w, is_task);
                p = resolve(&s, pairs, is_task, &faults);
                check_profile(&p, &want, match, is_task);
                assert_int_equal(faults, s.labels_honor ? w.malformed : 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_set),
                cmocka_unit_test(test_precedence_by_hand),
                cmocka_unit_test(test_following),
                cmocka_unit_test(test_max_ttl),
                cmocka_unit_test(test_keep_label),
                cmocka_unit_test(test_labels_not_honoured),
                cmocka_unit_test(test_scope),
                cmocka_unit_test(test_first_rule),
                cmocka_unit_test(test_other_origins),
                cmocka_unit_test(test_origin_in_little_room),
                cmocka_unit_test(test_random),
        };

        return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
