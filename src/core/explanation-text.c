/* SPDX-License-Identifier: Apache-2.0 */

#include "core/explanation-text.h"

#include "core/explanation-sentence.h"
#include "core/slot.h"

/* --- pieces --- */

static void add_for_another(Sentence *w, const Case *k, usec_t until) {
        if (until == USEC_INFINITY)
                return;
        sentence_add(w, ", for another ");
        sentence_add_left(w, k, until);
}

static void add_rule(Sentence *w, const Rule *rule) {
        const SettingOrigin *origin = &rule->key_origins[RULE_ACTION];

        /* One without Action= is found by its header. */
        if (!origin->file)
                origin = &rule->origin;
        sentence_add(w, "rule %s", rule->name);
        if (origin->file)
                sentence_add(w, " (%s:%u)", origin->file, origin->line);
}

/* Of what a later step overrides. */
static void add_overridden(Sentence *w, const Case *k) {
        switch (k->open.verdict) {
        case VERDICT_OVER_CAP:
                sentence_add(w, ", which MaxStopped= overrides");
                break;
        case VERDICT_PRESSURE:
                sentence_add(w, ", which pressure overrides");
                break;
        case VERDICT_REQUESTED:
                sentence_add(w, ", which a request overrides");
                break;
        default:
                sentence_add(w, ", which a later step overrides");
        }
}

/* --- the steps --- */

static void tell_scope(Sentence *w, const Case *k) {
        const char *service = shared_text(k->c->service);

        if (k->decision.verdict == VERDICT_OUT_OF_SCOPE && (!k->p || k->p->in_scope))
                sentence_add(w, "is none of the Swarm tasks that the engine lists, whatever its labels say");
        else if (k->decision.verdict == VERDICT_OUT_OF_SCOPE)
                sentence_add(w, "is no Swarm task, and no rule lets it in");
        else if (!k->p)
                sentence_add(w, "its labels are not known yet: they come with the engine's next list");
        else if (k->decision.verdict == VERDICT_SCOPE_UNKNOWN)
                sentence_add(w, "may go as soon as the engine says that it is a Swarm task");
        else if (k->c->scope == SCOPE_UNKNOWN)
                sentence_add(w, "once it may go, the engine is asked whether it is a Swarm task");
        else if (k->p->is_task && service)
                sentence_add(w, "is a Swarm task of the service %s", service);
        else if (k->p->is_task)
                sentence_add(w, "is a Swarm task");
        else {
                sentence_add(w, "is no Swarm task; ");
                add_rule(w, k->p->rule);
                sentence_add(w, " lets it in");
        }
}

static void tell_end(Sentence *w, const Case *k) {
        static const char *const kinds[_OUTCOME_MAX] = {
                [OUTCOME_UNKNOWN] = "",
                [OUTCOME_SUCCESS] = ", a success",
                [OUTCOME_FAILURE] = ", a failure",
                [OUTCOME_OOM_KILLED] = ", out of memory",
                [OUTCOME_SHUTDOWN] = ", asked to stop",
        };
        const Container *c = k->c;

        if (c->failed_start) {
                sentence_add(w, "could not be started (exit code %d), and was created ", c->exit_code);
                sentence_add_ago(w, k, slot_order(c));
        } else if (c->finish == FINISH_EXACT) {
                sentence_add(w, "exited with code %d%s, ", c->exit_code,
                                kinds[outcomes_only(outcomes_possible(c))]);
                sentence_add_ago(w, k, slot_order(c));
        } else if (c->finish == FINISH_SEEN) {
                sentence_add(w, "exited ");
                sentence_add_ago(w, k, slot_order(c));
                sentence_add(w, " by what the engine's events told");
        } else {
                sentence_add(w, "has exited; not longer ago than ");
                sentence_add_span(w, usec_sub(k->now, slot_order(c)), true);
        }
        if (!k->decision.exact)
                sentence_add(w, ": an inspect tells before it goes");
}

