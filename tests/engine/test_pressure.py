# SPDX-License-Identifier: Apache-2.0
"""Memory pressure on a real engine: what goes, in which order, what stays, and when it ends.

Three runs of reaperd on one engine.  In the first, memory gets short and is
there again; in the second, removal cannot help; in the third, tasks stall for
want of memory and the level is only elevated.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from bench import Bench
from cast import Cast
from history import Record
from journal import Journal
from lab import until
from lab.hog import MB, MemoryCgroup, Thrasher, stalled
from squeeze import PRESSED, Squeeze

WEIGHTS = {"w-200": 200, "w-50": 50, "w-5": 5}
LAST = 20               # MB, of the service that KeepLast= keeps
HEAVY = 80              # MB, of each that would go early if it were not kept
KEPT = ("label", "rule", "failed")
RULES: dict[str, Any] = {
    "KeepLastFailure": 1,
    "Rule kept": {"Kind": "any", "Name": "rule later-*", "Action": "keep"},
    "Rule last": {"Service": "last-*", "KeepLast": "1"},
    "Rule plain": {"Kind": "other", "Action": "reap"},
}
LATER = 6               # containers for the second run
ROUNDS = 4              # at most, of the first run while others take what it is about
CHANGES = ("MEMORY_FREE", "MEMORY_AVAILABLE", "CACHED", "SLAB", "DYING_CGROUPS", "DISK_USED", "INODES_USED")


def writes(megabytes: int, then: str = "true") -> list[str]:
    return ["sh", "-c", f"dd if=/dev/zero of=/file bs=1M count={megabytes} 2>/dev/null; {then}"]


def caches_emptied() -> int:
    """How often anybody has made the kernel drop its page cache."""
    return next(int(line.split()[1]) for line in Path("/proc/vmstat").read_text().splitlines()
                if line.startswith("drop_pagecache "))


def of_batches(records: list[Record]) -> list[Record]:
    return [record for record in records if "REAPERD_REMOVED" in record.fields]


def levels(records: list[Record]) -> list[tuple[str, float]]:
    return [(record.fields["REAPERD_PRESSURE_LEVEL"], record.time) for record in records
            if record.fields["MESSAGE"].startswith("Pressure is ")]


class Stage(Cast):
    """The containers of all runs, and the journal of reaperd."""

    def __init__(self, bench: Bench, journal: Journal) -> None:
        super().__init__(bench)
        self.journal = journal

    def begin(self, settings: dict[str, Any]) -> None:
        self.reaper = self.bench.reaper(settings=settings, journal=self.journal).await_ready()

    def records(self) -> list[Record]:
        """What the last run has said so far."""
        return self.bench.history().runs[-1].records

    def said(self, start: str, count: int = 1, timeout: float = 20.0) -> list[Record]:
        """Wait for so many records whose text begins so."""
        def found() -> list[Record]:
            those = [each for each in self.records() if each.fields["MESSAGE"].startswith(start)]
            return those if len(those) >= count else []

        return until(found, timeout, f"{count} of {start!r}")

    def of(self, *names: str) -> list[Record]:
        """The records of their removals, in order."""
        ids = self.ids(*names)
        return [each for each in self.records() if each.is_removal and each.fields["CONTAINER_ID_FULL"] in ids]

    def asked(self, name: str) -> int:
        return len([call for call in self.bench.proxy.snapshot()
                    if call.is_inspect and call.container in self.ids(name)])

    def rest(self, seconds: float) -> None:
        """Time in which something could happen that must not."""
        end = time.time() + seconds
        until(lambda: time.time() >= end, seconds + 5, "the end of a pause")


class Shortage(Stage):
    """The first run: memory is short, comes back, and everything is on record."""

    rounds = 0

    def run(self) -> None:
        for n in range(LATER):
            self.container(f"later-{n}")
        self.container("running", writes(HEAVY, "sleep 1000"))
        self.container("created", start=False)
        self.service("again", restart="any", delay=1000.0)
        self.container("label", writes(HEAVY), labels={"org.reaperd.keep": "yes"})
        self.container("rule", writes(HEAVY))
        self.container("older", ["sh", "-c", "exit 3"])
        self.container("failed", writes(HEAVY, "exit 3"))       # the newest failure of its image
        with Squeeze() as squeeze:
            self.begin({**squeeze.settings, **RULES})
            self.weigh(squeeze)
            while self.disturbed() and self.rounds < ROUNDS:
                self.weigh(squeeze)
            self.stays = self.bench.ids()
            self.rest(5.0)
        assert self.reaper.stop() == 0

    def weigh(self, squeeze: Squeeze) -> None:
        """Containers of each weight, a shortage until all of them have gone, and its end."""
        self.rounds += 1
        self.emptied, self.begun = caches_emptied(), time.time()
        self.last, self.young = f"last-{self.rounds}", f"young-{self.rounds}"
        self.rests = [f"rest-{self.rounds}-{n}" for n in range(4)]
        for name, megabytes in WEIGHTS.items():
            self.container(name, writes(megabytes))
        for name in self.rests:
            self.container(name)
        self.service(self.last, writes(LAST))
        going = [*WEIGHTS, *self.rests, self.last]
        for name in [*going, *KEPT]:
            self.await_ended(name)
        until(lambda: all(self.asked(name) for name in going), 30, "each looked at when it is old enough")
        self.rest(1.0)
        self.inspects = {name: self.asked(name) for name in going}
        self.container(self.young, writes(HEAVY))
        self.await_ended(self.young)
        told = len(levels(self.records()))
        squeeze.begin()
        self.bench.await_gone(self.ids(*WEIGHTS), 40)
        squeeze.release()
        until(lambda: len(levels(self.records())) == told + 2, 20, "the end of it")
        until(lambda: len(self.batches()) == len(self.against()), 20, "the record of the last batch")

    def against(self) -> list[Record]:
        """The records of removals against pressure, of the last round."""
        return [each for each in self.records() if each.is_removal and each.time > self.begun
                and each.fields["REAPERD_VERDICT"] == "pressure"]

    def batches(self) -> list[Record]:
        """The records of batches of one, likewise."""
        return [each for each in of_batches(self.records()) if each.time > self.begun]

    def drop(self, name: str) -> tuple[int, int]:
        """What the engine's page cache lost by a removal, and what it changed by shortly before and after."""
        history = self.bench.history()
        call, = [each for each in history.calls if each.method == "DELETE" and each.container in self.ids(name)]
        assert call.ended is not None

        def at(when: float) -> int:
            cached = [sample for sample in history.samples if sample.time <= when][-1].cached
            assert cached is not None, "its cgroup is there while it runs containers"
            return cached

        before, after = at(call.time), at(call.ended + 0.15)
        noise = abs(at(call.time - 0.2) - before) + abs(at(call.ended + 0.35) - after)
        return before - after, noise

    def disturbed(self) -> bool:
        """Has somebody else emptied the page cache, or the kernel taken of this engine's?

        Some machines take cold pages while memory is free (DAMON).  When they do it before a removal, that gives
        back less than was written.
        """
        def taken(name: str, written: int) -> bool:
            dropped, noise = self.drop(name)
            return noise > max(0.05 * written, MB) or abs(dropped - written) > max(0.1 * written, 2 * MB)

        return self.emptied != caches_emptied() or any(taken(name, megabytes * MB)
                                                       for name, megabytes in WEIGHTS.items())


