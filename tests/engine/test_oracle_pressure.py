# SPDX-License-Identifier: Apache-2.0
"""The oracle on pressure: levels from samples, what may go by them, batches, pauses, giving up.

As in test_oracle.py every test begins with a history in which all is well,
breaks one thing in it, and has the oracle name exactly that.
"""

from __future__ import annotations

from typing import Any

import pytest

from config import Configuration, share, size
from history import Look
from levels import Levels
from scene import A, B, T, Scene

C = "c" * 64
ON: dict[str, Any] = {"Success": "1h", "Failure": "1h", "Shutdown": "1h", "FailedStart": "1h",
                      "Pressure.Sustain": "1s", "Pressure.CoolDown": "2s", "Pressure.MinimumAge": "10s"}
LOW = "MemoryAvailableLow"
FROM = 5.0              # critical from T + this on, or a little later
SHORT = {"available": 4.0}


def short(settings: dict[str, Any] | None = None, end: float = 100.0, **look: Any) -> Scene:
    """Memory is short from T + FROM on."""
    scene = Scene({**ON, **(settings or {})}, **look)
    scene.node((FROM, end, SHORT))
    return scene


def gone_at(age: float, settings: dict[str, Any] | None = None, **look: Any) -> set[str]:
    scene = short(settings, **look)
    scene.remove(T + age)
    return scene.kinds()


# -- values ---------------------------------------------------------------------------------


def test_shares_and_sizes() -> None:
    assert [share(t) for t in ("5%", "7.25%", "0%", "100%", "off")] == [5, 7.25, 0, 100, None]
    assert [size(t) for t in ("0", "16M", "1.5G", "10", "1K")] == [0, 16 << 20, 1.5 * (1 << 30), 10, 1024]
    for read, texts in ((share, ("5", "101%", "1.234%", "-1%", "")), (size, ("", "M", "1X", "-1"))):
        for text in texts:
            with pytest.raises(ValueError):
                read(text)


def test_thresholds() -> None:
    def of(**settings: Any) -> dict[str, tuple[float, float]]:
        return Configuration({key.replace("_", "."): value for key, value in settings.items()}).thresholds

    assert of() == {LOW: (5, 8)} and of(Pressure_Enabled="no") == {}
    assert of(Pressure_MemoryAvailableLow="98%") == {LOW: (98, 100)}
    assert of(Pressure_MemoryAvailableHigh="20%") == {LOW: (5, 20)}
    assert of(Pressure_MemoryAvailableLow="off", Pressure_MemoryUsedHigh="90%") == {
        "MemoryUsedHigh": (90, 87)}
    assert of(Pressure_Enabled="no", Disk_UsedHigh="90%", Disk_InodesHigh="2%", Disk_UsedLow="50%") == {
        "UsedHigh": (90, 50), "InodesHigh": (2, 0)}


# -- levels ---------------------------------------------------------------------------------


def level(settings: dict[str, Any], *spans: tuple[float, float, dict[str, float]]) -> Levels:
    scene = Scene({**ON, **settings})
    scene.node(*spans)
    return Levels(scene.run, Configuration(scene.run.settings), scene.h.samples)


def critical(levels: Levels, *ages: float) -> list[bool]:
    return [bool(levels.may_be_critical(T + age)) for age in ages]


def certain(levels: Levels, *ages: float) -> list[bool]:
    return [bool(levels.is_critical(T + age)) for age in ages]


def test_critical_from_entering_to_leaving() -> None:
    found = level({}, (5, 30, SHORT), (30, 40, {"available": 7.0}))
    assert critical(found, 5.5, 6.2, 29, 39, 42.5) == [False, True, True, True, False]
    assert certain(found, 17, 18.5, 29, 39, 40.5) == [False, True, True, True, False]
    assert not any(critical(level({}, (5, 50, {"available": 7.0})), 6, 20, 49)), "only below the leaving value"
    assert not any(critical(level({}, (5, 5.3, SHORT)), 5, 6, 6.5)), "for less than Sustain="
    assert not any(critical(level({"Pressure.Enabled": "no"}, (5, 50, SHORT)), 10, 20))
    assert not any(critical(level({"Endpoint": "tcp://far:1"}, (5, 50, SHORT)), 10, 20))


