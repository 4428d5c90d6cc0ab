/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "probe.h"

/* The numbers are the same on all architectures; the headers of Debian 12 do not know the calls. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* An identity that nobody has. */
#define SOMEBODY 54321

static const char *path_in(const char *folder) {
        static char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/probe.%d", folder, getpid());
        return path;
}

static const char *made_in(const char *folder) {
        const char *path = path_in(folder);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0)
                broken(path);
        close(fd);
        return path;
}

/* The act's outcome, with what it has made taken away. */
static int without(const char *path, int result) {
        (void)unlink(path);
        return result;
}

/* A fence puts an empty file in the place of what is not to be read; some may open even that. */
static bool is_placeholder(int fd) {
        struct statfs fs;
        struct stat st;

        if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
                broken("fstat");
        return S_ISREG(st.st_mode) && st.st_size == 0 && fs.f_type == TMPFS_MAGIC;
}

static int act_read(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0)
                return -errno;
        return is_placeholder(fd) ? -ENODATA : 0;
}

/* Opened and left as it is: the file may be a setting of the machine. */
static int act_write(const char *path) {
        return outcome(open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY));
}

static int act_create(const char *folder) {
        const char *path = path_in(folder);
        int r = outcome(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));

        return without(path, r);
}

static int act_mkdir(const char *folder) {
        const char *path = path_in(folder);
        int r = outcome(mkdir(path, 0700));

        (void)rmdir(path);
        return r;
}

/* Done: others can read what a careless open() makes. */
static int act_open_to_others(const char *folder) {
        const char *path = path_in(folder);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                broken(path);
        return without(path, st.st_mode & 0077 ? 0 : -EACCES);
}

static int act_suid_chmod(const char *folder) {
        const char *path = made_in(folder);

        return without(path, outcome(chmod(path, 04700)));
}

static int act_sgid_fchmod(const char *folder) {
        const char *path = made_in(folder);
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return without(path, outcome(fchmod(fd, 02710)));
}

static int act_suid_chmod2(const char *folder) {
        const char *path = made_in(folder);

        return without(path, outcome(syscall(SYS_fchmodat2, AT_FDCWD, path, 04700, AT_SYMLINK_NOFOLLOW)));
}

static int act_suid_open(const char *folder) {
        const char *path = path_in(folder);

        return without(path, outcome(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 04700)));
}

static int act_sgid_mkdir(const char *folder) {
        const char *path = path_in(folder);
        int r = outcome(mkdir(path, 02700));

        (void)rmdir(path);
        return r;
}

/* A node for the kernel's log; it is not opened. */
static int act_mknod(const char *folder) {
        const char *path = path_in(folder);

        return without(path, outcome(mknod(path, S_IFCHR | 0600, makedev(1, 11))));
}

static int act_chown(const char *folder) {
        const char *path = made_in(folder);

        return without(path, outcome(chown(path, SOMEBODY, SOMEBODY)));
}

/* As it is already: shows the right alone. */
static int act_chown_same(const char *folder) {
        const char *path = made_in(folder);

        return without(path, outcome(chown(path, geteuid(), getegid())));
}

static int act_chmod(const char *path) {
        struct stat st;

        return stat(path, &st) < 0 ? -errno : outcome(chmod(path, st.st_mode & 07777));
}

static int act_chmod2(const char *path) {
        struct stat st;

        return stat(path, &st) < 0 ? -errno
                                   : outcome(syscall(SYS_fchmodat2, AT_FDCWD, path, st.st_mode & 07777, 0));
}

static int act_setxattr(const char *path) {
        /* user::rw- group::r-- other::r--, in the kernel's form. */
        static const unsigned char acl[] = { 2, 0, 0, 0, /**/ 1, 0, 6, 0, 255, 255, 255, 255, /**/
                4, 0, 4, 0, 255, 255, 255, 255, /**/ 32, 0, 4, 0, 255, 255, 255, 255 };

        return outcome(setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0));
}

