# SPDX-License-Identifier: Apache-2.0
"""A made-up machine for the tests of the meter: its /proc, its cgroups, and nodes of a fleet on it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiment.meter import Meter

PAGE, TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
KB = 1024

MEMINFO = {"MemTotal": 24_000, "MemFree": 20_000, "MemAvailable": 22_000, "Cached": 1_500, "SReclaimable": 300,
           "SUnreclaim": 100, "AnonPages": 700}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class Machine:
    """version 1 has a tree of version 2 without controllers beside it, as systemd makes it."""

    def __init__(self, top: Path, version: int) -> None:
        self.version, self.proc, self.nodes = version, top / "proc", list[Any]()
        self.now = 100.0
        self.memory = top / ("cgroup/memory" if version == 1 else "cgroup")
        self.cpu = top / ("cgroup/cpu,cpuacct" if version == 1 else "cgroup")
        self._top = top
        v2 = top / ("cgroup/unified" if version == 1 else "cgroup")
        write(v2 / "cgroup.controllers", "\n" if version == 1 else "cpu io memory pids\n")
        mounts = f"cgroup2 {v2} cgroup2 rw,relatime 0 0\n"
        if version == 1:
            for folder, options in ((self.memory, "memory"), (self.cpu, "cpu,cpuacct")):
                folder.mkdir(parents=True)
                mounts += f"cgroup {folder} cgroup rw,relatime,{options} 0 0\n"
        write(self.proc / "self/mounts", f"proc /proc proc rw 0 0\n{mounts}")
        self.count_cgroups(50)
        self.meminfo(**MEMINFO)
        self.ticks(busy=0, idle=0)

    def clock(self) -> float:
        return self.now

    def meminfo(self, **kilobytes: int) -> None:
        write(self.proc / "meminfo", "".join(f"{key}: {value:>9} kB\n" for key, value in kilobytes.items())
              + "HugePages_Total:       0\n")

    def ticks(self, busy: int, idle: int, iowait: int = 0) -> None:
        """Of all CPUs; busy is spread over its six kinds, and guests are in it already."""
        one = busy // 6
        write(self.proc / "stat",
              f"cpu  {busy - 5 * one} {one} {one} {idle} {iowait} {one} {one} {one} {busy} {busy}\n"
              f"cpu0 {busy} 0 0 {idle} 0 0 0 0 0 0\nintr 1 2 3\n")

    def count_cgroups(self, memory: int) -> None:
        lines = "" if self.version == 2 else f"cpuacct\t2\t7\t1\nmemory\t4\t{memory}\t1\n"
        write(self.proc / "cgroups", f"#subsys_name\thierarchy\tnum_cgroups\tenabled\n{lines}")

    # -- nodes -----------------------------------------------------------------

    def node(self) -> Any:
        number = len(self.nodes) + 1
        made = SimpleNamespace(name=f"rp-1-{number}", hostname=f"node{number}", dir=self._top / f"rp-1-{number}-abc")
        self.nodes.append(made)
        return made

    def charge(self, node: Any, usage: int = 0, cache: int = 0, rss: int = 0, kernel: int | None = 0,
               cpu: float = 0.0, dying: int = 0) -> None:
        """What the node's containers use; kernel None: this kernel does not tell."""
        memory, of_cpu = self.memory / node.name, self.cpu / node.name
        if self.version == 1:
            write(memory / "memory.usage_in_bytes", f"{usage}\n")
            # Its own, without what is below, comes first.
            write(memory / "memory.stat", f"cache 1\nrss 2\nshmem 3\ntotal_cache {cache}\ntotal_rss {rss}\n")
            if kernel is not None:
                write(memory / "memory.kmem.usage_in_bytes", f"{kernel}\n")
            write(of_cpu / "cpuacct.usage", f"{round(cpu * 1e9)}\n")
        else:
            write(memory / "memory.current", f"{usage}\n")
            write(memory / "memory.stat", f"anon {rss}\nfile {cache}\n"
                  + (f"kernel {kernel}\n" if kernel is not None else "") + "kernel_stack 5\n")
            write(of_cpu / "cpu.stat", f"usage_usec {round(cpu * 1e6)}\nuser_usec 1\n")
            self.die(node.name, dying)

    def die(self, name: str, dying: int) -> None:
        write(self.memory / name / "cgroup.stat", f"nr_descendants 3\nnr_dying_descendants {dying}\n")

    # -- processes -------------------------------------------------------------

    def process(self, pid: int, *argv: str, started: int = 1000, own: float = 0.0, children: float = 0.0,
                pages: int = 0, shared: int = 0, state: str = "S") -> None:
        """own, children: CPU seconds, half of each in the kernel."""
        half, of_children = round(own * TICKS / 2), round(children * TICKS / 2)
        write(self.proc / str(pid) / "cmdline", "".join(f"{word}\0" for word in argv))
        # A name that looks like what is behind it.
        write(self.proc / str(pid) / "stat",
              f"{pid} (a) R 1 (b) {state} 1 {pid} {pid} 0 -1 4194560 90 91 92 93 {half} {half} {of_children} "
              f"{of_children} 20 0 9 0 {started} 123456 {pages} 18446744073709551615 1 1 0\n")
        write(self.proc / str(pid) / "statm", f"99999 {pages} {shared} 10 0 500 0\n")

    def dockerd(self, node: Any, pid: int, **figures: Any) -> None:
        self.process(pid, "dockerd", "--host", f"unix://{node.dir}/docker.sock", "--config-file",
                     f"{node.dir}/daemon.json", **figures)

    def containerd(self, node: Any, pid: int, **figures: Any) -> None:
        self.process(pid, "/usr/bin/containerd", "--config", f"{node.dir}/containerd.toml", **figures)

    def shim(self, node: Any, pid: int, container: str, *, helper: str = "", **figures: Any) -> None:
        self.process(pid, "/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-id", container, "-address",
                     f"{node.dir}/cd.sock", *([helper] if helper else []), **figures)

    def end(self, pid: int) -> None:
        shutil.rmtree(self.proc / str(pid))


def meter_of(machine: Machine) -> Meter:
    return Meter(SimpleNamespace(nodes=machine.nodes), machine.proc, machine.clock)


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, request.param)


@pytest.fixture(name="v1")
def fixture_v1(tmp_path: Path) -> Machine:
    return Machine(tmp_path, 1)
