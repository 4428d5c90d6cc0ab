/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_DAEMON_LABEL_FAULTS_H
#define REAPERD_DAEMON_LABEL_FAULTS_H

/*
 * Says once for each service that a label of its containers was not understood. All its tasks have the
 * same labels, and new ones come all the time: without a memory the journal would fill with one
 * mistake.
 */

#include "base/cleanup.h"
#include "core/container.h"
#include "core/label-policy.h"

/* So many services are remembered; then all are forgotten, and may be told of again. */
#define LABEL_FAULTS_MAX 1000

typedef struct LabelFaults LabelFaults;

int label_faults_new(LabelFaults **ret);
LabelFaults *label_faults_free(LabelFaults *f);

/* Logs a warning unless there was one for this label of this service (of a container without one: of
 * its name). */
void label_faults_tell(LabelFaults *f, const Container *c, LabelKey key, const char *value);

/* Forgets what was said: a new configuration may read labels differently. */
void label_faults_forget(LabelFaults *f);

DEFINE_CLEANUP(LabelFaults *, label_faults_free, NULL);

#endif
