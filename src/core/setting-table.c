/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "base/nearest-name.h"
#include "core/setting-rows.h"
#include "core/setting-table.h"

const SettingInfo *setting_info(SettingId id) {
        return &setting_rows[id];
}

SettingId setting_find(const char *section, const char *key) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (strcmp(setting_rows[id].section, section) == 0 && strcmp(setting_rows[id].key, key) == 0)
                        return id;

        return _SETTING_INVALID;
}

SettingId setting_find_per_container(const char *key) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (setting_rows[id].per_container && strcmp(setting_rows[id].key, key) == 0)
                        return id;

        return _SETTING_INVALID;
}

bool setting_section_exists(const char *section) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (strcmp(setting_rows[id].section, section) == 0)
                        return true;

        return false;
}

const char *setting_nearest_section(const char *section) {
        size_t best = SIZE_MAX, n_word = strcspn(section, " \t");
        char word[NEAREST_NAME_MAX + 1];
        const char *found = NULL;

        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (nearest_name_improves(section, setting_rows[id].section, &best))
                        found = setting_rows[id].section;

        /* Behind the word of a rule stands a name, which is near to nothing. */
        if (n_word < sizeof(word)) {
                memcpy(word, section, n_word);
                word[n_word] = '\0';
                if (nearest_name_improves(word, SETTING_RULE_WORD, &best))
                        found = SETTING_RULE_SECTION;
        }

        return found;
}

const char *setting_nearest_key(const char *section, const char *key, const char **ret_section) {
        const SettingInfo *found = NULL;
        size_t best = SIZE_MAX;

        for (int own = 1; own >= 0; own--)
                for (SettingId id = 0; id < _SETTING_MAX; id++)
                        if ((strcmp(setting_rows[id].section, section) == 0) == own &&
                                        nearest_name_improves(key, setting_rows[id].key, &best))
                                found = &setting_rows[id];

        if (!found)
                return NULL;
        if (ret_section)
                *ret_section = found->section;
        return found->key;
}
