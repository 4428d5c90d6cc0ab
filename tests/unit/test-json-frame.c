/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-frame: the objects that come out depend on the bytes alone, never on how they were cut into reads;
 * caps hold to the byte; what is no such stream is refused, and memory does not follow what is passed over.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/json-frame.h"
#include "little-memory.h"

DEFINE_CLEANUP(JsonFrame *, json_frame_free, NULL);

/* What came out: each object as it is, each one passed over as "<size>", "|" behind each. */
typedef struct Output {
        char text[4096];
        size_t size;
        unsigned objects;
        int fail_at; /* the handler's number of the call that fails; 0: none */
} Output;

static void output_add(Output *o, const void *data, size_t size) {
        assert_true(o->size + size < sizeof(o->text));
        memcpy(o->text + o->size, data, size);
        o->size += size;
        o->text[o->size] = '\0';
}

static int on_object(const char *text, size_t size, void *userdata) {
        Output *o = userdata;

        assert_int_equal(text[size], '\0');
        assert_int_equal(strlen(text), size);
        output_add(o, text, size);
        output_add(o, "|", 1);
        return (int)++o->objects == o->fail_at ? -ECANCELED : 7;
}

static void on_skipped(size_t size, void *userdata) {
        char line[32];

        output_add(userdata, line, (size_t)snprintf(line, sizeof(line), "<%zu>|", size));
}

/* Feeds a copy of exactly that size, so that reading beyond it shows under a sanitizer. */
static int feed_copy(JsonFrame *f, const char *data, size_t size) {
        char *copy = malloc(size);
        int r;

        assert_true(size == 0 || copy);
        if (size > 0)
                memcpy(copy, data, size);
        r = json_frame_feed(f, copy, size);
        free(copy);
        return r;
}

typedef struct Case {
        JsonFrameMode mode;
        const char *input;
        size_t size;
        int feed;   /* result of the feeding */
        int finish; /* and then of json_frame_finish() */
        const char *output;
} Case;

#define SIZE_MAX_HERE 40

/* Feeds the input in pieces that end at `first`, `second` and the end. */
static void check_split(const Case *c, size_t first, size_t second) {
        _cleanup_(json_frame_freep) JsonFrame *f = NULL;
        Output o = {};
        int r;

        assert_int_equal(json_frame_new(c->mode, SIZE_MAX_HERE, on_object, on_skipped, &o, &f), 0);

        r = feed_copy(f, c->input, first);
        if (r >= 0)
                r = feed_copy(f, c->input + first, second - first);
        if (r >= 0)
                r = feed_copy(f, c->input + second, c->size - second);

        assert_int_equal(r, c->feed);
        assert_int_equal(json_frame_finish(f), c->finish);
        assert_string_equal(o.text, c->output);
        if (r < 0)
                assert_int_equal(json_frame_feed(f, "{}", 2), -EBADMSG);
}

static void check_bytewise(const Case *c) {
        _cleanup_(json_frame_freep) JsonFrame *f = NULL;
        Output o = {};
        int r = 0;

        assert_int_equal(json_frame_new(c->mode, SIZE_MAX_HERE, on_object, on_skipped, &o, &f), 0);
        for (size_t i = 0; i < c->size && r >= 0; i++)
                r = feed_copy(f, c->input + i, 1);

        assert_int_equal(r, c->feed);
        assert_int_equal(json_frame_finish(f), c->finish);
        assert_string_equal(o.text, c->output);
}

/* A literal and its size, which may hold NULs. */
#define S(literal) literal, sizeof(literal) - 1

#define STREAM JSON_FRAME_STREAM
#define ARRAY  JSON_FRAME_ARRAY
#define BAD    -EBADMSG