/* Where the file has none the right is asked for all the same. */
static int act_removexattr(const char *path) {
        return outcome_or(removexattr(path, "system.posix_acl_access"), ENODATA);
}

static int act_utimes(const char *path) {
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };

        return outcome(utimensat(AT_FDCWD, path, times, 0));
}

static int act_cachestat(const char *path) {
        unsigned long range[2] = { 0 }, found[5];
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -errno : outcome(syscall(SYS_cachestat, fd, range, found, 0));
}

static int act_mincore(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        unsigned char resident;
        void *pages;

        if (fd < 0)
                return -errno;
        pages = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
        return pages == MAP_FAILED ? -errno : outcome(mincore(pages, 1, &resident));
}

/* A copy of this program, in a place where one may write. */
static const char *copy_to(const char *folder) {
        const char *path = path_in(folder);
        int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
        struct stat st;

        if (from < 0 || to < 0 || fstat(from, &st) < 0)
                broken(path);
        for (off_t left = st.st_size; left > 0;) {
                ssize_t n = sendfile(to, from, NULL, (size_t)left);
                if (n <= 0)
                        broken(path);
                left -= n;
        }
        close(to);
        return path;
}

/* Status of `PATH ok` or the like, or -errno if it could not be executed. */
static int execute(const char *path, const char *how) {
        pid_t child = fork();
        int status;

        if (child < 0)
                broken("fork");
        if (child == 0) {
                execl(path, path, how, NULL);
                _exit(errno);
        }
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
                broken(path);
        return -WEXITSTATUS(status);
}

static int act_execute_written(const char *folder) {
        const char *path = copy_to(folder);

        return without(path, execute(path, "ok"));
}

static int act_map_written(const char *folder) {
        const char *path = copy_to(folder);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        void *pages = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

        return without(path, pages == MAP_FAILED ? -errno : 0);
}

/* PATH: this program, root's, with the bit that makes it run as its owner. EXIT_FAILURE is what it says when
 * that did not happen. */
static int act_become_root(const char *path) {
        return execute(path, "root");
}

static int act_mount(const char *folder) {
        int r = outcome(mount("probe", folder, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k"));

        (void)umount2(folder, MNT_DETACH);
        return r;
}

/* Done: PID 1 sees what has been mounted here. The name tells it from what others try at the same time. */
static int act_mount_for_all(const char *folder) {
        char line[PATH_MAX + 512], source[64], wanted[80];
        int r = -ENOENT;
        FILE *mounts;

        snprintf(source, sizeof(source), "probe.%d", getpid());
        if (mount(source, folder, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k") < 0)
                return -errno;
        mounts = fopen("/proc/1/mountinfo", "re");
        if (!mounts)
                broken("/proc/1/mountinfo");
        snprintf(wanted, sizeof(wanted), " tmpfs %s ", source);
        while (fgets(line, sizeof(line), mounts))
                if (strstr(line, wanted))
                        r = 0;
        fclose(mounts);
        (void)umount2(folder, MNT_DETACH);
        return r;
}

const Act acts_files[] = {
        { "read", act_read },
        { "write", act_write },
        { "create", act_create },
        { "mkdir", act_mkdir },
        { "open-to-others", act_open_to_others },
        { "suid-chmod", act_suid_chmod },
        { "sgid-fchmod", act_sgid_fchmod },
        { "suid-fchmodat2", act_suid_chmod2 },
        { "suid-open", act_suid_open },
        { "sgid-mkdir", act_sgid_mkdir },
        { "mknod", act_mknod },
        { "chown", act_chown },
        { "chown-same", act_chown_same },
        { "chmod", act_chmod },
        { "fchmodat2", act_chmod2 },
        { "setxattr", act_setxattr },
        { "removexattr", act_removexattr },
        { "utimensat", act_utimes },
        { "cachestat", act_cachestat },
        { "mincore", act_mincore },
        { "execute-written", act_execute_written },
        { "map-written", act_map_written },
        { "become-root", act_become_root },
        { "mount", act_mount },
        { "mount-for-all", act_mount_for_all },
        { NULL, NULL },
};
