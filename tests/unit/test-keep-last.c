/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KeepLast= and KeepLastFailure=: who is one of the last of its slot, when ends are exact, told by events,
 * or only bounded. What is not certain is kept, and names somebody whose inspect helps; repeated, that must
 * end with what somebody who knows the truth would have said at once.
 */

#include "policy-check.h"

#define MEMBERS 9

typedef struct World {
        Profile profile;
        Situation situation;
        Slot *slots;
        SharedText *nodes, *here, *elsewhere;
        Container members[MEMBERS];
        Container truth[MEMBERS]; /* the same as an inspect would tell it */
        size_t n;
} World;

static void build(World *w, unsigned keep_last, unsigned keep_last_failure) {
        Retention r = default_retention;

        memset(w, 0, sizeof(*w));
        r.success = r.shutdown = r.failure = r.oom_killed = r.failed_start = MINUTE;
        r.keep_last = keep_last;
        r.keep_last_failure = keep_last_failure;
        w->profile = profile_of(&r);
        w->situation = (Situation){ .engine_connected = true,
                .swarm_state = SWARM_ACTIVE,
                .node_known_at = USEC_INFINITY,
                .node_id = "here" };
        w->here = shared_text_ref(&w->nodes, "here");
        w->elsewhere = shared_text_ref(&w->nodes, "elsewhere");
}

static void clear(World *w) {
        for (size_t i = 0; i < w->n; i++)
                slot_leave(&w->slots, &w->members[i]);
        assert_null(w->slots);
        shared_text_unref(&w->nodes, w->here);
        shared_text_unref(&w->nodes, w->elsewhere);
        assert_null(w->nodes);
}

static Container *add(World *w, usec_t finished, int exit_code) {
        Container *c = &w->members[w->n];

        *c = (Container){ .id = id_of_number(w->n + 1),
                .scope = SCOPE_TASK,
                .profile = &w->profile,
                .node = w->here,
                .state = CONTAINER_EXITED,
                .state_exact = true,
                .finish = FINISH_EXACT,
                .finished = finished,
                .created = EPOCH - HOUR,
                .looked_at = EPOCH + DAY,
                .exit_code = exit_code };
        w->truth[w->n++] = *c;
        assert_int_equal(slot_join(&w->slots, "shop_web.1", c), 0);
        return c;
}

/* It is seen no better than this. */
static void blur(Container *c, Finish finish, usec_t at) {
        c->finish = (uint8_t)finish;
        c->finished = finish == FINISH_SEEN ? at : 0;
        if (finish == FINISH_BOUNDED)
                c->alive_until = at;
        c->state_exact = false;
        c->exit_code = 0;
        slot_update(c);
}

static void inspected(World *w, const Container *which) {
        size_t i = (size_t)(which - w->members);
        Container *c = &w->members[i];

        assert_true(i < w->n);
        c->finish = FINISH_EXACT;
        c->state_exact = true;
        c->finished = w->truth[i].finished;
        c->exit_code = w->truth[i].exit_code;
        c->oom_killed = w->truth[i].oom_killed;
        c->state = w->truth[i].state;
        c->failed_start = w->truth[i].failed_start;
        c->error_seen = w->truth[i].error_seen;
        slot_update(c);
}

static Verdict verdict(World *w, const Container *c) {
        return policy_decide(c, &w->situation, EPOCH + DAY).verdict;
}

static void test_exact_ends(void **state) {
        Container *c[5];
        World w;

        (void)state;
        for (unsigned keep = 0; keep < 7; keep++) {
                build(&w, keep == 6 ? COUNT_INFINITY : keep, 0);
                for (size_t i = 0; i < 5; i++)
                        c[i] = add(&w, EPOCH + (i * 3 % 5) * SEC, i & 1); /* 0 3 1 4 2 */
                for (size_t i = 0; i < 5; i++) {
                        unsigned newer = (unsigned)(4 - i * 3 % 5);

                        assert_int_equal(verdict(&w, c[i]),
                                        newer < keep ? VERDICT_KEPT_LAST : VERDICT_TTL_EXPIRED);
                }
                clear(&w);
        }
}

