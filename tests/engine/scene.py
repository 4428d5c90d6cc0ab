# SPDX-License-Identifier: Apache-2.0
"""A made-up history for the tests of the oracle, in which all is well so far."""

from __future__ import annotations

from typing import Any

from history import (FOREVER, EngineLife, Event, History, Look, Record, Request, Run, Sample,
                     Standstill)
from lab.proxy import Call
from lab.reaper import Reload
from oracle import judge

A = "a" * 64
B = "b" * 64
NODE = "node1"
T = 1_000_000.0         # when the container of the scene finished
SETTINGS: dict[str, Any] = {
    "SettleTime": "0", "MinimumAge": "10s", "Success": "12s", "Failure": "25s",
    "OOMKilled": "18s", "Shutdown": "14s", "FailedStart": "15s", "OrphanAge": "11s",
    "ResyncInterval": "20s", "KeepLastFailure": 0,
}


class Scene:
    """A history of one engine, one run of reaperd and one task's container."""

    def __init__(self, settings: dict[str, Any] | None = None, **look: Any) -> None:
        self.h = History(end=T + 100)
        self.h.lives = [EngineLife(T - 200, T - 199)]
        self.run = Run(T - 100, T + 100, {**SETTINGS, **(settings or {})})
        self.h.runs = [self.run]
        self.h.node_ids = [(T - 150, NODE)]
        self.stream = self.call(T - 99, "GET", "/v1.41/events?filters=x", 200, FOREVER)
        self.labels = {"com.docker.swarm.node.id": NODE, "com.docker.swarm.service.id": "svc",
                       "com.docker.swarm.service.name": "web"}
        self.look = self.add(A, T, **look)

    def add(self, container: str, end: float, plain: bool = False, service: str = "web",
            slot: int = 1, **look: Any) -> Look:
        """One more container that ran for 5 s; `labels` come on top of a task's."""
        name = f"plain-{container[0]}" if plain else f"{service}.{slot}.{container[0]}"
        labels = {} if plain else {**self.labels, "com.docker.swarm.task.name": name,
                                   "com.docker.swarm.service.name": service}
        labels |= look.pop("labels", {})
        made = Look(**{"time": end + 0.3, "state": "exited", "finished": end, "created": end - 6,
                       "name": name, "image": "busy:latest", "labels": labels, **look})
        self.h.looks[container] = [made]
        self.h.listed[container] = end - 5
        if not plain:
            self.h.is_task[container] = end - 5
        for when, action in ((end - 6, "create"), (end - 5, "start"), (end, "die")):
            self.event(when, action, container=container)
        return made

    def event(self, when: float, action: str, signal: int = 0, container: str = A) -> None:
        self.h.events.append(Event(when, action, container, signal))

    def list(self, when: float) -> Call:
        return self.call(when, "GET", "/v1.41/containers/json?all=1&filters=x", 200)

    def reload(self, when: float, settings: dict[str, Any], good: bool = True,
               listed: bool = True) -> Reload:
        """SIGHUP, READY=1 a little later, and the list behind it."""
        made = Reload(when, {**SETTINGS, **settings}, good, when + 0.1)
        self.run.reloads.append(made)
        if listed:
            self.list(when + 0.2)
        return made

    def call(self, when: float, method: str, target: str, status: int, took: float = 0.01) -> Call:
        made = Call(when, method, target, status, when + 0.001, when + took)
        self.h.calls.append(made)
        return made

    def remove(self, when: float, query: str = "?v=1", status: int = 204,
               container: str = A) -> Call:
        """An inspect, a DELETE and, if it succeeds, the event of it."""
        self.call(when - 0.05, "GET", f"/v1.41/containers/{container}/json", 200)
        made = self.call(when, "DELETE", f"/v1.41/containers/{container}{query}", status)
        if status == 204:
            self.event(when + 0.02, "destroy", container=container)
        return made

    def node(self, *spans: tuple[float, float, dict[str, float]]) -> None:
        """Samples of a node with plenty of everything, but for (begin, end, figures in percent).

        `stalls`: the part of the time that some tasks wait for memory.
        """
        some = 0.0
        for tick in range(-1000, 1000):
            now = {"available": 60.0, "free": 50.0, "disk": 10.0, "inodes": 10.0, "stalls": 0.0}
            for begin, end, figures in spans:
                if T + begin <= T + tick / 10 < T + end:
                    now |= figures
            some += now["stalls"] * 1e5
            self.h.samples.append(Sample(T + tick / 10, 10_000, int(now["free"] * 100), int(now["available"] * 100),
                                         0, int(some), int(some) // 2, now["disk"], now["inodes"]))

    def say(self, when: float, message: str, **fields: Any) -> Record:
        """A record in the journal."""
        self.run.journal = True
        made = Record(when, {"MESSAGE": message, **{key: str(value) for key, value in fields.items()}})
        self.run.records.append(made)
        return made

    def remove_and_say(self, when: float, setting: str, verdict: str = "pressure", container: str = A,
                       **fields: Any) -> None:
        self.remove(when, container=container)
        self.say(when + 0.02, f"Removed {container[:12]}", CONTAINER_ID=container[:12],
                 CONTAINER_ID_FULL=container, REAPERD_VERDICT=verdict, REAPERD_SETTING=setting, **fields)

    def pause(self, begin: float, end: float) -> None:
        self.h.standstills.append(Standstill(begin, end))

    def ask(self, when: float, took: float = 1.0, **results: bool) -> None:
        """Somebody asks for removals; by the first digit of each id, and whether it is said to have gone."""
        self.h.requests.append(Request(when, when + took, {key * 64: removed for key, removed in results.items()}))

    def kinds(self) -> set[str]:
        return judge(self.h).kinds
