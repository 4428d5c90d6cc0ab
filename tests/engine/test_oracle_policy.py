# SPDX-License-Identifier: Apache-2.0
"""The oracle on labels, rules, last ones, caps, reloads and waits: each kind of fault.

As in test_oracle.py every test begins with a history in which all is well,
breaks one thing in it, and has the oracle name exactly that.
"""

from __future__ import annotations

from typing import Any

import pytest

from history import Look
from scene import A, B, T, Scene

C, D = "c" * 64, "d" * 64
REAP = {"Kind": "other", "Action": "reap"}


def gone_at(age: float, settings: dict[str, Any], query: str = "?v=1", **look: Any) -> set[str]:
    """The faults if the one container of the scene is removed at that age."""
    scene = Scene(settings, **look)
    scene.remove(T + age, query)
    return scene.kinds()


# -- labels and rules -----------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "labels", "age", "kinds"), [
    ({}, {"ttl": "30s"}, 29.5, {"early"}), ({}, {"ttl": "30s"}, 30.5, set()),
    ({}, {"ttl": "30s"}, 35.5, {"overdue"}), ({}, {"ttl": "0"}, 9.5, {"early"}),
    ({"MaxTTL": "15s"}, {"ttl": "30s"}, 15.2, set()), ({"Honor": "no"}, {"ttl": "30s"}, 12.5, set()),
    ({}, {"ttl.failure": "30s"}, 12.5, set()), ({}, {"ttl": "infinity"}, 50, {"never-due"}),
    ({}, {"keep": "yes"}, 50, {"kept-label"}), ({}, {"keep": "no"}, 12.5, set()),
    ({"MaxTTL": "40s"}, {"keep": "yes"}, 39, {"kept-label"}),
    ({"MaxTTL": "40s"}, {"keep": "yes"}, 40.5, set()),
    ({"MaxTTL": "40s"}, {"keep": "yes"}, 46, {"overdue"}),
    ({}, {"ttl": "malformed"}, 12.5, set()),
    ({"Rule x": {"Success": "20s"}}, {}, 19, {"early"}), ({"Rule x": {"Success": "20s"}}, {}, 20.5, set()),
    ({"Rule x": {"Success": "20s"}}, {"ttl": "11s"}, 11.5, set()),
    ({"Rule x": {"Action": "keep"}}, {}, 50, {"kept-rule"}),
    ({"Rule x": {"Service": "db", "Action": "keep"}}, {}, 12.5, set()),
    ({"Rule y": {"Service": "web"}, "Rule x": {"Action": "keep"}}, {}, 12.5, set()),
    ({"MaxTTL": "40s", "Rule x": {"Action": "keep"}}, {"keep": "yes"}, 50, {"kept-rule"}),
    ({"Rule x": {"MinimumAge": "30s"}}, {}, 29, {"early"}),
])
def test_labels_and_rules(settings: dict[str, Any], labels: dict[str, str], age: float,
                          kinds: set[str]) -> None:
    ours = {f"org.reaperd.{key}": value for key, value in labels.items()}
    assert gone_at(age, settings, labels=ours) == kinds


def test_kept_ones_are_not_overdue() -> None:
    assert Scene({"Rule x": {"Action": "keep"}}).kinds() == set()
    assert Scene(labels={"org.reaperd.keep": "1"}).kinds() == set()


def test_plain_containers() -> None:
    """Only by a rule that lets it in, never if the engine minds it, v=1 only if always."""
    def kinds(settings: dict[str, Any], age: float = 12.5, query: str = "", **look: Any) -> set[str]:
        scene = Scene(settings)
        scene.remove(T + 12.5)
        scene.add(B, T, plain=True, **look)
        if age:
            scene.remove(T + age, query, container=B)
        return scene.kinds()

    assert kinds({}) == {"not-a-task"} and kinds({}, 0) == set()
    assert kinds({"Rule x": REAP}) == set() and kinds({"Rule x": REAP}, 0) == {"overdue"}
    assert kinds({"Rule x": {**REAP, "Kind": "any"}}) == set()
    assert kinds({"Rule x": {**REAP, "Kind": "task"}}) == {"not-a-task"}
    assert kinds({"Rule w": {"Kind": "any"}, "Rule x": REAP}) == {"not-a-task"}
    assert kinds({"Rule x": REAP}, 11) == {"early"}
    assert kinds({"Rule x": REAP}, 12.5, "?v=1") == {"volumes"}
    assert kinds({"RemoveVolumes": "always", "Rule x": REAP}, 12.5, "?v=1") == set()
    assert kinds({"RemoveVolumes": "always", "Rule x": REAP}) == {"volumes"}
    for key, kind in (("auto_remove", "auto-remove"), ("may_restart", "may-restart")):
        assert kinds({"Rule x": REAP}, **{key: True}) == {kind}
        assert kinds({"Rule x": REAP}, 0, **{key: True}) == set()


