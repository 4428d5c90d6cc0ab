/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The one place that knows what the engine's answers mean: status to errno, bodies to core's values.
 *
 * The status code is known before any of the body, and only the body of a 200 is read as an answer. Once
 * the engine has answered with an error, that counts, even if the connection breaks in the text that goes
 * with it.
 */

#include <errno.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "base/log.h"
#include "engine/client-call.h"
#include "engine/decode.h"

#define STATUS_OK         200L
#define STATUS_NO_CONTENT 204L

static int buffer_append(EngineBuffer *b, const void *data, size_t size, size_t size_max) {
        if (size > size_max - b->size)
                return -EMSGSIZE;

        if (size > b->allocated - b->size) {
                size_t allocated = b->size + size > 2 * b->allocated ? b->size + size : 2 * b->allocated;
                char *grown;

                grown = realloc(b->data, allocated);
                if (!grown)
                        return -ENOMEM;

                b->data = grown;
                b->allocated = allocated;
        }

        memcpy(b->data + b->size, data, size);
        b->size += size;

        return 0;
}

static void buffer_done(EngineBuffer *b) {
        free(b->data);
        *b = (EngineBuffer){};
}

size_t engine_call_passed_over(const EngineCall *call) {
        return call->n_passed_over;
}

bool engine_error_is_connection(int error) {
        switch (error) {
        case -EAFNOSUPPORT:
        case -ECONNREFUSED:
        case -ECONNRESET:
        case -ETIMEDOUT:
        case -EHOSTUNREACH:
        case -EPERM:
        case -ENXIO:
        case -EIO:
                return true;
        default:
                return false;
        }
}

/* The transport's -ENOENT and -EACCES are about the socket; here they would be taken for the engine's
 * answer about a container. */
static int error_from_transport(int error) {
        switch (error) {
        case -ENOENT:
                return -ENXIO;
        case -EACCES:
                return -EPERM;
        default:
                return error;
        }
}

static int error_from_status(EngineCallKind kind, long status) {
        switch (status) {
        case 400:
                return -EINVAL;
        case 401:
        case 403:
                return -EACCES;
        case 404:
                return -ENOENT;
        case 409:
                return -EBUSY;
        case 503:
                return kind == CALL_SWARM || kind == CALL_SERVICES ? -EOPNOTSUPP : -EREMOTEIO;
        default:
                return status >= 500 && status <= 599 ? -EREMOTEIO : -EPROTO;
        }
}

static bool call_accepts(const EngineCall *call) {
        return call->status == STATUS_OK || (call->kind == CALL_REMOVE && call->status == STATUS_NO_CONTENT);
}

static int call_result(const EngineCall *call, int error) {
        if (call->error < 0)
                return call->error;
        if (call->status > 0 && !call_accepts(call))
                return error_from_status(call->kind, call->status);
        if (error < 0)
                return error_from_transport(error);
        if (call->kind == CALL_SUBSCRIBE)
                return -ECONNRESET;
        if (call->frame)
                return json_frame_finish(call->frame);
        if (call->log)
                return log_frame_finish(call->log);

        /* There is no text to decode at all. */
        if (call->kind != CALL_REMOVE && call->body.size == 0)
                return -EBADMSG;

        return 0;
}

static void call_finish(EngineCall *call, int error) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        const char *message = NULL;

        call->header_timer = sd_event_source_disable_unref(call->header_timer);
        call->open_source = sd_event_source_disable_unref(call->open_source);

        if (call->n_passed_over > 0)
                log_warning("Engine sent %zu objects that could not be read, ignoring", call->n_passed_over);

        if (call->status > 0 && !call_accepts(call) && call->body.size > 0)
                (void)decode_error(call->body.data, call->body.size, &d, &message);

        error = call_result(call, error);

        engine_call_answer(call, error, message);
}

/* An object of the event stream that cannot be read. In the ring it is passed over. On the stream it may
 * have been the end of a container, so the caller has to know. */
static int call_event_lost(EngineCall *call) {
        log_debug("Engine sent an event that could not be read");

        if (call->kind == CALL_SUBSCRIBE)
                return call->on_event(&(EngineEvent){ .action = EVENT_OTHER }, call->userdata);

        call->n_passed_over++;

        return 0;
}

/* The fault of one object, which says nothing about the others. */
static bool is_unreadable(int error) {
        return error == -EBADMSG || error == -EMSGSIZE;
}

