/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_TRANSPORT_H
#define REAPERD_ENGINE_TRANSPORT_H

/*
 * HTTP requests to one engine in the sd-event loop: libcurl's multi interface, driven by sd-event's
 * descriptors and timers. Knows nothing of Docker.
 *
 * The process must ignore SIGPIPE: libcurl is told not to touch signals, and a write to an engine that is
 * gone may raise it.
 */

#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/usec.h"
#include "core/endpoint.h"

/* Caps on what the other side can make us read before a body, and on idle connections. */
#define TRANSPORT_HEADERS_SIZE_MAX (64U * 1024)
#define TRANSPORT_CONNECTIONS_MAX  20L

typedef struct Transport Transport;
typedef struct Request Request;

/* Called once when the status line and headers of the final answer are there, always before any of its
 * body. The handler must not start, cancel or free requests. */
typedef void (*RequestHeadersHandler)(Request *r, long status, void *userdata);

/* Called with each piece of the body, as it arrives. A negative return ends the request with that as its
 * error. The handler must not start, cancel or free requests. */
typedef int (*RequestDataHandler)(Request *r, const void *data, size_t size, void *userdata);

/* Called once at the end, from the event loop and never from inside request_start(). `error` is 0 if a
 * whole answer came (whatever its status), else a negative errno: -ECONNREFUSED, -ENOENT (no socket),
 * -EACCES, -EAFNOSUPPORT (no such sockets for us), -ECONNRESET (cut, or framed wrongly), -ETIMEDOUT,
 * -EHOSTUNREACH (name not resolved, no route), -EBADMSG (not HTTP), -EMSGSIZE (headers over their cap),
 * -ENOMEM, -EIO (else), or what the data handler returned. `status` is 0 if the headers did not come. The
 * handler may start, cancel and free requests, this one and the transport too. */
typedef void (*RequestDoneHandler)(Request *r, int error, long status, void *userdata);

typedef struct RequestOptions {
        const char *method;               /* "GET" or "DELETE" */
        const char *path;                 /* with the query, percent-encoded; copied */
        const char *description;          /* for debug logs; copied */
        usec_t timeout;                   /* for all of it; USEC_INFINITY: none (an event stream) */
        RequestHeadersHandler on_headers; /* may be NULL */
        RequestDataHandler on_data;       /* may be NULL: the body is dropped */
        RequestDoneHandler on_done;
        void *userdata;
} RequestOptions;

/* `endpoint` is copied. libcurl's global state is set up on first use. Returns 0, -ENOMEM or what sd-event
 * returned. */
int transport_new(sd_event *event, const Endpoint *endpoint, Transport **ret);

/* Cancels what is under way (without calling on_done) and releases everything, its Requests included.
 * NULL is fine; returns NULL. Not from inside a callback of libcurl (a data or headers handler). */
Transport *transport_free(Transport *t);

/* Starts a request. *ret belongs to the caller, until request_free(); in on_done it is still his. Returns
 * 0, -ENOMEM, or -EINVAL for another method. Requests to the same engine run in parallel, each on a
 * connection of its own; idle ones are kept for the next. A GET is sent again by libcurl when a kept
 * connection turns out to be closed; a DELETE is sent at most once and then ends with -ECONNRESET:
 * whether it was carried out is for the caller to find out. */
int request_start(Transport *t, const RequestOptions *options, Request **ret);

/* Ends the request if it is under way (on_done is not called) and releases it. NULL is fine; returns
 * NULL. Not from inside on_data or on_headers. */
Request *request_free(Request *r);

DEFINE_CLEANUP(Transport *, transport_free, NULL);
DEFINE_CLEANUP(Request *, request_free, NULL);

#endif
