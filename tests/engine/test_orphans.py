# SPDX-License-Identifier: Apache-2.0
"""Tasks of a Swarm that the node is no longer in: nothing else removes them.

With Success=infinity only an orphan can go.  The node is first in no Swarm,
which has to be seen at two resyncs, then in another one.
"""

from __future__ import annotations

from typing import Iterator

import pytest

from bench import Bench
from lab import until

SETTINGS = {"Success": "infinity", "OrphanAge": "10s", "ResyncInterval": "10s"}


@pytest.fixture(autouse=True)
def alone(bench: Bench) -> Iterator[None]:
    """No run outlives its test, also when that fails."""
    yield
    bench.stop_reapers()


def recorded(bench: Bench, node: str) -> None:
    """Wait until the recorder has seen the change, so that it misses none."""
    until(lambda: bench.recorder.history.node_ids[-1][1] == node, 10, "the record of it")


def leave(bench: Bench) -> None:
    bench.recorder.let_all_go()
    bench.engine.lose_swarm()
    recorded(bench, "")


def join(bench: Bench) -> None:
    recorded(bench, bench.engine.init_swarm())


def stopped_task(bench: Bench, name: str) -> set[str]:
    service = bench.swarm.create(name, ["true"], replicas=2)
    bench.swarm.await_tasks(service, "complete", 2)
    return bench.await_stopped(service, 2)


def deletes(bench: Bench, containers: set[str]) -> list[float]:
    return [call.time for call in bench.proxy.snapshot()
            if call.method == "DELETE" and call.container in containers]


def test_in_no_swarm(bench: Bench) -> None:
    """Only when two resyncs have seen it so."""
    containers = stopped_task(bench, "first")
    until(lambda: bench.age(containers) > 10.5, 15, "age for an orphan")
    leave(bench)
    assert containers <= bench.ids(), "its stopped containers are left"
    reaper = bench.reaper(settings=SETTINGS).await_ready()
    bench.await_gone(containers, 30)
    infos = [call.time for call in bench.proxy.snapshot() if call.path == "/info"]
    assert len([when for when in infos if when < min(deletes(bench, containers))]) >= 2
    records = [line for line in reaper.said("Removed ") if ": orphan, age " in line]
    assert len(records) == 2, reaper.log
    assert reaper.stop() == 0


def test_in_another_swarm(bench: Bench) -> None:
    """Tasks of the former node go, those of the present one stay."""
    join(bench)
    former = stopped_task(bench, "second")
    reaper = bench.reaper(settings=SETTINGS).await_ready()
    leave(bench)
    join(bench)
    present = stopped_task(bench, "third")
    bench.await_gone(former, 30)
    until(lambda: bench.age(present) > 12, 20, "the age at which an orphan would go")
    assert present <= bench.ids()
    assert reaper.stop() == 0
    assert not deletes(bench, present)


def test_oracle(bench: Bench) -> None:
    assert len(bench.judge().removed) == 4
