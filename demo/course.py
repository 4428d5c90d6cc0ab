# SPDX-License-Identifier: Apache-2.0
"""The course of the demonstration on an engine that is up: three phases, then the report.

Nobody removes; reaperd removes; the services rest.  The same services run
through the first two, so that the only difference between them is reaperd.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable

import console
import measure
import panel
import report
import workload
from lab import Engine, Reaper
from lab.bus import Bus
from terminal import Line, Terminal
from watch import Outcomes, Watch

SPANS = report.Spans(floor=10, success=10, failure=30)
SETTINGS = {"MinimumAge": f"{SPANS.floor:g}s", "Success": f"{SPANS.success:g}s",
            "Failure": f"{SPANS.failure:g}s", "KeepLastFailure": "0", "SettleTime": "0"}
SHOWN = ("MinimumAge", "Success", "Failure")

# Seconds.  The last phase outlasts the floor, so that the last successes go too.
PILE, REAP, REST = 33.0, 36.0, 18.0
LIMIT = 107.0           # from the start of the program, without the cleaning up
SENTENCES = ("Nothing removes: tasks end, and their stopped containers pile up.",
             "reaperd removes what is stale. The services work on as before.",
             "No new work: what is still stale drains away.")


class Trouble(Exception):
    """Something that a user can understand; the text is a sentence."""


def introduction() -> list[Line]:
    lines: list[Line] = []
    for service in workload.SERVICES:
        many = "job" if "mode" in service.options else f"{service.options['replicas']} x"
        lines.append([(f"   {service.name:<7}", "cyan"), (f" {many:<4}", "dim"), (f" {service.about}", "")])
    return lines


class Course:
    """One run; `go_on` raises when it is to be broken off, `began` is the start of the program."""

    answers: list[console.Answer] = []      # of reaperctl, when it is over

    def __init__(self, engine: Engine, bus: Bus, terminal: Terminal, go_on: Callable[[], None],
                 began: float) -> None:
        self._engine, self._bus, self._terminal, self._go_on = engine, bus, terminal, go_on
        self._began, self._start = began, time.monotonic()
        scale = min(1.0, (LIMIT - REST - (self._start - began)) / (PILE + REAP))
        if scale < 0.6:
            raise Trouble(f"The engine took {self._start - began:.0f} s to come up: this machine is too "
                          "slow for a demonstration within two minutes.")
        pile, rest = PILE * scale, (PILE + REAP) * scale
        ends = (pile, rest, rest + REST)
        names = ("nobody removes", "reaperd removes", "rest")
        version = engine.client.get("/version")["Version"]
        self._figures = panel.Figures(f"reaperd on Docker Engine {version} with a Swarm",
                                      [panel.Phase(*phase) for phase in zip(names, SENTENCES, ends)],
                                      " ".join(f"{key}={SETTINGS[key]}" for key in SHOWN))
        self._figures.said = [f"{service.name}: {service.about}" for service in workload.SERVICES[1:]]
        self._pids = measure.engine_pids(engine.dir)
        self._watch, self._outcomes = Watch(engine.client), Outcomes(engine.client)

    def run(self, binary: Path) -> report.Facts:
        figures, engine = self._figures, self._engine
        pile, reap, rest = figures.phases
        figures.memory["before"] = self._memory()
        self._watch.start()
        try:
            quiet_at = time.time() + reap.end
            for service in workload.SERVICES:
                workload.start(engine.swarm, service, quiet_at)
                self._go_on()
            self._until(pile)
            figures.memory["with the pile"] = figures.memory.pop("now")
            began = time.monotonic()
            with Reaper(binary, engine.dir, {"Endpoint": f"unix://{engine.socket}", **SETTINGS},
                        environment=self._bus.environment) as reaper:
                self._until(reap, reaper)
                self._until(rest, reaper)
                del figures.memory["now"]
                figures.memory["at the end"] = self._memory()
                cost, span = measure.cost(reaper.process.pid), time.monotonic() - began
                self.answers = console.Console(binary.with_name("reaperctl"), self._bus.environment,
                                               self._terminal).ask()
                self._go_on()       # Ctrl-C reaches reaperctl too
                reaper.stop()
                # At once: from here on containers only grow older.
                read_at = time.time()
                kept = report.kept_and_why(engine.client, SPANS, read_at)
            if cost is None:
                raise Trouble("reaperd ended before it was told to.")
            time.sleep(1)           # an outcome that changes needs a moment to show
            lives, ended = self._watch.lives(), self._outcomes.note()
            # What Swarm has made since the reading belongs to neither side.
            for ident in [ident for ident, life in lives.items() if life.created > read_at]:
                del lives[ident]
                kept.pop(ident, None)
            return report.Facts(SPANS, lives, reaper.log, kept, ended, self._outcomes.changed(lives),
                                self._outcomes.states("job"), workload.JOB_TASKS, figures.memory, cost, span)
        finally:
            self._watch.stop()

    def _until(self, phase: panel.Phase, reaper: Reaper | None = None) -> None:
        """Show and record what happens until the phase ends."""
        figures, looked, printed = self._figures, -9.0, self._now()
        if not self._terminal.live:
            self._terminal.say(phase.sentence, "bold")
        while (now := self._now()) < phase.end:
            self._go_on()
            self._check(reaper)
            figures.now, figures.counts = now, self._watch.counts()
            figures.history.append((now, figures.counts))
            if now - looked >= 1.5:
                looked = now
                figures.memory["now"] = self._memory()
                self._outcomes.note()
            if reaper is not None:
                figures.cost = measure.cost(reaper.process.pid)
                figures.said = [line.removeprefix("reaperd: ") for line in reaper.log]
            if self._terminal.live:
                self._terminal.panel(panel.compose(figures, self._terminal.width,
                                                   self._terminal.size()[1] - 1, self._terminal.unicode))
            elif now - printed >= 5:
                printed = now
                self._terminal.say(panel.plain_line(figures))
            time.sleep(0.4)

    def _check(self, reaper: Reaper | None) -> None:
        if self._watch.broken:
            self._go_on()
            raise Trouble(f"The engine's event stream was lost: {self._watch.broken}.")
        if reaper is not None and reaper.process.poll() is not None:
            self._go_on()       # Ctrl-C reaches reaperd too
            raise Trouble(f"reaperd ended with status {reaper.process.returncode}: "
                          + " / ".join(reaper.log[-3:]))

    def _now(self) -> float:
        """Seconds on the axis of the chart."""
        return time.monotonic() - self._start

    def _memory(self) -> measure.Memory:
        return measure.memory(self._pids, self._engine.dir / "data")
