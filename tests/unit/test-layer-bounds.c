/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_walk_*(): each bound ends the walk; slices come to the same; sizes without substance cost nothing;
 * and what somebody may not know is unknown.
 */

#include "layer-fixture.h"

static unsigned count_descriptors(void) {
        DIR *dir = opendir("/proc/self/fd");
        unsigned n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        (void)closedir(dir);
        return n;
}

/* A chain of so many directories. */
static void make_chain(unsigned n) {
        char path[PATH_MAX];
        size_t used = (size_t)snprintf(path, sizeof(path), "%s", tree.upper);

        for (unsigned i = 0; i < n; i++) {
                used += (size_t)snprintf(path + used, sizeof(path) - used, "/d");
                make_directory(path);
        }
}

static void test_depth(void **state __attribute__((unused))) {
        unsigned before, most = 0;
        Holding h;

        make_chain(LAYER_DEPTH_MAX - 1);
        h = measure_upper(PAGE_CACHE_MINCORE);
        assert_int_equal(h.inodes, LAYER_DEPTH_MAX);
        assert_false(h.partial);

        /* What is beyond is left out, what is beside it is not. */
        tree_remove(&tree);
        tree = tree_new();
        make_chain(LAYER_DEPTH_MAX + 10);
        make_file(in(&tree, "upper/file"), MIB);
        before = count_descriptors();
        {
                _cleanup_(layer_walk_freep) LayerWalk *w = NULL;

                assert_int_equal(layer_walk_new(tree.upper, NULL, PAGE_CACHE_MINCORE, &w), 0);
                while (layer_walk_step(w, 0) > 0) {
                        unsigned n = count_descriptors();

                        most = n > most ? n : most;
                }
                h = layer_walk_holding(w);
        }
        assert_int_equal(count_descriptors(), before);
        {
                _cleanup_(layer_walk_freep) LayerWalk *w = NULL;

                assert_int_equal(layer_walk_new(tree.upper, NULL, PAGE_CACHE_MINCORE, &w), 0);
                while (count_descriptors() < before + 10)
                        assert_int_equal(layer_walk_step(w, 0), 1);
        }
        assert_int_equal(count_descriptors(), before);
        assert_true(most <= before + LAYER_DEPTH_MAX + 1);
        assert_int_equal(h.inodes, LAYER_DEPTH_MAX + 2);
        assert_int_equal(h.cached, MIB);
        assert_true(h.partial);
}

static Holding measure_bounded(unsigned files, unsigned linked, usec_t time, usec_t wait) {
        _cleanup_(layer_walk_freep) LayerWalk *w = NULL;

        assert_int_equal(layer_walk_new(tree.upper, in(&tree, "log"), PAGE_CACHE_MINCORE, &w), 0);
        layer_walk_set_bounds(w, &(LayerBounds){ files, linked, time, wait });
        assert_int_equal(layer_walk_step(w, USEC_INFINITY), 0);
        return layer_walk_holding(w);
}

static void test_bounds(void **state __attribute__((unused))) {
        Holding h;

        for (unsigned i = 0; i < 5; i++) {
                make_file(in(&tree, "upper/%u", i), 10);
                assert_int_equal(link(in(&tree, "upper/%u", i), in(&tree, "upper/linked-%u", i)), 0);
        }

        /* Beside the log there is the layer. */
        h = measure_bounded(11, 5, LAYER_TIME_MAX, LAYER_WAIT_MAX);
        assert_true(h.inodes == 6 && !h.partial);
        h = measure_bounded(10, 5, LAYER_TIME_MAX, LAYER_WAIT_MAX);
        assert_true(h.inodes == 6 && h.partial);
        h = measure_bounded(3, 5, LAYER_TIME_MAX, LAYER_WAIT_MAX);
        assert_true(h.inodes <= 4 && h.inodes > 1 && h.partial);
        assert_true(h.cached > 0 && h.cached < 5 * (uint64_t)sysconf(_SC_PAGESIZE));

        h = measure_bounded(11, 4, LAYER_TIME_MAX, LAYER_WAIT_MAX);
        assert_true(h.inodes == 5 && h.partial);
        h = measure_bounded(11, 5, 0, LAYER_WAIT_MAX);
        assert_true(h.inodes == 1 && h.partial);
        h = measure_bounded(11, 5, LAYER_TIME_MAX, 0);
        assert_true(h.inodes == 1 && h.partial);
}

