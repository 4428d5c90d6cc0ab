/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/nearest-name.h"
#include "base/text.h"
#include "core/rule.h"
#include "core/setting-table.h"
#include "daemon/config-names.h"

static int append_name(char **text, const char *name) {
        return text_append(text, "%s%s", *text ? ", " : "", name);
}

/* Each of these is a list of names for a message, or NULL if out of memory. */

static char *list_sections(void) {
        _cleanup_free_ char *text = NULL;
        const char *last = "";

        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                const char *section = setting_info(id)->section;

                if (strcmp(section, last) == 0)
                        continue;
                if (text_append(&text, "[%s], ", section) < 0)
                        return NULL;
                last = section;
        }

        return text_append(&text, "[" SETTING_RULE_SECTION "]") < 0 ? NULL : TAKE_PTR(text);
}

static char *list_keys(const char *section) {
        _cleanup_free_ char *text = NULL;

        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (strcmp(setting_info(id)->section, section) == 0 &&
                                append_name(&text, setting_info(id)->key) < 0)
                        return NULL;

        return TAKE_PTR(text);
}

static char *list_rule_keys(void) {
        _cleanup_free_ char *text = NULL;

        for (RuleKey key = 0; key < _RULE_KEY_MAX; key++)
                if (append_name(&text, rule_key_info(key)->key) < 0)
                        return NULL;
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (setting_info(id)->per_container && append_name(&text, setting_info(id)->key) < 0)
                        return NULL;

        return TAKE_PTR(text);
}

static const char *nearest_rule_key(const char *given) {
        const char *found = NULL;
        size_t best = SIZE_MAX;

        for (RuleKey key = 0; key < _RULE_KEY_MAX; key++)
                if (nearest_name_improves(given, rule_key_info(key)->key, &best))
                        found = rule_key_info(key)->key;
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (setting_info(id)->per_container &&
                                nearest_name_improves(given, setting_info(id)->key, &best))
                        found = setting_info(id)->key;

        return found;
}

/* The section that has a key of this name, or NULL. */
static const char *section_of(const char *key) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (strcmp(setting_info(id)->key, key) == 0)
                        return setting_info(id)->section;

        return NULL;
}

bool config_names_key_exists(const char *key) {
        return section_of(key) || rule_key_find(key) != _RULE_KEY_INVALID;
}

int config_names_unknown_section(
                ConfigReport *report, const char *file, unsigned line, const char *section) {
        const char *near = setting_nearest_section(section);
        _cleanup_free_ char *names = list_sections();

        if (!names)
                return -ENOMEM;

        return config_report_add(report, CONFIG_ERROR, file, line,
                        "[%s]: unknown section%s%s%s, accepted: %s", section, near ? ", nearest: [" : "",
                        near ? near : "", near ? "]" : "", names);
}

static int unknown_in_rule(ConfigReport *report, const char *file, unsigned line, const char *section,
                const char *key) {
        const char *near = nearest_rule_key(key), *home = section_of(key);
        _cleanup_free_ char *names = NULL;

        if (home)
                return config_report_add(report, CONFIG_ERROR, file, line,
                                "[%s] %s: is not for single containers, accepted: in [%s]", section, key,
                                home);

        names = list_rule_keys();
        if (!names)
                return -ENOMEM;

        return config_report_add(report, CONFIG_ERROR, file, line, "[%s] %s: unknown key%s%s, accepted: %s",
                        section, key, near ? ", nearest: " : "", near ? near : "", names);
}

int config_names_unknown_key(ConfigReport *report, const char *file, unsigned line, const char *section,
                bool is_rule, const char *key) {
        const char *near_section = section, *near;
        _cleanup_free_ char *names = NULL;
        bool other;

        if (is_rule)
                return unknown_in_rule(report, file, line, section, key);

        if (rule_key_find(key) != _RULE_KEY_INVALID) {
                near = key;
                near_section = SETTING_RULE_SECTION;
        } else
                near = setting_nearest_key(section, key, &near_section);

        names = list_keys(section);
        if (!names)
                return -ENOMEM;

        other = strcmp(near_section, section) != 0;
        return config_report_add(report, CONFIG_ERROR, file, line,
                        "[%s] %s: unknown key%s%s%s%s%s, accepted: %s", section, key,
                        near ? ", nearest: " : "", near ? near : "", other ? " in [" : "",
                        other ? near_section : "", other ? "]" : "", names);
}
