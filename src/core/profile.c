/* SPDX-License-Identifier: Apache-2.0 */

#include "core/profile.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Copies one value of [Retention] from a rule. */
static void take_value(Retention *to, const Retention *from, SettingId id) {
        size_t size = setting_info(id)->type == SETTING_TYPE_SPAN ? sizeof(usec_t) : sizeof(unsigned);

        memcpy((char *)to + retention_offset(id), (const char *)from + retention_offset(id), size);
}

static usec_t *span_of(Retention *r, SettingId id) {
        return (usec_t *)(void *)((char *)r + retention_offset(id));
}

static bool rule_sets(const Rule *rule, SettingId id) {
        return rule && rule->has_value[id];
}

/* Whose value holds: its own, or that of the setting which it follows as long as nobody has set it. */
static SettingId followed(const Settings *s, const Rule *rule, SettingId id) {
        SettingId follows = setting_info(id)->follows;

        return follows != _SETTING_INVALID && !rule_sets(rule, id) && s->origins[id].is_default ? follows
                                                                                                : id;
}

static void apply_rule(const Settings *s, const Rule *rule, Retention *r) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (rule_sets(rule, id))
                        take_value(r, &rule->values, id);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (setting_info(id)->per_container && followed(s, rule, id) != id)
                        *span_of(r, id) = *span_of(r, followed(s, rule, id));
}

/* The label that tells a setting's value, or _LABEL_KEY_MAX. */
static LabelKey label_of(const LabelPolicy *l, SettingId id) {
        switch (id) {
        case SETTING_FAILURE:
        case SETTING_OOM_KILLED:
        case SETTING_FAILED_START:
                if (l->has[LABEL_TTL_FAILURE])
                        return LABEL_TTL_FAILURE;
                return l->has[LABEL_TTL] ? LABEL_TTL : _LABEL_KEY_MAX;
        case SETTING_SUCCESS:
        case SETTING_SHUTDOWN:
                return l->has[LABEL_TTL] ? LABEL_TTL : _LABEL_KEY_MAX;
        case SETTING_KEEP_LAST:
                return l->has[LABEL_KEEP_LAST] ? LABEL_KEEP_LAST : _LABEL_KEY_MAX;
        default:
                return _LABEL_KEY_MAX;
        }
}

static void apply_labels(const LabelPolicy *l, usec_t max_ttl, Retention *r) {
        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                LabelKey key = label_of(l, id);

                if (key == LABEL_KEEP_LAST)
                        r->keep_last = l->keep_last;
                else if (key != _LABEL_KEY_MAX)
                        *span_of(r, id) = usec_min(key == LABEL_TTL ? l->ttl : l->ttl_failure, max_ttl);
        }
}

void profile_resolve(
                const Settings *settings, const Subject *subject, Profile *ret, unsigned *ret_label_faults) {
        Profile p = {
                .settings = settings,
                .rule = rule_find(settings, subject),
                .is_task = subject->is_task,
                .retention = settings->retention,
        };
        unsigned faults = 0;

        memset(&p.labels, 0, sizeof(p.labels)); /* they are compared as bytes */
        if (settings->labels_honor)
                faults = label_policy_read(subject->labels, &p.labels);

        apply_rule(settings, p.rule, &p.retention);
        apply_labels(&p.labels, settings->labels_max_ttl, &p.retention);
        p.keep_by_label = p.labels.has[LABEL_KEEP] && p.labels.keep;
        p.keep_label_for = settings->labels_max_ttl;
        p.keep_by_rule = p.rule && p.rule->action == RULE_ACTION_KEEP;
        /* The rule's Kind= has let it match a container that is no task. */
        p.in_scope = subject->is_task || (p.rule && p.rule->action == RULE_ACTION_REAP);

        *ret = p;
        if (ret_label_faults)
                *ret_label_faults = faults;
}

SettingId profile_decider(const Profile *p, SettingId id) {
        usec_t max = p->settings->labels_max_ttl;

        switch (label_of(&p->labels, id)) {
        case LABEL_TTL:
                return p->labels.ttl > max ? SETTING_LABELS_MAX_TTL : id;
        case LABEL_TTL_FAILURE:
                return p->labels.ttl_failure > max ? SETTING_LABELS_MAX_TTL : id;
        default:
                return id;
        }
}

ProfileSource profile_source(
                const Profile *p, SettingId id, SettingOrigin *ret_origin, LabelKey *ret_label) {
        LabelKey label = label_of(&p->labels, id);
        const SettingOrigin *origin;

        if (label != _LABEL_KEY_MAX) {
                *ret_label = label;
                return PROFILE_FROM_LABEL;
        }

        id = followed(p->settings, p->rule, id);
        if (rule_sets(p->rule, id)) {
                *ret_origin = p->rule->origins[id];
                return PROFILE_FROM_RULE;
        }

        origin = &p->settings->origins[id];
        if (!origin->file || origin->is_default)
                return PROFILE_FROM_DEFAULT;
        *ret_origin = *origin;
        return PROFILE_FROM_FILE;
}

char *profile_origin(const Profile *p, SettingId id, char *buf, size_t size) {
        SettingOrigin origin;
        LabelKey label;

        switch (profile_source(p, id, &origin, &label)) {
        case PROFILE_FROM_LABEL:
                snprintf(buf, size, "label %s", label_key_name(label));
                break;
        case PROFILE_FROM_DEFAULT:
                snprintf(buf, size, "default");
                break;
        default:
                snprintf(buf, size, "%s:%u", origin.file, origin.line);
        }
        return buf;
}
