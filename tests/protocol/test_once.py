# SPDX-License-Identifier: Apache-2.0
"""--once, --dry-run, and the end by SIGTERM: how reaperd begins and ends, and its exit status."""

from __future__ import annotations

import threading

import pytest

from daemon import Reaperd, Summary, until
from standin import Standin


def test_nothing_to_do(engine: Standin, reaperd: Reaperd) -> None:
    assert reaperd.once() == Summary(0, removed=0, gone=0, failed=0, kept=0)


def test_all_outcomes_in_one_pass(engine: Standin, reaperd: Reaperd) -> None:
    for n in range(5):
        engine.add(slot=n)
    engine.add(slot=5, removals=["404"])
    engine.add(slot=6, removals=["500"] * 9)
    engine.add(slot=7, state="running")
    engine.add(slot=8, ended=600.0)
    assert reaperd.once() == Summary(1, removed=5, gone=1, failed=1, kept=2)
    assert reaperd.count("Removed") == 5


@pytest.mark.parametrize(("failures", "status", "attempts"), [(2, 0, 3), (3, 1, 3), (9, 1, 3)])
def test_three_attempts(engine: Standin, reaperd: Reaperd, failures: int, status: int,
                        attempts: int) -> None:
    c = engine.add(removals=["500"] * failures)
    result = reaperd.once(QuarantineAfter=8)
    assert (result.status, result.removed, result.failed) == (status, 1 - status, status)
    assert len(engine.asked("remove", c)) == attempts


def test_silent_delete_in_one_pass(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(removals=["stuck"] * 9)
    result = reaperd.once(RequestTimeout="1s")
    assert (result.status, result.failed) == (1, 1)
    assert 1 <= len(engine.asked("remove", c)) <= 3


def test_engine_dies_in_the_pass(engine: Standin, reaperd: Reaperd) -> None:
    engine.add(removals=["stuck"])
    reaperd.start("--once")
    engine.wait_asked("remove")
    engine.stop()
    assert reaperd.wait_exit() in (1, 2)


def test_dry_run_once(engine: Standin, reaperd: Reaperd) -> None:
    due = [engine.add(slot=n) for n in range(5)]
    engine.add(state="running")
    result = reaperd.once("--dry-run")
    assert result == Summary(0, removed=5, gone=0, failed=0, kept=1, dry=True)
    assert not engine.asked("remove")
    for c in due:
        record = rf"^reaperd: Would remove {c.short} {c.name}: ttl-expired, age 2h\b.*, exit 0$"
        assert reaperd.count(record) == 1
    assert reaperd.count("Removed") == 0


def test_dry_run_on_an_engine_that_settles(engine: Standin, reaperd: Reaperd) -> None:
    """A look at what would go need not wait; what removes does."""
    c = engine.add()
    assert reaperd.once("--dry-run", SettleTime="1h") == Summary(0, removed=1, gone=0, failed=0, kept=0, dry=True)
    assert reaperd.count(f"Would remove {c.short} ") == 1
    assert reaperd.once() == Summary(0, removed=0, gone=0, failed=0, kept=1)
    assert not engine.asked("remove")


def test_dry_run_as_a_daemon(engine: Standin, reaperd: Reaperd) -> None:
    """A would-be removal counts as gone and is said once, however often it is listed."""
    due = [engine.add(slot=n) for n in range(5)]
    reaperd.start("--dry-run")
    until(lambda: reaperd.count("Would remove") >= 5, "five records", detail=reaperd.log)
    for _ in range(3):
        engine.resync()
    assert reaperd.stop() == 0
    assert not engine.asked("remove")
    assert [reaperd.count(f"Would remove {c.short} ") for c in due] == [1] * 5
    assert [len(engine.asked("inspect", c)) for c in due] == [1] * 5


@pytest.mark.parametrize("phase", ["idle", "no-engine", "silent-engine", "cut-list"])
def test_sigterm_at_rest(engine: Standin, reaperd: Reaperd, phase: str) -> None:
    if phase == "no-engine":
        engine.server.refuse()
    elif phase == "silent-engine":
        engine.fault("any", times=None, hang=True)
    elif phase == "cut-list":
        engine.fault("list", times=None, cut=1)
    reaperd.start()
    if phase == "no-engine":
        reaperd.wait_log(".")
    elif phase == "silent-engine":
        engine.wait(lambda: engine.requests, "a request")
    else:
        engine.wait_answered("list")
    assert reaperd.stop() == 0


def test_sigterm_while_a_delete_hangs(engine: Standin, reaperd: Reaperd) -> None:
    """It waits, but not for ever, and begins nothing new."""
    for n in range(5):
        engine.add(slot=n, removals=["stuck"] * 9)
    reaperd.start(Parallelism=1)
    engine.wait_asked("remove")
    reaperd.terminate()
    reaperd.wait_notified("STOPPING=1")
    before = len(engine.requests)
    fresh = engine.add(slot=9)
    engine.emit("die", fresh, fresh.finished, exitCode="0")
    assert reaperd.wait_exit(timeout=15) == 0
    assert len(engine.requests) == before and not engine.removed


def test_sigterm_waits_for_what_is_under_way(engine: Standin, reaperd: Reaperd) -> None:
    due = [engine.add(slot=n) for n in range(6)]
    gate = threading.Event()
    engine.fault("remove", times=None, hold=gate)
    reaperd.start(Parallelism=2)
    engine.wait_asked("remove", 2)
    reaperd.terminate()
    reaperd.wait_notified("STOPPING=1")
    gate.set()
    assert reaperd.wait_exit() == 0
    assert len(engine.removed) == 2 and reaperd.count("Removed") == 2
    assert len(engine.containers) == len(due) - 2


def test_sigterm_between_inspect_and_delete(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add()
    gate = threading.Event()
    engine.fault("inspect", times=None, hold=gate)
    reaperd.start()
    engine.wait_asked("inspect")
    reaperd.terminate()
    reaperd.wait_notified("STOPPING=1")
    gate.set()
    assert reaperd.wait_exit() == 0
    assert not engine.asked("remove") and c.id in engine.containers
