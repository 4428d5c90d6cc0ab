/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "core/rule-text.h"
#include "core/setting-value.h"

static void patterns_done(Patterns *list) {
        for (size_t i = 0; i < list->n; i++)
                free(list->texts[i]);

        free(list->texts);
        free(list->origins);
        *list = (Patterns){};
}

/* What is wrong with a rule's name, or NULL. */
static const char *judge_name(const char *name) {
        size_t n = strlen(name);

        if (n == 0)
                return "has no name";
        if (n > RULE_NAME_MAX)
                return "has a name that is too long";
        if (!utf8_is_printable(name))
                return "has unprintable characters in its name";
        /* --print-config could not write these. */
        if (strchr(name, ']') || strstr(name, " ;"))
                return "has a name that no header can hold";
        if (name[0] == ' ' || name[n - 1] == ' ')
                return "has a space at an end of its name";

        return NULL;
}

int settings_add_rule(Settings *s, const char *name, const char *file, unsigned line, Rule **ret,
                const char **ret_what) {
        const char *ignored, **what = ret_what ? ret_what : &ignored, *wrong = judge_name(name);
        Rule rule = { .origin.line = line };
        Rule *rules;

        if (wrong) {
                *what = wrong;
                return -EINVAL;
        }

        for (size_t i = 0; i < s->n_rules; i++)
                if (strcmp(s->rules[i].name, name) == 0) {
                        *ret = &s->rules[i];
                        return 0;
                }

        if (s->n_rules >= RULES_MAX) {
                *what = "is one rule too many";
                return -ERANGE;
        }

        if (file) {
                rule.origin.file = settings_add_file(s, file);
                if (!rule.origin.file)
                        return -ENOMEM;
        }

        rules = reallocarray(s->rules, s->n_rules + 1, sizeof(Rule));
        if (!rules)
                return -ENOMEM;
        s->rules = rules;

        for (RuleKey key = 0; key < _RULE_KEY_MAX; key++)
                rule.key_origins[key].is_default = true;
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                rule.origins[id].is_default = true;

        rule.name = strdup(name);
        if (!rule.name)
                return -ENOMEM;

        rules[s->n_rules] = rule;
        *ret = &rules[s->n_rules++];
        return 0;
}

/* What is wrong with one of a list's words, or NULL. */
static const char *judge_pattern(RuleKey key, const char *pattern) {
        const char *glob = pattern + (pattern[0] == '!');

        if (*glob == '\0')
                return "has a lone !";
        if (strlen(pattern) > RULE_PATTERN_MAX)
                return "has a glob of more than 190 bytes";
        if (!utf8_is_printable(pattern))
                return "has unprintable characters";
        /* The one would be a comment in a file, the other is meant as one: its words would be globs. */
        if (pattern[0] == ';' || pattern[0] == '#')
                return "has a glob that begins like a comment ([;] and [#] stand for the character)";
        if (key == RULE_LABEL && *glob == '=')
                return "has no key in front of =";

        return NULL;
}

/* Splits the text into words, which have to be fine and not too many together with `n_before` others.
 * *list, empty at first, is the caller's to release, on failure too. */
static int parse_patterns(
                RuleKey key, const char *text, size_t n_before, Patterns *list, const char **ret_what) {
        list->texts = calloc(RULE_PATTERNS_MAX, sizeof(char *));
        if (!list->texts)
                return -ENOMEM;

        for (;;) {
                const char *wrong;
                size_t n = 0;

                while (isspace((unsigned char)*text))
                        text++;
                while (text[n] && !isspace((unsigned char)text[n]))
                        n++;
                if (n == 0)
                        return 0;

                if (n_before + list->n >= RULE_PATTERNS_MAX) {
                        *ret_what = "is more than the list holds";
                        return -ERANGE;
                }

                list->texts[list->n] = strndup(text, n);
                if (!list->texts[list->n])
                        return -ENOMEM;
                wrong = judge_pattern(key, list->texts[list->n++]);
                if (wrong) {
                        *ret_what = wrong;
                        return -EINVAL;
                }
                text += n;
        }
}

static int add_patterns(Patterns *list, RuleKey key, const char *text, const SettingOrigin *origin,
                const char **ret_what) {
        _cleanup_(patterns_done) Patterns more = {};
        SettingOrigin *origins;
        char **texts;
        int r;

        r = parse_patterns(key, text, list->n, &more, ret_what);
        if (r < 0 || more.n == 0)
                return r;

        origins = reallocarray(list->origins, list->n + more.n, sizeof(SettingOrigin));
        if (!origins)
                return -ENOMEM;
        list->origins = origins;

        texts = reallocarray(list->texts, list->n + more.n, sizeof(char *));
        if (!texts)
                return -ENOMEM;
        list->texts = texts;

        for (size_t i = 0; i < more.n; i++) {
                origins[list->n] = *origin;
                texts[list->n++] = more.texts[i];
        }
        more.n = 0;
        return 0;
}

