# SPDX-License-Identifier: Apache-2.0
"""The wait of a first start under $STATE_DIRECTORY, and everything that has none."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from bench import Bench
from cast import Cast
from lab import Reaper, until

DELAY = 6
PARTS = ("first", "later", "once", "zero")


class Stage(Cast):
    """A stock in four parts, old enough for anything; `state` is $STATE_DIRECTORY."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        for name in PARTS:
            self.service(name, replicas=2)
        for name in PARTS:
            self.await_ended(name, 2)
        until(lambda: bench.age(self.ids(*PARTS)) > 10.5, 15, "everything is old enough")
        self.state = self.folder("state")

    def folder(self, name: str) -> Path:
        made = self.bench.engine.dir / name
        made.mkdir()
        return made

    def start(self, part: str, *arguments: str, state: Path | None = None, delay: Any = DELAY) -> Reaper:
        """A run that lets one part go; systemd gives it two folders."""
        settings = {"Success": "1h", "FirstRunDelay": f"{delay}s",
                    "Rule go": {"Service": part, "Success": "10s"}}
        folder = state or self.state
        return self.bench.reaper(*arguments, settings=settings,
                                 environment={"STATE_DIRECTORY": f"{folder}:/nonexistent"})


@pytest.fixture(scope="module")
def stage(bench: Bench) -> Stage:
    with bench.scenario():
        return Stage(bench)


@pytest.fixture(autouse=True)
def alone(bench: Bench) -> Iterator[None]:
    """No run outlives its test, also when that fails."""
    yield
    bench.stop_reapers()


def mark(folder: Path) -> bool:
    return (folder / "first-run-done").exists()


def test_stopped_within_the_wait(stage: Stage) -> None:
    """READY is not delayed; nothing goes; the wait has not been served."""
    reaper = stage.start("first").await_ready(3)
    until(lambda: reaper.said("First start here: nothing is removed for another "), 3, "it says so")
    assert f"another {DELAY}s; 2 containers are due" in reaper.said("First start here")[0]
    until(lambda: time.time() > reaper.started + DELAY - 2, DELAY, "most of the wait")
    assert reaper.stop() == 0
    assert stage.here("first") and not mark(stage.state)


def test_waits_anew_and_then_removes(bench: Bench, stage: Stage) -> None:
    reaper = stage.start("first").await_ready(3)
    until(lambda: time.time() > reaper.started + DELAY - 0.5, DELAY, "the wait")
    assert stage.here("first") and not mark(stage.state)
    bench.await_gone(stage.ids("first"), 6)
    assert mark(stage.state) and reaper.said("The wait of the first start is over")
    assert reaper.stop() == 0


def test_not_again_after_it(bench: Bench, stage: Stage) -> None:
    reaper = stage.start("later", delay=600).await_ready()
    bench.await_gone(stage.ids("later"), 5)
    assert not reaper.said("First start")
    assert reaper.stop() == 0


def test_reload_changes_the_wait(bench: Bench, stage: Stage) -> None:
    """Without one from now on, it ends at once, and with the mark."""
    state = stage.folder("reloaded")
    reaper = stage.start("nothing", state=state, delay=600).await_ready()
    until(lambda: reaper.said("First start"), 3, "the wait")
    assert not mark(state)
    reaper.reload({**reaper.settings, "FirstRunDelay": "0"})
    until(lambda: mark(state), 5, "the mark")
    assert reaper.stop() == 0


def test_once_and_dry_run_do_not_wait(bench: Bench, stage: Stage) -> None:
    state = stage.folder("unused")
    reaper = stage.start("once", "--dry-run", state=state).await_ready()
    until(lambda: len(reaper.said("Would remove ")) == 2, 5, "two decisions")
    assert reaper.stop() == 0
    assert stage.start("once", "--once", state=state).wait() == 0
    assert not stage.ids("once") & bench.ids()
    assert not mark(state)


def test_no_delay_no_wait(bench: Bench, stage: Stage) -> None:
    state = stage.folder("zero")
    stage.start("zero", state=state, delay=0).await_ready()
    bench.await_gone(stage.ids("zero"), 5)
    assert mark(state)


def test_oracle(bench: Bench, stage: Stage) -> None:
    assert bench.judge().removed == stage.ids(*PARTS)
    assert [run.first_run for run in bench.history().runs] == [True, True, False, True, False, False, True]
