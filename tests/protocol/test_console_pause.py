# SPDX-License-Identifier: Apache-2.0
"""Pause and Resume: no removal of any kind meanwhile, also behind a restart of the daemon.

And ReapDue, which ends the other waits.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from console_kit import (HOUR, QUIET, SECOND, Console, await_verdict, begin, bus, by_id, console,  # noqa: F401
                         first_of, near, same, until)
from daemon import Reaperd
from engine_model import container_event
from lab.console import FAILED, INVALID, results
from pressure_kit import CRITICAL, OFF, stopped
from standin import Standin

DAY = 24 * HOUR


def served(reaperd: Reaperd) -> Path:
    """A state folder in which the wait of the first start is over; returns where a pause is kept."""
    mark = reaperd.state_directory()
    mark.touch()
    return mark.parent / "paused-until"


def statuses(reaperd: Reaperd) -> list[str]:
    return [line for _, line in reaperd.notified() if line.startswith("STATUS=")]


def settle(engine: Standin, reaperd: Reaperd) -> None:
    """Let it hear of an end and of a list, both behind whatever was before."""
    engine.resync()
    c = engine.add(service="mark")
    engine.emit_event(container_event("die", c, c.finished, exitCode="0"))
    engine.vanish(c)
    engine.resync()
    assert reaperd.running()


def test_stops_all_and_ends_by_a_word(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """A DELETE that was sent ends; nothing else begins. Then all of it goes."""
    made = [engine.add(slot=n) for n in range(5)]
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, Parallelism=1)
    first, *rest = first_of(engine, made)
    end, kept = console.pause(3600)
    assert near(end, time.time() + 3600) and kept is False
    gate.set()
    engine.wait_removed(first)
    late = engine.add(slot=9)
    engine.tell_end(late)
    settle(engine, reaperd)
    for c in [*rest, late]:
        await_verdict(console, c, "removals-paused")
    assert same(console.get("PausedUntil"), end)
    until(lambda: "; paused until 20" in statuses(reaperd)[-1], "STATUS=", detail=lambda: str(statuses(reaperd)))
    assert not any(engine.asked("inspect", c) or engine.asked("remove", c) for c in [*rest, late])
    assert console.resume() is True
    engine.wait_removed(*rest, late)
    assert console.get("PausedUntil") == 0 and console.resume() is False
    until(lambda: "paused" not in statuses(reaperd)[-1], "STATUS= without")
    assert reaperd.count("^reaperd: Removals are paused for 1h, until ") == 1
    assert reaperd.count("^reaperd: Removals are no longer paused") == 1


def test_stops_batches_against_pressure(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    made = stopped(engine, 5)
    begin(reaperd, console, **CRITICAL | OFF)
    console.pause(3600)
    reaperd.reload(**{"Pressure.MemoryAvailableLow": "100%"})
    reaperd.wait_log("^reaperd: Pressure is critical: ")
    settle(engine, reaperd)
    assert len(engine.containers) == len(made) and not engine.asked("remove")
    await_verdict(console, made[0], "removals-paused")
    console.resume()
    engine.wait_removed(*made, timeout=40)
    assert {r.verdict for r in console.history()} == {"pressure"}


def test_stops_a_batch_half_way(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    made = stopped(engine, 4)
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **CRITICAL | {"Pressure.BatchSize": 4})
    made = first_of(engine, made)
    console.pause(3600)
    gate.set()
    engine.wait_removed(made[0])
    settle(engine, reaperd)
    assert set(engine.containers) == {c.id for c in made[1:]} and len(engine.asked("remove")) == 1
    console.resume()
    engine.wait_removed(*made, timeout=40)


def test_refuses_requests(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    c = engine.add()
    begin(reaperd, console, **QUIET)
    console.pause(3600)
    for method, signature, arguments in (("Reap", "asb", ([c.id], False)), ("ReapService", "sb", ("web", False)),
                                         ("ReapDue", "b", (False,))):
        error = console.error(method, signature, *arguments)
        assert error.name == FAILED + "Paused" and "until" in error.message
    console.resume()
    engine.witness()
    assert not engine.asked("remove", c) and console.reap(c.id)[0].removed


def test_ends_by_itself(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    file = served(reaperd)
    c = engine.add()
    console_begin = time.monotonic()
    reaperd.configure(Success="24h")
    begin(reaperd, console)
    end, kept = console.pause(2)
    assert kept and same(int(file.read_text()), end) and file.read_text().endswith("\n")
    reaperd.reload(Success="1h")
    engine.wait_removed(c)
    assert engine.asked("remove")[0].at >= console_begin + 2
    until(lambda: not file.exists(), "the end of the file")
    assert console.get("PausedUntil") == 0 and console.resume() is False
    console.await_signal("Resumed")


def test_second_replaces_the_first(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Longer or shorter, and in the file too."""
    file = served(reaperd)
    begin(reaperd, console, **QUIET)
    for span in (600, 3600, 30 * DAY, 60):
        end, kept = console.pause(span)
        assert near(end, time.time() + span) and kept
        assert same(console.get("PausedUntil"), end) and same(int(file.read_text()), end)
    console.pause(1)
    until(lambda: console.get("PausedUntil") == 0, "the end of the last")
    until(lambda: not file.exists(), "the end of the file")
    assert console.resume() is False
    console.await_signal("Paused", 5)


