/* SPDX-License-Identifier: Apache-2.0 */

#include <gnu/libc-version.h>

#include "base/build.h"
#include "base/cleanup.h"
#include "base/text.h"

const char build_libsystemd[] = REAPERD_LIBSYSTEMD;
const char build_inih[] = REAPERD_INIH;

/* clang takes itself for an old gcc in __VERSION__'s place, with words around it. */
#ifdef __clang__
#define COMPILER                                                                                   \
        "clang " BUILD_NUMBER(__clang_major__) "." BUILD_NUMBER(__clang_minor__) "." BUILD_NUMBER( \
                        __clang_patchlevel__)
#else
#define COMPILER "gcc " __VERSION__
#endif

/* What is really turned on: without optimisation the C library fortifies nothing, whatever was asked for. */
static const char hardening[] = ""
#ifdef __PIE__
                                ", PIE"
#endif
#if defined(__SSP_STRONG__) || defined(__SSP_ALL__)
                                ", stack protector"
#endif
#if __USE_FORTIFY_LEVEL > 0
                                ", _FORTIFY_SOURCE=" BUILD_NUMBER(__USE_FORTIFY_LEVEL)
#endif
#ifdef __CET__
                                                ", CET"
#endif
                ;

/* Appends those of a list that tell. */
static int append_libraries(char **text, const BuildLibrary *libraries, bool running) {
        for (const BuildLibrary *l = libraries; l->name; l++) {
                const char *version = running ? l->running : l->built;
                int r = version ? text_append(text, ", %s %s", l->name, version) : 0;

                if (r < 0)
                        return r;
        }

        return 0;
}

char *build_describe(const char *program, const BuildLibrary *libraries) {
        _cleanup_free_ char *text = NULL;

        if (text_append(&text, "%s " REAPERD_VERSION "\nBuilt by " COMPILER " for " REAPERD_TARGET "%s\n",
                            program, hardening) < 0)
                return NULL;

        if (text_append(&text, "Built with glibc " BUILD_NUMBER(__GLIBC__) "." BUILD_NUMBER(
                                               __GLIBC_MINOR__)) < 0 ||
                        append_libraries(&text, libraries, false) < 0)
                return NULL;

        if (text_append(&text, "\nRuns with glibc %s", gnu_get_libc_version()) < 0 ||
                        append_libraries(&text, libraries, true) < 0 || text_append(&text, "\n") < 0)
                return NULL;

        return TAKE_PTR(text);
}
