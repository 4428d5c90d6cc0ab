/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_REGISTRY_H
#define REAPERD_CORE_REGISTRY_H

/*
 * Every container that the daemon knows, by id, by slot and by the moment of its next look. Owns the
 * Containers and the texts, profiles and slots that they share. One costs some 400 bytes; the texts of
 * services, images and nodes are kept once.
 */

#include "core/container.h"
#include "core/due-queue.h"
#include "core/facts.h"
#include "core/holding.h"
#include "core/instant.h"
#include "core/profile.h"

/* More than any node could have: who tells of more is no engine. Half of what the unit's MemoryMax= is. */
#define REGISTRY_CONTAINERS_MAX 200000

typedef struct Registry Registry;

int registry_new(Registry **ret);
Registry *registry_free(Registry *r);

size_t registry_count(const Registry *r);
/* Those that are in scope, or may be as far as is known; and of those in scope the ones that have ended
 * for good, failed starts too. Without what is gone. */
/* Is it in scope, or may it be as far as is known? Not if it is gone. */
bool registry_tracks(const Container *c);
size_t registry_count_tracked(const Registry *r);
size_t registry_count_stopped(const Registry *r);

/* NULL if it is not known. */
Container *registry_find(const Registry *r, const ContainerId *id);

/* Iterates in order of first sight: registry_next(r, NULL) is the first, NULL the end. The container may be
 * forgotten before the next step only if the successor was taken first. */
Container *registry_next(const Registry *r, const Container *c);

/* By these settings profiles are resolved from now on; a reference is taken. Profiles that are there
 * are dropped and come back with the next list, event or inspect of each container; a claimed one keeps
 * its own until it is inspected or released, since a decision made by it is being carried out. */
void registry_set_settings(Registry *r, SharedSettings *settings);

/* Called when a label of a container was not understood, from within the functions below; it must not
 * change the registry. */
typedef void (*LabelFaultHandler)(const Container *c, LabelKey key, const char *value, void *userdata);
void registry_on_label_fault(Registry *r, LabelFaultHandler handler, void *userdata);

/* Takes in an event. Containers that are not known come into being unless it is a `destroy`; those that
 * do not carry Swarm's label are passed over unless settings_reap_others(). *ret (may be NULL) is the
 * container, NULL if there is none (afterwards). Returns 0; -ENOMEM: then a list is needed, and until it
 * tells of the container again nothing is due for it; or -E2BIG: it would be one more than
 * REGISTRY_CONTAINERS_MAX. */
int registry_apply_event(
                Registry *r, const EngineEvent *e, const Instant *now, bool replayed, Container **ret);

/* Takes in an element of a list that was filtered by is-task=true (SCOPE_TASK: it is a Swarm task) or
 * is-task=false (SCOPE_OTHER). Returns 0; -ENOMEM; or -E2BIG, as above. */
int registry_apply_summary(Registry *r, const ContainerSummary *s, Scope scope, const Instant *now,
                usec_t asked, Container **ret);

/* Takes in an inspect of a container that is known. */
int registry_apply_detail(Registry *r, Container *c, const ContainerDetail *d, const Instant *now);

/* The engine did not list it as a task: it is none, and what holds for it is known with its labels. */
void registry_set_other(Registry *r, Container *c);

/* No request about it is under way any more. False if settings have been replaced meanwhile: what holds
 * for it is then not known until a list tells. */
bool registry_release(Registry *r, Container *c);

/* Dry run: it is as good as gone. */
void registry_set_gone(Registry *r, Container *c);

void registry_forget(Registry *r, Container *c);

/* The wall clock was set, see container_clock_jumped(). */
void registry_clock_jumped(Registry *r, const Instant *now);

/* A full list is read between begin and end. At the end, what the list did not name is forgotten,
 * unless an event has spoken of it since LIST_LAG before the list was asked for: the list may not know
 * of it yet. Claimed ones stay: whoever holds them will learn the truth. Returns the number forgotten.
 * A list that was cut is simply not ended. */
void registry_sweep_begin(Registry *r);
size_t registry_sweep_end(Registry *r, usec_t asked);

/* Has the present sweep, or the last one, come across it? */
bool registry_is_listed(const Registry *r, const Container *c);

/* What a stopped container holds, once it has been measured; forgotten when it is started again. NULL: not
 * measured, or it came to nothing. Kept aside, as most nodes give no right to measure. */
const Holding *registry_holding(const Registry *r, const Container *c);
/* Notes it (a copy), and that it was measured. Returns 0 or -ENOMEM (it counts as measured all the same). */
int registry_set_holding(Registry *r, Container *c, const Holding *h);

/* Schedules the next look, see due-queue.h. */
void registry_schedule(Registry *r, Container *c, usec_t look_at);
Container *registry_first_due(const Registry *r);

#endif
