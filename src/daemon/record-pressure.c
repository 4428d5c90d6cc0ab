/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/size.h"
#include "base/time-span.h"
#include "daemon/record-pressure.h"

#define NUMBER_SIZE 24

/* Room for a list of users. */
#define TOP_USERS_SIZE (RECORD_TOP_USERS_MAX * (sizeof(((MemoryUser *)0)->cgroup) + SIZE_TEXT_MAX))

/* "4.31", as a field has it. */
static char *format_percent(char *buf, unsigned share) {
        share_format(buf, share);
        buf[strcspn(buf, "%")] = '\0';
        return buf;
}

/* "MemoryAvailableLow=5%", as the cause's setting stands. */
static void format_setting(char *buf, size_t size, const Settings *settings, PressureCause cause) {
        SettingId id = pressure_setting(cause);
        _cleanup_free_ char *value = settings_format(settings, id);

        snprintf(buf, size, "%s=%s", setting_info(id)->key, value ? value : "?");
}

static const char *what_is_short(PressureCause cause) {
        switch (cause) {
        case PRESSURE_MEMORY_AVAILABLE:
                return "of memory is available";
        case PRESSURE_MEMORY_USED:
                return "of memory is used";
        case PRESSURE_DISK_USED:
                return "of the engine's disk is used";
        default:
                return "of the inodes of the engine's disk are used";
        }
}

void record_pressure_level(PressureLevel level, PressureLevel was, PressureCause cause, unsigned share,
                const Settings *settings) {
        char percent[SHARE_TEXT_MAX] = "", text[SHARE_TEXT_MAX], setting[128];
        LogField fields[4] = { { "REAPERD_PRESSURE_LEVEL", pressure_level_name(level) } };
        /* Who was told that it is critical is told that it no longer is. */
        int info = was == PRESSURE_CRITICAL ? LOG_NOTICE : LOG_INFO;
        size_t n = 1;

        if (level != PRESSURE_NORMAL) {
                format_setting(setting, sizeof(setting), settings, cause);
                fields[n++] = (LogField){ "REAPERD_PRESSURE_CAUSE", pressure_cause_name(cause) };
                fields[n++] = (LogField){ "REAPERD_SETTING", setting_info(pressure_setting(cause))->key };
        }

        switch (level) {
        case PRESSURE_CRITICAL:
                fields[n++] = (LogField){ "REAPERD_PRESSURE_PERCENT", format_percent(percent, share) };
                log_record(LOG_NOTICE, MESSAGE_ID_PRESSURE_LEVEL, fields, n,
                                "Pressure is critical: %s %s, %s", share_format(text, share),
                                what_is_short(cause), setting);
                break;
        case PRESSURE_ELEVATED:
                log_record(info, MESSAGE_ID_PRESSURE_LEVEL, fields, n,
                                "Pressure is elevated: tasks stall for want of memory, %s", setting);
                break;
        default:
                log_record(info, MESSAGE_ID_PRESSURE_LEVEL, fields, n, "Pressure is over");
        }
}

/* The numbers of a batch's record. */
typedef struct BatchFields {
        char numbers[16][NUMBER_SIZE];
        size_t n_numbers;
        LogField fields[20];
        size_t n;
} BatchFields;

static void add(BatchFields *f, const char *name, const char *value) {
        f->fields[f->n++] = (LogField){ name, value };
}

static void add_count(BatchFields *f, const char *name, uint64_t value) {
        char *number = f->numbers[f->n_numbers++];

        snprintf(number, NUMBER_SIZE, "%" PRIu64, value);
        add(f, name, number);
}

static void add_signed(BatchFields *f, const char *name, int64_t value) {
        char *number = f->numbers[f->n_numbers++];

        snprintf(number, NUMBER_SIZE, "%" PRId64, value);
        add(f, name, number);
}

/* What a figure has changed by, as a field and as text; nothing if it is not known. */
static void add_change(BatchFields *f, const char *name, const char *what, uint64_t before, uint64_t after,
                bool in_bytes, char *text, size_t size) {
        char change[SIZE_TEXT_MAX];
        size_t used = strlen(text);
        int64_t by;

        if (!relief_change(before, after, &by))
                return;
        add_signed(f, name, by);
        if (in_bytes)
                size_format_change(change, by);
        else
                snprintf(change, sizeof(change), "%+" PRId64, by);
        snprintf(text + used, size - used, "%s%s %s", used > 0 ? ", " : "", what, change);
}

