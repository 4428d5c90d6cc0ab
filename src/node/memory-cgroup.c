/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "node/cgroup-walk.h"
#include "node/kernel-text.h"
#include "node/memory-cgroup.h"

/* Cgroups looked at, for the number of the dying and for who uses most: each costs a stat(2), in the second
 * case also a read of its statistics. */
#define COUNT_CGROUPS_MAX 100000U
#define TOP_CGROUPS_MAX   4096U

/* About 2 KB, 100 bytes for each further kind of memory. */
#define STAT_BYTES_MAX 16384
/* A line of some 20 bytes for each of 14 controllers. */
#define CONTROLLERS_BYTES_MAX 4096
/* Lines of mountinfo with CGROUP_MOUNT that are kept. */
#define MOUNTS_MAX   256U
#define CGROUP_MOUNT " - cgroup"

DEFINE_CLEANUP(FILE *, fclose, NULL);

static int read_file(const char *folder, const char *name, char *buf, size_t size) {
        _cleanup_close_ int fd = -1;

        fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        return file_read_text(fd, name, buf, size);
}

typedef struct Controller {
        uint64_t hierarchy, n_cgroups, enabled;
} Controller;

/* The line of the memory controller in /proc/cgroups. */
static int parse_controllers(const char *text, Controller *ret) {
        Controller c;
        uint64_t *const numbers[] = { &c.hierarchy, &c.n_cgroups, &c.enabled };
        const char *p = kernel_text_find(text, "memory");

        if (!p)
                return -ENOENT;

        for (size_t i = 0; i < ELEMENTS_OF(numbers); i++) {
                int r = kernel_text_take_number(&p, numbers[i]);

                if (r < 0)
                        return r;
                if (*p != (i < ELEMENTS_OF(numbers) - 1 ? '\t' : '\n') && *p != '\0')
                        return -EBADMSG;
                if (*p != '\0')
                        p++;
        }

        *ret = c;
        return 0;
}

typedef struct Word {
        const char *at;
        size_t n;
} Word;

/* Takes what lies before the next `separator`, which may be nothing. False once the text is at its end. */
static bool take_word(const char **p, const char *end, char separator, Word *ret) {
        const char *stop;

        if (!*p)
                return false;

        stop = memchr(*p, separator, (size_t)(end - *p));
        *ret = (Word){ *p, (size_t)((stop ? stop : end) - *p) };
        *p = stop ? stop + 1 : NULL;
        return true;
}

static bool word_is(Word w, const char *text) {
        return w.n == strlen(text) && memcmp(w.at, text, w.n) == 0;
}

static bool has_word(Word list, char separator, const char *text) {
        const char *p = list.at;
        Word w;

        while (take_word(&p, list.at + list.n, separator, &w))
                if (word_is(w, text))
                        return true;

        return false;
}

static bool is_octal(char c) {
        return c >= '0' && c <= '7';
}

/* The kernel writes white space and backslashes as \ooo. False if it does not fit, or is no absolute path.
 * */
static bool unescape_path(Word w, char *buf, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < w.n; n++) {
                const char *c = w.at + i;

                if (n + 1 >= size)
                        return false;

                if (w.n - i >= 4 && c[0] == '\\' && c[1] <= '3' && is_octal(c[1]) && is_octal(c[2]) &&
                                is_octal(c[3])) {
                        buf[n] = (char)((c[1] - '0') * 64 + (c[2] - '0') * 8 + (c[3] - '0'));
                        i += 4;
                } else {
                        buf[n] = *c;
                        i++;
                }
        }

        buf[n] = '\0';
        return buf[0] == '/' && strlen(buf) == n;
}

/* Is this line of mountinfo the memory controller, whole? */
static bool parse_mount(const char *p, const char *end, bool unified, char *buf, size_t size) {
        enum { ID, PARENT, DEVICE, ROOT, MOUNT_POINT, OPTIONS, _BEFORE_TAGS };
        Word before[_BEFORE_TAGS], type, source, options, w;

        for (size_t i = 0; i < _BEFORE_TAGS; i++)
                if (!take_word(&p, end, ' ', &before[i]))
                        return false;

        /* Any number of tags, and a hyphen for their end. */
        do
                if (!take_word(&p, end, ' ', &w))
                        return false;
        while (!word_is(w, "-"));

        if (!take_word(&p, end, ' ', &type) || !take_word(&p, end, ' ', &source) ||
                        !take_word(&p, end, ' ', &options))
                return false;

        if (!word_is(before[ROOT], "/"))
                return false;
        if (unified ? !word_is(type, "cgroup2")
                    : !word_is(type, "cgroup") || !has_word(options, ',', "memory"))
                return false;

        return unescape_path(before[MOUNT_POINT], buf, size);
}

