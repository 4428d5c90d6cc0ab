/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_LABEL_POLICY_H
#define REAPERD_CORE_LABEL_POLICY_H

/*
 * What a service's owner asks for through labels of the containers (docker service create
 * --container-label). Anybody who may create a service may write them, so they are bounded by MaxTTL=
 * and ignored with Honor=no, and a value that is not understood is as if it were not there.
 */

#include <stdbool.h>

#include "base/usec.h"
#include "core/facts.h"

typedef enum LabelKey {
        LABEL_KEEP,        /* org.reaperd.keep: a boolean */
        LABEL_TTL,         /* org.reaperd.ttl: a span, for every outcome */
        LABEL_TTL_FAILURE, /* org.reaperd.ttl.failure: a span, for failures, OOM kills and failed starts */
        LABEL_KEEP_LAST,   /* org.reaperd.keep-last: a count */
        _LABEL_KEY_MAX,
} LabelKey;

const char *label_key_name(LabelKey key);
/* What the value may be, in the user's words. */
const char *label_key_accepted(LabelKey key);

typedef struct LabelPolicy {
        bool has[_LABEL_KEY_MAX];
        bool keep;
        usec_t ttl;
        usec_t ttl_failure;
        unsigned keep_last;
} LabelPolicy;

/* Reads them. Returns the faults as a set, bit 1 << LabelKey for each label whose value is not accepted
 * (it is then not in `has`). Padding of *ret is zero, so that two can be compared as bytes. */
unsigned label_policy_read(const Labels *labels, LabelPolicy *ret);

#endif
