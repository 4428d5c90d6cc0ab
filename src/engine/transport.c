/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a request is: how libcurl has to speak to an engine, what its results mean as errno, and when the
 * caller is told.
 *
 * on_done is never called while libcurl or a loop over requests is on the stack: ended requests go to a
 * queue, and a deferred event source takes one of them at a time, so that the handler may free any
 * request or the transport itself.
 */

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/log.h"
#include "engine/curl-loop.h"
#include "engine/transport.h"

/* For engines that are not local: find out that the other machine is gone although nothing is being sent,
 * which on the event stream is the normal state. */
#define KEEPALIVE_IDLE_SEC     60L
#define KEEPALIVE_INTERVAL_SEC 15L

/* Options that need a newer libcurl than the oldest supported. */
#define CURL_HAS_PREREQ        (LIBCURL_VERSION_NUM >= 0x075000)
#define CURL_HAS_PROTOCOLS_STR (LIBCURL_VERSION_NUM >= 0x075500)
#define CURL_HAS_QUICK_EXIT    (LIBCURL_VERSION_NUM >= 0x075700)

typedef enum RequestState {
        REQUEST_RUNNING, /* libcurl has it */
        REQUEST_ENDED,   /* on_done is to be called */
        REQUEST_DONE,    /* on_done was called; the caller has not freed it yet */
        _REQUEST_STATE_MAX,
} RequestState;

struct Request {
        Transport *transport;
        RequestState state;
        Request *prev, *next; /* in the transport's list of this state */
        CURL *easy;
        char *description;
        RequestHeadersHandler on_headers;
        RequestDataHandler on_data;
        RequestDoneHandler on_done;
        void *userdata;
        bool once;           /* must not be sent a second time */
        unsigned n_sent;     /* how often it was about to be sent */
        size_t headers_size; /* so far */
        long status;         /* of the final answer, when its headers are complete; else 0 */
        int error;           /* negative: why it ended, or is to end */
        int socket_errno;    /* why there was no socket to connect with */
};

struct Transport {
        CurlLoop *loop;
        sd_event_source *ended; /* deferred, one-shot; for the first in REQUEST_ENDED */
        char *base;             /* "http://host:port" */
        char *socket_path;      /* NULL: tcp */
        Request *requests[_REQUEST_STATE_MAX];
};

static void request_move(Request *r, RequestState state) {
        Transport *t = r->transport;

        /* It is in that list. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        DL_DELETE(t->requests[r->state], r);
        r->state = state;
        DL_APPEND(t->requests[r->state], r);
}

static void transport_schedule(Transport *t) {
        int e;

        e = sd_event_source_set_enabled(t->ended, SD_EVENT_ONESHOT);
        if (e < 0)
                log_error("Failed to schedule the end of a request: %s", strerror(-e));
}

/* Puts a request that libcurl no longer has into the queue for on_done. */
static void request_end(Request *r, int error) {
        r->error = error;
        request_move(r, REQUEST_ENDED);
        transport_schedule(r->transport);
}

static int on_ended(sd_event_source *s, void *userdata) {
        Transport *t = userdata;
        Request *r = t->requests[REQUEST_ENDED];

        (void)s;

        /* It was freed in the meantime. */
        if (!r)
                return 0;

        request_move(r, REQUEST_DONE);
        if (t->requests[REQUEST_ENDED])
                transport_schedule(t);

        log_debug("Request to the engine ended: %s: status %ld, %s", r->description, r->status,
                        r->error < 0 ? strerror(-r->error) : "complete");

        /* Neither t nor r may be there any more when this returns. */
        r->on_done(r, r->error, r->status, r->userdata);

        return 0;
}

static int connect_error(const Request *r) {
        long e = 0;

        (void)curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &e);
        /* libcurl knows of connect(2) only. */
        if (e == 0)
                e = r->socket_errno;

        switch (e) {
        case ENOENT:
                return -ENOENT;
        case EACCES:
        case EPERM:
                return -EACCES;
        case ETIMEDOUT:
                return -ETIMEDOUT;
        case EAFNOSUPPORT:
                return -EAFNOSUPPORT;
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ENETDOWN:
        case EHOSTDOWN:
        case EADDRNOTAVAIL:
                return -EHOSTUNREACH;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
                return -ENOMEM;
        default:
                return -ECONNREFUSED;
        }
}

static int request_error(const Request *r, CURLcode code) {
        if (r->error < 0)
                return r->error;

        switch (code) {
        case CURLE_OK:
                /* libcurl is content with an answer that was cut inside its headers. */
                return r->status > 0 ? 0 : -ECONNRESET;
        case CURLE_COULDNT_CONNECT:
                return connect_error(r);
        case CURLE_COULDNT_RESOLVE_HOST:
                return -EHOSTUNREACH;
        case CURLE_OPERATION_TIMEDOUT:
                return -ETIMEDOUT;
        case CURLE_GOT_NOTHING:
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
        case CURLE_PARTIAL_FILE:
        case CURLE_ABORTED_BY_CALLBACK: /* on_prereq() */
                return -ECONNRESET;
        case CURLE_UNSUPPORTED_PROTOCOL: /* the answer begins unlike HTTP/1 */
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
                return -EBADMSG;
        case CURLE_OUT_OF_MEMORY:
                return -ENOMEM;
        default:
                return -EIO;
        }
}

