/* SPDX-License-Identifier: Apache-2.0 */

/* [Rule NAME] sections of one file: headers, keys, and lists over several lines. */

#include "config-reader-fixture.h"
#include "core/rule-text.h"

#define ACCEPTED_GLOBS  "globs with white space between them, ! in front negates, at most 64"
#define ACCEPTED_LABELS "KEY or KEY=GLOB with white space between them, ! in front negates, at most 64"
#define ACCEPTED_NAME   "accepted: " RULE_NAME_ACCEPTED "\n"
#define INDENTED                                                          \
        "line is indented, but no list of a rule stands right above it, " \
        "accepted: lines that begin in the first column\n"
#define MISPLACED                                                 \
        "line is indented, so it would go on the list above it, " \
        "accepted: keys and headers that begin in the first column\n"

static void faults_are_told(void **state) {
        static const struct {
                const char *text, *faults;
        } cases[] = {
                { "[Rule a]\n[Rule b]\n[Rule a]", "" },
                { "[Rule a b;c #=]\nKind=any\nFailure=1h\nService=a", "" },

                /* headers */
                { "[Rule]\nKind=x\nbogus=1\n x\n", "f:1: [Rule]: has no name, " ACCEPTED_NAME },
                { "[Rule \t]\n", "f:1: [Rule]: has no name, " ACCEPTED_NAME },
                { "[Rule 01234567890123456789012345678901234567890123456789012345678901234]\n\n  x\n",
                                "f:1: [Rule "
                                "01234567890123456789012345678901234567890123456789012345678901234]: "
                                "has a name that is too long, " ACCEPTED_NAME },
                { "[Rule a\x1b]\n", "f:1: [Rule a\\x1b]: has unprintable characters in its "
                                    "name, " ACCEPTED_NAME },
                { "[Rule a]]\n", "f:1: [Rule a]: text behind the header, accepted: a line of its own for "
                                 "each\n" },
                { "[Rule a\nKind=x\n", "f:1: [Rule a: header is not closed, accepted: [Rule a]\n"
                                       "f:2: [Rule a] Kind: 'x' is not one of the choices, accepted: task, "
                                       "other or any\n" },
                { "[Rule a ;b]\n", "f:1: [Rule a: header is not closed, accepted: [Rule a]\n" },
                { "[rule a]\nKind=x\n",
                                "f:1: [rule a]: unknown section, nearest: [Rule NAME], accepted: " SECTIONS
                                "\n" },
                { "[Rules a]\n", "f:1: [Rules a]: unknown section, nearest: [Rule NAME], accepted: " SECTIONS
                                 "\n" },
                { "[Rule-a]\n[ Rule a]\n",
                                "f:1: [Rule-a]: unknown section, nearest: [Rule NAME], accepted: " SECTIONS
                                "\n"
                                "f:2: [ Rule a]: unknown section, accepted: " SECTIONS "\n" },

                /* keys */
                { "[Rule a]\nServce=a\n b\nsuccess=1h\nxyzzy=1\n",
                                "f:2: [Rule a] Servce: unknown key, nearest: Service, accepted: " RULE_KEYS
                                "\n"
                                "f:4: [Rule a] success: unknown key, nearest: Success, accepted: " RULE_KEYS
                                "\n"
                                "f:5: [Rule a] xyzzy: unknown key, accepted: " RULE_KEYS "\n" },
                { "[Rule a]\nMaxStopped=5\nEndpoint=x\nHonor=no\n",
                                "f:2: [Rule a] MaxStopped: is not for single containers, accepted: in "
                                "[Retention]\n"
                                "f:3: [Rule a] Endpoint: is not for single containers, accepted: in "
                                "[Engine]\n"
                                "f:4: [Rule a] Honor: is not for single containers, accepted: in "
                                "[Labels]\n" },
                { "[Retention]\nKind=any\nService=a\n",
                                "f:2: [Retention] Kind: unknown key, nearest: Kind in [Rule NAME], "
                                "accepted: " RETENTION_KEYS "\n"
                                "f:3: [Retention] Service: unknown key, nearest: Service in [Rule NAME], "
                                "accepted: " RETENTION_KEYS "\n" },
                { "[Rule a]\nService\n x\nService: x\n x\n=x\n",
                                "f:2: [Rule a] Service: no '=', accepted: Key=value\n"
                                "f:4: [Rule a] Service: ':' where '=' belongs, accepted: Key=value\n"
                                "f:6: [Rule a] =x: no key in front, accepted: Key=value\n" },

                /* values */
                { "[Rule a]\nService=a ! b\n c\nLabel=x =y\nImage=a # b\nKind=Task\nAction=delete\n",
                                "f:2: [Rule a] Service: 'a ! b' has a lone !, accepted: " ACCEPTED_GLOBS "\n"
                                "f:4: [Rule a] Label: 'x =y' has no key in front of =, "
                                "accepted: " ACCEPTED_LABELS "\n"
                                "f:5: [Rule a] Image: 'a # b' has a glob that begins like a comment ([;] "
                                "and [#] "
                                "stand for the character), accepted: " ACCEPTED_GLOBS "\n"
                                "f:6: [Rule a] Kind: 'Task' is not one of the choices, accepted: task, "
                                "other or "
                                "any\n"
                                "f:7: [Rule a] Action: 'delete' is not one of the choices, accepted: keep "
                                "or "
                                "reap\n" },
                { "[Rule a]\nMinimumAge=9s\nSuccess=x\nKeepLast=10001\nLogTail=infinity\nRemoveVolumes=no\n",
                                "f:2: [Rule a] MinimumAge: '9s' is out of range, accepted: 10s to infinity\n"
                                "f:3: [Rule a] Success: 'x' is not a time span, accepted: 0 to infinity\n"
                                "f:4: [Rule a] KeepLast: '10001' is out of range, accepted: 0 to 10000, or "
                                "infinity\n"
                                "f:5: [Rule a] LogTail: 'infinity' is not a whole number, accepted: 0 to "
                                "100\n"
                                "f:6: [Rule a] RemoveVolumes: 'no' is not one of the choices, accepted: "
                                "swarm, "
                                "never or always\n" },
                { "[Rule a]\nService=a\n b\n !\n c\n",
                                "f:4: [Rule a] Service: '!' has a lone !, accepted: " ACCEPTED_GLOBS "\n" },

                /* set twice: in one rule, and lists do not count */
                { "[Rule a]\nKind=any\nSuccess=1h\nService=a\nService=b\n[Rule b]\nKind=any\nSuccess=1h\n"
                  "[Retention]\nSuccess=1h\n[Rule a]\nSuccess=2h\nKind=task\nService=c\n",
                                "f:12: notice: [Rule a] Success: set twice, the value of line 3 is dropped "
                                "for that "
                                "of line 12\n"
                                "f:13: notice: [Rule a] Kind: set twice, the value of line 2 is dropped for "
                                "that of "
                                "line 13\n" },

                /* lines that go on nothing */
                { "[Rule a]\n x\nKind=any\n x\nSuccess=1h\n x\n",
                                "f:2: [Rule a]: " INDENTED "f:4: [Rule a]: " INDENTED
                                "f:6: [Rule a]: " INDENTED },
                { "[Rule a]\nService=a\n\n x\n", "f:4: [Rule a]: " INDENTED },
                { "[Rule a]\nService=a\n \t \n x\n", "f:4: [Rule a]: " INDENTED },
                { "[Rule a]\nService=a\n[Rule b]\n x\n", "f:4: [Rule b]: " INDENTED },
                { "[Rule a]\nService=a\n[Retention]\n x\n", "f:4: [Retention]: " INDENTED },
                { "[Rule a]\nKind=any\n Success=1h\n", "f:3: [Rule a] Success: " INDENTED },
                /* what was meant as a line of its own is no glob */
                { "[Rule a]\n Service=a\n", "f:2: [Rule a] Service: " INDENTED },
                { "[Rule a]\nService=a\n  Image=b\n  Success = 1h\n\tMaxStopped=1\n [Rule b]\n [Retention]\n"
                  " [Rule]\n",
                                "f:3: [Rule a] Image: " MISPLACED "f:4: [Rule a] Success: " MISPLACED
                                "f:5: [Rule a] MaxStopped: " MISPLACED "f:6: [Rule a]: " MISPLACED
                                "f:7: [Rule a]: " MISPLACED "f:8: [Rule a]: " MISPLACED },
                { "[Rule a]\nService=\xff\n x\nService=a\n \xff\n x\n",
                                "f:2: [Rule a]: line is not UTF-8, accepted: UTF-8 text\n"
                                "f:5: [Rule a]: line is not UTF-8, accepted: UTF-8 text\n" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_fixture_ Fixture f;

                run(&f, cases[i].text, strlen(cases[i].text));
                assert_faults(&f, cases[i].faults);
        }
}

static void rules_are_limited(void **state) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fixture_ Fixture f;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        (void)state;
        assert_non_null(out);
        for (unsigned i = 0; i < 256; i++)
                fprintf(out, "[Rule %u]\nLogTail=%u\n", i, i % 100);
        fputs("[Rule more]\nKind=x\n x\n[Rule 7]\nKind=any\n", out);
        fclose(out);

        run(&f, text, size);
        assert_faults(&f, "f:513: [Rule more]: is one rule too many, accepted: at most 256 rules\n");
        assert_int_equal(f.settings.n_rules, 256);
        assert_int_equal(f.settings.rules[7].kind, RULE_KIND_ANY);
        for (unsigned i = 0; i < 256; i++)
                assert_int_equal(f.settings.rules[i].values.log_tail, i % 100);
}

