# SPDX-License-Identifier: Apache-2.0
"""How long a user waits for `docker ps -a`."""

from __future__ import annotations

import contextlib

from .background import Docker, Repeated
from .rig import Trouble


class Latency(contextlib.ExitStack):
    """Asks an engine again and again; use as a context manager."""

    def __init__(self, socket: str, seconds: float) -> None:
        super().__init__()
        self._docker = Docker(socket)
        self._repeated = Repeated(self._ask, seconds)
        self._found: list[tuple[float, float]] = []

    def __enter__(self) -> "Latency":
        super().__enter__()
        self.enter_context(self._repeated)
        self.callback(self._docker.close)       # before the thread is waited for
        return self

    def check(self) -> None:
        self._repeated.check()

    def by_second(self, began: float) -> dict[int, float]:
        """Milliseconds of those that were begun in each second after `began`; the longest if there were several."""
        found: dict[int, float] = {}
        for when, wall in list(self._found):
            second = int(when - began)
            found[second] = max(found.get(second, 0.0), wall * 1000)
        return found

    def _ask(self) -> None:
        done = self._docker.run("ps", "--all")
        if done.status:
            raise Trouble(f"`docker ps --all` ended with status {done.status}: {done.output.strip()[-500:]}")
        self._found.append((done.began, done.wall))
