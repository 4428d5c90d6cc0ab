# SPDX-License-Identifier: Apache-2.0
"""Properties: that each tells what is so, and tells of its change."""

from __future__ import annotations

import socket
import time
from typing import Any

from console_kit import (HOUR, QUIET, SECOND, Console, await_verdict, begin, bus, console, near,  # noqa: F401
                         same, until)
from daemon import Reaperd
from engine_model import NODE_ID
from lab.console import INTERFACE, NEVER, UNKNOWN
from pressure_kit import CRITICAL, stopped
from standin import Standin, ring_event


def told(console: Console) -> dict[str, Any]:
    """What PropertiesChanged has told last of each."""
    found: dict[str, Any] = {}
    for message in list(console.connection.signals):
        if message.member == "PropertiesChanged" and message.body[0] == INTERFACE:
            found |= message.body[1]
    return found


def await_told(console: Console, **wanted: Any) -> None:
    until(lambda: wanted.items() <= told(console).items(), f"PropertiesChanged of {wanted}", 20,
          lambda: str(told(console)))
    found = console.properties()
    assert {key: found[key] for key in wanted} == wanted


def test_values(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    engine.emit_event(ring_event(7200))
    for n in range(4):
        engine.add(slot=n)
    engine.add(slot=5, ended=HOUR - 600, age=HOUR - 599)
    engine.add(slot=6, state="running")
    begin(reaperd, console, Success="1h", SettleTime="60s", Parallelism=4)
    engine.witness()
    until(lambda: console.get("Removed") == 6, "four, and the two of the witness")
    found = console.properties()
    now = time.time()
    wanted = {"HostName": socket.gethostname(), "DryRun": False, "Connected": True, "EngineVersion": "20.10.24",
              "EngineApiVersion": "1.41", "SwarmState": "active", "NodeId": NODE_ID, "Quarantined": 0,
              "Tracked": 2, "Stopped": 1, "Known": 2, "DueNextHour": 1, "FirstRunUntil": 0, "SurgeUntil": 0,
              "SurgeHeld": 0, "PausedUntil": 0, "PressureLevel": "normal", "PressureGivenUp": False, "Measuring": False,
              "Removed": 6, "RemovedToday": 6, "Failed": 0, "Reclaimed": 0, "ReclaimedToday": 0, "ReclaimedDisk": 0,
              "ReclaimedDiskToday": 0, "Endpoint": f"unix://{engine.addresses[0]}",
              "DiskTotal": UNKNOWN, "DiskUsed": UNKNOWN}
    assert {key: found[key] for key in wanted} == wanted
    for key in ("StartedAt", "ConnectedSince", "LastEventAt", "LastResyncAt"):
        assert near(found[key], now), key
    assert near(found["NextDueAt"], now + 600) and found["Resyncs"] >= 1 and found["Version"]
    assert 0 < found["SettlesAt"] < now * SECOND
    meminfo = {line.split()[0]: int(line.split()[1]) * 1024 for line in open("/proc/meminfo", encoding="utf-8")}
    assert found["MemoryTotal"] == meminfo["MemTotal:"]
    assert 0 < found["MemoryFree"] <= found["MemoryTotal"] and 0 < found["MemoryAvailable"] <= found["MemoryTotal"]
    assert 0 < found["AnonymousMemory"] < 32 << 20
    assert all(console.get(key) == value for key, value in wanted.items())


def test_engine_comes_and_goes(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    c = engine.add(ended=600.0)
    begin(reaperd, console, SettleTime="1h")
    await_told(console, Connected=True)
    assert near(console.get("SettlesAt"), time.time() + 3600)
    engine.stop()
    await_told(console, Connected=False, ConnectedSince=0)
    assert console.get("Stopped") == 1 and console.verdict(c.id) == "engine-unreachable"
    engine.start()
    await_told(console, Connected=True, EngineVersion="20.10.24")
    assert near(console.get("ConnectedSince"), time.time())
    engine.swarm_state = "pending"
    engine.resync()
    await_told(console, SwarmState="pending")


def test_engine_that_is_not_there(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    engine.stop()
    reaperd.start()
    console.await_name()
    found = console.properties()
    wanted = {"Connected": False, "ConnectedSince": 0, "EngineVersion": "", "EngineApiVersion": "", "LastEventAt": 0,
              "LastResyncAt": 0, "Resyncs": 0, "Known": 0, "Tracked": 0, "Stopped": 0, "DueNextHour": 0}
    assert {key: found[key] for key in wanted} == wanted
    engine.start()
    await_told(console, Connected=True)


def test_containers(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Counts follow what happens."""
    runs = engine.add(state="running")
    begin(reaperd, console, **QUIET)
    assert (console.get("Known"), console.get("Stopped"), console.get("NextDueAt")) == (1, 0, console.get("NextDueAt"))
    stuck = engine.add(slot=2, removals=["500"] * 9)
    engine.tell_end(stuck)
    await_told(console, Known=2, Stopped=1)
    engine.end(runs)
    await_told(console, Stopped=2)
    reaperd.reload(Success="1h", QuarantineAfter=1)
    await_told(console, Quarantined=1)
    until(lambda: console.get("Failed") == 1, "the failure")
    engine.vanish(stuck)
    await_told(console, Known=1, Stopped=1, Quarantined=0)


def test_waits(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Of a first run, at first not begun, of a surge, and of a pause."""
    reaperd.state_directory()
    due = [engine.add(slot=n) for n in range(3)]
    engine.fault("list", times=1, cut=10)
    hold = engine.fault("list", times=None, hang=True)
    reaperd.start(FirstRunDelay="1h", SurgeLimit=1, Success="24h", RequestTimeout="1h")
    console.await_name()
    assert console.get("FirstRunUntil") == NEVER
    engine.wait_asked("list", 2, timeout=60)
    engine.lift(hold)
    until(lambda: near(console.get("FirstRunUntil"), time.time() + 3600), "the wait has begun", 60)
    until(lambda: "FirstRunUntil" in told(console), "it is told")
    console.reap_due()
    await_told(console, FirstRunUntil=0)
    reaperd.reload(Success="1h")
    await_verdict(console, due[0], "surge-held")
    await_told(console, SurgeHeld=3)
    assert near(console.get("SurgeUntil"), time.time() + 3600)
    end, _ = console.pause(600)
    until(lambda: same(told(console).get("PausedUntil", 0), end), "the pause is told")
    console.resume()
    await_told(console, PausedUntil=0)
    console.reap_due()
    engine.wait_removed(*due)
    await_told(console, SurgeHeld=0, SurgeUntil=0, Removed=3)


def test_pressure(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    made = stopped(engine, 3)
    begin(reaperd, console, **CRITICAL | {"Pressure.MinimumReclaim": "1P", "Pressure.GiveUpAfter": 1,
                                          "Pressure.BatchSize": 1, "Pressure.GiveUpFor": "1h"})
    engine.wait_removed(made[0])
    await_told(console, PressureLevel="critical", PressureGivenUp=True)
    assert "memory-available" in console.get("PressureCause") or console.get("PressureCause")
    reaperd.reload(**{"Pressure.MemoryAvailableLow": "off"})
    await_told(console, PressureLevel="normal", PressureGivenUp=False, Removed=1)


def test_dry_run(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """It counts what it would have done."""
    for n in range(3):
        engine.add(slot=n)
    begin(reaperd, console, "--dry-run")
    until(lambda: console.get("Removed") == 3, "three decisions")
    assert console.get("DryRun") is True and len(engine.containers) == 3
