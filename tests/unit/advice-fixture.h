/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TEST_ADVICE_FIXTURE_H
#define REAPERD_TEST_ADVICE_FIXTURE_H

/* A Swarm of services that are as they are by default, and what is advised about it. */

#include "settings-fixture.h"

#include "core-fixtures.h"
#include "core/advice.h"

typedef struct Fixture {
        Settings settings;
        const char *config;
        SwarmFacts swarm;
        Advisor *advisor;
        const Advice *advice;
        size_t n;
} Fixture;

/* With the default limit, and a log driver that keeps logs, so that nothing is to be advised. */
static inline void open_fixture(Fixture *f) {
        *f = (Fixture){ .swarm.history_limit = 5, .config = "/etc/reaperd/reaperd.conf" };
        assert_int_equal(settings_init(&f->settings), 0);
}

static inline void begin_with(Fixture *f, const char *log_driver) {
        resolve(&f->settings);
        assert_int_equal(advisor_new(&f->settings, &f->swarm, log_driver, f->config, &f->advisor), 0);
}

static inline void begin(Fixture *f) {
        begin_with(f, "journald");
}

static inline void end(Fixture *f) {
        assert_int_equal(advisor_finish(f->advisor, &f->advice, &f->n), 0);
        for (size_t i = 0; i < f->n; i++) {
                assert_non_null(f->advice[i].text);
                assert_non_null(f->advice[i].command);
        }
}

static inline void close_fixture(Fixture *f) {
        (void)advisor_free(f->advisor);
        settings_done(&f->settings);
}

static inline ServiceFacts named(const char *name) {
        return (ServiceFacts){ .id = "s3rv1ce",
                .name = name,
                .mode = SERVICE_REPLICATED,
                .restarts = true,
                .restart_delay = 5 * SEC,
                .image = "busy:1" };
}

static inline void add(Fixture *f, ServiceFacts s) {
        assert_int_equal(advisor_add_service(f->advisor, &s), 0);
}

static inline const Advice *find(const Fixture *f, AdviceKind kind, const char *subject) {
        for (size_t i = 0; i < f->n; i++)
                if (f->advice[i].kind == kind && (!subject || strcmp(f->advice[i].subject, subject) == 0))
                        return &f->advice[i];
        return NULL;
}

static inline void assert_command(
                const Fixture *f, AdviceKind kind, const char *subject, const char *command) {
        const Advice *a = find(f, kind, subject);

        if (!a)
                fail_msg("no %s about %s", advice_kind_name(kind), subject);
        assert_string_equal(a->command, command);
}

static inline void assert_says(const Fixture *f, AdviceKind kind, const char *part) {
        const Advice *a = find(f, kind, NULL);

        assert_non_null(a);
        if (!strstr(a->text, part))
                fail_msg("not in \"%s\": %s", a->text, part);
}

#endif
