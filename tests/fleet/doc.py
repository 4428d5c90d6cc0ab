# SPDX-License-Identifier: Apache-2.0
"""What docs/fleet.md tells to do, as it stands there: these tests run it, so that the page cannot tell otherwise."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "fleet.md"


def section(heading: str) -> str:
    """The text below a heading, to the next one of whatever level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", _without_fences(), re.M | re.S)
    if found is None:
        raise KeyError(f"{PAGE.name} has no heading {heading!r}")
    return PAGE.read_text(encoding="utf-8")[found.start(1):found.end(1)]


def commands(heading: str) -> list[str]:
    """Its indented blocks, each a script for sh."""
    blocks = re.findall(r"(?:^\n)((?:^    .*\n)+(?:^\n(?=    )|^    .*\n)*)", _blank_fences(section(heading)), re.M)
    return [textwrap.dedent(block) for block in blocks]


def fenced(heading: str, language: str) -> list[str]:
    """Its blocks in fences that are said to be in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(heading), re.M | re.S)


def _blank_fences(text: str) -> str:
    """With what is in fences replaced by as much of nothing."""
    return re.sub(r"^```.*?^```$", lambda found: re.sub("[^\n]", "-", found[0]), text, flags=re.M | re.S)


def _without_fences() -> str:
    return _blank_fences(PAGE.read_text(encoding="utf-8"))
