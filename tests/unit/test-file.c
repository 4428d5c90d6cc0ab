/* SPDX-License-Identifier: Apache-2.0 */

#include "base/file.h"

#include "folder-fixture.h"

static void reads_whole_files(void **state) {
        char buf[16];

        (void)state;
        write_text("few", "a\nb");
        write_text("fits", "123456789012345");
        write_text("none", "");

        assert_int_equal(file_read_text(AT_FDCWD, below("few"), buf, sizeof(buf)), 3);
        assert_string_equal(buf, "a\nb");
        assert_int_equal(file_read_text(AT_FDCWD, below("fits"), buf, sizeof(buf)), 15);
        assert_string_equal(buf, "123456789012345");
        assert_int_equal(file_read_text(AT_FDCWD, below("none"), buf, sizeof(buf)), 0);
        assert_string_equal(buf, "");
        assert_int_equal(file_read_text(AT_FDCWD, below("none"), buf, 1), 0);
}

static void is_relative_to_a_folder(void **state) {
        char buf[16];
        int fd;

        (void)state;
        write_text("a/b", "here");
        fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(file_read_text(fd, "a/b", buf, sizeof(buf)), 4);
        assert_int_equal(file_read_text(fd, "a/c", buf, sizeof(buf)), -ENOENT);
        assert_int_equal(close(fd), 0);
}

static void refuses_what_is_no_small_text(void **state) {
        _cleanup_free_ char *garbage = make_garbage();
        size_t n_open = count_descriptors();
        char buf[16];

        (void)state;
        write_text("long", "1234567890123456");
        write_text("garbage", garbage);
        write_bytes("nul", "a\0b", 3);
        write_bytes("nuls", "\0", 1);
        assert_int_equal(mkfifo(below("fifo"), 0600), 0);
        assert_int_equal(mkfifo(below("written"), 0600), 0);

        assert_int_equal(file_read_text(AT_FDCWD, below("long"), buf, sizeof(buf)), -EFBIG);
        assert_int_equal(file_read_text(AT_FDCWD, below("garbage"), buf, sizeof(buf)), -EFBIG);
        assert_int_equal(file_read_text(AT_FDCWD, below("garbage"), buf, 0), -EFBIG);
        assert_int_equal(file_read_text(AT_FDCWD, below("nul"), buf, sizeof(buf)), -EBADMSG);
        assert_int_equal(file_read_text(AT_FDCWD, below("nuls"), buf, sizeof(buf)), -EBADMSG);
        assert_int_equal(file_read_text(AT_FDCWD, folder, buf, sizeof(buf)), -EISDIR);
        assert_int_equal(file_read_text(AT_FDCWD, below("missing"), buf, sizeof(buf)), -ENOENT);

        /* Nobody writes there, or somebody who is slow: neither is waited for. */
        assert_int_equal(file_read_text(AT_FDCWD, below("fifo"), buf, sizeof(buf)), 0);
        {
                _cleanup_close_ int writer = open(below("written"), O_RDWR | O_CLOEXEC);

                assert_true(writer >= 0);
                assert_int_equal(file_read_text(AT_FDCWD, below("written"), buf, sizeof(buf)), -EAGAIN);
        }

        assert_int_equal(count_descriptors(), n_open);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(reads_whole_files, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(is_relative_to_a_folder, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(refuses_what_is_no_small_text, make_folder, remove_folder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
