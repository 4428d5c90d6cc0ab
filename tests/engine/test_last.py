# SPDX-License-Identifier: Apache-2.0
"""KeepLast=, KeepLastFailure=, KeepLastFor= on every kind of slot; then MaxStopped=.

Both parts share an engine.  In the first, services run several times over and
the newest of each slot stay; in the second a crowd that a rule had kept until
then is too many.
"""

from __future__ import annotations

import re
import time
from typing import Any, Iterator

import pytest

from bench import Bench
from cast import Cast
from lab import until

FAILS = ["sh", "-c", "exit 3"]
SPANS = {"Success": "11s", "Failure": "12s", "KeepLastFailure": 1}
CROWD = {"big": 8, "small": 4, "broken": 2, "due": 2}
LAST: dict[str, Any] = {
    **SPANS,
    "Rule crowd": {"Service": " ".join(CROWD), "Action": "keep"},
    "Rule one": {"Service": "rep everywhere job", "KeepLast": "1"},
    "Rule short": {"Service": "short", "KeepLast": "infinity", "KeepLastFor": "15s"},
    "Rule none": {"Service": "unkept", "KeepLastFailure": "0"},
    "Rule plain": {"Kind": "other", "Name": "plain-*", "Action": "reap", "KeepLast": "1"},
}
COMPOSE = {"com.docker.compose.project": "shop", "com.docker.compose.service": "db"}
RUNS = 3        # times that each service runs


@pytest.fixture(autouse=True)
def alone(bench: Bench) -> Iterator[None]:
    """No run outlives its test, also when that fails."""
    yield
    bench.stop_reapers()


