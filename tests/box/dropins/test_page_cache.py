# SPDX-License-Identifier: Apache-2.0
"""page-cache.conf: what stopped containers hold is known, and decides who goes first."""

from __future__ import annotations

import json
from typing import Any, Callable

import service_kit as kit
from dropin_kit import COLD, WRITTEN, reap
from lab.box import Box
from lab.hog import MB

# Critical in any case: one batch, one after the other.
CRITICAL = """\
[Reaper]
Parallelism=1
[Pressure]
MemoryAvailableLow=100%
MinimumAge=10s
Sustain=0
CoolDown=1h
BatchSize=3
Order=held
"""


def held(record: kit.Record) -> int | None:
    found = record.get("REAPERD_HELD_BYTES")
    return None if found is None else int(found)


def measured(box: Box) -> set[str]:
    """The containers of which reaperd knows what they hold."""
    rows = json.loads(box.run("reaperctl", "list", "--json=short").stdout)
    return {row["id"] for row in rows if row["held_cached"] is not None}


def said_of_measuring(box: Box) -> list[str]:
    """What this start has told of it."""
    return [one["MESSAGE"] for one in box.journal(kit.OURS, kit.invocation(box))
            if one["MESSAGE"].startswith("What stopped containers hold under /var/lib/docker is ")]


def test_page_cache(node: Box, written: dict[str, dict[str, Any]], old: Callable[..., list[str]],
                    drop_in: Callable[..., Any]) -> None:
    ids, cold = old("small", "large", "middle"), old(COLD)
    unknown = old("unknown")

    # Without it that is not known, which is said once.
    record, = reap(node, unknown)
    assert held(record) is None
    told, = said_of_measuring(node)
    assert "not measured: no right to read the layers" in told and "page-cache.conf.example" in told

    drop_in("page-cache")
    node.until(lambda: measured(node) >= {*ids, *cold}, 20, "what they hold is measured")
    told, = said_of_measuring(node)
    assert told.endswith(" is measured")
    kit.settings(node, CRITICAL)
    records = sorted(kit.await_removed(node, ids).values(), key=kit.when)
    assert [written[one["CONTAINER_ID_FULL"]]["name"] for one in records] == ["large", "middle", "small"]
    assert kit.here(node) >= set(cold), "it has most on the disk, and nothing in memory"
    for record in records:
        size = WRITTEN[written[record["CONTAINER_ID_FULL"]]["name"]] * MB
        assert record["REAPERD_VERDICT"] == "pressure"
        # The kernel may have dropped some of it, with large pages in pieces of 1 or 2 MB.
        assert size / 2 <= (held(record) or 0) < size + MB, record["MESSAGE"]
        assert size <= int(record["REAPERD_HELD_DISK_BYTES"]) < size + MB and int(record["REAPERD_HELD_INODES"]) >= 3
