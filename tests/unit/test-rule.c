/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/rule-text.h"

#define _cleanup_settings_ _cleanup_(settings_done)

static Rule *add_rule(Settings *s, const char *name) {
        const char *what = "";
        Rule *rule = NULL;

        if (settings_add_rule(s, name, "file", 1, &rule, &what) != 0)
                fail_msg("[Rule %s]: %s", name, what);
        return rule;
}

static void set(Settings *s, Rule *rule, RuleKey key, const char *text) {
        const char *what = "";

        if (rule_set(s, rule, key, text, "file", 7, &what) != 0)
                fail_msg("%s=%s: %s", rule_key_info(key)->key, text, what);
}

static void assert_list(const Rule *rule, RuleKey key, const char *wanted) {
        char text[16 * 1024] = "";

        for (size_t i = 0; i < rule->lists[key].n; i++) {
                strcat(text, i > 0 ? " " : "");
                strcat(text, rule->lists[key].texts[i]);
        }
        assert_string_equal(text, wanted);
}

/* Labels for Subject: "a=1\0b=\0" and a second NUL. */
static const char *get_label(const void *object, const char *key) {
        size_t n = strlen(key);

        for (const char *p = object; *p; p += strlen(p) + 1)
                if (strncmp(p, key, n) == 0 && p[n] == '=')
                        return p + n + 1;

        return NULL;
}

static void the_table_is_sound(void **state) {
        (void)state;
        for (RuleKey key = 0; key < _RULE_KEY_MAX; key++) {
                const RuleKeyInfo *info = rule_key_info(key);

                assert_int_equal(rule_key_find(info->key), key);
                assert_int_equal(info->is_list, key < _RULE_LIST_MAX);
                assert_int_equal(info->is_list, !info->choices);
                assert_true(strlen(info->key) + 1 + RULE_PATTERN_MAX <= 198);
                assert_true(strlen(info->accepted) > 3);
                assert_int_equal(info->help[strlen(info->help) - 1], '.');
                /* a rule has both kinds of keys */
                for (SettingId id = 0; id < _SETTING_MAX; id++)
                        assert_string_not_equal(info->key, setting_info(id)->key);
        }
        assert_int_equal(rule_key_find("service"), _RULE_KEY_INVALID);
        assert_int_equal(rule_key_find("Failure"), _RULE_KEY_INVALID);
        assert_int_equal(rule_key_find(""), _RULE_KEY_INVALID);
}

