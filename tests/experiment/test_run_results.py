# SPDX-License-Identifier: Apache-2.0
"""What a run on the small scale finds: tables and pictures.

That is what no busy machine can change: counts, and the page cache of the nodes' own cgroups.
"""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as xml

import pytest

from experiment import arms
from experiment.meter import MACHINE_METRICS, METRICS
from story import SIZES, Row, Story, numbers

LOADS = {load.name: load for load in SIZES.loads}
WRITTEN = SIZES.loads[0].layer_bytes
NODES = ["swarm", *(f"node{number}" for number in range(1, SIZES.managers + SIZES.workers + 1))]
ARM_NODES = [f"node{number}" for number in range(1, SIZES.arm_managers + SIZES.arm_workers + 1)]
SECONDS = list(range(1 - arms.BEFORE, SIZES.arm_s + 1))
STEP_COLUMNS = ["load", "repetition", "node", "running", "stopped", "workers", "samples", *METRICS]
SECOND_COLUMNS = ["load", "arm", "second", "listed", "ended", "disk_used", "inodes_used", "ps_ms", *METRICS]
ARM_COLUMNS = ["load", "arm", "seconds", "ended", "damaged", "delayed_ended", "delayed_damaged", "removed",
               "cleaner_cpu", "cleaner_anon", "cleaner_rss", "engine_cpu"]
FRACTIONS = ("cpu", "cpu_containers", "cpu_engine", "machine_cpu")


def states(figure: str) -> list[tuple[int, int, int]]:
    """(running, stopped, workers) of a figure's steps, by the sizes alone."""
    containers, stopped, workers = SIZES.containers, SIZES.stopped, SIZES.workers
    return {
        "figure4": [(running, 0, workers) for running in range(0, containers + 1, SIZES.step)],
        "figure5": [(containers, 0, active) for active in range(1, workers + 1)],
        "figure6": [(containers - ended, ended, workers) for ended in range(0, stopped + 1, SIZES.stop_step)],
        "figure7": [(containers - stopped, stopped - gone, workers)
                    for gone in range(0, stopped + 1, SIZES.stop_step)],
    }[figure]


@pytest.mark.parametrize("figure", ["figure4", "figure5", "figure6", "figure7"])
def test_a_row_for_every_step_and_node(story: Story, figure: str) -> None:
    rows = story.table(figure)
    assert list(rows[0]) == STEP_COLUMNS
    keys = [(row["load"], row["repetition"], int(row["running"]), int(row["stopped"]), int(row["workers"]),
             row["node"]) for row in rows]
    assert sorted(keys) == sorted((load, "1", *state, node) for load in LOADS for state in states(figure)
                                  for node in NODES)
    assert {row["samples"] for row in rows} == {str(SIZES.window_s)}


@pytest.mark.parametrize("figure", ["figure4", "figure5", "figure6", "figure7", "figure8"])
def test_figures_are_whole_numbers_or_fractions(story: Story, figure: str) -> None:
    for row in story.table(figure):
        swarm = row.get("node", "swarm") == "swarm"
        for metric in METRICS:
            if metric in MACHINE_METRICS and not swarm:
                assert row[metric] == "" or metric == "dying_cgroups", metric
            elif metric in FRACTIONS:
                assert float(row[metric]) >= 0, (metric, row)
            else:
                assert re.fullmatch(r"\d+(\.5)?", row[metric]), (metric, row)


def test_a_row_of_the_swarm_is_the_sum_of_its_nodes(story: Story) -> None:
    rows = story.table("figure4")
    for load in LOADS:
        nodes = sum(numbers(rows, "shims", load=load, node=node, running=SIZES.containers)[0] for node in NODES[1:])
        assert numbers(rows, "shims", load=load, node="swarm", running=SIZES.containers) == [nodes]
        assert nodes == SIZES.containers


def test_later_figures_begin_where_the_one_before_ended(story: Story) -> None:
    for load in LOADS:
        def of(figure: str, step: int) -> list[Row]:
            return [row for row in story.table(figure) if row["load"] == load
                    and (int(row["running"]), int(row["stopped"]), int(row["workers"])) == states(figure)[step]]

        assert of("figure6", 0) == of("figure4", -1) != [] and of("figure7", 0) == of("figure6", -1) != []


def test_every_sample_is_kept(story: Story) -> None:
    rows = story.table("samples")
    steps = sum(len(states(figure)) for figure in ("figure4", "figure5", "figure6", "figure7")) - 2     # shared states
    assert len(rows) == len(LOADS) * steps * SIZES.window_s * len(NODES)


def test_a_row_for_every_second_of_an_arm(story: Story) -> None:
    rows, whole = story.table("figure8"), story.table("figure8-arms")
    assert list(rows[0]) == SECOND_COLUMNS and list(whole[0]) == ARM_COLUMNS
    names = [arm.name for arm in arms.ARMS]
    assert names == ["nothing", "history", "job", "prune", "reaperd"]
    assert [(row["load"], row["arm"]) for row in whole] == [("writes", name) for name in names]
    for name in names:
        assert numbers(rows, "second", arm=name) == SECONDS
        assert [row["ps_ms"] for row in rows if row["arm"] == name and row["ps_ms"]]
        ended = numbers(rows, "ended", arm=name)
        assert ended == sorted(ended) and ended[-1] == numbers(whole, "ended", arm=name)[0] > 0
        before = [row for row in rows if row["arm"] == name and int(row["second"]) <= 0]
        assert {(row["listed"], row["ended"]) for row in before} == {("0", "0")}


