# SPDX-License-Identifier: Apache-2.0
"""reaperctl explain: the steps as the daemon tells them, which one decided, and what pressure would do."""

from __future__ import annotations

from typing import Any

import pytest

from console_kit import QUIET, Bus, Console, begin, bus, console, line_of  # noqa: F401
from daemon import Reaperd
from lab.console import FAILED, NEVER, UNKNOWN
from reaperctl import SGR, TREACHEROUS, Peer, Reaperctl, Refused
from standin import Standin

MARKS = {"✓": "passes", "●": "keeps", "✗": "removes", "·": "skipped"}
PLAIN = {"+": "passes", "=": "keeps", "x": "removes", ".": "skipped"}
EXPLANATION = "(ssssssssttttttb)a(ssbsssts)a(sbstssss)"
ABOUT = ("a" * 64, "web.1.x", "web", "web.1", "nginx:1", "exited", "failure", "retained", 7_200_000_000, 3_600_000_000,
         50 << 20, 1 << 20, 60 << 20, 12, True)


def steps_of(out: str, marks: dict[str, str] = MARKS, arrow: str = "→") -> list[tuple[str, str, bool, str]]:
    """(step, effect, decides, text) of each line of a step; none is wrapped."""
    found = []
    for line in out.split("\n\n")[1].splitlines():
        assert line[:2] in ("  ", f"{arrow} ") and line[3] == " " and line[15] == " ", line
        found.append((line[4:15].strip(), marks[line[2]], line[0] == arrow, line[16:]))
    return found


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_tells_the_steps_as_the_daemon_does(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus,  # noqa: F811
                                            locale: str) -> None:
    c = engine.add(ended=3600, exit_code=1)
    begin(reaperd, console, **QUIET | {"Failure": "9d", "OOMKilled": "9d"})
    reaperctl = Reaperctl(bus)
    shown = reaperctl.good("explain", c.name, LC_ALL=locale)
    told = console.explain(c.id)
    if locale == "C":
        steps = steps_of(shown.out, PLAIN, ">")
    else:
        steps = steps_of(shown.out)
    assert [step[:3] for step in steps] == [(step.name, step.effect, bool(step.decides)) for step in told.steps]
    # The times in them go on; the words do not.
    assert [step[3].split()[0] for step in steps] == [step.text.split()[0] for step in told.steps]
    decider, = (step for step in steps if step[2])
    assert decider[0] == "span" and "=9d" in decider[3]
    assert any(line_of(reaperd, setting) in decider[3] for setting in ("Failure", "OOMKilled")), decider

    head = shown.lines
    assert head[0] == f"{c.name} ({c.short})" and "   Service: web.1" in head and f"     Image: {c.image}" in head
    assert any(line.startswith("   Verdict: retained, due in 8d 2") for line in head), shown
    pressure = shown.out.split("\n\n")[2].splitlines()
    assert pressure[0] == "Under pressure"
    assert [line[2:11].strip() for line in pressure[1:]] == ["normal", "elevated", "critical"]
    assert [line[0] for line in pressure[1:]] == ["→" if locale != "C" else ">", " ", " "]

    # The same by its id, and by the beginning of that.
    assert reaperctl.good("explain", c.id).lines[0] == reaperctl.good("explain", c.short).lines[0] == head[0]


