/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_REGISTRY_H
#define REAPERD_CORE_REGISTRY_H

/*
 * Every container that the daemon knows, by id and by the moment of its next look. Owns the Containers
 * and the texts that they share. One costs some 400 bytes; the texts of services, images and nodes are
 * kept once.
 */

#include "core/container.h"
#include "core/due-queue.h"
#include "core/facts.h"
#include "core/instant.h"

typedef struct Registry Registry;

int registry_new(Registry **ret);
Registry *registry_free(Registry *r);

size_t registry_count(const Registry *r);
size_t registry_count_stopped(const Registry *r); /* exited or dead, not gone */

/* NULL if it is not known. */
Container *registry_find(const Registry *r, const ContainerId *id);

/* Iterates in order of first sight: registry_next(r, NULL) is the first, NULL the end. The container may be
 * forgotten before the next step only if the successor was taken first. */
Container *registry_next(const Registry *r, const Container *c);

/* Takes in an event. Containers that are not known come into being unless it is a `destroy`; those that
 * do not carry Swarm's label are passed over. *ret (may be NULL) is the container, NULL if there is
 * none (afterwards). Returns 0 or -ENOMEM (nothing is changed then, but a list is needed). */
int registry_apply_event(
                Registry *r, const EngineEvent *e, const Instant *now, bool replayed, Container **ret);

/* Takes in an element of a list that was filtered by is-task=true: the container is a Swarm task. */
int registry_apply_summary(
                Registry *r, const ContainerSummary *s, const Instant *now, usec_t asked, Container **ret);

/* Takes in an inspect of a container that is known. */
int registry_apply_detail(Registry *r, Container *c, const ContainerDetail *d, const Instant *now);

void registry_forget(Registry *r, Container *c);

/* A full list is read between begin and end. At the end, what the list did not name is forgotten,
 * unless an event has spoken of it since LIST_LAG before the list was asked for: the list may not know
 * of it yet. Claimed ones stay: whoever holds them will learn the truth. Returns the number forgotten.
 * A list that was cut is simply not ended. */
void registry_sweep_begin(Registry *r);
size_t registry_sweep_end(Registry *r, usec_t asked);

/* Schedules the next look, see due-queue.h. */
void registry_schedule(Registry *r, Container *c, usec_t look_at);
Container *registry_first_due(const Registry *r);

/* The text behind; NULL for NULL. */
const char *shared_text(const SharedText *t);

#endif
