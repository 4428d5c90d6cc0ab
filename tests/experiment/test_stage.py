# SPDX-License-Identifier: Apache-2.0
"""A Swarm that is made up: that tasks are ended and removed evenly, and that no state is believed unseen."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiment import load as loads
from experiment import stage as stages
from experiment.rig import Interrupted, Rig, Trouble
from experiment.sizes import SMALL
from experiment.stage import Stage, set_availability, shares
from lab import ApiError


class Node:
    """Is its own client."""

    def __init__(self, swarm: "Swarm", number: int) -> None:
        self.hostname, self.id, self.pid, self.client = f"node{number}", f"id{number}", os.getpid(), self
        self._swarm, self._made = swarm, 0
        self.states: dict[str, str] = {}

    def add(self, count: int = 1, state: str = "running") -> None:
        for _ in range(count):
            self._made += 1
            self.states[f"{self.hostname}-{self._made:02d}"] = state

    def containers(self, status: str | None = None) -> list[dict[str, Any]]:
        return [{"Id": ident, "State": state} for ident, state in self.states.items() if status in (None, state)]

    def call(self, method: str, path: str, query: Any = None, body: Any = None) -> None:
        assert (method, query) == ("DELETE", {"v": 1})      # never by force
        ident = path.removeprefix("/containers/")
        assert self.states.pop(ident) == "exited"


class Swarm:
    """Tasks are started, and seen to be complete, at once."""

    def __init__(self) -> None:
        self.workers: list[Node] = []
        self.foreign: list[dict[str, Any]] = []
        self.removed = ""

    def create(self, service: str, _command: Any, *, mounts: Any, mode: str = "replicated", replicas: int = 0) -> None:
        self.scale(service, len(self.workers) if mode == "global" else replicas)

    def scale(self, _service: str, count: int) -> None:
        while sum(len(node.states) for node in self.workers) < count:
            min(self.workers, key=lambda node: len(node.states)).add()

    def remove(self, service: str) -> None:
        self.removed = service
        for node in self.workers:
            node.states.clear()

    def tasks(self, service: str) -> list[dict[str, Any]]:
        # As the engine does it.
        if service == self.removed and service:
            raise ApiError("GET", "/tasks", 404, f"service {service} not found")
        names = {"running": "running", "exited": "complete"}
        return self.foreign + [{"Status": {"State": names[state]}, "DesiredState": "running"}
                               for node in self.workers for state in node.states.values()]


class Gate:
    mounts = staticmethod(loads.Gate.mounts)

    def __init__(self, node: Node) -> None:
        self.node = node

    def waiting(self) -> list[str]:
        return sorted(ident for ident, state in self.node.states.items() if state == "running")

    def open(self, names: list[str]) -> None:
        for name in names:
            self.node.states[name] = "exited"

    def clear(self) -> None:
        pass


class Made:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, workers: int = 5) -> None:
        self.swarm = Swarm()
        self.workers = [Node(self.swarm, number) for number in range(3, 3 + workers)]
        self.swarm.workers = self.workers
        self.managers = [Node(self.swarm, number) for number in (1, 2)]
        self.asked_to_end = False
        monkeypatch.setattr(stages, "Gate", Gate)
        monkeypatch.setattr(loads, "calibrate", lambda: 1000.0)
        fleet: Any = SimpleNamespace(workers=self.workers, managers=self.managers,
                                     nodes=[*self.managers, *self.workers],
                                     manager=SimpleNamespace(swarm=self.swarm))
        self.stage = Stage(Rig(SMALL, Path("/"), self._go_on, lambda _: None), fleet, SMALL.loads[0])

    def _go_on(self) -> None:
        if self.asked_to_end:
            raise Interrupted

    def counts(self, state: str) -> list[int]:
        return [len(node.containers(status=state)) for node in self.workers]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    return Made(monkeypatch)


@pytest.mark.parametrize(("have", "take", "wanted"), [
    ([14, 14, 14, 14, 14], 7, [2, 2, 1, 1, 1]),
    ([12, 12, 13, 13, 13], 7, [1, 1, 2, 2, 1]),
    ([3, 1, 0], 2, [2, 0, 0]),
    ([2, 1, 1, 1, 1], 3, [1, 1, 1, 0, 0]),
    ([2, 2], 4, [2, 2]),
    ([2, 2], 0, [0, 0]),
])
def test_what_is_left_is_as_even_as_can_be(have: list[int], take: int, wanted: list[int]) -> None:
    assert shares(have, take) == wanted


@pytest.mark.parametrize("count", range(1, 40))
def test_what_is_taken_is_as_even_as_what_is_left(count: int) -> None:
    """However a Swarm has placed them: who has one more may be the first."""
    have = [count // 5 + (number < count % 5) for number in range(5)]
    for placed in (have, have[::-1]):
        for take in range(count + 1):
            taken = shares(placed, take)
            left = [before - gone for before, gone in zip(placed, taken)]
            assert sum(taken) == take and max(taken) - min(taken) <= 1 and max(left) - min(left) <= 1


def test_no_more_can_be_taken_than_there_are() -> None:
    with pytest.raises(Trouble, match="There are 3 containers where 4"):
        shares([2, 1], 4)


def test_course_of_all_steps_stays_even(made: Made) -> None:
    stage = made.stage
    stage.run(0)
    stage.check(0, 0)
    for running in (10, 20, 35, 70):
        stage.run(running)
        stage.check(running, 0)
    for stopped in (7, 14, 21, 28, 35):
        stage.end(7)
        stage.check(70 - stopped, stopped)
    assert made.counts("exited") == [7] * 5
    for stopped in (28, 21, 14, 7, 0):
        stage.remove(7)
        stage.check(35, stopped)


def test_service_that_is_gone_is_not_asked_for(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    # An engine is late; meanwhile it is looked whether tasks have failed, and the Swarm knows no such service.
    monkeypatch.setattr(stages, "PATIENCE_S", 0.0)
    made.stage.run(5)
    looks = iter([[{"Id": "x"}], [{"Id": "x"}]])
    late = made.workers[0].containers
    monkeypatch.setattr(made.workers[0], "containers", lambda **of: next(looks, None) or late(**of))
    made.stage.end_service()
    assert next(looks, None) is None
    made.stage.run(5)
    made.stage.check(5, 0)


def test_task_that_fails_is_told_soon(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "PATIENCE_S", 0.0)
    monkeypatch.setattr(Swarm, "scale", lambda *_: None)
    made.swarm.foreign = [{"Status": {"State": "rejected", "Err": "no space left"}, "DesiredState": "running"}]
    with pytest.raises(Trouble, match="A task of paper1 is rejected: no space left"):
        made.stage.run(5)


def test_tasks_that_never_come_are_trouble_with_what_there_is(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "PATIENCE_S", 0.0)
    monkeypatch.setattr(stages, "TIMEOUT_S", 0.0)
    monkeypatch.setattr(Swarm, "scale", lambda *_: None)
    made.swarm.foreign = [{"Status": {"State": "pending"}, "DesiredState": "running"}]
    with pytest.raises(Trouble, match="5 tasks have written; the tasks are {'pending': 1}"):
        made.stage.run(5)


def test_waiting_is_broken_off(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Swarm, "scale", lambda *_: None)
    made.asked_to_end = True
    with pytest.raises(Interrupted):
        made.stage.run(5)


def check_fails(made: Made, running: int, stopped: int, match: str) -> None:
    with pytest.raises(Trouble, match=match):
        made.stage.check(running, stopped)


def test_state_that_is_not_what_it_claims_is_trouble(made: Made) -> None:
    made.stage.run(10)
    made.stage.check(10, 0)
    check_fails(made, 9, 0, "should be 9 containers that are running, .* node3: {'running': 2}")
    check_fails(made, 10, 1, "should be 1 containers that are exited")
    made.workers[2].add(state="created")
    check_fails(made, 10, 0, "no others, .* node5: {'running': 2, 'created': 1}")


def test_uneven_state_is_trouble(made: Made) -> None:
    made.stage.run(10)
    made.workers[0].states.popitem()
    made.workers[1].add()
    check_fails(made, 10, 0, "evenly on 5 workers")


def test_container_on_a_manager_is_trouble(made: Made) -> None:
    made.stage.run(10)
    made.managers[0].states.update([made.workers[0].states.popitem()])
    check_fails(made, 10, 0, "node1: {'running': 1}")


class Cluster:
    """A manager that has changed a node under our hands some times."""

    def __init__(self, conflicts: int, message: str = "rpc error: update out of sequence") -> None:
        self.conflicts, self.message, self.version = conflicts, message, 5
        self.spec = {"Role": "worker", "Availability": "active"}

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/nodes/id3"
        return {"Version": {"Index": self.version}, "Spec": dict(self.spec)}

    def call(self, _method: str, _path: str, query: dict[str, int], body: dict[str, str]) -> None:
        if self.conflicts:
            self.conflicts -= 1
            self.version += 1
            raise ApiError("POST", "/nodes/id3/update", 500, self.message)
        assert query == {"version": self.version}
        self.spec = body


def drain(cluster: Cluster) -> None:
    fleet: Any = SimpleNamespace(manager=SimpleNamespace(client=cluster))
    node: Any = SimpleNamespace(id="id3")
    set_availability(fleet, node, "drain")


def test_update_of_a_node_that_has_changed_meanwhile_is_repeated() -> None:
    cluster = Cluster(conflicts=3)
    drain(cluster)
    assert cluster.spec == {"Role": "worker", "Availability": "drain"}


@pytest.mark.parametrize(("conflicts", "message"), [(99, "update out of sequence"), (1, "no such node")])
def test_update_of_a_node_fails_in_the_end_or_for_another_reason(conflicts: int, message: str) -> None:
    with pytest.raises(ApiError, match=message):
        drain(Cluster(conflicts, message))
