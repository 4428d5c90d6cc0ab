/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CTL_VERBS_H
#define REAPERD_CTL_VERBS_H

/*
 * The verbs of reaperctl. Each is a function that connects (nodes_open()), asks, prints to stdout, and
 * returns the exit status, or a negative errno that main() tells (so -ENOMEM is simply returned). What
 * has been told on stderr already is returned as an exit status.
 */

#include "ctl/options.h"
#include "ctl/terminal.h"

/* What every verb is given. */
typedef struct Console {
        Options options;
        Terminal terminal; /* stdout as it was at the start, before any pager */
} Console;

typedef struct Verb {
        const char *name;
        const char *arguments; /* for --help: "CONTAINER...", "" for none */
        const char *help;      /* one line */
        size_t least, most;    /* number of arguments; SIZE_MAX: any */
        unsigned takes;        /* VerbOption bits */
        int (*run)(const Console *c);
} Verb;

/* In the order of --help; ends with one whose name is NULL. The first is what is done if none is named. */
extern const Verb verbs[];

const Verb *verb_find(const char *name);

int verb_status(const Console *c);
int verb_list(const Console *c);
int verb_explain(const Console *c);
int verb_memory(const Console *c);
int verb_history(const Console *c);
int verb_watch(const Console *c);
int verb_reap(const Console *c);
int verb_pause(const Console *c);
int verb_resume(const Console *c);
int verb_reload(const Console *c);
int verb_check_config(const Console *c);
int verb_advise(const Console *c);

#endif
