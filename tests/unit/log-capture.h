/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_LOG_CAPTURE_H
#define REAPERD_TESTS_LOG_CAPTURE_H

/*
 * What is logged, caught: what goes to stderr is read back through a pipe from a child process; what goes
 * to the journal is caught by a sd_journal_sendv() of this file's own.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "core-fixtures.h"

static int journal_answer;
static bool is_lasting = true; /* see log_set_lasting() */

int sd_journal_sendv(const struct iovec *iov, int n);

/* Writes each record to stdout, a line for each field, then a line of its own. */
int sd_journal_sendv(const struct iovec *iov, int n) {
        if (journal_answer < 0)
                return journal_answer;
        for (int i = 0; i < n; i++)
                dprintf(STDOUT_FILENO, "%.*s\n", (int)iov[i].iov_len, (const char *)iov[i].iov_base);
        dprintf(STDOUT_FILENO, ".\n");
        return 0;
}

static void read_all(int fd, char *buf, size_t size) {
        size_t n = 0;
        ssize_t k;

        while (n + 1 < size && (k = read(fd, buf + n, size - 1 - n)) > 0)
                n += (size_t)k;
        buf[n] = '\0';
        close(fd);
}

#define NOT_SET     ((const char *)NULL)
#define THE_JOURNAL "*" /* stderr's own device and inode */

static char on_stderr[16384], in_journal[16384];

/* Runs f in a child whose stderr is a pipe; on_stderr and in_journal are then what it said. */
static void run(void (*f)(void), const char *journal_stream) {
        int err[2], out[2], status;
        char name[64];
        struct stat st;
        pid_t pid;

        assert_int_equal(pipe(err), 0);
        assert_int_equal(pipe(out), 0);
        if (journal_stream && strcmp(journal_stream, THE_JOURNAL) == 0) {
                assert_int_equal(fstat(err[1], &st), 0);
                snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
                journal_stream = name;
        }

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (journal_stream)
                        setenv("JOURNAL_STREAM", journal_stream, 1);
                else
                        unsetenv("JOURNAL_STREAM");
                dup2(err[1], STDERR_FILENO);
                dup2(out[1], STDOUT_FILENO);
                close(err[0]);
                close(err[1]);
                close(out[0]);
                close(out[1]);
                log_open();
                log_set_lasting(is_lasting);
                f();
                _exit(0);
        }
        close(err[1]);
        close(out[1]);
        read_all(err[0], on_stderr, sizeof(on_stderr));
        read_all(out[0], in_journal, sizeof(in_journal));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
