# SPDX-License-Identifier: Apache-2.0
"""What an operator would ask at the end: the answers of reaperctl, as a terminal shows them.

They are asked for while reaperd runs, and shown when it has ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

from terminal import Line, Terminal

REMOVALS = 5            # of the history
ENOUGH = 65536          # bytes of an answer; a terminal holds some of it back for a while


@dataclass(frozen=True)
class Answer:
    command: str
    status: int
    text: str


class Console:
    """Asks reaperd on this bus; environment: where that is."""

    def __init__(self, reaperctl: Path, environment: Mapping[str, str], terminal: Terminal) -> None:
        self._reaperctl, self._terminal = reaperctl, terminal
        self._environment = {**os.environ, **environment, "LC_ALL": "C.UTF-8" if terminal.unicode else "C",
                             "COLUMNS": str(terminal.width), **({} if terminal.color else {"NO_COLOR": "1"})}

    def ask(self) -> list[Answer]:
        """How it is, why one container is still there, and what went last."""
        kept = self._one_that_is_kept()
        return [self._answer("status"), *([self._answer("explain", kept)] if kept else []),
                self._answer("history", "-n", str(REMOVALS))]

    def _one_that_is_kept(self) -> str:
        """A failure whose time is not over, if there is one; else any container, else ""."""
        done = subprocess.run([self._reaperctl, "list", "--all", "--json=short"], check=False, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, env=self._environment)
        rows = json.loads(done.stdout) if done.returncode == 0 else []
        # Those that stay longest: nothing becomes of them until the question is asked.
        kept = sorted((row for row in rows if row["verdict"] == "retained"), key=lambda row: -(row["due_in_usec"] or 0))
        return next((str(row["name"]) for row in [*kept, *rows]), "")

    def _answer(self, *arguments: str) -> Answer:
        """On a terminal of its own, so that tables fit the demonstration's."""
        ours, its = pty.openpty()
        try:
            fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, self._terminal.width, 0, 0))
            process = subprocess.Popen([self._reaperctl, "--no-pager", *arguments], stdin=subprocess.DEVNULL,
                                       stdout=its, stderr=its, env=self._environment)
            os.close(its)
            said = b""
            with suppress(OSError):     # it has ended, and with it the terminal
                while data := os.read(ours, ENOUGH):
                    said += data
        finally:
            os.close(ours)
        return Answer(" ".join(["reaperctl", *arguments]), process.wait(), said.decode(errors="replace"))


def lines(answers: list[Answer]) -> list[Line]:
    made: list[Line] = []
    for answer in answers:
        made += [[(f"$ {answer.command}", "bold")], *([(row, "")] for row in answer.text.splitlines()), []]
    return made


def faults(answers: list[Answer]) -> list[str]:
    return [f"`{answer.command}` ended with status {answer.status}." for answer in answers if answer.status]
