# SPDX-License-Identifier: Apache-2.0
"""Memory and disk as the kernel tells them: of the machine, the engine, reaperd."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from lab import process
from lab.hog import meminfo

MB = 1_000_000


@dataclass(frozen=True)
class Memory:
    """In bytes.  All but `engine` and `layers` are those of the whole machine."""

    free: int
    available: int
    cached: int
    slab: int
    engine: int         # RSS of dockerd and its containerd
    layers: int         # what the containers' layers take on the disk


COLUMNS = (("MemFree", "free"), ("MemAvailable", "available"), ("Cached", "cached"),
           ("Slab", "slab"), ("Engine RSS", "engine"), ("Layers", "layers"))


@dataclass(frozen=True)
class Cost:
    """What reaperd takes itself: bytes and seconds."""

    rss: int
    anonymous: int
    cpu: float


def memory(engine_pids: list[int], data_root: Path) -> Memory:
    info = meminfo()
    return Memory(info["MemFree"], info["MemAvailable"], info["Cached"],
                  info["SReclaimable"] + info["SUnreclaim"],
                  sum(process.sizes(pid).get("VmRSS", 0) for pid in engine_pids),
                  _layers(data_root / "overlay2"))


def cost(pid: int) -> Cost | None:
    """None when the process is gone."""
    sizes = process.sizes(pid)
    if "VmRSS" not in sizes:
        return None
    return Cost(sizes["VmRSS"], sizes["RssAnon"], process.cpu_seconds(pid))


def engine_pids(folder: Path) -> list[int]:
    """dockerd and containerd that were started with files of this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if ((entry / "comm").read_text().strip() in ("dockerd", "containerd")
                        and str(folder).encode() in (entry / "cmdline").read_bytes()):
                    found.append(int(entry.name))
    return found


def _layers(root: Path) -> int:
    """Blocks of all files in */diff; layers come and go while we look."""
    total = 0
    with contextlib.suppress(OSError):
        for layer in os.listdir(root):
            for folder, _, files in os.walk(root / layer / "diff"):
                for name in files:
                    with contextlib.suppress(OSError):
                        total += os.lstat(os.path.join(folder, name)).st_blocks * 512
    return total