def test_auto_removed_ones_vanish_by_themselves() -> None:
    for auto, kinds in ((True, set()), (False, {"vanished"})):
        scene = Scene()
        scene.remove(T + 12.5)
        scene.add(B, T, plain=True, auto_remove=auto)
        scene.event(T + 0.5, "destroy", container=B)
        assert scene.kinds() == kinds


def test_kill_of_a_plain_container_is_not_in_a_stream_of_tasks() -> None:
    """A stream that was filtered for Swarm's label does not tell of it."""
    for target, kinds in (("/v1.41/events?filters=x", set()),
                          ('/v1.41/events?filters={"label":["com.docker.swarm.task"]}', {"overdue"})):
        scene = Scene({"Rule x": REAP, "Shutdown": "50s"})
        scene.remove(T + 12.5)
        scene.stream.target = target
        scene.add(B, T, plain=True, exit_code=137)
        scene.event(T - 1, "kill", 15, container=B)
        scene.remove(T + (50.5 if kinds == set() else 60), "", container=B)
        assert scene.kinds() == kinds, target


# -- the newest of a slot ---------------------------------------------------------------------


def last(settings: dict[str, Any], removals: dict[str, float], b: dict[str, Any] | None = None,
         **a: Any) -> set[str]:
    """A and, 10 s after it, B have stopped in one slot; what is removed when."""
    scene = Scene(settings, **a)
    scene.add(B, T + 10, **(b or {}))
    for container, age in removals.items():
        scene.remove(T + age, container=container)
    return scene.kinds()


def test_keep_last() -> None:
    one = {"KeepLast": 1}
    assert last(one, {A: 13}) == set()
    assert last(one, {A: 13, B: 30}) == {"kept-last"}
    assert last(one, {}) == {"overdue"}
    assert last(one, {A: 9.9}) == {"early"}, "the floor comes first"
    assert last({"KeepLast": 1, "Success": "5s"}, {A: 9.98}) == {"kept-last"}
    assert last(one, {A: 18.5}) == {"overdue"}
    assert last({"KeepLast": 2}, {}) == set() and last({"KeepLast": 2}, {A: 30}) == {"kept-last"}
    assert last({"KeepLast": "infinity"}, {A: 30}) == {"kept-last"}
    assert last(one, {A: 13}, {"labels": {"org.reaperd.keep-last": "0"}}) == {"overdue"}
    assert last(one, {A: 13, B: 23}, {"labels": {"org.reaperd.keep-last": "0"}}) == set()


def test_keep_last_for() -> None:
    assert last({"KeepLast": 1, "KeepLastFor": "40s"}, {A: 13, B: 50.5}) == set()
    assert last({"KeepLast": 1, "KeepLastFor": "40s"}, {A: 13, B: 49.5}) == {"kept-last"}
    assert last({"KeepLast": 1, "KeepLastFor": "40s"}, {A: 13, B: 56}) == {"overdue"}
    assert last({"KeepLast": 1, "KeepLastFor": "0"}, {A: 13, B: 23}) == set()


def test_slots_are_apart() -> None:
    """Another slot, another service, what is no task, an orphan: none of them counts."""
    for other in ({"slot": 2}, {"service": "db"}, {"plain": True}):
        assert "kept-last" in last({"KeepLast": 1, "Success": "20s", "Rule x": REAP}, {A: 25}, other)
    scene = Scene({"KeepLast": 1, "OrphanAge": "11s"})
    scene.add(B, T + 10, labels={"com.docker.swarm.node.id": "other"})
    scene.remove(T + 22, container=B)
    assert scene.kinds() == set(), "the orphan is not kept, and A is"


