# SPDX-License-Identifier: Apache-2.0
"""reaperctl reap: a line a container, and an exit status that scripts can go by."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from console_kit import QUIET, Console, await_verdict
from lab.bus import DOCKER
from reaperctl_kit import Asker, Bus, Peer, Reaperd, Refused, begin, bus, console, reaperctl  # noqa: F401
from standin import Standin

# pylint: disable=redefined-outer-name


def test_named(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    """By name, by id, and by the beginning of one."""
    a, b, c, other = (engine.add(slot=slot, ended=600.0) for slot in range(1, 5))
    begin(reaperd, console, **QUIET)
    done = reaperctl("reap", a.name, b.id, c.short)
    assert sorted(done.lines) == sorted(f"{each.short} {each.name}: removed (requested)" for each in (a, b, c))
    assert not done.errors
    engine.wait_removed(a, b, c)
    assert other.id in engine.containers


def test_kept(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    """What stays is told with the reason, and the exit status is 1."""
    goes, young = engine.add(slot=1, ended=600.0), engine.add(slot=2, ended=100.0)
    begin(reaperd, console, **QUIET | {"MinimumAge": "1h", "Parallelism": 2})
    done = reaperctl("reap", young.name, status=1)
    line, = done.lines
    assert line.startswith(f"{young.short} {young.name}: kept: ") and "MinimumAge=1h" in line

    reaperd.reload(MinimumAge="5min")
    done = reaperctl("reap", "--json=short", young.name, goes.name, status=1)
    rows = {row["id"]: row for row in done.rows}
    assert rows[goes.id]["removed"] is True and rows[goes.id]["verdict"] == "requested"
    assert rows[young.id]["removed"] is False and rows[young.id]["verdict"] == "too-young"
    assert rows[young.id]["name"] == young.name and rows[young.id]["words"].startswith("kept: ")
    assert engine.removed == [goes.id]


def test_dry_run(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    c = engine.add(ended=600.0)
    begin(reaperd, console, **QUIET)
    for option in ("-n", "--dry-run"):
        line, = reaperctl("reap", option, c.name).lines
        assert line.startswith(f"{c.short} {c.name}: would be removed")
    engine.witness()
    assert c.id in engine.containers


def test_service(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    web = [engine.add(slot=slot, ended=600.0) for slot in (1, 2)]
    webapp, runs = engine.add(service="webapp", ended=600.0), engine.add(slot=3, state="running")
    begin(reaperd, console, **QUIET)
    assert len(reaperctl("reap", "--service=web").lines) == 2
    engine.wait_removed(*web)
    assert webapp.id in engine.containers and runs.id in engine.containers
    done = reaperctl("reap", "--service=nothing", status=1)
    assert done.errors == ["reaperctl: nothing: no stopped container of such a service"] and not done.lines


def test_due(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    """Ends the wait of a first start."""
    reaperd.state_directory()
    due, later = engine.add(slot=1), engine.add(slot=2, ended=600.0)
    begin(reaperd, console, FirstRunDelay="1h")
    assert due.id in engine.containers
    line, = reaperctl("reap", "--due").lines
    assert line == f"{due.short} {due.name}: removed (ttl-expired)"
    assert reaperctl("reap", "--due").lines == ["Nothing is due."]
    assert later.id in engine.containers


def test_ambiguous_and_unknown(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    """Nothing of such a call is done; the matches are listed."""
    a, b = engine.add(slot=1, ended=600.0), engine.add(slot=2, ended=600.0)
    begin(reaperd, console, **QUIET)
    done = reaperctl("reap", a.name, a.id[:4], status=1)
    assert not done.lines
    assert done.errors[0] == f"reaperctl: {a.id[:4]}: more than one container is meant by this:"
    assert sorted(done.errors[1:]) == sorted(f"reaperctl:   {c.short} {c.name}" for c in (a, b))
    done = reaperctl("reap", a.name, "nobody", status=1)
    assert not done.lines and "nobody" in done.errors[0]
    assert engine.removed == []


def test_paused(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    c = engine.add(ended=600.0)
    begin(reaperd, console, **QUIET)
    reaperctl("pause", "1h")
    done = reaperctl("reap", c.name, status=1)
    assert not done.lines and "paused until" in done.errors[0]
    assert engine.removed == []


def test_waits_for_the_engine(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    """As long as it takes: nothing is printed before the end is known."""
    c = engine.add(ended=600.0)
    go_on = threading.Event()
    engine.fault("remove", c, hold=go_on)
    begin(reaperd, console, **QUIET)
    process = reaperctl.begin("reap", c.name)
    engine.wait_asked("remove", 1, c)
    assert process.poll() is None
    go_on.set()
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, f"{c.short} {c.name}: removed (requested)\n", "")


@pytest.mark.parametrize("arguments, said", [
    ([], "nothing is named"), (["x", "--due"], "too much"), (["--due", "--service=web"], "too much"),
    (["x", "--service=web"], "too much"),
])
def test_usage(reaperctl: Asker, arguments: list[str], said: str) -> None:
    done = reaperctl("reap", *arguments, status=2)
    error, = done.errors
    assert said in error and "accepted: CONTAINER..., or --service=NAME, or --due" in error


def test_no_daemon(reaperctl: Asker) -> None:
    done = reaperctl("reap", "x", status=1)
    assert done.errors[0].startswith("reaperctl: No reaperd on the system bus of this node: ")


def test_only_root(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    c = engine.add(ended=600.0)
    begin(reaperd, console, **QUIET)
    for what in (["reap", c.name], ["reap", "--due"], ["pause"], ["resume"], ["reload"]):
        done = reaperctl(*what, status=1, user=DOCKER)
        assert done.errors == ["reaperctl: Access denied: reading takes root or group docker, changing takes root"]
    assert engine.removed == []
    await_verdict(console, c, "retained")


class Node:
    """A daemon on a bus of its own, that removes whatever it is asked to."""

    def __init__(self, on: Bus, **containers: str) -> None:
        self.containers = containers    # name -> id
        self.reaped: list[str] = []
        self.peer = Peer(on, FindContainers=self.find, Reap=self.reap, ReapService=self.reap_service)

    def find(self, text: str) -> tuple[str, list[Any]]:
        return "a(ss)", [[(c, name) for name, c in self.containers.items() if text == name or c.startswith(text)]]

    def reap(self, ids: list[str], dry_run: bool) -> tuple[str, list[Any]]:
        self.reaped += ids
        return "a(ssbss)", [[(c, name, True, "requested", "removed") for name, c in self.containers.items() if c in ids]]

    def reap_service(self, service: str, dry_run: bool) -> tuple[str, list[Any]]:
        if service not in self.containers:
            raise Refused("org.reaperd.Error.NoSuchContainer", "No stopped container")
        return self.reap([self.containers[service]], dry_run)


def test_several_hosts(bus: Bus, reaperctl: Asker, folder: Path) -> None:
    """Each is found where it is; if that is not clear for one of them, nothing is removed anywhere."""
    with Bus() as second:
        one, two = Node(bus, a="aa" * 32, both="ab" * 32), Node(second, b="ba" * 32, both="bb" * 32, aab="ca" * 32)
        try:
            reaperctl.hosts(folder, node1=bus, node2=second)
            hosts = ("-H", "node1,node2")
            for named, said in (("both", f"both: more than one container is meant by this:\n"
                                         f"reaperctl:   node1: {'ab' * 6} both\nreaperctl:   node2: {'bb' * 6} both\n"),
                                ("nothing", "nothing: no such container\n")):
                assert reaperctl(*hosts, "reap", "a", named, status=1).err == f"reaperctl: {said}"
            assert one.reaped == two.reaped == []
            # "aa" begins one id only; "b" is the name of one, and begins another.
            done = reaperctl(*hosts, "reap", "aaa", "b")
            assert done.lines == [f"node1: {'aa' * 6} a: removed (requested)", f"node2: {'ba' * 6} b: removed (requested)"]
            assert (one.reaped, two.reaped) == (["aa" * 32], ["ba" * 32])

            done = reaperctl(*hosts, "reap", "--service=a", "--json=short")
            assert [(row["node"], row["id"]) for row in done.rows] == [("node1", "aa" * 32)] and not done.errors
            assert reaperctl(*hosts, "reap", "--service=x", status=1).errors == \
                ["reaperctl: x: no stopped container of such a service"]
        finally:
            one.peer.close()
            two.peer.close()
