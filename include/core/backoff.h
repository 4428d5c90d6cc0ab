/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_BACKOFF_H
#define REAPERD_CORE_BACKOFF_H

#include <stdint.h>

#include "base/usec.h"

/* How long to wait after the `attempt`-th failure in a row (1, 2, ...): `initial`, doubled each time,
 * at most `max`, then up to a quarter less by `random` (any value), so that many nodes or containers
 * that failed together do not come back together. Attempt 0 waits 0. */
usec_t backoff_delay(unsigned attempt, usec_t initial, usec_t max, uint32_t random);

#endif
