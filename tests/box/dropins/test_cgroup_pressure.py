# SPDX-License-Identifier: Apache-2.0
"""cgroup-pressure.conf: the kernel tells of stalls in one cgroup, or there is none, and reaperd says so."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

import service_kit as kit
from lab import until
from lab.box import Box
from lab.hog import MB, Thrasher, stalled

GROUP = "/sys/fs/cgroup/system.slice"
UNIFIED = "/sys/fs/cgroup/unified"      # where the cgroups of the first version are used as well


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a disk."""
    made = Path(tempfile.mkdtemp(prefix="rp-walk-", dir="/var/tmp"))
    yield made
    shutil.rmtree(made)


@contextmanager
def inside(box: Box, group: str, walker: Thrasher) -> Iterator[None]:
    """As one of the box's services, as far as the cgroups of the second version know."""
    made = Path(f"/proc/{box.pid}/root{group}/rp-walker")
    made.mkdir()
    if group == GROUP:      # there is no other; it would lose its limit
        (made.parent / "cgroup.subtree_control").write_text("+memory")
        (made / "memory.max").write_text(str(64 * MB))
    (made / "cgroup.procs").write_text(str(walker.pid))
    try:
        yield
    finally:
        walker.release()
        until(lambda: not (made / "cgroup.procs").read_text(), 10, "the walker's end")
        made.rmdir()


def about_stalls(box: Box) -> list[str]:
    return [one["MESSAGE"] for one in box.journal(kit.OURS, kit.invocation(box)) if "memory.pressure" in one["MESSAGE"]]


def test_no_such_cgroup(node: Box, drop_in: Callable[..., Any]) -> None:
    drop_in("cgroup-pressure", lambda text: text.replace(GROUP, "/sys/fs/cgroup/none.slice"))
    node.configure("[Pressure]\nStall=some 200ms/2s\n", "70-stall.conf")
    node.run("systemctl", "reload", "reaperd.service")
    assert node.state() == "active"
    told, = node.until(lambda: about_stalls(node), 10, "a word about the cgroup")
    assert told.startswith("There is no /sys/fs/cgroup/none.slice/memory.pressure: Stall= is without effect")


def test_cgroup(node: Box, drop_in: Callable[..., Any], folder: Path) -> None:
    """Stalls within it count, and others do not."""
    group = next((path for path in (GROUP, f"{UNIFIED}/system.slice")
                  if node.run("test", "-e", f"{path}/memory.pressure", check=False).returncode == 0), None)
    if group is None:
        pytest.skip("no cgroup has a memory.pressure: this kernel is without it, or started with psi=0")
    node.configure("[Pressure]\nStall=some 100ms/2s\n", "70-stall.conf")
    drop_in("cgroup-pressure", lambda text: text.replace(GROUP, group))
    assert node.sh(f"stat -c '%G %A' {group}/memory.pressure") == "reaperd -rw-rw-r--"
    assert not about_stalls(node)

    before = stalled()
    with Thrasher(folder) as walker:
        until(lambda: stalled() > before + 1_000_000, 60, "a second of stalls")
        began = time.time()
        with inside(node, group, walker):
            record = kit.await_record(node, kit.PRESSURE_LEVEL, kit.invocation(node), seconds=60)
    assert record["REAPERD_PRESSURE_LEVEL"] == "elevated" and kit.when(record) > began, record["MESSAGE"]
