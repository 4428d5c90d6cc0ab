# SPDX-License-Identifier: Apache-2.0
"""Who takes pages from the page cache, seen in made-up trees of /proc and /sys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from experiment.caches import dropped, proactive_reclaim, reclaimed, undisturbed
from experiment.rig import Interrupted, Trouble


def vmstat(proc: Path, cache: int, slab: int) -> None:
    (proc / "vmstat").write_text(f"nr_free_pages 5\ndrop_pagecache {cache}\ndrop_slab {slab}\nunevictable 0\n")


def kdamond(sys: Path, number: int, state: str, *actions: str) -> None:
    folder = sys / f"kernel/mm/damon/admin/kdamonds/{number}"
    for scheme, action in enumerate(actions):
        path = folder / f"contexts/0/schemes/{scheme}/action"
        path.parent.mkdir(parents=True)
        path.write_text(f"{action}\n")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state").write_text(f"{state}\n")


def test_drops_of_both_kinds_count(tmp_path: Path) -> None:
    vmstat(tmp_path, 3, 4)
    assert dropped(tmp_path) == 7


@pytest.mark.parametrize("after", [(4, 4), (3, 5)])
def test_drop_meanwhile_is_trouble(tmp_path: Path, after: tuple[int, int]) -> None:
    vmstat(tmp_path, 3, 4)
    with pytest.raises(Trouble, match="drop_caches"), undisturbed(tmp_path):
        vmstat(tmp_path, *after)


def test_drop_before_is_none(tmp_path: Path) -> None:
    vmstat(tmp_path, 3, 4)
    with undisturbed(tmp_path):
        pass


def test_what_broke_the_measurement_off_is_what_is_told(tmp_path: Path) -> None:
    vmstat(tmp_path, 3, 4)
    with pytest.raises(Interrupted), undisturbed(tmp_path):
        vmstat(tmp_path, 4, 4)
        raise Interrupted


def test_kernel_that_does_not_count_drops_is_believed(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("nr_free_pages 5\n")
    with undisturbed(tmp_path):
        pass


def test_memory_that_the_kernel_takes_back_counts(tmp_path: Path) -> None:
    """Not what DAMON takes, which is in the sums alone."""
    (tmp_path / "vmstat").write_text("pgsteal_kswapd 3\npgsteal_direct 2\npgsteal_khugepaged 0\npgscan_kswapd 500\n"
                                     "pgsteal_file 134268322\npgsteal_anon 7\n")
    assert reclaimed(tmp_path) == 5 * os.sysconf("SC_PAGE_SIZE")
    (tmp_path / "vmstat").write_text("nr_free_pages 5\n")
    assert reclaimed(tmp_path) == 0


def test_machine_without_damon_takes_nothing(tmp_path: Path) -> None:
    assert proactive_reclaim(tmp_path) == "none"


def test_kdamond_that_is_off_or_only_looks_takes_nothing(tmp_path: Path) -> None:
    kdamond(tmp_path, 0, "off", "pageout")
    kdamond(tmp_path, 1, "on", "stat")
    assert proactive_reclaim(tmp_path) == "none"


def test_kdamonds_that_are_on_are_told_by_what_they_do(tmp_path: Path) -> None:
    kdamond(tmp_path, 0, "on", "stat", "pageout")
    kdamond(tmp_path, 1, "on", "lru_deprio", "pageout")
    assert proactive_reclaim(tmp_path) == "DAMON pageout, DAMON lru_deprio"


@pytest.mark.parametrize(("enabled", "told"), [("Y", "DAMON_RECLAIM"), ("N", "none")])
def test_reclaim_module(tmp_path: Path, enabled: str, told: str) -> None:
    path = tmp_path / "module/damon_reclaim/parameters/enabled"
    path.parent.mkdir(parents=True)
    path.write_text(f"{enabled}\n")
    assert proactive_reclaim(tmp_path) == told
