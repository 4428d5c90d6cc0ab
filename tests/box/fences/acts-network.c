/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "probe.h"

typedef struct Family {
        const char *name;
        int domain, type;
} Family;

static const Family families[] = {
        { "unix", AF_UNIX, SOCK_STREAM },
        { "inet", AF_INET, SOCK_STREAM },
        { "inet6", AF_INET6, SOCK_STREAM },
        { "netlink", AF_NETLINK, SOCK_RAW },
        { "packet", AF_PACKET, SOCK_DGRAM },
        { "vsock", AF_VSOCK, SOCK_STREAM },
};

static const Family *family(const char *name) {
        for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
                if (strcmp(families[i].name, name) == 0)
                        return families + i;
        errno = EINVAL;
        broken(name);
}

static int act_socket(const char *name) {
        const Family *f = family(name);

        return outcome(socket(f->domain, f->type | SOCK_CLOEXEC, 0));
}

/* The kernel makes the socket on behalf of a ring, past every filter of system calls. */
static int act_uring_socket(const char *name) {
        const Family *f = family(name);
        struct io_uring_params params = { 0 };
        struct io_uring_sqe *sqes;
        struct io_uring_cqe *cqe;
        unsigned char *sq, *cq;
        unsigned head;
        int ring;

        ring = (int)syscall(SYS_io_uring_setup, 1, &params);
        if (ring < 0)
                return -errno;
        sq = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned), PROT_READ | PROT_WRITE,
                        MAP_SHARED, ring, IORING_OFF_SQ_RING);
        cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(*cqe), PROT_READ | PROT_WRITE,
                        MAP_SHARED, ring, IORING_OFF_CQ_RING);
        sqes = mmap(NULL, params.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
                        IORING_OFF_SQES);
        if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
                broken("mmap of a ring");

        sqes[0] = (struct io_uring_sqe){
                .opcode = IORING_OP_SOCKET,
                .fd = f->domain,
                .off = (__u64)f->type,
        };
        memset(sq + params.sq_off.array, 0, sizeof(unsigned));
        __atomic_store_n((unsigned *)(void *)(sq + params.sq_off.tail), 1, __ATOMIC_RELEASE);
        if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
                return -errno;
        head = __atomic_load_n((unsigned *)(void *)(cq + params.cq_off.head), __ATOMIC_ACQUIRE);
        cqe = (struct io_uring_cqe *)(void *)(cq + params.cq_off.cqes) + head;
        return cqe->res < 0 ? cqe->res : 0;
}

/* Done: there is an interface besides the loopback. */
static int act_interfaces(const char *arg) {
        FILE *list = fopen("/proc/self/net/dev", "re");
        char line[512], *name;
        int r = -ENODEV;

        (void)arg;
        if (!list)
                broken("/proc/self/net/dev");
        while (fgets(line, sizeof(line), list)) {
                if (!strchr(line, ':'))
                        continue;
                name = line + strspn(line, " ");
                if (strncmp(name, "lo:", 3) != 0)
                        r = 0;
        }
        fclose(list);
        return r;
}

static int connect_unix(int type, const struct sockaddr_un *address, size_t length) {
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        return outcome(connect(fd, (const struct sockaddr *)address, (socklen_t)length));
}

static int connect_path(int type, const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof(address.sun_path))
                broken(path);
        strcpy(address.sun_path, path);
        return connect_unix(type, &address, sizeof(address));
}

static int act_connect(const char *path) {
        return connect_path(SOCK_STREAM, path);
}

static int act_connect_datagram(const char *path) {
        return connect_path(SOCK_DGRAM, path);
}

static int act_abstract(const char *arg) {
        struct sockaddr_un address;
        socklen_t length = outside_address(&address);

        (void)arg;
        return connect_unix(SOCK_STREAM, &address, length);
}

static int act_datagram(const char *where) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9) };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        if (inet_pton(AF_INET, where, &address.sin_addr) != 1)
                broken(where);
        return outcome(sendto(fd, "", 1, 0, (const struct sockaddr *)&address, sizeof(address)));
}

/* Nobody listens there; only a packet that arrives is refused. */
static int act_stream(const char *where) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        if (inet_pton(AF_INET, where, &address.sin_addr) != 1)
                broken(where);
        return outcome_or(connect(fd, (const struct sockaddr *)&address, sizeof(address)), ECONNREFUSED);
}

const Act acts_network[] = {
        { "socket", act_socket },
        { "uring-socket", act_uring_socket },
        { "interfaces", act_interfaces },
        { "connect", act_connect },
        { "connect-datagram", act_connect_datagram },
        { "abstract", act_abstract },
        { "datagram", act_datagram },
        { "stream", act_stream },
        { NULL, NULL },
};
