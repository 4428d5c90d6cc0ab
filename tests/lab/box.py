# SPDX-License-Identifier: Apache-2.0
"""A whole node in a box: systemd as PID 1 with a docker.service, a bus and a journal of its own.

The box is a container of a private engine, made from a tree that tools/box-tree.sh packs.  It has no network but a
loopback interface, and what its engine stores lies in a folder of the private engine, so that it goes with it.

Commands run in the box's namespaces and cgroups without asking the private engine, which makes them cheap enough to
poll with.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Sequence, TypeVar

from . import host
from .client import Client
from .engine import Engine
from .image import busybox_tar
from .wait import until as wait_until
from .workload import IMAGE

T = TypeVar("T")
TREE = "box:latest"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
UNIT = "reaperd.service"

# What PID 1 is before it becomes systemd.  Of a machine's mounts systemd makes shared ones, so that what is unmounted
# goes from the namespaces of its units as well; those of a container it leaves as they are.  The cgroups are given to
# a container read-only; systemd makes folders in them, and so does the engine in the box.  Before anything runs, as it
# cannot be made up for: with one hierarchy (v2), systemd does not even start without.
_INIT = """
mount --make-rshared / || exit
for cgroup in /sys/fs/cgroup /sys/fs/cgroup/*; do
        ! mountpoint -q "$cgroup" || mount -o remount,rw,bind "$cgroup"
done
# An engine from 26 on turns IPv6 off for its containers, or starts none: the files for that are read-only here, and
# have to be, as they are the machine's too.
mkdir -p /run/systemd/system/docker.service.d
echo '[Service]
Environment=DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE=1 DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1' \\
        >/run/systemd/system/docker.service.d/box.conf
exec /sbin/init "$@"
"""

# Into the cgroups that come before "--", then what comes behind it.
_ENTER = """
while [ "$1" != -- ]; do
        echo $$ >"$1" || exit
        shift
done
shift
exec "$@"
"""


class BoxError(Exception):
    """A command in the box failed, or the box did not come up; the text holds the output."""


class BoxImage:
    """A private engine with the tree as an image; boxes are made of it.

    tree: a tar; options: more words for the command line of PID 1.
    """

    def __init__(self, tree: Path, options: Sequence[str] = ()) -> None:
        self.tree = tree
        self.options = list(options)
        self.engine = Engine()
        self._boxes = 0

    def __enter__(self) -> "BoxImage":
        try:
            self.engine.start()
            client = Client(self.engine.socket, timeout=300.0)
            repo, _, tag = TREE.partition(":")
            with open(self.tree, "rb") as tar:
                client.call("POST", "/images/create", {"fromSrc": "-", "repo": repo, "tag": tag}, raw=tar)
            client.get(f"/images/{TREE}/json")
            return self
        except BaseException:
            self.engine.close()
            raise

    def __exit__(self, *_: Any) -> None:
        self.engine.close()

    def next_name(self) -> str:
        self._boxes += 1
        return f"box{self._boxes}"


class Box:
    """A node; use as a context manager. It is booted and its engine is up, with the busybox image.

    memory: what the whole box may use, in bytes; name: its host name.
    """

    def __init__(self, image: BoxImage, memory: int | None = None, name: str = "node1") -> None:
        self.image = image
        self.name = name
        self._memory = memory
        self._client = Client(image.engine.socket, timeout=60.0)
        self._container = image.next_name()
        self._data = image.engine.dir / f"{self._container}.docker"
        self._pid = 0
        self._cgroups: list[str] = []

    def __enter__(self) -> "Box":
        try:
            self.start()
            return self
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: Any) -> None:
        self.stop()

    # -- the box's life --------------------------------------------------------

    def start(self, timeout: float = 90.0) -> None:
        """Boot, and await that systemd has started everything."""
        self._data.mkdir()
        settings: dict[str, Any] = {
            "Binds": [f"{self._data}:/var/lib/docker"], "NetworkMode": "none", "CgroupnsMode": "private",
            # All but what the machine itself may lack: so a box is the same everywhere.
            "CapAdd": ["ALL"], "CapDrop": ["SYS_RESOURCE"],
            "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
            "Tmpfs": {"/run": "exec,mode=755", "/tmp": "exec,mode=1777"},
            "Sysctls": {"net.ipv4.ip_forward": "1"},
        }
        if self._memory is not None:
            settings.update(Memory=self._memory, MemorySwap=self._memory)
        self._client.call("POST", "/containers/create", {"name": self._container}, {
            "Image": TREE, "Hostname": self.name, "Env": ["container=docker", f"PATH={PATH}"],
            "Cmd": ["/bin/sh", "-c", _INIT, "sh", *self.image.options], "HostConfig": settings})
        self._client.call("POST", f"/containers/{self._container}/start")
        self._pid = self._client.get(f"/containers/{self._container}/json")["State"]["Pid"]
        self._await_boot(timeout)
        self.run("docker", "import", "-", IMAGE, input=busybox_tar())

    def stop(self) -> None:
        """End the box at once and take it away, with what its engine has stored."""
        if self._client.inspect(self._container) is not None:
            self._client.call("DELETE", f"/containers/{self._container}", {"force": 1, "v": 1})
        self._pid = 0
        host.unmount_below(self._data)
        host.run("rm", "-rf", str(self._data))

    def _await_boot(self, timeout: float) -> None:
        began = time.monotonic()
        socket = Path(f"/proc/{self._pid}/root/run/systemd/private")
        try:
            wait_until(lambda: not host.alive(self._pid) or socket.exists(), timeout, "systemd runs", poll=0.02)
            left = max(1.0, timeout - (time.monotonic() - began))
            said = self.run("systemctl", "is-system-running", "--wait", check=False, timeout=left).stdout.strip()
            if said not in ("running", "degraded") or self.state("docker.service") != "active":
                raise BoxError(f"systemd says {said!r}, docker.service is {self.state('docker.service')}")
        except (BoxError, TimeoutError, OSError) as error:
            raise BoxError(f"the box did not come up: {error}\n{self._boot_log()}") from None

    def _boot_log(self) -> str:
        if not host.alive(self._pid):
            log = self._client.call("GET", f"/containers/{self._container}/logs", {"stdout": 1, "stderr": 1})
            return f"PID 1 has ended\n{log}"
        return self.run("sh", "-c", "systemctl --failed --no-pager; systemctl list-jobs --no-pager;"
                                    " journalctl --no-pager -n 60", check=False).stdout

    @property
    def pid(self) -> int:
        """Of its PID 1, as the host counts them."""
        return self._pid

    # -- commands ------------------------------------------------------------------

    def run(self, *argv: str, check: bool = True, timeout: float = 60, user: str | None = None,
            input: str | bytes | None = None) -> subprocess.CompletedProcess[str]:
        """A command in the box. check: raises BoxError with the output if it fails."""
        if not self._cgroups:
            self._cgroups = _joinable(self._pid)
        as_user = ["runuser", "-u", user, "--"] if user else []
        # What takes too long is ended in the box, where only its own tools see it.
        limit = ["timeout", "--kill-after=5", f"{timeout:.0f}"]
        data = input.encode() if isinstance(input, str) else input
        done = subprocess.run(
            ["sh", "-c", _ENTER, "sh", *self._cgroups, "--", "nsenter", f"--target={self._pid}", "--mount", "--uts",
             "--ipc", "--net", "--pid", "--cgroup", *limit, *as_user, *argv],
            input=b"" if data is None else data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout + 15,
            env={"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})
        result = subprocess.CompletedProcess(list(argv), done.returncode, done.stdout.decode(errors="replace"),
                                             done.stderr.decode(errors="replace"))
        if check and done.returncode:
            late = f" (not within {timeout:g} s)" if done.returncode in (124, 137) else ""
            raise BoxError(f"{' '.join(argv)}: status {done.returncode}{late}\n{result.stdout}{result.stderr}")
        return result

    def sh(self, script: str, **options: Any) -> str:
        """A shell script in the box; what it prints."""
        return self.run("sh", "-c", script, **options).stdout.strip()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        self._put(path, text.encode(), mode)

    def read(self, path: str) -> str:
        return self.run("cat", path).stdout

    def copy(self, local: Path, inside: str, mode: int = 0o644) -> None:
        self._put(inside, local.read_bytes(), mode)

    def docker(self, *argv: str) -> str:
        """The engine's client in the box; what it prints."""
        return self.run("docker", *argv).stdout.strip()

    def swarm_init(self, history: int = 1000) -> None:
        """A Swarm of one node. history: so high that Swarm's own trimming removes nothing."""
        self.docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--task-history-limit", str(history))
        self.until(lambda: self.docker("node", "ls", "--format", "{{.Status}}") == "Ready", 20, "the Swarm's node")

    # -- the package and its service -------------------------------------------------

    def install(self, deb: Path, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """As an admin would: dpkg -i. Nobody answers, if it asks."""
        inside = f"/root/{deb.name}"
        self.copy(deb, inside)
        return self.run("dpkg", *options, "-i", inside, check=check, timeout=120)

    def configure(self, text: str, name: str = "50-test.conf") -> None:
        """A drop-in of the configuration; without a reload."""
        self.write(f"/etc/reaperd/reaperd.conf.d/{name}", text)

    def unit_dropin(self, text: str, name: str = "50-test.conf") -> None:
        """A drop-in of the unit, read by systemd; without a restart."""
        self.write(f"/etc/systemd/system/{UNIT}.d/{name}", text)
        self.run("systemctl", "daemon-reload")

    def state(self, unit: str = UNIT) -> str:
        return self.show(unit, "ActiveState")["ActiveState"]

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        chosen = [f"--property={name}" for name in properties]
        lines = self.run("systemctl", "show", *chosen, "--", unit).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def main_pid(self, unit: str = UNIT) -> int:
        """As the box counts them; 0 if none runs."""
        return int(self.show(unit, "MainPID")["MainPID"])

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """The records that match, oldest first. Fields are texts, or lists of them if a record has several."""
        self.run("journalctl", "--sync")
        lines = self.run("journalctl", "--no-pager", "--all", "--output=json", *matches, check=False).stdout
        return [{key: _text(value) for key, value in json.loads(line).items()}
                for line in lines.splitlines() if line.startswith("{")]

    def until(self, predicate: Callable[[], T], seconds: float, what: str) -> T:
        """Await a true value; TimeoutError tells how reaperd was doing."""
        try:
            return wait_until(predicate, seconds, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.tail()}") from None

    def tail(self) -> str:
        """How reaperd and the engine are doing, for whoever reads of a failure."""
        return "\n".join(self.run(*command, check=False).stdout for command in (
            ("systemctl", "status", "--no-pager", "--lines=0", "docker.service", UNIT),
            ("journalctl", "--no-pager", "-n", "40", "-u", UNIT, "-u", "docker.service")))

    def _put(self, path: str, data: bytes, mode: int) -> None:
        # Under a name of its own first: who reads it meanwhile sees the old text or the new one.
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"',
                 "sh", path, f"{mode:o}", input=data)


def _text(value: Any) -> Any:
    """A field of a record: what is not printable comes as a list of bytes, what occurs twice as one of values."""
    if isinstance(value, list):
        if value and all(isinstance(byte, int) for byte in value):
            return bytes(value).decode(errors="replace")
        return [_text(one) for one in value]
    return value


def _joinable(pid: int) -> list[str]:
    """The files by which a process enters the cgroups of another, in every hierarchy."""
    mounts: list[tuple[str, str, set[str]]] = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, options, *_ = line.split(" ")
        if kind in ("cgroup", "cgroup2"):
            mounts.append((kind, point, set(options.split(","))))
    found = []
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        wanted = set(controllers.split(",")) if controllers else set()
        kind = "cgroup2" if number == "0" else "cgroup"
        for mounted, point, options in mounts:
            folder = Path(f"{point}{path}")
            if mounted == kind and wanted <= options and folder.is_dir():
                found.append(str(folder / "cgroup.procs"))
                break
    if not found:
        raise BoxError(f"no cgroup of process {pid} is mounted here")
    return found
