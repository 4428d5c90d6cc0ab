/* SPDX-License-Identifier: Apache-2.0 */

#include "daemon/record-console.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/time-span.h"
#include "base/timestamp.h"

void record_requested(size_t n) {
        char requested[24];
        const LogField fields[] = { { "REAPERD_REQUESTED", requested } };

        snprintf(requested, sizeof(requested), "%zu", n);
        log_record(LOG_NOTICE, MESSAGE_ID_REQUESTED, fields, ELEMENTS_OF(fields),
                        "Asked to remove %zu container%s", n, n == 1 ? "" : "s");
}

void record_waits_ended(void) {
        log_record(LOG_NOTICE, MESSAGE_ID_WAITS_ENDED, NULL, 0,
                        "Asked to remove what is due: the waits of a first start and after a reload are "
                        "over");
}

void record_paused(usec_t until, usec_t span) {
        char text[TIME_SPAN_TEXT_MAX], when[TIMESTAMP_TEXT_MAX], usec[24];
        const LogField fields[] = { { "REAPERD_WAIT_USEC", usec } };

        snprintf(usec, sizeof(usec), "%" PRIu64, span);
        log_record(LOG_NOTICE, MESSAGE_ID_PAUSED, fields, ELEMENTS_OF(fields),
                        "Removals are paused for %s, until %s",
                        time_span_format(text, sizeof(text), span, USEC_PER_SEC),
                        timestamp_format(when, until));
}

void record_resumed(void) {
        log_record(LOG_NOTICE, MESSAGE_ID_RESUMED, NULL, 0, "Removals are no longer paused");
}
