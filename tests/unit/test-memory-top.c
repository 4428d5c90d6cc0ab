/* SPDX-License-Identifier: Apache-2.0 */

#include <signal.h>

#include "node/memory-cgroup.h"

#include "folder-fixture.h"

#define UNTOUCHED 0x5afe

static MemoryCgroups tree(bool unified) {
        MemoryCgroups m = { .unified = unified };

        strcpy(m.root, below("tree"));
        return m;
}

static void make_cgroup(const char *name) {
        char path[8192];

        assert_true(snprintf(path, sizeof(path), "tree/%s/", name) > 0);
        make_way(path);
}

static void write_stat(const char *name, const char *text) {
        char path[8192];

        assert_true(snprintf(path, sizeof(path), "tree/%s/memory.stat", name) > 0);
        write_text(path, text);
}

static void write_count(unsigned n) {
        char text[128];

        assert_true(snprintf(text, sizeof(text),
                                    "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t%u\t1\n",
                                    n) > 0);
        write_text("proc/cgroups", text);
}

static void counts_the_dying(void **state) {
        MemoryCgroups m = tree(false);
        uint64_t n = UNTOUCHED;

        (void)state;
        make_cgroup("");
        write_count(1);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
        assert_int_equal(n, 0);
        write_count(4);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
        assert_int_equal(n, 3);

        make_cgroup("docker/1");
        make_cgroup("docker/2/a/b");
        make_cgroup("system.slice");
        write_stat("system.slice", "rss 1\n");
        write_count(17);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
        assert_int_equal(n, 17 - 1 - 6);

        /* More seen than there are: they went meanwhile. */
        write_count(7);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
        assert_int_equal(n, 0);
        write_count(6);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
        assert_int_equal(n, 0);
        write_count(0);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
        assert_int_equal(n, 0);

        /* Links are no cgroups, wherever they lead. */
        assert_int_equal(symlink(".", below("tree/docker/loop")), 0);
        assert_int_equal(symlink("/", below("tree/root")), 0);
        assert_int_equal(symlink("nowhere", below("tree/dead")), 0);
        assert_int_equal(mkfifo(below("tree/fifo"), 0600), 0);
        write_count(17);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
        assert_int_equal(n, 17 - 1 - 6);
}

/* A microsecond is over before the second one is looked at. */
static void walks_end_in_time(void **state) {
        MemoryCgroups m = tree(false);
        MemoryUser users[4];
        char name[16];
        uint64_t n = UNTOUCHED;

        (void)state;
        for (int i = 0; i < 50; i++) {
                snprintf(name, sizeof(name), "%i", i);
                make_cgroup(name);
        }
        write_count(51);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
        assert_int_equal(n, 0);

        n = UNTOUCHED;
        m.walk_max = 1;
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), -E2BIG);
        assert_int_equal(n, UNTOUCHED);
        /* Some are better than none, and here there are none. */
        assert_int_equal(memory_cgroups_top(&m, users, ELEMENTS_OF(users)), -ENOENT);
}

static void tells_why_it_cannot_count(void **state) {
        _cleanup_free_ char *garbage = make_garbage();
        size_t n_open = count_descriptors();
        MemoryCgroups m = tree(false);
        uint64_t n = UNTOUCHED;

        (void)state;
        write_count(1);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), -ENOENT);
        make_cgroup("a");
        write_text("proc/cgroups", "");
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), -ENOENT);
        write_text("proc/cgroups", "memory\t4\t-1\t1\n");
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), -EBADMSG);
        write_text("proc/cgroups", garbage);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), -EFBIG);
        assert_int_equal(unlink(below("proc/cgroups")), 0);
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), -ENOENT);
        assert_int_equal(n, UNTOUCHED);
        assert_int_equal(count_descriptors(), n_open);
}

