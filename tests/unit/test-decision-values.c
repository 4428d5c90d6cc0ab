/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose value decides: labels against rules against [Retention] against floors, to the microsecond, and what
 * is then said to have decided.
 */

#include "decision-fixture.h"

/* --- labels --- */

static void test_keep_with_max_ttl(void **state) {
        World w;

        (void)state;
        build(&w);
        label(&w, KEEP, "yes");
        expect(&w, EPOCH + 1000 * DAY, VERDICT_KEPT_LABEL, USEC_INFINITY);

        /* Until end + MaxTTL; then the rest decides, the span being [Retention]'s. */
        w.settings.labels_max_ttl = 2 * DAY;
        w.settings.retention.failure = 5 * DAY;
        expect(&w, EPOCH + 30 * SEC, VERDICT_TOO_YOUNG, EPOCH + 5 * DAY);
        expect(&w, EPOCH + 2 * DAY - 1, VERDICT_KEPT_LABEL, EPOCH + 5 * DAY);
        expect(&w, EPOCH + 2 * DAY, VERDICT_RETAINED, EPOCH + 5 * DAY);
        expect(&w, EPOCH + 5 * DAY, VERDICT_TTL_EXPIRED, EPOCH + 5 * DAY);
        w.settings.retention.failure = DAY;
        expect(&w, EPOCH + 2 * DAY - 1, VERDICT_KEPT_LABEL, EPOCH + 2 * DAY);
        expect(&w, EPOCH + 2 * DAY, VERDICT_TTL_EXPIRED, EPOCH + 2 * DAY);
        expect_origin(&w, EPOCH + 2 * DAY, SETTING_LABELS_MAX_TTL, "default"); /* it ended the keep */

        /* A rule's keep behind it has no end. */
        keep_by_rule(&w);
        expect(&w, EPOCH + 2 * DAY - 1, VERDICT_KEPT_LABEL, USEC_INFINITY);
        expect(&w, EPOCH + 2 * DAY, VERDICT_KEPT_RULE, USEC_INFINITY);
        clear(&w);
}

static void test_keep_of_a_failed_start(void **state) {
        World w;

        (void)state;
        build(&w);
        label(&w, KEEP, "1");
        w.settings.labels_max_ttl = 2 * DAY;
        w.settings.retention.failed_start = DAY;
        w.c.state = CONTAINER_CREATED;
        w.c.failed_start = true;
        w.c.finish = FINISH_BOUNDED;
        w.c.finished = 0;
        w.c.created = EPOCH;
        w.c.error_seen = EPOCH + HOUR;
        expect(&w, EPOCH + HOUR + MINUTE - 1, VERDICT_TOO_YOUNG, EPOCH + 2 * DAY);
        expect(&w, EPOCH + HOUR + MINUTE, VERDICT_KEPT_LABEL, EPOCH + 2 * DAY);
        expect(&w, EPOCH + 2 * DAY - 1, VERDICT_KEPT_LABEL, EPOCH + 2 * DAY);
        expect(&w, EPOCH + 2 * DAY, VERDICT_TTL_EXPIRED, EPOCH + 2 * DAY);
        expect_origin(&w, EPOCH + 2 * DAY, SETTING_LABELS_MAX_TTL, "default");
        clear(&w);
}

static void test_keep_false_and_not_honoured(void **state) {
        World w;

        (void)state;
        build(&w);
        label(&w, KEEP, "false");
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        w.pairs[0].value = "true";
        expect(&w, NOW, VERDICT_KEPT_LABEL, USEC_INFINITY);
        w.settings.labels_honor = false;
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        w.settings.labels_honor = true;
        w.pairs[0].value = "true "; /* malformed: as if absent */
        expect(&w, NOW, VERDICT_TTL_EXPIRED, NOW);
        clear(&w);
}

