# SPDX-License-Identifier: Apache-2.0
"""Lists that are cut, broken, stale or odd: no removal on half a truth, and nothing forgotten for it."""

from __future__ import annotations

import json
import time
from typing import Any, Callable

import pytest

from daemon import Reaperd, Summary
from standin import Standin


def elements(change: Callable[[list[Any]], Any]) -> Callable[[bytes], bytes]:
    """An edit of the list's body in terms of its elements."""
    def edit(body: bytes) -> bytes:
        return json.dumps(change(json.loads(body))).encode()
    return edit


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_cut_list_removes_nothing(engine: Standin, reaperd: Reaperd, share: float) -> None:
    due = [engine.add(slot=n) for n in range(20)]
    size = sum(len(json.dumps(c.summary())) for c in due)
    engine.fault("list", times=None, cut=int(size * share))
    assert reaperd.once().status == 2
    assert {r.route for r in engine.requests} <= {"version", "ping", "info", "ring", "events", "list"}
    assert len(engine.containers) == 20


def test_cut_list_is_asked_again(engine: Standin, reaperd: Reaperd) -> None:
    due = [engine.add(slot=n) for n in range(20)]
    engine.fault("list", cut=5000)
    reaperd.start()
    engine.wait_removed(*due)
    assert engine.asked("inspect")[0].at > engine.asked("list")[1].at


def test_cut_list_forgets_nothing(engine: Standin, reaperd: Reaperd) -> None:
    """What was seen of a container before (it was asked to stop) is in no list: it outlives a half one."""
    for n in range(10):
        engine.add(slot=n, state="running")
    c = engine.add(slot=99, state="running")
    reaperd.start(Failure="infinity", Shutdown="10s")
    engine.wait_answered("list")
    engine.emit("kill", c, signal="15")
    engine.witness()
    engine.fault("list", times=2, cut=3000)
    engine.resync()
    with engine.changed:
        c.state, c.exit_code, c.finished = "exited", 137, time.time_ns()
        engine.emit("die", c, exitCode="137")
    engine.wait_answered("list", 4)
    engine.wait_removed(c, timeout=40)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[", b"[]]", b"[{]", b"[1,2]", b'"text"',
                                  b"<html></html>", b"\0\0\0\0", b"[" * 100000, b'[{"Id":"' + b"\xff" * 100])
def test_no_list_at_all(engine: Standin, reaperd: Reaperd, body: bytes) -> None:
    engine.add()
    engine.fault("list", times=None, edit=lambda _: body)
    result = reaperd.once()
    assert result.status in (1, 2)
    assert not engine.asked("inspect") and not engine.removed


