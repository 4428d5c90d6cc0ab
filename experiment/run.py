# SPDX-License-Identifier: Apache-2.0
"""One run: the cells that are not done yet, one after the other, then tables and pictures of all.

A signal is only noted, and breaks the cell off at its next wait; everything of its Swarm goes then, and the cells that
are done stay. A run has a budget of time, and no cell is begun that would not fit into what is left of it.
"""

from __future__ import annotations

import datetime
import http.client
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from lab import ApiError, LabError

from . import caches, quiet
from .leftovers import left_by
from .owner import given_back, missing
from .progress import Clock, Estimates, Progress, about, span
from .rig import Cell, Interrupted, Rig, Trouble
from .sizes import MB, Sizes
from .store import Store

DONE, FAILED, NOT_ALL, BROKEN_OFF = 0, 1, 75, 130       # exit statuses; EX_TEMPFAIL: the same again goes on
BUDGET_S = 3600.0
RESERVE_S = 45.0        # for tables and pictures
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What an engine or a host in trouble leads to; anything else is a mistake of the experiment.
EXPECTED = (ApiError, LabError, Trouble, OSError, http.client.HTTPException, subprocess.SubprocessError)
TROUBLE = "trouble.txt"
RECLAIMED = 10 * MB     # of memory that the kernel takes back within a cell: what one container has written


