/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rows, and nothing else: what a setting is called, what it accepts, what it is unless somebody sets it.
 */

#include "base/cleanup.h"
#include "base/share.h"
#include "core/relief.h"
#include "core/setting-rows.h"
#include "core/settings.h"

static const char *const remove_volumes_names[] = {
        [REMOVE_VOLUMES_SWARM] = "swarm",
        [REMOVE_VOLUMES_NEVER] = "never",
        [REMOVE_VOLUMES_ALWAYS] = "always",
        NULL,
};

static const char *const relief_order_names[] = {
        [RELIEF_ORDER_HELD] = "held",
        [RELIEF_ORDER_OLDEST] = "oldest",
        NULL,
};

/* What a row accepts. */
#define RANGE(low, high, words) .min = low, .max = high, .accepted = words
#define SPAN(low, high, words)  .type = SETTING_TYPE_SPAN, RANGE(low, high, words)
#define COUNT(low, high, words) .type = SETTING_TYPE_COUNT, RANGE(low, high, words)
#define SIZE(low, high, words)  .type = SETTING_TYPE_SIZE, RANGE(low, high, words)
#define SHARES(words)           .type = SETTING_TYPE_SHARE, RANGE(0, SHARE_ALL, words)
#define SHARE                   SHARES("0% to 100%")
#define SHARE_OR_OFF            SHARES("0% to 100%, or off"), .or_off = true
#define CHOICE(names, words)    .type = SETTING_TYPE_CHOICE, .choices = names, .accepted = words
#define BOOLEAN                 .type = SETTING_TYPE_BOOLEAN, .accepted = "yes or no"

/* Its default: a value of its own, that of another setting, or so many points above that. */
#define DEFAULT(text)      .default_text = text, .follows = _SETTING_INVALID
#define AS(id)             .default_text = "", .follows = id
#define BESIDE(id, points) AS(id), .distance = (points) * ((int)SHARE_ALL / 100)

#define SIZE_PETABYTE (UINT64_C(1) << 50)

