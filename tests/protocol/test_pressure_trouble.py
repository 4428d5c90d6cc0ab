# SPDX-License-Identifier: Apache-2.0
"""What can happen amid a batch against pressure, and when removal does not help."""

from __future__ import annotations

import threading
import time

import pytest

from daemon import Reaperd, until
from engine_model import Container
from pressure_kit import (BATCH, CALM, CRITICAL, GAVE_UP, LEVEL, NEVER_ENOUGH, NOTHING_LEFT, OFF, pressed_out, sent,
                          stopped, wait_pressed_out)
from standin import Standin, ring_event

HOUR_LONG: dict[str, str | int] = {"Pressure.CoolDown": "1h"}


def in_hand(engine: Standin, reaperd: Reaperd, **settings: str | int) -> tuple[list[Container], threading.Event]:
    """Four containers, of which a batch is to take three; the DELETE of the first waits for the event."""
    made = stopped(engine, 4)
    gate = threading.Event()
    engine.fault("remove", made[0], hold=gate)
    reaperd.begin(**CRITICAL | {"Pressure.BatchSize": 3} | settings)
    engine.wait_asked("remove", 1, made[0])
    return made, gate


def test_driver_is_busy(engine: Standin, reaperd: Reaperd) -> None:
    """One that fails has its own time; the others go, the batch is judged, and the next takes what is left."""
    made = stopped(engine, 4)
    made[1].removals = ["500", "500"]
    reaperd.begin(**CRITICAL | {"Pressure.BatchSize": 3})
    engine.wait_removed(*made)
    assert engine.removed == [made[n].id for n in (0, 2, 1, 3)] or engine.removed == [made[n].id for n in (0, 2, 3, 1)]
    assert sent(engine, made[3])[0] - sent(engine, made[2])[0] >= 1
    wait_pressed_out(reaperd, *made)
    reaperd.wait_log("^reaperd: Removed 2 containers against")
    assert engine.story(made[1]) == ["inspect", "remove"] * 3


def test_quarantine(engine: Standin, reaperd: Reaperd) -> None:
    """One that cannot be removed takes nobody's place for ever."""
    made = stopped(engine, 3)
    made[0].removals = ["500"] * 100
    engine.emit_event(ring_event(100))
    reaperd.begin(**CRITICAL | {"Pressure.BatchSize": 1, "QuarantineAfter": 2})
    engine.wait_removed(*made[1:])
    reaperd.wait_log("left alone")
    reaperd.wait_log(NOTHING_LEFT)
    assert engine.story(made[0]) == ["inspect", "remove"] * 2


@pytest.mark.parametrize("how", ["stuck", "hang"])
def test_no_answer(engine: Standin, reaperd: Reaperd, how: str) -> None:
    """The batch waits for it until RequestTimeout, and no longer; it is told of, whenever its end shows."""
    made = stopped(engine, 3)
    made[0].removals = [how]
    reaperd.begin(**CRITICAL | {"RequestTimeout": "1500ms"})
    engine.wait_removed(*made)
    wait_pressed_out(reaperd, *made)
    at = sent(engine, *made)
    assert at[1] - at[0] >= 1.5 and at[2] - at[1] >= 1
    assert len(engine.asked("remove", made[0])) == (2 if how == "stuck" else 1)


def test_stream_is_cut(engine: Standin, reaperd: Reaperd) -> None:
    """That ends the batch; what has been removed is judged, and another comes when it has cooled down."""
    made, gate = in_hand(engine, reaperd, **{"Pressure.CoolDown": "2s", "Parallelism": 2})
    engine.wait_removed(*made[1:3])
    engine.resync()
    gate.set()
    engine.wait_removed(*made)
    wait_pressed_out(reaperd, *made)
    assert sent(engine, made[3])[0] - sent(engine, made[2])[0] >= 2
    assert all(len(engine.asked("remove", c)) == 1 for c in made)
    until(lambda: reaperd.count(BATCH) == 2, "two judgements", detail=reaperd.log)


def test_stream_that_keeps_being_cut(engine: Standin, reaperd: Reaperd) -> None:
    """No more goes for it, and having given up is not forgotten."""
    made = stopped(engine, 6)
    reaperd.begin(**CRITICAL | NEVER_ENOUGH | {"Pressure.CoolDown": "3s", "Pressure.GiveUpAfter": 2})
    for batch in (made[:2], made[2:4]):
        engine.wait_removed(*batch)
        engine.resync()
    reaperd.wait_log(GAVE_UP)
    engine.witness()
    at = sent(engine, *made[:4])
    assert at[2] - at[1] >= 3 and set(engine.containers) == {c.id for c in made[4:]}
    assert reaperd.count(GAVE_UP) == 1


