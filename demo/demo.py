# SPDX-License-Identifier: Apache-2.0
"""reaperd at work on a real Swarm, in less than two minutes.

Starts a private Docker Engine (nothing of an engine of this machine is
touched), gives it a Swarm with busy services, lets stopped containers pile up,
runs reaperd, asks it on a private message bus what it did and why, and
compares that with the engine's own account.
Exit status: 0 if all is well, 1 if not, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True      # as root, it would leave files that a user cannot remove
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from lab import ApiError, Engine, LabError, host, missing_tools     # noqa: E402
from lab.bus import Bus                                             # noqa: E402
import console                                                      # noqa: E402
import measure                                                      # noqa: E402
import report                                                       # noqa: E402
from course import SETTINGS, Course, Trouble, introduction          # noqa: E402
from terminal import Terminal                                       # noqa: E402

DISK_NEEDED, MEMORY_NEEDED = 2500 * measure.MB, 500 * measure.MB
READING = 7.0           # seconds for the introduction
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# What an engine or a host in trouble leads to; anything else is a mistake of the demonstration.
EXPECTED = (ApiError, LabError, OSError, http.client.HTTPException, subprocess.TimeoutExpired)


class Interrupted(Exception):
    """Asked to end."""


class Demo:
    def __init__(self, binary: Path, terminal: Terminal) -> None:
        self._binary, self._terminal = binary, terminal
        self._began = time.monotonic()
        self._asked_to_end = False
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    def run(self) -> int:
        say = self._terminal.say
        self._check_host()
        say("reaperd removes stale stopped containers of Swarm tasks, and nothing else.", "title")
        say("A private Docker Engine is being started; an engine of this machine is not touched. "
            "These services will run on it:")
        self._terminal.lines(introduction())
        say("Swarm is told to keep its history, so that every container that disappears is reaperd's work. "
            "Its settings are short, to be seen at work (the defaults are an hour and more): "
            + " ".join(f"{key}={value}" for key, value in SETTINGS.items()))
        engine, bus = Engine(), Bus()
        try:
            self._bring_up(engine, bus)
            self._let_read()
            course = Course(engine, bus, self._terminal, self._go_on, self._began)
            facts = course.run(self._binary)
            faults = console.faults(course.answers) + report.faults(facts)
            say()
            self._terminal.lines(console.lines(course.answers))
            self._terminal.lines(report.table(facts))
            for fault in faults:
                say(fault, "bad")
            return 1 if faults else 0
        except EXPECTED:
            self._go_on()       # Ctrl-C reaches the tools that the lab runs, too
            raise
        finally:
            self._clean_up(engine, bus)

    def _on_signal(self, _number: int, _frame: Any) -> None:
        # Only noted: an exception out of the blue could hit anything.
        self._asked_to_end = True

    def _go_on(self) -> None:
        if self._asked_to_end or self._terminal.gone:
            raise Interrupted

    def _bring_up(self, engine: Engine, bus: Bus) -> None:
        try:
            bus.start()
            engine.start()
            self._go_on()
            engine.with_swarm()
            self._go_on()
        except EXPECTED as error:
            self._go_on()
            first, *log = str(error).splitlines() or [type(error).__name__]
            raise Trouble("\n".join([f"The private engine did not come up: {first}", *log[-2:]])) from None

    def _let_read(self) -> None:
        """The live view takes the screen; the idle engine also makes a better "before"."""
        self._terminal.say("The engine is up.")
        while time.monotonic() < self._began + READING:
            self._go_on()
            time.sleep(0.2)
        self._terminal.say()

    def _check_host(self) -> None:
        if os.geteuid():
            raise Trouble("The demo starts a private Docker Engine and must run as root: sudo make demo")
        missing = missing_tools() + ([] if shutil.which("dbus-daemon") else ["dbus-daemon"])
        if missing:
            raise Trouble(f"The demo needs {', '.join(missing)}: `make deps` installs or names it.")
        for binary in (self._binary, self._binary.with_name("reaperctl")):
            if not os.access(binary, os.X_OK):
                raise Trouble(f"{binary} is not there: build it first with `make`.")
        if shutil.disk_usage("/tmp").free < DISK_NEEDED:
            raise Trouble(f"The demo needs {DISK_NEEDED / 1e9:.1f} GB free under /tmp; it uses about 1 GB "
                          "for a minute and gives it back.")
        if measure.meminfo()["MemAvailable"] < MEMORY_NEEDED:
            raise Trouble(f"The demo needs {MEMORY_NEEDED // measure.MB} MB of available memory.")

    def _clean_up(self, engine: Engine, bus: Bus) -> None:
        # Ignored, and by the tools run from here too: half a cleaning up helps nobody.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        self._terminal.status("Interrupted; cleaning up ..." if self._asked_to_end else "Cleaning up ...")
        trouble = ""
        for each in (engine, bus):
            try:
                each.close()
            except EXPECTED as error:
                trouble += f" ({error})"
        left = [str(path) for path in (engine.dir, bus.dir, Path("/run/netns", engine.name)) if path.exists()]
        left += [str(path) for path in host.cgroup_folders(engine.name)]
        left += [f"process {pid}" for folder in (engine.dir, bus.dir) for pid in host.processes_naming(folder)]
        if left or trouble:
            self._terminal.status(f"Not cleaned up: {', '.join(left) or 'unknown'}{trouble}", "bad")
        else:
            self._terminal.status(("Interrupted. " if self._asked_to_end else "")
                                  + "Cleaned up: engine, containers, bus, namespace, cgroups, files.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Shows reaperd at work on a private Docker Engine.")
    parser.add_argument("--reaperd", type=Path, default=HERE.parent / "build" / "reaperd")
    binary = parser.parse_args().reaperd.resolve()
    terminal = Terminal()
    try:
        return Demo(binary, terminal).run()
    except Interrupted:
        return 130
    except Trouble as trouble:
        for line in str(trouble).splitlines():
            terminal.say(line, "bad")
    except EXPECTED as error:
        terminal.say(f"The demo cannot go on: {error}", "bad")
    finally:
        terminal.close()
    return 1


if __name__ == "__main__":
    sys.exit(main())
