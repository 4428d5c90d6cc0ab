# SPDX-License-Identifier: Apache-2.0
"""A bus of a test's own, a reaperd that is on it, and somebody who asks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from daemon import Reaperd, until  # noqa: E402
from engine_model import Container  # noqa: E402
from lab.bus import Bus  # noqa: E402
from lab.console import Console, Result  # noqa: E402
from standin import Standin  # noqa: E402

SECOND = 1_000_000
HOUR = 3600.0
# Nothing goes by itself, but for what a container's own labels ask for.
QUIET: dict[str, str | int] = {"Success": "infinity", "Failure": "infinity", "FailedStart": "infinity",
                               "OrphanAge": "infinity", "Parallelism": 1}


@pytest.fixture
def bus() -> Iterator[Bus]:
    with Bus() as made:
        yield made


@pytest.fixture
def console(bus: Bus, reaperd: Reaperd) -> Iterator[Console]:
    """On the bus that reaperd will be on."""
    reaperd.environment |= bus.environment
    made = Console(str(bus.socket))
    yield made
    made.close()


@pytest.fixture
def other_console(bus: Bus, console: Console) -> Iterator[Console]:
    """A second caller."""
    made = Console(str(bus.socket))
    yield made
    made.close()


def begin(reaperd: Reaperd, console: Console, *options: str, **settings: str | int) -> None:
    """Start it, and wait until it has listed and has its name."""
    reaperd.begin(*options, **settings)
    console.await_name()


def line_of(reaperd: Reaperd, setting: str, behind: str = "") -> str:
    """FILE:LINE of `Key=...` in the configuration, the first one behind a line that reads so."""
    lines = reaperd.config.read_text(encoding="utf-8").splitlines()
    begun = lines.index(behind) if behind else 0
    found = next(n for n, line in enumerate(lines) if n >= begun and line.startswith(setting + "="))
    return f"{reaperd.config}:{found + 1}"


def await_verdict(console: Console, c: Container, verdict: str, timeout: float = 20.0) -> None:
    until(lambda: console.verdict(c.id) == verdict, f"{c.name} {verdict}", timeout,
          lambda: repr(console.row(c.id)))


def by_id(results: list[Result]) -> dict[str, Result]:
    """Each container is told of once."""
    made = {result.id: result for result in results}
    assert len(made) == len(results)
    return made


def in_flight(engine: Standin, c: Container) -> None:
    """Wait until its removal is asked for."""
    engine.wait_asked("remove", 1, c)


def first_of(engine: Standin, made: list[Container]) -> list[Container]:
    """Wait until the removal of one of them is asked for; they come back with that one in front."""
    engine.wait(lambda: any(engine.asked("remove", c) for c in made), "the first DELETE")
    return sorted(made, key=lambda c: not engine.asked("remove", c))


def near(value: int, seconds: float, slack: float = 60.0) -> bool:
    """Is it so many microseconds, on a machine that may be slow?"""
    return abs(value / SECOND - seconds) <= slack


def same(one: int, other: int) -> bool:
    """Is it the same moment? Such a time is kept by the clock that does not jump, and told by the one that may: two
    readings of their distance differ by a microsecond or so.
    """
    return abs(one - other) < 1000


Edit = Callable[[bytes], bytes]


def spoil(old: str, new: bytes) -> Edit:
    """Bytes that no JSON library would write."""
    return lambda body: body.replace(old.encode(), new)


__all__ = ["Any", "Bus", "Console", "HOUR", "QUIET", "SECOND", "await_verdict", "begin", "bus", "by_id", "console",
           "first_of", "in_flight", "line_of", "near", "other_console", "same", "spoil",
           "until"]
