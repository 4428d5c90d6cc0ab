/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/time-span.h"
#include "base/timestamp.h"
#include "daemon/config-file.h"
#include "daemon/console.h"
#include "daemon/record-console.h"

/* So many faults of a configuration are told in the text of an error. */
#define FAULTS_TOLD_MAX 20

/* May removals be asked for now? */
static int refuse(const Manager *m, bool dry_run, sd_bus_error *error) {
        char until[TIMESTAMP_TEXT_MAX];

        if (!dry_run && manager_paused_until(m) != 0)
                return sd_bus_error_setf(error, BUS_ERROR_PAUSED, "Removals are paused until %s",
                                timestamp_format(until, manager_paused_until(m)));
        if (manager_count_requests(m) >= REQUESTS_MAX)
                return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY,
                                "%d requests are under way already: try again when one of them has ended",
                                REQUESTS_MAX);
        return 0;
}

/* Sorts, and takes out what is there twice. Returns how many remain. */
static size_t make_unique(ContainerId *ids, size_t n) {
        size_t kept = 0;

        if (n > 0)
                qsort(ids, n, sizeof(ContainerId), request_compare_ids);
        for (size_t i = 0; i < n; i++)
                if (kept == 0 || memcmp(&ids[kept - 1], &ids[i], sizeof(ContainerId)) != 0)
                        ids[kept++] = ids[i];
        return kept;
}

/* The message is answered from now on, by the manager. */
static int request(Manager *m, sd_bus_message *call, RequestKind kind, ContainerId *ids, size_t n,
                bool dry_run) {
        int r;

        n = make_unique(ids, n);
        if (!dry_run && kind == REQUEST_NAMED)
                record_requested(n);
        r = manager_request(m, call, kind, ids, n, dry_run);
        return r < 0 ? r : 1;
}

static int refuse_too_many(sd_bus_error *error) {
        return sd_bus_error_setf(error, BUS_ERROR_TOO_MANY,
                        "More than %d containers in one request: ask for fewer", REQUEST_MAX);
}

/* Reads the array in front: the texts belong to the message. *ret has room for REQUEST_MAX. */
static int read_texts(sd_bus_message *call, const char **texts, size_t *ret_n, sd_bus_error *error) {
        const char *text;
        size_t n = 0;
        int r;

        r = sd_bus_message_enter_container(call, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(call, "s", &text)) > 0) {
                if (n >= REQUEST_MAX)
                        return refuse_too_many(error);
                texts[n++] = text;
        }
        if (r < 0)
                return r;
        *ret_n = n;
        return sd_bus_message_exit_container(call);
}

int console_reap(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_free_ ContainerId *ids = NULL;
        _cleanup_free_ const char **texts = NULL;
        Manager *m = userdata;
        int dry_run, r;
        size_t n = 0;

        ids = calloc(REQUEST_MAX, sizeof(ContainerId));
        texts = calloc(REQUEST_MAX, sizeof(*texts));
        if (!ids || !texts)
                return -ENOMEM;

        r = read_texts(call, texts, &n, error);
        if (r >= 0)
                r = sd_bus_message_read(call, "b", &dry_run);
        if (r < 0)
                return r;
        if (n == 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "containers: none is named");
        r = refuse(m, dry_run, error);
        if (r < 0)
                return r;
        r = console_find_all(m, texts, n, ids, error);
        return r < 0 ? r : request(m, call, REQUEST_NAMED, ids, (size_t)r, dry_run);
}

/* The tasks of this service that have ended. */
static int find_of_service(
                Manager *m, const char *service, ContainerId *ids, size_t *n, sd_bus_error *error) {
        char quoted[256];

        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c)) {
                const char *name = shared_text(c->service);

                if (c->scope == SCOPE_OTHER || !(c->slot || c->gone) || !name || strcmp(name, service) != 0)
                        continue;
                if (*n >= REQUEST_MAX)
                        return refuse_too_many(error);
                ids[(*n)++] = c->id;
        }
        if (*n == 0)
                return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_CONTAINER,
                                "No stopped container of service %s is known",
                                log_escape(quoted, sizeof(quoted), service));
        return 0;
}

