# SPDX-License-Identifier: Apache-2.0
"""Reloads by which the engine is another one, or has to tell of more containers, or of fewer."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from daemon import Reaperd, until
from engine_model import TASK_LABEL
from standin import Standin


def unix(engine: Standin) -> str:
    return f"unix://{engine.addresses[0]}"


def no_stream(engine: Standin) -> None:
    """Wait until nobody listens to its events."""
    engine.wait(lambda: all(r.exchange.gone() for r in engine.requests if r.route == "events"), "the stream's end")


def test_another_engine(engine: Standin, other_engine: Standin, reaperd: Reaperd) -> None:
    """What one engine has told is forgotten with it."""
    here, there = engine.add(state="running"), other_engine.add()
    reaperd.begin(Parallelism=1)
    reaperd.reload(Endpoint=unix(other_engine))
    other_engine.wait_removed(there)
    no_stream(engine)
    before = len(engine.requests)
    engine.end(here, ago=7000.0)
    other_engine.witness()
    assert len(engine.requests) == before
    assert {r.ident for r in other_engine.requests} & set(engine.containers) == set()

    reaperd.reload(Endpoint=unix(engine))
    engine.wait_removed(here)
    assert reaperd.stop() == 0


def test_engine_that_settles_by_its_own_time(engine: Standin, other_engine: Standin, reaperd: Reaperd) -> None:
    engine.add()
    there = other_engine.add()
    reaperd.begin(SettleTime="1s")
    engine.wait_asked("remove")
    reaperd.reload(Endpoint=unix(other_engine))
    other_engine.wait_removed(there)
    assert other_engine.asked("inspect")[0].at - other_engine.requests[0].at >= 1


def test_engine_that_is_not_there(engine: Standin, reaperd: Reaperd) -> None:
    """No reason to refuse: it may come. Nor does it keep the next reload from being heard."""
    c = engine.add(state="running")
    reaperd.begin()
    reaperd.reload(Endpoint="unix:///nowhere/docker.sock")
    reaperd.wait_log("No connection to the engine at unix:///nowhere/docker.sock")
    no_stream(engine)
    engine.end(c, ago=7000.0)
    reaperd.reload(Endpoint=unix(engine))
    engine.wait_removed(c)


@pytest.mark.parametrize("there", [True, False], ids=["another", "absent"])
def test_delete_under_way_at_the_old_engine(engine: Standin, other_engine: Standin, reaperd: Reaperd,
                                            there: bool) -> None:
    """The old engine finishes it, and there is a record of every removal."""
    due = [engine.add(slot=n) for n in range(3)]
    gate = threading.Event()
    engine.fault("remove", times=None, hold=gate)
    reaperd.begin(Parallelism=2)
    engine.wait_asked("remove", 2)
    if there:
        other_engine.add(state="running")
    reaperd.reload(Endpoint=unix(other_engine) if there else "unix:///nowhere/docker.sock")
    gate.set()
    removed = [c for c in due if engine.asked("remove", c)]
    engine.wait_removed(*removed)
    for c in removed:
        reaperd.wait_log(rf"Removed {c.short} {c.name}: ttl-expired, ")
    if there:
        other_engine.witness()
    assert len(engine.asked("remove")) == 2 and len(engine.containers) == 1
    assert not {r.ident for r in other_engine.requests} & {c.id for c in due}
    assert reaperd.stop() == 0


@pytest.mark.parametrize("info", [200, 500])
def test_delete_that_the_old_engine_refuses(engine: Standin, other_engine: Standin, reaperd: Reaperd,
                                            info: int) -> None:
    """With another one still under way. It is no reason to ask the old engine anything more: nothing that it told
    would be about the engine that is to come, where what the reload makes due is a surge."""
    refused, silent = engine.add(slot=1), engine.add(slot=2)
    gate = threading.Event()
    engine.fault("remove", refused, hold=gate, status=409)
    engine.fault("remove", silent, hang=True)
    held = [other_engine.add(slot=n, ended=1800.0) for n in range(20)]
    reaperd.begin(Parallelism=2, RequestTimeout="3s", SurgeLimit=5, FirstRunDelay="1h")
    engine.wait_asked("remove", 2)
    if info != 200:
        engine.fault("info", times=None, status=info)
    before, ticks = len(engine.requests), reaperd.cpu_ticks()
    reaperd.reload(Endpoint=unix(other_engine), Success="20min")
    gate.set()
    engine.wait(lambda: engine.asked("remove", silent)[0].exchange.gone(), "the time-out")
    other_engine.wait_answered("list")
    assert engine.tally(before) == {}
    assert reaperd.cpu_ticks() - ticks < 60  # of 300 that three seconds have
    reaperd.wait_log("The new configuration makes 20 containers due at once")
    other_engine.witness()
    assert set(other_engine.containers) == {c.id for c in held} and engine.tally(before) == {}
    assert reaperd.stop() == 0


@pytest.mark.parametrize("outcome", ["hang", "stuck"])
def test_delete_that_the_old_engine_never_answers(engine: Standin, other_engine: Standin, reaperd: Reaperd,
                                                  outcome: str) -> None:
    """The other engine is not asked about it: that it does not know such a container proves nothing."""
    c = engine.add(removals=[outcome])
    reaperd.begin(RequestTimeout="1s", Parallelism=1)
    engine.wait_asked("remove")
    reaperd.reload(Endpoint=unix(other_engine))
    other_engine.wait_answered("list")
    engine.wait(lambda: engine.asked("remove")[0].exchange.gone(), "the time-out")
    other_engine.witness()
    assert not other_engine.asked("inspect", c) and not other_engine.asked("remove", c)
    assert outcome == "hang" or reaperd.count(f"Removed {c.short}") == 0
    assert reaperd.stop() == 0


def test_inspect_under_way_at_the_old_engine(engine: Standin, other_engine: Standin, reaperd: Reaperd) -> None:
    c = engine.add()
    gate = threading.Event()
    engine.fault("inspect", hold=gate)
    reaperd.begin(Parallelism=1)
    engine.wait_asked("inspect")
    reaperd.reload(Endpoint=unix(other_engine))
    other_engine.wait_answered("list")
    gate.set()
    other_engine.witness()
    assert c.id in engine.containers and not engine.asked("remove")
    assert not other_engine.asked("inspect", c)


def test_endpoint_while_connecting(engine: Standin, other_engine: Standin, reaperd: Reaperd) -> None:
    there = other_engine.add()
    engine.fault("any", times=None, hang=True)
    reaperd.start()
    engine.wait_asked("version")
    reaperd.reload(Endpoint=unix(other_engine))
    other_engine.wait_removed(there)


# Which containers the engine has to tell of.

def narrow(engine: Standin) -> bool:
    return engine.asked("events")[-1].filters.get("label") == [TASK_LABEL]


def test_rule_for_others_comes_and_goes(engine: Standin, reaperd: Reaperd) -> None:
    """The subscription and the lists follow it, and what is out of scope again is forgotten."""
    engine.others_may_go = True
    old, live = engine.add_plain(), engine.add_plain(state="running")
    reaperd.begin(Parallelism=1)
    assert narrow(engine) and not engine.asked("others")
    engine.emit("die", old, old.finished, exitCode="0")

    reaperd.rule("others", Kind="other", Action="reap")
    reaperd.reload()
    engine.wait_removed(old)
    assert not narrow(engine)
    stream, lists = engine.asked("events")[-1], [engine.asked(route)[-1] for route in ("list", "others")]
    assert stream.headed and stream.headed <= min(r.at for r in lists)
    new = engine.add_plain()
    engine.tell_end(new)
    engine.wait_removed(new)
    assert len(engine.asked("others")) == 1

    streams = len(engine.asked("events"))
    told = len(reaperd.notified())
    reaperd.rules.clear()
    reaperd.reload()
    engine.wait_asked("events", streams + 1)
    assert narrow(engine)
    engine.end(live, ago=7000.0)
    engine.witness()
    reaperd.wait_notified("STATUS=Tracking 0 containers", since=told)
    assert live.id in engine.containers and not engine.asked("inspect", live)
    assert len(engine.asked("others")) == 1


@pytest.mark.parametrize("rule", [{"Kind": "other", "Success": "0"}, {"Action": "reap"},
                                  {"Kind": "any", "Action": "keep", "Name": "plain*"}], ids=str)
def test_rules_that_let_no_other_in(engine: Standin, reaperd: Reaperd, rule: dict[str, str]) -> None:
    plain = engine.add_plain()
    reaperd.rule("a rule", **rule)
    reaperd.begin(Parallelism=1)
    engine.witness()
    assert narrow(engine) and not engine.asked("others") and not engine.asked("inspect", plain)


@pytest.mark.parametrize("phase", ["inspect", "remove"])
def test_rule_goes_while_another_is_under_way(engine: Standin, reaperd: Reaperd, phase: str) -> None:
    """An inspect ends in nothing; a DELETE that was sent is recorded."""
    engine.others_may_go = True
    plain = engine.add_plain()
    gate = threading.Event()
    engine.fault(phase, hold=gate)
    reaperd.rule("others", Kind="any", Action="reap")
    reaperd.begin(Parallelism=1)
    engine.wait_asked(phase)
    reaperd.rules.clear()
    reaperd.reload()
    engine.wait(lambda: len(engine.asked("list")) == 2, "the list behind the reload")
    gate.set()
    engine.witness()
    assert (plain.id in engine.containers) is (phase == "inspect")
    assert reaperd.count(f"Removed {plain.short} {plain.name}: ttl-expired") == (phase == "remove")
    assert reaperd.stop() == 0


@pytest.mark.parametrize("how", [{"hang": True}, {"cut": 1}, {"status": 500}], ids=["hangs", "cut", "500"])
def test_list_of_others_fails(engine: Standin, reaperd: Reaperd, how: dict[str, Any]) -> None:
    """Half of what there is is no basis: nothing goes until both lists are whole."""
    engine.others_may_go = True
    task, plain = engine.add(), engine.add_plain()
    reaperd.rule("others", Kind="other", Action="reap")
    started_at = engine.fault("others", **how)
    reaperd.start(RequestTimeout="1s")
    engine.wait_removed(task, plain)
    assert started_at.times == 0 and len(engine.asked("others")) == 2
    assert min(r.at for r in engine.asked("remove")) >= (engine.asked("others")[1].headed or 0)


def test_subscription_fails_when_it_widens(engine: Standin, reaperd: Reaperd) -> None:
    engine.others_may_go = True
    plain = engine.add_plain()
    reaperd.begin()
    engine.fault("events", status=500)
    reaperd.rule("others", Kind="other", Action="reap")
    reaperd.reload()
    engine.wait_removed(plain)
    assert not narrow(engine)
    headed = engine.asked("events")[-1].headed
    assert headed and engine.asked("inspect", plain)[0].at >= headed


def test_dry_run(engine: Standin, reaperd: Reaperd) -> None:
    """A would-be removal is said once, whatever is reloaded; what becomes due with it is said too."""
    first, second = engine.add(slot=1), engine.add(slot=2, ended=2000.0)
    reaperd.start("--dry-run")
    reaperd.wait_log(f"Would remove {first.short}")
    reaperd.reload(Success="30min")
    reaperd.wait_log(f"Would remove {second.short}")
    lists = len(engine.asked("list"))
    reaperd.reload()
    engine.wait_answered("list", lists + 1)
    until(lambda: len(engine.asked("list")) > lists, "a list")
    assert reaperd.stop() == 0
    assert reaperd.count("Would remove") == 2 and not engine.asked("remove")