static void names_are_judged(void **state) {
        static const char sixty_four[] = "0123456789012345678901234567890123456789012345678901234567890123";
        static const struct {
                const char *name, *what;
        } cases[] = {
                { "a", NULL },
                { "a b;c=d#[x\\ \xc3\xa4", NULL },
                { sixty_four, NULL },
                { "", "has no name" },
                { "01234567890123456789012345678901234567890123456789012345678901234", "too long" },
                { "a]", "no header can hold" },
                { "a ;b", "no header can hold" },
                { " a", "has a space" },
                { "a ", "has a space" },
                { "a\nb", "unprintable" },
                { "a\tb", "unprintable" },
                { "a\xff", "unprintable" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_settings_ Settings s = {};
                const char *what = NULL;
                Rule *rule = NULL;
                int r;

                assert_int_equal(settings_init(&s), 0);
                r = settings_add_rule(&s, cases[i].name, "file", 3, &rule, &what);
                if (cases[i].what) {
                        assert_int_equal(r, -EINVAL);
                        assert_non_null(strstr(what, cases[i].what));
                        assert_null(rule);
                        assert_int_equal(
                                        settings_add_rule(&s, cases[i].name, NULL, 0, &rule, NULL), -EINVAL);
                        assert_int_equal(s.n_rules, 0);
                } else {
                        assert_int_equal(r, 0);
                        assert_string_equal(rule->name, cases[i].name);
                        assert_string_equal(rule->origin.file, "file");
                        assert_int_equal(rule->origin.line, 3);
                }
        }
}

static void rules_keep_their_places(void **state) {
        _cleanup_settings_ Settings s = {};
        const char *what = NULL;
        char name[16];
        Rule *rule;

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        for (unsigned i = 0; i < 256; i++) {
                snprintf(name, sizeof(name), "%u", i);
                rule = add_rule(&s, name);
                assert_ptr_equal(rule, &s.rules[i]);
        }

        assert_int_equal(settings_add_rule(&s, "one more", "f", 1, &rule, &what), -ERANGE);
        assert_string_equal(what, "is one rule too many");
        assert_int_equal(s.n_rules, 256);

        for (unsigned i = 256; i-- > 0;) {
                snprintf(name, sizeof(name), "%u", i);
                rule = add_rule(&s, name);
                assert_ptr_equal(rule, &s.rules[i]);
                assert_string_equal(s.rules[i].name, name);
        }
        assert_int_equal(s.n_rules, 256);
}

static void lists_add_up(void **state) {
        _cleanup_settings_ Settings s = {};
        Rule *rule;

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        rule = add_rule(&s, "a");
        for (RuleKey key = 0; key < _RULE_LIST_MAX; key++) {
                set(&s, rule, key, "a");
                set(&s, rule, key, "!b \t c*\vd=e");
                assert_list(rule, key, "a !b c* d=e");

                assert_int_equal(rule_set(&s, rule, key, "a", "other", 9, NULL), 0);
                assert_list(rule, key, "a !b c* d=e a");
                for (size_t i = 0; i < 5; i++) {
                        const SettingOrigin *origin = &rule->lists[key].origins[i];

                        assert_string_equal(origin->file, i < 4 ? "file" : "other");
                        assert_int_equal(origin->line, i < 4 ? 7 : 9);
                        assert_false(origin->is_default);
                }

                set(&s, rule, key, "");
                assert_list(rule, key, "");
                set(&s, rule, key, "");
                set(&s, rule, key, "x");
                assert_list(rule, key, "x");
        }
}

static void other_lists_are_refused(void **state) {
        char longest[RULE_PATTERN_MAX + 2] = "", many[64 * 2 + 1] = "";
        const struct {
                RuleKey key;
                const char *text;
                int error;
                const char *what;
        } cases[] = {
                { RULE_SERVICE, "!", -EINVAL, "has a lone !" },
                { RULE_NAME, "a ! b", -EINVAL, "has a lone !" },
                { RULE_LABEL, "a !", -EINVAL, "has a lone !" },
                { RULE_LABEL, "=a", -EINVAL, "has no key in front of =" },
                { RULE_LABEL, "a=b !=c", -EINVAL, "has no key in front of =" },
                { RULE_SERVICE, "a # comment", -EINVAL, "begins like a comment" },
                { RULE_SERVICE, ";a", -EINVAL, "begins like a comment" },
                { RULE_IMAGE, "a\x1b[2J", -EINVAL, "unprintable" },
                { RULE_IMAGE, "a\xff", -EINVAL, "unprintable" },
                { RULE_STACK, longest, -EINVAL, "more than 190 bytes" },
                { RULE_STACK, many, -ERANGE, "is more than the list holds" },
                { RULE_KIND, "tasks", -EINVAL, "is not one of the choices" },
                { RULE_KIND, "Any", -EINVAL, "is not one of the choices" },
                { RULE_ACTION, "none", -EINVAL, "is not one of the choices" },
                { RULE_ACTION, "keep reap", -EINVAL, "is not one of the choices" },
        };

        (void)state;
        memset(longest, 'a', RULE_PATTERN_MAX + 1);
        for (unsigned i = 0; i < 64; i++)
                strcat(many, "a ");

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_settings_ Settings s = {};
                const char *what = "";
                Rule *rule;
                int r;

                assert_int_equal(settings_init(&s), 0);
                rule = add_rule(&s, "a");
                for (RuleKey key = 0; key < _RULE_LIST_MAX; key++)
                        set(&s, rule, key, "before");
                set(&s, rule, RULE_KIND, "any");
                set(&s, rule, RULE_ACTION, "reap");

                r = rule_set(&s, rule, cases[i].key, cases[i].text, "other", 8, &what);
                if (r != cases[i].error || !strstr(what, cases[i].what))
                        fail_msg("%s=%s: %i, %s", rule_key_info(cases[i].key)->key, cases[i].text, r, what);
                assert_int_equal(rule_set(&s, rule, cases[i].key, cases[i].text, NULL, 0, NULL), r);

                /* nothing has changed */
                for (RuleKey key = 0; key < _RULE_LIST_MAX; key++) {
                        assert_list(rule, key, "before");
                        assert_int_equal(rule->lists[key].origins[0].line, 7);
                }
                assert_int_equal(rule->kind, RULE_KIND_ANY);
                assert_int_equal(rule->action, RULE_ACTION_REAP);
                assert_int_equal(rule->key_origins[RULE_KIND].line, 7);
                assert_int_equal(rule->key_origins[RULE_ACTION].line, 7);

                /* one fewer is fine */
                longest[RULE_PATTERN_MAX] = '\0';
                set(&s, rule, RULE_STACK, longest);
                longest[RULE_PATTERN_MAX] = 'a';
                set(&s, rule, RULE_STACK, "");
                set(&s, rule, RULE_STACK, many);
                assert_int_equal(rule->lists[RULE_STACK].n, 64);
        }
}

