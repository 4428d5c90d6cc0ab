# SPDX-License-Identifier: Apache-2.0
"""Removals as the journal of a node has them: all fields that reaperd(8) promises, with what the engine said of the
container before, and the text of the catalog.

The tests share a node and run one after the other.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import service_kit as kit
from lab import IMAGE
from lab.box import UNIT, Box

DROPIN = "/etc/reaperd/reaperd.conf.d/60-test.conf"
SETTINGS = """\
[Engine]
SettleTime=0
[Pressure]
Enabled=no
[Retention]
MinimumAge=10s
Success=1h
Failure=1h
KeepLastFailure=0
[Rule good ones]
Service=good
Success=11s
[Rule bad ones]
Service=bad
Failure=11s
LogTail=3
[Rule others]
Name=alone
Kind=other
Action=reap
Success=11s
"""
HOLDING = "[Rule holding]\nService=holds\nFailure=20s\nLogTail=2\n"

# What a record has only sometimes; the page tells when.
MEASURED = {"REAPERD_HELD_BYTES", "REAPERD_HELD_DIRTY_BYTES", "REAPERD_HELD_DISK_BYTES", "REAPERD_HELD_INODES",
            "REAPERD_HELD_PARTIAL"}
OF_TASKS = {"SWARM_SERVICE_NAME", "SWARM_TASK_ID"}
AT_TIMES = MEASURED | {"REAPERD_OBSERVED_BYTES"}

# More folders within each other than are walked through, some megabytes, and a log.
SCRIPT = """
path=/deep; i=0
while [ $i -lt 80 ]; do path=$path/d; i=$((i + 1)); done
mkdir -p $path && dd if=/dev/zero of=/big bs=1048576 count=4 2>/dev/null
echo one; echo two; printf 'three \\033[31mred\\n'; exit 3
"""


@pytest.fixture(scope="module")
def told(node: Box) -> dict[str, Any]:
    """What the engine told of each container while it was there, by name of its service."""
    # So that nothing would come through but for what the unit asks for itself.
    node.write("/etc/systemd/journald.conf.d/50-test.conf", "[Journal]\nRateLimitIntervalSec=1h\nRateLimitBurst=1\n")
    node.run("systemctl", "restart", "systemd-journald.service")
    kit.settings(node, SETTINGS)
    kit.job(node, "good", 6)
    kit.job(node, "bad", 1, "echo first; echo second; printf 'third \\t \\033[0m\\n'; echo fourth; exit 3")
    kit.job(node, "labelled", 1, "exit 0", "--container-label", "org.reaperd.ttl=11s")
    kit.job(node, "asked", 1)
    kit.job(node, "holds", 1, SCRIPT)
    kit.plain(node, "alone", "exit 0", "--label", "com.docker.swarm.service.name=forged")
    counts = {"good": 6, "bad": 1, "labelled": 1, "asked": 1, "holds": 1, "alone": 1}
    return {name: kit.ended(node, name, count) for name, count in counts.items()}


@pytest.fixture(scope="module")
def removed(node: Box, told: dict[str, Any]) -> dict[str, list[kit.Record]]:
    """The records of what goes by its age."""
    return {name: list(kit.await_removed(node, told[name]).values()) for name in ("good", "bad", "labelled", "alone")}


def check_values(node: Box, record: kit.Record, facts: Any) -> None:
    """The fields that every removal has, against what the engine said."""
    assert record["CONTAINER_ID_FULL"] == facts["Id"] and record["CONTAINER_ID"] == facts["Id"][:12]
    assert record["CONTAINER_NAME"] == facts["Name"].removeprefix("/")
    assert record["IMAGE_NAME"] == facts["Config"]["Image"] == IMAGE
    assert record["REAPERD_EXIT_CODE"] == str(facts["State"]["ExitCode"])
    assert record["REAPERD_DRY_RUN"] == "0" and record["REAPERD_ATTEMPT"] == "1"
    decided = kit.finished(facts) + int(record["REAPERD_AGE_USEC"]) / 1e6
    gone = [at for at, ident in kit.events(node, "destroy", kit.finished(facts)) if ident == facts["Id"]]
    assert len(gone) == 1 and decided <= gone[0] <= kit.when(record)


def check_task(record: kit.Record, facts: Any) -> None:
    labels = facts["Config"]["Labels"]
    assert record["SWARM_SERVICE_NAME"] == labels["com.docker.swarm.service.name"]
    assert record["SWARM_TASK_ID"] == labels["com.docker.swarm.task.id"]


def one(told: dict[str, Any], name: str) -> Any:
    facts, = told[name].values()
    return facts


def test_by_its_age(node: Box, told: dict[str, Any], removed: dict[str, list[kit.Record]]) -> None:
    """All that the page promises but what was not measured or not asked for, and nothing else."""
    expected = kit.promised()[kit.REMOVED] | kit.container_fields()
    for record in removed["good"]:
        facts = told["good"][record["CONTAINER_ID_FULL"]]
        assert kit.own_fields(record) | AT_TIMES | {"REAPERD_LOG_TAIL"} == expected
        assert not kit.own_fields(record) & (MEASURED | {"REAPERD_LOG_TAIL"})
        check_values(node, record, facts)
        check_task(record, facts)
        assert int(record["REAPERD_AGE_USEC"]) >= 11_000_000 and record["REAPERD_EXIT_CODE"] == "0"
        assert (record["REAPERD_VERDICT"], record["REAPERD_SETTING"]) == ("ttl-expired", "Success")
        assert (record["REAPERD_RULE"], record["REAPERD_ORIGIN"]) == ("good ones", f"{DROPIN}:12")
        assert record["MESSAGE"].startswith(f"Removed {facts['Id'][:12]} {facts['Name'][1:]}: ttl-expired, age 1")
        assert record["MESSAGE"].endswith(", exit 0")


def test_who_wrote_it(node: Box, removed: dict[str, list[kit.Record]]) -> None:
    """By the journal's own word, which no message can change."""
    shown = node.show(UNIT, "MainPID", "InvocationID")
    for record in [one for records in removed.values() for one in records]:
        assert {key: record[key] for key in ("_SYSTEMD_UNIT", "_UID", "_GID", "_PID", "_COMM", "_EXE", "_TRANSPORT",
                                             "_SYSTEMD_INVOCATION_ID", "_CAP_EFFECTIVE", "SYSLOG_IDENTIFIER",
                                             "PRIORITY")} == {
            "_SYSTEMD_UNIT": UNIT, "_UID": node.sh("id -u reaperd"), "_GID": node.sh("id -g reaperd"),
            "_PID": shown["MainPID"], "_COMM": "reaperd", "_EXE": "/usr/sbin/reaperd", "_TRANSPORT": "journal",
            "_SYSTEMD_INVOCATION_ID": shown["InvocationID"], "_CAP_EFFECTIVE": "0", "SYSLOG_IDENTIFIER": "reaperd",
            "PRIORITY": "6"}


