/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "base/utf8.h"

size_t utf8_read(const char *text, size_t size, uint32_t *ret) {
        const unsigned char *p = (const unsigned char *)text;
        uint32_t c, least;
        size_t n;

        if (size == 0)
                return 0;

        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        }

        if ((p[0] & 0xe0) == 0xc0) {
                n = 2;
                c = p[0] & 0x1fU;
                least = 0x80;
        } else if ((p[0] & 0xf0) == 0xe0) {
                n = 3;
                c = p[0] & 0x0fU;
                least = 0x800;
        } else if ((p[0] & 0xf8) == 0xf0) {
                n = 4;
                c = p[0] & 0x07U;
                least = 0x10000;
        } else
                return 0;

        if (size < n)
                return 0;

        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = (c << 6) | (p[i] & 0x3fU);
        }

        if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;

        *ret = c;
        return n;
}

bool utf8_is_valid(const char *text, size_t size) {
        uint32_t c;

        while (size > 0) {
                size_t n = utf8_read(text, size, &c);

                if (n == 0)
                        return false;
                text += n;
                size -= n;
        }

        return true;
}

bool utf8_is_printable(const char *text) {
        size_t size = strlen(text);
        uint32_t c;

        while (size > 0) {
                size_t n = utf8_read(text, size, &c);

                if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
                        return false;
                text += n;
                size -= n;
        }

        return true;
}

bool utf8_is_treacherous(uint32_t c) {
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}
