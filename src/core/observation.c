/* SPDX-License-Identifier: Apache-2.0 */

#include "core/observation.h"

bool observation_is_wanted(const Observation *o) {
        return o->under_way <= 1;
}

void observation_begin(Observation *o, uint64_t free) {
        if (o->under_way == 0)
                *o = (Observation){ .free_before = free };
        o->under_way++;
}

bool observation_end(Observation *o, uint64_t serial, uint64_t free, int64_t *ret_change,
                unsigned *ret_removed, uint64_t *ret_first) {
        if (o->under_way == 0)
                return false;

        if (serial != 0) {
                o->removed++;
                if (o->first_serial == 0)
                        o->first_serial = serial;
        }
        o->under_way--;

        if (o->under_way > 0 || o->removed == 0 || o->free_before == FIGURE_UNKNOWN ||
                        free == FIGURE_UNKNOWN)
                return false;
        *ret_change = (int64_t)(free - o->free_before);
        *ret_removed = o->removed;
        *ret_first = o->first_serial;
        return true;
}
