/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_EXPLANATION_SENTENCE_H
#define REAPERD_CORE_EXPLANATION_SENTENCE_H

/*
 * Sentences of an explanation, made piece by piece: spans and settings read the same wherever they stand.
 */

#include "core/explanation-case.h"

/* The value of a setting as it holds for these containers, as settings_format() writes it. A new string,
 * NULL if out of memory. */
char *explanation_value(const Profile *p, SettingId id);
/* Where it was set, as profile_origin() tells. Likewise. */
char *explanation_origin(const Profile *p, SettingId id);

/* Zeroed: empty. End it with sentence_finish(). */
typedef struct Sentence {
        char *text;
        bool out_of_memory;
} Sentence;

void sentence_add(Sentence *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As time_span_format_short(): "23h 48min". */
void sentence_add_span(Sentence *w, usec_t span, bool round_up);
/* What is still to be waited for, rounded up: it is not there before. */
void sentence_add_left(Sentence *w, const Case *k, usec_t until);
/* "3min ago", rounded down, or "just now". */
void sentence_add_ago(Sentence *w, const Case *k, usec_t at);
/* "Failure=1d (/etc/reaperd/reaperd.conf:12)"; a default stands alone. k has a profile. */
void sentence_add_setting(Sentence *w, const Case *k, SettingId id);

/* Hands over the text; NULL if memory was lacking for any of it. */
char *sentence_finish(Sentence *w);

#endif
