/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_ADVICE_H
#define REAPERD_CORE_ADVICE_H

/*
 * What an operator of a Swarm had better change, so that stopped containers are kept as long as these
 * settings say and no longer, and nothing is lost with them: each with the command that does it. reaperd
 * only looks; it changes nothing in a Swarm.
 *
 * Services are taken in one by one as the engine lists them, and none is kept: what is kept is advice, and
 * that is capped.
 */

#include <stddef.h>

#include "base/cleanup.h"
#include "core/settings.h"
#include "core/swarm-facts.h"

/* In the order in which advice is told. */
typedef enum AdviceKind {
        ADVICE_HISTORY_LIMIT_LOW,  /* Swarm removes what these settings keep */
        ADVICE_HISTORY_LIMIT_HIGH, /* managers keep records of many more tasks */
        ADVICE_RESTART_DELAY,      /* tasks wait in `created`, where a prune removes them */
        ADVICE_LOG_DRIVER,         /* logs go with the container */
        ADVICE_JOB,                /* has finished, and Swarm never trims its tasks */
        ADVICE_LEFT_OUT,           /* there was more */
        _ADVICE_KIND_MAX,
} AdviceKind;

/* A stable name: "history-limit-low". */
const char *advice_kind_name(AdviceKind kind);

typedef struct Advice {
        AdviceKind kind;
        char *subject; /* a service's name, "swarm" or "engine"; owned */
        char *text;    /* what is the matter; owned */
        char *command; /* what mends it, for a shell of root; "" for ADVICE_LEFT_OUT; owned */
} Advice;

/* Pieces of advice about services; beyond them one more tells how many there would have been. */
#define ADVICE_MAX 1000

/* A task that waits for longer than this before it is started again is likely to be met by a prune: the
 * engine's own default is 5 s, and health checks and back-offs that people set stay below a minute. */
#define ADVICE_RESTART_DELAY_MAX USEC_PER_MINUTE

/* Up to so many tasks of a slot the records are worth what `docker service ps` shows for them. */
#define ADVICE_HISTORY_PLENTY 20
/* What is advised instead of more, unless more is kept: the engine's own default. */
#define ADVICE_HISTORY_ENOUGH 5

typedef struct Advisor Advisor;

/* By these settings, and what the engine tells of its Swarm and of its default log driver (NULL: nothing).
 * `config` is the configuration file, which has drop-ins in CONFIG.d. Settings and config are borrowed.
 * Returns 0 or -ENOMEM. */
int advisor_new(const Settings *settings, const SwarmFacts *swarm, const char *default_log_driver,
                const char *config, Advisor **ret);
/* NULL is fine; returns NULL. */
Advisor *advisor_free(Advisor *a);

/* Takes in a service. Rules that ask for the Name= of a container do not match: there is none. Returns 0 or
 * -ENOMEM. */
int advisor_add_service(Advisor *a, const ServiceFacts *service);

/* All services are in: the advice, sorted by kind and subject; it lives as long as the advisor. To be called
 * once. Returns 0 or -ENOMEM. */
int advisor_finish(Advisor *a, const Advice **ret, size_t *ret_n);

DEFINE_CLEANUP(Advisor *, advisor_free, NULL);

#endif
