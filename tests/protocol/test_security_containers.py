# SPDX-License-Identifier: Apache-2.0
"""What a hostile container, or an engine that lies, could want of reaperd, as SECURITY.md lists it: forged records,
work without end, removals of others. What is here is not shown elsewhere already.
"""

from __future__ import annotations

import json
import struct
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest

from daemon import Reaperd, until
from engine_model import container_event
from pressure_kit import Journal
from standin import Standin
from test_hostile import HOSTILE, check_log

FORGED = "web\nREAPERD_VERDICT=requested\nCONTAINER_ID=0123456789ab\nMESSAGE=Removed all\nPRIORITY=0\n"
# Those of a removal, see reaperd(8).
FIELDS = {"MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "CONTAINER_ID", "CONTAINER_ID_FULL",
          "CONTAINER_NAME", "IMAGE_NAME", "SWARM_SERVICE_NAME", "SWARM_TASK_ID", "REAPERD_ATTEMPT", "REAPERD_VERDICT",
          "REAPERD_AGE_USEC", "REAPERD_EXIT_CODE", "REAPERD_DRY_RUN", "REAPERD_SETTING", "REAPERD_ORIGIN",
          "REAPERD_RULE", "REAPERD_LOG_TAIL", "REAPERD_OBSERVED_BYTES"}


class Fields(Journal):
    """The journal, told as it takes records apart: of each its fields in their order, doubled ones too."""

    def __init__(self, folder: Path, reaperd: Reaperd) -> None:
        self.seen: list[list[tuple[bytes, bytes]]] = []
        super().__init__(folder, reaperd)

    def _receive(self) -> None:
        while data := self._socket.recv(1 << 18):
            fields = []
            while data:
                name, equals, value = (rest := data.partition(b"\n"))[0].partition(b"=")
                data = rest[2]
                if not equals:
                    size, = struct.unpack("<Q", data[:8])
                    value, data = data[8:8 + size], data[9 + size:]
                fields.append((name, value))
            self.seen.append(fields)

    def removals(self) -> list[list[tuple[bytes, bytes]]]:
        return [fields for fields in list(self.seen)
                if any(name == b"MESSAGE" and value.startswith(b"Removed ") for name, value in fields)]


@pytest.fixture
def journal(reaperd: Reaperd) -> Iterator[Fields]:
    taken = Fields(reaperd.directory, reaperd)
    yield taken
    taken.close()


@pytest.mark.parametrize("raw", [FORGED.encode(), b"\xff\xfe\n\xc0\x80=x", b"x=y\n\n\n=\n" * 50],
                         ids=["fields", "no-utf8", "lines"])
def test_texts_forge_no_field(engine: Standin, reaperd: Reaperd, journal: Fields, raw: bytes) -> None:
    """Line breaks in names, labels and a log stay in the value that they came in; no field is there twice."""
    c = engine.add(name="@@@.1.t", image="@@@", service="@@@", exit_code=1, ended=90000.0, log=[(1, raw)])
    shown = json.dumps(raw.decode(errors="surrogateescape"), ensure_ascii=False)[1:-1].encode(errors="surrogateescape")
    for route in ("list", "inspect"):
        engine.fault(route, times=None, edit=lambda body: body.replace(b"@@@", shown))
    reaperd.start(LogTail=100)
    engine.wait_removed(c)
    until(journal.removals, "its record")
    assert reaperd.stop() == 0
    fields, = journal.removals()
    told = {name.decode(): value for name, value in fields}
    assert len(told) == len(fields) and set(told) - FIELDS == set()
    assert told["CONTAINER_NAME"] == (raw + b".1.t")[:1024]
    assert told["IMAGE_NAME"] == told["SWARM_SERVICE_NAME"] == raw[:1024]
    assert told["REAPERD_VERDICT"] == b"ttl-expired" and told["PRIORITY"] == b"6"
    assert told["CONTAINER_ID"] == c.short.encode()
    # The log's own lines are its lines; all else in it, and all of the message, is printable.
    assert not {byte for byte in told["MESSAGE"] if byte < 0x20} and told["MESSAGE"].decode().isprintable()
    assert told["REAPERD_LOG_TAIL"].decode().replace("\n", "").isprintable()


