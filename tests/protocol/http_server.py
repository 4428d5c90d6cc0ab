# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 server whose every byte is under the test's control.

http.server would hide just what these tests are about: where a chunk ends, where a body is cut, whether the
peer is still there. One thread a connection; connections are kept open between requests, as engines do.
"""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Callable, Iterable
from urllib.parse import parse_qsl, urlsplit

Address = str | tuple[str, int]

REASONS = {200: "OK", 204: "No Content", 304: "Not Modified", 400: "Bad Request", 404: "Not Found",
           409: "Conflict", 500: "Internal Server Error", 501: "Not Implemented", 503: "Service Unavailable"}
HEAD_MAX = 1 << 20


class Gone(ConnectionError):
    """The client closed the connection, or the test did."""


class Exchange:
    """One request and the means to answer it, well or badly."""

    def __init__(self, sock: socket.socket, head: bytes, common: dict[str, str]) -> None:
        self.sock = sock
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = first.split(" ")
        pairs = (line.partition(":")[::2] for line in lines if line)
        self.headers = {key.strip().lower(): value.strip() for key, value in pairs}
        url = urlsplit(self.target)
        self.path = url.path
        self.query = dict(parse_qsl(url.query, keep_blank_values=True))
        self._common = common

    def gone(self) -> bool:
        """Has the client closed its end? (A client that waits for an answer sends nothing.)"""
        with suppress(OSError, ValueError):
            if not select.select([self.sock], [], [], 0)[0]:
                return False
            return self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        return True

    def send(self, data: bytes | memoryview) -> None:
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from error

    def hang_up(self) -> None:
        """Close both ways; whoever reads or writes here ends."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def _head(self, status: int, **headers: str) -> bytes:
        given = self._common | {key.replace("_", "-"): value for key, value in headers.items()}
        lines = [f"{key}: {value}" for key, value in given.items()]
        first = f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"
        return "\r\n".join([first, *lines, "", ""]).encode("latin-1")

    def answer(self, status: int, body: bytes, content_type: str = "application/json",
               cut: int | None = None) -> None:
        """A whole answer, or its head and `cut` bytes of the body. Chunked from 2048 bytes, as Go does."""
        if status in (204, 304):
            self.send(self._head(status))
            return
        if len(body) < 2048:
            head = self._head(status, Content_Type=content_type, Content_Length=str(len(body)))
            self.send(head + (b"" if self.method == "HEAD" else body[:cut]))
        else:
            self.start(status, content_type)
            rest, size = memoryview(body)[:cut], 4096 if len(body) < 1 << 20 else 1 << 16
            for at in range(0, len(rest), size):
                self.chunk(rest[at:at + size])
            if cut is None:
                self.end()
        if cut is not None:
            self.hang_up()
            raise Gone("cut by the test")

    def start(self, status: int, content_type: str) -> None:
        """Send the head of an answer that comes in chunks."""
        self.send(self._head(status, Content_Type=content_type, Transfer_Encoding="chunked"))

    def chunk(self, data: bytes | memoryview) -> None:
        if len(data) > 0:
            self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def chunks(self, parts: Iterable[bytes]) -> None:
        for part in parts:
            self.chunk(part)

    def end(self) -> None:
        self.send(b"0\r\n\r\n")


class HttpServer:
    """Listens on Unix and TCP sockets and hands every request to `handle`, in its connection's thread."""

    def __init__(self, handle: Callable[[Exchange], None]) -> None:
        self.common_headers = {"Server": "Docker/stand-in (linux)", "Ostype": "linux"}
        self.errors: list[BaseException] = []
        self.connections_seen = 0
        self._handle = handle
        self._lock = threading.Lock()
        self._listeners: dict[Address, socket.socket] = {}
        self._connections: set[socket.socket] = set()

    def listen(self, address: Address) -> Address:
        """Start to listen; returns the address, with the port that was chosen."""
        unix = isinstance(address, str)
        listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_STREAM)
        if unix:
            Path(address).unlink(missing_ok=True)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(64)
        bound: Address = address if unix else listener.getsockname()[:2]
        with self._lock:
            self._listeners[bound] = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return bound

    def refuse(self) -> list[Address]:
        """Stop to listen: new connections are refused (a Unix socket's file stays)."""
        with self._lock:
            listeners, self._listeners = self._listeners, {}
        for listener in listeners.values():
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        return list(listeners)

    def disconnect(self) -> None:
        """End every connection that is open."""
        with self._lock:
            connections = list(self._connections)
        for sock in connections:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for address in self.refuse():
            if isinstance(address, str):
                Path(address).unlink(missing_ok=True)
        self.disconnect()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(sock)
                self.connections_seen += 1
            threading.Thread(target=self._converse, args=(sock,), daemon=True).start()

    def _converse(self, sock: socket.socket) -> None:
        try:
            pending = b""
            while True:
                while b"\r\n\r\n" not in pending:
                    data = sock.recv(1 << 16)
                    if not data:
                        return
                    pending += data
                    if len(pending) > HEAD_MAX:
                        raise ValueError("a request head of more than 1 MiB")
                head, _, pending = pending.partition(b"\r\n\r\n")
                exchange = Exchange(sock, head, self.common_headers)
                if exchange.headers.get("content-length", "0") != "0" \
                        or "transfer-encoding" in exchange.headers:
                    raise ValueError(f"{exchange.method} {exchange.target} came with a body")
                if "host" not in exchange.headers:
                    raise ValueError(f"{exchange.method} {exchange.target} came without a Host header")
                self._handle(exchange)
                if exchange.headers.get("connection", "").lower() == "close":
                    return
        except (ConnectionError, TimeoutError):
            pass
        except Exception as error:  # pylint: disable=broad-except
            # A thread cannot fail a test; the fixture does it with this list.
            self.errors.append(error)
        finally:
            with self._lock:
                self._connections.discard(sock)
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
