/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/size.h"
#include "base/time-span.h"
#include "base/utf8.h"
#include "core/profile.h"
#include "core/registry.h"
#include "daemon/record.h"

#define SHORT_ID_DIGITS 12 /* as Docker shows ids */

/* One character, escaped: at most four bytes of `\xNN` each. */
#define ESCAPED_SIZE (4 * 4 + 1)

/* What the fields of a record about a container are made from; `fields` points into it. */
typedef struct ContainerFields {
        char id_full[CONTAINER_ID_HEX_SIZE];
        char id_short[SHORT_ID_DIGITS + 1];
        char attempt[16];
        char held[4][24];
        LogField fields[24];
        size_t n;
} ContainerFields;

static void add(ContainerFields *f, const char *name, const char *value) {
        f->fields[f->n++] = (LogField){ name, value };
}

static void container_fields(ContainerFields *f, const Container *c) {
        f->n = 0;
        container_id_format(&c->id, f->id_full);
        snprintf(f->id_short, sizeof(f->id_short), "%.*s", SHORT_ID_DIGITS, f->id_full);

        add(f, "CONTAINER_ID", f->id_short);
        add(f, "CONTAINER_ID_FULL", f->id_full);
        add(f, "CONTAINER_NAME", c->name);
        add(f, "IMAGE_NAME", shared_text(c->image));
        /* Anybody can write a service's name into a label; the engine has said that this is a task. */
        if (c->scope == SCOPE_TASK) {
                add(f, "SWARM_SERVICE_NAME", shared_text(c->service));
                add(f, "SWARM_TASK_ID", c->task_id);
        }
}

static void add_attempt(ContainerFields *f, unsigned attempt) {
        snprintf(f->attempt, sizeof(f->attempt), "%u", attempt);
        add(f, "REAPERD_ATTEMPT", f->attempt);
}

static void add_held(ContainerFields *f, const Holding *h) {
        const struct {
                const char *name;
                uint64_t figure;
        } figures[ELEMENTS_OF(f->held)] = {
                { "REAPERD_HELD_BYTES", h->cached },
                { "REAPERD_HELD_DIRTY_BYTES", h->dirty },
                { "REAPERD_HELD_DISK_BYTES", h->disk },
                { "REAPERD_HELD_INODES", h->inodes },
        };

        for (size_t i = 0; i < ELEMENTS_OF(figures); i++)
                if (figures[i].figure != FIGURE_UNKNOWN) {
                        snprintf(f->held[i], sizeof(f->held[i]), "%" PRIu64, figures[i].figure);
                        add(f, figures[i].name, f->held[i]);
                }
        if (h->partial)
                add(f, "REAPERD_HELD_PARTIAL", "1");
}

char *container_label(char *buf, size_t size, const Container *c) {
        char id[CONTAINER_ID_HEX_SIZE];

        snprintf(buf, size, "%.*s %.255s", SHORT_ID_DIGITS, container_id_format(&c->id, id),
                        c->name ? c->name : "(no name)");
        return buf;
}

/* Takes one character off the front, or one byte that begins none; writes it escaped. A carriage return at
 * the end of a line, as terminals have it, comes to nothing. Returns the bytes written. */
static size_t take_escaped(const char **text, const char *end, char *buf) {
        char raw[5] = { 0 };
        uint32_t c;
        size_t n = utf8_read(*text, (size_t)(end - *text), &c);

        if (n == 0)
                n = 1;
        memcpy(raw, *text, n);
        *text += n;

        if (raw[0] == '\n')
                snprintf(buf, ESCAPED_SIZE, "\n");
        else if (raw[0] == '\0')
                snprintf(buf, ESCAPED_SIZE, "\\x00");
        else if (raw[0] == '\r' && (*text == end || **text == '\n'))
                buf[0] = '\0';
        else
                log_escape(buf, ESCAPED_SIZE, raw);
        return strlen(buf);
}

/* Writes the newest of a log, in lines whose bytes are escaped; neither a character nor an escape is cut.
 * buf has RECORD_LOG_TAIL_MAX + 1 bytes. Returns buf, or NULL if there is nothing. */
static char *format_log_tail(char *buf, const char *tail, size_t size) {
        const char *start, *end;
        size_t total = 0, used = 0, n;
        char one[ESCAPED_SIZE];

        if (!tail)
                return NULL;
        if (size > 0 && tail[size - 1] == '\n')
                size--;
        if (size == 0)
                return NULL;

        /* Escaping shortens by no more than the half (a carriage return in front of each newline), so that
         * what lies further ahead cannot fit, nor can a character that this cuts. */
        end = tail + size;
        start = size > 2 * RECORD_LOG_TAIL_MAX ? end - 2 * RECORD_LOG_TAIL_MAX : tail;
        for (const char *p = start; p < end;)
                total += take_escaped(&p, end, one);
        for (const char *p = start; p < end; total -= n) {
                n = take_escaped(&p, end, one);
                if (total > RECORD_LOG_TAIL_MAX)
                        continue;
                memcpy(buf + used, one, n);
                used += n;
        }
        buf[used] = '\0';
        return buf;
}

