/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_TIME_SPAN_H
#define REAPERD_BASE_TIME_SPAN_H

/*
 * Time spans in the spelling of systemd.time(7): "1h 30min", "90", "infinity". libsystemd parses these but
 * does not export the function.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/usec.h"

/* Room for any span that time_span_format() can write. */
#define TIME_SPAN_TEXT_MAX 96

/* Reads a span; a number without unit is in seconds, decimals are allowed ("1.5h"; digits below a
 * microsecond are dropped), white space may stand around numbers and units, and "infinity" is
 * USEC_INFINITY. Months and years have systemd's lengths (30.4375 and 365.25 days). Returns 0; -EINVAL if
 * the text is not a span; -ERANGE if it is one but does not fit or is negative (a finite span never reads
 * as USEC_INFINITY). */
int time_span_parse(const char *text, usec_t *ret);

/* Writes a span as time_span_parse() reads it, e.g. "1h 2min 3s"; units below `accuracy` (in
 * microseconds, 1 for all) are left out, so the span is truncated, not rounded. With accuracy 1 it reads
 * back to the same value. The largest unit is the day: longer ones have no length that everybody agrees
 * on. What does not fit into `size` (at least 1) is left out by whole parts. Returns buf. */
char *time_span_format(char *buf, size_t size, usec_t span, usec_t accuracy);

/* For people: days and hours, or below a day hours and minutes, or below ten minutes minutes and seconds.
 * `round_up`: what is waited for is not there before; else what is left out is. Returns buf. */
char *time_span_format_short(char *buf, size_t size, usec_t span, bool round_up);

#endif
