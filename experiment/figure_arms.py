# SPDX-License-Identifier: Apache-2.0
"""Figure 8 as a picture: what a service whose tasks keep finishing leaves behind, with five ways of cleaning up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Mapping, Sequence

from . import summary
from .figure_steps import FOOTER, FREE_IS, WIDTH, footer, machine
from .gnuplot import GREY, Axis, Box, Curve, Panel, Picture, Style, axis_of
from .quantity import MS, SECONDS, Quantity
from .summary import MB, Pair, Row

# What is drawn of each: solid and heavy is the one that this project is about.
STYLES = {
    "nothing": Style("#1a1a1a", 0, "", 1.6),
    "job": Style("#a8518a", 0, "3,3", 2.0),
    "prune": Style("#b86e00", 0, "9,3", 1.8),
    "history": Style("#00805c", 0, "9,3,2,3", 2.0),
    "reaperd": Style("#0072b2", 0, "", 3.2),
}
SHORT = {"nothing": "no cleaning", "job": "job service", "prune": "prune timer", "history": "Swarm's limit",
         "reaperd": "reaperd"}
NAMES = {"figure8": "writes", "figure8-nothing": "nothing"}

LEFT, PANEL, COLUMN = 66, 242, 424          # of the panels over time
TOP, HEIGHT, STEP = 184, 132, 208
BARS_LEFT, BARS, BARS_STEP, BAR = 112, 128, 250, 22
PS_BINS = 8             # in the time of an arm


@dataclass(frozen=True)
class Course:
    """Those with the same `scale` have the same axis, so that they compare."""

    title: str
    y_name: str
    pairs: Callable[[Sequence[Row], str, str], list[Pair]]
    scale: str = ""


def _of(metric: str, unit: float = 1.0) -> Callable[[Sequence[Row], str, str], list[Pair]]:
    return lambda rows, load, arm: [(x, y / unit) for x, y in summary.series(rows, load, arm, metric)]


def _more(metric: str) -> Callable[[Sequence[Row], str, str], list[Pair]]:
    return lambda rows, load, arm: [(x, y / MB) for x, y in summary.growth(rows, load, arm, metric)]


def _ps(rows: Sequence[Row], load: str, arm: str) -> list[Pair]:
    return [(p.x, p.median) for p in summary.bins(summary.series(rows, load, arm, "ps_ms"), _ps_bin(rows))]


def _ps_bin(rows: Sequence[Row]) -> float:
    return max((summary.value(row, "second") or 0 for row in rows), default=0) / PS_BINS or 1.0


COURSES = (
    Course("Containers that the workers keep", "containers", _of("listed")),
    Course("Disk used", "MB since the start", _more("disk_used")),
    Course("Memory that is not free (MemFree)", "MB since the start", _more("used"), "memory"),
    Course("Memory that is not available (MemAvailable)", "MB since the start", _more("unavailable"), "memory"),
    Course("RSS of dockerd and containerd", "MB since the start", _more("daemons_rss")),
    Course("Time that `docker ps -a` takes", "ms", _ps),
)


def figures(tables: Mapping[str, Sequence[Row]], about: Mapping[str, str]) -> dict[str, Picture]:
    rows, ends = tables.get("figure8", ()), tables.get("figure8-arms", ())
    there = summary.loads(rows)
    return {name: _picture(rows, ends, load, about) for name, load in NAMES.items() if load in there}


def _picture(rows: Sequence[Row], ends: Sequence[Row], load: str, about: Mapping[str, str]) -> Picture:
    rows = [row for row in rows if row["load"] == load]
    found = summary.arms(rows)
    arms = [arm for arm in STYLES if arm in found]
    bands = (len(COURSES) + 1) // 2
    bars = TOP + bands * STEP + 4
    picture = Picture(WIDTH, int(bars + BAR * len(arms) + 62 + FOOTER))
    picture.text(16, 24, "Figure 8: what finished tasks leave on a Swarm, with five ways to clean up", 16, bold=True)
    picture.paragraph(16, 46, _setting(load, about), WIDTH - 32, 12, GREY)
    _legend(picture, arms, about)
    seconds = max((summary.value(row, "second") or 0 for row in rows), default=1)
    drawn = {course: [Curve(STYLES[arm], course.pairs(rows, load, arm), label=SHORT[arm]) for arm in arms]
             for course in COURSES}
    for number, (course, curves) in enumerate(drawn.items()):
        left, top = LEFT + number % 2 * COLUMN, TOP + number // 2 * STEP
        y = axis_of(course.y_name, [value for other, others in drawn.items() for curve in others
                                    if other is course or course.scale and other.scale == course.scale
                                    for _, value in curve.rows])
        x = axis_of("seconds since the service began", [seconds], 6)
        picture.panels.append(Panel(Box(left, top, left + PANEL, top + HEIGHT),
                                    Axis(x.name, 0, seconds or 1, x.step), y, curves, course.title))
    _bars(picture, bars, [row for row in ends if row["load"] == load], arms)
    footer(picture, "Each way has a fresh Swarm and the same services; one run of each. Memory and disk are the whole "
           f"machine's. {FREE_IS} docker ps: of one worker, medians of {_ps_bin(rows):g}\u00a0s. CPU of the engines: "
           "without runc. MB are 10^6 bytes.", machine(about))
    return picture


def _setting(load: str, about: Mapping[str, str]) -> str:
    parts = []
    if "churn_replicas" in about and "churn_life_s" in about:
        parts.append(f"A service of {about['churn_replicas']} tasks, each of which ends after {about['churn_life_s']} "
                     "s and is followed by the next.")
    if about.get(f"arm load {load}"):
        about_load = about[f"arm load {load}"]
        parts.append(f"{about_load[0].upper()}{about_load[1:]}.")
    if "delayed_replicas" in about and "delayed_s" in about:
        parts.append(f"Beside it: one of {about['delayed_replicas']} tasks that waits {about['delayed_s']} s before "
                     "it starts the next.")
    return " ".join(parts)


def _legend(picture: Picture, arms: Sequence[str], about: Mapping[str, str]) -> None:
    """What is meant by each name, in two columns."""
    every, keep = about.get("prune_every_s"), about.get("keep_s")
    meaning = {
        "nothing": "nobody cleans up, and Swarm keeps all",
        "job": "a replicated job, which Swarm never trims",
        "prune": "docker container prune" + (f" every {every} s" if every else " from a timer"),
        "history": "Swarm itself: it keeps 5 tasks a slot",
        "reaperd": "this project" + (f", told to keep {keep} s" if keep else ""),
    }
    for number, arm in enumerate(arms):
        x, y = 20 + number % 2 * COLUMN, 94 + number // 2 * 20
        picture.sample(x, y, STYLES[arm], 34)
        picture.text(x + 43, y, SHORT[arm], 12, bold=True, colour=STYLES[arm].colour)
        picture.text(x + 146, y, meaning[arm], 11.5)


def _bars(picture: Picture, top: float, ends: Sequence[Row], arms: Sequence[str]) -> None:
    rows = {str(row["arm"]): row for row in ends}
    arms = [arm for arm in arms if arm in rows]
    if not arms:
        return
    columns: tuple[tuple[str, str, Callable[[Row], float], Callable[[Row], str]], ...] = (
        ("Tasks with a wrong outcome", "tasks of both services", _damaged,
         lambda row: f"{_damaged(row):g} of {_ended(row):g}"),
        ("CPU of the cleaner", "seconds in all", lambda row: summary.value(row, "cleaner_cpu") or 0, _cleaner),
        ("CPU of the engines", "ms for each task that ended", _engines,
         lambda row: Quantity(_engines(row), MS).text()),
    )
    for number, (title, name, value, words) in enumerate(columns):
        left = BARS_LEFT + number * BARS_STEP
        values = [value(rows[arm]) for arm in arms]
        x = axis_of(name, values, 3)
        curves = [Curve(STYLES[arm], [(value(rows[arm]), place)], "bars", labels=[words(rows[arm])])
                  for place, arm in enumerate(arms)]
        names = [(SHORT[arm] if number == 0 else "", place) for place, arm in enumerate(arms)]
        picture.panels.append(Panel(Box(left, top, left + BARS, top + BAR * len(arms)), x,
                                    Axis("", len(arms) - 0.5, -0.5, ticks=names), curves, title, upright=True))


def _damaged(row: Row) -> float:
    return (summary.value(row, "damaged") or 0) + (summary.value(row, "delayed_damaged") or 0)


def _ended(row: Row) -> float:
    return (summary.value(row, "ended") or 0) + (summary.value(row, "delayed_ended") or 0)


def _engines(row: Row) -> float:
    return 1000 * (summary.each_ended(row, "engine_cpu") or 0)


def _cleaner(row: Row) -> str:
    if row["arm"] == "history":
        return "inside the engines"
    if row["arm"] not in ("prune", "reaperd"):
        return "none"
    return Quantity(summary.value(row, "cleaner_cpu") or 0, SECONDS).text()
