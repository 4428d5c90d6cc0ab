/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever holds, and whatever happens: an explanation says what policy_decide() says. One step decides, it
 * is the first that keeps, or else one that removes, and what it says of time comes true.
 */

#include "core/explanation.h"
#include "random-world.h"

static void fail_about(const char *what, const Explanation *e, const World *w, usec_t now) {
        for (size_t i = 0; i < e->n_steps; i++) {
                const ExplanationStep *step = &e->steps[i];

                print_error("%c %-10s %-7s %s\n", step->decides ? '>' : ' ',
                                explanation_step_name(step->kind), explanation_effect_name(step->effect),
                                step->text);
        }
        for (size_t i = 0; i < _PRESSURE_LEVEL_MAX; i++)
                print_error("  %-10s %s\n", pressure_level_name((PressureLevel)i), e->levels[i].text);
        if (w->c.profile)
                describe(what, &w->c, &w->situation, now, NULL, e->decision);
        fail_msg("%s: %s", what, verdict_name(e->decision.verdict));
}

static bool same(const Decision *a, const Decision *b) {
        return a->verdict == b->verdict && a->outcome == b->outcome && a->exact == b->exact &&
               a->age == b->age && a->due == b->due && a->setting == b->setting &&
               a->keep_last == b->keep_last && a->keep_failure == b->keep_failure && a->ask == b->ask;
}

static bool holds_together(const ExplanationStep *step, const Profile *p, usec_t now) {
        bool has_setting = step->setting != _SETTING_INVALID;

        if (step->effect == EFFECT_KEEPS ? step->until <= now : step->until != 0)
                return false;
        if ((step->value != NULL) != has_setting || (has_setting && (!step->origin || !p)))
                return false;
        return step->text && step->text[0] != '\0';
}

/* The moment that the deciding step tells is the one at which it stops deciding. */
static const char *check_until(const World *w, const Explanation *e, const ExplanationStep *step) {
        const Decision *d = &e->decision;
        Decision at, before;

        if (step->effect != EFFECT_KEEPS || step->until == USEC_INFINITY)
                return NULL;
        at = policy_decide(&w->c, &w->situation, step->until);
        if (at.verdict == d->verdict && at.due <= step->until)
                return "nothing changes when it was said to";
        if (d->due > step->until && at.due <= step->until && !verdict_may_remove(at.verdict))
                return "is due earlier than it was said";
        before = policy_decide(&w->c, &w->situation, step->until - 1);
        /* Pressure, which has a step of its own, may end these two earlier. */
        if (before.verdict != d->verdict &&
                        !(w->situation.pressure != PRESSURE_NORMAL &&
                                        (step->kind == EXPLAIN_SPAN || step->kind == EXPLAIN_KEEP_LAST)))
                return "changes earlier than it was said";
        return NULL;
}

static const char *check_steps(const World *w, const Explanation *e, usec_t now) {
        Decision d = policy_decide(&w->c, &w->situation, now);
        const ExplanationStep *decider = NULL, *keeps = NULL;

        if (!same(&d, &e->decision))
                return "is not the decision";
        for (size_t i = 0; i < e->n_steps; i++) {
                const ExplanationStep *step = &e->steps[i];

                if (i > 0 && step->kind <= step[-1].kind)
                        return "is not in order";
                if (!holds_together(step, w->c.profile, now))
                        return "has a step that does not hold together";
                if (step->decides && decider)
                        return "has two steps that decide";
                if (step->decides)
                        decider = step;
                if (step->effect == EFFECT_KEEPS && !keeps)
                        keeps = step;
        }

        if (!decider)
                return "has no step that decides";
        if (verdict_removes(d.verdict) ? keeps != NULL : decider != keeps)
                return "is not decided by the first step that keeps";
        if (decider->effect != (verdict_removes(d.verdict) ? EFFECT_REMOVES : EFFECT_KEEPS))
                return "is decided by a step that says otherwise";
        return check_until(w, e, decider);
}

static bool begins_with(const char *text, const char *word) {
        return strncmp(text, word, strlen(word)) == 0;
}

static Decision decide_at_level(const World *w, const Situation *s, usec_t at) {
        return s->pressure == PRESSURE_CRITICAL ? policy_decide_in_batch(&w->c, s, at)
                                                : policy_decide(&w->c, s, at);
}

/* Does it say whether it goes, when, if what, and what keeps it until then? */
static const char *check_text(const World *w, const Situation *s, usec_t now, const char *text,
                const Decision *d, const Decision *then) {
        bool waits = d->due > now && d->due < USEC_INFINITY && verdict_may_remove(then->verdict);
        bool goes = verdict_may_remove(d->verdict) && w->c.profile, may_go = goes || waits;
        const Decision *last = goes ? d : then;
        Decision alone = policy_decide(&w->c, s, goes ? now : d->due);
        char kept[64];

        if (goes == waits && may_go)
                return "has a level at which it goes both now and later";
        if ((strstr(text, "goes ") != NULL) != may_go)
                return "has a level that does not say whether it goes";
        if ((strstr(text, "goes in ") != NULL) != waits)
                return "has a level that does not say that it goes later";
        if ((strstr(text, "looked at again") != NULL) != (!may_go && d->due > now && d->due < USEC_INFINITY))
                return "has a level that does not say when it is looked at";
        if (begins_with(text, "goes at once") != (goes && verdict_may_remove(alone.verdict)))
                return "has a level that does not say that it goes at once";
        if ((strstr(text, "when a batch") != NULL) != (may_go && !verdict_may_remove(alone.verdict)))
                return "has a level that does not say that it goes in a batch only";
        if ((strstr(text, "the engine says") != NULL) != (may_go && last->verdict == VERDICT_SCOPE_UNKNOWN))
                return "has a level that does not say that the engine is asked";

        if (goes)
                return begins_with(text, "stays") ? "has a level that says what does not keep it" : NULL;
        (void)snprintf(kept, sizeof(kept), "stays: %s",
                        verdict_name(waits ? decide_at_level(w, s, d->due - 1).verdict : d->verdict));
        if (begins_with(text, "stays") ? !begins_with(text, kept) : !may_go)
                return "has a level that does not say what keeps it";
        return NULL;
}