static void test_slices(void **state __attribute__((unused))) {
        PageCacheMethod list[2];
        _cleanup_close_ int fd = -1;

        for (unsigned i = 0; i < 50; i++) {
                make_file(in(&tree, "upper/%u", i), 10);
                write_back(in(&tree, "upper/%u", i));
        }
        /* All of it is allocated, so that it is asked about part by part. */
        fd = open(in(&tree, "upper/large"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(fallocate(fd, 0, 0, (off_t)(4 * RESIDENCY_CACHESTAT_PART)), 0);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(pwrite(fd, "x", 1, (off_t)(i * RESIDENCY_CACHESTAT_PART + MIB * i)), 1);
        assert_int_equal(fsync(fd), 0);

        for (size_t i = 0, n = methods(list); i < n; i++) {
                _cleanup_(layer_walk_freep) LayerWalk *w = NULL;
                Holding at_once = measure_upper(list[i]), h;
                unsigned steps = 1;

                assert_int_equal(layer_walk_new(tree.upper, NULL, list[i], &w), 0);
                while (layer_walk_step(w, 0) > 0) {
                        h = layer_walk_holding(w);
                        assert_true(h.partial && h.cached <= at_once.cached && h.inodes <= at_once.inodes);
                        steps++;
                }
                h = layer_walk_holding(w);
                /* Each file is looked at and then asked about. */
                assert_true(steps > 2 * 51 + 3);
                assert_true(at_once.cached >= 54 * 4096 && at_once.inodes == 52 && !at_once.partial);
                assert_true(h.cached == at_once.cached && h.dirty == at_once.dirty);
                assert_true(h.disk == at_once.disk && h.inodes == at_once.inodes && !h.partial);
                assert_int_equal(layer_walk_step(w, 0), 0);
        }
}

/* What is cached of holes is found where it is in a row from the beginning. */
static void test_hole(void **state __attribute__((unused))) {
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        _cleanup_close_ int fd = -1;
        PageCacheMethod list[2];
        char byte;

        fd = open(in(&tree, "upper/hole"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
        assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
        for (uint64_t at = 0; at <= RESIDENCY_CACHESTAT_PART; at += RESIDENCY_MINCORE_PART)
                assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
        for (size_t i = 0, n = methods(list); i < n; i++) {
                Holding h = measure_upper(list[i]);

                assert_true(h.cached >= 5 * page && h.cached < 5 * MIB && !h.partial);
        }
}

typedef struct Sparse {
        PageCacheMethod method;
        int setup;
        Holding h;
        unsigned steps;
} Sparse;

/* Counts the steps that two files of this size take, one of which holds something at its beginning, middle
 * and end. */
static void measure_sparse(off_t size, Sparse *ret) {
        LayerWalk *w = NULL;
        int fd, r = 0;

        fd = open(in(&tree, "upper/nothing"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, size) < 0)
                r = -errno;
        (void)close(fd);
        fd = open(in(&tree, "upper/sparse"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, size) < 0 || pwrite(fd, "x", 1, 0) < 0 ||
                        pwrite(fd, "x", 1, size / 2) < 0 || pwrite(fd, "x", 1, size - 1) < 0 ||
                        fsync(fd) < 0)
                r = -errno;
        (void)close(fd);
        if (r == 0)
                r = layer_walk_new(tree.upper, NULL, ret->method, &w);
        if (r == 0) {
                while (layer_walk_step(w, 0) > 0)
                        ret->steps++;
                ret->h = layer_walk_holding(w);
        }
        layer_walk_free(w);
        ret->setup = r;
}

static void measure_sparse_tmpfs(const void *argument, void *ret) {
        Sparse *s = ret;

        s->method = *(const PageCacheMethod *)argument;
        s->setup = mount_tmpfs(tree.upper);
        if (s->setup == 0)
                /* Up to the last page that can be mapped. */
                measure_sparse(INT64_MAX & ~(off_t)0xffff, s);
}

/* A size costs nothing, up to 8 EiB; looking at each part of it would. */
static void test_sparse(void **state __attribute__((unused))) {
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        PageCacheMethod list[2];

        for (size_t i = 0, n = methods(list); i < n; i++) {
                Sparse on_disk = { .method = list[i] }, s;

                measure_sparse((off_t)1 << 40, &on_disk);
                assert_int_equal(on_disk.setup, 0);
                assert_true(on_disk.steps < 50);
                assert_true(on_disk.h.cached >= 3 * page && on_disk.h.cached < 3 * MIB);
                assert_false(on_disk.h.partial);

                in_child(measure_sparse_tmpfs, list + i, &s, sizeof(s));
                assert_int_equal(s.setup, 0);
                assert_true(s.steps < 50);
                assert_true(s.h.cached >= 3 * page && s.h.cached < 8 * MIB && !s.h.partial);
                assert_int_equal(s.h.inodes, 3);
        }
}

typedef struct Asker {
        const char *what;
        bool nobody;
        uint64_t capabilities;
        bool elsewhere; /* in a user namespace that lacks the owners */
        bool knows[3];  /* that there is a layer; by cachestat; by mincore */
} Asker;

typedef struct Answer {
        int setup;
        Holding h[3]; /* by method */
} Answer;

static void measure_as(const void *argument, void *ret) {
        const Asker *asker = argument;
        Answer *answer = ret;

        if (asker->nobody)
                answer->setup = become(NOBODY, asker->capabilities);
        if (answer->setup == 0 && asker->elsewhere)
                answer->setup = leave_users(false);
        for (PageCacheMethod method = PAGE_CACHE_NONE; method <= PAGE_CACHE_MINCORE; method++)
                answer->h[method] = measure_upper(method);
}

/* Pages of the files of others are known or unknown, and never told wrongly: of one file nothing is cached.
 * */
static void test_askers(void **state __attribute__((unused))) {
        static const uint64_t read = CAPABILITY(CAP_DAC_READ_SEARCH);
        static const uint64_t both = CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_FOWNER);
        static const Asker askers[] = {
                { "root", false, 0, false, { true, true, true } },
                { "both", true, both, false, { true, true, true } },
                { "read", true, read, false, { true, false, false } },
                { "nothing", true, 0, false, { false, false, false } },
                { "root elsewhere", false, 0, true, { true, false, false } },
        };

        make_file(in(&tree, "upper/cached"), MIB);
        write_back(in(&tree, "upper/cached"));
        make_file(in(&tree, "upper/dropped"), 8 * MIB);
        drop(in(&tree, "upper/dropped"));
        assert_int_equal(chown(in(&tree, "upper/cached"), 1000, 1000), 0);
        assert_int_equal(chown(in(&tree, "upper/dropped"), 1001, 1001), 0);
        assert_int_equal(chmod(tree.upper, 0700), 0);

        for (size_t i = 0; i < ELEMENTS_OF(askers); i++) {
                const bool *knows = askers[i].knows;
                Answer answer;

                in_child(measure_as, askers + i, &answer, sizeof(answer));
                assert_int_equal(answer.setup, 0);
                for (PageCacheMethod m = PAGE_CACHE_NONE; m <= PAGE_CACHE_MINCORE; m++) {
                        uint64_t cached = answer.h[m].cached;
                        bool known = cached == MIB;

                        if (answer.h[m].inodes != (knows[0] ? 3 : FIGURE_UNKNOWN) || answer.h[m].partial ||
                                        (!known && cached != FIGURE_UNKNOWN))
                                fail_msg("%s, method %d: %ji", askers[i].what, (int)m, (intmax_t)cached);
                        /* Without the right, the first kernels that have cachestat(2) tell all the same. */
                        if (m == PAGE_CACHE_CACHESTAT && (!has_cachestat() || !knows[m]))
                                continue;
                        if (known != (m != PAGE_CACHE_NONE && knows[m]))
                                fail_msg("%s, method %d: %ji", askers[i].what, (int)m, (intmax_t)cached);
                }
        }
}

static void measure_as_nobody(const void *argument, void *ret) {
        Answer *answer = ret;

        (void)argument;
        answer->setup = become(NOBODY, CAPABILITY(CAP_FOWNER));
        answer->h[0] = measure(tree.upper, in(&tree, "c/x.log"), PAGE_CACHE_MINCORE);
}

/* Directories that cannot be read hold something, who knows how much. */
static void test_unreadable(void **state __attribute__((unused))) {
        Answer answer;

        make_file(in(&tree, "upper/file"), MIB);
        make_directory(in(&tree, "upper/dir"));
        make_file(in(&tree, "upper/dir/file"), MIB);
        make_directory(in(&tree, "c"));
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(chmod(in(&tree, i == 0 ? "upper/dir" : "c"), 0700), 0);
                in_child(measure_as_nobody, NULL, &answer, sizeof(answer));
                assert_int_equal(answer.setup, 0);
                assert_int_equal(answer.h[0].cached, i == 0 ? MIB : 2 * MIB);
                assert_int_equal(answer.h[0].inodes, i == 0 ? 3 : 4);
                assert_true(answer.h[0].partial);
                assert_int_equal(chmod(in(&tree, "upper/dir"), 0755), 0);
        }

        /* Of a file it shows how much it is, but not what of it is cached. */
        assert_int_equal(chmod(in(&tree, "upper/file"), 0600), 0);
        assert_int_equal(chmod(in(&tree, "c"), 0755), 0);
        in_child(measure_as_nobody, NULL, &answer, sizeof(answer));
        assert_int_equal(answer.setup, 0);
        assert_true(answer.h[0].cached == FIGURE_UNKNOWN && answer.h[0].inodes == 4 && !answer.h[0].partial);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
                cmocka_unit_test_setup_teardown(test_slices, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hole, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sparse, setup, teardown),
                cmocka_unit_test_setup_teardown(test_askers, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