static const Case cases[] = {
        /* Streams. */
        { STREAM, S(""), 0, 0, "" },
        { STREAM, S(" \t\r\n"), 0, 0, "" },
        { STREAM, S("{}"), 0, 0, "{}|" },
        { STREAM, S("{}{}\n{ }"), 0, 0, "{}|{}|{ }|" },
        { STREAM, S("\x1e{\"a\":1}\n\x1e\x1e{\"b\":2}\n"), 0, 0, "{\"a\":1}|{\"b\":2}|" },
        { STREAM, S("{\"a\":{\"b\":[{},[1]]}}\n{}"), 0, 0, "{\"a\":{\"b\":[{},[1]]}}|{}|" },
        { STREAM, S("{\"}{][\":\"}{][\"}{}"), 0, 0, "{\"}{][\":\"}{][\"}|{}|" },
        { STREAM, S("{\"\\\"}\":\"\\\\\"}{}"), 0, 0, "{\"\\\"}\":\"\\\\\"}|{}|" },
        { STREAM, S("{\"\\\\\\\"}\":\"\\u0022}\"}{}"), 0, 0, "{\"\\\\\\\"}\":\"\\u0022}\"}|{}|" },
        { STREAM, S("{\"\xff\xc3\x80\":\"\xf4\"}"), 0, 0, "{\"\xff\xc3\x80\":\"\xf4\"}|" },
        { STREAM, S("{\"\x1f\x7f\n\":1}"), 0, 0, "{\"\x1f\x7f\n\":1}|" },
        { STREAM, S("{nonsense : \\, 'quoted'}{}"), 0, 0, "{nonsense : \\, 'quoted'}|{}|" },

        /* Streams that were cut. */
        { STREAM, S("{}{"), 0, BAD, "{}|" },
        { STREAM, S("{\"a"), 0, BAD, "" },
        { STREAM, S("{\"a\\"), 0, BAD, "" },
        { STREAM, S("{\"a\\\"}"), 0, BAD, "" },
        { STREAM, S("{\"a\":[}"), BAD, BAD, "" },
        { STREAM, S("{\"a\":[1]"), 0, BAD, "" },

        /* What is no stream of objects. */
        { STREAM, S("{}x{}"), BAD, BAD, "{}|" },
        { STREAM, S("{},{}"), BAD, BAD, "{}|" },
        { STREAM, S("{}}"), BAD, BAD, "{}|" },
        { STREAM, S("[]"), BAD, BAD, "" },
        { STREAM, S("null"), BAD, BAD, "" },
        { STREAM, S("\"a\""), BAD, BAD, "" },
        { STREAM, S("1"), BAD, BAD, "" },
        { STREAM, S("\xef\xbb\xbf{}"), BAD, BAD, "" },
        { STREAM, S("HTTP/1.1 200 OK\r\n"), BAD, BAD, "" },
        { STREAM, S("{}\0{}"), BAD, BAD, "{}|" },
        { STREAM, S("{\0}"), BAD, BAD, "" },
        { STREAM, S("{\"\0\":1}"), BAD, BAD, "" },
        { STREAM, S("{\"\\\0\":1}"), BAD, BAD, "" },
        { STREAM, S("{\"a\":1\x1e{\"b\":1}"), BAD, BAD, "" },
        { STREAM, S("{\"a\x1e{\"b\":1}"), BAD, BAD, "" },
        { STREAM, S("{\"a\\\x1e{\"b\":1}"), BAD, BAD, "" },
        { STREAM, S("{]"), BAD, BAD, "" },
        { STREAM, S("{[}]}"), BAD, BAD, "" },
        { STREAM, S("{[{]}}"), BAD, BAD, "" },
        { STREAM, S("{[{}][[]]{}}{}"), 0, 0, "{[{}][[]]{}}|{}|" },

        /* Arrays. */
        { ARRAY, S("[]"), 0, 0, "" },
        { ARRAY, S(" [ ] \r\n\t"), 0, 0, "" },
        { ARRAY, S("[{}]"), 0, 0, "{}|" },
        { ARRAY, S("[{\"a\":[1,2]},{\"b\":\"],[\"}]\n"), 0, 0, "{\"a\":[1,2]}|{\"b\":\"],[\"}|" },
        { ARRAY, S(" [ {} , { } , {\"\\\"\":1} ] "), 0, 0, "{}|{ }|{\"\\\"\":1}|" },

        /* Arrays that were cut. */
        { ARRAY, S(""), 0, BAD, "" },
        { ARRAY, S("\n"), 0, BAD, "" },
        { ARRAY, S("["), 0, BAD, "" },
        { ARRAY, S("[{}"), 0, BAD, "{}|" },
        { ARRAY, S("[{},"), 0, BAD, "{}|" },
        { ARRAY, S("[{},{"), 0, BAD, "{}|" },

        /* What is no array of objects. */
        { ARRAY, S("{}"), BAD, BAD, "" },
        { ARRAY, S("null"), BAD, BAD, "" },
        { ARRAY, S("[1]"), BAD, BAD, "" },
        { ARRAY, S("[null]"), BAD, BAD, "" },
        { ARRAY, S("[[]]"), BAD, BAD, "" },
        { ARRAY, S("[\"a\"]"), BAD, BAD, "" },
        { ARRAY, S("[,{}]"), BAD, BAD, "" },
        { ARRAY, S("[{},]"), BAD, BAD, "{}|" },
        { ARRAY, S("[{},,{}]"), BAD, BAD, "{}|" },
        { ARRAY, S("[{}{}]"), BAD, BAD, "{}|" },
        { ARRAY, S("[{}}"), BAD, BAD, "{}|" },
        { ARRAY, S("[{},1]"), BAD, BAD, "{}|" },
        { ARRAY, S("[{}]]"), BAD, BAD, "{}|" },
        { ARRAY, S("[{}],"), BAD, BAD, "{}|" },
        { ARRAY, S("[{}][{}]"), BAD, BAD, "{}|" },
        { ARRAY, S("[{}]{}"), BAD, BAD, "{}|" },
        { ARRAY, S("[["), BAD, BAD, "" },
        { ARRAY, S("[\x1e{}]"), BAD, BAD, "" },
        { ARRAY, S("[{}\x1e]"), BAD, BAD, "{}|" },
        { ARRAY, S("[{}]\0"), BAD, BAD, "{}|" },

        /* 40 bytes are kept, 41 are not; the stream goes on. */
        { STREAM, S("{\"a\":\"0123456789012345678901234567890\"}{}"), 0, 0,
                        "{\"a\":\"0123456789012345678901234567890\"}|{}|" },
        { STREAM, S("{\"a\":\"01234567890123456789012345678901\"}{}"), 0, 0,
                        "{\"a\":\"01234567890123456789012345678901\"}|{}|" },
        { STREAM, S("{\"a\":\"012345678901234567890123456789012\"}{}"), 0, 0, "<41>|{}|" },
        { ARRAY, S("[{},{\"a\":\"}\\\"]012345678901234567890123456789\"},{\"b\":1}]"), 0, 0,
                        "{}|<42>|{\"b\":1}|" },
        { STREAM, S("{\"a\":\"012345678901234567890123456789012\"}x"), BAD, BAD, "<41>|" },
        { STREAM, S("{\"a\":\"012345678901234567890123456789012\"]"), BAD, BAD, "" },
        { STREAM, S("{\"a\":\"01234567890123456789012345678901\0\"}"), BAD, BAD, "" },
        { STREAM, S("{\"a\":\"012345678901234567890123456789012345"), 0, BAD, "" },
};

