# SPDX-License-Identifier: Apache-2.0
"""KeepLast= and KeepLastFailure= by what lists and events tell: no end, or one that is not exact.

Which are the newest of a slot only inspects tell for certain. They are asked for as far as it takes, and an
engine that does not answer about one container costs nobody else anything.
"""

from __future__ import annotations

from typing import Any

import pytest

from daemon import Reaperd, Summary
from engine_model import Container, container_event
from standin import Standin

HOUR = 3600.0


def in_turn(engine: Standin, count: int, *, slot: int = 1, code: int = 0, **facts: Any) -> list[Container]:
    """Containers of one slot, each created when the one before had ended; the last ended two hours ago."""
    return [engine.add(slot=slot, ended=2 * HOUR + 600 * n, age=2 * HOUR + 600 * n + 500, exit_code=code, **facts)
            for n in reversed(range(count))]


def side_by_side(engine: Standin, count: int, *, slot: int = 1, code: int = 0, **facts: Any) -> list[Container]:
    """All created together, as an engine that was restarted leaves them; the first ended first."""
    return [engine.add(slot=slot, ended=2 * HOUR + 60 * n, age=4 * HOUR, exit_code=code, **facts)
            for n in reversed(range(count))]


@pytest.mark.parametrize("keep", [1, 3, 9])
def test_in_turn(engine: Standin, reaperd: Reaperd, keep: int) -> None:
    """Creation bounds the end: those that stay need not be asked, or once."""
    made = in_turn(engine, 10)
    reaperd.begin(KeepLast=keep, Parallelism=1)
    engine.wait_removed(*made[:-keep])
    engine.witness()
    assert set(engine.containers) == {c.id for c in made[-keep:]}
    assert all(engine.story(c) in (["inspect", "remove"], ["inspect", "inspect", "remove"]) for c in made[:-keep])
    assert all(len(engine.asked("inspect", c)) <= 1 for c in made[-keep:])
    assert engine.tally()["inspect"] <= 2 + 10 + 1  # two of them the witness's


@pytest.mark.parametrize("keep", [1, 5, 19])
@pytest.mark.parametrize("order", [1, -1], ids=["as-listed", "reversed"])
def test_side_by_side(engine: Standin, reaperd: Reaperd, keep: int, order: int) -> None:
    """Nothing but inspects tells their order: one of each at first, one more before each removal."""
    made = side_by_side(engine, 20)
    engine.containers = dict(list(engine.containers.items())[::order])
    reaperd.begin(KeepLast=keep)
    engine.wait_removed(*made[:-keep])
    engine.resync()
    engine.witness()
    assert set(engine.containers) == {c.id for c in made[-keep:]}
    assert engine.tally()["inspect"] <= 2 + 20 + (20 - keep)
    assert all(len(engine.asked("inspect", c)) <= 1 for c in made[-keep:])


def test_one_pass(engine: Standin, reaperd: Reaperd) -> None:
    made = [side_by_side(engine, 5, slot=n) for n in range(1, 5)]
    assert reaperd.once(KeepLast=2) == Summary(0, 12, 0, 0, 8)
    assert set(engine.containers) == {c.id for slot in made for c in slot[-2:]}
    assert engine.tally()["inspect"] <= 20 + 12


def test_none_is_asked_for_nothing(engine: Standin, reaperd: Reaperd) -> None:
    """What neither is due nor decides about one that is costs no call."""
    for n in range(1, 20):
        engine.add(slot=n, ended=600.0)
        engine.add(slot=n, ended=1200.0)
    reaperd.begin(KeepLast=1, Parallelism=1)
    engine.witness()
    assert engine.tally()["inspect"] == 2


@pytest.mark.parametrize("how", [{"hang": True}, {"status": 500}, {"edit": lambda body: b"{"}],
                         ids=["hangs", "500", "garbage"])
def test_peer_that_cannot_be_asked(engine: Standin, reaperd: Reaperd, how: dict[str, Any]) -> None:
    """It may be the older one, so the other may be the last: it stays for KeepLastFor, and nobody else waits."""
    stuck = engine.add(slot=1, ended=3 * HOUR, age=4 * HOUR)
    kept = engine.add(slot=1, ended=2.5 * HOUR, age=5 * HOUR)
    engine.fault("inspect", stuck, times=None, **how)
    reaperd.begin(KeepLast=1, QuarantineAfter=2, RequestTimeout="1s", Parallelism=2)
    engine.witness()
    reaperd.wait_log("left alone")
    engine.witness()
    assert kept.id in engine.containers and not engine.asked("remove", kept)
    assert len(engine.asked("inspect", stuck)) == 2 and len(engine.asked("inspect", kept)) <= 2
    assert reaperd.stop() == 0