static void tell_state(Sentence *w, const Case *k) {
        switch ((ContainerState)k->c->state) {
        case CONTAINER_RUNNING:
                sentence_add(w, "is running");
                return;
        case CONTAINER_PAUSED:
                sentence_add(w, "is paused (docker pause)");
                return;
        case CONTAINER_RESTARTING:
                sentence_add(w, "is being restarted by the engine");
                return;
        case CONTAINER_STATE_UNKNOWN:
                sentence_add(w, "its state is not known, and counts as running");
                return;
        case CONTAINER_REMOVING:
                if (k->ended)
                        break;
                sentence_add(w, "is being removed by somebody else");
                return;
        case CONTAINER_CREATED:
                if (k->ended)
                        break;
                sentence_add(w, "was created ");
                sentence_add_ago(w, k, k->c->created);
                sentence_add(w, " and may still be started");
                return;
        default:
                break;
        }

        tell_end(w, k);
}

static void tell_restart(Sentence *w, const Case *k) {
        if (k->p->is_task && k->c->scope == SCOPE_UNKNOWN)
                sentence_add(w, "is by its labels a Swarm task; the engine never starts those again");
        else if (k->p->is_task)
                sentence_add(w, "is a Swarm task, which the engine never starts again");
        else if (k->c->looked_at == 0)
                sentence_add(w, "an inspect tells whether the engine may start it again");
        else if (k->c->auto_remove)
                sentence_add(w, "the engine is to remove it by itself (docker run --rm)");
        else if (k->c->may_restart)
                sentence_add(w, "its restart policy may start it again");
        else
                sentence_add(w, "the engine neither starts it again nor removes it by itself");
}

static void tell_quarantine(Sentence *w, const Case *k) {
        unsigned n = k->c->attempts;

        if (n == 0 && !k->c->quarantined) {
                sentence_add(w, "no removal of it has failed");
                return;
        }
        sentence_add(w, "%u %s of it failed in a row", n, n == 1 ? "removal" : "removals");
        if (k->c->quarantined)
                sentence_add(w, ": it is not tried again before the engine or reaperd is started anew");
}

/* Those that are about the node. */
static void tell_gate(Sentence *w, const Case *k, const ExplanationStep *step) {
        static const struct {
                const char *passes, *keeps;
        } words[_EXPLAIN_STEP_MAX] = {
                [EXPLAIN_ENGINE] = { "the engine answers", "the engine cannot be reached" },
                [EXPLAIN_SETTLE] = { "the engine has been up for long enough",
                                "the engine has not been up for long enough yet" },
                [EXPLAIN_SWARM] = { "this node's Swarm state allows removals",
                                "this node's Swarm state forbids removals: the Swarm may not know its "
                                "outcome yet" },
                [EXPLAIN_RELOAD] = { "no reload is under way",
                                "the list of containers behind a new configuration is not in yet" },
                [EXPLAIN_PAUSE] = { "removals are not paused", "removals are paused" },
                [EXPLAIN_FIRST_RUN] = { "no first run is waited for",
                                "this is a first run: nothing is removed yet" },
                [EXPLAIN_SURGE] = { "is not held after a reload",
                                "a reload made too many due at once: they wait" },
        };
        bool keeps = step->effect == EFFECT_KEEPS;

        sentence_add(w, "%s", keeps ? words[step->kind].keeps : words[step->kind].passes);
        if (step->kind == EXPLAIN_SWARM)
                sentence_add(w, " (%s)", swarm_state_name(k->s->swarm_state));
        if (keeps)
                add_for_another(w, k, step->until);
}

static void tell_floor(Sentence *w, const Case *k, const ExplanationStep *step) {
        if (!k->ended) {
                sentence_add_setting(w, k, step->setting);
                sentence_add(w, " counts from its end");
                return;
        }
        sentence_add(w, step->effect == EFFECT_KEEPS ? "is younger than " : "is older than ");
        sentence_add_setting(w, k, step->setting);
        if (step->effect == EFFECT_KEEPS)
                add_for_another(w, k, step->until);
        else if (step->setting == SETTING_PRESSURE_MINIMUM_AGE)
                sentence_add(w, ", which counts in a batch");
}

static void tell_keep_label(Sentence *w, const Case *k, const ExplanationStep *step) {
        const char *name = label_key_name(LABEL_KEEP);

        if (!k->p->keep_by_label) {
                sentence_add(w, "no label keeps it");
                if (!k->p->settings->labels_honor) {
                        sentence_add(w, ": ");
                        sentence_add_setting(w, k, SETTING_LABELS_HONOR);
                }
        } else if (step->effect != EFFECT_KEEPS) {
                sentence_add(w, "label %s kept it, no longer than ", name);
                sentence_add_setting(w, k, SETTING_LABELS_MAX_TTL);
        } else {
                sentence_add(w, "label %s keeps it", name);
                add_for_another(w, k, step->until);
                if (k->p->keep_label_for != USEC_INFINITY) {
                        sentence_add(w, k->ended ? ": " : ", after its end for ");
                        sentence_add_setting(w, k, SETTING_LABELS_MAX_TTL);
                }
        }
}