@pytest.fixture(scope="module")
def shortage(bench: Bench, journal: Journal) -> Shortage:
    made = Shortage(bench, journal)
    with bench.scenario():
        made.run()
    return made


@pytest.fixture(autouse=True)
def alone(bench: Bench, shortage: Shortage) -> Iterator[None]:
    """No run outlives its test, also when that fails."""
    yield
    bench.stop_reapers()


def test_each_is_looked_at_once_when_calm(shortage: Shortage) -> None:
    assert set(shortage.inspects.values()) == {1}, shortage.inspects


@pytest.mark.parametrize("name", WEIGHTS)
def test_held_is_what_removal_gives_back(shortage: Shortage, name: str) -> None:
    """Within 10 % or 2 MB: of what was written, and of what the page cache lost, where both were the same."""
    record, = shortage.of(name)
    held, written = int(record.fields["REAPERD_HELD_BYTES"]), WEIGHTS[name] * MB
    dropped, noise = shortage.drop(name)
    assert not shortage.disturbed(), f"others take from the page cache: {dropped} of {written} left, noise {noise}"
    for other in (written, dropped):
        assert abs(held - other) <= max(0.1 * other, 2 * MB), (held, written, dropped)
    assert int(record.fields["REAPERD_HELD_DIRTY_BYTES"]) <= held
    assert abs(int(record.fields["REAPERD_HELD_DISK_BYTES"]) - written) <= 2 * MB
    assert int(record.fields["REAPERD_HELD_INODES"]) >= 2, "its layer's folder and the file"
    assert ", held " in record.fields["MESSAGE"]


