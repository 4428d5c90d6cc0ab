/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_STATE_FOLDER_H
#define REAPERD_DAEMON_STATE_FOLDER_H

/*
 * What outlives the daemon: files in $STATE_DIRECTORY, which systemd sets and which survives restarts and
 * upgrades.
 */

#include "base/usec.h"

/* The path of a file there (a new string). Returns 1, 0 without a state folder, or -ENOMEM. */
int state_folder_path(const char *name, char **ret);

/* A file that holds a point in realtime, as decimal microseconds in one line. */

/* Returns 1 with *ret, 0 if there is no such file or folder, -EBADMSG if it holds something else, or
 * another negative errno. */
int state_read_time(const char *path, usec_t *ret);

/* Whole or not at all, and on the disk when it returns. Returns 0 or a negative errno. */
int state_write_time(const char *path, usec_t time);

/* Returns 0 (also if it was not there) or a negative errno. */
int state_remove(const char *path);

#endif
