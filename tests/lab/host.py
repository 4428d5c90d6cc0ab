# SPDX-License-Identifier: Apache-2.0
"""What a private engine leaves on the host, and how it is taken away again.

An engine scatters mounts, cgroup folders and helper processes.  All of them
carry the lab's unique name or directory, which is the only thing that the
functions here go by: nothing of another lab or of the host is touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Sequence

from .wait import until


NAMESPACES = Path("/run/netns")
IN_MEMORY = ("tmpfs", "ramfs")


def run(*argv: str) -> None:
    """Run a command; its output is in the exception when it fails.

    In a session of its own: a Ctrl-C is for us, who need these tools to clean up then.
    """
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, start_new_session=True)
    if done.returncode:
        raise OSError(f"{' '.join(argv)}: exit {done.returncode}: {done.stdout.strip()}")


def mount_points() -> list[tuple[str, str]]:
    """(mount point, file system type) of every mount that we see."""
    points = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, *_ = line.split(" ")
        points.append((re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), point), kind))
    return points


def file_system(folder: Path) -> str:
    """The kind of that which the folder is on."""
    kinds = {point: kind for point, kind in mount_points()}
    folder = folder.resolve()
    return next(kinds[str(path)] for path in (folder, *folder.parents) if str(path) in kinds)


def on_disk(folders: Sequence[str]) -> list[str]:
    """Those of them whose files are not memory themselves, which measurements of memory cannot have."""
    return [folder for folder in folders if file_system(Path(folder)) not in IN_MEMORY]


def unmount_below(folder: Path) -> None:
    """Unmount everything under a folder, the deepest first."""
    inside = f"{folder}/"
    for point, _ in reversed(mount_points()):
        if point.startswith(inside):
            subprocess.run(["umount", "--lazy", "--no-canonicalize", point], check=False,
                           stderr=subprocess.DEVNULL, start_new_session=True)


def cgroup_folders(name: str) -> list[Path]:
    """The folder of that cgroup in every hierarchy (v1 controllers and v2)."""
    roots = [Path(point) for point, kind in mount_points() if kind in ("cgroup", "cgroup2")]
    return [root / name for root in roots if (root / name).is_dir()]


def kill_cgroup(name: str) -> None:
    """SIGKILL to every process in the cgroup or below it."""
    pids: set[int] = set()
    for top in cgroup_folders(name):
        for folder, _, _ in os.walk(top):
            with contextlib.suppress(OSError, ValueError):
                pids.update(int(pid) for pid in Path(folder, "cgroup.procs").read_text().split())
    for pid in pids - {0, os.getpid()}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def remove_cgroup(name: str, timeout: float = 5.0) -> None:
    """Remove the cgroup everywhere; the kernel needs a moment after a kill."""
    def gone() -> bool:
        kill_cgroup(name)
        for top in cgroup_folders(name):
            for folder, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        return not cgroup_folders(name)

    until(gone, timeout, f"cgroup folders {name} removed")


def processes_naming(folder: Path) -> list[int]:
    """Processes with an argument that lies in the folder (daemons and shims)."""
    inside = f"{folder}/".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if any(arg.startswith(inside) for arg in
                       (entry / "cmdline").read_bytes().replace(b"=", b"\0").split(b"\0")):
                    found.append(int(entry.name))
    return found


def kill_naming(folder: Path, timeout: float = 5.0) -> None:
    _kill_all(lambda: processes_naming(folder), timeout, f"processes of {folder} ended")


def processes_in(namespace: str) -> list[int]:
    """Processes in the network namespace of that name, whatever their arguments are."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        wanted = _identity(NAMESPACES / namespace)
        if wanted == _identity(Path("/proc/self/ns/net")):
            return []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if _identity(entry / "ns" / "net") == wanted:
                        found.append(int(entry.name))
    return found


def kill_in(namespace: str, timeout: float = 5.0) -> None:
    _kill_all(lambda: processes_in(namespace), timeout, f"processes in the network namespace {namespace} ended")


def delete_namespace(name: str) -> None:
    """The network namespace of that name, if there is one, half made or whole."""
    if (NAMESPACES / name).exists():
        run("ip", "netns", "delete", name)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _kill_all(find: Callable[[], list[int]], timeout: float, what: str) -> None:
    def gone() -> bool:
        left = find()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    until(gone, timeout, what)


def stop_pid(pid: int, sig: int, timeout: float, meanwhile=lambda: None) -> bool:
    """Send a signal and wait for the end of a process; False if it goes on."""
    deadline = time.monotonic() + timeout
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)
        while time.monotonic() < deadline:
            if not alive(pid):
                return True
            meanwhile()
            time.sleep(0.05)
        return False
    return True


def alive(pid: int) -> bool:
    """Whether a process still runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