def test_keep_last_failure() -> None:
    one: dict[str, Any] = {"KeepLastFailure": 1, "Failure": "13s"}
    failed = {"exit_code": 3}
    assert last(one, {A: 13.5}, failed, **failed) == set()
    assert last(one, {A: 13.5, B: 40}, failed, **failed) == {"kept-failure"}
    assert last(one, {B: 22.5}, **failed) == set()
    assert last(one, {A: 13.5, B: 22.5}, **failed) == {"kept-failure"}, "B is no failure"
    assert last(one, {A: 12.5}, failed) == set()
    assert last(one, {A: 12.5, B: 24}, {"exit_code": 137, "oom_killed": True}) == {"kept-failure"}
    assert last({**one, "KeepLastFor": "20s"}, {A: 13.5, B: 30.5}, failed, **failed) == set()


def test_keep_last_failure_of_a_failed_start() -> None:
    broken: dict[str, Any] = {"state": "created", "finished": 0.0, "error": "no such file",
                              "exit_code": 127}
    for keep, kinds in ((1, {"kept-failure"}), (0, set())):
        scene = Scene({"KeepLastFailure": keep}, **broken)
        scene.call(T + 1, "GET", f"/v1.41/containers/{A}/json", 200)
        scene.look.time = T
        scene.remove(T + 12)
        assert scene.kinds() == kinds


def test_one_that_has_just_gone_may_still_count() -> None:
    """B went by hand half a second before A: the daemon may not know it yet."""
    for gap, kinds in ((0.5, set()), (3.0, {"kept-last"})):
        scene = Scene({"KeepLast": 1, "Success": "20s"})
        scene.add(B, T + 10)
        scene.h.let_go[B] = T + 15
        scene.event(T + 21, "destroy", container=B)
        scene.remove(T + 21 + gap)
        assert scene.kinds() == kinds, gap


def test_not_overdue_while_it_was_the_last() -> None:
    """Kept until another one stops, and again as soon as that has gone."""
    scene = Scene({"KeepLast": 1})
    scene.add(B, T + 40)
    scene.h.let_go[B] = T + 42
    scene.event(T + 42, "destroy", container=B)
    assert scene.kinds() == set()
    scene.h.let_go[B] = scene.h.events[-1].time = T + 50
    assert scene.kinds() == {"overdue"}
    scene.remove(T + 44)
    assert scene.kinds() == set()


# -- MaxStopped= ------------------------------------------------------------------------------


class Crowd(Scene):
    """A of web, then of another service B, C and D, nearly 2 s apart; nothing due soon."""

    def __init__(self, settings: dict[str, Any], first: dict[str, Any] | None = None,
                 **b: Any) -> None:
        super().__init__({"Success": "1h", "Failure": "1h", **settings}, **(first or {}))
        for step, container in enumerate((B, C, D), 1):
            self.add(container, T + 1.5 * step, service="db", slot=step, **(b if container == B else {}))


def crowd(most: Any, removals: dict[str, float], settings: dict[str, Any] | None = None,
          **options: Any) -> set[str]:
    scene = Crowd({"MaxStopped": most, **(settings or {})}, **options)
    for container, age in removals.items():
        scene.remove(T + age, container=container)
    return scene.kinds()


def test_max_stopped() -> None:
    assert crowd("infinity", {}) == set() and crowd(4, {}) == set()
    assert crowd(3, {B: 12}) == set()
    assert crowd(3, {}) == {"over-max"} and crowd(3, {B: 20}) == {"over-max"}
    assert crowd(3, {B: 11}) == {"early"}, "the floor holds"
    assert crowd(4, {B: 12}) == {"early", "over-cap"}
    assert crowd(3, {B: 12, C: 13.5}) == {"early", "over-cap"}
    assert crowd(2, {B: 12, C: 13.5}) == set() and crowd(2, {B: 12}) == {"over-max"}
    assert crowd(0, {A: 14.5, B: 14.6, C: 14.7, D: 14.8}) == set()


def test_max_stopped_takes_the_oldest_of_those_with_most() -> None:
    assert crowd(3, {C: 14}) == {"cap-order"}
    scene = Crowd({"MaxStopped": 5})
    for step, digit in enumerate("ef0", 4):
        scene.add(digit * 64, T + 4 + step / 10, service="db", slot=step)
    scene.remove(T + 15, container=A)
    scene.remove(T + 15, container=B)
    assert scene.kinds() == {"cap-order"}, "web had one, the other six"


