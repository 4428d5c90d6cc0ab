/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/time-span.h"

#define WHITE_SPACE " \t\n\r"
#define DIGITS      "0123456789"

#define USEC_PER_WEEK  (7 * USEC_PER_DAY)
#define USEC_PER_YEAR  (USEC_PER_DAY * 1461 / 4)
#define USEC_PER_MONTH (USEC_PER_YEAR / 12)

/* More decimals than this are below a microsecond even for a year, and 10 to this power times a year fits
 * well into 128 bits. */
#define DECIMALS_MAX 18

static const struct {
        const char *name;
        usec_t usec;
} units[] = {
        { "usec", 1 },
        { "us", 1 },
        { "\xc2\xb5s", 1 }, /* U+00B5, the micro sign */
        { "\xce\xbcs", 1 }, /* U+03BC, the Greek letter */
        { "msec", USEC_PER_MSEC },
        { "ms", USEC_PER_MSEC },
        { "seconds", USEC_PER_SEC },
        { "second", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "s", USEC_PER_SEC },
        { "minutes", USEC_PER_MINUTE },
        { "minute", USEC_PER_MINUTE },
        { "min", USEC_PER_MINUTE },
        { "m", USEC_PER_MINUTE },
        { "hours", USEC_PER_HOUR },
        { "hour", USEC_PER_HOUR },
        { "hr", USEC_PER_HOUR },
        { "h", USEC_PER_HOUR },
        { "days", USEC_PER_DAY },
        { "day", USEC_PER_DAY },
        { "d", USEC_PER_DAY },
        { "weeks", USEC_PER_WEEK },
        { "week", USEC_PER_WEEK },
        { "w", USEC_PER_WEEK },
        { "months", USEC_PER_MONTH },
        { "month", USEC_PER_MONTH },
        { "M", USEC_PER_MONTH },
        { "years", USEC_PER_YEAR },
        { "year", USEC_PER_YEAR },
        { "y", USEC_PER_YEAR },
};

/* Takes the unit at *p, or stays where a number without unit ends; 0 if the word there is no unit. */
static usec_t take_unit(const char **p) {
        size_t n = strcspn(*p, WHITE_SPACE DIGITS ".+-");

        if (n == 0)
                return USEC_PER_SEC;

        for (size_t i = 0; i < ELEMENTS_OF(units); i++)
                if (strlen(units[i].name) == n && memcmp(units[i].name, *p, n) == 0) {
                        *p += n;
                        return units[i].usec;
                }

        return 0;
}

/* Takes one number with its unit. What does not fit becomes USEC_INFINITY. */
static int take_part(const char **p, usec_t *ret) {
        size_t n_whole = strspn(*p, DIGITS), n_decimals = 0;
        uint64_t decimals = 0, power = 1;
        usec_t whole = 0, unit;

        for (size_t i = 0; i < n_whole; i++, (*p)++)
                whole = usec_add(usec_mul(whole, 10), (usec_t)(**p - '0'));

        if (**p == '.') {
                (*p)++;
                n_decimals = strspn(*p, DIGITS);
                if (n_decimals == 0)
                        return -EINVAL;

                for (size_t i = 0; i < n_decimals; i++, (*p)++)
                        if (i < DECIMALS_MAX) {
                                decimals = decimals * 10 + (uint64_t)(**p - '0');
                                power *= 10;
                        }

                /* "1.2.3" is not 1.2 and then .3. */
                if (**p == '.')
                        return -EINVAL;
        } else if (n_whole == 0)
                return -EINVAL;

        *p += strspn(*p, WHITE_SPACE);
        unit = take_unit(p);
        if (unit == 0)
                return -EINVAL;

        *ret = usec_add(usec_mul(whole, unit), (usec_t)((unsigned __int128)unit * decimals / power));
        return 0;
}

int time_span_parse(const char *text, usec_t *ret) {
        const char *p = text + strspn(text, WHITE_SPACE);
        bool negative = false;
        usec_t sum = 0;

        if (strncmp(p, "infinity", 8) == 0 && p[8 + strspn(p + 8, WHITE_SPACE)] == '\0') {
                *ret = USEC_INFINITY;
                return 0;
        }

        do {
                usec_t part;
                int r;

                if (*p == '-')
                        negative = true;
                if (*p == '-' || *p == '+')
                        p++;

                r = take_part(&p, &part);
                if (r < 0)
                        return r;

                sum = usec_add(sum, part);
                p += strspn(p, WHITE_SPACE);
        } while (*p);

        /* Sums stop at infinity, so a span that ends there did not fit. */
        if (negative || sum == USEC_INFINITY)
                return -ERANGE;

        *ret = sum;
        return 0;
}

char *time_span_format(char *buf, size_t size, usec_t span, usec_t accuracy) {
        static const struct {
                const char *name;
                usec_t usec;
        } parts[] = {
                { "d", USEC_PER_DAY },
                { "h", USEC_PER_HOUR },
                { "min", USEC_PER_MINUTE },
                { "s", USEC_PER_SEC },
                { "ms", USEC_PER_MSEC },
                { "us", 1 },
        };
        size_t used = 0;

        if (span == USEC_INFINITY) {
                (void)snprintf(buf, size, "infinity");
                return buf;
        }

        buf[0] = '\0';
        for (size_t i = 0; i < ELEMENTS_OF(parts) && parts[i].usec >= accuracy; i++) {
                usec_t n = span / parts[i].usec;
                int k;

                if (n == 0)
                        continue;
                span -= n * parts[i].usec;

                k = snprintf(buf + used, size - used, "%s%" PRIu64 "%s", used > 0 ? " " : "", n,
                                parts[i].name);
                if (k < 0 || (size_t)k >= size - used) {
                        buf[used] = '\0';
                        return buf;
                }
                used += (size_t)k;
        }

        if (used == 0)
                (void)snprintf(buf, size, "0");
        return buf;
}

char *time_span_format_short(char *buf, size_t size, usec_t span, bool round_up) {
        usec_t accuracy = span >= USEC_PER_DAY           ? USEC_PER_HOUR
                          : span >= 10 * USEC_PER_MINUTE ? USEC_PER_MINUTE
                                                         : USEC_PER_SEC;

        return time_span_format(buf, size, round_up ? usec_add(span, accuracy - 1) : span, accuracy);
}
