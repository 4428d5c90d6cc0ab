/* SPDX-License-Identifier: Apache-2.0 */

/* System calls that no code of the daemon needs, a few of each group that its filter leaves out. What they
 * are asked for changes nothing, or is nonsense that only comes to light behind the filter. */

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

#ifndef MPOL_DEFAULT
#define MPOL_DEFAULT 0
#endif

static int act_bpf(const char *arg) {
        (void)arg;
        return outcome_or(syscall(SYS_bpf, -1, NULL, 0), EINVAL);
}

static int act_capset(const char *arg) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        (void)arg;
        if (syscall(SYS_capget, &header, data) < 0)
                broken("capget");
        return outcome(syscall(SYS_capset, &header, data));
}

static int act_chroot(const char *arg) {
        (void)arg;
        return outcome(chroot("/"));
}

static int act_fanotify(const char *arg) {
        (void)arg;
        return outcome(syscall(SYS_fanotify_init, 0, O_RDONLY));
}

static int act_io_port(const char *arg) {
        (void)arg;
#ifdef SYS_ioperm
        /* The port of the power-on self-test. A kernel without such rights is behind the fence as well. */
        return outcome_or(syscall(SYS_ioperm, 0x80, 1, 1), ENOSYS);
#else
        errno = EOPNOTSUPP;
        broken("this architecture has no ports");
#endif
}

static int act_open_by_handle(const char *arg) {
        struct file_handle handle = { .handle_bytes = 0 };

        (void)arg;
        return outcome_or(syscall(SYS_open_by_handle_at, -1, &handle, O_RDONLY), EINVAL);
}

static int act_perf_event(const char *arg) {
        (void)arg;
        return outcome_or(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0UL), EFAULT);
}

static int act_pivot_root(const char *arg) {
        (void)arg;
        return outcome_or(syscall(SYS_pivot_root, "/no-such-folder", "/no-such-folder"), ENOENT);
}

static int act_be_traced(const char *arg) {
        (void)arg;
        return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int act_unmount(const char *arg) {
        (void)arg;
        return outcome_or(syscall(SYS_umount2, "/no-such-folder", 0), ENOENT);
}

static int act_open_tree(const char *arg) {
        (void)arg;
        return outcome(syscall(SYS_open_tree, AT_FDCWD, "/", O_CLOEXEC));
}

static int act_uring(const char *arg) {
        (void)arg;
        return outcome_or(syscall(SYS_io_uring_setup, 0, NULL), EFAULT);
}

static int act_priority(const char *arg) {
        (void)arg;
        return outcome(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 1));
}

static int act_affinity(const char *arg) {
        cpu_set_t cpus;

        (void)arg;
        if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
                broken("sched_getaffinity");
        return outcome(sched_setaffinity(0, sizeof(cpus), &cpus));
}

static int act_io_priority(const char *arg) {
        const int who_process = 1, idle = 3 << 13;

        (void)arg;
        return outcome(syscall(SYS_ioprio_set, who_process, 0, idle));
}

static int act_move_pages(const char *arg) {
        (void)arg;
        return outcome(syscall(SYS_move_pages, 0, 0UL, NULL, NULL, NULL, 0));
}

static int act_memory_policy(const char *arg) {
        (void)arg;
        return outcome(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL));
}

const Act acts_system[] = {
        { "bpf", act_bpf },
        { "capset", act_capset },
        { "chroot", act_chroot },
        { "fanotify", act_fanotify },
        { "io-port", act_io_port },
        { "open-by-handle", act_open_by_handle },
        { "perf-event", act_perf_event },
        { "pivot-root", act_pivot_root },
        { "be-traced", act_be_traced },
        { "unmount", act_unmount },
        { "open-tree", act_open_tree },
        { "uring", act_uring },
        { "priority", act_priority },
        { "affinity", act_affinity },
        { "io-priority", act_io_priority },
        { "move-pages", act_move_pages },
        { "memory-policy", act_memory_policy },
        { NULL, NULL },
};
