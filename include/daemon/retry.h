/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_RETRY_H
#define REAPERD_DAEMON_RETRY_H

/*
 * What follows on a failed removal: another attempt after a while that grows, or quarantine. One
 * container that the engine cannot remove must neither hold up the others nor be asked for again and
 * again: every inspect of a stuck container leaves something behind in the engine.
 */

#include <stdbool.h>

#include "core/container.h"
#include "core/settings.h"

/* With --once each container is tried so often, without waiting. */
#define ONCE_ATTEMPTS 3

typedef enum RetryVerdict {
        RETRY_LATER,      /* c->retry_at is set */
        RETRY_QUARANTINE, /* c->quarantined is set */
        RETRY_GIVE_UP,    /* likewise; the pass of --once is over for it */
} RetryVerdict;

/* Counts a failure (`error` as from the engine client). `now` is steady. A connection that broke, and
 * memory or descriptors that ran out here, say nothing about the container and do not count, except
 * with `once`. */
RetryVerdict retry_after_failure(Container *c, const Settings *settings, bool once, int error, usec_t now);

/* After a reconnect: what failed because the connection broke is tried at once; a new engine is a new
 * beginning for all of them. */
void retry_after_reconnect(Container *c, bool new_engine);

#endif