static void test_every_split(void **state __attribute__((unused))) {
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                const Case *c = cases + i;

                for (size_t first = 0; first <= c->size; first++)
                        for (size_t second = first; second <= c->size; second++)
                                check_split(c, first, second);
                check_bytewise(c);
        }
}

/* An object with `depth` brackets in one another, curly and square by turns. */
static char *nested(size_t depth, size_t *ret_size) {
        char *text = malloc(depth * 5 + 1), *p = text;

        assert_non_null(text);
        for (size_t i = 0; i < depth; i++)
                p = stpcpy(p, i % 2 == 0 ? "{\"\":" : "[");
        for (size_t i = depth; i-- > 0;)
                p = stpcpy(p, i % 2 == 0 ? "}" : "]");

        *ret_size = (size_t)(p - text);
        return text;
}

static void test_depth_cap(void **state __attribute__((unused))) {
        static const size_t depths[] = { 1, 2, 63, 64, 65, 66, 128, 129, 130, 1000, 100000 };

        for (size_t i = 0; i < ELEMENTS_OF(depths); i++) {
                _cleanup_(json_frame_freep) JsonFrame *f = NULL;
                _cleanup_free_ char *text = NULL;
                char expected[512];
                Output o = {};
                size_t size;

                text = nested(depths[i], &size);
                if (depths[i] <= 64)
                        (void)snprintf(expected, sizeof(expected), "%s|{}|", text);
                else
                        (void)snprintf(expected, sizeof(expected), "<%zu>|{}|", size);

                assert_int_equal(json_frame_new(STREAM, SIZE_MAX, on_object, on_skipped, &o, &f), 0);
                assert_int_equal(json_frame_feed(f, text, size), 0);
                assert_int_equal(json_frame_feed(f, "{}", 2), 0);
                assert_int_equal(json_frame_finish(f), 0);
                assert_string_equal(o.text, expected);

                /* And byte by byte. */
                o = (Output){};
                for (size_t k = 0; k < size; k++)
                        assert_int_equal(json_frame_feed(f, text + k, 1), 0);
                assert_int_equal(json_frame_feed(f, "{}", 2), 0);
                assert_string_equal(o.text, expected);
        }
}

