/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_VERSION_H
#define REAPERD_DAEMON_VERSION_H

/* What `reaperd --version` prints. Returns a new string, NULL if out of memory. */
char *reaperd_version(void);

#endif
