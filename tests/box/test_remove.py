# SPDX-License-Identifier: Apache-2.0
"""Removing keeps what an admin may want to come back to; purging leaves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.box import Box
from package import failed, life, on_bus, said, told_by

EXAMPLES = ("tcp", "page-cache", "cgroup-pressure", "metrics")
COLLECTED = "/var/lib/prometheus/node-exporter"
# What belongs to others and changes by itself, or because anything at all was installed.
MOVING = (
    "/proc", "/sys", "/dev", "/tmp", "/root", "/var/lib/docker", "/var/lib/containerd", "/run/docker", "/run/containerd",
    "/var/lib/dpkg/status", "/var/lib/dpkg/status-old", "/var/lib/dpkg/available-old", "/var/lib/dpkg/triggers",
    "/var/lib/dpkg/lock", "/var/log", "/var/lib/systemd/catalog/database", "/var/lib/systemd/timers",
    "/var/lib/systemd/deb-systemd-helper-enabled", "/var/cache/debconf",
    "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock",
    "/run/systemd", "/run/log", "/run/user", "/run/utmp",
)


def snapshot(box: Box) -> dict[str, str]:
    """Every path with its type, mode, owner and target; files of /etc with their contents; what systemd and the
    journal know."""
    skipped = " -o ".join(f"-path {path}" for path in MOVING)
    paths = box.sh(rf"find / \( {skipped} \) -prune -o -printf '%p\t%y %m %U:%G %l\n'")
    contents = box.sh("find /etc -type f ! -name '*-' -exec sha256sum {} +")
    seen = dict(line.split("\t", 1) for line in paths.splitlines())
    seen |= {f"contents of {line.split(None, 1)[1]}": line.split()[0] for line in contents.splitlines()}
    for command in ("systemctl list-unit-files --no-pager --no-legend", "journalctl --no-pager --list-catalog",
                    "dpkg-query --show", "getent passwd", "getent group", "getent shadow",
                    "systemctl list-units --all --no-pager --no-legend 'reaperd*'",
                    "systemctl show --property=Wants --property=Before docker.service | grep -o reaperd.service",
                    "find /run/systemd /var/lib/systemd -name '*reaperd*'"):
        seen |= {f"{command}: {line}": "" for line in box.sh(command, check=False).splitlines()}
    return seen


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return [f"{key}: {before.get(key)!r} has become {after.get(key)!r}" for key in sorted(changed)]


def at_work(box: Box, deb: Path) -> None:
    box.install(deb)
    box.until(lambda: on_bus(box, "Version") == told_by(deb), 10, "reaperd has its name on the bus")


def test_removing_keeps_configuration_and_state(bare: Box, deb: Path) -> None:
    """And installed again it takes up where it was."""
    failures = failed(bare)
    at_work(bare, deb)
    engine = life(bare)
    bare.until(lambda: on_bus(bare, "FirstRunUntil") not in ("", "0"), 20, "the wait of the first start")
    bare.run("reaperctl", "reap", "--due")
    bare.configure("[Retention]\nSuccess=77min\n")
    bare.write("/etc/reaperd/reaperd.conf", bare.read("/etc/reaperd/reaperd.conf") + "[Reaper]\nQuarantineAfter=9\n")
    bare.run("reaperctl", "pause", "2h")
    until = on_bus(bare, "PausedUntil")
    kept = "cd / && find etc/reaperd var/lib/reaperd -type f -exec sha256sum {} + | sort"
    before = bare.sh(kept)
    assert "reaperd.conf.d" in before and "var/lib/reaperd" in before

    done = bare.run("dpkg", "--remove", "reaperd", timeout=120)
    assert said(done) == ""
    assert bare.state() == "inactive" and bare.sh("pgrep -x reaperd", check=False) == ""
    assert bare.sh(kept) == before
    assert bare.sh("getent passwd reaperd")
    assert life(bare) == engine
    assert failed(bare) == failures
    assert on_bus(bare, "Version") == ""

    at_work(bare, deb)
    assert bare.state() == "active" and life(bare) == engine
    bare.until(lambda: on_bus(bare, "EngineVersion") != "", 10, "it speaks to the engine")
    assert bare.sh(kept) == before
    assert (on_bus(bare, "PausedUntil"), on_bus(bare, "FirstRunUntil")) == (until, "0")
    assert "Success=1h 17min" in bare.sh("reaperd --print-config")


def test_purging_where_groups_outlive_their_users(bare: Box, deb: Path) -> None:
    """As guides to hardening have it."""
    bare.sh("sed -i '/^USERGROUPS_ENAB/d' /etc/login.defs; echo 'USERGROUPS_ENAB no' >>/etc/login.defs")
    before = snapshot(bare)
    at_work(bare, deb)
    assert bare.sh("getent group reaperd")
    assert said(bare.run("dpkg", "--purge", "reaperd", timeout=120)) == ""
    assert bare.sh("getent group reaperd", check=False) == ""
    assert differences(before, snapshot(bare)) == []


def test_purging_leaves_nothing(bare: Box, deb: Path) -> None:
    """Nor of what the documentation tells an admin to put there."""
    bare.sh(f"mkdir -p {COLLECTED} /etc/systemd/system.control")
    before, failures = snapshot(bare), failed(bare)
    at_work(bare, deb)
    engine = life(bare)
    bare.configure("[Metrics]\nTextFile=/run/reaperd-metrics/reaperd.prom\n[Retention]\nSuccess=1min\n")
    bare.sh("mkdir -p /run/reaperd/reaperd.conf.d; printf '[Engine]\\nSettleTime=0\\n' >/run/reaperd/reaperd.conf.d/a.conf")
    for name in EXAMPLES:
        bare.unit_dropin(bare.read(f"/usr/share/doc/reaperd/{name}.conf.example"), f"{name}.conf")
    bare.sh("systemctl set-property reaperd.service CPUWeight=50; systemctl daemon-reload; systemctl restart reaperd.service")
    bare.until(lambda: bare.sh(f"cat {COLLECTED}/reaperd.prom", check=False), 20, "metrics are in the collector's folder")
    bare.run("reaperctl", "pause", "2h")
    assert differences(before, snapshot(bare))

    done = bare.run("dpkg", "--purge", "reaperd", timeout=120)
    assert said(done) == ""
    assert life(bare) == engine
    assert differences(before, snapshot(bare)) == []
    assert failed(bare) == failures


@pytest.mark.parametrize("target, stays", [("/srv/other.prom", True), ("/run/reaperd-metrics/reaperd.prom", False)],
                         ids=["link-of-others", "stale-link"])
def test_purging_what_was_removed_before(bare: Box, deb: Path, target: str, stays: bool) -> None:
    """The programs are gone by then, the engine is stopped. In the collector's folder is a link that no stop of the
    unit takes away: one that leads elsewhere, or one of ours as a crash of the node leaves it."""
    link = f"ln -s {target} {COLLECTED}/reaperd.prom"
    bare.sh(f"mkdir -p {COLLECTED}")
    if stays:
        bare.sh(link)
    bare.run("systemctl", "stop", "docker.service", "docker.socket")
    before = snapshot(bare)
    bare.install(deb)
    bare.run("systemctl", "start", "docker.service")
    bare.until(lambda: on_bus(bare, "Version") == told_by(deb), 10, "reaperd has its name on the bus")
    bare.run("systemctl", "stop", "docker.service", "docker.socket")
    bare.run("systemctl", "mask", "reaperd.service")
    engine = life(bare)
    assert said(bare.run("dpkg", "--remove", "reaperd", timeout=120)) == ""
    if not stays:
        bare.sh(link)
    assert said(bare.run("dpkg", "--purge", "reaperd", timeout=120)) == ""
    assert life(bare) == engine
    assert differences(before, snapshot(bare)) == []
