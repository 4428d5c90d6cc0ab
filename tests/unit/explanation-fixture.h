/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_EXPLANATION_FIXTURE_H
#define REAPERD_TESTS_EXPLANATION_FIXTURE_H

/*
 * A container that is to be explained, and what can hold it or let it go, each by its own words.
 */

#include "core/explanation.h"
#include "decision-fixture.h"

#define FILE_NAME "/etc/reaperd/reaperd.conf"

static inline Explanation explain(World *w, usec_t now) {
        Explanation e;

        (void)decide(w, now); /* makes its profile */
        assert_int_equal(explanation_make(&w->c, &w->situation, now, &e), 0);
        return e;
}

static inline const ExplanationStep *step_of(const Explanation *e, ExplanationStepKind kind) {
        for (size_t i = 0; i < e->n_steps; i++)
                if (e->steps[i].kind == kind)
                        return &e->steps[i];
        fail_msg("there is no step %s", explanation_step_name(kind));
        return NULL;
}

#define OF_SLOT       " of shop_web.1"
#define KEPT_FOR      ", kept for another 6d 22h by KeepLastFor=7d"
#define BY_FILE(line) " (" FILE_NAME ":" #line ")"

static inline void plain(World *w) {
        w->is_task = false;
        w->c.scope = SCOPE_OTHER;
}

static inline void plain_by_rule(World *w) {
        plain(w);
        with_rule(w);
        w->rule.kind = RULE_KIND_ANY;
        w->rule.action = RULE_ACTION_REAP;
        w->rule.origin = (SettingOrigin){ .file = FILE_NAME, .line = 39 };
        w->rule.key_origins[RULE_ACTION] = (SettingOrigin){ .file = FILE_NAME, .line = 40 };
}

static inline void no_look_at_plain(World *w) {
        plain_by_rule(w);
        w->c.looked_at = 0;
}

static inline void auto_remove(World *w) {
        plain_by_rule(w);
        w->c.auto_remove = true;
}

static inline void may_restart(World *w) {
        plain_by_rule(w);
        w->c.may_restart = true;
}

static inline void not_listed(World *w) {
        w->c.scope = SCOPE_OTHER;
        w->c.labelled = true;
}

static inline void scope_unknown(World *w) {
        w->c.scope = SCOPE_UNKNOWN;
}

static inline void scope_unknown_and_kept(World *w) {
        scope_unknown(w);
        retain(w);
}

static inline void ask_again(World *w) {
        scope_unknown(w);
        w->situation.ask_again_at = NOW + 4 * SEC;
}

static inline void of_service(World *w) {
        w->c.service = shared_text_ref(&w->nodes, "shop_web");
}

static inline void paused(World *w) {
        w->c.state = CONTAINER_PAUSED;
}

static inline void restarting(World *w) {
        w->c.state = CONTAINER_RESTARTING;
}

static inline void unknown_state(World *w) {
        w->c.state = CONTAINER_STATE_UNKNOWN;
}

static inline void removing(World *w) {
        w->c.state = CONTAINER_REMOVING;
}

static inline void created(World *w) {
        w->c.state = CONTAINER_CREATED;
}

static inline void failed_start(World *w) {
        created(w);
        w->c.failed_start = true;
        w->c.exit_code = 127;
        w->c.error_seen = w->c.created;
}

static inline void success(World *w) {
        w->c.exit_code = 0;
}

static inline void oom_killed(World *w) {
        w->c.exit_code = 137;
        w->c.oom_killed = true;
}

static inline void shut_down(World *w) {
        w->c.exit_code = 143;
}

static inline void just_ended(World *w) {
        w->c.finished = NOW - 1;
}

static inline void seen(World *w) {
        w->c.finish = FINISH_SEEN;
        w->c.state_exact = false;
}

static inline void bounded(World *w) {
        seen(w);
        w->c.finish = FINISH_BOUNDED;
}

static inline void give_up(World *w) {
        w->c.quarantined = true;
        w->c.attempts = 8;
        w->settings.quarantine_after = 8;
}

static inline void failed_once(World *w) {
        w->c.attempts = 1;
}

static inline void retry_soon(World *w) {
        w->c.attempts = 2;
        w->c.retry_at = NOW + 39 * SEC + 1;
}

static inline void ask_again_and_retry(World *w) {
        ask_again(w);
        retry_soon(w);
}

static inline void retry_soon_though_asked_for(World *w) {
        retry_soon(w);
        w->c.requested = true;
}

static inline void settle_soon(World *w) {
        w->situation.settled_at = NOW + 48 * SEC;
}

static inline void settle_for_ever(World *w) {
        w->situation.settled_at = USEC_INFINITY;
}

static inline void pause_for_long(World *w) {
        w->situation.paused_until = NOW + 40 * MINUTE;
}

static inline void run_first_now(World *w) {
        w->situation.first_run_until = NOW + 9 * MINUTE + 1;
}

static inline void run_first_later(World *w) {
        w->situation.first_run_until = USEC_INFINITY;
}

static inline void hold_after_reload(World *w) {
        w->c.surge_held = true;
        w->situation.surge_until = NOW + 10 * MINUTE;
}

static inline void young(World *w) {
        w->settings.retention.minimum_age = AGE + 48 * SEC;
        set_in_file(&w->settings, SETTING_MINIMUM_AGE, FILE_NAME, 7);
}

