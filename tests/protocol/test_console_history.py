# SPDX-License-Identifier: Apache-2.0
"""History: what was removed and nothing else, the oldest first, a thousand of them."""

from __future__ import annotations

import threading
import time

from console_kit import HOUR, QUIET, SECOND, Console, begin, bus, console, line_of, near, until  # noqa: F401
from daemon import Reaperd
from lab.console import UNKNOWN
from standin import Standin, make_container

TTL = "org.reaperd.ttl"


def test_what_was_removed(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Each column, by whatever it went; in the order in which they went."""
    reaperd.rule("mails", Service="mail", Failure="2h")
    plain = engine.add(ended=2 * HOUR, image="registry.example/shop:7")
    begin(reaperd, console, Success="1h", Failure="24h", Parallelism=1, MaxStopped="infinity")
    engine.wait_removed(plain)
    rule = engine.add(service="mail", ended=3 * HOUR, exit_code=3)
    engine.tell_end(rule)
    engine.wait_removed(rule)
    label = engine.add(ended=30 * HOUR, exit_code=137, oom_killed=True, asks={TTL: "5h"}, removals=["500"])
    engine.tell_end(label)
    engine.wait_removed(label)
    made = until(lambda: len(found := console.history()) == 3 and found, "three removals")
    assert [r.id for r in made] == [c.id for c in (plain, rule, label)]
    assert [r.name for r in made] == [c.name for c in (plain, rule, label)]
    assert [r.service for r in made] == ["web", "mail", "web"]
    assert made[0].image == "registry.example/shop:7" and made[1].image == rule.image
    assert [r.outcome for r in made] == ["success", "failure", "oom-killed"]
    assert {r.verdict for r in made} == {"ttl-expired"}
    assert [(r.setting, r.origin, r.rule) for r in made] == [
        ("Success", line_of(reaperd, "Success"), ""),
        ("Failure", line_of(reaperd, "Failure", "[Rule mails]"), "mails"), ("OOMKilled", f"label {TTL}", "")]
    assert [r.exit_code for r in made] == [0, 3, 137] and [r.attempts for r in made] == [1, 1, 2]
    for r, hours in zip(made, (2, 3, 30)):
        assert near(r.age, hours * HOUR) and near(r.at, time.time())
    assert [r.at for r in made] == sorted(r.at for r in made)
    assert {(r.held, r.dirty, r.disk, r.inodes) for r in made} == {(UNKNOWN,) * 4}
    assert not any(r.dry_run for r in made)

    assert console.history(made[1].at) == made[1:] and console.history(made[1].at + 1) == made[2:]
    assert console.history(made[2].at + 1) == [] == console.history((1 << 64) - 1)


def test_what_was_not(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Those that others removed, or nobody could. One whose DELETE was not answered was ours all the same."""
    theirs, failed = engine.add(slot=1, removals=["404"]), engine.add(slot=2)
    engine.fault("remove", failed, times=None, status=500)
    other, ours = engine.add(slot=3, ended=60.0), engine.add(slot=4, removals=["hang"])
    begin(reaperd, console, RequestTimeout="1s", QuarantineAfter=2)
    reaperd.wait_log("left alone")
    engine.vanish(other)
    assert until(console.history, "one removal")[0].id == ours.id
    engine.resync()
    assert [r.id for r in console.history()] == [ours.id] and theirs.id not in engine.containers
    assert console.get("Removed") == 1 and console.get("Failed") == 1
    assert reaperd.stop() == 0
    begin(reaperd, console)
    assert console.history() == [] and console.get("Removed") == 0


def test_the_last_thousand(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """A dry run's are noted too, as such: then nothing has to go."""
    made = [engine.add(slot=n, ended=2 * HOUR) for n in range(1050)]
    begin(reaperd, console, "--dry-run", Parallelism=16)
    until(lambda: console.get("Removed") == len(made), "all decided", 120)
    found = console.history()
    assert len(found) == 1000 == len({r.id for r in found}) and all(r.dry_run for r in found)
    at = [r.at for r in found]
    assert at == sorted(at)
    kept = {r.id for r in found}
    assert {c.id for c in made} > kept
    # The oldest made room: those that went first are those that were asked for first.
    with engine.changed:
        order = [r.ident for r in engine.requests if r.route == "inspect"]
    assert set(order[:20]).isdisjoint(kept) and set(order[-900:]) <= kept
    assert len(engine.containers) == len(made) and console.history(at[-1] + SECOND) == []


def test_observed(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Free memory from before the first DELETE until behind the last: of one alone, or of several."""
    alone = engine.add()
    begin(reaperd, console, Parallelism=3)
    engine.wait_removed(alone)
    gates = [threading.Event() for _ in range(3)]
    made = [make_container(slot=n) for n in range(3)]
    for c, gate in zip(made, gates):
        engine.fault("remove", c, hold=gate)
        engine.containers[c.id] = c
    engine.tell_end(*made)
    for c in made:
        engine.wait_asked("remove", 1, c)
    gates[1].set()
    engine.wait_removed(made[1])
    found = until(lambda: len(found := console.history()) == 2 and found, "two removals")
    assert (found[1].id, found[1].observed_of) == (made[1].id, 0)       # the others are still under way
    gates[0].set()
    gates[2].set()
    found = until(lambda: len(found := console.history()) == 4 and found[3].observed_of and found, "all of them")
    assert found[0].id == alone.id and found[0].observed_of == 1
    assert {r.id for r in found[1:]} == {c.id for c in made}
    assert {r.observed_of for r in found[1:]} == {3} and len({r.observed for r in found[1:]}) == 1


def test_requested(engine: Standin, reaperd: Reaperd, console: Console) -> None:
    """Nobody's setting has decided on one that was asked for."""
    c = engine.add()
    begin(reaperd, console, **QUIET)
    assert console.reap(c.id)[0].removed
    removal, = console.history()
    assert (removal.id, removal.verdict, removal.setting, removal.origin) == (c.id, "requested", "", "")
    assert reaperd.count(f"Removed {c.short} {c.name}: requested, age ") == 1
