# SPDX-License-Identifier: Apache-2.0
"""Figure 8, which the paper left out: a service whose tasks keep finishing, and who removes what they leave.

An arm is a Swarm of its own with the same two services: one whose tasks end and are replaced at once, and beside it
one whose tasks wait before they are started again, in containers that are `created` and not stopped meanwhile.
"""

from __future__ import annotations

import functools
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Sequence

from lab.fleet import Fleet, Node

from . import caches
from . import load as loads
from .cleaner import Cost, Nobody, Prune, Reaperds
from .latency import Latency
from .meter import METRICS, SWARM, Meter, Sample
from .outcome import Ended, Outcomes, Watch
from .rig import Cell, Rig, Row, Tables, Trouble
from .sizes import Load, Sizes

CHURN, DELAYED = "churn", "delayed"
KEPT, DEFAULT = 100_000, 5      # Swarm's TaskHistoryRetentionLimit
ENDLESS = 1_000_000             # completions of a job that never comes to its end
BEFORE = 5                      # seconds before the services begin, which all that follows is held against
AFTER = 1.0                     # seconds: an outcome that changes needs a moment to show
AROUND = 10.0                   # seconds that an arm takes besides, about
TELL = 10                       # seconds


@dataclass(frozen=True)
class Arm:
    name: str               # a column of the data
    about: str
    history: int
    job: bool
    cleaner: Callable[[Rig, Sequence[Node], Sizes], Nobody]


def _nobody(_rig: Rig, _nodes: Sequence[Node], _sizes: Sizes) -> Nobody:
    return Nobody()


ARMS = (
    Arm("nothing", "nothing cleans up", KEPT, False, _nobody),
    Arm("history", "Swarm's default history limit", DEFAULT, False, _nobody),
    Arm("job", "a job, which Swarm never trims", DEFAULT, True, _nobody),
    Arm("prune", "docker container prune from a timer", KEPT, False, Prune),
    Arm("reaperd", "reaperd", KEPT, False, Reaperds),
)


def cells(sizes: Sizes) -> list[Cell]:
    return [Cell(f"figure8-{load.name}-{arm.name}", f"figure 8: {load.about}, {arm.about}", sizes.arm_s + AROUND,
                 functools.partial(run, load, arm))
            for load in sizes.arm_loads for arm in ARMS]


def run(load: Load, arm: Arm, rig: Rig) -> Tables:
    rig.say(f"a Swarm for figure 8: {arm.about}")
    iterations = _iterations()
    with caches.undisturbed(), rig.swarm(rig.sizes.arm_managers, rig.sizes.arm_workers, arm.history) as fleet:
        return Course(load, arm, rig, fleet, iterations).run()


# The machine does not become faster within a run.
_iterations = functools.cache(loads.calibrate)


@dataclass
class Look:
    """What is seen at the end of a second."""

    listed: int
    disk_used: int
    inodes_used: int | None
    samples: dict[str, Sample]      # of the Swarm, and of each node


