/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/share.h"
#include "base/size.h"
#include "base/text.h"
#include "base/time-span.h"
#include "base/utf8.h"
#include "core/endpoint.h"
#include "core/setting-value.h"

_Static_assert(sizeof(RemoveVolumes) == sizeof(unsigned) && sizeof(ReliefOrder) == sizeof(unsigned),
                "a choice is stored as unsigned");

#define WHITE_SPACE " \t\n\r"

#define NO_STALL "is neither some nor full with two spans, nor off"

/* What the kernel accepts as the window of a trigger. */
#define STALL_WINDOW_MIN (500 * USEC_PER_MSEC)
#define STALL_WINDOW_MAX (10 * USEC_PER_SEC)

/* What reading a value gave (0, -EINVAL or -ERANGE) and the range of the setting. */
static int check_number(
                const SettingInfo *info, int r, uint64_t value, const char *is_none, const char **ret_what) {
        if (r == -EINVAL) {
                *ret_what = is_none;
                return r;
        }
        if (r == -ERANGE || value < info->min || value > info->max) {
                *ret_what = "is out of range";
                return -ERANGE;
        }

        return 0;
}

static int parse_span(const SettingInfo *info, const char *text, SettingValue *ret, const char **ret_what) {
        usec_t span = 0;
        int r;

        r = time_span_parse(text, &span);
        r = check_number(info, r, span, "is not a time span", ret_what);
        if (r < 0)
                return r;

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

static int parse_share(const SettingInfo *info, const char *text, SettingValue *ret, const char **ret_what) {
        unsigned share = 0;
        int r;

        if (info->or_off && strcmp(text, "off") == 0) {
                ret->number = SHARE_OFF;
                return 0;
        }

        r = share_parse(text, &share);
        r = check_number(info, r, share, "is not a percentage with at most two digits behind the point",
                        ret_what);
        if (r < 0)
                return r;

        ret->number = share;
        return 0;
}

static int parse_size(const SettingInfo *info, const char *text, SettingValue *ret, const char **ret_what) {
        uint64_t size = 0;
        int r;

        r = size_parse(text, &size);
        r = check_number(info, r, size, "is not a size", ret_what);
        if (r < 0)
                return r;

        ret->size = size;
        return 0;
}

/* "200ms/2s". */
static int read_stall_spans(const char *text, Stall *stall, const char **ret_what) {
        const char *slash = strchr(text, '/');
        _cleanup_free_ char *threshold = NULL;
        int r, q;

        threshold = strndup(text, strcspn(text, "/"));
        if (!threshold)
                return -ENOMEM;

        r = time_span_parse(threshold, &stall->threshold);
        q = slash ? time_span_parse(slash + 1, &stall->window) : -EINVAL;
        /* A span by itself may have white space. */
        if (r == -EINVAL || q == -EINVAL || text[strcspn(text, WHITE_SPACE)] != '\0') {
                *ret_what = NO_STALL;
                return -EINVAL;
        }

        if (q < 0 || stall->window < STALL_WINDOW_MIN || stall->window > STALL_WINDOW_MAX) {
                *ret_what = "has a window that is out of range";
                return -ERANGE;
        }
        if (r < 0 || stall->threshold == 0 || stall->threshold > stall->window) {
                *ret_what = "has a threshold that is not above 0 and up to the window";
                return -ERANGE;
        }

        return 0;
}

static int parse_stall(const char *text, SettingValue *ret, const char **ret_what) {
        size_t n = strcspn(text, WHITE_SPACE);
        bool some = n == 4 && memcmp(text, "some", n) == 0, full = n == 4 && memcmp(text, "full", n) == 0;
        Stall stall = { .on = true, .full = full };
        int r;

        if (strcmp(text, "off") == 0) {
                ret->stall = (Stall){};
                return 0;
        }
        if (!some && !full) {
                *ret_what = NO_STALL;
                return -EINVAL;
        }

        r = read_stall_spans(text + n + strspn(text + n, WHITE_SPACE), &stall, ret_what);
        if (r < 0)
                return r;

        ret->stall = stall;
        return 0;
}

/* In a file this would be a comment: --print-config could not write it. */
static int refuse_comment(const char *text, const char **ret_what) {
        if (!strstr(text, " ;"))
                return 0;

        *ret_what = "has a semicolon behind a space, which begins a comment in a file";
        return -EINVAL;
}

static int parse_path(const SettingInfo *info, const char *text, SettingValue *ret, const char **ret_what) {
        size_t n = strlen(text);
        int r;

        if (info->or_off && strcmp(text, "off") == 0) {
                ret->text = NULL;
                return 0;
        }

        r = refuse_comment(text, ret_what);
        if (r < 0)
                return r;

        r = -EINVAL;
        if (text[0] != '/')
                *ret_what = "is not an absolute path";
        else if (n >= PATH_MAX)
                *ret_what = "is too long for a path";
        else if (text[n - 1] == '/')
                *ret_what = "names a directory, not a file";
        else if (text[n - 1] == ' ')
                *ret_what = "ends with a space";
        else if (!utf8_is_printable(text))
                *ret_what = "has unprintable characters";
        else {
                ret->text = strdup(text);
                r = ret->text ? 0 : -ENOMEM;
        }

        return r;
}

/* The text is kept as it is: it was valid once and is what the user will look for. */
static int parse_endpoint(const char *text, SettingValue *ret, const char **ret_what) {
        Endpoint ignored;
        int r;

        r = refuse_comment(text, ret_what);
        if (r < 0)
                return r;

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
        case SETTING_TYPE_SHARE:
                return parse_share(info, text, ret, ret_what);
        case SETTING_TYPE_SIZE:
                return parse_size(info, text, ret, ret_what);
        case SETTING_TYPE_STALL:
                return parse_stall(text, ret, ret_what);
        case SETTING_TYPE_PATH:
                return parse_path(info, text, ret, ret_what);
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
        case SETTING_TYPE_SHARE:
                *(unsigned *)field = v->number;
                break;
        case SETTING_TYPE_SIZE:
                *(uint64_t *)field = v->size;
                break;
        case SETTING_TYPE_STALL:
                *(Stall *)field = v->stall;
                break;
        case SETTING_TYPE_BOOLEAN:
                *(bool *)field = v->boolean;
                break;
        case SETTING_TYPE_ENDPOINT:
        case SETTING_TYPE_PATH:
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

/* One that cannot be turned off by itself is off only as it follows one that is: it then has no text. */
static char *format_share(const SettingInfo *info, unsigned share) {
        char buf[SHARE_TEXT_MAX];

        return strdup(share == SHARE_OFF && !info->or_off ? "" : share_format(buf, share));
}

/* In one unit: its spans have no white space. */
static const char *format_span_in_one(char *buf, size_t size, usec_t span) {
        if (span % USEC_PER_SEC == 0)
                (void)snprintf(buf, size, "%" PRIu64 "s", span / USEC_PER_SEC);
        else if (span % USEC_PER_MSEC == 0)
                (void)snprintf(buf, size, "%" PRIu64 "ms", span / USEC_PER_MSEC);
        else
                (void)snprintf(buf, size, "%" PRIu64 "us", span);
        return buf;
}

static char *format_stall(const Stall *stall) {
        char threshold[TIME_SPAN_TEXT_MAX], window[TIME_SPAN_TEXT_MAX], *text;

        if (!stall->on)
                return strdup("off");

        return asprintf(&text, "%s %s/%s", stall->full ? "full" : "some",
                               format_span_in_one(threshold, sizeof(threshold), stall->threshold),
                               format_span_in_one(window, sizeof(window), stall->window)) < 0
                               ? NULL
                               : text;
}

char *setting_value_format(const SettingInfo *info, const void *field) {
        char buf[TIME_SPAN_TEXT_MAX], size[SIZE_TEXT_MAX];

        switch (info->type) {
        case SETTING_TYPE_SPAN:
                return strdup(time_span_format(buf, sizeof(buf), *(const usec_t *)field, 1));
        case SETTING_TYPE_COUNT:
                return format_count(*(const unsigned *)field);
        case SETTING_TYPE_CHOICE:
                return strdup(info->choices[*(const unsigned *)field]);
        case SETTING_TYPE_BOOLEAN:
                return strdup(*(const bool *)field ? "yes" : "no");
        case SETTING_TYPE_SHARE:
                return format_share(info, *(const unsigned *)field);
        case SETTING_TYPE_SIZE:
                return strdup(size_format(size, *(const uint64_t *)field));
        case SETTING_TYPE_STALL:
                return format_stall(field);
        default:
                return strdup(*(char *const *)field ? *(char *const *)field : "off");
        }
}
