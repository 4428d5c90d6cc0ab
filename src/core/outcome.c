/* SPDX-License-Identifier: Apache-2.0 */

#include "core/outcome.h"

#define EXIT_BY_SIGTERM 143 /* 128 + 15, as shells and runtimes report it */

const char *outcome_name(Outcome o) {
        static const char *const names[_OUTCOME_MAX] = {
                [OUTCOME_UNKNOWN] = "unknown",
                [OUTCOME_SUCCESS] = "success",
                [OUTCOME_FAILURE] = "failure",
                [OUTCOME_OOM_KILLED] = "oom-killed",
                [OUTCOME_SHUTDOWN] = "shutdown",
                [OUTCOME_FAILED_START] = "failed-start",
        };

        return names[o];
}

unsigned outcomes_possible(const Container *c) {
        bool exact = c->finish == FINISH_EXACT;
        unsigned set = 0;

        if (c->failed_start)
                return outcome_bit(OUTCOME_FAILED_START);
        if (!exact && !(c->exit_hinted && !c->exit_code_forged && c->scope == SCOPE_TASK)) {
                /* Nothing, or nothing that can be trusted, is known of the exit code. */
                set = outcome_bit(OUTCOME_OOM_KILLED) | outcome_bit(OUTCOME_SHUTDOWN);
                return c->stop_asked ? set
                                     : set | outcome_bit(OUTCOME_SUCCESS) | outcome_bit(OUTCOME_FAILURE);
        }

        if (c->exit_code != 0) {
                if (exact && c->oom_killed)
                        return outcome_bit(OUTCOME_OOM_KILLED);
                if (!exact)
                        set |= outcome_bit(OUTCOME_OOM_KILLED);
        }

        if (c->stop_asked || c->exit_code == EXIT_BY_SIGTERM)
                return set | outcome_bit(OUTCOME_SHUTDOWN);
        return set | outcome_bit(c->exit_code == 0 ? OUTCOME_SUCCESS : OUTCOME_FAILURE);
}

/* The setting that tells how long a container of this outcome is kept. */
static SettingId outcome_setting(Outcome o) {
        static const SettingId settings[_OUTCOME_MAX] = {
                [OUTCOME_UNKNOWN] = _SETTING_INVALID,
                [OUTCOME_SUCCESS] = SETTING_SUCCESS,
                [OUTCOME_FAILURE] = SETTING_FAILURE,
                [OUTCOME_OOM_KILLED] = SETTING_OOM_KILLED,
                [OUTCOME_SHUTDOWN] = SETTING_SHUTDOWN,
                [OUTCOME_FAILED_START] = SETTING_FAILED_START,
        };

        return settings[o];
}

usec_t outcome_span(const Retention *r, Outcome o) {
        switch (o) {
        case OUTCOME_SUCCESS:
                return r->success;
        case OUTCOME_FAILURE:
                return r->failure;
        case OUTCOME_OOM_KILLED:
                return r->oom_killed;
        case OUTCOME_SHUTDOWN:
                return r->shutdown;
        case OUTCOME_FAILED_START:
                return r->failed_start;
        default:
                return USEC_INFINITY;
        }
}

usec_t outcomes_shortest_span(const Retention *r, unsigned outcomes, SettingId *ret_setting) {
        usec_t span = USEC_INFINITY;

        for (Outcome o = OUTCOME_UNKNOWN + 1; o < _OUTCOME_MAX; o++)
                if (outcomes & outcome_bit(o) && outcome_span(r, o) <= span) {
                        span = outcome_span(r, o);
                        *ret_setting = outcome_setting(o);
                }
        return span;
}

Outcome outcomes_only(unsigned outcomes) {
        for (Outcome o = OUTCOME_UNKNOWN; o < _OUTCOME_MAX; o++)
                if (outcomes == outcome_bit(o))
                        return o;
        return OUTCOME_UNKNOWN;
}
