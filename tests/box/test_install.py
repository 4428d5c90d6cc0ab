# SPDX-License-Identifier: Apache-2.0
"""What installing the package does to a node: it starts with the engine, and never starts the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.box import Box
from package import enabled, failed, life, on_bus, said, told_by

WANTS = "/etc/systemd/system/docker.service.wants/reaperd.service"


def test_beside_a_running_engine(bare: Box, deb: Path) -> None:
    """Installed is at work: nothing is left for the admin to do."""
    engine, failures = life(bare), failed(bare)
    done = bare.install(deb)
    assert said(done) == ""
    assert (bare.state(), enabled(bare)) == ("active", "enabled")
    assert life(bare) == engine

    # The bus leaves out rules that name a user which is not there yet; then the name is never had.
    bare.until(lambda: on_bus(bare, "Version") == told_by(deb), 10, "reaperd has its name on the bus")
    user = bare.sh("id reaperd; getent passwd reaperd")
    assert "groups=" in user and "docker" not in user and user.endswith("nologin")
    ids = bare.sh("sed -n 's/^-- //p' /usr/lib/systemd/catalog/reaperd.catalog").split()
    listed = bare.sh("journalctl --no-pager --list-catalog")
    assert ids and all(ident in listed for ident in ids)
    for page in ("man1/reaperctl.1", "man5/reaperd.conf.5", "man5/org.reaperd.Reaper1.5", "man8/reaperd.8"):
        bare.run("test", "-s", f"/usr/share/man/{page}.gz")
    assert "/etc/reaperd/reaperd.conf" in bare.sh("dpkg-query --show --showformat='${Conffiles}' reaperd")
    assert bare.sh("dpkg --verify reaperd") == "", "a maintainer script has changed what the package owns"

    bare.until(lambda: "first start" in bare.show("reaperd.service", "StatusText")["StatusText"].lower(), 20,
               "the status tells of the wait of the first start")
    # The machine that the box is on may be short of memory.
    warnings = [record["MESSAGE"] for record in bare.journal("_SYSTEMD_UNIT=reaperd.service", "--priority=warning")
                if "REAPERD_PRESSURE_LEVEL" not in record]
    assert (warnings, failed(bare)) == ([], failures)


@pytest.mark.parametrize("listening", [False, True], ids=["all-stopped", "socket-listening"])
def test_beside_a_stopped_engine(bare: Box, deb: Path, listening: bool) -> None:
    """An engine that was stopped stays so; with its socket still there, a mere connection would start it."""
    bare.run("systemctl", "stop", "docker.service", *([] if listening else ["docker.socket"]))
    engine, socket = life(bare), life(bare, "docker.socket")
    assert (engine["ActiveState"], socket["ActiveState"]) == ("inactive", "active" if listening else "inactive")
    done = bare.install(deb)
    assert said(done) == ""
    assert (bare.state(), enabled(bare)) == ("inactive", "enabled")
    assert (life(bare), life(bare, "docker.socket")) == (engine, socket)

    done = bare.run("systemctl", "start", "reaperd.service", check=False)
    assert done.returncode != 0 and bare.state() != "active"
    assert (life(bare), life(bare, "docker.socket")) == (engine, socket)

    bare.run("systemctl", "start", "docker.service")
    bare.until(lambda: bare.state() == "active", 10, "reaperd comes with the engine")
    bare.until(lambda: on_bus(bare, "Version") == told_by(deb), 10, "reaperd has its name on the bus")


def test_before_an_engine_is_installed(bare: Box, deb: Path) -> None:
    """Either may be installed first: there is no unit of the engine, and no group."""
    bare.sh("systemctl stop docker.service docker.socket; mkdir /root/units;"
            "mv /lib/systemd/system/docker.service /lib/systemd/system/docker.socket /root/units;"
            "systemctl daemon-reload; groupdel docker")
    done = bare.install(deb)
    assert said(done) == ""
    assert (bare.state(), enabled(bare)) == ("inactive", "enabled")

    assert bare.sh("getent group docker")
    bare.sh("mv /root/units/* /lib/systemd/system; systemctl daemon-reload; systemctl start docker.socket docker.service")
    bare.until(lambda: bare.state() == "active", 10, "reaperd comes with the engine")


def test_where_the_admin_starts_no_services(bare: Box, deb: Path) -> None:
    """policy-rc.d forbids it, as in many an image's build."""
    bare.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
    engine = life(bare)
    assert said(bare.install(deb)) == ""
    assert (bare.state(), enabled(bare), life(bare)) == ("inactive", "enabled", engine)
    assert on_bus(bare, "Version") == ""


def test_masked_beforehand(bare: Box, deb: Path) -> None:
    """An admin who does not want it to run, whatever is installed."""
    bare.run("systemctl", "mask", "reaperd.service")
    # What is printed here is not ours: Debian's helper complains of any unit that was masked before it was there.
    bare.install(deb)
    assert (bare.state(), enabled(bare)) == ("inactive", "masked")
    assert bare.sh("readlink /etc/systemd/system/reaperd.service") == "/dev/null"


@pytest.mark.parametrize("policy", [False, True], ids=["plain", "policy-rc.d"])
def test_without_systemd_running(bare: Box, deb: Path, policy: bool) -> None:
    """Into the tree of another system, as when an image is built: it is ready, and nothing runs."""
    bare.sh("mkdir /tmp/upper /tmp/work && mount -t overlay -o lowerdir=/,upperdir=/tmp/upper,workdir=/tmp/work tree /mnt"
            " && mount -t proc proc /mnt/proc && mount -t tmpfs run /mnt/run")
    if policy:
        bare.write("/mnt/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
    bare.copy(deb, f"/mnt/root/{deb.name}")
    engine, users = life(bare), bare.read("/etc/passwd")
    done = bare.run("chroot", "/mnt", "dpkg", "-i", f"/root/{deb.name}", timeout=120)
    assert said(done) == ""
    bare.run("chroot", "/mnt", "test", "-L", WANTS)
    assert bare.run("chroot", "/mnt", "getent", "passwd", "reaperd").stdout
    assert "reaperd" in bare.run("chroot", "/mnt", "journalctl", "--no-pager", "--list-catalog").stdout

    # And none of it has come through to the system around it.
    assert (life(bare), bare.read("/etc/passwd")) == (engine, users)
    assert bare.sh("systemctl list-unit-files --no-legend 'reaperd*'", check=False) == ""
    assert bare.sh("pgrep -x reaperd", check=False) == ""

    done = bare.run("chroot", "/mnt", "dpkg", "--purge", "reaperd", timeout=120)
    assert said(done) == ""
    assert bare.read("/mnt/etc/passwd") == users
    assert bare.sh("find /mnt/etc /mnt/var/lib -path /mnt/var/lib/dpkg -prune -o -name '*reaperd*' -print") == ""