int console_reap_service(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_free_ ContainerId *ids = NULL;
        Manager *m = userdata;
        const char *service;
        int dry_run, r;
        size_t n = 0;

        r = sd_bus_message_read(call, "sb", &service, &dry_run);
        if (r < 0)
                return r;
        ids = calloc(REQUEST_MAX, sizeof(ContainerId));
        if (!ids)
                return -ENOMEM;

        r = refuse(m, dry_run, error);
        if (r >= 0)
                r = find_of_service(m, service, ids, &n, error);
        return r < 0 ? r : request(m, call, REQUEST_NAMED, ids, n, dry_run);
}

int console_reap_due(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_free_ ContainerId *ids = NULL;
        Manager *m = userdata;
        usec_t now = steady_clock_now(m->clock).steady;
        size_t n = 0;
        int dry_run, r;

        r = sd_bus_message_read(call, "b", &dry_run);
        if (r < 0)
                return r;
        r = refuse(m, dry_run, error);
        if (r < 0)
                return r;
        /* Waits are not to end before anybody can have seen what they hold back. */
        if (!m->situation.engine_connected)
                return sd_bus_error_set(error, BUS_ERROR_ENGINE, "There is no connection to the engine now");
        ids = calloc(REQUEST_MAX, sizeof(ContainerId));
        if (!ids)
                return -ENOMEM;

        /* Those above the bound go as well; only their ends are not waited for. */
        for (const Container *c = registry_next(m->registry, NULL); c && n < REQUEST_MAX;
                        c = registry_next(m->registry, c))
                if (!c->quarantined && policy_is_due(c, &m->situation, now, NULL))
                        ids[n++] = c->id;

        if (!dry_run)
                manager_end_waits(m);
        return request(m, call, REQUEST_DUE, ids, n, dry_run);
}

int console_pause(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        uint64_t span;
        usec_t until;
        bool kept;
        int r;

        r = sd_bus_message_read(call, "t", &span);
        if (r < 0)
                return r;
        if (span < PAUSE_MIN || span > PAUSE_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                "span: %" PRIu64 " us is out of range, accepted: 1s to 30d", span);

        kept = manager_pause(m, span, &until);
        return sd_bus_reply_method_return(call, "tb", until, kept);
}

int console_resume(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        (void)error;
        return sd_bus_reply_method_return(call, "b", manager_resume(userdata));
}

/* The errors of a configuration, one a line. */
static int format_errors(const ConfigReport *report, char **ret) {
        _cleanup_free_ char *text = NULL;
        size_t told = 0;
        int r = 0;

        for (size_t i = 0; i < report->n_faults && told < FAULTS_TOLD_MAX && r >= 0; i++)
                if (report->faults[i].kind == CONFIG_ERROR)
                        r = text_append(&text, "%s%s", told++ > 0 ? "\n" : "", report->faults[i].text);
        if (r >= 0 && report->n_errors > told)
                r = text_append(&text, "\nand %zu more", report->n_errors - told);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(text);
        return 0;
}

int console_reload(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_(config_report_done) ConfigReport report = { 0 };
        _cleanup_free_ char *text = NULL;
        Manager *m = userdata;
        int r;

        r = manager_reload(m, &report);
        if (r == -EINVAL) {
                r = format_errors(&report, &text);
                if (r >= 0 && text)
                        return sd_bus_error_set(error, BUS_ERROR_INVALID_CONFIG, text);
        }
        return r < 0 ? r : sd_bus_reply_method_return(call, "");
}

static int append_faults(sd_bus_message *reply, const ConfigReport *report) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < report->n_faults; i++)
                r = sd_bus_message_append(reply, "(ss)",
                                report->faults[i].kind == CONFIG_ERROR ? "error" : "notice",
                                report->faults[i].text);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int check(sd_bus_message *call, const char *path) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(config_report_done) ConfigReport report = { 0 };
        _cleanup_(settings_done) Settings settings = { 0 };
        int r;

        r = config_load(path, NULL, &settings, &report);
        if (r < 0 && r != -EINVAL)
                return r;
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = append_faults(reply, &report);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int console_check_config(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;

        (void)error;
        return check(call, m->options.config);
}

int console_check_config_file(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const char *path;
        int r;

        (void)userdata;
        r = sd_bus_message_read(call, "s", &path);
        if (r < 0)
                return r;
        if (path[0] != '/')
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                "path: is not absolute, accepted: /absolute/path");
        return check(call, path);
}
