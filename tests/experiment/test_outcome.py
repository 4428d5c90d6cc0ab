# SPDX-License-Identifier: Apache-2.0
"""What tasks came to, from made-up lists of a manager."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from experiment.outcome import OFTEN, SELDOM, Outcomes, Watch, pause_after, wall

SERVICES = {"id-churn": "churn", "id-delayed": "delayed"}
NOON = wall("2026-11-23T12:00:00Z")


def task(ident: str, state: str, second: int = 0, service: str = "id-churn", error: str = "",
         code: int | None = None) -> dict[str, Any]:
    status: dict[str, Any] = {"State": state, "Timestamp": f"2026-11-23T12:00:{second:02}.123456789Z"}
    if error:
        status["Err"] = error
    if code is not None:
        status["ContainerStatus"] = {"ContainerID": "c" * 64, "PID": 0, "ExitCode": code}
    return {"ID": ident, "ServiceID": service, "Status": status}


def record(*lists: list[dict[str, Any]]) -> Outcomes:
    outcomes = Outcomes(SERVICES)
    for each in lists:
        outcomes.note(each)
    return outcomes


def test_tasks_count_from_the_moment_they_ended_in() -> None:
    outcomes = record([task("a", "complete", 3, code=0), task("b", "complete", 5, code=0), task("c", "running", 1)])
    assert [outcomes.ended("churn", NOON + second) for second in (3, 4, 5.2, 60)] == [0, 1, 2, 2]
    assert outcomes.damaged("churn", NOON + 60) == []


def test_services_are_told_apart_and_others_are_not_ours() -> None:
    outcomes = record([task("a", "complete"), task("b", "failed", service="id-delayed"),
                       task("c", "failed", service="id-of-somebody")])
    assert (outcomes.ended("churn", NOON + 60), outcomes.ended("delayed", NOON + 60)) == (1, 1)
    assert (len(outcomes.damaged("churn", NOON + 60)), len(outcomes.damaged("delayed", NOON + 60))) == (0, 1)


@pytest.mark.parametrize("state", ("failed", "shutdown", "rejected", "orphaned", "remove"))
def test_an_end_that_is_not_complete_is_damage(state: str) -> None:
    outcomes = record([task("a", state, 2, error="No such container: churn.1.a")])
    assert [str(each) for each in outcomes.damaged("churn", NOON + 60)] == [f"{state} (No such container: churn.1.a)"]
    assert outcomes.damaged("churn", NOON + 1) == []        # later than that


def test_complete_with_another_exit_code_is_damage() -> None:
    assert len(record([task("a", "complete", code=137)]).damaged("churn", NOON + 60)) == 1


def test_an_outcome_that_changes_is_damage_and_both_are_told() -> None:
    outcomes = record([task("a", "complete", 2, code=0)], [task("a", "failed", 9, error="No such container", code=0)])
    assert outcomes.ended("churn", NOON + 5) == 1           # it had ended then
    assert [str(each) for each in outcomes.damaged("churn", NOON + 5)] == [
        "complete, exit code 0, later failed, exit code 0 (No such container)"]


def test_one_that_goes_on_after_its_end_is_damage() -> None:
    assert len(record([task("a", "complete")], [task("a", "running")]).damaged("churn", NOON + 60)) == 1


def test_one_that_changes_back_stays_damaged() -> None:
    lists = [[task("a", state)] for state in ("complete", "failed", "complete")]
    assert len(record(*lists).damaged("churn", NOON + 60)) == 1


def test_what_swarm_trims_stays_in_the_record() -> None:
    going = task("c", "running")
    outcomes = record([task("a", "complete", 1), task("b", "failed", 2), going], [going])
    assert (outcomes.ended("churn", NOON + 60), len(outcomes.damaged("churn", NOON + 60)), outcomes.missed) == (2, 1, 0)


def test_one_that_is_gone_before_its_end_was_seen_is_missed() -> None:
    outcomes = record([task("a", "running"), task("b", "running"), task("x", "running", service="other")],
                      [task("b", "running")], [task("b", "complete")])
    assert (outcomes.missed, outcomes.ended("churn", NOON + 60)) == (1, 1)


def test_looking_takes_a_part_of_the_time_at_most() -> None:
    assert (pause_after(0.001), pause_after(0.05), pause_after(9)) == (OFTEN, pytest.approx(2.5), SELDOM)


class FakeClient:
    def __init__(self, error: Exception | None = None) -> None:
        self.asked, self._error = threading.Event(), error

    def get(self, path: str) -> list[dict[str, Any]]:
        assert path == "/tasks"
        self.asked.set()
        if self._error:
            raise self._error
        return [task("a", "complete", 1)]


def test_a_watch_looks_by_itself_and_ends_at_once() -> None:
    client = FakeClient()
    with Watch(client, SERVICES) as watch:      # type: ignore[arg-type]
        assert client.asked.wait(10)
        watch.close()
        watch.check()
        assert watch.ended("churn", NOON + 60) == 1


def test_what_a_watch_meets_comes_out_of_check() -> None:
    client = FakeClient(ConnectionError("no engine"))
    with Watch(client, SERVICES) as watch:      # type: ignore[arg-type]
        assert client.asked.wait(10)
        watch.close()
        with pytest.raises(ConnectionError, match="no engine"):
            watch.check()
