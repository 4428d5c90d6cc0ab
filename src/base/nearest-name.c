/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <string.h>

#include "base/nearest-name.h"

/* How many characters have to be added, dropped or changed to make one name the other; case does not
 * count. The given name may have any length, so it is the known one that the row is as long as. */
static size_t edit_distance(const char *given, const char *known) {
        size_t row[NEAREST_NAME_MAX + 1], n_known = strlen(known);

        for (size_t i = 0; i <= n_known; i++)
                row[i] = i;

        for (size_t g = 0; given[g]; g++) {
                size_t diagonal = row[0];

                row[0] = g + 1;
                for (size_t k = 0; k < n_known; k++) {
                        bool same = tolower((unsigned char)given[g]) == tolower((unsigned char)known[k]);
                        size_t best = same ? diagonal : diagonal + 1;

                        diagonal = row[k + 1];
                        if (row[k] + 1 < best)
                                best = row[k] + 1;
                        if (row[k + 1] + 1 < best)
                                best = row[k + 1] + 1;
                        row[k + 1] = best;
                }
        }

        return row[n_known];
}

bool nearest_name_improves(const char *given, const char *known, size_t *best) {
        size_t n_given = strlen(given), n_known = strlen(known);
        size_t d = edit_distance(given, known);

        if (d >= *best || 2 * d > (n_given > n_known ? n_given : n_known))
                return false;

        *best = d;
        return true;
}
