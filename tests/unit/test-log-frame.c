/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log-frame: the text that comes out depends on the bytes alone, never on how they were cut into reads; the
 * end of it is kept to the byte, and memory does not follow what is written.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/log-frame.h"
#include "little-memory.h"

/* Both outputs, one of them empty for a moment, a NUL and what looks like a header inside a text, the
 * engine's complaint, an input that is never sent. */
static const char stream[] = "\1\0\0\0\0\0\0\4one\n"
                             "\2\0\0\0\0\0\0\4two\n"
                             "\1\0\0\0\0\0\0\0"
                             "\1\0\0\0\0\0\0\xb\0\xff\1\0\0\0\0\0\0\1x"
                             "\3\0\0\0\0\0\0\5oops\n"
                             "\0\0\0\0\0\0\0\1.";
static const char stream_text[] = "one\ntwo\n\0\xff\1\0\0\0\0\0\0\1xoops\n.";
#define STREAM_SIZE (sizeof(stream) - 1)

/* Where it may end, and how much of the text is there then. */
static const struct {
        size_t size, text;
} ends[] = { { 0, 0 }, { 12, 4 }, { 24, 8 }, { 32, 8 }, { 51, 19 }, { 64, 24 }, { 73, 25 } };

static LogFrame *frame_new(LogFrameMode mode, size_t tail_max) {
        LogFrame *f = NULL;

        assert_int_equal(log_frame_new(mode, tail_max, &f), 0);
        return f;
}

/* Feeds a copy of exactly that size, so that reading beyond it shows under a sanitizer. */
static int feed_copy(LogFrame *f, const void *data, size_t size) {
        char *copy = malloc(size);
        int r;

        assert_true(size == 0 || copy);
        if (size > 0)
                memcpy(copy, data, size);
        r = log_frame_feed(f, copy, size);
        free(copy);
        return r;
}

static void assert_tail(LogFrame *f, const void *text, size_t size) {
        const char *tail;
        size_t tail_size = 12345;

        tail = log_frame_tail(f, &tail_size);
        assert_int_equal(tail_size, size);
        assert_memory_equal(tail, text, size);
        assert_int_equal(tail[size], '\0');
}

/* In three reads, some of them empty. */
static void test_every_split(void **state) {
        (void)state;
        assert_int_equal(ends[ELEMENTS_OF(ends) - 1].size, STREAM_SIZE);
        for (size_t i = 0; i <= STREAM_SIZE; i++)
                for (size_t j = i; j <= STREAM_SIZE; j++) {
                        _cleanup_(log_frame_freep) LogFrame *f = frame_new(LOG_FRAME_MULTIPLEXED, 100);

                        assert_int_equal(feed_copy(f, stream, i), 0);
                        assert_int_equal(feed_copy(f, stream + i, j - i), 0);
                        assert_int_equal(feed_copy(f, stream + j, STREAM_SIZE - j), 0);
                        assert_int_equal(log_frame_finish(f), 0);
                        assert_tail(f, stream_text, sizeof(stream_text) - 1);
                }
}

/* At every byte: what is there so far, and whether the stream may end here. */
static void test_every_end(void **state) {
        _cleanup_(log_frame_freep) LogFrame *f = frame_new(LOG_FRAME_MULTIPLEXED, 100);
        size_t next = 0, text = 0;

        (void)state;
        for (size_t n = 0; n <= STREAM_SIZE; n++) {
                if (n > 0) {
                        if (n > ends[next - 1].size + 8)
                                text++;
                        assert_int_equal(feed_copy(f, stream + n - 1, 1), 0);
                }
                if (n == ends[next].size) {
                        assert_int_equal(text, ends[next++].text);
                        assert_int_equal(log_frame_finish(f), 0);
                } else
                        assert_int_equal(log_frame_finish(f), -EBADMSG);
                assert_tail(f, stream_text, text);
        }
        assert_int_equal(next, ELEMENTS_OF(ends));
}