int memory_cgroups_parse(const char *mountinfo, const char *controllers, MemoryCgroups *ret) {
        Controller c = { .enabled = 1 };
        char root[PATH_MAX];
        int r;

        r = parse_controllers(controllers, &c);
        if (r < 0 && r != -ENOENT)
                return r;
        if (!c.enabled)
                return -ENOENT;

        for (const char *line = mountinfo; *line;) {
                const char *end = strchrnul(line, '\n');

                if (parse_mount(line, end, c.hierarchy == 0, root, sizeof(root))) {
                        ret->unified = c.hierarchy == 0;
                        memcpy(ret->root, root, strlen(root) + 1);
                        ret->walk_max = MEMORY_CGROUPS_WALK_MAX;
                        return 0;
                }
                line = *end ? end + 1 : end;
        }

        return -ENOENT;
}

/* Appends the lines of mountinfo that matter: a host with thousands of containers has megabytes of others.
 * */
static int read_cgroup_mounts(const char *proc, char **text) {
        _cleanup_free_ char *path = NULL, *line = NULL;
        _cleanup_(fclosep) FILE *f = NULL;
        size_t size = 0;

        if (asprintf(&path, "%s/self/mountinfo", proc) < 0) {
                path = NULL;
                return -ENOMEM;
        }

        f = fopen(path, "re");
        if (!f)
                return -errno;

        for (size_t n = 0; n < MOUNTS_MAX;) {
                int r;

                errno = 0;
                if (getline(&line, &size, f) < 0)
                        return -errno;
                if (!strstr(line, CGROUP_MOUNT))
                        continue;
                r = text_append(text, "%s", line);
                if (r < 0)
                        return r;
                n++;
        }

        return 0;
}

/* A missing file is an empty one: of a kernel without the old hierarchy. */
static int read_controllers(const char *proc, char *buf, size_t size) {
        int r;

        r = read_file(proc, "cgroups", buf, size);
        if (r == -ENOENT) {
                buf[0] = '\0';
                return 0;
        }

        return r;
}

static int check_unified(const char *root) {
        char text[CONTROLLERS_BYTES_MAX];
        int r;

        r = read_file(root, "cgroup.controllers", text, sizeof(text));
        if (r < 0)
                return r;

        text[strcspn(text, "\n")] = '\0';
        return has_word((Word){ text, strlen(text) }, ' ', "memory") ? 0 : -ENOENT;
}

int memory_cgroups_find(const char *proc, MemoryCgroups *ret) {
        _cleanup_free_ char *mounts = NULL;
        char controllers[CONTROLLERS_BYTES_MAX];
        MemoryCgroups found;
        int r;

        r = read_controllers(proc, controllers, sizeof(controllers));
        if (r < 0)
                return r;

        r = text_append(&mounts, "%s", "");
        if (r >= 0)
                r = read_cgroup_mounts(proc, &mounts);
        if (r < 0)
                return r;

        r = memory_cgroups_parse(mounts, controllers, &found);
        if (r < 0)
                return r;

        if (found.unified) {
                r = check_unified(found.root);
                if (r < 0)
                        return r;
        }

        *ret = found;
        return 0;
}

static int count_dying_unified(const MemoryCgroups *m, uint64_t *ret) {
        char text[STAT_BYTES_MAX];
        int r;

        r = read_file(m->root, "cgroup.stat", text, sizeof(text));
        if (r < 0)
                return r;

        return kernel_text_read(text, "nr_dying_descendants", ret);
}

