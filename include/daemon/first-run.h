/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_FIRST_RUN_H
#define REAPERD_DAEMON_FIRST_RUN_H

/*
 * Has reaperd ever worked on this node? A file in its state folder says so: $STATE_DIRECTORY, which
 * systemd sets and which outlives restarts and upgrades.
 */

#define FIRST_RUN_MARK "first-run-done"

/* Returns 1 if there is a state folder without the mark, with the mark's path in *ret_path (a new
 * string); 0 if there is no state folder or the mark is there; or -ENOMEM. */
int first_run_find(char **ret_path);

/* Writes the mark, on the disk when it returns. Returns 0 or a negative errno. */
int first_run_mark(const char *path);

#endif
