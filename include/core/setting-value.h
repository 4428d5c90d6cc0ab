/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_SETTING_VALUE_H
#define REAPERD_CORE_SETTING_VALUE_H

/*
 * One value of a setting: from text, into the field where it belongs, and back. Sections and rules share
 * this, so that a key takes the same values in both.
 */

#include "base/usec.h"
#include "core/settings.h"

/* Which member holds it is told by the setting's type. */
typedef struct SettingValue {
        usec_t span;
        unsigned number; /* a count, the index of a choice, or a share */
        uint64_t size;
        Stall stall;
        bool boolean;
        char *text; /* owned, until it is stored */
} SettingValue;

/* Reads a value, which is not empty and has no white space around it. Returns 0; -EINVAL or -ERANGE with
 * *ret_what as settings_set() tells; -ENOMEM. */
int setting_value_parse(const SettingInfo *info, const char *text, SettingValue *ret, const char **ret_what);

/* Hands the value over to its field: that at info->offset of a Settings, or its like in a rule. */
void setting_value_store(const SettingInfo *info, void *field, SettingValue *v);

/* The field's value as text that setting_value_parse() reads back to the same. Returns a new string, NULL
 * if out of memory. */
char *setting_value_format(const SettingInfo *info, const void *field);

#endif
