# SPDX-License-Identifier: Apache-2.0
"""The first start on a node: nothing goes until somebody has had the time to look."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from daemon import Reaperd, Summary, until
from standin import Standin

SAID = r"^reaperd: First start here: nothing is removed for another "


def whole_list(engine: Standin, number: int = 0) -> float:
    headed = engine.asked("list")[number].headed
    assert headed
    return headed


def test_wait(engine: Standin, reaperd: Reaperd) -> None:
    """READY does not wait; the mark is there when the wait has been served, and what has ended within goes then."""
    mark = reaperd.state_directory()
    due, young = engine.add(slot=1), engine.add(slot=2, ended=600.0)
    reaperd.begin(FirstRunDelay="1s", Parallelism=1)
    reaperd.wait_log(SAID + "1s; 1 container is due")
    reaperd.wait_notified("READY=1")
    late = engine.add(slot=3)
    engine.tell_end(late)
    assert not mark.exists()
    engine.wait_removed(due, late)
    assert min(r.at for r in engine.asked("inspect")) - whole_list(engine) >= 1
    assert mark.is_file()
    engine.witness()
    assert young.id in engine.containers and reaperd.count(SAID) == 1
    assert reaperd.stop() == 0

    again = engine.add()
    reaperd.begin(FirstRunDelay="1h")
    engine.wait_removed(again)
    assert reaperd.count(SAID) == 0
    assert reaperd.stop() == 0


def test_restart_within_begins_anew(engine: Standin, reaperd: Reaperd) -> None:
    mark = reaperd.state_directory()
    due = engine.add()
    reaperd.begin(FirstRunDelay="1s")
    reaperd.wait_log(SAID)
    assert reaperd.stop() == 0
    assert not mark.exists()
    reaperd.begin()
    engine.wait_removed(due)
    assert engine.asked("inspect")[0].at - whole_list(engine, 1) >= 1
    assert mark.is_file() and reaperd.count(SAID) == 1


def test_wait_begins_with_a_whole_list(engine: Standin, reaperd: Reaperd) -> None:
    mark = reaperd.state_directory()
    due = engine.add()
    engine.fault("list", cut=100)
    reaperd.begin(FirstRunDelay="500ms")
    engine.wait_removed(due)
    assert engine.asked("inspect")[0].at - whole_list(engine, 1) >= 0.5
    assert mark.is_file()


def test_connection_lost_within(engine: Standin, reaperd: Reaperd) -> None:
    """The time goes on."""
    mark = reaperd.state_directory()
    due = engine.add()
    reaperd.begin(FirstRunDelay="2s")
    reaperd.wait_log(SAID)
    engine.resync()
    engine.wait_removed(due)
    assert 2 <= engine.asked("inspect")[0].at - whole_list(engine) < 4
    assert mark.is_file() and reaperd.count(SAID) == 1


def test_engine_is_away_when_it_ends(engine: Standin, reaperd: Reaperd) -> None:
    """The wait was served; what is due goes when the engine is back."""
    mark = reaperd.state_directory()
    due = engine.add()
    reaperd.begin(FirstRunDelay="300ms")
    reaperd.wait_log(SAID)
    engine.stop()
    time_up = time.monotonic() + 0.3
    until(lambda: mark.exists() or time.monotonic() > time_up + 0.5, "the end of the wait")
    engine.start()
    engine.wait_removed(due)
    assert mark.is_file()


def test_reload_within(engine: Standin, reaperd: Reaperd) -> None:
    """It does not count as served because the configuration is read again."""
    mark = reaperd.state_directory()
    due = [engine.add(slot=n) for n in range(3)]
    reaperd.begin(Success="24h", FirstRunDelay="1s", SurgeLimit=5)
    reaperd.wait_log(SAID)
    reaperd.reload(Success="1h")
    engine.wait_removed(*due)
    assert 1 <= engine.asked("inspect")[0].at - whole_list(engine) < 3
    assert mark.is_file()


def test_no_delay(engine: Standin, reaperd: Reaperd) -> None:
    mark = reaperd.state_directory()
    due = engine.add()
    reaperd.begin(FirstRunDelay="0")
    engine.wait_removed(due)
    until(mark.is_file, "the mark")
    assert reaperd.count(SAID) == 0


def test_no_state_directory(engine: Standin, reaperd: Reaperd) -> None:
    """By hand there is no such wait."""
    due = engine.add()
    reaperd.begin(FirstRunDelay="1h")
    engine.wait_removed(due)
    assert reaperd.count(SAID) == 0


@pytest.mark.parametrize("options", [("--once",), ("--dry-run",), ("--once", "--dry-run")], ids=" ".join)
def test_no_wait_and_no_mark(engine: Standin, reaperd: Reaperd, options: tuple[str, ...]) -> None:
    mark = reaperd.state_directory()
    engine.add()
    if "--once" in options:
        assert reaperd.once(*options[1:], FirstRunDelay="1h") == Summary(0, 1, 0, 0, 0, "--dry-run" in options)
    else:
        reaperd.start(*options, FirstRunDelay="1h")
        reaperd.wait_log("Would remove")
        assert reaperd.stop() == 0
    assert not mark.exists() and reaperd.count(SAID) == 0


def test_first_path_counts(engine: Standin, reaperd: Reaperd) -> None:
    """Of several, as a unit with StateDirectory=a b has them."""
    mark = reaperd.state_directory()
    second = reaperd.directory / "second"
    second.mkdir()
    (second / mark.name).touch()
    reaperd.environment["STATE_DIRECTORY"] += f":{second}"
    due = engine.add()
    reaperd.begin(FirstRunDelay="300ms")
    engine.wait_removed(due)
    assert reaperd.count(SAID) == 1 and mark.is_file()


@pytest.mark.parametrize("how", ["missing", "file", "empty", "full"])
def test_directory_of_no_use(engine: Standin, reaperd: Reaperd, how: str) -> None:
    """Nothing can be remembered there: it waits, says so once and goes on; the next start waits again."""
    mark = reaperd.state_directory()
    path: Path | str = mark.parent
    if how == "file":
        path = reaperd.config
    elif how == "missing":
        path = mark.parent / "nowhere"
    elif how == "full":
        path = "/dev/full"
    due = engine.add()
    reaperd.environment["STATE_DIRECTORY"] = "" if how == "empty" else str(path)
    reaperd.begin(FirstRunDelay="1h" if how == "empty" else "300ms")
    engine.wait_removed(due)
    engine.resync()
    engine.witness()
    assert reaperd.count("first-run-done") == (0 if how == "empty" else 1)
    assert reaperd.count(SAID) == (0 if how == "empty" else 1)
    assert reaperd.stop() == 0
