/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds where each object of a stream begins and ends. It runs over every byte that the engine sends, so
 * the inner loop does nothing but look for the next byte that matters; what lies between is copied in one
 * piece. An object that is passed over is followed to its end all the same, with nothing kept of it: the
 * stream behind it is good.
 *
 * Brackets are matched by kind down to JSON_FRAME_DEPTH_MAX, one bit a level, and only counted below (such
 * an object is passed over anyway).
 */

#include "engine/json-frame.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SEPARATOR 0x1E

#define BUFFER_FIRST 4096U
/* A larger buffer is not kept beyond its object: one huge label must not stay in memory for months. */
#define BUFFER_KEPT (64U * 1024)

/* Which bytes the scan stops at: outside of strings, inside of them, and what may be in neither. */
#define STOP_OUTSIDE 1
#define STOP_STRING  2
#define STOP_BAD     4

static const uint8_t byte_stops[256] = {
        ['"'] = STOP_OUTSIDE | STOP_STRING,
        ['\\'] = STOP_STRING,
        ['{'] = STOP_OUTSIDE,
        ['}'] = STOP_OUTSIDE,
        ['['] = STOP_OUTSIDE,
        [']'] = STOP_OUTSIDE,
        /* JSON allows neither, not even in strings. NUL would end the text early for whoever reads it;
         * behind a separator a new record begins, so the one before was cut. */
        ['\0'] = STOP_OUTSIDE | STOP_STRING | STOP_BAD,
        [RECORD_SEPARATOR] = STOP_OUTSIDE | STOP_STRING | STOP_BAD,
};

typedef enum FrameState {
        FRAME_BETWEEN,      /* stream: an object or the end */
        FRAME_WANT_ARRAY,   /* array: the opening bracket */
        FRAME_WANT_FIRST,   /* array: an object or the closing bracket */
        FRAME_WANT_COMMA,   /* array: a comma or the closing bracket */
        FRAME_WANT_ELEMENT, /* array: an object */
        FRAME_CLOSED,       /* array: white space only */
        FRAME_OBJECT,
        FRAME_BROKEN,
} FrameState;

struct JsonFrame {
        JsonFrameMode mode;
        size_t size_max;
        JsonFrameHandler handler;
        JsonFrameSkipHandler skipped;
        void *userdata;

        FrameState state;

        /* Of the object that the stream is in. */
        size_t size;       /* bytes of it so far, kept or not */
        size_t depth;      /* open brackets */
        uint64_t is_array; /* bit N: the bracket at depth N + 1 is square */
        bool in_string;
        bool escaped;     /* the byte before was a backslash in a string */
        bool passed_over; /* too large or too deep */

        char *buffer; /* `size` bytes of the object, unless it is passed over */
        size_t allocated;
};

_Static_assert(JSON_FRAME_DEPTH_MAX <= 64, "is_array has one bit a level");

int json_frame_new(JsonFrameMode mode, size_t size_max, JsonFrameHandler handler,
                JsonFrameSkipHandler skipped, void *userdata, JsonFrame **ret) {
        JsonFrame *f;

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;

        f->mode = mode;
        /* So that the arithmetic on sizes cannot overflow. */
        f->size_max = size_max < SIZE_MAX / 4 ? size_max : SIZE_MAX / 4;
        f->handler = handler;
        f->skipped = skipped;
        f->userdata = userdata;
        json_frame_reset(f);

        *ret = f;
        return 0;
}

JsonFrame *json_frame_free(JsonFrame *f) {
        if (!f)
                return NULL;

        free(f->buffer);
        free(f);
        return NULL;
}

static void buffer_trim(JsonFrame *f) {
        if (f->allocated <= BUFFER_KEPT)
                return;

        free(f->buffer);
        f->buffer = NULL;
        f->allocated = 0;
}

/* Makes room for `size` bytes and a NUL. */
static int buffer_reserve(JsonFrame *f, size_t size) {
        size_t allocated;
        char *buffer;

        if (size < f->allocated)
                return 0;

        allocated = f->allocated > 0 ? f->allocated : BUFFER_FIRST;
        while (allocated <= size)
                allocated *= 2;
        if (allocated > f->size_max + 1)
                allocated = f->size_max + 1;

        buffer = realloc(f->buffer, allocated);
        if (!buffer)
                return -ENOMEM;

        f->buffer = buffer;
        f->allocated = allocated;
        return 0;
}

static void pass_over(JsonFrame *f) {
        f->passed_over = true;
        buffer_trim(f);
}

static int keep(JsonFrame *f, const unsigned char *data, size_t size) {
        size_t before = f->size;
        int r;

        f->size += size;
        if (!f->passed_over && f->size > f->size_max)
                pass_over(f);
        if (f->passed_over)
                return 0;

        r = buffer_reserve(f, f->size);
        if (r < 0)
                return r;
        memcpy(f->buffer + before, data, size);
        return 0;
}

