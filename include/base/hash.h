/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_HASH_H
#define REAPERD_BASE_HASH_H

/*
 * uthash, which ends the process when memory runs out unless it is told otherwise, before its first
 * inclusion. Whoever adds an element has a `bool oom` at hand, which is then true, and the element is
 * not in.
 */

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) (oom = true)

#include <uthash.h>

#endif
