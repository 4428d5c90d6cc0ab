/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_CAP_H
#define REAPERD_CORE_CAP_H

/*
 * MaxStopped=: which stopped containers are too many on this node. What is due anyway goes first; then,
 * repeatedly, the oldest of the workload (a service; a plain container's slot) that has most.
 */

#include "core/policy.h"
#include "core/registry.h"

/* Sets over_cap of every container anew. Never chosen: what has not ended for good, is out of scope,
 * kept by a label, a rule or KeepLastFailure=, quarantined, or gone; these count all the same, but for
 * those out of scope and gone. Containers below their floor may be chosen: they go when it has passed.
 * *ret_changed (may be NULL): was any flag changed? Returns 0, or -ENOMEM (nothing is changed then). */
int cap_select(Registry *r, unsigned max_stopped, const Situation *s, usec_t now, bool *ret_changed);

#endif
