# SPDX-License-Identifier: Apache-2.0
"""Signals: each when it happens, once, and with what the methods tell too."""

from __future__ import annotations

import time

from console_kit import HOUR, QUIET, Console, await_verdict, begin, bus, console, near, same, until  # noqa: F401
from daemon import Reaperd
from lab.console import Removal, Row
from pressure_kit import CRITICAL, stopped
from standin import Standin


def test_stopped_and_removed(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Not of what had stopped before; of every end, of every removal of ours."""
    old, runs = engine.add(ended=600.0), engine.add(slot=2, state="running", age=0.0)
    begin(reaperd, console, **QUIET | {"Success": "11s"} | {"MinimumAge": "11s"})
    engine.wait_removed(old)
    removal = Removal(*console.await_signal("ContainerRemoved")[0])
    assert removal == console.history()[0]._replace(observed=removal.observed, observed_of=removal.observed_of)
    assert removal.id == old.id and console.signals("ContainerStopped") == []
    engine.end(runs, 0)
    row = Row(*console.await_signal("ContainerStopped")[0])
    assert (row.id, row.name, row.service, row.slot) == (runs.id, runs.name, "web", "web.2")
    assert row.state == "exited" and row.verdict == "too-young"
    engine.resync()
    engine.wait_removed(runs)
    assert Removal(*console.await_signal("ContainerRemoved", 2)[0]).id == runs.id
    theirs = engine.add(slot=3, ended=5.0)
    engine.tell_end(theirs)
    assert Row(*console.await_signal("ContainerStopped", 2)[0]).id == theirs.id
    engine.vanish(theirs)
    until(lambda: console.row(theirs.id) is None, "its end")
    assert (len(console.signals("ContainerStopped")), len(console.signals("ContainerRemoved"))) == (2, 2)


def test_quarantined(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    c = engine.add()
    engine.fault("remove", c, times=None, edit=lambda _: b'{"message":"\\u001b[31mbusy\xff\xfe\\n"}', status=500)
    begin(reaperd, console, QuarantineAfter=2)
    ident, name, service, attempts, problem = console.await_signal("ContainerQuarantined")
    assert (ident, name, service, attempts) == (c.id, c.name, "web", 2)
    assert "busy" in problem        # in valid UTF-8, or the client would not have read it
    engine.resync()
    assert len(console.signals("ContainerQuarantined")) == 1


def test_engine(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    begin(reaperd, console)
    endpoint = f"unix://{engine.addresses[0]}"
    for n in (1, 2):
        engine.stop()
        address, problem = console.await_signal("EngineLost", n)
        assert address == endpoint and problem
        before = len(console.signals("EngineBack"))
        engine.start()
        assert console.await_signal("EngineBack", before + 1) == [endpoint, "20.10.24", "1.41"]
    assert len(console.signals("EngineLost")) == 2


def test_removals_are_held(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    reaperd.state_directory()
    for n in range(3):
        engine.add(slot=n, ended=2 * HOUR)
    begin(reaperd, console, FirstRunDelay="1h", SurgeLimit=1, Success="1h")
    if not console.signals("RemovalsHeld"):     # it may have been told before reaperd had its name
        assert console.get("FirstRunUntil") > 0
    console.pause(3600)
    reaperd.reload(Success="24h")
    console.resume()
    console.reap_due()
    held = len(console.signals("RemovalsHeld"))
    reaperd.reload(Success="1h")
    why, containers, end = console.await_signal("RemovalsHeld", held + 1)
    assert (why, containers) == ("surge", 3) and near(end, time.time() + 3600)


def test_first_run_is_told(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    reaperd.state_directory()
    engine.add()
    hold = engine.fault("list", times=None, hang=True)
    reaperd.start(FirstRunDelay="1h", RequestTimeout="1h")
    console.await_name()
    engine.wait_asked("list")
    engine.lift(hold)
    why, containers, end = console.await_signal("RemovalsHeld", timeout=60)
    assert (why, containers) == ("first-run", 1) and near(end, time.time() + 3600)


def test_pressure(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    made = stopped(engine, 3)
    begin(reaperd, console, **CRITICAL | {
        "Pressure.MemoryAvailableLow": "off", "Pressure.MinimumReclaim": "1P", "Pressure.GiveUpAfter": 1,
        "Pressure.BatchSize": 2, "Pressure.GiveUpFor": "1h"})
    reaperd.reload(**{"Pressure.MemoryAvailableLow": "100%"})
    level, cause, given_up = console.await_signal("PressureChanged")
    assert level == "critical" and cause and given_up is False
    engine.wait_removed(*made[:2])
    judged_cause, removed, _, _, helped, gave_up = console.await_signal("BatchJudged")
    assert (judged_cause, removed, helped, gave_up) == (cause, 2, False, True)
    assert made[2].id in engine.containers and len(console.signals("BatchJudged")) == 1
    reaperd.reload(**{"Pressure.MemoryAvailableLow": "off"})
    until(lambda: console.signals("PressureChanged")[-1].body[0] == "normal", "the end of it")


def test_pause_and_reload(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    begin(reaperd, console, **QUIET)
    end, _ = console.pause(3600)
    assert same(console.await_signal("Paused")[0], end)
    console.resume()
    console.await_signal("Resumed")
    console.resume()
    reaperd.reload()
    assert console.await_signal("Reloaded") == [True, 0]
    reaperd.reload("[Retention]\nSuccess=soon\nFailure=never\n")
    accepted, errors = console.await_signal("Reloaded", 2)
    assert (accepted, errors) == (False, 2)
    assert [len(console.signals(name)) for name in ("Paused", "Resumed", "Reloaded")] == [1, 1, 2]


def test_reload_by_method(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Answered when it holds; a bad one is refused with what is wrong, and the old one holds."""
    c = engine.add()
    begin(reaperd, console, **QUIET)
    reaperd.configure(Success="1h")
    reaperd.config.write_text(reaperd.config_text(), encoding="utf-8")
    assert console.call("Reload") is None
    engine.wait_removed(c)
    assert console.await_signal("Reloaded") == [True, 0]
    reaperd.config.write_text("[Retention]\nSuccess=soon\n", encoding="utf-8")
    error = console.error("Reload")
    assert error.name == "org.reaperd.Error.InvalidConfiguration" and f"{reaperd.config}:2" in error.message
    assert console.await_signal("Reloaded", 2) == [False, 1]
    faults = console.call("CheckConfig")
    assert faults[0][0] == "error" and f"{reaperd.config}:2" in faults[0][1]
    assert console.call("CheckConfigFile", "s", str(reaperd.config)) == faults
    other = engine.add(slot=2)
    engine.tell_end(other)
    engine.wait_removed(other)
    await_verdict(console, other, "")
