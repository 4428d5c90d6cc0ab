/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/time-span.h"
#include "ctl/since.h"

#define SPAN_TEXT_MAX 256

/* Exactly so many digits. */
static bool take_digits(const char **text, size_t n, int *ret) {
        int value = 0;

        for (size_t i = 0; i < n; i++) {
                if ((*text)[i] < '0' || (*text)[i] > '9')
                        return false;
                value = 10 * value + ((*text)[i] - '0');
        }
        *text += n;
        *ret = value;
        return true;
}

static bool take_char(const char **text, char c) {
        if (**text != c)
                return false;
        (*text)++;
        return true;
}

static bool take_date(const char **text, struct tm *tm) {
        const char *p = *text;
        int year, month, day;

        if (!take_digits(&p, 4, &year) || !take_char(&p, '-') || !take_digits(&p, 2, &month) ||
                        !take_char(&p, '-') || !take_digits(&p, 2, &day))
                return false;
        tm->tm_year = year - 1900;
        tm->tm_mon = month - 1;
        tm->tm_mday = day;
        *text = p;
        return true;
}

static bool take_time(const char **text, struct tm *tm) {
        const char *p = *text;
        int hour, minute, second = 0;

        if (!take_digits(&p, 2, &hour) || !take_char(&p, ':') || !take_digits(&p, 2, &minute) ||
                        (take_char(&p, ':') && !take_digits(&p, 2, &second)))
                return false;
        if (hour > 23 || minute > 59 || second > 59)
                return false;
        tm->tm_hour = hour;
        tm->tm_min = minute;
        tm->tm_sec = second;
        *text = p;
        return true;
}

/* Of a local time that a change of the clocks has left out, the one that the clock showed instead. */
static usec_t to_usec(struct tm tm) {
        time_t t;

        tm.tm_isdst = -1;
        t = mktime(&tm);
        return t < 0 ? 0 : (usec_t)t * USEC_PER_SEC;
}

/* mktime() takes the 31st of February for the 3rd of March. */
static bool is_in_calendar(const struct tm *tm) {
        struct tm noon = {
                .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday, .tm_hour = 12
        };

        return tm->tm_year >= 0 && timegm(&noon) != -1 && noon.tm_year == tm->tm_year &&
               noon.tm_mon == tm->tm_mon && noon.tm_mday == tm->tm_mday;
}

static int parse_span(const char *text, usec_t now, usec_t *ret) {
        static const char ago[] = " ago";
        char span_text[SPAN_TEXT_MAX];
        size_t n = strlen(text);
        usec_t span;
        int r;

        if (n >= sizeof(span_text))
                return -EINVAL;
        memcpy(span_text, text, n + 1);
        if (n >= strlen(ago) && strcmp(text + n - strlen(ago), ago) == 0)
                span_text[n - strlen(ago)] = '\0';

        r = time_span_parse(span_text, &span);
        if (r < 0)
                return -EINVAL;
        *ret = span >= now ? 0 : now - span;
        return 0;
}

int since_parse(const char *text, usec_t now, usec_t *ret) {
        time_t now_s = (time_t)(now / USEC_PER_SEC);
        const char *p = text;
        struct tm midnight, tm;

        if (!localtime_r(&now_s, &midnight))
                return -EINVAL;
        midnight.tm_hour = midnight.tm_min = midnight.tm_sec = 0;
        tm = midnight;

        if (strcmp(text, "today") == 0) {
                *ret = to_usec(midnight);
                return 0;
        }
        if (strcmp(text, "yesterday") == 0) {
                midnight.tm_mday--;
                *ret = to_usec(midnight);
                return 0;
        }
        if (take_date(&p, &tm)) {
                if (*p && (!take_char(&p, ' ') || !take_time(&p, &tm)))
                        return -EINVAL;
                if (*p || !is_in_calendar(&tm))
                        return -EINVAL;
                *ret = to_usec(tm);
                return 0;
        }
        if (take_time(&p, &tm) && !*p) {
                if (to_usec(tm) > now)
                        tm.tm_mday--;
                *ret = to_usec(tm);
                return 0;
        }
        return parse_span(text, now, ret);
}
