/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/event-timer.h"
#include "base/log.h"
#include "core/cap.h"
#include "core/slot.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "daemon/record.h"
#include "daemon/retry.h"

static Decision decide(const Manager *m, const Container *c, usec_t now) {
        return policy_decide(c, &m->situation, now);
}

/* The engine may still be at a DELETE whose answer never came. */
static usec_t sent_look_at(const Container *c) {
        return c->looked_at > c->retry_at ? usec_add(c->looked_at, REMOVING_LOOK_INTERVAL) : c->retry_at;
}

/* When is it to be looked at next, for its own sake or because another's fate hangs on it? */
static usec_t look_at(const Manager *m, const Container *c, const Decision *d) {
        usec_t due = d->due, allowed = policy_allows_at(c, &m->situation);
        bool known = d->exact && c->scope != SCOPE_UNKNOWN;

        /* A batch goes in its order, before what is due besides. */
        if (c->batch_rank != 0 && d->verdict == VERDICT_PRESSURE)
                due = c->batch_rank;
        due = usec_min(due, manager_measure_at(m, c));
        if (c->wanted && !known && c->slot && !c->quarantined)
                due = usec_min(due, allowed);
        /* Its DELETE was sent, so its end is to be recorded, whatever is thought of it by now. */
        if (c->sent_verdict != 0 && !c->quarantined)
                due = usec_min(due, sent_look_at(c));
        /* Should its label lie, another rule holds for it, and by that it may be due from its floor on. */
        if (m->reap_others && c->scope == SCOPE_UNKNOWN && c->labelled && c->slot)
                due = usec_min(due, usec_max(allowed, usec_add(slot_order(c), MINIMUM_AGE_FLOOR)));
        return c->scope == SCOPE_UNKNOWN ? usec_max(due, m->situation.ask_again_at) : due;
}

/* Has the exact end of a container asked for, and whether it is a task at all, since another's place among
 * the last cannot be told without it. */
static void want(Manager *m, const ContainerId *id, usec_t now) {
        Container *c = registry_find(m->registry, id);
        Decision d;

        if (!c || c->claimed || c->wanted)
                return;
        c->wanted = true;
        d = decide(m, c, now);
        registry_schedule(m->registry, c, look_at(m, c, &d));
}

void manager_reschedule(Manager *m, Container *c, usec_t now) {
        Decision d;

        if (c->claimed)
                return;
        if (c->gone) {
                registry_schedule(m->registry, c, USEC_INFINITY);
                return;
        }

        d = decide(m, c, now);
        if (c->slot)
                slot_set_kept(c, d.keep_last, d.keep_failure);
        if (d.ask)
                want(m, &d.ask->id, now);
        if (m->requests)
                manager_request_judge(m, c, &d, now);
        registry_schedule(m->registry, c, look_at(m, c, &d));
}

/* Kept ones that have the same profile, and are kept for the same reason, go in the order of their
 * ends: when the oldest of them stays, so do the others. More kinds than this in one slot are decided
 * one by one. */
#define KINDS_MAX 8

typedef struct Kind {
        const Profile *profile;
        bool keep_failure;
} Kind;

void manager_slot_changed(Manager *m, const Container *c, usec_t now) {
        Container *other = c->slot && c->slot->n_kept > 0 ? c->slot->newest : NULL, *previous;
        unsigned n_kept = other ? c->slot->n_kept : 0;
        const Container *newest = other;
        Kind staying[KINDS_MAX];
        size_t n_staying = 0;

        /* The oldest kept one; they are all near the newest end. */
        for (unsigned left = n_kept; other && (left -= other->kept_last) > 0;)
                other = other->slot_next;

        for (; other && n_kept > 0; other = previous) {
                bool known = false;

                previous = other != newest ? other->slot_prev : NULL;
                if (!other->kept_last)
                        continue;
                n_kept--;
                for (size_t i = 0; i < n_staying; i++)
                        known = known || (staying[i].profile == other->profile &&
                                                         staying[i].keep_failure == other->kept_failure);
                if (known || other == c)
                        continue;
                manager_reschedule(m, other, now);
                if (other->kept_last && n_staying < KINDS_MAX)
                        staying[n_staying++] = (Kind){ other->profile, other->kept_failure };
        }
}