def test_the_largest_goes_first(shortage: Shortage) -> None:
    batch = [each for each in shortage.against() if each.fields["REAPERD_SETTING"] == "MemoryAvailableLow"]
    order = [shortage.name_of(each.fields["CONTAINER_ID_FULL"]) for each in batch]
    assert [name for name in order if name in WEIGHTS] == list(WEIGHTS)
    assert order.index("w-50") < order.index(shortage.last) < order.index("w-5")
    assert "rest" not in "".join(order[:order.index("w-5")])


def test_what_may_not_go_stays(shortage: Shortage) -> None:
    """What runs, is kept or was never started, although it holds more than what went."""
    assert shortage.ids("running", "created", *KEPT) <= shortage.stays
    waiting = {each.state for each in shortage.looks("again") if each.finished == 0}
    assert waiting == {"created"}, "the next task of a service whose restart is delayed"


def test_keep_last_does_not_hold(shortage: Shortage) -> None:
    record, = shortage.of(shortage.last)
    assert record.fields["REAPERD_VERDICT"] == "pressure"


def test_nothing_goes_once_it_is_over(shortage: Shortage) -> None:
    """The level is told of, and what is left of those that could go is left."""
    told = levels(shortage.records())
    assert [name for name, _ in told] == ["critical", "normal"] * shortage.rounds
    assert shortage.stays <= shortage.bench.ids() and shortage.ids(*shortage.rests) & shortage.stays
    critical = next(each for each in shortage.records() if each.time == told[0][1])
    assert critical.fields["REAPERD_SETTING"] == "MemoryAvailableLow"
    assert critical.fields["REAPERD_PRESSURE_CAUSE"] == "memory-available"
    assert float(critical.fields["REAPERD_PRESSURE_PERCENT"]) < 100 and critical.fields["PRIORITY"] == "5"
    assert any("; pressure critical (memory-available " in state for _, state in shortage.reaper.states)


def test_a_batch_tells_what_it_did(shortage: Shortage) -> None:
    """One record each, with what was held and every change; cgroups that were dying are gone."""
    batches = shortage.batches()
    assert len(batches) == len(shortage.against())
    for record in batches:
        assert record.fields["REAPERD_REMOVED"] == "1" and record.fields["PRIORITY"] == "6"
        assert {f"REAPERD_CHANGE_{name}" for name in CHANGES} <= record.fields.keys()
        # With MinimumReclaim=0 everything helps that does not make it worse.
        assert record.fields["REAPERD_HELPED"] == str(int(int(record.fields["REAPERD_IMPROVEMENT"]) >= 0))
    heavy = [int(record.fields["REAPERD_CHANGE_DYING_CGROUPS"]) for record in batches
             if int(record.fields["REAPERD_HELD_BYTES"]) > 4 * MB]
    assert len(heavy) >= len(WEIGHTS) and min(heavy) < 0, heavy


def test_ages_at_removal(shortage: Shortage) -> None:
    """From Pressure.MinimumAge= on, and no time before it."""
    assert min(int(each.fields["REAPERD_AGE_USEC"]) for each in shortage.against()) >= 10 * 10**6


def test_the_oracle_has_nothing_to_say(shortage: Shortage) -> None:
    went = {each.fields["CONTAINER_ID_FULL"] for each in shortage.against()}
    assert went <= shortage.bench.judge().removed and len(went) > len(WEIGHTS)


# -- when it does not help --------------------------------------------------------------------


