# SPDX-License-Identifier: Apache-2.0
"""What the maintainer scripts of the Debian package do in each situation, and in which order.

They run for themselves, with stand-ins for everything that would act on a system, and with a /run of their own. What
comes of it on a real one is tested in tests/box.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conftest import Package
from sources import run

SCRIPTS = "preinst", "postinst", "prerm", "postrm"
STANDINS = ("systemctl", "deb-systemd-invoke", "deb-systemd-helper", "systemd-sysusers", "userdel", "timeout")
# Writes down each call; answers questions from files, and fails if asked to.
STANDIN = """#!/bin/sh
name=${0##*/}
[ "$name" != timeout ] || { shift; exec "$@"; }
echo "$name $*" >>"$SCENE/calls"
case "$name $*" in
"systemctl is-active "* | "systemctl is-enabled "*) cat "$SCENE/$1.$2"; exit 3 ;;
"systemctl --quiet is-active "*) exec grep -qx active "$SCENE/is-active.$3" ;;
esac
! grep -qxF "$name $*" "$SCENE/failing"
"""
RELOAD_UNITS = "systemctl --system daemon-reload"
RELOAD_BUS = "deb-systemd-invoke reload dbus.service"
RESET = "deb-systemd-invoke reset-failed reaperd.service"
START = "deb-systemd-invoke start reaperd.service"
RESTART = "deb-systemd-invoke restart reaperd.service"
STOP = "deb-systemd-invoke stop reaperd.service"
STOPPED = "reaperd.stopped-before-upgrade"


@dataclass
class Scene:
    """A system as the scripts see it; what they called, in order, without their questions."""

    folder: Path
    control: Path
    systemd: bool = True
    active: str = "inactive"
    enabled: str = "enabled"
    engine: str = "active"
    bus: str = "active"
    failing: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    output: str = ""

    def run(self, script: str, *arguments: str, **env: str) -> list[str]:
        bin_, run_ = self.folder / "bin", self.folder / "run"
        for folder in (bin_, run_):
            folder.mkdir(exist_ok=True)
        for name in STANDINS:
            (bin_ / name).write_text(STANDIN)
            (bin_ / name).chmod(0o755)
        if self.systemd:
            (run_ / "systemd/system").mkdir(parents=True, exist_ok=True)
        for name, answer in (("is-active.reaperd.service", self.active), ("is-enabled.reaperd.service", self.enabled),
                             ("is-active.docker.service", self.engine), ("is-active.dbus.service", self.bus),
                             ("failing", "\n".join(self.failing))):
            (self.folder / name).write_text(f"{answer}\n")
        (self.folder / "calls").write_text("")
        unprivileged = [] if os.geteuid() == 0 else ["--map-root-user"]
        done = subprocess.run(
            ["unshare", "--mount", *unprivileged, "sh", "-c", 'mount --bind "$1" /run && shift && exec "$@"', "sh",
             run_, self.control / script, *arguments],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env={"PATH": f"{bin_}:/usr/sbin:/usr/bin:/sbin:/bin", "SCENE": str(self.folder), **env})
        self.output = done.stdout
        assert done.returncode == 0, done.stdout
        self.calls = [call for call in (self.folder / "calls").read_text().splitlines()
                      if not call.startswith("systemctl") or " is-" not in call]
        return self.calls

    def upgrade(self, then: str | None = None) -> list[str]:
        """What postinst does in an upgrade, when the state has become `then` meanwhile."""
        assert self.run("preinst", "upgrade", "0.0.9", "0.1.0") == []
        self.active = then or self.active
        return self.run("postinst", "configure", "0.0.9")

    @property
    def marked(self) -> bool:
        return (self.folder / "run" / STOPPED).exists()


@pytest.fixture
def scene(deb: Package, tmp_path: Path) -> Scene:
    return Scene(tmp_path, deb.control)


def acts(calls: list[str]) -> list[str]:
    return [call for call in calls if call.endswith(" reaperd.service") and "invoke" in call and call != RESET]


def test_language(deb: Package) -> None:
    """They are what Debian's sh can run, end at an error, and have nothing left in them that debhelper was to fill."""
    assert {path.name for path in deb.control.iterdir()} == {*SCRIPTS, "control", "md5sums", "conffiles"}
    for name in SCRIPTS:
        script = deb.control / name
        assert run("dash", "-n", script).stdout == ""
        lines = script.read_text().splitlines()
        assert lines[0] == "#!/bin/sh" and "set -e" in lines
        assert not any("DEBHELPER" in line for line in lines)


