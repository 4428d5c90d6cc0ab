# SPDX-License-Identifier: Apache-2.0
"""`systemctl reload` with good and bad configurations, and drop-ins in /etc: of the configuration and of the unit.

The tests share a node and run one after the other.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

import service_kit as kit
from lab.box import UNIT, Box

FOLDER = "/etc/reaperd/reaperd.conf.d"
KEPT = "[Engine]\nSettleTime=0\n[Pressure]\nEnabled=no\n[Retention]\nMinimumAge=10s\nSuccess=1h\n"
# A mistake in the third line, behind a value that would keep everything.
BAD = "[Retention]\nSuccess=1d\nMinimumAge=5s\n"
MISTAKE = f"{FOLDER}/70-bad.conf:3: [Retention] MinimumAge: '5s' is out of range, accepted: 10s to infinity"
SERVICES = ("good", "later", "hidden", "watched")


@pytest.fixture(scope="module")
def stock(node: Box) -> dict[str, Any]:
    """Containers that are old enough for each of the tests, and stay until one of them lets them go."""
    kit.settings(node, KEPT)
    for name in SERVICES:
        kit.job(node, name, 2)
    facts = {name: kit.ended(node, name, 2) for name in SERVICES}
    kit.aged(node, {ident: one for part in facts.values() for ident, one in part.items()}, 10.5)
    return facts


def rule(name: str) -> str:
    return f"[Rule {name}]\nService={name}\nSuccess=10s\n"


def notifications(box: Box, since: str) -> list[str]:
    """What the daemon told systemd: the first word of each message."""
    found = [re.search(r"Got notification message from PID \d+(?: \(|: )([A-Z]+=\w+)", entry["MESSAGE"])
             for entry in box.journal(f"UNIT={UNIT}", "_PID=1", f"--after-cursor={since}")]
    return [one[1] for one in found if one and not one[1].startswith(("STATUS", "WATCHDOG"))]


def cursor(box: Box) -> str:
    return box.journal("-n", "1")[-1]["__CURSOR"]


def test_good(node: Box, stock: dict[str, Any]) -> None:
    """What the new one lets go goes, by the same process, which says when it begins to read and when it holds."""
    pid, begin = node.main_pid(), cursor(node)
    node.configure(KEPT + rule("good"), "60-test.conf")
    node.run("systemctl", "log-level", "debug")
    try:
        node.run("systemctl", "reload", UNIT)
        node.until(lambda: notifications(node, begin) == ["RELOADING=1", "READY=1"], 5, "RELOADING and READY")
    finally:
        node.run("systemctl", "log-level", "info")
    record = kit.await_record(node, kit.RELOADED, f"_PID={pid}", where=lambda one: one["REAPERD_RULES"] == "1")
    assert record["MESSAGE"] == "A new configuration holds, with 1 rule"
    removed = kit.await_removed(node, stock["good"], 8)
    assert {one["REAPERD_ORIGIN"] for one in removed.values()} == {f"{FOLDER}/60-test.conf:10"}
    assert node.main_pid() == pid and node.state() == "active"
    name = next(iter(stock["later"].values()))["Name"][1:]
    assert "retained" in node.run("reaperctl", "explain", name).stdout


def test_bad(node: Box, stock: dict[str, Any]) -> None:
    """`systemctl reload` fails; the unit's journal has file, line, key and what it may be. The old one holds."""
    pid, begin = node.main_pid(), cursor(node)
    node.configure(BAD, "70-bad.conf")
    done = node.run("systemctl", "reload", UNIT, check=False)
    assert done.returncode != 0 and "Job for reaperd.service failed" in done.stderr
    said = [one for one in node.journal("-u", UNIT, f"--after-cursor={begin}") if one["_PID"] != "1"]
    assert [(one["MESSAGE"], one["PRIORITY"], one["SYSLOG_IDENTIFIER"]) for one in said] == [(MISTAKE, "3", "reaperd")]
    # The daemon has not even been asked; asked directly it refuses by itself.
    assert not kit.records(node, kit.RELOAD_REFUSED)
    node.run("systemctl", "kill", "--signal=HUP", UNIT)
    refused = kit.await_record(node, kit.RELOAD_REFUSED, f"_PID={pid}")
    assert refused["REAPERD_ERRORS"] == "1" and refused["PRIORITY"] == "3"
    assert len(node.journal(kit.OURS, f"_PID={pid}", f"MESSAGE={MISTAKE}")) == 1
    asked = node.run("reaperctl", "reload", check=False)
    assert asked.returncode == 1 and MISTAKE in asked.stdout + asked.stderr
    assert node.run("reaperd", "--check-config", check=False).stderr == f"{MISTAKE}\n"

    # The old one goes on to hold: by the refused one these would stay.
    assert (node.main_pid(), node.state(), kit.here(node) >= set(stock["later"])) == (pid, "active", True)
    kit.job(node, "fresh", 1)
    node.run("systemctl", "kill", "--signal=HUP", UNIT)
    name = next(iter(kit.ended(node, "fresh", 1).values()))["Name"][1:]
    told = node.until(lambda: node.run("reaperctl", "explain", name, check=False).stdout, 5, "it is known")
    assert f"{FOLDER}/60-test.conf" in told and "70-bad" not in told


