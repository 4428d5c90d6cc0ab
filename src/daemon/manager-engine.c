/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/event-timer.h"
#include "base/log.h"
#include "base/time-span.h"
#include "core/backoff.h"
#include "core/endpoint.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "daemon/record.h"
#include "daemon/retry.h"

/* The node counts as being in no Swarm when that was seen at so many resyncs in a row. */
#define OUT_OF_SWARM_SIGHTINGS 2
/* How soon a list follows when an event was lost. A stream of bad events must not become a stream of
 * lists. */
#define RESYNC_AFTER_LOSS USEC_PER_SEC
/* After so many containers have gone, unused memory is given back at the next resync. */
#define TRIM_AFTER 1000
/* How soon a Swarm that was not ready is looked at again, at first. */
#define NOT_READY_INITIAL USEC_PER_SEC

static void begin_sync(Manager *m, bool with_ring, ResyncCause cause) {
        m->figures.resyncs[cause]++;
        sync_start(m->sync, with_ring, m->reap_others);
}

/* Until it has been listed again. */
static void pause_engine(Manager *m) {
        m->situation.engine_connected = false;
        m->contact = 0;
        m->connected_at = 0;
        manager_requests_end(m, false);
        console_advise_end(m);
        sync_cancel(m->sync);
        membership_cancel(m->membership);
        (void)event_timer_arm(m->resync_timer, USEC_INFINITY);
        m->resync_soon = m->resync_wanted = false;
        manager_pressure_suspend(m);
        manager_arm_due_timer(m);
}

static void disconnected(Manager *m, int error, const char *message) {
        pause_engine(m);

        if (!m->lost_said) {
                record_engine_lost(m->settings->endpoint, error, message, m->options.once);
                console_tell_engine_lost(m, request_problem(error, message));
                m->lost_said = true;
        } else
                log_debug("Still no connection to the engine: %.512s", request_problem(error, message));
        manager_tell_status(m);

        if (m->options.once)
                manager_finish(m, 2);
}

void manager_reconnect(Manager *m, int error, const char *message) {
        event_stream_reconnect(m->stream);
        disconnected(m, error, message);
}

static void on_up(const char *engine, ApiVersion api, void *userdata) {
        Manager *m = userdata;

        m->contact = steady_clock_now(m->clock).steady;
        m->seen_before_nsec = m->last_event_nsec;
        snprintf(m->engine, sizeof(m->engine), "%s", engine);
        m->api = api;
        begin_sync(m, true, RESYNC_CONNECT);
}

static void on_down(int error, const char *message, void *userdata) {
        disconnected(userdata, error, message);
}

/* Without a connection, or while it is being made, a list comes with it anyway. */
static bool may_list(const Manager *m) {
        return !m->stopping && !m->replacing && (m->situation.engine_connected || sync_running(m->sync));
}

void manager_list_soon(Manager *m) {
        if (!may_list(m))
                return;
        if (sync_running(m->sync))
                m->resync_wanted = true; /* the list under way may be older than the event */
        else if (!m->resync_soon) {
                /* Once: events that keep getting lost must not put the list off for ever. */
                m->resync_soon = true;
                (void)event_timer_arm_relative(
                                m->resync_timer, usec_min(RESYNC_AFTER_LOSS, m->settings->resync_interval));
        }
}

static void on_destroyed(Manager *m, const EngineEvent *event, const Instant *now, bool replayed) {
        bool known = registry_find(m->registry, &event->id);
        Container *c = NULL;

        (void)registry_apply_event(m->registry, event, now, replayed, &c);
        if (c)
                manager_destroyed(m, c, now->steady);
        else if (known) {
                /* Not our doing: there are fewer than was thought. */
                manager_cap_changed(m);
                manager_requests_sweep(m);
                manager_tell_status(m);
        }
        manager_arm_due_timer(m);
}

/* Lists that are cut off would never let any of them be forgotten again: the service manager starts it
 * anew. */