static void test_failures_only(void **state) {
        Container *old_failure, *failure, *shutdown, *oom, *failed_start, *success;
        World w;

        (void)state;
        build(&w, 0, 2);
        old_failure = add(&w, EPOCH + 1 * SEC, 1);
        failure = add(&w, EPOCH + 2 * SEC, 1);
        oom = add(&w, EPOCH + 3 * SEC, 137);
        oom->oom_killed = true;
        failed_start = add(&w, 0, 127);
        failed_start->state = CONTAINER_CREATED;
        failed_start->failed_start = true;
        failed_start->finish = FINISH_BOUNDED;
        failed_start->created = EPOCH + 4 * SEC; /* which is what counts for it */
        failed_start->error_seen = EPOCH + 5 * SEC;
        slot_update(failed_start);
        shutdown = add(&w, EPOCH + 5 * SEC, 143);
        success = add(&w, EPOCH + 6 * SEC, 0);

        assert_int_equal(verdict(&w, failed_start), VERDICT_KEPT_LAST);
        assert_int_equal(verdict(&w, oom), VERDICT_KEPT_LAST);
        assert_true(policy_decide(oom, &w.situation, EPOCH + DAY).keep_failure);
        assert_int_equal(policy_decide(oom, &w.situation, EPOCH + DAY).setting, SETTING_KEEP_LAST_FAILURE);
        assert_int_equal(verdict(&w, failure), VERDICT_TTL_EXPIRED);
        assert_int_equal(verdict(&w, old_failure), VERDICT_TTL_EXPIRED);
        assert_int_equal(verdict(&w, shutdown), VERDICT_TTL_EXPIRED);
        assert_int_equal(verdict(&w, success), VERDICT_TTL_EXPIRED);

        w.profile.retention.keep_last = 2; /* of all: success and shutdown */
        assert_int_equal(verdict(&w, success), VERDICT_KEPT_LAST);
        assert_false(policy_decide(success, &w.situation, EPOCH + DAY).keep_failure);
        assert_int_equal(policy_decide(success, &w.situation, EPOCH + DAY).setting, SETTING_KEEP_LAST);
        assert_int_equal(verdict(&w, shutdown), VERDICT_KEPT_LAST);
        assert_int_equal(verdict(&w, oom), VERDICT_KEPT_LAST);
        assert_int_equal(verdict(&w, failure), VERDICT_TTL_EXPIRED);
        w.profile.retention.keep_last_failure = COUNT_INFINITY;
        assert_int_equal(verdict(&w, old_failure), VERDICT_KEPT_LAST);
        clear(&w);
}

/* They neither are kept so, nor do they count. */
static void test_orphans(void **state) {
        Container *old, *orphan;
        World w;

        (void)state;
        build(&w, 1, 1);
        old = add(&w, EPOCH, 1);
        orphan = add(&w, EPOCH + SEC, 1);
        assert_int_equal(verdict(&w, old), VERDICT_TTL_EXPIRED);
        orphan->node = w.elsewhere;
        assert_int_equal(verdict(&w, orphan), VERDICT_ORPHAN);
        assert_int_equal(verdict(&w, old), VERDICT_KEPT_LAST);
        w.situation.node_id = NULL; /* nobody is one */
        assert_int_equal(verdict(&w, orphan), VERDICT_KEPT_LAST);
        assert_int_equal(verdict(&w, old), VERDICT_TTL_EXPIRED);
        clear(&w);
}

static void test_kept_last_for(void **state) {
        Container *c;
        World w;

        (void)state;
        build(&w, 0, 1);
        c = add(&w, EPOCH, 1);
        assert_int_equal(policy_decide(c, &w.situation, EPOCH + 7 * DAY - 1).verdict, VERDICT_KEPT_LAST);
        assert_int_equal(policy_decide(c, &w.situation, EPOCH + 7 * DAY - 1).due, EPOCH + 7 * DAY);
        assert_int_equal(policy_decide(c, &w.situation, EPOCH + 7 * DAY).verdict, VERDICT_TTL_EXPIRED);
        /* A failed start: from its creation. */
        c->state = CONTAINER_CREATED;
        c->failed_start = true;
        c->finish = FINISH_BOUNDED;
        c->error_seen = EPOCH + HOUR;
        assert_int_equal(policy_decide(c, &w.situation, EPOCH + 2 * HOUR).due, c->created + 7 * DAY);
        assert_int_equal(policy_decide(c, &w.situation, c->created + 7 * DAY).verdict, VERDICT_TTL_EXPIRED);
        clear(&w);
}

/* Exactly N of those that ended at the same moment, whatever order they came in. */
static void test_ties(void **state) {
        (void)state;
        for (unsigned keep = 1; keep < 6; keep++)
                for (uint64_t seed = 1; seed < 40; seed++) {
                        uint64_t random = seed;
                        unsigned kept = 0;
                        World w;

                        build(&w, keep, 0);
                        for (size_t i = 0; i < 6; i++) {
                                Container *c = add(&w, EPOCH, 0);

                                c->id = id_of_number(random_next(&random));
                                c->created -= random_below(&random, 2);
                                slot_update(c);
                        }
                        for (size_t i = 0; i < 6; i++)
                                kept += verdict(&w, &w.members[i]) == VERDICT_KEPT_LAST;
                        assert_int_equal(kept, keep);
                        clear(&w);
                }
}

