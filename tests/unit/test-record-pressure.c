/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records about pressure, and what of a holding gets into that of a removal.
 */

#include "daemon/record-pressure.h"
#include "log-capture.h"

#define MIB ((uint64_t)1048576)

static Settings settings;
static ReliefReport report;
static MemoryUser users[2];
static size_t n_users;
static PressureLevel level, was;
static PressureCause cause;
static unsigned share;
static bool dry_run;
static Holding held;

static void say_level(void) {
        record_pressure_level(level, was, cause, share, &settings);
}

static void expect_level(
                PressureLevel l, PressureLevel w, PressureCause c, unsigned s, const char *expected) {
        level = l, was = w, cause = c, share = s;
        run(say_level, THE_JOURNAL);
        assert_string_equal(in_journal, expected);
}

#define LEVEL_FIELDS \
        "SYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_PRESSURE_LEVEL "\nREAPERD_PRESSURE_LEVEL="

static void test_level(void **state) {
        (void)state;
        expect_level(PRESSURE_CRITICAL, PRESSURE_NORMAL, PRESSURE_MEMORY_AVAILABLE, 431,
                        "MESSAGE=Pressure is critical: 4.31% of memory is available, MemoryAvailableLow=5%\n"
                        "PRIORITY=5\n" LEVEL_FIELDS "critical\nREAPERD_PRESSURE_CAUSE=memory-available\n"
                        "REAPERD_SETTING=MemoryAvailableLow\nREAPERD_PRESSURE_PERCENT=4.31\n.\n");

        assert_int_equal(settings_set(&settings, SETTING_MEMORY_USED_HIGH, "95%", NULL, 0, NULL), 0);
        expect_level(PRESSURE_CRITICAL, PRESSURE_CRITICAL, PRESSURE_MEMORY_USED, 9720,
                        "MESSAGE=Pressure is critical: 97.2% of memory is used, MemoryUsedHigh=95%\n"
                        "PRIORITY=5\n" LEVEL_FIELDS "critical\nREAPERD_PRESSURE_CAUSE=memory-used\n"
                        "REAPERD_SETTING=MemoryUsedHigh\nREAPERD_PRESSURE_PERCENT=97.2\n.\n");
        assert_int_equal(settings_set(&settings, SETTING_DISK_USED_HIGH, "90%", NULL, 0, NULL), 0);
        expect_level(PRESSURE_CRITICAL, PRESSURE_NORMAL, PRESSURE_DISK_USED, 9100,
                        "MESSAGE=Pressure is critical: 91% of the engine's disk is used, UsedHigh=90%\n"
                        "PRIORITY=5\n" LEVEL_FIELDS "critical\nREAPERD_PRESSURE_CAUSE=disk-used\n"
                        "REAPERD_SETTING=UsedHigh\nREAPERD_PRESSURE_PERCENT=91\n.\n");
        assert_int_equal(settings_set(&settings, SETTING_DISK_INODES_HIGH, "90%", NULL, 0, NULL), 0);
        expect_level(PRESSURE_CRITICAL, PRESSURE_NORMAL, PRESSURE_DISK_INODES, 9001,
                        "MESSAGE=Pressure is critical: 90.01% of the inodes of the engine's disk are used, "
                        "InodesHigh=90%\n"
                        "PRIORITY=5\n" LEVEL_FIELDS "critical\nREAPERD_PRESSURE_CAUSE=disk-inodes\n"
                        "REAPERD_SETTING=InodesHigh\nREAPERD_PRESSURE_PERCENT=90.01\n.\n");
        expect_level(PRESSURE_ELEVATED, PRESSURE_NORMAL, PRESSURE_STALL, SHARE_OFF,
                        "MESSAGE=Pressure is elevated: tasks stall for want of memory, Stall=some 200ms/2s\n"
                        "PRIORITY=6\n" LEVEL_FIELDS "elevated\nREAPERD_PRESSURE_CAUSE=stall\n"
                        "REAPERD_SETTING=Stall\n.\n");
        expect_level(PRESSURE_ELEVATED, PRESSURE_CRITICAL, PRESSURE_STALL, SHARE_OFF,
                        "MESSAGE=Pressure is elevated: tasks stall for want of memory, Stall=some 200ms/2s\n"
                        "PRIORITY=5\n" LEVEL_FIELDS "elevated\nREAPERD_PRESSURE_CAUSE=stall\n"
                        "REAPERD_SETTING=Stall\n.\n");
        expect_level(PRESSURE_NORMAL, PRESSURE_CRITICAL, PRESSURE_NO_CAUSE, SHARE_OFF,
                        "MESSAGE=Pressure is over\nPRIORITY=5\n" LEVEL_FIELDS "normal\n.\n");
        expect_level(PRESSURE_NORMAL, PRESSURE_ELEVATED, PRESSURE_NO_CAUSE, SHARE_OFF,
                        "MESSAGE=Pressure is over\nPRIORITY=6\n" LEVEL_FIELDS "normal\n.\n");
}

