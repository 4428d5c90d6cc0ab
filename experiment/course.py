# SPDX-License-Identifier: Apache-2.0
"""The paper's four measurements, figures 4 to 7, each repetition on a Swarm of its own.

Figures 4, 6 and 7 are one course: containers are started in steps, then ended in steps, then removed in steps. Figure
5 has all containers on one worker, then on two, and so on.
"""

from __future__ import annotations

import functools
import os
import statistics
import time
from dataclasses import dataclass
from typing import Sequence

from .caches import undisturbed
from .meter import SWARM, Meter, Sample, Sampler, medians
from .rig import Cell, Rig, Row, Tables
from .sizes import Load, Sizes
from .stage import Stage

# Seconds on two CPUs, for the time that is left: of a Swarm from nothing to its first step and back to nothing; to
# start a container, to end its task and remove it, and to remove it with its service.
SWARM_S, START_S, END_S, SERVICE_S = 11.0, 0.1, 0.02, 0.05
AGAIN = 6       # windows of a course that are looked at anew, where others are at work; it has to end some day


def cells(sizes: Sizes) -> list[Cell]:
    """Repetitions outermost, so that a run that was broken off has something of everything."""
    found = []
    for repetition in range(1, sizes.repetitions + 1):
        for load in sizes.loads:
            which = f"{load.about}, {repetition} of {sizes.repetitions}"
            found.append(Cell(f"steps-{load.name}-{repetition}", f"figures 4, 6, 7: {which}", _steps_s(sizes),
                              functools.partial(_run_steps, load, repetition)))
            found.append(Cell(f"workers-{load.name}-{repetition}", f"figure 5: {which}", _workers_s(sizes),
                              functools.partial(_run_workers, load, repetition)))
    return found


def steps(total: int, by: int) -> list[int]:
    """0 and up to `total`, which is the last however it divides."""
    return [*range(0, total, by), total]


def counts(workers: int, repetition: int) -> list[int]:
    """Up, down, and from the middle outwards in turn: engines grow with time, which is not to be taken for workers."""
    found = list(range(1, workers + 1))
    middle = (workers + 1) / 2
    return (found, found[::-1], sorted(found, key=lambda count: abs(count - middle)))[(repetition - 1) % 3]


@dataclass(frozen=True)
class State:
    """What is measured. A table has that of the whole Swarm in the rows of its nodes, too."""

    running: int
    stopped: int
    workers: int

    def __str__(self) -> str:
        return (f"{self.running} running" + (f", {self.stopped} stopped" if self.stopped else "")
                + f" on {self.workers} worker{'s' * (self.workers != 1)}")


class Record:
    """Measures states that the stage has been brought to."""

    def __init__(self, rig: Rig, stage: Stage, sampler: Sampler, load: Load, repetition: int) -> None:
        self._rig, self._stage, self._sampler = rig, stage, sampler
        self._of = {"load": load.name, "repetition": repetition}
        self.samples: list[Row] = []
        self._again = AGAIN

    def measure(self, figure: str, state: State) -> list[Row]:
        """The medians of a window: a row of the Swarm, and one of each node."""
        self._stage.check(state.running, state.stopped)
        self._settle()
        window = self._quiet_window()
        # And it stayed so.
        self._stage.check(state.running, state.stopped)
        key = {"running": state.running, "stopped": state.stopped, "workers": state.workers}
        self.samples += [{**self._of, "figure": figure, **key, "second": second, "node": node, **sample}
                         for second, found in enumerate(window, 1) for node, sample in found.items()]
        return [{**self._of, "node": node, **key, "samples": len(window),
                 **medians([found[node] for found in window])} for node in window[0]]

    def _quiet_window(self) -> list[dict[str, Sample]]:
        """One in which nothing else is at work on the machine; where there is always something, one that says so."""
        sizes = self._rig.sizes
        while True:
            window = self._sampler.window(sizes.window_s, self._rig.go_on)
            others = others_cpu([found[SWARM] for found in window])
            if others <= sizes.others_cpu:
                return window
            self._rig.say(f"something else on this machine uses {others:.1f} CPUs: "
                          + ("looking again" if self._again else "that is in the data now"))
            if not self._again:
                return window
            self._again -= 1

    def _settle(self) -> None:
        """The kernel adds its counters up each second or two, and frees cgroups by and by."""
        until_then = time.monotonic() + self._rig.sizes.settle_s
        while (left := until_then - time.monotonic()) > 0:
            self._rig.go_on()
            time.sleep(min(left, 0.1))