static void reads_the_unified_count(void **state) {
        static const struct {
                const char *text;
                int result;
                uint64_t n;
        } cases[] = {
                { "nr_descendants 18\nnr_subsys_memory 7\nnr_dying_descendants 5\nnr_dying_subsys_memory "
                  "4\n",
                                0, 5 },
                { "nr_dying_descendants 0", 0, 0 },
                { "nr_descendants 18\n", -ENOENT, 0 },
                { "nr_dying_descendants -5\n", -EBADMSG, 0 },
                { "nr_dying_descendants 99999999999999999999\n", -EBADMSG, 0 },
                { "nr_dying_descendants 5 6\n", -EBADMSG, 0 },
                { "nr_dying_descendants\n", -ENOENT, 0 },
                { "", -ENOENT, 0 },
        };
        _cleanup_free_ char *garbage = make_garbage();
        MemoryCgroups m = tree(true);
        uint64_t n;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                n = UNTOUCHED;
                write_stat("", "");
                write_text("tree/cgroup.stat", cases[i].text);
                assert_int_equal(memory_cgroups_count_dying(&m, "/nowhere", &n), cases[i].result);
                assert_int_equal(n, cases[i].result == 0 ? cases[i].n : UNTOUCHED);
        }
        n = UNTOUCHED;
        write_text("tree/cgroup.stat", garbage);
        assert_int_equal(memory_cgroups_count_dying(&m, "/nowhere", &n), -EFBIG);
        assert_int_equal(unlink(below("tree/cgroup.stat")), 0);
        assert_int_equal(memory_cgroups_count_dying(&m, "/nowhere", &n), -ENOENT);
        assert_int_equal(n, UNTOUCHED);
}

static void names_the_top_users(void **state) {
        MemoryCgroups m = tree(true);
        MemoryUser users[8];

        (void)state;
        write_stat("", "anon 99999\nshmem 0\n"); /* the root is no user */
        write_stat("docker", "anon 9000\nshmem 0\n");
        write_stat("docker/1", "anon 1000\nfile 5\nshmem 24\n");
        write_stat("docker/2", "anon 3000\nfile 500000\nshmem 0\n");
        write_stat("docker/3", "anon 0\nshmem 0\nfile 700000\n");
        write_stat("system.slice/x.service/payload", "anon 2000\nshmem 50\n");
        write_stat("system.slice/x.service", "anon 8000\nshmem 50\n");
        write_stat("old", "anon 5\n");         /* no `shmem` */
        write_stat("v1", "total_rss 77777\n"); /* none of this kind */
        write_stat("odd", "anon 1\nshmem 99999999999999999999\n");
        write_stat("huge", "anon 18446744073709551615\nshmem 50\n");
        make_cgroup("empty");

        assert_int_equal(memory_cgroups_top(&m, users, 8), 4);
        assert_string_equal(users[0].cgroup, "docker/2");
        assert_int_equal(users[0].bytes, 3000);
        assert_string_equal(users[1].cgroup, "system.slice/x.service/payload");
        assert_int_equal(users[1].bytes, 2050);
        assert_string_equal(users[2].cgroup, "docker/1");
        assert_int_equal(users[2].bytes, 1024);
        assert_string_equal(users[3].cgroup, "old");
        assert_int_equal(users[3].bytes, 5);

        /* The rest has no place, and none behind it is written. */
        memset(users, 'x', sizeof(users));
        assert_int_equal(memory_cgroups_top(&m, users, 2), 2);
        assert_string_equal(users[0].cgroup, "docker/2");
        assert_string_equal(users[1].cgroup, "system.slice/x.service/payload");
        assert_int_equal(users[2].cgroup[0], 'x');
        assert_int_equal(memory_cgroups_top(&m, users, 0), 0);

        /* The old kind. */
        m = tree(false);
        write_stat("docker/1", "rss 1\nshmem 2\ntotal_rss 100\ntotal_shmem 200\n");
        write_stat("docker/2", "rss 10\nshmem 20\n");
        assert_int_equal(memory_cgroups_top(&m, users, 8), 3);
        assert_string_equal(users[0].cgroup, "v1");
        assert_string_equal(users[1].cgroup, "docker/1");
        assert_int_equal(users[1].bytes, 300);
        assert_string_equal(users[2].cgroup, "docker/2");
        assert_int_equal(users[2].bytes, 30);
}

