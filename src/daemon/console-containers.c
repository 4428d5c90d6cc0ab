/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "core/outcome.h"
#include "core/slot.h"
#include "daemon/console.h"

/* The most that one page has. */
#define PAGE_MAX 1000

/* So much of what a caller wrote is repeated in an error. */
#define QUOTE_MAX 128

/* What has stopped, as far as its state tells. */
static bool has_stopped(const Container *c) {
        return container_state_is_stopped((ContainerState)c->state) || c->state == CONTAINER_REMOVING ||
               c->failed_start;
}

bool console_is_stopped(const Container *c) {
        /* What a dry run would have removed is there all the same. */
        return has_stopped(c) && (c->gone || registry_tracks(c));
}

const char *console_service(const Container *c) {
        /* By its labels, until the engine has said that it is none: that is asked when it matters, and
         * who looks at a container that has just ended is to find it under its name. */
        return c->scope != SCOPE_OTHER ? shared_text(c->service) : NULL;
}

const char *console_outcome(Outcome o) {
        return o == OUTCOME_UNKNOWN ? "" : outcome_name(o);
}

/* That it failed is known from its event; whether it ran out of memory, only from an inspect. */
static const char *outcome_of(const Container *c, Outcome o) {
        unsigned possible = has_stopped(c) ? outcomes_possible(c) : 0;

        if (o == OUTCOME_UNKNOWN && possible != 0 && (possible & ~(unsigned)OUTCOME_FAILURES) == 0)
                o = OUTCOME_FAILURE;
        return console_outcome(o);
}

/* service.slot.task, of global services service.node.task: a service's name may hold dots, the rest does
 * not. */
static const char *slot_of(char *buf, const Container *c) {
        char escaped[CONSOLE_TEXT_MAX];
        const char *name = console_text(escaped, c->name), *dot = strrchr(name, '.');

        if (c->scope == SCOPE_OTHER || !shared_text(c->service) || !dot)
                return "";
        (void)snprintf(buf, CONSOLE_TEXT_MAX, "%.*s", (int)(dot - name), name);
        return buf;
}

int console_append_container(sd_bus_message *reply, const Manager *m, const Container *c, usec_t now) {
        char name[CONSOLE_TEXT_MAX], service[CONSOLE_TEXT_MAX], slot[CONSOLE_TEXT_MAX];
        char id[CONTAINER_ID_HEX_SIZE], image[CONSOLE_TEXT_MAX];
        const Holding *holding = registry_holding(m->registry, c);
        const Holding held = holding ? *holding : HOLDING_UNKNOWN;
        const Decision d = policy_decide(c, &m->situation, now);

        return sd_bus_message_append(reply, CONSOLE_CONTAINER, container_id_format(&c->id, id),
                        console_text(name, c->name), console_text(service, console_service(c)),
                        slot_of(slot, c), console_text(image, shared_text(c->image)),
                        container_state_name((ContainerState)c->state), outcome_of(c, d.outcome),
                        verdict_name(d.verdict),
                        has_stopped(c) ? usec_sub(now, slot_order(c)) : USEC_INFINITY, usec_sub(d.due, now),
                        held.cached, held.dirty, held.disk, held.inodes, (int)d.exact);
}

static const char *quote(char *buf, const char *text) {
        return log_escape(buf, QUOTE_MAX, text);
}

typedef struct Filter {
        const char *service; /* borrowed from the message; NULL: any */
        int verdict;         /* -1: any */
        bool all;
} Filter;

static int refuse_verdict(const char *name, sd_bus_error *error) {
        _cleanup_free_ char *names = NULL;
        char quoted[QUOTE_MAX];

        for (int v = 0; v < _VERDICT_MAX; v++)
                if (text_append(&names, v > 0 ? ", %s" : "%s", verdict_name((Verdict)v)) < 0)
                        return -ENOMEM;
        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Filter key Verdict: there is no verdict \"%s\"; there are %s", quote(quoted, name),
                        names);
}

static int read_verdict(const char *name, Filter *f, sd_bus_error *error) {
        for (int v = 0; v < _VERDICT_MAX; v++)
                if (strcmp(name, verdict_name((Verdict)v)) == 0) {
                        f->verdict = v;
                        return 0;
                }
        return refuse_verdict(name, error);
}

/* One value, of the type that its key asks for. */
static int read_value(
                sd_bus_message *call, const char *key, const char *type, void *ret, sd_bus_error *error) {
        const char *contents;
        int r;

        r = sd_bus_message_peek_type(call, NULL, &contents);
        if (r < 0)
                return r;
        if (strcmp(contents, type) != 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Filter key %s takes a %s", key,
                                *type == 'b' ? "boolean (b)" : "string (s)");
        return sd_bus_message_read(call, "v", type, ret);
}

