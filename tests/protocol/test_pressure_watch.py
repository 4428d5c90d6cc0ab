# SPDX-License-Identifier: Apache-2.0
"""What reaperd watches for pressure: stalls, and what it says where they cannot be had.

Tasks that wait for memory are hard to have and harder to end; to the kernel, those that wait for a processor are
the same, and a cgroup's file tells of nobody else's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator

import pytest

from daemon import Reaperd, until
from pressure_kit import (CALM, CRITICAL, LEVEL, OFF, Journal, check_fields, journal_or_skip, last_status,
                          stopped, wait_pressed_out)
from standin import Standin

ELEVATED = r"^reaperd: Pressure is elevated: tasks stall for want of memory, Stall=some 500ms/2s$"
OVER = "^reaperd: Pressure is over$"
NO_STALLS = r"^reaperd: .*Stall= is without effect\b"
BY_COUNTER = "^reaperd: The kernel takes no trigger .* Its counter is compared instead"


journal = pytest.fixture(journal_or_skip)


class Stalls:
    """A cgroup, and processes in it that want the same processor; its cpu.pressure is like a memory.pressure."""

    def __init__(self, cgroups: Path) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="rp-", dir=cgroups))
        self._busy: list[subprocess.Popen[bytes]] = []
        self.settings: dict[str, str | int] = {"Pressure.Stall": "some 500ms/2s",
                                               "Pressure.PressureFile": str(self._place / "cpu.pressure")}

    def begin(self) -> None:
        for _ in range(2):
            busy = subprocess.Popen([sys.executable, "-c", "import os\nos.sched_setaffinity(0, {min("
                                     "os.sched_getaffinity(0))})\nwhile True: pass"])
            self._busy.append(busy)
            (self._place / "cgroup.procs").write_text(str(busy.pid), encoding="ascii")

    def end(self) -> None:
        for busy in self._busy:
            busy.kill()
            busy.wait()
        self._busy = []

    def close(self) -> None:
        self.end()
        until(lambda: not (self._place / "cgroup.procs").read_text(encoding="ascii"), "an empty cgroup")
        self._place.rmdir()


@pytest.fixture
def stalls() -> Iterator[Stalls]:
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    places = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2" and "rw" in mount[3].split(",")]
    if os.geteuid() != 0 or not places or not Path("/proc/pressure/cpu").exists():
        pytest.skip("no cgroup of which the kernel would tell stalls can be made here")
    taken = Stalls(places[0])
    yield taken
    taken.close()


def test_elevated(engine: Standin, reaperd: Reaperd, stalls: Stalls) -> None:
    """Spans shrink to a tenth; floors, KeepLast= and all else hold. One stall raises the level for ten seconds."""
    slots = iter(range(1, 100))
    goes = [engine.add(slot=next(slots), ended=420.0),
            engine.add(slot=next(slots), ended=420.0, asks={"org.reaperd.ttl": "1h"}),
            engine.add(slot=next(slots), ended=1260.0, exit_code=1),
            engine.add(slot=next(slots), ended=420.0, node="n0d3zzzzzzzzzzzzzzzzzzzzz")]
    stays = [engine.add(slot=next(slots), ended=300.0),
             engine.add(slot=next(slots), ended=420.0, asks={"org.reaperd.ttl": "2h"}),
             engine.add(slot=next(slots), ended=420.0, exit_code=1),
             engine.add(slot=next(slots), ended=420.0, service="floor"),
             engine.add(slot=next(slots), ended=420.0, service="last"),
             engine.add(slot=next(slots), ended=420.0, service="for-ever"),
             engine.add(slot=next(slots), ended=420.0, asks={"org.reaperd.keep": "true"}),
             engine.add(slot=next(slots), state="running")]
    reaperd.rule("floor", Service="floor", MinimumAge="8min")
    reaperd.rule("last", Service="last", KeepLast=1)
    reaperd.rule("for-ever", Service="for-ever", Success="infinity")
    reaperd.begin(**CALM | stalls.settings | {"Success": "1h", "Failure": "3h", "OrphanAge": "1h"})
    engine.witness()
    assert len(engine.containers) == len(goes) + len(stays)
    stalls.begin()
    engine.wait_removed(*goes)
    wait_pressed_out(reaperd, *goes)
    engine.witness()
    assert set(engine.containers) == {c.id for c in stays} and reaperd.count(ELEVATED) == 1
    until(lambda: any(line.endswith("; pressure elevated") for _, line in reaperd.notified()), "STATUS=",
          detail=lambda: str(reaperd.notified()))
    assert reaperd.count("against pressure") == reaperd.count(OVER) == 0

    late = engine.add(slot=next(slots), ended=420.0)
    reaperd.reload(**{"Pressure.Stall": "off"})
    reaperd.wait_log(OVER)
    engine.witness()
    assert late.id in engine.containers
    until(lambda: not last_status(reaperd).count("pressure"), "STATUS= without it",
          detail=lambda: str(reaperd.notified()))


def test_record_of_an_elevated_level(engine: Standin, reaperd: Reaperd, journal: Journal,
                                         stalls: Stalls) -> None:
    """What goes by what is left of its span is told so, and by which setting."""
    c = engine.add(ended=420.0)
    reaperd.start(**CALM | stalls.settings)
    engine.witness()
    stalls.begin()
    engine.wait_removed(c)
    until(lambda: journal.of(f"Removed {c.short}"), "the record", detail=lambda: str(journal.records))
    check_fields(journal.of(f"Removed {c.short}")[0], PRIORITY="6", REAPERD_VERDICT="pressure",
                 REAPERD_SETTING="ElevatedFactor")
    level, = journal.of("Pressure is elevated")
    check_fields(level, PRIORITY="6", REAPERD_PRESSURE_LEVEL="elevated", REAPERD_PRESSURE_CAUSE="stall",
                 REAPERD_SETTING="Stall")
    assert "REAPERD_PRESSURE_PERCENT" not in level


def test_end_of_a_stall(engine: Standin, reaperd: Reaperd, stalls: Stalls) -> None:
    """By itself, and another that soon is not told of again, though it counts."""
    reaperd.begin(**CALM | stalls.settings)
    engine.witness()
    stalls.begin()
    reaperd.wait_log(ELEVATED)
    stalls.end()
    reaperd.wait_log(OVER)
    c = engine.add(ended=420.0)
    engine.resync()
    stalls.begin()
    engine.wait_removed(c)
    wait_pressed_out(reaperd, c)
    assert reaperd.count(ELEVATED) == reaperd.count(OVER) == 1


def test_critical_beside_stalls(engine: Standin, reaperd: Reaperd, stalls: Stalls) -> None:
    """At the critical level there are batches, and spans are what they are."""
    made = stopped(engine, 3)
    reaperd.begin(**CRITICAL | stalls.settings | {"Pressure.CoolDown": "1h"})
    engine.wait_removed(*made[:2])
    stalls.begin()
    time.sleep(3)  # there is nothing that would tell
    engine.witness()
    assert made[2].id in engine.containers and reaperd.count(LEVEL) == 1 and reaperd.count(ELEVATED) == 0


@pytest.mark.parametrize("what", ["missing", "no-psi", "fifo", "folder", "empty"])
def test_no_stalls_to_be_had(engine: Standin, reaperd: Reaperd, what: str) -> None:
    """That is said once, reload or not, and nothing else suffers for it."""
    path = reaperd.directory / "psi"
    if what == "no-psi":
        path.write_text("some avg10=0.00\nfull total=\n", encoding="utf-8")
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "empty":
        path.touch()
    c, = stopped(engine, 1)
    reaperd.begin(**CRITICAL | {"Pressure.Stall": "some 200ms/2s", "Pressure.PressureFile": str(path)})
    engine.wait_removed(c)
    reaperd.reload(**OFF)
    reaperd.reload(**CRITICAL | {"Pressure.Stall": "some 200ms/2s"})
    wait_pressed_out(reaperd, c)
    assert reaperd.count(NO_STALLS) == 1 and reaperd.running()
    reaperd.reload(**{"Pressure.PressureFile": str(path) + "-other"})
    assert reaperd.count(NO_STALLS) == 2


@pytest.mark.parametrize("settings", [{"Pressure.Stall": "off"}, {"Pressure.Enabled": "no"}], ids=str)
def test_stalls_are_not_wanted(engine: Standin, reaperd: Reaperd, settings: dict[str, str | int]) -> None:
    reaperd.begin(**CALM | {"Pressure.Stall": "some 200ms/2s", "Pressure.PressureFile": "/nowhere"} | settings)
    engine.witness()
    assert reaperd.count("ressure") == reaperd.count("stall") == 0


@pytest.mark.skipif(not Path("/proc/pressure/memory").exists(), reason="this kernel tells of no stalls")
def test_real_stalls(engine: Standin, reaperd: Reaperd) -> None:
    """Nothing is amiss with the kernel's own file; without the right to a trigger its counter does."""
    reaperd.begin(**CALM | {"Pressure.Stall": "full 2s/2s"})
    reaperd.reload()
    engine.witness()
    assert reaperd.count(NO_STALLS) == 0 and reaperd.count(BY_COUNTER) <= 1


def test_print_config(engine: Standin, reaperd: Reaperd) -> None:
    """What holds, whether it was set, follows another, or is the default."""
    reaperd.start("--print-config", **{"Pressure.Enabled": "yes", "Pressure.MemoryAvailableLow": "7.25%",
                                       "Pressure.MemoryUsedHigh": "95%", "Disk.UsedHigh": "90%"})
    assert reaperd.wait_exit() == 0
    values = [line for line in reaperd.lines() if line and not line.startswith("#")]
    values = values[values.index("[Pressure]"):]
    assert values == [
        "[Pressure]", "Enabled=yes", "MemoryAvailableLow=7.25%", "MemoryAvailableHigh=10.25%", "MemoryUsedHigh=95%",
        "MemoryUsedLow=92%", "Stall=some 200ms/2s", "PressureFile=/proc/pressure/memory", "MinimumAge=15s",
        "ElevatedFactor=10%", "Sustain=5s", "CoolDown=15s", "BatchSize=8", "Order=held", "MinimumReclaim=16M",
        "GiveUpAfter=3", "GiveUpFor=10min", "[Disk]", "UsedHigh=90%", "UsedLow=87%", "InodesHigh=off", "InodesLow=",
        "[Metrics]", "TextFile=off"]
