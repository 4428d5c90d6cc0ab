/* SPDX-License-Identifier: Apache-2.0 */

#include "core/explanation-level.h"

#include <errno.h>

#include "core/explanation-sentence.h"

/* What is decided at a level, now and when that changes. */
typedef struct Prospect {
        Decision now;
        bool waits;    /* for a moment that is known: now.due */
        Decision then; /* at that moment */
        Decision held; /* just before it: what keeps it until then. Equals `now` if nothing is waited for */
        bool by_batch; /* it goes if a batch takes it, and not by itself */
} Prospect;

static SettingId first_threshold(const Settings *settings) {
        for (PressureCause cause = 0; cause < _PRESSURE_THRESHOLD_MAX; cause++)
                if (pressure_enters(settings, cause) != SHARE_OFF)
                        return pressure_setting(cause);
        return _SETTING_INVALID;
}

static Decision decide_at(const Case *k, const Situation *s, usec_t now) {
        return s->pressure == PRESSURE_CRITICAL ? policy_decide_in_batch(k->c, s, now)
                                                : policy_decide(k->c, s, now);
}

static Prospect look_ahead(const Case *k, const Situation *s) {
        Prospect p = { .now = decide_at(k, s, k->now) };
        usec_t due = p.now.due;

        p.waits = due > k->now && due != USEC_INFINITY;
        p.then = p.waits ? decide_at(k, s, due) : p.now;
        p.held = p.waits ? decide_at(k, s, due - 1) : p.now;
        p.by_batch = s->pressure == PRESSURE_CRITICAL && verdict_may_remove(p.then.verdict) &&
                     !verdict_may_remove(policy_decide(k->c, s, usec_max(due, k->now)).verdict);
        return p;
}

/* Whose value it is, where it goes by one: a gate has closed whatever its age says, and from the floor of
 * batches on the other one does not count. */
static SettingId setting_of(const Case *k, const Decision *d, PressureLevel pressure) {
        if (!k->p || (d->verdict < VERDICT_TOO_YOUNG && d->verdict != VERDICT_SCOPE_UNKNOWN))
                return _SETTING_INVALID;
        if (d->verdict == VERDICT_TOO_YOUNG && pressure == PRESSURE_CRITICAL &&
                        k->moments.batch_floor < k->moments.floor)
                return SETTING_PRESSURE_MINIMUM_AGE;
        return d->setting;
}

/* "ttl-expired, Failure=1d" */
static void add_reason(Sentence *w, const Case *k, Verdict verdict, SettingId setting) {
        sentence_add(w, "%s", verdict_name(verdict));
        if (setting != _SETTING_INVALID) {
                sentence_add(w, ", ");
                sentence_add_setting(w, k, setting);
        }
}

/* Why it goes, unless that has been said. */
static void add_cause(Sentence *w, const Case *k, const Prospect *p, SettingId setting) {
        bool said = p->by_batch || p->then.verdict == VERDICT_SCOPE_UNKNOWN;

        if (said && setting == _SETTING_INVALID)
                return;
        sentence_add(w, ": ");
        if (said)
                sentence_add_setting(w, k, setting);
        else
                add_reason(w, k, p->then.verdict, setting);
}

/* It may go, now or later. */
static void tell_removal(Sentence *w, const Case *k, const Prospect *p, PressureLevel pressure) {
        SettingId setting = setting_of(k, &p->then, pressure), held_by = setting_of(k, &p->held, pressure);
        bool must_be_task = p->then.verdict == VERDICT_SCOPE_UNKNOWN;

        /* Who reads when it goes by its span need not be told that the span has not passed, or twice of the
         * same value. */
        if (p->waits && p->held.verdict != VERDICT_RETAINED &&
                        (held_by == _SETTING_INVALID || held_by != setting)) {
                sentence_add(w, "stays: ");
                add_reason(w, k, p->held.verdict, held_by);
                sentence_add(w, "; ");
        }

        sentence_add(w, "goes ");
        if (p->waits) {
                sentence_add(w, "in ");
                sentence_add_left(w, k, p->now.due);
                if (p->by_batch)
                        sentence_add(w, " at the earliest, when a batch against pressure takes it");
        } else if (p->by_batch)
                sentence_add(w, "when a batch against pressure takes it");
        else
                sentence_add(w, "at once");

        if (must_be_task)
                sentence_add(w, " if the engine says that it is a Swarm task");
        else if (!p->waits && !p->then.exact)
                sentence_add(w, ", if an inspect confirms it");
        add_cause(w, k, p, setting);
}

static char *make_text(const Case *k, const Prospect *p, PressureLevel pressure) {
        Sentence w = {};

        /* Before its labels are known there is nothing that it could go by. */
        if (k->p && verdict_may_remove(p->then.verdict))
                tell_removal(&w, k, p, pressure);
        else {
                sentence_add(&w, "stays: ");
                add_reason(&w, k, p->now.verdict, setting_of(k, &p->now, pressure));
                if (p->waits) {
                        sentence_add(&w, "; looked at again in ");
                        sentence_add_left(&w, k, p->now.due);
                }
        }
        return sentence_finish(&w);
}

int explanation_level_make(const Case *k, PressureLevel pressure, ExplanationLevel *ret) {
        Situation s = *k->s;
        Prospect p;

        s.pressure = pressure;
        if (k->p && s.pressure_by == _SETTING_INVALID)
                s.pressure_by = first_threshold(k->p->settings);
        p = look_ahead(k, &s);

        ret->decision = p.now;
        ret->text = make_text(k, &p, pressure);
        if (!ret->text)
                return -ENOMEM;
        if (!k->p || p.now.setting == _SETTING_INVALID)
                return 0;
        ret->value = explanation_value(k->p, p.now.setting);
        ret->origin = explanation_origin(k->p, p.now.setting);
        return ret->value && ret->origin ? 0 : -ENOMEM;
}
