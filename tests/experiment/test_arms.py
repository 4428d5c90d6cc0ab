# SPDX-License-Identifier: Apache-2.0
"""The arms of figure 8: which there are, what is counted, what their rows hold. No engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiment import arms
from experiment.arms import ARMS, Containers, Course, Disk, Look
from experiment.cleaner import Cost, Prune, Reaperds
from experiment.meter import METRICS
from experiment.outcome import Outcomes
from experiment.rig import Rig
from experiment.sizes import FULL, SMALL
from test_outcome import NOON, SERVICES, task

IDS = [letter * 64 for letter in "abcdef"]


class FakeSwarm:
    def __init__(self) -> None:
        self.created: dict[str, dict[str, Any]] = {}

    def create(self, name: str, command: list[str], **options: Any) -> str:
        self.created[name] = {"command": command, **options}
        return f"id-{name}"


class FakeFleet:
    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.swarm = FakeSwarm()
        self.workers = [SimpleNamespace(dir=folder / f"w{number}", listed=[]) for number in range(workers)]
        self.manager = SimpleNamespace(swarm=self.swarm)
        for worker in self.workers:
            (worker.dir / "data" / "containers").mkdir(parents=True)
            worker.client = SimpleNamespace(containers=lambda listed=worker.listed: [{"Id": each} for each in listed])

    def make(self, worker: int, ident: str, listed: bool = True) -> None:
        (self.workers[worker].dir / "data" / "containers" / ident).mkdir()
        if listed:
            self.workers[worker].listed.append(ident)

    def remove(self, worker: int, ident: str, listed: bool = True) -> None:
        (self.workers[worker].dir / "data" / "containers" / ident).rmdir()
        if listed:
            self.workers[worker].listed.remove(ident)


@pytest.fixture
def fleet(tmp_path: Path) -> FakeFleet:
    return FakeFleet(tmp_path)


def course(arm: str, fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> Course:
    monkeypatch.setattr(arms, "Meter", lambda fleet: None)
    rig = Rig(SMALL, Path("reaperd"), lambda: None, said.append)
    chosen = next(each for each in ARMS if each.name == arm)
    return Course(SMALL.arm_loads[0], chosen, rig, fleet, 1000.0)       # type: ignore[arg-type]


def test_each_load_has_the_five_arms() -> None:
    names = [cell.name for cell in arms.cells(FULL)]
    assert names == [f"figure8-{load}-{arm}" for load in ("writes", "nothing")
                     for arm in ("nothing", "history", "job", "prune", "reaperd")]
    assert all(cell.seconds > FULL.arm_s for cell in arms.cells(FULL))
    assert len(arms.cells(replace(FULL, arm_loads=()))) == 0


def test_swarm_trims_in_the_arms_that_are_about_it_only() -> None:
    limits = {arm.name: arm.history for arm in ARMS}
    assert limits == {"nothing": 100_000, "history": 5, "job": 5, "prune": 100_000, "reaperd": 100_000}
    assert [arm.name for arm in ARMS if arm.cleaner in (Prune, Reaperds)] == ["prune", "reaperd"]


@pytest.mark.parametrize("arm", [arm.name for arm in ARMS])
def test_the_services_are_the_same_in_all_arms_but_the_job(arm: str, fleet: FakeFleet,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    ids = course(arm, fleet, monkeypatch, [])._start()
    assert ids == {"id-churn": "churn", "id-delayed": "delayed"}
    churn, delayed = fleet.swarm.created["churn"], fleet.swarm.created["delayed"]
    assert delayed["replicas"] == SMALL.delayed_replicas and delayed["delay"] == SMALL.delayed_s
    if arm == "job":
        assert churn["mode"] == "replicated-job" and churn["concurrent"] == SMALL.churn_replicas
        assert churn["replicas"] > 100_000      # it never comes to its end
    else:
        assert (churn["replicas"], churn["restart"], churn["delay"]) == (SMALL.churn_replicas, "any", 0.0)


def test_containers_are_counted_on_all_workers_and_for_good(fleet: FakeFleet) -> None:
    containers = Containers(fleet.workers)      # type: ignore[arg-type]
    assert containers.look() == 0
    for number, ident in enumerate(IDS[:4]):
        fleet.make(number % 2, ident)
    assert containers.look() == 4
    fleet.remove(0, IDS[0])
    fleet.make(1, IDS[4])
    assert (containers.look(), containers.ever, containers.now) == (4, 5, 4)
    containers.add({IDS[5], IDS[1]})            # one that was made and removed between two looks
    assert (containers.ever, containers.now) == (6, 4)


def test_folders_and_lists_are_compared(fleet: FakeFleet) -> None:
    containers = Containers(fleet.workers)      # type: ignore[arg-type]
    fleet.make(0, IDS[0])
    assert containers.agree()
    fleet.make(1, IDS[1], listed=False)
    assert not containers.agree()
    fleet.remove(1, IDS[1], listed=False)
    assert containers.agree()
    fleet.remove(0, IDS[0], listed=False)
    assert not containers.agree()


def test_the_disk_is_what_has_been_taken_since(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {"f_blocks": 1000, "f_frsize": 4096, "f_files": 50}
    states = iter([{"f_bfree": 900, "f_ffree": 40}, {"f_bfree": 890, "f_ffree": 38}, {"f_bfree": 880, "f_ffree": 35}])
    monkeypatch.setattr(arms.os, "statvfs", lambda _: SimpleNamespace(**free, **next(states)))
    disk = Disk(Path("/tmp"))
    assert disk.bytes() == 10 * 4096
    assert disk.inodes() == 5


def test_a_file_system_without_a_number_of_inodes_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arms.os, "statvfs", lambda _: SimpleNamespace(
        f_blocks=10, f_bfree=5, f_frsize=512, f_files=0, f_ffree=0))
    assert Disk(Path("/tmp")).inodes() is None


def test_rows_hold_the_columns_of_the_data(fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    found = course("prune", fleet, monkeypatch, [])
    look = Look(5, 4096, None, {"swarm": {metric: number for number, metric in enumerate(METRICS)}})
    row = found._row(7, look, 3, None)
    assert list(row) == ["load", "arm", "second", "listed", "ended", "disk_used", "inodes_used", "ps_ms", *METRICS]
    assert (row["load"], row["arm"], row["second"], row["ended"], row["ps_ms"]) == ("writes", "prune", 7, 3, None)


def test_samples_of_the_nodes_are_kept_and_begin_before_the_services(fleet: FakeFleet,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    found = course("job", fleet, monkeypatch, [])
    found._looks = [Look(0, 0, None, {"swarm": {"cpu": 3.0}, "node1": {"cpu": 1.0}, "node2": {"cpu": 2.0}})] * 6
    samples = found._samples()
    assert [row["second"] for row in samples] == [second for second in range(-4, 2) for _ in range(2)]
    assert samples[1] == {"load": "writes", "arm": "job", "second": -4, "node": "node2", "cpu": 2.0}


def test_the_arms_row_counts_each_service_by_the_end(fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    found = course("prune", fleet, monkeypatch, said)
    outcomes = Outcomes(SERVICES)
    outcomes.note([task("a", "complete", 2), task("b", "complete", 3), task("late", "failed", 40),
                   task("c", "failed", 4, "id-delayed", "No such container: delayed.1.c"),
                   *(task(ident, "complete", 4, "id-delayed") for ident in "def")])
    found._containers.add(set(IDS))
    row = found._arm_row(outcomes, NOON + 30, Cost(0.5, None, 20_000_000), 12.5)
    assert row == {"load": "writes", "arm": "prune", "seconds": SMALL.arm_s, "ended": 2, "damaged": 0,
                   "delayed_ended": 4, "delayed_damaged": 1, "removed": 6, "cleaner_cpu": 0.5, "cleaner_anon": None,
                   "cleaner_rss": 20_000_000, "engine_cpu": 12.5}
    found._tell("delayed", outcomes, NOON + 30)
    found._tell("churn", outcomes, NOON + 30)
    assert len(said) == 1 and "1 of 4 tasks of 'delayed'" in said[0] and "No such container" in said[0]