static void names_are_trimmed(void **state) {
        static const char text[] =
                        "[Rule a b]\nKind=any\n[Rule  a b ] ; comment\nAction=keep\n[Rule\ta b\t]\n"
                        "[Rule a  b]\n";
        _cleanup_fixture_ Fixture f;

        (void)state;
        run(&f, text, sizeof(text) - 1);
        assert_faults(&f, "");
        assert_int_equal(f.settings.n_rules, 2);
        assert_string_equal(f.settings.rules[0].name, "a b");
        assert_int_equal(f.settings.rules[0].kind, RULE_KIND_ANY);
        assert_int_equal(f.settings.rules[0].action, RULE_ACTION_KEEP);
        assert_int_equal(f.settings.rules[0].origin.line, 1);
        assert_string_equal(f.settings.rules[1].name, "a  b");
}

static void lists_go_on(void **state) {
        static const struct {
                const char *text, *list; /* of Service, each with the line that it stands on */
        } cases[] = {
                { "Service=a\n b\n\tc d", "a@2 b@3 c@4 d@4 " },
                { "Service=a\r\n b\r\n  c\r\n", "a@2 b@3 c@4 " },
                { "Service=\n  a\n  b\n", "a@3 b@4 " },
                { "Service=a\nService=b\n c\n", "a@2 b@3 c@4 " },
                { "Service=a\n b\nService=\n c", "c@5 " },
                { "Service=a\n b\nService=", "" },
                /* comments do not end it, wherever they begin */
                { "Service=a\n# x\n b\n  ; x\n\n", "a@2 b@4 " },
                { "Service=a ; x\n b ; x y\n c\t;", "a@2 b@3 c@4 " },
                { "Service=\n;\n#\n  a;b #c\n", NULL }, /* refused */
                { "Service=\n  a;b c#\n", "a;b@3 c#@3 " },
                { "Service=a\n !b*\n [cd]*\n [Rule\n =x=\n :\n", "a@2 !b*@3 [cd]*@4 [Rule@5 =x=@6 :@7 " },
                { "Service = a\n   b\n", "a@2 b@3 " },
                { "Label=x\n y=z\nService=a\n b\nImage=c\n d\n", "a@4 b@5 " },
                { "Kind=any\nService=a\n\nKind=any\nService=b\n", "a@3 b@6 " },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_fixture_ Fixture f;
                char text[256], list[256] = "";
                const Rule *rule;

                snprintf(text, sizeof(text), "[Rule a]\n%s", cases[i].text);
                run(&f, text, strlen(text));
                rule = f.settings.rules;
                if (!cases[i].list) {
                        assert_int_equal(f.report.n_errors, 1);
                        continue;
                }
                if (f.report.n_errors > 0)
                        fail_msg("%s", f.report.faults[0].text);
                for (size_t k = 0; k < rule->lists[RULE_SERVICE].n; k++) {
                        size_t used = strlen(list);

                        snprintf(list + used, sizeof(list) - used, "%s@%u ",
                                        rule->lists[RULE_SERVICE].texts[k],
                                        rule->lists[RULE_SERVICE].origins[k].line);
                }
                assert_string_equal(list, cases[i].list);
        }
}