static uint64_t slab(const NodeFigures *f) {
        if (f->slab_reclaimable == FIGURE_UNKNOWN || f->slab_unreclaimable == FIGURE_UNKNOWN)
                return FIGURE_UNKNOWN;
        return f->slab_reclaimable + f->slab_unreclaimable;
}

static void add_changes(
                BatchFields *f, const NodeFigures *a, const NodeFigures *b, char *text, size_t size) {
        text[0] = '\0';
        add_change(f, "REAPERD_CHANGE_MEMORY_AVAILABLE", "MemAvailable", a->memory_available,
                        b->memory_available, true, text, size);
        add_change(f, "REAPERD_CHANGE_MEMORY_FREE", "MemFree", a->memory_free, b->memory_free, true, text,
                        size);
        add_change(f, "REAPERD_CHANGE_CACHED", "cached", a->cached, b->cached, true, text, size);
        add_change(f, "REAPERD_CHANGE_SLAB", "slab", slab(a), slab(b), true, text, size);
        add_change(f, "REAPERD_CHANGE_DYING_CGROUPS", "dying cgroups", a->dying_cgroups, b->dying_cgroups,
                        false, text, size);
        add_change(f, "REAPERD_CHANGE_ENGINE_MEMORY", "engine memory", a->engine_memory, b->engine_memory,
                        true, text, size);
        add_change(f, "REAPERD_CHANGE_DISK_USED", "disk used", a->disk_used, b->disk_used, true, text, size);
        add_change(f, "REAPERD_CHANGE_INODES_USED", "inodes used", a->inodes_used, b->inodes_used, false,
                        text, size);
}

/* What a batch held: the sums of what is known as fields, and as text, which does not say 0 where nothing is
 * known. */
static void add_held(BatchFields *f, const ReliefBatch *b, char *text, size_t size) {
        char held[SIZE_TEXT_MAX], disk[SIZE_TEXT_MAX], unknown[48] = "";

        add_count(f, "REAPERD_HELD_BYTES", b->held);
        add_count(f, "REAPERD_HELD_DISK_BYTES", b->held_disk);
        add_count(f, "REAPERD_HELD_INODES", b->held_inodes);
        add_count(f, "REAPERD_HELD_UNKNOWN", b->unknown);
        if (b->unknown == b->removed && b->held_inodes == 0) {
                snprintf(text, size, "what they held is not known");
                return;
        }
        if (b->unknown > 0)
                snprintf(unknown, sizeof(unknown), " (%u unknown)", b->unknown);
        snprintf(text, size, "held %s of page cache%s and %s of disk", size_format_short(held, b->held),
                        unknown, size_format_short(disk, b->held_disk));
}

void record_pressure_batch(const ReliefReport *report, const Settings *settings, bool dry_run) {
        char percent[SHARE_TEXT_MAX], share[SHARE_TEXT_MAX], span[TIME_SPAN_TEXT_MAX];
        char held[128], useless[48] = "", changes[512];
        const ReliefBatch *b = &report->batch;
        BatchFields f = { .n = 0 };

        add(&f, "REAPERD_PRESSURE_LEVEL", pressure_level_name(PRESSURE_CRITICAL));
        add(&f, "REAPERD_PRESSURE_CAUSE", pressure_cause_name(b->cause));
        add(&f, "REAPERD_PRESSURE_PERCENT", format_percent(percent, b->share));
        add(&f, "REAPERD_DRY_RUN", dry_run ? "1" : "0");
        add_count(&f, "REAPERD_REMOVED", b->removed);
        add_count(&f, "REAPERD_REMOVED_OTHERWISE", b->otherwise);
        add_held(&f, b, held, sizeof(held));
        if (!dry_run)
                add(&f, "REAPERD_HELPED", report->helped ? "1" : "0");
        if (!dry_run && report->known)
                add_signed(&f, "REAPERD_IMPROVEMENT", report->improvement);
        add_changes(&f, &b->before, &report->after, changes, sizeof(changes));

        if (!dry_run && !report->helped && settings->pressure.minimum_reclaim > 0)
                snprintf(useless, sizeof(useless), " (%u of %u)", report->useless,
                                settings->pressure.give_up_after);
        log_record(LOG_INFO, MESSAGE_ID_PRESSURE_BATCH, f.fields, f.n,
                        "%s %u container%s against pressure (%s %s): %s; after %s %s: %s%s",
                        dry_run ? "Would have removed" : "Removed", b->removed, b->removed == 1 ? "" : "s",
                        pressure_cause_name(b->cause), share_format(share, b->share), held,
                        time_span_format(span, sizeof(span), settings->pressure.cool_down, USEC_PER_MSEC),
                        changes[0] ? changes : "nothing could be measured",
                        dry_run          ? "not judged, as nothing was removed"
                        : report->helped ? "helped"
                                         : "did not help",
                        useless);
}

