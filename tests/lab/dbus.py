# SPDX-License-Identifier: Apache-2.0
"""A D-Bus client in a few lines, for what busctl(1) does not tell a test: the names of errors, calls that are
under way at once, a caller that leaves before its answer, and every signal as it came.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Sequence

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = 1, 2, 3, 4, 5, 6, 7, 8
NUMBERS = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "h": "I"}
FIELD_TYPES = {PATH: "o", REPLY_SERIAL: "u", SIGNATURE: "g"}    # the others are strings


class DBusError(Exception):
    """What the peer or the bus has answered instead."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


def complete_types(signature: str) -> list[str]:
    """The single complete types that a signature consists of."""
    found, at = [], 0
    while at < len(signature):
        begin = at
        while signature[at] == "a":
            at += 1
        depth = 0
        while True:
            depth += (signature[at] in "({") - (signature[at] in ")}")
            at += 1
            if not depth:
                break
        found.append(signature[begin:at])
    return found


def alignment(kind: str) -> int:
    if kind[0] in "ybgv":
        return 4 if kind[0] == "b" else 1
    return struct.calcsize(NUMBERS[kind[0]]) if kind[0] in NUMBERS else 8 if kind[0] in "({" else 4


class Writer:
    """Little-endian, from an aligned place on."""

    def __init__(self) -> None:
        self.data = bytearray()

    def pad(self, size: int) -> None:
        self.data += bytes(-len(self.data) % size)

    def put(self, kind: str, value: Any) -> None:
        self.pad(alignment(kind))
        if kind in NUMBERS:
            self.data += struct.pack("<" + NUMBERS[kind], value)
        elif kind in "sog":
            raw = value if isinstance(value, bytes) else value.encode()
            self.data += struct.pack("<B" if kind == "g" else "<I", len(raw)) + raw + b"\0"
        elif kind == "v":
            self.put("g", value[0])
            self.put(*value)
        elif kind[0] == "a":
            at = len(self.data)
            self.data += bytes(4)
            self.pad(alignment(kind[1:]))
            begin = len(self.data)
            for each in value.items() if isinstance(value, dict) else value:
                self.put(kind[1:], each)
            struct.pack_into("<I", self.data, at, len(self.data) - begin)
        else:
            for inner, each in zip(complete_types(kind[1:-1]), value, strict=True):
                self.put(inner, each)


class Reader:
    def __init__(self, data: bytes, order: str = "<") -> None:
        self.data, self.order, self.at = data, order, 0

    def pad(self, size: int) -> None:
        self.at += -self.at % size

    def number(self, code: str) -> Any:
        value, = struct.unpack_from(self.order + code, self.data, self.at)
        self.at += struct.calcsize(code)
        return value

    def get(self, kind: str) -> Any:
        self.pad(alignment(kind))
        if kind in NUMBERS:
            value = self.number(NUMBERS[kind])
            return bool(value) if kind == "b" else value
        if kind in "sog":
            size = self.number("B" if kind == "g" else "I")
            raw = self.data[self.at:self.at + size]
            self.at += size + 1
            return raw.decode()         # strictly: no peer may send anything else
        if kind == "v":
            return self.get(self.get("g"))
        if kind[0] == "a":
            size = self.number("I")
            self.pad(alignment(kind[1:]))
            end, found = self.at + size, []
            while self.at < end:
                found.append(self.get(kind[1:]))
            return dict(found) if kind[1] == "{" else found
        return tuple(self.get(inner) for inner in complete_types(kind[1:-1]))

    def all(self, signature: str) -> list[Any]:
        return [self.get(kind) for kind in complete_types(signature)]


@dataclass
class Message:
    kind: int
    fields: dict[int, Any]
    body: list[Any]
    serial: int = 0

    @property
    def member(self) -> str:
        return str(self.fields.get(MEMBER, ""))


@dataclass
class Pending:
    """A call under way."""

    arrived: threading.Event = field(default_factory=threading.Event)
    answer: Message | None = None

    def result(self, timeout: float = 60.0) -> Any:
        """What the method returns: nothing, one value, or several as a list."""
        if not self.arrived.wait(timeout):
            raise TimeoutError(f"no answer within {timeout:g} s")
        assert self.answer, "the connection has ended before the answer"
        if self.answer.kind == ERROR:
            raise DBusError(self.answer.fields[ERROR_NAME], str((self.answer.body or [""])[0]))
        return self.answer.body[0] if len(self.answer.body) == 1 else self.answer.body or None

    @property
    def done(self) -> bool:
        return self.arrived.is_set()


class Connection:
    """To the bus that listens at this path. Signals that match() asked for come to `signals`, in order."""

    def __init__(self, path: str) -> None:
        self.signals: list[Message] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._socket.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
        line = b""
        while not line.endswith(b"\r\n"):
            line += self._socket.recv(1) or b"(closed)\r\n"
        assert line.startswith(b"OK "), line
        self._socket.sendall(b"BEGIN\r\n")
        self._lock = threading.Lock()
        self._serial = 0
        self._pending: dict[int, Pending] = {}
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()
        self.name = self.bus("Hello")

    def call(self, destination: str, path: str, interface: str, member: str, signature: str = "",
             arguments: Sequence[Any] = ()) -> Pending:
        body = Writer()
        for kind, value in zip(complete_types(signature), arguments, strict=True):
            body.put(kind, value)
        pending = Pending()
        with self._lock:
            self._serial += 1
            self._pending[self._serial] = pending
            head = Writer()
            fields = {PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: destination,
                      **({SIGNATURE: signature} if signature else {})}
            head.put("(yyyyuua(yv))", (ord("l"), CALL, 0, 1, len(body.data), self._serial,
                                       [(code, (FIELD_TYPES.get(code, "s"), value))
                                        for code, value in fields.items()]))
            head.pad(8)
            self._socket.sendall(head.data + body.data)
        return pending

    def bus(self, member: str, signature: str = "", *arguments: Any) -> Any:
        """A method of the bus itself."""
        name = "org.freedesktop.DBus"
        return self.call(name, "/org/freedesktop/DBus", name, member, signature, arguments).result()

    def match(self, rule: str) -> None:
        self.bus("AddMatch", "s", f"type='signal',{rule}")

    def close(self) -> None:
        """Leave, whatever is under way."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass                        # the bus has gone before
        self._thread.join()
        self._socket.close()

    def _receive(self) -> None:
        read: Callable[[int], bytes] = self._read
        try:
            while head := read(16):
                order = "<" if head[:1] == b"l" else ">"
                size, serial, of_fields = struct.unpack(order + "III", head[4:])
                rest = read(of_fields + (-of_fields % 8) + size)
                reader = Reader(head + rest[:of_fields], order)
                reader.at = 12
                fields = dict(reader.get("a(yv)"))
                body = Reader(rest[len(rest) - size:], order)
                self._take(Message(head[1], fields, body.all(fields.get(SIGNATURE, "")), serial))
        finally:
            for pending in list(self._pending.values()):
                pending.arrived.set()

    def _take(self, message: Message) -> None:
        if message.kind == SIGNAL:
            self.signals.append(message)
        elif pending := self._pending.pop(message.fields.get(REPLY_SERIAL, 0), None):
            pending.answer = message
            pending.arrived.set()

    def _read(self, size: int) -> bytes:
        """So many bytes; none at the end."""
        data = b""
        while len(data) < size:
            try:
                more = self._socket.recv(size - len(data))
            except OSError:
                more = b""
            if not more:
                return b""
            data += more
        return data
