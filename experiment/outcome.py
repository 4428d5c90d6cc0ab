# SPDX-License-Identifier: Apache-2.0
"""What the tasks of services came to, as the Swarm's manager tells it.

All tasks of the experiment exit with 0 by themselves. One that is anything but complete in the end has had its
outcome damaged, and so has one whose outcome changed after it had ended. Records that Swarm trims are noted before.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Iterable, Mapping

from lab import Client
from lab.workload import TERMINAL

from .background import Repeated

# Looking costs the manager more the more tasks there are. It is to take that part of the time at most; records are
# trimmed some seconds after the end of a task at the earliest, and then there are few.
PART = 0.02
OFTEN, SELDOM = 1.0, 5.0        # seconds


@dataclass(frozen=True)
class Outcome:
    state: str
    error: str
    exit_code: int | None

    def __str__(self) -> str:
        code = "" if self.exit_code is None else f", exit code {self.exit_code}"
        return f"{self.state}{code}" + (f" ({self.error})" if self.error else "")


@dataclass
class Ended:
    """A task that has ended."""

    service: str
    when: float             # of the wall clock
    outcome: Outcome        # as first seen
    later: Outcome | None = None    # another one, seen after it

    @property
    def damaged(self) -> bool:
        return self.outcome.state != "complete" or bool(self.outcome.exit_code) or self.later is not None

    def __str__(self) -> str:
        return f"{self.outcome}" + (f", later {self.later}" if self.later is not None else "")


class Outcomes:
    """The record; `services` gives a service's id its name, tasks of others are none of ours."""

    def __init__(self, services: Mapping[str, str]) -> None:
        self._services = services
        self._going: set[str] = set()
        self._ended: dict[str, Ended] = {}
        self.missed = 0         # tasks that were gone before their outcome was seen

    def note(self, tasks: Iterable[Mapping[str, Any]]) -> None:
        """Take a list of all tasks."""
        going, listed = set(), set()
        for task in tasks:
            service, ident = self._services.get(task["ServiceID"]), task["ID"]
            if service is None:
                continue
            listed.add(ident)
            if task["Status"]["State"] in TERMINAL:
                self._note_end(ident, service, task["Status"])
            elif ident not in self._ended:
                going.add(ident)
            else:
                self._note_change(self._ended[ident], _outcome(task["Status"]))
        # Swarm trims what has ended.
        self.missed += sum(ident not in listed for ident in self._going)
        self._going = going

    def ended(self, service: str, by: float) -> int:
        """How many tasks of a service had ended by then."""
        return sum(task.service == service and task.when <= by for task in self._ended.values())

    def damaged(self, service: str, by: float) -> list[Ended]:
        return [task for task in self._ended.values()
                if task.service == service and task.when <= by and task.damaged]

    def _note_end(self, ident: str, service: str, status: Mapping[str, Any]) -> None:
        outcome = _outcome(status)
        before = self._ended.setdefault(ident, Ended(service, wall(status["Timestamp"]), outcome))
        self._note_change(before, outcome)

    @staticmethod
    def _note_change(ended: Ended, outcome: Outcome) -> None:
        if outcome != ended.outcome:
            ended.later = outcome


class Watch:
    """Keeps a record of the tasks of a Swarm by looking at them; use as a context manager."""

    def __init__(self, client: Client, services: Mapping[str, str]) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._outcomes = Outcomes(services)
        self._repeated = Repeated(self._look, OFTEN)

    def __enter__(self) -> "Watch":
        self._repeated.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._repeated.__exit__()

    def check(self) -> None:
        self._repeated.check()

    def ended(self, service: str, by: float) -> int:
        with self._lock:
            return self._outcomes.ended(service, by)

    def last_look(self) -> Outcomes:
        """The record with one more look; for when the watch is over."""
        self._look()
        return self._outcomes

    def _look(self) -> float:
        began = time.monotonic()
        tasks = self._client.get("/tasks")
        took = time.monotonic() - began
        with self._lock:
            self._outcomes.note(tasks)
        return pause_after(took)


def pause_after(took: float) -> float:
    return min(SELDOM, max(OFTEN, took / PART))


def wall(stamp: str) -> float:
    """RFC 3339 with nanoseconds, as the engine writes it."""
    return datetime.fromisoformat(stamp).timestamp()


def _outcome(status: Mapping[str, Any]) -> Outcome:
    return Outcome(status["State"], status.get("Err", ""), status.get("ContainerStatus", {}).get("ExitCode"))
