# SPDX-License-Identifier: Apache-2.0
"""reaperctl pause, resume and reload."""

from __future__ import annotations

import re
import time

import pytest

from console_kit import Console
from reaperctl_kit import Asker, Bus, Reaperd, begin, bus, console, reaperctl  # noqa: F401
from standin import Standin

# pylint: disable=redefined-outer-name
TIME = r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
NOT_KEPT = "reaperctl: A restart of reaperd ends this pause: it has no state directory to keep it in"


def test_pause_and_resume(engine: Standin, reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    due = engine.add(ended=3598.0)
    reaperd.state_directory()
    begin(reaperd, console, FirstRunDelay="0", Success="1h", Failure="1h")
    done = reaperctl("pause", "2h 30min")
    assert re.fullmatch(rf"Removals are paused until {TIME}\.\n", done.out) and not done.errors
    assert abs(console.get("PausedUntil") / 1e6 - time.time() - 9000) < 60
    row, = reaperctl("pause", "--json=short").rows
    # One clock is told by another, which takes a moment.
    assert abs(row["paused_until_usec"] - console.get("PausedUntil")) < 1000 and row["kept"] is True
    assert set(row) == {"paused_until_usec", "kept"}
    assert abs(console.get("PausedUntil") / 1e6 - time.time() - 3600) < 60

    time.sleep(3)
    assert due.id in engine.containers
    assert reaperctl("resume").out == "Removals are no longer paused.\n"
    engine.wait_removed(due)
    assert reaperctl("resume").out == "Removals were not paused.\n"
    assert reaperctl("resume", "--json=pretty").rows == [{"was_paused": False}]


def test_not_kept(reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    begin(reaperd, console)
    assert reaperctl("pause", "1h").errors == [NOT_KEPT]
    done = reaperctl("pause", "1h", "--json=short")
    assert done.errors == [NOT_KEPT] and done.rows[0]["kept"] is False


@pytest.mark.parametrize("span", ["999ms", "30d 1s", "0", "infinity", "soon", "-1h", "1h\x1b[31m"])
def test_no_span(reaperctl: Asker, span: str) -> None:
    """Refused without asking anybody; what was given is shown escaped."""
    done = reaperctl("pause", "--", span, status=2)
    error, = done.errors
    assert error.endswith("not accepted, accepted: a span from 1s to 30d, such as 30min or 2h")
    assert "\x1b" not in error


def test_bounds(reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    begin(reaperd, console)
    reaperctl("pause", "30d")
    reaperctl("pause", "1s")


def test_reload(reaperd: Reaperd, console: Console, reaperctl: Asker) -> None:
    begin(reaperd, console)
    assert reaperctl("reload").out == "The configuration was read again and holds.\n"
    assert reaperctl("reload", "--json=short").rows == [{"accepted": True}]

    reaperd.config.write_text("[Retention]\nSucces=1h\nFailure=soon\n", encoding="utf-8")
    done = reaperctl("reload", status=1)
    assert not done.lines
    assert [error.partition("[")[0] for error in done.errors] == \
        [f"reaperctl: {reaperd.config}:{line}: " for line in (2, 3)]
    done = reaperctl("reload", "--json=short", status=1)
    assert done.rows == [{"accepted": False}] and len(done.errors) == 2