static inline void label_for_good(World *w) {
        label(w, KEEP, "yes");
}

static inline void label_for_a_while(World *w) {
        label_for_good(w);
        w->settings.labels_max_ttl = AGE + 3 * DAY;
        set_in_file(&w->settings, SETTING_LABELS_MAX_TTL, FILE_NAME, 30);
}

static inline void label_no_longer(World *w) {
        label_for_a_while(w);
        w->settings.labels_max_ttl = AGE;
}

static inline void label_of_running(World *w) {
        label_for_a_while(w);
        no_longer_exited(w);
}

static inline void no_labels(World *w) {
        w->settings.labels_honor = false;
}

static inline void rule_keeps(World *w) {
        with_rule(w);
        w->rule.action = RULE_ACTION_KEEP;
        w->rule.origin = (SettingOrigin){ .file = FILE_NAME, .line = 39 };
        w->rule.key_origins[RULE_ACTION] = (SettingOrigin){ .file = FILE_NAME, .line = 41 };
}

static inline void rule_only_matches(World *w) {
        with_rule(w);
}

static inline void rule_from_file_only_matches(World *w) {
        with_rule(w);
        w->rule.origin = (SettingOrigin){ .file = FILE_NAME, .line = 39 };
}

static inline void keep_failure(World *w) {
        w->settings.retention.keep_last_failure = 1;
}

static inline void keep_failure_no_longer(World *w) {
        keep_failure(w);
        w->settings.retention.keep_last_for = AGE;
}

static inline void keep_failure_for_ever(World *w) {
        keep_failure(w);
        w->settings.retention.keep_last_for = USEC_INFINITY;
}

static inline void keep_failure_by_file(World *w) {
        keep_failure(w);
        w->settings.retention.keep_last_for = AGE + 3 * HOUR;
        set_in_file(&w->settings, SETTING_KEEP_LAST_FOR, FILE_NAME, 8);
}

static inline void keep_many(World *w) {
        w->settings.retention.keep_last = 3;
        set_in_file(&w->settings, SETTING_KEEP_LAST, FILE_NAME, 12);
}

static inline void keep_all(World *w) {
        w->settings.retention.keep_last = COUNT_INFINITY;
}

static inline void keep_failure_of_success(World *w) {
        success(w);
        keep_failure(w);
}

static inline void keep_last_of_running(World *w) {
        keep_many(w);
        no_longer_exited(w);
}

static inline void keep_last_of_seen(World *w) {
        keep_many(w);
        seen(w);
}

static inline void keep_last_of_orphan(World *w) {
        keep_many(w);
        orphan(w);
}

static inline void keep_but_over_cap(World *w) {
        keep_many(w);
        retain(w);
        w->c.over_cap = true;
        w->settings.max_stopped = 500;
}

static inline void keep_failure_over_cap(World *w) {
        keep_failure(w);
        w->c.over_cap = true;
        w->settings.max_stopped = 500;
}

static inline void young_over_cap(World *w) {
        young(w);
        w->c.over_cap = true;
        w->settings.max_stopped = 500;
}

static inline void keep_but_requested(World *w) {
        keep_failure(w);
        w->c.requested = true;
}

static inline void retain_for_long(World *w) {
        w->settings.retention.failure = AGE + 23 * HOUR + 47 * MINUTE + 1;
        set_in_file(&w->settings, SETTING_FAILURE, FILE_NAME, 12);
}

static inline void retain_for_ever(World *w) {
        w->settings.retention.failure = USEC_INFINITY;
}

static inline void retain_by_label(World *w) {
        label(w, TTL, "3h");
}

static inline void retain_by_max_ttl(World *w) {
        retain_by_label(w);
        w->settings.labels_max_ttl = AGE + HOUR / 2;
}

static inline void retain_seen(World *w) {
        seen(w);
        retain(w);
        w->settings.retention.oom_killed = AGE + MINUTE;
}

static inline void expire(World *w) {
        w->settings.retention.failure = AGE - 3 * MINUTE - 1;
}

static inline void elevate(World *w) {
        w->situation.pressure = PRESSURE_ELEVATED;
        w->settings.pressure.elevated_factor = 1000;
}

static inline void elevate_and_pass(World *w) {
        elevate(w);
        w->settings.retention.failure = 10 * (AGE - 5 * MINUTE);
}

static inline void elevate_and_wait(World *w) {
        elevate(w);
        w->settings.retention.failure = 10 * (AGE + 3 * MINUTE);
}

static inline void critical(World *w) {
        w->situation.pressure = PRESSURE_CRITICAL;
        w->situation.pressure_by = SETTING_MEMORY_AVAILABLE_LOW;
        w->settings.pressure.memory_available_low = 500;
        w->settings.pressure.minimum_age = 15 * SEC;
        retain_for_long(w);
}

static inline void in_batch(World *w) {
        critical(w);
        w->c.batch_rank = 3;
}

static inline void in_batch_below_floor(World *w) {
        in_batch(w);
        young(w);
}

static inline void in_batch_too_young(World *w) {
        in_batch_below_floor(w);
        w->settings.pressure.minimum_age = AGE + SEC;
}

static inline void in_batch_as_last_failure(World *w) {
        in_batch(w);
        keep_failure(w);
}

static inline void request(World *w) {
        w->c.requested = true;
}

#endif
