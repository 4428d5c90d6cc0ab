# SPDX-License-Identifier: Apache-2.0
"""reaperctl watch: each thing as it happens, and the end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest

from console_kit import QUIET, Console
from lab.bus import NOBODY
from lab.dbus import INTERFACE, MEMBER, PATH, SIGNAL, SIGNATURE, Connection, Writer, complete_types
from reaperctl_kit import Asker, Bus, Peer, Reaperd, begin, bus, console, reaperctl, until  # noqa: F401
from standin import Standin

# pylint: disable=redefined-outer-name
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


class Watcher:
    """One under way, with what it has printed so far."""

    def __init__(self, asker: Asker, *arguments: str) -> None:
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] = asker.begin(*arguments)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait(self, pattern: str, count: int = 1) -> str:
        """The line that matches, of several the last."""
        def found() -> list[str]:
            made = [line for line in list(self.lines) if re.search(pattern, line)]
            return made if len(made) >= count else []
        return str(until(found, f"{count} lines like {pattern!r}", 20, lambda: "\n".join(self.lines))[count - 1])

    def wait_event(self, event: str) -> dict[str, Any]:
        """Of --json."""
        made: dict[str, Any] = json.loads(self.wait(rf'"event":"{event}"'))
        return made

    def end(self, by: int = signal.SIGINT) -> int:
        """Ends it, unless it has ended; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        status = self.process.wait(20)
        self._reader.join()
        return status


@pytest.fixture
def watchers() -> Iterator[list[Watcher]]:
    made: list[Watcher] = []
    yield made
    for each in made:
        each.end(signal.SIGKILL)


def watch(watchers: list[Watcher], asker: Asker, *arguments: str) -> Watcher:
    """Returns when it watches."""
    watchers.append(Watcher(asker, "watch", *arguments))
    watchers[-1].wait("watching|daemon-gone")
    return watchers[-1]


def test_lines(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker, bus: Bus,
               watchers: list[Watcher]) -> None:
    named, runs = engine.add(slot=1, ended=600.0), engine.add(slot=2, state="running")
    begin(reaperd, console, **QUIET)
    w = watch(watchers, reaperctl)
    engine.end(runs, 1)
    assert re.fullmatch(rf"{TIME} stopped       {runs.short} {re.escape(runs.name)}: failure, too-young(, .*)?",
                        w.wait(" stopped "))
    reaperctl("reap", named.name)
    assert re.fullmatch(rf"{TIME} removed       {named.short} {re.escape(named.name)}: requested, age 10min( \d+s)?, "
                        "exit 0", w.wait(" removed "))
    reaperctl("pause", "1h")
    assert re.fullmatch(rf"{TIME} paused        until \w+ {TIME} UTC", w.wait(" paused "))
    reaperctl("resume")
    assert re.fullmatch(rf"{TIME} resumed", w.wait(" resumed"))
    reaperctl("reload")
    assert w.wait(" reloaded ").endswith(" reloaded      a new configuration holds")
    reaperd.config.write_text("[Retention]\nSucces=1h\n", encoding="utf-8")
    reaperctl("reload", status=1)
    assert w.wait(" reload-failed ").endswith(" reload-failed 1 error, the old configuration still holds")
    engine.stop()
    assert re.search(r" engine-lost   unix://\S+: \S", w.wait(" engine-lost "))
    engine.start()
    assert re.search(r" engine-back   unix://\S+: engine 20\.10\.24, API 1\.41$", w.wait(" engine-back "))
    assert reaperd.stop() == 0
    assert w.wait(" daemon-gone ").endswith(" daemon-gone   reaperd has left the bus")
    reaperd.begin(**QUIET)
    w.wait(" daemon-back ")
    again = engine.add(slot=3, ended=600.0)
    engine.tell_end(again)
    until(lambda: console.row(again.id), "the new one known")
    reaperctl("reap", again.name)
    w.wait(f" removed       {again.short} ")
    assert w.end() == 0
    assert not any("\x1b" in line for line in w.lines)


def test_json(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker, watchers: list[Watcher]) -> None:
    """An object a line, with either way of JSON; SIGTERM ends it as well."""
    c = engine.add(ended=600.0)
    begin(reaperd, console, **QUIET)
    w = watch(watchers, reaperctl, "--json=pretty")
    assert w.wait_event("watching")["detail"] == console.get("Version")
    reaperctl("reap", c.id)
    told = w.wait_event("removed")
    assert (told["id"], told["verdict"], told["dry_run"]) == (c.id, "requested", False)
    assert abs(told["time_usec"] - told["when_usec"]) < 10**7 and "node" not in told
    reaperctl("pause", "1h")
    # One clock is told by another, which takes a moment.
    assert abs(w.wait_event("paused")["until_usec"] - console.get("PausedUntil")) < 1000
    assert w.end(signal.SIGTERM) == 0


