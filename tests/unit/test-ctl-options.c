/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>

#include "base/cleanup.h"
#include "ctl-fixture.h"
#include "ctl/node.h"
#include "ctl/options.h"
#include "ctl/verbs.h"

#define WORDS_MAX 16

/* Takes a command line apart at spaces; `buf` holds the words. */
static int parse(const char *line, char *buf, size_t size, Options *ret) {
        char *argv[WORDS_MAX + 1] = { 0 }, *save;
        int argc = 0;

        assert_true(strlen(line) < size);
        strcpy(buf, line);
        for (char *word = strtok_r(buf, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
                assert_true(argc < WORDS_MAX);
                argv[argc++] = word;
        }
        return options_parse(argc, argv, ret);
}

/* As words with `|` between: verb, arguments, and what was given. */
static void tell(const Options *o, char *buf, size_t size) {
        size_t n = (size_t)snprintf(buf, size, "%s", o->verb->name);

        for (size_t i = 0; i < o->n_arguments; i++)
                n += (size_t)snprintf(buf + n, size - n, " %s", o->arguments[i]);
        assert_null(o->arguments[o->n_arguments]);
        n += (size_t)snprintf(buf + n, size - n, " |");
        if (o->hosts)
                n += (size_t)snprintf(buf + n, size - n, " H=%s", o->hosts);
        if (o->machine)
                n += (size_t)snprintf(buf + n, size - n, " M=%s", o->machine);
        if (o->json != JSON_OFF)
                n += (size_t)snprintf(buf + n, size - n, " json=%d", o->json);
        if (o->service)
                n += (size_t)snprintf(buf + n, size - n, " service=%s", o->service);
        if (o->verdict)
                n += (size_t)snprintf(buf + n, size - n, " verdict=%s", o->verdict);
        if (o->since)
                n += (size_t)snprintf(buf + n, size - n, " since=%s", o->since);
        if (o->directory)
                n += (size_t)snprintf(buf + n, size - n, " directory=%s", o->directory);
        if (o->lines != UINT64_MAX)
                n += (size_t)snprintf(buf + n, size - n, " lines=%ju", (uintmax_t)o->lines);
        if (o->sort != SORT_DUE)
                n += (size_t)snprintf(buf + n, size - n, " sort=%d", o->sort);
        n += (size_t)snprintf(buf + n, size - n, "%s%s%s%s%s%s", o->all ? " all" : "", o->due ? " due" : "",
                        o->dry_run ? " dry-run" : "", o->full ? " full" : "", o->legend ? "" : " no-legend",
                        o->pager ? "" : " no-pager");
        assert_true(n < size);
}

static void reads_command_lines(void **state) {
        static const struct {
                const char *line, *expected;
        } cases[] = {
                { "reaperctl", "status |" },
                { "reaperctl --no-pager", "status | no-pager" },
                { "reaperctl list", "list |" },
                { "reaperctl list --all --service=web --verdict=orphan --sort=held",
                                "list | service=web verdict=orphan sort=2 all" },
                { "reaperctl -a list --service web -l --no-legend",
                                "list | service=web all full no-legend" },
                { "reaperctl --json=short explain web.1 -H a,b@c:22", "explain web.1 | H=a,b@c:22 json=1" },
                { "reaperctl -Mbox --json pretty memory", "memory | M=box json=2" },
                { "reaperctl memory --json=short --json=off", "memory |" },
                /* -n is the verb's, which may stand behind it, and hosts may be called like verbs */
                { "reaperctl history -n 5", "history | lines=5" },
                { "reaperctl -n 5 history", "history | lines=5" },
                { "reaperctl history -n all --since=2h -D /x", "history | since=2h directory=/x" },
                { "reaperctl reap -n web.1 web.2", "reap web.1 web.2 | dry-run" },
                { "reaperctl -n reap web.1", "reap web.1 | dry-run" },
                { "reaperctl -H history reap -n web.1", "reap web.1 | H=history dry-run" },
                { "reaperctl reap --service=web --dry-run", "reap | service=web dry-run" },
                { "reaperctl reap --due", "reap | due" },
                { "reaperctl reap -- --due", "reap --due |" },
                { "reaperctl -- reap list", "reap list |" },
                { "reaperctl pause", "pause |" },
                { "reaperctl pause 2h", "pause 2h |" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_(options_done) Options o = { 0 };
                char words[256], told[512];

                assert_int_equal(parse(cases[i].line, words, sizeof(words), &o), 0);
                tell(&o, told, sizeof(told));
                assert_string_equal(told, cases[i].expected);
        }
}

/* Runs the parser with stderr in a file; returns what it said. */
static char *refusal(const char *line) {
        static char said[1024];
        Options o = { 0 };
        char words[256];
        FILE *file = tmpfile();
        int kept = dup(STDERR_FILENO), r;
        size_t n;

        assert_true(file && kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
        r = parse(line, words, sizeof(words), &o);
        (void)fflush(stderr);
        assert_true(dup2(kept, STDERR_FILENO) >= 0);
        close(kept);
        if (r != -EINVAL)
                fail_msg("%s: %i", line, r);
        assert_null(o.arguments); /* untouched */
        rewind(file);
        n = fread(said, 1, sizeof(said) - 1, file);
        said[n] = '\0';
        fclose(file);
        return said;
}

static void refuses_wrong_usage(void **state) {
        static const struct {
                const char *line, *words;
        } cases[] = {
                { "reaperctl lst", "There is no command lst, did you mean list?" },
                { "reaperctl frobnicate", "There is no command frobnicate. Try --help" },
                { "reaperctl foo list", "There is no command foo" },
                { "reaperctl --hots=a", "There is no option --hots=a, did you mean --host?" },
                { "reaperctl --qqqqqqqqqqqqqq", "There is no option --qqqqqqqqqqqqqq. Try" },
                { "reaperctl -Z", "There is no option -Z" },
                { "reaperctl -aZ list", "There is no option -Z" },
                { "reaperctl --all=yes list", "--all takes no value" },
                { "reaperctl list --sort", "--sort= needs a value" },
                { "reaperctl list -H", "--host= needs a value" },
                { "reaperctl history -n", "--lines= needs a value" },
                { "reaperctl list --service=", "--service= needs a value" },
                { "reaperctl list --sort=name", "--sort=name: accepted is due, age, held or size" },
                { "reaperctl --json=long", "--json=long: accepted is short, pretty or off" },
                { "reaperctl history -n 0", "--lines=0: accepted is a number from 1 on, or all" },
                { "reaperctl history -n 5x", "--lines=5x: accepted" },
                { "reaperctl history -n -5", "--lines=-5: accepted" },
                { "reaperctl history -n 18446744073709551616", "accepted is a number" },
                { "reaperctl -H a,,b", "--host=a,,b: accepted is [USER@]HOST" },
                { "reaperctl -H a -M b", "Either --host= or --machine=" },
                { "reaperctl status --dry-run", "The command status has no option -n, --dry-run" },
                { "reaperctl list --since=2h", "The command list has no option --since=" },
                { "reaperctl explain", "The command explain needs CONTAINER" },
                { "reaperctl list web", "The command list does not take another argument: web" },
                { "reaperctl explain a b", "The command explain does not take another argument: b" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                const char *said = refusal(cases[i].line);

                if (strncmp(said, "reaperctl: ", 11) != 0 || !strstr(said, cases[i].words))
                        fail_msg("%s: %s", cases[i].line, said);
        }
        assert_non_null(strstr(refusal("reaperctl \x1b[2J"), "\\x1b[2J"));
}

static void takes_hosts_apart(void **state) {
        static const struct {
                const char *text;
                int n;
                const char *hosts[3];
        } cases[] = {
                { "a", 1, { "a" } },
                { "root@a:2222,b,[::1]", 3, { "root@a:2222", "b", "[::1]" } },
                { "", -EINVAL, { 0 } },
                { ",", -EINVAL, { 0 } },
                { "a,", -EINVAL, { 0 } },
                { ",a", -EINVAL, { 0 } },
                { "a,,b", -EINVAL, { 0 } },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                char **hosts = NULL;

                assert_int_equal(nodes_parse_hosts(cases[i].text, &hosts), cases[i].n);
                assert_true((hosts != NULL) == (cases[i].n > 0));
                for (int k = 0; k < cases[i].n; k++) {
                        assert_string_equal(hosts[k], cases[i].hosts[k]);
                        free(hosts[k]);
                }
                free(hosts);
        }
}

/* Each option that a verb takes is one that the parser knows, and each verb is told in one line of help. */
static void verbs_are_whole(void **state) {
        (void)state;
        for (const Verb *v = verbs; v->name; v++) {
                assert_ptr_equal(verb_find(v->name), v);
                assert_true(v->least <= v->most && v->help[0] != '\0' && v->run != NULL);
        }
        assert_null(verb_find(""));
        assert_null(verb_find("lis"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_command_lines),
                cmocka_unit_test(refuses_wrong_usage),
                cmocka_unit_test(takes_hosts_apart),
                cmocka_unit_test(verbs_are_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
