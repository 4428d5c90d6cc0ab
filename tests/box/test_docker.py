# SPDX-License-Identifier: Apache-2.0
"""The engine's unit is stopped, started, restarted and killed; so is the bus. reaperd follows, and starts neither.

The tests share a node and run one after the other. What is to outlive an orderly end of the engine are containers that
are no tasks: this engine takes those of its Swarm away itself when it is told to end.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Iterator

import pytest

import service_kit as kit
from lab.box import UNIT, Box

DOCKER, SOCKET = "docker.service", "docker.socket"
SETTLE = 3
SETTINGS = """\
[Engine]
SettleTime={settle}
[Pressure]
Enabled=no
[Retention]
MinimumAge=10s
Success=1h
[Rule task]
Service={goes}
Success=10s
[Rule plain]
Name={goes}
Kind=other
Action=reap
Success=10s
"""


def set_going(box: Box, name: str, settle: int = 0) -> None:
    """What the next start of reaperd lets go."""
    box.configure(SETTINGS.format(goes=name, settle=f"{settle}s" if settle else "0"), "60-test.conf")


@pytest.fixture(scope="module")
def stock(node: Box) -> dict[str, Any]:
    """A container for each of the tests, old enough."""
    set_going(node, "nothing")
    node.run("systemctl", "reload", UNIT)
    names = {"started": 1, "restarted": 1, "bus": 1, "killed": 2, "again": 2}
    for name, count in names.items():
        if count > 1:
            kit.job(node, name, count)
        else:
            kit.plain(node, name)
    facts = {name: kit.ended(node, name, count) for name, count in names.items()}
    kit.aged(node, {ident: one for part in facts.values() for ident, one in part.items()}, 10.5)
    return facts


@pytest.fixture(autouse=True)
def unlimited(node: Box) -> Iterator[None]:
    """docker.service may be started three times a minute only; the tests do it more often."""
    node.run("systemctl", "reset-failed", DOCKER, SOCKET)
    yield


def states(box: Box) -> dict[str, str]:
    return {unit: box.state(unit) for unit in (DOCKER, SOCKET, UNIT)}


def alarms(box: Box) -> list[str]:
    """What reaperd has said that would worry somebody."""
    return [one["MESSAGE"] for one in box.journal(kit.OURS) if int(one["PRIORITY"]) <= 4]


def down(box: Box, docker_since: str) -> None:
    """Nothing runs or is about to, and the engine has not been touched since."""
    assert box.state(DOCKER) == "inactive" and box.show(DOCKER, "InactiveEnterTimestampMonotonic") == {
        "InactiveEnterTimestampMonotonic": docker_since}
    assert box.show(UNIT, "ActiveState", "MainPID", "Result") == {
        "ActiveState": "inactive", "MainPID": "0", "Result": "success"}
    assert box.run("systemctl", "list-jobs", "--no-legend").stdout == ""


def since(box: Box) -> str:
    return box.show(DOCKER, "InactiveEnterTimestampMonotonic")["InactiveEnterTimestampMonotonic"]


def started(box: Box) -> float:
    """When the engine was started that runs now; seconds since 1970."""
    text = box.show(DOCKER, "ExecMainStartTimestamp")["ExecMainStartTimestamp"]
    return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize("name", ["killed", "again"])
def test_killed(node: Box, stock: dict[str, Any], name: str) -> None:
    """reaperd is back with it. What is due by then has to wait all the same until the engine has been up for
    SettleTime=, whatever of its past the engine's events may tell."""
    set_going(node, name, SETTLE)
    old = node.main_pid()
    node.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", DOCKER)
    pid = kit.another_main(node, old)
    removed = kit.await_removed(node, stock[name])
    assert {one["_PID"] for one in removed.values()} == {str(pid)}
    # systemd tells whole seconds, cut.
    assert min(map(kit.when, removed.values())) >= started(node) + SETTLE
    assert states(node) == {DOCKER: "active", SOCKET: "active", UNIT: "active"}


@pytest.mark.parametrize("units", [(DOCKER, SOCKET), (DOCKER,)], ids=["with its socket", "while its socket listens"])
def test_stopped(node: Box, stock: dict[str, Any], units: tuple[str, ...]) -> None:
    """reaperd is stopped with it, without a word of alarm, and neither it nor its console brings the engine back."""
    before = alarms(node)
    node.run("systemctl", "stop", *units)
    at = since(node)
    down(node, at)
    assert node.state(SOCKET) == ("inactive" if SOCKET in units else "active")
    assert alarms(node) == before

    done = node.run("systemctl", "start", UNIT, check=False)
    assert done.returncode != 0 and "dependency" in done.stderr.lower()
    assert node.run("systemctl", "restart", UNIT, check=False).returncode != 0
    assert node.run("systemctl", "reload", UNIT, check=False).returncode != 0
    assert node.run("systemctl", "try-restart", UNIT, check=False).returncode == 0
    assert node.run("reaperctl", "status", check=False).returncode != 0
    assert node.run("busctl", "--system", "call", "org.reaperd", "/org/reaperd", "org.freedesktop.DBus.Peer", "Ping",
                    check=False).returncode != 0
    down(node, at)
    node.run("systemctl", "start", DOCKER)
    node.until(lambda: states(node) == {DOCKER: "active", SOCKET: "active", UNIT: "active"}, 20, "all are back")


def test_started_again(node: Box, stock: dict[str, Any]) -> None:
    """With nothing said to reaperd itself; it removes what is due."""
    node.run("systemctl", "stop", DOCKER, SOCKET)
    set_going(node, "started")
    node.run("systemctl", "start", DOCKER)
    pid = kit.another_main(node, 0)
    removed = kit.await_removed(node, stock["started"])
    assert {one["_PID"] for one in removed.values()} == {str(pid)}
    assert kit.here(node) >= set(stock["restarted"])


def test_restarted(node: Box, stock: dict[str, Any]) -> None:
    before, old = alarms(node), node.main_pid()
    set_going(node, "restarted")
    node.run("systemctl", "restart", DOCKER)
    pid = kit.another_main(node, old)
    removed = kit.await_removed(node, stock["restarted"])
    assert {one["_PID"] for one in removed.values()} == {str(pid)} and alarms(node) == before


def test_the_bus_restarted(node: Box, stock: dict[str, Any]) -> None:
    """The name is back, with the same process; the node is cleaned up meanwhile as ever."""
    old = node.main_pid()
    node.run("systemctl", "restart", "dbus.service")

    def owner() -> bool:
        done = node.run("busctl", "--system", "get-property", "org.reaperd", "/org/reaperd", "org.reaperd.Reaper1",
                        "Connected", check=False)
        return done.stdout == "b true\n"

    node.until(owner, 20, "org.reaperd is on the new bus")
    assert node.main_pid() == old
    set_going(node, "bus")
    node.run("systemctl", "reload", UNIT)
    kit.await_removed(node, stock["bus"])


def test_every_record_is_explained(node: Box, stock: dict[str, Any]) -> None:
    assert kit.check_records(node) >= {kit.REMOVED, kit.ENGINE_BACK, kit.ENGINE_LOST}
