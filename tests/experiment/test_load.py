# SPDX-License-Identifier: Apache-2.0
"""What tasks run, run here: the scripts themselves in the busybox that the image has, with folders of the test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Iterator

import pytest

from experiment import load as loads
from experiment.load import Gate
from experiment.rig import Trouble
from experiment.sizes import LINE, Load
from lab import until

BUSYBOX = shutil.which("busybox")
pytestmark = pytest.mark.skipif(BUSYBOX is None, reason="no busybox (Debian: busybox-static)")

WRITES = Load("writes", "", layer_bytes=300_000, log_lines=3, cpu=0.05)
NOTHING = Load("nothing", "", layer_bytes=0, log_lines=0, cpu=0.05)
ITERATIONS = 1000.0         # few: most tests ask for no CPU


class Place:
    """The folders that a container would have, and the tasks that run in them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data, self.shm, self._gate = folder / "data", folder / "shm", folder / "gate"
        self.data.mkdir()
        self.shm.mkdir()
        monkeypatch.setattr(loads, "GATE", str(self._gate))
        self.gate = Gate(SimpleNamespace(pid=os.getpid()))
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, script: str, name: str = "one") -> subprocess.Popen[bytes]:
        for inside, here in (("/data/", self.data), ("/dev/shm/", self.shm), ("/gate/", self._gate)):
            script = script.replace(inside, f"{here}/")
        assert BUSYBOX is not None
        _, *arguments = loads.command(script)
        self.processes.append(subprocess.Popen(
            [BUSYBOX, "sh", *arguments], env={"HOSTNAME": name, "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        return self.processes[-1]

    def waiting(self, *names: str) -> None:
        until(lambda: self.gate.waiting() == sorted(names), 20, f"{names} are ready", poll=0.01)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(tmp_path, monkeypatch)
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


def test_task_is_ready_only_when_its_file_is_written_whole(place: Place) -> None:
    place.start(loads.task_script(WRITES, ITERATIONS))
    place.waiting("one")
    assert (place.data / "file").stat().st_size == WRITES.layer_bytes


def test_task_that_cannot_write_fails_and_is_never_ready(place: Place) -> None:
    place.data.rmdir()
    task = place.start(loads.task_script(WRITES, ITERATIONS))
    assert task.wait(20) != 0
    assert place.gate.waiting() == []


def test_load_nothing_writes_and_logs_nothing(place: Place) -> None:
    task = place.start(loads.task_script(NOTHING, ITERATIONS))
    place.waiting("one")
    place.gate.open(["one"])
    assert task.communicate(timeout=20)[0] == b""
    assert list(place.data.iterdir()) == []


def test_gate_ends_those_that_are_named_and_no_others(place: Place) -> None:
    tasks = {name: place.start(loads.task_script(WRITES, ITERATIONS), name) for name in ("a", "b", "c", "d")}
    place.waiting("a", "b", "c", "d")
    place.gate.open(["b", "d"])
    assert [tasks[name].wait(20) for name in ("b", "d")] == [0, 0]
    assert place.gate.waiting() == ["a", "c"]
    # The others have not been woken for good either: they still do what they do each second.
    for name in ("a", "c"):
        stdout = tasks[name].stdout
        assert stdout is not None
        seen = [stdout.readline() for _ in range(WRITES.log_lines * 3)]
        assert all(seen) and tasks[name].poll() is None


def test_gate_of_a_task_that_has_ended_unasked_is_trouble(place: Place) -> None:
    task = place.start(loads.task_script(NOTHING, ITERATIONS))
    place.waiting("one")
    task.kill()
    task.wait()
    with pytest.raises(Trouble, match="container one has ended before"):
        place.gate.open(["one"])


def test_gate_is_cleared_of_tasks_that_were_ended_otherwise(place: Place) -> None:
    task = place.start(loads.task_script(NOTHING, ITERATIONS))
    place.waiting("one")
    task.kill()
    task.wait()
    place.gate.clear()
    assert place.gate.waiting() == []


@pytest.mark.parametrize("script", [loads.task_script, lambda *of: loads.churn_script(*of, 60.0)],
                         ids=["task", "churn"])
def test_sigterm_ends_a_task_in_the_middle_of_its_wait(place: Place, script: Callable[..., str]) -> None:
    # Waits a minute each time, so that only the trap can end it soon.
    text = script(WRITES, ITERATIONS).replace("read -t 0.950", "read -t 60")
    assert "read -t 60" in text
    task = place.start(text)
    assert task.stdout is not None and task.stdout.readline()
    # A signal that comes between a shell's last look for signals and its wait is seen after the wait only.
    until(lambda: Path(f"/proc/{task.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S", 20, "it waits")
    began = time.monotonic()
    task.send_signal(signal.SIGTERM)
    assert task.wait(20) == 0
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(("life_s", "lines"), [(1.0, 3), (2.0, 6), (1.4, 4), (0.4, 1)])
def test_churning_task_ends_by_itself_with_0(place: Place, life_s: float, lines: int) -> None:
    task = place.start(loads.churn_script(WRITES, ITERATIONS, life_s))
    began = time.monotonic()
    log, _ = task.communicate(timeout=30)
    assert task.returncode == 0
    assert time.monotonic() - began >= life_s * (1 - WRITES.cpu) - 0.1
    assert [len(line) + 1 for line in log.splitlines()] == [LINE] * lines
    assert [path.name for path in place.data.iterdir()] == ["file"]


def test_churning_task_that_cannot_write_fails(place: Place) -> None:
    place.data.rmdir()
    assert place.start(loads.churn_script(WRITES, ITERATIONS, 1.0)).wait(20) != 0


def test_churning_task_of_load_nothing_leaves_its_layer_alone(place: Place) -> None:
    task = place.start(loads.churn_script(NOTHING, ITERATIONS, 0.2))
    assert task.communicate(timeout=20)[0] == b"" and task.returncode == 0
    assert list(place.data.iterdir()) == []


@pytest.mark.parametrize("load", [WRITES, NOTHING], ids=lambda load: load.name)
def test_task_uses_the_cpu_that_was_asked_for(place: Place, load: Load) -> None:
    # By rounds and not by time: on a busy machine a round takes longer, and uses the same. Neighbours who share its
    # caches do change it: what is right is seen in one of a few tries, what is wrong in none.
    asked = Load(load.name, "", 0, load.log_lines, cpu=0.4)
    idle = Load(load.name, "", 0, load.log_lines, cpu=0.0)
    tries = []
    for _ in range(5):
        speed = loads.calibrate.__wrapped__()
        least, used = (_cpu(place, loads.churn_script(of, speed, 1.0)) for of in (idle, asked))
        tries.append((least, used - least))
        # The first is what was not asked for: to start, to log, to wait.
        if least < 0.1 and 0.28 < used - least < 0.56:
            return
    pytest.fail(f"0.4 was asked for, and it was {tries}")


def _cpu(place: Place, script: str) -> float:
    (place.shm / "clock").unlink(missing_ok=True)
    task = place.start(script)
    _, status, usage = os.wait4(task.pid, 0)
    task.returncode = os.waitstatus_to_exitcode(status)
    assert task.returncode == 0
    return usage.ru_utime + usage.ru_stime


def test_speed_is_measured_in_cpu_and_not_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that waits longer is no slower machine."""
    asked: list[str] = []

    def cpu(_busybox: str, script: str) -> float:
        asked.append(script)
        return 0.001 + int(script.split(" -lt ")[1].split(" ")[0]) / 500_000

    monkeypatch.setattr(loads, "_cpu_of", cpu)
    assert loads.calibrate.__wrapped__() == pytest.approx(500_000)
    assert asked[0] == loads.burn(10_000)


def test_speed_without_busybox_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(Trouble, match="busybox-static"):
        loads.calibrate.__wrapped__()


def test_mount_is_the_folder_that_the_gate_made() -> None:
    mount: dict[str, Any] = Gate.mounts()[0]
    assert (mount["Type"], mount["Source"], mount["Target"]) == ("bind", loads.GATE, "/gate")
