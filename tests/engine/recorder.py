# SPDX-License-Identifier: Apache-2.0
"""Fills a history from a real engine, beside and independent of reaperd.

Two threads speak to the engine's own socket, never through the proxy of
reaperd: one follows the unfiltered event stream, over restarts of the engine
with `since`; the other lists and inspects.  A stopped container is inspected
as soon as its end is known and now and then afterwards, a `created` one every
second, because a failed start makes no event.  A third thread reads what the
node has, more often than reaperd does.
"""

from __future__ import annotations

import http.client
import os
import re
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from history import FOREVER, EngineLife, Event, History, Look, Record, Run, Sample
from journal import Journal
from lab import ApiError, Client, Engine, Reaper, RecordingProxy
from lab.cgroups import Cgroups
from lab.hog import meminfo, stalled

SWEEP = 0.25            # seconds between two rounds of the lists
RECHECK = 5.0           # seconds between two looks at a stopped container
RECHECK_CREATED = 1.0
SAMPLE = 0.05           # seconds between two samples of the node
REMOVED = re.compile(r"reaperd: (Removed ([0-9a-f]{12}) .*: ([a-z-]+), age .*)")
DOWN = (OSError, http.client.HTTPException, ApiError, ValueError)


def parse_time(text: str) -> float:
    """RFC 3339 with nanoseconds to seconds; 0 for "never"."""
    if text.startswith("0001-"):
        return 0.0
    whole, _, rest = text.partition(".")
    digits = rest.rstrip("Z")
    base = datetime.fromisoformat(whole.rstrip("Z") + "+00:00").timestamp()
    return base + (float(f"0.{digits}") if digits else 0.0)


def look_at(details: dict[str, Any], now: float) -> Look:
    state, host = details["State"], details["HostConfig"]
    return Look(now, state["Status"], state["ExitCode"], state["OOMKilled"], state["Error"],
                parse_time(state["FinishedAt"]), parse_time(details["Created"]),
                details["Name"].lstrip("/"), details["Config"]["Labels"] or {},
                details["Config"]["Image"], host["AutoRemove"],
                host["RestartPolicy"]["Name"] not in ("", "no"))


def sample(engine: Engine, cgroups: Cgroups, psi: bool) -> Sample:
    """What the node has now; the disk as df(1) counts.

    Page cache is that of the engine's own cgroup: the node's changes with whatever else is at work there.
    """
    memory, disk = meminfo(), os.statvfs(engine.dir / "data")
    used = disk.f_blocks - disk.f_bfree
    return Sample(time.time(), memory["MemTotal"], memory["MemFree"], memory["MemAvailable"],
                  cgroups.cached(engine.name), stalled("some") if psi else None, stalled("full") if psi else None,
                  100 * used / max(used + disk.f_bavail, 1),
                  100 * (disk.f_files - disk.f_ffree) / max(disk.f_files, 1))


def records(reaper: Reaper, run: Run, journal: Journal | None) -> list[Record]:
    """What a run has said: by the journal, else what its lines of removals tell."""
    if journal is not None:
        return [Record(when, fields) for when, fields in journal.timed()
                if run.start <= when <= run.end + 0.1]
    found = [match for line in reaper.log if (match := REMOVED.fullmatch(line))]
    return [Record(0.0, {"MESSAGE": match[1], "CONTAINER_ID": match[2], "REAPERD_VERDICT": match[3]})
            for match in found]