static int on_event_object(const char *text, size_t size, void *userdata) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        EngineCall *call = userdata;
        EngineEvent event;
        int r;

        /* What on_event_skipped() could not return. */
        if (call->error < 0)
                return call->error;

        r = decode_event(text, size, &d, &event);
        if (is_unreadable(r))
                return call_event_lost(call);
        if (r < 0)
                return r;

        return call->on_event(&event, call->userdata);
}

static void on_event_skipped(size_t size, void *userdata) {
        EngineCall *call = userdata;
        int r;

        (void)size;

        r = call_event_lost(call);
        if (r < 0 && call->error >= 0)
                call->error = r;
}

static int on_element_object(const char *text, size_t size, void *userdata) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        EngineCall *call = userdata;
        ContainerSummary summary;
        int r;

        r = decode_summary(text, size, &d, &summary);
        if (is_unreadable(r)) {
                call->n_passed_over++;
                return 0;
        }
        if (r < 0)
                return r;

        return call->on_element(&summary, call->userdata);
}

static int on_service_object(const char *text, size_t size, void *userdata) {
        _cleanup_decoded_ Decoded d = DECODED_INIT;
        EngineCall *call = userdata;
        ServiceFacts service;
        int r;

        r = decode_service(text, size, &d, &service);
        if (is_unreadable(r)) {
                call->n_passed_over++;
                return 0;
        }
        if (r < 0)
                return r;

        return call->on_service(&service, call->userdata);
}

static void on_element_skipped(size_t size, void *userdata) {
        EngineCall *call = userdata;

        (void)size;

        call->n_passed_over++;
}

static int call_feed(EngineCall *call, const void *data, size_t size) {
        int r;

        r = json_frame_feed(call->frame, data, size);
        if (r < 0)
                return r;

        /* What on_event_skipped() could not return. */
        return call->error;
}

static int call_feed_log(EngineCall *call, const void *data, size_t size) {
        /* The engine was asked for some lines, but how long a line is the container decides. */
        if (size > ENGINE_LOG_BYTES_MAX - call->log_size)
                return -EMSGSIZE;
        call->log_size += size;

        return log_frame_feed(call->log, data, size);
}

static int call_take_body(EngineCall *call, const void *data, size_t size) {
        if (!call_accepts(call)) {
                /* Only for people: what is too much is dropped. */
                size_t room = ENGINE_ERROR_SIZE_MAX - call->body.size;

                return buffer_append(&call->body, data, size < room ? size : room, ENGINE_ERROR_SIZE_MAX);
        }

        switch (call->kind) {
        case CALL_VERSION:
        case CALL_INFO:
        case CALL_SWARM:
        case CALL_INSPECT:
                return buffer_append(&call->body, data, size, ENGINE_ANSWER_SIZE_MAX);
        case CALL_SUBSCRIBE:
                if (!call->opened)
                        return buffer_append(&call->body, data, size, ENGINE_ANSWER_SIZE_MAX);
                return call_feed(call, data, size);
        case CALL_LIST:
        case CALL_SERVICES:
        case CALL_RING:
                return call_feed(call, data, size);
        case CALL_LOG:
                return call_feed_log(call, data, size);
        default:
                return 0;
        }
}

static int on_request_data(Request *request, const void *data, size_t size, void *userdata) {
        EngineCall *call = userdata;

        (void)request;

        if (call->error >= 0) {
                int r = call_take_body(call, data, size);

                if (r < 0)
                        call->error = r;
        }

        return call->error;
}

static void on_request_headers(Request *request, long status, void *userdata) {
        EngineCall *call = userdata;
        int r;

        (void)request;

        call->status = status;

        if (call->kind != CALL_SUBSCRIBE || status != STATUS_OK)
                return;

        call->header_timer = sd_event_source_disable_unref(call->header_timer);

        /* on_open may start requests, which nobody may from inside libcurl. */
        r = sd_event_source_set_enabled(call->open_source, SD_EVENT_ONESHOT);
        if (r < 0)
                call->error = r;
}

static void on_request_done(Request *request, int error, long status, void *userdata) {
        (void)request;
        (void)status;

        call_finish(userdata, error);
}

/* Ends a call that is still under way. */
static void call_abort(EngineCall *call, int error) {
        call->request = request_free(call->request);
        call_finish(call, error);
}

