/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "node/engine-memory.h"

#include "folder-fixture.h"

#define UNTOUCHED 0x5afe
#define SERVICE   "cgroups/system.slice/docker.service/memory.stat"

static struct sockaddr_un address_of(const char *path) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };

        assert_true(strlen(path) < sizeof(a.sun_path));
        strcpy(a.sun_path, path);
        return a;
}

static int connect_to(const char *path) {
        struct sockaddr_un a = address_of(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
                return fd;
        (void)close(fd);
        return -errno;
}

typedef struct Listener {
        pid_t pid;
        int alive; /* closed: it ends */
} Listener;

/* A process of this name that listens and never accepts. */
static Listener listener_start(const char *comm, const char *path, int backlog) {
        int ready[2], alive[2];
        pid_t pid;
        char c;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct sockaddr_un a = address_of(path);
                int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

                (void)close(ready[0]);
                (void)close(alive[1]);
                if (prctl(PR_SET_NAME, comm) < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
                                listen(fd, backlog) < 0 || write(ready[1], "x", 1) != 1)
                        _exit(1);
                _exit(read(alive[0], &c, 1) == 0 ? 0 : 1);
        }
        assert_int_equal(close(ready[1]), 0);
        assert_int_equal(close(alive[0]), 0);
        assert_int_equal(read(ready[0], &c, 1), 1);
        assert_int_equal(close(ready[0]), 0);
        return (Listener){ pid, alive[1] };
}

