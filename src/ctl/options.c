/* SPDX-License-Identifier: Apache-2.0 */

#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/build.h"
#include "base/cleanup.h"
#include "base/nearest-name.h"
#include "ctl/node.h"
#include "ctl/options.h"
#include "ctl/tell.h"
#include "ctl/verbs.h"

enum {
        OPT_JSON = 256,
        OPT_NO_LEGEND,
        OPT_NO_PAGER,
        OPT_VERSION,
        OPT_SERVICE,
        OPT_VERDICT,
        OPT_SORT,
        OPT_SINCE,
        OPT_LINES,
        OPT_DRY_RUN,
        OPT_DUE,
};

static const struct option options[] = {
        { "host", required_argument, NULL, 'H' },
        { "machine", required_argument, NULL, 'M' },
        { "json", required_argument, NULL, OPT_JSON },
        { "no-legend", no_argument, NULL, OPT_NO_LEGEND },
        { "no-pager", no_argument, NULL, OPT_NO_PAGER },
        { "full", no_argument, NULL, 'l' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPT_VERSION },
        { "all", no_argument, NULL, 'a' },
        { "service", required_argument, NULL, OPT_SERVICE },
        { "verdict", required_argument, NULL, OPT_VERDICT },
        { "sort", required_argument, NULL, OPT_SORT },
        { "since", required_argument, NULL, OPT_SINCE },
        { "lines", required_argument, NULL, OPT_LINES },
        { "directory", required_argument, NULL, 'D' },
        { "dry-run", no_argument, NULL, OPT_DRY_RUN },
        { "due", no_argument, NULL, OPT_DUE },
        { 0 },
};

/* What else is no option is told in its place (1), and a missing value as such (':'). -n belongs to two
 * verbs, one of which has a value for it. */
#define SHORT_COMMON "-:H:M:lhaD:"
#define SHORT_PLAIN  SHORT_COMMON "n"
#define SHORT_LINES  SHORT_COMMON "n:"

static const char help_head[] = "reaperctl [OPTIONS...] [COMMAND ...]\n\n"
                                "Ask reaperd about stopped containers, or tell it to act.\n\n"
                                "Commands:\n";

static const char help_options[] =
                "\nOptions:\n"
                "  -H --host=[USER@]HOST[,...]  Ask the daemon of another host, or of several\n"
                "  -M --machine=CONTAINER       Ask the daemon of a local container\n"
                "     --json=short|pretty|off   Print one array, an object a row\n"
                "     --no-legend               Print neither headers nor counts\n"
                "     --no-pager                Do not pipe the output into a pager\n"
                "  -l --full                    Shorten nothing\n"
                "  -h --help                    Print this help and exit\n"
                "     --version                 Print the version and the build, and exit\n"
                "\nOptions of list:\n"
                "  -a --all                     Not only those that have stopped\n"
                "     --service=NAME            Those of a service (also of reap)\n"
                "     --verdict=VERDICT         Those with this verdict, e.g. retained\n"
                "     --sort=KEY                By due (default), age, held or size\n"
                "\nOptions of history:\n"
                "     --since=TIME              From then on: 2h, today, 2026-11-23 10:00\n"
                "  -n --lines=NUMBER            At most so many, the newest\n"
                "  -D --directory=DIR           Read the journal files of this folder\n"
                "\nOptions of reap:\n"
                "  -n --dry-run                 Tell what would be removed, and remove nothing\n"
                "     --service=NAME            All stopped ones of a service\n"
                "     --due                     End first-run and surge waits, take all due\n"
                "\nExit status: 0 for success; 1 if something was not found or refused, or a host\n"
                "failed; 2 for wrong usage; 3 if status found no daemon. See reaperctl(1).\n";

static const struct {
        unsigned bit;
        const char *name;
} verb_options[] = {
        { TAKES_ALL, "--all" },
        { TAKES_SERVICE, "--service=" },
        { TAKES_VERDICT, "--verdict=" },
        { TAKES_SORT, "--sort=" },
        { TAKES_SINCE, "--since=" },
        { TAKES_LINES, "--lines=" },
        { TAKES_DIRECTORY, "--directory=" },
        { TAKES_DRY_RUN, "-n, --dry-run" },
        { TAKES_DUE, "--due" },
};

void options_done(Options *o) {
        free(o->arguments);
        *o = (Options){ 0 };
}

static void print_help(void) {
        (void)fputs(help_head, stdout);
        for (const Verb *v = verbs; v->name; v++) {
                int n = printf("  %s %s", v->name, v->arguments);

                (void)printf("%*s%s\n", n < 31 ? 31 - n : 1, "", v->help);
        }
        (void)fputs(help_options, stdout);
}

