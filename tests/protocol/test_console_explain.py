# SPDX-License-Identifier: Apache-2.0
"""Explain: which step decides, by which value from where, until when; and that it never says another verdict than
the list does.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from console_kit import (HOUR, QUIET, SECOND, Console, await_verdict, begin, bus, console,  # noqa: F401
                         in_flight, line_of, near, until)
from daemon import Reaperd
from engine_model import Container
from lab.console import FAILED, INVALID, NEVER, Explanation
from standin import Standin

ORDER = ["scope", "state", "restart", "quarantine", "engine", "settle", "swarm", "reload", "pause", "first-run",
         "surge", "floor", "keep-label", "keep-rule", "keep-last", "span", "cap", "pressure", "request", "retry"]
REMOVES = {"ttl-expired", "orphan", "over-cap", "pressure", "requested"}
KEEP, TTL, KEEP_LAST = (f"org.reaperd.{key}" for key in ("keep", "ttl", "keep-last"))
OTHER_NODE = "n0d3zzzzzzzzzzzzzzzzzzzzz"


def explained(console: Console, c: Container, verdict: str, step: str) -> Explanation:
    """What holds of every explanation; and that this step decides on this verdict."""
    await_verdict(console, c, verdict)
    made = console.explain(c.id)
    assert made.about.id == c.id and made.about.verdict == verdict, made
    names = [each.name for each in made.steps]
    assert names == [name for name in ORDER if name in names]
    decider = made.decider
    assert decider.name == step, made.steps
    assert decider.effect == ("removes" if verdict in REMOVES else "keeps")
    assert all(each.text and each.effect in ("passes", "keeps", "removes", "skipped") for each in made.steps)
    assert all(each.until == 0 for each in made.steps if each.effect != "keeps")
    assert sum(level.is_now for level in made.levels.values()) == 1
    assert all(level.text for level in made.levels.values())
    assert made.levels["normal"].verdict == verdict or not made.levels["normal"].is_now
    return made


@dataclass
class Case:
    """A container, what is to be said of it, and which value that goes by."""

    verdict: str
    step: str
    setting: str = ""
    value: str = ""
    origin: str = ""            # "default", "label ...", "rule" or "file"
    due: float | None = None    # seconds from now; None: nothing is due
    facts: dict[str, Any] = field(default_factory=dict)


CASES = {
    "running": Case("running", "state", facts={"state": "running"}),
    "paused": Case("paused", "state", facts={"state": "paused"}),
    "restarting": Case("restarting", "state", facts={"state": "restarting"}),
    "unknown": Case("unknown-state", "state", facts={"state": "hibernating"}),
    "starting": Case("starting", "state", due=5000 * HOUR - 7300,
                     facts={"state": "created", "age": 7300.0}),
    "young": Case("too-young", "floor", "MinimumAge", "30min", "file", due=10 * HOUR - 1200,
                  facts={"ended": 1200.0, "age": 1200.5, "service": "s"}),
    "young-rule": Case("too-young", "floor", "MinimumAge", "3h", "rule", due=10 * HOUR - 7200,
                       facts={"ended": 7200.0, "age": 7200.5, "service": "floor"}),
    "label": Case("kept-label", "keep-label", facts={"asks": {KEEP: "yes"}}),
    "rule": Case("kept-rule", "keep-rule", facts={"service": "kept"}),
    "last": Case("kept-last", "keep-last", "KeepLast", "1", "rule", due=7 * 24 * HOUR - 11 * HOUR,
                 facts={"service": "last", "ended": 11 * HOUR}),
    "last-label": Case("kept-last", "keep-last", "KeepLast", "2", f"label {KEEP_LAST}",
                       due=7 * 24 * HOUR - 11 * HOUR,
                       facts={"service": "lastlabel", "ended": 11 * HOUR, "asks": {KEEP_LAST: "2"}}),
    "last-failure": Case("kept-last", "keep-last", "KeepLastFailure", "1", "file", due=7 * 24 * HOUR - 11 * HOUR,
                         facts={"service": "failed", "ended": 11 * HOUR, "exit_code": 1}),
    "success": Case("retained", "span", "Success", "10h", "file", due=3 * HOUR,
                    facts={"service": "s1", "ended": 7 * HOUR, "age": 10.5 * HOUR}),
    "success-rule": Case("retained", "span", "Success", "9h", "rule", due=2 * HOUR,
                         facts={"service": "nine", "ended": 7 * HOUR, "age": 9.5 * HOUR}),
    "ttl-label": Case("retained", "span", "Success", "8h", f"label {TTL}", due=HOUR,
                      facts={"service": "s2", "ended": 7 * HOUR, "age": 8.5 * HOUR, "asks": {TTL: "8h"}}),
    "infinity": Case("retained", "span", "Shutdown", "infinity", "file",
                     facts={"service": "s3", "exit_code": 143, "ended": 7 * HOUR, "age": 11 * HOUR}),
}


def zoo(engine: Standin, reaperd: Reaperd) -> dict[str, Container]:
    reaperd.rule("floor", Service="floor", MinimumAge="3h")
    reaperd.rule("kept", Service="kept", Action="keep")
    reaperd.rule("last", Service="last", KeepLast="1")
    reaperd.rule("nine", Service="nine", Success="9h")
    reaperd.configure(MinimumAge="30min", Success="10h", Failure="10h", Shutdown="infinity", FailedStart="5000h",
                      OrphanAge="infinity", KeepLastFailure="1")
    return {name: engine.add(**case.facts) for name, case in CASES.items()}


def test_what_keeps_each(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """All of them in one daemon, so that none borrows from another."""
    made = zoo(engine, reaperd)
    begin(reaperd, console)
    wrong = []
    for name, c in made.items():
        case = CASES[name]
        if name in ("success", "success-rule", "ttl-label", "infinity"):
            until(lambda: (row := console.row(c.id)) and row.exact, f"the inspect of {name}")
        found = explained(console, c, case.verdict, case.step)
        step = found.decider
        behind = {"young-rule": "[Rule floor]", "last": "[Rule last]", "success-rule": "[Rule nine]"}.get(name, "")
        origin = (line_of(reaperd, case.setting, behind) if case.origin in ("file", "rule") else case.origin)
        if case.setting and (step.setting, step.value, step.origin) != (case.setting, case.value, origin):
            wrong.append((name, step, origin))
        if (found.about.due == NEVER) is not (case.due is None) or (case.due and not near(found.about.due, case.due)):
            wrong.append((name, case.due, found.about))
    assert not wrong
    assert all(engine.containers[c.id] is c for c in made.values()) and not engine.asked("remove")


def test_default_and_drop_in(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """A value that no file sets is the default's; one of a drop-in is told by that file's line."""
    c, failed = engine.add(ended=600.0, age=3700.0), engine.add(slot=2, ended=600.0, age=3700.0, exit_code=1)
    drop_in = reaperd.directory / "reaperd.conf.d"
    drop_in.mkdir()
    (drop_in / "10-late.conf").write_text("# one\n[Retention]\n\nFailure=50min\n", encoding="utf-8")
    begin(reaperd, console)
    until(lambda: all((row := console.row(each.id)) and row.exact for each in (c, failed)), "two inspects")
    step = explained(console, c, "retained", "span").decider
    assert (step.setting, step.value, step.origin) == ("Success", "1h", "default")
    step = explained(console, failed, "retained", "span").decider
    assert (step.setting, step.value, step.origin) == ("Failure", "50min", f"{drop_in}/10-late.conf:4")
    assert near(step.until, 3000 - 600)


GOES: dict[str, tuple[str, str, str, dict[str, Any], dict[str, str | int]]] = {
    "ttl": ("ttl-expired", "span", "Success", {}, {"Success": "1h"}),
    "ttl-label": ("ttl-expired", "span", "Success", {"asks": {TTL: "1h"}}, {}),
    "orphan": ("orphan", "span", "OrphanAge", {"node": OTHER_NODE}, {"OrphanAge": "1h"}),
    "cap": ("over-cap", "cap", "MaxStopped", {}, {"MaxStopped": 0}),
    "pressure": ("pressure", "pressure", "MemoryAvailableLow", {},
                 {"Pressure.Enabled": "yes", "Pressure.MemoryAvailableLow": "100%", "Pressure.Stall": "off",
                  "Pressure.MemoryAvailableHigh": "100%", "Pressure.Sustain": "0"}),
}


@pytest.mark.parametrize("name", GOES)
def test_what_removes(engine: Standin, reaperd: Reaperd, console: Console, name: str) -> None:
    """Seen while its DELETE is under way."""
    verdict, step, setting, facts, settings = GOES[name]
    gate = threading.Event()
    c = engine.add(**facts)
    engine.fault("remove", c, hold=gate)
    begin(reaperd, console, **QUIET | settings)
    in_flight(engine, c)
    made = explained(console, c, verdict, step)
    assert made.decider.setting == setting and made.about.due == 0 and made.about.exact
    wanted = f"label {TTL}" if name == "ttl-label" else line_of(reaperd, setting)
    assert made.decider.origin == wanted
    gate.set()
    engine.wait_removed(c)
    removal = until(console.history, "its removal")[0]
    assert (removal.verdict, removal.setting, removal.origin) == (verdict, setting, wanted)


def test_requested(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    gate = threading.Event()
    c = engine.add()
    engine.fault("remove", c, hold=gate)
    begin(reaperd, console, **QUIET)
    assert explained(console, c, "retained", "span").step("request").effect in ("skipped", "passes")
    pending = console.start_reap(c.id)
    in_flight(engine, c)
    explained(console, c, "requested", "request")
    gate.set()
    assert pending.result()[0][2]


GATES: dict[str, tuple[str, str, dict[str, str | int]]] = {
    "settle": ("engine-settling", "SettleTime", {"SettleTime": "1h"}),
    "swarm": ("swarm-not-ready", "", {}),
    "pause": ("removals-paused", "", {"Success": "24h"}),
    "first-run": ("first-run", "FirstRunDelay", {"FirstRunDelay": "1h"}),
    "surge": ("surge-held", "", {"Success": "24h", "FirstRunDelay": "1h", "SurgeLimit": 1}),
    "engine": ("engine-unreachable", "", {"Success": "24h"}),
    "reload": ("reloading", "", {"Success": "24h"}),
    "quarantine": ("quarantined", "QuarantineAfter", {"QuarantineAfter": 1}),
}


@pytest.mark.parametrize("gate", GATES)
def test_gates(engine: Standin, reaperd: Reaperd, console: Console, gate: str) -> None:
    """It decides, whatever else keeps it; and if nothing does, it alone."""
    verdict, setting, settings = GATES[gate]
    if gate == "swarm":
        engine.swarm_state = "pending"
    if gate == "first-run":
        reaperd.state_directory()
    made = [engine.add(slot=n, age=7200.5, removals=["500"] * 9 if gate == "quarantine" else []) for n in range(2)]
    begin(reaperd, console, **{"Parallelism": 1} | settings)
    if gate == "pause":
        console.pause(1800)
    elif gate == "surge":
        reaperd.reload(Success="1h")
    elif gate == "engine":
        engine.stop()
    elif gate == "reload":
        engine.fault("list", times=None, hang=True)
        reaperd.reload()
        explained(console, made[0], "scope-unknown", "scope")       # its labels come with the list
        made = [engine.add(slot=n, age=7200.5) for n in range(2)]
        engine.tell_end(*made)
    found = explained(console, made[0], verdict, gate)
    if setting:
        assert found.decider.setting == setting
    if gate in ("settle", "pause", "first-run", "surge"):
        wait = 1800 if gate == "pause" else 3600
        assert near(found.decider.until, wait) and near(found.about.due, 22 * HOUR if gate == "pause" else wait)
    elif gate == "quarantine":
        assert found.about.due == NEVER
    others = {"span"} if settings.get("Success") == "24h" and gate != "surge" else set()
    assert {step.name for step in found.steps if step.effect == "keeps"} == {gate} | others
    until(lambda: [row.id for row in console.list(Verdict=verdict)] == sorted(c.id for c in made), "both are listed so")
    assert bool(engine.asked("remove")) is (gate == "quarantine")


def test_retry(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Due, but for the wait after a removal that failed."""
    c = engine.add(removals=["500"])
    begin(reaperd, console, RetryInitial="1h", RetryMax="1h")
    engine.wait_asked("remove", 1, c)
    made = explained(console, c, "retained", "retry")
    assert 600 * SECOND < made.decider.until <= 3600 * SECOND and made.about.due <= 3600 * SECOND


