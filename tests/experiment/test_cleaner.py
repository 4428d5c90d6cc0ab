# SPDX-License-Identifier: Apache-2.0
"""The cleaners: what they are told, what they cost, how they end. With a docker and a reaperd that are scripts."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Iterator

import pytest

from experiment import cleaner
from experiment.cleaner import Nobody, Prune, Reaperds, pruned, settings
from experiment.rig import Interrupted, Rig, Trouble
from experiment.sizes import SMALL
from lab.reaper import config_text

ID = "0123456789abcdef" * 4
SAID = f"Deleted Containers:\n{ID}\n{ID[::-1]}\n\nTotal reclaimed space: 4MB\n"
NOTIFY = ("import os, socket; "
          "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])")


@dataclass
class FakeNode:
    hostname: str
    dir: Path
    socket: str = "/tmp/x.sock"


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(cleaner, "inside", lambda node: [])
    return Rig(replace(SMALL, prune_every_s=0.05), tmp_path / "reaperd", lambda: None, lambda _: None)


def nodes(folder: Path) -> list[Any]:
    return [FakeNode("node1", folder), FakeNode("node2", folder)]


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def reaperd(rig: Rig, ends_with: int, then: str = "while :; do sleep 0.05; done") -> None:
    """One that says that it is ready, and then does that until it is told to end."""
    program(rig.reaperd, f"trap 'echo reaperd: ending >&2; exit {ends_with}' TERM\n"
                         f'/usr/bin/python3 -c "{NOTIFY}"\n{then}')


def test_what_prune_names_is_found() -> None:
    assert pruned(SAID) == {ID, ID[::-1]}
    assert pruned("Total reclaimed space: 0B\n") == set()
    assert pruned(f"Error: {ID}\n{ID[1:]}\n{ID.upper()}\n") == set()


def test_reaperd_keeps_for_the_time_that_sizes_say() -> None:
    told = settings(replace(SMALL, keep_s=17))
    assert [told[key] for key in ("MinimumAge", "Success", "Failure")] == ["17s"] * 3
    config_text(told)       # refuses what it does not know


def test_nobody_costs_nothing() -> None:
    with Nobody() as nobody:
        nobody.check()
        cost = nobody.finish()
    assert (cost.cpu, cost.anon, cost.rss, nobody.removed()) == (0.0, None, None, set())


def test_prune_runs_on_each_node_and_its_cost_is_added_up(rig: Rig, tmp_path: Path) -> None:
    program(tmp_path / "docker", f'echo "$@" >> {tmp_path}/calls; printf "%s" "{SAID}"; '
                                 "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
    with Prune(rig, nodes(tmp_path), rig.sizes) as prune:
        _await(lambda: prune.removed())
        cost = prune.finish()
    calls = (tmp_path / "calls").read_text().splitlines()
    assert set(calls) == {"--host unix:///tmp/x.sock container prune --force"}
    assert prune.removed() == {ID, ID[::-1]}
    assert cost.cpu > 0 and cost.rss and cost.anon is None
    time.sleep(0.2)
    assert (tmp_path / "calls").read_text().splitlines() == calls       # it is over


def test_a_prune_that_fails_is_told(rig: Rig, tmp_path: Path) -> None:
    program(tmp_path / "docker", "echo a prune operation is already running; exit 1")
    with Prune(rig, nodes(tmp_path), rig.sizes) as prune, pytest.raises(Trouble, match="already running"):
        _await(prune.check)


def test_prunes_are_broken_off_when_the_run_is(rig: Rig, tmp_path: Path) -> None:
    program(tmp_path / "docker", f"echo $$ >> {tmp_path}/pids; exec sleep 100")
    began = time.monotonic()
    with pytest.raises(Interrupted), Prune(rig, nodes(tmp_path), rig.sizes):
        _await(lambda: (tmp_path / "pids").exists() and len((tmp_path / "pids").read_text().split()) == 2)
        raise Interrupted
    assert time.monotonic() - began < 60
    assert not [pid for pid in (tmp_path / "pids").read_text().split() if Path("/proc", pid).exists()]


def test_reaperds_run_on_all_nodes_and_end(rig: Rig, tmp_path: Path) -> None:
    reaperd(rig, 0)
    with Reaperds(rig, nodes(tmp_path), rig.sizes) as reaperds:
        reaperds.check()
        pids = list(_pids(reaperds))
        cost = reaperds.finish()
    assert len(pids) == 2 and not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert cost.anon and cost.rss and cost.anon < 2 * cost.rss and cost.cpu >= 0


def test_a_reaperd_that_ends_by_itself_is_told_with_its_last_words(rig: Rig, tmp_path: Path) -> None:
    reaperd(rig, 0, f"while [ ! -e {tmp_path}/end ]; do sleep 0.05; done; echo reaperd: out of luck >&2; exit 4")
    with Reaperds(rig, nodes(tmp_path), rig.sizes) as reaperds:
        reaperds.check()
        (tmp_path / "end").touch()
        with pytest.raises(Trouble, match="node1 ended with status 4: .*out of luck"):
            reaperds._reapers[0][1].process.wait(20)
            reaperds.check()


def test_a_reaperd_that_does_not_end_well_is_told(rig: Rig, tmp_path: Path) -> None:
    reaperd(rig, 3)
    with pytest.raises(Trouble, match="node1 .* status 3: .*reaperd: ending"), \
            Reaperds(rig, nodes(tmp_path), rig.sizes) as reaperds:
        reaperds.finish()
    assert not [pid for pid in _pids(reaperds) if Path(f"/proc/{pid}").exists()]


def test_reaperds_are_ended_when_the_run_is_broken_off_as_they_start(rig: Rig, tmp_path: Path) -> None:
    reaperd(rig, 0)
    calls = []

    def go_on() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Interrupted

    rig.go_on = go_on
    reaperds = Reaperds(rig, nodes(tmp_path), rig.sizes)
    with pytest.raises(Interrupted), reaperds:
        pass
    pids = list(_pids(reaperds))
    assert len(pids) == 2 and not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def _pids(reaperds: Reaperds) -> Iterator[int]:
    return (reaper.process.pid for _, reaper in reaperds._reapers)


def _await(probe: Any) -> None:
    deadline = time.monotonic() + 20
    while not probe():
        assert time.monotonic() < deadline
        time.sleep(0.01)
