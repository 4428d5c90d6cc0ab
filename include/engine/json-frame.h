/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_JSON_FRAME_H
#define REAPERD_ENGINE_JSON_FRAME_H

/*
 * Cuts a byte stream into whole JSON objects, however the bytes arrive.
 *
 * The event stream is objects one after the other (with newlines, or record separators in json-seq); a list
 * is one array of objects. Both can be endless, so neither is parsed as a whole: memory follows the largest
 * object, not the length of the stream. The framer looks at brackets, strings and escapes only; whether an
 * object is valid JSON is the decoder's question. Brackets that do not match ("{ ]") are refused: behind
 * them nobody can say where an object ends.
 */

#include <stdbool.h>
#include <stddef.h>

#define JSON_FRAME_DEPTH_MAX 64

typedef enum JsonFrameMode {
        JSON_FRAME_STREAM, /* objects; white space and 0x1E between them */
        JSON_FRAME_ARRAY,  /* one array of objects, then white space only */
} JsonFrameMode;

typedef struct JsonFrame JsonFrame;

/* Called with each whole object, NUL-terminated behind `size` (the NUL is not counted). The text may be
 * read until the call returns. A negative return stops the feeding and becomes json_frame_feed()'s result.
 * The handlers must not feed, reset or free the framer that calls them. */
typedef int (*JsonFrameHandler)(const char *text, size_t size, void *userdata);

/* Called at the end of an object that was passed over because it is larger than `size_max` or deeper
 * than JSON_FRAME_DEPTH_MAX (the object itself is level 1); may be NULL. `size` is all of the object,
 * whatever it was. The stream goes on behind it. */
typedef void (*JsonFrameSkipHandler)(size_t size, void *userdata);

/* `size_max`: the largest object, in bytes, that is kept. Returns 0 or -ENOMEM. */
int json_frame_new(JsonFrameMode mode, size_t size_max, JsonFrameHandler handler,
                JsonFrameSkipHandler skipped, void *userdata, JsonFrame **ret);

/* Releases it; NULL is fine. Returns NULL. */
JsonFrame *json_frame_free(JsonFrame *f);

/* Takes in the next bytes. Returns 0; -EBADMSG if the bytes cannot be such a stream (a byte between
 * objects that does not belong there; NUL, 0x1E or a bracket of the wrong kind inside an object); -ENOMEM;
 * or what the handler returned. After an error the framer must be reset or freed; until then it returns
 * -EBADMSG. */
int json_frame_feed(JsonFrame *f, const void *data, size_t size);

/* Tells that the stream has ended. Returns 0 if it ended between objects (stream) or behind the array's
 * closing bracket (array); -EBADMSG if it was cut. */
int json_frame_finish(const JsonFrame *f);

/* Begins a new stream. (A small buffer is kept from object to object and from stream to stream, a large
 * one is released with its object.) */
void json_frame_reset(JsonFrame *f);

#endif
