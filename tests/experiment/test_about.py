# SPDX-License-Identifier: Apache-2.0
"""What results say of the machine that they are of."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiment import about
from experiment.rig import Trouble
from experiment.sizes import SMALL
from lab import host

GB = 1_000_000_000
INFO: dict[str, Any] = {"Driver": "overlay2", "LoggingDriver": "json-file",
                        "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]]}


@pytest.fixture
def reaperd(tmp_path: Path) -> Path:
    path = tmp_path / "reaperd"
    path.write_text("#!/bin/sh\necho 'reaperd 9.8.7~dev'\n")
    path.chmod(0o755)
    return path


def test_the_last_mount_of_a_folder_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "mount_points", lambda: [("/", "xfs"), ("/var", "ext4"), ("/var", "tmpfs")])
    assert host.file_system(Path("/var/nowhere")) == "tmpfs" and host.file_system(Path("/home/me")) == "xfs"


def test_a_folder_is_where_its_link_leads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    monkeypatch.setattr(host, "mount_points", lambda: [("/", "ext4"), (str(tmp_path / "data"), "tmpfs")])
    assert host.file_system(tmp_path / "link") == "tmpfs" and host.file_system(tmp_path) == "ext4"


@pytest.mark.parametrize("said, version", [
    ("Docker version 20.10.24+dfsg1, build 5d6db84", "20.10.24+dfsg1"),
    ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3", "1.6.20~ds1"),
    ("containerd containerd.io v2.1.3 0abc", "2.1.3"),
    ("runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1", "1.1.5+ds1")])
def test_versions(said: str, version: str) -> None:
    assert about.version("echo", said) == version


def test_a_program_without_a_version_is_named() -> None:
    with pytest.raises(Trouble, match="echo none does not tell its version"):
        about.version("echo", "none")


@pytest.mark.parametrize("changes, said", [
    ({}, "overlay2 on extfs, json-file"),
    ({"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]},
     "overlayfs, json-file"),
    ({"DriverStatus": None, "LoggingDriver": "local"}, "overlay2, local")])
def test_how_layers_and_logs_are_kept(changes: dict[str, Any], said: str) -> None:
    assert about.storage_of({**INFO, **changes}) == said


@pytest.mark.parametrize("driver", ["vfs", "btrfs", "zfs", "fuse-overlayfs"])
def test_layers_that_are_kept_otherwise_are_refused(driver: str) -> None:
    with pytest.raises(Trouble, match=f"storage driver {driver} below /.*made for overlay2"):
        about.storage_of({**INFO, "Driver": driver})


def test_everything_that_may_differ_is_named(monkeypatch: pytest.MonkeyPatch, reaperd: Path) -> None:
    monkeypatch.setattr(about, "Cgroups", lambda: SimpleNamespace(version=2))
    monkeypatch.setattr(about, "meminfo", lambda: {"MemTotal": 24 * GB, "SwapTotal": 0})
    monkeypatch.setattr(about, "version", lambda program, *_: {"docker": "28"}.get(program, "1.2"))
    monkeypatch.setattr(about, "storage", lambda: about.storage_of(INFO))
    found = about.about(SMALL, reaperd)
    assert found["engine"] == "Docker 1.2, containerd 1.2, runc 1.2" and found["docker"] == "28"
    assert found["machine"].endswith("CPUs, 24000 MB of memory, 0 MB of swap") and found["cgroups"] == "v2"
    assert found["scale"] == "small" and found["containers"] == str(SMALL.containers)
    assert found["storage"] == "overlay2 on extfs, json-file" and len(found["experiment"]) == 16
    other = reaperd.with_name("other")
    other.write_text("another build of it")
    assert about.about(SMALL, other)["reaperd sha256"] != found["reaperd sha256"]
    assert all("\n" not in text for text in found.values())
