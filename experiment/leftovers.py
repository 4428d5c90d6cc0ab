# SPDX-License-Identifier: Apache-2.0
"""What the Swarms of a process have left on this machine: everything of theirs carries its pid in its name.

A process that came to its end by SIGKILL, or with the machine, could not clean up behind itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import Callable, Iterator

from lab import engine, host

from .rig import Trouble

NAME = re.compile(r"rp-(\d+)-(?:net)?\d+")      # of a node, or of what connects a Swarm's
TOLD = 4                            # names of what is left, of many
CLEAN_UP = "sudo make experiment EXPERIMENT_OPTIONS=--clean-up"


def left_by(pid: int) -> list[str]:
    """Names of processes, mounts, network namespaces, cgroups and folders; none is to be there after the end."""
    prefix = f"rp-{pid}-"
    left = [str(path) for path in _paths() if path.name.startswith(prefix)]
    left += [f"mount {point}" for point, _ in host.mount_points() if prefix in point]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != pid:
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if any(prefix in word for word in words):
                    left.append(f"process {entry.name} ({words[0]})")
    return left


def of_the_dead() -> dict[int, list[str]]:
    """What is left by processes that are no more, by their pids."""
    owners = {int(found[1]) for path in _paths() if (found := NAME.match(path.name))}
    # Whoever ends meanwhile has cleaned up by then.
    found = {pid: left_by(pid) for pid in sorted(owners) if not at_work(pid)}
    return {pid: left for pid, left in found.items() if left}


def at_work(pid: int) -> bool:
    """Whether a lab may have this pid: another program may have got it since."""
    if not host.alive(pid):
        return False
    try:
        return "python" in Path(os.readlink(f"/proc/{pid}/exe")).name
    except FileNotFoundError:
        return False
    except OSError:
        return True


def end(clean_up: bool, say: Callable[[str], None]) -> None:
    """Trouble if something is left, which would be measured; with `clean_up` it is taken away."""
    for pid, left in of_the_dead().items():
        if not clean_up:
            raise Trouble(f"Process {pid} was killed while it had Swarms here, and has left {told(left)}. What that "
                          f"takes would be measured, too: `{CLEAN_UP}` takes it away first.")
        say(f"Process {pid} has left {told(left)}: that is taken away.")
        take_away(pid)
        if left := left_by(pid):
            raise Trouble(f"This could not be taken away: {told(left)}.")


def told(left: list[str]) -> str:
    more = f" and {len(left) - TOLD} more" if len(left) > TOLD else ""
    return ", ".join(left[:TOLD]) + more


def take_away(pid: int) -> None:
    """As the lab does it, each step even if one before it fails. Nothing without the pid in its name is touched."""
    ours = [path for path in _paths() if (found := NAME.match(path.name)) and int(found[1]) == pid]
    names = sorted({found[0] for path in ours if (found := NAME.match(path.name))})
    folders = [path for path in ours if str(path.parent) in _folders()]

    def each(step: Callable[..., None], things: list[str] | list[Path]) -> None:
        for thing in things:
            with contextlib.suppress(OSError):
                step(thing)

    each(host.kill_naming, folders)     # engines, before they start anew what ends
    each(host.kill_cgroup, names)
    each(host.kill_in, names)           # what holds a node's mounts
    each(host.remove_cgroup, names)
    each(host.unmount_below, folders)
    each(host.delete_namespace, names)
    each(shutil.rmtree, folders)


def _folders() -> set[str]:
    return {*engine.FOLDERS, engine.FOLDER}


def _paths() -> Iterator[Path]:
    """What has the name of a lab's: folders of ours, network namespaces, cgroups."""
    for folder in sorted(_folders()):
        for path in sorted(Path(folder).glob("rp-*")):
            with contextlib.suppress(FileNotFoundError):
                # Anybody may make something there.
                if path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.geteuid():
                    yield path
    roots = [Path(point) for point, kind in host.mount_points() if kind in ("cgroup", "cgroup2")]
    for folder in (host.NAMESPACES, *roots):
        yield from sorted(folder.glob("rp-*"))
