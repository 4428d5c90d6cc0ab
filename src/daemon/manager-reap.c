/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/event-timer.h"
#include "base/log.h"
#include "daemon/manager-private.h"
#include "daemon/record.h"
#include "daemon/retry.h"

static Decision decide(const Manager *m, const Container *c, usec_t now) {
        return policy_decide(&m->settings->retention, c, &m->situation, now);
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
        if (c->scope == SCOPE_UNKNOWN)
                d.due = usec_max(d.due, m->ask_again_at);
        registry_schedule(m->registry, c, d.due);
}

void manager_reschedule_all(Manager *m) {
        usec_t now = steady_clock_now(m->clock).steady;

        for (Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                manager_reschedule(m, c, now);
}

void manager_arm_due_timer(Manager *m) {
        /* With all hands full, the end of one looks for more by itself: a timer that has passed would
         * spin. */
        bool wanted = m->situation.engine_connected && !m->stopping &&
                      reaper_in_flight(m->reaper) < m->settings->parallelism;
        const Container *c = wanted ? registry_first_due(m->registry) : NULL;

        (void)event_timer_arm(
                        m->due_timer, c ? steady_clock_to_boottime(m->clock, c->look_at) : USEC_INFINITY);
}

void manager_wake(Manager *m) {
        if (m->situation.engine_connected && !m->stopping)
                reaper_wake(m->reaper);
        manager_arm_due_timer(m);
}

/* Asking whether containers are Swarm tasks failed. */
static void ask_again(Manager *m, int error, const char *message) {
        log_info("Asking which containers are Swarm tasks failed: %.512s. Trying again",
                        request_problem(error, message));
        m->ask_again_at = usec_add(steady_clock_now(m->clock).steady, m->settings->retry_initial);
        if (m->options.once) {
                m->pass_failed = true;
                m->ask_again_at = USEC_INFINITY;
        }
        manager_reschedule_all(m);
}

static bool on_next(ContainerId *ret, void *userdata) {
        Manager *m = userdata;
        usec_t now = steady_clock_now(m->clock).steady;
        bool ask = false, found = false;
        Container *c;
        int r;

        while (m->situation.engine_connected && (c = registry_first_due(m->registry)) && c->look_at <= now) {
                Decision d = decide(m, c, now);

                if (c->scope == SCOPE_UNKNOWN) {
                        /* Out of the queue until the engine has said what it is. */
                        ask = ask || d.due <= now;
                        registry_schedule(m->registry, c, d.due <= now ? USEC_INFINITY : d.due);
                } else if (d.due > now)
                        registry_schedule(m->registry, c, d.due);
                else {
                        registry_schedule(m->registry, c, USEC_INFINITY);
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

static int on_confirm(const ContainerId *id, const ContainerDetail *detail, Decision *ret_decision,
                bool *ret_volumes, void *userdata) {
        Manager *m = userdata;
        Container *c = registry_find(m->registry, id);
        Instant now = steady_clock_now(m->clock);
        int r;

        if (!c)
                return -ENOENT;
        r = registry_apply_detail(m->registry, c, detail, &now);
        if (r < 0)
                return r;

        *ret_decision = decide(m, c, now.steady);
        *ret_volumes = m->settings->retention.remove_volumes != REMOVE_VOLUMES_NEVER;
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

        m->failed++;
        if (verdict == RETRY_QUARANTINE)
                record_quarantine(c, c->attempts, error, message);
        else
                log_error("Removing %s failed %u times, the last time with: %.512s",
                                container_label(label, sizeof(label), c), c->attempts,
                                request_problem(error, message));
}

static void on_done(const ContainerId *id, ReapResult result, const Decision *decision, int error,
                const char *message, void *userdata) {
        Manager *m = userdata;
        Container *c = registry_find(m->registry, id);
        usec_t now = steady_clock_now(m->clock).steady;

        if (!c)
                return;
        c->claimed = false;

        switch (result) {
        case REAP_REMOVED:
                m->removed++;
                record_removal(c, decision, c->attempts + 1, false);
                registry_forget(m->registry, c);
                c = NULL;
                break;
        case REAP_WOULD_REMOVE:
                m->removed++;
                record_removal(c, decision, c->attempts + 1, true);
                c->gone = true;
                break;
        case REAP_ALREADY_GONE:
                if (c->sent_verdict != 0) {
                        /* Our own DELETE, whose answer never came. */
                        Decision sent = decide(m, c, now);

                        sent.verdict = c->sent_verdict;
                        m->removed++;
                        record_removal(c, &sent, c->attempts + 1, false);
                } else {
                        m->already_gone++;
                        log_debug("%s is gone already", c->name ? c->name : "A container");
                }
                registry_forget(m->registry, c);
                c = NULL;
                break;
        case REAP_KEPT:
                log_debug("Keeping %s: %s", c->name ? c->name : "a container",
                                verdict_name(decision->verdict));
                break;
        case REAP_CONFLICT:
        case REAP_FAILED:
                if (decision && engine_error_is_connection(error))
                        c->sent_verdict = (uint8_t)decision->verdict;
                on_failure(m, c, error, message, now);
                break;
        }

        if (c)
                manager_reschedule(m, c, now);
        manager_tell_status(m); /* the reaper looks for the next by itself, and so arms the timer */
}

static void print_summary(const Manager *m) {
        size_t kept = 0;

        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c))
                if (c->scope != SCOPE_OTHER && !c->gone && !c->quarantined)
                        kept++;

        log_notice("%zu %s, %zu already gone, %zu failed, %zu kept", m->removed,
                        m->options.dry_run ? "would be removed" : "removed", m->already_gone, m->failed,
                        kept);
}

static void on_idle(void *userdata) {
        Manager *m = userdata;
        const Container *c = registry_first_due(m->registry);

        if (m->stopping) {
                manager_finish(m, 0);
                return;
        }

        if (!m->options.once || !m->situation.engine_connected || membership_running(m->membership))
                return;
        if (c && c->look_at <= steady_clock_now(m->clock).steady)
                return; /* not without the engine's word, which is on its way */

        print_summary(m);
        manager_finish(m, m->failed > 0 || m->pass_failed ? 1 : 0);
}

void manager_on_membership(int error, const char *message, void *userdata) {
        Manager *m = userdata;

        if (error < 0)
                ask_again(m, error, message);
        else
                manager_reschedule_all(m);
        manager_wake(m);
}

const ReaperHandlers manager_reaper_handlers = {
        .next = on_next,
        .confirm = on_confirm,
        .done = on_done,
        .idle = on_idle,
};