static int read_entry(sd_bus_message *call, Filter *f, sd_bus_error *error) {
        const char *key, *name = "";
        char quoted[QUOTE_MAX];
        int r, all = 0;

        r = sd_bus_message_read(call, "s", &key);
        if (r < 0)
                return r;
        if (strcmp(key, "All") == 0) {
                r = read_value(call, key, "b", &all, error);
                if (r >= 0)
                        f->all = all;
                return r;
        }
        if (strcmp(key, "Service") == 0)
                return read_value(call, key, "s", &f->service, error);
        if (strcmp(key, "Verdict") == 0) {
                r = read_value(call, key, "s", &name, error);
                return r < 0 ? r : read_verdict(name, f, error);
        }
        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "There is no filter key \"%s\"; there are All (b), Service (s) and Verdict (s)",
                        quote(quoted, key));
}

static int read_filter(sd_bus_message *call, Filter *ret, sd_bus_error *error) {
        Filter f = { .verdict = -1 };
        int r;

        r = sd_bus_message_enter_container(call, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(call, 'e', "sv")) > 0) {
                r = read_entry(call, &f, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(call);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(call);
        if (r >= 0)
                *ret = f;
        return r;
}

static bool fits(const Manager *m, const Filter *f, const Container *c, usec_t now) {
        const char *service;

        if (!f->all && !console_is_stopped(c))
                return false;
        if (f->service) {
                service = console_service(c);
                if (!service || strcmp(service, f->service) != 0)
                        return false;
        }
        return f->verdict < 0 || (int)policy_decide(c, &m->situation, now).verdict == f->verdict;
}

/* Those with the smallest ids so far: a heap with the largest of them on top, so that a page costs no
 * sorting of all that there is. */
typedef struct Page {
        const Container **rows;
        size_t n, max;
        bool more; /* there are others behind it */
} Page;

static int compare_ids(const Container *a, const Container *b) {
        return memcmp(&a->id, &b->id, sizeof(a->id));
}

static int compare_rows(const void *a, const void *b) {
        return compare_ids(*(const Container *const *)a, *(const Container *const *)b);
}

static void swap_rows(Page *p, size_t a, size_t b) {
        const Container *c = p->rows[a];

        p->rows[a] = p->rows[b];
        p->rows[b] = c;
}

static void sink(Page *p, size_t i) {
        for (size_t child; (child = 2 * i + 1) < p->n; i = child) {
                if (child + 1 < p->n && compare_ids(p->rows[child], p->rows[child + 1]) < 0)
                        child++;
                if (compare_ids(p->rows[i], p->rows[child]) >= 0)
                        return;
                swap_rows(p, i, child);
        }
}

static void rise(Page *p, size_t i) {
        for (; i > 0 && compare_ids(p->rows[(i - 1) / 2], p->rows[i]) < 0; i = (i - 1) / 2)
                swap_rows(p, i, (i - 1) / 2);
}

static void fill(Page *p, const Manager *m, const Filter *f, const ContainerId *after, usec_t now) {
        for (const Container *c = registry_next(m->registry, NULL); c; c = registry_next(m->registry, c)) {
                bool full = p->n == p->max, beyond = full && compare_ids(p->rows[0], c) < 0;

                if ((after && memcmp(&c->id, after, sizeof(c->id)) <= 0) || (beyond && p->more) ||
                                !fits(m, f, c, now))
                        continue;
                p->more = full;
                if (beyond)
                        continue;
                if (full) {
                        p->rows[0] = c;
                        sink(p, 0);
                } else {
                        p->rows[p->n] = c;
                        rise(p, p->n++);
                }
        }
        qsort(p->rows, p->n, sizeof(*p->rows), compare_rows);
}

static int answer_page(
                const Page *p, const Manager *m, sd_bus_message *call, usec_t now, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char next[CONTAINER_ID_HEX_SIZE] = "";
        int r;

        r = console_new_answer(call, &reply, error);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', CONSOLE_CONTAINER);
        for (size_t i = 0; r >= 0 && i < p->n; i++)
                r = console_append_container(reply, m, p->rows[i], now);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        if (p->more)
                container_id_format(&p->rows[p->n - 1]->id, next);
        r = sd_bus_message_append(reply, "s", next);
        return r < 0 ? r : sd_bus_message_send(reply);
}

int console_list(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        _cleanup_free_ const Container **rows = NULL;
        const Manager *m = userdata;
        usec_t now = steady_clock_now(m->clock).steady;
        const char *after_text;
        char quoted[QUOTE_MAX];
        ContainerId after;
        uint32_t limit;
        Page page;
        Filter f;
        int r;

        r = read_filter(call, &f, error);
        if (r >= 0)
                r = sd_bus_message_read(call, "su", &after_text, &limit);
        if (r < 0)
                return r;
        if (*after_text != '\0' && container_id_parse(after_text, &after) < 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                "after is \"%s\": an id (64 digits), or nothing, is wanted",
                                quote(quoted, after_text));
        if (limit < 1 || limit > PAGE_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "limit is %u: 1 to %i is wanted",
                                limit, PAGE_MAX);

        rows = calloc(limit, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        page = (Page){ .rows = rows, .max = limit };
        fill(&page, m, &f, *after_text != '\0' ? &after : NULL, now);
        return answer_page(&page, m, call, now, error);
}
