/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

#define SOMEBODY 54321
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const struct {
        const char *name;
        int flag;
} namespaces[] = {
        { "cgroup", CLONE_NEWCGROUP },
        { "ipc", CLONE_NEWIPC },
        { "mnt", CLONE_NEWNS },
        { "net", CLONE_NEWNET },
        { "pid", CLONE_NEWPID },
        { "time", CLONE_NEWTIME },
        { "user", CLONE_NEWUSER },
        { "uts", CLONE_NEWUTS },
};

static int flag_of(const char *name) {
        for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++)
                if (strcmp(namespaces[i].name, name) == 0)
                        return namespaces[i].flag;
        errno = EINVAL;
        broken(name);
}

static int act_unshare(const char *name) {
        return outcome(unshare(flag_of(name)));
}

static int act_clone(const char *name) {
        long child = syscall(SYS_clone, flag_of(name) | SIGCHLD, NULL, NULL, NULL, NULL);

        if (child == 0)
                _exit(EXIT_SUCCESS);
        return outcome(child);
}

/* Into the one that it is in. */
static int act_setns(const char *name) {
        char path[PATH_MAX];
        int fd;

        snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : outcome(setns(fd, 0));
}

static int act_personality(const char *arg) {
        (void)arg;
        return outcome(personality(ADDR_NO_RANDOMIZE));
}

static int act_map_write_execute(const char *arg) {
        void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        (void)arg;
        return page == MAP_FAILED ? -errno : 0;
}

static int act_protect_execute(const char *arg) {
        void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        (void)arg;
        if (page == MAP_FAILED)
                broken("mmap");
        return outcome(mprotect(page, 1, PROT_READ | PROT_EXEC));
}

static int act_attach_execute(const char *arg) {
        int id = shmget(IPC_PRIVATE, 1, 0700);
        void *page;
        int r;

        (void)arg;
        if (id < 0)
                broken("shmget");
        page = shmat(id, NULL, SHM_EXEC);
        r = page == (void *)-1 ? -errno : 0;
        (void)shmctl(id, IPC_RMID, NULL);
        return r;
}

/* A priority that does not exist comes to light behind the filter: where real time is rationed by cgroups,
 * nobody would get it. */
static int act_realtime(const char *name) {
        struct sched_param parameter = { .sched_priority = 0 };
        int policy = strcmp(name, "fifo") == 0 ? SCHED_FIFO : SCHED_RR;

        return outcome_or(sched_setscheduler(0, policy, &parameter), EINVAL);
}

/* getpid(2), asked as a program of 32 bits does. */
static int act_foreign_call(const char *arg) {
        (void)arg;
#ifdef __x86_64__
        int result;

        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
        return result < 0 ? result : 0;
#else
        errno = EOPNOTSUPP;
        broken("no call of another architecture is known for this one");
#endif
}

static int act_setuid(const char *arg) {
        (void)arg;
        return outcome(setresuid(SOMEBODY, SOMEBODY, SOMEBODY));
}

static int act_setuid_same(const char *arg) {
        (void)arg;
        return outcome(setresuid(geteuid(), geteuid(), geteuid()));
}

static int act_setgroups(const char *arg) {
        (void)arg;
        return outcome(setgroups(0, NULL));
}

static int act_signal(const char *pid) {
        return outcome(kill(atoi(pid), 0));
}

/* Done: this process has what it is asked for. */
static int status_has(const char *field, const char *none) {
        FILE *status = fopen("/proc/self/status", "re");
        size_t length = strlen(field);
        char line[512];

        if (!status)
                broken("/proc/self/status");
        while (fgets(line, sizeof(line), status))
                if (strncmp(line, field, length) == 0 && line[length] == ':') {
                        line[strcspn(line, "\n")] = 0;
                        fclose(status);
                        return strcmp(line + length + 2, none) == 0 ? -EPERM : 0;
                }
        errno = ENOENT;
        broken(field);
}

static int act_capabilities(const char *set) {
        return status_has(set, "0000000000000000");
}

/* Done: other users exist for it. */
static int act_other_users(const char *arg) {
        FILE *map = fopen("/proc/self/uid_map", "re");
        unsigned long inside, host, count;
        bool all;

        (void)arg;
        if (!map)
                broken("/proc/self/uid_map");
        all = fscanf(map, "%lu %lu %lu", &inside, &host, &count) == 3 && count == UINT32_MAX;
        fclose(map);
        return all ? 0 : -EINVAL;
}

/* COUNT processes at a time. */
static int act_fork(const char *count) {
        int n = atoi(count), r = 0;
        pid_t *children = calloc((size_t)n, sizeof(*children));

        if (!children)
                broken("calloc");
        for (int i = 0; i < n && r == 0; i++) {
                children[i] = fork();
                if (children[i] == 0) {
                        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                        pause();
                        _exit(EXIT_SUCCESS);
                }
                r = outcome(children[i]);
        }
        for (int i = 0; i < n && children[i] > 0; i++) {
                (void)kill(children[i], SIGKILL);
                (void)waitpid(children[i], NULL, 0);
        }
        free(children);
        return r;
}

static int act_outside_key(const char *arg) {
        (void)arg;
        return outcome(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", OUTSIDE_KEY, 0));
}

/* The number of the own keyring, which is made if it is not there. */
static int act_keyring(const char *arg) {
        (void)arg;
        return outcome(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}

static int act_outside_memory(const char *arg) {
        (void)arg;
        return outcome(shmget(OUTSIDE_MEMORY, 0, 0));
}

static int act_leave_posix(const char *name) {
        return outcome(shm_open(name, O_RDWR | O_CREAT, 0600));
}

static int act_leave_system_v(const char *key) {
        return outcome(shmget(atoi(key), 1, IPC_CREAT | 0600));
}

static int act_find_system_v(const char *key) {
        return outcome(shmget(atoi(key), 0, 0));
}

static int act_find_posix(const char *name) {
        return outcome(shm_open(name, O_RDONLY, 0));
}

const Act acts_process[] = {
        { "unshare", act_unshare },
        { "clone", act_clone },
        { "setns", act_setns },
        { "personality", act_personality },
        { "map-write-execute", act_map_write_execute },
        { "protect-execute", act_protect_execute },
        { "attach-execute", act_attach_execute },
        { "realtime", act_realtime },
        { "foreign-call", act_foreign_call },
        { "setuid", act_setuid },
        { "setuid-same", act_setuid_same },
        { "setgroups", act_setgroups },
        { "signal", act_signal },
        { "capabilities", act_capabilities },
        { "other-users", act_other_users },
        { "fork", act_fork },
        { "outside-key", act_outside_key },
        { "keyring", act_keyring },
        { "outside-memory", act_outside_memory },
        { "leave-posix", act_leave_posix },
        { "leave-system-v", act_leave_system_v },
        { "find-posix", act_find_posix },
        { "find-system-v", act_find_system_v },
        { NULL, NULL },
};