def test_between_two_looks_of_the_daemon() -> None:
    """It may have missed a short dip, and a short rise too."""
    found = level({"Pressure.Sustain": "10s"}, (5, 12, SHORT), (12.8, 40, SHORT))
    assert critical(found, 14, 15.5) == [False, True] and certain(found, 27, 35.5) == [False, True]
    found = level({"Pressure.Sustain": "10s"}, (5, 12, SHORT), (15, 40, SHORT))
    assert critical(found, 16, 24, 25.5) == [False, False, True]


@pytest.mark.parametrize(("settings", "figures", "cause"), [
    ({"Pressure.MemoryUsedHigh": "90%"}, {"free": 9.0}, "MemoryUsedHigh"),
    ({"Disk.UsedHigh": "90%"}, {"disk": 91.0}, "UsedHigh"),
    ({"Disk.InodesHigh": "90%"}, {"inodes": 91.0}, "InodesHigh"),
])
def test_other_thresholds(settings: dict[str, Any], figures: dict[str, float], cause: str) -> None:
    found = level(settings, (5, 30, figures))
    assert found.may_be_critical(T + 20) == [cause] == found.is_critical(T + 20)
    assert not any(critical(found, 5, 40))
    assert not any(critical(level({}, (5, 30, figures)), 20))


def test_elevated() -> None:
    """More than 200 ms within 2 s, and for 10 s after that."""
    found = level({}, (5, 8, {"stalls": 0.2}))
    assert [found.may_be_elevated(T + age) for age in (1, 8, 17, 28)] == [False, True, True, False]
    found = level({}, (5, 30, {"stalls": 0.02}))
    assert not any(found.may_be_elevated(T + age) for age in range(40))
    for settings in ({"Pressure.Stall": "off"}, {"Pressure.Stall": "full 200ms/1s"}, {"Pressure.Enabled": "no"}):
        assert not level(settings, (5, 30, {"stalls": 0.06})).may_be_elevated(T + 20), settings
    assert level({}, (5, 30, {"stalls": 0.06})).may_be_elevated(T + 20)
    assert level({"Pressure.PressureFile": "/else"}).may_be_elevated(T), "nobody has looked there"


# -- who may go at the critical level -------------------------------------------------------


@pytest.mark.parametrize(("settings", "look", "age", "kinds"), [
    ({}, {}, 11, set()), ({"Pressure.Enabled": "no"}, {}, 11, {"early"}),
    ({}, {}, 9, {"early"}), ({"Pressure.MinimumAge": "20s"}, {}, 19, {"early"}),
    ({"Pressure.MinimumAge": "20s"}, {}, 20.5, set()),
    ({"MinimumAge": "60s"}, {}, 11, set()), ({"Rule x": {"MinimumAge": "60s"}}, {}, 11, set()),
    ({}, {"labels": {"org.reaperd.keep": "yes"}}, 20, {"kept-label"}),
    ({"Rule x": {"Action": "keep"}}, {}, 20, {"kept-rule"}),
    ({"KeepLastFailure": 1}, {"exit_code": 3}, 20, {"kept-failure"}), ({}, {"exit_code": 3}, 20, set()),
    ({"KeepLast": 1}, {}, 20, set()), ({}, {"labels": {"org.reaperd.keep-last": "1"}}, 20, set()),
    ({}, {"labels": {"org.reaperd.ttl": "infinity"}}, 20, set()),
    ({}, {"state": "created", "finished": 0.0}, 20, {"starting"}), ({}, {"state": "running"}, 20, {"running"}),
])
def test_who_may_go(settings: dict[str, Any], look: dict[str, Any], age: float, kinds: set[str]) -> None:
    assert gone_at(age, settings, **look) == kinds


