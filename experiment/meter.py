# SPDX-License-Identifier: Apache-2.0
"""What the machine, the Swarm and its nodes use at one moment, and a thread that looks once a second.

The nodes share one kernel: what only a kernel counts is told of the whole machine, in the row of the Swarm. Other work
on the machine is in these figures, and in no other.
"""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path
from typing import Any, Callable, Sequence

from lab.fleet import Fleet

from . import machine
from .cgroup import NodeCgroups, Use
from .process import Engine, Engines

Number = float | int | None     # None: not known, or does not apply
Sample = dict[str, Number]

# CPU as CPUs in use: 0.35 is 35 % of one.
CPU_METRICS = ("cpu", "cpu_containers", "cpu_engine")
NODE_METRICS = (*CPU_METRICS, "cgroup_usage", "cgroup_cache", "cgroup_rss", "cgroup_kernel", "dockerd_rss",
                "containerd_rss", "shims_rss", "shims", "engine_anon")
# machine_cpu: of all CPUs, 0 to 1. dying_cgroups is known of single nodes, too, with cgroups of version 2.
MACHINE_METRICS = ("machine_cpu", *machine.MEMINFO, "cpu_lists", "dying_cgroups")
METRICS = NODE_METRICS + MACHINE_METRICS

SWARM = "swarm"
EVERY = 1.0             # seconds from sample to sample
POLL = 0.1              # how long a caller may wait to be asked whether to go on


class Meter:
    """May be used by several threads; the CPU that is told is since the sample before, whoever took it."""

    def __init__(self, fleet: Fleet, proc: Path = Path("/proc"), clock: Callable[[], float] = time.monotonic) -> None:
        self._fleet, self._proc, self._clock = fleet, proc, clock
        self._cgroups, self._engines = NodeCgroups(proc), Engines(proc, clock)
        self._lock = threading.Lock()
        self._last: tuple[float, machine.Ticks, dict[str, tuple[float | None, float]]] | None = None

    def sample(self) -> dict[str, Sample]:
        """Of "swarm" and of each node, by its host name."""
        with self._lock:
            now = self._clock()
            engines = self._look()
            uses = {node.hostname: self._cgroups.use(node.name) for node in self._fleet.nodes}
            ticks = machine.ticks(self._proc)
            found = {name: self._node(uses[name], engines[name]) for name in uses}
            swarm = {metric: _sum([sample[metric] for sample in found.values()]) for metric in NODE_METRICS}
            swarm |= {**machine.memory(self._proc), "dying_cgroups": self._cgroups.dying()}
            found = {SWARM: swarm, **found}
            self._add_cpu(found, now, ticks, {name: (uses[name].cpu, engines[name].cpu) for name in uses})
        return {name: {metric: sample.get(metric) for metric in METRICS} for name, sample in found.items()}

    def cpu_total(self) -> dict[str, float]:
        """CPU seconds of each node's engine: dockerd, containerd, and all shims that were seen; never falls."""
        with self._lock:
            return {name: engine.cpu for name, engine in self._look().items()}

    def _look(self) -> dict[str, Engine]:
        return self._engines.look({node.hostname: node.dir for node in self._fleet.nodes})

    @staticmethod
    def _node(use: Use, engine: Engine) -> Sample:
        return {**dict.fromkeys(CPU_METRICS), "cgroup_usage": use.usage, "cgroup_cache": use.cache,
                "cgroup_rss": use.rss, "cgroup_kernel": use.kernel, "dockerd_rss": engine.dockerd_rss,
                "containerd_rss": engine.containerd_rss, "shims_rss": engine.shims_rss, "shims": engine.shims,
                "engine_anon": engine.anon, "dying_cgroups": use.dying}

    def _add_cpu(self, found: dict[str, Sample], now: float, ticks: machine.Ticks,
                 used: dict[str, tuple[float | None, float]]) -> None:
        last, self._last = self._last, (now, ticks, used)
        if last is None:
            return
        then, ticks_then, used_then = last
        seconds = now - then
        for name, (containers, engine) in used.items():
            if name not in used_then or seconds <= 0:
                continue
            containers_then, engine_then = used_then[name]
            sample = found[name]
            sample["cpu_engine"] = (engine - engine_then) / seconds
            if containers is not None and containers_then is not None:
                sample["cpu_containers"] = (containers - containers_then) / seconds
            sample["cpu"] = _sum([sample["cpu_engine"], sample["cpu_containers"]])
        for metric in CPU_METRICS:
            found[SWARM][metric] = _sum([found[name][metric] for name in used])
        if ticks.total > ticks_then.total:
            found[SWARM]["machine_cpu"] = (ticks.busy - ticks_then.busy) / (ticks.total - ticks_then.total)


class Sampler:
    """Samples once a second while its context is open, whatever a sample takes; keeps all of them.

    What goes wrong in its thread is raised by the next call, or at the end.
    """

    def __init__(self, meter: Meter, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter, self._every, self._clock = meter, every, clock
        self._end = threading.Event()
        self._changed = threading.Condition()
        self._samples: list[tuple[float, dict[str, Sample]]] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        self._end.set()
        self._thread.join()
        if kind is None:
            self._check()

    @property
    def samples(self) -> list[tuple[float, dict[str, Sample]]]:
        """All, each with the time.monotonic() at which it was begun."""
        self._check()
        with self._changed:
            return list(self._samples)

    def since(self, began: float) -> list[dict[str, Sample]]:
        """Those that were begun at this time.monotonic() or later."""
        return [sample for at, sample in self.samples if at >= began]

    def window(self, count: int, go_on: Callable[[], None] = lambda: None) -> list[dict[str, Sample]]:
        """Awaits so many samples that are begun from now on; what go_on raises breaks it off."""
        began = self._clock()
        while True:
            go_on()
            found = self.since(began)
            if len(found) >= count:
                return found[:count]
            if not self._thread.is_alive():
                self._check()
                raise RuntimeError("nothing samples outside of the sampler's context")
            with self._changed:
                self._changed.wait(POLL)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            began, number = self._clock(), 0
            while not self._end.wait(max(0.0, began + number * self._every - self._clock())):
                at = self._clock()
                sample = self._meter.sample()
                with self._changed:
                    self._samples.append((at, sample))
                    self._changed.notify_all()
                # Turns that have passed meanwhile are left out, so that the next one is on time.
                number = max(number, int((self._clock() - began) / self._every)) + 1
        except BaseException as error:  # pylint: disable=broad-except
            self._error = error
            with self._changed:
                self._changed.notify_all()


def medians(samples: Sequence[Sample]) -> Sample:
    """Of each metric the median of the known values, a whole number if these are; None if none is known."""
    found: Sample = {}
    for metric in METRICS:
        known = [value for sample in samples if (value := sample.get(metric)) is not None]
        median = statistics.median(known) if known else None
        whole = median is not None and all(isinstance(value, int) for value in known)
        found[metric] = round(median) if whole else median     # type: ignore[arg-type]
    return found


def _sum(values: Sequence[Number]) -> Number:
    """None if one of them is not known: what is left would be taken for all."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
