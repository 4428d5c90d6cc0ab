/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_UTF8_H
#define REAPERD_BASE_UTF8_H

/*
 * Is this text, and may a person see it? Configuration files and paths come from outside; what is not UTF-8,
 * or drives a terminal, must not get as far as a message or a printed configuration.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the character at `text`, of which `size` bytes may be looked at. Returns the number of its bytes
 * (1 to 4) with *ret set, or 0 if there is none: not UTF-8 (overlong, a surrogate, above U+10FFFF), cut,
 * or size is 0. A NUL is a character of one byte. */
size_t utf8_read(const char *text, size_t size, uint32_t *ret);

/* Are these bytes UTF-8 from the first to the last? */
bool utf8_is_valid(const char *text, size_t size);

/* Is the string UTF-8 without control characters (C0, DEL, C1) and without line or paragraph separators? */
bool utf8_is_printable(const char *text);

/* Does the character drive a terminal, or reorder or hide text on it: controls (C0, DEL, C1), separators,
 * and bidirectional and zero-width marks? */
bool utf8_is_treacherous(uint32_t c);

#endif
