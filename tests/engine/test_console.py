# SPDX-License-Identifier: Apache-2.0
"""The console on a real engine with a real Swarm: what it tells is so, what it is asked for is done, and no
task notices.

One reaperd lives through most of it, on a bus of its own; then the engine is
restarted in a pause, and reaperd with it, as systemd would.
"""

from __future__ import annotations

import time
from typing import Any, Iterator

import pytest

from bench import Bench
from caller import Caller
from cast import Cast
from lab import Reaper, until
from lab.bus import Bus
from lab.console import FAILED, Removal, Row

FAILS = ["sh", "-c", "exit 3"]
STOCK = {"web": 3, "batch": 2, "broken": 1, "honest": 1, "shielded": 1, "crowd": 4, "due": 2, "calm": 2}
SETTINGS: dict[str, Any] = {
    "Success": "1h", "Failure": "1h", "OOMKilled": "1h", "Shutdown": "1h", "ResyncInterval": "1h", "KeepLastFailure": 1,
    "Rule broken": {"Service": "broken", "Failure": "2h", "KeepLastFailure": "0"},
    "Rule shielded": {"Service": "shielded", "Action": "keep"},
}


class Stage(Cast):
    def __init__(self, bench: Bench, bus: Bus) -> None:
        super().__init__(bench)
        self.bus = bus
        self.state = bench.engine.dir / "state"
        self.state.mkdir()
        (self.state / "first-run-done").touch()
        for name, count in STOCK.items():
            command = FAILS if name in ("broken", "crowd") else ["true"]
            self.service(name, command, replicas=count, mode="replicated-job" if name == "batch" else "replicated",
                         labels={"org.reaperd.keep": "yes"} if name == "honest" else {})
        self.service("runs", ["sleep", "1000"])
        for name, count in STOCK.items():
            self.await_ended(name, count, 60)
        bench.swarm.await_tasks(self.services["runs"], "running")
        until(lambda: bench.age(self.ids(*STOCK)) > 10.5, 15, "everything is old enough")
        self.caller = Caller(str(bus.socket), bench)
        self.settings = SETTINGS
        self.start()

    def start(self) -> Reaper:
        made = self.bench.reaper(settings=self.settings, environment={
            **self.bus.environment, "STATE_DIRECTORY": str(self.state)}).await_ready()
        until(lambda: made.said("Connected to engine"), 15, "the first list")
        self.caller.await_name()
        return made

    @property
    def reaper(self) -> Reaper:
        return self.bench.reapers[-1]

    def reload(self, **more: Any) -> None:
        self.settings = {**self.settings, **more}
        self.reaper.reload(self.bench.settings(self.settings))

    def rows(self, **filters: Any) -> dict[str, Row]:
        return {row.id: row for row in self.caller.list(7, **filters)}

    def name(self, service: str) -> str:
        """The name of a container of that service."""
        return min(look.name for look in self.looks(service))


@pytest.fixture(scope="module")
def stage(bench: Bench) -> Iterator[Stage]:
    with Bus() as bus:
        with bench.scenario():
            made = Stage(bench, bus)
        yield made
        made.caller.close()
        bench.stop_reapers()


def test_listed(bench: Bench, stage: Stage) -> None:
    """What has stopped, each with its service and slot; what runs only when all are asked for."""
    rows = stage.rows()
    assert set(rows) == stage.ids(*STOCK)
    for service in STOCK:
        for ident in stage.ids(service):
            look, row = bench.recorder.history.looks[ident][-1], rows[ident]
            assert (row.name, row.service, row.slot) == (look.name, service, look.name.rpartition(".")[0])
            assert row.state == "exited" and 10 < row.age / 1e6 < time.time() - look.created + 1
    assert set(stage.rows(All=True)) == stage.ids(*STOCK, "runs")
    assert set(stage.rows(Service="web")) == stage.ids("web")
    held = stage.caller.memory()
    assert {name: held[name].stopped for name in STOCK} == STOCK


def test_explained(stage: Stage) -> None:
    """A retained failure: by which setting, from which line; and why others are kept for good."""
    found = stage.caller.explain(stage.name("broken"))
    lines = stage.reaper.config.read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if n > lines.index("[Rule broken]") and text == "Failure=2h")
    step = found.decider
    assert (found.about.verdict, step.name) == ("retained", "span")
    if found.about.exact:       # before it is inspected it may yet be a success
        assert (step.setting, step.value, step.origin) == ("Failure", "2h", f"{stage.reaper.config}:{line}")
    for service, verdict in (("honest", "kept-label"), ("shielded", "kept-rule"), ("runs", "running")):
        assert stage.caller.explain(stage.name(service)).about.verdict == verdict


