/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_OPTIONS_H
#define REAPERD_CTL_OPTIONS_H

/*
 * The command line: options may stand anywhere, the first other argument is the verb. What an option's value
 * may be is checked here as far as it can be without asking a daemon; which verb takes which option and how
 * many arguments, is in the table of verbs (ctl/verbs.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What reaperctl exits with. */
enum {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,      /* not found, ambiguous, refused, or some host failed */
        EXIT_USAGE = 2,       /* wrong usage */
        EXIT_UNREACHABLE = 3, /* `status`: there is no daemon to ask */
};

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,
        JSON_PRETTY,
} JsonMode;

typedef enum SortKey {
        SORT_DUE,
        SORT_AGE,
        SORT_HELD,
        SORT_SIZE,
        _SORT_KEY_MAX,
} SortKey;

/* Options that only some verbs take, as bits; the common ones are for all. */
typedef enum VerbOption {
        TAKES_ALL = 1 << 0,
        TAKES_SERVICE = 1 << 1,
        TAKES_VERDICT = 1 << 2,
        TAKES_SORT = 1 << 3,
        TAKES_SINCE = 1 << 4,
        TAKES_LINES = 1 << 5, /* then -n is --lines=, else --dry-run */
        TAKES_DIRECTORY = 1 << 6,
        TAKES_DRY_RUN = 1 << 7,
        TAKES_DUE = 1 << 8,
} VerbOption;

/* Texts are borrowed from the command line; NULL: not given. */
typedef struct Options {
        const struct Verb *verb; /* never NULL */
        char **arguments;        /* owned array of borrowed texts, behind the verb; ends with NULL */
        size_t n_arguments;      /* within the bounds of the verb */

        const char *hosts;   /* -H, as given: commas between */
        const char *machine; /* -M; never together with hosts */
        JsonMode json;
        bool legend, pager; /* true unless turned off */
        bool full;

        unsigned given; /* VerbOption bits */
        bool all, dry_run, due;
        const char *service, *verdict, *since, *directory;
        SortKey sort;
        uint64_t lines; /* UINT64_MAX: all */
} Options;

/* Returns 0 with *ret set (release with options_done()); 1: it is all done (--help, --version: printed); or
 * a negative errno: -EINVAL for wrong usage (told on stderr), -EIO if help could not be printed (told),
 * -ENOMEM. */
int options_parse(int argc, char *argv[], Options *ret);
void options_done(Options *o);

#endif