def test_dry_run(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker,
                 watchers: list[Watcher]) -> None:
    begin(reaperd, console, "--dry-run")
    w = watch(watchers, reaperctl)
    engine.tell_end(c := engine.add())
    w.wait(f" would remove  {c.short} ")


def test_wait_over(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker,
                   watchers: list[Watcher]) -> None:
    """The end of a wait has no signal; its property tells."""
    reaperd.state_directory()
    due = engine.add()
    begin(reaperd, console, FirstRunDelay="1h")
    w = watch(watchers, reaperctl)
    until(lambda: any("FirstRunUntil" in m.body[1] for m in list(console.connection.signals)
                      if m.member == "PropertiesChanged"), "the wait told")
    reaperctl("reap", "--due")
    engine.wait_removed(due)
    assert w.wait(" wait-over ").endswith(" wait-over     first-run")


def test_without_a_daemon(reaperd: Reaperd, console: Console, reaperctl: Asker, watchers: list[Watcher]) -> None:
    w = watch(watchers, reaperctl)
    assert w.wait("daemon-gone").endswith(" daemon-gone   there is no reaperd on the bus yet")
    begin(reaperd, console)
    w.wait(" daemon-back ")
    assert w.end() == 0


def test_bus_lost(reaperd: Reaperd, console: Console, reaperctl: Asker, bus: Bus, watchers: list[Watcher]) -> None:
    begin(reaperd, console)
    w = watch(watchers, reaperctl)
    bus.stop()
    assert w.process.wait(20) == 1
    w.end()
    assert w.lines[-1].endswith(" bus-lost      the connection to the bus has ended")


def test_no_bus(reaperctl: Asker, bus: Bus) -> None:
    bus.stop()
    assert reaperctl("watch", status=1).errors[0].startswith("reaperctl: No reaperd on the system bus of this node: ")


