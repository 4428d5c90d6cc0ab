/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_SHARE_H
#define REAPERD_BASE_SHARE_H

/*
 * Parts of a whole, in hundredths of a percent: exact, and without floating point.
 */

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_ALL 10000U
/* A threshold that is turned off, or a share that is not known. */
#define SHARE_OFF UINT_MAX

/* Room for what share_format() writes. */
#define SHARE_TEXT_MAX 16

/* Reads "5%" or "7.25%", with at most two digits behind the point. No white space. Returns 0; -EINVAL if
 * it is no share; -ERANGE above 100%. */
int share_parse(const char *text, unsigned *ret);

/* Writes "5%", "7.25%", or "off"; share_parse() reads all but the last. Returns buf. */
char *share_format(char *buf, unsigned share);

/* part of whole, rounded down; SHARE_ALL if it is more than the whole; SHARE_OFF if the whole is 0. */
unsigned share_of(uint64_t part, uint64_t whole);

/* So much of whole, rounded down; `share` is at most SHARE_ALL. */
uint64_t share_part(uint64_t whole, unsigned share);

#endif
