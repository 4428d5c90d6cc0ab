# SPDX-License-Identifier: Apache-2.0
"""What was found, by name, for the documents: values with their units, out of the tables of the results.

    about.KEY                           a line of about.txt
    figure4.LOAD.METRIC.STAT            the course of figures 4 to 7; STAT is one of COURSE
    figure8.LOAD.ARM.METRIC.STAT        an arm over time; STAT is one of ARM
    figure8.LOAD.ARM.COLUMN             a column of figure8-arms, or one of PER_ARM
    figure9.KIND.FIGURE                 for each stopped container, what its removal gave back (docs/memory.csv); a
                                        kind of two words has _ between them

METRIC is a column of the tables or one that `summary` derives. Nothing here is rounded but by `Quantity.text`.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Callable, Mapping, Sequence

from . import TOP, summary
from .quantity import COUNT, MS, NUMBER, PERCENT, Quantity, unit_of

if str(TOP / "bench") not in sys.path:
    sys.path.insert(0, str(TOP / "bench"))
import memory_table     # noqa: E402

TABLES = ("figure4", "figure5", "figure6", "figure7", "figure8", "figure8-arms")
# What is varied.
STEPS = {"figure4": "running", "figure5": "workers", "figure6": "stopped", "figure7": "removed"}

Row = Mapping[str, "str | int | float | None"]


class Unknown(Exception):
    """There is no such fact, or the data does not have it; the text is a sentence."""


class Facts:
    def __init__(self, tables: Mapping[str, list[Row]], about: Mapping[str, str], memory: str) -> None:
        self.about = dict(about)
        self._tables = tables
        self._memory = memory
        self._known: dict[str, Quantity | str] = {}

    @classmethod
    def load(cls, results: Path, memory_csv: Path) -> Facts:
        try:
            tables = {name: summary.load_table(results / f"{name}.csv") for name in TABLES}
        except (OSError, ValueError) as error:
            raise Unknown(f"{results}: {error}") from None
        return cls(tables, summary.load_about(results / "about.txt"), memory_csv.read_text(encoding="utf-8"))

    def table(self, name: str) -> list[Row]:
        if not self._tables.get(name):
            raise Unknown(f"there are no data of {name}")
        return self._tables[name]

    def loads(self, table: str = "figure4") -> list[str]:
        return summary.loads(self.table(table))

    def arms(self, load: str) -> list[str]:
        return summary.arms([row for row in self.table("figure8") if row["load"] == load])

    def text(self, name: str) -> str:
        found = self._fact(name)
        return found if isinstance(found, str) else found.text()

    def number(self, name: str) -> float:
        found = self._fact(name)
        if isinstance(found, str):
            try:
                return float(found)
            except ValueError:
                raise Unknown(f"{name} is no number: {found}") from None
        return found.value

    def points(self, figure: str, load: str, metric: str) -> list[summary.Point]:
        """The steps of a figure; Unknown if the data has none of it."""
        table = self.table(figure)
        try:
            found = summary.by_step(table, load, STEPS[figure], metric)
        except (KeyError, TypeError):
            raise Unknown(f"{figure} has no metric {metric!r}") from None
        if len(found) < 2:
            raise Unknown(f"{figure} has no steps of {metric} with the load {load!r}")
        return found

    def slopes(self, figure: str, load: str, metric: str) -> list[summary.Slope]:
        """One a repetition."""
        self.points(figure, load, metric)
        return summary.slopes(self.table(figure), load, STEPS[figure], metric)

    def line(self, figure: str, load: str, metric: str) -> summary.Slope:
        """Through the medians of the steps."""
        self.points(figure, load, metric)
        return summary.line(self.table(figure), load, STEPS[figure], metric)

    def rises(self, figure: str, load: str, metric: str, since: str = "") -> tuple[float, ...]:
        """From the first step, or that of another figure, to the last, one a repetition."""
        first, last = self.points(since or figure, load, metric)[0], self.points(figure, load, metric)[-1]
        return tuple(end - start for start, end in zip(first.values, last.values))

    def rise(self, figure: str, load: str, metric: str, since: str = "") -> float:
        return statistics.median(self.rises(figure, load, metric, since))

    def steps(self, figure: str, load: str, metric: str) -> float:
        """From the first to the last one, in what is varied."""
        points = self.points(figure, load, metric)
        return points[-1].x - points[0].x

    def late_slope(self, load: str, arm: str, metric: str) -> summary.Slope:
        """Of the second half of an arm, for each task that ended."""
        rows = self.table("figure8")
        pairs = self._series(load, arm, metric)
        return _slope(rows, load, arm, metric, pairs[-1][0] / 2)

    # -- inside ------------------------------------------------------------------

    def _fact(self, name: str) -> Quantity | str:
        if name not in self._known:
            kind, _, rest = name.partition(".")
            if kind == "about":
                if rest not in self.about:
                    raise Unknown(f"about.txt has no {rest!r}")
                self._known[name] = self.about[rest]
            elif kind in STEPS:
                self._known[name] = self._course(kind, *_split(name, rest, 3))
            elif kind == "figure8":
                self._known[name] = self._arm(name, rest)
            elif kind == "figure9":
                self._known[name] = self._stopped(*_split(name, rest, 2))
            else:
                raise Unknown(f"there is no fact {name!r}")
        return self._known[name]

    def _course(self, figure: str, load: str, metric: str, stat: str) -> Quantity | str:
        if stat not in COURSE:
            raise Unknown(f"{stat!r} is none of {', '.join(COURSE)}")
        return COURSE[stat](self, figure, load, metric)

    def _arm(self, name: str, rest: str) -> Quantity | str:
        parts = rest.split(".")
        if len(parts) == 4:
            load, arm, metric, stat = parts
            if stat not in ARM:
                raise Unknown(f"{stat!r} is none of {', '.join(ARM)}")
            return ARM[stat](self, load, arm, metric)
        load, arm, column = _split(name, rest, 3)
        row = summary.arm(self.table("figure8-arms"), load, arm)
        if row is None:
            raise Unknown(f"figure8-arms has no arm {arm!r} with the load {load!r}")
        if column in PER_ARM:
            return PER_ARM[column](row)
        if row.get(column) is None:
            raise Unknown(f"figure8-arms has no {column!r} of the arm {arm!r} with the load {load!r}")
        return Quantity(row[column], unit_of(column))

    def _series(self, load: str, arm: str, metric: str) -> list[tuple[float, float]]:
        try:
            pairs = summary.series(self.table("figure8"), load, arm, metric)
        except (KeyError, TypeError):
            pairs = []
        if not pairs:
            raise Unknown(f"figure8 has no {metric!r} of the arm {arm!r} with the load {load!r}")
        return pairs

    def _stopped(self, kind: str, figure: str) -> Quantity:
        _, rows = memory_table.from_csv(self._memory)
        seen: dict[int, dict[str, float]] = {}
        for row in rows:
            if (row.kind, row.course) == (kind.replace("_", " "), "remove") and row.figures.get(figure) is not None:
                seen.setdefault(row.repetition, {})[row.stage] = row.figures[figure] / row.containers
        back = [stages["stopped"] - stages["removed"] for stages in seen.values()]
        if not back:
            raise Unknown(f"docs/memory.csv has no {figure!r} of the kind {kind!r}")
        falls = figure in ("mem_free", "mem_available")
        return Quantity(statistics.median(back) * (-1 if falls else 1), unit_of(figure))


def _split(name: str, rest: str, count: int) -> list[str]:
    parts = rest.split(".")
    if len(parts) != count or not all(parts):
        raise Unknown(f"there is no fact {name!r}")
    return parts


def _slope(rows: list[Row], load: str, arm: str, metric: str, since: float) -> summary.Slope:
    try:
        return summary.slope_per_ended(rows, load, arm, metric, since)
    except (KeyError, TypeError, ValueError) as error:
        raise Unknown(f"no slope of {metric!r} in the arm {arm!r} with the load {load!r}: {error}") from None


def _range(values: Sequence[float], unit: str) -> str:
    low, high = Quantity(min(values), unit).text(), Quantity(max(values), unit).text()
    number, _, word = low.partition(" ")
    return high if low == high else f"{number} to {high}" if high.endswith(f" {word}") else f"{low} to {high}"


def _share(facts: Facts, figure: str, load: str, metric: str) -> Quantity | str:
    """What came back of what as many containers had added in figure 4; with more workers, the rise of what all had."""
    added = facts.rise("figure4", load, metric)
    if added <= 0:
        return "an unknown part"    # and no number
    if figure == "figure5":
        return Quantity(100 * facts.rise(figure, load, metric) / added, PERCENT)
    part = facts.steps(figure, load, metric) / facts.steps("figure4", load, metric)
    return Quantity(-100 * facts.rise(figure, load, metric) / (added * part), PERCENT)


def _rise(sign: int = 1, signed: bool = False, since: str = "") -> Callable[[Facts, str, str, str], Quantity]:
    return lambda facts, figure, load, metric: Quantity(
        sign * facts.rise(figure, load, metric, since), unit_of(metric), signed)


# `change` and `back` are `rise` and `fall` with their sign, where it is not known which it is; `since` is the change
# since the first step of figure 4. `rise_each` and `back_each` are for each one of what is varied. `each` and `r2` are
# those of a line through the steps; `share` is said at its function.
COURSE: dict[str, Callable[[Facts, str, str, str], Quantity | str]] = {
    "first": lambda f, figure, load, metric: Quantity(f.points(figure, load, metric)[0].median, unit_of(metric)),
    "last": lambda f, figure, load, metric: Quantity(f.points(figure, load, metric)[-1].median, unit_of(metric)),
    "rise": _rise(),
    "fall": _rise(-1),
    "change": _rise(1, True),
    "back": _rise(-1, True),
    "since": _rise(1, True, "figure4"),
    "rise_range": lambda f, figure, load, metric: _range(f.rises(figure, load, metric), unit_of(metric)),
    "fall_range": lambda f, figure, load, metric: _range([-rise for rise in f.rises(figure, load, metric)],
                                                         unit_of(metric)),
    "rise_each": lambda f, figure, load, metric: Quantity(
        f.rise(figure, load, metric) / f.steps(figure, load, metric), unit_of(metric)),
    "back_each": lambda f, figure, load, metric: Quantity(
        -f.rise(figure, load, metric) / f.steps(figure, load, metric), unit_of(metric)),
    "each": lambda f, figure, load, metric: Quantity(f.line(figure, load, metric).per_x, unit_of(metric)),
    "r2": lambda f, figure, load, metric: Quantity(f.line(figure, load, metric).r2, NUMBER),
    "share": _share,
}


def _ends(facts: Facts, load: str, arm: str, metric: str) -> tuple[float, float]:
    """At the start and at the end of an arm. The end are whole periods of what cleans up from a timer: it would be by
    chance how long ago it has been there in the last second."""
    period = float(facts.about.get("prune_every_s", 10))
    # A value that is not there each second is looked for in more of them.
    start, end = (3, period) if metric != "ps_ms" else (15, 2 * period)
    facts._series(load, arm, metric)
    rows = facts.table("figure8")
    found = summary.at_start(rows, load, arm, metric, width=start), summary.at_end(rows, load, arm, metric, width=end)
    if found[0] is None or found[1] is None:
        raise Unknown(f"figure8 has no {metric!r} at both ends of the arm {arm!r} with the load {load!r}")
    return found


def _late(facts: Facts, load: str, arm: str, metric: str) -> Quantity:
    """The slope of the second half for each task that ended, of that in the arm where nothing cleans up."""
    alone = facts.late_slope(load, "nothing", metric).per_x
    if not alone:
        raise Unknown(f"{metric} does not grow where nothing cleans up, with the load {load!r}")
    return Quantity(100 * facts.late_slope(load, arm, metric).per_x / alone, PERCENT)


ARM: dict[str, Callable[[Facts, str, str, str], Quantity]] = {
    "start": lambda f, load, arm, metric: Quantity(_ends(f, load, arm, metric)[0], unit_of(metric)),
    "end": lambda f, load, arm, metric: Quantity(_ends(f, load, arm, metric)[1], unit_of(metric)),
    "rise": lambda f, load, arm, metric: Quantity(
        _ends(f, load, arm, metric)[1] - _ends(f, load, arm, metric)[0], unit_of(metric)),
    # With their sign, where it is not known which it is.
    "change": lambda f, load, arm, metric: Quantity(
        _ends(f, load, arm, metric)[1] - _ends(f, load, arm, metric)[0], unit_of(metric), True),
    "back": lambda f, load, arm, metric: Quantity(
        _ends(f, load, arm, metric)[0] - _ends(f, load, arm, metric)[1], unit_of(metric), True),
    "peak": lambda f, load, arm, metric: Quantity(
        max(value for _, value in f._series(load, arm, metric)) - _ends(f, load, arm, metric)[0], unit_of(metric)),
    "each": lambda f, load, arm, metric: Quantity(
        _slope(f.table("figure8"), load, arm, metric, 0.0).per_x, unit_of(metric)),
    "late": _late,
}


def _removed_each(row: Row) -> Quantity:
    if not row.get("removed") or row.get("cleaner_cpu") is None:
        raise Unknown(f"figure8-arms has no removals or no CPU of the cleaner in the arm {row['arm']!r}")
    return Quantity(1000 * row["cleaner_cpu"] / row["removed"], MS)


def _engines_each(row: Row) -> Quantity:
    found = summary.each_ended(row, "engine_cpu")
    if found is None:
        raise Unknown(f"figure8-arms has no tasks that ended, or no CPU of the engines, in the arm {row['arm']!r}")
    return Quantity(1000 * found, MS)


PER_ARM: dict[str, Callable[[Row], Quantity]] = {
    "cleaner_cpu_each": _removed_each,
    "engine_cpu_each": _engines_each,
    # At the pace of the arm.
    "an_hour": lambda row: Quantity(3600 * row["ended"] / row["seconds"], COUNT),
    "all_damaged": lambda row: Quantity(row["damaged"] + row["delayed_damaged"], COUNT),
}
