/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_SINCE_H
#define REAPERD_CTL_SINCE_H

/*
 * Points in time as people write them for --since=, a small part of what systemd.time(7) knows. libsystemd
 * parses these but does not export the function.
 */

#include "base/usec.h"

/* What since_parse() reads, for messages and the help. */
#define SINCE_FORMS \
        "a span such as 2h or 1d 12h, today, yesterday, YYYY-MM-DD, YYYY-MM-DD HH:MM[:SS] or HH:MM[:SS]"

/* Reads a time in the past, in local time: a span ("2h" or "2h ago": so long before `now`), "today" and
 * "yesterday" (their midnight), a date (its midnight), a date and a time, or a time (the last time that it
 * was so late). `now` and *ret are CLOCK_REALTIME. Returns 0, or -EINVAL if it is none of these; what lies
 * before 1970 is 0. */
int since_parse(const char *text, usec_t now, usec_t *ret);

#endif
