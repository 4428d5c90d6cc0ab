# SPDX-License-Identifier: Apache-2.0
"""Runs the probe behind fences: in units of its own, and in reaperd's in place of the daemon."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Iterable, Mapping

from fence_table import OPEN_FILES, OPEN_FOLDERS, PRIVATE_FILE, PROBE, SETUID, SOMEBODY, Unit
from lab.box import UNIT, Box

SOURCES = Path(__file__).resolve().parent / "fences"
RESULTS = "/run/fences-results"
# Behind all other drop-ins.
PROBE_CONF = "zz-probe.conf"
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wformat=2", "-Wstrict-prototypes",
            "-Wmissing-prototypes", "-Werror")

# Where the box is closed by what it runs in and not by a fence, it is opened: as on a real node, root may write
# there. The null device has two more names: a device of the machine's, and the kernel's log, which a box lacks.
PREPARE = f"""
mount -o remount,rw,bind /proc/sys
mount -o remount,rw /sys
install -d -m 1777 {' '.join(OPEN_FOLDERS)}
install -d -m 755 {' '.join(sorted({str(Path(file).parent) for file in OPEN_FILES} - {'/tmp', '/var/tmp'}))}
for file in {' '.join(OPEN_FILES)}; do echo >"$file"; chmod 666 "$file"; done
echo >{PRIVATE_FILE}; chown {SOMEBODY} {PRIVATE_FILE}; chmod 600 {PRIVATE_FILE}
mknod -m 666 /dev/fences c 1 3
test -e /dev/kmsg || mknod -m 666 /dev/kmsg c 1 3
install -m 4755 {PROBE} {SETUID}
install -d {RESULTS}
install -d -m 777 "$1"
"""

OUTSIDE = f"""\
[Service]
Type=notify
KeyringMode=inherit
ExecStart={PROBE} outside
"""


def build(folder: Path) -> Path:
    """The probe; static, so that it runs in a box of any release."""
    probe = folder / "probe"
    done = subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-static", *WARNINGS, "-o", str(probe),
                           *map(str, sorted(SOURCES.glob("*.c")))], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return probe


class FenceLab:
    """A box that is prepared for the probe, and the unit as it is installed there."""

    def __init__(self, box: Box, probe: Path) -> None:
        self.box = box
        box.copy(probe, PROBE, 0o755)
        unified = "/sys/fs/cgroup/unified"
        has_both = box.run("test", "-d", unified, check=False).returncode == 0
        self.cgroup = unified if has_both else "/sys/fs/cgroup"
        self.memory = f"/sys/fs/cgroup/{'memory/' if has_both else ''}system.slice/docker.service/memory.stat"
        box.run("sh", "-euc", PREPARE, "sh", f"{self.cgroup}/fences")
        box.write("/run/systemd/system/fences-outside.service", OUTSIDE)
        box.run("systemctl", "daemon-reload")
        box.run("systemctl", "start", "fences-outside.service")
        self.unit = Unit.parse(box.read(box.show(UNIT, "FragmentPath")["FragmentPath"]))

    def acts(self, acts: Iterable[str]) -> list[str]:
        return [act.replace("{cgroup}", self.cgroup).replace("{memory}", self.memory) for act in acts]

    def run(self, units: Mapping[str, tuple[str, Iterable[str]]]) -> dict[str, dict[str, str]]:
        """Units by name: lines and acts. They run beside each other; what came of each act."""
        for name, (lines, acts) in units.items():
            self.box.write(f"/run/systemd/system/fences-{name}.service",
                           f"[Service]\nType=oneshot\n{lines}\n{self._command(name, acts)}")
        names = [f"fences-{name}.service" for name in units]
        self.box.run("systemctl", "daemon-reload")
        done = self.box.run("systemctl", "start", *names, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{self.box.sh('journalctl --no-pager -n 60')}"
        return {name: self._result(name, acts) for name, (_, acts) in units.items()}

    def inside(self, name: str, acts: Iterable[str], lines: str = "") -> dict[str, str]:
        """In reaperd.service, in place of the daemon. lines: more of its [Service] section."""
        acts = tuple(acts)
        self.box.run("systemctl", "stop", UNIT)
        self.box.run("systemctl", "reset-failed", UNIT, check=False)
        self.box.unit_dropin(f"[Service]\nType=oneshot\nWatchdogSec=0\nRestart=no\nExecStart=\nExecReload=\n"
                             f"{self._command(name, acts)}{lines}", PROBE_CONF)
        try:
            done = self.box.run("systemctl", "start", UNIT, check=False)
            assert done.returncode == 0, f"{done.stderr}\n{self.box.tail()}"
            return self._result(name, acts)
        finally:
            self.box.run("rm", f"/etc/systemd/system/{UNIT}.d/{PROBE_CONF}")
            self.box.run("systemctl", "daemon-reload")

    def _command(self, name: str, acts: Iterable[str]) -> str:
        self.box.run("rm", "-f", f"{RESULTS}/{name}")
        return f"ExecStart={PROBE} {shlex.join(self.acts(acts))}\nStandardOutput=file:{RESULTS}/{name}\n" \
               "StandardError=journal\n"

    def _result(self, name: str, acts: Iterable[str]) -> dict[str, str]:
        lines = self.box.read(f"{RESULTS}/{name}").splitlines()
        result = dict(line.split(" ", 1) for line in lines)
        assert list(result) == self.acts(dict.fromkeys(acts)), lines
        return result


def refused(result: str) -> bool:
    """By an error, or by the end of the process that tried."""
    return result.startswith("refused ") or result == "killed SYS"
