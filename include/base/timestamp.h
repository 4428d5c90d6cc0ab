/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_TIMESTAMP_H
#define REAPERD_BASE_TIMESTAMP_H

/*
 * Points in time as people read them: local time with the name of its zone, as systemd writes them.
 */

#include "base/usec.h"

/* Room for anything that is written below. */
#define TIMESTAMP_TEXT_MAX 64

/* Writes "2026-11-23 14:05:00 UTC" (realtime; "-" for what is no date, as 0 and USEC_INFINITY). Returns
 * buf. */
char *timestamp_format(char *buf, usec_t realtime);

#endif