class Recorder:
    """Records from start() to stop(); `history` is complete afterwards."""

    def __init__(self, engine: Engine, *proxies: RecordingProxy) -> None:
        self.history = History()
        self._engine = engine
        self._proxies = list(proxies)
        self._client = Client(engine.socket, timeout=15.0)
        self._runs: list[tuple[Reaper, Run, Journal | None]] = []
        self._lock = threading.Lock()
        self._due: dict[str, float] = {}        # container: when to look at it next
        self._stopping = threading.Event()
        self._swept = threading.Event()
        self._threads = [threading.Thread(target=body, daemon=True)
                         for body in (self._follow, self._watch, self._sample)]

    def start(self) -> "Recorder":
        for thread in self._threads:
            thread.start()
        if not self._swept.wait(15):
            raise TimeoutError("the recorder could not list the containers")
        return self

    def __enter__(self) -> "Recorder":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add_run(self, reaper: Reaper, journal: Journal | None = None) -> Reaper:
        """Tell of a run of reaperd, and where its records go; all of it is read at stop()."""
        run = Run(reaper.started, FOREVER, reaper.settings, "--dry-run" in reaper.arguments,
                  "--once" in reaper.arguments)
        self._runs.append((reaper, run, journal))
        return reaper

    def add_proxy(self, proxy: RecordingProxy) -> None:
        """Tell of one more way from reaperd to the engine."""
        self._proxies.append(proxy)

    def let_go(self, what: str) -> None:
        """Say, before doing so, that the test removes this service or container."""
        self.history.let_go[what] = time.time()

    def let_all_go(self) -> None:
        """The test ends this Swarm: its tasks vanish, its containers must not."""
        for task in list(self.history.tasks):
            self.history.let_go.setdefault(f"task {task}", time.time())

    def stop(self) -> History:
        """End the record; the history up to now, with the calls and runs in it."""
        if not self._stopping.is_set():
            self._stopping.set()
            for thread in self._threads:
                thread.join()
            self._sweep()
        return self.view()

    def view(self) -> History:
        """The history so far."""
        history = self.history
        history.end = time.time()
        history.calls = sorted((call for proxy in self._proxies for call in proxy.snapshot()),
                               key=lambda call: call.time)
        history.lives = [EngineLife(life.started, life.up or FOREVER,
                                    life.stopping or FOREVER, life.ended or FOREVER)
                         for life in self._engine.lives]
        for reaper, run, journal in self._runs:
            run.end = FOREVER if reaper.ended is None else reaper.ended
            cuts = [cut for proxy in self._proxies for cut in proxy.cuts]
            run.blocked = [(a, b) for a, b in [*reaper.pauses, *cuts]]
            run.reloads, run.first_run = list(reaper.reloads), reaper.first_run
            run.records, run.journal = records(reaper, run, journal), journal is not None
        history.runs = [run for _, run, _ in self._runs]
        return history

    # -- inside ------------------------------------------------------------------

    def _follow(self) -> None:
        since = time.time() - 1
        last: set[tuple[int, str, str]] = set()
        while not self._stopping.is_set():
            try:
                with self._client.events(since=since, poll=0.2) as stream:
                    for item in stream:
                        if self._stopping.is_set():
                            return
                        if item is None:
                            continue
                        key = (item["timeNano"], item["Action"], item["Actor"]["ID"])
                        if key not in last:     # `since` repeats what is known
                            last.add(key)
                            since = max(since, item["timeNano"] / 1e9)
                            self._note(item)
            except DOWN:
                pass
            self._stopping.wait(0.1)

    def _note(self, item: dict[str, Any]) -> None:
        signal = item["Actor"]["Attributes"].get("signal", "")
        event = Event(item["timeNano"] / 1e9, item["Action"], item["Actor"]["ID"],
                      int(signal) if signal.isdigit() else 0)
        self.history.events.append(event)
        if event.action in ("create", "start", "die", "stop"):
            with self._lock:
                self._due[event.container] = 0.0

    def _sample(self) -> None:
        psi = os.access("/proc/pressure/memory", os.R_OK)
        try:
            cgroups = Cgroups()
            while not self._stopping.wait(SAMPLE):
                self.history.samples.append(sample(self._engine, cgroups, psi))
        except Exception as error:              # noqa: BLE001 - a lost thread must be seen
            self.history.troubles.append(f"recorder: {error!r}")
            raise

    def _watch(self) -> None:
        next_slow = 0.0
        while not self._stopping.is_set():
            try:
                self._sweep()
                if time.time() >= next_slow:
                    next_slow = time.time() + 1.0
                    self._sweep_swarm()
            except DOWN:
                pass                            # the engine is down: on at the next round
            except Exception as error:          # noqa: BLE001 - a lost thread must be seen
                self.history.troubles.append(f"recorder: {error!r}")
                raise
            self._stopping.wait(SWEEP)

    def _sweep(self) -> None:
        history, now = self.history, time.time()
        tasks = {item["Id"] for item in self._client.containers(is_task=True)}
        everything = {item["Id"]: item["State"] for item in self._client.containers()}
        for ident in tasks:
            history.is_task.setdefault(ident, now)
        for ident in everything:
            if ident not in history.listed:
                history.listed[ident] = now
                self._due.setdefault(ident, 0.0)
            history.gone.pop(ident, None)
            # On engine 20.10 the die event comes before the state does, and
            # while the engine is down no event comes at all.
            looks = history.looks.get(ident)
            if looks and looks[-1].state != everything[ident]:
                self._due[ident] = 0.0
        for ident in history.listed.keys() - everything.keys():
            history.gone.setdefault(ident, time.time())
        with self._lock:
            due = [ident for ident, when in self._due.items() if when <= now]
        for ident in due:
            self._look(ident)
        self._swept.set()

    def _look(self, ident: str) -> None:
        with self._lock:
            self._due[ident] = time.time() + RECHECK
        details = self._client.inspect(ident)
        now = time.time()
        with self._lock:
            if details is None:
                self._due.pop(ident, None)
                return
            look = look_at(details, now)
            self.history.looks.setdefault(ident, []).append(look)
            if look.state == "created":
                self._due[ident] = min(self._due[ident], now + RECHECK_CREATED)

    def _sweep_swarm(self) -> None:
        history, now = self.history, time.time()
        swarm = self._client.get("/info")["Swarm"]
        node = swarm["NodeID"] if swarm["LocalNodeState"] == "active" else ""
        if not history.node_ids or history.node_ids[-1][1] != node:
            history.node_ids.append((now, node))
        if not swarm["ControlAvailable"]:
            return
        for service in self._client.get("/services"):
            if {"ReplicatedJob", "GlobalJob"} & service["Spec"]["Mode"].keys():
                history.jobs.add(service["ID"])
        seen = set()
        for task in self._client.get("/tasks"):
            seen.add(task["ID"])
            past = history.tasks.setdefault(task["ID"], [])
            if not past or past[-1][1]["Status"] != task["Status"]:
                past.append((now, task))
        for ident in history.tasks.keys() - seen:
            history.lost_tasks.setdefault(ident, now)