static void on_transfer_end(CURL *easy, CURLcode code, void *userdata) {
        Request *r = NULL;

        (void)userdata;

        if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &r) == CURLE_OK && r)
                request_end(r, request_error(r, code));
}

static void on_loop_failure(int error, void *userdata) {
        Transport *t = userdata;
        Request *r;

        while ((r = t->requests[REQUEST_RUNNING])) {
                request_end(r, error);
                curl_loop_remove(t->loop, r->easy);
        }
}

static curl_socket_t on_open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address) {
        Request *r = userdata;
        int fd;

        (void)purpose;

        /* A copy that another program inherits would keep a closed connection open, and registered with
         * epoll. */
        fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
        if (fd < 0)
                r->socket_errno = errno;
        return fd;
}

#if CURL_HAS_PREREQ
static int on_prereq(void *userdata, char *remote_ip, char *local_ip, int remote_port, int local_port) {
        Request *r = userdata;

        (void)remote_ip;
        (void)local_ip;
        (void)remote_port;
        (void)local_port;

        r->n_sent++;

        return r->n_sent > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}
#endif

static bool is_empty_line(const char *data, size_t size) {
        return (size == 1 && data[0] == '\n') || (size == 2 && memcmp(data, "\r\n", 2) == 0);
}

static size_t on_header(char *data, size_t one, size_t size, void *userdata) {
        Request *r = userdata;
        long status = 0;

        (void)one;

        r->headers_size += size;
        if (r->headers_size > TRANSPORT_HEADERS_SIZE_MAX) {
                r->error = -EMSGSIZE;
                return 0;
        }

        /* An empty line ends the headers, of an interim answer (1xx) too. Behind the final ones come only
         * trailers. */
        if (r->status > 0 || !is_empty_line(data, size))
                return size;

        if (curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status < 200)
                return size;

        r->status = status;
        if (r->on_headers)
                r->on_headers(r, status, r->userdata);

        return size;
}

static size_t on_body(char *data, size_t one, size_t size, void *userdata) {
        Request *r = userdata;
        int e;

        (void)one;

        if (size == 0 || !r->on_data)
                return size;

        e = r->on_data(r, data, size, r->userdata);
        if (e < 0) {
                r->error = e;
                return 0;
        }

        return size;
}

/* USEC_INFINITY becomes 0, which is libcurl's "none". Rounded up, so that nothing else does. */
static long timeout_to_curl(usec_t timeout) {
        usec_t msec;

        if (timeout == USEC_INFINITY)
                return 0;

        msec = usec_add(timeout, USEC_PER_MSEC - 1) / USEC_PER_MSEC;

        return msec == 0 ? 1 : msec > INT_MAX ? INT_MAX : (long)msec;
}

#define TRY_SET(easy, option, value)                                   \
        do {                                                           \
                if (curl_easy_setopt(easy, option, value) != CURLE_OK) \
                        return -ENOMEM;                                \
        } while (false)

/* How to connect, and what not to do for it. */
static int easy_set_connection(CURL *easy, const Transport *t) {
        if (t->socket_path)
                TRY_SET(easy, CURLOPT_UNIX_SOCKET_PATH, t->socket_path);
        else {
                TRY_SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
                TRY_SET(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_SEC);
                TRY_SET(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SEC);
        }

        /* An empty proxy also makes libcurl ignore http_proxy and its like in the environment. */
        TRY_SET(easy, CURLOPT_PROXY, "");
        TRY_SET(easy, CURLOPT_NOPROXY, "*");
        TRY_SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
        TRY_SET(easy, CURLOPT_NOSIGNAL, 1L);
        TRY_SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);

#if CURL_HAS_PROTOCOLS_STR
        TRY_SET(easy, CURLOPT_PROTOCOLS_STR, "http");
#else
        TRY_SET(easy, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTP);
#endif
#if CURL_HAS_QUICK_EXIT
        /* Else whoever frees a request while its host name is looked up waits for the look-up. */
        TRY_SET(easy, CURLOPT_QUICK_EXIT, 1L);
#endif

        return 0;
}

