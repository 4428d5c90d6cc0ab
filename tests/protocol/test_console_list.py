# SPDX-License-Identifier: Apache-2.0
"""ListContainers and FindContainers: what is listed, in pages while containers come and go, with filters, and
with names that were made to deceive.
"""

from __future__ import annotations

from typing import Any

import pytest

from console_kit import (HOUR, QUIET, SECOND, Console, await_verdict, begin, bus, console,  # noqa: F401
                         near, spoil, until)
from daemon import Reaperd
from engine_model import NODE_ID, TASK_LABEL, Container
from lab.console import INVALID, NEVER, UNKNOWN
from standin import Standin
from test_hostile import HOSTILE

LIVE = ("running", "paused", "restarting", "created", "hibernating")
EMPTY: list[Any] = []


def crowd(engine: Standin, count: int, **facts: Any) -> list[Container]:
    """In the order of their ids."""
    return [engine.add(slot=n + 1, **facts) for n in range(count)]


def ids(rows: list[Any]) -> list[str]:
    return [row[0] for row in rows]


def test_row(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Each column of one that was inspected, and of one that was not."""
    looked = engine.add(slot=3, ended=HOUR - 600, age=HOUR + 60, exit_code=3, image="registry.example/shop:7")
    other = engine.add(service="mail", slot=12, ended=600.0)
    begin(reaperd, console, Success="1h", Failure="1h", OOMKilled="infinity")
    until(lambda: (row := console.row(looked.id)) and row.exact, "its inspect")
    rows = {row.id: row for row in console.list()}
    assert set(rows) == {looked.id, other.id}
    row = rows[looked.id]
    assert (row.name, row.service, row.slot, row.image) == (looked.name, "web", "web.3", "registry.example/shop:7")
    assert (row.state, row.outcome, row.verdict) == ("exited", "failure", "retained")
    assert near(row.age, HOUR - 600) and near(row.due, 600) and row.age >= (HOUR - 600) * SECOND
    assert (row.held, row.dirty, row.disk, row.inodes) == (UNKNOWN,) * 4
    row = rows[other.id]
    assert (row.service, row.slot, row.state, row.verdict, row.exact) == ("mail", "mail.12", "exited", "retained",
                                                                          False)
    assert not engine.asked("inspect", other)


def test_row_of_what_has_just_ended(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Only events have told of it: it is shown under the name that it bears, and that it failed."""
    begin(reaperd, console, **QUIET)
    fresh = engine.add(slot=7, exit_code=1, ended=0.5)
    fine = engine.add(slot=8, exit_code=0, ended=0.5)
    engine.tell_end(fresh, fine)
    until(lambda: {fresh.id, fine.id} <= {row.id for row in console.list()}, "both are listed")
    rows = {row.id: row for row in console.list(Service="web")}
    assert [(rows[c.id].service, rows[c.id].slot, rows[c.id].exact) for c in (fresh, fine)] == [
        ("web", "web.7", False), ("web", "web.8", False)]
    reaperd.reload()
    until(lambda: console.row(fresh.id).outcome == "failure", "its failure, once it was listed as a task")
    assert console.row(fine.id).outcome == "success" and not console.row(fresh.id).exact


def test_slot_of_others(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """A task of a global service is named after its node; a plain container has neither service nor slot."""
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap")
    task = engine.add(service="agent")
    task.labels[TASK_LABEL + ".name"] = task.name = f"agent.{NODE_ID}.t0000000000000000000000001"
    plain = engine.add_plain(name="tool", labels={"com.docker.swarm.service.name": "web"})
    begin(reaperd, console, **QUIET)
    rows = {row.id: row for row in console.list()}
    assert (rows[task.id].service, rows[task.id].slot) == ("agent", f"agent.{NODE_ID}")
    assert (rows[plain.id].name, rows[plain.id].service, rows[plain.id].slot) == ("tool", "", "")


def test_what_is_listed(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """What has stopped, or failed to start; with All what is there, whatever its state."""
    stopped = [engine.add(slot=1), engine.add(slot=2, state="dead"), engine.add(slot=3, state="removing"),
               engine.add(slot=4, state="created", age=2 * HOUR, exit_code=127, error="exec: no such file")]
    live = [engine.add(slot=n + 10, state=state) for n, state in enumerate(LIVE)]
    plain = engine.add_plain()
    begin(reaperd, console, **QUIET | {"FailedStart": "1h", "MinimumAge": "1h"})
    until(lambda: len(console.list()) == len(stopped), "a failed start that was looked at")
    assert set(ids(console.list())) == {c.id for c in stopped}
    everything = {row.id: row for row in console.list(All=True)}
    assert {c.id for c in stopped + live} <= set(everything) <= {c.id for c in [*stopped, *live, plain]}
    assert set(ids(console.list(All=False))) == {c.id for c in stopped}
    for c in live:
        row = everything[c.id]
        assert row.state == (c.state if c.state != "hibernating" else row.state)
        assert row.age == NEVER
    assert all(everything[c.id].due == NEVER for c in live if c.state != "created")

    engine.vanish(stopped[0])
    until(lambda: stopped[0].id not in ids(console.list(All=True)), "its end")
    engine.end(live[0])
    until(lambda: live[0].id in ids(console.list()), "another that has stopped")


def test_before_the_engine_speaks(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """There is nothing to tell, and that is told at once."""
    engine.add()
    engine.fault("list", times=None, hang=True)
    reaperd.start(RequestTimeout="1h")
    console.await_name()
    engine.wait_asked("list")
    assert console.list(All=True) == EMPTY and console.find("web") == EMPTY
    assert console.history() == EMPTY and console.memory() == {}


@pytest.mark.parametrize("limit", [1, 7, 25, 26, 1000])
def test_pages(engine: Standin, reaperd: Reaperd, console: Console, limit: int) -> None:
    made = crowd(engine, 25)
    engine.containers = dict(reversed(engine.containers.items()))
    begin(reaperd, console, **QUIET)
    following, seen, sizes = "", EMPTY[:], []
    while True:
        page, following = console.page(following, limit)
        seen, sizes = seen + ids(page), [*sizes, len(page)]
        assert len(page) <= limit
        if not following:
            break
    assert seen == [c.id for c in made]
    assert len(sizes) <= 25 // limit + 1


def test_pages_while_they_come_and_go(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Who is there all the time is listed once, whatever happens in front and behind, and to the mark itself."""
    made = crowd(engine, 30)
    begin(reaperd, console, **QUIET)
    page, mark = console.page("", 10)
    assert ids(page) == [c.id for c in made[:10]] and mark
    gone = [made[0], made[9], made[10], made[15]]           # 9 is the last of the page, 10 the next one
    for c in gone:
        engine.vanish(c)
    late = crowd(engine, 2)
    late[0].id = "0" * 64
    engine.containers = {c.id: c for c in engine.containers.values()}
    engine.tell_end(*late)
    until(lambda: len(console.list()) == 30 - 4 + 2, "all of it")
    rest, following = console.page(mark, 10)
    more, end = console.page(following, 1000)
    assert end == ""
    assert ids(rest + more) == [c.id for c in made[10:] if c not in gone] + [late[1].id]


def test_filters(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Each alone and together; they hold for every page."""
    web, mail = crowd(engine, 6), crowd(engine, 3, service="mail")
    asks = crowd(engine, 4, service="shop", asks={"org.reaperd.keep": "yes"})
    run = engine.add(service="web", slot=99, state="running")
    begin(reaperd, console, **QUIET)
    for limit in (1, 2, 1000):
        assert ids(console.list(limit, Service="web")) == [c.id for c in web]
        assert ids(console.list(limit, Service="mail", Verdict="retained")) == [c.id for c in mail]
        assert ids(console.list(limit, Verdict="kept-label")) == [c.id for c in asks]
        assert console.list(limit, Service="mail", Verdict="kept-label") == EMPTY
        assert console.list(limit, Verdict="running") == EMPTY
        assert ids(console.list(limit, Verdict="running", All=True)) == [run.id]
        assert set(ids(console.list(limit, Service="web", All=True))) == {run.id, *(c.id for c in web)}
    for name in ("we", "webb", "WEB", "w*", "nobody"):
        assert console.list(Service=name) == EMPTY


@pytest.mark.parametrize(("key", "value"), [
    ("Services", ("s", "web")), ("service", ("s", "web")), ("", ("b", True)), ("All", ("s", "yes")),
    ("All", ("i", 1)), ("Service", ("b", True)), ("Service", ("as", ["web"])), ("Verdict", ("s", "no-such-verdict")),
    ("Verdict", ("s", "")), ("Verdict", ("s", "Retained")), ("Verdict", ("u", 3)),
    ("\x1b[31mAll", ("b", True)), ("%s%n", ("v", ("v", ("s", "x"))))], ids=str)
def test_bad_filter(engine: Standin, reaperd: Reaperd, console: Console, key: str, value: tuple[str, Any]) -> None:
    """It is refused, and what would be accepted is said."""
    engine.add()
    begin(reaperd, console, **QUIET)
    error = console.error("ListContainers", "a{sv}su", {key: value}, "", 10)
    assert error.name == INVALID and error.message
    if key == "Verdict" and value[0] == "s":
        assert "kept-label" in error.message and "requested" in error.message
    elif key not in ("Service", "All", "Verdict"):
        assert all(accepted in error.message for accepted in ("All", "Service", "Verdict"))
    assert "\x1b" not in error.message
    assert len(console.list()) == 1


def test_bad_page(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    c = engine.add()
    begin(reaperd, console, **QUIET)
    for after, limit in (("", 0), ("", 1001), ("", 0xFFFFFFFF), ("xyz", 10), (c.id[:12], 10), (c.id + "0", 10),
                         ("g" * 64, 10), (c.name, 10)):
        assert console.error("ListContainers", "a{sv}su", {}, after, limit).name == INVALID
    assert console.page("f" * 64, 10) == (EMPTY, "") and ids(console.page("0" * 64, 10)[0]) == [c.id]


def test_find(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    one, two = engine.add(slot=1), engine.add(slot=2, state="running")
    named = engine.add(slot=3)
    named.labels[TASK_LABEL + ".name"] = named.name = one.id[:12]    # an id's beginning is a good name too
    begin(reaperd, console, **QUIET)
    assert console.find(one.id) == [(one.id, one.name)] == console.find(one.name)
    assert console.find(two.id[:12]) == [(two.id, two.name)] == console.find(two.name)
    assert sorted(console.find(one.id[:12])) == sorted([(one.id, one.name), (named.id, named.name)])
    assert sorted(console.find(one.id[:4])) == sorted((c.id, c.name) for c in (one, two, named))
    for text in (one.name[:-1], "/" + one.name, one.id.replace("5c", "5d"), one.id + "0", "x", "%s%n",
                 "a" * 10_000, "\x1b[2J", "web*"):
        assert console.find(text) == EMPTY


def test_find_gives_a_hundred(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    made = crowd(engine, 120)
    begin(reaperd, console, **QUIET)
    found = console.find(made[0].id[:6])
    assert len(found) == 100 and {ident for ident, _ in found} <= {c.id for c in made}


@pytest.mark.parametrize("name", [*HOSTILE, "invalid-utf8", "overlong", "surrogate"])
def test_hostile_texts(engine: Standin, reaperd: Reaperd, console: Console, name: str) -> None:
    """Whatever stands there, each answer comes, in clean UTF-8; and who has such a name can be asked for by id."""
    raw = {"invalid-utf8": b"a\xff\xfe\x80b", "overlong": b"a\xc0\xaf\xe0\x80\x80b",
           "surrogate": b"a\xed\xa0\x80\xf5b"}.get(name)
    text = HOSTILE.get(name, "PLACEHOLDER")
    c = engine.add(name=text, image=text or "x", ended=2 * HOUR)
    c.labels |= {TASK_LABEL + ".name": f"{text}.1.task", "com.docker.swarm.service.name": text, text: text}
    other = engine.add(slot=2)
    if raw:
        for route in ("list", "inspect"):
            engine.fault(route, times=None, edit=spoil(text, raw))
    begin(reaperd, console, **QUIET)
    rows = {row.id: row for row in console.list(All=True)}      # the client reads strictly
    assert set(rows) == {c.id, other.id}
    about, steps, _ = console.call("Explain", "s", c.id)
    assert about[0] == c.id and steps
    assert console.find(c.id[:20])[0][0] == c.id
    if not raw and text and len(text) < 200:
        assert ids(console.list(Service=text)) == [c.id]
        assert ids(console.find(text)) == [c.id] or name == "slashes"   # a name with slashes in it is that of a link
    console.memory()
    assert console.reap(c.id)[0].removed
    assert console.await_signal("ContainerRemoved")[0][1] == c.id == console.history()[0].id
    await_verdict(console, other, "retained")