def test_max_stopped_spares_what_is_kept() -> None:
    keep = {"org.reaperd.keep": "yes"}
    for b, settings, kind in (({"labels": keep}, {}, "kept-label"),
                              ({}, {"Rule x": {"Name": "db.1.*", "Action": "keep"}}, "kept-rule"),
                              ({"exit_code": 3}, {"KeepLastFailure": 1}, "kept-failure")):
        assert crowd(3, {B: 12}, settings, **b) == {kind}
        assert crowd(3, {C: 13}, settings, **b) == set(), "it takes the next"
        assert crowd(3, {}, settings, **b) == {"over-max"}
    assert crowd(3, {B: 12}, {"KeepLast": 1}) == set(), "but not KeepLast="
    assert crowd(0, {}, {"Rule x": {"Action": "keep"}}) == set(), "nothing may go"


def test_max_stopped_lets_go_what_is_due_anyway_first() -> None:
    due = {"Rule x": {"Service": "web", "Success": "11s"}}
    assert crowd(3, {A: 14}, due) == set()
    assert crowd(3, {B: 13.5, A: 14}, due) == {"early", "over-cap"}


def test_max_stopped_counts_what_is_in_scope() -> None:
    for settings, kinds in (({}, set()), ({"Rule x": REAP}, {"over-max"})):
        scene = Crowd({"MaxStopped": 4, **settings})
        scene.add("e" * 64, T + 4, plain=True)
        assert scene.kinds() == kinds


# -- reload, surge, first run -------------------------------------------------------------------


def reloaded(removed: float | None, settings: dict[str, Any], start: dict[str, Any] | None = None,
             **options: Any) -> set[str]:
    """A reload at T + 20; A is removed at some age, or is not."""
    scene = Scene({"Success": "1h", **(start or {})})
    scene.reload(T + 20, settings, **options)
    if removed is not None:
        scene.remove(T + removed)
    return scene.kinds()


def test_reload() -> None:
    assert reloaded(21, {}) == set() and reloaded(19, {}) == {"early"}
    assert reloaded(None, {}) == {"overdue"} and reloaded(29, {}) == {"overdue"}
    assert reloaded(None, {"Success": "1h"}) == set()
    assert reloaded(21, {"Success": "1h"}) == {"early"}
    assert reloaded(21, {}, good=False) == {"early"} and reloaded(None, {}, good=False) == set()


def test_reload_that_keeps() -> None:
    """The old configuration holds until the signal has its effect, not after it."""
    for removed, kinds in ((19.9, set()), (20.05, set()), (21, {"early"})):
        scene = Scene({"Success": "15s"})
        scene.reload(T + 20, {"Success": "1h"})
        scene.remove(T + removed)
        assert scene.kinds() - {"overdue"} == kinds, removed


def test_nothing_goes_before_the_list() -> None:
    assert reloaded(21, {}, listed=False) == {"before-list"}
    scene = Scene({"Success": "1h"})
    scene.reload(T + 20, {}, listed=False)
    scene.list(T + 20.9).ended = T + 21.5
    scene.remove(T + 21)
    assert scene.kinds() == {"before-list"}
    batch = 'GET /v1.41/containers/json?all=1&filters={"id":["x"],"is-task":["true"]}'
    scene = Scene({"Success": "1h"})
    scene.reload(T + 20, {}, listed=False)
    scene.call(T + 20.5, "GET", batch.split()[1], 200)
    scene.remove(T + 21)
    assert scene.kinds() == {"before-list"}, "a batch is not all"


def surge(removals: dict[str, float], limit: int = 2, delay: str = "30s",
          then: dict[str, Any] | None = None) -> set[str]:
    """A reload at T + 20 makes three due at once; perhaps one more 5 s later."""
    after = {"SurgeLimit": limit, "FirstRunDelay": delay}
    scene = Scene({"Success": "1h"})
    scene.add(B, T + 1)
    scene.add(C, T + 2)
    scene.reload(T + 20, after)
    if then is not None:
        scene.reload(T + 25, {**after, **then})
    for container, age in removals.items():
        scene.remove(T + age, container=container)
    return scene.kinds()


