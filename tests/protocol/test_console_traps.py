# SPDX-License-Identifier: Apache-2.0
"""What reaperd's console fell into once: calls to a daemon that stops, words that others' waits were judged by,
waits that were ended unseen, and texts that may name several.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from console_kit import (HOUR, QUIET, Console, await_verdict, begin, bus, by_id, console, first_of,  # noqa: F401
                         in_flight, near, other_console, same, until)
from daemon import Reaperd
from engine_model import Container
from lab.console import FAILED, INTERFACE, INVALID, NAME, PATH, PROPERTIES, Result, results
from lab.dbus import DBusError, Pending
from standin import Standin

# Once failed, it is not tried again while the test looks.
SLOW: dict[str, str | int] = QUIET | {"RetryInitial": "1h", "RetryMax": "1h"}
SURGE = "^reaperd: The new configuration makes "


def removed(c: Container) -> Result:
    return Result(c.id, c.name, True, "requested", "removed")


def refused(pending: Pending) -> str:
    """The name of the error that is the answer."""
    with pytest.raises(DBusError) as caught:
        pending.result(20)
    return str(caught.value.name)


# A call of each kind; %s is a container that has ended.
LATE: dict[str, tuple[str, str, str, list[Any]]] = {
    "reload": (INTERFACE, "Reload", "", []),
    "advise": (INTERFACE, "Advise", "", []),
    "reap": (INTERFACE, "Reap", "asb", [["%s"], False]),
    "reap-dry": (INTERFACE, "Reap", "asb", [["%s"], True]),
    "reap-service": (INTERFACE, "ReapService", "sb", ["other", False]),
    "reap-due": (INTERFACE, "ReapDue", "b", [False]),
    "pause": (INTERFACE, "Pause", "t", [3600 * 1_000_000]),
    "resume": (INTERFACE, "Resume", "", []),
    "list": (INTERFACE, "ListContainers", "a{sv}su", [{}, "", 100]),
    "explain": (INTERFACE, "Explain", "s", ["%s"]),
    "property": (PROPERTIES, "Get", "ss", [INTERFACE, "Connected"]),
    "properties": (PROPERTIES, "GetAll", "s", [INTERFACE]),
}


SERVICE_UNKNOWN, *NOTHING_THERE = (f"org.freedesktop.DBus.Error.{name}" for name in (
    "ServiceUnknown", "UnknownObject", "UnknownMethod", "UnknownInterface"))


def start(console: Console, call: str, c: Container) -> Pending:
    interface, method, signature, given = LATE[call]
    arguments = [[c.id] if each == ["%s"] else c.id if each == "%s" else each for each in given]
    return console.connection.call(NAME, PATH, interface, method, signature, arguments)


@pytest.mark.parametrize("call", LATE)
def test_called_while_it_stops(engine: Standin, reaperd: Reaperd, console: Console, other_console: Console,
                               call: str) -> None:
    """It waits for a DELETE and for nothing else: whoever calls is told at once that nobody is there any more, and
    whoever waits for the DELETE hears of it.
    """
    mark = reaperd.state_directory()
    mark.touch()
    c, other = engine.add(), engine.add(service="other")
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(c.id)
    in_flight(engine, c)
    # What a reload then would mind, and advice would ask: other containers count, /info does not come.
    engine.fault("info", hang=True, times=None)
    reaperd.rule("others", Kind="other", Name="x*", Action="reap")
    reaperd.config.write_text(reaperd.config_text(), encoding="utf-8")

    reaperd.terminate()
    reaperd.wait_notified("STOPPING=1")
    # It may still have the name, for a moment.
    assert refused(start(other_console, call, other)) in (SERVICE_UNKNOWN, *NOTHING_THERE)
    until(lambda: not console.connection.bus("NameHasOwner", "s", NAME), "that the name is given back")
    assert refused(start(other_console, call, other)) == SERVICE_UNKNOWN
    assert reaperd.running() and not pending.done

    gate.set()
    assert results(pending) == [removed(c)]
    assert reaperd.wait_exit() == 0
    assert set(engine.containers) == {other.id} and not engine.asked("inspect", other)
    assert sorted(mark.parent.iterdir()) == [mark]
    told = [line for _, line in reaperd.notified()]
    assert "RELOADING=1" not in told and told.count("READY=1") == 1


@pytest.mark.parametrize("call", LATE)
def test_called_when_it_is_told_to_stop(engine: Standin, reaperd: Reaperd, console: Console,
                                        other_console: Console, call: str) -> None:
    """In the same moment: whichever it sees first, the callers are answered while the DELETE is still under way."""
    c, other = engine.add(), engine.add(service="other")
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(c.id)
    in_flight(engine, c)
    engine.fault("info", hang=True, times=None)
    reaperd.rule("others", Kind="other", Name="x*", Action="reap")
    reaperd.config.write_text(reaperd.config_text(), encoding="utf-8")

    os.kill(reaperd.pid, signal.SIGSTOP)
    # It takes one message at a time: one of these comes before the signal, and one behind it.
    calls = [start(other_console, "property", other), start(other_console, call, other)]
    other_console.connection.bus("GetId")       # the bus has passed them on
    reaperd.terminate()
    os.kill(reaperd.pid, signal.SIGCONT)
    assert all(each.arrived.wait(20) and each.answer for each in calls)
    reaperd.wait_notified("STOPPING=1")
    assert reaperd.running() and not pending.done
    gate.set()
    assert results(pending) == [removed(c)]
    assert reaperd.wait_exit() == 0
    assert set(engine.containers) == {other.id}


def test_stops_while_it_asks_for_advice(engine: Standin, reaperd: Reaperd, console: Console,
                                        other_console: Console) -> None:
    """That is not waited for, and who has asked is told."""
    c = engine.add()
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(c.id)
    in_flight(engine, c)
    info = len(engine.asked("info"))
    engine.fault("info", hang=True, times=None)
    advice = other_console.start("Advise")
    engine.wait_asked("info", info + 1)
    assert not advice.done
    reaperd.terminate()
    assert advice.arrived.wait(20) and not pending.done
    assert advice.answer, "told before it goes"
    gate.set()
    assert results(pending) == [removed(c)] and reaperd.wait_exit() == 0


def refusing(engine: Standin, count: int, first: int = 1) -> list[Container]:
    """An engine that fails to remove them once: then all is known of them, and they are still there."""
    return [engine.add(slot=n, removals=["500"]) for n in range(first, first + count)]


def fail_once(console: Console, *made: Container) -> None:
    found = by_id(console.reap(*(c.id for c in made)))
    assert len(found) == len(made) and all(r.words.startswith("failed: ") for r in found.values())
    assert {c.id for c in made} <= {row.id for row in console.list() if row.exact}


def test_request_does_not_hide_a_surge(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Containers that are asked for while a configuration comes that makes them due: if the request ends without
    them they are held like all others, not taken for what was due before.
    """
    asked, others = refusing(engine, 6), refusing(engine, 4, 11)
    begin(reaperd, console, **SLOW | {"SurgeLimit": 3, "FirstRunDelay": "1h"})
    fail_once(console, *asked, *others)
    looks, lists = threading.Event(), threading.Event()
    before, listed = len(engine.asked("inspect")), len(engine.asked("list"))
    engine.fault("inspect", hold=looks)
    pending = console.start_reap(*(c.id for c in asked))
    engine.wait_asked("inspect", before + 1)
    engine.fault("list", hold=lists)
    reaperd.reload(Success="1h")
    engine.wait_asked("list", listed + 1)
    engine.stop()
    looks.set()
    lists.set()
    found = by_id(results(pending))
    assert set(found) == {c.id for c in asked} and not any(r.removed for r in found.values())

    engine.start()
    reaperd.wait_log(SURGE)
    for c in [*asked, *others]:
        await_verdict(console, c, "surge-held")
    engine.witness()
    assert {c.id for c in [*asked, *others]} <= set(engine.containers)
    assert console.get("SurgeHeld") == 10 and engine.removed and not {c.id for c in asked} & set(engine.removed)