class Signals:
    """Whether somebody wants the run to end."""

    def __init__(self) -> None:
        self.asked = False

    def watch(self) -> None:
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:      # by nohup, for instance, which is to be heard
                signal.signal(number, self._note)

    def ignore(self) -> None:
        """Also for the tools that are run from here: half a cleaning up helps nobody."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _note(self, _number: int, _frame: Any) -> None:
        # Only noted: an exception out of the blue could hit anything. One is enough.
        self.asked = True
        self.ignore()


@dataclass
class Run:
    sizes: Sizes
    reaperd: Path
    about: Mapping[str, str]
    cells: Sequence[Cell]
    store: Store
    progress: Progress
    signals: Signals
    finish: Callable[[], None]          # makes everything that is made of the tables
    budget: float = BUDGET_S
    clock: Clock = time.monotonic
    left_by: Callable[[int], list[str]] = left_by
    reclaimed: Callable[[], int] = caches.reclaimed

    def __post_init__(self) -> None:
        names = [cell.name for cell in self.cells]
        assert len(set(names)) == len(names), "two cells of one name"
        self._estimates = Estimates()
        self._at_work = False

    def run(self) -> int:
        above = missing(self.store.folder)
        with self.store.locked(), given_back(self.store.folder, above):
            try:
                return self._run()
            except Interrupted:
                self._tell_kept("Broken off.")
                return BROKEN_OFF

    def go_on(self) -> None:
        if self.signals.asked:
            if self._at_work:
                self._at_work = False
                self.progress.tell("Breaking off: the Swarm is taken away, which takes some seconds.")
            raise Interrupted
        self.progress.tick()

    # -- inside ------------------------------------------------------------------

    def _run(self) -> int:
        self.store.begin(self.about)
        (self.store.folder / TROUBLE).unlink(missing_ok=True)
        for cell in self.cells:
            if self.store.done(cell.name):
                self._estimates.learn(cell.seconds, self.store.seconds(cell.name))
        left = self._left()
        if not left:
            self.progress.tell(f"All {len(self.cells)} cells are done, as {self.store.folder} has them: nothing is "
                               "measured again. Tables and pictures are made anew.")
        elif len(left) < len(self.cells):
            self.progress.tell(f"{len(self.cells) - len(left)} of {len(self.cells)} cells are done already; "
                               f"what is left takes {self._all_of(left)}.")
        else:
            self.progress.tell(f"{len(left)} cells are to be done, which takes {self._all_of(left)}. "
                               "Ctrl-C breaks it off; the same command goes on then.")
        for begun, cell in enumerate(left):
            self.go_on()
            if not self._fits(cell):
                if not begun:
                    raise Trouble(f"{cell.about} takes {about(self._estimates.of(cell.seconds))}, and the whole run "
                                  f"may take {about(self.budget)}: --minutes allows more, smaller sizes need less.")
                self._tell_kept("The time is up.")
                return NOT_ALL
            if not self._do(cell):
                return FAILED
        if left:
            self.progress.tell(f"All is measured, after {span(self.progress.elapsed)}.")
        self.go_on()
        try:
            self.store.merge([cell.name for cell in self.cells])
            self.finish()
        except EXPECTED:
            self._unless_asked()
            raise
        return DONE

    def _left(self) -> list[Cell]:
        return [cell for cell in self.cells if not self.store.done(cell.name)]

    def _all_of(self, cells: Sequence[Cell]) -> str:
        return about(self._estimates.all_of([cell.seconds for cell in cells]))

    def _fits(self, cell: Cell) -> bool:
        return self.progress.elapsed + self._estimates.of(cell.seconds) + RESERVE_S <= self.budget

    def _do(self, cell: Cell) -> bool:
        """Whether it went well."""
        number = [other.name for other in self.cells].index(cell.name) + 1
        left = self._estimates.all_of([other.seconds for other in self._left()])
        self.progress.begin(number, len(self.cells), cell.about, left)
        began, at, load = self.clock(), datetime.datetime.now(), os.getloadavg()[0]
        reclaimed, self._at_work = self.reclaimed(), True
        try:
            tables = cell.run(Rig(self.sizes, self.reaperd, self.go_on, self.progress.say))
        except EXPECTED as error:
            self._unless_asked()
            self._tell_trouble(cell, error)
            return False
        finally:
            self._at_work = False
            leftovers = self.left_by(os.getpid())
            if leftovers:
                self.progress.tell(f"Not cleaned up: {', '.join(leftovers)}", "bad")
        took, reclaimed = self.clock() - began, self.reclaimed() - reclaimed
        self.store.keep(cell.name, tables, {
            "seconds": f"{took:.1f}", "began": at.isoformat(sep=" ", timespec="seconds"),
            "load": f"{load:.1f} when it began, {os.getloadavg()[0]:.1f} when it ended",
            "reclaimed": f"{reclaimed / MB:.0f} MB", **quiet.notes(tables)})
        self._estimates.learn(cell.seconds, took)
        self.progress.tell(f"[{number}/{len(self.cells)}] {cell.about}: done in {span(took)}.")
        if reclaimed >= RECLAIMED:
            self.progress.tell(f"Meanwhile the kernel took {reclaimed / MB:.0f} MB of memory back, as too little was "
                               "free: what this cell says of memory is not what tasks did. With more free memory, "
                               f"remove parts/{cell.name} in {self.store.folder}, and run the same command again.",
                               "bad")
        if leftovers:
            self.progress.tell("What is left there would be measured with the next cell.", "bad")
        return not leftovers

    def _unless_asked(self) -> None:
        """An error is none where Ctrl-C has reached a tool that is run from here."""
        if self.signals.asked:
            raise Interrupted from None

    def _tell_trouble(self, cell: Cell, error: Exception) -> None:
        text = str(error) or type(error).__name__
        first, *rest = text.splitlines()
        self.progress.tell(f"{cell.about}: {first}", "bad")
        if rest:
            (self.store.folder / TROUBLE).write_text(f"{cell.name}: {text}\n")
            self.progress.tell(f"More about it is in {self.store.folder / TROUBLE}.", "bad")
        self._tell_kept("It cannot go on.")

    def _tell_kept(self, why: str) -> None:
        left = self._left()
        kept = f"{why} {len(self.cells) - len(left)} of {len(self.cells)} cells are done, and kept in "
        if left:
            self.progress.tell(f"{kept}{self.store.folder}. The same command goes on there; what is left takes "
                               f"{self._all_of(left)}.")
        else:
            self.progress.tell(f"{kept}{self.store.folder}. The same command makes tables and pictures of them.")
