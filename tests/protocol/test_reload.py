# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: a bad configuration changes nothing, a good one holds whole and at once.

Whatever is under way at that moment was decided by the old values. Nothing may go by a mixture of both, and
nothing by the new ones alone before the engine has been asked anew.
"""

from __future__ import annotations

import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from daemon import Reaperd, until
from standin import Standin

REFUSED = r"^reaperd: The new configuration is refused"
DONE = r"^reaperd: A new configuration holds"


def listed_behind(engine: Standin, lists: int) -> float:
    """When the answer to the list behind so many others began."""
    engine.wait_answered("list", lists + 1)
    headed = engine.asked("list")[lists].headed
    assert headed
    return headed


BAD: dict[str, tuple[str, list[str]]] = {
    "unknown-key": ("[Retention]\nSucess=1s\n", [r"Sucess.*Success"]),
    "two-faults": ("[Retention]\nMinimumAge=1s\n[Labels]\nMaxTTL=soon\n", [r"MinimumAge: '1s'", r"MaxTTL"]),
    "rule": ("[Rule a]\nKind=everything\nService=" + "x " * 65 + "\n[Rule b]\nLogTail=101\n",
             [r"Kind", r"Service", r"LogTail"]),
    "too-many-rules": ("".join(f"[Rule {n}]\nAction=keep\n" for n in range(257)), [r"256"]),
    "garbage": ("\0\1\2", ["NUL"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad(engine: Standin, reaperd: Reaperd, name: str) -> None:
    """Every fault is said, and what the file says well is not taken either."""
    text, faults = BAD[name]
    kept = engine.add(ended=2000.0)
    reaperd.begin(Parallelism=1)
    reaperd.settings["Success"] = "20min"
    reaperd.reload(reaperd.config_text() + text)
    reaperd.wait_log(REFUSED)
    assert all(reaperd.count(rf"reaperd\.conf(:\d+)?: .*{fault}") == 1 for fault in faults)
    engine.witness()  # by Success=1h, which still holds
    assert kept.id in engine.containers and not engine.asked("inspect", kept)
    assert reaperd.count(REFUSED) == 1 and reaperd.count(DONE) == 0
    assert reaperd.stop() == 0


def test_file_that_went_away(engine: Standin, reaperd: Reaperd) -> None:
    """Then defaults are not what was meant; once it is there again all is well."""
    kept = engine.add()
    reaperd.begin(Success="24h")
    reaperd.config.unlink()
    reaperd.hup()
    reaperd.wait_log(REFUSED)
    reaperd.config.mkdir()
    reaperd.hup()
    until(lambda: reaperd.count(REFUSED) == 2, "the second refusal", detail=reaperd.log)
    reaperd.config.rmdir()
    assert kept.id in engine.containers
    reaperd.reload(Success="1h")
    engine.wait_removed(kept)
    assert reaperd.count(DONE) == 1


def test_good(engine: Standin, reaperd: Reaperd) -> None:
    """Told to systemd as it is asked for: RELOADING=1 with the time, then READY=1, not only after the list."""
    due, kept = engine.add(), engine.add(ended=600.0)
    reaperd.begin(Success="24h")
    gate = threading.Event()
    engine.fault("list", hold=gate)
    told = len(reaperd.notified())
    before = time.monotonic_ns() // 1000
    ready = reaperd.reload(Success="1h")
    lines = [line for _, line in reaperd.notified()[told:]]
    stamp, = (int(line.partition("=")[2]) for line in lines if line.startswith("MONOTONIC_USEC="))
    assert before <= stamp <= ready * 1_000_000
    assert [line for line in lines if line in ("RELOADING=1", "READY=1")] == ["RELOADING=1", "READY=1"]
    assert reaperd.count(DONE) == 1
    assert due.id in engine.containers
    gate.set()
    engine.wait_removed(due)
    assert kept.id in engine.containers
    assert reaperd.stop() == 0


def test_unchanged(engine: Standin, reaperd: Reaperd) -> None:
    """It costs a resync, no connection, and what is known stays known."""
    young = [engine.add(slot=n, ended=600.0, age=90000.0) for n in range(5)]
    reaperd.begin()
    engine.wait_asked("inspect", len(young))
    before = len(engine.requests)
    reaperd.reload()
    engine.wait_answered("list", 2)
    engine.witness()
    calls = engine.tally(before)
    assert calls == {"info": calls["info"], "list": 1, "members": 2, "inspect": 2, "remove": 2} and calls["info"] <= 1


@pytest.mark.parametrize("how", [{}, {"hang": True}, {"cut": 1}, {"status": 500}, {"raw": b"\r\n"}],
                         ids=["slow", "hangs", "cut", "500", "not-http"])
def test_nothing_goes_before_the_list(engine: Standin, reaperd: Reaperd, how: dict[str, Any]) -> None:
    """Not what the new values let go, nor what the old ones did too. If that list fails, behind the next one."""
    known = engine.add(ended=4000.0)
    reaperd.begin(Success="90min", RequestTimeout="1s")
    gate = threading.Event()
    engine.fault("list", **(how or {"hold": gate}))
    reaperd.reload(Success="1h")
    new = engine.add()
    engine.tell_end(new)
    engine.wait_asked("list", 2)
    gate.set()
    engine.wait_removed(known, new)
    whole = [r for r in engine.asked("list")[1:] if r.status == 200][1 if "cut" in how else 0]
    assert whole.headed and min(r.at for r in engine.asked("inspect")) >= whole.headed
    assert len(engine.asked("events")) == (2 if how else 1)


def test_while_the_first_list_runs(engine: Standin, reaperd: Reaperd) -> None:
    """That list was asked for before: it ends, or is dropped, and another follows."""
    gate = threading.Event()
    engine.fault("list", after=gate.wait)
    gone, kept = engine.add(ended=4000.0), engine.add(ended=4000.0, exit_code=1)
    reaperd.start(Success="24h", Failure="1h")
    engine.wait_asked("list")
    reaperd.reload(Success="1h", Failure="24h")
    gate.set()
    engine.wait_removed(gone)
    assert engine.asked("inspect")[0].at >= listed_behind(engine, 1)
    engine.witness()
    assert kept.id in engine.containers


@pytest.mark.parametrize("how", ["refused", "silent"])
def test_while_connecting(engine: Standin, reaperd: Reaperd, how: str) -> None:
    kept, gone = engine.add(exit_code=1), engine.add()
    silent = None
    if how == "refused":
        engine.server.refuse()
    else:
        silent = engine.fault("version", hang=True)
    reaperd.start(Success="24h", Failure="1h", Parallelism=1)
    if silent:
        engine.wait_asked("version")
    else:
        reaperd.wait_log("No connection")
    reaperd.reload("[Reaper]\nParallelism=0\n")
    reaperd.reload(Success="1h", Failure="24h")
    if silent:
        engine.lift(silent)
    else:
        engine.start()
    engine.wait_removed(gone)
    engine.witness()
    assert kept.id in engine.containers


@pytest.mark.parametrize("answered", ["before-the-list", "behind-the-list"])
def test_inspect_under_way(engine: Standin, reaperd: Reaperd, answered: str) -> None:
    """Asked for by the old values, answered under the new ones: those decide, behind their list."""
    kept, gone = engine.add(slot=1), engine.add(slot=2)
    gate, later = threading.Event(), threading.Event()
    engine.fault("inspect", kept, hold=gate)
    engine.fault("inspect", gone, hold=gate)
    reaperd.begin(RemoveVolumes="always", Parallelism=2)
    engine.wait_asked("inspect", 2)
    if answered == "before-the-list":
        engine.fault("list", hold=later)
    reaperd.rule("one", Name=kept.name, Success="24h")
    reaperd.reload(RemoveVolumes="never")
    if answered == "before-the-list":
        gate.set()
        engine.wait_answered("inspect", 2)
        later.set()
    else:
        engine.wait_answered("list", 2)
        gate.set()
    engine.wait_removed(gone)
    assert engine.asked("remove", gone)[0].at >= listed_behind(engine, 1)
    assert engine.asked("remove", gone)[0].query == {}
    engine.witness()
    assert kept.id in engine.containers and not engine.asked("remove", kept)


def test_log_under_way(engine: Standin, reaperd: Reaperd) -> None:
    kept = engine.add(exit_code=1, log=[(1, b"last words\n")])
    gate = threading.Event()
    engine.fault("logs", hold=gate)
    reaperd.begin(Failure="1h", LogTail=5)
    engine.wait_asked("logs")
    reaperd.reload(Failure="24h")
    gate.set()
    engine.witness()
    assert kept.id in engine.containers and not engine.asked("remove", kept)
    assert reaperd.count("last words") == 0


@pytest.mark.parametrize("answered", ["before-the-list", "behind-the-list", "gone-from-the-list", "never"])
def test_delete_under_way(engine: Standin, reaperd: Reaperd, answered: str) -> None:
    """It was sent on a whole decision by the old values, so it stands, and there is a record of it."""
    c = engine.add(removals=["hang"] if answered == "never" else [])
    gate, later = threading.Event(), threading.Event()
    if answered == "gone-from-the-list":
        engine.fault("remove", after=gate.wait)
    elif answered != "never":
        engine.fault("remove", hold=gate)
    reaperd.begin(RequestTimeout="1s" if answered == "never" else "60s")
    engine.wait_asked("remove")
    if answered == "before-the-list":
        engine.fault("list", hold=later)
    reaperd.reload(Success="infinity")
    if answered == "before-the-list":
        gate.set()
        engine.wait_removed(c)
        later.set()
    else:
        engine.wait_answered("list", 2)
        gate.set()
    reaperd.wait_log(rf"Removed {c.short} {c.name}: ttl-expired, age 2h.*, exit 0")
    assert reaperd.stop() == 0
    assert reaperd.count("Removed") == 1 and len(engine.asked("remove")) == 1


def test_many_at_once(engine: Standin, reaperd: Reaperd) -> None:
    """Fifty in a burst: the last configuration holds, and each that was begun was ended."""
    kept, gone = engine.add(exit_code=1), engine.add()
    reaperd.begin(Success="24h", Failure="1d", Parallelism=1)
    reaperd.reload("[Retention]\nSuccess=1h\nFailure=1h\nbad\n")
    reaperd.configure(Success="1h")
    reaperd.config.write_text(reaperd.config_text(), encoding="utf-8")
    for _ in range(50):
        reaperd.hup()
    engine.wait_removed(gone)
    engine.witness()
    assert kept.id in engine.containers
    assert reaperd.stop() == 0
    lines = [line for _, line in reaperd.notified() if line in ("RELOADING=1", "READY=1")]
    assert lines == ["READY=1"] + ["RELOADING=1", "READY=1"] * (len(lines) // 2)
    assert 1 <= reaperd.count(DONE) <= 50 and len(engine.asked("list")) <= 2 + 50


def test_one_after_the_other(engine: Standin, reaperd: Reaperd) -> None:
    """What was replaced is given back, also the rules; and the engine's events are not asked for anew."""
    reaperd.begin()
    for n in range(20):
        reaperd.rule(f"rule {n}", Service=" ".join(f"*{m}*" for m in range(30)), Action="keep")
    reaperd.reload()
    engine.wait_answered("list", 2)
    before = reaperd.memory("RssAnon")["RssAnon"]
    for _ in range(50):
        reaperd.reload()
    engine.witness()
    assert reaperd.memory("RssAnon")["RssAnon"] - before < 1 << 20
    assert len(engine.asked("events")) == 1


