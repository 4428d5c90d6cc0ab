# SPDX-License-Identifier: Apache-2.0
"""A private dockerd, with a containerd of its own, that leaves nothing behind.

Its network namespace, cgroup parent and directory are named by pid and a
counter, so that labs may run beside each other and beside an engine of the
host, and a lab that crashed earlier is in nobody's way.  containerd is started
here and not by dockerd: dockerd would take the host's if there is one, and on
real hosts too containerd outlives a dockerd that is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from . import host
from .traces import Traces
from .client import ApiError, Client
from .image import busybox_tar
from .wait import until
from .workload import IMAGE, Swarm

FOLDERS = ("/tmp", "/var/tmp")  # fit for an engine's files: short ones, as a socket's path may have 107 bytes only
FOLDER = FOLDERS[0]             # has them
TOOLS = ("dockerd", "containerd", "runc", "busybox", "ip", "nsenter", "umount")

_CONTAINERD_CONFIG = """\
version = 2
root = "{dir}/cd/root"
state = "{dir}/cd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images",
                    "io.containerd.cri.v1.runtime"]
[grpc]
  address = "{dir}/cd.sock"
"""


class LabError(Exception):
    """The engine did not come up; the text holds the end of its log."""


@dataclass
class Life:
    """One life of dockerd, in wall clock seconds."""

    started: float
    up: float = 0.0
    stopping: float | None = None   # told to end
    ended: float | None = None


def missing_tools() -> list[str]:
    """What the lab needs and this host lacks."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    return missing + (["root rights"] if os.geteuid() else [])


_live: list["Engine"] = []


def _close_all() -> None:
    for engine in list(_live):
        engine.close()


def _on_signal(number: int, _frame: Any) -> None:
    # Another one, as a process group may get several, must not break off the cleaning up.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    # Turned into an exception, so that every `with` and `finally` on the way
    # out runs; atexit covers what is left. pytest takes SystemExit for a test that has failed, and goes on.
    raise KeyboardInterrupt if "pytest" in sys.modules else SystemExit(128 + number)


def _guard() -> None:
    """Clean up when the interpreter ends, also by SIGTERM or SIGHUP."""
    atexit.register(_close_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError):   # not in the main thread
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _on_signal)