void manager_cap_changed(Manager *m) {
        if (m->settings->max_stopped == COUNT_INFINITY)
                return;
        m->cap_dirty = true;
        (void)sd_event_source_set_enabled(m->cap_source, SD_EVENT_ONESHOT);
}

static int on_cap(sd_event_source *source, void *userdata) {
        (void)source;
        manager_wake(userdata);
        return 0;
}

int manager_set_up_cap(Manager *m) {
        int r;

        r = sd_event_add_defer(m->event, &m->cap_source, on_cap, m);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(m->cap_source, "max-stopped");
        /* Behind all that the engine has to say. */
        (void)sd_event_source_set_priority(m->cap_source, SD_EVENT_PRIORITY_IDLE);
        return sd_event_source_set_enabled(m->cap_source, SD_EVENT_OFF);
}

/* Which containers are too many? */
static void select_over_cap(Manager *m, usec_t now) {
        bool changed;
        int r;

        if (!m->cap_dirty)
                return;
        m->cap_dirty = m->cap_stale = false;
        r = cap_select(m->registry, m->settings->max_stopped, &m->situation, now, &changed);
        if (r < 0) {
                log_error("Cannot tell which containers are too many: %s", strerror(-r));
                m->cap_dirty = true;
        } else if (changed)
                manager_reschedule_all(m);
}

void manager_reschedule_all(Manager *m) {
        usec_t now = steady_clock_now(m->clock).steady;

        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                manager_reschedule(m, c, now);
}

void manager_arm_due_timer(Manager *m) {
        /* With all hands full, the end of one looks for more by itself: a timer that has passed would
         * spin. */
        bool wanted = m->situation.engine_connected && !m->stopping && !m->replacing &&
                      reaper_in_flight(m->reaper) < m->settings->parallelism;
        const Container *c = wanted ? registry_first_due(m->registry) : NULL;

        (void)event_timer_arm(
                        m->due_timer, c ? steady_clock_to_boottime(m->clock, c->look_at) : USEC_INFINITY);
}

void manager_wake(Manager *m) {
        if (m->situation.engine_connected && !m->stopping && !m->replacing)
                reaper_wake(m->reaper);
        manager_arm_due_timer(m);
}

/* Asking whether containers are Swarm tasks failed. */
static void ask_again(Manager *m, int error, const char *message) {
        log_info("Asking which containers are Swarm tasks failed: %.512s. Trying again",
                        request_problem(error, message));
        m->situation.ask_again_at = usec_add(steady_clock_now(m->clock).steady, m->settings->retry_initial);
        if (m->options.once) {
                m->pass_failed = true;
                m->situation.ask_again_at = USEC_INFINITY;
        }
        manager_reschedule_all(m);
}

static bool on_next(ContainerId *ret, void *userdata) {
        Manager *m = userdata;
        usec_t now = steady_clock_now(m->clock).steady;
        bool ask = false, found = false;
        Container *c;
        int r;

        if (m->situation.engine_connected)
                select_over_cap(m, now);

        while (m->situation.engine_connected && (c = registry_first_due(m->registry)) && c->look_at <= now) {
                manager_reschedule(m, c, now);
                if (c->look_at > now)
                        continue;
                /* Out of the queue until the engine has said what it is, or what became of it. */
                registry_schedule(m->registry, c, USEC_INFINITY);
                if (c->scope == SCOPE_UNKNOWN)
                        ask = true;
                else {
                        c->claimed = true;
                        *ret = c->id;
                        found = true;
                        break;
                }
        }

        if (ask) {
                r = membership_ask(m->membership);
                if (r < 0)
                        ask_again(m, r, NULL);
        }
        if (!found)
                manager_arm_due_timer(m);
        return found;
}

static bool takes_volumes(const Container *c, RemoveVolumes volumes) {
        return volumes == REMOVE_VOLUMES_ALWAYS ||
               (volumes == REMOVE_VOLUMES_SWARM && c->scope == SCOPE_TASK);
}

