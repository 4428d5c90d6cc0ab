/* SPDX-License-Identifier: Apache-2.0 */
/* What outlives the daemon: a time in a file of its state folder. */

#include "daemon/state-folder.h"
#include "folder-fixture.h"

static void test_path(void **state) {
        _cleanup_free_ char *path = NULL;
        char *untouched = (char *)"x";

        (void)state;
        unsetenv("STATE_DIRECTORY");
        assert_int_equal(state_folder_path("a", &untouched), 0);
        setenv("STATE_DIRECTORY", "", 1);
        assert_int_equal(state_folder_path("a", &untouched), 0);
        assert_string_equal(untouched, "x");
        setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
        assert_int_equal(state_folder_path("a", &path), 1);
        assert_string_equal(path, "/var/lib/one/a");
}

static void test_written_is_read(void **state) {
        static const usec_t times[] = { 0, 1, 1795442700000000, USEC_INFINITY };
        usec_t time = 7;

        (void)state;
        assert_int_equal(state_read_time(below("t"), &time), 0);
        assert_int_equal(state_read_time("/dev/full/t", &time), 0);
        assert_int_equal(time, 7);
        for (size_t i = 0; i < ELEMENTS_OF(times); i++) {
                assert_int_equal(state_write_time(below("t"), times[i]), 0);
                assert_int_equal(state_read_time(below("t"), &time), 1);
                assert_true(time == times[i]);
        }
        /* What is beside it is the file of a write that was cut off: nothing is left of it. */
        write_text("t.new", "123");
        assert_int_equal(state_write_time(below("t"), 5), 0);
        assert_int_equal(access(below("t.new"), F_OK), -1);
        assert_int_equal(state_remove(below("t")), 0);
        assert_int_equal(state_read_time(below("t"), &time), 0);
        assert_int_equal(state_remove(below("t")), 0);
}

static void test_refused(void **state) {
        static const char *const texts[] = { "", "\n", "5", "5\n\n", " 5\n", "+5\n", "-5\n", "5x\n", "0x5\n",
                "5.0\n", "18446744073709551616\n", "infinity\n", "1111111111111111111111111111111111111\n" };
        usec_t time = 7;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(texts); i++) {
                write_text("t", texts[i]);
                assert_int_equal(state_read_time(below("t"), &time), -EBADMSG);
        }
        write_bytes("t", "5\0\n", 3);
        assert_int_equal(state_read_time(below("t"), &time), -EBADMSG);
        assert_int_equal(unlink(below("t")), 0);
        assert_int_equal(mkdir(below("t"), 0755), 0);
        assert_int_equal(state_read_time(below("t"), &time), -EISDIR);
        assert_int_equal(time, 7);
}

/* A time that cannot be written leaves the one before. */
static void test_not_written(void **state) {
        usec_t time;

        (void)state;
        assert_int_equal(state_write_time(below("none/t"), 5), -ENOENT);
        assert_int_equal(state_write_time(below("t"), 5), 0);
        assert_int_equal(mkdir(below("t.new"), 0755), 0);
        assert_int_equal(state_write_time(below("t"), 6), -EEXIST);
        assert_int_equal(state_read_time(below("t"), &time), 1);
        assert_int_equal(time, 5);
}

/* A link in its place is replaced, not followed. */
static void test_link(void **state) {
        usec_t time;

        (void)state;
        write_text("other", "mine");
        assert_int_equal(symlink(below("other"), below("t")), 0);
        assert_int_equal(symlink(below("other"), below("t.new")), 0);
        assert_int_equal(state_write_time(below("t"), 5), 0);
        assert_int_equal(state_read_time(below("t"), &time), 1);
        assert_int_equal(state_read_time(below("other"), &time), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_path),
                cmocka_unit_test_setup_teardown(test_written_is_read, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_refused, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_not_written, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_link, make_folder, remove_folder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
