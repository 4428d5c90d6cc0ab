/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TEST_LITTLE_MEMORY_H
#define REAPERD_TEST_LITTLE_MEMORY_H

/* For tests of what happens when there is no memory, and of how little is enough. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define MEGABYTE ((size_t) 1024 * 1024)

/* Runs the function in a child that cannot have more than 48 MB of data; skips where such a limit does
 * not hold. */
static inline void with_little_memory(int (*function)(void)) {
        int status;
        pid_t pid;

#if defined(__SANITIZE_ADDRESS__)
        skip();
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
        skip();
#endif
#endif
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct rlimit limit = { .rlim_cur = 48 * MEGABYTE, .rlim_max = 48 * MEGABYTE };
                void *volatile probe;

                if (setrlimit(RLIMIT_DATA, &limit) < 0)
                        _exit(EXIT_FAILURE);
                probe = malloc(64 * MEGABYTE);
                if (probe) { /* as under valgrind */
                        free(probe);
                        _exit(77);
                }
                _exit(function() == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
}

#endif
