# SPDX-License-Identifier: Apache-2.0
"""Requests that are disturbed: removals that fail, an engine that goes, settings that change, callers that leave.

Whoever asks is answered once, by what has come of it.
"""

from __future__ import annotations

import threading

import pytest

from console_kit import (QUIET, Console, await_verdict, begin, bus, by_id, console, first_of,  # noqa: F401
                         in_flight, other_console, until)
from daemon import Reaperd
from engine_model import Container
from lab.console import Result, results
from standin import Standin

# Once failed, it is not tried again while the test looks.
SLOW: dict[str, str | int] = QUIET | {"RetryInitial": "1h", "RetryMax": "1h"}


def removed(c: Container) -> Result:
    return Result(c.id, c.name, True, "requested", "removed")


def test_delete_that_fails(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """That is the answer; another word is another attempt."""
    c, other = engine.add(slot=1, removals=["500"]), engine.add(slot=2)
    begin(reaperd, console, **SLOW)
    found = by_id(console.reap(c.id, other.id))
    assert found[other.id] == removed(other)
    assert not found[c.id].removed and found[c.id].words.startswith("failed: ")
    assert "\n" not in found[c.id].words
    assert console.reap(c.id) == [removed(c)]
    assert engine.story(c) == ["inspect", "remove"] * 2
    assert [(r.id, r.attempts) for r in console.history()] == [(other.id, 1), (c.id, 2)]


def test_word_is_not_kept_for_a_retry(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Who was told that it failed is not surprised by its removal later."""
    c = engine.add(removals=["500"])
    begin(reaperd, console, **QUIET | {"RetryInitial": "1s", "RetryMax": "1s"})
    assert not console.reap(c.id)[0].removed
    for _ in range(3):
        engine.resync()
        engine.witness()
    assert c.id in engine.containers and len(engine.asked("remove", c)) == 1


def test_inspect_that_fails(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    c, gone = engine.add(slot=1), engine.add(slot=2)
    engine.fault("inspect", c, status=500, message="\x1b[31mtrouble\nnext line")
    engine.fault("inspect", gone, before=lambda: engine.vanish(gone))
    begin(reaperd, console, **SLOW)
    found = by_id(console.reap(c.id, gone.id))
    assert not found[c.id].removed and found[c.id].words.startswith("failed: ")
    assert not {"\x1b", "\n"} & set(found[c.id].words)
    assert not found[gone.id].removed and not engine.asked("remove")


@pytest.mark.parametrize("outcome", ["running", "removing", "404"])
def test_somebody_else_was_there(engine: Standin, reaperd: Reaperd, console: Console, outcome: str) -> None:
    """It is not ours, or no longer: one DELETE, and it is said that we have not removed it."""
    c = engine.add(removals=[outcome])
    begin(reaperd, console, **SLOW)
    pending = console.start_reap(c.id)
    engine.wait_asked("remove", 1, c)
    if outcome == "removing":
        until(lambda: pending.done or console.verdict(c.id) == "removing", "it is known to be removed")
        engine.vanish(c)
    result, = results(pending)
    assert not result.removed and result.id == c.id and result.words != "removed"
    assert len(engine.asked("remove", c)) == 1 and console.history() == []


def test_delete_without_an_answer(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """One was done all the same, and the other was not."""
    done, stuck = engine.add(slot=1, removals=["hang"]), engine.add(slot=2, removals=["stuck"])
    begin(reaperd, console, **QUIET | {"RequestTimeout": "1s", "RetryInitial": "1s", "Parallelism": 2})
    found = by_id(console.reap(done.id, stuck.id))
    if not found[stuck.id].removed:
        assert found[stuck.id].words.startswith("failed: ")
    # What was done unseen shows with the next look, and counts as ours in the history at the latest.
    assert found[done.id].removed or found[done.id].words.startswith("failed: ")
    engine.resync()
    until(lambda: done.id in {r.id for r in console.history()}, "its record")
    assert len(engine.asked("remove", done)) == 1


def test_two_callers(engine: Standin, reaperd: Reaperd, console: Console, other_console: Console) -> None:
    """Both are answered by the one removal; who asks for more waits for more."""
    c, more = engine.add(slot=1), engine.add(slot=2)
    gate = threading.Event()
    engine.fault("remove", c, hold=gate)
    begin(reaperd, console, **QUIET | {"Parallelism": 4})
    first = console.start_reap(c.id)
    in_flight(engine, c)
    second, third = other_console.start_reap(more.id, c.id), console.start_reap(c.id)
    engine.wait_removed(more)
    assert not first.done and not second.done and not third.done
    gate.set()
    assert results(first) == [removed(c)] == results(third)
    assert by_id(results(second)) == {c.id: removed(c), more.id: removed(more)}
    assert engine.story(c) == ["inspect", "remove"] and len(console.history()) == 2


def test_dry_run_beside_a_real_one(engine: Standin, reaperd: Reaperd, console: Console,
                                   other_console: Console) -> None:
    """It is answered at once, and asks for nothing."""
    c, other = engine.add(slot=1), engine.add(slot=2)
    gate = threading.Event()
    engine.fault("remove", c, hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(c.id)
    in_flight(engine, c)
    found = by_id(other_console.reap(c.id, other.id, dry_run=True))
    assert found[other.id].removed and found[c.id].removed
    gate.set()
    assert results(pending) == [removed(c)]
    engine.witness()
    assert other.id in engine.containers


def test_caller_leaves(engine: Standin, reaperd: Reaperd, console: Console, other_console: Console) -> None:
    made = [engine.add(slot=n) for n in range(3)]
    gate = threading.Event()
    engine.fault("remove", made[0], hold=gate)
    begin(reaperd, console, **QUIET)
    console.start_reap(made[0].id, made[1].id)
    in_flight(engine, made[0])
    console.close()
    pending = other_console.start_reap(made[2].id, made[0].id)
    gate.set()
    assert by_id(results(pending)) == {c.id: removed(c) for c in (made[0], made[2])}
    assert reaperd.running() and other_console.get("Removed") >= 2
    engine.wait_removed(made[1])        # what was asked for is done, whoever waits for the answer


def test_engine_is_lost(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """All are answered then, and nothing that was asked for before is done when it is back."""
    made = [engine.add(slot=n) for n in range(3)]
    engine.fault("remove", hang=True)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(*(c.id for c in made))
    made = first_of(engine, made)
    engine.stop()
    found = by_id(results(pending))
    assert set(found) == {c.id for c in made} and not any(r.removed for r in found.values())
    assert all(r.words.startswith(("failed: ", "kept: ")) for r in found.values())
    engine.start()
    engine.witness()
    assert {c.id for c in made[1:]} <= set(engine.containers)
    assert not any(engine.asked("remove", c) for c in made[1:])


def test_reload_in_between(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """What is under way ends; the rest goes by what holds now."""
    made = [engine.add(slot=n, service=f"s{n}") for n in range(3)]
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(*(c.id for c in made))
    first, kept, third = first_of(engine, made)
    reaperd.rule("db", Service=kept.labels["com.docker.swarm.service.name"], Action="keep")
    reaperd.reload()
    gate.set()
    found = by_id(results(pending))
    assert found[first.id] == removed(first)
    assert not found[kept.id].removed and found[kept.id].verdict in ("kept-rule", "reloading", "scope-unknown")
    assert kept.id in engine.containers and not engine.asked("remove", kept)
    result = found[third.id]
    assert result == removed(third) or result.verdict in ("reloading", "scope-unknown")
    engine.witness()
    assert (third.id in engine.containers) is not result.removed


def test_paused_in_between(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """A DELETE that was sent ends; no other is sent, and none when the pause is over."""
    made = [engine.add(slot=n) for n in range(3)]
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(*(c.id for c in made))
    made = first_of(engine, made)
    console.pause(3600)
    gate.set()
    found = by_id(results(pending))
    assert found[made[0].id] == removed(made[0])
    for c in made[1:]:
        assert not found[c.id].removed and found[c.id].verdict == "removals-paused"
    assert console.resume()
    engine.witness()
    assert {c.id for c in made[1:]} == set(engine.containers)
    assert not any(engine.asked("remove", c) for c in made[1:])
    until(lambda: [r.id for r in console.history() if r.verdict == "requested"] == [made[0].id], "its record")


def test_container_starts_again(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Between the word and the look: what runs stays, and has forgotten the word when it ends again."""
    made = [engine.add(slot=n) for n in range(2)]
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(*(c.id for c in made))
    first, c = first_of(engine, made)
    engine.restart_container(c)
    until(lambda: console.verdict(c.id) == "running", "it runs")
    gate.set()
    found = by_id(results(pending))
    assert found[first.id].removed and not found[c.id].removed and found[c.id].verdict == "running"
    engine.end(c)
    await_verdict(console, c, "too-young")
    await_verdict(console, c, "retained", 40)
    engine.witness()
    assert not engine.asked("remove", c)


def test_gone_while_it_waits(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Others take one that waits for its turn: nobody waits for it any more."""
    made = [engine.add(slot=n) for n in range(3)]
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(*(c.id for c in made))
    first, other, last = first_of(engine, made)
    engine.vanish(other)
    until(lambda: console.row(other.id) is None, "its end")
    gate.set()
    found = by_id(results(pending))
    assert found[first.id] == removed(first) and found[last.id] == removed(last)
    assert not found[other.id].removed and found[other.id].words


def test_reaperd_ends(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """It waits for the DELETE as ever; the caller is told something, be it by the bus."""
    made = [engine.add(slot=n) for n in range(2)]
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(*(c.id for c in made))
    _, other = first_of(engine, made)
    reaperd.terminate()
    gate.set()
    assert reaperd.wait_exit() == 0
    assert pending.arrived.wait(20)
    assert other.id in engine.containers and not engine.asked("remove", other)


def test_bus_goes_in_between(engine: Standin, reaperd: Reaperd, console: Console,
                             request: pytest.FixtureRequest) -> None:
    """Nobody can be answered then; what was asked for ends all the same, and nothing crashes."""
    made = [engine.add(slot=n) for n in range(2)]
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    console.start_reap(*(c.id for c in made))
    made = first_of(engine, made)
    there = request.getfixturevalue("bus")
    there.stop()
    gate.set()
    engine.wait_removed(made[0])
    there.start()
    again = Console(str(there.socket)).await_name()
    try:
        until(lambda: made[0].id in {r.id for r in again.history()}, "its record")
    finally:
        again.close()
