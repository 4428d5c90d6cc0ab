/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_RULE_TEXT_H
#define REAPERD_CORE_RULE_TEXT_H

/*
 * Rules as text: what core/settings does for sections, for [Rule NAME]. Values of [Retention] are read by
 * the same code in both.
 */

#include "core/rule.h"

/* What stands behind "accepted:" in messages about a rule's name and about the number of rules. */
#define RULE_NAME_ACCEPTED \
        "[Rule NAME] with a name of 1 to 64 printable bytes, no ] and no semicolon behind a space"
#define RULES_ACCEPTED "at most 256 rules"

/* The rule of this name; if there is none yet, it comes into being behind the others, and `file` and
 * `line` say where. *ret is good until another rule comes into being. Returns 0; -EINVAL if the name is
 * not accepted or -ERANGE if there are RULES_MAX others, with *ret_what (may be NULL) as settings_set()
 * tells; -ENOMEM. */
int settings_add_rule(Settings *s, const char *name, const char *file, unsigned line, Rule **ret,
                const char **ret_what);

/* Sets a key that only rules have, as settings_set() does, for a rule of *s. The text of a list is added
 * to what the list holds, whole or not at all; an empty one clears it. For rule_key_info()->accepted. */
int rule_set(Settings *s, Rule *rule, RuleKey key, const char *text, const char *file, unsigned line,
                const char **ret_what);

/* Sets a value of a setting that has per_container. The empty text takes it out of the rule again. */
int rule_set_value(Settings *s, Rule *rule, SettingId id, const char *text, const char *file, unsigned line,
                const char **ret_what);

/* A key that is no list as text; empty for its default where that is no word (Action=). Returns a static
 * text. */
const char *rule_format(const Rule *rule, RuleKey key);

/* A value that the rule has. Returns a new string, NULL if out of memory. */
char *rule_format_value(const Rule *rule, SettingId id);

/* Why the rule changes nothing for the containers that it matches (but that no later rule is asked), as a
 * static text to stand behind its name; NULL if it does change something. */
const char *rule_without_effect(const Rule *rule);

/* Releases what is inside and zeroes it. */
void rule_done(Rule *rule);

#endif