def test_engine_goes_away(engine: Standin, reaperd: Reaperd) -> None:
    made, gate = in_hand(engine, reaperd)
    engine.stop()
    gate.set()
    engine.start()
    engine.wait_removed(*made)
    wait_pressed_out(reaperd, *made)


def test_started_between_choice_and_inspect(engine: Standin, reaperd: Reaperd) -> None:
    made, gate = in_hand(engine, reaperd)
    engine.restart_container(made[1], tell=False)
    engine.restart_container(made[2])
    gate.set()
    engine.wait_removed(made[0], made[3])
    reaperd.wait_log(NOTHING_LEFT)
    assert engine.story(made[1]) == ["inspect"] and not engine.asked("remove", made[2])
    assert set(engine.containers) == {made[1].id, made[2].id}


def test_started_between_inspect_and_delete(engine: Standin, reaperd: Reaperd) -> None:
    c, = stopped(engine, 1)
    c.removals = ["running"]
    reaperd.begin(**CRITICAL)
    reaperd.wait_log(NOTHING_LEFT)
    engine.witness()
    assert c.id in engine.containers and engine.story(c).count("remove") == 1 and not pressed_out(reaperd, c)


def test_vanishes(engine: Standin, reaperd: Reaperd) -> None:
    """With an event or without one: it is no removal of ours, and the batch goes on."""
    made, gate = in_hand(engine, reaperd)
    engine.vanish(made[1])
    engine.vanish(made[2], tell=False)
    gate.set()
    engine.wait_removed(*made)
    wait_pressed_out(reaperd, made[0], made[3])
    assert not engine.asked("remove", made[1]) and engine.story(made[2]) == ["inspect"]
    until(lambda: reaperd.count("^reaperd: Removed 1 container against") == 2, "two judgements", detail=reaperd.log)


def test_nothing_comes_of_it(engine: Standin, reaperd: Reaperd) -> None:
    """A batch of which all stay is no batch: the next begins without a pause, and nothing is judged."""
    made = stopped(engine, 3)
    for c in made[:2]:
        engine.restart_container(c, tell=False)
        c.listed_as = "exited"
    began = time.monotonic()
    reaperd.begin(**CRITICAL | HOUR_LONG)
    engine.wait_removed(made[2])
    assert sent(engine, made[2])[0] - began < 3 and set(engine.containers) == {c.id for c in made[:2]}


@pytest.mark.parametrize("off", [OFF, {"Pressure.Enabled": "no"}], ids=["off", "disabled"])
def test_reload_ends_pressure(engine: Standin, reaperd: Reaperd, off: dict[str, str | int]) -> None:
    """The rest of the batch stays; what is in hand is seen through."""
    made, gate = in_hand(engine, reaperd)
    reaperd.reload(**off)
    reaperd.wait_log("^reaperd: Pressure is over$")
    gate.set()
    engine.wait_removed(made[0])
    engine.witness()
    assert set(engine.containers) == {c.id for c in made[1:]} and not any(engine.story(c) for c in made[1:])


def test_reload_changes_the_batch(engine: Standin, reaperd: Reaperd) -> None:
    """The rest is chosen anew, by what holds now."""
    made, gate = in_hand(engine, reaperd)
    reaperd.rule("not-this", Name=made[1].name, Action="keep")
    reaperd.reload(**{"Pressure.BatchSize": 1, "Pressure.Order": "held"})
    gate.set()
    engine.wait_removed(made[2], made[3])
    at = sent(engine, *made[2:])
    assert at[1] - at[0] >= 1 and set(engine.containers) == {made[1].id}


def test_reload_while_cooling_down(engine: Standin, reaperd: Reaperd) -> None:
    """It is waited on, as long as it holds by the new configuration, and judged."""
    made = stopped(engine, 4)
    reaperd.begin(**CRITICAL | HOUR_LONG)
    engine.wait_removed(*made[:2])
    reaperd.reload()
    engine.wait_answered("list", 2)
    engine.witness()
    assert len(engine.containers) == 2
    reaperd.reload(**{"Pressure.CoolDown": "1s"})
    engine.wait_removed(*made)
    until(lambda: reaperd.count(BATCH) == 2, "two judgements", detail=reaperd.log)


