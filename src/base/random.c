/* SPDX-License-Identifier: Apache-2.0 */

#include <sys/random.h>
#include <sys/types.h>

#include "base/random.h"

uint32_t random_u32(void) {
        uint32_t value;

        if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t)sizeof(value))
                return 0;
        return value;
}
