/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a manager tells of its Swarm. Apart from decode.c, as nothing here decides about a removal: it is for
 * advice.
 */

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/decode.h"
#include "engine/json-value.h"

/* A number that may be larger than what a double holds exactly, as a delay of a hundred days in nanoseconds
 * is: here the last digits do not matter. NULL: 0. What is out of range becomes the nearest that is in
 * it. */
static int read_number(const cJSON *item, int64_t *ret) {
        double value;

        if (!item) {
                *ret = 0;
                return 0;
        }
        if (!cJSON_IsNumber(item) || isnan(item->valuedouble))
                return -EBADMSG;
        value = item->valuedouble;

        /* Of all doubles the first beyond INT64_MAX is 2^63. */
        if (value >= 0x1p63)
                *ret = INT64_MAX;
        else if (value <= -0x1p63)
                *ret = INT64_MIN;
        else
                *ret = (int64_t)value;
        return 0;
}

/* The same where nothing below 0 makes sense. */
static int read_count(const cJSON *item, uint64_t *ret) {
        int64_t value;
        int r;

        r = read_number(item, &value);
        if (r < 0)
                return r;
        *ret = value > 0 ? (uint64_t)value : 0;
        return 0;
}

int decode_swarm(const char *text, size_t size, Decoded *d, SwarmFacts *ret) {
        _cleanup_decoded_ Decoded parsed = DECODED_INIT;
        SwarmFacts swarm = {};
        const cJSON *spec, *orchestration, *limit;
        JsonField fields[] = {
                json_required(json_object("Spec", &spec)),
        };
        JsonField spec_fields[] = {
                json_required(json_object("Orchestration", &orchestration)),
        };
        JsonField orchestration_fields[] = {
                json_required(json_any("TaskHistoryRetentionLimit", &limit)),
        };
        int r;

        r = json_value_parse(text, size, &parsed.tree);
        if (r < 0)
                return r;
        r = json_value_read(parsed.tree, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;
        r = json_value_read(spec, spec_fields, ELEMENTS_OF(spec_fields));
        if (r < 0)
                return r;
        r = json_value_read(orchestration, orchestration_fields, ELEMENTS_OF(orchestration_fields));
        if (r < 0)
                return r;
        r = read_number(limit, &swarm.history_limit);
        if (r < 0)
                return r;

        d->tree = TAKE_PTR(parsed.tree);
        *ret = swarm;
        return 0;
}

/* Of the members of Mode only the one that is meant is there. */
static int read_mode(const cJSON *mode, ServiceMode *ret, uint64_t *ret_wanted) {
        const cJSON *replicated, *global, *replicated_job, *global_job, *completions;
        JsonField fields[] = {
                json_object("Replicated", &replicated),
                json_object("Global", &global),
                json_object("ReplicatedJob", &replicated_job),
                json_object("GlobalJob", &global_job),
        };
        JsonField job_fields[] = {
                json_any("TotalCompletions", &completions),
        };
        int r;

        r = json_value_read(mode, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;
        r = json_value_read(replicated_job, job_fields, ELEMENTS_OF(job_fields));
        if (r < 0)
                return r;

        if (replicated)
                *ret = SERVICE_REPLICATED;
        else if (global)
                *ret = SERVICE_GLOBAL;
        else if (replicated_job)
                *ret = SERVICE_REPLICATED_JOB;
        else if (global_job)
                *ret = SERVICE_GLOBAL_JOB;
        else
                *ret = SERVICE_MODE_UNKNOWN;
        return read_count(completions, ret_wanted);
}

/* For a replicated job the engine tells how many tasks may run at a time as those desired, also when it has
 * finished; for a global one how many have yet to be complete. */
static int read_status(const cJSON *status, uint64_t wanted, ServiceFacts *service) {
        const cJSON *running, *desired, *completed;
        uint64_t n_running, n_desired, n_completed;
        JsonField fields[] = {
                json_any("RunningTasks", &running),
                json_any("DesiredTasks", &desired),
                json_any("CompletedTasks", &completed),
        };
        int r;

        r = json_value_read(status, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;
        r = read_count(running, &n_running);
        if (r < 0)
                return r;
        r = read_count(desired, &n_desired);
        if (r < 0)
                return r;
        r = read_count(completed, &n_completed);
        if (r < 0)
                return r;

        if (n_running > 0 || n_completed == 0)
                service->finished = false;
        else if (service->mode == SERVICE_REPLICATED_JOB)
                service->finished = n_completed >= wanted;
        else
                service->finished = service->mode == SERVICE_GLOBAL_JOB && n_desired == 0;
        return 0;
}

static int read_restart_policy(const cJSON *policy, ServiceFacts *service) {
        const cJSON *delay, *max_attempts;
        const char *condition;
        uint64_t nanoseconds;
        JsonField fields[] = {
                json_string("Condition", &condition),
                json_any("Delay", &delay),
                json_any("MaxAttempts", &max_attempts),
        };
        int r;

        r = json_value_read(policy, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;
        r = read_count(delay, &nanoseconds);
        if (r < 0)
                return r;

        service->restarts = !condition || strcmp(condition, "none") != 0;
        service->restart_delay = nanoseconds / NSEC_PER_USEC;
        return read_count(max_attempts, &service->max_attempts);
}

static int read_template(const cJSON *template, ServiceFacts *service) {
        const cJSON *container, *policy, *log_driver, *labels;
        JsonField fields[] = {
                json_object("ContainerSpec", &container),
                json_object("RestartPolicy", &policy),
                json_object("LogDriver", &log_driver),
        };
        JsonField container_fields[] = {
                json_string("Image", &service->image),
                json_object("Labels", &labels),
        };
        JsonField driver_fields[] = {
                json_string("Name", &service->log_driver),
        };
        int r;

        r = json_value_read(template, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;
        r = json_value_read(container, container_fields, ELEMENTS_OF(container_fields));
        if (r < 0)
                return r;
        r = json_value_read(log_driver, driver_fields, ELEMENTS_OF(driver_fields));
        if (r < 0)
                return r;
        service->container_labels = decode_labels(labels);
        return read_restart_policy(policy, service);
}

int decode_service(const char *text, size_t size, Decoded *d, ServiceFacts *ret) {
        _cleanup_decoded_ Decoded parsed = DECODED_INIT;
        ServiceFacts service = {};
        const cJSON *spec, *status, *template, *mode;
        uint64_t wanted;
        JsonField fields[] = {
                json_required(json_string("ID", &service.id)),
                json_required(json_object("Spec", &spec)),
                json_object("ServiceStatus", &status),
        };
        JsonField spec_fields[] = {
                json_required(json_string("Name", &service.name)),
                json_object("TaskTemplate", &template),
                json_object("Mode", &mode),
        };
        int r;

        r = json_value_parse(text, size, &parsed.tree);
        if (r < 0)
                return r;
        r = json_value_read(parsed.tree, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;
        r = json_value_read(spec, spec_fields, ELEMENTS_OF(spec_fields));
        if (r < 0)
                return r;
        r = read_mode(mode, &service.mode, &wanted);
        if (r < 0)
                return r;
        r = read_status(status, wanted, &service);
        if (r < 0)
                return r;
        r = read_template(template, &service);
        if (r < 0)
                return r;

        d->tree = TAKE_PTR(parsed.tree);
        *ret = service;
        return 0;
}
