/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TEST_LITTLE_MEMORY_H
#define REAPERD_TEST_LITTLE_MEMORY_H

/* For tests of what happens when there is no memory, and of how little is enough. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define MEGABYTE ((size_t)1024 * 1024)

/* Does a limit on memory hold here? Not under AddressSanitizer, nor under valgrind, which tells so by
 * $REAPERD_TEST_INSTRUMENTED (tests/run.py sets it): these tests are for the plain run. */
static inline bool little_memory_is_possible(void) {
#if defined(__SANITIZE_ADDRESS__)
        return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
        return false;
#endif
#endif
        return !getenv("REAPERD_TEST_INSTRUMENTED");
}

/* Runs the function in a child that cannot have more than 48 MB of data. */
static inline void with_little_memory(int (*function)(void)) {
        int status;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                struct rlimit limit = { .rlim_cur = 48 * MEGABYTE, .rlim_max = 48 * MEGABYTE };

                if (setrlimit(RLIMIT_DATA, &limit) < 0)
                        _exit(EXIT_FAILURE);
                _exit(function() == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        }
        assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
}

#endif