def test_of_a_failure_with_its_log(node: Box, told: dict[str, Any], removed: dict[str, list[kit.Record]]) -> None:
    record, = removed["bad"]
    check_values(node, record, one(told, "bad"))
    assert (record["REAPERD_EXIT_CODE"], record["REAPERD_SETTING"], record["REAPERD_RULE"]) == (
        "3", "Failure", "bad ones")
    assert record["REAPERD_LOG_TAIL"] == "second\nthird \\x09 \\x1b[0m\nfourth"


def test_by_a_label(node: Box, told: dict[str, Any], removed: dict[str, list[kit.Record]]) -> None:
    record, = removed["labelled"]
    check_values(node, record, one(told, "labelled"))
    assert record["REAPERD_ORIGIN"] == "label org.reaperd.ttl" and "REAPERD_RULE" not in record


def test_of_what_is_no_task(node: Box, told: dict[str, Any], removed: dict[str, list[kit.Record]]) -> None:
    """It carries a service's label, which anybody may give it."""
    record, = removed["alone"]
    check_values(node, record, one(told, "alone"))
    assert not kit.own_fields(record) & OF_TASKS and record["REAPERD_RULE"] == "others"


def test_on_request(node: Box, told: dict[str, Any], removed: dict[str, list[kit.Record]]) -> None:
    facts = one(told, "asked")
    node.run("reaperctl", "reap", facts["Name"].removeprefix("/"))
    record, = kit.await_removed(node, told["asked"]).values()
    check_values(node, record, facts)
    check_task(record, facts)
    # No setting has decided.
    assert record["REAPERD_VERDICT"] == "requested" and not {"REAPERD_SETTING", "REAPERD_ORIGIN"} & set(record)


