# SPDX-License-Identifier: Apache-2.0
"""Figure 9 as a picture: what one stopped container holds of memory, by kind, and what the kernel leaves of it."""

from __future__ import annotations

import math
import statistics
import sys
from dataclasses import replace
from typing import Sequence

from . import TOP as CHECKOUT
from .figure_steps import FOOTER, WIDTH, footer, machine
from .gnuplot import GREY, Axis, Box, Curve, Panel, Picture, Style

sys.path.append(str(CHECKOUT / "bench"))
import memory_table                     # noqa: E402
from memory_table import MB, Row        # noqa: E402

# Column of the data (SLAB is the sum of two), what it is called, and whether it falls when something is held.
SLAB = "slab"
FIGURES = (
    ("own_cached", "page cache of its files", False),
    (SLAB, "slab", False),
    ("engine_heap", "heap of the engine", False),
    ("charged", "charged to cgroups", False),
    ("mem_free", "MemFree, less by", True),
    ("mem_available", "MemAvailable, less by", True),
    ("disk", "on disk, for comparison", False),
)
# What is compared with what: course, stage, and the stage that is taken off.
LOOKS = (
    ("what its removal gives back", ("remove", "stopped", "removed"), Style("#0072b2", 7, "", 1.4, 0.75)),
    ("what is left when the kernel has dropped clean cache and slab", ("reclaim", "dropped", "removed"),
     Style("#b86e00", 8, "", 1.4, 0.75)),
    ("what is left when it has written all back, and dropped again", ("reclaim", "written", "removed"),
     Style("#1a1a1a", 4, "", 1.4, 0.7)),
)
LOWEST = 0.01               # MB; what is less is drawn here, as a logarithmic axis has no 0
LEFT, PANEL, STEP, TOP, ROW = 176, 154, 170, 178, 26


def picture(data: str) -> Picture:
    about, rows = memory_table.from_csv(data)
    notes = dict(about)
    rows = [_with_slab(row) for row in rows]
    kinds = list(dict.fromkeys(row.kind for row in rows))
    height = ROW * len(FIGURES)
    drawn = Picture(WIDTH, TOP + height + 48 + FOOTER)
    drawn.text(16, 24, "Figure 9: what one stopped container holds, and what the kernel could take back by itself", 15,
               bold=True)
    drawn.text(16, 46, "Median of the repetitions for each container; bars from the lowest to the highest. At "
               f"the left edge: {LOWEST:g} MB or less.", 12, colour=GREY)
    for number, (words, _, style) in enumerate(LOOKS):
        drawn.sample(20, 70 + number * 19, style, 26, line=False)
        drawn.text(52, 70 + number * 19, words, 11.5)
    ends = [dot[3] for kind in kinds for _, look, _ in LOOKS for dot in _dots(rows, kind, look)]
    highest = 1.6 * max([10 * LOWEST, *ends])
    ticks = [(f"{LOWEST * 10 ** power:g}", LOWEST * 10 ** power)
             for power in range(int(math.log10(highest / LOWEST)) + 1)]
    for number, kind in enumerate(kinds):
        left = LEFT + number * STEP
        drawn.text(left, TOP - 34, kind, 12.5, bold=True)
        for line, words in enumerate(_about(notes.get(kind, ""))):
            drawn.text(left, TOP - 18 + line * 12, words, 11, colour=GREY)
        curves = [Curve(style, [(x, y + _beside(place), low, high) for x, y, low, high in _dots(rows, kind, look)],
                        "dots") for place, (_, look, style) in enumerate(LOOKS)]
        names = [(name if number == 0 else "", place) for place, (_, name, _) in enumerate(FIGURES)]
        drawn.panels.append(Panel(
            Box(left, TOP, left + PANEL, TOP + height),
            Axis("MB, logarithmic", LOWEST * 0.8, highest, ticks=ticks, log=True),
            Axis("", len(FIGURES) - 0.5, -0.5, ticks=names), curves, frame=True, upright=True))
    footer(drawn, "MB are 10^6 bytes. MemFree, MemAvailable and slab are the whole machine's, whose noise shows in "
           f"their bars. {notes.get('repetitions', '?')} repetitions; data and method: memory.md.",
           machine(notes))
    return drawn


def _with_slab(row: Row) -> Row:
    parts = [row.figures.get("slab_reclaimable"), row.figures.get("slab_unreclaimable")]
    known = [part for part in parts if part is not None]
    return replace(row, figures={**row.figures, SLAB: sum(known) if len(known) == len(parts) else None})


def _dots(rows: Sequence[Row], kind: str, look: tuple[str, str, str]) -> list[tuple[float, float, float, float]]:
    """x, y, and the ends of x: one of each figure that is known."""
    found = []
    for place, (figure, _, falls) in enumerate(FIGURES):
        values = memory_table.differences(rows, kind, *look, figure, MB, falls)
        if values:
            x, low, high = (max(value, LOWEST) for value in (statistics.median(values), min(values), max(values)))
            found.append((x, place, low, high))
    return found


def _beside(place: int) -> float:
    """Those of one figure lie on lines of their own."""
    return (place - 1) * 0.24


def _about(words: str) -> list[str]:
    """What a container of this kind does, without how many there were."""
    return [words.partition(";")[0].partition(", in lines")[0].partition(" of 100 bytes")[0]] if words else []
