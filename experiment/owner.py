# SPDX-License-Identifier: Apache-2.0
"""Whose files are that root makes under sudo: those of whoever called it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Iterator, Sequence


def missing(folder: Path) -> list[Path]:
    """The folders above it that are not there yet, which will be made with it."""
    return [path for path in folder.parents if not path.exists()]


@contextlib.contextmanager
def given_back(folder: Path, above: Sequence[Path] = ()) -> Iterator[None]:
    """At the end, a folder with all that is in it, and those `above`, belong to who called sudo."""
    try:
        yield
    finally:
        user, group = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
        if user.isdigit() and group.isdigit() and os.geteuid() == 0:
            below = (Path(where, name) for where, folders, files in os.walk(folder)
                     for name in (".", *folders, *files))
            for path in (*above, *below):
                with contextlib.suppress(FileNotFoundError):
                    os.chown(path, int(user), int(group), follow_symlinks=False)
