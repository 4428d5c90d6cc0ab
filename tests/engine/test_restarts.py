# SPDX-License-Identifier: Apache-2.0
"""Restarts and lost events: nothing is lost by them, nothing is taken too soon.

The tests share an engine and run one after the other; the oracle judges the
whole at the end, over all runs of reaperd and all lives of the engine.
"""

from __future__ import annotations

import pytest

from bench import Bench
from lab.workload import TERMINAL

SETTINGS = {"Success": "11s", "Failure": "13s", "Shutdown": "12s", "ResyncInterval": "30s"}


@pytest.fixture(scope="module")
def engine_bench(bench: Bench) -> Bench:
    bench.reaper(settings=SETTINGS).await_ready()
    return bench


def test_reaperd_restarted_in_the_middle(engine_bench: Bench) -> None:
    """Containers that ended under one run are removed by the next, at their time."""
    bench = engine_bench
    service = bench.swarm.create("first", ["true"], replicas=4)
    late = bench.swarm.create("late", ["sleep", "4"], replicas=2)
    bench.await_stopped(service, 4)
    assert bench.reapers[-1].stop() == 0
    bench.await_stopped(late, 2)                # dies while no reaperd runs
    bench.reaper(settings=SETTINGS).await_ready()
    bench.reapers[-1].kill()                    # and once without a farewell
    bench.reaper(settings=SETTINGS).await_ready()
    bench.await_gone(bench.of_service(service) | bench.of_service(late), 30)


def test_events_missed_while_disconnected(engine_bench: Bench) -> None:
    """Containers start and die while the connection is cut; both ways of it."""
    bench = engine_bench
    before = bench.swarm.create("before", ["sleep", "3"], replicas=2)
    bench.swarm.await_tasks(before, "running", 2)
    bench.proxy.cut()
    missed = bench.swarm.create("missed", ["sh", "-c", "exit 7"], replicas=3)
    bench.await_stopped(missed, 3)
    bench.await_stopped(before, 2)
    bench.proxy.mend()
    reaper = bench.reapers[-1]
    frozen = bench.swarm.create("frozen", ["sleep", "1"], replicas=2)
    bench.swarm.await_tasks(frozen, "running", 2)
    reaper.pause()
    bench.await_stopped(frozen, 2)
    reaper.resume()
    for service in (before, missed, frozen):
        bench.await_gone(bench.of_service(service), 40)


@pytest.mark.parametrize("hard", [True, False], ids=["SIGKILL", "SIGTERM"])
def test_engine_restarted_in_the_middle(engine_bench: Bench, hard: bool) -> None:
    """reaperd comes back to the engine, and takes what stopped before and after.

    What ended before is still there only after SIGKILL: told to end, engine
    20.10 with a manager on it removes its task containers itself.
    """
    bench = engine_bench
    name = "hard" if hard else "soft"
    ended = bench.swarm.create(f"{name}-ended", ["true"], replicas=3)
    running = bench.swarm.create(f"{name}-running", ["sleep", "1000"], replicas=2, restart="any")
    bench.swarm.await_tasks(running, "running", 2)
    stopped = bench.await_stopped(ended, 3)
    bench.engine.restart(hard=hard)
    if hard:
        assert stopped <= bench.ids()
        # Its running tasks ended with it; Swarm starts others in their place.
        stopped |= bench.await_stopped(running, 2, 40)
    bench.swarm.await_tasks(running, "running", 2, 40)
    after = bench.swarm.create(f"{name}-after", ["true"], replicas=2)
    stopped |= bench.await_stopped(after, 2)
    bench.await_gone(stopped, 50)
    assert bench.reapers[-1].process.poll() is None, "reaperd lives through it"
    running_now = {i["Id"] for i in bench.engine.client.containers(status="running")}
    assert len(running_now & bench.of_service(running)) == 2


def test_oracle(engine_bench: Bench) -> None:
    """Over everything above; the tasks of all services kept their outcomes."""
    verdict = engine_bench.judge()
    assert len(verdict.removed) >= 4 + 2 + 2 + 3 + 2 + (3 + 2 + 2) + 2
    history = engine_bench.history()
    assert len(history.lives) == 3 and len(history.runs) == 3
    ended = [past for past in history.tasks.values()
             if past[-1][1]["Status"]["State"] in TERMINAL]
    assert len(ended) >= 16