def test_stop_amid_a_batch(engine: Standin, reaperd: Reaperd) -> None:
    """The DELETE that is under way ends, no other is begun."""
    made, gate = in_hand(engine, reaperd)
    reaperd.terminate()
    reaperd.wait_log("Stopping")
    gate.set()
    assert reaperd.wait_exit(5) == 0
    assert engine.removed == [made[0].id] and pressed_out(reaperd, made[0]) == 1


def test_stop_while_cooling_down(engine: Standin, reaperd: Reaperd) -> None:
    made = stopped(engine, 3)
    reaperd.begin(**CRITICAL | HOUR_LONG)
    engine.wait_removed(*made[:2])
    wait_pressed_out(reaperd, *made[:2])
    reaperd.terminate()
    assert reaperd.wait_exit(2) == 0
    assert made[2].id in engine.containers


@pytest.mark.parametrize("when", ["removing", "cooling"])
def test_another_engine(engine: Standin, other_engine: Standin, reaperd: Reaperd, when: str) -> None:
    """Its containers are another matter: the batch is over, a new one is begun there."""
    theirs = stopped(other_engine, 1)
    if when == "removing":
        made, gate = in_hand(engine, reaperd)
    else:
        made, gate = stopped(engine, 3), threading.Event()
        reaperd.begin(**CRITICAL | HOUR_LONG)
        engine.wait_removed(*made[:2])
    reaperd.reload(Endpoint=f"unix://{other_engine.addresses[0]}")
    gate.set()
    other_engine.wait_removed(*theirs)
    wait_pressed_out(reaperd, *theirs)
    assert len(engine.removed) == (1 if when == "removing" else 2)
    assert reaperd.count(LEVEL) == 1


def test_giving_up(engine: Standin, reaperd: Reaperd) -> None:
    """After so many batches without help, for so long, with one warning; then it is tried again."""
    made = stopped(engine, 8)
    reaperd.begin(**CRITICAL | NEVER_ENOUGH | {"Pressure.GiveUpAfter": 2, "Pressure.GiveUpFor": "3s"})
    reaperd.wait_log(GAVE_UP + r"2 batches in a row: none is removed for it for 3s(\. Most memory is used by |$)")
    assert engine.removed == [c.id for c in made[:4]]
    engine.witness()
    assert set(engine.containers) == {c.id for c in made[4:]} and reaperd.count(GAVE_UP) == 1
    engine.wait_removed(*made)
    at = sent(engine, *made)
    assert at[4] - at[3] >= 1 + 3 and at[2] - at[1] >= 1
    until(lambda: reaperd.count(GAVE_UP) == 2, "another warning", detail=reaperd.log)
    assert reaperd.count(r"did not help \(1 of 2\)$") == 2 == reaperd.count(r"did not help \(2 of 2\)$")
    assert reaperd.count(LEVEL) == 1


def test_never_giving_up(engine: Standin, reaperd: Reaperd) -> None:
    """MinimumReclaim=0: whatever comes of it."""
    made = stopped(engine, 4)
    reaperd.begin(**CRITICAL | {"Pressure.BatchSize": 1, "Pressure.GiveUpAfter": 1})
    engine.wait_removed(*made)
    assert reaperd.count(GAVE_UP) == 0


def test_another_cause(engine: Standin, reaperd: Reaperd) -> None:
    """Having given up on memory says nothing about the disk."""
    made = stopped(engine, 5)
    engine.info_extra["DockerRootDir"] = str(reaperd.directory)
    reaperd.begin(**CRITICAL | NEVER_ENOUGH | {"Pressure.GiveUpAfter": 1, "Disk.UsedHigh": "0%", "Disk.UsedLow": "0%"})
    reaperd.wait_log(r"does not help against pressure \(disk-used\), 1 batch in a row: none is removed for it for 10m")
    engine.witness()
    assert engine.removed[:4] == [c.id for c in made[:4]] and made[4].id in engine.containers
    at = sent(engine, *made[:4])
    assert at[2] - at[1] >= 1
    assert reaperd.count(GAVE_UP) == 1 and reaperd.count(r"^reaperd: Removed 2 containers against .*\(disk-used") == 1


def test_reload_does_not_take_it_back(engine: Standin, reaperd: Reaperd) -> None:
    made = stopped(engine, 3)
    reaperd.begin(**CRITICAL | NEVER_ENOUGH | {"Pressure.GiveUpAfter": 1})
    reaperd.wait_log(GAVE_UP)
    reaperd.reload(**CALM)
    reaperd.reload(**CRITICAL)
    engine.witness()
    assert set(engine.containers) == {made[2].id}
