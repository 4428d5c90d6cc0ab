# SPDX-License-Identifier: Apache-2.0
"""Traces that an engine leaves at fixed places, whatever directory it is given.

Only what was not there before is taken away, and folders only when they are
empty: an engine of this machine that was started meanwhile keeps what it uses.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

FOLDERS = tuple(map(Path, ("/run/docker/plugins", "/run/docker", "/run/containerd/s", "/run/containerd",
                           "/opt/containerd/bin", "/opt/containerd/lib", "/opt/containerd", "/etc/docker")))
KEY = Path("/etc/docker/key.json")      # engines up to 24 write one


class Traces:
    """What is absent now; remove() takes away what has appeared since."""

    def __init__(self) -> None:
        self._folders = [path for path in FOLDERS if not path.exists()]
        self._key = not KEY.exists()

    def remove(self) -> None:
        if self._key:
            KEY.unlink(missing_ok=True)
        for path in self._folders:
            with contextlib.suppress(OSError):
                path.rmdir()