def test_json_has_all_of_it(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    c = engine.add(ended=3600, asks={"org.reaperd.keep": "true"})
    begin(reaperd, console, **QUIET)
    row, = Reaperctl(bus).good("explain", c.short, "--json=short").json()
    told = console.explain(c.id)
    assert row["id"] == c.id and row["verdict"] == "kept-label" and row["due_in_usec"] is None
    assert [step["step"] for step in row["steps"]] == [step.name for step in told.steps]
    for made, step in zip(row["steps"], told.steps, strict=True):
        assert list(made) == ["step", "effect", "decides", "setting", "value", "origin", "ends_in_usec", "text"]
        assert (made["effect"], made["decides"], made["setting"] or "") == (step.effect, step.decides, step.setting)
        assert made["ends_in_usec"] is None if step.until == NEVER else isinstance(made["ends_in_usec"], int)
    decider, = (step for step in row["steps"] if step["decides"])
    assert decider["step"] == "keep-label"
    assert [level["level"] for level in row["levels"]] == ["normal", "elevated", "critical"]
    assert [level["now"] for level in row["levels"]] == [True, False, False]
    assert list(row["levels"][0]) == ["level", "now", "verdict", "due_in_usec", "setting", "value", "origin", "text"]


def test_ambiguous_ones_are_listed(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    first, second = engine.add(ended=3600, slot=1), engine.add(ended=3600, slot=2)
    begin(reaperd, console, **QUIET)
    shown = Reaperctl(bus)("explain", "0000")
    assert (shown.status, shown.out) == (1, "")
    lines = shown.err.splitlines()
    assert lines[0] == "reaperctl: 0000: more than one container is meant by this:"
    assert set(lines[1:]) == {f"reaperctl:   {c.short} {c.name}" for c in (first, second)}
    assert Reaperctl(bus)("explain", "0000", "--json=short").out == "[]\n"


def test_one_that_is_not_there(reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    begin(reaperd, console)
    shown = Reaperctl(bus)("explain", "nobody")
    assert (shown.status, shown.out, shown.err) == (1, "", "reaperctl: nobody: no such container\n")


def explanation(text: str, name: str = "web.1.x", verdict: str = "retained") -> Any:
    about = (ABOUT[0], name, *ABOUT[2:7], verdict, *ABOUT[8:])
    steps = [("scope", "passes", False, "", "", "", 0, text),
             ("span", "keeps", True, "Retention.Failure", "3h", "/etc/x:1", 3_600_000_000, text),
             ("new", "unheard-of", False, text, text, text, NEVER, "z")]
    levels = [("normal", True, "retained", 3_600_000_000, text, text, text, text),
              ("critical", False, "pressure", 0, "", "", "", text)]
    return lambda _: (EXPLANATION, [about, steps, levels])


def test_what_is_looked_at_again_is_not_due(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, Explain=explanation("x"))
    assert "   Verdict: retained, due in 1h" in Reaperctl(bus).good("explain", "web").lines
    peer.answers["Explain"] = explanation("x", verdict="may-restart")
    assert "   Verdict: may-restart, looked at again in 1h" in Reaperctl(bus).good("explain", "web").lines
    peer.close()


def test_wraps_on_a_terminal(bus: Bus) -> None:  # noqa: F811
    text = " ".join(f"word{n}" for n in range(40))
    peer = Peer(bus, Explain=explanation(text))
    shown = Reaperctl(bus).on_terminal("explain", "web", columns=70)
    lines = SGR.sub("", shown.out).splitlines()
    assert shown.status == 0 and max(map(len, lines)) <= 70
    assert sum(line.startswith(" " * 16 + "word") for line in lines) >= 8
    assert " ".join(SGR.sub("", shown.out).split()).count(text) == 4
    assert "\x1b[1m span" in shown.out, "what has decided is emphasised"
    assert "     Holds: 50.0M of page cache (1.0M dirty), 60.0M on disk, 12 inodes" in lines
    assert text in Reaperctl(bus).on_terminal("explain", "web", "--full", columns=70).out
    peer.close()


def test_a_hostile_peer(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, Explain=explanation("\x1b[2J\x1b]0;x\x07 \u202e\x9b\nreaperctl: fine", "\x1b[8mweb\r"))
    for options in ((), ("--json=short",), ("--json=pretty",)):
        for shown in (Reaperctl(bus).good("explain", "web", *options),
                      Reaperctl(bus).on_terminal("explain", "web", *options)):
            assert shown.status == 0 and not TREACHEROUS.search(SGR.sub("", shown.out)), ascii(shown.out)
            assert "\x1b[2J" not in shown.out and "\x1b[8m" not in shown.out
    unknown = explanation("x")
    peer.answers["Explain"] = lambda text: (unknown(text)[0], [tuple([*ABOUT[:10], *[UNKNOWN] * 4, False]),
                                                               *unknown(text)[1][1:]])
    assert "     Holds: not measured" in Reaperctl(bus).good("explain", "web").lines

    def ambiguous(_: str) -> Any:
        raise Refused(FAILED + "AmbiguousContainer", "\x1b[2J")
    peer.answers |= {"Explain": ambiguous, "FindContainers": lambda _: ("a(ss)", [[("\x1b[2J", "a\x07\n")]])}
    shown = Reaperctl(bus)("explain", "web")
    assert shown.status == 1 and not TREACHEROUS.search(shown.err), shown
    peer.close()
