/* SPDX-License-Identifier: Apache-2.0 */

#include "core/container.h"

/* A `die` event and FinishedAt are stamped by the same clock, moments apart. Further apart than this
 * they are not about the same end. */
#define DIE_TO_FINISHED_MAX USEC_PER_MINUTE
/* The same for a container's creation. */
#define CREATED_APART_MAX USEC_PER_MINUTE

usec_t container_not_before(const Container *c) {
        return usec_max(c->created, c->alive_until);
}

/* Stopped, or on its way out behind that: exited, dead and removing are steps of one end. */
static bool state_is_past_running(ContainerState s) {
        return container_state_is_stopped(s) || s == CONTAINER_REMOVING;
}

static void begin_life(Container *c, ContainerState state, usec_t alive_until) {
        c->state = (uint8_t)state;
        c->state_exact = false;
        c->finish = FINISH_BOUNDED;
        c->finished = 0;
        c->finished_stamp = 0;
        c->exit_hinted = false;
        c->oom_killed = false;
        c->stop_asked = false;
        c->anchor_doubtful = c->clock_set;
        c->failed_start = false;
        c->error_seen = 0;
        c->finished_in_future = false;
        c->gone = false;
        c->sent_verdict = 0;
        c->quarantined = false;
        c->attempts = 0;
        c->retry_at = 0;
        c->over_cap = false;
        c->surge_held = false;
        c->wanted = false;
        c->measured = false;
        c->batch_rank = 0;
        c->alive_until = usec_max(c->alive_until, alive_until);
}

/* The signals by which something is asked to end. A service may be sent others to reload or rotate its
 * logs. */
static bool signal_asks_to_stop(int signal) {
        return signal == 2 || signal == 3 || signal == 9 || signal == 15;
}

static bool event_changes_state(EventAction action) {
        return action == EVENT_CREATE || action == EVENT_START || action == EVENT_DIE;
}

static void set_created(Container *c, usec_t stamp, const Instant *now) {
        usec_t apart = stamp > c->created_stamp ? stamp - c->created_stamp : c->created_stamp - stamp;

        if (c->created_stamp != 0 && apart <= CREATED_APART_MAX) {
                /* The `create` event comes a moment later, a list tells whole seconds, an inspect all of it:
                 * the same moment. The wall clock, which may have been set since, is not asked again. */
                if (stamp > c->created_stamp) {
                        c->created = usec_min(usec_add(c->created, stamp - c->created_stamp), now->steady);
                        c->created_stamp = stamp;
                }
                return;
        }

        c->created_stamp = stamp;
        c->created = instant_of_stamp(now, stamp);
        c->created_in_future = stamp > now->realtime;
}

static usec_t event_stamp(const EngineEvent *e) {
        return e->time_nsec > 0 ? (usec_t)e->time_nsec / NSEC_PER_USEC : 0;
}

/* The steady time of an end that was not heard live. The wall clock may have been set since, so the distance
 * to the creation is the better measure, unless the clock was set between the two: then the later counts. */
static usec_t steady_end(const Container *c, usec_t stamp, const Instant *now) {
        usec_t told = instant_of_stamp(now, stamp);

        if (c->created_stamp != 0 && !c->created_in_future && stamp >= c->created_stamp) {
                usec_t anchored = usec_add(c->created, stamp - c->created_stamp);

                if (anchored <= now->steady)
                        told = c->anchor_doubtful ? usec_max(told, anchored) : anchored;
        }
        return usec_max(told, container_not_before(c));
}

static void apply_die(Container *c, const EngineEvent *e, const Instant *now, bool replayed) {
        bool known_stopped = state_is_past_running(c->state);
        usec_t stamp = event_stamp(e);

        /* The same `die` again, or behind an inspect that has told all: its age has been growing since. */
        if (known_stopped && c->finish == FINISH_SEEN && c->finished_stamp == stamp)
                return;
        if (known_stopped && c->finish == FINISH_EXACT &&
                        stamp <= usec_add(c->finished_stamp, DIE_TO_FINISHED_MAX))
                return;

        c->state = CONTAINER_EXITED;
        c->state_exact = false;
        c->failed_start = false;
        c->finish = FINISH_SEEN;
        c->finished = replayed ? steady_end(c, stamp, now)
                               : usec_max(instant_of_stamp(now, stamp), c->alive_until);
        c->finished_stamp = stamp;
        c->exit_hinted = e->has_exit_code;
        c->exit_code = e->has_exit_code ? e->exit_code : 0;
}