/* Kinds of brackets are matched down to the cap, and above it also in what is deeper. */
static void test_mismatch_in_deep_object(void **state __attribute__((unused))) {
        static const struct {
                size_t depth; /* of the object */
                size_t level; /* of the bracket that is not closed by its own kind; 1 is the outermost */
                int r;
        } deep[] = {
                { 64, 63, -EBADMSG },
                { 64, 64, -EBADMSG },
                { 65, 64, -EBADMSG },
                { 100, 2, -EBADMSG },
                { 100, 64, -EBADMSG },
                { 100, 65, 0 },
        };

        for (size_t i = 0; i < ELEMENTS_OF(deep); i++) {
                _cleanup_(json_frame_freep) JsonFrame *f = NULL;
                _cleanup_free_ char *text = NULL;
                Output o = {};
                size_t size;
                char *p;

                text = nested(deep[i].depth, &size);
                p = text + size - deep[i].level;
                *p = *p == '}' ? ']' : '}';
                assert_int_equal(json_frame_new(STREAM, SIZE_MAX, on_object, on_skipped, &o, &f), 0);
                assert_int_equal(json_frame_feed(f, text, size), deep[i].r);
        }
}

static void test_no_skip_handler(void **state __attribute__((unused))) {
        _cleanup_(json_frame_freep) JsonFrame *f = NULL;
        Output o = {};

        assert_int_equal(json_frame_new(STREAM, 0, on_object, NULL, &o, &f), 0);
        assert_int_equal(json_frame_feed(f, "{}\n{}", 5), 0);
        assert_int_equal(json_frame_finish(f), 0);
        assert_string_equal(o.text, "");
}

static void test_handler_error(void **state __attribute__((unused))) {
        _cleanup_(json_frame_freep) JsonFrame *f = NULL;
        Output o = { .fail_at = 2 };

        assert_int_equal(json_frame_new(ARRAY, SIZE_MAX, on_object, on_skipped, &o, &f), 0);
        assert_int_equal(json_frame_feed(f, "[{\"a\":1},{\"b\":1},{\"c\":1}]", 25), -ECANCELED);
        assert_string_equal(o.text, "{\"a\":1}|{\"b\":1}|");
        assert_int_equal(json_frame_feed(f, "]", 1), -EBADMSG);
        assert_int_equal(json_frame_finish(f), -EBADMSG);
}

