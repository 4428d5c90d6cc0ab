/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"

#define DIGITS "0123456789"

/* Each is 1024 times the one before, from bytes on. */
static const char letters[] = "BKMGTPE";

#define N_LETTERS (sizeof(letters) - 1)

/* More decimals than this are below a byte even for the largest unit, and 10 to this power fits. */
#define DECIMALS_MAX 19

static unsigned __int128 unit_of(size_t letter) {
        return (unsigned __int128)1 << (10 * letter);
}

/* The letter that ends the text, as an index; N_LETTERS if something else does. */
static size_t read_letter(const char *text) {
        const char *letter;

        if (*text == '\0')
                return 0;

        letter = strchr(letters, *text);
        if (!letter || (text[1] != '\0' && (*text == 'B' || text[1] != 'B' || text[2] != '\0')))
                return N_LETTERS;

        return (size_t)(letter - letters);
}

int size_parse(const char *text, uint64_t *ret) {
        size_t n_whole = strspn(text, DIGITS), n_decimals = 0, letter;
        uint64_t decimals = 0, power = 1;
        unsigned __int128 whole = 0;

        /* What is too large stays so: a unit can only make it larger, and it still fits then. */
        for (size_t i = 0; i < n_whole; i++)
                if (whole <= UINT64_MAX)
                        whole = whole * 10 + (unsigned)(text[i] - '0');
        text += n_whole;

        if (n_whole == 0)
                return -EINVAL;

        if (*text == '.') {
                text++;
                n_decimals = strspn(text, DIGITS);
                if (n_decimals == 0)
                        return -EINVAL;

                for (size_t i = 0; i < n_decimals && i < DECIMALS_MAX; i++) {
                        decimals = decimals * 10 + (uint64_t)(text[i] - '0');
                        power *= 10;
                }
                text += n_decimals;
        }

        letter = read_letter(text);
        if (letter == N_LETTERS)
                return -EINVAL;

        whole = whole * unit_of(letter) + unit_of(letter) * decimals / power;
        if (whole > UINT64_MAX)
                return -ERANGE;

        *ret = (uint64_t)whole;
        return 0;
}

char *size_format(char *buf, uint64_t bytes) {
        size_t letter = 0;

        while (bytes > 0 && bytes % 1024 == 0 && letter < N_LETTERS - 1) {
                bytes /= 1024;
                letter++;
        }

        (void)snprintf(buf, SIZE_TEXT_MAX, "%" PRIu64 "%.*s", bytes, letter > 0, letters + letter);
        return buf;
}

/* In the smallest unit from `letter` on, with a number below 1024 (as rounded) in front of it. */
static void format_from(char *buf, const char *sign, uint64_t bytes, size_t letter) {
        unsigned __int128 tenths;

        if (letter == 0 && bytes < 1024) {
                (void)snprintf(buf, SIZE_TEXT_MAX, "%s%" PRIu64 "B", sign, bytes);
                return;
        }

        for (letter = letter > 0 ? letter : 1;; letter++) {
                tenths = ((unsigned __int128)bytes * 10 + unit_of(letter) / 2) / unit_of(letter);
                if (tenths < 10 * 1024 || letter == N_LETTERS - 1)
                        break;
        }

        (void)snprintf(buf, SIZE_TEXT_MAX, "%s%u.%u%c", sign, (unsigned)tenths / 10, (unsigned)tenths % 10,
                        letters[letter]);
}

char *size_format_short(char *buf, uint64_t bytes) {
        format_from(buf, "", bytes, 0);
        return buf;
}

char *size_format_change(char *buf, int64_t bytes) {
        uint64_t n = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;

        /* Changes of several figures stand side by side, most of them in M. */
        format_from(buf, bytes < 0 ? "-" : bytes > 0 ? "+" : "", n, n > unit_of(2) / 10 ? 2 : 0);
        return buf;
}
