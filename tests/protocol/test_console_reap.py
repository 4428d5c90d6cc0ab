# SPDX-License-Identifier: Apache-2.0
"""Reap and ReapService: what somebody's word overrides, and what it never does.

That nothing runs into force=1, or into two requests at once for one container, is checked in every test by the
engine's fixture.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from console_kit import (HOUR, QUIET, Console, await_verdict, begin, bus, by_id, console,  # noqa: F401
                         until)
from daemon import Reaperd
from engine_model import Container
from lab.console import FAILED, INVALID, Result, results
from standin import Standin

KEEP, TTL, KEEP_LAST = (f"org.reaperd.{key}" for key in ("keep", "ttl", "keep-last"))
DAY = 24 * HOUR

# What stays for good if nobody asks; facts, its verdict then, and as what it goes.
GOES: dict[str, tuple[dict[str, Any], str, str]] = {
    "span": ({"ended": 2 * HOUR}, "retained", "requested"),
    "failure": ({"ended": 2 * HOUR, "exit_code": 1, "service": "f1"}, "kept-last", "requested"),
    "oom": ({"ended": 2 * HOUR, "exit_code": 137, "oom_killed": True, "service": "f2"}, "kept-last", "requested"),
    "dead": ({"ended": 2 * HOUR, "state": "dead"}, "retained", "requested"),
    "ttl-label": ({"ended": 2 * HOUR, "asks": {TTL: "infinity"}}, "retained", "requested"),
    "keep-last-rule": ({"ended": 2 * HOUR, "service": "lasts"}, "kept-last", "requested"),
    "keep-last-label": ({"ended": 2 * HOUR, "service": "l2", "asks": {KEEP_LAST: "3"}}, "kept-last", "requested"),
    "rule-span": ({"ended": 2 * HOUR, "service": "long"}, "retained", "requested"),
}
# What nobody's word moves.
STAYS: dict[str, tuple[dict[str, Any], str]] = {
    "running": ({"state": "running"}, "running"), "paused": ({"state": "paused"}, "paused"),
    "restarting": ({"state": "restarting"}, "restarting"), "created": ({"state": "created"}, "starting"),
    "unknown": ({"state": "hibernating"}, "unknown-state"), "removing": ({"state": "removing"}, "removing"),
    "floor": ({"ended": 600.0, "age": 601.0}, "too-young"),
    "floor-by-rule": ({"service": "floor", "ended": 2 * HOUR}, "too-young"),
    "floor-found-by-inspect": ({"ended": 600.0, "age": DAY}, "too-young"),
    "future": ({"ended": -HOUR, "age": DAY}, "too-young"),
    "label": ({"asks": {KEEP: "true"}}, "kept-label"),
    "label-of-a-failure": ({"asks": {KEEP: "on"}, "exit_code": 1}, "kept-label"),
    "rule": ({"service": "kept"}, "kept-rule"),
    "rule-and-ttl": ({"service": "kept", "asks": {TTL: "0"}}, "kept-rule"),
}


def population(engine: Standin, reaperd: Reaperd) -> tuple[dict[str, Container], dict[str, Container]]:
    """All of both tables; KeepLastFailure and rules keep some of the first."""
    reaperd.rule("lasts", Service="lasts", KeepLast="1", Success="1h")
    reaperd.rule("long", Service="long", Success="infinity", Failure="infinity")
    reaperd.rule("floor", Service="floor", MinimumAge="3h")
    reaperd.rule("kept", Service="kept", Action="keep")
    reaperd.rule("failures", Service="f1 f2", Failure="1h")
    reaperd.rule("labels", Service="l2", Success="1h")
    reaperd.configure(**QUIET | {"Parallelism": 3, "MinimumAge": "1h", "KeepLastFailure": "1"})
    goes = {name: engine.add(**{"slot": n} | facts) for n, (name, (facts, _, _)) in enumerate(GOES.items(), 1)}
    stays = {name: engine.add(**{"slot": n} | facts) for n, (name, (facts, _)) in enumerate(STAYS.items(), 100)}
    return goes, stays


def kept(result: Result, verdict: str) -> bool:
    return not result.removed and result.verdict == verdict and result.words.startswith("kept: ")


def test_all_in_one_call(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    goes, stays = population(engine, reaperd)
    begin(reaperd, console)
    for name, c in goes.items():
        await_verdict(console, c, GOES[name][1])
    since = len(engine.requests)
    found = by_id(console.reap(*(c.id for c in [*stays.values(), *goes.values()])))
    assert set(found) == {c.id for c in [*goes.values(), *stays.values()]}
    assert {name: (found[c.id].removed, found[c.id].verdict, found[c.id].words) for name, c in goes.items()} \
        == {name: (True, verdict, "removed") for name, (_, _, verdict) in GOES.items()}
    assert [name for name, c in stays.items() if not kept(found[c.id], STAYS[name][1])] == [], found
    assert all(result.name == engine_name for result, engine_name in (
        (found[c.id], c.name) for c in [*goes.values(), *stays.values()]))
    assert set(engine.containers) == {c.id for c in stays.values()}
    assert not any(engine.asked("remove", c) for c in stays.values())
    for c in goes.values():         # a second look in front of each, whatever was known
        assert [r.route for r in engine.requests[since:] if r.ident == c.id] == ["inspect", "remove"]
    assert {r.query.get("v") for r in engine.asked("remove")} == {"1"}
    assert max(r.busy for r in engine.requests) <= 3
    words = found[stays["floor"].id].words
    assert "MinimumAge=1h" in words and "for another " in words
    assert {r.id: r.verdict for r in console.history()} == {c.id: GOES[name][2] for name, c in goes.items()}


def test_dry_run(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """The same verdicts, and nothing is asked of the engine. What an inspect could still change is said to be so."""
    goes, stays = population(engine, reaperd)
    for name in ("floor-found-by-inspect", "future", "removing"):
        stays.pop(name)     # as far as is known these would go
    begin(reaperd, console)
    for name, c in goes.items():
        await_verdict(console, c, GOES[name][1])
    before = len(engine.requests)
    found = by_id(console.reap(*(c.id for c in [*goes.values(), *stays.values()]), dry_run=True))
    assert len(engine.requests) == before
    exact = {row.id for row in console.list() if row.exact}
    assert {name: (found[c.id].removed, found[c.id].verdict) for name, c in goes.items()} \
        == {name: (True, verdict) for name, (_, _, verdict) in GOES.items()}
    for c in goes.values():
        assert found[c.id].words.startswith("would be removed")
        assert ("once an inspect confirms it" in found[c.id].words) is (c.id not in exact)
    assert [name for name, c in stays.items() if found[c.id].removed or found[c.id].verdict != STAYS[name][1]] == []
    assert {row.id: row.verdict for row in console.list(All=True)}.items() \
        >= {c.id: GOES[name][1] for name, c in goes.items()}.items()
    engine.witness()
    assert console.history() != [] and not any(engine.asked("remove", c) for c in goes.values())


def test_never_below_the_floor(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Asked for each tenth of a second from its end on; nobody's word is kept for later either."""
    begin(reaperd, console, **QUIET)
    ended = [engine.add(slot=n, state="running", age=0.0) for n in range(3)]
    for c in ended:
        engine.emit("create", c)
        engine.emit("start", c)
    until(lambda: all(console.verdict(c.id) == "running" for c in ended), "all three run")
    for c in ended:
        engine.end(c)
    asked_once, asked_often, never_asked = ended
    until(lambda: console.verdict(asked_once.id) == "too-young", "its end")
    assert kept(console.reap(asked_once.id)[0], "too-young")
    until(lambda: console.reap(asked_often.id)[0].removed or time.sleep(0.1), "its removal", 40)
    assert asked_often.finished
    request, = engine.asked("remove", asked_often)
    assert request.at - time.monotonic() + time.time() >= asked_often.finished / 1e9 + 10
    engine.witness()
    assert {asked_once.id, never_asked.id} == set(engine.containers)
    assert console.verdict(asked_once.id) == "retained"