static void test_reset(void **state __attribute__((unused))) {
        static const char *const before[] = { "", "[", "[{", "[{\"a\\", "[{},", "[{}]", "[1", "[{[{[" };

        for (size_t i = 0; i < ELEMENTS_OF(before); i++) {
                _cleanup_(json_frame_freep) JsonFrame *f = NULL;
                Output o = {};

                assert_int_equal(json_frame_new(ARRAY, SIZE_MAX, on_object, on_skipped, &o, &f), 0);
                (void)json_frame_feed(f, before[i], strlen(before[i]));
                json_frame_reset(f);
                o = (Output){};
                assert_int_equal(json_frame_feed(f, "[{\"n\":[]}]", 10), 0);
                assert_int_equal(json_frame_finish(f), 0);
                assert_string_equal(o.text, "{\"n\":[]}|");
        }
}

static void test_empty_feed(void **state __attribute__((unused))) {
        _cleanup_(json_frame_freep) JsonFrame *f = NULL;
        Output o = {};

        assert_int_equal(json_frame_new(STREAM, SIZE_MAX, on_object, on_skipped, &o, &f), 0);
        assert_int_equal(json_frame_feed(f, NULL, 0), 0);
        assert_int_equal(json_frame_feed(f, "{", 1), 0);
        assert_int_equal(json_frame_feed(f, NULL, 0), 0);
        assert_int_equal(json_frame_feed(f, "}", 1), 0);
        assert_string_equal(o.text, "{}|");
        assert_null(json_frame_free(NULL));
}

typedef struct Sizes {
        size_t largest;
        size_t skipped;
        unsigned objects;
} Sizes;

static int on_sized(const char *text, size_t size, void *userdata) {
        Sizes *s = userdata;

        assert_int_equal(strlen(text), size);
        if (size > s->largest)
                s->largest = size;
        s->objects++;
        return 0;
}

static void on_sized_skip(size_t size, void *userdata) {
        ((Sizes *)userdata)->skipped = size;
}

/* Feeds an object of `total` bytes in pieces of 64 KiB. */
static int feed_large(JsonFrame *f, size_t total) {
        static char piece[64 * 1024];
        int r;

        memset(piece, 'x', sizeof(piece));
        r = json_frame_feed(f, "{\"a\":\"", 6);
        for (size_t left = total - 8; left > 0 && r >= 0;) {
                size_t n = left < sizeof(piece) ? left : sizeof(piece);

                r = json_frame_feed(f, piece, n);
                left -= n;
        }
        return r < 0 ? r : json_frame_feed(f, "\"}", 2);
}

/* Sizes around those at which the buffer grows: the NUL needs its byte too. */
static void test_buffer_boundaries(void **state __attribute__((unused))) {
        _cleanup_(json_frame_freep) JsonFrame *reused = NULL;
        Sizes s = {};

        assert_int_equal(json_frame_new(STREAM, SIZE_MAX, on_sized, on_sized_skip, &s, &reused), 0);
        for (size_t power = 4096; power <= 256 * 1024; power *= 2)
                for (size_t size = power - 2; size <= power + 2; size++) {
                        _cleanup_(json_frame_freep) JsonFrame *fresh = NULL;

                        assert_int_equal(json_frame_new(STREAM, size, on_sized, on_sized_skip, &s, &fresh),
                                        0);
                        assert_int_equal(feed_large(fresh, size), 0);
                        assert_int_equal(s.largest, size);
                        s.largest = 0;
                        assert_int_equal(feed_large(reused, size), 0);
                        assert_int_equal(s.largest, size);
                        s.largest = 0;
                }
        assert_int_equal(s.skipped, 0);
}