def test_plain_ones_without_a_rule_stay() -> None:
    for rule, kinds in (({}, {"not-a-task"}), ({"Rule x": {"Kind": "other", "Action": "reap"}}, set())):
        scene = short(rule)
        scene.add(B, T, plain=True)
        scene.remove(T + 20, "", container=B)
        assert scene.kinds() == kinds


def test_without_pressure_the_ordinary_holds() -> None:
    for age, kinds in ((11, set()), (22.5, {"early"})):
        scene = short(end=20)
        scene.remove(T + age)
        assert scene.kinds() == kinds


def test_what_is_said_must_be_true() -> None:
    """By its record each removal has one reason, and that must hold."""
    def kinds(setting: str, verdict: str = "pressure", end: float = 100.0, age: float = 20,
              settings: dict[str, Any] | None = None) -> set[str]:
        scene = short(settings, end=end)
        scene.remove_and_say(T + age, setting, verdict)
        return scene.kinds()

    assert kinds(LOW) == set() and kinds("UsedHigh") == {"no-pressure"}
    assert kinds("Success", "ttl-expired") == {"early"}
    assert kinds("Success", "ttl-expired", settings={"Success": "12s"}, age=12.5) == set()
    assert kinds(LOW, end=10, age=20) == {"no-pressure"}
    assert kinds(LOW, end=10, settings={"Success": "12s"}, age=14) == {"no-pressure"}
    assert kinds("ElevatedFactor") == {"no-pressure"}


def test_once_knows_no_pressure() -> None:
    scene = short()
    scene.remove(T + 20)
    scene.run.once = True
    assert scene.kinds() == {"early"}


# -- who may go at the elevated level -------------------------------------------------------


def shrunk(age: float, settings: dict[str, Any] | None = None, say: bool = True, stalls: float = 0.3,
           **look: Any) -> set[str]:
    scene = Scene({**ON, "Success": "200s", "Failure": "300s", **(settings or {})}, **look)
    scene.node((5, 60, {"stalls": stalls}))
    if say:
        scene.remove_and_say(T + age, "ElevatedFactor")
    else:
        scene.remove(T + age)
    return scene.kinds()


def test_elevated_shrinks_spans() -> None:
    for say in (True, False):
        assert shrunk(21, say=say) == set() and shrunk(19, say=say) == {"early"}
        assert shrunk(21, {"Pressure.ElevatedFactor": "20%"}, say) == {"early"}
        assert shrunk(31, say=say, exit_code=3) == set() and shrunk(29, say=say, exit_code=3) == {"early"}
        assert shrunk(50, {"Success": "infinity"}, say) == {"never-due"}
        assert shrunk(50, {"KeepLast": 1}, say) == {"kept-last"}
        assert shrunk(11, {"Success": "100s"}, say) == set()
        assert shrunk(9.5, {"Success": "20s"}, say) == {"early"}, "never below the floor"
        assert shrunk(12, say=say, labels={"org.reaperd.ttl": "110s"}) == set()
    assert shrunk(21, stalls=0.02) == {"no-pressure"}
    assert shrunk(25, {"Success": "15s"}) == {"verdict", "overdue"}, "it was due without that"


# -- batches --------------------------------------------------------------------------------


def batches(*ages: float, size: int = 1, said: list[tuple[float, int]] | None = None,
            settings: dict[str, Any] | None = None, held: int = 7) -> set[str]:
    """A, B and C go against pressure then; `said`: records of batches, so many each."""
    scene = short({"Pressure.BatchSize": size, **(settings or {})})
    marks: list[tuple[float, Any]] = list(zip(ages, (A, B, C)))
    for container in (B, C):
        scene.add(container, T)
    for age, what in sorted([*marks, *(said or [])]):
        if isinstance(what, int):
            scene.say(T + age, f"Removed {what} containers against pressure", REAPERD_REMOVED=what,
                      REAPERD_HELD_BYTES=held * what, REAPERD_PRESSURE_LEVEL="critical")
        else:
            scene.remove_and_say(T + age, LOW, container=what, REAPERD_HELD_BYTES=7)
    return scene.kinds()


