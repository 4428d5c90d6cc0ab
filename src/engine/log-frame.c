/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text is collected in a buffer of twice the size of the tail, and its newest half moves to the front
 * when there is no more room: so moving costs little even if a container writes byte by byte.
 */

#include "engine/log-frame.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define HEADER_SIZE 8U
#define STREAM_MAX  3U /* stdin (which is never sent), stdout, stderr, the engine's complaints */

struct LogFrame {
        LogFrameMode mode;
        uint8_t header[HEADER_SIZE];
        size_t n_header; /* bytes of the next header that are there; a whole one stays only if it is bad */
        uint32_t left;   /* bytes of text until the end of the frame */
        size_t tail_max;
        size_t size; /* of text */
        char text[]; /* 2 * tail_max, and a NUL */
};

int log_frame_new(LogFrameMode mode, size_t tail_max, LogFrame **ret) {
        LogFrame *f;

        f = calloc(1, sizeof(*f) + 2 * tail_max + 1);
        if (!f)
                return -ENOMEM;
        f->mode = mode;
        f->tail_max = tail_max;

        *ret = f;
        return 0;
}

LogFrame *log_frame_free(LogFrame *f) {
        free(f);
        return NULL;
}

static void keep(LogFrame *f, const uint8_t *data, size_t size) {
        if (size > f->tail_max) {
                data += size - f->tail_max;
                size = f->tail_max;
        }

        if (size > 2 * f->tail_max - f->size) {
                memmove(f->text, f->text + f->size - f->tail_max, f->tail_max);
                f->size = f->tail_max;
        }

        memcpy(f->text + f->size, data, size);
        f->size += size;
}

/* A header that has become complete. Any length is good: what does not come shows at the end, and what is
 * too much the caller ends. */
static int begin_frame(LogFrame *f) {
        const uint8_t *h = f->header;

        if (h[0] > STREAM_MAX || h[1] != 0 || h[2] != 0 || h[3] != 0)
                return -EBADMSG;

        f->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
        f->n_header = 0;
        return 0;
}

static size_t smaller(size_t a, size_t b) {
        return a < b ? a : b;
}

int log_frame_feed(LogFrame *f, const void *data, size_t size) {
        const uint8_t *p = data, *end;

        if (f->n_header == HEADER_SIZE)
                return -EBADMSG;
        if (size == 0)
                return 0;

        if (f->mode == LOG_FRAME_RAW) {
                keep(f, p, size);
                return 0;
        }

        for (end = p + size; p < end;) {
                size_t n;

                if (f->left > 0) {
                        n = smaller(f->left, (size_t)(end - p));
                        keep(f, p, n);
                        f->left -= (uint32_t)n;
                } else {
                        n = smaller(HEADER_SIZE - f->n_header, (size_t)(end - p));
                        memcpy(f->header + f->n_header, p, n);
                        f->n_header += n;
                        if (f->n_header == HEADER_SIZE && begin_frame(f) < 0)
                                return -EBADMSG;
                }
                p += n;
        }
        return 0;
}

int log_frame_finish(const LogFrame *f) {
        return f->n_header > 0 || f->left > 0 ? -EBADMSG : 0;
}

const char *log_frame_tail(LogFrame *f, size_t *ret_size) {
        size_t size = smaller(f->size, f->tail_max);

        f->text[f->size] = '\0';

        *ret_size = size;
        return f->text + f->size - size;
}
