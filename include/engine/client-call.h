/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_CLIENT_CALL_H
#define REAPERD_ENGINE_CLIENT_CALL_H

/*
 * One call to the engine from its request to its handler; the inside of engine/client.h, for
 * engine/client*.c only.
 *
 * The kind of a call says what becomes of the body: one object that is kept and decoded at the end
 * (version, info, swarm, inspect), a stream that is cut into objects as it comes (lists, events), a stream
 * of which the end is kept (log), or nothing (remove).
 */

#include "engine/client.h"
#include "engine/json-frame.h"
#include "engine/log-frame.h"
#include "engine/transport.h"

typedef enum EngineCallKind {
        CALL_VERSION,
        CALL_INFO,
        CALL_SWARM,
        CALL_INSPECT,
        CALL_REMOVE,
        CALL_LOG,
        CALL_LIST,
        CALL_SERVICES,
        CALL_RING,
        CALL_SUBSCRIBE,
} EngineCallKind;

typedef struct EngineBuffer {
        char *data;
        size_t size;
        size_t allocated;
} EngineBuffer;

struct EngineClient {
        sd_event *event;
        Transport *transport;
        usec_t request_timeout;
        ApiVersion api;
        EngineCall *calls;
};

struct EngineCall {
        EngineClient *client;
        EngineCall *prev, *next;
        EngineCallKind kind;
        union {
                EngineVersionHandler version;
                EngineInfoHandler info;
                EngineSwarmHandler swarm;
                EngineDetailHandler detail;
                EngineDoneHandler done;
                EngineLogHandler log;
        } on_done;
        EngineSummaryHandler on_element;
        EngineServiceHandler on_service;
        EngineEventHandler on_event;
        EngineOpenHandler on_open;
        void *userdata;

        Request *request;
        ContainerId id;    /* inspect: the one that was asked about */
        long status;       /* 0 until the headers are complete */
        int error;         /* negative: our own reason to end the request */
        EngineBuffer body; /* an object, an error's text, or events that came before on_open */
        JsonFrame *frame;
        size_t n_passed_over;
        LogFrame *log; /* log: the end of it... */
        LogFrameMode log_mode;
        size_t log_size; /* ... and how much body was read for it */

        sd_event_source *header_timer; /* subscribe: until the headers of a 200 */
        sd_event_source *open_source;  /* subscribe: calls on_open */
        bool opened;
        bool *released; /* where to tell that the call was freed */
};

/* A call of this kind without handlers. Returns NULL if out of memory. */
EngineCall *engine_call_new(EngineClient *c, EngineCallKind kind, void *userdata);

/* Starts it. Takes over call and path (NULL: out of memory) whatever happens. Returns 0 with the call in
 * *ret, or a negative errno. */
int engine_call_start(EngineCall *call, char *path, const char *description, EngineCall **ret);

/* The end of each kind (client-answer.c): the answer is decoded, if there is a good one, and handed out.
 * Nothing of the call may be used afterwards. `error` is the call's result so far. */
void engine_call_answer(EngineCall *call, int error, const char *message);

#endif
