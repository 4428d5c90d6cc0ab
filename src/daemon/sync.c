/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "daemon/sync.h"

struct Sync {
        EngineClient *client;
        Registry *registry;
        SteadyClock *clock;
        bool elsewhere; /* the engine is on another host */
        SyncDoneHandler on_done;
        void *userdata;

        EngineCall *call;   /* the step that is under way */
        Scope listing;      /* which list */
        usec_t asked;       /* steady: when that list was asked for */
        usec_t asked_first; /* steady: the first of them */
        bool with_others;
        bool passed_over; /* something could not be read */
        SyncResult result;
};

static void finish(Sync *s, int error, const char *step, const char *message) {
        EngineCall *ended = TAKE_PTR(s->call);

        s->on_done(error < 0 ? NULL : &s->result, error, step, message, s->userdata);
        engine_call_free(ended); /* `message` lived as long as it */
}

static int on_element(const ContainerSummary *summary, void *userdata) {
        Sync *s = userdata;
        const Container *known = registry_find(s->registry, &summary->id);
        Instant now = steady_clock_now(s->clock);

        /* A filter that somebody between us and the engine has dropped would make plain containers of
         * tasks. */
        if (s->listing == SCOPE_OTHER && known && known->scope == SCOPE_TASK &&
                        registry_is_listed(s->registry, known)) {
                log_error("The engine lists %.255s among tasks and among others",
                                known->name ? known->name : "a container");
                return -EBADMSG;
        }
        s->result.listed++;
        return registry_apply_summary(s->registry, summary, s->listing, &now, s->asked, NULL);
}

static void list(Sync *s, Scope listing);

static void on_listed(EngineCall *call, int error, const char *message, void *userdata) {
        Sync *s = userdata;

        if (error == 0 && engine_call_passed_over(call) > 0)
                s->passed_over = true;
        if (error == 0 && s->listing == SCOPE_TASK && s->with_others) {
                list(s, SCOPE_OTHER);
                return;
        }

        /* Half a list proves nothing about what it does not name, nor does one that could not be read
         * in part. */
        if (error == 0 && !s->passed_over)
                s->result.forgotten = registry_sweep_end(s->registry, s->asked_first);
        finish(s, error, "list", message);
}

static void list(Sync *s, Scope listing) {
        int r;

        s->call = engine_call_free(s->call);
        s->listing = listing;
        s->asked = steady_clock_now(s->clock).steady;
        r = engine_list_containers(
                        s->client, listing == SCOPE_TASK, NULL, 0, on_element, on_listed, s, &s->call);
        if (r < 0)
                finish(s, r, "list", NULL);
}

static void begin_lists(Sync *s) {
        s->asked_first = steady_clock_now(s->clock).steady;
        s->passed_over = false;
        registry_sweep_begin(s->registry);
        list(s, SCOPE_TASK);
}

static int on_ring_event(const EngineEvent *event, void *userdata) {
        Sync *s = userdata;
        Instant now = steady_clock_now(s->clock);

        /* Only what the engine itself did tells of its age. */
        if (!event->of_swarm && event->time_nsec > 0 &&
                        (s->result.oldest_nsec == 0 || event->time_nsec < s->result.oldest_nsec))
                s->result.oldest_nsec = event->time_nsec;
        return registry_apply_event(s->registry, event, &now, true, NULL);
}

static void on_ring(EngineCall *call, int error, const char *message, void *userdata) {
        Sync *s = userdata;

        (void)call;
        if (error < 0 && engine_error_is_connection(error)) {
                finish(s, error, "events", message);
                return;
        }
        if (error < 0) {
                /* Only the engine's age is lost with it: that is then counted from now. */
                log_warning("Cannot read the engine's past events: %s, ignoring",
                                message ? message : strerror(-error));
                s->result.oldest_nsec = 0;
        }
        begin_lists(s);
}

static void ask_ring(Sync *s) {
        usec_t realtime = steady_clock_now(s->clock).realtime;
        int r;

        s->call = engine_call_free(s->call);
        r = engine_event_ring(
                        s->client, (int64_t)(realtime * NSEC_PER_USEC), on_ring_event, on_ring, s, &s->call);
        if (r < 0)
                finish(s, r, "events", NULL);
}

static int take_text(const char *text, char **ret) {
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

static void on_info(
                EngineCall *call, int error, const char *message, const EngineInfo *info, void *userdata) {
        Sync *s = userdata;

        (void)call;
        if (error < 0) {
                finish(s, error, "info", message);
                return;
        }

        s->result.swarm_state = info->swarm_state;
        if (take_text(info->node_id, &s->result.node_id) < 0 ||
                        take_text(info->root_dir, &s->result.root_dir) < 0) {
                finish(s, -ENOMEM, "info", NULL);
                return;
        }
        if (s->elsewhere)
                steady_clock_set_engine(s->clock, info->system_time);

        if (s->result.with_ring)
                ask_ring(s);
        else
                begin_lists(s);
}

static void ask_info(Sync *s) {
        int r;

        s->call = engine_call_free(s->call);
        s->result.info_asked = steady_clock_now(s->clock).steady;
        r = engine_info(s->client, on_info, s, &s->call);
        if (r < 0)
                finish(s, r, "info", NULL);
}

void sync_start(Sync *s, bool with_ring, bool with_others) {
        sync_cancel(s);
        s->with_others = with_others;
        free(s->result.node_id);
        free(s->result.root_dir);
        s->result = (SyncResult){ .with_ring = with_ring };
        ask_info(s);
}

void sync_cancel(Sync *s) {
        s->call = engine_call_free(s->call);
}

bool sync_replaying(const Sync *s) {
        return s->call && s->result.with_ring;
}

bool sync_running(const Sync *s) {
        return s->call;
}

int sync_new(EngineClient *client, Registry *registry, SteadyClock *clock, bool elsewhere,
                SyncDoneHandler on_done, void *userdata, Sync **ret) {
        Sync *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->client = client;
        s->registry = registry;
        s->clock = clock;
        s->elsewhere = elsewhere;
        s->on_done = on_done;
        s->userdata = userdata;
        *ret = s;
        return 0;
}

Sync *sync_free(Sync *s) {
        if (!s)
                return NULL;
        engine_call_free(s->call);
        free(s->result.node_id);
        free(s->result.root_dir);
        free(s);
        return NULL;
}