def test_not_for_everybody(reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    """Whom the bus would tell nothing is told so, instead of waiting for ever."""
    begin(reaperd, console)
    done = reaperctl("watch", status=1, user=NOBODY)
    assert done.errors == ["reaperctl: Access denied: reading takes root or group docker, changing takes root"]


def test_forged(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker, bus: Bus,
                watchers: list[Watcher]) -> None:
    """A signal of somebody who has not the name is none, whatever it says."""
    begin(reaperd, console)
    w = watch(watchers, reaperctl)
    forger = Connection(str(bus.socket))
    try:
        for unique in forger.bus("ListNames"):
            if unique.startswith(":"):
                subprocess.run(["busctl", f"--address={bus.address}", "emit", f"--destination={unique}", "/org/reaperd",
                                "org.reaperd.Reaper1", "Paused", "t", "4102444800000000"], check=True)
        bus.busctl("emit", "/org/reaperd", "org.reaperd.Reaper1", "Paused", "t", "4102444800000000")
    finally:
        forger.close()
    reaperctl("pause", "1h")
    reaperctl("resume")
    w.wait(" resumed")
    assert len([line for line in w.lines if " paused " in line]) == 1 and not any("2100-" in line for line in w.lines)


def emit(peer: Peer, member: str, signature: str, *values: Any) -> None:
    """As the daemon would."""
    body, head = Writer(), Writer()
    for each, value in zip(complete_types(signature), values, strict=True):
        body.put(each, value)
    fields = [(PATH, ("o", "/org/reaperd")), (INTERFACE, ("s", "org.reaperd.Reaper1")), (MEMBER, ("s", member))]
    if signature:
        fields.append((SIGNATURE, ("g", signature)))
    head.put("(yyyyuua(yv))", (ord("l"), SIGNAL, 0, 1, len(body.data), 10**6, fields))
    head.pad(8)
    peer._socket.sendall(head.data + body.data)


def test_every_signal(bus: Bus, reaperctl: Asker, watchers: list[Watcher]) -> None:
    """Those that a quiet engine does not bring about; hostile ones; and those of a version to come."""
    peer = Peer(bus, Get=lambda *_: ("v", [("s", "9.9\x1b[31m")]))
    never = 2**64 - 1
    try:
        w, j = watch(watchers, reaperctl), watch(watchers, reaperctl, "--json=short")
        assert w.lines[0].endswith(r" watching      9.9\x1b[31m")
        for about in (("success", "retained", 5 * 10**6, 90 * 10**6, 1 << 20), ("", "running", never, never, never)):
            outcome, verdict, age, due, held = about
            emit(peer, "ContainerStopped", "(ssssssssttttttb)", ("cd" * 32, "web.1", "web", "web.1", "image", "exited",
                                                                 outcome, verdict, age, due, held, 0, 0, 0, True))
        for age, held in ((never, never), (7200 * 10**6, 1 << 20)):
            emit(peer, "ContainerRemoved", "(tssssssssstittttxubu)",
                 (1, "cd" * 32, "", "", "", "", "orphan", "", "", "", age, 137, held, 0, 0, 0, 0, 0, False, 1))
        emit(peer, "ContainerQuarantined", "sssus", "ab" * 32, "web.1\x1b]0;x\x07", "web", 5, "device\nbusy")
        emit(peer, "RemovalsHeld", "sut", "surge", 1, 4102444800000000)
        emit(peer, "RemovalsHeld", "sut", "first-run", 2, never)
        emit(peer, "PressureChanged", "ssb", "critical", "memory-available", True)
        emit(peer, "PressureChanged", "ssb", "normal", "none", False)
        emit(peer, "BatchJudged", "sutxbb", "memory-available", 8, 52533658, 3 << 20, True, False)
        emit(peer, "BatchJudged", "sutxbb", "disk-inodes", 8, never, -3, False, True)
        emit(peer, "Paused", "s", "for ever")
        emit(peer, "Reloaded", "")
        emit(peer, "SomethingNew", "s", "x")
        emit(peer, "Resumed", "")
        w.wait(" resumed")
        told = [line[20:] for line in w.lines[1:]]
        assert told == [
            "stopped       cdcdcdcdcdcd web.1: success, retained, held 1.0M, due in 1min 30s",
            "stopped       cdcdcdcdcdcd web.1: running",
            "removed       cdcdcdcdcdcd (no name): orphan, exit 137",
            "removed       cdcdcdcdcdcd (no name): orphan, age 2h, exit 137, held 1.0M",
            r"quarantined   abababababab web.1\x1b]0;x\x07: 5 removals failed, the last with: device\x0abusy",
            "held          1 container until Fri 2100-01-01 00:00:00 UTC (surge)",
            "held          2 containers until that wait begins and ends (first-run)",
            "pressure      critical: memory-available, removing has not helped and is given up for a while",
            "pressure      normal",
            "batch         memory-available: 8 removed, held 50.1M, +3.0M: helped",
            "batch         disk-inodes: 8 removed, -3 inodes: did not help, given up for a while",
            "resumed",
        ]
        j.wait('"resumed"')
        rows = [json.loads(line) for line in j.lines]
        assert [row["event"] for row in rows] == ["watching", "stopped", "stopped", "removed", "removed", "quarantined",
                                                  "held", "held", "pressure", "pressure", "batch", "batch", "resumed"]
        assert (rows[1]["outcome"], rows[2]["outcome"], rows[2]["age_usec"]) == ("success", None, None)
        assert rows[5]["problem"] == "device\nbusy" and rows[7]["until_usec"] is None
        assert (rows[10]["improvement"], rows[11]["improvement"], rows[11]["held"]) == (3 << 20, -3, None)
    finally:
        peer.close()
    w.wait(" daemon-gone ")


def test_hosts(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker, bus: Bus, folder: Path,
               watchers: list[Watcher]) -> None:
    """Each line has its node in front; one that is lost ends nothing, and is in the exit status."""
    begin(reaperd, console)
    with Bus() as second:
        reaperctl.hosts(folder, node1=bus, node2=second)
        w = watch(watchers, reaperctl, "-H", "node1,node2")
        assert re.fullmatch(rf"{TIME} node1 watching      \S+", w.wait("watching"))
        assert re.match(rf"{TIME} node2 daemon-gone ", w.wait("daemon-gone"))
        j = watch(watchers, reaperctl, "-H", "node1,node2", "--json=short")
        reaperctl("-H", "node1", "pause", "1h")
        assert re.match(rf"{TIME} node1 paused ", w.wait(" paused "))
        assert j.wait_event("paused")["node"] == "node1"
    assert re.match(rf"{TIME} node2 bus-lost ", w.wait(" bus-lost "))
    reaperctl("-H", "node1", "resume")
    w.wait(" node1 resumed")
    assert w.end() == 1


def test_colours(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker, bus: Bus) -> None:
    """On a terminal; ended by the loss of the bus."""
    begin(reaperd, console)
    ender = threading.Timer(2, bus.stop)
    ender.start()
    shown = reaperctl.on_terminal("watch").out
    ender.join()
    assert re.search("\x1b\\[[0-9;]+mwatching\x1b\\[0?m", shown) and "bus-lost" in shown
