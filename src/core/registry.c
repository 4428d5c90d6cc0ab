/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "core/holding-store.h"
#include "core/profile-store.h"
#include "core/registry.h"
#include "core/slot.h"

struct Registry {
        Container *containers;
        SharedText *texts;
        Slot *slots;
        ProfileStore profiles;
        HoldingStore holdings;
        bool reap_others; /* by the settings */
        DueQueue due;
        uint16_t sweep; /* those that were not seen are forgotten long before it wraps */
        LabelFaultHandler on_label_fault;
        void *userdata;
};

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
        profile_store_done(&r->profiles);
        free(r);
        return NULL;
}

size_t registry_count(const Registry *r) {
        return HASH_COUNT(r->containers);
}

bool registry_tracks(const Container *c) {
        return !c->gone && (c->profile ? c->profile->in_scope : c->scope != SCOPE_OTHER);
}

size_t registry_count_tracked(const Registry *r) {
        size_t n = 0;

        for (const Container *c = r->containers; c; c = c->hh.next)
                n += registry_tracks(c);
        return n;
}

size_t registry_count_stopped(const Registry *r) {
        size_t n = 0;

        for (const Container *c = r->containers; c; c = c->hh.next)
                n += c->slot ? 1 : 0;
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

        if (registry_count(r) >= REGISTRY_CONTAINERS_MAX)
                return -E2BIG;
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

static bool owns_task_id(const Container *c) {
        return c->task_id && !(c->name && c->task_id >= c->name && c->task_id <= c->name + strlen(c->name));
}

static void drop_profile(Registry *r, Container *c) {
        profile_store_unref(&r->profiles, c->profile);
        c->profile = NULL;
        c->profile_exact = false;
}

void registry_forget(Registry *r, Container *c) {
        due_queue_withdraw(&r->due, c);
        HASH_DELETE(hh, r->containers, c);
        slot_leave(&r->slots, c);
        holding_store_drop(&r->holdings, c);
        drop_profile(r, c);
        shared_text_unref(&r->texts, c->image);
        shared_text_unref(&r->texts, c->service);
        shared_text_unref(&r->texts, c->node);
        if (owns_task_id(c))
                free(c->task_id);
        free(c->name);
        free(c);
}

/* What an event, a list or an inspect says about what a container is. */
typedef struct Facts {
        const char *name, *image;
        const SwarmLabels *labels;
        const Labels *all_labels;
        bool labels_exact; /* all_labels are its labels; else attributes of an event are among them */
        bool inspected;
        bool labelled;
} Facts;

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
        *ret = shared_text_ref(&r->texts, text);
        return *ret ? 0 : -ENOMEM;
}

static void put_shared(Registry *r, SharedText **field, SharedText **text) {
        SharedText *old = *field;

        if (!*text)
                return;
        *field = TAKE_PTR(*text);
        shared_text_unref(&r->texts, old);
}

static char *suffix_of(char *text, const char *suffix) {
        size_t n, n_suffix = strlen(suffix);

        if (!text)
                return NULL;
        n = strlen(text);
        return n >= n_suffix && strcmp(text + n - n_suffix, suffix) == 0 ? text + n - n_suffix : NULL;
}

/* A task's container is named service.slot.id, so the id need not be kept a second time, as long as
 * nobody has renamed it. */
static int make_task_id(const Container *c, const char *task_id, const Texts *t, char **ret) {
        const char *id = task_id ? task_id : c->task_id;

        if (!id || suffix_of(t->name ? t->name : c->name, id))
                return 0;
        if (owns_task_id(c) && strcmp(c->task_id, id) == 0)
                return 0;
        *ret = strndup(id, TEXT_SIZE_MAX);
        return *ret ? 0 : -ENOMEM;
}

static void put_name_and_task_id(Container *c, const char *task_id, Texts *t) {
        char *old_name = c->name, *old_id = owns_task_id(c) ? c->task_id : NULL;
        const char *id = task_id ? task_id : c->task_id;
        char *name = t->name ? t->name : c->name;

        if (t->task_id)
                c->task_id = TAKE_PTR(t->task_id);
        else if (id && suffix_of(name, id))
                c->task_id = suffix_of(name, id);
        if (old_id != c->task_id)
                free(old_id);
        if (t->name) {
                c->name = TAKE_PTR(t->name);
                free(old_name);
        }
}

