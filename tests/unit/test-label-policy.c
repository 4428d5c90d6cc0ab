/* SPDX-License-Identifier: Apache-2.0 */
/* The labels by which a service's owner sets what holds for its containers: which values are read. */

#include "core-fixtures.h"
#include "core/label-policy.h"

static const char *const names[_LABEL_KEY_MAX] = {
        [LABEL_KEEP] = KEEP,
        [LABEL_TTL] = TTL,
        [LABEL_TTL_FAILURE] = TTL_FAILURE,
        [LABEL_KEEP_LAST] = KEEP_LAST,
};

/* Reads one label; the memory behind *ret is full of something else before. */
static unsigned read_one(LabelKey key, const char *value, LabelPolicy *ret) {
        const LabelPair pairs[] = { { "com.example.other", "x" }, { names[key], value }, { NULL, NULL } };
        Labels labels = labels_of(pairs);

        memset(ret, 0xA5, sizeof(*ret));
        return label_policy_read(&labels, ret);
}

static void check_nothing(const LabelPolicy *p) {
        static const LabelPolicy nothing; /* zero in its padding too */

        assert_memory_equal(p, &nothing, sizeof(nothing));
}

static void test_names(void **state) {
        (void)state;
        for (LabelKey key = 0; key < _LABEL_KEY_MAX; key++) {
                assert_string_equal(label_key_name(key), names[key]);
                assert_true(strlen(label_key_accepted(key)) > 3);
        }
        assert_non_null(strstr(label_key_accepted(LABEL_KEEP_LAST), "10000"));
        assert_non_null(strstr(label_key_accepted(LABEL_TTL), "infinity"));
}

static void test_none(void **state) {
        const LabelPair foreign[] = { { "org.reaperd", "1" }, { "org.reaperd.keeper", "1" },
                { "ORG.REAPERD.KEEP", "1" }, { "org.reaperd.ttl.success", "1h" }, { NULL, NULL } };
        Labels empty = { 0 }, others = labels_of(foreign);
        LabelPolicy p;

        (void)state;
        memset(&p, 0xA5, sizeof(p));
        assert_int_equal(label_policy_read(&empty, &p), 0);
        check_nothing(&p);
        memset(&p, 0x5A, sizeof(p));
        assert_int_equal(label_policy_read(&others, &p), 0);
        check_nothing(&p);
}

static void test_keep(void **state) {
        static const char *const on[] = { "yes", "true", "on", "1", "YES", "True", "oN" };
        static const char *const off[] = { "no", "false", "off", "0", "NO", "False", "oFF" };
        static const char *const bad[] = { "", " ", " yes", "yes ", "\tyes", "yes\n", "\v1", "1\f", "1\r",
                "2", "-1", "01", "yess", "ye s", "tru", "truefalse", "keep", "infinity", "1h", "\xC3\xBF" };
        LabelPolicy p;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(on); i++) {
                assert_int_equal(read_one(LABEL_KEEP, on[i], &p), 0);
                assert_true(p.has[LABEL_KEEP] && p.keep);
                assert_false(p.has[LABEL_TTL] || p.has[LABEL_TTL_FAILURE] || p.has[LABEL_KEEP_LAST]);
        }
        for (size_t i = 0; i < ELEMENTS_OF(off); i++) {
                assert_int_equal(read_one(LABEL_KEEP, off[i], &p), 0);
                assert_false(p.keep);
        }
        for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
                if (read_one(LABEL_KEEP, bad[i], &p) != 1U << LABEL_KEEP)
                        fail_msg("'%s' is accepted", bad[i]);
                check_nothing(&p);
        }
}

static void test_spans(void **state) {
        static const struct {
                const char *text;
                usec_t span;
        } good[] = {
                { "0", 0 },
                { "0s", 0 },
                { "90", 90 * SEC },
                { "1h", HOUR },
                { "1h30min", HOUR + 30 * MINUTE },
                { "1h 30min", HOUR + 30 * MINUTE },
                { "7d", 7 * DAY },
                { "1us", 1 },
                { "1.5h", 90 * MINUTE },
                { "infinity", USEC_INFINITY },
        };
        static const char *const bad[] = { "", " ", " 1h", "1h ", "\t1h", "1h\t", "1h\n", "\v1h", "1h\f",
                "1h\r", "-1h", "1parsec", "h", "yes", "infinityy", "1h infinity", "1h;", "1h\x01", "1,5h",
                "99999999999999999999d", "18446744073709551615", "\xC2\xA0" /* a space all the same */ };
        LabelPolicy p;

        (void)state;
        for (LabelKey key = LABEL_TTL; key <= LABEL_TTL_FAILURE; key++) {
                for (size_t i = 0; i < ELEMENTS_OF(good); i++) {
                        assert_int_equal(read_one(key, good[i].text, &p), 0);
                        assert_true(p.has[key]);
                        assert_int_equal(key == LABEL_TTL ? p.ttl : p.ttl_failure, good[i].span);
                        p.has[key] = false;
                        p.ttl = p.ttl_failure = 0;
                        check_nothing(&p);
                }
                for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
                        if (read_one(key, bad[i], &p) != 1U << key)
                                fail_msg("'%s' is accepted", bad[i]);
                        check_nothing(&p);
                }
        }
}

