# SPDX-License-Identifier: Apache-2.0
"""What a process uses, as the kernel tells it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

PROC = Path("/proc")


def sizes(pid: int, proc: Path = PROC) -> dict[str, int]:
    """Sizes in bytes by their names in its status (VmRSS, VmHWM, RssAnon, ...); empty when it has ended."""
    found = {}
    with contextlib.suppress(OSError):
        for line in (proc / str(pid) / "status").read_text().splitlines():
            key, _, value = line.partition(":")
            if value.endswith(" kB"):
                found[key] = int(value.split()[0]) * 1024
    return found


def cpu_seconds(pid: int, proc: Path = PROC) -> float:
    """Of all its life so far; 0 when it has ended."""
    with contextlib.suppress(OSError):
        # The name, in parentheses, may hold anything.
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")    # utime and stime
    return 0.0
