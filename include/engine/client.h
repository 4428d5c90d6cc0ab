/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_CLIENT_H
#define REAPERD_ENGINE_CLIENT_H

/*
 * The Docker Engine API as far as it is needed: one function a request, answers as core's values, HTTP
 * status to errno in one place.
 *
 * A call ends with on_done, exactly once, unless it is released before. Errors: 0; -ENOENT (404: no
 * such container); -EBUSY (409: being removed, or running); -EINVAL (400); -EACCES (401, 403);
 * -EREMOTEIO (500 and other 5xx); -EPROTO (any other status); -EBADMSG (an answer that is not what it
 * should be); -EMSGSIZE (larger than its cap); -EOPNOTSUPP (503 to a question about the Swarm: this
 * node cannot speak for it, as it is no manager, or locked); -ENOMEM; and, if the engine could not be
 * reached or the connection broke, what engine_error_is_connection() knows: -ECONNREFUSED, -ENXIO (no
 * socket there), -EPERM (the socket refuses us), -EAFNOSUPPORT (we may not use TCP), -EHOSTUNREACH,
 * -ECONNRESET, -ETIMEDOUT, -EIO. What a handler returned to end its list or stream is told as it is. An
 * answer with an error status counts as that even if the connection broke before its text was complete.
 * `message` is the engine's own text or NULL; it is for people and never decides anything.
 */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/usec.h"
#include "core/endpoint.h"
#include "core/facts.h"
#include "core/swarm-facts.h"

/* Spoken: the newest that this client was written for, and the oldest (engine 20.10). */
#define ENGINE_API_NEWEST ((ApiVersion){ 1, 51 })
#define ENGINE_API_OLDEST ((ApiVersion){ 1, 41 })

/* Caps on what the engine can make us keep. */
#define ENGINE_OBJECT_SIZE_MAX (4U * 1024 * 1024) /* one element of a list, one event */
#define ENGINE_ANSWER_SIZE_MAX (4U * 1024 * 1024) /* an inspect, info or version */
#define ENGINE_ERROR_SIZE_MAX  (64U * 1024)       /* the body of an error answer */
#define ENGINE_LOG_BYTES_MAX   (4U * 1024 * 1024) /* the body of a log answer; read, not kept */
#define ENGINE_LOG_TAIL_MAX    4096U              /* what is kept of a log's text */
#define ENGINE_LIST_IDS_MAX    256                /* ids in one filtered list */

typedef struct EngineClient EngineClient;
typedef struct EngineCall EngineCall;

/* Returns 0 or a negative errno. */
int engine_client_new(sd_event *event, const Endpoint *endpoint, usec_t request_timeout, EngineClient **ret);

/* Calls that are still there are released with it (on_done is not called). NULL is fine; returns NULL. */
EngineClient *engine_client_free(EngineClient *c);

/* The API version that paths are prefixed with; set by the caller after engine_version() and
 * engine_api_negotiate(). Until then ENGINE_API_OLDEST. */
void engine_client_set_api(EngineClient *c, ApiVersion api);
ApiVersion engine_client_api(const EngineClient *c);

/* Chooses the newest version that both speak. Returns 0, or -EPROTONOSUPPORT if there is none. */
int engine_api_negotiate(const EngineVersion *v, ApiVersion *ret);

/* How long a request may take, and the engine's first answer to a subscription; for calls started from then
 * on. */
void engine_client_set_request_timeout(EngineClient *c, usec_t timeout);

/* Did the engine not answer at all (not reached, cut, timed out), so that nothing is known about the
 * container? */
bool engine_error_is_connection(int error);

/* Values in the arguments live until the handler returns and are NULL on error. Handlers may start and
 * release calls, the one that ended too (on_event and on_element may not). */
typedef void (*EngineDoneHandler)(EngineCall *call, int error, const char *message, void *userdata);
typedef void (*EngineVersionHandler)(
                EngineCall *call, int error, const char *message, const EngineVersion *v, void *userdata);
typedef void (*EngineInfoHandler)(
                EngineCall *call, int error, const char *message, const EngineInfo *info, void *userdata);
typedef void (*EngineSwarmHandler)(
                EngineCall *call, int error, const char *message, const SwarmFacts *swarm, void *userdata);
typedef void (*EngineDetailHandler)(EngineCall *call, int error, const char *message,
                const ContainerDetail *detail, void *userdata);
/* `tail` holds `size` bytes of whatever the container wrote, NULs too, and a NUL behind them. */
typedef void (*EngineLogHandler)(EngineCall *call, int error, const char *message, const char *tail,
                size_t size, void *userdata);
typedef int (*EngineSummaryHandler)(
                const ContainerSummary *summary, void *userdata); /* negative: ends the list with it */
