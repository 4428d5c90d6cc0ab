/* SPDX-License-Identifier: Apache-2.0 */

#include "core/backoff.h"

usec_t backoff_delay(unsigned attempt, usec_t initial, usec_t max, uint32_t random) {
        usec_t delay = initial;
        usec_t spread;

        if (attempt == 0)
                return 0;

        for (unsigned i = 1; i < attempt && delay > 0 && delay < max; i++)
                delay = usec_mul(delay, 2);
        delay = usec_min(delay, max);

        spread = delay / 4;
        /* random / 2^32 of the spread. A spread of more than 2^32 us (over an hour) is cut up so that
         * the product cannot overflow. */
        return delay - (spread >> 32) * random - (((spread & UINT32_MAX) * random) >> 32);
}
