/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/config-report.h"

void config_report_done(ConfigReport *report) {
        for (size_t i = 0; i < report->n_faults; i++)
                free(report->faults[i].text);

        free(report->faults);
        *report = (ConfigReport){};
}

static int append(ConfigReport *report, ConfigFaultKind kind, const char *raw) {
        size_t size = 4 * strlen(raw) + 1; /* every byte may become \xNN */
        ConfigFault *faults;
        char *text;

        faults = reallocarray(report->faults, report->n_faults + 1, sizeof(ConfigFault));
        if (!faults)
                return -ENOMEM;
        report->faults = faults;

        text = malloc(size);
        if (!text)
                return -ENOMEM;

        faults[report->n_faults++] = (ConfigFault){ .kind = kind, .text = log_escape(text, size, raw) };
        return 0;
}

int config_report_add(ConfigReport *report, ConfigFaultKind kind, const char *file, unsigned line,
                const char *format, ...) {
        const char *word = kind == CONFIG_NOTICE ? "notice: " : "";
        _cleanup_free_ char *what = NULL, *text = NULL;
        va_list ap;
        int r;

        if ((kind == CONFIG_ERROR ? ++report->n_errors : ++report->n_notices) > CONFIG_FAULTS_MAX)
                return 0;

        va_start(ap, format);
        r = vasprintf(&what, format, ap);
        va_end(ap);
        if (r < 0) {
                what = NULL;
                return -ENOMEM;
        }

        if (line > 0)
                r = asprintf(&text, "%s:%u: %s%s", file, line, word, what);
        else
                r = asprintf(&text, "%s: %s%s", file, word, what);
        if (r < 0) {
                text = NULL;
                return -ENOMEM;
        }

        return append(report, kind, text);
}

void config_report_tell(const ConfigReport *report, bool bare) {
        size_t n_more = report->n_errors + report->n_notices - report->n_faults;

        for (size_t i = 0; i < report->n_faults; i++) {
                const ConfigFault *fault = &report->faults[i];

                if (bare && !log_is_to_journal())
                        fprintf(stderr, "%s\n", fault->text);
                else
                        log_message(fault->kind == CONFIG_ERROR ? LOG_ERR : LOG_NOTICE, "%s", fault->text);
        }
        if (n_more > 0)
                log_error("%zu more faults are not listed", n_more);
}
