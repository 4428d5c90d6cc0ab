/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

int text_append(char **text, const char *format, ...) {
        _cleanup_free_ char *piece = NULL;
        size_t n_text, n_piece;
        char *longer;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&piece, format, ap);
        va_end(ap);
        if (r < 0) {
                piece = NULL;
                return -ENOMEM;
        }

        n_piece = (size_t)r;
        n_text = *text ? strlen(*text) : 0;
        longer = realloc(*text, n_text + n_piece + 1);
        if (!longer)
                return -ENOMEM;

        memcpy(longer + n_text, piece, n_piece + 1);
        *text = longer;
        return 0;
}

int text_parse_boolean(const char *text, bool *ret) {
        static const char *const words[][2] = {
                { "no", "yes" },
                { "false", "true" },
                { "off", "on" },
                { "0", "1" },
        };

        for (size_t i = 0; i < ELEMENTS_OF(words); i++)
                for (size_t value = 0; value < 2; value++)
                        if (strcasecmp(text, words[i][value]) == 0) {
                                *ret = value == 1;
                                return 0;
                        }

        return -EINVAL;
}
