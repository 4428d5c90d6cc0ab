/* SPDX-License-Identifier: Apache-2.0 */

/* uthash ends the process when memory runs out, unless told otherwise. */
#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) (oom = true)

#include <errno.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "core/registry.h"

struct SharedText {
        unsigned references;
        UT_hash_handle hh;
        char text[];
};

struct Registry {
        Container *containers;
        SharedText *texts;
        DueQueue due;
        uint64_t sweep;
};

const char *shared_text(const SharedText *t) {
        return t ? t->text : NULL;
}

/* Borrowed texts longer than this are not kept: names of services, images and nodes are far shorter. */
#define TEXT_SIZE_MAX 1024

static SharedText *shared_text_ref(Registry *r, const char *text) {
        size_t length = strnlen(text, TEXT_SIZE_MAX);
        bool oom = false;
        SharedText *t;

        HASH_FIND(hh, r->texts, text, length, t);
        if (t) {
                t->references++;
                return t;
        }

        t = calloc(1, sizeof(*t) + length + 1);
        if (!t)
                return NULL;
        memcpy(t->text, text, length);
        t->references = 1;
        HASH_ADD_KEYPTR(hh, r->texts, t->text, length, t);
        if (oom) {
                free(t);
                return NULL;
        }
        return t;
}

static SharedText *shared_text_unref(Registry *r, SharedText *t) {
        if (t && --t->references == 0) {
                HASH_DELETE(hh, r->texts, t);
                free(t);
        }
        return NULL;
}

int registry_new(Registry **ret) {
        Registry *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        *ret = r;
        return 0;
}

Registry *registry_free(Registry *r) {
        if (!r)
                return NULL;
        while (r->containers)
                registry_forget(r, r->containers);
        due_queue_done(&r->due);
        free(r);
        return NULL;
}

size_t registry_count(const Registry *r) {
        return HASH_COUNT(r->containers);
}

size_t registry_count_stopped(const Registry *r) {
        size_t n = 0;

        for (const Container *c = r->containers; c; c = c->hh.next)
                if (container_state_is_stopped(c->state) && !c->gone && c->scope != SCOPE_OTHER)
                        n++;
        return n;
}

Container *registry_find(const Registry *r, const ContainerId *id) {
        Container *c;

        HASH_FIND(hh, r->containers, id, sizeof(*id), c);
        return c;
}

Container *registry_next(const Registry *r, const Container *c) {
        return c ? c->hh.next : r->containers;
}

static int add(Registry *r, const ContainerId *id, Container **ret) {
        bool oom = false;
        Container *c;
        int k;

        k = due_queue_reserve(&r->due, registry_count(r) + 1);
        if (k < 0)
                return k;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->id = *id;
        c->queue_index = DUE_QUEUE_NONE;
        c->look_at = USEC_INFINITY;
        c->sweep = r->sweep;
        HASH_ADD(hh, r->containers, id, sizeof(c->id), c);
        if (oom) {
                free(c);
                return -ENOMEM;
        }

        *ret = c;
        return 0;
}

void registry_forget(Registry *r, Container *c) {
        due_queue_withdraw(&r->due, c);
        HASH_DELETE(hh, r->containers, c);
        shared_text_unref(r, c->image);
        shared_text_unref(r, c->service);
        shared_text_unref(r, c->node);
        free(c->task_id);
        free(c->name);
        free(c);
}

/* The texts of one container, made before any of them is put in place, so that all or none change. */
typedef struct Texts {
        char *name, *task_id;
        SharedText *image, *service, *node;
} Texts;

static int make_text(const char *old, const char *text, char **ret) {
        if (!text || (old && strcmp(old, text) == 0))
                return 0;
        *ret = strndup(text, TEXT_SIZE_MAX);
        return *ret ? 0 : -ENOMEM;
}

static int make_shared(Registry *r, const SharedText *old, const char *text, SharedText **ret) {
        if (!text || (old && strcmp(old->text, text) == 0))
                return 0;
        *ret = shared_text_ref(r, text);
        return *ret ? 0 : -ENOMEM;
}

static void put_text(char **field, char **text) {
        char *old = *field;

        if (!*text)
                return;
        *field = TAKE_PTR(*text);
        free(old);
}

