# SPDX-License-Identifier: Apache-2.0
"""A reload that makes too many containers due at once: they are listed, and wait for somebody to notice.

Most begin with containers that ended two hours ago and Success=24h, then comes Success=1h. None has been
inspected until then: a surge is counted by what the list tells.
"""

from __future__ import annotations

import threading

import pytest

from daemon import Reaperd, until
from engine_model import Container
from standin import Standin

HELD = r"^reaperd: Held [0-9a-f]{12} \S+: would go as "
OVER = r"^reaperd: The wait after the reload is over: \d+ containers? "
SURGE = r"^reaperd: The new configuration makes \d+ containers due at once, more than SurgeLimit=\d+"


def crowd(engine: Standin, count: int, first: int = 1, **facts: object) -> list[Container]:
    return [engine.add(slot=n, **facts) for n in range(first, first + count)]


def first_asked(engine: Standin, *containers: Container) -> float:
    """When the first of them was inspected; everything else about it comes later."""
    return min(r.at for c in containers for r in engine.asked("inspect", c))


def list_behind(engine: Standin, number: int = 1) -> float:
    """When the answer to that list began."""
    headed = engine.asked("list")[number].headed
    assert headed
    return headed


def test_one_too_many(engine: Standin, reaperd: Reaperd) -> None:
    """All of them wait, from the list on; what ends meanwhile does not."""
    due = crowd(engine, 51)
    reaperd.begin(Success="24h", FirstRunDelay="3s")
    reaperd.reload(Success="1h")
    reaperd.wait_log(SURGE)
    assert reaperd.count("makes 51 containers due at once, more than SurgeLimit=50: .* for another 3s") == 1
    assert all(reaperd.count(f"Held {c.short} {c.name}: would go as ttl-expired") == 1 for c in due)
    engine.witness()
    assert set(engine.containers) == {c.id for c in due} and not any(engine.asked("inspect", c) for c in due)
    engine.wait_removed(*due)
    assert 3 <= first_asked(engine, *due) - list_behind(engine) < 5
    assert reaperd.stop() == 0
    assert reaperd.count(HELD) == 51 and reaperd.count(SURGE) == 1
    assert reaperd.count(OVER + "are no longer held") == 1 == reaperd.count(": 51 containers are no longer")
    assert all(reaperd.count(f"Removed {c.short} {c.name}: ttl-expired, ") == 1 for c in due)


@pytest.mark.parametrize(("count", "settings"), [(50, {}), (51, {"SurgeLimit": "0"}), (51, {"FirstRunDelay": "0"}),
                                                 (51, {"SurgeLimit": "51"})], ids=str)
def test_no_surge(engine: Standin, reaperd: Reaperd, count: int, settings: dict[str, str]) -> None:
    """FirstRunDelay is long: whoever waited would be seen."""
    due = crowd(engine, count)
    reaperd.begin(Success="24h", Parallelism=16, **({"FirstRunDelay": "1h"} | settings))
    reaperd.reload(Success="1h")
    engine.wait_removed(*due)
    assert reaperd.count(HELD) == reaperd.count(SURGE) == 0


def test_limit_of_the_new_configuration(engine: Standin, reaperd: Reaperd) -> None:
    """It is the new SurgeLimit that counts, and the new wait."""
    due = crowd(engine, 3)
    reaperd.begin(Success="24h", FirstRunDelay="1h")
    reaperd.reload(Success="1h", SurgeLimit=2, FirstRunDelay="500ms")
    engine.wait_removed(*due)
    assert first_asked(engine, *due) - list_behind(engine) >= 0.5
    assert reaperd.count(HELD) == 3


@pytest.mark.parametrize("new", [5, 6])
def test_due_before(engine: Standin, reaperd: Reaperd, new: int) -> None:
    """Who was due before is neither counted nor held: they were only waiting for a free hand."""
    due, later = crowd(engine, 10), crowd(engine, new, 100, ended=1800.0)
    gate = threading.Event()
    engine.fault("remove", times=None, hold=gate)
    reaperd.begin(Parallelism=1, FirstRunDelay="1s", SurgeLimit=5)
    engine.wait_asked("remove")
    reaperd.reload(Success="20min")
    engine.wait_answered("list", 2)
    gate.set()
    engine.wait_removed(*due)
    if new > 5:
        assert set(engine.containers) == {c.id for c in later}
    engine.wait_removed(*later)
    assert (first_asked(engine, *later) - list_behind(engine) >= 1) is (new > 5)
    assert reaperd.count(HELD) == (new if new > 5 else 0)


def test_due_before_behind_a_gate(engine: Standin, reaperd: Reaperd) -> None:
    """An engine that settles holds everything; what was due but for that is nothing new."""
    due = crowd(engine, 10)
    reaperd.begin(SettleTime="1s", SurgeLimit=5, FirstRunDelay="1h")
    reaperd.reload()
    engine.wait_removed(*due)
    assert first_asked(engine, *due) - engine.requests[0].at >= 1
    assert reaperd.count(HELD) == 0


