# SPDX-License-Identifier: Apache-2.0
"""Work beside the measuring: something that is done again and again, and the docker command on a node.

Both end at once when they are told to, whatever they are at.
"""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Callable, Mapping

from lab.process import sizes

POLL = 0.02             # seconds between two looks at the memory of a command
LIMIT = 60.0            # seconds for the end of a thread that has been told to end


class Closed(Exception):
    """Told to end meanwhile."""


class Repeated:
    """Calls `work` every `seconds` in a thread of its own; use as a context manager.

    first: seconds until the first call; work may return how long to wait until the next one. An exception of it ends
    the thread and comes out of check().
    """

    def __init__(self, work: Callable[[], float | None], seconds: float, first: float = 0.0) -> None:
        self._work, self._seconds, self._first = work, seconds, first
        self._end = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Repeated":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(LIMIT)
        if self._thread.is_alive():
            raise TimeoutError(f"not ended within {LIMIT:g} s: {self._work}")

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        due = time.monotonic() + self._first
        try:
            while not self._end.wait(max(0.0, due - time.monotonic())):
                pause, now = self._work(), time.monotonic()
                # A call that took too long is followed by the next one, not by all that were due meanwhile.
                due = now + pause if pause is not None else max(due + self._seconds, now)
        except Closed:
            pass
        except BaseException as error:      # all of them belong to whoever asks
            self._error = error


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    began: float            # of the monotonic clock
    wall: float             # seconds
    cpu: float              # seconds
    rss: int                # bytes at its peak; that of wait4() would hold what stood there before the program
    status: int             # 0 if all went well
    output: str             # stdout and stderr


class Docker:
    """The real docker command with the engine of a node; one run at a time, which close() breaks off."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def run(self, *argv: str) -> Done:
        """Closed if it was broken off."""
        began = time.monotonic()
        with self._lock:
            if self._closed:
                raise Closed
            # A session of its own: a Ctrl-C is for us, who then end it.
            process = self._process = subprocess.Popen(
                ["docker", "--host", f"unix://{self._socket}", *argv], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, env=environment(os.environ))
        output, rss = _follow(process)
        with self._lock:
            # Under the lock, so that nobody kills a process that has this number next.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self._process = None
            if self._closed:
                raise Closed
        return Done(began, time.monotonic() - began, usage.ru_utime + usage.ru_stime, rss, process.returncode,
                    output.decode(errors="replace"))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._process is not None:
                os.kill(self._process.pid, 9)


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Without the user's settings for docker: another engine, proxies, a format of lists."""
    kept = {key: value for key, value in inherited.items()
            if not key.startswith("DOCKER_") and not key.lower().endswith("_proxy")}
    return {**kept, "DOCKER_CONFIG": "/nonexistent"}


def _follow(process: subprocess.Popen[bytes]) -> tuple[bytes, int]:
    """What it says until it ends, and its peak RSS."""
    assert process.stdout is not None
    output, rss = bytearray(), 0
    with process.stdout:
        descriptor = process.stdout.fileno()
        while True:
            ready, _, _ = select.select([descriptor], [], [], POLL)
            rss = max(rss, sizes(process.pid).get("VmHWM", 0))
            if ready:
                data = os.read(descriptor, 65536)
                if not data:
                    return bytes(output), rss
                output += data