typedef int (*EngineServiceHandler)(const ServiceFacts *service, void *userdata); /* negative: likewise */
typedef int (*EngineEventHandler)(const EngineEvent *event, void *userdata);      /* negative: likewise */

/* Each starts one request and returns 0 or a negative errno; *ret belongs to the caller until
 * engine_call_free(). */

/* GET /version, without a version in the path. */
int engine_version(EngineClient *c, EngineVersionHandler on_done, void *userdata, EngineCall **ret);

int engine_info(EngineClient *c, EngineInfoHandler on_done, void *userdata, EngineCall **ret);

/* GET /swarm. Managers only. */
int engine_swarm(EngineClient *c, EngineSwarmHandler on_done, void *userdata, EngineCall **ret);

/* GET /services, with their status. Managers only. Elements that are bad or too large: as in a list of
 * containers. */
int engine_list_services(EngineClient *c, EngineServiceHandler on_service, EngineDoneHandler on_done,
                void *userdata, EngineCall **ret);

/* GET /containers/json?all=1 with is-task=`is_task`: Swarm tasks by the engine's own flag, which labels
 * cannot forge, or the containers that are none. With n_ids > 0 only those among the ids (at most
 * ENGINE_LIST_IDS_MAX). An element that cannot be decoded, or is over its cap, is passed over with a warning
 * in the log; on_done then still tells 0. Error 0 only if the list was complete. */
int engine_list_containers(EngineClient *c, bool is_task, const ContainerId *ids, size_t n_ids,
                EngineSummaryHandler on_element, EngineDoneHandler on_done, void *userdata,
                EngineCall **ret);

/* GET /containers/{id}/json. An answer about another container is -EBADMSG. */
int engine_inspect(EngineClient *c, const ContainerId *id, EngineDetailHandler on_done, void *userdata,
                EngineCall **ret);

/* DELETE /containers/{id}, with v=1 if `volumes`. Never force. It is sent at most once: after a
 * connection error the container may be gone, or may go yet. Error 0 for status 204 and 200. */
int engine_remove(EngineClient *c, const ContainerId *id, bool volumes, EngineDoneHandler on_done,
                void *userdata, EngineCall **ret);

/* GET /containers/{id}/logs: the last `lines` lines of stdout and stderr in order of arrival, of which the
 * last ENGINE_LOG_TAIL_MAX bytes are told. `tty` is the container's own (ContainerDetail): it says how the
 * answer is framed, and the wrong one gives -EBADMSG or a tail with frames in it. More than
 * ENGINE_LOG_BYTES_MAX of body is -EMSGSIZE. Engines answer 501 or 500 (-EREMOTEIO) if the container's log
 * driver cannot be read. */
int engine_log_tail(EngineClient *c, const ContainerId *id, unsigned lines, bool tty,
                EngineLogHandler on_done, void *userdata, EngineCall **ret);

/* GET /events?since=0&until=`until_nsec`: what the engine's replay ring holds, oldest first, all types
 * and unfiltered, then it ends. Events about other things have action EVENT_OTHER. One that cannot be
 * decoded is passed over, as in a list. until_nsec below 0 is -EINVAL. */
int engine_event_ring(EngineClient *c, int64_t until_nsec, EngineEventHandler on_event,
                EngineDoneHandler on_done, void *userdata, EngineCall **ret);

/* GET /events: containers only; create, start, kill, stop, die, destroy, rename; with tasks_only those of
 * containers with the label com.docker.swarm.task, else of all (without that label `labelled` is false).
 * since_nsec 0: from now on; below 0: -EINVAL. on_open is called when the engine has accepted the
 * subscription (status 200), before any on_event, and may start and release calls, this one too; events
 * that happen from then on will come. If the headers do not come within the request timeout the call ends
 * with -ETIMEDOUT. It never ends with error 0: a stream that the engine ended is -ECONNRESET. An event that
 * cannot be decoded is reported through on_event as EVENT_OTHER with an all-zero id and time 0, so that the
 * caller can list again. */
typedef void (*EngineOpenHandler)(void *userdata);
int engine_subscribe(EngineClient *c, int64_t since_nsec, bool tasks_only, EngineOpenHandler on_open,
                EngineEventHandler on_event, EngineDoneHandler on_done, void *userdata, EngineCall **ret);

/* How many elements of a list were passed over so far because they could not be read. */
size_t engine_call_passed_over(const EngineCall *call);

/* Ends the call if it is under way, without on_done, and releases it. NULL is fine; returns NULL. Not
 * from inside on_event or on_element. */
EngineCall *engine_call_free(EngineCall *call);

DEFINE_CLEANUP(EngineClient *, engine_client_free, NULL);
DEFINE_CLEANUP(EngineCall *, engine_call_free, NULL);

#endif
