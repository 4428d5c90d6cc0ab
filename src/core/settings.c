/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/share.h"
#include "core/rule.h"
#include "core/rule-text.h"
#include "core/setting-value.h"
#include "core/settings.h"

struct SettingsFile {
        SettingsFile *next;
        char name[];
};

static void *field_of(Settings *s, SettingId id) {
        return (char *)s + setting_info(id)->offset;
}

static unsigned share_beside(unsigned leader, int distance) {
        int share;

        if (leader == SHARE_OFF)
                return SHARE_OFF;

        share = (int)leader + distance;
        if (share < 0)
                return 0;
        return share < (int)SHARE_ALL ? (unsigned)share : SHARE_ALL;
}

/* Spans and shares follow others. */
static void follow(Settings *s, SettingId id) {
        const SettingInfo *info = setting_info(id);
        const void *leader = field_of(s, info->follows);
        void *field = field_of(s, id);

        if (info->type == SETTING_TYPE_SPAN)
                *(usec_t *)field = *(const usec_t *)leader;
        else
                *(unsigned *)field = share_beside(*(const unsigned *)leader, info->distance);
}

/* Files come one after the other, so the newest is looked at first. */
const char *settings_add_file(Settings *s, const char *name) {
        size_t size = strlen(name) + 1;
        SettingsFile *f;

        for (f = s->files; f; f = f->next)
                if (strcmp(f->name, name) == 0)
                        return f->name;

        f = malloc(sizeof(SettingsFile) + size);
        if (!f)
                return NULL;

        f->next = s->files;
        memcpy(f->name, name, size);
        s->files = f;
        return f->name;
}

size_t retention_offset(SettingId id) {
        return setting_info(id)->offset - offsetof(Settings, retention);
}

int settings_set(Settings *s, SettingId id, const char *text, const char *file, unsigned line,
                const char **ret_what) {
        const SettingInfo *info = setting_info(id);
        SettingOrigin origin = { .line = line, .is_default = text[0] == '\0' };
        bool follows = origin.is_default && info->follows != _SETTING_INVALID;
        const char *ignored;
        SettingValue v = {};
        int r;

        if (!follows) {
                r = setting_value_parse(info, origin.is_default ? info->default_text : text, &v,
                                ret_what ? ret_what : &ignored);
                if (r < 0)
                        return r;
        }

        if (file) {
                origin.file = settings_add_file(s, file);
                if (!origin.file) {
                        free(v.text);
                        return -ENOMEM;
                }
        }

        if (follows)
                follow(s, id);
        else
                setting_value_store(info, field_of(s, id), &v);
        s->origins[id] = origin;
        return 0;
}

int settings_init(Settings *ret) {
        Settings s = {};
        int r;

        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                r = settings_set(&s, id, "", NULL, 0, NULL);
                if (r < 0) {
                        settings_done(&s);
                        return r;
                }
        }

        *ret = s;
        return 0;
}

void settings_done(Settings *s) {
        while (s->files) {
                SettingsFile *f = s->files;

                s->files = f->next;
                free(f);
        }

        for (size_t i = 0; i < s->n_rules; i++)
                rule_done(&s->rules[i]);

        free(s->rules);
        free(s->endpoint);
        free(s->pressure.pressure_file);
        free(s->metrics_file);
        *s = (Settings){};
}

/* What has to hold between two settings of one type: the value of `low` is not above that of `high`. If both
 * are set, `first` is the one to be blamed. */
static const struct {
        SettingId low, high, first;
        const char *low_what, *high_what; /* is wrong with the one */
        const char *accepted;
} orders[] = {
        { SETTING_RETRY_INITIAL, SETTING_RETRY_MAX, SETTING_RETRY_MAX,
                        "is above RetryMax=, which has its default",
                        "is below RetryInitial=", "RetryMax= not below RetryInitial=" },
        /* Those that leave follow those that enter, so that it is always they that are to be blamed. */
        { SETTING_MEMORY_AVAILABLE_LOW, SETTING_MEMORY_AVAILABLE_HIGH, SETTING_MEMORY_AVAILABLE_HIGH, NULL,
                        "is below MemoryAvailableLow=",
                        "MemoryAvailableHigh= not below MemoryAvailableLow=" },
        { SETTING_MEMORY_USED_LOW, SETTING_MEMORY_USED_HIGH, SETTING_MEMORY_USED_LOW,
                        "is above MemoryUsedHigh=", NULL, "MemoryUsedLow= not above MemoryUsedHigh=" },
        { SETTING_DISK_USED_LOW, SETTING_DISK_USED_HIGH, SETTING_DISK_USED_LOW, "is above UsedHigh=", NULL,
                        "UsedLow= not above UsedHigh=" },
        { SETTING_DISK_INODES_LOW, SETTING_DISK_INODES_HIGH, SETTING_DISK_INODES_LOW,
                        "is above InodesHigh=", NULL, "InodesLow= not above InodesHigh=" },
};

static bool is_above(const Settings *s, SettingId id, SettingId other) {
        const void *a = (const char *)s + setting_info(id)->offset,
                   *b = (const char *)s + setting_info(other)->offset;

        if (setting_info(id)->type == SETTING_TYPE_SPAN)
                return *(const usec_t *)a > *(const usec_t *)b;

        /* What is off, which as a number is above all, conflicts with nothing. */
        return *(const unsigned *)a != SHARE_OFF && *(const unsigned *)a > *(const unsigned *)b;
}

bool settings_next_conflict(const Settings *s, size_t *i, SettingConflict *ret) {
        for (; *i < ELEMENTS_OF(orders); (*i)++) {
                SettingId low = orders[*i].low, high = orders[*i].high, id = orders[*i].first;

                if (!is_above(s, low, high))
                        continue;

                if (s->origins[id].is_default)
                        id = id == low ? high : low;
                *ret = (SettingConflict){
                        .id = id,
                        .other = id == low ? high : low,
                        .what = id == low ? orders[*i].low_what : orders[*i].high_what,
                        .accepted = orders[*i].accepted,
                };
                (*i)++;
                return true;
        }

        return false;
}

int settings_resolve(Settings *s, SettingId *ret_id, const char **ret_what) {
        SettingConflict conflict;
        size_t i = 0;

        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (s->origins[id].is_default && setting_info(id)->follows != _SETTING_INVALID)
                        follow(s, id);

        if (!settings_next_conflict(s, &i, &conflict))
                return 0;

        *ret_id = conflict.id;
        *ret_what = conflict.what;
        return -ERANGE;
}

bool settings_reap_others(const Settings *s) {
        for (size_t i = 0; i < s->n_rules; i++)
                if (s->rules[i].action == RULE_ACTION_REAP && s->rules[i].kind != RULE_KIND_TASK)
                        return true;

        return false;
}

int shared_settings_new(Settings *s, SharedSettings **ret) {
        SharedSettings *shared;

        shared = malloc(sizeof(SharedSettings));
        if (!shared)
                return -ENOMEM;

        *shared = (SharedSettings){ .references = 1, .settings = *s };
        *s = (Settings){};
        *ret = shared;
        return 0;
}

SharedSettings *shared_settings_ref(SharedSettings *s) {
        s->references++;
        return s;
}

SharedSettings *shared_settings_unref(SharedSettings *s) {
        if (s && --s->references == 0) {
                settings_done(&s->settings);
                free(s);
        }
        return NULL;
}

char *settings_format(const Settings *s, SettingId id) {
        return setting_value_format(setting_info(id), (const char *)s + setting_info(id)->offset);
}
