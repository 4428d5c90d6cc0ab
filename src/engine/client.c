/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The questions that can be asked of an engine, and the version in which they are asked.
 */

#include <errno.h>
#include <string.h>

#include "engine/client-call.h"
#include "engine/client-query.h"

int engine_version(EngineClient *c, EngineVersionHandler on_done, void *userdata, EngineCall **ret) {
        EngineCall *call = engine_call_new(c, CALL_VERSION, userdata);

        if (!call)
                return -ENOMEM;
        call->on_done.version = on_done;

        return engine_call_start(call, strdup("/version"), "version", ret);
}

int engine_info(EngineClient *c, EngineInfoHandler on_done, void *userdata, EngineCall **ret) {
        EngineCall *call = engine_call_new(c, CALL_INFO, userdata);

        if (!call)
                return -ENOMEM;
        call->on_done.info = on_done;

        return engine_call_start(call, engine_path_info(c->api), "info", ret);
}

int engine_swarm(EngineClient *c, EngineSwarmHandler on_done, void *userdata, EngineCall **ret) {
        EngineCall *call = engine_call_new(c, CALL_SWARM, userdata);

        if (!call)
                return -ENOMEM;
        call->on_done.swarm = on_done;

        return engine_call_start(call, engine_path_swarm(c->api), "swarm", ret);
}

int engine_list_services(EngineClient *c, EngineServiceHandler on_service, EngineDoneHandler on_done,
                void *userdata, EngineCall **ret) {
        EngineCall *call = engine_call_new(c, CALL_SERVICES, userdata);

        if (!call)
                return -ENOMEM;
        call->on_service = on_service;
        call->on_done.done = on_done;

        return engine_call_start(call, engine_path_services(c->api), "list of services", ret);
}

int engine_list_containers(EngineClient *c, bool is_task, const ContainerId *ids, size_t n_ids,
                EngineSummaryHandler on_element, EngineDoneHandler on_done, void *userdata,
                EngineCall **ret) {
        EngineCall *call;

        if (n_ids > ENGINE_LIST_IDS_MAX)
                return -EINVAL;

        call = engine_call_new(c, CALL_LIST, userdata);
        if (!call)
                return -ENOMEM;
        call->on_element = on_element;
        call->on_done.done = on_done;

        return engine_call_start(call, engine_path_list(c->api, is_task, ids, n_ids),
                        is_task ? "list of tasks" : "list of other containers", ret);
}

int engine_inspect(EngineClient *c, const ContainerId *id, EngineDetailHandler on_done, void *userdata,
                EngineCall **ret) {
        EngineCall *call = engine_call_new(c, CALL_INSPECT, userdata);

        if (!call)
                return -ENOMEM;
        call->id = *id;
        call->on_done.detail = on_done;

        return engine_call_start(call, engine_path_inspect(c->api, id), "inspect", ret);
}

int engine_remove(EngineClient *c, const ContainerId *id, bool volumes, EngineDoneHandler on_done,
                void *userdata, EngineCall **ret) {
        EngineCall *call = engine_call_new(c, CALL_REMOVE, userdata);

        if (!call)
                return -ENOMEM;
        call->on_done.done = on_done;

        return engine_call_start(call, engine_path_remove(c->api, id, volumes), "remove", ret);
}

int engine_log_tail(EngineClient *c, const ContainerId *id, unsigned lines, bool tty,
                EngineLogHandler on_done, void *userdata, EngineCall **ret) {
        EngineCall *call = engine_call_new(c, CALL_LOG, userdata);

        if (!call)
                return -ENOMEM;
        call->log_mode = tty ? LOG_FRAME_RAW : LOG_FRAME_MULTIPLEXED;
        call->on_done.log = on_done;

        return engine_call_start(call, engine_path_log(c->api, id, lines), "log", ret);
}

int engine_event_ring(EngineClient *c, int64_t until_nsec, EngineEventHandler on_event,
                EngineDoneHandler on_done, void *userdata, EngineCall **ret) {
        EngineCall *call;

        if (until_nsec < 0)
                return -EINVAL;

        call = engine_call_new(c, CALL_RING, userdata);
        if (!call)
                return -ENOMEM;
        call->on_event = on_event;
        call->on_done.done = on_done;

        return engine_call_start(call, engine_path_event_ring(c->api, until_nsec), "event ring", ret);
}

int engine_subscribe(EngineClient *c, int64_t since_nsec, bool tasks_only, EngineOpenHandler on_open,
                EngineEventHandler on_event, EngineDoneHandler on_done, void *userdata, EngineCall **ret) {
        EngineCall *call;

        if (since_nsec < 0)
                return -EINVAL;

        call = engine_call_new(c, CALL_SUBSCRIBE, userdata);
        if (!call)
                return -ENOMEM;
        call->on_open = on_open;
        call->on_event = on_event;
        call->on_done.done = on_done;

        return engine_call_start(call, engine_path_subscribe(c->api, since_nsec, tasks_only), "events", ret);
}

int engine_client_new(
                sd_event *event, const Endpoint *endpoint, usec_t request_timeout, EngineClient **ret) {
        _cleanup_(engine_client_freep) EngineClient *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->event = sd_event_ref(event);
        c->request_timeout = request_timeout;
        c->api = ENGINE_API_OLDEST;

        r = transport_new(event, endpoint, &c->transport);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);

        return 0;
}

EngineClient *engine_client_free(EngineClient *c) {
        if (!c)
                return NULL;

        while (c->calls)
                (void)engine_call_free(c->calls);

        (void)transport_free(c->transport);
        (void)sd_event_unref(c->event);
        free(c);

        return NULL;
}

void engine_client_set_api(EngineClient *c, ApiVersion api) {
        c->api = api;
}

ApiVersion engine_client_api(const EngineClient *c) {
        return c->api;
}

void engine_client_set_request_timeout(EngineClient *c, usec_t timeout) {
        c->request_timeout = timeout;
}

int engine_api_negotiate(const EngineVersion *v, ApiVersion *ret) {
        ApiVersion chosen = ENGINE_API_NEWEST;

        if (api_version_compare(v->newest, chosen) < 0)
                chosen = v->newest;

        if (api_version_compare(chosen, ENGINE_API_OLDEST) < 0 || api_version_compare(chosen, v->oldest) < 0)
                return -EPROTONOSUPPORT;

        *ret = chosen;

        return 0;
}
