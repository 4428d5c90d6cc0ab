# SPDX-License-Identifier: Apache-2.0
"""Medians, spread, changes and slopes of made-up tables whose answers are known."""

from __future__ import annotations

import pytest

from experiment import summary
from experiment.summary import Point, Slope

STEPS = """# a comment
load,repetition,node,running,stopped,workers,mem_total,mem_free,machine_cpu,cpu
writes,1,swarm,0,0,5,1000,900,0.1,
writes,1,node1,0,0,5,,,,0.5
writes,1,swarm,10,0,5,1000,800,0.3,
writes,1,node1,10,0,5,,,,0.7
writes,2,swarm,0,0,5,1000,700,0.2,
writes,2,swarm,10,0,5,1000,650,0.4,
writes,3,swarm,0,0,5,1000,500,0.2,
writes,3,swarm,10,0,5,1000,420,0.9,
nothing,1,swarm,0,0,5,1000,990,0.1,
nothing,1,swarm,10,0,5,1000,980,0.1,
"""
ARMS = """load,arm,second,listed,ended,ps_ms,mem_total,mem_free
writes,job,-1,1,0,,1000,904
writes,job,0,1,0,30,1000,900
writes,job,1,3,4,,1000,880
writes,job,2,5,8,50,1000,860
writes,job,3,7,12,,1000,840
writes,nothing,0,1,0,10,1000,500
writes,nothing,1,1,2,,1000,490
"""


@pytest.fixture()
def rows() -> list[summary.Row]:
    return [{**row, "cpu_lists": 0} for row in summary.parse_table(STEPS)]


@pytest.fixture()
def arms() -> list[summary.Row]:
    return [{**row, "cpu_lists": 0} for row in summary.parse_table(ARMS)]


def test_cells_are_text_numbers_or_nothing():
    assert summary.parse_table(STEPS)[0] == {
        "load": "writes", "repetition": 1, "node": "swarm", "running": 0, "stopped": 0, "workers": 5,
        "mem_total": 1000, "mem_free": 900, "machine_cpu": 0.1, "cpu": None}


@pytest.mark.parametrize(("text", "what"), [
    ("load,cpu\nwrites,much\n", "line 2, column cpu: not a number: much"),
    ("# x\nload,cpu\n\nwrites\n", "line 4: 1 cells, expected 2"),
])
def test_a_broken_table_is_named(text, what):
    with pytest.raises(ValueError, match=what):
        summary.parse_table(text)


def test_about_keeps_its_order_and_may_be_missing(tmp_path):
    (tmp_path / "about.txt").write_text("kernel: 6.1\nload writes: each writes 4 MB: and more\nnonsense\n")
    assert list(summary.load_about(tmp_path / "about.txt").items()) == [
        ("kernel", "6.1"), ("load writes", "each writes 4 MB: and more")]
    assert summary.load_about(tmp_path / "none") == {}


def test_derived_values():
    row = {"mem_total": 1000, "mem_free": 390, "mem_available": 690, "cpu_lists": 10, "page_cache": 250,
           "slab_reclaimable": 30, "slab_unreclaimable": 20, "anon": 200, "machine_cpu": 0.25,
           "dockerd_rss": 5, "containerd_rss": 6,
           "shims_rss": 7, "running": 8, "stopped": 9, "load": "x"}
    wanted = {"used": 600, "unavailable": 300, "used_percent": 60, "unavailable_percent": 30, "cpu_percent": 25,
              "slab": 50, "other_kernel": 100, "engine_rss": 18, "daemons_rss": 11, "containers": 17, "anon": 200}
    assert {name: summary.value(row, name) for name in wanted} == wanted
    # used is the sum of its parts, as figure 4 tells.
    assert sum(summary.value(row, name) for name in ("page_cache", "anon", "slab", "other_kernel")) == 600
    assert summary.value(row, lambda found: found["running"] * 2) == 16
    with pytest.raises(TypeError):
        summary.value(row, "load")
    with pytest.raises(KeyError):
        summary.value(row, "no_such")


@pytest.mark.parametrize("metric", ["used", "used_percent", "unavailable", "cpu_percent", "mem_free"])
def test_what_is_not_known_stays_unknown(metric):
    row = dict.fromkeys(("mem_total", "mem_free", "mem_available", "cpu_lists", "machine_cpu"))
    assert summary.value(row, metric) is None


def test_a_step_is_the_median_of_its_repetitions(rows):
    assert summary.by_step(rows, "writes", "running", "used") == [
        Point(0, 300, 100, 500, (100, 300, 500)), Point(10, 350, 200, 580, (200, 350, 580))]


