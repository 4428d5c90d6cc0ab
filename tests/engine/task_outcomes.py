# SPDX-License-Identifier: Apache-2.0
"""What became of the tasks of Swarm: no outcome changes because of reaperd."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Callable

from case import Case
from history import FOREVER

TERMINAL = ("complete", "failed", "shutdown", "rejected", "orphaned", "remove")


def engine_stopping(case: Case, when: float) -> bool:
    """Whether the engine was on its way down then, or not yet back.

    Seen on engine 20.10 without any reaperd: the agent of a node that is also
    the manager removes its task containers when the engine is told to end.
    """
    ups = [life.up for life in case.h.lives[1:]] + [FOREVER]
    return any(life.stopping <= when <= up + 2.0 and when < FOREVER
               for life, up in zip(case.h.lives, ups))


def judge_tasks(case: Case, add: Callable[[str, str, str], None]) -> None:
    """Every task keeps its terminal state, and no completed one is run again."""
    history = case.h
    asked = {call.container for call in history.calls if call.method == "DELETE"}
    slots: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    for ident, past in history.tasks.items():
        first = next((task for _, task in past if task["Status"]["State"] in TERMINAL), None)
        last = past[-1][1]
        service = last.get("ServiceID", "")
        if first is not None and _outcome(first) != _outcome(last):
            add("outcome", ident, f"{_outcome(first)} became {_outcome(last)}")
        container = last["Status"].get("ContainerStatus", {}).get("ContainerID", "")
        if "No such container" in last["Status"].get("Err", "") and (
                container in asked or not engine_stopping(case, case.destroyed(container))):
            add("outcome", ident, f"lost its container: {last['Status']['Err']}")
        look = history.last_look(container)
        if (first is not None and last["Status"]["State"] == "failed" and look is not None
                and look.state == "exited" and look.exit_code == 0
                and not case.events(container, "kill")):
            add("outcome", ident, "ended with 0 and is failed")
        if ident in history.lost_tasks and min(history.let_go.get(service, FOREVER), history.let_go.get(
                f"task {ident}", FOREVER)) > history.lost_tasks[ident]:
            add("outcome", ident, "Swarm no longer knows the task")
        if service in history.jobs:
            iteration = last.get("JobIteration", {}).get("Index", 0)
            slots[service, iteration, last.get("Slot", 0)].append(ident)
    for (service, _, slot), idents in slots.items():
        states = [history.tasks[ident][-1][1]["Status"]["State"] for ident in idents
                  if not _failed_by_itself(case, ident)]
        if len(states) > 1 and "complete" in states:
            add("ran-twice", service, f"slot {slot} of a job: {len(idents)} tasks: {states}")


def _failed_by_itself(case: Case, task: str) -> bool:
    """Whether the container itself ended with a failure, so that a retry is right."""
    status = case.h.tasks[task][-1][1]["Status"]
    look = case.h.last_look(status.get("ContainerStatus", {}).get("ContainerID", ""))
    return look is not None and look.state in ("exited", "dead") and look.exit_code != 0


def _outcome(task: dict[str, Any]) -> tuple[str, str, int]:
    status = task["Status"]
    return (status["State"], status.get("Err", ""),
            status.get("ContainerStatus", {}).get("ExitCode", 0))
