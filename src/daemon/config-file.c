/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/share.h"
#include "base/text.h"
#include "core/rule-text.h"
#include "daemon/config-file.h"
#include "daemon/config-paths.h"
#include "daemon/config-reader.h"

#define ACCEPTED_FILE "accepted: a readable regular file of at most 1 MB"

typedef enum FileRole {
        ROLE_GIVEN,   /* named by the user: has to be there */
        ROLE_DEFAULT, /* may be missing */
        ROLE_DROP_IN, /* may be masked */
} FileRole;

typedef struct Load {
        Settings settings;
        bool refused[_SETTING_MAX]; /* the last value was refused: what holds is unknown */
        ConfigReport *report;
} Load;

static void load_done(Load *l) {
        settings_done(&l->settings);
}

#define file_fault(l, path, ...) config_report_add((l)->report, CONFIG_ERROR, path, 0, __VA_ARGS__)

/* A link that leads nowhere is a mistake, not a missing file: with defaults instead of what was meant,
 * containers would be removed. */
static bool is_missing(const char *path) {
        struct stat st;

        return lstat(path, &st) < 0 && errno == ENOENT;
}

/* Opens a regular file, or tells in the report why not. Returns 1 with *ret_fd, 0 without, -ENOMEM. */
static int open_file(Load *l, const char *path, FileRole role, int *ret_fd) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        /* Not blocking, as opening a FIFO would wait for its writer. */
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0) {
                if (errno == ENOENT && role == ROLE_DEFAULT && is_missing(path))
                        return 0;
                return file_fault(l, path, "cannot be opened (%s), " ACCEPTED_FILE, strerror(errno));
        }

        if (fstat(fd, &st) < 0)
                return file_fault(l, path, "cannot be read (%s), " ACCEPTED_FILE, strerror(errno));

        if (role == ROLE_DROP_IN && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
                return 0;
        if (!S_ISREG(st.st_mode))
                return file_fault(l, path, "is %s, " ACCEPTED_FILE,
                                S_ISDIR(st.st_mode)    ? "a directory"
                                : S_ISFIFO(st.st_mode) ? "a FIFO"
                                                       : "a device");
        /* Else anybody here decides what is removed, or that nothing is. */
        if (st.st_mode & S_IWOTH)
                return file_fault(l, path,
                                "can be written by everybody, accepted: a file that others cannot write");

        *ret_fd = TAKE_FD(fd);
        return 1;
}

static int load_file(Load *l, const char *path, FileRole role) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        int r;

        r = open_file(l, path, role, &fd);
        if (r <= 0)
                return r;

        text = malloc(CONFIG_FILE_BYTES_MAX + 1);
        if (!text)
                return -ENOMEM;

        for (;;) {
                ssize_t k = read(fd, text + n, CONFIG_FILE_BYTES_MAX + 1 - n);

                if (k < 0)
                        return file_fault(l, path, "cannot be read (%s), " ACCEPTED_FILE, strerror(errno));
                if (k == 0)
                        break;
                n += (size_t)k;
                if (n > CONFIG_FILE_BYTES_MAX)
                        return file_fault(l, path, "is too large, " ACCEPTED_FILE);
        }

        return config_reader_run(path, text, n, &l->settings, l->refused, l->report);
}

static int load_drop_ins(Load *l, const char *root, const char *const *folders) {
        _cleanup_(config_paths_done) ConfigPaths drop_ins = {};
        int r;

        r = config_paths_find(root, folders, l->report, &drop_ins);
        if (r < 0)
                return r;

        for (size_t i = 0; i < drop_ins.n_paths; i++) {
                r = load_file(l, drop_ins.paths[i], ROLE_DROP_IN);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int load_given(Load *l, const char *path) {
        _cleanup_free_ char *folder = NULL;
        int r;

        r = load_file(l, path, ROLE_GIVEN);
        if (r < 0)
                return r;

        if (asprintf(&folder, "%s.d", path) < 0) {
                folder = NULL;
                return -ENOMEM;
        }

        return load_drop_ins(l, "", (const char *const[]){ folder, NULL });
}

static int load_default(Load *l, const char *root) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "%s" CONFIG_FILE_DEFAULT, root) < 0) {
                path = NULL;
                return -ENOMEM;
        }

        r = load_file(l, path, ROLE_DEFAULT);
        if (r < 0)
                return r;

        return load_drop_ins(l, root,
                        (const char *const[]){
                                        REAPERD_SYSCONFDIR "/reaperd/reaperd.conf.d",
                                        "/run/reaperd/reaperd.conf.d",
                                        "/usr/lib/reaperd/reaperd.conf.d",
                                        NULL,
                        });
}

