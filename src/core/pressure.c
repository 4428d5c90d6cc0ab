/* SPDX-License-Identifier: Apache-2.0 */

#include "core/pressure.h"

const char *pressure_level_name(PressureLevel level) {
        static const char *const names[_PRESSURE_LEVEL_MAX] = {
                [PRESSURE_NORMAL] = "normal",
                [PRESSURE_ELEVATED] = "elevated",
                [PRESSURE_CRITICAL] = "critical",
        };

        return names[level];
}

const char *pressure_cause_name(PressureCause cause) {
        static const char *const names[] = {
                [PRESSURE_MEMORY_AVAILABLE] = "memory-available",
                [PRESSURE_MEMORY_USED] = "memory-used",
                [PRESSURE_DISK_USED] = "disk-used",
                [PRESSURE_DISK_INODES] = "disk-inodes",
                [PRESSURE_STALL] = "stall",
                [PRESSURE_NO_CAUSE] = "none",
        };

        return names[cause];
}

SettingId pressure_setting(PressureCause cause) {
        static const SettingId settings[] = {
                [PRESSURE_MEMORY_AVAILABLE] = SETTING_MEMORY_AVAILABLE_LOW,
                [PRESSURE_MEMORY_USED] = SETTING_MEMORY_USED_HIGH,
                [PRESSURE_DISK_USED] = SETTING_DISK_USED_HIGH,
                [PRESSURE_DISK_INODES] = SETTING_DISK_INODES_HIGH,
                [PRESSURE_STALL] = SETTING_STALL,
                [PRESSURE_NO_CAUSE] = _SETTING_INVALID,
        };

        return settings[cause];
}

bool pressure_is_memory(PressureCause cause) {
        return cause == PRESSURE_MEMORY_AVAILABLE || cause == PRESSURE_MEMORY_USED ||
               cause == PRESSURE_STALL;
}

static void forget_threshold(PressureThreshold *t) {
        *t = (PressureThreshold){ .beyond_since = USEC_INFINITY };
}

void pressure_init(Pressure *p) {
        for (PressureCause cause = 0; cause < _PRESSURE_THRESHOLD_MAX; cause++)
                forget_threshold(&p->thresholds[cause]);
        p->stalled_at = USEC_INFINITY;
        pressure_forget_counter(p);
}

/* What a threshold is about: so much is left of so much. */
typedef struct Room {
        uint64_t left, total;
} Room;

/* False if the figures do not tell. */
static bool room(const NodeFigures *f, PressureCause cause, Room *ret) {
        uint64_t total, part;
        bool is_used;

        switch (cause) {
        case PRESSURE_MEMORY_AVAILABLE:
        case PRESSURE_MEMORY_USED:
                total = f->memory_total;
                part = cause == PRESSURE_MEMORY_USED ? f->memory_free : f->memory_available;
                is_used = false;
                break;
        case PRESSURE_DISK_USED:
                total = f->disk_total;
                part = f->disk_used;
                is_used = true;
                break;
        case PRESSURE_DISK_INODES:
                total = f->inodes_total;
                part = f->inodes_used;
                is_used = true;
                break;
        default:
                return false;
        }
        if (total == 0 || total == FIGURE_UNKNOWN || part == FIGURE_UNKNOWN)
                return false;

        if (part > total)
                part = total;
        *ret = (Room){ .left = is_used ? total - part : part, .total = total };
        return true;
}

unsigned pressure_share(const NodeFigures *f, PressureCause cause) {
        Room r;

        if (!room(f, cause, &r))
                return SHARE_OFF;
        return share_of(cause == PRESSURE_MEMORY_AVAILABLE ? r.left : r.total - r.left, r.total);
}

unsigned pressure_enters(const Settings *s, PressureCause cause) {
        switch (cause) {
        case PRESSURE_MEMORY_AVAILABLE:
                return s->pressure.enabled ? s->pressure.memory_available_low : SHARE_OFF;
        case PRESSURE_MEMORY_USED:
                return s->pressure.enabled ? s->pressure.memory_used_high : SHARE_OFF;
        case PRESSURE_DISK_USED:
                return s->disk.used_high;
        case PRESSURE_DISK_INODES:
                return s->disk.inodes_high;
        default:
                return SHARE_OFF;
        }
}

