/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "base/cleanup.h"
#include "base/nearest-name.h"
#include "core/setting-table.h"
#include "core/settings.h"

static const char *const remove_volumes_names[] = {
        [REMOVE_VOLUMES_SWARM] = "swarm",
        [REMOVE_VOLUMES_NEVER] = "never",
        [REMOVE_VOLUMES_ALWAYS] = "always",
        NULL,
};

static const SettingInfo table[] = {
        [SETTING_ENDPOINT] = {
                .section = "Engine",
                .key = "Endpoint",
                .type = SETTING_TYPE_ENDPOINT,
                .default_text = "unix:///run/docker.sock",
                .follows = _SETTING_INVALID,
                .accepted = "unix:///absolute/path or tcp://host:port",
                .help = "Where the engine listens.",
                .offset = offsetof(Settings, endpoint),
        },
        [SETTING_RESYNC_INTERVAL] = {
                .section = "Engine",
                .key = "ResyncInterval",
                .type = SETTING_TYPE_SPAN,
                .default_text = "5min",
                .follows = _SETTING_INVALID,
                /* No infinity: the engine sends no heartbeat, so the list is the only probe of a silent
                 * connection. */
                .min = 10 * USEC_PER_SEC,
                .max = USEC_PER_DAY,
                .accepted = "10s to 1d",
                .help = "How often the engine's list is compared with what its events told.",
                .offset = offsetof(Settings, resync_interval),
        },
        [SETTING_REQUEST_TIMEOUT] = {
                .section = "Engine",
                .key = "RequestTimeout",
                .type = SETTING_TYPE_SPAN,
                .default_text = "60s",
                .follows = _SETTING_INVALID,
                .min = USEC_PER_SEC,
                .max = USEC_PER_HOUR,
                .accepted = "1s to 1h",
                .help = "How long the engine may take to answer a request.",
                .offset = offsetof(Settings, request_timeout),
        },
        [SETTING_SETTLE_TIME] = {
                .section = "Engine",
                .key = "SettleTime",
                .type = SETTING_TYPE_SPAN,
                .default_text = "60s",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = USEC_PER_DAY,
                .accepted = "0 to 1d",
                .help = "How long the engine must have been up before any removal; 0 turns this off.",
                .offset = offsetof(Settings, settle_time),
        },
        [SETTING_MINIMUM_AGE] = {
                .section = "Retention",
                .key = "MinimumAge",
                .type = SETTING_TYPE_SPAN,
                .default_text = "60s",
                .follows = _SETTING_INVALID,
                .min = MINIMUM_AGE_FLOOR,
                .max = USEC_INFINITY,
                .accepted = "10s to infinity",
                .help = "The least age, counted from its end, at which any container is removed.",
                .offset = offsetof(Settings, retention.minimum_age),
                .per_container = true,
        },
        [SETTING_SUCCESS] = {
                .section = "Retention",
                .key = "Success",
                .type = SETTING_TYPE_SPAN,
                .default_text = "1h",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = USEC_INFINITY,
                .accepted = "0 to infinity",
                .help = "How long a container that ended with exit code 0 is kept.",
                .offset = offsetof(Settings, retention.success),
                .per_container = true,
        },
        [SETTING_FAILURE] = {
                .section = "Retention",
                .key = "Failure",
                .type = SETTING_TYPE_SPAN,
                .default_text = "24h",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = USEC_INFINITY,
                .accepted = "0 to infinity",
                .help = "How long a container that ended with another exit code is kept.",
                .offset = offsetof(Settings, retention.failure),
                .per_container = true,
        },
        [SETTING_OOM_KILLED] = {
                .section = "Retention",
                .key = "OOMKilled",
                .type = SETTING_TYPE_SPAN,
                .default_text = "",
                .follows = SETTING_FAILURE,
                .min = 0,
                .max = USEC_INFINITY,
                .accepted = "0 to infinity",
                .help = "How long a container that ran out of memory is kept.",
                .offset = offsetof(Settings, retention.oom_killed),
                .per_container = true,
        },
        [SETTING_SHUTDOWN] = {
                .section = "Retention",
                .key = "Shutdown",
                .type = SETTING_TYPE_SPAN,
                .default_text = "",
                .follows = SETTING_SUCCESS,
                .min = 0,
                .max = USEC_INFINITY,
                .accepted = "0 to infinity",
                .help = "How long a container that the engine was asked to stop is kept.",
                .offset = offsetof(Settings, retention.shutdown),
                .per_container = true,
        },
        [SETTING_FAILED_START] = {
                .section = "Retention",
                .key = "FailedStart",
                .type = SETTING_TYPE_SPAN,
                .default_text = "24h",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = USEC_INFINITY,
                .accepted = "0 to infinity",
                .help = "How long a container that could not be started is kept, counted from its creation.",
                .offset = offsetof(Settings, retention.failed_start),
                .per_container = true,
        },
        [SETTING_ORPHAN_AGE] = {
                .section = "Retention",
                .key = "OrphanAge",
                .type = SETTING_TYPE_SPAN,
                .default_text = "1h",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = USEC_INFINITY,
                .accepted = "0 to infinity",
                .help = "How long a container that belongs to another node's identity is kept at most.",
                .offset = offsetof(Settings, retention.orphan_age),
                .per_container = true,
        },
        [SETTING_REMOVE_VOLUMES] = {
                .section = "Retention",
                .key = "RemoveVolumes",
                .type = SETTING_TYPE_CHOICE,
                .default_text = "swarm",
                .follows = _SETTING_INVALID,
                .choices = remove_volumes_names,
                .accepted = "swarm, never or always",
                .help = "Whose anonymous volumes go with the container; named volumes never do.",
                .offset = offsetof(Settings, retention.remove_volumes),
                .per_container = true,
        },
        [SETTING_KEEP_LAST] = {
                .section = "Retention",
                .key = "KeepLast",
                .type = SETTING_TYPE_COUNT,
                .default_text = "0",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = 10000,
                .or_infinity = true,
                .accepted = "0 to 10000, or infinity",
                .help = "How many of the newest stopped containers of each slot are kept.",
                .offset = offsetof(Settings, retention.keep_last),
                .per_container = true,
        },
        [SETTING_KEEP_LAST_FAILURE] = {
                .section = "Retention",
                .key = "KeepLastFailure",
                .type = SETTING_TYPE_COUNT,
                .default_text = "1",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = 10000,
                .or_infinity = true,
                .accepted = "0 to 10000, or infinity",
                .help = "How many of the newest failures of each slot are kept.",
                .offset = offsetof(Settings, retention.keep_last_failure),
                .per_container = true,
        },
        [SETTING_KEEP_LAST_FOR] = {
                .section = "Retention",
                .key = "KeepLastFor",
                .type = SETTING_TYPE_SPAN,
                .default_text = "7d",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = USEC_INFINITY,
                .accepted = "0 to infinity",
                .help = "How long after its end a container is kept at most as one of the newest.",
                .offset = offsetof(Settings, retention.keep_last_for),
                .per_container = true,
        },
        [SETTING_LOG_TAIL] = {
                .section = "Retention",
                .key = "LogTail",
                .type = SETTING_TYPE_COUNT,
                .default_text = "0",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = 100,
                .accepted = "0 to 100",
                .help = "How many of the last lines of its log go into the record of a failed container.",
                .offset = offsetof(Settings, retention.log_tail),
                .per_container = true,
        },
        [SETTING_MAX_STOPPED] = {
                .section = "Retention",
                .key = "MaxStopped",
                .type = SETTING_TYPE_COUNT,
                .default_text = "infinity",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = 1000000,
                .or_infinity = true,
                .accepted = "0 to 1000000, or infinity",
                .help = "How many stopped containers there may be on the node.",
                .offset = offsetof(Settings, max_stopped),
        },
        [SETTING_LABELS_HONOR] = {
                .section = "Labels",
                .key = "Honor",
                .type = SETTING_TYPE_BOOLEAN,
                .default_text = "yes",
                .follows = _SETTING_INVALID,
                .accepted = "yes or no",
                .help = "Whether labels of a container change what holds for it.",
                .offset = offsetof(Settings, labels_honor),
        },
        [SETTING_LABELS_MAX_TTL] = {
                .section = "Labels",
                .key = "MaxTTL",
                .type = SETTING_TYPE_SPAN,
                .default_text = "infinity",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = USEC_INFINITY,
                .accepted = "0 to infinity",
                .help = "The longest time that a label may ask for.",
                .offset = offsetof(Settings, labels_max_ttl),
        },
        [SETTING_PARALLELISM] = {
                .section = "Reaper",
                .key = "Parallelism",
                .type = SETTING_TYPE_COUNT,
                .default_text = "4",
                .follows = _SETTING_INVALID,
                .min = 1,
                .max = 16,
                .accepted = "1 to 16",
                .help = "How many removals may be under way at once.",
                .offset = offsetof(Settings, parallelism),
        },
        [SETTING_RETRY_INITIAL] = {
                .section = "Reaper",
                .key = "RetryInitial",
                .type = SETTING_TYPE_SPAN,
                .default_text = "5s",
                .follows = _SETTING_INVALID,
                .min = USEC_PER_SEC,
                .max = USEC_PER_HOUR,
                .accepted = "1s to 1h",
                .help = "How long to wait after a removal's first failure; the wait doubles with each one.",
                .offset = offsetof(Settings, retry_initial),
        },
        [SETTING_RETRY_MAX] = {
                .section = "Reaper",
                .key = "RetryMax",
                .type = SETTING_TYPE_SPAN,
                .default_text = "10min",
                .follows = _SETTING_INVALID,
                .min = USEC_PER_SEC,
                .max = USEC_PER_DAY,
                .accepted = "1s to 1d",
                .help = "The longest wait between two attempts; not below RetryInitial=.",
                .offset = offsetof(Settings, retry_max),
        },
        [SETTING_QUARANTINE_AFTER] = {
                .section = "Reaper",
                .key = "QuarantineAfter",
                .type = SETTING_TYPE_COUNT,
                .default_text = "8",
                .follows = _SETTING_INVALID,
                .min = 1,
                .max = 1000,
                .accepted = "1 to 1000",
                .help = "After how many failures a container is left alone, with one warning.",
                .offset = offsetof(Settings, quarantine_after),
        },
        [SETTING_SURGE_LIMIT] = {
                .section = "Reaper",
                .key = "SurgeLimit",
                .type = SETTING_TYPE_COUNT,
                .default_text = "50",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = 1000000,
                .accepted = "0 to 1000000",
                .help = "How many containers a reload may make due at once without a wait; 0: any number.",
                .offset = offsetof(Settings, surge_limit),
        },
        [SETTING_FIRST_RUN_DELAY] = {
                .section = "Reaper",
                .key = "FirstRunDelay",
                .type = SETTING_TYPE_SPAN,
                .default_text = "10min",
                .follows = _SETTING_INVALID,
                .min = 0,
                .max = 7 * USEC_PER_DAY,
                .accepted = "0 to 7d",
                .help = "How long to wait after the first start and after such a reload; 0 turns this off.",
                .offset = offsetof(Settings, first_run_delay),
        },
};