static void words_are_read(void **state) {
        _cleanup_settings_ Settings s = {};
        Rule *rule;

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        rule = add_rule(&s, "a");
        assert_string_equal(rule_format(rule, RULE_KIND), "task");
        assert_string_equal(rule_format(rule, RULE_ACTION), "");

        for (RuleKey key = _RULE_LIST_MAX; key < _RULE_KEY_MAX; key++)
                for (unsigned i = 0; rule_key_info(key)->choices[i]; i++) {
                        set(&s, rule, key, rule_key_info(key)->choices[i]);
                        assert_string_equal(rule_format(rule, key), rule_key_info(key)->choices[i]);
                        assert_int_equal(key == RULE_KIND ? (int)rule->kind : (int)rule->action,
                                        key == RULE_KIND ? i : i + 1);
                }

        set(&s, rule, RULE_KIND, "");
        set(&s, rule, RULE_ACTION, "");
        assert_int_equal(rule->kind, RULE_KIND_TASK);
        assert_int_equal(rule->action, RULE_ACTION_NONE);
        assert_string_equal(rule_format(rule, RULE_KIND), rule_key_info(RULE_KIND)->default_text);
        assert_string_equal(rule_format(rule, RULE_ACTION), rule_key_info(RULE_ACTION)->default_text);
}

static void values_are_those_of_sections(void **state) {
        _cleanup_settings_ Settings s = {};
        const char *what = NULL;
        Rule *rule;

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        rule = add_rule(&s, "a");

        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                static const char *const texts[] = { "0", "9s", "7", "100", "101", "10000", "10001",
                        "infinity", "1h 30min", "never", "yes", "x", "-1" };

                if (!setting_info(id)->per_container)
                        continue;
                for (size_t i = 0; i < ELEMENTS_OF(texts); i++) {
                        int r = settings_set(&s, id, texts[i], "file", 1, NULL);
                        bool before = rule->has_value[id];

                        assert_int_equal(rule_set_value(&s, rule, id, texts[i], "rules", 5, &what), r);
                        assert_int_equal(rule->has_value[id], before || r == 0);
                        if (r == 0) {
                                _cleanup_free_ char *one = settings_format(&s, id),
                                                    *other = rule_format_value(rule, id);

                                assert_string_equal(one, other);
                        }
                }
                assert_true(rule->has_value[id]);
                assert_string_equal(rule->origins[id].file, "rules");
                assert_int_equal(rule->origins[id].line, 5);
        }

        assert_int_equal(rule_set_value(&s, rule, SETTING_MINIMUM_AGE, "9s", NULL, 0, &what), -ERANGE);
        assert_string_equal(what, "is out of range");
        /* none has written into another's place */
        assert_memory_equal(&rule->values, &s.retention, sizeof(Retention));

        for (SettingId id = 0; id < _SETTING_MAX; id++)
                if (setting_info(id)->per_container) {
                        assert_int_equal(rule_set_value(&s, rule, id, "", "rules", 6, NULL), 0);
                        assert_false(rule->has_value[id]);
                        assert_true(rule->origins[id].is_default);
                }
}

static const char labels_text[] = "a=1\0b=\0com.x=y=z\0";

static void conditions_all_have_to_hold(void **state) {
        static const struct {
                RuleKey key;
                const char *text;
                bool task, other; /* does it match this task, this other container? */
        } cases[] = {
                { RULE_SERVICE, "web", true, false },
                { RULE_SERVICE, "w*", true, false },
                { RULE_SERVICE, "web2", false, false },
                { RULE_SERVICE, "Web", false, false },
                { RULE_SERVICE, "x web", true, false },
                { RULE_SERVICE, "!web", false, true },
                { RULE_SERVICE, "!x", true, true },
                { RULE_SERVICE, "* !w*", false, false },
                { RULE_SERVICE, "!w* *", false, false },
                { RULE_SERVICE, "!x* *", true, false },
                { RULE_SERVICE, "!x !y", true, true },
                { RULE_SERVICE, "*", true, false },
                { RULE_STACK, "shop", true, false },
                { RULE_STACK, "!shop", false, true },
                { RULE_NAME, "web.1.*", true, false },
                { RULE_NAME, "ci-[0-9]", false, true },
                { RULE_NAME, "ci-? web.*", true, true },
                { RULE_IMAGE, "reg/a:*", true, true },
                { RULE_IMAGE, "a:*", false, false },

                { RULE_LABEL, "a", true, true },
                { RULE_LABEL, "a=1", true, true },
                { RULE_LABEL, "a=?", true, true },
                { RULE_LABEL, "a=2", false, false },
                { RULE_LABEL, "!a=2", true, true },
                { RULE_LABEL, "!a", false, false },
                { RULE_LABEL, "b", true, true },
                { RULE_LABEL, "b=", true, true },
                { RULE_LABEL, "b=?*", false, false },
                { RULE_LABEL, "c", false, false },
                { RULE_LABEL, "!c", true, true },
                { RULE_LABEL, "!c=*", true, true },
                { RULE_LABEL, "c=*", false, false },
                { RULE_LABEL, "A", false, false },
                { RULE_LABEL, "*", false, false }, /* a key is no glob */
                { RULE_LABEL, "com.x=y=z", true, true },
                { RULE_LABEL, "com.x=y", false, false },
                { RULE_LABEL, "com.x=y=*", true, true },
                /* all entries, other than in the other lists */
                { RULE_LABEL, "a=1 b", true, true },
                { RULE_LABEL, "a=1 c", false, false },
                { RULE_LABEL, "a=1 a=2", false, false },
                { RULE_LABEL, "a=1 !c", true, true },

                { RULE_KIND, "task", true, false },
                { RULE_KIND, "other", false, true },
                { RULE_KIND, "any", true, true },
        };
        const Labels labels = { .object = labels_text, .get = get_label };
        const Subject task = { .is_task = true,
                .service = "web",
                .stack = "shop",
                .name = "web.1.x1",
                .image = "reg/a:1",
                .labels = &labels };
        /* it has the labels of a task */
        const Subject other = {
                .service = "web", .stack = "shop", .name = "ci-7", .image = "reg/a:1", .labels = &labels
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_settings_ Settings s = {};
                Rule *rule;

                assert_int_equal(settings_init(&s), 0);
                rule = add_rule(&s, "a");
                set(&s, rule, RULE_KIND, "any");
                set(&s, rule, cases[i].key, cases[i].text);
                if (rule_matches(rule, &task) != cases[i].task ||
                                rule_matches(rule, &other) != cases[i].other)
                        fail_msg("%s=%s", rule_key_info(cases[i].key)->key, cases[i].text);

                /* with another condition, which does not hold */
                set(&s, rule, cases[i].key == RULE_NAME ? RULE_IMAGE : RULE_NAME, "nothing");
                assert_false(rule_matches(rule, &task));
                assert_false(rule_matches(rule, &other));
        }
}