unsigned pressure_leaves(const Settings *s, PressureCause cause) {
        if (pressure_enters(s, cause) == SHARE_OFF)
                return SHARE_OFF;

        switch (cause) {
        case PRESSURE_MEMORY_AVAILABLE:
                return s->pressure.memory_available_high;
        case PRESSURE_MEMORY_USED:
                return s->pressure.memory_used_low;
        case PRESSURE_DISK_USED:
                return s->disk.used_low;
        default:
                return s->disk.inodes_low;
        }
}

/* Is the entering value passed? Being at it is not enough. */
static bool is_beyond(PressureCause cause, unsigned share, unsigned enters) {
        return cause == PRESSURE_MEMORY_AVAILABLE ? share < enters : share > enters;
}

/* Is the leaving value reached? */
static bool is_left(PressureCause cause, unsigned share, unsigned leaves) {
        return cause == PRESSURE_MEMORY_AVAILABLE ? share >= leaves : share <= leaves;
}

static void sample_threshold(
                PressureThreshold *t, const Settings *s, PressureCause cause, unsigned share, usec_t now) {
        unsigned enters = pressure_enters(s, cause);

        if (enters == SHARE_OFF || share == SHARE_OFF) {
                forget_threshold(t);
                return;
        }

        if (!is_beyond(cause, share, enters))
                t->beyond_since = USEC_INFINITY;
        else if (t->beyond_since == USEC_INFINITY)
                t->beyond_since = now;

        if (t->counts)
                t->counts = !is_left(cause, share, pressure_leaves(s, cause));
        else
                t->counts = t->beyond_since != USEC_INFINITY &&
                            now >= usec_add(t->beyond_since, s->pressure.sustain);
}

void pressure_sample(Pressure *p, const Settings *s, const NodeFigures *f, usec_t now) {
        for (PressureCause cause = 0; cause < _PRESSURE_THRESHOLD_MAX; cause++)
                sample_threshold(&p->thresholds[cause], s, cause, pressure_share(f, cause), now);

        if (!s->pressure.enabled || !s->pressure.stall.on)
                p->stalled_at = USEC_INFINITY;
}

void pressure_stalled(Pressure *p, usec_t now) {
        p->stalled_at = now;
}

void pressure_count_stalls(Pressure *p, const Stall *stall, usec_t total, usec_t now) {
        usec_t elapsed = usec_sub(now, p->counter.at), grown = usec_sub(total, p->counter.total);

        if (p->counter.known && elapsed < stall->window)
                return;
        if (p->counter.known && grown >= stall->threshold &&
                        usec_mul(grown, stall->window) >= usec_mul(elapsed, stall->threshold))
                pressure_stalled(p, now);
        p->counter = (PressureCounter){ .known = true, .total = total, .at = now };
}

void pressure_forget_counter(Pressure *p) {
        p->counter = (PressureCounter){ .known = false };
}

bool pressure_counts(const Pressure *p, PressureCause cause, usec_t now) {
        if (cause < _PRESSURE_THRESHOLD_MAX)
                return p->thresholds[cause].counts;
        return cause == PRESSURE_STALL && p->stalled_at != USEC_INFINITY &&
               now < usec_add(p->stalled_at, PRESSURE_STALL_LASTS);
}

PressureCause pressure_cause(const Pressure *p, usec_t now) {
        PressureCause cause = 0;

        while (cause < PRESSURE_NO_CAUSE && !pressure_counts(p, cause, now))
                cause++;
        return cause;
}

PressureLevel pressure_level(const Pressure *p, usec_t now) {
        switch (pressure_cause(p, now)) {
        case PRESSURE_NO_CAUSE:
                return PRESSURE_NORMAL;
        case PRESSURE_STALL:
                return PRESSURE_ELEVATED;
        default:
                return PRESSURE_CRITICAL;
        }
}

