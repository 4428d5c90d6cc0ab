# SPDX-License-Identifier: Apache-2.0
"""reaperctl with the exit status that a test expects of it, and the fixtures for that."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest

from console_kit import Bus, Reaperd, begin, bus, console, until  # noqa: F401
from lab.bus import ROOT
from reaperctl import REAPERCTL, Peer, Reaperctl, Refused, Result


class Done(Result):
    """What it came to."""

    @property
    def errors(self) -> list[str]:
        return self.err.splitlines()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Of --json."""
        made: list[dict[str, Any]] = self.json()
        return made


class Asker(Reaperctl):
    """Runs it to the end, which must be with this exit status."""

    def __call__(self, *arguments: str | Path, status: int = 0, user: Sequence[str] = ROOT, timeout: float = 60.0,
                 **environment: str) -> Done:
        self.prefix = user
        result = super().__call__(*map(str, arguments), timeout=timeout, **environment)
        assert result.status == status, f"{arguments}: {result}"
        assert "\x1b" not in result.out + result.err
        return Done(result.status, result.out, result.err)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts it, and goes on."""
        return subprocess.Popen([REAPERCTL, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def reaperctl(bus: Bus) -> Iterator[Asker]:  # noqa: F811
    if not REAPERCTL.exists():
        pytest.fail(f"{REAPERCTL} is not built", pytrace=False)
    yield Asker(bus)


__all__ = ["Asker", "Bus", "Done", "Peer", "REAPERCTL", "Reaperd", "Refused", "begin", "bus", "console", "reaperctl",
           "until"]
