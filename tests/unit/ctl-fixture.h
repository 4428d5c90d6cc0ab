/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_CTL_FIXTURE_H
#define REAPERD_TESTS_CTL_FIXTURE_H

/* For tests of what the console prints: a terminal that is none, and stdout read back. */

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/terminal.h"

static inline Terminal utf8_terminal(unsigned columns) {
        assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
        return (Terminal){ .utf8 = true, .columns = columns };
}

static inline Terminal plain_terminal(unsigned columns) {
        assert_non_null(setlocale(LC_CTYPE, "C"));
        return (Terminal){ .columns = columns };
}

/* What the function writes to stdout; to be freed. */
static inline char *printed_by(void (*function)(void *), void *userdata) {
        FILE *file = tmpfile();
        char *text;
        size_t n;
        int kept;
        long size;

        assert_non_null(file);
        assert_int_equal(fflush(stdout), 0);
        kept = dup(STDOUT_FILENO);
        assert_true(kept >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);

        function(userdata);

        assert_int_equal(fflush(stdout), 0);
        assert_true(dup2(kept, STDOUT_FILENO) >= 0);
        close(kept);
        size = lseek(fileno(file), 0, SEEK_END);
        assert_true(size >= 0);
        text = calloc(1, (size_t)size + 1);
        assert_non_null(text);
        rewind(file);
        n = fread(text, 1, (size_t)size, file);
        assert_int_equal(n, size);
        fclose(file);
        return text;
}

#define assert_printed(function, userdata, expected)              \
        do {                                                      \
                char *_text = printed_by((function), (userdata)); \
                assert_string_equal(_text, (expected));           \
                free(_text);                                      \
        } while (0)

#endif
