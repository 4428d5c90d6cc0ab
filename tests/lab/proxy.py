# SPDX-License-Identifier: Apache-2.0
"""A recording proxy between a client and the engine.

The engine's events do not say who removed a container.  The client under test
is pointed at this proxy, which hands on the bytes as they are and keeps a
record of every request: when it came, what it asked, how and when it was
answered.  That record is the hard evidence of what the client did.

The proxy reads HTTP/1.1 only so far as is needed to tell where one message on
a kept connection ends and the next begins.  It can be told to let pass only what
an allow-list names, as the proxies do that people put before an engine.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Sequence
from urllib.parse import parse_qs, urlsplit


@dataclass
class Call:
    """One request; times are wall clock seconds, status 0 if never answered."""

    time: float
    method: str
    target: str
    status: int = 0
    answered: float | None = None   # head of the answer seen
    ended: float | None = None      # last byte of the answer, or connection lost

    @property
    def path(self) -> str:
        """The path without the version's prefix."""
        path = urlsplit(self.target).path
        first, _, rest = path.lstrip("/").partition("/")
        return f"/{rest}" if first[:1] == "v" and first[1:2].isdigit() else path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def container(self) -> str | None:
        """The id in /containers/ID, /containers/ID/json or /containers/ID/logs, else None."""
        parts = self.path.strip("/").split("/")
        if parts[0] != "containers" or parts[-1] not in ("json", "logs") and self.method == "GET":
            return None
        return parts[1] if len(parts) > 1 and parts[1:] != ["json"] else None

    @property
    def is_inspect(self) -> bool:
        return self.method == "GET" and self.path == f"/containers/{self.container}/json"

    @property
    def is_logs(self) -> bool:
        return self.method == "GET" and self.path == f"/containers/{self.container}/logs"

    @property
    def is_full_list(self) -> bool:
        """A list of every container, or of every one of a kind."""
        return (self.method == "GET" and self.path == "/containers/json"
                and '"id"' not in "".join(self.query.get("filters", ())))

    @property
    def is_event_stream(self) -> bool:
        return self.path == "/events" and "until" not in self.query


class _Messages:
    """Finds the heads of the messages in one direction of a connection."""

    def __init__(self) -> None:
        self._data = b""
        self._skip = 0              # bytes of a body still to come
        self._chunked = False       # inside a chunked body, before a chunk's size
        self._until_close = False
        self._head = ""

    def feed(self, data: bytes, bodiless: bool = False) -> list[tuple[str, str]]:
        """Take bytes; returns ("head", first line) and ("end", first line) marks.

        bodiless: an answer that the request forbids to have a body.
        """
        self._data += data
        marks: list[tuple[str, str]] = []
        while self._step(marks, bodiless):
            pass
        return marks

    def _step(self, marks: list[tuple[str, str]], bodiless: bool) -> bool:
        if self._until_close:
            self._data = b""
            return False
        if self._skip:
            taken = min(self._skip, len(self._data))
            self._data = self._data[taken:]
            self._skip -= taken
            if not self._skip and not self._chunked:
                marks.append(("end", self._head))
            return taken > 0
        if self._chunked:
            size, found, rest = self._data.partition(b"\r\n")
            if not found:
                return False
            length = int(size.split(b";")[0], 16)
            if length == 0:
                if len(rest) < 2:
                    return False
                self._chunked = False
                self._data = rest[2:]
                marks.append(("end", self._head))
            else:
                self._data, self._skip = rest, length + 2
            return True
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return False
        self._data = rest
        self._begin(head.decode("latin-1").split("\r\n"), marks, bodiless)
        return True

    def _begin(self, lines: list[str], marks: list[tuple[str, str]], bodiless: bool) -> None:
        self._head = lines[0]
        fields = {name.strip().lower(): value.strip() for name, _, value in
                  (line.partition(":") for line in lines[1:])}
        marks.append(("head", self._head))
        status = self._head.split(" ")[1] if self._head.startswith("HTTP/") else None
        if fields.get("transfer-encoding", "").lower() == "chunked":
            self._chunked = True
        elif int(fields.get("content-length", 0)):
            self._skip = int(fields["content-length"])
        elif (status and "content-length" not in fields and not bodiless
                and status not in ("204", "304") and not status.startswith("1")):
            self._until_close = True
        else:
            marks.append(("end", self._head))
        if bodiless and status:
            self._chunked, self._skip = False, 0


