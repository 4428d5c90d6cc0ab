# SPDX-License-Identifier: Apache-2.0
"""What the containers of a node use: its cgroup /NAME, in which all of its containers are and were.

The counts are those of the whole tree: what a container has used, and what is charged to it still, stays in the
node's when the container's own cgroup is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.cgroups import CACHE, Cgroups, dying_below

from .machine import read

# By version: a file with one number, and keys of memory.stat.
USAGE = {1: "memory.usage_in_bytes", 2: "memory.current"}
RSS = {1: "total_rss", 2: "anon"}


@dataclass(frozen=True)
class Use:
    """Bytes, and CPU seconds since the cgroup was made; None is not known, as some kernels do not tell."""

    usage: int | None
    cache: int | None
    rss: int | None
    kernel: int | None
    cpu: float | None
    dying: int | None       # version 2 only: version 1 does not count them for a part of the tree


class NodeCgroups:
    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._cgroups = Cgroups(proc)

    def dying(self) -> int:
        """Of the whole machine."""
        return self._cgroups.dying()

    def use(self, name: str) -> Use:
        """Nothing of anything for a node without a cgroup: it has had no container yet."""
        version, folder = self._cgroups.version, self._cgroups.root / name
        if not folder.is_dir():
            return Use(0, 0, 0, 0, 0.0, 0 if version == 2 else None)
        stat = _keys(folder / "memory.stat")
        kernel = _number(folder / "memory.kmem.usage_in_bytes") if version == 1 else stat.get("kernel")
        return Use(_number(folder / USAGE[version]), stat.get(CACHE[version]), stat.get(RSS[version]), kernel,
                   self._cpu(name), dying_below(folder) if version == 2 else None)

    def _cpu(self, name: str) -> float | None:
        folder = self._cgroups.cpu_root / name
        if self._cgroups.cpu_version == 1:
            nanoseconds = _number(folder / "cpuacct.usage")
            return None if nanoseconds is None else nanoseconds / 1e9
        microseconds = _keys(folder / "cpu.stat").get("usage_usec")
        return None if microseconds is None else microseconds / 1e6


def _number(path: Path) -> int | None:
    text = read(path)
    return int(text) if text else None


def _keys(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in read(path).decode().splitlines())
    return {key: int(value) for key, value in pairs}
