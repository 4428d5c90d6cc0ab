# SPDX-License-Identifier: Apache-2.0
"""reaperctl status: what the properties say, in the look of systemctl status; and where there is no daemon."""

from __future__ import annotations

import re
from typing import Any

import pytest

from console_kit import QUIET, SECOND, Bus, Console, begin, bus, console  # noqa: F401
from daemon import Reaperd, until
from lab.bus import DOCKER, NOBODY
from lab.console import UNKNOWN
from reaperctl import SGR, TREACHEROUS, Peer, Reaperctl, Result
from standin import Standin

NO_DAEMON = "reaperctl: No reaperd on the system bus of this node: "
GREEN, YELLOW, RED = "\x1b[32m●", "\x1b[33m●", "\x1b[31m●"
# These move while they are looked at.
RESTLESS = {"AnonymousMemory", "MemoryAvailable", "MemoryFree", "MemoryTotal", "DiskUsed"}
CALM: dict[str, Any] = {"Version": "1.2.3", "HostName": "node-7", "Connected": True, "PressureLevel": "normal",
                        "ConnectedSince": SECOND, "SettlesAt": 0, "FirstRunUntil": 0, "SurgeUntil": 0, "PausedUntil": 0,
                        "Quarantined": 0}


def fields(shown: Result | str) -> dict[str, str]:
    """What is told, by its label."""
    text = SGR.sub("", shown if isinstance(shown, str) else shown.out)
    found: dict[str, str] = {}
    label = ""
    for line in text.splitlines()[1:]:
        given, value = line[:11].strip(), line[13:]
        assert line[11:13] == (": " if given else "  "), f"not aligned: {line}"
        label = given or label
        found[label] = f"{found[label]}\n{value}" if label in found else value
    return found


def variants(values: dict[str, Any]) -> Any:
    """The answer of GetAll."""
    def variant(value: Any) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return value
        return ("b" if isinstance(value, bool) else "s" if isinstance(value, str) else "t", value)
    return lambda _: ("a{sv}", [{name: variant(value) for name, value in values.items()}])


def counts(**values: int) -> dict[str, Any]:
    return {name: ("u", value) for name, value in values.items()}


