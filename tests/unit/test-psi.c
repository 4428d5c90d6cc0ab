/* SPDX-License-Identifier: Apache-2.0 */

#include <poll.h>

#include "node/psi.h"

#include "folder-fixture.h"

#define UNTOUCHED ((usec_t)0x5afe)
#define GOOD                                               \
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n" \
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=2\n"

static Stall stall(bool full, usec_t threshold, usec_t window) {
        return (Stall){ .on = true, .full = full, .threshold = threshold, .window = window };
}

static bool has_psi(void) {
        return access(PSI_MEMORY_PATH, F_OK) == 0;
}

static void reads_totals(void **state) {
        static const struct {
                const char *text;
                usec_t some, full; /* UNTOUCHED: refused */
        } cases[] = {
                { GOOD, 1, 2 },
                { "some avg10=1.50 avg60=0.00 avg300=0.00 total=188702", 188702, UNTOUCHED },
                { "full total=2\nsome total=1\n", 1, 2 },
                { "some total=18446744073709551615\nfull total=18446744073709551616\n", UINT64_MAX,
                                UNTOUCHED },
                { "some total=-1\nfull total=+1\n", UNTOUCHED, UNTOUCHED },
                { "some total=1 more=2\nfull total=0\n", 1, 0 },
                { "some total=1s\nfull total=1.5\n", UNTOUCHED, UNTOUCHED },
                { "some total=\nfull total= 1\n", UNTOUCHED, UNTOUCHED },
                { "some avg10=0.00\nfull total=2\n", UNTOUCHED, 2 }, /* not that of the next line */
                { "some\nfull\n", UNTOUCHED, UNTOUCHED },
                { "something total=1\nfullness total=2\n", UNTOUCHED, UNTOUCHED },
                { " some total=1\n\tfull total=2\n", UNTOUCHED, UNTOUCHED },
                { "some  total=1\nfull subtotal=2\n", 1, UNTOUCHED },
                { "some total=1\nsome total=3\n", 1, UNTOUCHED },
                { "unknown total=9\n" GOOD "unknown total=9\n", 1, 2 },
                { "some total=1\rfull total=2\r", UNTOUCHED, UNTOUCHED },
                { "", UNTOUCHED, UNTOUCHED },
                { "\n\n", UNTOUCHED, UNTOUCHED },
                { "some total=99999999999999999999999999999999999999\n", UNTOUCHED, UNTOUCHED },
        };
        _cleanup_free_ char *garbage = make_garbage();
        usec_t total = UNTOUCHED;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                for (int full = 0; full < 2; full++) {
                        usec_t expected = full ? cases[i].full : cases[i].some;
                        int r;

                        total = UNTOUCHED;
                        r = psi_parse_total(cases[i].text, full, &total);
                        if (r != (expected == UNTOUCHED ? -EBADMSG : 0) || total != expected)
                                fail_msg("%s: %i, %llu", cases[i].text, r, (unsigned long long)total);
                }

        total = UNTOUCHED;
        assert_int_equal(psi_parse_total(garbage, false, &total), -EBADMSG);
        assert_int_equal(total, UNTOUCHED);
}

static void reads_files(void **state) {
        _cleanup_free_ char *garbage = make_garbage();
        usec_t total = UNTOUCHED;

        (void)state;
        write_text("good", GOOD);
        write_text("empty", "");
        write_text("garbage", garbage);
        write_bytes("nul", GOOD "\0", sizeof(GOOD));

        assert_int_equal(psi_read_total(below("missing"), false, &total), -ENOENT);
        assert_int_equal(psi_read_total(below("empty"), false, &total), -EBADMSG);
        assert_int_equal(psi_read_total(below("garbage"), false, &total), -EFBIG);
        assert_int_equal(psi_read_total(below("nul"), false, &total), -EBADMSG);
        assert_int_equal(total, UNTOUCHED);
        assert_int_equal(psi_read_total(below("good"), true, &total), 0);
        assert_int_equal(total, 2);

        if (has_psi()) {
                usec_t some;

                assert_int_equal(psi_read_total(PSI_MEMORY_PATH, true, &total), 0);
                assert_int_equal(psi_read_total(PSI_MEMORY_PATH, false, &some), 0);
                assert_true(total <= some);
        }
}

/* What looks like it and is none must not be written to. */
static void leaves_other_files_alone(void **state) {
        Stall s = stall(false, 200 * USEC_PER_MSEC, 2 * USEC_PER_SEC);
        size_t n_open = count_descriptors();
        char text[256];
        FILE *f;

        (void)state;
        write_text("psi", GOOD);
        write_text("empty", "");
        assert_int_equal(mkfifo(below("fifo"), 0600), 0);
        assert_int_equal(symlink("psi", below("link")), 0);

        assert_int_equal(psi_open_trigger(below("missing"), &s), -ENOENT);
        assert_int_equal(psi_open_trigger("", &s), -ENOENT);
        assert_int_equal(psi_open_trigger(below("psi"), &s), -EBADMSG);
        assert_int_equal(psi_open_trigger(below("link"), &s), -EBADMSG);
        assert_int_equal(psi_open_trigger(below("empty"), &s), -EBADMSG);
        assert_int_equal(psi_open_trigger(below("fifo"), &s), -EBADMSG);
        assert_int_equal(psi_open_trigger(folder, &s), -EBADMSG);
        assert_int_equal(psi_open_trigger("/proc", &s), -EBADMSG);
        assert_int_equal(psi_open_trigger("/dev/null", &s), -EBADMSG);

        f = fopen(below("psi"), "re");
        assert_non_null(f);
        assert_int_equal(fread(text, 1, sizeof(text), f), strlen(GOOD));
        assert_memory_equal(text, GOOD, strlen(GOOD));
        assert_int_equal(fclose(f), 0);

        /* A file of proc that takes any text: the name of this process. */
        assert_int_equal(psi_open_trigger("/proc/self/comm", &s), -EBADMSG);
        f = fopen("/proc/self/comm", "re");
        assert_non_null(f);
        assert_non_null(fgets(text, sizeof(text), f));
        assert_null(strstr(text, "some"));
        assert_int_equal(fclose(f), 0);

        assert_int_equal(count_descriptors(), n_open);
}

