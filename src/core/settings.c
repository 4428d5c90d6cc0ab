/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/time-span.h"
#include "core/endpoint.h"
#include "core/settings.h"

struct SettingsFile {
        SettingsFile *next;
        char name[];
};

/* One parsed value; which member holds it is told by the setting's type. */
typedef struct Value {
        usec_t span;
        unsigned number; /* a count, or the index of a choice */
        char *text;      /* owned */
} Value;

_Static_assert(sizeof(RemoveVolumes) == sizeof(unsigned), "a choice is stored as unsigned");

static usec_t *span_of(Settings *s, SettingId id) {
        return (usec_t *)(void *)((char *)s + setting_info(id)->offset);
}

static unsigned *number_of(Settings *s, SettingId id) {
        return (unsigned *)(void *)((char *)s + setting_info(id)->offset);
}

static char **text_of(Settings *s, SettingId id) {
        return (char **)(void *)((char *)s + setting_info(id)->offset);
}

static int parse_span(const SettingInfo *info, const char *text, Value *ret, const char **ret_what) {
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

static int parse_count(const SettingInfo *info, const char *text, Value *ret, const char **ret_what) {
        uint64_t n = 0;

        if (text[strspn(text, "0123456789")] != '\0') {
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

static int parse_choice(const SettingInfo *info, const char *text, Value *ret, const char **ret_what) {
        for (unsigned i = 0; info->choices[i]; i++)
                if (strcmp(info->choices[i], text) == 0) {
                        ret->number = i;
                        return 0;
                }

        *ret_what = "is not one of the choices";
        return -EINVAL;
}

/* The text is kept as it is: it was valid once and is what the user will look for. */
static int parse_endpoint(const char *text, Value *ret, const char **ret_what) {
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

static int parse_value(const SettingInfo *info, const char *text, Value *ret, const char **ret_what) {
        switch (info->type) {
        case SETTING_TYPE_SPAN:
                return parse_span(info, text, ret, ret_what);
        case SETTING_TYPE_COUNT:
                return parse_count(info, text, ret, ret_what);
        case SETTING_TYPE_CHOICE:
                return parse_choice(info, text, ret, ret_what);
        default:
                return parse_endpoint(text, ret, ret_what);
        }
}

/* Hands the value over to the Settings. */
static void store_value(Settings *s, SettingId id, Value *v) {
        switch (setting_info(id)->type) {
        case SETTING_TYPE_SPAN:
                *span_of(s, id) = v->span;
                break;
        case SETTING_TYPE_COUNT:
        case SETTING_TYPE_CHOICE:
                *number_of(s, id) = v->number;
                break;
        case SETTING_TYPE_ENDPOINT:
                free(*text_of(s, id));
                *text_of(s, id) = TAKE_PTR(v->text);
                break;
        }
}

/* The Settings' own copy of a file's name; files come one after the other, so the newest is looked at
 * first. */
static const char *add_file(Settings *s, const char *name) {
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

int settings_set(Settings *s, SettingId id, const char *text, const char *file, unsigned line,
                const char **ret_what) {
        const SettingInfo *info = setting_info(id);
        SettingOrigin origin = { .line = line, .is_default = text[0] == '\0' };
        const char *ignored;
        Value v = {};
        int r;

        if (origin.is_default && info->follows != _SETTING_INVALID)
                v.span = *span_of(s, info->follows);
        else {
                r = parse_value(info, origin.is_default ? info->default_text : text, &v,
                                ret_what ? ret_what : &ignored);
                if (r < 0)
                        return r;
        }

        if (file) {
                origin.file = add_file(s, file);
                if (!origin.file) {
                        free(v.text);
                        return -ENOMEM;
                }
        }

        store_value(s, id, &v);
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

char *settings_format(const Settings *s, SettingId id) {
        const SettingInfo *info = setting_info(id);
        const char *field = (const char *)s + info->offset;
        char buf[TIME_SPAN_TEXT_MAX];
        char *text;

        switch (info->type) {
        case SETTING_TYPE_SPAN:
                return strdup(time_span_format(buf, sizeof(buf), *(const usec_t *)(const void *)field, 1));
        case SETTING_TYPE_COUNT:
                return asprintf(&text, "%u", *(const unsigned *)(const void *)field) < 0 ? NULL : text;
        case SETTING_TYPE_CHOICE:
                return strdup(info->choices[*(const unsigned *)(const void *)field]);
        default:
                return strdup(*(char *const *)(const void *)field);
        }
}
