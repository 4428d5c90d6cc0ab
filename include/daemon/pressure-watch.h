/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_PRESSURE_WATCH_H
#define REAPERD_DAEMON_PRESSURE_WATCH_H

/*
 * Watches how short the node is: a timer that comes sooner the nearer a threshold is, the kernel's stall
 * trigger where there is one, else its counter, and the level that follows (core/pressure). What is done
 * about it is the manager's.
 */

#include <systemd/sd-event.h>

#include "core/endpoint.h"
#include "core/pressure.h"
#include "daemon/steady-clock.h"

typedef struct PressureWatch PressureWatch;

/* A sample was taken, a stall was told, or the moment of pressure_watch_wake_at() has come. Called from the
 * event loop only. */
typedef void (*PressureHandler)(void *userdata);

/* Nothing is watched before pressure_watch_configure(). `clock` is borrowed. */
int pressure_watch_new(sd_event *event, SteadyClock *clock, PressureHandler handler, void *userdata,
                PressureWatch **ret);
PressureWatch *pressure_watch_free(PressureWatch *w);

/* By these settings (borrowed until they are replaced) from now on. What is not to be had on this node is
 * looked for again, and said if it is not what was said before. To be called before the rest. */
void pressure_watch_configure(PressureWatch *w, const Settings *settings);

/* Where the engine listens, so that its own memory can be told. */
void pressure_watch_set_engine(PressureWatch *w, const Endpoint *endpoint);

/* The engine's root directory, whose file system [Disk] is about; NULL: not known. Borrowed until it is
 * replaced. */
void pressure_watch_set_disk(PressureWatch *w, const char *root_dir);

/* Takes a sample now; the handler is not called. */
void pressure_watch_look(PressureWatch *w);

/* By the last sample. */
const Pressure *pressure_watch_state(const PressureWatch *w);
const NodeFigures *pressure_watch_figures(const PressureWatch *w);

/* Calls the handler then (steady) besides; 0: as soon as possible; USEC_INFINITY: not at all. Replaces an
 * earlier one, and ends when it has come. */
void pressure_watch_wake_at(PressureWatch *w, usec_t when);

/* Takes a sample, and all that is to be had besides: dying cgroups, the engine's memory, and the disk.
 * Costs a walk through the cgroups (v1). */
void pressure_watch_measure(PressureWatch *w, NodeFigures *ret);

DEFINE_CLEANUP(PressureWatch *, pressure_watch_free, NULL);

#endif
