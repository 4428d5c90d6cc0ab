# SPDX-License-Identifier: Apache-2.0
"""Which containers go and which stay, seen from the engine: the order of decisions over the wire.

Almost all run with --once: then every container has been decided on when the process ends.
"""

from __future__ import annotations

from typing import Any

import pytest

from daemon import Reaperd, Summary
from engine_model import NODE_ID
from standin import Standin, ring_event

HOUR, DAY = 3600.0, 86400.0
OTHER_NODE = "n0d3zzzzzzzzzzzzzzzzzzzzz"

GOES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "success": ({"ended": 2 * HOUR}, {}),
    "failure": ({"ended": 25 * HOUR, "exit_code": 1}, {}),
    "dead": ({"ended": 2 * HOUR, "state": "dead"}, {}),
    "oom": ({"ended": 2 * HOUR, "exit_code": 137, "oom_killed": True},
            {"OOMKilled": "1h", "Failure": "infinity"}),
    "oom-but-exit-0": ({"ended": 2 * HOUR, "oom_killed": True}, {"OOMKilled": "infinity"}),
    "143": ({"ended": 2 * HOUR, "exit_code": 143}, {"Failure": "infinity"}),
    "shutdown-apart": ({"ended": 2 * HOUR, "exit_code": 143}, {"Success": "infinity", "Shutdown": "1h"}),
    "floor-only": ({"ended": 60.0}, {"Success": "0"}),
    "labels-gone": ({"ended": 2 * HOUR, "labels": {}}, {}),
    "crash-255": ({"ended": 25 * HOUR, "exit_code": 255}, {}),
}
STAYS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "success-young": ({"ended": 0.9 * HOUR}, {}),
    "failure-young": ({"ended": 23 * HOUR, "exit_code": 1}, {}),
    "failure-as-success": ({"ended": 2 * HOUR, "exit_code": 3}, {}),
    "137-unseen": ({"ended": 2 * HOUR, "exit_code": 137}, {}),
    "oom-as-failure": ({"ended": 2 * HOUR, "exit_code": 137, "oom_killed": True}, {}),
    "infinity": ({"ended": 9000 * HOUR}, {"Success": "infinity"}),
    "floor": ({"ended": 5.0}, {"Success": "0"}),
    "floor-orphan": ({"ended": 5.0, "node": OTHER_NODE}, {"Success": "0", "OrphanAge": "0"}),
    "future": ({"ended": -HOUR}, {"Success": "0"}),
    "far-future": ({"ended": -9000 * HOUR}, {"Success": "0"}),
    "running": ({"state": "running"}, {"Success": "0"}),
    "paused": ({"state": "paused"}, {"Success": "0"}),
    "restarting": ({"state": "restarting"}, {"Success": "0"}),
    "removing": ({"state": "removing"}, {"Success": "0"}),
    "unknown-state": ({"state": "hibernating"}, {"Success": "0"}),
    "created": ({"state": "created", "age": 100 * DAY}, {}),
    "created-127": ({"state": "created", "age": 100 * DAY, "exit_code": 127}, {}),
    "created-error-0": ({"state": "created", "age": 100 * DAY, "error": "odd"}, {}),
    "failed-start-seen-first": ({"state": "created", "age": 100 * DAY, "exit_code": 127, "error": "no such"},
                                 {}),
    "orphan-young": ({"ended": 0.9 * HOUR, "node": OTHER_NODE}, {"Success": "24h"}),
    "orphan-infinity": ({"ended": 2 * HOUR, "node": OTHER_NODE},
                        {"Success": "24h", "OrphanAge": "infinity"}),
    "own-node": ({"ended": 2 * HOUR, "node": NODE_ID}, {"Success": "24h"}),
}


@pytest.mark.parametrize("name", GOES)
def test_goes(engine: Standin, reaperd: Reaperd, name: str) -> None:
    facts, settings = GOES[name]
    c = engine.add(**facts)
    assert reaperd.once(**settings) == Summary(0, removed=1, gone=0, failed=0, kept=0)
    assert reaperd.count(rf"^reaperd: Removed {c.short} .*: ttl-expired, age .*, exit {c.exit_code}$") == 1


@pytest.mark.parametrize("name", STAYS)
def test_stays(engine: Standin, reaperd: Reaperd, name: str) -> None:
    facts, settings = STAYS[name]
    c = engine.add(**facts)
    assert reaperd.once(**settings) == Summary(0, removed=0, gone=0, failed=0, kept=1)
    assert not engine.asked("remove")
    assert len(engine.asked("inspect", c)) <= 1


@pytest.mark.parametrize("settings", [{"Success": "24h"}, {"OrphanAge": "infinity"}], ids=str)
def test_orphan(engine: Standin, reaperd: Reaperd, settings: dict[str, str]) -> None:
    """Due at the sooner of OrphanAge and its span."""
    c = engine.add(ended=2 * HOUR, node=OTHER_NODE)
    assert reaperd.once(**settings).removed == 1
    assert reaperd.count(rf"Removed {c.short} .*: orphan, ") == 1


