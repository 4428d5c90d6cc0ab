/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_SWARM_FACTS_H
#define REAPERD_CORE_SWARM_FACTS_H

/*
 * What a manager of a Swarm can tell about all of it, as plain values like those of core/facts.h: strings
 * are borrowed, NULL is "not told".
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "core/facts.h"

/* GET /swarm. */
typedef struct SwarmFacts {
        /* How many tasks of a slot Swarm keeps, the one that runs included; below 0: all. */
        int64_t history_limit;
} SwarmFacts;

typedef enum ServiceMode {
        SERVICE_MODE_UNKNOWN, /* one that this version does not know */
        SERVICE_REPLICATED,
        SERVICE_GLOBAL,
        SERVICE_REPLICATED_JOB,
        SERVICE_GLOBAL_JOB,
} ServiceMode;

static inline bool service_mode_is_job(ServiceMode mode) {
        return mode == SERVICE_REPLICATED_JOB || mode == SERVICE_GLOBAL_JOB;
}

/* One element of GET /services. */
typedef struct ServiceFacts {
        const char *id;
        const char *name;
        ServiceMode mode;
        bool finished;          /* of a job: all that was wanted of it is complete, nothing of it runs */
        bool restarts;          /* ended tasks may have a successor: its restart condition is not "none" */
        usec_t restart_delay;   /* 0 when not told: the engine's own default is short */
        uint64_t max_attempts;  /* 0: no limit */
        const char *log_driver; /* NULL: the default of the engine that a task runs on */
        const char *image;
        Labels container_labels; /* those that its tasks' containers get, Swarm's own not among them */
} ServiceFacts;

#endif
