/* SPDX-License-Identifier: Apache-2.0 */

/* Metrics: the text, and the file that it is written to. */

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "folder-fixture.h"

#include "daemon/metrics.h"

/* The same code, faster. */
#undef METRICS_GATHER
#undef METRICS_SOON
#undef METRICS_PERIOD
#define METRICS_GATHER (20 * USEC_PER_MSEC)
#define METRICS_SOON   (200 * USEC_PER_MSEC)
#define METRICS_PERIOD (400 * USEC_PER_MSEC)
#include "../../src/daemon/metrics.c"

/* --- the text --- */

static Figures figures;

static MetricsGauges gauges_of(const char *engine_version) {
        return (MetricsGauges){ .figures = &figures, .engine_version = engine_version };
}

static char *format(const MetricsGauges *g) {
        char *text = metrics_format(g);

        assert_non_null(text);
        return text;
}

static void assert_has(const char *text, const char *wanted) {
        const char *found = strstr(text, wanted);

        if (!found || (found > text && found[-1] != '\n'))
                fail_msg("not in it:\n%s\n---\n%s", wanted, text);
}

static void assert_has_not(const char *text, const char *part) {
        if (strstr(text, part))
                fail_msg("in it:\n%s\n---\n%s", part, text);
}

static void figures_are_told(void **state) {
        MetricsGauges g = gauges_of("24.0.7");
        _cleanup_free_ char *text = NULL;

        (void)state;
        figures = (Figures){ .failed = 5,
                .reclaimed = { .cached = UINT64_C(1) << 60, .dirty = 4096, .disk = 8192, .inodes = 12 } };
        figures.removals[VERDICT_TTL_EXPIRED] = 3;
        figures.removals[VERDICT_REQUESTED] = 1;
        figures.removals[VERDICT_RUNNING] = 9; /* no verdict that removes: nothing that could be told */
        figures.events[EVENT_DIE] = 7;
        figures.resyncs[RESYNC_LOSS] = 2;
        g.connected = g.paused = g.given_up = true;
        g.states[CONTAINER_EXITED] = 11;
        g.states[CONTAINER_STATE_UNKNOWN] = 1;
        g.quarantined = 2;
        g.surge_held = 51;
        g.level = PRESSURE_CRITICAL;
        g.started = 1700000000 * USEC_PER_SEC + 250 * USEC_PER_MSEC;

        text = format(&g);
        assert_has(text, "# HELP reaperd_build_info Version of reaperd; the value is always 1.\n"
                         "# TYPE reaperd_build_info gauge\n"
                         "reaperd_build_info{version=\"" REAPERD_VERSION "\"} 1\n");
        assert_has(text, "# TYPE reaperd_start_time_seconds gauge\nreaperd_start_time_seconds "
                         "1700000000.25\n");
        assert_has(text, "# TYPE reaperd_removals_total counter\n"
                         "reaperd_removals_total{verdict=\"ttl-expired\"} 3\n"
                         "reaperd_removals_total{verdict=\"orphan\"} 0\n"
                         "reaperd_removals_total{verdict=\"over-cap\"} 0\n"
                         "reaperd_removals_total{verdict=\"pressure\"} 0\n"
                         "reaperd_removals_total{verdict=\"requested\"} 1\n#");
        assert_has(text, "reaperd_dry_run_removals_total{verdict=\"ttl-expired\"} 0\n");
        assert_has(text, "# TYPE reaperd_removals_failed_total counter\nreaperd_removals_failed_total 5\n");
        assert_has(text, "# TYPE reaperd_reclaimed_bytes_total counter\n"
                         "reaperd_reclaimed_bytes_total{kind=\"page_cache\"} 1152921504606846976\n"
                         "reaperd_reclaimed_bytes_total{kind=\"dirty\"} 4096\n"
                         "reaperd_reclaimed_bytes_total{kind=\"disk\"} 8192\n#");
        assert_has(text, "# TYPE reaperd_reclaimed_inodes_total counter\nreaperd_reclaimed_inodes_total "
                         "12\n");
        assert_has(text, "# TYPE reaperd_removals_paused gauge\nreaperd_removals_paused 1\n");
        assert_has(text, "# TYPE reaperd_tracked_containers gauge\n"
                         "reaperd_tracked_containers{state=\"unknown\"} 1\n"
                         "reaperd_tracked_containers{state=\"created\"} 0\n"
                         "reaperd_tracked_containers{state=\"running\"} 0\n"
                         "reaperd_tracked_containers{state=\"paused\"} 0\n"
                         "reaperd_tracked_containers{state=\"restarting\"} 0\n"
                         "reaperd_tracked_containers{state=\"removing\"} 0\n"
                         "reaperd_tracked_containers{state=\"exited\"} 11\n"
                         "reaperd_tracked_containers{state=\"dead\"} 0\n#");
        assert_has(text, "# TYPE reaperd_quarantined_containers gauge\nreaperd_quarantined_containers 2\n");
        assert_has(text, "# TYPE reaperd_surge_held_containers gauge\nreaperd_surge_held_containers 51\n");
        assert_has(text, "# TYPE reaperd_engine_connected gauge\nreaperd_engine_connected 1\n");
        assert_has(text, "# TYPE reaperd_engine_info gauge\nreaperd_engine_info{version=\"24.0.7\"} 1\n");
        assert_has(text, "reaperd_events_total{action=\"die\"} 7\n");
        assert_has(text, "reaperd_events_total{action=\"other\"} 0\n");
        assert_has(text, "reaperd_resyncs_total{cause=\"loss\"} 2\n");
        assert_has(text, "reaperd_resyncs_total{cause=\"connect\"} 0\n");
        assert_has(text, "# TYPE reaperd_pressure_level gauge\nreaperd_pressure_level 2\n");
        assert_has(text, "# TYPE reaperd_pressure_given_up gauge\nreaperd_pressure_given_up 1\n");
}

