/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_cache_probe(): each way to have or lack a right gives the method that works, or the error that says
 * what is missing.
 */

#include "layer-fixture.h"

#include "node/file-rights.h"
#include "node/page-cache.h"

#define READ  CAPABILITY(CAP_DAC_READ_SEARCH)
#define OWN   CAPABILITY(CAP_FOWNER)
#define WRITE CAPABILITY(CAP_DAC_OVERRIDE)
#define BOTH  (READ | OWN)
#define ALL   UINT64_MAX

static int setup_engine(void **state __attribute__((unused))) {
        tree = tree_new();
        /* As the engine has them. */
        make_directory(in(&tree, "engine"));
        make_directory(in(&tree, "engine/containers"));
        return chmod(in(&tree, "engine/containers"), 0710) < 0 || chmod(in(&tree, "engine"), 0710) < 0;
}

typedef struct Case {
        const char *what;
        uid_t uid;
        uint64_t capabilities; /* ALL: those that this test has */
        enum {
                EVERY_USER,
                ONLY_SELF,
                NO_USER,
        } users;
        int cachestat, mincore; /* the errors that a filter answers with; 0: none */
        int r;
        PageCacheMethod method;
} Case;

typedef struct Outcome {
        int setup, r;
        PageCacheMethod method;
        int raw; /* what the kernel itself says to cachestat(2) of the engine's directory */
        FileRights rights;
} Outcome;

/* What no probe ever writes. */
#define UNTOUCHED ((PageCacheMethod)77)

static int set_rights(const Case *c) {
        int r = 0;

        if (c->capabilities != ALL)
                r = become(c->uid, c->capabilities);
        if (r >= 0 && c->users != EVERY_USER)
                r = leave_users(c->users == ONLY_SELF);
        if (r >= 0 && c->mincore != 0)
                r = filter_call(SYS_mincore, (unsigned)c->mincore);
        if (r >= 0 && c->cachestat != 0)
                r = filter_call(451, (unsigned)c->cachestat);
        return r;
}

static void probe_engine(const void *argument, void *ret) {
        const char *path = in(&tree, "engine");
        Outcome *o = ret;
        uint64_t cached, dirty;
        int fd;

        o->setup = set_rights(argument);
        o->method = UNTOUCHED;
        o->r = page_cache_probe(path, &o->method);
        o->rights = file_rights();
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        o->raw = fd < 0 ? -errno : residency_cachestat(fd, 0, 0, &cached, &dirty);
}

static Outcome probe_as(const Case *c) {
        Outcome o;

        in_child(probe_engine, c, &o, sizeof(o));
        if (o.setup < 0)
                fail_msg("%s: %s", c->what, strerror(-o.setup));
        return o;
}

static void assert_outcome(const Case *c, const Outcome *o) {
        PageCacheMethod method = c->r < 0 ? UNTOUCHED : c->method;

        if (o->r != c->r || o->method != method)
                fail_msg("%s: %s, method %d", c->what, strerror(-o->r), (int)o->method);
}

static void test_rights(void **state __attribute__((unused))) {
        PageCacheMethod best = has_cachestat() ? PAGE_CACHE_CACHESTAT : PAGE_CACHE_MINCORE;
        const Case cases[] = {
                { "root", 0, ALL, EVERY_USER, 0, 0, 0, best },
                { "a user", NOBODY, 0, EVERY_USER, 0, 0, -EACCES, 0 },
                { "a user who may ask only", NOBODY, OWN, EVERY_USER, 0, 0, -EACCES, 0 },
                { "a user with both", NOBODY, BOTH, EVERY_USER, 0, 0, 0, best },
                { "a user with more", NOBODY, WRITE | OWN, EVERY_USER, 0, 0, 0, best },
                { "root without any", 0, 0, EVERY_USER, 0, 0, -EACCES, 0 },
                { "root who may ask only", 0, OWN, EVERY_USER, 0, 0, -EACCES, 0 },
                { "root who may read only", 0, READ, EVERY_USER, 0, 0, -EPERM, 0 },
                { "root with both", 0, BOTH, EVERY_USER, 0, 0, 0, best },
                { "root among unknown users", 0, ALL, NO_USER, 0, 0, -EPERM, 0 },
                { "root among unknown users, but for itself", 0, ALL, ONLY_SELF, 0, 0, -EPERM, 0 },
                { "a user among unknown users", NOBODY, BOTH, NO_USER, 0, 0, -EACCES, 0 },
                { "root without cachestat", 0, ALL, EVERY_USER, ENOSYS, 0, 0, PAGE_CACHE_MINCORE },
                { "both without cachestat", NOBODY, BOTH, EVERY_USER, ENOSYS, 0, 0, PAGE_CACHE_MINCORE },
                { "root behind a filter", 0, ALL, EVERY_USER, EPERM, 0, 0, PAGE_CACHE_MINCORE },
                { "both behind a filter", NOBODY, BOTH, EVERY_USER, EPERM, 0, 0, PAGE_CACHE_MINCORE },
                { "read behind a filter", NOBODY, READ, EVERY_USER, EPERM, 0, -EPERM, 0 },
                { "root behind a filter for both", 0, ALL, EVERY_USER, EPERM, EPERM, -EPERM, 0 },
                { "read without cachestat", NOBODY, READ, EVERY_USER, ENOSYS, 0, -EPERM, 0 },
                { "no user without cachestat", 0, ALL, NO_USER, ENOSYS, 0, -EPERM, 0 },
                { "root with neither call", 0, ALL, EVERY_USER, ENOSYS, EPERM, -EPERM, 0 },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                Outcome o = probe_as(cases + i);

                assert_outcome(cases + i, &o);
        }
}

