# SPDX-License-Identifier: Apache-2.0
"""What the meter tells of made-up machines, nodes and cgroups."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from meter_kit import KB, MEMINFO, PAGE, Machine, meter_of, write
from experiment.meter import METRICS, MACHINE_METRICS, NODE_METRICS
from lab.cgroups import Cgroups, folders


def test_the_columns_are_those_of_the_data() -> None:
    assert ",".join(METRICS) == (
        "cpu,cpu_containers,cpu_engine,cgroup_usage,cgroup_cache,cgroup_rss,cgroup_kernel,dockerd_rss,containerd_rss,"
        "shims_rss,shims,engine_anon,machine_cpu,mem_total,mem_free,mem_available,page_cache,slab_reclaimable,"
        "slab_unreclaimable,anon,cpu_lists,dying_cgroups")
    assert NODE_METRICS + MACHINE_METRICS == METRICS


# -- cgroups -------------------------------------------------------------------

def test_containers_of_nodes_and_their_sum(machine: Machine) -> None:
    for factor in (1, 10):
        machine.charge(machine.node(), usage=1000 * factor, cache=600 * factor, rss=300 * factor, kernel=90 * factor)
    machine.die("", 0)
    found = meter_of(machine).sample()
    assert list(found) == ["swarm", "node1", "node2"]
    assert all(list(sample) == list(METRICS) for sample in found.values())
    for name, factor in (("node1", 1), ("node2", 10), ("swarm", 11)):
        assert {metric: found[name][metric] for metric in METRICS if metric.startswith("cgroup_")} == {
            "cgroup_usage": 1000 * factor, "cgroup_cache": 600 * factor, "cgroup_rss": 300 * factor,
            "cgroup_kernel": 90 * factor}


def test_a_node_that_has_had_no_container_uses_nothing(machine: Machine) -> None:
    machine.charge(machine.node(), usage=1000, kernel=90, cpu=3)
    machine.node()
    machine.die("", 0)
    meter = meter_of(machine)
    meter.sample()
    machine.now += 1
    found = meter.sample()
    assert (found["node2"]["cgroup_usage"], found["node2"]["cgroup_kernel"], found["node2"]["cpu_containers"]) == (
        0, 0, 0.0)
    assert (found["swarm"]["cgroup_usage"], found["swarm"]["cgroup_kernel"]) == (1000, 90)


def test_what_a_kernel_does_not_tell_of_one_node_is_not_known_of_all(machine: Machine) -> None:
    machine.charge(machine.node(), usage=1000, kernel=90)
    machine.charge(machine.node(), usage=1000, kernel=None)
    machine.die("", 0)
    found = meter_of(machine).sample()
    assert (found["node1"]["cgroup_kernel"], found["node2"]["cgroup_kernel"]) == (90, None)
    assert (found["swarm"]["cgroup_kernel"], found["swarm"]["cgroup_usage"]) == (None, 2000)


def test_dying_cgroups_are_those_known_less_the_folders(v1: Machine) -> None:
    v1.charge(v1.node())
    for name in ("a", "b", "b/c"):
        (v1.memory / "rp-1-1" / name).mkdir()
    v1.count_cgroups(50)
    found = meter_of(v1).sample()
    assert (found["swarm"]["dying_cgroups"], found["node1"]["dying_cgroups"]) == (50 - 5, None)


def test_dying_cgroups_of_version_2_are_the_kernels_count(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 2)
    machine.charge(machine.node(), dying=7)
    machine.node()
    machine.die("", 30)
    found = meter_of(machine).sample()
    assert [found[name]["dying_cgroups"] for name in ("swarm", "node1", "node2")] == [30, 7, 0]


def test_folders_are_counted_also_where_links_say_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/b/c", "a/d", "e"):
        (tmp_path / "top" / name).mkdir(parents=True)
    (tmp_path / "top" / "file").touch()
    assert folders(tmp_path / "top") == 6
    monkeypatch.setattr("lab.cgroups.os.stat", lambda path: SimpleNamespace(st_nlink=1))
    assert folders(tmp_path / "top") == 6
    monkeypatch.undo()
    assert folders(tmp_path / "none") == 0


def test_only_folders_that_have_folders_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(70):
        (tmp_path / "top" / "node" / str(number)).mkdir(parents=True)
    if os.stat(tmp_path / "top").st_nlink != 3:
        pytest.skip("this file system does not count folders as links, as the kernel's cgroups do")
    listed = []
    scandir = os.scandir
    monkeypatch.setattr("lab.cgroups.os.scandir", lambda path: listed.append(path) or scandir(path))
    assert (folders(tmp_path / "top"), len(listed)) == (72, 2)


def test_the_controller_decides_and_not_the_mount(tmp_path: Path) -> None:
    first, second = Machine(tmp_path / "1", 1), Machine(tmp_path / "2", 2)
    assert (Cgroups(first.proc).version, Cgroups(first.proc).root) == (1, first.memory)
    assert (Cgroups(first.proc).cpu_version, Cgroups(first.proc).cpu_root) == (1, first.cpu)
    assert (Cgroups(second.proc).version, Cgroups(second.proc).root) == (2, second.memory)
    assert Cgroups(second.proc).cpu_root == second.cpu
    (second.memory / "cgroup.controllers").write_text("cpu pids\n")
    with pytest.raises(FileNotFoundError, match="controller memory"):
        Cgroups(second.proc)


def test_page_cache_of_one_cgroup_alone(machine: Machine) -> None:
    one, two = machine.node(), machine.node()
    machine.charge(one, usage=1000, cache=600, rss=300)
    machine.charge(two, usage=9000, cache=8000)
    cgroups = Cgroups(machine.proc)
    assert (cgroups.cached(one.name), cgroups.cached(two.name), cgroups.cached("none")) == (600, 8000, None)


def test_cgroups_of_this_machine() -> None:
    try:
        cgroups = Cgroups()
    except FileNotFoundError:
        pytest.skip("no memory cgroups here")
    assert cgroups.dying() >= 0 and cgroups.charged("no such cgroup") is None


# -- CPU and the machine -------------------------------------------------------

def test_cpu_is_that_since_the_sample_before(machine: Machine) -> None:
    one, two = machine.node(), machine.node()
    machine.die("", 0)
    machine.charge(one, cpu=10.0)
    machine.charge(two, cpu=20.0)
    machine.dockerd(one, 10, own=5.0)
    machine.ticks(busy=1000, idle=1000, iowait=50)
    meter = meter_of(machine)
    first = meter.sample()
    assert all(first[name][metric] is None for name in first for metric in ("cpu", "cpu_containers", "cpu_engine"))
    assert first["swarm"]["machine_cpu"] is None
    machine.now += 2
    machine.charge(one, cpu=10.5)
    machine.charge(two, cpu=21.0)
    machine.dockerd(one, 10, own=5.2)
    machine.ticks(busy=1100, idle=1250, iowait=100)
    meter.cpu_total()       # does not count as a sample
    found = meter.sample()
    assert [found["node1"][metric] for metric in ("cpu", "cpu_containers", "cpu_engine")] == pytest.approx(
        [0.35, 0.25, 0.1])
    assert [found["swarm"][metric] for metric in ("cpu", "cpu_containers", "cpu_engine")] == pytest.approx(
        [0.85, 0.75, 0.1])
    assert found["swarm"]["machine_cpu"] == pytest.approx(100 / 400) and found["node1"]["machine_cpu"] is None


def test_cpu_of_a_swarm_with_a_new_node_is_not_known_yet(v1: Machine) -> None:
    v1.charge(v1.node(), cpu=1.0)
    meter = meter_of(v1)
    meter.sample()
    v1.now += 1
    v1.charge(v1.node(), cpu=500.0)
    found = meter.sample()
    assert (found["node1"]["cpu"], found["node2"]["cpu"], found["swarm"]["cpu"]) == (0.0, None, None)


def test_memory_of_the_machine(v1: Machine) -> None:
    v1.node()
    found = meter_of(v1).sample()
    assert [found["swarm"][metric] for metric in MACHINE_METRICS[1:-2]] == [size * KB for size in MEMINFO.values()]
    assert found["swarm"]["cpu_lists"] is None
    assert all(found["node1"][metric] is None for metric in MACHINE_METRICS)
    v1.meminfo(MemTotal=5)
    assert meter_of(v1).sample()["swarm"]["mem_available"] is None


def test_free_memory_on_the_lists_of_cpus(v1: Machine) -> None:
    v1.node()
    # The counts of the zones' other statistics are none of them.
    zone = "Node 0, zone {}\n  pages free     9\n      nr_free_pages 9\n  pagesets\n{}  start_pfn:           1\n"
    lists = "".join(f"    cpu: {cpu}\n              count:    {count}\n              high:     5\n"
                    for cpu, count in enumerate((3, 40)))
    write(v1.proc / "zoneinfo", zone.format("DMA", lists) + zone.format("Normal", lists))
    assert meter_of(v1).sample()["swarm"]["cpu_lists"] == 86 * PAGE
