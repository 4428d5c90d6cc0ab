/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_PROFILE_ORACLE_H
#define REAPERD_TESTS_PROFILE_ORACLE_H

/*
 * What must hold for a container, and who says so, computed from the specification alone: label, else the
 * first matching rule, else [Retention].
 */

#include <stdio.h>

#include "core-fixtures.h"

/* What the labels say, already understood; `malformed` has a bit for each that is not. */
typedef struct Wish {
        bool keep, has_ttl, has_ttl_failure, has_keep_last;
        usec_t ttl, ttl_failure;
        unsigned keep_last;
        unsigned malformed;
} Wish;

typedef struct Expected {
        Retention r;
        ProfileSource source[_SETTING_MAX]; /* of those that a rule may set */
        SettingOrigin origin[_SETTING_MAX];
        LabelKey label[_SETTING_MAX];
        bool in_scope, keep_by_label, keep_by_rule;
        usec_t keep_label_for;
} Expected;

static const SettingId rule_settings[] = { SETTING_MINIMUM_AGE, SETTING_SUCCESS, SETTING_FAILURE,
        SETTING_OOM_KILLED, SETTING_SHUTDOWN, SETTING_FAILED_START, SETTING_ORPHAN_AGE,
        SETTING_REMOVE_VOLUMES, SETTING_KEEP_LAST, SETTING_KEEP_LAST_FAILURE, SETTING_KEEP_LAST_FOR,
        SETTING_LOG_TAIL };

/* Any of them as a number. */
static inline uint64_t value_of(const Retention *r, SettingId id) {
        switch (id) {
        case SETTING_MINIMUM_AGE:
                return r->minimum_age;
        case SETTING_SUCCESS:
                return r->success;
        case SETTING_FAILURE:
                return r->failure;
        case SETTING_OOM_KILLED:
                return r->oom_killed;
        case SETTING_SHUTDOWN:
                return r->shutdown;
        case SETTING_FAILED_START:
                return r->failed_start;
        case SETTING_ORPHAN_AGE:
                return r->orphan_age;
        case SETTING_REMOVE_VOLUMES:
                return r->remove_volumes;
        case SETTING_KEEP_LAST:
                return r->keep_last;
        case SETTING_KEEP_LAST_FAILURE:
                return r->keep_last_failure;
        case SETTING_KEEP_LAST_FOR:
                return r->keep_last_for;
        case SETTING_LOG_TAIL:
                return r->log_tail;
        default:
                fail();
                return 0;
        }
}

static inline void put_value(Retention *r, SettingId id, uint64_t value) {
        switch (id) {
        case SETTING_MINIMUM_AGE:
                r->minimum_age = value;
                break;
        case SETTING_ORPHAN_AGE:
                r->orphan_age = value;
                break;
        case SETTING_REMOVE_VOLUMES:
                r->remove_volumes = (RemoveVolumes)value;
                break;
        case SETTING_KEEP_LAST:
                r->keep_last = (unsigned)value;
                break;
        case SETTING_KEEP_LAST_FAILURE:
                r->keep_last_failure = (unsigned)value;
                break;
        case SETTING_KEEP_LAST_FOR:
                r->keep_last_for = value;
                break;
        case SETTING_LOG_TAIL:
                r->log_tail = (unsigned)value;
                break;
        default:
                *span_field(r, id) = value;
        }
}

static inline SettingId followed_by(SettingId id) {
        return id == SETTING_OOM_KILLED ? SETTING_FAILURE : id == SETTING_SHUTDOWN ? SETTING_SUCCESS : id;
}

static inline void expect_span_label(Expected *e, SettingId id, LabelKey key, usec_t span, usec_t max) {
        e->source[id] = PROFILE_FROM_LABEL;
        e->label[id] = key;
        *span_field(&e->r, id) = span < max ? span : max;
}

