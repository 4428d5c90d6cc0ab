# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells of the whole machine, and how files of the kernel are read."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import NamedTuple

from lab.hog import meminfo

MEMINFO = {
    "mem_total": "MemTotal",
    "mem_free": "MemFree",
    "mem_available": "MemAvailable",
    "page_cache": "Cached",
    "slab_reclaimable": "SReclaimable",
    "slab_unreclaimable": "SUnreclaim",
    "anon": "AnonPages",
}

# No such file, no such process, a cgroup that was removed after its file was opened.
_GONE = (errno.ENOENT, errno.ESRCH, errno.ENODEV)


def read(path: str | Path) -> bytes:
    """Nothing if what the file tells of has gone: processes and cgroups come and go while they are looked at."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _GONE:
            return b""
        raise
    try:
        parts = []
        while part := os.read(file, 65536):
            parts.append(part)
        return b"".join(parts)
    except OSError as error:
        if error.errno in _GONE:
            return b""
        raise
    finally:
        os.close(file)


class Ticks(NamedTuple):
    """Of all CPUs since the machine was started."""

    total: int
    busy: int               # neither idle nor waiting for a disk


def ticks(proc: Path = Path("/proc")) -> Ticks:
    line = read(proc / "stat").partition(b"\n")[0]
    # What guests use, which is behind these, is in user and nice already.
    user, nice, system, idle, iowait, irq, softirq, steal = (int(word) for word in line.split()[1:9])
    busy = user + nice + system + irq + softirq + steal
    return Ticks(busy + idle + iowait, busy)


def memory(proc: Path = Path("/proc")) -> dict[str, int | None]:
    found = meminfo(proc)
    return {**{name: found.get(field) for name, field in MEMINFO.items()}, "cpu_lists": cpu_lists(proc)}


def cpu_lists(proc: Path = Path("/proc")) -> int | None:
    """Bytes of free memory that CPUs keep on lists of their own; None if the kernel does not tell.

    No line of meminfo has them, and since Linux 6.7 they come to a hundred MB and more, for some seconds after work.
    """
    pages = re.findall(rb"^ +count: +(\d+)$", read(proc / "zoneinfo"), re.M)
    return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE") if pages else None
