/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_CLOCK_H
#define REAPERD_BASE_CLOCK_H

/*
 * The kernel's clocks, in the unit of everything else.
 */

#include <time.h>

#include "base/usec.h"

/* What it reads now; 0 if there is no such clock. */
usec_t clock_read(clockid_t id);

#endif
