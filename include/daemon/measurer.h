/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_MEASURER_H
#define REAPERD_DAEMON_MEASURER_H

/*
 * Measures what stopped containers hold, one after the other, in slices between which the event loop sees to
 * everything else.
 */

#include <systemd/sd-event.h>

#include "core/facts.h"
#include "node/page-cache.h"

typedef struct Measurer Measurer;

/* `h` NULL: it was given up. Never called from within the functions below. */
typedef void (*MeasuredHandler)(const ContainerId *id, const Holding *h, void *userdata);

int measurer_new(sd_event *event, MeasuredHandler handler, void *userdata, Measurer **ret);
Measurer *measurer_free(Measurer *m);

/* Takes it on. What is pointed to is copied. Returns 0 or a negative errno: then the handler is not
 * called. */
int measurer_add(Measurer *m, const ContainerId *id, const char *upper_dir, const char *log_path,
                PageCacheMethod method);

/* Gives up all that was taken on. */
void measurer_give_up(Measurer *m);

/* Likewise, but the handler is not called. */
void measurer_forget(Measurer *m);

DEFINE_CLEANUP(Measurer *, measurer_free, NULL);

#endif
