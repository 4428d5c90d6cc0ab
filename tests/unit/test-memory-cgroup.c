/* SPDX-License-Identifier: Apache-2.0 */

#include <sys/mman.h>

#include "node/memory-cgroup.h"

#include "folder-fixture.h"

#define UNTOUCHED 0x5afe

#define HEAD "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
#define V1   HEAD "cpuset\t3\t1\t1\nmemory\t4\t26\t1\nmisc\t5\t1\t1\n"
#define V2   HEAD "cpuset\t0\t99\t1\nmemory\t0\t99\t1\n"

#define OTHERS                                                                         \
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"                      \
        "31 22 0:28 / /sys/fs/cgroup rw,relatime shared:9 - tmpfs tmpfs rw,mode=755\n" \
        "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
#define MEMORY  "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:2 - cgroup cgroup rw,memory\n"
#define UNIFIED "41 31 0:38 / /sys/fs/cgroup/unified rw shared:4 master:5 - cgroup2 cgroup2 rw,nsdelegate\n"
#define WHOLE   "41 31 0:38 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n"

static MemoryCgroups untouched(void) {
        return (MemoryCgroups){ .unified = true, .root = "untouched" };
}

static void finds_the_mount(void **state) {
        static const struct {
                const char *mountinfo, *controllers, *root; /* NULL: none */
                bool unified;
        } cases[] = {
                { OTHERS MEMORY, V1, "/sys/fs/cgroup/memory", false },
                { OTHERS UNIFIED MEMORY, V1, "/sys/fs/cgroup/memory", false }, /* hybrid */
                { OTHERS WHOLE, V2, "/sys/fs/cgroup", true },
                { OTHERS MEMORY UNIFIED, V2, "/sys/fs/cgroup/unified", true },
                /* Not mounted, or not there. */
                { OTHERS, V1, NULL, false },
                { OTHERS UNIFIED, V1, NULL, false },
                { OTHERS MEMORY, V2, NULL, false },
                { "", V1, NULL, false },
                { "", "", NULL, false },
                { OTHERS MEMORY, HEAD "memory\t4\t26\t0\n", NULL, false },
                { OTHERS WHOLE, HEAD "memory\t0\t26\t0\n", NULL, false },
                /* Kernels without the old hierarchy do not list it. */
                { OTHERS WHOLE, HEAD "cpuset\t0\t99\t1\n", "/sys/fs/cgroup", true },
                { OTHERS WHOLE, "", "/sys/fs/cgroup", true },
                { OTHERS WHOLE, HEAD "memoryx\t4\t26\t1\n", "/sys/fs/cgroup", true },
                /* With others in one hierarchy; a name of a hierarchy is no controller. */
                { "1 2 0:3 / /a rw - cgroup cgroup rw,cpu,memory,blkio\n", V1, "/a", false },
                { "1 2 0:3 / /a rw - cgroup cgroup rw,name=memory\n" MEMORY, V1, "/sys/fs/cgroup/memory",
                                false },
                { "1 2 0:3 / /a rw - cgroup memory rw,memoryx,xmemory\n" MEMORY, V1, "/sys/fs/cgroup/memory",
                                false },
                { "1 2 0:3 / /a rw,memory - cgroup cgroup rw\n" MEMORY, V1, "/sys/fs/cgroup/memory", false },
                { "1 2 0:3 / /a rw memory - tmpfs cgroup rw,memory\n" MEMORY, V1, "/sys/fs/cgroup/memory",
                                false },
                /* Of several mounts the first of the whole. */
                { "1 2 0:3 /docker/12 /a rw - cgroup cgroup rw,memory\n" MEMORY, V1, "/sys/fs/cgroup/memory",
                                false },
                { "1 2 0:3 /.. /a rw - cgroup2 cgroup2 rw\n" WHOLE, V2, "/sys/fs/cgroup", true },
                { MEMORY "1 2 0:3 / /a rw - cgroup cgroup rw,memory\n", V1, "/sys/fs/cgroup/memory", false },
                { "1 2 0:3 /docker/12 /a rw - cgroup cgroup rw,memory\n", V1, NULL, false },
                { "1 2 0:3 /docker /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", V2, NULL, false },
                /* Escapes. */
                { "1 2 0:3 / /my\\040groups\\011\\134\\012 rw - cgroup2 none rw\n", V2, "/my groups\t\\\n",
                                true },
                { "1 2 0:3 / /a\\04 rw - cgroup2 none rw\n", V2, "/a\\04", true },
                { "1 2 0:3 / /a\\ rw - cgroup2 none rw\n", V2, "/a\\", true },
                { "1 2 0:3 / /a\\089\\400 rw - cgroup2 none rw\n", V2, "/a\\089\\400", true },
                { "1 2 0:3 / /a\\303\\251 rw - cgroup2 none rw\n", V2, "/a\303\251", true },
                { "1 2 0:3 / /a\\000b rw - cgroup2 none rw\n" WHOLE, V2, "/sys/fs/cgroup", true },
                /* A source without a name, many tags, no newline at the end. */
                { "1 2 0:3 / /a rw a:1 b:2 c d e:5 - cgroup  rw,memory", V1, "/a", false },
                /* Lines that are no such lines. */
                { "1 2 0:3 / /a rw\n" WHOLE, V2, "/sys/fs/cgroup", true },
                { "1 2 0:3 / /a rw -\n" WHOLE, V2, "/sys/fs/cgroup", true },
                { "1 2 0:3 / /a rw - cgroup2\n" WHOLE, V2, "/sys/fs/cgroup", true },
                { "1 2 0:3 / /a rw - cgroup2 none\n" WHOLE, V2, "/sys/fs/cgroup", true },
                { "- cgroup2 none rw\n - cgroup2 none rw\n\n\n" WHOLE, V2, "/sys/fs/cgroup", true },
                { "1 2 0:3 /  rw - cgroup2 none rw\n" WHOLE, V2, "/sys/fs/cgroup", true },
                { "1 2 0:3 / a rw - cgroup2 none rw\n" WHOLE, V2, "/sys/fs/cgroup", true },
                { "1 2 0:3 / - rw - cgroup2 none rw\n" WHOLE, V2, "/sys/fs/cgroup", true },
                { "1 2 0:3 / /a rw shared:1 cgroup2 none rw - \n" WHOLE, V2, "/sys/fs/cgroup", true },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                MemoryCgroups m = untouched();
                int r;

                r = memory_cgroups_parse(cases[i].mountinfo, cases[i].controllers, &m);
                if (r != (cases[i].root ? 0 : -ENOENT) ||
                                strcmp(m.root, cases[i].root ? cases[i].root : "untouched") != 0 ||
                                (cases[i].root && m.unified != cases[i].unified))
                        fail_msg("case %zu: %i %s", i, r, m.root);
        }
}

