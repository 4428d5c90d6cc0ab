/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The command line. Everything else is reached from manager_run().
 */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/config-file.h"
#include "daemon/manager.h"
#include "daemon/version.h"

typedef struct Arguments {
        bool check_config;
        bool print_config;
        ManagerOptions manager;
} Arguments;

static const char help[] =
                "reaperd [OPTIONS...]\n\n"
                "Removes stale stopped containers of Swarm tasks from this node.\n\n"
                "  --config=PATH      Read PATH and PATH.d/*.conf instead of " CONFIG_FILE_DEFAULT "\n"
                "  --check-config     Check the configuration, tell every error, and exit\n"
                "  --print-config     Print the effective configuration, with origins, and exit\n"
                "  --dry-run          Decide and log, but remove nothing\n"
                "  --once             Make one pass, without waiting, and exit\n"
                "  --log-level=LEVEL  emerg, alert, crit, err, warning, notice, info or debug\n"
                "  --version          Print the version, and what it was built with, and exit\n"
                "  --help             Print this help and exit\n\n"
                "Exit status: 0 for success; 1 for bad arguments, a bad configuration, or output that\n"
                "cannot be written, with --once also if a removal failed; 2 if --once could not reach\n"
                "the engine; 3 if it could not be set up. See reaperd(8).\n";

/* Whoever has asked for the text is to know if it did not arrive whole. */
static int print(const char *text) {
        if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
                log_error("Cannot write to standard output: %s", strerror(errno));
                return -EIO;
        }
        return 0;
}

static int print_version(void) {
        _cleanup_free_ char *text = reaperd_version();

        if (!text) {
                log_error("Out of memory");
                return -ENOMEM;
        }
        return print(text);
}

/* Returns 1 to go on, 0 to end well, negative to end badly (said already). */
static int parse_arguments(int argc, char *argv[], Arguments *ret) {
        enum {
                OPT_CONFIG = 256,
                OPT_CHECK,
                OPT_PRINT,
                OPT_DRY_RUN,
                OPT_ONCE,
                OPT_LOG_LEVEL,
                OPT_VERSION,
                OPT_HELP
        };
        static const struct option options[] = {
                { "config", required_argument, NULL, OPT_CONFIG },
                { "check-config", no_argument, NULL, OPT_CHECK },
                { "print-config", no_argument, NULL, OPT_PRINT },
                { "dry-run", no_argument, NULL, OPT_DRY_RUN },
                { "once", no_argument, NULL, OPT_ONCE },
                { "log-level", required_argument, NULL, OPT_LOG_LEVEL },
                { "version", no_argument, NULL, OPT_VERSION },
                { "help", no_argument, NULL, OPT_HELP },
                { 0 },
        };
        Arguments arguments = { 0 };
        int option, level;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (option) {
                case OPT_CONFIG:
                        if (optarg[0] == '\0') {
                                log_error("--config= needs the path of a file");
                                return -EINVAL;
                        }
                        arguments.manager.config = optarg;
                        break;
                case OPT_CHECK:
                        arguments.check_config = true;
                        break;
                case OPT_PRINT:
                        arguments.print_config = true;
                        break;
                case OPT_DRY_RUN:
                        arguments.manager.dry_run = true;
                        break;
                case OPT_ONCE:
                        arguments.manager.once = true;
                        break;
                case OPT_LOG_LEVEL:
                        level = log_level_from_name(optarg);
                        if (level < 0) {
                                log_error("--log-level=%.64s: not a level, accepted: emerg, alert, crit, "
                                          "err, "
                                          "warning, notice, info, debug, or 0 to 7",
                                                optarg);
                                return level;
                        }
                        log_set_max_level(level);
                        break;
                case OPT_VERSION:
                        return print_version();
                case OPT_HELP:
                        return print(help);
                default:
                        /* getopt has said what is wrong */
                        log_error("Try --help");
                        return -EINVAL;
                }

        if (optind < argc) {
                log_error("No argument is expected: %.128s. Try --help", argv[optind]);
                return -EINVAL;
        }

        *ret = arguments;
        return 1;
}

static int load_config(const Arguments *arguments, Settings *ret) {
        _cleanup_(config_report_done) ConfigReport report = { 0 };
        int r;

        r = config_load(arguments->manager.config, NULL, ret, &report);
        config_report_tell(&report, arguments->check_config || arguments->print_config);
        if (r == -ENOMEM)
                log_error("Out of memory");
        return r;
}

static int print_config(const Settings *settings) {
        _cleanup_free_ char *text = config_print(settings);

        if (!text) {
                log_error("Out of memory");
                return -ENOMEM;
        }
        return print(text);
}

static int run(int argc, char *argv[]) {
        _cleanup_(settings_done) Settings settings = { 0 };
        Arguments arguments;
        int r;

        r = parse_arguments(argc, argv, &arguments);
        if (r <= 0)
                return r;

        r = load_config(&arguments, &settings);
        if (r < 0)
                return r;
        if (arguments.print_config)
                return print_config(&settings);
        if (arguments.check_config)
                return print("configuration OK\n");

        r = manager_run(&settings, &arguments.manager);
        if (r < 0) {
                log_error("Cannot run: %s", strerror(-r));
                return EXIT_CANNOT_RUN;
        }
        return r;
}

int main(int argc, char *argv[]) {
        int r;

        /* A peer that closes while we write must be an error code, not the end. */
        (void)signal(SIGPIPE, SIG_IGN);
        log_open();

        r = run(argc, argv);
        return r < 0 ? EXIT_FAILURE : r;
}