BAD = {
    "id-number": {"Id": 5}, "id-missing": {"Id": ...}, "id-null": {"Id": None}, "id-short": {"Id": "abcdef"},
    "id-upper": {"Id": "AB" * 32}, "id-not-hex": {"Id": "zz" * 32}, "id-path": {"Id": "../" * 21 + "x"},
    "state-number": {"State": 3}, "created-text": {"Created": "yesterday"}, "labels-list": {"Labels": [1]},
    "names-text": {"Names": "web"},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_element_spoils_no_other(engine: Standin, reaperd: Reaperd, name: str) -> None:
    first, bad, last = engine.add(slot=1), engine.add(slot=2), engine.add(slot=3)

    def spoil(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for element in shown:
            if element["Id"] == bad.id:
                element |= BAD[name]
                for key in [key for key, value in element.items() if value is ...]:
                    del element[key]
        return shown

    engine.fault("list", times=None, edit=elements(spoil))
    reaperd.once()
    assert set(engine.removed) == {first.id, last.id}
    assert bad.id in engine.containers and not engine.asked("remove", bad)
    assert reaperd.lines()


@pytest.mark.parametrize("change", [
    {"Extra": {"deep": [[[{"a": None}]]]}}, {"Names": None}, {"Names": []}, {"Mounts": None},
    {"Labels": None}, {"Image": None}, {"Names": ["/a/b", "/web.1"]},
    {"State": "exited", "state": "running", "ID": "x"},
    {"Health": "none", "SizeRw": 1 << 62},
], ids=str)
def test_odd_element_is_read(engine: Standin, reaperd: Reaperd, change: dict[str, Any]) -> None:
    """Null is what Go writes for an empty slice or map; new fields come with each engine."""
    engine.add()
    engine.fault("list", edit=elements(lambda shown: [element | change for element in shown]))
    assert reaperd.once() == Summary(0, removed=1, gone=0, failed=0, kept=0)


def test_of_a_key_given_twice_the_last_counts(engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add()
    engine.fault("list", edit=lambda body: body.replace(
        b'"State":"exited"', b'"State":"running","Id":"%b","State":"exited"' % c.id.encode()))
    assert reaperd.once().removed == 1


@pytest.mark.parametrize("labels", [{"big": "x" * (5 << 20)}, {"quotes": '\\"' * 1000 + "}]{["}],
                         ids=["5MB", "quotes"])
def test_large_or_nasty_label(engine: Standin, reaperd: Reaperd, labels: dict[str, str]) -> None:
    """An element over the cap is passed over; brackets in a text are none."""
    nasty, other = engine.add(slot=1), engine.add(slot=2)
    nasty.labels |= labels
    reaperd.once()
    assert other.id in engine.removed
    assert (nasty.id in engine.containers) == ("big" in labels)


def test_deep_element(engine: Standin, reaperd: Reaperd) -> None:
    bad, other = engine.add(slot=1), engine.add(slot=2)
    engine.fault("list", times=None, edit=lambda body: body.replace(
        b'"Mounts":[]', b'"Mounts":' + b"[" * 200 + b"]" * 200, 1))
    reaperd.once()
    assert engine.removed == [other.id] and not engine.asked("remove", bad)


@pytest.mark.parametrize("state", ["running", "paused", "restarting", "removing", "created"])
def test_inspect_contradicts_the_list(engine: Standin, reaperd: Reaperd, state: str) -> None:
    c = engine.add(state=state, listed_as="exited")
    result = reaperd.once()
    assert (result.status, result.removed, result.failed) == (0, 0, 0)
    assert not engine.asked("remove", c)


def test_stale_list_is_corrected_by_inspect(engine: Standin, reaperd: Reaperd) -> None:
    """Old engines list a container as removing for good when its removal failed; inspect says dead."""
    c = engine.add(state="dead", listed_as="removing")
    reaperd.start()
    engine.wait_removed(c)


@pytest.mark.parametrize("edit", [
    lambda body: b"{}", lambda body: b"[]", lambda body: b"", lambda body: b"null", lambda body: body[:-20],
    lambda body: body.replace(b'"ExitCode": 0', b'"ExitCode": "0"'),
    lambda body: body.replace(b'"Status": "exited"', b'"Status": 1'),
    lambda body: body.replace(b'"State": {', b'"State": null, "Was": {'),
    lambda body: body.replace(b'"FinishedAt": "2', b'"FinishedAt": "x2'),
    lambda body: body.replace(b'"FinishedAt": "', b'"FinishedAt": "0001-01-01T00:00:00Z", "Was": "'),
    lambda body: body.replace(b'"OOMKilled": false', b'"OOMKilled": "no"'),
    lambda body: b"x" * (17 << 20),
], ids=["empty-object", "list", "nothing", "null", "cut", "exit-code", "status", "no-state", "bad-time",
        "zero-time", "oom", "17MB"])
def test_broken_inspect_removes_nothing(engine: Standin, reaperd: Reaperd,
                                        edit: Callable[[bytes], bytes]) -> None:
    bad, other = engine.add(slot=1), engine.add(slot=2)
    engine.fault("inspect", bad, times=None, edit=edit)
    reaperd.once()
    assert engine.removed == [other.id] and not engine.asked("remove", bad)


def test_inspect_of_another_container(engine: Standin, reaperd: Reaperd) -> None:
    """An answer about another container proves nothing about this one."""
    bad, other = engine.add(slot=1, state="running", listed_as="exited"), engine.add(slot=2)
    engine.fault("inspect", bad, times=None, edit=lambda _: json.dumps(other.detail()).encode())
    reaperd.once()
    assert not engine.asked("remove", bad)


def test_filters_that_are_dropped_on_the_way(engine: Standin, reaperd: Reaperd) -> None:
    """As by a proxy that does not know them: tasks are among the others then, and none of it can be believed."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap", Success="1h")
    task, plain = engine.add(), engine.add_plain()

    def everything(_: bytes) -> bytes:
        return json.dumps([c.summary() for c in engine.containers.values()]).encode()

    faults = [engine.fault(route, times=None, edit=everything) for route in ("list", "others")]
    assert reaperd.once(Success="infinity").status == 2
    assert reaperd.count(r"^reaperd: The engine lists \S+ among tasks and among others$") == 1

    before = len(engine.asked("others"))
    reaperd.start()
    engine.wait_asked("others", before + 2)
    assert not engine.asked("inspect") and len(engine.asked("events")) >= 2
    for fault in faults:
        engine.lift(fault)
    engine.wait_removed(plain)
    engine.witness()
    assert task.id in engine.containers
    assert reaperd.count("among tasks and among others") >= 2
