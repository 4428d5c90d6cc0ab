/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_CLEANUP_H
#define REAPERD_BASE_CLEANUP_H

/*
 * Ownership by scope. A local that owns something is declared with _cleanup_ and is released however the
 * function is left; what is handed on is taken out of it first with TAKE_PTR(). This is what keeps error
 * paths to a plain `return r;`.
 */

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Moves an owned pointer out of a variable, leaving NULL behind. */
#define TAKE_PTR(p)                         \
        ({                                  \
                __typeof__(p) _taken = (p); \
                (p) = NULL;                 \
                _taken;                     \
        })

/* Moves an owned descriptor out of a variable, leaving -1 behind. */
#define TAKE_FD(fd)                \
        ({                         \
                int _taken = (fd); \
                (fd) = -1;         \
                _taken;            \
        })

/* Defines the function that _cleanup_ needs, `func`p(), for a releasing function that takes a `type`
 * (a pointer type, or an integer handle); `empty` is the value that owns nothing. */
#define DEFINE_CLEANUP(type, func, empty)     \
        static inline void func##p(type *p) { \
                if (*p != (empty))            \
                        (void)func(*p);       \
        }                                     \
        struct cleanup_needs_a_semicolon

static inline void freep(void *p) {
        free(*(void **)p);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
}

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

#define ELEMENTS_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
