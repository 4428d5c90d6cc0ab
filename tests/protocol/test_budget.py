# SPDX-License-Identifier: Apache-2.0
"""What reaperd costs: calls to the engine, counted one by one, and memory with 100,000 containers.

The cure must weigh less than the disease: an event costs no call, a removal two, and a resync three at most.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from daemon import Reaperd
from engine_model import container_event
from standin import Standin, bulk_running

MIB = 1 << 20
MOST = 200_000
SETUP = {"version", "ping", "info", "ring", "list"}


def test_start_up(engine: Standin, reaperd: Reaperd) -> None:
    """Containers that cannot be due yet, as they are not old enough, are not inspected."""
    for n in range(300):
        engine.add(slot=n, ended=1200.0)
    reaperd.start()
    engine.witness()
    calls = Counter(r.route for r in engine.requests)
    assert calls["list"] == 1 and calls["members"] == calls["inspect"] == calls["remove"] == 2
    assert calls["events"] == 1
    assert all(calls[route] <= 1 for route in SETUP)


def test_removals(engine: Standin, reaperd: Reaperd) -> None:
    due = [engine.add(slot=n) for n in range(50)]
    reaperd.start(SettleTime="0")
    engine.wait_removed(*due)
    assert reaperd.stop() == 0
    calls = Counter(r.route for r in engine.requests)
    assert calls["inspect"] == calls["remove"] == 50
    assert calls["list"] == calls["events"] == 1
    assert all(calls[route] <= 1 for route in SETUP)


def test_removals_in_one_pass(engine: Standin, reaperd: Reaperd) -> None:
    for n in range(50):
        engine.add(slot=n)
    assert reaperd.once().removed == 50
    calls = Counter(r.route for r in engine.requests)
    assert calls["inspect"] == calls["remove"] == 50
    assert all(calls[route] <= 1 for route in SETUP)


def test_young_is_inspected_once(engine: Standin, reaperd: Reaperd) -> None:
    """The list shows no end, so one look tells it; after that the due time is known."""
    young = [engine.add(slot=n, ended=600.0, age=90000.0) for n in range(20)]
    reaperd.start(Parallelism=1)
    engine.wait_asked("inspect", len(young))
    engine.resync()
    engine.witness()
    assert [len(engine.asked("inspect", c)) for c in young] == [1] * len(young)


def test_resync(engine: Standin, reaperd: Reaperd) -> None:
    for n in range(20):
        engine.add(slot=n, state="running")
    reaperd.start(ResyncInterval="10s")
    engine.wait_answered("list", 3, timeout=60)
    assert reaperd.stop() == 0
    calls = engine.calls()
    first = calls.index("list") + 1
    assert len(calls) - first <= 3 * (calls.count("list") - 1) + 2  # of a last one that had begun
    assert len(engine.asked("events")) == 1


def test_thousand_events(engine: Standin, reaperd: Reaperd) -> None:
    """Known and new containers start and end; none is due for an hour, so nothing is asked."""
    known = [engine.add(slot=n, state="running") for n in range(100)]
    reaperd.start(Parallelism=1)
    engine.wait_answered("list")
    before = Counter(engine.calls())
    new = [engine.add(slot=n, age=1.0, state="running") for n in range(100)]
    for c in known:
        engine.emit_event(container_event("kill", c, signal="15"), container_event("die", c, exitCode="137"),
                          container_event("stop", c), container_event("start", c),
                          container_event("kill", c, signal="1"), container_event("die", c, exitCode="0"))
    for c in new:
        engine.emit_event(container_event("create", c), container_event("start", c),
                          container_event("rename", c), container_event("die", c, exitCode="1"))
    engine.witness()
    after = Counter(engine.calls())
    assert after - before == Counter(members=2, inspect=2, remove=2)


def test_other_containers_too(engine: Standin, reaperd: Reaperd) -> None:
    """Where those that are no tasks may go there is one more list a resync, and nothing more for events."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap")
    plain = [engine.add_plain(state="running") for _ in range(100)]
    due = [engine.add_plain() for _ in range(20)]
    reaperd.begin(Parallelism=1)
    engine.wait_removed(*due)
    assert engine.tally() == {"version": 1, "events": 1, "info": 1, "ring": 1, "list": 1, "others": 1,
                              "inspect": 20, "remove": 20}
    before = len(engine.requests)
    fresh = [engine.add_plain(state="running", age=1.0) for _ in range(100)]
    for c in plain:
        engine.emit_event(container_event("kill", c, signal="15"), container_event("die", c, exitCode="137"),
                          container_event("start", c), container_event("die", c, exitCode="0"))
    for c in fresh:
        engine.emit_event(container_event("create", c), container_event("start", c), container_event("die", c))
    engine.witness()
    assert engine.tally(before) == {"members": 2, "inspect": 2, "remove": 2}
    before = len(engine.requests)
    engine.emit_event(replace(container_event("die", plain[0]), actor="short"))  # not understood: listed again
    engine.wait_answered("others", 2)
    engine.witness()
    assert engine.tally(before) == {"info": 1, "list": 1, "others": 1, "members": 2, "inspect": 2, "remove": 2}