static void test_created_breaks_ties(void **state) {
        Container *a, *b;
        World w;

        (void)state;
        build(&w, 1, 0);
        a = add(&w, EPOCH, 0);
        b = add(&w, EPOCH, 0);
        a->created++;
        slot_update(a);
        assert_int_equal(verdict(&w, a), VERDICT_KEPT_LAST);
        assert_int_equal(verdict(&w, b), VERDICT_TTL_EXPIRED);
        b->created += 2;
        slot_update(b);
        assert_int_equal(verdict(&w, a), VERDICT_TTL_EXPIRED);
        assert_int_equal(verdict(&w, b), VERDICT_KEPT_LAST);
        clear(&w);
}

static void test_bounded_peer(void **state) {
        Container *c, *other;
        Decision d;
        World w;

        (void)state;
        build(&w, 1, 0);
        c = add(&w, EPOCH + HOUR, 0);
        other = add(&w, EPOCH + 2 * HOUR, 0);

        /* It ended behind c for sure. */
        blur(other, FINISH_BOUNDED, EPOCH + HOUR + MINUTE);
        d = policy_decide(c, &w.situation, EPOCH + DAY);
        assert_int_equal(d.verdict, VERDICT_TTL_EXPIRED);
        assert_null(d.ask);

        /* Before or behind, who knows? */
        blur(other, FINISH_BOUNDED, EPOCH);
        d = policy_decide(c, &w.situation, EPOCH + DAY);
        assert_int_equal(d.verdict, VERDICT_KEPT_LAST);
        assert_ptr_equal(d.ask, other);
        inspected(&w, other);
        d = policy_decide(c, &w.situation, EPOCH + DAY);
        assert_int_equal(d.verdict, VERDICT_TTL_EXPIRED);
        assert_null(d.ask);

        /* Nobody is asked for what has time. */
        blur(other, FINISH_BOUNDED, EPOCH);
        d = policy_decide(c, &w.situation, EPOCH + HOUR + MINUTE - 1);
        assert_false(verdict_removes(d.verdict));
        assert_null(d.ask);
        assert_int_equal(d.due, EPOCH + HOUR + MINUTE); /* then it must be known */

        /* Nor where it makes no difference. */
        w.profile.retention.keep_last = 2;
        d = policy_decide(c, &w.situation, EPOCH + DAY);
        assert_int_equal(d.verdict, VERDICT_KEPT_LAST);
        assert_null(d.ask);
        w.profile.retention.keep_last = 1;
        d = policy_decide(c, &w.situation, EPOCH + HOUR + 7 * DAY);
        assert_int_equal(d.verdict, VERDICT_TTL_EXPIRED);
        assert_null(d.ask);
        clear(&w);
}

/* Two ends within a moment, one of them told by an event only. */
static void test_seen_peer(void **state) {
        Container *c, *other;
        World w;

        (void)state;
        build(&w, 1, 0);
        c = add(&w, EPOCH + HOUR, 0);
        other = add(&w, EPOCH + HOUR + 1, 0);
        for (int sign = -1; sign <= 1; sign += 2) {
                blur(other, FINISH_SEEN, EPOCH + HOUR + (usec_t)(sign * (int64_t)(SEC / 2)));
                assert_int_equal(verdict(&w, c), VERDICT_KEPT_LAST);
                assert_ptr_equal(policy_decide(c, &w.situation, EPOCH + DAY).ask, other);
        }
        blur(other, FINISH_SEEN, EPOCH + HOUR + MINUTE); /* far enough */
        assert_int_equal(verdict(&w, c), VERDICT_TTL_EXPIRED);
        blur(other, FINISH_SEEN, EPOCH + HOUR - MINUTE);
        assert_int_equal(verdict(&w, c), VERDICT_KEPT_LAST);
        assert_null(policy_decide(c, &w.situation, EPOCH + DAY).ask);
        clear(&w);
}

