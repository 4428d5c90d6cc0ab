/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MaxStopped= on random populations, held against the plainest way to choose: again and again the oldest of
 * the workload with most.
 */

#include "cap-fixture.h"

static Spec random_spec(uint64_t *random) {
        static const char *const services[] = { "web", "web", "web", "db", "job", "kept_db", NULL };

        return (Spec){ .service = services[random_below(random, ELEMENTS_OF(services))],
                .slot = (unsigned)random_below(random, 3),
                .finished = random_chance(random, 10) ? NOW - random_below(random, 2 * MINUTE)
                                                      : EPOCH + HOUR + random_below(random, 40) * SEC,
                .exit_code = random_chance(random, 40) ? 1 : 0,
                .labelled = random_chance(random, 10),
                .elsewhere = random_chance(random, 5),
                .runs = random_chance(random, 5),
                .auto_remove = random_chance(random, 10),
                .failed_start = random_chance(random, 5) };
}

/* By the specification: may it be chosen at all? */
static bool may_be_chosen(const Container *c, bool *ret_counts, bool *ret_due) {
        Wanted w = oracle(c, &calm, NOW, false);
        bool ended = container_state_is_stopped(c->state) || c->failed_start;

        *ret_counts = ended && c->profile->in_scope && !c->gone;
        *ret_due = *ret_counts && verdict_removes(w.verdict);
        return *ret_counts && !*ret_due && !c->quarantined && !w.keep_failure &&
               !c->profile->keep_by_label && !c->profile->keep_by_rule && w.verdict != VERDICT_AUTO_REMOVE;
}

typedef struct One {
        Container *c;
        const char *workload;
        bool may_go, taken;
} One;

static bool is_older(const Container *a, const Container *b) {
        usec_t x = end_of(a).from, y = end_of(b).from;

        return x != y ? x < y : a->created < b->created;
}

/* Takes one after the other as the specification says; where several are equal, one that was chosen. */
static void check_greedy(const Registry *r, unsigned max) {
        One ones[400];
        size_t n = 0, excess, chosen = 0;

        for (Container *c = registry_next(r, NULL); c; c = registry_next(r, c)) {
                bool counts, due, may_go = may_be_chosen(c, &counts, &due);

                if (!counts || due) {
                        assert_false(!counts && c->over_cap);
                        continue;
                }
                if (c->over_cap && !may_go)
                        fail_msg("a protected one was chosen: %s",
                                        verdict_name(policy_decide_uncapped(c, &calm, NOW).verdict));
                chosen += c->over_cap;
                assert_true(n < ELEMENTS_OF(ones));
                ones[n++] = (One){ .c = c,
                        .workload = c->scope == SCOPE_TASK ? shared_text(c->service) : c->slot->name,
                        .may_go = may_go };
        }
        excess = n > max ? n - max : 0;
        for (; excess > 0; excess--) {
                One *best = NULL;
                size_t most = 0;

                for (size_t i = 0; i < n; i++) {
                        bool task = ones[i].c->scope == SCOPE_TASK;
                        size_t size = 0;
                        One *oldest = &ones[i];

                        if (!ones[i].may_go || ones[i].taken)
                                continue;
                        for (size_t k = 0; k < n; k++) {
                                One *o = &ones[k];

                                if (o->taken || (o->c->scope == SCOPE_TASK) != task ||
                                                strcmp(o->workload, ones[i].workload) != 0)
                                        continue;
                                size++;
                                if (!o->may_go)
                                        continue;
                                if (is_older(o->c, oldest->c) ||
                                                (!is_older(oldest->c, o->c) && o->c->over_cap))
                                        oldest = o;
                        }
                        if (size > most || (size == most && !best->c->over_cap)) {
                                best = oldest;
                                most = size;
                        }
                }
                if (!best)
                        break;
                if (!best->c->over_cap)
                        fail_msg("the oldest of the workload with most was not chosen");
                best->taken = true;
                chosen--;
        }
        assert_int_equal(chosen, 0); /* nor any other */
}

