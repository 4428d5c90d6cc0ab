/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_MEMINFO_H
#define REAPERD_NODE_MEMINFO_H

/*
 * The kernel's account of memory, /proc/meminfo (proc_meminfo(5)).
 */

#include "core/node-figures.h"

#define MEMINFO_PATH "/proc/meminfo"

/* Fills in the seven figures of memory from the file's text (kB there, bytes here); those that it does not
 * name become FIGURE_UNKNOWN, others are left as they are. MemAvailable needs Linux 3.14. Returns 0, or
 * -EBADMSG if MemTotal or MemFree is not there or makes no sense (*ret is then untouched). */
int meminfo_parse(const char *text, NodeFigures *ret);

/* Reads `path`. Returns 0 or a negative errno. */
int meminfo_read(const char *path, NodeFigures *ret);

#endif
