# SPDX-License-Identifier: Apache-2.0
"""Runs the experiment as a user does: on a terminal of its own, or with its output in a pipe."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
from pathlib import Path
from typing import Any

from experiment.leftovers import left_by
from lab import host, until

TOP = Path(__file__).resolve().parent.parent.parent
PYTHON = "/usr/bin/python3"
LONG = 900.0        # seconds that a run may take on a busy machine
Process = tuple[int, str]       # pid, and when it began


class Running:
    """A run that goes on; use as a context manager, which ends it."""

    def __init__(self, arguments: list[str], terminal: bool) -> None:
        self.terminal = terminal
        self._text = bytearray()
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("SUDO_UID", "SUDO_GID", "NO_COLOR")}
        options: dict[str, Any] = {"cwd": TOP, "env": {**environment, "TERM": "xterm"}, "start_new_session": True}
        if terminal:
            self._end, other = pty.openpty()
            fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

            def foreground() -> None:
                """What a terminal sends to its foreground, Ctrl-C as well, goes to a session that has it."""
                fcntl.ioctl(other, termios.TIOCSCTTY, 0)
                signal.signal(signal.SIGINT, signal.SIG_DFL)    # the tests may run in a shell's background: no Ctrl-C

            options["preexec_fn"] = foreground
        else:
            self._end, other = os.pipe()
        self.process = subprocess.Popen([PYTHON, "-B", "-m", "experiment", *arguments], stdout=other, stderr=other,
                                        stdin=other if terminal else subprocess.DEVNULL, **options)
        os.close(other)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.wait()

    @property
    def output(self) -> str:
        return self._text.decode(errors="replace")

    @property
    def words(self) -> str:
        """The output however its lines are broken."""
        return " ".join(self.output.split())

    def control_c(self) -> None:
        """As a user types it."""
        os.write(self._end, b"\x03")

    def wait(self, timeout: float = LONG) -> int:
        self.process.wait(timeout)
        self._reader.join(10)
        return self.process.returncode

    def until(self, probe: Any, what: str) -> None:
        def checked() -> Any:
            assert self.process.poll() is None, f"ended with {self.process.returncode} before: {what}\n{self.output}"
            return probe()

        until(checked, LONG, what, poll=0.2)

    def _read(self) -> None:
        with contextlib.suppress(OSError):      # EIO: nobody has the terminal any more
            while data := os.read(self._end, 65536):
                self._text += data
        os.close(self._end)


def family(pid: int) -> set[Process]:
    """Everything that a run has brought to life: what descends from it, and what is in a cgroup of its nodes."""
    parents: dict[int, int] = {}
    began: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)], began[int(entry.name)] = int(fields[1]), fields[19]
    found = {int(word.split()[1]) for word in left_by(pid) if word.startswith("process ")}
    for root in {Path(point) for point, kind in host.mount_points() if kind in ("cgroup", "cgroup2")}:
        for procs in root.glob(f"rp-{pid}-*/**/cgroup.procs"):
            with contextlib.suppress(OSError):
                found.update(map(int, procs.read_text().split()))
    fresh = {pid} | found
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return {(each, began[each]) for each in found - {pid} if each in began}


def alive(processes: set[Process]) -> list[Process]:
    found = []
    for pid, began in processes:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if fields[19] == began and fields[0] not in "ZX":
                found.append((pid, began))
    return found
