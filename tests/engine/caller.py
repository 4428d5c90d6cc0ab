# SPDX-License-Identifier: Apache-2.0
"""An operator at the console, whose words the oracle learns of.

What is asked for is noted when it is sent, a pause from its answer on: before
that nobody can rely on it.
"""

from __future__ import annotations

import time
from typing import Any

from bench import Bench
from history import Request, Standstill
from lab.console import Console, DBusError, Result


class Caller(Console):
    def __init__(self, path: str, bench: Bench) -> None:
        super().__init__(path)
        self._history = bench.recorder.history

    def pause(self, seconds: float) -> tuple[int, bool]:
        end, kept = super().pause(seconds)
        now = time.time()
        for pause in self._history.standstills:     # the last word counts
            pause.end = min(pause.end, now)
        self._history.standstills.append(Standstill(now, end / 1e6))
        return end, kept

    def resume(self) -> bool:
        now = time.time()
        for pause in self._history.standstills:
            pause.end = min(pause.end, now)
        return super().resume()

    def reap(self, *containers: str, dry_run: bool = False) -> list[Result]:
        return self._ask(dry_run, "Reap", "asb", list(containers), dry_run)

    def reap_service(self, service: str, dry_run: bool = False) -> list[Result]:
        return self._ask(dry_run, "ReapService", "sb", service, dry_run)

    def _ask(self, dry_run: bool, *call: Any) -> list[Result]:
        request = Request(time.time())
        if not dry_run:
            self._history.requests.append(request)
        try:
            found = [Result(*each) for each in self.call(*call)]
        except DBusError:
            request.answered = request.asked        # nothing was done then
            raise
        request.answered = time.time()
        request.results = {each.id: each.removed for each in found}
        return found
