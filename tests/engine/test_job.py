# SPDX-License-Identifier: Apache-2.0
"""A job of 60 short tasks at the lowest floor, and what reaperd asks meanwhile.

Removing a task's container too soon after its end turns a COMPLETE task into
a FAILED one, and Swarm runs it again: here none may.  The same churn shows the
budget of engine calls.  RemoveVolumes=never is on, so that the volumes of the
job's tasks can be seen to stay.
"""

from __future__ import annotations

import pytest

from bench import Bench
from history import History
from lab import Call, until
from oracle import Judgement

TASKS = 60
SETTINGS = {"MinimumAge": "10s", "Success": "0", "Failure": "10s", "RemoveVolumes": "never"}


class Job:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.reaper(settings=SETTINGS).await_ready()
        self.service = bench.swarm.create(
            "job", ["true"], mode="replicated-job", replicas=TASKS, concurrent=15,
            mounts=[{"Type": "volume", "Target": "/data"}])
        bench.await_stopped(self.service, TASKS, 90)
        bench.await_gone(lambda: bench.of_service(self.service), 30)
        self.verdict: Judgement = bench.judge()
        self.history: History = bench.history()

    def calls(self, method: str, path: str = "") -> list[Call]:
        return [call for call in self.history.calls
                if call.method == method and call.path.startswith(path)]


@pytest.fixture(scope="module")
def job(bench: Bench) -> Job:
    with bench.scenario():
        return Job(bench)


def test_every_task_is_removed_and_in_time(job: Job) -> None:
    assert len(job.verdict.removed) == TASKS


def test_all_complete_none_run_twice(job: Job) -> None:
    tasks = job.bench.swarm.tasks(job.service)
    assert len(tasks) == TASKS and len({task.get("Slot", 0) for task in tasks}) == TASKS
    assert {task["Status"]["State"] for task in tasks} == {"complete"}
    assert len(job.bench.of_service(job.service)) == TASKS


def test_anonymous_volumes_are_kept_when_told_so(job: Job) -> None:
    assert len(job.bench.engine.client.get("/volumes")["Volumes"]) == TASKS


def test_two_calls_a_removal(job: Job) -> None:
    """An inspect and a DELETE each, and no more than one list for each.

    One that is due at its floor is inspected a second time once it has been measured.
    """
    assert len(job.calls("DELETE")) == TASKS
    inspects = [call for call in job.calls("GET", "/containers/") if call.container]
    measured = [line for line in job.bench.reapers[0].said("Removed ") if ", held " in line]
    assert len(inspects) == TASKS + len(measured)
    batches = [call for call in job.calls("GET", "/containers/json") if '"id"' in str(call.query)]
    assert len(batches) <= TASKS


def test_no_call_for_an_event(job: Job) -> None:
    """While 60 containers start and die, nothing is asked until the first is due."""
    looks = [looks[-1] for looks in job.history.looks.values()]
    first_due = min(look.finished for look in looks) + 10
    created = min(look.created for look in looks)
    during = [call for call in job.history.calls if created <= call.time < first_due]
    assert len([e for e in job.history.events if created <= e.time < first_due]) > TASKS
    assert len(during) <= 3, [f"{call.method} {call.target}" for call in during]


def test_a_resync_costs_three_calls(job: Job) -> None:
    """Idle with the shortest ResyncInterval: at most three GETs an interval."""
    job.bench.reapers[-1].stop()
    reaper = job.bench.reaper(settings={**SETTINGS, "ResyncInterval": "10s"}).await_ready()
    settled = len(job.bench.proxy.snapshot())
    begin = job.bench.proxy.snapshot()[-1].time
    lists = 2

    def enough() -> bool:
        return len([call for call in job.bench.proxy.snapshot()[settled:]
                    if call.path == "/containers/json"]) >= lists

    until(enough, 30, f"{lists} resyncs")
    calls = job.bench.proxy.snapshot()[settled:]
    took = calls[-1].time - begin
    assert reaper.stop() == 0
    assert len(calls) <= 3 * lists, [f"{call.method} {call.target}" for call in calls]
    assert took >= 10 * (lists - 1), "resyncs more often than ResyncInterval"
    assert not [call for call in calls if call.method != "GET"]
