# SPDX-License-Identifier: Apache-2.0
"""reaperctl list: what the daemon tells, as a table and as JSON; on narrow terminals; from hostile peers; and many."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest

from console_kit import QUIET, SECOND, Bus, Console, begin, bus, console  # noqa: F401
from daemon import Reaperd
from lab.bus import NOBODY
from lab.console import INVALID, NEVER, UNKNOWN, Row
from reaperctl import SGR, TREACHEROUS, Peer, Reaperctl, Refused, table
from standin import Standin

ROW = "(ssssssssttttttb)"
HOUR = 3600 * SECOND
JSON = {"id": "id", "name": "name", "service": "service", "slot": "slot", "image": "image", "state": "state",
        "outcome": "outcome", "verdict": "verdict", "age_usec": "age", "due_in_usec": "due", "held_cached": "held",
        "held_dirty": "dirty", "held_disk": "disk", "held_inodes": "inodes", "exact": "exact"}


def row(number: int, **facts: Any) -> Row:
    values = {"id": f"{number:064x}", "name": f"web.{number}.task", "service": "web", "slot": f"web.{number}",
              "image": "nginx:1", "state": "exited", "outcome": "success", "verdict": "retained", "age": 2 * HOUR,
              "due": HOUR, "held": UNKNOWN, "dirty": UNKNOWN, "disk": UNKNOWN, "inodes": UNKNOWN, "exact": True}
    return Row(**(values | facts))


def pages(*rows: Row, size: int = 1000) -> Any:
    """Answers ListContainers with these."""
    def answer(_: Any, after: str, limit: int) -> tuple[str, list[Any]]:
        assert limit <= 1000
        left = sorted(each for each in rows if each.id > after)
        page = left[:min(size, limit)]
        return f"a{ROW}s", [page, page[-1].id if len(left) > len(page) else ""]
    return answer


def span(seconds: int) -> str:
    """In one or two units."""
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [(days, "d"), (hours, "h")] if days else [(hours, "h"), (minutes, "min")] if hours \
        else [(minutes, "min"), (seconds % 60 if minutes < 10 else 0, "s")]
    return " ".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def width(line: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def test_tells_what_the_daemon_tells(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    for slot in (1, 2, 3):
        engine.add(slot=slot, ended=3600 * slot, exit_code=slot % 2)
    engine.add(service="shop_db", slot=7, ended=100, asks={"org.reaperd.keep": "true"})
    engine.add(slot=9, state="running", ended=None)
    begin(reaperd, console, **QUIET | {"Failure": "9h"})
    reaperctl = Reaperctl(bus)

    shown = reaperctl.good("list")
    rows = {each.id[:12]: each for each in console.list()}
    seen = {each["CONTAINER"]: each for each in table(shown.lines)}
    assert seen.keys() == rows.keys() and len(seen) == 4
    assert shown.lines[-2:] == ["", "4 containers listed."]
    for short, cells in seen.items():
        told = rows[short]
        assert (cells["NAME"], cells["SERVICE.SLOT"], cells["VERDICT"]) == (told.name, told.slot, told.verdict)
        assert cells["OUTCOME"] == (told.outcome or "-") and cells["HELD"] == "-"
        assert cells["AGE"] in [span(told.age // SECOND - n) for n in range(20)]
        assert cells["DUE IN"] == "-" if told.due == NEVER else cells["DUE IN"][0] in "123456789"

    everything = table(reaperctl.good("list", "--all").lines)
    assert len(everything) == 5
    assert [cells["AGE"] for cells in everything if cells["STATE"] == "running"] == ["-"]
    assert {cells["CONTAINER"] for cells in everything} == {each.id[:12] for each in console.list(All=True)}

    by_service = table(reaperctl.good("list", "--service=shop_db").lines)
    assert [cells["SERVICE.SLOT"] for cells in by_service] == ["shop_db.7"]
    by_verdict = table(reaperctl.good("list", "--verdict=kept-label").lines)
    assert [cells["SERVICE.SLOT"] for cells in by_verdict] == ["shop_db.7"]
    nothing = reaperctl.good("list", "--service=none")
    assert nothing.out == "0 containers listed.\n"
    assert reaperctl.good("list", "--service=none", "--no-legend").out == ""
    assert reaperctl.good("list", "--service=none", "--json=short").out == "[]\n"

    bare = reaperctl.good("list", "--no-legend").lines
    assert len(bare) == 4 and all(re.match("[0-9a-f]{12} ", line) for line in bare)


def test_json_is_exact(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    engine.add(ended=5000)
    engine.add(name="batch", labels={}, is_task=False, ended=5000)
    engine.add(slot=2, state="running", ended=None)
    begin(reaperd, console, **QUIET)
    told = {each.id: each for each in console.list(All=True)}
    short = Reaperctl(bus).good("list", "--all", "--json=short")
    assert short.out.count("\n") == 1
    rows = short.json()
    assert {each["id"] for each in rows} == told.keys()
    for each in rows:
        assert list(each) == list(JSON)
        wanted = told[each["id"]]._asdict()
        for key, name in JSON.items():
            value = None if wanted[name] in ("", UNKNOWN) else wanted[name]
            if name in ("age", "due") and value not in (None, 0):
                assert abs(each[key] - value) < 60_000_000 and isinstance(each[key], int)
            else:
                assert each[key] == value
    pretty = Reaperctl(bus).good("list", "--all", "--json=pretty")
    assert [each["id"] for each in pretty.json()] == [each["id"] for each in rows]
    assert pretty.lines[1:3] == ["  {", f'    "id": "{rows[0]["id"]}",']


def test_numbers_beyond_a_double_stay_exact(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, ListContainers=pages(row(1, age=2**53 + 1, held=2**63 + 1, inodes=0)))
    made, = Reaperctl(bus).good("list", "--json=short").json()
    assert (made["age_usec"], made["held_cached"], made["held_inodes"]) == (2**53 + 1, 2**63 + 1, 0)
    peer.close()


def test_sorts(bus: Bus) -> None:  # noqa: F811
    mega = 1024 * 1024
    peer = Peer(bus, ListContainers=pages(
        row(1, due=3 * HOUR, age=1 * HOUR, held=5 * mega, disk=UNKNOWN),
        row(2, due=NEVER, age=9 * HOUR, held=UNKNOWN, disk=7 * mega),
        row(3, due=0, age=2 * HOUR, held=50 * mega, disk=1 * mega),
        row(4, due=HOUR, age=NEVER, held=0, disk=9 * mega)))
    reaperctl = Reaperctl(bus)
    wanted = {"due": "3412", "age": "2314", "held": "3142", "size": "4231"}
    for key, order in wanted.items():
        rows = table(reaperctl.good("list", f"--sort={key}").lines)
        assert [each["NAME"].split(".")[1] for each in rows] == list(order), key
    assert reaperctl.good("list").out == reaperctl.good("list", "--sort=due").out
    by_size = table(reaperctl.good("list", "--sort=size").lines)
    assert [each["DISK"] for each in by_size] == ["9.0M", "7.0M", "1.0M", "-"]
    first = table(reaperctl.good("list").lines)[0]
    assert first == {"CONTAINER": "0" * 12, "NAME": "web.3.task", "SERVICE.SLOT": "web.3", "OUTCOME": "success",
                     "AGE": "2h", "HELD": "50.0M", "VERDICT": "retained", "DUE IN": "now"}
    peer.close()


def test_plain_containers_have_no_slot(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, ListContainers=pages(row(1, service="", slot="", name="", outcome="")))
    made, = table(Reaperctl(bus).good("list").lines)
    assert (made["NAME"], made["SERVICE.SLOT"], made["OUTCOME"]) == ("-", "-", "-")
    peer.close()


@pytest.mark.parametrize("columns", [40, 80, 100, 120])
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_fits_the_terminal(bus: Bus, columns: int, locale: str) -> None:  # noqa: F811
    name = "shop_database-migration.12.t0123456789abcdefghijklmn"
    peer = Peer(bus, ListContainers=pages(
        row(1, name=name, service="shop_database-migration", slot="shop_database-migration.12"),
        row(2, name="漢字漢字漢字漢字漢字漢字", slot="café.1")))
    reaperctl = Reaperctl(bus)
    shown = reaperctl.on_terminal("list", columns=columns, LC_ALL=locale)
    lines = SGR.sub("", shown.out).splitlines()
    assert shown.status == 0 and lines[0].startswith("CONTAINER")
    if columns >= 80:
        assert max(map(width, lines)) <= columns, shown.out
        assert lines[1].split()[2].endswith(".12"), "the slot's number is worth more than the name"
    assert ("…" if locale == "C.UTF-8" else "...") in shown.out
    full = SGR.sub("", reaperctl.on_terminal("list", "--full", columns=columns, LC_ALL=locale).out)
    assert name in full and "…" not in full and "..." not in full
    piped = reaperctl.good("list", LC_ALL=locale, COLUMNS="40").out
    assert name in piped and "…" not in piped and "..." not in piped
    peer.close()


def test_leaves_out_what_can_be_spared(bus: Bus) -> None:  # noqa: F811
    """Where shortening is not enough: the state, which --all adds, then the name. The table is 72 wide at least."""
    peer = Peer(bus, ListContainers=pages(row(1, name="a" * 60, slot="web-frontend.12")))
    for columns, left_out in ((72, set()), (71, {"STATE"}), (65, {"STATE"}), (64, {"STATE", "NAME"})):
        shown = SGR.sub("", Reaperctl(bus).on_terminal("list", "--all", columns=columns).out).splitlines()
        assert max(map(width, shown)) <= columns, shown
        assert {"STATE", "NAME"} - set(shown[0].split()) == left_out, shown
        assert ("aaa…" in shown[1]) == ("NAME" not in left_out)
    peer.close()


HOSTILE = ["\x1b[2J\x1b[31mred", "bell\x07", "line\nbreak", "tab\tstop", "\x9b2Jcsi", "\u202egnp.exe", "zero\u200bwidth",
           "\x7f", "\u2028", "ok"]


@pytest.mark.parametrize("verbosity", [(), ("--json=short",), ("--json=pretty",)])
def test_nothing_of_a_peer_drives_the_terminal(bus: Bus, verbosity: tuple[str, ...]) -> None:  # noqa: F811
    rows = [row(n, name=text, service=text, slot=text, image=text, state=text, outcome=text, verdict=text)
            for n, text in enumerate(HOSTILE, 1)]
    rows.append(row(99, id="\x1b[2J" * 16))
    peer = Peer(bus, ListContainers=pages(*rows))
    reaperctl = Reaperctl(bus)
    for locale in ("C.UTF-8", "C"):
        for shown in (reaperctl("list", "--all", *verbosity, LC_ALL=locale),
                      reaperctl.on_terminal("list", "--all", "--full", *verbosity, LC_ALL=locale)):
            assert shown.status == 0, shown
            text = SGR.sub("", shown.out) if shown.err == "" else shown.out
            assert not TREACHEROUS.search(text), ascii(text)
            assert locale == "C.UTF-8" or text.isascii()
            if verbosity:
                assert {each["name"] for each in shown.json()} >= set(HOSTILE)
            else:
                assert "\\x1b[2J\\x1b[31mred" in text and "\x1b[31mred" not in shown.out
    peer.close()


def test_errors_of_a_peer_do_not_either(bus: Bus) -> None:  # noqa: F811
    def refuse(*_: Any) -> tuple[str, list[Any]]:
        raise Refused("org.example.Bad", "\x1b[2Jbad\nreaperctl: all is well")
    peer = Peer(bus, ListContainers=refuse)
    shown = Reaperctl(bus)("list")
    assert (shown.status, shown.out) == (1, "")
    assert shown.err == "reaperctl: \\x1b[2Jbad\\x0areaperctl: all is well\n"
    peer.close()


def test_is_done_even_if_the_peer_never_is(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, ListContainers=lambda *_: (f"a{ROW}s", [[row(1)], "f" * 64]))
    shown = Reaperctl(bus)("list")
    assert shown.status == 1 and "The answer cannot be read" in shown.err, shown
    assert len(peer.calls) == 2
    peer.answers["ListContainers"] = lambda *_: ("s", ["what?"])
    shown = Reaperctl(bus)("list")
    assert shown.status == 1 and "The answer cannot be read" in shown.err, shown
    peer.close()


def test_asks_page_by_page(bus: Bus) -> None:  # noqa: F811
    peer = Peer(bus, ListContainers=pages(*(row(n) for n in range(1, 2501))))
    rows = table(Reaperctl(bus).good("list").lines)
    assert len(rows) == 2500 and len(peer.calls) == 3
    peer.close()


def test_many(engine: Standin, reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    for n in range(10000):
        engine.add(service=f"service{n % 40}", slot=n % 9 + 1, ended=3000 + n)
    begin(reaperd, console, **QUIET)
    shown = Reaperctl(bus).good("list", "--sort=age", "--no-legend")
    shorts = [line.split()[0] for line in shown.lines]
    assert len(shorts) == len(set(shorts)) == 10000
    assert len(Reaperctl(bus).good("list", "--json=short").json()) == 10000


def test_an_unknown_verdict_is_wrong_usage(reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    begin(reaperd, console)
    shown = Reaperctl(bus)("list", "--verdict=nonsense")
    assert shown.status == 2 and shown.out == "" and "ttl-expired" in shown.err, shown
    assert console.error("ListContainers", "a{sv}su", {"Verdict": ("s", "nonsense")}, "", 1).name == INVALID


def test_who_may_not_ask_is_told_so(reaperd: Reaperd, console: Console, bus: Bus) -> None:  # noqa: F811
    begin(reaperd, console)
    reaperctl = Reaperctl(bus)
    reaperctl.prefix = NOBODY
    shown = reaperctl("list")
    assert (shown.status, shown.out) == (1, "")
    assert shown.err == ("reaperctl: Access denied: reading takes root or group docker, changing takes root\n")
