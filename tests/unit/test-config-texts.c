/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The texts that people read and copy from are held against the table and the parser: conf/reaperd.conf,
 * the manual and README.md. To be run in the project's folder.
 */

#include "config-file-fixture.h"

/* Reads a file of the project. */
static char *slurp(const char *path) {
        FILE *f = fopen(path, "r");
        char *text = NULL;
        size_t size = 0;

        if (!f)
                fail_msg("%s: %s (this test runs in the project's folder)", path, strerror(errno));
        if (getdelim(&text, &size, '\0', f) < 0)
                fail_msg("%s is empty", path);
        fclose(f);
        return text;
}

/* Takes the comment sign from each key and header. */
static void uncomment(char *text) {
        for (char *line = text; (line = strstr(line, "\n#")); line++)
                if ((line[2] >= 'A' && line[2] <= 'Z') || line[2] == '[')
                        memmove(line + 1, line + 2, strlen(line + 2) + 1);
}

static void the_shipped_file_holds_the_defaults(void **state) {
        _cleanup_free_ char *text = slurp("conf/reaperd.conf");
        _cleanup_loaded_ Loaded defaults = load(NULL);
        const char *section = NULL, *p = text;

        (void)state;

        /* As it is: accepted, and sets nothing. */
        put("/own.conf", text);
        _cleanup_loaded_ Loaded shipped = load(at("/own.conf"));
        assert_loaded(&shipped);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                assert_null(shipped.settings.origins[id].file);

        /* Every setting stands in its section, in the table's order, with its default. */
        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                const SettingInfo *info = setting_info(id);
                char wanted[256];

                if (!section || strcmp(section, info->section) != 0) {
                        section = info->section;
                        snprintf(wanted, sizeof(wanted), "\n[%s]\n", section);
                        p = strstr(p, wanted);
                        if (!p)
                                fail_msg("no %s", wanted);
                }
                snprintf(wanted, sizeof(wanted), "\n#%s=%s\n", info->key, info->default_text);
                p = strstr(p, wanted);
                if (!p)
                        fail_msg("no %s", wanted);
        }

        /* With the comment signs taken away: all of them set, to the same values, and nothing is left
         * over. */
        uncomment(text);
        put("/own.conf", text);
        _cleanup_loaded_ Loaded set = load(at("/own.conf"));
        assert_loaded(&set);
        assert_same_values(&set.settings, &defaults.settings);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                assert_non_null(set.settings.origins[id].file);
        assert_in_range(set.settings.n_rules, 1, 10);
}

static bool contains(const char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool contains(const char *text, const char *format, ...) {
        char wanted[512];
        va_list ap;

        va_start(ap, format);
        vsnprintf(wanted, sizeof(wanted), format, ap);
        va_end(ap);
        return strstr(text, wanted) != NULL;
}

/* A part of the text: behind the header of its section, from one line on to that where the next begins. */
static char *entry_of(const char *text, const char *section, const char *line, const char *next) {
        const char *begin = strstr(text, section), *end;

        if (!begin || !(begin = strstr(begin, line)))
                return NULL;
        end = strstr(begin + 1, next);
        return end ? strndup(begin, (size_t)(end - begin)) : strdup(begin);
}

static char *entry_in_manual(const char *manual, const SettingInfo *info) {
        char section[64], key[64], item[256];
        int points = info->distance / 100;

        snprintf(section, sizeof(section), "\n.Ss Section %s\n", info->section);
        snprintf(key, sizeof(key), "\n.It Cm %s Ns = ", info->key);
        if (info->follows == _SETTING_INVALID)
                snprintf(item, sizeof(item), "%sNs Cm %s\n", key, info->default_text);
        else if (points == 0)
                snprintf(item, sizeof(item), "%sPq as Cm %s\n", key, setting_info(info->follows)->key);
        else
                snprintf(item, sizeof(item), "%sPq %d points %s Cm %s\n", key, abs(points),
                                points > 0 ? "above" : "below", setting_info(info->follows)->key);
        return entry_of(manual, section, item, "\n.It Cm ");
}

/* Backwards: a setting stands below what is said of it. */
static char *entry_in_shipped(const char *shipped, const SettingInfo *info) {
        char section[64], line[256];
        const char *begin, *end;

        snprintf(section, sizeof(section), "\n[%s]\n", info->section);
        snprintf(line, sizeof(line), "\n#%s=%s\n", info->key, info->default_text);
        if (!(begin = strstr(shipped, section)) || !(end = strstr(begin, line)))
                return NULL;
        for (begin = end; strncmp(begin, "\n\n", 2) != 0;)
                begin--;
        return strndup(begin, (size_t)(end - begin));
}

/* The manual and the shipped file say of each setting what the table says. */
static void the_texts_say_what_the_table_says(void **state) {
        _cleanup_free_ char *manual = slurp("man/reaperd.conf.5"), *shipped = slurp("conf/reaperd.conf");

        (void)state;
        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                const SettingInfo *info = setting_info(id);
                _cleanup_free_ char *in_manual = entry_in_manual(manual, info),
                                    *in_shipped = entry_in_shipped(shipped, info);

                if (!in_manual)
                        fail_msg("[%s]: the manual has no %s, or another default", info->section, info->key);
                if (!in_shipped)
                        fail_msg("[%s]: the shipped file has no %s", info->section, info->key);

                /* Spans without a range of their own are told of once, above them. */
                if (info->type == SETTING_TYPE_ENDPOINT || info->type == SETTING_TYPE_PATH ||
                                (info->type == SETTING_TYPE_SPAN && info->min == 0 &&
                                                info->max == USEC_INFINITY))
                        continue;
                if (info->type == SETTING_TYPE_CHOICE) {
                        for (size_t i = 0; info->choices[i]; i++)
                                if (!contains(in_shipped, "\"%s\"", info->choices[i]) ||
                                                !contains(in_manual, "\n.Cm %s", info->choices[i]))
                                        fail_msg("%s: not both texts say %s", info->key, info->choices[i]);
                        continue;
                }
                if (!contains(in_shipped, "(%s", info->accepted))
                        fail_msg("%s: the shipped file does not say %s", info->key, info->accepted);
                if (!contains(in_manual, "\n%s", info->accepted))
                        fail_msg("%s: the manual does not say %s", info->key, info->accepted);
        }

        for (RuleKey key = 0; key < _RULE_KEY_MAX; key++) {
                const RuleKeyInfo *info = rule_key_info(key);

                if (!contains(manual, "\n.It Cm %s Ns = Ns %s", info->key,
                                    !info->is_list      ? "Cm "
                                    : key == RULE_LABEL ? "Ar key"
                                                        : "Ar glob ...\n"))
                        fail_msg("the manual has no %s", info->key);
                if (!contains(shipped, "%s", info->key))
                        fail_msg("the shipped file has no %s", info->key);
                for (size_t i = 0; info->choices && info->choices[i]; i++)
                        if (!contains(manual, "\n.Cm %s", info->choices[i]))
                                fail_msg("%s: the manual does not say %s", info->key, info->choices[i]);
        }
}

