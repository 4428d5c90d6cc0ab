# SPDX-License-Identifier: Apache-2.0
"""A Swarm of several real engines on one machine: managers and workers, each a node of its own.

A node is an engine (see engine.py) with a network namespace, a host name, a /run and a /var/lib of its own, so that
its socket and its data are where an engine has them: what mounts /run/docker.sock means that of its node. A bridge in
yet another namespace connects the nodes, where nothing of the host's network sees it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Mapping

from . import host
from .client import ApiError
from .engine import Engine, missing_tools
from .wait import until

NETWORK = "10.77.0"     # .1 and up are the nodes'
SOCKET, DATA = "/run/docker.sock", "/var/lib/docker"

# Holds the namespaces of a node while its engine is down; its containers get their mounts from here. As systemd does
# it, mounts propagate to whoever wants them.
_HOLD = """\
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir /var/lib/docker
mount --bind "$2" /var/lib/docker
echo "$1" > /proc/sys/kernel/hostname
echo held
exec sleep infinity
"""


def missing_fleet_tools() -> list[str]:
    """What a fleet needs and this host lacks."""
    return missing_tools() + [tool for tool in ("docker", "unshare") if not _have(tool)]


def _have(tool: str) -> bool:
    return any(os.access(os.path.join(folder, tool), os.X_OK) for folder in os.get_exec_path())


class Bridge:
    """What connects the nodes: a bridge in a network namespace that has nothing else."""

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            host.run("ip", "netns", "add", name)
            host.run("ip", "-n", name, "link", "add", "bridge0", "type", "bridge")
            host.run("ip", "-n", name, "link", "set", "bridge0", "up")
        except BaseException:
            self.close()
            raise

    def connect(self, namespace: str, number: int) -> None:
        port = f"node{number}"
        host.run("ip", "-n", self.name, "link", "add", port, "type", "veth", "peer", "name", "eth0",
                 "netns", namespace)
        host.run("ip", "-n", self.name, "link", "set", port, "master", "bridge0", "up")
        host.run("ip", "-n", namespace, "address", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
        host.run("ip", "-n", namespace, "link", "set", "eth0", "up")

    def close(self) -> None:
        host.delete_namespace(self.name)


class Node(Engine):
    """One engine of a fleet, node1 the first; it has no Swarm until it has joined one."""

    def __init__(self, bridge: Bridge, number: int) -> None:
        super().__init__(["--host", f"unix://{SOCKET}", "--data-root", DATA])
        self.hostname = f"node{number}"
        self.address = f"{NETWORK}.{number}"
        self._bridge, self._number = bridge, number
        self._holder: subprocess.Popen[str] | None = None

    def close(self) -> None:
        try:
            super().close()
        finally:
            if self._holder is not None:
                self._holder.kill()
                self._holder.communicate()
                self._holder = None

    @property
    def id(self) -> str:
        return self.client.get("/info")["Swarm"]["NodeID"]

    def load_image(self, archive: Any) -> None:
        """As `docker load` does it: an archive of images, as bytes or an open file."""
        self.client.call("POST", "/images/load", {"quiet": 1}, raw=archive)

    def run_here(self, *argv: str, timeout: float = 60.0, **options: Any) -> subprocess.CompletedProcess[str]:
        """A command in this node's namespaces."""
        return subprocess.run([*self._entry(), *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=True, timeout=timeout, start_new_session=True, **options)

    def _furnish(self) -> None:
        self._bridge.connect(self.name, self._number)
        data = self.dir / "data"
        data.mkdir()
        self._holder = subprocess.Popen(
            [*super()._entry(), "unshare", "--mount", "--uts", "sh", "-euc", _HOLD, "sh", self.hostname,
             str(data)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "held\n":
            raise OSError(f"{self.hostname}: its namespaces could not be made")

    def _entry(self) -> list[str]:
        assert self._holder is not None
        return ["nsenter", f"--target={self._holder.pid}", "--mount", "--uts", "--net"]


class Fleet:
    """Nodes in one Swarm; use as a context manager. The first of `managers` has started it."""

    _count = 0

    def __init__(self, managers: int = 1, workers: int = 2, history: int = 1000) -> None:
        Fleet._count += 1
        self.managers: list[Node] = []
        self.workers: list[Node] = []
        self._wanted, self._history = (managers, workers), history
        self._stack = contextlib.ExitStack()
        self._name = f"rp-{os.getpid()}-net{Fleet._count}"
        self._bridge: Bridge | None = None
        self._numbers = 0

    def __enter__(self) -> "Fleet":
        try:
            return self._start()
        except BaseException:
            self._stack.close()
            raise

    def __exit__(self, *_: Any) -> None:
        # Together, as each waits for its engine.
        with self._stack, ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: node.close(), self.nodes))

    @property
    def nodes(self) -> list[Node]:
        return self.managers + self.workers

    @property
    def manager(self) -> Node:
        """The one to talk to about services."""
        return self.managers[0]

    def add_worker(self, prepare: Callable[[Node], None] = lambda node: None) -> Node:
        """One more, which joins the Swarm once it is prepared."""
        node = self._new_node()
        self.workers.append(node)
        self._bring_up(node)
        prepare(node)
        self._join(node, "Worker")
        return node

    def docker(self, *argv: str, environment: Mapping[str, str] | None = None, timeout: float = 120.0,
               **options: Any) -> str:
        """The real command on the first manager; what it prints. A bad end is an exception with what it said."""
        done = subprocess.run(["docker", "--host", f"unix://{self.manager.socket}", *argv], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, **(environment or {})}, timeout=timeout, start_new_session=True,
                              **options)
        if done.returncode:
            raise OSError(f"docker {' '.join(argv)}: exit {done.returncode}: {done.stdout.strip()}")
        return done.stdout

    def _new_node(self) -> Node:
        assert self._bridge is not None
        self._numbers += 1
        node = Node(self._bridge, self._numbers)
        self._stack.callback(node.close)
        return node

    def _start(self) -> "Fleet":
        self._bridge = Bridge(self._name)
        self._stack.callback(self._bridge.close)
        managers, workers = self._wanted
        self.managers = [self._new_node() for _ in range(managers)]
        self.workers = [self._new_node() for _ in range(workers)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._bring_up, self.nodes))
        first = self.manager
        first.client.call("POST", "/swarm/init", body={
            "ListenAddr": f"{first.address}:2377", "AdvertiseAddr": first.address,
            "Spec": {"Orchestration": {"TaskHistoryRetentionLimit": self._history}}})
        for node in self.managers[1:]:
            self._join(node, "Manager")
        for node in self.workers:
            self._join(node, "Worker")
        return self

    def _bring_up(self, node: Node) -> None:
        node.start()
        node.import_image()

    def _join(self, node: Node, role: str) -> None:
        client = self.manager.client
        token = until(lambda: client.get("/swarm")["JoinTokens"][role], 10, "a token to join with")
        node.client.call("POST", "/swarm/join", body={
            "ListenAddr": f"{node.address}:2377", "AdvertiseAddr": node.address,
            "RemoteAddrs": [f"{self.manager.address}:2377"], "JoinToken": token})

        def ready() -> bool:
            with contextlib.suppress(ApiError):
                return client.get(f"/nodes/{node.id}")["Status"]["State"] == "ready"
            return False

        until(ready, 20, f"{node.hostname} is ready")
