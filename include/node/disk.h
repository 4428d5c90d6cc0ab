/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_NODE_DISK_H
#define REAPERD_NODE_DISK_H

/*
 * How full the file system under a directory is, as df(1) counts.
 */

#include <sys/statvfs.h>

#include "core/node-figures.h"

/* The figures by what statvfs(3) tells. Returns 0, or -EBADMSG if that makes no sense: more is free than
 * there is, or the bytes do not fit (*ret is then untouched). */
int disk_figures(const struct statvfs *s, NodeFigures *ret);

/* Fills in the four figures of the disk; others are left as they are. The total is used + available to the
 * unprivileged. File systems without a fixed number of inodes (btrfs) leave these FIGURE_UNKNOWN, and those
 * without a size (proc) all four. No right to the directory itself is needed. Returns 0 or a negative errno
 * (*ret is then untouched). */
int disk_read(const char *path, NodeFigures *ret);

#endif