static void refuses_other_controllers(void **state) {
        static const char *const cases[] = {
                "memory\t\n",
                "memory\t4\n",
                "memory\t4\t26\n",
                "memory\t4\t26\t",
                "memory\t4\t26\t1 1\n",
                "memory\t4\t26\t1\t1\n",
                "memory\t-4\t26\t1\n",
                "memory\t4\t\t1\n",
                "memory\tfour\t26\t1\n",
                "memory\t99999999999999999999\t26\t1\n",
                "memory\t4\t99999999999999999999999999\t1\n",
        };
        MemoryCgroups m = untouched();

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                if (memory_cgroups_parse(OTHERS MEMORY WHOLE, cases[i], &m) != -EBADMSG)
                        fail_msg("accepted: %s", cases[i]);
                assert_string_equal(m.root, "untouched");
        }
}

static void garbage_is_no_mount(void **state) {
        _cleanup_free_ char *garbage = make_garbage(), *line = malloc(3 * PATH_MAX);
        MemoryCgroups m = untouched();

        (void)state;
        assert_int_equal(memory_cgroups_parse(garbage, V1, &m), -ENOENT);
        assert_int_equal(memory_cgroups_parse(garbage, garbage, &m), -ENOENT);
        assert_int_equal(memory_cgroups_parse(MEMORY, garbage, &m), -ENOENT);
        assert_string_equal(m.root, "untouched");

        /* The longest path that fits, and a longer one. */
        assert_non_null(line);
        for (size_t n = PATH_MAX - 1; n <= PATH_MAX; n++) {
                strcpy(line, "1 2 0:3 / /");
                memset(line + strlen("1 2 0:3 / /"), 'x', n - 1);
                strcpy(line + strlen("1 2 0:3 / /") + n - 1, " rw - cgroup2 none rw\n");
                assert_int_equal(memory_cgroups_parse(line, V2, &m), n < PATH_MAX ? 0 : -ENOENT);
                assert_int_equal(strlen(m.root), PATH_MAX - 1);
        }
}

