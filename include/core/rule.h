/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_RULE_H
#define REAPERD_CORE_RULE_H

/*
 * A [Rule NAME] section: which containers it is about, and what holds for them. Of several rules the first
 * whose conditions all hold counts, and only that one.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/facts.h"
#include "core/settings.h"

typedef enum RuleKey {
        /* conditions that are lists of globs */
        RULE_SERVICE,
        RULE_STACK,
        RULE_NAME,
        RULE_IMAGE,
        RULE_LABEL,
        _RULE_LIST_MAX,
        RULE_KIND = _RULE_LIST_MAX,
        /* effects */
        RULE_ACTION,
        _RULE_KEY_MAX,
        _RULE_KEY_INVALID = -1,
} RuleKey;

typedef enum RuleKind {
        RULE_KIND_TASK, /* Swarm tasks by the engine's own flag */
        RULE_KIND_OTHER,
        RULE_KIND_ANY,
} RuleKind;

typedef enum RuleAction {
        RULE_ACTION_NONE, /* only the values */
        RULE_ACTION_KEEP,
        RULE_ACTION_REAP, /* in scope; says nothing new about tasks */
} RuleAction;

/* As SettingInfo, for the keys that only rules have. */
typedef struct RuleKeyInfo {
        const char *key;
        bool is_list;
        const char *const *choices; /* unless it is a list: the accepted words, NULL-terminated */
        const char *default_text;
        const char *accepted;
        const char *help;
} RuleKeyInfo;

const RuleKeyInfo *rule_key_info(RuleKey key);
RuleKey rule_key_find(const char *key);

/* A list of globs. It holds if one of those without `!` matches, or there is none such, and none of those
 * with `!` does. An empty list always holds. */
typedef struct Patterns {
        char **texts; /* owned, each; as given, a leading `!` negates */
        size_t n;
        SettingOrigin *origins; /* of each, owned */
} Patterns;

#define RULE_NAME_MAX     64  /* bytes */
#define RULE_PATTERNS_MAX 64  /* in one list */
#define RULE_PATTERN_MAX  190 /* bytes of one, so that a line of a file holds any of them with its key */
#define RULES_MAX         256

struct Rule {
        char *name;           /* owned */
        SettingOrigin origin; /* its first header */
        Patterns lists[_RULE_LIST_MAX];
        RuleKind kind;
        RuleAction action;
        Retention values; /* where has_value is set */
        bool has_value[_SETTING_MAX];
        SettingOrigin origins[_SETTING_MAX];
        SettingOrigin key_origins[_RULE_KEY_MAX]; /* but of lists: each of their texts has its own */
};

/* What a rule looks at. NULL: not told, which no glob without `!` matches. */
typedef struct Subject {
        bool is_task;
        const char *service; /* of a task only */
        const char *stack;   /* of a task only: com.docker.stack.namespace */
        const char *name;    /* the container's */
        const char *image;
        const Labels *labels;
} Subject;

/* Do all conditions hold? */
bool rule_matches(const Rule *rule, const Subject *subject);

/* The first that matches, or NULL. */
const Rule *rule_find(const Settings *settings, const Subject *subject);

/* Does a list hold for a text (NULL: not told)? For RULE_LABEL see rule_matches(). */
bool patterns_match(const Patterns *list, const char *text);

#endif
