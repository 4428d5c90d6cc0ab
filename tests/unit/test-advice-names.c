/* SPDX-License-Identifier: Apache-2.0 */

/*
 * That no service's name makes another command of what is advised, and no number of services a flood.
 */

#include "advice-fixture.h"

/* Runs the command with a docker that prints its arguments, one a line; the last one is `expected`. */
static void assert_last_argument(const char *command, const char *expected) {
        _cleanup_free_ char *script = NULL;
        char out[1024] = "";
        size_t n;
        FILE *p;

        assert_true(asprintf(&script, "docker() { for last; do :; done; printf '%%s' \"$last\"; }\n%s",
                                    command) > 0);
        p = popen(script, "r");
        assert_non_null(p);
        n = fread(out, 1, sizeof(out) - 1, p);
        out[n] = '\0';
        assert_int_equal(pclose(p), 0);
        assert_string_equal(out, expected);
}

static void test_hostile_names(void **state) {
        static char longest[129], too_long[130];
        /* What stands in the command is the name, or else the id. */
        static const char *const by_name[] = {
                "web",
                "a.b_c-1",
                "web; touch /tmp/pwned",
                "$(id)",
                "`id`",
                "it's",
                "'",
                "''",
                "\\",
                "a b",
                "-rf",
                "--help",
                "-'; id; '",
                "*",
                "~",
                "\"",
                "!!",
                "#",
                "&",
                "",
                longest,
        };
        static const char *const by_id[] = { "caf\xc3\xa9", "a\nb", "\x1b[31m", "a\x7f", "\xff\xfe", "a\tb",
                "\xe2\x80\xae", too_long };

        (void)state;
        memset(longest, 'a', sizeof(longest) - 1);
        memset(too_long, 'a', sizeof(too_long) - 1);
        for (size_t i = 0; i < ELEMENTS_OF(by_name) + ELEMENTS_OF(by_id); i++) {
                bool named_so = i < ELEMENTS_OF(by_name);
                const char *name = named_so ? by_name[i] : by_id[i - ELEMENTS_OF(by_name)];
                const char *expected = named_so && *name ? name : "s3rv1ce";
                ServiceFacts s = named(name);
                Fixture f;

                s.log_driver = "json-file";
                open_fixture(&f);
                begin(&f);
                add(&f, s);
                end(&f);
                assert_int_equal(f.n, 1);
                assert_string_equal(f.advice[0].subject, expected);
                assert_last_argument(f.advice[0].command, expected);
                if (*expected == '-')
                        assert_non_null(strstr(f.advice[0].command, " -- "));
                close_fixture(&f);
        }
}

/* Neither name nor id can be written: nothing is said, rather than something wrong. */
static void test_unnameable(void **state) {
        ServiceFacts s = named("\x1b");
        Fixture f;

        (void)state;
        s.id = "\n";
        s.log_driver = "none";
        open_fixture(&f);
        begin(&f);
        add(&f, s);
        end(&f);
        assert_int_equal(f.n, 0);
        close_fixture(&f);
}

static void test_order_and_cap(void **state) {
        Fixture f;

        (void)state;
        open_fixture(&f);
        f.swarm.history_limit = -1;
        begin_with(&f, "json-file");
        for (int i = 2999; i >= 0; i--) {
                char name[16];
                ServiceFacts s = named(name);

                (void)snprintf(name, sizeof(name), "s%04d", i);
                s.restart_delay = i % 2 == 0 ? HOUR : 0;
                s.mode = i % 3 == 0 ? SERVICE_GLOBAL_JOB : SERVICE_GLOBAL;
                s.finished = true;
                add(&f, s);
        }
        end(&f);

        /* 1,000 of restart delays and 1,000 jobs, less what is capped. */
        assert_int_equal(f.n, ADVICE_MAX + 3);
        assert_int_equal(f.advice[0].kind, ADVICE_HISTORY_LIMIT_HIGH);
        for (size_t i = 1; i < f.n; i++) {
                const Advice *a = &f.advice[i - 1], *b = &f.advice[i];

                assert_true(a->kind < b->kind || (a->kind == b->kind && strcmp(a->subject, b->subject) < 0));
        }
        assert_int_equal(f.advice[f.n - 1].kind, ADVICE_LEFT_OUT);
        assert_string_equal(f.advice[f.n - 1].command, "");
        assert_says(&f, ADVICE_LEFT_OUT, " 1000 more ");
        assert_says(&f, ADVICE_LOG_DRIVER, "3000 services");
        close_fixture(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hostile_names),
                cmocka_unit_test(test_unnameable),
                cmocka_unit_test(test_order_and_cap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