static void write_mountinfo(const char *mount_point, const char *tail) {
        _cleanup_free_ char *text = NULL;

        assert_true(asprintf(&text, "%s1 2 0:3 / %s rw %s", OTHERS, mount_point, tail) > 0);
        write_text("proc/self/mountinfo", text);
}

static void finds_by_the_files(void **state) {
        _cleanup_free_ char *garbage = make_garbage();
        size_t n_open = count_descriptors();
        MemoryCgroups m = untouched();

        (void)state;
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -ENOENT);
        write_text("proc/cgroups", V1);
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -ENOENT);
        write_text("proc/self/mountinfo", "");
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -ENOENT);
        write_text("proc/self/mountinfo", garbage);
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -ENOENT);
        assert_string_equal(m.root, "untouched");

        write_mountinfo("/elsewhere", "- cgroup cgroup rw,memory\n");
        assert_int_equal(memory_cgroups_find(below("proc"), &m), 0);
        assert_string_equal(m.root, "/elsewhere");
        assert_false(m.unified);

        /* A unified one has to have the controller, also where /proc/cgroups is not there. */
        m = untouched();
        write_mountinfo(below("tree"), "- cgroup2 cgroup2 rw\n");
        write_text("proc/cgroups", V2);
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -ENOENT);
        write_text("tree/cgroup.controllers", "cpuset cpu io pids\n");
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -ENOENT);
        write_text("tree/cgroup.controllers", "\n");
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -ENOENT);
        write_text("tree/cgroup.controllers", "cpuset memoryx\n");
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -ENOENT);
        write_text("tree/cgroup.controllers", garbage);
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -EFBIG);
        assert_string_equal(m.root, "untouched");
        write_text("tree/cgroup.controllers", "cpuset cpu io memory pids\n");
        assert_int_equal(memory_cgroups_find(below("proc"), &m), 0);
        assert_string_equal(m.root, below("tree"));
        assert_true(m.unified);
        assert_int_equal(unlink(below("proc/cgroups")), 0);
        assert_int_equal(memory_cgroups_find(below("proc"), &m), 0);
        write_text("proc/cgroups", garbage);
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -EFBIG);
        write_text("proc/cgroups", "memory\tx\n");
        assert_int_equal(memory_cgroups_find(below("proc"), &m), -EBADMSG);
        assert_int_equal(count_descriptors(), n_open);
}

