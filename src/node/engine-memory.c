/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "node/engine-memory.h"
#include "node/kernel-text.h"

#define ENGINE_COMM   "dockerd\n"
#define ENGINE_CGROUP "system.slice/docker.service"

/* About 1.5 KB; masks of thousands of CPUs and lists of groups make it longer. */
#define STATUS_BYTES_MAX 16384

static int find_listener(const char *socket_path, pid_t *ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -1;
        struct ucred peer;
        socklen_t n = sizeof(peer);

        if (strlen(socket_path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);

        /* Not blocking, as connect(2) waits while the listener's queue is full. */
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
                return -errno;

        *ret = peer.pid;
        return 0;
}

int engine_memory_find_process(const char *socket_path) {
        char path[64], comm[32];
        pid_t pid = 0;
        int r;

        r = find_listener(socket_path, &pid);
        if (r < 0)
                return r;

        /* In a namespace that is not seen from here. */
        if (pid <= 0)
                return -ENOENT;

        (void)snprintf(path, sizeof(path), "/proc/%i/comm", pid);
        if (file_read_text(AT_FDCWD, path, comm, sizeof(comm)) < 0 || strcmp(comm, ENGINE_COMM) != 0)
                return -ENOENT;

        return pid;
}

int engine_memory_read(const MemoryCgroups *m, const char *proc, int pid, uint64_t *ret) {
        char path[PATH_MAX], text[STATUS_BYTES_MAX];
        int n;

        if (m && memory_cgroups_anonymous(m, ENGINE_CGROUP, ret) >= 0)
                return 0;

        if (pid <= 0)
                return -ENOENT;

        n = snprintf(path, sizeof(path), "%s/%i/status", proc, pid);
        if (n < 0 || (size_t)n >= sizeof(path) || file_read_text(AT_FDCWD, path, text, sizeof(text)) < 0 ||
                        kernel_text_read_kilobytes(text, "RssAnon:", ret) < 0)
                return -ENOENT;

        return 0;
}

int engine_memory_measure(const MemoryCgroups *m, const char *proc, const char *socket_path, uint64_t *ret) {
        int r;

        r = engine_memory_read(m, proc, 0, ret);
        if (r >= 0 || !socket_path)
                return r;

        r = engine_memory_find_process(socket_path);
        return r < 0 ? -ENOENT : engine_memory_read(NULL, proc, r, ret);
}