@pytest.mark.parametrize("usec", [0, 1, SECOND - 1, int(30 * DAY * SECOND) + 1, (1 << 63), (1 << 64) - 1])
def test_span_out_of_range(engine: Standin, reaperd: Reaperd, console: Console, usec: int) -> None:
    begin(reaperd, console, **QUIET)
    error = console.error("Pause", "t", usec)
    assert error.name == INVALID and "1s" in error.message and "30d" in error.message
    assert console.get("PausedUntil") == 0 and console.signals("Paused") == []


def test_survives_a_restart(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """From the first moment on, until its end or a word."""
    file = served(reaperd)
    begin(reaperd, console, Success="24h")
    end, kept = console.pause(3600)
    assert kept and reaperd.stop() == 0 and same(int(file.read_text()), end)
    c = engine.add()
    begin(reaperd, console, Success="1h", Parallelism=1)
    assert same(console.get("PausedUntil"), end)
    settle(engine, reaperd)
    await_verdict(console, c, "removals-paused")
    assert not engine.asked("remove")
    until(lambda: "; paused until " in statuses(reaperd)[-1], "STATUS=")
    assert console.resume() is True and not file.exists()
    engine.wait_removed(c)
    assert reaperd.stop() == 0

    file.write_text(f"{time.time_ns() // 1000 + 1_500_000}\n", encoding="utf-8")
    other = engine.add()
    started = time.monotonic()
    begin(reaperd, console)
    engine.wait_removed(other)
    assert engine.asked("remove", other)[0].at > started and not file.exists()


def test_also_of_a_killed_one(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    served(reaperd)
    c = engine.add()
    begin(reaperd, console, Success="24h")
    end, _ = console.pause(3600)
    reaperd.close()
    begin(reaperd, console, Success="1h")
    assert same(console.get("PausedUntil"), end)
    settle(engine, reaperd)
    assert c.id in engine.containers


def far(seconds: float) -> bytes:
    return f"{int((time.time() + seconds) * 1e6)}\n".encode()


GARBAGE: dict[str, Any] = {
    "empty": b"", "newline": b"\n", "text": b"tomorrow\n", "negative": b"-1\n", "zero": b"0\n", "past": far(-3600),
    "too-large": b"99999999999999999999999999\n", "max": b"18446744073709551615\n", "beyond-30d": far(31 * DAY),
    "hex": b"0x7fffffffffffffff\n", "float": b"1e30\n", "nul": b"1\x0000\n", "space": b"  12 \n",
    "huge": b"9" * (8 << 20),
    "two": far(3600) + far(7200), "directory": None, "fifo": None, "dangling": None, "loop": None, "device": None,
    "unreadable": far(3600),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_state_that_is_none(engine: Standin, reaperd: Reaperd, console: Console, name: str) -> None:
    """It is not believed beyond what could have been asked for, and never keeps reaperd from its start or its end.
    """
    file = served(reaperd)
    if name == "directory":
        file.mkdir()
    elif name == "fifo":
        os.mkfifo(file)
    elif name in ("dangling", "loop", "device"):
        file.symlink_to({"dangling": "/nonexistent/file", "loop": str(file), "device": "/dev/zero"}[name])
    else:
        file.write_bytes(GARBAGE[name])
        file.chmod(0o000 if name == "unreadable" else 0o644)
    c = engine.add()
    begin(reaperd, console)
    until_then = console.get("PausedUntil")
    assert until_then == 0 or time.time() * 1e6 < until_then <= (time.time() + 30 * DAY) * 1e6
    if name in ("zero", "past", "dangling"):
        assert until_then == 0      # else it may be on the safe side
    assert bool(until_then) is console.resume()
    engine.wait_removed(c)
    end, kept = console.pause(600)
    assert same(console.get("PausedUntil"), end)
    if kept:
        assert not file.is_symlink() and same(int(file.read_text()), end)
    assert console.resume() and reaperd.memory("VmRSS")["VmRSS"] < 64 << 20
    assert reaperd.stop() == 0
    assert Path("/dev/zero").is_char_device()


@pytest.mark.parametrize("how", ["none", "missing", "file", "read-only"])
def test_cannot_be_kept(engine: Standin, reaperd: Reaperd, console: Console, how: str) -> None:
    """It holds all the same, and the caller is told."""
    if how != "none":
        state = served(reaperd).parent
        path = {"missing": state / "nowhere", "file": reaperd.config, "read-only": Path("/proc/self")}[how]
        reaperd.environment["STATE_DIRECTORY"] = str(path)
    c = engine.add()
    begin(reaperd, console, Success="24h", FirstRunDelay="0")
    _, kept = console.pause(3600)
    assert kept is False
    reaperd.reload(Success="1h")
    settle(engine, reaperd)
    assert c.id in engine.containers
    assert console.resume() is True
    engine.wait_removed(c)


def test_due_ends_the_first_run(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Not in a dry run; then what is due goes, and only that."""
    mark = reaperd.state_directory()
    due, young = [engine.add(slot=n) for n in range(3)], engine.add(slot=9, ended=600.0, age=600.5)
    begin(reaperd, console, FirstRunDelay="1h", Parallelism=1)
    await_verdict(console, due[0], "first-run")
    found = by_id(console.reap_due(dry_run=True))
    assert set(found) == {c.id for c in due} and all(r.words.startswith("would be removed") for r in found.values())
    assert console.verdict(due[0].id) == "first-run" and not mark.exists() and console.get("FirstRunUntil") > 0
    found = by_id(console.reap_due())
    assert set(found) == {c.id for c in due}
    assert all((r.removed, r.verdict, r.words) == (True, "ttl-expired", "removed") for r in found.values())
    assert set(engine.containers) == {young.id} and mark.is_file() and console.get("FirstRunUntil") == 0
    assert console.reap_due() == []


def test_due_ends_a_surge(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    due, failed = [engine.add(slot=n) for n in range(6)], engine.add(slot=7)
    engine.fault("remove", failed, times=None, status=500)
    begin(reaperd, console, Success="24h", FirstRunDelay="1h", SurgeLimit=5, RetryInitial="1h", RetryMax="1h")
    reaperd.reload(Success="1h")
    await_verdict(console, due[0], "surge-held")
    assert console.get("SurgeHeld") == 7
    found = by_id(console.reap_due(dry_run=True))
    assert len(found) == 7 and console.get("SurgeHeld") == 7 and not engine.asked("remove")
    found = by_id(console.reap_due())
    assert {r.id for r in found.values() if r.removed} == {c.id for c in due}
    assert found[failed.id].words.startswith("failed: ")
    assert console.get("SurgeHeld") == 0 == console.get("SurgeUntil")


def test_due_opens_no_other_gate(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    c = engine.add()
    begin(reaperd, console, SettleTime="1h")
    pending = console.start("ReapDue", "b", False)
    assert not any(result.removed for result in results(pending))
    engine.resync()
    assert c.id in engine.containers and not engine.asked("remove")