/* Where there is no journal to keep the field, the lines follow the record. */
static void show_log_tail(const char *text) {
        for (size_t n; text; text = text[n] == '\n' ? text + n + 1 : NULL) {
                n = strcspn(text, "\n");
                log_beside_journal(LOG_INFO, "  | %.*s", (int)n, text);
        }
}

void record_removal(const Container *c, const Decision *d, const RemovalRecord *record) {
        char label[CONTAINER_LABEL_MAX], span[TIME_SPAN_TEXT_MAX], age[24], exit_code[16], observed[24];
        const Holding *held = record->held;
        char cached[SIZE_TEXT_MAX], held_text[SIZE_TEXT_MAX + 16] = "";
        char origin[PROFILE_ORIGIN_MAX], tail[RECORD_LOG_TAIL_MAX + 1], *lines;
        ContainerFields f;

        container_fields(&f, c);
        add_attempt(&f, record->attempt);
        snprintf(age, sizeof(age), "%" PRIu64, d->age);
        snprintf(exit_code, sizeof(exit_code), "%d", c->exit_code);
        add(&f, "REAPERD_VERDICT", verdict_name(d->verdict));
        add(&f, "REAPERD_AGE_USEC", age);
        add(&f, "REAPERD_EXIT_CODE", exit_code);
        add(&f, "REAPERD_DRY_RUN", record->dry_run ? "1" : "0");
        if (d->setting != _SETTING_INVALID)
                add(&f, "REAPERD_SETTING", setting_info(d->setting)->key);
        if (c->profile) {
                if (c->profile->rule)
                        add(&f, "REAPERD_RULE", c->profile->rule->name);
                if (d->setting != _SETTING_INVALID)
                        add(&f, "REAPERD_ORIGIN",
                                        profile_origin(c->profile, d->setting, origin, sizeof(origin)));
        }
        if (held)
                add_held(&f, held);
        if (record->observed) {
                snprintf(observed, sizeof(observed), "%" PRId64, *record->observed);
                add(&f, "REAPERD_OBSERVED_BYTES", observed);
        }
        if (held && held->cached != FIGURE_UNKNOWN)
                snprintf(held_text, sizeof(held_text), ", held %s", size_format_short(cached, held->cached));
        lines = format_log_tail(tail, record->log_tail, record->log_size);
        add(&f, "REAPERD_LOG_TAIL", lines);

        log_record(LOG_INFO, MESSAGE_ID_REMOVED, f.fields, f.n, "%s %s: %s, age %s, exit %d%s",
                        record->dry_run ? "Would remove" : "Removed",
                        container_label(label, sizeof(label), c), verdict_name(d->verdict),
                        time_span_format(span, sizeof(span), d->age, USEC_PER_SEC), c->exit_code, held_text);
        show_log_tail(lines);
}

void record_quarantine(const Container *c, unsigned attempts, int error, const char *message) {
        char label[CONTAINER_LABEL_MAX];
        ContainerFields f;

        container_fields(&f, c);
        add_attempt(&f, attempts);
        log_record(LOG_WARNING, MESSAGE_ID_QUARANTINED, f.fields, f.n,
                        "Removing %s failed %u times, the last time with: %.512s. It is left alone until it "
                        "is started or the engine is restarted",
                        container_label(label, sizeof(label), c), attempts, request_problem(error, message));
}

void record_engine_lost(const char *endpoint, int error, const char *message, bool for_good) {
        const LogField fields[] = { { "REAPERD_ENDPOINT", endpoint } };

        log_record(LOG_WARNING, MESSAGE_ID_ENGINE_LOST, fields, ELEMENTS_OF(fields),
                        "No connection to the engine at %s: %.512s%s", endpoint,
                        request_problem(error, message), for_good ? "" : ". Trying again until it is there");
}

void record_engine_back(const char *endpoint, const char *engine, ApiVersion api) {
        const LogField fields[] = { { "REAPERD_ENDPOINT", endpoint }, { "REAPERD_ENGINE_VERSION", engine } };

        log_record(LOG_INFO, MESSAGE_ID_ENGINE_BACK, fields, ELEMENTS_OF(fields),
                        "Connected to engine %s at %s, API %u.%u", engine, endpoint, api.major, api.minor);
}