static const char *check_levels(const World *w, const Explanation *e, usec_t now) {
        for (PressureLevel level = 0; level < _PRESSURE_LEVEL_MAX; level++) {
                const ExplanationLevel *l = &e->levels[level];
                Situation s = w->situation;
                const char *wrong;
                Decision d, then;

                s.pressure = level;
                d = decide_at_level(w, &s, now);
                then = decide_at_level(w, &s, d.due);
                if (!same(&d, &l->decision))
                        return "has a level that is not the decision there";
                if ((l->value != NULL) != (w->c.profile && d.setting != _SETTING_INVALID) ||
                                (l->value != NULL) != (l->origin != NULL))
                        return "has a level without its setting";
                wrong = check_text(w, &s, now, l->text, &d, &then);
                if (wrong)
                        return wrong;
        }
        return NULL;
}

/* What the worlds do not have by themselves. */
static void stir(World *w, uint64_t *random, usec_t now) {
        Container *c = &w->c;

        c->requested = random_chance(random, 15);
        c->attempts = c->retry_at != 0 ? (uint16_t)random_between(random, 1, 8) : 0;
        if (random_chance(random, 10)) {
                c->scope = SCOPE_UNKNOWN;
                w->situation.ask_again_at =
                                random_chance(random, 40) ? now - 1 + random_below(random, 3) : 0;
        }
        if (random_chance(random, 10) && !c->failed_start) {
                c->state = (uint8_t)random_below(random, _CONTAINER_STATE_MAX);
                c->state_exact = random_chance(random, 50);
        }
        if (random_chance(random, 3)) {
                c->profile = NULL;
                c->scope = random_chance(random, 50) ? SCOPE_UNKNOWN : c->scope;
        }
        if (random_chance(random, 5))
                w->situation.without_backoff = true;
}

static void test_says_what_is_decided(void **state) {
        unsigned rounds = getenv("REAPERD_TEST_INSTRUMENTED") ? 5000 : 40000;
        unsigned verdicts[_VERDICT_MAX] = { 0 },
                 effects[_EXPLAIN_STEP_MAX][_EXPLANATION_EFFECT_MAX] = { { 0 } };
        unsigned overridden = 0, decided_by_retry = 0;
        uint64_t random = 20261123;

        (void)state;
        for (unsigned round = 0; round < rounds; round++) {
                const char *wrong;
                Explanation e;
                Container before;
                usec_t now;
                World w;

                build(&w, &random);
                now = random_now(&w, &random);
                random_situation(&w, &random, now);
                stir(&w, &random, now);
                before = w.c;

                assert_int_equal(explanation_make(&w.c, &w.situation, now, &e), 0);
                assert_memory_equal(&before, &w.c, sizeof(before));
                wrong = check_steps(&w, &e, now);
                if (!wrong)
                        wrong = check_levels(&w, &e, now);
                if (wrong)
                        fail_about(wrong, &e, &w, now);

                verdicts[e.decision.verdict]++;
                for (size_t i = 0; i < e.n_steps; i++) {
                        effects[e.steps[i].kind][e.steps[i].effect]++;
                        overridden += strstr(e.steps[i].text, "overrides") != NULL;
                        decided_by_retry += e.steps[i].decides && e.steps[i].kind == EXPLAIN_RETRY;
                }
                explanation_done(&e);
                assert_int_equal(e.n_steps, 0);
                clear(&w);
        }

        /* Else the cases would prove nothing. */
        for (Verdict v = 0; v < _VERDICT_MAX; v++)
                if (verdicts[v] < rounds / 4000)
                        fail_msg("%s was decided %u times only", verdict_name(v), verdicts[v]);
        for (ExplanationStepKind kind = 0; kind < _EXPLAIN_STEP_MAX; kind++) {
                bool removes = kind >= EXPLAIN_SPAN && kind != EXPLAIN_RETRY;

                assert_true((effects[kind][EFFECT_REMOVES] > rounds / 1000) == removes);
                if (kind < EXPLAIN_CAP || kind == EXPLAIN_RETRY)
                        assert_true(effects[kind][EFFECT_KEEPS] > 0 && effects[kind][EFFECT_PASSES] > 0);
        }
        assert_true(overridden > rounds / 100 && decided_by_retry > rounds / 1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_says_what_is_decided),
        };

        return cmocka_run_group_tests_name("explanation-properties", tests, NULL, NULL);
}
