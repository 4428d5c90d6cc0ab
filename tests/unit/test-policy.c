/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of decisions: policy_decide() is held against the oracle and the properties of policy-oracle.h,
 * on a table of all combinations and on random cases with extreme times; and against a few rows written by
 * hand, so that oracle and code cannot share a misreading.
 */

#include "policy-check.h"

/* Two containers of a registry, for their nodes' names. */
typedef struct Fixture {
        Registry *registry;
        SharedText *here, *elsewhere;
} Fixture;

static SharedText *add_node(Registry *r, uint64_t number, const char *node) {
        ContainerSummary s = { .id = id_of_number(number), .labels.node_id = node, .created = EPOCH };
        Instant now = { EPOCH, EPOCH };
        Container *c;

        assert_int_equal(registry_apply_summary(r, &s, SCOPE_TASK, &now, EPOCH, &c), 0);
        return c->node;
}

static const Retention retention = {
        .minimum_age = MINUTE,
        .orphan_age = 30 * MINUTE,
        .success = HOUR,
        .shutdown = 2 * HOUR,
        .oom_killed = 3 * HOUR,
        .failed_start = 5 * HOUR,
        .failure = DAY,
};

/* Of a task, and no KeepLast= or KeepLastFailure=. */
static Profile plain; /* by setup() */

static const Situation calm = { .engine_connected = true,
        .settled_at = EPOCH - HOUR,
        .swarm_state = SWARM_ACTIVE,
        .node_known_at = USEC_INFINITY,
        .node_id = "node-here" };

static int setup(void **state) {
        static Fixture f;

        plain = profile_of(&retention);
        if (registry_new(&f.registry) < 0)
                return -1;
        f.here = add_node(f.registry, 1, "node-here");
        f.elsewhere = add_node(f.registry, 2, "node-elsewhere");
        *state = &f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        f->registry = registry_free(f->registry);
        return 0;
}

static Container exited_task(usec_t finished, int exit_code) {
        return (Container){ .scope = SCOPE_TASK,
                .profile = &plain,
                .state = CONTAINER_EXITED,
                .state_exact = true,
                .finish = FINISH_EXACT,
                .finished = finished,
                .exit_code = exit_code,
                .created = finished - SEC };
}

static void test_names(void **state) {
        static const char *const removing[] = { "ttl-expired", "orphan", "over-cap", "pressure",
                "requested" };
        static const char *const keeping[] = { "kept-label", "kept-rule", "kept-last", "too-young",
                "retained", "running", "paused", "restarting", "starting", "removing", "out-of-scope",
                "scope-unknown", "quarantined", "engine-settling", "engine-unreachable", "swarm-not-ready",
                "removals-paused", "unknown-state", "auto-remove", "may-restart", "reloading", "first-run",
                "surge-held" };
        static const char *const outcomes[_OUTCOME_MAX] = { [OUTCOME_UNKNOWN] = "unknown",
                [OUTCOME_SUCCESS] = "success",
                [OUTCOME_FAILURE] = "failure",
                [OUTCOME_OOM_KILLED] = "oom-killed",
                [OUTCOME_SHUTDOWN] = "shutdown",
                [OUTCOME_FAILED_START] = "failed-start" };
        unsigned found = 0;

        (void)state;
        assert_int_equal(_VERDICT_MAX, ELEMENTS_OF(removing) + ELEMENTS_OF(keeping));
        for (Verdict v = 0; v < _VERDICT_MAX; v++) {
                unsigned as_removing = 0, as_keeping = 0;

                assert_non_null(verdict_name(v));
                for (size_t i = 0; i < ELEMENTS_OF(removing); i++)
                        as_removing += strcmp(verdict_name(v), removing[i]) == 0;
                for (size_t i = 0; i < ELEMENTS_OF(keeping); i++)
                        as_keeping += strcmp(verdict_name(v), keeping[i]) == 0;
                assert_int_equal(as_removing + as_keeping, 1);
                assert_int_equal(verdict_removes(v), as_removing == 1);
                for (Verdict w = 0; w < v; w++)
                        assert_string_not_equal(verdict_name(v), verdict_name(w));
                found++;
        }
        assert_int_equal(found, 28);
        assert_string_equal(verdict_name(VERDICT_TTL_EXPIRED), "ttl-expired");
        assert_string_equal(verdict_name(VERDICT_ENGINE_SETTLING), "engine-settling");
        assert_string_equal(verdict_name(VERDICT_SCOPE_UNKNOWN), "scope-unknown");
        for (Outcome o = 0; o < _OUTCOME_MAX; o++)
                assert_string_equal(outcome_name(o), outcomes[o]);
}