def test_batches() -> None:
    assert batches(12, 14.1, 16.2, said=[(14, 1), (16.1, 1)]) == set()
    assert batches(12, 12.1, 14.5, size=2, said=[(14.4, 2)]) == set()
    assert batches(12, 14.1, 16.2) == {"batch-size"}
    assert batches(12, 13, 15.1, said=[(12.9, 1), (15, 1)]) == {"no-pause"}
    assert batches(12, 12.1, 12.2, size=2, said=[(12.15, 2)]) == {"no-pause"}
    assert batches(12, 14.1, 16.2, said=[(14, 2), (16.1, 1)]) == {"batch-record"}
    assert batches(12, 14.1, 16.2, said=[(14, 1), (16.1, 1)], held=8) == {"batch-record"}


def test_giving_up() -> None:
    for wait, setting, kinds in ((10, LOW, {"given-up"}), (5, LOW, set()), (10, "ElevatedFactor", {"given-up"})):
        scene = short({"Success": "100s"})
        scene.h.samples.clear()
        scene.node((FROM, 100, {**SHORT, "stalls": 0.3}))
        scene.say(T + 12, "Removing containers does not help", REAPERD_PRESSURE_CAUSE="memory-available",
                  REAPERD_WAIT_USEC=wait * 10**6)
        scene.remove_and_say(T + 18, setting)
        assert scene.kinds() == kinds, (wait, setting)


def test_idle_under_pressure() -> None:
    """Nothing goes although one could, nothing helps less than 0, and it is critical for sure."""
    def kinds(*ages: float, told: float | None = None, **settings: Any) -> set[str]:
        scene = short({"Pressure.BatchSize": 1, "Pressure.MinimumReclaim": "0", **settings}, end=30)
        scene.add(B, T)
        scene.run.journal = True
        if told is not None:
            scene.say(T + told, "Pressure is critical: ...", REAPERD_PRESSURE_LEVEL="critical",
                      REAPERD_SETTING=LOW)
        for number, age in enumerate(ages):
            scene.remove_and_say(T + age, LOW, container=(A, B)[number])
            scene.say(T + age + 2, "Removed 1", REAPERD_REMOVED=1)
        return scene.kinds()

    assert kinds(17, 20) == set()
    assert kinds() == {"idle"} and kinds(17) == {"idle"} and kinds(12, 28) == {"idle"}
    assert kinds(**{"Pressure.MinimumReclaim": "16M"}) == set(), "it may have given up"
    assert kinds(told=7) == {"idle"}
    assert kinds(20, 23, told=7) == {"idle"} and kinds(20, 23) == set()
    assert kinds(**{"Rule x": {"Action": "keep"}}) == set(), "there was nothing to take"


def test_levels_that_are_told() -> None:
    def kinds(when: float, name: str, setting: str = LOW) -> set[str]:
        scene = short({"Pressure.MinimumReclaim": "0", "Rule x": {"Action": "keep"}}, end=30)
        scene.say(T + when, f"Pressure is {name}", REAPERD_PRESSURE_LEVEL=name, REAPERD_SETTING=setting)
        return scene.kinds()

    assert kinds(8, "critical") == set()
    assert kinds(4, "critical") == kinds(40, "critical") == kinds(8, "critical", "UsedHigh") == {"false-level"}
    assert kinds(32, "normal") == set() and kinds(25, "normal") == {"false-level"}
    assert kinds(8, "elevated") == {"false-level"}


def test_started_again_meanwhile() -> None:
    """A container that runs again is not stopped, whatever the level."""
    scene = short()
    scene.event(T + 12, "start")
    scene.h.looks[A].append(Look(T + 12.1, "running", labels=scene.h.looks[A][0].labels, created=T - 6))
    scene.remove(T + 20)
    assert scene.kinds() == {"running"}