static void put_shared(Registry *r, SharedText **field, SharedText **text) {
        SharedText *old = *field;

        if (!*text)
                return;
        *field = TAKE_PTR(*text);
        shared_text_unref(r, old);
}

static int set_texts(
                Registry *r, Container *c, const char *name, const char *image, const SwarmLabels *labels) {
        Texts t = { 0 };
        int k;

        k = make_text(c->name, name, &t.name);
        if (k >= 0)
                k = make_text(c->task_id, labels->task_id, &t.task_id);
        if (k >= 0)
                k = make_shared(r, c->image, image, &t.image);
        if (k >= 0)
                k = make_shared(r, c->service, labels->service_name, &t.service);
        if (k >= 0)
                k = make_shared(r, c->node, labels->node_id, &t.node);

        if (k >= 0) {
                put_text(&c->name, &t.name);
                put_text(&c->task_id, &t.task_id);
                put_shared(r, &c->image, &t.image);
                put_shared(r, &c->service, &t.service);
                put_shared(r, &c->node, &t.node);
        }

        free(t.name);
        free(t.task_id);
        shared_text_unref(r, t.image);
        shared_text_unref(r, t.service);
        shared_text_unref(r, t.node);
        return k;
}

/* Finds the container, or makes it; either way with these texts. One that was made is taken back if
 * memory ends. */
static int find_or_add(Registry *r, const ContainerId *id, const char *name, const char *image,
                const SwarmLabels *labels, Container **ret) {
        Container *c = registry_find(r, id);
        bool added = !c;
        int k;

        if (added) {
                k = add(r, id, &c);
                if (k < 0)
                        return k;
        }

        k = set_texts(r, c, name, image, labels);
        if (k < 0) {
                if (added)
                        registry_forget(r, c);
                return k;
        }

        *ret = c;
        return 0;
}

/* Somebody is about to learn from the engine that it is gone, and why: a request about it is under way,
 * or the answer to its DELETE never came and it will be looked at again. */
static bool is_held(const Container *c) {
        return c->claimed || (c->sent_verdict != 0 && !c->quarantined);
}

int registry_apply_event(
                Registry *r, const EngineEvent *e, const Instant *now, bool replayed, Container **ret) {
        Container *c = NULL;
        int k;

        if (e->action == EVENT_DESTROY) {
                c = registry_find(r, &e->id);
                if (c && !is_held(c)) {
                        registry_forget(r, c);
                        c = NULL;
                }
        } else if (e->action != EVENT_OTHER && e->labelled) {
                k = find_or_add(r, &e->id, e->name, e->image, &e->labels, &c);
                if (k < 0)
                        return k;
                container_apply_event(c, e, now, replayed);
        }

        if (ret)
                *ret = c;
        return 0;
}

int registry_apply_summary(
                Registry *r, const ContainerSummary *s, const Instant *now, usec_t asked, Container **ret) {
        Container *c;
        int k;

        k = find_or_add(r, &s->id, s->name, s->image, &s->labels, &c);
        if (k < 0)
                return k;

        c->scope = SCOPE_TASK;
        c->sweep = r->sweep;
        container_apply_summary(c, s, now, asked);

        if (ret)
                *ret = c;
        return 0;
}

int registry_apply_detail(Registry *r, Container *c, const ContainerDetail *d, const Instant *now) {
        int k;

        k = set_texts(r, c, d->name, d->image, &d->labels);
        if (k < 0)
                return k;
        container_apply_detail(c, d, now);
        return 0;
}

void registry_sweep_begin(Registry *r) {
        r->sweep++;
}

size_t registry_sweep_end(Registry *r, usec_t asked) {
        Container *c, *next;
        size_t n = 0;

        for (c = r->containers; c; c = next) {
                next = c->hh.next;
                if (c->sweep == r->sweep || is_held(c) || usec_add(c->touched, LIST_LAG) >= asked)
                        continue;
                registry_forget(r, c);
                n++;
        }
        return n;
}

void registry_schedule(Registry *r, Container *c, usec_t look_at) {
        due_queue_set(&r->due, c, look_at);
}

Container *registry_first_due(const Registry *r) {
        return due_queue_first(&r->due);
}
