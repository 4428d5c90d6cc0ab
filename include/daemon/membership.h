/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_MEMBERSHIP_H
#define REAPERD_DAEMON_MEMBERSHIP_H

/*
 * Asks, for containers that only events have told of, whether they are Swarm tasks: labels can be
 * forged, and the engine shows its own flag only as a filter of the list.
 */

#include <stdbool.h>

#include "core/registry.h"
#include "daemon/steady-clock.h"
#include "engine/client.h"

/* The answer about membership: every container that was asked about now has a known scope (error 0). */
typedef void (*MembershipDoneHandler)(int error, const char *message, void *userdata);

typedef struct Membership Membership;

int membership_new(EngineClient *client, Registry *registry, const SteadyClock *clock,
                MembershipDoneHandler on_done, void *userdata, Membership **ret);
Membership *membership_free(Membership *m);

/* Asks about containers of unknown scope, those that have ended first, as many as fit in one list.
 * Nothing happens if a question is under way or there is nobody to ask about. Returns 0 or a negative
 * errno (on_done is not called then). */
int membership_ask(Membership *m);
void membership_cancel(Membership *m);
bool membership_running(const Membership *m);

DEFINE_CLEANUP(Membership *, membership_free, NULL);

#endif