static void tell_keep_rule(Sentence *w, const Case *k) {
        if (!k->p->rule) {
                sentence_add(w, "no rule matches");
                return;
        }
        add_rule(w, k->p->rule);
        sentence_add(w, k->p->keep_by_rule ? " keeps it" : " matches, and does not keep it");
}

/* "one of the last 3 failures of web.1" */
static void add_place(Sentence *w, const Case *k, SettingId by) {
        bool failures = by == SETTING_KEEP_LAST_FAILURE;
        unsigned n = failures ? k->p->retention.keep_last_failure : k->p->retention.keep_last;

        if (n == 1)
                sentence_add(w, "the last %s", failures ? "failure" : "one");
        else if (n == COUNT_INFINITY)
                sentence_add(w, "one of the %s", failures ? "failures" : "stopped ones");
        else
                sentence_add(w, "one of the last %u%s", n, failures ? " failures" : "");
        if (k->c->slot && k->c->slot->name[0] != '\0')
                sentence_add(w, " of %s", k->c->slot->name);
}

static void tell_keep_last(Sentence *w, const Case *k, const ExplanationStep *step) {
        const Retention *r = &k->p->retention;
        SettingId by = k->last.keep_failure ? SETTING_KEEP_LAST_FAILURE : SETTING_KEEP_LAST;

        if (r->keep_last == 0 && r->keep_last_failure == 0)
                sentence_add(w, "KeepLast= and KeepLastFailure= are 0");
        else if (!k->ended) {
                sentence_add_setting(w, k, step->setting);
                sentence_add(w, " counts from its end");
        } else if (k->moments.orphan)
                sentence_add(w, "is an orphan: none of its kind counts as one of the last");
        else if (!k->last.exact)
                sentence_add(w, "an inspect tells whether it is one of the last");
        else if (k->last.keep_last) {
                sentence_add_setting(w, k, by);
                sentence_add(w, k->last.ask ? ": may be " : ": is ");
                add_place(w, k, by);
                if (k->moments.last_end != USEC_INFINITY) {
                        sentence_add(w, ", kept for another ");
                        sentence_add_left(w, k, k->moments.last_end);
                        sentence_add(w, " by ");
                        sentence_add_setting(w, k, SETTING_KEEP_LAST_FOR);
                }
                if (step->effect != EFFECT_KEEPS)
                        add_overridden(w, k);
                else if (k->last.ask)
                        sentence_add(w, "; the exact end of %s is asked for",
                                        k->last.ask->name ? k->last.ask->name : "another");
        } else if (step->setting == SETTING_KEEP_LAST_FOR) {
                sentence_add_setting(w, k, step->setting);
                sentence_add(w, " has passed");
        } else if (step->setting == SETTING_KEEP_LAST && r->keep_last == 0)
                sentence_add(w, "is no failure, and KeepLast= is 0");
        else {
                sentence_add_setting(w, k, step->setting);
                sentence_add(w, ": is not ");
                add_place(w, k, step->setting);
        }
}

static void tell_span(Sentence *w, const Case *k, const ExplanationStep *step) {
        const Moments *m = &k->moments;

        if (!k->ended) {
                for (SettingId id = SETTING_SUCCESS; id <= SETTING_FAILED_START; id++) {
                        sentence_add(w, "%s", id == SETTING_SUCCESS ? "its end decides: " : ", ");
                        sentence_add_setting(w, k, id);
                }
                return;
        }

        if (m->orphan)
                sentence_add(w, "is an orphan, of another identity of this node: ");
        sentence_add_setting(w, k, step->setting);
        if (step->effect == EFFECT_REMOVES) {
                sentence_add(w, " has passed ");
                sentence_add_ago(w, k, m->full_end);
        } else if (m->full_end == USEC_INFINITY)
                sentence_add(w, " never passes");
        else {
                sentence_add(w, " has not passed: ");
                sentence_add_left(w, k, m->full_end);
                sentence_add(w, " left");
        }
        if (step->effect == EFFECT_PASSES)
                add_overridden(w, k);
        if (k->last.outcome == OUTCOME_UNKNOWN)
                sentence_add(w, "; how it ended is known only after an inspect: this is the shortest of the "
                                "spans that may count");
}

