# SPDX-License-Identifier: Apache-2.0
"""What tests of installing, upgrading and removing have in common."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Callable

from lab.box import Box

CONFIGURATION = "/etc/reaperd/reaperd.conf"
# What makes an admin who reads the output of dpkg stop and look.
ALARMING = re.compile(r"fail|error|warn|cannot|could not|unable|denied|refus|not found|no such|see system", re.I)


def version_of(deb: Path) -> str:
    return subprocess.run(["dpkg-deb", "--field", str(deb), "Version"], check=True, capture_output=True,
                          text=True).stdout.strip()


def told_by(deb: Path) -> str:
    """The same as the program says it; dpkg wants a version that comes before 0.2.0 to be spelled 0.2.0~dev."""
    return version_of(deb).replace("~dev", "-dev")


def default_of(deb: Path) -> str:
    """The configuration as the package brings it."""
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(deb)], check=True, capture_output=True).stdout
    return subprocess.run(["tar", "--extract", "--to-stdout", f".{CONFIGURATION}"], input=tar, check=True,
                          capture_output=True).stdout.decode()


def repacked(deb: Path, into: Path, change: Callable[[Path], None]) -> Path:
    """The package with other contents. change: gets its tree, with its control files in DEBIAN."""
    tree = into / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(tree)], check=True)
    change(tree)
    return packed(tree, into / deb.name)


def packed(tree: Path, deb: Path) -> Path:
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(deb)], check=True,
                   stdout=subprocess.DEVNULL)
    return deb


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What of dpkg's output is alarming."""
    return "\n".join(line for line in (done.stdout + done.stderr).splitlines() if ALARMING.search(line))


def dpkg_status(box: Box) -> str:
    """How dpkg has left it, and its version."""
    return box.sh("dpkg-query --show --showformat='${db:Status-Status} ${Version}' reaperd", check=False)


def on_bus(box: Box, name: str) -> str:
    """A property of the daemon as busctl prints it without its type, or nothing if the name has no owner."""
    done = box.run("busctl", "get-property", "org.reaperd", "/org/reaperd", "org.reaperd.Reaper1", name, check=False)
    return done.stdout.strip().partition(" ")[2].strip('"')


def enabled(box: Box) -> str:
    return box.run("systemctl", "is-enabled", "reaperd.service", check=False).stdout.strip()


def life(box: Box, unit: str = "docker.service") -> dict[str, str]:
    """Differs if the unit was started or stopped meanwhile, or is about to be."""
    return box.show(unit, "ActiveState", "InvocationID", "Job")


def failed(box: Box) -> str:
    """The units that have failed. A box may have some of its own, as no module can be loaded from there."""
    return box.sh("systemctl --failed --no-legend --no-pager --plain")
