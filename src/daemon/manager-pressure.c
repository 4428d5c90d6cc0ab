/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "daemon/record-pressure.h"

/* Tasks may stall on and off for hours: that the level is elevated is said no more often than this. */
#define ELEVATED_SAID_EVERY (10 * USEC_PER_MINUTE)

static usec_t steady_now(const Manager *m) {
        return steady_clock_now(m->clock).steady;
}

static PressureTelling telling(const Manager *m, usec_t now) {
        const Pressure *p = pressure_watch_state(m->watch);
        PressureTelling t = { .level = pressure_level(p, now), .cause = relief_cause(&m->relief, p, now) };

        if (t.cause == PRESSURE_NO_CAUSE)
                t.cause = pressure_cause(p, now);
        t.share = pressure_share(pressure_watch_figures(m->watch), t.cause);
        t.given_up = relief_has_given_up(&m->relief, t.cause, now);
        return t;
}

PressureTelling manager_pressure_telling(const Manager *m) {
        if (m->watch)
                return telling(m, steady_now(m));
        return (PressureTelling){ .level = PRESSURE_NORMAL, .cause = PRESSURE_NO_CAUSE, .share = SHARE_OFF };
}

/* Says what has changed since it was last said. */
static void say_level(Manager *m, usec_t now) {
        PressureTelling t = telling(m, now);

        /* Then nothing comes of it. */
        if (t.cause == PRESSURE_STALL && t.given_up)
                t = (PressureTelling){ .level = PRESSURE_NORMAL, .cause = PRESSURE_NO_CAUSE };
        if (t.level == m->level_said && t.cause == m->cause_said)
                return;
        if (t.level == PRESSURE_ELEVATED && m->level_said == PRESSURE_NORMAL) {
                if (m->elevated_said_at != 0 && now < usec_add(m->elevated_said_at, ELEVATED_SAID_EVERY))
                        return;
                m->elevated_said_at = now;
        }

        record_pressure_level(t.level, m->level_said, t.cause, t.share, m->settings);
        if (t.level == PRESSURE_CRITICAL)
                m->nothing_left_said = false;
        m->level_said = t.level;
        m->cause_said = t.cause;
        console_tell_pressure(m, t.level, t.cause, t.given_up);
        manager_tell_status(m);
}

/* One of the batch goes its ordinary way again. */
static void release(Manager *m, Container *c, usec_t now) {
        c->batch_rank = 0;
        manager_reschedule(m, c, now);
}

/* Releases those of the batch that turned out to stay, or that failed. Returns whether one of it is
 * still to be removed, or in hand: also if it was released meanwhile its DELETE may be on its way. */
static bool sweep_batch(Manager *m, usec_t now) {
        bool open = false;

        for (size_t i = 0; i < m->n_batch; i++) {
                Container *c = registry_find(m->registry, &m->batch[i]);
                Decision d;

                if (c && c->claimed)
                        open = true;
                if (!c || c->claimed || c->batch_rank == 0)
                        continue;
                d = policy_decide(c, &m->situation, now);
                if (!c->gone && verdict_may_remove(d.verdict) && d.due <= now)
                        open = true;
                else
                        release(m, c, now);
        }
        return open;
}

/* The rest of the batch stays, but for what is being removed already. */
static void release_batch(Manager *m, usec_t now) {
        for (size_t i = 0; i < m->n_batch; i++) {
                Container *c = registry_find(m->registry, &m->batch[i]);

                if (c && c->batch_rank != 0)
                        release(m, c, now);
        }
}

static size_t list_users(PressureCause cause, MemoryUser *users) {
        MemoryCgroups cgroups;
        int n = -ENOENT;

        if (pressure_is_memory(cause) && memory_cgroups_find("/proc", &cgroups) >= 0)
                n = memory_cgroups_top(&cgroups, users, RECORD_TOP_USERS_MAX);
        return n > 0 ? (size_t)n : 0;
}

static void say_nothing_left(Manager *m, PressureCause cause) {
        MemoryUser users[RECORD_TOP_USERS_MAX];
        size_t n_users;

        if (m->nothing_left_said)
                return;
        m->nothing_left_said = true;
        n_users = list_users(cause, users);
        record_pressure_nothing(cause, pressure_share(pressure_watch_figures(m->watch), cause),
                        registry_count_stopped(m->registry), users, n_users);
}

static void begin_batch(Manager *m, PressureCause cause, usec_t now) {
        Container *chosen[RELIEF_BATCH_MAX];
        NodeFigures before;
        size_t n;

        n = relief_select(m->registry, m->settings, &m->situation, cause, now, chosen,
                        m->settings->pressure.batch_size);
        if (n == 0) {
                say_nothing_left(m, cause);
                return;
        }

        pressure_watch_measure(m->watch, &before);
        relief_begin(&m->relief, cause, &before);
        m->nothing_left_said = false;
        m->situation.pressure_by = pressure_setting(cause);
        for (size_t i = 0; i < n; i++) {
                m->batch[i] = chosen[i]->id;
                chosen[i]->batch_rank = (uint8_t)(i + 1);
                manager_reschedule(m, chosen[i], now);
        }
        m->n_batch = n;
        log_debug("Against pressure (%s) go: %zu", pressure_cause_name(cause), n);
}

static void judge_batch(Manager *m, usec_t now) {
        MemoryUser users[RECORD_TOP_USERS_MAX];
        ReliefReport report;
        NodeFigures after;
        size_t n_users;

        pressure_watch_measure(m->watch, &after);
        manager_tell_status(m);
        if (m->options.dry_run) {
                /* Nothing was removed that could have helped. */
                report = (ReliefReport){ .batch = m->relief.batch, .after = after };
                relief_abort(&m->relief);
                record_pressure_batch(&report, m->settings, true);
                return;
        }

        relief_judge(&m->relief, m->settings, &after, now, &report);
        record_pressure_batch(&report, m->settings, false);
        console_tell_batch(m, &report);
        if (!report.gave_up)
                return;
        n_users = list_users(report.batch.cause, users);
        record_pressure_gave_up(&report, m->settings, users, n_users);
}

