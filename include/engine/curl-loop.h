/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_CURL_LOOP_H
#define REAPERD_ENGINE_CURL_LOOP_H

/*
 * A libcurl multi handle in the sd-event loop: its descriptors and its one timer become event sources.
 * What the transfers are is not known here.
 */

#include <curl/curl.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

typedef struct CurlLoop CurlLoop;

/* A transfer has ended by itself; it is already taken out of the multi handle. The handler may remove other
 * transfers, but must not free the loop. */
typedef void (*CurlLoopEndHandler)(CURL *easy, CURLcode code, void *userdata);

/* Transfers can no longer be driven (no memory, no more descriptors to watch): the handler must remove
 * all of them. New ones may be added later. Also called from inside curl_loop_add() and
 * curl_loop_remove(). */
typedef void (*CurlLoopFailureHandler)(int error, void *userdata);

/* `connections_max`: how many idle connections are kept. Sets up libcurl's global state on first use.
 * Returns 0, -ENOMEM or what sd-event returned. */
int curl_loop_new(sd_event *event, long connections_max, CurlLoopEndHandler on_end,
                CurlLoopFailureHandler on_failure, void *userdata, CurlLoop **ret);

/* Transfers must have been removed. Closes the kept connections. NULL is fine; returns NULL. */
CurlLoop *curl_loop_free(CurlLoop *l);

/* Starts a transfer, resp. takes one out, whatever its state. Neither calls on_end. Adding returns 0 or
 * -ENOMEM. */
int curl_loop_add(CurlLoop *l, CURL *easy);
void curl_loop_remove(CurlLoop *l, CURL *easy);

/* Is libcurl at work (a callback of it is running), so that it must not be called? */
bool curl_loop_is_busy(const CurlLoop *l);

DEFINE_CLEANUP(CurlLoop *, curl_loop_free, NULL);

#endif
