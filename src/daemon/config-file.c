/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
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

/* What holds between settings, as far as their values are known. */
static int check_together(Load *l) {
        const SettingOrigin *origin;
        const char *what;
        SettingId id;

        if (settings_resolve(&l->settings, &id, &what) >= 0 || l->refused[SETTING_RETRY_INITIAL] ||
                        l->refused[SETTING_RETRY_MAX])
                return 0;

        origin = &l->settings.origins[id];
        return config_report_add(l->report, CONFIG_ERROR, origin->file, origin->line,
                        "[%s] %s: %s, accepted: %s, RetryMax= not below RetryInitial=",
                        setting_info(id)->section, setting_info(id)->key, what, setting_info(id)->accepted);
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

        if (ret_report->n_errors > 0)
                return -EINVAL;

        *ret = l.settings;
        l.settings = (Settings){};
        return 0;
}

/* The comment that tells where a value comes from. A file's name is escaped: it may hold a newline, and
 * what stands behind that would be read as a setting. */
static int print_origin(char **text, const Settings *s, SettingId id) {
        const SettingId follows = setting_info(id)->follows;
        const SettingOrigin *origin = &s->origins[id];
        const char *as = origin->is_default && follows != _SETTING_INVALID ? setting_info(follows)->key
                                                                           : NULL;
        _cleanup_free_ char *name = NULL;
        size_t size;

        if (!origin->file)
                return text_append(text, as ? "# default (as %s)\n" : "# default\n", as);

        size = 4 * strlen(origin->file) + 1;
        name = malloc(size);
        if (!name)
                return -ENOMEM;

        return text_append(text, "# %s:%u%s%s%s%s\n", log_escape(name, size, origin->file), origin->line,
                        origin->is_default ? " (default" : "", as ? ", as " : "", as ? as : "",
                        origin->is_default ? ")" : "");
}

char *config_print(const Settings *s) {
        _cleanup_free_ char *text = NULL;
        const char *section = NULL;

        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                const SettingInfo *info = setting_info(id);
                _cleanup_free_ char *value = NULL;

                if (!section || strcmp(info->section, section) != 0) {
                        if (text_append(&text, "%s[%s]\n", section ? "\n" : "", info->section) < 0)
                                return NULL;
                        section = info->section;
                }

                if (print_origin(&text, s, id) < 0)
                        return NULL;

                value = settings_format(s, id);
                if (!value || text_append(&text, "%s=%s\n", info->key, value) < 0)
                        return NULL;
        }

        return TAKE_PTR(text);
}