static void say_batch(void) {
        record_pressure_batch(&report, &settings, dry_run);
}

static void test_batch(void **state) {
        NodeFigures unknown = node_figures_unknown();

        (void)state;
        report = (ReliefReport){
                .batch = {
                        .cause = PRESSURE_MEMORY_AVAILABLE,
                        .share = 431,
                        .before = unknown,
                        .removed = 8,
                        .unknown = 2,
                        .otherwise = 1,
                        .held = 80 * MIB,
                        .held_disk = 90 * MIB,
                        .held_inodes = 12,
                },
                .after = unknown,
                .improvement = (int64_t)(3 * MIB),
                .known = true,
                .useless = 1,
        };
        report.batch.before.memory_available = 1000 * MIB;
        report.batch.before.memory_free = 100 * MIB;
        report.batch.before.cached = 500 * MIB;
        report.batch.before.slab_reclaimable = 50 * MIB;
        report.batch.before.slab_unreclaimable = 30 * MIB;
        report.batch.before.dying_cgroups = 20;
        report.batch.before.engine_memory = 60 * MIB;
        report.batch.before.disk_used = 5000 * MIB;
        report.batch.before.inodes_used = 5000;
        report.after = report.batch.before;
        report.after.memory_available += 3 * MIB;
        report.after.memory_free += 82 * MIB;
        report.after.cached -= 80 * MIB;
        report.after.slab_reclaimable -= 1 * MIB;
        report.after.slab_unreclaimable -= 1 * MIB;
        report.after.dying_cgroups -= 8;
        report.after.disk_used -= 90 * MIB;
        report.after.inodes_used -= 12;
        run(say_batch, THE_JOURNAL);
        assert_string_equal(in_journal,
                        "MESSAGE=Removed 8 containers against pressure (memory-available 4.31%): held 80.0M "
                        "of page cache (2 unknown) and 90.0M of disk; after 15s MemAvailable +3.0M, MemFree "
                        "+82.0M, cached -80.0M, slab -2.0M, dying cgroups -8, engine memory 0B, disk used "
                        "-90.0M, inodes used -12: did not help (1 of 3)\n"
                        "PRIORITY=6\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_PRESSURE_BATCH "\n"
                        "REAPERD_PRESSURE_LEVEL=critical\nREAPERD_PRESSURE_CAUSE=memory-available\n"
                        "REAPERD_PRESSURE_PERCENT=4.31\nREAPERD_DRY_RUN=0\nREAPERD_REMOVED=8\n"
                        "REAPERD_REMOVED_OTHERWISE=1\nREAPERD_HELD_BYTES=83886080\n"
                        "REAPERD_HELD_DISK_BYTES=94371840\nREAPERD_HELD_INODES=12\nREAPERD_HELD_UNKNOWN=2\n"
                        "REAPERD_HELPED=0\nREAPERD_IMPROVEMENT=3145728\n"
                        "REAPERD_CHANGE_MEMORY_AVAILABLE=3145728\nREAPERD_CHANGE_MEMORY_FREE=85983232\n"
                        "REAPERD_CHANGE_CACHED=-83886080\nREAPERD_CHANGE_SLAB=-2097152\n"
                        "REAPERD_CHANGE_DYING_CGROUPS=-8\nREAPERD_CHANGE_ENGINE_MEMORY=0\n"
                        "REAPERD_CHANGE_DISK_USED=-94371840\nREAPERD_CHANGE_INODES_USED=-12\n.\n");

        /* Nothing is known of the node, and nothing was in doubt. */
        report.batch.before = report.after = unknown;
        report.batch.removed = 1;
        report.batch.unknown = 0;
        report.known = false;
        report.helped = true;
        dry_run = true;
        run(say_batch, NOT_SET);
        assert_string_equal(on_stderr,
                        "reaperd: Would have removed 1 container against pressure "
                        "(memory-available 4.31%): held 80.0M of page cache and 90.0M of disk; "
                        "after 15s nothing could be measured: not judged, as nothing was removed\n");
        report.batch.unknown = report.batch.removed = 2;
        report.batch.held = report.batch.held_disk = report.batch.held_inodes = 0;
        run(say_batch, THE_JOURNAL);
        assert_non_null(strstr(in_journal, "31%): what they held is not known; after 15s nothing"));
        assert_non_null(strstr(in_journal, "REAPERD_HELD_BYTES=0\n"));
        assert_null(strstr(in_journal, "REAPERD_CHANGE"));
        assert_null(strstr(in_journal, "REAPERD_IMPROVEMENT"));
        assert_non_null(strstr(in_journal, "REAPERD_DRY_RUN=1\n"));
        assert_null(strstr(in_journal, "REAPERD_HELPED"));
        dry_run = false;
        run(say_batch, THE_JOURNAL);
        assert_non_null(strstr(in_journal, "measured: helped\n"));
        assert_non_null(strstr(in_journal, "REAPERD_HELPED=1\n"));
}

