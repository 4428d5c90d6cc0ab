# SPDX-License-Identifier: Apache-2.0
"""MaxStopped=: no more stopped containers than that, and no fewer for the sake of it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from daemon import Reaperd, Summary, until
from engine_model import SECOND, Container
from pressure_kit import CRITICAL
from standin import Standin

HOUR = 3600.0


def stopped(engine: Standin, count: int, *, service: str = "web", first: float = 3 * HOUR, life: float = 0.5,
            **facts: Any) -> list[Container]:
    """Of different slots; the first ended first, and each was created behind the end of the one before, so that the
    list tells their order (but for those that lived longer)."""
    return [engine.add(service=service, slot=n + 1, ended=first - 2 * n, age=first - 2 * n + life, **facts)
            for n in range(count)]


def test_two_thousand(engine: Standin, reaperd: Reaperd) -> None:
    """The oldest of the workload with most, by the list; only what goes is inspected."""
    large, small = stopped(engine, 1200), stopped(engine, 800, service="mail")
    running = engine.add(state="running")
    reaperd.begin(Success="infinity", MaxStopped=1900, Parallelism=16)
    engine.wait_removed(*large[:100], timeout=40)
    engine.resync()
    reaperd.wait_log("Removed " + large[99].short)
    assert reaperd.stop() == 0
    assert set(engine.removed) == {c.id for c in large[:100]} and running.id in engine.containers
    assert all(c.id in engine.containers for c in small)
    assert engine.tally()["inspect"] == engine.tally()["remove"] == 100
    assert reaperd.count("Removed .*: over-cap, age ") == 100


@pytest.mark.parametrize("parallelism", [1, 16])
@pytest.mark.parametrize("life", [0.5, 3600.0], ids=["in-turn", "side-by-side"])
def test_workloads_are_levelled(engine: Standin, reaperd: Reaperd, life: float, parallelism: int) -> None:
    """Repeatedly the oldest of the one with most. Where the list does not tell their order, which goes may be another,
    but never how many: an inspect that shows one to be younger than it seemed lets no more go."""
    groups = [stopped(engine, count, service=name, life=life) for name, count in (("a", 10), ("b", 6), ("c", 2))]
    assert reaperd.once(Success="infinity", MaxStopped=10, Parallelism=parallelism) == Summary(0, 8, 0, 0, 10)
    left = [[c for c in group if c.id in engine.containers] for group in groups]
    assert [len(group) for group in left] == [4, 4, 2]
    assert life > 1 or (left[0] == groups[0][6:] and left[1] == groups[1][2:])


@pytest.mark.parametrize("last", ["KeepLast", "KeepLastFailure"])
def test_kept_last(engine: Standin, reaperd: Reaperd, last: str) -> None:
    """KeepLast= gives way, KeepLastFailure= does not."""
    stopped(engine, 5, exit_code=1)
    result = reaperd.once(Success="1h", Failure="1h", MaxStopped=2, **{last: 1})
    assert result == (Summary(0, 3, 0, 0, 2) if last == "KeepLast" else Summary(0, 0, 0, 0, 5))


def test_what_no_cap_takes(engine: Standin, reaperd: Reaperd) -> None:
    """It counts, though."""
    reaperd.rule("keep", Service="precious", Action="keep")
    kept = [engine.add(service="precious"), engine.add(service="asked", asks={"org.reaperd.keep": "1"}),
            engine.add(service="failed", exit_code=1), engine.add(service="young", ended=5.0)]
    gone = stopped(engine, 2, service="mail")
    assert reaperd.once(Success="infinity", KeepLastFailure=1, MaxStopped=4).removed == 2
    assert set(engine.containers) == {c.id for c in kept}
    assert set(engine.removed) == {c.id for c in gone}


def test_what_is_due_goes_first(engine: Standin, reaperd: Reaperd) -> None:
    kept = stopped(engine, 10, exit_code=1)
    due = stopped(engine, 5, service="mail")
    assert reaperd.once(Success="1h", MaxStopped=10) == Summary(0, 5, 0, 0, 10)
    assert set(engine.removed) == {c.id for c in due} and all(c.id in engine.containers for c in kept)


def test_end_that_makes_one_too_many(engine: Standin, reaperd: Reaperd) -> None:
    """An event is enough; the one that has just ended is the youngest, and below its floor."""
    made, live = stopped(engine, 5), engine.add(slot=50, state="running")
    reaperd.begin(Success="infinity", MaxStopped=5, Parallelism=1)
    engine.end(live)
    engine.wait_removed(made[0])
    reaperd.wait_log(f"Removed {made[0].short} .*: over-cap, ")
    engine.resync()
    assert reaperd.stop() == 0
    assert engine.removed == [made[0].id]


def test_floor_is_waited_for(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add(ended=9.0)
    reaperd.begin(Success="infinity", MaxStopped=0)
    engine.wait_removed(c)
    reaperd.wait_log(f"Removed {c.short} .*: over-cap, age 1[0-2]s,")


@pytest.mark.parametrize("life", [0.5, 3600.0], ids=["in-turn", "side-by-side"])
@pytest.mark.parametrize("how", ["quarantine", "for-ever", "hangs"])
def test_stuck_victims(engine: Standin, reaperd: Reaperd, how: str, life: float) -> None:
    """They are still there, so others go in their place, but never so many that fewer than MaxStopped are left."""
    made = stopped(engine, 20, life=life)
    for c in made[:3]:
        c.removals = ["stuck" if how == "hangs" else "500"] * 100
    reaperd.begin(Success="infinity", MaxStopped=15, QuarantineAfter=2 if how == "quarantine" else 1000,
                  RequestTimeout="1s")
    if how == "quarantine":
        engine.wait(lambda: len(engine.removed) >= 5, "five removals")
    else:
        engine.wait(lambda: any(len(engine.asked("remove", c)) >= 2 for c in made[:3]) or len(engine.removed) >= 5,
                    "two attempts")
    engine.resync()
    assert reaperd.stop() == 0
    assert len(engine.containers) >= 15 and all(c.id in engine.containers for c in made[:3])
    assert life > 1 or set(engine.removed) <= {c.id for c in made[3:8]}


def test_due_one_that_has_to_be_tried_again(engine: Standin, reaperd: Reaperd) -> None:
    """It goes anyway, only later: nobody goes in its place as long as there is hope."""
    kept = stopped(engine, 5, exit_code=1)
    due = stopped(engine, 2, service="mail", removals=["500"])
    reaperd.begin(Success="1h", MaxStopped=5)
    engine.wait_removed(*due)
    engine.resync()
    assert reaperd.stop() == 0
    assert set(engine.containers) == {c.id for c in kept}


@pytest.mark.parametrize("life", [0.5, 3600.0], ids=["in-turn", "side-by-side"])
def test_removals_under_way_count_as_done(engine: Standin, reaperd: Reaperd, life: float) -> None:
    """While their answers are late, more end: only for those more go, also if the first ones turned out to be younger
    than the list let them seem."""
    made, live = stopped(engine, 10, life=life), [engine.add(slot=50 + n, state="running") for n in range(3)]
    gate = threading.Event()
    engine.fault("remove", times=None, hold=gate)
    reaperd.begin(Success="infinity", MaxStopped=8, Parallelism=16)
    engine.wait_asked("remove", 2)
    for c in live:
        engine.end(c)
    engine.wait_asked("remove", 5)
    gate.set()
    engine.wait(lambda: len(engine.removed) >= 5, "five removals")
    engine.resync()
    assert reaperd.stop() == 0
    assert life > 1 or set(engine.removed) == {c.id for c in made[:5]}
    assert len(engine.containers) == 8 and len(engine.asked("remove")) == 5


def test_others_count_where_they_are_in_scope(engine: Standin, reaperd: Reaperd) -> None:
    engine.others_may_go = True
    stopped(engine, 3)
    plain = [engine.add_plain(project="shop", ended=2 * HOUR - 2 * n, age=2 * HOUR - 2 * n + 0.5) for n in range(5)]
    assert reaperd.once(Success="infinity", MaxStopped=3) == Summary(0, 0, 0, 0, 3)
    reaperd.rule("others", Kind="other", Action="reap")
    assert reaperd.once(MaxStopped=6) == Summary(0, 2, 0, 0, 6)
    assert set(engine.removed) == {c.id for c in plain[:2]}


def test_others_disappear_before_the_floor(engine: Standin, reaperd: Reaperd) -> None:
    """Those that were chosen, and only too young yet, are no longer too many then. (The first inspect of each comes
    behind its floor, as it ended in the second that the list tells of its creation.)"""
    reaperd.rule("control", Service="control", Success="10s")
    made = [engine.add(slot=n, ended=5.0 if n < 3 else 3.5) for n in range(6)]
    for c in made:
        c.created = c.finished = (c.finished or 0) // SECOND * SECOND
    control = engine.add(service="control", ended=4.0)
    reaperd.begin(Success="infinity", MaxStopped=4, Parallelism=1)
    for c in made[3:]:
        engine.vanish(c)
    engine.wait_removed(control)  # behind their floors
    engine.witness()
    assert reaperd.stop() == 0
    assert set(engine.containers) == {c.id for c in made[:3]} and reaperd.count("over-cap") == 0


def test_others_disappear_while_a_surge_is_held(engine: Standin, reaperd: Reaperd) -> None:
    made = stopped(engine, 20)
    reaperd.begin(Success="infinity", MaxStopped=20, SurgeLimit=1, FirstRunDelay="2s", Parallelism=1)
    reaperd.reload(MaxStopped=10)
    for c in made[:10]:
        reaperd.wait_log(f"Held {c.short} .*: would go as over-cap")
    for c in made[10:]:
        engine.vanish(c)
    reaperd.wait_log("The wait after the reload is over")
    engine.witness()
    assert reaperd.stop() == 0
    assert set(engine.containers) == {c.id for c in made[:10]} and reaperd.count("Removed .*: over-cap") == 0


def wait_behind_floor(c: Container, floor: float) -> None:
    """Until it, and whatever ended before it, has been stopped for longer than that."""
    until(lambda: time.time_ns() > (c.finished or 0) + int((floor + 0.5) * SECOND), f"{c.name} behind its floor")


@pytest.mark.parametrize("how", ["ttl", "batch"])
def test_others_go_before_the_floor(engine: Standin, reaperd: Reaperd, how: str) -> None:
    """By their span, or against pressure: for these, too, nobody else has to go that was only too young yet."""
    small = [engine.add(service="small", slot=n, ended=12.5 - n / 4, age=100.0,
                        asks={"org.reaperd.ttl": "14s"} if how == "ttl" else {}) for n in (1, 2)]
    big = [engine.add(service="big", slot=n, ended=11.5 - n / 4, age=100.0) for n in range(1, 5)]
    pressure = CRITICAL | {"Pressure.CoolDown": "1h"} if how == "batch" else {}
    reaperd.begin(**pressure | {"Success": "3h", "MinimumAge": "14s", "MaxStopped": 4})
    engine.wait_removed(*small)
    wait_behind_floor(big[-1], 14.0)
    engine.witness()
    assert all(c.id in engine.containers for c in big) and reaperd.count("over-cap") == 0
