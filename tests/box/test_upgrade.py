# SPDX-License-Identifier: Apache-2.0
"""An upgrade changes the program and nothing that an admin has decided; one that fails can be ended or taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from lab.box import Box
from package import (CONFIGURATION, default_of, dpkg_status, enabled, life, on_bus, packed, repacked, said,
                     told_by, version_of)

CHANGED = "\n[Reaper]\nQuarantineAfter=9\n"
DROPIN = "[Service]\nEnvironment=FROM_THE_ADMIN=1\n"
# In the output of dpkg, if it asks.
QUESTION = f"Configuration file '{CONFIGURATION}'"
# What preinst leaves for postinst.
STOPPED = "/run/reaperd.stopped-before-upgrade"


def begin(box: Box, deb: Path) -> None:
    """Installed, at work, and past the wait of the first start."""
    box.install(deb)
    box.until(lambda: on_bus(box, "Version") == told_by(deb), 10, "reaperd has its name on the bus")
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
        done = bare.install(new, "--force-confold")
        told = said(done)
        assert "downgrading" in told if new == older_deb else told == ""
        assert bare.state() == "active" and bare.main_pid() not in (0, before)
        bare.until(lambda: on_bus(bare, "Version") == told_by(new), 10, "the other version is on the bus")

        assert bare.read(CONFIGURATION) == edited
        assert bare.read(f"{CONFIGURATION}.dpkg-dist") == default_of(new)
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
    bare.until(lambda: on_bus(bare, "Version") == told_by(older_deb), 10, "reaperd has its name on the bus")
    done_to_it(bare)
    engine = life(bare)
    assert said(bare.install(deb)) == ""
    assert (bare.state(), enabled(bare)) == (state, unit)
    assert dpkg_status(bare) == f"installed {version_of(deb)}"
    assert life(bare) == engine


def runs(box: Box, deb: Path) -> None:
    box.until(lambda: on_bus(box, "Version") == told_by(deb), 10, f"{deb.name} is on the bus")


def test_a_new_default_replaces_the_old_one(bare: Box, older_deb: Path, deb: Path) -> None:
    """Where nobody has changed it, nobody is asked."""
    assert default_of(older_deb) != default_of(deb)
    bare.install(older_deb)
    runs(bare, older_deb)
    assert bare.read(CONFIGURATION) == default_of(older_deb)
    done = bare.install(deb)
    assert said(done) == "" and QUESTION not in done.stdout + done.stderr
    runs(bare, deb)
    assert bare.read(CONFIGURATION) == default_of(deb)
    assert bare.sh("ls -A /etc/reaperd") == "reaperd.conf"


def test_a_new_default_beside_what_the_admin_has_changed(bare: Box, older_deb: Path, deb: Path) -> None:
    """dpkg asks. Where nobody answers it stops half-way, which stops nothing else."""
    bare.install(older_deb)
    runs(bare, older_deb)
    edited, pid = default_of(older_deb) + CHANGED, bare.main_pid()
    bare.write(CONFIGURATION, edited)
    done = bare.install(deb, check=False)
    assert done.returncode and QUESTION in done.stderr
    assert dpkg_status(bare) == f"unpacked {version_of(deb)}"
    assert (bare.state(), bare.main_pid(), on_bus(bare, "Version")) == ("active", pid, told_by(older_deb))
    assert bare.read(CONFIGURATION) == edited

    assert said(bare.run("dpkg", "--force-confold", "--configure", "--pending")) == ""
    runs(bare, deb)
    assert dpkg_status(bare) == f"installed {version_of(deb)}"
    assert bare.main_pid() not in (0, pid)
    assert bare.read(CONFIGURATION) == edited
    assert bare.read(f"{CONFIGURATION}.dpkg-dist") == default_of(deb)
    # Asked once for each default.
    assert QUESTION not in bare.install(deb).stderr
    runs(bare, deb)
    assert bare.read(CONFIGURATION) == edited
    bare.run("dpkg", "--purge", "reaperd", timeout=120)
    assert bare.sh("ls -d /etc/reaperd*", check=False) == ""


@pytest.mark.parametrize("before", ["not-there", "running", "stopped"])
def test_a_failed_step_is_made_up_for(bare: Box, older_deb: Path, deb: Path, before: str) -> None:
    """The user cannot be made; what runs, runs on. Once the cause is gone, `dpkg --configure -a` does the rest, and
    still knows what was stopped."""
    if before != "not-there":
        bare.install(older_deb)
        runs(bare, older_deb)
    if before == "stopped":
        stop(bare)
    pid, engine = bare.main_pid(), life(bare)
    bare.sh('mount --bind /bin/false "$(command -v systemd-sysusers)"')
    assert bare.install(deb, check=False).returncode
    assert dpkg_status(bare) == f"half-configured {version_of(deb)}"
    assert (bare.state(), bare.main_pid()) == ("active" if pid else "inactive", pid)
    assert on_bus(bare, "Version") == (told_by(older_deb) if pid else "")

    bare.sh('umount "$(command -v systemd-sysusers)"')
    assert said(bare.run("dpkg", "--configure", "--pending")) == ""
    assert dpkg_status(bare) == f"installed {version_of(deb)}"
    assert (bare.state(), enabled(bare)) == ("inactive" if before == "stopped" else "active", "enabled")
    if before != "stopped":
        runs(bare, deb)
        assert bare.main_pid() != pid
    assert life(bare) == engine


def fails_at_first(tree: Path) -> None:
    with (tree / "DEBIAN/preinst").open("a") as file:
        file.write("\nexit 1\n")


def has_a_file_of_others(tree: Path) -> None:
    (tree / "usr/share/others").mkdir()
    (tree / "usr/share/others/file").touch()


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """A package that has the same file."""
    tree = tmp_path / "others"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: others\nVersion: 1\nArchitecture: all\nMaintainer: Others <others@example.org>\nDescription: file\n")
    (tree / "usr/share").mkdir(parents=True)
    has_a_file_of_others(tree)
    return packed(tree, tmp_path / "others.deb")


@pytest.mark.parametrize("fault", [fails_at_first, has_a_file_of_others],
                         ids=lambda value: value.__name__.replace("_", "-"))
def test_what_is_broken_off_leaves_the_old_one(bare: Box, older_deb: Path, deb: Path, others: Path, tmp_path: Path,
                                               fault: Callable[[Path], None]) -> None:
    """Running or stopped, and as if nobody had tried."""
    bad = repacked(deb, tmp_path, fault)
    bare.install(others)
    bare.install(older_deb)
    runs(bare, older_deb)
    for act in (None, stop):
        if act is not None:
            act(bare)
        before = dpkg_status(bare), enabled(bare), life(bare, "reaperd.service"), bare.main_pid()
        assert before[0] == f"installed {version_of(older_deb)}"
        assert bare.install(bad, check=False).returncode
        assert before == (dpkg_status(bare), enabled(bare), life(bare, "reaperd.service"), bare.main_pid())
        assert bare.sh("dpkg --verify reaperd; dpkg --audit") == ""
        assert bare.sh(f"ls {STOPPED}", check=False) == ""
