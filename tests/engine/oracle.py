# SPDX-License-Identifier: Apache-2.0
"""The oracle: was every removal allowed, and did nothing stay that had to go?

It judges a history against the configuration.  What reaperd asked of the
engine is taken from the recording proxy, what became of the containers from
the engine's own events and inspects.  Each kind of fault has a self-test that
provokes it (test_oracle.py, test_oracle_policy.py, test_oracle_console.py,
test_oracle_pressure.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from cap import judge_cap, over_cap
from case import CLOCK, Case, end_of, failed_to_start
from config import Configuration
from gates import Hold, Window, held, held_until, holds, once_windows, unlisted, windows
from history import FOREVER, History, Look, Run
from lab.proxy import Call
from orders import by_request, judge_orders, paused, request_of
from pressure import against_pressure, judge_pressure
from retention import kept_last, outcomes
from standing import Objection, due_for_certain, objection, removable
from task_outcomes import engine_stopping, judge_tasks

LATE = 5.0              # seconds that a due container may stay
INSPECT_AGE = 5.0       # a DELETE follows its inspect at once

SERVICE = "com.docker.swarm.service.id"
PATHS = ("/_ping", "/version", "/info", "/events", "/containers/json")


@dataclass
class Fault:
    """One thing that must not happen."""

    kind: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject[:12]}: {self.text}"


@dataclass
class Judgement:
    """The faults, and how much there was to judge."""

    faults: list[Fault] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)      # by reaperd, with success
    awaited: set[str] = field(default_factory=set)      # had to go, and did or did not

    def add(self, kind: str, subject: str, text: str) -> None:
        self.faults.append(Fault(kind, subject, text))

    @property
    def kinds(self) -> set[str]:
        return {fault.kind for fault in self.faults}

    def assert_clean(self) -> "Judgement":
        assert not self.faults, "the oracle:\n" + "\n".join(str(fault) for fault in self.faults)
        return self


def judge(history: History) -> Judgement:
    """Judge everything that the history tells."""
    result, case = Judgement(), Case(history)
    for trouble in history.troubles:
        result.add("recorder", "-", trouble)
    waits = {id(run): holds(case, run) for run in history.runs}
    _judge_calls(case, waits, result)
    _judge_vanished(case, result)
    for run in history.runs:
        if run.dry_run:
            continue
        able = once_windows(case, run) if run.once else windows(case, run)
        for container in history.looks.keys() - history.stuck:
            _judge_overdue(case, container, run, able, waits[id(run)], result)
        for window in [] if run.once else able:
            judge_cap(case, run, window, waits[id(run)], LATE, result.add)
        judge_pressure(case, run, waits[id(run)], LATE, result.add)
    judge_tasks(case, result.add)
    judge_orders(case, result.add)
    return result


# -- what reaperd asked of the engine ------------------------------------------------


def _judge_calls(case: Case, waits: dict[int, list[Hold]], result: Judgement) -> None:
    for call in case.h.calls:
        run = case.run_of(call)
        if run is None:
            result.add("stray", call.target, f"{call.method} outside of every run of reaperd")
        elif call.method == "DELETE":
            _judge_delete(case, call, run, waits[id(run)], result)
        elif call.is_logs:
            _judge_logs(case, call, run, result)
        elif call.method not in ("GET", "HEAD") or not (call.path in PATHS or call.is_inspect):
            result.add("foreign-call", call.target, f"{call.method} is none of reaperd's business")
        elif "size" in call.query:
            result.add("foreign-call", call.target, "size= walks every layer")
    _judge_flight(case, result)


def _judge_delete(case: Case, call: Call, run: Run, waits: list[Hold], result: Judgement) -> None:
    container = call.container or ""
    if not re.fullmatch("[0-9a-f]{64}", container) or call.path != f"/containers/{container}":
        result.add("bad-path", call.target, "a DELETE of something else than a full id")
        return
    if "force" in call.query:
        result.add("force", container, call.target)
    if run.dry_run:
        result.add("dry-run-delete", container, call.target)
    _judge_second_look(case, call, container, result)
    life, possible = case.life_at(call.time), case.possible(run, call.time)
    if life and call.time < life.started + min(each.settle for each in possible) - CLOCK:
        result.add("unsettled", container,
                   f"the engine was up for {call.time - life.started:.1f} s")
    for gate in (held(case, run, waits, container, call.time), unlisted(case, run, call.time),
                 paused(case, call.time)):
        if gate is not None:
            result.add(gate.kind, container, gate.text)
    if call.status == 204 or call.status == 0 and case.destroyed(container) < FOREVER:
        result.removed.add(container)
    look = _look_before(case, call, container, result)
    if look is not None:
        # Under any one of the configurations that it may have gone by.
        faults = [_against(case, call, look, run, waits, each) for each in possible]
        for fault in min(faults, key=len):
            result.add(fault.kind, container, f"{look.name}: {fault.text}")


def _look_before(case: Case, call: Call, container: str, result: Judgement) -> Look | None:
    """How it stood when its removal was asked for; nothing if that says enough."""
    look = case.h.last_look(container, call.time)
    if look is None:
        result.add("unknown", container, "removed without having been seen by the recorder")
        return None
    started = [e.time for e in case.events(container, "start") if e.time <= call.time]
    if look.state in ("running", "paused", "restarting") or started and started[-1] > look.time:
        result.add("running", container, f"it was {look.state}")
        return None
    if look.state == "created" and not failed_to_start(look):
        result.add("starting", container, "it was created and still to be started")
        return None
    return look


def _against(case: Case, call: Call, look: Look, run: Run, waits: list[Hold],
             configuration: Configuration) -> list[Objection]:
    """All that stands against a DELETE by one configuration."""
    container = call.container or ""
    values = case.values(configuration, container, look)
    found = []
    wanted = {"v": ["1"]} if values.volumes else {}
    if values.in_scope and {k: v for k, v in call.query.items() if k != "force"} != wanted:
        found.append(Objection("volumes", f"{call.target}, expected the query {wanted}"))
    said = case.said(run, container)
    verdict = "" if said is None else said.fields["REAPERD_VERDICT"]
    ways = ([] if verdict in ("pressure", "requested")
            else [_without_pressure(case, container, look, run, call.time, configuration, waits)])
    if verdict in ("pressure", ""):
        ways += against_pressure(case, container, look, run, call.time, configuration, said)
    if verdict == "requested" or not verdict and request_of(case, container, call.time):
        ways.append(by_request(case, container, look, run, call.time, configuration))
    found += min(ways, key=len)
    certain = set(outcomes(case, container, look, run)) <= {"Failure", "OOMKilled"}
    if values.log_tail and certain and not any(
            each.is_logs and each.container == container and each.ended is not None
            and call.time - INSPECT_AGE <= each.ended <= call.time for each in case.h.calls):
        found.append(Objection("no-log", "its log was not read before it went"))
    return found


def _without_pressure(case: Case, container: str, look: Look, run: Run, when: float,
                      configuration: Configuration, waits: list[Hold]) -> list[Objection]:
    """What stands against it by its own age, and if that yields by the cap."""
    first = objection(case, container, look, run, when, configuration)
    if first is None:
        return []
    cap = over_cap(case, container, look, run, when, configuration, waits) if first.yields else first
    return [] if cap is None else {"no-cap": [first], "over-cap": [first, cap]}.get(cap.kind, [cap])


def _judge_second_look(case: Case, call: Call, container: str, result: Judgement) -> None:
    """The last thing before a DELETE is an inspect, also behind a reading of the log."""
    before = [c for c in case.h.calls if c.container == container and c.method == "GET"
              and c.ended is not None and c.ended <= call.time and c.time > call.time - INSPECT_AGE]
    last = max(before, key=lambda c: c.time, default=None)
    if last is None or not last.is_inspect or last.status != 200:
        result.add("no-inspect", container, f"no inspect in the {INSPECT_AGE:g} s before")


def _judge_logs(case: Case, call: Call, run: Run, result: Judgement) -> None:
    """The end of a failed one's log, where LogTail= asks for it, and no more of it."""
    container = call.container or ""
    look = case.h.last_look(container, call.time)
    tails = set() if look is None else {case.values(each, container, look).log_tail
                                        for each in case.possible(run, call.time)} - {0}
    wanted = [{"stdout": ["1"], "stderr": ["1"], "tail": [str(tail)]} for tail in tails]
    if call.query not in wanted:
        result.add("logs", container, f"{call.target}, expected {wanted}")
    elif look is None or not {"Failure", "OOMKilled"} & set(outcomes(case, container, look, run)):
        result.add("logs", container, f"{call.target}, but it did not fail")