/* The label's span by outcome, with MaxTTL 6 h; [Retention] would have let all go at 2 h or an hour. */
static void test_ttl_labels(void **state) {
        static const struct {
                const char *ttl, *failure;
                int exit_code;
                bool oom;
                usec_t due;
                SettingId setting;
                const char *origin;
        } rows[] = {
                { "3h", NULL, 0, false, 3 * HOUR, SETTING_SUCCESS, "label org.reaperd.ttl" },
                { "3h", NULL, 1, false, 3 * HOUR, SETTING_FAILURE, "label org.reaperd.ttl" },
                { "3h", NULL, 137, true, 3 * HOUR, SETTING_OOM_KILLED, "label org.reaperd.ttl" },
                { "3h", NULL, 143, false, 3 * HOUR, SETTING_SHUTDOWN, "label org.reaperd.ttl" },
                { "3h", "4h", 0, false, 3 * HOUR, SETTING_SUCCESS, "label org.reaperd.ttl" },
                { "3h", "4h", 1, false, 4 * HOUR, SETTING_FAILURE, "label org.reaperd.ttl.failure" },
                { "3h", "4h", 137, true, 4 * HOUR, SETTING_OOM_KILLED, "label org.reaperd.ttl.failure" },
                { "3h", "4h", 143, false, 3 * HOUR, SETTING_SHUTDOWN, "label org.reaperd.ttl" },
                { "5h", "4h", 1, false, 4 * HOUR, SETTING_FAILURE, "label org.reaperd.ttl.failure" },
                { NULL, "4h", 0, false, HOUR, SETTING_SUCCESS, "default" },
                { NULL, "4h", 143, false, HOUR, SETTING_SHUTDOWN, "default" },
                { NULL, "4h", 1, false, 4 * HOUR, SETTING_FAILURE, "label org.reaperd.ttl.failure" },
                { "6h", NULL, 1, false, 6 * HOUR, SETTING_FAILURE, "label org.reaperd.ttl" },
                /* What MaxTTL= has cut is its doing. */
                { "7d", NULL, 1, false, 6 * HOUR, SETTING_LABELS_MAX_TTL, "default" },
                { "7d", "4h", 0, false, 6 * HOUR, SETTING_LABELS_MAX_TTL, "default" },
                { "infinity", "infinity", 1, false, 6 * HOUR, SETTING_LABELS_MAX_TTL, "default" },
                { "0", NULL, 1, false, MINUTE, SETTING_MINIMUM_AGE, "default" },
                { "3s", "5s", 0, false, MINUTE, SETTING_MINIMUM_AGE, "default" },
                { "3h", "soon", 1, false, 3 * HOUR, SETTING_FAILURE, "label org.reaperd.ttl" },
                { "soon", NULL, 1, false, AGE, SETTING_FAILURE, "default" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                usec_t due = EPOCH + rows[i].due;
                World w;

                build(&w);
                w.settings.labels_max_ttl = 6 * HOUR;
                w.c.exit_code = rows[i].exit_code;
                w.c.oom_killed = rows[i].oom;
                if (rows[i].ttl)
                        label(&w, TTL, rows[i].ttl);
                if (rows[i].failure)
                        label(&w, TTL_FAILURE, rows[i].failure);
                expect(&w, due - 1, rows[i].due == MINUTE ? VERDICT_TOO_YOUNG : VERDICT_RETAINED, due);
                expect(&w, due, VERDICT_TTL_EXPIRED, due);
                expect_origin(&w, due, rows[i].setting, rows[i].origin);
                clear(&w);
        }
}

static void test_ttl_label_of_a_failed_start(void **state) {
        World w;

        (void)state;
        build(&w);
        w.c.state = CONTAINER_CREATED;
        w.c.failed_start = true;
        w.c.finish = FINISH_BOUNDED;
        w.c.created = EPOCH;
        w.c.error_seen = EPOCH + SEC;
        label(&w, TTL, "3h");
        expect(&w, EPOCH + 3 * HOUR - 1, VERDICT_RETAINED, EPOCH + 3 * HOUR);
        expect_origin(&w, EPOCH + 3 * HOUR, SETTING_FAILED_START, "label org.reaperd.ttl");
        label(&w, TTL_FAILURE, "4h");
        expect(&w, EPOCH + 4 * HOUR, VERDICT_TTL_EXPIRED, EPOCH + 4 * HOUR);
        expect_origin(&w, EPOCH + 4 * HOUR, SETTING_FAILED_START, "label org.reaperd.ttl.failure");
        clear(&w);
}

/* Labels do not reach OrphanAge, MinimumAge and the gates. */
static void test_what_labels_do_not_touch(void **state) {
        World w;

        (void)state;
        build(&w);
        orphan(&w);
        label(&w, TTL, "infinity");
        expect(&w, NOW - 1, VERDICT_RETAINED, NOW);
        expect(&w, NOW, VERDICT_ORPHAN, NOW);
        expect_origin(&w, NOW, SETTING_ORPHAN_AGE, "default");
        w.pairs[0].value = "90min"; /* the sooner of both */
        expect(&w, EPOCH + 90 * MINUTE, VERDICT_ORPHAN, EPOCH + 90 * MINUTE);
        expect_origin(&w, EPOCH + 90 * MINUTE, SETTING_FAILURE, "label org.reaperd.ttl");
        label(&w, KEEP, "yes"); /* comes before */
        expect(&w, NOW, VERDICT_KEPT_LABEL, USEC_INFINITY);
        clear(&w);
}

/* --- one of the last --- */

static void test_kept_last_for(void **state) {
        World w;

        (void)state;
        build(&w);
        keep_last(&w);
        w.settings.retention.keep_last_for = 3 * HOUR;
        set_in_file(&w.settings, SETTING_KEEP_LAST, "conf", 3);
        /* Also while its span runs, but not below the floor. */
        expect(&w, EPOCH + MINUTE - 1, VERDICT_TOO_YOUNG, EPOCH + 3 * HOUR);
        expect(&w, EPOCH + MINUTE, VERDICT_KEPT_LAST, EPOCH + 3 * HOUR);
        expect_origin(&w, EPOCH + MINUTE, SETTING_KEEP_LAST, "conf:3");
        expect(&w, EPOCH + 3 * HOUR - 1, VERDICT_KEPT_LAST, EPOCH + 3 * HOUR);
        expect(&w, EPOCH + 3 * HOUR, VERDICT_TTL_EXPIRED, EPOCH + 3 * HOUR);
        expect_origin(&w, EPOCH + 3 * HOUR, SETTING_FAILURE, "default");
        /* The span may be the longer one. */
        w.settings.retention.failure = 4 * HOUR;
        expect(&w, EPOCH + 3 * HOUR - 1, VERDICT_KEPT_LAST, EPOCH + 4 * HOUR);
        expect(&w, EPOCH + 3 * HOUR, VERDICT_RETAINED, EPOCH + 4 * HOUR);
        w.settings.retention.keep_last_for = 0;
        expect(&w, EPOCH + MINUTE, VERDICT_RETAINED, EPOCH + 4 * HOUR);
        w.settings.retention.keep_last_for = USEC_INFINITY;
        expect(&w, EPOCH + 1000 * DAY, VERDICT_KEPT_LAST, USEC_INFINITY);
        clear(&w);
}

/* How many of three are kept: label against rule against [Retention]. */
static void test_keep_last_by_whom(void **state) {
        static const struct {
                const char *label;
                int rule; /* -1: does not say */
                unsigned general, kept;
                const char *origin;
        } rows[] = {
                { NULL, -1, 0, 0, NULL },
                { NULL, -1, 1, 1, "conf:1" },
                { NULL, 2, 1, 2, "conf:2" },
                { NULL, 0, 3, 0, NULL },
                { "1", 2, 3, 1, "label org.reaperd.keep-last" },
                { "3", 2, 1, 3, "label org.reaperd.keep-last" },
                { "0", 2, 3, 0, NULL },
                { "infinity", 0, 0, 3, "label org.reaperd.keep-last" },
                { "lots", 2, 3, 2, "conf:2" },
                { NULL, INT32_MAX, 1, 3, "conf:2" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                Container peers[2];
                unsigned kept = 0;
                World w;

                build(&w);
                if (rows[i].label)
                        label(&w, KEEP_LAST, rows[i].label);
                if (rows[i].rule >= 0) {
                        with_rule(&w);
                        w.rule.values.keep_last = (unsigned)rows[i].rule;
                        set_in_rule(&w.rule, SETTING_KEEP_LAST, "conf", 2);
                }
                w.settings.retention.keep_last = rows[i].general;
                set_in_file(&w.settings, SETTING_KEEP_LAST, "conf", 1);
                decide(&w, NOW);
                for (size_t k = 0; k < ELEMENTS_OF(peers); k++) {
                        peers[k] = w.c;
                        peers[k].slot = NULL;
                        peers[k].slot_prev = peers[k].slot_next = NULL;
                        peers[k].id = id_of_number(k + 2);
                        peers[k].finished -= (k + 1) * SEC;
                        assert_int_equal(slot_join(&w.slots, "shop_web.1", &peers[k]), 0);
                }
                for (size_t k = 0; k < 3; k++) {
                        const Container *c = k == 0 ? &w.c : &peers[k - 1];
                        Decision d = policy_decide(c, &w.situation, NOW + MINUTE);
                        char text[64];

                        if (d.verdict != VERDICT_KEPT_LAST) {
                                assert_int_equal(d.verdict, VERDICT_TTL_EXPIRED);
                                continue;
                        }
                        assert_int_equal(kept, k); /* the newest first */
                        kept++;
                        assert_int_equal(d.setting, SETTING_KEEP_LAST);
                        assert_string_equal(profile_origin(&w.profile, d.setting, text, sizeof(text)),
                                        rows[i].origin);
                }
                if (kept != rows[i].kept)
                        fail_msg("row %zu: %u are kept", i, kept);
                for (size_t k = 0; k < ELEMENTS_OF(peers); k++)
                        slot_leave(&w.slots, &peers[k]);
                clear(&w);
        }
}

/* --- rules --- */

/* OOMKilled= of a rule follows its Failure=, Shutdown= its Success=, unless [Retention] has its own. */
static void test_following_in_rules(void **state) {
        static const struct {
                int exit_code;
                bool oom, general_own, rule_own;
                usec_t due;
                SettingId setting;
                const char *origin;
        } rows[] = {
                { 1, false, false, false, 3 * HOUR, SETTING_FAILURE, "conf:3" },
                { 137, true, false, false, 3 * HOUR, SETTING_OOM_KILLED, "conf:3" },
                { 137, true, true, false, 5 * HOUR, SETTING_OOM_KILLED, "conf:5" },
                { 137, true, false, true, 6 * HOUR, SETTING_OOM_KILLED, "conf:6" },
                { 137, true, true, true, 6 * HOUR, SETTING_OOM_KILLED, "conf:6" },
                { 0, false, false, false, 4 * HOUR, SETTING_SUCCESS, "conf:4" },
                { 143, false, false, false, 4 * HOUR, SETTING_SHUTDOWN, "conf:4" },
                { 143, false, true, false, 5 * HOUR, SETTING_SHUTDOWN, "conf:5" },
                { 143, false, false, true, 6 * HOUR, SETTING_SHUTDOWN, "conf:6" },
                { 143, false, true, true, 6 * HOUR, SETTING_SHUTDOWN, "conf:6" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                SettingId own = rows[i].exit_code == 143 ? SETTING_SHUTDOWN : SETTING_OOM_KILLED;
                World w;

                build(&w);
                with_rule(&w);
                w.rule.values.failure = 3 * HOUR;
                set_in_rule(&w.rule, SETTING_FAILURE, "conf", 3);
                w.rule.values.success = 4 * HOUR;
                set_in_rule(&w.rule, SETTING_SUCCESS, "conf", 4);
                if (rows[i].general_own) {
                        *span_field(&w.settings.retention, own) = 5 * HOUR;
                        set_in_file(&w.settings, own, "conf", 5);
                }
                if (rows[i].rule_own) {
                        *span_field(&w.rule.values, own) = 6 * HOUR;
                        set_in_rule(&w.rule, own, "conf", 6);
                }
                w.c.exit_code = rows[i].exit_code;
                w.c.oom_killed = rows[i].oom;
                expect(&w, EPOCH + rows[i].due - 1, VERDICT_RETAINED, EPOCH + rows[i].due);
                expect(&w, EPOCH + rows[i].due, VERDICT_TTL_EXPIRED, EPOCH + rows[i].due);
                expect_origin(&w, EPOCH + rows[i].due, rows[i].setting, rows[i].origin);
                clear(&w);
        }
}

static void test_floor_by_rule(void **state) {
        World w;

        (void)state;
        build(&w);
        with_rule(&w);
        w.rule.values.minimum_age = 3 * HOUR;
        set_in_rule(&w.rule, SETTING_MINIMUM_AGE, "conf", 7);
        label(&w, TTL, "0");
        expect(&w, EPOCH + 3 * HOUR - 1, VERDICT_TOO_YOUNG, EPOCH + 3 * HOUR);
        expect(&w, EPOCH + 3 * HOUR, VERDICT_TTL_EXPIRED, EPOCH + 3 * HOUR);
        expect_origin(&w, EPOCH + 3 * HOUR, SETTING_MINIMUM_AGE, "conf:7");
        clear(&w);
}

/* --- which setting decided --- */

static void test_deciding_setting(void **state) {
        World w;

        (void)state;
        build(&w);
        set_in_file(&w.settings, SETTING_MINIMUM_AGE, "conf", 1);
        set_in_file(&w.settings, SETTING_FAILURE, "conf", 2);
        set_in_file(&w.settings, SETTING_MAX_STOPPED, "conf", 3);
        expect_origin(&w, EPOCH, SETTING_MINIMUM_AGE, "conf:1");
        expect_origin(&w, EPOCH + HOUR, SETTING_FAILURE, "conf:2"); /* retained */
        expect_origin(&w, NOW, SETTING_FAILURE, "conf:2");
        w.c.oom_killed = true;
        expect_origin(&w, NOW, SETTING_OOM_KILLED, "conf:2"); /* it follows */
        w.c.oom_killed = false;
        w.settings.retention.minimum_age = AGE + 1;
        expect_origin(&w, NOW + 1, SETTING_MINIMUM_AGE, "conf:1");
        w.settings.retention.minimum_age = MINUTE;

        w.c.over_cap = true;
        expect(&w, EPOCH + MINUTE, VERDICT_OVER_CAP, EPOCH + MINUTE);
        expect_origin(&w, EPOCH + MINUTE, SETTING_MAX_STOPPED, "conf:3");
        expect(&w, NOW, VERDICT_TTL_EXPIRED, EPOCH + MINUTE); /* due anyway */
        clear(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keep_with_max_ttl),
                cmocka_unit_test(test_keep_of_a_failed_start),
                cmocka_unit_test(test_keep_false_and_not_honoured),
                cmocka_unit_test(test_ttl_labels),
                cmocka_unit_test(test_ttl_label_of_a_failed_start),
                cmocka_unit_test(test_what_labels_do_not_touch),
                cmocka_unit_test(test_kept_last_for),
                cmocka_unit_test(test_keep_last_by_whom),
                cmocka_unit_test(test_following_in_rules),
                cmocka_unit_test(test_floor_by_rule),
                cmocka_unit_test(test_deciding_setting),
        };

        return cmocka_run_group_tests_name("decision-values", tests, NULL, NULL);
}