static void object_begin(JsonFrame *f) {
        f->state = FRAME_OBJECT;
        f->size = 0;
        f->depth = 0;
        f->in_string = false;
        f->escaped = false;
        f->passed_over = false;
}

static int object_end(JsonFrame *f) {
        int r = 0;

        f->state = f->mode == JSON_FRAME_STREAM ? FRAME_BETWEEN : FRAME_WANT_COMMA;

        if (!f->passed_over) {
                f->buffer[f->size] = '\0';
                r = f->handler(f->buffer, f->size, f->userdata);
        } else if (f->skipped)
                f->skipped(f->size, f->userdata);

        buffer_trim(f);
        return r;
}

static void bracket_open(JsonFrame *f, bool square) {
        if (f->depth >= JSON_FRAME_DEPTH_MAX)
                pass_over(f);
        else if (square)
                f->is_array |= UINT64_C(1) << f->depth;
        else
                f->is_array &= ~(UINT64_C(1) << f->depth);
        f->depth++;
}

static int bracket_close(JsonFrame *f, bool square) {
        f->depth--;
        if (f->depth >= JSON_FRAME_DEPTH_MAX)
                return 0;
        return (f->is_array >> f->depth & 1) == square ? 0 : -EBADMSG;
}

/* Takes in bytes of the object up to its end or the end of the data, and moves *data behind them. The
 * first byte of an object is its bracket, so depth 0 behind a byte is the object's end. */
static int feed_object(JsonFrame *f, const unsigned char **data, const unsigned char *end) {
        const unsigned char *p = *data;
        int r;

        do {
                uint8_t stops = f->in_string ? STOP_STRING : STOP_OUTSIDE;

                if (f->escaped) {
                        if (byte_stops[*p++] & STOP_BAD)
                                return -EBADMSG;
                        f->escaped = false;
                        continue;
                }

                while (p < end && !(byte_stops[*p] & stops))
                        p++;
                if (p == end)
                        break;

                switch (*p++) {
                case '"':
                        f->in_string = !f->in_string;
                        break;
                case '\\':
                        f->escaped = true;
                        break;
                case '{':
                case '[':
                        bracket_open(f, p[-1] == '[');
                        break;
                case '}':
                case ']':
                        r = bracket_close(f, p[-1] == ']');
                        if (r < 0)
                                return r;
                        break;
                default:
                        return -EBADMSG;
                }
        } while (f->depth > 0 && p < end);

        r = keep(f, *data, (size_t)(p - *data));
        if (r < 0)
                return r;
        *data = p;

        return f->depth == 0 ? object_end(f) : 0;
}

/* Takes in one byte that is outside of objects. An opening brace begins an object, of which it is the
 * first byte. */
static int feed_between(JsonFrame *f, const unsigned char **data) {
        unsigned char c = **data;

        if (c == '{' && (f->state == FRAME_BETWEEN || f->state == FRAME_WANT_FIRST ||
                                        f->state == FRAME_WANT_ELEMENT)) {
                object_begin(f);
                return 0;
        }

        if (c == ' ' || c == '\n' || c == '\r' || c == '\t' ||
                        (c == RECORD_SEPARATOR && f->state == FRAME_BETWEEN))
                ;
        else if (c == '[' && f->state == FRAME_WANT_ARRAY)
                f->state = FRAME_WANT_FIRST;
        else if (c == ']' && (f->state == FRAME_WANT_FIRST || f->state == FRAME_WANT_COMMA))
                f->state = FRAME_CLOSED;
        else if (c == ',' && f->state == FRAME_WANT_COMMA)
                f->state = FRAME_WANT_ELEMENT;
        else
                return -EBADMSG;

        (*data)++;
        return 0;
}

int json_frame_feed(JsonFrame *f, const void *data, size_t size) {
        const unsigned char *p = data, *end;
        int r;

        if (f->state == FRAME_BROKEN)
                return -EBADMSG;
        if (size == 0)
                return 0;

        end = p + size;
        while (p < end) {
                r = f->state == FRAME_OBJECT ? feed_object(f, &p, end) : feed_between(f, &p);
                if (r < 0) {
                        f->state = FRAME_BROKEN;
                        return r;
                }
        }
        return 0;
}

int json_frame_finish(const JsonFrame *f) {
        FrameState want = f->mode == JSON_FRAME_STREAM ? FRAME_BETWEEN : FRAME_CLOSED;

        return f->state == want ? 0 : -EBADMSG;
}

void json_frame_reset(JsonFrame *f) {
        f->state = f->mode == JSON_FRAME_STREAM ? FRAME_BETWEEN : FRAME_WANT_ARRAY;
        buffer_trim(f);
}
