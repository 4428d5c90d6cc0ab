# SPDX-License-Identifier: Apache-2.0
"""Where the cgroups are that memory and CPU are charged to, and how many that are gone still hold memory.

Version 1 has a hierarchy for each controller, version 2 one for all; a machine may have a tree of version 2 without
the controllers beside version 1, and what counts is where the controller is.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

CACHE = {1: "total_cache", 2: "file"}       # key of memory.stat by version


class Cgroups:
    """The hierarchies of this machine; FileNotFoundError if none has the memory controller."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self.version, self.root = self._find("memory")
        self.cpu_version, self.cpu_root = self._find("cpuacct")

    def dying(self) -> int:
        """Memory cgroups that have been removed while pages were charged to them."""
        if self.version == 2:
            return dying_below(self.root)
        known = next(int(line.split()[2]) for line in (self._proc / "cgroups").read_text().splitlines()
                     if line.startswith("memory\t"))
        # Those that are made between the two looks are none that are dying.
        return max(0, known - folders(self.root))

    def charged(self, name: str) -> int | None:
        """What is charged to this cgroup and to all that are or were below it."""
        file = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        with contextlib.suppress(FileNotFoundError):
            return int((self.root / name / file).read_text())
        return None

    def cached(self, name: str) -> int | None:
        """Page cache among that, to some 64 pages a CPU: the kernel adds small changes up later."""
        with contextlib.suppress(FileNotFoundError):
            stat = (self.root / name / "memory.stat").read_text()
            return next(int(line.split()[1]) for line in stat.splitlines() if line.startswith(f"{CACHE[self.version]} "))
        return None

    def _find(self, controller: str) -> tuple[int, Path]:
        mounts = [line.split() for line in (self._proc / "self/mounts").read_text().splitlines()]
        for _, point, kind, options, *_ in mounts:
            if kind == "cgroup" and controller in options.split(","):
                return 1, Path(point)
        for _, point, kind, *_ in mounts:
            if kind == "cgroup2":
                # CPU time is told in version 2 whether the controller is there or not.
                there = (Path(point) / "cgroup.controllers").read_text().split()
                if controller == "cpuacct" or controller in there:
                    return 2, Path(point)
        raise FileNotFoundError(f"no cgroups with the controller {controller} here")


def dying_below(folder: Path) -> int:
    """In version 2, the kernel counts them itself."""
    stat = dict(line.split() for line in (folder / "cgroup.stat").read_text().splitlines())
    return int(stat["nr_dying_descendants"])


def folders(top: Path) -> int:
    """How many there are, with the one at the top.

    A folder without folders has two links, so that most need not be listed, which costs far more than a look.
    """
    found, todo = 0, [str(top)]
    while todo:
        folder = todo.pop()
        with contextlib.suppress(FileNotFoundError):
            leaf = os.stat(folder).st_nlink == 2
            found += 1
            if not leaf:
                with os.scandir(folder) as entries:
                    todo += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    return found