void container_apply_event(Container *c, const EngineEvent *e, const Instant *now, bool replayed) {
        usec_t at = replayed ? instant_of_stamp(now, event_stamp(e)) : now->steady;

        c->touched = usec_max(c->touched, at);

        if (e->action == EVENT_KILL || e->action == EVENT_STOP) {
                if (e->action == EVENT_KILL && !signal_asks_to_stop(e->signal))
                        return;
                if (e->time_nsec > c->stop_nsec)
                        c->stop_nsec = e->time_nsec;
                if (e->time_nsec >= c->start_nsec)
                        c->stop_asked = true;
                return;
        }

        if (!event_changes_state(e->action) || e->time_nsec < c->event_nsec)
                return;

        switch (e->action) {
        case EVENT_CREATE:
                /* Late by a hair behind its own start, or told a second time: nothing new. */
                if (c->state != CONTAINER_STATE_UNKNOWN && c->state != CONTAINER_CREATED)
                        return;
                c->state = CONTAINER_CREATED;
                if (c->created_stamp == 0)
                        set_created(c, event_stamp(e), now);
                break;
        case EVENT_START:
                if (e->time_nsec == c->start_nsec)
                        return;
                begin_life(c, CONTAINER_RUNNING, at);
                c->start_nsec = e->time_nsec;
                c->stop_asked = c->stop_nsec > e->time_nsec; /* told before it */
                break;
        case EVENT_DIE:
                apply_die(c, e, now, replayed);
                break;
        default:
                return;
        }

        c->event_nsec = e->time_nsec;
        c->state_at = at;
}

void container_apply_summary(Container *c, const ContainerSummary *s, const Instant *now, usec_t asked) {
        bool listed_stopped = state_is_past_running(s->state);
        bool known_stopped = state_is_past_running(c->state);
        usec_t seen_alive = usec_sub(asked, LIST_LAG);

        if (s->created > 0)
                set_created(c, s->created, now);
        c->exit_code_forged = s->exit_code_forged;

        if (c->state == (uint8_t)s->state) {
                if (!listed_stopped)
                        c->alive_until = usec_max(c->alive_until, seen_alive);
                return;
        }

        /* What was asked for before or just after an event or an inspect does not know of it yet. */
        if (c->state_exact && usec_add(c->looked_at, LIST_LAG) >= asked)
                return;
        if (c->state_at != 0 && usec_add(c->state_at, LIST_LAG) >= asked)
                return;

        if (listed_stopped && known_stopped) {
                /* Another step of the same end: when it ended stays known. */
                c->state = (uint8_t)s->state;
                c->state_exact = false;
        } else if (listed_stopped) {
                /* Its end was missed: it lies behind the last sight of it alive. The request to stop it
                 * may have been seen all the same. */
                c->state = (uint8_t)s->state;
                c->state_exact = false;
                c->finish = FINISH_BOUNDED;
                c->exit_hinted = false;
                c->failed_start = false;
        } else if (known_stopped || c->state == CONTAINER_CREATED)
                begin_life(c, s->state, seen_alive);
        else {
                c->state = (uint8_t)s->state;
                c->state_exact = false;
                c->alive_until = usec_max(c->alive_until, seen_alive);
        }
}

/* The steady time of FinishedAt. The wall clock may have been set since the container was first seen,
 * so it is asked last: what was seen (the end itself, else the creation) is a better anchor, and only
 * the distance to it is taken from the engine's stamps. */
static usec_t steady_finish(Container *c, usec_t stamp, const Instant *now) {
        if (c->finish == FINISH_SEEN) {
                if (c->finished_stamp >= stamp && c->finished_stamp - stamp <= DIE_TO_FINISHED_MAX)
                        return usec_sub(c->finished, c->finished_stamp - stamp);
                if (stamp > c->finished_stamp && stamp - c->finished_stamp <= DIE_TO_FINISHED_MAX)
                        return usec_add(c->finished, stamp - c->finished_stamp);
        }

        usec_t end = steady_end(c, stamp, now);

        c->finished_in_future = stamp > now->realtime && end >= now->steady;
        return end;
}

