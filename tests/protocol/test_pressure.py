# SPDX-License-Identifier: Apache-2.0
"""What goes against critical pressure, in which order and when, and what stays whatever happens."""

from __future__ import annotations

import threading
import time
from typing import Callable

import pytest

from daemon import Reaperd, until
from pressure_kit import (BATCH, CALM, CRITICAL, LEVEL, NEVER_ENOUGH, NOTHING_LEFT, OFF, Journal, check_fields,
                          journal_or_skip, last_status, pressed_out, sent, stopped, wait_pressed_out)
from standin import Standin

journal = pytest.fixture(journal_or_skip)


def test_batch_by_batch(engine: Standin, reaperd: Reaperd) -> None:
    """The oldest first, two at a time, with a pause after each; what is due by its age goes on as ever."""
    made = stopped(engine, 5)
    reaperd.begin(**CRITICAL | {"Pressure.CoolDown": "1500ms"})
    engine.wait_removed(*made[:2])
    engine.witness()
    assert engine.removed[:2] == [c.id for c in made[:2]] and all(c.id in engine.containers for c in made[2:])
    engine.wait_removed(*made)
    assert [ident for ident in engine.removed if ident in {c.id for c in made}] == [c.id for c in made]
    at = sent(engine, *made)
    assert at[2] - at[1] >= 1.5 and at[4] - at[3] >= 1.5 and at[1] - at[0] < 1
    reaperd.wait_log("^reaperd: Removed 1 container against pressure")
    assert reaperd.stop() == 0
    assert reaperd.count(BATCH) == 3 and reaperd.count("^reaperd: Removed 2 containers against") == 2
    assert all(pressed_out(reaperd, c) == 1 and engine.story(c) == ["inspect", "remove"] for c in made)
    assert reaperd.count("Removed .* witness.*: ttl-expired") == 2
    assert reaperd.count(LEVEL) == 1


def test_measure_of_used_memory(engine: Standin, reaperd: Reaperd) -> None:
    made = stopped(engine, 1)
    reaperd.begin(**CALM | {"Pressure.MemoryUsedHigh": "0%", "Pressure.MemoryUsedLow": "0%"})
    engine.wait_removed(*made)
    reaperd.wait_log(r"^reaperd: Removed 1 container against pressure \(memory-used [\d.]+%\)")
    assert reaperd.count(r"^reaperd: Pressure is critical: [\d.]+% of memory is used, MemoryUsedHigh=0%$") == 1


def test_sustain(engine: Standin, reaperd: Reaperd) -> None:
    """A threshold counts when it has been passed for so long."""
    c, = stopped(engine, 1)
    began = time.monotonic()
    reaperd.begin(**CRITICAL | {"Pressure.Sustain": "2s"})
    engine.wait_removed(c)
    assert 2 <= sent(engine, c)[0] - began < 4


def test_disabled(engine: Standin, reaperd: Reaperd) -> None:
    stopped(engine, 3)
    reaperd.begin(**CRITICAL | {"Pressure.Enabled": "no"})
    engine.witness()
    assert len(engine.containers) == 3 and not reaperd.count("ressure")


def test_once(engine: Standin, reaperd: Reaperd) -> None:
    """A single pass knows no pressure."""
    stopped(engine, 3)
    assert reaperd.once(**CRITICAL).kept == 3
    assert not reaperd.count("ressure")


def test_floors(engine: Standin, reaperd: Reaperd) -> None:
    """Pressure has a floor of its own, in the place of all others; at the other levels those hold."""
    live = [engine.add(slot=n, service=service, state="running") for n, service in enumerate(("web", "web", "db"), 1)]
    running, created = engine.add(slot=8, state="running"), engine.add(slot=9, state="created", age=90000.0)
    unstarted = engine.add(slot=10, state="created", age=90000.0, exit_code=127, error="no such file")
    old = engine.add(slot=11)
    reaperd.rule("db", Service="db", MinimumAge="2h")
    seen = time.time()
    reaperd.begin(**CRITICAL | {"Pressure.BatchSize": 10, "MinimumAge": "3h", "Success": "10s",
                                "FailedStart": "24h", "Parallelism": 4})
    engine.wait_removed(old)
    for c in live:
        engine.end(c)
    engine.wait_removed(*live, unstarted)
    offset = time.time() - time.monotonic()
    for c in live:
        assert 10 <= sent(engine, c)[0] + offset - c.finished / 1e9 < 13
    assert 10 <= sent(engine, unstarted)[0] + offset - seen < 13
    wait_pressed_out(reaperd, *live, unstarted, old)
    assert set(engine.containers) == {running.id, created.id}


