/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_KERNEL_TEXT_H
#define REAPERD_NODE_KERNEL_TEXT_H

/*
 * The kernel's files of lines with a key and a number: "MemFree:   123 kB", "anon 4096". Strict, since
 * whatever does not look like that is something else.
 */

#include <stdint.h>

/* Takes the digits at *p. Returns 0; -EBADMSG if there are none or the number does not fit (*p then points
 * anywhere within). */
int kernel_text_take_number(const char **p, uint64_t *ret);

/* What follows the key and the white space behind it, in the first line that begins with the key; NULL if
 * there is none. */
const char *kernel_text_find(const char *text, const char *key);

/* Reads the number of that line, which has nothing else. Returns 0; -ENOENT if there is no such line;
 * -EBADMSG if there is something else in it, or the number does not fit. */
int kernel_text_read(const char *text, const char *key, uint64_t *ret);

/* Likewise with " kB" behind the number; in bytes. */
int kernel_text_read_kilobytes(const char *text, const char *key, uint64_t *ret);

#endif
