# SPDX-License-Identifier: Apache-2.0
"""What the oracle judges: a history of one engine, as plain data.

A history is filled by the recorder from a real engine, or by hand in the
oracle's own tests.  All times are wall clock seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from lab.proxy import Call
from lab.reaper import Reload

FOREVER = float("inf")


@dataclass
class Event:
    """One event of a container, from the engine's own unfiltered stream."""

    time: float
    action: str
    container: str
    signal: int = 0


@dataclass
class Look:
    """What one inspect of a container said."""

    time: float
    state: str
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    finished: float = 0.0       # 0: never
    created: float = 0.0
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    auto_remove: bool = False
    may_restart: bool = False


@dataclass
class Sample:
    """What the node had at one time: bytes, microseconds, percent."""

    time: float
    total: int
    free: int
    available: int
    cached: int | None = None   # page cache of this engine's containers, also of stopped ones; None: not told
    some: int | None = None     # that tasks have stalled for want of memory; None: not told
    full: int | None = None
    disk: float = 0.0           # of the engine's file system, in use
    inodes: float = 0.0


@dataclass
class Record:
    """What a run of reaperd said; on stderr without a time and with few fields."""

    time: float
    fields: Mapping[str, str]

    @property
    def is_removal(self) -> bool:
        return "REAPERD_VERDICT" in self.fields and self.fields["MESSAGE"].startswith(
            ("Removed ", "Would remove "))


@dataclass
class Run:
    """One run of reaperd: from..to, its settings, when it was kept from working.

    settings: those that it started with; reloads: what became of them;
    first_run: started with a state directory that bears no mark; journal: its
    records came with all of their fields.
    """

    start: float
    end: float
    settings: Mapping[str, Any]
    dry_run: bool = False
    once: bool = False
    blocked: list[tuple[float, float]] = field(default_factory=list)
    reloads: list[Reload] = field(default_factory=list)
    first_run: bool = False
    records: list[Record] = field(default_factory=list)
    journal: bool = False


@dataclass
class Standstill:
    """A pause that an operator asked for, from its answer until its end or until Resume was sent."""

    begin: float
    end: float


@dataclass
class Request:
    """Removals that an operator asked for: when, when answered, and of each whether it went."""

    asked: float
    answered: float = FOREVER
    results: dict[str, bool] = field(default_factory=dict)


@dataclass
class EngineLife:
    """One life of the engine: process started, answering, told to end, ended."""

    started: float
    up: float
    stopping: float = FOREVER
    ended: float = FOREVER


@dataclass
class History:
    """Everything that is known about what happened."""

    events: list[Event] = field(default_factory=list)
    looks: dict[str, list[Look]] = field(default_factory=dict)
    listed: dict[str, float] = field(default_factory=dict)      # first seen in the whole list
    is_task: dict[str, float] = field(default_factory=dict)     # first seen with is-task=true
    gone: dict[str, float] = field(default_factory=dict)        # first whole list without it
    tasks: dict[str, list[tuple[float, dict[str, Any]]]] = field(default_factory=dict)
    lost_tasks: dict[str, float] = field(default_factory=dict)  # first task list without it
    jobs: set[str] = field(default_factory=set)                 # services in a job mode
    node_ids: list[tuple[float, str]] = field(default_factory=list)
    lives: list[EngineLife] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    let_go: dict[str, float] = field(default_factory=dict)      # service or container: by the test
    stuck: set[str] = field(default_factory=set)                # made irremovable by the test
    end: float = 0.0
    standstills: list[Standstill] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    waits_ended: list[float] = field(default_factory=list)      # by an operator's word: when it was sent
    troubles: list[str] = field(default_factory=list)           # of the recorder itself

    def story(self, container: str) -> str:
        """All that is on record about a container, in order, for a human eye."""
        lines = [(e.time, f"event {e.action} {e.signal or ''}")
                 for e in self.events if e.container == container]
        lines += [(k.time, f"looked {k.state}, exit {k.exit_code}, finished {k.finished:.2f}")
                  for k in self.looks.get(container, ())]
        lines += [(c.time, f"call {c.method} {c.target[:100]}: {c.status}, ended {c.ended or 0:.2f}")
                  for c in self.calls if c.container in (None, container)]
        lines += [(life.started, f"engine started, up {life.up:.2f}, told to end "
                                 f"{life.stopping:.2f}, ended {life.ended:.2f}") for life in self.lives]
        lines += [(run.start, f"reaperd started, ended {run.end:.2f}, blocked {run.blocked}")
                  for run in self.runs]
        lines += [(record.time, f"reaperd said: {record.fields['MESSAGE']}") for run in self.runs
                  for record in run.records if record.time and (
                      record.fields.get("CONTAINER_ID_FULL") == container
                      or any(key.startswith("REAPERD_PRESSURE") for key in record.fields))]
        lines += [(reload.sent, f"SIGHUP, READY {reload.done:.2f}, good: {reload.good}")
                  for run in self.runs for reload in run.reloads]
        if container in self.gone:
            lines.append((self.gone[container], "no longer listed"))
        return "\n".join(f"  {when:.2f} {text}" for when, text in sorted(lines))

    def last_look(self, container: str, before: float = FOREVER) -> Look | None:
        """The newest look not later than `before`, and before a removal showed."""
        found = None
        for look in self.looks.get(container, ()):
            if look.time <= before and look.state != "removing":
                found = look
        return found
