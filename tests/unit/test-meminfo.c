/* SPDX-License-Identifier: Apache-2.0 */

#include "node/meminfo.h"

#include "folder-fixture.h"

#define U         FIGURE_UNKNOWN
#define UNTOUCHED 0x5afe
#define LEAST     "MemTotal: 100 kB\nMemFree: 50 kB\n"

static NodeFigures untouched(void) {
        return (NodeFigures){ UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED,
                UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED, UNTOUCHED };
}

static void assert_others_untouched(const NodeFigures *f) {
        assert_int_equal(f->dying_cgroups, UNTOUCHED);
        assert_int_equal(f->engine_memory, UNTOUCHED);
        assert_int_equal(f->disk_total, UNTOUCHED);
        assert_int_equal(f->disk_used, UNTOUCHED);
        assert_int_equal(f->inodes_total, UNTOUCHED);
        assert_int_equal(f->inodes_used, UNTOUCHED);
}

static void reads_the_figures(void **state) {
        NodeFigures f = untouched();

        (void)state;
        assert_int_equal(meminfo_parse("MemTotal:       24684096 kB\n"
                                       "MemFree:        24287304 kB\n"
                                       "MemAvailable:   24284344 kB\n"
                                       "Buffers:            4036 kB\n"
                                       "Cached:            73348 kB\n"
                                       "SwapCached:            1 kB\n"
                                       "Dirty:               960 kB\n"
                                       "KReclaimable:     181913 kB\n"
                                       "Slab:             216344 kB\n"
                                       "SReclaimable:     181912 kB\n"
                                       "SUnreclaim:        34432 kB\n"
                                       "HugePages_Total:       7\n",
                                         &f),
                        0);
        assert_int_equal(f.memory_total, 24684096ULL * 1024);
        assert_int_equal(f.memory_free, 24287304ULL * 1024);
        assert_int_equal(f.memory_available, 24284344ULL * 1024);
        assert_int_equal(f.cached, 73348ULL * 1024);
        assert_int_equal(f.dirty, 960ULL * 1024);
        assert_int_equal(f.slab_reclaimable, 181912ULL * 1024);
        assert_int_equal(f.slab_unreclaimable, 34432ULL * 1024);
        assert_others_untouched(&f);
}

static void takes_what_makes_sense(void **state) {
        static const struct {
                const char *text;
                uint64_t available, cached;
        } cases[] = {
                { LEAST, U, U },
                { "MemFree: 50 kB\nMemTotal: 100 kB", U, U }, /* another order, no newline at the end */
                { LEAST "MemAvailable: 7 kB", 7168, U },
                { LEAST "MemAvailable:7 kB\n", U, U },
                { LEAST "MemAvailable:\t \t7 kB\n", 7168, U },
                { LEAST "MemAvailable: 0 kB\nCached: 0 kB\n", 0, 0 },
                { LEAST "MemAvailable: -7 kB\nCached: 7 kB\n", U, 7168 },
                { LEAST "MemAvailable: +7 kB\nCached: 7 kB\n", U, 7168 },
                { LEAST "MemAvailable: 0x7 kB\nCached: 7.5 kB\n", U, U },
                { LEAST "MemAvailable: 7 MB\nCached: 7 kb\n", U, U },
                { LEAST "MemAvailable: 7\nCached: 7  kB\n", U, U },
                { LEAST "MemAvailable: 7 kB \nCached: 7 kB 7 kB\n", U, U },
                { LEAST "MemAvailable: 7 kBytes\nCached: kB\n", U, U },
                { LEAST "MemAvailable:\nCached: 7 kB\n", U, 7168 },
                { LEAST " MemAvailable: 7 kB\nXCached: 7 kB\n", U, U },
                { LEAST "MemAvailable : 7 kB\ncached: 7 kB\n", U, U },
                { LEAST "MemAvailable: 7 kB\r\nCached: 7 kB\n", U, 7168 },
                { LEAST "Cached: 1 kB\nCached: 2 kB\n", U, 1024 }, /* the first counts */
                { LEAST "Cached: 18014398509481983 kB\n", U, 18014398509481983ULL * 1024 },
                { LEAST "Cached: 18014398509481984 kB\n", U, U }, /* 2^64 bytes */
                { LEAST "Cached: 18446744073709551615 kB\n", U, U },
                { LEAST "Cached: 18446744073709551616 kB\n", U, U }, /* would be 0 */
                { LEAST "Cached: 36893488147419103240 kB\n", U, U }, /* would be 8 */
                { LEAST "Cached: 99999999999999999999999999999999999 kB\n", U, U },
                { "\n\n" LEAST "\n\nCached: 3 kB\n\n", U, 3072 },
                { "What is this\n" LEAST "Cached: 3 kB\n", U, 3072 },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                NodeFigures f = untouched();

                if (meminfo_parse(cases[i].text, &f) != 0)
                        fail_msg("refused: %s", cases[i].text);
                if (f.memory_available != cases[i].available || f.cached != cases[i].cached)
                        fail_msg("%s: %llu, %llu", cases[i].text, (unsigned long long)f.memory_available,
                                        (unsigned long long)f.cached);
                assert_int_equal(f.memory_total, 100 * 1024);
                assert_int_equal(f.memory_free, 50 * 1024);
                assert_int_equal(f.dirty, U);
                assert_int_equal(f.slab_reclaimable, U);
                assert_int_equal(f.slab_unreclaimable, U);
                assert_others_untouched(&f);
        }
}

