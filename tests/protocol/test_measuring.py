# SPDX-License-Identifier: Apache-2.0
"""What stopped containers hold: who is measured, when, what is told of it, and that it orders a batch.

The layers are real ones, of known size, on a disk. Only who may read everybody's files can measure.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Iterator

import pytest

from daemon import Reaperd, until
from engine_model import Container
from pressure_kit import (CALM, CRITICAL, LEVEL, MB, OFF, Journal, journal_or_skip, lay, removed_against, stopped,
                          wait_pressed_out, write)
from standin import Standin

MEASURED = "^reaperd: What stopped containers hold under .* is measured$"
TWICE = ["inspect", "inspect", "remove"]  # the second, as it may have been started while it was measured
KEPT: dict[str, str | int] = {"Success": "infinity"}

journal = pytest.fixture(journal_or_skip)
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may measure what everybody's containers hold")


@pytest.fixture
def root(engine: Standin) -> Iterator[Path]:
    """The engine's root directory, on a disk: /tmp may be memory."""
    path = Path(tempfile.mkdtemp(prefix="rp-", dir="/var/tmp"))
    path.chmod(0o711)
    engine.info_extra["DockerRootDir"] = str(path)
    yield path
    shutil.rmtree(path)


def held(journal: Journal, c: Container) -> dict[str, str]:
    """What the record of its removal says that it held."""
    until(lambda: journal.of(f"Removed {c.short}"), "the record", detail=lambda: str(journal.records))
    record, = journal.of(f"Removed {c.short}")
    return {key[13:]: value for key, value in record.items() if key.startswith("REAPERD_HELD_")}


def lay_many(c: Container, root: Path) -> None:
    """A layer that takes some slices to walk through."""
    layer = lay(c, root)
    for n in range(20):
        (layer / str(n)).mkdir()
        for k in range(100):
            (layer / str(n) / str(k)).touch()


def without_layer(body: bytes) -> bytes:
    """As an engine with the containerd image store writes it."""
    detail: dict[str, Any] = json.loads(body)
    detail["GraphDriver"] = {"Name": "overlayfs", "Data": None}
    return json.dumps(detail).encode()


