/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Configurations as they lie on disk: each test has a folder of its own, which is also the root for the
 * default paths. The test of conf/reaperd.conf expects to be run from the project's folder.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/config-file.h"

#define ETC "/etc/reaperd/reaperd.conf"
#define RUN "/run/reaperd/reaperd.conf"
#define LIB "/usr/lib/reaperd/reaperd.conf"

static char root[64];

typedef struct Loaded {
        int result;
        Settings settings;
        ConfigReport report;
} Loaded;

static void loaded_done(Loaded *l) {
        settings_done(&l->settings);
        config_report_done(&l->report);
}

#define _cleanup_loaded_ _cleanup_(loaded_done)

static int make_root(void **state) {
        (void)state;
        strcpy(root, "/tmp/test-config-XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static int remove_root(void **state) {
        (void)state;
        return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The path below the root, in one of a few static buffers; the folders above it are made. */
static const char *at(const char *path) {
        static char bufs[8][512];
        static unsigned next;
        char *buf = bufs[next++ % ELEMENTS_OF(bufs)];

        snprintf(buf, sizeof(bufs[0]), "%s%s", root, path);
        for (char *p = buf + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                assert_true(mkdir(buf, 0755) == 0 || errno == EEXIST);
                *p = '/';
        }
        return buf;
}

static void put(const char *path, const char *text) {
        const char *file = at(path);
        FILE *f;

        (void)unlink(file); /* writing over a file may wait for the disk */
        f = fopen(file, "w");
        assert_non_null(f);
        fputs(text, f);
        assert_int_equal(fclose(f), 0);
}

static Loaded load(const char *path) {
        Loaded l = {};

        l.result = config_load(path, root, &l.settings, &l.report);
        if (l.result != 0)
                assert_null(l.settings.endpoint);
        assert_int_equal(l.result == -EINVAL, l.report.n_errors > 0);
        return l;
}

/* All faults, a line each, with the root's name taken out; notices begin with "notice ". */
static void assert_faults(const Loaded *l, const char *wanted) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        for (size_t i = 0; i < l->report.n_faults; i++) {
                const char *p = l->report.faults[i].text;

                if (strncmp(p, root, strlen(root)) == 0)
                        p += strlen(root);
                fprintf(out, "%s%s\n", l->report.faults[i].kind == CONFIG_NOTICE ? "notice " : "", p);
        }
        fclose(out);
        assert_string_equal(text, wanted);
}

static void assert_loaded(const Loaded *l) {
        assert_faults(l, "");
        assert_int_equal(l->result, 0);
}

static void assert_origin(const Loaded *l, SettingId id, const char *path, unsigned line) {
        assert_string_equal(l->settings.origins[id].file, at(path));
        assert_int_equal(l->settings.origins[id].line, line);
}

static void nothing_at_all_means_defaults(void **state) {
        _cleanup_loaded_ Loaded l = load(NULL);

        (void)state;
        assert_loaded(&l);
        assert_true(l.settings.retention.success == USEC_PER_HOUR);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                assert_null(l.settings.origins[id].file);
}

static void the_default_file_is_read(void **state) {
        (void)state;
        put(ETC, "[Retention]\n\nSuccess=2h\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_true(l.settings.retention.success == 2 * USEC_PER_HOUR);
        assert_true(l.settings.retention.shutdown == 2 * USEC_PER_HOUR);
        assert_origin(&l, SETTING_SUCCESS, ETC, 3);
}

static void a_given_file_has_to_be_there(void **state) {
        (void)state;
        put(ETC, "[Retention]\nSuccess=2h\n");

        _cleanup_loaded_ Loaded l = load(at("/own.conf"));
        assert_int_equal(l.result, -EINVAL);
        assert_faults(&l, "/own.conf: cannot be opened (No such file or directory), "
                          "accepted: a readable regular file of at most 1 MB\n");
}

static void a_given_file_has_drop_ins_of_its_own(void **state) {
        (void)state;
        put(ETC, "[Retention]\nSuccess=2h\n");
        put(ETC ".d/a.conf", "[Retention]\nSuccess=3h\n");
        put("/own.conf", "[Retention]\nSuccess=4h\nFailure=4h\n");
        put("/own.conf.d/a.conf", "[Retention]\nSuccess=5h\n");

        _cleanup_loaded_ Loaded l = load(at("/own.conf"));
        assert_loaded(&l);
        assert_true(l.settings.retention.success == 5 * USEC_PER_HOUR);
        assert_true(l.settings.retention.failure == 4 * USEC_PER_HOUR);
        assert_origin(&l, SETTING_SUCCESS, "/own.conf.d/a.conf", 2);
        assert_origin(&l, SETTING_FAILURE, "/own.conf", 3);
}

static void drop_ins_are_read_by_name_over_the_folders(void **state) {
        (void)state;
        put(ETC, "[Reaper]\nParallelism=1\n[Retention]\nSuccess=1min\nFailure=1min\nFailedStart="
                 "1min\nOrphanAge=1min\n");
        /* the name decides the order, not the folder */
        put(LIB ".d/90-lib.conf", "[Retention]\nSuccess=90min\n");
        put(RUN ".d/50-run.conf", "[Retention]\nSuccess=50min\nFailure=50min\n");
        put(ETC ".d/10-etc.conf", "[Retention]\nSuccess=10min\nFailure=10min\nFailedStart=10min\n");
        /* upper case before lower case, digits before letters: bytes */
        put(ETC ".d/Z.conf", "[Engine]\nSettleTime=1s\n");
        put(LIB ".d/a.conf", "[Engine]\nSettleTime=2s\n");
        /* no drop-ins */
        put(ETC ".d/99-readme", "[Bogus]\n");
        put(ETC ".d/99.conf.bak", "[Bogus]\n");
        put(ETC ".d/99.conf~", "[Bogus]\n");
        put(ETC ".d/.99.conf", "[Bogus]\n");
        put(ETC ".d/.conf", "[Bogus]\n");
        put(ETC ".d/conf", "[Bogus]\n");
        put("/own.conf.d/99.conf", "[Bogus]\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_true(l.settings.retention.success == 90 * USEC_PER_MINUTE);
        assert_true(l.settings.retention.failure == 50 * USEC_PER_MINUTE);
        assert_true(l.settings.retention.failed_start == 10 * USEC_PER_MINUTE);
        assert_true(l.settings.retention.orphan_age == USEC_PER_MINUTE);
        assert_int_equal(l.settings.parallelism, 1);
        assert_true(l.settings.settle_time == 2 * USEC_PER_SEC);
        assert_origin(&l, SETTING_SUCCESS, LIB ".d/90-lib.conf", 2);
        assert_origin(&l, SETTING_FAILURE, RUN ".d/50-run.conf", 3);
        assert_origin(&l, SETTING_FAILED_START, ETC ".d/10-etc.conf", 4);
        assert_origin(&l, SETTING_ORPHAN_AGE, ETC, 7);
}

static void folders_hide_one_another(void **state) {
        /* every non-empty set of folders that have the same file, and which one is read */
        static const char *const paths[] = { ETC ".d/a.conf", RUN ".d/a.conf", LIB ".d/a.conf" };

        (void)state;
        for (unsigned set = 0; set < 8; set++) {
                _cleanup_loaded_ Loaded l = {};
                unsigned wanted = 4; /* the default */

                for (unsigned i = 3; i-- > 0;) {
                        char text[64];

                        (void)unlink(at(paths[i]));
                        if (!(set & (1U << i)))
                                continue;
                        /* a second setting that would show if a hidden file were read too */
                        snprintf(text, sizeof(text), "[Reaper]\nParallelism=%u\nQuarantineAfter=%u\n",
                                        10 + i, i == 0 ? 8 : 100 + i);
                        put(paths[i], text);
                        wanted = 10 + i;
                }

                l = load(NULL);
                assert_loaded(&l);
                assert_int_equal(l.settings.parallelism, wanted);
                assert_int_equal(l.settings.quarantine_after, wanted <= 10 ? 8 : 90 + wanted);
        }
}

static void drop_ins_can_be_masked(void **state) {
        (void)state;
        put(LIB ".d/a.conf", "[Bogus]\n");
        put(RUN ".d/b.conf", "[Bogus]\n");
        put(LIB ".d/c.conf", "[Bogus]\n");
        put(LIB ".d/d.conf", "[Retention]\nSuccess=3h\n");
        assert_int_equal(symlink("/dev/null", at(ETC ".d/a.conf")), 0);
        assert_int_equal(symlink("/dev/null", at(ETC ".d/b.conf")), 0);
        put(RUN ".d/c.conf", ""); /* as good as a mask */

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_true(l.settings.retention.success == 3 * USEC_PER_HOUR);

        /* but what is named is not masked by being a device */
        assert_int_equal(symlink("/dev/null", at("/own.conf")), 0);
        _cleanup_loaded_ Loaded own = load(at("/own.conf"));
        assert_faults(&own, "/own.conf: is a device, accepted: a readable regular file of at most 1 MB\n");
        assert_int_equal(symlink("/dev/null", at(ETC)), 0);
        _cleanup_loaded_ Loaded etc = load(NULL);
        assert_faults(&etc, ETC ": is a device, accepted: a readable regular file of at most 1 MB\n");
}

static void links_are_followed_unless_they_lead_nowhere(void **state) {
        (void)state;
        put("/elsewhere", "[Reaper]\nParallelism=2\n");
        assert_int_equal(symlink(at("/elsewhere"), at(ETC)), 0);
        assert_int_equal(symlink(at("/elsewhere"), at(ETC ".d/a.conf")), 0);
        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        assert_int_equal(l.settings.parallelism, 2);
        assert_origin(&l, SETTING_PARALLELISM, ETC ".d/a.conf", 2);

        assert_int_equal(unlink(at("/elsewhere")), 0);
        _cleanup_loaded_ Loaded gone = load(NULL);
        assert_int_equal(gone.result, -EINVAL);
        assert_faults(&gone, ETC ": cannot be opened (No such file or directory), "
                                 "accepted: a readable regular file of at most 1 MB\n" ETC
                                 ".d/a.conf: cannot be opened (No such file or directory), "
                                 "accepted: a readable regular file of at most 1 MB\n");
}

static void only_regular_files_are_read(void **state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        (void)state;
        assert_int_equal(mkdir(at(ETC), 0755), 0);
        assert_int_equal(mkdir(at(ETC ".d/a.conf"), 0755), 0);
        /* nobody ever writes into it: a blocking open would hang */
        assert_int_equal(mkfifo(at(RUN ".d/b.conf"), 0644), 0);
        assert_int_equal(symlink("/dev/zero", at(LIB ".d/c.conf")), 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", at(ETC ".d/d.conf"));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        put(ETC ".d/e.conf", "[Bogus]\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_faults(&l, ETC
                        ": is a directory, accepted: a readable regular file of at most 1 MB\n" ETC
                        ".d/a.conf: is a directory, accepted: a readable regular file of at most 1 MB\n" RUN
                        ".d/b.conf: is a FIFO, accepted: a readable regular file of at most 1 MB\n" LIB
                        ".d/c.conf: is a device, accepted: a readable regular file of at most 1 MB\n" ETC
                        ".d/d.conf: cannot be opened (No such device or address), "
                        "accepted: a readable regular file of at most 1 MB\n" ETC
                        ".d/e.conf:1: [Bogus]: unknown section, accepted: [Engine], [Retention], "
                        "[Reaper]\n");

        _cleanup_loaded_ Loaded fifo = load(at(RUN ".d/b.conf"));
        assert_int_equal(fifo.result, -EINVAL);
        close(fd);
}

static void folders_that_are_none_are_told(void **state) {
        (void)state;
        put(ETC ".d", "");
        put(RUN ".d/a.conf", "[Reaper]\nParallelism=x\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_faults(&l, ETC
                        ".d: folder of drop-ins cannot be opened (Not a directory), "
                        "accepted: a readable folder, or none\n" RUN
                        ".d/a.conf:2: [Reaper] Parallelism: 'x' is not a whole number, accepted: 1 to 16\n");
}

static void large_files_are_refused(void **state) {
        _cleanup_free_ char *text = malloc(CONFIG_FILE_BYTES_MAX + 2);

        (void)state;
        assert_non_null(text);
        memset(text, '#', CONFIG_FILE_BYTES_MAX + 1);
        strcpy(text + CONFIG_FILE_BYTES_MAX - 24, "\n[Reaper]\nParallelism=3\n");
        assert_int_equal(strlen(text), CONFIG_FILE_BYTES_MAX);
        put(ETC, text);
        _cleanup_loaded_ Loaded most = load(NULL);
        assert_loaded(&most);
        assert_int_equal(most.settings.parallelism, 3);

        strcat(text, "\n");
        put(ETC, text);
        _cleanup_loaded_ Loaded more = load(NULL);
        assert_faults(&more, ETC ": is too large, accepted: a readable regular file of at most 1 MB\n");

        /* whose size is not told beforehand */
        assert_int_equal(truncate(at(ETC), 1024L * 1024 * 1024 * 100), 0);
        _cleanup_loaded_ Loaded huge = load(NULL);
        assert_faults(&huge, ETC ": is too large, accepted: a readable regular file of at most 1 MB\n");
        assert_int_equal(unlink(at(ETC)), 0);
}

static void all_faults_of_all_files_are_told(void **state) {
        (void)state;
        put(ETC, "[Retention]\nSuccess=x\nSuccess=1h\n[Bogus]\n");
        put(LIB ".d/a.conf", "[Reaper]\nRetryMax=1s\n  x\n");
        put(ETC ".d/b.conf", "[Engine]\nEndpiont=unix:///a\n");
        put(RUN ".d/c.conf", "[Retention]\nSuccess=1h\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_faults(&l, ETC
                        ":2: [Retention] Success: 'x' is not a time span, accepted: 0 to infinity\n"
                        "notice " ETC ":3: [Retention] Success: set twice, the value of line 2 is "
                        "dropped for that of line 3\n" ETC
                        ":4: [Bogus]: unknown section, accepted: [Engine], [Retention], [Reaper]\n" LIB
                        ".d/a.conf:3: [Reaper]: line is indented, but no value goes on over several lines, "
                        "accepted: lines that begin in the first column\n" ETC
                        ".d/b.conf:2: [Engine] Endpiont: unknown key, nearest: Endpoint, "
                        "accepted: Endpoint, ResyncInterval, RequestTimeout, SettleTime\n" LIB
                        ".d/a.conf:2: [Reaper] RetryMax: is below RetryInitial=, "
                        "accepted: 1s to 1d, RetryMax= not below RetryInitial=\n");
        assert_int_equal(l.report.n_errors, 5);
        assert_int_equal(l.report.n_notices, 1);
}

static void settings_have_to_agree(void **state) {
        static const struct {
                const char *main, *drop_in, *faults;
        } cases[] = {
                { "[Reaper]\nRetryInitial=20min\n", "",
                                ETC ":2: [Reaper] RetryInitial: is above RetryMax=, which has its default, "
                                    "accepted: 1s to 1h, RetryMax= not below RetryInitial=\n" },
                { "[Reaper]\nRetryMax=1h\n", "[Reaper]\n\nRetryInitial=1h\n", "" },
                { "[Reaper]\nRetryMax=30min\n", "[Reaper]\n\nRetryInitial=1h\n",
                                ETC ":2: [Reaper] RetryMax: is below RetryInitial=, "
                                    "accepted: 1s to 1d, RetryMax= not below RetryInitial=\n" },
                { "[Reaper]\nRetryMax=1h\nRetryInitial=1h\n", "[Reaper]\nRetryMax=\n",
                                ETC ":3: [Reaper] RetryInitial: is above RetryMax=, which has its default, "
                                    "accepted: 1s to 1h, RetryMax= not below RetryInitial=\n" },
                { "[Reaper]\nRetryMax=1s\n", "[Reaper]\nRetryMax=\n", "" },
                /* of a value that was refused nothing is known */
                { "[Reaper]\nRetryMax=forever\nRetryInitial=20min\n", "",
                                ETC ":2: [Reaper] RetryMax: 'forever' is not a time span, accepted: 1s to "
                                    "1d\n" },
                { "[Reaper]\nRetryMax=2s\nRetryInitial=x\n", "",
                                ETC
                                ":3: [Reaper] RetryInitial: 'x' is not a time span, accepted: 1s to 1h\n" },
                { "[Reaper]\nRetryMax=x\nRetryInitial=20min\n", "[Reaper]\nRetryMax=1min\n",
                                ETC ":2: [Reaper] RetryMax: 'x' is not a time span, accepted: 1s to 1d\n" ETC
                                    ".d/a.conf:2: [Reaper] RetryMax: is below RetryInitial=, "
                                    "accepted: 1s to 1d, RetryMax= not below RetryInitial=\n" },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                put(ETC, cases[i].main);
                put(ETC ".d/a.conf", cases[i].drop_in);
                _cleanup_loaded_ Loaded l = load(NULL);
                assert_faults(&l, cases[i].faults);
        }
}

static void notices_are_no_errors(void **state) {
        (void)state;
        put(ETC, "[Reaper]\nParallelism=2\nParallelism=3\n");
        put(ETC ".d/a.conf", "[Reaper]\nParallelism=5\n"); /* in another file: what drop-ins are for */

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_int_equal(l.result, 0);
        assert_faults(&l, "notice " ETC ":3: [Reaper] Parallelism: set twice, "
                          "the value of line 2 is dropped for that of line 3\n");
        assert_int_equal(l.settings.parallelism, 5);
}

static void names_in_messages_are_escaped(void **state) {
        (void)state;
        put("/a\x1b[2J\nb.conf", "[Bogus]\n");

        _cleanup_loaded_ Loaded l = load(at("/a\x1b[2J\nb.conf"));
        assert_faults(&l, "/a\\x1b[2J\\x0ab.conf:1: [Bogus]: unknown section, "
                          "accepted: [Engine], [Retention], [Reaper]\n");
}

static void the_defaults_are_printed(void **state) {
        _cleanup_loaded_ Loaded l = load(NULL);
        _cleanup_free_ char *text = config_print(&l.settings);

        (void)state;
        assert_string_equal(text, "[Engine]\n"
                                  "# default\n"
                                  "Endpoint=unix:///run/docker.sock\n"
                                  "# default\n"
                                  "ResyncInterval=5min\n"
                                  "# default\n"
                                  "RequestTimeout=1min\n"
                                  "# default\n"
                                  "SettleTime=1min\n"
                                  "\n"
                                  "[Retention]\n"
                                  "# default\n"
                                  "MinimumAge=1min\n"
                                  "# default\n"
                                  "Success=1h\n"
                                  "# default\n"
                                  "Failure=1d\n"
                                  "# default (as Failure)\n"
                                  "OOMKilled=1d\n"
                                  "# default (as Success)\n"
                                  "Shutdown=1h\n"
                                  "# default\n"
                                  "FailedStart=1d\n"
                                  "# default\n"
                                  "OrphanAge=1h\n"
                                  "# default\n"
                                  "RemoveVolumes=swarm\n"
                                  "\n"
                                  "[Reaper]\n"
                                  "# default\n"
                                  "Parallelism=4\n"
                                  "# default\n"
                                  "RetryInitial=5s\n"
                                  "# default\n"
                                  "RetryMax=10min\n"
                                  "# default\n"
                                  "QuarantineAfter=8\n");
}

static void assert_printed(const char *text, const char *wanted) {
        char *line = NULL;

        assert_true(asprintf(&line, wanted[0] == '#' ? "# %s%s" : "%.0s%s", root,
                                    wanted + (wanted[0] == '#')) > 0);
        if (!strstr(text, line))
                fail_msg("not printed:\n%s\nbut:\n%s", line, text);
        free(line);
}

static void origins_are_printed(void **state) {
        _cleanup_free_ char *text = NULL;

        (void)state;
        put(ETC, "[Retention]\nSuccess=2h\nFailure=30m\nOOMKilled=3h\n\n[Reaper]\nParallelism=7\n");
        put(ETC ".d/a.conf", "[Retention]\nOOMKilled=\n[Engine]\nEndpoint=unix:///a b;c "
                             "#d\n[Reaper]\nParallelism=\n");

        _cleanup_loaded_ Loaded l = load(NULL);
        assert_loaded(&l);
        text = config_print(&l.settings);
        assert_printed(text, "#" ETC ".d/a.conf:4\nEndpoint=unix:///a b;c #d\n");
        assert_printed(text, "#" ETC ":2\nSuccess=2h\n");
        assert_printed(text, "#" ETC ":3\nFailure=30min\n");
        assert_printed(text, "#" ETC ".d/a.conf:2 (default, as Failure)\nOOMKilled=30min\n");
        assert_printed(text, "\n# default (as Success)\nShutdown=2h\n");
        assert_printed(text, "#" ETC ".d/a.conf:6 (default)\nParallelism=4\n");
        assert_printed(text, "\n# default\nQuarantineAfter=8\n");
}

static void assert_same_values(const Settings *a, const Settings *b) {
        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                _cleanup_free_ char *one = settings_format(a, id), *other = settings_format(b, id);

                assert_non_null(one);
                assert_non_null(other);
                assert_string_equal(one, other);
        }
}

/* Prints, reads what was printed, and prints again: the values are the same. */
static void assert_round_trip(const Settings *s) {
        _cleanup_free_ char *text = config_print(s), *again = NULL;

        assert_non_null(text);
        put("/printed.conf", text);
        _cleanup_loaded_ Loaded l = load(at("/printed.conf"));
        assert_loaded(&l);
        assert_same_values(s, &l.settings);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                assert_false(l.settings.origins[id].is_default);

        again = config_print(&l.settings);
        put("/printed.conf", again);
        _cleanup_loaded_ Loaded twice = load(at("/printed.conf"));
        assert_loaded(&twice);
        assert_same_values(s, &twice.settings);
}

static void what_is_printed_reads_back(void **state) {
        static const char *const texts[] = {
                "",
                "[Retention]\nSuccess=infinity\nFailure=0\nMinimumAge=infinity\n[Reaper]\nParallelism=16\n",
                "[Retention]\nOOMKilled=1us\nShutdown=18446744073709551614us\nRemoveVolumes=always\n",
                "[Retention]\nSuccess=\nOOMKilled=\nShutdown=\nRemoveVolumes=\n[Engine]\nEndpoint=\n",
                "[Engine]\nEndpoint=unix:///a b/c=d:[x];y#z #\nSettleTime=0\nResyncInterval=1.5h\n",
                "[Engine]\nEndpoint=tcp://[::1]:2375\nRequestTimeout=59min 59s 999ms 999us\n",
                "[Reaper]\nRetryInitial=1h\nRetryMax=1d\nQuarantineAfter=1000\n",
        };
        const unsigned n = ELEMENTS_OF(texts);

        (void)state;
        /* every combination of a file and drop-ins in each folder */
        for (unsigned i = 0; i < n * n * n * n; i++) {
                put(ETC, texts[i % n]);
                put(LIB ".d/1.conf", texts[i / n % n]);
                put(RUN ".d/2.conf", texts[i / n / n % n]);
                put(ETC ".d/3.conf", texts[i / n / n / n]);
                _cleanup_loaded_ Loaded l = load(NULL);
                assert_loaded(&l);
                assert_round_trip(&l.settings);
        }
}

static void a_files_name_cannot_smuggle_settings(void **state) {
        static const char *const names[] = {
                "/own\n[Retention]\nMinimumAge=10s\n#.conf",
                "/own\r\nParallelism=1\r\n.conf",
                "/own\xc2\x85\xff\x1b ;.conf",
                "/own\xe2\x80\xae\xe2\x80\xa8.conf",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                char drop_in[200];

                put(names[i], "[Retention]\nSuccess=2h\n");
                snprintf(drop_in, sizeof(drop_in), "%s.d%s", names[i], names[i]);
                put(drop_in, "[Retention]\nFailure=3h\n");
                _cleanup_loaded_ Loaded l = load(at(names[i]));
                assert_loaded(&l);
                assert_true(l.settings.retention.failure == 3 * USEC_PER_HOUR);
                assert_round_trip(&l.settings);
        }
}

/* Reads a file of the project. */
static char *slurp(const char *path) {
        FILE *f = fopen(path, "r");
        char *text = NULL;
        size_t size = 0;

        if (!f)
                fail_msg("%s: %s (this test runs in the project's folder)", path, strerror(errno));
        if (getdelim(&text, &size, '\0', f) < 0)
                fail_msg("%s is empty", path);
        fclose(f);
        return text;
}

static void the_shipped_file_holds_the_defaults(void **state) {
        _cleanup_free_ char *text = slurp("conf/reaperd.conf");
        _cleanup_loaded_ Loaded defaults = load(NULL);
        const char *section = NULL, *p = text;

        (void)state;

        /* As it is: accepted, and sets nothing. */
        put("/own.conf", text);
        _cleanup_loaded_ Loaded shipped = load(at("/own.conf"));
        assert_loaded(&shipped);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                assert_null(shipped.settings.origins[id].file);

        /* Every setting stands in its section, in the table's order, with its default. */
        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                const SettingInfo *info = setting_info(id);
                char wanted[256];

                if (!section || strcmp(section, info->section) != 0) {
                        section = info->section;
                        snprintf(wanted, sizeof(wanted), "\n[%s]\n", section);
                        p = strstr(p, wanted);
                        if (!p)
                                fail_msg("no %s", wanted);
                }
                snprintf(wanted, sizeof(wanted), "\n#%s=%s\n", info->key, info->default_text);
                p = strstr(p, wanted);
                if (!p)
                        fail_msg("no %s", wanted);
        }

        /* With the comment signs taken away: all of them set, to the same values, and nothing is left
         * over. */
        for (char *line = text; (line = strstr(line, "\n#")); line++)
                if (line[2] >= 'A' && line[2] <= 'Z')
                        memmove(line + 1, line + 2, strlen(line + 2) + 1);
        put("/own.conf", text);
        _cleanup_loaded_ Loaded set = load(at("/own.conf"));
        assert_loaded(&set);
        assert_same_values(&set.settings, &defaults.settings);
        for (SettingId id = 0; id < _SETTING_MAX; id++)
                assert_non_null(set.settings.origins[id].file);
}

/* The manual and the shipped file say of each setting what the table says. */
static void the_texts_say_what_the_table_says(void **state) {
        _cleanup_free_ char *manual = slurp("man/reaperd.8"), *shipped = slurp("conf/reaperd.conf");

        (void)state;
        for (SettingId id = 0; id < _SETTING_MAX; id++) {
                const SettingInfo *info = setting_info(id);
                char wanted[256];

                if (info->follows == _SETTING_INVALID)
                        snprintf(wanted, sizeof(wanted), "\n.It Cm %s Ns = Ns Cm %s\n", info->key,
                                        info->default_text);
                else
                        snprintf(wanted, sizeof(wanted), "\n.It Cm %s Ns = Pq as Cm %s\n", info->key,
                                        setting_info(info->follows)->key);
                if (!strstr(manual, wanted))
                        fail_msg("the manual has no %s", wanted);

                /* Spans without a range of their own are told of once, above them. */
                if (info->min == 0 && info->max == USEC_INFINITY)
                        continue;
                if (info->type != SETTING_TYPE_SPAN && info->type != SETTING_TYPE_COUNT)
                        continue;
                if (!strstr(shipped, info->accepted))
                        fail_msg("%s: the shipped file does not say %s", info->key, info->accepted);
                if (info->max != USEC_INFINITY && !strstr(manual, info->accepted))
                        fail_msg("%s: the manual does not say %s", info->key, info->accepted);
        }
}

#define test(function) cmocka_unit_test_setup_teardown(function, make_root, remove_root)

int main(void) {
        const struct CMUnitTest tests[] = {
                test(nothing_at_all_means_defaults),
                test(the_default_file_is_read),
                test(a_given_file_has_to_be_there),
                test(a_given_file_has_drop_ins_of_its_own),
                test(drop_ins_are_read_by_name_over_the_folders),
                test(folders_hide_one_another),
                test(drop_ins_can_be_masked),
                test(links_are_followed_unless_they_lead_nowhere),
                test(only_regular_files_are_read),
                test(folders_that_are_none_are_told),
                test(large_files_are_refused),
                test(all_faults_of_all_files_are_told),
                test(settings_have_to_agree),
                test(notices_are_no_errors),
                test(names_in_messages_are_escaped),
                test(the_defaults_are_printed),
                test(origins_are_printed),
                test(what_is_printed_reads_back),
                test(a_files_name_cannot_smuggle_settings),
                test(the_shipped_file_holds_the_defaults),
                test(the_texts_say_what_the_table_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