static int refuse_value(const char *option, const char *value, const char *accepted) {
        tell("--%s=%.128s: accepted is %s", option, value, accepted);
        return -EINVAL;
}

/* `given` is the argument as it stands on the command line; short options have `letter` too. */
static int refuse_option(const char *given, int letter) {
        const struct option *nearest = NULL;
        size_t best = SIZE_MAX, length;
        char name[2 * NEAREST_NAME_MAX];

        if (strncmp(given, "--", 2) != 0) {
                tell("There is no option -%c. Try --help", letter);
                return -EINVAL;
        }

        length = strcspn(given + 2, "=");
        for (const struct option *o = options; o->name; o++) {
                if (strncmp(o->name, given + 2, length) == 0 && o->name[length] == '\0' &&
                                given[2 + length]) {
                        tell("--%s takes no value. Try --help", o->name);
                        return -EINVAL;
                }
                (void)snprintf(name, sizeof(name), "%.*s",
                                (int)(length < sizeof(name) ? length : sizeof(name)), given + 2);
                if (nearest_name_improves(name, o->name, &best))
                        nearest = o;
        }

        if (nearest)
                tell("There is no option %.128s, did you mean --%s? Try --help", given, nearest->name);
        else
                tell("There is no option %.128s. Try --help", given);
        return -EINVAL;
}

static const char *option_name(int value) {
        for (const struct option *o = options; o->name; o++)
                if (o->val == value)
                        return o->name;
        /* The one that has a letter only as a second name. */
        return "lines";
}

static int parse_json(const char *text, JsonMode *ret) {
        static const char *const names[] = {
                [JSON_OFF] = "off", [JSON_SHORT] = "short", [JSON_PRETTY] = "pretty"
        };

        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                if (strcmp(names[i], text) == 0) {
                        *ret = (JsonMode)i;
                        return 0;
                }
        return refuse_value("json", text, "short, pretty or off");
}

static int parse_sort(const char *text, SortKey *ret) {
        static const char *const names[_SORT_KEY_MAX] = {
                [SORT_DUE] = "due",
                [SORT_AGE] = "age",
                [SORT_HELD] = "held",
                [SORT_SIZE] = "size",
        };

        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                if (strcmp(names[i], text) == 0) {
                        *ret = (SortKey)i;
                        return 0;
                }
        return refuse_value("sort", text, "due, age, held or size");
}

static int parse_lines(const char *text, uint64_t *ret) {
        unsigned long long n;
        char *end;

        if (strcmp(text, "all") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }

        errno = 0;
        n = strtoull(text, &end, 10);
        if (errno != 0 || *end != '\0' || n == 0 || strspn(text, "0123456789") == 0)
                return refuse_value("lines", text, "a number from 1 on, or all");
        *ret = n;
        return 0;
}

static int take_text(const char *option, const char **ret) {
        if (optarg[0] == '\0') {
                tell("--%s= needs a value", option);
                return -EINVAL;
        }
        *ret = optarg;
        return 0;
}

static int take_hosts(Options *o) {
        char **hosts;
        int n;

        n = nodes_parse_hosts(optarg, &hosts);
        if (n == -EINVAL)
                return refuse_value("host", optarg, "[USER@]HOST, or several with commas between");
        if (n < 0)
                return n;
        for (int i = 0; i < n; i++)
                free(hosts[i]);
        free(hosts);

        o->hosts = optarg;
        return 0;
}

/* One that only some verbs take. */
static int take_verb_option(int option, Options *o) {
        switch (option) {
        case 'a':
                o->given |= TAKES_ALL;
                o->all = true;
                return 0;
        case OPT_SERVICE:
                o->given |= TAKES_SERVICE;
                return take_text("service", &o->service);
        case OPT_VERDICT:
                o->given |= TAKES_VERDICT;
                return take_text("verdict", &o->verdict);
        case OPT_SORT:
                o->given |= TAKES_SORT;
                return parse_sort(optarg, &o->sort);
        case OPT_SINCE:
                o->given |= TAKES_SINCE;
                return take_text("since", &o->since);
        case OPT_LINES:
                o->given |= TAKES_LINES;
                return parse_lines(optarg, &o->lines);
        case 'D':
                o->given |= TAKES_DIRECTORY;
                return take_text("directory", &o->directory);
        case OPT_DRY_RUN:
                o->given |= TAKES_DRY_RUN;
                o->dry_run = true;
                return 0;
        default: /* OPT_DUE */
                o->given |= TAKES_DUE;
                o->due = true;
                return 0;
        }
}

/* Of this build; which version a daemon is, `status` tells. */
static int print_version(void) {
        _cleanup_free_ char *text = build_describe(
                        "reaperctl", (const BuildLibrary[]){ BUILD_CJSON, BUILD_LIBSYSTEMD, { 0 } });

        if (!text)
                return -ENOMEM;
        (void)fputs(text, stdout);
        return 1;
}

