# SPDX-License-Identifier: Apache-2.0
"""The event stream in all its forms, and what may be concluded from an event.

In most tests a container comes and ends after the first list, and only events tell (with times in the past,
so that it is due at once): if they are not understood, nobody removes it before the next list.
"""

from __future__ import annotations

import itertools
import time
from typing import Any, Callable

import pytest

from daemon import Reaperd
from engine_model import SECOND, Container, Event, container_event, task_labels
from standin import Standin


def started(engine: Standin, reaperd: Reaperd, **settings: Any) -> None:
    """Start and wait until the daemon listens and has listed: what comes now only events tell."""
    reaperd.start(**settings)
    engine.wait_answered("list")


def ended(engine: Standin, count: int = 1, code: int = 0, before: tuple[str, dict[str, str]] | None = None,
          **facts: Any) -> list[Container]:
    """New tasks that ended over an hour ago, and the events that say so, all at once."""
    made, events = [], []
    with engine.changed:
        for slot in range(count):
            c = engine.add(slot=slot, ended=3800.0, exit_code=code, **facts)
            assert c.finished
            made.append(c)
            if before:
                events.append(container_event(before[0], c, c.finished - SECOND, **before[1]))
            events.append(container_event("die", c, c.finished + 1_000_000, exitCode=str(code)))
        engine.emit_event(*events)
    return made


def pieces(size: int) -> Callable[[bytes], list[bytes]]:
    return lambda data: [data[i:i + size] for i in range(0, len(data), size)]


@pytest.mark.parametrize(("api", "legacy", "seq", "kind"), [
    ("1.41", True, False, None), ("1.54", False, False, None), ("1.54", False, True, "application/json-seq"),
    ("1.54", False, False, "application/jsonl"), ("1.54", True, True, None),
], ids=["20.10", "29", "29-json-seq", "29-jsonl", "mixed"])
@pytest.mark.parametrize("size", [1, 2, 7, 100000], ids=lambda size: f"chunks-{size}")
def test_forms(engine: Standin, reaperd: Reaperd, api: str, legacy: bool, seq: bool, kind: str | None,
               size: int) -> None:
    engine.api, engine.legacy_events, engine.json_seq, engine.event_type = api, legacy, seq, kind
    engine.split, engine.join = pieces(size), size != 1
    started(engine, reaperd)
    engine.wait_removed(*ended(engine, 5))
    assert len(engine.asked("events")) == len(engine.asked("list")) == 1


def test_split_at_every_byte(engine: Standin, reaperd: Reaperd) -> None:
    """The n-th event comes in two chunks, the first of n bytes."""
    probe = engine.add(state="running", slot=100)
    length = len(container_event("die", probe, probe.created, exitCode="0").render(True)) + 5
    numbers = itertools.count(1)

    def split(data: bytes) -> list[bytes]:
        at = next(numbers)
        return [data[:at], data[at:]]

    engine.split = split
    started(engine, reaperd, Parallelism=16)
    engine.wait_removed(*ended(engine, length), timeout=40)
    assert probe.id in engine.containers
    assert len(engine.asked("events")) == 1


