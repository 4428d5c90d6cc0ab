# SPDX-License-Identifier: Apache-2.0
"""Getting to the engine, and back to it: versions, absent, silent and restarted engines, lost streams.

An engine that is away must cost nothing but time: whatever ended meanwhile is removed once it is back.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from daemon import Reaperd, Summary
from engine_model import Event, rfc3339
from standin import Standin, ring_event

OURS = "1.51"  # the newest API that reaperd speaks


@pytest.mark.parametrize(("newest", "oldest", "spoken"), [
    ("1.41", "1.12", "1.41"), ("1.43", "1.12", "1.43"), ("1.44", "1.24", "1.44"), ("1.51", "1.24", OURS),
    ("1.52", "1.44", OURS), ("1.54", "1.44", OURS), ("1.54", "1.40", OURS), ("1.60", "1.51", OURS),
])
def test_api_is_negotiated(engine: Standin, reaperd: Reaperd, newest: str, oldest: str, spoken: str) -> None:
    engine.api, engine.min_api = newest, oldest
    engine.add()
    assert reaperd.once() == Summary(0, removed=1, gone=0, failed=0, kept=0)
    assert {r.api for r in engine.requests if r.route not in ("version", "ping")} == {spoken}
    assert all(r.status is not None and r.status < 400 for r in engine.requests)


@pytest.mark.parametrize(("newest", "oldest", "named"), [("1.40", "1.12", r"1\.40"),
                                                         ("1.60", "1.52", r"1\.52")])
def test_no_common_api(engine: Standin, reaperd: Reaperd, newest: str, oldest: str, named: str) -> None:
    engine.api, engine.min_api = newest, oldest
    engine.add()
    assert reaperd.once().status in (1, 2)
    assert reaperd.count(named) >= 1
    assert set(engine.calls()) <= {"version", "ping"}


@pytest.mark.parametrize("file_is_there", [True, False])
def test_once_without_an_engine(engine: Standin, reaperd: Reaperd, file_is_there: bool) -> None:
    engine.server.refuse()
    if not file_is_there:
        Path(str(engine.addresses[0])).unlink()
    assert reaperd.once().status == 2
    assert reaperd.log().strip()


def test_once_with_a_silent_engine(engine: Standin, reaperd: Reaperd) -> None:
    engine.fault("any", times=None, hang=True)
    assert reaperd.once(RequestTimeout="2s").status == 2


@pytest.mark.parametrize("file_is_there", [True, False])
def test_engine_appears_later(engine: Standin, reaperd: Reaperd, file_is_there: bool) -> None:
    c = engine.add()
    engine.server.refuse()
    if not file_is_there:
        Path(str(engine.addresses[0])).unlink()
    reaperd.start()
    reaperd.wait_log(".")  # it says that the engine is not there
    engine.start()
    engine.wait_removed(c)
    assert reaperd.stop() == 0


def test_subscribes_before_every_list(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.start()
    for connects in (1, 2, 3):
        engine.wait_answered("list", connects)
        stream, first = engine.asked("events")[connects - 1], engine.asked("list")[connects - 1]
        assert stream.headed is not None and stream.headed <= first.at
        assert stream.filters["type"] == ["container"]
        wanted = {"create", "start", "kill", "stop", "die", "destroy", "rename"}
        assert wanted <= set(stream.filters["event"])
        if connects < 3:
            engine.cut_streams()
    assert reaperd.stop() == 0


def test_lists_again_after_resync_interval(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.start(ResyncInterval="10s")
    engine.wait_answered("list")
    late = engine.add()  # no event tells of it
    engine.wait_removed(late, timeout=40)
    assert len(engine.asked("events")) == 1


def test_missed_while_the_stream_was_cut(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.start()
    engine.wait_answered("list")
    with engine.changed:
        c = engine.add()
        engine.cut_streams()
    engine.wait_removed(c)


def test_stream_cut_inside_an_event(engine: Standin, reaperd: Reaperd) -> None:
    engine.fault("events", cut=100)
    reaperd.start()
    engine.wait_answered("list")
    with engine.changed:
        c = engine.add()
        engine.emit("die", c, c.finished, exitCode="0")
    engine.wait_removed(c)
    assert len(engine.asked("events")) >= 2


def test_engine_restarts(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.start()
    engine.wait_answered("list")
    engine.stop()
    c = engine.add()
    engine.api = "1.54"  # upgraded on the way: negotiated anew
    engine.min_api = "1.44"
    engine.start()
    engine.wait_removed(c)
    assert engine.asked("remove")[0].api == OURS
    assert reaperd.stop() == 0


@pytest.mark.parametrize("route", ["version", "info", "ring", "events", "list"])
@pytest.mark.parametrize("how", [{"hang": True}, {"status": 500}, {"status": 503},
                                 {"raw": b"SSH-2.0-OpenSSH\r\n"}, {"cut": 1},
                                 {"edit": lambda body: b"<html>not the engine</html>"}],
                         ids=["hang", "500", "503", "not-http", "cut", "not-json"])
def test_first_answer_fails(engine: Standin, reaperd: Reaperd, route: str, how: dict[str, Any]) -> None:
    """Whatever comes first from a starting engine, the next try is a whole one."""
    engine.emit_event(ring_event(100))
    c = engine.add()
    fault = engine.fault(route, **how)
    reaperd.start(SettleTime="2s", RequestTimeout="2s")
    if route == "events" and "edit" in how:
        engine.wait_asked("events")
        engine.emit("die", c, c.finished, exitCode="0")
    engine.wait_removed(c)
    assert route == "events" or fault.times == 0
    assert reaperd.stop() == 0


def test_no_proxy_on_tcp(engine: Standin, reaperd: Reaperd) -> None:
    host, port = engine.server.listen(("127.0.0.1", 0))
    c = engine.add()
    with socket.socket() as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        proxy.setblocking(False)
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            reaperd.environment[name] = url
        assert reaperd.once(Endpoint=f"tcp://{host}:{port}").removed == 1
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert engine.removed == [c.id]
    assert reaperd.count(r"(?i)this machine|memory") == 0


REMOTE = "10.77.0.1"  # exists in the test's own network namespace only


@pytest.fixture
def namespace() -> Iterator[str]:
    """A network namespace in which this machine has an address that is not loopback."""
    name = f"rp-protocol-{os.getpid()}"
    enter = ("ip", "-netns", name)
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run([*enter, "link", "set", "lo", "up"], check=True)
        subprocess.run([*enter, "address", "add", f"{REMOTE}/32", "dev", "lo"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def listen_within(namespace: str, engine: Standin) -> int:
    """Have the engine listen there. A thread enters, so that the rest of the process stays where it is."""
    ports: list[int] = []

    def listen() -> None:
        with open(f"/run/netns/{namespace}", "rb") as handle:
            if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        ports.append(engine.server.listen((REMOTE, 0))[1])

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    return ports[0]


def test_remote_engine_is_said_once(engine: Standin, reaperd: Reaperd, namespace: str) -> None:
    c = engine.add()
    reaperd.prefix = ["nsenter", f"--net=/run/netns/{namespace}"]
    reaperd.start(Endpoint=f"tcp://{REMOTE}:{listen_within(namespace, engine)}")
    engine.wait_removed(c)
    engine.resync()
    engine.resync()
    assert reaperd.count(r"(?i)memory") == 1
    assert reaperd.stop() == 0


def test_engine_with_another_clock(engine: Standin, reaperd: Reaperd, namespace: str) -> None:
    """The stamps of an engine elsewhere are by its own clock: two hours behind, all of them look two hours old."""
    behind = 7200.0
    engine.info_extra = {"SystemTime": rfc3339(time.time_ns() - int(behind * 1e9))}
    old, young = engine.add(ended=behind + 60), engine.add(ended=behind + 1)
    reaperd.prefix = ["nsenter", f"--net=/run/netns/{namespace}"]
    endpoint = f"tcp://{REMOTE}:{listen_within(namespace, engine)}"
    done = reaperd.once(Endpoint=endpoint, MinimumAge="30s", Success="30s")
    assert done == Summary(0, removed=1, gone=0, failed=0, kept=1)
    assert engine.removed == [old.id] and young.id in engine.containers
    assert reaperd.count(r"age 1min( [0-9]s)?,") == 1


def test_event_before_the_engines_clock_is_known(engine: Standin, reaperd: Reaperd, namespace: str) -> None:
    """An end that is heard before /info has told the time is not two hours old by our clock."""
    behind = 7200 * 10**9
    engine.info_extra = {"SystemTime": rfc3339(time.time_ns() - behind)}
    gate = threading.Event()
    engine.fault("info", times=1, hold=gate)
    ends, later = engine.add(state="running", age=7300.0), engine.add(ended=7200.0 + 61)
    reaperd.prefix = ["nsenter", f"--net=/run/netns/{namespace}"]
    reaperd.start(Endpoint=f"tcp://{REMOTE}:{listen_within(namespace, engine)}", MinimumAge="30s", Success="30s",
                  Parallelism=1)
    engine.wait_asked("info")
    ends.state, ends.finished = "exited", time.time_ns() - behind
    engine.emit("die", ends, ends.finished, exitCode="0")
    engine.emit_event(Event("die", "short", {"com.docker.swarm.task": ""}, time.time_ns() - behind))
    reaperd.wait_log("could not be understood")  # so what came before it has been taken in
    gate.set()
    engine.wait_removed(later)  # by our clock the other would have been due long before it
    assert engine.removed == [later.id]


def test_tells_systemd(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.environment |= {"WATCHDOG_USEC": "1000000"}
    reaperd.start()
    for line in ("READY=1", "STATUS=", "WATCHDOG=1"):
        reaperd.wait_notified(line)
    reaperd.terminate()
    reaperd.wait_notified("STOPPING=1")
    assert reaperd.wait_exit() == 0