/* *ret_renamed: does it have another name than before? */
static int set_texts(Registry *r, Container *c, const Facts *f, bool *ret_renamed) {
        Texts t = { 0 };
        int k;

        k = make_text(c->name, f->name, &t.name);
        if (k >= 0)
                k = make_task_id(c, f->labels->task_id, &t, &t.task_id);
        if (k >= 0)
                k = make_shared(r, c->image, f->image, &t.image);
        if (k >= 0)
                k = make_shared(r, c->service, f->labels->service_name, &t.service);
        if (k >= 0)
                k = make_shared(r, c->node, f->labels->node_id, &t.node);

        if (k >= 0) {
                *ret_renamed = c->name && t.name;
                put_name_and_task_id(c, f->labels->task_id, &t);
                put_shared(r, &c->image, &t.image);
                put_shared(r, &c->service, &t.service);
                put_shared(r, &c->node, &t.node);
        }

        free(t.name);
        free(t.task_id);
        shared_text_unref(&r->texts, t.image);
        shared_text_unref(&r->texts, t.service);
        shared_text_unref(&r->texts, t.node);
        return k;
}

/* As far as is known: until the engine has been asked the label is believed, since nothing is removed
 * on it. */
static bool counts_as_task(const Container *c) {
        return c->scope == SCOPE_TASK || (c->scope == SCOPE_UNKNOWN && c->labelled);
}

/* SCOPE_UNKNOWN says nothing. What is a task after all, or is none, has another slot. */
static void set_scope(Registry *r, Container *c, Scope scope, bool labelled) {
        bool was_task = counts_as_task(c);

        c->labelled = labelled;
        if (scope != SCOPE_UNKNOWN)
                c->scope = (uint8_t)scope;
        if (counts_as_task(c) != was_task)
                slot_leave(&r->slots, c);
}

static int set_profile(Registry *r, Container *c, const Facts *f, bool renamed) {
        bool is_task = counts_as_task(c);
        Subject subject = {
                .is_task = is_task,
                .service = is_task ? shared_text(c->service) : NULL,
                .stack = is_task ? labels_get(f->all_labels, "com.docker.stack.namespace") : NULL,
                .name = c->name,
                .image = shared_text(c->image),
                .labels = f->all_labels,
        };
        const Profile *p;
        unsigned faults;
        int k;

        /* What holds for one that is in hand is what was decided by, until an inspect decides anew. */
        if (!r->profiles.settings || (c->claimed && c->profile && !f->inspected))
                return 0;
        /* What is removed rests on the inspect's word: a list names the image otherwise once its tag
         * has moved. */
        if (!f->inspected && c->profile && c->profile->settings == &r->profiles.settings->settings &&
                        c->profile->is_task == is_task && !renamed && (c->profile_exact || !f->labels_exact))
                return 0;

        k = profile_store_resolve(&r->profiles, &subject, &p, &faults);
        if (k < 0)
                return k;
        drop_profile(r, c);
        c->profile = p;
        c->profile_exact = f->labels_exact;

        for (LabelKey key = 0; key < _LABEL_KEY_MAX; key++)
                if (faults & (1U << key) && p->in_scope && r->on_label_fault)
                        r->on_label_fault(
                                        c, key, labels_get(f->all_labels, label_key_name(key)), r->userdata);
        return 0;
}

/* The name of its slot, see slot.h. A new string, NULL if out of memory. */
static char *slot_name(const Container *c, const Facts *f) {
        const char *project, *service, *name;
        char *text;
        size_t n;

        if (!counts_as_task(c)) {
                project = labels_get(f->all_labels, "com.docker.compose.project");
                service = labels_get(f->all_labels, "com.docker.compose.service");
                if (!project || !service)
                        return strdup(c->image ? shared_text(c->image) : "");
                return asprintf(&text, "%.*s/%.*s", TEXT_SIZE_MAX, project, TEXT_SIZE_MAX, service) < 0
                                       ? NULL
                                       : text;
        }

        name = f->labels->task_name ? f->labels->task_name : c->name;
        if (!name)
                name = "";
        /* From the right, as it is the service's name that may hold a dot. */
        n = strnlen(name, TEXT_SIZE_MAX);
        for (size_t i = n; i > 0; i--)
                if (name[i - 1] == '.') {
                        n = i - 1;
                        break;
                }
        return strndup(name, n);
}

/* Into a slot, out of it, or to its place in it, as its state now says. Without a place it could not be
 * said to be one of the last, so nothing may be decided about it. */
static int set_slot(Registry *r, Container *c, const Facts *f) {
        bool ended = container_state_is_stopped(c->state) || c->failed_start;
        _cleanup_free_ char *name = NULL;
        int k = -ENOMEM;

        if (!c->measured)
                holding_store_drop(&r->holdings, c);
        if (!ended || c->gone || !c->profile || !c->profile->in_scope) {
                slot_leave(&r->slots, c);
                return 0;
        }
        if (c->slot) {
                slot_update(c);
                return 0;
        }

        name = slot_name(c, f);
        if (name)
                k = slot_join(&r->slots, name, c);
        if (k < 0)
                drop_profile(r, c);
        return k;
}

/* Finds the container, or makes it; either way with what these facts say of it. One that was made is
 * taken back if memory ends. `scope` may be SCOPE_UNKNOWN, which says nothing. */
