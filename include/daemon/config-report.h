/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_CONFIG_REPORT_H
#define REAPERD_DAEMON_CONFIG_REPORT_H

/*
 * What is wrong with a configuration, collected: an operator mends all of it in one go. Texts hold names and
 * values from files; they are escaped here, once, so that whoever shows them need not think of it.
 */

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FAULTS_MAX 1000 /* of each kind; more are counted, not listed */

typedef enum ConfigFaultKind {
        CONFIG_ERROR,  /* the configuration cannot be used */
        CONFIG_NOTICE, /* worth saying; e.g. a key set twice in one file */
} ConfigFaultKind;

/* One fault, as text for a person: "file:line: [Section] Key: what is wrong, accepted: ...". That of a
 * notice has "notice: " in front of the section. */
typedef struct ConfigFault {
        ConfigFaultKind kind;
        char *text; /* printable UTF-8 */
} ConfigFault;

/* In the order in which files were read. A zeroed one is empty. */
typedef struct ConfigReport {
        ConfigFault *faults;
        size_t n_faults;
        size_t n_errors;  /* also those that were not listed */
        size_t n_notices; /* likewise */
} ConfigReport;

/* Releases what is inside and zeroes it. */
void config_report_done(ConfigReport *report);

/* Adds "file:line: " (line 0: "file: ") and the text. Returns 0 or -ENOMEM. */
int config_report_add(ConfigReport *report, ConfigFaultKind kind, const char *file, unsigned line,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Tells all of it: `bare` as lines on stderr whatever the log level, for whoever asked about the
 * configuration, so that editors and scripts can read them; else, and if stderr is the journal, where a
 * bare line would have no priority, to the log. */
void config_report_tell(const ConfigReport *report, bool bare);

#endif