def test_peer_that_cannot_be_asked_for_ever(engine: Standin, reaperd: Reaperd) -> None:
    """KeepLastFor ends it, to the second."""
    stuck = engine.add(slot=1, ended=3 * HOUR, age=4 * HOUR)
    kept = engine.add(slot=1, ended=2.5 * HOUR, age=5 * HOUR)
    engine.fault("inspect", stuck, times=None, status=500)
    reaperd.begin(KeepLast=1, KeepLastFor="2h 30min 2s")
    engine.wait_removed(kept)
    reaperd.wait_log(f"Removed {kept.short} .*, age 2h 30min 2s,")
    assert stuck.id in engine.containers


def test_peer_answers_at_last(engine: Standin, reaperd: Reaperd) -> None:
    newest = engine.add(slot=1, ended=2 * HOUR, age=4 * HOUR)
    other = engine.add(slot=1, ended=2.5 * HOUR, age=5 * HOUR)
    engine.fault("inspect", newest, times=2, status=500)
    reaperd.begin(KeepLast=1)
    engine.wait_removed(other)
    engine.witness()
    assert newest.id in engine.containers


def test_keep_last_for(engine: Standin, reaperd: Reaperd) -> None:
    made = in_turn(engine, 4)  # the last ended 120 minutes ago, the others 130, 140 and 150
    reaperd.begin(KeepLast=3, KeepLastFor="125min", Parallelism=1)
    engine.wait_removed(*made[:3])
    engine.witness()
    assert made[3].id in engine.containers


def test_newer_failure_frees_the_older(engine: Standin, reaperd: Reaperd) -> None:
    """As soon as its end is told; a success in between frees nothing."""
    first = engine.add(slot=1, exit_code=1)
    reaperd.begin(KeepLastFailure=1, Failure="1h", Success="infinity", Parallelism=1)
    engine.wait_asked("inspect", 1, first)
    success = engine.add(slot=1, ended=6000.0)
    engine.tell_end(success)
    engine.witness()
    assert first.id in engine.containers
    second = engine.add(slot=1, ended=5000.0, exit_code=3)
    engine.tell_end(second)
    engine.wait_removed(first)
    engine.witness()
    assert set(engine.containers) == {success.id, second.id}


def test_newer_failure_that_was_only_told(engine: Standin, reaperd: Reaperd) -> None:
    """An event's word on how it ended frees nobody: the exit code may be a label's. The inspect decides."""
    first = engine.add(slot=1, exit_code=1)
    reaperd.begin(KeepLastFailure=1, Failure="1h", Success="1h", Parallelism=1)
    engine.wait_asked("inspect", 1, first)
    success = engine.add(slot=1, ended=6000.0)
    engine.emit("die", success, success.finished, exitCode="1")
    engine.wait_removed(success)
    engine.witness()
    assert first.id in engine.containers


def test_newer_one_starts_again(engine: Standin, reaperd: Reaperd) -> None:
    """It has no end then, so it frees nobody; nor does one that is gone."""
    older, newer = in_turn(engine, 2, code=1)
    reaperd.begin(KeepLastFailure=1, Failure="130min 4s", Parallelism=1)
    engine.restart_container(newer)
    engine.witness()
    engine.resync()
    engine.witness()
    assert reaperd.stop() == 0
    assert older.id in engine.containers


def test_failure_and_success_apart(engine: Standin, reaperd: Reaperd) -> None:
    """The last failure is kept behind any number of successes."""
    failure, *successes = in_turn(engine, 6)
    failure.exit_code = 1
    assert reaperd.once(KeepLast=2, KeepLastFailure=1, Failure="1h") == Summary(0, 3, 0, 0, 3)
    assert set(engine.containers) == {failure.id, *(c.id for c in successes[-2:])}


