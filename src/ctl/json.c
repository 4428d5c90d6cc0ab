/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "ctl/json.h"
#include "ctl/terminal.h"

#define NUMBER_MAX 24

void json_done(JsonRows *j) {
        cJSON_Delete(j->array);
        *j = (JsonRows){ 0 };
}

/* Puts an item, which may be NULL for want of memory, into what is open. Returns false if it is not in. */
static bool put(JsonRows *j, const char *key, cJSON *item) {
        cJSON *parent = j->depth > 0 ? j->open[j->depth - 1] : j->array;
        bool in = false;

        if (item && !j->out_of_memory) {
                assert(cJSON_IsArray(parent) == !key);
                /* The key is not copied, so that it need not be freed: a literal. */
                in = key ? cJSON_AddItemToObjectCS(parent, key, item) : cJSON_AddItemToArray(parent, item);
        }
        if (!in) {
                cJSON_Delete(item);
                j->out_of_memory = true;
        }
        return in;
}

static void begin(JsonRows *j, const char *key, cJSON *item) {
        assert(j->depth < JSON_DEPTH_MAX);
        if (put(j, key, item))
                j->open[j->depth++] = item;
}

void json_row(JsonRows *j, const Node *node) {
        j->depth = 0;
        if (!j->array)
                j->array = cJSON_CreateArray();
        if (!j->array) {
                j->out_of_memory = true;
                return;
        }

        begin(j, NULL, cJSON_CreateObject());
        if (node && node->several)
                json_text(j, "node", node->name);
}

void json_text(JsonRows *j, const char *key, const char *text) {
        (void)put(j, key, text && text[0] ? cJSON_CreateString(text) : cJSON_CreateNull());
}

void json_u64(JsonRows *j, const char *key, uint64_t value) {
        char number[NUMBER_MAX];

        (void)snprintf(number, sizeof(number), "%" PRIu64, value);
        (void)put(j, key, value != UINT64_MAX ? cJSON_CreateRaw(number) : cJSON_CreateNull());
}

void json_i64(JsonRows *j, const char *key, int64_t value) {
        char number[NUMBER_MAX];

        (void)snprintf(number, sizeof(number), "%" PRIi64, value);
        (void)put(j, key, cJSON_CreateRaw(number));
}

void json_time(JsonRows *j, const char *key, usec_t realtime) {
        json_u64(j, key, realtime > 0 ? realtime : USEC_INFINITY);
}

void json_bool(JsonRows *j, const char *key, bool value) {
        (void)put(j, key, cJSON_CreateBool(value));
}

void json_null(JsonRows *j, const char *key) {
        (void)put(j, key, cJSON_CreateNull());
}

void json_begin_array(JsonRows *j, const char *key) {
        begin(j, key, cJSON_CreateArray());
}

void json_begin_object(JsonRows *j, const char *key) {
        begin(j, key, cJSON_CreateObject());
}

void json_end(JsonRows *j) {
        /* What could not be begun for want of memory is not ended either. */
        if (j->depth > 0)
                j->depth--;
}

/* cJSON's own printing lets DEL, C1 controls and bidirectional marks pass. */
static void print_text(const char *text, bool utf8) {
        size_t left = strlen(text);

        (void)putchar('"');
        while (left > 0) {
                uint32_t c;
                size_t n = utf8_read(text, left, &c);

                if (n == 0) {
                        c = 0xfffd;
                        n = 1;
                }
                if (c == '"' || c == '\\')
                        (void)printf("\\%c", (char)c);
                else if (utf8_is_treacherous(c) || c == 0xfffd || (c >= 0x80 && c < 0x10000 && !utf8))
                        (void)printf("\\u%04" PRIx32, c);
                else if (c >= 0x10000 && !utf8)
                        (void)printf("\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((c - 0x10000) >> 10),
                                        0xdc00 + ((c - 0x10000) & 0x3ff));
                else
                        (void)fwrite(text, 1, n, stdout);
                text += n;
                left -= n;
        }
        (void)putchar('"');
}

static void line_break(bool pretty, size_t depth) {
        if (pretty)
                (void)printf("\n%*s", (int)(2 * depth), "");
}

/* As deep as what was put together with begin(), so JSON_DEPTH_MAX at most. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void print_item(const cJSON *item, bool pretty, bool utf8, size_t depth) {
        const cJSON *child;
        bool object = cJSON_IsObject(item);

        if (cJSON_IsString(item)) {
                print_text(item->valuestring, utf8);
                return;
        }
        if (cJSON_IsRaw(item)) {
                (void)fputs(item->valuestring, stdout);
                return;
        }
        if (!object && !cJSON_IsArray(item)) {
                (void)fputs(cJSON_IsTrue(item) ? "true" : cJSON_IsFalse(item) ? "false" : "null", stdout);
                return;
        }

        (void)putchar(object ? '{' : '[');
        cJSON_ArrayForEach(child, item) {
                if (child != item->child)
                        (void)putchar(',');
                line_break(pretty, depth + 1);
                if (object) {
                        print_text(child->string, utf8);
                        (void)fputs(pretty ? ": " : ":", stdout);
                }
                print_item(child, pretty, utf8, depth + 1);
        }
        if (item->child)
                line_break(pretty, depth);
        (void)putchar(object ? '}' : ']');
}

int json_print(const JsonRows *j, JsonMode mode) {
        if (j->out_of_memory)
                return -ENOMEM;

        if (j->array)
                print_item(j->array, mode == JSON_PRETTY, terminal_is_utf8(), 0);
        else
                (void)fputs("[]", stdout);
        (void)putchar('\n');
        return 0;
}

int json_print_lines(JsonRows *j) {
        bool utf8 = terminal_is_utf8();
        const cJSON *row;

        if (j->out_of_memory)
                return -ENOMEM;

        cJSON_ArrayForEach(row, j->array) {
                print_item(row, false, utf8, 0);
                (void)putchar('\n');
        }
        json_done(j);
        return 0;
}
