/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_SETTING_TABLE_H
#define REAPERD_CORE_SETTING_TABLE_H

/*
 * Everything that can be configured, in one typed table. The parser, --print-config, the manual and
 * conf/reaperd.conf are all held against this table, so that a setting exists in one place only.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the table's order: by section, as --print-config writes them. */
typedef enum SettingId {
        SETTING_ENDPOINT,
        SETTING_RESYNC_INTERVAL,
        SETTING_REQUEST_TIMEOUT,
        SETTING_SETTLE_TIME,
        SETTING_MINIMUM_AGE,
        SETTING_SUCCESS,
        SETTING_FAILURE,
        SETTING_OOM_KILLED,
        SETTING_SHUTDOWN,
        SETTING_FAILED_START,
        SETTING_ORPHAN_AGE,
        SETTING_REMOVE_VOLUMES,
        SETTING_KEEP_LAST,
        SETTING_KEEP_LAST_FAILURE,
        SETTING_KEEP_LAST_FOR,
        SETTING_LOG_TAIL,
        SETTING_MAX_STOPPED,
        SETTING_LABELS_HONOR,
        SETTING_LABELS_MAX_TTL,
        SETTING_PARALLELISM,
        SETTING_RETRY_INITIAL,
        SETTING_RETRY_MAX,
        SETTING_QUARANTINE_AFTER,
        SETTING_SURGE_LIMIT,
        SETTING_FIRST_RUN_DELAY,
        SETTING_PRESSURE_ENABLED,
        SETTING_MEMORY_AVAILABLE_LOW,
        SETTING_MEMORY_AVAILABLE_HIGH,
        SETTING_MEMORY_USED_HIGH,
        SETTING_MEMORY_USED_LOW,
        SETTING_STALL,
        SETTING_PRESSURE_FILE,
        SETTING_PRESSURE_MINIMUM_AGE,
        SETTING_ELEVATED_FACTOR,
        SETTING_SUSTAIN,
        SETTING_COOL_DOWN,
        SETTING_BATCH_SIZE,
        SETTING_ORDER,
        SETTING_MINIMUM_RECLAIM,
        SETTING_GIVE_UP_AFTER,
        SETTING_GIVE_UP_FOR,
        SETTING_DISK_USED_HIGH,
        SETTING_DISK_USED_LOW,
        SETTING_DISK_INODES_HIGH,
        SETTING_DISK_INODES_LOW,
        SETTING_METRICS_FILE,
        _SETTING_MAX,
        _SETTING_INVALID = -1,
} SettingId;

/* A count without a limit. */
#define COUNT_INFINITY ((unsigned)UINT_MAX)

typedef enum SettingType {
        SETTING_TYPE_SPAN,
        SETTING_TYPE_COUNT,
        SETTING_TYPE_CHOICE,
        SETTING_TYPE_BOOLEAN,
        SETTING_TYPE_ENDPOINT,
        SETTING_TYPE_SHARE, /* as in base/share.h */
        SETTING_TYPE_SIZE,
        SETTING_TYPE_STALL,
        SETTING_TYPE_PATH, /* absolute */
} SettingType;

typedef struct SettingInfo {
        const char *section;
        const char *key;
        SettingType type;
        const char *default_text; /* "" where the default follows another setting */
        SettingId follows; /* the setting whose value holds while this one is unset, or _SETTING_INVALID */
        int distance; /* a share that follows: the value is so much above that one's, within 0% to 100% */
        /* A span (microseconds; a max of USEC_INFINITY accepts `infinity`), a count, a share or a size. */
        uint64_t min, max;
        bool or_infinity;           /* a count: accepts `infinity` besides, which is COUNT_INFINITY */
        bool or_off;                /* accepts `off` besides: a share, which is SHARE_OFF then, or a path,
                                     * which is NULL */
        const char *const *choices; /* a choice: NULL-terminated names, in the order of the enum's values */
        const char *accepted;       /* the range in the user's words, for messages and the manual */
        const char *help;           /* one line */
        size_t offset;              /* in Settings */
        bool per_container;         /* within Settings.retention: a rule may set it too */
} SettingInfo;

/* The table's row; id must be below _SETTING_MAX. */
const SettingInfo *setting_info(SettingId id);

/* Finds a row by the exact section and key, as they stand in a file (case-sensitive, as systemd's are);
 * returns _SETTING_INVALID if there is none. */
SettingId setting_find(const char *section, const char *key);

/* Likewise for a key of [Retention] that a rule may set too. */
SettingId setting_find_per_container(const char *key);

/* Is there a section of this name? */
bool setting_section_exists(const char *section);

/* The section of a rule is this word and its name. */
#define SETTING_RULE_WORD    "Rule"
#define SETTING_RULE_SECTION SETTING_RULE_WORD " NAME" /* in messages */

/* The nearest known section (also SETTING_RULE_SECTION, by the first word; resp. key in a section that
 * exists) to a name that is not known, by edit distance without regard to case; NULL if nothing is near
 * enough to be worth a suggestion. For a key, a key of another section is suggested if it is nearer than
 * all of its own: *ret_section is the section of the suggestion (untouched without one; ret_section may be
 * NULL). */
const char *setting_nearest_section(const char *section);
const char *setting_nearest_key(const char *section, const char *key, const char **ret_section);

#endif