/* Whether a newer one failed is not known either, unless an event has told and is to be trusted. */
static void test_peer_that_may_have_failed(void **state) {
        Container *c, *other;
        World w;

        (void)state;
        build(&w, 0, 1);
        c = add(&w, EPOCH, 1);
        other = add(&w, EPOCH + HOUR, 0);
        blur(other, FINISH_BOUNDED, EPOCH + MINUTE);
        assert_int_equal(verdict(&w, c), VERDICT_KEPT_LAST);
        assert_ptr_equal(policy_decide(c, &w.situation, EPOCH + DAY).ask, other);
        blur(other, FINISH_SEEN, EPOCH + HOUR);
        other->exit_hinted = true;
        other->exit_code = 1; /* a failure or an OOM kill */
        assert_int_equal(verdict(&w, c), VERDICT_TTL_EXPIRED);
        other->exit_code = 0;
        assert_int_equal(verdict(&w, c), VERDICT_KEPT_LAST);
        assert_null(policy_decide(c, &w.situation, EPOCH + DAY).ask);
        other->exit_code_forged = true; /* a label says so */
        assert_ptr_equal(policy_decide(c, &w.situation, EPOCH + DAY).ask, other);
        clear(&w);
}

/* A label may have put a newer one here, and nobody has asked the engine yet whether it is a task. */
static void test_peer_that_may_be_forged(void **state) {
        Container *c, *other;
        World w;

        (void)state;
        build(&w, 0, 1);
        c = add(&w, EPOCH, 1);
        other = add(&w, EPOCH + HOUR, 1);
        other->labelled = true;
        other->scope = SCOPE_UNKNOWN;
        assert_int_equal(verdict(&w, c), VERDICT_KEPT_LAST);
        assert_ptr_equal(policy_decide(c, &w.situation, EPOCH + DAY).ask, other);
        other->scope = SCOPE_TASK;
        assert_int_equal(verdict(&w, c), VERDICT_TTL_EXPIRED);
        clear(&w);
}

/* Certainly one of the last by KeepLast=, perhaps by KeepLastFailure=: kept either way. A cap, which the
 * first does not stop, must find out about the second. */
static void test_cap_must_know(void **state) {
        Container *c, *other;
        Decision d;
        World w;

        (void)state;
        for (int fails = 0; fails < 2; fails++) {
                build(&w, 2, 1);
                c = add(&w, EPOCH, 1);
                other = add(&w, EPOCH + HOUR, fails);
                blur(other, FINISH_BOUNDED, EPOCH + MINUTE);
                d = policy_decide(c, &w.situation, EPOCH + DAY);
                assert_int_equal(d.verdict, VERDICT_KEPT_LAST);

                c->over_cap = true;
                d = policy_decide(c, &w.situation, EPOCH + DAY);
                assert_int_equal(d.verdict, VERDICT_KEPT_LAST);
                assert_ptr_equal(d.ask, other);
                inspected(&w, other);
                d = policy_decide(c, &w.situation, EPOCH + DAY);
                assert_int_equal(d.verdict, fails ? VERDICT_OVER_CAP : VERDICT_KEPT_LAST);
                assert_null(d.ask);
                clear(&w);
        }
}

/* --- against the truth --- */

static void random_member(World *w, uint64_t *random) {
        static const int codes[] = { 0, 1, 137, 143 };
        usec_t end = EPOCH + random_below(random, 6) * SEC / 2 + (random_chance(random, 50) ? 0 : HOUR);
        Container *c = add(w, end, codes[random_below(random, ELEMENTS_OF(codes))]);
        Container *t = &w->truth[w->n - 1];

        t->stop_asked = c->stop_asked = random_chance(random, 10);
        t->oom_killed = c->oom_killed = random_chance(random, 15);
        t->created = c->created = random_chance(random, 70) ? EPOCH - HOUR : EPOCH - HOUR + SEC;
        if (random_chance(random, 15))
                t->node = c->node = w->elsewhere;
        if (random_chance(random, 10)) {
                c->state = CONTAINER_CREATED;
                c->failed_start = true;
                c->finish = FINISH_BOUNDED;
                c->finished = 0;
                c->created = end;
                c->error_seen = end;
                c->exit_code = 127;
                *t = *c;
                slot_update(c);
        } else if (random_chance(random, 30)) {
                int code = c->exit_code;

                /* A second or less from the truth. */
                blur(c, FINISH_SEEN, end - SEC + random_below(random, 2 * SEC + 1));
                if (random_chance(random, 50)) {
                        c->exit_hinted = true;
                        c->exit_code = random_chance(random, 80) ? code : 3;
                        c->exit_code_forged = c->exit_code != code;
                }
        } else if (random_chance(random, 40))
                blur(c, FINISH_BOUNDED, end - random_below(random, 3 * SEC));
        /* What is blurred shows no OOM flag. */
        if (c->finish != FINISH_EXACT)
                c->oom_killed = false;
        slot_update(c);
}