/* What to send, and where to put the answer. */
static int easy_set_request(Request *r, const char *url, const RequestOptions *options) {
        TRY_SET(r->easy, CURLOPT_URL, url);
        TRY_SET(r->easy, CURLOPT_PATH_AS_IS, 1L);
        TRY_SET(r->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        TRY_SET(r->easy, CURLOPT_HTTP09_ALLOWED, 0L);
        TRY_SET(r->easy, CURLOPT_FOLLOWLOCATION, 0L);
        TRY_SET(r->easy, CURLOPT_USERAGENT, "reaperd/" REAPERD_VERSION);
        TRY_SET(r->easy, CURLOPT_TIMEOUT_MS, timeout_to_curl(options->timeout));

        if (r->once) {
                TRY_SET(r->easy, CURLOPT_CUSTOMREQUEST, options->method);
#if CURL_HAS_PREREQ
                TRY_SET(r->easy, CURLOPT_PREREQFUNCTION, on_prereq);
                TRY_SET(r->easy, CURLOPT_PREREQDATA, r);
#else
                /* Only on a kept connection does libcurl send again. */
                TRY_SET(r->easy, CURLOPT_FRESH_CONNECT, 1L);
#endif
        }

        TRY_SET(r->easy, CURLOPT_OPENSOCKETDATA, r);
        TRY_SET(r->easy, CURLOPT_HEADERFUNCTION, on_header);
        TRY_SET(r->easy, CURLOPT_HEADERDATA, r);
        TRY_SET(r->easy, CURLOPT_WRITEFUNCTION, on_body);
        TRY_SET(r->easy, CURLOPT_WRITEDATA, r);
        TRY_SET(r->easy, CURLOPT_PRIVATE, r);

        return 0;
}

static int request_set(Request *r, const RequestOptions *options) {
        _cleanup_free_ char *url = NULL;
        int e;

        r->easy = curl_easy_init();
        r->description = strdup(options->description);
        if (!r->easy || !r->description)
                return -ENOMEM;

        if (asprintf(&url, "%s%s", r->transport->base, options->path) < 0) {
                url = NULL;
                return -ENOMEM;
        }

        e = easy_set_connection(r->easy, r->transport);
        if (e < 0)
                return e;

        return easy_set_request(r, url, options);
}

int request_start(Transport *t, const RequestOptions *options, Request **ret) {
        Request *r;
        bool once;
        int e;

        once = strcmp(options->method, "DELETE") == 0;
        if (!once && strcmp(options->method, "GET") != 0)
                return -EINVAL;

        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;

        r->transport = t;
        r->state = REQUEST_RUNNING;
        r->on_headers = options->on_headers;
        r->on_data = options->on_data;
        r->on_done = options->on_done;
        r->userdata = options->userdata;
        r->once = once;
        DL_APPEND(t->requests[r->state], r);

        e = request_set(r, options);
        if (e >= 0)
                e = curl_loop_add(t->loop, r->easy);
        if (e < 0) {
                (void)request_free(r);
                return e;
        }

        *ret = r;

        return 0;
}

Request *request_free(Request *r) {
        Transport *t;

        if (!r)
                return NULL;

        t = r->transport;
        assert(!curl_loop_is_busy(t->loop));

        DL_DELETE(t->requests[r->state], r);
        if (r->state == REQUEST_RUNNING && r->easy)
                curl_loop_remove(t->loop, r->easy);

        curl_easy_cleanup(r->easy);
        free(r->description);
        free(r);

        return NULL;
}

static int transport_set_address(Transport *t, const Endpoint *endpoint) {
        bool ipv6 = strchr(endpoint->host, ':');
        int n;

        if (endpoint->kind == ENDPOINT_UNIX) {
                t->socket_path = strdup(endpoint->path);
                t->base = strdup("http://localhost");

                return t->socket_path && t->base ? 0 : -ENOMEM;
        }

        n = asprintf(&t->base, "http://%s%s%s:%u", ipv6 ? "[" : "", endpoint->host, ipv6 ? "]" : "",
                        (unsigned)endpoint->port);
        if (n < 0) {
                t->base = NULL;
                return -ENOMEM;
        }

        return 0;
}

int transport_new(sd_event *event, const Endpoint *endpoint, Transport **ret) {
        _cleanup_(transport_freep) Transport *t = NULL;
        int e;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;

        e = transport_set_address(t, endpoint);
        if (e < 0)
                return e;

        e = sd_event_add_defer(event, &t->ended, on_ended, t);
        if (e < 0)
                return e;

        (void)sd_event_source_set_description(t->ended, "engine-request-ended");

        e = sd_event_source_set_enabled(t->ended, SD_EVENT_OFF);
        if (e < 0)
                return e;

        e = curl_loop_new(event, TRANSPORT_CONNECTIONS_MAX, on_transfer_end, on_loop_failure, t, &t->loop);
        if (e < 0)
                return e;

        *ret = TAKE_PTR(t);

        return 0;
}

Transport *transport_free(Transport *t) {
        if (!t)
                return NULL;

        /* In this order: a request that ends meanwhile moves to a later list. */
        for (RequestState s = 0; s < _REQUEST_STATE_MAX; s++)
                while (t->requests[s])
                        (void)request_free(t->requests[s]);

        (void)curl_loop_free(t->loop);
        (void)sd_event_source_disable_unref(t->ended);
        free(t->base);
        free(t->socket_path);
        free(t);

        return NULL;
}
