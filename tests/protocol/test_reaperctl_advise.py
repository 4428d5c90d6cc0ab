# SPDX-License-Identifier: Apache-2.0
"""reaperctl advise: what is the matter, and the command that mends it, fit to be copied."""

from __future__ import annotations

from console_kit import Console
from reaperctl_kit import Asker, Bus, Peer, Reaperd, Refused, begin, bus, console, reaperctl  # noqa: F401
from standin import Standin

# pylint: disable=redefined-outer-name
MATTER = "The engine keeps five finished tasks of each slot, which hold what they hold " * 3
COMMAND = "docker service update --restart-delay=5s " + "a-rather-long-name-of-a-service-" * 4


def test_nothing(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    """The daemon's own answer."""
    begin(reaperd, console)
    assert reaperctl("advise").out == "Nothing to advise.\n"
    assert reaperctl("advise", "--json=short").rows == []


def test_advice(bus: Bus, reaperctl: Asker) -> None:
    advice = [("history-limit", "swarm", MATTER.strip(), COMMAND), ("log-driver", "web", "Logs go.", "")]
    peer = Peer(bus, Advise=lambda: ("a(ssss)", [advice]))
    try:
        assert reaperctl("advise").out == (
            f"history-limit swarm\n    {MATTER.strip()}\n        {COMMAND}\n\nlog-driver web\n    Logs go.\n")
        assert reaperctl("advise", "--json=pretty").rows == [
            {"kind": "history-limit", "subject": "swarm", "matter": MATTER.strip(), "command": COMMAND},
            {"kind": "log-driver", "subject": "web", "matter": "Logs go.", "command": None}]

        shown = reaperctl.on_terminal("advise", columns=60, NO_COLOR="1").out.splitlines()
        assert f"        {COMMAND}" in shown, "a command is not broken"
        words = [line for line in shown if not line.endswith(COMMAND)]
        assert len(words) > 6 and max(map(len, words)) <= 60
    finally:
        peer.close()


def test_hostile(bus: Bus, reaperctl: Asker) -> None:
    evil = "x\x1b]0;title\x07\n\u202eweb"
    peer = Peer(bus, Advise=lambda: ("a(ssss)", [[(evil, evil, evil, evil)]]))
    try:
        lines = reaperctl("advise").lines
        escaped = r"x\x1b]0;title\x07\x0a\xe2\x80\xaeweb"
        assert lines == [f"{escaped} {escaped}", f"    {escaped}", f"        {escaped}"]
        assert reaperctl("advise", "--json=short").rows[0]["kind"] == evil
    finally:
        peer.close()


def test_not_a_manager(bus: Bus, reaperctl: Asker) -> None:
    def refuse() -> tuple[str, list[str]]:
        raise Refused("org.reaperd.Error.NotManager", "This node is not a manager")
    peer = Peer(bus, Advise=refuse)
    try:
        done = reaperctl("advise", status=1)
        assert (done.lines, done.errors) == ([], ["reaperctl: This node is not a manager"])
    finally:
        peer.close()


def test_another_version(bus: Bus, reaperctl: Asker) -> None:
    """An answer that does not read as it must is told, and ends nothing but the command."""
    peer = Peer(bus, Advise=lambda: ("s", ["something else"]))
    try:
        done = reaperctl("advise", status=1)
        assert not done.lines and "may be of another version" in done.errors[0]
    finally:
        peer.close()
