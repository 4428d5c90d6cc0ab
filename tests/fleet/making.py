# SPDX-License-Identifier: Apache-2.0
"""`make image`, of a binary that was built before."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from doc import TOP


def make_image(reaperd: Path, **environment: str) -> Path:
    """As `make image` makes it of a binary that is there."""
    done = subprocess.run(["make", "--no-print-directory", "WERROR=-Werror", f"BUILD={reaperd.parent}", "image"],
                          cwd=TOP, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])