FORBIDDEN = (b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nConnection: close\r\n"
             b'Content-Length: 24\r\n\r\n{"message":"Forbidden."}')


class RecordingProxy:
    """Listens at `path` (and at `port` of 127.0.0.1 with tcp()) for `upstream`.

    allow: lines `METHOD REGEX`; what is asked for must match one of them, the
    regular expression being held against the path without its query, and is
    else answered with 403 and never seen by the engine.
    """

    def __init__(self, path: str, upstream: str, allow: Sequence[str] | None = None) -> None:
        self.path = path
        self._allow = None if allow is None else [line.split(" ", 1) for line in allow]
        self.calls: list[Call] = []
        self.cuts: list[list[float]] = []       # [from, to] in which nothing passed
        self._upstream = upstream
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._open = True
        self._listeners: list[socket.socket] = []
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        self._listen(listener)

    def __enter__(self) -> "RecordingProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tcp(self) -> int:
        """Listen at a free port of the loopback too; returns the port."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        self._listen(listener)
        return listener.getsockname()[1]

    def snapshot(self) -> list[Call]:
        """The calls so far; the Call objects are still being completed."""
        with self._lock:
            return list(self.calls)

    def cut(self) -> None:
        """Drop all connections and refuse new ones, until mend()."""
        with self._lock:
            self._open = False
            self.cuts.append([time.time(), float("inf")])
            pairs = list(self._pairs)
        for pair in pairs:
            _shut(*pair)

    def mend(self) -> None:
        with self._lock:
            self._open = True
            self.cuts[-1][1] = time.time()

    def close(self) -> None:
        for listener in self._listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            self._open = False
            pairs = list(self._pairs)
        for pair in pairs:
            _shut(*pair)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    # -- inside ------------------------------------------------------------------

    def _listen(self, listener: socket.socket) -> None:
        listener.listen(64)
        self._listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            pair = (client, server)
            try:
                with self._lock:
                    if not self._open:
                        raise OSError("cut")
                    server.connect(self._upstream)
                    self._pairs.add(pair)
            except OSError:
                client.close()
                server.close()
                continue
            threading.Thread(target=self._serve, args=(pair,), daemon=True).start()

    def _serve(self, pair: tuple[socket.socket, socket.socket]) -> None:
        client, server = pair
        waiting: deque[Call] = deque()      # requests that await their answers
        back = threading.Thread(target=self._answers, args=(server, client, waiting), daemon=True)
        back.start()
        requests = _Messages()
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                # On record before the engine gets it: a destroy event can
                # never be earlier than the request that caused it.
                now = time.time()
                allowed = True
                for mark, line in requests.feed(data):
                    if mark == "head":
                        method, target, _ = line.split(" ", 2)
                        call = Call(now, method, target)
                        allowed &= self._allows(call)
                        if not allowed:
                            call.status, call.answered, call.ended = 403, now, now
                        with self._lock:
                            self.calls.append(call)
                            if allowed:
                                waiting.append(call)
                if not allowed:
                    client.sendall(FORBIDDEN)
                    break
                server.sendall(data)
        _shut(client, server)
        back.join()
        now = time.time()
        with self._lock:
            for call in waiting:
                call.ended = now
            self._pairs.discard(pair)
        client.close()
        server.close()

    def _allows(self, call: Call) -> bool:
        path = urlsplit(call.target).path
        return self._allow is None or any(call.method == method and re.search(pattern, path)
                                          for method, pattern in self._allow)

    def _answers(self, server: socket.socket, client: socket.socket,
                 waiting: deque[Call]) -> None:
        answers = _Messages()
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                now = time.time()
                with self._lock:
                    bodiless = bool(waiting) and waiting[0].method == "HEAD"
                    for mark, line in answers.feed(data, bodiless):
                        status = int(line.split(" ")[1])
                        if status < 200 or not waiting:
                            continue
                        if mark == "head":
                            waiting[0].status, waiting[0].answered = status, now
                        else:
                            waiting.popleft().ended = now
                client.sendall(data)
        _shut(client, server)


def _shut(*sockets: socket.socket) -> None:
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