BROKEN = {
    "wrong-types": lambda event: b'{"Type":"container","Action":5,"Actor":7,"timeNano":"x"}\n',
    "no-actor": lambda event: b'{"Type":"container","Action":"die"}\n',
    "short-id": lambda event: b'{"Type":"container","Action":"die","Actor":{"ID":"abc"},"timeNano":1}\n',
    "not-json": lambda event: b"This is not an engine.\n",
    "nul": lambda event: event.replace(b"die", b"d\0e"),
    "huge": lambda event: b'{"Type":"' + b"x" * (5 << 20) + b'"}\n',
    "deep": lambda event: b'{"Type":' * 5000 + b"1" + b"}" * 5000 + b"\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_event_loses_nothing(engine: Standin, reaperd: Reaperd, name: str) -> None:
    """A message that cannot be read could have been any: the list has to tell. (The ring has it whole.)"""
    broken: list[bytes] = []

    def break_first(data: bytes) -> list[bytes]:
        if b'"lost.' in data and not broken:
            broken.append(data)
            return [BROKEN[name](data)]
        return [data]

    started(engine, reaperd)
    engine.witness()  # the list has been read
    engine.split = break_first
    engine.wait_removed(*ended(engine, service="lost"), *ended(engine))
    assert reaperd.stop() == 0


def test_unknown_fields_and_duplicate_keys(engine: Standin, reaperd: Reaperd) -> None:
    edits = itertools.cycle([
        lambda event: event.replace(b'"Type"', b'"Extra":{"a":[1,2,{"b":null}]},"Type"'),
        lambda event: event.replace(b'"Action":"die"', b'"Action":"destroy","Action":"die"'),
        lambda event: event.replace(b'"Type"', b'"type":"network","action":5,"Type"'),
    ])
    engine.split = lambda data: [next(edits)(data)]
    started(engine, reaperd)
    engine.wait_removed(*ended(engine, 9))
    assert len(engine.asked("list")) == 1


def test_other_events_on_an_unfiltered_stream(engine: Standin, reaperd: Reaperd) -> None:
    """Engines ignore filters that they do not know: whatever comes, only what is due goes."""
    engine.split = lambda data: [b'{"Type":"network","Action":"connect","Actor":{"ID":"bb","Attributes":{}},'
                                 b'"scope":"swarm","time":1,"timeNano":1}\n' * 3, data]
    started(engine, reaperd)
    engine.wait_removed(*ended(engine))


def test_tasks_from_events_are_asked_in_one_list(engine: Standin, reaperd: Reaperd) -> None:
    """The engine's own flag decides; labels can be forged. One list for a batch of new containers."""
    started(engine, reaperd)
    tasks = [engine.add(slot=n) for n in range(20)]
    forged = [engine.add(slot=n, is_task=False) for n in range(20)]
    events: list[Event] = []
    for c in [c for pair in zip(tasks, forged) for c in pair]:
        assert c.finished
        events += [container_event("create", c, c.created),
                   container_event("die", c, c.finished, exitCode="0")]
    engine.emit_event(*events)
    engine.wait_removed(*tasks)
    asked = engine.asked("members")
    # The events may arrive in pieces; a list for each container it must not be.
    assert 1 <= len(asked) <= 5 and len(engine.asked("list")) == 1
    assert all(r.filters["is-task"] == ["true"] and r.query["all"] in ("1", "true") for r in asked)
    assert {ident for r in asked for ident in r.filters["id"]} >= {c.id for c in tasks}
    assert not any(engine.asked("inspect", c) or engine.asked("remove", c) for c in forged)


def test_more_new_containers_than_fit_one_list(engine: Standin, reaperd: Reaperd) -> None:
    started(engine, reaperd, Parallelism=16)
    tasks = [engine.add(slot=n) for n in range(600)]
    engine.emit_event(*(container_event("die", c, c.finished, exitCode="0") for c in tasks))
    engine.wait_removed(*tasks, timeout=40)
    assert 3 <= len(engine.asked("members")) <= 6


def test_batch_list_fails(engine: Standin, reaperd: Reaperd) -> None:
    """Whether it is a task is asked again; until it is known nothing happens to it."""
    started(engine, reaperd)
    engine.fault("members", times=2, status=500)
    c = engine.add()
    engine.emit("die", c, c.finished, exitCode="0")
    engine.wait_removed(c)
    assert len(engine.asked("members")) == 3
    assert engine.asked("inspect")[0].at > engine.asked("members")[2].at


def test_exit_code_label_is_no_exit_code(engine: Standin, reaperd: Reaperd) -> None:
    """Labels are copied over the event's attributes: inspect decides."""
    started(engine, reaperd, Parallelism=1, Failure="infinity")
    failed, = ended(engine, code=3, labels=task_labels() | {"exitCode": "0"})
    engine.witness()
    assert reaperd.stop() == 0
    assert not engine.asked("remove", failed)


def test_event_is_lost_while_a_list_is_read(engine: Standin, reaperd: Reaperd) -> None:
    """The list was made before what was lost happened: it is no answer to it, another must follow."""
    made: list[Container] = []

    def lose() -> None:
        made.append(engine.add())
        engine.split = lambda data: [BROKEN["wrong-types"](data)]
        engine.emit("die", made[0], made[0].finished, exitCode="0")
        reaperd.wait_log("(?i)event")

    engine.fault("list", after=lose)
    started(engine, reaperd)
    engine.wait_removed(*made)


@pytest.mark.parametrize(("action", "attributes", "removed"), [
    ("kill", {"signal": "15"}, True), ("kill", {"signal": "9"}, True), ("kill", {"signal": "3"}, True),
    ("kill", {"signal": "2"}, True), ("kill", {"signal": "1"}, False), ("kill", {"signal": "10"}, False),
    ("stop", {}, True), (None, {}, False),
])
def test_asked_to_stop_is_no_failure(engine: Standin, reaperd: Reaperd, action: str | None,
                                     attributes: dict[str, str], removed: bool) -> None:
    """137 after a stop that was asked for is the end of a rolling update."""
    started(engine, reaperd, Parallelism=1, Failure="infinity", Shutdown="1min")
    c, = ended(engine, code=137, before=(action, attributes) if action else None)
    engine.witness()
    assert reaperd.stop() == 0
    assert (c.id not in engine.containers) is removed


def test_start_takes_back_the_kill(engine: Standin, reaperd: Reaperd) -> None:
    c, after = engine.add(state="running"), engine.add(state="running")
    started(engine, reaperd, Parallelism=1, Success="10s", Failure="infinity", Shutdown="10s")
    engine.emit("kill", c, signal="15")
    engine.emit("start", c)
    with engine.changed:
        for ending, code in ((c, 137), (after, 0)):
            ending.state, ending.exit_code, ending.finished = "exited", code, time.time_ns()
            engine.emit("die", ending, exitCode=str(code))
    engine.wait_removed(after, timeout=40)
    engine.witness()
    assert reaperd.stop() == 0
    assert c.id in engine.containers


def test_20_10_says_die_before_it_commits(engine: Standin, reaperd: Reaperd) -> None:
    """A list that is asked for right after the event still says running: the event knows better."""
    c = engine.add(state="running")
    started(engine, reaperd, Success="10s")
    with engine.changed:
        c.state, c.listed_as, c.finished = "exited", "running", time.time_ns()
        engine.emit("die", c, exitCode="0")
    engine.resync()
    engine.wait_removed(c, timeout=40)
    assert len(engine.asked("list")) == 2
