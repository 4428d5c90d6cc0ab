/* SPDX-License-Identifier: Apache-2.0 */

#include "core/explanation-text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/time-span.h"
#include "core/setting-value.h"
#include "core/slot.h"

char *explanation_value(const Profile *p, SettingId id) {
        const SettingInfo *info = setting_info(id);

        if (info->per_container)
                return setting_value_format(info, (const char *)&p->retention + retention_offset(id));
        return settings_format(p->settings, id);
}

char *explanation_origin(const Profile *p, SettingId id) {
        char buf[PROFILE_ORIGIN_MAX];

        return strdup(profile_origin(p, id, buf, sizeof(buf)));
}

/* --- a sentence, piece by piece --- */

typedef struct Sentence {
        char *text;
        bool out_of_memory;
} Sentence;

static void add(Sentence *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(Sentence *w, const char *format, ...) {
        _cleanup_free_ char *piece = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&piece, format, ap);
        va_end(ap);
        if (r < 0)
                piece = NULL;
        if (r < 0 || text_append(&w->text, "%s", piece) < 0)
                w->out_of_memory = true;
}

static char *finish(Sentence *w) {
        if (!w->out_of_memory)
                return w->text;
        free(w->text);
        return NULL;
}

/* In its two largest units, which is as much as people read: "23h 48min". */
static void add_span(Sentence *w, usec_t span, bool round_up) {
        usec_t accuracy = span >= USEC_PER_DAY           ? USEC_PER_HOUR
                          : span >= 10 * USEC_PER_MINUTE ? USEC_PER_MINUTE
                                                         : USEC_PER_SEC;
        char text[TIME_SPAN_TEXT_MAX];

        if (round_up)
                span = usec_add(span, accuracy - 1);
        add(w, "%s", time_span_format(text, sizeof(text), span, accuracy));
}

/* What is still to be waited for. */
static void add_left(Sentence *w, const Case *k, usec_t until) {
        add_span(w, usec_sub(until, k->now), true);
}

static void add_for_another(Sentence *w, const Case *k, usec_t until) {
        if (until == USEC_INFINITY)
                return;
        add(w, ", for another ");
        add_left(w, k, until);
}

static void add_ago(Sentence *w, const Case *k, usec_t at) {
        usec_t age = usec_sub(k->now, at);

        if (age < USEC_PER_SEC) {
                add(w, "just now");
                return;
        }
        add_span(w, age, false);
        add(w, " ago");
}

/* "Failure=1d (/etc/reaperd/reaperd.conf:12)" */
static void add_setting(Sentence *w, const Case *k, SettingId id) {
        _cleanup_free_ char *value = explanation_value(k->p, id), *origin = explanation_origin(k->p, id);

        if (!value || !origin) {
                w->out_of_memory = true;
                return;
        }
        /* [Retention] has one of this name, too. */
        add(w, "%s%s=%s", id == SETTING_PRESSURE_MINIMUM_AGE ? "[Pressure] " : "", setting_info(id)->key,
                        value);
        if (strcmp(origin, "default") != 0)
                add(w, " (%s)", origin);
}

static void add_rule(Sentence *w, const Rule *rule) {
        const SettingOrigin *origin = &rule->key_origins[RULE_ACTION];

        add(w, "rule %s", rule->name);
        if (origin->file)
                add(w, " (%s:%u)", origin->file, origin->line);
}

/* Of what a later step overrides. */
static void add_overridden(Sentence *w, const Case *k) {
        switch (k->open.verdict) {
        case VERDICT_OVER_CAP:
                add(w, ", which MaxStopped= overrides");
                break;
        case VERDICT_PRESSURE:
                add(w, ", which pressure overrides");
                break;
        case VERDICT_REQUESTED:
                add(w, ", which a request overrides");
                break;
        default:
                add(w, ", which a later step overrides");
        }
}

/* --- the steps --- */