static void what_is_not_told_matches_no_glob(void **state) {
        _cleanup_settings_ Settings s = {};
        const Subject nothing = { .is_task = true };
        Rule *rule;

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        rule = add_rule(&s, "a");
        assert_true(rule_matches(rule, &nothing));
        for (RuleKey key = 0; key < _RULE_LIST_MAX; key++) {
                set(&s, rule, key, "!*");
                assert_true(rule_matches(rule, &nothing));
                set(&s, rule, key, "*");
                assert_false(rule_matches(rule, &nothing));
                set(&s, rule, key, "");
        }
}

static void the_first_that_matches_counts(void **state) {
        const Labels labels = { .object = labels_text, .get = get_label };
        Subject subject = { .is_task = true, .service = "web", .name = "web.1.x", .labels = &labels };
        _cleanup_settings_ Settings s = {};

        (void)state;
        assert_int_equal(settings_init(&s), 0);
        assert_null(rule_find(&s, &subject));
        set(&s, add_rule(&s, "one"), RULE_SERVICE, "w*");
        set(&s, add_rule(&s, "two"), RULE_SERVICE, "*");
        set(&s, add_rule(&s, "three"), RULE_KIND, "other");

        assert_string_equal(rule_find(&s, &subject)->name, "one");
        subject.service = "db";
        assert_string_equal(rule_find(&s, &subject)->name, "two");
        subject.service = NULL;
        assert_null(rule_find(&s, &subject));
        subject.is_task = false;
        assert_string_equal(rule_find(&s, &subject)->name, "three");
}

static void only_some_rules_reap_others(void **state) {
        static const char *const kinds[] = { "task", "other", "any" }, *const actions[] = { "", "keep",
                "reap" };

        (void)state;
        for (size_t kind = 0; kind < 3; kind++)
                for (size_t action = 0; action < 3; action++) {
                        _cleanup_settings_ Settings s = {};
                        Rule *rule;

                        assert_int_equal(settings_init(&s), 0);
                        assert_false(settings_reap_others(&s));
                        (void)add_rule(&s, "before");
                        rule = add_rule(&s, "a");
                        set(&s, rule, RULE_KIND, kinds[kind]);
                        set(&s, rule, RULE_ACTION, actions[action]);
                        (void)add_rule(&s, "behind");
                        assert_int_equal(settings_reap_others(&s), kind > 0 && action == 2);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_table_is_sound),
                cmocka_unit_test(names_are_judged),
                cmocka_unit_test(rules_keep_their_places),
                cmocka_unit_test(lists_add_up),
                cmocka_unit_test(other_lists_are_refused),
                cmocka_unit_test(words_are_read),
                cmocka_unit_test(values_are_those_of_sections),
                cmocka_unit_test(conditions_all_have_to_hold),
                cmocka_unit_test(what_is_not_told_matches_no_glob),
                cmocka_unit_test(the_first_that_matches_counts),
                cmocka_unit_test(only_some_rules_reap_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
