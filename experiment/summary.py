# SPDX-License-Identifier: Apache-2.0
"""The tables of the results, and what they say: medians and spread over repetitions, changes, slopes.

Nothing here measures or draws. The figures and the numbers in the documents both come from here, so that they cannot
say different things.
"""

from __future__ import annotations

import csv
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, Sequence, Union

Value = Union[str, int, float, None]
Row = dict[str, Value]
Metric = Union[str, Callable[[Row], Union[float, None]]]
Pair = tuple[float, float]

MB = 1_000_000
TEXTS = ("load", "arm", "node")
SWARM = "swarm"
# Sums of columns, and of these the ones that count against it.
DERIVED = {
    # Free is also what CPUs keep on lists of their own, which the kernel counts nowhere.
    "used": (("mem_total",), ("mem_free", "cpu_lists")),
    "unavailable": (("mem_total",), ("mem_available", "cpu_lists")),
    "slab": (("slab_reclaimable", "slab_unreclaimable"), ()),
    "engine_rss": (("dockerd_rss", "containerd_rss", "shims_rss"), ()),
    "daemons_rss": (("dockerd_rss", "containerd_rss"), ()),
    "containers": (("running", "stopped"), ()),
    # Page tables, stacks, cgroups and all else that the kernel does not tell apart in the columns that there are.
    "other_kernel": (("mem_total",), ("mem_free", "cpu_lists", "page_cache", "slab_reclaimable", "slab_unreclaimable",
                                      "anon")),
}
# Shares: of what, and of how much; in percent.
PERCENT = {"used_percent": ("used", "mem_total"), "unavailable_percent": ("unavailable", "mem_total")}


@dataclass(frozen=True)
class Point:
    """A step: the median of its repetitions, the lowest and the highest, and all of them in their order."""

    x: float
    median: float
    low: float
    high: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Slope:
    """The line of least squares; r2 is 0 where there is nothing to explain."""

    per_x: float
    base: float
    r2: float


def load_table(path: Path) -> list[Row]:
    return parse_table(path.read_text(encoding="utf-8"))


def parse_table(text: str) -> list[Row]:
    """ValueError, which names line and column, where a number should be and is not."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#")]
    reader = csv.reader(line for _, line in lines)
    columns = next(reader, [])
    rows: list[Row] = []
    for (number, _), cells in zip(lines[1:], reader):
        if len(cells) != len(columns):
            raise ValueError(f"line {number}: {len(cells)} cells, expected {len(columns)}")
        rows.append({name: _cell(name, cell, number) for name, cell in zip(columns, cells)})
    return rows


def _cell(name: str, cell: str, number: int) -> Value:
    if name in TEXTS:
        return cell
    if not cell:
        return None
    try:
        return int(cell)
    except ValueError:
        pass
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"line {number}, column {name}: not a number: {cell}") from None


def load_about(path: Path) -> dict[str, str]:
    """The lines `key: value` of about.txt, in their order; none if it is not there."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {key: value for key, sep, value in (line.partition(": ") for line in lines) if sep}


def value(row: Row, metric: Metric) -> float | None:
    """A column, a name of DERIVED or PERCENT, `cpu_percent`, or what a function says; None where it is not known."""
    if callable(metric):
        return metric(row)
    if metric == "cpu_percent":
        busy = value(row, "machine_cpu")
        return None if busy is None else 100 * busy
    if metric in PERCENT:
        part, whole = (value(row, name) for name in PERCENT[metric])
        return None if part is None or not whole else 100 * part / whole
    if metric in DERIVED:
        more, less = ([value(row, name) for name in names] for names in DERIVED[metric])
        return None if None in more or None in less else sum(more) - sum(less)      # type: ignore[arg-type]
    found = row[metric]
    if isinstance(found, str):
        raise TypeError(f"column {metric} is text")
    return found


def loads(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["load"]) for row in rows))


def arms(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["arm"]) for row in rows))


# Steps: figures 4 to 7.

def by_repetition(rows: Iterable[Row], load: str, x: str, metric: Metric, node: str = SWARM) -> dict[int, list[Pair]]:
    """(x, value) of each step in the order of the rows; steps without a value are left out.

    x is a column, "containers", or "removed": how many fewer have stopped than at most.
    """
    mine = [row for row in rows if row["load"] == load and row["node"] == node]
    most = max((_number(row, "stopped") for row in mine), default=0.0) if x == "removed" else 0.0
    found: dict[int, list[Pair]] = {}
    for row in mine:
        y = value(row, metric)
        if y is not None:
            at = most - _number(row, "stopped") if x == "removed" else _number(row, x)
            found.setdefault(int(_number(row, "repetition")), []).append((at, y))
    return found


def by_step(rows: Iterable[Row], load: str, x: str, metric: Metric, node: str = SWARM) -> list[Point]:
    return _points(by_repetition(rows, load, x, metric, node).values())


def change(rows: Iterable[Row], load: str, x: str, metric: Metric, node: str = SWARM) -> list[Point]:
    """What each step has more than the first one of the same repetition, so that what lies between repetitions does
    not count."""
    return _points([[(at, y - course[0][1]) for at, y in course]
                    for course in by_repetition(rows, load, x, metric, node).values()])