def test_text_of_an_error(engine: Standin, reaperd: Reaperd) -> None:
    """A command that cannot be started has its words in State.Error: they only count as being there."""
    texts = [text for text in HOSTILE.values() if text] + ["x" * (1 << 20)]
    failed = [engine.add(slot=n, state="created", exit_code=127, ended=None, age=90000.0, error=f"nowhere {text}")
              for n, text in enumerate(texts)]
    reaperd.begin(FailedStart="1h", MinimumAge="10s")
    engine.wait_removed(*failed, timeout=40)
    assert reaperd.stop() == 0
    check_log(reaperd, removed=len(failed))
    assert reaperd.count("nowhere|xxx|forged") == 0


def test_restarts_without_end(engine: Standin, reaperd: Reaperd) -> None:
    """A container that starts and dies as fast as the engine can tell costs no request and no memory, and nothing
    waits for it to calm down."""
    busy, due = engine.add(slot=1, state="running"), engine.add(slot=2)
    over = threading.Event()

    def flood() -> None:
        while not over.is_set():
            seen = len(engine._events)
            engine.emit_event(*[container_event(action, busy) for _ in range(500) for action in ("start", "die")])
            # As fast as they are taken, else this process would be what grows.
            over.wait(0.01 if seen < 100_000 else 0.1)

    reaperd.begin(Parallelism=1)
    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        engine.wait_removed(due)
        for slot in range(3, 8):
            late = engine.add(slot=slot)
            engine.tell_end(late)
            engine.wait_removed(late)
    finally:
        over.set()
        flooding.join()
    engine.witness()
    assert not engine.asked("inspect", busy) and len(engine.asked("list")) == len(engine.asked("events")) == 1
    assert reaperd.memory("VmHWM")["VmHWM"] < 24 << 20
    assert reaperd.stop() == 0
    assert len(reaperd.lines()) < 100


def test_element_too_large_beside_others(engine: Standin, reaperd: Reaperd) -> None:
    """An image may expose every port there is, and the list tells all of them while such a container runs: over the
    cap for one element. Those that ended beside it go all the same, also where only events have told of both."""
    engine.add(slot=1, state="running", name="giant.1.a")
    listed = engine.add(slot=2)

    def expose(body: bytes) -> bytes:
        shown = json.loads(body)
        for element in shown:
            if "/giant." in element["Names"][0]:
                element["Ports"] = [{"PrivatePort": port, "Type": kind} for kind in ("tcp", "udp", "sctp")
                                    for port in range(1, 65536)]
        return json.dumps(shown).encode()

    for route in ("list", "members"):
        engine.fault(route, times=None, edit=expose)
    reaperd.begin()
    engine.wait_removed(listed)
    giant, late = engine.add(slot=3, state="running", name="giant.2.b", age=60.0), engine.add(slot=4)
    engine.emit("create", giant, giant.created)
    engine.tell_end(late)
    engine.wait_removed(late)
    assert reaperd.memory("VmHWM")["VmHWM"] < 32 << 20
    assert giant.id in engine.containers and not engine.asked("remove", giant)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("route", ["inspect", "remove", "logs"])
def test_redirects_lead_nowhere(engine: Standin, reaperd: Reaperd, route: str, status: int) -> None:
    """Who answers for the engine cannot turn a request about one container into one about another."""
    c, running = engine.add(exit_code=1, ended=90000.0), engine.add(slot=2, state="running")
    head = (f"HTTP/1.1 {status} Moved\r\nLocation: /v1.41/containers/{running.id}?force=1&v=1\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n")
    engine.fault(route, c, times=None, raw=head.encode())
    assert reaperd.once(LogTail=5).failed == (route != "logs")
    assert engine.asked(route, c) and not [r for r in engine.requests if running.id in r.path]
    assert engine.removed == ([c.id] if route == "logs" else [])


PLACES: dict[str, dict[str, Any]] = {
    "etc": {"UpperDir": "/etc"}, "up": {"UpperDir": "/var/lib/docker/../../../etc"}, "relative": {"UpperDir": "etc"},
    "number": {"UpperDir": 5}, "long": {"UpperDir": "/" + "x" * 100_000},
}


@pytest.mark.parametrize("name", PLACES)
def test_layer_that_is_elsewhere(engine: Standin, reaperd: Reaperd, name: str) -> None:
    """What an inspect says about places only serves to measure, and only where that is wanted: no request, record or
    removal rests on it."""
    c = engine.add()
    place = json.dumps(PLACES[name]).encode()
    engine.fault("inspect", c, times=None, edit=lambda body: body.replace(
        json.dumps({"UpperDir": c.upper_dir}).encode(), place).replace(c.log_path.encode(), b"/etc/shadow"))
    assert reaperd.once().removed == 1
    check_log(reaperd, removed=1)
    assert reaperd.count("/etc|xxxx") == 0
