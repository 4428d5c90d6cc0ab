/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_FORMAT_H
#define REAPERD_CTL_FORMAT_H

/*
 * Times and sizes as people read them. UINT64_MAX is what is not known, or never is: "-". All write into
 * buf, which has FORMAT_MAX bytes, and return it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"

#define FORMAT_MAX 128

/* In one or two units, rounded down: "2h 5min", "3d 4h", "14min", "9min 5s", "0s". */
char *format_span(char *buf, usec_t span);
/* Of something that is due: "now" for 0, else as above, rounded up. */
char *format_due(char *buf, usec_t span);

/* In local time, as systemctl: "Mon 2026-11-23 13:04:05 UTC". Realtime; 0 is "never". */
char *format_time(char *buf, usec_t realtime);
/* Without the day of the week and the zone: "2026-11-23 13:04:05". */
char *format_time_short(char *buf, usec_t realtime);
/* "2h 5min ago", "in 5min" if it is ahead; 0 is "never". */
char *format_ago(char *buf, usec_t realtime, usec_t now);
/* "Mon 2026-11-23 13:04:05 UTC; 2h 5min ago". */
char *format_time_ago(char *buf, usec_t realtime, usec_t now);

/* "50.1M", "-". */
char *format_size(char *buf, uint64_t bytes);
/* "1234", "-". */
char *format_count(char *buf, uint64_t n);

/* A bar of part/whole of `columns`: blocks to an eighth of a column, or #s where there is no UTF-8. Padded
 * with spaces to its full width. `size` bytes (3 * columns + 1 are enough). */
char *format_bar(char *buf, size_t size, uint64_t part, uint64_t whole, unsigned columns, bool utf8);

#endif
