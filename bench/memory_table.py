# SPDX-License-Identifier: Apache-2.0
"""The data of bench/memory.py as CSV, and the tables of docs/memory.md made from it.

The style test makes the tables again and compares, so this needs nothing but
the two texts.
"""

from __future__ import annotations

import csv
import io
import re
import statistics
from dataclasses import dataclass
from typing import Iterable, Mapping, Sequence

MB = 1_000_000
KEYS = ("kind", "containers", "repetition", "course", "stage")
BEGIN, END = "<!-- made by bench/memory.py: begin -->\n", "<!-- made by bench/memory.py: end -->\n"

# Column of the data, what the page calls it, digits behind the point, bytes in its unit, and whether it falls when
# something is held. The private engine's come first.
FIGURES = (
    ("own_cached", "page cache of its files (cachestat)", 3, MB, False),
    ("own_dirty", "of it dirty or being written", 3, MB, False),
    ("charged", "charged to the parent cgroup", 3, MB, False),
    ("engine_heap", "engine: heap in use", 3, MB, False),
    ("engine_anon", "engine: RssAnon", 3, MB, False),
    ("disk", "on disk", 3, MB, False),
    ("inodes", "inodes", 1, 1, False),
    ("listed", "names that the engine lists", 1, 1, False),
    ("mem_free", "machine: MemFree, less by", 3, MB, True),
    ("mem_available", "machine: MemAvailable, less by", 3, MB, True),
    ("cached", "machine: Cached", 3, MB, False),
    ("dirty", "machine: Dirty and Writeback", 3, MB, False),
    ("buffers", "machine: Buffers", 3, MB, False),
    ("slab_reclaimable", "machine: SReclaimable", 3, MB, False),
    ("slab_unreclaimable", "machine: SUnreclaim", 3, MB, False),
    ("dying_cgroups", "machine: dying memory cgroups", 2, 1, False),
)

# What is shown: the course, and the stage less the one that it is compared with.
COLUMNS = (
    ("running", "remove", "running", "before"),
    ("stopped", "remove", "stopped", "before"),
    ("removal gave back", "remove", "stopped", "removed"),
    ("left after dropping", "reclaim", "dropped", "removed"),
    ("left after writing and dropping", "reclaim", "written", "removed"),
)


@dataclass(frozen=True)
class Row:
    """One look at the machine."""

    kind: str
    containers: int
    repetition: int
    course: str
    stage: str
    figures: Mapping[str, int | None]


def to_csv(header: Sequence[tuple[str, str]], figures: Sequence[str], rows: Iterable[Row]) -> str:
    out = io.StringIO()
    out.write("# SPDX-License-Identifier: Apache-2.0\n"
              "# Made by bench/memory.py. Bytes, or numbers, of the whole machine and engine.\n")
    out.writelines(f"# {key}: {value}\n" for key, value in header)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*KEYS, *figures])
    for row in rows:
        writer.writerow([row.kind, row.containers, row.repetition, row.course, row.stage,
                         *("" if row.figures[name] is None else row.figures[name] for name in figures)])
    return out.getvalue()


def from_csv(text: str) -> tuple[list[tuple[str, str]], list[Row]]:
    lines = text.splitlines()
    header = [(key, value) for key, sep, value in (line[2:].partition(": ") for line in lines if line[:1] == "#")
              if sep and not key.startswith("SPDX")]
    rows = []
    for cells in csv.DictReader(line for line in lines if line[:1] != "#"):
        figures = {key: int(value) if value else None for key, value in cells.items() if key not in KEYS}
        rows.append(Row(cells["kind"], int(cells["containers"]), int(cells["repetition"]), cells["course"],
                        cells["stage"], figures))
    return header, rows


def replaced(page: str, data: str) -> str:
    """The page with its tables made from the data; ValueError if it has no place for them."""
    found = re.fullmatch(f"(.*{re.escape(BEGIN)}).*({re.escape(END)}.*)", page, re.S)
    if found is None:
        raise ValueError("the page has no markers of the tables")
    return found[1] + tables(data) + found[2]


def tables(data: str) -> str:
    header, rows = from_csv(data)
    about = dict(header)
    lines = ["", *(f"- {key}: {value}" for key, value in header)]
    counts = {row.kind: row.containers for row in rows}
    lines += ["", "What removal gave back at once, for each container:", "", *_summary(rows, list(counts))]
    for kind, count in counts.items():
        what = about.get(kind, "").partition(";")[0]
        lines += ["", f"### {kind}", "", f"Each {what}. For each of {count} containers:", "",
                  *_kind(rows, kind)]
    return "\n".join(lines) + "\n\n"


def _summary(rows: list[Row], names: list[str]) -> list[str]:
    """The third column of every kind, beside each other."""
    _, course, stage, base = COLUMNS[2]
    lines = [_line(["MB (10^6 bytes), or a number", *names]), _rule(len(names))]
    for figure, name, digits, unit, falls in FIGURES:
        cells = [_cell(differences(rows, kind, course, stage, base, figure, unit, falls), digits) for kind in names]
        lines.append(_line([name, *cells]))
    return lines


def _kind(rows: list[Row], kind: str) -> list[str]:
    lines = [_line(["MB (10^6 bytes), or a number", *(name for name, *_ in COLUMNS)]), _rule(len(COLUMNS))]
    for figure, name, digits, unit, falls in FIGURES:
        cells = [_cell(differences(rows, kind, *column[1:], figure, unit, falls), digits) for column in COLUMNS]
        lines.append(_line([name, *cells]))
    return lines


def differences(rows: list[Row], kind: str, course: str, stage: str, base: str, figure: str, unit: int,
                falls: bool) -> list[float]:
    """How much more there was at a stage than at the base, for each container, one value a repetition."""
    seen: dict[int, dict[str, tuple[int, int | None]]] = {}
    for row in rows:
        if (row.kind, row.course) == (kind, course):
            seen.setdefault(row.repetition, {})[row.stage] = (row.containers, row.figures.get(figure))
    found = []
    for stages in seen.values():
        (count, more), (_, less) = stages[stage], stages[base]
        if more is not None and less is not None:
            found.append((less - more if falls else more - less) / count / unit)
    return found


def _cell(values: list[float], digits: int) -> str:
    if not values:
        return "unknown"
    spread = f"{(max(values) - min(values)) / 2:.{digits}f}"
    return f"{statistics.median(values) + 0.0:.{digits}f} ±{spread}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---|" + "---:|" * columns
