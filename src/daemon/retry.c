/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/random.h"
#include "core/backoff.h"
#include "daemon/retry.h"
#include "engine/client.h"

RetryVerdict retry_after_failure(Container *c, const Settings *settings, bool once, int error, usec_t now) {
        /* A container that is stuck shows as a time-out, so that one counts as its own trouble. */
        c->connection_trouble =
                        (engine_error_is_connection(error) && error != -ETIMEDOUT) || error == -ENOMEM;
        if (c->connection_trouble && !once) {
                c->retry_at = usec_add(now, settings->retry_initial);
                return RETRY_LATER;
        }

        c->attempts++;
        if (once) {
                c->retry_at = now;
                c->quarantined = c->attempts >= ONCE_ATTEMPTS;
                return c->quarantined ? RETRY_GIVE_UP : RETRY_LATER;
        }

        c->quarantined = c->attempts >= settings->quarantine_after;
        if (c->quarantined)
                return RETRY_QUARANTINE;
        c->retry_at = usec_add(now, backoff_delay(c->attempts, settings->retry_initial, settings->retry_max,
                                                    random_u32()));
        return RETRY_LATER;
}

void retry_after_reconnect(Container *c, bool new_engine) {
        if (!new_engine && !c->connection_trouble)
                return;
        c->attempts = 0;
        c->retry_at = 0;
        c->quarantined = false;
        c->connection_trouble = false;
}
