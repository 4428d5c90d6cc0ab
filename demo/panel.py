# SPDX-License-Identifier: Apache-2.0
"""The live view: charts over time, memory, and what reaperd said last.

Composes lines from figures and draws nothing itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Sequence

from measure import COLUMNS, MB, Cost, Memory
from terminal import Line
from watch import Counts

_BLOCKS, _ASCII_BLOCKS = " ▁▂▃▄▅▆▇█", " .:#"
LABEL = 15
_FIXED_ROWS = 15


@dataclass(frozen=True)
class Phase:
    name: str           # below the chart
    sentence: str       # while it lasts
    end: float          # seconds on the chart's axis


@dataclass
class Figures:
    """All that the panel shows; the demonstration fills it in as it goes."""

    title: str
    phases: Sequence[Phase]
    settings: str
    now: float = 0.0
    counts: Counts = Counts()
    history: list[tuple[float, Counts]] = field(default_factory=list)
    memory: dict[str, Memory] = field(default_factory=dict)     # by the row's name, in order
    cost: Cost | None = None
    said: list[str] = field(default_factory=list)

    @property
    def phase(self) -> Phase:
        return next((p for p in self.phases if self.now < p.end), self.phases[-1])


def mb(size: int) -> str:
    return f"{size / MB:,.0f}"


def compose(figures: Figures, width: int, height: int, unicode: bool) -> list[Line]:
    """The panel in at most `height` lines of `width` columns."""
    spare = height - _FIXED_ROWS        # shared by the large chart and reaperd's words
    said_rows = min(max(spare * 3 // 8, 2), 6)
    stopped_rows = min(max(spare - said_rows, 2), 10)
    span = figures.phases[-1].end
    columns = width - LABEL - 3
    bar = "│" if unicode else "|"
    counts = figures.counts

    def chart(style: str, rows: int, of: str, labels: Sequence[str]) -> list[Line]:
        values = _columns(figures.history, of, columns, span)
        drawn = bars(values, rows, unicode)
        texts = list(labels) + [""] * (rows - len(labels))
        return [[(f" {text:<{LABEL - 1}}", style if nr == 0 else "dim"), (f"{bar} ", "dim"), (row, style)]
                for nr, (text, row) in enumerate(zip(texts, drawn))]

    peak = max((c.stopped for _, c in figures.history), default=0)
    clock = f"{_clock(figures.now)} of {_clock(span)}"
    lines: list[Line] = [
        [(f" {figures.title:<{width - len(clock) - 2}}", "title"), (clock, "bold")],
        [(f" {figures.phase.sentence}", "bold")],
        [],
        *chart("yellow", stopped_rows, "stopped", [f"stopped {counts.stopped:>5}", f"peak    {peak:>5}"]),
        *chart("green", 2, "removed", [f"removed {counts.removed:>5}", f"created {counts.created:>5}"]),
        *chart("cyan", 2, "running", [f"running {counts.running:>5}", f"waiting {counts.waiting:>5}"]),
        [(" " * LABEL, ""), (_axis(figures.phases, columns, span, unicode), "dim")],
        [],
        *memory_table(figures.memory, " MB"),
        [],
        [(" reaperd: ", "bold"), (_cost(figures.cost), ""), (f"   {figures.settings}", "dim")],
    ]
    said = [[(f"   {_short(text, unicode)}", "green" if figures.cost else "dim")]
            for text in figures.said[-said_rows:]]
    return (lines + said + [[]] * (said_rows - len(said)))[:height]


def memory_table(rows: dict[str, Memory], corner: str) -> list[Line]:
    names = "".join(f"{name:>{_wide(name)}}" for name, _ in COLUMNS)
    lines: list[Line] = [[(f"{corner:<15}{names}", "dim")]]
    for label, memory in rows.items():
        cells = "".join(f"{mb(getattr(memory, key)):>{_wide(name)}}" for name, key in COLUMNS)
        lines.append([(f" {label:<14}", "dim"), (cells, "")])
    return lines


def plain_line(figures: Figures) -> str:
    """One line for a reader who has no terminal."""
    c, memory = figures.counts, list(figures.memory.values())[-1]
    return (f"{_clock(figures.now)}  running {c.running:>2}, waiting {c.waiting:>2}, "
            f"stopped {c.stopped:>3}, removed {c.removed:>3}; MemFree {mb(memory.free)} MB")


def bars(values: Sequence[int | None], rows: int, unicode: bool) -> list[str]:
    """A bar chart, the top row first; None is a time that has not come."""
    blocks = _BLOCKS if unicode else _ASCII_BLOCKS
    steps = len(blocks) - 1
    top = max([v for v in values if v is not None] + [1])
    chart = []
    for row in reversed(range(rows)):
        text = ""
        for value in values:
            # Rounded up: one container is not nothing.
            level = 0 if value is None else -(-value * rows * steps // top)
            text += blocks[min(max(level - row * steps, 0), steps)]
        chart.append(text)
    return chart


def _columns(history: Sequence[tuple[float, Counts]], of: str, columns: int,
             span: float) -> list[int | None]:
    values: list[int | None] = [None] * columns
    for when, counts in history:
        values[min(int(when / span * columns), columns - 1)] = getattr(counts, of)
    last = max((i for i, v in enumerate(values) if v is not None), default=-1)
    for i in range(1, last):
        if values[i] is None:       # no sample fell into this column
            values[i] = values[i - 1]
    return values


def _axis(phases: Sequence[Phase], columns: int, span: float, unicode: bool) -> str:
    corner, tee, line = ("└", "┴", "─") if unicode else ("+", "+", "-")
    text = ""
    for phase in phases:
        end = round(phase.end / span * columns) + 2
        text += f"{tee if text else corner}{line} {phase.name} ".ljust(end - len(text), line)
    return text


def _wide(name: str) -> int:
    return max(len(name) + 2, 9)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _cost(cost: Cost | None) -> str:
    if cost is None:
        return "not started yet"
    return f"{cost.anonymous / MB:.1f} MB, {cost.cpu:.2f} s of CPU"


def _short(text: str, unicode: bool) -> str:
    """A log line of reaperd with task ids cut to what a reader can compare."""
    return re.sub(r"(\.[a-z0-9]{6})[a-z0-9]{19}\b", r"\1…" if unicode else r"\1..", text)