def test_tells_what_the_properties_say(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    for slot in (1, 2):
        engine.add(slot=slot, ended=3600)
    engine.add(slot=3, ended=3600, asks={"org.reaperd.ttl": "1h30min"})
    begin(reaperd, console, **QUIET)
    shown = Reaperctl(bus).good("status")
    told, lines = console.properties(), fields(shown)
    assert shown.lines[0] == f"● reaperd {told['Version']} on {told['HostName']}"
    assert lines["Engine"] == f"{told['Endpoint']}, version {told['EngineVersion']}, API {told['EngineApiVersion']}"
    assert re.fullmatch(r"yes, since \w{3} [\d-]+ [\d:]+ UTC; \d+s ago", lines["Connected"])
    assert re.fullmatch(r"\w{3} [\d-]+ [\d:]+ UTC; \d+s ago, 1 since the start", lines["Resync"])
    assert lines["Last event"] == "never" and lines["Waiting"] == "for nothing"
    assert lines["Containers"] == "3 known, 3 tracked, 3 stopped, 0 quarantined"
    assert re.fullmatch(r"1 within the next hour, the first in (29|30)min.*", lines["Due"]), lines
    assert lines["Swarm"] == f"active, node {told['NodeId']}" and lines["Pressure"] == "normal"
    assert lines["Removed"] == "0 today, 0 since the start, 0 failed"
    assert re.fullmatch(r"[\d.]+M", lines["Own memory"])
    assert re.fullmatch(r"since \w{3} [\d-]+ [\d:]+ UTC; \d+s ago", lines["Active"])
    # It is what is done if nothing is asked for; group docker may see it.
    assert fields(Reaperctl(bus).good())["Engine"] == lines["Engine"]
    as_docker = Reaperctl(bus)
    as_docker.prefix = DOCKER
    assert fields(as_docker.good("status"))["Engine"] == lines["Engine"]


def test_json_has_every_property(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    engine.add(ended=3600)
    begin(reaperd, console, **QUIET)
    told = console.properties()
    row, = Reaperctl(bus).good("status", "--json=short").json()
    times = {name for name in told if re.search("(At|Since|Until)$", name)}
    names = {name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() + "_usec" * (name in times) for name in told}
    assert set(row) == set(names.values())
    for name, key in names.items():
        if name in times and told[name] in (0, UNKNOWN):
            assert row[key] is None, name
        elif name in times:
            assert abs(row[key] - told[name]) < SECOND, name    # made anew each time, from another clock
        elif name not in RESTLESS:
            assert row[key] == (None if told[name] in ("", UNKNOWN) else told[name]), name
    assert isinstance(row["anonymous_memory"], int)
    assert row["started_at_usec"] > SECOND and row["paused_until_usec"] is None and row["surge_held"] == 0


def test_tells_what_removals_wait_for(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    engine.add(ended=3600)
    begin(reaperd, console, **QUIET)
    reaperctl = Reaperctl(bus)
    assert reaperctl.on_terminal("status").out.startswith(GREEN)
    console.pause(600)
    shown = reaperctl.on_terminal("status")
    assert shown.out.startswith(YELLOW)
    assert re.fullmatch(r"removals are paused until \w{3} [\d-]+ [\d:]+ UTC; in (10min|9min \d+s)",
                        fields(shown)["Waiting"])


def test_tells_that_the_engine_is_gone(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    begin(reaperd, console)
    engine.server.close()
    until(lambda: not console.get("Connected"), "the engine is missed")
    shown = Reaperctl(bus).on_terminal("status")
    assert shown.status == 0 and shown.out.startswith(RED) and fields(shown)["Connected"] == "no"
    assert fields(shown)["Waiting"] == "for the engine"


@pytest.mark.parametrize(("colour", "label", "words", "values"), [
    (GREEN, "Waiting", "for nothing", {}),
    (YELLOW, "Waiting", "first run: the wait begins with the first list", {"FirstRunUntil": UNKNOWN}),
    (YELLOW, "Waiting", "first run, until Thu 1970-01-01 00:00:07 UTC", {"FirstRunUntil": 7 * SECOND}),
    (YELLOW, "Waiting", "surge: 12 are held until Thu 1970-01-01 00:00:09 UTC",
     {"SurgeUntil": 9 * SECOND} | counts(SurgeHeld=12)),
    (YELLOW, "Containers", "- known, - tracked, - stopped, 3 quarantined", counts(Quarantined=3)),
    (GREEN, "Pressure", "elevated (memory)", {"PressureLevel": "elevated", "PressureCause": "memory"}),
    (RED, "Pressure", "critical (disk), removing did not help and was given up",
     {"PressureLevel": "critical", "PressureCause": "disk", "PressureGivenUp": True}),
    (GREEN, "Disk", "50.0G used of 200.0G (25%)", {"DiskTotal": 200 << 30, "DiskUsed": 50 << 30}),
    (GREEN, "Memory", "3.0G available of 8.0G, 512.0M free",
     {"MemoryTotal": 8 << 30, "MemoryAvailable": 3 << 30, "MemoryFree": 512 << 20}),
    (YELLOW, "Removed", "would have been 2 today, 5 since the start, 0 failed",
     {"DryRun": True, "RemovedToday": 2, "Removed": 5, "Failed": 0}),
    (YELLOW, "Reclaimed", "would have been 1.0G of page cache today, 2.0G since the start\n"
     "would have been 3.0G on disk today, 4.0G since the start",
     {"DryRun": True, "ReclaimedToday": 1 << 30, "Reclaimed": 2 << 30, "ReclaimedDiskToday": 3 << 30,
      "ReclaimedDisk": 4 << 30}),
    (GREEN, "Reclaimed", "1.0G of page cache today, 2.0G since the start\n3.0G on disk today, 4.0G since the start",
     {"ReclaimedToday": 1 << 30, "Reclaimed": 2 << 30, "ReclaimedDiskToday": 3 << 30, "ReclaimedDisk": 4 << 30}),
    (YELLOW, "Waiting", "for the engine to settle, until Tue 2096", {"SettlesAt": 4_000_000_000 * SECOND}),
    (YELLOW, "Waiting", "for the engine: it is not known yet how long it has been up", {"SettlesAt": UNKNOWN}),
    (YELLOW, "Waiting", "for this node's Swarm state, which is locked", {"SwarmState": "locked"}),
    (RED, "Waiting", "for the engine", {"Connected": False}),
    (YELLOW, "Waiting", "for the engine to settle, until Tue 2096-10-02 07:06:40 UTC; in 2",
     {"SettlesAt": 4_000_000_000 * SECOND, "SwarmState": "inactive"}),
])
def test_words_for_each_state(bus: Bus, colour: str, label: str, words: str, values: dict[str, Any]) -> None:  # noqa: F811
    peer = Peer(bus, GetAll=variants(CALM | counts(Quarantined=0) | values))
    shown = Reaperctl(bus).on_terminal("status", columns=200)
    found = fields(shown)[label]
    assert shown.out.startswith(colour), shown
    assert found.startswith(words), found
    peer.close()


def test_bears_another_version(bus: Bus) -> None:  # noqa: F811
    """Properties that are missing, or of another type, or new."""
    peer = Peer(bus, GetAll=variants({"Version": "9", "Connected": ("s", "perhaps"), "News": ("as", ["x"]),
                                      "Removed": 2**53 + 1, "HostName": "\x1b[2Jh\x07"}))
    shown = Reaperctl(bus).good("status")
    assert shown.lines[0] == "● reaperd 9 on \\x1b[2Jh\\x07" and not TREACHEROUS.search(shown.out)
    row, = Reaperctl(bus).good("status", "--json=pretty").json()
    assert row["removed"] == 2**53 + 1 and row["connected"] is False and row["tracked"] is None
    peer.answers["GetAll"] = lambda _: ("s", ["?"])
    wrong = Reaperctl(bus)("status")
    assert wrong.status == 1 and "The answer cannot be read" in wrong.err
    peer.close()


def test_where_there_is_no_daemon(bus: Bus) -> None:  # noqa: F811
    for reaperctl, why in ((Reaperctl(), "the bus cannot be reached (No such file or directory)"),
                           (Reaperctl(bus), "nobody has the name org.reaperd")):
        shown = reaperctl("status")
        assert (shown.status, shown.out) == (3, "")
        assert shown.err == f"{NO_DAEMON}{why}. Is it running? (systemctl status reaperd)\n"
        for verb in (["list"], ["memory"], ["explain", "web"]):
            shown = reaperctl(*verb)
            assert (shown.status, shown.out) == (1, "") and shown.err.startswith(NO_DAEMON), shown
        assert reaperctl("status", "--json=short").out == "[]\n"


def test_a_daemon_that_ends_before_it_answers(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, GetAll=None)
    shown = Reaperctl(bus)("status")
    assert (shown.status, shown.out) == (3, "") and shown.err.startswith(NO_DAEMON), shown
    peer.close()


def test_who_may_not_ask(reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    begin(reaperd, console)
    reaperctl = Reaperctl(bus)
    reaperctl.prefix = NOBODY
    shown = reaperctl("status")
    assert (shown.status, shown.out) == (1, "") and "Access denied: reading takes root or group docker" in shown.err