/* By the exact values. */
static Decision confirmed(Manager *m, Container *c, usec_t now) {
        Decision d;

        select_over_cap(m, now);
        d = decide(m, c, now);
        if (d.verdict != VERDICT_OVER_CAP || !m->cap_stale)
                return d;

        /* Chosen before others went, of which it could not be known. */
        c->over_cap = false;
        m->cap_dirty = true;
        select_over_cap(m, now);
        return decide(m, c, now);
}

static int on_confirm(const ContainerId *id, const ContainerDetail *detail, ReapOrder *ret, void *userdata) {
        Manager *m = userdata;
        Container *c = registry_find(m->registry, id);
        Instant now = steady_clock_now(m->clock);
        Decision d;
        int r;

        if (!c)
                return -ENOENT;
        r = registry_apply_detail(m->registry, c, detail, &now);
        if (r < 0)
                return r;

        d = confirmed(m, c, now.steady);
        *ret = (ReapOrder){
                .decision = d, .tty = c->tty, .measure = manager_is_to_be_measured(m, c, now.steady)
        };
        if (c->profile) {
                ret->volumes = takes_volumes(c, c->profile->retention.remove_volumes);
                if (d.outcome == OUTCOME_FAILURE || d.outcome == OUTCOME_OOM_KILLED)
                        ret->log_lines = c->profile->retention.log_tail;
        }
        manager_slot_changed(m, c, now.steady);
        if (!verdict_removes(d.verdict))
                manager_cap_changed(m);
        return 0;
}

static void on_failure(Manager *m, Container *c, int error, const char *message, usec_t now) {
        char label[CONTAINER_LABEL_MAX];
        RetryVerdict verdict;

        verdict = retry_after_failure(c, m->settings, m->options.once, error, now);
        if (verdict == RETRY_LATER) {
                log_info(error == -EBUSY ? "The engine does not remove %s now: %.512s. Looking again"
                                         : "Removing %s failed: %.512s. Trying again",
                                container_label(label, sizeof(label), c), request_problem(error, message));
                /* The engine may be gone without having closed the stream of its events. */
                if (c->connection_trouble && !m->options.once && !m->stopping &&
                                m->situation.engine_connected)
                        manager_reconnect(m, error, message);
                return;
        }

        m->figures.failed++;
        if (verdict == RETRY_QUARANTINE) {
                record_quarantine(c, c->attempts, error, message);
                console_tell_quarantined(m, c, request_problem(error, message));
        } else
                log_error("Removing %s failed %u times, the last time with: %.512s",
                                container_label(label, sizeof(label), c), c->attempts,
                                request_problem(error, message));
}

/* By the decision that its DELETE was sent on; the answer came, or never did. */
static void on_removed(Manager *m, Container *c, const Decision *d, const ReapReport *report) {
        const Holding *held = registry_holding(m->registry, c);
        bool dry_run = report->result == REAP_WOULD_REMOVE;
        const Removal *noted = NULL;
        uint64_t serial;

        serial = manager_note_removal(m, c, d, dry_run, held, c->attempts + 1U);
        if (report->sent)
                manager_removing_ended(m, serial, report->took);
        if (serial != 0)
                noted = removal_history_last(m->history);
        record_removal(c, d,
                        &(RemovalRecord){
                                        .attempt = c->attempts + 1U,
                                        .dry_run = dry_run,
                                        .held = held,
                                        .observed = noted && noted->observed_of == 1 ? &noted->observed
                                                                                     : NULL,
                                        .log_tail = report->log,
                                        .log_size = report->log_size,
                        });
        if (noted)
                console_tell_removed(m, noted);
        manager_pressure_removed(m, c, d);
        if (d->verdict != VERDICT_OVER_CAP)
                m->cap_stale = true;
}

/* Our own DELETE, whose answer never came, has done its work. */
static void record_sent(Manager *m, Container *c, const ReapReport *report, usec_t now) {
        Decision sent = decide(m, c, now);

        sent.verdict = c->sent_verdict;
        sent.setting = c->sent_setting < _SETTING_MAX ? (SettingId)c->sent_setting : _SETTING_INVALID;
        on_removed(m, c, &sent, report);
}

void manager_destroyed(Manager *m, Container *c, usec_t now) {
        const ReapReport report = { .result = REAP_ALREADY_GONE };

        if (c->claimed || c->sent_verdict == 0)
                return;
        record_sent(m, c, &report, now);
        manager_request_done(m, &c->id, NULL, &report);
        registry_forget(m->registry, c);
        manager_tell_status(m);
}

