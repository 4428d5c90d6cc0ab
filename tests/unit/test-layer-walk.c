/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_walk_*(): what is in a layer and its logs is found, by both methods; what is hostile in it neither
 * blocks nor adds what is elsewhere.
 */

#include "layer-fixture.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>

static void assert_pages(const Holding *h, PageCacheMethod method, uint64_t cached, uint64_t dirty) {
        assert_int_equal(h->cached, cached);
        assert_int_equal(h->dirty, method == PAGE_CACHE_CACHESTAT ? dirty : FIGURE_UNKNOWN);
        assert_false(h->partial);
}

/* With everything written back, each method has to find this. */
static void assert_found(const char *log_path, uint64_t cached, uint64_t inodes) {
        PageCacheMethod list[2];

        for (size_t i = 0, n = methods(list); i < n; i++) {
                Holding h = measure(tree.upper, log_path, list[i]);

                assert_pages(&h, list[i], cached, 0);
                assert_int_equal(h.inodes, inodes);
        }
}

static void test_sizes(void **state __attribute__((unused))) {
        const char *big = in(&tree, "upper/big"), *small = in(&tree, "upper/a/b/small");
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), disk;
        PageCacheMethod list[2];

        make_directory(in(&tree, "upper/a"));
        make_directory(in(&tree, "upper/a/b"));
        make_file(in(&tree, "upper/a/empty"), 0);
        make_file(big, 5 * MIB);
        make_file(small, 10);

        for (size_t i = 0, n = methods(list); i < n; i++) {
                Holding h = measure_upper(list[i]);

                assert_pages(&h, list[i], 5 * MIB + page, 5 * MIB + page);
        }

        write_back(big);
        write_back(small);
        assert_found(NULL, 5 * MIB + page, 6);
        disk = allocated(tree.upper) + allocated(in(&tree, "upper/a")) + allocated(in(&tree, "upper/a/b")) +
               allocated(big) + allocated(small);
        assert_true(disk >= 5 * MIB);
        assert_int_equal(measure_upper(PAGE_CACHE_MINCORE).disk, disk);

        drop(big);
        assert_found(NULL, page, 6);
        drop(small);
        assert_found(NULL, 0, 6);
        assert_int_equal(measure_upper(PAGE_CACHE_MINCORE).disk, disk);
}

/* Without a method the rest is found all the same. */
static void test_no_method(void **state __attribute__((unused))) {
        Holding h;

        make_file(in(&tree, "upper/file"), MIB);
        write_back(in(&tree, "upper/file"));
        h = measure_upper(PAGE_CACHE_NONE);
        assert_true(h.cached == FIGURE_UNKNOWN && h.dirty == FIGURE_UNKNOWN && !h.partial);
        assert_int_equal(h.inodes, 2);
        assert_int_equal(h.disk, allocated(tree.upper) + allocated(in(&tree, "upper/file")));
}

static void test_unknown(void **state __attribute__((unused))) {
        const char *log_path = in(&tree, "x-json.log");
        const struct {
                const char *upper_dir;
        } cases[] = {
                { NULL },
                { "" },
                { in(&tree, "none") },
                { in(&tree, "file") },
                { in(&tree, "fifo") },
                { in(&tree, "link") },
        };

        make_file(log_path, MIB);
        make_file(in(&tree, "file"), MIB);
        assert_int_equal(mkfifo(in(&tree, "fifo"), 0600), 0);
        assert_int_equal(symlink("upper", in(&tree, "link")), 0);

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_(layer_walk_freep) LayerWalk *w = NULL;
                Holding h;

                assert_int_equal(layer_walk_new(cases[i].upper_dir, log_path, PAGE_CACHE_MINCORE, &w), 0);
                h = layer_walk_holding(w);
                assert_unknown(&h);
                while (layer_walk_step(w, 0) > 0)
                        ;
                h = layer_walk_holding(w);
                assert_unknown(&h);
        }
}

static void test_links(void **state __attribute__((unused))) {
        make_file(in(&tree, "outside"), 8 * MIB);
        make_file(in(&tree, "upper/one"), MIB);
        make_directory(in(&tree, "upper/dir"));
        assert_int_equal(link(in(&tree, "upper/one"), in(&tree, "upper/two")), 0);
        assert_int_equal(link(in(&tree, "upper/one"), in(&tree, "upper/dir/three")), 0);
        write_back(in(&tree, "upper/one"));
        assert_found(NULL, MIB, 3);

        /* Symbolic ones hold themselves only, and lead nowhere, least of all round in circles. */
        assert_int_equal(symlink("../outside", in(&tree, "upper/out")), 0);
        assert_int_equal(symlink("one", in(&tree, "upper/in")), 0);
        assert_int_equal(symlink(".", in(&tree, "upper/self")), 0);
        assert_int_equal(symlink("..", in(&tree, "upper/dir/up")), 0);
        assert_int_equal(symlink("/", in(&tree, "upper/root")), 0);
        assert_int_equal(symlink("none", in(&tree, "upper/nowhere")), 0);
        assert_found(NULL, MIB, 9);

        /* Of a file that is linked from elsewhere too, the layer holds one. */
        assert_int_equal(link(in(&tree, "outside"), in(&tree, "upper/shared")), 0);
        write_back(in(&tree, "outside"));
        assert_found(NULL, 9 * MIB, 10);
}

