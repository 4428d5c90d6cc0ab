/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "node/kernel-text.h"

#define WHITE_SPACE " \t"

int kernel_text_take_number(const char **p, uint64_t *ret) {
        uint64_t value = 0;

        if (**p < '0' || **p > '9')
                return -EBADMSG;

        for (; **p >= '0' && **p <= '9'; (*p)++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                                __builtin_add_overflow(value, (uint64_t)(**p - '0'), &value))
                        return -EBADMSG;

        *ret = value;
        return 0;
}

const char *kernel_text_find(const char *text, const char *key) {
        size_t n = strlen(key);

        for (;;) {
                if (strncmp(text, key, n) == 0 && strspn(text + n, WHITE_SPACE) > 0)
                        return text + n + strspn(text + n, WHITE_SPACE);

                text = strchr(text, '\n');
                if (!text)
                        return NULL;
                text++;
        }
}

static int read_line(const char *text, const char *key, const char *unit, uint64_t factor, uint64_t *ret) {
        const char *p = kernel_text_find(text, key);
        uint64_t value;
        int r;

        if (!p)
                return -ENOENT;

        r = kernel_text_take_number(&p, &value);
        if (r < 0)
                return r;

        if (strncmp(p, unit, strlen(unit)) != 0)
                return -EBADMSG;
        p += strlen(unit);
        if (*p != '\n' && *p != '\0')
                return -EBADMSG;

        if (__builtin_mul_overflow(value, factor, &value))
                return -EBADMSG;

        *ret = value;
        return 0;
}

int kernel_text_read(const char *text, const char *key, uint64_t *ret) {
        return read_line(text, key, "", 1, ret);
}

int kernel_text_read_kilobytes(const char *text, const char *key, uint64_t *ret) {
        return read_line(text, key, " kB", 1024, ret);
}