/* A few decisions written out, so that oracle and code cannot share a misreading. */
static void test_by_hand(void **state) {
        static const struct {
                int exit_code;
                bool oom, asked;
                usec_t age;
                Verdict verdict;
                Outcome outcome;
                usec_t due_after;
        } rows[] = {
                { 0, false, false, MINUTE - 1, VERDICT_TOO_YOUNG, OUTCOME_SUCCESS, HOUR },
                { 0, false, false, MINUTE, VERDICT_RETAINED, OUTCOME_SUCCESS, HOUR },
                { 0, false, false, HOUR - 1, VERDICT_RETAINED, OUTCOME_SUCCESS, HOUR },
                { 0, false, false, HOUR, VERDICT_TTL_EXPIRED, OUTCOME_SUCCESS, HOUR },
                { 0, true, false, HOUR, VERDICT_TTL_EXPIRED, OUTCOME_SUCCESS, HOUR },
                { 0, true, true, HOUR, VERDICT_RETAINED, OUTCOME_SHUTDOWN, 2 * HOUR },
                { 1, false, false, DAY - 1, VERDICT_RETAINED, OUTCOME_FAILURE, DAY },
                { 1, false, false, DAY, VERDICT_TTL_EXPIRED, OUTCOME_FAILURE, DAY },
                { 137, false, false, 2 * HOUR, VERDICT_RETAINED, OUTCOME_FAILURE, DAY },
                { 137, false, true, 2 * HOUR, VERDICT_TTL_EXPIRED, OUTCOME_SHUTDOWN, 2 * HOUR },
                { 137, true, true, 2 * HOUR, VERDICT_RETAINED, OUTCOME_OOM_KILLED, 3 * HOUR },
                { 137, true, false, 3 * HOUR, VERDICT_TTL_EXPIRED, OUTCOME_OOM_KILLED, 3 * HOUR },
                { 143, false, false, 2 * HOUR - 1, VERDICT_RETAINED, OUTCOME_SHUTDOWN, 2 * HOUR },
                { 143, false, false, 2 * HOUR, VERDICT_TTL_EXPIRED, OUTCOME_SHUTDOWN, 2 * HOUR },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                Container c = exited_task(EPOCH, rows[i].exit_code);
                Decision d;

                c.oom_killed = rows[i].oom;
                c.stop_asked = rows[i].asked;
                d = policy_decide(&c, &calm, EPOCH + rows[i].age);
                if (d.verdict != rows[i].verdict || d.outcome != rows[i].outcome ||
                                d.due != EPOCH + rows[i].due_after || d.age != rows[i].age || !d.exact)
                        fail_msg("row %zu: %s %s", i, verdict_name(d.verdict), outcome_name(d.outcome));
        }
}

