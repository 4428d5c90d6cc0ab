/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "base/cleanup.h"
#include "core/glob.h"
#include "core/rule.h"

#define ACCEPTED_GLOBS "globs with white space between them, ! in front negates, at most 64"

static const char *const kind_names[] = {
        [RULE_KIND_TASK] = "task",
        [RULE_KIND_OTHER] = "other",
        [RULE_KIND_ANY] = "any",
        NULL,
};

/* Without a word for none: that is the empty value. */
static const char *const action_names[] = {
        [RULE_ACTION_KEEP - 1] = "keep",
        [RULE_ACTION_REAP - 1] = "reap",
        NULL,
};

static const RuleKeyInfo table[] = {
        [RULE_SERVICE] = {
                .key = "Service",
                .is_list = true,
                .default_text = "",
                .accepted = ACCEPTED_GLOBS,
                .help = "Names of services; only tasks have one.",
        },
        [RULE_STACK] = {
                .key = "Stack",
                .is_list = true,
                .default_text = "",
                .accepted = ACCEPTED_GLOBS,
                .help = "Names of stacks; only tasks have one.",
        },
        [RULE_NAME] = {
                .key = "Name",
                .is_list = true,
                .default_text = "",
                .accepted = ACCEPTED_GLOBS,
                .help = "Names of containers.",
        },
        [RULE_IMAGE] = {
                .key = "Image",
                .is_list = true,
                .default_text = "",
                .accepted = ACCEPTED_GLOBS,
                .help = "Names of images, as the engine lists them.",
        },
        [RULE_LABEL] = {
                .key = "Label",
                .is_list = true,
                .default_text = "",
                .accepted = "KEY or KEY=GLOB with white space between them, ! in front negates, at most 64",
                .help = "Labels of the container; all entries have to hold.",
        },
        [RULE_KIND] = {
                .key = "Kind",
                .choices = kind_names,
                .default_text = "task",
                .accepted = "task, other or any",
                .help = "Whether the rule is about Swarm tasks, other containers, or both.",
        },
        [RULE_ACTION] = {
                .key = "Action",
                .choices = action_names,
                .default_text = "",
                .accepted = "keep or reap",
                .help = "Keep the containers, or let in those that are no Swarm tasks.",
        },
};

_Static_assert(ELEMENTS_OF(table) == _RULE_KEY_MAX, "a row for each key");

const RuleKeyInfo *rule_key_info(RuleKey key) {
        return &table[key];
}

RuleKey rule_key_find(const char *key) {
        for (RuleKey k = 0; k < _RULE_KEY_MAX; k++)
                if (strcmp(table[k].key, key) == 0)
                        return k;

        return _RULE_KEY_INVALID;
}

bool patterns_match(const Patterns *list, const char *text) {
        bool wanted = false, found = false;

        for (size_t i = 0; i < list->n; i++) {
                bool negated = list->texts[i][0] == '!';
                bool matches = text && glob_match(list->texts[i] + negated, text);

                if (negated && matches)
                        return false;
                wanted = wanted || !negated;
                found = found || (!negated && matches);
        }

        return found || !wanted;
}

/* KEY or KEY=GLOB, without a `!`. */
static bool label_matches(const char *entry, const Labels *labels) {
        const char *separator = strchr(entry, '='), *value;
        char key[RULE_PATTERN_MAX + 1];
        size_t n_key = separator ? (size_t)(separator - entry) : strlen(entry);

        memcpy(key, entry, n_key);
        key[n_key] = '\0';

        value = labels ? labels_get(labels, key) : NULL;
        return value && (!separator || glob_match(separator + 1, value));
}

static bool labels_match(const Patterns *list, const Labels *labels) {
        for (size_t i = 0; i < list->n; i++) {
                bool negated = list->texts[i][0] == '!';

                if (label_matches(list->texts[i] + negated, labels) == negated)
                        return false;
        }

        return true;
}

bool rule_matches(const Rule *rule, const Subject *subject) {
        if (rule->kind != RULE_KIND_ANY && (rule->kind == RULE_KIND_TASK) != subject->is_task)
                return false;

        /* Anybody can give a container the labels of a task. */
        return patterns_match(&rule->lists[RULE_SERVICE], subject->is_task ? subject->service : NULL) &&
               patterns_match(&rule->lists[RULE_STACK], subject->is_task ? subject->stack : NULL) &&
               patterns_match(&rule->lists[RULE_NAME], subject->name) &&
               patterns_match(&rule->lists[RULE_IMAGE], subject->image) &&
               labels_match(&rule->lists[RULE_LABEL], subject->labels);
}

const Rule *rule_find(const Settings *settings, const Subject *subject) {
        for (size_t i = 0; i < settings->n_rules; i++)
                if (rule_matches(&settings->rules[i], subject))
                        return &settings->rules[i];

        return NULL;
}