def _judge_flight(case: Case, result: Judgement) -> None:
    marks: list[tuple[float, int, Call]] = []
    for call in case.h.calls:
        if call.container:
            marks += [(call.time, 1, call),
                      (FOREVER if call.ended is None else call.ended, -1, call)]
    flying: dict[str, int] = defaultdict(int)
    for when, step, call in sorted(marks, key=lambda mark: mark[:2]):
        flying[call.container or ""] += step
        if step < 0 or when == FOREVER:
            continue
        if flying[call.container or ""] > 1:
            result.add("in-flight", call.container or "", f"two requests at once: {call.target}")
        run = case.run_of(call)
        if run and sum(flying.values()) > max(each.parallelism
                                              for each in case.possible(run, call.time)):
            result.add("parallelism", call.container or "", f"{sum(flying.values())} at once")


# -- what became of the containers ------------------------------------------------------


def _judge_vanished(case: Case, result: Judgement) -> None:
    """Every disappearance is reaperd's, or the engine's own, or was announced by the test."""
    history = case.h
    deleted = defaultdict(list)
    for call in history.calls:
        if call.method == "DELETE" and call.status in (0, 204):
            deleted[call.container].append(call.time)
    for container in case.containers:
        when = case.destroyed(container)
        if when == FOREVER or any(at <= when + CLOCK for at in deleted[container]):
            continue
        if case.is_task(container) and engine_stopping(case, when):
            continue
        look = history.last_look(container)
        if look and look.auto_remove and not case.is_task(container):
            continue
        service = look.labels.get(SERVICE, "") if look and case.is_task(container) else ""
        let_go = min(history.let_go.get(container, FOREVER), history.let_go.get(service, FOREVER))
        if let_go > when:
            result.add("vanished", container, f"{look.name if look else '?'} disappeared, and "
                                              "neither reaperd nor the test removed it")