static void give_up(Manager *m) {
        if (m->stopping)
                return;
        log_set_lasting(false);
        log_error("The engine tells of more than %d containers, which no node has: ending",
                        REGISTRY_CONTAINERS_MAX);
        m->stopping = true;
        manager_finish(m, EXIT_CANNOT_RUN);
}

static void on_event(const EngineEvent *event, void *userdata) {
        Manager *m = userdata;
        /* A later connection begins with what happened since the last event that was seen. */
        bool replayed = m->engine_since > 0 && sync_replaying(m->sync);
        Instant now = steady_clock_now(m->clock);
        bool was_stopped;
        Container *c;
        int r;

        m->figures.events[event->action]++;
        m->last_event_at = now.steady;
        if (event->time_nsec > m->last_event_nsec)
                m->last_event_nsec = event->time_nsec;

        if (event->action == EVENT_DESTROY) {
                on_destroyed(m, event, &now, replayed);
                return;
        }

        c = registry_find(m->registry, &event->id);
        was_stopped = c && c->slot;
        r = registry_apply_event(m->registry, event, &now, replayed, &c);
        if (r == -E2BIG) {
                give_up(m);
                return;
        }
        if (r < 0) {
                log_error("Cannot take in an event: %s. Listing again", strerror(-r));
                manager_list_soon(m);
                return;
        }
        if (c) {
                manager_reschedule(m, c, now.steady);
                manager_slot_changed(m, c, now.steady);
                manager_cap_changed(m);
                manager_tell_status(m);
                if (c->slot && !was_stopped)
                        console_tell_stopped(m, c, now.steady);
        }
        manager_arm_due_timer(m);
}

static void on_gap(void *userdata) {
        Manager *m = userdata;

        if (!m->resync_soon && !m->resync_wanted)
                log_warning("An event could not be understood: listing again");
        manager_list_soon(m);
}

void manager_judge_settled(Manager *m) {
        if (m->engine_since == 0)
                m->situation.settled_at = USEC_INFINITY;
        else if (m->settings->settle_time == 0 || (m->options.once && m->options.dry_run))
                m->situation.settled_at = 0; /* a look at what would go need not wait */
        else
                m->situation.settled_at = usec_add(m->engine_since, m->settings->settle_time);
}

/* An engine whose ring begins behind the last event that was seen has been started since, as far as can
 * be told (a ring that has turned over looks the same, and costs no more than a grace period). */
static void judge_engine_age(Manager *m, const SyncResult *result) {
        Instant now = steady_clock_now(m->clock);
        usec_t since = m->contact;
        bool same_engine;

        if (result->oldest_nsec > 0) {
                since = usec_min(since, instant_of_stamp(&now, (usec_t)result->oldest_nsec / NSEC_PER_USEC));
                /* The clock may have been set since that event; no engine here is older than this boot. */
                if (!m->elsewhere)
                        since = usec_max(since, now.steady - steady_clock_to_boottime(m->clock, now.steady));
        }

        same_engine = m->engine_since > 0 && result->oldest_nsec > 0 &&
                      result->oldest_nsec <= m->seen_before_nsec;
        m->engine_since = same_engine ? usec_min(since, m->engine_since) : since;
        manager_judge_settled(m);

        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                retry_after_reconnect(c, !same_engine);
}

static void judge_swarm(Manager *m, SyncResult *result) {
        m->out_of_swarm = result->swarm_state == SWARM_INACTIVE ? m->out_of_swarm + 1 : 0;
        if (result->swarm_state != m->situation.swarm_state)
                log_info("This node's Swarm state: %s", swarm_state_name(result->swarm_state));

        m->situation.swarm_state = result->swarm_state;
        m->situation.node_known_at = result->info_asked;
        m->situation.out_of_swarm = m->out_of_swarm >= OUT_OF_SWARM_SIGHTINGS;
        free(m->node_id);
        m->node_id = TAKE_PTR(result->node_id);
        m->situation.node_id = m->node_id;
        manager_set_root_dir(m, TAKE_PTR(result->root_dir));
}

