/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TEST_CONFIG_READER_FIXTURE_H
#define REAPERD_TEST_CONFIG_READER_FIXTURE_H

/* For tests that hand over the text of one file, named "f". */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/config-reader.h"

typedef struct Fixture {
        Settings settings;
        ConfigReport report;
        bool refused[_SETTING_MAX];
} Fixture;

static inline void fixture_done(Fixture *f) {
        settings_done(&f->settings);
        config_report_done(&f->report);
}

#define _cleanup_fixture_ _cleanup_(fixture_done)

/* The text is handed over in a block of its exact size, so that reading behind it shows under a memory
 * checker. */
static inline void run(Fixture *f, const char *text, size_t size) {
        _cleanup_free_ char *exact = malloc(size > 0 ? size : 1);

        assert_non_null(exact);
        memcpy(exact, text, size);

        *f = (Fixture){};
        assert_int_equal(settings_init(&f->settings), 0);
        assert_int_equal(config_reader_run("f", exact, size, &f->settings, f->refused, &f->report), 0);
}

/* All faults, a line each. */
static inline void assert_faults(const Fixture *f, const char *wanted) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        for (size_t i = 0; i < f->report.n_faults; i++) {
                const ConfigFault *fault = &f->report.faults[i];

                fprintf(out, "%s\n", fault->text);
                assert_int_equal(fault->kind == CONFIG_NOTICE, strstr(fault->text, ": notice: ") != NULL);
        }
        fclose(out);
        assert_string_equal(text, wanted);
}

#define ENGINE_KEYS "Endpoint, ResyncInterval, RequestTimeout, SettleTime"
#define CONTAINER_KEYS                                                                               \
        "MinimumAge, Success, Failure, OOMKilled, Shutdown, FailedStart, OrphanAge, RemoveVolumes, " \
        "KeepLast, KeepLastFailure, KeepLastFor, LogTail"
#define RETENTION_KEYS CONTAINER_KEYS ", MaxStopped"
#define REAPER_KEYS    "Parallelism, RetryInitial, RetryMax, QuarantineAfter, SurgeLimit, FirstRunDelay"
#define RULE_KEYS      "Service, Stack, Name, Image, Label, Kind, Action, " CONTAINER_KEYS
#define SECTIONS                                                                     \
        "[Engine], [Retention], [Labels], [Reaper], [Pressure], [Disk], [Metrics], " \
        "[Rule NAME]"

#endif
