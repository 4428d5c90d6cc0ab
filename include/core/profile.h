/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_PROFILE_H
#define REAPERD_CORE_PROFILE_H

/*
 * What holds for one container: each value comes from its label, else from the first rule that matches,
 * else from [Retention]. Containers of one service have the same profile, so the registry keeps each
 * once; a container need not keep its labels for it.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/label-policy.h"
#include "core/rule.h"
#include "core/settings.h"

typedef struct Profile {
        const Settings *settings; /* borrowed; `rule` lies within */
        const Rule *rule;         /* the first that matches; NULL: none does */
        LabelPolicy labels;       /* all false with Honor=no */
        bool is_task;

        Retention retention; /* what holds */
        bool in_scope;       /* a task, or let in by its rule */
        bool keep_by_label;
        usec_t keep_label_for; /* counted from the end, with keep_by_label; USEC_INFINITY: for good */
        bool keep_by_rule;
} Profile;

/* *ret_label_faults (may be NULL): see label_policy_read(); 0 with Honor=no. */
void profile_resolve(
                const Settings *settings, const Subject *subject, Profile *ret, unsigned *ret_label_faults);

/* Whose value is it really: that of `id`, or of MaxTTL=, which has cut what a label asked for
 * (SETTING_LABELS_MAX_TTL)? */
SettingId profile_decider(const Profile *profile, SettingId id);

/* Where the value of a setting of [Retention] that holds for these containers was written. */
typedef enum ProfileSource {
        PROFILE_FROM_DEFAULT,
        PROFILE_FROM_FILE, /* [Retention] or another section, see ret_origin */
        PROFILE_FROM_RULE,
        PROFILE_FROM_LABEL,
} ProfileSource;

/* *ret_origin is the place in a file (of the setting that it follows, where it follows one), untouched
 * for a label and a default; *ret_label the label, untouched otherwise. Any setting may be asked for. */
ProfileSource profile_source(
                const Profile *profile, SettingId id, SettingOrigin *ret_origin, LabelKey *ret_label);

/* Room for what profile_origin() writes: the name of a file and a line in it, or that of a label. */
#define PROFILE_ORIGIN_MAX (PATH_MAX + 32)

/* The same as text: "label org.reaperd.ttl", "/etc/reaperd/reaperd.conf:12", or "default". Returns buf. */
char *profile_origin(const Profile *profile, SettingId id, char *buf, size_t size);

#endif