static int on_open_due(sd_event_source *s, void *userdata) {
        EngineCall *call = userdata;
        bool released = false;
        int r;

        (void)s;

        call->opened = true;
        call->released = &released;
        call->on_open(call->userdata);
        if (released)
                return 0;
        call->released = NULL;

        /* What came along with the headers. */
        if (call->body.size == 0)
                return 0;

        r = call_feed(call, call->body.data, call->body.size);
        buffer_done(&call->body);
        if (r < 0) {
                call->error = r;
                call_abort(call, r);
        }

        return 0;
}

static int on_header_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        (void)s;
        (void)usec;

        call_abort(userdata, -ETIMEDOUT);

        return 0;
}

EngineCall *engine_call_free(EngineCall *call) {
        if (!call)
                return NULL;

        if (call->released)
                *call->released = true;

        DL_DELETE(call->client->calls, call);
        (void)request_free(call->request);
        (void)sd_event_source_disable_unref(call->header_timer);
        (void)sd_event_source_disable_unref(call->open_source);
        (void)json_frame_free(call->frame);
        (void)log_frame_free(call->log);
        buffer_done(&call->body);
        free(call);

        return NULL;
}

EngineCall *engine_call_new(EngineClient *c, EngineCallKind kind, void *userdata) {
        EngineCall *call;

        call = calloc(1, sizeof(*call));
        if (!call)
                return NULL;

        call->client = c;
        call->kind = kind;
        call->userdata = userdata;
        DL_APPEND(c->calls, call);

        return call;
}

/* What a call that reads a stream needs before it starts. */
static int call_prepare(EngineCall *call) {
        switch (call->kind) {
        case CALL_LIST:
                return json_frame_new(JSON_FRAME_ARRAY, ENGINE_OBJECT_SIZE_MAX, on_element_object,
                                on_element_skipped, call, &call->frame);
        case CALL_SERVICES:
                return json_frame_new(JSON_FRAME_ARRAY, ENGINE_OBJECT_SIZE_MAX, on_service_object,
                                on_element_skipped, call, &call->frame);
        case CALL_RING:
        case CALL_SUBSCRIBE:
                return json_frame_new(JSON_FRAME_STREAM, ENGINE_OBJECT_SIZE_MAX, on_event_object,
                                on_event_skipped, call, &call->frame);
        case CALL_LOG:
                return log_frame_new(call->log_mode, ENGINE_LOG_TAIL_MAX, &call->log);
        default:
                return 0;
        }
}

static int call_prepare_open(EngineCall *call) {
        EngineClient *c = call->client;
        int r;

        r = sd_event_add_defer(c->event, &call->open_source, on_open_due, call);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(call->open_source, "engine-stream-open");

        r = sd_event_source_set_enabled(call->open_source, SD_EVENT_OFF);
        if (r < 0)
                return r;

        /* Before the end of the same stream, which may have come at the same time. */
        r = sd_event_source_set_priority(call->open_source, SD_EVENT_PRIORITY_NORMAL - 1);
        if (r < 0)
                return r;

        if (c->request_timeout == USEC_INFINITY)
                return 0;

        r = sd_event_add_time_relative(c->event, &call->header_timer, CLOCK_MONOTONIC, c->request_timeout, 1,
                        on_header_timeout, call);
        if (r < 0)
                return r;

        return sd_event_source_set_description(call->header_timer, "engine-stream-timeout");
}

int engine_call_start(EngineCall *call, char *path, const char *description, EngineCall **ret) {
        _cleanup_(engine_call_freep) EngineCall *owned = call;
        _cleanup_free_ char *owned_path = path;
        bool endless = call->kind == CALL_SUBSCRIBE;
        int r;

        if (!owned_path)
                return -ENOMEM;

        r = call_prepare(call);
        if (r < 0)
                return r;

        if (endless) {
                r = call_prepare_open(call);
                if (r < 0)
                        return r;
        }

        r = request_start(call->client->transport,
                        &(RequestOptions){
                                        .method = call->kind == CALL_REMOVE ? "DELETE" : "GET",
                                        .path = owned_path,
                                        .description = description,
                                        .timeout = endless ? USEC_INFINITY : call->client->request_timeout,
                                        .on_headers = on_request_headers,
                                        .on_data = on_request_data,
                                        .on_done = on_request_done,
                                        .userdata = call,
                        },
                        &call->request);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(owned);

        return 0;
}
