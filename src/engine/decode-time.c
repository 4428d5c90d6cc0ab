/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's time stamps. Plain arithmetic on the proleptic Gregorian calendar, as in Go's time package:
 * the C library's functions depend on locale and time zone, and normalise what should be refused.
 */

#include "engine/decode.h"

#include <errno.h>
#include <stdbool.h>

#define SECONDS_PER_DAY 86400

/* Reads exactly n digits at *text and moves it behind them. */
static int read_digits(const char **text, int n, int *ret) {
        const char *p = *text;
        int value = 0;

        for (; n > 0; n--, p++) {
                if (*p < '0' || *p > '9')
                        return -EINVAL;
                value = value * 10 + (*p - '0');
        }

        *text = p;
        *ret = value;
        return 0;
}

/* Two digits of at most `max`, behind `before`. */
static int read_pair(const char **text, char before, int max, int *ret) {
        if (*(*text)++ != before)
                return -EINVAL;
        return read_digits(text, 2, ret) < 0 || *ret > max ? -EINVAL : 0;
}

/* ".5" as 500000; digits below the microsecond are read and dropped. */
static int read_fraction(const char **text, int *ret) {
        const char *p = *text;
        int value = 0, n = 0;

        if (*p != '.') {
                *ret = 0;
                return 0;
        }

        for (p++; *p >= '0' && *p <= '9'; p++, n++)
                if (n < 6)
                        value = value * 10 + (*p - '0');
        if (n == 0 || n > 9)
                return -EINVAL;
        for (; n < 6; n++)
                value *= 10;

        *text = p;
        *ret = value;
        return 0;
}

/* "Z" or "+hh:mm"; the seconds by which the clock there is ahead of UTC. */
static int read_offset(const char **text, int *ret) {
        int hours, minutes, sign;

        if (**text == 'Z') {
                (*text)++;
                *ret = 0;
                return 0;
        }

        sign = **text == '-' ? -1 : 1;
        if (read_pair(text, sign < 0 ? '-' : '+', 23, &hours) < 0 || read_pair(text, ':', 59, &minutes) < 0)
                return -EINVAL;

        *ret = sign * (hours * 3600 + minutes * 60);
        return 0;
}

static bool is_leap(int year) {
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

        return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to the date; only for dates behind it. */
static int64_t days_since_epoch(int year, int month, int day) {
        int before = year - 1;
        int64_t days = (int64_t)(year - 1970) * 365;

        /* Leap days from 1970 to the end of the year before; up to 1969 there were 477. */
        days += before / 4 - before / 100 + before / 400 - 477;
        for (int m = 1; m < month; m++)
                days += days_in_month(year, m);
        return days + day - 1;
}

int decode_time(const char *text, usec_t *ret_realtime) {
        int year, month, day, hour, minute, second, fraction, offset;
        const char *p = text;
        int64_t seconds;

        if (read_digits(&p, 4, &year) < 0)
                return -EINVAL;
        /* Go writes years beyond 9999 with more digits; nothing that happens to a container is there. */
        if (*p >= '0' && *p <= '9') {
                while (*p >= '0' && *p <= '9')
                        p++;
                return *p == '-' ? -ERANGE : -EINVAL;
        }

        if (read_pair(&p, '-', 12, &month) < 0 || month < 1)
                return -EINVAL;
        if (read_pair(&p, '-', days_in_month(year, month), &day) < 0 || day < 1)
                return -EINVAL;
        if (read_pair(&p, 'T', 23, &hour) < 0 || read_pair(&p, ':', 59, &minute) < 0)
                return -EINVAL;
        /* A leap second reads as the second after it, as everywhere in POSIX. */
        if (read_pair(&p, ':', 60, &second) < 0)
                return -EINVAL;
        if (read_fraction(&p, &fraction) < 0 || read_offset(&p, &offset) < 0 || *p != '\0')
                return -EINVAL;

        seconds = days_since_epoch(year, month, day) * SECONDS_PER_DAY;
        seconds += hour * 3600 + minute * 60 + second - offset;

        *ret_realtime = seconds < 0 ? 0 : (usec_t)seconds * USEC_PER_SEC + (usec_t)fraction;
        return 0;
}