static void tell_scope(Sentence *w, const Case *k) {
        const char *service = shared_text(k->c->service);

        if (k->decision.verdict == VERDICT_OUT_OF_SCOPE && (!k->p || k->p->in_scope))
                add(w, "is none of the Swarm tasks that the engine lists, whatever its labels say");
        else if (k->decision.verdict == VERDICT_OUT_OF_SCOPE)
                add(w, "is no Swarm task, and no rule lets it in");
        else if (!k->p)
                add(w, "its labels are not known yet: they come with the engine's next list");
        else if (k->decision.verdict == VERDICT_SCOPE_UNKNOWN)
                add(w, "may go as soon as the engine says that it is a Swarm task");
        else if (k->c->scope == SCOPE_UNKNOWN)
                add(w, "once it may go, the engine is asked whether it is a Swarm task");
        else if (k->p->is_task && service)
                add(w, "is a Swarm task of the service %s", service);
        else if (k->p->is_task)
                add(w, "is a Swarm task");
        else {
                add(w, "is no Swarm task; ");
                add_rule(w, k->p->rule);
                add(w, " lets it in");
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
                add(w, "could not be started (exit code %d), and was created ", c->exit_code);
                add_ago(w, k, slot_order(c));
        } else if (c->finish == FINISH_EXACT) {
                add(w, "exited with code %d%s, ", c->exit_code, kinds[outcomes_only(outcomes_possible(c))]);
                add_ago(w, k, slot_order(c));
        } else if (c->finish == FINISH_SEEN) {
                add(w, "exited ");
                add_ago(w, k, slot_order(c));
                add(w, " by what the engine's events told");
        } else {
                add(w, "has exited; not longer ago than ");
                add_span(w, usec_sub(k->now, slot_order(c)), true);
        }
        if (!k->decision.exact)
                add(w, ": an inspect tells before it goes");
}

static void tell_state(Sentence *w, const Case *k) {
        switch ((ContainerState)k->c->state) {
        case CONTAINER_RUNNING:
                add(w, "is running");
                return;
        case CONTAINER_PAUSED:
                add(w, "is paused (docker pause)");
                return;
        case CONTAINER_RESTARTING:
                add(w, "is being restarted by the engine");
                return;
        case CONTAINER_STATE_UNKNOWN:
                add(w, "its state is not known, and counts as running");
                return;
        case CONTAINER_REMOVING:
                if (k->ended)
                        break;
                add(w, "is being removed by somebody else");
                return;
        case CONTAINER_CREATED:
                if (k->ended)
                        break;
                add(w, "was created ");
                add_ago(w, k, k->c->created);
                add(w, " and may still be started");
                return;
        default:
                break;
        }

        tell_end(w, k);
}

static void tell_restart(Sentence *w, const Case *k) {
        if (k->p->is_task)
                add(w, "is a Swarm task, which the engine never starts again");
        else if (k->c->looked_at == 0)
                add(w, "an inspect tells whether the engine may start it again");
        else if (k->c->auto_remove)
                add(w, "the engine is to remove it by itself (docker run --rm)");
        else if (k->c->may_restart)
                add(w, "its restart policy may start it again");
        else
                add(w, "the engine neither starts it again nor removes it by itself");
}

static void tell_quarantine(Sentence *w, const Case *k) {
        unsigned n = k->c->attempts;

        if (n == 0 && !k->c->quarantined) {
                add(w, "no removal of it has failed");
                return;
        }
        add(w, "%u %s of it failed in a row", n, n == 1 ? "removal" : "removals");
        if (k->c->quarantined)
                add(w, ": it is not tried again before the engine or reaperd is started anew");
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

        add(w, "%s", keeps ? words[step->kind].keeps : words[step->kind].passes);
        if (step->kind == EXPLAIN_SWARM)
                add(w, " (%s)", swarm_state_name(k->s->swarm_state));
        if (keeps)
                add_for_another(w, k, step->until);
}

static void tell_floor(Sentence *w, const Case *k, const ExplanationStep *step) {
        if (!k->ended) {
                add_setting(w, k, step->setting);
                add(w, " counts from its end");
                return;
        }
        add(w, step->effect == EFFECT_KEEPS ? "is younger than " : "is older than ");
        add_setting(w, k, step->setting);
        if (step->effect == EFFECT_KEEPS)
                add_for_another(w, k, step->until);
        else if (step->setting == SETTING_PRESSURE_MINIMUM_AGE)
                add(w, ", which counts in a batch");
}

