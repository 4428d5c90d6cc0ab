/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_SHARED_TEXT_H
#define REAPERD_CORE_SHARED_TEXT_H

/*
 * Texts that many containers share (a service's name, an image's, a node's id), each kept once.
 */

#include "base/hash.h"

/* Texts longer than this are not kept whole: names of services, images and nodes are far shorter. */
#define TEXT_SIZE_MAX 1024

typedef struct SharedText {
        unsigned references;
        UT_hash_handle hh;
        char text[];
} SharedText;

/* *table is NULL while there is none. Returns a reference, NULL if out of memory. */
SharedText *shared_text_ref(SharedText **table, const char *text);
/* NULL is fine. */
void shared_text_unref(SharedText **table, SharedText *t);

/* The text behind; NULL for NULL. */
static inline const char *shared_text(const SharedText *t) {
        return t ? t->text : NULL;
}

#endif
