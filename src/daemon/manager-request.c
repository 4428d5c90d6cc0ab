/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "core/explanation.h"
#include "daemon/console.h"
#include "daemon/manager-private.h"
#include "daemon/record.h"

#define WORDS_MAX 512

/* One of the containers that a request is about. */
typedef struct Item {
        ContainerId id;
        char name[CONTAINER_LABEL_MAX]; /* made fit for the bus */
        bool done;
        bool removed;
        const char *verdict; /* static */
        char *words;         /* owned; NULL: memory has run out */
} Item;

typedef struct Request {
        sd_bus_message *call;
        RequestKind kind;
        size_t n_items, n_open;
        struct Request *prev, *next;
        Item items[];
} Request;

int request_compare_ids(const void *a, const void *b) {
        return memcmp(a, b, sizeof(ContainerId));
}

/* The id comes first in an item. */
static Item *find_item(Request *r, const ContainerId *id) {
        return bsearch(id, r->items, r->n_items, sizeof(Item), request_compare_ids);
}

static Request *request_free(Request *r) {
        if (!r)
                return NULL;
        for (size_t i = 0; i < r->n_items; i++)
                free(r->items[i].words);
        sd_bus_message_unref(r->call);
        free(r);
        return NULL;
}

DEFINE_CLEANUP(Request *, request_free, NULL);

static int append_results(sd_bus_message *reply, const Request *r) {
        char id[CONTAINER_ID_HEX_SIZE];
        int k;

        k = sd_bus_message_open_container(reply, 'a', "(ssbss)");
        for (size_t i = 0; k >= 0 && i < r->n_items; i++) {
                const Item *item = &r->items[i];

                k = sd_bus_message_append(reply, "(ssbss)", container_id_format(&item->id, id), item->name,
                                item->removed, item->verdict, item->words ? item->words : "out of memory");
        }
        return k < 0 ? k : sd_bus_message_close_container(reply);
}

static void answer(const Request *r) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int k;

        k = sd_bus_message_new_method_return(r->call, &reply);
        if (k >= 0)
                k = append_results(reply, r);
        if (k >= 0)
                k = sd_bus_send(NULL, reply, NULL);
        if (k < 0)
                k = sd_bus_reply_method_errno(r->call, k, NULL);
        /* Who has asked may have gone, and the bus with it. */
        if (k < 0)
                log_debug("Cannot answer who has asked for removals: %s, ignoring", strerror(-k));
}

static void finish_item(Request *r, Item *item, bool removed, const char *verdict, const char *words) {
        char safe[WORDS_MAX];

        item->done = true;
        item->removed = removed;
        item->verdict = verdict;
        item->words = strdup(log_escape(safe, sizeof(safe), words));
        r->n_open--;
}

/* Answers requests of which nothing is open any more. */
static void end_finished(Manager *m) {
        Request *r, *next;

        DL_FOREACH_SAFE(m->requests, r, next)
                if (r->n_open == 0) {
                        DL_DELETE(m->requests, r);
                        answer(r);
                        request_free(r);
                }
}

/* The same word for all who wait for this one. */
static void finish_all(Manager *m, const ContainerId *id, Container *c, bool removed, const char *verdict,
                const char *words) {
        Request *r;

        DL_FOREACH(m->requests, r) {
                Item *item = find_item(r, id);

                if (item && !item->done)
                        finish_item(r, item, removed, verdict, words);
        }
        if (c)
                c->requested = false;
        end_finished(m);
}

static bool is_waited_for(const Manager *m, const ContainerId *id) {
        Request *r;

        DL_FOREACH(m->requests, r) {
                const Item *item = find_item(r, id);

                if (item && !item->done)
                        return true;
        }
        return false;
}

/* Why it stays, in the words that explain it. */
static void say_why(char *buf, size_t size, const Situation *s, const Container *c, usec_t now) {
        _cleanup_(explanation_done) Explanation e = { 0 };

        snprintf(buf, size, "kept");
        if (explanation_make(c, s, now, &e) < 0)
                return;
        for (size_t i = 0; i < e.n_steps; i++)
                if (e.steps[i].decides)
                        snprintf(buf, size, "kept: %.500s", e.steps[i].text);
}

/* Is it on its way out, as far as is known? */
static bool goes(const Decision *d, usec_t now) {
        return verdict_may_remove(d->verdict) && d->due <= now;
}

void manager_request_judge(Manager *m, Container *c, const Decision *d, usec_t now) {
        char words[WORDS_MAX];

        if (goes(d, now) || !is_waited_for(m, &c->id))
                return;
        /* What holds for it is told by the list that is under way. */
        if (m->situation.reloading && m->situation.engine_connected)
                return;
        say_why(words, sizeof(words), &m->situation, c, now);
        finish_all(m, &c->id, c, false, verdict_name(d->verdict), words);
}

