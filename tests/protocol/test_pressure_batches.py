# SPDX-License-Identifier: Apache-2.0
"""Batches against pressure that are disturbed: by reloads, cut streams, answers that never come, or as
their cause is left. What was begun is waited for, counted and judged all the same; nothing is said twice.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from daemon import Reaperd, until
from pressure_kit import (BATCH, CALM, CRITICAL, GAVE_UP, MB, NEVER_ENOUGH, NOTHING_LEFT, OFF, Journal,
                          check_fields, journal_or_skip, last_status, pressed_out, removed_against, sent, stopped,
                          wait_pressed_out)
from standin import Standin
from test_pressure_watch import ELEVATED, NO_STALLS, OVER, Stalls, stalls  # noqa: F401  (a fixture)

NO_ROOT = "^reaperd: The engine names no root directory: "
DISK_LEVEL = r"^reaperd: Pressure is critical: [\d.]+% of the engine's disk is used, UsedHigh="
DISK_GAVE_UP = r"^reaperd: Removing containers does not help against pressure \(disk-used\), "
ONCE_IN_VAIN = NEVER_ENOUGH | {"Pressure.GiveUpAfter": 1}
NOTHING_ID = "c29ddb0d0a4f4f0f9c7d2d9a5a6be3a1"

journal = pytest.fixture(journal_or_skip)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount, and measure what others hold")


class SmallDisk:
    """A file system in memory that only reaperd sees; a file fills most of it, and inodes are few."""

    def __init__(self, engine: Standin, reaperd: Reaperd) -> None:
        place = reaperd.directory / "disk"
        place.mkdir()
        engine.info_extra["DockerRootDir"] = str(place)
        reaperd.prefix = ["unshare", "--mount", "sh", "-ec",
                          'mount -t tmpfs -o size=16M,nr_inodes=100 none "$0"; '
                          f'head -c {12 * MB} /dev/zero >"$0/file"; exec "$@"', str(place)]
        self._reaperd, self._file = reaperd, place / "file"

    def empty(self) -> None:
        Path(f"/proc/{self._reaperd.pid}/root{self._file}").unlink()


@pytest.fixture
def small_disk(engine: Standin, reaperd: Reaperd) -> SmallDisk:
    return SmallDisk(engine, reaperd)


def told_status(reaperd: Reaperd, text: str) -> None:
    """Wait until systemd has been told so last."""
    until(lambda: text in last_status(reaperd), f"STATUS= with {text}", detail=lambda: str(reaperd.notified()))


@root_only
def test_reload_before_the_floor(engine: Standin, reaperd: Reaperd) -> None:
    """One that is still to be measured is so at its floor by what holds now."""
    engine.info_extra["DockerRootDir"] = str(reaperd.directory)
    c = engine.add(ended=5.0)
    reaperd.begin(**CALM | {"MinimumAge": "1h", "Success": "2h"})
    reaperd.wait_log("^reaperd: What stopped containers hold under .* is measured$")
    reaperd.reload(Success="3h")
    engine.witness()
    assert reaperd.running() and not engine.story(c)
    reaperd.reload(MinimumAge="10s")
    engine.wait_asked("inspect", 1, c)
    engine.witness()
    assert engine.story(c) == ["inspect"]


@pytest.mark.parametrize("how", ["cut", "reload"])
def test_disturbed_again_and_again(engine: Standin, reaperd: Reaperd, how: str) -> None:
    """The DELETEs in hand meanwhile are the batch's, which cools down, is judged, and may be the last."""
    made = stopped(engine, 6)
    gates = [threading.Event(), threading.Event()]
    for n, c in enumerate(made[:4]):
        engine.fault("remove", c, hold=gates[n // 2])
    again = engine.resync if how == "cut" else reaperd.reload
    reaperd.begin(**CRITICAL | NEVER_ENOUGH | {"Parallelism": 2, "Pressure.CoolDown": "2s",
                                               "Pressure.GiveUpAfter": 2})
    ended = []
    for gate, batch in zip(gates, (made[:2], made[2:4])):
        for c in batch:
            engine.wait_asked("remove", 1, c)
        again()
        gate.set()
        engine.wait_removed(*batch)
        ended.append(time.monotonic())
        if batch[0] is made[0]:
            again()
    reaperd.wait_log(GAVE_UP + "2 batches in a row: ")
    engine.witness()
    assert set(engine.containers) == {c.id for c in made[4:]}
    assert min(sent(engine, *made[2:4])) >= ended[0] + 1.9  # wait_removed() may be late by a little
    assert reaperd.count(removed_against("memory-available", 2)) == reaperd.count(BATCH) == 2
    assert reaperd.count(GAVE_UP) == reaperd.count(NO_ROOT) == 1
    assert all(len(engine.asked("remove", c)) == 1 for c in made[:4])
    wait_pressed_out(reaperd, *made[:4])


@root_only
def test_cause_is_left(engine: Standin, reaperd: Reaperd, small_disk: SmallDisk) -> None:
    """The rest of its batch stays although another counts, which would choose others; that has its own."""
    made = stopped(engine, 4)
    gate = threading.Event()
    engine.fault("remove", made[0], hold=gate)
    reaperd.begin(**CALM | {"Pressure.BatchSize": 3, "Pressure.CoolDown": "2s"})
    engine.witness()  # all are measured: what is in hand is not chosen
    reaperd.reload(**{"Disk.UsedHigh": "50%", "Disk.UsedLow": "40%",
                      "Disk.InodesHigh": "0%", "Disk.InodesLow": "0%"})
    engine.wait_asked("remove", 1, made[0])
    small_disk.empty()
    reaperd.wait_log(r"^reaperd: Pressure is critical: [\d.]+% of the inodes of the engine's disk are used, "
                     "InodesHigh=0%$")
    opened = time.monotonic()
    gate.set()
    engine.wait_removed(*made)
    reaperd.wait_log(removed_against("disk-inodes", 3))
    assert min(sent(engine, *made[1:])) >= opened + 2
    assert reaperd.count(removed_against("disk-used", 1)) == reaperd.count("against pressure .disk-used") == 1
    wait_pressed_out(reaperd, *made)


def test_engine_does_not_tell_what_is_a_task(engine: Standin, reaperd: Reaperd) -> None:
    """One of which that cannot be known is nobody's obstacle, though it would be the first to go."""
    known = stopped(engine, 2, 2)
    refusal = engine.fault("members", times=None, status=500)
    reaperd.begin(**CRITICAL | {"Pressure.BatchSize": 1, "Pressure.Sustain": "2s"})
    unknown = engine.add(ended=1500.0)  # before the others were created: the list tells no more of their ends
    engine.tell_end(unknown)
    engine.wait_asked("members")
    engine.wait_removed(*known)
    engine.wait_asked("members", 2)
    assert not engine.story(unknown)
    engine.lift(refusal)
    engine.wait_removed(unknown)
    wait_pressed_out(reaperd, *known, unknown)


def test_given_up_and_another_cause(engine: Standin, reaperd: Reaperd) -> None:
    """What is told is what is acted on: the disk once memory is given up; when both are, the first again."""
    stopped(engine, 5)
    engine.info_extra["DockerRootDir"] = str(reaperd.directory)
    reaperd.begin(**CRITICAL | ONCE_IN_VAIN | {"Disk.UsedHigh": "0%", "Disk.UsedLow": "0%",
                                               "Pressure.CoolDown": "3s"})
    told_status(reaperd, "; pressure critical (memory-available ")
    reaperd.wait_log(GAVE_UP)
    reaperd.wait_log(DISK_LEVEL + "0%$")
    told_status(reaperd, "; pressure critical (disk-used ")
    assert not reaperd.count(DISK_GAVE_UP)
    reaperd.wait_log(DISK_GAVE_UP + r".*\. See docker system df$")
    told_status(reaperd, "; pressure given up (memory-available ")
    assert reaperd.count(GAVE_UP) == reaperd.count(DISK_GAVE_UP) == reaperd.count(DISK_LEVEL) == 1
    assert len(engine.containers) == 1


def test_dry_run_is_not_judged(engine: Standin, reaperd: Reaperd) -> None:
    """Batch by batch to the last container: nothing was removed that could have helped."""
    made = stopped(engine, 3)
    reaperd.begin("--dry-run", **CRITICAL | ONCE_IN_VAIN | {"Pressure.BatchSize": 1})
    reaperd.wait_log(NOTHING_LEFT)
    assert reaperd.count(r"^reaperd: Would have removed 1 container against pressure \(memory-available .*"
                         ": not judged, as nothing was removed$") == 3
    assert reaperd.count("help") == 0 and all(pressed_out(reaperd, c) == 1 for c in made)


def test_record_that_nothing_may_go(engine: Standin, reaperd: Reaperd, journal: Journal) -> None:
    """Once when the level becomes critical, whatever is reloaded or listed meanwhile; again the next time."""
    engine.add(ended=900.0, asks={"org.reaperd.keep": "true"})
    engine.add(state="running", slot=2)
    reaperd.start(**CRITICAL)

    def told(count: int) -> list[dict[str, str]]:
        until(lambda: len(journal.of("Pressure is critical (")) >= count, f"{count} records",
              detail=lambda: str(journal.records))
        return journal.of("Pressure is critical (")

    record, = told(1)
    check_fields(record, PRIORITY="5", MESSAGE_ID=NOTHING_ID, REAPERD_PRESSURE_CAUSE="memory-available",
                 REAPERD_STOPPED="1")
    assert f"(memory-available {record['REAPERD_PRESSURE_PERCENT']}%), and the one stopped container may not be " \
        in record["MESSAGE"]
    assert record["MESSAGE"].endswith(f". Most memory is used by {record.get('REAPERD_TOP_USERS')}") \
        == ("REAPERD_TOP_USERS" in record)
    reaperd.reload()
    engine.resync()
    time.sleep(2.2)  # the level is looked at each second
    assert len(told(1)) == 1
    reaperd.reload(**OFF)
    until(lambda: journal.of("Pressure is over"), "the end of the level", detail=lambda: str(journal.records))
    reaperd.reload(**CRITICAL)
    told(2)
    levels = journal.of("Pressure is critical:")
    assert len(levels) == 2 and all(r["MESSAGE_ID"] != NOTHING_ID for r in levels)


@pytest.mark.parametrize("how", ["hang", "stuck"])
def test_answer_never_came(engine: Standin, reaperd: Reaperd, how: str) -> None:
    """Whether it was removed is not known yet when the batch ends: that is a batch, and judged as one."""
    made = stopped(engine, 3)
    made[0].removals = [how]
    reaperd.begin(**CRITICAL | ONCE_IN_VAIN | {"Pressure.BatchSize": 1, "RequestTimeout": "1s",
                                               "Pressure.CoolDown": "3s"})
    reaperd.wait_log(GAVE_UP)
    engine.witness()
    assert reaperd.count(removed_against("memory-available", int(how == "hang"))) == reaperd.count(BATCH) == 1
    assert set(engine.containers) == {c.id for c in made if how == "stuck" or c is not made[0]}
    assert pressed_out(reaperd, made[0]) == (how == "hang") and not any(engine.story(c) for c in made[1:])


def test_stall_file_that_comes_later(engine: Standin, reaperd: Reaperd, stalls: Stalls) -> None:  # noqa: F811
    """A reload finds it. As long as there is none, nothing more is said."""
    c = engine.add(ended=420.0)
    path = reaperd.directory / "psi"
    reaperd.begin(**CALM | stalls.settings | {"Pressure.PressureFile": str(path), "Success": "1h"})
    reaperd.wait_log(NO_STALLS)
    reaperd.reload()
    engine.resync()
    path.symlink_to(str(stalls.settings["Pressure.PressureFile"]))
    reaperd.reload()
    stalls.begin()
    engine.wait_removed(c)
    reaperd.wait_log(ELEVATED)
    assert reaperd.count(NO_STALLS) == 1


def test_cap_when_a_level_ends(engine: Standin, reaperd: Reaperd, stalls: Stalls) -> None:  # noqa: F811
    """What is about to go needs nobody's place; when it stays after all, others are too many."""
    due = [engine.add(service="due", slot=n, ended=420.0 - n, asks={"org.reaperd.ttl": "1h"},
                      removals=["500"] * 100) for n in (1, 2)]
    kept = [engine.add(service="kept", slot=n, ended=420.0 - n) for n in (1, 2)]
    reaperd.begin(**CALM | stalls.settings | {"Success": "infinity", "MaxStopped": 4, "QuarantineAfter": 1000})
    stalls.begin()
    for c in due:
        engine.wait_asked("remove", 1, c)
    stalls.end()
    kept += [engine.add(service="kept", slot=n, ended=410.0 - n) for n in (3, 4)]
    engine.tell_end(*kept[2:])
    reaperd.wait_log(OVER)
    engine.wait_removed(*kept[:2])
    assert set(engine.containers) == {c.id for c in due + kept[2:]}
    assert reaperd.count("Removed .*: over-cap, ") == 2