def _points(courses: Iterable[Sequence[Pair]]) -> list[Point]:
    steps: dict[float, list[float]] = {}
    for course in courses:
        for at, y in course:
            steps.setdefault(at, []).append(y)
    return [point(at, values) for at, values in steps.items()]


def point(at: float, values: Sequence[float]) -> Point:
    return Point(at, statistics.median(values), min(values), max(values), tuple(values))


def last(points: Sequence[Point]) -> Point:
    return points[-1]


def slopes(rows: Iterable[Row], load: str, x: str, metric: Metric, node: str = SWARM) -> list[Slope]:
    """One a repetition."""
    return [slope(course) for course in by_repetition(rows, load, x, metric, node).values()]


def line(rows: Iterable[Row], load: str, x: str, metric: Metric, node: str = SWARM) -> Slope:
    """Through what the figures show: each step's median of the changes."""
    return slope(change(rows, load, x, metric, node))


def slope(points: Iterable[Point | Pair]) -> Slope:
    """Of medians, or of pairs. ValueError if there are not two different x."""
    pairs = [(point.x, point.median) if isinstance(point, Point) else point for point in points]
    if len({x for x, _ in pairs}) < 2:
        raise ValueError("a slope needs two steps")
    middle_x = statistics.fmean(x for x, _ in pairs)
    middle_y = statistics.fmean(y for _, y in pairs)
    spread_x = sum((x - middle_x) ** 2 for x, _ in pairs)
    spread_y = sum((y - middle_y) ** 2 for _, y in pairs)
    both = sum((x - middle_x) * (y - middle_y) for x, y in pairs)
    per_x = both / spread_x
    return Slope(per_x, middle_y - per_x * middle_x, both ** 2 / (spread_x * spread_y) if spread_y else 0.0)


# Time: figure 8.

def series(rows: Iterable[Row], load: str, arm: str, metric: Metric) -> list[Pair]:
    """(second, value) from the moment on at which the services begin; seconds without a value are left out."""
    return [pair for pair in _seconds(rows, load, arm, metric) if pair[0] >= 0]


def _seconds(rows: Iterable[Row], load: str, arm: str, metric: Metric) -> list[Pair]:
    """With those before."""
    found = []
    for row in rows:
        if row["load"] == load and row["arm"] == arm:
            y = value(row, metric)
            if y is not None:
                found.append((_number(row, "second"), y))
    return sorted(found)


def growth(rows: Iterable[Row], load: str, arm: str, metric: Metric) -> list[Pair]:
    """The same less what was there before."""
    rows = list(rows)
    start = at_start(rows, load, arm, metric)
    return [] if start is None else [(second, y - start) for second, y in series(rows, load, arm, metric)]


def bins(pairs: Iterable[Pair], width: float) -> list[Point]:
    """Those of `width` seconds in one point, in the middle of where they are."""
    found: dict[int, list[Pair]] = {}
    for x, y in pairs:
        found.setdefault(int(x // width), []).append((x, y))
    return [point(statistics.fmean(x for x, _ in some), [y for _, y in some]) for _, some in sorted(found.items())]


def slope_per_ended(rows: Iterable[Row], load: str, arm: str, metric: Metric, since: float = 0.0) -> Slope:
    """For each task of the churning service that has ended."""
    rows = list(rows)
    ended = dict(series(rows, load, arm, "ended"))
    return slope((ended[second], y) for second, y in series(rows, load, arm, metric)
                 if second >= since and second in ended)


def at_start(rows: Iterable[Row], load: str, arm: str, metric: Metric, width: float = 3) -> float | None:
    """The median of the seconds before the services begin; of what is not known then, of the first `width` seconds."""
    pairs = _seconds(rows, load, arm, metric)
    if not pairs:
        return None
    first = pairs[0][0]
    return statistics.median(y for x, y in pairs if (x <= 0 if first < 0 else x < first + width))


def at_end(rows: Iterable[Row], load: str, arm: str, metric: Metric, width: float = 10) -> float | None:
    """The mean of the last seconds: of a saw-tooth it is the same for any phase, if they are whole teeth."""
    pairs = series(rows, load, arm, metric)
    return statistics.fmean(y for x, y in pairs if x > pairs[-1][0] - width) if pairs else None


def arm(rows: Iterable[Row], load: str, name: str) -> Row | None:
    """The row of one arm in the table figure8-arms."""
    return next((row for row in rows if row["load"] == load and row["arm"] == name), None)


def each_ended(row: Row, column: str) -> float | None:
    """Of a row of figure8-arms, for each task that ended: here as everywhere those of the churning service, as only
    these are what the arms are about. What the few tasks of the service beside it cost is in it."""
    total, ended = value(row, column), value(row, "ended")
    return None if total is None or not ended else total / ended


def _number(row: Row, name: str) -> float:
    found = value(row, name)
    if found is None:
        raise ValueError(f"a row has no {name}")
    return found
