/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "daemon/membership.h"

struct Membership {
        EngineClient *client;
        Registry *registry;
        const SteadyClock *clock;
        MembershipDoneHandler on_done;
        void *userdata;

        EngineCall *call;
        usec_t asked;
        ContainerId ids[ENGINE_LIST_IDS_MAX];
        size_t n_ids;
};

static int on_element(const ContainerSummary *summary, void *userdata) {
        Membership *m = userdata;
        Instant now = steady_clock_now(m->clock);

        return registry_apply_summary(m->registry, summary, SCOPE_TASK, &now, m->asked, NULL);
}

static void on_listed(EngineCall *call, int error, const char *message, void *userdata) {
        Membership *m = userdata;
        EngineCall *ended = TAKE_PTR(m->call);

        if (error == 0 && engine_call_passed_over(call) > 0)
                error = -EBADMSG;
        for (size_t i = 0; error == 0 && i < m->n_ids; i++) {
                Container *c = registry_find(m->registry, &m->ids[i]);

                /* The engine knew the container before its event went out, so what it does not list is
                 * no task. */
                if (c && c->scope == SCOPE_UNKNOWN)
                        registry_set_other(m->registry, c);
        }

        m->n_ids = 0;
        m->on_done(error, message, m->userdata);
        engine_call_free(ended); /* `message` lived as long as it */
}

static void choose(Membership *m, bool ended) {
        for (Container *c = registry_next(m->registry, NULL); c && m->n_ids < ENGINE_LIST_IDS_MAX;
                        c = registry_next(m->registry, c))
                if (c->scope == SCOPE_UNKNOWN && container_state_is_stopped(c->state) == ended)
                        m->ids[m->n_ids++] = c->id;
}

int membership_ask(Membership *m) {
        if (m->call)
                return 0;

        m->n_ids = 0;
        choose(m, true);
        /* Those that still run ride along for nothing, so that one list serves many removals to come. */
        choose(m, false);
        if (m->n_ids == 0)
                return 0;

        m->asked = steady_clock_now(m->clock).steady;
        return engine_list_containers(m->client, true, m->ids, m->n_ids, on_element, on_listed, m, &m->call);
}

void membership_cancel(Membership *m) {
        m->call = engine_call_free(m->call);
        m->n_ids = 0;
}

bool membership_running(const Membership *m) {
        return m->call;
}

int membership_new(EngineClient *client, Registry *registry, const SteadyClock *clock,
                MembershipDoneHandler on_done, void *userdata, Membership **ret) {
        Membership *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->client = client;
        m->registry = registry;
        m->clock = clock;
        m->on_done = on_done;
        m->userdata = userdata;
        *ret = m;
        return 0;
}

Membership *membership_free(Membership *m) {
        if (!m)
                return NULL;
        engine_call_free(m->call);
        free(m);
        return NULL;
}