def test_surge() -> None:
    assert surge({A: 51, B: 51, C: 51}) == set()
    assert surge({A: 21, B: 51, C: 51}) == {"surge"}
    assert surge({A: 51, B: 51}) == {"overdue"} and surge({A: 58, B: 51, C: 51}) == {"overdue"}
    assert surge({A: 21, B: 21, C: 21}, limit=3) == set() and surge({}, limit=3) == {"overdue"}
    for off in ({"limit": 0}, {"delay": "0"}):
        assert surge({A: 21, B: 21, C: 21}, **off) == set() and surge({}, **off) == {"overdue"}


def test_second_reload_in_a_surge() -> None:
    """The wait goes on, unless the new configuration is without one."""
    assert surge({A: 51, B: 51, C: 51}, then={}) == set()
    assert surge({A: 26, B: 51, C: 51}, then={}) == {"surge"}
    assert surge({A: 26, B: 26, C: 26}, then={"SurgeLimit": 0}) == set()
    assert surge({}, then={"Success": "1h"}) == set()


def test_those_that_were_due_before_are_no_surge() -> None:
    scene = Scene({"Success": "12s", "SurgeLimit": 1, "FirstRunDelay": "30s"})
    scene.add(B, T)
    scene.reload(T + 14, {"SurgeLimit": 1, "FirstRunDelay": "30s"})
    for container in (A, B):
        scene.remove(T + 15, container=container)
    assert scene.kinds() == set()


def test_first_run() -> None:
    """Nothing goes until FirstRunDelay after the first complete list."""
    for first, removed, kinds in ((True, 14, {"first-run"}), (True, 20, set()), (False, 14, set()),
                                  (True, 26.5, {"overdue"})):
        scene = Scene({"FirstRunDelay": "20s"})
        scene.run.start, scene.run.first_run = T - 5, first
        scene.stream.time = T - 4.5
        scene.list(T - 1)
        scene.remove(T + removed)
        assert scene.kinds() == kinds, (first, removed)


# -- LogTail= ---------------------------------------------------------------------------------


def logs(query: str | None, tail: int = 5, again: bool = True, exit_code: int = 3) -> set[str]:
    """A failed container whose log is read (or not), inspected again (or not), removed."""
    scene = Scene({"LogTail": tail}, exit_code=exit_code)
    when = T + (25.5 if exit_code else 12.5)
    if query is not None:
        scene.call(when - 0.2, "GET", f"/v1.41/containers/{A}/logs{query}", 200)
    scene.remove(when)
    if not again:
        del scene.h.calls[-2]
        scene.call(when - 0.4, "GET", f"/v1.41/containers/{A}/json", 200)
    return scene.kinds()


def test_log_tail() -> None:
    good = "?stdout=1&stderr=1&tail=5"
    assert logs(good) == set() and logs(None, tail=0) == set()
    assert logs(good, again=False) == {"no-inspect"}
    assert logs(None) == {"no-log"}
    assert logs(good, tail=0) == {"logs"}
    assert logs(good, exit_code=0) == {"logs"} and logs(None, exit_code=0) == set()
    for bad in ("?stdout=1&stderr=1", "?stdout=1&stderr=1&tail=all", good + "&follow=1"):
        assert logs(bad) == {"logs"}


def test_only_what_is_needed_is_asked_for() -> None:
    for target, kinds in (("/v1.41/version", set()), ("/_ping", set()), ("/v1.41/info", set()),
                          (f"/v1.41/containers/{A}/top", {"foreign-call"}),
                          ("/v1.41/images/json", {"foreign-call"})):
        scene = Scene()
        scene.remove(T + 12.5)
        scene.call(T + 1, "GET", target, 200)
        assert scene.kinds() == kinds


def test_restarted_containers_do_not_count() -> None:
    """One that runs again is no newer stopped one, whatever it was before."""
    scene = Scene({"KeepLast": 1, "Success": "20s"})
    scene.add(B, T + 10)
    scene.event(T + 15, "start", container=B)
    scene.h.looks[B].append(Look(T + 16, "running", labels=scene.h.looks[B][0].labels,
                                 created=T + 4))
    scene.remove(T + 30)
    assert scene.kinds() == {"kept-last"}