int memory_cgroups_count_dying(const MemoryCgroups *m, const char *proc, uint64_t *ret) {
        char controllers[CONTROLLERS_BYTES_MAX];
        CgroupWalk w = { .n_max = COUNT_CGROUPS_MAX, .time_max = m->walk_max };
        Controller c;
        int r;

        if (m->unified)
                return count_dying_unified(m, ret);

        r = cgroup_walk_run(&w, m->root);
        if (r < 0)
                return r;

        r = read_file(proc, "cgroups", controllers, sizeof(controllers));
        if (r < 0)
                return r;
        r = parse_controllers(controllers, &c);
        if (r < 0)
                return r;

        /* One is the root. Some may have gone since they were seen. */
        *ret = c.n_cgroups > w.n + 1 ? c.n_cgroups - w.n - 1 : 0;
        return 0;
}

/* The number of the first of the two keys that is there. */
static int read_either(const char *text, const char *key, const char *other, uint64_t *ret) {
        int r;

        r = kernel_text_read(text, key, ret);
        return r == -ENOENT ? kernel_text_read(text, other, ret) : r;
}

/* Of memory.stat. With v1, `rss` is of the cgroup alone; with v2 everything is of all within, and so is the
 * former with `total_` in front of it. */
static int parse_anonymous(const char *text, bool unified, uint64_t *ret) {
        return unified ? kernel_text_read(text, "anon", ret) : read_either(text, "total_rss", "rss", ret);
}

/* Old kernels do not tell about shared memory. */
static int parse_shared(const char *text, bool unified, uint64_t *ret) {
        int r;

        r = unified ? kernel_text_read(text, "shmem", ret) : read_either(text, "total_shmem", "shmem", ret);
        if (r == -ENOENT) {
                *ret = 0;
                return 0;
        }

        return r;
}

typedef struct Top {
        bool unified, any;
        MemoryUser *users;
        size_t n, max;
} Top;

static void add_user(Top *t, const char *path, size_t n_path, uint64_t bytes) {
        size_t i = t->n;

        while (i > 0 && t->users[i - 1].bytes < bytes)
                i--;
        if (i >= t->max)
                return;

        if (t->n < t->max)
                t->n++;
        memmove(t->users + i + 1, t->users + i, (t->n - i - 1) * sizeof(*t->users));

        /* Not from the middle of a character on. */
        if (n_path >= sizeof(t->users[i].cgroup)) {
                path += n_path - (sizeof(t->users[i].cgroup) - 1);
                n_path = sizeof(t->users[i].cgroup) - 1;
                for (; n_path > 0 && ((unsigned char)*path & 0xc0) == 0x80; path++)
                        n_path--;
        }

        memcpy(t->users[i].cgroup, path, n_path);
        t->users[i].cgroup[n_path] = '\0';
        t->users[i].bytes = bytes;
}

static void look_at_user(CgroupWalk *w, int folder, const char *name) {
        char path[NAME_MAX + sizeof("/memory.stat")], text[STAT_BYTES_MAX];
        uint64_t anonymous, shared, bytes;
        Top *t = w->userdata;

        (void)stpcpy(stpcpy(path, name), "/memory.stat");
        if (file_read_text(folder, path, text, sizeof(text)) < 0)
                return;

        if (parse_anonymous(text, t->unified, &anonymous) < 0 ||
                        parse_shared(text, t->unified, &shared) < 0 ||
                        __builtin_add_overflow(anonymous, shared, &bytes))
                return;

        t->any = true;
        if (bytes > 0)
                add_user(t, w->path, w->n_path - 1, bytes);
}

int memory_cgroups_top(const MemoryCgroups *m, MemoryUser *ret, size_t max) {
        Top t = { .unified = m->unified, .users = ret, .max = max };
        CgroupWalk w = {
                .n_max = TOP_CGROUPS_MAX, .time_max = m->walk_max, .leaf = look_at_user, .userdata = &t
        };
        int r;

        /* With too many to look at all, some are better than none. */
        r = cgroup_walk_run(&w, m->root);
        if (r < 0 && r != -E2BIG)
                return r;

        return t.any ? (int)t.n : -ENOENT;
}

int memory_cgroups_anonymous(const MemoryCgroups *m, const char *name, uint64_t *ret) {
        char path[PATH_MAX], text[STAT_BYTES_MAX];
        int r;

        r = snprintf(path, sizeof(path), "%s/memory.stat", name);
        if (r < 0 || (size_t)r >= sizeof(path))
                return -ENAMETOOLONG;

        r = read_file(m->root, path, text, sizeof(text));
        if (r < 0)
                return r;

        return parse_anonymous(text, m->unified, ret);
}