class Runs(Cast):
    """Services that have run three times, one end a second or so after the other."""

    def run(self) -> None:
        swarm = self.bench.swarm
        self.service("rep", replicas=2)
        self.service("everywhere", mode="global")
        self.service("job", mode="replicated-job", replicas=3)
        self.service("labelled", labels={"org.reaperd.keep-last": "2"})
        self.service("failing", FAILS)
        self.service("mended", FAILS)
        self.service("unkept", FAILS)
        self.service("short")
        self.service("kept", labels={"org.reaperd.keep": "yes"})
        self.await_ended("job", 3)
        for turn in range(1, RUNS):
            for name, count in (("rep", 2), ("everywhere", 1), ("labelled", 1), ("failing", 1),
                                ("mended", 1)):
                self.await_ended(name, turn * count)
            for name in ("rep", "everywhere", "labelled", "failing"):
                swarm.force_update(self.services[name])
            swarm.update(self.services["mended"], succeed)
            for labels in ({}, COMPOSE):
                name = f"plain-{turn}{'c' if labels else ''}"
                self.container(name, labels=labels)
                self.await_ended(name)
        for name, count in (("rep", 2), ("everywhere", 1), ("labelled", 1), ("failing", 1)):
            self.await_ended(name, RUNS * count)
        for name in ("mended", "unkept", "short", "kept"):
            self.await_ended(name, RUNS if name == "mended" else 1)
        for name, count in CROWD.items():
            self.service(name, FAILS if name == "broken" else ["true"],
                         replicas=count // 2 if name == "big" else count)
        for name, count in CROWD.items():
            self.await_ended(name, count // 2 if name == "big" else count)
        # The big one comes in two halves, far enough apart to tell which is older.
        self.older_half = self.ids("big")
        until(lambda: self.bench.age(self.older_half) > 2.5, 5, "some time between the halves")
        swarm.force_update(self.services["big"])
        self.await_ended("big", CROWD["big"])

    def series(self) -> set[str]:
        """All but the crowd."""
        return self.ids(*(self.services.keys() - CROWD.keys()), *self.plain)


def succeed(spec: dict[str, Any]) -> None:
    spec["TaskTemplate"]["ContainerSpec"]["Command"] = ["true"]
    spec["TaskTemplate"]["ForceUpdate"] = spec["TaskTemplate"].get("ForceUpdate", 0) + 1


def by_slot(runs: Runs, name: str) -> dict[str, list[str]]:
    """The ids of a service by slot, the oldest end first."""
    looks = runs.bench.recorder.history.looks
    slots: dict[str, list[str]] = {}
    for ident in sorted(runs.ids(name), key=lambda each: looks[each][-1].finished):
        slots.setdefault(looks[ident][-1].name.rpartition(".")[0], []).append(ident)
    return slots


@pytest.fixture(scope="module")
def runs(bench: Bench) -> Runs:
    made = Runs(bench)
    with bench.scenario():
        made.run()
    return made


def test_the_newest_of_each_slot_stay(bench: Bench, runs: Runs) -> None:
    reaper = bench.reaper(settings=LAST).await_ready()
    looks = bench.recorder.history.looks
    staying = (runs.newest("everywhere") | runs.ids("job", "kept") | runs.newest("labelled", 2)
                  | runs.newest("failing") | runs.ids("plain-2", "plain-2c"))
    for slot in by_slot(runs, "rep").values():
        staying.add(slot[-1])
    # Of the one that was mended the failure is kept, although it is the oldest.
    failed, = [ident for ident in runs.ids("mended") if looks[ident][-1].exit_code]
    staying.add(failed)
    going = runs.series() - staying
    assert len(by_slot(runs, "rep")) == 2 and len(by_slot(runs, "everywhere")) == 1
    assert len(by_slot(runs, "job")) == 3, "each task of a job has a slot of its own"
    bench.await_gone(going, 40)
    until(lambda: bench.age(runs.series()) > 21, 40, "longer than any span")
    assert staying <= bench.ids()
    assert reaper.stop() == 0
    assert bench.judge().removed == going
    records = reaper.said("Removed ")
    assert len(records) == len(going) and all(": ttl-expired, " in line for line in records)


def test_a_newer_one_lets_the_older_go(bench: Bench, runs: Runs) -> None:
    """The one that was kept goes when the next of its slot stops, not before."""
    reaper = bench.reaper(settings=LAST).await_ready()
    former = runs.newest("everywhere") | runs.newest("failing")
    older = [slot[-1] for slot in by_slot(runs, "rep").values()]
    for name in ("rep", "everywhere", "failing"):
        bench.swarm.force_update(runs.services[name])
        runs.await_ended(name, (RUNS + 1) * (2 if name == "rep" else 1))
    bench.await_gone(former | set(older), 20)
    assert runs.newest("everywhere") | runs.newest("failing") <= bench.ids()
    assert reaper.stop() == 0
    bench.judge()


def test_once_keeps_the_last_too(bench: Bench, runs: Runs) -> None:
    before = bench.ids()
    assert bench.once(settings=LAST).process.returncode == 0
    assert bench.ids() == before
    bench.judge()


def test_max_stopped(bench: Bench, runs: Runs) -> None:
    """Of two services the one with most gives most; what is kept for good counts and is spared."""
    # Plain containers that a rule keeps are out of scope, so they do not count.
    spared = bench.ids() & runs.series() - runs.ids(*runs.plain)
    others = " ".join(f"!{name}" for name in [*CROWD, "next"])
    settings = {"Success": "1h", "Failure": "1h", "KeepLastFailure": 1, "KeepLast": 1,
                "Rule kept": {"Kind": "task", "Service": others, "Action": "keep"},
                "Rule plain": {"Kind": "other", "Name": "plain-*", "Action": "keep"},
                "Rule due": {"Service": "due", "Success": "12s", "KeepLast": "0"}}
    most = len(spared) + 7
    until(lambda: bench.age(runs.ids(*CROWD)) > 12.5, 20, "two are due, and none is too young")
    reaper = bench.reaper(settings={**settings, "MaxStopped": most}).await_ready()

    def left(*names: str) -> int:
        return len(runs.ids(*names) & bench.ids())

    until(lambda: left(*CROWD) <= 7, 10, "no more than allowed")
    now = time.time()
    until(lambda: time.time() > now + 3, 5, "time enough for more")
    # 16 less the 2 that are due anyway less 7: the 8 of the big one come down to the small
    # one's 4, then both.
    assert left(*CROWD) == 7 and left("broken") == 2 and left("due") == 0
    assert left("big") + left("small") == 5 and min(left("big"), left("small")) == 2
    assert not runs.older_half & bench.ids(), "the oldest go first"
    over = [line for line in reaper.said("Removed ") if ": over-cap, age " in line]
    assert len(over) == 7 and len(reaper.said("Removed ")) == 9
    assert {re.split(r"[ .]", line)[3] for line in over} == {"big", "small"}
    runs.service("next", replicas=3)        # and when more stop, more go
    runs.await_ended("next", 3)
    until(lambda: left(*CROWD, "next") == 7, 25, "no more than allowed again")
    reaper.reload(bench.settings({**settings, "MaxStopped": 0}))
    until(lambda: left(*CROWD, "next") == 2, 25, "all that may go has gone")
    assert left("broken") == 2 and spared <= bench.ids()
    assert reaper.stop() == 0
    bench.judge()
