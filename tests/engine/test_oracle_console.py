# SPDX-License-Identifier: Apache-2.0
"""The oracle on what an operator asks for: each kind of fault.

As in test_oracle.py every test begins with a history in which all is well,
breaks one thing in it, and has the oracle name exactly that.
"""

from __future__ import annotations

from typing import Any

import pytest

from history import FOREVER
from scene import A, B, T, Scene

LONG: dict[str, Any] = {"Success": "1h", "Failure": "1h"}


def requested(scene: Scene, age: float, asked: bool = True, removed: bool = True, container: str = A,
              answered: bool = True) -> set[str]:
    """The faults if it is asked for at that age, and goes as requested."""
    if asked:
        scene.ask(T + age - 0.2, **{container[0]: answered})
    if removed:
        scene.remove_and_say(T + age, "", "requested", container)
    return scene.kinds()


# -- pauses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("begin", "end", "age", "kinds"), [
    (11, 50, 12.5, {"paused"}), (11, 50, 49, {"paused"}), (11, 50, 50.5, set()), (11, 50, 52, set()),
    (13, 50, 12.5, set()), (11, 12, 12.5, set()), (-50, 50, 20, {"paused"}), (11, 50, 70, {"overdue"}),
    (60, 70, 30, {"overdue"}), (11, FOREVER, 90, {"paused"}),
])
def test_pause(begin: float, end: float, age: float, kinds: set[str]) -> None:
    """Nothing goes meanwhile, all of it soon afterwards."""
    scene = Scene()
    scene.pause(T + begin, T + end)
    scene.remove(T + age)
    assert scene.kinds() == kinds


def test_pause_that_never_ends() -> None:
    scene = Scene()
    assert scene.kinds() == {"overdue"}
    scene.pause(T + 11, FOREVER)
    assert scene.kinds() == set()


def test_two_pauses() -> None:
    scene = Scene()
    scene.pause(T + 11, T + 20)
    scene.pause(T + 20, T + 40)
    assert scene.kinds() == {"overdue"}
    scene.remove(T + 41)
    assert scene.kinds() == set()
    scene.h.standstills[1].end = T + 45
    assert scene.kinds() == {"paused"}


def test_request_and_pressure_in_a_pause() -> None:
    scene = Scene(LONG)
    scene.pause(T + 11, T + 90)
    assert requested(scene, 20) == {"paused"}
    scene = Scene({**LONG, "Pressure.MemoryAvailableLow": "5%", "Pressure.Sustain": "0",
                   "Pressure.MinimumReclaim": "0", "Pressure.CoolDown": "1s"})
    scene.node((11, 90, {"available": 2.0}))
    scene.run.journal = True
    assert scene.kinds() == {"idle"}
    scene.pause(T + 11, T + 90)
    assert scene.kinds() == set()       # it need not do anything against it
    scene.remove_and_say(T + 20, "MemoryAvailableLow")
    assert "paused" in scene.kinds()


# -- requests ---------------------------------------------------------------------------------


def test_requested() -> None:
    """A word overrides a span and the last ones of a slot, and nothing without one does."""
    assert requested(Scene(LONG), 20) == set()
    assert requested(Scene({**LONG, "KeepLast": 5}), 20) == set()
    assert requested(Scene({**LONG, "KeepLastFailure": 1}, exit_code=3), 20) == set()
    assert requested(Scene({"Success": "infinity"}), 20) == set()
    assert requested(Scene(labels={"org.reaperd.ttl": "infinity"}), 20) == set()
    scene = Scene(LONG)
    scene.ask(T + 20, a=True)
    scene.remove(T + 20.2)              # it is not known what it went as
    assert scene.kinds() == set()


def test_nobody_asked() -> None:
    assert requested(Scene(LONG), 20, asked=False) == {"unasked"}
    scene = Scene(LONG)
    scene.add(B, T)
    scene.ask(T + 20, b=False)          # another one was meant
    scene.remove_and_say(T + 20.2, "", "requested")
    assert scene.kinds() == {"unasked"}
    for asked in (30, 15):              # too late; and answered long before
        scene = Scene(LONG)
        scene.ask(T + asked, a=True)
        scene.remove_and_say(T + 20.2, "", "requested")
        assert "unasked" in scene.kinds()


