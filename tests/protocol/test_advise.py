# SPDX-License-Identifier: Apache-2.0
"""Advise on the bus: what is asked of the engine for it, what it answers, and every way in which it cannot."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest

from console_kit import (Any, Bus, Console, begin, bus, console, other_console, until)  # noqa: F401
from daemon import Reaperd
from lab.bus import ACCESS_DENIED, DOCKER, NOBODY, BusError
from lab.console import FAILED
from standin import Standin
from swarm_model import make_service

ENGINE, NOT_MANAGER, TOO_MANY = FAILED + "EngineUnreachable", FAILED + "NotManager", FAILED + "TooMany"
CALLERS_MAX = 16


def advise(console: Console) -> dict[tuple[str, str], tuple[str, str]]:
    """(kind, subject) -> (text, command), in order."""
    rows = console.call("Advise") or []
    found = {(kind, subject): (text, command) for kind, subject, text, command in rows}
    assert len(found) == len(rows)
    return found


def commands(console: Console) -> dict[str, str]:
    """kind and subject -> command."""
    return {f"{kind} {subject}": command for (kind, subject), (_, command) in advise(console).items()}


def since(engine: Standin, before: int) -> list[str]:
    return [r.route for r in engine.requests[before:] if r.route != "events"]


def test_nothing_to_say(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Three questions, and none before somebody wants to know."""
    engine.services = [make_service(driver="journald")]
    begin(reaperd, console, KeepLastFailure=1)
    before = len(engine.requests)
    assert advise(console) == {}
    assert since(engine, before) == ["info", "swarm", "services"]
    assert engine.requests[-1].query == {"status": "1"}
    assert "swarm" not in [r.route for r in engine.requests[:before]]