static void test_failed_start(void **state) {
        Container c = {
                .scope = SCOPE_TASK, .profile = &plain, .state = CONTAINER_CREATED, .created = EPOCH
        };
        Decision d;

        (void)state;
        /* Waits to start: never due for removal, looked at when FailedStart has passed, then each hour. */
        d = policy_decide(&c, &calm, EPOCH + 400 * DAY);
        assert_int_equal(d.verdict, VERDICT_STARTING);
        assert_int_equal(d.due, EPOCH + 5 * HOUR);
        c.looked_at = EPOCH + 5 * HOUR;
        c.state_exact = true;
        d = policy_decide(&c, &calm, EPOCH + 400 * DAY);
        assert_int_equal(d.verdict, VERDICT_STARTING);
        assert_int_equal(d.due, EPOCH + 6 * HOUR);
        assert_int_equal(d.age, 0);

        /* The error was seen: MinimumAge from then, however old it is. */
        c.failed_start = true;
        c.exit_code = 127;
        c.error_seen = EPOCH + 6 * HOUR;
        d = policy_decide(&c, &calm, EPOCH + 6 * HOUR + MINUTE - 1);
        assert_int_equal(d.verdict, VERDICT_TOO_YOUNG);
        assert_int_equal(d.due, EPOCH + 6 * HOUR + MINUTE);
        d = policy_decide(&c, &calm, EPOCH + 6 * HOUR + MINUTE);
        assert_int_equal(d.verdict, VERDICT_TTL_EXPIRED);
        assert_int_equal(d.outcome, OUTCOME_FAILED_START);
        assert_int_equal(d.age, 6 * HOUR + MINUTE);
        assert_true(d.exact);

        /* Seen early: FailedStart counts from Created. */
        c.error_seen = EPOCH + SEC;
        d = policy_decide(&c, &calm, EPOCH + 5 * HOUR - 1);
        assert_int_equal(d.verdict, VERDICT_RETAINED);
        assert_int_equal(d.due, EPOCH + 5 * HOUR);
}

static void test_orphans(void **state) {
        Fixture *f = *state;
        Container c = exited_task(EPOCH, 1);
        Situation s = calm;

        assert_false(policy_is_orphan(&c, &s)); /* its node is not known */
        c.node = f->here;
        assert_false(policy_is_orphan(&c, &s));
        c.node = f->elsewhere;
        assert_true(policy_is_orphan(&c, &s));
        assert_int_equal(policy_decide(&c, &s, EPOCH + 30 * MINUTE).verdict, VERDICT_ORPHAN);
        assert_int_equal(policy_decide(&c, &s, EPOCH + 30 * MINUTE - 1).verdict, VERDICT_RETAINED);
        s.node_id = NULL; /* this node's is not known */
        assert_false(policy_is_orphan(&c, &s));
        s.swarm_state = SWARM_INACTIVE; /* seen once: not enough */
        assert_false(policy_is_orphan(&c, &s));
        assert_int_equal(policy_decide(&c, &s, EPOCH + HOUR).verdict, VERDICT_RETAINED);
        s.out_of_swarm = true;
        c.node = f->here;
        assert_true(policy_is_orphan(&c, &s));
        /* It came later: perhaps the node is in another Swarm by now. */
        s.node_known_at = c.created;
        assert_false(policy_is_orphan(&c, &s));
        s.node_known_at = c.created + 1;
        assert_true(policy_is_orphan(&c, &s));
        assert_int_equal(policy_decide(&c, &s, EPOCH + HOUR).verdict, VERDICT_ORPHAN);
}

typedef struct Knowledge {
        Finish finish;
        bool state_exact, hinted, forged;
} Knowledge;

static const Knowledge knowledge[] = {
        { FINISH_BOUNDED, false, false, false },
        { FINISH_BOUNDED, true, false, false },
        { FINISH_SEEN, false, false, false },
        { FINISH_SEEN, false, true, false },
        { FINISH_SEEN, false, true, true },
        { FINISH_EXACT, true, false, false },
        { FINISH_EXACT, false, false, false },
};

#define GATES_MAX 25