/* --- when to look again --- */

/* While a threshold counts, or waits for Sustain=. */
#define ALERT_PERIOD USEC_PER_SEC
/* A disk fills slowly, and asking for it is a system call of its own. */
#define DISK_PERIOD_MIN USEC_PER_SEC

/* A GiB a second, of memory and of disk alike, and 100,000 inodes. */
#define BYTES_PER_USEC 1074
#define USEC_PER_INODE 10
/* All of memory is not taken to be filled within less: else a small machine, which half a second fills at
 * the rate above, would be looked at ten times a second for days. */
#define FILL_TIME_MIN (4 * USEC_PER_SEC)

/* How long it takes at least to fill this up, at the rates above. */
static usec_t fill_time(PressureCause cause, uint64_t gap, uint64_t total) {
        uint64_t rate = BYTES_PER_USEC;

        if (cause == PRESSURE_DISK_INODES)
                return usec_mul(gap, USEC_PER_INODE);
        if (pressure_is_memory(cause) && total / FILL_TIME_MIN < rate)
                rate = total / FILL_TIME_MIN + 1;
        return gap / rate;
}

/* How long a threshold that is not passed need not be looked at. With more than half left (or, for one
 * beyond half, more than halfway to it) that is the longest time; below, as long as filling the gap takes,
 * and of memory no longer than the gap's part of the whole way makes of the longest time: a larger machine
 * has more hands to fill it. */
static usec_t distance_period(PressureCause cause, const Room *r, unsigned enters) {
        uint64_t at = cause == PRESSURE_MEMORY_AVAILABLE ? share_part(r->total, enters)
                                                         : r->total - share_part(r->total, enters);
        uint64_t far = at <= r->total / 2 ? r->total / 2 : at + (r->total - at) / 2;
        uint64_t gap = r->left > at ? r->left - at : 0;
        usec_t period;

        if (r->left > far)
                return PRESSURE_PERIOD_MAX;

        period = usec_min(fill_time(cause, gap, r->total), PRESSURE_PERIOD_MAX);
        if (!pressure_is_memory(cause))
                return usec_max(period, DISK_PERIOD_MIN);
        return usec_min(period, PRESSURE_PERIOD_MAX / SHARE_ALL * share_of(gap, far - at));
}

/* Each second, and just at the end: the look before that is taken such that the end is not too near. */
static usec_t sustain_period(usec_t remaining) {
        if (remaining <= ALERT_PERIOD)
                return remaining;
        return usec_min(ALERT_PERIOD, remaining - PRESSURE_PERIOD_MIN);
}

static usec_t threshold_period(const PressureThreshold *t, const Settings *s, const NodeFigures *f,
                PressureCause cause, usec_t now) {
        unsigned enters = pressure_enters(s, cause);
        Room r;

        if (enters == SHARE_OFF)
                return USEC_INFINITY;
        if (t->counts)
                return ALERT_PERIOD;
        if (t->beyond_since != USEC_INFINITY)
                return sustain_period(usec_sub(usec_add(t->beyond_since, s->pressure.sustain), now));
        if (!room(f, cause, &r))
                return PRESSURE_PERIOD_MAX;
        return distance_period(cause, &r, enters);
}

usec_t pressure_sample_at(const Pressure *p, const Settings *s, const NodeFigures *f, usec_t now) {
        usec_t period = USEC_INFINITY;

        for (PressureCause cause = 0; cause < _PRESSURE_THRESHOLD_MAX; cause++)
                period = usec_min(period, threshold_period(&p->thresholds[cause], s, f, cause, now));

        return usec_add(now, usec_max(period, PRESSURE_PERIOD_MIN));
}

usec_t pressure_changes_at(const Pressure *p, usec_t now) {
        return pressure_counts(p, PRESSURE_STALL, now) ? usec_add(p->stalled_at, PRESSURE_STALL_LASTS)
                                                       : USEC_INFINITY;
}