static void tell_keep_label(Sentence *w, const Case *k, const ExplanationStep *step) {
        const char *name = label_key_name(LABEL_KEEP);

        if (!k->p->keep_by_label) {
                add(w, "no label keeps it");
                if (!k->p->settings->labels_honor) {
                        add(w, ": ");
                        add_setting(w, k, SETTING_LABELS_HONOR);
                }
        } else if (step->effect != EFFECT_KEEPS) {
                add(w, "label %s kept it, no longer than ", name);
                add_setting(w, k, SETTING_LABELS_MAX_TTL);
        } else {
                add(w, "label %s keeps it", name);
                add_for_another(w, k, step->until);
                if (k->p->keep_label_for != USEC_INFINITY) {
                        add(w, k->ended ? ": " : ", after its end for ");
                        add_setting(w, k, SETTING_LABELS_MAX_TTL);
                }
        }
}

static void tell_keep_rule(Sentence *w, const Case *k) {
        if (!k->p->rule) {
                add(w, "no rule matches");
                return;
        }
        add_rule(w, k->p->rule);
        add(w, k->p->keep_by_rule ? " keeps it" : " matches, and does not keep it");
}

/* "one of the last 3 failures of web.1" */
static void add_place(Sentence *w, const Case *k, SettingId by) {
        bool failures = by == SETTING_KEEP_LAST_FAILURE;
        unsigned n = failures ? k->p->retention.keep_last_failure : k->p->retention.keep_last;

        if (n == 1)
                add(w, "the last %s", failures ? "failure" : "one");
        else if (n == COUNT_INFINITY)
                add(w, "one of the %s", failures ? "failures" : "stopped ones");
        else
                add(w, "one of the last %u%s", n, failures ? " failures" : "");
        if (k->c->slot && k->c->slot->name[0] != '\0')
                add(w, " of %s", k->c->slot->name);
}

static void tell_keep_last(Sentence *w, const Case *k, const ExplanationStep *step) {
        const Retention *r = &k->p->retention;
        SettingId by = k->last.keep_failure ? SETTING_KEEP_LAST_FAILURE : SETTING_KEEP_LAST;

        if (r->keep_last == 0 && r->keep_last_failure == 0)
                add(w, "KeepLast= and KeepLastFailure= are 0");
        else if (!k->ended) {
                add_setting(w, k, step->setting);
                add(w, " counts from its end");
        } else if (k->moments.orphan)
                add(w, "is an orphan: none of its kind counts as one of the last");
        else if (!k->last.exact)
                add(w, "an inspect tells whether it is one of the last");
        else if (k->last.keep_last) {
                add_setting(w, k, by);
                add(w, k->last.ask ? ": may be " : ": is ");
                add_place(w, k, by);
                add_for_another(w, k, k->moments.last_end);
                if (step->effect != EFFECT_KEEPS)
                        add_overridden(w, k);
                else if (k->last.ask)
                        add(w, "; the exact end of %s is asked for",
                                        k->last.ask->name ? k->last.ask->name : "another");
        } else if (step->setting == SETTING_KEEP_LAST_FOR) {
                add_setting(w, k, step->setting);
                add(w, " has passed");
        } else if (step->setting == SETTING_KEEP_LAST && r->keep_last == 0)
                add(w, "is no failure, and KeepLast= is 0");
        else {
                add_setting(w, k, step->setting);
                add(w, ": is not ");
                add_place(w, k, step->setting);
        }
}

static void tell_span(Sentence *w, const Case *k, const ExplanationStep *step) {
        const Moments *m = &k->moments;

        if (!k->ended) {
                for (SettingId id = SETTING_SUCCESS; id <= SETTING_FAILED_START; id++) {
                        add(w, "%s", id == SETTING_SUCCESS ? "its end decides: " : ", ");
                        add_setting(w, k, id);
                }
                return;
        }

        if (m->orphan)
                add(w, "is an orphan, of another identity of this node: ");
        add_setting(w, k, step->setting);
        if (step->effect == EFFECT_REMOVES) {
                add(w, " has passed ");
                add_ago(w, k, m->full_end);
        } else if (m->full_end == USEC_INFINITY)
                add(w, " never passes");
        else {
                add(w, " has not passed: ");
                add_left(w, k, m->full_end);
                add(w, " left");
        }
        if (step->effect == EFFECT_PASSES)
                add_overridden(w, k);
        if (k->last.outcome == OUTCOME_UNKNOWN)
                add(w, "; of the spans that may count the shortest, until an inspect tells its outcome");
}

