# SPDX-License-Identifier: Apache-2.0
"""The oracle tested on made-up histories: each kind of fault must be found.

Every test begins with a history in which all is well (test_clean proves that)
and breaks one thing in it; the oracle has to name exactly that.
"""

from __future__ import annotations

from typing import Any

import pytest

from history import EngineLife, Look
from oracle import judge
from scene import A, B, NODE, T, Scene

def task(state: str, slot: int = 1, **status: Any) -> dict[str, Any]:
    return {"ServiceID": "svc", "Slot": slot, "Status": {"State": state, **status}}


def test_clean() -> None:
    scene = Scene()
    scene.remove(T + 12.5)
    verdict = judge(scene.h).assert_clean()
    assert verdict.removed == {A} and verdict.awaited == {A}


@pytest.mark.parametrize(("look", "signal", "due"), [
    ({}, 0, 12), ({"exit_code": 3}, 0, 25), ({"exit_code": 137, "oom_killed": True}, 0, 18),
    ({"exit_code": 0, "oom_killed": True}, 0, 12), ({"exit_code": 143}, 0, 14),
    ({"exit_code": 137}, 15, 14), ({"exit_code": 0}, 15, 14), ({"exit_code": 137}, 1, 25),
    ({"exit_code": 137, "oom_killed": True}, 9, 18), ({"exit_code": 1, "state": "dead"}, 0, 25),
])
def test_due_by_outcome(look: dict[str, Any], signal: int, due: float) -> None:
    """Just before the due time is early, just after is right, 5 s later overdue."""
    for age, kinds in ((due - 0.2, {"early"}), (due + 0.2, set()), (due + 4.8, set()),
                       (due + 5.5, {"overdue"})):
        scene = Scene(**look)
        if signal:
            scene.event(T - 1, "kill", signal)
        scene.remove(T + age)
        assert scene.kinds() == kinds, age


def test_floor_is_above_the_span() -> None:
    scene = Scene({"Success": "0"})
    scene.remove(T + 9.8)
    assert scene.kinds() == {"early"}


def test_infinity() -> None:
    scene = Scene({"Success": "infinity"})
    assert scene.kinds() == set()
    scene.remove(T + 90)
    assert scene.kinds() == {"never-due"}


def test_overdue_for_ever() -> None:
    assert Scene().kinds() == {"overdue"}


def test_slow_engine_is_not_overdue() -> None:
    """What counts is when the DELETE that succeeded was sent."""
    for sent, kinds in ((12.5, set()), (17.5, {"overdue"})):
        scene = Scene()
        scene.remove(T + sent)
        scene.h.events[-1].time = T + 25
        assert scene.kinds() == kinds, sent
    scene = Scene()
    scene.remove(T + 12.5, status=500)
    scene.remove(T + 19)
    assert scene.kinds() == {"overdue"}


def test_stuck_is_not_overdue() -> None:
    scene = Scene()
    scene.h.stuck.add(A)
    scene.remove(T + 13, status=500)
    assert scene.kinds() == set()


def test_overdue_not_while_reaperd_was_away() -> None:
    for away in ("run", "blocked", "engine", "short"):
        scene = Scene()
        if away == "run":
            scene.run.end = T + 16
        elif away == "blocked":
            scene.run.blocked = [(T + 10, T + 90)]
        elif away == "engine":
            scene.h.lives = [EngineLife(T - 200, T - 199, T + 9, T + 10), EngineLife(T + 85, T + 90)]
        else:
            scene.run.blocked = [(T + 10, T + 60)]      # 40 s are left for it
        assert scene.kinds() == ({"overdue"} if away == "short" else set()), away


def test_unseen_kill_leaves_both_possible() -> None:
    """A run that was not connected may take a shutdown for a failure, or not."""
    for age, kinds in ((13.5, {"early"}), (14.5, set()), (26, set()), (30.5, {"overdue"})):
        scene = Scene(exit_code=137)
        scene.event(T - 1, "kill", 15)
        scene.stream.answered = T + 1
        scene.remove(T + age)
        assert scene.kinds() == kinds, age


def test_kill_of_an_earlier_start_does_not_count() -> None:
    scene = Scene(exit_code=137)
    scene.event(T - 5.5, "kill", 15)
    scene.remove(T + 15)
    assert scene.kinds() == {"early"}


def test_dry_run() -> None:
    scene = Scene()
    scene.run.dry_run = True
    assert scene.kinds() == set()
    scene.remove(T + 13)
    assert scene.kinds() == {"dry-run-delete"}


def test_once() -> None:
    scene = Scene()
    scene.run.once, scene.run.start, scene.run.end = True, T + 20, T + 21
    scene.stream.time = T + 20.1
    assert scene.kinds() == {"overdue"}
    scene.remove(T + 20.5)
    assert scene.kinds() == set()