def test_installation(scene: Scene) -> None:
    """The user, the enabling, the units, the bus, the start: each needs what comes before it."""
    assert scene.run("preinst", "install") == []
    calls = scene.run("postinst", "configure", "")
    order = ["systemd-sysusers reaperd.conf", "deb-systemd-helper enable reaperd.service", RELOAD_UNITS, RELOAD_BUS,
             START]
    assert [call for call in calls if call in order] == order
    assert acts(calls) == [START] and scene.output == ""


@pytest.mark.parametrize("engine,starts", [("active", True), ("reloading", True), ("activating", True),
                                           ("inactive", False), ("failed", False), ("deactivating", False)])
def test_it_follows_the_engine(scene: Scene, engine: str, starts: bool) -> None:
    scene.engine = engine
    assert acts(scene.run("postinst", "configure", "")) == [START] * starts
    assert scene.output == ""


@pytest.mark.parametrize("enabled", ["disabled", "masked", "masked-runtime", "not-found", ""])
def test_what_is_not_enabled_is_not_started(scene: Scene, enabled: str) -> None:
    scene.enabled = enabled
    assert acts(scene.run("postinst", "configure", "")) == []


def test_start_that_fails(scene: Scene) -> None:
    """The package is there all the same, and the admin is told where to look."""
    scene.failing = [START]
    scene.run("postinst", "configure", "")
    assert "journalctl -u reaperd" in scene.output


def test_without_a_bus(scene: Scene) -> None:
    scene.bus = "inactive"
    calls = scene.run("postinst", "configure", "")
    assert RELOAD_BUS not in calls and acts(calls) == [START]


def test_bus_that_fails_to_reload(scene: Scene) -> None:
    scene.failing = [RELOAD_BUS, RELOAD_UNITS]
    assert acts(scene.run("postinst", "configure", "")) == [START]


def test_without_systemd(scene: Scene) -> None:
    """In a chroot nothing is asked, loaded or started; what enables it there is deb-systemd-helper, with files."""
    scene.systemd = False
    for script, *arguments in (("preinst", "install"), ("preinst", "upgrade", "0.0.9"), ("postinst", "configure", ""),
                               ("postinst", "configure", "0.0.9"), ("prerm", "remove"), ("prerm", "upgrade", "0.2.0"),
                               ("postrm", "remove"), ("postrm", "upgrade", "0.2.0")):
        calls = scene.run(script, *arguments)
        assert not [call for call in calls if call.startswith(("systemctl", "deb-systemd-invoke"))], (script, calls)
        assert scene.output == "" and not scene.marked


@pytest.mark.parametrize("enabled", ["enabled", "disabled"])
@pytest.mark.parametrize("active", ["active", "reloading", "activating"])
def test_upgrade_of_what_runs(scene: Scene, active: str, enabled: str) -> None:
    """It runs on until the new version is complete, then is restarted; with the policy and unit of the new one."""
    scene.active, scene.enabled = active, enabled
    assert scene.run("prerm", "upgrade", "0.1.0") == []
    calls = scene.upgrade()
    order = [RELOAD_UNITS, RELOAD_BUS, RESTART]
    assert [call for call in calls if call in order] == order
    assert acts(calls) == [RESTART]
    assert scene.run("postrm", "upgrade", "0.1.0") == []


@pytest.mark.parametrize("engine", ["active", "inactive"])
def test_upgrade_of_what_was_stopped(scene: Scene, engine: str) -> None:
    """The admin's word holds, and not for longer than this upgrade."""
    scene.engine = engine
    assert acts(scene.upgrade()) == []
    assert not scene.marked
    assert acts(scene.run("postinst", "configure", "0.1.0")) == [START] * (engine == "active")