/* A header that is none, at every split; the text before it is there, and nothing of what comes then. */
static void test_bad_headers(void **state) {
        static const char bad[][9] = {
                "\4\0\0\0\0\0\0\1",
                "\xff\0\0\0\0\0\0\1",
                "\x81\0\0\0\0\0\0\1",
                "\1\1\0\0\0\0\0\1",
                "\1\0\1\0\0\0\0\1",
                "\1\0\0\1\0\0\0\1",
                "\1\0\0\x80\0\0\0\0",
                "HTTP/1.1",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
                for (size_t split = 0; split < 8; split++) {
                        _cleanup_(log_frame_freep) LogFrame *f = frame_new(LOG_FRAME_MULTIPLEXED, 100);

                        assert_int_equal(feed_copy(f, "\2\0\0\0\0\0\0\2hi", 10), 0);
                        assert_int_equal(feed_copy(f, bad[i], split), 0);
                        assert_int_equal(feed_copy(f, bad[i] + split, 8 - split), -EBADMSG);
                        assert_int_equal(feed_copy(f, "\1\0\0\0\0\0\0\1x", 9), -EBADMSG);
                        assert_int_equal(feed_copy(f, "", 0), -EBADMSG);
                        assert_int_equal(log_frame_finish(f), -EBADMSG);
                        assert_tail(f, "hi", 2);
                }
}

static void test_empty_frames(void **state) {
        static const char empty[] = "\2\0\0\0\0\0\0\0";
        _cleanup_(log_frame_freep) LogFrame *f = frame_new(LOG_FRAME_MULTIPLEXED, 100);
        char many[8 * 1000 + 3];

        (void)state;
        for (size_t i = 0; i < 1000; i++)
                memcpy(many + 8 * i, empty, 8);
        memcpy(many + 8000, empty, 3);
        assert_int_equal(feed_copy(f, many, sizeof(many)), 0);
        assert_tail(f, "", 0);
        assert_int_equal(log_frame_finish(f), -EBADMSG);
        assert_int_equal(feed_copy(f, empty + 3, 5), 0);
        assert_int_equal(log_frame_finish(f), 0);
        assert_int_equal(feed_copy(f, "\1\0\0\0\0\0\0\1x", 9), 0);
        assert_tail(f, "x", 1);
}

/* Every byte of the length counts, the first most; the frame ends where it says. */
static void test_lengths(void **state) {
        static char piece[64 * 1024];
        static const struct {
                const char *length;
                size_t size;
        } cases[] = {
                { "\0\0\0\x80", 0x80 },
                { "\0\0\x80\xff", 0x80ff },
                { "\0\1\2\3", 0x10203 },
                { "\1\2\3\4", 0x1020304 },
        };

        (void)state;
        memset(piece, '\4', sizeof(piece)); /* no header */
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_(log_frame_freep) LogFrame *f = frame_new(LOG_FRAME_MULTIPLEXED, 4);
                size_t left = cases[i].size;

                assert_int_equal(feed_copy(f, "\1\0\0\0", 4), 0);
                assert_int_equal(feed_copy(f, cases[i].length, 4), 0);
                while (left > 0) {
                        size_t n = left < sizeof(piece) ? left : sizeof(piece);

                        assert_int_equal(log_frame_finish(f), -EBADMSG);
                        assert_int_equal(log_frame_feed(f, piece, n), 0);
                        left -= n;
                }
                assert_int_equal(log_frame_finish(f), 0);
                assert_int_equal(feed_copy(f, "\1\0\0\0\0\0\0\2xy", 10), 0);
                assert_tail(f, "\4\4xy", 4);
        }
}

/* The longest there is, of which little comes. */
static void test_huge_length(void **state) {
        _cleanup_(log_frame_freep) LogFrame *f = frame_new(LOG_FRAME_MULTIPLEXED, 100);

        (void)state;
        assert_int_equal(feed_copy(f, "\1\0\0\0\xff\xff\xff\xff", 8), 0);
        assert_int_equal(log_frame_finish(f), -EBADMSG);
        assert_int_equal(feed_copy(f, "abc\4\4\4\4\4\4\4\4", 11), 0);
        assert_int_equal(log_frame_finish(f), -EBADMSG);
        assert_tail(f, "abc\4\4\4\4\4\4\4\4", 11);
}

/* Any length of text, in reads of any size, against any size of tail. */
static void test_tail(void **state) {
        enum { TEXT_MAX = 40, TAIL_MAX = 12 };
        char text[TEXT_MAX];

        (void)state;
        for (size_t i = 0; i < TEXT_MAX; i++)
                text[i] = (char)('0' + i);

        for (size_t tail_max = 1; tail_max <= TAIL_MAX; tail_max++)
                for (size_t read = 1; read <= TEXT_MAX; read++) {
                        _cleanup_(log_frame_freep) LogFrame *f = frame_new(LOG_FRAME_RAW, tail_max);

                        for (size_t n = 0; n < TEXT_MAX;) {
                                size_t size = TEXT_MAX - n < read ? TEXT_MAX - n : read;

                                assert_int_equal(feed_copy(f, text + n, size), 0);
                                n += size;
                                size = n < tail_max ? n : tail_max;
                                assert_tail(f, text + n - size, size);
                        }
                }
}

/* With a terminal everything is text, and it may end anywhere. */
static void test_raw(void **state) {
        _cleanup_(log_frame_freep) LogFrame *f = frame_new(LOG_FRAME_RAW, 100);

        (void)state;
        assert_int_equal(log_frame_finish(f), 0);
        assert_tail(f, "", 0);
        for (size_t n = 0; n < STREAM_SIZE; n++) {
                assert_int_equal(feed_copy(f, stream + n, 1), 0);
                assert_int_equal(log_frame_finish(f), 0);
        }
        assert_tail(f, stream, STREAM_SIZE);
        assert_int_equal(feed_copy(f, "\xff\xff\r\n", 4), 0);
        assert_int_equal(log_frame_finish(f), 0);
}

/* 256 MB of text, in 256 frames. */
static int little_memory(void) {
        _cleanup_(log_frame_freep) LogFrame *f = NULL;
        _cleanup_free_ char *text = calloc(1, MEGABYTE);

        if (!text || log_frame_new(LOG_FRAME_MULTIPLEXED, 4096, &f) < 0)
                return -1;
        for (unsigned i = 0; i < 256; i++)
                if (log_frame_feed(f, "\1\0\0\0\0\x10\0\0", 8) < 0 || log_frame_feed(f, text, MEGABYTE) < 0)
                        return -1;
        return log_frame_finish(f);
}

static void test_little_memory(void **state) {
        (void)state;
        with_little_memory(little_memory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_split),
                cmocka_unit_test(test_every_end),
                cmocka_unit_test(test_bad_headers),
                cmocka_unit_test(test_empty_frames),
                cmocka_unit_test(test_lengths),
                cmocka_unit_test(test_huge_length),
                cmocka_unit_test(test_tail),
                cmocka_unit_test(test_raw),
                cmocka_unit_test(test_little_memory),
        };

        size_t last = little_memory_is_possible() ? 0 : 1; /* those with little memory come last */

        return _cmocka_run_group_tests("tests", tests, ELEMENTS_OF(tests) - last, NULL, NULL);
}