static void a_dry_run_claims_nothing(void **state) {
        MetricsGauges g = gauges_of("");
        _cleanup_free_ char *text = NULL;

        (void)state;
        figures = (Figures){ .reclaimed = { .cached = 1, .dirty = 1, .disk = 1, .inodes = 1 } };
        for (Verdict v = 0; v < _VERDICT_MAX; v++)
                figures.removals[v] = 4;
        g.dry_run = true;

        text = format(&g);
        assert_has(text, "reaperd_removals_total{verdict=\"ttl-expired\"} 0\n");
        assert_has(text, "reaperd_removals_total{verdict=\"pressure\"} 0\n");
        assert_has(text, "reaperd_dry_run_removals_total{verdict=\"ttl-expired\"} 4\n");
        assert_has(text, "reaperd_reclaimed_bytes_total{kind=\"page_cache\"} 0\n");
        assert_has(text, "reaperd_reclaimed_bytes_total{kind=\"disk\"} 0\n");
        assert_has(text, "reaperd_reclaimed_inodes_total 0\n");
        assert_has(text, "reaperd_engine_connected 0\n");
        assert_has_not(text, "engine_info");
}

static void durations_add_up(void **state) {
        MetricsGauges g = gauges_of("");
        _cleanup_free_ char *text = NULL, *last = NULL;
        unsigned long long n, before = 0;
        unsigned n_buckets = 0;

        (void)state;
        figures = (Figures){};
        figures_took(&figures, 1);
        figures_took(&figures, figures_buckets[1]);
        figures_took(&figures, figures_buckets[FIGURES_BUCKETS_MAX - 1]);
        figures_took(&figures, figures_buckets[FIGURES_BUCKETS_MAX - 1] + 1);

        text = format(&g);
        assert_has(text, "# TYPE reaperd_removal_duration_seconds histogram\n");
        for (const char *p = text; (p = strstr(p, "\nreaperd_removal_duration_seconds_bucket{le=\""));
                        n_buckets++) {
                char bound[16];

                p++;
                assert_int_equal(sscanf(p, "reaperd_removal_duration_seconds_bucket{le=\"%15[^\"]\"} %llu\n",
                                                 bound, &n),
                                2);
                assert_true(n >= before);
                before = n;
                if (n_buckets < FIGURES_BUCKETS_MAX) {
                        assert_true(strtod(bound, NULL) * 1e6 == (double)figures_buckets[n_buckets]);
                        assert_true(!strchr(bound, '.') || bound[strlen(bound) - 1] != '0');
                } else
                        assert_string_equal(bound, "+Inf");
                assert_int_equal(n, n_buckets == 0                        ? 1
                                    : n_buckets < FIGURES_BUCKETS_MAX - 1 ? 2
                                    : n_buckets < FIGURES_BUCKETS_MAX     ? 3
                                                                          : 4);
        }
        assert_int_equal(n_buckets, FIGURES_BUCKETS_MAX + 1);
        assert_has(text, "reaperd_removal_duration_seconds_count 4\n");
        assert_true(asprintf(&last, "reaperd_removal_duration_seconds_sum %.6f",
                                    (double)figures.duration_sum / 1e6) > 0);
        for (size_t i = strlen(last); last[i - 1] == '0'; i--)
                last[i - 1] = '\0';
        assert_has(text, last);
}

