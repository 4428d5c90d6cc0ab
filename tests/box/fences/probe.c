/* SPDX-License-Identifier: Apache-2.0 */

/* Tries what the fences of a unit are to forbid: run by the unit in place of the daemon, one act an
 * argument, each in a process of its own because some fences kill. Prints a line for each: the argument,
 * then `done`, `refused ERRNO`, `killed SIGNAL` or `broken`.
 *
 *     probe ACT[:ARGUMENT]...
 *     probe outside            what the acts look for outside of the unit
 *     probe ok                 ends well, for acts that execute something
 *     probe root               ends well for root */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

#define STATUS_BROKEN 255
/* No act waits for anything that could take this long. */
#define SECONDS_MAX 20

static const Act *const tables[] = { acts_files, acts_kernel, acts_network, acts_process, acts_system };

_Noreturn void broken(const char *what) {
        fprintf(stderr, "%s: %m\n", what);
        _exit(STATUS_BROKEN);
}

int outcome(long result) {
        return result < 0 ? -errno : 0;
}

int outcome_or(long result, int reached) {
        return result < 0 && errno != reached ? -errno : 0;
}

static ActFunction find(const char *name, size_t length) {
        for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
                for (const Act *act = tables[t]; act->name; act++)
                        if (strlen(act->name) == length && memcmp(act->name, name, length) == 0)
                                return act->function;
        return NULL;
}

/* false: there is no such act. */
static bool attempt(const char *spec) {
        size_t length = strcspn(spec, ":");
        ActFunction function = find(spec, length);
        pid_t child;
        int status;

        if (!function) {
                fprintf(stderr, "no such act: %s\n", spec);
                return false;
        }

        fflush(NULL);
        child = fork();
        if (child < 0)
                broken("fork");
        if (child == 0) {
                alarm(SECONDS_MAX);
                _exit(-function(spec[length] == ':' ? spec + length + 1 : ""));
        }
        if (waitpid(child, &status, 0) != child)
                broken("waitpid");

        if (WIFSIGNALED(status))
                printf("%s killed %s\n", spec, sigabbrev_np(WTERMSIG(status)));
        else if (WEXITSTATUS(status) == STATUS_BROKEN)
                printf("%s broken\n", spec);
        else if (WEXITSTATUS(status) != 0)
                printf("%s refused %s\n", spec, strerrorname_np(WEXITSTATUS(status)));
        else
                printf("%s done\n", spec);
        return true;
}

int main(int argc, char **argv) {
        if (argc == 2 && strcmp(argv[1], "outside") == 0)
                return outside();
        if (argc == 2 && strcmp(argv[1], "ok") == 0)
                return EXIT_SUCCESS;
        if (argc == 2 && strcmp(argv[1], "root") == 0)
                return geteuid() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;

        for (int i = 1; i < argc; i++)
                if (!attempt(argv[i]))
                        return EXIT_FAILURE;
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
