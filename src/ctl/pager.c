/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "ctl/pager.h"
#include "ctl/terminal.h"

#define ARGUMENTS_MAX 32

static pid_t pager = -1;

bool pager_is_open(void) {
        return pager > 0;
}

/* Takes the command apart at white space, in place. */
static void take_apart(char *command, char *argv[ARGUMENTS_MAX + 1]) {
        size_t n = 0;
        char *save;

        for (char *word = strtok_r(command, " \t", &save); word && n < ARGUMENTS_MAX;
                        word = strtok_r(NULL, " \t", &save))
                argv[n++] = word;
        argv[n] = NULL;
}

static _Noreturn void run_pager(char **argv, int input, int problem) {
        const char *less = secure_getenv("REAPERCTL_LESS");
        int error;

        (void)setenv("LESS", less ? less : "FRSXMK", 1);
        /* Nobody needs a shell out of a listing, least of all by way of sudo. */
        (void)setenv("LESSSECURE", "1", 1);
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);

        if (dup2(input, STDIN_FILENO) >= 0)
                (void)execvp(argv[0], argv);
        error = errno;
        (void)!write(problem, &error, sizeof(error));
        _exit(EXIT_FAILURE);
}

/* Starts it with stdin from a pipe. Returns the other end, or a negative errno. */
static int start(char **argv) {
        _cleanup_close_ int out = -1, in = -1, problem_in = -1, problem_out = -1;
        int fds[2], error;
        ssize_t n;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        in = fds[0];
        out = fds[1];
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        problem_in = fds[0];
        problem_out = fds[1];

        (void)fflush(stdout);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                run_pager(argv, in, problem_out);

        /* Its end of this pipe is closed by a successful exec. */
        (void)close(TAKE_FD(problem_out));
        do
                n = read(problem_in, &error, sizeof(error));
        while (n < 0 && errno == EINTR);
        if (n != 0) {
                (void)waitpid(pid, NULL, 0);
                return n == (ssize_t)sizeof(error) ? -error : -EIO;
        }

        pager = pid;
        return TAKE_FD(out);
}

void pager_open(bool wanted) {
        const char *command = secure_getenv("REAPERCTL_PAGER");
        _cleanup_free_ char *words = NULL;
        _cleanup_close_ int fd = -1;
        char *argv[ARGUMENTS_MAX + 1];

        if (!wanted || pager_is_open() || isatty(STDOUT_FILENO) != 1 || terminal_is_dumb())
                return;

        if (!command)
                command = secure_getenv("PAGER");
        words = strdup(command ? command : "less");
        if (!words)
                return;
        take_apart(words, argv);
        if (!argv[0] || strcmp(argv[0], "cat") == 0)
                return;

        fd = start(argv);
        if (fd < 0)
                return;
        if (dup2(fd, STDOUT_FILENO) < 0) {
                (void)close(TAKE_FD(fd));
                pager_close();
                return;
        }

        /* Ctrl-C is for the pager; and if it ends early, that is how it was meant. */
        (void)signal(SIGINT, SIG_IGN);
        (void)signal(SIGPIPE, SIG_IGN);
}

void pager_close(void) {
        if (!pager_is_open())
                return;

        (void)fclose(stdout);
        while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
                ;
        pager = -1;
}
