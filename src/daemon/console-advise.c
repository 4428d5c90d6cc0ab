/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Advice on a Swarm: what its managers tell is asked for when somebody wants it, and not kept. A round of
 * questions, GET /info, /swarm and /services one after the other, answers all who had asked before it began.
 * Who comes while one is under way waits for the next: the operator may have changed something since.
 */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "core/advice.h"
#include "daemon/config-file.h"
#include "daemon/console.h"
#include "daemon/record.h"

/* Callers that wait for an answer, of one round. */
#define CALLERS_MAX 16
/* A text as it is told; longer ones (with a path of a configuration file in them) are cut. */
#define TEXT_SIZE 4096

typedef struct Callers {
        sd_bus_message *calls[CALLERS_MAX];
        size_t n;
} Callers;

struct Advise {
        Manager *manager;
        Callers asking;  /* are answered by the round under way */
        Callers waiting; /* for the next */

        /* Of the round under way. */
        EngineCall *call;
        SharedSettings *settings; /* a reload does not change them */
        char *log_driver;         /* NULL: not told */
        Advisor *advisor;
};

static void begin(struct Advise *a);

static void round_done(struct Advise *a) {
        a->call = engine_call_free(a->call);
        a->advisor = advisor_free(a->advisor);
        a->settings = shared_settings_unref(a->settings);
        free(TAKE_PTR(a->log_driver));
}

/* Answers nobody can take any more (who asked has gone, or the bus has) are of no account. */

static void refuse(Callers *callers, const char *name, const char *text) {
        char escaped[TEXT_SIZE];
        const sd_bus_error error = { .name = name, .message = log_escape(escaped, sizeof(escaped), text) };

        while (callers->n > 0) {
                sd_bus_message *call = callers->calls[--callers->n];

                (void)sd_bus_reply_method_error(call, &error);
                (void)sd_bus_message_unref(call);
        }
}

static void free_if_idle(Manager *m) {
        if (m->advise->asking.n > 0 || m->advise->waiting.n > 0)
                return;
        free(TAKE_PTR(m->advise));
}

/* The round under way is over, and those it was for have been answered. */
static void next_round(struct Advise *a) {
        round_done(a);
        if (a->waiting.n == 0) {
                free_if_idle(a->manager);
                return;
        }

        a->asking = a->waiting;
        a->waiting.n = 0;
        begin(a);
}

static void fail(struct Advise *a, const char *name, const char *text) {
        refuse(&a->asking, name, text);
        next_round(a);
}

static void fail_at(struct Advise *a, const char *what, int error, const char *message) {
        char text[1024];

        if (error == -ENOMEM) {
                fail(a, SD_BUS_ERROR_NO_MEMORY, "Out of memory");
                return;
        }
        snprintf(text, sizeof(text), "Cannot read the engine's %s: %.512s", what,
                        request_problem(error, message));
        fail(a, BUS_ERROR_ENGINE, text);
}

static void fail_not_manager(struct Advise *a, SwarmState state) {
        if (state == SWARM_LOCKED)
                fail(a, BUS_ERROR_NOT_MANAGER,
                                "This manager's Swarm is locked: unlock it (docker swarm unlock), or ask "
                                "another");
        else
                fail(a, BUS_ERROR_NOT_MANAGER,
                                "This node is not a manager: ask one (reaperctl -H MANAGER advise)");
}

static int append_text(sd_bus_message *reply, const char *text) {
        char escaped[TEXT_SIZE];

        return sd_bus_message_append_basic(reply, 's', log_escape(escaped, sizeof(escaped), text));
}

static int append_advice(sd_bus_message *reply, const Advice *advice) {
        int r;

        r = sd_bus_message_open_container(reply, 'r', "ssss");
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(reply, 's', advice_kind_name(advice->kind));
        if (r < 0)
                return r;
        r = append_text(reply, advice->subject);
        if (r < 0)
                return r;
        r = append_text(reply, advice->text);
        if (r < 0)
                return r;
        r = append_text(reply, advice->command);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

static int answer(sd_bus_message *call, const Advice *advice, size_t n) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(ssss)");
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                r = append_advice(reply, &advice[i]);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        return sd_bus_message_send(reply);
}

