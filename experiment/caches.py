# SPDX-License-Identifier: Apache-2.0
"""Who else takes pages from the page cache while it is measured: users, the kernel, and what runs in it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Collection, Iterator

from .rig import Trouble

PROC, SYS = Path("/proc"), Path("/sys")
# What is taken because memory is short. What DAMON takes beside that is in none of these.
STOLEN = ("pgsteal_kswapd", "pgsteal_direct", "pgsteal_khugepaged")


def dropped(proc: Path = PROC) -> int:
    """How often /proc/sys/vm/drop_caches has been written to since the machine started."""
    return _vmstat(proc, ("drop_pagecache", "drop_slab"))


def reclaimed(proc: Path = PROC) -> int:
    """Bytes that the kernel has taken back, as little was free, since the machine started."""
    return _vmstat(proc, STOLEN) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def undisturbed(proc: Path = PROC) -> Iterator[None]:
    """Trouble at the end, if somebody had the kernel drop its caches meanwhile: it takes what is to be measured."""
    before = dropped(proc)
    yield
    if dropped(proc) != before:
        raise Trouble("Something else on this machine wrote to /proc/sys/vm/drop_caches while memory was measured. "
                      "When that has ended, start again.")


def proactive_reclaim(sys: Path = SYS) -> str:
    """What takes cold pages although memory is free: "DAMON pageout" for instance, or "none".

    Machines that are rented by the hour do that, to give memory back to their host.
    """
    found = []
    damon = sys / "kernel/mm/damon/admin/kdamonds"
    for state in sorted(damon.glob("*/state")):
        if _text(state) == "on":
            actions = {_text(action) for action in state.parent.glob("contexts/*/schemes/*/action")}
            found += [f"DAMON {action}" for action in sorted(actions - {"", "stat"})]
    if _text(sys / "module/damon_reclaim/parameters/enabled") == "Y":
        found.append("DAMON_RECLAIM")
    return ", ".join(dict.fromkeys(found)) or "none"


def _vmstat(proc: Path, names: Collection[str]) -> int:
    """The sum of those that the kernel has."""
    pairs = (line.split() for line in (proc / "vmstat").read_text().splitlines())
    return sum(int(value) for name, value in pairs if name in names)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