void manager_request_done(Manager *m, const ContainerId *id, Container *c, const ReapReport *report) {
        const char *verdict = report->decision ? verdict_name(report->decision->verdict) : "";
        char words[WORDS_MAX];

        if (!m->requests || !is_waited_for(m, id))
                return;

        switch (report->result) {
        case REAP_REMOVED:
                finish_all(m, id, c, true, verdict, "removed");
                break;
        case REAP_WOULD_REMOVE:
                finish_all(m, id, c, true, verdict, "would be removed");
                break;
        case REAP_ALREADY_GONE:
                finish_all(m, id, c, false, verdict, "is gone already");
                break;
        case REAP_CONFLICT:
        case REAP_FAILED:
                snprintf(words, sizeof(words), "failed: %.400s",
                                request_problem(report->error, report->message));
                finish_all(m, id, c, false, verdict, words);
                break;
        case REAP_KEPT:
                /* Its decision may be from before the request: it is judged when it is rescheduled. */
                break;
        }
}

/* It needs no removal, or none any more. */
static bool finish_if_gone(Manager *m, Request *r, Item *item, usec_t now) {
        const Container *c = registry_find(m->registry, &item->id);

        if (!c)
                finish_item(r, item, false, "", "is gone already");
        else if (c->gone) /* dry run */
                finish_item(r, item, true, verdict_name(policy_decide(c, &m->situation, now).verdict),
                                "would have been removed already");
        return item->done;
}

void manager_requests_sweep(Manager *m) {
        usec_t now = steady_clock_now(m->clock).steady;
        Request *r;

        DL_FOREACH(m->requests, r)
                for (size_t i = 0; i < r->n_items; i++)
                        if (!r->items[i].done)
                                (void)finish_if_gone(m, r, &r->items[i], now);
        end_finished(m);
}

void manager_requests_end(Manager *m, bool for_good) {
        usec_t now = steady_clock_now(m->clock).steady;
        char words[WORDS_MAX];
        Request *r;

        DL_FOREACH(m->requests, r)
                for (size_t i = 0; i < r->n_items; i++) {
                        Item *item = &r->items[i];
                        Container *c;
                        Decision d;

                        if (item->done || finish_if_gone(m, r, item, now))
                                continue;
                        c = registry_find(m->registry, &item->id);
                        if (c->claimed && !for_good)
                                continue;
                        d = policy_decide(c, &m->situation, now);
                        if (c->claimed || goes(&d, now))
                                snprintf(words, sizeof(words), "failed: reaperd ended before it had gone");
                        else
                                say_why(words, sizeof(words), &m->situation, c, now);
                        finish_item(r, item, false, verdict_name(d.verdict), words);
                        c->requested = false;
                }
        end_finished(m);
}

size_t manager_count_requests(const Manager *m) {
        const Request *r;
        size_t n = 0;

        DL_COUNT(m->requests, r, n);
        return n;
}

/* What would become of it. */
static void try_item(Manager *m, Request *r, Item *item, Container *c, usec_t now) {
        Situation situation = m->situation;
        bool before = c->requested;
        char words[WORDS_MAX];
        Decision d;

        if (r->kind == REQUEST_NAMED)
                c->requested = true;
        else /* the waits would be over */
                situation.first_run_until = situation.surge_until = 0;
        d = policy_decide(c, &situation, now);
        if (goes(&d, now))
                finish_item(r, item, true, verdict_name(d.verdict),
                                d.exact ? "would be removed"
                                        : "would be removed, once an inspect confirms it");
        else {
                say_why(words, sizeof(words), &situation, c, now);
                finish_item(r, item, false, verdict_name(d.verdict), words);
        }
        c->requested = before;
}

static int request_new(Manager *m, sd_bus_message *call, RequestKind kind, const ContainerId *ids,
                size_t n_ids, Request **ret) {
        Request *r;

        r = calloc(1, sizeof(Request) + n_ids * sizeof(Item));
        if (!r)
                return -ENOMEM;
        r->call = sd_bus_message_ref(call);
        r->kind = kind;
        r->n_items = r->n_open = n_ids;
        for (size_t i = 0; i < n_ids; i++) {
                const Container *c = registry_find(m->registry, &ids[i]);

                r->items[i].id = ids[i];
                r->items[i].verdict = "";
                if (c && c->name)
                        log_escape(r->items[i].name, sizeof(r->items[i].name), c->name);
        }
        *ret = r;
        return 0;
}

int manager_request(Manager *m, sd_bus_message *call, RequestKind kind, const ContainerId *ids, size_t n_ids,
                bool dry_run) {
        _cleanup_(request_freep) Request *r = NULL;
        usec_t now = steady_clock_now(m->clock).steady;
        int k;

        k = request_new(m, call, kind, ids, n_ids, &r);
        if (k < 0)
                return k;

        if (dry_run) {
                for (size_t i = 0; i < n_ids; i++) {
                        if (!finish_if_gone(m, r, &r->items[i], now))
                                try_item(m, r, &r->items[i], registry_find(m->registry, &ids[i]), now);
                }
                answer(r);
                return 0;
        }

        /* Answered by what follows, perhaps before this returns. */
        DL_APPEND(m->requests, r);
        r = NULL;
        for (size_t i = 0; i < n_ids; i++) {
                Container *c = registry_find(m->registry, &ids[i]);

                if (c && kind == REQUEST_NAMED)
                        c->requested = true;
        }
        manager_requests_sweep(m);
        for (size_t i = 0; i < n_ids; i++) {
                Container *c = registry_find(m->registry, &ids[i]);

                if (c)
                        manager_reschedule(m, c, now);
        }
        end_finished(m);
        manager_wake(m);
        return 0;
}