static void passes_over_what_cannot_be_read(void **state) {
        _cleanup_free_ char *garbage = make_garbage();
        size_t n_open = count_descriptors();
        MemoryCgroups m = tree(true);
        MemoryUser users[4];

        (void)state;
        assert_int_equal(memory_cgroups_top(&m, users, 4), -ENOENT);
        make_cgroup("a");
        assert_int_equal(memory_cgroups_top(&m, users, 4), -ENOENT);
        write_stat("b", garbage);
        write_stat("c", "");
        assert_int_equal(memory_cgroups_top(&m, users, 4), -ENOENT);

        /* Nobody uses anything, which is known. */
        write_stat("d", "anon 0\n");
        assert_int_equal(memory_cgroups_top(&m, users, 4), 0);

        write_text("elsewhere/memory.stat", "anon 5\n");
        assert_int_equal(symlink("../elsewhere", below("tree/link")), 0);
        assert_int_equal(symlink(".", below("tree/loop")), 0);
        assert_int_equal(memory_cgroups_top(&m, users, 4), 0);
        assert_int_equal(count_descriptors(), n_open);
}

static int top_as_nobody(void) {
        MemoryCgroups m = tree(true);
        MemoryUser users[4];
        uint64_t n;
        int r;

        if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
                return -1;
        r = memory_cgroups_top(&m, users, 4);
        if (r != 1 || strcmp(users[0].cgroup, "open") != 0)
                return 1;
        /* A count without what is in there would be wrong. */
        m.unified = false;
        return memory_cgroups_count_dying(&m, below("proc"), &n) == -EACCES ? 0 : 2;
}

static void does_without_rights(void **state) {
        (void)state;
        if (geteuid() != 0)
                skip();
        write_count(9);
        write_stat("closed/a", "anon 500\n");
        write_stat("closed/b", "anon 500\n");
        write_stat("open", "anon 5\n");
        assert_int_equal(chmod(below("tree/closed"), 0), 0);
        assert_int_equal(in_child(top_as_nobody), 0);
}

static void names_the_end_of_long_paths(void **state) {
        MemoryCgroups m = tree(true);
        char name[600], part[250];
        MemoryUser users[1];

        (void)state;
        memset(part, 'p', sizeof(part));
        part[240] = '\0';

        /* 255 bytes fit. */
        assert_true(snprintf(name, sizeof(name), "%s/%s", part, "12345678901234") == 255);
        write_stat(name, "anon 5\n");
        assert_int_equal(memory_cgroups_top(&m, users, 1), 1);
        assert_string_equal(users[0].cgroup, name);

        assert_true(snprintf(name, sizeof(name), "%s/%s", part, "123456789012345") == 256);
        write_stat(name, "anon 6\n");
        assert_int_equal(memory_cgroups_top(&m, users, 1), 1);
        assert_string_equal(users[0].cgroup, name + 1);

        /* Cut behind the character that would be cut through. */
        part[2] = '\xc3';
        part[3] = '\xa9';
        assert_true(snprintf(name, sizeof(name), "%s/%s", part, "12345678901234567") == 258);
        write_stat(name, "anon 7\n");
        assert_int_equal(memory_cgroups_top(&m, users, 1), 1);
        assert_string_equal(users[0].cgroup, name + 4);
}

/* Deep trees: a chain of n cgroups, one in the other. */
static void make_chain(char *name, size_t n) {
        strcpy(name, "deep");
        for (size_t i = 1; i < n; i++)
                strcat(name, "/c");
}

