/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <linux/keyctl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

static const char socket_name[] = "reaperd-fences";

socklen_t outside_address(struct sockaddr_un *ret) {
        /* The first byte stays 0: no file, but a name that holds within a network. */
        *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
        memcpy(ret->sun_path + 1, socket_name, sizeof(socket_name));
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + sizeof(socket_name));
}

/* sd_notify(3), which the static program has not. */
static void tell_ready(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = getenv("NOTIFY_SOCKET");
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (!path || strlen(path) >= sizeof(address.sun_path) || fd < 0)
                broken("NOTIFY_SOCKET");
        strcpy(address.sun_path, path);
        if (sendto(fd, "READY=1", 7, 0, (const struct sockaddr *)&address, sizeof(address)) < 0)
                broken(path);
        close(fd);
}

int outside(void) {
        struct sockaddr_un address;
        socklen_t length = outside_address(&address);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || bind(fd, (const struct sockaddr *)&address, length) < 0 || listen(fd, SOMAXCONN) < 0)
                broken("socket");
        if (shmget(OUTSIDE_MEMORY, 1, IPC_CREAT | 0666) < 0)
                broken("shmget");
        if (syscall(SYS_add_key, "user", OUTSIDE_KEY, "", 1, KEY_SPEC_SESSION_KEYRING) < 0)
                broken("add_key");
        tell_ready();
        for (;;)
                pause();
}