static size_t fill_gates(Situation *gates) {
        static const SwarmState bad[] = { SWARM_PENDING, SWARM_LOCKED, SWARM_ERROR, SWARM_STATE_UNKNOWN };
        size_t n = 0;

        for (int i = 0; i < GATES_MAX; i++)
                gates[i] = calm;
        n++;
        gates[n++].engine_connected = false;
        gates[n++].settled_at = EPOCH + 1;
        gates[n++].settled_at = EPOCH;
        gates[n++].settled_at = USEC_INFINITY;
        for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
                gates[n++].swarm_state = bad[i];
        gates[n++].swarm_state = SWARM_INACTIVE;
        gates[n++].paused_until = EPOCH + 1;
        gates[n++].paused_until = EPOCH;
        gates[n++].reloading = true;
        gates[n++].first_run_until = EPOCH + 1;
        gates[n++].first_run_until = EPOCH;
        gates[n++].first_run_until = USEC_INFINITY;
        gates[n++].surge_until = EPOCH + 1;
        gates[n++].surge_until = EPOCH;
        /* Several at once: the first in order names itself. */
        for (int i = 1; i < 8; i++) {
                gates[n].surge_until = gates[n].first_run_until = EPOCH + MINUTE;
                gates[n].reloading = true;
                if (i & 1)
                        gates[n].engine_connected = false;
                if (i & 2)
                        gates[n].settled_at = EPOCH + HOUR;
                if (i & 4)
                        gates[n].swarm_state = SWARM_LOCKED;
                gates[n++].paused_until = EPOCH + DAY;
        }
        return n;
}

static void try_gates(Container *c, Fixture *f) {
        Situation gates[GATES_MAX];
        size_t n = fill_gates(gates);

        assert_int_equal(n, GATES_MAX);
        for (size_t g = 0; g < n; g++)
                for (int orphan = 0; orphan < 5; orphan++) {
                        Situation s = gates[g];

                        c->node = orphan == 0 ? NULL : orphan == 1 ? f->here : f->elsewhere;
                        s.node_id = orphan == 3 ? NULL : "node-here";
                        s.out_of_swarm = orphan == 4;
                        check_against_oracle(c, &s, EPOCH);
                        check_properties(c, &s, EPOCH);
                }
}

static void try_ages(Container *c, Fixture *f) {
        static const usec_t ages[] = { 0, MINUTE - 1, MINUTE, 30 * MINUTE - 1, 30 * MINUTE, HOUR - 1, HOUR,
                2 * HOUR - 1, 2 * HOUR, 3 * HOUR - 1, 3 * HOUR, 5 * HOUR, DAY - 1, DAY };

        for (size_t a = 0; a < ELEMENTS_OF(ages); a++) {
                c->created = c->finish == FINISH_BOUNDED ? EPOCH - ages[a] : EPOCH - 2 * DAY;
                c->alive_until = c->finish == FINISH_BOUNDED && a % 2 ? EPOCH - ages[a] : 0;
                c->finished = c->finish == FINISH_BOUNDED ? 0 : EPOCH - ages[a];
                c->looked_at = a % 3 == 0 ? 0 : EPOCH - ages[a] + 1;
                c->error_seen = EPOCH - (a % 2 ? ages[a] : MINUTE);
                c->quarantined = false;
                c->retry_at = a % 4 == 0 ? EPOCH + 1 : 0;
                try_gates(c, f);
        }
        c->quarantined = true;
        try_gates(c, f);
}

