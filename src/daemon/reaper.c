/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <utlist.h>

#include "daemon/reaper.h"

/* One container in hand: first its inspect, then its DELETE. */
typedef struct Job {
        Reaper *reaper;
        ContainerId id;
        EngineCall *call;
        Decision decision;
        bool removing;
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
        free(job);
}

static void job_end(Job *job, ReapResult result, const Decision *decision, int error, const char *message) {
        Reaper *r = job->reaper;

        r->handlers->done(&job->id, result, decision, error, message, r->userdata);
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
        const Decision *decision = &job->decision;

        (void)call;
        switch (error) {
        case 0:
                job_end(job, REAP_REMOVED, decision, 0, NULL);
                break;
        case -ENOENT:
                job_end(job, REAP_ALREADY_GONE, decision, 0, NULL);
                break;
        case -EBUSY:
                job_end(job, REAP_CONFLICT, decision, error, message);
                break;
        default:
                job_end(job, REAP_FAILED, decision, error, message);
        }
}

static void on_inspected(EngineCall *call, int error, const char *message, const ContainerDetail *detail,
                void *userdata) {
        Job *job = userdata;
        Reaper *r = job->reaper;
        bool volumes = false;
        int k;

        (void)call;
        if (error == -ENOENT) {
                job_end(job, REAP_ALREADY_GONE, NULL, 0, NULL);
                return;
        }
        if (error < 0) {
                job_end(job, REAP_FAILED, NULL, error, message);
                return;
        }

        k = r->handlers->confirm(&job->id, detail, &job->decision, &volumes, r->userdata);
        if (k < 0) {
                job_end(job, REAP_FAILED, NULL, k, NULL);
                return;
        }
        if (!job->decision.exact || !verdict_removes(job->decision.verdict)) {
                job_end(job, REAP_KEPT, &job->decision, 0, NULL);
                return;
        }
        if (r->dry_run) {
                job_end(job, REAP_WOULD_REMOVE, &job->decision, 0, NULL);
                return;
        }

        job->call = engine_call_free(job->call);
        job->removing = true;
        k = engine_remove(r->client, &job->id, volumes, on_removed, job, &job->call);
        if (k < 0)
                job_end(job, REAP_FAILED, &job->decision, k, NULL);
}

static void start(Reaper *r, const ContainerId *id) {
        Job *job = calloc(1, sizeof(*job));
        int k;

        if (!job) {
                r->handlers->done(id, REAP_FAILED, NULL, -ENOMEM, NULL, r->userdata);
                return;
        }
        job->reaper = r;
        job->id = *id;
        DL_APPEND(r->jobs, job);
        r->n_jobs++;

        k = engine_inspect(r->client, id, on_inspected, job, &job->call);
        if (k < 0)
                job_end(job, REAP_FAILED, NULL, k, NULL);
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
