/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TEST_LAYER_FIXTURE_H
#define REAPERD_TEST_LAYER_FIXTURE_H

/*
 * A tree on a file system whose page cache can be emptied, and what the kernel answers by itself. Runs as
 * root: users, capabilities, devices and mounts are what is tested.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "node/layer-walk.h"
#include "node/residency.h"

#define MIB ((uint64_t)1024 * 1024)
/* What everybody else is. */
#define NOBODY 65534

#define CAPABILITY(name) (UINT64_C(1) << (name))

/* The files of one test. */
typedef struct Tree {
        char root[PATH_MAX];
        char upper[PATH_MAX + 8]; /* root/upper, which is there */
} Tree;

/* A path in the tree; lasts until the eighth call from now. */
static inline const char *in(const Tree *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline const char *in(const Tree *t, const char *format, ...) {
        static char paths[8][2 * PATH_MAX];
        static unsigned next;
        char *path = paths[next++ % ELEMENTS_OF(paths)];
        va_list ap;
        int n;

        n = snprintf(path, sizeof(paths[0]), "%s/", t->root);
        va_start(ap, format);
        (void)vsnprintf(path + n, sizeof(paths[0]) - (size_t)n, format, ap);
        va_end(ap);
        return path;
}

static inline void make_directory(const char *path) {
        if (mkdir(path, 0755) < 0)
                fail_msg("%s: %s", path, strerror(errno));
}

/* Leaves it in the page cache, not written back. */
static inline void make_file(const char *path, uint64_t size) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        static char block[64 * 1024];

        if (fd < 0)
                fail_msg("%s: %s", path, strerror(errno));
        memset(block, 'x', sizeof(block));
        while (size > 0) {
                ssize_t n = write(fd, block, size < sizeof(block) ? size : sizeof(block));

                assert_true(n > 0);
                size -= (uint64_t)n;
        }
}

static inline void write_back(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(fsync(fd), 0);
}

/* Takes it out of the page cache. */
static inline void drop(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(fsync(fd), 0);
        assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
}

static inline uint64_t allocated(const char *path) {
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        return (uint64_t)st.st_blocks * 512;
}

/* The pages of a file, by mincore(2), which root may believe. */
static inline uint64_t resident(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        Residency r;
        struct stat st;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        r = residency_begin(PAGE_CACHE_MINCORE, fd, &st);
        while (residency_step(&r) > 0)
                ;
        return r.cached;
}

/* Kernels before 6.5 have no cachestat(2), nor has valgrind. */
static inline bool has_cachestat(void) {
        uint64_t cached, dirty;

        return residency_cachestat(-1, 0, 0, &cached, &dirty) != -ENOSYS;
}

/* The methods to test; the best one first. */
static inline size_t methods(PageCacheMethod ret[2]) {
        size_t n = 0;

        if (has_cachestat())
                ret[n++] = PAGE_CACHE_CACHESTAT;
        ret[n++] = PAGE_CACHE_MINCORE;
        return n;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *where) {
        (void)st;
        (void)type;
        (void)where;
        return remove(path);
}

static inline void tree_remove(const Tree *t) {
        assert_int_equal(nftw(t->root, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT), 0);
}

static inline bool tree_try(Tree *t, const char *folder) {
        const char *probe;
        bool good;

        if (snprintf(t->root, sizeof(t->root), "%s/layer-XXXXXX", folder) >= (int)sizeof(t->root) ||
                        !mkdtemp(t->root))
                return false;
        assert_int_equal(chmod(t->root, 0755), 0);
        probe = in(t, "probe");
        make_file(probe, MIB);
        good = resident(probe) == MIB;
        drop(probe);
        good = good && resident(probe) == 0;
        assert_int_equal(unlink(probe), 0);
        if (!good)
                tree_remove(t);
        return good;
}

/* Beside the test itself, if its file system can; tmpfs keeps all pages, overlayfs has them elsewhere. */
static inline Tree tree_new(void) {
        char beside[PATH_MAX];
        char *slash;
        ssize_t n;
        Tree t;

        n = readlink("/proc/self/exe", beside, sizeof(beside) - 1);
        assert_true(n > 0);
        beside[n] = '\0';
        slash = strrchr(beside, '/');
        assert_non_null(slash);
        *slash = '\0';

        if (!tree_try(&t, beside) && !tree_try(&t, "/var/tmp") && !tree_try(&t, "/var/lib"))
                fail_msg("no file system whose page cache can be emptied");
        (void)snprintf(t.upper, sizeof(t.upper), "%s/upper", t.root);
        make_directory(t.upper);
        return t;
}

static inline Holding measure(const char *upper_dir, const char *log_path, PageCacheMethod method) {
        _cleanup_(layer_walk_freep) LayerWalk *w = NULL;

        assert_int_equal(layer_walk_new(upper_dir, log_path, method, &w), 0);
        assert_int_equal(layer_walk_step(w, USEC_INFINITY), 0);
        return layer_walk_holding(w);
}

static inline void assert_unknown(const Holding *h) {
        assert_true(h->cached == FIGURE_UNKNOWN && h->dirty == FIGURE_UNKNOWN);
        assert_true(h->disk == FIGURE_UNKNOWN && h->inodes == FIGURE_UNKNOWN);
        assert_false(h->partial);
}

/* Becomes that user with these capabilities, as a service with AmbientCapabilities= has them. */
static inline int become(uid_t uid, uint64_t capabilities) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

        memset(data, 0, sizeof(data));
        for (size_t i = 0; i < ELEMENTS_OF(data); i++) {
                data[i].effective = (uint32_t)(capabilities >> (32 * i));
                data[i].permitted = data[i].effective;
        }
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
                        setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                return -errno;
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* A user namespace of its own, in which there is this user (as root), or nobody at all if it is not mapped.
 * */
static inline int leave_users(bool map_self) {
        char line[64];
        int fd, n, r;

        n = snprintf(line, sizeof(line), "0 %u 1", geteuid());
        if (unshare(CLONE_NEWUSER) < 0)
                return -errno;
        if (!map_self)
                return 0;
        fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write(fd, line, (size_t)n) < 0 ? -errno : 0;
        (void)close(fd);
        return r;
}

/* Mounts what is made from now on for this process only. */
static inline int mount_tmpfs(const char *path) {
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;
        return mount("layer-test", path, "tmpfs", 0, NULL) < 0 ? -errno : 0;
}

/* Lets this call fail with `error` from now on. */
static inline int filter_call(unsigned number, unsigned error) {
        struct sock_filter program[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog filter = { .len = ELEMENTS_OF(program), .filter = program };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0 ? -errno : 0;
}

typedef void (*ChildFunction)(const void *argument, void *ret);

/* Runs the function in a child, which may do away with its rights, and brings back what it wrote to ret. */
static inline void in_child(ChildFunction function, const void *argument, void *ret, size_t size) {
        void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int status;
        pid_t pid;

        assert_true(shared != MAP_FAILED);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                function(argument, shared);
                _exit(EXIT_SUCCESS);
        }
        assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
        memcpy(ret, shared, size);
        assert_int_equal(munmap(shared, size), 0);
}

/* The tree of the test that runs. */
static Tree tree;

static inline int setup(void **state __attribute__((unused))) {
        tree = tree_new();
        return 0;
}

static inline int teardown(void **state __attribute__((unused))) {
        tree_remove(&tree);
        return 0;
}

/* Measures the layer without a log. */
static inline Holding measure_upper(PageCacheMethod method) {
        return measure(tree.upper, NULL, method);
}

#endif
