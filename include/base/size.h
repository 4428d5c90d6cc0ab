/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_SIZE_H
#define REAPERD_BASE_SIZE_H

/*
 * Sizes in bytes as people write them, in the spelling of systemd.syntax(7): a number, decimals allowed,
 * and K, M, G, T, P or E, each 1024 times the one before.
 */

#include <stddef.h>
#include <stdint.h>

/* Room for anything that the functions below write. */
#define SIZE_TEXT_MAX 32

/* Reads "16M", "1.5G" or "4096"; a `B` behind it is as good as none. No white space around it. Digits below
 * a byte are dropped. Returns 0; -EINVAL if it is no size; -ERANGE if it is too large. */
int size_parse(const char *text, uint64_t *ret);

/* Writes it such that size_parse() reads the same value back: by the largest unit that divides it ("16M",
 * "1536K", "4097"). Returns buf, which has SIZE_TEXT_MAX bytes. */
char *size_format(char *buf, uint64_t bytes);

/* Writes it for people, with one digit behind the point from K on: "50.1M", "0B", "812B". Returns buf. */
char *size_format_short(char *buf, uint64_t bytes);

/* A change, with its sign, and in M already from a tenth of it on: "+50.1M", "-0.3M", "+12.0K", "0B".
 * Returns buf. */
char *size_format_change(char *buf, int64_t bytes);

#endif
