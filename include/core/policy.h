/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_CORE_POLICY_H
#define REAPERD_CORE_POLICY_H

/*
 * The decision: may this container go, and if not, until when not? A pure function of settings, the
 * container, the node's situation and the time. The first step that applies decides:
 *
 *   1. scope       Swarm tasks by the engine's own flag; others only where a rule lets them in
 *   2. gates       the container's state, quarantine, the engine, the Swarm, a pause, a first run, a surge
 *   3. the floor   MinimumAge after FinishedAt
 *   4. kept by label, then by rule
 *   5. orphan
 *   6. kept as one of the last
 *   7. the span of its outcome
 *
 * MaxStopped= may take what 6 and 7 retain, but not what KeepLastFailure= does. So may pressure: at the
 * elevated level spans shrink (7); at the critical one those that were chosen for a batch go from
 * Pressure.MinimumAge= on, which takes the place of 3, and 6 and 7 do not hold for them, but for
 * KeepLastFailure=. For one that somebody has asked to be removed, 6 and 7 do not hold at all, nor does the
 * back-off after removals that failed; 1 to 4 do.
 */

#include <stdbool.h>

#include "core/container.h"
#include "core/outcome.h"
#include "core/pressure.h"
#include "core/profile.h"
#include "core/settings.h"

/* Names are stable: logs, tests and the console use them. */
typedef enum Verdict {
        VERDICT_UNKNOWN_STATE,
        VERDICT_RUNNING,
        VERDICT_PAUSED,
        VERDICT_RESTARTING,
        VERDICT_STARTING, /* `created`: waits for its start, as far as is known */
        VERDICT_REMOVING, /* by somebody else */
        VERDICT_OUT_OF_SCOPE,
        VERDICT_SCOPE_UNKNOWN, /* due, but the engine must first be asked whether it is a task */
        VERDICT_QUARANTINED,
        VERDICT_ENGINE_UNREACHABLE,
        VERDICT_ENGINE_SETTLING,
        VERDICT_SWARM_NOT_READY,
        VERDICT_REMOVALS_PAUSED,
        VERDICT_AUTO_REMOVE, /* no task, and the engine removes it by itself */
        VERDICT_MAY_RESTART, /* no task, and its restart policy may start it again */
        VERDICT_RELOADING,   /* the list behind a new configuration is not in yet */
        VERDICT_FIRST_RUN,   /* FirstRunDelay= has not passed since the first start */
        VERDICT_SURGE_HELD,  /* nor since the reload that made too many due at once */
        VERDICT_TOO_YOUNG,
        VERDICT_KEPT_LABEL,
        VERDICT_KEPT_RULE,
        VERDICT_KEPT_LAST,
        VERDICT_RETAINED, /* its span has not passed */
        VERDICT_TTL_EXPIRED,
        VERDICT_ORPHAN,
        VERDICT_OVER_CAP,
        VERDICT_PRESSURE,
        VERDICT_REQUESTED, /* somebody asked for it, over the bus */
        _VERDICT_MAX,
} Verdict;

const char *verdict_name(Verdict v);

/* Is it one of those that let a container go? */
bool verdict_removes(Verdict v);
/* Or would be, should the engine say that the container is a task? */
bool verdict_may_remove(Verdict v);

/* What holds for the whole node. */
typedef struct Situation {
        bool engine_connected;
        usec_t settled_at; /* steady: up for SettleTime then; USEC_INFINITY: its age is not known yet */
        SwarmState swarm_state;
        usec_t node_known_at;   /* steady: what follows says nothing about containers made since */
        const char *node_id;    /* this node's, NULL while unknown; borrowed */
        bool out_of_swarm;      /* seen to be in no Swarm at two resyncs */
        usec_t paused_until;    /* steady; 0: not paused */
        bool reloading;         /* a new configuration holds, and the list behind it is not in yet */
        usec_t first_run_until; /* steady; 0: no first run; USEC_INFINITY: the wait has not begun yet */
        bool without_backoff;   /* as if no removal had failed */
        usec_t surge_until;     /* steady: for those that are surge_held; 0: there are none */
        usec_t ask_again_at;    /* steady: the engine cannot be asked which are tasks before this */
        PressureLevel pressure; /* that removals may go by, see relief_level() */
        SettingId pressure_by;  /* at the critical level: the threshold that was passed */
} Situation;

typedef struct Decision {
        Verdict verdict;
        Outcome outcome;
        bool exact; /* rests on an inspect with no event since; only then may a removal follow */
        usec_t age; /* since its end (a failed start: since its creation); 0 if it has not ended */
        usec_t due; /* steady: when the engine must next be asked about it, to remove it or to learn more;
                     * now or in the past: at once; USEC_INFINITY: not before something happens */
        SettingId setting; /* whose value decided: of a removal, or of being kept; _SETTING_INVALID: none */
        bool keep_last;    /* kept as one of the last, or perhaps */
        bool keep_failure; /* kept by KeepLastFailure=, which no cap may override */
        const Container *ask; /* kept as one of the last, perhaps: the exact end of this one would tell */
} Decision;

/* A `created` container is looked at this often while it waits, once FailedStart has passed; so is one
 * that is kept for its restart policy, or because the engine is to remove it. */
#define STARTING_LOOK_INTERVAL USEC_PER_HOUR
/* A container that somebody else is removing is looked at this often. */
#define REMOVING_LOOK_INTERVAL USEC_PER_MINUTE

/* The earliest moment at which the removal of c could be allowed again by the node, and by the back-off
 * after removals that failed, as far as time alone brings it; USEC_INFINITY: something else has to
 * happen first. */
usec_t policy_allows_at(const Container *c, const Situation *s);

/* By c->profile; without one nothing is due. */
Decision policy_decide(const Container *c, const Situation *s, usec_t now);

/* The same as if MaxStopped= were not there. */
Decision policy_decide_uncapped(const Container *c, const Situation *s, usec_t now);

/* The same as if the level were critical and c were in the batch that is being removed against it. */
Decision policy_decide_in_batch(const Container *c, const Situation *s, usec_t now);

/* The same situation with every gate of the node open, and as if no removal had failed: what would be due
 * but for these. Its pressure stays. */
Situation policy_open_gates(const Situation *s);

/* Would it go now, were the gates of the node open, no removal had failed, without pressure, and had
 * nobody asked for it? Before it is inspected that is said on bounds, so that an inspect may tell
 * otherwise. *ret_verdict (may be NULL) is what it would go as. */
bool policy_is_due(const Container *c, const Situation *s, usec_t now, Verdict *ret_verdict);

/* By which of the outcomes that are possible it is due so: bit 1 << Outcome. In the upper half (<<
 * DUE_SET_SHIFT) those by which it would be due if it is not one of the last, which are all of the
 * lower half too. What a change of settings has made due is in the set behind it and not in that before
 * it. */
uint16_t policy_due_set(const Container *c, const Situation *s, usec_t now);
#define DUE_SET_SHIFT 8
#define DUE_SET_ALL   UINT16_MAX

/* Is it the task (not: another container) of another node than this one (this node left the Swarm and joined
 * again, or is in none)? Then nothing else will ever remove it. */
bool policy_is_orphan(const Container *c, const Situation *s);

/* Does this node's Swarm state allow removals? Not while it is pending, locked, in error or not known:
 * its agent may not have told the Swarm yet how its tasks ended. A node that is in no Swarm has nobody
 * to tell. */
bool policy_swarm_ready(SwarmState state);

#endif