def test_possibly_due_before_behind_a_gate(engine: Standin, reaperd: Reaperd) -> None:
    """The list does not tell how they ended: due before they were only if they had been successes."""
    failed = crowd(engine, 10, exit_code=1)
    reaperd.begin(Failure="24h", SettleTime="2s", SurgeLimit=5, FirstRunDelay="1h", Parallelism=1)
    reaperd.reload(Failure="1h")
    reaperd.wait_log(SURGE)
    engine.witness()
    assert set(engine.containers) == {c.id for c in failed} and not any(engine.asked("remove", c) for c in failed)
    assert reaperd.stop() == 0
    assert reaperd.count(HELD) == 10


def test_surge_behind_a_gate(engine: Standin, reaperd: Reaperd) -> None:
    """What would go as soon as the gate opens counts."""
    due = crowd(engine, 6)
    reaperd.begin(Success="24h", SettleTime="1s", SurgeLimit=5, FirstRunDelay="1500ms")
    reaperd.reload(Success="1h")
    engine.wait_removed(*due)
    assert first_asked(engine, *due) - list_behind(engine) >= 1.5
    assert reaperd.count(HELD) == 6


def test_cap_is_lowered(engine: Standin, reaperd: Reaperd) -> None:
    due = [engine.add(slot=n, ended=7200.0 - 2 * n, age=7200.5 - 2 * n) for n in range(10)]  # one behind the other
    reaperd.begin(Success="infinity", MaxStopped=10, SurgeLimit=5, FirstRunDelay="500ms")
    reaperd.reload(MaxStopped=3)
    reaperd.wait_log(SURGE)
    assert reaperd.count(HELD + "over-cap") == 7
    engine.wait(lambda: len(engine.containers) == 3, "seven removals")
    assert first_asked(engine, *due) - list_behind(engine) >= 0.5
    assert reaperd.stop() == 0
    assert reaperd.count("Removed .*: over-cap, ") == 7


def test_labels_lose_their_say(engine: Standin, reaperd: Reaperd) -> None:
    due = crowd(engine, 6, asks={"org.reaperd.keep": "true"})
    reaperd.begin(SurgeLimit=5, FirstRunDelay="300ms")
    reaperd.reload(Honor="no")
    engine.wait_removed(*due)
    assert reaperd.count(HELD + "ttl-expired") == 6


def test_others_come_into_scope(engine: Standin, reaperd: Reaperd) -> None:
    """They are new to the daemon, too, and a surge all the same."""
    engine.others_may_go = True
    due = [engine.add_plain() for _ in range(6)]
    reaperd.begin(SurgeLimit=5, FirstRunDelay="800ms")
    reaperd.rule("others", Kind="other", Action="reap")
    reaperd.reload()
    reaperd.wait_log(SURGE)
    assert reaperd.count(HELD) == 6
    engine.wait_removed(*due)
    headed = engine.asked("others")[0].headed
    assert headed and first_asked(engine, *due) - headed >= 0.8


def test_taken_back(engine: Standin, reaperd: Reaperd) -> None:
    """The wait is there to do this. Another container's time tells when it would have been over."""
    kept, last = crowd(engine, 6), engine.add(slot=100, ended=86400.0 - 3, age=86400.0 + 60)
    reaperd.begin(Success="24h", SurgeLimit=5, FirstRunDelay="1s", Parallelism=1)
    engine.wait_asked("inspect", 1, last)
    reaperd.reload(Success="1h")
    reaperd.wait_log(SURGE)
    reaperd.reload(Success="24h")
    engine.wait_removed(last)
    assert set(engine.containers) == {c.id for c in kept} and not any(engine.asked("inspect", c) for c in kept)
    engine.witness()
    assert set(engine.containers) == {c.id for c in kept}


def test_confirmed(engine: Standin, reaperd: Reaperd) -> None:
    """Another reload that changes nothing about it neither frees them nor holds them for ever."""
    due = crowd(engine, 6)
    reaperd.begin(Success="24h", SurgeLimit=5, FirstRunDelay="1s")
    reaperd.reload(Success="1h")
    reaperd.wait_log(SURGE)
    reaperd.reload()
    engine.wait_removed(*due)
    assert 1 <= first_asked(engine, *due) - list_behind(engine) < 4
    assert reaperd.stop() == 0
    assert all(reaperd.count(f"Removed {c.short}") == 1 for c in due)