def others_cpu(samples: Sequence[Sample]) -> float:
    """CPUs that neither the nodes' engines nor their containers have used; what starts containers is among it."""
    cpus = os.cpu_count() or 1
    return statistics.median((sample["machine_cpu"] or 0) * cpus - (sample["cpu"] or 0) for sample in samples)


def _run_steps(load: Load, repetition: int, rig: Rig) -> Tables:
    sizes = rig.sizes
    workers, containers = sizes.workers, sizes.containers
    with undisturbed(), rig.swarm(sizes.managers, workers) as fleet:
        stage = Stage(rig, fleet, load)
        rig.say("figure 4: each worker runs one task first")
        stage.warm_up()
        with Sampler(Meter(fleet)) as sampler:
            record = Record(rig, stage, sampler, load, repetition)

            def measured(figure: int, state: State) -> list[Row]:
                rig.say(f"figure {figure}: {state}")
                return record.measure(f"figure{figure}", state)

            figure4, last = [], []
            for running in steps(containers, sizes.step):
                rig.say(f"figure 4: starting, up to {running} of {containers}")
                stage.run(running)
                figure4 += (last := measured(4, State(running, 0, workers)))
            figure6 = list(last)
            ended = 0
            for stopped in steps(sizes.stopped, sizes.stop_step)[1:]:
                stage.end(stopped - ended)
                ended = stopped
                figure6 += (last := measured(6, State(containers - stopped, stopped, workers)))
            figure7 = list(last)
            removed = 0
            for gone in steps(sizes.stopped, sizes.stop_step)[1:]:
                stage.remove(gone - removed)
                removed = gone
                figure7 += measured(7, State(containers - sizes.stopped, sizes.stopped - gone, workers))
    return {"figure4": figure4, "figure6": figure6, "figure7": figure7, "samples": record.samples}


def _run_workers(load: Load, repetition: int, rig: Rig) -> Tables:
    sizes = rig.sizes
    figure5: list[Row] = []
    with undisturbed(), rig.swarm(sizes.managers, sizes.workers) as fleet:
        stage = Stage(rig, fleet, load)
        rig.say("figure 5: each worker runs one task first")
        stage.warm_up()
        with Sampler(Meter(fleet)) as sampler:
            record = Record(rig, stage, sampler, load, repetition)
            for workers in counts(sizes.workers, repetition):
                state = State(sizes.containers, 0, workers)
                rig.say(f"figure 5: starting {state}")
                stage.activate(workers)
                stage.run(sizes.containers)
                rig.say(f"figure 5: {state}")
                figure5 += record.measure("figure5", state)
                stage.end_service()
    return {"figure5": sorted(figure5, key=lambda row: row["workers"]), "samples": record.samples}


def _steps_s(sizes: Sizes) -> float:
    ends = len(steps(sizes.stopped, sizes.stop_step)) - 1
    states = len(steps(sizes.containers, sizes.step)) + 2 * ends
    return (SWARM_S + sizes.containers * START_S + sizes.stopped * END_S
            + states * (sizes.settle_s + sizes.window_s))


def _workers_s(sizes: Sizes) -> float:
    return SWARM_S + sizes.workers * (sizes.containers * (START_S + SERVICE_S) + sizes.settle_s + sizes.window_s)