/* Each key of the manual has an example below it that is accepted, and is not the default. */
static void the_manuals_examples_are_accepted(void **state) {
        _cleanup_free_ char *manual = slurp("man/reaperd.conf.5");
        _cleanup_loaded_ Loaded l = load(NULL);
        unsigned n_found[(int)_SETTING_MAX + (int)_RULE_KEY_MAX] = {};
        const char *what = NULL, *section = "";
        char *save = NULL;
        Rule *rule;

        (void)state;
        assert_int_equal(settings_add_rule(&l.settings, "a", NULL, 0, &rule, NULL), 0);

        for (char *line = strtok_r(manual, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                static const char header[] = ".Ss Section ", begin[] = ".Dl ";
                char *key = line + strlen(begin), *value;

                if (strncmp(line, header, strlen(header)) == 0)
                        section = line + strlen(header);
                if (strncmp(line, begin, strlen(begin)) != 0 || !(value = strchr(key, '=')))
                        continue;
                *value++ = '\0';
                for (SettingId id = 0; id < _SETTING_MAX; id++) {
                        _cleanup_free_ char *before = settings_format(&l.settings, id), *after = NULL;

                        if (strcmp(setting_info(id)->key, key) != 0 ||
                                        strcmp(setting_info(id)->section, section) != 0)
                                continue;
                        if (settings_set(&l.settings, id, value, NULL, 0, &what) < 0)
                                fail_msg("%s=%s: %s", key, value, what);
                        after = settings_format(&l.settings, id);
                        assert_string_not_equal(before, after);
                        n_found[id]++;
                }
                if (rule_key_find(key) != _RULE_KEY_INVALID) {
                        if (rule_set(&l.settings, rule, rule_key_find(key), value, NULL, 0, &what) < 0)
                                fail_msg("%s=%s: %s", key, value, what);
                        n_found[(int)_SETTING_MAX + (int)rule_key_find(key)]++;
                }
        }

        for (size_t i = 0; i < ELEMENTS_OF(n_found); i++)
                if (n_found[i] == 0)
                        fail_msg("no example of %s",
                                        i < _SETTING_MAX ? setting_info((SettingId)i)->key
                                                         : rule_key_info((RuleKey)(i - _SETTING_MAX))->key);
}

/* Loads each block of the file's text that stands between such lines; returns how many there are. */
static unsigned load_blocks(const char *path, const char *begin, const char *end) {
        _cleanup_free_ char *text = slurp(path);
        unsigned n = 0;

        for (char *p = text; (p = strstr(p, begin)); n++) {
                char *block = p + strlen(begin);

                p = strstr(block, end);
                assert_non_null(p);
                *p++ = '\0';
                put("/block.conf", block);
                _cleanup_loaded_ Loaded l = load(at("/block.conf"));
                if (l.report.n_faults > 0)
                        fail_msg("%s, block %u: %s", path, n + 1, l.report.faults[0].text);
                assert_loaded(&l);
        }

        return n;
}

static void whole_examples_load(void **state) {
        (void)state;
        assert_in_range(load_blocks("README.md", "\n```ini\n", "\n```\n"), 1, 100);
        assert_in_range(load_blocks("man/reaperd.conf.5", "\n.Bd -literal -offset indent\n", "\n.Ed\n"), 1,
                        100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                test(the_shipped_file_holds_the_defaults),
                test(the_texts_say_what_the_table_says),
                test(the_manuals_examples_are_accepted),
                test(whole_examples_load),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
