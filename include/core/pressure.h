/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_PRESSURE_H
#define REAPERD_CORE_PRESSURE_H

/*
 * How short the node is: samples of its figures, and stalls, become a level. Each threshold has a value
 * that enters and one that leaves, and must have been passed for Sustain= before it counts, so that the
 * level does not swing. Pure: time and figures are arguments; all times are steady.
 *
 * Critical: a threshold counts. Elevated: tasks stalled for want of memory within PRESSURE_STALL_LASTS.
 * A stall alone is never critical: it also comes from a container that thrashes within its own limit.
 */

#include <stdbool.h>

#include "base/share.h"
#include "core/node-figures.h"
#include "core/settings.h"

/* How long a stall raises the level. */
#define PRESSURE_STALL_LASTS (10 * USEC_PER_SEC)
/* The figures are looked at no more and no less often than this. */
#define PRESSURE_PERIOD_MIN (100 * USEC_PER_MSEC)
#define PRESSURE_PERIOD_MAX (10 * USEC_PER_SEC)

/* Names are stable: logs, tests and the console use them. */
typedef enum PressureLevel {
        PRESSURE_NORMAL,
        PRESSURE_ELEVATED,
        PRESSURE_CRITICAL,
        _PRESSURE_LEVEL_MAX,
} PressureLevel;

typedef enum PressureCause {
        PRESSURE_MEMORY_AVAILABLE, /* MemAvailable of MemTotal is below MemoryAvailableLow= */
        PRESSURE_MEMORY_USED,      /* 1 - MemFree/MemTotal is above MemoryUsedHigh= */
        PRESSURE_DISK_USED,        /* [Disk] UsedHigh= */
        PRESSURE_DISK_INODES,      /* [Disk] InodesHigh= */
        _PRESSURE_THRESHOLD_MAX,
        PRESSURE_STALL = _PRESSURE_THRESHOLD_MAX,
        PRESSURE_NO_CAUSE,
} PressureCause;

const char *pressure_level_name(PressureLevel level); /* "normal", "elevated", "critical" */
const char *pressure_cause_name(PressureCause cause); /* "memory-available", ..., "stall", "none" */

/* The setting whose value enters: MemoryAvailableLow= and so on; of PRESSURE_STALL Stall=. */
SettingId pressure_setting(PressureCause cause);

/* Is it about memory, and not about disk? */
bool pressure_is_memory(PressureCause cause);

/* A counter of stalled time, when it was last looked at. */
typedef struct PressureCounter {
        bool known;
        usec_t total;
        usec_t at;
} PressureCounter;

typedef struct PressureThreshold {
        usec_t beyond_since; /* the entering value is passed in every sample since; USEC_INFINITY: no */
        bool counts;         /* ... for Sustain=, and the leaving value has not been passed since */
} PressureThreshold;

/* A value; initialise with pressure_init(). */
typedef struct Pressure {
        PressureThreshold thresholds[_PRESSURE_THRESHOLD_MAX];
        usec_t stalled_at;       /* the last stall; USEC_INFINITY: there was none */
        PressureCounter counter; /* where no trigger tells of stalls */
} Pressure;

void pressure_init(Pressure *p);

/* The share that a threshold of this cause is compared with; SHARE_OFF if the figures do not tell. */
unsigned pressure_share(const NodeFigures *f, PressureCause cause);
/* The threshold that enters, and the one that leaves, by the settings; SHARE_OFF: turned off, as all of
 * memory are with [Pressure] Enabled=no. */
unsigned pressure_enters(const Settings *s, PressureCause cause);
unsigned pressure_leaves(const Settings *s, PressureCause cause);

/* Takes in a sample. A threshold that is turned off, or whose figure is unknown, does not count (any
 * more), and waits anew; nor does a stall from before Stall= was turned off. Sustain=0: one sample is
 * enough. After a change of settings a sample is to be taken, so that what it turned off is over at once. */
void pressure_sample(Pressure *p, const Settings *s, const NodeFigures *f, usec_t now);

/* Tasks stalled for longer than Stall= allows. */
void pressure_stalled(Pressure *p, usec_t now);

/* Where the kernel does not tell by itself: its counter of stalled time says `total`. Tasks stalled if
 * since it was last looked at, at least a window ago, they did so for as large a part of the time as
 * Stall= asks for, and for its threshold at least. A burst between two looks that lie far apart is thus
 * spread over the time between them. */
void pressure_count_stalls(Pressure *p, const Stall *stall, usec_t total, usec_t now);
/* The next count is the first. */
void pressure_forget_counter(Pressure *p);

bool pressure_counts(const Pressure *p, PressureCause cause, usec_t now);
PressureLevel pressure_level(const Pressure *p, usec_t now);
/* What makes the level: the first threshold that counts, else a stall, else PRESSURE_NO_CAUSE. */
PressureCause pressure_cause(const Pressure *p, usec_t now);

/* When the next sample is to be taken, by the last one, which f is: the soonest of what the thresholds
 * that are on ask for, PRESSURE_PERIOD_MIN to PRESSURE_PERIOD_MAX from now.
 *   - Of memory: sooner the nearer it is, by its part of the way and by how fast memory can be filled; with
 *     more than half left (available; for MemoryUsedHigh= free) PRESSURE_PERIOD_MAX. A threshold that lies
 *     beyond that half is far from halfway to it on.
 *   - Of [Disk]: by how fast it can be filled, each second at most; else the same.
 *   - While one waits for Sustain=, each second and when Sustain= ends; while one counts, each second.
 *   - Unknown: PRESSURE_PERIOD_MAX.
 * USEC_INFINITY if every threshold is off. */
usec_t pressure_sample_at(const Pressure *p, const Settings *s, const NodeFigures *f, usec_t now);

/* When the level may change by time alone (a stall is over); USEC_INFINITY: it does not. */
usec_t pressure_changes_at(const Pressure *p, usec_t now);

#endif
