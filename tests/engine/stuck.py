# SPDX-License-Identifier: Apache-2.0
"""A container that the engine fails to remove, as with a busy driver."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from typing import Iterator
from contextlib import contextmanager

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FS_IMMUTABLE_FL = 0x10


def _set_immutable(path: Path, on: bool) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        flags = struct.unpack("l", fcntl.ioctl(handle, FS_IOC_GETFLAGS, struct.pack("l", 0)))[0]
        flags = flags | FS_IMMUTABLE_FL if on else flags & ~FS_IMMUTABLE_FL
        fcntl.ioctl(handle, FS_IOC_SETFLAGS, struct.pack("l", flags))
    finally:
        os.close(handle)


@contextmanager
def irremovable(data_root: Path, container: str) -> Iterator[None]:
    """The engine answers 500 to a DELETE of the container while this is open."""
    # A file of its own inside the folder, which the engine still has to be
    # able to write to: only what it cannot delete is immutable.
    folder = data_root / "containers" / container / "held"
    folder.mkdir()
    (folder / "file").touch()
    _set_immutable(folder, True)
    try:
        yield
    finally:
        _set_immutable(folder, False)