/* What a line holds together with the key that it goes on has to fit where the key stands in front of it. */
static void long_lines_are_refused(void **state) {
        (void)state;
        for (size_t n = 180; n < 210; n++)
                for (size_t indent = 1; indent < 12; indent++) {
                        size_t most = indent < 8 ? 190 + indent : 198;
                        char text[512], wanted[256] = "";
                        _cleanup_fixture_ Fixture f;
                        int at;

                        at = snprintf(text, sizeof(text), "[Rule a]\nService=x\n%*s", (int)indent, "");
                        memset(text + at, 'y', n - indent);
                        text[(size_t)at + (n - indent) / 2] = ' ';
                        strcpy(text + at + n - indent, "\n z\n");

                        run(&f, text, strlen(text));
                        if (n > most)
                                snprintf(wanted, sizeof(wanted),
                                                "f:3: [Rule a]: line of %zu bytes is too long, accepted: "
                                                "%zu "
                                                "bytes, more in comments\n",
                                                n, n > 198 ? 198 : most);
                        assert_faults(&f, wanted);
                        assert_int_equal(f.settings.rules->lists[RULE_SERVICE].n, n > most ? 2 : 4);
                }
}

static void values_and_origins_are_kept(void **state) {
        static const char text[] =
                        "[Rule a]\nFailure=2h\nMinimumAge=\nOOMKilled=1h\nOOMKilled=\nAction=reap\n"
                        "[Retention]\nFailure=3h\n";
        _cleanup_fixture_ Fixture f;
        const Rule *rule;

        (void)state;
        run(&f, text, sizeof(text) - 1);
        assert_int_equal(f.report.n_errors, 0);
        rule = f.settings.rules;
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                assert_int_equal(rule->has_value[id], id == SETTING_FAILURE);
        assert_true(rule->values.failure == 2 * USEC_PER_HOUR);
        assert_true(f.settings.retention.failure == 3 * USEC_PER_HOUR);
        assert_string_equal(rule->origins[SETTING_FAILURE].file, "f");
        assert_int_equal(rule->origins[SETTING_FAILURE].line, 2);
        assert_int_equal(rule->origins[SETTING_OOM_KILLED].line, 5);
        assert_true(rule->origins[SETTING_OOM_KILLED].is_default);
        assert_int_equal(rule->action, RULE_ACTION_REAP);
        assert_int_equal(rule->key_origins[RULE_ACTION].line, 6);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(faults_are_told),
                cmocka_unit_test(rules_are_limited),
                cmocka_unit_test(names_are_trimmed),
                cmocka_unit_test(lists_go_on),
                cmocka_unit_test(long_lines_are_refused),
                cmocka_unit_test(values_and_origins_are_kept),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
