/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thing at a time: an entry of a directory, or a part of a file. Where the walk stands is the stack
 * of open directories and the file that is being asked about, so that it can end after each of them.
 *
 * Nothing is opened by its name: the name gives a descriptor that can do nothing (O_PATH), this tells
 * what it is, and only what is a regular file or a directory is then opened by way of that descriptor.
 * So it does not matter what a name is made to mean in between.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "node/file-rights.h"
#include "base/clock.h"
#include "node/layer-walk.h"

/* A file of which another link has been, or may be, come across. */
typedef struct LinkedFile {
        struct LinkedKey {
                dev_t device;
                ino_t inode;
        } key;
        UT_hash_handle hh;
} LinkedFile;

typedef enum Stage {
        STAGE_BEGIN,
        STAGE_LAYER,
        STAGE_LOG,
        STAGE_END,
} Stage;

struct LayerWalk {
        char *upper_dir, *log_dir;
        char *log_name; /* within log_dir */
        PageCacheMethod method;
        FileRights rights;
        LayerBounds bounds;

        Stage stage;
        DIR *levels[LAYER_DEPTH_MAX]; /* owned */
        size_t depth;
        dev_t device;   /* the one that is not left */
        Residency file; /* being asked about, if its descriptor, which is owned, is not below 0 */
        LinkedFile *linked;

        unsigned n_files;
        usec_t spent, waited;
        Holding found;
        bool is_readable; /* the layer */
        bool pages_unknown;
};

static int copy(const char *text, size_t n, char **ret) {
        *ret = strndup(text, n);
        return *ret ? 0 : -ENOMEM;
}

/* Splits the path at its last slash. */
static int set_log(LayerWalk *w, const char *path) {
        const char *slash = path ? strrchr(path, '/') : NULL;
        int r;

        if (!slash || slash[1] == '\0')
                return 0;
        r = copy(slash + 1, strlen(slash + 1), &w->log_name);
        if (r < 0)
                return r;
        return copy(path, (size_t)(slash + 1 - path), &w->log_dir);
}

int layer_walk_new(const char *upper_dir, const char *log_path, PageCacheMethod method, LayerWalk **ret) {
        _cleanup_(layer_walk_freep) LayerWalk *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->method = method;
        w->pages_unknown = method == PAGE_CACHE_NONE;
        w->rights = file_rights();
        w->bounds = (LayerBounds){ LAYER_FILES_MAX, LAYER_LINKED_MAX, LAYER_TIME_MAX, LAYER_WAIT_MAX };
        w->file.fd = -1;
        if (upper_dir) {
                r = copy(upper_dir, strlen(upper_dir), &w->upper_dir);
                if (r < 0)
                        return r;
        }
        r = set_log(w, log_path);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(w);
        return 0;
}

void layer_walk_set_bounds(LayerWalk *w, const LayerBounds *bounds) {
        w->bounds = *bounds;
}

/* What was found of the file counts, however it came to be the end of it. */
static void end_file(LayerWalk *w) {
        w->found.cached += w->file.cached;
        w->found.dirty += w->file.dirty;
        closep(&w->file.fd);
        w->file = (Residency){ .fd = -1 };
}

static void end(LayerWalk *w) {
        LinkedFile *file, *next;

        end_file(w);
        while (w->depth > 0)
                (void)closedir(w->levels[--w->depth]);
        HASH_ITER(hh, w->linked, file, next) {
                HASH_DELETE(hh, w->linked, file);
                free(file);
        }
        w->stage = STAGE_END;
}

static void end_partial(LayerWalk *w) {
        w->found.partial = true;
        end(w);
}

LayerWalk *layer_walk_free(LayerWalk *w) {
        if (!w)
                return NULL;
        end(w);
        free(w->upper_dir);
        free(w->log_dir);
        free(w->log_name);
        free(w);
        return NULL;
}

/* Looking at a file is no access that its times should tell of; asking for that is its owner's right. */
static int open_quietly(int dir_fd, const char *path, int flags) {
        int fd;

        flags |= O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
        fd = openat(dir_fd, path, flags | O_NOATIME);
        if (fd < 0 && errno == EPERM)
                fd = openat(dir_fd, path, flags);
        return fd < 0 ? -errno : fd;
}

/* Enters the directory, which it takes. Returns 0 or a negative errno. */
static int push(LayerWalk *w, int fd) {
        DIR *dir = fdopendir(fd);

        if (!dir) {
                int r = -errno;

                (void)close(fd);
                return r;
        }
        w->levels[w->depth++] = dir;
        return 0;
}

/* Opens one that the engine has named. */
static int push_first(LayerWalk *w, const char *path, struct stat *ret) {
        _cleanup_close_ int fd = open_quietly(AT_FDCWD, path, O_DIRECTORY | O_NOFOLLOW);

        if (fd < 0)
                return fd;
        if (fstat(fd, ret) < 0)
                return -errno;
        w->device = ret->st_dev;
        return push(w, TAKE_FD(fd));
}

static void count(LayerWalk *w, const struct stat *st) {
        w->found.inodes++;
        w->found.disk += (uint64_t)st->st_blocks * 512;
}

static void begin_layer(LayerWalk *w) {
        struct stat st;

        if (!w->upper_dir || push_first(w, w->upper_dir, &st) < 0) {
                end(w);
                return;
        }
        w->is_readable = true;
        count(w, &st);
        w->stage = STAGE_LAYER;
}

