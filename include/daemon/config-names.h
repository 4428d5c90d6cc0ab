/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_CONFIG_NAMES_H
#define REAPERD_DAEMON_CONFIG_NAMES_H

/*
 * What to say of sections and keys that are not known: the nearest known name, where a key belongs that
 * stands in the wrong section, and all that would be accepted.
 */

#include <stdbool.h>

#include "daemon/config-report.h"

/* Adds the fault of a header. Returns 0 or -ENOMEM. */
int config_names_unknown_section(ConfigReport *report, const char *file, unsigned line, const char *section);

/* Adds the fault of a key in a section that exists; of a rule, `section` has its name. Returns 0 or
 * -ENOMEM. */
int config_names_unknown_key(ConfigReport *report, const char *file, unsigned line, const char *section,
                bool is_rule, const char *key);

/* Is this a key of any section or of rules? */
bool config_names_key_exists(const char *key);

#endif