static void tell_cap(Sentence *w, const Case *k, const ExplanationStep *step) {
        if (!k->why.over_cap) {
                sentence_add(w, "is not one too many: ");
                sentence_add_setting(w, k, step->setting);
                return;
        }
        sentence_add(w, "is one too many: ");
        sentence_add_setting(w, k, step->setting);
        if (k->last.keep_failure)
                sentence_add(w, ", but the last failures are not touched");
        else if (step->effect != EFFECT_REMOVES)
                sentence_add(w, ", but too young");
}

static void tell_elevated(Sentence *w, const Case *k, const ExplanationStep *step) {
        usec_t end = k->moments.span_end;

        sentence_add_setting(w, k, SETTING_ELEVATED_FACTOR);
        sentence_add(w, " of its span is left under pressure");
        if (step->effect == EFFECT_REMOVES) {
                sentence_add(w, ", which passed ");
                sentence_add_ago(w, k, end);
        } else if (k->ended && k->now < end && end != USEC_INFINITY) {
                sentence_add(w, ", which passes in ");
                sentence_add_left(w, k, end);
        }
}

static void tell_pressure(Sentence *w, const Case *k, const ExplanationStep *step) {
        if (k->s->pressure == PRESSURE_NORMAL)
                sentence_add(w, "the node is under no pressure");
        else if (k->s->pressure == PRESSURE_ELEVATED)
                tell_elevated(w, k, step);
        else if (!k->why.in_batch)
                sentence_add(w, "it is critical, but this one is not in the batch that goes now");
        else {
                sentence_add(w, "is in the batch that goes against pressure");
                if (step->setting != _SETTING_INVALID) {
                        sentence_add(w, ": ");
                        sentence_add_setting(w, k, step->setting);
                }
                if (step->effect != EFFECT_REMOVES)
                        sentence_add(w, k->last.keep_failure ? ", but the last failures are not touched"
                                                             : ", but too young");
        }
}

static void tell_retry(Sentence *w, const Case *k, const ExplanationStep *step) {
        if (step->effect == EFFECT_SKIPPED)
                sentence_add(w, "a removal failed, but who asks for another need not wait");
        else if (step->effect == EFFECT_PASSES)
                sentence_add(w, "no failed removal is waited for");
        else {
                sentence_add(w, step->until == k->c->retry_at
                                                ? "a removal failed: tried again in "
                                                : "the engine could not say whether it is a Swarm "
                                                  "task: asked again in ");
                sentence_add_left(w, k, step->until);
        }
}

char *explanation_step_text(const Case *k, const ExplanationStep *step) {
        Sentence w = {};

        switch (step->kind) {
        case EXPLAIN_SCOPE:
                tell_scope(&w, k);
                break;
        case EXPLAIN_STATE:
                tell_state(&w, k);
                break;
        case EXPLAIN_RESTART:
                tell_restart(&w, k);
                break;
        case EXPLAIN_QUARANTINE:
                tell_quarantine(&w, k);
                break;
        case EXPLAIN_FLOOR:
                tell_floor(&w, k, step);
                break;
        case EXPLAIN_KEEP_LABEL:
                tell_keep_label(&w, k, step);
                break;
        case EXPLAIN_KEEP_RULE:
                tell_keep_rule(&w, k);
                break;
        case EXPLAIN_KEEP_LAST:
                tell_keep_last(&w, k, step);
                break;
        case EXPLAIN_SPAN:
                tell_span(&w, k, step);
                break;
        case EXPLAIN_CAP:
                tell_cap(&w, k, step);
                break;
        case EXPLAIN_PRESSURE:
                tell_pressure(&w, k, step);
                break;
        case EXPLAIN_REQUEST:
                sentence_add(&w, k->c->requested ? "somebody has asked for its removal"
                                                 : "nobody has asked for its removal");
                break;
        case EXPLAIN_RETRY:
                tell_retry(&w, k, step);
                break;
        default:
                tell_gate(&w, k, step);
        }
        return sentence_finish(&w);
}