/* Opening one of these would block, fail, or do who knows what. */
static void test_special(void **state __attribute__((unused))) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), here = -1;

        make_file(in(&tree, "upper/file"), MIB);
        write_back(in(&tree, "upper/file"));
        assert_int_equal(mkfifo(in(&tree, "upper/fifo"), 0600), 0);
        assert_int_equal(mknod(in(&tree, "upper/null"), S_IFCHR | 0600, makedev(1, 3)), 0);
        assert_int_equal(mknod(in(&tree, "upper/block"), S_IFBLK | 0600, makedev(0, 0)), 0);
        assert_int_equal(mknod(in(&tree, "upper/whiteout"), S_IFCHR, makedev(0, 0)), 0);

        /* The path of a socket has to be short. */
        here = open(".", O_PATH | O_CLOEXEC);
        assert_true(fd >= 0 && here >= 0 && chdir(tree.upper) == 0);
        strcpy(address.sun_path, "socket");
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(fchdir(here), 0);

        assert_found(NULL, MIB, 7);
}

/* Names that mean something else from one moment to the next: the file outside is never counted. */
static void test_swapped(void **state __attribute__((unused))) {
        struct itimerval limit = { .it_value = { .tv_sec = 30 } }, none = { 0 };
        PageCacheMethod list[2];
        int status;
        pid_t pid;

        make_file(in(&tree, "outside"), 8 * MIB);
        make_file(in(&tree, "upper/file"), MIB);
        write_back(in(&tree, "upper/file"));
        assert_int_equal(symlink(in(&tree, "outside"), in(&tree, "link")), 0);
        assert_int_equal(mkfifo(in(&tree, "fifo"), 0600), 0);
        (void)methods(list);

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                for (unsigned i = 0;; i++) {
                        (void)renameat2(AT_FDCWD, in(&tree, i % 2 == 0 ? "fifo" : "link"), AT_FDCWD,
                                        in(&tree, "upper/file"), RENAME_EXCHANGE);
                        if (getppid() == 1)
                                _exit(EXIT_FAILURE);
                }

        /* A FIFO without a writer would block for good. */
        assert_int_equal(setitimer(ITIMER_REAL, &limit, NULL), 0);
        for (unsigned i = 0; i < 2000; i++) {
                Holding h = measure_upper(list[0]);

                if (h.cached > MIB || h.inodes > 2)
                        (void)kill(pid, SIGKILL);
                assert_true(h.cached <= MIB && h.inodes <= 2);
        }
        assert_int_equal(setitimer(ITIMER_REAL, &none, NULL), 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_true(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

typedef struct Mounted {
        int setup;
        Holding h;
} Mounted;

static void measure_mounted(const void *argument, void *ret) {
        Mounted *m = ret;

        (void)argument;
        m->setup = mount_tmpfs(in(&tree, "upper/mount"));
        if (m->setup < 0)
                return;
        make_directory(in(&tree, "upper/mount/dir"));
        make_file(in(&tree, "upper/mount/file"), 8 * MIB);
        if (mount(in(&tree, "upper/mount/file"), in(&tree, "upper/file"), "none", MS_BIND, NULL) < 0)
                m->setup = -errno;
        m->h = measure_upper(PAGE_CACHE_MINCORE);
}

static void test_mounts(void **state __attribute__((unused))) {
        Mounted m;

        make_directory(in(&tree, "upper/mount"));
        make_file(in(&tree, "upper/file"), MIB);
        in_child(measure_mounted, NULL, &m, sizeof(m));
        assert_int_equal(m.setup, 0);
        assert_int_equal(m.h.cached, 0);
        assert_int_equal(m.h.inodes, 3);
        assert_int_equal(m.h.disk, allocated(tree.upper));
}

static void test_log(void **state __attribute__((unused))) {
        static const char *const of_log[] = { "x-json.log", "x-json.log.1", "x-json.log.2.gz",
                "x-json.log." };
        static const char *const others[] = { "x-json.log2", "x-json.lo", "config.v2.json", "y-json.log",
                ".log" };
        uint64_t disk = allocated(tree.upper);
        const char *log_path;
        Holding h;

        make_directory(in(&tree, "c"));
        log_path = in(&tree, "c/x-json.log");
        assert_found(log_path, 0, 1);
        for (size_t i = 0; i < ELEMENTS_OF(of_log); i++) {
                make_file(in(&tree, "c/%s", of_log[i]), MIB);
                write_back(in(&tree, "c/%s", of_log[i]));
                disk += allocated(in(&tree, "c/%s", of_log[i]));
        }
        for (size_t i = 0; i < ELEMENTS_OF(others); i++)
                make_file(in(&tree, "c/%s", others[i]), 8 * MIB);
        make_directory(in(&tree, "c/x-json.log.d"));
        make_file(in(&tree, "c/x-json.log.d/x-json.log"), 8 * MIB);
        assert_int_equal(symlink("config.v2.json", in(&tree, "c/x-json.log.3")), 0);

        log_path = in(&tree, "c/x-json.log");
        assert_found(log_path, 4 * MIB, 6);
        h = measure(tree.upper, log_path, PAGE_CACHE_MINCORE);
        assert_int_equal(h.disk, disk);

        /* There is none, or none any more. */
        assert_found(NULL, 0, 1);
        assert_found("", 0, 1);
        assert_found(in(&tree, "c/"), 0, 1);
        assert_found(in(&tree, "c/none.log"), 0, 1);
        assert_found(in(&tree, "none/x-json.log"), 0, 1);
        h = measure(tree.upper, in(&tree, "c/config.v2.json/x"), PAGE_CACHE_MINCORE);
        assert_true(h.cached == 0 && h.inodes == 1 && h.partial);

        /* Half of it in the layer, half in the log. */
        assert_int_equal(link(in(&tree, "c/x-json.log"), in(&tree, "upper/log")), 0);
        assert_found(in(&tree, "c/x-json.log"), 4 * MIB, 6);
}

static void test_vanishing(void **state __attribute__((unused))) {
        PageCacheMethod list[2];

        for (size_t i = 0, n = methods(list); i < n; i++)
                for (unsigned steps = 0; steps < 12; steps++) {
                        _cleanup_(layer_walk_freep) LayerWalk *w = NULL;
                        Holding h;

                        make_directory(in(&tree, "upper/dir"));
                        make_file(in(&tree, "upper/dir/file"), MIB);
                        make_directory(in(&tree, "upper/dir/sub"));
                        make_file(in(&tree, "upper/dir/sub/file"), MIB);

                        assert_int_equal(layer_walk_new(tree.upper, NULL, list[i], &w), 0);
                        for (unsigned k = 0; k < steps; k++)
                                (void)layer_walk_step(w, 0);
                        assert_int_equal(unlink(in(&tree, "upper/dir/sub/file")), 0);
                        assert_int_equal(rmdir(in(&tree, "upper/dir/sub")), 0);
                        assert_int_equal(truncate(in(&tree, "upper/dir/file"), 0), 0);
                        assert_int_equal(unlink(in(&tree, "upper/dir/file")), 0);
                        assert_int_equal(rmdir(in(&tree, "upper/dir")), 0);
                        while (layer_walk_step(w, 0) > 0)
                                ;
                        h = layer_walk_holding(w);
                        if (steps > 0) {
                                assert_true(h.inodes >= 1 && h.inodes <= 5 && !h.partial);
                                assert_true(h.cached <= 2 * MIB);
                        }
                }
}

/* Being looked at is no access. */
static void test_times(void **state __attribute__((unused))) {
        const struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
        static const char *const names[] = { "upper/dir/file", "upper/dir", "upper" };
        PageCacheMethod list[2];

        make_directory(in(&tree, "upper/dir"));
        make_file(in(&tree, "upper/dir/file"), MIB);
        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                assert_int_equal(utimensat(AT_FDCWD, in(&tree, "%s", names[i]), times, 0), 0);
        for (size_t i = 0, n = methods(list); i < n; i++)
                assert_int_equal(measure_upper(list[i]).cached, MIB);
        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                struct stat st;

                assert_int_equal(stat(in(&tree, "%s", names[i]), &st), 0);
                assert_int_equal(st.st_atim.tv_sec, 1000000000);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_method, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
                cmocka_unit_test_setup_teardown(test_links, setup, teardown),
                cmocka_unit_test_setup_teardown(test_special, setup, teardown),
                cmocka_unit_test_setup_teardown(test_swapped, setup, teardown),
                cmocka_unit_test_setup_teardown(test_mounts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_log, setup, teardown),
                cmocka_unit_test_setup_teardown(test_vanishing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_times, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
