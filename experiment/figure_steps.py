# SPDX-License-Identifier: Apache-2.0
"""Figures 4 to 7 as pictures: CPU, memory, and what the memory is, step by step; each load has a column."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Mapping, Sequence

from . import summary
from .gnuplot import GREY, Axis, Box, Curve, Panel, Picture, Style, axis_of
from .summary import MB, Metric, Point, Row

WIDTH = 860
LEFT, PANEL, BETWEEN, LEGEND = 66, 260, 46, 652         # of panels, in pixels; where the legend begins
TOP, HEIGHT, STEP, FOOTER = 118, 158, 226, 90
SHOWN = ("writes", "nothing")

FREE_IS = "Free memory: MemFree, and free pages on CPUs' lists."
FREE, AVAILABLE = Style("#0072b2", 7), Style("#d55e00", 5, "7,4")


@dataclass(frozen=True)
class Figure:
    name: str
    title: str
    x: str                  # as in summary.by_step
    x_name: str


FIGURES = (
    Figure("figure4", "Figure 4: containers are started until all of them run", "running",
           "running containers in the Swarm"),
    Figure("figure5", "Figure 5: the same number of containers, on more and more workers", "workers",
           "workers that the containers run on"),
    Figure("figure6", "Figure 6: of all containers, more and more have stopped", "stopped",
           "containers that have stopped, and are kept"),
    Figure("figure7", "Figure 7: the stopped containers are removed", "removed",
           "stopped containers that have been removed"),
)


@dataclass(frozen=True)
class Line:
    metric: Metric
    name: str
    style: Style


@dataclass(frozen=True)
class Band:
    """One above the other: what is drawn of each load."""

    title: str
    y_name: str
    lines: tuple[Line, ...]
    change: bool = False            # in MB, less the first step
    zero: bool = True               # is on the axis, whatever the values are


BUSY = Line("cpu_percent", "all that is at work on the machine", Style("#8a8a8a", 6, "4,3", 1.2))
BANDS = (
    Band("CPU", "% of all CPUs", (BUSY,)),
    Band("Memory used", "% of all memory",
         (Line("used_percent", "all but what is free (MemFree)", FREE),
          Line("unavailable_percent", "all but what is available (MemAvailable)", AVAILABLE)),
         zero=False),
    Band("What it is", "MB since the first step",
         (Line("used", "all but what is free, which is the sum of these:", FREE),
          Line("page_cache", "page cache: contents of files (Cached)", Style("#56b4e9", 11, "10,4")),
          Line("anon", "processes: tasks, shims, engines (AnonPages)", Style("#d55e00", 4, "7,4")),
          Line("slab", "slab: the kernel's objects", Style("#009e73", 9, "2,3")),
          Line("other_kernel", "the rest: page tables, stacks, per-CPU data ...", Style("#7b4173", 13, "8,3,2,3"))),
         change=True),
)


def figures(tables: Mapping[str, Sequence[Row]], about: Mapping[str, str]) -> dict[str, Picture]:
    return {figure.name: _picture(figure, tables[figure.name], about)
            for figure in FIGURES if tables.get(figure.name)}


def bands(about: Mapping[str, str]) -> tuple[Band, ...]:
    """CPU as it is judged, in the shares of the machine's that the paper's figures have."""
    found = re.search(r"\b(\d+) CPUs?\b", about.get("machine", ""))
    if not found:
        return BANDS
    nodes = Line(_share_of(int(found[1])), "containers and engines of all nodes", Style("#1a1a1a", 7))
    return (replace(BANDS[0], lines=(nodes, BUSY)), *BANDS[1:])


def _share_of(cpus: int) -> Metric:
    def share(row: Row) -> float | None:
        used = summary.value(row, "cpu")
        return None if used is None else 100 * used / cpus

    return share


def _picture(figure: Figure, rows: Sequence[Row], about: Mapping[str, str]) -> Picture:
    loads = [load for load in (*SHOWN, *summary.loads(rows)) if load in summary.loads(rows)]
    loads = list(dict.fromkeys(loads))[:2]
    picture = Picture(WIDTH, TOP + len(BANDS) * STEP - 22 + FOOTER)
    picture.text(16, 24, figure.title, 16, bold=True)
    picture.text(16, 46, subtitle(figure, rows), 12, colour=GREY)
    for column, load in enumerate(loads):
        left = LEFT + column * (PANEL + BETWEEN)
        about_load = about.get(f"load {load}", "")
        picture.text(left, 74, {"writes": "Containers that write", "nothing": "Containers that write nothing"}
                     .get(load, load), 13, bold=True)
        if about_load and load != "nothing":
            picture.text(left, 90, about_load, 11, colour=GREY)
    for number, band in enumerate(bands(about)):
        _band(picture, figure, band, TOP + number * STEP, rows, loads)
    footer(picture, f"{_spread(figure, repetitions(rows))} {FREE_IS} "
           "MB are 10^6 bytes. All nodes share one machine and its kernel.", machine(about))
    return picture


def subtitle(figure: Figure, rows: Sequence[Row]) -> str:
    mine = [row for row in rows if row["node"] == summary.SWARM]
    most = max(int(summary.value(row, "containers") or 0) for row in mine)
    workers = max(int(summary.value(row, "workers") or 0) for row in mine)
    stopped = max(int(summary.value(row, "stopped") or 0) for row in mine)
    return {"figure4": f"from none to {most}, on {workers} workers",
            "figure5": f"{most} containers, on 1 to {workers} workers; all nodes are engines on one machine",
            "figure6": f"{most} containers on {workers} workers; {stopped} of them are stopped, none is removed",
            "figure7": f"{most - stopped} containers go on running; {stopped} stopped ones are removed, one after "
                       "the other"}[figure.name]


def _band(picture: Picture, figure: Figure, band: Band, top: float, rows: Sequence[Row],
          loads: Sequence[str]) -> None:
    drawn = [[(line, _points(figure, band, rows, load, line)) for line in band.lines] for load in loads]
    everything = [value for lines in drawn for _, points in lines for point in points
                  for value in (point.low, point.high)]
    y = axis_of(band.y_name, everything, zero=band.zero)
    xs = sorted({point.x for lines in drawn for _, points in lines for point in points})
    for column, lines in enumerate(drawn):
        left = LEFT + column * (PANEL + BETWEEN)
        curves = [Curve(line.style, [(p.x, p.median, p.low, p.high) for p in points], spread=True)
                  for line, points in lines]
        picture.panels.append(Panel(
            Box(left, top, left + PANEL, top + HEIGHT), steps_axis(figure.x_name, xs),
            Axis(band.y_name if column == 0 else "", y.low, y.high, y.step), curves))
    picture.text(LEGEND, top + 4, band.title, 12.5, bold=True)
    at = top + 25.0
    for line in band.lines:
        picture.sample(LEGEND, at, line.style)
        at = picture.paragraph(LEGEND + 33, at, line.name, WIDTH - LEGEND - 44, 11) + 5


def _points(figure: Figure, band: Band, rows: Sequence[Row], load: str, line: Line) -> list[Point]:
    if not band.change:
        return summary.by_step(rows, load, figure.x, line.metric)
    return [Point(p.x, p.median / MB, p.low / MB, p.high / MB, tuple(value / MB for value in p.values))
            for p in summary.change(rows, load, figure.x, line.metric)]


def steps_axis(name: str, xs: Sequence[float]) -> Axis:
    """A mark at each step."""
    if not xs:
        return Axis(name, 0, 1, 1)
    room = (xs[-1] - xs[0]) * 0.03 or 0.5
    return Axis(name, xs[0] - room, xs[-1] + room, ticks=[(f"{x:g}", x) for x in xs])


def repetitions(rows: Sequence[Row]) -> int:
    return len({row["repetition"] for row in rows})


def _spread(figure: Figure, count: int) -> str:
    if count == 1:
        return "One run of each."
    if figure.x == "workers":
        return (f"Points: medians of {count} repetitions, which begin with few workers, with many, and in the middle; "
                "bars: from the lowest to the highest.")
    return f"Points: medians of {count} repetitions; bars: from the lowest to the highest of them."


def machine(about: Mapping[str, str]) -> str:
    """What it was measured on, in a line."""
    reclaim = about.get("reclaim", "none")
    parts = [about.get("machine", ""), f"Linux {about['kernel']}" if "kernel" in about else "",
             f"cgroups {about['cgroups']}" if "cgroups" in about else "", about.get("engine", ""),
             f"reaperd {about['reaperd']}" if "reaperd" in about else "",
             f"the kernel reclaims idle memory: {reclaim}" if reclaim not in ("none", "") else ""]
    return "; ".join(part for part in parts if part)


def footer(picture: Picture, *lines: str) -> None:
    """At the lower edge, where `FOOTER` pixels are left for it."""
    y = picture.height - FOOTER + 18.0
    for line in lines:
        y = picture.paragraph(16, y, line, WIDTH - 32, 11, GREY)
