# SPDX-License-Identifier: Apache-2.0
"""A daemon that hangs or is killed comes back and goes on where it was; one that is stopped ends what it has begun.

The tests share a node and run one after the other. The engine's own events tell what was removed, and when.
"""

from __future__ import annotations

import time
from typing import Any, Iterable

import pytest

import service_kit as kit
from lab.box import UNIT, Box

KEPT = "[Engine]\nSettleTime=0\n[Pressure]\nEnabled=no\n[Retention]\nMinimumAge=10s\nSuccess=1h\n"
GOES = "[Rule {0}]\nService={0}*\nSuccess={1}\n"
FLOOR = 10.0


@pytest.fixture(scope="module")
def began(node: Box) -> float:
    """When the tests began, as the engine counts."""
    node.unit_dropin("[Service]\nWatchdogSec=2s\nRestartSec=1s\n")
    node.configure(KEPT + GOES.format("hang", "12s"), "60-test.conf")
    kit.restart(node)
    return time.time()


@pytest.fixture(scope="module")
def much(node: Box, began: float) -> dict[str, Any]:
    """Containers that take the engine some time each."""
    kit.job(node, "much", 10, "i=0; while [ $i -lt 3000 ]; do : >/$i; i=$((i + 1)); done")
    return kit.ended(node, "much", 10)


def check_removals(box: Box, facts: dict[str, Any], began: float) -> None:
    """Each once, by the engine's events, and none below the floor."""
    gone = [(at, ident) for at, ident in kit.events(box, "destroy", began) if ident in facts]
    assert sorted(ident for _, ident in gone) == sorted(facts)
    assert all(at >= kit.finished(facts[ident]) + FLOOR for at, ident in gone)


def failures(box: Box) -> list[str]:
    """How the service failed, by systemd's word."""
    return [entry["UNIT_RESULT"] for entry in box.journal(f"UNIT={UNIT}", "_PID=1") if "UNIT_RESULT" in entry]


def all_of(box: Box, names: Iterable[str], count: int) -> dict[str, Any]:
    return {ident: one for name in names for ident, one in kit.ended(box, name, count).items()}


def test_hanging_and_killed(node: Box, began: float, much: dict[str, Any]) -> None:
    """What ended before, while it hung, while it was dead and after all of it goes at its time."""
    kit.job(node, "hang-before", 2)
    kit.ended(node, "hang-before", 2)
    first = node.main_pid()
    node.run("kill", "-STOP", str(first))
    kit.job(node, "hang-within", 2)
    second = kit.another_main(node, first)
    assert failures(node) == ["watchdog"] and node.show(UNIT, "NRestarts") == {"NRestarts": "1"}

    node.run("kill", "-KILL", str(second))
    kit.job(node, "hang-dead", 2)
    third = kit.another_main(node, second)
    assert failures(node) == ["watchdog", "signal"] and node.show(UNIT, "NRestarts") == {"NRestarts": "2"}

    kit.job(node, "hang-after", 2)
    facts = all_of(node, ("hang-before", "hang-within", "hang-dead", "hang-after"), 2)
    assert len(facts) == 8
    removed = kit.await_removed(node, facts)
    assert {one["_PID"] for one in removed.values()} == {str(third)}
    assert {one["REAPERD_VERDICT"] for one in removed.values()} == {"ttl-expired"}
    check_removals(node, facts, began)
    assert node.main_pid() == third and node.state() == "active"


def after_the_first(box: Box, begin: str, then: str) -> None:
    """Does something as soon as the engine has removed a container after `begin` was done."""
    box.sh(f"""
        mkfifo /run/events
        exec 3<>/run/events
        rm /run/events
        # From now on, whenever it has subscribed.
        docker events --since "$(date +%s.%N)" --filter type=container --filter event=destroy --format '{{{{.ID}}}}' >&3 &
        {begin}
        head -n 1 <&3
        {then}
        kill $!""")


def test_in_the_midst_of_removals(node: Box, began: float, much: dict[str, Any]) -> None:
    """Stopped, it ends well, with what it has begun, and leaves the rest to the next start. Killed, it leaves more."""
    kit.aged(node, much, FLOOR + 0.5)
    node.configure(KEPT + "[Reaper]\nParallelism=1\n" + GOES.format("much", "10s"), "60-test.conf")
    after_the_first(node, f"systemctl reload {UNIT}", f"systemctl stop {UNIT}")
    shown = node.show(UNIT, "ActiveState", "Result", "ExecMainCode", "ExecMainStatus", "MainPID")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainCode": "1", "ExecMainStatus": "0",
                     "MainPID": "0"}
    left = set(much) & kit.here(node)
    assert left and left != set(much)
    # Nothing was torn off: what the engine was asked for it did, and it was told.
    told = [one["CONTAINER_ID_FULL"] for one in kit.records(node, kit.REMOVED)]
    assert set(told) & set(much) == set(much) - left

    after_the_first(node, f"systemctl start {UNIT}", f"systemctl kill --signal=KILL {UNIT}")
    assert kit.here(node) & set(much) and failures(node)[-1] == "signal"
    node.until(lambda: not set(much) & kit.here(node), 20, "the rest is removed as well")
    check_removals(node, much, began)
    told = [one["CONTAINER_ID_FULL"] for one in kit.records(node, kit.REMOVED)]
    # The one that was under way at the kill had no time to be told.
    assert len(told) == len(set(told)) and len(set(much) - set(told)) <= 1


def test_every_record_is_explained(node: Box, began: float) -> None:
    assert kit.REMOVED in kit.check_records(node)
