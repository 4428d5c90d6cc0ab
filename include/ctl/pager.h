/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_PAGER_H
#define REAPERD_CTL_PAGER_H

/*
 * Long listings go through a pager, as with systemctl: $REAPERCTL_PAGER, else $PAGER, else less, and only
 * if stdout is a terminal. An empty one and "cat" mean none. It is given LESS=FRSXMK unless
 * $REAPERCTL_LESS says otherwise, and LESSSECURE=1.
 */

#include <stdbool.h>

/* From now on stdout is the pager's, if there is to be one (`wanted`: not with --no-pager or --json). To be
 * called when the answers are there, just before the first output, never by verbs that show things as they
 * happen. If none can be started, stdout stays. */
void pager_open(bool wanted);

bool pager_is_open(void);

/* Nothing more comes: waits until the pager has ended. Without one, nothing happens. main() calls it. */
void pager_close(void);

#endif