static void begin_log(LayerWalk *w) {
        struct stat st;
        int r;

        if (!w->log_name) {
                end(w);
                return;
        }
        r = push_first(w, w->log_dir, &st);
        if (r == -ENOENT)
                end(w);
        else if (r < 0)
                end_partial(w);
        else
                w->stage = STAGE_LOG;
}

/* Has no link of this file been counted? Those that can not be remembered are not counted. */
static bool is_first_link(LayerWalk *w, const struct stat *st) {
        struct LinkedKey key;
        bool oom = false;
        LinkedFile *file;

        memset(&key, 0, sizeof(key));
        key.device = st->st_dev;
        key.inode = st->st_ino;
        HASH_FIND(hh, w->linked, &key, sizeof(key), file);
        if (file)
                return false;

        file = HASH_COUNT(w->linked) < w->bounds.linked ? calloc(1, sizeof(*file)) : NULL;
        if (file) {
                memcpy(&file->key, &key, sizeof(key));
                HASH_ADD(hh, w->linked, key, sizeof(file->key), file);
        }
        if (!file || oom) {
                free(file);
                w->found.partial = true;
                return false;
        }
        return true;
}

static void enter(LayerWalk *w, int path_fd) {
        int fd;

        if (w->depth == LAYER_DEPTH_MAX) {
                w->found.partial = true;
                return;
        }
        fd = open_quietly(path_fd, ".", O_DIRECTORY);
        if (fd < 0 || push(w, fd) < 0)
                w->found.partial = true;
}

static void begin_file(LayerWalk *w, int path_fd, const struct stat *st) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        int fd;

        if (st->st_size == 0 || w->pages_unknown)
                return;
        if (w->method == PAGE_CACHE_MINCORE && !file_rights_owns(&w->rights, st->st_uid)) {
                w->pages_unknown = true;
                return;
        }

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%i", path_fd);
        fd = open_quietly(AT_FDCWD, path, 0);
        if (fd < 0) {
                w->pages_unknown = true;
                return;
        }
        w->file = residency_begin(w->method, fd, st);
}

static void go_on_with_file(LayerWalk *w) {
        int r = residency_step(&w->file);

        if (r < 0)
                w->pages_unknown = true;
        if (r <= 0)
                end_file(w);
}

static void look_at(LayerWalk *w, int dir_fd, const char *name) {
        _cleanup_close_ int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 && errno == ENOENT)
                return;
        if (fd < 0 || fstat(fd, &st) < 0) {
                w->found.partial = true;
                return;
        }
        /* What is mounted here is not in the layer; what it hides is. */
        if (st.st_dev != w->device) {
                w->found.inodes++;
                return;
        }
        if (S_ISDIR(st.st_mode)) {
                if (w->stage == STAGE_LAYER) {
                        count(w, &st);
                        enter(w, fd);
                }
                return;
        }
        if (st.st_nlink > 1 && !is_first_link(w, &st))
                return;
        count(w, &st);
        if (S_ISREG(st.st_mode))
                begin_file(w, fd, &st);
}

static bool is_of_log(const LayerWalk *w, const char *name) {
        size_t n = strlen(w->log_name);

        return strncmp(name, w->log_name, n) == 0 && (name[n] == '\0' || name[n] == '.');
}

static void go_on_with_directory(LayerWalk *w) {
        DIR *dir = w->levels[w->depth - 1];
        const struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (!entry) {
                if (errno != 0)
                        w->found.partial = true;
                w->depth--;
                (void)closedir(dir);
                return;
        }

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                return;
        if (w->n_files == w->bounds.files) {
                end_partial(w);
                return;
        }
        w->n_files++;
        if (w->stage == STAGE_LAYER || is_of_log(w, entry->d_name))
                look_at(w, dirfd(dir), entry->d_name);
}

static void go_on(LayerWalk *w) {
        if (w->file.fd >= 0)
                go_on_with_file(w);
        else if (w->depth > 0)
                go_on_with_directory(w);
        else if (w->stage == STAGE_BEGIN)
                begin_layer(w);
        else if (w->stage == STAGE_LAYER)
                begin_log(w);
        else
                end(w);
}

int layer_walk_step(LayerWalk *w, usec_t slice) {
        usec_t began = clock_read(CLOCK_MONOTONIC), began_cpu = clock_read(CLOCK_THREAD_CPUTIME_ID);
        usec_t spent = w->spent, waited = w->waited;

        if (w->stage == STAGE_END)
                return 0;

        do {
                go_on(w);
                w->spent = spent + (clock_read(CLOCK_THREAD_CPUTIME_ID) - began_cpu);
                w->waited = waited + (clock_read(CLOCK_MONOTONIC) - began);
                if ((w->spent >= w->bounds.time || w->waited >= w->bounds.wait) && w->stage != STAGE_END)
                        end_partial(w);
        } while (w->stage != STAGE_END && w->waited - waited < slice);
        return w->stage != STAGE_END;
}

Holding layer_walk_holding(const LayerWalk *w) {
        Holding h = w->found;

        if (!w->is_readable)
                return HOLDING_UNKNOWN;
        if (w->pages_unknown)
                h.cached = FIGURE_UNKNOWN;
        if (h.cached == FIGURE_UNKNOWN || w->method != PAGE_CACHE_CACHESTAT)
                h.dirty = FIGURE_UNKNOWN;
        if (w->stage != STAGE_END)
                h.partial = true;
        return h;
}
