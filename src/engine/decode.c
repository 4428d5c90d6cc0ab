/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function for each kind of answer. What decides about a removal (state, exit code, times) must be
 * there and be what it should; a container of which something else is unknown is still a container.
 */

#include "engine/decode.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "engine/json-value.h"

#define SIGNAL_MAX 64

void decoded_done(Decoded *d) {
        cJSON_Delete(d->tree);
        d->tree = NULL;
}

/* What every answer begins with: the text becomes a tree, whose outermost object has these fields. */
static int read_text(const char *text, size_t size, JsonField *fields, size_t n_fields, Decoded *parsed) {
        int r;

        r = json_value_parse(text, size, &parsed->tree);
        if (r < 0)
                return r;
        return json_value_read(parsed->tree, fields, n_fields);
}

static const char *without_slash(const char *name) {
        if (name && *name == '/')
                name++;
        return name && *name != '\0' ? name : NULL;
}

/* A whole number as text, as in event attributes. Anybody can set these by a label, so only the plain
 * spelling is read. */
static int parse_int(const char *text, int min, int max, int *ret) {
        bool negative = *text == '-';
        const char *p = text + (negative ? 1 : 0);
        int64_t value = 0;

        if (*p == '\0')
                return -EINVAL;
        for (; *p != '\0'; p++) {
                if (*p < '0' || *p > '9')
                        return -EINVAL;
                value = value * 10 + (*p - '0');
                if (value > (int64_t)INT_MAX + 1)
                        return -ERANGE;
        }
        if (negative)
                value = -value;
        if (value < min || value > max)
                return -ERANGE;

        *ret = (int)value;
        return 0;
}

/* Labels of a container, or NULL. */
static int read_labels(const cJSON *object, SwarmLabels *ret) {
        JsonField fields[] = {
                json_string("com.docker.swarm.task.id", &ret->task_id),
                json_string("com.docker.swarm.task.name", &ret->task_name),
                json_string("com.docker.swarm.service.id", &ret->service_id),
                json_string("com.docker.swarm.service.name", &ret->service_name),
                json_string("com.docker.swarm.node.id", &ret->node_id),
        };

        return json_value_read(object, fields, ELEMENTS_OF(fields));
}

/* Labels.get in a tree. Unlike fields, a label can be told empty. */
static const char *get_label(const void *object, const char *key) {
        const cJSON *item, *found = NULL;

        cJSON_ArrayForEach(item, (const cJSON *)object)
                if (strcmp(item->string, key) == 0)
                        found = item;
        return cJSON_GetStringValue(found);
}

Labels decode_labels(const cJSON *object) {
        return (Labels){ .object = object, .get = get_label };
}

static EventAction event_action_from_name(const char *name) {
        for (EventAction action = EVENT_OTHER + 1; action < _EVENT_ACTION_MAX; action++)
                if (strcmp(event_action_name(action), name) == 0)
                        return action;
        return EVENT_OTHER;
}

