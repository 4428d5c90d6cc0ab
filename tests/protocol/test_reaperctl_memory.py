# SPDX-License-Identifier: Apache-2.0
"""reaperctl memory: what stopped containers hold by service, with a bar on a terminal."""

from __future__ import annotations

from typing import Any

from console_kit import QUIET, Bus, Console, begin, bus, console  # noqa: F401
from daemon import Reaperd
from lab.console import UNKNOWN
from reaperctl import SGR, TREACHEROUS, Peer, Reaperctl, table
from standin import Standin

MEGA = 1 << 20
KEYS = ["service", "stopped", "measured", "cached", "dirty", "disk", "inodes"]
HOLDERS = [("", 1, 1, 25 * MEGA, 0, 30 * MEGA, 12), ("web", 5, 4, 100 * MEGA, MEGA, 400 * MEGA, 9000),
           ("idle", 3, 0, 0, 0, 0, 0), ("db", 2, 2, 50 * MEGA, UNKNOWN, 600 * MEGA, 3)]


def holding(*rows: tuple[Any, ...]) -> Any:
    return lambda: ("a(suutttt)", [list(rows)])


def test_tells_what_the_daemon_tells(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    for service in ("web", "web", "db"):
        engine.add(service=service, ended=3600)
    begin(reaperd, console, **QUIET)
    told = console.memory()
    rows = {cells["SERVICE"]: cells for cells in table(Reaperctl(bus).good("memory").lines)}
    assert rows.keys() == told.keys() | {"all"} and told.keys() == {"web", "db"}
    assert {name: int(cells["STOPPED"]) for name, cells in rows.items()} == {"web": 2, "db": 1, "all": 3}
    # Nothing has been measured: that is not the same as nothing held.
    assert {cells["CACHE"] for cells in rows.values()} == {"-"}


def test_nothing_has_stopped(reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    begin(reaperd, console)
    assert Reaperctl(bus).good("memory").out == "No stopped containers.\n"
    assert Reaperctl(bus).good("memory", "--no-legend").out == ""
    assert Reaperctl(bus).good("memory", "--json=short").out == "[]\n"


def test_sorts_and_sums(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, MemoryByService=holding(*HOLDERS))
    shown = Reaperctl(bus).good("memory").lines
    # Of these the name of none has a space in it, but for this one.
    rows = table([line.replace("(no service)", "(no-service)") for line in shown])
    assert [cells["SERVICE"] for cells in rows] == ["web", "db", "(no-service)", "idle", "all"]
    assert list(rows[0].values()) == ["web", "5", "4", "100.0M", "1.0M", "400.0M", "9000"]
    assert list(rows[1].values())[3:] == ["50.0M", "-", "600.0M", "3"]
    assert list(rows[3].values())[2:] == ["0", "-", "-", "-", "-"]
    assert list(rows[4].values()) == ["all", "11", "7", "175.0M", "1.0M", "1.0G", "9015"]
    bare = Reaperctl(bus).good("memory", "--no-legend").lines
    assert bare[0].split()[0] == "web" and len(bare) == 4
    peer.close()


def test_json_is_exact(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, MemoryByService=holding(("web", 1, 1, 2**53 + 1, UNKNOWN, 2**64 - 2, 0), ("", 1, 0, 0, 0, 0, 0)))
    rows = Reaperctl(bus).good("memory", "--json=short").json()
    assert [list(row) for row in rows] == [KEYS, KEYS]
    assert list(rows[0].values()) == ["web", 1, 1, 2**53 + 1, None, 2**64 - 2, 0]
    assert list(rows[1].values()) == [None, 1, 0, None, None, None, None]
    peer.close()


def test_bars_only_on_a_terminal(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, MemoryByService=holding(*HOLDERS))
    reaperctl = Reaperctl(bus)
    lines = SGR.sub("", reaperctl.on_terminal("memory").out).splitlines()
    bars = {line.split()[0]: line.count("█") for line in lines if "M" in line}
    assert bars == {"SERVICE": 0, "web": 12, "db": 6, "(no": 3, "all": 0}
    assert max(map(len, lines)) <= 80
    plain = SGR.sub("", reaperctl.on_terminal("memory", LC_ALL="C").out)
    assert plain.isascii() and "#" * 12 in plain
    assert "█" not in reaperctl.good("memory").out
    peer.close()


def test_a_hostile_peer(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, MemoryByService=holding(("\x1b[2Jweb\n", 1, 1, 1, 1, 1, 1), ("\u202e\x9b", 2, 2, 2, 2, 2, 2)))
    for shown in (Reaperctl(bus).good("memory"), Reaperctl(bus).on_terminal("memory"),
                  Reaperctl(bus).good("memory", "--json=pretty")):
        assert not TREACHEROUS.search(SGR.sub("", shown.out)), ascii(shown.out)
    assert "\\x1b[2Jweb\\x0a" in Reaperctl(bus).good("memory").out
    peer.close()
