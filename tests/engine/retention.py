# SPDX-License-Identifier: Apache-2.0
"""When the span of a stopped container has passed: the rules, from the issue alone.

Written without a look at the daemon's code, so that both cannot share an
error.  Where the daemon may lawfully know less than the oracle (a `kill` that
it was not connected to see), the answer is a range: no removal before the
earliest of the possible due times, none missing after the latest.
"""

from __future__ import annotations

from dataclasses import dataclass

from case import CLOCK, Case, end_of, failed_to_start
from config import FAILURES, Configuration, Values, slot_of
from history import FOREVER, Look, Run

STOP_SIGNALS = (2, 3, 9, 15)


@dataclass
class Due:
    """Not before `earliest`, gone soon after `latest`; nothing at all before `floor`."""

    floor: float
    earliest: float
    latest: float
    outcomes: list[str]         # those that it may lawfully be given
    orphan: bool = False

    @property
    def why(self) -> str:
        return "/".join(self.outcomes) + (", orphan" if self.orphan else "")


def _streams(case: Case, run: Run, is_task: bool) -> list[tuple[float, float]]:
    """When the run was subscribed to the events of such containers."""
    return [(call.answered, FOREVER if call.ended is None else call.ended)
            for call in case.h.calls
            if call.is_event_stream and call.status == 200 and call.answered is not None
            and run.start <= call.time <= run.end
            and (is_task or '"label"' not in "".join(call.query.get("filters", ())))]


def asked_to_stop(case: Case, container: str, run: Run) -> tuple[bool, bool]:
    """(possible, certain): did this run see that the engine was asked to stop it?"""
    started, ended, asked = 0.0, False, []
    for event in case.events(container):
        if event.action == "start":
            started, ended, asked = event.time, False, []
        elif event.action == "die":
            ended = True
        elif event.action == "stop" or event.action == "kill" and event.signal in STOP_SIGNALS:
            asked.append(event.time)
    if not asked:
        # Without a die event the record has a hole, in which a kill may hide.
        return (started > 0 and not ended, False)
    streams = _streams(case, run, case.is_task(container))
    certain = any(opened + 0.1 <= when <= closed - 0.5 and when <= run.end - 0.5
                  and not any(a - 0.5 <= when <= b for a, b in run.blocked)
                  for when in asked for opened, closed in streams)
    return (True, certain)


def outcomes(case: Case, container: str, look: Look, run: Run) -> list[str]:
    """The outcomes that a stopped container may lawfully be given."""
    if failed_to_start(look):
        return ["FailedStart"]
    if look.oom_killed and look.exit_code != 0:
        return ["OOMKilled"]
    possible, certain = asked_to_stop(case, container, run)
    plain = {0: "Success", 143: "Shutdown"}.get(look.exit_code, "Failure")
    if certain:
        return ["Shutdown"]
    return [plain, "Shutdown"] if possible and plain != "Shutdown" else [plain]


def _failed_start_due(case: Case, container: str, look: Look, values: Values, run: Run) -> Due:
    ripe = look.created + values.spans["FailedStart"]
    # The floor counts from the run's first look at the error, which is on
    # record; the error itself may be as old as our last look without it.
    looks = case.h.looks[container]
    error_from = max((seen.time for seen in looks if not seen.error), default=look.created)
    sights = [call.time for call in case.h.calls if call.is_inspect and call.container == container
              and max(run.start, error_from) <= call.time <= run.end]
    floor = min(sights, default=FOREVER) + values.minimum_age
    error_by = min(seen.time for seen in looks if seen.error)
    wait = 3600.0 if error_by > ripe else 0.0
    return Due(floor, max(ripe, floor), max(ripe, run.start) + values.minimum_age + wait,
               ["FailedStart"])


def due(case: Case, container: str, look: Look, run: Run, when: float,
        configuration: Configuration) -> Due:
    """When the span of a stopped container is over in this run, seen from the time `when`."""
    values = case.values(configuration, container, look)
    if failed_to_start(look):
        return _failed_start_due(case, container, look, values, run)
    names = outcomes(case, container, look, run)
    floor = look.finished + values.minimum_age
    spans = [values.spans[name] for name in names]
    times = [max(floor, look.finished + each) for each in spans]
    found = Due(floor, min(times), max(times), names)
    orphan = case.orphan_since(look, when) if case.is_task(container) else None
    if orphan is not None:
        since, no_swarm = orphan
        known = run.start if run.start > since else since + configuration.resync
        known += configuration.resync if no_swarm else 0.0
        times = [max(floor, look.finished + min(values.orphan_age, each)) for each in spans]
        found = Due(floor, min(times), min(found.latest, max(known, *times)), names, True)
    return found


# -- the newest of a slot -----------------------------------------------------------------


@dataclass
class Kept:
    """Kept as one of the last: for certain, as far as the daemon can know; or perhaps."""

    by_last: bool               # for certain by KeepLast=
    by_failure: bool            # for certain by KeepLastFailure=
    maybe: bool                 # perhaps by either
    maybe_failure: bool         # perhaps by KeepLastFailure=


def _order(container: str, look: Look) -> tuple[float, float, str]:
    return (end_of(look), look.created, container)


def kept_last(case: Case, container: str, look: Look, run: Run, when: float,
              configuration: Configuration) -> Kept:
    """Whether it is among the newest of its slot at that time.

    What has just gone may still count for the daemon, so a removal is wrong
    for certain only if no more than the wanted number could have been newer.
    """
    values = case.values(configuration, container, look)
    end = end_of(look)
    if when + CLOCK >= end + values.keep_last_for or (
            case.is_task(container) and case.orphan_since(look, when) is not None):
        return Kept(False, False, False, False)
    slot = slot_of(look, case.is_task(container))
    own = outcomes(case, container, look, run)
    is_failure, may_be_failure = set(own) <= set(FAILURES), bool(set(own) & set(FAILURES))
    surely = maybe = surely_failures = maybe_failures = 0
    for other in case.h.looks:
        now = case.stopped(other, when)
        seen = now or case.stopped(other, when - 1.0)
        if (seen is None or other == container or slot_of(seen, case.is_task(other)) != slot
                or not case.values(configuration, other, seen).in_scope
                or _order(other, seen) < _order(container, look)):
            continue
        names = set(outcomes(case, other, seen, run))
        maybe += 1
        maybe_failures += bool(names & set(FAILURES))
        if now is not None and case.orphan_since(seen, when) is None:
            surely += 1
            surely_failures += names <= set(FAILURES)
    may_failure = may_be_failure and surely_failures < values.keep_last_failure
    return Kept(maybe < values.keep_last, is_failure and maybe_failures < values.keep_last_failure,
                surely < values.keep_last or may_failure, may_failure)
