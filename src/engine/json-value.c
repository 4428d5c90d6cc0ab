/* SPDX-License-Identifier: Apache-2.0 */

#include "engine/json-value.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a double holds exactly. */
#define DOUBLE_INT_MAX 9007199254740992.0

/* cJSON tells nothing but "failed"; only its allocator knows whether memory was what failed. */
static bool out_of_memory;

static void *allocate(size_t size) {
        void *p = malloc(size);

        if (!p)
                out_of_memory = true;
        return p;
}

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Each value but the first stands behind a comma, or is the first of what opens there. */
static bool has_too_many_values(const char *text, const char *end) {
        size_t n = 0;
        bool quoted = false;

        for (; text < end; text++) {
                if (*text == '"')
                        quoted = !quoted;
                else if (quoted)
                        text += *text == '\\';
                else if (*text == ',' || *text == '[' || *text == '{')
                        n++;
        }
        return n > JSON_VALUES_MAX;
}

int json_value_parse(const char *text, size_t size, cJSON **ret) {
        cJSON_Hooks hooks = { .malloc_fn = allocate, .free_fn = free };
        const char *end = text + size, *parsed = NULL;
        cJSON *tree;

        while (text < end && is_space(*text))
                text++;
        while (text < end && is_space(end[-1]))
                end--;

        /* The last brace is more than a quick answer: cJSON before 1.7.18 reads beyond the end of a text
         * that is cut behind a comma (CVE-2023-53154). And behind a NUL the strings of the tree would end
         * early. */
        if (text == end || *text != '{' || end[-1] != '}' || memchr(text, '\0', (size_t)(end - text)))
                return -EBADMSG;
        if (has_too_many_values(text, end))
                return -EMSGSIZE;

        cJSON_InitHooks(&hooks);
        out_of_memory = false;
        tree = cJSON_ParseWithLengthOpts(text, (size_t)(end - text), &parsed, false);
        if (!tree)
                return out_of_memory ? -ENOMEM : -EBADMSG;
        if (parsed != end) {
                cJSON_Delete(tree);
                return -EBADMSG;
        }

        *ret = tree;
        return 0;
}

/* Go leaves an empty string out or writes it, as the field's declaration says; both mean the same. */
static bool is_told(const cJSON *item, JsonKind kind) {
        const char *text = cJSON_GetStringValue(item);

        if (kind == JSON_STRING && text)
                return *text != '\0';
        return !cJSON_IsNull(item);
}

static bool is_whole(double value) {
        /* The range first: the conversion of a number that does not fit is undefined. */
        if (value < -DOUBLE_INT_MAX || value > DOUBLE_INT_MAX)
                return false;
        return value - (double)(int64_t)value == 0.0;
}

static bool is_kind(const cJSON *item, JsonKind kind) {
        switch (kind) {
        case JSON_STRING:
                return cJSON_IsString(item);
        case JSON_BOOL:
                return cJSON_IsBool(item);
        case JSON_INT:
                return cJSON_IsNumber(item) && is_whole(item->valuedouble);
        case JSON_OBJECT:
                return cJSON_IsObject(item);
        case JSON_ARRAY:
                return cJSON_IsArray(item);
        case JSON_ANY:
                return true;
        }
        return false;
}

static void write_value(const JsonField *field) {
        const cJSON *item = field->item;

        switch (field->kind) {
        case JSON_STRING:
                *(const char **)field->ret = item ? item->valuestring : NULL;
                break;
        case JSON_BOOL:
                *(bool *)field->ret = cJSON_IsTrue(item);
                break;
        case JSON_INT:
                *(int64_t *)field->ret = item ? (int64_t)item->valuedouble : 0;
                break;
        case JSON_OBJECT:
        case JSON_ARRAY:
        case JSON_ANY:
                *(const cJSON **)field->ret = item;
                break;
        }
}

int json_value_read(const cJSON *object, JsonField *fields, size_t n_fields) {
        const cJSON *item;

        for (size_t i = 0; i < n_fields; i++)
                fields[i].item = NULL;

        cJSON_ArrayForEach(item, object)
                for (size_t i = 0; i < n_fields; i++)
                        if (strcmp(item->string, fields[i].key) == 0)
                                fields[i].item = item;

        for (size_t i = 0; i < n_fields; i++) {
                JsonField *field = fields + i;

                if (!is_told(field->item, field->kind))
                        field->item = NULL;
                if (field->item ? !is_kind(field->item, field->kind) : field->required)
                        return -EBADMSG;
        }

        for (size_t i = 0; i < n_fields; i++)
                write_value(fields + i);
        return 0;
}

/* Returns what lies behind the string that begins at p. */
static const char *skip_string(const char *p, const char *end) {
        const char *quote;

        p++;
        while (p < end && (quote = memchr(p, '"', (size_t)(end - p)))) {
                const char *q = quote;

                /* An odd number of backslashes before it make it a part of the string. The quote that
                 * opens the string ends their row. */
                while (q[-1] == '\\')
                        q--;
                p = quote + 1;
                if ((quote - q) % 2 == 0)
                        return p;
        }
        return end;
}

static const char *skip_space(const char *p, const char *end) {
        /* As lax as cJSON, which has accepted the text. */
        while (p < end && (unsigned char)*p <= ' ')
                p++;
        return p;
}

/* Finds the value of the n-th member of the object that the text holds. Counting members instead of
 * comparing keys makes the tree the only judge of which key is meant, escapes and duplicates included. */
static const char *find_value(const char *text, const char *end, size_t n) {
        const char *p = text;
        size_t depth = 0;

        while (p < end && (depth != 1 || n > 0)) {
                if (*p == '"') {
                        p = skip_string(p, end);
                        continue;
                }
                if (*p == '{' || *p == '[')
                        depth++;
                else if (*p == '}' || *p == ']')
                        depth--;
                else if (*p == ',' && depth == 1)
                        n--;
                p++;
        }

        p = skip_string(skip_space(p, end), end);
        p = skip_space(p, end);
        return p < end ? skip_space(p + 1, end) : end;
}

int json_value_int64(const char *text, size_t size, const cJSON *tree, const cJSON *item, int64_t *ret) {
        const char *end = text + size, *p, *digits;
        int64_t value = 0;
        size_t n = 0;

        for (const cJSON *i = tree->child; i != item; i = i->next)
                n++;

        digits = find_value(text, end, n);
        for (p = digits; p < end && *p >= '0' && *p <= '9'; p++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                                __builtin_add_overflow(value, *p - '0', &value))
                        return -EBADMSG;
        if (p == digits || (p < end && strchr(".eE", *p)))
                return -EBADMSG;

        *ret = value;
        return 0;
}
