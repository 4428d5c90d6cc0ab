# SPDX-License-Identifier: Apache-2.0
"""What the experiment runs on: the machine and the versions of everything that takes part."""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any, Mapping

from lab import engine, host
from lab.cgroups import Cgroups
from lab.hog import meminfo

from . import caches, settings, sources
from .rig import Trouble
from .sizes import MB, Sizes

SOURCES = ("dockerd", "containerd", "runc")
OVERLAYS = ("overlay2", "overlayfs")        # the same layers, by dockerd or by containerd


def version(*argv: str) -> str:
    """What a program says of itself."""
    said = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          start_new_session=True).stdout
    found = re.search(r"\bv?(\d[\w.+~:-]*)", said)
    if not found:
        raise Trouble(f"{' '.join(argv)} does not tell its version.")
    return found[1].rstrip(",")


def storage() -> str:
    """How an engine that is started here keeps layers and logs: "overlay2 on extfs, json-file"."""
    with engine.Engine() as trial:
        return storage_of(trial.client.get("/info"))


def storage_of(info: Mapping[str, Any]) -> str:
    """Trouble where page cache and disk would mean something else, with copies of whole layers for instance."""
    if info["Driver"] not in OVERLAYS:
        raise Trouble(f"Engines use the storage driver {info['Driver']} below {engine.FOLDER}. The experiment is made "
                      f"for {OVERLAYS[0]}, which they use on ext4 or xfs: page cache and disk are something else with "
                      "another one.")
    below = dict(info.get("DriverStatus") or []).get("Backing Filesystem")
    return f"{info['Driver']}{f' on {below}' if below else ''}, {info['LoggingDriver']}"


def about(sizes: Sizes, reaperd: Path) -> dict[str, str]:
    memory = meminfo()
    models = re.findall(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.M)
    docker, containerd, runc = (version(program, "--version") for program in SOURCES)
    return {
        "scale": sizes.scale,
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {memory['MemTotal'] / MB:.0f} MB of memory, "
                   f"{memory['SwapTotal'] / MB:.0f} MB of swap",
        "processor": models[0].strip() if models else "unknown",
        "kernel": platform.release(),
        "cgroups": f"v{Cgroups().version}",
        "reclaim": caches.proactive_reclaim(),
        "data": f"{host.file_system(Path(engine.FOLDER))}, below {engine.FOLDER}",
        "storage": storage(),
        "engine": f"Docker {docker}, containerd {containerd}, runc {runc}",
        "docker": version("docker", "--version"),
        "reaperd": version(str(reaperd), "--version"),
        "reaperd sha256": hashlib.sha256(reaperd.read_bytes()).hexdigest()[:16],
        "experiment": sources.digest(),
        **settings.to_pairs(sizes),
        "date": datetime.date.today().isoformat(),
    }
