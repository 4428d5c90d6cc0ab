# SPDX-License-Identifier: Apache-2.0
"""What --json of all commands has in common: how times are named, and what stands for those that never come."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any, Iterator

from console_kit import QUIET, Console
from reaperctl_kit import REAPERCTL, Asker, Bus, Peer, Reaperd, begin, bus, console, reaperctl  # noqa: F401
from standin import Container, Standin

# pylint: disable=redefined-outer-name
# Words by which a key tells a time or a span.
TIME = re.compile(r"(^|_)(at|since|until|when|time|date|age|due|in|for|after|before|span|delay|usec|sec|seconds|ms)(_|$)")
NOT_TIMES = {"due_next_hour"}   # a count
# Times of this century. No count and no size is as large as that here.
FIRST, LAST = 946_684_800 * 10**6, 4_102_444_800 * 10**6
SPANS = {"age_usec", "due_in_usec", "ends_in_usec"}


def is_realtime(value: Any) -> bool:
    return isinstance(value, int) and FIRST <= value <= LAST


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """All of them, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner)


def check(rows: list[dict[str, Any]]) -> set[str]:
    """Returns the keys of times."""
    assert rows and all(isinstance(row, dict) for row in rows)
    found = set()
    for key, value in members(rows):
        assert re.fullmatch("[a-z]+(_[a-z]+)*", key), key
        if isinstance(value, (dict, list)):
            continue
        if not key.endswith("_usec"):
            assert key in NOT_TIMES or not TIME.search(key), f"{key}: a time without its unit"
            assert not is_realtime(value), f"{key}: {value} is a time"
            continue
        found.add(key)
        assert value is None or type(value) is int, f"{key}: {value!r}"     # pylint: disable=unidiomatic-typecheck
        assert key in SPANS or value is None or is_realtime(value), f"{key}: {value} is no time"
    return found


def watched(process: subprocess.Popen[str], last: str) -> list[dict[str, Any]]:
    """All up to this event."""
    rows: list[dict[str, Any]] = []
    assert process.stdout
    while not rows or rows[-1]["event"] != last:
        line = process.stdout.readline()
        assert line, f"no {last}"
        rows.append(json.loads(line))
    return rows


def verbs() -> set[str]:
    text = subprocess.run([REAPERCTL, "--help"], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"^  ([a-z-]+)", text[text.index("Commands:\n"):text.index("\nOptions")], re.M))


def ask_all(reaperd: Reaperd, reaperctl: Asker, watch: subprocess.Popen[str], removed: Container,
            kept: Container) -> dict[str, set[str]]:
    """The keys of times, by command."""
    told: dict[str, set[str]] = {}

    def ask(verb: str, *arguments: str, status: int = 0) -> None:
        told[verb] = check(reaperctl(verb, *arguments, "--json=short", status=status).rows)

    watched(watch, "watching")
    ask("status")
    ask("list", "--all")
    ask("explain", kept.id)
    ask("memory")
    ask("pause", "1h")
    row, = reaperctl("status", "--json=short").rows
    assert check([row]) == told["status"] and row["paused_until_usec"] is not None
    ask("resume")
    assert reaperctl("status", "--json=short").rows[0]["paused_until_usec"] is None
    ask("reap", removed.id)
    ask("history")
    ask("reload")
    told["watch"] = check(watched(watch, "reloaded"))
    reaperd.config.write_text("[Retention]\nSucces=1h\n", encoding="utf-8")
    ask("check-config", status=1)
    return told


def test_names_of_times(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    """Of all commands but advise, which tells none."""
    first, second = engine.add(slot=1, ended=600.0), engine.add(slot=2, ended=900.0)
    begin(reaperd, console, **QUIET)
    watch = reaperctl.begin("watch", "--json=short")
    try:
        told = ask_all(reaperd, reaperctl, watch, first, second)
    finally:
        watch.kill()
        watch.communicate()
    row = {"age_usec", "due_in_usec"}
    assert told == {
        "status": {"started_at_usec", "connected_since_usec", "settles_at_usec", "last_event_at_usec",
                   "last_resync_at_usec", "next_due_at_usec", "first_run_until_usec", "surge_until_usec",
                   "paused_until_usec"},
        "list": row, "explain": row | {"ends_in_usec"}, "memory": set(), "pause": {"paused_until_usec"}, "resume": set(),
        "reap": set(), "history": {"when_usec", "age_usec"}, "reload": set(), "check-config": set(),
        "watch": {"time_usec", "until_usec", "when_usec", "age_usec"},
    }
    assert set(told) == verbs() - {"advise"}, "a command that this test does not know"


def test_advise_tells_no_times(bus: Bus, reaperctl: Asker) -> None:
    peer = Peer(bus, Advise=lambda: ("a(ssss)", [[("history-limit", "swarm", "Much is kept.", "docker swarm update")]]))
    try:
        assert check(reaperctl("advise", "--json=short").rows) == set()
    finally:
        peer.close()


def test_never(bus: Bus, reaperctl: Asker) -> None:
    """As 0 or as infinity on the bus: null. A count of 0 is one."""
    never = {"StartedAt": 0, "ConnectedSince": 0, "SettlesAt": 2**64 - 1, "LastEventAt": 0, "LastResyncAt": 0,
             "NextDueAt": 2**64 - 1, "FirstRunUntil": 2**64 - 1, "SurgeUntil": 0, "PausedUntil": 0}
    values = {name: ("t", value) for name, value in (never | {"Resyncs": 0, "Removed": 0}).items()}
    peer = Peer(bus, GetAll=lambda _: ("a{sv}", [values]), Pause=lambda _: ("tb", [2**64 - 1, True]))
    try:
        row, = reaperctl("status", "--json=short").rows
        assert len(check([row])) == len(never) and all(row[key] is None for key in row if key.endswith("_usec"))
        assert (row["resyncs"], row["removed"], row["known"]) == (0, 0, None)
        assert reaperctl("pause", "--json=short").rows == [{"paused_until_usec": None, "kept": True}]
    finally:
        peer.close()
