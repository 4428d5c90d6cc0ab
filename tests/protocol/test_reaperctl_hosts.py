# SPDX-License-Identifier: Apache-2.0
"""reaperctl -H: other hosts by ssh, several at once, some of which fail. `ssh` is a script of the tests' own that runs
the bridge on the bus of that host.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

from console_kit import QUIET
from daemon import Reaperd
from engine_model import Container
from lab.bus import Bus
from reaperctl import Peer, Reaperctl, table
from standin import Standin

pytestmark = pytest.mark.skipif(shutil.which("systemd-stdio-bridge") is None, reason="systemd-stdio-bridge is missing")


@dataclass
class Host:
    bus: Bus
    reaperd: Reaperd
    containers: list[Container]


@dataclass
class Hosts:
    one: Host
    two: Host
    reaperctl: Reaperctl
    ssh_log: Path


@pytest.fixture
def hosts(folder: Path, engine: Standin, other_engine: Standin) -> Iterator[Hosts]:
    """node-1 and node-2, each with a daemon; node-3, whose bus has none; node-4, where there is no such host."""
    made = []
    with Bus() as first, Bus() as second, Bus() as third:
        for number, (bus, each) in enumerate(((first, engine), (second, other_engine)), 1):
            place = folder / str(number)
            place.mkdir()
            reaperd = Reaperd(place, f"unix://{each.addresses[0]}")
            reaperd.environment |= bus.environment
            containers = [each.add(slot=slot, ended=3600 * slot * number) for slot in (1, 2)]
            each.add(service=f"only-{number}", ended=100)
            reaperd.begin(**QUIET)
            bus.await_owner()
            made.append(Host(bus, reaperd, containers))
        reaperctl = Reaperctl()     # no bus of its own
        log = reaperctl.hosts(folder, node_1=first, node_2=second, node_3=third, node_4=None)
        yield Hosts(made[0], made[1], reaperctl, log)
        for host in made:
            host.reaperd.close()


def test_one_host_is_as_this_node(hosts: Hosts) -> None:
    local = Reaperctl(hosts.one.bus)
    shown = hosts.reaperctl.good("list", "-H", "node-1", "--sort=size")
    assert "NODE" not in shown.out
    assert [row["CONTAINER"] for row in table(shown.lines)] \
        == [row["CONTAINER"] for row in table(local.good("list", "--sort=size").lines)]
    assert "node" not in hosts.reaperctl.good("list", "-H", "node-1", "--json=short").json()[0]
    assert hosts.reaperctl.good("status", "-H", "node-1").lines[0].endswith("(node-1)")


def test_user_and_port_are_sshs(hosts: Hosts) -> None:
    hosts.reaperctl.good("list", "--host=ops@node-1:2222")
    words = hosts.ssh_log.read_text().split()
    assert words[words.index("-p") + 1] == "2222"
    # By the version of sd-bus the user is an option's value or part of the host's name.
    assert words[words.index("--") + 1] == "ops@node-1" or words[words.index("-l") + 1] == "ops"


def test_several_hosts_make_one_table(hosts: Hosts) -> None:
    shown = hosts.reaperctl.good("list", "-H", "node-1,root@node-2", "--sort=age")
    rows = table(shown.lines)
    assert shown.lines[-1] == "6 containers listed." and list(rows[0])[:2] == ["NODE", "CONTAINER"]
    assert {(row["NODE"], row["CONTAINER"]) for row in rows if row["SERVICE.SLOT"].startswith("web")} \
        == {("node-1", c.short) for c in hosts.one.containers} | {("root@node-2", c.short) for c in hosts.two.containers}
    # Sorted over both: 4 h (of two), 2 h (one of each), 1 h (of one).
    assert [row["NODE"][-6:] for row in rows][0] == "node-2" and [row["NODE"] for row in rows][3] == "node-1"
    made = hosts.reaperctl.good("list", "-H", "node-1,root@node-2", "--json=short").json()
    assert [list(row)[:2] for row in made] == [["node", "id"]] * 6
    assert sorted(row["node"] for row in made) == ["node-1"] * 3 + ["root@node-2"] * 3


def test_a_host_that_fails_is_told_and_the_others_go_on(hosts: Hosts) -> None:
    shown = hosts.reaperctl("list", "-H", "node-4,node-1,node-3,node-2")
    assert shown.status == 1
    assert {row["NODE"] for row in table(shown.lines)} == {"node-1", "node-2"}
    lines = shown.err.splitlines()
    assert "ssh: Could not resolve hostname node-4: Name or service not known" in lines
    assert any(line.startswith("reaperctl: node-4: No reaperd on its system bus: ") for line in lines), shown
    assert "reaperctl: node-3: No reaperd on its system bus: nobody has the name org.reaperd. Is it running?" in lines
    assert not any(line.startswith(("reaperctl: node-1", "reaperctl: node-2")) for line in lines)

    made = hosts.reaperctl("list", "-H", "node-4,node-1", "--json=short")
    assert made.status == 1 and {row["node"] for row in made.json()} == {"node-1"}
    nobody = hosts.reaperctl("list", "-H", "node-4,node-3")
    assert (nobody.status, nobody.out) == (1, "")


def test_status_of_several_is_block_by_block(hosts: Hosts) -> None:
    shown = hosts.reaperctl.good("status", "-H", "node-1,node-2")
    first, second = shown.out.split("\n\n")
    assert "(node-1)" in first.splitlines()[0] and "(node-2)" in second.splitlines()[0]
    made = hosts.reaperctl.good("status", "-H", "node-1,node-2", "--json=short").json()
    assert [row["node"] for row in made] == ["node-1", "node-2"] and made[0]["known"] == 3
    assert hosts.reaperctl("status", "-H", "node-1,node-3").status == 1
    assert hosts.reaperctl("status", "-H", "node-3").status == 3
    assert hosts.reaperctl("status", "-H", "node-3,node-4").status == 3


def test_explain_finds_the_one_that_has_it(hosts: Hosts) -> None:
    c = hosts.two.containers[0]
    shown = hosts.reaperctl.good("explain", "-H", "node-1,node-2", c.short)
    assert shown.lines[0] == f"{c.name} ({c.short}) on node-2"
    row, = hosts.reaperctl.good("explain", "-H", "node-1,node-2", c.name, "--json=short").json()
    assert (row["node"], row["id"]) == ("node-2", c.id)
    # Found, but not everybody could be asked.
    shown = hosts.reaperctl("explain", "-H", "node-3,node-2", c.short)
    assert shown.status == 1 and shown.lines[0].endswith("on node-2")
    shown = hosts.reaperctl("explain", "-H", "node-1,node-2", "nobody")
    assert (shown.status, shown.out, shown.err) == (1, "", "reaperctl: nobody: no such container\n")


def test_ambiguous_on_one_of_them(hosts: Hosts) -> None:
    shown = hosts.reaperctl("explain", "-H", "node-1,node-2", "000")
    assert shown.status == 1 and shown.out == ""
    assert "more than one container is meant by this on node-1:" in shown.err
    assert "more than one container is meant by this on node-2:" in shown.err
    assert hosts.one.containers[0].short in shown.err and hosts.two.containers[1].short in shown.err


def test_memory_is_by_node_and_service(hosts: Hosts) -> None:
    rows = table(hosts.reaperctl.good("memory", "-H", "node-1,node-2").lines)
    assert {(row["NODE"], row["SERVICE"], row["STOPPED"]) for row in rows} \
        == {("node-1", "web", "2"), ("node-2", "web", "2"), ("node-1", "only-1", "1"), ("node-2", "only-2", "1"),
            ("", "all", "6")}


def test_advice_is_set_apart(folder: Path) -> None:
    """A line is between two pieces of it, of one host or of two."""
    with Bus() as first, Bus() as second:
        reaperctl = Reaperctl()
        reaperctl.hosts(folder, node_1=first, node_2=second)
        advice = [("kind", "web", "Matter.", "")] * 2
        peers = [Peer(bus, Advise=lambda: ("a(ssss)", [advice])) for bus in (first, second)]
        blocks = reaperctl.good("-H", "node-1,node-2", "advise").out.split("\n\n")
        assert [block.splitlines() for block in blocks] == [[f"{node}: kind web", "    Matter."]
                                                            for node in ("node-1", "node-1", "node-2", "node-2")]
        for peer in peers:
            peer.close()


def test_all_are_connected_to_at_the_same_time(hosts: Hosts, folder: Path) -> None:
    ssh = folder / "bin" / "ssh"
    ssh.write_text(ssh.read_text().replace("#!/bin/sh\n", "#!/bin/sh\nsleep 1\n"))
    begun = time.monotonic()
    hosts.reaperctl.good("list", "-H", "node-1,node-2,node-1,node-2,node-1")
    assert time.monotonic() - begun < 4, "each has waited for the one before"


def test_wrong_names(hosts: Hosts) -> None:
    shown = hosts.reaperctl("list", "-H", "node-1,")
    assert shown.status == 2 and "--host=node-1,: accepted is [USER@]HOST" in shown.err
    shown = hosts.reaperctl("list", "-M", "no such machine")
    assert shown.status == 1 and shown.err.startswith("reaperctl: no such machine: No reaperd on its system bus: ")
    if hosts.ssh_log.exists():
        assert "node-1" not in hosts.ssh_log.read_text()