static void listener_stop(Listener l) {
        int status;

        assert_int_equal(close(l.alive), 0);
        assert_int_equal(waitpid(l.pid, &status, 0), l.pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void finds_the_engine(void **state) {
        size_t n_open = count_descriptors();
        Listener l;

        (void)state;
        l = listener_start("dockerd", below("socket"), 5);
        assert_int_equal(engine_memory_find_process(below("socket")), l.pid);
        listener_stop(l);

        /* The file is still there. */
        assert_int_equal(engine_memory_find_process(below("socket")), -ECONNREFUSED);
        assert_int_equal(count_descriptors(), n_open);
}

static void takes_nobody_else_for_it(void **state) {
        static const char *const names[] = { "systemd", "dockerd2", "docker", "Dockerd", " dockerd",
                "dockerd\n", "x\ndockerd" };
        char longest[108];

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                Listener l;

                l = listener_start(names[i], below("socket"), 5);
                assert_int_equal(engine_memory_find_process(below("socket")), -ENOENT);
                listener_stop(l);
                assert_int_equal(unlink(below("socket")), 0);
        }

        write_text("file", "");
        assert_int_equal(engine_memory_find_process(below("missing")), -ENOENT);
        assert_int_equal(engine_memory_find_process(below("file")), -ECONNREFUSED);
        memset(longest, 'x', sizeof(longest));
        longest[0] = '/';
        longest[107] = '\0';
        assert_int_equal(engine_memory_find_process(longest), -ENOENT);
        {
                char longer[109];

                memset(longer, 'x', sizeof(longer));
                longer[108] = '\0';
                assert_int_equal(engine_memory_find_process(longer), -ENAMETOOLONG);
        }
}

static const char *full_socket;

static int find_at_full_socket(void) {
        return engine_memory_find_process(full_socket);
}

/* An engine that hangs does not accept. */
static void waits_for_no_engine(void **state) {
        int fds[16], fd = 0;
        size_t n = 0;
        Listener l;

        (void)state;
        full_socket = below("socket");
        l = listener_start("dockerd", full_socket, 1);
        while (n < ELEMENTS_OF(fds) && (fd = connect_to(full_socket)) >= 0)
                fds[n++] = fd;
        assert_int_equal(fd, -EAGAIN);

        assert_int_equal(in_child(find_at_full_socket), -EAGAIN);

        while (n > 0)
                assert_int_equal(close(fds[--n]), 0);
        listener_stop(l);
}

static MemoryCgroups cgroups(bool unified) {
        MemoryCgroups m = { .unified = unified };

        strcpy(m.root, below("cgroups"));
        return m;
}

static void reads_its_cgroup(void **state) {
        MemoryCgroups m = cgroups(true);
        uint64_t bytes;

        (void)state;
        write_text(SERVICE, "anon 4096\nfile 8192\nshmem 1\n");
        write_text("proc/7/status", "RssAnon:\t3 kB\n");
        assert_int_equal(engine_memory_read(&m, below("proc"), 7, &bytes), 0);
        assert_int_equal(bytes, 4096);
        assert_int_equal(engine_memory_read(&m, below("proc"), 0, &bytes), 0);
        assert_int_equal(bytes, 4096);

        m = cgroups(false);
        write_text(SERVICE, "rss 4096\ntotal_rss 8192\n");
        assert_int_equal(engine_memory_read(&m, below("proc"), 7, &bytes), 0);
        assert_int_equal(bytes, 8192);

        /* Where that cannot be read, the process. */
        write_text(SERVICE, "rss -1\n");
        assert_int_equal(engine_memory_read(&m, below("proc"), 7, &bytes), 0);
        assert_int_equal(bytes, 3072);
        assert_int_equal(unlink(below(SERVICE)), 0);
        assert_int_equal(engine_memory_read(&m, below("proc"), 7, &bytes), 0);
        assert_int_equal(bytes, 3072);
        assert_int_equal(engine_memory_read(NULL, below("proc"), 7, &bytes), 0);
        assert_int_equal(bytes, 3072);
}

static void reads_its_process(void **state) {
        static const struct {
                const char *text;
                uint64_t bytes; /* UNTOUCHED: refused */
        } cases[] = {
                { "Name:\tdockerd\nVmRSS:\t   90000 kB\nRssAnon:\t   50000 kB\nRssFile:\t 1 kB\n",
                                51200000 },
                { "RssAnon:\t0 kB", 0 },
                { "Name:\tdockerd\nState:\tZ (zombie)\n", UNTOUCHED },
                { "Name:\tRssAnon: 5 kB\n", UNTOUCHED },
                { "Name:\tx\\nRssAnon: 5 kB\nRssAnon:\t6 kB\n", 6144 },
                { "RssAnon:\t-1 kB\n", UNTOUCHED },
                { "RssAnon:\t1 MB\n", UNTOUCHED },
                { "RssAnon:\t1\n", UNTOUCHED },
                { "RssAnon:\t18014398509481983 kB\n", 18446744073709550592U },
                { "RssAnon:\t18014398509481984 kB\n", UNTOUCHED },
                { "RssAnon:\t99999999999999999999999 kB\n", UNTOUCHED },
                { "RssAnon:", UNTOUCHED },
                { "", UNTOUCHED },
        };
        _cleanup_free_ char *garbage = make_garbage();
        uint64_t bytes = UNTOUCHED;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                int r;

                bytes = UNTOUCHED;
                write_text("proc/7/status", cases[i].text);
                r = engine_memory_read(NULL, below("proc"), 7, &bytes);
                if (r != (cases[i].bytes == UNTOUCHED ? -ENOENT : 0) || bytes != cases[i].bytes)
                        fail_msg("%s: %i, %llu", cases[i].text, r, (unsigned long long)bytes);
        }

        bytes = UNTOUCHED;
        write_text("proc/7/status", garbage);
        assert_int_equal(engine_memory_read(NULL, below("proc"), 7, &bytes), -ENOENT);
        write_bytes("proc/7/status", "RssAnon:\t1 kB\n\0", 15);
        assert_int_equal(engine_memory_read(NULL, below("proc"), 7, &bytes), -ENOENT);
        write_text("proc/0/status", "RssAnon:\t1 kB\n");
        write_text("proc/-1/status", "RssAnon:\t1 kB\n");
        assert_int_equal(engine_memory_read(NULL, below("proc"), 0, &bytes), -ENOENT);
        assert_int_equal(engine_memory_read(NULL, below("proc"), -1, &bytes), -ENOENT);
        assert_int_equal(engine_memory_read(NULL, below("proc"), 8, &bytes), -ENOENT);
        assert_int_equal(bytes, UNTOUCHED);
}

/* 64 MB more are seen as such. */
static void follows_a_real_process(void **state) {
        const size_t more = 64 * 1024 * 1024;
        uint64_t before, after;
        char *block;

        (void)state;
        assert_int_equal(engine_memory_read(NULL, "/proc", getpid(), &before), 0);
        assert_true(before > 0);
        block = malloc(more);
        assert_non_null(block);
        memset(block, 1, more);
        assert_int_equal(engine_memory_read(NULL, "/proc", getpid(), &after), 0);
        assert_true(block[more / 2] == 1);
        free(block);
        assert_in_range(after - before, more - more / 8, 2 * more);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(finds_the_engine, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(takes_nobody_else_for_it, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(waits_for_no_engine, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(reads_its_cgroup, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(reads_its_process, make_folder, remove_folder),
                cmocka_unit_test(follows_a_real_process),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