def test_not_a_task() -> None:
    scene = Scene()
    del scene.h.is_task[A]
    scene.remove(T + 13)
    assert scene.kinds() == {"not-a-task"}


def test_running() -> None:
    scene = Scene()
    scene.event(T + 2, "start")
    scene.remove(T + 13)
    assert "running" in scene.kinds()
    scene = Scene(state="running", finished=0.0)
    scene.remove(T + 13, status=409)
    assert scene.kinds() == {"running"}


def test_created_is_not_stopped() -> None:
    scene = Scene(state="created", finished=0.0)
    scene.remove(T + 60)
    assert scene.kinds() == {"starting"}


def test_failed_start() -> None:
    """Due at creation + FailedStart and the floor after the first look at it."""
    ripe = T - 6 + 15
    for looked, removed, kinds in ((ripe, ripe + 10.2, set()), (ripe, ripe + 9.5, {"early"}),
                                   (ripe - 9, ripe + 1.1, set()), (ripe - 9, ripe - 0.5, {"early"}),
                                   (ripe, ripe + 16, {"overdue"})):
        scene = Scene(state="created", finished=0.0, error="no such file", exit_code=127)
        scene.call(looked, "GET", f"/v1.41/containers/{A}/json", 200)
        scene.look.time = T - 5
        scene.remove(removed)
        assert scene.kinds() == kinds, (looked - ripe, removed - ripe)


def test_failed_start_needs_an_exit_code() -> None:
    scene = Scene(state="created", finished=0.0, error="network not ready")
    scene.remove(T + 60)
    assert scene.kinds() == {"starting"}


def test_unsettled() -> None:
    scene = Scene({"SettleTime": "60s"})
    scene.h.lives = [EngineLife(T - 20, T - 19)]
    scene.h.runs[0].start = T - 18
    scene.stream.time = T - 17
    scene.remove(T + 39)
    assert scene.kinds() == {"unsettled"}
    scene = Scene({"SettleTime": "60s"})
    scene.h.lives = [EngineLife(T - 20, T - 19)]
    scene.h.runs[0].start = T - 18
    scene.stream.time = T - 17
    scene.remove(T + 41)
    assert scene.kinds() == set()


def test_orphan() -> None:
    for node, age, kinds in (("other", 11.2, set()), ("other", 10.5, {"early"}),
                             (NODE, 11.2, {"early"}), ("other", 18, {"overdue"})):
        scene = Scene({"Success": "infinity" if node == "other" else "12s"})
        scene.h.node_ids = [(T - 150, node)]
        scene.remove(T + age)
        assert scene.kinds() == kinds, (node, age)


def test_orphan_in_no_swarm() -> None:
    """Known only at the second resync; a Swarm that is joined later is no excuse."""
    for rejoined, age, kinds in ((T + 90, 24.5, set()), (T + 90, 27, {"overdue"}),
                                 (T - 20, 24.5, {"overdue"}), (T - 20, 10, {"early"})):
        scene = Scene({"Success": "infinity"})
        scene.run.start = T
        scene.stream.time = T
        scene.h.node_ids = [(T - 150, NODE), (T - 50, ""), (rejoined, "other")]
        if rejoined < T:
            del scene.h.node_ids[1]
        scene.remove(T + age)
        assert scene.kinds() == kinds, (rejoined, age)


@pytest.mark.parametrize(("query", "settings", "kinds"), [
    ("?v=1&force=1", {}, {"force"}), ("?force=0&v=1", {}, {"force"}), ("", {}, {"volumes"}),
    ("?v=0", {}, {"volumes"}), ("?v=1&link=1", {}, {"volumes"}),
    ("?v=1", {"RemoveVolumes": "never"}, {"volumes"}), ("", {"RemoveVolumes": "never"}, set()),
    ("?v=1", {"RemoveVolumes": "always"}, set()),
])
def test_query(query: str, settings: dict[str, Any], kinds: set[str]) -> None:
    scene = Scene(settings)
    scene.remove(T + 13, query)
    assert scene.kinds() == kinds


def test_bad_path() -> None:
    scene = Scene()
    scene.remove(T + 13)
    scene.call(T + 14, "DELETE", f"/v1.41/containers/{A[:12]}?v=1", 404)
    assert scene.kinds() == {"bad-path"}


def test_no_inspect() -> None:
    for change in ("none", "failed", "other", "old"):
        scene = Scene()
        scene.remove(T + 13)
        inspect = scene.h.calls[-2]
        if change == "none":
            scene.h.calls.remove(inspect)
        elif change == "failed":
            inspect.status = 500
        elif change == "other":
            inspect.target = f"/v1.41/containers/{B}/json"
        else:
            inspect.time, inspect.ended = T + 3, T + 3.1
        assert scene.kinds() == {"no-inspect"}, change


