# SPDX-License-Identifier: Apache-2.0
"""The oracle: was every removal allowed, and did nothing stay that had to go?

It judges a history against the configuration.  What reaperd asked of the
engine is taken from the recording proxy, what became of the containers from
the engine's own events and inspects.  Each kind of fault has a self-test that
provokes it (test_oracle.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from history import FOREVER, Event, History, Run
from lab.proxy import Call
from retention import Rules, due, failed_to_start, life_at

LATE = 5.0              # seconds that a due container may stay
CLOCK = 0.05            # seconds that two readings of a clock may differ
START_GRACE = 3.0       # from the start of reaperd to its first removals
RECONNECT_GRACE = 10.0  # from an engine that is back to the same
INSPECT_AGE = 5.0       # a DELETE follows its inspect at once

TERMINAL = ("complete", "failed", "shutdown", "rejected", "orphaned", "remove")
SERVICE = "com.docker.swarm.service.id"


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
    result = Judgement()
    for trouble in history.troubles:
        result.add("recorder", "-", trouble)
    _judge_calls(history, result)
    _judge_vanished(history, result)
    for container in history.is_task.keys() - history.stuck:
        for run in history.runs:
            _judge_overdue(history, container, run, result)
    _judge_tasks(history, result)
    return result


# -- what reaperd asked of the engine ------------------------------------------------


def _run_of(history: History, call: Call) -> Run | None:
    for run in reversed(history.runs):
        if run.start <= call.time <= run.end + 0.5:
            return run
    return None


def _judge_calls(history: History, result: Judgement) -> None:
    for call in history.calls:
        run = _run_of(history, call)
        if run is None:
            result.add("stray", call.target, f"{call.method} outside of every run of reaperd")
        elif call.method == "DELETE":
            _judge_delete(history, call, run, result)
        elif call.method not in ("GET", "HEAD"):
            result.add("foreign-call", call.target, f"{call.method} is none of reaperd's business")
        elif "size" in call.query:
            result.add("foreign-call", call.target, "size= walks every layer")
    _judge_flight(history, result)


def _judge_delete(history: History, call: Call, run: Run, result: Judgement) -> None:
    rules = Rules.of(run.settings)
    container = call.container or ""
    if not re.fullmatch("[0-9a-f]{64}", container) or call.path != f"/containers/{container}":
        result.add("bad-path", call.target, "a DELETE of something else than a full id")
        return
    if "force" in call.query:
        result.add("force", container, call.target)
    wanted = {"v": ["1"]} if rules.volumes else {}
    if {k: v for k, v in call.query.items() if k != "force"} != wanted:
        result.add("volumes", container, f"{call.target}, expected the query {wanted}")
    if run.dry_run:
        result.add("dry-run-delete", container, call.target)
    if container not in history.is_task:
        result.add("not-a-task", container, "not in the engine's is-task list")
    if not any(c.container == container and c.method == "GET" and c.status == 200
               and c.ended is not None and c.ended <= call.time
               and call.time - c.ended <= INSPECT_AGE for c in history.calls):
        result.add("no-inspect", container, f"no inspect in the {INSPECT_AGE:g} s before")
    life = life_at(history, call.time)
    if life and call.time < life.started + rules.settle - CLOCK:
        result.add("unsettled", container,
                   f"the engine was up for {call.time - life.started:.1f} s")
    _judge_age(history, call, run, container, result)
    if call.status == 204 or call.status == 0 and _destroyed(history, container) < FOREVER:
        result.removed.add(container)


def _judge_age(history: History, call: Call, run: Run, container: str, result: Judgement) -> None:
    look = history.last_look(container, call.time)
    if look is None:
        result.add("unknown", container, "removed without having been seen by the recorder")
        return
    started = [e.time for e in _events(history, container, "start") if e.time <= call.time]
    if look.state in ("running", "paused", "restarting") or started and started[-1] > look.time:
        result.add("running", container, f"it was {look.state}")
        return
    if look.state == "created" and not failed_to_start(look):
        result.add("starting", container, "it was created and still to be started")
        return
    found = due(history, container, look, run, call.time)
    if found.earliest == FOREVER:
        result.add("never-due", container, f"{look.name}: {found.why} is kept for ever")
    elif call.time < found.earliest - CLOCK:
        result.add("early", container, f"{look.name}: {found.earliest - call.time:.2f} s too early "
                                       f"({found.why}, exit {look.exit_code})")


def _judge_flight(history: History, result: Judgement) -> None:
    marks: list[tuple[float, int, Call]] = []
    for call in history.calls:
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
        run = _run_of(history, call)
        if run and sum(flying.values()) > Rules.of(run.settings).parallelism:
            result.add("parallelism", call.container or "", f"{sum(flying.values())} at once")


# -- what became of the containers ------------------------------------------------------


def _events(history: History, container: str, action: str) -> list[Event]:
    return [e for e in history.events if e.container == container and e.action == action]


def _destroyed(history: History, container: str) -> float:
    times = [e.time for e in _events(history, container, "destroy")]
    return min([*times, history.gone.get(container, FOREVER)])


def _left(history: History, container: str) -> float:
    """When the removal that made it go was asked for: a slow engine is no fault."""
    gone = _destroyed(history, container)
    asked = [call.time for call in history.calls if call.method == "DELETE"
             and call.container == container and call.status in (0, 204) and call.time <= gone]
    return max(asked, default=gone)


def _engine_stopping(history: History, when: float) -> bool:
    """Whether the engine was on its way down then, or not yet back.

    Seen on engine 20.10 without any reaperd: the agent of a node that is also
    the manager removes its task containers when the engine is told to end.
    """
    ups = [life.up for life in history.lives[1:]] + [FOREVER]
    return any(life.stopping <= when <= up + 2.0 and when < FOREVER
               for life, up in zip(history.lives, ups))


def _judge_vanished(history: History, result: Judgement) -> None:
    """Every disappearance is reaperd's or was announced by the test."""
    deleted = defaultdict(list)
    for call in history.calls:
        if call.method == "DELETE" and call.status in (0, 204):
            deleted[call.container].append(call.time)
    for container in history.listed.keys() | {e.container for e in history.events}:
        when = _destroyed(history, container)
        if when == FOREVER or any(at <= when + CLOCK for at in deleted[container]):
            continue
        if container in history.is_task and _engine_stopping(history, when):
            continue
        look = history.last_look(container)
        service = look.labels.get(SERVICE, "") if look and container in history.is_task else ""
        let_go = min(history.let_go.get(container, FOREVER), history.let_go.get(service, FOREVER))
        if let_go > when:
            result.add("vanished", container, f"{look.name if look else '?'} disappeared, and "
                                              "neither reaperd nor the test removed it")