@pytest.mark.parametrize("facts", [{"exit_code": 137, "oom_killed": True}, {"exit_code": 9}], ids=["oom", "failure"])
def test_what_counts_as_a_failure(engine: Standin, reaperd: Reaperd, facts: dict[str, Any]) -> None:
    c = engine.add(**facts)
    reaperd.begin(KeepLastFailure=1, Failure="10s", Parallelism=1)
    engine.wait_asked("inspect", 1, c)
    engine.witness()
    assert c.id in engine.containers


def test_shutdown_is_no_failure(engine: Standin, reaperd: Reaperd) -> None:
    engine.add(exit_code=143)
    assert reaperd.once(KeepLastFailure=1, Failure="1h") == Summary(0, 1, 0, 0, 0)


def test_orphans_neither_stay_nor_count(engine: Standin, reaperd: Reaperd) -> None:
    own = engine.add(slot=1, ended=2.5 * HOUR)
    engine.add(slot=1, node="another")
    assert reaperd.once(KeepLast=1) == Summary(0, 1, 0, 0, 1)
    assert own.id in engine.containers


def test_slots(engine: Standin, reaperd: Reaperd) -> None:
    """A service's slots, a global service's node, and each task of a job by itself."""
    kept = [engine.add(slot=n) for n in (1, 2)] + [engine.add(service="agent", name=f"agent.{'n' * 25}.{'t' * 25}")]
    gone = [engine.add(slot=1, ended=3 * HOUR),
            engine.add(service="agent", name=f"agent.{'n' * 25}.{'u' * 25}", ended=3 * HOUR)]
    for c in (*kept, *gone):
        c.labels["com.docker.swarm.task.name"] = c.name
        c.labels["com.docker.swarm.task.id"] = c.name.rpartition(".")[2]
    assert reaperd.once(KeepLast=1) == Summary(0, 2, 0, 0, 3)
    assert set(engine.containers) == {c.id for c in kept}


def test_slots_of_others(engine: Standin, reaperd: Reaperd) -> None:
    """Of a Compose service, else of an image."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap", KeepLast=1)
    kept = [engine.add_plain(project="shop"), engine.add_plain(project="mail"), engine.add_plain(image="a"),
            engine.add_plain(image="b")]
    gone = [engine.add_plain(ended=3 * HOUR, **facts) for facts in ({"project": "shop"}, {"image": "a"})]
    assert reaperd.once().removed == 2
    assert set(engine.removed) == {c.id for c in gone} and len(engine.containers) == len(kept)


def test_many_in_one_slot(engine: Standin, reaperd: Reaperd) -> None:
    """A thousand side by side: one inspect of each, a second of those that go, and no thinking for long."""
    made = side_by_side(engine, 1000)
    for n, c in enumerate(made):
        assert c.finished
        c.finished += n * 10**6
    reaperd.begin(KeepLast=50, Parallelism=16)
    engine.wait_removed(*made[:-50], timeout=40)
    engine.witness()
    assert set(engine.containers) == {c.id for c in made[-50:]}
    assert engine.tally()["inspect"] <= 2 + 2 * 1000
    assert reaperd.cpu_ticks() < 300


@pytest.mark.parametrize("keep", ["infinity", "10000"])
def test_all_of_many_in_one_slot(engine: Standin, reaperd: Reaperd, keep: str) -> None:
    """More is kept than there is, so nothing goes, and nobody has to be compared with everybody."""
    made = [engine.add(ended=90000.0 - n) for n in range(2000)]
    reaperd.begin(KeepLast=keep, KeepLastFor="infinity", Parallelism=16)
    engine.witness()
    assert len(engine.containers) == len(made) and engine.tally()["inspect"] <= 2000 + 2
    assert reaperd.cpu_ticks() < 300


def test_ends_in_one_second(engine: Standin, reaperd: Reaperd) -> None:
    """Events tell an end to within a second or two: what is closer is asked for."""
    reaperd.begin(KeepLast=1, Parallelism=1)
    older, newer = engine.add(slot=1, ended=2 * HOUR), engine.add(slot=1, ended=2 * HOUR)
    assert older.finished and newer.finished
    newer.finished = older.finished + 10**8
    engine.emit_event(container_event("die", newer, newer.finished, exitCode="0"),
                      container_event("die", older, newer.finished + 10**9, exitCode="0"))
    engine.wait_removed(older)
    engine.witness()
    assert newer.id in engine.containers