def test_who_stays(engine: Standin, reaperd: Reaperd) -> None:
    """KeepLast= is given up; labels, rules, KeepLastFailure= and what others care for are not."""
    engine.others_may_go = True
    goes = [*stopped(engine, 2, slot=1), *stopped(engine, 1, 3, slot=1, exit_code=1),
            engine.add_plain(ended=900.0)]
    stays = [*stopped(engine, 1, 4, slot=1, exit_code=1),
             engine.add(slot=5, ended=900.0, asks={"org.reaperd.keep": "true"}),
             engine.add(slot=1, ended=900.0, service="kept"),
             engine.add(slot=7, state="running"), engine.add(slot=8, state="paused"),
             engine.add(slot=9, state="created", age=90000.0),
             engine.add(slot=10, ended=900.0, is_task=False),
             engine.add_plain(ended=900.0, auto_remove=True),
             engine.add_plain(ended=900.0, restart_policy="always"),
             engine.add_plain(ended=900.0, name="out-of-scope")]
    reaperd.rule("kept", Service="kept", Action="keep")
    reaperd.rule("others", Kind="other", Name="plain-*", Action="reap")
    reaperd.begin(**CRITICAL | {"Pressure.BatchSize": 20, "KeepLast": "infinity", "KeepLastFailure": 1})
    engine.wait_removed(*goes)
    reaperd.wait_log(NOTHING_LEFT)
    engine.witness()
    assert set(engine.containers) == {c.id for c in stays}
    wait_pressed_out(reaperd, *goes)
    assert reaperd.count(NOTHING_LEFT) == 1


def _quarantine(engine: Standin, reaperd: Reaperd) -> None:
    c, = engine.containers.values()
    c.removals = ["500"]
    reaperd.configure(QuarantineAfter=1)


def _first_run(_: Standin, reaperd: Reaperd) -> None:
    reaperd.state_directory()
    reaperd.configure(FirstRunDelay="1h")


def _settling(_: Standin, reaperd: Reaperd) -> None:
    reaperd.configure(SettleTime="1h")


def _swarm_not_ready(engine: Standin, _: Reaperd) -> None:
    engine.swarm_state = "pending"


@pytest.mark.parametrize("close", [_quarantine, _first_run, _settling, _swarm_not_ready])
def test_gates(engine: Standin, reaperd: Reaperd, close: Callable[[Standin, Reaperd], None]) -> None:
    """Whatever holds back all else holds this back too: selection finds nobody, and says so once."""
    c, = stopped(engine, 1)
    close(engine, reaperd)
    reaperd.begin(**CRITICAL)
    reaperd.wait_log(NOTHING_LEFT)
    looks = len(engine.asked("inspect"))
    time.sleep(1.5)  # the level is looked at each second
    assert c.id in engine.containers and len(engine.asked("inspect")) == looks <= 1
    assert reaperd.count(LEVEL) == reaperd.count(NOTHING_LEFT) == 1


def test_gate_opens(engine: Standin, reaperd: Reaperd) -> None:
    c, = stopped(engine, 1)
    began = time.monotonic()
    reaperd.begin(**CRITICAL | {"SettleTime": "2s"})
    engine.wait_removed(c)
    assert sent(engine, c)[0] - began >= 2