/* "1.2G docker/0123, 300.0M system.slice/x.service". */
static void format_users(char *buf, size_t size, const MemoryUser *users, size_t n) {
        char bytes[SIZE_TEXT_MAX];
        size_t used = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < n && used < size; i++) {
                int written = snprintf(buf + used, size - used, "%s%s %s", i > 0 ? ", " : "",
                                size_format_short(bytes, users[i].bytes), users[i].cgroup);

                used += written > 0 ? (size_t)written : 0;
        }
}

/* What stands in front of the list of users, or instead of it. */
static const char *introduce_users(PressureCause cause, size_t n_users) {
        if (!pressure_is_memory(cause))
                return ". See docker system df";
        return n_users > 0 ? ". Most memory is used by " : "";
}

void record_pressure_gave_up(const ReliefReport *report, const Settings *settings, const MemoryUser *users,
                size_t n_users) {
        char batches[NUMBER_SIZE], wait[NUMBER_SIZE], span[TIME_SPAN_TEXT_MAX], top[TOP_USERS_SIZE];
        usec_t for_so_long = settings->pressure.give_up_for;
        PressureCause cause = report->batch.cause;
        const LogField fields[] = {
                { "REAPERD_PRESSURE_CAUSE", pressure_cause_name(cause) },
                { "REAPERD_BATCHES", batches },
                { "REAPERD_WAIT_USEC", wait },
                { "REAPERD_TOP_USERS", n_users > 0 ? top : NULL },
        };

        snprintf(batches, sizeof(batches), "%u", report->useless);
        snprintf(wait, sizeof(wait), "%" PRIu64, for_so_long);
        format_users(top, sizeof(top), users, n_users);
        log_record(LOG_WARNING, MESSAGE_ID_PRESSURE_GAVE_UP, fields, ELEMENTS_OF(fields),
                        "Removing containers does not help against pressure (%s), %u batch%s in a row: none "
                        "is "
                        "removed for it for %s%s%s",
                        pressure_cause_name(cause), report->useless, report->useless == 1 ? "" : "es",
                        time_span_format(span, sizeof(span), for_so_long, USEC_PER_MSEC),
                        introduce_users(cause, n_users), top);
}

void record_pressure_nothing(PressureCause cause, unsigned share, size_t n_stopped, const MemoryUser *users,
                size_t n_users) {
        char percent[SHARE_TEXT_MAX], text[SHARE_TEXT_MAX], stopped[NUMBER_SIZE], top[TOP_USERS_SIZE];
        char why[160];
        const LogField fields[] = {
                { "REAPERD_PRESSURE_CAUSE", pressure_cause_name(cause) },
                { "REAPERD_PRESSURE_PERCENT", format_percent(percent, share) },
                { "REAPERD_STOPPED", stopped },
                { "REAPERD_TOP_USERS", n_users > 0 ? top : NULL },
        };

        snprintf(stopped, sizeof(stopped), "%zu", n_stopped);
        format_users(top, sizeof(top), users, n_users);
        if (n_stopped == 0)
                snprintf(why, sizeof(why), "there are no stopped containers");
        else if (n_stopped == 1)
                snprintf(why, sizeof(why),
                                "the one stopped container may not be removed for it: it is kept, too "
                                "young, or waits");
        else
                snprintf(why, sizeof(why),
                                "none of %zu stopped containers may be removed for it: each is kept, too "
                                "young, or waits",
                                n_stopped);
        log_record(LOG_NOTICE, MESSAGE_ID_PRESSURE_NOTHING, fields, ELEMENTS_OF(fields),
                        "Pressure is critical (%s %s), and %s%s%s", pressure_cause_name(cause),
                        share_format(text, share), why, introduce_users(cause, n_users), top);
}
