# SPDX-License-Identifier: Apache-2.0
"""What happens on the engine, from its own events and task list.

Nothing here comes from reaperd, so that what it says can be compared with it.
"""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from typing import Any

from lab import ApiError, Client

ENDED = ("complete", "failed", "shutdown", "rejected", "orphaned", "remove")


@dataclass
class Life:
    """One container of a task; times are the engine's, in seconds."""

    name: str
    service: str
    task: str
    created: float
    started: float | None = None
    died: float | None = None
    exit_code: int | None = None
    destroyed: float | None = None


@dataclass(frozen=True)
class Counts:
    created: int = 0
    running: int = 0
    waiting: int = 0
    stopped: int = 0
    removed: int = 0


class Watch:
    """Follows the container events; start() before the first service."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._lives: dict[str, Life] = {}
        self._end = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.broken = ""        # why the stream ended, if it did

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(10)

    def stop(self) -> None:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def lives(self) -> dict[str, Life]:
        with self._lock:
            return dict(self._lives)

    def counts(self) -> Counts:
        lives = self.lives().values()
        here = [life for life in lives if life.destroyed is None]
        stopped = sum(life.died is not None for life in here)
        waiting = sum(life.started is None and life.died is None for life in here)
        return Counts(len(lives), len(here) - stopped - waiting, waiting, stopped,
                      len(lives) - len(here))

    def _follow(self) -> None:
        try:
            # The engine answers before it subscribes: `since` closes the gap.
            with self._client.events(since=time.time() - 1) as events:
                self._ready.set()
                for event in events:
                    if self._end.is_set():
                        return
                    if event is not None:
                        self._take(event)
            self.broken = "the engine closed it"
        except (OSError, http.client.HTTPException, ApiError, ValueError) as error:
            self.broken = str(error)
        finally:
            self._ready.set()

    def _take(self, event: dict[str, Any]) -> None:
        ident, attributes = event["Actor"]["ID"], event["Actor"]["Attributes"]
        action, when = event["Action"], event["timeNano"] / 1e9
        with self._lock:
            if action == "create" and "com.docker.swarm.task.id" in attributes:
                self._lives[ident] = Life(
                    attributes["name"], attributes.get("com.docker.swarm.service.name", ""),
                    attributes["com.docker.swarm.task.id"], when)
                return
            life = self._lives.get(ident)
            if life is None:
                return
            if action == "start":
                life.started = when
            elif action == "die":
                life.died, life.exit_code = when, int(attributes.get("exitCode", -1))
            elif action == "destroy":
                life.destroyed = when


class Outcomes:
    """The outcome of every task when it ended, to be compared later."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._first: dict[str, tuple[Any, ...]] = {}

    def note(self) -> int:
        """Note tasks that have ended since; how many have ended in all."""
        for ident, outcome in self._read().items():
            self._first.setdefault(ident, outcome)
        return len(self._first)

    def changed(self, lives: dict[str, Life]) -> list[str]:
        """Every task whose outcome is not, or no longer, that of its process.

        Compared are the outcome now, the one noted when the task ended and the
        exit code in the engine's `die` event.  A task that ended because its
        container was removed has no such event.
        """
        now = self._read()
        wrong = [f"task {ident}: {' '.join(map(str, outcome))}, now {now.get(ident, 'gone')}"
                 for ident, outcome in self._first.items() if now.get(ident) != outcome]
        for life in lives.values():
            outcome = self._first.get(life.task)
            if outcome is None:
                continue
            if life.exit_code is None:
                if life.destroyed is not None:
                    wrong.append(f"task {life.name}: {outcome[0]}, it lost its container")
            elif outcome[0] != ("complete" if life.exit_code == 0 else "failed"):
                wrong.append(f"task {life.name}: exit {life.exit_code} but {outcome[0]}")
        return wrong

    def states(self, service: str) -> list[str]:
        return [task["Status"]["State"] for task in self._tasks(service)]

    def _tasks(self, service: str | None = None) -> list[dict[str, Any]]:
        return self._client.get("/tasks", filters={"service": [service]} if service else {})

    def _read(self) -> dict[str, tuple[Any, ...]]:
        found = {}
        for task in self._tasks():
            status = task["Status"]
            if status["State"] in ENDED:
                found[task["ID"]] = (status["State"], status.get("Err", ""),
                                     status.get("ContainerStatus", {}).get("ExitCode"))
        return found
