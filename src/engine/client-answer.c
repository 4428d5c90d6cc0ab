/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How each kind of call ends: what its handler is told. Apart from client-call.c, which knows how a call
 * goes on and not what becomes of it.
 */

#include <errno.h>
#include <string.h>

#include "engine/client-call.h"
#include "engine/decode.h"

static void finish_version(EngineCall *call, int error, const char *message) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        EngineVersion v;

        if (error >= 0)
                error = decode_version(call->body.data, call->body.size, &d, &v);

        call->on_done.version(call, error, message, error < 0 ? NULL : &v, call->userdata);
}

static void finish_info(EngineCall *call, int error, const char *message) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        EngineInfo info;

        if (error >= 0)
                error = decode_info(call->body.data, call->body.size, &d, &info);

        call->on_done.info(call, error, message, error < 0 ? NULL : &info, call->userdata);
}

static void finish_swarm(EngineCall *call, int error, const char *message) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        SwarmFacts swarm;

        if (error >= 0)
                error = decode_swarm(call->body.data, call->body.size, &d, &swarm);

        call->on_done.swarm(call, error, message, error < 0 ? NULL : &swarm, call->userdata);
}

static void finish_inspect(EngineCall *call, int error, const char *message) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        ContainerDetail detail;

        if (error >= 0)
                error = decode_detail(call->body.data, call->body.size, &d, &detail);

        /* A verdict about one container must never rest on another. */
        if (error >= 0 && memcmp(&detail.id, &call->id, sizeof(call->id)) != 0)
                error = -EBADMSG;

        call->on_done.detail(call, error, message, error < 0 ? NULL : &detail, call->userdata);
}

static void finish_log(EngineCall *call, int error, const char *message) {
        const char *tail = NULL;
        size_t size = 0;

        if (error >= 0)
                tail = log_frame_tail(call->log, &size);

        call->on_done.log(call, error, message, tail, size, call->userdata);
}

void engine_call_answer(EngineCall *call, int error, const char *message) {
        switch (call->kind) {
        case CALL_VERSION:
                finish_version(call, error, message);
                break;
        case CALL_INFO:
                finish_info(call, error, message);
                break;
        case CALL_SWARM:
                finish_swarm(call, error, message);
                break;
        case CALL_INSPECT:
                finish_inspect(call, error, message);
                break;
        case CALL_LOG:
                finish_log(call, error, message);
                break;
        default:
                call->on_done.done(call, error, message, call->userdata);
        }
}
