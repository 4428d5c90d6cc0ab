# SPDX-License-Identifier: Apache-2.0
"""The terminal: sentences that stay, and a panel that is redrawn in place.

Without a terminal (a pipe, TERM=dumb) nothing is ever redrawn, and colour is
used neither there nor when NO_COLOR is set.  When the reader goes away, output
is dropped and `gone` is set: cleaning up must not depend on being watched.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import Sequence

Segment = tuple[str, str]       # text, style
Line = Sequence[Segment]

_STYLES = {"": "", "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36",
           "title": "1;36", "good": "1;32", "bad": "1;31"}
ROWS_NEEDED, COLUMNS_NEEDED = 20, 79


class Terminal:
    def __init__(self) -> None:
        self._out = sys.stdout
        kind = os.environ.get("TERM", "")
        terminal = self._out.isatty() and kind not in ("", "dumb")
        columns, rows = self._size = self.size()
        self.live = terminal and rows >= ROWS_NEEDED and columns >= COLUMNS_NEEDED
        self.color = terminal and not os.environ.get("NO_COLOR")
        self.unicode = (self._out.encoding or "").lower().replace("-", "") == "utf8" and kind != "linux"
        if not self.unicode:
            self._out.reconfigure(errors="replace")     # type: ignore[union-attr]
        self.gone = False
        self._drawn = 0         # rows of the panel that stand above the cursor

    @staticmethod
    def size() -> tuple[int, int]:
        return tuple(shutil.get_terminal_size((80, 24)))    # type: ignore[return-value]

    @property
    def width(self) -> int:
        """Columns to use; wide terminals are not filled, which is hard to read."""
        return min(self.size()[0], 112) - 1 if self.live else 79

    def say(self, text: str = "", style: str = "") -> None:
        """A sentence that stays, below the panel if there is one."""
        self._drawn = 0
        rows = textwrap.wrap(text, self.width - 1) or [""]
        self._write("".join(self._paint([(f" {row}" if row else "", style)]) + "\n" for row in rows))

    def lines(self, lines: Sequence[Line]) -> None:
        """Lines that stay, as they are."""
        self._drawn = 0
        self._write("".join(self._paint(line) + "\n" for line in lines))

    def panel(self, lines: Sequence[Line]) -> None:
        """Draw the panel over the last one."""
        size = self.size()
        if size != self._size:
            # A resized terminal has wrapped the old panel anew: nobody knows where it begins.
            self._size, self._drawn = size, 0
            self._write("\x1b[H\x1b[2J")
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        lines = lines[:size[1] - 1]
        # Over the old one, row by row: clearing it first would flicker.
        body = "".join(f"{self._paint(self._clip(line, size[0] - 1))}\x1b[K\n" for line in lines)
        self._write(f"\x1b[?25l{up}\r{body}\x1b[J")
        self._drawn = len(lines)

    def status(self, text: str, style: str = "") -> None:
        """A sentence that the next status replaces; without a terminal it stays."""
        if self.live:
            if self._drawn > 1:         # the panel stays
                self.say()
            self.panel([[(f" {text}", style)]])
        else:
            self.say(text, style)

    def close(self) -> None:
        if self.live:
            self._write("\x1b[?25h")

    def _paint(self, line: Line) -> str:
        if not self.color:
            return "".join(text for text, _ in line).rstrip()
        return "".join(f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style else text for text, style in line)

    @staticmethod
    def _clip(line: Line, width: int) -> Line:
        clipped = []
        for text, style in line:
            clipped.append((text[:width], style))
            width -= len(clipped[-1][0])
        return clipped

    def _write(self, text: str) -> None:
        if not self.gone:
            try:
                self._out.write(text)
                self._out.flush()
            except OSError:
                self.gone = True
                # The interpreter flushes once more at its end, into the void.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())
