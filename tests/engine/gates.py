# SPDX-License-Identifier: Apache-2.0
"""When a run is able to remove, and what it has to hold back meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from case import CLOCK, Case
from config import Configuration
from history import FOREVER, Run
from orders import at_rest
from standing import Objection, must_go, objection

START_GRACE = 3.0       # from the start of reaperd, or a reload, to its first removals
RECONNECT_GRACE = 10.0  # from an engine that is back, or another endpoint, to the same


@dataclass
class Window:
    """The run is able to remove, and one configuration holds."""

    begin: float
    end: float
    configuration: Configuration


@dataclass
class Hold:
    """No removal before `until`, of these or of all; perhaps of some more."""

    kind: str
    begin: float
    until: float
    surely: set[str] | None     # None: all
    maybe: set[str]


def windows(case: Case, run: Run) -> list[Window]:
    """When the run was able to remove: from..to, after its grace."""
    found = []
    for life in case.h.lives:
        begin, end = max(run.start, life.up), min(run.end, life.ended, case.h.end)
        grace = START_GRACE if run.start >= life.up else RECONNECT_GRACE
        rests = [*run.blocked, *((pause.begin, pause.end) for pause in case.h.standstills)]
        for stopped, resumed in [*sorted(rests), (FOREVER, FOREVER)]:
            found += _split(case, run, begin, min(end, stopped), grace)
            if resumed >= begin and stopped <= end:
                begin, grace = max(begin, resumed), RECONNECT_GRACE
    return found


def _split(case: Case, run: Run, begin: float, end: float, grace: float) -> list[Window]:
    found, endpoint = [], case.configuration(run.settings).endpoint
    for segment in case.segments(run):
        settings = segment.configuration
        after = START_GRACE if settings.endpoint == endpoint else RECONNECT_GRACE
        endpoint = settings.endpoint
        # Contact makes the age known when the engine's ring is empty.
        ready = max(begin + grace, begin + settings.settle + grace if settings.settle else 0.0)
        if segment.begin > begin:
            ready = max(ready, segment.begin + after)
        if ready < min(end, segment.end):
            found.append(Window(ready, min(end, segment.end), settings))
    return found


def once_windows(case: Case, run: Run) -> list[Window]:
    """What --once has to remove is due before it starts, on a settled engine."""
    life, settings = case.life_at(run.start), case.configuration(run.settings)
    if life is None or run.end > min(life.ended, case.h.end) or at_rest(case, run.start, run.end):
        return []
    return [Window(run.start, run.end, settings)] if run.start > life.up + settings.settle else []


def holds(case: Case, run: Run) -> list[Hold]:
    """The wait of a first run, and that of each reload with a surge."""
    found = []
    if run.first_run:
        first = case.full_list(run, run.start)
        listed = run.end if first is None else first.ended or 0.0
        delays = [each.first_run_delay for each in case.possible(run, listed)]
        found.append(Hold("first-run", run.start, listed + min(delays), None, set()))
    before = case.configuration(run.settings)
    for reload in case.reloads(run):
        after = case.configuration(reload.settings)
        if after.surge_limit and after.first_run_delay and (
                call := case.full_list(run, reload.sent)) and call.ended:
            surely, maybe = _newly_due(case, run, before, reload.sent, after, call.ended)
            if len(maybe) > after.surge_limit:
                found.append(Hold("surge", reload.sent, call.ended + after.first_run_delay,
                                  surely if len(surely) > after.surge_limit else set(), maybe))
        before = after
    return found


def _newly_due(case: Case, run: Run, before: Configuration, then: float, after: Configuration,
               now: float) -> tuple[set[str], set[str]]:
    """Those that a reload made due, for certain and perhaps."""
    surely, maybe = set(), set()
    for container in case.h.looks:
        look = case.stopped(container, now)
        if look is None:
            continue
        may_go = objection(case, container, look, run, now + 1.0, after)
        could_before = objection(case, container, look, run, then + 1.0, before)
        if may_go is None or may_go.yields and after.max_stopped < FOREVER:
            if not must_go(case, container, look, run, then - 1.0, before):
                maybe.add(container)
        if could_before is not None and must_go(case, container, look, run, now - CLOCK, after):
            surely.add(container)
    return surely, maybe


def held(case: Case, run: Run, found: list[Hold], container: str, when: float) -> Objection | None:
    """The wait that a removal at that time has broken, if any."""
    for hold in found:
        if any(hold.begin <= word <= when for word in case.h.waits_ended):
            continue
        if hold.begin <= when < hold.until - CLOCK and (hold.surely is None or container in hold.surely):
            # A later configuration may have put an end to all waiting.
            if all(each.surge_limit and each.first_run_delay
                   for each in case.possible(run, when)) or hold.kind == "first-run":
                return Objection(hold.kind, f"{hold.until - when:.2f} s before its wait was over")
    return None


def held_until(found: list[Hold], container: str) -> float:
    """When the last wait that may concern it is over."""
    return max((hold.until + 1.0 for hold in found if hold.surely is None
                or container in hold.surely | hold.maybe), default=0.0)


def unlisted(case: Case, run: Run, when: float) -> Objection | None:
    """A removal under a new configuration before everything was listed again."""
    for reload in case.reloads(run):
        if reload.done + CLOCK < when:
            call = case.full_list(run, reload.sent)
            if call is None or call.ended is None or call.ended > when:
                return Objection("before-list", "nothing was listed since the reload")
    return None
