# SPDX-License-Identifier: Apache-2.0
"""What a machine must have, and what disturbs: on machines that are made up."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiment import gnuplot, needs, settings
from experiment.rig import Trouble
from experiment.sizes import FULL, SMALL, Sizes
from lab import engine, host

GB = 1_000_000_000
GOOD = {"MemAvailable": 20 * GB, "MemFree": 20 * GB}


@pytest.fixture
def reaperd(tmp_path: Path) -> Path:
    path = tmp_path / "reaperd"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One that has everything."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(needs, "missing_fleet_tools", lambda: [])
    monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}")
    monkeypatch.setattr(needs, "Cgroups", lambda: SimpleNamespace(version=2))
    monkeypatch.setattr(needs, "meminfo", lambda: GOOD)
    monkeypatch.setattr(gnuplot, "draw", lambda _picture, _script: (b"", b""))
    monkeypatch.setattr(engine, "FOLDER", "/tmp")
    mounts(monkeypatch, "ext4", "ext4")
    return monkeypatch


def mounts(monkeypatch: pytest.MonkeyPatch, tmp: str, var_tmp: str, free: tuple[int, int] = (50, 50)) -> None:
    """The file systems, and how many GB are free there."""
    monkeypatch.setattr(host, "mount_points", lambda: [("/", "ext4"), ("/tmp", tmp), ("/var/tmp", var_tmp)])
    sizes = dict(zip(("/tmp", "/var/tmp"), free))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=sizes[str(folder)] * GB))


@pytest.mark.parametrize("sizes", [FULL, SMALL])
def test_a_good_machine_is_good(reaperd: Path, sizes: Sizes) -> None:
    needs.check_tools(reaperd)
    needs.choose_folder(sizes)
    needs.check_room(sizes)
    assert engine.FOLDER == "/tmp"


def no_cgroups() -> None:
    raise FileNotFoundError


def no_png(_picture: Any, _script: str) -> None:
    raise Trouble("gnuplot failed: unknown or ambiguous terminal type.")


@pytest.mark.parametrize("where, name, value, said", [
    (os, "geteuid", lambda: 1000, "must run as root: sudo make experiment"),
    (needs, "missing_fleet_tools", lambda: ["dockerd", "ip"], "needs dockerd, ip: "),
    (shutil, "which", lambda tool: None if tool == "gnuplot" else tool, "needs gnuplot: "),
    (needs, "Cgroups", no_cgroups, "needs memory cgroups"),
    (gnuplot, "draw", no_png, r"ambiguous terminal type\. The experiment needs a gnuplot that makes SVG and PNG"),
])
def test_tools_that_are_lacking_are_named(machine: pytest.MonkeyPatch, reaperd: Path, where: Any, name: str,
                                          value: Any, said: str) -> None:
    machine.setattr(where, name, value)
    with pytest.raises(Trouble, match=said):
        needs.check_tools(reaperd)


def test_what_is_not_built_is_named(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="reaperd is not there: build it first"):
        needs.check_tools(tmp_path / "reaperd")


@pytest.mark.parametrize("memory, said", [
    ({"MemAvailable": GB, "MemFree": GB}, r"needs \d\.\d GB of available memory.* and 1\.0 GB are: smaller"),
    ({"MemAvailable": 20 * GB, "MemFree": GB}, r"needs \d\.\d GB of free memory, and 1\.0 GB are.*drop_caches")])
def test_memory_that_is_lacking_is_named(machine: pytest.MonkeyPatch, memory: dict[str, int], said: str) -> None:
    machine.setattr(needs, "meminfo", lambda: memory)
    with pytest.raises(Trouble, match=said):
        needs.check_room(FULL)


def test_the_small_scale_runs_where_memory_is_full_of_page_cache(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(needs, "meminfo", lambda: {"MemAvailable": 20 * GB, "MemFree": GB // 10})
    needs.check_room(SMALL)


@pytest.mark.parametrize("tmp, var_tmp, free, folder", [
    ("ext4", "ext4", (50, 50), "/tmp"),
    ("btrfs", "ext4", (50, 50), "/tmp"),
    ("tmpfs", "ext4", (50, 50), "/var/tmp"),
    ("ext4", "ext4", (2, 50), "/var/tmp"),
    ("ext4", "tmpfs", (2, 50), "/tmp"),
    ("ext4", "ext4", (2, 1), "/tmp"),
    ("ext4", "ext4", (1, 2), "/var/tmp")])
def test_layers_are_on_a_disk_with_room(machine: pytest.MonkeyPatch, tmp: str, var_tmp: str, free: tuple[int, int],
                                        folder: str) -> None:
    mounts(machine, tmp, var_tmp, free)
    needs.choose_folder(FULL)
    assert engine.FOLDER == folder


@pytest.mark.parametrize("before, folder", [
    ("ext4, below /var/tmp", "/var/tmp"), ("ext4, below /tmp", "/tmp"), ("ext4, below /data", "/tmp"), ("", "/tmp")])
def test_results_are_gone_on_with_where_they_began(before: str, folder: str) -> None:
    """Wherever there is room now."""
    needs.choose_folder(FULL, before)
    assert engine.FOLDER == folder


def test_a_machine_without_a_disk_is_refused(machine: pytest.MonkeyPatch) -> None:
    mounts(machine, "tmpfs", "tmpfs")
    with pytest.raises(Trouble, match="/tmp and /var/tmp are in memory here"):
        needs.choose_folder(SMALL)


def test_disk_that_is_lacking_is_named(machine: pytest.MonkeyPatch) -> None:
    mounts(machine, "ext4", "ext4", (1, 2))
    needs.choose_folder(FULL)
    with pytest.raises(Trouble, match=r"needs \d\.\d GB below /tmp or /var/tmp.* 2\.0 GB are free in /var/tmp"):
        needs.check_room(FULL)


def test_what_is_needed_grows_with_what_is_written() -> None:
    memory, disk = needs.room(FULL)
    assert memory < 12e9 and disk < 12e9        # the defaults are for 24 GB
    for setting in ("layer_mb=100", "containers=1000", "arm_layer_mb=100", "arm_s=2000"):
        more = needs.room(settings.changed(FULL, [setting]))
        assert more[0] > memory and more[1] > disk, setting
    assert needs.room(SMALL)[0] < memory


# -- others ----------------------------------------------------------------------------


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Makes a /proc in which so much is done while somebody sleeps."""
    monkeypatch.setattr(os, "cpu_count", lambda: 4)

    def made(busy: int, *commands: str) -> Path:
        (tmp_path / "stat").write_text("cpu  100 0 0 900 0 0 0 0 0 0\n")
        for pid, command in enumerate(commands, 1):
            (tmp_path / str(pid)).mkdir()
            (tmp_path / str(pid) / "cmdline").write_text(command.replace(" ", "\0"))
        monkeypatch.setattr(time, "sleep", lambda _seconds: (tmp_path / "stat").write_text(
            f"cpu  {100 + busy} 0 0 {1900 - busy} 0 0 0 0 0 0\n"))
        return tmp_path

    return made


def test_an_idle_machine_is_no_matter(slept: Any) -> None:
    assert needs.others(FULL, slept(20, "/sbin/init", "/usr/bin/dockerd -H fd://")) == []


def test_a_busy_machine_is_told(slept: Any) -> None:
    first, last = needs.others(FULL, slept(300, "cc1 x.c"))
    assert first == "Other programs use 1.2 of 4 CPUs here." and "better to let that end" in last


def test_containers_of_others_are_told(slept: Any) -> None:
    shim = "/usr/bin/containerd-shim-runc-v2 -namespace moby -id 1"
    first, _ = needs.others(SMALL, slept(900, shim, "grep containerd-shim-runc-v2", shim))
    assert first == "Other containers run here, 2 of them."      # and the small scale is for busy machines, too
