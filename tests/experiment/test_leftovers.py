# SPDX-License-Identifier: Apache-2.0
"""What a process has left is found, and taken away if it is no more: processes, folders, network namespaces."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from experiment import leftovers
from experiment.leftovers import at_work, left_by, of_the_dead
from experiment.rig import Trouble
from lab import engine, host, until
from lab.traces import Traces

FAR = 4_190_000         # above it, a pid is hardly ever given away
SLEEP = ("tail", "-f", "/dev/null", f"--pid={os.getpid()}")     # ends with this process


def ended_pid() -> int:
    """Of a process that is no more."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


@pytest.fixture
def dead() -> Iterator[int]:
    """A pid of nobody, of which nothing is left behind."""
    pid = ended_pid()
    yield pid
    for folder in engine.FOLDERS:
        for path in Path(folder).glob(f"rp-{pid}-*"):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def asleep(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([*SLEEP, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            # For a moment it has begun, and has no arguments yet.
            until(Path(f"/proc/{process.pid}/cmdline").read_bytes, 5, "it is what it is going to be")
            yield process
        finally:
            process.kill()


def ours(pid: int) -> dict[int, list[str]]:
    """Of this pid alone: the machine may have others'."""
    return {owner: left for owner, left in of_the_dead().items() if owner == pid}


@pytest.mark.parametrize("where", engine.FOLDERS)
def test_what_is_left_of_a_process_is_found(where: str) -> None:
    assert left_by(FAR) == []
    with tempfile.TemporaryDirectory(prefix=f"rp-{FAR}-1-", dir=where) as folder:
        assert left_by(FAR) == [folder]
        assert left_by(FAR // 10) == []       # another one's
        with asleep(f"{folder}/log") as process:
            assert left_by(FAR) == [folder, f"process {process.pid} (tail)"]


def test_what_others_have_made_of_that_name_is_none(dead: int, monkeypatch: pytest.MonkeyPatch,
                                                    tmp_path: Path) -> None:
    link, file = Path(f"/tmp/rp-{dead}-1-link"), Path(f"/tmp/rp-{dead}-2-file")
    folder = Path(tempfile.mkdtemp(prefix=f"rp-{dead}-3-", dir="/tmp"))
    try:
        link.symlink_to(tmp_path)
        file.touch()
        assert left_by(dead) == [str(folder)]
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        assert left_by(dead) == []
    finally:
        link.unlink()
        file.unlink()
        folder.rmdir()


def test_only_who_is_no_more_has_left_something(dead: int) -> None:
    with tempfile.TemporaryDirectory(prefix=f"rp-{os.getpid()}-77-", dir="/tmp"):
        assert ours(os.getpid()) == {}
    with tempfile.TemporaryDirectory(prefix=f"rp-{dead}-77-", dir="/tmp") as folder:
        assert ours(dead) == {dead: [folder]}
    assert ours(dead) == {}


def test_a_pid_that_another_program_has_got_is_of_nobody() -> None:
    assert at_work(os.getpid()) and not at_work(ended_pid())
    with asleep() as process:
        assert not at_work(process.pid)
        with tempfile.TemporaryDirectory(prefix=f"rp-{process.pid}-1-", dir="/tmp") as folder:
            assert ours(process.pid) == {process.pid: [folder]}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        until(lambda: at_work(process.pid), 5, "a lab may be in it")


def test_a_run_does_not_begin_beside_it(dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "of_the_dead", lambda: ours(dead))
    said: list[str] = []
    leftovers.end(False, said.append)
    folder = tempfile.mkdtemp(prefix=f"rp-{dead}-1-", dir="/tmp")
    with asleep(f"{folder}/data") as process:
        with pytest.raises(Trouble, match=rf"Process {dead} was killed .* has left {folder}, process {process.pid} "
                                          r"\(tail\)\. .*`sudo make experiment EXPERIMENT_OPTIONS=--clean-up` takes"):
            leftovers.end(False, said.append)
        assert process.poll() is None and Path(folder).is_dir() and said == []


def test_it_is_taken_away_if_that_is_wanted(dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "of_the_dead", lambda: ours(dead))
    said: list[str] = []
    folder, other = (Path(tempfile.mkdtemp(prefix=f"rp-{pid}-1-", dir="/var/tmp")) for pid in (dead, f"{dead}0"))
    (folder / "data").mkdir()
    (folder / "data" / "layer").write_text("x")
    try:
        with asleep(f"{folder}/data") as process, asleep(f"{other}/data") as beside:
            leftovers.end(True, said.append)
            assert process.wait(5) == -9 and beside.poll() is None
        assert not folder.exists() and other.is_dir()
        assert len(said) == 1 and f"Process {dead} has left {folder}, process" in said[0]
    finally:
        shutil.rmtree(other)


def test_what_cannot_be_taken_away_is_named(dead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "of_the_dead", lambda: ours(dead))
    monkeypatch.setattr(shutil, "rmtree", lambda _path: (_ for _ in ()).throw(OSError("busy")))
    folder = Path(tempfile.mkdtemp(prefix=f"rp-{dead}-1-", dir="/tmp"))
    try:
        with pytest.raises(Trouble, match=f"could not be taken away: {folder}"):
            leftovers.end(True, lambda _: None)
    finally:
        folder.rmdir()


def test_of_many_names_some_are_told() -> None:
    assert leftovers.told(["a", "b"]) == "a, b"
    assert leftovers.told([str(number) for number in range(9)]) == "0, 1, 2, 3 and 5 more"


KILLED = """
import os, signal, subprocess, sys
sys.path.insert(0, "tests")
from lab import Engine
from lab.fleet import Bridge, Node
bridge = Bridge(f"rp-{os.getpid()}-net1")
node = Node(bridge, 1)
node.start()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.geteuid() != 0 or bool(engine.missing_tools()), reason="it needs root and an engine")
def test_all_of_a_node_whose_lab_was_killed_is_taken_away() -> None:
    """A real one: namespaces, a cgroup, mounts that are held by a process which names nothing of it."""
    traces = Traces()
    with subprocess.Popen([sys.executable, "-B", "-c", KILLED], cwd=Path(__file__).parents[2]) as process:
        assert process.wait(60) == -9
    pid = process.pid
    holders = host.processes_in(f"rp-{pid}-1")
    try:
        left = ours(pid)[pid]
        assert any(name.startswith("/tmp/") for name in left) and any("(dockerd)" in name for name in left)
        assert {f"/run/netns/rp-{pid}-1", f"/run/netns/rp-{pid}-net1"} <= set(left)
        assert [holder for holder in holders
                if Path(f"/proc/{holder}/cmdline").read_text().startswith("sleep\0infinity")]
    finally:
        leftovers.take_away(pid)
        traces.remove()
    assert left_by(pid) == [] and not any(host.alive(holder) for holder in holders)
