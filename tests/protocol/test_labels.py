# SPDX-License-Identifier: Apache-2.0
"""org.reaperd.* labels: what a service's owner may ask for, and what comes of it if it is nonsense.

Whoever may create a service may write anything into them.
"""

from __future__ import annotations

from typing import Any

import pytest

from daemon import Reaperd, Summary
from engine_model import container_event
from standin import Standin
from test_hostile import HOSTILE, check_log

KEEP, TTL, TTL_FAILURE, KEEP_LAST = (f"org.reaperd.{key}" for key in ("keep", "ttl", "ttl.failure", "keep-last"))
FAILED = {"exit_code": 1}
GONE, KEPT = Summary(0, 1, 0, 0, 0), Summary(0, 0, 0, 0, 1)
MALFORMED = r"^reaperd: .*org\.reaperd\."

# labels, facts, settings; the container ended two hours ago, which is more than Success and less than Failure
GOES: dict[str, tuple[dict[str, str], dict[str, Any], dict[str, str]]] = {
    "keep-false": ({KEEP: "false"}, {}, {}),
    "keep-odd": ({KEEP: "please"}, {}, {}),
    "keep-space": ({KEEP: " true"}, {}, {}),
    "keep-empty": ({KEEP: ""}, {}, {}),
    "keep-no-honor": ({KEEP: "true"}, {}, {"Honor": "no"}),
    "keep-bounded": ({KEEP: "true"}, {}, {"MaxTTL": "1h"}),
    "ttl": ({TTL: "1h"}, FAILED, {}),
    "ttl-zero": ({TTL: "0"}, FAILED, {}),
    "ttl-spaced-units": ({TTL: "1h 59min"}, FAILED, {}),
    "ttl-bounded": ({TTL: "infinity"}, {}, {"MaxTTL": "90min"}),
    "ttl-odd": ({TTL: "1 fortnight"}, {}, {}),
    "ttl-negative": ({TTL: "-1"}, {}, {}),
    "ttl-failure": ({TTL: "infinity", TTL_FAILURE: "1h"}, FAILED, {}),
    "ttl-failure-oom": ({TTL: "infinity", TTL_FAILURE: "1h"}, {"exit_code": 137, "oom_killed": True}, {}),
    "ttl-failure-of-a-success": ({TTL_FAILURE: "infinity"}, {}, {}),
    "ttl-failure-of-a-shutdown": ({TTL_FAILURE: "infinity"}, {"exit_code": 143}, {}),
    "ttl-beats-rule": ({TTL: "1h"}, FAILED, {"rule": "Failure"}),
    "keep-last-none": ({KEEP_LAST: "0"}, {}, {"KeepLast": "5"}),
    "keep-last-odd": ({KEEP_LAST: "10001"}, {}, {}),
    "no-honor": ({TTL: "infinity", KEEP_LAST: "5"}, {}, {"Honor": "no"}),
    "other-labels": ({"org.reaperd": "true", "org.reaperd.keeps": "true", "ORG.REAPERD.KEEP": "true"}, {}, {}),
}
STAYS: dict[str, tuple[dict[str, str], dict[str, Any], dict[str, str]]] = {
    **{f"keep-{text}": ({KEEP: text}, {}, {}) for text in ("true", "YES", "On", "1")},
    "keep-dead": ({KEEP: "true"}, {"state": "dead"}, {}),
    "keep-orphan": ({KEEP: "true"}, {"node": "another"}, {"OrphanAge": "10s"}),
    "keep-over-cap": ({KEEP: "true"}, {}, {"MaxStopped": "0"}),
    "keep-bounded-long": ({KEEP: "true"}, {}, {"MaxTTL": "3h"}),
    "ttl": ({TTL: "3h"}, {}, {}),
    "ttl-infinity": ({TTL: "infinity"}, {}, {}),
    "ttl-within-the-floor": ({TTL: "0"}, {"ended": 5.0}, {}),
    "ttl-failure": ({TTL: "0", TTL_FAILURE: "3h"}, FAILED, {}),
    "keep-last": ({KEEP_LAST: "1"}, {}, {}),
    "keep-last-infinity": ({KEEP_LAST: "infinity"}, {}, {}),
    "odd-failure": ({TTL_FAILURE: "soon"}, FAILED, {}),
}


@pytest.mark.parametrize("name", GOES)
def test_goes(engine: Standin, reaperd: Reaperd, name: str) -> None:
    labels, facts, settings = GOES[name]
    if key := settings.get("rule"):
        reaperd.rule("all", **{key: "infinity"})
        settings = {}
    c = engine.add(asks=labels, **facts)
    assert reaperd.once(**settings) == GONE
    assert reaperd.count(MALFORMED) == any(word in name for word in ("odd", "space", "empty", "negative")) \
        - (name == "ttl-spaced-units")
    assert reaperd.count(f"Removed {c.short} {c.name}: ttl-expired, ") == 1


@pytest.mark.parametrize("name", STAYS)
def test_stays(engine: Standin, reaperd: Reaperd, name: str) -> None:
    labels, facts, settings = STAYS[name]
    engine.add(asks=labels, **facts)
    assert reaperd.once(**settings) == KEPT
    assert not engine.asked("remove") and reaperd.count(MALFORMED) == ("odd" in name)


