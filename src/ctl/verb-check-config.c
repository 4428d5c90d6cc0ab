/* SPDX-License-Identifier: Apache-2.0 */

/*
 * `check-config`: what is wrong with the configuration. The daemon is asked, as it sees files as its user
 * does; where there is none, or a file of the caller's is named, reaperd itself is run to tell.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/each-node.h"
#include "ctl/tell.h"

/* The most that reaperd may say: CONFIG_FAULTS_MAX faults of each kind come to less. */
#define SAID_MAX (8U << 20)

/* As of shells. */
#define EXIT_CANNOT_START 127

/* Beside reaperctl's own folder: where it was installed, and where it was built. */
static const char *const beside[] = { "../sbin/reaperd", "reaperd" };

/* What has been found of one configuration. */
typedef struct Faults {
        const Console *console;
        const Node *node;
        JsonRows *rows;
        size_t n_errors;
} Faults;

/* Without the program's name in front, so that editors and scripts can read them. */
static int show_fault(Faults *f, bool is_error, const char *text) {
        _cleanup_free_ char *line = NULL;

        if (is_error)
                f->n_errors++;
        if (f->console->options.json != JSON_OFF) {
                json_row(f->rows, f->node);
                json_text(f->rows, "severity", is_error ? "error" : "notice");
                json_text(f->rows, "fault", text);
                return 0;
        }

        line = terminal_escape(&f->console->terminal, text);
        if (!line)
                return -ENOMEM;
        if (f->node->several)
                tell_of_node(f->node, line);
        else
                fprintf(stderr, "%s\n", line);
        return 0;
}

static int conclude(const Faults *f) {
        if (f->n_errors > 0)
                return EXIT_FAILED;
        if (f->console->options.json == JSON_OFF) {
                line_begin(&f->console->terminal, f->node);
                terminal_put(&f->console->terminal, COLOUR_NONE, "configuration OK");
                putchar('\n');
        }
        return EXIT_DONE;
}

static int show_answer(
                const Console *c, Nodes *nodes, const Node *node, JsonRows *rows, sd_bus_message *reply) {
        Faults f = { .console = c, .node = node, .rows = rows };
        const char *severity, *text;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "(ss)");
        if (r < 0)
                return node_bad_answer(nodes, node, r);
        while ((r = sd_bus_message_read(reply, "(ss)", &severity, &text)) > 0) {
                r = show_fault(&f, strcmp(severity, "notice") != 0, text);
                if (r < 0)
                        return r;
        }
        return r < 0 ? node_bad_answer(nodes, node, r) : conclude(&f);
}

/* Asks the daemon, about the file `what` if it is not NULL. */
static int check_one(const Console *c, Nodes *nodes, const Node *node, JsonRows *rows, const void *what) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *path = what;
        int r;

        if (path)
                r = node_call(node, NODE_TIMEOUT, "CheckConfigFile", &error, &reply, "s", path);
        else
                r = node_call(node, NODE_TIMEOUT, "CheckConfig", &error, &reply, NULL);
        if (r < 0)
                return node_problem(nodes, node, &error);
        return show_answer(c, nodes, node, rows, reply);
}

/* The path of the reaperd that belongs to this reaperctl. */
static const char *find_reaperd(char buf[static PATH_MAX]) {
        char folder[PATH_MAX], *slash;
        ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);

        if (n > 0) {
                folder[n] = '\0';
                slash = strrchr(folder, '/');
                for (size_t i = 0; slash && i < ELEMENTS_OF(beside); i++) {
                        int r = snprintf(buf, PATH_MAX, "%.*s/%s", (int)(slash - folder), folder, beside[i]);

                        if (r > 0 && r < PATH_MAX && access(buf, X_OK) == 0)
                                return buf;
                }
        }
        return REAPERD_BINARY;
}

/* Becomes reaperd; what it says goes to `out`. */
static void become_reaperd(const char *binary, const char *path, int out) __attribute__((noreturn));
static void become_reaperd(const char *binary, const char *path, int out) {
        char config[PATH_MAX + 16];
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
                        dup2(out, STDERR_FILENO) < 0)
                _exit(EXIT_CANNOT_START);
        if (path) {
                snprintf(config, sizeof(config), "--config=%s", path);
                execl(binary, binary, "--check-config", config, NULL);
        } else
                execl(binary, binary, "--check-config", NULL);
        _exit(EXIT_CANNOT_START);
}

/* Reads lines until the end. */
static int show_lines(Faults *f, int fd) {
        _cleanup_free_ char *line = NULL;
        size_t size = 0, total = 0;
        ssize_t n;
        FILE *in;
        int r = 0;

        in = fdopen(fd, "re");
        if (!in)
                return -errno;
        while (r == 0 && total < SAID_MAX && (n = getline(&line, &size, in)) > 0) {
                total += (size_t)n;
                if (line[n - 1] == '\n')
                        line[n - 1] = '\0';
                r = show_fault(f, !strstr(line, ": notice: "), line);
        }
        fclose(in);
        return r;
}

static int run_reaperd(Faults *f, const char *path) {
        char buf[PATH_MAX];
        const char *binary = find_reaperd(buf);
        int pipes[2], r, status;
        pid_t pid;

        if (path && strlen(path) >= PATH_MAX) {
                tell("check-config: the path is too long");
                return EXIT_USAGE;
        }
        if (pipe2(pipes, O_CLOEXEC) < 0)
                return -errno;
        fflush(stdout);
        pid = fork();
        if (pid < 0) {
                r = -errno;
                close(pipes[0]);
                close(pipes[1]);
                return r;
        }
        if (pid == 0)
                become_reaperd(binary, path, pipes[1]);

        close(pipes[1]);
        r = show_lines(f, pipes[0]); /* which closes it */
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (r < 0)
                return r;

        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CANNOT_START) {
                tell("%s: cannot be run to check the configuration", binary);
                return EXIT_FAILED;
        }
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0) != (f->n_errors > 0)) {
                tell("%s ended in an unexpected way", binary);
                return EXIT_FAILED;
        }
        return conclude(f);
}

static int check_here(const Console *c, const char *path) {
        _cleanup_json_ JsonRows rows = { 0 };
        const Node here = { .name = (char *)"" };
        Faults f = { .console = c, .node = &here, .rows = &rows };
        int r, status;

        status = run_reaperd(&f, path);
        if (status < 0 || c->options.json == JSON_OFF)
                return status;
        r = json_print(&rows, c->options.json);
        return r < 0 ? r : status;
}

/* Is there somebody to ask? Nothing is said if not. */
static bool can_ask_here(void) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

        return sd_bus_open_system(&bus) >= 0 && sd_bus_get_name_creds(bus, NODE_BUS_NAME, 0, NULL) >= 0;
}

int verb_check_config(const Console *c) {
        const char *path = c->options.n_arguments > 0 ? c->options.arguments[0] : NULL;
        bool elsewhere = c->options.hosts || c->options.machine;

        if (path && elsewhere && path[0] != '/') {
                tell("check-config %s: not accepted with --host= or --machine=, accepted: an absolute path",
                                path);
                return EXIT_USAGE;
        }
        if (!elsewhere && (path || !can_ask_here()))
                return check_here(c, path);
        return each_node(c, check_one, path);
}
