/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_CONFIG_FILE_H
#define REAPERD_DAEMON_CONFIG_FILE_H

/*
 * From files to Settings: finds reaperd.conf and its drop-ins in systemd's order, reads them with inih, and
 * reports every fault of every file at once, so that an operator mends a configuration in one go.
 */

#include "core/settings.h"
#include "daemon/config-report.h"

#define CONFIG_FILE_DEFAULT   REAPERD_SYSCONFDIR "/reaperd/reaperd.conf" /* by default /etc/... */
#define CONFIG_FILE_BYTES_MAX (1024 * 1024)

/* Reads the configuration. `path` NULL means the default file (which may be missing) with the drop-in
 * folders of /usr/lib, /run and /etc; else that file (a missing one is an error) with PATH.d/. Drop-ins
 * are merged by file name over the folders, as systemd does: the one in the folder of highest priority
 * (/etc over /run over /usr/lib) hides others of its name, and they are read in the order of their
 * names, after the main file. A drop-in that is (a link to) /dev/null is masked. A file or folder that
 * everybody can write is an error. `root` is put before the default folders (NULL or "" for none);
 * tests use it.
 *
 * Returns 0 with *ret filled in (ret_report may hold notices); -EINVAL if there are errors, all of them
 * in *ret_report; -ENOMEM. *ret_report is always initialised (release it with config_report_done()),
 * *ret only on 0. */
int config_load(const char *path, const char *root, Settings *ret, ConfigReport *ret_report);

/* Writes the effective configuration as an INI file that config_load() reads back to the same values, each
 * preceded by a comment line: "# FILE:LINE" that set it, "# default", "# default (as Failure)" for one that
 * follows another setting, or "# FILE:LINE (default)" where a file has reset it. Of rules, what is set
 * is written, and what follows that: "# FILE:LINE (as Failure)". Of a list each line that added to it is
 * one here too, so that none is longer than CONFIG_LINE_MAX. Returns a new string, NULL if out of memory. */
char *config_print(const Settings *s);

#endif