def test_what_would_go_anyway(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """It keeps its own verdict, and the wait after a failure is not minded."""
    c = engine.add(removals=["500"])
    begin(reaperd, console, RetryInitial="1h", RetryMax="1h")
    engine.wait_asked("remove", 1, c)
    await_verdict(console, c, "retained")
    result, = console.reap(c.id)
    assert (result.removed, result.verdict, result.words) == (True, "ttl-expired", "removed")
    assert engine.story(c) == ["inspect", "remove"] * 2


@pytest.mark.parametrize("policy", ["auto-remove", "may-restart"])
def test_what_others_care_for(engine: Standin, reaperd: Reaperd, console: Console, policy: str) -> None:
    """Before they were looked at, and after."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Name="plain-*", Action="reap")
    c = engine.add_plain(auto_remove=policy == "auto-remove",
                         restart_policy="always" if policy == "may-restart" else "no")
    mine, stranger = engine.add_plain(), engine.add_plain(name="stranger")
    begin(reaperd, console, **QUIET)
    for _ in range(2):
        assert kept(console.reap(c.id)[0], policy)
    if console.find(stranger.id):
        assert kept(console.reap(stranger.id)[0], "out-of-scope")
    assert console.reap(mine.name) == [Result(mine.id, mine.name, True, "requested", "removed")]
    assert set(engine.containers) == {c.id, stranger.id}


def test_quarantined(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    c = engine.add(removals=["500"] * 2)
    begin(reaperd, console, QuarantineAfter=1)
    reaperd.wait_log("left alone")
    asked = engine.story(c)
    assert kept(console.reap(c.id)[0], "quarantined") and engine.story(c) == asked


@pytest.mark.parametrize("gate", ["engine-settling", "swarm-not-ready", "first-run", "surge-held",
                                  "engine-unreachable"])
def test_gates_of_the_node(engine: Standin, reaperd: Reaperd, console: Console, gate: str) -> None:
    """Named ones wait like all others; that is said at once, and nothing is done later for it."""
    settings: dict[str, str | int] = QUIET | {"SettleTime": "1h" if gate == "engine-settling" else "0"}
    if gate == "first-run":
        reaperd.state_directory()
    if gate == "swarm-not-ready":
        engine.swarm_state = "pending"
    made = [engine.add(slot=n) for n in range(2)]
    begin(reaperd, console, **settings)
    if gate == "surge-held":
        reaperd.reload(Success="1h", SurgeLimit=1)
    elif gate == "engine-unreachable":
        engine.stop()
    await_verdict(console, made[0], gate)
    for dry_run in (True, False):
        assert all(kept(result, gate) for result in console.reap(*(c.id for c in made), dry_run=dry_run))
    if gate == "engine-unreachable":
        engine.start()
        engine.witness()
    elif gate == "swarm-not-ready":
        engine.swarm_state = "active"
        engine.resync()
        engine.witness()
    assert not any(engine.asked("remove", c) for c in made)


def test_nobody_and_several(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """One that cannot be told is no reason to do half of it."""
    one, two = engine.add(slot=1), engine.add(slot=2)
    begin(reaperd, console, **QUIET)
    for dry_run in (False, True):
        for bad, name in (("f" * 64, "NoSuchContainer"), ("nobody", "NoSuchContainer"),
                          (one.id[:4], "AmbiguousContainer"), ("\x1b[2J%n", "NoSuchContainer")):
            for containers in ([one.id, bad], [bad, one.id], [bad]):
                error = console.error("Reap", "asb", containers, dry_run)
                assert error.name == FAILED + name and "\x1b" not in error.message
        assert console.error("Reap", "asb", [one.id, ""], dry_run).name in (INVALID, FAILED + "NoSuchContainer",
                                                                         FAILED + "AmbiguousContainer")
        assert console.error("Reap", "asb", [one.id] * 10_001, dry_run).name == FAILED + "TooMany"
        assert console.error("ReapService", "sb", "nobody", dry_run).name == FAILED + "NoSuchContainer"
    engine.witness()
    assert set(engine.containers) == {one.id, two.id} and not engine.asked("remove", one)


def test_named_in_each_way(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    made = [engine.add(slot=n) for n in range(3)]
    begin(reaperd, console, **QUIET)
    texts = [made[0].id, made[1].name, made[2].id[:12]]
    assert {r.id for r in console.reap(*texts) if r.removed} == {c.id for c in made}


def test_the_same_again_and_again(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    c = engine.add()
    begin(reaperd, console, **QUIET)
    found = console.reap(c.id, c.name, c.id[:12], c.id)
    assert set(found) == {Result(c.id, c.name, True, "requested", "removed")}
    assert engine.story(c) == ["inspect", "remove"] and len(console.history()) == 1
    assert console.error("Reap", "asb", [c.id], False).name == FAILED + "NoSuchContainer"


def test_service(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """All that have stopped of the tasks of exactly this service."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap")
    due = [engine.add(slot=n) for n in range(3)]
    keeps = engine.add(slot=9, asks={KEEP: "yes"})
    spared = [engine.add(slot=4, state="running"), engine.add(service="web2"), engine.add(service="we"),
              engine.add_plain(name="web", labels={"com.docker.swarm.service.name": "web"}),
              engine.add_plain(project="web")]
    begin(reaperd, console, **QUIET)
    found = by_id(console.reap_service("web", dry_run=True))
    assert {r.id for r in found.values() if r.removed} == {c.id for c in due} and not engine.asked("remove")
    found = by_id(console.reap_service("web"))
    assert {r.id for r in found.values() if r.removed} == {c.id for c in due}
    assert set(found) == {c.id for c in [*due, keeps]} and found[keeps.id].verdict == "kept-label"
    assert set(engine.containers) == {c.id for c in [*spared, keeps]}
    for name in ("", "w*", "WEB", "nobody"):
        assert console.error("ReapService", "sb", name, False).name in (FAILED + "NoSuchContainer", INVALID)


def test_dry_daemon(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """One that only says what it would do does no more when asked."""
    c = engine.add()
    begin(reaperd, console, "--dry-run", **QUIET)
    assert console.get("DryRun") is True
    for dry_run in (True, False):
        result, = console.reap(c.id, dry_run=dry_run)
        assert (result.removed, result.verdict) == (True, "requested")
        assert result.words.startswith("would be removed")
    assert not engine.asked("remove")


def test_many(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Answered when the last has been dealt with, and what else is asked for meanwhile is answered at once."""
    made = [engine.add(slot=n) for n in range(200)]
    gate = threading.Event()
    engine.fault("remove", made[50], hold=gate)
    begin(reaperd, console, **QUIET | {"Parallelism": 4})
    pending = console.start_reap(*(c.id for c in made))
    engine.wait(lambda: len(engine.containers) == 1, "all others", 60)
    assert console.verdict(made[50].id) == "requested" and not pending.done
    gate.set()
    assert [r.removed for r in results(pending)] == [True] * len(made)
    assert console.get("Removed") == len(made)
