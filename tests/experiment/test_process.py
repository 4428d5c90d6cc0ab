# SPDX-License-Identifier: Apache-2.0
"""Which processes of made-up machines are an engine's, and what they use."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from meter_kit import KB, PAGE, Machine, meter_of
from experiment import machine as machine_module, process as process_module
from experiment.meter import NODE_METRICS
from experiment.process import Engines


def test_engines_processes_are_told_apart(machine: Machine) -> None:
    one, two = machine.node(), machine.node()
    machine.dockerd(one, 10, pages=100, shared=40, own=1.0, children=0.5)
    machine.containerd(one, 11, pages=50, shared=20, own=0.4, children=0.2)
    machine.shim(one, 12, "c1", pages=10, shared=7, own=0.04, children=9.0)
    machine.shim(one, 13, "c2", pages=10, shared=7, own=0.06, children=9.0)
    machine.dockerd(two, 20, pages=1000, shared=0, own=7.0)
    machine.process(30, "dockerd", "--host", "unix:///run/docker.sock", pages=5000)
    machine.process(31, "containerd", "--config", f"{one.dir}-other/containerd.toml", started=1, pages=5000)
    machine.process(32, "runc", "--log", f"{one.dir}/cd/log.json", pages=5000)
    machine.process(33, pages=5000)
    (machine.proc / "34").mkdir()       # ended between the listing and the look
    machine.die("", 0)
    meter = meter_of(machine)
    found = meter.sample()
    assert {metric: found["node1"][metric] for metric in NODE_METRICS if "rss" in metric or "shim" in metric
            or metric == "engine_anon"} == {
        "cgroup_rss": 0, "dockerd_rss": 100 * PAGE, "containerd_rss": 50 * PAGE, "shims_rss": 20 * PAGE, "shims": 2,
        "engine_anon": (60 + 30 + 3 + 3) * PAGE}
    assert found["node2"]["dockerd_rss"] == 1000 * PAGE and found["node2"]["shims"] == 0
    assert found["swarm"]["dockerd_rss"] == 1100 * PAGE and found["swarm"]["engine_anon"] == 1096 * PAGE
    # The children of dockerd and containerd are helpers, those of a shim the container.
    assert meter.cpu_total() == pytest.approx({"node1": 1.5 + 0.6 + 0.1, "node2": 7.0})


@pytest.mark.parametrize("old, young", [(40, 50), (50, 40)])     # pids start from below again
def test_what_is_not_yet_another_program_is_not_counted_twice(v1: Machine, old: int, young: int) -> None:
    node = v1.node()
    v1.containerd(node, old, started=1000, pages=100, own=2.0)
    v1.containerd(node, young, started=5000, pages=90, own=0.0)
    v1.shim(node, 60, "c1", started=2000, pages=10)
    v1.shim(node, 61, "c1", started=5000, pages=9)
    v1.shim(node, 62, "c1", started=5000, pages=10, helper="delete")
    v1.shim(node, 63, "c2", started=5000, pages=10, helper="start")
    engines = Engines(v1.proc, v1.clock)
    found = engines.look({"node1": node.dir})["node1"]
    assert (found.containerd_rss, found.shims_rss, found.shims) == (100 * PAGE, 10 * PAGE, 1)


def test_a_process_is_looked_at_again_until_it_is_settled(v1: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    node = v1.node()
    v1.process(10, "nsenter", "--net=x", "dockerd", f"{node.dir}/daemon.json", pages=1)
    v1.process(11, "sh", "-c", "true")
    v1.shim(node, 12, "c1")
    engines = Engines(v1.proc, v1.clock)
    looked: list[str] = []
    read = machine_module.read
    monkeypatch.setattr(process_module, "read", lambda path: looked.append(str(path)) or read(path))

    def look() -> tuple[int, int, int]:
        """Pages of dockerd, shims, and how many command lines were read for it."""
        looked.clear()
        found = engines.look({"node1": node.dir})["node1"]
        return found.dockerd_rss // PAGE, found.shims, sum(path.endswith("cmdline") for path in looked)

    assert look() == (0, 1, 3)
    v1.dockerd(node, 10, pages=70)
    v1.process(12, "runc", "--log", f"{node.dir}/cd/log.json")
    v1.now += 0.1
    assert look() == (70, 0, 3)
    v1.now += 1
    assert look() == (70, 0, 3)
    v1.now += 1
    assert look() == (70, 0, 0)
    # A pid that comes again is another process.
    v1.end(10)
    v1.end(11)
    assert look() == (0, 0, 0)
    v1.dockerd(node, 11, started=9000, pages=30)
    assert look() == (30, 0, 1)
    # One more node: nobody has asked before whether a process is of it.
    v1.now += 5
    look()
    other = v1.node()
    v1.dockerd(other, 12, pages=3)
    found = engines.look({"node1": node.dir, "node2": other.dir})
    assert (found["node1"].dockerd_rss, found["node2"].dockerd_rss) == (30 * PAGE, 3 * PAGE)


def test_cpu_of_engines_does_not_fall_when_processes_end(v1: Machine) -> None:
    node = v1.node()
    v1.dockerd(node, 10, own=1.0)
    v1.shim(node, 11, "c1", own=0.2)
    v1.shim(node, 12, "c2", own=0.4)
    meter = meter_of(v1)
    assert meter.cpu_total() == {"node1": pytest.approx(1.6)}
    v1.end(11)
    v1.shim(node, 12, "c2", own=0.6, state="Z")     # what a dead one tells is not looked at
    assert meter.cpu_total() == {"node1": pytest.approx(1.6)}
    v1.end(12)
    v1.now += 1
    assert meter.cpu_total() == {"node1": pytest.approx(1.6)}
    v1.shim(node, 11, "c3", started=7000, own=0.1)  # the same pid
    v1.now += 1
    assert meter.cpu_total() == {"node1": pytest.approx(1.7)}
    v1.shim(node, 11, "c4", started=8000, own=0.04)  # and again, before anybody has looked
    assert meter.cpu_total() == {"node1": pytest.approx(1.74)}
    v1.end(10)
    assert meter.cpu_total() == {"node1": pytest.approx(1.74)}


def test_memory_of_a_real_process(tmp_path: Path) -> None:
    with subprocess.Popen(["dockerd", "-c", "echo ready; read x", f"{tmp_path}/x"], executable="/bin/sh",
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None and shell.stdout.readline() == b"ready\n"
        found = Engines().look({"node1": tmp_path})["node1"]
        status = dict(line.split(":", 1) for line in Path(f"/proc/{shell.pid}/status").read_text().splitlines())
        shell.communicate(b"\n")
    assert found.dockerd_rss == int(status["VmRSS"].split()[0]) * KB
    assert found.anon == int(status["RssAnon"].split()[0]) * KB > 0


def test_what_has_gone_is_nothing_and_what_is_forbidden_is_an_error(tmp_path: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("text")
    assert machine_module.read(tmp_path / "file") == b"text"
    assert machine_module.read(tmp_path / "none") == b""
    for number, is_error in ((errno.ESRCH, False), (errno.ENODEV, False), (errno.EACCES, True)):
        monkeypatch.setattr(machine_module.os, "read", _raiser(OSError(number, os.strerror(number))))
        if is_error:
            with pytest.raises(PermissionError):
                machine_module.read(tmp_path / "file")
        else:
            assert machine_module.read(tmp_path / "file") == b""
        monkeypatch.undo()


def _raiser(error: BaseException) -> Any:
    def refuse(*_: Any) -> Any:
        raise error
    return refuse
