/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_CLIENT_QUERY_H
#define REAPERD_ENGINE_CLIENT_QUERY_H

/*
 * The paths of the Engine API, with their queries percent-encoded. Pure text: what is asked of the engine
 * can be tested without one.
 *
 * Each returns a new string, NULL if out of memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/facts.h"

char *engine_path_info(ApiVersion api);

char *engine_path_swarm(ApiVersion api);

/* All services, with their status (how many tasks run and are complete). */
char *engine_path_services(ApiVersion api);

/* Swarm tasks, or else what is none, in any state; with n_ids > 0 only those among the ids. */
char *engine_path_list(ApiVersion api, bool is_task, const ContainerId *ids, size_t n_ids);

char *engine_path_inspect(ApiVersion api, const ContainerId *id);

char *engine_path_remove(ApiVersion api, const ContainerId *id, bool volumes);

/* The last lines of both outputs. */
char *engine_path_log(ApiVersion api, const ContainerId *id, unsigned lines);

/* Everything from the beginning of time until `until_nsec` (realtime, not negative). */
char *engine_path_event_ring(ApiVersion api, int64_t until_nsec);

/* since_nsec 0: from now on. tasks_only: of containers with Swarm's label only. */
char *engine_path_subscribe(ApiVersion api, int64_t since_nsec, bool tasks_only);

/* Everything but letters, digits and -._~ as %XX. */
char *engine_percent_encode(const char *text);

#endif
