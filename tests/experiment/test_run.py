# SPDX-License-Identifier: Apache-2.0
"""The experiment itself, on its small scale: broken off by Ctrl-C, and gone on with."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from experiment import sources
from experiment.sizes import MB
from story import CELLS, SIZES, Story, digests, plain


def test_it_comes_to_its_end(told: Story) -> None:
    assert not told.trouble, told.trouble
    assert told.ends[-1].status == 0, told.ends[-1].output


def test_control_c_breaks_it_off(story: Story) -> None:
    assert story.first.status == 130, story.first.output
    said = story.first.words
    assert 0 < said.index("Breaking off: the Swarm is taken away") < said.index(
        f"Broken off. 1 of {len(CELLS)} cells are done")
    assert "Traceback" not in story.first.output


def test_nothing_is_left_of_what_was_broken_off(story: Story) -> None:
    assert story.first.left == [] and story.first.alive == []
    assert "Not cleaned up" not in story.first.words


def test_what_was_done_is_kept_and_nothing_else(story: Story) -> None:
    assert {name.split("/")[0] for name in story.kept} == {CELLS[0]}
    assert {name.split("/")[1] for name in story.kept} == {"cell.txt", "figure4.csv", "figure6.csv", "figure7.csv",
                                                           "samples.csv"}


def test_a_terminal_has_one_line_that_is_renewed(story: Story) -> None:
    assert story.first.output.count("\r") > 10
    line = rf"\d+:\d\d gone, about \d+ (s|min) left \S*\[2/{len(CELLS)}\]"
    assert re.search(line, plain(story.first.output))
    assert story.first.output.rstrip().endswith("\x1b[?25h")       # the cursor is back


def test_it_goes_on_where_it_was(story: Story) -> None:
    assert f"1 of {len(CELLS)} cells are done already" in story.ends[0].words
    assert {name.split("/")[0] for name in story.parts} == set(CELLS)
    assert story.ends[-1].left == [] and story.ends[-1].alive == []


def test_what_was_done_is_not_measured_again(story: Story) -> None:
    assert {name: digest for name, digest in story.parts.items() if name in story.kept} == story.kept != {}
    assert not any(f"[1/{len(CELLS)}]" in end.output for end in story.ends)


def test_without_a_terminal_there_are_plain_lines(story: Story) -> None:
    for end in story.ends:
        assert "\x1b" not in end.output and "\r" not in end.output
    for number in range(3, len(CELLS) + 1):
        assert any(f"[{number}/{len(CELLS)}]" in end.output for end in story.ends)


def test_the_machine_and_versions_are_named(story: Story) -> None:
    about = dict(line.split(": ", 1) for line in (story.folder / "about.txt").read_text().splitlines())
    assert about["scale"] == "small" and about["repetitions"] == "1" and about["kernel"] == os.uname().release
    assert re.search(r"\d+ CPUs, \d+ MB of memory", about["machine"])
    assert re.fullmatch(r"Docker \d\S*, containerd \d\S*, runc \d\S*", about["engine"])
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", about["reaperd"])
    assert re.fullmatch(r"overlay\S+( on \w+)?, [\w-]+", about["storage"])
    assert about["experiment"] == sources.digest()


def test_a_complete_run_measures_nothing_and_draws_the_same(story: Story) -> None:
    def pictures() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in story.folder.glob("figure*") if path.is_file()}

    before = pictures()
    end = story.again()
    assert end.status == 0 and f"All {len(CELLS)} cells are done" in end.words
    assert "nothing is measured again" in end.words
    assert digests(story.folder / "parts") == story.parts and pictures() == before


def test_it_does_not_begin_beside_what_a_killed_run_has_left(story: Story) -> None:
    with subprocess.Popen(["true"]) as nobody:
        nobody.wait()
    with tempfile.TemporaryDirectory(prefix=f"rp-{nobody.pid}-1-", dir="/tmp") as left:
        end = story.again()
        assert end.status == 1 and "EXPERIMENT_OPTIONS=--clean-up" in end.words and "Traceback" not in end.words
        assert f"Process {nobody.pid} was killed" in end.words and left in end.words
        assert Path(left).is_dir()


@pytest.mark.parametrize("arguments, said", [
    (["--set=containers=11"], f"containers is 11, was {SIZES.containers}"),
    (["--set=layer_mb=5"], f"layer_mb is 5, was {SIZES.loads[0].layer_bytes / MB:g}"),
    (["--scale=full"], "scale is full, was small")])
def test_other_sizes_are_not_mixed_with_it(story: Story, arguments: list[str], said: str) -> None:
    end = story.again(*arguments)
    assert end.status == 1 and said in end.words and "Choose another folder" in end.words
    assert digests(story.folder / "parts") == story.parts
