# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: a new configuration that is good, bad, or comes at a bad moment.

One reaperd lives through all of it.  The stock is made once and is old enough
for anything when the first test begins; each reload lets one part of it go.
"""

from __future__ import annotations

import re
import time
from typing import Any, Iterator

import pytest

from bench import Bench
from cast import Cast
from lab import Reaper, RecordingProxy, until

DELAY = 8           # FirstRunDelay=, which a surge waits
LIMIT = 2           # SurgeLimit=
BASE: dict[str, Any] = {"Success": "1h", "Failure": "1h", "SurgeLimit": LIMIT,
                        "FirstRunDelay": f"{DELAY}s", "ResyncInterval": "1h"}
PLAIN = {"Rule plain": {"Kind": "other", "Name": "plain-*", "Action": "reap", "Success": "10s"}}


class Stage(Cast):
    """The stock, the one reaperd, and the rules that are in force."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        for name, replicas in (("few", 2), ("surge", 4), ("twice", 4), ("away", 2), ("moved", 2),
                               ("back", 2), ("stays", 1)):
            self.service(name, replicas=replicas)
        self.service("many", replicas=20)
        self.service("honest", labels={"org.reaperd.keep": "yes"})
        for number in (1, 2):
            self.container(f"plain-{number}")
        for name, count in (("few", 2), ("surge", 4), ("twice", 4), ("away", 2), ("moved", 2),
                            ("back", 2), ("stays", 1), ("many", 20), ("honest", 1)):
            self.await_ended(name, count, 60)
        until(lambda: bench.age(self.ids("many", "surge")) > 10.5, 15, "everything is old enough")
        self.settings = dict(BASE)
        self.reaper: Reaper = bench.reaper(settings=BASE).await_ready()

    def let_go(self, *services: str, **more: Any) -> dict[str, Any]:
        """The settings in force and a rule by which these services go at once."""
        rule = {"Service": " ".join(services), "Success": "10s"}
        self.settings = {**self.settings, **more, f"Rule {services[0]}": rule}
        return self.bench.settings(self.settings)

    def deletes(self, *names: str) -> list[float]:
        return [call.time for call in self.bench.history().calls
                if call.method == "DELETE" and call.container in self.ids(*names)]

    def new_lines(self, since: int) -> list[str]:
        return self.reaper.log[since:]


@pytest.fixture(scope="module")
def stage(bench: Bench) -> Iterator[Stage]:
    with bench.scenario():
        made = Stage(bench)
    yield made
    bench.stop_reapers()


def test_good_below_the_limit(bench: Bench, stage: Stage) -> None:
    """What a shorter span makes due goes at once; the service manager hears of both steps."""
    reload = stage.reaper.reload(stage.let_go("few"))
    bench.await_gone(stage.ids("few"), 5)
    assert stage.here("surge", "stays", "honest")
    told = [state for when, state in stage.reaper.states if when >= reload.sent]
    begun = told.index("RELOADING=1")
    assert begun < told.index("READY=1")
    clock = next(state for state in told[begun:] if state.startswith("MONOTONIC_USEC="))
    assert abs(int(clock.partition("=")[2]) / 1e6 - time.monotonic()) < 30
    assert stage.reaper.said("A new configuration holds")
    assert not stage.reaper.said("Held ")


def test_plain_containers_by_a_new_rule(bench: Bench, stage: Stage) -> None:
    """They are listed from now on, and those that are due go at once."""
    stage.settings |= PLAIN
    stage.reaper.reload(bench.settings(stage.settings))
    bench.await_gone(stage.ids("plain-1", "plain-2"), 6)


@pytest.mark.parametrize(("settings", "error"), [
    ({"Success": "soon"}, r"\[Retention\] Success: .*soon"),
    ({"Rule x": {"Servise": "web"}}, r"\[Rule x\].*Servise.*Service"),
    ({"MinimumAge": "1s", "KeepLast": "many"}, r"\[Retention\] (MinimumAge|KeepLast): "),
])
def test_bad_is_refused(bench: Bench, stage: Stage, settings: dict[str, Any], error: str) -> None:
    """Every fault is said, the old one holds, and it goes on working by it."""
    seen = len(stage.reaper.log)
    bad = {**bench.settings(stage.settings), "Rule all": {"Service": "stays", "Success": "10s"}, **settings}
    stage.reaper.reload(bad, good=False)
    lines = stage.new_lines(seen)
    assert any(re.search(rf"reaperd.conf:\d+: {error}", line) for line in lines), lines
    if len(settings) > 1:
        assert all(any(f" {key}: " in line for line in lines) for key in settings), lines
    assert any("refused" in line for line in lines) and stage.here("stays")


def test_old_configuration_goes_on_after_a_bad_one(bench: Bench, stage: Stage) -> None:
    """The rules that let `few` and the plain ones go still do, for the next of them."""
    bench.swarm.force_update(stage.services["few"])
    stage.container("plain-3")      # of such no event had told before the rule was there
    stage.await_ended("few", 4)
    stage.await_ended("plain-3")
    bench.await_gone(stage.ids("few", "plain-3"), 20)
    assert stage.here("stays")