def test_request_is_no_surge(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Asked for between a reload and its list: nothing that the new configuration has made due. They go, and nobody
    else waits because of them.
    """
    reaperd.rule("few", Service="few", Success="infinity", Failure="infinity")
    asked = refusing(engine, 6)
    few = [engine.add(service="few", slot=n) for n in range(3)]
    begin(reaperd, console, **SLOW | {"SurgeLimit": 3, "FirstRunDelay": "1h", "Parallelism": 2})
    fail_once(console, *asked)
    lists, listed = threading.Event(), len(engine.asked("list"))
    engine.fault("list", hold=lists)
    reaperd.rule("few", Service="few", Success="1h", Failure="infinity")
    reaperd.reload()
    engine.wait_asked("list", listed + 1)
    pending = console.start_reap(*(c.id for c in asked))
    console.get("Connected")            # the request has been read
    assert not pending.done and len(engine.asked("remove")) == len(asked)
    lists.set()
    assert by_id(results(pending)) == {c.id: removed(c) for c in asked}
    engine.wait_removed(*few)
    assert reaperd.count(SURGE) == reaperd.count("^reaperd: Held ") == 0 == console.get("SurgeHeld")


def test_due_is_not_what_others_have_asked_for(engine: Standin, reaperd: Reaperd, console: Console,
                                               other_console: Console) -> None:
    """ReapDue tells of what goes without anybody's word, dry or not."""
    made = [engine.add(slot=n) for n in range(3)]
    gate = threading.Event()
    engine.fault("remove", hold=gate)
    begin(reaperd, console, **QUIET)
    pending = console.start_reap(*(c.id for c in made))
    first_of(engine, made)
    assert other_console.reap_due(dry_run=True) == []
    assert other_console.reap_due() == []
    gate.set()
    assert by_id(results(pending)) == {c.id: removed(c) for c in made}


@pytest.mark.parametrize("missing", ["engine", "list"])
def test_due_before_anything_is_known(engine: Standin, reaperd: Reaperd, console: Console, missing: str) -> None:
    """Nobody can have seen what the wait of the first start holds back: it is not ended, and that is said."""
    mark = reaperd.state_directory()
    made = [engine.add(slot=n) for n in range(6)]
    gate = threading.Event()
    if missing == "engine":
        engine.stop()
    else:
        engine.fault("list", hold=gate)
    reaperd.start(FirstRunDelay="1h", Parallelism=1)
    console.await_name()
    if missing == "list":
        engine.wait_asked("list")
    for dry_run in (True, False):
        assert console.error("ReapDue", "b", dry_run).name == FAILED + "EngineUnreachable"
    assert not mark.exists() and console.get("FirstRunUntil") > 0
    if missing == "engine":
        engine.start()
    gate.set()
    reaperd.wait_log("^reaperd: Connected to engine ")
    for c in made:
        await_verdict(console, c, "first-run")
    engine.resync()
    until(lambda: console.get("Connected"), "that it has listed again")
    assert not engine.asked("inspect") and not engine.asked("remove") and not mark.exists()
    assert {r.id for r in console.reap_due() if r.removed} == {c.id for c in made} and mark.exists()


def test_due_when_the_engine_is_lost(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Also later on: a wait that has begun goes on."""
    mark = reaperd.state_directory()
    c = engine.add()
    begin(reaperd, console, FirstRunDelay="1h")
    await_verdict(console, c, "first-run")
    end = console.get("FirstRunUntil")
    engine.stop()
    await_verdict(console, c, "engine-unreachable")
    assert console.error("ReapDue", "b", False).name == FAILED + "EngineUnreachable"
    assert same(console.get("FirstRunUntil"), end) and not mark.exists()
    engine.start()
    await_verdict(console, c, "first-run")
    assert not engine.asked("remove")


@pytest.mark.parametrize("kind", ["text", "empty", "two", "fifo", "loop"])
def test_pause_that_cannot_be_read(engine: Standin, reaperd: Reaperd, console: Console, kind: str) -> None:
    """It is for an hour from the first start that finds it, not from each."""
    file: Path = reaperd.state_directory().parent / "paused-until"
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "loop":
        file.symlink_to(file)
    else:
        file.write_text({"text": "tomorrow\n", "empty": "", "two": "17\n17\n"}[kind], encoding="utf-8")
    begin(reaperd, console, **QUIET)
    end = console.get("PausedUntil")
    assert near(end, time.time() + HOUR)
    assert not file.is_symlink() and file.is_file() and same(int(file.read_text(encoding="utf-8")), end)
    for end_it in (reaperd.close, reaperd.stop):
        end_it()
        until(lambda: not console.connection.bus("NameHasOwner", "s", NAME), "its end")
        begin(reaperd, console)
        assert same(console.get("PausedUntil"), end)
    assert reaperd.count("Cannot read ") == 0


def test_named_in_all_ways_at_once(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """By names, beginnings of ids and whole ids, some of them more than once: each is dealt with once."""
    made = [engine.add(slot=n) for n in range(60)]
    spared = [engine.add(slot=n) for n in range(100, 140)]
    begin(reaperd, console, **QUIET | {"Parallelism": 4})
    ways = [lambda c: c.name, lambda c: c.short, lambda c: c.id, lambda c: c.id[:13], lambda c: c.id[:63]]
    texts = [ways[n % len(ways)](c) for n, c in enumerate(made)]
    texts += [ways[(n + 1) % len(ways)](c) for n, c in enumerate(made[:30])] + texts[:20]
    for dry_run in (True, False):
        found = by_id(console.reap(*texts, dry_run=dry_run))
        assert set(found) == {c.id for c in made} and all(r.removed for r in found.values())
    assert set(engine.containers) == {c.id for c in spared}
    assert all(engine.story(c) == ["inspect", "remove"] for c in made)
    assert sorted(r.id for r in console.history()) == sorted(c.id for c in made)


def test_names_that_look_like_ids(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """A name counts before the beginning of another's id; nobody can be called like another's whole id."""
    one, two, three = (engine.add(slot=n) for n in range(3))
    as_short, as_whole = engine.add(name=one.short), engine.add(name=two.id)
    as_long, as_digit = engine.add(name=three.id[:63]), engine.add(name="0")
    begin(reaperd, console, **QUIET)
    for texts, meant in (([one.short], [as_short]), ([one.id], [one]), ([one.id[:13]], [one]),
                         ([two.id], [two]), ([two.short], [two]), ([as_whole.id], [as_whole]),
                         ([three.id[:63]], [as_long]), ([three.id[:62]], [three]), (["0"], [as_digit]),
                         ([one.short, one.id, two.id, as_whole.short, three.short, three.id[:63], "0"],
                          [as_short, one, two, as_whole, three, as_long, as_digit])):
        found = by_id(console.reap(*texts, dry_run=True))
        assert set(found) == {c.id for c in meant}, texts
    assert console.reap(one.short) == [removed(as_short)]
    # Its name is nobody's now.
    assert console.reap(one.short) == [removed(one)]
    assert {r.id for r in console.reap(two.id) if r.removed} == {two.id}
    assert as_whole.id in engine.containers and not engine.asked("inspect", as_whole)


def test_one_bad_text_among_many(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Wherever it stands: nothing of the call is done, and the text is told."""
    made = [engine.add(slot=n) for n in range(40)]
    twins = [engine.add(name="twin") for _ in range(2)]
    begin(reaperd, console, **QUIET)
    good = [(c.name, c.short, c.id)[n % 3] for n, c in enumerate(made)]
    shared = os.path.commonprefix([c.id for c in made])
    for bad, name in (("nobody", "NoSuchContainer"), ("f" * 12, "NoSuchContainer"), ("f" * 64, "NoSuchContainer"),
                      (made[0].id + "0", "NoSuchContainer"), (made[0].short.upper() + "X", "NoSuchContainer"),
                      (made[3].name[:-1], "NoSuchContainer"), (shared, "AmbiguousContainer"),
                      (shared[0], "AmbiguousContainer"), ("twin", "AmbiguousContainer")):
        for at in (0, 20, len(good)):
            for dry_run in (True, False):
                error = console.error("Reap", "asb", [*good[:at], bad, *good[at:]], dry_run)
                assert error.name == FAILED + name and f'"{bad}"' in error.message
    for at in (0, 20, len(good)):
        assert console.error("Reap", "asb", [*good[:at], "", *good[at:]], False).name == INVALID
    engine.witness()
    assert {c.id for c in [*made, *twins]} == set(engine.containers)
    assert not any(engine.story(c) for c in [*made, *twins])
    # Those that bear the name can still be told apart.
    assert {r.id for r in console.reap(*(c.id for c in twins)) if r.removed} == {c.id for c in twins}


@pytest.mark.parametrize("state", ["idle", "paused", "unreachable"])
def test_nobody_is_named(engine: Standin, reaperd: Reaperd, console: Console, state: str) -> None:
    """An empty list is a mistake of the caller, never all of them."""
    c = engine.add()
    begin(reaperd, console, **QUIET)
    if state == "paused":
        console.pause(3600)
    elif state == "unreachable":
        engine.stop()
        await_verdict(console, c, "engine-unreachable")
    for dry_run in (True, False):
        assert console.error("Reap", "asb", [], dry_run).name == INVALID
    if state == "unreachable":
        engine.start()
        until(lambda: console.get("Connected"), "the engine")
    console.resume()
    engine.witness()
    assert c.id in engine.containers and not engine.asked("remove", c)