static void give_up(void) {
        record_pressure_gave_up(&report, &settings, users, n_users);
}

static void test_gave_up(void **state) {
        (void)state;
        report = (ReliefReport){ .batch.cause = PRESSURE_MEMORY_AVAILABLE, .useless = 3 };
        users[0] = (MemoryUser){ .cgroup = "docker/0123", .bytes = 1200 * MIB };
        users[1] = (MemoryUser){ .cgroup = "system.slice/x.service", .bytes = 300 * MIB };
        n_users = 2;
        run(give_up, THE_JOURNAL);
        assert_string_equal(in_journal,
                        "MESSAGE=Removing containers does not help against pressure (memory-available), 3 "
                        "batches in a row: none is removed for it for 10min. Most memory is used by 1.2G "
                        "docker/0123, 300.0M system.slice/x.service\n"
                        "PRIORITY=4\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_PRESSURE_GAVE_UP "\n"
                        "REAPERD_PRESSURE_CAUSE=memory-available\nREAPERD_BATCHES=3\n"
                        "REAPERD_WAIT_USEC=600000000\n"
                        "REAPERD_TOP_USERS=1.2G docker/0123, 300.0M system.slice/x.service\n.\n");

        report.useless = 1;
        n_users = 0;
        run(give_up, NOT_SET);
        assert_string_equal(on_stderr,
                        "reaperd: Removing containers does not help against pressure (memory-available), 1 "
                        "batch in a row: none is removed for it for 10min\n");
        run(give_up, THE_JOURNAL);
        assert_null(strstr(in_journal, "REAPERD_TOP_USERS"));

        report.batch.cause = PRESSURE_DISK_USED;
        run(give_up, NOT_SET);
        assert_non_null(strstr(on_stderr,
                        "(disk-used), 1 batch in a row: none is removed for it for 10min. See docker "
                        "system df\n"));
}

static void say_nothing_left(void) {
        record_pressure_nothing(cause, 431, report.useless, users, n_users);
}