const SettingInfo setting_rows[] = {
        [SETTING_ENDPOINT] = {
                .section = "Engine",
                .key = "Endpoint",
                .type = SETTING_TYPE_ENDPOINT,
                .accepted = "unix:///absolute/path or tcp://host:port",
                DEFAULT("unix:///run/docker.sock"),
                .help = "Where the engine listens.",
                .offset = offsetof(Settings, endpoint),
        },
        [SETTING_RESYNC_INTERVAL] = {
                .section = "Engine",
                .key = "ResyncInterval",
                /* No infinity: the engine sends no heartbeat, so the list is the only probe of a silent
                 * connection. */
                SPAN(10 * USEC_PER_SEC, USEC_PER_DAY, "10s to 1d"),
                DEFAULT("5min"),
                .help = "How often the engine's list is compared with what its events told.",
                .offset = offsetof(Settings, resync_interval),
        },
        [SETTING_REQUEST_TIMEOUT] = {
                .section = "Engine",
                .key = "RequestTimeout",
                SPAN(USEC_PER_SEC, USEC_PER_HOUR, "1s to 1h"),
                DEFAULT("60s"),
                .help = "How long the engine may take to answer a request.",
                .offset = offsetof(Settings, request_timeout),
        },
        [SETTING_SETTLE_TIME] = {
                .section = "Engine",
                .key = "SettleTime",
                SPAN(0, USEC_PER_DAY, "0 to 1d"),
                DEFAULT("60s"),
                .help = "How long the engine must have been up before any removal; 0 turns this off.",
                .offset = offsetof(Settings, settle_time),
        },
        [SETTING_MINIMUM_AGE] = {
                .section = "Retention",
                .key = "MinimumAge",
                SPAN(MINIMUM_AGE_FLOOR, USEC_INFINITY, "10s to infinity"),
                DEFAULT("60s"),
                .help = "The least age, from its end, at which any container is removed but in a batch.",
                .offset = offsetof(Settings, retention.minimum_age),
                .per_container = true,
        },
        [SETTING_SUCCESS] = {
                .section = "Retention",
                .key = "Success",
                SPAN(0, USEC_INFINITY, "0 to infinity"),
                DEFAULT("1h"),
                .help = "How long a container that ended with exit code 0 is kept.",
                .offset = offsetof(Settings, retention.success),
                .per_container = true,
        },
        [SETTING_FAILURE] = {
                .section = "Retention",
                .key = "Failure",
                SPAN(0, USEC_INFINITY, "0 to infinity"),
                DEFAULT("24h"),
                .help = "How long a container that ended with another exit code is kept.",
                .offset = offsetof(Settings, retention.failure),
                .per_container = true,
        },
        [SETTING_OOM_KILLED] = {
                .section = "Retention",
                .key = "OOMKilled",
                SPAN(0, USEC_INFINITY, "0 to infinity"),
                AS(SETTING_FAILURE),
                .help = "How long a container that ran out of memory is kept.",
                .offset = offsetof(Settings, retention.oom_killed),
                .per_container = true,
        },
        [SETTING_SHUTDOWN] = {
                .section = "Retention",
                .key = "Shutdown",
                SPAN(0, USEC_INFINITY, "0 to infinity"),
                AS(SETTING_SUCCESS),
                .help = "How long a container that the engine was asked to stop is kept.",
                .offset = offsetof(Settings, retention.shutdown),
                .per_container = true,
        },
        [SETTING_FAILED_START] = {
                .section = "Retention",
                .key = "FailedStart",
                SPAN(0, USEC_INFINITY, "0 to infinity"),
                DEFAULT("24h"),
                .help = "How long a container that could not be started is kept, counted from its creation.",
                .offset = offsetof(Settings, retention.failed_start),
                .per_container = true,
        },
        [SETTING_ORPHAN_AGE] = {
                .section = "Retention",
                .key = "OrphanAge",
                SPAN(0, USEC_INFINITY, "0 to infinity"),
                DEFAULT("1h"),
                .help = "How long a container that belongs to another node's identity is kept at most.",
                .offset = offsetof(Settings, retention.orphan_age),
                .per_container = true,
        },
        [SETTING_REMOVE_VOLUMES] = {
                .section = "Retention",
                .key = "RemoveVolumes",
                CHOICE(remove_volumes_names, "swarm, never or always"),
                DEFAULT("swarm"),
                .help = "Whose anonymous volumes go with the container; named volumes never do.",
                .offset = offsetof(Settings, retention.remove_volumes),
                .per_container = true,
        },
        [SETTING_KEEP_LAST] = {
                .section = "Retention",
                .key = "KeepLast",
                COUNT(0, 10000, "0 to 10000, or infinity"),
                .or_infinity = true,
                DEFAULT("0"),
                .help = "How many of the newest of each slot are kept, unless pressure is critical.",
                .offset = offsetof(Settings, retention.keep_last),
                .per_container = true,
        },
        [SETTING_KEEP_LAST_FAILURE] = {
                .section = "Retention",
                .key = "KeepLastFailure",
                COUNT(0, 10000, "0 to 10000, or infinity"),
                .or_infinity = true,
                DEFAULT("1"),
                .help = "How many of the newest failures of each slot are kept.",
                .offset = offsetof(Settings, retention.keep_last_failure),
                .per_container = true,
        },
        [SETTING_KEEP_LAST_FOR] = {
                .section = "Retention",
                .key = "KeepLastFor",
                SPAN(0, USEC_INFINITY, "0 to infinity"),
                DEFAULT("7d"),
                .help = "How long after its end a container is kept at most as one of the newest.",
                .offset = offsetof(Settings, retention.keep_last_for),
                .per_container = true,
        },
        [SETTING_LOG_TAIL] = {
                .section = "Retention",
                .key = "LogTail",
                COUNT(0, 100, "0 to 100"),
                DEFAULT("0"),
                .help = "How many of the last lines of its log go into the record of a failed container.",
                .offset = offsetof(Settings, retention.log_tail),
                .per_container = true,
        },
        [SETTING_MAX_STOPPED] = {
                .section = "Retention",
                .key = "MaxStopped",
                COUNT(0, 1000000, "0 to 1000000, or infinity"),
                .or_infinity = true,
                DEFAULT("infinity"),
                .help = "How many stopped containers there may be on the node.",
                .offset = offsetof(Settings, max_stopped),
        },
        [SETTING_LABELS_HONOR] = {
                .section = "Labels",
                .key = "Honor",
                BOOLEAN,
                DEFAULT("yes"),
                .help = "Whether labels of a container change what holds for it.",
                .offset = offsetof(Settings, labels_honor),
        },
        [SETTING_LABELS_MAX_TTL] = {
                .section = "Labels",
                .key = "MaxTTL",
                SPAN(0, USEC_INFINITY, "0 to infinity"),
                DEFAULT("infinity"),
                .help = "The longest time that a label may ask for.",
                .offset = offsetof(Settings, labels_max_ttl),
        },
        [SETTING_PARALLELISM] = {
                .section = "Reaper",
                .key = "Parallelism",
                COUNT(1, 16, "1 to 16"),
                DEFAULT("4"),
                .help = "How many removals may be under way at once.",
                .offset = offsetof(Settings, parallelism),
        },
        [SETTING_RETRY_INITIAL] = {
                .section = "Reaper",
                .key = "RetryInitial",
                SPAN(USEC_PER_SEC, USEC_PER_HOUR, "1s to 1h"),
                DEFAULT("5s"),
                .help = "How long to wait after a removal's first failure; the wait doubles with each one.",
                .offset = offsetof(Settings, retry_initial),
        },
        [SETTING_RETRY_MAX] = {
                .section = "Reaper",
                .key = "RetryMax",
                SPAN(USEC_PER_SEC, USEC_PER_DAY, "1s to 1d"),
                DEFAULT("10min"),
                .help = "The longest wait between two attempts; not below RetryInitial=.",
                .offset = offsetof(Settings, retry_max),
        },
        [SETTING_QUARANTINE_AFTER] = {
                .section = "Reaper",
                .key = "QuarantineAfter",
                COUNT(1, 1000, "1 to 1000"),
                DEFAULT("8"),
                .help = "After how many failures a container is left alone, with one warning.",
                .offset = offsetof(Settings, quarantine_after),
        },
        [SETTING_SURGE_LIMIT] = {
                .section = "Reaper",
                .key = "SurgeLimit",
                COUNT(0, 1000000, "0 to 1000000"),
                DEFAULT("50"),
                .help = "How many containers a reload may make due at once without a wait; 0: any number.",
                .offset = offsetof(Settings, surge_limit),
        },
        [SETTING_FIRST_RUN_DELAY] = {
                .section = "Reaper",
                .key = "FirstRunDelay",
                SPAN(0, 7 * USEC_PER_DAY, "0 to 7d"),
                DEFAULT("10min"),
                .help = "How long to wait after the first start and after such a reload; 0 turns this off.",
                .offset = offsetof(Settings, first_run_delay),
        },
        [SETTING_PRESSURE_ENABLED] = {
                .section = "Pressure",
                .key = "Enabled",
                BOOLEAN,
                DEFAULT("yes"),
                .help = "Whether to act when memory runs short.",
                .offset = offsetof(Settings, pressure.enabled),
        },
        [SETTING_MEMORY_AVAILABLE_LOW] = {
                .section = "Pressure",
                .key = "MemoryAvailableLow",
                SHARE_OR_OFF,
                DEFAULT("5%"),
                .help = "Pressure is critical while less of memory than this is available.",
                .offset = offsetof(Settings, pressure.memory_available_low),
        },
        [SETTING_MEMORY_AVAILABLE_HIGH] = {
                .section = "Pressure",
                .key = "MemoryAvailableHigh",
                SHARE,
                BESIDE(SETTING_MEMORY_AVAILABLE_LOW, 3),
                .help = "... until this much of it is; not below MemoryAvailableLow=.",
                .offset = offsetof(Settings, pressure.memory_available_high),
        },
        [SETTING_MEMORY_USED_HIGH] = {
                .section = "Pressure",
                .key = "MemoryUsedHigh",
                SHARE_OR_OFF,
                DEFAULT("off"),
                .help = "Pressure is critical while more of memory than this is not free.",
                .offset = offsetof(Settings, pressure.memory_used_high),
        },
        [SETTING_MEMORY_USED_LOW] = {
                .section = "Pressure",
                .key = "MemoryUsedLow",
                SHARE,
                BESIDE(SETTING_MEMORY_USED_HIGH, -3),
                .help = "... until no more of it than this is not free; not above MemoryUsedHigh=.",
                .offset = offsetof(Settings, pressure.memory_used_low),
        },
        [SETTING_STALL] = {
                .section = "Pressure",
                .key = "Stall",
                .type = SETTING_TYPE_STALL,
                .accepted = "some or full THRESHOLD/WINDOW with a window of 500ms to 10s, or off",
                DEFAULT("some 200ms/2s"),
                .help = "How long tasks wait for memory within how long when pressure is elevated.",
                .offset = offsetof(Settings, pressure.stall),
        },
        [SETTING_PRESSURE_FILE] = {
                .section = "Pressure",
                .key = "PressureFile",
                .type = SETTING_TYPE_PATH,
                .accepted = "/absolute/path",
                DEFAULT("/proc/pressure/memory"),
                .help = "Where the kernel tells of these waits: of the node, or of one cgroup.",
                .offset = offsetof(Settings, pressure.pressure_file),
        },
        [SETTING_PRESSURE_MINIMUM_AGE] = {
                .section = "Pressure",
                .key = "MinimumAge",
                SPAN(MINIMUM_AGE_FLOOR, USEC_INFINITY, "10s to infinity"),
                DEFAULT("15s"),
                .help = "The least age at which a container goes in a batch.",
                .offset = offsetof(Settings, pressure.minimum_age),
        },
        [SETTING_ELEVATED_FACTOR] = {
                .section = "Pressure",
                .key = "ElevatedFactor",
                SHARE,
                DEFAULT("10%"),
                .help = "At the elevated level, what is left of every span.",
                .offset = offsetof(Settings, pressure.elevated_factor),
        },
        [SETTING_SUSTAIN] = {
                .section = "Pressure",
                .key = "Sustain",
                SPAN(0, USEC_PER_HOUR, "0 to 1h"),
                DEFAULT("5s"),
                .help = "How long a threshold must have been passed before pressure is critical.",
                .offset = offsetof(Settings, pressure.sustain),
        },
        [SETTING_COOL_DOWN] = {
                .section = "Pressure",
                .key = "CoolDown",
                SPAN(USEC_PER_SEC, USEC_PER_HOUR, "1s to 1h"),
                DEFAULT("15s"),
                .help = "How long to wait after a batch before its effect is measured.",
                .offset = offsetof(Settings, pressure.cool_down),
        },
        [SETTING_BATCH_SIZE] = {
                .section = "Pressure",
                .key = "BatchSize",
                COUNT(1, RELIEF_BATCH_MAX, "1 to 100"),
                DEFAULT("8"),
                .help = "How many containers are removed before the effect is measured.",
                .offset = offsetof(Settings, pressure.batch_size),
        },
        [SETTING_ORDER] = {
                .section = "Pressure",
                .key = "Order",
                CHOICE(relief_order_names, "held or oldest"),
                DEFAULT("held"),
                .help = "Which go first: those that hold most, or the oldest.",
                .offset = offsetof(Settings, pressure.order),
        },
        [SETTING_MINIMUM_RECLAIM] = {
                .section = "Pressure",
                .key = "MinimumReclaim",
                SIZE(0, SIZE_PETABYTE, "0 to 1P"),
                DEFAULT("16M"),
                .help = "How much a batch must give back to count as a help; 0: never give up.",
                .offset = offsetof(Settings, pressure.minimum_reclaim),
        },
        [SETTING_GIVE_UP_AFTER] = {
                .section = "Pressure",
                .key = "GiveUpAfter",
                COUNT(1, 1000, "1 to 1000"),
                DEFAULT("3"),
                .help = "After how many batches in a row without help to stop.",
                .offset = offsetof(Settings, pressure.give_up_after),
        },
        [SETTING_GIVE_UP_FOR] = {
                .section = "Pressure",
                .key = "GiveUpFor",
                SPAN(USEC_PER_SEC, 7 * USEC_PER_DAY, "1s to 7d"),
                DEFAULT("10min"),
                .help = "For how long.",
                .offset = offsetof(Settings, pressure.give_up_for),
        },
        [SETTING_DISK_USED_HIGH] = {
                .section = "Disk",
                .key = "UsedHigh",
                SHARE_OR_OFF,
                DEFAULT("off"),
                .help = "Pressure is critical while more of the engine's disk than this is used.",
                .offset = offsetof(Settings, disk.used_high),
        },
        [SETTING_DISK_USED_LOW] = {
                .section = "Disk",
                .key = "UsedLow",
                SHARE,
                BESIDE(SETTING_DISK_USED_HIGH, -3),
                .help = "... until no more of it than this is; not above UsedHigh=.",
                .offset = offsetof(Settings, disk.used_low),
        },
        [SETTING_DISK_INODES_HIGH] = {
                .section = "Disk",
                .key = "InodesHigh",
                SHARE_OR_OFF,
                DEFAULT("off"),
                .help = "Likewise while more of its inodes than this are used.",
                .offset = offsetof(Settings, disk.inodes_high),
        },
        [SETTING_DISK_INODES_LOW] = {
                .section = "Disk",
                .key = "InodesLow",
                SHARE,
                BESIDE(SETTING_DISK_INODES_HIGH, -3),
                .help = "... until no more of them than this are; not above InodesHigh=.",
                .offset = offsetof(Settings, disk.inodes_low),
        },
        [SETTING_METRICS_FILE] = {
                .section = "Metrics",
                .key = "TextFile",
                .type = SETTING_TYPE_PATH,
                .accepted = "/absolute/path, or off",
                .or_off = true,
                DEFAULT("off"),
                .help = "The file that metrics are written to, for node_exporter's textfile collector.",
                .offset = offsetof(Settings, metrics_file),
        },
};

_Static_assert(ELEMENTS_OF(setting_rows) == _SETTING_MAX, "a row for each setting");
