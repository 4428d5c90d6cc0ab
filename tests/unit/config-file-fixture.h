/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TEST_CONFIG_FILE_FIXTURE_H
#define REAPERD_TEST_CONFIG_FILE_FIXTURE_H

/* Configurations as they lie on disk: each test has a folder of its own, which is also the root for the
 * default paths. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/rule-text.h"
#include "daemon/config-file.h"

#define ETC "/etc/reaperd/reaperd.conf"
#define RUN "/run/reaperd/reaperd.conf"
#define LIB "/usr/lib/reaperd/reaperd.conf"

static char root[64];

typedef struct Loaded {
        int result;
        Settings settings;
        ConfigReport report;
} Loaded;

static inline void loaded_done(Loaded *l) {
        settings_done(&l->settings);
        config_report_done(&l->report);
}

#define _cleanup_loaded_ _cleanup_(loaded_done)

static inline int make_root(void **state) {
        (void)state;
        strcpy(root, "/tmp/test-config-XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static inline int remove_root(void **state) {
        (void)state;
        return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path below the root, in one of a few static buffers; the folders above it are made. */
static inline const char *at(const char *path) {
        static char bufs[8][512];
        static unsigned next;
        char *buf = bufs[next++ % ELEMENTS_OF(bufs)];

        snprintf(buf, sizeof(bufs[0]), "%s%s", root, path);
        for (char *p = buf + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                assert_true(mkdir(buf, 0755) == 0 || errno == EEXIST);
                *p = '/';
        }
        return buf;
}

static inline void put(const char *path, const char *text) {
        const char *file = at(path);
        FILE *f;

        (void)unlink(file); /* writing over a file may wait for the disk */
        f = fopen(file, "w");
        assert_non_null(f);
        fputs(text, f);
        assert_int_equal(fclose(f), 0);
}

static inline Loaded load(const char *path) {
        Loaded l = {};

        l.result = config_load(path, root, &l.settings, &l.report);
        if (l.result != 0)
                assert_null(l.settings.endpoint);
        assert_int_equal(l.result == -EINVAL, l.report.n_errors > 0);
        return l;
}

/* All faults, a line each, with the root's name taken out. */
static inline void assert_faults(const Loaded *l, const char *wanted) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        for (size_t i = 0; i < l->report.n_faults; i++) {
                const char *p = l->report.faults[i].text, *name;

                assert_int_equal(l->report.faults[i].kind == CONFIG_NOTICE, strstr(p, ": notice: ") != NULL);
                for (; (name = strstr(p, root)); p = name + strlen(root))
                        fprintf(out, "%.*s", (int)(name - p), p);
                fprintf(out, "%s\n", p);
        }
        fclose(out);
        assert_string_equal(text, wanted);
}

static inline void assert_loaded(const Loaded *l) {
        assert_faults(l, "");
        assert_int_equal(l->result, 0);
}

static inline void assert_origin(const Loaded *l, SettingId id, const char *path, unsigned line) {
        assert_string_equal(l->settings.origins[id].file, at(path));
        assert_int_equal(l->settings.origins[id].line, line);
}

static inline void assert_same_values(const Settings *a, const Settings *b) {
        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                _cleanup_free_ char *one = settings_format(a, id), *other = settings_format(b, id);

                assert_non_null(one);
                assert_non_null(other);
                assert_string_equal(one, other);
        }
}

/* The value that holds for a container that the rule matches and that has no labels. */
static inline char *value_in_rule(const Settings *s, const Rule *rule, SettingId id) {
        const SettingId follows = setting_info(id)->follows;

        if (rule->has_value[id])
                return rule_format_value(rule, id);
        if (follows != _SETTING_INVALID && s->origins[id].is_default)
                return value_in_rule(s, rule, follows);
        return settings_format(s, id);
}

/* The same rules, in the same order, as far as it shows. */
static inline void assert_same_rules(const Settings *a, const Settings *b) {
        assert_int_equal(a->n_rules, b->n_rules);

        for (size_t i = 0; i < a->n_rules; i++) {
                const Rule *one = &a->rules[i], *other = &b->rules[i];

                assert_string_equal(one->name, other->name);
                assert_int_equal(one->kind, other->kind);
                assert_int_equal(one->action, other->action);
                for (RuleKey key = 0; key < _RULE_LIST_MAX; key++) {
                        assert_int_equal(one->lists[key].n, other->lists[key].n);
                        for (size_t k = 0; k < one->lists[key].n; k++)
                                assert_string_equal(one->lists[key].texts[k], other->lists[key].texts[k]);
                }
                for (SettingId id = 0; id < _SETTING_MAX; id++) {
                        _cleanup_free_ char *value = NULL, *again = NULL;

                        if (!setting_info(id)->per_container)
                                continue;
                        value = value_in_rule(a, one, id);
                        again = value_in_rule(b, other, id);
                        assert_string_equal(value, again);
                        if (one->has_value[id])
                                assert_true(other->has_value[id]);
                }
        }
}

/* Prints, reads what was printed, and prints again: the values are the same. */
static inline void assert_round_trip(const Settings *s) {
        _cleanup_free_ char *text = config_print(s), *again = NULL;

        assert_non_null(text);
        for (const char *line = text; *line; line = strchr(line, '\n') + 1)
                if (*line != '#')
                        assert_in_range(strcspn(line, "\n"), 0, 198);
        put("/printed.conf", text);
        _cleanup_loaded_ Loaded l = load(at("/printed.conf"));
        assert_loaded(&l);
        assert_same_values(s, &l.settings);
        assert_same_rules(s, &l.settings);
        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                _cleanup_free_ char *value = settings_format(s, id);

                /* what is off with another has no text of its own, and stays so */
                assert_int_equal(l.settings.origins[id].is_default, value[0] == '\0');
        }

        again = config_print(&l.settings);
        put("/printed.conf", again);
        _cleanup_loaded_ Loaded twice = load(at("/printed.conf"));
        assert_loaded(&twice);
        assert_same_values(s, &twice.settings);
        assert_same_rules(s, &twice.settings);
}

#define test(function) cmocka_unit_test_setup_teardown(function, make_root, remove_root)

#endif
