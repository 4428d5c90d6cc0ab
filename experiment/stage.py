# SPDX-License-Identifier: Apache-2.0
"""A Swarm whose tasks of one load are started, ended and removed by number, evenly over its workers.

Nothing is believed because it was asked for: `check` has the engines' own lists say it.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Callable, Sequence

from lab.fleet import Fleet, Node

from . import load as loads
from .load import Gate
from .rig import Rig, Trouble, set_availability
from .sizes import Load

TIMEOUT_S = 240.0           # until tasks are as they should be; 70 take some 10 s to start on two CPUs
PATIENCE_S = 5.0            # until it is asked whether one has failed


class Stage:
    """One service at a time, on a fresh Swarm."""

    def __init__(self, rig: Rig, fleet: Fleet, load: Load) -> None:
        self._rig, self._fleet, self._swarm = rig, fleet, fleet.manager.swarm
        self._command = loads.command(loads.task_script(load, loads.calibrate()))
        self._gates = {node: Gate(node) for node in fleet.workers}
        self._active = list(fleet.workers)
        self._made = 0
        self._service = ""
        self._running, self._ended = 0, 0

    def warm_up(self) -> None:
        """Each worker runs a task and removes it: its programs are in the page cache then, and its cgroup is there."""
        self._create(len(self._active), mode="global")
        self.end_service()

    def activate(self, count: int) -> None:
        """The Swarm gives tasks to the first `count` workers only; there must be none."""
        self._active = self._fleet.workers[:count]
        for node in self._fleet.workers:
            set_availability(self._fleet, node, "active" if node in self._active else "drain")

    def run(self, count: int) -> None:
        """As many tasks run, each of which has written its file."""
        if count == 0:
            return
        if not self._service:
            self._create(count, replicas=count)
        else:
            self._swarm.scale(self._service, count)
            self._await_running(count)

    def end(self, count: int) -> None:
        """Lets `count` of the tasks end, and waits until the Swarm has seen it."""
        waiting = {node: self._gates[node].waiting() for node in self._active}
        for (node, names), take in zip(waiting.items(), shares([len(names) for names in waiting.values()], count)):
            self._gates[node].open(names[:take])
        self._running, self._ended = self._running - count, self._ended + count
        self._await(lambda: self._states()["complete"] == self._ended, f"{self._ended} tasks are complete")

    def remove(self, count: int) -> None:
        """Removes `count` stopped containers, as by hand."""
        stopped = {node: sorted(c["Id"] for c in node.client.containers(status="exited")) for node in self._active}
        for (node, ids), take in zip(stopped.items(), shares([len(ids) for ids in stopped.values()], count)):
            for ident in ids[:take]:
                self._rig.go_on()
                node.client.call("DELETE", f"/containers/{ident}", {"v": 1})

    def end_service(self) -> None:
        """And waits until no engine has a container of it any more."""
        # The Swarm knows nothing of it from now on; its containers go later.
        service, self._service = self._service, ""
        self._swarm.remove(service)
        self._await(lambda: not any(node.client.containers() for node in self._active), f"{service} is gone")
        for gate in self._gates.values():
            gate.clear()
        self._running, self._ended = 0, 0

    def check(self, running: int, stopped: int) -> None:
        """Trouble, unless these are the containers of all engines, evenly on the workers that are to have them."""
        seen = {node: Counter(c["State"] for c in node.client.containers()) for node in self._fleet.nodes}
        sums = sum(seen.values(), Counter())
        for state, wanted in (("running", running), ("exited", stopped)):
            counts = [seen[node][state] for node in self._active]
            if sums[state] != wanted or sum(counts) != wanted or max(counts) - min(counts) > 1:
                raise Trouble(f"There should be {wanted} containers that are {state}, evenly on {len(self._active)} "
                              f"workers, but the engines list {_told(seen)}.")
        if sums.total() != running + stopped:
            raise Trouble(f"There should be {running} running and {stopped} stopped containers and no others, but the "
                          f"engines list {_told(seen)}.")

    # -- inside ------------------------------------------------------------------

    def _create(self, count: int, **options: Any) -> None:
        self._made += 1
        self._service = f"paper{self._made}"
        self._swarm.create(self._service, self._command, mounts=Gate.mounts(), **options)
        self._await_running(count)

    def _await_running(self, count: int) -> None:
        # The gates first, which cost the engines nothing while they are busy.
        self._await(lambda: sum(len(gate.waiting()) for gate in self._gates.values()) == count,
                    f"{count} tasks have written")
        self._await(lambda: self._states()["running"] == count, f"{count} tasks are running")
        self._running = count

    def _states(self) -> Counter[str]:
        return Counter(task["Status"]["State"] for task in self._swarm.tasks(self._service))

    def _await(self, probe: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                self._rig.until(probe, PATIENCE_S, what)
                return
            except TimeoutError:
                self._look_for_failures()
                if time.monotonic() > deadline:
                    raise Trouble(f"Not within {TIMEOUT_S:g} s: {what}; the tasks are {dict(self._states())}."
                                  ) from None

    def _look_for_failures(self) -> None:
        for task in self._swarm.tasks(self._service) if self._service else []:
            status = task["Status"]
            if status["State"] in ("failed", "rejected", "orphaned") and task["DesiredState"] != "remove":
                raise Trouble(f"A task of {self._service} is {status['State']}: "
                              f"{status.get('Err') or status.get('Message')}.")


def shares(have: Sequence[int], take: int) -> list[int]:
    """How many to take of each, so that what is left is as even as can be, and so is what is taken."""
    if take > sum(have):
        raise Trouble(f"There are {sum(have)} containers where {take} were to be taken.")
    left = list(have)
    for _ in range(take):
        index = max(range(len(have)), key=lambda each: (left[each], left[each] - have[each]))
        left[index] -= 1
    return [before - after for before, after in zip(have, left)]


def _told(seen: dict[Node, Counter[str]]) -> str:
    return ", ".join(f"{node.hostname}: {dict(counts) or 'none'}" for node, counts in seen.items())
