/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_GLOB_H
#define REAPERD_CORE_GLOB_H

/*
 * Globs over text that strangers have chosen. fnmatch(3) tries every way to spread the text over the stars,
 * which takes longer than anybody waits for a pattern with a few of them and a label of some kilobytes; here
 * the work is at most the product of both lengths.
 */

#include <stdbool.h>

/* Does the whole text match? `*` is any text, also none, `?` any one byte, `[abc]`, `[a-z]` and `[!a-z]`
 * one of (not) these bytes (a `]` among them stands first, and a `\` is one of them), `\` takes the next
 * byte as it is. A `[` that is never closed and a `\` at the end stand for themselves. Nothing else is
 * special: a `/` or a leading dot is a byte as any other. */
bool glob_match(const char *pattern, const char *text);

#endif
