/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_FACTS_H
#define REAPERD_CORE_FACTS_H

/*
 * What the engine can tell, as plain values: one struct for each kind of answer. The engine layer fills
 * them in from JSON, the registry takes them in; neither needs to know the other.
 *
 * Strings are borrowed: they belong to whoever hands the struct out, and live as long as that says (in
 * callbacks: until the callback returns). NULL is "not told".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"

/* A full container id: 64 hexadecimal digits on the wire, 32 bytes here. */
typedef struct ContainerId {
        uint8_t bytes[32];
} ContainerId;

#define CONTAINER_ID_HEX_SIZE 65 /* with the NUL */

/* Reads exactly 64 lower-case hexadecimal digits. Returns 0 or -EINVAL. */
int container_id_parse(const char *hex, ContainerId *ret);

/* Writes the 64 digits and a NUL into buf, which has CONTAINER_ID_HEX_SIZE bytes; returns buf. */
char *container_id_format(const ContainerId *id, char *buf);

/* State.Status of the Engine API. */
typedef enum ContainerState {
        CONTAINER_STATE_UNKNOWN, /* a word that this version does not know: treated as running */
        CONTAINER_CREATED,
        CONTAINER_RUNNING,
        CONTAINER_PAUSED,
        CONTAINER_RESTARTING,
        CONTAINER_REMOVING,
        CONTAINER_EXITED,
        CONTAINER_DEAD,
        _CONTAINER_STATE_MAX,
} ContainerState;

ContainerState container_state_from_name(const char *name);
const char *container_state_name(ContainerState state);

/* All labels of a container, wherever they are kept: `get` finds one by its exact key (NULL: there is none;
 * of a key given twice the last counts) and its text lives as long as `object`. A zeroed one is empty. */
typedef struct Labels {
        const void *object;
        const char *(*get)(const void *object, const char *key);
} Labels;

static inline const char *labels_get(const Labels *l, const char *key) {
        return l->get ? l->get(l->object, key) : NULL;
}

/* The labels that Swarm puts on a task's container. Anybody can forge them: they name, they never decide
 * whether a container is a task. */
typedef struct SwarmLabels {
        const char *task_id;      /* com.docker.swarm.task.id */
        const char *task_name;    /* com.docker.swarm.task.name */
        const char *service_id;   /* com.docker.swarm.service.id */
        const char *service_name; /* com.docker.swarm.service.name */
        const char *node_id;      /* com.docker.swarm.node.id */
} SwarmLabels;

/* One element of GET /containers/json. It holds neither FinishedAt nor the exit code. */
typedef struct ContainerSummary {
        ContainerId id;
        const char *name; /* without the leading slash */
        const char *image;
        ContainerState state;
        usec_t created; /* realtime; whole seconds */
        SwarmLabels labels;
        Labels all_labels;
        bool exit_code_forged; /* a label named exitCode overwrites that attribute of its events */
} ContainerSummary;

/* GET /containers/{id}/json. */
typedef struct ContainerDetail {
        ContainerId id;
        const char *name; /* without the leading slash */
        const char *image;
        ContainerState state;
        int exit_code;
        bool oom_killed;
        const char *error;     /* State.Error; NULL when empty */
        usec_t created;        /* realtime */
        usec_t started;        /* realtime; 0: never */
        usec_t finished;       /* realtime; 0: never */
        bool auto_remove;      /* HostConfig.AutoRemove: the engine removes it by itself (docker run --rm) */
        bool may_restart;      /* HostConfig.RestartPolicy.Name is neither "no" nor "" */
        bool tty;              /* Config.Tty: its log is not framed by stream */
        const char *upper_dir; /* GraphDriver.Data.UpperDir: its writable layer; NULL: none is named */
        const char *log_path;  /* LogPath; NULL when empty: some log drivers keep no such file */
        SwarmLabels labels;
        Labels all_labels;
} ContainerDetail;

typedef enum EventAction {
        EVENT_OTHER, /* anything that the registry has no use for */
        EVENT_CREATE,
        EVENT_START,
        EVENT_KILL,
        EVENT_STOP,
        EVENT_DIE,
        EVENT_DESTROY,
        EVENT_RENAME,
        _EVENT_ACTION_MAX,
} EventAction;

const char *event_action_name(EventAction action);

/* One message of GET /events about a container (others: action EVENT_OTHER, the id all zero). */
typedef struct EngineEvent {
        EventAction action;
        ContainerId id;
        int64_t time_nsec; /* realtime, as the engine wrote it */
        /* About an object of the Swarm, not of this engine (scope "swarm"). Its time is the object's: a
         * manager that starts tells of those that it finds in its log, in times from before its start. */
        bool of_swarm;
        const char *name;
        const char *image;
        bool has_exit_code;
        int exit_code; /* of `die`; labels may have overwritten it: a hint */
        int signal;    /* of `kill`; 0: not told */
        bool labelled; /* carries com.docker.swarm.task, so it may be a task's */
        SwarmLabels labels;
        Labels all_labels; /* the attributes: the labels are among them, and win over others of their name */
} EngineEvent;

/* Swarm.LocalNodeState of GET /info. */
typedef enum SwarmState {
        SWARM_STATE_UNKNOWN, /* not asked yet, or a word that this version does not know */
        SWARM_INACTIVE,
        SWARM_PENDING,
        SWARM_ACTIVE,
        SWARM_ERROR,
        SWARM_LOCKED,
        _SWARM_STATE_MAX,
} SwarmState;

SwarmState swarm_state_from_name(const char *name);
const char *swarm_state_name(SwarmState state);

typedef struct EngineInfo {
        SwarmState swarm_state;
        const char *node_id; /* NULL when empty */
        bool control_available;
        const char *host_name;
        const char *root_dir;   /* DockerRootDir; NULL when empty */
        const char *log_driver; /* LoggingDriver: of containers that name none; NULL when empty */
        usec_t system_time;     /* realtime by the engine's clock, when it answered; 0: not told */
} EngineInfo;

/* An Engine API version such as 1.41. */
typedef struct ApiVersion {
        unsigned major;
        unsigned minor;
} ApiVersion;

/* Reads "1.41". Returns 0 or -EINVAL. */
int api_version_parse(const char *text, ApiVersion *ret);
int api_version_compare(ApiVersion a, ApiVersion b);

typedef struct EngineVersion {
        const char *engine; /* e.g. "20.10.24" */
        ApiVersion newest;
        ApiVersion oldest; /* 0.0 when not told */
} EngineVersion;

#endif
