# SPDX-License-Identifier: Apache-2.0
"""What a machine must have for the experiment, and what on it would disturb it."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from lab import engine, host
from lab.cgroups import Cgroups
from lab.fleet import missing_fleet_tools
from lab.hog import meminfo

from . import gnuplot, machine
from .process import SHIM
from .rig import Trouble
from .sizes import LINE, MB, Sizes

LOG_OVERHEAD = 71               # bytes that the engine adds to a line
NODE_MB, TASK_MB, REST_MB = 80, 8, 300      # memory of an idle node, of a task with its shim, of everything else
NODE_DISK_MB = 60
LOOK_S = 1.0                    # at how busy the machine is


def room(sizes: Sizes) -> tuple[int, int]:
    """(memory, disk) in bytes. What tasks write is to fit into both: else the kernel has to drop it meanwhile."""
    def log(lines: int, tasks_and_seconds: float) -> float:
        return lines * (LINE + LOG_OVERHEAD) * tasks_and_seconds

    steps = sizes.containers / sizes.step + 2 * sizes.stopped / sizes.stop_step + sizes.workers
    course_s = 60 + steps * (sizes.settle_s + sizes.window_s + 5)
    ended = sizes.churn_replicas * sizes.arm_s / sizes.churn_life_s
    written = max(
        *(sizes.containers * load.layer_bytes + log(load.log_lines, sizes.containers * course_s)
          for load in sizes.loads),
        *(ended * load.layer_bytes + log(load.log_lines, ended * sizes.churn_life_s) for load in sizes.arm_loads),
        0.0)
    nodes = max(sizes.managers + sizes.workers, sizes.arm_managers + sizes.arm_workers)
    tasks = max(sizes.containers, sizes.churn_replicas + sizes.delayed_replicas)
    memory = written + MB * (REST_MB + nodes * NODE_MB + tasks * TASK_MB)
    return round(memory), round(1.2 * written + MB * (REST_MB + nodes * NODE_DISK_MB))


def check_tools(reaperd: Path) -> None:
    """Trouble names what this machine lacks, whatever is measured."""
    if os.geteuid():
        raise Trouble("The experiment starts private Docker Engines and must run as root: sudo make experiment")
    missing = missing_fleet_tools() + ([] if shutil.which("gnuplot") else ["gnuplot"])
    if missing:
        raise Trouble(f"The experiment needs {', '.join(missing)}: `sudo make experiment` installs or names it.")
    if not os.access(reaperd, os.X_OK):
        raise Trouble(f"{reaperd} is not there: build it first with `make`.")
    try:
        Cgroups()
    except FileNotFoundError:
        raise Trouble("The experiment needs memory cgroups, which this kernel does not have, or does not have mounted."
                      ) from None
    # Some are built without what makes SVG or PNG; the figures come last.
    empty = gnuplot.Picture(100, 100)
    try:
        gnuplot.draw(empty, empty.script())
    except Trouble as error:
        raise Trouble(f"{error} The experiment needs a gnuplot that makes SVG and PNG (Debian: gnuplot-nox)."
                      ) from None


def choose_folder(sizes: Sizes, before: str = "") -> None:
    """For the engines' files; that of results which are gone on with, who say where their data was.

    On a tmpfs a layer would be memory itself, where what is measured is the memory that disks' files take.
    """
    on_disk = host.on_disk(engine.FOLDERS)
    if not on_disk:
        raise Trouble(f"{' and '.join(engine.FOLDERS)} are in memory here (tmpfs). The experiment needs one of them on a "
                      "disk, as what it measures is the memory that files on a disk take.")
    free = {folder: shutil.disk_usage(folder).free for folder in on_disk}
    _, disk = room(sizes)
    fit = [*(folder for folder in on_disk if before.endswith(f" below {folder}")),
           *(folder for folder in on_disk if free[folder] >= disk),
           max(on_disk, key=free.__getitem__)]
    engine.FOLDER = fit[0]


def check_room(sizes: Sizes) -> None:
    """Trouble, unless there is the memory and the disk that these sizes need."""
    memory, disk = room(sizes)
    there = meminfo()
    if there["MemAvailable"] < memory:
        raise Trouble(f"The experiment needs {memory / 1e9:.1f} GB of available memory, as what tasks write has to "
                      f"stay there, and {there['MemAvailable'] / 1e9:.1f} GB are: smaller sizes need less (--set "
                      "containers=, layer_mb=, arm_s=, arm_layer_mb=).")
    # The small scale says little anyway, and is to run on any machine.
    if there["MemFree"] < memory and sizes.scale != "small":
        raise Trouble(f"The experiment needs {memory / 1e9:.1f} GB of free memory, and {there['MemFree'] / 1e9:.1f} "
                      "GB are: the rest of what is available is page cache, which the kernel would drop meanwhile, so "
                      "that MemFree would tell nothing of what tasks write. As root, `sync; echo 1 > "
                      "/proc/sys/vm/drop_caches` frees it; files are read from the disk again after that.")
    if (free := shutil.disk_usage(engine.FOLDER).free) < disk:
        raise Trouble(f"The experiment needs {disk / 1e9:.1f} GB below {' or '.join(engine.FOLDERS)}, on a disk, and "
                      f"{free / 1e9:.1f} GB are free in {engine.FOLDER}; it gives them back.")


def others(sizes: Sizes, proc: Path = Path("/proc")) -> list[str]:
    """What else is at work here, a sentence each; to be asked before there is something of ours."""
    said = []
    first = machine.ticks(proc)
    time.sleep(LOOK_S)
    last = machine.ticks(proc)
    cpus = os.cpu_count() or 1
    busy = cpus * (last.busy - first.busy) / max(1, last.total - first.total)
    if busy > sizes.others_cpu:
        said.append(f"Other programs use {busy:.1f} of {cpus} CPUs here.")
    if count := _shims(proc):
        said.append(f"Other containers run here, {count} of them.")
    if said:
        said.append("What is measured of the machine is measured of all that runs there: it is better to let that "
                    "end first.")
    return said


def _shims(proc: Path) -> int:
    """There is one for each container that runs."""
    found = 0
    for entry in proc.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                program = (entry / "cmdline").read_bytes().partition(b"\0")[0].decode(errors="replace")
                found += Path(program).name == SHIM
    return found
