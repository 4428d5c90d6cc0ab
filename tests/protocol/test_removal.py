# SPDX-License-Identifier: Apache-2.0
"""Inspect, then DELETE: every way in which a removal can end, and what is asked of the engine meanwhile.

That there is no force and never a second request for a container under way is checked in every test, by the
engine's fixture.
"""

from __future__ import annotations

import threading
import time

import pytest

from daemon import Reaperd, Summary
from engine_model import Container
from standin import Standin, ring_event


def story(engine: Standin, c: Container) -> list[str]:
    """What was asked about one container, in order."""
    with engine.changed:
        return [r.route for r in engine.requests if r.ident == c.id]


@pytest.mark.parametrize(("volumes", "query"), [("swarm", {"v": "1"}), ("always", {"v": "1"}), ("never", {}),
                                                ("", {"v": "1"})])
def test_volumes(engine: Standin, reaperd: Reaperd, volumes: str, query: dict[str, str]) -> None:
    c = engine.add()
    assert reaperd.once(RemoveVolumes=volumes) == Summary(0, removed=1, gone=0, failed=0, kept=0)
    assert story(engine, c) == ["inspect", "remove"]
    assert engine.asked("remove")[0].query == query


def test_record(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(exit_code=3, ended=90000 * 1.5)
    reaperd.once()
    record = rf"^reaperd: Removed {c.short} {c.name}: ttl-expired, age 1d 13h 30min\b.*, exit 3$"
    assert reaperd.count(record) == 1


def test_gone_before_inspect(engine: Standin, reaperd: Reaperd) -> None:
    c, other = engine.add(slot=1), engine.add(slot=2)
    engine.fault("inspect", c, before=lambda: engine.vanish(c))
    assert reaperd.once() == Summary(0, removed=1, gone=1, failed=0, kept=0)
    assert story(engine, c) == ["inspect"] and engine.removed == [other.id]


def test_gone_before_delete(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(removals=["404"])
    assert reaperd.once() == Summary(0, removed=0, gone=1, failed=0, kept=0)
    assert story(engine, c) == ["inspect", "remove"]
    assert reaperd.count("Removed") == 0


@pytest.mark.parametrize("told", [True, False])
def test_restarted_between_inspect_and_delete(engine: Standin, reaperd: Reaperd, told: bool) -> None:
    """Refused without force; the container runs, so it is forgotten until it ends again."""
    c = engine.add()
    # Not before: the event may come ahead of an answer to the inspect, and then there is no DELETE.
    engine.fault("remove", c, before=lambda: engine.restart_container(c, tell=told))
    reaperd.start(Parallelism=1, Success="10s")
    engine.wait_asked("remove", 1, c)
    engine.witness()
    assert story(engine, c).count("remove") == 1
    assert c.id in engine.containers and c.state == "running"
    if told:
        with engine.changed:
            c.state, c.finished = "exited", time.time_ns()
            engine.emit("die", c, exitCode="0")
        engine.wait_removed(c, timeout=40)
    assert reaperd.count("left alone") == 0


def test_restarted_counts_as_kept(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(removals=["running"])
    result = reaperd.once()
    assert (result.status, result.removed, result.failed) == (0, 0, 0)
    assert story(engine, c).count("remove") == 1


def test_being_removed_by_somebody(engine: Standin, reaperd: Reaperd) -> None:
    """409 and `removing`: wait and look; the other one's removal fails, so it is ours again."""
    c = engine.add(removals=["removing"])
    engine.fault("inspect", c)  # the first is as usual
    engine.fault("inspect", c, before=lambda: setattr(c, "state", "dead"))
    reaperd.start()
    engine.wait_removed(c)
    assert story(engine, c) == ["inspect", "remove"] * 2


def test_still_being_removed_by_somebody(engine: Standin, reaperd: Reaperd) -> None:
    """As long as it lasts it is looked at, and no DELETE is sent into it."""
    c = engine.add(removals=["removing"])
    reaperd.start(Parallelism=1)
    engine.wait_asked("inspect", 2, c)
    engine.witness()
    assert story(engine, c).count("remove") == 1


def test_removed_by_somebody_meanwhile(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(removals=["removing"])
    reaperd.start(Parallelism=1)
    engine.wait_asked("remove", 1, c)
    engine.vanish(c)
    engine.witness()
    assert reaperd.stop() == 0
    assert story(engine, c).count("remove") == 1
    assert reaperd.count(f"Removed {c.short}") == 0


def test_busy_driver_is_tried_again(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(removals=["500", "500"])
    reaperd.start()
    engine.wait_removed(c)
    assert story(engine, c) == ["inspect", "remove"] * 3
    assert reaperd.stop() == 0
    assert reaperd.count(f"Removed {c.short}") == 1
    assert reaperd.count("left alone") == 0


@pytest.mark.parametrize("how", ["driver-busy", "inspect-500", "inspect-garbage"])
def test_quarantine(engine: Standin, reaperd: Reaperd, how: str) -> None:
    """One warning after so many failures; the others do not notice."""
    stuck = engine.add(slot=1)
    others = [engine.add(slot=n) for n in range(2, 7)]
    if how == "driver-busy":
        stuck.removals = ["500"] * 100
    elif how == "inspect-500":
        engine.fault("inspect", stuck, times=None, status=500)
    else:
        engine.fault("inspect", stuck, times=None, edit=lambda body: b"{")
    engine.emit_event(ring_event(100))  # or each connection could be to another engine
    reaperd.start(QuarantineAfter=3, ResyncInterval="10s", Parallelism=1)
    engine.wait_removed(*others)
    reaperd.wait_log("left alone")
    tried = story(engine, stuck)
    assert tried.count("remove" if how == "driver-busy" else "inspect") == 3
    if how == "driver-busy":
        engine.wait_answered("list", len(engine.asked("list")) + 1)
    else:
        engine.resync()
    engine.witness()
    assert story(engine, stuck) == tried
    assert reaperd.count("left alone") == 1
    assert reaperd.stop() == 0


def test_timed_out_delete_looks_first(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(removals=["stuck"])
    reaperd.start(RequestTimeout="2s")
    engine.wait_removed(c)
    assert story(engine, c) == ["inspect", "remove"] * 2


def test_timed_out_delete_was_done(engine: Standin, reaperd: Reaperd) -> None:
    """The engine finishes a DELETE although the client went away: a look shows it; nothing is repeated."""
    c = engine.add(removals=["hang"])
    reaperd.start(RequestTimeout="2s", Parallelism=1)
    engine.wait_asked("inspect", 2, c)
    engine.witness()
    assert story(engine, c) == ["inspect", "remove", "inspect"]
    assert reaperd.stop() == 0


def test_stuck_inspect_blocks_nobody(engine: Standin, reaperd: Reaperd) -> None:
    """An inspect cannot be cancelled in the engine: one at a time, and again only after the time-out."""
    c = engine.add(slot=1)
    others = [engine.add(slot=n) for n in range(2, 12)]
    engine.fault("inspect", c, hang=True)
    reaperd.start(RequestTimeout="3s", Parallelism=2)
    engine.wait_removed(*others)
    engine.wait_removed(c)
    assert story(engine, c) == ["inspect", "inspect", "remove"]


def test_engine_goes_away_during_delete(engine: Standin, reaperd: Reaperd) -> None:
    """A broken connection says nothing about a container: no failure is counted against it."""
    stuck = [engine.add(slot=n, removals=["stuck"]) for n in range(3)]
    reaperd.start(QuarantineAfter=1)
    engine.wait(lambda: len(engine.asked("remove")) == 3, "three removals under way")
    engine.stop()
    engine.start()
    engine.wait_removed(*stuck)
    assert all(story(engine, c) == ["inspect", "remove"] * 2 for c in stuck)
    assert reaperd.count("left alone") == 0


@pytest.mark.parametrize("parallelism", [1, 3, 16])
@pytest.mark.parametrize("mode", ["once", "daemon"])
def test_parallelism_is_reached_and_kept(engine: Standin, reaperd: Reaperd, parallelism: int,
                                         mode: str) -> None:
    due = [engine.add(slot=n) for n in range(40)]
    gate = threading.Event()
    engine.fault("remove", times=None, hold=gate)
    reaperd.start(*(["--once"] if mode == "once" else []), Parallelism=parallelism)
    engine.wait(lambda: len(engine.asked("remove")) == parallelism, f"{parallelism} removals at once")
    gate.set()
    engine.wait_removed(*due)
    if mode == "once":
        assert reaperd.wait_exit() == 0
    assert max(r.busy for r in engine.requests) == parallelism
    assert len(engine.asked("remove")) == len(engine.asked("inspect")) == 40


def test_engine_with_one_connection_at_a_time(engine: Standin, reaperd: Reaperd) -> None:
    """An engine that closes after each answer costs connections, not removals."""
    due = [engine.add(slot=n) for n in range(10)]
    engine.server.common_headers["Connection"] = "close"
    assert reaperd.once().removed == len(due)


@pytest.mark.parametrize("status", [400, 401, 403, 418, 501, 503])
def test_other_refusals_are_failures(engine: Standin, reaperd: Reaperd, status: int) -> None:
    c = engine.add()
    engine.fault("remove", c, times=None, status=status)
    result = reaperd.once()
    assert (result.status, result.removed, result.failed) == (1, 0, 1)
    assert c.id in engine.containers