def test_reload(engine: Standin, reaperd: Reaperd) -> None:
    """One resync each, and no inspect of what is known exactly."""
    engine.others_may_go = True
    young = [engine.add(slot=n, ended=600.0, age=90000.0) for n in range(20)]
    reaperd.begin(Parallelism=1)
    engine.wait_asked("inspect", len(young))
    engine.witness()
    before = len(engine.requests)
    reaperd.reload(Failure="2h")
    engine.wait_answered("list", 2)
    engine.witness()
    assert engine.tally(before) - Counter(info=1) == Counter(list=1, members=2, inspect=2, remove=2)
    reaperd.rule("others", Kind="other", Action="reap")
    before = len(engine.requests)
    reaperd.reload()
    engine.wait_answered("others")
    engine.witness()
    calls = engine.tally(before) - Counter(version=1, ping=1, events=1, info=1, ring=1)
    assert calls == Counter(list=1, others=1, members=2, inspect=2, remove=2)


def test_destroyed_by_others(engine: Standin, reaperd: Reaperd) -> None:
    """Who is destroyed by others is forgotten: nothing is asked about it at its time."""
    due = [engine.add(slot=n, state="running") for n in range(100)]
    reaperd.start(Parallelism=1)
    engine.wait_answered("list")
    for c in due:
        engine.vanish(c)
    engine.witness()
    assert not any(engine.asked("inspect", c) for c in due)


@pytest.fixture(scope="module")
def crowd() -> bytes:
    return bulk_running(100_000)


def measure(engine: Standin, reaperd: Reaperd) -> dict[str, int]:
    """Memory once the first list has been digested."""
    engine.wait_answered("list", timeout=60)
    engine.witness()
    return reaperd.memory("RssAnon", "VmRSS", "VmHWM")


def test_memory_of_a_hundred_thousand(engine: Standin, reaperd: Reaperd, crowd: bytes) -> None:
    engine.add(state="running")
    reaperd.start(Parallelism=1)
    alone = measure(engine, reaperd)
    assert reaperd.stop() == 0

    engine.requests.clear()
    engine.bulk = crowd
    reaperd.start()
    full = measure(engine, reaperd)
    assert full["RssAnon"] - alone["RssAnon"] <= 512 * 100_000
    assert full["VmHWM"] - full["VmRSS"] <= 4 * MIB

    for _ in range(3):
        engine.resync()
        engine.witness()
    later = reaperd.memory("RssAnon", "VmRSS", "VmHWM")
    assert later["RssAnon"] - full["RssAnon"] <= 2 * MIB
    assert later["VmHWM"] - later["VmRSS"] <= 4 * MIB

    engine.bulk = b""  # all gone while nobody told: the list shows it, and memory is given back
    engine.resync()
    engine.witness()
    left = reaperd.memory("RssAnon")
    assert left["RssAnon"] - alone["RssAnon"] <= 8 * MIB
    assert reaperd.stop() == 0


def test_cut_in_a_crowd(engine: Standin, reaperd: Reaperd, crowd: bytes) -> None:
    """A list of 70 MB that breaks off is no reason to forget, or to hold on to what was read."""
    engine.bulk = crowd
    engine.fault("list", cut=len(crowd) - 1000)
    c = engine.add()
    reaperd.start()
    engine.wait_removed(c, timeout=60)
    assert engine.asked("inspect")[0].at > engine.asked("list")[1].at
    memory = reaperd.memory("VmHWM", "VmRSS")
    assert memory["VmHWM"] - memory["VmRSS"] <= 4 * MIB


def bare(count: int) -> bytes:
    """List elements that say next to nothing: as cheap for this test as they are for a liar."""
    return b",".join(b'{"Id":"%064x","State":"running"}' % (n + 1) for n in range(count))


@pytest.mark.parametrize("by", ["a list", "events"])
def test_more_containers_than_any_node_has(engine: Standin, reaperd: Reaperd, by: str) -> None:
    """It ends rather than to eat the node, whoever tells of them; with as many as it takes it goes on."""
    engine.bulk = bare(MOST - 10)
    reaperd.start()
    engine.witness()
    added = [engine.add(slot=n, state="running") for n in range(10)]
    if by == "a list":
        engine.add(state="running")
        engine.resync()
    else:
        for c in [*added, engine.add(state="running")]:
            engine.emit("start", c)
    assert reaperd.wait_exit(60) == 3
    assert reaperd.count("more than 200000 containers, which no node has") == 1