static void on_done(const ContainerId *id, const ReapReport *report, void *userdata) {
        Manager *m = userdata;
        Container *c = registry_find(m->registry, id);
        usec_t now = steady_clock_now(m->clock).steady;

        if (!c) {
                if (report->sent)
                        manager_removing_ended(m, 0, report->took);
                return;
        }
        manager_pressure_soon(m);

        switch (report->result) {
        case REAP_REMOVED:
                on_removed(m, c, report->decision, report);
                manager_request_done(m, id, NULL, report);
                registry_forget(m->registry, c);
                c = NULL;
                break;
        case REAP_WOULD_REMOVE:
                on_removed(m, c, report->decision, report);
                manager_request_done(m, id, c, report);
                registry_set_gone(m->registry, c);
                break;
        case REAP_ALREADY_GONE:
                if (c->sent_verdict != 0)
                        record_sent(m, c, report, now);
                else {
                        manager_cap_changed(m);
                        m->already_gone++;
                        if (report->sent)
                                manager_removing_ended(m, 0, report->took);
                        log_debug("%s is gone already", c->name ? c->name : "A container");
                }
                manager_request_done(m, id, NULL, report);
                registry_forget(m->registry, c);
                c = NULL;
                break;
        case REAP_KEPT:
                log_debug("Keeping %s: %s", c->name ? c->name : "a container",
                                verdict_name(report->decision->verdict));
                break;
        case REAP_CONFLICT:
        case REAP_FAILED:
                if (report->decision && engine_error_is_connection(report->error)) {
                        c->sent_verdict = (uint8_t)report->decision->verdict;
                        c->sent_setting = (uint8_t)report->decision->setting;
                        manager_pressure_unanswered(m, report->decision);
                }
                if (report->sent)
                        manager_removing_ended(m, 0, report->took);
                on_failure(m, c, report->error, report->message, now);
                manager_request_done(m, id, c, report);
                break;
        }

        if (c) {
                if (!registry_release(m->registry, c))
                        manager_list_soon(m);
                manager_reschedule(m, c, now);
                manager_slot_changed(m, c, now);
                manager_cap_changed(m);
        }
        manager_tell_status(m); /* the reaper looks for the next by itself, and so arms the timer */
}

static void print_summary(const Manager *m) {
        size_t kept = 0;

        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                kept += registry_tracks(c) && !c->quarantined;

        log_notice("%" PRIu64 " %s, %zu already gone, %" PRIu64 " failed, %zu kept", m->figures.removed,
                        m->options.dry_run ? "would be removed" : "removed", m->already_gone,
                        m->figures.failed, kept);
}

static void on_idle(void *userdata) {
        Manager *m = userdata;
        const Container *c = registry_first_due(m->registry);

        if (m->stopping) {
                manager_finish(m, 0);
                return;
        }
        if (m->replacing) {
                (void)sd_event_source_set_enabled(m->replace_source, SD_EVENT_ONESHOT);
                return;
        }

        if (!m->options.once || !m->situation.engine_connected || membership_running(m->membership))
                return;
        if (c && c->look_at <= steady_clock_now(m->clock).steady)
                return; /* not without the engine's word, which is on its way */

        print_summary(m);
        manager_finish(m, m->figures.failed > 0 || m->pass_failed ? 1 : 0);
}

/* What turned out to be no task in spite of its labels: which rule lets it in, if any, a list tells. */
static void list_disowned(Manager *m) {
        if (!m->reap_others)
                return;
        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                if (c->scope == SCOPE_OTHER && c->labelled && !c->listed_other) {
                        manager_list_soon(m);
                        return;
                }
}

void manager_on_membership(int error, const char *message, void *userdata) {
        Manager *m = userdata;

        if (error < 0)
                ask_again(m, error, message);
        else {
                list_disowned(m);
                manager_reschedule_all(m);
        }
        manager_wake(m);
}

const ReaperHandlers manager_reaper_handlers = {
        .next = on_next,
        .confirm = on_confirm,
        .measure = manager_measure,
        .removing = manager_removing,
        .done = on_done,
        .idle = on_idle,
};