static inline Expected expect_profile(const Settings *s, const Rule *rule, const Wish *w, bool is_task) {
        static const SettingId spans[] = { SETTING_SUCCESS, SETTING_FAILURE, SETTING_OOM_KILLED,
                SETTING_SHUTDOWN, SETTING_FAILED_START };
        Expected e = { .r = s->retention };

        for (size_t i = 0; i < ELEMENTS_OF(rule_settings); i++) {
                SettingId id = rule_settings[i], leader = followed_by(id);
                bool in_retention = !s->origins[id].is_default;

                /* OOMKilled= and Shutdown= follow, unless somebody has set them. */
                if (!(rule && rule->has_value[id]) && !in_retention)
                        id = leader;
                if (rule && rule->has_value[id]) {
                        put_value(&e.r, rule_settings[i], value_of(&rule->values, id));
                        e.source[rule_settings[i]] = PROFILE_FROM_RULE;
                        e.origin[rule_settings[i]] = rule->origins[id];
                } else if (!s->origins[id].is_default) {
                        e.source[rule_settings[i]] = PROFILE_FROM_FILE;
                        e.origin[rule_settings[i]] = s->origins[id];
                } else
                        e.source[rule_settings[i]] = PROFILE_FROM_DEFAULT;
        }

        if (s->labels_honor) {
                for (size_t i = 0; i < ELEMENTS_OF(spans); i++) {
                        bool fails = spans[i] != SETTING_SUCCESS && spans[i] != SETTING_SHUTDOWN;

                        if (fails && w->has_ttl_failure)
                                expect_span_label(&e, spans[i], LABEL_TTL_FAILURE, w->ttl_failure,
                                                s->labels_max_ttl);
                        else if (w->has_ttl)
                                expect_span_label(&e, spans[i], LABEL_TTL, w->ttl, s->labels_max_ttl);
                }
                if (w->has_keep_last) {
                        e.r.keep_last = w->keep_last;
                        e.source[SETTING_KEEP_LAST] = PROFILE_FROM_LABEL;
                        e.label[SETTING_KEEP_LAST] = LABEL_KEEP_LAST;
                }
                e.keep_by_label = w->keep;
                e.keep_label_for = s->labels_max_ttl;
        }
        e.keep_by_rule = rule && rule->action == RULE_ACTION_KEEP;
        e.in_scope = is_task || (rule && rule->kind != RULE_KIND_TASK && rule->action == RULE_ACTION_REAP);
        return e;
}

static inline void expect_origin_text(const Expected *e, SettingId id, char *buf, size_t size) {
        static const char *const labels[] = { KEEP, TTL, TTL_FAILURE, KEEP_LAST };

        if (e->source[id] == PROFILE_FROM_LABEL)
                snprintf(buf, size, "label %s", labels[e->label[id]]);
        else if (e->source[id] == PROFILE_FROM_DEFAULT)
                snprintf(buf, size, "default");
        else
                snprintf(buf, size, "%s:%u", e->origin[id].file, e->origin[id].line);
}

static inline void check_profile(const Profile *p, const Expected *e, const Rule *rule, bool is_task) {
        assert_ptr_equal(p->rule, rule);
        assert_int_equal(p->is_task, is_task);
        assert_int_equal(p->in_scope, e->in_scope);
        assert_int_equal(p->keep_by_label, e->keep_by_label);
        if (e->keep_by_label)
                assert_int_equal(p->keep_label_for, e->keep_label_for);
        assert_int_equal(p->keep_by_rule, e->keep_by_rule);

        for (size_t i = 0; i < ELEMENTS_OF(rule_settings); i++) {
                SettingId id = rule_settings[i];
                SettingOrigin origin = { .file = "untouched", .line = 4711 };
                LabelKey label = _LABEL_KEY_MAX;
                char want[256], got[256];

                if (value_of(&p->retention, id) != value_of(&e->r, id))
                        fail_msg("setting %d: %ju, not %ju", id, (uintmax_t)value_of(&p->retention, id),
                                        (uintmax_t)value_of(&e->r, id));
                if (profile_source(p, id, &origin, &label) != e->source[id])
                        fail_msg("setting %d: another source than %d", id, e->source[id]);
                assert_int_equal(label, e->source[id] == PROFILE_FROM_LABEL ? e->label[id] : _LABEL_KEY_MAX);
                if (e->source[id] == PROFILE_FROM_FILE || e->source[id] == PROFILE_FROM_RULE) {
                        assert_string_equal(origin.file, e->origin[id].file);
                        assert_int_equal(origin.line, e->origin[id].line);
                } else
                        assert_string_equal(origin.file, "untouched");

                expect_origin_text(e, id, want, sizeof(want));
                assert_ptr_equal(profile_origin(p, id, got, sizeof(got)), got);
                assert_string_equal(got, want);
        }
}

/* A span as people write it, or any. */
static inline usec_t random_span(uint64_t *random) {
        static const usec_t usual[] = { 0, 1, SEC, 10 * SEC, MINUTE, HOUR, DAY, 7 * DAY, USEC_INFINITY };

        return random_chance(random, 85) ? usual[random_below(random, ELEMENTS_OF(usual))]
                                         : random_next(random) >> random_below(random, 50);
}

/* A value within the range of a setting that rules may set. */
static inline uint64_t random_value(uint64_t *random, SettingId id) {
        static const unsigned counts[] = { 0, 0, 1, 2, 10000, COUNT_INFINITY };

        switch (id) {
        case SETTING_REMOVE_VOLUMES:
                return random_below(random, 3);
        case SETTING_KEEP_LAST:
        case SETTING_KEEP_LAST_FAILURE:
                return counts[random_below(random, ELEMENTS_OF(counts))];
        case SETTING_LOG_TAIL:
                return random_below(random, 101);
        case SETTING_MINIMUM_AGE:
                return usec_add(MINIMUM_AGE_FLOOR, random_chance(random, 50) ? 0 : random_span(random));
        default:
                return random_span(random);
        }
}

#endif
