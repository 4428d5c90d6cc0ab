# SPDX-License-Identifier: Apache-2.0
"""How far the run is, and how long the rest may take: one line that is renewed on a terminal, plain lines else."""

from __future__ import annotations

import sys
import threading
import time
from typing import Callable, Sequence

from . import TOP

# Behind everything else: its other modules have common names.
sys.path.append(str(TOP / "demo"))
from terminal import Terminal       # noqa: E402

Clock = Callable[[], float]


def span(seconds: float) -> str:
    """Of time that has gone: 7:05, 1:02:33."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def about(seconds: float) -> str:
    """Of time that is left, which nobody knows to the second."""
    return f"about {round(seconds / 60)} min" if seconds >= 90 else f"about {max(10, round(seconds, -1)):.0f} s"


class Estimates:
    """What cells will take: learnt from those that were guessed alike, as one kind is, else from all."""

    def __init__(self) -> None:
        self._known: list[tuple[float, float]] = []

    def learn(self, guessed: float, seconds: float) -> None:
        self._known.append((guessed, seconds))

    def of(self, guessed: float) -> float:
        alike = [seconds for other, seconds in self._known if other == guessed]
        if alike:
            return sum(alike) / len(alike)
        all_guessed = sum(other for other, _ in self._known)
        return guessed * (sum(seconds for _, seconds in self._known) / all_guessed if all_guessed else 1.0)

    def all_of(self, guesses: Sequence[float]) -> float:
        return sum(map(self.of, guesses))


class Progress:
    """`begin` a cell, `say` what it does, `tick` now and then so that the line is renewed."""

    def __init__(self, terminal: Terminal, clock: Clock = time.monotonic) -> None:
        self._terminal, self._clock = terminal, clock
        self._began = clock()
        self._lock = threading.Lock()       # cells may say something from any thread
        self._where = self._what = ""
        self._left = 0.0                    # seconds, when the cell began
        self._cell_began = self._drawn = 0.0

    @property
    def elapsed(self) -> float:
        return self._clock() - self._began

    def tell(self, text: str, style: str = "") -> None:
        """A sentence that stays."""
        with self._lock:
            if self._terminal.live:
                self._terminal.panel([])        # the renewed line is no part of what stays
            self._terminal.say(text, style)

    def begin(self, number: int, count: int, text: str, left: float) -> None:
        with self._lock:
            self._where, self._what, self._left = f"[{number}/{count}] {text}", "", left
            self._cell_began = self._clock()
            if not self._terminal.live:
                self._terminal.say(f"{self._where} ({span(self.elapsed)} gone, {about(left)} left)")
            self._draw()

    def say(self, text: str) -> None:
        with self._lock:
            self._what = text
            if not self._terminal.live:
                self._terminal.say(f"{span(self.elapsed):>7}  {text}", "dim")
            self._draw()

    def tick(self) -> None:
        if self._terminal.live and self._clock() - self._drawn >= 1.0:
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        if self._terminal.live and self._where:
            self._drawn = self._clock()
            left = about(max(0.0, self._left - (self._drawn - self._cell_began)))
            self._terminal.panel([[(f" {span(self.elapsed)} gone, {left} left ", "dim"), (self._where, "bold"),
                                   (f": {self._what}" if self._what else "", "")]])
