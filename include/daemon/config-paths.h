/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_CONFIG_PATHS_H
#define REAPERD_DAEMON_CONFIG_PATHS_H

/*
 * Which drop-ins there are, in systemd's order: file names are merged over several folders, so that an
 * administrator replaces a distribution's drop-in by one of the same name.
 */

#include <stddef.h>

#include "daemon/config-report.h"

typedef struct ConfigPaths {
        char **paths;
        size_t n_paths;
} ConfigPaths;

/* Finds the files of the folders whose names end in ".conf" and do not begin with a dot, sorted by name
 * (bytes). Of files of one name only that in the folder named first is found. Folders that are missing hold
 * none; one that cannot be read, or that everybody can write, is an error in *report. What the files are is
 * not looked at.
 * `folders` ends with NULL; `root` is put before each. Returns 0 or -ENOMEM; *ret is written on 0 only. */
int config_paths_find(const char *root, const char *const *folders, ConfigReport *report, ConfigPaths *ret);

/* Releases what is inside and zeroes it. A zeroed one is fine. */
void config_paths_done(ConfigPaths *p);

#endif
