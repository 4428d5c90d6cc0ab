# SPDX-License-Identifier: Apache-2.0
"""What tasks of the experiment run, and how they are told to end.

A task is one static busybox shell: it writes its file, and then uses CPU and logs each second. Neither starts a
process, nor does waiting, so that the CPU of a task is what was asked for: the wait is `read -t` on a FIFO. That FIFO
is the task's own, as a line in one that tasks share wakes all of them, of which those who come late wait for ever.
"""

from __future__ import annotations

import functools
import os
import shutil
import statistics
import subprocess
from pathlib import Path
from typing import Any, Collection

from lab.fleet import Node

from .rig import Trouble
from .sizes import LINE, Load

GATE = "/run/gate"              # of a node; tasks see it as /gate
CALIBRATIONS, CALIBRATED_S = 5, 0.1

# A task that the Swarm wants to end does so at once: a shell that is PID 1 takes no signal that it has no trap for.
_AT_ONCE = "trap 'exit 0' TERM"
# Under the name of its host when it is open, so that whoever sees the name can write to it; open in the shell alone.
_MAKE_GATE = "mkfifo /gate/.$HOSTNAME; exec 3<>/gate/.$HOSTNAME; mv /gate/.$HOSTNAME /gate/$HOSTNAME 3<&-"
# Nobody writes to this one. Not in the layer, which the load alone writes to; /dev/shm goes when the container stops.
_MAKE_CLOCK = "mkfifo /dev/shm/clock; exec 3<>/dev/shm/clock"


def burn(iterations: int) -> str:
    """What calibrate() times, too."""
    return f"i=0; while [ $i -lt {iterations} ]; do i=$((i+1)); done"


@functools.cache        # one speed for a whole run, so that all of its tasks are alike
def calibrate() -> float:
    """How many iterations of burn() a second of this machine's CPU is."""
    busybox = shutil.which("busybox")
    if busybox is None:
        raise Trouble("The experiment needs busybox (Debian: busybox-static).")
    iterations = 10_000
    while (spent := _cpu_of(busybox, burn(iterations))) < CALIBRATED_S:
        iterations *= 2
    nothing = _cpu_of(busybox, burn(0))
    rounds = [spent, *(_cpu_of(busybox, burn(iterations)) for _ in range(CALIBRATIONS - 1))]
    return iterations / (statistics.median(rounds) - nothing)


def _cpu_of(busybox: str, script: str) -> float:
    """Seconds of CPU, which other work on the machine does not change much; wall time it would."""
    child = subprocess.Popen([busybox, "ash", "-ec", script], stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise Trouble(f"{busybox} ash ended with {child.returncode} when its speed was measured.")
    return usage.ru_utime + usage.ru_stime


def task_script(load: Load, iterations: float) -> str:
    """A task that runs until its gate is opened, and then exits 0; `iterations`: of calibrate()."""
    return "; ".join([_AT_ONCE, *_written(load), _MAKE_GATE,
                      f"while :; do {_round(load, iterations, 1.0)} && exit 0; done"])


def churn_script(load: Load, iterations: float, life_s: float) -> str:
    """A task that does the same for `life_s` seconds, and exits 0 by itself."""
    whole, rest = divmod(round(life_s, 3), 1)
    steps = [_AT_ONCE, *_written(load), _MAKE_CLOCK]
    if whole:
        steps.append(f"n=0; while [ $n -lt {whole:.0f} ]; do n=$((n+1)); {_round(load, iterations, 1.0)} || :; done")
    if rest > 0:
        steps.append(f"{_round(load, iterations, rest)} || :")
    return "; ".join([*steps, "exit 0"])


def command(script: str) -> list[str]:
    """For a service: a task whose file cannot be written fails."""
    return ["sh", "-ec", script]


def _written(load: Load) -> list[str]:
    return [f"head -c {load.layer_bytes} /dev/zero > /data/file"] if load.layer_bytes else []


def _round(load: Load, iterations: float, seconds: float) -> str:
    """CPU, log, and then the rest of that time; it comes to true only if a line was read."""
    busy = load.cpu * seconds
    lines = round(load.log_lines * seconds)
    # Digits that are padded with zeros: long lines, and a short script.
    log = f"printf '%0{LINE - 1}d\\n' {' '.join(map(str, range(lines)))}; " if lines else ""
    return f"{burn(round(busy * iterations))}; {log}read -t {max(seconds - busy, 0.001):.3f} x <&3"


class Gate:
    """Where the tasks of one node wait to be told to end: a FIFO each, there once the task has written its file."""

    def __init__(self, node: Node) -> None:
        # As the node's engine sees it.
        self._folder = Path(f"/proc/{node.pid}/root{GATE}")
        self._folder.mkdir()

    @staticmethod
    def mounts() -> list[dict[str, Any]]:
        """For the service."""
        return [{"Type": "bind", "Source": GATE, "Target": "/gate"}]

    def waiting(self) -> list[str]:
        """The short ids of the containers whose tasks have written, and have not been told to end."""
        return sorted(name for name in os.listdir(self._folder) if not name.startswith("."))

    def open(self, containers: Collection[str]) -> None:
        """Lets the tasks of these containers (short ids) end."""
        for name in containers:
            fifo = self._folder / name
            try:
                # Never waits for a reader: a task that has ended unasked has none.
                pipe = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                raise Trouble(f"The task of container {name} has ended before it was told to: {error}.") from None
            try:
                fifo.unlink()           # charged to the task's cgroup, which would outlive the container
                os.write(pipe, b"\n")
            finally:
                os.close(pipe)

    def clear(self) -> None:
        """When the tasks that waited have been ended otherwise."""
        for name in os.listdir(self._folder):
            (self._folder / name).unlink()