/* The engine says its version; it may say anything. */
static void no_version_breaks_the_text(void **state) {
        static const struct {
                const char *version, *told;
        } cases[] = {
                { "24.0.7+dfsg1", "24.0.7+dfsg1" },
                { "a\"} 1\nreaperd_removals_paused 1\n", "a\\\"} 1\\\\x0areaperd_removals_paused 1\\\\x0a" },
                { "\\", "\\\\" },
                { "\xff\x1b[2J", "\\\\xff\\\\x1b[2J" },
                { "\xc3\xa9", "\xc3\xa9" },
        };
        char longest[5000];

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                MetricsGauges g = gauges_of(cases[i].version);
                _cleanup_free_ char *text = format(&g), *line = NULL;

                assert_true(asprintf(&line, "reaperd_engine_info{version=\"%s\"} 1\n", cases[i].told) > 0);
                assert_has(text, line);
        }

        memset(longest, '"', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        MetricsGauges g = gauges_of(longest);
        _cleanup_free_ char *text = format(&g);
        assert_has_not(text, "\"\"\"");
        assert_has(text, "reaperd_pressure_level 0\n");
}

/* --- the file --- */

static sd_event *event;
static Metrics *metrics;
static unsigned n_collected;
static usec_t collected_at;
static int log_pipe[2], real_stderr;

static void collect(MetricsGauges *ret, void *userdata) {
        assert_ptr_equal(userdata, &event);
        *ret = gauges_of("");
        ret->surge_held = ++n_collected;
        assert_true(sd_event_now(event, CLOCK_MONOTONIC, &collected_at) >= 0);
}

static int set_up(void **state) {
        n_collected = 0;
        figures = (Figures){};
        if (make_folder(state) < 0 || pipe2(log_pipe, O_NONBLOCK | O_CLOEXEC) < 0 ||
                        (real_stderr = dup(STDERR_FILENO)) < 0 || dup2(log_pipe[1], STDERR_FILENO) < 0 ||
                        sd_event_new(&event) < 0 || metrics_new(event, collect, &event, &metrics) < 0)
                return -1;
        return 0;
}

static int take_down(void **state) {
        metrics = metrics_free(metrics);
        event = sd_event_unref(event);
        (void)dup2(real_stderr, STDERR_FILENO);
        (void)close(real_stderr);
        (void)close(log_pipe[0]);
        (void)close(log_pipe[1]);
        return remove_folder(state);
}

/* What was logged since the last call. */
static const char *said(void) {
        static char text[4096];
        ssize_t n = read(log_pipe[0], text, sizeof(text) - 1);

        text[n < 0 ? 0 : n] = '\0';
        return text;
}

static usec_t loop_now(void) {
        usec_t now;

        assert_true(sd_event_now(event, CLOCK_MONOTONIC, &now) >= 0);
        return now;
}

/* Runs the loop until the figures have been asked for so often. */
static void await(unsigned n) {
        usec_t begin = loop_now();

        while (n_collected < n) {
                assert_true(loop_now() - begin < 20 * USEC_PER_SEC);
                assert_true(sd_event_run(event, USEC_PER_SEC) >= 0);
        }
        assert_int_equal(n_collected, n);
}

/* The file is whole, and of the n-th time. */
static void assert_written(const char *name, unsigned n) {
        char text[16384], wanted[64];
        FILE *f = fopen(below(name), "re");
        size_t size;

        assert_non_null(f);
        size = fread(text, 1, sizeof(text) - 1, f);
        (void)fclose(f);
        text[size] = '\0';
        snprintf(wanted, sizeof(wanted), "reaperd_surge_held_containers %u\n", n);
        assert_has(text, wanted);
        assert_has(text, "reaperd_pressure_given_up 0\n");
        assert_string_equal(text + size - strlen("_up 0\n"), "_up 0\n");
}

static size_t count_files(const char *name) {
        DIR *dir = opendir(below(name));
        size_t n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        (void)closedir(dir);
        return n - 2;
}