def test_each_node_of_an_arm_is_told(story: Story) -> None:
    rows = story.table("figure8-samples")
    assert list(rows[0]) == ["load", "arm", "second", "node", *METRICS]
    assert [(row["arm"], int(row["second"]), row["node"]) for row in rows] == [
        (arm.name, second, node) for arm in arms.ARMS for second in SECONDS for node in ARM_NODES]


# -- what they say ---------------------------------------------------------------------


def cache(story: Story, figure: str, load: str) -> list[float]:
    """Page cache of all containers, step by step."""
    rows = story.table(figure)
    return [numbers(rows, "cgroup_cache", load=load, node="swarm", running=running, stopped=stopped,
                    workers=workers)[0] for running, stopped, workers in states(figure)]


def test_page_cache_grows_with_containers_that_write(story: Story) -> None:
    """From what is there without any: programs that the first container of a node has read."""
    none, *found = cache(story, "figure4", "writes")
    for (running, _, _), held in zip(states("figure4")[1:], found):
        assert 0.8 * running * WRITTEN <= held - none <= 1.5 * running * WRITTEN, (none, found)
    none, *found = cache(story, "figure4", "nothing")
    assert max(found) - none < WRITTEN


def test_stopping_keeps_it_and_removal_gives_it_back(story: Story) -> None:
    running, *_, stopped = cache(story, "figure6", "writes")
    assert stopped >= 0.9 * running     # some machines page out what is cold
    before, *_, after = cache(story, "figure7", "writes")
    assert before - after >= 0.8 * SIZES.stopped * WRITTEN


def test_workers_share_what_all_hold(story: Story) -> None:
    for held in cache(story, "figure5", "writes"):
        assert held >= 0.8 * SIZES.containers * WRITTEN
    rows = story.table("figure5")
    for active in range(1, SIZES.workers + 1):
        busy = [node for node in NODES[1:] if numbers(rows, "shims", load="writes", node=node, workers=active)[0] > 0]
        assert len(busy) == active


def test_containers_use_cpu(story: Story) -> None:
    rows = story.table("figure4")
    for load in LOADS:
        used = numbers(rows, "cpu_containers", load=load, node="swarm")
        assert used[0] < used[-1] and used[-1] > 0.2 * SIZES.containers * SIZES.loads[0].cpu


@pytest.mark.parametrize("arm", ["nothing", "job"])
def test_where_nobody_cleans_it_only_grows(story: Story, arm: str) -> None:
    listed = numbers(story.table("figure8"), "listed", arm=arm)
    assert listed == sorted(listed) and listed[-1] > listed[0]
    assert listed[-1] >= numbers(story.table("figure8-arms"), "ended", arm=arm)[0]
    assert numbers(story.table("figure8-arms"), "removed", arm=arm) == [0]


@pytest.mark.parametrize("arm", ["history", "prune", "reaperd"])
def test_where_somebody_cleans_containers_go(story: Story, arm: str) -> None:
    assert numbers(story.table("figure8-arms"), "removed", arm=arm)[0] > 0


def test_reaperd_removes_what_is_old_enough(story: Story) -> None:
    """All that had ended when the oldest allowed age was reached, with some seconds of grace, has gone at the end."""
    ended = numbers(story.table("figure8"), "ended", arm="reaperd", second=SIZES.arm_s - SIZES.keep_s - 5)[0]
    removed = numbers(story.table("figure8-arms"), "removed", arm="reaperd")[0]
    assert removed >= ended > 0


def test_reaperd_damages_no_outcome_and_prune_does(story: Story) -> None:
    rows = story.table("figure8-arms")
    for column in ("damaged", "delayed_damaged"):
        assert numbers(rows, column, arm="reaperd") == [0]
    assert numbers(rows, "delayed_damaged", arm="prune")[0] > 0
    for arm in ("nothing", "history", "job"):
        assert numbers(rows, "damaged", arm=arm) == numbers(rows, "delayed_damaged", arm=arm) == [0]


def test_cleaning_costs_those_who_clean(story: Story) -> None:
    rows = story.table("figure8-arms")
    for row in rows:
        assert (float(row["cleaner_cpu"]) > 0) == (row["arm"] in ("prune", "reaperd")), row
        assert (row["cleaner_anon"] != "") == (row["arm"] == "reaperd") and float(row["engine_cpu"]) > 0


# -- the pictures ----------------------------------------------------------------------


PICTURES = ("figure4", "figure5", "figure6", "figure7", "figure8", "figure9")


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_well_formed(story: Story, name: str) -> None:
    root = xml.parse(story.folder / f"{name}.svg").getroot()
    assert root.tag.endswith("svg") and [each for each in root.iter() if each.tag.endswith("path")]
    data = (story.folder / f"{name}.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n") and b"IEND" in data[-12:]
    width, height = struct.unpack(">II", data[16:24])
    assert width >= 600 and height >= 300


@pytest.mark.parametrize("name, titles", [
    ("figure4", ["Figure 4", "containers", "MB", "%"]), ("figure5", ["Figure 5", "workers", "MB", "%"]),
    ("figure6", ["Figure 6", "stopped", "MB", "%"]), ("figure7", ["Figure 7", "removed", "MB", "%"]),
    ("figure8", ["Figure 8", "reaperd", "ms", "MB"]), ("figure9", ["Figure 9"])])
def test_pictures_say_what_they_show(story: Story, name: str, titles: list[str]) -> None:
    root = xml.parse(story.folder / f"{name}.svg").getroot()
    said = " ".join("".join(each.itertext()) for each in root.iter() if each.tag.endswith("text"))
    for title in titles:
        assert title in said, said
