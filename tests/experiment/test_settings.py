# SPDX-License-Identifier: Apache-2.0
"""Sizes from the command line."""

from __future__ import annotations

import dataclasses
import re

import pytest

from experiment import settings
from experiment.__main__ import cells_of
from experiment.rig import Trouble
from experiment.sizes import FULL, MB, SCALES, SMALL, Load, Sizes


@pytest.mark.parametrize("sizes", SCALES.values(), ids=SCALES)
def test_nothing_set_changes_nothing(sizes: Sizes) -> None:
    assert settings.changed(sizes, []) == sizes


def test_every_size_can_be_set() -> None:
    fields = {field.name for field in dataclasses.fields(Sizes)}
    assert set(settings.RANGES) | set(settings.LOADS) == fields - {"scale"}
    # name and about follow from the others
    assert len(settings.LOAD_RANGES) == len(dataclasses.fields(Load)) - 2


@pytest.mark.parametrize("sizes", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize("key", settings.RANGES)
def test_defaults_are_in_range(sizes: Sizes, key: str) -> None:
    accepted = settings.RANGES[key]
    assert accepted.low <= getattr(sizes, key) <= accepted.high


@pytest.mark.parametrize("key", settings.RANGES)
def test_a_size_is_set(key: str) -> None:
    # those that others bound are let as they are
    value = getattr(FULL, key)
    assert getattr(settings.changed(FULL, [f"{key}={value:g}"]), key) == value
    low = settings.RANGES[key].low
    if key not in [large for _, large in (*settings.RELATIONS, *settings.SHORTER)]:
        changed = settings.changed(FULL, [f"{key}={low:g}"])
        assert changed == dataclasses.replace(FULL, **{key: low})


def test_loads_are_set_and_say_so() -> None:
    changed = settings.changed(FULL, ["layer_mb=2.5", "log_lines=7", "cpu=0.05", "arm_layer_mb=1", "arm_loads=writes"])
    writes, nothing = changed.loads
    assert (writes.layer_bytes, writes.log_lines, writes.cpu) == (2_500_000, 7, 0.05)
    assert "2.5 MB" in writes.about and "7 lines" in writes.about
    assert (nothing.layer_bytes, nothing.log_lines, nothing.cpu) == (0, 0, 0.05)
    assert [load.name for load in changed.arm_loads] == ["writes"]
    assert changed.arm_loads[0].layer_bytes == MB and changed.arm_loads[0].log_lines == FULL.arm_loads[0].log_lines


@pytest.mark.parametrize("setting, said", [
    ("containers", "no setting: KEY=VALUE"),
    ("cats=3", "no size 'cats'; there are managers, workers"),
    ("containers=0", "containers=0: it takes a whole number from 1 to 1000"),
    ("containers=70.5", "a whole number from 1 to 1000"),
    ("containers=many", "a whole number from 1 to 1000"),
    ("settle_s=nan", "settle_s=nan: it takes a number from 0 to 60"),
    ("cpu=1.5", "cpu=1.5: it takes a number from 0 to 1"),
    ("arm_layer_mb=-1", "arm_layer_mb=-1: it takes a number from"),
    ("loads=reads", "loads=reads: it takes some of writes, nothing"),
    ("loads=", "it takes some of"),
    ("scale=huge", "no size 'scale'"),
    ("stopped=71", "stopped is 71: it must be at most containers, which is 70"),
    ("step=80", "step is 80"),
    ("stop_step=36", "stop_step is 36: it must be at most stopped, which is 35"),
    ("keep_s=120", "keep_s is 120: it must be less than arm_s, which is 120"),
    ("arm_s=20", "prune_every_s is 20: it must be less than arm_s, which is 20"),
    ("delayed_s=300", "delayed_s is 300: it must be less than arm_s")])
def test_what_is_wrong_is_named(setting: str, said: str) -> None:
    with pytest.raises(Trouble) as trouble:
        settings.changed(FULL, [setting])
    assert said in str(trouble.value)


def test_results_name_every_size() -> None:
    pairs = settings.to_pairs(SMALL)
    assert pairs["containers"] == str(SMALL.containers) and pairs["loads"] == "writes, nothing"
    assert pairs["load writes"] == SMALL.loads[0].about and pairs["arm load writes"] == SMALL.arm_loads[0].about
    for setting in ("containers=9", "layer_mb=9", "arm_cpu=0.5", "loads=writes", "keep_s=11"):
        assert settings.to_pairs(settings.changed(SMALL, [setting])) != pairs, setting


def test_help_tells_what_each_size_is() -> None:
    lines = settings.explained(FULL).splitlines()
    assert len(lines) == len(settings.known())
    for key, line in zip(settings.known(), lines):
        assert line.startswith(f"  {key}={settings.to_pairs(FULL)[key].replace(', ', ',')} ") and len(line) < 120
    for line in ("containers=70 +in all", "keep_s=10 +seconds that reaperd keeps", "loads=writes,nothing +which loads",
                 "layer_mb=10 +MB that a task writes", "arm_layer_mb=4 +MB that .*, in figure 8$"):
        assert re.search(f"^  {line}", settings.explained(FULL), re.M), line


@pytest.mark.parametrize("sizes, at_most", [(FULL, 3300), (SMALL, 240)], ids=["full", "small"])
def test_scales_take_the_time_that_is_promised(sizes: Sizes, at_most: float) -> None:
    """An hour and five minutes, with what comes before and after, on a slower machine too."""
    assert sum(cell.seconds for cell in cells_of(sizes)) <= at_most