static void test_large_objects(void **state __attribute__((unused))) {
        _cleanup_(json_frame_freep) JsonFrame *f = NULL;
        Sizes s = {};

        assert_int_equal(json_frame_new(STREAM, 3 * MEGABYTE, on_sized, on_sized_skip, &s, &f), 0);
        assert_int_equal(feed_large(f, 3 * MEGABYTE), 0);
        assert_int_equal(s.largest, 3 * MEGABYTE);
        assert_int_equal(s.skipped, 0);
        assert_int_equal(feed_large(f, 3 * MEGABYTE + 1), 0);
        assert_int_equal(s.skipped, 3 * MEGABYTE + 1);
        assert_int_equal(feed_large(f, 5 * MEGABYTE), 0);
        assert_int_equal(s.skipped, 5 * MEGABYTE);
        assert_int_equal(json_frame_feed(f, "{}", 2), 0);
        assert_int_equal(s.objects, 2);
        assert_int_equal(json_frame_finish(f), 0);
}

/* 256 MB pass through 48; then a gigantic size_max cannot be had and says so. */
static int little_memory(void) {
        Sizes s = {};
        JsonFrame *f;

        if (json_frame_new(STREAM, 4 * MEGABYTE, on_sized, on_sized_skip, &s, &f) < 0)
                return -1;
        if (feed_large(f, 256 * MEGABYTE) < 0 || s.skipped != 256 * MEGABYTE)
                return -1;
        json_frame_free(f);

        if (json_frame_new(STREAM, SIZE_MAX, on_sized, on_sized_skip, &s, &f) < 0)
                return -1;
        if (feed_large(f, 256 * MEGABYTE) != -ENOMEM || json_frame_finish(f) != -EBADMSG)
                return -1;
        json_frame_reset(f);
        if (json_frame_feed(f, "{}", 2) < 0 || s.objects != 1)
                return -1;
        json_frame_free(f);
        return 0;
}

static void test_little_memory(void **state __attribute__((unused))) {
        with_little_memory(little_memory);
}

/* One large object must not leave its buffer behind: eight framers that each saw 10 MB fit where one
 * such buffer more would not. */
static int large_buffers_go(void) {
        JsonFrame *f[8];
        Sizes s = {};

        for (size_t i = 0; i < ELEMENTS_OF(f); i++) {
                if (json_frame_new(STREAM, 10 * MEGABYTE, on_sized, on_sized_skip, &s, &f[i]) < 0)
                        return -1;
                if (feed_large(f[i], 10 * MEGABYTE) < 0)
                        return -1;
        }
        /* Nor one that turned out to be too large, even before it ends. */
        for (size_t i = 0; i < ELEMENTS_OF(f); i++) {
                if (json_frame_feed(f[i], "{\"", 2) < 0 || feed_large(f[i], 11 * MEGABYTE) < 0)
                        return -1;
        }
        for (size_t i = 0; i < ELEMENTS_OF(f); i++)
                json_frame_reset(f[i]);
        /* Nor one that was begun and reset. */
        for (size_t i = 0; i < ELEMENTS_OF(f); i++) {
                if (json_frame_feed(f[i], "{\"", 2) < 0 || feed_large(f[i], 9 * MEGABYTE) < 0)
                        return -1;
                json_frame_reset(f[i]);
        }
        for (size_t i = 0; i < ELEMENTS_OF(f); i++)
                json_frame_free(f[i]);
        return s.objects == 8 ? 0 : -1;
}

static void test_large_buffers_go(void **state __attribute__((unused))) {
        with_little_memory(large_buffers_go);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_split),
                cmocka_unit_test(test_depth_cap),
                cmocka_unit_test(test_mismatch_in_deep_object),
                cmocka_unit_test(test_no_skip_handler),
                cmocka_unit_test(test_handler_error),
                cmocka_unit_test(test_reset),
                cmocka_unit_test(test_empty_feed),
                cmocka_unit_test(test_buffer_boundaries),
                cmocka_unit_test(test_large_objects),
                cmocka_unit_test(test_little_memory),
                cmocka_unit_test(test_large_buffers_go),
        };

        size_t last = little_memory_is_possible() ? 0 : 2; /* those with little memory come last */

        return _cmocka_run_group_tests("tests", tests, ELEMENTS_OF(tests) - last, NULL, NULL);
}
