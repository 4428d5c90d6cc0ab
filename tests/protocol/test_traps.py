# SPDX-License-Identifier: Apache-2.0
"""Traps that the daemon once walked into, found by reading: each looked right and was not."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from daemon import Reaperd
from engine_model import Container, Event
from standin import Standin, ring_event, swarm_event


def seen_for_long(engine: Standin, reaperd: Reaperd) -> Container:
    """An engine that has been up, and its events seen; what was removed there."""
    engine.emit_event(ring_event(3600))
    live, first = engine.add(state="running"), engine.add()
    reaperd.start(SettleTime="60s")
    engine.wait_removed(first)
    engine.emit("start", live)
    reaperd.wait_notified("STATUS=Tracking")
    return first


def test_new_engine_that_has_already_spoken(engine: Standin, reaperd: Reaperd) -> None:
    """Its first events come on the stream before its ring is read, and must not make it look like the old engine."""
    first = seen_for_long(engine, reaperd)
    engine.stop()
    due, fresh = engine.add(), engine.add(state="running", age=0.0)
    engine.emit("create", fresh)
    engine.emit("start", fresh)
    engine.start()
    reaperd.wait_log("SettleTime")
    engine.resync()
    assert engine.removed == [first.id] and due.id in engine.containers


def test_what_the_swarm_remembers_is_not_the_engines_age(engine: Standin, reaperd: Reaperd) -> None:
    """A manager that was just started tells of services that were made long ago, as if it had been there."""
    engine.emit_event(swarm_event(7200), ring_event(5), swarm_event(3600))
    c = engine.add()
    result = reaperd.once(SettleTime="60s")
    assert (result.status, result.removed) == (0, 0)
    assert reaperd.count("(?i)settl") > 0

    reaperd.start(SettleTime="60s")
    engine.stop()
    engine.start()
    engine.emit_event(swarm_event(3600))
    reaperd.wait_log("SettleTime")
    engine.resync()
    assert c.id in engine.containers


def test_a_swarms_memories_do_not_make_an_engine_the_old_one(engine: Standin, reaperd: Reaperd) -> None:
    """Their times are from before the last event that was seen, and it is a new engine all the same."""
    first = seen_for_long(engine, reaperd)
    engine.stop()
    due = engine.add()
    engine.emit_event(swarm_event(1800))
    engine.start()
    reaperd.wait_log("SettleTime")
    engine.resync()
    assert engine.removed == [first.id] and due.id in engine.containers


def test_all_hands_full_costs_nothing(engine: Standin, reaperd: Reaperd) -> None:
    """More is due than may be under way, and the engine hangs: that is waited for, not asked for."""
    for slot in range(1, 21):
        engine.add(slot=slot)
    engine.fault("remove", times=None, hang=True)
    reaperd.start(RequestTimeout="3s", Parallelism=4)
    engine.wait_asked("remove", 4)
    before = reaperd.cpu_ticks()
    engine.wait_asked("inspect", 5)  # the first time-out has made room
    assert reaperd.cpu_ticks() - before < 30  # of 300 that three seconds have


def test_lost_events_do_not_put_the_list_off(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.start(ResyncInterval="10s")
    engine.wait_answered("list")
    lists = len(engine.asked("list"))
    bad = Event("die", "short", {"com.docker.swarm.task": ""}, time.time_ns())
    over = threading.Event()

    def lose() -> None:
        while not over.wait(0.3):
            engine.emit_event(replace(bad, time=time.time_ns()))

    loser = threading.Thread(target=lose)
    loser.start()
    try:
        engine.wait(lambda: len(engine.asked("list")) >= lists + 3, "lists in spite of lost events")
    finally:
        over.set()
        loser.join()
    assert reaperd.count("could not be understood") <= len(engine.asked("list"))


def test_node_that_joined_another_swarm_since(engine: Standin, reaperd: Reaperd) -> None:
    """What /info said says nothing about containers that came later."""
    reaperd.start(OrphanAge="10s", Success="11s", Failure="24h", ResyncInterval="1h")
    engine.wait_answered("list")
    engine.node_id = "n0d3newnewnewnewnewnewnew"
    failed, control = (engine.add(state="running", node=engine.node_id, age=0.0) for _ in range(2))
    for c, code in ((failed, 1), (control, 0)):
        engine.emit("create", c)
        engine.emit("start", c)
        c.state, c.exit_code, c.finished = "exited", code, time.time_ns()
        engine.emit("die", c, exitCode=str(code))
    engine.wait_removed(control)  # a second after the other would have gone as an orphan
    assert failed.id in engine.containers and reaperd.count("orphan") == 0


def test_removal_whose_answer_never_came(engine: Standin, reaperd: Reaperd) -> None:
    """The engine finished it all the same; there is a record of every removal."""
    c = engine.add(removals=["hang"])
    reaperd.start(RequestTimeout="1s", RetryInitial="1s")
    reaperd.wait_log(f"Removed {c.short} {c.name}: ttl-expired, age .*, exit 0")
    engine.resync()
    assert reaperd.count("Removed") == 1 and len(engine.asked("remove", c)) == 1


def test_removal_that_ends_behind_its_time_out(engine: Standin, reaperd: Reaperd) -> None:
    """The event that tells of its end may come before the next look: that was our removal too."""
    c = engine.add()
    engine.fault("remove", c, hang=True)
    reaperd.begin(RequestTimeout="1s", RetryInitial="1h", RetryMax="1h")
    reaperd.wait_log(f"Removing {c.short} .* failed")
    engine.vanish(c)
    reaperd.wait_log(rf"Removed {c.short} {c.name}: ttl-expired, age .*, exit 0")


def test_removal_whose_end_only_the_list_shows(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(removals=["hang"])
    reaperd.begin(RequestTimeout="1s", RetryInitial="1h", RetryMax="1h")
    reaperd.wait_log(f"Removing {c.short} .* failed")
    engine.resync()
    reaperd.wait_log(rf"Removed {c.short} {c.name}: ttl-expired, age .*, exit 0")
