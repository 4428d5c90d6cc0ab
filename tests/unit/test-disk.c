/* SPDX-License-Identifier: Apache-2.0 */

#include <sched.h>
#include <sys/mount.h>

#include "node/disk.h"

#include "folder-fixture.h"

#define U         FIGURE_UNKNOWN
#define UNTOUCHED 0x5afe
#define HUGE      UINT64_MAX

static void figures_are_those_of_df(void **state) {
        static const struct {
                struct statvfs s;
                int result;
                uint64_t total, used, inodes_total, inodes_used;
        } cases[] = {
                /* 5 blocks are kept for root: they count neither as used nor as available. */
                { { .f_frsize = 4096,
                                  .f_blocks = 100,
                                  .f_bfree = 30,
                                  .f_bavail = 25,
                                  .f_files = 50,
                                  .f_ffree = 20 },
                                0, 95 * 4096, 70 * 4096, 50, 30 },
                /* f_bsize is the size to read with, f_frsize that of a block. */
                { { .f_frsize = 512,
                                  .f_bsize = 65536,
                                  .f_blocks = 10,
                                  .f_bfree = 10,
                                  .f_bavail = 10,
                                  .f_files = 1 },
                                0, 5120, 0, 1, 1 },
                /* all is used, and what was root's too */
                { { .f_frsize = 4096, .f_blocks = 100, .f_files = 9, .f_ffree = 9 }, 0, 409600, 409600, 9,
                                0 },
                /* no fixed number of inodes; no size either */
                { { .f_frsize = 4096, .f_blocks = 100, .f_bfree = 50, .f_bavail = 50 }, 0, 409600, 204800, U,
                                U },
                { { .f_frsize = 4096 }, 0, U, U, U, U },
                { { .f_frsize = 0, .f_blocks = 100, .f_bfree = 50 }, 0, U, U, U, U },
                /* the largest that fits, and more */
                { { .f_frsize = 1, .f_blocks = HUGE - 1, .f_files = HUGE - 1 }, 0, HUGE - 1, HUGE - 1,
                                HUGE - 1, HUGE - 1 },
                { { .f_frsize = 4096, .f_blocks = HUGE }, -EBADMSG, 0, 0, 0, 0 },
                { { .f_frsize = 4096, .f_blocks = HUGE, .f_bfree = HUGE, .f_bavail = HUGE }, -EBADMSG, 0, 0,
                                0, 0 },
                { { .f_frsize = 1, .f_blocks = HUGE, .f_bfree = 1, .f_bavail = 2 }, -EBADMSG, 0, 0, 0, 0 },
                { { .f_frsize = HUGE, .f_blocks = 2 }, -EBADMSG, 0, 0, 0, 0 },
                /* more is free than there is */
                { { .f_frsize = 1, .f_blocks = 100, .f_bfree = 101 }, -EBADMSG, 0, 0, 0, 0 },
                { { .f_frsize = 4096, .f_blocks = 100, .f_bfree = 101 }, -EBADMSG, 0, 0, 0, 0 },
                { { .f_frsize = 4096, .f_blocks = 100, .f_files = 10, .f_ffree = 11 }, -EBADMSG, 0, 0, 0,
                                0 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                NodeFigures f = { .memory_total = UNTOUCHED,
                        .disk_total = UNTOUCHED,
                        .disk_used = UNTOUCHED,
                        .inodes_total = UNTOUCHED,
                        .inodes_used = UNTOUCHED };
                bool good = cases[i].result == 0;

                if (disk_figures(&cases[i].s, &f) != cases[i].result ||
                                f.disk_total != (good ? cases[i].total : UNTOUCHED) ||
                                f.disk_used != (good ? cases[i].used : UNTOUCHED) ||
                                f.inodes_total != (good ? cases[i].inodes_total : UNTOUCHED) ||
                                f.inodes_used != (good ? cases[i].inodes_used : UNTOUCHED))
                        fail_msg("case %zu", i);
                assert_int_equal(f.memory_total, UNTOUCHED);
        }
}

/* A file system of its own, of which everything is known. */
static int look_at_tmpfs(void) {
        char block[64 * 1024] = {};
        NodeFigures f = {};

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
                        mount("tmpfs", folder, "tmpfs", 0, "size=1M,nr_inodes=100") < 0)
                return -1;

        write_bytes("a", block, sizeof(block));
        write_bytes("b/c", block, 1);
        if (disk_read(folder, &f) != 0 || disk_read(below("a"), &f) != 0)
                return 1;
        if (f.disk_total != 1024 * 1024 || f.disk_used != sizeof(block) + (size_t)sysconf(_SC_PAGESIZE))
                return 2;
        /* The root's, a, b, c. */
        return f.inodes_total == 100 && f.inodes_used == 4 ? 0 : 3;
}

static void counts_what_is_written(void **state) {
        int r;

        (void)state;
        r = in_child(look_at_tmpfs);
        if (r == -1) {
                print_message("no file system may be mounted here\n");
                skip();
        }
        assert_int_equal(r, 0);
}

static int look_as_nobody(void) {
        NodeFigures f = {};

        if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
                return -1;
        if (access(below("closed"), R_OK) == 0 || access(below("closed"), X_OK) == 0)
                return 1;
        return disk_read(below("closed"), &f) == 0 && f.disk_total > 0 ? 0 : 2;
}

static void needs_no_right(void **state) {
        (void)state;
        if (geteuid() != 0)
                skip();
        assert_int_equal(mkdir(below("closed"), 0700), 0);
        assert_int_equal(in_child(look_as_nobody), 0);
}

static void tells_why_not(void **state) {
        NodeFigures f = { .disk_total = UNTOUCHED };

        (void)state;
        write_text("file", "");
        assert_int_equal(disk_read(below("missing"), &f), -ENOENT);
        assert_int_equal(disk_read(below("file/within"), &f), -ENOTDIR);
        assert_int_equal(disk_read("", &f), -ENOENT);
        assert_int_equal(f.disk_total, UNTOUCHED);

        assert_int_equal(disk_read("/proc", &f), 0);
        assert_int_equal(f.disk_total, U);
        assert_int_equal(f.inodes_total, U);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(figures_are_those_of_df),
                cmocka_unit_test_setup_teardown(counts_what_is_written, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(needs_no_right, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(tells_why_not, make_folder, remove_folder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