static void is_bounded_in_depth(void **state) {
        MemoryCgroups m = tree(true);
        MemoryUser users[4];
        char name[256];
        uint64_t n;

        (void)state;
        write_count(100);

        make_chain(name, 32);
        write_stat(name, "anon 6\n");
        write_stat("flat", "anon 5\n");
        assert_int_equal(memory_cgroups_top(&m, users, 4), 2);
        assert_string_equal(users[0].cgroup, name);
        m.unified = false;
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
        assert_int_equal(n, 100 - 1 - 33);

        /* A level more: what lies there counts with the one above. */
        make_chain(name, 33);
        write_stat(name, "anon 7\n");
        assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), -E2BIG);
        m.unified = true;
        assert_int_equal(memory_cgroups_top(&m, users, 4), 2);
        assert_string_equal(users[1].cgroup, "flat");
        assert_int_equal(users[0].bytes, 6);
}

static void is_bounded_in_number(void **state) {
        const size_t max = 5000;
        _cleanup_free_ MemoryUser *users = calloc(max, sizeof(*users));
        MemoryCgroups m = tree(true);
        char name[32];

        (void)state;
        assert_non_null(users);
        for (int i = 0; i < 4095; i++) {
                assert_true(snprintf(name, sizeof(name), "a/%i", i) > 0);
                write_stat(name, "anon 5\n");
        }
        assert_int_equal(memory_cgroups_top(&m, users, max), 4095);

        /* Two more, `a` being one itself: as many as before are looked at. */
        write_stat("a/more", "anon 5\n");
        write_stat("a/andmore", "anon 5\n");
        assert_int_equal(memory_cgroups_top(&m, users, max), 4095);
}

#define N_MOVING 8

static void move_about(bool there) {
        char from[16], to[16];

        for (int i = 0; i < N_MOVING; i++) {
                assert_true(snprintf(from, sizeof(from), "tree/%c%i", there ? 'a' : 'b', i) > 0);
                assert_true(snprintf(to, sizeof(to), "tree/%c%i", there ? 'b' : 'a', i) > 0);
                (void)rename(below(from), below(to));
        }
}

/* Another process has cgroups vanish and come back all the while. */
static void may_change_meanwhile(void **state) {
        MemoryCgroups m = tree(false);
        MemoryUser users[4];
        char name[16];
        pid_t pid;
        /* Under valgrind each takes a tenth of a second. */
        const int n_walks = getenv("REAPERD_TEST_INSTRUMENTED") ? 50 : 1000;

        (void)state;
        write_count(100);
        write_stat("stays", "rss 5\n");
        for (int i = 0; i < N_MOVING; i++) {
                assert_true(snprintf(name, sizeof(name), "a%i/a/a/", i) > 0);
                make_cgroup(name);
        }

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)alarm(60);
                for (bool there = true;; there = !there)
                        move_about(there);
        }

        for (int i = 0; i < n_walks; i++) {
                uint64_t n;

                /* Each of them is seen once, never or twice. */
                assert_int_equal(memory_cgroups_count_dying(&m, below("proc"), &n), 0);
                assert_in_range(n, 100 - 1 - 1 - 2 * 3 * N_MOVING, 100 - 1 - 1);
                assert_int_equal(memory_cgroups_top(&m, users, 4), 1);
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void looks_at_this_machine(void **state) {
        MemoryUser users[5];
        MemoryCgroups m;
        int n;

        (void)state;
        if (memory_cgroups_find("/proc", &m) < 0)
                skip();
        n = memory_cgroups_top(&m, users, 5);
        if (n == -ENOENT)
                skip();
        assert_in_range(n, 0, 5);
        for (int i = 0; i < n; i++) {
                assert_true(users[i].bytes > 0);
                assert_true(i == 0 || users[i].bytes <= users[i - 1].bytes);
                assert_true(users[i].cgroup[0] != '/' && users[i].cgroup[0] != '\0');
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(counts_the_dying, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(walks_end_in_time, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(tells_why_it_cannot_count, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(reads_the_unified_count, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(names_the_top_users, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(passes_over_what_cannot_be_read, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(does_without_rights, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(names_the_end_of_long_paths, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(is_bounded_in_depth, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(is_bounded_in_number, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(may_change_meanwhile, make_folder, remove_folder),
                cmocka_unit_test(looks_at_this_machine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