static void say_settling(Manager *m) {
        usec_t now = steady_clock_now(m->clock).steady;
        char left[TIME_SPAN_TEXT_MAX];

        if (now >= m->situation.settled_at) {
                m->settling_said = false;
                return;
        }
        if (m->settling_said)
                return;
        m->settling_said = true;
        time_span_format(left, sizeof(left), usec_sub(m->situation.settled_at, now) + USEC_PER_SEC - 1,
                        USEC_PER_SEC);
        log_notice("The engine has not been up for SettleTime yet: no removal for another %s", left);
}

static void resync(Manager *m, ResyncCause cause) {
        m->resync_soon = false;
        if (!may_list(m))
                return;
        if (sync_running(m->sync))
                m->resync_wanted = true;
        else
                begin_sync(m, false, cause);
}

void manager_resync(Manager *m) {
        resync(m, m->resync_soon ? RESYNC_LOSS : m->not_ready > 0 ? RESYNC_SWARM : RESYNC_INTERVAL);
}

void manager_start_over(Manager *m, bool resubscribe) {
        if (resubscribe) {
                event_stream_set_tasks_only(m->stream, !m->reap_others);
                event_stream_reconnect(m->stream);
                pause_engine(m);
        } else if (sync_running(m->sync))
                begin_sync(m, sync_replaying(m->sync), RESYNC_RELOAD);
        else if (m->situation.engine_connected)
                resync(m, RESYNC_RELOAD);
}

/* What thousands of containers have held is spread over the heap, and free() gives back its end only. */
static void give_back_memory(Manager *m, size_t forgotten) {
        uint64_t gone = forgotten + m->figures.removed + m->already_gone;

        if (gone - m->trimmed_at < TRIM_AFTER)
                return;
        (void)malloc_trim(0);
        m->trimmed_at = m->figures.removed + m->already_gone;
}

static usec_t next_resync(Manager *m) {
        usec_t interval = m->settings->resync_interval;

        if (m->resync_wanted)
                return usec_min(interval, RESYNC_AFTER_LOSS);

        /* An engine that has just started finds its Swarm a moment later, and no event tells. */
        m->not_ready = policy_swarm_ready(m->situation.swarm_state) ? 0 : m->not_ready + 1;
        return m->not_ready > 0 ? backoff_delay(m->not_ready, NOT_READY_INITIAL, interval, 0) : interval;
}

/* Those whose DELETE was sent are not forgotten without a last look, by which their removal is recorded. */
static void look_for_the_unlisted(Manager *m) {
        usec_t now = steady_clock_now(m->clock).steady;

        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                if (c->sent_verdict != 0 && !registry_is_listed(m->registry, c))
                        c->retry_at = now;
}

static void on_synced(SyncResult *result, int error, const char *step, const char *message, void *userdata) {
        Manager *m = userdata;

        if (error == -E2BIG) {
                give_up(m);
                return;
        }
        if (error < 0) {
                if (!m->lost_said)
                        log_warning("Cannot read the engine's %s: %.512s. Connecting anew", step,
                                        request_problem(error, message));
                manager_reconnect(m, error, message);
                return;
        }

        judge_swarm(m, result);
        log_debug("Listed %zu containers, forgot %zu", result->listed, result->forgotten);
        give_back_memory(m, result->forgotten);
        if (result->with_ring) {
                judge_engine_age(m, result);
                record_engine_back(m->settings->endpoint, m->engine, m->api);
                console_tell_engine_back(m);
                m->lost_said = false;
        }
        m->situation.engine_connected = true;
        m->last_resync_at = steady_clock_now(m->clock).steady;
        if (m->connected_at == 0)
                m->connected_at = m->last_resync_at;
        m->listed = true;
        m->cap_dirty = true;
        if (m->situation.reloading)
                manager_reload_listed(m, steady_clock_now(m->clock).steady);
        manager_first_run_listed(m, steady_clock_now(m->clock).steady);
        say_settling(m);

        (void)event_timer_arm_relative(m->resync_timer, next_resync(m));
        m->resync_soon = m->resync_wanted;
        m->resync_wanted = false;

        look_for_the_unlisted(m);
        manager_requests_sweep(m);
        manager_reschedule_all(m);
        manager_tell_status(m);
        manager_wake(m);
}

