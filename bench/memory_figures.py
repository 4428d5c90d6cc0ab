# SPDX-License-Identifier: Apache-2.0
"""What the machine and the engine use at one moment, read for bench/memory.py.

What /proc/meminfo and the count of cgroups tell is the whole machine's: other
work on it shows as noise, so a reading is the median of a few, and the machine
is best left alone meanwhile. The rest is the private engine's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import socket
import statistics
import time
from pathlib import Path

from lab import Engine
from lab.cgroups import Cgroups
from lab.hog import meminfo

READINGS, APART = 3, 0.2        # of /proc/meminfo in one sample, and seconds between them

# Bytes. Names of columns in the data, and the fields of /proc/meminfo that are added up.
MEMINFO = {
    "mem_free": ("MemFree",),
    "mem_available": ("MemAvailable",),
    "cached": ("Cached",),
    "dirty": ("Dirty", "Writeback"),
    "buffers": ("Buffers",),
    "slab_reclaimable": ("SReclaimable",),
    "slab_unreclaimable": ("SUnreclaim",),
}
# The rest: bytes, or a number.
OTHERS = ("own_cached", "own_dirty", "dying_cgroups", "charged", "engine_anon", "engine_heap", "disk", "inodes",
          "listed")
FIGURES = (*MEMINFO, *OTHERS)

Sample = dict[str, int | None]


class Meter:
    """Reads all figures; made when the engine has its image and no container yet."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cgroups = Cgroups()
        self._data = engine.dir / "data"
        self._image = {entry for entry in os.listdir(self._data / "overlay2") if entry != "l"}

    def sample(self) -> Sample:
        """Those of memory first: looking at the rest moves them."""
        readings = []
        for _ in range(READINGS):
            time.sleep(APART)
            info = meminfo()
            readings.append({key: sum(info.get(field, 0) for field in fields) for key, fields in MEMINFO.items()})
        found: Sample = {key: statistics.median_low(reading[key] for reading in readings) for key in MEMINFO}
        found["dying_cgroups"] = self._cgroups.dying()
        found["charged"] = self._cgroups.charged(self._engine.name)
        found["engine_anon"] = _anonymous(self._engine.pid)
        found["engine_heap"] = _heap(self._engine.socket)
        found.update(self._files())
        found["listed"] = len(self._engine.client.containers())
        return found

    def _files(self) -> Sample:
        """Of all files that the engine keeps for its containers: their pages, bytes and inodes on disk."""
        pages, dirty, size, known = 0, 0, 0, True
        # A file that has several names is one.
        seen: set[int] = set()
        todo = [str(self._data / name) for name in ("containers", "overlay2", "image/overlay2/layerdb/mounts")]
        device = self._data.stat().st_dev
        while todo:
            with contextlib.suppress(FileNotFoundError), os.scandir(todo.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    # What is mounted there while containers run is not theirs.
                    if status.st_dev != device or status.st_ino in seen or entry.name in self._image:
                        continue
                    seen.add(status.st_ino)
                    size += status.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    elif entry.is_file(follow_symlinks=False) and status.st_size:
                        found = _cachestat(entry.path)
                        known = known and found is not None
                        pages, dirty = (pages + found[0], dirty + found[1]) if found else (pages, dirty)
        return {"own_cached": pages if known else None, "own_dirty": dirty if known else None,
                "disk": size, "inodes": len(seen)}


CACHESTAT = 451         # since Linux 6.5, on all architectures but alpha
_libc = ctypes.CDLL(None)


def _cachestat(path: str) -> tuple[int, int] | None:
    """Bytes of a file in the page cache, and of these the dirty ones and those being written; None: not known."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        everything, answer = (ctypes.c_uint64 * 2)(0, 0), (ctypes.c_uint64 * 5)()
        if _libc.syscall(CACHESTAT, file, everything, answer, 0):
            return None
        cached, dirty, written, *_ = answer
        return cached * resource.getpagesize(), (dirty + written) * resource.getpagesize()
    finally:
        os.close(file)


def _anonymous(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.M)[1]) * 1024      # type: ignore[index]


def _heap(path: str) -> int | None:
    """What of the engine's heap is in use; it tells with --debug only."""
    _collected(path)        # what lies in pools goes with the second collection only
    found = re.search(rb"^# HeapAlloc = (\d+)", _collected(path), re.M)
    return int(found[1]) if found else None


def _collected(path: str) -> bytes:
    """Go's account of the engine's heap, after a collection of its garbage."""
    answer = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(30)
        sock.connect(path)
        sock.sendall(b"GET /debug/pprof/heap?gc=1&debug=1 HTTP/1.0\r\nHost: bench\r\n\r\n")
        while data := sock.recv(65536):
            answer += data
    return answer