static void test_nothing_left(void **state) {
        (void)state;
        cause = PRESSURE_MEMORY_AVAILABLE;
        report.useless = 12;
        n_users = 1;
        run(say_nothing_left, THE_JOURNAL);
        assert_string_equal(in_journal,
                        "MESSAGE=Pressure is critical (memory-available 4.31%), and none of 12 stopped "
                        "containers "
                        "may be removed for it: each is kept, too young, or waits. Most memory is used by "
                        "1.2G "
                        "docker/0123\n"
                        "PRIORITY=5\nSYSLOG_IDENTIFIER=reaperd\nMESSAGE_ID=" MESSAGE_ID_PRESSURE_NOTHING "\n"
                        "REAPERD_PRESSURE_CAUSE=memory-available\nREAPERD_PRESSURE_PERCENT=4.31\n"
                        "REAPERD_STOPPED=12\nREAPERD_TOP_USERS=1.2G docker/0123\n.\n");

        cause = PRESSURE_DISK_USED;
        report.useless = 1;
        n_users = 0;
        run(say_nothing_left, NOT_SET);
        assert_string_equal(on_stderr,
                        "reaperd: Pressure is critical (disk-used 4.31%), and the one stopped container may "
                        "not be "
                        "removed for it: it is kept, too young, or waits. See docker system df\n");

        report.useless = 0;
        run(say_nothing_left, NOT_SET);
        assert_string_equal(on_stderr, "reaperd: Pressure is critical (disk-used 4.31%), and there are no "
                                       "stopped containers. See "
                                       "docker system df\n");
}

static const int64_t observed = -811008;
static bool seen;

static void remove_it(void) {
        Container c = { .name = (char *)"web.1.xyz", .exit_code = 0 };
        Decision d = {
                .verdict = VERDICT_PRESSURE, .age = 20 * USEC_PER_SEC, .setting = SETTING_ELEVATED_FACTOR
        };

        record_removal(&c, &d,
                        &(RemovalRecord){
                                        .attempt = 1, .held = &held, .observed = seen ? &observed : NULL });
}

static void test_holding(void **state) {
        (void)state;
        held = (Holding){ .cached = 52428800, .dirty = 4096, .disk = 52432896, .inodes = 2 };
        run(remove_it, THE_JOURNAL);
        assert_non_null(strstr(in_journal, "pressure, age 20s, exit 0, held 50.0M\n"));
        assert_non_null(strstr(in_journal, "REAPERD_SETTING=ElevatedFactor\n"));
        assert_non_null(strstr(in_journal, "REAPERD_HELD_BYTES=52428800\nREAPERD_HELD_DIRTY_BYTES=4096\n"
                                           "REAPERD_HELD_DISK_BYTES=52432896\nREAPERD_HELD_INODES=2\n"));
        assert_null(strstr(in_journal, "REAPERD_HELD_PARTIAL"));
        assert_null(strstr(in_journal, "REAPERD_OBSERVED_BYTES"));

        seen = true;
        run(remove_it, THE_JOURNAL);
        assert_non_null(strstr(in_journal, "REAPERD_HELD_INODES=2\nREAPERD_OBSERVED_BYTES=-811008\n"));
        seen = false;

        held = (Holding){
                .cached = FIGURE_UNKNOWN, .dirty = FIGURE_UNKNOWN, .disk = 4096, .inodes = 1, .partial = true
        };
        run(remove_it, THE_JOURNAL);
        assert_non_null(strstr(in_journal, "pressure, age 20s, exit 0\n"));
        assert_non_null(strstr(in_journal,
                        "REAPERD_HELD_DISK_BYTES=4096\nREAPERD_HELD_INODES=1\nREAPERD_HELD_PARTIAL=1\n"));
        assert_null(strstr(in_journal, "REAPERD_HELD_BYTES"));
        assert_null(strstr(in_journal, "REAPERD_HELD_DIRTY_BYTES"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_level),
                cmocka_unit_test(test_batch),
                cmocka_unit_test(test_gave_up),
                cmocka_unit_test(test_nothing_left),
                cmocka_unit_test(test_holding),
        };
        const char *what;
        SettingId id;
        int r;

        if (settings_init(&settings) < 0 || settings_resolve(&settings, &id, &what) < 0)
                return 1;
        r = cmocka_run_group_tests_name("record-pressure", tests, NULL, NULL);
        settings_done(&settings);
        return r;
}
