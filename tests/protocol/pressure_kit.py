# SPDX-License-Identifier: Apache-2.0
"""Pressure on demand, layers to measure, and the journal's side of a record.

What is available is always below all of memory, so that MemoryAvailableLow=100% makes the level critical at once
and for good, on any machine; `off` ends it.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from pathlib import Path
from typing import Iterator

import pytest

from daemon import Reaperd, until
from engine_model import Container
from standin import Standin

MB = 1 << 20
# A level that is normal for good.
CALM: dict[str, str | int] = {
    "Pressure.Enabled": "yes", "Pressure.MemoryAvailableLow": "off", "Pressure.Stall": "off",
    "Pressure.MinimumAge": "10s", "Pressure.Sustain": "0", "Pressure.CoolDown": "1s", "Pressure.BatchSize": 2,
    "Pressure.Order": "oldest", "Pressure.MinimumReclaim": "0", "Parallelism": 1}
# One that is critical, and stays so.
CRITICAL = CALM | {"Pressure.MemoryAvailableLow": "100%", "Pressure.MemoryAvailableHigh": "100%"}
OFF: dict[str, str | int] = {"Pressure.MemoryAvailableLow": "off"}
# Whatever is removed gives back less than that.
NEVER_ENOUGH: dict[str, str | int] = {"Pressure.MinimumReclaim": "1P"}

LEVEL = r"^reaperd: Pressure is critical: [\d.]+% of memory is available, MemoryAvailableLow=100%$"
NOTHING_LEFT = (r"^reaperd: Pressure is critical \(memory-available [\d.]+%\), and "
                "(none of|the one stopped container may|there are no)")
BATCH = r"^reaperd: Removed \d+ containers? against pressure \(memory-available [\d.]+%\): "
GAVE_UP = r"^reaperd: Removing containers does not help against pressure \(memory-available\), "


def stopped(engine: Standin, count: int, first: int = 1, **facts: object) -> list[Container]:
    """The oldest first; not due by their age, and old enough to go against pressure."""
    return [engine.add(**{"slot": n, "ended": 1200.0 - 5 * n, "age": 1300.0 - 5 * n} | facts)
            for n in range(first, first + count)]


def sent(engine: Standin, *containers: Container) -> list[float]:
    """When their removal was asked for, each for the first time."""
    return [engine.asked("remove", c)[0].at for c in containers]


def pressed_out(reaperd: Reaperd, c: Container) -> int:
    """How often does the log tell of its removal against pressure?"""
    return reaperd.count(rf"^reaperd: (Removed|Would remove) {c.short} {c.name}: pressure, age ")


def wait_pressed_out(reaperd: Reaperd, *containers: Container) -> None:
    """Until the log tells of their removal against pressure; of each no more than once."""
    until(lambda: all(pressed_out(reaperd, c) for c in containers), "their records", detail=reaperd.log)
    assert all(pressed_out(reaperd, c) == 1 for c in containers)


def removed_against(cause: str, count: int) -> str:
    """How the record of a batch begins."""
    return rf"^reaperd: Removed {count} containers? against pressure \({cause} [\d.]+%\): "


def last_status(reaperd: Reaperd) -> str:
    """STATUS= as it was told last; "" if there was none of a connected engine."""
    told = [line for _, line in reaperd.notified() if line.startswith("STATUS=Tracking")]
    return told[-1] if told else ""


def write(path: Path, size: int, *, cached: bool = True) -> None:
    """A file on disk of this size, in the page cache or not."""
    with open(path, "wb") as file:
        file.write(os.urandom(size))
        file.flush()
        os.fsync(file.fileno())
        if not cached:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def lay(c: Container, root: Path, *, cached: int = 0, uncached: int = 0, files: int = 0) -> Path:
    """Make its layer and an empty log below the engine's root; returns the layer."""
    c.root = str(root)
    layer = Path(c.upper_dir)
    layer.mkdir(parents=True)
    Path(c.log_path).parent.mkdir(parents=True)
    Path(c.log_path).touch()
    if cached:
        write(layer / "cached", cached)
    if uncached:
        write(layer / "uncached", uncached, cached=False)
    for n in range(files):
        (layer / f"file-{n}").touch()
    return layer


class Journal:
    """Stands in for journald: takes the records of a reaperd that sees it in journald's place."""

    def __init__(self, folder: Path, reaperd: Reaperd) -> None:
        """Only for a process that may mount."""
        place = folder / "journal"
        place.mkdir()
        self.records: list[dict[str, str]] = []
        self._path = str(place / "socket")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._path)
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()
        reaperd.log_path.touch()
        at = reaperd.log_path.stat()
        reaperd.environment["JOURNAL_STREAM"] = f"{at.st_dev}:{at.st_ino}"
        there = "/run/systemd/journal"
        reaperd.prefix = ["unshare", "--mount", "sh", "-ec",
                          f'mount -t tmpfs none /run; mkdir -p {there}; mount --bind "$0" {there}; exec "$@"',
                          str(place)]

    def _receive(self) -> None:
        while data := self._socket.recv(1 << 18):
            self.records.append(parse_record(data))

    def of(self, text: str) -> list[dict[str, str]]:
        """The records whose message begins with the text."""
        return [r for r in list(self.records) if r["MESSAGE"].startswith(text)]

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self._path)
        self._thread.join()
        self._socket.close()


def journal_or_skip(reaperd: Reaperd) -> Iterator[Journal]:
    """A fixture."""
    if os.geteuid() != 0:
        pytest.skip("only root can take journald's place")
    taken = Journal(reaperd.directory, reaperd)
    yield taken
    taken.close()


def check_fields(record: dict[str, str], **wanted: str) -> None:
    assert {key: record.get(key) for key in wanted} == wanted


def parse_record(data: bytes) -> dict[str, str]:
    """The journal's own format: NAME=value, or, where the value has several lines, a length and the value."""
    fields: dict[str, str] = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size, = struct.unpack("<Q", data[:8])
            value, data = data[8:8 + size], data[9 + size:]
        fields[name.decode()] = value.decode()
    return fields