static int read_attributes(const cJSON *object, EngineEvent *event) {
        const char *exit_code, *signal;
        const cJSON *task;
        JsonField fields[] = {
                json_string("name", &event->name),
                json_string("image", &event->image),
                json_string("exitCode", &exit_code),
                json_string("signal", &signal),
                json_any("com.docker.swarm.task", &task),
        };
        int r;

        r = json_value_read(object, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;

        event->labelled = task;
        if (event->action == EVENT_DIE && exit_code)
                event->has_exit_code = parse_int(exit_code, INT_MIN, INT_MAX, &event->exit_code) >= 0;
        if (event->action == EVENT_KILL && signal)
                (void)parse_int(signal, 1, SIGNAL_MAX, &event->signal);

        event->all_labels = decode_labels(object);
        return read_labels(object, &event->labels);
}

/* timeNano, or else `time` in seconds. Zero is a field that was left out. An event without a time is
 * bad: as the oldest of the engine's ring it would make the engine look as old as time. */
static int read_event_time(const char *text, size_t size, const cJSON *tree, int64_t *ret) {
        const cJSON *nanoseconds, *seconds;
        JsonField fields[] = {
                json_any("timeNano", &nanoseconds),
                json_any("time", &seconds),
        };
        int64_t time = 0;
        int r;

        r = json_value_read(tree, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;

        if (nanoseconds) {
                r = json_value_int64(text, size, tree, nanoseconds, &time);
                if (r < 0)
                        return r;
        }
        if (time == 0 && seconds) {
                r = json_value_int64(text, size, tree, seconds, &time);
                if (r < 0)
                        return r;
                if (__builtin_mul_overflow(time, (int64_t)NSEC_PER_SEC, &time))
                        return -EBADMSG;
        }
        if (time == 0)
                return -EBADMSG;

        *ret = time;
        return 0;
}

int decode_event(const char *text, size_t size, Decoded *d, EngineEvent *ret) {
        _cleanup_decoded_ Decoded parsed = DECODED_INIT;
        const char *type, *action, *scope, *id;
        const cJSON *actor, *attributes;
        JsonField fields[] = {
                json_required(json_string("Type", &type)),
                json_required(json_string("Action", &action)),
                json_string("scope", &scope),
                json_object("Actor", &actor),
        };
        JsonField actor_fields[] = {
                json_required(json_string("ID", &id)),
                json_object("Attributes", &attributes),
        };
        EngineEvent event = {};
        int r;

        r = read_text(text, size, fields, ELEMENTS_OF(fields), &parsed);
        if (r < 0)
                return r;
        r = read_event_time(text, size, parsed.tree, &event.time_nsec);
        if (r < 0)
                return r;

        event.of_swarm = scope && strcmp(scope, "swarm") == 0;
        if (strcmp(type, "container") == 0)
                event.action = event_action_from_name(action);
        if (event.action != EVENT_OTHER) {
                r = json_value_read(actor, actor_fields, ELEMENTS_OF(actor_fields));
                if (r < 0)
                        return r;
                if (container_id_parse(id, &event.id) < 0)
                        return -EBADMSG;
                r = read_attributes(attributes, &event);
                if (r < 0)
                        return r;
        }

        d->tree = TAKE_PTR(parsed.tree);
        *ret = event;
        return 0;
}

/* A container linked to by others also has names of the form "/other/alias"; its own has one slash. */
static int own_name(const cJSON *names, const char **ret) {
        const char *own = NULL;
        const cJSON *name;

        cJSON_ArrayForEach(name, names) {
                const char *text;

                if (!cJSON_IsString(name))
                        return -EBADMSG;
                text = without_slash(name->valuestring);
                if (!own && text && !strchr(text, '/'))
                        own = text;
        }

        *ret = own;
        return 0;
}

int decode_summary(const char *text, size_t size, Decoded *d, ContainerSummary *ret) {
        _cleanup_decoded_ Decoded parsed = DECODED_INIT;
        ContainerSummary summary = {};
        const char *id, *state;
        const cJSON *names, *labels, *exit_code;
        int64_t created;
        JsonField fields[] = {
                json_required(json_string("Id", &id)),
                json_array("Names", &names),
                json_string("Image", &summary.image),
                json_int("Created", &created),
                json_string("State", &state),
                json_object("Labels", &labels),
        };
        JsonField label_fields[] = {
                json_any("exitCode", &exit_code),
        };
        int r;

        r = read_text(text, size, fields, ELEMENTS_OF(fields), &parsed);
        if (r < 0)
                return r;
        if (container_id_parse(id, &summary.id) < 0)
                return -EBADMSG;
        r = own_name(names, &summary.name);
        if (r < 0)
                return r;

        summary.state = container_state_from_name(state);
        if (created > 0 && __builtin_mul_overflow((usec_t)created, USEC_PER_SEC, &summary.created))
                return -EBADMSG;

        r = read_labels(labels, &summary.labels);
        if (r < 0)
                return r;
        r = json_value_read(labels, label_fields, ELEMENTS_OF(label_fields));
        if (r < 0)
                return r;
        summary.exit_code_forged = exit_code;
        summary.all_labels = decode_labels(labels);

        d->tree = TAKE_PTR(parsed.tree);
        *ret = summary;
        return 0;
}

/* A path on the engine's machine, or NULL. It only serves to measure: an engine that tells something
 * else here is as good as one that tells nothing. */
static const char *absolute_path(const cJSON *item) {
        const char *path = cJSON_GetStringValue(item);

        return path && *path == '/' ? path : NULL;
}

static int read_time(const char *text, usec_t *ret) {
        if (!text) {
                *ret = 0;
                return 0;
        }
        return decode_time(text, ret) < 0 ? -EBADMSG : 0;
}

/* State of an inspect. The engine derives Status from the flags; if they do not agree, the one that says
 * more life counts. */
static int read_state(const cJSON *object, ContainerDetail *detail) {
        const char *status, *started, *finished;
        bool running, paused, restarting;
        int64_t exit_code;
        JsonField fields[] = {
                json_string("Status", &status),
                json_bool("Running", &running),
                json_bool("Paused", &paused),
                json_bool("Restarting", &restarting),
                json_bool("OOMKilled", &detail->oom_killed),
                json_required(json_int("ExitCode", &exit_code)),
                json_string("Error", &detail->error),
                json_string("StartedAt", &started),
                json_required(json_string("FinishedAt", &finished)),
        };
        int r;

        r = json_value_read(object, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;
        if (exit_code < INT_MIN || exit_code > INT_MAX)
                return -EBADMSG;
        r = read_time(started, &detail->started);
        if (r < 0)
                return r;
        r = read_time(finished, &detail->finished);
        if (r < 0)
                return r;

        detail->exit_code = (int)exit_code;
        detail->state = container_state_from_name(status);

        switch (detail->state) {
        case CONTAINER_CREATED:
        case CONTAINER_REMOVING:
        case CONTAINER_EXITED:
        case CONTAINER_DEAD:
                if (restarting)
                        detail->state = CONTAINER_RESTARTING;
                else if (paused)
                        detail->state = CONTAINER_PAUSED;
                else if (running)
                        detail->state = CONTAINER_RUNNING;
                break;
        default:
                break;
        }
        return 0;
}

/* What else may happen to the container without anybody's doing. A policy of a name that is not known yet
 * may start it again. */
static int read_host_config(const cJSON *object, ContainerDetail *detail) {
        const cJSON *restart_policy;
        const char *name;
        JsonField fields[] = {
                json_bool("AutoRemove", &detail->auto_remove),
                json_object("RestartPolicy", &restart_policy),
        };
        JsonField policy_fields[] = {
                json_string("Name", &name),
        };
        int r;

        r = json_value_read(object, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;
        r = json_value_read(restart_policy, policy_fields, ELEMENTS_OF(policy_fields));
        if (r < 0)
                return r;

        detail->may_restart = name && strcmp(name, "no") != 0;
        return 0;
}

/* Where its writable layer is. With the containerd image store, and with some storage drivers, this is not
 * told. */
static int read_graph_driver(const cJSON *driver, ContainerDetail *detail) {
        const cJSON *data, *upper_dir;
        JsonField fields[] = {
                json_any("Data", &data),
        };
        JsonField data_fields[] = {
                json_any("UpperDir", &upper_dir),
        };
        int r;

        r = json_value_read(cJSON_IsObject(driver) ? driver : NULL, fields, ELEMENTS_OF(fields));
        if (r < 0)
                return r;
        r = json_value_read(cJSON_IsObject(data) ? data : NULL, data_fields, ELEMENTS_OF(data_fields));
        if (r < 0)
                return r;

        detail->upper_dir = absolute_path(upper_dir);
        return 0;
}

int decode_detail(const char *text, size_t size, Decoded *d, ContainerDetail *ret) {
        _cleanup_decoded_ Decoded parsed = DECODED_INIT;
        ContainerDetail detail = {};
        const char *id, *name, *created;
        const cJSON *state, *config, *host_config, *graph_driver, *log_path, *labels;
        JsonField fields[] = {
                json_required(json_string("Id", &id)),
                json_string("Name", &name),
                json_required(json_string("Created", &created)),
                json_required(json_object("State", &state)),
                json_object("Config", &config),
                json_object("HostConfig", &host_config),
                json_any("GraphDriver", &graph_driver),
                json_any("LogPath", &log_path),
        };
        JsonField config_fields[] = {
                json_string("Image", &detail.image),
                json_bool("Tty", &detail.tty),
                json_object("Labels", &labels),
        };
        int r;

        r = read_text(text, size, fields, ELEMENTS_OF(fields), &parsed);
        if (r < 0)
                return r;
        if (container_id_parse(id, &detail.id) < 0)
                return -EBADMSG;
        r = read_time(created, &detail.created);
        if (r < 0)
                return r;
        r = read_state(state, &detail);
        if (r < 0)
                return r;
        r = json_value_read(config, config_fields, ELEMENTS_OF(config_fields));
        if (r < 0)
                return r;
        r = read_labels(labels, &detail.labels);
        if (r < 0)
                return r;
        r = read_host_config(host_config, &detail);
        if (r < 0)
                return r;
        r = read_graph_driver(graph_driver, &detail);
        if (r < 0)
                return r;

        detail.log_path = absolute_path(log_path);
        detail.all_labels = decode_labels(labels);
        detail.name = without_slash(name);

        d->tree = TAKE_PTR(parsed.tree);
        *ret = detail;
        return 0;
}

int decode_info(const char *text, size_t size, Decoded *d, EngineInfo *ret) {
        _cleanup_decoded_ Decoded parsed = DECODED_INIT;
        EngineInfo info = {};
        const char *state, *system_time;
        const cJSON *swarm, *root_dir;
        JsonField fields[] = {
                json_string("Name", &info.host_name),
                json_string("SystemTime", &system_time),
                json_string("LoggingDriver", &info.log_driver),
                json_any("DockerRootDir", &root_dir),
                json_object("Swarm", &swarm),
        };
        JsonField swarm_fields[] = {
                json_string("NodeID", &info.node_id),
                json_string("LocalNodeState", &state),
                json_bool("ControlAvailable", &info.control_available),
        };
        int r;

        r = read_text(text, size, fields, ELEMENTS_OF(fields), &parsed);
        if (r < 0)
                return r;
        r = json_value_read(swarm, swarm_fields, ELEMENTS_OF(swarm_fields));
        if (r < 0)
                return r;

        if (system_time && decode_time(system_time, &info.system_time) < 0)
                return -EBADMSG;
        info.swarm_state = swarm_state_from_name(state);
        info.root_dir = absolute_path(root_dir);

        d->tree = TAKE_PTR(parsed.tree);
        *ret = info;
        return 0;
}

int decode_version(const char *text, size_t size, Decoded *d, EngineVersion *ret) {
        _cleanup_decoded_ Decoded parsed = DECODED_INIT;
        EngineVersion version = {};
        const char *newest, *oldest;
        JsonField fields[] = {
                json_string("Version", &version.engine),
                json_required(json_string("ApiVersion", &newest)),
                json_string("MinAPIVersion", &oldest),
        };
        int r;

        r = read_text(text, size, fields, ELEMENTS_OF(fields), &parsed);
        if (r < 0)
                return r;
        if (api_version_parse(newest, &version.newest) < 0)
                return -EBADMSG;
        if (oldest && api_version_parse(oldest, &version.oldest) < 0)
                return -EBADMSG;

        d->tree = TAKE_PTR(parsed.tree);
        *ret = version;
        return 0;
}

int decode_error(const char *text, size_t size, Decoded *d, const char **ret_message) {
        _cleanup_decoded_ Decoded parsed = DECODED_INIT;
        const char *message;
        JsonField fields[] = {
                json_string("message", &message),
        };
        int r;

        r = read_text(text, size, fields, ELEMENTS_OF(fields), &parsed);
        if (r < 0)
                return r;

        d->tree = TAKE_PTR(parsed.tree);
        *ret_message = message;
        return 0;
}