def test_a_change_is_against_its_own_repetition(rows):
    # The medians of the steps are 50 apart, and that of the changes is 80.
    assert summary.change(rows, "writes", "running", "used") == [
        Point(0, 0, 0, 0, (0, 0, 0)), Point(10, 80, 50, 100, (100, 50, 80))]


def test_loads_and_nodes_are_apart(rows):
    assert summary.loads(rows) == ["writes", "nothing"]
    assert [point.values for point in summary.by_step(rows, "nothing", "running", "mem_free")] == [(990,), (980,)]
    assert summary.by_step(rows, "writes", "running", "cpu", node="node1")[1].values == (0.7,)
    assert summary.by_step(rows, "writes", "running", "cpu") == []


def test_removed_counts_from_the_most_that_have_stopped():
    text = "load,repetition,node,running,stopped,mem_free\n" + "".join(
        f"writes,{repetition},swarm,35,{stopped},{100 - stopped}\n"
        for repetition in (1, 2) for stopped in (35, 28, 0))
    points = summary.change(summary.parse_table(text), "writes", "removed", "mem_free")
    assert [(point.x, point.median) for point in points] == [(0, 0), (7, 7), (35, 35)]


def test_slope_of_least_squares():
    assert summary.slope([(0, 1), (1, 3), (2, 5)]) == Slope(2, 1, 1)
    found = summary.slope([(0, 0), (1, 1), (2, 0), (3, 1)])
    assert (found.per_x, found.base, found.r2) == pytest.approx((0.2, 0.2, 0.2))
    assert summary.slope([(0, 4), (5, 4)]) == Slope(0, 4, 0)
    with pytest.raises(ValueError, match="two steps"):
        summary.slope([(3, 4), (3, 5)])


def test_slope_of_points_is_that_of_their_medians(rows):
    assert summary.slope(summary.by_step(rows, "writes", "running", "used")).per_x == pytest.approx(5)
    assert [found.per_x for found in summary.slopes(rows, "writes", "running", "used")] == pytest.approx([10, 5, 8])


def test_a_line_is_through_the_medians_of_the_changes(rows):
    assert summary.line(rows, "writes", "running", "used") == Slope(8, 0, 1)


def test_series_and_growth_leave_out_what_is_not_known(arms):
    assert summary.arms(arms) == ["job", "nothing"]
    assert summary.series(arms, "writes", "job", "ps_ms") == [(0, 30), (2, 50)]
    assert summary.growth(arms, "writes", "job", "used") == [(0, 2), (1, 22), (2, 42), (3, 62)]
    assert summary.growth(arms, "nothing", "job", "used") == []


def test_slopes_over_tasks(arms):
    assert summary.slope_per_ended(arms, "writes", "job", "used").per_x == pytest.approx(5)
    bent = [dict(row, listed=100) if row["second"] == 0 else row for row in arms]
    assert summary.slope_per_ended(bent, "writes", "job", "listed", since=1).per_x == pytest.approx(0.5)


def test_bins_are_where_their_values_are():
    assert summary.bins([(0, 1), (5, 3), (9, 8), (10, 4), (35, 7)], 10) == [
        Point(pytest.approx(14 / 3), 3, 1, 8, (1, 3, 8)), Point(10, 4, 4, 4, (4,)), Point(35, 7, 7, 7, (7,))]


@pytest.mark.parametrize("phase", range(5))
def test_the_end_of_a_saw_tooth_is_the_same_for_any_phase(phase):
    text = "load,arm,second,listed\n" + "".join(f"writes,prune,{s},{(s + phase) % 5}\n" for s in range(20))
    assert summary.at_end(summary.parse_table(text), "writes", "prune", "listed", width=5) == 2


def test_each_ended(arms):
    row = {"ended": 50, "delayed_ended": 10, "engine_cpu": 5.0, "cleaner_cpu": None}
    assert summary.each_ended(row, "engine_cpu") == 0.1 and summary.each_ended(row, "cleaner_cpu") is None
    assert summary.each_ended(dict(row, ended=0), "engine_cpu") is None


def test_beginning_and_end(arms):
    assert summary.at_start(arms, "writes", "job", "listed") == 1
    # Nobody asks for that before the services begin.
    assert summary.at_start(arms, "writes", "job", "ps_ms", width=3) == 40
    assert summary.at_start(arms, "writes", "nothing", "listed") == 1
    assert summary.at_end(arms, "writes", "job", "listed", width=2) == 6
    assert summary.at_end(arms, "writes", "job", "listed", width=1) == 7
    assert summary.at_end(arms, "writes", "reaperd", "listed") is None


def test_the_row_of_an_arm():
    rows = summary.parse_table("load,arm,damaged\nwrites,prune,3\nnothing,prune,4\n")
    assert summary.arm(rows, "nothing", "prune")["damaged"] == 4
    assert summary.arm(rows, "nothing", "job") is None
