/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TEST_DECODE_FIXTURE_H
#define REAPERD_TEST_DECODE_FIXTURE_H

/* What the tests of the decoders share. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "engine/decode.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

#define SWARM_LABELS                                                                           \
        "\"com.docker.swarm.node.id\":\"node1\",\"com.docker.swarm.service.id\":\"service1\"," \
        "\"com.docker.swarm.service.name\":\"web\",\"com.docker.swarm.task\":\"\","            \
        "\"com.docker.swarm.task.id\":\"task1\",\"com.docker.swarm.task.name\":\"web.1.task1\""

/* All decoders with one signature, the result in a union that shows whether it was touched. */
typedef union Result {
        EngineEvent event;
        ContainerSummary summary;
        ContainerDetail detail;
        EngineInfo info;
        EngineVersion version;
        SwarmFacts swarm;
        ServiceFacts service;
        const char *message;
} Result;

typedef int (*Decoder)(const char *text, size_t size, Decoded *d, Result *ret);

static inline int event(const char *text, size_t size, Decoded *d, Result *ret) {
        return decode_event(text, size, d, &ret->event);
}
static inline int summary(const char *text, size_t size, Decoded *d, Result *ret) {
        return decode_summary(text, size, d, &ret->summary);
}
static inline int detail(const char *text, size_t size, Decoded *d, Result *ret) {
        return decode_detail(text, size, d, &ret->detail);
}
static inline int info(const char *text, size_t size, Decoded *d, Result *ret) {
        return decode_info(text, size, d, &ret->info);
}
static inline int version(const char *text, size_t size, Decoded *d, Result *ret) {
        return decode_version(text, size, d, &ret->version);
}
static inline int swarm(const char *text, size_t size, Decoded *d, Result *ret) {
        return decode_swarm(text, size, d, &ret->swarm);
}
static inline int service(const char *text, size_t size, Decoded *d, Result *ret) {
        return decode_service(text, size, d, &ret->service);
}
static inline int error(const char *text, size_t size, Decoded *d, Result *ret) {
        return decode_error(text, size, d, &ret->message);
}

/* Decodes from a copy of exactly that size (no NUL behind it) that is gone before the result is looked
 * at. */
static inline int decode_sized(Decoder decoder, const char *text, size_t size, Decoded *d, Result *ret) {
        char *copy = malloc(size > 0 ? size : 1);
        Result before;
        int r;

        assert_non_null(copy);
        if (size > 0)
                memcpy(copy, text, size);

        memset(ret, 0x5a, sizeof(*ret));
        before = *ret;
        r = decoder(copy, size, d, ret);
        memset(copy, 'x', size);
        free(copy);

        if (r < 0) {
                assert_memory_equal(ret, &before, sizeof(before));
                assert_null(d->tree);
        } else
                assert_int_equal(r, 0);
        return r;
}

static inline int decode(Decoder decoder, const char *text, Decoded *d, Result *ret) {
        return decode_sized(decoder, text, strlen(text), d, ret);
}

static inline void assert_good(Decoder decoder, const char *text, Decoded *d, Result *ret) {
        decoded_done(d);
        if (decode(decoder, text, d, ret) < 0)
                fail_msg("refused: %s", text);
}

static inline void assert_all_bad(Decoder decoder, const char *const *texts, size_t n) {
        for (size_t i = 0; i < n; i++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                if (decode(decoder, texts[i], &d, &v) != -EBADMSG)
                        fail_msg("accepted: %s", texts[i]);
        }
}

static inline void assert_id(const ContainerId *id, const char *hex) {
        char buf[CONTAINER_ID_HEX_SIZE];

        assert_string_equal(container_id_format(id, buf), hex);
}

static inline void assert_swarm_labels(const SwarmLabels *l) {
        assert_string_equal(l->node_id, "node1");
        assert_string_equal(l->service_id, "service1");
        assert_string_equal(l->service_name, "web");
        assert_string_equal(l->task_id, "task1");
        assert_string_equal(l->task_name, "web.1.task1");
}

/* `text` NULL: there is none of this key. */
static inline void assert_label(const Labels *l, const char *key, const char *text) {
        const char *found = labels_get(l, key);

        if (!text)
                assert_null(found);
        else {
                assert_non_null(found);
                assert_string_equal(found, text);
        }
}

static inline void assert_path(const char *path, const char *expected, const char *from) {
        if (path ? !expected || strcmp(path, expected) != 0 : expected != NULL)
                fail_msg("%s from %s", path ? path : "NULL", from);
}

/* Labels whose keys and values test how they are found, and what has to be found then. */
#define ODD_LABELS                                                                              \
        "\"a\":\"first\",\"A\":\"upper\",\"a\":\"last\",\"empty\":\"\",\"\":\"nameless\","      \
        "\"num\":1,\"null\":null,\"true\":true,\"list\":[\"x\"],\"map\":{\"inner\":\"x\"},"     \
        "\"was\":\"text\",\"was\":1,\"is\":1,\"is\":\"text\",\"\\u0065scaped\":\"\\u00e9\\n\"," \
        "\"org.reaperd.keep\":\" true \""

static inline void assert_odd_labels(const Labels *l) {
        assert_label(l, "a", "last");
        assert_label(l, "A", "upper");
        assert_label(l, "empty", "");
        assert_label(l, "", "nameless");
        assert_label(l, "num", NULL);
        assert_label(l, "null", NULL);
        assert_label(l, "true", NULL);
        assert_label(l, "list", NULL);
        assert_label(l, "map", NULL);
        assert_label(l, "inner", NULL);
        assert_label(l, "was", NULL);
        assert_label(l, "is", "text");
        assert_label(l, "escaped", "\xc3\xa9\n");
        assert_label(l, "org.reaperd.keep", " true ");
        assert_label(l, "org.reaperd.Keep", NULL);
        assert_label(l, "org.reaperd.kee", NULL);
        assert_label(l, "org.reaperd.keep-last", NULL);
        assert_label(l, "Id", NULL);
}

static inline void assert_no_labels(const SwarmLabels *l) {
        assert_true(!l->node_id && !l->service_id && !l->service_name && !l->task_id && !l->task_name);
}

/* Every beginning of an answer is refused, and none is read beyond its end. */
static inline void assert_cuts_bad(Decoder decoder, const char *text) {
        size_t size = (size_t)(strrchr(text, '}') - text);

        for (size_t n = 0; n <= size; n++) {
                _cleanup_decoded_ Decoded d = DECODED_INIT;
                Result v;

                assert_int_equal(decode_sized(decoder, text, n, &d, &v), -EBADMSG);
        }
}

#endif