static bool exists(const char *name) {
        struct stat st;

        return lstat(below(name), &st) >= 0;
}

static void configure(const char *name) {
        assert_int_equal(metrics_configure(metrics, name ? below(name) : NULL), 0);
}

static void nothing_is_done_unless_wanted(void **state) {
        (void)state;
        metrics_changed(NULL);
        metrics_changed(metrics);
        configure(NULL);
        metrics_changed(metrics);
        for (unsigned i = 0; i < 5; i++)
                assert_true(sd_event_run(event, 10 * USEC_PER_MSEC) >= 0);
        assert_int_equal(n_collected, 0);
        assert_int_equal(count_files("."), 0);
        assert_string_equal(said(), "");
}

static void changes_are_written_soon_and_together(void **state) {
        usec_t before;

        (void)state;
        configure("m.prom");
        metrics_changed(metrics); /* this adds nothing to that */
        await(1);
        assert_written("m.prom", 1);

        /* the first change */
        before = loop_now();
        for (unsigned i = 0; i < 1000; i++)
                metrics_changed(metrics);
        await(2);
        assert_written("m.prom", 2);
        assert_true(collected_at - before >= METRICS_GATHER);

        /* those after it */
        before = collected_at;
        for (unsigned i = 0; i < 1000; i++)
                metrics_changed(metrics);
        await(3);
        assert_written("m.prom", 3);
        assert_true(collected_at - before >= METRICS_SOON);

        /* without a change */
        before = collected_at;
        await(4);
        assert_written("m.prom", 4);
        assert_true(collected_at - before >= METRICS_PERIOD);

        /* the next is a first one again: by now nothing holds it back but this */
        before = loop_now();
        metrics_changed(metrics);
        await(5);
        assert_true(collected_at - before >= METRICS_GATHER);
        assert_int_equal(count_files("."), 1);
        assert_string_equal(said(), "");
}