static void test_every_combination(void **state) {
        static const int codes[] = { 0, 1, 137, 143 };
        Retention variants[2] = { retention, retention };
        Profile profiles[2], others[2];

        /* Spans below the floor, and spans that never end. */
        variants[1].success = SEC;
        variants[1].orphan_age = USEC_INFINITY;
        variants[1].failure = USEC_INFINITY;
        variants[1].failed_start = 0;
        profiles[0] = profile_of(&variants[0]);
        profiles[1] = profile_of(&variants[1]);
        for (size_t v = 0; v < 2; v++) {
                others[v] = profiles[v];
                others[v].is_task = false;
                others[v].in_scope = v == 1; /* by a rule */
        }

        for (size_t v = 0; v < 2; v++)
                for (unsigned scope = SCOPE_UNKNOWN; scope <= SCOPE_OTHER; scope++)
                        for (unsigned cs = 0; cs < _CONTAINER_STATE_MAX + 1; cs++)
                                for (size_t k = 0; k < ELEMENTS_OF(knowledge); k++)
                                        for (unsigned end = 0; end < 16; end++) {
                                                Container c = { .scope = (uint8_t)scope };

                                                c.profile = scope == SCOPE_OTHER ? &others[v] : &profiles[v];
                                                c.surge_held = end & 1;
                                                c.auto_remove = end % 5 == 3; /* no matter for tasks */
                                                c.may_restart = end % 5 == 4;
                                                c.failed_start = cs == _CONTAINER_STATE_MAX;
                                                c.state = (uint8_t)(c.failed_start ? CONTAINER_CREATED : cs);
                                                if (!container_state_is_stopped(c.state) && end % 5 != 0)
                                                        continue;
                                                c.finish = (uint8_t)knowledge[k].finish;
                                                c.state_exact = knowledge[k].state_exact;
                                                c.exit_hinted = knowledge[k].hinted;
                                                c.exit_code_forged = knowledge[k].forged;
                                                c.exit_code = codes[end & 3];
                                                c.oom_killed = end & 4;
                                                c.stop_asked = end & 8;
                                                try_ages(&c, *state);
                                        }
}

static usec_t random_time(uint64_t *random, usec_t last) {
        switch (random_below(random, 8)) {
        case 0:
                return random_below(random, 3);
        case 1:
                return last - random_below(random, 3);
        case 2:
                return last - random_below(random, 2 * DAY);
        case 3:
                return random_below(random, 2 * DAY);
        case 4:
                return random_next(random) % last;
        default:
                return EPOCH - DAY + random_below(random, 2 * DAY);
        }
}

static usec_t random_span(uint64_t *random) {
        static const usec_t usual[] = { 0, 1, SEC, MINUTE, HOUR, DAY, USEC_INFINITY, USEC_INFINITY - 1 };

        return random_chance(random, 80) ? usual[random_below(random, ELEMENTS_OF(usual))]
                                         : random_next(random);
}

