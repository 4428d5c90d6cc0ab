/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_JSON_VALUE_H
#define REAPERD_ENGINE_JSON_VALUE_H

/*
 * What cJSON does not do as the engine's own decoder does it: keys that differ in case are different keys,
 * the last of a key given twice counts, a null or an empty string is a value that was not told, and
 * integers are exact.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cJSON cJSON;

/* Of an object, with all that it holds, so many values at most: each takes a hundred bytes, and a text
 * within its cap can have a million. A container whose owner means well has a few hundred. */
#define JSON_VALUES_MAX 100000

/* Parses one JSON object with nothing but white space around it. The text need not be NUL-terminated.
 * Returns 0; -EBADMSG; -EMSGSIZE if it has more than JSON_VALUES_MAX values; -ENOMEM. The caller gives
 * *ret to cJSON_Delete(). As in all of cJSON, a string ends at its first \u0000. */
int json_value_parse(const char *text, size_t size, cJSON **ret);

typedef enum JsonKind {
        JSON_STRING,
        JSON_BOOL,
        JSON_INT,
        JSON_OBJECT,
        JSON_ARRAY,
        JSON_ANY,
} JsonKind;

/* A field to read; made by the functions below, which tie the kind to the type of the variable. */
typedef struct JsonField {
        const char *key;
        JsonKind kind;
        bool required;
        void *ret;
        const cJSON *item; /* json_value_read()'s own */
} JsonField;

/* Each: *ret is written when json_value_read() returns 0, and only then. Missing, null or "" gives NULL,
 * false or 0. What is pointed to belongs to the tree. */
static inline JsonField json_string(const char *key, const char **ret) {
        return (JsonField){ .key = key, .kind = JSON_STRING, .ret = ret };
}
static inline JsonField json_bool(const char *key, bool *ret) {
        return (JsonField){ .key = key, .kind = JSON_BOOL, .ret = ret };
}
/* A whole number of at most 2^53 either way. */
static inline JsonField json_int(const char *key, int64_t *ret) {
        return (JsonField){ .key = key, .kind = JSON_INT, .ret = ret };
}
static inline JsonField json_object(const char *key, const cJSON **ret) {
        return (JsonField){ .key = key, .kind = JSON_OBJECT, .ret = ret };
}
static inline JsonField json_array(const char *key, const cJSON **ret) {
        return (JsonField){ .key = key, .kind = JSON_ARRAY, .ret = ret };
}
/* A value of any kind. */
static inline JsonField json_any(const char *key, const cJSON **ret) {
        return (JsonField){ .key = key, .kind = JSON_ANY, .ret = ret };
}

/* The same field, but missing, null or "" is an error. */
static inline JsonField json_required(JsonField field) {
        field.required = true;
        return field;
}

/* Reads some fields of an object (NULL: an empty one) in one pass; others are ignored. Returns 0, or
 * -EBADMSG if a field has the wrong type or a required one is missing; then nothing was written. */
int json_value_read(const cJSON *object, JsonField *fields, size_t n_fields);

/* The integer in the text that `item`, a member of the tree's outermost object, was parsed from; exact,
 * as cJSON's doubles are not. Returns 0, or -EBADMSG if it is not written as an integer without sign, or
 * does not fit. */
int json_value_int64(const char *text, size_t size, const cJSON *tree, const cJSON *item, int64_t *ret);

#endif