@pytest.mark.parametrize(("policy", "verdict"), [("always", "may-restart"), ("", "auto-remove")])
def test_what_others_care_for(engine: Standin, reaperd: Reaperd, console: Console, policy: str,
                              verdict: str) -> None:
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Name="plain-*", Action="reap")
    c = engine.add_plain(restart_policy=policy or "no", auto_remove=not policy)
    other = engine.add_plain(name="stranger")
    begin(reaperd, console)
    explained(console, c, verdict, "restart")
    if console.verdict(other.id):
        explained(console, other, "out-of-scope", "scope")


def test_levels(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """What would be at each level: spans shrink, a batch minds neither span nor KeepLast; the rest holds."""
    fresh = {"ended": 6 * HOUR, "age": 12 * HOUR}
    half, young = engine.add(service="a", **fresh), engine.add(service="b", ended=1200.0, age=12 * HOUR)
    label = engine.add(service="c", asks={KEEP: "yes"}, **fresh)
    last = engine.add(service="last", ended=20 * HOUR)
    failed = engine.add(service="d", exit_code=1, ended=20 * HOUR)
    reaperd.rule("last", Service="last", KeepLast="1")
    begin(reaperd, console, **{
        "Success": "10h", "Failure": "10h", "MinimumAge": "30min", "KeepLastFailure": 1, "Pressure.Enabled": "yes",
        "Pressure.MemoryAvailableLow": "off", "Pressure.Stall": "off", "Pressure.MinimumAge": "10s",
        "Pressure.ElevatedFactor": "50%"})
    for c in (half, last, failed):
        until(lambda: (row := console.row(c.id)) and row.exact, f"the inspect of {c.name}")
    wanted = {half.id: ("retained", "pressure", "pressure"), young.id: ("too-young", "too-young", "pressure"),
              label.id: ("kept-label",) * 3, last.id: ("kept-last", "kept-last", "pressure"),
              failed.id: ("kept-last",) * 3}
    found = {ident: console.explain(ident) for ident in wanted}
    assert {ident: tuple(level.verdict for level in each.levels.values()) for ident, each in found.items()} == wanted
    assert all(each.levels["normal"].is_now and each.levels["normal"].due == each.about.due
               for each in found.values())
    elevated = found[half.id].levels["elevated"]
    assert (elevated.setting, elevated.value) == ("ElevatedFactor", "50%")
    assert elevated.origin == line_of(reaperd, "ElevatedFactor") and elevated.due == 0
    kept = found[failed.id].levels["critical"]
    assert (kept.setting, kept.value, kept.origin) == ("KeepLastFailure", "1", line_of(reaperd, "KeepLastFailure"))
    # It is past its span: what keeps it is told before what it goes by then, and by which span.
    assert kept.text == (f"stays: kept-last, KeepLastFailure=1 ({kept.origin}); goes in 6d 4h: ttl-expired, "
                         f"Failure=10h ({line_of(reaperd, 'Failure')})")
    assert found[failed.id].decider.text.endswith(", kept for another 6d 4h by KeepLastFor=7d")
    assert not engine.asked("remove")


def test_level_that_is_now(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Critical, and those that are not in a batch yet: list and explanation say so alike."""
    made = [engine.add(slot=n, ended=2 * HOUR + n) for n in range(4)]
    begin(reaperd, console, **QUIET | {
        "Pressure.Enabled": "yes", "Pressure.MemoryAvailableLow": "100%", "Pressure.MemoryAvailableHigh": "100%",
        "Pressure.Stall": "off", "Pressure.Sustain": "0", "Pressure.BatchSize": 1, "Pressure.CoolDown": "1h",
        "Pressure.Order": "oldest"})
    engine.wait_removed(made[3])
    assert console.get("PressureLevel") == "critical"
    assert console.history()[0].verdict == "pressure"
    for c in made[:3]:
        found = explained(console, c, "retained", "span")
        assert found.levels["critical"].is_now and found.levels["critical"].verdict == "pressure"
        words = found.levels["critical"].text
        assert words.startswith("goes when a batch against pressure takes it") and ": MemoryAvailableLow=100%" in words
        assert (found.levels["normal"].verdict, found.levels["elevated"].verdict) == ("retained", "retained")


def test_who_is_meant(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """A whole id, a name, or the beginning of an id; several are refused, and so is nobody."""
    one, two = engine.add(slot=1), engine.add(slot=2, state="running")
    begin(reaperd, console, **QUIET)
    for text in (one.id, one.name, one.id[:12]):
        assert console.explain(text).about.id == one.id
    assert console.explain(two.name).about.id == two.id
    assert console.error("Explain", "s", one.id[:3]).name == FAILED + "AmbiguousContainer"
    for text in ("f" * 12, "nobody", one.name[:-1], one.id + "0", "\x1b[2J", "%s%n%n"):
        error = console.error("Explain", "s", text)
        assert error.name == FAILED + "NoSuchContainer" and "\x1b" not in error.message
    assert console.error("Explain", "s", "").name in (INVALID, FAILED + "NoSuchContainer")
    named = engine.add(slot=3)
    named.name = named.labels["com.docker.swarm.task.name"] = one.id[:12]
    engine.tell_end(named)
    until(lambda: console.row(named.id), "the third")
    assert console.explain(one.id[:12]).about.id == named.id      # a name is meant before a beginning
    assert console.explain(one.id).about.id == one.id
