/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_DECODE_H
#define REAPERD_ENGINE_DECODE_H

/*
 * From the engine's JSON to core's values. One function for each kind of answer; all take the text of one
 * JSON object and give borrowed strings that live in a Decoded until it is released.
 *
 * Fields that are missing or unknown are tolerated where the value has a "not told"; a wrong type, or a
 * missing field that everything rests on (the id), makes the object bad. (Of the labels only Swarm's are
 * judged so: one in all_labels that is no text is as if it were not there.) Keys are compared exactly. Of a
 * key given twice the last counts, as in the engine's own decoder. Times in nanoseconds do not fit a double
 * and are taken from the text.
 */

#include <stddef.h>

#include "base/cleanup.h"
#include "core/facts.h"
#include "core/swarm-facts.h"

typedef struct cJSON cJSON;

/* What the strings of a decoded value live in. Initialise with DECODED_INIT. */
typedef struct Decoded {
        cJSON *tree;
} Decoded;

#define DECODED_INIT ((Decoded){ .tree = NULL })

void decoded_done(Decoded *d);

#define _cleanup_decoded_ _cleanup_(decoded_done)

/* Each: returns 0; -EBADMSG if the text is not a JSON object of this kind; -EMSGSIZE if it has more than
 * JSON_VALUES_MAX values (engine/json-value.h); -ENOMEM. On failure nothing is written. `text` need not
 * outlive the call, nor be NUL-terminated; d must be fresh (DECODED_INIT or done). An empty string is "not
 * told", but in all_labels it is "". */

/* The time must be there and positive: timeNano, or else `time`. For events that are not about
 * containers, or whose action is none of EventAction's, nothing else is read but the scope. */
int decode_event(const char *text, size_t size, Decoded *d, EngineEvent *ret);

/* The id must be there; `created` is 0 when not told. The name is NULL if all names are links
 * ("/other/alias"). */
int decode_summary(const char *text, size_t size, Decoded *d, ContainerSummary *ret);

/* Id, Created, State, State.ExitCode and State.FinishedAt must be there: a removal rests on them. If
 * State's flags contradict a Status that says stopped, the state is the one with more life. `finished` may
 * be 0 (never) even if the state says exited. A restart policy of an unknown name may restart. */
int decode_detail(const char *text, size_t size, Decoded *d, ContainerDetail *ret);

/* Without Swarm the state is SWARM_STATE_UNKNOWN. */
int decode_info(const char *text, size_t size, Decoded *d, EngineInfo *ret);

/* (src/engine/decode-swarm.c.) The history limit must be there. Numbers that are too large for their type
 * become the largest that fits. */
int decode_swarm(const char *text, size_t size, Decoded *d, SwarmFacts *ret);

/* (Likewise.) Id and name must be there. A job has finished only if the engine was asked for the services'
 * status and told that it has. */
int decode_service(const char *text, size_t size, Decoded *d, ServiceFacts *ret);

/* ApiVersion must be there. */
int decode_version(const char *text, size_t size, Decoded *d, EngineVersion *ret);

/* The "message" of an engine's error answer, for logs; NULL (and 0) if there is none. */
int decode_error(const char *text, size_t size, Decoded *d, const char **ret_message);

/* All labels, by a JSON object of them (NULL: there are none); they live in its tree. A label can be told
 * empty. */
Labels decode_labels(const cJSON *object);

/* RFC 3339 with up to nine decimals and Z or an offset, to microseconds (truncated). Docker's
 * "0001-01-01T00:00:00Z", and anything before 1970, is 0. A leap second (:60) is the second after it.
 * Returns 0; -EINVAL; or -ERANGE for a year of more than four digits. */
int decode_time(const char *text, usec_t *ret_realtime);

#endif