def test_gives_up(bench: Bench, shortage: Shortage) -> None:
    """Two batches in vain, a warning that names who has the memory; later the same again."""
    names = [f"later-{n}" for n in range(LATER)]

    def left() -> int:
        return len(shortage.ids(*names) & bench.ids())

    rules = {"Rule later": {"Kind": "other", "Name": "later-*", "Action": "reap"}}
    with MemoryCgroup() as cgroup, Squeeze() as squeeze:
        squeeze.begin(cgroup)
        shortage.begin({**squeeze.settings, **rules, "Pressure.MinimumReclaim": "100G",
                        "Pressure.GiveUpAfter": 2, "Pressure.GiveUpFor": "5s", "Pressure.CoolDown": "1s"})
        first, = shortage.said("Removing containers does not help")
        assert left() == LATER - 2
        assert re.search(rf"(^|, )[0-9.]+G {cgroup.name}(,|$)", first.fields["REAPERD_TOP_USERS"])
        assert f"G {cgroup.name}" in first.fields["MESSAGE"] and first.fields["PRIORITY"] == "4"
        assert (first.fields["REAPERD_PRESSURE_CAUSE"], first.fields["REAPERD_BATCHES"],
                first.fields["REAPERD_WAIT_USEC"]) == ("memory-available", "2", "5000000")
        shortage.rest(4.0)
        assert left() == LATER - 2
        assert any("; pressure given up" in state for _, state in shortage.reaper.states)
        shortage.said("Removing containers does not help", 2)
        assert left() == LATER - 4
    assert shortage.reaper.stop() == 0
    for record in of_batches(shortage.records()):
        assert record.fields["REAPERD_HELPED"] == "0"
    bench.judge()
    ids = {record.fields["MESSAGE_ID"] for record in shortage.records()
           if any(key.startswith("REAPERD_PRESSURE") for key in record.fields)}
    assert len(ids) == 3, "levels, batches and giving up have ids of their own"


# -- the elevated level -----------------------------------------------------------------------


def test_elevated(bench: Bench, shortage: Shortage) -> None:
    """Spans shrink while tasks stall, and for 10 s after that; what runs or is kept stays."""
    def ended(name: str, *command: str) -> None:
        shortage.container(name, command or ("true",))
        shortage.await_ended(name)

    for n in range(3):
        ended(f"quick-{n}")
    ended("fails", "sh", "-c", "exit 3")
    settings = {**PRESSED, **RULES, "Success": "150s", "Failure": "infinity", "KeepLastFailure": 0,
                "Pressure.Enabled": "yes", "Pressure.MemoryAvailableLow": "off",
                "Pressure.Stall": "some 100ms/2s", "Pressure.ElevatedFactor": "10%",
                "Rule infinite": {"Kind": "other", "Name": "fails older failed", "Action": "reap"}}
    shortage.begin(settings)
    quick = shortage.ids(*(f"quick-{n}" for n in range(3)))
    stalls = stalled()
    until(lambda: bench.age(quick) > 16, 20, "older than the shrunken span")
    assert quick <= bench.ids() or stalled() - stalls > 50_000, "nobody else made the machine stall"
    with Thrasher(bench.engine.dir) as thrasher:
        record, = shortage.said("Pressure is elevated", timeout=30)
        assert record.fields["REAPERD_PRESSURE_LEVEL"] == "elevated" and record.fields["PRIORITY"] == "6"
        bench.await_gone(quick, 10)
        ended("late")
        thrasher.release()
    over, = shortage.said("Pressure is over", timeout=30)
    samples = bench.history().samples
    last = max(b.time for a, b in zip(samples, samples[40:]) if (b.some or 0) - (a.some or 0) > 100_000)
    assert abs(over.time - last - 10) < 4, (over.time, last)
    late, = shortage.looks("late")
    until(lambda: bench.age(shortage.ids("late")) > 18, 20, "what would have been too old meanwhile")
    assert shortage.here("fails", "running", "created", "label", "rule")
    assert shortage.here("late") or over.time > late.finished + 15
    assert shortage.reaper.stop() == 0
    for record in shortage.of(*(f"quick-{n}" for n in range(3))):
        assert (record.fields["REAPERD_VERDICT"], record.fields["REAPERD_SETTING"]) == (
            "pressure", "ElevatedFactor")
    assert not of_batches(shortage.records())
    bench.judge()
