/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_ENGINE_LOG_FRAME_H
#define REAPERD_ENGINE_LOG_FRAME_H

/*
 * The last bytes of a container's log, out of the stream that the engine sends it in, however the bytes
 * arrive.
 *
 * A container without a terminal has two outputs, which the engine interleaves as frames: a header of
 * eight bytes (which stream, three zeros, the length as a big-endian number) and so much text. With a
 * terminal there is one output, and it comes as it is. What a container writes is as long and as odd as it
 * likes, so only the end is kept: memory does not grow with the log.
 */

#include <stddef.h>

#include "base/cleanup.h"

typedef enum LogFrameMode {
        LOG_FRAME_MULTIPLEXED, /* frames; the streams' texts in order of arrival */
        LOG_FRAME_RAW,         /* text only (Config.Tty) */
} LogFrameMode;

typedef struct LogFrame LogFrame;

/* `tail_max`: how many bytes of text are kept (some thousands). Returns 0 or -ENOMEM. */
int log_frame_new(LogFrameMode mode, size_t tail_max, LogFrame **ret);

/* Releases it; NULL is fine. Returns NULL. */
LogFrame *log_frame_free(LogFrame *f);

/* Takes in the next bytes. Returns 0; or -EBADMSG if they cannot be such a stream (a header with a stream
 * above 3, or with something but zeros behind it), and from then on always. The engine's own complaints
 * about a log that it cannot read (stream 3) count as text: with a terminal they cannot be told apart. */
int log_frame_feed(LogFrame *f, const void *data, size_t size);

/* Tells that the stream has ended. Returns 0 if it ended between frames, else -EBADMSG. */
int log_frame_finish(const LogFrame *f);

/* The last bytes of the text so far, at most `tail_max`, NUL-terminated behind *ret_size. They may be any
 * bytes. Valid until the next call with f. */
const char *log_frame_tail(LogFrame *f, size_t *ret_size);

DEFINE_CLEANUP(LogFrame *, log_frame_free, NULL);

#endif
