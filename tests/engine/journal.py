# SPDX-License-Identifier: Apache-2.0
"""A journal that a test reads: the native protocol's socket, in a namespace.

reaperd gets a mount namespace of its own, in which /run is empty but for our
datagram socket at /run/systemd/journal/socket, and a JOURNAL_STREAM that names
its stderr, as systemd would set it.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from pathlib import Path

_SCRIPT = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal &&
mount --bind "$0" /run/systemd/journal &&
JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) exec "$@"
"""


def parse(datagram: bytes) -> dict[str, str]:
    """The fields of one entry: KEY=value, or KEY, its length and its bytes."""
    fields: dict[str, str] = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        key, equals, value = line.partition(b"=")
        if not equals:
            length, = struct.unpack("<Q", rest[:8])
            value, rest = rest[8:8 + length], rest[8 + length + 1:]
        fields[key.decode()] = value.decode()
        datagram = rest
    return fields


class Journal:
    """Receives entries; `wrapper` is the command to start reaperd with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "journal"
        self._folder.mkdir()
        self._path = str(self._folder / "socket")
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(self._path)
        self._entries: list[tuple[float, dict[str, str]]] = []
        # Always drained: a sender blocks when ten datagrams wait.
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    @property
    def wrapper(self) -> list[str]:
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _SCRIPT,
                str(self._folder)]

    def entries(self) -> list[dict[str, str]]:
        """Everything received so far."""
        return [fields for _, fields in self.timed()]

    def timed(self) -> list[tuple[float, dict[str, str]]]:
        """The same, each with the wall clock time at which it came."""
        return list(self._entries)

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self._path)      # an empty datagram ends the thread
        self._thread.join()
        self._sock.close()

    def _receive(self) -> None:
        while data := self._sock.recv(1 << 20):
            self._entries.append((time.time(), parse(data)))
