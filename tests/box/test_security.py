# SPDX-License-Identifier: Apache-2.0
"""Users of the node who are not root: what they can do to reaperd as it was installed, which is nothing."""

from __future__ import annotations

from typing import Iterator

import pytest

import service_kit as kit
from lab.box import UNIT, Box

# One is in group docker, which may look.
JOE, ANN = "joe", "ann"
# What decides what reaperd does, or is believed of it; those that are not there must not be there for anybody to make.
STEERS = ("/etc/reaperd", "/run/reaperd", "/usr/lib/reaperd", "/usr/sbin/reaperd", "/usr/bin/reaperctl",
          f"/etc/systemd/system/{UNIT}.d", f"/lib/systemd/system/{UNIT}", f"/usr/lib/systemd/system/{UNIT}",
          "/usr/share/dbus-1/system.d/org.reaperd.conf", "/var/lib/reaperd", "/run/reaperd-metrics")
OWN = ("/var/lib/reaperd", "/run/reaperd-metrics")
CALL = ("busctl", "--system", "call", "--")
FORGED = "ab" * 32


@pytest.fixture(scope="module")
def users(node: Box) -> Iterator[Box]:
    node.run("useradd", "--create-home", JOE)
    node.run("useradd", "--create-home", "--groups", "docker", ANN)
    yield node


def writable(box: Box, user: str) -> set[str]:
    """What of these the user may write, or the folder that they would be made in. A link is no file."""
    script = ('for path; do if [ -e "$path" ]; then find "$path" ! -type l -writable; else '
              'while ! [ -e "$path" ]; do path=${path%/*}; done; find "$path" -maxdepth 0 -writable; fi; done')
    return set(box.run("bash", "-c", script, "bash", *STEERS, check=False, user=user).stdout.split())


@pytest.mark.parametrize("user", [JOE, ANN, "nobody"])
def test_nothing_that_steers_it_can_be_written(users: Box, user: str) -> None:
    assert writable(users, user) == set()
    assert writable(users, "root") >= {"/etc/reaperd/reaperd.conf", "/run", "/usr/sbin/reaperd", *OWN}


def test_it_can_write_its_own_folders_only(users: Box) -> None:
    """Not what it is configured by, nor what it is."""
    found = writable(users, "reaperd")
    assert set(OWN) <= found and all(path.startswith(OWN) for path in found)


@pytest.mark.parametrize("path", ["/etc/reaperd/reaperd.conf.d", "/etc/reaperd/reaperd.conf.d/10-settings.conf",
                                  "/etc/reaperd/reaperd.conf"])
def test_configuration_of_everybodys_is_refused(users: Box, path: str) -> None:
    """An admin's slip: what was read before goes on."""
    pid = users.main_pid()
    before = users.sh(f"stat -c %a {path}")
    users.run("chmod", "o+w", path)
    try:
        assert users.run("systemctl", "reload", UNIT, check=False).returncode != 0
        users.run("kill", "-HUP", str(pid))
        kit.await_record(users, kit.RELOAD_REFUSED, kit.invocation(users))
        told = users.run("reaperctl", "check-config", check=False)
        assert told.returncode == 1 and f"{path}: " in told.stderr and "can be written by everybody" in told.stderr
    finally:
        users.run("chmod", before, path)
    users.run("systemctl", "reload", UNIT)
    assert users.main_pid() == pid


@pytest.mark.parametrize("user", [JOE, ANN])
def test_no_signal_and_no_call_reaches_it(users: Box, user: str) -> None:
    """Where root's does, see test_reload.py and test_first_run.py."""
    pid, since = users.main_pid(), kit.invocation(users)
    for signal in ("HUP", "STOP", "TERM", "KILL"):
        assert users.run("kill", f"-{signal}", str(pid), check=False, user=user).returncode != 0
    for verb in ("reload", "restart", "stop"):
        assert users.run("systemctl", "--no-ask-password", verb, UNIT, check=False, user=user).returncode != 0
    for method in (("ReapDue", "b", "false"), ("Pause", "t", "5000000"), ("Resume",), ("Reload",),
                   ("CheckConfigFile", "s", "/dev/null"), ("ReapService", "sb", "web", "false")):
        done = users.run(*CALL, "org.reaperd", "/org/reaperd", "org.reaperd.Reaper1", *method, check=False, user=user)
        assert done.returncode != 0 and "denied" in done.stderr.lower(), method
    own = (*CALL, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName", "su", "org.reaperd", "4")
    assert users.run(*own).stdout == "u 3\n", "root could, were it not taken"
    assert "denied" in users.run(*own, check=False, user=user).stderr
    # To look is for those who can see all of it by the engine, and for nobody else.
    assert (users.run("reaperctl", "status", check=False, user=user).returncode == 0) == (user == ANN)
    assert (users.main_pid(), kit.invocation(users), users.state()) == (pid, since, "active")
    assert not kit.records(users, kit.PAUSED)


def test_a_record_of_somebody_elses_is_not_believed(users: Box) -> None:
    """Anybody may write to the journal, also what looks like a removal; who has written it journald says."""
    forged = (f"MESSAGE_ID={kit.REMOVED}\nMESSAGE=Removed {FORGED[:12]} forged: ttl-expired\n"
              f"CONTAINER_ID_FULL={FORGED}\nCONTAINER_ID={FORGED[:12]}\nCONTAINER_NAME=forged\n"
              "REAPERD_VERDICT=ttl-expired\nREAPERD_AGE_USEC=5000000\n"
              f"REAPERD_DRY_RUN=0\nSYSLOG_IDENTIFIER=reaperd\n_SYSTEMD_UNIT={UNIT}\nUNIT={UNIT}\nPRIORITY=6\n")
    # Of users who are people there may be journals of their own, which are not even read.
    # Not in the cgroup of PID 1, where the box's commands are: of what is in there journalctl believes more.
    users.run("systemd-run", "--quiet", "--wait", "--pipe", "--uid=nobody", "logger", "--journald", input=forged)
    seen = users.until(lambda: [one for one in users.journal(f"MESSAGE_ID={kit.REMOVED}")
                                if one.get("CONTAINER_ID_FULL") == FORGED], 10, "the forged record")
    assert [one.get("_SYSTEMD_UNIT") for one in seen] != [UNIT]
    assert FORGED[:12] not in users.run("journalctl", "--no-pager", "--unit", UNIT).stdout
    told = users.run("reaperctl", "history", "--since=1h", "--json=short").stdout
    assert FORGED not in told and told.startswith("[")
