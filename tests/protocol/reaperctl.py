# SPDX-License-Identifier: Apache-2.0
"""Runs the real reaperctl: in a pipe or on a terminal, against this bus or, by an `ssh` of the tests' own, others.
And a peer that answers for reaperd whatever a test wants.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any, Callable, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from daemon import BINARY, until  # noqa: E402
from lab.bus import NAME, Bus  # noqa: E402
from lab.dbus import (CALL, DESTINATION, ERROR, ERROR_NAME, FIELD_TYPES, REPLY_SERIAL, RETURN, SENDER,  # noqa: E402
                      SIGNATURE, Connection, Message, Writer, complete_types)

REAPERCTL = Path(os.environ.get("REAPERCTL", BINARY.parent / "reaperctl"))
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm", "REAPERCTL_PAGER": "cat"}
_NOT_INHERITED = {"NO_COLOR", "PAGER", "COLUMNS", "LESS", "REAPERCTL_LESS", "DBUS_SYSTEM_BUS_ADDRESS"}

# The sequences that reaperctl itself writes: colours.
SGR = re.compile("\x1b\\[[0-9;]*m")
# What must never get as far as a terminal: controls but for line breaks, and what hides or reorders text.
TREACHEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

# Runs the bridge of the bus that the host is mapped to, as sshd would; options are noted.
_SSH = """#!/bin/sh
echo "$*" >> "$0.log"
while [ "$1" != -- ]; do shift; done
host=${2#*@}
address=$(sed -n "s/^$host //p" "$0.hosts")
[ -n "$address" ] || { echo "ssh: Could not resolve hostname $host: Name or service not known" >&2; exit 255; }
exec systemd-stdio-bridge --bus-path="$address"
"""


class Result:
    """What it wrote, and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def json(self) -> Any:
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"exit {self.status}\n{self.out}{self.err}"


class Reaperctl:
    """Asks on one bus; `environment` may be changed, `prefix` is a command that becomes it."""

    def __init__(self, bus: Bus | None = None) -> None:
        inherited = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
        address = bus.address if bus else "unix:path=/nonexistent/no-system-bus"
        self.environment = inherited | ENVIRONMENT | {"DBUS_SYSTEM_BUS_ADDRESS": address}
        self.prefix: Sequence[str] = ()

    def __call__(self, *arguments: str, timeout: float = 60.0, **environment: str) -> Result:
        done = subprocess.run([*self.prefix, REAPERCTL, *arguments], check=False, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=timeout, env=self.environment | environment)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def good(self, *arguments: str, **environment: str) -> Result:
        """It must succeed and have nothing to tell on stderr."""
        result = self(*arguments, **environment)
        assert (result.status, result.err) == (0, ""), result
        return result

    def on_terminal(self, *arguments: str, columns: int = 80, keys: bytes = b"", **environment: str) -> Result:
        """stdin, stdout and stderr are a terminal; what comes out is in `out`, with \\n at the ends of lines."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen([*self.prefix, REAPERCTL, *arguments], stdin=slave, stdout=slave, stderr=slave,
                                   env=self.environment | environment, start_new_session=True)
        os.close(slave)
        data = b""
        if keys:
            os.write(master, keys)
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:     # nobody has it open any more
                break
            data += piece
        os.close(master)
        return Result(process.wait(60), data.decode().replace("\r\n", "\n"), "")

    def hosts(self, folder: Path, **buses: Bus | None) -> Path:
        """From now on `ssh` leads to these: a name, with _ for -, and where; None: there is no such host. Returns the
        log of its arguments.
        """
        programs = folder / "bin"
        programs.mkdir(exist_ok=True)
        ssh = programs / "ssh"
        ssh.write_text(_SSH)
        ssh.chmod(0o755)
        (programs / "ssh.hosts").write_text("".join(f"{name.replace('_', '-')} {bus.address}\n"
                                                    for name, bus in buses.items() if bus))
        self.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
        return programs / "ssh.log"


class Refused(Exception):
    """The answer is this error."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name)
        self.name, self.message = name, message


class Peer(Connection):
    """Has the name, and answers calls of these methods: with a function of the arguments that returns a signature and
    its values, or raises Refused; or with None, which ends it.
    """

    def __init__(self, bus: Bus, **answers: Callable[..., tuple[str, Sequence[Any]]] | None) -> None:
        self.answers = answers
        self.calls: list[str] = []
        super().__init__(str(bus.socket))
        assert self.bus("RequestName", "su", NAME, 4) == 1

    def _take(self, message: Message) -> None:
        if message.kind != CALL:
            super()._take(message)
            return
        self.calls.append(message.member)
        answer = self.answers[message.member]
        if answer is None:
            self._socket.shutdown(socket.SHUT_RDWR)
            return
        try:
            signature, values = answer(*message.body)
            kind, fields = RETURN, {}
        except Refused as refused:
            kind, fields = ERROR, {ERROR_NAME: refused.name}
            signature, values = "s", [refused.message]
        body = Writer()
        for each, value in zip(complete_types(signature), values, strict=True):
            body.put(each, value)
        fields |= {REPLY_SERIAL: message.serial, DESTINATION: message.fields[SENDER]}
        if signature:
            fields[SIGNATURE] = signature
        with self._lock:
            self._serial += 1
            head = Writer()
            head.put("(yyyyuua(yv))", (ord("l"), kind, 0, 1, len(body.data), self._serial,
                                       [(code, ("u" if code == REPLY_SERIAL else FIELD_TYPES.get(code, "s"), value))
                                        for code, value in fields.items()]))
            head.pad(8)
            self._socket.sendall(head.data + body.data)


RIGHT = {"HELD", "STOPPED", "MEASURED", "CACHE", "DIRTY", "DISK", "INODES", "OBSERVED"}   # columns, by their alignment


def table(lines: Sequence[str]) -> list[dict[str, str]]:
    """The rows up to an empty line, by the headers above them: cells stand below these."""
    headers = list(re.finditer(r"\S+(?: IN\b)?", lines[0]))
    rows = []
    for line in lines[1:lines.index("") if "" in lines else None]:
        row: dict[str, str] = {}
        for number, header in enumerate(headers):
            if header[0] in RIGHT:
                continue
            # Those to the right of one have no spaces in them, and end where their headers do.
            behind = [h for h in headers[number + 1:] if h[0] not in RIGHT]
            group = [header, *(h for h in headers[number + 1:] if h[0] in RIGHT
                               and (not behind or h.start() < behind[0].start()))]
            text = line[header.start():behind[0].start() if behind else None]
            assert not behind or len(line) < behind[0].start() or text.endswith(" "), line
            parts = text.rsplit(None, len(group) - 1) if len(group) > 1 else [text]
            row |= {h[0]: part.strip() for h, part in zip(group, parts, strict=True)}
        rows.append(row)
    return rows
