/* SPDX-License-Identifier: Apache-2.0 */

/* What is the machine's: clock, modules, log, names. Nothing is changed: what is set is what is there, or
 * nonsense that only comes to light behind the check of the rights. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probe.h"

static int act_set_clock(const char *arg) {
        struct timex clock = { 0 };

        (void)arg;
        if (adjtimex(&clock) < 0)
                return -errno;
        clock.modes = ADJ_TICK;
        return outcome(adjtimex(&clock));
}

/* A kernel without modules is behind the fence as well. */
static int module_outcome(long result, int reached) {
        return result < 0 && errno == ENOSYS ? 0 : outcome_or(result, reached);
}

static int act_load_module(const char *arg) {
        (void)arg;
        return module_outcome(syscall(SYS_finit_module, -1, "", 0), EBADF);
}

static int act_unload_module(const char *arg) {
        (void)arg;
        return module_outcome(syscall(SYS_delete_module, "no_such_module_for_sure", O_NONBLOCK), ENOENT);
}

/* How large the log is: refused like reading it. */
static int act_kernel_log(const char *arg) {
        const int size_buffer = 10;

        (void)arg;
        return outcome(klogctl(size_buffer, NULL, 0));
}

static int act_set_hostname(const char *arg) {
        struct utsname name;

        (void)arg;
        if (uname(&name) < 0)
                broken("uname");
        return outcome(sethostname(name.nodename, strlen(name.nodename)));
}

static int act_set_domainname(const char *arg) {
        struct utsname name;

        (void)arg;
        if (uname(&name) < 0)
                broken("uname");
        return outcome(setdomainname(name.domainname, strlen(name.domainname)));
}

/* The kernel tells of stalls, without any right. 2 s is what it allows to everybody. Kernels before 6.4
 * allow it to none but root: EINVAL there says that the file could be opened for writing. */
static int act_watch_stalls(const char *path) {
        static const char trigger[] = "some 200000 2000000";
        int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

        return fd < 0 ? -errno : outcome_or(write(fd, trigger, sizeof(trigger)), EINVAL);
}

const Act acts_kernel[] = {
        { "set-clock", act_set_clock },
        { "load-module", act_load_module },
        { "unload-module", act_unload_module },
        { "kernel-log", act_kernel_log },
        { "set-hostname", act_set_hostname },
        { "set-domainname", act_set_domainname },
        { "watch-stalls", act_watch_stalls },
        { NULL, NULL },
};
