/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_HTTP_SERVER_H
#define REAPERD_TESTS_HTTP_SERVER_H

/*
 * A scripted HTTP server for tests, in processes of its own: one that accepts, and one for each
 * connection. It does what a script says with each request: answers, cuts, dribbles, says nothing. What
 * it saw stands in shared memory.
 */

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/endpoint.h"

#define SERVER_REQUEST_MAX (128 * 1024)

typedef struct ServerLog {
        atomic_uint n_connections;
        atomic_uint n_requests;
        atomic_bool go;                   /* for scripts that wait for the test */
        char request[SERVER_REQUEST_MAX]; /* the last one */
} ServerLog;

/* `n`: how many requests this connection had before. Returns whether the connection is kept. */
typedef bool (*ServerScript)(int fd, const char *request, unsigned n, ServerLog *log);

typedef struct Server {
        pid_t pid;
        Endpoint endpoint;
        ServerLog *log;
        char folder[32];
} Server;

static inline void server_send_bytes(int fd, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

                if (n < 0)
                        _exit(0); /* the client is gone */
                p += n;
                size -= (size_t)n;
        }
}

static inline void server_send(int fd, const char *text) {
        server_send_bytes(fd, text, strlen(text));
}

/* Byte by byte, with a pause now and then so that the client sees them apart. */
static inline void server_dribble(int fd, const char *text, useconds_t pause) {
        for (; *text; text++) {
                server_send_bytes(fd, text, 1);
                (void)usleep(pause);
        }
}

static inline void server_answer(int fd, int status, const char *body) {
        char head[256];

        (void)snprintf(head, sizeof(head), "HTTP/1.1 %d Text\r\nContent-Length: %zu\r\n\r\n", status,
                        strlen(body));
        server_send(fd, head);
        server_send(fd, body);
}

static inline void server_send_chunk(int fd, const char *text) {
        char head[32];

        (void)snprintf(head, sizeof(head), "%zx\r\n", strlen(text));
        server_send(fd, head);
        server_send(fd, text);
        server_send(fd, "\r\n");
}

#define SERVER_CHUNKED_HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static inline void server_wait_go(ServerLog *log) {
        while (!atomic_load(&log->go))
                (void)usleep(1000);
}

static inline void server_serve(int fd, ServerScript script, ServerLog *log) {
        static char buffer[SERVER_REQUEST_MAX];

        for (unsigned n = 0;; n++) {
                size_t size = 0;

                do {
                        ssize_t k = recv(fd, buffer + size, sizeof(buffer) - 1 - size, 0);

                        if (k <= 0)
                                return;
                        size += (size_t)k;
                        buffer[size] = '\0';
                } while (!strstr(buffer, "\r\n\r\n"));

                memcpy(log->request, buffer, size + 1);
                (void)atomic_fetch_add(&log->n_requests, 1);

                if (!script(fd, buffer, n, log))
                        return;
        }
}

/* Ends this process with its parent, which may be gone already. */
static inline void server_die_with(pid_t parent) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(0);
}

static inline void server_accept(int listener, ServerScript script, ServerLog *log) {
        pid_t self = getpid();

        (void)signal(SIGCHLD, SIG_IGN);

        for (;;) {
                int fd = accept(listener, NULL, NULL);

                if (fd < 0)
                        _exit(1);
                (void)atomic_fetch_add(&log->n_connections, 1);

                if (fork() == 0) {
                        server_die_with(self);
                        (void)close(listener);
                        server_serve(fd, script, log);
                        _exit(0);
                }
                (void)close(fd);
        }
}

/* Binds; for tcp to a free port of 127.0.0.1. */
static inline int server_bind(Server *s, EndpointKind kind) {
        int fd;

        s->endpoint.kind = kind;

        if (kind == ENDPOINT_UNIX) {
                struct sockaddr_un address = { .sun_family = AF_UNIX };

                strcpy(s->folder, "/tmp/reaperd-test-XXXXXX");
                assert_non_null(mkdtemp(s->folder));
                (void)snprintf(s->endpoint.path, sizeof(s->endpoint.path), "%s/engine.sock", s->folder);
                strcpy(address.sun_path, s->endpoint.path);

                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_true(fd >= 0);
                assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        } else {
                struct sockaddr_in address = { .sin_family = AF_INET,
                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
                socklen_t size = sizeof(address);

                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert_true(fd >= 0);
                assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
                assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);

                strcpy(s->endpoint.host, "127.0.0.1");
                s->endpoint.port = ntohs(address.sin_port);
        }

        return fd;
}

static inline void server_start(Server *s, EndpointKind kind, ServerScript script) {
        pid_t self = getpid();
        int fd;

        *s = (Server){};
        s->log = mmap(NULL, sizeof(*s->log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(s->log != MAP_FAILED);

        fd = server_bind(s, kind);
        assert_int_equal(listen(fd, 64), 0);

        s->pid = fork();
        assert_true(s->pid >= 0);
        if (s->pid == 0) {
                server_die_with(self);
                server_accept(fd, script, s->log);
        }

        (void)close(fd);
}

/* The processes of its connections die with it. */
static inline void server_stop(Server *s) {
        if (s->pid > 0) {
                (void)kill(s->pid, SIGKILL);
                (void)waitpid(s->pid, NULL, 0);
        }
        if (s->log)
                (void)munmap(s->log, sizeof(*s->log));
        if (s->folder[0]) {
                (void)unlink(s->endpoint.path);
                (void)rmdir(s->folder);
        }
        *s = (Server){};
}

#endif
