/* SPDX-License-Identifier: Apache-2.0 */

#include <stdint.h>
#include <string.h>

#include "ctl/verbs.h"

const Verb verbs[] = {
        { "status", "", "Show the daemon, its engine, what it waits for", 0, 0, 0, verb_status },
        { "list", "", "List stopped containers, and when they go", 0, 0,
                        TAKES_ALL | TAKES_SERVICE | TAKES_VERDICT | TAKES_SORT, verb_list },
        { "explain", "CONTAINER", "Tell why a container is still there, or goes", 1, 1, 0, verb_explain },
        { "history", "", "List what was removed", 0, 0, TAKES_SINCE | TAKES_LINES | TAKES_DIRECTORY,
                        verb_history },
        { "memory", "", "Show what stopped containers hold, by service", 0, 0, 0, verb_memory },
        { "watch", "", "Show what happens, until Ctrl-C", 0, 0, 0, verb_watch },
        { "reap", "CONTAINER...", "Remove stopped containers now", 0, SIZE_MAX,
                        TAKES_DRY_RUN | TAKES_SERVICE | TAKES_DUE, verb_reap },
        { "pause", "[SPAN]", "Stop every removal, for 1h unless told otherwise", 0, 1, 0, verb_pause },
        { "resume", "", "End the pause", 0, 0, 0, verb_resume },
        { "reload", "", "Have the daemon read its configuration again", 0, 0, 0, verb_reload },
        { "check-config", "[PATH]", "Check the configuration, or another file", 0, 1, 0, verb_check_config },
        { "advise", "", "Show what to mend in the Swarm (on a manager)", 0, 0, 0, verb_advise },
        { .name = NULL },
};

const Verb *verb_find(const char *name) {
        for (const Verb *v = verbs; v->name; v++)
                if (strcmp(v->name, name) == 0)
                        return v;
        return NULL;
}
