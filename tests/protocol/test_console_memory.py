# SPDX-License-Identifier: Apache-2.0
"""MemoryByService: the sums of what the list tells of each."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest

from console_kit import HOUR, QUIET, Console, begin, bus, console, until  # noqa: F401
from daemon import Reaperd
from lab.console import UNKNOWN, Memory
from pressure_kit import MB, lay
from standin import Standin


def sums(console: Console) -> dict[str, Memory]:
    """By the list."""
    numbers: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for row in console.list():
        known = [0 if each == UNKNOWN else each for each in (row.held, row.dirty, row.disk, row.inodes)]
        add = [1, row.held != UNKNOWN, *known]
        numbers[row.service] = [a + b for a, b in zip(numbers[row.service], add)]
    return {service: Memory(service, *each) for service, each in numbers.items()}


def test_not_measured(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """How many there are is known, and that is all."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap")
    for n in range(3):
        engine.add(slot=n)
    engine.add(service="mail", slot=1)
    engine.add(service="mail", slot=2, state="running")
    engine.add(service="runs", state="running")
    engine.add_plain()
    begin(reaperd, console, **QUIET)
    assert console.memory() == {name: Memory(name, count, 0, 0, 0, 0, 0)
                                for name, count in (("web", 3), ("mail", 1), ("", 1))}
    gone = next(c for c in engine.containers.values() if c.labels.get("com.docker.swarm.service.name") == "mail"
                and c.state == "exited")
    engine.vanish(gone)
    until(lambda: "mail" not in console.memory(), "none of mail")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may measure what others hold")
def test_measured(engine: Standin, reaperd: Reaperd, console: Console, tmp_path: Path) -> None:
    """Services apart, measured and not; what one holds is in its row, its service's sum and its removal."""
    engine.info_extra["DockerRootDir"] = str(tmp_path)
    old = {"ended": 2 * HOUR}
    web = [engine.add(slot=n, **old) for n in range(3)]
    mail, young = engine.add(service="mail", **old), engine.add(service="mail", slot=2, ended=120.0, age=120.5)
    for n, c in enumerate([*web, mail]):
        lay(c, tmp_path, cached=(n + 1) * MB, files=n)
    begin(reaperd, console, **QUIET | {"MinimumAge": "1h", "Pressure.Enabled": "yes", "Pressure.Stall": "off",
                                       "Pressure.MemoryAvailableLow": "off", "Pressure.MinimumAge": "1h"})
    measured = until(lambda: sum(each.measured for each in console.memory().values()) == 4 and console.memory(),
                     "four measured", 30, lambda: f"{console.memory()}\n{reaperd.log()}")
    assert measured == sums(console)
    assert console.get("Measuring") is True
    assert (measured["web"].stopped, measured["web"].measured) == (3, 3)
    assert (measured["mail"].stopped, measured["mail"].measured) == (2, 1)
    assert measured["mail"].held >= 4 * MB and 6 * MB <= measured["web"].held < 9 * MB
    assert measured["web"].inodes >= 3 and console.row(young.id).held == UNKNOWN     # type: ignore[union-attr]
    row = console.row(web[2].id)
    assert row and row.held >= 3 * MB
    by_size = sorted(console.list(Service="web"), key=lambda each: each.held)
    assert [each.id for each in by_size] == [c.id for c in web]

    assert console.reap(web[2].id)[0].removed
    after = console.memory()["web"]
    assert (after.stopped, after.measured) == (2, 2) and after.held == measured["web"].held - row.held
    removal, = console.history()
    assert (removal.held, removal.dirty, removal.disk, removal.inodes) == (row.held, row.dirty, row.disk, row.inodes)
    assert console.get("Reclaimed") == console.get("ReclaimedToday") == row.held
    assert console.get("ReclaimedDisk") == console.get("ReclaimedDiskToday") == row.disk
