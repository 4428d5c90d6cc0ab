# SPDX-License-Identifier: Apache-2.0
"""Results as a run would leave them, made up: for tests of what is made of results."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any, Iterable

MB = 1_000_000
TOTAL = 25_000 * MB
LOADS = {"writes": 10 * MB, "nothing": 0}
ARMS = ("nothing", "history", "job", "prune", "reaperd")
COLUMNS = ("load", "repetition", "node", "running", "stopped", "workers", "samples")
METRICS = ("cpu", "cpu_containers", "cpu_engine", "cgroup_usage", "cgroup_cache", "cgroup_rss", "cgroup_kernel",
           "dockerd_rss", "containerd_rss", "shims_rss", "shims", "engine_anon", "machine_cpu", "mem_total",
           "mem_free", "mem_available", "page_cache", "slab_reclaimable", "slab_unreclaimable", "anon",
           "cpu_lists", "dying_cgroups")
ABOUT = {
    "scale": "full", "machine": "x86_64, 2 CPUs, 25277 MB of memory, 0 MB of swap", "kernel": "6.18.44",
    "cgroups": "v1", "reclaim": "none",
    "engine": "Docker 20.10.24+dfsg1, containerd 1.6.20~ds1, runc 1.1.5+ds1", "docker": "20.10.24", "reaperd": "0.1.0",
    "managers": "2", "workers": "5", "repetitions": "3", "arm_managers": "1", "arm_workers": "2", "arm_s": "120",
    "churn_replicas": "10", "churn_life_s": "2", "delayed_replicas": "4", "delayed_s": "15", "prune_every_s": "20",
    "keep_s": "10", "loads": "writes, nothing", "load writes": "each writes 10 MB and logs 5 lines a second",
    "load nothing": "each writes nothing", "arm_loads": "writes, nothing",
    "arm load writes": "each writes 4 MB and logs 5 lines a second", "arm load nothing": "each writes nothing",
    "date": "2026-11-23",
}


def metrics(load: str, running: int, stopped: int, noise: float = 0.0) -> dict[str, Any]:
    """A machine where a container keeps what it has written until it is removed, and a running one has a process."""
    there, layer = running + stopped, LOADS[load]
    cache = 500 * MB + there * (layer + MB // 20)
    anon = 700 * MB + running * 5 * MB + stopped * MB // 2
    slab = 40 * MB + running * MB // 2 + stopped * MB // 5
    used = 1000 * MB + cache + anon + slab + running * MB
    used += int(noise * 8 * MB)
    return {"cpu": 0.3 + running * 0.012, "cpu_containers": running * 0.01, "cpu_engine": 0.3 + running * 0.002,
            "cgroup_usage": there * layer + running * 4 * MB, "cgroup_cache": there * layer,
            "cgroup_rss": running * MB, "cgroup_kernel": there * MB // 10, "dockerd_rss": 600 * MB,
            "containerd_rss": 200 * MB, "shims_rss": running * 8 * MB, "shims": running,
            "engine_anon": 300 * MB + running * 3 * MB,
            "machine_cpu": min(1.0, 0.15 + 0.009 * running + 0.01 * noise), "mem_total": TOTAL,
            "mem_free": TOTAL - used - 20 * MB, "mem_available": TOTAL - used + cache - 120 * MB, "cpu_lists": 20 * MB,
            "page_cache": cache,
            "slab_reclaimable": slab // 2, "slab_unreclaimable": slab - slab // 2, "anon": anon,
            "dying_cgroups": stopped}


def row(load: str, repetition: int, running: int, stopped: int, workers: int = 5,
        node: str = "swarm") -> dict[str, Any]:
    noise = math.sin(running * 7 + stopped * 3 + workers * 5 + repetition * 2.1)
    return {"load": load, "repetition": repetition, "node": node, "running": running, "stopped": stopped,
            "workers": workers, "samples": 6, **metrics(load, running, stopped, noise)}


def steps(figure: int, loads: Iterable[str] = LOADS, repetitions: int = 3) -> list[dict[str, Any]]:
    """A table of figures 4 to 7."""
    states = {4: [(running, 0, 5) for running in range(0, 71, 10)],
              5: [(70, 0, workers) for workers in range(1, 6)],
              6: [(70 - stopped, stopped, 5) for stopped in range(0, 36, 7)],
              7: [(35, stopped, 5) for stopped in range(35, -1, -7)]}[figure]
    return [row(load, repetition, running, stopped, workers, node)
            for load in loads for repetition in range(1, repetitions + 1)
            for running, stopped, workers in states for node in ("node1", "node2", "swarm")]


def arms(seconds: int = 120, loads: Iterable[str] = LOADS) -> list[dict[str, Any]]:
    """Table figure8: six tasks end a second."""
    rows = []
    for load in loads:
        for arm in ARMS:
            # The first ones are before the services begin.
            for second in range(-4, seconds + 1):
                ended = int(max(second, 0) * (4.5 if arm == "job" else 6) * (1 - second / 900))
                kept = {"nothing": ended, "job": ended, "history": min(ended, 10 * 5 + second % 4),
                        "prune": ended - int(max(second, 0) // 20 * 20 * 5.6),
                        "reaperd": min(ended, 70 + second % 5)}[arm]
                kept = max(kept, 0)
                found = metrics(load, 14, kept, math.sin(second))
                found["mem_free"] -= kept * 7 * MB // 10
                found["dockerd_rss"] += kept * MB // 20 + ended * MB // 200
                rows.append({"load": load, "arm": arm, "second": second, "listed": 14 + kept, "ended": ended,
                             "disk_used": kept * (LOADS[load] * 4 // 10 + MB // 10), "inodes_used": kept * 42,
                             "ps_ms": (None if second % 5 or second < 0 else
                                       round(30 + kept * 0.4 + 5 * math.sin(second), 1)),
                             **found})
    return rows


def arms_ends(loads: Iterable[str] = LOADS) -> list[dict[str, Any]]:
    """Table figure8-arms."""
    rows = []
    for load in loads:
        for arm in ARMS:
            pruned, own = arm == "prune", arm == "reaperd"
            rows.append({"load": load, "arm": arm, "seconds": 120, "ended": 470 if arm == "job" else 620,
                         "damaged": 11 if pruned else 0, "delayed_ended": 24, "delayed_damaged": 13 if pruned else 0,
                         "removed": {"nothing": 0, "job": 0}.get(arm, 540),
                         "cleaner_cpu": 0.41 if pruned else 0.06 if own else 0.0,
                         "cleaner_anon": 3 * MB if own else None,
                         "cleaner_rss": 41 * MB if pruned else 12 * MB if own else None,
                         "engine_cpu": {"nothing": 70.2, "job": 61.0, "history": 84.5}.get(arm, 88.0)})
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def results(folder: Path) -> Path:
    """A whole folder of results."""
    folder.mkdir(parents=True, exist_ok=True)
    for figure in (4, 5, 6, 7):
        write(folder / f"figure{figure}.csv", steps(figure))
    write(folder / "figure8.csv", arms())
    write(folder / "figure8-arms.csv", arms_ends())
    (folder / "about.txt").write_text("".join(f"{key}: {value}\n" for key, value in ABOUT.items()), encoding="utf-8")
    return folder
