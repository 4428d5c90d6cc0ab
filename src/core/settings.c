/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
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

/* Only spans follow others. */
static usec_t *span_of(Settings *s, SettingId id) {
        return field_of(s, id);
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
        const char *ignored;
        SettingValue v = {};
        int r;

        if (origin.is_default && info->follows != _SETTING_INVALID)
                v.span = *span_of(s, info->follows);
        else {
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
        *s = (Settings){};
}

int settings_resolve(Settings *s, SettingId *ret_id, const char **ret_what) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (s->origins[id].is_default && setting_info(id)->follows != _SETTING_INVALID)
                        *span_of(s, id) = *span_of(s, setting_info(id)->follows);

        if (s->retry_max < s->retry_initial) {
                if (s->origins[SETTING_RETRY_MAX].is_default) {
                        *ret_id = SETTING_RETRY_INITIAL;
                        *ret_what = "is above RetryMax=, which has its default";
                } else {
                        *ret_id = SETTING_RETRY_MAX;
                        *ret_what = "is below RetryInitial=";
                }
                return -ERANGE;
        }

        return 0;
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
