/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The text format of Prometheus. Every series is there from the start, at zero, so that the first increase
 * is seen as one. Figures of what a dry run would have removed are kept apart: nothing has come back by
 * them.
 */

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/text.h"
#include "daemon/metrics.h"

/* A text that grows; nothing more is added to one that could not. */
typedef struct Page {
        char *text; /* owned */
        int error;
} Page;

#define ADD(page, ...)                                                           \
        do {                                                                     \
                if ((page)->error >= 0)                                          \
                        (page)->error = text_append(&(page)->text, __VA_ARGS__); \
        } while (0)

static void add_head(Page *p, const char *name, const char *type, const char *help) {
        ADD(p, "# HELP reaperd_%s %s\n# TYPE reaperd_%s %s\n", name, help, name, type);
}

static void add_single(Page *p, const char *name, const char *type, const char *help, uint64_t value) {
        add_head(p, name, type, help);
        ADD(p, "reaperd_%s %" PRIu64 "\n", name, value);
}

/* `value` is one of reaperd's own words, which need no quoting. */
static void add_of(Page *p, const char *name, const char *label, const char *value, uint64_t n) {
        ADD(p, "reaperd_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, value, n);
}

/* A version: one comes from the engine, so it may hold anything. */
static void add_version(Page *p, const char *name, const char *help, const char *version) {
        char printable[256], quoted[2 * sizeof(printable)], *to = quoted;

        for (const char *from = log_escape(printable, sizeof(printable), version); *from; from++) {
                if (*from == '\\' || *from == '"')
                        *to++ = '\\';
                *to++ = *from;
        }
        *to = '\0';

        add_head(p, name, "gauge", help);
        ADD(p, "reaperd_%s{version=\"%s\"} 1\n", name, quoted);
}

/* In seconds, without zeros at the end. */
static const char *format_seconds(char *buf, size_t size, usec_t span) {
        int n = snprintf(buf, size, "%" PRIu64 ".%06" PRIu64, span / USEC_PER_SEC, span % USEC_PER_SEC);

        while (buf[n - 1] == '0')
                buf[--n] = '\0';
        if (buf[n - 1] == '.')
                buf[n - 1] = '\0';
        return buf;
}

static void add_removals(Page *p, const char *name, const char *help, const Figures *f, bool counted) {
        add_head(p, name, "counter", help);
        for (Verdict v = 0; v < _VERDICT_MAX; v++)
                if (verdict_removes(v))
                        add_of(p, name, "verdict", verdict_name(v), counted ? f->removals[v] : 0);
}

static void add_reclaimed(Page *p, const Reclaimed *r) {
        static const char bytes[] = "reclaimed_bytes_total";

        add_head(p, bytes, "counter",
                        "What removed containers held, as far as it was known; dirty is part of "
                        "page_cache.");
        add_of(p, bytes, "kind", "page_cache", r->cached);
        add_of(p, bytes, "kind", "dirty", r->dirty);
        add_of(p, bytes, "kind", "disk", r->disk);
        add_single(p, "reclaimed_inodes_total", "counter",
                        "Inodes of what removed containers held, as far as it was known.", r->inodes);
}

static void add_durations(Page *p, const Figures *f) {
        static const char name[] = "removal_duration_seconds";
        char seconds[32];
        uint64_t n = 0;

        add_head(p, name, "histogram", "How long the engine took to answer a request for a removal.");
        for (size_t i = 0; i < FIGURES_BUCKETS_MAX; i++) {
                n += f->duration_buckets[i];
                ADD(p, "reaperd_%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
                                format_seconds(seconds, sizeof(seconds), figures_buckets[i]), n);
        }
        ADD(p, "reaperd_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, f->duration_count);
        ADD(p, "reaperd_%s_sum %s\n", name, format_seconds(seconds, sizeof(seconds), f->duration_sum));
        ADD(p, "reaperd_%s_count %" PRIu64 "\n", name, f->duration_count);
}

static void add_containers(Page *p, const MetricsGauges *g) {
        static const char name[] = "tracked_containers";

        add_head(p, name, "gauge", "Containers that are followed, by their state at the engine.");
        for (ContainerState s = 0; s < _CONTAINER_STATE_MAX; s++)
                add_of(p, name, "state", container_state_name(s), g->states[s]);

        add_single(p, "quarantined_containers", "gauge",
                        "Containers that are left alone, as removing them failed too often.",
                        g->quarantined);
        add_single(p, "surge_held_containers", "gauge",
                        "Containers that wait, as a reload has made too many due at once.", g->surge_held);
}

static void add_engine(Page *p, const MetricsGauges *g) {
        const Figures *f = g->figures;

        add_single(p, "engine_connected", "gauge", "Whether the engine can be spoken to.", g->connected);
        if (g->engine_version[0] != '\0')
                add_version(p, "engine_info", "Version of the engine; the value is always 1.",
                                g->engine_version);

        add_head(p, "events_total", "counter", "Events of the engine, by what they told.");
        for (EventAction a = 0; a < _EVENT_ACTION_MAX; a++)
                add_of(p, "events_total", "action", event_action_name(a), f->events[a]);

        add_head(p, "resyncs_total", "counter", "How often everything was listed anew, by why.");
        for (ResyncCause c = 0; c < _RESYNC_CAUSE_MAX; c++)
                add_of(p, "resyncs_total", "cause", resync_cause_name(c), f->resyncs[c]);
}

char *metrics_format(const MetricsGauges *g) {
        static const Reclaimed nothing = {};
        const Figures *f = g->figures;
        char seconds[32];
        Page p = {};

        add_version(&p, "build_info", "Version of reaperd; the value is always 1.", REAPERD_VERSION);
        add_head(&p, "start_time_seconds", "gauge", "When reaperd was started, since the epoch.");
        ADD(&p, "reaperd_start_time_seconds %s\n", format_seconds(seconds, sizeof(seconds), g->started));

        add_removals(&p, "removals_total", "Containers removed, by the verdict.", f, !g->dry_run);
        add_removals(&p, "dry_run_removals_total",
                        "Containers that a dry run would have removed, by the verdict.", f, g->dry_run);
        add_single(&p, "removals_failed_total", "counter", "Removals that were given up for good.",
                        f->failed);
        add_reclaimed(&p, g->dry_run ? &nothing : &f->reclaimed);
        add_durations(&p, f);
        add_single(&p, "removals_paused", "gauge", "Whether an operator has paused all removals.",
                        g->paused);

        add_containers(&p, g);
        add_engine(&p, g);

        add_single(&p, "pressure_level", "gauge",
                        "How short the node is: 0 is normal, 1 elevated, 2 critical.", (uint64_t)g->level);
        add_single(&p, "pressure_given_up", "gauge",
                        "Whether removing against pressure was given up for a while, as it did not help.",
                        g->given_up);

        if (p.error < 0) {
                free(p.text);
                return NULL;
        }
        return p.text;
}