def test_all_kinds(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    engine.history_limit = 1
    engine.services = [
        make_service("web"),
        make_service("api", driver="json-file"),
        make_service("quiet", driver="none"),
        make_service("shipped", driver="fluentd"),
        make_service("slow", mode="Global", driver="journald", delay=3600),
        make_service("never", driver="journald", delay=3600, Condition="none"),
        make_service("kept", driver="local", labels={"org.reaperd.keep": "true"}),
        make_service("asks", driver="journald", labels={"org.reaperd.keep-last": "7"}),
        make_service("done", mode="ReplicatedJob", total=3, driver="journald", status=(0, 3, 3)),
        make_service("half", mode="ReplicatedJob", total=3, driver="local", status=(1, 3, 2)),
        make_service("everywhere", mode="GlobalJob", driver="journald", status=(0, 0, 2)),
    ]
    begin(reaperd, console, KeepLastFailure=1)
    assert list(commands(console).items()) == [
        ("history-limit-low swarm", "docker swarm update --task-history-limit 8"),
        ("restart-delay slow", "docker service update --restart-delay 5s slow"),
        ("log-driver api", "docker service update --log-driver journald api"),
        ("log-driver engine", advise(console)["log-driver", "engine"][1]),
        ("log-driver quiet", "docker service update --log-driver journald quiet"),
        ("job done", "docker service rm done"),
        ("job everywhere", "docker service rm everywhere"),
    ]
    told = advise(console)
    assert "KeepLast=7 (label org.reaperd.keep-last) of service asks" in told["history-limit-low", "swarm"][0]
    assert "LogTail=20" in told["log-driver", "engine"][1]
    assert "json-file" in told["log-driver", "engine"][0] and "1 service " in told["log-driver", "engine"][0]


def test_after_a_reload(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """The settings of now are what counts, with the place where they stand."""
    engine.services = [make_service("web")]
    begin(reaperd, console)
    assert list(commands(console)) == ["log-driver engine"]
    reaperd.reload(LogTail=5, KeepLast=9)
    told = advise(console)
    assert list(told) == [("history-limit-low", "swarm")]
    assert f"KeepLast=9 ({reaperd.config}:" in told["history-limit-low", "swarm"][0]
    engine.history_limit = -1
    assert commands(console) == {"history-limit-high swarm": "docker swarm update --task-history-limit 10"}


def test_hostile_names(engine: Standin, reaperd: Reaperd, console: Console, folder: Path) -> None:
    """Whatever a service is called: no command does anything but what it says."""
    names = ["a; touch pwned", "$(touch pwned)", "it's", "-x", "\x1b[2J", "é", "\u202e", "x" * 5000, "a\nb"]
    engine.services = [make_service(name, driver="none") for name in names]
    begin(reaperd, console)
    told = advise(console)
    ids = {service["ID"] for service in engine.services}
    assert {subject for _, subject in told} <= set(names[:4]) | ids and len(told) == len(names)
    for (_, subject), (text, command) in told.items():
        assert (text + command).isprintable()
        done = subprocess.run(["sh", "-c", 'docker() { for last; do :; done; printf %s "$last"; }\n' + command],
                              cwd=folder, capture_output=True, text=True, check=True)
        assert done.stdout == subject
    assert not (folder / "pwned").exists()


def test_unreadable_services(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Those that can be read are judged."""
    broken = make_service("broken", driver="none")
    broken["Spec"]["TaskTemplate"]["RestartPolicy"] = "always"
    engine.services = [{"ID": "x"}, broken, make_service("good", driver="none")]
    begin(reaperd, console)
    assert list(advise(console)) == [("log-driver", "good")]
    assert reaperd.count("2 objects that could not be read")


def test_many_services(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    engine.services = [make_service(f"s{n:04d}", driver="none") for n in range(1200)]
    begin(reaperd, console)
    told = list(advise(console).items())
    assert len(told) == 1001
    (kind, subject), (text, command) = told[-1]
    assert (kind, subject, command) == ("left-out", "", "") and " 200 more " in text


@pytest.mark.parametrize("state", ["worker", "inactive", "locked", "demoted"])
def test_no_manager(engine: Standin, reaperd: Reaperd, console: Console, state: str) -> None:
    begin(reaperd, console)
    engine.manager = False
    if state in ("inactive", "locked"):
        engine.swarm_state = state
    if state == "demoted":      # in between: the engine says that it is one, and then that it is not
        engine.info_extra = {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}
    error = console.error("Advise")
    assert error.name == NOT_MANAGER
    assert error.message == ("This manager's Swarm is locked: unlock it (docker swarm unlock), or ask another"
                             if state == "locked" else
                             "This node is not a manager: ask one (reaperctl -H MANAGER advise)")
    # It can be asked again.
    engine.manager, engine.swarm_state, engine.info_extra = True, "active", {}
    assert advise(console) == {}


@pytest.mark.parametrize("route, what", [("info", "info"), ("swarm", "Swarm"), ("services", "services")])
@pytest.mark.parametrize("how", ["403", "500", "raw", "cut", "json"])
def test_trouble(engine: Standin, reaperd: Reaperd, console: Console, route: str, what: str, how: str) -> None:
    begin(reaperd, console)
    faults: dict[str, dict[str, Any]] = {
        "403": {"status": 403, "message": "Forbidden by the proxy"}, "500": {"status": 500, "message": "no leader"},
        "raw": {"raw": b"SSH-2.0\r\n"}, "cut": {"cut": 1}, "json": {"edit": lambda _: b"nonsense"}}
    engine.fault(route, **faults[how])
    error = console.error("Advise")
    assert error.name == ENGINE and error.message.startswith(f"Cannot read the engine's {what}: ")
    if "message" in faults[how]:
        assert faults[how]["message"] in error.message
    assert advise(console) == {}


def test_no_engine(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    engine.stop()
    reaperd.start()
    console.await_name()
    error = console.error("Advise")
    assert (error.name, error.message) == (ENGINE, "There is no connection to the engine now")
    engine.start()
    reaperd.wait_log("Connected to engine")
    assert advise(console) == {}


def test_engine_goes_meanwhile(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    begin(reaperd, console)
    engine.fault("services", hang=True, times=None)
    pending = console.start("Advise")
    engine.wait_asked("services")
    engine.stop()
    with pytest.raises(Exception, match="EngineUnreachable"):
        pending.result()


def test_engine_is_replaced_meanwhile(engine: Standin, other_engine: Standin, reaperd: Reaperd,
                                      console: Console, other_console: Console) -> None:
    """By a reload: those who wait, also for the next round, are told so, and the new one can be asked."""
    begin(reaperd, console)
    engine.fault("swarm", hang=True, times=None)
    first = console.start("Advise")
    engine.wait_asked("swarm")
    second = other_console.start("Advise")
    assert other_console.get("Connected")       # the call before has come too
    reaperd.reload(Endpoint=f"unix://{other_engine.addresses[0]}")
    for pending in (first, second):
        with pytest.raises(Exception, match="EngineUnreachable"):
            pending.result()
    until(lambda: reaperd.count("Connected to engine") >= 2, "the other engine", detail=reaperd.log)
    other_engine.history_limit = 0
    assert list(commands(console)) == ["history-limit-low swarm"]


def test_end_meanwhile(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Nobody waits for a daemon that has ended."""
    begin(reaperd, console)
    engine.fault("info", hang=True, times=None)
    before = len(engine.asked("info"))
    pending = console.start("Advise")
    engine.wait_asked("info", before + 1)
    assert reaperd.stop() == 0
    with pytest.raises(Exception, match="EngineUnreachable|NoReply"):
        pending.result()


def test_several_callers(engine: Standin, reaperd: Reaperd, console: Console, other_console: Console) -> None:
    """Who comes while a round is under way gets an answer from another, which begins behind it."""
    begin(reaperd, console)
    go = threading.Event()
    engine.fault("services", hold=go)
    before = len(engine.requests)
    first = console.start("Advise")
    engine.wait_asked("services")
    engine.services = [make_service("new", driver="none")]
    late = [each.start("Advise") for each in (console, other_console) for _ in range(CALLERS_MAX // 2)]
    error = other_console.error("Advise")
    assert error.name == TOO_MANY and not first.done
    go.set()
    first.result()
    answers = [pending.result() for pending in late]
    assert len(answers) == CALLERS_MAX
    assert all([tuple(row[:2]) for row in rows] == [("log-driver", "new")] for rows in answers)
    assert since(engine, before) == ["info", "swarm", "services"] * 2


def test_caller_leaves(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:
    """Its answer has nowhere to go, and nothing happens."""
    begin(reaperd, console)
    go = threading.Event()
    engine.fault("services", hold=go)
    gone = Console(str(bus.socket))
    gone.start("Advise")
    engine.wait_asked("services")
    gone.close()
    go.set()
    assert advise(console) == {}


def test_bus_goes_meanwhile(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:
    begin(reaperd, console)
    go = threading.Event()
    engine.fault("services", hold=go)
    console.start("Advise")
    engine.wait_asked("services")
    bus.stop()
    go.set()
    engine.wait_answered("services")
    bus.start()
    bus.await_owner()
    assert bus.call("Advise") == [[]]


def test_memory(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """What was asked for is not kept: memory is what it was after a thousand services, many times."""
    engine.services = [make_service(f"s{n:04d}", driver="none") for n in range(1000)]
    begin(reaperd, console)
    for _ in range(3):
        advise(console)
    before = reaperd.memory("RssAnon")["RssAnon"]
    begun = time.monotonic()
    for _ in range(10):
        assert len(advise(console)) == 1000
    assert time.monotonic() - begun < 20
    assert reaperd.memory("RssAnon")["RssAnon"] - before < 2 << 20


def test_who_may(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:
    engine.services = [make_service("web", driver="none")]
    begin(reaperd, console)
    assert bus.call("Advise", user=DOCKER) == [[list(row) for row in console.call("Advise")]]
    with pytest.raises(BusError) as refused:
        bus.call("Advise", user=NOBODY)
    assert refused.value.name == ACCESS_DENIED