_Static_assert(ELEMENTS_OF(table) == _SETTING_MAX, "a row for each setting");

const SettingInfo *setting_info(SettingId id) {
        return &table[id];
}

SettingId setting_find(const char *section, const char *key) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (strcmp(table[id].section, section) == 0 && strcmp(table[id].key, key) == 0)
                        return id;

        return _SETTING_INVALID;
}

SettingId setting_find_per_container(const char *key) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (table[id].per_container && strcmp(table[id].key, key) == 0)
                        return id;

        return _SETTING_INVALID;
}

bool setting_section_exists(const char *section) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (strcmp(table[id].section, section) == 0)
                        return true;

        return false;
}

const char *setting_nearest_section(const char *section) {
        size_t best = SIZE_MAX, n_word = strcspn(section, " \t");
        char word[NEAREST_NAME_MAX + 1];
        const char *found = NULL;

        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (nearest_name_improves(section, table[id].section, &best))
                        found = table[id].section;

        /* Behind the word of a rule stands a name, which is near to nothing. */
        if (n_word < sizeof(word)) {
                memcpy(word, section, n_word);
                word[n_word] = '\0';
                if (nearest_name_improves(word, SETTING_RULE_WORD, &best))
                        found = SETTING_RULE_SECTION;
        }

        return found;
}

const char *setting_nearest_key(const char *section, const char *key, const char **ret_section) {
        const SettingInfo *found = NULL;
        size_t best = SIZE_MAX;

        for (int own = 1; own >= 0; own--)
                for (SettingId id = 0; id < _SETTING_MAX; id++)
                        if ((strcmp(table[id].section, section) == 0) == own &&
                                        nearest_name_improves(key, table[id].key, &best))
                                found = &table[id];

        if (!found)
                return NULL;
        if (ret_section)
                *ret_section = found->section;
        return found->key;
}
