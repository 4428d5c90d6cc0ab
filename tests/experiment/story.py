# SPDX-License-Identifier: Apache-2.0
"""One run of the experiment on its small scale, which many tests look at: broken off by Ctrl-C, and gone on with."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, NamedTuple

import pytest

from experiment import arms, course, settings
from experiment.leftovers import left_by
from experiment.sizes import SMALL
from lab.fleet import missing_fleet_tools
from runner import TOP, Process, Running, alive, family

SET = ["repetitions=1"]
SIZES = settings.changed(SMALL, SET)
CELLS = [cell.name for cell in (*course.cells(SIZES), *arms.cells(SIZES))]
# Beside other tests a machine may be too slow for a step, or others disturb it. What was done until then is kept.
ATTEMPTS, FINAL = 3, ("Not cleaned up", "Traceback")
Row = dict[str, str]


class End(NamedTuple):
    status: int
    output: str
    words: str
    left: list[str]             # by their names
    alive: list[Process]


@dataclass
class Story:
    """What happened."""

    folder: Path
    arguments: list[str]
    trouble: str = ""           # with breaking it off
    broken_off: End | None = None
    kept: dict[str, str] = field(default_factory=dict)      # files of parts/ when it was broken off, and their digests
    ends: list[End] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)     # at the end

    @property
    def first(self) -> End:
        assert self.broken_off is not None
        return self.broken_off

    def again(self, *arguments: str) -> End:
        return to_end(Running([*self.arguments, *arguments], terminal=False))

    def table(self, name: str) -> list[Row]:
        with open(self.folder / f"{name}.csv", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def plain(output: str) -> str:
    """Without colours and what else is for the terminal."""
    return re.sub(r"\x1b\[[\d;?]*\w", "", output)


def digests(folder: Path) -> dict[str, str]:
    """With the times of their last change."""
    return {str(path.relative_to(folder)): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
            for path in sorted(folder.rglob("*")) if path.is_file()}


def to_end(running: Running, act: Callable[[], None] = lambda: None) -> End:
    with running:
        act()
        seen = family(running.process.pid)
        status = running.wait()
    return End(status, running.output, running.words, left_by(running.process.pid), alive(seen))


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The run, however it ended."""
    reaperd = Path(os.environ.get("REAPERD", TOP / "build" / "reaperd")).resolve()
    if not os.access(reaperd, os.X_OK):
        pytest.fail(f"{reaperd} is missing: build it first, or set REAPERD", pytrace=False)
    if missing := missing_fleet_tools():
        pytest.fail(f"the experiment needs: {', '.join(missing)}", pytrace=False)
    folder = tmp_path_factory.mktemp("experiment") / "results"
    made = Story(folder, ["--scale=small", f"--results={folder}", f"--reaperd={reaperd}",
                          *(f"--set={each}" for each in SET)])
    first = Running(made.arguments, terminal=True)

    def control_c() -> None:
        pid = first.process.pid
        first.until((folder / "parts" / CELLS[0]).is_dir, "the first cell is done")
        first.until(lambda: f"[2/{len(CELLS)}]" in first.output, "the second one has begun")
        first.until(lambda: sum("dockerd" in name for name in left_by(pid)) == SIZES.managers + SIZES.workers,
                    "its engines are up")
        # Until the Swarm is there tools make it: Ctrl-C ends those too, and there is nothing to say before it has gone.
        first.until(lambda: re.search(rf"\[2/{len(CELLS)}\][^\r]*: figure", plain(first.output)), "its Swarm is there")
        first.control_c()

    try:
        made.broken_off = to_end(first, control_c)
    except (AssertionError, TimeoutError) as error:
        made.trouble = f"{error}\n{first.output}"
        return made
    made.kept = digests(folder / "parts")
    for _ in range(ATTEMPTS):
        made.ends.append(made.again())
        if made.ends[-1].status != 1 or any(words in made.ends[-1].words for words in FINAL):
            break
    made.parts = digests(folder / "parts")
    return made


@pytest.fixture
def story(told: Story) -> Story:
    """The same, if there is something to look at."""
    if not told.ends or told.ends[-1].status != 0:
        pytest.fail("the run did not come to its end: test_it_comes_to_its_end says why", pytrace=False)
    return told


def numbers(rows: list[Row], column: str, **wanted: object) -> list[float]:
    """Of the rows with these values, in their order."""
    return [float(row[column]) for row in rows if all(row[key] == str(value) for key, value in wanted.items())]
