/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "daemon/config-paths.h"

DEFINE_CLEANUP(DIR *, closedir, NULL);

void config_paths_done(ConfigPaths *p) {
        for (size_t i = 0; i < p->n_paths; i++)
                free(p->paths[i]);

        free(p->paths);
        *p = (ConfigPaths){};
}

static int add_path(ConfigPaths *p, const char *folder, const char *name) {
        char **paths, *path;

        paths = reallocarray(p->paths, p->n_paths + 1, sizeof(char *));
        if (!paths)
                return -ENOMEM;
        p->paths = paths;

        if (asprintf(&path, "%s/%s", folder, name) < 0)
                return -ENOMEM;

        paths[p->n_paths++] = path;
        return 0;
}

static int add_folder(ConfigPaths *p, const char *folder, ConfigReport *report) {
        _cleanup_(closedirp) DIR *d = NULL;
        struct stat st;

        d = opendir(folder);
        if (!d) {
                if (errno == ENOENT)
                        return 0;
                if (errno == ENOMEM)
                        return -ENOMEM;
                return config_report_add(report, CONFIG_ERROR, folder, 0,
                                "folder of drop-ins cannot be opened (%s), accepted: a readable folder, or "
                                "none",
                                strerror(errno));
        }

        /* Drop-ins of anybody's would be read; a sticky bit does not prevent that. */
        if (fstat(dirfd(d), &st) >= 0 && st.st_mode & S_IWOTH)
                return config_report_add(report, CONFIG_ERROR, folder, 0,
                                "folder of drop-ins can be written by everybody, accepted: one that others "
                                "cannot write");

        for (;;) {
                const struct dirent *e;
                size_t n;
                int r;

                errno = 0;
                e = readdir(d);
                if (!e)
                        break;

                n = strlen(e->d_name);
                if (e->d_name[0] == '.' || n < 5 || strcmp(e->d_name + n - 5, ".conf") != 0)
                        continue;

                r = add_path(p, folder, e->d_name);
                if (r < 0)
                        return r;
        }

        if (errno != 0)
                return config_report_add(report, CONFIG_ERROR, folder, 0,
                                "folder of drop-ins cannot be read (%s), accepted: a readable folder, or "
                                "none",
                                strerror(errno));
        return 0;
}

static const char *name_of(const char *path) {
        return strrchr(path, '/') + 1;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(name_of(*(char *const *)a), name_of(*(char *const *)b));
}

/* Puts what `p` does not have from `more` into it. Both are sorted afterwards, and `more` is empty. */
static int merge(ConfigPaths *p, ConfigPaths *more) {
        size_t n_before = p->n_paths;
        char **paths;

        paths = reallocarray(p->paths, n_before + more->n_paths, sizeof(char *));
        if (!paths)
                return -ENOMEM;
        p->paths = paths;

        for (size_t i = 0; i < more->n_paths; i++) {
                char *path = TAKE_PTR(more->paths[i]);

                if (bsearch(&path, paths, n_before, sizeof(char *), compare_names))
                        free(path);
                else
                        paths[p->n_paths++] = path;
        }

        qsort(paths, p->n_paths, sizeof(char *), compare_names);
        return 0;
}

int config_paths_find(const char *root, const char *const *folders, ConfigReport *report, ConfigPaths *ret) {
        _cleanup_(config_paths_done) ConfigPaths all = {};

        for (; *folders; folders++) {
                _cleanup_(config_paths_done) ConfigPaths found = {};
                _cleanup_free_ char *folder = NULL;
                int r;

                if (asprintf(&folder, "%s%s", root, *folders) < 0) {
                        folder = NULL;
                        return -ENOMEM;
                }

                r = add_folder(&found, folder, report);
                if (r < 0)
                        return r;
                if (found.n_paths == 0)
                        continue;

                r = merge(&all, &found);
                if (r < 0)
                        return r;
        }

        *ret = all;
        all = (ConfigPaths){};
        return 0;
}