def test_rule_taken_away_again(bench: Bench, stage: Stage) -> None:
    """A plain container that stopped while the rule was there is out of scope after it."""
    stage.container("plain-4")
    stage.await_ended("plain-4")
    del stage.settings["Rule plain"]
    stage.reaper.reload(bench.settings(stage.settings))
    assert stage.here("plain-4")    # and still in the end, see test_oracle


def test_surge(bench: Bench, stage: Stage) -> None:
    """More than SurgeLimit= at once: listed, held for FirstRunDelay=, then gone."""
    seen = len(stage.reaper.log)
    reload = stage.reaper.reload(stage.let_go("surge"))
    until(lambda: len([line for line in stage.new_lines(seen) if ": Held " in line]) >= 4, 5, "the list")
    held = {line.split()[2] for line in stage.new_lines(seen) if ": Held " in line}
    assert held == {ident[:12] for ident in stage.ids("surge")}
    assert all(line.endswith(": would go as ttl-expired") for line in stage.new_lines(seen)
               if ": Held " in line)
    bench.await_gone(stage.ids("surge"), DELAY + 6)
    assert min(stage.deletes("surge")) >= reload.sent + DELAY
    assert stage.here("stays", "honest")


def test_twice_in_a_row(bench: Bench, stage: Stage) -> None:
    """A second SIGHUP at once, and one while the surge is held, let nothing go earlier."""
    seen = len(stage.reaper.log)
    settings = stage.let_go("twice")
    first = stage.reaper.hang_up(settings)
    stage.reaper.reload(settings)
    first.done = stage.reaper.reloads[-1].done
    until(lambda: any(": Held " in line for line in stage.new_lines(seen)), 5, "the surge is held")
    listed = time.time()
    until(lambda: time.time() > listed + 3, 5, "some of the wait")
    stage.reaper.reload(settings)
    bench.await_gone(stage.ids("twice"), DELAY + 10)
    assert min(stage.deletes("twice")) >= first.sent + DELAY


def test_labels_no_longer_honoured(bench: Bench, stage: Stage) -> None:
    """What only its label kept goes; with the labels honoured again nothing else does."""
    stage.reaper.reload(stage.let_go("honest", Honor="no"))
    bench.await_gone(stage.ids("honest"), 6)
    stage.settings["Honor"] = "yes"
    stage.reaper.reload(bench.settings(stage.settings))
    assert stage.here("stays")


def test_while_the_engine_is_away(bench: Bench, stage: Stage) -> None:
    """READY comes at once; what is new holds from the first list on."""
    bench.proxy.cut()
    reload = stage.reaper.reload(stage.let_go("away"), timeout=3)
    assert reload.done - reload.sent < 2
    until(lambda: time.time() > reload.done + 1, 3, "a second without the engine")
    bench.proxy.mend()
    bench.await_gone(stage.ids("away"), 15)


def test_another_endpoint(bench: Bench, stage: Stage) -> None:
    """From then on it speaks to the second socket alone; and back again."""
    with RecordingProxy(str(bench.engine.dir / "second.sock"), bench.engine.socket) as second:
        bench.recorder.add_proxy(second)
        first = len(bench.proxy.snapshot())
        reload = stage.reaper.reload(stage.let_go("moved", Endpoint=f"unix://{second.path}"))
        bench.await_gone(stage.ids("moved"), 15)
        later = [call for call in bench.proxy.snapshot()[first:] if call.time > reload.done + 0.1]
        assert not later, "it still spoke to the former one"
        assert any(call.method == "DELETE" for call in second.snapshot())
        assert all(call.ended for call in bench.proxy.snapshot()), "the former stream is closed"
        del stage.settings["Endpoint"]
        before = len(second.snapshot())
        stage.reaper.reload(stage.let_go("back"))
        bench.await_gone(stage.ids("back"), 15)
        assert len(second.snapshot()) == before


def test_during_removals(bench: Bench, stage: Stage) -> None:
    """What is due by the old configuration and not by the new one stays from then on."""
    free = stage.let_go("many", Parallelism=1, SurgeLimit=0)
    stage.reaper.reload(free)
    until(lambda: len(stage.deletes("many")) >= 3, 10, "the first removals", poll=0.005)
    del stage.settings["Rule many"]
    reload = stage.reaper.reload(bench.settings(stage.settings))
    assert stage.here("stays") and stage.ids("many") & bench.ids(), "too fast for this test"
    until(lambda: time.time() > reload.done + 2, 4, "time enough for more")
    late = [when for when in stage.deletes("many") if when > reload.done + 0.05]
    assert not late, late
    assert stage.reaper.process.poll() is None


def test_oracle(bench: Bench, stage: Stage) -> None:
    """Over everything above: by the old one until the signal, by the new one after it."""
    until(lambda: bench.age(stage.ids("plain-4")) > 16, 20, "the age at which it would have gone")
    assert stage.reaper.stop() == 0
    removed = bench.judge().removed
    names = ("few", "surge", "twice", "away", "moved", "back", "honest", "plain-1", "plain-2", "plain-3")
    assert stage.ids(*names) <= removed and not removed & stage.ids("stays", "plain-4")
    refused = [line for line in stage.reaper.log if "configuration is refused" in line]
    held = [line for line in stage.reaper.log if "A new configuration holds" in line]
    assert len(refused) == 3 and len(held) >= 11
