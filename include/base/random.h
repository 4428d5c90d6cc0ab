/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_RANDOM_H
#define REAPERD_BASE_RANDOM_H

#include <stdint.h>

/* A number to spread things by; not for secrets. 0 where the kernel has none to give yet. */
uint32_t random_u32(void);

#endif
