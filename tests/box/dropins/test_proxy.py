# SPDX-License-Identifier: Apache-2.0
"""tcp.conf, and README.md's other way to a socket proxy: what they open, and that it is closed without them."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterator

import pytest

import service_kit as kit
from dropin_kit import reap
from lab.box import Box

# systemd's own proxy; it lets everything through.
PROXY = "docker-proxy"
SERVICE = """\
[Unit]
Requires=docker.service
After=docker.service
[Service]
ExecStart=/lib/systemd/systemd-socket-proxyd /run/docker.sock
"""


@pytest.fixture
def proxy(node: Box) -> Iterator[Callable[[str], None]]:
    def listen(socket: str) -> None:
        node.write(f"/etc/systemd/system/{PROXY}.service", SERVICE)
        node.write(f"/etc/systemd/system/{PROXY}.socket", f"[Socket]\n{socket}")
        node.run("systemctl", "daemon-reload")
        node.run("systemctl", "start", f"{PROXY}.socket")

    yield listen
    node.run("systemctl", "stop", f"{PROXY}.socket", f"{PROXY}.service")
    node.sh(f"rm /etc/systemd/system/{PROXY}.*")


def groups(box: Box) -> set[str]:
    """Those that the running daemon is in, besides its own."""
    line, = re.findall(r"^Groups:(.*)$", box.read(f"/proc/{box.main_pid()}/status"), re.M)
    return {box.sh(f"getent group {number} | cut -d: -f1") for number in line.split()} - {"reaperd"}


def connected_to(box: Box, endpoint: str) -> bool:
    return any(f" at {endpoint}, " in one["MESSAGE"] for one in box.journal(kit.OURS, kit.invocation(box)))


def test_tcp(node: Box, drop_in: Callable[..., Any], proxy: Callable[[str], None],
             old: Callable[..., list[str]]) -> None:
    proxy("ListenStream=127.0.0.1:2375\n")
    node.configure("[Engine]\nEndpoint=tcp://127.0.0.1:2375\n")
    kit.restart(node)
    told = node.until(lambda: [one["MESSAGE"] for one in node.journal(kit.OURS, kit.invocation(node))
                               if "No connection to the engine" in one["MESSAGE"]], 20, "a word about the connection")
    assert len(told) == 1 and "tcp://127.0.0.1:2375" in told[0] and "tcp.conf.example" in told[0]
    assert node.state(f"{PROXY}.service") == "inactive", "something has connected"
    assert groups(node) == {"docker"}

    drop_in("tcp")
    node.until(lambda: connected_to(node, "tcp://127.0.0.1:2375"), 20, "a connection by TCP")
    assert groups(node) == set()
    reap(node, old("by-tcp"))


def test_unix(node: Box, drop_in: Callable[..., Any], proxy: Callable[[str], None],
             old: Callable[..., list[str]]) -> None:
    """As README.md has it: another socket and another group."""
    readme = node.read("/usr/share/doc/reaperd/README.md").partition("### Behind a socket proxy\n")[2]
    configuration = re.search(r"^```ini\n(.*?)^```$", readme, re.M | re.S)
    unit = re.search(r"^    \[Service\]\n(?:    .*\n)+", readme, re.M)
    assert configuration and unit
    endpoint, group = "unix:///run/docker-proxy/docker.sock", "docker-proxy"
    assert endpoint in configuration[1] and f"SupplementaryGroups={group}\n" in unit[0]
    node.run("groupadd", "--system", group)
    proxy(f"ListenStream={endpoint.removeprefix('unix://')}\nSocketGroup={group}\nSocketMode=0660\n")
    node.configure(configuration[1])
    node.unit_dropin(re.sub("^    ", "", unit[0], flags=re.M))
    kit.restart(node)
    node.until(lambda: connected_to(node, endpoint), 20, "a connection by the proxy's socket")
    assert groups(node) == {group}
    reap(node, old("by-unix"))
    assert node.run("runuser", "-u", "reaperd", "-G", group, "--", "test", "-w", "/run/docker.sock",
                    check=False).returncode == 1, f"{group} is enough for the engine's own socket"
