/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/time-span.h"
#include "core/endpoint.h"
#include "core/setting-value.h"
#include "core/settings.h"

_Static_assert(sizeof(RemoveVolumes) == sizeof(unsigned), "a choice is stored as unsigned");

static int parse_span(const SettingInfo *info, const char *text, SettingValue *ret, const char **ret_what) {
        usec_t span;
        int r;

        r = time_span_parse(text, &span);
        if (r == -EINVAL) {
                *ret_what = "is not a time span";
                return r;
        }
        if (r == -ERANGE || span < info->min || span > info->max) {
                *ret_what = "is out of range";
                return -ERANGE;
        }

        ret->span = span;
        return 0;
}

static int parse_count(const SettingInfo *info, const char *text, SettingValue *ret, const char **ret_what) {
        uint64_t n = 0;

        if (info->or_infinity && strcmp(text, "infinity") == 0) {
                ret->number = COUNT_INFINITY;
                return 0;
        }

        if (*text == '\0' || text[strspn(text, "0123456789")] != '\0') {
                *ret_what = "is not a whole number";
                return -EINVAL;
        }

        /* One digit behind the maximum is enough to know: what follows can only make it larger. */
        for (; *text && n <= info->max; text++)
                n = n * 10 + (uint64_t)(*text - '0');

        if (n < info->min || n > info->max) {
                *ret_what = "is out of range";
                return -ERANGE;
        }

        ret->number = (unsigned)n;
        return 0;
}

static int parse_choice(
                const SettingInfo *info, const char *text, SettingValue *ret, const char **ret_what) {
        for (unsigned i = 0; info->choices[i]; i++)
                if (strcmp(info->choices[i], text) == 0) {
                        ret->number = i;
                        return 0;
                }

        *ret_what = "is not one of the choices";
        return -EINVAL;
}

static int parse_boolean(const char *text, SettingValue *ret, const char **ret_what) {
        if (text_parse_boolean(text, &ret->boolean) < 0) {
                *ret_what = "is not a boolean";
                return -EINVAL;
        }

        return 0;
}

/* The text is kept as it is: it was valid once and is what the user will look for. */
static int parse_endpoint(const char *text, SettingValue *ret, const char **ret_what) {
        Endpoint ignored;
        int r;

        /* In a file this would be a comment: --print-config could not write it. */
        if (strstr(text, " ;")) {
                *ret_what = "has a semicolon behind a space, which begins a comment in a file";
                return -EINVAL;
        }

        r = endpoint_parse(text, &ignored, ret_what);
        if (r < 0)
                return r;

        ret->text = strdup(text);
        return ret->text ? 0 : -ENOMEM;
}

int setting_value_parse(
                const SettingInfo *info, const char *text, SettingValue *ret, const char **ret_what) {
        switch (info->type) {
        case SETTING_TYPE_SPAN:
                return parse_span(info, text, ret, ret_what);
        case SETTING_TYPE_COUNT:
                return parse_count(info, text, ret, ret_what);
        case SETTING_TYPE_CHOICE:
                return parse_choice(info, text, ret, ret_what);
        case SETTING_TYPE_BOOLEAN:
                return parse_boolean(text, ret, ret_what);
        default:
                return parse_endpoint(text, ret, ret_what);
        }
}

void setting_value_store(const SettingInfo *info, void *field, SettingValue *v) {
        switch (info->type) {
        case SETTING_TYPE_SPAN:
                *(usec_t *)field = v->span;
                break;
        case SETTING_TYPE_COUNT:
        case SETTING_TYPE_CHOICE:
                *(unsigned *)field = v->number;
                break;
        case SETTING_TYPE_BOOLEAN:
                *(bool *)field = v->boolean;
                break;
        case SETTING_TYPE_ENDPOINT:
                free(*(char **)field);
                *(char **)field = TAKE_PTR(v->text);
                break;
        }
}

static char *format_count(unsigned n) {
        char *text;

        if (n == COUNT_INFINITY)
                return strdup("infinity");
        return asprintf(&text, "%u", n) < 0 ? NULL : text;
}

char *setting_value_format(const SettingInfo *info, const void *field) {
        char buf[TIME_SPAN_TEXT_MAX];

        switch (info->type) {
        case SETTING_TYPE_SPAN:
                return strdup(time_span_format(buf, sizeof(buf), *(const usec_t *)field, 1));
        case SETTING_TYPE_COUNT:
                return format_count(*(const unsigned *)field);
        case SETTING_TYPE_CHOICE:
                return strdup(info->choices[*(const unsigned *)field]);
        case SETTING_TYPE_BOOLEAN:
                return strdup(*(const bool *)field ? "yes" : "no");
        default:
                return strdup(*(char *const *)field);
        }
}
