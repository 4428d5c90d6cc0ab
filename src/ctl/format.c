/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/share.h"
#include "base/size.h"
#include "base/time-span.h"
#include "ctl/format.h"

static char *set(char *buf, const char *text) {
        (void)snprintf(buf, FORMAT_MAX, "%s", text);
        return buf;
}

char *format_span(char *buf, usec_t span) {
        if (span == USEC_INFINITY)
                return set(buf, "-");
        if (span < USEC_PER_SEC)
                return set(buf, "0s");
        return time_span_format_short(buf, FORMAT_MAX, span, false);
}

char *format_due(char *buf, usec_t span) {
        if (span == USEC_INFINITY)
                return set(buf, "-");
        if (span == 0)
                return set(buf, "now");
        return time_span_format_short(buf, FORMAT_MAX, span, true);
}

/* False: buf says all that there is to say. */
static bool to_local(char *buf, usec_t realtime, struct tm *ret) {
        time_t seconds = (time_t)(realtime / USEC_PER_SEC);

        (void)set(buf, realtime == 0 ? "never" : "-");
        return realtime != 0 && realtime != USEC_INFINITY && localtime_r(&seconds, ret);
}

char *format_time(char *buf, usec_t realtime) {
        struct tm tm;

        if (to_local(buf, realtime, &tm) && strftime(buf, FORMAT_MAX, "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                (void)set(buf, "-");
        return buf;
}

char *format_time_short(char *buf, usec_t realtime) {
        struct tm tm;

        if (to_local(buf, realtime, &tm) && strftime(buf, FORMAT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                (void)set(buf, "-");
        return buf;
}

char *format_ago(char *buf, usec_t realtime, usec_t now) {
        char span[FORMAT_MAX];

        if (realtime == 0)
                return set(buf, "never");
        if (realtime == USEC_INFINITY)
                return set(buf, "-");

        if (realtime > now)
                (void)format_due(span, realtime - now);
        else
                (void)format_span(span, now - realtime);
        (void)snprintf(buf, FORMAT_MAX, realtime > now ? "in %.100s" : "%.100s ago", span);
        return buf;
}

char *format_time_ago(char *buf, usec_t realtime, usec_t now) {
        char time[FORMAT_MAX], ago[FORMAT_MAX];

        if (realtime == 0 || realtime == USEC_INFINITY)
                return format_time(buf, realtime);

        (void)snprintf(buf, FORMAT_MAX, "%.60s; %.60s", format_time(time, realtime),
                        format_ago(ago, realtime, now));
        return buf;
}

char *format_size(char *buf, uint64_t bytes) {
        return bytes == UINT64_MAX ? set(buf, "-") : size_format_short(buf, bytes);
}

char *format_count(char *buf, uint64_t n) {
        if (n == UINT64_MAX)
                return set(buf, "-");
        (void)snprintf(buf, FORMAT_MAX, "%" PRIu64, n);
        return buf;
}

char *format_bar(char *buf, size_t size, uint64_t part, uint64_t whole, unsigned columns, bool utf8) {
        static const char *const eighths[] = { "", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d",
                "\xe2\x96\x8c", "\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89", "\xe2\x96\x88" };
        unsigned share = share_of(part, whole), steps, used = 0;
        char *p = buf;

        /* In eighths of a column, so that a little is seen as a little. */
        steps = share == SHARE_OFF ? 0 : (unsigned)((uint64_t)share * columns * 8 / SHARE_ALL);
        if (steps == 0 && part > 0 && whole > 0)
                steps = 1;
        if (!utf8)
                steps = (steps + 7) / 8 * 8;

        for (; used < columns; used++) {
                unsigned n = steps < 8 ? steps : 8;
                const char *piece = n == 0 ? " " : utf8 ? eighths[n] : "#";
                size_t length = strlen(piece);

                if ((size_t)(p - buf) + length >= size)
                        break;
                p = mempcpy(p, piece, length);
                steps -= n;
        }
        *p = '\0';
        return buf;
}
