/* SPDX-License-Identifier: Apache-2.0 */

#include <stdbool.h>
#include <string.h>

#include "core/shared-text.h"

SharedText *shared_text_ref(SharedText **table, const char *text) {
        size_t length = strnlen(text, TEXT_SIZE_MAX);
        bool oom = false;
        SharedText *t;

        HASH_FIND(hh, *table, text, length, t);
        if (t) {
                t->references++;
                return t;
        }

        t = calloc(1, sizeof(*t) + length + 1);
        if (!t)
                return NULL;
        memcpy(t->text, text, length);
        t->references = 1;
        HASH_ADD_KEYPTR(hh, *table, t->text, length, t);
        if (oom) {
                free(t);
                return NULL;
        }
        return t;
}

void shared_text_unref(SharedText **table, SharedText *t) {
        if (t && --t->references == 0) {
                HASH_DELETE(hh, *table, t);
                free(t);
        }
}