def _windows(history: History, run: Run) -> list[tuple[float, float]]:
    """When the run was able to remove: (from, to), after its grace."""
    rules = Rules.of(run.settings)
    found = []
    for life in history.lives:
        begin, end = max(run.start, life.up), min(run.end, life.ended, history.end)
        grace = START_GRACE if run.start >= life.up else RECONNECT_GRACE
        for stopped, resumed in [*sorted(run.blocked), (FOREVER, FOREVER)]:
            # Contact makes the age known when the engine's ring is empty.
            ready = begin + max(grace, rules.settle + grace if rules.settle else 0.0)
            if ready < min(end, stopped):
                found.append((ready, min(end, stopped)))
            if resumed >= begin and stopped <= end:
                begin, grace = max(begin, resumed), RECONNECT_GRACE
    return found


def _once_window(history: History, run: Run, rules: Rules) -> list[tuple[float, float]]:
    """What --once has to remove is due before it starts, on a settled engine."""
    life = life_at(history, run.start)
    if life is None or run.end > min(life.ended, history.end):
        return []
    return [(run.start, run.end)] if run.start > life.up + rules.settle else []


def _judge_overdue(history: History, container: str, run: Run, result: Judgement) -> None:
    if run.dry_run:
        return
    gone = _left(history, container)
    rules = Rules.of(run.settings)
    for ready, end in _once_window(history, run, rules) if run.once else _windows(history, run):
        look = history.last_look(container, min(end, gone - CLOCK))
        if look is None or not (look.state in ("exited", "dead") or failed_to_start(look)):
            continue
        latest = due(history, container, look, run, end).latest
        if run.once:
            # It does not wait for the floor after the first sight of an error.
            if latest > ready or failed_to_start(look):
                continue
            limit = end
        else:
            sight = rules.minimum_age if failed_to_start(look) else 0.0
            limit = max(latest, ready + sight) + LATE
            if limit > end:
                continue
        result.awaited.add(container)
        if gone > limit + CLOCK:
            left = "is still there" if gone == FOREVER else f"went {gone - limit:.1f} s later"
            result.add("overdue", container,
                       f"{look.name}: had to be gone at {limit:.1f} (due {latest:.1f}, "
                       f"exit {look.exit_code}), {left}")
            return


# -- what became of the tasks -----------------------------------------------------------


def _judge_tasks(history: History, result: Judgement) -> None:
    asked = {call.container for call in history.calls if call.method == "DELETE"}
    slots: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    for ident, past in history.tasks.items():
        first = next((task for _, task in past if task["Status"]["State"] in TERMINAL), None)
        last = past[-1][1]
        service = last.get("ServiceID", "")
        if first is not None and _outcome(first) != _outcome(last):
            result.add("outcome", ident, f"{_outcome(first)} became {_outcome(last)}")
        container = last["Status"].get("ContainerStatus", {}).get("ContainerID", "")
        if "No such container" in last["Status"].get("Err", "") and (
                container in asked or not _engine_stopping(history, _destroyed(history, container))):
            result.add("outcome", ident, f"lost its container: {last['Status']['Err']}")
        look = history.last_look(container)
        if (first is not None and last["Status"]["State"] == "failed" and look is not None
                and look.state == "exited" and look.exit_code == 0
                and not _events(history, container, "kill")):
            result.add("outcome", ident, "ended with 0 and is failed")
        if ident in history.lost_tasks and min(history.let_go.get(service, FOREVER), history.let_go.get(
                f"task {ident}", FOREVER)) > history.lost_tasks[ident]:
            result.add("outcome", ident, "Swarm no longer knows the task")
        if service in history.jobs:
            iteration = last.get("JobIteration", {}).get("Index", 0)
            slots[service, iteration, last.get("Slot", 0)].append(ident)
    for (service, _, slot), idents in slots.items():
        states = [history.tasks[ident][-1][1]["Status"]["State"] for ident in idents
                  if not _failed_by_itself(history, ident)]
        if len(states) > 1 and "complete" in states:
            result.add("ran-twice", service, f"slot {slot} of a job: {len(idents)} tasks: {states}")


def _failed_by_itself(history: History, task: str) -> bool:
    """Whether the container itself ended with a failure, so that a retry is right."""
    status = history.tasks[task][-1][1]["Status"]
    look = history.last_look(status.get("ContainerStatus", {}).get("ContainerID", ""))
    return look is not None and look.state in ("exited", "dead") and look.exit_code != 0


def _outcome(task: dict) -> tuple[str, str, int]:
    status = task["Status"]
    return (status["State"], status.get("Err", ""),
            status.get("ContainerStatus", {}).get("ExitCode", 0))