@pytest.mark.parametrize(("age", "kinds"), [(9.0, {"early"}), (9.8, {"early"}), (10.1, set()), (2.0, {"early"})])
def test_floor(age: float, kinds: set[str]) -> None:
    assert requested(Scene(LONG), age) == kinds


@pytest.mark.parametrize(("settings", "look", "kinds"), [
    ({}, {"labels": {"org.reaperd.keep": "yes"}}, {"kept-label"}),
    ({"Rule x": {"Action": "keep"}}, {}, {"kept-rule"}),
    ({"Rule x": {"MinimumAge": "30s"}}, {}, {"early"}),
    ({}, {"state": "running"}, {"running"}),
    ({}, {"state": "created", "finished": 0.0}, {"starting"}),
])
def test_never_by_a_word(settings: dict[str, Any], look: dict[str, Any], kinds: set[str]) -> None:
    assert requested(Scene({**LONG, **settings}, **look), 20) == kinds


def test_plain_ones() -> None:
    """Only those that a rule lets in and nobody else cares for."""
    def kinds(rule: bool, **look: Any) -> set[str]:
        scene = Scene({**LONG, **({"Rule r": {"Kind": "other", "Action": "reap"}} if rule else {})})
        scene.add(B, T, plain=True, **look)
        scene.ask(T + 20, b=True)
        scene.remove(T + 20.2, "", container=B)
        scene.say(T + 20.3, "Removed", CONTAINER_ID=B[:12], CONTAINER_ID_FULL=B, REAPERD_VERDICT="requested",
                  REAPERD_SETTING="")
        scene.run.records[-1].fields["MESSAGE"] = f"Removed {B[:12]}"     # type: ignore[index]
        return scene.kinds()

    assert kinds(True) == set() and kinds(False) == {"not-a-task"}
    assert kinds(True, auto_remove=True) == {"auto-remove"} and kinds(True, may_restart=True) == {"may-restart"}


def test_gates_hold() -> None:
    """A word opens none of the node's."""
    scene = Scene({**LONG, "SettleTime": "1h"})
    assert requested(scene, 20) == {"unsettled"}
    scene = Scene({**LONG, "FirstRunDelay": "1h"})
    scene.run.first_run = True
    scene.list(T - 90)
    assert requested(scene, 20) == {"first-run"}


def test_due_anyway() -> None:
    """Then it keeps its own verdict."""
    assert requested(Scene(), 16) == {"verdict"}
    assert requested(Scene(), 12.5) == set()    # it may just have become due
    scene = Scene()
    scene.ask(T + 12.4, a=True)
    scene.remove_and_say(T + 12.6, "Success", "ttl-expired")
    assert scene.kinds() == set()


def test_answers_are_true() -> None:
    assert requested(Scene(LONG), 20, removed=False) == {"untrue"}
    assert requested(Scene(LONG), 20, answered=False) == {"untrue"}
    assert requested(Scene(LONG), 20, removed=False, answered=False) == set()


def test_waits_ended_by_a_word() -> None:
    """From the word on, and not before it."""
    for word, kinds in ((20.0, set()), (20.4, {"first-run"}), (-200.0, {"first-run"})):
        scene = Scene({"FirstRunDelay": "1h", "Success": "19s"})
        scene.run.first_run = True
        scene.list(T - 90)
        scene.h.waits_ended.append(T + word)
        scene.remove(T + 20.2)
        assert scene.kinds() == kinds, word


def test_reload_to_come() -> None:
    """A reload under which it is kept does not make a removal before it wrong."""
    scene = Scene(LONG)
    made = scene.reload(T + 30, {**LONG, "Rule x": {"Action": "keep"}})
    assert made.good and requested(scene, 20) == set()