def test_upgrade_of_what_had_failed(scene: Scene) -> None:
    """Nobody has stopped it, and another version may be the cure, also when it is the one before."""
    scene.active = "failed"
    calls = scene.upgrade()
    assert acts(calls) == [START] and calls.index(RESET) < calls.index(START)
    scene.enabled = "disabled"
    assert acts(scene.upgrade()) == []


def test_upgrade_of_what_is_masked(scene: Scene) -> None:
    scene.active, scene.enabled = "active", "masked"
    assert acts(scene.upgrade()) == [] and scene.output == ""


def test_upgrade_during_which_it_was_started(scene: Scene) -> None:
    assert acts(scene.upgrade(then="active")) == [RESTART]


def test_mark_of_an_upgrade_that_broke_off(scene: Scene) -> None:
    assert scene.run("preinst", "upgrade", "0.0.9") == [] and scene.marked
    scene.active = "active"
    assert scene.run("preinst", "upgrade", "0.0.9") == [] and not scene.marked


def test_installation_over_what_a_removal_left(scene: Scene) -> None:
    """dpkg gives postinst the old version, as in an upgrade; but it was the removal that stopped it."""
    scene.run("preinst", "install", "0.1.0")
    assert acts(scene.run("postinst", "configure", "0.1.0")) == [START]


def test_removal(scene: Scene) -> None:
    scene.active = "active"
    assert acts(scene.run("prerm", "remove")) == [STOP]
    calls = scene.run("postrm", "remove")
    assert RELOAD_UNITS in calls and RESET in calls and not [call for call in calls if call.startswith("userdel")]
    scene.failing = [STOP, RESET]
    scene.run("prerm", "remove")
    scene.run("postrm", "remove")


def test_removal_that_is_called_off(scene: Scene) -> None:
    assert acts(scene.run("postinst", "abort-remove")) == [START]
    assert acts(scene.run("postinst", "abort-upgrade", "0.2.0")) == []


def test_purge(scene: Scene, tmp_path: Path) -> None:
    """All that the package, the daemon or an admin by its documentation has made goes; what is others' stays."""
    root = tmp_path / "root"
    system, runtime = "etc/systemd/system", "run/systemd/system"
    link = "var/lib/prometheus/node-exporter/reaperd.prom"
    ours = ["etc/reaperd/reaperd.conf", "etc/reaperd/reaperd.conf.d/10-site.conf", "var/lib/reaperd/first-run-done",
            "run/reaperd/reaperd.conf.d/x.conf", "run/reaperd-metrics/reaperd.prom",
            f"{system}/reaperd.service.d/tcp.conf", f"{system}/reaperd.service", f"{runtime}/reaperd.service",
            f"{system}.control/reaperd.service.d/50-CPUWeight.conf", f"{runtime}.control/reaperd.service.d/50.conf",
            f"{system}/docker.service.wants/reaperd.service", f"{system}/multi-user.target.wants/reaperd.service",
            f"{system}/docker.service.requires/reaperd.service"]
    others = [f"{system}/docker.service.wants/other.service", f"{system}/docker.service.d/x.conf", "etc/reaperd.txt",
              "var/lib/prometheus/node-exporter/other.prom", "var/lib/docker/x", "etc/docker/daemon.json"]
    for name in ours + others:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / link).symlink_to("/run/reaperd-metrics/reaperd.prom")
    calls = scene.run("postrm", "purge", DPKG_ROOT=str(root))
    assert {path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir() or path.is_symlink()} \
        == set(others)
    assert not list(root.rglob("*reaperd*/"))
    assert "deb-systemd-helper purge reaperd.service" in calls
    # Of another system than this one nothing is asked or told, and users are not this one's.
    assert not [call for call in calls if call.startswith(("systemctl", "deb-systemd-invoke", "userdel"))]

    # A file, or a link that leads elsewhere, is somebody's.
    (root / link).write_text("x")
    scene.run("postrm", "purge", DPKG_ROOT=str(root))
    assert (root / link).exists()
    (root / link).unlink()
    (root / link).symlink_to("/srv/other.prom")
    scene.run("postrm", "purge", DPKG_ROOT=str(root))
    assert (root / link).is_symlink()