CHANGES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "settle-time": ({"SettleTime": "1h"}, {"SettleTime": "0"}),
    "orphan-age": ({"Success": "24h"}, {"OrphanAge": "10s"}),
    "max-stopped": ({"Success": "24h"}, {"MaxStopped": "0"}),
    "retention": ({"Success": "infinity"}, {"Success": "10s"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_it_lets_go(engine: Standin, reaperd: Reaperd, name: str) -> None:
    old, new = CHANGES[name]
    c = engine.add(**({"node": "another"} if name == "orphan-age" else {}))
    reaperd.begin(**({"OrphanAge": "infinity"} | old))
    assert c.id in engine.containers
    reaperd.reload(**new)
    engine.wait_removed(c)


def test_settle_time_begins_to_hold(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.begin()
    reaperd.reload(SettleTime="1h")
    reaperd.wait_log("SettleTime")
    c = engine.add()
    engine.resync()
    assert reaperd.stop() == 0
    assert c.id in engine.containers and not engine.asked("inspect", c)


def test_parallelism_and_timeout(engine: Standin, reaperd: Reaperd) -> None:
    """Both hold for what comes; what is under way counts."""
    due = [engine.add(slot=n, removals=["stuck"]) for n in range(5)]
    reaperd.begin(Parallelism=1, RequestTimeout="60s")
    engine.wait_asked("remove", 1)
    reaperd.reload(Parallelism=3, RequestTimeout="1s")
    first = engine.asked("remove")[0].ident
    engine.wait_removed(*(c for c in due if c.id != first))
    assert set(engine.containers) == {first}  # by the old time-out, a minute long
    assert max(r.busy for r in engine.requests) == 3


def test_sighup_while_stopping(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add()
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    reaperd.begin()
    engine.wait_asked("remove")
    reaperd.terminate()
    reaperd.wait_notified("STOPPING=1")
    reaperd.hup()
    gate.set()
    assert reaperd.wait_exit() == 0
    assert engine.removed == [c.id] and reaperd.count("Removed") == 1
    assert not any(line == "RELOADING=1" for _, line in reaperd.notified())


def test_sigterm_behind_it(engine: Standin, reaperd: Reaperd) -> None:
    """A removal that is refused then asks for no list any more, which could fail."""
    refused, silent = engine.add(slot=1), engine.add(slot=2)
    gate = threading.Event()
    engine.fault("remove", refused, hold=gate, status=409)
    engine.fault("remove", silent, hang=True)
    reaperd.begin(Parallelism=2, RequestTimeout="3s")
    engine.wait_asked("remove", 2)
    reaperd.reload()
    engine.wait_answered("list", 2)
    engine.fault("info", times=None, status=500)
    reaperd.terminate()
    reaperd.wait_notified("STOPPING=1")
    before = len(engine.requests)
    gate.set()
    assert reaperd.wait_exit() == 0  # with the time-out
    assert engine.tally(before) == {} and engine.asked("remove", refused)[0].status == 409


def test_once_ignores_it(engine: Standin, reaperd: Reaperd) -> None:
    due = [engine.add(slot=n) for n in range(5)]
    gate = threading.Event()
    engine.fault("inspect", hold=gate)
    reaperd.start("--once")
    engine.wait_asked("inspect")
    reaperd.config.write_text("[Retention]\nSuccess=infinity\nbad\n", encoding="utf-8")
    reaperd.hup()
    gate.set()
    assert reaperd.wait_exit() == 0
    assert len(engine.removed) == len(due) and reaperd.count(r"^reaperd: 5 removed") == 1
    assert reaperd.count(REFUSED) == 0


def test_sighup_at_the_very_start(engine: Standin, reaperd: Reaperd) -> None:
    """From READY=1 on the signal is caught, whatever the engine does meanwhile."""
    c = engine.add()
    silent = engine.fault("version", hang=True)
    reaperd.start()
    reaperd.wait_notified("READY=1")
    status = Path(f"/proc/{reaperd.pid}/status").read_text(encoding="utf-8")
    masks = dict(re.findall(r"^(Sig\w+):\s+(\w+)$", status, re.M))
    assert (int(masks["SigCgt"], 16) | int(masks["SigBlk"], 16)) >> (signal.SIGHUP - 1) & 1
    reaperd.reload()
    engine.lift(silent)
    engine.wait_removed(c)
    assert reaperd.stop() == 0