def test_surge(engine: Standin, reaperd: Reaperd) -> None:
    """What a reload makes due, and holds, is not taken by a batch either; the rest is."""
    held, free = stopped(engine, 3), stopped(engine, 1, 10, service="free")
    reaperd.rule("free", Service="free", Success="2h")
    reaperd.begin(**CALM | {"SurgeLimit": 2, "FirstRunDelay": "1h"})
    reaperd.reload(**CRITICAL | {"Success": "10min"})
    engine.wait_removed(*free)
    reaperd.wait_log(NOTHING_LEFT)
    assert set(engine.containers) == {c.id for c in held}
    wait_pressed_out(reaperd, *free)
    reaperd.reload(SurgeLimit=0)
    engine.wait_removed(*held)
    until(lambda: reaperd.count("Removed .*: ttl-expired") == 3, "their records", detail=reaperd.log)


def test_while_reloading(engine: Standin, reaperd: Reaperd) -> None:
    """Until the list behind a reload is in, nothing is begun."""
    c, = stopped(engine, 1)
    reaperd.begin(**CALM)
    gate = threading.Event()
    engine.fault("list", hold=gate)
    reaperd.reload(**CRITICAL)
    reaperd.wait_log(LEVEL)
    time.sleep(1.2)
    assert not engine.asked("inspect")
    gate.set()
    engine.wait_removed(c)


def test_without_an_engine(engine: Standin, reaperd: Reaperd) -> None:
    made = stopped(engine, 2)
    engine.stop()
    reaperd.start(**CRITICAL)
    reaperd.wait_log(LEVEL)
    reaperd.wait_log("Lost|Cannot|No connection")
    engine.start()
    engine.wait_removed(*made)
    assert not reaperd.count(NOTHING_LEFT)


def test_not_known_to_be_tasks(engine: Standin, reaperd: Reaperd) -> None:
    """Events tell of labels only: who is a task is asked for before anything else."""
    reaperd.begin(**CRITICAL)
    c, = stopped(engine, 1)
    forged, = stopped(engine, 1, 2, is_task=False)
    engine.tell_end(c, forged)
    engine.wait_removed(c)
    reaperd.wait_log(BATCH)
    routes = [r.route for r in engine.requests]
    assert routes.index("members") < routes.index("inspect")
    assert engine.story(c) == ["inspect", "remove"] and not engine.story(forged)
    assert reaperd.count("^reaperd: Removed 1 container against pressure") == 1


def test_parallelism(engine: Standin, reaperd: Reaperd) -> None:
    made = stopped(engine, 12)
    gate = threading.Event()
    engine.fault("remove", times=None, hold=gate)
    reaperd.begin(**CRITICAL | {"Pressure.BatchSize": 10, "Parallelism": 3})
    engine.wait(lambda: len(engine.asked("remove")) == 3, "three removals at once")
    gate.set()
    engine.wait_removed(*made)
    assert max(r.busy for r in engine.requests) == 3
    at = sent(engine, *made)
    assert min(at[10:]) - max(at[:10]) >= 1


def test_dry_run(engine: Standin, reaperd: Reaperd) -> None:
    """It goes through all of it, and sends nothing."""
    made = stopped(engine, 3)
    reaperd.begin("--dry-run", **CRITICAL)
    reaperd.wait_log(r"^reaperd: Would have removed 2 containers against pressure \(memory-available ")
    reaperd.wait_log("^reaperd: Would have removed 1 container against pressure")
    reaperd.wait_log(NOTHING_LEFT)
    assert all(pressed_out(reaperd, c) == 1 and engine.story(c) == ["inspect"] for c in made)