static void on_label_fault(const Container *c, LabelKey key, const char *value, void *userdata) {
        Manager *m = userdata;

        label_faults_tell(m->label_faults, c, key, value);
}

int manager_set_up_engine(Manager *m) {
        static const EventStreamHandlers stream_handlers = {
                .up = on_up,
                .event = on_event,
                .gap = on_gap,
                .down = on_down,
        };
        Endpoint endpoint;
        int r;

        r = endpoint_parse(m->settings->endpoint, &endpoint, NULL);
        if (r < 0)
                return r;
        m->elsewhere = endpoint.remote;
        steady_clock_set_elsewhere(m->clock, m->elsewhere);
        if (m->elsewhere) {
                log_notice("The engine at %s is on another host: this machine's memory and disk say nothing "
                           "about it and are left out of account",
                                m->settings->endpoint);
        }

        r = manager_set_up_pressure(m, &endpoint);
        if (r < 0)
                return r;
        r = engine_client_new(m->event, &endpoint, m->settings->request_timeout, &m->client);
        if (r < 0)
                return r;
        r = registry_new(&m->registry);
        if (r < 0)
                return r;
        registry_on_label_fault(m->registry, on_label_fault, m);
        registry_set_settings(m->registry, m->shared_settings);
        r = sync_new(m->client, m->registry, m->clock, m->elsewhere, on_synced, m, &m->sync);
        if (r < 0)
                return r;
        r = membership_new(m->client, m->registry, m->clock, manager_on_membership, m, &m->membership);
        if (r < 0)
                return r;
        r = reaper_new(m->client, m->settings->parallelism, m->options.dry_run, &manager_reaper_handlers, m,
                        &m->reaper);
        if (r < 0)
                return r;
        return event_stream_new(m->event, m->client, !m->reap_others, &stream_handlers, m, &m->stream);
}

static int on_replace(sd_event_source *source, void *userdata) {
        Manager *m = userdata;
        int r;

        (void)source;
        measurer_forget(m->measurer);
        manager_requests_end(m, true);
        console_advise_end(m);
        m->reaper = reaper_free(m->reaper);
        m->membership = membership_free(m->membership);
        m->sync = sync_free(m->sync);
        m->registry = registry_free(m->registry);
        m->observation = (Observation){ 0 };
        m->client = engine_client_free(m->client);

        /* Nothing that was known is about this engine. */
        (void)event_timer_arm(m->resync_timer, USEC_INFINITY);
        m->resync_soon = m->resync_wanted = false;
        m->replacing = false;
        m->situation.settled_at = USEC_INFINITY;
        m->situation.swarm_state = SWARM_STATE_UNKNOWN;
        m->situation.node_known_at = 0;
        m->situation.out_of_swarm = false;
        m->situation.node_id = NULL;
        free(TAKE_PTR(m->node_id));
        m->not_ready = m->out_of_swarm = 0;
        m->engine_since = 0;
        m->last_event_nsec = 0;
        m->situation.ask_again_at = 0;
        m->lost_said = m->settling_said = false;
        if (m->watch)
                pressure_watch_set_disk(m->watch, NULL);
        free(TAKE_PTR(m->root_dir));
        m->root_dir_told = false;
        m->page_cache = PAGE_CACHE_NONE;

        r = manager_set_up_engine(m);
        if (r < 0) {
                log_set_lasting(false);
                log_error("Cannot turn to the engine at %s: %s", m->settings->endpoint, strerror(-r));
                manager_finish(m, EXIT_CANNOT_RUN);
        }
        return 0;
}

int manager_set_up_replacing(Manager *m) {
        int r;

        r = sd_event_add_defer(m->event, &m->replace_source, on_replace, m);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(m->replace_source, "replace-engine");
        return sd_event_source_set_enabled(m->replace_source, SD_EVENT_OFF);
}

void manager_replace_engine(Manager *m) {
        m->replacing = true;
        pause_engine(m);
        m->stream = event_stream_free(m->stream);
        reaper_stop(m->reaper);
}