static void answer_all(struct Advise *a, const Advice *advice, size_t n) {
        while (a->asking.n > 0) {
                sd_bus_message *call = a->asking.calls[--a->asking.n];
                int r;

                r = answer(call, advice, n);
                if (r < 0)
                        (void)sd_bus_reply_method_errno(call, r, NULL);
                (void)sd_bus_message_unref(call);
        }
        next_round(a);
}

static int on_service(const ServiceFacts *service, void *userdata) {
        struct Advise *a = userdata;

        return advisor_add_service(a->advisor, service);
}

static void on_services(EngineCall *call, int error, const char *message, void *userdata) {
        struct Advise *a = userdata;
        const Advice *advice;
        size_t n;
        int r;

        (void)call;
        if (error == -EOPNOTSUPP) {
                fail_not_manager(a, SWARM_STATE_UNKNOWN);
                return;
        }
        if (error < 0) {
                fail_at(a, "services", error, message);
                return;
        }

        r = advisor_finish(a->advisor, &advice, &n);
        if (r < 0) {
                fail_at(a, "services", r, NULL);
                return;
        }
        answer_all(a, advice, n);
}

static void on_swarm(
                EngineCall *call, int error, const char *message, const SwarmFacts *swarm, void *userdata) {
        struct Advise *a = userdata;
        const char *config;
        int r;

        (void)call;
        if (error == -EOPNOTSUPP) {
                fail_not_manager(a, SWARM_STATE_UNKNOWN);
                return;
        }
        if (error < 0) {
                fail_at(a, "Swarm", error, message);
                return;
        }

        config = a->manager->options.config;
        r = advisor_new(&a->settings->settings, swarm, a->log_driver, config ? config : CONFIG_FILE_DEFAULT,
                        &a->advisor);
        if (r < 0) {
                fail_at(a, "Swarm", r, NULL);
                return;
        }
        a->call = engine_call_free(a->call);
        r = engine_list_services(a->manager->client, on_service, on_services, a, &a->call);
        if (r < 0)
                fail_at(a, "services", r, NULL);
}

static void on_info(
                EngineCall *call, int error, const char *message, const EngineInfo *info, void *userdata) {
        struct Advise *a = userdata;
        int r;

        (void)call;
        if (error < 0) {
                fail_at(a, "info", error, message);
                return;
        }
        if (!info->control_available) {
                fail_not_manager(a, info->swarm_state);
                return;
        }
        if (info->log_driver) {
                a->log_driver = strdup(info->log_driver);
                if (!a->log_driver) {
                        fail_at(a, "info", -ENOMEM, NULL);
                        return;
                }
        }

        a->call = engine_call_free(a->call);
        r = engine_swarm(a->manager->client, on_swarm, a, &a->call);
        if (r < 0)
                fail_at(a, "Swarm", r, NULL);
}

static void begin(struct Advise *a) {
        int r;

        a->settings = shared_settings_ref(a->manager->shared_settings);
        r = engine_info(a->manager->client, on_info, a, &a->call);
        if (r < 0)
                fail_at(a, "info", r, NULL);
}

int console_advise(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        Callers *callers;
        bool idle;

        if (!m->client || m->replacing || !m->situation.engine_connected)
                return sd_bus_error_set(error, BUS_ERROR_ENGINE, "There is no connection to the engine now");

        if (!m->advise) {
                m->advise = calloc(1, sizeof(*m->advise));
                if (!m->advise)
                        return -ENOMEM;
                m->advise->manager = m;
        }
        idle = m->advise->asking.n == 0;
        callers = idle ? &m->advise->asking : &m->advise->waiting;
        if (callers->n >= CALLERS_MAX)
                return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY,
                                "%d callers wait for advice already: try again later", CALLERS_MAX);

        callers->calls[callers->n++] = sd_bus_message_ref(call);
        if (idle)
                begin(m->advise);
        return 1;
}

void console_advise_end(Manager *m) {
        static const char text[] = "The connection to the engine is given up: try again";

        if (!m->advise)
                return;
        round_done(m->advise);
        refuse(&m->advise->asking, BUS_ERROR_ENGINE, text);
        refuse(&m->advise->waiting, BUS_ERROR_ENGINE, text);
        free_if_idle(m);
}
