/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine reads filters as JSON in the query. What stands in them here is fixed text and hexadecimal
 * ids, so that no JSON has to be escaped; the result is percent-encoded as a whole. An unknown key or a
 * misspelt filter is not refused by the engine: it then answers with too much.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/usec.h"
#include "engine/client-query.h"

#define FILTER_TASKS  "{\"is-task\":[\"true\"]"
#define FILTER_OTHERS "{\"is-task\":[\"false\"]" /* the longer one */

#define FILTER_EVENTS                \
        "{\"type\":[\"container\"]," \
        "\"event\":[\"create\",\"start\",\"kill\",\"stop\",\"die\",\"destroy\",\"rename\"]"
#define FILTER_EVENTS_ALL   FILTER_EVENTS "}"
#define FILTER_EVENTS_TASKS FILTER_EVENTS ",\"label\":[\"com.docker.swarm.task\"]}"

static char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *text_format(const char *format, ...) {
        va_list ap;
        char *text;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);

        return n < 0 ? NULL : text;
}

char *engine_percent_encode(const char *text) {
        static const char digits[] = "0123456789ABCDEF";
        char *encoded, *p;

        encoded = malloc(strlen(text) * 3 + 1);
        if (!encoded)
                return NULL;

        p = encoded;
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                /* Not isalnum(), which asks the locale. */
                if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                strchr("-._~", c)) {
                        *p++ = *text;
                        continue;
                }

                *p++ = '%';
                *p++ = digits[c >> 4];
                *p++ = digits[c & 0xf];
        }
        *p = '\0';

        return encoded;
}

/* {"is-task":["true"],"id":["ID","ID"]} */
static char *filter_containers(bool is_task, const ContainerId *ids, size_t n_ids) {
        char *filter, *p;

        /* For each id its digits, quotes and a comma (the room for its NUL is the second quote's). */
        filter = malloc(sizeof(FILTER_OTHERS) + sizeof(",\"id\":[]}") + n_ids * (CONTAINER_ID_HEX_SIZE + 2));
        if (!filter)
                return NULL;

        p = stpcpy(filter, is_task ? FILTER_TASKS : FILTER_OTHERS);
        for (size_t i = 0; i < n_ids; i++) {
                char hex[CONTAINER_ID_HEX_SIZE];

                p = stpcpy(p, i == 0 ? ",\"id\":[\"" : ",\"");
                p = stpcpy(p, container_id_format(&ids[i], hex));
                p = stpcpy(p, "\"");
        }
        (void)stpcpy(p, n_ids > 0 ? "]}" : "}");

        return filter;
}

char *engine_path_info(ApiVersion api) {
        return text_format("/v%u.%u/info", api.major, api.minor);
}

char *engine_path_swarm(ApiVersion api) {
        return text_format("/v%u.%u/swarm", api.major, api.minor);
}

char *engine_path_services(ApiVersion api) {
        return text_format("/v%u.%u/services?status=1", api.major, api.minor);
}

char *engine_path_list(ApiVersion api, bool is_task, const ContainerId *ids, size_t n_ids) {
        _cleanup_free_ char *filter = NULL, *encoded = NULL;

        filter = filter_containers(is_task, ids, n_ids);
        if (!filter)
                return NULL;

        encoded = engine_percent_encode(filter);
        if (!encoded)
                return NULL;

        return text_format("/v%u.%u/containers/json?all=1&filters=%s", api.major, api.minor, encoded);
}

char *engine_path_inspect(ApiVersion api, const ContainerId *id) {
        char hex[CONTAINER_ID_HEX_SIZE];

        return text_format("/v%u.%u/containers/%s/json", api.major, api.minor, container_id_format(id, hex));
}

char *engine_path_remove(ApiVersion api, const ContainerId *id, bool volumes) {
        char hex[CONTAINER_ID_HEX_SIZE];

        return text_format("/v%u.%u/containers/%s%s", api.major, api.minor, container_id_format(id, hex),
                        volumes ? "?v=1" : "");
}

char *engine_path_log(ApiVersion api, const ContainerId *id, unsigned lines) {
        char hex[CONTAINER_ID_HEX_SIZE];

        return text_format("/v%u.%u/containers/%s/logs?stdout=1&stderr=1&tail=%u", api.major, api.minor,
                        container_id_format(id, hex), lines);
}

char *engine_path_event_ring(ApiVersion api, int64_t until_nsec) {
        return text_format("/v%u.%u/events?since=0&until=%" PRIu64 ".%09" PRIu64, api.major, api.minor,
                        (uint64_t)until_nsec / NSEC_PER_SEC, (uint64_t)until_nsec % NSEC_PER_SEC);
}

char *engine_path_subscribe(ApiVersion api, int64_t since_nsec, bool tasks_only) {
        _cleanup_free_ char *encoded = NULL;

        encoded = engine_percent_encode(tasks_only ? FILTER_EVENTS_TASKS : FILTER_EVENTS_ALL);
        if (!encoded)
                return NULL;

        if (since_nsec == 0)
                return text_format("/v%u.%u/events?filters=%s", api.major, api.minor, encoded);

        return text_format("/v%u.%u/events?since=%" PRIu64 ".%09" PRIu64 "&filters=%s", api.major, api.minor,
                        (uint64_t)since_nsec / NSEC_PER_SEC, (uint64_t)since_nsec % NSEC_PER_SEC, encoded);
}
