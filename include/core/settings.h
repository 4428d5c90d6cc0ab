/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_SETTINGS_H
#define REAPERD_CORE_SETTINGS_H

/*
 * The values of all settings (core/setting-table has the list of them), each with the place that set it.
 *
 * Pure: text in, values out. Reading files is the business of daemon/config-file.
 */

#include <stdbool.h>

#include "base/usec.h"
#include "core/setting-table.h"

typedef enum RemoveVolumes {
        REMOVE_VOLUMES_SWARM, /* anonymous volumes of Swarm tasks, as Swarm's own removal does */
        REMOVE_VOLUMES_NEVER,
        REMOVE_VOLUMES_ALWAYS,
} RemoveVolumes;

/* What holds for one container. Kept apart from the rest because rules and labels replace these values
 * container by container. */
typedef struct Retention {
        usec_t minimum_age;
        usec_t success;
        usec_t failure;
        usec_t oom_killed;
        usec_t shutdown;
        usec_t failed_start;
        usec_t orphan_age;
        RemoveVolumes remove_volumes;
        unsigned keep_last;         /* the newest stopped ones of its slot; COUNT_INFINITY: all */
        unsigned keep_last_failure; /* of its slot's failures */
        usec_t keep_last_for;       /* neither keeps longer than this after the end */
        unsigned log_tail;          /* lines */
} Retention;

/* Where in a Retention the field of a setting is that has per_container. */
size_t retention_offset(SettingId id);

/* The lowest MinimumAge: removing a task's container within the first seconds after its end can turn a
 * COMPLETE task into a FAILED one (the node's agent has to read the exit code first; measured: broken at
 * 0.3 s, not broken at 2 s). */
#define MINIMUM_AGE_FLOOR (10 * USEC_PER_SEC)

/* When tasks that wait for memory count as stalled: for more than `threshold` within a `window`. */
typedef struct Stall {
        bool on;
        bool full; /* all tasks at once, else some of them */
        usec_t threshold, window;
} Stall;

/* Which containers go first under pressure. */
typedef enum ReliefOrder {
        RELIEF_ORDER_HELD, /* those that hold most */
        RELIEF_ORDER_OLDEST,
} ReliefOrder;

/* [Pressure]. Shares as in base/share.h; SHARE_OFF: that threshold is turned off. */
typedef struct PressureSettings {
        bool enabled; /* what is about memory; batches against [Disk] go by the rest all the same */
        unsigned memory_available_low, memory_available_high;
        unsigned memory_used_high, memory_used_low;
        Stall stall;
        char *pressure_file; /* owned */
        usec_t minimum_age;
        unsigned elevated_factor; /* a share */
        usec_t sustain;
        usec_t cool_down;
        unsigned batch_size;
        ReliefOrder order;
        uint64_t minimum_reclaim; /* bytes; 0: never give up */
        unsigned give_up_after;
        usec_t give_up_for;
} PressureSettings;

/* [Disk]. */
typedef struct DiskSettings {
        unsigned used_high, used_low;
        unsigned inodes_high, inodes_low;
} DiskSettings;

/* Where a value came from. `file` is NULL if no file has set it; else it is owned by the Settings. */
typedef struct SettingOrigin {
        const char *file;
        unsigned line;
        bool is_default; /* the default holds: no file has set it, or one has reset it with an empty value */
} SettingOrigin;

typedef struct SettingsFile SettingsFile; /* a file's name, kept once for all the values from it */

typedef struct Rule Rule; /* see core/rule.h */

/* A value with owners inside: initialise with settings_init(), release with settings_done(). */
typedef struct Settings {
        char *endpoint;
        usec_t resync_interval;
        usec_t request_timeout;
        usec_t settle_time;
        Retention retention;
        unsigned max_stopped; /* on the whole node; COUNT_INFINITY: any number */
        bool labels_honor;
        usec_t labels_max_ttl;
        unsigned parallelism;
        usec_t retry_initial;
        usec_t retry_max;
        unsigned quarantine_after;
        unsigned surge_limit; /* 0: no limit */
        usec_t first_run_delay;
        PressureSettings pressure;
        DiskSettings disk;
        char *metrics_file; /* owned; NULL: none is written */

        Rule *rules; /* in order: the first that matches counts; owned */
        size_t n_rules;

        SettingOrigin origins[_SETTING_MAX];
        SettingsFile *files;
} Settings;

/* Fills in every default. Returns 0 or -ENOMEM. */
int settings_init(Settings *ret);

/* Releases what is inside and zeroes it. A zeroed Settings is fine. */
void settings_done(Settings *s);

/* Sets one value from its text, which has no white space around it. The empty text sets the default again
 * (the origin is then recorded all the same). `file` (copied, kept once per name; NULL: no file) and
 * `line` say where the text stands. Returns 0; -EINVAL or -ERANGE if the text is not accepted (nothing is
 * changed; *ret_what, if wanted, is then a static text of what is wrong, to stand between the text and
 * setting_info()->accepted: "is out of range"); -ENOMEM. */
int settings_set(Settings *s, SettingId id, const char *text, const char *file, unsigned line,
                const char **ret_what);

/* The Settings' own copy of a file's name, for an origin; kept once per name. NULL if out of memory. */
const char *settings_add_file(Settings *s, const char *name);

/* To be called when all files are read: fills in settings that follow others (OOMKilled= follows
 * Failure=, Shutdown= follows Success=; a threshold's leaving value keeps its distance from the one that
 * enters, and is off with it), then checks what holds between settings. Returns 0, or -ERANGE with *ret_id
 * and *ret_what of the first conflict. */
int settings_resolve(Settings *s, SettingId *ret_id, const char **ret_what);

/* Two values that do not go together, as RetryMax= below RetryInitial=. */
typedef struct SettingConflict {
        SettingId id; /* at fault: of the two the one that a file has set, as the defaults agree */
        SettingId other;
        const char *what;     /* is wrong with it: "is below RetryInitial=" */
        const char *accepted; /* "RetryMax= not below RetryInitial=" */
} SettingConflict;

/* The next conflict from *i on, which is 0 at first; false: there are no more. To be called after
 * settings_resolve(). */
bool settings_next_conflict(const Settings *s, size_t *i, SettingConflict *ret);

/* Is there a rule by which containers that are not Swarm tasks may be removed (Kind=other or any, and
 * Action=reap)? Then the engine has to tell of all containers, not only of tasks. */
bool settings_reap_others(const Settings *s);

/* Settings that are shared by those who decide by them, so that a reload can replace them while an older
 * decision is still being carried out. */
typedef struct SharedSettings {
        unsigned references;
        Settings settings;
} SharedSettings;

/* Takes the settings over (*s is zeroed). Returns 0 with one reference, or -ENOMEM (nothing is taken). */
int shared_settings_new(Settings *s, SharedSettings **ret);
SharedSettings *shared_settings_ref(SharedSettings *s);
/* NULL is fine; returns NULL. */
SharedSettings *shared_settings_unref(SharedSettings *s);

/* The value as text that settings_set() reads back to the same value. Returns a new string, NULL if out of
 * memory. */
char *settings_format(const Settings *s, SettingId id);

#endif
