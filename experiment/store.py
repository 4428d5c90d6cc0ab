# SPDX-License-Identifier: Apache-2.0
"""The results' folder: what each cell has found, kept whole or not at all, and the tables that are made of it.

    about.txt               what was measured, on what; results of something else are not mixed with it
    parts/CELL/TABLE.csv    what a cell has found; the folder is there when the cell is done
    parts/CELL/cell.txt     how long it took, and how quiet the machine was meanwhile
    TABLE.csv               all cells' rows together
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import math
import os
import shutil
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from .rig import Row, Tables, Trouble

ABOUT, PARTS, LOCK, CELL = "about.txt", "parts", "lock", "cell.txt"
LATER = {"date"}            # keys of about.txt that differ between runs which belong together
YOUNG = {"storage", "experiment", "others_cpu"}     # that results from before there were these may lack
UNFINISHED = ".new"
OTHER_FOLDER = "Choose another folder (EXPERIMENT_RESULTS=), or remove that one."


def to_text(pairs: Mapping[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in pairs.items())


def from_text(text: str) -> dict[str, str]:
    return {key: value for key, separator, value in (line.partition(": ") for line in text.splitlines()) if separator}


def to_field(value: Any) -> str:
    """A value of a table as text: an empty one is not known, or does not apply."""
    if value is None:
        return ""
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        text = f"{value:.4f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    raise ValueError(f"{value!r} cannot be kept in a table")


def to_csv(rows: Sequence[Row]) -> str:
    """Columns are those of the first row, in its order; all rows have the same."""
    columns = list(rows[0])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        if row.keys() != rows[0].keys():
            raise ValueError(f"rows of one table differ in {sorted(row.keys() ^ rows[0].keys())}")
        writer.writerow([to_field(row[column]) for column in columns])
    return text.getvalue()


def write_whole(path: Path, text: str) -> None:
    """The old file or the new one is there, at any moment."""
    fresh = path.with_name(path.name + UNFINISHED)
    _write(fresh, text)
    fresh.replace(path)


def _write(path: Path, text: str) -> None:
    """And on the disk, before something is renamed that would be empty after a power cut."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts = folder / PARTS

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """For one run at a time. A folder with something else in it is refused: results are not strewn over it."""
        if self.folder.exists() and not self.folder.is_dir():
            raise Trouble(f"{self.folder} is no folder.")
        if self.folder.is_dir() and os.listdir(self.folder) and not (self.folder / LOCK).exists():
            raise Trouble(f"{self.folder} holds something else than results of the experiment: choose another folder.")
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / LOCK, "w", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Trouble(f"Another run is at work in {self.folder}.") from None
            if self._parts.is_dir():
                for left in self._parts.glob(f"*{UNFINISHED}"):
                    shutil.rmtree(left)
            yield

    # -- what the results are of ---------------------------------------------------

    def about(self) -> dict[str, str]:
        return self._pairs(self.folder / ABOUT)

    def check(self, about: Mapping[str, str]) -> None:
        """Trouble if what is there already is of something else."""
        there = self.about()
        if not self.names():
            return
        if not there:
            raise Trouble(f"{self.folder} has results, but no {ABOUT} that says what they are of. {OTHER_FOLDER}")
        young = YOUNG - there.keys()
        differ = [f"{key} is {about.get(key, 'not known')}, was {there.get(key, 'not known')}"
                  for key in {**there, **about} if key not in LATER | young and about.get(key) != there.get(key)]
        if differ:
            raise Trouble(f"The results in {self.folder} are of something else, and are not mixed with this: "
                          f"{'; '.join(differ)}. {OTHER_FOLDER}")

    def begin(self, about: Mapping[str, str]) -> None:
        """Notes what is going to be measured; Trouble as of check()."""
        self.check(about)
        if not self.names():
            write_whole(self.folder / ABOUT, to_text(about))

    # -- cells ------------------------------------------------------------------

    def names(self) -> list[str]:
        """The cells that are done."""
        if not self._parts.is_dir():
            return []
        return sorted(part.name for part in self._parts.iterdir()
                      if not part.name.endswith(UNFINISHED) and self.done(part.name))

    def done(self, name: str) -> bool:
        return "seconds" in self.notes(name)

    def notes(self, name: str) -> dict[str, str]:
        """What is noted of a cell; nothing if it is not done."""
        return self._pairs(self._parts / name / CELL)

    def seconds(self, name: str) -> float:
        """How long a cell took that is done."""
        return float(self.notes(name)["seconds"])

    def keep(self, name: str, tables: Tables, notes: Mapping[str, str]) -> None:
        """A cell is done; `notes` are of it, `seconds` among them."""
        fresh = self._parts / f"{name}{UNFINISHED}"
        fresh.mkdir(parents=True)
        for table, rows in tables.items():
            if rows:
                _write(fresh / f"{table}.csv", to_csv(rows))
        _write(fresh / CELL, to_text(notes))
        _sync(fresh)
        # Of a cell that is not done, whatever became of it.
        shutil.rmtree(self._parts / name, ignore_errors=True)
        fresh.rename(self._parts / name)
        _sync(self._parts)

    def merge(self, names: Sequence[str], folder: Path | None = None) -> list[Path]:
        """Makes the tables of these cells, in this order; their files."""
        merged: dict[str, list[str]] = {}
        for name in names:
            for part in sorted((self._parts / name).glob("*.csv")):
                again = f"Remove {part.parent}, so that it is measured again."
                header, *lines = part.read_text().splitlines(keepends=True) or [""]
                if not lines:
                    raise Trouble(f"{part} has no rows. {again}")
                whole = merged.setdefault(part.name, [header])
                if whole[0] != header:
                    raise Trouble(f"{part} has other columns than the same table of another cell. {again}")
                whole += lines
        files = []
        for table, lines in sorted(merged.items()):
            path = (folder or self.folder) / table
            write_whole(path, "".join(lines))
            files.append(path)
        return files

    # -- inside ------------------------------------------------------------------

    @staticmethod
    def _pairs(path: Path) -> dict[str, str]:
        try:
            return from_text(path.read_text())
        except (FileNotFoundError, NotADirectoryError):
            return {}