/* The first kernels with cachestat(2) ask for no right, and the probe finds that out. */
static void test_may_read_only(void **state __attribute__((unused))) {
        Case c = { "a user who may read only", NOBODY, READ, EVERY_USER, 0, 0, 0, PAGE_CACHE_CACHESTAT };
        Outcome o = probe_as(&c);

        if (o.raw < 0) {
                assert_int_equal(o.raw, has_cachestat() ? -EPERM : -ENOSYS);
                c.r = -EPERM;
        }
        assert_outcome(&c, &o);
}

static void test_file_rights(void **state __attribute__((unused))) {
        static const struct {
                Case c;
                bool read, own, every_user, owns_own, owns_other;
        } cases[] = {
                { { "root", 0, ALL, EVERY_USER, 0, 0, 0, 0 }, true, true, true, true, true },
                { { "a user", NOBODY, 0, EVERY_USER, 0, 0, 0, 0 }, false, false, true, true, false },
                { { "read", NOBODY, READ, EVERY_USER, 0, 0, 0, 0 }, true, false, true, true, false },
                { { "override", NOBODY, WRITE, EVERY_USER, 0, 0, 0, 0 }, true, false, true, true, false },
                { { "own", NOBODY, OWN, EVERY_USER, 0, 0, 0, 0 }, false, true, true, true, true },
                /* All capabilities, but only over the files of itself; and who that is does not show. */
                { { "self", 0, ALL, ONLY_SELF, 0, 0, 0, 0 }, true, true, false, false, false },
                { { "none", 0, ALL, NO_USER, 0, 0, 0, 0 }, true, true, false, false, false },
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                Outcome o = probe_as(&cases[i].c);
                /* The last argument is not this process's user in any case. */
                bool owns_other = file_rights_owns(&o.rights, geteuid() + 1);
                bool owns_own = file_rights_owns(&o.rights, geteuid());

                if (o.rights.read != cases[i].read || o.rights.own != cases[i].own ||
                                o.rights.every_user != cases[i].every_user ||
                                owns_own != cases[i].owns_own || owns_other != cases[i].owns_other)
                        fail_msg("%s: %d %d %d, %d %d", cases[i].c.what, o.rights.read, o.rights.own,
                                        o.rights.every_user, owns_own, owns_other);
        }
}

static void have_rights_without_files(const void *argument, void *ret) {
        Outcome *o = ret;

        o->setup = filter_call(SYS_openat, (unsigned)*(const int *)argument);
        o->rights = file_rights();
}

/* A kernel without user namespaces has no map of them; else one that cannot be read is none. */
static void test_no_map(void **state __attribute__((unused))) {
        const int errors[] = { ENOENT, EACCES };

        for (size_t i = 0; i < ELEMENTS_OF(errors); i++) {
                Outcome o;

                in_child(have_rights_without_files, errors + i, &o, sizeof(o));
                assert_int_equal(o.setup, 0);
                assert_true(o.rights.own && o.rights.every_user == (errors[i] == ENOENT));
        }
}

typedef struct Place {
        uid_t uid;
        const char *path;
} Place;

static void probe_place(const void *argument, void *ret) {
        const Place *p = argument;
        Outcome *o = ret;

        o->setup = p->uid == 0 ? 0 : become(p->uid, 0);
        o->method = UNTOUCHED;
        o->r = page_cache_probe(p->path, &o->method);
}

static void assert_probe(uid_t uid, const char *path, int expected) {
        Place place = { uid, path };
        Outcome o;

        in_child(probe_place, &place, &o, sizeof(o));
        assert_int_equal(o.setup, 0);
        if (o.r != expected || (o.r < 0) != (o.method == UNTOUCHED))
                fail_msg("%s for %u: %s, method %d", path, uid, strerror(-o.r), (int)o.method);
}

static void test_places(void **state __attribute__((unused))) {
        make_file(in(&tree, "file"), 1);
        make_directory(in(&tree, "bare"));
        make_directory(in(&tree, "odd"));
        make_file(in(&tree, "odd/containers"), 1);
        make_directory(in(&tree, "open"));
        make_directory(in(&tree, "open/containers"));
        assert_int_equal(chmod(in(&tree, "open/containers"), 0710), 0);

        assert_probe(0, in(&tree, "engine"), 0);
        assert_probe(0, in(&tree, "bare"), 0);
        assert_probe(0, in(&tree, "none"), -ENOENT);
        assert_probe(0, in(&tree, "file"), -ENOTDIR);
        assert_probe(0, in(&tree, "file/none"), -ENOTDIR);
        assert_probe(0, in(&tree, "odd"), -ENOTDIR);
        /* That somebody may list them does not mean that what is within can be read. */
        assert_probe(NOBODY, in(&tree, "open"), -EACCES);
        assert_probe(NOBODY, in(&tree, "bare"), -EACCES);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_rights, setup_engine, teardown),
                cmocka_unit_test_setup_teardown(test_may_read_only, setup_engine, teardown),
                cmocka_unit_test_setup_teardown(test_file_rights, setup_engine, teardown),
                cmocka_unit_test(test_no_map),
                cmocka_unit_test_setup_teardown(test_places, setup_engine, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
