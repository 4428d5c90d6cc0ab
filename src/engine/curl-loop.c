/* SPDX-License-Identifier: Apache-2.0 */

/*
 * libcurl's multi interface asks its user for two things: to watch descriptors and to wait for one point
 * in time. This file gives it both from sd-event, so that requests, the event stream and everything else
 * in the daemon share one thread and one loop.
 *
 * libcurl is never called from inside its own callbacks (curl_multi_assign() is the one function that it
 * allows there): they only store and arm.
 *
 * All sources have the same priority, and libcurl reads about one buffer of a connection for each
 * wake-up. sd-event then serves what is ready in turn: neither can long answers delay the event stream,
 * nor a busy event stream the answers.
 */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/event-timer.h"
#include "base/log.h"
#include "base/usec.h"
#include "engine/curl-loop.h"

/* A descriptor that libcurl wants watched. */
typedef struct Watch Watch;
struct Watch {
        CurlLoop *loop;
        sd_event_source *source; /* NULL while libcurl is not interested in anything */
        Watch *prev, *next;
};

struct CurlLoop {
        sd_event *event;
        CURLM *multi;
        sd_event_source *timer; /* the one point in time that libcurl waits for */
        Watch *watches;
        CurlLoopEndHandler on_end;
        CurlLoopFailureHandler on_failure;
        void *userdata;
        int failure; /* negative: a callback could not do what libcurl asked it for */
        bool busy;
};

static void loop_check(CurlLoop *l) {
        int failure = l->failure;

        if (failure >= 0)
                return;

        log_error("Failed to watch the connections to the engine, ending its requests: %s",
                        strerror(-failure));

        l->failure = 0;
        l->on_failure(failure, l->userdata);
}

/* To be called after libcurl was, outside of its callbacks. */
static void loop_collect(CurlLoop *l) {
        CURLMsg *m;
        int n_left;

        while ((m = curl_multi_info_read(l->multi, &n_left))) {
                CURL *easy = m->easy_handle;
                CURLcode code = m->data.result;

                if (m->msg != CURLMSG_DONE)
                        continue;

                /* The message is gone with this. */
                (void)curl_multi_remove_handle(l->multi, easy);
                l->on_end(easy, code, l->userdata);
        }

        loop_check(l);
}

static void loop_act(CurlLoop *l, curl_socket_t fd, int events) {
        CURLMcode code;
        int n_running;

        l->busy = true;
        code = curl_multi_socket_action(l->multi, fd, events, &n_running);
        l->busy = false;

        if (code != CURLM_OK && l->failure >= 0)
                l->failure = code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;

        loop_collect(l);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Watch *w = userdata;
        int events = 0;

        (void)s;

        /* With neither (only an error or a hang-up) libcurl looks at the socket itself. */
        if (revents & EPOLLIN)
                events |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                events |= CURL_CSELECT_OUT;

        loop_act(w->loop, fd, events);

        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        (void)s;
        (void)usec;

        loop_act(userdata, CURL_SOCKET_TIMEOUT, 0);

        return 0;
}

static void watch_free(Watch *w) {
        DL_DELETE(w->loop->watches, w);
        (void)sd_event_source_disable_unref(w->source);
        free(w);
}

static int watch_new(CurlLoop *l, curl_socket_t fd, Watch **ret) {
        Watch *w;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        w->loop = l;
        DL_APPEND(l->watches, w);

        if (curl_multi_assign(l->multi, fd, w) != CURLM_OK) {
                watch_free(w);
                return -EIO;
        }

        *ret = w;

        return 0;
}

