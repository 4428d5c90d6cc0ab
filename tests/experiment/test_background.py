# SPDX-License-Identifier: Apache-2.0
"""Work beside the measuring: that it is done, what it costs, and that it ends at once. The docker is a script."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Callable

import pytest

from experiment.background import Closed, Docker, Repeated, environment
from experiment.latency import Latency
from experiment.rig import Trouble

Script = Callable[[str], None]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Makes a docker command of a shell script."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def make(script: str) -> None:
        program = tmp_path / "docker"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return make


def test_the_command_gets_the_engine_and_says_what_it_says(docker: Script) -> None:
    docker('echo "$@"; echo "context $DOCKER_CONTEXT config $DOCKER_CONFIG" >&2; exit 3')
    done = Docker("/tmp/x.sock").run("ps", "--all")
    assert done.output == "--host unix:///tmp/x.sock ps --all\ncontext  config /nonexistent\n"
    assert done.status == 3 and 0 < done.wall < 10


def test_cpu_and_memory_are_those_of_the_command(docker: Script) -> None:
    docker("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
    done = Docker("/tmp/x.sock").run("ps")
    assert 0.01 < done.cpu <= done.wall + 0.1
    # A shell's, not that of a python of tens of MB from which it was forked.
    assert 100_000 < done.rss < 8_000_000


def test_close_ends_a_command_at_once(docker: Script, tmp_path: Path) -> None:
    docker(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    command, caught = Docker("/tmp/x.sock"), []

    def run() -> None:
        with pytest.raises(Closed):
            command.run("ps")
        caught.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    pid = _await_text(tmp_path / "pid")
    began = time.monotonic()
    command.close()
    thread.join(20)
    assert caught and time.monotonic() - began < 20 and not Path("/proc", pid).exists()
    with pytest.raises(Closed):
        command.run("ps")


def test_users_settings_for_docker_are_left_out() -> None:
    kept = environment({"PATH": "/bin", "DOCKER_HOST": "tcp://1.2.3.4", "DOCKER_CONTEXT": "far", "HTTPS_PROXY": "p"})
    assert kept == {"PATH": "/bin", "DOCKER_CONFIG": "/nonexistent"}


def test_work_is_repeated_and_may_say_when() -> None:
    calls, done = [], threading.Event()

    def work() -> float | None:
        calls.append(1)
        if len(calls) == 4:
            done.set()
        return 0.0 if len(calls) < 3 else None

    with Repeated(work, 0.01) as repeated:
        assert done.wait(10)
        repeated.check()


def test_an_error_ends_the_work_and_comes_out() -> None:
    with Repeated(lambda: _fail(), 0.001) as repeated:
        repeated.__exit__()
        with pytest.raises(OSError, match="once"):
            repeated.check()


def test_one_that_waits_ends_at_once() -> None:
    began = time.monotonic()
    with Repeated(lambda: _fail(), 1000.0, first=1000.0) as repeated:
        pass
    repeated.check()
    assert time.monotonic() - began < 60


def test_latency_is_that_of_the_real_command(docker: Script) -> None:
    docker("sleep 0.1")
    began = time.monotonic()
    with Latency("/tmp/x.sock", 0.01) as latency:
        while not latency.by_second(began):
            time.sleep(0.01)
            latency.check()
    second, wait = next(iter(latency.by_second(began).items()))
    assert second >= 0 and 100 <= wait < 10_000


def test_a_docker_ps_that_fails_is_told(docker: Script) -> None:
    docker("echo no such engine >&2; exit 1")
    with Latency("/tmp/x.sock", 0.01) as latency, pytest.raises(Trouble, match="status 1: no such engine"):
        while True:
            latency.check()
            time.sleep(0.01)


def test_a_docker_ps_that_hangs_holds_up_nobody(docker: Script, tmp_path: Path) -> None:
    docker(f"echo $$ > {tmp_path}/pid; exec sleep 100")
    began = time.monotonic()
    with Latency("/tmp/x.sock", 0.01):
        pid = _await_text(tmp_path / "pid")
    assert time.monotonic() - began < 60 and not Path("/proc", pid).exists()


def _fail() -> None:
    raise OSError("once")


def _await_text(path: Path) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text().strip()):
            return text
        time.sleep(0.01)
    raise TimeoutError(path)