def test_with_all_that_there_is(node: Box, told: dict[str, Any], removed: dict[str, list[kit.Record]]) -> None:
    """Measured with the example drop-in, in a rule, with a log: every field of the page in one record."""
    # Without a list of system calls, as the libseccomp of a node that is older than its kernel cannot let through
    # cachestat, the one that can tell dirty pages.
    node.unit_dropin("[Service]\nSystemCallFilter=\n")
    node.run("cp", "/usr/share/doc/reaperd/page-cache.conf.example",
             f"/etc/systemd/system/{UNIT}.d/40-page-cache.conf")
    node.run("systemctl", "daemon-reload")
    node.configure(SETTINGS + HOLDING, "60-test.conf")
    kit.restart(node)
    facts = one(told, "holds")
    record, = kit.await_removed(node, told["holds"]).values()
    check_values(node, record, facts)
    check_task(record, facts)
    missing = (kit.promised()[kit.REMOVED] | kit.container_fields()) ^ kit.own_fields(record)
    kernel = tuple(int(part) for part in node.sh("uname -r").split("-")[0].split(".")[:2])
    assert missing == (set() if kernel >= (6, 5) else {"REAPERD_HELD_DIRTY_BYTES"})
    assert record["REAPERD_HELD_PARTIAL"] == "1" and record["REAPERD_RULE"] == "holding"
    assert int(record["REAPERD_HELD_DISK_BYTES"]) >= 4 << 20 and 64 <= int(record["REAPERD_HELD_INODES"]) <= 82
    assert 0 <= int(record["REAPERD_HELD_BYTES"]) <= int(record["REAPERD_HELD_DISK_BYTES"]) + (1 << 20)
    assert record["REAPERD_LOG_TAIL"] == "two\nthree \\x1b[31mred"
    int(record["REAPERD_OBSERVED_BYTES"])


def test_nothing_was_left_out(node: Box, told: dict[str, Any]) -> None:
    """The journal of this node takes next to nothing from a service, but all of this one: each of the removals that
    the tests above have found, and all of what was said about them."""
    node.run("systemd-run", "--wait", "--unit=chatty", "seq", "200")
    assert len(node.journal("_SYSTEMD_UNIT=chatty.service")) < 200
    assert len(kit.records(node, kit.REMOVED)) == sum(map(len, told.values())) == 11
    # As people ask.
    shown = [json.loads(line) for line in node.sh("journalctl -u reaperd -o json").splitlines()]
    assert {one["CONTAINER_ID_FULL"] for one in shown if one.get("MESSAGE_ID") == kit.REMOVED} \
        == {ident for facts in told.values() for ident in facts}


def test_the_catalog(node: Box, told: dict[str, Any], removed: dict[str, list[kit.Record]]) -> None:
    """Every id of the page has its text installed; those that are in the journal are shown with all fields in them."""
    installed = {line.split(" ")[0] for line in node.run("journalctl", "--list-catalog").stdout.splitlines()}
    assert len(kit.promised()) >= 17 and installed >= set(kit.promised()) == set(kit.catalog())
    assert kit.check_records(node) >= {kit.REMOVED, kit.RELOADED, kit.ENGINE_BACK}
    facts = one(told, "bad")
    record, = kit.records(node, kit.REMOVED, f"CONTAINER_ID_FULL={facts['Id']}")
    text = kit.explained(node, record)
    assert text.startswith("Subject: A stopped container was removed\nDefined-By: reaperd\n")
    assert f"Container {facts['Name'][1:]} (image {IMAGE}) had ended, with exit code\n3, or" in text
    assert f"journalctl -o verbose CONTAINER_ID_FULL={facts['Id']}" in text