def test_end_of_the_level(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.begin(**CRITICAL)
    reaperd.wait_log(LEVEL)
    reaperd.reload(**OFF)
    reaperd.wait_log("^reaperd: Pressure is over$")
    stopped(engine, 2)
    engine.resync()
    engine.witness()
    assert len(engine.containers) == 2
    reaperd.reload(**CRITICAL)
    engine.wait(lambda: not engine.containers, "removals")
    assert reaperd.count(LEVEL) == 2


def test_status(engine: Standin, reaperd: Reaperd) -> None:
    """systemctl status tells of the level, and no more when it is over."""
    stopped(engine, 1)
    reaperd.begin(**CRITICAL | NEVER_ENOUGH | {"Pressure.GiveUpAfter": 1, "Pressure.GiveUpFor": "7d"})
    until(lambda: any("; pressure critical (memory-available " in line for _, line in reaperd.notified()),
          "STATUS= with the level", detail=lambda: str(reaperd.notified()))
    until(lambda: any("; pressure given up (memory-available " in line for _, line in reaperd.notified()),
          "STATUS= of having given up", detail=lambda: str(reaperd.notified()))
    reaperd.reload(**OFF)
    until(lambda: last_status(reaperd).endswith(" 1 removed"), "STATUS= without it",
          detail=lambda: str(reaperd.notified()))


def test_records(engine: Standin, reaperd: Reaperd, journal: Journal) -> None:
    """What the journal gets: the level, each removal, each batch, and that it was given up."""
    made = stopped(engine, 2)
    reaperd.start(**CRITICAL | NEVER_ENOUGH | {"Pressure.GiveUpAfter": 1, "Pressure.CoolDown": "3s"})
    engine.wait_removed(*made)
    engine.witness()
    until(lambda: journal.of("Removing containers does not help"), "the end", detail=lambda: str(journal.records))
    reaperd.reload(**OFF)
    until(lambda: journal.of("Pressure is over"), "the end of the level", detail=lambda: str(journal.records))

    entered, = journal.of("Pressure is critical")
    check_fields(entered, PRIORITY="5", REAPERD_PRESSURE_LEVEL="critical",
                 REAPERD_PRESSURE_CAUSE="memory-available", REAPERD_SETTING="MemoryAvailableLow")
    assert 0 < float(entered["REAPERD_PRESSURE_PERCENT"]) < 100
    for c in made:
        removal, = journal.of(f"Removed {c.short}")
        check_fields(removal, PRIORITY="6", REAPERD_VERDICT="pressure", REAPERD_SETTING="MemoryAvailableLow")
        assert not any(key.startswith("REAPERD_HELD") for key in removal)
    batch, = journal.of("Removed 2 containers against pressure")
    check_fields(batch, PRIORITY="6", REAPERD_PRESSURE_LEVEL="critical", REAPERD_PRESSURE_CAUSE="memory-available",
                 REAPERD_REMOVED="2", REAPERD_REMOVED_OTHERWISE="2", REAPERD_HELD_UNKNOWN="2", REAPERD_HELPED="0")
    assert float(batch["REAPERD_PRESSURE_PERCENT"]) > 0
    assert batch["REAPERD_IMPROVEMENT"] == batch["REAPERD_CHANGE_MEMORY_AVAILABLE"]
    for figure in ("MEMORY_FREE", "CACHED", "SLAB"):
        int(batch["REAPERD_CHANGE_" + figure])
    gave_up, = journal.of("Removing containers does not help")
    check_fields(gave_up, PRIORITY="4", REAPERD_PRESSURE_CAUSE="memory-available", REAPERD_BATCHES="1",
                 REAPERD_WAIT_USEC="600000000")
    over, = journal.of("Pressure is over")
    check_fields(over, PRIORITY="5", REAPERD_PRESSURE_LEVEL="normal", MESSAGE_ID=entered["MESSAGE_ID"])
    assert len({r["MESSAGE_ID"] for r in (entered, removal, batch, gave_up)}) == 4


def test_record_of_a_removal_whose_answer_never_came(engine: Standin, reaperd: Reaperd, journal: Journal) -> None:
    """It is told by the setting that it went by."""
    c, = stopped(engine, 1)
    c.removals = ["hang"]
    reaperd.start(**CRITICAL | {"RequestTimeout": "1s"})
    until(lambda: journal.of(f"Removed {c.short}"), "its record", detail=lambda: str(journal.records))
    check_fields(journal.of(f"Removed {c.short}")[0], REAPERD_VERDICT="pressure", REAPERD_SETTING="MemoryAvailableLow")
