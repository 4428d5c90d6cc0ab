/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
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

bool setting_section_exists(const char *section) {
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (strcmp(table[id].section, section) == 0)
                        return true;

        return false;
}

/* No name in the table is longer. */
#define KNOWN_NAME_MAX 31

/* How many characters have to be added, dropped or changed to make one name the other; case does not
 * count. The given name may have any length, so it is the known one that the row is as long as. */
static size_t edit_distance(const char *given, const char *known) {
        size_t row[KNOWN_NAME_MAX + 1], n_known = strlen(known);

        for (size_t i = 0; i <= n_known; i++)
                row[i] = i;

        for (size_t g = 0; given[g]; g++) {
                size_t diagonal = row[0];

                row[0] = g + 1;
                for (size_t k = 0; k < n_known; k++) {
                        bool same = tolower((unsigned char)given[g]) == tolower((unsigned char)known[k]);
                        size_t best = same ? diagonal : diagonal + 1;

                        diagonal = row[k + 1];
                        if (row[k] + 1 < best)
                                best = row[k] + 1;
                        if (row[k + 1] + 1 < best)
                                best = row[k + 1] + 1;
                        row[k + 1] = best;
                }
        }

        return row[n_known];
}

/* Takes `known` as the best suggestion if it is nearer than *best. More than half of the longer name
 * wrong is another word. */
static bool nearer(const char *given, const char *known, size_t *best) {
        size_t n_given = strlen(given), n_known = strlen(known);
        size_t d = edit_distance(given, known);

        if (d >= *best || 2 * d > (n_given > n_known ? n_given : n_known))
                return false;

        *best = d;
        return true;
}

const char *setting_nearest_section(const char *section) {
        const char *found = NULL;
        size_t best = SIZE_MAX;

        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (nearer(section, table[id].section, &best))
                        found = table[id].section;

        return found;
}

const char *setting_nearest_key(const char *section, const char *key, const char **ret_section) {
        const SettingInfo *found = NULL;
        size_t best = SIZE_MAX;

        for (int own = 1; own >= 0; own--)
                for (SettingId id = 0; id < _SETTING_MAX; id++)
                        if ((strcmp(table[id].section, section) == 0) == own &&
                                        nearer(key, table[id].key, &best))
                                found = &table[id];

        if (!found)
                return NULL;
        if (ret_section)
                *ret_section = found->section;
        return found->key;
}