static void anybody_may_read_it(void **state) {
        mode_t mask = umask(0077);
        struct stat st;

        (void)state;
        configure("m.prom");
        await(1);
        assert_int_equal(stat(below("m.prom"), &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0644);
        assert_int_equal(umask(mask), 0077); /* as it was */
}

static void it_goes_when_it_is_wanted_no_more(void **state) {
        struct stat st, after;

        (void)state;
        configure("m.prom");
        await(1);
        assert_int_equal(stat(below("m.prom"), &st), 0);
        configure("m.prom"); /* the same: nothing happens */
        assert_int_equal(stat(below("m.prom"), &after), 0);
        assert_int_equal(st.st_ino, after.st_ino);

        configure("n.prom");
        assert_false(exists("m.prom"));
        await(2);
        assert_written("n.prom", 2);

        configure(NULL);
        assert_int_equal(count_files("."), 0);
        for (usec_t begin = loop_now(); loop_now() - begin < METRICS_PERIOD * 3 / 2;)
                assert_true(sd_event_run(event, 10 * USEC_PER_MSEC) >= 0);
        assert_int_equal(n_collected, 2);

        configure("m.prom");
        await(3);
        metrics = metrics_free(metrics);
        assert_int_equal(count_files("."), 0);
        assert_string_equal(said(), "");
}

static void anothers_file_stays(void **state) {
        (void)state;
        write_text("m.prom", "never written by us\n");
        configure("m.prom");
        configure(NULL);
        assert_true(exists("m.prom"));

        configure("m.prom");
        await(1);
        /* another daemon has the same idea */
        write_text("other", "x 1\n");
        assert_int_equal(rename(below("other"), below("m.prom")), 0);
        configure(NULL);
        assert_true(exists("m.prom"));
}

static void links_are_replaced_and_not_followed(void **state) {
        char text[16] = "", link[64];
        FILE *f;

        (void)state;
        write_text("victim", "precious");
        snprintf(link, sizeof(link), ".m.prom.%ld", (long)getpid());
        assert_int_equal(symlink(below("victim"), below("m.prom")), 0);
        assert_int_equal(symlink(below("victim"), below(link)), 0);
        configure("m.prom");
        await(1);
        assert_written("m.prom", 1);
        configure(NULL);

        f = fopen(below("victim"), "re");
        assert_non_null(f);
        assert_int_equal(fread(text, 1, sizeof(text) - 1, f), strlen("precious"));
        (void)fclose(f);
        assert_string_equal(text, "precious");
        assert_int_equal(count_files("."), 1);
}

/* What does not work is said once, and so is when it does. */
static void trouble_is_said_once(const char *why, void (*mend)(void)) {
        char wanted[256];
        unsigned n = n_collected;

        configure("in/m.prom");
        await(n + 1);
        snprintf(wanted, sizeof(wanted), "Cannot write metrics to %s: %s; this is tried again\n",
                        below("in/m.prom"), why);
        if (!strstr(said(), wanted))
                fail_msg("not said: %s", wanted);
        metrics_changed(metrics);
        await(n + 2);
        await(n + 3); /* by itself */
        assert_string_equal(said(), "");

        mend();
        await(n + 4);
        assert_written("in/m.prom", n + 4);
        assert_int_equal(count_files("in"), 1);
        snprintf(wanted, sizeof(wanted), "Metrics are written to %s now\n", below("in/m.prom"));
        if (!strstr(said(), wanted))
                fail_msg("not said: %s", wanted);
        await(n + 5);
        assert_string_equal(said(), "");
}

static char temporary[64];

static void clear_the_way(void) {
        assert_int_equal(count_files("in"), 1);
        assert_int_equal(rmdir(below(temporary)), 0);
}

/* What cannot be taken away is not written to either: in a folder that others may write to it is theirs. */
static void a_stranger_in_the_way(void **state) {
        (void)state;
        snprintf(temporary, sizeof(temporary), "in/.m.prom.%ld", (long)getpid());
        make_way("in/m.prom");
        assert_int_equal(mkdir(below(temporary), 0755), 0);
        trouble_is_said_once("File exists", clear_the_way);
}

static void make_the_folder(void) {
        assert_int_equal(mkdir(below("in"), 0755), 0);
}

static void a_folder_that_is_not_there_yet(void **state) {
        (void)state;
        trouble_is_said_once("No such file or directory", make_the_folder);
}

static void remove_the_directory(void) {
        assert_int_equal(count_files("in"), 1); /* nothing beside it */
        assert_int_equal(rmdir(below("in/m.prom")), 0);
}

static void a_directory_in_its_place(void **state) {
        (void)state;
        make_the_folder();
        assert_int_equal(mkdir(below("in/m.prom"), 0755), 0);
        trouble_is_said_once("Is a directory", remove_the_directory);
}

static struct rlimit unlimited;

static void make_room(void) {
        assert_int_equal(count_files("in"), 0); /* the half-written file is gone */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
}

static void no_room_for_all_of_it(void **state) {
        struct rlimit little = { .rlim_cur = 1000 };

        (void)state;
        make_the_folder();
        assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
        little.rlim_max = unlimited.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
        trouble_is_said_once("File too large", make_room);
}

/* Old figures stay rather than half a file. */
static void the_last_whole_file_stays(void **state) {
        struct rlimit little = { .rlim_cur = 1000 };

        (void)state;
        make_the_folder();
        configure("in/m.prom");
        await(1);
        assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
        little.rlim_max = unlimited.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
        await(2);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
        assert_written("in/m.prom", 1);
        assert_int_equal(count_files("in"), 1);

        /* and is taken away in the end */
        configure(NULL);
        assert_int_equal(count_files("in"), 0);
}

static void descriptors_are_closed(void **state) {
        size_t before;

        (void)state;
        configure("m.prom");
        await(1);
        before = count_descriptors();
        await(3);
        assert_int_equal(mkdir(below("d"), 0755), 0);
        configure("d");
        await(4);
        assert_int_equal(count_descriptors(), before);
}

#define with_file(f) cmocka_unit_test_setup_teardown(f, set_up, take_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(figures_are_told),
                cmocka_unit_test(a_dry_run_claims_nothing),
                cmocka_unit_test(durations_add_up),
                cmocka_unit_test(no_version_breaks_the_text),
                with_file(nothing_is_done_unless_wanted),
                with_file(changes_are_written_soon_and_together),
                with_file(anybody_may_read_it),
                with_file(it_goes_when_it_is_wanted_no_more),
                with_file(anothers_file_stays),
                with_file(links_are_replaced_and_not_followed),
                with_file(a_stranger_in_the_way),
                with_file(a_folder_that_is_not_there_yet),
                with_file(a_directory_in_its_place),
                with_file(no_room_for_all_of_it),
                with_file(the_last_whole_file_stays),
                with_file(descriptors_are_closed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
