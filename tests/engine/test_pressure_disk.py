# SPDX-License-Identifier: Apache-2.0
"""[Disk] on a real engine: what has most bytes, or most inodes, goes first, and only as long as it must.

The engine keeps its data in a file system of its own, of which a test may use
as much as it likes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from bench import Bench
from history import Record
from journal import Journal
from lab import Engine, RecordingProxy, host, run_container, until
from lab.hog import MB
from squeeze import PRESSED

DISK = 1024             # MB
SIZES = {"d-10": 10, "d-150": 150, "d-70": 70}      # MB, not in the order in which they have to go
FILES = 6000


@pytest.fixture(scope="module")
def bench(host_ready: None, reaperd: Path) -> Iterator[Bench]:
    """As for the other tests, but on a small file system, and without a Swarm."""
    engine = Engine()
    image, data = engine.dir / "disk", engine.dir / "data"
    data.mkdir()
    with open(image, "wb") as file:
        file.truncate(DISK * MB)
    # Nothing is put aside for root, so that the thresholds are those of df(1).
    host.run("mkfs.ext4", "-q", "-m", "0", str(image))
    host.run("mount", "-o", "loop", str(image), str(data))
    with engine:
        engine.import_image()
        with RecordingProxy(str(engine.dir / "proxy.sock"), engine.socket) as proxy:
            with Bench(engine, proxy, reaperd) as made:
                yield made


class Disk:
    """Containers with bytes and files, and how full the disk is."""

    def __init__(self, bench: Bench, journal: Journal) -> None:
        self.bench, self.journal = bench, journal
        self.ids: dict[str, str] = {}
        for name, megabytes in SIZES.items():
            self.container(name, f"dd if=/dev/zero of=/file bs=1M count={megabytes} 2>/dev/null")
        self.container("files", f"mkdir /f; i=0; while [ $i -lt {FILES} ]; do : > /f/$i; i=$((i+1)); done")
        self.container("kept", "dd if=/dev/zero of=/file bs=1M count=200 2>/dev/null",
                       {"org.reaperd.keep": "yes"})
        until(lambda: all(self.bench.recorder.history.looks.get(each, [None])[-1] is not None
                          and self.bench.recorder.history.looks[each][-1].finished
                          for each in self.ids.values()), 60, "all have ended")

    def container(self, name: str, script: str, labels: dict[str, str] | None = None) -> None:
        self.ids[name] = run_container(self.bench.engine.client, name, ["sh", "-c", script], labels)

    def shares(self) -> tuple[float, float]:
        """Of bytes and of inodes in use, in percent."""
        now = os.statvfs(self.bench.engine.dir / "data")
        used = now.f_blocks - now.f_bfree
        return 100 * used / (used + now.f_bavail), 100 * (now.f_files - now.f_ffree) / now.f_files

    def here(self) -> set[str]:
        found = self.bench.ids()
        return {name for name, ident in self.ids.items() if ident in found}

    def records(self) -> list[Record]:
        return self.bench.history().runs[-1].records

    def await_record(self, holds: Callable[[Record], bool], what: str) -> Record:
        return until(lambda: next((each for each in self.records() if holds(each)), None), 30, what)

    def removal(self, name: str) -> Record:
        return self.await_record(lambda each: each.is_removal
                                 and each.fields["CONTAINER_ID_FULL"] == self.ids[name], f"{name} removed")


@pytest.fixture(scope="module")
def disk(bench: Bench, journal: Journal) -> Iterator[Disk]:
    made = Disk(bench, journal)
    yield made
    bench.stop_reapers()


def percent(share: float) -> str:
    return f"{share:.2f}%"


def over(record: Record) -> bool:
    return record.fields["MESSAGE"] == "Pressure is over"


def test_disk(bench: Bench, disk: Disk) -> None:
    """The largest goes, and that is enough; then so are the most files, of the others."""
    used, _ = disk.shares()
    settings: dict[str, Any] = {
        **PRESSED, "Pressure.Enabled": "no", "Pressure.MinimumReclaim": "16M",
        "Disk.UsedHigh": percent(used + 10), "Disk.UsedLow": percent(used + 4),
        "Rule all": {"Kind": "other", "Action": "reap"}}
    reaper = bench.reaper(settings=settings, journal=disk.journal).await_ready()
    ids = set(disk.ids.values())

    def measured() -> bool:
        asked = {call.container for call in bench.proxy.snapshot() if call.is_inspect}
        return ids - {disk.ids["kept"]} <= asked

    with bench.scenario():
        until(measured, 30, "each looked at when it is old enough")
        assert disk.here() == disk.ids.keys()
        with open(bench.engine.dir / "data" / "filler", "wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, DISK * MB // 100 * 13)
        disk.await_record(over, "the end of the pressure")
    assert disk.here() == disk.ids.keys() - {"d-150"}
    removal = disk.removal("d-150")
    assert (removal.fields["REAPERD_VERDICT"], removal.fields["REAPERD_SETTING"]) == ("pressure", "UsedHigh")
    assert abs(int(removal.fields["REAPERD_HELD_DISK_BYTES"]) - 150 * MB) < 2 * MB
    batch = disk.await_record(lambda each: "REAPERD_REMOVED" in each.fields, "the record of the batch")
    assert batch.fields["REAPERD_PRESSURE_CAUSE"] == "disk-used" and batch.fields["REAPERD_HELPED"] == "1"
    assert abs(int(batch.fields["REAPERD_CHANGE_DISK_USED"]) + 150 * MB) < 8 * MB
    assert int(batch.fields["REAPERD_IMPROVEMENT"]) == -int(batch.fields["REAPERD_CHANGE_DISK_USED"])
    critical = disk.await_record(lambda each: each.fields["MESSAGE"].startswith("Pressure is critical"), "the level")
    assert "of the engine's disk is used, UsedHigh=" in critical.fields["MESSAGE"]

    _, inodes = disk.shares()
    reaper.reload(bench.settings({**settings, "Disk.UsedHigh": "off", "Disk.InodesHigh": percent(inodes - 1),
                                  "Disk.InodesLow": percent(inodes - 4)}))
    with bench.scenario():
        removal = disk.removal("files")
        until(lambda: len([each for each in disk.records() if over(each)]) == 2, 20, "the end of that too")
    assert removal.fields["REAPERD_SETTING"] == "InodesHigh"
    assert abs(int(removal.fields["REAPERD_HELD_INODES"]) - FILES) < 20
    assert disk.here() == {"d-10", "d-70", "kept"}
    assert reaper.stop() == 0
    bench.judge()
