/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_MANAGER_H
#define REAPERD_DAEMON_MANAGER_H

/*
 * The wiring: events, lists and inspects go into the registry, the policy's due times into one timer,
 * and what is due to the reaper. Everything that is decided is decided elsewhere.
 */

#include <stdbool.h>

#include "core/settings.h"

/* Unlike status 1, which a bad configuration has, this may pass by itself: a service manager may try
 * again. */
#define EXIT_CANNOT_RUN 3

typedef struct ManagerOptions {
        const char *config; /* as for config_load(): read again at a reload */
        bool dry_run;
        bool once; /* one pass, then the end */
} ManagerOptions;

/* Runs until SIGTERM or SIGINT, or with `once` to the end of the pass; SIGHUP reloads (with `once` it
 * is ignored). Takes *settings over (it is zeroed, also on failure). Returns the process's exit status:
 * 0; with `once` also 1 (a removal failed) and 2 (the engine could not be reached); or a negative errno
 * if it could not be set up. */
int manager_run(Settings *settings, const ManagerOptions *options);

#endif
