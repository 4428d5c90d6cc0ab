/* SPDX-License-Identifier: Apache-2.0 */
/* Each step of an explanation in each of its words. */

#include "explanation-fixture.h"

static const struct {
        void (*apply)(World *);
        ExplanationStepKind kind;
        ExplanationEffect effect;
        const char *text;
} rows[] = {
        { nothing, EXPLAIN_SCOPE, EFFECT_PASSES, "is a Swarm task" },
        { of_service, EXPLAIN_SCOPE, EFFECT_PASSES, "is a Swarm task of the service shop_web" },
        { plain, EXPLAIN_SCOPE, EFFECT_KEEPS, "is no Swarm task, and no rule lets it in" },
        { plain_by_rule, EXPLAIN_SCOPE, EFFECT_PASSES,
                        "is no Swarm task; rule batch" BY_FILE(40) " lets it in" },
        { not_listed, EXPLAIN_SCOPE, EFFECT_KEEPS,
                        "is none of the Swarm tasks that the engine lists, whatever its labels say" },
        { scope_unknown, EXPLAIN_SCOPE, EFFECT_KEEPS,
                        "may go as soon as the engine says that it is a Swarm task" },
        { scope_unknown_and_kept, EXPLAIN_SCOPE, EFFECT_SKIPPED,
                        "once it may go, the engine is asked whether it is a Swarm task" },

        { nothing, EXPLAIN_STATE, EFFECT_PASSES, "exited with code 1, a failure, 2h ago" },
        { success, EXPLAIN_STATE, EFFECT_PASSES, "exited with code 0, a success, 2h ago" },
        { oom_killed, EXPLAIN_STATE, EFFECT_PASSES, "exited with code 137, out of memory, 2h ago" },
        { shut_down, EXPLAIN_STATE, EFFECT_PASSES, "exited with code 143, asked to stop, 2h ago" },
        { just_ended, EXPLAIN_STATE, EFFECT_PASSES, "exited with code 1, a failure, just now" },
        { seen, EXPLAIN_STATE, EFFECT_PASSES,
                        "exited 2h ago by what the engine's events told: an inspect tells before it goes" },
        { bounded, EXPLAIN_STATE, EFFECT_PASSES,
                        "has exited; not longer ago than 2h 1min: an inspect tells before it goes" },
        { failed_start, EXPLAIN_STATE, EFFECT_PASSES,
                        "could not be started (exit code 127), and was created 2h 1min ago" },
        { no_longer_exited, EXPLAIN_STATE, EFFECT_KEEPS, "is running" },
        { paused, EXPLAIN_STATE, EFFECT_KEEPS, "is paused (docker pause)" },
        { restarting, EXPLAIN_STATE, EFFECT_KEEPS, "is being restarted by the engine" },
        { unknown_state, EXPLAIN_STATE, EFFECT_KEEPS, "its state is not known, and counts as running" },
        { removing, EXPLAIN_STATE, EFFECT_KEEPS, "is being removed by somebody else" },
        { created, EXPLAIN_STATE, EFFECT_KEEPS, "was created 2h 1min ago and may still be started" },

        { nothing, EXPLAIN_RESTART, EFFECT_SKIPPED, "is a Swarm task, which the engine never starts again" },
        { scope_unknown, EXPLAIN_RESTART, EFFECT_SKIPPED,
                        "is by its labels a Swarm task; the engine never starts those again" },
        { plain_by_rule, EXPLAIN_RESTART, EFFECT_PASSES,
                        "the engine neither starts it again nor removes it by itself" },
        { no_look_at_plain, EXPLAIN_RESTART, EFFECT_SKIPPED,
                        "an inspect tells whether the engine may start it again" },
        { auto_remove, EXPLAIN_RESTART, EFFECT_KEEPS,
                        "the engine is to remove it by itself (docker run --rm)" },
        { may_restart, EXPLAIN_RESTART, EFFECT_KEEPS, "its restart policy may start it again" },

        { nothing, EXPLAIN_QUARANTINE, EFFECT_PASSES, "no removal of it has failed" },
        { failed_once, EXPLAIN_QUARANTINE, EFFECT_PASSES, "1 removal of it failed in a row" },
        { give_up, EXPLAIN_QUARANTINE, EFFECT_KEEPS,
                        "8 removals of it failed in a row: it is not tried again before the engine or "
                        "reaperd is "
                        "started anew" },

        { nothing, EXPLAIN_ENGINE, EFFECT_PASSES, "the engine answers" },
        { disconnect, EXPLAIN_ENGINE, EFFECT_KEEPS, "the engine cannot be reached" },
        { nothing, EXPLAIN_SETTLE, EFFECT_PASSES, "the engine has been up for long enough" },
        { settle_soon, EXPLAIN_SETTLE, EFFECT_KEEPS,
                        "the engine has not been up for long enough yet, for another 48s" },
        { settle_for_ever, EXPLAIN_SETTLE, EFFECT_KEEPS, "the engine has not been up for long enough yet" },
        { nothing, EXPLAIN_SWARM, EFFECT_PASSES, "this node's Swarm state allows removals (active)" },
        { lock_swarm, EXPLAIN_SWARM, EFFECT_KEEPS,
                        "this node's Swarm state forbids removals: the Swarm may not know its outcome yet "
                        "(locked)" },
        { nothing, EXPLAIN_RELOAD, EFFECT_PASSES, "no reload is under way" },
        { reload, EXPLAIN_RELOAD, EFFECT_KEEPS,
                        "the list of containers behind a new configuration is not in yet" },
        { nothing, EXPLAIN_PAUSE, EFFECT_PASSES, "removals are not paused" },
        { pause_for_long, EXPLAIN_PAUSE, EFFECT_KEEPS, "removals are paused, for another 40min" },
        { nothing, EXPLAIN_FIRST_RUN, EFFECT_PASSES, "no first run is waited for" },
        { run_first_now, EXPLAIN_FIRST_RUN, EFFECT_KEEPS,
                        "this is a first run: nothing is removed yet, for another 9min 1s" },
        { run_first_later, EXPLAIN_FIRST_RUN, EFFECT_KEEPS, "this is a first run: nothing is removed yet" },
        { nothing, EXPLAIN_SURGE, EFFECT_PASSES, "is not held after a reload" },
        { hold_after_reload, EXPLAIN_SURGE, EFFECT_KEEPS,
                        "a reload made too many due at once: they wait, for another 10min" },

        { nothing, EXPLAIN_FLOOR, EFFECT_PASSES, "is older than MinimumAge=1min" },
        { young, EXPLAIN_FLOOR, EFFECT_KEEPS,
                        "is younger than MinimumAge=2h 48s" BY_FILE(7) ", for another 48s" },
        { no_longer_exited, EXPLAIN_FLOOR, EFFECT_SKIPPED, "MinimumAge=1min counts from its end" },
        { in_batch_below_floor, EXPLAIN_FLOOR, EFFECT_PASSES,
                        "is older than [Pressure] MinimumAge=15s, which counts in a batch" },
        { in_batch_too_young, EXPLAIN_FLOOR, EFFECT_KEEPS,
                        "is younger than [Pressure] MinimumAge=2h 1s, for another 1s" },

        { nothing, EXPLAIN_KEEP_LABEL, EFFECT_PASSES, "no label keeps it" },
        { no_labels, EXPLAIN_KEEP_LABEL, EFFECT_PASSES, "no label keeps it: Honor=no" },
        { label_for_good, EXPLAIN_KEEP_LABEL, EFFECT_KEEPS, "label org.reaperd.keep keeps it" },
        { label_for_a_while, EXPLAIN_KEEP_LABEL, EFFECT_KEEPS,
                        "label org.reaperd.keep keeps it, for another 3d: MaxTTL=3d 2h" BY_FILE(30) },
        { label_no_longer, EXPLAIN_KEEP_LABEL, EFFECT_PASSES,
                        "label org.reaperd.keep kept it, no longer than MaxTTL=2h" BY_FILE(30) },
        { label_of_running, EXPLAIN_KEEP_LABEL, EFFECT_KEEPS,
                        "label org.reaperd.keep keeps it, after its end for MaxTTL=3d 2h" BY_FILE(30) },

        { nothing, EXPLAIN_KEEP_RULE, EFFECT_PASSES, "no rule matches" },
        { rule_keeps, EXPLAIN_KEEP_RULE, EFFECT_KEEPS, "rule batch" BY_FILE(41) " keeps it" },
        { rule_only_matches, EXPLAIN_KEEP_RULE, EFFECT_PASSES, "rule batch matches, and does not keep it" },
        { rule_from_file_only_matches, EXPLAIN_KEEP_RULE, EFFECT_PASSES,
                        "rule batch" BY_FILE(39) " matches, and does not keep it" },

        { nothing, EXPLAIN_KEEP_LAST, EFFECT_SKIPPED, "KeepLast= and KeepLastFailure= are 0" },
        { keep_failure, EXPLAIN_KEEP_LAST, EFFECT_KEEPS,
                        "KeepLastFailure=1: is the last failure" OF_SLOT KEPT_FOR },
        { keep_failure_no_longer, EXPLAIN_KEEP_LAST, EFFECT_PASSES, "KeepLastFor=2h has passed" },
        { keep_many, EXPLAIN_KEEP_LAST, EFFECT_KEEPS,
                        "KeepLast=3" BY_FILE(12) ": is one of the last 3" OF_SLOT KEPT_FOR },
        { keep_all, EXPLAIN_KEEP_LAST, EFFECT_KEEPS,
                        "KeepLast=infinity: is one of the stopped ones" OF_SLOT KEPT_FOR },
        { keep_failure_of_success, EXPLAIN_KEEP_LAST, EFFECT_PASSES, "is no failure, and KeepLast= is 0" },
        { keep_last_of_running, EXPLAIN_KEEP_LAST, EFFECT_SKIPPED,
                        "KeepLast=3" BY_FILE(12) " counts from its end" },
        { keep_last_of_seen, EXPLAIN_KEEP_LAST, EFFECT_SKIPPED,
                        "an inspect tells whether it is one of the last" },
        { keep_last_of_orphan, EXPLAIN_KEEP_LAST, EFFECT_SKIPPED,
                        "is an orphan: none of its kind counts as one of the last" },
        { keep_but_over_cap, EXPLAIN_KEEP_LAST, EFFECT_PASSES,
                        "KeepLast=3" BY_FILE(12) ": is one of the last 3" OF_SLOT KEPT_FOR
                                                 ", which MaxStopped= overrides" },
        { keep_but_requested, EXPLAIN_KEEP_LAST, EFFECT_PASSES,
                        "KeepLastFailure=1: is the last failure" OF_SLOT KEPT_FOR
                        ", which a request overrides" },
        { keep_failure_for_ever, EXPLAIN_KEEP_LAST, EFFECT_KEEPS,
                        "KeepLastFailure=1: is the last failure" OF_SLOT },
        { keep_failure_by_file, EXPLAIN_KEEP_LAST, EFFECT_KEEPS,
                        "KeepLastFailure=1: is the last failure" OF_SLOT
                        ", kept for another 3h by KeepLastFor=5h" BY_FILE(8) },

        { nothing, EXPLAIN_SPAN, EFFECT_REMOVES, "Failure=2h has passed just now" },
        { expire, EXPLAIN_SPAN, EFFECT_REMOVES, "Failure=1h 56min 59s 999ms 999us has passed 3min ago" },
        { retain_for_long, EXPLAIN_SPAN, EFFECT_KEEPS,
                        "Failure=1d 1h 47min 1us" BY_FILE(12) " has not passed: 23h 48min left" },
        { retain_for_ever, EXPLAIN_SPAN, EFFECT_KEEPS, "Failure=infinity never passes" },
        { retain_by_label, EXPLAIN_SPAN, EFFECT_KEEPS,
                        "Failure=3h (label org.reaperd.ttl) has not passed: 1h left" },
        { retain_by_max_ttl, EXPLAIN_SPAN, EFFECT_KEEPS, "MaxTTL=2h 30min has not passed: 30min left" },
        { orphan, EXPLAIN_SPAN, EFFECT_REMOVES,
                        "is an orphan, of another identity of this node: Failure=2h has passed just now" },
        { retain_seen, EXPLAIN_SPAN, EFFECT_REMOVES,
                        "Shutdown=1h has passed 1h ago; how it ended is known only after an inspect: this "
                        "is the "
                        "shortest of the spans that may count" },
        { no_longer_exited, EXPLAIN_SPAN, EFFECT_SKIPPED,
                        "its end decides: Success=1h, Failure=2h, OOMKilled=2h, Shutdown=1h, "
                        "FailedStart=1d" },
        { keep_but_over_cap, EXPLAIN_SPAN, EFFECT_PASSES,
                        "Failure=2h 1us has not passed: 1s left, which MaxStopped= overrides" },
        { in_batch, EXPLAIN_SPAN, EFFECT_PASSES,
                        "Failure=1d 1h 47min 1us" BY_FILE(
                                        12) " has not passed: 23h 48min left, which pressure overrides" },
        { elevate_and_pass, EXPLAIN_SPAN, EFFECT_PASSES,
                        "Failure=19h 10min has not passed: 17h 10min left, which pressure overrides" },

        { nothing, EXPLAIN_CAP, EFFECT_SKIPPED, "is not one too many: MaxStopped=infinity" },
        { keep_but_over_cap, EXPLAIN_CAP, EFFECT_REMOVES, "is one too many: MaxStopped=500" },
        { keep_failure_over_cap, EXPLAIN_CAP, EFFECT_SKIPPED,
                        "is one too many: MaxStopped=500, but the last failures are not touched" },
        { young_over_cap, EXPLAIN_CAP, EFFECT_SKIPPED, "is one too many: MaxStopped=500, but too young" },

        { nothing, EXPLAIN_PRESSURE, EFFECT_SKIPPED, "the node is under no pressure" },
        { elevate, EXPLAIN_PRESSURE, EFFECT_SKIPPED,
                        "ElevatedFactor=10% of its span is left under pressure" },
        { elevate_and_pass, EXPLAIN_PRESSURE, EFFECT_REMOVES,
                        "ElevatedFactor=10% of its span is left under pressure, which passed 5min ago" },
        { elevate_and_wait, EXPLAIN_PRESSURE, EFFECT_SKIPPED,
                        "ElevatedFactor=10% of its span is left under pressure, which passes in 3min" },
        { critical, EXPLAIN_PRESSURE, EFFECT_SKIPPED,
                        "it is critical, but this one is not in the batch that goes now" },
        { in_batch, EXPLAIN_PRESSURE, EFFECT_REMOVES,
                        "is in the batch that goes against pressure: MemoryAvailableLow=5%" },
        { in_batch_too_young, EXPLAIN_PRESSURE, EFFECT_SKIPPED,
                        "is in the batch that goes against pressure: MemoryAvailableLow=5%, but too young" },
        { in_batch_as_last_failure, EXPLAIN_PRESSURE, EFFECT_SKIPPED,
                        "is in the batch that goes against pressure: MemoryAvailableLow=5%, but the last "
                        "failures "
                        "are not touched" },

        { nothing, EXPLAIN_REQUEST, EFFECT_SKIPPED, "nobody has asked for its removal" },
        { request, EXPLAIN_REQUEST, EFFECT_REMOVES, "somebody has asked for its removal" },

        { nothing, EXPLAIN_RETRY, EFFECT_PASSES, "no failed removal is waited for" },
        { retry_soon, EXPLAIN_RETRY, EFFECT_KEEPS, "a removal failed: tried again in 40s" },
        { retry_soon_though_asked_for, EXPLAIN_RETRY, EFFECT_SKIPPED,
                        "a removal failed, but who asks for another need not wait" },
        { ask_again, EXPLAIN_RETRY, EFFECT_KEEPS,
                        "the engine could not say whether it is a Swarm task: asked again in 4s" },
};

static void test_words_of_each_step(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTS_OF(rows); i++) {
                const ExplanationStep *step;
                Explanation e;
                World w;

                build(&w);
                rows[i].apply(&w);
                e = explain(&w, NOW);
                step = step_of(&e, rows[i].kind);
                if (step->effect != rows[i].effect || strcmp(step->text, rows[i].text) != 0)
                        fail_msg("row %zu, %s: \"%s\" (%s)", i, explanation_step_name(rows[i].kind),
                                        step->text, explanation_effect_name(step->effect));
                explanation_done(&e);
                shared_text_unref(&w.nodes, w.c.service);
                clear(&w);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words_of_each_step),
        };

        return cmocka_run_group_tests_name("explanation-words", tests, NULL, NULL);
}