class Engine:
    """An engine; use as a context manager, or start() and close().

    options: further arguments of dockerd.
    """

    _count = 0
    _guarded = False

    def __init__(self, options: Sequence[str] = ()) -> None:
        if not Engine._guarded:
            Engine._guarded = True
            _guard()
        Engine._count += 1
        self.name = f"rp-{os.getpid()}-{Engine._count}"
        self.dir = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=FOLDER))
        self.socket = str(self.dir / "docker.sock")
        self.client = Client(self.socket)
        self.swarm = Swarm(self.client)
        self.lives: list[Life] = []
        self._options = list(options)
        self._containerd: subprocess.Popen[bytes] | None = None
        self._dockerd: subprocess.Popen[bytes] | None = None
        self._has_namespace = False
        self._traces = Traces()
        _live.append(self)

    def __enter__(self) -> "Engine":
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: Any) -> None:
        self.close()

    # -- the engine's life ---------------------------------------------------

    def start(self, timeout: float = 30.0) -> "Engine":
        """Start the engine and await its answer; also after stop()."""
        if not self._has_namespace:
            host.run("ip", "netns", "add", self.name)
            self._has_namespace = True
            host.run("ip", "-n", self.name, "link", "set", "lo", "up")
            self._furnish()
        if self._containerd is None or self._containerd.poll() is not None:
            config = self.dir / "containerd.toml"
            config.write_text(_CONTAINERD_CONFIG.format(dir=self.dir))
            self._containerd = self._spawn("containerd", "--config", str(config))
            self._await(self._containerd, "containerd", (self.dir / "cd.sock").exists, timeout)
        # An empty configuration of its own, else dockerd reads the host's.
        (self.dir / "daemon.json").write_text("{}\n")
        life = Life(time.time())
        self._dockerd = self._spawn(
            "dockerd", "--host", f"unix://{self.socket}", "--data-root", f"{self.dir}/data",
            "--exec-root", f"{self.dir}/exec", "--pidfile", f"{self.dir}/pid",
            "--config-file", f"{self.dir}/daemon.json", "--containerd", f"{self.dir}/cd.sock",
            "--cgroup-parent", f"/{self.name}", "--exec-opt", "native.cgroupdriver=cgroupfs",
            "--bridge", "none", "--iptables=false", *self._options)
        self.lives.append(life)
        self._await(self._dockerd, "dockerd", self.client.ping, timeout)
        life.up = time.time()
        return self

    def stop(self, timeout: float = 40.0) -> None:
        """SIGTERM, as an administrator stops it; its containers end with it."""
        self._end(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """SIGKILL to dockerd alone; containerd and containers go on."""
        self._end(signal.SIGKILL, 10.0)

    def restart(self, hard: bool = False) -> None:
        """End the engine (hard: by SIGKILL) and start it again."""
        if hard:
            self.kill()
        else:
            self.stop()
        self.start()

    def close(self) -> None:
        """End everything and take every trace away; may be called twice."""
        if self._dockerd is not None and self._dockerd.poll() is None:
            # Its containers are of no interest any more: killed, they do not
            # make the engine wait for their grace periods.
            with contextlib.suppress(TimeoutError):
                self._end(signal.SIGTERM, 15.0, lambda: host.kill_cgroup(self.name))
        for process in (self._dockerd, self._containerd):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        # Each step is taken even if one before it failed; the first failure is told in the end. Read upwards.
        with contextlib.ExitStack() as steps:
            steps.callback(self._forget)
            steps.callback(self._remove_directory)
            steps.callback(self._delete_namespace)
            steps.callback(host.unmount_below, self.dir)
            steps.callback(host.remove_cgroup, self.name)
            steps.callback(host.kill_naming, self.dir)
            steps.callback(host.kill_cgroup, self.name)

    def _delete_namespace(self) -> None:
        host.delete_namespace(self.name)        # also where it could not be made whole
        self._has_namespace = False

    def _remove_directory(self) -> None:
        if self.dir.exists():
            # Names of network namespaces are mounts until they are unmounted.
            shutil.rmtree(self.dir)

    def _forget(self) -> None:
        if self in _live:
            _live.remove(self)
        self._traces.remove()

    # -- what a test or a demonstration puts on it -----------------------------

    def import_image(self) -> None:
        """Give the engine the busybox image that all workloads use."""
        repo, _, tag = IMAGE.partition(":")
        self.client.call("POST", "/images/create", {"fromSrc": "-", "repo": repo, "tag": tag},
                         raw=busybox_tar())
        self.client.get(f"/images/{IMAGE}/json")

    def init_swarm(self, history: int = 1000, timeout: float = 20.0) -> str:
        """Make the engine a Swarm of one node; returns its NodeID.

        history: TaskHistoryRetentionLimit; high, so that no container
        disappears through Swarm's own trimming.
        """
        self.client.call("POST", "/swarm/init", body={
            "ListenAddr": "127.0.0.1:2377", "AdvertiseAddr": "127.0.0.1",
            "Spec": {"Orchestration": {"TaskHistoryRetentionLimit": history}}})
        return until(self._ready_node, timeout, "the Swarm's node is ready")

    def lose_swarm(self) -> None:
        """Kill the engine and start it without its Swarm's state.

        Stopped task containers stay, as those of another node.  Leaving the
        Swarm would not do: a manager's agent removes its containers then.
        """
        self.kill()
        shutil.rmtree(self.dir / "data" / "swarm")
        self.start()

    def with_swarm(self) -> "Engine":
        """A started engine with image and Swarm: the usual beginning."""
        self.import_image()
        self.init_swarm()
        return self

    @property
    def pid(self) -> int:
        return int((self.dir / "pid").read_text())

    def log_tail(self, lines: int = 40) -> str:
        text = []
        for name in ("containerd", "dockerd"):
            path = self.dir / f"{name}.log"
            if path.exists():
                text += [f"--- {path}", *path.read_text(errors="replace").splitlines()[-lines:]]
        return "\n".join(text)

    # -- inside ------------------------------------------------------------------

    def _furnish(self) -> None:
        """What else the engine's surroundings need, before anything runs in its namespace."""

    def _entry(self) -> list[str]:
        """The command that runs another one where the engine is.

        nsenter and not "ip netns exec": the latter mounts /sys anew, which hides the cgroups from the engine.
        """
        return ["nsenter", f"--net=/run/netns/{self.name}"]

    def _ready_node(self) -> str:
        node: str = self.client.get("/info")["Swarm"]["NodeID"]
        with contextlib.suppress(ApiError):
            if node and self.client.get(f"/nodes/{node}")["Status"]["State"] == "ready":
                return node
        return ""

    def _spawn(self, *argv: str) -> subprocess.Popen[bytes]:
        environment = {key: value for key, value in os.environ.items()
                       if not key.lower().endswith("_proxy") and key != "NOTIFY_SOCKET"}
        # Services use the imported image without asking a registry first.
        environment["DOCKER_SERVICE_PREFER_OFFLINE_IMAGE"] = "1"
        with open(self.dir / f"{argv[0]}.log", "ab") as log:
            return subprocess.Popen([*self._entry(), *argv],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    env=environment, start_new_session=True)

    def _await(self, process: subprocess.Popen[bytes], name: str, probe: Any,
               timeout: float) -> None:
        def ready() -> bool:
            if process.poll() is not None:
                raise LabError(f"{name} ended with {process.returncode}\n{self.log_tail()}")
            return probe()

        try:
            until(ready, timeout, f"{name} answers", poll=0.05)
        except TimeoutError as error:
            raise LabError(f"{error}\n{self.log_tail()}") from None

    def _end(self, sig: int, timeout: float, meanwhile=lambda: None) -> None:
        assert self._dockerd is not None
        pid_file = self.dir / "pid"
        pid = self.pid if pid_file.exists() else self._dockerd.pid
        self.lives[-1].stopping = time.time()
        ended = host.stop_pid(pid, sig, timeout, meanwhile)
        if not ended:
            raise TimeoutError(f"dockerd did not end within {timeout:g} s\n{self.log_tail()}")
        self._dockerd.wait()
        self.lives[-1].ended = time.time()
        # A killed engine leaves its file, which the next one takes for a rival
        # when the pid has been given to somebody else.
        pid_file.unlink(missing_ok=True)