/* With both values, and where the other one stands: it may be the one that was changed last. */
static int report_conflict(Load *l, const SettingConflict *c) {
        const SettingOrigin *origin = &l->settings.origins[c->id], *other = &l->settings.origins[c->other];
        _cleanup_free_ char *value = settings_format(&l->settings, c->id);
        _cleanup_free_ char *other_value = settings_format(&l->settings, c->other);
        const SettingInfo *info = setting_info(c->id);
        char place[PATH_MAX + 32] = "";

        if (!value || !other_value)
                return -ENOMEM;
        /* It may also say that the other one has its default. */
        if (c->what[strlen(c->what) - 1] == '=') {
                if (other->is_default)
                        snprintf(place, sizeof(place), "%s", other_value);
                else
                        snprintf(place, sizeof(place), "%s (%s:%u)", other_value, other->file, other->line);
        }
        return config_report_add(l->report, CONFIG_ERROR, origin->file, origin->line,
                        "[%s] %s: %s %s%s, accepted: %s, %s", info->section, info->key, value, c->what,
                        place, info->accepted, c->accepted);
}

/* What holds between settings, as far as their values are known. */
static int check_together(Load *l) {
        SettingConflict c;
        const char *what;
        SettingId id;
        size_t i = 0;
        int r;

        if (settings_resolve(&l->settings, &id, &what) >= 0)
                return 0;

        while (settings_next_conflict(&l->settings, &i, &c)) {
                if (l->refused[c.id] || l->refused[c.other])
                        continue;
                r = report_conflict(l, &c);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* A rule that changes nothing is seldom meant. What was refused might have been its effect. */
static int notice_idle_rules(Load *l) {
        for (size_t i = 0; i < l->settings.n_rules && l->report->n_errors == 0; i++) {
                const Rule *rule = &l->settings.rules[i];
                const char *what = rule_without_effect(rule);
                int r;

                if (!what)
                        continue;
                r = config_report_add(l->report, CONFIG_NOTICE, rule->origin.file, rule->origin.line,
                                "[" SETTING_RULE_WORD " %s]: %s; no later rule is asked about what it "
                                "matches",
                                rule->name, what);
                if (r < 0)
                        return r;
        }

        return 0;
}

int config_load(const char *path, const char *root, Settings *ret, ConfigReport *ret_report) {
        _cleanup_(load_done) Load l = { .report = ret_report };
        int r;

        *ret_report = (ConfigReport){};

        r = settings_init(&l.settings);
        if (r < 0)
                return r;

        r = path ? load_given(&l, path) : load_default(&l, root ? root : "");
        if (r < 0)
                return r;

        r = check_together(&l);
        if (r < 0)
                return r;

        r = notice_idle_rules(&l);
        if (r < 0)
                return r;

        if (ret_report->n_errors > 0)
                return -EINVAL;

        *ret = l.settings;
        l.settings = (Settings){};
        return 0;
}

/* The comment that tells where a value comes from; `as` tells what it follows, if it follows another
 * (NULL). A file's name is escaped: it may hold a newline, and what stands behind that would be read as a
 * setting. */
static int print_origin(char **text, const SettingOrigin *origin, const char *as) {
        _cleanup_free_ char *name = NULL;
        const char *is_default = origin->is_default ? "default" : "";
        size_t size;

        if (!origin->file)
                return text_append(text, as ? "# default (%s)\n" : "# default\n", as);

        size = 4 * strlen(origin->file) + 1;
        name = malloc(size);
        if (!name)
                return -ENOMEM;
        log_escape(name, size, origin->file);

        if (as)
                return text_append(text, "# %s:%u (%s%s%s)\n", name, origin->line, is_default,
                                *is_default ? ", " : "", as);
        return text_append(text, *is_default ? "# %s:%u (default)\n" : "# %s:%u\n", name, origin->line);
}

/* Whom the setting follows, and how: "as Failure", "3 points above MemoryAvailableLow". */
static const char *describe_following(char *buf, size_t size, SettingId id) {
        const SettingInfo *info = setting_info(id);
        const char *key = setting_info(info->follows)->key;
        int points = info->distance / (int)(SHARE_ALL / 100);

        if (points == 0)
                (void)snprintf(buf, size, "as %s", key);
        else
                (void)snprintf(buf, size, "%d points %s %s", abs(points), points > 0 ? "above" : "below",
                                key);
        return buf;
}

static int print_setting(char **text, const Settings *s, SettingId id) {
        const SettingInfo *info = setting_info(id);
        bool follows = s->origins[id].is_default && info->follows != _SETTING_INVALID;
        _cleanup_free_ char *value = settings_format(s, id);
        char as[64];

        if (!value || print_origin(text, &s->origins[id],
                                      follows ? describe_following(as, sizeof(as), id) : NULL) < 0)
                return -ENOMEM;

        return text_append(text, "%s=%s\n", info->key, value);
}

/* A line for each that the list was read from; they add up when they are read. */
static int print_list(char **text, const Rule *rule, RuleKey key) {
        const Patterns *list = &rule->lists[key];
        const SettingOrigin *above = NULL;
        int r = 0;

        for (size_t i = 0; i < list->n && r >= 0; i++) {
                const SettingOrigin *origin = &list->origins[i];

                if (above && above->file == origin->file && above->line == origin->line)
                        r = text_append(text, " %s", list->texts[i]);
                else if ((above && text_append(text, "\n") < 0) || print_origin(text, origin, NULL) < 0)
                        return -ENOMEM;
                else
                        r = text_append(text, "%s=%s", rule_key_info(key)->key, list->texts[i]);
                above = origin;
        }

        return r >= 0 && above ? text_append(text, "\n") : r;
}

static int print_rule_key(char **text, const Rule *rule, RuleKey key) {
        if (rule_key_info(key)->is_list)
                return print_list(text, rule, key);

        /* One that nobody has set need not be shown: it is the same for all rules. */
        if (rule->key_origins[key].is_default && !rule->key_origins[key].file)
                return 0;
        if (print_origin(text, &rule->key_origins[key], NULL) < 0)
                return -ENOMEM;

        return text_append(text, "%s=%s\n", rule_key_info(key)->key, rule_format(rule, key));
}

/* A value that the rule has, or that follows one which it has. That has to be written too: what is written
 * above for [Retention] counts as set there, and what is set there follows no rule. */
static int print_rule_value(char **text, const Settings *s, const Rule *rule, SettingId id) {
        const SettingId follows = setting_info(id)->follows;
        bool as = !rule->has_value[id] && follows != _SETTING_INVALID && rule->has_value[follows] &&
                  s->origins[id].is_default;
        SettingId source = as ? follows : id;
        _cleanup_free_ char *value = NULL;
        char buf[64];

        if (!rule->has_value[source])
                return 0;

        value = rule_format_value(rule, source);
        if (!value || print_origin(text, &rule->origins[source],
                                      as ? describe_following(buf, sizeof(buf), id) : NULL) < 0)
                return -ENOMEM;

        return text_append(text, "%s=%s\n", setting_info(id)->key, value);
}

static int print_rule(char **text, const Settings *s, const Rule *rule) {
        int r;

        r = text_append(text, "\n[" SETTING_RULE_WORD " %s]\n", rule->name);

        for (RuleKey key = 0; key < _RULE_KEY_MAX && r >= 0; key++)
                r = print_rule_key(text, rule, key);
        for (SettingId id = 0; id < _SETTING_MAX && r >= 0; id++)
                if (setting_info(id)->per_container)
                        r = print_rule_value(text, s, rule, id);

        return r;
}

char *config_print(const Settings *s) {
        _cleanup_free_ char *text = NULL;
        const char *section = NULL;

        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                const SettingInfo *info = setting_info(id);

                if (!section || strcmp(info->section, section) != 0) {
                        if (text_append(&text, "%s[%s]\n", section ? "\n" : "", info->section) < 0)
                                return NULL;
                        section = info->section;
                }

                if (print_setting(&text, s, id) < 0)
                        return NULL;
        }

        for (size_t i = 0; i < s->n_rules; i++)
                if (print_rule(&text, s, &s->rules[i]) < 0)
                        return NULL;

        return TAKE_PTR(text);
}