static int watch_set(Watch *w, curl_socket_t fd, int what) {
        uint32_t events = 0;
        int r;

        if (what & CURL_POLL_IN)
                events |= EPOLLIN;
        if (what & CURL_POLL_OUT)
                events |= EPOLLOUT;

        /* A new source instead of new events for the old one: if the descriptor was closed and its number
         * used again, the old registration with epoll went with it, and sd-event would not know. */
        w->source = sd_event_source_disable_unref(w->source);

        if (events == 0)
                return 0;

        r = sd_event_add_io(w->loop->event, &w->source, fd, events, on_io, w);
        if (r < 0)
                return r;

        (void)sd_event_source_set_description(w->source, "engine-connection");

        return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_userdata) {
        CurlLoop *l = userdata;
        Watch *w = socket_userdata;
        int r = 0;

        (void)easy;

        /* The descriptor may be closed already; sd-event does not mind that epoll has forgotten it. */
        if (what == CURL_POLL_REMOVE) {
                (void)curl_multi_assign(l->multi, fd, NULL);
                if (w)
                        watch_free(w);
                return 0;
        }

        if (!w)
                r = watch_new(l, fd, &w);
        if (r >= 0)
                r = watch_set(w, fd, what);

        /* Told to ourselves and not to libcurl, whose multi handle would be unusable for good. */
        if (r < 0)
                l->failure = r;

        return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *userdata) {
        CurlLoop *l = userdata;
        usec_t at = USEC_INFINITY;
        int r;

        (void)multi;

        /* Not sd_event_now(): that is when this turn of the loop began. */
        if (timeout_ms >= 0)
                at = clock_read(CLOCK_MONOTONIC) + (usec_t)timeout_ms * USEC_PER_MSEC;
        r = event_timer_arm(l->timer, at);
        if (r < 0)
                l->failure = r;

        return 0;
}

#define TRY_SET(multi, option, value)                                    \
        do {                                                             \
                if (curl_multi_setopt(multi, option, value) != CURLM_OK) \
                        return -ENOMEM;                                  \
        } while (false)

static int loop_set_multi(CurlLoop *l, long connections_max) {
        l->multi = curl_multi_init();
        if (!l->multi)
                return -ENOMEM;

        TRY_SET(l->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
        TRY_SET(l->multi, CURLMOPT_SOCKETDATA, l);
        TRY_SET(l->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
        TRY_SET(l->multi, CURLMOPT_TIMERDATA, l);
        TRY_SET(l->multi, CURLMOPT_MAXCONNECTS, connections_max);
        TRY_SET(l->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);

        return 0;
}

int curl_loop_new(sd_event *event, long connections_max, CurlLoopEndHandler on_end,
                CurlLoopFailureHandler on_failure, void *userdata, CurlLoop **ret) {
        _cleanup_(curl_loop_freep) CurlLoop *l = NULL;
        static bool initialised = false;
        int r;

        /* Without TLS, which is not spoken and costs memory. It lasts as long as the process. */
        if (!initialised) {
                if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
                        return -ENOMEM;
                initialised = true;
        }

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        l->event = sd_event_ref(event);
        l->on_end = on_end;
        l->on_failure = on_failure;
        l->userdata = userdata;

        r = event_timer_new(event, CLOCK_MONOTONIC, on_timer, l, "engine-timer", &l->timer);
        if (r < 0)
                return r;

        r = loop_set_multi(l, connections_max);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(l);

        return 0;
}

CurlLoop *curl_loop_free(CurlLoop *l) {
        if (!l)
                return NULL;

        assert(!l->busy);

        /* May still call the socket and timer callbacks. */
        if (l->multi)
                (void)curl_multi_cleanup(l->multi);

        while (l->watches)
                watch_free(l->watches);

        (void)sd_event_source_disable_unref(l->timer);
        (void)sd_event_unref(l->event);
        free(l);

        return NULL;
}

int curl_loop_add(CurlLoop *l, CURL *easy) {
        assert(!l->busy);

        if (curl_multi_add_handle(l->multi, easy) != CURLM_OK)
                return -ENOMEM;

        /* Without the timer nothing would ever happen. */
        loop_check(l);

        return 0;
}

void curl_loop_remove(CurlLoop *l, CURL *easy) {
        assert(!l->busy);

        (void)curl_multi_remove_handle(l->multi, easy);

        loop_check(l);
}

bool curl_loop_is_busy(const CurlLoop *l) {
        return l->busy;
}
