/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "core/glob.h"

/* Reads the class that begins at `p` ("[...") and tells whether it holds the byte. Returns what stands
 * behind it, or NULL if it is never closed; a `]` right at the beginning is one of the bytes. */
static const char *match_class(const char *p, unsigned char byte, bool *ret) {
        bool negated = p[1] == '!', found = false;
        const char *first = p + 1 + negated;

        for (p = first; *p && (*p != ']' || p == first); p++) {
                unsigned char low = (unsigned char)*p, high = low;

                if (p[1] == '-' && p[2] && p[2] != ']') {
                        p += 2;
                        high = (unsigned char)*p;
                }
                found = found || (low <= byte && byte <= high);
        }
        if (!*p)
                return NULL;

        *ret = found != negated;
        return p + 1;
}

/* Does the pattern's first element, which is no star, match the byte? *end is what stands behind the
 * element. Nothing behind `last_bracket` can close a class, so that nobody looks there for it again and
 * again. */
static bool match_one(const char *p, unsigned char byte, const char *last_bracket, const char **end) {
        bool matches;

        *end = p + 1;
        switch (*p) {
        case '?':
                return true;
        case '\\':
                if (p[1]) {
                        *end = p + 2;
                        return (unsigned char)p[1] == byte;
                }
                break;
        case '[':
                if (last_bracket && p < last_bracket) {
                        const char *behind = match_class(p, byte, &matches);

                        if (behind) {
                                *end = behind;
                                return matches;
                        }
                }
                break;
        default:
                break;
        }

        return (unsigned char)*p == byte;
}

bool glob_match(const char *pattern, const char *text) {
        const char *last_bracket = strrchr(pattern, ']'), *star = NULL, *star_text = NULL;

        /* If something does not match, only the last star can help, by taking one byte more: whatever an
         * earlier one could take, the last one can take too. */
        for (;;) {
                const char *end;

                if (*pattern == '*') {
                        star = ++pattern;
                        star_text = text;
                } else if (*text && *pattern &&
                                match_one(pattern, (unsigned char)*text, last_bracket, &end)) {
                        pattern = end;
                        text++;
                } else if (!*text && !*pattern)
                        return true;
                else if (!star || !*text)
                        return false;
                else {
                        pattern = star;
                        text = ++star_text;
                }
        }
}
