/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/time-span.h"
#include "core/registry.h"
#include "daemon/record.h"

#define SHORT_ID_DIGITS 12 /* as Docker shows ids */

/* What the fields of a record about a container are made from; `fields` points into it. */
typedef struct ContainerFields {
        char id_full[CONTAINER_ID_HEX_SIZE];
        char id_short[SHORT_ID_DIGITS + 1];
        char attempt[16];
        LogField fields[16];
        size_t n;
} ContainerFields;

static void add(ContainerFields *f, const char *name, const char *value) {
        f->fields[f->n++] = (LogField){ name, value };
}

static void container_fields(ContainerFields *f, const Container *c, unsigned attempt) {
        f->n = 0;
        container_id_format(&c->id, f->id_full);
        snprintf(f->id_short, sizeof(f->id_short), "%.*s", SHORT_ID_DIGITS, f->id_full);
        snprintf(f->attempt, sizeof(f->attempt), "%u", attempt);

        add(f, "CONTAINER_ID", f->id_short);
        add(f, "CONTAINER_ID_FULL", f->id_full);
        add(f, "CONTAINER_NAME", c->name);
        add(f, "IMAGE_NAME", shared_text(c->image));
        add(f, "SWARM_SERVICE_NAME", shared_text(c->service));
        add(f, "SWARM_TASK_ID", c->task_id);
        add(f, "REAPERD_ATTEMPT", f->attempt);
}

char *container_label(char *buf, size_t size, const Container *c) {
        char id[CONTAINER_ID_HEX_SIZE];

        snprintf(buf, size, "%.*s %.255s", SHORT_ID_DIGITS, container_id_format(&c->id, id),
                        c->name ? c->name : "(no name)");
        return buf;
}

void record_removal(const Container *c, const Decision *d, unsigned attempt, bool dry_run) {
        char label[CONTAINER_LABEL_MAX], span[TIME_SPAN_TEXT_MAX], age[24], exit_code[16];
        ContainerFields f;

        container_fields(&f, c, attempt);
        snprintf(age, sizeof(age), "%" PRIu64, d->age);
        snprintf(exit_code, sizeof(exit_code), "%d", c->exit_code);
        add(&f, "REAPERD_VERDICT", verdict_name(d->verdict));
        add(&f, "REAPERD_AGE_USEC", age);
        add(&f, "REAPERD_EXIT_CODE", exit_code);
        add(&f, "REAPERD_DRY_RUN", dry_run ? "1" : "0");

        log_record(LOG_INFO, MESSAGE_ID_REMOVED, f.fields, f.n, "%s %s: %s, age %s, exit %d",
                        dry_run ? "Would remove" : "Removed", container_label(label, sizeof(label), c),
                        verdict_name(d->verdict), time_span_format(span, sizeof(span), d->age, USEC_PER_SEC),
                        c->exit_code);
}

void record_quarantine(const Container *c, unsigned attempts, int error, const char *message) {
        char label[CONTAINER_LABEL_MAX];
        ContainerFields f;

        container_fields(&f, c, attempts);
        log_record(LOG_WARNING, MESSAGE_ID_QUARANTINED, f.fields, f.n,
                        "Removing %s failed %u times, the last time with: %.512s. It is left alone until it "
                        "is "
                        "started or the engine is restarted",
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
        default:
                return strerror(-error);
        }
}
