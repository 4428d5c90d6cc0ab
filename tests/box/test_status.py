# SPDX-License-Identifier: Apache-2.0
"""The service as the package leaves it, and what `systemctl status` says of it as things happen.

The tests share a node and run one after the other.
"""

from __future__ import annotations

import re

import pytest

import service_kit as kit
from lab.box import UNIT, Box

# Whether the machine that the node runs on is short of memory is to make no difference.
KEPT = "[Engine]\nSettleTime=0\n[Pressure]\nEnabled=no\n[Retention]\nMinimumAge=10s\nSuccess=1h\nFailure=1h\n"


@pytest.fixture(scope="module", autouse=True)
def stock(node: Box) -> None:
    """What the tests need to be old enough in a while."""
    kit.settings(node, KEPT)
    kit.job(node, "done", 2)
    kit.job(node, "surge", 2)
    kit.job(node, "fails", 1, "exit 3")


def process(box: Box, field: str) -> list[str]:
    """What the kernel says of the daemon."""
    return re.search(rf"^{field}:(.*)$", box.read(f"/proc/{box.main_pid()}/status"), re.M)[1].split()


def test_the_unit(node: Box) -> None:
    shown = node.show(UNIT, "ActiveState", "SubState", "UnitFileState", "Type", "NotifyAccess", "Restart",
                      "WatchdogUSec", "WantedBy", "FragmentPath", "DropInPaths", "NRestarts", "Result")
    assert shown.pop("FragmentPath").endswith(f"/lib/systemd/system/{UNIT}")
    assert re.fullmatch(r"[1-9]\d*min", shown.pop("WatchdogUSec"))
    assert shown == {
        "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled", "Type": "notify",
        "NotifyAccess": "main", "Restart": "on-failure", "WantedBy": "docker.service", "DropInPaths": "",
        "NRestarts": "0", "Result": "success"}


def test_who_it_is(node: Box) -> None:
    """A user of its own with the engine's group besides, which nobody else's login as this user would have."""
    uid, gid = node.sh("id -u reaperd"), node.sh("id -g reaperd")
    docker = node.sh("getent group docker | cut -d: -f3")
    assert "0" not in (uid, gid) and docker not in ("", "0", gid)
    assert process(node, "Uid") == [uid] * 4 and process(node, "Gid") == [gid] * 4
    assert set(process(node, "Groups")) - {gid} == {docker}
    assert node.sh("id -Gn reaperd") == "reaperd"
    assert set(process(node, "CapEff") + process(node, "CapBnd") + process(node, "CapAmb")) == {"0" * 16}
    assert process(node, "NoNewPrivs") == ["1"] and process(node, "Seccomp") == ["2"]
    assert node.sh("stat -c '%U %a' /var/lib/reaperd") == "reaperd 755"
    assert node.sh(f"readlink /proc/{node.main_pid()}/exe") == "/usr/sbin/reaperd"


def test_ready_before_the_first_list(node: Box) -> None:
    """`systemctl start` waits for neither, and then tells what it is at."""
    kit.ended(node, "done", 2)
    kit.ended(node, "surge", 2)
    kit.ended(node, "fails", 1)
    kit.restart(node)
    assert kit.status_text(node) != ""
    kit.await_status(node, r"^Tracking 5 containers, 5 stopped, next due in 5[0-9]min( [0-9]+s)?, 0 removed$")
    assert node.sh("busctl --system get-property org.reaperd /org/reaperd org.reaperd.Reaper1 Stopped") == "u 5"


def test_what_runs_and_what_is_due(node: Box) -> None:
    node.docker("service", "create", "--detach", "--name", "runs", "busy:latest", "sleep", "1000")
    kit.await_status(node, r"^Tracking 6 containers, 5 stopped, next due in ")
    done = kit.ended(node, "done", 2)
    kit.aged(node, done, 10.5)
    kit.settings(node, KEPT + "[Rule done]\nService=done\nSuccess=10s\n")
    kit.await_removed(node, done)
    kit.await_status(node, r"^Tracking 4 containers, 3 stopped, next due in 5[0-9]min( [0-9]+s)?, 2 removed$")


def test_paused(node: Box) -> None:
    node.run("reaperctl", "pause", "2h")
    said = kit.await_status(node, "; paused until ")
    assert re.search(r", 2 removed; paused until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$", said)
    # It outlives the process.
    kit.restart(node)
    assert kit.await_status(node, "; paused until ").split("; ")[1] == said.split("; ")[1]
    node.run("reaperctl", "resume")
    kit.await_status(node, r"^Tracking 4 containers, 3 stopped, next due in 5[0-9]min( [0-9]+s)?, 0 removed$")
    kit.await_record(node, kit.PAUSED), kit.await_record(node, kit.RESUMED)


def test_held_after_a_reload(node: Box) -> None:
    """One that makes more due than SurgeLimit= says, until the files are as before."""
    shrunk = "[Reaper]\nSurgeLimit=1\nFirstRunDelay=1h\n[Rule surge]\nService=surge\nSuccess=10s\n"
    kit.settings(node, KEPT + shrunk)
    kit.await_status(node, "; 2 held, see SurgeLimit=$")
    assert kit.await_record(node, kit.SURGE_HELD)["REAPERD_HELD"] == "2"
    kit.settings(node, KEPT)
    kit.await_status(node, r"^Tracking 4 containers, 3 stopped, next due in 5[0-9]min( [0-9]+s)?, 0 removed$")


def test_pressure(node: Box) -> None:
    """A threshold that any node is over; what is removed for it does not help, by a measure that nothing meets."""
    kit.aged(node, kit.ended(node, "surge", 2), 10.5)
    kit.settings(node, KEPT + "[Pressure]\nEnabled=yes\nStall=off\nMemoryAvailableLow=0%\nMemoryUsedHigh=0.01%\n"
                 "MemoryUsedLow=0%\nSustain=0\nMinimumAge=10s\nBatchSize=1\nCoolDown=3s\nMinimumReclaim=1P\n"
                 "GiveUpAfter=1\nGiveUpFor=1h\n")
    kit.await_status(node, r"; pressure critical \(memory-used \d+\.\d+%\)$")
    kit.await_status(node, r"; pressure given up \(memory-used \d+\.\d+%\)$")
    kit.settings(node, KEPT)
    assert "pressure" not in kit.await_status(node, r" removed$")


def test_the_engine_is_elsewhere(node: Box) -> None:
    kit.settings(node, KEPT + "[Engine]\nEndpoint=unix:///run/nowhere.sock\n")
    kit.await_status(node, r"^Waiting for the engine; [0-9]+ removed so far$")
    lost = kit.await_record(node, kit.ENGINE_LOST)
    assert lost["REAPERD_ENDPOINT"] == "unix:///run/nowhere.sock" and lost["PRIORITY"] == "4"
    kit.settings(node, KEPT)
    kit.await_status(node, r"^Tracking [0-9]+ containers, ")


def test_every_record_is_explained(node: Box) -> None:
    assert kit.check_records(node) >= {
        kit.REMOVED, kit.ENGINE_LOST, kit.ENGINE_BACK, kit.RELOADED, kit.SURGE_HELD, kit.PRESSURE_LEVEL,
        kit.PRESSURE_BATCH, kit.PRESSURE_GAVE_UP, kit.PAUSED, kit.RESUMED}
