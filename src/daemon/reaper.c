/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/reaper.h"
#include "daemon/record.h"

/* One container in hand: first its inspect, perhaps a measurement or its log and another inspect, then its
 * DELETE. */
typedef struct Job {
        Reaper *reaper;
        ContainerId id;
        EngineCall *call;
        Decision decision;
        bool removing;
        usec_t sent_at; /* CLOCK_MONOTONIC, with `removing` */
        bool measuring;
        bool log_asked;
        char *log; /* owned; NULL: not read */
        size_t log_size;
        struct Job *prev, *next;
} Job;

struct Reaper {
        EngineClient *client;
        const ReaperHandlers *handlers;
        void *userdata;
        unsigned parallelism;
        bool dry_run;
        bool stopping;
        bool waking; /* reaper_wake() is on the stack: ends within it must not start another */
        Job *jobs;
        size_t n_jobs;
};

static void job_free(Job *job) {
        DL_DELETE(job->reaper->jobs, job);
        job->reaper->n_jobs--;
        engine_call_free(job->call);
        free(job->log);
        free(job);
}

static void job_end(Job *job, ReapResult result, bool decided, int error, const char *message) {
        Reaper *r = job->reaper;
        const ReapReport report = {
                .result = result,
                .decision = decided ? &job->decision : NULL,
                .error = error,
                .message = message,
                .log = job->log,
                .log_size = job->log_size,
                .sent = job->removing,
                .took = job->removing && !engine_error_is_connection(error)
                                        ? usec_sub(clock_read(CLOCK_MONOTONIC), job->sent_at)
                                        : 0,
        };

        r->handlers->done(&job->id, &report, r->userdata);
        job_free(job);
        if (r->waking)
                return;
        if (!r->stopping)
                reaper_wake(r);
        else if (r->n_jobs == 0)
                r->handlers->idle(r->userdata);
}

static void on_removed(EngineCall *call, int error, const char *message, void *userdata) {
        Job *job = userdata;

        (void)call;
        switch (error) {
        case 0:
                job_end(job, REAP_REMOVED, true, 0, NULL);
                break;
        case -ENOENT:
                job_end(job, REAP_ALREADY_GONE, true, 0, NULL);
                break;
        case -EBUSY:
                job_end(job, REAP_CONFLICT, true, error, message);
                break;
        default:
                job_end(job, REAP_FAILED, true, error, message);
        }
}

static void inspect(Job *job);

static void on_log(EngineCall *call, int error, const char *message, const char *tail, size_t size,
                void *userdata) {
        Job *job = userdata;

        (void)call;
        if (error < 0)
                log_debug("Cannot read the log of a container before its removal: %.512s, ignoring",
                                request_problem(error, message));
        else {
                job->log = malloc(size + 1);
                if (job->log) {
                        memcpy(job->log, tail, size);
                        job->log[size] = '\0';
                        job->log_size = size;
                }
        }
        inspect(job);
}

/* On the decision that has just been made. */
static void carry_out(Job *job, const ReapOrder *order) {
        Reaper *r = job->reaper;
        int k;

        if (order->log_lines > 0 && !job->log_asked) {
                job->log_asked = true;
                job->call = engine_call_free(job->call);
                k = engine_log_tail(
                                r->client, &job->id, order->log_lines, order->tty, on_log, job, &job->call);
        } else if (r->dry_run) {
                job_end(job, REAP_WOULD_REMOVE, true, 0, NULL);
                return;
        } else {
                job->call = engine_call_free(job->call);
                r->handlers->removing(&job->id, r->userdata);
                job->removing = true;
                job->sent_at = clock_read(CLOCK_MONOTONIC);
                k = engine_remove(r->client, &job->id, order->volumes, on_removed, job, &job->call);
        }
        if (k < 0)
                job_end(job, REAP_FAILED, true, k, NULL);
}

static bool goes(const Job *job) {
        return job->decision.exact && verdict_removes(job->decision.verdict);
}

static void on_inspected(EngineCall *call, int error, const char *message, const ContainerDetail *detail,
                void *userdata) {
        Job *job = userdata;
        Reaper *r = job->reaper;
        ReapOrder order = { 0 };
        int k;

        (void)call;
        if (error == -ENOENT) {
                job_end(job, REAP_ALREADY_GONE, false, 0, NULL);
                return;
        }
        if (error < 0) {
                job_end(job, REAP_FAILED, false, error, message);
                return;
        }

        k = r->handlers->confirm(&job->id, detail, &order, r->userdata);
        if (k < 0) {
                job_end(job, REAP_FAILED, false, k, NULL);
                return;
        }
        job->decision = order.decision;
        if (order.measure && r->handlers->measure(&job->id, detail, r->userdata) >= 0)
                job->measuring = true;
        else if (!goes(job))
                job_end(job, REAP_KEPT, true, 0, NULL);
        else
                carry_out(job, &order);
}

void reaper_measured(Reaper *r, const ContainerId *id) {
        Job *job;

        DL_FOREACH(r->jobs, job)
                if (job->measuring && memcmp(&job->id, id, sizeof(*id)) == 0)
                        break;
        if (!job)
                return;

        job->measuring = false;
        if (goes(job))
                inspect(job); /* it may have been started meanwhile */
        else
                job_end(job, REAP_KEPT, true, 0, NULL);
}

static void inspect(Job *job) {
        Reaper *r = job->reaper;
        int k;

        job->call = engine_call_free(job->call);
        k = engine_inspect(r->client, &job->id, on_inspected, job, &job->call);
        if (k < 0)
                job_end(job, REAP_FAILED, false, k, NULL);
}

static void start(Reaper *r, const ContainerId *id) {
        Job *job = calloc(1, sizeof(*job));

        if (!job) {
                const ReapReport report = { .result = REAP_FAILED, .error = -ENOMEM };

                r->handlers->done(id, &report, r->userdata);
                return;
        }
        job->reaper = r;
        job->id = *id;
        DL_APPEND(r->jobs, job);
        r->n_jobs++;
        inspect(job);
}

void reaper_wake(Reaper *r) {
        ContainerId id;

        if (r->waking || r->stopping)
                return;

        r->waking = true;
        while (r->n_jobs < r->parallelism && r->handlers->next(&id, r->userdata))
                start(r, &id);
        r->waking = false;

        if (r->n_jobs == 0)
                r->handlers->idle(r->userdata);
}

void reaper_set_parallelism(Reaper *r, unsigned parallelism) {
        r->parallelism = parallelism;
}

void reaper_stop(Reaper *r) {
        Job *job, *next;

        r->stopping = true;
        DL_FOREACH_SAFE(r->jobs, job, next)
                if (!job->removing)
                        job_free(job);
        if (r->n_jobs == 0)
                r->handlers->idle(r->userdata);
}

size_t reaper_in_flight(const Reaper *r) {
        return r->n_jobs;
}

int reaper_new(EngineClient *client, unsigned parallelism, bool dry_run, const ReaperHandlers *handlers,
                void *userdata, Reaper **ret) {
        Reaper *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->client = client;
        r->parallelism = parallelism;
        r->dry_run = dry_run;
        r->handlers = handlers;
        r->userdata = userdata;

        *ret = r;
        return 0;
}

Reaper *reaper_free(Reaper *r) {
        if (!r)
                return NULL;
        while (r->jobs)
                job_free(r->jobs);
        free(r);
        return NULL;
}