def _judge_overdue(case: Case, container: str, run: Run, able: list[Window], waits: list[Hold],
                   result: Judgement) -> None:
    """What had to go while the run was able to do it went in time."""
    gone = case.left(container)
    for window in able:
        ready, end = max(window.begin, held_until(waits, container)), window.end
        look = case.h.last_look(container, min(end, gone - CLOCK))
        if ready >= end or look is None or not removable(look):
            continue
        conf = window.configuration
        latest = due_for_certain(case, container, look, run, end, conf)
        if run.once:
            # It does not wait for the floor after the first sight of an error.
            if (latest > ready or failed_to_start(look)
                    or kept_last(case, container, look, run, ready, conf).maybe):
                continue
            limit = end
        else:
            floor = case.values(conf, container, look).minimum_age
            since = max(latest, ready + floor) if failed_to_start(look) else max(latest, ready)
            limit = _free_since(case, container, look, run, since, conf) + LATE
            if limit > end:
                continue
        result.awaited.add(container)
        if gone > limit + CLOCK:
            left = "is still there" if gone == FOREVER else f"went {gone - limit:.1f} s later"
            result.add("overdue", container,
                       f"{look.name}: had to be gone at {limit:.1f} (due {latest:.1f}, "
                       f"exit {look.exit_code}), {left}")
            return


def _free_since(case: Case, container: str, look: Look, run: Run, since: float,
                conf: Configuration) -> float:
    """From when on it was not kept as one of the last, for long enough to be noticed."""
    if since == FOREVER:
        return FOREVER
    values = case.values(conf, container, look)
    if not values.keep_last and not values.keep_last_failure:
        return since
    ends = {each.finished for looks in case.h.looks.values() for each in looks}
    gone = sorted(case.left(each) for each in case.h.looks if each != container)
    over = end_of(look) + values.keep_last_for
    for when in sorted({since, over, *ends, *(at for at in gone if at < FOREVER)}):
        if when < since or when == FOREVER:
            continue
        if kept_last(case, container, look, run, when, conf).maybe:
            continue
        # A newer one that goes meanwhile makes room for this one again.
        again = next((at for at in gone if at > when and at < FOREVER
                      and kept_last(case, container, look, run, at, conf).maybe), FOREVER)
        if again > when + LATE:
            return when
    return FOREVER
