/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_EXPLANATION_LEVEL_H
#define REAPERD_CORE_EXPLANATION_LEVEL_H

/*
 * What would be decided about a container at each level of pressure, when it would go, and what keeps
 * it until then: whatever the level is now, people want to know what happens if it rises.
 */

#include "core/explanation-case.h"

/* Returns 0 or -ENOMEM; *ret may be filled in as far as that came, and is then released like one that is
 * whole. */
int explanation_level_make(const Case *k, PressureLevel pressure, ExplanationLevel *ret);

#endif