def test_foreign_call_and_stray() -> None:
    for method, target, when, kind in (
            ("POST", "/v1.41/containers/prune", T + 1, "foreign-call"),
            ("GET", "/v1.41/containers/json?size=1", T + 1, "foreign-call"),
            ("GET", "/v1.41/info", T - 110, "stray")):
        scene = Scene()
        scene.remove(T + 13)
        scene.call(when, method, target, 200)
        assert scene.kinds() == {kind}


def test_in_flight_and_parallelism() -> None:
    scene = Scene()
    scene.remove(T + 13).ended = T + 14
    scene.call(T + 13.5, "GET", f"/v1.41/containers/{A}/json", 404)
    assert scene.kinds() == {"in-flight"}
    scene = Scene({"Parallelism": 2})
    scene.remove(T + 13)
    for digit in "cde":
        scene.call(T + 20, "GET", f"/v1.41/containers/{digit * 64}/json", 200, 0.5)
    assert scene.kinds() == {"parallelism"}


def test_vanished() -> None:
    scene = Scene()
    scene.event(T + 3, "destroy")
    assert scene.kinds() == {"vanished"}
    scene.h.let_go["svc"] = T + 4
    assert scene.kinds() == {"vanished"}
    scene.h.let_go["svc"] = T + 2
    assert scene.kinds() == set()


def test_swarm_removes_when_its_manager_stops() -> None:
    """Engine 20.10 removes task containers itself then; not so those of others."""
    for when, status, kinds in ((T + 10.5, 0, set()), (T + 9, 0, {"outcome", "vanished"}),
                                (T + 10.5, 204, {"early", "outcome"})):
        scene = Scene(exit_code=137)
        scene.h.lives = [EngineLife(T - 200, T - 199, T + 10, T + 12), EngineLife(T + 13, T + 14)]
        scene.h.tasks["t1"] = [(T + 15, task("failed", Err="No such container: x",
                                             ContainerStatus={"ContainerID": A}))]
        if status:
            scene.remove(when, status=status)
        else:
            scene.event(when, "destroy")
        assert scene.kinds() == kinds, (when, status)


def test_vanished_plain_container() -> None:
    """The forged label of a service that was let go does not cover it."""
    scene = Scene()
    scene.remove(T + 13)
    scene.h.listed[B] = T
    scene.h.looks[B] = [Look(T + 1, "exited", finished=T, labels=scene.labels)]
    scene.h.let_go["svc"] = T
    assert scene.kinds() == set()
    scene.h.gone[B] = T + 30                # without any event
    assert scene.kinds() == {"vanished"}


def test_unknown() -> None:
    scene = Scene()
    scene.remove(T + 13)
    scene.h.is_task[B] = T
    scene.call(T + 19.9, "GET", f"/v1.41/containers/{B}/json", 200)
    scene.call(T + 20, "DELETE", f"/v1.41/containers/{B}?v=1", 204)
    assert scene.kinds() == {"unknown"}


def test_recorder_trouble_is_a_fault() -> None:
    scene = Scene()
    scene.remove(T + 13)
    scene.h.troubles.append("lost")
    assert scene.kinds() == {"recorder"}


@pytest.mark.parametrize(("past", "kinds"), [
    ([task("running"), task("complete")], set()),
    ([task("complete"), task("failed")], {"outcome"}),
    ([task("complete"), task("complete", Err="x")], {"outcome"}),
    ([task("running"), task("failed", Err="No such container: x")], {"outcome"}),
    ([task("running"), task("failed", ContainerStatus={"ContainerID": A})], {"outcome"}),
    ([task("failed", Err="task: non-zero exit (3)")], set()),
])
def test_task_outcome(past: list[dict[str, Any]], kinds: set[str]) -> None:
    scene = Scene()
    scene.remove(T + 13)
    scene.h.tasks["t1"] = [(T + i, each) for i, each in enumerate(past)]
    assert scene.kinds() == kinds


def test_lost_task() -> None:
    scene = Scene()
    scene.remove(T + 13)
    scene.h.tasks["t1"] = [(T, task("complete"))]
    scene.h.lost_tasks["t1"] = T + 20
    assert scene.kinds() == {"outcome"}
    scene.h.let_go["svc"] = T + 19
    assert scene.kinds() == set()


def test_ran_twice() -> None:
    for slot, job, kinds in ((1, True, {"ran-twice"}), (2, True, set()), (1, False, set())):
        scene = Scene()
        scene.remove(T + 13)
        scene.h.jobs = {"svc"} if job else set()
        scene.h.tasks = {"t1": [(T, task("failed"))], "t2": [(T, task("complete", slot))]}
        assert scene.kinds() == kinds, (slot, job)
