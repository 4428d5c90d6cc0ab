/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_TEXT_H
#define REAPERD_BASE_TEXT_H

/*
 * Text that is put together piece by piece. open_memstream(3) would do, but with glibc a stream that ran out
 * of memory ends with fclose() telling 0 and the text cut short. And the words for yes and no, which
 * libsystemd reads but does not export.
 */

#include <stdbool.h>

/* Appends to *text, which is NULL at first and else from malloc(3). Returns 0, or -ENOMEM with *text as
 * it was. */
int text_append(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads a boolean as systemd.syntax(7) spells it: 1, yes, true and on, or 0, no, false and off, in any case,
 * with nothing around it. Returns 0 or -EINVAL. */
int text_parse_boolean(const char *text, bool *ret);

#endif