static void tell_cap(Sentence *w, const Case *k, const ExplanationStep *step) {
        if (!k->why.over_cap) {
                add(w, "is not one too many: ");
                add_setting(w, k, step->setting);
                return;
        }
        add(w, "is one too many: ");
        add_setting(w, k, step->setting);
        if (k->last.keep_failure)
                add(w, ", but the last failures are not touched");
        else if (step->effect != EFFECT_REMOVES)
                add(w, ", but too young");
}

static void tell_elevated(Sentence *w, const Case *k, const ExplanationStep *step) {
        usec_t end = k->moments.span_end;

        add_setting(w, k, SETTING_ELEVATED_FACTOR);
        add(w, " of its span is left under pressure");
        if (step->effect == EFFECT_REMOVES) {
                add(w, ", which passed ");
                add_ago(w, k, end);
        } else if (k->ended && k->now < end && end != USEC_INFINITY) {
                add(w, ", which passes in ");
                add_left(w, k, end);
        }
}

static void tell_pressure(Sentence *w, const Case *k, const ExplanationStep *step) {
        if (k->s->pressure == PRESSURE_NORMAL)
                add(w, "the node is under no pressure");
        else if (k->s->pressure == PRESSURE_ELEVATED)
                tell_elevated(w, k, step);
        else if (!k->why.in_batch)
                add(w, "it is critical, but this one is not in the batch that goes");
        else {
                add(w, "is in the batch that goes against pressure");
                if (step->setting != _SETTING_INVALID) {
                        add(w, ": ");
                        add_setting(w, k, step->setting);
                }
                if (step->effect != EFFECT_REMOVES)
                        add(w, k->last.keep_failure ? ", but the last failures are not touched"
                                                    : ", but too young");
        }
}

static void tell_retry(Sentence *w, const Case *k, const ExplanationStep *step) {
        if (step->effect == EFFECT_SKIPPED)
                add(w, "a removal failed, but who asks for another need not wait");
        else if (step->effect == EFFECT_PASSES)
                add(w, "no failed removal is waited for");
        else {
                add(w, step->until == k->c->retry_at ? "a removal failed: tried again in "
                                                     : "the engine could not say whether it is a Swarm "
                                                       "task: asked again in ");
                add_left(w, k, step->until);
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
                add(&w, k->c->requested ? "somebody has asked for its removal"
                                        : "nobody has asked for its removal");
                break;
        case EXPLAIN_RETRY:
                tell_retry(&w, k, step);
                break;
        default:
                tell_gate(&w, k, step);
        }
        return finish(&w);
}

/* --- the levels --- */

/* ": ttl-expired, Failure=1d" */
static void add_reason(Sentence *w, const Case *k, const Decision *d) {
        add(w, ": %s", verdict_name(d->verdict));
        if (k->p && d->setting != _SETTING_INVALID) {
                add(w, ", ");
                add_setting(w, k, d->setting);
        }
}

char *explanation_level_text(const Case *k, const Decision *d, const Decision *then) {
        bool waits = d->due > k->now && d->due != USEC_INFINITY;
        Sentence w = {};

        if (verdict_removes(d->verdict)) {
                add(&w, d->exact ? "goes at once" : "goes at once, if an inspect confirms it");
                add_reason(&w, k, d);
        } else if (waits && verdict_may_remove(then->verdict)) {
                add(&w, "goes in ");
                add_left(&w, k, d->due);
                add_reason(&w, k, then);
        } else {
                add(&w, "stays");
                add_reason(&w, k, d);
                if (waits) {
                        add(&w, "; looked at again in ");
                        add_left(&w, k, d->due);
                }
        }
        return finish(&w);
}
