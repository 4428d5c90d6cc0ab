# SPDX-License-Identifier: Apache-2.0
"""An upgrade changes the program and nothing that an admin has decided."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from lab.box import Box
from package import enabled, life, on_bus, said, version_of

CONFIGURATION = "/etc/reaperd/reaperd.conf"
CHANGED = "\n[Reaper]\nQuarantineAfter=9\n"
DROPIN = "[Service]\nEnvironment=FROM_THE_ADMIN=1\n"


def begin(box: Box, deb: Path) -> None:
    """Installed, at work, and past the wait of the first start."""
    box.install(deb)
    box.until(lambda: on_bus(box, "Version") == version_of(deb), 10, "reaperd has its name on the bus")
    box.until(lambda: on_bus(box, "FirstRunUntil") not in ("", "0"), 20, "the wait of the first start")
    box.run("reaperctl", "reap", "--due")
    box.until(lambda: on_bus(box, "FirstRunUntil") == "0", 10, "the wait has been ended")


def test_what_the_admin_has_decided_stays(bare: Box, older_deb: Path, deb: Path) -> None:
    """Configuration, drop-ins, a pause, the end of the first wait; through an upgrade and back."""
    begin(bare, older_deb)
    bare.write(CONFIGURATION, bare.read(CONFIGURATION) + CHANGED)
    bare.configure("[Retention]\nSuccess=77min\n")
    bare.unit_dropin(DROPIN)
    bare.run("systemctl", "reload", "reaperd.service")
    bare.run("reaperctl", "pause", "2h")
    until = on_bus(bare, "PausedUntil")
    assert int(until) > 0
    edited, engine, mark = bare.read(CONFIGURATION), life(bare), bare.sh("cd /var/lib/reaperd && find . | sort")

    for new in (deb, older_deb):
        before = bare.main_pid()
        done = bare.install(new)
        told = said(done)
        assert "downgrading" in told if new == older_deb else told == ""
        # What dpkg asks about, if it does.
        assert "Configuration file" not in done.stdout + done.stderr
        assert bare.state() == "active" and bare.main_pid() not in (0, before)
        bare.until(lambda: on_bus(bare, "Version") == version_of(new), 10, "the other version is on the bus")

        assert bare.read(CONFIGURATION) == edited
        holds = bare.sh("reaperd --print-config")
        assert "QuarantineAfter=9" in holds and "Success=1h 17min" in holds
        environment = bare.sh(f"tr '\\0' '\\n' </proc/{bare.main_pid()}/environ")
        assert "FROM_THE_ADMIN=1" in environment
        # Known once its state was read, which a pause tells.
        bare.until(lambda: on_bus(bare, "PausedUntil") == until, 10, "the pause holds")
        bare.until(lambda: on_bus(bare, "EngineVersion") != "", 10, "it speaks to the engine")
        assert on_bus(bare, "FirstRunUntil") == "0"
        assert bare.sh("cd /var/lib/reaperd && find . | sort") == mark
        assert life(bare) == engine
    waits = bare.journal("_SYSTEMD_UNIT=reaperd.service", "MESSAGE_ID=d551eb072b184614ad0d508b12b007c0")
    assert len(waits) == 1, waits


def stop(box: Box) -> None:
    box.run("systemctl", "stop", "reaperd.service")


def disable(box: Box) -> None:
    box.run("systemctl", "disable", "--now", "reaperd.service")


def disable_only(box: Box) -> None:
    box.run("systemctl", "disable", "reaperd.service")


def mask(box: Box) -> None:
    box.run("systemctl", "mask", "--now", "reaperd.service")


def stop_engine(box: Box) -> None:
    box.run("systemctl", "stop", "docker.service")


def break_it(box: Box) -> None:
    """Failed is not stopped: a new version may be the cure."""
    box.configure("[Engine]\nSettleTime=never\n", "99-wrong.conf")
    box.run("systemctl", "restart", "reaperd.service", check=False)
    box.until(lambda: box.state() == "failed", 10, "reaperd has failed")
    box.sh("rm /etc/reaperd/reaperd.conf.d/99-wrong.conf")


@pytest.mark.parametrize("done_to_it, state, unit", [
    (stop, "inactive", "enabled"), (disable, "inactive", "disabled"), (disable_only, "active", "disabled"),
    (mask, "inactive", "masked"), (stop_engine, "inactive", "enabled"), (break_it, "active", "enabled"),
], ids=lambda value: value.__name__.replace("_", "-") if callable(value) else None)
def test_it_runs_only_if_it_did(bare: Box, older_deb: Path, deb: Path, done_to_it: Callable[[Box], None], state: str,
                                unit: str) -> None:
    bare.install(older_deb)
    bare.until(lambda: on_bus(bare, "Version") == version_of(older_deb), 10, "reaperd has its name on the bus")
    done_to_it(bare)
    engine = life(bare)
    assert said(bare.install(deb)) == ""
    assert (bare.state(), enabled(bare)) == (state, unit)
    assert bare.sh("dpkg-query --show --showformat='${Version}' reaperd") == version_of(deb)
    assert life(bare) == engine