def test_the_reason_is_not_lost(node: Box, stock: dict[str, Any]) -> None:
    """Whoever asks for the unit's messages gets it also where the journal is late, and looks for the process that has
    written it when that has ended: of a reload and of a start."""
    journald = str(node.main_pid("systemd-journald.service"))
    for verb in ("reload", "restart"):
        begin = cursor(node)
        node.run("kill", "-STOP", journald)
        try:
            assert node.run("systemctl", verb, UNIT, check=False).returncode != 0
        finally:
            node.run("kill", "-CONT", journald)
        said = node.until(lambda: [one for one in node.journal("-u", UNIT, f"--after-cursor={begin}")
                                   if one["MESSAGE"] == MISTAKE], 5, f"the reason why there was no {verb}")
        assert len(said) == 1 and said[0]["PRIORITY"] == "3"


def test_no_start_with_a_bad_one(node: Box, stock: dict[str, Any]) -> None:
    """Once, not again and again: a configuration does not get better by itself."""
    begin = cursor(node)
    assert node.run("systemctl", "restart", UNIT, check=False).returncode != 0
    shown = node.show(UNIT, "ActiveState", "SubState", "Result", "ExecMainStatus", "NRestarts")
    assert shown == {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "ExecMainStatus": "1",
                     "NRestarts": "0"}
    said = [one["MESSAGE"] for one in node.journal("-u", UNIT, f"--after-cursor={begin}")]
    assert said.count(MISTAKE) == 1
    node.run("rm", f"{FOLDER}/70-bad.conf")
    node.run("systemctl", "start", UNIT)
    assert node.state() == "active" and kit.here(node) >= set(stock["later"])


def test_a_dropin_of_the_configuration(node: Box, stock: dict[str, Any]) -> None:
    """By its name's place among the others, and in front of one of the same name in /run, which outlives a restart."""
    node.write("/run/reaperd/reaperd.conf.d/65-more.conf", rule("hidden"))
    kit.settings(node, rule("later"), "65-more.conf")
    kit.await_removed(node, stock["later"], 8)
    assert kit.here(node) >= set(stock["hidden"])
    node.run("rm", f"{FOLDER}/65-more.conf")
    kit.restart(node)
    removed = kit.await_removed(node, stock["hidden"], 8)
    assert {one["REAPERD_ORIGIN"] for one in removed.values()} == {"/run/reaperd/reaperd.conf.d/65-more.conf:3"}


def test_a_dropin_of_the_unit(node: Box, stock: dict[str, Any]) -> None:
    """A dry run says what it would do, and does it once the drop-in is gone."""
    node.unit_dropin("[Service]\nExecStart=\nExecStart=/usr/sbin/reaperd --dry-run\n")
    node.configure(KEPT + rule("watched"), "60-test.conf")
    kit.restart(node)
    dry = node.until(lambda: len(found := kit.records(node, kit.REMOVED, "REAPERD_DRY_RUN=1")) == 2 and found, 8,
                     "two decisions")
    assert {one["CONTAINER_ID_FULL"] for one in dry} == set(stock["watched"]) <= kit.here(node)
    assert all(one["MESSAGE"].startswith("Would remove ") for one in dry)
    kit.await_status(node, ", 2 would have been removed$")
    node.run("rm", f"/etc/systemd/system/{UNIT}.d/50-test.conf")
    node.run("systemctl", "daemon-reload")
    kit.restart(node)
    kit.await_removed(node, stock["watched"], 8)
    kit.await_status(node, ", 2 removed$")


def test_every_record_is_explained(node: Box, stock: dict[str, Any]) -> None:
    assert kit.check_records(node) >= {kit.REMOVED, kit.RELOADED, kit.RELOAD_REFUSED, kit.ENGINE_BACK}