static void test_keep_last(void **state) {
        static const struct {
                const char *text;
                unsigned count;
        } good[] = { { "0", 0 }, { "1", 1 }, { "25", 25 }, { "10000", 10000 },
                { "infinity", COUNT_INFINITY } };
        /* The maximum's neighbours, what would wrap round, and the number that stands for infinity. */
        static const char *const bad[] = { "", " ", " 5", "5 ", "\t5", "5\n", "-1", "+1", "1.0", "1e3",
                "0x10", "five", "10001", "100000", "4294967295", "4294967296", "4294967301",
                "18446744073709551616", "18446744073709551621", "99999999999999999999999999999999",
                "infinity ", "infinit", "5s" };
        LabelPolicy p;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(good); i++) {
                assert_int_equal(read_one(LABEL_KEEP_LAST, good[i].text, &p), 0);
                assert_true(p.has[LABEL_KEEP_LAST]);
                assert_int_equal(p.keep_last, good[i].count);
        }
        for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
                if (read_one(LABEL_KEEP_LAST, bad[i], &p) != 1U << LABEL_KEEP_LAST)
                        fail_msg("'%s' is accepted", bad[i]);
                check_nothing(&p);
        }
}

/* Every set of labels that are there, and of those that are malformed. */
static void test_several(void **state) {
        static const char *const good[_LABEL_KEY_MAX] = { "yes", "2h", "3d", "4" };

        (void)state;
        for (unsigned there = 0; there < 1U << _LABEL_KEY_MAX; there++)
                for (unsigned broken = 0; broken < 1U << _LABEL_KEY_MAX; broken++) {
                        LabelPair pairs[_LABEL_KEY_MAX + 1] = { { NULL, NULL } };
                        Labels labels = labels_of(pairs);
                        LabelPolicy p;
                        size_t n = 0;

                        for (unsigned key = 0; key < _LABEL_KEY_MAX; key++)
                                if (there & 1U << key)
                                        pairs[n++] = (LabelPair){ names[key],
                                                broken & 1U << key ? "so what" : good[key] };
                        memset(&p, 0xA5, sizeof(p));
                        assert_int_equal(label_policy_read(&labels, &p), there & broken);
                        for (unsigned key = 0; key < _LABEL_KEY_MAX; key++)
                                assert_int_equal(p.has[key], (there & ~broken & 1U << key) != 0);
                        assert_int_equal(p.keep, p.has[LABEL_KEEP]);
                        assert_int_equal(p.ttl, p.has[LABEL_TTL] ? 2 * HOUR : 0);
                        assert_int_equal(p.ttl_failure, p.has[LABEL_TTL_FAILURE] ? 3 * DAY : 0);
                        assert_int_equal(p.keep_last, p.has[LABEL_KEEP_LAST] ? 4 : 0);
                }
}

/* The same labels in other memory give the same bytes. */
static void test_compared_as_bytes(void **state) {
        const LabelPair pairs[] = { { KEEP_LAST, "3" }, { KEEP, "no" }, { TTL, "1h" },
                { TTL_FAILURE, "broken" }, { NULL, NULL } };
        Labels labels = labels_of(pairs);
        LabelPolicy a, b;

        (void)state;
        memset(&a, 0x00, sizeof(a));
        memset(&b, 0xFF, sizeof(b));
        assert_int_equal(label_policy_read(&labels, &a), 1U << LABEL_TTL_FAILURE);
        assert_int_equal(label_policy_read(&labels, &b), 1U << LABEL_TTL_FAILURE);
        assert_memory_equal(&a, &b, sizeof(a));
}

/* Labels may be as long as their owner likes. */
static void test_long_values(void **state) {
        static char text[1 << 20];

        (void)state;
        for (LabelKey key = 0; key < _LABEL_KEY_MAX; key++) {
                LabelPolicy p;

                memset(text, '1', sizeof(text) - 1);
                assert_int_equal(read_one(key, text, &p), 1U << key);
                memset(text, ' ', sizeof(text) - 1);
                assert_int_equal(read_one(key, text, &p), 1U << key);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_none),
                cmocka_unit_test(test_keep),
                cmocka_unit_test(test_spans),
                cmocka_unit_test(test_keep_last),
                cmocka_unit_test(test_several),
                cmocka_unit_test(test_compared_as_bytes),
                cmocka_unit_test(test_long_values),
        };

        return cmocka_run_group_tests_name("label-policy", tests, NULL, NULL);
}
