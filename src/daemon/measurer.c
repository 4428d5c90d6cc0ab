/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "daemon/measurer.h"

typedef struct Job {
        ContainerId id;
        LayerWalk *walk; /* NULL: given up */
        struct Job *prev, *next;
} Job;

struct Measurer {
        sd_event_source *source;
        MeasuredHandler handler;
        void *userdata;
        Job *jobs;
};

static void drop(Measurer *m, Job *job) {
        DL_DELETE(m->jobs, job);
        layer_walk_free(job->walk);
        free(job);
}

static int on_slice(sd_event_source *source, void *userdata) {
        Measurer *m = userdata;
        Job *job = m->jobs;
        Holding holding = HOLDING_UNKNOWN;
        bool measured;
        ContainerId id;

        if (job && job->walk && layer_walk_step(job->walk, LAYER_SLICE) > 0)
                return 0;

        if (job) {
                id = job->id;
                measured = job->walk;
                if (measured)
                        holding = layer_walk_holding(job->walk);
                drop(m, job);
                m->handler(&id, measured ? &holding : NULL, m->userdata);
        }
        if (!m->jobs)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
}

int measurer_add(Measurer *m, const ContainerId *id, const char *upper_dir, const char *log_path,
                PageCacheMethod method) {
        Job *job = calloc(1, sizeof(*job));
        int r;

        if (!job)
                return -ENOMEM;
        job->id = *id;
        r = layer_walk_new(upper_dir, log_path, method, &job->walk);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->source, SD_EVENT_ON);
        if (r < 0) {
                layer_walk_free(job->walk);
                free(job);
                return r;
        }
        DL_APPEND(m->jobs, job);
        return 0;
}

void measurer_give_up(Measurer *m) {
        Job *job;

        DL_FOREACH(m->jobs, job)
                job->walk = layer_walk_free(job->walk);
}

void measurer_forget(Measurer *m) {
        while (m->jobs)
                drop(m, m->jobs);
        (void)sd_event_source_set_enabled(m->source, SD_EVENT_OFF);
}

int measurer_new(sd_event *event, MeasuredHandler handler, void *userdata, Measurer **ret) {
        _cleanup_(measurer_freep) Measurer *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->handler = handler;
        m->userdata = userdata;
        r = sd_event_add_defer(event, &m->source, on_slice, m);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(m->source, "measure-layers");
        /* Behind all that the engine has to say. */
        (void)sd_event_source_set_priority(m->source, SD_EVENT_PRIORITY_IDLE);
        r = sd_event_source_set_enabled(m->source, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

Measurer *measurer_free(Measurer *m) {
        if (!m)
                return NULL;
        while (m->jobs)
                drop(m, m->jobs);
        sd_event_source_disable_unref(m->source);
        free(m);
        return NULL;
}
