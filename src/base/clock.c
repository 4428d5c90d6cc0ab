/* SPDX-License-Identifier: Apache-2.0 */

#include "base/clock.h"

usec_t clock_read(clockid_t id) {
        struct timespec ts = { 0 };

        (void)clock_gettime(id, &ts);
        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / NSEC_PER_USEC;
}