static void triggers_are_the_kernels(void **state) {
        Stall some = stall(false, 200 * USEC_PER_MSEC, 2 * USEC_PER_SEC);
        Stall full = stall(true, 1, 10 * USEC_PER_SEC);
        Stall longest = stall(true, USEC_INFINITY, USEC_INFINITY);
        char text[PSI_TRIGGER_MAX];
        size_t size;

        (void)state;
        assert_int_equal(psi_format_trigger(text, &some), sizeof("some 200000 2000000"));
        assert_string_equal(text, "some 200000 2000000");
        assert_int_equal(psi_format_trigger(text, &full), sizeof("full 1 10000000"));
        assert_string_equal(text, "full 1 10000000");
        size = psi_format_trigger(text, &longest);
        assert_int_equal(size, strlen(text) + 1);
}

static void the_kernel_takes_triggers(void **state) {
        Stall good = stall(false, 200 * USEC_PER_MSEC, 2 * USEC_PER_SEC);
        Stall full = stall(true, USEC_PER_SEC, 10 * USEC_PER_SEC);
        /* What settings do not let through: longer than the kernel's longest; more than the window. */
        Stall windows = stall(false, USEC_PER_SEC, 12 * USEC_PER_SEC);
        Stall more = stall(false, 3 * USEC_PER_SEC, 2 * USEC_PER_SEC);
        size_t n_open = count_descriptors();
        struct pollfd p;
        int fd;

        (void)state;
        if (!has_psi() || geteuid() != 0)
                skip();

        for (int i = 0; i < 2; i++) {
                fd = psi_open_trigger(PSI_MEMORY_PATH, i == 0 ? &good : &full);
                assert_true(fd >= 0);
                assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
                assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);

                /* EPOLLERR would come at once if it were no trigger. */
                p = (struct pollfd){ .fd = fd, .events = POLLPRI };
                assert_true(poll(&p, 1, 0) >= 0);
                assert_int_equal(p.revents & (POLLERR | POLLNVAL | POLLHUP), 0);

                /* One that is set up does not take another. */
                assert_true(write(fd, "some 200000 2000000", 20) < 0);
                assert_int_equal(errno, EBUSY);
                assert_int_equal(close(fd), 0);
        }

        assert_int_equal(psi_open_trigger(PSI_MEMORY_PATH, &windows), -EINVAL);
        assert_int_equal(psi_open_trigger(PSI_MEMORY_PATH, &more), -EINVAL);
        assert_int_equal(count_descriptors(), n_open);
}

/* A cgroup's file is as good as the whole machine's. */
static void cgroups_take_triggers(void **state) {
        static const char *const paths[] = { "/sys/fs/cgroup/memory.pressure",
                "/sys/fs/cgroup/unified/memory.pressure", "/sys/fs/cgroup/init.scope/memory.pressure" };
        Stall s = stall(false, 200 * USEC_PER_MSEC, 2 * USEC_PER_SEC);
        size_t n = 0;

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(paths); i++)
                if (access(paths[i], R_OK | W_OK) == 0) {
                        _cleanup_close_ int fd = psi_open_trigger(paths[i], &s);

                        assert_true(fd >= 0);
                        n++;
                }
        if (n == 0)
                skip();
}

static int try_as_nobody(usec_t window) {
        Stall s = stall(false, 200 * USEC_PER_MSEC, window);
        int r;

        if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
                return -ENOSYS;
        r = psi_open_trigger(PSI_MEMORY_PATH, &s);
        return r < 0 ? r : 0;
}

static int second_as_nobody(void) {
        return try_as_nobody(USEC_PER_SEC);
}

static int two_seconds_as_nobody(void) {
        return try_as_nobody(2 * USEC_PER_SEC);
}

static void refused_to_the_unprivileged(void **state) {
        int r;

        (void)state;
        if (!has_psi() || geteuid() != 0)
                skip();

        /* Kernels before 6.4 refuse both. */
        r = in_child(two_seconds_as_nobody);
        assert_true(r == 0 || r == -EPERM);
        assert_int_equal(in_child(second_as_nobody), r == 0 ? -EINVAL : -EPERM);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_totals),
                cmocka_unit_test_setup_teardown(reads_files, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(leaves_other_files_alone, make_folder, remove_folder),
                cmocka_unit_test(triggers_are_the_kernels),
                cmocka_unit_test(the_kernel_takes_triggers),
                cmocka_unit_test(cgroups_take_triggers),
                cmocka_unit_test(refused_to_the_unprivileged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