def test_reap_by_name(bench: Bench, stage: Stage) -> None:
    """The failure goes, and what is to be kept stays, whoever asks."""
    names = [stage.name(service) for service in ("broken", "honest", "shielded", "runs")]
    dry = {each.name: each for each in stage.caller.reap(*names, dry_run=True)}
    assert stage.here("broken") and dry[names[0]].removed
    found = {each.name: each for each in stage.caller.reap(*names)}
    assert (found[names[0]].removed, found[names[0]].verdict) == (True, "requested")
    assert [found[name].verdict for name in names[1:]] == ["kept-label", "kept-rule", "running"]
    assert not stage.here("broken") and stage.here("honest", "shielded", "runs")
    with pytest.raises(Exception, match=FAILED + "NoSuchContainer"):
        stage.caller.reap(names[0], stage.name("web"))
    assert stage.here("web")


def test_reap_of_a_service(bench: Bench, stage: Stage) -> None:
    """Also what KeepLastFailure= keeps; of a job too."""
    found = stage.caller.reap_service("crowd")
    assert {each.id for each in found if each.removed} == stage.ids("crowd")
    assert {each.id for each in stage.caller.reap_service("batch") if each.removed} == stage.ids("batch")
    assert not stage.ids("crowd", "batch") & bench.ids() and stage.here("web", "due", "calm")


def test_reap_of_a_young_one(bench: Bench, stage: Stage) -> None:
    """Asked for again and again from its end on: it goes when the floor lets it."""
    stage.service("young", replicas=2)
    young = stage.await_ended("young", 2)
    names = [bench.recorder.history.looks[ident][-1].name for ident in young]
    until(lambda: young <= set(stage.rows()), 5, "both are known to have stopped")
    first = stage.caller.reap(*names)
    assert {each.verdict for each in first} == {"too-young"}
    until(lambda: all(each.removed for name in names if stage.caller.find(name)
                      for each in stage.caller.reap(name)), 20, "both removed")
    assert not young & bench.ids()


def test_history_is_what_happened(bench: Bench, stage: Stage) -> None:
    """Container by container as the engine's events have it, and in their order."""
    stage.reload(**{"Rule due": {"Service": "due", "Success": "11s"}})
    bench.await_gone(stage.ids("due"), 10)
    gone = stage.ids("broken", "crowd", "batch", "young", "due")
    removed: list[Removal] = until(lambda: len(found := stage.caller.history()) >= len(gone) and found, 5, "all")
    destroyed = {event.container: event.time for event in bench.history().events if event.action == "destroy"}
    assert {each.id for each in removed} == gone == set(destroyed) and len(removed) == len(gone)
    for each in removed:
        assert abs(each.at / 1e6 - destroyed[each.id]) < 5
        look = bench.recorder.history.looks[each.id][-1]
        assert (each.name, each.exit_code, each.attempts, each.dry_run) == (look.name, look.exit_code, 1, False)
    assert {each.id for each in removed if each.verdict == "ttl-expired"} == stage.ids("due")
    assert {each.verdict for each in removed} == {"ttl-expired", "requested"}
    assert {body[1] for body in (m.body[0] for m in stage.caller.signals("ContainerRemoved"))} == gone
    assert stage.caller.get("Removed") == len(gone)


def test_pause_over_a_restart_of_the_engine(bench: Bench, stage: Stage) -> None:
    """What is due then stays until a word, under the next reaperd too; what comes is no exception."""
    end, kept = stage.caller.pause(3600)
    assert kept
    stage.reload(**{"Rule calm": {"Service": "calm web late", "Success": "10s"}})
    until(lambda: {row.verdict for row in stage.rows(Service="calm").values()} == {"removals-paused"}, 10, "they wait")
    with pytest.raises(Exception, match=FAILED + "Paused"):
        stage.caller.reap(stage.name("calm"))
    until(lambda: any("; paused until " in state for _, state in stage.reaper.states), 10, "it shows")
    assert stage.reaper.stop() == 0
    bench.engine.restart(hard=True)
    stage.start()
    assert abs(stage.caller.get("PausedUntil") - end) < 1000
    until(lambda: stage.ids("calm", "web") <= set(stage.rows()), 15, "they are known again")
    stage.service("late", replicas=2)
    late = stage.await_ended("late", 2, 40)
    until(lambda: {row.verdict for row in stage.rows(Service="late").values()} == {"removals-paused"}, 15, "they wait")
    until(lambda: bench.age(late) > 12, 20, "all of them are due")
    assert stage.here("calm", "web", "late")
    assert stage.caller.resume()
    bench.await_gone(stage.ids("calm", "web", "late"), 30)
    assert {each.id for each in stage.caller.history()} == stage.ids("calm", "web", "late")


def test_oracle(bench: Bench, stage: Stage) -> None:
    """Nothing that was asked for has changed a task's outcome, and nothing else went."""
    verdict = bench.judge()
    assert verdict.removed == stage.ids(*STOCK, "young", "late") - stage.ids("honest", "shielded")
    history = bench.history()
    assert len(history.standstills) == 1 and len(history.runs) == 2
    assert sum(any(request.results.values()) for request in history.requests) >= 4