@pytest.mark.parametrize("settings", [{"SurgeLimit": "0"}, {"FirstRunDelay": "0"}], ids=str)
def test_let_go(engine: Standin, reaperd: Reaperd, settings: dict[str, str]) -> None:
    """A reload that knows no such wait ends it. Meanwhile systemctl status tells who waits."""
    due = crowd(engine, 6)
    reaperd.begin(Success="24h", SurgeLimit=5, FirstRunDelay="1h", Parallelism=1)
    reaperd.reload(Success="1h")
    reaperd.wait_log(SURGE)
    until(lambda: any(line.startswith("STATUS=Tracking 6 containers, 6 stopped, ")
                      and line.endswith(", 0 removed; 6 held, see SurgeLimit=") for _, line in reaperd.notified()),
          "STATUS= that tells of them", detail=lambda: str(reaperd.notified()))
    engine.witness()
    assert set(engine.containers) == {c.id for c in due}
    reaperd.reload(**settings)
    engine.wait_removed(*due)
    reaperd.wait_notified("STATUS=Tracking 0 containers, 0 stopped, none due, 8 removed")
    assert reaperd.notified()[-1][1].endswith(", 8 removed")
    assert reaperd.count(SURGE) == 1 and reaperd.count(OVER) == 0


def test_refused_within(engine: Standin, reaperd: Reaperd) -> None:
    due = crowd(engine, 6)
    reaperd.begin(Success="24h", SurgeLimit=5, FirstRunDelay="1s")
    reaperd.reload(Success="1h")
    reaperd.wait_log(SURGE)
    reaperd.reload("bad\n")
    engine.wait_removed(*due)
    assert first_asked(engine, *due) - list_behind(engine) >= 1


def test_connection_lost_within(engine: Standin, reaperd: Reaperd) -> None:
    due = crowd(engine, 6)
    reaperd.begin(Success="24h", SurgeLimit=5, FirstRunDelay="2s")
    reaperd.reload(Success="1h")
    reaperd.wait_log(SURGE)
    engine.resync()
    engine.wait_removed(*due)
    assert 2 <= first_asked(engine, *due) - list_behind(engine) < 4
    assert reaperd.count(SURGE) == 1 and reaperd.count(HELD) == 6


def test_list_behind_fails(engine: Standin, reaperd: Reaperd) -> None:
    """Then it is counted by the one that comes with the next connection."""
    due = crowd(engine, 6)
    reaperd.begin(Success="24h", SurgeLimit=5, FirstRunDelay="800ms")
    engine.fault("list", cut=1000)
    reaperd.reload(Success="1h")
    engine.wait_removed(*due)
    assert 0.8 <= first_asked(engine, *due) - list_behind(engine, 2) < 3
    assert reaperd.count(SURGE) == 1 and reaperd.count(HELD) == 6


def test_gone_and_restarted_within(engine: Standin, reaperd: Reaperd) -> None:
    gone, restarted, *due = crowd(engine, 6)
    reaperd.begin(Success="24h", SurgeLimit=5, FirstRunDelay="1s", Parallelism=1)
    reaperd.reload(Success="1h")
    reaperd.wait_log(SURGE)
    engine.vanish(gone)
    engine.restart_container(restarted)
    engine.wait_removed(*due)
    engine.witness()
    assert restarted.id in engine.containers
    assert not engine.asked("inspect", gone) and not engine.asked("inspect", restarted)


def test_more_than_the_log_takes(engine: Standin, reaperd: Reaperd) -> None:
    crowd(engine, 1100)
    reaperd.begin(Success="24h", FirstRunDelay="7d")
    reaperd.reload(Success="1h")
    reaperd.wait_log("makes 1100 containers due at once")
    assert reaperd.stop() == 0
    assert reaperd.count(HELD) == 1000
    assert not engine.removed and not engine.asked("inspect")


def test_dry_run(engine: Standin, reaperd: Reaperd) -> None:
    """It does as it would."""
    due = crowd(engine, 6)
    reaperd.begin("--dry-run", Success="24h", SurgeLimit=5, FirstRunDelay="300ms")
    reaperd.reload(Success="1h")
    for c in due:
        reaperd.wait_log(f"Would remove {c.short}")
    assert reaperd.count(HELD) == 6 and first_asked(engine, *due) - list_behind(engine) >= 0.3


def test_another_surge_holds_only_its_own(engine: Standin, reaperd: Reaperd) -> None:
    """Those that have waited already, and only want for a free hand, do not wait again."""
    first, second = crowd(engine, 6), crowd(engine, 6, 100, ended=1800.0)
    gate = threading.Event()
    engine.fault("remove", times=None, hold=gate)
    reaperd.begin(Success="24h", SurgeLimit=5, FirstRunDelay="500ms", Parallelism=1)
    reaperd.reload(Success="1h")
    engine.wait_asked("remove")
    reaperd.reload(Success="20min", FirstRunDelay="1h")
    engine.wait(lambda: len(engine.asked("list")) == 3, "the list behind the second reload")
    gate.set()
    engine.wait_removed(*first)
    assert set(engine.containers) == {c.id for c in second} and reaperd.count(HELD) == 12