void record_clock_jump(usec_t forward, usec_t backward) {
        char span[TIME_SPAN_TEXT_MAX], usec[24];
        const LogField fields[] = { { "REAPERD_CLOCK_JUMP_USEC", usec } };

        snprintf(usec, sizeof(usec), "%s%" PRIu64, backward > 0 ? "-" : "", forward + backward);
        log_record(LOG_NOTICE, MESSAGE_ID_CLOCK_JUMPED, fields, ELEMENTS_OF(fields),
                        "The clock was set %s by %s; ages are not affected, due times are taken anew",
                        forward > 0 ? "forward" : "back",
                        time_span_format(span, sizeof(span), forward + backward, USEC_PER_SEC));
}

void record_reloaded(size_t n_rules, bool endpoint_changed) {
        char rules[24];
        const LogField fields[] = { { "REAPERD_RULES", rules } };

        snprintf(rules, sizeof(rules), "%zu", n_rules);
        log_record(LOG_INFO, MESSAGE_ID_RELOADED, fields, ELEMENTS_OF(fields),
                        "A new configuration holds, with %zu rule%s%s", n_rules, n_rules == 1 ? "" : "s",
                        endpoint_changed ? "; the engine is another one" : "");
}

void record_reload_refused(size_t n_errors) {
        char errors[24];
        const LogField fields[] = { { "REAPERD_ERRORS", errors } };

        snprintf(errors, sizeof(errors), "%zu", n_errors);
        log_record(LOG_ERR, MESSAGE_ID_RELOAD_REFUSED, fields, ELEMENTS_OF(fields),
                        "The new configuration is refused, with %zu error%s; the old one still holds",
                        n_errors, n_errors == 1 ? "" : "s");
}

/* What has to wait, and for how long. */
typedef struct WaitFields {
        char held[24], usec[24], span[TIME_SPAN_TEXT_MAX];
} WaitFields;

static void format_wait(WaitFields *f, size_t n, usec_t wait) {
        snprintf(f->held, sizeof(f->held), "%zu", n);
        snprintf(f->usec, sizeof(f->usec), "%" PRIu64, wait);
        time_span_format(f->span, sizeof(f->span), wait, USEC_PER_SEC);
}

void record_surge_held(size_t n, unsigned limit, usec_t wait) {
        char surge_limit[16];
        WaitFields f;
        const LogField fields[] = {
                { "REAPERD_HELD", f.held },
                { "REAPERD_SURGE_LIMIT", surge_limit },
                { "REAPERD_WAIT_USEC", f.usec },
        };

        format_wait(&f, n, wait);
        snprintf(surge_limit, sizeof(surge_limit), "%u", limit);
        log_record(LOG_WARNING, MESSAGE_ID_SURGE_HELD, fields, ELEMENTS_OF(fields),
                        "The new configuration makes %zu containers due at once, more than SurgeLimit=%u: "
                        "none of them is removed for another %s",
                        n, limit, f.span);
}

void record_held(const Container *c, Verdict verdict) {
        char label[CONTAINER_LABEL_MAX];
        ContainerFields f;

        container_fields(&f, c);
        add(&f, "REAPERD_VERDICT", verdict_name(VERDICT_SURGE_HELD));
        add(&f, "REAPERD_WOULD_GO_AS", verdict_name(verdict));
        log_record(LOG_INFO, NULL, f.fields, f.n, "Held %s: would go as %s",
                        container_label(label, sizeof(label), c), verdict_name(verdict));
}

void record_first_run(size_t n_due, usec_t wait) {
        WaitFields f;
        const LogField fields[] = { { "REAPERD_HELD", f.held }, { "REAPERD_WAIT_USEC", f.usec } };

        format_wait(&f, n_due, wait);
        log_record(LOG_NOTICE, MESSAGE_ID_FIRST_RUN, fields, ELEMENTS_OF(fields),
                        "First start here: nothing is removed for another %s; %zu container%s due", f.span,
                        n_due, n_due == 1 ? " is" : "s are");
}

const char *request_problem(int error, const char *message) {
        if (message && message[0])
                return message;

        switch (error) {
        case -ENOENT:
                return "no such file, or not found";
        case -EBUSY:
                return "the engine is busy with it";
        case -EREMOTEIO:
                return "the engine answered with an error";
        case -EPROTO:
                return "the engine answered with an unexpected status";
        case -EBADMSG:
                return "the answer could not be understood";
        case -EMSGSIZE:
                return "the answer was too large";
        case -ECONNRESET:
                return "the connection was closed";
        case -ENXIO:
                return "there is no such socket";
        case -EPERM:
                return "permission to use the socket is denied";
        case -EAFNOSUPPORT:
                /* The kernel's own word for RestrictAddressFamilies=. */
                return "this service may not use TCP, see tcp.conf.example in reaperd(8)";
        default:
                return strerror(-error);
        }
}