/* Returns 1 if that is all, as options_parse(). */
static int take_option(int option, const char *given, const Verb *verb, Options *o) {
        switch (option) {
        case 'H':
                return take_hosts(o);
        case 'M':
                return take_text("machine", &o->machine);
        case 'l':
                o->full = true;
                return 0;
        case OPT_JSON:
                return parse_json(optarg, &o->json);
        case OPT_NO_LEGEND:
                o->legend = false;
                return 0;
        case OPT_NO_PAGER:
                o->pager = false;
                return 0;
        case 'h':
                print_help();
                return 1;
        case OPT_VERSION:
                return print_version();
        case 'n':
                return take_verb_option(verb && (verb->takes & TAKES_LINES) ? OPT_LINES : OPT_DRY_RUN, o);
        case ':':
                tell("--%s= needs a value. Try --help", option_name(optopt));
                return -EINVAL;
        case '?':
                return refuse_option(given, optopt);
        case 1:
                o->arguments[o->n_arguments++] = optarg;
                return 0;
        default:
                return take_verb_option(option, o);
        }
}

/* What -n means depends on the verb, which may stand behind it: so the verb is looked for first. */
static const Verb *look_for_verb(int argc, char *argv[]) {
        const Verb *verb = NULL;
        int option;

        optind = 0;
        opterr = 0;
        while (!verb && (option = getopt_long(argc, argv, SHORT_PLAIN, options, NULL)) >= 0)
                if (option == 1)
                        verb = verb_find(optarg);
        for (; !verb && optind < argc; optind++)
                verb = verb_find(argv[optind]);
        return verb;
}

static int refuse_verb(const char *given) {
        const Verb *nearest = NULL;
        size_t best = SIZE_MAX;

        for (const Verb *v = verbs; v->name; v++)
                if (nearest_name_improves(given, v->name, &best))
                        nearest = v;

        if (nearest)
                tell("There is no command %.128s, did you mean %s? Try --help", given, nearest->name);
        else
                tell("There is no command %.128s. Try --help", given);
        return -EINVAL;
}

/* Takes the verb from the front of the arguments. */
static int take_verb(Options *o) {
        if (o->n_arguments == 0) {
                o->verb = &verbs[0];
                return 0;
        }

        o->verb = verb_find(o->arguments[0]);
        if (!o->verb)
                return refuse_verb(o->arguments[0]);
        memmove(o->arguments, o->arguments + 1, o->n_arguments * sizeof(char *));
        o->n_arguments--;
        return 0;
}

static int check(const Options *o) {
        const Verb *verb = o->verb;

        for (size_t i = 0; i < ELEMENTS_OF(verb_options); i++)
                if (o->given & ~verb->takes & verb_options[i].bit) {
                        tell("The command %s has no option %s. Try --help", verb->name,
                                        verb_options[i].name);
                        return -EINVAL;
                }

        if (o->n_arguments < verb->least) {
                tell("The command %s needs %s. Try --help", verb->name, verb->arguments);
                return -EINVAL;
        }
        if (o->n_arguments > verb->most) {
                tell("The command %s does not take another argument: %.128s. Try --help", verb->name,
                                o->arguments[verb->most]);
                return -EINVAL;
        }
        if (o->hosts && o->machine) {
                tell("Either --host= or --machine=; a container of another host is --host=HOST/CONTAINER");
                return -EINVAL;
        }
        return 0;
}

int options_parse(int argc, char *argv[], Options *ret) {
        _cleanup_(options_done) Options o = { .legend = true, .pager = true, .lines = UINT64_MAX };
        const Verb *verb = look_for_verb(argc, argv);
        const char *letters = verb && (verb->takes & TAKES_LINES) ? SHORT_LINES : SHORT_PLAIN;
        int option, r;

        o.arguments = calloc((size_t)argc + 1, sizeof(char *));
        if (!o.arguments)
                return -ENOMEM;

        optind = 0;
        for (;;) {
                /* Where the option stands that comes next, or its letter among others. */
                const char *given = argv[optind > 0 ? optind : 1];

                option = getopt_long(argc, argv, letters, options, NULL);
                if (option < 0)
                        break;
                r = take_option(option, given, verb, &o);
                if (r != 0)
                        return r;
        }
        for (; optind < argc; optind++)
                o.arguments[o.n_arguments++] = argv[optind];

        r = take_verb(&o);
        if (r < 0)
                return r;
        r = check(&o);
        if (r < 0)
                return r;

        *ret = o;
        o = (Options){ 0 };
        return 0;
}