static int find_or_add(Registry *r, const ContainerId *id, Scope scope, const Facts *f, Container **ret) {
        Container *c = registry_find(r, id);
        bool added = !c, renamed = false;
        int k;

        if (added) {
                k = add(r, id, &c);
                if (k < 0)
                        return k;
        }

        k = set_texts(r, c, f, &renamed);
        if (k >= 0) {
                set_scope(r, c, scope, f->labelled);
                k = set_profile(r, c, f, renamed);
        }
        if (k < 0) {
                if (added)
                        registry_forget(r, c);
                else
                        drop_profile(r, c);
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

static const char *const task_label = "com.docker.swarm.task";

int registry_apply_event(
                Registry *r, const EngineEvent *e, const Instant *now, bool replayed, Container **ret) {
        const Facts f = {
                .name = e->name,
                .image = e->image,
                .labels = &e->labels,
                .all_labels = &e->all_labels,
                .labelled = e->labelled,
        };
        Container *c = NULL;
        int k;

        if (e->action == EVENT_DESTROY) {
                c = registry_find(r, &e->id);
                if (c && !is_held(c)) {
                        registry_forget(r, c);
                        c = NULL;
                }
        } else if (e->action != EVENT_OTHER && (e->labelled || r->reap_others)) {
                k = find_or_add(r, &e->id, SCOPE_UNKNOWN, &f, &c);
                if (k < 0)
                        return k;
                container_apply_event(c, e, now, replayed);
                k = set_slot(r, c, &f);
                if (k < 0)
                        return k;
        }

        if (ret)
                *ret = c;
        return 0;
}

int registry_apply_summary(Registry *r, const ContainerSummary *s, Scope scope, const Instant *now,
                usec_t asked, Container **ret) {
        const Facts f = {
                .name = s->name,
                .image = s->image,
                .labels = &s->labels,
                .all_labels = &s->all_labels,
                .labels_exact = true,
                .labelled = labels_get(&s->all_labels, task_label),
        };
        Container *c;
        int k;

        k = find_or_add(r, &s->id, scope, &f, &c);
        if (k < 0)
                return k;

        c->sweep = r->sweep;
        c->listed_other = scope == SCOPE_OTHER;
        container_apply_summary(c, s, now, asked);
        k = set_slot(r, c, &f);
        if (k < 0)
                return k;

        if (ret)
                *ret = c;
        return 0;
}

int registry_apply_detail(Registry *r, Container *c, const ContainerDetail *d, const Instant *now) {
        const Facts f = {
                .name = d->name,
                .image = d->image,
                .labels = &d->labels,
                .all_labels = &d->all_labels,
                .labels_exact = true,
                .inspected = true,
                .labelled = labels_get(&d->all_labels, task_label),
        };
        int k;

        k = find_or_add(r, &c->id, SCOPE_UNKNOWN, &f, &c);
        if (k < 0)
                return k;
        container_apply_detail(c, d, now);
        return set_slot(r, c, &f);
}

void registry_set_settings(Registry *r, SharedSettings *settings) {
        profile_store_set_settings(&r->profiles, settings);
        r->reap_others = settings_reap_others(&settings->settings);
        for (Container *c = r->containers; c; c = c->hh.next)
                if (!c->claimed)
                        drop_profile(r, c);
}

void registry_on_label_fault(Registry *r, LabelFaultHandler handler, void *userdata) {
        r->on_label_fault = handler;
        r->userdata = userdata;
}

void registry_set_other(Registry *r, Container *c) {
        set_scope(r, c, SCOPE_OTHER, c->labelled);
        if (c->profile && c->profile->is_task)
                drop_profile(r, c);
}

bool registry_release(Registry *r, Container *c) {
        c->claimed = false;
        /* One that may have gone by our doing is recorded by what it was removed by. */
        if (!c->profile || c->sent_verdict != 0 || c->profile->settings == &r->profiles.settings->settings)
                return true;
        drop_profile(r, c);
        return false;
}

void registry_set_gone(Registry *r, Container *c) {
        c->gone = true;
        slot_leave(&r->slots, c);
}

void registry_clock_jumped(Registry *r, const Instant *now) {
        for (Container *c = r->containers; c; c = c->hh.next) {
                container_clock_jumped(c, now);
                if (c->slot)
                        slot_update(c);
        }
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

bool registry_is_listed(const Registry *r, const Container *c) {
        return c->sweep == r->sweep;
}

const Holding *registry_holding(const Registry *r, const Container *c) {
        return c->measured ? holding_store_find(&r->holdings, c) : NULL;
}

int registry_set_holding(Registry *r, Container *c, const Holding *h) {
        c->measured = true;
        return holding_store_set(&r->holdings, c, h);
}

void registry_schedule(Registry *r, Container *c, usec_t look_at) {
        due_queue_set(&r->due, c, look_at);
}

Container *registry_first_due(const Registry *r) {
        return due_queue_first(&r->due);
}
