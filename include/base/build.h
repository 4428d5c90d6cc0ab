/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_BASE_BUILD_H
#define REAPERD_BASE_BUILD_H

/*
 * What --version tells: what a program was built by and with, and what it runs with. That is what an
 * operator compares between nodes and what a bug report needs. Nothing of it depends on when, where or by
 * whom the program was built, so that a build can be repeated byte for byte.
 */

/* A library that the program is linked with. NULL: it does not tell. */
typedef struct BuildLibrary {
        const char *name; /* NULL ends a list */
        const char *built;
        const char *running;
} BuildLibrary;

/* libsystemd and inih tell their version to pkg-config only, and at run time not at all. */
#define BUILD_LIBSYSTEMD ((BuildLibrary){ "libsystemd", build_libsystemd, NULL })
#define BUILD_INIH       ((BuildLibrary){ "inih", build_inih, NULL })
extern const char build_libsystemd[], build_inih[];

/* Makes text of a macro that is a number. */
#define BUILD_NUMBER(n)  BUILD_NUMBER_(n)
#define BUILD_NUMBER_(n) #n

/* Of cJSON, where its header is known. */
#define BUILD_CJSON                                                                                 \
        ((BuildLibrary){ "cJSON",                                                                   \
                        BUILD_NUMBER(CJSON_VERSION_MAJOR) "." BUILD_NUMBER(                         \
                                        CJSON_VERSION_MINOR) "." BUILD_NUMBER(CJSON_VERSION_PATCH), \
                        cJSON_Version() })

/* Describes this build, in lines of which the first is the program and its version and nothing else; the C
 * library comes before those named. Returns a new string, NULL if out of memory. */
char *build_describe(const char *program, const BuildLibrary *libraries);

#endif
