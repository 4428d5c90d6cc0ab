# SPDX-License-Identifier: Apache-2.0
"""The cells of figures 4 to 7 on a stage that is made up: which states they measure, and what their tables have."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from experiment import course
from experiment.course import State, cells, steps
from experiment.meter import METRICS
from experiment.rig import Interrupted, Rig, Tables
from experiment.sizes import FULL, SCALES, SMALL, Sizes

SIZES = dataclasses.replace(FULL, settle_s=0.0, window_s=3, others_cpu=1e9)
NODES = ["swarm", *(f"node{number}" for number in range(1, 8))]
SECONDS_IN_ALL = 25 * 60       # of the hour; the rest is figure 8's, and for slow machines


class Stage:
    """Notes what it is told; its containers are what the Sampler sees."""

    def __init__(self, *_: Any) -> None:
        self.running = self.stopped = self.workers = 0
        self.did: list[str] = []

    def warm_up(self) -> None:
        self.did.append("warm up")

    def activate(self, workers: int) -> None:
        assert self.running == 0
        self.workers = workers

    def run(self, count: int) -> None:
        self.running = count

    def end(self, count: int) -> None:
        self.running, self.stopped = self.running - count, self.stopped + count

    def remove(self, count: int) -> None:
        self.stopped -= count

    def end_service(self) -> None:
        self.running = self.stopped = 0

    def check(self, running: int, stopped: int) -> None:
        assert (self.running, self.stopped) == (running, stopped)
        self.did.append("check")


class Made:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = Stage()
        self.looks, self.ends_after = 0, 10_000
        self.swarms: list[tuple[int, int]] = []
        monkeypatch.setattr(course, "Stage", lambda *_: self.stage)
        monkeypatch.setattr(course, "Meter", lambda fleet: fleet)
        monkeypatch.setattr(course, "Sampler", self._sampler)
        monkeypatch.setattr(course, "undisturbed", contextlib.nullcontext)

    @contextlib.contextmanager
    def _sampler(self, _meter: Any) -> Iterator["Made"]:
        assert self.stage.did == ["warm up"]        # before the first look
        yield self

    def window(self, count: int, go_on: Callable[[], None]) -> list[dict[str, Any]]:
        """The medians of these are 100 for each container."""
        go_on()
        self.stage.did.append("window")
        self.looks += 1
        value = 100 * (self.stage.running + self.stage.stopped)
        return [{node: dict.fromkeys(METRICS, value + off) for node in NODES} for off in (-1, 0, 7)[:count]]

    def _go_on(self) -> None:
        if self.looks >= self.ends_after:
            raise Interrupted

    def run(self, name: str, sizes: Sizes = SIZES) -> Tables:
        made = self

        class MadeRig(Rig):
            @contextlib.contextmanager
            def swarm(self, managers: int, workers: int, history: int = 100_000) -> Iterator[Any]:
                made.swarms.append((managers, workers))
                yield None

        cell = next(cell for cell in cells(sizes) if cell.name == name)
        return cell.run(MadeRig(sizes, Path("/"), self._go_on, lambda _: None))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    return Made(monkeypatch)


def states(rows: list[Any], node: str = "swarm") -> list[tuple[int, int, int]]:
    return [(row["running"], row["stopped"], row["workers"]) for row in rows if row["node"] == node]


@pytest.mark.parametrize(("total", "by", "wanted"), [
    (70, 10, [0, 10, 20, 30, 40, 50, 60, 70]), (10, 4, [0, 4, 8, 10]), (3, 5, [0, 3]), (5, 5, [0, 5])])
def test_last_step_is_the_whole_however_it_divides(total: int, by: int, wanted: list[int]) -> None:
    assert steps(total, by) == wanted


def test_tables_of_a_course_have_the_steps_of_their_figures(made: Made) -> None:
    tables = made.run("steps-writes-2")
    assert made.swarms == [(2, 5)]
    assert states(tables["figure4"]) == [(running, 0, 5) for running in range(0, 71, 10)]
    assert states(tables["figure6"]) == [(70 - stopped, stopped, 5) for stopped in range(0, 36, 7)]
    assert states(tables["figure7"]) == [(35, stopped, 5) for stopped in range(35, -1, -7)]
    assert {(row["load"], row["repetition"]) for rows in tables.values() for row in rows} == {("writes", 2)}


def test_figure_begins_with_the_samples_that_the_one_before_ended_with(made: Made) -> None:
    tables = made.run("steps-writes-1")
    assert tables["figure6"][:8] == tables["figure4"][-8:]
    assert tables["figure7"][:8] == tables["figure6"][-8:]
    # And these are not taken twice.
    seen = [(row["figure"], row["running"], row["stopped"]) for row in tables["samples"]
            if (row["node"], row["second"]) == ("swarm", 1)]
    assert len(seen) == len(set(seen)) == 8 + 5 + 5 == made.looks


@pytest.mark.parametrize(("busy", "looks"), [(0, 1), (1, 2), (6, 7), (9, 7)])
def test_a_step_is_looked_at_anew_where_others_are_at_work(made: Made, monkeypatch: pytest.MonkeyPatch, busy: int,
                                                            looks: int) -> None:
    monkeypatch.setattr(course.os, "cpu_count", lambda: 4)
    said: list[str] = []
    windows: list[float] = []

    class Sampler:
        def window(self, count: int, _go_on: Any) -> list[dict[str, Any]]:
            others = 0.5 if len(windows) < busy else 0.1
            windows.append(others)
            # The median counts: a second of something is nothing.
            return [{"swarm": {"machine_cpu": (1.0 + one) / 4, "cpu": 1.0}} for one in (others, others, 3.0)[:count]]

    sizes = dataclasses.replace(SIZES, others_cpu=0.2)
    record = course.Record(Rig(sizes, Path("/"), lambda: None, said.append), made.stage,    # type: ignore[arg-type]
                           Sampler(), sizes.loads[0], 1)                                    # type: ignore[arg-type]
    rows = record.measure("figure4", State(0, 0, 5))
    assert len(windows) == looks and len(said) == min(busy, 7)
    assert rows[0]["machine_cpu"] == pytest.approx((1.0 + windows[-1]) / 4)
    assert len(record.samples) == 3


@pytest.mark.parametrize(("repetition", "wanted"), [
    (1, [1, 2, 3, 4]), (2, [4, 3, 2, 1]), (3, [2, 3, 1, 4])])
def test_repetitions_have_workers_in_another_order_each(made: Made, repetition: int, wanted: list[int]) -> None:
    activated: list[int] = []
    activate = made.stage.activate
    made.stage.activate = lambda workers: (activated.append(workers), activate(workers))    # type: ignore[assignment]
    tables = made.run(f"workers-writes-{repetition}", dataclasses.replace(SIZES, workers=4))
    assert activated == wanted
    assert states(tables["figure5"]) == [(70, 0, workers) for workers in (1, 2, 3, 4)]


def test_tables_of_workers_have_all_containers_on_each_number(made: Made) -> None:
    tables = made.run("workers-nothing-3")
    assert states(tables["figure5"]) == [(70, 0, workers) for workers in (1, 2, 3, 4, 5)]
    assert set(tables) == {"figure5", "samples"}
    assert {(row["load"], row["repetition"]) for rows in tables.values() for row in rows} == {("nothing", 3)}


@pytest.mark.parametrize("name", ["steps-writes-1", "workers-writes-1"])
def test_rows_are_medians_and_samples_are_all(made: Made, name: str) -> None:
    tables = made.run(name)
    samples = tables.pop("samples")
    for rows in tables.values():
        assert [row["node"] for row in rows] == NODES * (len(rows) // len(NODES))
        for row in rows:
            assert list(row) == ["load", "repetition", "node", "running", "stopped", "workers", "samples", *METRICS]
            assert row["samples"] == 3
            assert row["page_cache"] == 100 * (row["running"] + row["stopped"])
    assert {row["second"] for row in samples} == {1, 2, 3}
    for row in samples:
        assert list(row) == ["load", "repetition", "figure", "running", "stopped", "workers", "second", "node",
                             *METRICS]
    assert [row["page_cache"] - 100 * (row["running"] + row["stopped"]) for row in samples
            if row["node"] == "node4"][:3] == [-1, 0, 7]


@pytest.mark.parametrize("name", ["steps-writes-1", "workers-writes-1"])
def test_each_window_is_checked_before_and_after(made: Made, name: str) -> None:
    made.run(name)
    assert made.stage.did[1:] == ["check", "window", "check"] * made.looks


@pytest.mark.parametrize("name", ["steps-writes-1", "workers-writes-1"])
def test_course_is_broken_off_between_windows(made: Made, name: str) -> None:
    made.ends_after = 2
    with pytest.raises(Interrupted):
        made.run(name)
    assert made.looks == 2


def test_sizes_that_do_not_divide(made: Made) -> None:
    sizes = dataclasses.replace(SIZES, containers=11, step=4, stopped=5, stop_step=3, window_s=1)
    tables = made.run("steps-writes-1", sizes)
    assert [running for running, _, _ in states(tables["figure4"])] == [0, 4, 8, 11]
    assert states(tables["figure6"]) == [(11, 0, 5), (8, 3, 5), (6, 5, 5)]
    assert states(tables["figure7"]) == [(6, 5, 5), (6, 2, 5), (6, 0, 5)]


@pytest.mark.parametrize("sizes", SCALES.values(), ids=lambda sizes: sizes.scale)
def test_cells_are_those_of_each_repetition_and_load_in_turn(sizes: Sizes) -> None:
    found = cells(sizes)
    assert [cell.name for cell in found] == [
        f"{kind}-{load.name}-{repetition}" for repetition in range(1, sizes.repetitions + 1)
        for load in sizes.loads for kind in ("steps", "workers")]
    assert found[0].about == f"figures 4, 6, 7: {sizes.loads[0].about}, 1 of {sizes.repetitions}"


def test_more_to_do_takes_longer() -> None:
    usual = {cell.name: cell.seconds for cell in cells(SMALL)}
    for change in ({"containers": 40}, {"window_s": 9}, {"settle_s": 5.0}):
        more = {cell.name: cell.seconds for cell in cells(dataclasses.replace(SMALL, **change))}
        assert all(more[name] > usual[name] > 0 for name in usual)


def test_cells_leave_time_for_figure_8() -> None:
    assert sum(cell.seconds for cell in cells(FULL)) <= SECONDS_IN_ALL


def test_state_is_told_in_words() -> None:
    assert str(State(70, 0, 1)) == "70 running on 1 worker"
    assert str(State(63, 7, 5)) == "63 running, 7 stopped on 5 workers"
