/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_NEAREST_NAME_H
#define REAPERD_BASE_NEAREST_NAME_H

/*
 * What a person may have meant by a name that is not known.
 */

#include <stdbool.h>
#include <stddef.h>

/* No known name may be longer than this. */
#define NEAREST_NAME_MAX 31

/* Is the known name nearer to the given one than *best (SIZE_MAX at first), by edit distance without
 * regard to case, and near enough to be worth a suggestion (at most half of the longer name is wrong)?
 * Then *best becomes its distance. To be called for each known name; the last for which it tells true is
 * the nearest. The given name may have any length. */
bool nearest_name_improves(const char *given, const char *known, size_t *best);

#endif
