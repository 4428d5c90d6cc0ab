# SPDX-License-Identifier: Apache-2.0
"""Where the measurement of docs/memory.md has its engine's files, on machines that are made up."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from lab import engine, host

BENCH = Path(__file__).resolve().parents[2] / "bench" / "memory.py"
GB = 1_000_000_000


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("memory_bench", BENCH)
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, made)
    spec.loader.exec_module(made)
    return made


def machine(monkeypatch: pytest.MonkeyPatch, tmp: str, var_tmp: str, free: tuple[int, int]) -> None:
    monkeypatch.setattr(engine, "FOLDER", "/tmp")
    monkeypatch.setattr(host, "mount_points", lambda: [("/", "ext4"), ("/tmp", tmp), ("/var/tmp", var_tmp)])
    sizes = dict(zip(("/tmp", "/var/tmp"), free))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=sizes[str(folder)] * GB))


@pytest.mark.parametrize("tmp, var_tmp, free, folder", [
    ("ext4", "ext4", (50, 50), "/tmp"), ("tmpfs", "ext4", (50, 9), "/var/tmp"), ("ext4", "ext4", (2, 9), "/var/tmp")])
def test_layers_are_on_a_disk_with_room(bench: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp: str, var_tmp: str,
                                        free: tuple[int, int], folder: str) -> None:
    machine(monkeypatch, tmp, var_tmp, free)
    bench.choose_folder()
    assert engine.FOLDER == folder


@pytest.mark.parametrize("kind, free", [("tmpfs", (50, 50)), ("ext4", (2, 1))])
def test_a_machine_without_is_refused(bench: ModuleType, monkeypatch: pytest.MonkeyPatch, kind: str,
                                      free: tuple[int, int]) -> None:
    machine(monkeypatch, kind, kind, free)
    with pytest.raises(bench.Trouble, match="needs 3 GB below /tmp or /var/tmp, on a disk"):
        bench.choose_folder()
