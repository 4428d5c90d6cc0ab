# SPDX-License-Identifier: Apache-2.0
"""MaxStopped=: was the count over, was it the right one, did the count come down?

What is due anyway goes first; then, repeatedly, the oldest of the workload
that has most.  In which order equals go is nobody's business, and the daemon
learns of an end a moment after it: the checks leave room for both.
"""

from __future__ import annotations

from collections import Counter
from typing import Callable

from case import CLOCK, Case, end_of
from config import Configuration, workload_of
from gates import Hold, Window, held_until
from history import FOREVER, Look, Run
from retention import due, kept_last
from standing import Objection, kept_for_good, must_go, out_of_reach

SETTLED = 1.0           # seconds after which the daemon has to know of something
BATCH = 2.0             # seconds in which what was chosen together goes


class _Count:
    """The stopped containers that count at one time."""

    def __init__(self, case: Case, run: Run, when: float, configuration: Configuration,
                 held: list[Hold], but: str = "") -> None:
        self._case, self._run, self._when, self._conf = case, run, when, configuration
        self._held = held
        self.looks: dict[str, Look] = {}
        for container in case.h.looks:
            look = case.stopped(container, when)
            if (look is not None and container != but
                    and case.values(configuration, container, look).in_scope):
                self.looks[container] = look

    def workload(self, container: str) -> tuple[str, ...]:
        return workload_of(self.looks[container], self._case.is_task(container))

    def due_anyway(self, container: str, when: float) -> bool:
        return (container not in self._case.h.stuck
                and held_until(self._held, container) <= when
                and must_go(self._case, container, self.looks[container], self._run, when, self._conf))

    def takeable(self, container: str) -> float:
        """From when on a cap may take it; FOREVER: not at all, as far as can be known."""
        look, args = self.looks[container], (self._run, self._when, self._conf)
        if (container in self._case.h.stuck or out_of_reach(self._case, container, look, self._conf)
                or kept_for_good(self._case, container, look, self._when, self._conf)
                or kept_last(self._case, container, look, *args).maybe_failure):
            return FOREVER
        return max(due(self._case, container, look, *args).floor, held_until(self._held, container))


def over_cap(case: Case, container: str, look: Look, run: Run, when: float,
             configuration: Configuration, held: list[Hold]) -> Objection | None:
    """What stands against a removal that only the cap can justify."""
    if configuration.max_stopped == FOREVER:
        return Objection("no-cap", "there is no cap")
    others = _Count(case, run, when, configuration, held, but=container)
    anyway = {each for each in others.looks if others.due_anyway(each, when - SETTLED)}
    stopped = len(others.looks) + 1
    if stopped - len(anyway) <= configuration.max_stopped:
        return Objection("over-cap", f"{stopped} were stopped, {len(anyway)} of them due anyway, "
                                     f"of {configuration.max_stopped:g} allowed")
    return _wrong_one(case, container, look, when, others, anyway)


def _wrong_one(case: Case, container: str, look: Look, when: float, others: _Count,
               anyway: set[str]) -> Objection | None:
    own = workload_of(look, case.is_task(container))
    spared = {each for each in others.looks.keys() - anyway if case.left(each) > when + BATCH}
    sizes = Counter(others.workload(each) for each in spared)
    mixed = {others.workload(each) for each in anyway}
    for each in spared:
        if others.takeable(each) > when - SETTLED:
            continue
        workload = others.workload(each)
        older = others.looks[each]
        # What has not been inspected has its place by its creation, in whole seconds.
        if (workload == own and end_of(older) < end_of(look) - SETTLED
                and older.created < look.created - SETTLED):
            return Objection("cap-order", f"{older.name} is older and was left")
        if not {workload, own} & mixed and sizes[workload] > sizes[own] + 2:
            return Objection("cap-order", f"{workload} has {sizes[workload]} left, "
                                          f"its own {sizes[own]}")
    return None


def judge_cap(case: Case, run: Run, window: Window, held: list[Hold], late: float,
              add: Callable[[str, str, str], None]) -> None:
    """The count comes down in time as long as something may go."""
    conf = window.configuration
    if conf.max_stopped == FOREVER:
        return
    ends = {(look.finished, case.values(conf, container, look).minimum_age)
            for container, looks in case.h.looks.items() for look in looks if look.finished}
    moments = {window.begin, *(end for end, _ in ends), *(end + floor for end, floor in ends)}
    for when in sorted(moment for moment in moments if moment >= window.begin):
        if when + late > window.end:
            return
        found = _Count(case, run, when, conf, held)
        # Whether one that the engine may start again counts is not for sure.
        stopped = {each for each, look in found.looks.items()
                   if out_of_reach(case, each, look, conf) is None}
        anyway = {each for each in stopped if found.due_anyway(each, when)}
        may_go = {each: found.takeable(each) for each in stopped - anyway}
        ripe = {each for each, at in may_go.items() if at <= when}
        below = {each for each, at in may_go.items() if when < at < FOREVER}
        excess = len(stopped) - int(conf.max_stopped) - len(anyway)
        wanted = min(len(ripe), excess - len(below))
        went = {each for each in stopped - anyway if case.left(each) <= when + late + CLOCK}
        if wanted > len(went):
            add("over-max", "-", f"{len(stopped)} stopped at {when:.1f}, {excess} too many, "
                                 f"{len(ripe)} could go, {len(went)} went in time")
            return