/* Thousands of containers make thousands of lines before the one that matters. */
static void finds_among_many(void **state) {
        MemoryCgroups m = untouched();
        FILE *f;

        (void)state;
        write_text("proc/cgroups", V1);
        write_text("proc/self/mountinfo", "");
        f = fopen(below("proc/self/mountinfo"), "we");
        assert_non_null(f);
        for (size_t i = 0; i < 5000; i++)
                assert_true(fprintf(f, "9 9 0:9 / /docker/%01000zu rw - overlay overlay rw\n", i) > 0);
        assert_true(fputs(MEMORY, f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(memory_cgroups_find(below("proc"), &m), 0);
        assert_string_equal(m.root, "/sys/fs/cgroup/memory");
}

static void reads_anonymous_memory(void **state) {
        static const struct {
                const char *text;
                bool unified;
                int result;
                uint64_t bytes;
        } cases[] = {
                { "anon 4096\nfile 1\n", true, 0, 4096 },
                { "file 1\nanon 4096", true, 0, 4096 },
                { "anon 18446744073709551615\n", true, 0, UINT64_MAX },
                { "anon 18446744073709551616\n", true, -EBADMSG, 0 },
                { "anon -1\n", true, -EBADMSG, 0 },
                { "anon 1 kB\n", true, -EBADMSG, 0 },
                { "anon \n", true, -EBADMSG, 0 },
                { "anon\n", true, -ENOENT, 0 },
                { "anon_thp 1\ninactive_anon 2\n", true, -ENOENT, 0 },
                { "rss 1\ntotal_rss 2\n", true, -ENOENT, 0 },
                { "", true, -ENOENT, 0 },
                { "cache 1\nrss 2\nrss_huge 3\ntotal_cache 4\ntotal_rss 5\ntotal_rss_huge 6\n", false, 0,
                                5 },
                { "cache 1\nrss 2\nrss_huge 3\n", false, 0, 2 },
                { "rss 2\ntotal_rss -5\n", false, -EBADMSG, 0 },
                { "anon 1\n", false, -ENOENT, 0 },
        };
        _cleanup_free_ char *garbage = make_garbage();
        MemoryCgroups m = {};
        uint64_t bytes;

        (void)state;
        strcpy(m.root, below("tree"));
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                int r;

                bytes = UNTOUCHED;
                m.unified = cases[i].unified;
                write_text("tree/a/b/memory.stat", cases[i].text);
                r = memory_cgroups_anonymous(&m, "a/b", &bytes);
                if (r != cases[i].result || bytes != (r == 0 ? cases[i].bytes : UNTOUCHED))
                        fail_msg("%s: %i, %llu", cases[i].text, r, (unsigned long long)bytes);
        }

        bytes = UNTOUCHED;
        write_text("tree/a/b/memory.stat", garbage);
        assert_int_equal(memory_cgroups_anonymous(&m, "a/b", &bytes), -EFBIG);
        assert_int_equal(memory_cgroups_anonymous(&m, "a/c", &bytes), -ENOENT);
        assert_int_equal(memory_cgroups_anonymous(&m, "a", &bytes), -ENOENT);
        assert_int_equal(memory_cgroups_anonymous(&m, garbage, &bytes), -ENAMETOOLONG);
        strcpy(m.root, below("nowhere"));
        assert_int_equal(memory_cgroups_anonymous(&m, "a/b", &bytes), -ENOENT);
        assert_int_equal(bytes, UNTOUCHED);
}

/* So many at once that what others make and remove on this machine at the same time does not matter. */
#define N_DYING 64

/* Makes a cgroup, has a page of the file charged to it, and removes it. 77: that cannot be done here. */
static int make_dying(const MemoryCgroups *m, int fd, off_t page) {
        char path[PATH_MAX + 128], procs[PATH_MAX + 256];
        int status, r = 0;
        pid_t pid;

        assert_true(snprintf(path, sizeof(path), "%s/reaperd-test-%i-%lli", m->root, getpid(),
                                    (long long)page) > 0);
        if (mkdir(path, 0755) < 0)
                return 77;
        assert_true(snprintf(procs, sizeof(procs), "%s/memory.stat", path) > 0);
        if (access(procs, F_OK) < 0)
                r = 77;

        assert_true(snprintf(procs, sizeof(procs), "%s/cgroup.procs", path) > 0);
        pid = r == 0 ? fork() : -1;
        if (pid == 0) {
                _cleanup_close_ int procs_fd = open(procs, O_WRONLY | O_CLOEXEC);

                if (procs_fd < 0 || write(procs_fd, "0", 1) != 1)
                        _exit(77);
                _exit(pwrite(fd, "x", 1, page * 65536) == 1 ? 0 : 1);
        }
        if (pid > 0) {
                assert_int_equal(waitpid(pid, &status, 0), pid);
                r = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        }

        /* The child is still charged to it for a moment after its end. */
        for (int i = 0; rmdir(path) < 0; i++) {
                assert_int_equal(errno, EBUSY);
                assert_true(i < 1000);
                (void)usleep(10000);
        }
        return r;
}

static void sees_cgroups_die(void **state) {
        uint64_t before, during, after;
        MemoryCgroups m;
        int fd, r = 0;

        (void)state;
        if (geteuid() != 0 || memory_cgroups_find("/proc", &m) < 0)
                skip();

        m.walk_max = 0; /* an instrumented one takes longer */
        fd = memfd_create("reaperd-test", MFD_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(memory_cgroups_count_dying(&m, "/proc", &before), 0);
        for (int i = 0; i < N_DYING && r == 0; i++)
                r = make_dying(&m, fd, i);
        if (r == 77) {
                print_message("no memory cgroup can be made here\n");
                (void)close(fd);
                skip();
        }
        assert_int_equal(r, 0);

        assert_int_equal(memory_cgroups_count_dying(&m, "/proc", &during), 0);
        assert_in_range(during, before + N_DYING / 2, before + N_DYING + N_DYING / 2);

        /* The pages are given back, and the cgroups go when the kernel gets round to it. */
        assert_int_equal(close(fd), 0);
        for (int i = 0; i < 1000; i++) {
                assert_int_equal(memory_cgroups_count_dying(&m, "/proc", &after), 0);
                if (after + N_DYING / 2 <= during)
                        break;
                (void)usleep(10000);
        }
        assert_true(after + N_DYING / 2 <= during);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(finds_the_mount),
                cmocka_unit_test(refuses_other_controllers),
                cmocka_unit_test(garbage_is_no_mount),
                cmocka_unit_test_setup_teardown(finds_by_the_files, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(finds_among_many, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(reads_anonymous_memory, make_folder, remove_folder),
                cmocka_unit_test(sees_cgroups_die),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