def test_only_tasks(engine: Standin, reaperd: Reaperd) -> None:
    """The engine's flag decides, not the labels; what is no task is not even inspected."""
    engine.add(slot=1)
    forged = engine.add(slot=2, is_task=False)
    plain = engine.add(is_task=False, labels={})
    result = reaperd.once()
    assert (result.status, result.removed) == (0, 1)
    assert {forged.id, plain.id} == set(engine.containers)
    assert not engine.asked("inspect", forged) and not engine.asked("inspect", plain)


def test_failed_start_and_future_end(engine: Standin, reaperd: Reaperd) -> None:
    """Both have no age that can be trusted: it grows from first sight, and the floor counts from there."""
    failed = engine.add(state="created", age=2 * HOUR, exit_code=127, error="exec: \"nope\": not found")
    waiting = engine.add(state="created", age=2 * HOUR, exit_code=127)
    future = engine.add(ended=-100 * HOUR)
    past = engine.add()
    reaperd.start(MinimumAge="10s", Success="10s", FailedStart="1h")
    engine.wait_removed(past)
    engine.wait_asked("inspect", 1, failed)
    engine.wait_removed(failed, future, timeout=40)
    first_sight = engine.asked("list")[0].at
    for c in (failed, future):
        assert engine.asked("remove", c)[0].at - first_sight >= 10
    assert waiting.id in engine.containers and len(engine.asked("inspect", waiting)) == 1
    reaperd.wait_log(rf"Removed {failed.short} .*: ttl-expired, .*exit 127$")


@pytest.mark.parametrize("state", ["pending", "locked", "error", "hibernating"])
def test_swarm_is_not_ready(engine: Standin, reaperd: Reaperd, state: str) -> None:
    engine.add()
    engine.swarm_state = state
    result = reaperd.once()
    assert (result.status, result.removed, result.failed) == (0, 0, 0)
    assert not engine.asked("remove")


def test_swarm_becomes_ready(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add()
    engine.swarm_state = "pending"
    reaperd.start()
    engine.wait_answered("list")
    engine.resync()
    assert not engine.asked("remove")
    engine.swarm_state = "active"
    engine.wait_removed(c)


def leave_swarm(engine: Standin) -> None:
    engine.swarm_state, engine.node_id = "inactive", ""


def test_no_swarm_seen_once(engine: Standin, reaperd: Reaperd) -> None:
    """With no Swarm there are still TTLs, but no orphans: the node may be about to say something else."""
    leave_swarm(engine)
    kept, due = engine.add(slot=1, ended=2 * HOUR, exit_code=1), engine.add(slot=2)
    assert reaperd.once() == Summary(0, removed=1, gone=0, failed=0, kept=1)
    assert engine.removed == [due.id] and kept.id in engine.containers


def test_no_swarm_seen_twice(engine: Standin, reaperd: Reaperd) -> None:
    leave_swarm(engine)
    c = engine.add(ended=2 * HOUR, exit_code=1)
    reaperd.start(ResyncInterval="10s")
    engine.wait_removed(c, timeout=40)
    assert len(engine.asked("info")) >= 2
    reaperd.wait_log(rf"Removed {c.short} .*: orphan, ")


def test_no_swarm_only_once(engine: Standin, reaperd: Reaperd) -> None:
    def rejoin() -> None:
        engine.swarm_state, engine.node_id = "active", NODE_ID

    leave_swarm(engine)
    engine.fault("info", after=rejoin)
    c = engine.add(ended=2 * HOUR, exit_code=1)
    reaperd.start(Parallelism=1)
    engine.wait_answered("list")
    engine.resync()
    engine.resync()
    engine.witness()
    assert c.id in engine.containers


@pytest.mark.parametrize("swarm", [{}, None, {"NodeID": "", "LocalNodeState": "active"}])
def test_node_unknown(engine: Standin, reaperd: Reaperd, swarm: Any) -> None:
    """Without knowing this node nobody is a stranger."""
    engine.info_extra = {"Swarm": swarm}
    c = engine.add(ended=2 * HOUR, node=OTHER_NODE, exit_code=1)
    result = reaperd.once()
    assert (result.status, result.removed) == (0, 0)
    assert c.id in engine.containers


@pytest.mark.parametrize(("ages", "settle", "removed"), [
    ((5,), "60s", 0), ((50, 5), "60s", 0), ((), "60s", 0), ((120,), "60s", 1), ((120, 5), "60s", 1),
    ((5,), "0", 1), ((), "0", 1), ((120,), "1h", 0),
])
def test_settle(engine: Standin, reaperd: Reaperd, ages: tuple[int, ...], settle: str, removed: int) -> None:
    """The engine is at least as old as the oldest event that it remembers."""
    engine.emit_event(*[ring_event(age) for age in ages])
    engine.add()
    result = reaperd.once(SettleTime=settle)
    assert (result.status, result.removed, result.failed) == (0, removed, 0)
    assert (reaperd.count("(?i)settl") > 0) is not bool(removed)


def test_settles_as_a_daemon(engine: Standin, reaperd: Reaperd) -> None:
    """The first contact counts where the ring is empty; it is a new engine after a restart."""
    first = engine.add()
    reaperd.start(SettleTime="3s")
    engine.wait_removed(first)
    assert engine.asked("remove")[0].at - engine.requests[0].at >= 3
    engine.stop()
    second = engine.add()
    engine.start()
    back = len(engine.requests)
    engine.wait_removed(second)
    assert engine.asked("remove")[-1].at - engine.requests[back].at >= 3