static void test_random_cases(void **state) {
        Fixture *f = *state;
        uint64_t random = 20241123;
        unsigned removed = 0;

        for (unsigned i = 0; i < 120000; i++) {
                bool failed_start = random_chance(&random, 10);
                Retention r = { .minimum_age = random_span(&random),
                        .success = random_span(&random),
                        .failure = random_span(&random),
                        .oom_killed = random_span(&random),
                        .shutdown = random_span(&random),
                        .failed_start = random_span(&random),
                        .orphan_age = random_span(&random) };
                Profile p = profile_of(&r);
                Container c = { .scope = (uint8_t)(random_chance(&random, 70) ? SCOPE_TASK
                                                                              : random_below(&random, 3)),
                        .state = (uint8_t)(random_chance(&random, 50)
                                                           ? CONTAINER_EXITED
                                                           : random_below(&random, _CONTAINER_STATE_MAX)),
                        .finish = (uint8_t)random_below(&random, 3),
                        .exit_code = (int)random_below(&random, 2) * 143,
                        .state_exact = random_chance(&random, 70),
                        .exit_hinted = random_chance(&random, 50),
                        .exit_code_forged = random_chance(&random, 10),
                        .oom_killed = random_chance(&random, 30),
                        .stop_asked = random_chance(&random, 30),
                        .quarantined = random_chance(&random, 10),
                        .created = random_time(&random, USEC_INFINITY),
                        .finished = random_time(&random, USEC_INFINITY),
                        .alive_until = random_time(&random, USEC_INFINITY),
                        .error_seen = random_time(&random, USEC_INFINITY),
                        .looked_at = random_time(&random, USEC_INFINITY),
                        .retry_at = random_chance(&random, 80) ? 0 : random_time(&random, USEC_INFINITY),
                        .node = random_chance(&random, 50) ? f->here : f->elsewhere };
                Situation s = { .engine_connected = random_chance(&random, 90),
                        .settled_at = random_chance(&random, 70) ? 0 : random_time(&random, USEC_INFINITY),
                        .swarm_state = random_chance(&random, 70)
                                                       ? SWARM_ACTIVE
                                                       : (SwarmState)random_below(&random, _SWARM_STATE_MAX),
                        .node_known_at = random_chance(&random, 20) ? random_time(&random, USEC_INFINITY)
                                                                    : USEC_INFINITY,
                        .node_id = random_chance(&random, 20) ? NULL : "node-here",
                        .out_of_swarm = random_chance(&random, 5),
                        .paused_until = random_chance(&random, 80) ? 0 : random_time(&random, USEC_INFINITY),
                        .reloading = random_chance(&random, 5),
                        .first_run_until =
                                        random_chance(&random, 80) ? 0 : random_time(&random, USEC_INFINITY),
                        .surge_until = random_time(&random, USEC_INFINITY) };
                usec_t now = random_time(&random, USEC_INFINITY - 1);

                c.profile = &p;
                c.over_cap = random_chance(&random, 10);
                c.surge_held = random_chance(&random, 10);
                c.auto_remove = random_chance(&random, 10);
                c.may_restart = random_chance(&random, 10);
                if (c.scope == SCOPE_OTHER) {
                        p.is_task = false;
                        p.in_scope = random_chance(&random, 70);
                }
                if (random_chance(&random, 10)) {
                        p.keep_by_label = true;
                        p.keep_label_for = random_span(&random);
                }
                p.keep_by_rule = random_chance(&random, 5);
                if (failed_start) {
                        c.state = CONTAINER_CREATED;
                        c.failed_start = true;
                }
                if (random_chance(&random, 50)) { /* around the moment at which it becomes due */
                        usec_t due = policy_decide(&c, &s, now).due;

                        if (due > 2 && due < USEC_INFINITY - 2)
                                now = due - 1 + random_below(&random, 3);
                }
                check_against_oracle(&c, &s, now);
                check_properties(&c, &s, now);
                check_due_is_honest(&c, &s, now, &random);
                removed += verdict_removes(policy_decide(&c, &s, now).verdict);
        }
        assert_true(removed > 2000); /* else the cases would prove nothing */
}

/* `infinity` is never, also at the last moment that the clock can tell. */
static void test_infinity_at_the_end_of_time(void **state) {
        Retention r = { .minimum_age = MINUTE, .success = USEC_INFINITY, .orphan_age = USEC_INFINITY };
        Profile p = profile_of(&r);
        Container c = exited_task(EPOCH, 0);
        Situation s = calm;

        (void)state;
        c.profile = &p;
        for (usec_t back = 2; back-- > 0;) {
                assert_int_equal(policy_decide(&c, &s, USEC_INFINITY - back).verdict, VERDICT_RETAINED);
                assert_int_equal(policy_decide(&c, &s, USEC_INFINITY - back).due, USEC_INFINITY);
        }
        p.retention.success = HOUR;
        s.settled_at = USEC_INFINITY; /* the engine's age is not known */
        assert_int_equal(policy_decide(&c, &s, USEC_INFINITY).verdict, VERDICT_ENGINE_SETTLING);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_by_hand),
                cmocka_unit_test(test_failed_start),
                cmocka_unit_test(test_orphans),
                cmocka_unit_test(test_every_combination),
                cmocka_unit_test(test_random_cases),
                cmocka_unit_test(test_infinity_at_the_end_of_time),
        };

        return cmocka_run_group_tests_name("policy", tests, setup, teardown);
}