class Course:
    """One arm."""

    def __init__(self, load: Load, arm: Arm, rig: Rig, fleet: Fleet, iterations: float) -> None:
        self._load, self._arm, self._rig, self._fleet = load, arm, rig, fleet
        self._iterations = iterations
        self._meter = Meter(fleet)
        self._containers = Containers(fleet.workers)
        self._looks: list[Look] = []

    def run(self) -> Tables:
        sizes, fleet = self._rig.sizes, self._fleet
        with ExitStack() as stack:
            cleaner = stack.enter_context(self._arm.cleaner(self._rig, fleet.nodes, sizes))
            disk = Disk(fleet.nodes[0].dir)
            self._meter.sample()        # CPU is that since the sample before
            began = time.monotonic() + BEFORE
            for second in range(1 - BEFORE, 1):
                self._wait_until(began + second)
                self._look(disk)
            began_wall, engine_cpu = time.time() - (time.monotonic() - began), self._engine_cpu()
            watch = stack.enter_context(Watch(fleet.manager.client, self._start()))
            latency = stack.enter_context(Latency(fleet.workers[0].socket, sizes.ps_every_s))
            for second in range(1, sizes.arm_s + 1):
                self._wait_until(began + second)
                for part in (cleaner, latency, watch):
                    part.check()
                self._look(disk)
                if second % TELL == 0:
                    self._rig.say(f"figure 8, {self._load.name}, {self._arm.name}: second {second} of {sizes.arm_s}, "
                                  f"{watch.ended(CHURN, time.time())} tasks have ended, "
                                  f"{self._looks[-1].listed} containers")
            ended_at, engine_cpu = time.time(), self._engine_cpu() - engine_cpu
            latency.close()
            cost = cleaner.finish()
            self._containers.add(cleaner.removed())
            self._wait_until(time.monotonic() + AFTER)
            watch.close()
            outcomes = watch.last_look()
            self._rig.until(self._containers.agree, 10.0, "the engines list the containers that they have folders of")
        if outcomes.missed:
            raise Trouble(f"Swarm trimmed {outcomes.missed} tasks before their outcome was seen: this machine is too "
                          "busy. Run the same command again.")
        self._tell(DELAYED, outcomes, ended_at)
        self._tell(CHURN, outcomes, ended_at)
        waits = latency.by_second(began)
        rows = [self._row(second, look, outcomes.ended(CHURN, began_wall + second), waits.get(second))
                for second, look in enumerate(self._looks, 1 - BEFORE)]
        return {"figure8": rows, "figure8-samples": self._samples(),
                "figure8-arms": [self._arm_row(outcomes, ended_at, cost, engine_cpu)]}

    # -- inside ------------------------------------------------------------------

    def _start(self) -> dict[str, str]:
        """Both services; their ids and names."""
        sizes, swarm = self._rig.sizes, self._fleet.manager.swarm
        churn: dict[str, Any] = {"replicas": sizes.churn_replicas, "restart": "any", "delay": 0.0}
        if self._arm.job:
            churn = {"mode": "replicated-job", "replicas": ENDLESS, "concurrent": sizes.churn_replicas}
        script = loads.churn_script(self._load, self._iterations, sizes.churn_life_s)
        return {
            swarm.create(CHURN, loads.command(script), **churn): CHURN,
            swarm.create(DELAYED, ["sleep", "1"], replicas=sizes.delayed_replicas, restart="any",
                         delay=sizes.delayed_s): DELAYED,
        }

    def _wait_until(self, moment: float) -> None:
        self._rig.until(lambda: time.monotonic() >= moment, moment - time.monotonic() + 60.0, "a second has passed",
                        poll=0.05)

    def _look(self, disk: "Disk") -> None:
        self._looks.append(Look(self._containers.look(), disk.bytes(), disk.inodes(), self._meter.sample()))

    def _engine_cpu(self) -> float:
        return sum(self._meter.cpu_total().values())

    def _tell(self, service: str, outcomes: Outcomes, by: float) -> None:
        damaged = outcomes.damaged(service, by)
        if damaged:
            self._rig.say(f"{self._arm.name}: {len(damaged)} of {outcomes.ended(service, by)} tasks of {service!r} "
                          f"have come to what they did not do, for instance: {damaged[0]}")

    def _row(self, second: int, look: Look, ended: int, wait: float | None) -> Row:
        return {"load": self._load.name, "arm": self._arm.name, "second": second, "listed": look.listed,
                "ended": ended, "disk_used": look.disk_used, "inodes_used": look.inodes_used, "ps_ms": wait,
                **{metric: look.samples[SWARM][metric] for metric in METRICS}}

    def _samples(self) -> list[Row]:
        """Of each node."""
        return [{"load": self._load.name, "arm": self._arm.name, "second": second, "node": node, **sample}
                for second, look in enumerate(self._looks, 1 - BEFORE)
                for node, sample in look.samples.items() if node != SWARM]

    def _arm_row(self, outcomes: Outcomes, by: float, cost: Cost, engine_cpu: float) -> Row:
        def damaged(service: str) -> list[Ended]:
            return outcomes.damaged(service, by)

        return {"load": self._load.name, "arm": self._arm.name, "seconds": self._rig.sizes.arm_s,
                "ended": outcomes.ended(CHURN, by), "damaged": len(damaged(CHURN)),
                "delayed_ended": outcomes.ended(DELAYED, by), "delayed_damaged": len(damaged(DELAYED)),
                "removed": self._containers.ever - self._containers.now, "cleaner_cpu": cost.cpu,
                "cleaner_anon": cost.anon, "cleaner_rss": cost.rss, "engine_cpu": engine_cpu}


class Containers:
    """Those of some nodes. Counted by the engines' folders: a list each second is work of the engine, and grows."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._ever: set[str] = set()
        self.now = 0

    @property
    def ever(self) -> int:
        return len(self._ever)

    def look(self) -> int:
        """How many there are."""
        names = self._folders()
        self.add(names)
        self.now = len(names)
        return self.now

    def agree(self) -> bool:
        """Whether the engines' lists say the same; in the middle of making or removing one they do not."""
        before = self._folders()
        listed = {item["Id"] for node in self._nodes for item in node.client.containers()}
        after = self._folders()
        return before & after <= listed <= before | after

    def _folders(self) -> set[str]:
        return {name for node in self._nodes for name in os.listdir(node.dir / "data" / "containers")}

    def add(self, names: set[str]) -> None:
        """Those that have been there between two looks."""
        self._ever |= names


class Disk:
    """What has been taken of a file system since."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bytes, self._inodes = self._used()

    def bytes(self) -> int:
        return self._used()[0] - self._bytes

    def inodes(self) -> int | None:
        """None where the file system has no number of them."""
        now = self._used()[1]
        return None if now is None or self._inodes is None else now - self._inodes

    def _used(self) -> tuple[int, int | None]:
        found = os.statvfs(self._folder)
        return ((found.f_blocks - found.f_bfree) * found.f_frsize,
                found.f_files - found.f_ffree if found.f_files else None)
