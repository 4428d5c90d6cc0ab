# SPDX-License-Identifier: Apache-2.0
"""What the engines of a fleet use: dockerd, containerd and a shim for each container that runs.

They are found by their command lines, which name the folder of their node. To read those of all processes each second
would cost more than all else here, so a process is looked at when it is new, and again once it has had the time to
become what it is: between fork and exec it has the command line of its parent.

The time of dockerd and containerd holds that of their children, which are helpers that end at once. That of a shim
does not, as its children are the container's processes too; what runc takes to start a container is in no figure.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, NamedTuple

from .machine import read

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
SETTLED = 0.5                       # seconds after which a process is what it is going to be
DOCKERD, CONTAINERD, SHIM = "dockerd", "containerd", "containerd-shim-runc-v2"
SHIM_HELPERS = ("start", "delete")  # for these, containerd calls the same program, beside the shim


@dataclass
class Engine:
    """Of one node: bytes, and the CPU seconds of all processes of its that were seen, ended ones too."""

    dockerd_rss: int = 0
    containerd_rss: int = 0
    shims_rss: int = 0
    shims: int = 0
    anon: int = 0
    cpu: float = 0.0


class Role(NamedTuple):
    """There is one process for each."""

    node: str
    program: str
    container: str          # of a shim


class Process(NamedTuple):
    started: int            # in ticks; with the pid, it names a process for good
    pid: int
    cpu: float
    rss: int
    anon: int


class Engines:
    """To be looked at every few seconds: a pid that came again meanwhile would be taken for what it was."""

    def __init__(self, proc: Path = Path("/proc"), clock: Callable[[], float] = time.monotonic) -> None:
        self._proc, self._clock = str(proc), clock
        self._folders: dict[str, str] = {}
        self._young: dict[int, float] = {}      # since when they are known
        self._settled: set[int] = set()
        self._roles: dict[int, Role] = {}
        self._alive: dict[tuple[int, int], tuple[str, float]] = {}      # process to its node and CPU, as last seen
        self._ended: dict[str, float] = {}                              # node to the CPU of those that are gone

    def look(self, folders: Mapping[str, Path]) -> dict[str, Engine]:
        """folders: of each node, by what the result is to name it."""
        self._find({node: f"{folder}/" for node, folder in folders.items()})
        found = {node: Engine() for node in folders}
        alive = {}
        for role, process in self._processes().items():
            alive[process.started, process.pid] = role.node, process.cpu
            engine = found[role.node]
            engine.anon += process.anon
            if role.program == DOCKERD:
                engine.dockerd_rss += process.rss
            elif role.program == CONTAINERD:
                engine.containerd_rss += process.rss
            else:
                engine.shims_rss += process.rss
                engine.shims += 1
        for key, (node, cpu) in self._alive.items():
            if key not in alive:
                self._ended[node] = self._ended.get(node, 0.0) + cpu
        self._alive = alive
        for node, engine in found.items():
            engine.cpu = self._ended.get(node, 0.0) + sum(cpu for owner, cpu in alive.values() if owner == node)
        return found

    def _find(self, folders: dict[str, str]) -> None:
        if folders != self._folders:
            self._folders, self._young, self._settled, self._roles = folders, {}, set(), {}
        now = self._clock()
        pids = {int(name) for name in os.listdir(self._proc) if name.isdigit()}
        self._settled &= pids
        self._roles = {pid: role for pid, role in self._roles.items() if pid in pids}
        self._young = {pid: self._young.get(pid, now) for pid in pids - self._settled}
        for pid, known in self._young.items():
            self._roles.pop(pid, None)
            if (role := self._role(pid)) is not None:
                self._roles[pid] = role
            if now - known >= SETTLED:
                self._settled.add(pid)

    def _role(self, pid: int) -> Role | None:
        arguments = read(f"{self._proc}/{pid}/cmdline").decode(errors="replace").split("\0")
        program = arguments[0].rpartition("/")[2]
        if program not in (DOCKERD, CONTAINERD, SHIM):
            return None
        node = next((node for node, folder in self._folders.items()
                     if any(argument.startswith(folder) for argument in arguments)), None)
        if node is None or program == SHIM and any(word in arguments for word in SHIM_HELPERS):
            return None
        container = arguments[arguments.index("-id") + 1] if program == SHIM else ""
        return Role(node, program, container)

    def _processes(self) -> dict[Role, Process]:
        found: dict[Role, Process] = {}
        for pid, role in self._roles.items():
            process = self._process(pid, role)
            # A child that is about to become another program has its parent's memory, and is younger.
            if process is not None and (role not in found or process < found[role]):
                found[role] = process
        return found

    def _process(self, pid: int, role: Role) -> Process | None:
        """None if it has ended."""
        # The name, in parentheses, may hold anything.
        stat = read(f"{self._proc}/{pid}/stat").rpartition(b")")[2].split()
        statm = read(f"{self._proc}/{pid}/statm").split()
        if not stat or not statm or stat[0] in (b"Z", b"X"):
            return None
        times = stat[11:13] if role.program == SHIM else stat[11:15]
        resident, shared = int(statm[1]), int(statm[2])     # shared are pages of files, and of shared memory
        return Process(int(stat[19]), pid, sum(int(ticks) for ticks in times) / TICKS, resident * PAGE,
                       (resident - shared) * PAGE)