/* The number of the word among the `n` choices. */
static int parse_word(
                const RuleKeyInfo *info, size_t n, const char *text, size_t *ret, const char **ret_what) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(info->choices[i], text) == 0) {
                        *ret = i;
                        return 0;
                }

        *ret_what = "is not one of the choices";
        return -EINVAL;
}

static int set_kind(Rule *rule, const char *text, const char **ret_what) {
        static const RuleKind kinds[] = { RULE_KIND_TASK, RULE_KIND_OTHER, RULE_KIND_ANY };
        size_t word = 0;
        int r;

        r = *text ? parse_word(rule_key_info(RULE_KIND), ELEMENTS_OF(kinds), text, &word, ret_what) : 0;
        if (r < 0)
                return r;

        rule->kind = kinds[word];
        return 0;
}

static int set_action(Rule *rule, const char *text, const char **ret_what) {
        static const RuleAction actions[] = { RULE_ACTION_KEEP, RULE_ACTION_REAP };
        size_t word = 0;
        int r;

        r = *text ? parse_word(rule_key_info(RULE_ACTION), ELEMENTS_OF(actions), text, &word, ret_what) : 0;
        if (r < 0)
                return r;

        rule->action = *text ? actions[word] : RULE_ACTION_NONE;
        return 0;
}

/* The origin of what such a text sets. */
static int make_origin(Settings *s, const char *text, const char *file, unsigned line, SettingOrigin *ret) {
        SettingOrigin origin = { .line = line, .is_default = text[0] == '\0' };

        if (file) {
                origin.file = settings_add_file(s, file);
                if (!origin.file)
                        return -ENOMEM;
        }

        *ret = origin;
        return 0;
}

int rule_set(Settings *s, Rule *rule, RuleKey key, const char *text, const char *file, unsigned line,
                const char **ret_what) {
        const char *ignored, **what = ret_what ? ret_what : &ignored;
        SettingOrigin origin;
        int r;

        r = make_origin(s, text, file, line, &origin);
        if (r < 0)
                return r;

        if (rule_key_info(key)->is_list) {
                if (!origin.is_default)
                        return add_patterns(&rule->lists[key], key, text, &origin, what);
                patterns_done(&rule->lists[key]);
                return 0;
        }

        r = key == RULE_KIND ? set_kind(rule, text, what) : set_action(rule, text, what);
        if (r < 0)
                return r;

        rule->key_origins[key] = origin;
        return 0;
}

int rule_set_value(Settings *s, Rule *rule, SettingId id, const char *text, const char *file, unsigned line,
                const char **ret_what) {
        const char *ignored;
        SettingOrigin origin;
        SettingValue v;
        int r;

        r = make_origin(s, text, file, line, &origin);
        if (r < 0)
                return r;

        if (!origin.is_default) {
                r = setting_value_parse(setting_info(id), text, &v, ret_what ? ret_what : &ignored);
                if (r < 0)
                        return r;
                setting_value_store(setting_info(id), (char *)&rule->values + retention_offset(id), &v);
        }

        rule->has_value[id] = !origin.is_default;
        rule->origins[id] = origin;
        return 0;
}

const char *rule_format(const Rule *rule, RuleKey key) {
        if (key == RULE_KIND)
                return rule_key_info(key)->choices[rule->kind];
        return rule->action == RULE_ACTION_NONE ? "" : rule_key_info(key)->choices[rule->action - 1];
}

char *rule_format_value(const Rule *rule, SettingId id) {
        return setting_value_format(setting_info(id), (const char *)&rule->values + retention_offset(id));
}

const char *rule_without_effect(const Rule *rule) {
        bool has_value = false;

        for (SettingId id = 0; id < _SETTING_MAX; id++)
                has_value = has_value || rule->has_value[id];

        switch (rule->action) {
        case RULE_ACTION_KEEP:
                return NULL;
        case RULE_ACTION_REAP:
                if (rule->kind == RULE_KIND_TASK && !has_value)
                        return "has no effect, as tasks are let go without Action=reap, and it is about no "
                               "others "
                               "without Kind=other or any";
                return NULL;
        default:
                if (!has_value)
                        return "has no effect, as it sets neither Action= nor any value";
                if (rule->kind == RULE_KIND_OTHER)
                        return "has no effect, as containers that are no tasks are left alone without "
                               "Action=reap";
                return NULL;
        }
}

void rule_done(Rule *rule) {
        for (RuleKey key = 0; key < _RULE_LIST_MAX; key++)
                patterns_done(&rule->lists[key]);

        free(rule->name);
        *rule = (Rule){};
}