static void refuses_what_does_not(void **state) {
        static const char *const cases[] = {
                "",
                "\n",
                "\n\n\n",
                "MemTotal: 100 kB\n",
                "MemFree: 50 kB\n",
                "MemTotal: 100 kB\nMemFree: 50",
                "MemTotal: 100 kB\nMemFree: 50 k",
                "MemTotal: 100 kB\nMemFree: -50 kB\n",
                "MemTotal: 100 kB\nMemFree: 101 kB\n",
                "MemTotal: 0 kB\nMemFree: 0 kB\n",
                "MemTotal: 100 MB\nMemFree: 50 MB\n",
                "MemTotal: 100\nMemFree: 50\n",
                "MemTotal: 99999999999999999999 kB\nMemFree: 50 kB\n",
                "MemTotal: 18014398509481984 kB\nMemFree: 50 kB\n",
                "MemTotal: 100 kB MemFree: 50 kB\n",
                "MemTotal: 100 kB\rMemFree: 50 kB\r",
                "SwapMemTotal: 100 kB\nMemFree: 50 kB\n",
                "MemTotal: 100 kB\nMemFree:\n",
                "MemTotal:",
                "MemTotal: ",
        };
        _cleanup_free_ char *garbage = make_garbage();
        NodeFigures f = untouched(), before = untouched();

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                if (meminfo_parse(cases[i], &f) != -EBADMSG)
                        fail_msg("accepted: %s", cases[i]);
                assert_memory_equal(&f, &before, sizeof(f));
        }
        assert_int_equal(meminfo_parse(garbage, &f), -EBADMSG);
        assert_memory_equal(&f, &before, sizeof(f));
}

static void reads_files(void **state) {
        _cleanup_free_ char *garbage = make_garbage();
        NodeFigures f = untouched(), before = untouched();
        size_t n_open = count_descriptors();

        (void)state;
        write_text("good", LEAST);
        write_text("empty", "");
        write_text("garbage", garbage);
        write_bytes("nul", LEAST "\0", sizeof(LEAST));

        assert_int_equal(meminfo_read(below("missing"), &f), -ENOENT);
        assert_int_equal(meminfo_read(below("empty"), &f), -EBADMSG);
        assert_int_equal(meminfo_read(below("garbage"), &f), -EFBIG);
        assert_int_equal(meminfo_read(below("nul"), &f), -EBADMSG);
        assert_int_equal(meminfo_read(folder, &f), -EISDIR);
        assert_memory_equal(&f, &before, sizeof(f));
        assert_int_equal(meminfo_read(below("good"), &f), 0);
        assert_int_equal(f.memory_total, 100 * 1024);
        assert_int_equal(count_descriptors(), n_open);
}

/* It is plausible, and what sysconf(3) tells. */
static void reads_this_machine(void **state) {
        NodeFigures f = untouched();

        (void)state;
        assert_int_equal(meminfo_read(MEMINFO_PATH, &f), 0);
        assert_int_equal(
                        f.memory_total, (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
        assert_in_range(f.memory_free, 1, f.memory_total);
        assert_in_range(f.memory_available, 1, f.memory_total);
        assert_in_range(f.cached, 1, f.memory_total);
        assert_in_range(f.slab_reclaimable, 1, f.memory_total);
        assert_in_range(f.slab_unreclaimable, 1, f.memory_total);
        assert_in_range(f.dirty, 0, f.memory_total);
        assert_others_untouched(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_the_figures),
                cmocka_unit_test(takes_what_makes_sense),
                cmocka_unit_test(refuses_what_does_not),
                cmocka_unit_test_setup_teardown(reads_files, make_folder, remove_folder),
                cmocka_unit_test(reads_this_machine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