def test_due_at_the_same_inspect(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    """It is measured first, and looked at again, as it may have been started meanwhile."""
    c = engine.add()
    layer = lay(c, root, cached=3 * MB)
    (layer / "a/b/c").mkdir(parents=True)
    write(layer / "a/b/c/deep", MB)
    reaperd.begin(**CALM)
    reaperd.wait_log(rf"^reaperd: Removed {c.short} {c.name}: ttl-expired, age 2h.*, exit 0, held 4\.0M$")
    assert engine.story(c) == TWICE and reaperd.count(MEASURED) == 1


def test_restarted_while_measured(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    c = engine.add()
    lay(c, root, cached=MB)
    engine.fault("inspect", c)  # the first is as usual
    engine.fault("inspect", c, before=lambda: engine.restart_container(c))
    reaperd.begin(**CALM)
    engine.witness()
    assert engine.story(c) == ["inspect", "inspect"]


def test_fields(engine: Standin, reaperd: Reaperd, root: Path, journal: Journal) -> None:
    """A layer as hostile as it can be: nothing that is outside of it counts, nothing is opened that answers."""
    c = engine.add()
    outside = root / "outside"
    outside.mkdir()
    write(outside / "large", 16 * MB)
    layer = lay(c, root, cached=2 * MB, uncached=4 * MB)
    (layer / "l1/l2/l3").mkdir(parents=True)
    write(layer / "l1/l2/l3/deep", MB)
    os.link(layer / "cached", layer / "l1/again")
    (layer / "link").symlink_to(outside / "large")
    (layer / "way-out").symlink_to(outside)
    (layer / "l1/up").symlink_to("../../..")
    os.mkfifo(layer / "fifo")
    os.mknod(layer / "null", 0o600 | 0o020000, os.makedev(1, 3))
    with suppress(OSError):  # some file systems take no whiteouts
        os.mknod(layer / "whiteout", 0o020000, 0)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(layer / "l1/s"))
    log = Path(c.log_path)
    write(log, 64 << 10)
    write(log.with_name(log.name + ".1"), 64 << 10)
    write(log.with_name("config.v2.json"), MB)
    inodes = 1 + len(list(layer.rglob("*"))) - 1 + 2
    disk = sum(p.lstat().st_blocks * 512 for p in [layer, *layer.rglob("*")] if p.name != "again") \
        + 2 * log.stat().st_blocks * 512
    reaperd.start(**CALM)
    found = held(journal, c)
    dirty = int(found.pop("DIRTY_BYTES", "0"))
    assert found == {"BYTES": str(3 * MB + (128 << 10)), "DISK_BYTES": str(disk), "INODES": str(inodes)}
    assert dirty == 0
    record, = journal.of(f"Removed {c.short}")
    assert record["MESSAGE"].endswith(", held 3.1M") and engine.story(c) == TWICE


def test_what_is_not_written_back(engine: Standin, reaperd: Reaperd, root: Path, journal: Journal) -> None:
    """Where the kernel tells; a machine that writes back at once shows less of it."""
    c = engine.add()
    layer = lay(c, root)
    (layer / "dirty").write_bytes(os.urandom(4 * MB))
    reaperd.start(**CALM)
    found = held(journal, c)
    assert int(found["BYTES"]) == 4 * MB and 0 <= int(found.get("DIRTY_BYTES", "0")) <= 4 * MB


@pytest.mark.parametrize("how", ["not-named", "not-there", "log-only"])
def test_unknown(engine: Standin, reaperd: Reaperd, root: Path, journal: Journal, how: str) -> None:
    """Unknown is not 0, and is no reason to keep it."""
    c = engine.add()
    c.root = str(root)
    if how == "not-named":
        lay(c, root, cached=MB)
        engine.fault("inspect", c, times=None, edit=without_layer)
    elif how == "log-only":
        shutil.rmtree(lay(c, root))
        write(Path(c.log_path), MB)
    reaperd.start(**CALM)
    assert held(journal, c) == {}
    record, = journal.of(f"Removed {c.short}")
    assert record["MESSAGE"].endswith(", exit 0") and engine.story(c).count("remove") == 1


def test_at_its_floor_and_once(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    """Inspected for that when MinimumAge= is behind it, not before, never again, and anew after a restart."""
    live, old, kept = engine.add(slot=1, state="running"), engine.add(slot=2), engine.add(slot=3)
    kept.labels["org.reaperd.keep"] = "true"
    running, young = engine.add(slot=4, state="running"), engine.add(slot=5, state="created", age=3600.0)
    for c in (live, old, kept, running, young):
        lay(c, root, cached=MB)
    reaperd.begin(**CALM | KEPT)
    engine.wait_asked("inspect", 1, old)
    engine.witness()
    engine.end(live)
    engine.restart_container(old)
    engine.end(old)
    engine.wait_asked("inspect", 1, live)
    engine.wait_asked("inspect", 2, old)
    offset = time.time() - time.monotonic()
    for c, n in ((live, 0), (old, 1)):
        assert c.finished and 10 <= engine.asked("inspect", c)[n].at + offset - c.finished / 1e9 < 12
    engine.witness()
    engine.resync()
    reaperd.reload()
    engine.witness()
    assert [len(engine.asked("inspect", c)) for c in (live, old, kept, running, young)] == [1, 2, 1, 0, 0]

    shutil.rmtree(Path(live.upper_dir))
    write(Path(old.upper_dir) / "more", 4 * MB)
    reaperd.reload(Success="10s")
    engine.wait_removed(live, old)
    for c in (live, old):  # what was found when it was looked for
        reaperd.wait_log(rf"^reaperd: Removed {c.short} .*, held 1\.0M$")
    assert engine.story(live) == TWICE and engine.story(old) == ["inspect", *TWICE]


def test_restarted_one_is_measured_anew(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    c = engine.add()
    layer = lay(c, root, cached=MB)
    reaperd.begin(**CALM | KEPT)
    engine.wait_asked("inspect", 1, c)
    engine.witness()
    engine.restart_container(c)
    write(layer / "more", 2 * MB)
    engine.end(c)
    reaperd.reload(Success="10s")
    reaperd.wait_log(rf"^reaperd: Removed {c.short} .*, held 3\.0M$")


def test_not_under_pressure(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    """Walking through layers would add to it. When it is over, what is there still is measured."""
    made = stopped(engine, 3)
    for c in made:
        lay(c, root, cached=MB)
    made[2].labels["org.reaperd.keep"] = "true"
    reaperd.begin(**CRITICAL)
    engine.wait_removed(*made[:2])
    wait_pressed_out(reaperd, *made[:2])
    engine.witness()
    assert all(engine.story(c) == ["inspect", "remove"] for c in made[:2]) and not engine.story(made[2])
    until(lambda: reaperd.count("^reaperd: Removed .*, exit 0$") == 4, "four records without what was held",
          detail=reaperd.log)
    reaperd.reload(**OFF)
    engine.wait_asked("inspect", 1, made[2])


def test_pressure_ends_a_measurement(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    """One that has begun is given up, and what hung on it goes on."""
    c = engine.add()
    lay_many(c, root)

    def press() -> None:
        reaperd.configure(**CRITICAL)
        reaperd.config.write_text(reaperd.config_text(), encoding="utf-8")
        reaperd.hup()

    engine.fault("inspect", c, after=press)
    reaperd.begin(**CALM)
    reaperd.wait_log(f"^reaperd: Removed {c.short} .*: ttl-expired, .*, exit 0$")


@pytest.mark.parametrize("what", ["memory", "used", "disk", "inodes", "oldest"])
def test_order(engine: Standin, reaperd: Reaperd, root: Path, what: str) -> None:
    """Who holds most of what is short goes first, then who is not known, the oldest of them first."""
    few = os.statvfs(root)
    if what == "inodes" and (few.f_files == 0 or (few.f_files - few.f_ffree) * 10000 < few.f_files):
        pytest.skip(f"{root} is on a file system of which no share of inodes is used")
    unknown, other = stopped(engine, 2)
    little, files, disk, memory = stopped(engine, 4, 3)
    for c in (unknown, other):
        lay(c, root, cached=16 * MB)
        engine.fault("inspect", c, times=None, edit=without_layer)
    lay(little, root, cached=8 << 10)
    lay(files, root, cached=64 << 10, files=300)
    lay(disk, root, uncached=12 * MB, files=10)
    lay(memory, root, cached=6 * MB, files=20)
    reaperd.begin(**CALM | {"Pressure.Order": "held"})
    engine.wait_asked("inspect", 6)
    engine.witness()
    critical: dict[str, str | int] = {
        "memory": {"Pressure.MemoryAvailableLow": "100%", "Pressure.MemoryAvailableHigh": "100%"},
        "used": {"Pressure.MemoryUsedHigh": "0%", "Pressure.MemoryUsedLow": "0%"},
        "disk": {"Disk.UsedHigh": "0%", "Disk.UsedLow": "0%"},
        "inodes": {"Disk.InodesHigh": "0%", "Disk.InodesLow": "0%"},
        "oldest": {"Pressure.MemoryAvailableLow": "100%", "Pressure.MemoryAvailableHigh": "100%",
                   "Pressure.Order": "oldest"},
    }[what]
    reaperd.reload(**{"Pressure.BatchSize": 10} | critical)
    made = [unknown, other, little, files, disk, memory]
    engine.wait_removed(*made)
    names = {c.id: name for c, name in zip(made, ("unknown", "other", "little", "files", "disk", "memory"))}
    assert [names[ident] for ident in engine.removed if ident in names] == {
        "memory": ["memory", "files", "little", "disk", "unknown", "other"],
        "used": ["memory", "files", "little", "disk", "unknown", "other"],
        "disk": ["disk", "memory", "files", "little", "unknown", "other"],
        "inodes": ["files", "memory", "disk", "little", "unknown", "other"],
        "oldest": ["unknown", "other", "little", "files", "disk", "memory"],
    }[what]
    cause = {"memory": "memory-available", "oldest": "memory-available", "used": "memory-used",
             "disk": "disk-used", "inodes": "disk-inodes"}[what]
    reaperd.wait_log(removed_against(cause, 6))
    assert reaperd.count(r"\(2 unknown\)") == 1


def test_batches_take_the_largest_first(engine: Standin, reaperd: Reaperd, root: Path, journal: Journal) -> None:
    """And a batch's record sums up what was held."""
    made = stopped(engine, 4)
    for n, c in enumerate(made, 1):
        lay(c, root, cached=n * MB)
    reaperd.start(**CALM | {"Pressure.Order": "held"})
    engine.wait_asked("inspect", 4)
    engine.witness()
    reaperd.reload(**CRITICAL | {"Pressure.Order": "held"})
    until(lambda: len(journal.of("Removed 2 containers against")) == 2, "two batches",
          detail=lambda: str(journal.records))
    assert [ident for ident in engine.removed if ident in {c.id for c in made}] == [c.id for c in reversed(made)]
    first, second = journal.of("Removed 2 containers against")
    assert (first["REAPERD_HELD_BYTES"], second["REAPERD_HELD_BYTES"]) == (str(7 * MB), str(3 * MB))
    assert all(r["REAPERD_HELD_UNKNOWN"] == "0" and int(r["REAPERD_HELD_DISK_BYTES"]) >= int(r["REAPERD_HELD_BYTES"])
               and int(r["REAPERD_HELD_INODES"]) == 6 for r in (first, second))
    assert all("REAPERD_CHANGE_DISK_USED" in r for r in (first, second))


def test_without_the_right(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    """That is said once, and nothing is asked for its sake."""
    kept, due = engine.add(slot=1, ended=600.0), engine.add(slot=2)
    for c in (kept, due):
        lay(c, root, cached=MB)
    reaperd.prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
    for path in (reaperd.directory, Path(engine.addresses[0])):
        path.chmod(0o777)
    reaperd.start(**CALM)
    (reaperd.directory / "notify").chmod(0o777)
    engine.wait_removed(due)
    reaperd.wait_log(rf"^reaperd: Removed {due.short} .*, exit 0$")
    engine.resync()
    reaperd.reload()
    engine.witness()
    assert not engine.story(kept) and engine.story(due) == ["inspect", "remove"]
    assert reaperd.count("^reaperd: What stopped containers hold under .* is not measured: ") == 1


def test_root_that_is_not_there(engine: Standin, reaperd: Reaperd) -> None:
    """Another host's perhaps, or another mount namespace's."""
    kept, due = engine.add(slot=1, ended=600.0), engine.add(slot=2)
    engine.info_extra["DockerRootDir"] = "/nowhere"
    reaperd.begin(**CALM | {"Disk.UsedHigh": "0%", "Disk.UsedLow": "0%"})
    engine.wait_removed(due)
    engine.resync()
    engine.witness()
    assert not engine.story(kept)
    assert reaperd.count("^reaperd: What stopped containers hold under /nowhere is not measured: No such file") == 1
    assert reaperd.count("^reaperd: How full the disk under /nowhere is cannot be told: ") == 1
    assert reaperd.count(LEVEL) == 0


def test_no_measuring_with_once(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    kept, due = engine.add(slot=1, ended=600.0), engine.add(slot=2)
    for c in (kept, due):
        lay(c, root, cached=MB)
    assert reaperd.once(**CALM).removed == 1
    assert not engine.story(kept) and engine.story(due) == ["inspect", "remove"]


def test_dry_run_measures(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    c = engine.add()
    lay(c, root, cached=MB)
    reaperd.begin("--dry-run", **CALM)
    reaperd.wait_log(rf"^reaperd: Would remove {c.short} .*, held 1\.0M$")
    assert engine.story(c) == ["inspect", "inspect"]


def test_stop_while_measuring(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    c = engine.add()
    lay_many(c, root)
    engine.fault("inspect", c, after=reaperd.terminate)
    reaperd.begin(**CALM)
    assert reaperd.wait_exit(5) == 0
    assert c.id in engine.containers


def test_engine_goes_away_while_measuring(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    c = engine.add()
    lay_many(c, root)
    engine.fault("inspect", c, after=engine.cut_streams)
    reaperd.begin(**CALM)
    engine.wait_removed(c)
    until(lambda: reaperd.count(f"^reaperd: Removed {c.short} ") == 1, "the record", detail=reaperd.log)
    assert len(engine.asked("remove", c)) == 1


def test_events_while_measuring(engine: Standin, reaperd: Reaperd, root: Path) -> None:
    """Two hundred layers to walk through do not hold up the stream; each is measured once."""
    made = stopped(engine, 200)
    for c in made:
        lay(c, root, files=20)
    live = [engine.add(service="busy", slot=n, state="running") for n in range(50)]
    over = threading.Event()
    reaperd.begin(**CALM | KEPT | {"Parallelism": 4})
    engine.wait_asked("inspect", 20)

    def burst() -> None:
        while not over.wait(0.001):
            for c in live:
                engine.emit("exec_create", c)
                engine.emit("kill", c, signal="15")

    sender = threading.Thread(target=burst)
    sender.start()
    try:
        first = engine.add(service="witness", ended=3605.0, asks={"org.reaperd.ttl": "1h"})
        engine.emit("die", first, first.finished, exitCode="0")
        engine.wait_asked("members", timeout=5)
    finally:
        over.set()
        sender.join()
    engine.wait(lambda: len({r.ident for r in engine.asked("inspect")}) >= 201, "an inspect of each", 60)
    engine.wait_removed(first)
    assert all(len(engine.asked("inspect", c)) == 1 for c in made)
