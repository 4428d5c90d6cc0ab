/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "daemon/label-faults.h"

/* A label's value is the owner's text: what is shown of it is enough to find it. */
#define VALUE_SHOWN_MAX 64

typedef struct Told {
        unsigned keys; /* bit 1 << LabelKey */
        UT_hash_handle hh;
        char owner[];
} Told;

struct LabelFaults {
        Told *told;
};

int label_faults_new(LabelFaults **ret) {
        LabelFaults *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        *ret = f;
        return 0;
}

void label_faults_forget(LabelFaults *f) {
        Told *t, *next;

        HASH_ITER(hh, f->told, t, next) {
                HASH_DELETE(hh, f->told, t);
                free(t);
        }
}

LabelFaults *label_faults_free(LabelFaults *f) {
        if (!f)
                return NULL;
        label_faults_forget(f);
        free(f);
        return NULL;
}

/* What has been told of this owner; NULL if memory has run out. */
static Told *told_of(LabelFaults *f, const char *owner) {
        size_t length = strlen(owner);
        bool oom = false;
        Told *t;

        HASH_FIND(hh, f->told, owner, length, t);
        if (t)
                return t;

        if (HASH_COUNT(f->told) >= LABEL_FAULTS_MAX)
                label_faults_forget(f);
        t = calloc(1, sizeof(*t) + length + 1);
        if (!t)
                return NULL;
        memcpy(t->owner, owner, length);
        HASH_ADD_KEYPTR(hh, f->told, t->owner, length, t);
        if (oom) {
                free(t);
                return NULL;
        }
        return t;
}

void label_faults_tell(LabelFaults *f, const Container *c, LabelKey key, const char *value) {
        const char *service = c->scope != SCOPE_OTHER ? shared_text(c->service) : NULL;
        const char *owner = service ? service : c->name ? c->name : "";
        Told *t = told_of(f, owner);

        if (!t || t->keys & (1U << key))
                return;
        t->keys |= 1U << key;
        log_warning("%s %s: label %s='%.*s%s' is not understood, accepted: %s. It is ignored",
                        service ? "Service" : "Container", owner, label_key_name(key), VALUE_SHOWN_MAX,
                        value, strlen(value) > VALUE_SHOWN_MAX ? "..." : "", label_key_accepted(key));
}
