/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TEST_FOLDER_FIXTURE_H
#define REAPERD_TEST_FOLDER_FIXTURE_H

/* A folder of its own for each test, for made-up files of the kernel. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NOBODY 65534

static char folder[64];

static inline int make_folder(void **state) {
        (void)state;
        strcpy(folder, "/tmp/test-node-XXXXXX");
        /* Its users include those who have no rights. */
        return mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static inline int remove_folder(void **state) {
        (void)state;
        return nftw(folder, remove_one, 40, FTW_DEPTH | FTW_PHYS);
}

/* A path below the folder. What is returned lasts until the fourth call after it. */
static inline const char *below(const char *name) {
        static char paths[4][8192];
        static size_t i;

        i = (i + 1) % ELEMENTS_OF(paths);
        assert_true(snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder, name) < (int)sizeof(paths[i]));
        return paths[i];
}

/* Makes the folders on the way to it. */
static inline void make_way(const char *name) {
        char path[8192];

        strcpy(path, below(name));
        for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
                *p = '/';
        }
}

static inline void write_bytes(const char *name, const void *bytes, size_t n) {
        FILE *f;

        make_way(name);
        f = fopen(below(name), "we");
        assert_non_null(f);
        assert_int_equal(fwrite(bytes, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
}

static inline void write_text(const char *name, const char *text) {
        write_bytes(name, text, strlen(text));
}

/* A megabyte and a bit of every byte but NUL. The caller frees it. */
static inline char *make_garbage(void) {
        const size_t n = 1024 * 1024 + 1;
        char *text = malloc(n + 1);
        uint32_t seed = 1;

        assert_non_null(text);
        for (size_t i = 0; i < n; i++) {
                seed = seed * 1664525 + 1013904223;
                text[i] = (char)(seed >> 24 ? seed >> 24 : 'x');
        }
        text[n] = '\0';
        return text;
}

/* What the function returns in a child of its own, where it may give up rights. It has 20 s. */
static inline int in_child(int (*function)(void)) {
        int status, result, fds[2];
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)alarm(20);
                result = function();
                _exit(write(fds[1], &result, sizeof(result)) == sizeof(result) ? 0 : 1);
        }
        assert_int_equal(close(fds[1]), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_int_equal(read(fds[0], &result, sizeof(result)), sizeof(result));
        assert_int_equal(close(fds[0]), 0);
        return result;
}

static inline size_t count_descriptors(void) {
        size_t n = 0;

        for (int fd = 0; fd < 1024; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

#endif
