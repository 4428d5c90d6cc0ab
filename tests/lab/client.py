# SPDX-License-Identifier: Apache-2.0
"""A small client of the Docker Engine API over a Unix socket.

One connection per call: slower than keeping it, but safe to use from any
thread and indifferent to an engine that is restarted between two calls.
The path prefix is fixed to 1.41, which engines from 20.10 on understand
and which is older than the changes of 1.52.
"""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import contextmanager
from typing import IO, Any, Iterator, Mapping
from urllib.parse import urlencode

API = "/v1.41"


class ApiError(Exception):
    """The engine answered with a status of 400 or more."""

    def __init__(self, method: str, path: str, status: int, message: str) -> None:
        super().__init__(f"{method} {path}: {status} {message}")
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


class Client:
    """Calls of one engine.  Every method may raise OSError when it is down."""

    def __init__(self, socket_path: str, timeout: float = 30.0) -> None:
        self.socket_path = socket_path
        self.timeout = timeout

    def call(self, method: str, path: str, query: Mapping[str, Any] | None = None,
             body: Any = None, raw: bytes | IO[bytes] | None = None) -> Any:
        """One request; the decoded JSON of the answer, or its text, or None."""
        with self._open(method, path, query, body, raw, self.timeout) as answer:
            data = answer.read()
        if not data:
            return None
        try:
            return json.loads(data)
        except ValueError:
            return data.decode(errors="replace")

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query)

    def ping(self) -> bool:
        try:
            self.call("GET", "/_ping")
        except (OSError, http.client.HTTPException, ApiError):
            return False
        return True

    def containers(self, **filters: Any) -> list[dict[str, Any]]:
        """The list of all containers, stopped ones too; `is_task` for is-task."""
        chosen = {key.replace("_", "-"): [str(v).lower() if isinstance(v, bool) else v]
                  for key, v in filters.items()}
        return self.get("/containers/json", all=1, filters=chosen)

    def inspect(self, ident: str) -> dict[str, Any] | None:
        """A container's details, or None if there is no such container."""
        try:
            return self.get(f"/containers/{ident}/json")
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    @contextmanager
    def events(self, since: float | None = None,
               poll: float = 0.5) -> Iterator[Iterator[dict[str, Any] | None]]:
        """The stream of container events; yields None after `poll` s of silence.

        Asked with HTTP/1.0, to which the engine answers without chunks: what
        comes from the socket are then the bare lines, which a time-out in the
        middle cannot break.
        """
        query = {"filters": json.dumps({"type": ["container"]})}
        if since is not None:
            query["since"] = f"{since:.9f}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(self.timeout)
            sock.connect(self.socket_path)
            sock.sendall(f"GET {API}/events?{urlencode(query)} HTTP/1.0\r\nHost: lab\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                data = sock.recv(65536)
                if not data:
                    raise ConnectionError("the engine closed the event stream")
                head += data
            head, _, rest = head.partition(b"\r\n\r\n")
            status = int(head.split()[1])
            if status != 200:
                raise ApiError("GET", "/events", status, rest.decode(errors="replace"))
            sock.settimeout(poll)
            yield _lines(sock, rest)

    @contextmanager
    def _open(self, method: str, path: str, query: Mapping[str, Any] | None, body: Any,
              raw: bytes | None, timeout: float | None) -> Iterator[http.client.HTTPResponse]:
        target = API + path
        pairs = {k: json.dumps(v) if isinstance(v, (dict, list)) else v
                 for k, v in (query or {}).items() if v is not None}
        if pairs:
            target += "?" + urlencode(pairs)
        headers = {"Connection": "close"}
        if raw is not None:
            headers["Content-Type"] = "application/x-tar"
        elif body is not None:
            raw = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection = _UnixConnection(self.socket_path, timeout)
        try:
            connection.request(method, target, body=raw, headers=headers)
            answer = connection.getresponse()
            if answer.status >= 400:
                text = answer.read().decode(errors="replace")
                try:
                    text = json.loads(text)["message"]
                except (ValueError, KeyError, TypeError):
                    pass
                raise ApiError(method, path, answer.status, text.strip())
            try:
                yield answer
            finally:
                answer.close()
        finally:
            connection.close()


def _lines(sock: socket.socket, pending: bytes) -> Iterator[dict[str, Any] | None]:
    while True:
        *lines, pending = pending.split(b"\n")
        yield from (json.loads(line) for line in lines if line.strip())
        try:
            data = sock.recv(65536)
        except TimeoutError:
            yield None
            continue
        if not data:
            return
        pending += data