static void apply_finish(Container *c, const ContainerDetail *d, const Instant *now) {
        /* A container can be dead without ever having run: it counts from its creation. One that has
         * run and has no FinishedAt all the same counts from its first sight. */
        usec_t stamp = d->finished > 0 || d->started > 0 ? d->finished : d->created;

        if (c->finish == FINISH_EXACT && c->finished_stamp == stamp)
                return; /* its age has been growing since first sight */

        /* It has run and ended again, unseen. */
        if (c->finish == FINISH_EXACT)
                c->measured = false;
        c->finished_in_future = false;
        if (stamp > 0)
                c->finished = usec_min(steady_finish(c, stamp, now), now->steady);
        else if (c->finish != FINISH_SEEN)
                c->finished = now->steady;
        c->finished_stamp = stamp;
        c->finish = FINISH_EXACT;
}

/* Events older than what an inspect told of are not news; a request to stop from before the last start was
 * for another life. Stamps from before the clock was set back say nothing. */
static void note_stamps(Container *c, const ContainerDetail *d, const Instant *now) {
        usec_t newest = usec_min(usec_max(d->started, d->finished), now->realtime);
        int64_t nsec = (int64_t)usec_min(usec_mul(newest, NSEC_PER_USEC), INT64_MAX);

        if (nsec > c->event_nsec)
                c->event_nsec = nsec;
        if (d->started > 0 && !c->anchor_doubtful)
                c->stop_asked = c->stop_nsec > 0 &&
                                usec_mul(d->started, NSEC_PER_USEC) <= (uint64_t)c->stop_nsec;
}

void container_apply_detail(Container *c, const ContainerDetail *d, const Instant *now) {
        bool known_stopped = state_is_past_running(c->state);

        c->looked_at = now->steady;
        if (d->created > 0)
                set_created(c, d->created, now);

        if (container_state_is_stopped(d->state)) {
                apply_finish(c, d, now);
                c->failed_start = false;
        } else if (d->state == CONTAINER_REMOVING) {
                /* Somebody else ends it; what is known of its end stays. */
        } else {
                if (known_stopped)
                        begin_life(c, d->state, now->steady);
                c->alive_until = usec_max(c->alive_until, now->steady);
                c->failed_start = d->state == CONTAINER_CREATED && d->error && d->exit_code != 0;
                if (!c->failed_start)
                        c->error_seen = 0;
                else if (c->error_seen == 0)
                        c->error_seen = now->steady;
        }

        note_stamps(c, d, now);
        c->state = (uint8_t)d->state;
        c->state_exact = true;
        c->exit_code = d->exit_code;
        c->exit_hinted = false;
        c->oom_killed = d->oom_killed;
        c->auto_remove = d->auto_remove;
        c->may_restart = d->may_restart;
        c->tty = d->tty;
        c->wanted = false;
}

void container_clock_jumped(Container *c, const Instant *now) {
        int64_t latest = (int64_t)usec_min(usec_mul(now->realtime, NSEC_PER_USEC), INT64_MAX);
        bool known_stopped = state_is_past_running(c->state);

        c->clock_set = true;
        if (!known_stopped)
                c->anchor_doubtful = true;

        /* Set back: what comes now bears smaller stamps, and is news all the same. */
        if (c->event_nsec > latest)
                c->event_nsec = latest;
        if (c->start_nsec > latest)
                c->start_nsec = latest;
        if (c->stop_nsec > latest)
                c->stop_nsec = latest;

        if (c->created_in_future) {
                c->created = instant_of_stamp(now, c->created_stamp);
                c->created_in_future = c->created_stamp > now->realtime;
        }
        if (c->finished_in_future) {
                /* Its age could not be known then. Perhaps it can now: have it inspected again. */
                c->finish = FINISH_BOUNDED;
                c->finished_in_future = false;
        }
}
