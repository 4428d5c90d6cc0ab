/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/share.h"

#define DIGITS "0123456789"
#define POINT  (SHARE_ALL / 100) /* one percent */

int share_parse(const char *text, unsigned *ret) {
        size_t n_whole = strspn(text, DIGITS), n_decimals = 0;
        const char *decimals = text + n_whole;
        unsigned share = 0;

        if (n_whole == 0)
                return -EINVAL;

        if (*decimals == '.') {
                decimals++;
                n_decimals = strspn(decimals, DIGITS);
                if (n_decimals == 0 || n_decimals > 2)
                        return -EINVAL;
        }
        if (strcmp(decimals + n_decimals, "%") != 0)
                return -EINVAL;

        /* What is too large stays so. */
        for (size_t i = 0; i < n_whole; i++)
                if (share <= SHARE_ALL)
                        share = share * 10 + (unsigned)(text[i] - '0') * POINT;
        if (n_decimals > 0)
                share += (unsigned)(decimals[0] - '0') * (POINT / 10);
        if (n_decimals > 1)
                share += (unsigned)(decimals[1] - '0');
        if (share > SHARE_ALL)
                return -ERANGE;

        *ret = share;
        return 0;
}

char *share_format(char *buf, unsigned share) {
        unsigned whole = share / POINT, rest = share % POINT;

        if (share == SHARE_OFF)
                (void)snprintf(buf, SHARE_TEXT_MAX, "off");
        else if (rest == 0)
                (void)snprintf(buf, SHARE_TEXT_MAX, "%u%%", whole);
        else if (rest % 10 == 0)
                (void)snprintf(buf, SHARE_TEXT_MAX, "%u.%u%%", whole, rest / 10);
        else
                (void)snprintf(buf, SHARE_TEXT_MAX, "%u.%02u%%", whole, rest);
        return buf;
}

unsigned share_of(uint64_t part, uint64_t whole) {
        if (whole == 0)
                return SHARE_OFF;
        if (part >= whole)
                return SHARE_ALL;

        return (unsigned)((unsigned __int128)part * SHARE_ALL / whole);
}

uint64_t share_part(uint64_t whole, unsigned share) {
        return (uint64_t)((unsigned __int128)whole * share / SHARE_ALL);
}