static bool truly_fails(const Container *t) {
        return t->failed_start || outcome_fails(outcome_of_end(t->exit_code, t->oom_killed, t->stop_asked));
}

/* By somebody who knows all ends: is it one of the newest n (of the failures)? */
static bool truly_last(const World *w, size_t i, unsigned n, bool failures) {
        usec_t mine = w->truth[i].failed_start ? w->truth[i].created : w->truth[i].finished;
        unsigned newer = 0;

        if (failures && !truly_fails(&w->truth[i]))
                return false;
        for (size_t k = 0; k < w->n; k++) {
                const Container *t = &w->truth[k];
                usec_t end = t->failed_start ? t->created : t->finished;

                if (k == i || t->node == w->elsewhere || (failures && !truly_fails(t)))
                        continue;
                newer += end > mine || (end == mine && tie_is_newer(t, &w->truth[i]));
        }
        return newer < n;
}

static void test_asking_ends_with_the_truth(void **state) {
        static const unsigned counts[] = { 0, 1, 1, 2, 3, 8, COUNT_INFINITY };
        unsigned asked = 0, kept = 0, went = 0, capped = 0;
        uint64_t random = 1234567;

        (void)state;
        for (unsigned round = 0; round < 30000; round++) {
                size_t n = 1 + random_below(&random, MEMBERS), i;
                Decision d;
                World w;

                build(&w, counts[random_below(&random, ELEMENTS_OF(counts))],
                                counts[random_below(&random, ELEMENTS_OF(counts))]);
                for (size_t k = 0; k < n; k++)
                        random_member(&w, &random);
                i = random_below(&random, n);
                w.members[i].over_cap = random_chance(&random, 30);

                for (unsigned inspects = 0;; inspects++) {
                        check_against_oracle(&w.members[i], &w.situation, EPOCH + DAY);
                        check_properties(&w.members[i], &w.situation, EPOCH + DAY);
                        check_due_is_honest(&w.members[i], &w.situation, EPOCH + DAY, &random);
                        d = policy_decide(&w.members[i], &w.situation, EPOCH + DAY);
                        assert_true(inspects <= 2 * n);
                        if (d.ask) {
                                assert_false(verdict_removes(d.verdict));
                                inspected(&w, d.ask);
                                asked++;
                        } else if (!d.exact) { /* it is due itself, and is looked at first */
                                assert_true(d.due <= EPOCH + DAY);
                                inspected(&w, &w.members[i]);
                        } else
                                break;
                }

                bool orphan = w.truth[i].node == w.elsewhere;
                bool failure = !orphan && truly_last(&w, i, w.profile.retention.keep_last_failure, true);
                bool last = !orphan && truly_last(&w, i, w.profile.retention.keep_last, false);

                if (failure || (last && !w.members[i].over_cap)) {
                        assert_int_equal(d.verdict, VERDICT_KEPT_LAST);
                        if (!last || w.members[i].over_cap) /* else it need not be known */
                                assert_int_equal(d.keep_failure, failure);
                        kept++;
                } else if (last) {
                        /* Nobody need ask which of both it is. */
                        assert_true(d.verdict == VERDICT_OVER_CAP || d.verdict == VERDICT_TTL_EXPIRED);
                        capped += d.verdict == VERDICT_OVER_CAP;
                } else {
                        assert_true(verdict_removes(d.verdict));
                        if (!w.members[i].over_cap)
                                assert_int_equal(d.verdict, orphan ? VERDICT_ORPHAN : VERDICT_TTL_EXPIRED);
                        went++;
                }
                clear(&w);
        }
        assert_true(asked > 3000 && kept > 3000 && went > 3000 && capped > 500);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_exact_ends),
                cmocka_unit_test(test_failures_only),
                cmocka_unit_test(test_orphans),
                cmocka_unit_test(test_kept_last_for),
                cmocka_unit_test(test_ties),
                cmocka_unit_test(test_created_breaks_ties),
                cmocka_unit_test(test_bounded_peer),
                cmocka_unit_test(test_seen_peer),
                cmocka_unit_test(test_peer_that_may_have_failed),
                cmocka_unit_test(test_peer_that_may_be_forged),
                cmocka_unit_test(test_cap_must_know),
                cmocka_unit_test(test_asking_ends_with_the_truth),
        };

        return cmocka_run_group_tests_name("keep-last", tests, NULL, NULL);
}