static void test_random_populations(void **state) {
        uint64_t random = 424242;
        size_t chosen = 0;

        (void)state;
        for (unsigned round = 0; round < 1500; round++) {
                Registry *r = new_node();
                size_t n = 1 + random_below(&random, 40);

                settings.settings.retention.keep_last = (unsigned)random_below(&random, 3);
                settings.settings.retention.keep_last_failure = (unsigned)random_below(&random, 3);
                if (random_chance(&random, 30))
                        settings.settings.retention.success = 20 * HOUR; /* some are due */
                for (size_t i = 0; i < n; i++) {
                        Container *c = put(r, random_spec(&random));

                        if (random_chance(&random, 5))
                                c->quarantined = true;
                        if (random_chance(&random, 5) && container_state_is_stopped(c->state))
                                registry_set_gone(r, c);
                        c->over_cap = random_chance(&random, 20); /* from before */
                }
                for (unsigned max = 0; max < n + 1; max += 1 + (unsigned)random_below(&random, 6)) {
                        select_some(r, max);
                        check_greedy(r, max);
                        chosen += count_chosen(r);
                }
                free_node(r);
        }
        assert_true(chosen > 5000);
}

/* Ends that are not known: choose, look at what would go, choose again. It comes to rest, takes none that
 * the truth protects, and leaves none that it could take. */
static void test_until_it_rests(void **state) {
        uint64_t random = 31337;

        (void)state;
        for (unsigned round = 0; round < 400; round++) {
                Registry *r = new_node();
                size_t n = 1 + random_below(&random, 24), stopped = 0, chosen = 0, looks = 0;
                unsigned max = (unsigned)random_below(&random, n + 1);
                Container *c[24];
                bool again = true;
                Told told[24];

                settings.settings.retention.keep_last_failure = (unsigned)random_below(&random, 3);
                for (size_t i = 0; i < n; i++) {
                        Spec s = random_spec(&random);

                        s.failed_start = false;
                        tell_of(&s, i, &told[i]);
                        c[i] = list_one(r, &told[i]);
                        if (random_chance(&random, 40))
                                inspect_one(r, c[i], &told[i]);
                }
                while (again) {
                        again = false;
                        select_some(r, max);
                        for (size_t i = 0; i < n && !again; i++) {
                                Decision d = policy_decide(c[i], &calm, NOW);
                                const Container *look = d.ask;

                                if (!look && d.due <= NOW && !d.exact)
                                        look = c[i];
                                for (size_t k = 0; look && k < n; k++)
                                        if (c[k] == look) {
                                                assert_false(c[k]->finish == FINISH_EXACT &&
                                                                c[k]->state_exact);
                                                inspect_one(r, c[k], &told[k]);
                                                again = true;
                                                assert_true(++looks <= n);
                                        }
                        }
                }
                for (size_t i = 0; i < n; i++) /* what is left is looked at only to hear the truth */
                        if (c[i]->finish != FINISH_EXACT && c[i]->state == CONTAINER_EXITED)
                                inspect_one(r, c[i], &told[i]);
                for (size_t i = 0; i < n; i++) {
                        bool counts, due, may_go = may_be_chosen(c[i], &counts, &due);

                        stopped += counts;
                        chosen += c[i]->over_cap || due;
                        if (c[i]->over_cap && verdict_removes(policy_decide(c[i], &calm, NOW).verdict))
                                assert_true(may_go || due);
                }
                if (stopped - chosen > max)
                        for (size_t i = 0; i < n; i++) {
                                bool counts, due, may_go = may_be_chosen(c[i], &counts, &due);

                                if (may_go && !c[i]->over_cap)
                                        fail_msg("over the cap, and one is left that may go");
                        }
                free_node(r);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_populations),
                cmocka_unit_test(test_until_it_rests),
        };

        return cmocka_run_group_tests_name("cap-random", tests, NULL, NULL);
}