/* By this level from now on. */
static void set_level(Manager *m, usec_t now) {
        const Pressure *p = pressure_watch_state(m->watch);
        PressureLevel level = relief_level(&m->relief, p, now);
        bool calm = pressure_level(p, now) == PRESSURE_NORMAL;

        if (level == m->situation.pressure && calm == m->calm)
                return;
        m->situation.pressure = level;
        m->calm = calm;
        if (!calm)
                measurer_give_up(m->measurer);
        manager_reschedule_all(m);
        manager_cap_changed(m); /* others go by themselves now */
        manager_tell_status(m);
}

/* Goes on with what is done against pressure, as far as it can go now. */
static void advance(Manager *m, usec_t now) {
        const Container *first;
        PressureCause cause;

        if (m->relief.phase == RELIEF_REMOVING) {
                /* Another cause would have chosen others. */
                if (!pressure_counts(pressure_watch_state(m->watch), m->relief.batch.cause, now))
                        release_batch(m, now);
                if (!sweep_batch(m, now))
                        relief_removals_ended(&m->relief, m->settings, now);
        }
        if (m->relief.phase == RELIEF_COOLING && now >= m->relief.cool_until) {
                judge_batch(m, now);
                set_level(m, now);
        }
        if (m->relief.phase != RELIEF_RESTING || m->situation.pressure != PRESSURE_CRITICAL ||
                        !m->situation.engine_connected || m->situation.reloading || m->replacing ||
                        now < m->situation.paused_until)
                return;

        /* What goes anyway may be enough. */
        first = registry_first_due(m->registry);
        if (first && first->look_at <= now)
                return;
        pressure_watch_look(m->watch);
        set_level(m, now);
        cause = relief_cause(&m->relief, pressure_watch_state(m->watch), now);
        if (cause != PRESSURE_NO_CAUSE)
                begin_batch(m, cause, now);
}

static void on_pressure(void *userdata) {
        Manager *m = userdata;
        usec_t now = steady_now(m);

        if (m->stopping)
                return;
        say_level(m, now);
        set_level(m, now);
        advance(m, now);
        pressure_watch_wake_at(m->watch, relief_changes_at(&m->relief, now));
        manager_wake(m);
}

void manager_pressure_soon(Manager *m) {
        if (m->watch && m->relief.phase == RELIEF_REMOVING)
                pressure_watch_wake_at(m->watch, 0);
}

/* At the elevated level there are no batches. */
static bool is_of_batch(const Decision *d) {
        return d->verdict == VERDICT_PRESSURE && d->setting != SETTING_ELEVATED_FACTOR;
}

void manager_pressure_removed(Manager *m, const Container *c, const Decision *d) {
        relief_removed(&m->relief, registry_holding(m->registry, c), is_of_batch(d));
}

void manager_pressure_unanswered(Manager *m, const Decision *d) {
        if (is_of_batch(d))
                relief_unanswered(&m->relief);
}

/* What is being removed is waited for and judged all the same: else an engine that comes and goes, or
 * one reload after the other, would have batch follow batch without end. */
void manager_pressure_suspend(Manager *m) {
        if (!m->watch)
                return;
        if (m->registry)
                release_batch(m, steady_now(m));
        measurer_give_up(m->measurer);
}

void manager_pressure_configure(Manager *m) {
        if (!m->watch)
                return;
        manager_pressure_suspend(m);
        m->relief.cool_until = usec_min(
                        m->relief.cool_until, usec_add(steady_now(m), m->settings->pressure.cool_down));
        pressure_watch_configure(m->watch, m->settings);
        pressure_watch_wake_at(m->watch, 0);
}

char *manager_pressure_format(const Manager *m, char *buf, size_t size) {
        char share[SHARE_TEXT_MAX];
        PressureTelling t;

        buf[0] = '\0';
        if (!m->watch)
                return buf;

        t = telling(m, steady_now(m));
        if (t.level == PRESSURE_NORMAL)
                return buf;
        if (t.cause != PRESSURE_STALL)
                snprintf(buf, size, "pressure %s (%s %s)", t.given_up ? "given up" : "critical",
                                pressure_cause_name(t.cause), share_format(share, t.share));
        else
                snprintf(buf, size, t.given_up ? "pressure given up (stall)" : "pressure elevated");
        return buf;
}

int manager_set_up_pressure(Manager *m, const Endpoint *endpoint) {
        int r;

        /* What another engine's containers and disk have shown says nothing about this one's. */
        relief_init(&m->relief);
        m->n_batch = 0;
        if (m->watch && !m->elsewhere) {
                pressure_watch_set_engine(m->watch, endpoint);
                return 0;
        }

        m->calm = true;
        m->level_said = PRESSURE_NORMAL;
        m->cause_said = PRESSURE_NO_CAUSE;
        m->situation.pressure = PRESSURE_NORMAL;
        m->situation.pressure_by = _SETTING_INVALID;
        m->watch = pressure_watch_free(m->watch);

        /* A single pass does not wait, and what is short here says nothing about another host. */
        if (m->options.once || m->elsewhere)
                return 0;
        r = pressure_watch_new(m->event, m->clock, on_pressure, m, &m->watch);
        if (r < 0)
                return r;
        pressure_watch_set_engine(m->watch, endpoint);
        manager_pressure_configure(m);
        return 0;
}
