/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include <stdbool.h>

#include "node/cgroup-walk.h"

DEFINE_CLEANUP(DIR *, closedir, NULL);

static int walk_entry(CgroupWalk *w, int folder, const struct dirent *entry, unsigned depth, bool *within);

/* Cgroups come and go while they are looked at. */
static int unless_gone(int r) {
        return r == -ENOENT || r == -ENODEV || r == -ENOTDIR ? 0 : r;
}

static bool is_over_time(const CgroupWalk *w) {
        return w->time_max > 0 && clock_read(CLOCK_THREAD_CPUTIME_ID) - w->began >= w->time_max;
}

/* Goes through a folder and owns its descriptor. Returns 1 if there are cgroups within, 0 if there are none,
 * or a negative errno. */
static int walk_folder(CgroupWalk *w, int fd, unsigned depth) {
        _cleanup_(closedirp) DIR *dir = NULL;
        bool within = false;

        dir = fdopendir(fd);
        if (!dir) {
                int r = -errno;

                (void)close(fd);
                return r;
        }

        for (;;) {
                const struct dirent *entry;
                int r;

                errno = 0;
                entry = readdir(dir);
                if (!entry) {
                        r = unless_gone(-errno);
                        return r < 0 ? r : within;
                }

                r = unless_gone(walk_entry(w, dirfd(dir), entry, depth, &within));
                if (r == -E2BIG || r == -ENOMEM || (r < 0 && !w->leaf))
                        return r;
        }
}

static int walk_within(CgroupWalk *w, int folder, const char *name, unsigned depth) {
        int fd;

        if (depth >= CGROUP_DEPTH_MAX)
                return w->leaf ? 0 : -E2BIG;

        fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        return walk_folder(w, fd, depth);
}

static int walk_entry(CgroupWalk *w, int folder, const struct dirent *entry, unsigned depth, bool *within) {
        const size_t n_path = w->n_path;
        struct stat st;
        int r = 0;

        if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
                return 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                return 0;

        if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode))
                return 0;

        *within = true;
        if (w->n >= w->n_max || is_over_time(w))
                return -E2BIG;
        w->n++;

        w->n_path = (size_t)(stpcpy(stpcpy(w->path + n_path, entry->d_name), "/") - w->path);

        /* Two links are those from the parent and from the folder to itself: nothing is within. So it is
         * with nearly all, and the list of their dozens of files need not be read. File systems that do not
         * count say 1. */
        if (st.st_nlink != 2)
                r = walk_within(w, folder, entry->d_name, depth + 1);
        if (r == 0 && w->leaf)
                w->leaf(w, folder, entry->d_name);

        w->n_path = n_path;
        return r;
}

int cgroup_walk_run(CgroupWalk *w, const char *root) {
        int fd;

        fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        w->began = clock_read(CLOCK_THREAD_CPUTIME_ID);
        return walk_folder(w, fd, 0);
}