def test_labels_bring_nothing_into_scope(engine: Standin, reaperd: Reaperd) -> None:
    plain = engine.add_plain(labels={TTL: "0", KEEP: "false", KEEP_LAST: "0"})
    engine.add()
    assert reaperd.once() == GONE
    assert plain.id in engine.containers and not engine.asked("inspect", plain)


def test_malformed_is_said_once_a_service(engine: Standin, reaperd: Reaperd) -> None:
    """A hundred containers are one mistake of one person; it is said with all that is needed to mend it."""
    due = [engine.add(slot=n, service="shop", asks={TTL: "soon", KEEP: "maybe"}) for n in range(100)]
    other = engine.add(service="mail", asks={TTL: "soon"})
    reaperd.begin(Parallelism=16)
    engine.wait_removed(*due, other)
    engine.resync()
    new = engine.add(service="shop", slot=300, asks={TTL: "soon"})
    engine.tell_end(new)
    engine.wait_removed(new)
    assert reaperd.stop() == 0
    for service, label, value in (("shop", TTL, "soon"), ("shop", KEEP, "maybe"), ("mail", TTL, "soon")):
        lines = [line for line in reaperd.lines() if f"{label}=" in line and service in line]
        assert len(lines) == 1 and value in lines[0] and "accepted" in lines[0]
    assert reaperd.count(MALFORMED) == 3


def test_malformed_of_others_is_said_once_a_name(engine: Standin, reaperd: Reaperd) -> None:
    engine.others_may_go = True
    reaperd.rule("others", Kind="other", Action="reap")
    due = [engine.add_plain(name=name, labels={TTL: "soon"}) for name in ("one", "two")]
    reaperd.begin()
    engine.wait_removed(*due)
    again = engine.add_plain(name="one", labels={TTL: "soon"})
    engine.emit("die", again, again.finished, exitCode="0")
    engine.wait_removed(again)
    assert reaperd.count(MALFORMED) == 2 == reaperd.count(rf"{MALFORMED}.*\b(one|two)\b") \
        or reaperd.count(rf"\b(one|two)\b.*org\.reaperd\.ttl") == 2


@pytest.mark.parametrize("name", [*HOSTILE, "megabyte"])
@pytest.mark.parametrize("label", [KEEP, TTL, KEEP_LAST])
def test_hostile_value(engine: Standin, reaperd: Reaperd, label: str, name: str) -> None:
    """As if it were not there, and one line of clean text in the log."""
    text = HOSTILE.get(name, "x" * (1 << 20))
    engine.add(asks={label: text}, service=text[:3000] or "web")
    assert reaperd.once() == GONE
    check_log(reaperd, removed=1)
    assert reaperd.count(r"org\.reaperd\.") == 1


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"true\xff", b"1\xc0\x80", b"\xed\xa0\x80"])
def test_value_is_no_utf8(engine: Standin, reaperd: Reaperd, raw: bytes) -> None:
    """Go replaces such bytes; an engine that does not is no reason to remove what may have been meant to stay."""
    c, other = engine.add(slot=1, asks={KEEP: "@@@"}), engine.add(slot=2)
    for route in ("list", "inspect"):
        engine.fault(route, times=None, edit=lambda body: body.replace(b"@@@", raw))
    reaperd.once()
    assert other.id in engine.removed
    check_log(reaperd, removed=len(engine.removed))
    assert reaperd.count(rf"{c.short}|org\.reaperd\.keep|element|passed over") >= 1


def test_event_has_no_say(engine: Standin, reaperd: Reaperd) -> None:
    """An event's attributes are not all of the labels, and other keys are among them: the inspect decides."""
    reaperd.begin(Parallelism=1)
    kept, gone = engine.add(slot=1, asks={KEEP: "true"}), engine.add(slot=2)
    silent, loud = container_event("die", kept, kept.finished), container_event("die", gone, gone.finished)
    for key in [key for key in silent.attributes if key == KEEP]:
        del silent.attributes[key]
    loud.attributes[TTL] = "10s"
    engine.emit_event(silent, loud)
    engine.wait_removed(gone)
    engine.witness()
    assert kept.id in engine.containers and not engine.asked("remove", kept)


def test_label_seen_in_the_event_spares_the_inspect(engine: Standin, reaperd: Reaperd) -> None:
    reaperd.begin(Parallelism=1)
    kept = engine.add(asks={TTL: "3h"})
    engine.emit("die", kept, kept.finished, exitCode="0")
    engine.witness()
    assert kept.id in engine.containers and not engine.asked("inspect", kept)


@pytest.mark.parametrize("label", [{KEEP: "true"}, {TTL: "infinity"}], ids=str)
def test_bounded_to_the_second(engine: Standin, reaperd: Reaperd, label: dict[str, str]) -> None:
    """MaxTTL counts from the end."""
    c = engine.add(asks=label, ended=3599.0)
    reaperd.begin(MaxTTL="1h", Success="0")
    engine.wait_removed(c)
    assert reaperd.stop() == 0
    assert reaperd.count(f"Removed {c.short} .*, age 1h, ") == 1


def test_keep_last_by_label(engine: Standin, reaperd: Reaperd) -> None:
    """Each of a slot by its own label, as an update of the service changes it."""
    made = [engine.add(slot=1, ended=9000.0 - 600 * n, age=9500.0 - 600 * n, asks={KEEP_LAST: "2"}) for n in range(5)]
    assert reaperd.once().removed == 3
    assert set(engine.containers) == {made[3].id, made[4].id}
